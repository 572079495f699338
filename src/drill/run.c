/* The drill's state machine: begins, walks the steps, judges expectations. Whatever goes wrong ends
 * in restore.c. */
#include "drill/run_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASELINE_US    KD_S(5)   /* most the probe's first answer may take */
#define LOOK_US        KD_MS(20)
#define LOOK_ROUTES_US KD_MS(100) /* a walk over the table each */

const char *const drill_tell_names[] = {
    [DRILL_TELL_BEGIN] = "begin",     [DRILL_TELL_DONE] = "done",
    [DRILL_TELL_FAILED] = "failed",   [DRILL_TELL_UNDONE] = "undone",
    [DRILL_TELL_LEFT] = "left",       [DRILL_TELL_RESTORE] = "restore",
    [DRILL_TELL_RESTORED] = "restored", NULL,
};

/* ---- actions ---- */

struct drill_run_act *drill_emit(struct drill_run *r, enum drill_run_act_kind kind)
{
    struct drill_run_act *a;

    kd_assert(r->out->n < DRILL_RUN_OUT);
    a = &r->out->a[r->out->n++];
    memset(a, 0, sizeof(*a));
    a->kind = kind;
    a->step = DRILL_NO_STEP;
    return a;
}

struct drill_run_act *drill_ask(struct drill_run *r, enum drill_run_act_kind kind)
{
    struct drill_run_act *a = drill_emit(r, kind);

    a->token = ++r->token;
    return a;
}

void drill_say(struct drill_run *r, uint32_t step, enum drill_tell what, const char *text)
{
    struct drill_run_act *a = drill_emit(r, DRILL_RUN_TELL);

    a->step = step;
    a->what = what;
    snprintf(a->text, sizeof(a->text), "%s", text);
}

void drill_mark_once(struct drill_run *r)
{
    if (!r->marked)
        drill_emit(r, DRILL_RUN_MARK);
    r->marked = true;
}

static const struct drill_step *now(const struct drill_run *r)
{
    return &r->plan.step[r->step];
}

static void wait(struct drill_run *r, enum drill_state state, uint64_t us)
{
    r->state = state;
    r->deadline_us = us == KD_NEVER ? KD_NEVER : r->now_us + us;
}

/* ---- beginnings ---- */

static void write_step(struct drill_run *r)
{
    const struct drill_step *s = now(r);
    struct drill_run_act *a = drill_ask(r, DRILL_RUN_WRITE);

    a->record = (struct drill_record){
        .kind = DRILL_REC_STEP, .step = r->step, .what = s->kind, .undo = s->undo};
    a->record.timeout_us = s->kind == DRILL_STEP_EXEC ? s->after_us : 0;
    snprintf(a->record.name, sizeof(a->record.name), "%s", s->name);
    wait(r, DRILL_S_WRITING, KD_NEVER);
}

static void act(struct drill_run *r, uint8_t phase)
{
    struct drill_run_act *a = drill_ask(r, DRILL_RUN_ACT);

    a->step = r->step;
    a->phase = r->phase = phase;
    wait(r, DRILL_S_ACTING, KD_NEVER);
}

static void look(struct drill_run *r, bool routes)
{
    drill_emit(r, DRILL_RUN_LOOK)->routes = routes;
}

static void begin_expect(struct drill_run *r)
{
    wait(r, DRILL_S_EXPECT, now(r)->expect.within_us);
    r->until_us = r->deadline_us;
    r->since_us = r->now_us;
    look(r, now(r)->expect.routes_unchanged);
}

static void begin_step(struct drill_run *r)
{
    enum drill_step_kind kind = now(r)->kind;

    drill_say(r, r->step, DRILL_TELL_BEGIN, "");
    if (kind == DRILL_STEP_EXPECT)
        begin_expect(r);
    else if (kind == DRILL_STEP_HOLD)
        wait(r, DRILL_S_HOLD, now(r)->after_us);
    else if (kind == DRILL_STEP_ENABLE || kind == DRILL_STEP_RESTORE)
        drill_restore(r, kind == DRILL_STEP_RESTORE);
    else
        write_step(r);
}

void drill_next(struct drill_run *r)
{
    if (++r->step < r->plan.n)
        begin_step(r);
    else
        drill_finish(r, DRILL_PASSED, "");
}

static void step_done(struct drill_run *r)
{
    drill_say(r, r->step, DRILL_TELL_DONE, "");
    drill_next(r);
}

static void step_failed(struct drill_run *r, const char *text)
{
    char why[DRILL_SAY_MAX];

    drill_say(r, r->step, DRILL_TELL_FAILED, text);
    snprintf(why, sizeof(why), "step %u: %.200s", r->step + 1, text);
    drill_finish(r, DRILL_FAILED, why);
}

