/* The BGP engine by its claims: sessions between engines over a pretend TCP, and one engine whose
 * peers the test plays. No clock, no sockets; random choices come from a printed seed. */
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

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED 7001

/* ---- two engines ---- */

struct pair {
    struct bgp_net *net;
    struct bgp_node *a, *b; /* AS 65515 at 10.0.0.1, and b at 10.0.0.2; each other's peer 0 */
};

static struct bgp_peer_config *config_for_b(uint32_t asn)
{
    return bgp_test_config("10.0.0.2", asn);
}

static struct bgp_peer_config *config_for_a(void)
{
    return bgp_test_config("10.0.0.1", 65515);
}

static void set_peer(struct bgp_node *n, uint32_t id, struct bgp_peer_config *c)
{
    assert_true(bgp_test_set(n->b, id, c));
}

static struct pair pair_bare(uint64_t seed, uint32_t id_a, uint32_t id_b, uint32_t asn_b)
{
    struct pair p = {.net = bgp_net_new(seed)};

    p.a = bgp_net_add(p.net, 65515, id_a, false);
    p.b = bgp_net_add(p.net, asn_b, id_b, false);
    bgp_net_link(p.net, p.a, "10.0.0.1", BGP_NO_IFACE, p.b, "10.0.0.2", BGP_NO_IFACE);
    return p;
}

static struct pair pair_of(uint64_t seed, uint32_t asn_b)
{
    struct pair p = pair_bare(seed, 1, 2, asn_b);

    set_peer(p.a, 0, config_for_b(asn_b));
    set_peer(p.b, 0, config_for_a());
    return p;
}

static void pair_up(struct pair *p)
{
    bgp_net_on(p->net, p->a, 0);
    bgp_net_on(p->net, p->b, 0);
    assert_true(bgp_net_until_up(p->net, p->a, 0, KD_S(60)));
    assert_true(bgp_net_until_up(p->net, p->b, 0, KD_S(60)));
    bgp_net_run(p->net, KD_S(1));
    assert_int_equal(bgp_net_connections(p->net), 1);
}

static void local(struct pair *p, struct bgp_node *n, const char *prefix, bool up)
{
    bgp_node_local(n, prefix, up, bgp_net_now(p->net));
    bgp_net_run(p->net, KD_MS(100));
}

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

static void withdrawn_when_peer_off_in_the_same_step(void **state)
{
    struct pair p = pair_of(SEED, 65020);
    struct bgp_event off = {.kind = BGP_EV_PEER_OFF, .reason = KD_REASON_TUNNEL_DOWN};
    struct bgp_out *o = p.a->out;
    char name[32];
    unsigned dels = 0, notes = 0, closes = 0, writes = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "10.2.%u.0/24", 99 - i);
        bgp_node_local(p.b, name, true, bgp_net_now(p.net));
    }
    pair_up(&p);
    assert_int_equal(p.a->fib_n, 100);
    off.now_us = bgp_net_now(p.net);
    bgp_step(p.a->b, &off, o); /* one step, looked at by itself */
    for (uint32_t i = 0; i < o->n; i++) {
        dels += o->a[i].kind == BGP_ACT_ROUTE_DEL;
        closes += o->a[i].kind == BGP_ACT_CLOSE;
        writes += o->a[i].kind == BGP_ACT_WRITE;
        if (o->a[i].kind == BGP_ACT_NOTE && o->a[i].note == BGP_NOTE_STOP) {
            notes++;
            assert_int_equal(o->a[i].reason, KD_REASON_TUNNEL_DOWN);
        }
        if (dels > 1) /* in key order */
            assert_true(kd_prefix_cmp(&o->a[i - 1].prefix, &o->a[i].prefix) < 0 ||
                        o->a[i].kind != BGP_ACT_ROUTE_DEL);
    }
    assert_int_equal(dels, 100);
    assert_int_equal(closes, 1);
    assert_int_equal(notes, 1);
    assert_int_equal(writes, 0); /* not heard: nothing is said */
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

/* ---- the decision, one test a step: two peers, the second one's path is to win ---- */

struct choice {
    struct bgp_raw r;
    struct bgp_raw_update u[2];
};

static void choice_init(struct choice *x, uint32_t asn0, uint32_t asn1, bool ecmp)
{
    memset(x, 0, sizeof(*x));
    bgp_raw_init(&x->r, 65515, 1, ecmp);
    bgp_raw_peer(&x->r, 0, bgp_test_config("192.0.2.10", asn0));
    bgp_raw_peer(&x->r, 1, bgp_test_config("192.0.2.20", asn1));
    bgp_raw_establish(&x->r, 0, asn0, 10);
    bgp_raw_establish(&x->r, 1, asn1, 20);
    for (int i = 0; i < 2; i++) {
        uint32_t asn = i ? asn1 : asn0;
        x->u[i] = (struct bgp_raw_update){.prefix = {"10.1.0.0/16"},
                                          .nexthop = i ? "192.0.2.20" : "192.0.2.10"};
        if (asn != 65515)
            x->u[i].as_path[x->u[i].n_as++] = asn;
        x->u[i].as_path[x->u[i].n_as++] = 64700;
    }
}

static uint32_t choice_made(struct choice *x, bool reverse)
{
    struct bgp_route_view v;

    bgp_raw_update(&x->r, reverse, &x->u[reverse]);
    bgp_raw_update(&x->r, !reverse, &x->u[!reverse]);
    assert_true(bgp_node_route(&x->r.node, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &v));
    return v.peer;
}

/* Whatever the order of arrival. */
#define CHOOSES(winner, asn0, asn1, ...)                                                           \
    do {                                                                                           \
        for (int reverse = 0; reverse < 2; reverse++) {                                            \
            struct choice x;                                                                       \
            choice_init(&x, asn0, asn1, false);                                                    \
            __VA_ARGS__;                                                                           \
            assert_int_equal(choice_made(&x, reverse), winner);                                    \
            bgp_raw_fini(&x.r);                                                                    \
        }                                                                                          \
    } while (0)

static void with_local_pref(struct choice *x, int i, uint32_t v)
{
    struct bgp_peer_config *c = bgp_test_config(i ? "192.0.2.20" : "192.0.2.10", i ? 65021 : 65020);

    bgp_test_import(c)->entry[0].set_local_pref = true;
    bgp_test_import(c)->entry[0].local_pref = v;
    bgp_raw_peer(&x->r, (uint32_t)i, c);
}

static void longer(struct choice *x, int i)
{
    x->u[i].as_path[x->u[i].n_as++] = 64701;
}

static void with_med(struct choice *x, int i, uint32_t med)
{
    x->u[i].has_med = true;
    x->u[i].med = med;
}

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

