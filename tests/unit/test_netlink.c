/* Netlink messages without a kernel: golden bytes, round trips, and everything malformed that can
 * 4b thought of. Little-endian hosts only (netlink is in host order, the goldens are written
 * out). */
#include "netlink/msg.h"
#include "netlink/probe.h"
#include "netlink/xfrm.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static _Alignas(8) uint8_t room[4096];
static struct nl_buf buf;

static int fresh(void **state)
{
    (void)state;
    memset(room, 0xee, sizeof(room));
    buf = (struct nl_buf){.p = room, .cap = sizeof(room)};
    return 0;
}

static struct kd_addr ip(const char *s)
{
    struct kd_addr a;

    assert_true(kd_addr_parse(s, &a));
    return a;
}

static struct kd_prefix net(const char *s)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(s, true, &p));
    return p;
}

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned v;
    int used;

    while (sscanf(hex, " %2x%n", &v, &used) == 1) {
        out[n++] = (uint8_t)v;
        hex += used;
    }
    return n;
}

static void expect(const char *hex)
{
    uint8_t want[1024];
    size_t n = unhex(hex, want);

    assert_int_equal(buf.len, n);
    assert_memory_equal(buf.p, want, n);
}

/* Feeds hex to the parser from a block of its exact size, so that a sanitizer sees one byte too
 * far; at every alignment. */
static bool feed(const uint8_t *p, size_t len, struct nl_event *ev)
{
    bool ok = false;

    for (size_t shift = 0; shift < 4; shift++) {
        uint8_t *m = malloc(len + shift);
        struct kd_bytes d = kd_bytes(m + shift, len);

        assert_non_null(m);
        memcpy(m + shift, p, len);
        ok = nl_next(&d, ev);
        free(m);
    }
    return ok;
}

static bool feed_hex(const char *hex, struct nl_event *ev)
{
    uint8_t raw[1024];
    size_t n = unhex(hex, raw);

    return feed(raw, n, ev);
}

static void feed_back(struct nl_event *ev, enum nl_kind kind)
{
    assert_true(feed(buf.p, buf.len, ev));
    assert_string_equal(ev->text, "");
    assert_int_equal(ev->kind, kind);
}

static void refused(const char *hex, const char *why)
{
    struct nl_event ev;

    assert_true(feed_hex(hex, &ev));
    assert_int_equal(ev.kind, NL_OTHER);
    assert_string_equal(ev.text, why);
    assert_int_equal(ev.nexthop.id, 0); /* nothing half-parsed is left */
}

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

static struct nl_rule rule_of(const char *dst, const char *oif)
{
    struct nl_rule r = {
        .dst = net(dst), .table = 75001, .priority = 75, .protocol = NL_PROTO_KEDGE};