/* ---- answers ---- */

static void step_written(struct drill_run *r)
{
    r->dirty[r->step] = r->disturbed = true;
    drill_mark_once(r);
    act(r, 0);
}

static void acted(struct drill_run *r)
{
    const struct drill_step *s = now(r);

    if (s->kind == DRILL_STEP_SHUTDOWN && s->how == DRILL_GRACEFUL && r->phase == 0)
        wait(r, DRILL_S_GRACE, s->after_us);
    else
        step_done(r);
}

static void begun(struct drill_run *r)
{
    wait(r, DRILL_S_BASELINE, BASELINE_US);
    r->until_us = r->deadline_us;
    look(r, true);
}

static void unwritten(struct drill_run *r, const char *text)
{
    char why[DRILL_SAY_MAX];

    snprintf(why, sizeof(why), "the journal can't be written: %.200s", text);
    drill_finish(r, DRILL_FAILED, why);
}

static void answered(struct drill_run *r, const struct drill_run_ev *ev)
{
    const char *text = ev->text ? ev->text : "";
    enum drill_state was = r->state;

    if (ev->token != r->token)
        return;
    r->state = DRILL_S_BETWEEN;
    switch (was) {
    case DRILL_S_BEGIN:
        ev->ok ? begun(r) : unwritten(r, text);
        break;
    case DRILL_S_WRITING:
        ev->ok ? step_written(r) : unwritten(r, text);
        break;
    case DRILL_S_ACTING:
        ev->ok ? acted(r) : step_failed(r, text);
        break;
    case DRILL_S_KILLING:
        drill_restore(r, true);
        break;
    case DRILL_S_UNDOING:
        drill_undo_answered(r, ev->ok, text);
        break;
    case DRILL_S_ENDING:
        drill_over(r);
        break;
    default:
        r->state = was;
        break;
    }
}

/* ---- expectations ---- */

enum judgement { NOT_YET, HOLDS, NEVER };

static bool too_much(const struct drill_expect *e, uint64_t outage_us, uint64_t lost,
                     char why[DRILL_SAY_MAX])
{
    if (e->has_outage && outage_us > e->outage_max_us)
        snprintf(why, DRILL_SAY_MAX, "an outage of %llu ms; allowed: %llu ms",
                 (unsigned long long)((outage_us + 999) / 1000),
                 (unsigned long long)(e->outage_max_us / 1000));
    else if (e->has_loss && lost > e->loss_max)
        snprintf(why, DRILL_SAY_MAX, "%llu packets lost; allowed: %u", (unsigned long long)lost,
                 e->loss_max);
    else
        return false;
    return true;
}

static bool measured(const struct drill_expect *e)
{
    return e->path[0] || e->has_outage || e->has_loss;
}

/* since_us: a packet that left since then has to have been answered: what came before is known. */
static enum judgement judge(const struct drill_expect *e, const struct drill_seen *s,
                            uint64_t since_us, char why[DRILL_SAY_MAX])
{
    const struct drill_known *k = &s->known;

    if (too_much(e, k->outage_us, k->lost, why))
        return NEVER;
    if (e->path[0] && strcmp(e->path, s->path) != 0)
        snprintf(why, DRILL_SAY_MAX, "the path is %s, not %s", s->path[0] ? s->path : "not known",
                 e->path);
    else if (e->routes_unchanged && (!s->routes || s->missing || s->extra))
        snprintf(why, DRILL_SAY_MAX, "%u routes are missing and %u are new%s%s", s->missing,
                 s->extra, s->example[0] ? ": " : "", s->example);
    else if (measured(e) && k->carried_us <= since_us)
        snprintf(why, DRILL_SAY_MAX, "no packet has been answered%s%s since",
                 e->path[0] ? " by " : "", e->path);
    else if (!too_much(e, k->outage_maybe_us, k->lost_maybe, why))
        return HOLDS;
    return NOT_YET;
}

/* Losses may yet come: what bounds only them has to wait for its end. */
static bool only_bounds(const struct drill_expect *e)
{
    return !e->path[0] && !e->routes_unchanged;
}