static void open_enhanced(struct bgp_raw *r, uint32_t peer, uint32_t asn)
{
    struct bgp_peer_config c = {.asn = asn};
    struct bgp_open o = bgp_raw_open(&c, 10 + peer);

    o.enhanced_refresh = true;
    bgp_raw_connect(r, peer);
    bgp_raw_send_open(r, peer, &o);
    bgp_raw_message(r, peer, BGP_MSG_KEEPALIVE, NULL, 0);
    assert_int_equal(bgp_node_state(&r->node, peer), BGP_ESTABLISHED);
}

static void refresh(struct bgp_raw *r, uint32_t peer, uint8_t afi, uint8_t subtype)
{
    bgp_raw_message(r, peer, BGP_MSG_REFRESH, (uint8_t[]){0, afi, subtype, 1}, 4);
}

static struct bgp_raw_update route_of(uint32_t asn, const char *nexthop, const char *prefix)
{
    return (struct bgp_raw_update){
        .prefix = {prefix}, .n_as = 1, .as_path = {asn}, .nexthop = nexthop};
}

/* "R1 U R2" of what peer was sent from byte `from` on: type and, of a refresh, its subtype. */
static void said_since(const struct bgp_raw *r, uint32_t peer, size_t from, char *text, size_t cap)
{
    const struct bgp_raw_conn *c = &r->conn[peer];
    struct bgp_frame f;
    struct bgp_error e;

    *text = '\0';
    for (size_t at = from; at < c->sent_len; at += f.len) {
        size_t n = strlen(text);
        assert_int_equal(
            bgp_frame_parse(kd_bytes(c->sent + at, c->sent_len - at), BGP_EXTENDED_MAX, &f, &e),
            BGP_FRAME_OK);
        if (f.type == BGP_MSG_REFRESH)
            snprintf(text + n, cap - n, "R%u/%u ", f.body.p[2], f.body.p[1]);
        else
            snprintf(text + n, cap - n, f.type == BGP_MSG_UPDATE ? "U " : "? ");
    }
}

/* RFC 7313 4, the side that is asked; twice in a row as well. */
static void a_refresh_is_told_between_its_beginning_and_its_end(void **state)
{
    struct bgp_raw_update u = route_of(65021, "192.0.2.20", "10.2.0.0/16");
    struct bgp_raw r;
    size_t from;
    char said[64];

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
    open_enhanced(&r, 0, 65020);
    bgp_raw_establish(&r, 1, 65021, 20);
    bgp_raw_update(&r, 1, &u);
    for (int again = 0; again < 2; again++) {
        from = r.conn[0].sent_len;
        refresh(&r, 0, 1, 0);
        said_since(&r, 0, from, said, sizeof(said));
        assert_string_equal(said, "R1/1 U R2/1 ");
    }
    from = r.conn[0].sent_len;
    refresh(&r, 0, 2, 0); /* nothing of that family to tell: its end is said all the same */
    said_since(&r, 0, from, said, sizeof(said));
    assert_string_equal(said, "R1/2 R2/2 ");
    from = r.conn[1].sent_len;
    u = route_of(65020, "192.0.2.10", "10.1.0.0/16");
    bgp_raw_update(&r, 0, &u);
    refresh(&r, 1, 1, 0); /* who didn't offer it gets none of it */
    said_since(&r, 1, from, said, sizeof(said));
    assert_string_equal(said, "U U ");
    bgp_raw_fini(&r);
}

/* RFC 7313 4, the side that is told. */
static void what_a_refresh_leaves_out_is_gone_at_its_end(void **state)
{
    static const struct {
        bool offered;
        uint8_t begin_afi; /* 0: none */
        bool gone;
    } cases[] = {{true, 1, true}, {true, 0, false}, {true, 2, false}, {false, 1, false}};

    (void)state;
    for (unsigned i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct bgp_raw_update u[2] = {route_of(65020, "192.0.2.10", "10.1.0.0/16"),
                                      route_of(65020, "192.0.2.10", "10.2.0.0/16")};
        struct bgp_raw r;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        if (cases[i].offered)
            open_enhanced(&r, 0, 65020);
        else
            bgp_raw_establish(&r, 0, 65020, 10);
        bgp_raw_update(&r, 0, &u[0]);
        bgp_raw_update(&r, 0, &u[1]);
        for (int round = 0; round < 3; round++) {
            if (cases[i].begin_afi)
                refresh(&r, 0, cases[i].begin_afi, 1);
            bgp_raw_update(&r, 0, &u[1]);
            assert_int_equal(bgp_node_fib(&r.node, "10.1.0.0/16") != NULL,
                             round == 0 || !cases[i].gone); /* not before the end */
            refresh(&r, 0, 1, 2);
            assert_int_equal(bgp_node_fib(&r.node, "10.1.0.0/16") == NULL, cases[i].gone);
            assert_non_null(bgp_node_fib(&r.node, "10.2.0.0/16"));
        }
        refresh(&r, 0, 1, 2); /* a second end alone takes nothing */
        refresh(&r, 0, 1, 3); /* an unknown subtype is ignored */
        assert_non_null(bgp_node_fib(&r.node, "10.2.0.0/16"));
        assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        bgp_raw_fini(&r);
    }
}

/* RFC 7313 5 */
static void a_refresh_mark_of_wrong_length_ends_the_session(void **state)
{
    (void)state;
    for (uint8_t subtype = 0; subtype < 4; subtype++) {
        struct bgp_raw r;
        bool ends = subtype == 1 || subtype == 2;
        struct kd_bytes b;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        open_enhanced(&r, 0, 65020);
        bgp_raw_message(&r, 0, BGP_MSG_REFRESH, (uint8_t[]){0, 1, subtype, 1, 0}, 5);
        assert_int_equal(bgp_raw_notified(&r, 0, BGP_E_REFRESH, 1), ends);
        b = bgp_raw_last(&r, 0, BGP_MSG_NOTIFICATION);
        if (ends) /* the whole message comes back */
            assert_int_equal(b.len, 2 + BGP_HEADER_LEN + 5);
        else
            assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        bgp_raw_fini(&r);
    }
}

/* An UPDATE of one prefix whose attributes alone are n bytes of an unknown one, which is passed on.
 */
