/* ICMP's complaints that a datagram was too long, from one raw socket a family of the listen
 * addresses: whoever sent it, IKE, ESP from here or the kernel's own. Handed up as they come; what
 * they are worth the core knows (core/icmp.c). Without the sockets the path is measured all the
 * same, at its times. */
#include "io/io.h"

#include "io/priv.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1 /* linux/icmp.h, which can't be had beside netinet/ip_icmp.h */
#endif

#define PACKET 256 /* headers and ports are what is looked at */

static void filter(int fd, uint8_t family)
{
    struct icmp6_filter six;
    uint32_t four = ~(1u << ICMP_DEST_UNREACH);

    ICMP6_FILTER_SETBLOCKALL(&six);
    ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &six);
    if (family == 6)
        (void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &six, sizeof(six));
    else
        (void)setsockopt(fd, SOL_RAW, ICMP_FILTER, &four, sizeof(four));
}

static void on_ready(uv_poll_t *h, int status, int events)
{
    enum { ROUNDS = 32 };                    /* a flood has to let others have their turn */
    struct io_icmp *s = (struct io_icmp *)h; /* h is its first member */
    struct io *io = h->data;
    uint8_t buf[PACKET];

    (void)events;
    for (int i = 0; status >= 0 && i < ROUNDS && !io->ended; i++) {
        ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0)
            return;
        io_feed(io, &(struct core_ev){
                        .kind = CORE_EV_ICMP, .n = s->family, .data = kd_bytes(buf, (size_t)n)});
    }
}

static void open_one(struct io *io, struct io_icmp *s, uint8_t family)
{
    struct io_priv_req req = {.kind = IO_PRIV_PROBE, .family = family, .protocol = IPPROTO_ICMP};
    struct io_priv_res res;

    if (!io_priv(&req, &res))
        return;
    filter(res.fd, family);
    s->fd = res.fd;
    s->family = family;
    s->h.data = io;
    if (uv_poll_init(&io->loop, &s->h, s->fd) == 0) {
        s->open = true;
        uv_poll_start(&s->h, UV_READABLE, on_ready);
    } else {
        close(s->fd);
    }
}

void io_icmp_open(struct io *io)
{
    bool wanted[2] = {false, false};

    for (uint32_t i = 0; i < io->cfg->n_listen; i++)
        wanted[io->cfg->listen[i].family == 6] = true;
    for (int i = 0; i < 2; i++)
        if (wanted[i])
            open_one(io, &io->icmp[i], i ? 6 : 4);
}

void io_icmp_close(struct io *io)
{
    for (int i = 0; i < 2; i++)
        if (io->icmp[i].open) {
            io->icmp[i].open = false;
            uv_poll_stop(&io->icmp[i].h);
            uv_close((uv_handle_t *)&io->icmp[i].h, NULL);
            close(io->icmp[i].fd);
        }
}