    snprintf(r.oif, sizeof(r.oif), "%s", oif);
    return r;
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

static struct nl_sa cbc_sa(void)
{
    return (struct nl_sa){.src = ip("192.0.2.1"),
                          .dst = ip("198.51.100.1"),
                          .spi = 0xc0ffee01,
                          .encr = {.name = "cbc(aes)", .key_len = 32},
                          .integ = {.name = "hmac(sha1)", .key_len = 20, .icv_bits = 96},
                          .reqid = 0x6b656467};
}

/* --- builders: room --- */

static bool put_any(struct nl_buf *b, int i)
{
    struct nl_link_set l = {.ifindex = 7, .up = true, .mtu = 1400, .alias = "kedge:a"};
    struct nl_addr_set a = {.ifindex = 3, .prefix = net("10.0.0.1/32")};
    struct nl_route r = {.dst = net("10.1.0.0/16"), .metric = 20, .nh_id = 5};
    struct nl_nexthop n = {.id = 9, .group = {1, 2}, .n_group = 2};
    struct nl_sa sa = cbc_sa();

    switch (i) {
    case 0:
        return nl_put_link_set(b, 1, &l);
    case 1:
        return nl_put_addr(b, 1, &a, true);
    case 2:
        return nl_put_route(b, 1, &r, true);
    case 3:
        return nl_put_nexthop(b, 1, &n);
    case 4:
        return nl_put_nexthop_del(b, 1, 9);
    case 5:
        return nl_put_dump(b, 1, RTM_GETLINK, 0);
    case 6:
        return nl_put_route_get(b, 1, &a.prefix.addr, 0);
    case 7:
        return nl_put_sa(b, 1, &sa);
    default:
        return nl_put_sa_del(b, 1, &(struct nl_sa_id){sa.dst, sa.spi});
    }
}
#define N_ANY 9

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

/* --- parser: round trips --- */

static void route_round_trip(void **state)
{
    static const struct {
        const char *dst, *gateway, *prefsrc;
        enum nl_route_type type;
        uint32_t table, nh_id, oif;
    } rows[] = {
        {"10.1.0.0/16", "10.0.0.9", "10.0.0.1", NL_ROUTE_UNICAST, 254, 0, 3},
        {"0.0.0.0/0", "fe80::1", NULL, NL_ROUTE_UNICAST, 100000, 0, 3},
        {"2001:db8::/32", "fe80::1", "2001:db8::1", NL_ROUTE_UNICAST, 255, 0, 3},
        {"::/0", NULL, NULL, NL_ROUTE_UNICAST, 256, 0xffffffff, 0},
        {"10.0.0.1/32", NULL, NULL, NL_ROUTE_UNREACHABLE, 1, 0, 0},
        {"2001:db8::1/128", NULL, NULL, NL_ROUTE_BLACKHOLE, 4294967295u, 0, 0},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct nl_route r = {.dst = net(rows[i].dst),
                             .table = rows[i].table,
                             .metric = 7,
                             .protocol = NL_PROTO_KEDGE,
                             .type = rows[i].type,
                             .nh_id = rows[i].nh_id,
                             .oif = rows[i].oif};
        struct nl_event ev;

        fresh(state);
        if (rows[i].gateway)
            r.gateway = ip(rows[i].gateway);
        if (rows[i].prefsrc)
            r.prefsrc = ip(rows[i].prefsrc);
        for (int add = 0; add < 2; add++) {
            buf.len = 0;
            assert_true(nl_put_route(&buf, 70, &r, add));
            feed_back(&ev, NL_ROUTE);
            assert_int_equal(ev.is_del, !add);
            assert_int_equal(ev.seq, 70);
            assert_true(kd_prefix_eq(&ev.route.dst, &r.dst));
            assert_true(kd_addr_eq(&ev.route.gateway, &r.gateway));
            assert_true(kd_addr_eq(&ev.route.prefsrc, &r.prefsrc));
            assert_int_equal(ev.route.table, r.table);
            assert_int_equal(ev.route.metric, 7);
            assert_int_equal(ev.route.protocol, NL_PROTO_KEDGE);
            assert_int_equal(ev.route.type, r.type);
            assert_int_equal(ev.route.nh_id, r.nh_id);
            assert_int_equal(ev.route.oif, r.oif);
        }
    }
}

static void nexthop_round_trip(void **state)
{
    struct nl_nexthop in[] = {
        {.id = 9, .family = 4, .protocol = NL_PROTO_KEDGE, .gateway = ip("10.0.0.9"), .oif = 2},
        {.id = 9,
         .family = 6,
         .protocol = NL_PROTO_KEDGE,
         .gateway = ip("fe80::1"),
         .oif = 2,
         .onlink = true},
        {.id = 9, .family = 6, .protocol = NL_PROTO_KEDGE, .oif = 2},
        {.id = 9, .family = 4, .protocol = NL_PROTO_KEDGE, .blackhole = true},
        {.id = 9, .protocol = NL_PROTO_KEDGE, .group = {7}, .n_group = 1},
        {.id = 9,
         .protocol = NL_PROTO_KEDGE,
         .n_group = NL_NH_GROUP_MAX,
         .group = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    };
    struct nl_event ev;

    for (size_t i = 0; i < KD_ARRAY_LEN(in); i++) {
        fresh(state);
        assert_true(nl_put_nexthop(&buf, 1, &in[i]));
        feed_back(&ev, NL_NEXTHOP);
        assert_int_equal(ev.nexthop.id, 9);
        assert_int_equal(ev.nexthop.family, in[i].family);
        assert_int_equal(ev.nexthop.protocol, NL_PROTO_KEDGE);
        assert_int_equal(ev.nexthop.blackhole, in[i].blackhole);
        assert_int_equal(ev.nexthop.oif, in[i].oif);
        assert_int_equal(ev.nexthop.onlink, in[i].onlink);
        assert_true(kd_addr_eq(&ev.nexthop.gateway, &in[i].gateway));
        assert_int_equal(ev.nexthop.n_group, in[i].n_group);
        assert_memory_equal(ev.nexthop.group, in[i].group, sizeof(in[i].group));
    }
    buf.len = 0;
    assert_true(nl_put_nexthop_del(&buf, 1, 12));
    feed_back(&ev, NL_NEXTHOP);
    assert_true(ev.is_del);
    assert_int_equal(ev.nexthop.id, 12);
}

static void rule_round_trip(void **state)
{
    struct nl_rule in[] = {rule_of("10.1.11.10/32", "eth1"), rule_of("fd00::1/128", "a"),
                           rule_of("10.0.0.0/8", "abcdefghijklmno")};
    struct nl_event ev;

    for (size_t i = 0; i < 2 * KD_ARRAY_LEN(in); i++) {
        const struct nl_rule *r = &in[i / 2];
        fresh(state);
        assert_true(nl_put_rule(&buf, 1, r, i % 2));
        feed_back(&ev, NL_RULE);
        assert_int_equal(ev.is_del, !(i % 2));
        assert_true(kd_prefix_eq(&ev.rule.dst, &r->dst));
        assert_string_equal(ev.rule.oif, r->oif);
        assert_int_equal(ev.rule.table, 75001);
        assert_int_equal(ev.rule.priority, 75);
        assert_int_equal(ev.rule.protocol, NL_PROTO_KEDGE);
    }
}

/* The nearest that are malformed, or select by something else than struct nl_rule tells. */
static void rules_that_would_be_half_read_are_not(void **state)
{
#define RULE_DST  "0800 0100 0a010b0a"
#define RULE_OIF  "0900 1100 65746831 00 000000"
#define RULE_PROT "0800 0f00 f9240100 0500 1500 4b 000000"
    (void)state;
    refused("14000000 2000 0000 00000000 00000000 02000000", "rule: malformed attributes");
    refused("40000000 2000 0000 00000000 00000000 02 21 00 00 00 00 00 01 00000000" RULE_DST
                RULE_OIF RULE_PROT,
            "rule: destination of wrong length");
    refused("40000000 2000 0000 00000000 00000000 0a 20 00 00 00 00 00 01 00000000" RULE_DST
                RULE_OIF RULE_PROT,
            "rule: destination of wrong length");
    refused("40000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 01 00000000" RULE_DST
            "0900 1100 65746831 32 000000" RULE_PROT,
            "rule: malformed attributes"); /* no end */
    refused("34000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 01 00000000" RULE_DST
                RULE_PROT,
            ""); /* no interface */
    refused("40000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 06 00000000" RULE_DST
                RULE_OIF RULE_PROT,
            ""); /* blackhole */
    refused("40000000 2000 0000 00000000 00000000 02 20 00 10 00 00 00 01 00000000" RULE_DST
                RULE_OIF RULE_PROT,
            ""); /* TOS */
    refused("48000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 01 00000000" RULE_DST
                RULE_OIF RULE_PROT "0800 0a00 01000000",
            ""); /* mark */
}

static void addr_round_trip(void **state)
{
    struct nl_addr_set in[] = {
        {.ifindex = 3,
         .prefix = net("10.0.0.1/32"),
         .local = ip("10.0.0.1"),
         .protocol = NL_PROTO_KEDGE},
        {.ifindex = 3, .prefix = net("169.254.21.0/30"), .local = ip("169.254.21.2")},
        {.ifindex = 3, .prefix = net("10.0.0.2/32"), .local = ip("10.0.0.1")}, /* point to point */
        {.ifindex = 3, .prefix = net("2001:db8::/64"), .local = ip("2001:db8::5")},
    };
    struct nl_event ev;

    for (size_t i = 0; i < KD_ARRAY_LEN(in); i++) {
        fresh(state);
        assert_true(nl_put_addr(&buf, 1, &in[i], i % 2));
        feed_back(&ev, NL_ADDR);
        assert_int_equal(ev.is_del, !(i % 2));
        assert_int_equal(ev.addr.ifindex, 3);
        assert_true(kd_prefix_eq(&ev.addr.prefix, &in[i].prefix));
        assert_true(kd_addr_eq(&ev.addr.local, &in[i].local));
        assert_int_equal(ev.addr.protocol, in[i].protocol);
    }
}

static void addr_without_local_is_its_own_local(void **state)
{
    struct nl_event ev;
    struct kd_addr want = ip("fe80::1");

    (void)state;
    assert_true(feed_hex("2c000000 1400 0000 00000000 00000000 0a 40 80 fd 02000000"
                         "1400 0100 fe800000000000000000000000000001",
                         &ev));
    assert_int_equal(ev.kind, NL_ADDR);
    assert_true(kd_addr_eq(&ev.addr.local, &want));
    assert_int_equal(ev.addr.prefix.len, 64);
}

/* name "tun0" (NUL included), mtu 1400, carrier byte at the end. */
#define LINK_HEAD                                                                                  \
    "00 00 feff 05000000 01000100 00000000"                                                        \
    "0900 0300 74756e30 00 000000"                                                                 \
    "0800 0400 78050000"

static void link_is_read(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("44000000 1000 0000 00000000 00000000" LINK_HEAD
                         "0500 2100 00 000000 0600 1400 7800 0000",
                         &ev));
    assert_int_equal(ev.kind, NL_LINK);
    assert_false(ev.is_del);
    assert_int_equal(ev.link.ifindex, 5);
    assert_string_equal(ev.link.name, "tun0");
    assert_string_equal(ev.link.alias, "x");
    assert_int_equal(ev.link.mtu, 1400);
    assert_true(ev.link.up);
    assert_false(ev.link.carrier); /* IFLA_CARRIER outweighs IFF_LOWER_UP */
}

static void link_carrier_falls_back_to_the_flag(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("34000000 1100 0000 00000000 00000000" LINK_HEAD, &ev));
    assert_int_equal(ev.kind, NL_LINK);
    assert_true(ev.is_del);
    assert_true(ev.link.carrier);
}

