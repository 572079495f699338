/* UPDATE on the wire: for each attribute the good form and the nearest bad one, with what RFC 7606
 * makes of it. */
#include "test_bgp_update.h"

static void each_attribute_good_and_nearest_bad(void **state)
{
    static const uint8_t zero[64], as4p[] = {2, 1, 0, 1, 0, 0}, as4bad[] = {2, 0},
                                   as4p0[] = {2, 1, 0, 0, 0, 0};
    static const uint8_t aggr[] = {0, 0, 0xfd, 0xe8, 1, 2, 3, 4};
    static const struct {
        bool ibgp;
        uint8_t flags, code;
        const uint8_t *value;
        uint8_t len;
        enum bgp_disposition verdict;
    } cases[] = {
        /* MULTI_EXIT_DISC 7.4 */
        {false, 0x80, 4, zero, 4, BGP_D_OK},
        {false, 0x80, 4, zero, 3, BGP_D_WITHDRAW},
        {false, 0x80, 4, zero, 5, BGP_D_WITHDRAW},
        {false, 0x80, 4, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 4, zero, 4, BGP_D_WITHDRAW},
        {false, 0x40, 4, zero, 4, BGP_D_WITHDRAW},
        /* LOCAL_PREF 7.5 */
        {true, 0x40, 5, zero, 4, BGP_D_OK},
        {true, 0x40, 5, zero, 3, BGP_D_WITHDRAW},
        {true, 0xc0, 5, zero, 4, BGP_D_WITHDRAW},
        {false, 0x40, 5, zero, 4, BGP_D_DISCARD},
        {false, 0x40, 5, zero, 3, BGP_D_DISCARD},
        /* ATOMIC_AGGREGATE 7.6 */
        {false, 0x40, 6, zero, 0, BGP_D_OK},
        {false, 0x40, 6, zero, 1, BGP_D_DISCARD},
        {false, 0xc0, 6, zero, 0, BGP_D_WITHDRAW}, /* flags: 3 c */
        /* AGGREGATOR 7.7 */
        {false, 0xc0, 7, aggr, 8, BGP_D_OK},
        {false, 0xe0, 7, aggr, 8, BGP_D_OK},
        {false, 0xc0, 7, aggr, 6, BGP_D_DISCARD},
        {false, 0xc0, 7, aggr, 7, BGP_D_DISCARD},
        {false, 0xc0, 7, zero, 8, BGP_D_DISCARD}, /* AS 0, RFC 7607 */
        {false, 0x40, 7, aggr, 8, BGP_D_WITHDRAW},
        /* COMMUNITIES 7.8 */
        {false, 0xc0, 8, zero, 4, BGP_D_OK},
        {false, 0xc0, 8, zero, 8, BGP_D_OK},
        {false, 0xc0, 8, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 8, zero, 6, BGP_D_WITHDRAW},
        {false, 0x80, 8, zero, 4, BGP_D_WITHDRAW},
        /* ORIGINATOR_ID 7.9 */
        {true, 0x80, 9, zero, 4, BGP_D_OK},
        {true, 0x80, 9, zero, 8, BGP_D_WITHDRAW},
        {false, 0x80, 9, zero, 4, BGP_D_DISCARD},
        /* CLUSTER_LIST 7.10 */
        {true, 0x80, 10, zero, 8, BGP_D_OK},
        {true, 0x80, 10, zero, 0, BGP_D_WITHDRAW},
        {true, 0x80, 10, zero, 7, BGP_D_WITHDRAW},
        {false, 0x80, 10, zero, 8, BGP_D_DISCARD},
        /* EXTENDED COMMUNITIES 7.14 */
        {false, 0xc0, 16, zero, 8, BGP_D_OK},
        {false, 0xc0, 16, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 16, zero, 12, BGP_D_WITHDRAW},
        /* AS4_PATH, AS4_AGGREGATOR: RFC 6793 6 */
        {false, 0xc0, 17, as4p, 6, BGP_D_OK},
        {false, 0xc0, 17, as4bad, 2, BGP_D_DISCARD},
        {false, 0xc0, 17, as4p, 5, BGP_D_DISCARD},
        {false, 0xc0, 18, aggr, 8, BGP_D_OK},
        {false, 0xc0, 18, aggr, 6, BGP_D_DISCARD},
        {false, 0xc0, 18, zero, 8, BGP_D_DISCARD}, /* AS 0, RFC 7607 */
        {false, 0xc0, 17, as4p0, 6, BGP_D_DISCARD},
        {false, 0xc0, 17, zero, 0, BGP_D_DISCARD},
        /* LARGE_COMMUNITIES: RFC 8092 5 */
        {false, 0xc0, 32, zero, 12, BGP_D_OK},
        {false, 0xc0, 32, zero, 24, BGP_D_OK},
        {false, 0xc0, 32, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 32, zero, 16, BGP_D_WITHDRAW},
        /* unknown: optional is let be, well-known isn't */
        {false, 0xc0, 23, zero, 3, BGP_D_OK},
        {false, 0xc0, 23, zero, 0, BGP_D_OK},
        {false, 0x80, 255, zero, 4, BGP_D_OK},
        {false, 0x40, 99, zero, 4, BGP_D_RESET},
        {false, 0x00, 99, zero, 4, BGP_D_RESET},
        /* MP_REACH_NLRI, MP_UNREACH_NLRI: 5.3, 7.11 */
        {false, 0x80, 14, zero, 4, BGP_D_RESET},
        {false, 0xc0, 15, zero, 3, BGP_D_RESET},
        {false, 0x80, 15, zero, 2, BGP_D_RESET},
        {false, 0x80, 15, zero, 3, BGP_D_OK}, /* AFI 0: not ours */
        {false, 0x80, 14, zero, 5, BGP_D_OK},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        enum bgp_disposition d =
            with(cases[i].ibgp, cases[i].flags, cases[i].code, cases[i].value, cases[i].len);
        if (d != cases[i].verdict)
            printf("# case %zu: attribute %u of %u bytes, flags %02x: %s\n", i, cases[i].code,
                   cases[i].len, cases[i].flags, bgp_disposition_names[d]);
        assert_int_equal(d, cases[i].verdict);
    }
}

