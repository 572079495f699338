/* Every netlink request of the kernel's data plane passes ask(), and every answer is read before it
 * returns: the kernel carries a request out inside the send. */
#include "io/xnet.h"

#include "io/fault.h"

#include "io/vrf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TALK_MS 1000 /* an answer is there at once, or it is lost */
#define TICK_MS 50

#define CLEAN_FIRST_US KD_MS(50)
#define CLEAN_LAST_US  KD_S(15)

struct io_xnet {
    struct nl_socket *talk, *heard, *links;
    struct io_xfrm *plane;
    uint32_t seq; /* of links */
    int inject;   /* AF_PACKET; -1 */
    uv_poll_t poll;
    uv_timer_t tick;
    int open_handles; /* of these two */
    bool clean;       /* nothing of an earlier life is left */
    uint32_t clean_tries;
    uint64_t clean_at_us;               /* not asked again before */
    char dirt[112];                     /* why it isn't clean */
    uint32_t ifindex[CORE_TUNNELS_MAX]; /* 0: none; else it is there, or may be */
};

/* ---- requests ---- */

struct taker {
    io_xfrm_take_fn *take;
    void *arg;
};

static void take_datagram(void *arg, struct kd_bytes data)
{
    const struct taker *t = arg;
    struct nl_xfrm_event ev;

    while (nl_xfrm_next(&data, &ev))
        t->take(t->arg, &ev);
    kc_wipe(&ev, sizeof(ev)); /* it can hold keys */
}

/* Everything passes here. */
static int send_ask(struct io *io, struct nl_socket *s, const struct nl_buf *b, uint32_t seq,
                    void (*take)(void *arg, struct kd_bytes data), void *arg, char *text,
                    size_t cap)
{
    int error = ETIMEDOUT;

    switch (io_fault_ask(io, &error)) {
    case IO_FAULT_LOSE:
        (void)nl_ask(s, b, seq, TALK_MS, NULL, NULL, text, cap);
        error = ETIMEDOUT;
        break;
    case IO_FAULT_REFUSE:
        break;
    default:
        return nl_ask(s, b, seq, TALK_MS, take, arg, text, cap);
    }
    if (cap)
        text[0] = '\0';
    return error;
}

/* What is only asked for: by whoever wants counters, by the audit. The fault switch counts changes.
 */
static bool reads(const struct nl_buf *b)
{
    struct nlmsghdr h;

    memcpy(&h, b->p, sizeof(h));
    return h.nlmsg_type == XFRM_MSG_GETSA || h.nlmsg_type == XFRM_MSG_GETPOLICY;
}

static int ask(void *arg, const struct nl_buf *b, uint32_t seq, io_xfrm_take_fn *take,
               void *take_arg, char *text, size_t cap)
{
    struct io *io = arg;
    struct taker t = {take, take_arg};
    void (*get)(void *, struct kd_bytes) = take ? take_datagram : NULL;

    if (reads(b))
        return nl_ask(io->xnet->talk, b, seq, TALK_MS, get, &t, text, cap);
    return send_ask(io, io->xnet->talk, b, seq, get, &t, text, cap);
}

/* ---- what the kernel says ---- */

/* Queued, whoever is in the middle of what: a step that follows may end the pair it is about. */
static void tell(void *arg, const struct io_dp_event *ev)
{
    io_sa_told(arg, ev);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct io *io = h->data;
    struct kd_bytes data;
    bool overrun = false;

    (void)events;
    io_kernel_poll_on(h, status, on_readable);
    for (int n = 0; n < 32 && nl_recv(io->xnet->heard, &data, &overrun); n++) {
        struct nl_xfrm_event ev;

        if (overrun)
            io_xfrm_resync(io->xnet->plane);
        else if (data.len == 0)
            break;
        while (nl_xfrm_next(&data, &ev))
            io_xfrm_heard(io->xnet->plane, &ev, io_now_us());
    }
    io_run_posted(io);
}

static void on_tick(uv_timer_t *t)
{
    struct io *io = t->data;

    if (io_xfrm_tick(io->xnet->plane))
        uv_timer_start(t, on_tick, TICK_MS, 0);
    io_run_posted(io);
}

void io_xnet_watch(struct io *io)
{
    if (!uv_is_active((uv_handle_t *)&io->xnet->tick))
        uv_timer_start(&io->xnet->tick, on_tick, TICK_MS, 0);
}

/* ---- interfaces ---- */

struct leftovers {
    uint32_t n, ifindex[CORE_TUNNELS_MAX];
};

static void take_links(void *arg, struct kd_bytes data)
{
    struct leftovers *l = arg;
    struct nl_event ev;

    while (nl_next(&data, &ev))
        if (ev.kind == NL_LINK && ev.link.xfrm && ev.link.if_id - NL_ID_KEDGE <= UINT16_MAX &&
            l->n < CORE_TUNNELS_MAX)
            l->ifindex[l->n++] = ev.link.ifindex;
}

