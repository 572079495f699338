/* Rounds of packets that die on the way, in pretended time: answers count for the round that asked
 * them, however late and however many are under way; what is waited for, and how long. */
#include "probe/hops.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define MS      1000u
#define ID      0x1234
#define SESSION 0x0123456789abcdef
#define NOW     (1000 * MS) /* of the first round */

static struct probe_hops h;
static uint8_t packet[PROBE_ROUNDS_MAX + 2][PROBE_HOPS_MAX + 1][PROBE_WIRE_MAX]; /* as sent */
static size_t packet_len;

static int setup(void **state)
{
    (void)state;
    probe_hops_begin(&h, 4, ID, SESSION, 1000 * MS);
    return 0;
}

/* Begins round n, which is due, and keeps its packets; how many there are. */
static uint8_t ask(unsigned n, uint64_t now)
{
    uint8_t last = probe_hops_ask(&h, now);
    for (uint8_t ttl = 1; ttl <= last; ttl++)
        packet_len = probe_hops_put(&h, ttl, packet[n][ttl]);
    return last;
}

static struct kd_addr router(uint8_t ttl)
{
    return kd_addr_v4(0x0a000000u + ttl);
}

/* A router says that the packet died; or the end (exceeded false) answers it. */
static void answer(unsigned n, uint8_t ttl, bool exceeded, uint64_t now)
{
    uint8_t msg[20 + 8 + 20 + PROBE_WIRE_MAX] = {0x45}, *icmp = msg + 20;
    struct kd_addr from = exceeded ? router(ttl) : kd_addr_v4(0x0a0000ff);
    size_t len = 20;
    if (exceeded) {
        icmp[0] = 11;
        icmp[8] = 0x45;
        icmp[8 + 9] = 1;
        memcpy(icmp + 28, packet[n][ttl], 8); /* RFC 792: no more need come back */
        len += 28 + 8;
    } else {
        memcpy(icmp, packet[n][ttl], packet_len);
        icmp[0] = 0;
        len += packet_len;
    }
    probe_hops_take(&h, &from, kd_bytes(msg, len), now);
}

/* All answers of a way of so many hops come at that time, from the packets beyond its end, too. */
static void answer_all(unsigned n, uint8_t hops, uint64_t now)
{
    for (uint8_t ttl = (uint8_t)(hops + 2); ttl > 0; ttl--)
        answer(n, ttl, ttl < hops, now);
}

static void a_round_is_over_when_every_hop_has_answered(void **state)
{
    (void)state;
    assert_int_equal(probe_hops_next(&h), 0);
    assert_int_equal(ask(0, NOW), 16);
    answer(0, 3, false, NOW + MS);
    answer(0, 1, true, NOW + MS);
    assert_false(probe_hops_judge(&h, NOW + 2 * MS)); /* the second may yet */
    answer(0, 2, true, NOW + 3 * MS);
    assert_true(probe_hops_deadline(&h) <= NOW + 3 * MS);
    assert_true(probe_hops_judge(&h, NOW + 3 * MS));
    assert_true(h.way.path.n == 3 && h.way.path.reached && h.way.since_us == NOW);
    assert_int_equal(probe_hops_deadline(&h), KD_NEVER);
    assert_false(probe_hops_judge(&h, NOW + 3 * MS));
}

static void the_next_round_asks_a_little_beyond_the_way(void **state)
{
    (void)state;
    ask(0, NOW);
    answer_all(0, 3, NOW + MS);
    assert_true(probe_hops_judge(&h, NOW + MS));
    assert_int_equal(probe_hops_next(&h), NOW + 1000 * MS);
    assert_int_equal(ask(1, NOW + 999 * MS), 0);
    assert_int_equal(ask(1, NOW + 1000 * MS), 7);
}

