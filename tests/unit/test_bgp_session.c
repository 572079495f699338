/* The BGP engine's sessions by their claims: how they come up, what keeps them, how they end and
 * what is said then; tunnels, TTL. No clock, no sockets; random choices come from a printed seed.
 */
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

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static void session_establishes_both_ways_of_connecting(void **state)
{
    (void)state;
    for (int who = 0; who < 3; who++) { /* a connects, b connects, both do */
        struct pair p = pair_bare(SEED + (unsigned)who, 1, 2, 65020);
        struct bgp_peer_config *ca = config_for_b(65020), *cb = config_for_a();
        struct bgp_peer_view v;
        ca->passive = who == 1;
        cb->passive = who == 0;
        set_peer(p.a, 0, ca);
        set_peer(p.b, 0, cb);
        pair_up(&p);
        assert_true(bgp_peer_get(p.a->b, 0, &v));
        assert_int_equal(v.state, BGP_ESTABLISHED);
        assert_int_equal(v.reason, KD_REASON_NONE);
        assert_int_equal(v.remote_router_id, 2);
        assert_int_equal(v.hold_s, 180);
        assert_int_equal(v.keepalive_s, 60);
        assert_false(v.ibgp);
        assert_true(kd_addr_eq(&v.local, &(struct kd_addr){4, {10, 0, 0, 1}}));
        bgp_net_free(p.net);
    }
}

static void a_session_lasts_while_keepalives_come(void **state)
{
    struct pair p = pair_of(SEED, 65020);

    (void)state;
    pair_up(&p);
    bgp_net_run(p.net, KD_S(3600));
    assert_int_equal(bgp_node_state(p.a, 0), BGP_ESTABLISHED);
    assert_null(bgp_node_note(p.a, 0, BGP_NOTE_STOP));
    bgp_net_free(p.net);
}

static void hold_timer_expires_without_keepalives(void **state)
{
    struct pair p = pair_of(SEED, 65020);
    const struct bgp_note_record *n;
    uint64_t cut;

    (void)state;
    pair_up(&p);
    local(&p, p.b, "10.2.0.0/16", true);
    assert_non_null(bgp_node_fib(p.a, "10.2.0.0/16"));
    bgp_net_cut(p.net, p.a, p.b, true);
    cut = bgp_net_now(p.net);
    while (!bgp_node_note(p.a, 0, BGP_NOTE_STOP))
        bgp_net_run(p.net, KD_MS(100));
    /* 180 s after the last KEEPALIVE or UPDATE heard, which came within the 60 s before the cut */
    assert_in_range(bgp_net_now(p.net) - cut, KD_S(119), KD_S(181));
    n = bgp_node_note(p.a, 0, BGP_NOTE_STOP);
    assert_int_equal(n->reason, KD_REASON_HOLD_EXPIRED);
    assert_null(bgp_node_fib(p.a, "10.2.0.0/16"));
    bgp_net_cut(p.net, p.a, p.b, false);
    assert_true(bgp_net_until_up(p.net, p.a, 0, KD_S(300)));
    bgp_net_run(p.net, KD_S(5));
    assert_non_null(bgp_node_fib(p.a, "10.2.0.0/16"));
    bgp_net_free(p.net);
}

static void hold_time_zero_means_no_timers(void **state)
{
    struct pair p = pair_bare(SEED, 1, 2, 65020);
    struct bgp_peer_config *c = config_for_b(65020);

    (void)state;
    c->hold_s = 0;
    set_peer(p.a, 0, c);
    set_peer(p.b, 0, config_for_a());
    pair_up(&p);
    bgp_net_cut(p.net, p.a, p.b, true);
    bgp_net_run(p.net, KD_S(10000));
    assert_int_equal(bgp_node_state(p.a, 0), BGP_ESTABLISHED);
    bgp_net_free(p.net);
}

/* The peer speaks, but reads nothing: RFC 9687. */
static void a_peer_that_takes_nothing_is_left_after_the_send_hold_time(void **state)
{
    struct bgp_raw r;
    uint64_t left;

    (void)state;
    for (int deaf = 0; deaf < 3;
         deaf++) { /* 1: from the session's start; 2: takes a little before the end */
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        r.conn[0].deaf = deaf;
        bgp_raw_establish(&r, 0, 65020, 10);
        left = r.now_us;
        for (int i = 0; i < 1000 && r.conn[0].open; i++) {
            if (deaf == 2 && r.now_us == left + KD_S(470))
                bgp_raw_event(
                    &r, (struct bgp_event){.kind = BGP_EV_TCP_SENT, .conn = r.conn[0].h, .n = 1});
            if (i % 10 == 0)
                bgp_raw_message(&r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
            bgp_raw_pass(&r, KD_S(1));
        }
        left = r.now_us - left;
        if (deaf == 0) {
            assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        } else {
            assert_int_equal(left, deaf == 1 ? KD_S(480) : KD_S(950));
            assert_int_equal(bgp_node_note(&r.node, 0, BGP_NOTE_STOP)->reason,
                             KD_REASON_SEND_HOLD_EXPIRED);
            assert_non_null(
                strstr(bgp_node_note(&r.node, 0, BGP_NOTE_STOP)->text, "not taken for 480 s"));
            assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_NOTIFICATION), 0);
        }
        bgp_raw_fini(&r);
    }
}

