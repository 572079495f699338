/* BGP's TCP connections: sockets made and bound by priv.c, run by libuv. A tunnel's session is
 * bound to its interface; what arrives for it elsewhere shows its origin and is refused by BGP
 * (DESIGN 3.6). A close lets what was written go out, waits for the peer's end a bounded time, then
 * ends. */
#include "io/io.h"
#include "io/mrt.h"

#include "io/priv.h"
#include "io/sockaddr.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define LINGER_MS   300 /* for the peer's FIN after ours; then reset */
#define PENDING_MAX 64  /* accepted and not yet claimed: strangers must not pile up */

struct io_tcp_conn {
    struct io_tcp_conn *next;
    struct io *io;
    uv_tcp_t h;
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    uv_timer_t linger;
    struct kd_handle handle; /* NONE until claimed */
    uint64_t token;          /* 0 when outgoing or claimed */
    bool closing, told, linger_on;
    uint8_t handles; /* uv handles still open */
    struct io_mrt_taps *mrt;
    char buf[65536];
};

struct io_tcp_listener {
    struct io_tcp_listener *next;
    struct io *io;
    uv_tcp_t h;
    uint32_t tunnel;
};

struct write_req {
    uv_write_t w;
    struct io_tcp_conn *c;
    uint32_t len;
    char data[];
};

static struct io_tcp_conn *by_handle(struct io *io, struct kd_handle h)
{
    struct io_tcp_conn *c = io->conns;

    while (c && (c->token || !kd_handle_eq(c->handle, h)))
        c = c->next;
    return c;
}

static struct io_tcp_conn *by_token(struct io *io, uint64_t token)
{
    struct io_tcp_conn *c = io->conns;

    while (c && c->token != token)
        c = c->next;
    return c;
}

/* Events from uv callbacks go straight in; those from within a step are queued. */
static void tell(struct io *io, struct core_ev *ev)
{
    if (io->stepping)
        io_post_event(io, ev);
    else
        io_feed(io, ev);
}

static void tell_end(struct io_tcp_conn *c, enum core_ev_kind kind, enum kd_reason reason)
{
    struct core_ev ev = {.kind = kind, .handle = c->handle, .reason = reason};

    if (c->told || c->token || kd_handle_none(c->handle))
        return;
    c->told = true;
    tell(c->io, &ev);
}

static void freed(uv_handle_t *h)
{
    struct io_tcp_conn *c = h->data, **p;

    if (--c->handles > 0)
        return;
    for (p = &c->io->conns; *p; p = &(*p)->next)
        if (*p == c) {
            *p = c->next;
            break;
        }
    io_mrt_forget(&c->mrt);
    free(c);
}

static void conn_end(struct io_tcp_conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->h))
        return;
    if (c->token)
        c->io->pending--;
    uv_close((uv_handle_t *)&c->h, freed);
    uv_close((uv_handle_t *)&c->linger, freed);
}

static struct io_tcp_conn *conn_new(struct io *io)
{
    struct io_tcp_conn *c = calloc(1, sizeof(*c));

    kd_assert(c);
    c->io = io;
    uv_tcp_init(&io->loop, &c->h);
    uv_timer_init(&io->loop, &c->linger);
    c->handles = 2;
    c->h.data = c->linger.data = c;
    c->next = io->conns;
    io->conns = c;
    return c;
}

/* ---- reading ---- */

static void endpoints(struct io_tcp_conn *c, struct core_ev *ev)
{
    struct sockaddr_storage ss;
    int len = sizeof(ss);

    if (uv_tcp_getsockname(&c->h, (struct sockaddr *)&ss, &len) == 0)
        ev->local = io_sockaddr_to((struct sockaddr *)&ss);
    len = sizeof(ss);
    if (uv_tcp_getpeername(&c->h, (struct sockaddr *)&ss, &len) == 0)
        ev->remote = io_sockaddr_to((struct sockaddr *)&ss);
}

