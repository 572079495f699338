/* Inner packets: sizes that fit, MSS clamping, flows for the selector checks. */
#include "test_esp.h"

/* ---- sizes (facts/azure.md 1.7) ---- */

static void inner_mtus_are_those_of_the_field(void **st KD_UNUSED)
{
    const struct kc_alg *cbc = kc_alg_by_name("aes256"), *gcm = kc_alg_by_name("aes256gcm16");
    const struct kc_alg *sha1 = kc_alg_by_name("sha1"), *none = kc_alg_by_name("integnone");

    assert_int_equal(esp_inner_mtu(cbc, sha1, 4, true, 1500), 1422);
    assert_int_equal(esp_inner_mtu(gcm, NULL, 4, true, 1500), 1438);
    for (uint32_t inner = 1300; inner < 1400; inner++) { /* and back: it just fits */
        uint32_t outer = esp_outer_len(cbc, sha1, 4, true, inner);
        assert_true(esp_inner_mtu(cbc, sha1, 4, true, outer) >= inner);
        assert_true(esp_inner_mtu(cbc, sha1, 4, true, outer - 1) < inner);
        outer = esp_outer_len(gcm, NULL, 6, false, inner);
        assert_true(esp_inner_mtu(gcm, NULL, 6, false, outer) >= inner);
        assert_true(esp_inner_mtu(gcm, NULL, 6, false, outer - 1) < inner);
    }
    assert_int_equal(esp_inner_mtu(cbc, sha1, 4, false, 1500), 1438);
    assert_int_equal(esp_inner_mtu(gcm, NULL, 4, false, 1500), 1446);
    assert_int_equal(esp_inner_mtu(cbc, sha1, 4, true, 1400), 1326);
    assert_int_equal(esp_inner_mtu(gcm, none, 4, true, 1400), 1338);
    assert_int_equal(esp_inner_mtu(gcm, NULL, 6, true, 1500), 1418);
    assert_int_equal(esp_inner_mtu(kc_alg_by_name("null"), sha1, 4, false, 1500), 1458);
}

static void an_outer_mtu_too_small_for_anything_gives_0(void **st KD_UNUSED)
{
    const struct kc_alg *gcm = kc_alg_by_name("aes256gcm16");

    assert_int_equal(esp_inner_mtu(gcm, NULL, 4, false, 0), 0);
    assert_int_equal(esp_inner_mtu(gcm, NULL, 4, false, 55), 0);
    assert_int_equal(esp_inner_mtu(gcm, NULL, 4, false, 56), 2); /* one block less its trailer */
}

/* ---- MSS ---- */

static uint32_t sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    return len % 2 ? sum + ((uint32_t)p[len - 1] << 8) : sum;
}