static void long_foreign_alias_is_cut(void **state)
{
    uint8_t m[16 + 16 + 12 + 4 + 100];
    struct nl_event ev;

    (void)state;
    unhex("94000000 1000 0000 00000000 00000000"
          "00 00 feff 05000000 01000000 00000000 0900 0300 74756e30 00 000000"
          "6800 1400",
          m);
    memset(m + 48, 'a', 99);
    m[147] = 0;
    assert_true(feed(m, sizeof(m), &ev));
    assert_int_equal(ev.kind, NL_LINK);
    assert_int_equal(strlen(ev.link.alias), NL_ALIAS_MAX - 1);
    m[147] = 'a'; /* unterminated */
    assert_true(feed(m, sizeof(m), &ev));
    assert_int_equal(ev.kind, NL_OTHER);
}

/* --- parser: answers --- */

static void ack_without_text(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("24000000 0200 0001 2a000000 00000000 00000000"
                         "20000000 1300 0500 2a000000 00000000",
                         &ev));
    assert_int_equal(ev.kind, NL_ACK);
    assert_int_equal(ev.seq, 42);
    assert_int_equal(ev.error, 0);
    assert_string_equal(ev.text, "");
}

static void refusal_with_text_is_printable(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("30000000 0200 0003 2a000000 00000000 eaffffff"
                         "20000000 1300 0500 2a000000 00000000"
                         "0900 0100 4e6f0a21 00 000000",
                         &ev));
    assert_int_equal(ev.kind, NL_ACK);
    assert_int_equal(ev.error, EINVAL);
    assert_string_equal(ev.text, "No?!");
}

