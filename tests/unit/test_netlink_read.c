/* NETLINK_ROUTE messages as they are read: round trips, links and addresses, answers. */
#include "netlink/probe.h"
#include "test_netlink_route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

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
    refused(
        "40000000 2000 0000 00000000 00000000 02 21 00 00 00 00 00 01 00000000" RULE_DST RULE_OIF
            RULE_PROT,
        "rule: destination of wrong length");
    refused(
        "40000000 2000 0000 00000000 00000000 0a 20 00 00 00 00 00 01 00000000" RULE_DST RULE_OIF
            RULE_PROT,
        "rule: destination of wrong length");
    refused("40000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 01 00000000" RULE_DST
            "0900 1100 65746831 32 000000" RULE_PROT,
            "rule: malformed attributes"); /* no end */
    refused(
        "34000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 01 00000000" RULE_DST RULE_PROT,
        ""); /* no interface */
    refused(
        "40000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 06 00000000" RULE_DST RULE_OIF
            RULE_PROT,
        ""); /* blackhole */
    refused(
        "40000000 2000 0000 00000000 00000000 02 20 00 10 00 00 00 01 00000000" RULE_DST RULE_OIF
            RULE_PROT,
        ""); /* TOS */
    refused(
        "48000000 2000 0000 00000000 00000000 02 20 00 00 00 00 00 01 00000000" RULE_DST RULE_OIF
            RULE_PROT "0800 0a00 01000000",
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

static void a_vrf_is_known_by_its_kind_and_table(void **state)
{
#define VRF(kind, data)                                                                            \
    "44000000 1000 0000 00000000 00000000 00 00 0000 09000000 c1000000 00000000"                   \
    "0900 0300 626c7565 00 000000"                                                                 \
    "1800 1280 0800 0100 " kind " 00 0c00 0280 " data
    struct nl_event ev;

    (void)state;
    assert_true(feed_hex(VRF("767266", "0800 0100 0a000000"), &ev));
    assert_string_equal(ev.text, "");
    assert_int_equal(ev.kind, NL_LINK);
    assert_int_equal(ev.link.vrf_table, 10);
    assert_true(feed_hex(VRF("767267", "0800 0100 0a000000"), &ev)); /* another kind */
    assert_int_equal(ev.kind, NL_LINK);
    assert_int_equal(ev.link.vrf_table, 0);
    refused(VRF("767266", "0700 0100 0a000000"), "link: malformed kind");
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
        T(rule_round_trip),
        T(rules_that_would_be_half_read_are_not),
        T(route_round_trip),
        T(nexthop_round_trip),
        T(addr_round_trip),
        T(addr_without_local_is_its_own_local),
        T(link_is_read),
        T(a_vrf_is_known_by_its_kind_and_table),
        T(link_carrier_falls_back_to_the_flag),
        T(long_foreign_alias_is_cut),
        T(ack_without_text),
        T(refusal_with_text_is_printable),
        T(refusal_text_is_found_behind_an_uncapped_request),
        T(text_without_its_flag_is_not_read),
        T(malformed_acks_are_refused),
        T(done_carries_the_error_of_the_dump),
        T(overrun_message_is_an_overrun),
        T(probe_tells_four_cases_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
