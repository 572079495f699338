/* NETLINK_ROUTE messages as they are built: golden bytes of each kind, and room for them. */
#include "test_netlink_route.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

/* --- builders: golden bytes --- */

static void link_set_bytes(void **state)
{
    struct nl_link_set l = {.ifindex = 7, .up = true, .mtu = 1400, .alias = "kedge:a"};

    (void)state;
    assert_true(nl_put_link_set(&buf, 0x11, &l));
    expect("34000000 1300 0500 11000000 00000000"
           "00 00 0000 07000000 01000000 01000000"
           "0800 0400 78050000"
           "0b00 1400 6b656467653a61 00");
}

static void link_set_leaves_out_what_is_left(void **state)
{
    struct nl_link_set l = {.ifindex = 7};

    (void)state;
    assert_true(nl_put_link_set(&buf, 1, &l));
    expect("20000000 1300 0500 01000000 00000000"
           "00 00 0000 07000000 00000000 01000000");
}

static void link_set_puts_into_a_vrf(void **state)
{
    struct nl_link_set l = {.ifindex = 7, .master = 9};

    (void)state;
    assert_true(nl_put_link_set(&buf, 1, &l));
    expect("28000000 1300 0500 01000000 00000000"
           "00 00 0000 07000000 00000000 01000000"
           "0800 0a00 09000000");
}

static void addr_bytes(void **state)
{
    struct nl_addr_set a = {.ifindex = 3,
                            .prefix = net("169.254.21.0/30"),
                            .local = ip("169.254.21.2"),
                            .protocol = NL_PROTO_KEDGE};

    (void)state;
    assert_true(nl_put_addr(&buf, 2, &a, true));
    expect("30000000 1400 0505 02000000 00000000"
           "02 1e 00 00 03000000"
           "0800 0200 a9fe1502"
           "0800 0100 a9fe1502"
           "0500 0b00 4b 000000");
}

static void addr_of_ipv6_skips_duplicate_detection(void **state)
{
    struct nl_addr_set a = {.ifindex = 3, .prefix = net("2001:db8::1/128")};

    (void)state;
    assert_true(nl_put_addr(&buf, 2, &a, true));
    assert_int_equal(buf.p[16 + 2], IFA_F_NODAD);
    buf.len = 0;
    assert_true(nl_put_addr(&buf, 3, &a, false));
    assert_int_equal(buf.p[16 + 2], 0);
}

static void addr_del_is_delete_without_create(void **state)
{
    struct nl_addr_set a = {.ifindex = 3, .prefix = net("10.0.0.1/32")};

    (void)state;
    assert_true(nl_put_addr(&buf, 2, &a, false));
    expect("28000000 1500 0500 02000000 00000000"
           "02 20 00 00 03000000"
           "0800 0200 0a000001"
           "0800 0100 0a000001");
}

static void route_through_nexthop_bytes(void **state)
{
    struct nl_route r = {.dst = net("10.1.0.0/16"),
                         .table = 1000,
                         .metric = 20,
                         .protocol = NL_PROTO_KEDGE,
                         .nh_id = 0x01020304};

    (void)state;
    assert_true(nl_put_route(&buf, 3, &r, true));
    expect("3c000000 1800 0505 03000000 00000000"
           "02 10 00 00 fc 4b 00 01 00000000"
           "0800 0100 0a010000"
           "0800 0f00 e8030000"
           "0800 0600 14000000"
           "0800 1e00 04030201");
}

static void route_through_gateway_bytes(void **state)
{
    struct nl_route r = {.dst = net("0.0.0.0/0"),
                         .metric = 1,
                         .gateway = ip("10.0.0.9"),
                         .oif = 4,
                         .prefsrc = ip("10.0.0.1")};

    (void)state;
    assert_true(nl_put_route(&buf, 3, &r, true));
    expect("44000000 1800 0505 03000000 00000000"
           "02 00 00 00 fe 00 00 01 00000000"
           "0800 0f00 fe000000"
           "0800 0600 01000000"
           "0800 0700 0a000001"
           "0800 0500 0a000009"
           "0800 0400 04000000");
}

