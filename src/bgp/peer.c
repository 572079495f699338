/* Neighbors: configuration, lookup, and what a session's beginning and end mean for the RIB. */
#include "bgp/graceful.h"

#include <stdlib.h>

#define CONNECT_RETRY_MIN_US KD_MS(100)
#define CONNECT_RETRY_US     KD_S(5)

/* ---- lookup ---- */

/* Where id is or belongs in the order. */
static uint32_t position(const struct bgp *b, uint32_t id)
{
    uint32_t lo = 0, hi = b->n_peers;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (b->peers[mid]->id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct bgp_peer *bgp_peer_by_id(const struct bgp *b, uint32_t id)
{
    uint32_t at = position(b, id);

    return at < b->n_peers && b->peers[at]->id == id ? b->peers[at] : NULL;
}

struct bgp_peer *bgp_peer_by_remote(const struct bgp *b, const struct kd_addr *remote,
                                    uint32_t iface)
{
    for (uint32_t i = 0; i < b->n_peers; i++)
        if (b->peers[i]->iface == iface && kd_addr_eq(&b->peers[i]->remote, remote))
            return b->peers[i];
    return NULL;
}

/* ---- configuration ---- */

static struct bgp_peer *add_peer(struct bgp *b, uint32_t id)
{
    uint32_t at = position(b, id);
    uint16_t slot = 0;
    struct bgp_peer *p;

    while (slot < b->params.peers_max && b->slot[slot])
        slot++;
    p = slot < b->params.peers_max ? calloc(1, sizeof(*p)) : NULL;
    if (!p)
        return NULL;
    p->id = id;
    p->slot = slot;
    p->since_us = b->now_us;
    b->slot[slot] = p;
    memmove(&b->peers[at + 1], &b->peers[at], (b->n_peers - at) * sizeof(*b->peers));
    b->peers[at] = p;
    b->n_peers++;
    return p;
}

static void set_policies(struct bgp_peer *p, const struct bgp_peer_config *c)
{
    struct bgp_route_map *import = p->import, *export = p->export;

    p->import = bgp_route_map_ref(c->import);
    p->export = bgp_route_map_ref(c->export);
    bgp_route_map_unref(import);
    bgp_route_map_unref(export);
}

/* Under a running session its parameters and its paths' next hops must stay what they are: those of
 * c that need a new session are taken over all the same and hold from the next one. The interface
 * and the AS are looked at by the decision, so the caller's PEER_OFF has to come first for them. */
static void set_values(struct bgp *b, struct bgp_peer *p, const struct bgp_peer_config *c)
{
    memcpy(p->name, c->name, sizeof(p->name));
    p->name[sizeof(p->name) - 1] = '\0';
    p->remote = c->remote;
    p->local = c->local;
    p->local_other = c->local_other;
    p->asn = c->asn;
    p->ibgp = c->asn == b->params.asn;
    p->table = c->table;
    p->iface = c->iface;
    p->hold_s = c->hold_s == 1 || c->hold_s == 2 ? 3 : c->hold_s;
    p->keepalive_s = c->keepalive_s;
    p->connect_retry_us = c->connect_retry_us ? c->connect_retry_us : CONNECT_RETRY_US;
    p->connect_retry_us = KD_MAX(p->connect_retry_us, CONNECT_RETRY_MIN_US);
    p->ttl = c->ttl;
    p->ttl_security = c->ttl_security;
    p->passive = c->passive;
    p->next_hop_self = c->next_hop_self;
    p->as_override = c->as_override;
    p->graceful_shutdown = c->graceful_shutdown;
    p->graceful_restart = c->iface == BGP_NO_IFACE ? c->graceful_restart : BGP_GRACEFUL_OFF;
    p->allow_as_in = c->allow_as_in;
    p->source = c->source;
    p->prefixes_max = c->prefixes_max;
    p->weight = c->weight;
}

bool bgp_peer_set(struct bgp *b, uint32_t peer, const struct bgp_peer_config *c)
{
    struct bgp_peer *p = bgp_peer_by_id(b, peer);
    bool weighed;

    if (!p)
        p = add_peer(b, peer);
    if (!p)
        return false;
    weighed = p->weight != c->weight;
    set_policies(p, c);
    set_values(b, p, c);
    for (int i = 0; i < 2; i++) {
        if (bgp_family_lives(&p->family[i]))
            p->family[i].soft = p->family[i].paths.head;
        p->family[i].remark |= weighed;
        if (p->family[i].up)
            bgp_peer_readvertise(p, i ? 6 : 4, false);
    }
    return true;
}

void bgp_peer_free(struct bgp *b, struct bgp_peer *p)
{
    uint32_t at = position(b, p->id);

    memmove(&b->peers[at], &b->peers[at + 1], (b->n_peers - at - 1) * sizeof(*b->peers));
    b->n_peers--;
    b->slot[p->slot] = NULL;
    for (int i = 0; i < 2; i++) {
        bgp_map_fini(&p->family[i].out);
        bgp_pending_fini(&p->family[i].pending);
        bgp_pending_fini(&p->family[i].forced);
    }
    bgp_route_map_unref(p->import);
    bgp_route_map_unref(p->export);
    free(p);
}

void bgp_peer_del(struct bgp *b, uint32_t peer)
{
    struct bgp_peer *p = bgp_peer_by_id(b, peer);

    if (!p)
        return;
    kd_assert(!p->on && !p->out && !p->in);
    bgp_peer_purge(b, p, true);
    bgp_timer_set(b, bgp_timer_peer(p), KD_NEVER);
    bgp_timer_set(b, bgp_timer_restart(b, p), KD_NEVER);
    bgp_peer_free(b, p);
}

/* ---- state ---- */

enum bgp_state bgp_peer_state(const struct bgp_peer *p)
{
    enum bgp_state s = p->on && !p->idle_hold ? BGP_ACTIVE : BGP_IDLE;

    if (p->out && p->out->state == BGP_CONNECT && (!p->in || p->in->state <= BGP_ACTIVE))
        return BGP_CONNECT;
    if (p->out && p->out->state != BGP_CONNECT)
        s = p->out->state;
    if (p->in)
        s = KD_MAX(s, p->in->state);
    return s;
}

void bgp_peer_note_state(struct bgp *b, struct bgp_peer *p)
{
    enum bgp_state s = bgp_peer_state(p);

    if (s == p->told_state)
        return;
    p->told_state = s;
    p->since_us = b->now_us;
    if (s == BGP_ESTABLISHED)
        p->reason = KD_REASON_NONE;
    bgp_note(b, p, BGP_NOTE_STATE, "");
}

/* ---- the session and the RIB ---- */

void bgp_peer_readvertise(struct bgp_peer *p, uint8_t family, bool forced)
{
    struct bgp_family *f = bgp_family(p, family);

    if (!f->rib)
        return;
    if (forced && !bgp_pending_fill(&f->forced, f->rib->dests.n_made))
        p->broken = true;
    if (!bgp_pending_fill(&f->pending, f->rib->dests.n_made))
        p->broken = true;
}

void bgp_peer_up(struct bgp *b, struct bgp_peer *p, struct bgp_conn *c)
{
    bgp_graceful_coming(p, c);
    bgp_peer_purge(b, p, true); /* nearly always done long ago */
    p->up = c;
    p->up_us = b->now_us;
    p->had_session = true;
    p->remote_id = c->open.id;
    p->session_local = c->local;
    p->eor_noted = p->near_max = false;
    for (int i = 0; i < 2; i++) {
        struct bgp_family *f = &p->family[i];
        f->up = c->family[i];
        f->eor_sent = f->eor_seen = !f->up;
        f->refresh_due = f->refreshing = f->begun = false;
        f->rib = f->up ? bgp_rib_make(b, p->table, i ? 6 : 4) : NULL;
        if (f->up && !f->rib)
            p->broken = true;
        else if (f->up)
            bgp_peer_readvertise(p, i ? 6 : 4, false);
    }
    bgp_graceful_up(b, p);
}

void bgp_family_purge(struct bgp_family *f)
{
    f->soft = f->sweep = 0;
    f->accepted = 0;
    f->purge = f->rib != NULL;
    f->purge_out = 1;
}

void bgp_peer_down(struct bgp *b, struct bgp_peer *p, uint16_t kept_s)
{
    bgp_graceful_down(b, p, kept_s);
    p->up = NULL;
    for (int i = 0; i < 2; i++) {
        struct bgp_family *f = &p->family[i];
        f->up = false;
        if (!f->stale)
            bgp_family_purge(f);
        f->purge = f->rib != NULL; /* what it was told, in any case */
        f->purge_out = 1;
        bgp_pending_fini(&f->pending);
        bgp_pending_fini(&f->forced);
    }
}

/* Paths first: they move traffic. */
static bool purge_paths(struct bgp *b, struct bgp_family *f, bool all)
{
    while (f->paths.head) {
        if (!all && bgp_busy(b))
            return true;
        b->work++;
        bgp_path_remove(b, f->rib, &f->paths, f->paths.head);
    }
    return false;
}

static bool purge_out(struct bgp *b, struct bgp_family *f, bool all)
{
    uint32_t i = f->purge_out;

    for (; f->n_out && (i = bgp_map_skip(&f->out, i)) < f->rib->dests.n_made; i++) {
        uint32_t attr = bgp_map_get(&f->out, i);
        f->purge_out = i;
        if (!attr)
            continue;
        if (!all && bgp_busy(b))
            return true;
        b->work++;
        bgp_attrs_unref(&b->attrs, attr);
        kd_assert(bgp_map_set(&f->out, i, 0));
        f->n_out--;
        bgp_rib_dest(f->rib, i)->n_out--;
        bgp_rib_drop(f->rib, i);
    }
    kd_assert(f->n_out == 0);
    bgp_map_fini(&f->out);
    return false;
}

bool bgp_peer_purge(struct bgp *b, struct bgp_peer *p, bool all)
{
    bool more = false;

    for (int i = 0; i < 2; i++) {
        struct bgp_family *f = &p->family[i];
        if (!f->purge)
            continue;
        if ((!f->stale && purge_paths(b, f, all)) || purge_out(b, f, all)) {
            more = true;
            continue;
        }
        f->purge = false;
        if (!f->stale)
            f->rib = NULL;
    }
    return more;
}