/* The TCP checksum by definition; 0 over a packet whose checksum is right. */
static uint16_t tcp_sum(const uint8_t *pkt, size_t at, size_t len)
{
    const size_t addrs = pkt[0] >> 4 == 4 ? 12 : 8, n = pkt[0] >> 4 == 4 ? 8 : 32;
    uint32_t sum = sum_of(pkt + addrs, n, 6 + (uint32_t)(len - at));

    sum = sum_of(pkt + at, len - at, sum);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* A TCP header with these options behind the IP header that ends at `at`; gives the whole length.
 */
static size_t put_tcp(uint8_t *pkt, size_t at, uint8_t flags, const uint8_t *opt, size_t opt_len)
{
    size_t len = at + 20 + opt_len;
    uint16_t sum;

    memset(pkt + at, 0, 20);
    put16(pkt + at, 40000);
    put16(pkt + at + 2, 179);
    pkt[at + 4] = 0x5a;
    pkt[at + 12] = (uint8_t)((20 + opt_len) / 4 << 4);
    pkt[at + 13] = flags;
    put16(pkt + at + 14, 64240);
    memcpy(pkt + at + 20, opt, opt_len);
    if (pkt[0] >> 4 == 4)
        put16(pkt + 2, len);
    else
        put16(pkt + 4, len - 40);
    sum = tcp_sum(pkt, at, len);
    put16(pkt + at + 16, sum);
    return len;
}

static size_t syn_v4(uint8_t *pkt, uint8_t flags, const void *opt, size_t opt_len)
{
    make_v4(pkt, 20, 6);
    return put_tcp(pkt, 20, flags, opt, opt_len);
}

static void an_mss_above_the_clamp_is_lowered_and_the_checksum_stays_right(void **st KD_UNUSED)
{
    static const struct {
        const char *opt;
        size_t len, at;
    } t[] = {
        {"\x02\x04\x05\xb4", 4, 2},
        {"\x01\x02\x04\x05\xb4\x01\x01\x00", 8, 3}, /* an odd place */
        {"\x01\x01\x02\x04\x05\xb4\x01\x01", 8, 4},
        {"\x04\x02\x08\x0a\0\0\0\x01\0\0\0\0\x02\x04\x05\xb4", 16, 14},
        {"\x03\x03\x07\x02\x04\x05\xb4\x00", 8, 5}, /* behind an odd option */
    };
    uint8_t pkt[128];

    for (size_t i = 0; i < KD_ARRAY_LEN(t); i++) {
        for (uint16_t mss = 536; mss < 1460; mss = (uint16_t)(mss + 77)) {
            size_t len = syn_v4(pkt, i % 2 ? 0x12 : 0x02, t[i].opt, t[i].len);
            assert_true(esp_mss_clamp(pkt, len, mss));
            assert_int_equal(pkt[40 + t[i].at] << 8 | pkt[41 + t[i].at], mss);
            assert_int_equal(tcp_sum(pkt, 20, len), 0);
            assert_false(esp_mss_clamp(pkt, len, mss)); /* done */
        }
    }
}

static void ipv6_is_clamped_behind_extension_headers(void **st KD_UNUSED)
{
    static const uint8_t opt[4] = {2, 4, 0x05, 0xa0};
    uint8_t pkt[160];
    size_t len;

    make_v6(pkt, 40, 6);
    len = put_tcp(pkt, 40, 2, opt, 4);
    assert_true(esp_mss_clamp(pkt, len, 1350));
    assert_int_equal(pkt[62] << 8 | pkt[63], 1350);
    assert_int_equal(tcp_sum(pkt, 40, len), 0);

    make_v6(pkt, 56, 60); /* destination options of 16 bytes */
    memset(pkt + 40, 0, 16);
    pkt[40] = 6;
    pkt[41] = 1;
    len = put_tcp(pkt, 56, 2, opt, 4);
    assert_true(esp_mss_clamp(pkt, len, 1350));
    assert_int_equal(tcp_sum(pkt, 56, len), 0);
}

static void an_mss_at_or_below_the_clamp_and_no_syn_are_left_alone(void **st KD_UNUSED)
{
    uint8_t pkt[64];
    size_t len = syn_v4(pkt, 2, "\x02\x04\x05\x46", 4); /* 1350 */

    assert_false(esp_mss_clamp(pkt, len, 1350));
    assert_true(esp_mss_clamp(pkt, len, 1349));
    len = syn_v4(pkt, 2, "\x02\x04\xff\xff", 4);
    assert_false(esp_mss_clamp(pkt, len, UINT16_MAX)); /* off */
    len = syn_v4(pkt, 0x10, "\x02\x04\x05\xb4", 4);
    assert_false(esp_mss_clamp(pkt, len, 1000));
    len = syn_v4(pkt, 2, "", 0);
    assert_false(esp_mss_clamp(pkt, len, 1000));
}

static void malformed_options_and_headers_are_left_alone(void **st KD_UNUSED)
{
    static const struct {
        const char *opt;
        size_t len;
    } t[] = {
        {"\x02\x03\x05\xb4", 4}, /* MSS of a wrong length */
        {"\x02\x05\x05\xb4\x00\x00\x00\x00", 8},
        {"\x01\x02\x04\x05", 4},                 /* runs out of the header */
        {"\x01\x01\x01\x02", 4},                 /* no length */
        {"\x08\x00\x02\x04\x05\xb4\x00\x00", 8}, /* length 0: would never end */
        {"\x08\x01\x02\x04\x05\xb4\x00\x00", 8},
        {"\x08\x0a\x02\x04\x05\xb4\x00\x00", 8}, /* jumps out */
        {"\x00\x02\x04\x05\xb4\x00\x00\x00", 8}, /* behind the end of the list */
    };
    uint8_t pkt[128], before[128];

    for (size_t i = 0; i < KD_ARRAY_LEN(t); i++) {
        size_t len = syn_v4(pkt, 2, t[i].opt, t[i].len);
        memcpy(before, pkt, len);
        assert_false(esp_mss_clamp(pkt, len, 500));
        assert_memory_equal(pkt, before, len);
    }
    for (size_t cut = 0; cut < 44; cut++) { /* and every shorter packet than its header says */
        size_t len = syn_v4(pkt, 2, "\x02\x04\x05\xb4", 4);
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, pkt, cut);
        assert_false(esp_mss_clamp(exact, cut, 500));
        assert_true(len == 44);
        put16(pkt + 2, cut); /* also when the IP header agrees */
        memcpy(exact, pkt, cut);
        assert_false(esp_mss_clamp(exact, cut, 500));
        free(exact);
    }
}

