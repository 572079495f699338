/* RFC 4724 by its claims: what outlasts a neighbor's restart, and for how long; what it is told
 * after ours, and when. One engine, its neighbors played by the test, virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp_pair.h"

#define A "10.1.0.0/16"
#define B "10.2.0.0/16"

static struct bgp_peer_config *config_of(uint32_t peer)
{
    struct bgp_peer_config *c = bgp_test_config(peer ? "192.0.2.20" : "192.0.2.10", 65020 + peer);

    c->graceful_restart = peer == 0;
    return c;
}

static struct bgp_open open_with(uint32_t peer, uint16_t time)
{
    struct bgp_peer_config c = {.asn = 65020 + peer};
    struct bgp_open o = bgp_raw_open(&c, 10 + peer);

    o.graceful = true;
    o.graceful_flags_time = time;
    o.graceful_family[0] = o.graceful_forwarding[0] = true;
    return o;
}

static void tell(struct bgp_raw *r, uint32_t peer, const char *prefix)
{
    struct bgp_raw_update u = {.prefix = {prefix},
                               .nexthop = peer ? "192.0.2.20" : "192.0.2.10",
                               .as_path = {65020 + peer, 64700},
                               .n_as = 2};

    bgp_raw_update(r, peer, &u);
}

static void establish(struct bgp_raw *r, uint32_t peer, const struct bgp_open *o)
{
    bgp_raw_send_open(r, peer, o);
    bgp_raw_message(r, peer, BGP_MSG_KEEPALIVE, NULL, 0);
    assert_int_equal(bgp_node_state(&r->node, peer), BGP_ESTABLISHED);
}

/* Neighbor 0, Established with o and c, has told A and B. */
static void start_with(struct bgp_raw *r, struct bgp_peer_config *c, const struct bgp_open *o)
{
    bgp_raw_init(r, 65515, 1, false);
    bgp_raw_peer(r, 0, c);
    bgp_raw_connect(r, 0);
    establish(r, 0, o);
    tell(r, 0, A);
    tell(r, 0, B);
    assert_int_equal(r->node.fib_n, 2);
}

static void start(struct bgp_raw *r, uint16_t time)
{
    struct bgp_open o = open_with(0, time);

    start_with(r, config_of(0), &o);
}

static void tcp_ends(struct bgp_raw *r)
{
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_CLOSED, .conn = r->conn[0].h});
    assert_int_equal(bgp_node_state(&r->node, 0), BGP_ACTIVE);
}

static void comes_back(struct bgp_raw *r, const struct bgp_open *o)
{
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_INCOMING,
                                        .token = 7,
                                        .local = bgp_test_addr("192.0.2.1"),
                                        .remote = bgp_test_addr("192.0.2.10"),
                                        .iface = BGP_NO_IFACE});
    establish(r, 0, o);
}

static void end_of_rib(struct bgp_raw *r)
{
    bgp_raw_message(r, 0, BGP_MSG_UPDATE, (uint8_t[4]){0}, 4);
}

static bool has(const struct bgp_raw *r, const char *prefix)
{
    return bgp_node_fib(&r->node, prefix) != NULL;
}

static bool is_stale(const struct bgp_raw *r, const char *prefix)
{
    struct bgp_route_view v;

    assert_true(bgp_node_route(&r->node, BGP_VIEW_LEARNED, 0, prefix, &v));
    return v.stale;
}

static void routes_outlast_a_restart_and_go_unless_told_again(void **state)
{
    struct bgp_open o = open_with(0, 0x8078);
    struct bgp_peer_view v;
    struct bgp_raw r;

    (void)state;
    start(&r, 120);
    assert_false(is_stale(&r, A));
    tcp_ends(&r);
    assert_string_equal(bgp_node_note(&r.node, 0, BGP_NOTE_STOP)->text,
                        "connection closed: routes kept for 120 s (RFC 4724)");
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.accepted, 2);
    assert_int_equal(bgp_node_routes(&r.node, BGP_VIEW_LEARNED, 0, NULL, 0), 2);
    assert_true(is_stale(&r, A) && is_stale(&r, B));
    bgp_raw_pass(&r, KD_S(119));
    comes_back(&r, &o);
    tell(&r, 0, A);
    assert_true(!is_stale(&r, A) && is_stale(&r, B));
    bgp_raw_pass(&r, KD_S(60)); /* beyond the restart time: End-of-RIB is waited for */
    assert_int_equal(r.node.fib_n, 2);
    assert_int_equal(r.node.dels, 0);
    end_of_rib(&r);
    assert_true(has(&r, A));
    assert_false(has(&r, B));
    assert_int_equal(r.node.dels, 1);
    assert_int_equal(r.node.sets, 2); /* neither was touched meanwhile */
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.accepted, 1);
    bgp_raw_fini(&r);
}

