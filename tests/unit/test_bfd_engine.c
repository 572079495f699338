/* The BFD engine by its claims: two engines back to back in virtual time, and one engine whose peer
 * the test plays. No clock, no sockets; random choices come from a printed seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_bfd_net.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED 5880

/* The long run is there for the claim; a sanitizer, ten times slower, sees all there is in ten
 * minutes of it. */
#if defined(__SANITIZE_ADDRESS__)
#define LONG_RUN_S 600
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LONG_RUN_S 600
#endif
#endif
#ifndef LONG_RUN_S
#define LONG_RUN_S 3600
#endif

/* ---- helpers ---- */

/* Two engines with session 0 configured on both sides, not started. */
static struct net *pair_of(uint64_t seed)
{
    struct net *n = net_new(seed, 2, 0);

    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    return n;
}

static void start_both(struct net *n)
{
    net_admin(n, A, 0, true);
    net_admin(n, B, 0, true);
}

static struct net *pair_up(uint64_t seed)
{
    struct net *n = pair_of(seed);

    start_both(n);
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    return n;
}

/* One engine, its peer played by the test: Up. */
static struct net *played_up(uint64_t seed)
{
    struct net *n = net_new(seed, 1, 0);

    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_bring_up(n, NULL, NULL);
    return n;
}

static const struct net_sent *sent_at(const struct net *n, int side, uint32_t i)
{
    return &n->node[side].sent[i % NET_SENT];
}

/* Smallest and largest gap between the packets the side sent since its number from. */
static void gaps(const struct net *n, int side, uint32_t from, uint64_t *least, uint64_t *most)
{
    *least = KD_NEVER;
    *most = 0;
    assert_in_range(n->node[side].sent_n - from, 3, NET_SENT);
    for (uint32_t i = from + 1; i < n->node[side].sent_n; i++) {
        uint64_t gap = sent_at(n, side, i)->at_us - sent_at(n, side, i - 1)->at_us;
        *least = KD_MIN(*least, gap);
        *most = KD_MAX(*most, gap);
    }
}

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

/* ---- poll sequences ---- */

static void a_poll_is_answered_at_once(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);
    uint32_t sent;

    (void)state;
    p.final = true; /* ends our own sequence of coming up */
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    p.final = false;
    p.poll = true;
    for (int i = 0; i < 5; i++) {
        sent = n->node[A].sent_n;
        assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
        assert_int_equal(n->node[A].sent_n, sent + 1);
        assert_true(net_sent(n, A)->p.final && !net_sent(n, A)->p.poll);
    }
    p.state = BFD_DOWN; /* whatever the state: one packet says both */
    sent = n->node[A].sent_n;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(n->node[A].sent_n, sent + 1);
    assert_true(net_sent(n, A)->p.final && net_sent(n, A)->p.state == BFD_DOWN);
    net_free(n);
}

static void coming_up_polls_the_fast_interval(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    assert_true(net_sent(n, A)->p.poll); /* with Up */
    assert_int_equal(net_sent(n, A)->p.tx_us, KD_MS(300));
    assert_true(net_view(n, A, 0).polling);
    net_run(n, KD_MS(800));
    assert_true(net_sent(n, A)->p.poll); /* until the Final comes */
    p.final = true;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    assert_false(net_view(n, A, 0).polling);
    net_run(n, KD_MS(800));
    assert_false(net_sent(n, A)->p.poll);
    net_free(n);
}

static void poll_sequence_changes_timers_without_flap(void **state)
{
    static const uint32_t tx[] = {1000, 10, 300, 60, 60000, 300},
                          rx[] = {10, 2000, 50, 50, 10, 300};
    struct net *n = pair_up(SEED);
    uint32_t notes = n->node[A].notes_n + n->node[B].notes_n;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(tx); i++) {
        n->config[A].tx_us = KD_MS(tx[i]);
        n->config[A].rx_us = KD_MS(rx[i]);
        net_reconfigure(n, A, 0);
        net_run(n, KD_S(150)); /* the slowest once took a minute a packet */
        assert_int_equal(net_view(n, A, 0).tx_us, KD_MS(KD_MAX(tx[i], 300)));
        assert_int_equal(net_view(n, B, 0).tx_us, KD_MS(KD_MAX(rx[i], 300)));
        assert_int_equal(net_view(n, B, 0).detect_us, 3 * KD_MS(KD_MAX(tx[i], 300)));
        assert_int_equal(net_view(n, A, 0).detect_us, 3 * KD_MS(KD_MAX(rx[i], 300)));
        assert_false(net_view(n, A, 0).polling);
    }
    assert_int_equal(n->node[A].notes_n + n->node[B].notes_n, notes);
    net_free(n);
}

