/* UPDATEs that are built and read back, AS numbers of four octets among speakers of two (RFC 6793),
 * and random ones. */
#include "test_bgp_update.h"

/* ---- four-octet AS numbers (RFC 6793) ---- */

static void as4_path_is_merged_behind_the_old_speakers(void **state)
{
    /* AS_PATH 65000 23456 23456, AS4_PATH 70000 80000 */
    static const uint8_t attrs[] = {ORIGIN_IGP, NEXT_HOP, 0x40, 2,    8,    2,  3,    0xfd, 0xe8,
                                    0x5b,       0xa0,     0x5b, 0xa0, 0xc0, 17, 10,   2,    2,
                                    0,          1,        0x11, 0x70, 0,    1,  0x38, 0x80};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, false, false);
    uint32_t asn[8];

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(bgp_aspath_flatten(u.attrs.as_path, asn, 8), 3);
    assert_int_equal(asn[0], 65000);
    assert_int_equal(asn[1], 70000);
    assert_int_equal(asn[2], 80000);
}

static void a_longer_as4_path_is_ignored(void **state)
{
    static const uint8_t attrs[] = {ORIGIN_IGP, NEXT_HOP, 0x40, 2,  4,    2,   1, 0xfd,
                                    0xe8,       0xc0,     17,   10, 2,    2,   0, 1,
                                    0x11,       0x70,     0,    1,  0x38, 0x80};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, false, false);
    uint32_t asn[8];

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(bgp_aspath_flatten(u.attrs.as_path, asn, 8), 1);
    assert_int_equal(asn[0], 65000);
}

static void as4_attributes_are_stale_behind_a_real_aggregator(void **state)
{
    /* AGGREGATOR of AS 65001, not AS_TRANS: AS4_PATH isn't used either */
    static const uint8_t attrs[] = {ORIGIN_IGP, NEXT_HOP, 0x40, 2, 6,    2,    2, 0xfd, 0xe8, 0x5b,
                                    0xa0,       0xc0,     7,    6, 0xfd, 0xe9, 1, 1,    1,    1,
                                    0xc0,       17,       6,    2, 1,    0,    1, 0x11, 0x70, 0xc0,
                                    18,         8,        0,    1, 0x11, 0x70, 2, 2,    2,    2};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, false, false);
    uint32_t asn[8];

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(u.attrs.aggregator_as, 65001);
    bgp_aspath_flatten(u.attrs.as_path, asn, 8);
    assert_int_equal(asn[1], BGP_AS_TRANS);
}

static void prepending_fills_the_first_segment_up_to_255(void **state)
{
    uint8_t a[4096], b[4096];
    uint32_t own[2] = {65515, 65515}, out[300];
    struct kd_writer w;
    struct kd_bytes path = {0};

    (void)state;
    for (int i = 0; i < 130; i++) {
        uint8_t *to = i % 2 ? b : a;
        kd_writer_init(&w, to, sizeof(a));
        bgp_aspath_prepend(&w, own, 2, path);
        assert_true(w.ok);
        path = kd_written(&w);
        assert_true(bgp_aspath_ok(path, 4, false));
        assert_int_equal(bgp_aspath_length(path), 2 * (i + 1));
    }
    assert_int_equal(bgp_aspath_flatten(path, out, 300), 260);
    assert_int_equal(path.len, 260 * 4 + 2 * 2);
}

/* ---- building and reading back ---- */

