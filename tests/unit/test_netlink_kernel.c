/* The messages against the running kernel, each test in a network namespace of its own: what DESIGN
 * 3.7 builds on is claimed here, so that a kernel that thinks otherwise is noticed. Needs root and
 * /dev/net/tun; exits 77 with the reason where it has neither. */
#include "netlink/msg.h"
#include "netlink/probe.h"
#include "netlink/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define TALK_MS  3000
#define SEEN_MAX 2048

/* --- a namespace with two TUN devices, up, addressed, with a peer behind each --- */

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

/* Keeps what is told; routes and addresses the kernel makes for itself only clutter. */
static void keep(const struct nl_event *ev)
{
    if (ev->kind == NL_OTHER && !ev->text[0])
        return;
    assert_string_equal(ev->kind == NL_OTHER ? ev->text : "", ""); /* we can read this kernel */
    if (k.n_seen < SEEN_MAX)
        k.seen[k.n_seen++] = *ev;
}

/* Sends k.b, collects everything up to the answer to the last seq; its errno. */
static int ask(void)
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
static bool hear(void)
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

static size_t count(enum nl_kind kind, bool is_del)
{
    size_t n = 0;

    for (size_t i = 0; i < k.n_seen; i++)
        n += k.seen[i].kind == kind && k.seen[i].is_del == is_del;
    return n;
}

static int link_set(uint32_t ifindex, bool up, uint32_t mtu, const char *alias)
{
    struct nl_link_set l = {.ifindex = ifindex, .up = up, .mtu = mtu, .alias = alias};

    assert_true(nl_put_link_set(&k.b, ++k.seq, &l));
    return ask();
}

static int addr_set(uint32_t ifindex, const char *prefix, const char *local, bool add)
{
    struct nl_addr_set a = {
        .ifindex = ifindex, .prefix = net(prefix), .local = ip(local), .protocol = NL_PROTO_KEDGE};

    assert_true(nl_put_addr(&k.b, ++k.seq, &a, add));
    return ask();
}

static int nh_single(uint32_t id, uint8_t family, int dev)
{
    struct nl_nexthop n = {
        .id = id, .family = family, .protocol = NL_PROTO_KEDGE, .oif = k.oif[dev]};

    assert_true(nl_put_nexthop(&k.b, ++k.seq, &n));
    return ask();
}

static int nh_group(uint32_t id, uint32_t first, uint32_t second)
{
    struct nl_nexthop n = {
        .id = id, .protocol = NL_PROTO_KEDGE, .group = {first, second}, .n_group = second ? 2 : 1};

    assert_true(nl_put_nexthop(&k.b, ++k.seq, &n));
    return ask();
}

static int nh_del(uint32_t id)
{
    assert_true(nl_put_nexthop_del(&k.b, ++k.seq, id));
    return ask();
}

/* nh_id 0: unreachable. */
static int route(const char *dst, uint32_t metric, uint32_t nh_id, bool add)
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

static void dump(uint16_t type, uint8_t family)
{
    assert_true(nl_put_dump(&k.b, ++k.seq, type, family));
    assert_int_equal(ask(), 0);
}

/* Our routes to dst with this metric, after a dump of the family; the last one found. */
static const struct nl_route *find_route(const char *dst, uint32_t metric)
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

static const struct nl_nexthop *find_nexthop(uint32_t id)
{
    dump(RTM_GETNEXTHOP, 0);
    for (size_t i = 0; i < k.n_seen; i++) {
        if (k.seen[i].kind == NL_NEXTHOP && k.seen[i].nexthop.id == id)
            return &k.seen[i].nexthop;
    }
    return NULL;
}

/* The device a packet to dst leaves by; 0 with the errno in *err where there is none. */
static uint32_t look_up(const char *dst, int *err)
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

static void sysctl(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, value, strlen(value)), (ssize_t)strlen(value));
    close(fd);
}

static int tun_open(const char *name)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    assert_int_equal(ioctl(fd, TUNSETIFF, &r), 0);
    return fd;
}

static uint32_t link_index(const char *name)
{
    dump(RTM_GETLINK, 0);
    for (size_t i = 0; i < k.n_seen; i++) {
        if (k.seen[i].kind == NL_LINK && strcmp(k.seen[i].link.name, name) == 0)
            return k.seen[i].link.ifindex;
    }
    return 0;
}

static int set_up(void **state)
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

static int tear_down(void **state)
{
    (void)state;
    nl_close(k.talk);
    nl_close(k.mon);
    close(k.tun[0]);
    close(k.tun[1]);
    return 0;
}

/* --- links, addresses, look-ups --- */