/* Again and again, within sequences that are on their way. */
static void changes_on_both_sides_at_any_time_never_flap(void **state)
{
    static const uint32_t ms[] = {10, 50, 300, 1000};
    struct net *n = pair_up(SEED);
    uint32_t notes = n->node[A].notes_n + n->node[B].notes_n;

    (void)state;
    n->delay_us = KD_MS(2);
    for (unsigned i = 0; i < 400; i++) {
        int side = (int)net_random(n, 2);
        n->config[side].tx_us = KD_MS(ms[net_random(n, 4)]);
        n->config[side].rx_us = KD_MS(ms[net_random(n, 4)]);
        net_reconfigure(n, side, 0);
        net_run(n, net_random(n, (uint32_t)KD_S(1)));
    }
    assert_int_equal(n->node[A].notes_n + n->node[B].notes_n, notes);
    net_run(n, KD_S(20));
    assert_int_equal(net_view(n, A, 0).tx_us, KD_MAX(n->config[A].tx_us, n->config[B].rx_us));
    assert_int_equal(net_view(n, B, 0).tx_us, KD_MAX(n->config[B].tx_us, n->config[A].rx_us));
    assert_int_equal(net_view(n, A, 0).detect_us, 3u * net_view(n, B, 0).tx_us);
    assert_int_equal(net_view(n, B, 0).detect_us, 3u * net_view(n, A, 0).tx_us);
    net_free(n);
}

static void sending_more_slowly_waits_for_the_final(void **state)
{
    struct net *n = pair_up(SEED);

    (void)state;
    n->lose_final[B] = true;
    n->config[A].tx_us = KD_S(2);
    net_reconfigure(n, A, 0);
    net_run(n, KD_S(10));
    assert_true(net_sent(n, A)->p.poll);
    assert_int_equal(net_sent(n, A)->p.tx_us, KD_S(2)); /* says it, doesn't do it */
    assert_int_equal(net_view(n, A, 0).tx_us, KD_MS(300));
    assert_int_equal(net_view(n, B, 0).detect_us, KD_S(6));
    n->lose_final[B] = false;
    net_run(n, KD_S(2));
    assert_int_equal(net_view(n, A, 0).tx_us, KD_S(2));
    net_free(n);
}

static void expecting_faster_packets_waits_for_the_final(void **state)
{
    struct net *n = pair_of(SEED);

    (void)state;
    n->config[B].tx_us = KD_MS(10);
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    start_both(n);
    net_run(n, KD_S(5));
    n->lose_final[B] = true;
    n->config[A].rx_us = KD_MS(20);
    net_reconfigure(n, A, 0);
    net_run(n, KD_S(5));
    assert_int_equal(net_view(n, B, 0).tx_us, KD_MS(20)); /* the peer already hurries */
    assert_int_equal(net_view(n, A, 0).detect_us, KD_MS(900));
    n->lose_final[B] = false;
    net_run(n, KD_S(1));
    assert_int_equal(net_view(n, A, 0).detect_us, KD_MS(60));
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    net_free(n);
}

static void sending_faster_and_expecting_slower_count_at_once(void **state)
{
    struct net *n = pair_up(SEED);

    (void)state;
    n->lose_final[B] = true;
    n->config[B].rx_us = KD_MS(10);
    net_reconfigure(n, B, 0);
    net_run(n, KD_S(2));
    n->config[A].tx_us = KD_MS(20);
    n->config[A].rx_us = KD_S(1);
    net_reconfigure(n, A, 0);
    assert_int_equal(net_view(n, A, 0).tx_us, KD_MS(20));
    assert_int_equal(net_view(n, A, 0).detect_us, KD_S(3));
    net_free(n);
}

/* 6.8.3, choice 3: else the Final of the first sequence would end the second. */
static void a_second_change_waits_for_a_packet_without_final(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP), final = p;

    (void)state;
    final.final = true;
    assert_int_equal(net_say(n, final, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED); /* settled */
    n->config[A].tx_us = KD_S(2);
    net_reconfigure(n, A, 0);
    net_run(n, KD_MS(300));
    assert_true(net_sent(n, A)->p.poll && net_sent(n, A)->p.tx_us == KD_S(2));
    n->config[A].tx_us = KD_S(5); /* while the first is on its way */
    net_reconfigure(n, A, 0);
    net_run(n, KD_MS(300));
    assert_int_equal(net_sent(n, A)->p.tx_us, KD_S(2));
    assert_int_equal(net_say(n, final, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).tx_us, KD_S(2));
    assert_int_equal(net_say(n, final, NULL, 0), BFD_ACCEPTED); /* a second Final of the first */
    assert_false(net_view(n, A, 0).polling);
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED); /* now */
    assert_true(net_view(n, A, 0).polling);
    assert_int_equal(net_view(n, A, 0).tx_us, KD_S(2));
    n->config[A].tx_us = KD_S(6); /* not sent yet: merged into it */
    net_reconfigure(n, A, 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
        net_run(n, KD_MS(299));
    }
    assert_true(net_sent(n, A)->p.poll && net_sent(n, A)->p.tx_us == KD_S(6));
    assert_int_equal(net_say(n, final, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).tx_us, KD_S(6));
    net_free(n);
}

/* A sequence begun while Down must not keep a session that is Up again at the slow rate. */
static void coming_up_again_does_not_wait_for_an_old_final(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    p.final = true;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_DOWN), NULL, 0), BFD_ACCEPTED);
    assert_true(net_sent(n, A)->p.poll && net_sent(n, A)->p.tx_us == KD_S(1));
    assert_int_equal(net_say(n, net_peer(n, BFD_INIT), NULL, 0), BFD_ACCEPTED);
    assert_true(net_sent(n, A)->p.poll && net_sent(n, A)->p.tx_us == KD_MS(300));
    assert_int_equal(net_view(n, A, 0).tx_us, KD_MS(300));
    net_free(n);
}

