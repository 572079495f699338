/* The messages against the running kernel, each test in a network namespace of its own: what DESIGN
 * 3.7 builds on is claimed here, so that a kernel that thinks otherwise is noticed. Exits 77 with
 * the reason where it can't have one. */
#include "test_netlink_kernel.h"

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
    };

    if (!can_ask())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
