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

/* ---- ring.c ---- */

#define CTL_RING_MAX 4096 /* an hour of a busy gateway; a few hundred bytes each */

struct ctl_ring;

struct ctl_ring *ctl_ring_new(void) KD_MUST_USE;
void ctl_ring_free(struct ctl_ring *r);
/* Numbers the event (1, 2, ...), keeps its line and lends it until CTL_RING_MAX further calls. NULL
 * when out of memory: the number is used up, so that the gap shows. */
const char *ctl_ring_add(struct ctl_ring *r, const struct core_event_record *ev,
                         const struct ctl_names *names, uint64_t wall_us);
uint64_t ctl_ring_last(const struct ctl_ring *r); /* 0: none yet */
/* The kept lines with a number above since, one behind the other; malloc'ed ("" for none). */
char *ctl_ring_since(const struct ctl_ring *r, uint64_t since, size_t *len) KD_MUST_USE;

#endif