static int link_del(struct io *io, uint32_t ifindex, char *text, size_t cap)
{
    struct io_xnet *x = io->xnet;
    uint8_t room[64];
    struct nl_buf b = {room, sizeof(room), 0};

    int err;

    kd_assert(nl_put_link_del(&b, ++x->seq, ifindex));
    err = send_ask(io, x->links, &b, x->seq, NULL, NULL, text, cap);
    return err == ENODEV ? 0 : err;
}

/* A link that can't be deleted shows when the tunnel wants its if_id. */
static bool clean_links(struct io *io, char *text, size_t cap)
{
    struct io_xnet *x = io->xnet;
    uint8_t room[64];
    struct nl_buf b = {room, sizeof(room), 0};
    struct leftovers l = {0};
    int err;

    kd_assert(nl_put_dump(&b, ++x->seq, RTM_GETLINK, 0));
    err = send_ask(io, x->links, &b, x->seq, take_links, &l, text, cap);
    if (err && cap && !text[0])
        snprintf(text, cap, "%s", strerror(err));
    if (err)
        return false;
    for (uint32_t i = 0; i < l.n; i++)
        (void)link_del(io, l.ifindex[i], text, cap);
    return true;
}

/* What an earlier kedged left goes before anything is made. Refused: again with the first interface
 * that is asked for, which is refused with it and asked for ever more rarely; of many tunnels each
 * a time, hence the pause here. */
static bool clean(struct io *io, char *text, size_t cap)
{
    struct io_xnet *x = io->xnet;

    if (!x->clean && io_now_us() >= x->clean_at_us) {
        x->clean = clean_links(io, x->dirt, sizeof(x->dirt)) &&
                   io_xfrm_clean(x->plane, x->dirt, sizeof(x->dirt));
        if (x->clean_tries > 0)
            x->clean_at_us = io_now_us() + KD_MIN(CLEAN_FIRST_US << x->clean_tries, CLEAN_LAST_US);
        x->clean_tries = KD_MIN(x->clean_tries + 1, 10u);
    }
    if (!x->clean)
        snprintf(text, cap,
                 "what an earlier kedged left can't be removed: %s; it is asked for again",
                 x->dirt);
    return x->clean;
}

static void explain(int err, const char *name, const char *said, char *text, size_t cap)
{
    if (err == EEXIST)
        snprintf(text, cap,
                 "an interface %s exists, or an XFRM interface of another program has its if_id: "
                 "remove it or choose another name",
                 name);
    else if (err == EOPNOTSUPP)
        snprintf(text, cap,
                 "the kernel makes no XFRM interface (module xfrm_interface): load it, or set "
                 "`dataplane: tun`");
    else
        snprintf(text, cap, "making XFRM interface %s: %s", name, said[0] ? said : strerror(err));
}

/* The outer address's device, 0 where it has none; false when that went away. */
static bool outer_device(const struct io *io, uint32_t tunnel, uint32_t *ifindex, char *text,
                         size_t cap)
{
    const char *name = core_outer_of(io->cfg, &io->cfg->tunnels[tunnel].ike.local)->device;

    *ifindex = name[0] ? if_nametoindex(name) : 0;
    if (name[0] && *ifindex == 0)
        snprintf(text, cap, "the listen address's device %s is gone", name);
    return !name[0] || *ifindex != 0;
}

static bool trap(struct io *io, uint32_t tunnel, char *text, size_t cap)
{
    const struct ike_conn_config *cfg = &io->cfg->tunnels[tunnel].ike;

    return !cfg->on_traffic || io_xfrm_trap(io->xnet->plane, tunnel, cfg, text, cap);
}

bool io_xnet_device(struct io *io, uint32_t tunnel, const char *name, uint32_t *ifindex, char *text,
                    size_t cap)
{
    struct io_xnet *x = io->xnet;
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    uint32_t outer;
    char said[160];
    int err;

    if (!clean(io, text, cap) || !outer_device(io, tunnel, &outer, text, cap))
        return false;
    if (x->ifindex[tunnel])
        (void)link_del(io, x->ifindex[tunnel], said, sizeof(said));
    kd_assert(nl_put_link_xfrm(&b, ++x->seq, name, NL_ID_KEDGE + 1 + tunnel, outer));
    err = send_ask(io, x->links, &b, x->seq, NULL, NULL, said, sizeof(said));
    if (err) {
        x->ifindex[tunnel] = err == ETIMEDOUT || err == ENOBUFS ? if_nametoindex(name) : 0;
        explain(err, name, said, text, cap);
        return false;
    }
    *ifindex = x->ifindex[tunnel] = if_nametoindex(name);
    if (*ifindex == 0)
        snprintf(text, cap, "interface %s went away at once: %s", name, strerror(errno));
    else if (trap(io, tunnel, text, cap))
        return true;
    io_xnet_device_del(io, tunnel);
    return false;
}

