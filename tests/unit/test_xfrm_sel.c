/* Traffic selectors taken apart into the kernel's. */
#include "xfrm_kernel.h"

static bool sel_match(const struct nl_selector *s, const struct kd_addr *src,
                      const struct kd_addr *dst, uint8_t proto, uint16_t sport, uint16_t dport)
{
    return kd_prefix_has(&s->src, src) && kd_prefix_has(&s->dst, dst) &&
           (!s->proto || s->proto == proto) && ((sport ^ s->sport) & s->sport_mask) == 0 &&
           ((dport ^ s->dport) & s->dport_mask) == 0;
}

static void selectors_match_what_the_ranges_match(void **state)
{
    struct ike_ts_list local = {.n = 1}, remote = {.n = 1};
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;
    uint32_t n;

    (void)state;
    local.ts[0] = (struct ike_ts){.proto = 6, .port_lo = 1000, .port_hi = 1999};
    local.ts[0].lo = at("10.0.0.5", 0).addr;
    local.ts[0].hi = at("10.0.0.9", 0).addr;
    remote.ts[0] = ts("10.2.0.0/16");
    n = io_xfrm_selectors(&local, &remote, sel, &why);
    assert_in_range(n, 1, IO_XFRM_SELS_MAX);
    for (uint32_t last = 0; last < 16; last++)
        for (uint32_t port = 990; port < 2010; port++) {
            struct kd_addr src = kd_addr_v4(0x0a000000 + last), dst = kd_addr_v4(0x0a020304);
            unsigned hits = 0;

            for (uint32_t i = 0; i < n; i++)
                hits += sel_match(&sel[i], &src, &dst, 6, (uint16_t)port, 80);
            assert_int_equal(hits, last >= 5 && last <= 9 && port >= 1000 && port <= 1999);
        }
}

static void whole_spaces_and_single_values_are_one_selector(void **state)
{
    struct ike_ts_list a = list("0.0.0.0/0", NULL), b = list("::/0", NULL);
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;

    (void)state;
    assert_int_equal(io_xfrm_selectors(&a, &a, sel, &why), 1);
    assert_int_equal(sel[0].src.len, 0);
    assert_int_equal(sel[0].sport_mask, 0);
    assert_int_equal(io_xfrm_selectors(&b, &b, sel, &why), 1);
    assert_int_equal(sel[0].family, 6);
    a = list("255.255.255.255/32", NULL);
    assert_int_equal(io_xfrm_selectors(&a, &a, sel, &why), 1);
    assert_int_equal(sel[0].src.len, 32);
    a.ts[0].proto = 6;
    a.ts[0].port_lo = a.ts[0].port_hi = 65535;
    assert_int_equal(io_xfrm_selectors(&a, &a, sel, &why), 1);
    assert_int_equal(sel[0].sport_mask, 0xffff);
}

static void families_and_protocols_that_no_packet_has_at_once_make_nothing(void **state)
{
    struct ike_ts_list a = list("0.0.0.0/0", "::/0"), b = list("10.0.0.0/8", NULL);
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;

    (void)state;
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 1);
    b = list("2001:db8::/32", NULL);
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 1);
    a = list("10.0.0.0/8", NULL);
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 0);
    assert_string_equal(why, "no packet matches its selectors");
}

static void too_many_pieces_are_refused_and_one_less_is_not(void **state)
{
    struct ike_ts_list a = {.n = 1}, b = {.n = 1};
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;

    (void)state;
    a.ts[0] = ts("0.0.0.0/0");
    a.ts[0].lo = at("0.0.0.1", 0).addr; /* 32 prefixes */
    b.ts[0] = ts("10.0.0.0/8");
    b.ts[0].hi = at("10.0.0.14", 0).addr; /* 4 */
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 128);
    b.ts[0].lo = at("10.0.0.1", 0).addr; /* 6 */
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 0);
    assert_non_null(strstr(why, "128"));
}

static void icmp_types_have_a_field_of_their_own(void **state)
{
    struct ike_ts_list a = list("10.0.0.0/8", NULL), b = list("10.0.0.0/8", NULL);
    struct nl_selector sel[IO_XFRM_SELS_MAX], back;
    const char *why;

    (void)state;
    a.ts[0].proto = b.ts[0].proto = 1;
    a.ts[0].port_lo = b.ts[0].port_lo = 8 << 8;
    a.ts[0].port_hi = b.ts[0].port_hi = 8 << 8 | 0xff;
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 1);
    assert_int_equal(sel[0].sport, 8);
    assert_int_equal(sel[0].sport_mask, 0xffff);
    assert_int_equal(sel[0].dport_mask, 0);
    back = io_xfrm_selector_back(&sel[0]);
    assert_int_equal(back.sport, 8); /* the type does not change sides */
    b.ts[0].port_hi = 9 << 8;
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 0);
    assert_non_null(strstr(why, "ICMP"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_match_what_the_ranges_match),
        cmocka_unit_test(whole_spaces_and_single_values_are_one_selector),
        cmocka_unit_test(families_and_protocols_that_no_packet_has_at_once_make_nothing),
        cmocka_unit_test(too_many_pieces_are_refused_and_one_less_is_not),
        cmocka_unit_test(icmp_types_have_a_field_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