static void refusal_text_is_found_behind_an_uncapped_request(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("34000000 0200 0002 2a000000 00000000 eaffffff"
                         "18000000 6a00 0500 2a000000 00000000 ffffffff ffffffff"
                         "0700 0100 6e6f00 00",
                         &ev));
    assert_int_equal(ev.kind, NL_ACK);
    assert_string_equal(ev.text, "no");
    refused("38000000 0200 0002 2a000000 00000000 eaffffff"
            "18000000 6a00 0500 2a000000 00000000 ffffffff ffffffff"
            "0700 0100 6e6f00 00 00000000",
            "ack: malformed extended ack"); /* zeroes behind the last attribute are none */
}

static void text_without_its_flag_is_not_read(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("30000000 0200 0001 2a000000 00000000 eaffffff"
                         "20000000 1300 0500 2a000000 00000000"
                         "0900 0100 4e6f0a21 00 000000",
                         &ev));
    assert_int_equal(ev.error, EINVAL);
    assert_string_equal(ev.text, "");
}

static void malformed_acks_are_refused(void **state)
{
    (void)state;
    refused("20000000 0200 0001 2a000000 00000000 00000000 20000000 1300 0500 2a000000",
            "ack: short");
    refused("24000000 0200 0001 2a000000 00000000 01000000"
            "20000000 1300 0500 2a000000 00000000",
            "ack: not an errno");
    refused("24000000 0200 0001 2a000000 00000000 00000080"
            "20000000 1300 0500 2a000000 00000000",
            "ack: not an errno");
    refused("24000000 0200 0000 2a000000 00000000 00000000"
            "0f000000 1300 0500 2a000000 00000000",
            "ack: malformed request in it");
    refused("24000000 0200 0002 2a000000 00000000 00000000"
            "ffffffff 1300 0500 2a000000 00000000",
            "ack: malformed request in it");
    refused("2c000000 0200 0003 2a000000 00000000 eaffffff"
            "20000000 1300 0500 2a000000 00000000 0900 0100 4e6f0a21",
            "ack: malformed extended ack");
    refused("2c000000 0200 0003 2a000000 00000000 eaffffff"
            "20000000 1300 0500 2a000000 00000000 0800 0100 4e6f0a21",
            "ack: malformed extended ack");
}

static void done_carries_the_error_of_the_dump(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("14000000 0300 0200 05000000 00000000 00000000", &ev));
    assert_int_equal(ev.kind, NL_DONE);
    assert_int_equal(ev.error, 0);
    assert_false(ev.interrupted);
    assert_true(feed_hex("14000000 0300 1200 05000000 00000000 fcffffff", &ev));
    assert_int_equal(ev.error, EINTR);
    assert_true(ev.interrupted);
    assert_true(feed_hex("10000000 0300 0200 05000000 00000000", &ev));
    assert_int_equal(ev.kind, NL_DONE);
}

static void overrun_message_is_an_overrun(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("10000000 0400 0000 00000000 00000000", &ev));
    assert_int_equal(ev.kind, NL_OVERRUN);
}

/* --- parser: refusals --- */