static void link_settings_are_read_back_and_told(void **state)
{
    const struct nl_link_info *l = NULL;

    (void)state;
    assert_int_equal(link_set(k.oif[0], true, 1350, "kedge:other"), 0);
    assert_true(hear());
    assert_true(count(NL_LINK, false) > 0);
    dump(RTM_GETLINK, 0);
    for (size_t i = 0; i < k.n_seen; i++) {
        if (k.seen[i].kind == NL_LINK && k.seen[i].link.ifindex == k.oif[0])
            l = &k.seen[i].link;
    }
    assert_non_null(l);
    assert_string_equal(l->name, "kt0");
    assert_string_equal(l->alias, "kedge:other");
    assert_int_equal(l->mtu, 1350);
    assert_true(l->up && l->carrier);
}

static void refused_mtu_comes_with_the_kernels_text(void **state)
{
    (void)state;
    assert_int_equal(link_set(k.oif[0], true, 70000, NULL), EINVAL);
    assert_string_equal(k.text, "mtu greater than device maximum");
    assert_int_equal(link_set(4711, true, 0, NULL), ENODEV);
}

static size_t n_addr(const char *local)
{
    struct kd_addr a = ip(local);
    size_t n = 0;

    dump(RTM_GETADDR, a.family);
    for (size_t i = 0; i < k.n_seen; i++) {
        n += k.seen[i].kind == NL_ADDR && kd_addr_eq(&k.seen[i].addr.local, &a) &&
             k.seen[i].addr.protocol == NL_PROTO_KEDGE;
    }
    return n;
}

static void addresses_are_added_twice_tagged_and_deleted(void **state)
{
    static const struct {
        const char *prefix, *local;
    } rows[] = {{"10.9.0.1/32", "10.9.0.1"},
                {"10.9.1.0/24", "10.9.1.7"},
                {"10.9.2.2/32", "10.9.2.1"}, /* point to point */
                {"2001:db8:9::/64", "2001:db8:9::1"}};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        assert_int_equal(addr_set(k.oif[0], rows[i].prefix, rows[i].local, true), 0);
        assert_int_equal(addr_set(k.oif[0], rows[i].prefix, rows[i].local, true), 0);
        assert_int_equal(n_addr(rows[i].local), 1);
        assert_int_equal(addr_set(k.oif[0], rows[i].prefix, rows[i].local, false), 0);
        assert_int_equal(n_addr(rows[i].local), 0);
        assert_int_equal(addr_set(k.oif[0], rows[i].prefix, rows[i].local, false), EADDRNOTAVAIL);
    }
}

static void look_up_answers_with_device_source_and_table(void **state)
{
    struct kd_addr src = ip("169.254.21.2");
    int err;

    (void)state;
    assert_int_equal(look_up("169.254.21.1", &err), k.oif[0]);
    assert_int_equal(err, 0);
    assert_true(kd_addr_eq(&k.seen[0].route.prefsrc, &src));
    assert_int_equal(k.seen[0].route.table, RT_TABLE_MAIN);
    assert_true(k.seen[0].route.cloned);
    assert_int_equal(look_up("203.0.113.1", &err), 0);
    assert_int_equal(err, ENETUNREACH);
    src = ip("2001:db8:9::1");
    assert_int_equal(addr_set(k.oif[1], "2001:db8:9::/64", "2001:db8:9::1", true), 0);
    assert_int_equal(look_up("2001:db8:9::2", &err), k.oif[1]);
    assert_true(kd_addr_eq(&k.seen[0].route.prefsrc, &src));
    assert_int_equal(k.seen[0].route.table, RT_TABLE_MAIN);
    assert_int_equal(k.seen[0].route.dst.len, 128);
    assert_true(k.seen[0].route.cloned);
    assert_int_equal(look_up("2001:db8:77::1", &err), 0);
    assert_int_equal(err, ENETUNREACH);
}

/* Why nl_put_route_get() has no table. */
static void look_up_in_a_table_is_refused_by_the_kernel(void **state)
{
    struct kd_addr a = ip("169.254.21.1");

    (void)state;
    assert_true(nl_put_route_get(&k.b, ++k.seq, &a, RT_TABLE_MAIN));
    k.room[k.b.len - 6] = RTA_TABLE; /* in place of RTA_OIF */
    assert_int_equal(ask(), EINVAL);
    assert_string_equal(k.text, "ipv4: Unsupported attribute in route get request");
}

/* --- next-hop objects --- */

static void groups_are_read_back_and_deleted(void **state)
{
    const struct nl_nexthop *n;

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_single(12, 4, 1), 0);
    assert_int_equal(nh_group(100, 11, 12), 0);
    n = find_nexthop(11);
    assert_non_null(n);
    assert_true(n->family == 4 && n->oif == k.oif[0] && n->protocol == NL_PROTO_KEDGE);
    n = find_nexthop(100);
    assert_non_null(n);
    assert_true(n->n_group == 2 && n->group[0] == 11 && n->group[1] == 12 && n->family == 0);
    assert_int_equal(nh_del(11), 0);
    n = find_nexthop(100);
    assert_non_null(n);
    assert_true(n->n_group == 1 && n->group[0] == 12);
    assert_int_equal(nh_del(12), 0);
    assert_null(find_nexthop(100)); /* an emptied group goes too */
    assert_int_equal(nh_del(100), ENOENT);
}

