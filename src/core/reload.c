/* The configuration changed under running sessions: policies, what else of a neighbor needs no new
 * session, our networks. Everything else stays as it was made (config/diff.c tells which is which).
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
    return p->import != was.import || p->export != was.export ||
           p->next_hop_self != was.next_hop_self || p->as_override != was.as_override ||
           p->allow_as_in != was.allow_as_in || p->graceful_shutdown != was.graceful_shutdown ||
           p->source != was.source || p->passive != was.passive ||
           p->prefixes_max != was.prefixes_max;
}

static const struct bgp_peer_config *peer_of(const struct core_config *cfg, const char *name)
{
    for (uint32_t i = 0; i < cfg->n_tunnels; i++)
        if (cfg->tunnels[i].has_neighbor && strcmp(cfg->tunnels[i].neighbor.bgp.name, name) == 0)
            return &cfg->tunnels[i].neighbor.bgp;
    for (uint32_t i = 0; i < cfg->n_neighbors; i++)
        if (strcmp(cfg->neighbors[i].bgp.name, name) == 0)
            return &cfg->neighbors[i].bgp;
    return NULL;
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
    core_import_reload(c, next);
    core_queue_bgp(c, &wake); /* for what bgp_peer_set() has left to do */
    return true;
}
