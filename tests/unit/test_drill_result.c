/* A drill's result: what is put in is bounded, and as JSON it comes back as it went; the nearest
 * thing that was not written by kedge is refused with its place. */
#include "control/drill_result.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START KD_S(5000)
#define WALL  UINT64_C(1795226400123456) /* 2026-11-21T02:00:00.123456Z */

static struct drill_result *r, *again;
static struct ctl_fields_error error;

static int setup(void **state)
{
    (void)state;
    r = calloc(1, sizeof(*r));
    again = calloc(1, sizeof(*again));
    drill_result_begin(r, "er-outage", START, WALL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(r);
    free(again);
    return 0;
}

/* One of everything. */
static void fill(void)
{
    static const struct probe_outage o = {.first_seq = 100,
                                          .lost = 7,
                                          .last_good_us = START + KD_MS(990),
                                          .first_good_us = START + KD_MS(1070),
                                          .counted = true,
                                          .lost_out = 5,
                                          .lost_back = 2};
    struct drill_path *p;

    r->probe_every_us = KD_MS(10);
    strcpy(r->probe_to, "10.17.11.132");
    drill_result_step(r, START, "shutdown neighbor msee-primary")->outcome = DRILL_DONE;
    drill_result_mark(r, DRILL_DETECTION, DRILL_BY_DAEMON, START + KD_S(1), "msee-primary");
    drill_result_outage(r, &o);
    p = drill_result_path(r, DRILL_BY_PROBE, START, "expressroute");
    p->hops.n = 3;
    p->hops.reached = true;
    p->hops.hop[0] = kd_addr_v4(0x0a010b01);
    p->hops.hop[2] = kd_addr_v4(0x0a110b84);
    r->before = 0;
    drill_result_routes(r, "onprem")->before = 4000;
    drill_result_event(r, START + KD_S(1), "bgp.stop", "msee-primary", "reason=admin");
    drill_result_packet(r, START + KD_MS(5), true, 730);
    drill_result_packet(r, START + KD_MS(15), false, 0);
    drill_result_end(r, START + KD_S(40), DRILL_FAILED, "outage 80 ms, allowed 50 ms");
}

static void a_result_comes_back_from_json_as_it_went(void **state)
{
    json_t *a, *b;
    (void)state;
    fill();
    a = ctl_drill_json(r);
    assert_true(ctl_drill_parse(a, again, &error));
    r->start_us = 0; /* of this boot only */
    assert_memory_equal(r, again, sizeof(*r));
    b = ctl_drill_json(again);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
}

static void what_did_not_happen_is_null(void **state)
{
    json_t *o;
    (void)state;
    drill_result_step(r, START, "hold 30s");
    o = ctl_drill_json(r);
    assert_true(json_is_null(json_object_get(o, "during")));
    assert_true(
        json_is_null(json_object_get(json_array_get(json_object_get(o, "steps"), 0), "end_us")));
    assert_true(ctl_drill_parse(o, again, &error));
    assert_true(again->step[0].end_us == KD_NEVER && again->during == DRILL_NO_PATH);
    json_decref(o);
}

/* One thing changed in what ctl_drill_json() wrote;. */
static void what_kedge_did_not_write_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *list, *key, *value, *place;
    } rows[] = {
        {NULL, "version", "2", "format 2"},
        {NULL, "verdict", "\"won\"", "verdict"},
        {NULL, "length_us", "-1", "length_us"},
        {NULL, "length_us", "1.5", "length_us"},
        {NULL, "kedge", "7", "kedge"},
        {NULL, "forced", "1", "forced"},
        {NULL, "before", "1", "before"},
        {NULL, "steps", "{}", "steps"},
        {NULL, "loss", "[]", "loss.sent"},
        {NULL, "bucket_us", "\"1\"", "bucket_us"},
        {"marks", "kind", "\"end\"", "marks[0].kind"},
        {"marks", "what", "\"0123456789012345678901234567890123456789012345678901234567890123\"",
         "marks[0].what"},
        {"marks", "what", "\"a\\u0000b\"", "marks[0].what"},
        {"paths", "hops", "[\"10.0.0\"]", "paths[0]"},
        {"paths", "hops", "[7]", "paths[0]"},
        {"outages", "first_good_us", "7", "outages[0]"}, /* before the last good one */
        {"outages", "last_good_us", "null", "outages[0]"},
        {NULL, "length_us", "null", "length_us"},
        {NULL, "length_us", "72057594037927937", "length_us"},
        {"events", "of", "null", "events[0].of"},
        {"buckets", "lost", "4294967296", "buckets[0].lost"},
    };
    (void)state;
    fill();
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        json_t *o = ctl_drill_json(r);
        json_t *in = rows[i].list ? json_array_get(json_object_get(o, rows[i].list), 0) : o;
        assert_int_equal(
            json_object_set_new(in, rows[i].key,
                                json_loads(rows[i].value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)),
            0);
        assert_false(ctl_drill_parse(o, again, &error));
        assert_non_null(strstr(error.text, rows[i].place));
        json_decref(o);
    }
    assert_false(ctl_drill_parse(NULL, again, &error));
}

