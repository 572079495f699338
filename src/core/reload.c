/* The configuration changed under running sessions: policies, what else of a neighbor needs no new
 * session, our networks, how probes count and what follows from them, spans of recovery, what
 * readiness expects. Everything else stays as it was made (config/diff.c tells which is which).
 */
#include "core/internal.h"

#include <stdlib.h>

/* The one that c uses for the policy `m` of next. */
static struct bgp_route_map *adopted(const struct core *c, const struct core_config *next,
                                     const struct bgp_route_map *m)
{
    for (uint32_t i = 0; m && i < next->n_policies; i++)
        if (next->policies[i] == m)
            return c->cfg.policies[i];
    return NULL;
}

/* One that says the same is kept: who uses it has nothing to do. A reference for the caller. */
static struct bgp_route_map *keep_or_take(const struct core *c, struct bgp_route_map *m)
{
    for (uint32_t i = 0; i < c->cfg.n_policies; i++)
        if (bgp_route_map_same(c->cfg.policies[i], m))
            return bgp_route_map_ref(c->cfg.policies[i]);
    return bgp_route_map_ref(m);
}

static bool take_policies(struct core *c, const struct core_config *next)
{
    struct bgp_route_map **list = calloc(next->n_policies + 1, sizeof(struct bgp_route_map *));

    if (!list)
        return false;
    for (uint32_t i = 0; i < next->n_policies; i++)
        list[i] = keep_or_take(c, next->policies[i]);
    for (uint32_t i = 0; i < c->cfg.n_policies; i++)
        bgp_route_map_unref(c->cfg.policies[i]);
    free(c->cfg.policies);
    c->cfg.policies = list;
    c->cfg.n_policies = next->n_policies;
    return true;
}

/* What needs no new session; true when something differs. */
static bool take_peer(const struct core *c, struct bgp_peer_config *p,
                      const struct core_config *next, const struct bgp_peer_config *n)
{
    struct bgp_peer_config was = *p;

    p->import = adopted(c, next, n->import);
    p->export = adopted(c, next, n->export);
    p->next_hop_self = n->next_hop_self;
    p->as_override = n->as_override;
    p->allow_as_in = n->allow_as_in;
    p->graceful_shutdown = n->graceful_shutdown;
    p->source = n->source;
    p->passive = n->passive;
    p->prefixes_max = n->prefixes_max;
    p->weight = n->weight;
    return p->import != was.import || p->export != was.export ||
           p->next_hop_self != was.next_hop_self || p->as_override != was.as_override ||
           p->allow_as_in != was.allow_as_in || p->graceful_shutdown != was.graceful_shutdown ||
           p->source != was.source || p->passive != was.passive ||
           p->prefixes_max != was.prefixes_max || p->weight != was.weight;
}

static const struct core_neighbor_config *neighbor_of(const struct core_config *cfg,
                                                      const char *name)
{
    for (uint32_t i = 0; i < cfg->n_tunnels; i++)
        if (cfg->tunnels[i].has_neighbor && strcmp(cfg->tunnels[i].neighbor.bgp.name, name) == 0)
            return &cfg->tunnels[i].neighbor;
    for (uint32_t i = 0; i < cfg->n_neighbors; i++)
        if (strcmp(cfg->neighbors[i].bgp.name, name) == 0)
            return &cfg->neighbors[i];
    return NULL;
}

static const struct bgp_peer_config *peer_of(const struct core_config *cfg, const char *name)
{
    const struct core_neighbor_config *n = neighbor_of(cfg, name);

    return n ? &n->bgp : NULL;
}

/* ---- how long what failed has to be good ---- */

static uint64_t recover_all(const struct core_config *cfg)
{
    return cfg->recover_us == UINT64_MAX ? 0 : cfg->recover_us;
}

static void take_tunnel_recover(struct core *c, const struct core_config *next)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        for (uint32_t k = 0; k < next->n_tunnels; k++)
            if (strcmp(c->cfg.tunnels[i].ike.name, next->tunnels[k].ike.name) == 0) {
                uint64_t us = next->tunnels[k].recover_us;
                c->cfg.tunnels[i].recover_us = c->tunnels[i].cfg.recover_us = us;
                c->tunnels[i].stable.span_us = us;
            }
}

/* BFD's, where it follows the span of all; one of its own is a key of bfd and waits. */
static void take_bfd_recover(struct core *c, const struct core_config *next)
{
    for (struct core_peer *p = c->peers; p; p = p->hh.next) {
        const struct core_neighbor_config *n = neighbor_of(next, p->cfg.name);
        if (!n || p->bfd.cfg.recover_us != recover_all(&c->cfg) ||
            n->bfd.recover_us != recover_all(next))
            continue;
        p->bfd.cfg.recover_us = n->bfd.recover_us;
        p->bfd.stable.span_us = n->bfd.recover_us;
    }
}

