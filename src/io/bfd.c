/* BFD's sockets (RFC 5881 4, 5883 5): ports 3784 and 4784 of all addresses of both families, which
 * tell where a packet arrived and with which TTL; and a sending socket a session, for its source
 * port. Packets leave with TTL 255 and the precedence of routing protocols.
 *
 * Received in batches, one system call for BATCH packets. */
#include "io/io.h"

#include "io/priv.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOCKETS 4 /* two ports, two families */
#define BATCH   32
/* A packet counts for some 800 octets; 300 sessions at 300 ms fill the default buffer in a quarter
 * of a second. What waits here while the loop is busy is read before any session is judged. */
#define RCVBUF_LEN (4 << 20)
#define PACKET  256 /* longer ones are malformed: the engine sees them cut, and refuses */
#define CONTROL 128
#define TOS     0xc0 /* CS6 */
#define TTL     255

struct sender {
    struct sender *next;
    int fd;
    uint16_t port;
    uint8_t family;
};

struct io_bfd {
    struct io_bfd_socket {
        uv_poll_t poll;
        struct io *io;
        int fd;
        uint8_t family;
        uint16_t port;
    } in[SOCKETS];
    struct sender *senders; /* one a session: hundreds */
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    struct sockaddr_storage from[BATCH];
    uint8_t data[BATCH][PACKET];
    alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL];
};

/* ---- receiving ---- */

static void meta(const struct msghdr *h, uint8_t family, struct core_ev *ev)
{
    struct cmsghdr *c;

    for (c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)h, c)) {
        int ttl;
        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
            memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
            ev->n = (uint32_t)ttl;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo i;
            memcpy(&i, CMSG_DATA(c), sizeof(i));
            ev->ifindex = (uint32_t)i.ipi_ifindex;
            ev->local.addr = kd_addr_from(family, (const uint8_t *)&i.ipi_addr);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo i;
            memcpy(&i, CMSG_DATA(c), sizeof(i));
            ev->ifindex = i.ipi6_ifindex;
            ev->local.addr = kd_addr_from(family, (const uint8_t *)&i.ipi6_addr);
        }
    }
}

static void deliver(struct io *io, const struct io_bfd_socket *s, const struct mmsghdr *m)
{
    struct core_ev ev = {.kind = CORE_EV_BFD, .local.port = s->port};

    ev.remote = io_sockaddr_to(m->msg_hdr.msg_name);
    ev.data = kd_bytes(m->msg_hdr.msg_iov->iov_base, m->msg_len);
    meta(&m->msg_hdr, s->family, &ev);
    if (ev.local.addr.family && ev.remote.addr.family)
        io_feed(io, &ev);
}

static int receive(struct io_bfd *b, const struct io_bfd_socket *s)
{
    for (int i = 0; i < BATCH; i++) {
        b->iov[i] = (struct iovec){b->data[i], PACKET};
        b->msg[i].msg_hdr = (struct msghdr){.msg_name = &b->from[i],
                                            .msg_namelen = sizeof(b->from[i]),
                                            .msg_iov = &b->iov[i],
                                            .msg_iovlen = 1,
                                            .msg_control = b->control[i],
                                            .msg_controllen = CONTROL};
    }
    return recvmmsg(s->fd, b->msg, BATCH, MSG_DONTWAIT, NULL);
}

/* To the end; a flood can't hold the loop longer than ROUNDS batches. */
static void drain(struct io *io, const struct io_bfd_socket *s)
{
    enum { ROUNDS = 64 };
    int n = BATCH;

    for (int round = 0; n == BATCH && round < ROUNDS && !io->ended; round++) {
        n = receive(io->bfd, s);
        for (int i = 0; i < n && !io->ended; i++)
            deliver(io, s, &io->bfd->msg[i]);
    }
}

void io_bfd_drain(struct io *io)
{
    for (int i = 0; io->bfd && i < SOCKETS; i++)
        if (io->bfd->in[i].fd >= 0)
            drain(io, &io->bfd->in[i]);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct io_bfd_socket *s = h->data;

    (void)status;
    (void)events;
    drain(s->io, s);
}

/* ---- sending ---- */

static bool option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static struct sender *sender_of(struct io_bfd *b, uint16_t port, uint8_t family)
{
    struct io_priv_req req = {.kind = IO_PRIV_UDP, .local.port = port, .family = family};
    struct io_priv_res res;
    struct sender *s;

    for (s = b->senders; s; s = s->next)
        if (s->port == port && s->family == family)
            return s;
    s = calloc(1, sizeof(*s));
    if (!s || !io_priv(&req, &res)) {
        free(s);
        return NULL; /* the session stays Down, and says so */
    }
    if (family == 4)
        (void)(option(res.fd, IPPROTO_IP, IP_TTL, TTL) && option(res.fd, IPPROTO_IP, IP_TOS, TOS));
    else
        (void)(option(res.fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, TTL) &&
               option(res.fd, IPPROTO_IPV6, IPV6_TCLASS, TOS));
    *s = (struct sender){b->senders, res.fd, port, family};
    b->senders = s;
    return s;
}