static size_t long_update(uint8_t *buf, size_t cap, size_t n)
{
    struct bgp_raw_update u = {.n_as = 1, .as_path = {65020}, .nexthop = "192.0.2.10"};
    struct kd_prefix p = bgp_test_prefix("10.9.0.0/16");
    uint8_t head[256];
    size_t k = bgp_raw_build(&u, head, sizeof(head)) - 4;
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    kd_put_u16(&w, 0);
    kd_put_u16(&w, (uint16_t)(k + 4 + n));
    kd_put_bytes(&w, kd_bytes(head + 4, k));
    kd_put_u8(&w, BGP_AF_OPTIONAL | BGP_AF_TRANSITIVE | BGP_AF_EXTENDED);
    kd_put_u8(&w, 200);
    kd_put_u16(&w, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        kd_put_u8(&w, (uint8_t)i);
    bgp_nlri_put(&w, &p);
    assert_true(w.ok);
    return w.pos;
}

static void open_with(struct bgp_raw *r, uint32_t peer, uint32_t asn, bool extended)
{
    struct bgp_peer_config c = {.asn = asn};
    struct bgp_open o = bgp_raw_open(&c, 10 + peer);

    o.extended_message = extended;
    bgp_raw_connect(r, peer);
    bgp_raw_send_open(r, peer, &o);
    bgp_raw_message(r, peer, BGP_MSG_KEEPALIVE, NULL, 0);
    assert_int_equal(bgp_node_state(&r->node, peer), BGP_ESTABLISHED);
}

/* RFC 8654: to whom it was negotiated with, up to 65535 octets; to others such a route isn't told,
 * and is withdrawn if a shorter one was. */
static void extended_messages_go_where_they_were_offered(void **state)
{
    static uint8_t buf[BGP_EXTENDED_MAX];
    static const size_t most = BGP_EXTENDED_MAX - BGP_HEADER_LEN;

    (void)state;
    for (size_t n = 3900; n <= 66000; n += 31000) {
        struct bgp_raw r;
        size_t len = n > 60000 ? most : long_update(buf, sizeof(buf), n);
        bgp_raw_init(&r, 65515, 1, false);
        for (uint32_t i = 0; i < 3; i++) {
            static const char *const at[] = {"192.0.2.10", "192.0.2.20", "192.0.2.30"};
            bgp_raw_peer(&r, i, bgp_test_config(at[i], 65020 + i));
            open_with(&r, i, 65020 + i, i == 1);
        }
        bgp_raw_update(
            &r, 0,
            &(struct bgp_raw_update){
                .prefix = {"10.9.0.0/16"}, .n_as = 1, .as_path = {65020}, .nexthop = "192.0.2.10"});
        if (n > 60000)
            len = long_update(buf, sizeof(buf), most - long_update(buf, sizeof(buf), 0));
        assert_true(n <= 60000 || len == most);
        bgp_raw_message(&r, 0, BGP_MSG_UPDATE, buf, len); /* we offered, so we take it */
        assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        if (n < 60000) /* our AS in front makes it longer than any message can be */
            assert_true(bgp_raw_last(&r, 1, BGP_MSG_UPDATE).len > n);
        assert_int_equal(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 1, "10.9.0.0/16", NULL),
                         n < 60000);
        assert_int_equal(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 2, "10.9.0.0/16", NULL),
                         n == 3900);
        assert_true(bgp_raw_last(&r, 2, BGP_MSG_UPDATE).len + BGP_HEADER_LEN <= BGP_MESSAGE_MAX);
        assert_int_equal(bgp_raw_last(&r, 2, BGP_MSG_UPDATE).p[1] != 0, n != 3900); /* withdrawn */
        bgp_raw_fini(&r);
    }
}

static void an_extended_open_or_keepalive_is_refused_all_the_same(void **state)
{
    static uint8_t body[5000];
    static const enum bgp_msg_type types[] = {BGP_MSG_OPEN, BGP_MSG_KEEPALIVE};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct bgp_raw r;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        open_with(&r, 0, 65020, true);
        bgp_raw_message(&r, 0, types[i], body, sizeof(body));
        assert_true(bgp_raw_notified(&r, 0, BGP_E_HEADER, 2));
        bgp_raw_fini(&r);
    }
}

static void route_refresh_tells_everything_again(void **state)
{
    static const uint8_t refresh[] = {0, 1, 0, 1}, other[] = {0, 25, 0, 70},
                         bad[] = {0, 1, 0, 1, 0};
    struct choice x;
    unsigned before;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    before = bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE);
    bgp_raw_message(&x.r, 1, BGP_MSG_REFRESH, refresh, 4);
    assert_int_equal(bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE), before + 1);
    bgp_raw_message(&x.r, 1, BGP_MSG_REFRESH, other, 4);
    bgp_raw_message(&x.r, 1, BGP_MSG_REFRESH, bad, 5);
    assert_int_equal(bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE), before + 1);
    assert_int_equal(bgp_node_state(&x.r.node, 1), BGP_ESTABLISHED);
    bgp_raw_fini(&x.r);
}

static void nothing_is_repeated_that_was_told(void **state)
{
    struct choice x;
    unsigned before;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    before = bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    with_med(&x, 0, 50); /* doesn't reach an external peer */
    bgp_raw_update(&x.r, 0, &x.u[0]);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_REFRESH, .peer = 1});
    assert_int_equal(bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE), before);
    bgp_raw_fini(&x.r);
}

/* ---- bad input ---- */

static void malformed_attribute_is_treated_as_withdraw_not_reset(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    x.u[0].origin = 9;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 0);
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    assert_string_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_ERROR)->text,
                        "ORIGIN: malformed: treat-as-withdraw (RFC 7606)");
    x.u[0].origin = 0;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    bgp_raw_fini(&x.r);
}

static void error_notes_are_limited(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    x.u[0].origin = 9;
    for (int i = 0; i < 500; i++)
        bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_in_range(bgp_node_count(&x.r.node, BGP_NOTE_ERROR), 1, 10);
    x.r.now_us += KD_S(11);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_non_null(strstr(bgp_node_note(&x.r.node, 0, BGP_NOTE_ERROR)->text, "490 more"));
    bgp_raw_fini(&x.r);
}

/* Peer 0 is connected to and comes up once more; when it was tried. */
static uint64_t comes_again(struct bgp_raw *r)
{
    uint64_t at;

    while (!r->conn[0].open)
        bgp_raw_pass(r, KD_MS(10));
    at = r->now_us;
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_OPENED,
                                        .conn = r->conn[0].h,
                                        .local = bgp_test_addr("192.0.2.1")});
    bgp_raw_send_open(r, 0, &(struct bgp_open){.asn = 65020, .hold_s = 90, .id = 10, .as4 = true});
    bgp_raw_message(r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
    return at;
}

static void a_reset_takes_the_routes_and_is_held_off_with_growing_pauses(void **state)
{
    static const uint8_t wide[] = {0, 0, 0, 0, 33, 1, 2, 3, 4, 5};
    uint64_t pause[4];
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    for (int i = 0; i < 4; i++) {
        uint64_t from;
        bgp_raw_update(&x.r, 0, &x.u[0]);
        assert_int_equal(x.r.node.fib_n, 1);
        bgp_raw_message(&x.r, 0, BGP_MSG_UPDATE, wide, sizeof(wide));
        assert_true(bgp_raw_notified(&x.r, 0, 3, 10));
        assert_int_equal(x.r.node.fib_n, 0);
        assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_IDLE);
        assert_int_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP)->reason,
                         KD_REASON_PROTOCOL_ERROR);
        from = x.r.now_us;
        pause[i] = comes_again(&x.r) - from;
    }
    assert_true(pause[3] > 4 * pause[0]);
    bgp_raw_fini(&x.r);
}