/* RFC 7606 3 c: each of the two flags turned over, for every attribute in the table. */
static void wrong_flags_count_whatever_the_attribute_says(void **state)
{
    static const uint8_t zero[16];
    static const struct {
        uint8_t code, flags;
    } known[] = {{4, 0x80},  {5, 0x40},  {6, 0x40},  {7, 0xc0},  {8, 0xc0}, {9, 0x80},
                 {10, 0x80}, {16, 0xc0}, {17, 0xc0}, {18, 0xc0}, {32, 0xc0}};
    unsigned rows = 0;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(known); i++)
        for (uint8_t flip = 0x40; flip; flip = flip == 0x40 ? 0x80 : 0)
            assert_int_equal(with(true, known[i].flags ^ flip, known[i].code, zero, 4),
                             known[i].code == 17 || known[i].code == 18 ? BGP_D_DISCARD
                                                                        : BGP_D_WITHDRAW);
    for (unsigned code = 0; code < 256; code++) /* and none has been forgotten: those here, the */
        rows += bgp_attr_row((uint8_t)code) != NULL; /* mandatory ones, MP_REACH and MP_UNREACH */
    assert_int_equal(rows, KD_ARRAY_LEN(known) + 3 + 2);
}

static void mandatory_attributes_are_needed_and_judged(void **state)
{
    (void)state;
    assert_int_equal(V(false, MANDATORY), BGP_D_OK);
    /* missing: 3 d */
    assert_int_equal(V(false, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000), BGP_D_WITHDRAW);
    /* ORIGIN 7.1 */
    assert_int_equal(V(false, 0x40, 1, 1, 2, PATH_65000, NEXT_HOP), BGP_D_OK);
    assert_int_equal(V(false, 0x40, 1, 1, 3, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, 0x40, 1, 0, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, 0x40, 1, 2, 0, 0, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, 0x00, 1, 1, 0, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    /* NEXT_HOP 7.3 */
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000, 0x40, 3, 3, 1, 2, 3), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000, 0x40, 3, 5, 1, 2, 3, 4, 5), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000, 0xc0, 3, 4, 1, 2, 3, 4), BGP_D_WITHDRAW);
}

#define PATH(...) V(false, ORIGIN_IGP, NEXT_HOP, 0x40, 2, __VA_ARGS__)