static void the_send_hold_time_is_twice_a_long_hold_time_and_none_without(void **state)
{
    static const uint16_t hold[] = {400, 0};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
        struct bgp_open o = {.asn = 65020, .hold_s = hold[i], .id = 10, .as4 = true};
        struct bgp_raw r;
        c->hold_s = hold[i];
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, c);
        r.conn[0].deaf = true;
        bgp_raw_connect(&r, 0);
        bgp_raw_send_open(&r, 0, &o);
        for (int s = 0; s < 799; s++) {
            if (s % 100 == 0)
                bgp_raw_message(&r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
            bgp_raw_pass(&r, KD_S(1));
        }
        assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        bgp_raw_pass(&r, KD_S(1));
        assert_int_equal(r.conn[0].open, hold[i] == 0);
        bgp_raw_fini(&r);
    }
}

static void routes_are_exchanged_and_follow_their_origin(void **state)
{
    struct pair p = pair_of(SEED, 65020);
    struct bgp_route_view r;
    const struct bgp_fib_entry *f;

    (void)state;
    local(&p, p.a, "10.17.11.0/25", true);
    local(&p, p.b, "10.1.11.0/25", true);
    pair_up(&p);
    f = bgp_node_fib(p.a, "10.1.11.0/25");
    assert_non_null(f);
    assert_int_equal(f->paths.n_best, 1);
    assert_int_equal(f->paths.n_backup, 0);
    assert_int_equal(f->paths.best[0].peer, 0);
    assert_null(bgp_node_fib(p.a, "10.17.11.0/25")); /* its own isn't installed */
    assert_true(bgp_node_route(p.b, BGP_VIEW_LEARNED, 0, "10.17.11.0/25", &r));
    assert_int_equal(r.n_as, 1);
    assert_int_equal(r.as_path[0], 65515);
    assert_int_equal(r.origin, BGP_ORIGIN_IGP);
    assert_false(r.has_med);
    assert_true(r.best);
    assert_true(bgp_node_route(p.a, BGP_VIEW_ADVERTISED, 0, "10.17.11.0/25", &r));
    assert_false(bgp_node_route(p.a, BGP_VIEW_ADVERTISED, 0, "10.1.11.0/25", NULL));
    local(&p, p.b, "10.1.11.0/25", false);
    assert_null(bgp_node_fib(p.a, "10.1.11.0/25"));
    assert_int_equal(bgp_node_routes(p.a, BGP_VIEW_LEARNED, UINT32_MAX, NULL, 0), 0);
    local(&p, p.b, "10.1.11.0/25", true);
    assert_non_null(bgp_node_fib(p.a, "10.1.11.0/25"));
    bgp_net_free(p.net);
}

static void the_end_of_the_initial_exchange_is_noted_once(void **state)
{
    struct pair p = pair_of(SEED, 65020);

    (void)state;
    local(&p, p.a, "10.17.11.0/25", true);
    pair_up(&p);
    bgp_net_run(p.net, KD_S(200));
    assert_int_equal(bgp_node_count(p.a, BGP_NOTE_EOR), 1);
    assert_int_equal(bgp_node_count(p.b, BGP_NOTE_EOR), 1);
    bgp_net_free(p.net);
}

static unsigned count(const struct bgp_out *o, enum bgp_action_kind kind)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < o->n; i++)
        n += o->a[i].kind == kind;
    return n;
}

/* The one note that the session stopped. */
static enum kd_reason stop_of(const struct bgp_out *o)
{
    const struct bgp_action *stop = NULL;

    for (uint32_t i = 0; i < o->n; i++)
        if (o->a[i].kind == BGP_ACT_NOTE && o->a[i].note == BGP_NOTE_STOP) {
            assert_null(stop);
            stop = &o->a[i];
        }
    assert_non_null(stop);
    return stop->reason;
}

static void assert_in_key_order(const struct bgp_out *o)
{
    for (uint32_t i = 1; i < o->n; i++)
        if (o->a[i - 1].kind == BGP_ACT_ROUTE_DEL && o->a[i].kind == BGP_ACT_ROUTE_DEL)
            assert_true(kd_prefix_cmp(&o->a[i - 1].prefix, &o->a[i].prefix) < 0);
}