static void messages_out_of_place_are_fsm_errors(void **state)
{
    static const uint8_t update[] = {0, 0, 0, 0};

    (void)state;
    for (int st = 0; st < 3; st++) {
        struct bgp_raw r;
        struct bgp_open o = {.asn = 65020, .hold_s = 90, .id = 10, .as4 = true};
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        bgp_raw_connect(&r, 0);
        if (st >= 1)
            bgp_raw_send_open(&r, 0, &o);
        if (st >= 2)
            bgp_raw_message(&r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
        if (st >= 2)
            bgp_raw_send_open(&r, 0, &o);
        else
            bgp_raw_message(&r, 0, BGP_MSG_UPDATE, update, 4);
        assert_true(bgp_raw_notified(&r, 0, 5, (uint8_t)(st + 1))); /* RFC 6608 */
        bgp_raw_fini(&r);
    }
}

static void an_open_of_the_wrong_peer_is_refused(void **state)
{
    static const struct {
        uint32_t asn, id;
        uint16_t hold;
        bool internal;
        uint8_t sub;
    } cases[] = {
        {65021, 10, 90, false, 2}, {23456, 10, 90, false, 2}, {65020, 10, 2, false, 6},
        {65515, 1, 90, true, 3},   {65020, 1, 90, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct bgp_raw r;
        struct bgp_open o = {.asn = cases[i].asn,
                             .hold_s = cases[i].hold,
                             .id = cases[i].id,
                             .as4 = true,
                             .mp_ipv4 = true};
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", cases[i].internal ? 65515 : 65020));
        bgp_raw_connect(&r, 0);
        bgp_raw_send_open(&r, 0, &o);
        if (cases[i].sub)
            assert_true(bgp_raw_notified(&r, 0, 2, cases[i].sub));
        else
            assert_int_equal(bgp_node_state(&r.node, 0), BGP_OPENCONFIRM);
        bgp_raw_fini(&r);
    }
}

static void too_many_prefixes_end_the_session(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct kd_bytes b;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_raw_peer(&x.r, 0, c);
    x.u[0].prefix[1] = "10.2.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    x.u[0].prefix[0] = "10.3.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
    b = bgp_raw_last(&x.r, 0, BGP_MSG_NOTIFICATION);
    assert_int_equal(b.len, 9); /* AFI, SAFI, limit */
    assert_int_equal(b.p[8], 2);
    assert_int_equal(x.r.node.fib_n, 0);
    assert_int_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP)->reason, KD_REASON_NO_RESOURCES);
    bgp_raw_fini(&x.r);
}

/* RFC 4271 9.1.2: what has our AS in its path is held, not counted; what policy denies counts. */
static void our_own_routes_coming_back_dont_count_as_prefixes(void **state)
{
    static const char *const back[] = {"10.4.0.0/16", "10.5.0.0/16", "10.6.0.0/16"};
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_raw_update loop;
    struct bgp_peer_view v;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_test_import(c)->n = 0; /* deny all */
    bgp_raw_peer(&x.r, 0, c);
    loop = x.u[0];
    loop.as_path[loop.n_as++] = 65515;
    memcpy(loop.prefix, back, sizeof(back));
    bgp_raw_update(&x.r, 0, &loop);
    x.u[0].prefix[1] = "10.2.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(bgp_peer_get(x.r.node.b, 0, &v));
    assert_int_equal(v.state, BGP_ESTABLISHED);
    assert_int_equal(v.received, 4); /* of the three loops as many are held as prefixes may be */
    assert_int_equal(v.accepted, 0);
    loop.prefix[1] = loop.prefix[2] = NULL;
    loop.as_path[loop.n_as - 1] = 65516; /* the nearest: one of them without us in it */
    bgp_raw_update(&x.r, 0, &loop);
    assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
    bgp_raw_fini(&x.r);
}

/* The count stays right when a route becomes a loop, is withdrawn as one, or is let in. */
static void what_counts_as_a_prefix_follows_the_route(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_raw_update gone = {.withdrawn = {"10.1.0.0/16", "10.2.0.0/16"}}, two;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_raw_peer(&x.r, 0, c);
    two = x.u[0];
    two.prefix[1] = "10.2.0.0/16";
    for (int i = 0; i < 5; i++) {
        two.as_path[1] = i % 2 ? 64700 : 65515;
        bgp_raw_update(&x.r, 0, &two);
        if (i == 2)
            bgp_raw_update(&x.r, 0, &gone);
    }
    x.u[0].prefix[0] = "10.3.0.0/16";
    x.u[0].prefix[1] = "10.4.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]); /* two that count beside two loops */
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    c = bgp_test_config("192.0.2.10", 65020);
    c->prefixes_max = 2;
    c->allow_as_in = 1; /* now the loops count: the next UPDATE is judged with them */
    bgp_raw_peer(&x.r, 0, c);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_WAKE});
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
    bgp_raw_fini(&x.r);
}

/* n prefixes 10.x.y.0/24 from x on, of peer 0; the message announces or withdraws. */
static void feed(struct bgp_raw *r, uint32_t first, uint32_t n, bool announce);

static unsigned warnings(const struct bgp_raw *r)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < r->node.notes_n; i++)
        n +=
            r->node.notes[i].note == BGP_NOTE_ERROR && strstr(r->node.notes[i].text, "prefixes of");
    return n;
}

static void a_limit_of_prefixes_is_told_of_from_80_percent_on(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 10;
    bgp_raw_peer(&x.r, 0, c);
    feed(&x.r, 0, 7, true);
    assert_int_equal(warnings(&x.r), 0);
    feed(&x.r, 7, 1, true);
    assert_int_equal(warnings(&x.r), 1);
    feed(&x.r, 8, 2, true); /* 10: at the limit, not beyond */
    assert_int_equal(warnings(&x.r), 1);
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    feed(&x.r, 5, 5, false); /* 5: still near enough to stay quiet */
    feed(&x.r, 5, 5, true);
    assert_int_equal(warnings(&x.r), 1);
    feed(&x.r, 4, 6, false); /* 4: far */
    feed(&x.r, 4, 4, true);
    assert_int_equal(warnings(&x.r), 2);
    bgp_raw_fini(&x.r);
}

static void a_peer_with_too_many_prefixes_is_held_off_longer_each_time(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_peer_view v;
    uint64_t pause, last = 0;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_raw_peer(&x.r, 0, c);
    for (int i = 0; i < 7; i++) {
        feed(&x.r, 0, 3, true);
        assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
        assert_true(bgp_peer_get(x.r.node.b, 0, &v));
        assert_int_equal(v.state, BGP_IDLE);
        assert_int_equal(v.prefixes_max, 2);
        pause = v.retry_at_us - x.r.now_us;
        assert_in_range(pause, KD_S(2) * 3 / 4, KD_S(120));
        if (i < 6) /* 2 s, doubled up to 120 s, 75 to 100 % of it */
            assert_true(pause > last);
        last = pause;
        assert_in_range(comes_again(&x.r), v.retry_at_us, v.retry_at_us + KD_MS(10));
        assert_true(bgp_peer_get(x.r.node.b, 0, &v));
        assert_int_equal(v.state, BGP_ESTABLISHED);
        assert_int_equal(v.retry_at_us, 0);
    }
    bgp_raw_fini(&x.r);
}

