/* What happens to pairs while they are installed: limits, a peer that moves, SAs that vanished, the
 * first packet; and moving a pair after its peer. */
#include "io/xf.h"

#include <errno.h>
#include <stdio.h>

#define TICK_MAX      256    /* pairs asked about a call: some milliseconds */
#define SOURCE_GAP_US 100000 /* as the userspace data plane */

/* ---- found ---- */

static uint32_t tunnel_of(uint32_t id)
{
    return id - xf_id(0); /* others become too large */
}

static void tell(struct io_xfrm *x, const struct xf_child *c, enum io_dp_event_kind kind, bool ok)
{
    struct io_dp_event ev = {.kind = kind,
                             .tunnel = c->sa.tunnel,
                             .child = c->sa.child,
                             .ok = ok,
                             .local = c->sa.local,
                             .remote = c->sa.remote};

    x->k.tell(x->k.arg, &ev);
}

/* ---- heard ---- */

static void on_expire(struct io_xfrm *x, const struct nl_xfrm_event *ev)
{
    struct nl_sa_id id = {ev->sa.dst, ev->sa.spi};
    struct xf_child *c = xf_child_by_sa(x, tunnel_of(ev->sa.reqid), &id);

    if (!c || c->ended)
        return;
    if (ev->hard)
        xf_ended(x, c, "");
    else
        tell(x, c, IO_DP_EXPIRE, true);
}

static void on_mapping(struct io_xfrm *x, const struct nl_xfrm_event *ev, uint64_t now_us)
{
    struct xf_child *c = xf_child_by_sa(x, tunnel_of(ev->mapping.reqid), &ev->mapping.id);
    const struct kd_endpoint source = {ev->mapping.src, ev->mapping.sport};
    struct io_dp_event told = {.kind = IO_DP_SOURCE, .remote = source};

    if (!c || kd_endpoint_eq(&source, &c->sa.remote) ||
        (c->source_at_us && now_us < c->source_at_us + SOURCE_GAP_US))
        return;
    c->source_at_us = now_us;
    told.tunnel = c->sa.tunnel;
    told.child = c->sa.child;
    told.local = c->sa.local;
    x->k.tell(x->k.arg, &told);
}

static bool gone(struct io_xfrm *x, const struct xf_child *c)
{
    for (int inbound = 0; inbound < 2; inbound++) {
        struct nl_sa_id id = xf_sa_id(&c->sa, inbound);
        struct nl_sa sa;

        if (xf_sa_get(x, &id, &sa) == ESRCH)
            return true;
    }
    return false;
}

static void check(struct io_xfrm *x, uint32_t tunnel)
{
    for (struct xf_child *c = x->tunnel[tunnel].children; c; c = c->next)
        if (!c->ended && gone(x, c))
            xf_ended(x, c, "its SA is gone from the kernel");
}

/* A trap's policy names no SA. Others do: a packet that finds none means that somebody took the SA
 * away. */
static void on_acquire(struct io_xfrm *x, const struct nl_xfrm_event *ev)
{
    uint32_t tunnel = tunnel_of(ev->policy.if_id);
    struct io_dp_event told = {.kind = IO_DP_TRAFFIC, .tunnel = tunnel};

    if (tunnel >= CORE_TUNNELS_MAX)
        return;
    check(x, tunnel);
    if (x->tunnel[tunnel].trap.n_sel && ev->policy.tmpl.spi == 0)
        x->k.tell(x->k.arg, &told);
}

void io_xfrm_heard(struct io_xfrm *x, const struct nl_xfrm_event *ev, uint64_t now_us)
{
    switch (ev->kind) {
    case NL_XFRM_EXPIRE:
        on_expire(x, ev);
        break;
    case NL_XFRM_MAPPING:
        on_mapping(x, ev, now_us);
        break;
    case NL_XFRM_ACQUIRE:
        on_acquire(x, ev);
        break;
    default:
        break;
    }
}