static void unknown_types_are_other(void **state)
{
    (void)state;
    refused("10000000 0100 0000 00000000 00000000", "");          /* NLMSG_NOOP */
    refused("10000000 4d00 0000 00000000 00000000", "");          /* no such type */
    refused("14000000 1c00 0000 00000000 00000000 02000000", ""); /* RTM_NEWNEIGH */
}

static void what_is_not_ours_to_read_is_other(void **state)
{
    (void)state;
    /* a route with a source prefix, with a TOS, local, of MPLS */
    refused("1c000000 1800 0000 00000000 00000000 0a 00 40 00 fe 02 00 01 00000000", "");
    refused("1c000000 1800 0000 00000000 00000000 02 00 00 10 fe 02 00 01 00000000", "");
    refused("1c000000 1800 0000 00000000 00000000 02 00 00 00 ff 02 00 02 00000000", "");
    refused("1c000000 1800 0000 00000000 00000000 1c 00 00 00 fe 02 00 01 00000000", "");
    /* a bridge's partial link message, an address of another family */
    refused("34000000 1100 0000 00000000 00000000"
            "07 00 feff 05000000 01000100 00000000 0900 0300 74756e30 00 000000 0800 0400 78050000",
            "");
    refused("18000000 1400 0000 00000000 00000000 1d 00 00 00 01000000", "");
}

static void ipv6_look_up_from_any_is_read_other_sources_are_not(void **state)
{
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("30000000 1800 0000 00000000 00000000 0a 00 80 00 fe 02 00 01 00000000"
                         "1400 0200 00000000000000000000000000000000",
                         &ev));
    assert_int_equal(ev.kind, NL_ROUTE);
    assert_true(ev.route.cloned);
    refused("30000000 1800 0000 00000000 00000000 0a 00 80 00 fe 02 00 01 00000000"
            "1400 0200 00000000000000000000000000000001",
            "");
    refused("30000000 1800 0000 00000000 00000000 0a 00 40 00 fe 02 00 01 00000000"
            "1400 0200 00000000000000000000000000000000",
            "");
    refused("1c000000 1800 0000 00000000 00000000 0a 00 80 00 fe 02 00 01 00000000", "");
}

/* As Linux 6.1 tells of them: "ip route add 10.9.0.0/16 metric 20 proto ospf nexthop via 192.0.2.2
 * nexthop via 192.0.2.6", and of IPv6. */
#define V4_HEAD                                                                                    \
    "1800 0006 da61016b 63590000 02 10 00 00 fe bc 00 01 00000000 08000f00fe000000"                \
    "08000100 0a090000 0800060014000000"

static void multipath_route_shows_its_hops(void **state)
{
    static const struct kd_addr first = {4, {192, 0, 2, 2}}, second = {4, {192, 0, 2, 6}};
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex("58000000" V4_HEAD "24000900 10000000 03000000 08000500c0000202"
                         "10000000 05000000 08000500c0000206",
                         &ev));
    assert_int_equal(ev.kind, NL_ROUTE);
    assert_int_equal(ev.route.protocol, 188);
    assert_int_equal(ev.route.gateway.family, 0);
    assert_int_equal(ev.route.n_hops, 2);
    assert_int_equal(ev.route.hop[0].oif, 3);
    assert_int_equal(ev.route.hop[1].oif, 5);
    assert_true(kd_addr_eq(&ev.route.hop[0].gateway, &first));
    assert_true(kd_addr_eq(&ev.route.hop[1].gateway, &second));
    assert_true(feed_hex("a8000000 1800 0004 db61016b 65590000 0a 30 00 00 fe bc 00 01 00000000"
                         "08000f00fe000000 14000100 20010db8000900000000000000000000"
                         "0800060014000000 3c000900"
                         "1c000000 03000000 14000500 20010db8000a00000000000000000002"
                         "1c000000 05000000 14000500 20010db8000b00000000000000000002"
                         "24000c00 0000000000000000000000000000000000000000000000000000000000000000"
                         "05001400 00000000",
                         &ev));
    assert_int_equal(ev.route.n_hops, 2);
    assert_int_equal(ev.route.hop[1].gateway.family, 6);
    assert_int_equal(ev.route.hop[1].gateway.b[5], 0x0b);
}

static void malformed_hops_are_refused(void **state)
{
    (void)state;
    /* a hop shorter than its head, one that runs over the end, rest behind the last, a gateway of
     * three octets, one that runs over its hop */
    refused("58000000" V4_HEAD "24000900 07000000 03000000 08000500c0000202"
            "10000000 05000000 08000500c0000206",
            "route: malformed hops");
    refused("58000000" V4_HEAD "24000900 10000000 03000000 08000500c0000202"
            "11000000 05000000 08000500c0000206",
            "route: malformed hops");
    refused("58000000" V4_HEAD "24000900 10000000 03000000 08000500c0000202"
            "0c000000 05000000 08000500c0000206",
            "route: malformed hops");
    refused("58000000" V4_HEAD "24000900 10000000 03000000 07000500c0000200"
            "10000000 05000000 08000500c0000206",
            "route: malformed hops");
    refused("58000000" V4_HEAD "24000900 10000000 03000000 09000500c0000202"
            "10000000 05000000 08000500c0000206",
            "route: malformed hops");
}

