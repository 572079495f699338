/* What is exchanged with whom: policies, RFC 8212, internal and external neighbors, communities. */
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
#include "bgp_two.h"
#include "bgp_two_paths.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static void ebgp_without_policy_exchanges_nothing(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        struct pair p = pair_bare(SEED, 1, 2, 65020);
        struct bgp_peer_config *c = config_for_b(65020);
        struct bgp_peer_view v;
        struct bgp_route_view r;
        bgp_test_policies(c, side == 1, side == 0);
        set_peer(p.a, 0, c);
        set_peer(p.b, 0, config_for_a());
        local(&p, p.a, "10.17.11.0/25", true);
        local(&p, p.b, "10.1.11.0/25", true);
        pair_up(&p);
        assert_int_equal(p.a->fib_n, side == 1);
        assert_int_equal(p.b->fib_n, side == 0);
        assert_true(bgp_peer_get(p.a->b, 0, &v));
        assert_int_equal(v.received, 1); /* held, but not used */
        assert_int_equal(v.accepted, side == 1);
        assert_int_equal(v.advertised, side == 0);
        assert_true(bgp_node_route(p.a, BGP_VIEW_LEARNED, 0, "10.1.11.0/25", &r));
        assert_int_equal(r.accepted, side == 1);
        bgp_net_free(p.net);
    }
}

static void ibgp_needs_no_policy_and_keeps_the_path(void **state)
{
    struct pair p = pair_bare(SEED, 1, 2, 65515);
    struct bgp_peer_config *ca = config_for_b(65515), *cb = config_for_a();
    struct bgp_route_view r;

    (void)state;
    bgp_test_policies(ca, false, false);
    bgp_test_policies(cb, false, false);
    set_peer(p.a, 0, ca);
    set_peer(p.b, 0, cb);
    local(&p, p.b, "10.1.11.0/25", true);
    pair_up(&p);
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.11.0/25", &r));
    assert_int_equal(r.n_as, 0);
    assert_int_equal(r.local_pref, 100);
    bgp_net_free(p.net);
}

/* A neighbor's host route, as the other instances of a gateway hear of it: RFC 1997's NO_EXPORT. */
static void a_network_for_internal_neighbors_is_told_to_no_other(void **state)
{
    struct bgp_event ev = {.kind = BGP_EV_LOCAL_ROUTE,
                           .up = true,
                           .internal = true,
                           .prefix = bgp_test_prefix("192.168.20.20/32")};
    struct bgp_route_view v;
    struct bgp_raw r;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65515));
    bgp_raw_establish(&r, 0, 65020, 10);
    bgp_raw_establish(&r, 1, 65515, 20);
    bgp_raw_event(&r, ev);
    assert_false(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 0, "192.168.20.20/32", NULL));
    assert_true(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 1, "192.168.20.20/32", &v));
    assert_int_equal(v.n_as, 0);
    assert_int_equal(v.communities[0], 0xffffff01u);
    ev.up = false;
    bgp_raw_event(&r, ev);
    assert_false(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 1, "192.168.20.20/32", NULL));
    bgp_raw_fini(&r);
}

static void policies_set_and_filter(void **state)
{
    struct pair p = pair_bare(SEED, 1, 2, 65020);
    struct bgp_peer_config *c = config_for_b(65020);
    struct bgp_policy *in = bgp_test_import(c), *out = bgp_test_export(c);
    struct bgp_route_view r;

    (void)state;
    in->n = 2;
    in->entry[0] = (struct bgp_policy_entry){.permit = false, .n_prefix = 1};
    in->entry[0].prefix[0] = (struct bgp_prefix_rule){bgp_test_prefix("10.1.0.0/16"), 25, 32};
    in->entry[1] = (struct bgp_policy_entry){.permit = true,
                                             .set_local_pref = true,
                                             .local_pref = 150,
                                             .set_med = true,
                                             .med = 7,
                                             .n_prepend = 1,
                                             .prepend = {64999}};
    out->entry[0] = (struct bgp_policy_entry){.permit = true,
                                              .n_prefix = 1,
                                              .n_prepend = 2,
                                              .prepend = {65515, 65515},
                                              .set_med = true,
                                              .med = 3};
    out->entry[0].prefix[0] = (struct bgp_prefix_rule){bgp_test_prefix("10.17.0.0/16"), 16, 16};
    set_peer(p.a, 0, c);
    set_peer(p.b, 0, config_for_a());
    local(&p, p.a, "10.17.0.0/16", true);
    local(&p, p.a, "10.18.0.0/16", true); /* denied by the end of the list */
    local(&p, p.b, "10.1.2.0/24", true);
    local(&p, p.b, "10.1.2.0/25", true); /* denied by the entry */
    pair_up(&p);
    assert_int_equal(p.a->fib_n, 1);
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.2.0/24", &r));
    assert_int_equal(r.local_pref, 150);
    assert_int_equal(r.med, 7);
    assert_int_equal(r.n_as, 2);
    assert_int_equal(r.as_path[0], 64999);
    assert_int_equal(p.b->fib_n, 1);
    assert_true(bgp_node_route(p.b, BGP_VIEW_BEST, UINT32_MAX, "10.17.0.0/16", &r));
    assert_int_equal(r.n_as, 3);
    assert_int_equal(r.as_path[2], 65515);
    assert_true(r.has_med);
    assert_int_equal(r.med, 3);
    bgp_net_free(p.net);
}