static void one_replace_moves_every_prefix_with_one_notification(void **state)
{
    const struct nl_route *r;
    char dst[32];
    int err;

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_single(12, 4, 1), 0);
    assert_int_equal(nh_group(100, 11, 0), 0);
    for (int i = 0; i < 50; i++) {
        snprintf(dst, sizeof(dst), "10.%d.0.0/16", i);
        assert_int_equal(route(dst, 20, 100, true), 0);
    }
    assert_int_equal(look_up("10.49.1.1", &err), k.oif[0]);
    assert_true(hear());
    assert_int_equal(nh_group(100, 12, 0), 0);
    assert_int_equal(look_up("10.49.1.1", &err), k.oif[1]);
    assert_int_equal(look_up("10.0.1.1", &err), k.oif[1]);
    assert_true(hear());
    assert_int_equal(count(NL_NEXTHOP, false), 1);
    assert_int_equal(count(NL_ROUTE, false), 0);
    r = find_route("10.7.0.0/16", 20);
    assert_non_null(r);
    assert_int_equal(r->nh_id, 100);
    assert_int_equal(r->oif, 0); /* with compat mode off only the object is shown */

    sysctl("/proc/sys/net/ipv4/nexthop_compat_mode", "1");
    assert_int_equal(nh_group(100, 11, 0), 0);
    assert_true(hear());
    assert_int_equal(count(NL_NEXTHOP, false), 1);
    assert_int_equal(count(NL_ROUTE, false), 50); /* why it is to be 0 */
}

static void replace_keeps_group_and_single_apart(void **state)
{
    int err;

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_group(100, 11, 0), 0);
    assert_int_equal(route("10.1.0.0/16", 20, 100, true), 0);
    assert_int_equal(nh_single(100, 4, 1), EINVAL);
    assert_string_equal(k.text, "Can not replace a nexthop group with a nexthop.");
    assert_int_equal(nh_group(11, 11, 0), EINVAL);
    assert_string_equal(k.text, "Can not replace a nexthop with a nexthop group.");
    assert_int_equal(look_up("10.1.1.1", &err), k.oif[0]);
}

static void ipv6_group_in_use_refuses_an_ipv4_member(void **state)
{
    static const char says[] = "IPv6 routes can not use an IPv4 nexthop";

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_single(16, 6, 0), 0);
    assert_int_equal(nh_group(106, 16, 0), 0);
    assert_int_equal(nh_group(107, 16, 11), 0); /* mixed: fit for IPv4 alone */
    assert_int_equal(route("2001:db8:1::/48", 20, 107, true), EINVAL);
    assert_string_equal(k.text, says);
    assert_int_equal(route("2001:db8:1::/48", 20, 106, true), 0);
    assert_int_equal(nh_group(106, 11, 0), EINVAL);
    assert_string_equal(k.text, says);
    assert_int_equal(nh_single(16, 4, 0), EINVAL);
    assert_string_equal(k.text, says);
}

/* The family binds one way only: IPv4 goes over IPv6 next hops (RFC 8950). A wrong replace is taken
 * without a word, so it is core that keeps groups per family. */
static void ipv4_group_in_use_takes_an_ipv6_member(void **state)
{
    int err;

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_single(17, 6, 1), 0);
    assert_int_equal(nh_group(100, 11, 0), 0);
    assert_int_equal(route("10.1.0.0/16", 20, 100, true), 0);
    assert_int_equal(nh_group(100, 17, 0), 0);
    assert_int_equal(look_up("10.1.1.1", &err), k.oif[1]);
}

/* --- routes --- */

static void unreachable_waits_behind_the_better_metric(void **state)
{
    int err;

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_group(100, 11, 0), 0);
    assert_int_equal(nh_single(16, 6, 0), 0);
    assert_int_equal(nh_group(106, 16, 0), 0);
    assert_int_equal(route("10.1.0.1/32", 20, 100, true), 0);
    assert_int_equal(route("10.1.0.1/32", 4000, 0, true), 0);
    assert_int_equal(route("2001:db8:1::1/128", 20, 106, true), 0);
    assert_int_equal(route("2001:db8:1::1/128", 4000, 0, true), 0);
    assert_non_null(find_route("10.1.0.1/32", 20));
    assert_int_equal(find_route("10.1.0.1/32", 4000)->type, NL_ROUTE_UNREACHABLE);
    assert_non_null(find_route("2001:db8:1::1/128", 20));
    assert_int_equal(find_route("2001:db8:1::1/128", 4000)->type, NL_ROUTE_UNREACHABLE);
    assert_int_equal(look_up("10.1.0.1", &err), k.oif[0]);
    assert_int_equal(look_up("2001:db8:1::1", &err), k.oif[0]);
    assert_int_equal(route("10.1.0.1/32", 20, 100, false), 0);
    assert_int_equal(route("2001:db8:1::1/128", 20, 106, false), 0);
    assert_int_equal(look_up("10.1.0.1", &err), 0);
    assert_int_equal(err, EHOSTUNREACH);
    assert_int_equal(look_up("2001:db8:1::1", &err), 0);
    assert_int_equal(err, EHOSTUNREACH);
    assert_int_equal(route("10.1.0.1/32", 20, 100, false), ESRCH);
    assert_non_null(find_route("10.1.0.1/32", 4000)); /* the second delete took nothing else */
}

