/* Measuring for a drill: agents (`kedge probe --agent NAME` on any host that reaches the control
 * socket) are followers of a stream of orders and post reports. Which agents are connected outlives
 * a drill; one run is under way at a time. */
#ifndef IO_MEASURE_H
#define IO_MEASURE_H

#include "control/control.h"
#include "drill/measure.h"

struct io;

struct io_measure *io_measure_new(void) KD_MUST_USE; /* NULL: out of memory; freed by free() */

/* An agent joins: the stream it follows from now on. False: one of the name is there already, or
 * sixteen are. */
bool io_measure_join(struct io *io, const char *name, uint64_t stream);
void io_measure_ended(struct io *io, uint64_t stream);
/* A report's body; the answer to it. */
struct ctl_response io_measure_report(struct io *io, const char *name, struct kd_bytes body);

/* Is the agent connected? */
bool io_measure_has(const struct io *io, const char *name);
/* The names of those that are, ", " between them; returns buf. */
const char *io_measure_names(const struct io *io, char *buf, size_t cap);

/* Orders a run; what comes of it goes into r and m, which are lent until io_measure_end(). told
 * (may be NULL) is called after each report. agent "": kedged itself, from the order's address.
 * False with a sentence in why: no such agent, no such address, or a run is under way. */
bool io_measure_begin(struct io *io, const char *agent, const struct drill_order *o,
                      const struct probe_names *names, struct drill_result *r,
                      struct drill_measured *m, void (*told)(void *arg), void *arg, char *why,
                      size_t cap) KD_MUST_USE;
/* The way may have changed: kedged's own probe looks for the hops at once. An agent sees by its
 * packets. */
void io_measure_hurry(struct io *io);
/* Orders its end: within the probe's timeout and a little the last report comes (m->final). */
void io_measure_stop(struct io *io);
/* Nothing is written to r and m any more. */
void io_measure_end(struct io *io);

#endif