static void a_changed_policy_needs_no_new_session(void **state)
{
    struct pair p = pair_of(SEED, 65020);
    struct bgp_peer_config *c = config_for_b(65020);
    struct bgp_route_view r;

    (void)state;
    local(&p, p.a, "10.17.0.0/16", true);
    local(&p, p.b, "10.1.0.0/16", true);
    pair_up(&p);
    bgp_test_import(c)->entry[0].set_local_pref = true;
    bgp_test_import(c)->entry[0].local_pref = 300;
    bgp_test_export(c)->n = 0; /* deny all */
    set_peer(p.a, 0, c);
    bgp_net_event(p.net, p.a, (struct bgp_event){.kind = BGP_EV_REFRESH});
    bgp_net_run(p.net, KD_S(1));
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_int_equal(r.local_pref, 300);
    assert_int_equal(p.b->fib_n, 0);
    assert_null(bgp_node_note(p.a, 0, BGP_NOTE_STOP));
    set_peer(p.a, 0, config_for_b(65020));
    bgp_net_event(p.net, p.a, (struct bgp_event){.kind = BGP_EV_WAKE});
    bgp_net_run(p.net, KD_S(1));
    assert_int_equal(p.b->fib_n, 1);
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_int_equal(r.local_pref, 100);
    bgp_net_free(p.net);
}

/* ---- what is told to whom ---- */

static void as_loop_is_refused(void **state)
{
    struct choice x;
    struct bgp_route_view v;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    x.u[0].as_path[x.u[0].n_as++] = 65515;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 0);
    assert_true(bgp_node_route(&x.r.node, BGP_VIEW_LEARNED, 0, "10.1.0.0/16", &v));
    assert_false(v.accepted);
    x.u[0].as_path[x.u[0].n_as - 1] = 65516;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    bgp_raw_fini(&x.r);
}

static bool told(struct choice *x, uint32_t peer, struct bgp_route_view *v)
{
    return bgp_node_route(&x->r.node, BGP_VIEW_ADVERTISED, peer, "10.1.0.0/16", v);
}

/* RFC 4456 8: by ORIGINATOR_ID, and by CLUSTER_LIST wherever our identifier stands in it. */
static void a_route_that_was_ours_comes_back_from_no_reflector(void **state)
{
    static const struct {
        bool refused;
        uint8_t attr[16], len;
    } cases[] = {
        {true, {0x80, 9, 4, 0, 0, 0, 1}, 7},
        {false, {0x80, 9, 4, 0, 0, 0, 2}, 7},
        {true, {0x80, 10, 8, 0, 0, 0, 9, 0, 0, 0, 1}, 11},
        {true, {0x80, 10, 8, 0, 0, 0, 1, 0, 0, 0, 9}, 11},
        {false, {0x80, 10, 8, 0, 0, 0, 9, 0, 0, 1, 0}, 11},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct choice x;
        struct bgp_route_view v;
        choice_init(&x, 65515, 65515, false);
        memcpy(x.u[0].extra, cases[i].attr, cases[i].len);
        x.u[0].n_extra = cases[i].len;
        bgp_raw_update(&x.r, 0, &x.u[0]);
        assert_true(bgp_node_route(&x.r.node, BGP_VIEW_LEARNED, 0, "10.1.0.0/16", &v));
        assert_int_equal(v.accepted, !cases[i].refused);
        bgp_raw_fini(&x.r);
    }
}

static void transit_between_external_peers_prepends_and_sets_next_hop_self(void **state)
{
    struct choice x;
    struct bgp_route_view v;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    with_med(&x, 0, 9);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_false(told(&x, 0, &v)); /* not back to where it came from */
    assert_true(told(&x, 1, &v));
    assert_int_equal(v.n_as, 3);
    assert_int_equal(v.as_path[0], 65515);
    assert_int_equal(v.as_path[1], 65020);
    assert_true(kd_addr_eq(&v.nexthop, &(struct kd_addr){4, {192, 0, 2, 1}}));
    assert_false(v.has_med); /* RFC 4271 5.1.4 */
    bgp_raw_fini(&x.r);
}