static void tap(struct io_tcp_conn *c, bool sent, struct kd_bytes data)
{
    struct core_ev ev = {.kind = CORE_EV_TCP_BYTES};

    if (!c->io->mrt_stream)
        return;
    endpoints(c, &ev);
    io_mrt_bytes(c->io, &c->mrt, &ev.local.addr, &ev.remote.addr, sent, data);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    struct io_tcp_conn *c = h->data;

    (void)hint;
    *buf = uv_buf_init(c->buf, sizeof(c->buf));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct io_tcp_conn *c = s->data;
    struct core_ev ev = {.kind = CORE_EV_TCP_BYTES, .handle = c->handle};

    if (n == 0)
        return;
    if (n < 0) {
        tell_end(c, CORE_EV_TCP_CLOSED, KD_REASON_TCP_CLOSED);
        conn_end(c);
        return;
    }
    if (c->closing)
        return; /* said goodbye: what still comes is not for us */
    ev.data = kd_bytes(buf->base, (size_t)n);
    tap(c, false, ev.data);
    io_feed(c->io, &ev);
}

/* ---- opening ---- */

static void on_connect(uv_connect_t *req, int status)
{
    struct io_tcp_conn *c = req->data;
    struct core_ev ev = {.kind = CORE_EV_TCP_OPENED, .handle = c->handle};

    if (c->closing || uv_is_closing((uv_handle_t *)&c->h))
        return;
    if (status < 0) {
        tell_end(c, CORE_EV_TCP_FAILED,
                 status == UV_ECONNREFUSED ? KD_REASON_TCP_REFUSED : KD_REASON_TIMEOUT);
        conn_end(c);
        return;
    }
    endpoints(c, &ev);
    uv_read_start((uv_stream_t *)&c->h, on_alloc, on_read);
    io_feed(c->io, &ev);
}

static void name_of(const struct io *io, uint32_t tunnel, char ifname[16])
{
    memset(ifname, 0, 16);
    if (tunnel != CORE_NO_TUNNEL)
        memcpy(ifname, io->cfg->tunnels[tunnel].ifname, CORE_NAME_MAX);
}

static bool open_signed(struct io_tcp_conn *c, const struct io_priv_req *req,
                        const struct core_act *a)
{
    const struct core_neighbor_config *p = io_neighbor(c->io, a->tunnel, &a->remote.addr);
    struct io_priv_res res;

    if (!io_priv(req, &res) || uv_tcp_open(&c->h, res.fd) != 0)
        return false;
    if (!p || io_tcp_md5(c->io, res.fd, p))
        return true;
    tell_end(c, CORE_EV_TCP_FAILED, KD_REASON_KERNEL_REFUSED);
    return false;
}

static void do_connect(struct io *io, const struct core_act *a)
{
    struct io_priv_req req = {.kind = IO_PRIV_TCP_SOCKET,
                              .local = {a->local.addr, 0},
                              .family = a->remote.addr.family,
                              .ttl = a->ttl,
                              .ttl_min = a->ttl_min,
                              .mss = a->mss};
    struct io_tcp_conn *c = conn_new(io);
    struct sockaddr_storage ss;

    name_of(io, a->tunnel, req.ifname);
    c->handle = a->handle;
    c->connect.data = c;
    io_sockaddr_from(&a->remote, &ss);
    if (open_signed(c, &req, a) &&
        uv_tcp_connect(&c->connect, &c->h, (struct sockaddr *)&ss, on_connect) == 0)
        return;
    tell_end(c, CORE_EV_TCP_FAILED, KD_REASON_NO_RESOURCES);
    conn_end(c);
}

/* ---- accepting ---- */

