/* The kernel's side of the control loop: the netlink socket, tunnel interfaces, and the decision
 * which data plane to use. Messages come complete from the core and leave as one batch a step. */
#include "io/fault.h"

#include "io/priv.h"
#include "io/vrf.h"
#include "io/xnet.h"
#include "netlink/probe.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBE_SPI   0xfffffe01u /* of an SA that lives for the length of a question */
#define BATCH_BYTES (256 * 1024)
#define BATCH_SEND  (32 * 1024) /* a datagram the kernel takes whatever its buffers */
#define IN_BYTES    (64 * 1024) /* read at once: some 900 answers, or a dump's part */

static void lost(struct io *io, enum core_ev_kind kind)
{
    struct core_ev ev = {.kind = kind};

    if (io->stepping)
        io_post_event(io, &ev);
    else
        io_feed(io, &ev);
}

/* Datagrams of a socket, one behind the other as one event: each answer to a request is one of its
 * own. What overran is told of as such. */
static void drain(struct io *io, struct nl_socket *s, enum core_ev_kind kind,
                  enum core_ev_kind kind_lost)
{
    struct core_ev ev = {.kind = kind};
    struct kd_bytes one;
    struct kd_writer w;
    bool overrun = false;

    kd_writer_init(&w, io->nl_in, IN_BYTES);
    while (IN_BYTES - w.pos >= NL_DATAGRAM_MAX && nl_recv(s, &one, &overrun)) {
        if (overrun) {
            lost(io, kind_lost);
            return;
        }
        if (one.len == 0)
            break;
        kd_put_bytes(&w, one);
    }
    ev.data = kd_written(&w);
    if (io_fault_answers(io, s, io->nl_in, ev.data.len)) {
        lost(io, kind_lost);
        return;
    }
    if (ev.data.len > 0)
        io_feed(io, &ev);
}

void io_kernel_poll_on(uv_poll_t *h, int status, uv_poll_cb cb)
{
    if (status != 0)
        (void)uv_poll_start(h, UV_READABLE, cb);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct io *io = h->data;

    (void)events;
    io_kernel_poll_on(h, status, on_readable);
    drain(io, io->nl, CORE_EV_NETLINK, CORE_EV_NETLINK_LOST);
}

static void on_news(uv_poll_t *h, int status, int events)
{
    struct io *io = h->data;

    (void)events;
    io_kernel_poll_on(h, status, on_news);
    drain(io, io->mon, CORE_EV_MONITOR, CORE_EV_MONITOR_LOST);
}

void io_kernel_drain(struct io *io)
{
    drain(io, io->nl, CORE_EV_NETLINK, CORE_EV_NETLINK_LOST);
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
    static const uint16_t news[] = {RTNLGRP_LINK,
                                    RTNLGRP_IPV4_IFADDR,
                                    RTNLGRP_IPV6_IFADDR,
                                    RTNLGRP_IPV4_ROUTE,
                                    RTNLGRP_IPV6_ROUTE,
                                    RTNLGRP_NEXTHOP,
                                    0};

    io->nl_batch = malloc(BATCH_BYTES);
    io->nl_in = malloc(IN_BYTES);
    io->nl = nl_open(NETLINK_ROUTE, groups);
    io->mon = io->nl ? nl_open(NETLINK_ROUTE, news) : NULL;
    if (!io->mon || !io->nl_batch || !io->nl_in || !nl_unsubscribe_own(io->mon, NL_PROTO_KEDGE)) {
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
    io_fault_message(io, io->mon, room);
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
    io_fault_message(io, io->nl, io->nl_batch + io->nl_len);
    io->nl_len += msg.len;
}

static bool make_tun(struct io *io, const struct core_act *a, struct core_ev *ev,
                     struct io_priv_res *res)
{
    const struct core_tunnel_config *cfg = &io->cfg->tunnels[a->tunnel];
    struct io_priv_req req = {.kind = IO_PRIV_TUN};

    memcpy(req.ifname, a->name, sizeof(req.ifname));
    if (!io_priv(&req, res))
        return false;
    ev->ifindex = res->ifindex;
    io_dp_tun_add(io->dp, a->tunnel, res->fd, cfg->ike.on_traffic ? &cfg->ike : NULL, &cfg->inner);
    return true;
}

static void del_device(struct io *io, uint32_t tunnel)
{
    if (io_xnet_has(io, tunnel))
        io_xnet_device_del(io, tunnel);
    else
        io_dp_tun_del(io->dp, tunnel);
}

void io_kernel_device(struct io *io, const struct core_act *a)
{
    const struct core_tunnel_config *t = &io->cfg->tunnels[a->tunnel];
    struct io_priv_res res;
    struct core_ev ev = {.kind = CORE_EV_DEVICE, .tunnel = a->tunnel};

    if (a->kind == CORE_ACT_DEVICE_DEL) {
        del_device(io, a->tunnel);
        return;
    }
    ev.ok = io_xnet_has(io, a->tunnel)
                ? io_xnet_device(io, a->tunnel, a->name, &ev.ifindex, res.text, sizeof(res.text))
                : make_tun(io, a, &ev, &res);
    if (ev.ok && t->vrf[0] &&
        !io_vrf_put(t->vrf, t->table, ev.ifindex, res.text, sizeof(res.text))) {
        del_device(io, a->tunnel);
        ev.ok = false;
    }
    if (!ev.ok)
        ev.data = kd_bytes_str(res.text);
    io_post_event(io, &ev);
}

struct probing {
    const struct core_config *cfg;
    bool interface; /* an XFRM interface could be made */
};

/* Its packets are routed by main, or by the VRF that its interface is over; never by a device. */
static bool heeds_device(const struct core_outer *outer, char *reason, size_t cap)
{
    if (!outer->device[0] || io_vrf_is(outer->device))
        return true;
    snprintf(reason, cap, "the kernel's ESP heeds no device but a VRF, and %s is none",
             outer->device);
    return false;
}

/* An XFRM interface is needed beside ESP; asked for once. */
static enum nl_esp_support probe(void *arg, const struct kd_addr *local,
                                 const struct nl_sa_alg *encr, const struct nl_sa_alg *integ,
                                 char *reason, size_t cap)
{
    struct probing *p = arg;
    enum nl_esp_support res = nl_probe_esp(local, PROBE_SPI, encr, integ, reason, cap);

    if (res != NL_ESP_SUPPORTED)
        return res;
    p->interface = p->interface || nl_probe_interface(reason, cap);
    return p->interface && heeds_device(core_outer_of(p->cfg, local), reason, cap) ? res
                                                                                   : NL_ESP_ABSENT;
}

void io_kernel_decide(const struct core_config *cfg, struct io_decision *d, char *why, size_t cap)
{
    static const struct nl_sa_alg cbc = {.name = "cbc(aes)", .key_len = 32},
                                  sha1 = {.name = "hmac(sha1)", .key_len = 20, .icv_bits = 96};
    struct probing p = {.cfg = cfg};

    io_decide(cfg, probe, &p, d, why, cap);
    for (uint32_t i = 0; i < cfg->n_listen; i++)
        if (d->at[i] == CORE_DP_XFRM)
            d->knows_direction = nl_probe_direction(PROBE_SPI, &cbc, &sha1);
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
    free(io->nl_in);
}
