/* Taking a drill back: kedge's own acts at once, the last first; then commands, one after the
 * other, each tried a few times. What can't be taken back stays in the journal for the next start
 * and is said. At the end the sessions' return is awaited. */
#include "drill/run_int.h"

#include <stdio.h>
#include <string.h>

#define TRIES       3
#define AGAIN_US    KD_S(1)
#define SETTLE_US   KD_S(60) /* BGP over a tunnel that comes back: tens of seconds */
#define LOOK_US     KD_MS(50)

static bool concerned(const struct drill_run *r, uint32_t i)
{
    const struct drill_step *s = &r->plan.step[i];

    if (!r->dirty[i] || r->left[i])
        return false;
    return r->every || ((s->kind == DRILL_STEP_SHUTDOWN || s->kind == DRILL_STEP_DRAIN) &&
                        strcmp(s->name, r->plan.step[r->step].name) == 0);
}

/* False when nothing is left. */
static bool next_undo(struct drill_run *r)
{
    for (int commands = 0; commands < 2; commands++)
        for (uint32_t i = r->plan.n; i-- > 0;)
            if (concerned(r, i) && (r->plan.step[i].kind == DRILL_STEP_EXEC) == commands) {
                r->undo = i;
                return true;
            }
    return false;
}

static uint32_t n_left(const struct drill_run *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->plan.n; i++)
        n += r->left[i];
    return n;
}

static void all_undone(struct drill_run *r)
{
    if (!r->final) {
        drill_say(r, r->step, DRILL_TELL_DONE, "");
        drill_next(r);
        return;
    }
    r->state = DRILL_S_SETTLING;
    r->until_us = r->now_us + (r->disturbed ? SETTLE_US : 0);
    r->deadline_us = r->until_us;
    drill_emit(r, DRILL_RUN_LOOK);
}

static void undo_one(struct drill_run *r)
{
    r->state = DRILL_S_UNDOING;
    r->deadline_us = KD_NEVER;
    drill_ask(r, DRILL_RUN_UNDO)->step = r->undo;
}

static void undo_rest(struct drill_run *r)
{
    r->tries = 0;
    if (next_undo(r))
        undo_one(r);
    else
        all_undone(r);
}

void drill_restore(struct drill_run *r, bool every)
{
    r->every = every;
    if (r->disturbed)
        drill_mark_once(r);
    undo_rest(r);
}

void drill_finish(struct drill_run *r, enum drill_verdict end, const char *why)
{
    if (r->end == DRILL_PASSED && end != DRILL_PASSED) {
        r->end = end;
        snprintf(r->reason, sizeof(r->reason), "%s", why);
    }
    if (r->final)
        return;
    r->final = true;
    drill_say(r, DRILL_NO_STEP, DRILL_TELL_RESTORE, why);
    if (r->state == DRILL_S_ACTING && r->plan.step[r->step].kind == DRILL_STEP_EXEC) {
        r->state = DRILL_S_KILLING;
        r->deadline_us = KD_NEVER;
        drill_emit(r, DRILL_RUN_KILL);
    } else if (r->state == DRILL_S_UNDOING || r->state == DRILL_S_RETRY) {
        r->every = true; /* it goes on from where it is */
    } else {
        drill_restore(r, true);
    }
}

static void undone(struct drill_run *r)
{
    struct drill_run_act *a = drill_emit(r, DRILL_RUN_WRITE);

    a->record = (struct drill_record){.kind = DRILL_REC_UNDONE, .step = r->undo};
    r->dirty[r->undo] = false;
    drill_say(r, r->undo, DRILL_TELL_UNDONE, "");
}

static void give_up(struct drill_run *r, const char *text)
{
    char say[DRILL_SAY_MAX], why[DRILL_SAY_MAX];

    r->left[r->undo] = true;
    drill_say(r, r->undo, DRILL_TELL_LEFT, text);
    snprintf(why, sizeof(why), "step %u could not be taken back: %.100s; do it by hand: %.100s",
             r->undo + 1, text, drill_undo_say(&r->plan.step[r->undo], say));
    drill_finish(r, DRILL_FAILED, why);
}

void drill_undo_answered(struct drill_run *r, bool ok, const char *text)
{
    if (!ok && ++r->tries < TRIES) {
        r->state = DRILL_S_RETRY;
        r->deadline_us = r->now_us + AGAIN_US;
        return;
    }
    if (ok)
        undone(r);
    else
        give_up(r, text);
    undo_rest(r);
}

void drill_undo_again(struct drill_run *r)
{
    undo_one(r);
}

/* The journal keeps its steps open where one of them is left. */
static void end(struct drill_run *r)
{
    struct drill_run_act *a;

    r->deadline_us = KD_NEVER;
    if (n_left(r) > 0) {
        drill_over(r);
        return;
    }
    r->state = DRILL_S_ENDING;
    a = drill_ask(r, DRILL_RUN_WRITE);
    a->record = (struct drill_record){.kind = DRILL_REC_END};
    snprintf(a->record.name, sizeof(a->record.name), "%s", drill_verdict_names[r->end]);
}

void drill_settle(struct drill_run *r, const struct drill_seen *seen)
{
    char why[DRILL_SAY_MAX];

    if (!seen->settled && r->now_us < r->until_us) {
        r->deadline_us = KD_MIN(r->now_us + LOOK_US, r->until_us);
        return;
    }
    if (!seen->settled && r->disturbed) {
        snprintf(why, sizeof(why), "%s isn't back %llu s after the restore", seen->unsettled,
                 (unsigned long long)(SETTLE_US / KD_S(1)));
        drill_finish(r, DRILL_FAILED, why);
    }
    drill_say(r, DRILL_NO_STEP, DRILL_TELL_RESTORED, "");
    end(r);
}

void drill_over(struct drill_run *r)
{
    struct drill_run_act *a = drill_emit(r, DRILL_RUN_END);

    r->state = DRILL_S_OVER;
    r->deadline_us = KD_NEVER;
    a->verdict = r->end;
    a->left = n_left(r);
    snprintf(a->text, sizeof(a->text), "%s", r->reason);
}
