/* Neighbors: switched on and off by what carries them, their TCP passed between BGP and the shell,
 * and the next hops BGP asked to be told of. A tunnel's neighbor runs only while the tunnel
 * carries, bound to its interface; one beside the tunnels runs while its link does. */
#include "core/internal.h"

#include <stdlib.h>

struct core_peer *core_peer(const struct core *c, uint32_t id)
{
    struct core_peer *p;

    HASH_FIND(hh, c->peers, &id, sizeof(id), p);
    return p;
}

static bool peer_add(struct core *c, uint32_t id, const struct bgp_peer_config *cfg,
                     const struct core_bfd_config *bfd)
{
    struct core_peer *p = calloc(1, sizeof(*p));

    if (!p)
        return false;
    p->id = id;
    p->cfg = *cfg;
    p->bfd.cfg = *bfd;
    p->bfd.forget_us = KD_NEVER;
    core_stable_init(&p->bfd.stable, bfd->recover_us);
    HASH_ADD(hh, c->peers, id, sizeof(p->id), p);
    return bgp_peer_set(c->bgp, id, &p->cfg);
}

bool core_peers_init(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        const struct core_tunnel_config *t = &c->cfg.tunnels[i];
        struct bgp_peer_config cfg = t->neighbor.bgp;
        if (!t->has_neighbor)
            continue;
        cfg.iface = i;
        cfg.local = t->inner;
        cfg.ttl = 255; /* off-link by nature: multihop (facts/azure 2.1) */
        cfg.table = t->table;
        if (!peer_add(c, i, &cfg, &t->neighbor.bfd))
            return false;
    }
    for (uint32_t i = 0; i < c->cfg.n_neighbors; i++) {
        struct bgp_peer_config cfg = c->cfg.neighbors[i].bgp;
        cfg.iface = BGP_NO_IFACE;
        if (!peer_add(c, CORE_PEER_BESIDE(i), &cfg, &c->cfg.neighbors[i].bfd))
            return false;
    }
    return true;
}

void core_peers_free(struct core *c)
{
    struct core_peer *p, *tmp;

    core_drains_free(c);
    HASH_ITER (hh, c->peers, p, tmp) {
        HASH_DEL(c->peers, p);
        free(p);
    }
    struct core_watch *w, *wt;
    HASH_ITER (hh, c->watches, w, wt) {
        HASH_DEL(c->watches, w);
        free(w);
    }
}

void core_peer_decide(struct core *c, struct core_peer *p)
{
    struct bgp_event ev = {.kind = BGP_EV_PEER_ON, .peer = p->id};

    if (!p->path || p->on || !core_bfd_allows(p))
        return;
    p->on = true;
    p->unheard = false;
    core_queue_bgp(c, &ev);
}

void core_peer_on(struct core *c, uint32_t id)
{
    struct core_peer *p = core_peer(c, id);

    if (!p || p->path || p->admin_down || p->unhealthy || c->stopping)
        return;
    p->path = true;
    core_bfd_start(c, p);
    core_peer_decide(c, p);
}

static void off(struct core *c, struct core_peer *p, enum kd_reason reason, bool heard)
{
    struct bgp_event ev = {
        .kind = BGP_EV_PEER_OFF, .peer = p->id, .reason = reason, .heard = heard};

    if (!p->on)
        return;
    if (reason == KD_REASON_ADMIN)
        ev.data = kd_bytes(p->words, p->n_words);
    p->on = false;
    p->unheard = !heard;
    core_queue_bgp(c, &ev);
}

void core_peer_hold(struct core *c, struct core_peer *p, enum kd_reason reason)
{
    off(c, p, reason, true);
}

void core_peer_off(struct core *c, uint32_t id, enum kd_reason reason, bool heard)
{
    struct core_peer *p = core_peer(c, id);

    if (!p || !p->path)
        return;
    p->path = false;
    off(c, p, reason, heard);
    core_bfd_stop(c, p, reason);
}

/* May the session to p run? */
static bool has_path(const struct core *c, const struct core_peer *p)
{
    if (p->cfg.iface != BGP_NO_IFACE)
        return c->tunnels[p->cfg.iface].carrying;
    return p->cfg.ttl > 1 || core_link_towards(c, &p->cfg.remote, NULL) != 0;
}

static void consider_peer(struct core *c, const struct core_peer *p)
{
    if (p->cfg.iface != BGP_NO_IFACE)
        return; /* tunnel.c decides, in order with its host route */
    if (has_path(c, p))
        core_peer_on(c, p->id);
    else
        core_peer_off(c, p->id, KD_REASON_LINK_DOWN, false);
}

void core_peers_start(struct core *c)
{
    for (struct core_peer *p = c->peers; p; p = p->hh.next)
        consider_peer(c, p);
}