/* 300 ms there and back, rounds every 250 ms: the second is asked before the first is answered. */
static void an_answer_counts_for_its_round_though_a_later_one_is_under_way(void **state)
{
    (void)state;
    probe_hops_hurry(&h);
    ask(0, NOW);
    assert_int_equal(ask(1, NOW + 250 * MS), 16);
    answer_all(0, 2, NOW + 300 * MS);
    assert_true(probe_hops_judge(&h, NOW + 300 * MS));
    assert_int_equal(h.way.since_us, NOW);
    answer_all(1, 2, NOW + 550 * MS);
    assert_false(probe_hops_judge(&h, NOW + 550 * MS)); /* the same way */
    assert_int_equal(h.way.rounds, 1);
    answer_all(0, 3, NOW + 560 * MS); /* of a round that is over */
    assert_false(probe_hops_judge(&h, NOW + 560 * MS));
    assert_int_equal(h.way.path.n, 2);
}

static void an_answer_in_the_last_moment_counts_and_one_after_it_does_not(void **state)
{
    (void)state;
    ask(0, NOW);
    answer(0, 2, false, NOW + 999 * MS); /* ten round trips are more than the wait */
    assert_false(probe_hops_judge(&h, NOW + 1000 * MS - 1));
    assert_int_equal(probe_hops_deadline(&h), NOW + 1000 * MS);
    answer(0, 1, true, NOW + 1000 * MS - 1);
    assert_true(probe_hops_judge(&h, NOW + 1000 * MS));
    assert_int_equal(h.way.path.hop[0].family, 4);
    setup(NULL);
    ask(0, NOW);
    answer(0, 2, false, NOW + 999 * MS);
    assert_true(probe_hops_judge(&h, NOW + 1000 * MS));
    answer(0, 1, true, NOW + 1000 * MS);
    assert_int_equal(h.way.path.hop[0].family, 0);
}

static void a_silent_hop_is_waited_for_as_the_ends_round_trip_is_long(void **state)
{
    const struct {
        uint64_t trip, limit;
    } rows[] = {
        {1 * MS, 210 * MS}, {50 * MS, 700 * MS}, {80 * MS, 1000 * MS}, {300 * MS, 1000 * MS}};
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        setup(NULL);
        ask(0, NOW);
        answer(0, 2, false, NOW + rows[i].trip);
        assert_int_equal(probe_hops_deadline(&h), NOW + rows[i].limit);
        assert_false(probe_hops_judge(&h, NOW + rows[i].limit - 1));
        assert_true(probe_hops_judge(&h, NOW + rows[i].limit));
        assert_true(h.way.path.n == 2 && h.way.path.hop[0].family == 0);
    }
}

static void a_round_that_was_lost_holds_up_none_behind_it(void **state)
{
    (void)state;
    probe_hops_hurry(&h);
    ask(0, NOW);
    answer(0, 1, true, NOW + MS); /* the end's is lost */
    ask(1, NOW + 250 * MS);
    answer_all(1, 3, NOW + 251 * MS);
    assert_true(probe_hops_judge(&h, NOW + 251 * MS));
    assert_true(h.way.path.n == 3 && h.way.since_us == NOW + 250 * MS);
    answer(0, 2, false, NOW + 260 * MS); /* older news */
    assert_false(probe_hops_judge(&h, NOW + 2000 * MS));
    assert_int_equal(h.way.path.n, 3);
}

static void a_round_that_did_not_get_there_makes_the_next_ask_as_far_as_may_be(void **state)
{
    (void)state;
    ask(0, NOW);
    answer_all(0, 2, NOW + MS);
    assert_true(probe_hops_judge(&h, NOW + MS));
    assert_int_equal(ask(1, NOW + 1000 * MS), 6);
    for (uint8_t ttl = 1; ttl <= 6; ttl++) /* the way has become longer by more than that */
        answer(1, ttl, true, NOW + 1001 * MS);
    assert_false(probe_hops_judge(&h, NOW + 2000 * MS - 1));
    assert_false(probe_hops_judge(&h, NOW + 2000 * MS));
    assert_int_equal(ask(2, NOW + 2000 * MS), PROBE_HOPS_MAX);
    answer_all(2, 20, NOW + 2001 * MS);
    assert_true(probe_hops_judge(&h, NOW + 2001 * MS));
    assert_int_equal(h.way.path.n, 20);
    assert_int_equal(ask(3, NOW + 3000 * MS), 24);
}