static void nobody_is_polled_who_was_not_heard(void **state)
{
    struct net *n = played_up(SEED);

    (void)state;
    net_run(n, KD_S(2)); /* lost */
    assert_false(net_sent(n, A)->p.poll);
    n->config[A].rx_us = KD_MS(50);
    net_reconfigure(n, A, 0);
    net_run(n, KD_S(2));
    assert_false(net_sent(n, A)->p.poll);
    assert_int_equal(net_sent(n, A)->p.rx_us, KD_MS(50));
    net_free(n);
}

/* 6.8.12: with the next packet, no sequence. */
static void detect_mult_changes_without_a_poll(void **state)
{
    struct net *n = pair_up(SEED);

    (void)state;
    n->config[A].detect_mult = 7;
    net_reconfigure(n, A, 0);
    assert_false(net_view(n, A, 0).polling);
    net_run(n, KD_S(1));
    assert_int_equal(net_view(n, B, 0).detect_us, 7 * KD_MS(300));
    net_free(n);
}

/* ---- demand mode ---- */

static struct bfd_packet demanding(const struct net *n)
{
    struct bfd_packet p = net_peer(n, BFD_UP);

    p.demand = true;
    return p;
}

/* The peer goes on sending, as one in demand mode does when we aren't. */
static void pass_heard(struct net *n, struct bfd_packet p, unsigned packets)
{
    for (unsigned i = 0; i < packets; i++) {
        net_run(n, KD_MS(250));
        assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    }
}

static void demand_stops_periodic_packets_and_is_answered(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = demanding(n);
    uint32_t sent;

    (void)state;
    p.final = true;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    p.final = false;
    sent = n->node[A].sent_n;
    pass_heard(n, p, 40);
    assert_int_equal(n->node[A].sent_n, sent);
    assert_true(net_view(n, A, 0).remote_demand);
    p.poll = true;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(n->node[A].sent_n, sent + 1);
    assert_true(net_sent(n, A)->p.final);
    p = net_peer(n, BFD_UP); /* no longer */
    pass_heard(n, p, 8);
    assert_in_range(n->node[A].sent_n, sent + 6, sent + 11);
    net_free(n);
}

static void demand_needs_both_sides_up(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct bfd_packet p;
    uint32_t sent;

    (void)state;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    p = net_peer(n, BFD_DOWN);
    p.demand = true;
    sent = n->node[A].sent_n;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
        net_run(n, KD_MS(500));
    }
    assert_true(n->node[A].sent_n > sent + 8);
    net_free(n);
}

/* 6.6: whatever the next packet would say anew is polled. */
static void a_change_in_demand_mode_is_polled(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = demanding(n), final = p;
    uint32_t sent;

    (void)state;
    final.final = true;
    assert_int_equal(net_say(n, final, NULL, 0), BFD_ACCEPTED);
    pass_heard(n, p, 4);
    sent = n->node[A].sent_n;
    n->config[A].detect_mult = 9;
    net_reconfigure(n, A, 0);
    pass_heard(n, p, 4);
    assert_in_range(n->node[A].sent_n, sent + 2, sent + 6); /* repeated until answered */
    assert_true(net_sent(n, A)->p.poll && net_sent(n, A)->p.detect_mult == 9);
    n->config[A].detect_mult = 4; /* the sequence on its way began with 9 */
    net_reconfigure(n, A, 0);
    assert_int_equal(net_say(n, final, NULL, 0), BFD_ACCEPTED);
    sent = n->node[A].sent_n;
    pass_heard(n, p, 4);
    assert_true(n->node[A].sent_n > sent);
    assert_true(net_sent(n, A)->p.poll && net_sent(n, A)->p.detect_mult == 4);
    assert_int_equal(net_say(n, final, NULL, 0), BFD_ACCEPTED);
    sent = n->node[A].sent_n;
    pass_heard(n, p, 8);
    assert_int_equal(n->node[A].sent_n, sent);
    net_free(n);
}

static void silence_is_detected_in_demand_mode_too(void **state)
{
    struct net *n = played_up(SEED);

    (void)state;
    assert_int_equal(net_say(n, demanding(n), NULL, 0), BFD_ACCEPTED);
    net_run(n, KD_MS(899));
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_run(n, KD_MS(1));
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
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

/* ---- whose packet ---- */

/* The event of a good packet of the peer, Down without our discriminator: then changed by the test.
 */
static struct bfd_event first_packet(const struct net *n, uint8_t raw[BFD_HEADER_LEN])
{
    struct bfd_packet p = net_peer(n, BFD_DOWN);
    struct kd_writer w;

    p.your_discr = 0;
    p.length = BFD_HEADER_LEN;
    kd_writer_init(&w, raw, BFD_HEADER_LEN);
    bfd_packet_build(&p, &w);
    return net_packet_event(n, kd_written(&w));
}

static enum bfd_refusal hear(struct net *n, struct bfd_event ev)
{
    uint32_t before = n->node[A].refused_notes;

    net_event(n, A, ev);
    return n->node[A].refused_notes == before ? BFD_ACCEPTED : n->node[A].refused;
}

static struct net *listening(bool multihop)
{
    struct net *n = net_new(SEED, 1, 0);

    n->config[A].multihop = multihop;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    return n;
}

static void wrong_ttl_is_refused(void **state)
{
    struct net *n = listening(false);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev = first_packet(n, raw);

    (void)state;
    for (unsigned ttl = 0; ttl < 255; ttl += 127) {
        ev.ttl = (uint8_t)ttl;
        assert_int_equal(hear(n, ev), BFD_R_TTL);
    }
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, A, 0).refused, 3);
    ev.ttl = 255;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_INIT);
    net_free(n);
}

