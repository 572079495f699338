/* The control socket: a libmicrohttpd daemon in the control loop (mhd.h).
 *
 * A follower's connection is suspended while it has nothing to send. A suspended connection is in
 * nobody's poll set, so a timer looks whether its client has gone. */
#include "io/http.h"

#include "io/http_rows.h"
#include "io/mhd.h"
#include "io/socket_file.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define FOLLOWERS_MAX   32 /* the other half stays for questions and commands */
#define BODY_MAX        (64 * 1024)
#define QUEUE_MAX       (1024 * 1024)
#define IDLE_S          30
#define GONE_CHECK_MS   500 /* a drill whose terminal is lost waits for it */
#define LAST_ROUNDS     16 /* of sending when we end */

struct follower {
    struct io_http *h;
    struct MHD_Connection *conn;
    struct follower *next, **link;
    bool events; /* reads the ring's; else what its queue holds */
    struct ctl_cursor cursor;
    char *queue;
    size_t len, at, cap;
    bool suspended, lagged, ended;
    uint64_t stream; /* its own; 0: none */
};

struct io_http {
    struct io_mhd mhd;
    struct io_http_callbacks cb;
    uv_timer_t gone;
    unsigned open_handles; /* gone's, and all of mhd's as one */
    struct follower *followers;
    unsigned n_followers;
    struct request *waiting;
    char path[108];
    dev_t dev; /* of the socket file we made */
    ino_t ino;
};

/* A request while its body arrives, and while its answer is waited for. */
struct request {
    size_t len;
    char *body;
    struct MHD_Connection *conn; /* suspended, until there is an answer */
    uint64_t later;
    bool answered;
    struct ctl_response answer;
    struct request *next; /* of those that wait */
};

/* ---- followers ---- */

static void queue(struct follower *f, const char *line, size_t n)
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

static void resume(struct io_http *h, struct MHD_Connection *conn)
{
    MHD_resume_connection(conn);
    io_mhd_wake(&h->mhd);
}

static void wake(struct follower *f)
{
    if (!f->suspended)
        return;
    f->suspended = false;
    resume(f->h, f->conn);
}