/* ---- probes: what they count and what follows, not whom they ask ---- */

static void take_probe(struct core *c, uint32_t i, const struct core_health_config *n)
{
    struct core_health_config *f = &c->cfg.health[i];

    f->every_us = n->every_us;
    f->fail = n->fail;
    f->then = n->then;
    f->local_pref = n->local_pref;
    f->prepend = n->prepend;
    f->recover_us = n->recover_us;
    c->health[i].stable.span_us = n->recover_us;
}

static void take_health(struct core *c, const struct core_config *next)
{
    for (uint32_t i = 0; i < c->cfg.n_health; i++)
        for (uint32_t k = 0; k < next->n_health; k++)
            if (strcmp(c->cfg.health[i].name, next->health[k].name) == 0)
                take_probe(c, i, &next->health[k]);
}

/* ---- readiness ---- */

static bool tunnel_here(const struct core *c, const char *name, uint32_t *id)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (strcmp(c->cfg.tunnels[i].ike.name, name) == 0) {
            *id = i;
            return true;
        }
    return false;
}

static bool peer_here(const struct core *c, const struct core_config *next, uint32_t id,
                      uint32_t *here)
{
    const struct core_neighbor_config *n = id >= CORE_PEER_BESIDE(0)
                                               ? &next->neighbors[id - CORE_PEER_BESIDE(0)]
                                               : &next->tunnels[id].neighbor;

    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        if (strcmp(p->cfg.name, n->bgp.name) == 0) {
            *here = p->id;
            return true;
        }
    return false;
}

/* Entries may stand in another order, and one that waits for a restart isn't there yet: the list
 * that names it waits as well. */
static void take_readiness(struct core *c, const struct core_config *next)
{
    struct core_readiness *r = &c->cfg.readiness, n = next->readiness;
    bool primary = true, backup = true;

    for (uint32_t i = 0; i < n.n_primary; i++)
        primary = primary && peer_here(c, next, next->readiness.primary[i], &n.primary[i]);
    for (uint32_t i = 0; i < n.n_backup; i++)
        backup = backup &&
                 tunnel_here(c, next->tunnels[next->readiness.backup[i]].ike.name, &n.backup[i]);
    if (!primary) {
        n.n_primary = r->n_primary;
        memcpy(n.primary, r->primary, sizeof(n.primary));
    }
    if (!backup) {
        n.n_backup = r->n_backup;
        memcpy(n.backup, r->backup, sizeof(n.backup));
    }
    *r = n;
}

/* Where one learns is somebody else's match: then everybody's exports are looked at again. */
static bool source_changed(const struct core *c, const struct core_config *next)
{
    for (const struct core_peer *p = c->peers; p; p = p->hh.next) {
        const struct bgp_peer_config *n = peer_of(next, p->cfg.name);
        if (n && n->source != p->cfg.source)
            return true;
    }
    return false;
}

/* The configuration as it is shown has the peer's policies too. */
static void keep_shown(const struct core *c, uint32_t id, struct bgp_peer_config *cfg)
{
    const struct core_peer *p = core_peer(c, id);

    cfg->import = p ? p->cfg.import : NULL;
    cfg->export = p ? p->cfg.export : NULL;
}

bool core_reload(struct core *c, const struct core_config *next)
{
    const struct bgp_event wake = {.kind = BGP_EV_WAKE};
    bool all = source_changed(c, next);

    if (!take_policies(c, next))
        return false;
    for (struct core_peer *p = c->peers; p; p = p->hh.next) {
        const struct bgp_peer_config *n = peer_of(next, p->cfg.name);
        bool changed = n && take_peer(c, &p->cfg, next, n);
        if ((changed || all) && !bgp_peer_set(c->bgp, p->id, &p->cfg))
            return false;
    }
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        keep_shown(c, i, &c->cfg.tunnels[i].neighbor.bgp);
    for (uint32_t i = 0; i < c->cfg.n_neighbors; i++)
        keep_shown(c, CORE_PEER_BESIDE(i), &c->cfg.neighbors[i].bgp);
    take_tunnel_recover(c, next);
    take_bfd_recover(c, next);
    c->cfg.recover_us = next->recover_us;
    take_health(c, next);
    take_readiness(c, next);
    core_import_reload(c, next);
    core_queue_bgp(c, &wake); /* for what bgp_peer_set() has left to do */
    return true;
}