static void multihop_takes_the_ttl_it_is_told(void **state)
{
    struct net *n = listening(true);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev = first_packet(n, raw);

    (void)state;
    ev.ttl = 0; /* unknown */
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    n->config[A].ttl_min = 250;
    net_reconfigure(n, A, 0);
    ev.ttl = 249;
    assert_int_equal(hear(n, ev), BFD_R_TTL);
    ev.ttl = 250;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    net_free(n);
}

static void wrong_source_port_is_refused(void **state)
{
    struct net *n = listening(false);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev = first_packet(n, raw);

    (void)state;
    ev.src_port = 49151;
    assert_int_equal(hear(n, ev), BFD_R_SRC_PORT);
    ev.src_port = 3784;
    assert_int_equal(hear(n, ev), BFD_R_SRC_PORT);
    ev.src_port = 49152;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    ev.src_port = 65535;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    n->config[A].any_src_port = true; /* BIRD on Linux */
    net_reconfigure(n, A, 0);
    ev.src_port = 32768;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    net_free(n);
}

static void a_first_packet_from_elsewhere_is_refused(void **state)
{
    struct net *n = listening(false);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event good = first_packet(n, raw), ev;

    (void)state;
    ev = good;
    ev.iface++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.iface = BFD_NO_IFACE;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.table = 7;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.multihop = true;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.remote.b[3]++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.local.b[3]++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(bfd_refused(n->node[A].b, BFD_R_NO_SESSION), 6);
    assert_int_equal(hear(n, good), BFD_ACCEPTED);
    net_free(n);
}

static void our_discriminator_does_not_open_another_path(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_DOWN);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event good, ev;
    struct kd_writer w;

    (void)state;
    p.length = BFD_HEADER_LEN;
    kd_writer_init(&w, raw, sizeof(raw));
    bfd_packet_build(&p, &w);
    good = net_packet_event(n, kd_written(&w));
    ev = good;
    ev.iface = BFD_NO_IFACE; /* beside the tunnel */
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    ev = good;
    ev.multihop = true; /* around the TTL check */
    ev.ttl = 64;
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    ev = good;
    ev.table = 1;
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    ev = good;
    ev.remote = ev.local = (struct kd_addr){.family = 6};
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    ev = good;
    ev.remote.b[3] ^= 0xff; /* RFC 5880 6.3: the source may change */
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    net_free(n);
}

static void an_unknown_discriminator_is_refused(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_DOWN);

    (void)state;
    p.your_discr ^= 1;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_R_NO_SESSION);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_free(n);
}

static void your_discr_zero_in_up_is_refused(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    p.your_discr = 0;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_R_YOUR_DISCR_ZERO);
    p.state = BFD_INIT;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_R_YOUR_DISCR_ZERO);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    p.state = BFD_DOWN; /* the peer has restarted */
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_true(net_note(n, A)->a.failure);
    net_free(n);
}

static void a_point_to_point_session_is_found_by_any_source(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev;

    (void)state;
    n->config[A].point_to_point = true;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    ev = first_packet(n, raw);
    ev.remote = kd_addr_v4(0xc0000201);
    ev.iface++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev.iface--;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_INIT);
    net_free(n);
}

static void a_session_without_local_address_is_found(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    uint8_t raw[BFD_HEADER_LEN];

    (void)state;
    net_path(&n->config[A], A, 0);
    n->config[A].local = (struct kd_addr){0};
    assert_int_equal(bfd_session_set(n->node[A].b, 0, &n->config[A]), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    assert_int_equal(hear(n, first_packet(n, raw)), BFD_ACCEPTED);
    net_free(n);
}

static void the_peer_may_change_its_discriminator(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    p.my_discr = 77;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    net_run(n, KD_MS(300));
    assert_int_equal(net_sent(n, A)->p.your_discr, 77);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_free(n);
}

/* Nothing that comes in makes more notes than ten in ten seconds. */
static void notes_of_refused_packets_are_few(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    p.your_discr ^= 1;
    for (int i = 0; i < 1000; i++)
        net_say(n, p, NULL, 0);
    assert_int_equal(n->node[A].refused_notes, 10);
    n->now_us += KD_S(10);
    net_say(n, p, NULL, 0);
    assert_int_equal(n->node[A].refused_notes, 11);
    assert_int_equal(n->node[A].suppressed, 990);
    assert_int_equal(bfd_refused(n->node[A].b, BFD_R_NO_SESSION), 1001);
    net_free(n);
}

/* ---- authentication ---- */

/* Side A with the key; the peer's own copy in *peer. */
static struct net *played_with_auth(enum bfd_auth_type type, struct bfd_auth_config *peer,
                                    uint32_t *seq)
{
    struct net *n = net_new(SEED, 1, 0);

    n->config[A].auth = net_auth(n, A, type, 1, "a secret");
    *peer = net_auth(n, B, type, 1, "a secret");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    *seq = 0xfffffffe; /* wraps soon */
    net_bring_up(n, peer, seq);
    return n;
}

static void authenticated_engines_come_up(void **state)
{
    (void)state;
    for (int type = BFD_AUTH_SHA1; type <= BFD_AUTH_METICULOUS_SHA1; type++) {
        struct net *n = net_new(SEED, 2, 0);
        for (int side = A; side <= B; side++) {
            n->config[side].auth = net_auth(n, side, (enum bfd_auth_type)type, 200, "k");
            assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
        }
        start_both(n);
        net_run(n, KD_S(100));
        assert_true(net_up(n, 0));
        assert_int_equal(n->node[A].refused_notes + n->node[B].refused_notes, 0);
        assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
        net_free(n);
    }
}

static void unequal_keys_never_come_up(void **state)
{
    struct net *n = net_new(SEED, 2, 0);

    (void)state;
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "one");
    n->config[B].auth = net_auth(n, B, BFD_AUTH_SHA1, 1, "two");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    start_both(n);
    net_run(n, KD_S(10));
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, A, 0).last_refusal, BFD_R_AUTH_HASH);
    net_free(n);
}

