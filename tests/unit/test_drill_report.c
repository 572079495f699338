/* The page of a drill: what is in the result is in it, nothing of it can become markup, and it asks
 * for nothing from elsewhere. DRILL_REPORT=FILE leaves the page for who wants to look at it. */
#include "drill/page.h"
#include "drill/report.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START KD_S(5000)
#define WALL  UINT64_C(1795226400123456)
#define CUT   (START + KD_MS(4012)) /* the primary's last packet but one */

static struct drill_result *r;
static char *html;

static int setup(void **state)
{
    (void)state;
    r = calloc(1, sizeof(*r));
    drill_result_begin(r, "er-outage", START, WALL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(r);
    free(html);
    html = NULL;
    return 0;
}

static void render(const struct drill_stats *stats)
{
    size_t len;
    free(html);
    html = drill_report_html(r, stats, &len);
    assert_non_null(html);
    assert_int_equal(strlen(html), len);
}

static unsigned times(const char *what)
{
    unsigned n = 0;
    for (const char *at = html; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void path(uint64_t at_us, const char *name, uint32_t middle)
{
    struct drill_path *p = drill_result_path(r, DRILL_BY_PROBE, at_us, name);
    p->hops = (struct probe_path){.n = 3, .reached = true};
    p->hops.hop[0] = kd_addr_v4(0x0a010b01);
    if (middle)
        p->hops.hop[1] = kd_addr_v4(middle);
    p->hops.hop[2] = kd_addr_v4(0x0a110b84);
}

static void step(const char *text, uint64_t from_us, uint64_t to_us, enum drill_outcome outcome)
{
    struct drill_step_result *s = drill_result_step(r, from_us, text);
    s->end_us = to_us - START;
    s->outcome = outcome;
}

/* Seed 002's drill as it would be: ExpressRoute cut at 4 s, back at 34 s. */
static void fill(void)
{
    const struct probe_outage o = {.first_seq = 401,
                                   .lost = 9,
                                   .last_good_us = CUT,
                                   .first_good_us = CUT + KD_MS(98),
                                   .counted = true,
                                   .lost_out = 6,
                                   .lost_back = 3};

    strcpy(r->node, "azure");
    strcpy(r->version, "0.1.0");
    strcpy(r->probe_to, "10.17.11.132");
    r->probe_every_us = KD_MS(10);
    for (unsigned i = 0; i < 4200; i++) {
        bool lost = i > 401 && i <= 410;
        unsigned rtt = (i < 402 || i > 3405 ? 800 : 2300) + (i * 7919u) % 300;
        drill_result_packet(r, START + KD_MS(10) * i, !lost, rtt);
    }
    path(START + KD_MS(200), "expressroute", 0xc0a80b12);
    path(CUT + KD_MS(310), "vpn", 0);
    path(START + KD_S(35), "expressroute", 0xc0a80b12);
    r->before = 0;
    r->during = 1;
    r->after = 2;
    step("shutdown neighbor msee-primary", START + KD_S(4), START + KD_MS(4002), DRILL_DONE);
    step("shutdown neighbor msee-secondary", START + KD_MS(4002), START + KD_MS(4003), DRILL_DONE);
    step("expect path vpn within 1s, outage at most 1s, routes unchanged", START + KD_MS(4003),
         START + KD_MS(5100), DRILL_DONE);
    step("hold 30s", START + KD_MS(5100), START + KD_MS(34100), DRILL_DONE);
    step("restore all", START + KD_MS(34100), START + KD_MS(34160), DRILL_DONE);
    step("expect path expressroute within 5s", START + KD_MS(34160), START + KD_S(36), DRILL_DONE);
    drill_result_outage(r, &o);
    drill_result_mark(r, DRILL_DETECTION, DRILL_BY_DAEMON, CUT + KD_MS(22), "msee-primary");
    drill_result_mark(r, DRILL_BGP_STOP, DRILL_BY_DAEMON, CUT + KD_MS(22) + 140, "msee-primary");
    drill_result_mark(r, DRILL_FIB, DRILL_BY_DAEMON, CUT + KD_MS(61), "msee-primary");
    drill_result_mark(r, DRILL_RESTORE, DRILL_BY_DAEMON, START + KD_MS(34160), "");
    drill_result_event(r, CUT + KD_MS(22), "bfd.state", "msee-primary",
                       "state=down reason=timeout");
    drill_result_event(r, CUT + KD_MS(22), "bgp.stop", "msee-primary", "reason=bfd-down");
    drill_result_event(r, CUT + KD_MS(23), "bgp.state", "msee-primary", "state=Idle");
    drill_result_event(r, CUT + KD_MS(61), "fib.clear", "msee-primary", "routes=4000");
    drill_result_event(r, START + KD_S(20), "ike.rekeyed", "onprem", "suite=aes256gcm16");
    drill_result_event(r, START + KD_MS(34500), "bgp.state", "msee-primary", "state=Established");
    drill_result_event(r, START + KD_MS(34510), "bfd.state", "msee-primary", "state=up");
    *drill_result_routes(r, "onprem") =
        (struct drill_routes){.neighbor = "onprem", .before = 4000, .during = 4000, .after = 4000};
    r->loss = (struct drill_loss){.sent = 4200,
                                  .answered = 4191,
                                  .lost = 9,
                                  .counted = true,
                                  .lost_out = 6,
                                  .lost_back = 3,
                                  .outages = 1,
                                  .longest_us = KD_MS(98)};
    drill_result_end(r, START + KD_S(42), DRILL_PASSED, "");
}

static void leave(void)
{
    const char *name = getenv("DRILL_REPORT");
    FILE *f = name ? fopen(name, "w") : NULL;
    if (f) {
        fputs(html, f);
        fclose(f);
    }
}

static void the_page_says_what_the_result_says(void **state)
{
    static const char *const said[] = {
        "<h1>Failover drill er-outage</h1>",
        "2026-11-21 02:00:00 UTC, 42.0 s, on azure",
        "class=\"verdict passed\">passed<",
        "<dd>98.0 ms<small>1 outage</small>",
        "<dd>9<small>of 4200 sent; 6 out, 3 back</small>",
        "<dt>Detected to routes moved</dt><dd>39.0 ms",
        "<dd>vpn<small>before expressroute, after expressroute</small>",
        "<code>10.1.11.1 * 10.17.11.132</code>",
        "98.0 ms, 9 lost (6 out, 3 back)",
        "p50 of 4; p95 130 ms; 3 of 4 passed",
        "shutdown neighbor msee-secondary",
        "<td class=\"n\">4.0120 s</td>",
        ">Detected +22.0 ms<",
    };
    const struct drill_stats stats = {
        .runs = 4, .passed = 3, .measured = 4, .p50_us = KD_MS(98), .p95_us = KD_MS(130)};
    (void)state;
    fill();
    render(&stats);
    leave();
    for (size_t i = 0; i < KD_ARRAY_LEN(said); i++)
        if (!strstr(html, said[i]))
            fail_msg("not in the page: %s", said[i]);
    assert_int_equal(times("<svg viewBox"), 2);
}

static void the_page_asks_for_nothing_from_elsewhere(void **state)
{
    (void)state;
    fill();
    render(NULL);
    assert_int_equal(times("<script"), 0);
    assert_int_equal(times("http://") + times("https://"), 0);
    assert_int_equal(times("src="), 0);
    assert_int_equal(times("url("), 1); /* the hatching, inside the page */
    assert_int_equal(times("url(#hatch)"), 1);
    assert_int_equal(times("href="), 1);
    assert_int_equal(times("href=\"data:,\""), 1);
}

/* Wherever a result holds text: each place with markup that would show. */
static void no_text_of_others_becomes_markup(void **state)
{
    static const char bad[] = "<b a='1' c=\"2\">&x</b>\x1b\xe2\x80\xae";
    (void)state;
    drill_result_begin(r, bad, START, WALL);
    fill();
    strcpy(r->drill, bad);
    strcpy(r->node, bad);
    strcpy(r->version, "<b>");
    drill_result_end(r, START + KD_S(42), DRILL_FAILED, bad);
    for (unsigned i = 0; i < r->n_steps; i++) {
        strcpy(r->step[i].text, bad);
        strcpy(r->step[i].detail, bad);
    }
    for (unsigned i = 0; i < r->n_marks; i++)
        strcpy(r->mark[i].what, bad);
    for (unsigned i = 0; i < r->n_paths; i++) {
        strcpy(r->path[i].name, bad);
        r->path[i].source = DRILL_BY_DAEMON;
        strcpy(r->path[i].text, bad);
    }
    strcpy(r->routes[0].neighbor, bad);
    for (unsigned i = 0; i < r->n_events; i++) {
        strcpy(r->event[i].name, "<b>");
        strcpy(r->event[i].what, bad);
        strcpy(r->event[i].detail, bad);
    }
    render(NULL);
    assert_int_equal(times("<b>") + times("<b a") + times("</b>"), 0);
    assert_int_equal(times("\x1b") + times("\xe2\x80\xae"), 0);
    assert_non_null(strstr(html, "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;x&lt;/b&gt;??"));
}

static void hops_that_no_name_fits_are_no_other_way_in_the_picture(void **state)
{
    (void)state;
    path(START, "expressroute", 0);
    path(START + KD_S(4), "vpn", 0);
    path(START + KD_S(5), "", 0); /* its hops, seen a second later */
    path(START + KD_S(6), "vpn", 0);
    path(START + KD_S(34), "expressroute", 0);
    drill_result_end(r, START + KD_S(42), DRILL_PASSED, "");
    render(NULL);
    assert_int_equal(times("<title>path expressroute</title>"), 2); /* the whole drill's */
    assert_int_equal(times("<title>path vpn</title>"), 1);
    assert_int_equal(times("<title>path (unnamed)</title>"), 0);
    assert_int_equal(times("<tr><td class=\"n\">5.000"), 1); /* but said */
}

static void what_led_to_an_outage_shortly_before_it_is_in_the_picture(void **state)
{
    const struct probe_outage o = {
        .lost = 8, .last_good_us = START + KD_MS(1192), .first_good_us = START + KD_MS(1237)};
    (void)state;
    drill_result_outage(r, &o);
    drill_result_mark(r, DRILL_BGP_STOP, DRILL_BY_DAEMON, START + KD_MS(1123), "ce-primary");
    drill_result_mark(r, DRILL_DETECTION, DRILL_BY_DAEMON, START + KD_MS(900), "another");
    drill_result_end(r, START + KD_S(3), DRILL_PASSED, "");
    render(NULL);
    assert_int_equal(times(">BGP stopped -69.0 ms<"), 1);
    assert_int_equal(times(">Detected -"), 0); /* too long ago to be of it */
}

static void an_outage_to_the_end_is_drawn_to_the_end(void **state)
{
    const struct probe_outage o = {.first_seq = 1, .lost = 100, .last_good_us = START + KD_S(1)};
    (void)state;
    drill_result_packet(r, START, true, 900);
    drill_result_outage(r, &o);
    drill_result_end(r, START + KD_S(2), DRILL_ABORTED, "Ctrl-C");
    render(NULL);
    assert_non_null(strstr(html, "1.000 s without an answer, 100 packets lost"));
    assert_non_null(strstr(html, "to the end"));
    assert_non_null(strstr(html, "class=\"why\">Ctrl-C<"));
}

static void an_empty_result_is_a_page_as_well(void **state)
{
    (void)state;
    render(NULL);
    assert_int_equal(times("<svg viewBox"), 1); /* nothing to see from close by */
    assert_int_equal(times("<table>"), 0);
    assert_non_null(strstr(html, "</html>"));
}

/* Every list as long as it may be, every text too: no line of ours is longer than its buffer. */
static void a_full_result_fits_in_the_page(void **state)
{
    char text[DRILL_TEXT_MAX];
    struct drill_path *p;
    (void)state;
    memset(text, '&', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (unsigned i = 0; i < DRILL_STEPS_MAX; i++)
        drill_result_step(r, START + i, text);
    for (unsigned i = 0; i < DRILL_MARKS_MAX; i++)
        drill_result_mark(r, (enum drill_mark_kind)(i % DRILL_MARK_N), DRILL_BY_KERNEL,
                          i % 5 ? START + i * KD_S(1) : KD_NEVER, text);
    while ((p = drill_result_path(r, DRILL_BY_PROBE, START + KD_S(r->n_paths), text)) != NULL)
        p->hops.n = PROBE_HOPS_MAX;
    for (unsigned i = 0; i < DRILL_EVENTS_MAX; i++)
        drill_result_event(r, START + KD_S(i), "bgp.state", text, text);
    for (uint64_t i = 0; i < 5 * DRILL_BUCKETS_MAX; i++)
        drill_result_packet(r, START + i * KD_S(1), i % 3 > 0, UINT64_MAX);
    drill_result_end(r, START + KD_S(24 * 3600), DRILL_PASSED, text);
    render(NULL);
    assert_non_null(strstr(html, "</html>"));
}

static void times_are_written_as_people_do(void **state)
{
    static const struct {
        uint64_t us;
        const char *text;
    } rows[] = {
        {0, "0 us"},        {999, "999 us"},      {1000, "1.0 ms"},       {99900, "99.9 ms"},
        {100000, "100 ms"}, {1250000, "1.250 s"}, {119900000, "119.9 s"}, {130000000, "2 min 10 s"},
        {KD_NEVER, "-"},
    };
    char buf[DRILL_TIME_TEXT];
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        assert_string_equal(drill_page_time(rows[i].us, buf), rows[i].text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_page_says_what_the_result_says),
        T(the_page_asks_for_nothing_from_elsewhere),
        T(no_text_of_others_becomes_markup),
        T(hops_that_no_name_fits_are_no_other_way_in_the_picture),
        T(what_led_to_an_outage_shortly_before_it_is_in_the_picture),
        T(an_outage_to_the_end_is_drawn_to_the_end),
        T(an_empty_result_is_a_page_as_well),
        T(a_full_result_fits_in_the_page),
        T(times_are_written_as_people_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
