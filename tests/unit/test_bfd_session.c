/* BFD sessions by their claims: coming up, detection, rates, administratively down. Two engines
 * back to back in virtual time, or one whose peer the test plays; seeds are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bfd_two.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- coming up ---- */

static void comes_up_in_three_way(void **state)
{
    struct net *n = pair_of(SEED);

    (void)state;
    net_admin(n, A, 0, true); /* B isn't there yet */
    net_run(n, KD_S(3));
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    net_admin(n, B, 0, true); /* B's Down: A Init; A's Init: B Up; B's Up: A Up */
    net_run(n, KD_MS(1));
    assert_int_equal(net_view(n, A, 0).state, BFD_INIT);
    net_run(n, KD_MS(1));
    assert_int_equal(net_view(n, B, 0).state, BFD_UP);
    net_run(n, KD_MS(1));
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    assert_int_equal(n->node[A].notes_n, 3); /* Down, Init, Up */
    assert_int_equal(n->node[B].notes_n, 2); /* Down, Up */
    assert_int_equal(net_note(n, A)->a.old_state, BFD_INIT);
    assert_int_equal(net_note(n, A)->a.diag, BFD_DIAG_NONE);
    net_free(n);
}

static void nobody_is_spoken_to_before_admin_up(void **state)
{
    struct net *n = net_new(SEED, 1, 0);

    (void)state;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_run(n, KD_S(60));
    assert_int_equal(n->node[A].sent_n, 0);
    assert_int_equal(net_say(n, net_peer(n, BFD_DOWN), NULL, 0), BFD_R_NO_SESSION);
    assert_int_equal(n->node[A].sent_n, 0);
    net_free(n);
}

static void speaks_slowly_until_up(void **state)
{
    struct net *n = pair_of(SEED);
    uint64_t least, most;

    (void)state;
    n->config[A].tx_us = KD_MS(10);
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    net_run(n, KD_S(60));
    gaps(n, A, 0, &least, &most);
    assert_in_range(least, KD_MS(750), KD_MS(800));
    assert_in_range(most, KD_MS(950), KD_S(1));
    assert_int_equal(net_sent(n, A)->p.tx_us, KD_S(1));
    assert_int_equal(net_sent(n, A)->p.your_discr, 0);
    assert_int_equal(net_sent(n, A)->dst_port, 3784);
    net_free(n);
}

static void a_passive_system_waits_to_be_spoken_to(void **state)
{
    struct net *n = net_new(SEED, 2, 0);

    (void)state;
    n->config[A].multihop = n->config[B].multihop = n->config[A].passive = true;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    net_run(n, KD_S(10));
    assert_int_equal(n->node[A].sent_n, 0);
    net_admin(n, B, 0, true);
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    assert_int_equal(net_sent(n, A)->dst_port, 4784);
    n->cut[B] = true;
    net_run(n, KD_S(5));
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    n->node[A].sent_n = 0; /* the remote discriminator is forgotten: silent again */
    net_run(n, KD_S(10));
    assert_int_equal(n->node[A].sent_n, 0);
    net_free(n);
}

static void discriminators_and_source_ports_are_unique(void **state)
{
    struct net *n = net_new(SEED, 1, 1000);
    uint8_t *port = calloc(65536, 1);

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct bfd_session_view v;
        assert_int_equal(net_set(n, A, i), BFD_CONFIG_OK);
        v = net_view(n, A, i);
        assert_true(v.local_discr != 0 && v.src_port >= 49152);
        assert_int_equal(port[v.src_port]++, 0);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(net_view(n, A, k).local_discr, v.local_discr);
    }
    free(port);
    net_free(n);
}

static void one_session_keeps_one_source_port(void **state)
{
    struct net *n = pair_up(SEED);
    uint16_t port = net_view(n, A, 0).src_port;

    (void)state;
    for (uint32_t i = 0; i < n->node[A].sent_n; i++)
        assert_int_equal(sent_at(n, A, i)->src_port, port);
    net_free(n);
}

/* ---- detection ---- */