static void the_peers_notification_is_told_in_its_words(void **state)
{
    static const uint8_t cease[] = {6, 2, 5, 'l', 'u', 'n', 'c', 'h'}, error[] = {3, 1};
    struct choice x;
    const struct bgp_note_record *n;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_message(&x.r, 0, BGP_MSG_NOTIFICATION, cease, sizeof(cease));
    n = bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP);
    assert_int_equal(n->reason, KD_REASON_PEER_CEASE);
    assert_string_equal(n->text, "received Cease/Administrative Shutdown (6/2): lunch");
    assert_int_equal(bgp_raw_count(&x.r, 0, BGP_MSG_NOTIFICATION), 0); /* isn't answered */
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ACTIVE);
    bgp_raw_message(&x.r, 1, BGP_MSG_NOTIFICATION, error, 2);
    assert_int_equal(bgp_node_note(&x.r.node, 1, BGP_NOTE_STOP)->reason, KD_REASON_PEER_ERROR);
    assert_int_equal(bgp_node_state(&x.r.node, 1), BGP_IDLE);
    bgp_raw_fini(&x.r);
}

static void bfd_down_stops_the_session_in_the_same_step(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    choice_made(&x, false);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_BFD, .peer = 0, .heard = true});
    assert_true(bgp_raw_notified(&x.r, 0, 6, 10));
    assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, 1);
    assert_int_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP)->reason, KD_REASON_BFD_DOWN);
    bgp_raw_fini(&x.r);
}

static void unusable_next_hops_and_prefixes_are_ignored(void **state)
{
    static const char *const bad[] = {"127.0.0.1", "0.0.0.0", "224.0.0.5", "192.0.2.1"};
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        x.u[0].nexthop = bad[i];
        bgp_raw_update(&x.r, 0, &x.u[0]);
        assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, 0, NULL, 0), 0);
    }
    x.u[0].nexthop = "192.0.2.10";
    x.u[0].prefix[0] = "224.1.0.0/16";
    x.u[0].prefix[1] = "127.0.0.0/8";
    x.u[0].prefix[2] = "0.0.0.0/0";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    assert_non_null(bgp_node_fib(&x.r.node, "0.0.0.0/0"));
    bgp_raw_fini(&x.r);
}

/* ---- old speakers, IPv6 ---- */

