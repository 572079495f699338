/* Many BFD sessions, lossy wires, the same seed, encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bfd_two.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

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
