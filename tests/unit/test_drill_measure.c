/* An agent's reports become a result: names of ways, outages since a moment, the other clock. */
#include "drill/measure.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define START KD_S(5000)

static struct drill_result *r;
static struct drill_report *report;
static struct drill_measured m;
static struct probe_names names;

static struct kd_prefix prefix(const char *text)
{
    struct kd_prefix p;
    assert_true(kd_prefix_parse(text, true, &p));
    return p;
}

static int setup(void **state)
{
    (void)state;
    r = calloc(1, sizeof(*r));
    report = calloc(1, sizeof(*report));
    m = (struct drill_measured){0};
    drill_result_begin(r, "er-outage", START, 1);
    r->probe_every_us = KD_MS(10);
    names = (struct probe_names){
        .n = 2,
        .name = {{.name = "vpn", .n_peers = 1, .peer = {0}},
                 {.name = "expressroute", .n_hops = 1, .n_peers = 2, .peer = {11, 12}}},
    };
    names.name[1].hop[0] = prefix("192.168.11.16/28");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(r);
    free(report);
    return 0;
}

static struct probe_path hops(uint32_t a, uint32_t b)
{
    struct probe_path p = {.n = 2, .reached = true};
    if (a)
        p.hop[0] = kd_addr_v4(a);
    p.hop[1] = kd_addr_v4(b);
    return p;
}

#define MSEE 0xc0a80b12 /* 192.168.11.18 */
#define NEXT 0xc0a80b20 /* 192.168.11.32: the nearest that isn't in its prefix */
#define VM   0x0a110b84

static void a_way_has_the_name_one_of_whose_hops_is_on_it(void **state)
{
    struct probe_path p = hops(MSEE, VM);
    (void)state;
    assert_string_equal(probe_name_by_hops(&names, &p), "expressroute");
    p = hops(NEXT, VM);
    assert_string_equal(probe_name_by_hops(&names, &p), "");
    p = hops(0, VM); /* silent */
    assert_string_equal(probe_name_by_hops(&names, &p), "");
}

static void a_way_that_two_names_fit_has_none(void **state)
{
    struct probe_path p = hops(MSEE, VM);
    (void)state;
    names.name[0].hop[names.name[0].n_hops++] = prefix("10.17.11.132/32");
    assert_string_equal(probe_name_by_hops(&names, &p), "");
    p = hops(NEXT, VM);
    assert_string_equal(probe_name_by_hops(&names, &p), "vpn");
    assert_string_equal(probe_name_by_peer(&names, 12), "expressroute");
    assert_string_equal(probe_name_by_peer(&names, 13), "");
    names.name[0].peer[0] = 12;
    assert_string_equal(probe_name_by_peer(&names, 12), "");
}

static void where_hops_say_nothing_the_best_routes_neighbor_does(void **state)
{
    (void)state;
    drill_measure_route(&m, r, &names, 11, "msee-1", START + 10);
    drill_measure_route(&m, r, &names, 12, "msee-2", START + 20); /* the same way */
    drill_measure_route(&m, r, &names, 0, "onprem", START + 30);
    drill_measure_route(&m, r, &names, 13, "lan", START + 40); /* nobody's */
    assert_int_equal(r->n_paths, 2);
    assert_string_equal(r->path[1].name, "vpn");
    assert_string_equal(r->path[1].text, "via onprem");
    assert_int_equal(r->path[1].at_us, 30);
    assert_string_equal(m.path, "vpn");
    assert_int_equal(m.path_us, START + 30);
}

static void without_names_a_way_has_its_neighbors(void **state)
{
    (void)state;
    names.n = 0;
    drill_measure_route(&m, r, &names, 13, "lan", START + 10);
    assert_string_equal(m.path, "lan");
}

static void seen_way(uint64_t at_us, uint64_t error_us, struct probe_path p)
{
    memset(report, 0, sizeof(*report));
    report->error_us = error_us;
    report->n_paths = 1;
    report->path[0] = (struct drill_report_path){at_us, p};
    drill_measure_take(&m, r, &names, report, at_us);
}

