/* Connection collision by its claims, RFC 4271 6.8: which of two connections stays, what the other
 * is told, and what a new one means to a session that stands. Two engines over a pretend TCP, or
 * one whose neighbor the test plays; every order of events is test_bgp_collide_all.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp_pair.h"

#include <stdio.h>

#define SEED 7001

/* ---- two engines ---- */

static void switch_on_both(struct bgp_net *net, struct bgp_node *a, struct bgp_node *b)
{
    assert_true(bgp_test_set(a->b, 0, bgp_test_config("10.0.0.2", 65020)));
    assert_true(bgp_test_set(b->b, 0, bgp_test_config("10.0.0.1", 65515)));
    bgp_net_on(net, a, 0);
    bgp_net_on(net, b, 0);
}

/* Whichever stands, both ends mean the same one, it stays, and none has stood before. */
static void both_call_at_once_and_one_session_stands(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct bgp_net *net = bgp_net_new(SEED + i);
        struct bgp_node *a = bgp_net_add(net, 65515, i % 2 ? 9 : 1, false);
        struct bgp_node *b = bgp_net_add(net, 65020, 5, false);
        bgp_net_link(net, a, "10.0.0.1", BGP_NO_IFACE, b, "10.0.0.2", BGP_NO_IFACE);
        switch_on_both(net, a, b);
        bgp_net_run(net, KD_S(1));
        assert_int_equal(bgp_node_state(a, 0), BGP_ESTABLISHED);
        assert_int_equal(bgp_node_state(b, 0), BGP_ESTABLISHED);
        assert_int_equal(bgp_net_connections(net), 1);
        bgp_net_run(net, KD_S(400));
        assert_int_equal(bgp_node_state(a, 0), BGP_ESTABLISHED);
        assert_int_equal(bgp_node_state(b, 0), BGP_ESTABLISHED);
        assert_null(bgp_node_note(a, 0, BGP_NOTE_STOP));
        assert_null(bgp_node_note(b, 0, BGP_NOTE_STOP));
        bgp_net_free(net);
    }
}

/* ---- one engine, whose neighbor the test plays ---- */

static const struct bgp_open theirs_open = {
    .asn = 65020, .hold_s = 180, .id = 50, .as4 = true, .mp_ipv4 = true};

static struct kd_handle incoming(struct bgp_raw *r)
{
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_INCOMING,
                                        .token = 7,
                                        .local = bgp_test_addr("192.0.2.1"),
                                        .remote = bgp_test_addr("192.0.2.10"),
                                        .iface = BGP_NO_IFACE});
    return r->conn[0].h;
}

static struct kd_handle start(struct bgp_raw *r, uint32_t router_id)
{
    bgp_raw_init(r, 65515, router_id, false);
    bgp_raw_peer(r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_connect(r, 0);
    return r->conn[0].h;
}

static void say_open(struct bgp_raw *r, struct kd_handle conn)
{
    r->conn[0].h = conn;
    bgp_raw_send_open(r, 0, &theirs_open);
}

static void say_keepalive(struct bgp_raw *r, struct kd_handle conn)
{
    r->conn[0].h = conn;
    bgp_raw_message(r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
}

static enum bgp_state state_of(const struct bgp_raw *r)
{
    return bgp_node_state(&r->node, 0);
}

/* OPENs are said on both; the first one that comes decides, on whichever it does. */
static void collision_closes_the_connection_of_the_lower_identifier(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool ours_higher = i / 2, on_ours = i % 2;
        struct bgp_raw r;
        struct kd_handle ours = start(&r, ours_higher ? 100 : 10), theirs = incoming(&r);
        assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_OPEN), 2);
        say_open(&r, on_ours ? ours : theirs);
        assert_int_equal(r.closed, 1);
        assert_true(bgp_raw_notified(&r, 0, 6, 7));
        if (on_ours != ours_higher)
            say_open(&r, ours_higher ? ours : theirs);
        assert_int_equal(state_of(&r), BGP_OPENCONFIRM);
        say_keepalive(&r, ours_higher ? ours : theirs);
        assert_int_equal(state_of(&r), BGP_ESTABLISHED);
        assert_int_equal(r.closed, 1);
        bgp_raw_fini(&r);
    }
}

/* Whatever the identifiers: what was promised by a KEEPALIVE isn't taken back. */
static void a_second_connection_waits_while_one_is_in_openconfirm(void **state)
{
    (void)state;
    for (int ours_higher = 0; ours_higher < 2; ours_higher++) {
        struct bgp_raw r;
        struct kd_handle ours = start(&r, ours_higher ? 100 : 10), theirs;
        say_open(&r, ours);
        theirs = incoming(&r);
        say_open(&r, theirs);
        assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_OPEN), 1);
        assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_KEEPALIVE), 1);
        assert_int_equal(state_of(&r), BGP_OPENCONFIRM);
        say_keepalive(&r, ours);
        assert_int_equal(state_of(&r), BGP_ESTABLISHED);
        assert_int_equal(r.closed, 1);
        assert_true(bgp_raw_notified(&r, 0, 6, 7));
        assert_null(bgp_node_note(&r.node, 0, BGP_NOTE_STOP));
        bgp_raw_fini(&r);
    }
}

static void what_waited_goes_on_when_the_first_one_ends(void **state)
{
    static const uint8_t collided[] = {6, 7};

    (void)state;
    for (int by_notification = 0; by_notification < 2; by_notification++) {
        struct bgp_raw r;
        struct kd_handle ours = start(&r, 10), theirs;
        say_open(&r, ours);
        theirs = incoming(&r);
        say_open(&r, theirs);
        r.conn[0].h = ours;
        if (by_notification)
            bgp_raw_message(&r, 0, BGP_MSG_NOTIFICATION, collided, sizeof(collided));
        else
            bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_TCP_CLOSED, .conn = ours});
        assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_OPEN), 2); /* and theirs was read */
        assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_KEEPALIVE), 2);
        say_keepalive(&r, theirs);
        assert_int_equal(state_of(&r), BGP_ESTABLISHED);
        bgp_raw_fini(&r);
    }
}

