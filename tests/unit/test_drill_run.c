/* The drill's state machine and its journal in virtual time, against a pretend shell: whatever
 * ends the drill, and after whichever action, everything it disturbed is taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "drill/run.h"

#define FILE_MAX (256 * 1024)

/* A pretend shell: a journal, a world of steps that are done or not, and answers that wait. */
struct shell {
    struct drill_run *r;
    struct drill_run_out out;
    uint64_t now_us;
    char journal[FILE_MAX];
    size_t len;
    bool in_effect[DRILL_STEPS_MAX]; /* in the world */
    bool running, killed;            /* a command */
    uint32_t run_token, run_step;
    bool run_undo;
    uint32_t steps_said, undone, left, marks, acts;
    bool over, fail_write, fail_do, hang, deaf; /* deaf: sessions don't come back */
    int fail_undo;
    enum drill_verdict verdict;
    char reason[DRILL_SAY_MAX];
    struct drill_seen seen;
    struct queue {
        struct drill_run_ev ev;
    } q[64];
    unsigned q_head, q_tail;
    uint32_t crash_after; /* actions; 0: never */
    bool crashed;
};

static void answer(struct shell *s, uint32_t token, bool ok, const char *text)
{
    s->q[s->q_tail++ % 64].ev =
        (struct drill_run_ev){.kind = DRILL_RUN_ACK, .token = token, .ok = ok, .text = text};
}

static bool is_exec(const struct shell *s, uint32_t step)
{
    return drill_run_plan(s->r)->step[step].kind == DRILL_STEP_EXEC;
}

static void append(struct shell *s, const struct drill_run_act *a)
{
    char line[DRILL_RECORD_MAX];
    size_t n = drill_record_put(&a->record, line);

    if (!s->fail_write) {
        assert_true(s->len + n < FILE_MAX);
        memcpy(s->journal + s->len, line, n);
        s->len += n;
    }
    if (a->token)
        answer(s, a->token, !s->fail_write, "no room");
}

/* Nothing may be done that the journal doesn't know. */
static void assert_written(const struct shell *s, uint32_t step)
{
    struct drill_journal j;
    uint32_t line;
    bool found = false;

    assert_true(drill_journal_get(kd_bytes(s->journal, s->len), &j, &line));
    for (uint32_t i = 0; i < j.n; i++)
        found |= j.left[i].rec.step == step;
    assert_true(found);
}

static void act(struct shell *s, const struct drill_run_act *a)
{
    assert_written(s, a->step);
    assert_false(s->running);
    s->in_effect[a->step] = true;
    if (is_exec(s, a->step) && s->hang) {
        s->running = true;
        s->run_token = a->token;
    } else {
        answer(s, a->token, !(is_exec(s, a->step) && s->fail_do), "exit status 1");
    }
}

static void undo(struct shell *s, const struct drill_run_act *a)
{
    bool fails = is_exec(s, a->step) && s->fail_undo > 0 && s->fail_undo--;

    assert_false(s->running);
    s->in_effect[a->step] = s->in_effect[a->step] && fails;
    answer(s, a->token, !fails, "exit status 7");
}

static void tell(struct shell *s, const struct drill_run_act *a)
{
    s->steps_said += a->what == DRILL_TELL_BEGIN;
    s->undone += a->what == DRILL_TELL_UNDONE;
    s->left += a->what == DRILL_TELL_LEFT;
}

static void look(struct shell *s)
{
    s->seen.settled = !s->deaf;
    snprintf(s->seen.unsettled, sizeof(s->seen.unsettled), "msee");
    s->q[s->q_tail++ % 64].ev = (struct drill_run_ev){.kind = DRILL_RUN_SEEN, .seen = &s->seen};
}

static void do_act(struct shell *s, const struct drill_run_act *a)
{
    switch (a->kind) {
    case DRILL_RUN_WRITE:
        append(s, a);
        break;
    case DRILL_RUN_ACT:
        act(s, a);
        break;
    case DRILL_RUN_UNDO:
        undo(s, a);
        break;
    case DRILL_RUN_KILL:
        s->killed = s->running; /* or it has just ended, and its answer is on the way */
        s->running = false;
        if (s->killed)
            answer(s, s->run_token, false, "killed");
        break;
    case DRILL_RUN_MARK:
        s->marks++;
        s->seen.known = (struct drill_known){.carried_us = KD_NEVER};
        break;
    case DRILL_RUN_LOOK:
        look(s);
        break;
    case DRILL_RUN_TELL:
        tell(s, a);
        break;
    case DRILL_RUN_END:
        s->over = true;
        s->verdict = a->verdict;
        snprintf(s->reason, sizeof(s->reason), "%s", a->text);
        break;
    }
}