static void four_octet_as_with_two_octet_peer(void **state)
{
    struct bgp_raw r;
    struct bgp_open o = {.asn = 65020, .hold_s = 90, .id = 10}; /* no capability at all */
    struct bgp_raw_update u = {.prefix = {"10.1.0.0/16"},
                               .nexthop = "192.0.2.10",
                               .as2 = true,
                               .as_path = {65020, 64700},
                               .n_as = 2};
    struct bgp_session_rules rules = {.peer_as = BGP_AS_TRANS};
    struct bgp_route_view v;
    struct bgp_update got;
    struct kd_bytes b;
    uint8_t room[4096];
    struct kd_writer w;
    uint32_t asn = 4200000001u;

    (void)state;
    bgp_raw_init(&r, asn, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_connect(&r, 0);
    b = bgp_raw_last(&r, 0, BGP_MSG_OPEN);
    assert_int_equal(b.p[1] << 8 | b.p[2], BGP_AS_TRANS);
    bgp_raw_send_open(&r, 0, &o);
    bgp_raw_message(&r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
    bgp_raw_update(&r, 0, &u);
    assert_true(bgp_node_route(&r.node, BGP_VIEW_LEARNED, 0, "10.1.0.0/16", &v));
    assert_int_equal(v.as_path[0], 65020);
    assert_int_equal(r.node.fib_n, 1);
    bgp_node_local(&r.node, "10.9.0.0/16", true, r.now_us);
    b = bgp_raw_last(&r, 0, BGP_MSG_UPDATE);
    kd_writer_init(&w, room, sizeof(room));
    bgp_update_parse(b, &rules, &w,
                     &got); /* as the old speaker's neighbor would, AS4_PATH merged */
    assert_int_equal(got.verdict, BGP_D_WITHDRAW); /* the merged path starts with the real AS */
    rules.peer_as = asn;
    kd_writer_init(&w, room, sizeof(room));
    bgp_update_parse(b, &rules, &w, &got);
    assert_int_equal(got.verdict, BGP_D_OK);
    bgp_raw_fini(&r);
}

static void ipv6_over_mp(void **state)
{
    struct bgp_net *net = bgp_net_new(SEED);
    struct bgp_node *a = bgp_net_add(net, 65515, 1, false), *b = bgp_net_add(net, 65020, 2, false);
    struct bgp_peer_config *c;
    struct bgp_route_view v;

    (void)state;
    bgp_net_link(net, a, "2001:db8::1", BGP_NO_IFACE, b, "2001:db8::2", BGP_NO_IFACE);
    c = bgp_test_config("2001:db8::2", 65020);
    c->local_other = bgp_test_addr("10.0.0.1"); /* a can be a next hop for IPv4 too */
    set_peer(a, 0, c);
    set_peer(b, 0, bgp_test_config("2001:db8::1", 65515));
    bgp_node_local(a, "2001:db8:a::/48", true, bgp_net_now(net));
    bgp_node_local(a, "10.17.0.0/16", true, bgp_net_now(net));
    bgp_node_local(b, "2001:db8:b::/48", true, bgp_net_now(net));
    bgp_node_local(b, "10.1.0.0/16", true, bgp_net_now(net));
    bgp_net_on(net, a, 0);
    bgp_net_on(net, b, 0);
    assert_true(bgp_net_until_up(net, a, 0, KD_S(30)));
    bgp_net_run(net, KD_S(1));
    assert_int_equal(a->fib_n, 1); /* b knows no IPv4 address of its own to name */
    assert_int_equal(b->fib_n, 2);
    assert_non_null(bgp_node_fib(a, "2001:db8:b::/48"));
    assert_true(bgp_node_route(b, BGP_VIEW_BEST, UINT32_MAX, "2001:db8:a::/48", &v));
    assert_true(kd_addr_eq(&v.nexthop, &(struct kd_addr){6, {0x20, 1, 0xd, 0xb8, [15] = 1}}));
    assert_true(bgp_node_route(b, BGP_VIEW_BEST, UINT32_MAX, "10.17.0.0/16", &v));
    assert_true(kd_addr_eq(&v.nexthop, &(struct kd_addr){4, {10, 0, 0, 1}}));
    bgp_node_local(a, "2001:db8:a::/48", false, bgp_net_now(net));
    bgp_net_run(net, KD_S(1));
    assert_int_equal(b->fib_n, 1);
    bgp_net_free(net);
}

/* ---- volume, order, memory ---- */

/* A chain of three; everything b announces reaches c through a, in spite of segments and back-off.
 */
static uint32_t chain_trace(uint64_t seed, unsigned routes)
{
    struct bgp_net *net = bgp_net_new(seed);
    struct bgp_node *a = bgp_net_add(net, 65515, 1, false), *b = bgp_net_add(net, 65020, 2, false),
                    *c = bgp_net_add(net, 65030, 3, false);
    char name[32];
    uint32_t trace;

    bgp_net_link(net, a, "10.0.0.1", BGP_NO_IFACE, b, "10.0.0.2", BGP_NO_IFACE);
    bgp_net_link(net, a, "10.0.1.1", 9, c, "10.0.1.2", BGP_NO_IFACE);
    set_peer(a, 0, bgp_test_config("10.0.0.2", 65020));
    struct bgp_peer_config *ca = bgp_test_config("10.0.1.2", 65030);
    ca->iface = 9;
    set_peer(a, 1, ca);
    set_peer(b, 0, bgp_test_config("10.0.0.1", 65515));
    set_peer(c, 0, bgp_test_config("10.0.1.1", 65515));
    for (unsigned i = 0; i < routes; i++) {
        snprintf(name, sizeof(name), "10.%u.%u.0/24", 1 + i / 256, i % 256);
        bgp_node_local(b, name, true, bgp_net_now(net));
    }
    bgp_net_on(net, a, 0);
    bgp_net_on(net, a, 1);
    bgp_net_on(net, b, 0);
    bgp_net_on(net, c, 0);
    assert_true(bgp_net_until_up(net, a, 0, KD_S(60)));
    assert_true(bgp_net_until_up(net, a, 1, KD_S(60)));
    bgp_net_run(net, KD_S(30));
    assert_int_equal(a->fib_n, routes);
    assert_int_equal(c->fib_n, routes);
    bgp_net_off(net, a, 0, KD_REASON_TUNNEL_DOWN, false);
    assert_int_equal(a->fib_n, 0);
    bgp_net_run(net, KD_S(5));
    assert_int_equal(c->fib_n, 0);
    trace = a->trace ^ b->trace * 3 ^ c->trace * 5;
    bgp_net_free(net);
    return trace;
}

static void same_seed_same_trace(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        assert_int_equal(chain_trace(seed, 700), chain_trace(seed, 700));
    assert_int_not_equal(chain_trace(1, 50), chain_trace(2, 50));
}

static void feed(struct bgp_raw *r, uint32_t first, uint32_t n, bool announce)
{
    uint8_t body[4096];

    while (n > 0) {
        struct bgp_raw_update u = {.nexthop = announce ? "192.0.2.10" : NULL,
                                   .as_path = {65020, 1 + first / 50},
                                   .n_as = 2};
        struct kd_writer w;
        size_t len = bgp_raw_build(&u, body, sizeof(body));
        kd_writer_init(&w, body, sizeof(body));
        w.pos = announce ? len : 2;
        for (uint32_t i = 0; i < 50 && n > 0; i++, n--, first++) {
            kd_put_u8(&w, 24);
            kd_put_u24(&w, 0x0a0000 + first);
        }
        if (!announce) {
            kd_patch_u16(&w, 0, (uint16_t)(w.pos - 2));
            kd_put_u16(&w, 0);
        }
        bgp_raw_message(r, 0, BGP_MSG_UPDATE, body, w.pos);
        bgp_raw_event(
            r, (struct bgp_event){.kind = BGP_EV_TCP_SENT, .conn = r->conn[1].h, .n = 1u << 20});
        r->conn[1].sent_len = 0;
    }
}

static size_t heap_used(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

/* Nothing learned or told is held any more. */
static void assert_empty_rib(const struct bgp *b)
{
    for (uint32_t i = 0; i < b->n_ribs; i++) {
        assert_int_equal(b->ribs[i]->dests.n_live, 0);
        assert_int_equal(b->ribs[i]->paths.n_live, 0);
    }
    assert_int_equal(b->attrs.n_live, 0);
    assert_int_equal(b->nexthops.pool.n_live, 0);
    assert_int_equal(b->pathsets.n_live, 0);
}

static void a_hundred_thousand_routes_fit_in_100_bytes_each(void **state)
{
    struct bgp_raw r;
    struct bgp_peer_view v;
    size_t before, used;
    const uint32_t n = 100000;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    r.node.fib_off = true;
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
    bgp_raw_establish(&r, 0, 65020, 10);
    bgp_raw_establish(&r, 1, 65021, 20);
    before = heap_used();
    feed(&r, 0, n, true);
    used = heap_used() - before;
    printf("# %u routes in and out: %zu bytes a route (0 under a sanitizer), %llu steps\n", n,
           used / n, (unsigned long long)r.node.steps);
    assert_true(used / n <= 100);
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.received, n);
    assert_int_equal(v.accepted, n);
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, n);
    assert_int_equal(r.node.sets, n);
    feed(&r, 0, n / 2, false);
    assert_int_equal(r.node.dels, n / 2);
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 0});
    assert_int_equal(r.node.dels, n);
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, 0);
    assert_empty_rib(r.node.b);
    bgp_raw_fini(&r);
}

static void a_speaker_without_a_fib_tells_its_peers_and_nobody_else(void **state)
{
    (void)state;
    for (int no_fib = 0; no_fib < 2; no_fib++) {
        struct bgp_peer_view v;
        struct bgp_raw r;

        bgp_raw_init(&r, 65515, 1, false);
        r.node.b->params.no_fib = no_fib;
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
        bgp_raw_establish(&r, 0, 65020, 10);
        bgp_raw_establish(&r, 1, 65021, 20);
        feed(&r, 0, 100, true);
        assert_true(bgp_peer_get(r.node.b, 1, &v));
        assert_int_equal(v.advertised, 100);
        assert_int_equal(r.node.sets, no_fib ? 0 : 100);
        feed(&r, 0, 100, false);
        assert_int_equal(r.node.dels, no_fib ? 0 : 100);
        assert_empty_rib(r.node.b);
        bgp_raw_fini(&r);
    }
}

struct reading {
    unsigned paused, resumed;
};

static void count_pauses(struct bgp_node *n, const struct bgp_action *a)
{
    struct reading *x = n->arg;

    x->paused += a->kind == BGP_ACT_PAUSE;
    x->resumed += a->kind == BGP_ACT_RESUME;
}

/* As much input at once; what was said of reading on until all of it was handled. */
static struct reading read_at_once(size_t len)
{
    static uint8_t all[256 * 1024];
    struct reading x = {0};
    struct kd_writer w;
    struct bgp_raw r;