static void fragments_are_not_clamped_but_the_first_may_be(void **st KD_UNUSED)
{
    uint8_t pkt[64];
    size_t len = syn_v4(pkt, 2, "\x02\x04\x05\xb4", 4);

    pkt[7] = 1;
    assert_false(esp_mss_clamp(pkt, len, 500));
    pkt[7] = 0;
    pkt[6] = 0x20;
    assert_true(esp_mss_clamp(pkt, len, 500));
}

/* ---- flows ---- */

static void a_flow_has_addresses_protocol_and_ports(void **st KD_UNUSED)
{
    char a[KD_ADDR_STR_MAX];
    struct esp_flow f;
    uint8_t pkt[80];

    make_v4(pkt, 28, 17);
    put16(pkt + 20, 500);
    put16(pkt + 22, 4500);
    assert_true(esp_flow_of(pkt, 28, &f));
    assert_string_equal(kd_addr_str(&f.src, a), "10.0.0.1");
    assert_string_equal(kd_addr_str(&f.dst, a), "10.0.0.2");
    assert_int_equal(f.proto, 17);
    assert_int_equal(f.sport, 500);
    assert_int_equal(f.dport, 4500);
    make_v6(pkt, 60, 6);
    put16(pkt + 40, 179);
    put16(pkt + 42, 50000);
    assert_true(esp_flow_of(pkt, 80, &f)); /* bytes behind the packet don't matter */
    assert_string_equal(kd_addr_str(&f.src, a), "2001:db8::1");
    assert_string_equal(kd_addr_str(&f.dst, a), "2001:db8::2");
    assert_int_equal(f.sport, 179);
    assert_int_equal(f.dport, 50000);
}

static void icmp_type_and_code_stand_as_ports(void **st KD_UNUSED)
{
    struct esp_flow f;
    uint8_t pkt[48];

    make_v4(pkt, 28, 1);
    put16(pkt + 20, 0x0800);
    assert_true(esp_flow_of(pkt, 28, &f));
    assert_int_equal(f.sport, 0x0800);
    assert_int_equal(f.dport, 0x0800);
    make_v4(pkt, 20, 47); /* others have none */
    assert_true(esp_flow_of(pkt, 20, &f));
    assert_int_equal(f.sport | f.dport, 0);
}

static void ipv4_options_are_passed_over(void **st KD_UNUSED)
{
    struct esp_flow f;
    uint8_t pkt[32];

    make_v4(pkt, 32, 17);
    pkt[0] = 0x47;
    put16(pkt + 28, 53);
    put16(pkt + 30, 54);
    assert_true(esp_flow_of(pkt, 32, &f));
    assert_int_equal(f.sport, 53);
    pkt[0] = 0x49; /* longer than the packet */
    assert_false(esp_flow_of(pkt, 32, &f));
}