static void what_waits_is_an_open_and_no_more(void **state)
{
    static const uint8_t zeros[BGP_MESSAGE_MAX + 1];
    struct bgp_raw r;
    struct kd_handle ours = start(&r, 10), theirs;

    (void)state;
    say_open(&r, ours);
    theirs = incoming(&r);
    bgp_raw_send(&r, 0, zeros, BGP_MESSAGE_MAX);
    assert_int_equal(r.closed, 0);
    bgp_raw_send(&r, 0, zeros, 1);
    assert_int_equal(r.closed, 1);
    bgp_raw_send(&r, 0, zeros, 1); /* of a connection that is gone */
    say_keepalive(&r, ours);
    assert_int_equal(state_of(&r), BGP_ESTABLISHED);
    assert_false(kd_handle_eq(ours, theirs));
    bgp_raw_fini(&r);
}

/* Down to Idle at once, both of them. */
static void a_stop_ends_what_waits_too(void **state)
{
    struct bgp_raw r;

    (void)state;
    say_open(&r, start(&r, 10));
    incoming(&r);
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .reason = KD_REASON_ADMIN});
    assert_int_equal(r.closed, 2);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_OPEN), 1);
    assert_int_equal(state_of(&r), BGP_IDLE);
    bgp_raw_fini(&r);
}

/* A first connection that is in OpenSent is the call of somebody who has hung up since. */
static void who_calls_again_has_given_its_first_call_up(void **state)
{
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct kd_handle first, second;
    struct bgp_raw r;

    (void)state;
    c->passive = true;
    bgp_raw_init(&r, 65515, 100, false);
    bgp_raw_peer(&r, 0, c);
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_ON});
    first = incoming(&r);
    second = incoming(&r);
    assert_false(kd_handle_eq(first, second));
    assert_int_equal(r.closed, 1);
    assert_true(bgp_raw_notified(&r, 0, 6, 7));
    say_open(&r, second);
    assert_int_equal(state_of(&r), BGP_OPENCONFIRM);
    incoming(&r); /* this one isn't silent: it stays */
    assert_int_equal(r.refused, 1);
    assert_int_equal(state_of(&r), BGP_OPENCONFIRM);
    say_keepalive(&r, second);
    assert_int_equal(state_of(&r), BGP_ESTABLISHED);
    bgp_raw_fini(&r);
}

/* ---- while Established ---- */

/* 6.8: "causes closing of the newly created connection", whoever has the higher identifier. */
static void an_established_session_stays_and_a_new_connection_gets_cease_7(void **state)
{
    (void)state;
    for (int ours_higher = 0; ours_higher < 2; ours_higher++) {
        struct bgp_raw r;
        struct kd_handle ours = start(&r, ours_higher ? 100 : 10);
        say_open(&r, ours);
        say_keepalive(&r, ours);
        incoming(&r);
        assert_int_equal(r.closed, 1);
        assert_true(bgp_raw_notified(&r, 0, 6, 7));
        assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_OPEN), 1);
        say_keepalive(&r, ours);
        assert_int_equal(state_of(&r), BGP_ESTABLISHED);
        assert_null(bgp_node_note(&r.node, 0, BGP_NOTE_STOP));
        bgp_raw_fini(&r);
    }
}

/* A peer that restarted opens anew; what it forgot answers the KEEPALIVE with a reset. */
static void a_new_connection_while_established_asks_the_old_one(void **state)
{
    struct kd_handle ours;
    struct bgp_raw r;
    unsigned before;

    (void)state;
    ours = start(&r, 100);
    say_open(&r, ours);
    say_keepalive(&r, ours);
    before = bgp_raw_count(&r, 0, BGP_MSG_KEEPALIVE);
    incoming(&r);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_KEEPALIVE), before + 1);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_NOTIFICATION), 1);
    bgp_raw_pass(&r, KD_S(1) - 1);
    incoming(&r); /* a stranger sets no pace: closed without a word */
    assert_int_equal(r.refused, 1);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_KEEPALIVE), before + 1);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_NOTIFICATION), 1);
    bgp_raw_pass(&r, 1);
    incoming(&r);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_KEEPALIVE), before + 2);
    assert_int_equal(bgp_raw_count(&r, 0, BGP_MSG_NOTIFICATION), 2);
    assert_int_equal(state_of(&r), BGP_ESTABLISHED);
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_TCP_CLOSED, .conn = ours});
    assert_int_equal(state_of(&r), BGP_ACTIVE);
    incoming(&r); /* its next call finds nothing in its way */
    assert_int_equal(state_of(&r), BGP_OPENSENT);
    bgp_raw_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_call_at_once_and_one_session_stands),
        cmocka_unit_test(collision_closes_the_connection_of_the_lower_identifier),
        cmocka_unit_test(a_second_connection_waits_while_one_is_in_openconfirm),
        cmocka_unit_test(what_waited_goes_on_when_the_first_one_ends),
        cmocka_unit_test(what_waits_is_an_open_and_no_more),
        cmocka_unit_test(a_stop_ends_what_waits_too),
        cmocka_unit_test(who_calls_again_has_given_its_first_call_up),
        cmocka_unit_test(an_established_session_stays_and_a_new_connection_gets_cease_7),
        cmocka_unit_test(a_new_connection_while_established_asks_the_old_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