static void a_way_told_again_with_a_hop_that_was_silent_is_one_way_and_gets_its_name(void **state)
{
    (void)state;
    seen_way(START + KD_MS(5), 0, hops(0, VM));
    assert_string_equal(m.path, "");
    seen_way(START + KD_MS(5), 0, hops(MSEE, VM));
    assert_int_equal(r->n_paths, 1);
    assert_string_equal(r->path[0].name, "expressroute");
    assert_true(r->path[0].hops.hop[0].family == 4 && r->path[0].at_us == KD_MS(5));
    assert_string_equal(m.path, "expressroute");
    seen_way(START + KD_MS(5) + 1, 0, hops(MSEE, VM)); /* another time: it was lost, and is back */
    assert_int_equal(r->n_paths, 2);
    seen_way(START + KD_MS(6), 500, hops(MSEE, VM)); /* another clock, set right a little */
    assert_int_equal(r->n_paths, 2);
    seen_way(START + KD_MS(7) + 2, 500, hops(MSEE, VM));
    assert_int_equal(r->n_paths, 3);
    seen_way(START + KD_MS(7) + 2, 500, hops(NEXT, VM)); /* another router */
    assert_int_equal(r->n_paths, 4);
}

static void a_report_goes_into_the_result(void **state)
{
    (void)state;
    report->final = true;
    report->n_buckets = report->n_outages = report->n_paths = 1;
    report->bucket[0].at_us = START + KD_MS(7);
    report->bucket[0].b = (struct drill_bucket){.answered = 9, .lost = 1, .rtt_max_us = 800};
    report->outage[0] = (struct probe_outage){
        .lost = 1, .last_good_us = START + KD_MS(10), .first_good_us = START + KD_MS(30)};
    report->path[0].at_us = START + KD_MS(5);
    report->path[0].hops = hops(MSEE, VM);
    report->summary = (struct probe_summary){.sent = 10, .answered = 9, .lost = 1, .outages = 1};
    report->error_us = 250;
    drill_measure_take(&m, r, &names, report, START + KD_S(1));
    assert_true(m.begun && m.final && m.heard_us == START + KD_S(1));
    assert_string_equal(m.path, "expressroute");
    assert_int_equal(r->samples.b[7].answered, 9);
    assert_int_equal(r->loss.sent, 10);
    assert_int_equal(r->n_outages, 1);
    assert_int_equal(r->n_marks, 2);
    assert_int_equal(r->mark[0].precision_us, KD_MS(10) + 250);
}

static void marks_of_this_clock_stay_as_sure_as_they_were(void **state)
{
    (void)state;
    drill_result_mark(r, DRILL_FIB, DRILL_BY_DAEMON, START, "");
    report->error_us = 250;
    drill_measure_take(&m, r, &names, report, START + KD_S(1));
    assert_int_equal(r->mark[0].precision_us, 0);
}

/* ---- since the mark ---- */

static void take(uint64_t now_us)
{
    drill_measure_take(&m, r, &names, report, now_us);
}

static void the_outage_since_a_mark_is_the_longest_that_reaches_beyond_it(void **state)
{
    static const struct {
        uint64_t mark_us, outage_us;
    } rows[] = {{START, KD_S(1)},
                {START + KD_S(2), KD_S(1)},
                {START + KD_S(2) + 1, KD_MS(100)},
                {START + KD_S(4), 0}};
    (void)state;
    report->n_outages = 2;
    report->outage[0] = (struct probe_outage){
        .lost = 9, .last_good_us = START + KD_S(1), .first_good_us = START + KD_S(2)};
    report->outage[1] = (struct probe_outage){
        .lost = 9, .last_good_us = START + KD_S(3), .first_good_us = START + KD_MS(3100)};
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        drill_measure_mark(&m, rows[i].mark_us);
        take(START + KD_S(4));
        assert_int_equal(drill_measure_known(&m).outage_us, rows[i].outage_us);
    }
}

static void packets_lost_before_the_mark_and_judged_behind_it_dont_count(void **state)
{
    (void)state;
    report->n_buckets = 2;
    report->bucket[0].at_us = START + KD_MS(998);
    report->bucket[1].at_us = START + KD_MS(1000);
    report->bucket[0].b.lost = 3;
    report->bucket[1].b.lost = 2;
    drill_measure_mark(&m, START + KD_S(1));
    take(START + KD_S(2));
    assert_int_equal(drill_measure_known(&m).lost, 2);
    drill_measure_mark(&m, START + KD_S(2));
    assert_int_equal(drill_measure_known(&m).lost, 0);
}