static void delete_matches_what_it_is_told(void **state)
{
    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_group(100, 11, 0), 0);
    assert_int_equal(nh_group(101, 11, 0), 0);
    assert_int_equal(route("10.1.0.0/16", 20, 100, true), 0);
    assert_int_equal(route("10.1.0.0/16", 20, 101, false), ESRCH);
    assert_int_equal(route("10.1.0.0/16", 21, 100, false), ESRCH);
    assert_int_equal(route("10.1.0.0/16", 20, 0, false), ESRCH); /* unreachable: another type */
    assert_int_equal(route("10.1.0.0/16", 20, 100, false), 0);
}

/* Why nl_put_route() never adds metric 0. */
static void delete_with_metric_zero_takes_the_fallback(void **state)
{
    (void)state;
    assert_int_equal(route("10.1.0.0/16", 4000, 0, true), 0);
    assert_int_equal(route("10.1.0.0/16", 0, 0, false), 0);
    assert_null(find_route("10.1.0.0/16", 4000));
}

static void delete_as_found(const char *dst)
{
    const struct nl_route *r = find_route(dst, 20);
    struct nl_route found;

    assert_non_null(r);
    found = *r;
    assert_true(nl_put_route(&k.b, ++k.seq, &found, false));
    assert_int_equal(ask(), 0);
    assert_null(find_route(dst, 20));
}

static void route_found_in_a_dump_deletes_itself(void **state)
{
    struct nl_route r = {.dst = net("10.3.0.0/16"),
                         .metric = 20,
                         .protocol = NL_PROTO_KEDGE,
                         .gateway = ip("169.254.21.1"),
                         .oif = k.oif[0],
                         .prefsrc = ip("169.254.22.2")};

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_single(16, 6, 0), 0);
    assert_int_equal(nh_group(100, 11, 0), 0);
    assert_int_equal(nh_group(106, 16, 0), 0);
    for (int compat = 0; compat < 2; compat++) {
        sysctl("/proc/sys/net/ipv4/nexthop_compat_mode", compat ? "1" : "0");
        assert_int_equal(route("10.1.0.0/16", 20, 100, true), 0);
        assert_int_equal(route("2001:db8:1::/48", 20, 106, true), 0);
        assert_int_equal(route("10.2.0.0/16", 20, 0, true), 0);
        assert_int_equal(route("2001:db8:2::/48", 20, 0, true), 0);
        assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
        assert_int_equal(ask(), 0);
        delete_as_found("10.1.0.0/16");
        delete_as_found("2001:db8:1::/48");
        delete_as_found("10.2.0.0/16");
        delete_as_found("2001:db8:2::/48");
        delete_as_found("10.3.0.0/16");
    }
}

/* --- failures of the device --- */

static void put_primary_and_backup(void)
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
static void count_route_dels(size_t *v4, size_t *v6)
{
    *v4 = *v6 = 0;
    for (size_t i = 0; i < k.n_seen; i++) {
        const struct nl_route *r = &k.seen[i].route;

        if (k.seen[i].kind == NL_ROUTE && k.seen[i].is_del && r->protocol == NL_PROTO_KEDGE)
            (*(r->dst.addr.family == 4 ? v4 : v6))++;
    }
}

static void primaries_are_gone_and_backups_carry(void)
{
    int err;

    assert_null(find_nexthop(11));
    assert_null(find_nexthop(100));
    assert_null(find_route("10.1.0.0/16", 20));
    assert_null(find_route("2001:db8:1::/48", 20));
    assert_int_equal(look_up("10.1.1.1", &err), k.oif[1]);
    assert_int_equal(look_up("2001:db8:1::1", &err), k.oif[1]);
}

