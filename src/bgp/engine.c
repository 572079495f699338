/* The BGP engine: RFC 4271 and the list in bgp.h, as one step function.
 *
 *   event -> fsm.c (states, timers) -> session.c (framing) -> update.c, attr.c (parsing)
 *         -> adjin.c (import) -> decision.c -> ribs.c (path sets to the core), adjout.c (UPDATEs
 * out)
 *
 * An event is handled at once; the bulk work it leaves (prefixes to read, to decide, to tell) is
 * done within a budget a step, the rest under `more`. A session that stops takes its paths out of
 * every decision in that instant; removing them from memory is such bulk work.
 *
 * Not here (yet): route server, confederations, ADD-PATH. */
#include "bgp/adjin.h"
#include "bgp/adjout.h"
#include "bgp/fsm.h"
#include "bgp/graceful.h"
#include "bgp/guard.h"
#include "bgp/refresh.h"
#include "bgp/session.h"
#include "bgp/update.h"

#include <stdlib.h>

const char *const bgp_state_names[] = {
    [BGP_IDLE] = "Idle",
    [BGP_CONNECT] = "Connect",
    [BGP_ACTIVE] = "Active",
    [BGP_OPENSENT] = "OpenSent",
    [BGP_OPENCONFIRM] = "OpenConfirm",
    [BGP_ESTABLISHED] = "Established",
    NULL,
};

const char *const bgp_note_names[] = {
    [BGP_NOTE_STATE] = "state", [BGP_NOTE_STOP] = "stop", [BGP_NOTE_ERROR] = "error",
    [BGP_NOTE_EOR] = "eor",     [BGP_NOTE_RECURSIVE] = "recursive", [BGP_NOTE_N] = NULL,
};

/* ---- made and freed ---- */

/* Room for every timer from the start: setting one never fails later. */
static bool reserve_timers(struct bgp *b)
{
    uint32_t n = bgp_timer_defer(b) + 1;

    kd_timers_init(&b->timers);
    for (uint32_t i = n; i-- > 0;)
        if (!kd_timers_set(&b->timers, i, 1))
            return false;
    for (uint32_t i = 0; i < n; i++)
        kd_timers_del(&b->timers, i);
    return true;
}

static bool allocate(struct bgp *b)
{
    uint32_t peers = b->params.peers_max;

    b->slot = calloc(peers, sizeof(*b->slot));
    b->peers = calloc(peers, sizeof(*b->peers));
    b->conn = calloc(b->conns_max, sizeof(*b->conn));
    b->cand = calloc(peers + 1, sizeof(*b->cand));
    b->update_room = malloc(BGP_UPDATE_SCRATCH);
    b->attrs_room = malloc(BGP_EXTENDED_MAX);
    b->community_room = malloc(BGP_COMMUNITY_ROOM);
    return b->slot && b->peers && b->conn && b->cand && b->update_room && b->attrs_room &&
           b->community_room && reserve_timers(b) && bgp_attrs_init(&b->attrs, b->salt);
}

struct bgp *bgp_new(const struct bgp_params *p)
{
    struct bgp *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    b->params = *p;
    b->now_us = p->now_us;
    b->params.redistribute = bgp_route_map_ref(p->redistribute);
    if (!b->params.peers_max)
        b->params.peers_max = BGP_PEERS_MAX_DEFAULT;
    kd_assert(b->params.peers_max < BGP_PEER_LOCAL);
    /* Two a peer while they collide; the slab makes whole chunks. */
    b->conns_max = 2 * b->params.peers_max + KD_SLAB_CHUNK;
    kc_rng_init(&b->rng, p->seed);
    b->salt = (uint64_t)kc_rng_u32(&b->rng) << 32 | kc_rng_u32(&b->rng);
    kd_slab_init(&b->conns, sizeof(struct bgp_conn), 2 * b->params.peers_max);
    bgp_nexthops_init(&b->nexthops, b->salt);
    bgp_pathsets_init(&b->pathsets, b->salt);
    if (allocate(b))
        return b;
    bgp_free(b);
    return NULL;
}

void bgp_redistribute(struct bgp *b, struct bgp_route_map *policy)
{
    struct bgp_route_map *old = b->params.redistribute;

    b->params.redistribute = bgp_route_map_ref(policy);
    bgp_route_map_unref(old);
}

void bgp_free(struct bgp *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; b->conn && i < b->conns_max; i++)
        if (b->conn[i])
            free(b->conn[i]->in);
    while (b->n_peers)
        bgp_peer_free(b, b->peers[b->n_peers - 1]);
    bgp_ribs_free(b);
    bgp_route_map_unref(b->params.redistribute);
    bgp_attrs_fini(&b->attrs);
    bgp_nexthops_fini(&b->nexthops);
    bgp_pathsets_fini(&b->pathsets);
    kd_timers_fini(&b->timers);
    kd_slab_fini(&b->conns);
    free(b->slot);
    free(b->peers);
    free(b->conn);
    free(b->cand);
    free(b->guards);
    free(b->update_room);
    free(b->attrs_room);
    free(b->community_room);
    free(b);
}

/* ---- events ---- */

