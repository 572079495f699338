/* XFRM messages as they are built: golden bytes written from the uapi's layout
 * (include/uapi/linux/xfrm.h), and room for them. */
#include "test_netlink_xfrm.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* --- SAs: golden bytes --- */

static void an_sas_fixed_part_has_the_uapis_layout(void **state)
{
    struct nl_sa sa = cbc_sa();

    (void)state;
    assert_int_equal(sizeof(struct xfrm_usersa_info), 224);
    sa.life =
        (struct nl_sa_life){.soft_bytes = 0x0102030405060708, .hard_packets = 9, .hard_add_s = 10};
    assert_true(nl_put_sa(&buf, 0x11, &sa));
    expect_at(4, "1000 0506 11000000 00000000");
    expect_at(SEL, "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
                   "0000 0000 0000 0000 0000 00 00 00 000000 00000000 00000000");
    expect_at(ID, "c6336401 00000000 00000000 00000000 c0ffee01 32 000000");
    expect_at(SADDR, "c0000201 00000000 00000000 00000000");
    expect_at(LFT, "0807060504030201 ffffffffffffffff ffffffffffffffff 0900000000000000"
                   "0000000000000000 0a00000000000000 0000000000000000 0000000000000000");
    expect_at(CURLFT, "00000000000000000000000000000000 00000000000000000000000000000000");
    expect_at(STATS, "00000000 00000000 00000000");
    expect_at(SEQ, "00000000 0700656b 0200 01 20 20 00000000000000");
}

static void an_sas_cipher_and_integrity_carry_bits_truncation_and_key(void **state)
{
    struct nl_sa sa = cbc_sa();
    size_t len, at;

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    at = attr(XFRMA_ALG_CRYPT, &len);
    assert_int_equal(len, 4 + 64 + 4 + 32);
    assert_string_equal((char *)buf.p + at + 4, "cbc(aes)");
    expect_at(at + 68,
              "00010000 e1e1e1e1e1e1e1e1 e1e1e1e1e1e1e1e1 e1e1e1e1e1e1e1e1 e1e1e1e1e1e1e1e1");
    at = attr(XFRMA_ALG_AUTH_TRUNC, &len);
    assert_int_equal(len, 4 + 64 + 8 + 32);
    assert_string_equal((char *)buf.p + at + 4, "hmac(sha256)");
    expect_at(at + 68, "00010000 80000000 a1a1a1a1");
    expect_no_attr(XFRMA_ALG_AEAD);
    expect_no_attr(XFRMA_ALG_AUTH); /* the kernel would truncate to what it thinks right */
}

static void an_aead_has_one_algorithm_with_the_salt_in_its_key(void **state)
{
    struct nl_sa sa = gcm_sa();
    size_t len, at;

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    at = attr(XFRMA_ALG_AEAD, &len);
    assert_int_equal(len, 4 + 64 + 8 + 36);
    assert_string_equal((char *)buf.p + at + 4, "rfc4106(gcm(aes))");
    expect_at(at + 68, "20010000 80000000 61616161");
    expect_no_attr(XFRMA_ALG_CRYPT);
    expect_no_attr(XFRMA_ALG_AUTH_TRUNC);
}

static void the_interface_is_named_and_nothing_that_was_not_asked_for(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_IF_ID, "0800 1f00 0700656b");
    for (uint16_t t = 1; t <= 40; t++)
        if (t != XFRMA_IF_ID && t != XFRMA_ALG_AEAD)
            expect_no_attr(t);
}

static void esp_in_udp_has_ports_in_network_order(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.encap = true;
    sa.encap_sport = 4500;
    sa.encap_dport = 1025;
    sa.mapping_max_s = 1;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_ENCAP, "1c00 0400 0200 1194 0401 0000 00000000 00000000 00000000 00000000");
    expect_attr(XFRMA_MTIMER_THRESH, "0800 2000 01000000");
    buf.len = 0;
    sa.dir = NL_SA_OUT; /* a 6.10 refuses the threshold there */
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_no_attr(XFRMA_MTIMER_THRESH);
}