static void truncated_attributes_are_refused(void **state)
{
    (void)state;
    refused("20000000 6800 0000 00000000 00000000 02 00 4b 00 00000000 0900 0100 09000000",
            "next hop: malformed attributes"); /* runs over the end by one */
    refused("1f000000 6800 0000 00000000 00000000 02 00 4b 00 00000000 0800 0100 090000",
            "next hop: malformed attributes");
    refused("1c000000 6800 0000 00000000 00000000 02 00 4b 00 00000000 0300 0100",
            "next hop: malformed attributes"); /* shorter than its header */
    refused("1a000000 6800 0000 00000000 00000000 02 00 4b 00 00000000 0800",
            "next hop: malformed attributes"); /* half a header */
    refused("1c000000 6800 0000 00000000 00000000 02 00 4b 00 00000000 0000 0000",
            "next hop: malformed attributes");
    refused("14000000 6800 0000 00000000 00000000 02 00 4b 00",
            "next hop: malformed attributes"); /* short fixed part */
    refused("10000000 1000 0000 00000000 00000000", "link: malformed attributes");
    refused("14000000 1400 0000 00000000 00000000 02 00 00 00", "address: malformed attributes");
    refused("18000000 1800 0000 00000000 00000000 02 00 00 00 fe 02 00 01",
            "route: malformed attributes");
}

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    refused("20000000 6800 0000 00000000 00000000 02 00 4b 00 00000000 0700 0100 09000000",
            "next hop: malformed attributes"); /* id of three bytes */
    refused("24000000 6800 0000 00000000 00000000 02 00 4b 00 00000000 0c00 0100 09000000 00000000",
            "next hop: malformed attributes"); /* of eight */
    refused("28000000 6800 0000 00000000 00000000 0a 00 4b 00 00000000 0800 0100 09000000"
            "0800 0600 0a000001",
            "next hop: gateway of wrong length");
    refused("28000000 6800 0000 00000000 00000000 00 00 4b 00 00000000 0800 0100 09000000"
            "0800 0600 0a000001",
            "next hop: gateway without family");
    refused("18000000 6800 0000 00000000 00000000 02 00 4b 00 00000000", "next hop: no id");
    refused("24000000 1800 0000 00000000 00000000 0a 08 00 00 fe 02 00 01 00000000"
            "0800 0100 0a000000",
            "route: address of wrong length");
    refused("24000000 1800 0000 00000000 00000000 02 21 00 00 fe 02 00 01 00000000"
            "0800 0100 0a000000",
            "route: bad destination"); /* /33 */
    refused("1c000000 1800 0000 00000000 00000000 02 01 00 00 fe 02 00 01 00000000",
            "route: bad destination"); /* /1 of what? */
    refused("28000000 1800 0000 00000000 00000000 02 00 00 00 fe 02 00 01 00000000"
            "0a00 1200 0a00 0a000001 0000",
            "route: address of wrong length"); /* via IPv6, four bytes */
    refused("24000000 1800 0000 00000000 00000000 02 00 00 00 fe 02 00 01 00000000"
            "0500 1200 0a 000000",
            "route: address of wrong length"); /* via, not even a family */
    refused("20000000 1400 0000 00000000 00000000 02 21 00 00 01000000 0800 0100 0a000000",
            "address: prefix longer than its family");
    refused("20000000 1400 0000 00000000 00000000 0a 20 00 00 01000000 0800 0100 0a000000",
            "address: wrong length for its family");
    refused("18000000 1400 0000 00000000 00000000 02 20 00 00 01000000", "address: missing");
    refused("20000000 1000 0000 00000000 00000000 00 00 feff 05000000 01000100 00000000",
            "link: name missing or too long");
    refused("38000000 1000 0000 00000000 00000000 00 00 feff 05000000 01000100 00000000"
            "1500 0300 61616161616161616161616161616161 00 000000",
            "link: name missing or too long");
    refused("2c000000 1000 0000 00000000 00000000 00 00 feff 00000000 01000100 00000000"
            "0900 0300 74756e30 00 000000",
            "link: bad index");
}