static void of_too_many_rounds_the_oldest_is_given_up(void **state)
{
    (void)state;
    probe_hops_begin(&h, 4, ID, SESSION, KD_S(60));
    for (unsigned n = 0; n <= PROBE_ROUNDS_MAX; n++)
        assert_int_equal(ask(n, NOW + n * 1000 * MS), 16);
    answer_all(0, 2, NOW + 20000 * MS);
    assert_false(probe_hops_judge(&h, NOW + 20000 * MS));
    assert_int_equal(probe_hops_deadline(&h), NOW + 1000 * MS + KD_S(60)); /* the second's */
    answer_all(1, 2, NOW + 20000 * MS);
    assert_true(probe_hops_judge(&h, NOW + 20000 * MS));
    assert_int_equal(h.way.since_us, NOW + 1000 * MS);
}

static void what_is_no_answer_to_a_round_changes_nothing(void **state)
{
    struct probe_hops other;
    uint8_t buf[PROBE_WIRE_MAX];
    (void)state;
    ask(0, NOW);
    const struct {
        uint8_t at, flip;
    } rows[] = {{4, 1}, {5, 1}, {6, 1}, {7, 32}, {8, 1}}; /* id, id, round, TTL 33, session */
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        memcpy(buf, packet[0][1], sizeof(buf));
        packet[0][1][rows[i].at] ^= rows[i].flip;
        answer(0, 1, false, NOW + MS);
        memcpy(packet[0][1], buf, sizeof(buf));
        assert_int_equal(h.round[0].seen.n, 0);
    }
    packet[0][1][7] = 0; /* a TTL that none was sent with */
    answer(0, 1, true, NOW + MS);
    assert_int_equal(h.round[0].seen.n, 0);
    other = h;
    probe_hops_take(&h, &(struct kd_addr){.family = 4}, kd_bytes(buf, 3), NOW + MS);
    assert_memory_equal(&h, &other, sizeof(h));
}

static void what_ordinary_packets_hint_at_makes_rounds_follow_quickly(void **state)
{
    (void)state;
    ask(0, NOW);
    probe_hops_hint(&h, 0, 60);
    probe_hops_hint(&h, 1, 60);
    probe_hops_hint(&h, 2, 60);
    assert_int_equal(probe_hops_next(&h), NOW + 1000 * MS);
    probe_hops_hint(&h, 3, 61); /* a router less on the way back */
    assert_int_equal(probe_hops_next(&h), NOW + 250 * MS);
    for (unsigned n = 1; n <= 5; n++)
        assert_int_not_equal(ask(n, NOW + n * 250 * MS), 0);
    assert_int_equal(probe_hops_next(&h), NOW + 2250 * MS); /* routers have no more in store */
    probe_hops_hint(&h, 5, 61);                             /* 4 was lost, or comes later */
    assert_int_equal(probe_hops_next(&h), NOW + 1500 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_round_is_over_when_every_hop_has_answered, setup),
        cmocka_unit_test_setup(the_next_round_asks_a_little_beyond_the_way, setup),
        cmocka_unit_test_setup(an_answer_counts_for_its_round_though_a_later_one_is_under_way,
                               setup),
        cmocka_unit_test_setup(an_answer_in_the_last_moment_counts_and_one_after_it_does_not,
                               setup),
        cmocka_unit_test_setup(a_silent_hop_is_waited_for_as_the_ends_round_trip_is_long, setup),
        cmocka_unit_test_setup(a_round_that_was_lost_holds_up_none_behind_it, setup),
        cmocka_unit_test_setup(a_round_that_did_not_get_there_makes_the_next_ask_as_far_as_may_be,
                               setup),
        cmocka_unit_test_setup(of_too_many_rounds_the_oldest_is_given_up, setup),
        cmocka_unit_test_setup(what_is_no_answer_to_a_round_changes_nothing, setup),
        cmocka_unit_test_setup(what_ordinary_packets_hint_at_makes_rounds_follow_quickly, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
