/* GET /metrics in plain HTTP on a TCP address of its own, for Prometheus; nothing else, and nothing
 * can be changed there. There is no password: the address is what keeps others out.
 *
 * Bounded: 8 connections of one request each, 8 KiB for its head, 5 s without progress and 10 s in
 * all. What is beyond waits in the kernel, 16 of them. */
#ifndef IO_METRICS_H
#define IO_METRICS_H

#include "base/addr.h"
#include "control/control.h"

#include <uv.h>

struct io_metrics;

struct io_metrics_limits {
    unsigned idle_s;   /* without a byte either way */
    uint64_t whole_ms; /* of a connection; looked at ten times within it */
};
extern const struct io_metrics_limits io_metrics_limits; /* those above */

/* answer: the text of now, within the call; its body is taken. NULL with a sentence in text. */
struct io_metrics *io_metrics_new(uv_loop_t *loop, const struct kd_endpoint *at,
                                  const struct io_metrics_limits *limits,
                                  struct ctl_response (*answer)(void *arg), void *arg, char *text,
                                  size_t cap) KD_MUST_USE;
/* Its memory goes with the loop's close callbacks. NULL is ignored. */
void io_metrics_free(struct io_metrics *m);

#endif