void core_peer_may_return(struct core *c, uint32_t id)
{
    const struct core_peer *p = core_peer(c, id);

    if (p && has_path(c, p))
        core_peer_on(c, id);
}

/* What it misses by then is mended by a new session. */
static void speak_again(struct core *c, struct core_peer *p)
{
    if (!p->silent)
        return;
    p->silent = false;
    core_peer_off(c, p->id, KD_REASON_ADMIN, true);
}

static bool drill_command(struct core *c, struct core_peer *p, enum core_command cmd,
                          struct kd_bytes over)
{
    if (cmd == CORE_CMD_NEIGHBOR_SILENT) {
        p->silent = true;
        return true;
    }
    if (cmd == CORE_CMD_NEIGHBOR_DRAIN)
        core_drain(c, p, over);
    else if (cmd == CORE_CMD_NEIGHBOR_UNDRAIN)
        core_undrain(c, p);
    else
        return false;
    return true;
}

/* Those that leave the session as it is; ENABLE takes back a LEAVE and does more. */
static bool soft_command(struct core *c, uint32_t id, enum core_command cmd)
{
    struct bgp_event ev = {.kind = BGP_EV_LEAVE, .peer = id, .up = cmd == CORE_CMD_NEIGHBOR_LEAVE};

    if (cmd != CORE_CMD_NEIGHBOR_LEAVE && cmd != CORE_CMD_NEIGHBOR_ENABLE) {
        ev.kind = BGP_EV_REFRESH;
        ev.in = cmd != CORE_CMD_NEIGHBOR_REFRESH_OUT;
        ev.out = cmd != CORE_CMD_NEIGHBOR_REFRESH_IN;
    }
    core_queue_bgp(c, &ev);
    return cmd != CORE_CMD_NEIGHBOR_ENABLE;
}

/* One that was off before the command: only why it is has changed, for whoever asks. */
static void still_off(struct core *c, const struct core_peer *p)
{
    struct bgp_event ev = {.kind = BGP_EV_PEER_OFF,
                           .peer = p->id,
                           .reason = p->admin_down ? KD_REASON_ADMIN : KD_REASON_NONE};

    core_queue_bgp(c, &ev);
}

void core_peer_command(struct core *c, uint32_t id, enum core_command cmd, struct kd_bytes words)
{
    struct core_peer *p = core_peer(c, id);
    bool was_on;

    if (!p || drill_command(c, p, cmd, words))
        return;
    if (cmd != CORE_CMD_NEIGHBOR_SHUTDOWN && soft_command(c, id, cmd))
        return;
    speak_again(c, p);
    p->admin_down = cmd == CORE_CMD_NEIGHBOR_SHUTDOWN;
    p->n_words = (uint8_t)KD_MIN(words.len, sizeof(p->words));
    if (p->n_words)
        memcpy(p->words, words.p, p->n_words);
    was_on = p->on;
    if (p->admin_down)
        core_peer_off(c, id, KD_REASON_ADMIN, true);
    else
        core_peer_may_return(c, id);
    if (!was_on && !p->on)
        still_off(c, p);
}

/* ---- next hops ---- */

static struct core_watch_key watch_key(uint32_t table, uint32_t iface, const struct kd_addr *nh)
{
    struct core_watch_key k;

    memset(&k, 0, sizeof(k));
    k.table = table;
    k.iface = iface;
    k.nexthop.family = nh->family;
    memcpy(k.nexthop.b, nh->b, sizeof(nh->b));
    return k;
}

/* True when that is news. */
static bool watch_look(const struct core *c, struct core_watch *w)
{
    struct bgp_path_nh nh = {.nexthop = w->key.nexthop, .iface = w->key.iface};
    uint32_t metric = 0;
    bool up = core_path_usable(c, &nh, &metric), news = up != w->up || metric != w->metric;

    w->up = up;
    w->metric = metric;
    return news;
}

static void watch_tell(struct core *c, const struct core_watch *w)
{
    struct bgp_event ev = {.kind = BGP_EV_NEXTHOP,
                           .table = w->key.table,
                           .nexthop = w->key.nexthop,
                           .iface = w->key.iface,
                           .up = w->up,
                           .metric = w->metric};

    core_queue_bgp(c, &ev);
}

static void watch(struct core *c, const struct bgp_action *a)
{
    struct core_watch_key k = watch_key(a->table, a->iface, &a->nexthop);
    struct core_watch *w;

    HASH_FIND(hh, c->watches, &k, sizeof(k), w);
    if (!w) {
        w = calloc(1, sizeof(*w));
        kd_assert(w);
        w->key = k;
        HASH_ADD(hh, c->watches, key, sizeof(w->key), w);
    }
    (void)watch_look(c, w);
    watch_tell(c, w);
}

