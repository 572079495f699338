/* BFD beside the BGP sessions that ask for it (RFC 5882 4.2, 10.2): a session a neighbor, started
 * and stopped with the neighbor's path.
 *
 * Up lost as a failure -> in the same step: the groups through the neighbor are replaced by their
 * backups (one message each), BGP is stopped (Cease/BFD Down, RFC 9384), and over a tunnel the IKE
 * SA is probed. BGP comes back with BFD, once that has been Up for the configured time (stable.h).
 * A neighbor that gave BFD up altogether gets its BGP back after FORGET_US, unless strict.
 * AdminDown by either side is no failure (RFC 5882 4.2).
 *
 * Packets come from the shell, which reads its BFD sockets dry before it wakes the core: so silence
 * is the wire's and not a queue's (bfd.h). That is why BFD's timers fire on WAKE only. */
#include "core/internal.h"

#include <stdio.h>

#define FORGET_US KD_S(60)

static struct bfd_session_config session_of(const struct core_peer *p)
{
    bool tunnel = p->cfg.iface != BGP_NO_IFACE;
    uint8_t hops = p->cfg.ttl;

    return (struct bfd_session_config){
        .remote = p->cfg.remote,
        .local = p->cfg.local,
        .table = p->cfg.table,
        .iface = tunnel ? p->cfg.iface : BFD_NO_IFACE,
        .multihop = p->bfd.cfg.multihop,
        .point_to_point = tunnel && !p->bfd.cfg.multihop,
        /* RFC 5883 3: as far away as the BGP session may be. Through a tunnel: authenticated by
           ESP. */
        .ttl_min = p->bfd.cfg.multihop && !tunnel ? (uint8_t)(255 - hops + 1) : 0,
        .any_src_port = p->bfd.cfg.any_src_port,
        .detect_mult = p->bfd.cfg.detect_mult,
        .tx_us = p->bfd.cfg.interval_us,
        .rx_us = p->bfd.cfg.interval_us,
        .auth = p->bfd.cfg.auth,
    };
}

bool core_bfd_init(struct core *c, const uint8_t seed[32])
{
    struct bfd_params params = {.crypto = c->crypto};

    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        params.sessions_max += p->bfd.cfg.on;
    if (params.sessions_max == 0)
        return true;
    memcpy(params.seed, seed, sizeof(params.seed));
    c->bfd = bfd_new(&params);
    kc_wipe(&params, sizeof(params));
    for (const struct core_peer *p = c->peers; c->bfd && p; p = p->hh.next) {
        struct bfd_session_config s = session_of(p);
        if (p->bfd.cfg.on && bfd_session_set(c->bfd, p->id, &s) != BFD_CONFIG_OK)
            return false;
    }
    return c->bfd != NULL;
}

bool core_bfd_allows(const struct core_peer *p)
{
    return !p->bfd.cfg.on || (!p->bfd.failed && (p->bfd.up || !p->bfd.cfg.strict));
}

bool core_bfd_failed(const struct core *c, const struct kd_addr *nexthop, uint32_t iface)
{
    if (!c->bfd)
        return false;
    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        if (p->bfd.failed && p->cfg.iface == iface && kd_addr_eq(&p->cfg.remote, nexthop))
            return true;
    return false;
}

/* ---- with the neighbor's path ---- */

void core_bfd_start(struct core *c, struct core_peer *p)
{
    struct bfd_event ev = {.kind = BFD_EV_ADMIN_UP, .session = p->id};

    if (!p->bfd.cfg.on || p->bfd.started)
        return;
    p->bfd.started = true;
    core_queue_bfd(c, &ev);
}

void core_bfd_stop(struct core *c, struct core_peer *p, enum kd_reason reason)
{
    struct bfd_event ev = {.kind = BFD_EV_ADMIN_DOWN,
                           .session = p->id,
                           .diag =
                               reason == KD_REASON_ADMIN ? BFD_DIAG_ADMIN_DOWN : BFD_DIAG_PATH_DOWN,
                           .reason = reason};

    if (!p->bfd.started)
        return;
    p->bfd.started = p->bfd.up = p->bfd.failed = false;
    core_stable_forget(&p->bfd.stable);
    p->bfd.forget_us = KD_NEVER;
    core_queue_bfd(c, &ev);
}

/* ---- what BFD says ---- */

static void say(struct core *c, const struct core_peer *p, const struct bfd_action *a)
{
    char text[160];
    struct core_event_record r = core_record(
        c, CORE_NOTE_BFD_STATE, p->id < c->cfg.n_tunnels ? p->id : CORE_NO_TUNNEL, p->id);

    r.reason = a->reason;
    if (a->failure && a->heard_us)
        r.latency_us = c->now_us - a->heard_us;
    snprintf(text, sizeof(text), "%s -> %s; here: %s, there: %s", bfd_state_names[a->old_state],
             bfd_state_names[a->state], bfd_diag_names[a->diag],
             a->remote_diag < BFD_DIAG_N ? bfd_diag_names[a->remote_diag] : "unknown");
    r.text = kd_bytes_str(text);
    core_say(c, &r);
}

static void failed(struct core *c, struct core_peer *p)
{
    p->bfd.failed = true;
    core_stable_fail(&p->bfd.stable);
    p->bfd.forget_us = p->bfd.cfg.strict ? KD_NEVER : c->now_us + FORGET_US;
    core_groups_reconsider(c);
    core_peer_hold(c, p, KD_REASON_BFD_DOWN);
    core_peers_reconsider(c);
    if (p->cfg.iface != BGP_NO_IFACE)
        core_queue_ike_command(c, p->cfg.iface, IKE_CMD_PROBE);
}

