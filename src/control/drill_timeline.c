/* The daemon's own part of a drill's timeline: what the core said, with the core's times. */
#include "control/drill_result.h"

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

/* BFD's state is a detection only where it says that the other end is gone. */
static bool is_moment(const struct core_event_record *ev)
{
    return ev->note != CORE_NOTE_BFD_STATE || ev->latency_us > 0;
}

static const char *subject(const struct ctl_names *n)
{
    return n->health ? n->health : n->neighbor ? n->neighbor : n->tunnel ? n->tunnel : "";
}

void ctl_drill_note(struct drill_result *r, const struct core_event_record *ev,
                    const struct ctl_names *names)
{
    char line[256];
    const char *name = core_note_names[ev->note];
    size_t n = strlen(name);

    ctl_event_log(ev, names, line, sizeof(line));
    drill_result_event(r, ev->now_us, name, subject(names), line[n] ? line + n + 1 : "");
    for (size_t i = 0; i < KD_ARRAY_LEN(marks); i++)
        if (marks[i].note == ev->note && is_moment(ev))
            drill_result_mark(r, marks[i].kind, DRILL_BY_DAEMON, ev->now_us, subject(names));
}