void io_xnet_device_del(struct io *io, uint32_t tunnel)
{
    struct io_xnet *x = io->xnet;
    char text[160];

    io_xfrm_tunnel_del(x->plane, tunnel);
    io_xnet_watch(io);
    if (x->ifindex[tunnel] && link_del(io, x->ifindex[tunnel], text, sizeof(text)) == 0)
        x->ifindex[tunnel] = 0;
}

void io_xnet_inject(struct io *io, uint32_t tunnel, struct kd_bytes pkt)
{
    const bool v6 = pkt.len > 0 && pkt.p[0] >> 4 == 6;
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP),
                             .sll_ifindex = (int)io->xnet->ifindex[tunnel]};

    if (io->xnet->inject >= 0 && to.sll_ifindex)
        (void)sendto(io->xnet->inject, pkt.p, pkt.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                     (struct sockaddr *)&to, sizeof(to));
}

/* ---- life ---- */

struct io_xfrm *io_xnet_plane(struct io *io)
{
    return io->xnet ? io->xnet->plane : NULL;
}

bool io_xnet_has(const struct io *io, uint32_t tunnel)
{
    return tunnel < io->cfg->n_tunnels &&
           io_decision_of(&io->decision, io->cfg, &io->cfg->tunnels[tunnel].ike.local) ==
               CORE_DP_XFRM;
}

static bool wanted(const struct io *io)
{
    for (uint32_t i = 0; i < io->cfg->n_listen; i++)
        if (io->decision.at[i] == CORE_DP_XFRM)
            return true;
    return false;
}

static bool open_all(struct io *io, struct io_xnet *x, char *text, size_t cap)
{
    static const uint16_t groups[] = {XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING, 0};
    struct io_xfrm_kernel k = {
        .talk = ask, .tell = tell, .arg = io, .knows_direction = io->decision.knows_direction};

    x->talk = nl_open(NETLINK_XFRM, NULL);
    x->links = nl_open(NETLINK_ROUTE, NULL);
    x->heard = nl_open(NETLINK_XFRM, groups);
    x->plane = io_xfrm_new(io->crypto, &k);
    x->inject = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (!x->talk || !x->links || !x->heard || !x->plane) {
        snprintf(text, cap, "XFRM netlink: %s", strerror(errno));
        return false;
    }
    if (!clean(io, text, cap) && wanted(io))
        fprintf(stderr, "kedged: %s\n", text);
    return true;
}

static void free_all(struct io_xnet *x)
{
    io_xfrm_free(x->plane);
    nl_close(x->talk);
    nl_close(x->links);
    nl_close(x->heard);
    if (x->inject >= 0)
        close(x->inject);
    free(x);
}

bool io_xnet_open(struct io *io, char *text, size_t cap)
{
    struct io_xnet *x = calloc(1, sizeof(*x));
    bool ok;

    if (!x)
        return false;
    x->inject = -1;
    io->xnet = x;
    ok = open_all(io, x, text, cap);
    if (!wanted(io)) {
        io->xnet = NULL;
        free_all(x);
        return true;
    }
    if (!ok)
        return false;
    uv_timer_init(&io->loop, &x->tick);
    uv_poll_init(&io->loop, &x->poll, nl_fd(x->heard));
    x->tick.data = x->poll.data = io;
    x->open_handles = 2;
    return uv_poll_start(&x->poll, UV_READABLE, on_readable) == 0;
}

/* Of both handles, in whichever order. */
static void on_closed(uv_handle_t *h)
{
    struct io *io = h->data;

    if (--io->xnet->open_handles > 0)
        return;
    free_all(io->xnet);
    io->xnet = NULL;
}

/* Nothing stays: not a pair whose peer no longer answers either. */
static void remove_all(struct io *io)
{
    char text[160];

    for (uint32_t i = 0; i < io->cfg->n_tunnels; i++)
        io_xnet_device_del(io, i);
    (void)io_xfrm_clean(io->xnet->plane, text, sizeof(text));
}

void io_xnet_close(struct io *io)
{
    if (!io->xnet)
        return;
    if (!io->xnet->open_handles) { /* it was not opened to the end */
        free_all(io->xnet);
        io->xnet = NULL;
        return;
    }
    remove_all(io);
    uv_poll_stop(&io->xnet->poll);
    uv_close((uv_handle_t *)&io->xnet->tick, on_closed);
    uv_close((uv_handle_t *)&io->xnet->poll, on_closed);
}