static void nexthop_group_sizes_are_checked(void **state)
{
    uint8_t m[16 + 8 + 8 + 4 + 17 * 8] = {0};
    struct nl_event ev;

    (void)state;
    refused("24000000 6800 0000 00000000 00000000 00 00 4b 00 00000000 0800 0100 09000000"
            "0400 0200",
            "next hop: malformed group");
    refused("28000000 6800 0000 00000000 00000000 00 00 4b 00 00000000 0800 0100 09000000"
            "0800 0200 01000000",
            "next hop: malformed group");
    unhex("ac000000 6800 0000 00000000 00000000 00 00 4b 00 00000000 0800 0100 09000000"
          "8c00 0200",
          m);
    assert_true(feed(m, sizeof(m), &ev));
    assert_int_equal(ev.kind, NL_OTHER); /* seventeen */
    assert_string_equal(ev.text, "");
    m[0] -= 8;
    m[32] -= 8;
    assert_true(feed(m, sizeof(m) - 8, &ev));
    assert_int_equal(ev.kind, NL_NEXTHOP);
    assert_int_equal(ev.nexthop.n_group, NL_NH_GROUP_MAX);
}

static void broken_framing_ends_the_walk_and_keeps_the_rest(void **state)
{
    static const char *const bad[] = {
        "0f000000 0300 0000 00000000 00000000", /* shorter than a header */
        "14000000 0300 0000 00000000 00000000", /* longer than what there is */
        "ffffffff 0300 0000 00000000 00000000", "00000000 0300 0000 00000000 00000000",
        "10000000 0300 0000 00000000 000000", /* half a header */
    };
    struct nl_event ev;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        struct kd_bytes d;
        size_t n;

        fresh(state);
        unhex("10000000 0300 0000 00000000 00000000", room);
        n = unhex(bad[i], room + 16);
        d = kd_bytes(room, 16 + n);
        assert_true(nl_next(&d, &ev));
        assert_false(nl_next(&d, &ev));
        assert_int_equal(d.len, n);
    }
}

static void walk_steps_over_padding_and_ends_empty(void **state)
{
    struct kd_bytes d;
    struct nl_event ev;
    size_t n = unhex("12000000 4d00 0000 01000000 00000000 ffff 0000"
                     "11000000 4d00 0000 02000000 00000000 ff",
                     room);

    (void)state;
    d = kd_bytes(room, n);
    assert_true(nl_next(&d, &ev));
    assert_int_equal(ev.seq, 1);
    assert_true(nl_next(&d, &ev)); /* the last one unpadded */
    assert_int_equal(ev.seq, 2);
    assert_int_equal(d.len, 0);
    assert_false(nl_next(&d, &ev));
}

static void xfrm_numbers_are_not_read_as_links(void **state)
{
    struct nl_sa sa = cbc_sa();
    struct nl_event ev;
    struct kd_bytes d;

    (void)state;
    assert_true(nl_put_sa(&buf, 9, &sa)); /* XFRM_MSG_NEWSA is RTM_NEWLINK's number */
    d = kd_bytes(buf.p, buf.len);
    assert_true(nl_next_ack(&d, &ev));
    assert_int_equal(ev.kind, NL_OTHER);
    assert_string_equal(ev.text, "");
    assert_int_equal(ev.seq, 9);
}

/* --- parser: anything --- */

static uint64_t rng;

static uint32_t rnd(uint32_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)(rng >> 32) % below;
}

static void check_sane(const struct nl_event *ev)
{
    assert_non_null(memchr(ev->text, 0, sizeof(ev->text)));
    assert_true(ev->error >= 0);
    switch (ev->kind) {
    case NL_LINK:
        assert_non_null(memchr(ev->link.name, 0, sizeof(ev->link.name)));
        assert_non_null(memchr(ev->link.alias, 0, sizeof(ev->link.alias)));
        break;
    case NL_ADDR:
        assert_true(ev->addr.prefix.len <= kd_addr_bits(&ev->addr.prefix.addr));
        assert_int_equal(ev->addr.local.family, ev->addr.prefix.addr.family);
        break;
    case NL_RULE:
        assert_true(ev->rule.dst.len <= kd_addr_bits(&ev->rule.dst.addr));
        assert_non_null(memchr(ev->rule.oif, '\0', sizeof(ev->rule.oif)));
        break;
    case NL_ROUTE:
        assert_true(ev->route.dst.addr.family == 4 || ev->route.dst.addr.family == 6);
        assert_true(ev->route.dst.len <= kd_addr_bits(&ev->route.dst.addr));
        assert_true(ev->route.type <= NL_ROUTE_BLACKHOLE);
        break;
    case NL_NEXTHOP:
        assert_true(ev->nexthop.id != 0 && ev->nexthop.n_group <= NL_NH_GROUP_MAX);
        break;
    default:
        break;
    }
}

static size_t corpus(uint8_t *out)
{
    struct nl_buf b = {.p = out, .cap = 2048};

    for (int i = 0; i < N_ANY; i++)
        assert_true(put_any(&b, i));
    b.len += unhex("44000000 1000 0000 00000000 00000000" LINK_HEAD
                   "0500 2100 00 000000 0600 1400 7800 0000",
                   out + b.len);
    b.len += unhex("30000000 0200 0003 2a000000 00000000 eaffffff"
                   "20000000 1300 0500 2a000000 00000000 0900 0100 4e6f0a21 00 000000",
                   out + b.len);
    b.len += unhex("14000000 0300 0200 05000000 00000000 00000000", out + b.len);
    return b.len;
}