/* The failover that a lost peer asks for does not wait for its table. */
static void a_peer_that_goes_off_is_closed_at_once_and_its_paths_go_with_the_next_wake(void **state)
{
    struct pair p = pair_of(SEED, 65020);
    struct bgp_event off = {.kind = BGP_EV_PEER_OFF, .reason = KD_REASON_TUNNEL_DOWN};
    struct bgp_event wake = {.kind = BGP_EV_WAKE};
    struct bgp_out *o = p.a->out;
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "10.2.%u.0/24", 99 - i);
        bgp_node_local(p.b, name, true, bgp_net_now(p.net));
    }
    pair_up(&p);
    assert_int_equal(p.a->fib_n, 100);
    off.now_us = wake.now_us = bgp_net_now(p.net);
    bgp_step(p.a->b, &off, o); /* one step, looked at by itself */
    assert_int_equal(count(o, BGP_ACT_CLOSE), 1);
    assert_int_equal(count(o, BGP_ACT_WRITE), 0); /* not heard: nothing is said */
    assert_int_equal(count(o, BGP_ACT_ROUTE_DEL), 0);
    assert_int_equal(stop_of(o), KD_REASON_TUNNEL_DOWN);
    assert_true(o->more);
    bgp_step(p.a->b, &wake, o);
    assert_int_equal(count(o, BGP_ACT_ROUTE_DEL), 100);
    assert_in_key_order(o);
    bgp_net_free(p.net);
}

static void the_cease_names_the_cause(void **state)
{
    static const struct {
        enum kd_reason reason;
        uint8_t sub;
    } cases[] = {{KD_REASON_ADMIN, 2}, {KD_REASON_BFD_DOWN, 10}, {KD_REASON_TUNNEL_DOWN, 6}};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct bgp_raw r;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        bgp_raw_establish(&r, 0, 65020, 10);
        bgp_raw_event(&r, (struct bgp_event){
                              .kind = BGP_EV_PEER_OFF, .reason = cases[i].reason, .heard = true});
        assert_true(bgp_raw_notified(&r, 0, 6, cases[i].sub));
        assert_int_equal(r.closed, 1);
        assert_int_equal(bgp_node_state(&r.node, 0), BGP_IDLE);
        bgp_raw_pass(&r, KD_S(600)); /* and it stays off */
        assert_false(r.conn[0].open);
        bgp_raw_fini(&r);
    }
}

/* RFC 9003 2: with Administrative Shutdown, and with nothing else. */
static void a_shutdown_says_why_in_the_operators_words(void **state)
{
    static const enum kd_reason reasons[] = {KD_REASON_ADMIN, KD_REASON_TUNNEL_DOWN};
    static const uint8_t sent[] = {6, 2, 5, 'l', 'u', 'n', 'c', 'h'};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(reasons); i++) {
        struct bgp_raw r;
        struct kd_bytes b;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        bgp_raw_establish(&r, 0, 65020, 10);
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF,
                                             .reason = reasons[i],
                                             .heard = true,
                                             .data = kd_bytes_str("lunch")});
        b = bgp_raw_last(&r, 0, BGP_MSG_NOTIFICATION);
        assert_int_equal(b.len, i == 0 ? sizeof(sent) : 2);
        if (i == 0) {
            assert_memory_equal(b.p, sent, sizeof(sent));
            assert_string_equal(bgp_node_note(&r.node, 0, BGP_NOTE_STOP)->text,
                                "admin, sent Cease: lunch");
        }
        bgp_raw_fini(&r);
    }
}

static void a_switched_on_peer_connects_at_once_again(void **state)
{
    struct pair p = pair_of(SEED, 65020);

    (void)state;
    local(&p, p.b, "10.2.0.0/16", true);
    pair_up(&p);
    for (int i = 0; i < 3; i++) {
        bgp_net_off(p.net, p.a, 0, KD_REASON_ADMIN, true);
        assert_int_equal(p.a->fib_n, 0);
        bgp_net_run(p.net, KD_MS(200));
        bgp_net_on(p.net, p.a, 0);
        assert_true(bgp_net_until_up(p.net, p.a, 0, KD_S(1)));
        bgp_net_run(p.net, KD_S(1));
        assert_int_equal(p.a->fib_n, 1);
    }
    bgp_net_free(p.net);
}

