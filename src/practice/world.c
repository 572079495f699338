/* What there is to drill in a core: neighbors and tunnels as a plan's judge wants them. */
#include "practice/practice.h"

#include <stdlib.h>

#define MICROSOFT 12076 /* ExpressRoute's AS, the same everywhere */

/* ---- the world ---- */

static bool azure(const struct core_config *c, uint32_t peer, const struct bgp_peer_config *p)
{
    return p->asn == MICROSOFT ||
           (peer < c->n_tunnels && strncmp(c->tunnels[peer].profile, "azure-", 6) == 0);
}

static void add_neighbors(const struct core *core, struct practice_world *w)
{
    const struct core_config *c = core_configuration(core);
    uint32_t peer = UINT32_MAX;

    while (core_peer_next(core, &peer)) {
        const struct bgp_peer_config *p = core_peer_config(core, peer);
        w->neighbors[w->w.n_neighbors++] =
            (struct drill_neighbor){.name = p->name,
                                    .id = peer,
                                    .azure = azure(c, peer, p),
                                    .tunnel = peer < c->n_tunnels,
                                    .admin_down = core_peer_disturbed(core, peer)};
    }
}

static void add_tunnels(const struct core *core, struct practice_world *w)
{
    struct core_tunnel_view v;

    for (uint32_t i = 0; core_tunnel_get(core, i, &v); i++)
        w->tunnels[w->w.n_tunnels++] =
            (struct drill_tunnel){.name = v.config->ike.name,
                                  .id = i,
                                  .responder = v.config->ike.role == IKE_ROLE_RESPONDER,
                                  .disabled = v.state == CORE_T_DISABLED};
}

bool practice_world(const struct core *core, struct practice_world *w)
{
    const struct core_config *c = core_configuration(core);

    memset(w, 0, sizeof(*w));
    w->neighbors = calloc(c->n_tunnels + c->n_neighbors + 1, sizeof(*w->neighbors));
    w->tunnels = calloc(c->n_tunnels + 1, sizeof(*w->tunnels));
    w->w.neighbor = w->neighbors;
    w->w.tunnel = w->tunnels;
    if (!w->neighbors || !w->tunnels)
        return false;
    add_neighbors(core, w);
    add_tunnels(core, w);
    return true;
}

void practice_world_free(struct practice_world *w)
{
    free(w->neighbors);
    free(w->tunnels);
}
