/* A drill as it runs: a state machine over events. Each step that disturbs something is written
 * into the journal and synced before it is done; whatever ends the drill, what was done is taken
 * back in the reverse order: kedge's own acts first (they take no time), then commands, one by one.
 *
 * Pure: the shell journals, acts, measures and has the clock; it answers each WRITE, ACT and TAKE
 * BACK with an ACK of the same token. */
#ifndef DRILL_RUN_H
#define DRILL_RUN_H

#include "base/bytes.h"
#include "drill/journal.h"
#include "drill/measure.h"

/* What the shell sees when it is asked to LOOK. */
struct drill_seen {
    bool probing;              /* the probe has had an answer */
    char path[DRILL_WORD_MAX]; /* in use now; "": none known */
    struct drill_known known;  /* since the last MARK */
    bool routes;               /* missing and extra are of the routes there were at the start */
    uint32_t missing, extra;
    char example[48];          /* one of them */
    bool settled;              /* every neighbor and tunnel that was up at the start is again */
    char unsettled[DRILL_WORD_MAX]; /* one that isn't */
};

enum drill_run_ev_kind {
    DRILL_RUN_START,
    DRILL_RUN_WAKE,  /* the deadline came */
    DRILL_RUN_ACK,   /* token, ok, text: why not */
    DRILL_RUN_SEEN,  /* seen: the answer to LOOK */
    DRILL_RUN_ABORT, /* text: why */
};

struct drill_run_ev {
    enum drill_run_ev_kind kind;
    uint64_t now_us;
    uint64_t wall_us; /* START: UTC since 1970 */
    uint32_t token;
    bool ok;
    const char *text; /* borrowed; NULL: none */
    const struct drill_seen *seen;
};

enum drill_run_act_kind {
    DRILL_RUN_WRITE, /* record, token: append and sync, then ACK */
    DRILL_RUN_ACT,   /* step, phase, token: do it, then ACK. phase 1: the end of a graceful
                      * shutdown */
    DRILL_RUN_UNDO,  /* step, token: take it back, then ACK */
    DRILL_RUN_KILL,  /* end the command that runs; its ACK comes as ever */
    DRILL_RUN_MARK,  /* losses and outages count from here */
    DRILL_RUN_LOOK,  /* routes: look at them, too. Answer with SEEN */
    DRILL_RUN_TELL,  /* step (or DRILL_NO_STEP), what, text: news for the reader and the result */
    DRILL_RUN_END,   /* verdict, text: over; everything is restored unless left says otherwise */
};

#define DRILL_NO_STEP UINT32_MAX

enum drill_tell {
    DRILL_TELL_BEGIN, /* of a step */
    DRILL_TELL_DONE,
    DRILL_TELL_FAILED, /* text: why */
    DRILL_TELL_UNDONE,
    DRILL_TELL_LEFT,    /* it could not be taken back; text: why */
    DRILL_TELL_RESTORE, /* everything is being restored; text: why, "" when it is planned */
    DRILL_TELL_RESTORED,
    DRILL_TELL_N
};
extern const char *const drill_tell_names[];

struct drill_run_act {
    enum drill_run_act_kind kind;
    uint32_t token, step;
    uint8_t phase;
    bool routes;
    enum drill_tell what;
    enum drill_verdict verdict;
    uint32_t left; /* END: steps not taken back */
    char text[DRILL_SAY_MAX];
    struct drill_record record;
};

#define DRILL_RUN_OUT 16

struct drill_run_out {
    uint64_t deadline_us;
    uint32_t n;
    struct drill_run_act a[DRILL_RUN_OUT];
};

struct drill_run;
/* p is copied. NULL: out of memory. */
struct drill_run *drill_run_new(const struct drill_plan *p) KD_MUST_USE;
void drill_run_free(struct drill_run *r);
void drill_run_step(struct drill_run *r, const struct drill_run_ev *ev, struct drill_run_out *out);

const struct drill_plan *drill_run_plan(const struct drill_run *r);
bool drill_run_over(const struct drill_run *r);
/* The step it is in (from 0), n when it is past the last; restoring: everything is being taken
 * back. */
uint32_t drill_run_at(const struct drill_run *r, bool *restoring);

#endif