static void later_fragments_have_ports_0_and_first_ones_theirs(void **st KD_UNUSED)
{
    struct esp_flow f;
    uint8_t pkt[64];

    make_v4(pkt, 28, 17);
    put16(pkt + 20, 7);
    pkt[6] = 0x20;
    assert_true(esp_flow_of(pkt, 28, &f));
    assert_int_equal(f.sport, 7);
    pkt[7] = 3;
    assert_true(esp_flow_of(pkt, 28, &f));
    assert_int_equal(f.sport, 0);
    assert_int_equal(f.proto, 17);

    make_v6(pkt, 56, 44);
    memset(pkt + 40, 0, 8);
    pkt[40] = 6;
    pkt[43] = 1; /* more to come, offset 0 */
    put16(pkt + 48, 179);
    assert_true(esp_flow_of(pkt, 56, &f));
    assert_int_equal(f.proto, 6);
    assert_int_equal(f.sport, 179);
    pkt[43] = 8; /* offset 1 */
    assert_true(esp_flow_of(pkt, 56, &f));
    assert_int_equal(f.proto, 6);
    assert_int_equal(f.sport, 0);
}

static void extension_headers_are_passed_over_up_to_a_bound(void **st KD_UNUSED)
{
    struct esp_flow f;
    uint8_t pkt[256];

    for (size_t n = 0; n <= 9; n++) {
        make_v6(pkt, 40 + n * 8 + 8, n ? 0 : 17);
        for (size_t i = 0; i < n; i++) {
            memset(pkt + 40 + i * 8, 0, 8);
            pkt[40 + i * 8] = i + 1 < n ? 60 : 17;
        }
        put16(pkt + 40 + n * 8, 1234);
        assert_true(esp_flow_of(pkt, 40 + n * 8 + 8, &f) == (n <= 8));
        if (n <= 8)
            assert_int_equal(f.sport, 1234);
    }
    make_v6(pkt, 48, 43);
    memset(pkt + 40, 0, 8);
    pkt[40] = 17;
    pkt[41] = 1; /* says 16 bytes of 8 */
    assert_false(esp_flow_of(pkt, 48, &f));
    make_v6(pkt, 40, 59); /* nothing behind, and so it says */
    assert_true(esp_flow_of(pkt, 40, &f));
    assert_int_equal(f.proto, 59);
}

static void every_truncation_is_malformed(void **st KD_UNUSED)
{
    struct esp_flow f;
    uint8_t pkt[64];

    for (size_t cut = 0; cut < 28; cut++) {
        uint8_t *exact = malloc(cut + 1);
        make_v4(pkt, 28, 17);
        memcpy(exact, pkt, cut);
        assert_false(esp_flow_of(exact, cut, &f));
        free(exact);
    }
    for (size_t cut = 0; cut < 48; cut++) {
        uint8_t *exact = malloc(cut + 1);
        make_v6(pkt, 48, 17);
        memcpy(exact, pkt, cut);
        assert_false(esp_flow_of(exact, cut, &f));
        free(exact);
    }
    make_v4(pkt, 23, 6); /* a first fragment without its ports */
    assert_false(esp_flow_of(pkt, 23, &f));
    make_v4(pkt, 24, 6);
    assert_true(esp_flow_of(pkt, 24, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_mtus_are_those_of_the_field),
        cmocka_unit_test(an_outer_mtu_too_small_for_anything_gives_0),
        cmocka_unit_test(an_mss_above_the_clamp_is_lowered_and_the_checksum_stays_right),
        cmocka_unit_test(ipv6_is_clamped_behind_extension_headers),
        cmocka_unit_test(an_mss_at_or_below_the_clamp_and_no_syn_are_left_alone),
        cmocka_unit_test(malformed_options_and_headers_are_left_alone),
        cmocka_unit_test(fragments_are_not_clamped_but_the_first_may_be),
        cmocka_unit_test(a_flow_has_addresses_protocol_and_ports),
        cmocka_unit_test(icmp_type_and_code_stand_as_ports),
        cmocka_unit_test(ipv4_options_are_passed_over),
        cmocka_unit_test(later_fragments_have_ports_0_and_first_ones_theirs),
        cmocka_unit_test(extension_headers_are_passed_over_up_to_a_bound),
        cmocka_unit_test(every_truncation_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