static void replayed_sequence_is_refused(void **state)
{
    struct bfd_auth_config peer;
    struct net *n;
    uint32_t seq;

    (void)state;
    n = played_with_auth(BFD_AUTH_METICULOUS_SHA1, &peer, &seq);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_say(n, net_peer(n, BFD_DOWN), &peer, seq - 1), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_say(n, net_peer(n, BFD_DOWN), &peer, seq + 10), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq + 9), BFD_ACCEPTED);
    net_free(n);
    n = played_with_auth(BFD_AUTH_SHA1, &peer, &seq); /* the same number may come again */
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq - 1), BFD_R_AUTH_SEQUENCE);
    net_free(n);
}

/* What can be seen of a session, but for the counters of refused packets. */
static void visible(const struct net *n, char text[256])
{
    struct bfd_session_view v = net_view(n, A, 0);

    snprintf(text, 256, "%d %d %d %d %d %llu %llu %u %u %u %u %llu %llu %d %d %d %d %u %llu %llu",
             v.state, v.remote_state, v.diag, v.remote_diag, v.reason,
             (unsigned long long)v.since_us, (unsigned long long)v.heard_us, v.local_discr,
             v.remote_discr, v.tx_us, v.rx_us, (unsigned long long)v.detect_us,
             (unsigned long long)v.announce_us, v.remote_mult, v.remote_demand, v.remote_cpi,
             v.polling, v.failures, (unsigned long long)v.packets_in,
             (unsigned long long)v.packets_out);
}

static void unauthenticated_packets_change_nothing_when_auth_is_on(void **state)
{
    struct bfd_auth_config peer, wrong;
    char before[256], after[256];
    struct bfd_packet p;
    uint32_t seq, sent;
    uint64_t deadline;
    struct net *n;

    (void)state;
    n = played_with_auth(BFD_AUTH_METICULOUS_SHA1, &peer, &seq);
    wrong = net_auth(n, B, BFD_AUTH_METICULOUS_SHA1, 1, "a guess");
    visible(n, before);
    sent = n->node[A].sent_n;
    deadline = n->node[A].deadline_us;
    n->now_us += KD_MS(100);
    for (int s = BFD_ADMIN_DOWN; s <= BFD_UP; s++) {
        p = net_peer(n, (enum bfd_state)s);
        p.my_discr = 666;
        p.poll = s & 1;
        p.final = !p.poll;
        p.demand = true;
        p.rx_us = p.tx_us = 1;
        assert_int_equal(net_say(n, p, NULL, 0), BFD_R_AUTH_MISSING);
        assert_int_equal(net_say(n, p, &wrong, seq + 5), BFD_R_AUTH_HASH);
    }
    visible(n, after);
    assert_string_equal(before, after);
    assert_int_equal(n->node[A].sent_n, sent); /* not even a Poll is answered */
    assert_int_equal(n->node[A].deadline_us, deadline);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq),
                     BFD_ACCEPTED); /* nor the window */
    net_free(n);
}

static void authentication_nobody_asked_for_is_refused(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_auth_config peer = net_auth(n, B, BFD_AUTH_SHA1, 1, "x");

    (void)state;
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, 1), BFD_R_AUTH_UNEXPECTED);
    net_free(n);
}

static void another_auth_type_or_key_id_is_refused(void **state)
{
    struct bfd_auth_config peer, other;
    struct net *n;
    uint32_t seq;

    (void)state;
    n = played_with_auth(BFD_AUTH_METICULOUS_SHA1, &peer, &seq);
    other = peer;
    other.type = BFD_AUTH_SHA1;
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &other, seq), BFD_R_AUTH_TYPE);
    other = peer;
    other.key[0].id = 2;
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &other, seq), BFD_R_AUTH_KEY_ID);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    net_free(n);
}

static void a_key_is_exchanged_without_a_flap(void **state)
{
    struct net *n = net_new(SEED, 2, 0);
    uint32_t keys[2];

    (void)state;
    for (int side = A; side <= B; side++) {
        n->config[side].auth = net_auth(n, side, BFD_AUTH_SHA1, 1, "old");
        assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
        keys[side] = kc_keys_live(n->node[side].crypto);
    }
    start_both(n);
    net_run(n, KD_S(5));
    for (int step = 0; step < 3; step++) /* accept the new one, send it, drop the old one */
        for (int side = A; side <= B; side++) {
            struct bfd_auth_config *a = &n->config[side].auth;
            struct bfd_key old = a->key[0];
            if (step == 0)
                a->key[a->n_keys++] = net_auth(n, side, BFD_AUTH_SHA1, 2, "new").key[0];
            else if (step == 1)
                a->key[0] = a->key[1], a->key[1] = old;
            else
                a->n_keys = 1;
            net_reconfigure(n, side, 0);
            net_run(n, KD_S(3));
        }
    assert_true(net_up(n, 0));
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    assert_int_equal(n->node[A].refused_notes + n->node[B].refused_notes, 0);
    for (int side = A; side <= B; side++)
        assert_int_equal(kc_keys_live(n->node[side].crypto), keys[side]);
    net_free(n);
}

