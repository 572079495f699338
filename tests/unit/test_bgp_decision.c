/* The decision by its claims: RFC 4271 9.1.2.2 one step a test, ECMP, backups, next hops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/attr.h"
#include "bgp/engine.h"
#include "bgp/nlri.h"
#include "bgp/update.h"
#include "bgp_pair.h"
#include "bgp_two_paths.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static void local_pref_beats_as_path(void **state)
{
    (void)state;
    CHOOSES(0, 65020, 65021, longer(&x, 1));
    CHOOSES(1, 65020, 65021, longer(&x, 1), with_local_pref(&x, 1, 150));
    CHOOSES(0, 65020, 65021, with_local_pref(&x, 1, 99));
}

static void as_path_length_beats_origin(void **state)
{
    (void)state;
    CHOOSES(1, 65020, 65021, longer(&x, 0), x.u[1].origin = BGP_ORIGIN_INCOMPLETE);
}

static void origin_beats_med(void **state)
{
    (void)state;
    CHOOSES(1, 65020, 65020, x.u[0].origin = BGP_ORIGIN_EGP, with_med(&x, 1, 100));
}

static void med_decides_within_a_neighboring_as_only(void **state)
{
    (void)state;
    CHOOSES(1, 65020, 65020, with_med(&x, 0, 10), with_med(&x, 1, 5));
    CHOOSES(1, 65020, 65020, with_med(&x, 0, 10)); /* missing is the lowest */
    CHOOSES(0, 65020, 65021, with_med(&x, 0, 10), with_med(&x, 1, 5));
}

static void med_beats_ebgp_over_ibgp(void **state)
{
    (void)state;
    /* the internal peer's path came from AS 65020 as well */
    CHOOSES(1, 65020, 65515, with_med(&x, 0, 10), with_med(&x, 1, 5), x.u[1].as_path[0] = 65020,
            longer(&x, 1));
    CHOOSES(0, 65020, 65515, x.u[1].as_path[0] = 65020, longer(&x, 1));
}

static void metric(struct choice *x, const char *nexthop, uint32_t v)
{
    bgp_raw_event(&x->r, (struct bgp_event){.kind = BGP_EV_NEXTHOP,
                                            .iface = BGP_NO_IFACE,
                                            .nexthop = bgp_test_addr(nexthop),
                                            .up = true,
                                            .metric = v});
}

static void ebgp_beats_interior_cost_and_identifier(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        struct choice x;
        choice_init(&x, 65515, 65021, false);
        longer(&x, 0); /* equal lengths: 64700 64701 against 65021 64700 */
        assert_int_equal(choice_made(&x, reverse), 1);
        metric(&x, "192.0.2.20", 1000);
        assert_int_equal(choice_made(&x, reverse), 1);
        bgp_raw_fini(&x.r);
    }
}

static void interior_cost_beats_identifier(void **state)
{
    struct bgp_route_view v;
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    assert_int_equal(choice_made(&x, false), 0);
    metric(&x, "192.0.2.10", 20);
    metric(&x, "192.0.2.20", 10);
    assert_true(bgp_node_route(&x.r.node, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &v));
    assert_int_equal(v.peer, 1);
    assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, 1);
    bgp_raw_fini(&x.r);
}

static void identifier_beats_peer_address(void **state)
{
    (void)state;
    CHOOSES(0, 65020, 65021, (void)0);
    CHOOSES(1, 65515, 65515, x.u[1].originator_id = 5, x.u[0].originator_id = 6);
    CHOOSES(1, 65515, 65515, x.u[1].originator_id = 5); /* against router id 10 */
}

static void cluster_list_and_address_come_last(void **state)
{
    (void)state;
    CHOOSES(1, 65515, 65515, x.u[0].originator_id = x.u[1].originator_id = 5, x.u[0].n_clusters = 2,
            x.u[1].n_clusters = 1);
    CHOOSES(0, 65515, 65515, x.u[0].originator_id = x.u[1].originator_id = 5, x.u[0].n_clusters = 1,
            x.u[1].n_clusters = 1);
}

static void local_networks_come_first_and_stay_out_of_the_fib(void **state)
{
    struct choice x;
    struct bgp_route_view v;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    choice_made(&x, false);
    assert_int_equal(x.r.node.fib_n, 1);
    bgp_node_local(&x.r.node, "10.1.0.0/16", true, x.r.now_us);
    assert_true(bgp_node_route(&x.r.node, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &v));
    assert_true(v.local);
    assert_int_equal(x.r.node.fib_n, 0);
    bgp_node_local(&x.r.node, "10.1.0.0/16", false, x.r.now_us);
    assert_int_equal(x.r.node.fib_n, 1);
    bgp_raw_fini(&x.r);
}

