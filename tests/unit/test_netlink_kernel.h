/* A network namespace with two TUN devices, up, addressed, with a peer behind each, and netlink
 * spoken in it. Needs root and /dev/net/tun. */
#ifndef TEST_NETLINK_KERNEL_H
#define TEST_NETLINK_KERNEL_H

#include "netlink/socket.h"
#include "test_netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TALK_MS  3000
#define SEEN_MAX 2048

static struct {
    struct nl_socket *talk, *mon;
    int tun[2];
    uint32_t oif[2];
    uint32_t seq;
    struct nl_buf b;
    _Alignas(8) uint8_t room[65536];
    struct nl_event seen[SEEN_MAX]; /* answers, or what mon heard */
    size_t n_seen;
    char text[160];
} k;

static const uint16_t mon_groups[] = {RTNLGRP_LINK,
                                      RTNLGRP_IPV4_IFADDR,
                                      RTNLGRP_IPV4_ROUTE,
                                      RTNLGRP_IPV6_IFADDR,
                                      RTNLGRP_IPV6_ROUTE,
                                      RTNLGRP_NEXTHOP,
                                      0};

/* Keeps what is told; routes and addresses the kernel makes for itself only clutter. */
static inline void keep(const struct nl_event *ev)
{
    if (ev->kind == NL_OTHER && !ev->text[0])
        return;
    assert_string_equal(ev->kind == NL_OTHER ? ev->text : "", ""); /* we can read this kernel */
    if (k.n_seen < SEEN_MAX)
        k.seen[k.n_seen++] = *ev;
}

/* Sends k.b, collects everything up to the answer to the last seq; its errno. */
static inline int ask(void)
{
    k.n_seen = 0;
    assert_true(nl_send(k.talk, &k.b));
    k.b.len = 0;
    for (;;) {
        struct pollfd p = {.fd = nl_fd(k.talk), .events = POLLIN};
        struct kd_bytes d;
        struct nl_event ev;
        bool overrun;

        assert_int_equal(poll(&p, 1, TALK_MS), 1);
        assert_true(nl_recv(k.talk, &d, &overrun));
        assert_false(overrun);
        while (nl_next(&d, &ev)) {
            if ((ev.kind == NL_ACK || ev.kind == NL_DONE) && ev.seq == k.seq) {
                memcpy(k.text, ev.text, sizeof(k.text));
                return ev.error;
            }
            keep(&ev);
        }
        assert_int_equal(d.len, 0);
    }
}

/* Everything mon has heard so far, into k.seen. */
static inline bool hear(void)
{
    struct nl_event ev;
    struct kd_bytes d;
    bool overrun = false;

    k.n_seen = 0;
    while (nl_recv(k.mon, &d, &overrun) && d.len && !overrun) {
        while (nl_next(&d, &ev))
            keep(&ev);
    }
    return !overrun;
}

static inline size_t count(enum nl_kind kind, bool is_del)
{
    size_t n = 0;

    for (size_t i = 0; i < k.n_seen; i++)
        n += k.seen[i].kind == kind && k.seen[i].is_del == is_del;
    return n;
}

static inline int link_set(uint32_t ifindex, bool up, uint32_t mtu, const char *alias)
{
    struct nl_link_set l = {.ifindex = ifindex, .up = up, .mtu = mtu, .alias = alias};

    assert_true(nl_put_link_set(&k.b, ++k.seq, &l));
    return ask();
}

static inline int addr_set(uint32_t ifindex, const char *prefix, const char *local, bool add)
{
    struct nl_addr_set a = {
        .ifindex = ifindex, .prefix = net(prefix), .local = ip(local), .protocol = NL_PROTO_KEDGE};

    assert_true(nl_put_addr(&k.b, ++k.seq, &a, add));
    return ask();
}

static inline int nh_single(uint32_t id, uint8_t family, int dev)
{
    struct nl_nexthop n = {
        .id = id, .family = family, .protocol = NL_PROTO_KEDGE, .oif = k.oif[dev]};

    assert_true(nl_put_nexthop(&k.b, ++k.seq, &n));
    return ask();
}

static inline int nh_group(uint32_t id, uint32_t first, uint32_t second)
{
    struct nl_nexthop n = {
        .id = id, .protocol = NL_PROTO_KEDGE, .group = {first, second}, .n_group = second ? 2 : 1};

    assert_true(nl_put_nexthop(&k.b, ++k.seq, &n));
    return ask();
}

static inline int nh_del(uint32_t id)
{
    assert_true(nl_put_nexthop_del(&k.b, ++k.seq, id));
    return ask();
}

/* nh_id 0: unreachable. */
static inline int route(const char *dst, uint32_t metric, uint32_t nh_id, bool add)
{
    struct nl_route r = {.dst = net(dst),
                         .table = RT_TABLE_MAIN,
                         .metric = metric,
                         .protocol = NL_PROTO_KEDGE,
                         .nh_id = nh_id,
                         .type = nh_id ? NL_ROUTE_UNICAST : NL_ROUTE_UNREACHABLE};

    assert_true(nl_put_route(&k.b, ++k.seq, &r, add));
    return ask();
}

