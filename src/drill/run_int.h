/* Inside the drill's state machine: run.c walks the steps, restore.c takes them back. */
#ifndef DRILL_RUN_INT_H
#define DRILL_RUN_INT_H

#include "drill/run.h"

enum drill_state {
    DRILL_S_NEW,
    DRILL_S_BEGIN,    /* the journal's first record is being written */
    DRILL_S_BASELINE, /* the probe's first answer is awaited */
    DRILL_S_BETWEEN,  /* two things, within one step of the machine */
    DRILL_S_WRITING,  /* the step's record is being written */
    DRILL_S_ACTING,   /* the step is being done */
    DRILL_S_GRACE,    /* tagged; the session's end follows */
    DRILL_S_EXPECT,
    DRILL_S_HOLD,
    DRILL_S_KILLING,  /* a command has been told to end; then everything is taken back */
    DRILL_S_UNDOING,
    DRILL_S_RETRY,    /* an undo failed and is tried again */
    DRILL_S_SETTLING, /* all is taken back; sessions return */
    DRILL_S_ENDING,   /* the journal's last record is being written */
    DRILL_S_OVER,
};

struct drill_run {
    struct drill_plan plan;
    enum drill_state state;
    uint64_t now_us, limit_at_us, deadline_us;
    uint64_t since_us, until_us; /* of an expectation */
    uint32_t step, token;
    uint8_t phase;
    bool dirty[DRILL_STEPS_MAX]; /* done, or begun */
    bool left[DRILL_STEPS_MAX];  /* given up */
    bool disturbed, marked;
    bool final;      /* the restore is the last one */
    bool every;      /* it takes back everything, and not one neighbor only */
    uint32_t undo, tries;
    enum drill_verdict end;
    char reason[DRILL_SAY_MAX];
    struct drill_run_out *out; /* during a step */
};

struct drill_run_act *drill_emit(struct drill_run *r, enum drill_run_act_kind kind);
/* An action that is answered: with a token of its own. */
struct drill_run_act *drill_ask(struct drill_run *r, enum drill_run_act_kind kind);
void drill_say(struct drill_run *r, uint32_t step, enum drill_tell what, const char *text);
void drill_mark_once(struct drill_run *r);
/* The step after the present one; behind the last, the end. */
void drill_next(struct drill_run *r);

/* ---- restore.c ---- */

/* Takes everything back, or what holds the present step's neighbor. */
void drill_restore(struct drill_run *r, bool every);
/* The last restore: how it ends, and why (the first reason stays). */
void drill_finish(struct drill_run *r, enum drill_verdict end, const char *why);
void drill_undo_answered(struct drill_run *r, bool ok, const char *text);
void drill_undo_again(struct drill_run *r);
void drill_settle(struct drill_run *r, const struct drill_seen *seen);
void drill_over(struct drill_run *r);

#endif