static void on_incoming(uv_stream_t *s, int status)
{
    struct io_tcp_listener *l = s->data;
    struct io *io = l->io;
    struct core_ev ev = {.kind = CORE_EV_TCP_INCOMING, .tunnel = l->tunnel};
    struct io_tcp_conn *c;

    if (status < 0)
        return;
    c = conn_new(io);
    if (uv_accept(s, (uv_stream_t *)&c->h) < 0) {
        conn_end(c);
        return;
    }
    c->token = ++io->next_token;
    io->pending++;
    if (io->pending > PENDING_MAX) {
        conn_end(c);
        return;
    }
    uv_tcp_nodelay(&c->h, 1);
    endpoints(c, &ev);
    ev.token = c->token;
    io_feed(io, &ev);
}

/* Only from here on is it known whose connection it is. What came before was let through by TTL;
 * its sender has seen our SYN-ACK and is no blind one (RFC 5082 3 asks for no more of a listener).
 */
static void do_accept(struct io *io, const struct core_act *a)
{
    struct io_tcp_conn *c = by_token(io, a->token);
    int fd;

    if (!c)
        return;
    c->token = 0;
    io->pending--;
    c->handle = a->handle;
    if (uv_fileno((uv_handle_t *)&c->h, &fd) != 0 ||
        !io_tcp_ttl(fd, a->remote.addr.family, a->ttl, a->ttl_min)) {
        tell_end(c, CORE_EV_TCP_CLOSED, KD_REASON_KERNEL_REFUSED);
        conn_end(c);
        return;
    }
    uv_read_start((uv_stream_t *)&c->h, on_alloc, on_read);
}

static void listen_one(struct io *io, const struct core_act *a, uint8_t family)
{
    struct io_priv_req req = {.kind = IO_PRIV_TCP_LISTEN, .local = a->local, .family = family};
    struct io_tcp_listener *l = calloc(1, sizeof(*l));
    struct core_event_record r = {.note = CORE_NOTE_KERNEL_ERROR,
                                  .now_us = io_now_us(),
                                  .tunnel = a->tunnel,
                                  .peer = CORE_NO_PEER,
                                  .reason = KD_REASON_KERNEL_REFUSED};
    struct io_priv_res res;

    kd_assert(l);
    name_of(io, a->tunnel, req.ifname);
    l->io = io;
    l->tunnel = a->tunnel;
    uv_tcp_init(&io->loop, &l->h);
    l->h.data = l;
    l->next = io->listeners;
    io->listeners = l;
    if (!io_priv(&req, &res)) {
        r.text = kd_bytes_str(res.text);
        io_report(io, &r);
        return;
    }
    if (uv_tcp_open(&l->h, res.fd) != 0)
        r.text = kd_bytes_str("listening for BGP was refused");
    else if (!io_tcp_md5_listener(io, res.fd, a->tunnel, family))
        r.text = kd_bytes_str("not listening for BGP: the kernel takes no TCP MD5 password "
                              "(CONFIG_TCP_MD5SIG)");
    else if (uv_listen((uv_stream_t *)&l->h, 64, on_incoming) != 0)
        r.text = kd_bytes_str("listening for BGP was refused");
    if (r.text.len)
        io_report(io, &r);
}

static void do_listen(struct io *io, const struct core_act *a)
{
    if (a->local.addr.family) {
        listen_one(io, a, a->local.addr.family);
        return;
    }
    listen_one(io, a, 4);
    listen_one(io, a, 6);
}

/* ---- writing and closing ---- */

static void on_written(uv_write_t *w, int status)
{
    struct write_req *r = w->data;
    struct io_tcp_conn *c = r->c;
    struct core_ev ev = {.kind = CORE_EV_TCP_SENT, .handle = c->handle, .n = r->len};

    free(r);
    if (status == 0 && !c->closing && !uv_is_closing((uv_handle_t *)&c->h))
        tell(c->io, &ev);
}

static void do_write(struct io_tcp_conn *c, struct kd_bytes data)
{
    struct write_req *r = malloc(sizeof(*r) + data.len);
    uv_buf_t buf;

    kd_assert(r);
    tap(c, true, data);
    memcpy(r->data, data.p, data.len);
    r->len = (uint32_t)data.len;
    r->c = c;
    r->w.data = r;
    buf = uv_buf_init(r->data, r->len);
    if (uv_write(&r->w, (uv_stream_t *)&c->h, &buf, 1, on_written) != 0)
        free(r);
}

