/* Connections whose answer has no end yet: events as they come, or a stream of their own.
 *
 * A follower's connection is suspended while it has nothing to send. A suspended connection is in
 * nobody's poll set, so somebody has to look whether its client has gone. */
#ifndef IO_HTTP_FOLLOW_H
#define IO_HTTP_FOLLOW_H

#include "io/http.h"
#include "io/mhd.h"

struct io_follower;

struct io_followers {
    struct io_follower *first;
    unsigned n;
    struct io_mhd *mhd;
    const struct io_http_callbacks *cb; /* its ring, and who is told of a stream's end */
};

/* An answer that goes on until it is ended; takes the response's body, which is the stream's
 * beginning. NULL: no memory. */
struct MHD_Response *io_follow(struct io_followers *all, struct MHD_Connection *conn,
                               struct ctl_response *r) KD_MUST_USE;
/* To those of the ring's events who want such. */
void io_followers_event(struct io_followers *all, enum core_note note);
/* To the follower of this stream. dropped: what it is told if it doesn't read fast enough. */
void io_followers_put(struct io_followers *all, uint64_t stream, struct kd_bytes part,
                      const char *dropped);
/* What is queued still goes out. */
void io_followers_end(struct io_followers *all, uint64_t stream);
void io_followers_end_all(struct io_followers *all);
/* Ends those whose client has gone. */
void io_followers_look(struct io_followers *all);
/* The caller of a stream that won't be, or is over. */
void io_followers_stream_ended(const struct io_followers *all, uint64_t stream);

/* One that lags is told this, and dropped. */
extern const char io_follower_lags[];

#endif