static void a_window_up_to_32_without_esn_stands_in_the_fixed_part(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    assert_int_equal(buf.p[SEQ + 11], 32);
    assert_int_equal(buf.p[SEQ + 12], XFRM_STATE_AF_UNSPEC);
    expect_no_attr(XFRMA_REPLAY_ESN_VAL);
}

static void a_wider_window_needs_its_bitmap_and_no_esn(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.window = 33;
    assert_true(nl_put_sa(&buf, 1, &sa));
    assert_int_equal(buf.p[SEQ + 11], 0); /* the kernel refuses both */
    assert_int_equal(buf.p[SEQ + 12], XFRM_STATE_AF_UNSPEC);
    expect_attr(XFRMA_REPLAY_ESN_VAL, "2400 1700 02000000 00000000 00000000 00000000 00000000"
                                      "21000000 00000000 00000000");
}

static void the_widest_window_is_4096(void **state)
{
    struct nl_sa sa = cbc_sa();
    size_t len, at;

    (void)state;
    sa.window = NL_REPLAY_MAX;
    sa.esn = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    at = attr(XFRMA_REPLAY_ESN_VAL, &len);
    assert_int_equal(len, 4 + 24 + 512);
    expect_at(at + 4, "80000000 00000000 00000000 00000000 00000000 00100000");
    assert_int_equal(buf.p[SEQ + 12], XFRM_STATE_AF_UNSPEC | XFRM_STATE_ESN);
}

/* A kernel that isn't told the direction refuses ESN without a window; one that is refuses a window
 * where it can't be needed. */
static void esn_outbound_has_a_window_of_one_or_none_by_what_the_kernel_knows(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.dir = NL_SA_OUT;
    sa.window = 0;
    sa.esn = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_REPLAY_ESN_VAL,
                "2000 1700 01000000 00000000 00000000 00000000 00000000 01000000 00000000");
    expect_no_attr(NL_XFRMA_SA_DIR);
    buf.len = 0;
    sa.dir_known = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_REPLAY_ESN_VAL,
                "1c00 1700 00000000 00000000 00000000 00000000 00000000 00000000");
    expect_attr(NL_XFRMA_SA_DIR, "0500 2100 02");
}

static void the_direction_is_told_to_kernels_that_know_it_only(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.pcpu_set = true;
    sa.pcpu = 3;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_no_attr(NL_XFRMA_SA_DIR);
    expect_no_attr(NL_XFRMA_SA_PCPU);
    buf.len = 0;
    sa.dir_known = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(NL_XFRMA_SA_DIR, "0500 2100 01");
    expect_attr(NL_XFRMA_SA_PCPU, "0800 2300 03000000");
}

static void marks_offload_and_a_moved_sas_counters_have_their_attributes(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.mark_out = 0x10;
    sa.mark_out_mask = 0xf0;
    sa.offload = NL_OFFLOAD_CRYPTO;
    sa.offload_ifindex = 5;
    sa.used = (struct nl_sa_used){.bytes = 1000, .packets = 2, .add_s = 3, .use_s = 4};
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_SET_MARK, "0800 1d00 10000000");
    expect_attr(XFRMA_SET_MARK_MASK, "0800 1e00 f0000000");
    expect_attr(XFRMA_OFFLOAD_DEV, "0c00 1c00 05000000 02 000000");
    expect_attr(XFRMA_LTIME_VAL, "2400 0900 e803000000000000 0200000000000000"
                                 "0300000000000000 0400000000000000");
    buf.len = 0;
    sa.dir = NL_SA_OUT;
    sa.offload = NL_OFFLOAD_PACKET;
    sa.src = ip("2001:db8::1");
    sa.dst = ip("2001:db8::2");
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_OFFLOAD_DEV, "0c00 1c00 05000000 05 000000");
}

