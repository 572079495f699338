/* The control socket: HTTP over a Unix socket, carried by libmicrohttpd inside the control loop. It
 * knows connections, bodies and streams; what a request means is src/control's.
 *
 * Bounded: 64 connections (of them 32 followers), a 64 KiB body, 30 s without progress. A follower
 * that doesn't read is told so and dropped when what it has to read next has left the ring of
 * events, or with 1 MiB in the queue of a stream of its own. Nothing blocks. */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "control/control.h"

#include <uv.h>

struct io_http;

struct io_http_callbacks {
    /* Answers a request, within the call or, with a number in later, by io_http_answer(); the
     * command in the response has been given to the core by then. The response's body is taken. */
    struct ctl_response (*request)(void *arg, const struct ctl_request *req);
    /* The next part of such an answer: ctl_rows_read() with the daemon as it is now. */
    size_t (*read)(void *arg, struct ctl_rows *rows, char *buf, size_t max);
    /* The connection of a follower with a stream of its own has ended; may be NULL. */
    void (*ended)(void *arg, uint64_t stream);
    struct ctl_ring *ring; /* what followers of events read; outlives the server */
    void *arg;
};

/* Listens at path: mode 0660 and the group, or 0600 where group is NULL or "". A socket file that
 * nobody listens at is replaced, and a missing directory (one level) made. NULL with a sentence in
 * text. Uses the loop until the close callbacks that io_http_free() causes have run. */
struct io_http *io_http_new(uv_loop_t *loop, const char *path, const char *group,
                            const struct io_http_callbacks *cb, char *text, size_t cap) KD_MUST_USE;
/* The ring has a new event: to every follower who wants such. May be called from within the
 * request callback. */
void io_http_event(struct io_http *h, enum core_note note);
/* One line to the follower of this stream alone (copied). */
void io_http_line(struct io_http *h, uint64_t stream, const char *line);
/* Bytes of no lines; when it doesn't read fast enough its stream just ends. */
void io_http_bytes(struct io_http *h, uint64_t stream, struct kd_bytes part);
/* The answer to every request that waits under this number; the body is copied. */
void io_http_answer(struct io_http *h, uint64_t later, const struct ctl_response *r);
/* What is queued for the follower of this stream still goes out, then its stream ends. */
void io_http_end(struct io_http *h, uint64_t stream);
/* Sends what can be sent at once, ends the followers and those that wait, closes and removes the
 * socket. The memory goes with the loop's close callbacks: run the loop once more. */
void io_http_free(struct io_http *h);

#endif