static void detects_silence_after_detect_mult_intervals(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct net *n = pair_up(SEED + i);
        uint64_t heard;
        net_run(n, KD_MS(37) * i);
        n->cut[B] = true;
        net_run(n, KD_MS(2)); /* what was on the wire */
        heard = net_view(n, A, 0).heard_us;
        net_run(n, heard + 3 * KD_MS(300) - n->now_us - 1);
        assert_int_equal(net_view(n, A, 0).state, BFD_UP); /* one microsecond before */
        net_run(n, 1);
        assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
        assert_int_equal(net_note(n, A)->at_us, heard + 3 * KD_MS(300));
        assert_int_equal(net_note(n, A)->a.heard_us, heard);
        assert_int_equal(net_note(n, A)->a.diag, BFD_DIAG_DETECT_EXPIRED);
        assert_int_equal(net_note(n, A)->a.reason, KD_REASON_UNREACHABLE);
        assert_true(net_note(n, A)->a.failure);
        assert_int_equal(net_sent(n, A)->at_us, n->now_us); /* and says so at once */
        assert_int_equal(net_sent(n, A)->p.diag, BFD_DIAG_DETECT_EXPIRED);
        net_free(n);
    }
}

static void ten_milliseconds_times_three_is_detected_in_thirty(void **state)
{
    struct net *n = net_new(SEED, 2, 0);
    uint64_t heard;

    (void)state;
    n->delay_us = 500;
    for (int side = A; side <= B; side++) {
        n->config[side].tx_us = n->config[side].rx_us = KD_MS(10);
        assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
    }
    start_both(n);
    net_run(n, KD_S(60));
    assert_true(net_up(n, 0));
    assert_int_equal(n->node[A].failures, 0);
    assert_int_equal(net_view(n, A, 0).detect_us, KD_MS(30));
    n->cut[A] = n->cut[B] = true;
    net_run(n, KD_MS(1));
    heard = net_view(n, A, 0).heard_us;
    net_run(n, KD_MS(31));
    assert_int_equal(net_note(n, A)->at_us, heard + KD_MS(30));
    net_free(n);
}

/* Loss in one direction: the side that hears nothing tells the other. */
static void a_one_way_break_ends_it_on_both_sides(void **state)
{
    struct net *n = pair_up(SEED);

    (void)state;
    n->cut[A] = true;
    net_run(n, KD_S(1));
    assert_int_equal(net_note(n, B)->a.diag, BFD_DIAG_DETECT_EXPIRED);
    assert_int_equal(net_note(n, A)->a.diag, BFD_DIAG_NEIGHBOR_DOWN);
    assert_int_equal(net_note(n, A)->a.reason, KD_REASON_BFD_DOWN);
    assert_int_equal(net_note(n, A)->a.remote_diag, BFD_DIAG_DETECT_EXPIRED);
    assert_true(net_note(n, A)->a.failure && net_note(n, B)->a.failure);
    net_run(n, KD_S(30)); /* it can't come up one way */
    assert_int_not_equal(net_view(n, A, 0).state, BFD_UP);
    assert_int_not_equal(net_view(n, B, 0).state, BFD_UP);
    n->cut[A] = false;
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    net_free(n);
}

static void init_falls_back_to_down_in_silence(void **state)
{
    struct net *n = net_new(SEED, 1, 0);

    (void)state;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    assert_int_equal(net_say(n, net_peer(n, BFD_DOWN), NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_INIT);
    net_run(n, KD_MS(900));
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, A, 0).remote_discr, 0);
    assert_false(net_note(n, A)->a.failure); /* it never was Up */
    net_free(n);
}

/* The loop was busy: the packets came in time but wait in the socket, behind one another. */
static void queued_packets_are_read_before_anyone_is_declared_dead(void **state)
{
    struct net *n = net_new(SEED, 2, 0);

    (void)state;
    n->config[A].detect_mult = 10; /* B is patient, A isn't */
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(net_set(n, A, i), BFD_CONFIG_OK);
        assert_int_equal(net_set(n, B, i), BFD_CONFIG_OK);
        net_admin(n, A, i, true);
        net_admin(n, B, i, true);
    }
    net_run(n, KD_S(5));
    n->held[A] = true; /* A's loop stands still for more than a detection time */
    net_run(n, KD_MS(1000));
    assert_true(n->n > 300);
    n->held[A] = false;
    net_admin(n, A, 0, true); /* nor does another event tell of time */
    net_run(n, 0);
    assert_int_equal(n->node[A].failures, 0);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(net_view(n, A, i).state, BFD_UP);
    net_free(n);
}