static void routes_are_kept_for_the_restart_time_and_no_longer(void **state)
{
    static const uint16_t times[] = {0, 1, 120, 4095};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(times); i++) {
        struct bgp_raw r;
        start(&r, times[i] | 0x8000); /* the R bit is no part of the time */
        tcp_ends(&r);
        if (times[i]) {
            bgp_raw_pass(&r, KD_S(times[i]) - 1);
            assert_int_equal(r.node.fib_n, 2);
            bgp_raw_pass(&r, 1);
        }
        assert_int_equal(r.node.fib_n, 0);
        assert_int_equal(bgp_node_routes(&r.node, BGP_VIEW_LEARNED, 0, NULL, 0), 0);
        bgp_raw_fini(&r);
    }
}

static void without_an_end_of_rib_the_rest_goes_after_six_minutes(void **state)
{
    struct bgp_open o = open_with(0, 120);
    struct bgp_raw r;

    (void)state;
    o.hold_s = 0;
    start_with(&r, config_of(0), &o);
    tcp_ends(&r);
    comes_back(&r, &o);
    tell(&r, 0, A);
    bgp_raw_pass(&r, KD_S(360) - 1);
    assert_true(has(&r, B));
    bgp_raw_pass(&r, 1);
    assert_false(has(&r, B));
    assert_true(has(&r, A));
    bgp_raw_fini(&r);
}

static void what_was_stale_is_not_kept_through_a_second_restart(void **state)
{
    struct bgp_open o = open_with(0, 120);
    struct bgp_raw r;

    (void)state;
    start(&r, 120);
    tcp_ends(&r);
    comes_back(&r, &o);
    tell(&r, 0, A);
    tcp_ends(&r);
    assert_true(has(&r, A));
    assert_false(has(&r, B));
    comes_back(&r, &o);
    end_of_rib(&r);
    assert_false(has(&r, A));
    bgp_raw_fini(&r);
}

static void a_neighbor_back_without_its_forwarding_loses_its_routes_at_once(void **state)
{
    struct bgp_open back[3] = {open_with(0, 120), open_with(0, 120), open_with(0, 120)};

    (void)state;
    back[0].graceful = false;
    back[1].graceful_family[0] = back[1].graceful_forwarding[0] = false;
    back[2].graceful_forwarding[0] = false;
    for (size_t i = 0; i < KD_ARRAY_LEN(back); i++) {
        struct bgp_raw r;
        start(&r, 120);
        tcp_ends(&r);
        assert_int_equal(r.node.fib_n, 2);
        comes_back(&r, &back[i]);
        assert_int_equal(r.node.fib_n, 0);
        tell(&r, 0, A);
        end_of_rib(&r);
        assert_true(has(&r, A));
        bgp_raw_fini(&r);
    }
}

static void a_family_gone_from_the_new_session_takes_its_routes_along(void **state)
{
    struct bgp_open o = open_with(0, 120);
    struct bgp_raw r;

    (void)state;
    start(&r, 120);
    tcp_ends(&r);
    o.mp_ipv4 = false;
    comes_back(&r, &o);
    assert_int_equal(r.node.fib_n, 0);
    bgp_raw_fini(&r);
}

/* ---- what is not kept ---- */

static void notified(struct bgp_raw *r)
{
    bgp_raw_message(r, 0, BGP_MSG_NOTIFICATION, (uint8_t[]){6, 4}, 2);
}

static void held_too_long(struct bgp_raw *r)
{
    bgp_raw_pass(r, KD_S(181));
    assert_true(bgp_raw_notified(r, 0, 4, 0));
}

static void bad_message(struct bgp_raw *r)
{
    bgp_raw_message(r, 0, BGP_MSG_KEEPALIVE, "x", 1);
}

static void bfd_down(struct bgp_raw *r)
{
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_BFD, .peer = 0});
}

static void switched_off(struct bgp_raw *r)
{
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .reason = KD_REASON_ADMIN});
}

static void too_many(struct bgp_raw *r)
{
    tell(r, 0, "10.3.0.0/16");
    tell(r, 0, "10.4.0.0/16");
}

static void bfd_down_after(struct bgp_raw *r)
{
    tcp_ends(r);
    assert_int_equal(r->node.fib_n, 2);
    bfd_down(r);
}

static void switched_off_after(struct bgp_raw *r)
{
    tcp_ends(r);
    assert_int_equal(r->node.fib_n, 2);
    switched_off(r);
}

