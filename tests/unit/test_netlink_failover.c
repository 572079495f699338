/* What the running kernel does with next-hop objects and routes when a device or an object goes,
 * and what it says of it: the ground of DESIGN 3.7. Exits 77 with the reason where it can't be
 * asked. */
#include "test_netlink_kernel.h"

/* --- failures of the device --- */

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

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(link_down_loses_objects_and_routes_without_a_word),
        T(link_down_in_compat_mode_tells_of_ipv6_routes_only),
        T(link_down_shrinks_a_shared_group_without_a_word),
        T(carrier_loss_loses_objects_and_routes_too),
        T(delete_of_a_nexthop_is_told_its_routes_are_not),
        T(routes_deleted_by_request_are_told),
    };

    if (!can_ask())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