void io_xfrm_resync(struct io_xfrm *x)
{
    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        check(x, i);
}

/* ---- asked for ---- */

static void look(struct io_xfrm *x, struct xf_child *c)
{
    const struct nl_sa_id id = xf_sa_id(&c->sa, true);
    struct nl_sa sa;

    if (xf_sa_get(x, &id, &sa) != 0 || sa.used.packets == 0)
        return;
    c->seen = true;
    tell(x, c, IO_DP_SEEN, true);
}

bool io_xfrm_tick(struct io_xfrm *x)
{
    bool more = xf_retry(x);
    uint32_t n = 0;

    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        for (struct xf_child *c = x->tunnel[i].children; c; c = c->next)
            if (!c->seen && !c->ended && n++ < TICK_MAX)
                look(x, c);
    return n > 0 || more;
}

/* ---- moved ---- */

static int move_inbound(struct io_xfrm *x, const struct xf_child *old, const struct xf_child *c,
                        char *text, size_t cap)
{
    const struct nl_sa_id id = xf_sa_id(&old->sa, true);
    struct nl_sa was;
    int err = xf_sa_get(x, &id, &was);

    if (err) {
        snprintf(text, cap, "%s", strerror(err));
        return err;
    }
    /* Its id is the same where only the peer moved, so the old one goes first. */
    xf_sa_del(x, &id);
    err = xf_sa_add(x, c, true, &was, text, cap);
    if (err && xf_sa_add(x, old, true, &was, text, cap) != 0)
        return ESRCH;
    return err;
}

/* Where the peer's address is another, the new SA is there before the policies name it. */
static int move_outbound(struct io_xfrm *x, const struct xf_child *old, struct xf_child *c,
                         char *text, size_t cap)
{
    const struct nl_sa_id id = xf_sa_id(&old->sa, false);
    const bool same_id = kd_addr_eq(&old->sa.remote.addr, &c->sa.remote.addr);
    struct nl_sa was;
    int err = xf_sa_get(x, &id, &was);

    snprintf(text, cap, "%s", err ? strerror(err) : "");
    if (!err && same_id) { /* a policy without its SA would make a larval one of this id */
        err = xf_policies_block(x, c, true);
        xf_sa_del(x, &id);
    }
    if (!err)
        err = xf_sa_add(x, c, false, &was, text, cap);
    if (!err)
        err = xf_policies_block(x, c, false);
    if (!err && !same_id)
        xf_sa_del(x, &id);
    return err;
}

static bool move(struct io_xfrm *x, const struct xf_child *old, struct xf_child *c, char *text,
                 size_t cap)
{
    if (kd_addr_eq(&old->sa.local.addr, &c->sa.local.addr) &&
        kd_addr_eq(&old->sa.remote.addr, &c->sa.remote.addr)) {
        snprintf(text, cap, "the kernel refused another port");
        return xf_sa_update(x, c, true) == 0 && xf_sa_update(x, c, false) == 0;
    }
    return move_inbound(x, old, c, text, cap) == 0 && move_outbound(x, old, c, text, cap) == 0;
}

/* c has its new ends from the beginning, as its policies are made from them; what is left of the
 * old ones after a refusal goes with it. */
void io_xfrm_move(struct io_xfrm *x, uint32_t tunnel, struct kd_handle child,
                  const struct kd_endpoint *local, const struct kd_endpoint *remote)
{
    struct xf_child *c = xf_child_of(x, tunnel, child), old;
    char text[96] = "";

    if (!c)
        return;
    old = *c;
    c->sa.local = *local;
    c->sa.remote = *remote;
    if (move(x, &old, c, text, sizeof(text)))
        return;
    for (int inbound = 0; inbound < 2; inbound++) {
        struct nl_sa_id id = xf_sa_id(&old.sa, inbound);
        xf_sa_del(x, &id);
    }
    xf_ended(x, c, text);
}