static void link_down_loses_objects_and_routes_without_a_word(void **state)
{
    size_t v4, v6;

    (void)state;
    put_primary_and_backup();
    assert_int_equal(link_set(k.oif[0], false, 0, NULL), 0);
    assert_true(hear());
    count_route_dels(&v4, &v6);
    assert_int_equal(v4 + v6 + count(NL_NEXTHOP, true) + count(NL_NEXTHOP, false), 0);
    assert_true(count(NL_LINK, false) > 0); /* the only thing to go by */
    primaries_are_gone_and_backups_carry();
    assert_int_equal(link_set(k.oif[0], true, 0, NULL), 0);
    primaries_are_gone_and_backups_carry(); /* nothing comes back by itself */
}

static void link_down_in_compat_mode_tells_of_ipv6_routes_only(void **state)
{
    size_t v4, v6;

    (void)state;
    sysctl("/proc/sys/net/ipv4/nexthop_compat_mode", "1");
    put_primary_and_backup();
    assert_int_equal(link_set(k.oif[0], false, 0, NULL), 0);
    assert_true(hear());
    count_route_dels(&v4, &v6);
    assert_int_equal(v4, 0);
    assert_int_equal(v6, 1);
    assert_int_equal(count(NL_NEXTHOP, true), 0);
    primaries_are_gone_and_backups_carry();
}

static void link_down_shrinks_a_shared_group_without_a_word(void **state)
{
    const struct nl_nexthop *n;
    int err;

    (void)state;
    assert_int_equal(nh_single(11, 4, 0), 0);
    assert_int_equal(nh_single(12, 4, 1), 0);
    assert_int_equal(nh_group(100, 11, 12), 0);
    assert_int_equal(route("10.1.0.0/16", 20, 100, true), 0);
    assert_true(hear());
    assert_int_equal(link_set(k.oif[0], false, 0, NULL), 0);
    assert_true(hear());
    assert_int_equal(count(NL_NEXTHOP, true) + count(NL_NEXTHOP, false), 0);
    n = find_nexthop(100);
    assert_non_null(n);
    assert_true(n->n_group == 1 && n->group[0] == 12);
    assert_int_equal(look_up("10.1.1.1", &err), k.oif[1]);
}

static void carrier_loss_loses_objects_and_routes_too(void **state)
{
    struct pollfd p;
    bool lost = false;
    size_t v4, v6;
    int off = 0;

    (void)state;
    put_primary_and_backup();
    if (ioctl(k.tun[0], TUNSETCARRIER, &off) != 0)
        skip();
    p = (struct pollfd){.fd = nl_fd(k.mon), .events = POLLIN};
    while (!lost && poll(&p, 1, TALK_MS) == 1) {
        assert_true(hear());
        for (size_t i = 0; i < k.n_seen; i++)
            lost |= k.seen[i].kind == NL_LINK && !k.seen[i].link.carrier;
    }
    assert_true(lost);
    count_route_dels(&v4, &v6);
    assert_int_equal(v4 + v6 + count(NL_NEXTHOP, true), 0);
    primaries_are_gone_and_backups_carry();
}

static void delete_of_a_nexthop_is_told_its_routes_are_not(void **state)
{
    size_t v4, v6;

    (void)state;
    put_primary_and_backup();
    assert_int_equal(nh_del(100), 0);
    assert_int_equal(nh_del(106), 0);
    assert_true(hear());
    count_route_dels(&v4, &v6);
    assert_int_equal(v4 + v6, 0);
    assert_int_equal(count(NL_NEXTHOP, true), 2);
    assert_null(find_route("10.1.0.0/16", 20));
    assert_null(find_route("2001:db8:1::/48", 20));
}

/* So that the silences above are the kernel's and not our ears'. */
static void routes_deleted_by_request_are_told(void **state)
{
    size_t v4, v6;

    (void)state;
    put_primary_and_backup();
    assert_int_equal(route("10.1.0.0/16", 20, 100, false), 0);
    assert_int_equal(route("2001:db8:1::/48", 20, 106, false), 0);
    assert_true(hear());
    count_route_dels(&v4, &v6);
    assert_int_equal(v4, 1);
    assert_int_equal(v6, 1);
}

/* --- the socket --- */

static void batch_of_a_thousand_routes_is_acked_whole(void **state)
{
    struct nl_route r = {.metric = 20, .protocol = NL_PROTO_KEDGE, .type = NL_ROUTE_BLACKHOLE};
    struct kd_addr a;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        a = kd_addr_v4(0x0a000000 + (i << 8));
        r.dst = kd_prefix_make(&a, 24);
        assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    }
    assert_int_equal(ask(), 0);
    assert_int_equal(k.n_seen, 999); /* acks before the last */
    for (size_t i = 0; i < k.n_seen; i++)
        assert_true(k.seen[i].kind == NL_ACK && k.seen[i].error == 0);
    assert_non_null(find_route("10.3.231.0/24", 20));
}

