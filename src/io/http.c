/* The control socket: a libmicrohttpd daemon in the control loop (mhd.h). */
#include "io/http.h"

#include "io/http_follow.h"
#include "io/http_rows.h"
#include "io/mhd.h"
#include "io/socket_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define FOLLOWERS_MAX   32 /* the other half stays for questions and commands */
#define BODY_MAX        (64 * 1024)
#define IDLE_S          30
#define GONE_CHECK_MS   500 /* a drill whose terminal is lost waits for it */
#define LAST_ROUNDS     16 /* of sending when we end */

struct io_http {
    struct io_mhd mhd;
    struct io_http_callbacks cb;
    uv_timer_t gone;
    unsigned open_handles; /* gone's, and all of mhd's as one */
    struct io_followers followers;
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

void io_http_event(struct io_http *h, enum core_note note)
{
    io_followers_event(&h->followers, note);
}

void io_http_line(struct io_http *h, uint64_t stream, const char *line)
{
    io_followers_put(&h->followers, stream, kd_bytes_str(line), io_follower_lags);
}

void io_http_bytes(struct io_http *h, uint64_t stream, struct kd_bytes part)
{
    io_followers_put(&h->followers, stream, part, "");
}

void io_http_end(struct io_http *h, uint64_t stream)
{
    io_followers_end(&h->followers, stream);
}

static void check_gone(uv_timer_t *t)
{
    struct io_http *h = t->data;
    io_followers_look(&h->followers);
}

/* ---- requests ---- */

static const char *query(void *arg, const char *key)
{
    return MHD_lookup_connection_value(arg, MHD_GET_ARGUMENT_KIND, key);
}

static enum MHD_Result send_response(struct io_http *h, struct MHD_Connection *conn,
                                     struct ctl_response *r)
{
    if (r->follow && h->followers.n >= FOLLOWERS_MAX) {
        io_followers_stream_ended(&h->followers, r->stream);
        ctl_response_done(r);
        *r = ctl_error(503, "end another `kedge events --follow` or `--wait`",
                       "%d followers are connected already", FOLLOWERS_MAX);
    }
    struct MHD_Response *m;
    if (r->events || (r->follow && r->body))
        m = io_follow(&h->followers, conn, r);
    else if (r->rows)
        m = io_http_rows(&h->cb, &r->rows);
    else
        m = MHD_create_response_from_buffer(
            r->len, r->body, r->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!m) {
        io_followers_stream_ended(&h->followers, r->stream);
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
    MHD_resume_connection(q->conn);
    io_mhd_wake(&h->mhd);
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
    h->followers = (struct io_followers){.mhd = &h->mhd, .cb = &h->cb};
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
    io_followers_end_all(&h->followers);
    end_waiting(h);
    for (int i = 0; i < LAST_ROUNDS; i++)
        MHD_run(h->mhd.daemon);
    MHD_stop_daemon(h->mhd.daemon);
    if (lstat(h->path, &st) == 0 && st.st_dev == h->dev && st.st_ino == h->ino)
        unlink(h->path);
}