static void recovered(struct core *c, struct core_peer *p)
{
    bool was = p->bfd.failed;

    core_stable_forget(&p->bfd.stable);
    p->bfd.failed = false;
    p->bfd.forget_us = KD_NEVER;
    if (was)
        core_groups_reconsider(c);
    core_peer_decide(c, p);
    if (was)
        core_peers_reconsider(c);
}

/* Up again, which counts once it lasts. */
static void up_again(struct core *c, struct core_peer *p)
{
    struct core_event_record r = core_record(
        c, CORE_NOTE_RECOVER_HOLD, p->id < c->cfg.n_tunnels ? p->id : CORE_NO_TUNNEL, p->id);

    p->bfd.forget_us = KD_NEVER;
    if (core_stable_good(&p->bfd.stable, c->now_us)) {
        recovered(c, p);
        return;
    }
    r.latency_us = p->bfd.stable.span_us;
    core_say(c, &r);
}

static void changed(struct core *c, const struct bfd_action *a)
{
    struct core_peer *p = core_peer(c, a->session);

    if (!p)
        return;
    say(c, p, a);
    p->bfd.up = a->state == BFD_UP;
    if (a->failure)
        failed(c, p);
    else if (p->bfd.up)
        up_again(c, p);
    else if (a->old_state == BFD_UP && p->bfd.started)
        recovered(c, p); /* taken down by the peer's administrator */
}

static void send(struct core *c, const struct bfd_action *a, const struct bfd_out *out)
{
    const struct core_peer *p = core_peer(c, a->session);
    struct core_act *x;

    if (p && p->silent)
        return;
    x = core_emit(c, CORE_ACT_BFD_SEND);

    x->local = (struct kd_endpoint){a->local, a->src_port};
    x->remote = (struct kd_endpoint){a->remote, a->dst_port};
    x->ifindex = a->iface == BFD_NO_IFACE ? 0 : c->tunnels[a->iface].ifindex;
    x->ttl = a->ttl;
    x->data = core_put(c, kd_bytes(out->buf + a->data.off, a->data.len));
}

static void refused(struct core *c, const struct bfd_action *a)
{
    const struct core_peer *p = core_peer(c, a->session);
    char text[160], addr[KD_ADDR_STR_MAX];

    snprintf(text, sizeof(text), "packet from %s refused: %s (TTL %u, %u more not told)",
             kd_addr_str(&a->remote, addr), bfd_refusal_names[a->refusal], a->ttl, a->suppressed);
    core_say_text(c, CORE_NOTE_BFD_REFUSED, p && p->id < c->cfg.n_tunnels ? p->id : CORE_NO_TUNNEL,
                  p ? p->id : CORE_NO_PEER, KD_REASON_NONE, text);
}

void core_run_bfd(struct core *c, struct bfd_event *ev)
{
    struct bfd_out *out = &c->bfd_out;

    ev->now_us = c->now_us;
    bfd_step(c->bfd, ev, out);
    c->bfd_deadline_us = out->deadline_us;
    c->bfd_more = out->more;
    for (uint32_t i = 0; i < out->n; i++) {
        const struct bfd_action *a = &out->a[i];
        if (a->kind == BFD_ACT_SEND)
            send(c, a, out);
        else if (a->note == BFD_NOTE_STATE)
            changed(c, a);
        else
            refused(c, a);
    }
}

static uint32_t iface_of(const struct core *c, uint32_t ifindex)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (c->tunnels[i].ifindex == ifindex)
            return i;
    return BFD_NO_IFACE;
}

static bool from_silent(const struct core *c, const struct bfd_event *b)
{
    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        if (p->silent && kd_addr_eq(&p->cfg.remote, &b->remote))
            return true;
    return false;
}

void core_bfd_packet(struct core *c, const struct core_ev *ev)
{
    struct bfd_event b = {
        .kind = BFD_EV_PACKET,
        .local = ev->local.addr,
        .remote = ev->remote.addr,
        .iface = iface_of(c, ev->ifindex),
        .ttl = (uint8_t)ev->n,
        .multihop = ev->local.port == BFD_PORT_MULTIHOP,
        .src_port = ev->remote.port,
        .data = ev->data,
    };

    b.table = b.iface == BFD_NO_IFACE ? c->cfg.table : c->tunnels[b.iface].cfg.table;
    if (c->bfd && !from_silent(c, &b))
        core_run_bfd(c, &b);
}

/* ---- time ---- */

uint64_t core_bfd_deadline(const struct core *c)
{
    uint64_t at = c->bfd_more ? c->now_us : c->bfd_deadline_us;

    for (const struct core_peer *p = c->bfd ? c->peers : NULL; p; p = p->hh.next)
        at = KD_MIN(at, KD_MIN(p->bfd.forget_us, core_stable_at(&p->bfd.stable)));
    return at;
}

bool core_bfd_wake(struct core *c)
{
    struct bfd_event wake = {.kind = BFD_EV_WAKE};
    bool due = c->bfd && (c->bfd_more || c->bfd_deadline_us <= c->now_us);

    if (!c->bfd)
        return false;
    if (due)
        core_run_bfd(c, &wake);
    for (struct core_peer *p = c->peers; p; p = p->hh.next)
        if (p->bfd.forget_us <= c->now_us || core_stable_at(&p->bfd.stable) <= c->now_us)
            recovered(c, p);
    return due;
}

bool core_bfd_get(const struct core *c, uint32_t peer, struct bfd_session_view *v)
{
    const struct core_peer *p = core_peer(c, peer);

    return p && p->bfd.cfg.on && bfd_session_get(c->bfd, peer, v);
}