static void on_linger(uv_timer_t *t)
{
    struct io_tcp_conn *c = t->data;

    tell_end(c, CORE_EV_TCP_CLOSED, KD_REASON_TIMEOUT);
    if (!uv_is_closing((uv_handle_t *)&c->h) && uv_tcp_close_reset(&c->h, freed) == 0)
        uv_close((uv_handle_t *)&c->linger, freed);
    else
        conn_end(c);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct io_tcp_conn *c = req->data;

    if (status >= 0)
        return; /* the peer's FIN, or the linger timer, ends it */
    tell_end(c, CORE_EV_TCP_CLOSED, KD_REASON_TCP_CLOSED);
    conn_end(c);
}

/* In repair mode the kernel drops a connection without a word: no FIN, no reset. */
static void do_vanish(struct io_tcp_conn *c)
{
    int fd, on = 1;

    if (uv_fileno((uv_handle_t *)&c->h, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
    c->closing = true;
    tell_end(c, CORE_EV_TCP_CLOSED, KD_REASON_TCP_CLOSED);
    conn_end(c);
}

static void do_close(struct io_tcp_conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    (void)uv_read_start((uv_stream_t *)&c->h, on_alloc, on_read); /* for the end, if paused */
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->h, on_shutdown) == 0) {
        uv_timer_start(&c->linger, on_linger, LINGER_MS, 0);
        return;
    }
    tell_end(c, CORE_EV_TCP_CLOSED, KD_REASON_TCP_CLOSED); /* was not connected yet */
    conn_end(c);
}

static void listener_freed(uv_handle_t *h)
{
    free(h->data);
}

static void do_unlisten(struct io *io, uint32_t tunnel)
{
    for (struct io_tcp_listener **p = &io->listeners; *p;) {
        struct io_tcp_listener *l = *p;
        if (l->tunnel != tunnel) {
            p = &l->next;
            continue;
        }
        *p = l->next;
        uv_close((uv_handle_t *)&l->h, listener_freed);
    }
}

void io_tcp_act(struct io *io, const struct core_act *a, struct kd_bytes data)
{
    struct io_tcp_conn *c;

    switch (a->kind) {
    case CORE_ACT_TCP_LISTEN:
        do_listen(io, a);
        break;
    case CORE_ACT_TCP_UNLISTEN:
        do_unlisten(io, a->tunnel);
        break;
    case CORE_ACT_TCP_CONNECT:
        do_connect(io, a);
        break;
    case CORE_ACT_TCP_ACCEPT:
        do_accept(io, a);
        break;
    case CORE_ACT_TCP_REFUSE:
        c = by_token(io, a->token);
        if (c)
            conn_end(c);
        break;
    case CORE_ACT_TCP_WRITE:
        c = by_handle(io, a->handle);
        if (c && !c->closing)
            do_write(c, data);
        break;
    case CORE_ACT_TCP_PAUSE:
        c = by_handle(io, a->handle);
        if (c)
            uv_read_stop((uv_stream_t *)&c->h);
        break;
    case CORE_ACT_TCP_RESUME:
        c = by_handle(io, a->handle);
        if (c && !uv_is_closing((uv_handle_t *)&c->h))
            uv_read_start((uv_stream_t *)&c->h, on_alloc, on_read);
        break;
    case CORE_ACT_TCP_CLOSE:
        c = by_handle(io, a->handle);
        if (c && a->silent)
            do_vanish(c);
        else if (c)
            do_close(c);
        break;
    default:
        break;
    }
}

void io_tcp_close_all(struct io *io)
{
    for (struct io_tcp_conn *c = io->conns; c; c = c->next)
        conn_end(c);
    while (io->listeners) {
        struct io_tcp_listener *l = io->listeners;
        io->listeners = l->next;
        uv_close((uv_handle_t *)&l->h, listener_freed);
    }
}
