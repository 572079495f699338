/* Steering: what is made of a neighbor's routes on top of its policies, on a session that stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp_pair.h"

#define SEED 12

/* AS 65515 at 10.0.0.1, which steers, and asn_b at 10.0.0.2; each other's peer 0. */
struct pair {
    struct bgp_net *net;
    struct bgp_node *a, *b;
};

static struct pair pair_up(uint32_t asn_b)
{
    struct pair p = {.net = bgp_net_new(SEED)};

    p.a = bgp_net_add(p.net, 65515, 1, false);
    p.b = bgp_net_add(p.net, asn_b, 2, false);
    bgp_net_link(p.net, p.a, "10.0.0.1", BGP_NO_IFACE, p.b, "10.0.0.2", BGP_NO_IFACE);
    assert_true(bgp_test_set(p.a->b, 0, bgp_test_config("10.0.0.2", asn_b)));
    assert_true(bgp_test_set(p.b->b, 0, bgp_test_config("10.0.0.1", 65515)));
    bgp_node_local(p.b, "10.1.0.0/16", true, bgp_net_now(p.net));
    bgp_node_local(p.a, "10.2.0.0/16", true, bgp_net_now(p.net));
    bgp_net_on(p.net, p.a, 0);
    bgp_net_on(p.net, p.b, 0);
    assert_true(bgp_net_until_up(p.net, p.a, 0, KD_S(30)));
    assert_true(bgp_net_until_up(p.net, p.b, 0, KD_S(30)));
    bgp_net_run(p.net, KD_S(1));
    return p;
}

static void steer(struct pair *p, struct bgp_steer s)
{
    bgp_net_event(p->net, p->a, (struct bgp_event){.kind = BGP_EV_STEER, .steer = s});
    bgp_net_run(p->net, KD_S(1));
}

static void pair_end(struct pair *p)
{
    assert_null(bgp_node_note(p->a, 0, BGP_NOTE_STOP));
    assert_null(bgp_node_note(p->b, 0, BGP_NOTE_STOP));
    bgp_net_free(p->net);
}

static void what_a_neighbor_was_told_is_withdrawn_and_told_again(void **state)
{
    struct pair p = pair_up(65020);

    (void)state;
    assert_int_equal(p.b->fib_n, 1);
    steer(&p, (struct bgp_steer){.withdraw = true});
    assert_int_equal(p.b->fib_n, 0);
    assert_int_equal(p.a->fib_n, 1);                              /* the other direction stays */
    bgp_node_local(p.a, "10.3.0.0/16", true, bgp_net_now(p.net)); /* new ones aren't told either */
    bgp_net_run(p.net, KD_S(1));
    assert_int_equal(p.b->fib_n, 0);
    steer(&p, (struct bgp_steer){0});
    assert_int_equal(p.b->fib_n, 2);
    pair_end(&p);
}

static void a_local_preference_is_set_over_the_policys_and_taken_back(void **state)
{
    struct pair p = pair_up(65020);
    struct bgp_peer_config *c = bgp_test_config("10.0.0.2", 65020);
    struct bgp_route_view r;

    (void)state;
    bgp_test_import(c)->entry[0].set_local_pref = true;
    bgp_test_import(c)->entry[0].local_pref = 150;
    assert_true(bgp_test_set(p.a->b, 0, c));
    for (int i = 0; i < 3; i++) {
        static const uint32_t expected[] = {50, 40, 150};
        steer(&p, i < 2 ? (struct bgp_steer){.set_local_pref = true, .local_pref = expected[i]}
                        : (struct bgp_steer){0});
        assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
        assert_int_equal(r.local_pref, expected[i]);
    }
    pair_end(&p);
}

/* Local preference 0 is one as well. */
static void the_lowest_local_preference_is_set(void **state)
{
    struct pair p = pair_up(65020);
    struct bgp_route_view r;

    (void)state;
    steer(&p, (struct bgp_steer){.set_local_pref = true});
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_int_equal(r.local_pref, 0);
    pair_end(&p);
}

static void our_as_is_prepended_so_many_times_more(void **state)
{
    struct pair p = pair_up(65020);
    struct bgp_route_view r;

    (void)state;
    for (int i = 0; i < 3; i++) {
        static const uint8_t more[] = {3, BGP_STEER_PREPEND_MAX, 0};
        steer(&p, (struct bgp_steer){.prepend = more[i]});
        assert_true(bgp_node_route(p.b, BGP_VIEW_BEST, UINT32_MAX, "10.2.0.0/16", &r));
        assert_int_equal(r.n_as, 1 + more[i]);
        for (unsigned k = 0; k < r.n_as; k++)
            assert_int_equal(r.as_path[k], 65515);
    }
    pair_end(&p);
}

/* There our AS would be a loop. */
static void nothing_is_prepended_to_an_internal_neighbor(void **state)
{
    struct pair p = pair_up(65515);
    struct bgp_route_view r;

    (void)state;
    steer(&p, (struct bgp_steer){.prepend = 3});
    assert_true(bgp_node_route(p.b, BGP_VIEW_BEST, UINT32_MAX, "10.2.0.0/16", &r));
    assert_int_equal(r.n_as, 0);
    pair_end(&p);
}

/* Steered before the session: it comes up so. */
static void steering_outlives_the_session(void **state)
{
    struct pair p = pair_up(65020);
    struct bgp_route_view r;

    (void)state;
    steer(&p, (struct bgp_steer){.withdraw = true, .set_local_pref = true, .local_pref = 50});
    bgp_net_off(p.net, p.a, 0, KD_REASON_ADMIN, true);
    bgp_net_run(p.net, KD_S(1));
    bgp_net_on(p.net, p.a, 0);
    assert_true(bgp_net_until_up(p.net, p.a, 0, KD_S(60)));
    bgp_net_run(p.net, KD_S(2));
    assert_int_equal(p.b->fib_n, 0);
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_int_equal(r.local_pref, 50);
    steer(&p, (struct bgp_steer){0});
    assert_int_equal(p.b->fib_n, 1);
    bgp_net_free(p.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_neighbor_was_told_is_withdrawn_and_told_again),
        cmocka_unit_test(a_local_preference_is_set_over_the_policys_and_taken_back),
        cmocka_unit_test(the_lowest_local_preference_is_set),
        cmocka_unit_test(our_as_is_prepended_so_many_times_more),
        cmocka_unit_test(nothing_is_prepended_to_an_internal_neighbor),
        cmocka_unit_test(steering_outlives_the_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