static void update_is_another_type_and_replaces(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa_update(&buf, 2, &sa));
    expect_at(4, "1a00 0501 02000000");
}

static void delete_and_get_name_the_sa(void **state)
{
    struct nl_sa_id id = {ip("198.51.100.1"), 0xc0ffee01};

    (void)state;
    assert_true(nl_put_sa_del(&buf, 10, &id));
    expect("28000000 1100 0500 0a000000 00000000"
           "c6336401 00000000 00000000 00000000 c0ffee01 0200 32 00");
    buf.len = 0;
    id.dst = ip("2001:db8::2");
    assert_true(nl_put_sa_get(&buf, 11, &id));
    expect("28000000 1200 0500 0b000000 00000000"
           "20010db8 00000000 00000000 00000002 c0ffee01 0a00 32 00");
}

static void an_spi_is_asked_for_in_a_range(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_spi_alloc(&buf, 12, &sa, 256, 0xffffffff));
    assert_int_equal(buf.len, 16 + 232 + 8);
    expect_at(4, "1600 0500 0c000000");
    expect_at(16 + 224, "00010000 ffffffff");
    expect_at(16 + 232, "0800 1f00 0700656b");
}

static void a_threshold_is_set_by_newae(void **state)
{
    struct nl_sa_id id = {ip("198.51.100.1"), 0xc0ffee01};

    (void)state;
    assert_int_equal(sizeof(struct xfrm_aevent_id), 48);
    assert_true(nl_put_sa_threshold(&buf, 13, &id, 1));
    expect("48000000 1e00 0501 0d000000 00000000"
           "c6336401 00000000 00000000 00000000 c0ffee01 0200 32 00"
           "00000000 00000000 00000000 00000000 00000000 00000000"
           "0800 0b00 01000000");
}

static void dumps_have_no_ack(void **state)
{
    (void)state;
    assert_true(nl_put_sa_dump(&buf, 14));
    expect("10000000 1200 0103 0e000000 00000000"); /* what follows would be read as attributes */
    buf.len = 0;
    assert_true(nl_put_policy_dump(&buf, 15));
    assert_int_equal(buf.len, 16 + sizeof(struct xfrm_userpolicy_id));
    expect_at(4, "1500 0103 0f000000");
}

/* --- policies: golden bytes --- */

#define OUT_SEL                                                                                    \
    "0a020000 00000000 00000000 00000000 0a010000 00000000 00000000 00000000"                      \
    "0000 0000 0000 0000 0200 18 10 00 000000 00000000 00000000"

static void a_policy_has_the_uapis_layout(void **state)
{
    struct nl_policy p = out_policy();

    (void)state;
    assert_int_equal(sizeof(struct xfrm_userpolicy_info), 168);
    assert_true(nl_put_policy(&buf, 16, &p, false));
    assert_int_equal(buf.len, 16 + 168 + 4 + 64 + 8);
    expect_at(4, "1300 0506 10000000");
    expect_at(16, OUT_SEL);
    expect_at(16 + 56, "ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff"
                       "0000000000000000 0000000000000000 0000000000000000 0000000000000000");
    expect_at(16 + 56 + 64 + 32, "34120000 00000000 01 00 00 00 00000000");
    expect_at(16 + 168, "4400 0500"
                        "c6336401 00000000 00000000 00000000 c0ffee01 32 000000 0200 0000"
                        "c0000201 00000000 00000000 00000000 0700656b 01 00 00 00"
                        "ffffffff ffffffff ffffffff");
    expect_at(16 + 168 + 68, "0800 1f00 0700656b");
}

static void an_updated_policy_takes_the_old_ones_place(void **state)
{
    struct nl_policy p = out_policy();

    (void)state;
    assert_true(nl_put_policy(&buf, 17, &p, true));
    expect_at(4, "1900 0505 11000000");
}

