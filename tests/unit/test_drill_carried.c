/* What the data plane saw of a tunnel's traffic becomes marks: its own spells exactly, the kernel's
 * counters as precisely as they are looked at. */
#include "drill/carried.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define START KD_S(5000)
#define GAP   KD_MS(300)
#define LOOK  KD_MS(100)

static struct drill_result *r;
static struct drill_carried c;

static int setup(void **state)
{
    (void)state;
    r = calloc(1, sizeof(*r));
    c = (struct drill_carried){0};
    drill_result_begin(r, "er-outage", START, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(r);
    return 0;
}

static void spell(uint64_t before_ms, uint64_t first_ms, uint64_t last_ms)
{
    const struct drill_spell s = {before_ms ? START + KD_MS(before_ms) : 0, START + KD_MS(first_ms),
                                  START + KD_MS(last_ms)};
    drill_carried_spell(&c, r, "onprem", &s);
}

static void assert_mark(uint32_t i, enum drill_mark_kind kind, uint64_t at_ms,
                        uint64_t precision_ms)
{
    assert_true(i < r->n_marks);
    assert_int_equal(r->mark[i].kind, kind);
    assert_int_equal(r->mark[i].at_us, KD_MS(at_ms));
    assert_int_equal(r->mark[i].precision_us, KD_MS(precision_ms));
    assert_string_equal(r->mark[i].what, "onprem");
}

static void a_tunnel_that_begins_and_ceases_to_carry_is_two_marks(void **state)
{
    (void)state;
    drill_carried_spell(&c, r, "onprem", &(struct drill_spell){0});
    spell(0, 40, 60);
    spell(0, 40, 900);
    drill_carried_end(&c, r, "onprem", GAP, START + KD_MS(1201));
    assert_int_equal(r->n_marks, 2);
    assert_mark(0, DRILL_FIRST_GOOD, 40, 0);
    assert_mark(1, DRILL_LAST_GOOD, 900, 0);
    assert_int_equal(r->mark[0].source, DRILL_BY_DATAPLANE);
}

static void one_that_carries_all_along_is_no_mark(void **state)
{
    (void)state;
    drill_carried_spell(&c, r, "onprem", &(struct drill_spell){0, START - 9, START - 1});
    drill_carried_spell(&c, r, "onprem", &(struct drill_spell){0, START - 9, START + KD_MS(900)});
    drill_carried_end(&c, r, "onprem", GAP, START + KD_MS(1200));
    assert_int_equal(r->n_marks, 0);
}

static void one_that_was_silent_for_a_while_says_from_when_to_when(void **state)
{
    (void)state;
    drill_carried_spell(&c, r, "onprem", &(struct drill_spell){0, START - 9, START - 1});
    spell(70, 1070, 2000);
    drill_carried_end(&c, r, "onprem", GAP, START + KD_MS(2000));
    assert_int_equal(r->n_marks, 2);
    assert_mark(0, DRILL_LAST_GOOD, 70, 0);
    assert_mark(1, DRILL_FIRST_GOOD, 1070, 0);
}

static void what_comes_and_goes_by_itself_does_not_fill_the_timeline(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 100; i++)
        spell(1000 * i - 500, 1000 * i, 1000 * i + 1);
    drill_carried_end(&c, r, "onprem", GAP, START + KD_S(200));
    assert_int_equal(r->n_marks, 2 * DRILL_SPELLS_MAX);
}

/* ---- the kernel's ---- */

static uint64_t now_us, packets;

static void look(uint64_t more)
{
    now_us += LOOK;
    packets += more;
    drill_carried_count(&c, r, "onprem", packets, GAP, now_us);
}

static void looks(unsigned n, uint64_t more)
{
    while (n-- > 0)
        look(more);
}

static void begin(void)
{
    now_us = START;
    packets = 77;
    drill_carried_count(&c, r, "onprem", packets, GAP, now_us);
}

static void a_counter_that_grows_again_is_as_sure_as_it_is_looked_at(void **state)
{
    (void)state;
    begin();
    looks(10, 0);
    looks(10, 9); /* from 1.1 s on */
    looks(10, 0); /* after 2.0 s */
    looks(2, 10);
    drill_carried_end(&c, r, "onprem", GAP, now_us);
    assert_int_equal(r->n_marks, 3);
    assert_mark(0, DRILL_FIRST_GOOD, 1100, 100);
    assert_mark(1, DRILL_LAST_GOOD, 2000, 100);
    assert_mark(2, DRILL_FIRST_GOOD, 3100, 100);
    assert_int_equal(r->mark[0].source, DRILL_BY_KERNEL);
}

static void a_few_packets_are_bgps_and_no_spell(void **state)
{
    (void)state;
    begin();
    looks(5, 0);
    look(DRILL_SPELL_PACKETS - 1);
    looks(5, 0);
    drill_carried_end(&c, r, "onprem", GAP, now_us);
    assert_int_equal(r->n_marks, 0);
    look(DRILL_SPELL_PACKETS);
    assert_int_equal(r->n_marks, 1);
}

static void a_tunnel_that_dies_while_it_carries_has_its_last_packet(void **state)
{
    (void)state;
    begin();
    looks(5, 1);
    looks(4, 0);
    drill_carried_end(&c, r, "onprem", GAP, now_us);
    assert_int_equal(r->n_marks, 1);
    assert_mark(0, DRILL_LAST_GOOD, 500, 100);
}

static void a_pair_that_goes_takes_its_packets_along_and_that_is_no_traffic(void **state)
{
    (void)state;
    begin();
    looks(5, 0);
    packets = 0;
    look(3);
    looks(5, 0);
    assert_int_equal(r->n_marks, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_tunnel_that_begins_and_ceases_to_carry_is_two_marks),
        T(one_that_carries_all_along_is_no_mark),
        T(one_that_was_silent_for_a_while_says_from_when_to_when),
        T(what_comes_and_goes_by_itself_does_not_fill_the_timeline),
        T(a_counter_that_grows_again_is_as_sure_as_it_is_looked_at),
        T(a_few_packets_are_bgps_and_no_spell),
        T(a_tunnel_that_dies_while_it_carries_has_its_last_packet),
        T(a_pair_that_goes_takes_its_packets_along_and_that_is_no_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
