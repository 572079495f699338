/* A drill's file: every form accepted, and beside it the nearest one refused, with place and
 * remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "config/config.h"

static const struct drill_neighbor neighbors[] = {
    {.name = "msee-primary", .id = 1024},
    {.name = "msee-secondary", .id = 1025},
    {.name = "vpn-a", .id = 0, .tunnel = true, .azure = true},
    {.name = "vpn-b", .id = 1, .tunnel = true},
    {.name = "asleep", .id = 1026, .admin_down = true},
};
static const struct drill_tunnel tunnels[] = {
    {.name = "a", .id = 0},
    {.name = "answers", .id = 1, .responder = true},
    {.name = "off", .id = 2, .disabled = true},
};
static const struct drill_world world = {KD_ARRAY_LEN(neighbors), KD_ARRAY_LEN(tunnels), neighbors,
                                         tunnels};

static bool parse(const char *text, struct drill_plan *p, struct config_errors *e)
{
    return config_drill_parse(kd_bytes_str(text), "drill.yaml", &world, p, e);
}

static void good(const char *text, struct drill_plan *p)
{
    struct config_errors e;
    bool ok = parse(text, p, &e);

    if (!ok)
        print_message("%s\n%u:%u: %s\n", text, e.e[0].line, e.e[0].col, e.e[0].text);
    assert_true(ok);
}

/* Refused in that line, in words that hold these. */
static void refused(const char *text, uint32_t line, const char *words)
{
    struct drill_plan p;
    struct config_errors e;

    assert_false(parse(text, &p, &e));
    if (e.e[0].line != line || !strstr(e.e[0].text, words))
        print_message("%s\nsaid in line %u: %s\nwanted in line %u: %s\n", text, e.e[0].line,
                      e.e[0].text, line, words);
    assert_int_equal(e.e[0].line, line);
    assert_non_null(strstr(e.e[0].text, words));
}

/* One step, with a probe: it stands in line 4. */
static const char *with(const char *step)
{
    static char text[4096];

    snprintf(text, sizeof(text),
             "drill: d\nprobe: {agent: server, to: 10.0.0.9}\nsteps:\n  - %s\n", step);
    return text;
}

static void the_file_of_the_product_is_read_whole(void **state)
{
    static const char text[] =
        "drill: er-outage\n"
        "window: {days: [sat], from: \"02:00\", to: \"04:00\", timezone: UTC}\n"
        "require: ready\n"
        "probe: {agent: server, to: 10.17.11.132, every: 10ms}\n"
        "steps:\n"
        "  - shutdown: {neighbor: msee-primary}\n"
        "  - shutdown: {neighbor: msee-secondary}\n"
        "  - expect: {path: vpn, within: 1s, outage_max: 1s, routes_unchanged: true}\n"
        "  - hold: 30s\n"
        "  - restore: all\n"
        "  - expect: {path: expressroute, within: 5s}\n"
        "report: {html: true, json: true}\n";
    struct drill_plan p;

    (void)state;
    good(text, &p);
    assert_string_equal(p.name, "er-outage");
    assert_true(p.window.on && p.require_ready && p.html && p.json && p.probe.on);
    assert_int_equal(p.window.days, 1 << 6);
    assert_int_equal(p.window.from_min, 120);
    assert_int_equal(p.window.to_min, 240);
    assert_string_equal(p.probe.agent, "server");
    assert_int_equal(p.probe.every_us, 10000);
    assert_int_equal(p.n, 6);
    assert_int_equal(p.step[1].target, 1025);
    assert_int_equal(p.step[1].line, 7);
    assert_true(p.step[2].expect.has_outage && !p.step[2].expect.has_loss);
    assert_true(p.step[2].expect.routes_unchanged);
    assert_int_equal(p.step[5].expect.within_us, KD_S(5));
    assert_int_equal(p.limit_us, KD_S(60 + 1 + 30 + 5));
    assert_int_equal(p.lease_us, KD_S(10));
}

static void the_example_is_good(void **state)
{
    static char text[16384];
    FILE *f = fopen("conf/drill.yaml", "r");
    struct drill_plan p;

    (void)state;
    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    good(text, &p);
    assert_int_equal(p.n, 6);
}