static void other_processes_are_not_listened_to(void **state)
{
    struct sockaddr_nl to = {0};
    socklen_t to_len = sizeof(to);
    struct kd_bytes d;
    bool overrun;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(getsockname(nl_fd(k.mon), (struct sockaddr *)&to, &to_len), 0);
    assert_true(nl_put_nexthop_del(&k.b, ++k.seq, 1));
    assert_int_equal(sendto(fd, k.b.p, k.b.len, 0, (struct sockaddr *)&to, sizeof(to)),
                     (ssize_t)k.b.len);
    close(fd);
    assert_true(nl_recv(k.mon, &d, &overrun));
    assert_int_equal(d.len, 0);
    assert_false(overrun);
}

static void open_says_why_not(void **state)
{
    static const uint16_t no_such_group[] = {60000, 0};

    (void)state;
    assert_null(nl_open(NETLINK_ROUTE, no_such_group));
    assert_int_equal(errno, EINVAL);
    assert_null(nl_open(31, NULL));
    assert_int_equal(errno, EPROTONOSUPPORT);
}

static void refused_message_does_not_stop_its_batch(void **state)
{
    struct nl_route r = {
        .dst = net("10.1.0.0/16"), .metric = 20, .protocol = NL_PROTO_KEDGE, .nh_id = 4711};

    (void)state;
    assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    r.nh_id = 0;
    r.type = NL_ROUTE_BLACKHOLE;
    r.metric = 21;
    assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    assert_int_equal(ask(), 0);
    assert_int_equal(k.n_seen, 1);
    assert_int_equal(k.seen[0].kind, NL_ACK);
    assert_int_equal(k.seen[0].seq, k.seq - 1);
    assert_int_equal(k.seen[0].error, EINVAL);
    assert_string_equal(k.seen[0].text, "Nexthop id does not exist");
    assert_non_null(find_route("10.1.0.0/16", 21));
}