static void route_of_ipv4_through_ipv6_uses_via(void **state)
{
    struct nl_route r = {
        .dst = net("10.0.0.0/8"), .table = 254, .metric = 1, .gateway = ip("fe80::1"), .oif = 4};

    (void)state;
    assert_true(nl_put_route(&buf, 3, &r, true));
    expect("54000000 1800 0505 03000000 00000000"
           "02 08 00 00 fe 00 00 01 00000000"
           "0800 0100 0a000000"
           "0800 0f00 fe000000"
           "0800 0600 01000000"
           "1600 1200 0a00 fe800000000000000000000000000001 0000"
           "0800 0400 04000000");
}

static void route_through_nexthop_shows_no_gateway(void **state)
{
    struct nl_route r = {.dst = net("10.1.0.0/16"),
                         .table = 1000,
                         .metric = 20,
                         .protocol = NL_PROTO_KEDGE,
                         .nh_id = 0x01020304};
    uint8_t plain[0x3c];

    (void)state;
    assert_true(nl_put_route(&buf, 3, &r, false));
    assert_int_equal(buf.len, sizeof(plain));
    memcpy(plain, buf.p, sizeof(plain));
    buf.len = 0;
    r.gateway = ip("10.0.0.9"); /* as a dump in compat mode has it */
    r.oif = 4;
    assert_true(nl_put_route(&buf, 3, &r, false));
    assert_int_equal(buf.len, sizeof(plain));
    assert_memory_equal(buf.p, plain, sizeof(plain));
}

static void route_delete_matches_any_scope(void **state)
{
    struct nl_route r = {.dst = net("10.0.0.0/8"),
                         .table = 254,
                         .metric = 5,
                         .protocol = NL_PROTO_KEDGE,
                         .type = NL_ROUTE_UNREACHABLE};

    (void)state;
    assert_true(nl_put_route(&buf, 3, &r, false));
    expect("34000000 1900 0500 03000000 00000000"
           "02 08 00 00 fe 4b ff 07 00000000"
           "0800 0100 0a000000"
           "0800 0f00 fe000000"
           "0800 0600 05000000");
}

static void device_route_is_scope_link(void **state)
{
    struct nl_route r = {.dst = net("10.0.0.1/32"), .table = 254, .metric = 5, .oif = 9};

    (void)state;
    assert_true(nl_put_route(&buf, 3, &r, true));
    assert_int_equal(buf.p[16 + 6], RT_SCOPE_LINK);
}

static void route_get_of_ipv6_has_no_flag(void **state)
{
    struct kd_addr a = ip("2001:db8::1");

    (void)state;
    assert_true(nl_put_route_get(&buf, 8, &a, 0));
    expect("30000000 1a00 0500 08000000 00000000"
           "0a 80 00 00 00 00 00 00 00000000"
           "1400 0100 20010db8000000000000000000000001");
}

static void nexthop_bytes(void **state)
{
    struct nl_nexthop n = {.id = 9,
                           .family = 4,
                           .protocol = NL_PROTO_KEDGE,
                           .gateway = ip("10.0.0.9"),
                           .oif = 2,
                           .onlink = true};

    (void)state;
    assert_true(nl_put_nexthop(&buf, 4, &n));
    expect("30000000 6800 0505 04000000 00000000"
           "02 00 4b 00 04000000"
           "0800 0100 09000000"
           "0800 0500 02000000"
           "0800 0600 0a000009");
}

static void nexthop_blackhole_has_no_device(void **state)
{
    struct nl_nexthop n = {
        .id = 9, .family = 6, .protocol = NL_PROTO_KEDGE, .blackhole = true, .oif = 2};

    (void)state;
    assert_true(nl_put_nexthop(&buf, 4, &n));
    expect("24000000 6800 0505 04000000 00000000"
           "0a 00 4b 00 00000000"
           "0800 0100 09000000"
           "0400 0400");
}

static void nexthop_group_bytes(void **state)
{
    struct nl_nexthop n = {.id = 100, .protocol = NL_PROTO_KEDGE, .group = {9, 10}, .n_group = 2};

    (void)state;
    assert_true(nl_put_nexthop(&buf, 5, &n));
    expect("34000000 6800 0505 05000000 00000000"
           "00 00 4b 00 00000000"
           "0800 0100 64000000"
           "1400 0200 09000000 00 00 0000 0a000000 00 00 0000");
}