static void next_hop_lost_after(struct bgp_raw *r)
{
    tcp_ends(r);
    assert_int_equal(r->node.fib_n, 2);
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_NEXTHOP,
                                        .iface = BGP_NO_IFACE,
                                        .nexthop = bgp_test_addr("192.0.2.10")});
}

static void any_other_end_of_the_session_takes_the_routes_along(void **state)
{
    static void (*const ends[])(struct bgp_raw * r) = {
        notified, held_too_long,  bad_message,        bfd_down,           switched_off,
        too_many, bfd_down_after, switched_off_after, next_hop_lost_after};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(ends); i++) {
        struct bgp_peer_config *c = config_of(0);
        struct bgp_open o = open_with(0, 4095);
        struct bgp_raw r;
        c->prefixes_max = 3;
        start_with(&r, c, &o);
        ends[i](&r);
        assert_int_equal(r.node.fib_n, 0);
        bgp_raw_fini(&r);
    }
}

/* The nearest to a kept one, each: not configured, over a tunnel, not offered, no family named. */
static void routes_are_kept_only_where_both_ends_say_so_and_no_tunnel_is_between(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct bgp_peer_config *c = config_of(0);
        struct bgp_open o = open_with(0, 120);
        struct bgp_raw r;
        c->graceful_restart = i != 1;
        c->iface = i == 2 ? 5 : BGP_NO_IFACE;
        o.graceful = i != 3;
        o.graceful_family[0] = i != 4;
        start_with(&r, c, &o);
        tcp_ends(&r);
        assert_int_equal(r.node.fib_n, i == 0 ? 2 : 0);
        bgp_raw_fini(&r);
    }
}

/* 3: no family of ours; and nothing at all where it isn't configured. */
static void our_open_offers_to_keep_and_asks_for_nothing(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct bgp_peer_config *c = config_of(0);
        struct bgp_open o = open_with(0, 120), ours;
        struct bgp_error e;
        struct bgp_raw r;
        c->graceful_restart = on;
        start_with(&r, c, &o);
        assert_true(bgp_open_parse(bgp_raw_last(&r, 0, BGP_MSG_OPEN), &ours, &e));
        assert_int_equal(ours.graceful, on);
        assert_int_equal(ours.graceful_flags_time, 0);
        assert_false(ours.graceful_family[0] || ours.graceful_family[1]);
        bgp_raw_fini(&r);
    }
}

/* ---- while they are stale ---- */

/* 4.2: no difference is made in forwarding; the decision goes on among all. */
static void a_stale_route_carries_until_a_better_one_comes(void **state)
{
    struct bgp_raw_update shorter = {
        .prefix = {B}, .nexthop = "192.0.2.20", .as_path = {65021}, .n_as = 1};
    struct bgp_open o = open_with(1, 120);
    struct bgp_raw r;

    (void)state;
    start(&r, 120);
    bgp_raw_peer(&r, 1, config_of(1));
    bgp_raw_connect(&r, 1);
    establish(&r, 1, &o);
    tcp_ends(&r);
    tell(&r, 1, A); /* equal but for the identifier */
    bgp_raw_update(&r, 1, &shorter);
    assert_int_equal(bgp_node_fib(&r.node, A)->paths.best[0].peer, 0);
    assert_int_equal(bgp_node_fib(&r.node, B)->paths.best[0].peer, 1);
    bgp_raw_pass(&r, KD_S(120));
    assert_int_equal(bgp_node_fib(&r.node, A)->paths.best[0].peer, 1);
    assert_int_equal(r.node.dels, 0);
    bgp_raw_fini(&r);
}

static void another_policy_holds_for_stale_routes_too(void **state)
{
    struct bgp_peer_config *c = config_of(0);
    struct bgp_raw r;

    (void)state;
    start(&r, 120);
    tcp_ends(&r);
    bgp_test_policies(c, false, true); /* eBGP without import: nothing */
    bgp_raw_peer(&r, 0, c);
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_WAKE});
    assert_int_equal(r.node.fib_n, 0);
    bgp_raw_fini(&r);
}

static void a_neighbor_deleted_while_its_routes_are_stale_leaves_nothing(void **state)
{
    struct bgp_raw r;

    (void)state;
    start(&r, 120);
    tcp_ends(&r);
    switched_off(&r);
    bgp_peer_del(r.node.b, 0);
    bgp_raw_pass(&r, KD_S(500));
    assert_int_equal(r.node.fib_n, 0);
    bgp_raw_fini(&r);
}

