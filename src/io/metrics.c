/* The listener for Prometheus: a libmicrohttpd daemon of its own, so that whoever fills it takes no
 * connection from the control socket. */
#include "io/metrics.h"

#include "io/mhd.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8
#define BACKLOG         16
#define HEAD_MAX        (8 * 1024)

const struct io_metrics_limits io_metrics_limits = {.idle_s = 5, .whole_ms = 10000};

struct io_metrics {
    struct io_mhd mhd;
    uv_timer_t look;
    unsigned open_handles;
    uint64_t whole_ms;
    struct slot {                    /* a connection */
        struct MHD_Connection *conn; /* NULL: free */
        uint64_t since_ms;
    } slot[CONNECTIONS_MAX];
    struct ctl_response (*answer)(void *arg);
    void *arg;
};

/* ---- requests ---- */

static enum MHD_Result send_text(struct MHD_Connection *conn, unsigned status, const char *type,
                                 char *body, size_t len, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(len, body, mode);
    if (!r) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(body);
        return MHD_NO;
    }
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Connection", "close");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, "Allow", "GET, HEAD");
    enum MHD_Result ok = MHD_queue_response(conn, status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result refuse(struct MHD_Connection *conn, unsigned status, const char *why)
{
    return send_text(conn, status, "text/plain; charset=utf-8", (char *)(uintptr_t)why, strlen(why),
                     MHD_RESPMEM_PERSISTENT);
}

/* Answered by its head: a body, which no GET has, isn't read. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state)
{
    static int begun;
    struct io_metrics *m = cls;
    (void)version;
    (void)data;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(conn, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET /metrics is answered here\n");
    if (strcmp(url, "/metrics") != 0)
        return refuse(conn, MHD_HTTP_NOT_FOUND, "only GET /metrics is answered here\n");
    if (!*state) {
        *state = &begun;
        return MHD_YES;
    }
    if (*len > 0)
        return MHD_NO;
    struct ctl_response r = m->answer(m->arg);
    if (!r.body)
        return refuse(conn, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    return send_text(conn, (unsigned)r.status, r.type, r.body, r.len, MHD_RESPMEM_MUST_FREE);
}

/* ---- connections ---- */

static void on_connection(void *cls, struct MHD_Connection *conn, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct io_metrics *m = cls;
    struct slot *s = *context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (s)
            s->conn = NULL;
        return;
    }
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (!m->slot[i].conn) {
            m->slot[i] = (struct slot){conn, uv_now(m->look.loop)};
            *context = &m->slot[i];
            return;
        }
}

/* MHD's timeout starts anew with every byte. */
static void end_old(uv_timer_t *t)
{
    struct io_metrics *m = t->data;
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        const struct slot *s = &m->slot[i];
        const union MHD_ConnectionInfo *c =
            s->conn ? MHD_get_connection_info(s->conn, MHD_CONNECTION_INFO_CONNECTION_FD) : NULL;
        if (c && uv_now(t->loop) >= s->since_ms + m->whole_ms)
            shutdown(c->connect_fd, SHUT_RDWR);
    }
}

/* ---- begin and end ---- */

static int listen_at(const struct kd_endpoint *at, char *text, size_t cap)
{
    char where[KD_ENDPOINT_STR_MAX];
    struct sockaddr_storage ss;
    socklen_t len = io_sockaddr_from(at, &ss);
    int one = 1;
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(fd, (struct sockaddr *)&ss, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    snprintf(text, cap, "metrics: %s: %s; name another address or port, or end who has it",
             kd_endpoint_str(at, where), strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static struct MHD_Daemon *start_daemon(struct io_metrics *m, int fd, unsigned idle_s)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, m, MHD_OPTION_LISTEN_SOCKET,
                            fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_NOTIFY_CONNECTION,
                            on_connection, m, MHD_OPTION_END);
}

struct io_metrics *io_metrics_new(uv_loop_t *loop, const struct kd_endpoint *at,
                                  const struct io_metrics_limits *limits,
                                  struct ctl_response (*answer)(void *arg), void *arg, char *text,
                                  size_t cap)
{
    struct io_metrics *m = calloc(1, sizeof(*m));
    int fd = m ? listen_at(at, text, cap) : -1;
    struct MHD_Daemon *daemon = fd >= 0 ? start_daemon(m, fd, limits->idle_s) : NULL;
    if (daemon && io_mhd_open(&m->mhd, loop, daemon)) {
        m->answer = answer;
        m->arg = arg;
        m->whole_ms = limits->whole_ms;
        m->open_handles = 2;
        m->look.data = m;
        uv_timer_init(loop, &m->look);
        uv_timer_start(&m->look, end_old, m->whole_ms / 10, m->whole_ms / 10);
        return m;
    }
    if (fd >= 0)
        snprintf(text, cap, "metrics: the HTTP server did not start: %s", strerror(errno));
    if (daemon)
        MHD_stop_daemon(daemon); /* closes the socket */
    else if (fd >= 0)
        close(fd);
    free(m);
    return NULL;
}

static void let_go(void *arg)
{
    struct io_metrics *m = arg;
    if (--m->open_handles == 0)
        free(m);
}

static void on_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

void io_metrics_free(struct io_metrics *m)
{
    if (!m)
        return;
    io_mhd_close(&m->mhd, let_go, m);
    uv_close((uv_handle_t *)&m->look, on_closed);
    MHD_stop_daemon(m->mhd.daemon);
}