static void a_bypass_has_no_template_and_a_block_says_so(void **state)
{
    struct nl_policy p = {
        .sel = flow("192.0.2.1/32", "0.0.0.0/0"), .dir = NL_POLICY_OUT, .priority = 75};

    (void)state;
    p.sel.proto = 17;
    p.sel.sport = 500;
    p.sel.sport_mask = 0xffff;
    assert_true(nl_put_policy(&buf, 18, &p, false));
    assert_int_equal(buf.len, 16 + 168);
    expect_at(16 + 32, "0000 0000 01f4 ffff 0200 00 20 11");
    expect_at(16 + 160, "01 00 00 00");
    buf.len = 0;
    p.block = true;
    assert_true(nl_put_policy(&buf, 18, &p, false));
    expect_at(16 + 160, "01 01 00 00");
}

static void a_policy_of_packet_offload_names_the_device(void **state)
{
    struct nl_policy p = out_policy();
    size_t plain;

    (void)state;
    assert_true(nl_put_policy(&buf, 1, &p, true));
    plain = buf.len;
    buf.len = 0;
    p.offload_ifindex = 4;
    assert_true(nl_put_policy(&buf, 1, &p, true));
    assert_int_equal(buf.len, plain + 12);
    expect_at(plain, "0c00 1c00 04000000 04 000000");
}

static void a_policy_is_deleted_and_asked_for_by_direction_selector_and_interface(void **state)
{
    struct nl_policy p = out_policy();

    (void)state;
    assert_true(nl_put_policy_del(&buf, 19, &p));
    expect("58000000 1400 0500 13000000 00000000" OUT_SEL "00000000 01 000000 0800 1f00 0700656b");
    buf.len = 0;
    assert_true(nl_put_policy_get(&buf, 20, &p));
    expect_at(4, "1500 0500 14000000");
}

/* --- interfaces --- */

static void an_xfrm_interface_is_made_and_deleted(void **state)
{
    (void)state;
    assert_true(nl_put_link_xfrm(&buf, 21, "azure1", 0x6b650007, 0));
    expect("48000000 1000 0506 15000000 00000000"
           "00 00 0000 00000000 00000000 00000000"
           "0b00 0300 617a75726531 00 00"
           "1c00 1280 0900 0100 7866726d 00 000000"
           "0c00 0280 0800 0200 0700656b");
    buf.len = 0;
    assert_true(nl_put_link_xfrm(&buf, 21, "azure1", 0x6b650007, 5)); /* in the VRF 5, outside */
    expect("50000000 1000 0506 15000000 00000000"
           "00 00 0000 00000000 00000000 00000000"
           "0b00 0300 617a75726531 00 00"
           "2400 1280 0900 0100 7866726d 00 000000"
           "1400 0280 0800 0100 05000000 0800 0200 0700656b");
    buf.len = 0;
    assert_true(nl_put_link_del(&buf, 22, 9));
    expect("20000000 1100 0500 16000000 00000000"
           "00 00 0000 09000000 00000000 00000000");
}

static void an_xfrm_interface_is_known_by_its_kind(void **state)
{
    struct nl_event e;
    struct kd_bytes d;

    (void)state;
    assert_true(nl_put_link_xfrm(&buf, 21, "azure1", 0x6b650007, 0));
    buf.p[20] = 9; /* ifi_index */
    d = kd_bytes(buf.p, buf.len);
    assert_true(nl_next(&d, &e));
    assert_string_equal(e.text, "");
    assert_int_equal(e.kind, NL_LINK);
    assert_true(e.link.xfrm);
    assert_int_equal(e.link.if_id, 0x6b650007);
    buf.p[buf.len - 20] = 'X'; /* another kind */
    d = kd_bytes(buf.p, buf.len);
    assert_true(nl_next(&d, &e));
    assert_int_equal(e.kind, NL_LINK);
    assert_false(e.link.xfrm);
    buf.p[buf.len - 20] = 'x';
    buf.p[buf.len - 8] = 7; /* the if_id cut */
    d = kd_bytes(buf.p, buf.len);
    assert_true(nl_next(&d, &e));
    assert_int_equal(e.kind, NL_OTHER);
    assert_string_equal(e.text, "link: malformed kind");
}

