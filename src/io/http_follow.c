/* Followers of the control socket. Who reads the ring has its place in it; who has a stream of its
 * own has a queue. */
#include "io/http_follow.h"

#include <poll.h>
#include <stdlib.h>

#define QUEUE_MAX (1024 * 1024)
#define PART_LEN  8192

struct io_follower {
    struct io_followers *all;
    struct MHD_Connection *conn;
    struct io_follower *next, **link;
    bool events; /* reads the ring's; else what its queue holds */
    struct ctl_cursor cursor;
    char *queue;
    size_t len, at, cap;
    bool suspended, lagged, ended;
    uint64_t stream; /* its own; 0: none */
};

static void queue(struct io_follower *f, const char *line, size_t n)
{
    if (f->at > 0) { /* what has been sent makes room */
        memmove(f->queue, f->queue + f->at, f->len - f->at);
        f->len -= f->at;
        f->at = 0;
    }
    if (f->len + n > f->cap) {
        size_t cap = KD_MAX(2 * f->cap, f->len + n + 4096);
        char *grown = realloc(f->queue, cap);
        if (!grown) {
            f->lagged = true;
            return;
        }
        f->queue = grown;
        f->cap = cap;
    }
    memcpy(f->queue + f->len, line, n);
    f->len += n;
}

static void wake(struct io_follower *f)
{
    if (!f->suspended)
        return;
    f->suspended = false;
    MHD_resume_connection(f->conn);
    io_mhd_wake(f->all->mhd);
}

/* ---- what they are told ---- */

const char io_follower_lags[] =
    "{\"version\":1,\"error\":\"this follower doesn't read fast enough and is dropped\","
    "\"remedy\":\"ask again with since=SEQ of the last event read\"}\n";

void io_followers_put(struct io_followers *all, uint64_t stream, struct kd_bytes part,
                      const char *dropped)
{
    for (struct io_follower *f = all->first; f; f = f->next) {
        if (f->lagged || f->ended || f->events || f->stream != stream)
            continue;
        bool full = f->len - f->at + part.len > QUEUE_MAX;
        if (full)
            queue(f, dropped, strlen(dropped));
        else
            queue(f, (const char *)part.p, part.len);
        f->lagged |= full;
        wake(f);
    }
}

void io_followers_event(struct io_followers *all, enum core_note note)
{
    for (struct io_follower *f = all->first; f; f = f->next)
        if (f->events && f->cursor.notes & CTL_NOTE(note))
            wake(f);
}

static void end(struct io_follower *f)
{
    f->ended = true;
    wake(f);
}

void io_followers_end(struct io_followers *all, uint64_t stream)
{
    for (struct io_follower *f = all->first; f; f = f->next)
        if (f->stream == stream)
            end(f);
}

void io_followers_end_all(struct io_followers *all)
{
    for (struct io_follower *f = all->first; f; f = f->next)
        end(f);
}

/* Has the client of a suspended connection closed? Half-closed ones still read. */
static bool gone(const struct io_follower *f)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(f->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd p = {.fd = i ? i->connect_fd : -1};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

void io_followers_look(struct io_followers *all)
{
    for (struct io_follower *f = all->first; f; f = f->next)
        if (f->suspended && gone(f))
            end(f);
}

/* ---- what they read ---- */

static size_t take(const char *src, size_t len, size_t *at, char *dst, size_t max)
{
    size_t n = KD_MIN(len - *at, max);
    memcpy(dst, src + *at, n);
    *at += n;
    return n;
}

/* What of the ring it hasn't read; 0: nothing more as yet. */
static size_t read_events(struct io_follower *f, char *buf, size_t max)
{
    struct ctl_ring *ring = f->all->cb->ring;
    size_t n = ctl_ring_read(ring, &f->cursor, buf, max);
    if (n == 0 && !f->ended && !f->lagged && ctl_ring_lost(ring, &f->cursor)) {
        f->events = false;
        f->lagged = true;
        queue(f, io_follower_lags, strlen(io_follower_lags));
    }
    f->ended |= f->cursor.seq >= f->cursor.until;
    return n;
}

static ssize_t read_stream(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct io_follower *f = cls;
    size_t n = f->events ? read_events(f, buf, max) : 0;
    (void)pos;
    if (n > 0)
        return (ssize_t)n;
    if (f->at < f->len)
        return (ssize_t)take(f->queue, f->len, &f->at, buf, max);
    if (f->lagged || f->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    f->suspended = true;
    MHD_suspend_connection(f->conn);
    return 0;
}

/* ---- beginning and end ---- */

void io_followers_stream_ended(const struct io_followers *all, uint64_t stream)
{
    if (stream && all->cb->ended)
        all->cb->ended(all->cb->arg, stream);
}

static void free_follower(void *cls)
{
    struct io_follower *f = cls;
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
    f->all->n--;
    io_followers_stream_ended(f->all, f->stream);
    free(f->queue);
    free(f);
}

struct MHD_Response *io_follow(struct io_followers *all, struct MHD_Connection *conn,
                               struct ctl_response *r)
{
    struct io_follower *f = calloc(1, sizeof(*f));
    struct MHD_Response *m = f ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PART_LEN,
                                                                   read_stream, f, free_follower)
                               : NULL;
    if (!m) {
        free(f);
        return NULL;
    }
    *f = (struct io_follower){.all = all,
                           .conn = conn,
                           .next = all->first,
                           .link = &all->first,
                           .events = r->events,
                           .cursor = r->cursor,
                           .queue = r->body,
                           .len = r->len,
                           .cap = r->len,
                           .stream = r->stream};
    r->body = NULL;
    if (f->next)
        f->next->link = &f->next;
    all->first = f;
    all->n++;
    return m;
}