static void remote_up_does_not_raise_a_session_that_is_down(void **state)
{
    struct net *n = played_up(SEED);

    (void)state;
    net_run(n, KD_S(1));
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN); /* the peer must see it first */
    assert_int_equal(net_say(n, net_peer(n, BFD_INIT), NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_free(n);
}

/* ---- rates ---- */

static void slower_side_wins(void **state)
{
    struct net *n = net_new(SEED, 2, 0);
    uint64_t least, most;
    uint32_t from;

    (void)state;
    n->config[A].tx_us = KD_MS(100);
    n->config[A].rx_us = KD_MS(200);
    n->config[B].tx_us = KD_MS(50);
    n->config[B].rx_us = KD_MS(750);
    n->config[B].detect_mult = 5;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    start_both(n);
    net_run(n, KD_S(10));
    assert_true(net_up(n, 0));
    assert_int_equal(net_view(n, A, 0).tx_us, KD_MS(750));
    assert_int_equal(net_view(n, B, 0).tx_us, KD_MS(200));
    assert_int_equal(net_view(n, A, 0).detect_us, 5 * KD_MS(200));
    assert_int_equal(net_view(n, B, 0).detect_us, 3 * KD_MS(750));
    from = n->node[A].sent_n;
    net_run(n, KD_S(100));
    gaps(n, A, from, &least, &most);
    assert_in_range(least, KD_MS(750) * 3 / 4, KD_MS(600));
    assert_in_range(most, KD_MS(700), KD_MS(750));
    net_free(n);
}

static void jitter_keeps_to_75_and_100_percent_or_90_when_mult_is_1(void **state)
{
    (void)state;
    for (uint8_t mult = 1; mult <= 2; mult++) {
        struct net *n = net_new(SEED, 2, 0);
        uint64_t least, most;
        uint32_t from;
        for (int side = A; side <= B; side++) {
            n->config[side].detect_mult = mult;
            n->config[side].tx_us = n->config[side].rx_us = 100003; /* divides badly */
            assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
        }
        start_both(n);
        net_run(n, KD_S(5));
        from = n->node[A].sent_n;
        net_run(n, KD_S(80));
        gaps(n, A, from, &least, &most);
        assert_in_range(least * 4, 3 * 100003, 3 * 100003 + 4 * 500);
        if (mult == 1)
            assert_in_range(most * 10, 9 * 100003 - 10 * 500, 9 * 100003);
        else
            assert_in_range(most, 100003 - 500, 100003);
        assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
        net_free(n);
    }
}

/* RFC 5880 6.8.3: not a moment later than the new interval after the last packet. */
static void a_faster_peer_is_served_at_once(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct bfd_packet p;
    uint64_t last;

    (void)state;
    n->config[A].tx_us = n->config[A].rx_us = KD_MS(100);
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_bring_up(n, NULL, NULL);
    p = net_peer(n, BFD_UP);
    p.rx_us = p.tx_us = KD_S(20);
    p.final = true;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    net_run(n, KD_S(5));
    last = net_sent(n, A)->at_us;
    assert_true(n->now_us - last > KD_S(3));
    p.final = false;
    p.rx_us = KD_MS(100);
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    net_run(n, 0);
    assert_int_equal(net_sent(n, A)->at_us, n->now_us);
    last = n->now_us;
    p.rx_us = KD_MS(200); /* slower counts at once as well */
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    net_run(n, KD_MS(149));
    assert_int_equal(net_sent(n, A)->at_us, last);
    net_run(n, KD_MS(51));
    assert_in_range(net_sent(n, A)->at_us, last + KD_MS(150), last + KD_MS(200));
    net_free(n);
}

static void required_min_rx_zero_stops_periodic_packets(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);
    uint32_t sent;

    (void)state;
    p.tx_us = KD_S(30);
    p.rx_us = 0;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    sent = n->node[A].sent_n;
    net_run(n, KD_S(60));
    assert_int_equal(n->node[A].sent_n, sent);
    assert_int_equal(net_view(n, A, 0).tx_us, 0);
    p.poll = true; /* a Poll is answered nevertheless */
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(n->node[A].sent_n, sent + 1);
    assert_true(net_sent(n, A)->p.final);
    net_run(n, KD_S(120)); /* and silence makes us forget the wish (6.8.18) */
    assert_true(n->node[A].sent_n > sent + 10);
    net_free(n);
}

/* ---- administratively down ---- */

