/* NETLINK_ROUTE's parser fed from hex or from what was built. */
#ifndef TEST_NETLINK_ROUTE_H
#define TEST_NETLINK_ROUTE_H

#include "test_netlink.h"

#include "netlink/xfrm.h"

#include <linux/rtnetlink.h>

/* Feeds hex to the parser from a block of its exact size, so that a sanitizer sees one byte too
 * far; at every alignment. */
static inline bool feed(const uint8_t *p, size_t len, struct nl_event *ev)
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

static inline bool feed_hex(const char *hex, struct nl_event *ev)
{
    uint8_t raw[1024];
    size_t n = unhex(hex, raw);

    return feed(raw, n, ev);
}

static inline void feed_back(struct nl_event *ev, enum nl_kind kind)
{
    assert_true(feed(buf.p, buf.len, ev));
    assert_string_equal(ev->text, "");
    assert_int_equal(ev->kind, kind);
}

static inline void refused(const char *hex, const char *why)
{
    struct nl_event ev;

    assert_true(feed_hex(hex, &ev));
    assert_int_equal(ev.kind, NL_OTHER);
    assert_string_equal(ev.text, why);
    assert_int_equal(ev.nexthop.id, 0); /* nothing half-parsed is left */
}

static inline struct nl_rule rule_of(const char *dst, const char *oif)
{
    struct nl_rule r = {
        .dst = net(dst), .table = 75001, .priority = 75, .protocol = NL_PROTO_KEDGE};

    snprintf(r.oif, sizeof(r.oif), "%s", oif);
    return r;
}

static inline struct nl_sa cbc_sa(void)
{
    return (struct nl_sa){.src = ip("192.0.2.1"),
                          .dst = ip("198.51.100.1"),
                          .spi = 0xc0ffee01,
                          .encr = {.name = "cbc(aes)", .key_len = 32},
                          .integ = {.name = "hmac(sha1)", .key_len = 20, .icv_bits = 96},
                          .reqid = 0x6b656467};
}

/* Something of everything, for room and for mutations. */
static inline bool put_any(struct nl_buf *b, int i)
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

#define LINK_HEAD                                                                                  \
    "00 00 feff 05000000 01000100 00000000"                                                        \
    "0900 0300 74756e30 00 000000"                                                                 \
    "0800 0400 78050000"

#endif