/* 5: the neighbor restarted and its end of the old connection is gone, but nobody said so. */
static void a_new_connection_ends_the_old_session_and_its_routes_stay(void **state)
{
    struct bgp_open o = open_with(0, 0x8078);
    struct bgp_raw r;

    (void)state;
    start(&r, 120);
    bgp_raw_pass(&r, KD_S(3));
    comes_back(&r, &o);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_NOTIFICATION), 0); /* 4.2: "simply closed" */
    assert_int_equal(r.closed, 1);
    assert_string_equal(bgp_node_note(&r.node, 0, BGP_NOTE_STOP)->text,
                        "neighbor opens anew: routes kept for 120 s (RFC 4724)");
    assert_int_equal(bgp_node_note(&r.node, 0, BGP_NOTE_STOP)->reason, KD_REASON_PEER_RESTARTED);
    tell(&r, 0, A);
    assert_int_equal(r.node.fib_n, 2);
    end_of_rib(&r);
    assert_true(has(&r, A));
    assert_false(has(&r, B));
    assert_int_equal(r.node.sets, 2);
    bgp_raw_fini(&r);
}

static void a_new_connection_ends_no_session_that_is_young_or_keeps_nothing(void **state)
{
    (void)state;
    for (int why = 0; why < 3; why++) { /* young, nothing configured, no family named */
        struct bgp_peer_config *c = config_of(0);
        struct bgp_open o = open_with(0, 120);
        struct bgp_raw r;
        c->graceful_restart = why != 1;
        o.graceful_family[0] = why != 2;
        start_with(&r, c, &o);
        bgp_raw_pass(&r, why ? KD_S(60) : KD_S(3) - 1);
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_TCP_INCOMING,
                                             .token = 7,
                                             .local = bgp_test_addr("192.0.2.1"),
                                             .remote = bgp_test_addr("192.0.2.10"),
                                             .iface = BGP_NO_IFACE});
        assert_true(bgp_raw_notified(&r, 0, 6, 7));
        assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        assert_null(bgp_node_note(&r.node, 0, BGP_NOTE_STOP));
        bgp_raw_fini(&r);
    }
}

/* ---- when we restart ---- */

static struct bgp_peer_config *preserving(void)
{
    struct bgp_peer_config *c = config_of(0);

    c->graceful_restart = BGP_GRACEFUL_PRESERVE;
    c->hold_s = 90;
    return c;
}

static struct bgp_open our_open(const struct bgp_raw *r, uint32_t peer)
{
    struct bgp_open o;
    struct bgp_error e;

    assert_true(bgp_open_parse(bgp_raw_last(r, peer, BGP_MSG_OPEN), &o, &e));
    return o;
}

static void end_of_rib_in_both(struct bgp_raw *r, uint32_t peer)
{
    static const uint8_t ipv6[] = {0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1};

    bgp_raw_message(r, peer, BGP_MSG_UPDATE, (uint8_t[4]){0}, 4);
    bgp_raw_message(r, peer, BGP_MSG_UPDATE, ipv6, sizeof(ipv6));
}

/* Two neighbors, the first to preserve; both Established, the second one with `second`. */
static void start_restarted(struct bgp_raw *r, const struct bgp_open *second)
{
    struct bgp_open o = open_with(0, 120);

    bgp_raw_init(r, 65515, 1, false);
    bgp_raw_peer(r, 0, preserving());
    bgp_raw_peer(r, 1, config_of(1));
    bgp_node_local(&r->node, "10.9.0.0/16", true, r->now_us);
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_RESTARTED, .in = true});
    bgp_raw_connect(r, 0);
    bgp_raw_connect(r, 1);
    establish(r, 0, &o);
    establish(r, 1, second);
}

static unsigned updates(const struct bgp_raw *r, uint32_t peer)
{
    return bgp_raw_count(r, peer, BGP_MSG_UPDATE);
}

/* 3: R while it lasts, F where the kernel still forwarded; the time is the hold time (4). */
static void our_open_asks_to_preserve_and_says_what_was(void **state)
{
    struct bgp_open o = open_with(1, 120), ours;
    struct bgp_raw r;

    (void)state;
    start_restarted(&r, &o);
    ours = our_open(&r, 0);
    assert_true(ours.graceful && ours.graceful_family[0] && ours.graceful_family[1]);
    assert_int_equal(ours.graceful_flags_time, 0x8000 | 90);
    assert_true(ours.graceful_forwarding[0]);
    assert_false(ours.graceful_forwarding[1]);
    assert_false(our_open(&r, 1).graceful);
    end_of_rib_in_both(&r, 0);
    end_of_rib_in_both(&r, 1);
    tcp_ends(&r); /* of this life: nothing has stopped forwarding since */
    bgp_raw_connect(&r, 0);
    bgp_raw_pass(&r, KD_S(6));
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_TCP_OPENED, .conn = r.conn[0].h});
    ours = our_open(&r, 0);
    assert_int_equal(ours.graceful_flags_time, 90);
    assert_true(ours.graceful_forwarding[0] && ours.graceful_forwarding[1]);
    bgp_raw_fini(&r);
}

