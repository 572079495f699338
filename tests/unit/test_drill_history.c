/* The history of drills: order, bounds, who may not be forgotten, quantiles. */
#include "drill/history.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct drill_history *h;
static char gone[DRILL_ID_MAX];

static int setup(void **state)
{
    (void)state;
    h = calloc(1, sizeof(*h));
    return h ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(h);
    return 0;
}

/* A drill that began in that second, with that outage; KD_NEVER: not measured. */
static void add(const char *drill, unsigned s, enum drill_verdict verdict, uint64_t outage_us)
{
    struct drill_summary one = {.verdict = verdict,
                                .start_wall_us = KD_S(s),
                                .probed = outage_us != KD_NEVER,
                                .outage_us = outage_us};
    snprintf(one.drill, sizeof(one.drill), "%s", drill);
    drill_result_id(one.start_wall_us, one.id);
    drill_history_add(h, &one, gone);
}

static void a_result_is_summed_up(void **state)
{
    struct drill_result *r = calloc(1, sizeof(*r));
    struct drill_summary s;
    (void)state;
    drill_result_begin(r, "er-outage", 1, KD_S(1795226400));
    strcpy(r->probe_to, "10.17.11.132");
    r->loss = (struct drill_loss){.sent = 100, .lost = 7, .longest_us = KD_MS(80)};
    drill_result_end(r, KD_S(40), DRILL_FAILED, "too long");
    s = drill_summary_of(r);
    assert_string_equal(s.id, "20261121T020000.000Z");
    assert_string_equal(s.drill, "er-outage");
    assert_string_equal(s.reason, "too long");
    assert_true(s.probed && s.lost == 7 && s.sent == 100 && s.outage_us == KD_MS(80));
    r->loss.sent = 0; /* the agent never said anything: nothing was measured */
    assert_false(drill_summary_of(r).probed);
    free(r);
}

static void drills_stand_in_the_order_of_time(void **state)
{
    (void)state;
    add("a", 20, DRILL_PASSED, 0);
    add("a", 10, DRILL_PASSED, 0); /* a clock that went back */
    add("b", 30, DRILL_PASSED, 0);
    assert_true(h->s[0].start_wall_us == KD_S(10) && h->s[2].start_wall_us == KD_S(30));
    assert_ptr_equal(drill_history_find(h, NULL), &h->s[2]);
    assert_ptr_equal(drill_history_find(h, "a"), &h->s[1]);
    assert_ptr_equal(drill_history_find(h, h->s[0].id), &h->s[0]);
    assert_null(drill_history_find(h, "c"));
    assert_true(drill_history_is_last(h, &h->s[1]));
    assert_false(drill_history_is_last(h, &h->s[0]));
}

static void a_full_history_forgets_the_oldest_but_no_drills_last(void **state)
{
    (void)state;
    add("yearly", 1, DRILL_PASSED, 0);
    for (unsigned i = 1; i < DRILL_HISTORY_MAX; i++) {
        add("daily", 1 + i, DRILL_PASSED, 0);
        assert_string_equal(gone, "");
    }
    add("daily", 1000, DRILL_PASSED, 0);
    assert_string_equal(gone, "19700101T000002.000Z");
    assert_int_equal(h->n, DRILL_HISTORY_MAX);
    assert_non_null(drill_history_find(h, "yearly"));
    add("yearly", 1001, DRILL_PASSED, 0); /* now the first one may go, but an older daily goes */
    assert_string_equal(gone, "19700101T000003.000Z");
    add("daily", 1002, DRILL_PASSED, 0);
    assert_string_equal(gone, "19700101T000001.000Z");
}

static void one_of_each_name_lets_the_very_oldest_go(void **state)
{
    char name[16];
    (void)state;
    for (unsigned i = 0; i <= DRILL_HISTORY_MAX; i++) {
        snprintf(name, sizeof(name), "drill-%u", i);
        add(name, 1 + i, DRILL_PASSED, 0);
    }
    assert_string_equal(gone, "19700101T000001.000Z");
    assert_int_equal(h->n, DRILL_HISTORY_MAX);
}

static void quantiles_are_of_what_was_measured(void **state)
{
    struct drill_stats t;
    (void)state;
    for (unsigned i = 1; i <= 20; i++)
        add("er", i, i == 3 ? DRILL_FAILED : DRILL_PASSED, KD_MS(21 - i));
    add("er", 21, DRILL_ABORTED, KD_NEVER);
    add("other", 22, DRILL_PASSED, KD_S(9));
    t = drill_history_stats(h, "er");
    assert_int_equal(t.runs, 21);
    assert_int_equal(t.passed, 19);
    assert_int_equal(t.measured, 20);
    assert_int_equal(t.p50_us, KD_MS(10));
    assert_int_equal(t.p95_us, KD_MS(19));
    assert_int_equal(t.worst_us, KD_MS(20));
    assert_int_equal(t.last, DRILL_ABORTED);
    assert_int_equal(t.last_wall_us, KD_S(21));
    assert_int_equal(drill_history_stats(h, NULL).measured, 21);
}

static void one_drill_is_its_own_quantile_and_none_has_none(void **state)
{
    struct drill_stats t;
    (void)state;
    t = drill_history_stats(h, "er");
    assert_true(t.runs == 0 && t.measured == 0 && t.last_wall_us == 0);
    add("er", 1, DRILL_PASSED, 77);
    t = drill_history_stats(h, "er");
    assert_true(t.p50_us == 77 && t.p95_us == 77 && t.worst_us == 77);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_result_is_summed_up),
        T(drills_stand_in_the_order_of_time),
        T(a_full_history_forgets_the_oldest_but_no_drills_last),
        T(one_of_each_name_lets_the_very_oldest_go),
        T(quantiles_are_of_what_was_measured),
        T(one_drill_is_its_own_quantile_and_none_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