static void nexthop_del_bytes(void **state)
{
    (void)state;
    assert_true(nl_put_nexthop_del(&buf, 6, 100));
    expect("20000000 6900 0500 06000000 00000000"
           "00 00 00 00 00000000"
           "0800 0100 64000000");
}

static void rule_bytes(void **state)
{
    struct nl_rule four = rule_of("10.1.11.10/32", "eth1"), six = rule_of("fd00::1/128", "a");

    (void)state;
    assert_true(nl_put_rule(&buf, 4, &four, true));
    expect("48000000 2000 0506 04000000 00000000"
           "02 20 00 00 00 00 00 01 00000000"
           "0800 0100 0a010b0a"
           "0800 0600 4b000000"
           "0800 0f00 f9240100"
           "0900 1100 65746831 00 000000"
           "0500 1500 4b 000000");
    buf.len = 0;
    assert_true(nl_put_rule(&buf, 5, &six, false));
    expect("50000000 2100 0500 05000000 00000000"
           "0a 80 00 00 00 00 00 01 00000000"
           "1400 0100 fd000000000000000000000000000001"
           "0800 0600 4b000000"
           "0800 0f00 f9240100"
           "0600 1100 61 00 0000"
           "0500 1500 4b 000000");
}

static void dump_bytes(void **state)
{
    (void)state;
    assert_true(nl_put_dump(&buf, 7, RTM_GETROUTE, 6));
    expect("1c000000 1a00 0103 07000000 00000000"
           "0a 00 00 00 00 00 00 00 00000000");
    buf.len = 0;
    assert_true(nl_put_route_dump(&buf, 7, 4, NL_PROTO_KEDGE));
    expect("1c000000 1a00 0103 07000000 00000000"
           "02 00 00 00 00 4b 00 00 00000000");
    buf.len = 0;
    assert_true(nl_put_dump(&buf, 7, RTM_GETLINK, 0));
    expect("28000000 1200 0103 07000000 00000000"
           "00 00 0000 00000000 00000000 00000000"
           "0800 1d00 08000000");
    buf.len = 0;
    assert_true(nl_put_dump(&buf, 7, RTM_GETADDR, 4));
    expect("18000000 1600 0103 07000000 00000000 02 00 00 00 00000000");
    buf.len = 0;
    assert_true(nl_put_dump(&buf, 7, RTM_GETNEXTHOP, 0));
    expect("18000000 6a00 0103 07000000 00000000 00 00 00 00 00000000");
    buf.len = 0;
    assert_true(nl_put_dump(&buf, 7, RTM_GETRULE, 0));
    expect("1c000000 2200 0103 07000000 00000000 00 00 00 00 00 00 00 00 00000000");
}

static void route_get_bytes(void **state)
{
    struct kd_addr a = ip("10.9.8.7");

    (void)state;
    assert_true(nl_put_route_get(&buf, 8, &a, 5));
    expect("2c000000 1a00 0500 08000000 00000000"
           "02 20 00 00 00 00 00 00 00100000"
           "0800 0100 0a090807"
           "0800 0400 05000000");
}

/* --- room --- */

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

static void batch_needs_no_alignment(void **state)
{
    struct nl_buf b = {.p = room + 1, .cap = 200};

    (void)state;
    assert_true(put_any(&b, 2));
    assert_true(put_any(&b, 3));
    assert_int_equal(b.len, 0x3c + 0x34);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(link_set_bytes),
        T(link_set_leaves_out_what_is_left),
        T(link_set_puts_into_a_vrf),
        T(addr_bytes),
        T(addr_of_ipv6_skips_duplicate_detection),
        T(addr_del_is_delete_without_create),
        T(route_through_nexthop_bytes),
        T(route_through_gateway_bytes),
        T(route_of_ipv4_through_ipv6_uses_via),
        T(route_through_nexthop_shows_no_gateway),
        T(route_delete_matches_any_scope),
        T(device_route_is_scope_link),
        T(nexthop_bytes),
        T(nexthop_blackhole_has_no_device),
        T(nexthop_group_bytes),
        T(nexthop_del_bytes),
        T(rule_bytes),
        T(dump_bytes),
        T(route_get_bytes),
        T(route_get_of_ipv6_has_no_flag),
        T(exact_room_is_enough_one_byte_less_appends_nothing),
        T(batch_needs_no_alignment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