static void feed(struct shell *s, struct drill_run_ev *ev)
{
    ev->now_us = s->now_us;
    drill_run_step(s->r, ev, &s->out);
    for (uint32_t i = 0; i < s->out.n && !s->crashed; i++) {
        do_act(s, &s->out.a[i]);
        s->crashed = ++s->acts == s->crash_after;
    }
}

/* One thing that happens next; false when nothing will. */
static bool happen(struct shell *s)
{
    struct drill_run_ev wake = {.kind = DRILL_RUN_WAKE};

    if (s->q_head < s->q_tail) {
        struct drill_run_ev ev = s->q[s->q_head++ % 64].ev;
        feed(s, &ev);
        return true;
    }
    if (s->out.deadline_us == KD_NEVER)
        return false;
    s->now_us = KD_MAX(s->now_us, s->out.deadline_us);
    feed(s, &wake);
    return true;
}

static void run(struct shell *s)
{
    for (unsigned i = 0; i < 100000 && !s->over && !s->crashed; i++)
        if (!happen(s))
            return;
}

static void abort_now(struct shell *s, const char *why)
{
    struct drill_run_ev ev = {.kind = DRILL_RUN_ABORT, .text = why};

    feed(s, &ev);
}

/* ---- plans ---- */

static void add_exec(struct drill_step *s)
{
    s->kind = DRILL_STEP_EXEC;
    s->after_us = KD_S(5);
    assert_true(drill_argv_add(&s->run, "/bin/do") && drill_argv_add(&s->undo, "/bin/undo it"));
    assert_true(drill_argv_add(&s->undo, "") && drill_argv_add(&s->undo, "100%\n"));
}

static const struct drill_plan *plan(void)
{
    static struct drill_plan p;

    memset(&p, 0, sizeof(p));
    strcpy(p.name, "er-outage");
    p.probe.on = true;
    p.lease_us = KD_S(10);
    p.limit_us = KD_S(300);
    p.step[0] = (struct drill_step){.kind = DRILL_STEP_SHUTDOWN, .name = "msee"};
    add_exec(&p.step[1]);
    p.step[2] = (struct drill_step){.kind = DRILL_STEP_TUNNEL, .name = "a"};
    p.step[3] = (struct drill_step){.kind = DRILL_STEP_EXPECT,
                                    .expect = {.path = "vpn", .within_us = KD_S(1)}};
    p.step[4] = (struct drill_step){.kind = DRILL_STEP_HOLD, .after_us = KD_S(30)};
    p.n = 5;
    return &p;
}

static struct shell *begin(const struct drill_plan *p)
{
    static struct shell s;
    struct drill_run_ev ev = {.kind = DRILL_RUN_START, .wall_us = 1700000000};

    if (s.r)
        drill_run_free(s.r);
    memset(&s, 0, sizeof(s));
    s.r = drill_run_new(p);
    assert_non_null(s.r);
    s.now_us = KD_S(1000);
    s.seen = (struct drill_seen){.probing = true, .path = "vpn", .routes = true};
    feed(&s, &ev);
    return &s;
}

static void assert_restored(const struct shell *s)
{
    for (unsigned i = 0; i < DRILL_STEPS_MAX; i++)
        assert_false(s->in_effect[i]);
    assert_false(s->running);
}

static struct drill_journal journal(const struct shell *s)
{
    struct drill_journal j;
    uint32_t line;

    assert_true(drill_journal_get(kd_bytes(s->journal, s->len), &j, &line));
    return j;
}

/* ---- the way through ---- */