    bgp_raw_init(&r, 65515, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_establish(&r, 0, 65020, 10);
    r.node.act = count_pauses;
    r.node.arg = &x;
    kd_writer_init(&w, all, len);
    while (w.pos + BGP_HEADER_LEN <= len)
        bgp_keepalive_put(&w);
    bgp_raw_send(&r, 0, all, w.pos);
    assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
    bgp_raw_fini(&r);
    return x;
}

static void a_backlog_stops_the_reading_until_it_is_handled(void **state)
{
    struct reading much = read_at_once(BGP_INPUT_PAUSE + 30000);
    struct reading little = read_at_once(BGP_INPUT_PAUSE / 2);

    (void)state;
    assert_int_equal(much.paused, 1);
    assert_int_equal(much.resumed, 1);
    assert_int_equal(little.paused, 0);
    assert_int_equal(little.resumed, 0);
}

/* A shell that doesn't wait for `more`: nothing is lost, nothing grows, and a peer whose messages
 * we haven't read yet isn't called silent. */
static void a_backlog_of_input_is_bounded_and_keeps_the_session(void **state)
{
    static uint8_t one[BGP_HEADER_LEN + 4096], all[800 * 1024];
    struct bgp_raw_update u = {.nexthop = "192.0.2.10", .as_path = {65020}, .n_as = 1};
    struct bgp_event ev = {.kind = BGP_EV_TCP_BYTES};
    struct bgp_peer_view v;
    struct bgp_raw r;
    struct kd_writer w;
    size_t len = 0, most = 0;
    uint32_t n = 0;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    r.node.fib_off = true;
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_establish(&r, 0, 65020, 10);
    while (len < sizeof(all) - sizeof(one)) {
        size_t start;
        kd_writer_init(&w, one, sizeof(one));
        start = bgp_frame_begin(&w, BGP_MSG_UPDATE);
        w.pos += bgp_raw_build(&u, one + w.pos, sizeof(one) - w.pos);
        for (int i = 0; i < 200; i++, n++) {
            kd_put_u8(&w, 24);
            kd_put_u24(&w, 0x0a0000 + n);
        }
        bgp_frame_end(&w, start);
        memcpy(all + len, one, w.pos);
        len += w.pos;
    }
    ev.conn = r.conn[0].h;
    ev.now_us = r.now_us;
    for (size_t at = 0; at < len; at += ev.data.len) {
        ev.data = kd_bytes(all + at, KD_MIN(len - at, (size_t)60000));
        bgp_step(r.node.b, &ev, r.node.out); /* actions are dropped: only the input matters here */
        most = KD_MAX(most, (size_t)bgp_peer_by_id(r.node.b, 0)->out->in_cap);
    }
    assert_in_range(most, 100000, 2 * BGP_INPUT_MAX);
    assert_true(r.node.out->more);
    ev = (struct bgp_event){.kind = BGP_EV_WAKE, .now_us = r.now_us + KD_S(200)};
    bgp_step(r.node.b, &ev, r.node.out);
    while (r.node.out->more)
        bgp_step(r.node.b, &ev, r.node.out);
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.state, BGP_ESTABLISHED);
    assert_int_equal(v.received, n);
    bgp_raw_fini(&r);
}

static void routes_withdrawn_during_a_reevaluation_are_skipped(void **state)
{
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_event ev = {.kind = BGP_EV_WAKE};
    struct bgp_peer_view v;
    struct bgp_raw r;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    r.node.fib_off = true;
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
    bgp_raw_establish(&r, 0, 65020, 10);
    bgp_raw_establish(&r, 1, 65021, 20);
    feed(&r, 0, 3000, true);
    bgp_test_import(c)->entry[0].set_local_pref = true;
    bgp_test_import(c)->entry[0].local_pref = 200;
    bgp_raw_peer(&r, 0, c);
    ev.now_us = r.now_us;
    bgp_step(r.node.b, &ev, r.node.out); /* not done with all of them */
    assert_int_not_equal(bgp_peer_by_id(r.node.b, 0)->family[0].soft, 0);
    feed(&r, 1000, 1000, false); /* where it stands */
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.received, 2000);
    assert_int_equal(v.accepted, 2000);
    feed(&r, 0, 3000, false);
    assert_empty_rib(r.node.b);
    bgp_raw_fini(&r);
}

static void a_slow_peer_isnt_written_to_without_bound(void **state)
{
    struct bgp_raw r;
    struct bgp_peer_view v;
    size_t stuck;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    r.node.fib_off = true;
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
    bgp_raw_establish(&r, 0, 65020, 10);
    feed(&r, 0, 150000, true); /* about 800 KB of UPDATEs for peer 1, which comes now */
    bgp_raw_establish(&r, 1, 65021, 20);
    stuck = r.conn[1].sent_len;
    assert_in_range(stuck, 256 * 1024, 256 * 1024 + 8192);
    assert_false(r.node.out->more); /* and nothing spins meanwhile */
    while (r.conn[1].sent_len) {
        uint32_t n = (uint32_t)KD_MIN(r.conn[1].sent_len, 50000);
        r.conn[1].sent_len = r.conn[1].sent_len - n;
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_TCP_SENT, .conn = r.conn[1].h, .n = n});
    }
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, 150000);
    for (uint32_t i = 0; i < 2; i++)
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = i});
    assert_empty_rib(r.node.b);
    bgp_raw_fini(&r);
}

static bool in_order(void *arg, const struct bgp_route_view *r)
{
    struct bgp_route_view *last = arg;
    int c = kd_prefix_cmp(&last->prefix, &r->prefix);

    assert_true(last->prefix.addr.family == 0 || c < 0 || (c == 0 && last->peer < r->peer));
    *last = *r;
    return true;
}

static void views_come_in_key_order(void **state)
{
    static const char *const list[] = {
        "10.9.0.0/16", "10.1.0.0/24",   "10.1.0.0/16", "192.168.0.0/24",
        "0.0.0.0/0",   "10.1.128.0/17", NULL};
    struct choice x;
    struct bgp_route_view last = {0};

    (void)state;
    choice_init(&x, 65020, 65021, false);
    for (int i = 0; i < 2; i++) {
        memcpy(x.u[i].prefix, list, sizeof(list));
        bgp_raw_update(&x.r, !i, &x.u[!i]);
        bgp_raw_update(&x.r, i, &x.u[i]);
    }
    bgp_rib_walk(x.r.node.b, BGP_VIEW_LEARNED, UINT32_MAX, in_order, &last);
    assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, UINT32_MAX, NULL, 0), 12);
    assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, 1, NULL, 0), 6);
    bgp_raw_fini(&x.r);
}