static void one_more_than_a_list_holds_is_refused(void **state)
{
    json_t *o, *steps;
    (void)state;
    for (unsigned i = 0; i < DRILL_STEPS_MAX; i++)
        assert_non_null(drill_result_step(r, START, "hold 1s"));
    assert_null(drill_result_step(r, START, "hold 1s"));
    o = ctl_drill_json(r);
    assert_true(ctl_drill_parse(o, again, &error));
    steps = json_object_get(o, "steps");
    json_array_append(steps, json_array_get(steps, 0));
    assert_false(ctl_drill_parse(o, again, &error));
    json_decref(o);
}

static void events_beyond_the_room_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DRILL_EVENTS_MAX + 3; i++)
        drill_result_event(r, START + i, "route.add", "", "");
    assert_int_equal(r->n_events, DRILL_EVENTS_MAX);
    assert_int_equal(r->events_left_out, 3);
    assert_int_equal(r->event[0].of, DRILL_EV_FIB);
}

static void an_events_class_is_told_by_its_name(void **state)
{
    (void)state;
    drill_result_event(r, START, "tunnel.detect", "", "");
    drill_result_event(r, START, "bfd.state", "", "");
    drill_result_event(r, START, "daemon.reload", "", "");
    assert_int_equal(r->event[0].of, DRILL_EV_IKE);
    assert_int_equal(r->event[1].of, DRILL_EV_BFD);
    assert_int_equal(r->event[2].of, DRILL_EV_OTHER);
}

static void a_text_is_cut_between_characters(void **state)
{
    char name[2 * DRILL_NAME_MAX];
    (void)state;
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    memcpy(name + DRILL_NAME_MAX - 2, "\xc3\xa4", 2); /* would end one octet too late */
    drill_result_begin(r, name, START, WALL);
    assert_int_equal(strlen(r->drill), DRILL_NAME_MAX - 2);
    memcpy(name + DRILL_NAME_MAX - 3,
           "\xc3\xa4"
           "a",
           3); /* fits */
    drill_result_begin(r, name, START, WALL);
    assert_int_equal(strlen(r->drill), DRILL_NAME_MAX - 1);
}

static void a_drill_is_known_by_its_start(void **state)
{
    char id[DRILL_ID_MAX];
    (void)state;
    assert_string_equal(drill_result_id(WALL, id), "20261121T020000.123Z");
}