static void a_drill_runs_its_steps_and_takes_them_back_in_reverse(void **state)
{
    struct shell *s = begin(plan());
    struct drill_journal j;

    (void)state;
    run(s);
    assert_true(s->over);
    assert_int_equal(s->verdict, DRILL_PASSED);
    assert_string_equal(s->reason, "");
    assert_int_equal(s->steps_said, 5);
    assert_int_equal(s->undone, 3);
    assert_int_equal(s->marks, 2); /* the steps' and the restore's */
    assert_restored(s);
    j = journal(s);
    assert_true(j.begun && j.ended);
    assert_string_equal(j.begin.name, "er-outage");
    assert_int_equal(j.begin.wall_us, 1700000000);
    assert_true(s->now_us >= KD_S(1030) && s->now_us < KD_S(1031));
}

static void nothing_is_done_before_the_journal_is_on_the_disk(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    s->fail_write = true; /* from the second record on */
    run(s);
    assert_true(s->over);
    assert_int_equal(s->verdict, DRILL_FAILED);
    assert_non_null(strstr(s->reason, "the journal can't be written: no room"));
    assert_restored(s);
}

static void a_probe_without_an_answer_disturbs_nothing(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    s->seen.probing = false;
    run(s);
    assert_int_equal(s->verdict, DRILL_FAILED);
    assert_int_equal(s->steps_said, 0);
    assert_non_null(strstr(s->reason, "nothing was disturbed"));
    assert_true(journal(s).ended);
}

static void a_step_that_fails_ends_it_and_is_taken_back_itself(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    s->fail_do = true;
    run(s);
    assert_int_equal(s->verdict, DRILL_FAILED);
    assert_string_equal(s->reason, "step 2: exit status 1");
    assert_int_equal(s->undone, 2);
    assert_restored(s);
}

static void an_expectation_that_does_not_hold_in_time_fails_and_restores(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    strcpy(s->seen.path, "expressroute");
    run(s);
    assert_int_equal(s->verdict, DRILL_FAILED);
    assert_string_equal(s->reason, "step 4: the path is expressroute, not vpn, after 1000 ms");
    assert_restored(s);
}

static struct shell *expecting(struct drill_expect e, struct drill_seen seen)
{
    static struct drill_plan p;
    struct shell *s;

    p = *plan();
    p.step[3].expect = e;
    s = begin(&p);
    s->seen = seen;
    s->seen.probing = true;
    return s;
}

static void bounds_are_judged_at_their_limit(void **state)
{
    static const struct {
        struct drill_expect e;
        struct drill_seen s;
        const char *reason;
    } rows[] = {
        {{.has_outage = true, .outage_max_us = 5000, .within_us = 0},
         {.known = {KD_NEVER, .outage_us = 5000, .outage_maybe_us = 5000}},
         ""},
        {{.has_outage = true, .outage_max_us = 5000, .within_us = 0},
         {.known = {KD_NEVER, .outage_us = 5001}},
         "step 4: an outage of 6 ms; allowed: 5 ms"},
        {{.has_loss = true, .loss_max = 0, .within_us = 0}, {.known = {KD_NEVER}}, ""},
        {{.has_loss = true, .loss_max = 0, .within_us = 0},
         {.known = {KD_NEVER, .lost = 1}},
         "step 4: 1 packets lost; allowed: 0"},
        {{.has_loss = true, .loss_max = 0, .within_us = 0},
         {.known = {KD_NEVER, .lost_maybe = 1}},
         "step 4: 1 packets lost; allowed: 0, after 0 ms"},
        {{.has_loss = true, .loss_max = 1, .within_us = 0},
         {.known = {KD_NEVER, .lost_maybe = 1}},
         ""},
        {{.has_loss = true, .loss_max = 9, .within_us = 0},
         {.known = {0}},
         "step 4: no packet has been answered since, after 0 ms"},
        {{.routes_unchanged = true}, {.routes = true}, ""},
        {{.routes_unchanged = true},
         {.routes = true, .missing = 1, .example = "10.0.0.0/8"},
         "step 4: 1 routes are missing and 0 are new: 10.0.0.0/8, after 0 ms"},
        {{.routes_unchanged = true},
         {.routes = true, .extra = 2},
         "step 4: 0 routes are missing and 2 are new, after 0 ms"},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct shell *s = expecting(rows[i].e, rows[i].s);
        struct drill_run_ev seen = {.kind = DRILL_RUN_SEEN, .seen = &rows[i].s};
        while (s->steps_said < 4 && happen(s))
            ;
        s->q_head = s->q_tail; /* what the pretend shell saw after the mark */
        feed(s, &seen);
        s->seen = rows[i].s;
        run(s);
        assert_string_equal(s->reason, rows[i].reason);
        assert_restored(s);
    }
}

