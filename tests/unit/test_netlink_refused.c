/* NETLINK_ROUTE messages that are malformed, or not ours to read, in every way that can be thought
 * of. */
#include "test_netlink_route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <time.h>

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

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
