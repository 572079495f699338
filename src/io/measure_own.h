/* A drill's probe from an address of kedged's own, where no agent is asked: numbered packets from
 * the control loop, the hops by TTL, reports like an agent's. */
#ifndef IO_MEASURE_OWN_H
#define IO_MEASURE_OWN_H

#include "drill/measure.h"

#include <uv.h>

struct io_own;

/* Begins to send; told is called ten times a second with what came of it, the report lent for the
 * call. NULL with a sentence in why: the address isn't ours, there is no way there. */
struct io_own *io_own_new(uv_loop_t *loop, const struct drill_order *o,
                          void (*told)(void *arg, const struct drill_report *r), void *arg,
                          char *why, size_t cap) KD_MUST_USE;
/* The way may have changed: the hops are looked for again. */
void io_own_hurry(struct io_own *p);
/* Sends no more; the last report comes when what is under way is judged. */
void io_own_stop(struct io_own *p);
/* Its memory goes with the loop's close callbacks. NULL is ignored. */
void io_own_free(struct io_own *p);

#endif