static void on_peer(struct bgp *b, const struct bgp_event *ev, enum bgp_fsm_event event)
{
    struct bgp_fsm m = {.p = bgp_peer_by_id(b, ev->peer), .ev = ev};

    if (!m.p)
        return;
    if (event == BGP_FSM_START)
        m.p->on = true;
    else if (event == BGP_FSM_STOP)
        m.p->on = m.p->leaving = false;
    bgp_fsm_run(b, event, &m);
}

static void on_conn(struct bgp *b, const struct bgp_event *ev, enum bgp_fsm_event event)
{
    struct bgp_fsm m = {.c = kd_slab_get(&b->conns, ev->conn), .ev = ev};

    if (!m.c)
        return; /* ended by us meanwhile */
    m.p = m.c->peer;
    bgp_fsm_run(b, event, &m);
}

static void on_incoming(struct bgp *b, const struct bgp_event *ev)
{
    struct bgp_fsm m = {.p = bgp_peer_by_remote(b, &ev->remote, ev->iface), .ev = ev};
    struct bgp_action *a;
    char text[KD_ADDR_STR_MAX];

    if (m.p) {
        bgp_fsm_run(b, BGP_FSM_TCP_INCOMING, &m);
        return;
    }
    a = bgp_emit(b, BGP_ACT_REFUSE);
    a->token = ev->token;
    a->iface = ev->iface;
    a->local = ev->local;
    a->remote = ev->remote;
    bgp_note_error(b, NULL, "connection from %s refused: no neighbor with that address %s",
                   kd_addr_str(&ev->remote, text),
                   ev->iface == BGP_NO_IFACE ? "beside the tunnels" : "on that tunnel");
}

static void on_bytes(struct bgp *b, const struct bgp_event *ev)
{
    struct bgp_conn *c = kd_slab_get(&b->conns, ev->conn);

    if (c && (c->state >= BGP_OPENSENT || c->held) && ev->data.len > 0)
        bgp_conn_input(b, c, ev->data);
}

static void on_sent(struct bgp *b, const struct bgp_event *ev)
{
    struct bgp_conn *c = kd_slab_get(&b->conns, ev->conn);

    if (!c)
        return;
    c->outstanding -= KD_MIN(c->outstanding, ev->n);
    c->taken_us = b->now_us;
}

static void on_refresh(struct bgp *b, const struct bgp_event *ev)
{
    struct bgp_peer *p = bgp_peer_by_id(b, ev->peer);

    for (int i = 0; p && p->up && i < 2; i++) {
        if (!p->family[i].up)
            continue;
        if (ev->in) {
            p->family[i].soft = p->family[i].paths.head;
            bgp_refresh_ask(b, p, &p->family[i]);
        }
        if (ev->out)
            bgp_peer_readvertise(p, i ? 6 : 4, true);
    }
}

static void on_leave(struct bgp *b, const struct bgp_event *ev)
{
    struct bgp_peer *p = bgp_peer_by_id(b, ev->peer);

    if (!p || p->leaving == ev->up)
        return;
    p->leaving = ev->up;
    for (int i = 0; p->up && i < 2; i++)
        if (p->family[i].up) {
            p->family[i].soft = p->family[i].paths.head;
            bgp_peer_readvertise(p, i ? 6 : 4, false);
        }
}

static void on_steer(struct bgp *b, const struct bgp_event *ev)
{
    struct bgp_peer *p = bgp_peer_by_id(b, ev->peer);
    struct bgp_steer old;

    if (!p)
        return;
    old = p->steer;
    p->steer = ev->steer;
    for (int i = 0; p->up && i < 2; i++) {
        if (!p->family[i].up)
            continue;
        if (old.withdraw != ev->steer.withdraw || old.prepend != ev->steer.prepend ||
            old.halves != ev->steer.halves)
            bgp_peer_readvertise(p, i ? 6 : 4, false);
        if (old.set_local_pref != ev->steer.set_local_pref ||
            old.local_pref != ev->steer.local_pref)
            p->family[i].soft = p->family[i].paths.head;
    }
}

static void dispatch(struct bgp *b, const struct bgp_event *ev)
{
    switch (ev->kind) {
    case BGP_EV_WAKE:
        break;
    case BGP_EV_PEER_ON:
        on_peer(b, ev, BGP_FSM_START);
        break;
    case BGP_EV_PEER_OFF:
        on_peer(b, ev, BGP_FSM_STOP);
        break;
    case BGP_EV_BFD:
        if (!ev->up)
            on_peer(b, ev, BGP_FSM_BFD_DOWN);
        break;
    case BGP_EV_TCP_OPENED:
        on_conn(b, ev, BGP_FSM_TCP_OPENED);
        break;
    case BGP_EV_TCP_FAILED:
        on_conn(b, ev, BGP_FSM_TCP_FAILED);
        break;
    case BGP_EV_TCP_CLOSED:
        on_conn(b, ev, BGP_FSM_TCP_CLOSED);
        break;
    case BGP_EV_TCP_INCOMING:
        on_incoming(b, ev);
        break;
    case BGP_EV_TCP_BYTES:
        on_bytes(b, ev);
        break;
    case BGP_EV_TCP_SENT:
        on_sent(b, ev);
        break;
    case BGP_EV_NEXTHOP:
        bgp_ribs_nexthop(b, ev);
        break;
    case BGP_EV_GUARD:
        bgp_guard_set(b, ev);
        break;
    case BGP_EV_LOCAL_ROUTE:
        bgp_ribs_local_route(b, ev);
        break;
    case BGP_EV_REFRESH:
        on_refresh(b, ev);
        break;
    case BGP_EV_LEAVE:
        on_leave(b, ev);
        break;
    case BGP_EV_RESTARTED:
        bgp_graceful_restarted(b, (const bool[2]){ev->in, ev->out});
        break;
    case BGP_EV_STEER:
        on_steer(b, ev);
        break;
    }
}