static void a_number_is_not_remembered_over_a_time_without_authentication(void **state)
{
    struct bfd_auth_config peer;
    struct net *n;
    uint32_t seq;

    (void)state;
    n = played_with_auth(BFD_AUTH_SHA1, &peer, &seq);
    n->config[A].auth = (struct bfd_auth_config){0};
    net_reconfigure(n, A, 0);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), NULL, 0), BFD_ACCEPTED);
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "a secret");
    net_reconfigure(n, A, 0);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq + 1000), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_free(n);
}

/* bfd.AuthSeqKnown: the peer's new random number is learnt after twice the detection time. */
static void a_restarted_peer_resynchronizes(void **state)
{
    struct net *n = net_new(SEED, 2, 0);
    uint64_t heard;

    (void)state;
    for (int side = A; side <= B; side++) {
        n->config[side].auth = net_auth(n, side, BFD_AUTH_METICULOUS_SHA1, 1, "k");
        assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
    }
    start_both(n);
    net_run(n, KD_S(5));
    net_restart(n, B, 99);
    n->config[B].auth = net_auth(n, B, BFD_AUTH_METICULOUS_SHA1, 1, "k");
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    net_admin(n, B, 0, true);
    heard = net_view(n, A, 0).heard_us;
    net_run(n, heard + 2 * KD_MS(900) - n->now_us - 1);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, A, 0).last_refusal, BFD_R_AUTH_SEQUENCE);
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    net_free(n);
}

static void keys_belong_to_the_engine(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct kc_ctx *c = n->node[A].crypto;

    (void)state;
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "k");
    n->config[A].detect_mult = 0;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_MULT);
    assert_int_equal(kc_keys_live(c), 1); /* refused: still the caller's */
    n->config[A].detect_mult = 3;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK); /* the same key again */
    assert_int_equal(kc_keys_live(c), 1);
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "l");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(kc_keys_live(c), 1);
    bfd_session_del(n->node[A].b, 0);
    assert_int_equal(kc_keys_live(c), 0);
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "m");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    bfd_free(n->node[A].b);
    n->node[A].b = NULL;
    assert_int_equal(kc_keys_live(c), 0);
    net_free(n);
}

/* ---- configuration ---- */

static void bad_configurations_are_refused(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct bfd_session_config good = n->config[A], c;
    struct bfd *b = n->node[A].b;

    (void)state;
    net_path(&good, A, 0);
    c = good;
    c.remote = (struct kd_addr){0};
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ADDRESS);
    c = good;
    c.local = (struct kd_addr){.family = 6};
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ADDRESS);
    c = good;
    c.tx_us = BFD_INTERVAL_MIN - 1;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_INTERVAL);
    c = good;
    c.rx_us = BFD_INTERVAL_MAX + 1;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_INTERVAL);
    c = good;
    c.rx_us = 0;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_INTERVAL);
    c = good;
    c.passive = true;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ROLE);
    c = good;
    c.multihop = c.point_to_point = true;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ROLE);
    c = good;
    c.auth.type = BFD_AUTH_PASSWORD;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_PASSWORD);
    assert_int_equal(bfd_session_set(b, 0, &good), BFD_CONFIG_OK);
    assert_int_equal(bfd_session_set(b, 1, &good), BFD_CONFIG_TAKEN);
    c = good;
    c.iface++;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_MOVED);
    assert_int_equal(bfd_session_set(b, 1, &c), BFD_CONFIG_OK);
    net_free(n);
}

static void sessions_are_bounded_and_their_places_used_again(void **state)
{
    struct net *n = net_new(SEED, 1, 3);

    (void)state;
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(net_set(n, A, round * 3 + i), BFD_CONFIG_OK);
        assert_int_equal(net_set(n, A, 1000), BFD_CONFIG_FULL);
        for (uint32_t i = 0; i < 3; i++)
            net_admin(n, A, round * 3 + i, true);
        net_run(n, KD_S(2));
        for (uint32_t i = 0; i < 3; i++)
            bfd_session_del(n->node[A].b, round * 3 + i);
    }
    net_run(n, KD_S(10));
    assert_int_equal(n->node[A].deadline_us, KD_NEVER);
    net_free(n);
}

static void unknown_sessions_are_ignored(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct bfd_session_view v;

    (void)state;
    net_admin(n, A, 5, true);
    net_admin(n, A, 5, false);
    net_event(n, A, (struct bfd_event){.kind = BFD_EV_CONFIG, .session = 5});
    bfd_session_del(n->node[A].b, 5);
    assert_false(bfd_session_get(n->node[A].b, 5, &v));
    assert_int_equal(n->node[A].sent_n + n->node[A].notes_n, 0);
    net_free(n);
}