static inline void dump(uint16_t type, uint8_t family)
{
    assert_true(nl_put_dump(&k.b, ++k.seq, type, family));
    assert_int_equal(ask(), 0);
}

/* Our routes to dst with this metric, after a dump of the family; the last one found. */
static inline const struct nl_route *find_route(const char *dst, uint32_t metric)
{
    struct kd_prefix p = net(dst);

    dump(RTM_GETROUTE, p.addr.family);
    for (size_t i = 0; i < k.n_seen; i++) {
        const struct nl_route *r = &k.seen[i].route;

        if (k.seen[i].kind == NL_ROUTE && r->protocol == NL_PROTO_KEDGE && r->metric == metric &&
            kd_prefix_eq(&r->dst, &p))
            return r;
    }
    return NULL;
}

static inline const struct nl_nexthop *find_nexthop(uint32_t id)
{
    dump(RTM_GETNEXTHOP, 0);
    for (size_t i = 0; i < k.n_seen; i++) {
        if (k.seen[i].kind == NL_NEXTHOP && k.seen[i].nexthop.id == id)
            return &k.seen[i].nexthop;
    }
    return NULL;
}

/* The device a packet to dst leaves by; 0 with the errno in *err where there is none. */
static inline uint32_t look_up(const char *dst, int *err)
{
    struct kd_addr a = ip(dst);

    assert_true(nl_put_route_get(&k.b, ++k.seq, &a, 0));
    *err = ask();
    for (size_t i = 0; i < k.n_seen; i++) {
        if (k.seen[i].kind == NL_ROUTE)
            return k.seen[i].route.oif;
    }
    return 0;
}

static inline void sysctl(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, value, strlen(value)), (ssize_t)strlen(value));
    close(fd);
}

static inline int tun_open(const char *name)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    assert_int_equal(ioctl(fd, TUNSETIFF, &r), 0);
    return fd;
}

static inline uint32_t link_index(const char *name)
{
    dump(RTM_GETLINK, 0);
    for (size_t i = 0; i < k.n_seen; i++) {
        if (k.seen[i].kind == NL_LINK && strcmp(k.seen[i].link.name, name) == 0)
            return k.seen[i].link.ifindex;
    }
    return 0;
}

static inline int set_up(void **state)
{
    static const char *const name[] = {"kt0", "kt1"};
    static const char *const v4[] = {"169.254.21.2", "169.254.22.2"};
    static const char *const v4net[] = {"169.254.21.0/30", "169.254.22.0/30"};

    (void)state;
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    memset(&k, 0, sizeof(k));
    k.b = (struct nl_buf){.p = k.room, .cap = sizeof(k.room)};
    k.talk = nl_open(NETLINK_ROUTE, NULL);
    k.mon = nl_open(NETLINK_ROUTE, mon_groups);
    assert_non_null(k.talk);
    assert_non_null(k.mon);
    assert_int_equal(link_set(link_index("lo"), true, 0, NULL), 0);
    for (int i = 0; i < 2; i++) {
        k.tun[i] = tun_open(name[i]);
        k.oif[i] = link_index(name[i]);
        assert_int_equal(link_set(k.oif[i], true, 1400, "kedge:test"), 0);
        assert_int_equal(addr_set(k.oif[i], v4net[i], v4[i], true), 0);
    }
    sysctl("/proc/sys/net/ipv4/nexthop_compat_mode", "0");
    assert_true(hear());
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    nl_close(k.talk);
    nl_close(k.mon);
    close(k.tun[0]);
    close(k.tun[1]);
    return 0;
}

static inline void put_primary_and_backup(void)
{
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_single(12, 4, 1), 0);
    assert_int_equal(nh_single(16, 6, 0), 0);
    assert_int_equal(nh_single(17, 6, 1), 0);
    assert_int_equal(nh_group(100, 11, 0), 0);
    assert_int_equal(nh_group(101, 12, 0), 0);
    assert_int_equal(nh_group(106, 16, 0), 0);
    assert_int_equal(nh_group(107, 17, 0), 0);
    assert_int_equal(route("10.1.0.0/16", 20, 100, true), 0);
    assert_int_equal(route("10.1.0.0/16", 30, 101, true), 0);
    assert_int_equal(route("2001:db8:1::/48", 20, 106, true), 0);
    assert_int_equal(route("2001:db8:1::/48", 30, 107, true), 0);
    assert_true(hear());
}

/* What was told of the primaries: deletions of IPv4 and IPv6 routes. */

/* False, having said why, where there is nothing to be asked. */
static inline bool can_ask(void)
{
    const char *what = unshare(CLONE_NEWNET) != 0                 ? "a network namespace of our own"
                       : access("/dev/net/tun", R_OK | W_OK) != 0 ? "/dev/net/tun"
                                                                  : NULL;

    if (what)
        printf("skipped: %s: %s\n", what, strerror(errno));
    return what == NULL;
}

#endif