/* A loss may yet come: a bound alone is judged at the end of its time. */
static void a_bound_alone_waits_for_its_time(void **state)
{
    struct drill_expect e = {.has_loss = true, .within_us = KD_S(20)};
    struct shell *s = expecting(e, (struct drill_seen){.path = "vpn"});
    bool restoring;

    (void)state;
    while (s->now_us < KD_S(1010) && happen(s))
        ;
    assert_int_equal(drill_run_at(s->r, &restoring), 3);
    s->seen.known.lost = 1;
    run(s);
    assert_string_equal(s->reason, "step 4: 1 packets lost; allowed: 0");
}

static void an_expectation_ends_as_soon_as_it_holds(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    strcpy(s->seen.path, "expressroute");
    while (s->now_us < KD_S(1000) + KD_MS(400) && happen(s))
        ;
    strcpy(s->seen.path, "vpn");
    run(s);
    assert_int_equal(s->verdict, DRILL_PASSED);
    assert_true(s->now_us < KD_S(1030) + KD_MS(500));
}

/* What looks lost may still be answered, by a slower way: it neither passes nor fails. */
static void what_isnt_certain_yet_is_waited_for(void **state)
{
    static const struct drill_known rows[] = {{.carried_us = KD_S(1000) - 1},
                                              {KD_NEVER, .lost_maybe = 1},
                                              {KD_NEVER, .outage_maybe_us = 5001}};
    struct drill_expect e = {.path = "vpn",
                             .has_loss = true,
                             .has_outage = true,
                             .outage_max_us = 5000,
                             .within_us = KD_S(1)};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct shell *s = expecting(e, (struct drill_seen){.path = "vpn"});
        bool restoring;
        while (s->steps_said < 4 && happen(s))
            ;
        s->seen.known = rows[i];
        while (s->now_us < KD_S(1000) + KD_MS(400) && happen(s))
            ;
        assert_int_equal(drill_run_at(s->r, &restoring), 3);
        s->seen.known = (struct drill_known){.carried_us = KD_NEVER};
        run(s);
        assert_int_equal(s->verdict, DRILL_PASSED);
    }
}

static void a_graceful_shutdown_tags_first_and_ends_later(void **state)
{
    static struct drill_plan p;
    struct shell *s;

    (void)state;
    p = *plan();
    p.step[0].how = DRILL_GRACEFUL;
    p.step[0].after_us = KD_S(7);
    p.n = 1;
    s = begin(&p);
    run(s);
    assert_int_equal(s->verdict, DRILL_PASSED);
    assert_true(s->now_us >= KD_S(1007));
    assert_restored(s);
}

static void enabling_a_neighbor_takes_only_its_steps_back(void **state)
{
    static struct drill_plan p;
    struct shell *s;

    (void)state;
    p = *plan();
    p.step[3] = (struct drill_step){.kind = DRILL_STEP_ENABLE, .name = "msee"};
    s = begin(&p);
    while (s->steps_said < 5 && happen(s))
        ;
    assert_int_equal(s->undone, 1);
    assert_false(s->in_effect[0]);
    assert_true(s->in_effect[1] && s->in_effect[2]);
    run(s);
    assert_restored(s);
}

static void after_a_restore_the_drill_goes_on(void **state)
{
    static struct drill_plan p;
    struct shell *s;

    (void)state;
    p = *plan();
    p.step[3] = (struct drill_step){.kind = DRILL_STEP_RESTORE};
    s = begin(&p);
    while (s->steps_said < 5 && happen(s))
        ;
    assert_restored(s);
    assert_false(s->over);
    run(s);
    assert_int_equal(s->verdict, DRILL_PASSED);
    assert_int_equal(s->undone, 3);
}

static void the_time_limit_restores(void **state)
{
    static struct drill_plan p;
    struct shell *s;

    (void)state;
    p = *plan();
    p.limit_us = KD_S(10);
    s = begin(&p);
    run(s);
    assert_int_equal(s->verdict, DRILL_FAILED);
    assert_string_equal(s->reason, "it took longer than its steps may");
    assert_true(s->now_us >= KD_S(1010) && s->now_us < KD_S(1011));
    assert_restored(s);
}