static void a_peer_isnt_offered_its_own_as(void **state)
{
    struct choice x;
    struct bgp_route_view v;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    x.u[0].as_path[1] = 65021;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_false(told(&x, 1, &v));
    x.u[0].as_path[1] = 64700;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(told(&x, 1, &v));
    x.u[0].as_path[1] = 65021; /* and withdrawn when it turns that way */
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_false(told(&x, 1, &v));
    bgp_raw_fini(&x.r);
}

static void ibgp_routes_arent_reflected(void **state)
{
    struct choice x;
    struct bgp_route_view v;

    (void)state;
    choice_init(&x, 65515, 65515, false);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    assert_false(told(&x, 1, &v));
    bgp_raw_fini(&x.r);
    choice_init(&x, 65020, 65515, false); /* from eBGP to iBGP: unchanged but for LOCAL_PREF */
    with_med(&x, 0, 9);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(told(&x, 1, &v));
    assert_int_equal(v.n_as, 2);
    assert_int_equal(v.local_pref, 100);
    assert_int_equal(v.med, 9);
    assert_true(kd_addr_eq(&v.nexthop, &(struct kd_addr){4, {192, 0, 2, 10}}));
    bgp_raw_fini(&x.r);
}

static void next_hop_self_holds_on_ibgp_where_asked_for(void **state)
{
    struct choice x;
    struct bgp_peer_config *c;
    struct bgp_route_view v;

    (void)state;
    choice_init(&x, 65020, 65515, false);
    c = bgp_test_config("192.0.2.20", 65515);
    c->next_hop_self = true;
    bgp_raw_peer(&x.r, 1, c);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(told(&x, 1, &v));
    assert_true(kd_addr_eq(&v.nexthop, &(struct kd_addr){4, {192, 0, 2, 1}}));
    bgp_raw_fini(&x.r);
}

static void local_pref_stays_inside_the_as(void **state)
{
    struct choice x;
    struct kd_bytes b;
    struct bgp_update u;
    struct bgp_session_rules rules = {.as4 = true, .peer_as = 65515};
    uint8_t room[4096];
    struct kd_writer w;

    (void)state;
    choice_init(&x, 65515, 65021, false);
    x.u[0].has_local_pref = true;
    x.u[0].local_pref = 200;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    bgp_raw_update(&x.r, 1, &(struct bgp_raw_update){.withdrawn = {"10.9.0.0/16"}});
    b = bgp_raw_last(&x.r, 1, BGP_MSG_UPDATE);
    kd_writer_init(&w, room, sizeof(room));
    bgp_update_parse(b, &rules, &w, &u);
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_true(u.nlri.len > 0);
    assert_false(u.attrs.has & BGP_HAS(BGP_A_LOCAL_PREF));
    bgp_raw_fini(&x.r);
}

static void well_known_communities_are_obeyed(void **state)
{
    static const struct {
        uint32_t community;
        bool to_ebgp, to_ibgp;
    } cases[] = {{0x00010001, true, true},
                 {BGP_COMMUNITY_NO_EXPORT, false, true},
                 {BGP_COMMUNITY_NO_ADVERTISE, false, false}};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++)
        for (int ibgp = 0; ibgp < 2; ibgp++) {
            struct choice x;
            struct bgp_route_view v;
            struct kd_writer w;
            choice_init(&x, 65020, ibgp ? 65515 : 65021, false);
            kd_writer_init(&w, x.u[0].extra, sizeof(x.u[0].extra));
            bgp_attr_head(&w, 0xc0, BGP_A_COMMUNITIES, 4);
            kd_put_u32(&w, cases[i].community);
            x.u[0].n_extra = w.pos;
            bgp_raw_update(&x.r, 0, &x.u[0]);
            assert_int_equal(x.r.node.fib_n, 1);
            assert_int_equal(told(&x, 1, &v), ibgp ? cases[i].to_ibgp : cases[i].to_ebgp);
            bgp_raw_fini(&x.r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ebgp_without_policy_exchanges_nothing),
        cmocka_unit_test(ibgp_needs_no_policy_and_keeps_the_path),
        cmocka_unit_test(a_network_for_internal_neighbors_is_told_to_no_other),
        cmocka_unit_test(policies_set_and_filter),
        cmocka_unit_test(a_changed_policy_needs_no_new_session),
        cmocka_unit_test(as_loop_is_refused),
        cmocka_unit_test(a_route_that_was_ours_comes_back_from_no_reflector),
        cmocka_unit_test(transit_between_external_peers_prepends_and_sets_next_hop_self),
        cmocka_unit_test(a_peer_isnt_offered_its_own_as),
        cmocka_unit_test(ibgp_routes_arent_reflected),
        cmocka_unit_test(next_hop_self_holds_on_ibgp_where_asked_for),
        cmocka_unit_test(local_pref_stays_inside_the_as),
        cmocka_unit_test(well_known_communities_are_obeyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