static void every_step_is_accepted_and_says_what_takes_it_back(void **state)
{
    static const struct {
        const char *step, *say, *undo;
    } rows[] = {
        {"shutdown: {neighbor: msee-primary}", "shut neighbor msee-primary down",
         "enable neighbor msee-primary"},
        {"shutdown: {neighbor: msee-primary, how: silent}",
         "shut neighbor msee-primary down without a word", "enable neighbor msee-primary"},
        {"shutdown: {neighbor: vpn-b, how: graceful, after: 2s}",
         "tag what neighbor vpn-b is told GRACEFUL_SHUTDOWN, and shut it down after 2s",
         "enable neighbor vpn-b"},
        {"tunnel: {name: a}", "take tunnel a down", "bring tunnel a up"},
        {"tunnel: {name: answers, how: silent}", "take tunnel answers down without a word",
         "bring tunnel answers up"},
        {"drain: {neighbor: msee-primary, by: gshut}",
         "drain neighbor msee-primary by GRACEFUL_SHUTDOWN",
         "end the drain of neighbor msee-primary"},
        {"drain: {neighbor: vpn-a, by: local-pref}", "drain neighbor vpn-a by local preference",
         "end the drain of neighbor vpn-a"},
        {"drain: {neighbor: vpn-a, by: more-specific, over: [vpn-b]}",
         "drain neighbor vpn-a by more-specifics over vpn-b",
         "end the drain of neighbor vpn-a"},
        {"drain: {neighbor: msee-primary, by: more-specific}",
         "drain neighbor msee-primary by more-specifics over vpn-a vpn-b",
         "end the drain of neighbor msee-primary"},
        {"exec: {do: [/bin/sh, -c, \"a b\"], undo: [/bin/true], timeout: 1s}",
         "/bin/sh -c \"a b\"", "/bin/true"},
        {"expect: {loss_max: 0, within: 300ms}", "expect at most 0 packets lost within 300ms", ""},
        {"expect: {path: vpn, outage_max: 1s, loss_max: 3, routes_unchanged: true, within: 5s}",
         "expect path vpn, an outage of at most 1s, at most 3 packets lost, no route lost or new "
         "within 5s",
         ""},
        {"expect: {path: vpn, routes_unchanged: true, within: 5s}",
         "expect path vpn, no route lost or new within 5s", ""},
        {"hold: 1s", "hold for 1s", ""},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct drill_plan p;
        char buf[DRILL_SAY_MAX];
        good(with(rows[i].step), &p);
        assert_string_equal(drill_step_say(&p.step[0], buf), rows[i].say);
        assert_string_equal(drill_undo_say(&p.step[0], buf), rows[i].undo);
    }
}