static void the_backup_path_is_known_beforehand(void **state)
{
    struct choice x;
    const struct bgp_fib_entry *f;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    longer(&x, 0);
    choice_made(&x, false);
    f = bgp_node_fib(&x.r.node, "10.1.0.0/16");
    assert_int_equal(f->paths.n_best, 1);
    assert_int_equal(f->paths.best[0].peer, 1);
    assert_int_equal(f->paths.n_backup, 1);
    assert_int_equal(f->paths.backup[0].peer, 0);
    bgp_raw_event(&x.r, (struct bgp_event){
                            .kind = BGP_EV_PEER_OFF, .peer = 1, .reason = KD_REASON_TUNNEL_DOWN});
    f = bgp_node_fib(&x.r.node, "10.1.0.0/16");
    assert_int_equal(f->paths.best[0].peer, 0);
    assert_int_equal(f->paths.n_backup, 0);
    bgp_raw_fini(&x.r);
}

/* Which paths are shown as those that carry: bits 0 and 1, by peer; as the best: bits 2 and 3. */
static unsigned shown_carrying(const struct choice *x)
{
    struct bgp_route_view v;
    unsigned seen = 0;

    for (uint32_t i = 0; i < 2; i++) {
        assert_true(bgp_node_route(&x->r.node, BGP_VIEW_LEARNED, i, "10.1.0.0/16", &v));
        seen |= (unsigned)v.carries << i | (unsigned)v.best << (2 + i);
    }
    return seen;
}

static void equal_paths_are_installed_together_with_ecmp(void **state)
{
    struct choice x;
    const struct bgp_fib_entry *f;

    (void)state;
    choice_init(&x, 65020, 65021, true);
    choice_made(&x, true);
    f = bgp_node_fib(&x.r.node, "10.1.0.0/16");
    assert_int_equal(f->paths.n_best, 2);
    assert_int_equal(f->paths.n_backup, 0);
    assert_int_equal(f->paths.best[0].peer, 0); /* in the order of the next hops */
    assert_int_equal(shown_carrying(&x), 0x7);
    longer(&x, 0);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    f = bgp_node_fib(&x.r.node, "10.1.0.0/16");
    assert_int_equal(f->paths.n_best, 1);
    assert_int_equal(f->paths.n_backup, 1);
    assert_int_equal(shown_carrying(&x), 0xa);
    bgp_raw_fini(&x.r);
    choice_init(&x, 65020, 65021, false);
    choice_made(&x, true);
    assert_int_equal(shown_carrying(&x), 0x5);
    bgp_raw_fini(&x.r);
}

static void a_path_is_eligible_only_while_its_next_hop_is_up(void **state)
{
    struct choice x;
    struct bgp_event nh = {
        .kind = BGP_EV_NEXTHOP, .iface = BGP_NO_IFACE, .nexthop = bgp_test_addr("192.0.2.10")};

    (void)state;
    choice_init(&x, 65020, 65021, false);
    x.r.node.nexthops_down = true;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.watches, 1);
    assert_int_equal(x.r.node.fib_n, 0);
    nh.up = true;
    bgp_raw_event(&x.r, nh);
    assert_int_equal(x.r.node.fib_n, 1);
    nh.up = false;
    bgp_raw_event(&x.r, nh);
    assert_int_equal(x.r.node.fib_n, 0);
    bgp_raw_update(&x.r, 0, &(struct bgp_raw_update){.withdrawn = {"10.1.0.0/16"}});
    assert_int_equal(x.r.node.watches, 0); /* no longer asked for */
    bgp_raw_event(&x.r, nh);               /* a late answer hurts nobody */
    bgp_raw_fini(&x.r);
}

static void one_watch_serves_all_prefixes_of_a_next_hop(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65020, false);
    x.u[0].prefix[1] = "10.2.0.0/16";
    x.u[0].prefix[2] = "10.3.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.watches, 1);
    x.u[1].nexthop = "192.0.2.10"; /* the other peer names the same one */
    bgp_raw_update(&x.r, 1, &x.u[1]);
    assert_int_equal(x.r.node.watches, 1);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 0});
    assert_int_equal(x.r.node.watches, 1);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 1});
    assert_int_equal(x.r.node.watches, 0);
    bgp_raw_fini(&x.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_networks_come_first_and_stay_out_of_the_fib),
        cmocka_unit_test(local_pref_beats_as_path),
        cmocka_unit_test(as_path_length_beats_origin),
        cmocka_unit_test(origin_beats_med),
        cmocka_unit_test(med_decides_within_a_neighboring_as_only),
        cmocka_unit_test(med_beats_ebgp_over_ibgp),
        cmocka_unit_test(ebgp_beats_interior_cost_and_identifier),
        cmocka_unit_test(interior_cost_beats_identifier),
        cmocka_unit_test(identifier_beats_peer_address),
        cmocka_unit_test(cluster_list_and_address_come_last),
        cmocka_unit_test(the_backup_path_is_known_beforehand),
        cmocka_unit_test(equal_paths_are_installed_together_with_ecmp),
        cmocka_unit_test(a_path_is_eligible_only_while_its_next_hop_is_up),
        cmocka_unit_test(one_watch_serves_all_prefixes_of_a_next_hop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
