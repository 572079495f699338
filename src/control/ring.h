/* Events as JSON lines and log lines, and the last of them kept with their numbers. */
#ifndef CONTROL_RING_H
#define CONTROL_RING_H

#include "core/core.h"

/* ---- event.c ---- */

/* Names of the tunnel, neighbor and health probe an event concerns, or NULL; borrowed. */
struct ctl_names {
    const char *tunnel, *neighbor, *health;
};

struct ctl_names ctl_event_names(const struct core *core, const struct core_event_record *r);
/* One line of JSON with its line feed; malloc'ed, NULL when out of memory. wall_us: UTC since
 * 1970. */
char *ctl_event_json(const struct core_event_record *r, const struct ctl_names *names, uint64_t seq,
                     uint64_t wall_us) KD_MUST_USE;
/* "child.up tunnel=onprem spi_in=c1234567 ..." into buf, always terminated, no line feed; values
 * that aren't one plain word are quoted as in JSON, so a peer's text can't forge a line. */
void ctl_event_log(const struct core_event_record *r, const struct ctl_names *names, char *buf,
                   size_t cap);

/* ---- sets of events: a bit each ---- */

#define CTL_NOTE(note) (UINT64_C(1) << (note))
#define CTL_NOTES_ALL  (CTL_NOTE(CORE_NOTE_N) - 1)

/* The set that a list names: "bgp.stop,tunnel", each a name or what stands before its point. On
 * false *wrong is the first that is no event. */
bool ctl_event_set(const char *list, uint64_t *notes, struct kd_bytes *wrong);

/* ---- ring.c ---- */

#define CTL_RING_MAX 16384 /* a failover of some thousand routes, both ways; 400 bytes each */

struct ctl_ring;

struct ctl_ring *ctl_ring_new(void) KD_MUST_USE;
void ctl_ring_free(struct ctl_ring *r);
/* Numbers the event (1, 2, ...) and keeps a copy for CTL_RING_MAX further ones. False when out of
 * memory: the number is used up, so that the gap shows. */
bool ctl_ring_add(struct ctl_ring *r, const struct core_event_record *ev,
                  const struct ctl_names *names, uint64_t wall_us);
uint64_t ctl_ring_last(const struct ctl_ring *r); /* 0: none yet */

/* Where a reader is. */
struct ctl_cursor {
    uint64_t seq;   /* has been read */
    uint64_t until; /* the last that it reads; UINT64_MAX: it follows */
    uint64_t notes; /* which it wants */
    size_t into;    /* the line of the next one: so much of it has been read */
};

/* Before the first that is kept and has a number above since; up to the last there is by now, or
 * on with those to come. */
struct ctl_cursor ctl_ring_since(const struct ctl_ring *r, uint64_t since, uint64_t notes,
                                 bool follow) KD_MUST_USE;
/* The next lines of JSON into buf, the last perhaps in part; how much, 0 for no more as yet.
 * Formats what was never read before, so cap bounds the work. */
size_t ctl_ring_read(struct ctl_ring *r, struct ctl_cursor *c, char *buf, size_t cap);
/* What it would read next is no longer kept: it was too slow. */
bool ctl_ring_lost(const struct ctl_ring *r, const struct ctl_cursor *c);

#endif