/* The source address and, over a tunnel, the interface: one control message. */
static size_t source(const struct core_act *a, uint32_t ifindex, struct msghdr *h)
{
    struct cmsghdr *c = h->msg_control;
    bool v6 = a->remote.addr.family == 6;
    struct in6_pktinfo i6 = {.ipi6_ifindex = ifindex};
    struct in_pktinfo i4 = {.ipi_ifindex = (int)ifindex};

    if (a->local.addr.family) {
        memcpy(v6 ? (void *)&i6.ipi6_addr : (void *)&i4.ipi_spec_dst, a->local.addr.b, v6 ? 16 : 4);
    } else if (!ifindex) {
        return 0;
    }
    c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
    c->cmsg_len = v6 ? CMSG_LEN(sizeof(i6)) : CMSG_LEN(sizeof(i4));
    memcpy(CMSG_DATA(c), v6 ? (void *)&i6 : (void *)&i4, v6 ? sizeof(i6) : sizeof(i4));
    return v6 ? CMSG_SPACE(sizeof(i6)) : CMSG_SPACE(sizeof(i4));
}

void io_bfd_send(struct io *io, const struct core_act *a, struct kd_bytes data)
{
    struct sender *s = io->bfd ? sender_of(io->bfd, a->local.port, a->remote.addr.family) : NULL;
    struct iovec iov = {(void *)(uintptr_t)data.p, data.len};
    alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
    struct sockaddr_storage to;
    struct msghdr h = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};

    if (!s)
        return;
    h.msg_namelen = io_sockaddr_from(&a->remote, &to);
    h.msg_controllen = source(a, a->ifindex, &h);
    (void)sendmsg(s->fd, &h, MSG_DONTWAIT); /* lost, as on any wire: the next one follows soon */
}

/* ---- opening ---- */

static bool wanted(const struct core_config *cfg)
{
    for (uint32_t i = 0; i < cfg->n_tunnels; i++)
        if (cfg->tunnels[i].has_neighbor && cfg->tunnels[i].neighbor.bfd.on)
            return true;
    for (uint32_t i = 0; i < cfg->n_neighbors; i++)
        if (cfg->neighbors[i].bfd.on)
            return true;
    return false;
}

static bool open_one(struct io *io, struct io_bfd_socket *s, char *text, size_t cap)
{
    struct io_priv_req req = {.kind = IO_PRIV_UDP, .local.port = s->port, .family = s->family};
    struct io_priv_res res;

    if (!io_priv(&req, &res)) {
        snprintf(text, cap, "BFD: %s", res.text);
        return false;
    }
    s->io = io;
    s->fd = res.fd;
    s->poll.data = s;
    if (!option(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF_LEN))
        (void)option(s->fd, SOL_SOCKET, SO_RCVBUF, RCVBUF_LEN);
    if (s->family == 4
            ? option(s->fd, IPPROTO_IP, IP_PKTINFO, 1) && option(s->fd, IPPROTO_IP, IP_RECVTTL, 1)
            : option(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
                  option(s->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1))
        if (uv_poll_init(&io->loop, &s->poll, s->fd) == 0 &&
            uv_poll_start(&s->poll, UV_READABLE, on_readable) == 0)
            return true;
    snprintf(text, cap, "BFD: the kernel refused a socket option: %s", strerror(errno));
    return false;
}

bool io_bfd_open(struct io *io, char *text, size_t cap)
{
    static const uint16_t ports[] = {BFD_PORT, BFD_PORT_MULTIHOP};

    if (!wanted(io->cfg))
        return true;
    io->bfd = calloc(1, sizeof(*io->bfd));
    kd_assert(io->bfd);
    for (int i = 0; i < SOCKETS; i++)
        io->bfd->in[i] =
            (struct io_bfd_socket){.fd = -1, .family = i % 2 ? 6 : 4, .port = ports[i / 2]};
    for (int i = 0; i < SOCKETS; i++)
        if (!open_one(io, &io->bfd->in[i], text, cap) && io->bfd->in[i].family == 4)
            return false; /* a host without IPv6 is no reason to stop */
    return true;
}

void io_bfd_close(struct io *io)
{
    for (int i = 0; io->bfd && i < SOCKETS; i++)
        if (io->bfd->in[i].fd >= 0) {
            uv_poll_stop(&io->bfd->in[i].poll);
            uv_close((uv_handle_t *)&io->bfd->in[i].poll, NULL);
            close(io->bfd->in[i].fd);
            io->bfd->in[i].fd = -1;
        }
    while (io->bfd && io->bfd->senders) {
        struct sender *s = io->bfd->senders;
        io->bfd->senders = s->next;
        close(s->fd);
        free(s);
    }
}