/* --- room, and keys --- */

static bool put_any(struct nl_buf *b, int i)
{
    struct nl_sa sa = full_sa(false);
    struct nl_sa_id id = {sa.dst, sa.spi};
    struct nl_policy p = out_policy();

    switch (i) {
    case 0:
        return nl_put_sa(b, 1, &sa);
    case 1:
        return nl_put_sa_update(b, 1, &sa);
    case 2:
        return nl_put_sa_get(b, 1, &id);
    case 3:
        return nl_put_spi_alloc(b, 1, &sa, 256, 300);
    case 4:
        return nl_put_sa_threshold(b, 1, &id, 1);
    case 5:
        return nl_put_policy(b, 1, &p, false);
    case 6:
        return nl_put_policy_del(b, 1, &p);
    case 7:
        return nl_put_sa_dump(b, 1);
    case 8:
        return nl_put_policy_dump(b, 1);
    default:
        return nl_put_link_xfrm(b, 1, "a", 1, 2);
    }
}
#define N_ANY 10

static void exact_room_is_enough_one_byte_less_appends_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < N_ANY; i++) {
        struct nl_buf b = {.p = room, .cap = sizeof(room)};
        size_t len;

        assert_true(put_any(&b, i));
        len = b.len;
        memset(room, 0xee, sizeof(room));
        b = (struct nl_buf){.p = room, .cap = 8 + len - 1, .len = 8};
        assert_false(put_any(&b, i));
        assert_int_equal(b.len, 8);
        for (size_t k = 0; k < sizeof(room); k++)
            assert_int_equal(room[k], 0xee);
        b.cap++;
        assert_true(put_any(&b, i));
        assert_int_equal(b.len, b.cap);
    }
}

static void the_largest_sa_fits(void **state)
{
    struct nl_sa sa = full_sa(true);

    (void)state;
    sa.window = NL_REPLAY_MAX;
    sa.encr.key_len = sa.integ.key_len = NL_SA_KEY_MAX;
    sa.used.packets = 1;
    assert_true(nl_put_sa(&buf, 1, &sa));
    feed_back(NL_XFRM_SA);
    assert_int_equal(ev.sa.window, NL_REPLAY_MAX);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_sas_fixed_part_has_the_uapis_layout),
        T(an_sas_cipher_and_integrity_carry_bits_truncation_and_key),
        T(an_aead_has_one_algorithm_with_the_salt_in_its_key),
        T(the_interface_is_named_and_nothing_that_was_not_asked_for),
        T(esp_in_udp_has_ports_in_network_order),
        T(a_window_up_to_32_without_esn_stands_in_the_fixed_part),
        T(a_wider_window_needs_its_bitmap_and_no_esn),
        T(the_widest_window_is_4096),
        T(esn_outbound_has_a_window_of_one_or_none_by_what_the_kernel_knows),
        T(the_direction_is_told_to_kernels_that_know_it_only),
        T(marks_offload_and_a_moved_sas_counters_have_their_attributes),
        T(update_is_another_type_and_replaces),
        T(delete_and_get_name_the_sa),
        T(an_spi_is_asked_for_in_a_range),
        T(a_threshold_is_set_by_newae),
        T(dumps_have_no_ack),
        T(a_policy_has_the_uapis_layout),
        T(an_updated_policy_takes_the_old_ones_place),
        T(a_bypass_has_no_template_and_a_block_says_so),
        T(a_policy_of_packet_offload_names_the_device),
        T(a_policy_is_deleted_and_asked_for_by_direction_selector_and_interface),
        T(an_xfrm_interface_is_made_and_deleted),
        T(an_xfrm_interface_is_known_by_its_kind),
        T(exact_room_is_enough_one_byte_less_appends_nothing),
        T(the_largest_sa_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