static void packets_passed_over_are_known_before_their_time_is_up(void **state)
{
    struct drill_known k;
    (void)state;
    drill_measure_mark(&m, START);
    report->summary = (struct probe_summary){.n_passed = 3,
                                             .passed_us = START + KD_MS(830),
                                             .newest_good_us = START + KD_MS(900),
                                             .now_us = START + KD_MS(900),
                                             .passed = {.lost = 3,
                                                        .last_good_us = START + KD_MS(800),
                                                        .first_good_us = START + KD_MS(840)}};
    take(START + KD_S(1));
    k = drill_measure_known(&m);
    assert_true(k.lost == 0 && k.outage_us == 0);
    assert_true(k.lost_maybe == 3 && k.outage_maybe_us == KD_MS(40));
    drill_measure_mark(&m, START + KD_MS(841));
    k = drill_measure_known(&m);
    assert_true(k.lost_maybe == 0 && k.outage_maybe_us == 0);
}

static void a_way_carries_once_a_packet_that_left_behind_its_change_is_answered(void **state)
{
    (void)state;
    drill_measure_route(&m, r, &names, 0, "onprem", START + 30);
    report->error_us = 5;
    report->summary.newest_good_us = START + 35;
    take(START + 40);
    assert_int_equal(drill_measure_known(&m).carried_us, 0);
    report->summary.newest_good_us = START + 36;
    take(START + 40);
    assert_int_equal(drill_measure_known(&m).carried_us, START + 31);
}

/* An answer may be as late as the latest so far; by another way later still. */
static void silence_is_an_outage_once_no_answer_can_be_under_way(void **state)
{
    struct drill_known k;
    (void)state;
    report->summary = (struct probe_summary){.newest_good_us = START,
                                             .waiting_us = START + KD_MS(10),
                                             .now_us = START + KD_MS(50),
                                             .rtt_max_us = KD_MS(40)};
    take(START + KD_S(9)); /* a report that comes late says nothing of now */
    k = drill_measure_known(&m);
    assert_true(k.outage_us == 0 && k.outage_maybe_us == 0);
    report->summary.now_us = START + KD_MS(250);
    take(START + KD_S(9));
    k = drill_measure_known(&m);
    assert_true(k.outage_us == 0 && k.outage_maybe_us == KD_MS(210));
    report->summary.now_us = START + KD_S(2);
    take(START + KD_S(9));
    assert_int_equal(drill_measure_known(&m).outage_us, KD_MS(1760));
    report->summary.newest_good_us = 0; /* there never was an answer: since when isn't known */
    take(START + KD_S(9));
    k = drill_measure_known(&m);
    assert_true(k.outage_us == 0 && k.carried_us == 0);
}

static void a_prober_that_was_not_let_send_makes_no_outage(void **state)
{
    struct drill_known k;
    (void)state;
    report->summary = (struct probe_summary){.newest_good_us = START, .now_us = START + KD_S(2)};
    take(START + KD_S(2));
    k = drill_measure_known(&m);
    assert_true(k.outage_us == 0 && k.outage_maybe_us == 0);
    report->summary.waiting_us = START + KD_MS(1990); /* the first one since */
    take(START + KD_S(2));
    k = drill_measure_known(&m);
    assert_true(k.outage_us == 0 && k.outage_maybe_us == KD_MS(2000));
    report->summary.rtt_max_us = KD_MS(10);
    take(START + KD_S(2));
    assert_int_equal(drill_measure_known(&m).outage_maybe_us, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_way_has_the_name_one_of_whose_hops_is_on_it),
        T(a_way_that_two_names_fit_has_none),
        T(where_hops_say_nothing_the_best_routes_neighbor_does),
        T(without_names_a_way_has_its_neighbors),
        T(a_way_told_again_with_a_hop_that_was_silent_is_one_way_and_gets_its_name),
        T(a_report_goes_into_the_result),
        T(marks_of_this_clock_stay_as_sure_as_they_were),
        T(the_outage_since_a_mark_is_the_longest_that_reaches_beyond_it),
        T(packets_lost_before_the_mark_and_judged_behind_it_dont_count),
        T(packets_passed_over_are_known_before_their_time_is_up),
        T(a_way_carries_once_a_packet_that_left_behind_its_change_is_answered),
        T(silence_is_an_outage_once_no_answer_can_be_under_way),
        T(a_prober_that_was_not_let_send_makes_no_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