static void unwatch(struct core *c, const struct bgp_action *a)
{
    struct core_watch_key k = watch_key(a->table, a->iface, &a->nexthop);
    struct core_watch *w;

    HASH_FIND(hh, c->watches, &k, sizeof(k), w);
    if (!w)
        return;
    HASH_DEL(c->watches, w);
    free(w);
}

void core_peers_reconsider(struct core *c)
{
    if (c->sync != CORE_SYNC_DONE)
        return;
    for (struct core_watch *w = c->watches; w; w = w->hh.next)
        if (watch_look(c, w))
            watch_tell(c, w);
    for (struct core_peer *p = c->peers; p; p = p->hh.next)
        consider_peer(c, p);
    core_pins(c);
}

/* ---- BGP's actions ---- */

static struct core_peer *peer_of_conn(const struct core *c, struct kd_handle conn)
{
    for (struct core_peer *p = c->peers; p; p = p->hh.next)
        for (uint32_t i = 0; i < p->n_conn; i++)
            if (kd_handle_eq(p->conn[i], conn))
                return p;
    return NULL;
}

static void conn_add(struct core_peer *p, struct kd_handle conn)
{
    if (p->n_conn == CORE_PEER_CONNS) /* the oldest has long been replaced */
        memmove(p->conn, p->conn + 1, --p->n_conn * sizeof(p->conn[0]));
    p->conn[p->n_conn++] = conn;
}

static void conn_del(struct core_peer *p, struct kd_handle conn)
{
    for (uint32_t i = 0; i < p->n_conn; i++)
        if (kd_handle_eq(p->conn[i], conn)) {
            p->conn[i] = p->conn[--p->n_conn];
            return;
        }
}

bool core_peer_conn_open(const struct core *c, uint32_t id)
{
    const struct core_peer *p = core_peer(c, id);

    return p && p->n_conn > 0;
}

static uint16_t session_mss(const struct core *c, const struct bgp_action *a)
{
    uint32_t overhead = a->remote.family == 6 ? 60 : 40;

    if (a->iface == BGP_NO_IFACE || c->tunnels[a->iface].mtu <= overhead)
        return 0;
    return (uint16_t)(c->tunnels[a->iface].mtu - overhead);
}

static void tcp_act(struct core *c, enum core_act_kind kind, const struct bgp_action *a,
                    const struct bgp_out *out)
{
    struct core_act *x = core_emit(c, kind);
    struct core_peer *p = core_peer(c, a->peer);

    x->handle = a->conn;
    x->token = a->token;
    x->local = (struct kd_endpoint){a->local, 0};
    x->remote = (struct kd_endpoint){a->remote, 179};
    x->tunnel = a->iface == BGP_NO_IFACE ? CORE_NO_TUNNEL : a->iface;
    x->ttl = a->ttl;
    x->ttl_min = a->ttl_min;
    x->silent = kind == CORE_ACT_TCP_CLOSE && p && (p->unheard || p->silent);
    if (kind == CORE_ACT_TCP_CONNECT)
        x->mss = session_mss(c, a);
    if (kind == CORE_ACT_TCP_WRITE)
        x->data = core_put(c, kd_bytes(out->buf + a->data.off, a->data.len));
    if (p && (kind == CORE_ACT_TCP_CONNECT || kind == CORE_ACT_TCP_ACCEPT)) {
        conn_add(p, a->conn);
    }
}

/* Written into the void: the engine hears that it has left, and its timers find out. */
static void swallow(struct core *c, const struct bgp_action *a)
{
    struct bgp_event ev = {.kind = BGP_EV_TCP_SENT, .conn = a->conn, .n = a->data.len};

    if (a->kind == BGP_ACT_CONNECT) {
        ev.kind = BGP_EV_TCP_FAILED;
        ev.reason = KD_REASON_ADMIN;
    }
    core_queue_bgp(c, &ev);
}

static bool swallowed(const struct core *c, const struct bgp_action *a)
{
    const struct core_peer *p = core_peer(c, a->peer);

    return p && p->silent && (a->kind == BGP_ACT_WRITE || a->kind == BGP_ACT_CONNECT);
}

static void route_set(struct core *c, const struct bgp_action *a, const struct bgp_out *out)
{
    struct bgp_pathset paths;

    if (bgp_paths_parse(kd_bytes(out->buf + a->paths.off, a->paths.len), &paths))
        core_fib_want_group(c, a->table, &a->prefix, &paths);
}