static void attributes_round_trip_for_new_and_old_speakers(void **state)
{
    static const uint8_t path[] = {2, 2, 0, 1, 0x11, 0x70, 0, 0, 0xfd, 0xe8};
    static const uint8_t communities[] = {0xff, 0xff, 0xff, 1}, ext[8] = {1}, large[12] = {2};
    static const uint8_t unknown[] = {0xe0, 99, 2, 7, 7};
    struct bgp_attrs a = {
        .has = BGP_HAS(BGP_A_ORIGIN) | BGP_HAS(BGP_A_AS_PATH) | BGP_HAS(BGP_A_NEXT_HOP) |
               BGP_HAS(BGP_A_MED) | BGP_HAS(BGP_A_LOCAL_PREF) | BGP_HAS(BGP_A_ATOMIC_AGGREGATE) |
               BGP_HAS(BGP_A_AGGREGATOR) | BGP_HAS(BGP_A_COMMUNITIES) |
               BGP_HAS(BGP_A_EXT_COMMUNITIES) | BGP_HAS(BGP_A_LARGE_COMMUNITIES),
        .origin = 2,
        .med = 5,
        .local_pref = 150,
        .nexthop = kd_addr_v4(0xc000020a),
        .aggregator_as = 70000,
        .aggregator_id = 9,
        .as_path = kd_bytes(path, sizeof(path)),
        .communities = kd_bytes(communities, 4),
        .ext_communities = kd_bytes(ext, 8),
        .large_communities = kd_bytes(large, 12),
        .unknown = kd_bytes(unknown, sizeof(unknown)),
    };

    (void)state;
    for (int as4 = 0; as4 < 2; as4++) {
        uint8_t buf[512], again[512], got[512];
        struct kd_writer w;
        struct bgp_update u;
        kd_writer_init(&w, buf, sizeof(buf));
        bgp_attrs_put(&w, &a, as4, true);
        u = parse_with(buf, w.pos, one_prefix, 3, as4, true);
        assert_int_equal(u.verdict, BGP_D_OK);
        kd_writer_init(&w, again, sizeof(again));
        bgp_attrs_put(&w, &a, true, true);
        size_t n = w.pos;
        kd_writer_init(&w, got, sizeof(got));
        bgp_attrs_put(&w, &u.attrs, true, true);
        assert_int_equal(w.pos, n);
        assert_memory_equal(again, got, n);
        assert_true(bgp_community_has(&u.attrs, BGP_COMMUNITY_NO_EXPORT));
        assert_false(bgp_community_has(&u.attrs, BGP_COMMUNITY_NO_ADVERTISE));
    }
}

static void unknown_transitive_attributes_get_the_partial_bit(void **state)
{
    static const uint8_t attrs[] = {MANDATORY, 0xc0, 77, 1, 5, 0x80, 78, 1, 6, 0xc0, 79, 0};
    static const uint8_t kept[] = {0xe0, 77, 1, 5, 0xe0, 79, 0};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, true, false);

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(u.attrs.unknown.len, sizeof(kept));
    assert_memory_equal(u.attrs.unknown.p, kept, sizeof(kept));
}

static void updates_pack_until_the_message_is_full(void **state)
{
    uint8_t buf[8192], attrs[64] = {MANDATORY};
    struct kd_addr nh = kd_addr_v4(0xc000020a);
    struct bgp_update_out o;
    struct kd_writer w;
    struct bgp_frame f;
    struct bgp_error e;
    struct kd_reader r;
    struct bgp_update u;
    struct kd_prefix p;
    unsigned n = 0, back = 0;

    (void)state;
    kd_writer_init(&w, buf, sizeof(buf));
    assert_true(bgp_update_announce(&o, &w, BGP_MESSAGE_MAX, 4,
                                    kd_bytes(attrs, sizeof((uint8_t[]){MANDATORY})), &nh));
    for (uint32_t i = 0;; i++, n++) {
        struct kd_addr a = kd_addr_v4(0x0a000000 + i * 256);
        p = kd_prefix_make(&a, 24);
        if (!bgp_update_add(&o, &p))
            break;
    }
    bgp_update_end(&o);
    assert_in_range(w.pos, BGP_MESSAGE_MAX - 3, BGP_MESSAGE_MAX);
    assert_int_equal(bgp_frame_parse(kd_written(&w), BGP_MESSAGE_MAX, &f, &e), BGP_FRAME_OK);
    u = parse_body(f.body.p, f.body.len);
    assert_int_equal(u.verdict, BGP_D_OK);
    kd_reader_init(&r, u.nlri);
    while (bgp_nlri_next(&r, 4, &p))
        back++;
    assert_int_equal(back, n);
}