/* ---- many ---- */

static struct net *many(uint64_t seed, uint32_t sessions, uint32_t ms)
{
    struct net *n = net_new(seed, 2, sessions);

    for (int side = A; side <= B; side++) {
        n->config[side].tx_us = n->config[side].rx_us = (uint32_t)KD_MS(ms);
        for (uint32_t i = 0; i < sessions; i++) {
            assert_int_equal(net_set(n, side, i), BFD_CONFIG_OK);
            net_admin(n, side, i, true);
        }
    }
    net_run(n, KD_S(5));
    for (uint32_t i = 0; i < sessions; i++)
        assert_true(net_up(n, i));
    return n;
}

static void five_hundred_sessions_no_false_alarm_in_an_hour(void **state)
{
    struct net *n = many(SEED, 500, 300);
    uint32_t notes = n->node[A].notes_n + n->node[B].notes_n;

    (void)state;
    n->node[A].trace_off = n->node[B].trace_off = true;
    n->jitter_us = KD_MS(20);
    net_run(n, KD_S(LONG_RUN_S));
    assert_int_equal(n->node[A].notes_n + n->node[B].notes_n, notes);
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    assert_int_equal(n->node[A].refused_notes + n->node[B].refused_notes, 0);
    printf("%d s, %llu steps\n", LONG_RUN_S,
           (unsigned long long)(n->node[A].steps + n->node[B].steps));
    net_free(n);
}

static void five_hundred_at_ten_milliseconds_hold_and_are_all_detected(void **state)
{
    struct net *n = many(SEED, 500, 10);
    uint64_t latest = 0;

    (void)state;
    n->node[A].trace_off = n->node[B].trace_off = true;
    net_run(n, KD_S(20));
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    n->cut[A] = n->cut[B] = true;
    net_run(n, KD_MS(40));
    assert_int_equal(n->node[A].failures, 500);
    assert_int_equal(n->node[B].failures, 500);
    for (uint32_t i = 0; i < NET_NOTES; i++)
        if (n->node[A].note[i].a.failure) {
            const struct net_note *t = &n->node[A].note[i];
            assert_int_equal(t->at_us, t->a.heard_us + KD_MS(30));
            latest = KD_MAX(latest, t->at_us);
        }
    assert_true(latest != 0);
    net_free(n);
}

/* All of a kind in one instant: more than one step can say. */
static void what_one_step_cannot_say_the_next_does(void **state)
{
    struct net *n = net_new(SEED, 1, 1000);
    struct bfd_event wake = {.kind = BFD_EV_WAKE};
    uint32_t steps = 0, sends = 0;
    struct net_node *a = &n->node[A];

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(net_set(n, A, i), BFD_CONFIG_OK);
        net_admin(n, A, i, true);
    }
    n->now_us += KD_S(2);
    do {
        wake.now_us = n->now_us;
        bfd_step(a->b, &wake, a->out);
        assert_true(a->out->n <= BFD_OUT_ACTIONS && a->out->used <= BFD_OUT_BYTES);
        sends += a->out->n;
        steps++;
    } while (a->out->more);
    assert_int_equal(sends, 1000);
    assert_in_range(steps, 4, 5);
    assert_true(a->out->deadline_us > n->now_us);
    net_free(n);
}

static void no_step_allocates(void **state)
{
    struct net *n = many(SEED, 100, 50);
    size_t before = mallinfo2().uordblks;

    (void)state;
    net_run(n, KD_S(10));
    n->cut[A] = true;
    net_run(n, KD_S(10));
    n->cut[A] = false;
    net_run(n, KD_S(10));
    assert_int_equal(mallinfo2().uordblks, before);
    net_free(n);
}

/* Safety and liveness under loss: whatever happened, a healed wire brings all of them up. */
static void a_lossy_wire_heals(void **state)
{
    struct net *n = many(SEED, 50, 100);

    (void)state;
    n->loss[A] = 300;
    n->loss[B] = 600;
    n->delay_us = KD_MS(30);
    n->jitter_us = KD_MS(50); /* and out of order */
    net_run(n, KD_S(120));
    assert_true(n->node[A].failures > 0);
    n->loss[A] = n->loss[B] = 0;
    n->jitter_us = 0;
    net_run(n, KD_S(10));
    for (uint32_t i = 0; i < 50; i++)
        assert_true(net_up(n, i));
    net_free(n);
}

static void few_lost_packets_do_no_harm(void **state)
{
    struct net *n = pair_up(SEED);

    (void)state;
    for (int i = 0; i < 200; i++) { /* two in a row, again and again */
        uint32_t sent = n->node[B].sent_n;
        n->cut[B] = true;
        while (n->node[B].sent_n < sent + 2)
            net_run(n, KD_MS(1));
        n->cut[B] = false;
        net_run(n, KD_MS(600));
    }
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    net_free(n);
}

static uint64_t trace_of(uint64_t seed)
{
    struct net *n = many(seed, 20, 50);
    uint64_t t;

    n->loss[A] = n->loss[B] = 200;
    n->jitter_us = KD_MS(30);
    net_run(n, KD_S(60));
    t = n->node[A].trace ^ n->node[B].trace * 3;
    net_free(n);
    return t;
}

static void same_seed_same_trace(void **state)
{
    uint64_t first = trace_of(7);

    (void)state;
    assert_true(trace_of(7) == first);
    assert_true(trace_of(8) != first);
}