static void note(struct core *c, const struct bgp_action *a, const struct bgp_out *out)
{
    static const enum core_note notes[BGP_NOTE_N] = {
        [BGP_NOTE_STATE] = CORE_NOTE_BGP_STATE,
        [BGP_NOTE_STOP] = CORE_NOTE_BGP_STOP,
        [BGP_NOTE_ERROR] = CORE_NOTE_BGP_ERROR,
        [BGP_NOTE_EOR] = CORE_NOTE_N,
        [BGP_NOTE_RECURSIVE] = CORE_NOTE_ROUTE_REFUSED,
    };
    struct core_event_record r;
    uint32_t tunnel = a->peer < c->cfg.n_tunnels ? a->peer : CORE_NO_TUNNEL;

    if (a->note == BGP_NOTE_EOR && core_peer(c, a->peer))
        core_peer(c, a->peer)->told = true;
    if (a->note >= BGP_NOTE_N || notes[a->note] == CORE_NOTE_N)
        return;
    r = core_record(c, notes[a->note], tunnel, a->peer);
    r.bstate = a->state;
    r.reason = a->reason;
    r.prefix = a->prefix;
    r.text = kd_bytes(out->buf + a->data.off, a->data.len);
    core_say(c, &r);
    /* DESIGN 3.5: whatever ended a session that had its path may be the path's end. */
    if (a->note == BGP_NOTE_STOP && tunnel != CORE_NO_TUNNEL && c->tunnels[tunnel].carrying)
        core_queue_ike_command(c, tunnel, IKE_CMD_PROBE);
}

void core_peer_bgp(struct core *c, const struct bgp_action *a, const struct bgp_out *out)
{
    if (swallowed(c, a)) {
        swallow(c, a);
        return;
    }
    switch (a->kind) {
    case BGP_ACT_CONNECT:
        tcp_act(c, CORE_ACT_TCP_CONNECT, a, out);
        break;
    case BGP_ACT_ACCEPT:
        tcp_act(c, CORE_ACT_TCP_ACCEPT, a, out);
        break;
    case BGP_ACT_REFUSE:
        tcp_act(c, CORE_ACT_TCP_REFUSE, a, out);
        break;
    case BGP_ACT_WRITE:
        tcp_act(c, CORE_ACT_TCP_WRITE, a, out);
        break;
    case BGP_ACT_CLOSE:
        tcp_act(c, CORE_ACT_TCP_CLOSE, a, out);
        break;
    case BGP_ACT_PAUSE:
        tcp_act(c, CORE_ACT_TCP_PAUSE, a, out);
        break;
    case BGP_ACT_RESUME:
        tcp_act(c, CORE_ACT_TCP_RESUME, a, out);
        break;
    case BGP_ACT_NH_WATCH:
        watch(c, a);
        break;
    case BGP_ACT_NH_UNWATCH:
        unwatch(c, a);
        break;
    case BGP_ACT_ROUTE_SET:
        route_set(c, a, out);
        break;
    case BGP_ACT_ROUTE_DEL:
        core_fib_want_no_group(c, a->table, &a->prefix);
        break;
    case BGP_ACT_NOTE:
        note(c, a, out);
        break;
    }
}

/* ---- the shell's TCP events ---- */

void core_peer_tcp(struct core *c, const struct core_ev *ev)
{
    static const enum bgp_event_kind kinds[] = {
        [CORE_EV_TCP_OPENED] = BGP_EV_TCP_OPENED, [CORE_EV_TCP_INCOMING] = BGP_EV_TCP_INCOMING,
        [CORE_EV_TCP_FAILED] = BGP_EV_TCP_FAILED, [CORE_EV_TCP_BYTES] = BGP_EV_TCP_BYTES,
        [CORE_EV_TCP_SENT] = BGP_EV_TCP_SENT,     [CORE_EV_TCP_CLOSED] = BGP_EV_TCP_CLOSED,
    };
    struct core_peer *p = peer_of_conn(c, ev->handle);
    struct bgp_event b = {
        .kind = kinds[ev->kind],
        .conn = ev->handle,
        .token = ev->token,
        .local = ev->local.addr,
        .remote = ev->remote.addr,
        .iface = ev->tunnel == CORE_NO_TUNNEL ? BGP_NO_IFACE : ev->tunnel,
        .data = ev->data,
        .n = ev->n,
        .reason = ev->reason,
    };

    if (p && p->silent && ev->kind == CORE_EV_TCP_BYTES)
        return;
    if (p && (ev->kind == CORE_EV_TCP_FAILED || ev->kind == CORE_EV_TCP_CLOSED)) {
        conn_del(p, ev->handle);
        if (p->n_conn == 0 && p->id < c->cfg.n_tunnels)
            core_tunnel_cease_sent(c, p->id);
    }
    core_run_bgp(c, &b);
}