/* A first life says neither R nor F: what the neighbor keeps of somebody else goes. */
static void a_first_start_claims_no_forwarding(void **state)
{
    struct bgp_open o = open_with(0, 120), ours;
    struct bgp_raw r;

    (void)state;
    start_with(&r, preserving(), &o);
    ours = our_open(&r, 0);
    assert_int_equal(ours.graceful_flags_time, 90);
    assert_true(ours.graceful_family[0] && ours.graceful_family[1]);
    assert_false(ours.graceful_forwarding[0] || ours.graceful_forwarding[1]);
    assert_int_equal(updates(&r, 0), 2); /* both End-of-RIBs, at once */
    bgp_raw_fini(&r);
}

/* 4.1: neither a route nor End-of-RIB before all have told; the others are told at once. */
static void who_preserves_ours_is_told_when_all_have_told_us(void **state)
{
    struct bgp_open o = open_with(1, 120);
    struct bgp_raw r;

    (void)state;
    start_restarted(&r, &o);
    assert_int_equal(updates(&r, 0), 0);
    assert_int_equal(updates(&r, 1), 3); /* the local route, two End-of-RIBs */
    end_of_rib_in_both(&r, 0);
    bgp_raw_pass(&r, KD_S(20));
    assert_int_equal(updates(&r, 0), 0);
    end_of_rib_in_both(&r, 1);
    assert_int_equal(updates(&r, 0), 3);
    bgp_raw_fini(&r);
}

static void who_says_no_end_of_rib_or_restarts_too_is_not_waited_for(void **state)
{
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        struct bgp_open o = open_with(1, 0x8078);
        struct bgp_raw r;
        o.graceful = restarts;
        start_restarted(&r, &o);
        assert_int_equal(updates(&r, 0), 0);
        end_of_rib_in_both(&r, 0);
        assert_int_equal(updates(&r, 0), 3);
        bgp_raw_fini(&r);
    }
}

static void nobody_is_waited_for_longer_than_half_a_minute(void **state)
{
    struct bgp_open o = open_with(1, 120);
    struct bgp_raw r;

    (void)state;
    start_restarted(&r, &o);
    bgp_raw_pass(&r, KD_S(30) - 1);
    assert_int_equal(updates(&r, 0), 0);
    bgp_raw_pass(&r, 1);
    assert_int_equal(updates(&r, 0), 3);
    bgp_raw_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_outlast_a_restart_and_go_unless_told_again),
        cmocka_unit_test(routes_are_kept_for_the_restart_time_and_no_longer),
        cmocka_unit_test(without_an_end_of_rib_the_rest_goes_after_six_minutes),
        cmocka_unit_test(what_was_stale_is_not_kept_through_a_second_restart),
        cmocka_unit_test(a_neighbor_back_without_its_forwarding_loses_its_routes_at_once),
        cmocka_unit_test(a_family_gone_from_the_new_session_takes_its_routes_along),
        cmocka_unit_test(any_other_end_of_the_session_takes_the_routes_along),
        cmocka_unit_test(routes_are_kept_only_where_both_ends_say_so_and_no_tunnel_is_between),
        cmocka_unit_test(our_open_offers_to_keep_and_asks_for_nothing),
        cmocka_unit_test(a_stale_route_carries_until_a_better_one_comes),
        cmocka_unit_test(another_policy_holds_for_stale_routes_too),
        cmocka_unit_test(a_neighbor_deleted_while_its_routes_are_stale_leaves_nothing),
        cmocka_unit_test(a_new_connection_ends_the_old_session_and_its_routes_stay),
        cmocka_unit_test(a_new_connection_ends_no_session_that_is_young_or_keeps_nothing),
        cmocka_unit_test(our_open_asks_to_preserve_and_says_what_was),
        cmocka_unit_test(a_first_start_claims_no_forwarding),
        cmocka_unit_test(who_preserves_ours_is_told_when_all_have_told_us),
        cmocka_unit_test(who_says_no_end_of_rib_or_restarts_too_is_not_waited_for),
        cmocka_unit_test(nobody_is_waited_for_longer_than_half_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
