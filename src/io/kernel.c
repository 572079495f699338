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

static void lost(struct io *io)
{
    struct core_ev ev = {.kind = CORE_EV_NETLINK_LOST};

    if (io->stepping)
        io_post_event(io, &ev);
    else
        io_feed(io, &ev);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct io *io = h->data;
    struct core_ev ev = {.kind = CORE_EV_NETLINK};
    bool overrun = false;

    (void)events;
    for (int n = 0; status == 0 && n < 32 && nl_recv(io->nl, &ev.data, &overrun); n++) {
        if (overrun) {
            lost(io);
            return;
        }
        if (ev.data.len == 0)
            return;
        io_feed(io, &ev);
        if (io->ended)
            return;
    }
}

bool io_kernel_open(struct io *io, char *text, size_t cap)
{
    static const uint16_t groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0};

    io->nl_batch = malloc(BATCH_BYTES);
    io->nl = nl_open(NETLINK_ROUTE, groups);
    if (!io->nl || !io->nl_batch) {
        snprintf(text, cap, "netlink: %s", strerror(errno));
        return false;
    }
    uv_poll_init(&io->loop, &io->nl_poll, nl_fd(io->nl));
    io->nl_poll.data = io;
    return uv_poll_start(&io->nl_poll, UV_READABLE, on_readable) == 0;
}

void io_kernel_flush(struct io *io)
{
    struct nl_buf b = {io->nl_batch, BATCH_BYTES, io->nl_len};

    if (io->nl_len == 0)
        return;
    io->nl_len = 0;
    if (!nl_send(io->nl, &b))
        lost(io);
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
    char addr[KD_ADDR_STR_MAX], verdict[160];
    size_t n = 0;

    if (cfg->dataplane != CORE_DP_AUTO) {
        snprintf(why, cap, "%s: configured", core_dataplane_names[cfg->dataplane]);
        return cfg->dataplane;
    }
    for (uint32_t i = 0; i < cfg->n_listen && n < cap; i++) {
        if (nl_probe_esp(&cfg->listen[i], PROBE_SPI, verdict, sizeof(verdict)) == NL_ESP_SUPPORTED)
            snprintf(verdict, sizeof(verdict),
                     "the kernel has ESP, but this version installs no SAs in it yet");
        n += (size_t)snprintf(why + n, cap - n, "%s%s: %s", i == 0 ? "tun for " : "; ",
                              kd_addr_str(&cfg->listen[i], addr), verdict);
    }
    return CORE_DP_TUN;
}

void io_kernel_close(struct io *io)
{
    if (io->nl) {
        uv_poll_stop(&io->nl_poll);
        uv_close((uv_handle_t *)&io->nl_poll, NULL);
        nl_close(io->nl);
    }
    free(io->nl_batch);
}