static void an_outage_leaves_its_two_marks_in_the_order_of_time(void **state)
{
    (void)state;
    fill();
    assert_int_equal(r->n_marks, 3);
    assert_int_equal(r->mark[0].kind, DRILL_LAST_GOOD);
    assert_int_equal(r->mark[0].at_us, KD_MS(990));
    assert_int_equal(r->mark[0].precision_us, KD_MS(10));
    assert_int_equal(r->mark[1].kind, DRILL_DETECTION);
    assert_int_equal(r->mark[2].kind, DRILL_FIRST_GOOD);
}

static void an_outage_that_goes_on_has_no_first_good_packet(void **state)
{
    struct probe_outage o = {.first_seq = 1, .lost = 3, .last_good_us = START + 5};
    (void)state;
    drill_result_outage(r, &o);
    assert_int_equal(r->n_marks, 1);
    assert_true(r->outage[0].first_good_us == KD_NEVER);
}

static void loss_counts_an_outage_that_goes_on_up_to_now(void **state)
{
    struct probe_summary s = {.longest = {.lost = 3, .last_good_us = KD_S(10)}, .open = true};
    (void)state;
    drill_result_loss(r, &s, KD_S(12));
    assert_int_equal(r->loss.longest_us, KD_S(2));
    s.longest.first_good_us = KD_S(11);
    drill_result_loss(r, &s, KD_S(12));
    assert_int_equal(r->loss.longest_us, KD_S(1));
}

static void the_path_of_a_moment_is_the_last_one_seen_before(void **state)
{
    (void)state;
    assert_int_equal(drill_result_path_at(r, START), DRILL_NO_PATH);
    drill_result_path(r, DRILL_BY_PROBE, START + 10, "expressroute");
    drill_result_path(r, DRILL_BY_PROBE, START + 20, "vpn");
    assert_int_equal(drill_result_path_at(r, START + 9), DRILL_NO_PATH);
    assert_int_equal(drill_result_path_at(r, START + 10), 0);
    assert_int_equal(drill_result_path_at(r, START + 20), 1);
}

static void buckets_widen_and_lose_no_packet(void **state)
{
    const struct drill_bucket one = {.answered = 1, .lost = 2, .rtt_max_us = 3};
    uint64_t answered = 0, lost = 0;
    (void)state;
    for (uint64_t ms = 0; ms < 5000; ms++)
        drill_samples_add(&r->samples, KD_MS(ms), &one);
    assert_int_equal(r->samples.width_us, KD_MS(8));
    assert_int_equal(r->samples.n, 5000 / 8);
    for (unsigned i = 0; i < r->samples.n; i++) {
        answered += r->samples.b[i].answered;
        lost += r->samples.b[i].lost;
        assert_int_equal(r->samples.b[i].rtt_max_us, 3);
    }
    assert_int_equal(answered, 5000);
    assert_int_equal(lost, 10000);
}

static void the_last_bucket_holds_its_last_microsecond(void **state)
{
    const struct drill_bucket one = {.answered = 1};
    (void)state;
    drill_samples_add(&r->samples, KD_MS(DRILL_BUCKETS_MAX) - 1, &one);
    assert_int_equal(r->samples.width_us, KD_MS(1));
    drill_samples_add(&r->samples, KD_MS(DRILL_BUCKETS_MAX), &one);
    assert_int_equal(r->samples.width_us, KD_MS(2));
    assert_int_equal(r->samples.n, DRILL_BUCKETS_MAX / 2 + 1);
}

static void what_the_daemon_says_becomes_events_and_marks(void **state)
{
    struct core_event_record ev = {
        .note = CORE_NOTE_DETECT, .now_us = START + KD_S(2), .reason = KD_REASON_UNREACHABLE};
    struct ctl_names names = {.tunnel = "onprem"};
    (void)state;
    ctl_drill_note(r, &ev, &names);
    ev.note = CORE_NOTE_BFD_STATE; /* came up: no detection */
    ctl_drill_note(r, &ev, &names);
    ev.note = CORE_NOTE_FIB_CLEAR;
    ev.now_us += 700;
    ctl_drill_note(r, &ev, &names);
    assert_int_equal(r->n_events, 3);
    assert_string_equal(r->event[0].name, "tunnel.detect");
    assert_string_equal(r->event[0].what, "onprem");
    assert_non_null(strstr(r->event[0].detail, "reason=unreachable"));
    assert_int_equal(r->n_marks, 2);
    assert_int_equal(r->mark[0].kind, DRILL_DETECTION);
    assert_int_equal(r->mark[1].kind, DRILL_FIB);
    assert_int_equal(r->mark[1].at_us, KD_S(2) + 700);
    assert_int_equal(r->mark[1].precision_us, 0);
}