/* ---- what goes wrong ---- */

static void an_undo_that_fails_is_tried_again(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    s->fail_undo = 2;
    run(s);
    assert_int_equal(s->verdict, DRILL_PASSED);
    assert_restored(s);
    assert_true(journal(s).ended);
}

static void an_undo_that_keeps_failing_is_said_and_stays_in_the_journal(void **state)
{
    struct shell *s = begin(plan());
    struct drill_journal j;
    uint32_t at = UINT32_MAX;

    (void)state;
    s->fail_undo = 100;
    run(s);
    assert_true(s->over);
    assert_int_equal(s->verdict, DRILL_FAILED);
    assert_int_equal(s->left, 1);
    assert_non_null(strstr(s->reason, "step 2 could not be taken back: exit status 7; do it by "
                                      "hand: \"/bin/undo it\""));
    assert_false(s->in_effect[0] || s->in_effect[2]); /* the others are */
    j = journal(s);
    assert_false(j.ended);
    assert_int_equal(drill_journal_next(&j, &at)->step, 1);
    assert_null(drill_journal_next(&j, &at));
}

static void sessions_that_do_not_come_back_fail_the_drill(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    s->deaf = true;
    run(s);
    assert_int_equal(s->verdict, DRILL_FAILED);
    assert_string_equal(s->reason, "msee isn't back 60 s after the restore");
    assert_restored(s);
}

static void a_command_that_hangs_is_killed_before_it_is_taken_back(void **state)
{
    struct shell *s = begin(plan());

    (void)state;
    s->hang = true;
    while (!s->running && happen(s))
        ;
    assert_true(s->running && !s->over);
    abort_now(s, "its client has gone");
    run(s);
    assert_true(s->killed && s->over);
    assert_int_equal(s->verdict, DRILL_ABORTED);
    assert_string_equal(s->reason, "its client has gone");
    assert_restored(s);
}

/* After every single event, so also in every state. */
static void an_abort_at_any_time_restores_everything(void **state)
{
    unsigned ended = 0;

    (void)state;
    for (unsigned when = 0; when < 400 && !ended; when++) {
        struct shell *s = begin(plan());
        uint64_t at;
        for (unsigned i = 0; i < when && !s->over; i++)
            happen(s);
        ended = s->over;
        if (ended)
            break;
        at = s->now_us;
        abort_now(s, "abort");
        abort_now(s, "twice");
        run(s);
        assert_true(s->over);
        assert_restored(s);
        assert_true(s->now_us == at); /* at once */
        assert_true(journal(s).ended);
        assert_int_not_equal(s->verdict, DRILL_FAILED);
    }
    assert_true(ended);
}

/* The process dies after any of its actions: the journal alone names every command in effect. What
 * else a drill does is the process's own state, which died with it. */
static void a_crash_at_any_time_leaves_a_journal_that_names_what_is_in_effect(void **state)
{
    bool ended = false;

    (void)state;
    for (uint32_t when = 2; !ended; when++) { /* the first action is the begin record itself */
        struct shell *s = begin(plan());
        struct drill_journal j;
        const struct drill_record *rec;
        uint32_t at = UINT32_MAX;
        s->crash_after = when;
        run(s);
        ended = s->over;
        j = journal(s);
        while ((rec = drill_journal_next(&j, &at)) != NULL) {
            assert_string_equal(rec->undo.words, "/bin/undo it");
            assert_int_equal(rec->timeout_us, KD_S(5));
            s->in_effect[rec->step] = false;
        }
        for (uint32_t i = 0; i < plan()->n; i++)
            assert_false(s->in_effect[i] && plan()->step[i].kind == DRILL_STEP_EXEC);
        assert_true(when < 1000);
    }
}

/* ---- the journal ---- */

static void a_journal_reads_back_word_for_word(void **state)
{
    struct shell *s = begin(plan());
    const char *argv[DRILL_ARGV_MAX + 1];
    struct drill_journal j;

    (void)state;
    while (!s->in_effect[1] && happen(s))
        ;
    j = journal(s);
    assert_int_equal(j.n, 2);
    drill_argv_get(&j.left[1].rec.undo, argv);
    assert_string_equal(argv[0], "/bin/undo it");
    assert_string_equal(argv[1], "");
    assert_string_equal(argv[2], "100%\n");
    assert_null(argv[3]);
}