static void full_queue_is_an_overrun_once_and_the_socket_goes_on(void **state)
{
    int small = 1;
    struct kd_bytes d;
    bool overrun;
    char dst[32];

    (void)state;
    assert_int_equal(setsockopt(nl_fd(k.mon), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(dst, sizeof(dst), "10.%d.0.0/16", i);
        assert_int_equal(route(dst, 20, 0, true), 0);
    }
    assert_true(nl_recv(k.mon, &d, &overrun));
    assert_true(overrun);
    assert_int_equal(d.len, 0);
    assert_true(hear()); /* what had fitted before */
    assert_int_equal(route("10.200.0.0/16", 20, 0, true), 0);
    assert_true(hear());
    assert_int_equal(count(NL_ROUTE, false), 1);
}

static void empty_queue_is_no_error(void **state)
{
    struct kd_bytes d;
    bool overrun;

    (void)state;
    assert_true(nl_recv(k.mon, &d, &overrun));
    assert_false(overrun);
    assert_int_equal(d.len, 0);
}

static void talk_gives_errno_and_text(void **state)
{
    struct nl_nexthop n = {.id = 5, .family = 4, .oif = 4711};
    char text[160];

    (void)state;
    assert_true(nl_put_nexthop(&k.b, 90, &n));
    assert_int_equal(nl_talk(k.talk, &k.b, 90, TALK_MS, text, sizeof(text)), EINVAL);
    assert_string_equal(text, "Invalid device index");
    k.b.len = 0;
    n = (struct nl_nexthop){.id = 5, .family = 4, .blackhole = true};
    assert_true(nl_put_nexthop(&k.b, 91, &n));
    assert_int_equal(nl_talk(k.talk, &k.b, 91, TALK_MS, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(nl_talk(k.talk, &k.b, 92, 50, text, sizeof(text)), ETIMEDOUT);
}

/* Told of what others do: our own routes and objects only clutter, dumps show all the same. */
static void own_news_are_kept_away_others_and_dumps_are_not(void **state)
{
    struct nl_route r = {
        .dst = net("10.9.0.0/16"), .metric = 20, .protocol = RTPROT_STATIC, .oif = k.oif[0]};
    struct nl_nexthop n = {.id = 9, .family = 4, .protocol = RTPROT_STATIC, .oif = k.oif[0]};
    struct nl_socket *talk = k.talk;

    (void)state;
    assert_true(nl_unsubscribe_own(k.mon, NL_PROTO_KEDGE));
    put_primary_and_backup();
    assert_int_equal(route("10.1.0.0/16", 20, 100, false), 0);
    assert_true(hear());
    assert_int_equal(count(NL_ROUTE, false) + count(NL_ROUTE, true), 0);
    assert_int_equal(count(NL_NEXTHOP, false), 0);
    assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    assert_int_equal(ask(), 0);
    assert_true(nl_put_nexthop(&k.b, ++k.seq, &n));
    assert_int_equal(ask(), 0);
    assert_true(nl_put_route(&k.b, ++k.seq, &r, false));
    assert_int_equal(ask(), 0);
    assert_true(hear());
    assert_int_equal(count(NL_ROUTE, false), 1);
    assert_int_equal(count(NL_ROUTE, true), 1);
    assert_int_equal(count(NL_NEXTHOP, false), 1);
    assert_int_equal(nh_del(9), 0);
    k.talk = k.mon;
    dump(RTM_GETNEXTHOP, 0);
    k.talk = talk;
    assert_true(count(NL_NEXTHOP, false) >= 2);
}

/* --- ESP --- */

static const struct nl_sa_alg cbc = {.name = "cbc(aes)", .key_len = 32};
static const struct nl_sa_alg sha1 = {.name = "hmac(sha1)", .key_len = 20, .icv_bits = 96};

static void probe_finds_out_and_leaves_nothing(void **state)
{
    struct kd_addr v6 = ip("2001:db8::1");
    char reason[200], again[200];
    enum nl_esp_support res = nl_probe_esp(NULL, 0xf0e1d2c3, &cbc, &sha1, reason, sizeof(reason));

    (void)state;
    print_message("probe: %s\n", reason);
    assert_true(res == NL_ESP_SUPPORTED || res == NL_ESP_ABSENT || res == NL_ESP_NO_XFRM);
    assert_int_equal(nl_probe_esp(NULL, 0xf0e1d2c3, &cbc, &sha1, again, sizeof(again)),
                     res); /* no EEXIST */
    assert_string_equal(again, reason);
    res = nl_probe_esp(&v6, 0xf0e1d2c3, &cbc, &sha1, reason, sizeof(reason));
    print_message("probe, IPv6: %s\n", reason);
    assert_true(res == NL_ESP_SUPPORTED || res == NL_ESP_ABSENT || res == NL_ESP_NO_XFRM);
}

static void probe_without_privilege_says_so(void **state)
{
    char reason[200];
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        enum nl_esp_support res = NL_ESP_UNKNOWN;

        if (setresuid(65534, 65534, 65534) == 0)
            res = nl_probe_esp(NULL, 0xf0e1d2c3, &cbc, &sha1, reason, sizeof(reason));
        _exit(res == NL_ESP_NO_PERMISSION && strstr(reason, "CAP_NET_ADMIN") ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- XFRM: policies, which need no ESP --- */

static struct {
    unsigned n;
    struct nl_policy last;
} policies;

static void take_policies(void *arg, struct kd_bytes data)
{
    struct nl_xfrm_event ev;

    (void)arg;
    while (nl_xfrm_next(&data, &ev)) {
        assert_string_equal(ev.base.kind == NL_OTHER ? ev.base.text : "", "");
        if (ev.kind != NL_XFRM_POLICY)
            continue;
        policies.n++;
        policies.last = ev.policy;
    }
}

static int ask_xfrm(struct nl_socket *s, char *text, size_t cap)
{
    int err;

    policies.n = 0;
    err = nl_ask(s, &k.b, k.seq, TALK_MS, take_policies, NULL, text, cap);
    k.b.len = 0;
    return err;
}

/* The kernel reads what we build and we read what it tells; UPDPOLICY replaces, NEWPOLICY does not.
 */
static void policies_are_put_replaced_read_back_and_deleted(void **state)
{
    struct nl_socket *s = nl_open(NETLINK_XFRM, NULL);
    struct nl_policy p = {.sel = {.family = 4,
                                  .src = net("10.1.0.0/16"),
                                  .dst = net("10.2.0.0/24"),
                                  .proto = 6,
                                  .dport = 179,
                                  .dport_mask = 0xffff},
                          .dir = NL_POLICY_OUT,
                          .priority = 1234,
                          .if_id = 0x6b650001,
                          .n_tmpl = 1,
                          .tmpl = {.src = ip("192.0.2.1"),
                                   .dst = ip("198.51.100.1"),
                                   .spi = 0xc0ffee01,
                                   .reqid = 0x6b650001}};
    char text[160];

    (void)state;
    if (!s)
        skip(); /* this kernel has no XFRM at all */
    assert_true(nl_put_policy(&k.b, ++k.seq, &p, true));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_true(nl_put_policy(&k.b, ++k.seq, &p, false));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), EEXIST);
    p.tmpl.spi++;
    assert_true(nl_put_policy(&k.b, ++k.seq, &p, true));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_true(nl_put_policy_get(&k.b, ++k.seq, &p));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_int_equal(policies.n, 1);
    assert_true(nl_put_policy_dump(&k.b, ++k.seq));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_int_equal(policies.n, 1);
    assert_int_equal(policies.last.tmpl.spi, p.tmpl.spi);
    assert_int_equal(policies.last.if_id, p.if_id);
    assert_int_equal(policies.last.priority, p.priority);
    assert_int_equal(policies.last.sel.dport, 179);
    assert_true(kd_addr_eq(&policies.last.tmpl.dst, &p.tmpl.dst));
    p.if_id++; /* another interface's policy is another one */
    assert_true(nl_put_policy_del(&k.b, ++k.seq, &p));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), ENOENT);
    p.if_id--;
    assert_true(nl_put_policy_del(&k.b, ++k.seq, &p));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_true(nl_put_policy_dump(&k.b, ++k.seq));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_int_equal(policies.n, 0);
    assert_true(nl_put_sa_dump(&k.b, ++k.seq));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    nl_close(s);
}

/* A kernel without ESP refuses an SA for that alone: what it checks first (attributes, windows,
 * directions) is as it wants it. */
static void sas_in_every_form_have_nothing_wrong_but_the_algorithm(void **state)
{
    static const uint32_t windows[] = {0, 1, 32, 33, 128, NL_REPLAY_MAX};
    struct nl_socket *s = nl_open(NETLINK_XFRM, NULL);
    const bool knows = nl_probe_direction(0xf0e1d2c3, &cbc, &sha1);
    char text[160];

    (void)state;
    if (!s)
        skip();
    print_message("direction: %s\n", knows ? "known" : "not known");
    for (unsigned i = 0; i < 8 * KD_ARRAY_LEN(windows); i++) {
        const bool out = i & 1;
        struct nl_sa sa = {.src = ip(i & 2 ? "2001:db8::1" : "192.0.2.1"),
                           .dst = ip(i & 2 ? "2001:db8::2" : "198.51.100.1"),
                           .spi = 0xf0e1d2c3,
                           .reqid = 0x6b650001,
                           .if_id = 0x6b650001,
                           .any_family = true,
                           .encr = cbc,
                           .integ = sha1,
                           .esn = i & 4,
                           .window = out ? 0 : windows[i / 8],
                           .dir = out ? NL_SA_OUT : NL_SA_IN,
                           .dir_known = knows,
                           .encap = true,
                           .encap_sport = 4500,
                           .encap_dport = 4500,
                           .mapping_max_s = 1};
        struct nl_sa_id id = {sa.dst, sa.spi};
        int err;

        if (!out && sa.esn && sa.window == 0)
            sa.window = 1; /* as the data plane has it */
        assert_true(nl_put_sa(&k.b, ++k.seq, &sa));
        err = ask_xfrm(s, text, sizeof(text));
        if (err == 0) {
            assert_true(nl_put_sa_del(&k.b, ++k.seq, &id));
            assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
        } else if (err == EINVAL || err == ERANGE || err == EMSGSIZE) {
            fail_msg("form %u: %s (errno %d)", i, text, err);
        }
    }
    nl_close(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(link_settings_are_read_back_and_told),
        T(refused_mtu_comes_with_the_kernels_text),
        T(addresses_are_added_twice_tagged_and_deleted),
        T(look_up_answers_with_device_source_and_table),
        T(look_up_in_a_table_is_refused_by_the_kernel),
        T(groups_are_read_back_and_deleted),
        T(one_replace_moves_every_prefix_with_one_notification),
        T(replace_keeps_group_and_single_apart),
        T(ipv6_group_in_use_refuses_an_ipv4_member),
        T(ipv4_group_in_use_takes_an_ipv6_member),
        T(unreachable_waits_behind_the_better_metric),
        T(delete_matches_what_it_is_told),
        T(delete_with_metric_zero_takes_the_fallback),
        T(route_found_in_a_dump_deletes_itself),
        T(link_down_loses_objects_and_routes_without_a_word),
        T(link_down_in_compat_mode_tells_of_ipv6_routes_only),
        T(link_down_shrinks_a_shared_group_without_a_word),
        T(carrier_loss_loses_objects_and_routes_too),
        T(delete_of_a_nexthop_is_told_its_routes_are_not),
        T(routes_deleted_by_request_are_told),
        T(batch_of_a_thousand_routes_is_acked_whole),
        T(other_processes_are_not_listened_to),
        T(open_says_why_not),
        T(refused_message_does_not_stop_its_batch),
        T(own_news_are_kept_away_others_and_dumps_are_not),
        T(full_queue_is_an_overrun_once_and_the_socket_goes_on),
        T(empty_queue_is_no_error),
        T(talk_gives_errno_and_text),
        T(policies_are_put_replaced_read_back_and_deleted),
        T(sas_in_every_form_have_nothing_wrong_but_the_algorithm),
        T(probe_finds_out_and_leaves_nothing),
        T(probe_without_privilege_says_so),
    };

    if (unshare(CLONE_NEWNET) != 0) {
        printf("skipped: no network namespace of our own: %s\n", strerror(errno));
        return 77;
    }
    if (access("/dev/net/tun", R_OK | W_OK) != 0) {
        printf("skipped: /dev/net/tun: %s\n", strerror(errno));
        return 77;
    }
    return cmocka_run_group_tests_name("netlink_kernel", tests, NULL, NULL);
}