/* dropped: what one is told that doesn't read fast enough. */
static void to_stream(struct io_http *h, uint64_t stream, struct kd_bytes part, const char *dropped)
{
    for (struct follower *f = h->followers; f; f = f->next) {
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

static const char lagged[] =
    "{\"version\":1,\"error\":\"this follower doesn't read fast enough and is dropped\","
    "\"remedy\":\"ask again with since=SEQ of the last event read\"}\n";

void io_http_event(struct io_http *h, enum core_note note)
{
    for (struct follower *f = h->followers; f; f = f->next)
        if (f->events && f->cursor.notes & CTL_NOTE(note))
            wake(f);
}

void io_http_line(struct io_http *h, uint64_t stream, const char *line)
{
    to_stream(h, stream, kd_bytes_str(line), lagged);
}

void io_http_bytes(struct io_http *h, uint64_t stream, struct kd_bytes part)
{
    to_stream(h, stream, part, "");
}

void io_http_end(struct io_http *h, uint64_t stream)
{
    for (struct follower *f = h->followers; f; f = f->next)
        if (f->stream == stream) {
            f->ended = true;
            wake(f);
        }
}

static size_t take(const char *src, size_t len, size_t *at, char *dst, size_t max)
{
    size_t n = KD_MIN(len - *at, max);
    memcpy(dst, src + *at, n);
    *at += n;
    return n;
}

/* What of the ring it hasn't read; 0: nothing more as yet. */
static size_t read_events(struct follower *f, char *buf, size_t max)
{
    struct ctl_ring *ring = f->h->cb.ring;
    size_t n = ctl_ring_read(ring, &f->cursor, buf, max);
    if (n == 0 && !f->ended && !f->lagged && ctl_ring_lost(ring, &f->cursor)) {
        f->events = false;
        f->lagged = true;
        queue(f, lagged, strlen(lagged));
    }
    f->ended |= f->cursor.seq >= f->cursor.until;
    return n;
}

static ssize_t read_stream(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct follower *f = cls;
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

static void stream_ended(struct io_http *h, uint64_t stream)
{
    if (stream && h->cb.ended)
        h->cb.ended(h->cb.arg, stream);
}

static void free_follower(void *cls)
{
    struct follower *f = cls;
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
    f->h->n_followers--;
    stream_ended(f->h, f->stream);
    free(f->queue);
    free(f);
}

/* Takes the response's body, which is the stream's beginning. */
static struct MHD_Response *follow(struct io_http *h, struct MHD_Connection *conn,
                                   struct ctl_response *r)
{
    struct follower *f = calloc(1, sizeof(*f));
    struct MHD_Response *m =
        f ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 8192, read_stream, f, free_follower)
          : NULL;
    if (!m) {
        free(f);
        return NULL;
    }
    *f = (struct follower){.h = h,
                           .conn = conn,
                           .next = h->followers,
                           .link = &h->followers,
                           .events = r->events,
                           .cursor = r->cursor,
                           .queue = r->body,
                           .len = r->len,
                           .cap = r->len,
                           .stream = r->stream};
    r->body = NULL;
    if (f->next)
        f->next->link = &f->next;
    h->followers = f;
    h->n_followers++;
    return m;
}

/* Has the client of a suspended connection closed? Half-closed ones still read. */
static bool gone(struct follower *f)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(f->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd p = {.fd = i ? i->connect_fd : -1};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void check_gone(uv_timer_t *t)
{
    struct io_http *h = t->data;
    for (struct follower *f = h->followers; f; f = f->next)
        if (f->suspended && gone(f)) {
            f->ended = true;
            wake(f);
        }
}

/* ---- requests ---- */

static const char *query(void *arg, const char *key)
{
    return MHD_lookup_connection_value(arg, MHD_GET_ARGUMENT_KIND, key);
}

static enum MHD_Result send_response(struct io_http *h, struct MHD_Connection *conn,
                                     struct ctl_response *r)
{
    if (r->follow && h->n_followers >= FOLLOWERS_MAX) {
        stream_ended(h, r->stream);
        ctl_response_done(r);
        *r = ctl_error(503, "end another `kedge events --follow` or `--wait`",
                       "%d followers are connected already", FOLLOWERS_MAX);
    }
    struct MHD_Response *m;
    if (r->events || (r->follow && r->body))
        m = follow(h, conn, r);
    else if (r->rows)
        m = io_http_rows(&h->cb, &r->rows);
    else
        m = MHD_create_response_from_buffer(
            r->len, r->body, r->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!m) {
        stream_ended(h, r->stream);
        ctl_response_done(r);
        return MHD_NO;
    }
    MHD_add_response_header(m, "Content-Type", r->type);
    if (r->allow)
        MHD_add_response_header(m, "Allow", r->allow);
    enum MHD_Result ok = MHD_queue_response(conn, (unsigned)r->status, m);
    MHD_destroy_response(m);
    return ok;
}

static enum MHD_Result too_large(struct io_http *h, struct MHD_Connection *conn)
{
    struct ctl_response r =
        ctl_error(413, "send less", "the body is larger than %d bytes", BODY_MAX);
    return send_response(h, conn, &r);
}

/* The first call: only the head has been read. */
static enum MHD_Result begin(struct io_http *h, struct MHD_Connection *conn, void **state)
{
    const char *len = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Length");
    if (len && strtoull(len, NULL, 10) > BODY_MAX)
        return too_large(h, conn);
    *state = calloc(1, sizeof(struct request));
    return *state ? MHD_YES : MHD_NO;
}

/* A body without a length that grows too large has its connection closed: MHD takes no answer now.
 */
static enum MHD_Result add_body(struct request *q, const char *data, size_t *len)
{
    char *grown = q->len + *len <= BODY_MAX ? realloc(q->body, q->len + *len) : NULL;
    if (!grown)
        return MHD_NO;
    memcpy(grown + q->len, data, *len);
    q->body = grown;
    q->len += *len;
    *len = 0;
    return MHD_YES;
}

/* By the kernel's word, at the time of connecting. */
static bool is_root(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred who = {.uid = (uid_t)-1};
    socklen_t len = sizeof(who);
    return i && getsockopt(i->connect_fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           len == sizeof(who) && who.uid == 0;
}

/* ---- answers that come later ---- */

static enum MHD_Result wait_answer(struct io_http *h, struct MHD_Connection *conn,
                                   struct request *q, uint64_t later)
{
    q->conn = conn;
    q->later = later;
    q->next = h->waiting;
    h->waiting = q;
    MHD_suspend_connection(conn);
    return MHD_YES;
}

/* The body is each connection's own. */
static void give(struct io_http *h, struct request *q, const struct ctl_response *r)
{
    q->answer = *r;
    q->answer.body = malloc(r->len + 1);
    kd_assert(q->answer.body);
    memcpy(q->answer.body, r->body, r->len);
    q->answered = true;
    resume(h, q->conn);
}

/* later 0: all of them. */
static void answer(struct io_http *h, uint64_t later, const struct ctl_response *r)
{
    for (struct request **at = &h->waiting, *q; (q = *at);) {
        if (later && q->later != later) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        give(h, q, r);
    }
}

void io_http_answer(struct io_http *h, uint64_t later, const struct ctl_response *r)
{
    kd_assert(later);
    answer(h, later, r);
}

static void end_waiting(struct io_http *h)
{
    struct ctl_response r = ctl_error(503, "ask again when it runs", "kedged ends");

    answer(h, 0, &r);
    ctl_response_done(&r);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state)
{
    struct io_http *h = cls;
    struct request *q = *state;
    (void)version;
    if (!q)
        return begin(h, conn, state);
    if (*len > 0)
        return add_body(q, data, len);
    if (q->answered) {
        struct ctl_response r = q->answer;
        q->answer.body = NULL;
        return send_response(h, conn, &r);
    }
    struct ctl_request req = {method, url, query, conn, kd_bytes(q->body, q->len), is_root(conn)};
    struct ctl_response r = h->cb.request(h->cb.arg, &req);
    return r.later ? wait_answer(h, conn, q, r.later) : send_response(h, conn, &r);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct request *q = *state;
    (void)cls;
    (void)conn;
    (void)why;
    if (q) {
        ctl_response_done(&q->answer);
        free(q->body);
    }
    free(q);
    *state = NULL;
}

/* ---- the daemon ---- */

/* False: fd is closed. */
static bool start_daemon(struct io_http *h, uv_loop_t *loop, int fd)
{
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, h,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
    if (!daemon)
        close(fd);
    if (!daemon || !io_mhd_open(&h->mhd, loop, daemon)) {
        if (daemon)
            MHD_stop_daemon(daemon); /* closes it */
        return false;
    }
    uv_timer_init(loop, &h->gone);
    h->open_handles = 2;
    h->gone.data = h;
    uv_timer_start(&h->gone, check_gone, GONE_CHECK_MS, GONE_CHECK_MS);
    return true;
}

/* ---- life ---- */

struct io_http *io_http_new(uv_loop_t *loop, const char *path, const char *group,
                            const struct io_http_callbacks *cb, char *text, size_t cap)
{
    struct io_http *h = calloc(1, sizeof(*h));
    struct stat st;
    if (!h)
        snprintf(text, cap, "out of memory");
    int fd = h ? io_socket_file(path, group, CONNECTIONS_MAX, text, cap) : -1;
    if (fd < 0) {
        free(h);
        return NULL;
    }
    h->cb = *cb;
    strcpy(h->path, path);
    if (lstat(path, &st) == 0) {
        h->dev = st.st_dev;
        h->ino = st.st_ino;
    }
    if (start_daemon(h, loop, fd))
        return h;
    snprintf(text, cap, "the HTTP server did not start: %s", strerror(errno));
    unlink(path);
    free(h);
    return NULL;
}

/* ---- the end ---- */

static void let_go(void *arg)
{
    struct io_http *h = arg;
    if (--h->open_handles == 0)
        free(h);
}

static void on_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

void io_http_free(struct io_http *h)
{
    struct stat st;
    io_mhd_close(&h->mhd, let_go, h);
    uv_close((uv_handle_t *)&h->gone, on_closed);
    for (struct follower *f = h->followers; f; f = f->next) {
        f->ended = true;
        wake(f);
    }
    end_waiting(h);
    for (int i = 0; i < LAST_ROUNDS; i++)
        MHD_run(h->mhd.daemon);
    MHD_stop_daemon(h->mhd.daemon);
    if (lstat(h->path, &st) == 0 && st.st_dev == h->dev && st.st_ino == h->ino)
        unlink(h->path);
}