static void admin_down_is_announced_and_not_a_failure(void **state)
{
    struct net *n = pair_up(SEED);
    uint32_t sent = n->node[A].sent_n;

    (void)state;
    net_admin(n, A, 0, false);
    assert_int_equal(n->node[A].sent_n, sent + 1); /* at once */
    assert_int_equal(net_sent(n, A)->p.state, BFD_ADMIN_DOWN);
    assert_int_equal(net_sent(n, A)->p.diag, BFD_DIAG_ADMIN_DOWN);
    assert_int_equal(net_note(n, A)->a.reason, KD_REASON_ADMIN);
    net_run(n, KD_S(10));
    assert_int_equal(net_view(n, B, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, B, 0).remote_state, BFD_ADMIN_DOWN);
    assert_int_equal(net_note(n, B)->a.diag, BFD_DIAG_NEIGHBOR_DOWN);
    assert_int_equal(net_note(n, B)->a.reason, KD_REASON_ADMIN);
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    assert_true(n->node[A].sent_n > sent + 8); /* and on */
    net_admin(n, A, 0, true);
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    net_free(n);
}

static void a_path_known_to_be_down_is_said_so(void **state)
{
    struct net *n = pair_up(SEED);

    (void)state;
    net_event(n, A,
              (struct bfd_event){.kind = BFD_EV_ADMIN_DOWN,
                                 .diag = BFD_DIAG_PATH_DOWN,
                                 .reason = KD_REASON_TUNNEL_DOWN});
    assert_int_equal(net_sent(n, A)->p.diag, BFD_DIAG_PATH_DOWN);
    assert_int_equal(net_note(n, A)->a.reason, KD_REASON_TUNNEL_DOWN);
    assert_false(net_note(n, A)->a.failure);
    net_free(n);
}

/* Shut down from the first day: the peer needn't guess. */
static void a_session_that_never_was_up_announces_admin_down(void **state)
{
    struct net *n = pair_of(SEED);

    (void)state;
    net_admin(n, A, 0, false);
    assert_int_equal(net_sent(n, A)->p.state, BFD_ADMIN_DOWN);
    assert_int_equal(net_view(n, A, 0).reason, KD_REASON_ADMIN);
    net_admin(n, B, 0, true);
    net_run(n, KD_S(5));
    assert_int_equal(net_view(n, B, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, B, 0).remote_diag, BFD_DIAG_ADMIN_DOWN);
    net_admin(n, A, 0, true);
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    net_free(n);
}

static void admin_down_ignores_the_peer(void **state)
{
    struct net *n = played_up(SEED);

    (void)state;
    net_admin(n, A, 0, false);
    for (int s = BFD_ADMIN_DOWN; s <= BFD_UP; s++)
        assert_int_equal(net_say(n, net_peer(n, (enum bfd_state)s), NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_ADMIN_DOWN);
    net_run(n, KD_S(60));
    assert_int_equal(net_view(n, A, 0).state, BFD_ADMIN_DOWN);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_up_in_three_way),
        cmocka_unit_test(nobody_is_spoken_to_before_admin_up),
        cmocka_unit_test(speaks_slowly_until_up),
        cmocka_unit_test(a_passive_system_waits_to_be_spoken_to),
        cmocka_unit_test(discriminators_and_source_ports_are_unique),
        cmocka_unit_test(one_session_keeps_one_source_port),
        cmocka_unit_test(detects_silence_after_detect_mult_intervals),
        cmocka_unit_test(ten_milliseconds_times_three_is_detected_in_thirty),
        cmocka_unit_test(a_one_way_break_ends_it_on_both_sides),
        cmocka_unit_test(init_falls_back_to_down_in_silence),
        cmocka_unit_test(queued_packets_are_read_before_anyone_is_declared_dead),
        cmocka_unit_test(remote_up_does_not_raise_a_session_that_is_down),
        cmocka_unit_test(slower_side_wins),
        cmocka_unit_test(jitter_keeps_to_75_and_100_percent_or_90_when_mult_is_1),
        cmocka_unit_test(a_faster_peer_is_served_at_once),
        cmocka_unit_test(required_min_rx_zero_stops_periodic_packets),
        cmocka_unit_test(admin_down_is_announced_and_not_a_failure),
        cmocka_unit_test(a_path_known_to_be_down_is_said_so),
        cmocka_unit_test(a_session_that_never_was_up_announces_admin_down),
        cmocka_unit_test(admin_down_ignores_the_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