static void what_could_not_be_taken_back_is_refused_in_its_line(void **state)
{
    static const struct {
        const char *step, *words;
    } rows[] = {
        {"shutdown: {neighbor: msee}", "there is no neighbor \"msee\"; there are: msee-primary"},
        {"shutdown: {neighbor: asleep}", "shut down already"},
        {"shutdown: {neighbor: vpn-a, how: graceful}", "ignores customers' communities"},
        {"shutdown: {neighbor: vpn-b, after: 2s}", "only with how: graceful"},
        {"shutdown: {neighbor: vpn-b, how: loud}", "announced"},
        {"enable: {neighbor: vpn-b}", "no step before has shut"},
        {"tunnel: {name: b}", "there is no tunnel \"b\"; there are: a"},
        {"tunnel: {name: answers}", "only answers"},
        {"tunnel: {name: off}", "down by command already"},
        {"tunnel: down", "tunnel is a map"},
        {"drain: {neighbor: vpn-a, by: gshut}",
         "Microsoft ignores customers' communities, gshut moves nothing there; allowed: by: "
         "more-specific"},
        {"drain: {neighbor: vpn-b, by: prepend}", "gshut"},
        {"drain: {neighbor: vpn-b, by: more-specific, over: [vpn-b]}", "the one being drained"},
        {"drain: {neighbor: vpn-b, by: more-specific, over: [x]}", "no neighbor \"x\""},
        {"drain: {neighbor: vpn-b, by: gshut, over: [vpn-a]}", "belongs to by: more-specific"},
        {"exec: {do: [/bin/true]}", "\"undo\" is missing"},
        {"exec: {do: /bin/true, undo: [/bin/true]}", "list of words, which no shell reads"},
        {"exec: {do: [true], undo: [/bin/true]}", "absolute path"},
        {"exec: {do: [/bin/true], undo: [true]}", "absolute path"},
        {"exec: {do: [/bin/true], undo: []}", "0 entries"},
        {"exec: {do: [/bin/true], undo: [/bin/true], timeout: 11m}", "timeout"},
        {"expect: {within: 1s}", "nothing is expected"},
        {"expect: {routes_unchanged: false}", "nothing is expected"},
        {"restore: all", "nothing before it"},
        {"restore: some", "allowed: all"},
        {"hold: 25h", "hold"},
        {"hold: 1s\n    restore: all", "does one thing"},
        {"sleep: 1s", "unknown key \"sleep\""},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        refused(with(rows[i].step), 4, rows[i].words);
}

static void what_came_before_counts(void **state)
{
    struct drill_plan p;

    (void)state;
    good(with("shutdown: {neighbor: vpn-b}\n  - enable: {neighbor: vpn-b}\n"
              "  - shutdown: {neighbor: vpn-b}"), &p);
    good(with("shutdown: {neighbor: vpn-b}\n  - restore: all\n  - shutdown: {neighbor: vpn-b}\n"
              "  - restore: all"), &p);
    good(with("drain: {neighbor: vpn-b, by: gshut}\n  - shutdown: {neighbor: vpn-b}"), &p);
    refused(with("shutdown: {neighbor: vpn-b}\n  - shutdown: {neighbor: vpn-b}"), 5,
            "shut down by step 1 already");
    refused(with("shutdown: {neighbor: vpn-b}\n  - drain: {neighbor: vpn-b, by: gshut}"), 5,
            "nothing is left to drain");
    refused(with("tunnel: {name: a}\n  - tunnel: {name: a}"), 5, "taken down by step 1");
    refused(with("shutdown: {neighbor: vpn-b}\n  - restore: all\n  - enable: {neighbor: vpn-b}"), 6,
            "no step before");
    refused(with("shutdown: {neighbor: vpn-b}\n  - restore: all\n  - restore: all"), 6,
            "nothing before it");
    refused(with("hold: 20h\n  - hold: 20h"), 5, "may take 40 h; allowed: 24");
}

static void the_head_is_judged_too(void **state)
{
    struct drill_plan p;

    (void)state;
    refused("drill: d\n", 1, "\"steps\" is missing");
    refused("drill: d\nsteps: []\n", 2, "0 entries");
    refused("drill: D!\nsteps: [hold: 1s]\n", 1, "drill");
    refused("drill: d\nrequire: luck\nsteps: [hold: 1s]\n", 2, "ready");
    refused("drill: d\nrehearse: maybe\nsteps: [hold: 1s]\n", 2, "true");
    refused("drill: d\nrehearsal: true\nsteps: [hold: 1s]\n", 2, "unknown key");
    refused("drill: d\nlease: 500ms\nsteps: [hold: 1s]\n", 2, "lease");
    good("drill: d\nlease: 1s\nsteps: [hold: 1s]\n", &p);
    refused("drill: d\nsteps: [expect: {path: vpn}]\n", 2, "need a probe");
    good("drill: d\nsteps: [expect: {routes_unchanged: true}]\n", &p);
    refused("drill: d\nprobe: {to: 10.0.0.1}\nsteps: [hold: 1s]\n", 2, "\"agent\" is missing");
    good("drill: d\nprobe: {from: 10.0.0.9, to: 10.0.0.1}\nsteps: [expect: {path: vpn}]\n", &p);
    assert_true(p.probe.on && p.probe.from.family == 4 && p.probe.agent[0] == '\0');
    assert_int_equal(p.probe.port, 0);
    good("drill: d\nprobe: {from: 10.0.0.9, to: 10.0.0.1, udp: 65535}\nsteps: [hold: 1s]\n", &p);
    assert_int_equal(p.probe.port, 65535);
    refused("drill: d\nprobe: {from: 10.0.0.9, to: 10.0.0.1, udp: 65536}\nsteps: [hold: 1s]\n", 2,
            "1 to 65535");
    refused("drill: d\nprobe: {from: 10.0.0.9, to: 10.0.0.1, udp: 0}\nsteps: [hold: 1s]\n", 2,
            "1 to 65535");
    refused("drill: d\nprobe: {agent: a}\nsteps: [hold: 1s]\n", 2, "\"to\" is missing");
    refused("drill: d\nprobe: {agent: a, to: 10.0.0.1, from: \"fd00::1\"}\nsteps: [hold: 1s]\n", 2,
            "not of the family");
    refused("drill: d\nwindow: {days: [sat], from: \"02:00\", to: \"02:00\"}\nsteps: [hold: 1s]\n",
            2, "ends when it begins");
    refused("drill: d\nwindow: {days: [sat], from: \"24:00\", to: \"02:00\"}\nsteps: [hold: 1s]\n",
            2, "23:59");
    refused("drill: d\nwindow: {days: [funday], from: \"22:00\", to: \"02:00\"}\nsteps: "
            "[hold: 1s]\n", 2, "sun");
    refused("drill: d\nwindow: {days: [sat], from: \"22:00\", to: \"02:00\", timezone: "
            "../../etc/passwd}\nsteps: [hold: 1s]\n", 2, "a zone's name");
}

static void a_window_may_lie_over_midnight(void **state)
{
    struct drill_window day = {true, 1 << 6, 120, 240, "UTC"}; /* sat 02:00 to 04:00 */
    struct drill_window night = {true, 1 << 6, 1320, 240, "UTC"}; /* sat 22:00 to sun 04:00 */
    struct drill_window none = {.on = false};
    char buf[DRILL_SAY_MAX];

    (void)state;
    assert_true(drill_window_open(&day, 6, 120) && drill_window_open(&day, 6, 239));
    assert_false(drill_window_open(&day, 6, 119) || drill_window_open(&day, 6, 240));
    assert_false(drill_window_open(&day, 5, 150) || drill_window_open(&day, 0, 150));
    assert_true(drill_window_open(&night, 6, 1320) && drill_window_open(&night, 0, 0));
    assert_true(drill_window_open(&night, 0, 239));
    assert_false(drill_window_open(&night, 6, 1319) || drill_window_open(&night, 0, 240));
    assert_false(drill_window_open(&night, 6, 100)); /* the morning before */
    assert_true(drill_window_open(&none, 3, 700));
    assert_string_equal(drill_window_say(&day, buf), "sat 02:00 to 04:00 UTC");
}

static void a_drill_that_is_rehearsed_runs_no_programs(void **state)
{
    struct drill_plan p;

    (void)state;
    good("drill: d\nrehearse: true\nsteps:\n"
         "  - shutdown: {neighbor: msee-primary}\n", &p);
    assert_true(p.rehearse);
    good("drill: d\nrehearse: false\nsteps:\n"
         "  - exec: {do: [/bin/true], undo: [/bin/true]}\n", &p);
    refused("drill: d\nrehearse: true\nsteps:\n"
            "  - exec: {do: [/bin/true], undo: [/bin/true]}\n", 4, "leave out rehearse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drill_that_is_rehearsed_runs_no_programs),
        cmocka_unit_test(the_file_of_the_product_is_read_whole),
        cmocka_unit_test(the_example_is_good),
        cmocka_unit_test(every_step_is_accepted_and_says_what_takes_it_back),
        cmocka_unit_test(what_could_not_be_taken_back_is_refused_in_its_line),
        cmocka_unit_test(what_came_before_counts),
        cmocka_unit_test(the_head_is_judged_too),
        cmocka_unit_test(a_window_may_lie_over_midnight),
    };
    return cmocka_run_group_tests_name("drill plan", tests, NULL, NULL);
}