static void mutated_messages_never_crash(void **state)
{
    const char *seed = getenv("KEDGE_TEST_SEED");
    uint8_t good[2048];
    size_t good_len = corpus(good);

    (void)state;
    rng = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + 1;
    print_message("KEDGE_TEST_SEED=%llu\n", (unsigned long long)rng);
    rng |= (uint64_t)1 << 63;
    for (int round = 0; round < 20000; round++) {
        size_t len = rnd(8) ? good_len : rnd((uint32_t)good_len + 1), shift = rnd(4), steps = 0;
        uint8_t *m = malloc(len + shift + 1);
        struct kd_bytes d = kd_bytes(m + 1 + shift, len);
        struct nl_event ev;

        assert_non_null(m);
        d.p = m + shift;
        memcpy(m + shift, good, len);
        for (uint32_t k = rnd(12); len && k > 0; k--)
            m[shift + rnd((uint32_t)len)] = rnd(2) ? (uint8_t)rnd(256) : (uint8_t)rnd(9);
        m = realloc(m, len + shift ? len + shift : 1); /* exact again, for the sanitizer */
        assert_non_null(m);
        d.p = m + shift;
        while (rnd(50) ? nl_next(&d, &ev) : nl_next_ack(&d, &ev)) {
            check_sane(&ev);
            assert_true(++steps <= len / 16);
        }
        free(m);
    }
}

/* --- the probe's judgement --- */

static void probe_tells_four_cases_apart(void **state)
{
    static const struct {
        int open_err, add_err;
        const char *text;
        enum nl_esp_support want;
        const char *says;
    } rows[] = {
        {0, 0, "", NL_ESP_SUPPORTED, "ESP in this kernel"},
        {0, EPROTONOSUPPORT, "Requested type not found", NL_ESP_ABSENT,
         "no ESP in this kernel: Requested type not found"},
        {0, ENOSYS, "", NL_ESP_ABSENT, "no ESP in this kernel: Function not implemented"},
        {0, EPERM, "", NL_ESP_NO_PERMISSION, "need CAP_NET_ADMIN"},
        {EACCES, 0, "", NL_ESP_NO_PERMISSION, "need CAP_NET_ADMIN"},
        {EPROTONOSUPPORT, 0, "", NL_ESP_NO_XFRM, "no XFRM netlink in this kernel"},
        {EMFILE, 0, "", NL_ESP_UNKNOWN, "can't open XFRM netlink"},
        {0, ETIMEDOUT, "", NL_ESP_UNKNOWN, "can't tell"},
        {0, EEXIST, "", NL_ESP_UNKNOWN, "can't tell"},
    };
    char reason[200];

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        assert_int_equal(
            nl_esp_judge(rows[i].open_err, rows[i].add_err, rows[i].text, reason, sizeof(reason)),
            rows[i].want);
        assert_non_null(strstr(reason, rows[i].says));
        assert_null(strchr(reason, '\n'));
    }
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(link_set_bytes),
        T(link_set_leaves_out_what_is_left),
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
        T(rule_round_trip),
        T(rules_that_would_be_half_read_are_not),
        T(dump_bytes),
        T(route_get_bytes),
        T(route_get_of_ipv6_has_no_flag),
        T(exact_room_is_enough_one_byte_less_appends_nothing),
        T(batch_needs_no_alignment),
        T(route_round_trip),
        T(nexthop_round_trip),
        T(addr_round_trip),
        T(addr_without_local_is_its_own_local),
        T(link_is_read),
        T(link_carrier_falls_back_to_the_flag),
        T(long_foreign_alias_is_cut),
        T(ack_without_text),
        T(refusal_with_text_is_printable),
        T(refusal_text_is_found_behind_an_uncapped_request),
        T(text_without_its_flag_is_not_read),
        T(malformed_acks_are_refused),
        T(done_carries_the_error_of_the_dump),
        T(overrun_message_is_an_overrun),
        T(unknown_types_are_other),
        T(what_is_not_ours_to_read_is_other),
        T(ipv6_look_up_from_any_is_read_other_sources_are_not),
        T(multipath_route_shows_its_hops),
        T(malformed_hops_are_refused),
        T(truncated_attributes_are_refused),
        T(wrong_lengths_are_refused),
        T(nexthop_group_sizes_are_checked),
        T(broken_framing_ends_the_walk_and_keeps_the_rest),
        T(walk_steps_over_padding_and_ends_empty),
        T(xfrm_numbers_are_not_read_as_links),
        T(mutated_messages_never_crash),
        T(probe_tells_four_cases_apart),
    };

    return cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
}