static void say(enum core_note note, uint64_t at_us, const char *neighbor)
{
    const struct core_event_record ev = {
        .note = note, .now_us = START + at_us, .bstate = BGP_ESTABLISHED};
    const struct ctl_names names = {.neighbor = neighbor};
    ctl_drill_note(r, &ev, &names);
}

static void an_attempt_that_fails_after_the_restore_is_no_second_stop(void **state)
{
    struct core_event_record ev = {.note = CORE_NOTE_BGP_STOP, .reason = KD_REASON_TCP_CLOSED};
    struct ctl_names names = {.neighbor = "msee"};
    (void)state;
    say(CORE_NOTE_BGP_STOP, KD_S(1), "msee");
    for (ev.bstate = BGP_OPENSENT; ev.bstate < BGP_ESTABLISHED; ev.bstate++) {
        ev.now_us = START + KD_S(2);
        ctl_drill_note(r, &ev, &names);
    }
    assert_int_equal(r->n_events, 3); /* each is said, */
    assert_int_equal(r->n_marks, 1);  /* one is a moment of the failover */
    assert_int_equal(r->mark[0].at_us, KD_S(1));
    say(CORE_NOTE_BGP_STOP, KD_S(3), "msee"); /* it had come back */
    assert_int_equal(r->n_marks, 2);
}

static void thousands_of_routes_that_move_are_one_event_and_a_mark_at_either_end(void **state)
{
    (void)state;
    say(CORE_NOTE_BGP_STOP, KD_S(1), "msee");
    say(CORE_NOTE_ROUTE_DEL, KD_S(1) + 10, NULL);
    assert_int_equal(r->n_marks, 2); /* one alone is its own first */
    for (unsigned i = 1; i < 4000; i++)
        say(i % 2 ? CORE_NOTE_ROUTE_ADD : CORE_NOTE_ROUTE_DEL, KD_S(1) + 10 * (i + 1), NULL);
    assert_int_equal(r->n_events, 2);
    assert_string_equal(r->event[1].name, "fib.moved");
    assert_string_equal(r->event[1].detail, "routes=4000 took_us=39990");
    assert_int_equal(r->n_marks, 3);
    assert_int_equal(r->mark[1].kind, DRILL_FIB);
    assert_string_equal(r->mark[1].what, "msee");
    assert_int_equal(r->mark[2].kind, DRILL_FIB_FIRST);
    assert_string_equal(r->mark[2].what, "msee");
    assert_int_equal(r->mark[2].at_us, KD_S(1) + 10);
    assert_int_equal(r->mark[1].at_us, KD_S(1) + 40000); /* the last of them is in the kernel */
    say(CORE_NOTE_ROUTE_ADD, KD_S(5), NULL);             /* a second later: something else */
    assert_int_equal(r->n_events, 3);
    assert_int_equal(r->n_marks, 3);
}

static void routes_behind_a_failover_that_is_done_leave_no_second_mark(void **state)
{
    (void)state;
    say(CORE_NOTE_BGP_STOP, KD_S(1), "onprem");
    say(CORE_NOTE_FIB_CLEAR, KD_S(1) + 500, "onprem"); /* the groups carry */
    say(CORE_NOTE_ROUTE_ADD, KD_S(1) + 900, NULL);
    assert_int_equal(r->n_marks, 2);
    assert_int_equal(r->mark[1].at_us, KD_S(1) + 500);
}