static void ipv6_updates_and_withdrawals_round_trip(void **state)
{
    static const uint8_t attrs[] = {ORIGIN_IGP, PATH_65000};
    uint8_t buf[4096];
    struct kd_prefix p, q;
    struct kd_addr nh;
    struct bgp_update_out o;
    struct kd_writer w;
    struct bgp_update u;
    struct kd_reader r;

    (void)state;
    assert_true(kd_addr_parse("2001:db8::1", &nh));
    assert_true(kd_prefix_parse("2001:db8:1::/48", true, &p));
    for (int withdraw = 0; withdraw < 2; withdraw++) {
        kd_writer_init(&w, buf, sizeof(buf));
        if (withdraw)
            bgp_update_withdraw(&o, &w, BGP_MESSAGE_MAX, 6);
        else
            assert_true(bgp_update_announce(&o, &w, BGP_MESSAGE_MAX, 6,
                                            kd_bytes(attrs, sizeof(attrs)), &nh));
        assert_true(bgp_update_add(&o, &p));
        bgp_update_end(&o);
        u = parse_body(buf + BGP_HEADER_LEN, w.pos - BGP_HEADER_LEN);
        assert_int_equal(u.verdict, BGP_D_OK);
        kd_reader_init(&r, withdraw ? u.unreach.nlri : u.reach.nlri);
        assert_true(bgp_nlri_next(&r, 6, &q));
        assert_true(kd_prefix_eq(&p, &q));
        if (!withdraw)
            assert_true(kd_addr_eq(&u.reach.nexthop, &nh));
    }
}

static void host_bits_in_a_prefix_are_cleared(void **state)
{
    static const uint8_t nlri[] = {17, 10, 1, 0xff};
    struct kd_reader r;
    struct kd_prefix p;

    (void)state;
    kd_reader_init(&r, kd_bytes(nlri, sizeof(nlri)));
    assert_true(bgp_nlri_next(&r, 4, &p));
    assert_int_equal(p.addr.b[2], 0x80);
    assert_false(bgp_nlri_next(&r, 4, &p));
}

/* Class 47 by chance: whatever the bytes, views stay inside and the verdict is one of four. */
static void random_updates_never_leave_their_bounds(void **state)
{
    static const uint8_t seedling[] = {0,    3,  16, 10, 2,    0, 40, MANDATORY, 0x80, 4, 4,
                                       0,    0,  0,  1,  0xc0, 8, 4,  1,         2,    3, 4,
                                       0x80, 15, 3,  0,  2,    1, 16, 10,        1};
    unsigned seed = 20241;
    unsigned seen[4] = {0};

    (void)state;
    printf("# seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < 200000; i++) {
        uint8_t *body = malloc(sizeof(seedling)); /* exact, so that the sanitizer sees an overrun */
        size_t len = sizeof(seedling) - (i % 3 ? 0 : (size_t)rand() % sizeof(seedling));
        struct bgp_update u;
        memcpy(body, seedling, sizeof(seedling));
        for (int k = rand() % 4; k >= 0; k--)
            body[(size_t)rand() % sizeof(seedling)] = (uint8_t)rand();
        body = realloc(body, len ? len : 1);
        u = parse_body(body, len);
        assert_true(u.verdict <= BGP_D_RESET);
        seen[u.verdict]++;
        if (u.verdict >= BGP_D_DISCARD)
            assert_true(u.error.text[0] != '\0');
        free(body);
    }
    for (int i = 0; i < 4; i++)
        assert_true(seen[i] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as4_path_is_merged_behind_the_old_speakers),
        cmocka_unit_test(a_longer_as4_path_is_ignored),
        cmocka_unit_test(as4_attributes_are_stale_behind_a_real_aggregator),
        cmocka_unit_test(prepending_fills_the_first_segment_up_to_255),
        cmocka_unit_test(attributes_round_trip_for_new_and_old_speakers),
        cmocka_unit_test(unknown_transitive_attributes_get_the_partial_bit),
        cmocka_unit_test(updates_pack_until_the_message_is_full),
        cmocka_unit_test(ipv6_updates_and_withdrawals_round_trip),
        cmocka_unit_test(host_bits_in_a_prefix_are_cleared),
        cmocka_unit_test(random_updates_never_leave_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
