/* libmicrohttpd's epoll descriptor, its deadline and what it has left over, as handles of the loop.
 */
#include "io/mhd.h"

static void on_deadline(uv_timer_t *t);
static void on_again(uv_idle_t *i);

/* At its limit MHD takes the listening socket out of its epoll set; once a connection has ended
 * only its next run puts it in again, and nothing would announce that. */
static bool fewer_connections(struct io_mhd *m)
{
    const union MHD_DaemonInfo *i =
        MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    unsigned n = i ? i->num_connections : 0;
    bool fewer = n < m->connections;
    m->connections = n;
    return fewer;
}

static void run(struct io_mhd *m)
{
    MHD_UNSIGNED_LONG_LONG ms;
    m->resumed = false;
    MHD_run(m->daemon);
    bool fewer = fewer_connections(m), timed = MHD_get_timeout(m->daemon, &ms) == MHD_YES;
    if (m->resumed || fewer || (timed && ms == 0))
        uv_idle_start(&m->again, on_again);
    else
        uv_idle_stop(&m->again);
    if (timed && ms > 0)
        uv_timer_start(&m->deadline, on_deadline, ms, 0);
    else
        uv_timer_stop(&m->deadline);
}

static void on_deadline(uv_timer_t *t)
{
    run(t->data);
}

static void on_again(uv_idle_t *i)
{
    run(i->data);
}

static void on_ready(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    run(p->data);
}

bool io_mhd_open(struct io_mhd *m, uv_loop_t *loop, struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!i || uv_poll_init(loop, &m->poll, i->epoll_fd) != 0)
        return false;
    m->daemon = daemon;
    uv_timer_init(loop, &m->deadline);
    uv_idle_init(loop, &m->again);
    m->open_handles = 3;
    m->poll.data = m->deadline.data = m->again.data = m;
    uv_poll_start(&m->poll, UV_READABLE, on_ready);
    return true;
}

void io_mhd_wake(struct io_mhd *m)
{
    m->resumed = true;
    if (!uv_is_closing((uv_handle_t *)&m->again))
        uv_idle_start(&m->again, on_again);
}

static void on_closed(uv_handle_t *handle)
{
    struct io_mhd *m = handle->data;
    if (--m->open_handles == 0)
        m->closed(m->arg);
}

void io_mhd_close(struct io_mhd *m, void (*closed)(void *arg), void *arg)
{
    m->closed = closed;
    m->arg = arg;
    uv_close((uv_handle_t *)&m->poll, on_closed);
    uv_close((uv_handle_t *)&m->deadline, on_closed);
    uv_close((uv_handle_t *)&m->again, on_closed);
}