/* ---- timers ---- */

static void fire(struct bgp *b, uint32_t id)
{
    static const enum bgp_fsm_event of_conn[BGP_CONN_TIMERS] = {BGP_FSM_HOLD, BGP_FSM_KEEPALIVE_DUE,
                                                                BGP_FSM_SEND_HOLD};
    struct bgp_fsm m = {0};
    uint32_t k;

    if (id < b->params.peers_max) {
        m.p = b->slot[id];
        bgp_fsm_run(b, BGP_FSM_RETRY, &m);
        return;
    }
    if (id == bgp_timer_defer(b)) {
        bgp_graceful_settled(b);
        return;
    }
    k = id - b->params.peers_max;
    if (k >= BGP_CONN_TIMERS * b->conns_max) {
        bgp_graceful_drop(b, b->slot[k - BGP_CONN_TIMERS * b->conns_max]);
        return;
    }
    m.c = b->conn[k / BGP_CONN_TIMERS];
    m.p = m.c->peer;
    bgp_fsm_run(b, of_conn[k % BGP_CONN_TIMERS], &m);
}

static bool timers(struct bgp *b)
{
    uint32_t id;

    while (bgp_emit_room(b)) {
        if (!kd_timers_pop(&b->timers, b->now_us, &id))
            return false;
        fire(b, id);
    }
    return kd_timers_next(&b->timers) <= b->now_us;
}

/* ---- bulk work ---- */

static void end_broken(struct bgp *b, struct bgp_peer *p)
{
    struct bgp_fsm m = {.p = p, .c = p->up};

    p->broken = false;
    if (!m.c)
        return;
    bgp_error_set(&m.error, BGP_E_CEASE, BGP_CEASE_NO_RESOURCES, kd_bytes(NULL, 0),
                  "out of memory");
    bgp_fsm_run(b, BGP_FSM_BAD_MESSAGE, &m);
}

static bool incoming_work(struct bgp *b, struct bgp_peer *p)
{
    bool more = p->out && bgp_conn_read(b, p->out);

    if (p->in)
        more |= bgp_conn_read(b, p->in);
    more |= bgp_refresh_sweep(b, p);
    more |= bgp_adjin_soft(b, p);
    return bgp_peer_purge(b, p, false) || more; /* last: what was read may have ended the session */
}

static bool outgoing_work(struct bgp *b, struct bgp_peer *p)
{
    bool more = p->up && bgp_adjout_run(b, p);

    if (!p->broken)
        return more;
    if (bgp_emit_room(b))
        end_broken(b, p);
    return true; /* its paths are to be taken out */
}

/* Every peer's turn, starting with another one each step. */
static bool each_peer(struct bgp *b, bool (*work)(struct bgp *b, struct bgp_peer *p))
{
    bool more = false;

    for (uint32_t i = 0; i < b->n_peers; i++)
        more |= work(b, b->peers[(b->next_peer + i) % b->n_peers]);
    return more;
}

/* Reading, deciding and telling each have a budget of their own, so that none waits for ever for
 * the one before it. */
static bool work(struct bgp *b, bool hold)
{
    bool more = each_peer(b, incoming_work);

    more |= bgp_ribs_rescan(b);
    b->work = 0;
    more |= bgp_ribs_decide(b);
    more |= bgp_ribs_tell_fib(b);
    more |= bgp_ribs_tell_nexthops(b);
    b->work = 0;
    bgp_graceful_settle(b);
    more |= hold || each_peer(b, outgoing_work);
    b->next_peer = b->n_peers ? (b->next_peer + 1) % b->n_peers : 0;
    return more;
}

/* What ends a way is told first: the table's work that follows from it comes with the next WAKE. */
static bool urgent(const struct bgp_event *ev)
{
    return ev->kind == BGP_EV_PEER_OFF || (ev->kind == BGP_EV_NEXTHOP && !ev->up);
}

void bgp_step(struct bgp *b, const struct bgp_event *ev, struct bgp_out *out)
{
    bool more;

    out->n = out->used = 0;
    b->now_us = ev->now_us;
    b->work = 0;
    b->out = out;
    dispatch(b, ev);
    more = timers(b);
    out->more = urgent(ev) || work(b, ev->hold) || more;
    out->deadline_us = kd_timers_next(&b->timers);
    b->out = NULL;
}