static void tunnel_peer_refuses_connection_from_other_interface(void **state)
{
    struct bgp_raw r;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_event in = {.kind = BGP_EV_TCP_INCOMING,
                           .token = 1,
                           .local = bgp_test_addr("192.0.2.1"),
                           .remote = bgp_test_addr("192.0.2.10"),
                           .iface = BGP_NO_IFACE};

    (void)state;
    c->iface = 3;
    c->passive = true;
    bgp_raw_init(&r, 65515, 1, false);
    bgp_raw_peer(&r, 0, c);
    c = bgp_test_config("192.0.2.20", 65021);
    c->passive = true;
    bgp_raw_peer(&r, 1, c);
    bgp_raw_event(&r, in);
    assert_int_equal(r.refused, 1); /* off, and not through its tunnel */
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_ON, .peer = 0});
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_ON, .peer = 1});
    bgp_raw_event(&r, in);
    assert_int_equal(r.refused, 2);
    in.iface = 4; /* another tunnel */
    bgp_raw_event(&r, in);
    assert_int_equal(r.refused, 3);
    in.iface = 3;
    bgp_raw_event(&r, in);
    assert_int_equal(r.refused, 3);
    assert_int_equal(bgp_node_state(&r.node, 0), BGP_OPENSENT);
    in.remote = bgp_test_addr("192.0.2.20"); /* the one beside, through a tunnel */
    bgp_raw_event(&r, in);
    assert_int_equal(r.refused, 4);
    assert_int_equal(bgp_node_state(&r.node, 1), BGP_ACTIVE);
    bgp_raw_fini(&r);
}

/* RFC 5082 3: sent with 255, taken down to 256 less the hops allowed; in both roles. */
static void ttl_security_goes_with_the_connection(void **state)
{
    static const struct {
        uint8_t hops, ttl, ttl_min;
    } cases[] = {{1, 255, 255}, {2, 255, 254}, {254, 255, 2}, {0, 7, 0}};

    (void)state;
    for (unsigned i = 0; i < 2 * KD_ARRAY_LEN(cases); i++) {
        struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
        struct bgp_event in = {.kind = BGP_EV_TCP_INCOMING,
                               .token = 7,
                               .iface = BGP_NO_IFACE,
                               .local = bgp_test_addr("192.0.2.1"),
                               .remote = bgp_test_addr("192.0.2.10")};
        bool accepts = i % 2;
        struct bgp_raw r;
        bgp_raw_init(&r, 65515, 1, false);
        c->ttl = 7;
        c->passive = accepts;
        c->ttl_security = cases[i / 2].hops;
        bgp_raw_peer(&r, 0, c);
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_ON});
        if (accepts)
            bgp_raw_event(&r, in);
        assert_true(r.conn[0].open);
        assert_int_equal(r.conn[0].ttl, cases[i / 2].ttl);
        assert_int_equal(r.conn[0].ttl_min, cases[i / 2].ttl_min);
        bgp_raw_fini(&r);
    }
}

static void a_connect_over_a_tunnel_is_bound_to_it(void **state)
{
    struct bgp_net *net = bgp_net_new(SEED);
    struct bgp_node *a = bgp_net_add(net, 65515, 1, false), *b = bgp_net_add(net, 65020, 2, false);
    struct bgp_peer_config *c = config_for_b(65020);
    const struct bgp_fib_entry *f;

    (void)state;
    c->iface = 5;
    set_peer(a, 0, c);
    set_peer(b, 0, config_for_a());
    bgp_net_link(net, a, "10.0.0.1", 5, b, "10.0.0.2", BGP_NO_IFACE);
    bgp_node_local(b, "10.1.0.0/16", true, bgp_net_now(net));
    bgp_net_on(net, a, 0);
    bgp_net_on(net, b, 0);
    assert_true(bgp_net_until_up(net, a, 0, KD_S(30)));
    bgp_net_run(net, KD_S(1));
    f = bgp_node_fib(a, "10.1.0.0/16");
    assert_non_null(f);
    assert_int_equal(f->paths.best[0].iface, 5);
    bgp_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_establishes_both_ways_of_connecting),
        cmocka_unit_test(a_session_lasts_while_keepalives_come),
        cmocka_unit_test(hold_timer_expires_without_keepalives),
        cmocka_unit_test(hold_time_zero_means_no_timers),
        cmocka_unit_test(a_peer_that_takes_nothing_is_left_after_the_send_hold_time),
        cmocka_unit_test(the_send_hold_time_is_twice_a_long_hold_time_and_none_without),
        cmocka_unit_test(routes_are_exchanged_and_follow_their_origin),
        cmocka_unit_test(the_end_of_the_initial_exchange_is_noted_once),
        cmocka_unit_test(
            a_peer_that_goes_off_is_closed_at_once_and_its_paths_go_with_the_next_wake),
        cmocka_unit_test(the_cease_names_the_cause),
        cmocka_unit_test(a_shutdown_says_why_in_the_operators_words),
        cmocka_unit_test(a_switched_on_peer_connects_at_once_again),
        cmocka_unit_test(tunnel_peer_refuses_connection_from_other_interface),
        cmocka_unit_test(ttl_security_goes_with_the_connection),
        cmocka_unit_test(a_connect_over_a_tunnel_is_bound_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
