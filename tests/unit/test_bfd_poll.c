/* BFD poll sequences and demand mode by their claims (RFC 5880 6.5, 6.6, 6.8.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bfd_two.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