static void a_torn_last_line_never_happened(void **state)
{
    static const char text[] = "begin 1 d 5 1000000\nstep 0 exec % 1000 /bin/tr";
    struct drill_journal j;
    uint32_t line, at = UINT32_MAX;

    (void)state;
    assert_true(drill_journal_get(kd_bytes_str(text), &j, &line));
    assert_int_equal(j.n, 0);
    assert_true(j.begun && !j.ended);
    assert_null(drill_journal_next(&j, &at));
    assert_true(drill_journal_get(kd_bytes_str(""), &j, &line));
    assert_false(j.begun);
}

static void a_damaged_journal_is_named_by_its_line(void **state)
{
    static const struct {
        const char *text;
        uint32_t line;
    } rows[] = {
        {"begin 2 d 5 1000000\n", 1},
        {"begin 1 d 5\n", 1},
        {"begin 1 d x 1000000\n", 1},
        {"begin 1 d 5 1000000 more\n", 1},
        {"step 0 exec % 1000 /bin/true\n", 1},
        {"begin 1 d 5 1000000\nbegin 1 d 5 1000000\n", 2},
        {"begin 1 d 5 1000000\nstep 64 exec % 1000 /bin/true\n", 2},
        {"begin 1 d 5 1000000\nstep 0 dance % 1000 /bin/true\n", 2},
        {"begin 1 d 5 1000000\nstep 0 exec % 1000\n", 2},
        {"begin 1 d 5 1000000\nstep 0 exec % 1000 /bin/%zz\n", 2},
        {"begin 1 d 5 1000000\nstep 0 exec % 1000 /bin/%00\n", 2},
        {"begin 1 d 5 1000000\nend passed\nundone 0\n", 3},
        {"\n", 1},
    };
    struct drill_journal j;
    uint32_t line;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        if (drill_journal_get(kd_bytes_str(rows[i].text), &j, &line))
            print_message("accepted: %s", rows[i].text);
        assert_int_equal(line, rows[i].line);
        assert_false(drill_journal_get(kd_bytes_str(rows[i].text), &j, &line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drill_runs_its_steps_and_takes_them_back_in_reverse),
        cmocka_unit_test(nothing_is_done_before_the_journal_is_on_the_disk),
        cmocka_unit_test(a_probe_without_an_answer_disturbs_nothing),
        cmocka_unit_test(a_step_that_fails_ends_it_and_is_taken_back_itself),
        cmocka_unit_test(an_expectation_that_does_not_hold_in_time_fails_and_restores),
        cmocka_unit_test(bounds_are_judged_at_their_limit),
        cmocka_unit_test(a_bound_alone_waits_for_its_time),
        cmocka_unit_test(an_expectation_ends_as_soon_as_it_holds),
        cmocka_unit_test(what_isnt_certain_yet_is_waited_for),
        cmocka_unit_test(a_graceful_shutdown_tags_first_and_ends_later),
        cmocka_unit_test(enabling_a_neighbor_takes_only_its_steps_back),
        cmocka_unit_test(after_a_restore_the_drill_goes_on),
        cmocka_unit_test(the_time_limit_restores),
        cmocka_unit_test(an_undo_that_fails_is_tried_again),
        cmocka_unit_test(an_undo_that_keeps_failing_is_said_and_stays_in_the_journal),
        cmocka_unit_test(sessions_that_do_not_come_back_fail_the_drill),
        cmocka_unit_test(a_command_that_hangs_is_killed_before_it_is_taken_back),
        cmocka_unit_test(an_abort_at_any_time_restores_everything),
        cmocka_unit_test(a_crash_at_any_time_leaves_a_journal_that_names_what_is_in_effect),
        cmocka_unit_test(a_journal_reads_back_word_for_word),
        cmocka_unit_test(a_torn_last_line_never_happened),
        cmocka_unit_test(a_damaged_journal_is_named_by_its_line),
    };
    return cmocka_run_group_tests_name("drill run", tests, NULL, NULL);
}
