/* The daemon's own part of a drill's timeline: what the core said, with the core's times. */
#include "control/drill_result.h"

#include <stdio.h>
#include <stdlib.h>

/* Which events are moments that a failover is told by. */
static const struct {
    enum core_note note;
    enum drill_mark_kind kind;
} marks[] = {
    {CORE_NOTE_DETECT, DRILL_DETECTION},      {CORE_NOTE_BFD_STATE, DRILL_DETECTION},
    {CORE_NOTE_HEALTH_DOWN, DRILL_DETECTION}, {CORE_NOTE_BGP_STOP, DRILL_BGP_STOP},
    {CORE_NOTE_FIB_CLEAR, DRILL_FIB},
};

/* BFD's state is a detection only where it says that the other end is gone; that BGP stopped is one
 * of a session, not of an attempt to have it back. */
static bool is_moment(const struct core_event_record *ev)
{
    if (ev->note == CORE_NOTE_BGP_STOP)
        return ev->bstate == BGP_ESTABLISHED;
    return ev->note != CORE_NOTE_BFD_STATE || ev->latency_us > 0;
}

static const char *subject(const struct ctl_names *n)
{
    return n->health ? n->health : n->neighbor ? n->neighbor : n->tunnel ? n->tunnel : "";
}

/* ---- routes: thousands of them move at once ---- */

#define MOVE_GAP_US   KD_S(1)  /* longer, and it is another move */
#define MOVE_AFTER_US KD_S(10) /* a session's stop, or a step, that it belongs to */

/* The last stop, when its routes haven't been told of by fib.clear already, nor move back. */
static const struct drill_mark *stop_before(const struct drill_result *r, uint64_t now_us)
{
    uint64_t at_us = now_us - r->start_us;

    if (r->moving.back)
        return NULL;
    for (uint32_t i = r->n_marks; i-- > 0;) {
        const struct drill_mark *m = &r->mark[i];
        if (m->kind == DRILL_FIB && m->at_us + MOVE_AFTER_US > at_us)
            return NULL;
        if (m->kind == DRILL_BGP_STOP)
            return m->at_us + MOVE_AFTER_US > at_us ? m : NULL;
    }
    return NULL;
}

/* Whose move it is: that of a stop, or of a step whose work is done elsewhere, or of the restore.
 * Routes that move by themselves are no moment: NULL. */
static const char *mover(const struct drill_result *r, uint64_t now_us)
{
    const struct drill_mark *stop = stop_before(r, now_us);

    if (stop)
        return stop->what;
    return r->moving.awaited_us && r->moving.awaited_us + MOVE_AFTER_US > now_us ? "" : NULL;
}

static void begin_move(struct drill_result *r, uint64_t now_us)
{
    const char *whose = mover(r, now_us);
    uint32_t event = r->n_events, mark = r->n_marks;

    drill_result_event(r, now_us, "fib.moved", whose ? whose : "", "");
    if (whose)
        drill_result_mark(r, DRILL_FIB, DRILL_BY_DAEMON, now_us, whose);
    r->moving.awaited_us = 0;
    r->moving.routes = 0;
    r->moving.first_us = now_us;
    r->moving.event = r->n_events > event ? event : UINT32_MAX;
    r->moving.mark = r->n_marks > mark ? mark : UINT32_MAX;
}

static void note_route(struct drill_result *r, uint64_t now_us)
{
    struct drill_event *e;

    if (!r->moving.routes || now_us > r->moving.last_us + MOVE_GAP_US)
        begin_move(r, now_us);
    r->moving.routes++;
    r->moving.last_us = now_us;
    if (r->moving.mark != UINT32_MAX) {
        struct drill_mark *m = &r->mark[r->moving.mark];
        m->at_us = now_us - r->start_us;
        if (r->moving.routes == 2)
            drill_result_mark(r, DRILL_FIB_FIRST, m->source, r->moving.first_us, m->what);
    }
    if (r->moving.event == UINT32_MAX)
        return;
    e = &r->event[r->moving.event];
    snprintf(e->detail, sizeof(e->detail), "routes=%u took_us=%llu", r->moving.routes,
             (unsigned long long)(now_us - r->moving.first_us));
}

void ctl_drill_note(struct drill_result *r, const struct core_event_record *ev,
                    const struct ctl_names *names)
{
    char line[256];
    const char *name = core_note_names[ev->note];
    size_t n = strlen(name);

    if (ev->note == CORE_NOTE_ROUTE_ADD || ev->note == CORE_NOTE_ROUTE_DEL) {
        note_route(r, ev->now_us);
        return;
    }
    ctl_event_log(ev, names, line, sizeof(line));
    drill_result_event(r, ev->now_us, name, subject(names), line[n] ? line + n + 1 : "");
    for (size_t i = 0; i < KD_ARRAY_LEN(marks); i++)
        if (marks[i].note == ev->note && is_moment(ev)) {
            if (ev->note == CORE_NOTE_FIB_CLEAR)
                r->moving.awaited_us = 0;
            drill_result_mark(r, marks[i].kind, DRILL_BY_DAEMON, ev->now_us, subject(names));
        }
}