static void as_path_segments_are_judged(void **state)
{
    (void)state;
    assert_int_equal(PATH(6, 2, 1, 0, 0, 0xfd, 0xe8), BGP_D_OK);
    assert_int_equal(PATH(12, 2, 1, 0, 0, 0xfd, 0xe8, 1, 1, 0, 0, 0, 9),
                     BGP_D_OK);                                           /* a set behind */
    assert_int_equal(PATH(2, 2, 0), BGP_D_WITHDRAW);                      /* empty segment */
    assert_int_equal(PATH(6, 2, 2, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);    /* overrun */
    assert_int_equal(PATH(7, 2, 1, 0, 0, 0xfd, 0xe8, 2), BGP_D_WITHDRAW); /* one byte left */
    assert_int_equal(PATH(6, 5, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);    /* unknown type */
    assert_int_equal(PATH(6, 0, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);
    assert_int_equal(PATH(6, 3, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW); /* confederation */
    assert_int_equal(PATH(10, 2, 2, 0, 0, 0xfd, 0xe8, 0, 0, 0, 0), BGP_D_WITHDRAW); /* AS 0 */
    /* 7.2: the leftmost isn't the peer's, or there is none */
    assert_int_equal(PATH(6, 2, 1, 0, 0, 0xfd, 0xe9), BGP_D_WITHDRAW);
    assert_int_equal(PATH(6, 1, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);
    assert_int_equal(PATH(0), BGP_D_WITHDRAW);
    assert_int_equal(V(true, ORIGIN_IGP, NEXT_HOP, 0x40, 2, 0), BGP_D_OK); /* fine on iBGP */
}

static void a_path_longer_than_our_bound_is_withdrawn(void **state)
{
    uint8_t buf[16384] = {ORIGIN_IGP, NEXT_HOP};
    struct kd_writer w;

    (void)state;
    for (unsigned n = BGP_AS_MAX - 1; n <= BGP_AS_MAX + 1; n++) {
        unsigned left = n;
        size_t at;
        struct bgp_update u;
        struct kd_writer scratch;
        struct bgp_session_rules rules = {.as4 = true, .peer_as = 65000};
        kd_writer_init(&w, buf, sizeof(buf));
        kd_put_u16(&w, 0);
        at = kd_put_gap(&w, 2);
        kd_put_bytes(&w, kd_bytes((const uint8_t[]){ORIGIN_IGP, NEXT_HOP}, 11));
        kd_put_u16(&w, 0x5002);
        kd_put_u16(&w, (uint16_t)(n * 4 + (n + 254) / 255 * 2));
        while (left) {
            unsigned k = KD_MIN(left, 255u);
            kd_put_u8(&w, 2);
            kd_put_u8(&w, (uint8_t)k);
            for (unsigned i = 0; i < k; i++)
                kd_put_u32(&w, 65000);
            left -= k;
        }
        kd_patch_u16(&w, at, (uint16_t)(w.pos - at - 2));
        kd_put_bytes(&w, kd_bytes(one_prefix, sizeof(one_prefix)));
        assert_true(w.ok);
        kd_writer_init(&scratch, room, sizeof(room));
        bgp_update_parse(kd_written(&w), &rules, &scratch, &u);
        assert_int_equal(u.verdict, n <= BGP_AS_MAX ? BGP_D_OK : BGP_D_WITHDRAW);
    }
}

static void duplicates_are_discarded_but_mp_resets(void **state)
{
    static const uint8_t mp[] = {0x80, 15, 3, 0, 2, 1, 0x80, 15, 3, 0, 2, 1};
    struct bgp_update u;

    (void)state;
    assert_int_equal(V(false, MANDATORY, 0x40, 1, 1, 2), BGP_D_DISCARD);
    assert_int_equal(V(false, MANDATORY, 0xc0, 77, 0, 0xc0, 77, 0), BGP_D_DISCARD);
    assert_int_equal(verdict(mp, sizeof(mp), false), BGP_D_RESET);
    u = parse_with((const uint8_t[]){MANDATORY, 0x40, 1, 1, 2},
                   sizeof((const uint8_t[]){MANDATORY, 0x40, 1, 1, 2}), one_prefix, 3, true, false);
    assert_int_equal(u.attrs.origin, 0); /* the first one stands */
    assert_int_equal(u.error.sub, 1);
}

static void an_attribute_past_the_end_withdraws(void **state)
{
    (void)state;
    /* RFC 7606 4 */
    assert_int_equal(V(false, MANDATORY, 0x80, 4, 5, 0, 0, 0, 0), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x80, 4), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x80), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x90, 4, 0), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x90, 4, 0, 4, 0, 0, 0, 9), BGP_D_OK);
}

static void errors_without_reachable_prefixes_reset(void **state)
{
    static const uint8_t bad_med[] = {0x80, 4, 3, 0, 0, 0};
    static const uint8_t bad_atomic[] = {0x40, 6, 1, 0};

    (void)state;
    /* RFC 7606 5.2 */
    assert_int_equal(parse_with(bad_med, 6, NULL, 0, true, false).verdict, BGP_D_RESET);
    assert_int_equal(parse_with(bad_atomic, 4, NULL, 0, true, false).verdict, BGP_D_DISCARD);
    assert_int_equal(parse_with((const uint8_t[]){MANDATORY}, 4, NULL, 0, true, false).verdict,
                     BGP_D_OK);
}

static void update_lengths_that_dont_fit_reset(void **state)
{
    static const uint8_t withdrawn[] = {0, 1, 0, 0}; /* withdrawn of 1 byte, then one byte */
    static const uint8_t attrs[] = {0, 0, 0, 1};     /* attributes of 1 byte that aren't there */
    static const uint8_t huge[] = {0xff, 0xff, 0, 0};
    static const uint8_t empty[] = {0, 0, 0, 0};

    (void)state;
    assert_int_equal(parse_body(withdrawn, 4).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(attrs, 4).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(huge, 4).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(huge, 4).error.sub, 1);
    assert_int_equal(parse_body(empty, 4).verdict, BGP_D_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(parse_body(empty, i).verdict, BGP_D_RESET);
}

static void prefixes_too_long_or_cut_reset(void **state)
{
    static const uint8_t wide[] = {0, 6, 33, 1, 2, 3, 4, 5, 0, 0};
    static const uint8_t cut[] = {0, 3, 24, 1, 2, 0, 0};
    static const uint8_t good[] = {0, 5, 32, 1, 2, 3, 4, 0, 0};
    static const uint8_t zero[] = {0, 1, 0, 0, 0};

    (void)state;
    assert_int_equal(parse_body(wide, sizeof(wide)).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(wide, sizeof(wide)).error.sub, 10);
    assert_int_equal(parse_body(cut, sizeof(cut)).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(good, sizeof(good)).verdict, BGP_D_OK);
    assert_int_equal(parse_body(zero, sizeof(zero)).verdict, BGP_D_OK);
}

static enum bgp_disposition reach6(uint8_t nh_len, uint8_t prefix_len, uint8_t prefix_bytes)
{
    uint8_t buf[128] = {ORIGIN_IGP, PATH_65000};
    size_t n = sizeof((uint8_t[]){ORIGIN_IGP, PATH_65000}), at;

    buf[n++] = 0x80;
    buf[n++] = 14;
    at = n++;
    buf[n++] = 0;
    buf[n++] = 2;
    buf[n++] = 1;
    buf[n++] = nh_len;
    memset(buf + n, 0x20, nh_len);
    n += nh_len;
    buf[n++] = 0;
    buf[n++] = prefix_len;
    memset(buf + n, 0x20, prefix_bytes);
    n += prefix_bytes;
    buf[at] = (uint8_t)(n - at - 1);
    return parse_with(buf, n, NULL, 0, true, false).verdict;
}

static void mp_next_hop_and_prefix_lengths_are_judged(void **state)
{
    (void)state;
    assert_int_equal(reach6(16, 64, 8), BGP_D_OK);
    assert_int_equal(reach6(32, 128, 16), BGP_D_OK);
    assert_int_equal(reach6(15, 64, 8), BGP_D_RESET);
    assert_int_equal(reach6(4, 64, 8), BGP_D_RESET);
    assert_int_equal(reach6(24, 64, 8), BGP_D_RESET);
    assert_int_equal(reach6(16, 129, 17), BGP_D_RESET);
    assert_int_equal(reach6(16, 64, 7), BGP_D_RESET);
}

static void end_of_rib_is_exactly_that(void **state)
{
    static const uint8_t v4[] = {0, 0, 0, 0};
    static const uint8_t v6[] = {0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1};
    static const uint8_t not_quite[] = {0, 0, 0, 7, 0x80, 15, 4, 0, 2, 1, 0};
    static const uint8_t more[] = {0, 0, 0, 10, 0x80, 15, 3, 0, 2, 1, 0x40, 1, 1, 0};
    struct bgp_update u;

    (void)state;
    u = parse_body(v4, sizeof(v4));
    assert_int_equal(bgp_update_end_of_rib(&u), 4);
    u = parse_body(v6, sizeof(v6));
    assert_int_equal(bgp_update_end_of_rib(&u), 6);
    u = parse_body(not_quite, sizeof(not_quite)); /* withdraws ::/0 */
    assert_int_equal(bgp_update_end_of_rib(&u), 0);
    u = parse_body(more, sizeof(more));
    assert_int_equal(bgp_update_end_of_rib(&u), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_attribute_good_and_nearest_bad),
        cmocka_unit_test(wrong_flags_count_whatever_the_attribute_says),
        cmocka_unit_test(mandatory_attributes_are_needed_and_judged),
        cmocka_unit_test(as_path_segments_are_judged),
        cmocka_unit_test(a_path_longer_than_our_bound_is_withdrawn),
        cmocka_unit_test(duplicates_are_discarded_but_mp_resets),
        cmocka_unit_test(an_attribute_past_the_end_withdraws),
        cmocka_unit_test(errors_without_reachable_prefixes_reset),
        cmocka_unit_test(update_lengths_that_dont_fit_reset),
        cmocka_unit_test(prefixes_too_long_or_cut_reset),
        cmocka_unit_test(mp_next_hop_and_prefix_lengths_are_judged),
        cmocka_unit_test(end_of_rib_is_exactly_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