static void expect(struct drill_run *r, const struct drill_seen *s)
{
    const struct drill_expect *e = &now(r)->expect;
    char why[DRILL_SAY_MAX] = "", text[DRILL_SAY_MAX];
    enum judgement j = judge(e, s, r->since_us, why);
    bool late = r->now_us >= r->until_us;

    if (j == HOLDS && (late || !only_bounds(e))) {
        r->marked = false;
        step_done(r);
    } else if (j == NEVER) {
        step_failed(r, why);
    } else if (late) {
        snprintf(text, sizeof(text), "%.180s, after %llu ms", why,
                 (unsigned long long)(e->within_us / 1000));
        step_failed(r, text);
    } else {
        r->deadline_us = KD_MIN(r->now_us + (e->routes_unchanged ? LOOK_ROUTES_US : LOOK_US),
                                r->until_us);
    }
}

static void baseline(struct drill_run *r, const struct drill_seen *s)
{
    if (!r->plan.probe.on || s->probing) {
        r->step = UINT32_MAX;
        drill_next(r);
    } else if (r->now_us < r->until_us) {
        r->deadline_us = KD_MIN(r->now_us + LOOK_US, r->until_us);
    } else {
        drill_finish(r, DRILL_FAILED, "the probe had no answer: nothing was disturbed");
    }
}

static void seen(struct drill_run *r, const struct drill_seen *s)
{
    if (r->state == DRILL_S_BASELINE)
        baseline(r, s);
    else if (r->state == DRILL_S_EXPECT)
        expect(r, s);
    else if (r->state == DRILL_S_SETTLING)
        drill_settle(r, s);
}

/* ---- time ---- */

static void on_deadline(struct drill_run *r)
{
    r->deadline_us = KD_NEVER; /* an answer sets the next */
    switch (r->state) {
    case DRILL_S_BASELINE:
    case DRILL_S_SETTLING:
        look(r, false);
        break;
    case DRILL_S_EXPECT:
        look(r, now(r)->expect.routes_unchanged);
        break;
    case DRILL_S_GRACE:
        act(r, 1);
        break;
    case DRILL_S_HOLD:
        step_done(r);
        break;
    case DRILL_S_RETRY:
        drill_undo_again(r);
        break;
    default:
        break;
    }
}

static void wake(struct drill_run *r)
{
    if (!r->final && r->now_us >= r->limit_at_us)
        drill_finish(r, DRILL_FAILED, "it took longer than its steps may");
    else if (r->deadline_us <= r->now_us)
        on_deadline(r);
}

/* ---- the engine ---- */

static void start(struct drill_run *r, const struct drill_run_ev *ev)
{
    struct drill_run_act *a = drill_ask(r, DRILL_RUN_WRITE);

    r->limit_at_us = r->now_us + r->plan.limit_us;
    a->record = (struct drill_record){
        .kind = DRILL_REC_BEGIN, .wall_us = ev->wall_us, .lease_us = r->plan.lease_us};
    snprintf(a->record.name, sizeof(a->record.name), "%s", r->plan.name);
    wait(r, DRILL_S_BEGIN, KD_NEVER);
}

static void abort_run(struct drill_run *r, const char *why)
{
    drill_finish(r, DRILL_ABORTED, why);
    if (r->state == DRILL_S_SETTLING)
        r->until_us = r->deadline_us = r->now_us; /* nobody waits for sessions any more */
}

struct drill_run *drill_run_new(const struct drill_plan *p)
{
    struct drill_run *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->plan = *p;
    r->end = DRILL_PASSED;
    r->deadline_us = r->limit_at_us = KD_NEVER;
    return r;
}

void drill_run_free(struct drill_run *r)
{
    free(r);
}

void drill_run_step(struct drill_run *r, const struct drill_run_ev *ev, struct drill_run_out *out)
{
    r->now_us = ev->now_us;
    r->out = out;
    out->n = 0;
    if (ev->kind == DRILL_RUN_START && r->state == DRILL_S_NEW)
        start(r, ev);
    else if (r->state != DRILL_S_NEW && r->state != DRILL_S_OVER) {
        if (ev->kind == DRILL_RUN_ACK)
            answered(r, ev);
        else if (ev->kind == DRILL_RUN_SEEN)
            seen(r, ev->seen);
        else if (ev->kind == DRILL_RUN_ABORT)
            abort_run(r, ev->text ? ev->text : "");
        else
            wake(r);
    }
    r->out = NULL;
    out->deadline_us = r->final ? r->deadline_us : KD_MIN(r->deadline_us, r->limit_at_us);
}

const struct drill_plan *drill_run_plan(const struct drill_run *r)
{
    return &r->plan;
}

bool drill_run_over(const struct drill_run *r)
{
    return r->state == DRILL_S_OVER;
}

uint32_t drill_run_at(const struct drill_run *r, bool *restoring)
{
    *restoring = r->final || r->state == DRILL_S_UNDOING || r->state == DRILL_S_RETRY;
    return KD_MIN(r->step, r->plan.n);
}
