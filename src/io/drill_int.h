/* Inside io's drills: what one that runs holds.
 *
 *   drill.c         the machine fed, its end      drill_request.c  begun, aborted
 *   drill_act.c     what its steps do             drill_news.c     what it says
 *   drill_recover.c after kedged's death
 *   drill_measure.c the probe's reports                 drill_carried.c the data plane's part
 *   drill_start.c   may it run now?
 *   drill_journal.c the file    guard.c, guard_client.c    commands, after kedged as well */
#ifndef IO_DRILL_INT_H
#define IO_DRILL_INT_H

#include "control/drill.h"
#include "drill/carried.h"
#include "io/drill.h"
#include "io/drill_guard.h"
#include "io/drill_journal.h"
#include "practice/practice.h"

#define IO_DRILL_QUEUE 32

struct io_drill {
    struct io *io;
    struct drill_run *run;
    struct drill_run_out out;
    uv_timer_t timer, look; /* look: at the data plane */
    uv_timer_t last, stop;  /* last: report; stop: kedged ends, even if a command hangs */
    unsigned open_handles;
    struct io_journal *journal;
    char path[300]; /* of the journal */
    struct drill_result *result;
    uint32_t row[DRILL_STEPS_MAX]; /* of the result: each step's */
    uint64_t stream; /* of its client; 0: detached */
    bool feeding, over, stopping;
    uint32_t command; /* the token that waits for the guard */
    struct io_drill_queued {
        struct drill_run_ev ev;
        struct drill_seen seen;
        char text[256];
    } queue[IO_DRILL_QUEUE];
    uint32_t q_head, q_tail;
    struct practice_base base;
    struct drill_carried *carried; /* each tunnel's */
    bool measuring;
    struct drill_measured measured;
    uint64_t first_us, restore_us; /* the first disturbance, the last restore's begin */
    uint64_t looked_us;            /* at our own routes; 0: not yet */
    uint64_t finish_us;            /* the last report is waited for until then; 0: not yet over */
    struct drill_run_act end;
    char id[DRILL_ID_MAX];
};

/* drill.c: an event for the machine; seen and text are copied. */
void io_drill_feed(struct io_drill *d, const struct drill_run_ev *ev);

void io_drill_abort(struct io_drill *d, const char *why);
/* Ends what belongs to it; its memory goes with the loop's callbacks. */
void io_drill_let_go(struct io_drill *d);

/* drill_news.c */
void io_drill_event(struct io *io, const char *text);
void io_drill_to_client(struct io_drill *d, char *line); /* takes line */
void io_drill_tell(struct io_drill *d, const struct drill_run_act *a);
/* Into the history, and from there into readiness. */
void io_drill_remember(struct io *io, const struct drill_result *r, bool page);

/* drill_act.c */
void io_drill_act(struct io_drill *d, const struct drill_run_act *a);
void io_drill_undo(struct io_drill *d, const struct drill_run_act *a);
bool io_drill_needs_guard(const struct drill_plan *p);

/* drill_measure.c */
enum io_drill_when { IO_DRILL_BEFORE, IO_DRILL_DURING, IO_DRILL_AFTER };
bool io_drill_measure_begin(struct io_drill *d, char *why, size_t cap) KD_MUST_USE;
void io_drill_measure_mark(struct io_drill *d);
void io_drill_measure_look(struct io_drill *d, struct drill_seen *s);
bool io_drill_measure_stop(struct io_drill *d); /* true: a last report is to come */
void io_drill_measure_end(struct io_drill *d);
void io_drill_measured(void *arg); /* a report has come: drill.c */
void io_drill_count_routes(struct io_drill *d, enum io_drill_when when);

/* drill_carried.c: marks into the result, between the two. */
bool io_drill_carried_begin(struct io_drill *d) KD_MUST_USE; /* false: out of memory */
void io_drill_carried_end(struct io_drill *d);

/* drill_start.c */
/* A refusal as an answer (status 0: it may). */
struct ctl_response io_drill_may_start(const struct io *io, const struct drill_plan *p, bool force);
void io_drill_journal_path(const struct io *io, char *buf, size_t cap);

#endif
