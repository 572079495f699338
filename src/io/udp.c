/* IKE on the plain port: one UDP socket a listen address. The NAT-T port belongs to the data plane,
 * which shares it with ESP. */
#include "io/io.h"

#include "io/bypass.h"
#include "io/priv.h"
#include "io/sockaddr.h"

#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    struct io_udp *u = (struct io_udp *)h; /* h is its first member */

    (void)hint;
    *buf = uv_buf_init((char *)u->buf, sizeof(u->buf));
}

static void on_recv(uv_udp_t *h, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from,
                    unsigned flags)
{
    struct io_udp *u = (struct io_udp *)h;
    struct io *io = h->data;
    struct core_ev ev = {.kind = CORE_EV_IKE_DATAGRAM};

    if (n <= 0 || !from || (flags & UV_UDP_PARTIAL))
        return;
    ev.local = (struct kd_endpoint){u->local, io->cfg->port};
    ev.remote = io_sockaddr_to(from);
    ev.data = kd_bytes(buf->base, (size_t)n);
    io_feed(io, &ev);
}

bool io_udp_open(struct io *io, uint32_t i, const struct kd_addr *local, uint16_t port, char *text,
                 size_t cap)
{
    const struct core_outer *outer = core_outer_of(io->cfg, local);
    struct io_priv_req req = {.kind = IO_PRIV_UDP, .local = {*local, port}, .mark = outer->mark};
    struct io_priv_res res;
    struct io_udp *u = &io->udp[i];

    memcpy(req.ifname, outer->device, sizeof(req.ifname));
    if (!io_priv(&req, &res)) {
        snprintf(text, cap, "%s", res.text);
        return false;
    }
    io_bypass(res.fd, local->family);
    u->local = *local;
    uv_udp_init(&io->loop, &u->h);
    u->h.data = io;
    u->open = true;
    if (uv_udp_open(&u->h, res.fd) == 0 && uv_udp_recv_start(&u->h, on_alloc, on_recv) == 0)
        return true;
    snprintf(text, cap, "udp: the event loop refused the socket");
    return false;
}

static struct io_udp *socket_of(struct io *io, const struct kd_addr *local)
{
    for (uint32_t i = 0; i < CORE_LISTEN_MAX; i++)
        if (io->udp[i].open && kd_addr_eq(&io->udp[i].local, local))
            return &io->udp[i];
    return NULL;
}

/* Of the datagrams that follow: DF, whatever the kernel thinks of the path; or as usual. */
static void set_whole(struct io_udp *u, bool on)
{
    bool v6 = u->local.family == 6;
    int value = v6 ? (on ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_WANT)
                   : (on ? IP_PMTUDISC_PROBE : IP_PMTUDISC_WANT);
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)&u->h, &fd) == 0)
        (void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                         v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &value, sizeof(value));
}

/* A datagram that can't leave now is lost, as on any wire: retransmission covers it. */
void io_udp_send(struct io *io, const struct core_act *a, struct kd_bytes data)
{
    struct io_udp *u = socket_of(io, &a->local.addr);
    struct sockaddr_storage ss;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data.p, (unsigned)data.len);

    if (a->natt) {
        (void)(a->df ? io_dp_send_whole : io_dp_send_ike)(io->dp, &a->local, &a->remote, data);
        return;
    }
    if (!u || !io_sockaddr_from(&a->remote, &ss))
        return;
    if (a->df)
        set_whole(u, true);
    uv_udp_try_send(&u->h, &buf, 1, (struct sockaddr *)&ss);
    if (a->df)
        set_whole(u, false);
}

void io_udp_close(struct io *io)
{
    for (uint32_t i = 0; i < CORE_LISTEN_MAX; i++)
        if (io->udp[i].open) {
            uv_close((uv_handle_t *)&io->udp[i].h, NULL);
            io->udp[i].open = false;
        }
}
