/* The kernel's side of the control loop: the netlink socket, tunnel interfaces, and the decision
 * which data plane to use. Messages come complete from the core and leave as one batch a step. */
#include "io/io.h"

#include "io/priv.h"
#include "netlink/probe.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBE_SPI   0xfffffe01u /* of an SA that lives for the length of a question */
#define BATCH_BYTES (256 * 1024)
#define BATCH_SEND  (32 * 1024) /* a datagram the kernel takes whatever its buffers */

static void lost(struct io *io, enum core_ev_kind kind)
{
    struct core_ev ev = {.kind = kind};

    if (io->stepping)
        io_post_event(io, &ev);
    else
        io_feed(io, &ev);
}

/* Some datagrams of a socket; what overran is told of as such. */
static void drain(struct io *io, struct nl_socket *s, enum core_ev_kind kind,
                  enum core_ev_kind kind_lost)
{
    struct core_ev ev = {.kind = kind};
    bool overrun = false;

    for (int n = 0; n < 32 && nl_recv(s, &ev.data, &overrun); n++) {
        if (overrun) {
            lost(io, kind_lost);
            return;
        }
        if (ev.data.len == 0)
            return;
        io_feed(io, &ev);
        if (io->ended)
            return;
    }
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct io *io = h->data;

    (void)events;
    if (status == 0)
        drain(io, io->nl, CORE_EV_NETLINK, CORE_EV_NETLINK_LOST);
}

static void on_news(uv_poll_t *h, int status, int events)
{
    struct io *io = h->data;

    (void)events;
    if (status == 0)
        drain(io, io->mon, CORE_EV_MONITOR, CORE_EV_MONITOR_LOST);
}

static bool watch(struct io *io, uv_poll_t *h, const struct nl_socket *s, uv_poll_cb cb)
{
    uv_poll_init(&io->loop, h, nl_fd(s));
    h->data = io;
    return uv_poll_start(h, UV_READABLE, cb) == 0;
}

bool io_kernel_open(struct io *io, char *text, size_t cap)
{
    static const uint16_t groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0};
    static const uint16_t news[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                    RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEXTHOP, 0};

    io->nl_batch = malloc(BATCH_BYTES);
    io->nl = nl_open(NETLINK_ROUTE, groups);
    io->mon = io->nl ? nl_open(NETLINK_ROUTE, news) : NULL;
    if (!io->mon || !io->nl_batch || !nl_unsubscribe_own(io->mon, NL_PROTO_KEDGE)) {
        snprintf(text, cap, "netlink: %s", strerror(errno));
        return false;
    }
    return watch(io, &io->nl_poll, io->nl, on_readable) &&
           watch(io, &io->mon_poll, io->mon, on_news);
}

void io_kernel_monitor(struct io *io, struct kd_bytes msg)
{
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), msg.len};

    kd_assert(msg.len <= sizeof(room));
    memcpy(room, msg.p, msg.len);
    if (!nl_send(io->mon, &b))
        lost(io, CORE_EV_MONITOR_LOST);
}

void io_kernel_flush(struct io *io)
{
    struct nl_buf b = {io->nl_batch, BATCH_BYTES, io->nl_len};

    if (io->nl_len == 0)
        return;
    io->nl_len = 0;
    if (!nl_send(io->nl, &b))
        lost(io, CORE_EV_NETLINK_LOST);
}

void io_kernel_put(struct io *io, struct kd_bytes msg)
{
    if (io->nl_len + msg.len > BATCH_SEND)
        io_kernel_flush(io);
    kd_assert(msg.len <= BATCH_BYTES - io->nl_len);
    memcpy(io->nl_batch + io->nl_len, msg.p, msg.len);
    io->nl_len += msg.len;
}

void io_kernel_device(struct io *io, const struct core_act *a)
{
    struct io_priv_req req = {.kind = IO_PRIV_TUN};
    struct io_priv_res res;
    struct core_ev ev = {.kind = CORE_EV_DEVICE, .tunnel = a->tunnel};

    if (a->kind == CORE_ACT_DEVICE_DEL) {
        io_dp_tun_del(io->dp, a->tunnel);
        return;
    }
    memcpy(req.ifname, a->name, sizeof(req.ifname));
    ev.ok = io_priv(&req, &res);
    ev.ifindex = res.ifindex;
    if (ev.ok)
        io_dp_tun_add(io->dp, a->tunnel, res.fd);
    else
        ev.data = kd_bytes_str(res.text);
    io_post_event(io, &ev);
}

/* `auto` is decided once, for each listen address: what the kernel can do for it. */
enum core_dataplane io_kernel_decide(const struct core_config *cfg, char *why, size_t cap)
{
    static const struct nl_sa_alg cbc = {.name = "cbc(aes)", .key_len = 32},
                                  sha1 = {.name = "hmac(sha1)", .key_len = 20, .icv_bits = 96};
    char addr[KD_ADDR_STR_MAX], verdict[160];
    size_t n = 0;

    if (cfg->dataplane != CORE_DP_AUTO) {
        snprintf(why, cap, "%s: configured", core_dataplane_names[cfg->dataplane]);
        return cfg->dataplane;
    }
    for (uint32_t i = 0; i < cfg->n_listen && n < cap; i++) {
        if (nl_probe_esp(&cfg->listen[i], PROBE_SPI, &cbc, &sha1, verdict, sizeof(verdict)) ==
            NL_ESP_SUPPORTED)
            snprintf(verdict, sizeof(verdict),
                     "the kernel has ESP, but this version installs no SAs in it yet");
        n += (size_t)snprintf(why + n, cap - n, "%s%s: %s", i == 0 ? "tun for " : "; ",
                              kd_addr_str(&cfg->listen[i], addr), verdict);
    }
    return CORE_DP_TUN;
}

static void unwatch(uv_poll_t *h, struct nl_socket *s)
{
    if (!s)
        return;
    if (h->data) {
        uv_poll_stop(h);
        uv_close((uv_handle_t *)h, NULL);
    }
    nl_close(s);
}

void io_kernel_close(struct io *io)
{
    unwatch(&io->nl_poll, io->nl);
    unwatch(&io->mon_poll, io->mon);
    free(io->nl_batch);
}
