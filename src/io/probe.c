/* Health probes' sockets: raw ICMP, connected UDP, or a TCP connection a question; each bound to
 * the interface and address that the core names, so that no other way answers. What comes is handed
 * up as it is: the core knows what it asked.
 *
 * Datagram sockets stay while the way stays the same; a TCP connection ends with a reset, by us,
 * with the next question at the latest. */
#include "io/io.h"

#include "io/priv.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define PACKET                                                                                     \
    512 /* longer ones are no answers: the core sees them cut, and doesn't count them              \
         */

struct probe {
    uv_poll_t poll;
    struct io *io;
    int fd;
    uint32_t health;
    uint64_t token;
    enum core_probe kind;
    struct kd_addr local;
    uint32_t ifindex;
    uint8_t family;
    bool told; /* TCP: how it went */
};

struct io_probes {
    struct probe *p[CORE_HEALTH_MAX]; /* NULL: no socket */
};

static struct core_ev event_of(const struct probe *p, bool ok, struct kd_bytes data)
{
    return (struct core_ev){
        .kind = CORE_EV_PROBE, .n = p->health, .token = p->token, .ok = ok, .data = data};
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static void end(struct io *io, uint32_t health)
{
    struct probe *p = io->probes->p[health];

    if (!p)
        return;
    io->probes->p[health] = NULL;
    uv_poll_stop(&p->poll);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    close(p->fd);
}

/* ---- answers ---- */

static void read_answers(struct io *io, const struct probe *p)
{
    enum { ROUNDS = 32 }; /* a flood has to let others have their turn */
    uint8_t buf[PACKET];

    for (int i = 0; i < ROUNDS && !io->ended; i++) {
        ssize_t n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);
        bool ok = n >= 0;
        struct core_ev ev;
        if (!ok && (errno == EAGAIN || errno == EINTR))
            return;
        ev = event_of(p, ok, ok ? kd_bytes(buf, (size_t)n) : kd_bytes_str(strerror(errno)));
        io_feed(io, &ev);
    }
}

static void connected(struct io *io, struct probe *p)
{
    struct pollfd ready = {.fd = p->fd, .events = POLLOUT};
    socklen_t len = sizeof(int);
    struct core_ev ev;
    int error = 0;

    if (p->told || poll(&ready, 1, 0) <= 0)
        return;
    p->told = true;
    uv_poll_stop(&p->poll);
    if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    ev = event_of(p, error == 0, error ? kd_bytes_str(strerror(error)) : kd_bytes(NULL, 0));
    io_feed(io, &ev);
}

static void answered(struct io *io, struct probe *p)
{
    if (p->kind != CORE_PROBE_TCP)
        read_answers(io, p);
    else
        connected(io, p);
}

/* libuv no longer watches a socket after an error, as a refused datagram is one: the next question
 * opens another. */
static void on_ready(uv_poll_t *h, int status, int events)
{
    struct probe *p = h->data;

    (void)events;
    answered(p->io, p);
    if (status < 0)
        end(p->io, p->health);
}

void io_probe_drain(struct io *io)
{
    for (uint32_t i = 0; io->probes && i < io->cfg->n_health && !io->ended; i++)
        if (io->probes->p[i])
            answered(io, io->probes->p[i]);
}

/* ---- asking ---- */

/* NULL: why is told. */
static struct probe *open_probe(struct io *io, const struct core_act *a, char *why, size_t cap)
{
    static const int protocols[] = {[CORE_PROBE_ICMP] = IPPROTO_ICMP,
                                    [CORE_PROBE_UDP] = IPPROTO_UDP,
                                    [CORE_PROBE_TCP] = IPPROTO_TCP};
    struct io_priv_req req = {.kind = IO_PRIV_PROBE,
                              .local.addr = a->local.addr,
                              .family = a->remote.addr.family,
                              .protocol = protocols[a->probe],
                              .ifindex = a->ifindex};
    struct probe *p = calloc(1, sizeof(*p));
    struct io_priv_res res;

    kd_assert(p);
    if (!io_priv(&req, &res)) {
        snprintf(why, cap, "%s", res.text);
        free(p);
        return NULL;
    }
    *p = (struct probe){.io = io,
                        .fd = res.fd,
                        .health = a->health,
                        .kind = a->probe,
                        .local = a->local.addr,
                        .ifindex = a->ifindex,
                        .family = a->remote.addr.family};
    if (uv_poll_init(&io->loop, &p->poll, p->fd) == 0) {
        p->poll.data = p;
        return io->probes->p[a->health] = p;
    }
    snprintf(why, cap, "no room in the event loop");
    close(p->fd);
    free(p);
    return NULL;
}

static bool same_way(const struct probe *p, const struct core_act *a)
{
    return p && p->kind != CORE_PROBE_TCP && p->ifindex == a->ifindex &&
           kd_addr_eq(&p->local, &a->local.addr);
}

/* 0, or errno. TCP: EINPROGRESS as a rule. */
static int connect_to(const struct probe *p, const struct core_act *a)
{
    struct kd_endpoint to = a->remote;
    struct sockaddr_storage ss;
    socklen_t len;

    if (p->kind == CORE_PROBE_ICMP)
        to.port = 0;
    len = io_sockaddr_from(&to, &ss);
    return connect(p->fd, (struct sockaddr *)&ss, len) < 0 ? errno : 0;
}

static int start(struct probe *p, const struct core_act *a)
{
    const struct linger reset = {.l_onoff = 1};
    bool tcp = p->kind == CORE_PROBE_TCP;
    int error;

    if (tcp)
        (void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    error = connect_to(p, a);
    if (error && !(tcp && error == EINPROGRESS))
        return error;
    uv_poll_start(&p->poll, tcp ? UV_WRITABLE : UV_READABLE, on_ready);
    return 0;
}

static void refused(struct io *io, const struct core_act *a, const char *why)
{
    struct core_ev ev = {
        .kind = CORE_EV_PROBE, .n = a->health, .token = a->token, .data = kd_bytes_str(why)};

    end(io, a->health);
    io_post_event(io, &ev);
}

void io_probe_ask(struct io *io, const struct core_act *a, struct kd_bytes data)
{
    struct probe *p = io->probes->p[a->health];
    char why[192];
    int error = 0;

    if (!same_way(p, a)) {
        end(io, a->health);
        p = open_probe(io, a, why, sizeof(why));
        if (!p) {
            refused(io, a, why);
            return;
        }
        error = start(p, a);
    }
    p->token = a->token;
    if (!error && p->kind != CORE_PROBE_TCP && send(p->fd, data.p, data.len, MSG_DONTWAIT) < 0)
        error = errno;
    if (error)
        refused(io, a, strerror(error));
}

bool io_probe_open(struct io *io)
{
    if (io->cfg->n_health)
        io->probes = calloc(1, sizeof(*io->probes));
    return !io->cfg->n_health || io->probes;
}

void io_probe_close(struct io *io)
{
    for (uint32_t i = 0; io->probes && i < CORE_HEALTH_MAX; i++)
        end(io, i);
}