/* ---- encodings ---- */

static void round_trip(const struct kd_schema *s, const void *obj, struct kd_bytes arena,
                       void *room, size_t size)
{
    uint8_t one[512], two[512];
    struct kd_writer w, again;
    struct kd_reader r;

    kd_writer_init(&w, one, sizeof(one));
    kd_schema_encode(s, obj, arena, &w);
    assert_true(w.ok);
    kd_reader_init(&r, kd_written(&w));
    assert_true(kd_schema_decode(s, &r, room, size));
    kd_writer_init(&again, two, sizeof(two));
    kd_schema_encode(s, room, kd_bytes(one, w.pos), &again);
    assert_true(again.ok && kd_bytes_eq(kd_written(&w), kd_written(&again)));
}

static void events_and_actions_have_one_encoding(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct net_node *a = &n->node[A];
    struct bfd_action action;
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev, back;

    (void)state;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    for (int kind = BFD_EV_WAKE; kind <= BFD_EV_CONFIG; kind++) {
        ev = first_packet(n, raw);
        ev.kind = (enum bfd_event_kind)kind;
        ev.now_us = n->now_us;
        ev.diag = BFD_DIAG_PATH_DOWN;
        ev.reason = KD_REASON_LINK_DOWN;
        round_trip(&bfd_event_schema, &ev, kd_bytes(NULL, 0), &back, sizeof(back));
        assert_int_equal(back.now_us, ev.now_us);
        bfd_step(a->b, &ev, a->out);
        for (uint32_t i = 0; i < a->out->n; i++)
            round_trip(&bfd_action_schema, &a->out->a[i], kd_bytes(a->out->buf, a->out->used),
                       &action, sizeof(action));
    }
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
        cmocka_unit_test(a_poll_is_answered_at_once),
        cmocka_unit_test(coming_up_polls_the_fast_interval),
        cmocka_unit_test(poll_sequence_changes_timers_without_flap),
        cmocka_unit_test(changes_on_both_sides_at_any_time_never_flap),
        cmocka_unit_test(sending_more_slowly_waits_for_the_final),
        cmocka_unit_test(expecting_faster_packets_waits_for_the_final),
        cmocka_unit_test(sending_faster_and_expecting_slower_count_at_once),
        cmocka_unit_test(a_second_change_waits_for_a_packet_without_final),
        cmocka_unit_test(coming_up_again_does_not_wait_for_an_old_final),
        cmocka_unit_test(nobody_is_polled_who_was_not_heard),
        cmocka_unit_test(detect_mult_changes_without_a_poll),
        cmocka_unit_test(demand_stops_periodic_packets_and_is_answered),
        cmocka_unit_test(demand_needs_both_sides_up),
        cmocka_unit_test(a_change_in_demand_mode_is_polled),
        cmocka_unit_test(silence_is_detected_in_demand_mode_too),
        cmocka_unit_test(admin_down_is_announced_and_not_a_failure),
        cmocka_unit_test(a_path_known_to_be_down_is_said_so),
        cmocka_unit_test(a_session_that_never_was_up_announces_admin_down),
        cmocka_unit_test(admin_down_ignores_the_peer),
        cmocka_unit_test(wrong_ttl_is_refused),
        cmocka_unit_test(multihop_takes_the_ttl_it_is_told),
        cmocka_unit_test(wrong_source_port_is_refused),
        cmocka_unit_test(a_first_packet_from_elsewhere_is_refused),
        cmocka_unit_test(our_discriminator_does_not_open_another_path),
        cmocka_unit_test(an_unknown_discriminator_is_refused),
        cmocka_unit_test(your_discr_zero_in_up_is_refused),
        cmocka_unit_test(a_point_to_point_session_is_found_by_any_source),
        cmocka_unit_test(a_session_without_local_address_is_found),
        cmocka_unit_test(the_peer_may_change_its_discriminator),
        cmocka_unit_test(notes_of_refused_packets_are_few),
        cmocka_unit_test(authenticated_engines_come_up),
        cmocka_unit_test(unequal_keys_never_come_up),
        cmocka_unit_test(replayed_sequence_is_refused),
        cmocka_unit_test(unauthenticated_packets_change_nothing_when_auth_is_on),
        cmocka_unit_test(authentication_nobody_asked_for_is_refused),
        cmocka_unit_test(another_auth_type_or_key_id_is_refused),
        cmocka_unit_test(a_key_is_exchanged_without_a_flap),
        cmocka_unit_test(a_number_is_not_remembered_over_a_time_without_authentication),
        cmocka_unit_test(a_restarted_peer_resynchronizes),
        cmocka_unit_test(keys_belong_to_the_engine),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(sessions_are_bounded_and_their_places_used_again),
        cmocka_unit_test(unknown_sessions_are_ignored),
        cmocka_unit_test(five_hundred_sessions_no_false_alarm_in_an_hour),
        cmocka_unit_test(five_hundred_at_ten_milliseconds_hold_and_are_all_detected),
        cmocka_unit_test(what_one_step_cannot_say_the_next_does),
        cmocka_unit_test(no_step_allocates),
        cmocka_unit_test(a_lossy_wire_heals),
        cmocka_unit_test(few_lost_packets_do_no_harm),
        cmocka_unit_test(same_seed_same_trace),
        cmocka_unit_test(events_and_actions_have_one_encoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