static void routes_that_move_by_themselves_are_no_mark(void **state)
{
    (void)state;
    say(CORE_NOTE_ROUTE_ADD, KD_S(1), NULL);
    assert_int_equal(r->n_marks, 0);
    say(CORE_NOTE_BGP_STOP, KD_S(3), "msee");
    say(CORE_NOTE_ROUTE_ADD, KD_S(14), NULL); /* too late to be of it */
    assert_int_equal(r->n_marks, 1);
}

static void routes_that_move_because_of_a_step_are_a_mark_without_a_stop_of_ours(void **state)
{
    (void)state;
    drill_result_await(r, START + KD_S(1), false); /* a link was cut beyond our neighbors */
    say(CORE_NOTE_ROUTE_DEL, KD_S(1) + 900000, NULL);
    assert_int_equal(r->n_marks, 1);
    assert_int_equal(r->mark[0].kind, DRILL_FIB);
    assert_string_equal(r->mark[0].what, "");
    say(CORE_NOTE_ROUTE_ADD, KD_S(4), NULL); /* and later ones by themselves */
    assert_int_equal(r->n_marks, 1);
    drill_result_await(r, START + KD_S(5), false);
    say(CORE_NOTE_ROUTE_ADD, KD_S(15), NULL); /* too late to be of it */
    assert_int_equal(r->n_marks, 1);
}

static void what_moves_back_is_not_the_stops_that_came_before(void **state)
{
    (void)state;
    drill_result_await(r, START + KD_S(1), false);
    say(CORE_NOTE_BGP_STOP, KD_S(1), "one");
    say(CORE_NOTE_ROUTE_DEL, KD_S(1) + 10, NULL);
    drill_result_await(r, START + KD_S(1) + 20, false);
    say(CORE_NOTE_BGP_STOP, KD_S(1) + 30, "two"); /* its routes moved with the others */
    drill_result_await(r, START + KD_S(2), true);
    say(CORE_NOTE_ROUTE_ADD, KD_S(2) + 50, NULL);
    assert_int_equal(r->n_marks, 4);
    assert_int_equal(r->mark[3].kind, DRILL_FIB);
    assert_string_equal(r->mark[3].what, "");
    assert_int_equal(r->mark[3].at_us, KD_S(2) + 50);
    say(CORE_NOTE_ROUTE_ADD, KD_S(4), NULL);
    assert_int_equal(r->n_marks, 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_result_comes_back_from_json_as_it_went),
        T(what_did_not_happen_is_null),
        T(what_kedge_did_not_write_is_refused_with_its_place),
        T(one_more_than_a_list_holds_is_refused),
        T(events_beyond_the_room_are_counted),
        T(an_events_class_is_told_by_its_name),
        T(a_text_is_cut_between_characters),
        T(a_drill_is_known_by_its_start),
        T(an_outage_leaves_its_two_marks_in_the_order_of_time),
        T(an_outage_that_goes_on_has_no_first_good_packet),
        T(loss_counts_an_outage_that_goes_on_up_to_now),
        T(the_path_of_a_moment_is_the_last_one_seen_before),
        T(buckets_widen_and_lose_no_packet),
        T(the_last_bucket_holds_its_last_microsecond),
        T(what_the_daemon_says_becomes_events_and_marks),
        T(an_attempt_that_fails_after_the_restore_is_no_second_stop),
        T(thousands_of_routes_that_move_are_one_event_and_a_mark_at_either_end),
        T(routes_behind_a_failover_that_is_done_leave_no_second_mark),
        T(routes_that_move_by_themselves_are_no_mark),
        T(routes_that_move_because_of_a_step_are_a_mark_without_a_stop_of_ours),
        T(what_moves_back_is_not_the_stops_that_came_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