static void actions_and_events_have_an_encoding(void **state)
{
    struct bgp_event ev = {.kind = BGP_EV_NEXTHOP,
                           .now_us = 5,
                           .table = 7,
                           .iface = 3,
                           .up = true,
                           .metric = 9,
                           .nexthop = bgp_test_addr("192.0.2.10")},
                     back;
    uint8_t buf[4096];
    struct kd_writer w;
    struct kd_reader r;
    char text[256];

    (void)state;
    for (unsigned k = BGP_EV_WAKE; k <= BGP_EV_REFRESH; k++)
        assert_non_null(kd_schema_record(&bgp_event_schema, (uint16_t)k));
    for (unsigned k = BGP_ACT_CONNECT; k <= BGP_ACT_NOTE; k++)
        assert_non_null(kd_schema_record(&bgp_action_schema, (uint16_t)k));
    kd_writer_init(&w, buf, sizeof(buf));
    kd_schema_encode(&bgp_event_schema, &ev, kd_bytes(NULL, 0), &w);
    kd_reader_init(&r, kd_written(&w));
    assert_true(kd_schema_decode(&bgp_event_schema, &r, &back, sizeof(back)));
    assert_memory_equal(&ev, &back, sizeof(ev));
    kd_schema_text(&bgp_event_schema, &ev, kd_bytes(NULL, 0), text, sizeof(text));
    assert_string_equal(text, "nexthop now_us=5 table=7 nexthop=192.0.2.10 iface=3 up=1 metric=9");
}

static void peers_come_and_go_without_leaving_anything(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    choice_made(&x, false);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 0});
    bgp_peer_del(x.r.node.b, 0);
    bgp_peer_del(x.r.node.b, 0);
    assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, UINT32_MAX, NULL, 0), 1);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 1});
    bgp_peer_del(x.r.node.b, 1);
    assert_int_equal(x.r.node.fib_n, 0);
    assert_int_equal(x.r.node.watches, 0);
    assert_empty_rib(x.r.node.b);
    assert_int_equal(x.r.node.b->conns.n_live, 0);
    bgp_raw_peer(&x.r, 5, bgp_test_config("192.0.2.20", 65021));
    bgp_raw_establish(&x.r, 5, 65021, 20);
    bgp_raw_update(&x.r, 5, &x.u[1]);
    assert_int_equal(x.r.node.fib_n, 1);
    assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, 5);
    bgp_raw_fini(&x.r);
}

static void pathsets_that_dont_parse_are_refused(void **state)
{
    static const uint8_t good[] = {1, 0, 4, 10, 0, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff};
    struct bgp_pathset s;
    uint8_t bad[sizeof(good) + 1];

    (void)state;
    assert_true(bgp_paths_parse(kd_bytes(good, sizeof(good)), &s));
    assert_int_equal(s.best[0].peer, 7);
    assert_int_equal(s.best[0].iface, BGP_NO_IFACE);
    for (size_t i = 0; i < sizeof(good); i++)
        assert_false(bgp_paths_parse(kd_bytes(good, i), &s));
    memcpy(bad, good, sizeof(good));
    bad[sizeof(good)] = 0;
    assert_false(bgp_paths_parse(kd_bytes(bad, sizeof(bad)), &s));
    bad[0] = 9; /* more than BGP_ECMP_MAX */
    assert_false(bgp_paths_parse(kd_bytes(bad, sizeof(good)), &s));
    memcpy(bad, good, sizeof(good));
    bad[2] = 5;
    assert_false(bgp_paths_parse(kd_bytes(bad, sizeof(good)), &s));
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
        cmocka_unit_test(withdrawn_when_peer_off_in_the_same_step),
        cmocka_unit_test(the_cease_names_the_cause),
        cmocka_unit_test(a_shutdown_says_why_in_the_operators_words),
        cmocka_unit_test(a_switched_on_peer_connects_at_once_again),
        cmocka_unit_test(ebgp_without_policy_exchanges_nothing),
        cmocka_unit_test(ibgp_needs_no_policy_and_keeps_the_path),
        cmocka_unit_test(policies_set_and_filter),
        cmocka_unit_test(a_changed_policy_needs_no_new_session),
        cmocka_unit_test(tunnel_peer_refuses_connection_from_other_interface),
        cmocka_unit_test(ttl_security_goes_with_the_connection),
        cmocka_unit_test(a_connect_over_a_tunnel_is_bound_to_it),
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
        cmocka_unit_test(as_loop_is_refused),
        cmocka_unit_test(a_route_that_was_ours_comes_back_from_no_reflector),
        cmocka_unit_test(transit_between_external_peers_prepends_and_sets_next_hop_self),
        cmocka_unit_test(a_peer_isnt_offered_its_own_as),
        cmocka_unit_test(ibgp_routes_arent_reflected),
        cmocka_unit_test(next_hop_self_holds_on_ibgp_where_asked_for),
        cmocka_unit_test(local_pref_stays_inside_the_as),
        cmocka_unit_test(well_known_communities_are_obeyed),
        cmocka_unit_test(extended_messages_go_where_they_were_offered),
        cmocka_unit_test(an_extended_open_or_keepalive_is_refused_all_the_same),
        cmocka_unit_test(a_refresh_is_told_between_its_beginning_and_its_end),
        cmocka_unit_test(what_a_refresh_leaves_out_is_gone_at_its_end),
        cmocka_unit_test(a_refresh_mark_of_wrong_length_ends_the_session),
        cmocka_unit_test(route_refresh_tells_everything_again),
        cmocka_unit_test(nothing_is_repeated_that_was_told),
        cmocka_unit_test(malformed_attribute_is_treated_as_withdraw_not_reset),
        cmocka_unit_test(error_notes_are_limited),
        cmocka_unit_test(a_reset_takes_the_routes_and_is_held_off_with_growing_pauses),
        cmocka_unit_test(messages_out_of_place_are_fsm_errors),
        cmocka_unit_test(an_open_of_the_wrong_peer_is_refused),
        cmocka_unit_test(too_many_prefixes_end_the_session),
        cmocka_unit_test(our_own_routes_coming_back_dont_count_as_prefixes),
        cmocka_unit_test(what_counts_as_a_prefix_follows_the_route),
        cmocka_unit_test(a_limit_of_prefixes_is_told_of_from_80_percent_on),
        cmocka_unit_test(a_peer_with_too_many_prefixes_is_held_off_longer_each_time),
        cmocka_unit_test(the_peers_notification_is_told_in_its_words),
        cmocka_unit_test(bfd_down_stops_the_session_in_the_same_step),
        cmocka_unit_test(unusable_next_hops_and_prefixes_are_ignored),
        cmocka_unit_test(four_octet_as_with_two_octet_peer),
        cmocka_unit_test(ipv6_over_mp),
        cmocka_unit_test(same_seed_same_trace),
        cmocka_unit_test(a_hundred_thousand_routes_fit_in_100_bytes_each),
        cmocka_unit_test(a_speaker_without_a_fib_tells_its_peers_and_nobody_else),
        cmocka_unit_test(a_backlog_stops_the_reading_until_it_is_handled),
        cmocka_unit_test(a_backlog_of_input_is_bounded_and_keeps_the_session),
        cmocka_unit_test(routes_withdrawn_during_a_reevaluation_are_skipped),
        cmocka_unit_test(a_slow_peer_isnt_written_to_without_bound),
        cmocka_unit_test(views_come_in_key_order),
        cmocka_unit_test(actions_and_events_have_an_encoding),
        cmocka_unit_test(peers_come_and_go_without_leaving_anything),
        cmocka_unit_test(pathsets_that_dont_parse_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
