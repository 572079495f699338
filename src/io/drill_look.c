/* What there is to drill, and what a drill sees: routes against those at its start, sessions and
 * tunnels that have come back. Reads the core's views, changes nothing. */
#include "io/drill_int.h"

#include <stdio.h>
#include <stdlib.h>

#define MICROSOFT 12076 /* ExpressRoute's AS, the same everywhere */

/* ---- the world ---- */

static bool azure(const struct core_config *c, uint32_t peer, const struct bgp_peer_config *p)
{
    return p->asn == MICROSOFT ||
           (peer < c->n_tunnels && strncmp(c->tunnels[peer].profile, "azure-", 6) == 0);
}

static void add_neighbors(const struct io *io, struct io_drill_world *w)
{
    const struct core_config *c = core_configuration(io->core);
    uint32_t peer = UINT32_MAX;

    while (core_peer_next(io->core, &peer)) {
        const struct bgp_peer_config *p = core_peer_config(io->core, peer);
        w->neighbors[w->w.n_neighbors++] =
            (struct drill_neighbor){.name = p->name,
                                    .id = peer,
                                    .azure = azure(c, peer, p),
                                    .tunnel = peer < c->n_tunnels,
                                    .admin_down = core_peer_disturbed(io->core, peer)};
    }
}

static void add_tunnels(const struct io *io, struct io_drill_world *w)
{
    struct core_tunnel_view v;

    for (uint32_t i = 0; core_tunnel_get(io->core, i, &v); i++)
        w->tunnels[w->w.n_tunnels++] =
            (struct drill_tunnel){.name = v.config->ike.name,
                                  .id = i,
                                  .responder = v.config->ike.role == IKE_ROLE_RESPONDER,
                                  .disabled = v.state == CORE_T_DISABLED};
}

bool io_drill_world(const struct io *io, struct io_drill_world *w)
{
    const struct core_config *c = core_configuration(io->core);

    memset(w, 0, sizeof(*w));
    w->neighbors = calloc(c->n_tunnels + c->n_neighbors + 1, sizeof(*w->neighbors));
    w->tunnels = calloc(c->n_tunnels + 1, sizeof(*w->tunnels));
    w->w.neighbor = w->neighbors;
    w->w.tunnel = w->tunnels;
    if (!w->neighbors || !w->tunnels)
        return false;
    add_neighbors(io, w);
    add_tunnels(io, w);
    return true;
}

void io_drill_world_free(struct io_drill_world *w)
{
    free(w->neighbors);
    free(w->tunnels);
}

/* ---- routes ---- */

/* Each prefix once: the walk is in their order. Our own don't count, so that what a drain tells
 * others doesn't either. */
static bool add_route(void *arg, const struct bgp_route_view *r)
{
    struct io_drill_routes *l = arg;

    if (r->local || (l->n > 0 && kd_prefix_eq(&l->prefix[l->n - 1], &r->prefix)))
        return true;
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? 2 * l->cap : 256;
        struct kd_prefix *p = realloc(l->prefix, cap * sizeof(*p));
        kd_assert(p);
        l->prefix = p;
        l->cap = cap;
    }
    l->prefix[l->n++] = r->prefix;
    return true;
}

static void routes_now(const struct io *io, struct io_drill_routes *l)
{
    l->n = 0;
    bgp_rib_walk(core_bgp(io->core), BGP_VIEW_BEST, UINT32_MAX, add_route, l);
}

static void differ(struct drill_seen *s, uint32_t *count, const struct kd_prefix *p)
{
    char text[KD_PREFIX_STR_MAX];

    ++*count;
    if (!s->example[0])
        snprintf(s->example, sizeof(s->example), "%s", kd_prefix_str(p, text));
}

static void compare(const struct io_drill_routes *was, const struct io_drill_routes *is,
                    struct drill_seen *s)
{
    uint32_t i = 0, k = 0;

    while (i < was->n || k < is->n) {
        int c = i == was->n   ? 1
                : k == is->n ? -1
                             : kd_prefix_cmp(&was->prefix[i], &is->prefix[k]);
        if (c < 0)
            differ(s, &s->missing, &was->prefix[i]);
        else if (c > 0)
            differ(s, &s->extra, &is->prefix[k]);
        i += c <= 0;
        k += c >= 0;
    }
    s->routes = true;
}

/* ---- sessions and tunnels ---- */

static bool is_up(const struct io *io, const struct io_drill_up *u)
{
    struct core_tunnel_view t;
    struct bgp_peer_view p;

    if (u->tunnel)
        return core_tunnel_get(io->core, u->id, &t) && t.carrying;
    return bgp_peer_get(core_bgp(io->core), u->id, &p) && p.state == BGP_ESTABLISHED;
}

static void add_up(struct io_drill *d, bool tunnel, uint32_t id)
{
    struct io_drill_up u = {tunnel, id};

    if (is_up(d->io, &u))
        d->up[d->n_up++] = u;
}

bool io_drill_baseline(struct io_drill *d)
{
    const struct core_config *c = core_configuration(d->io->core);
    uint32_t peer = UINT32_MAX;

    d->up = calloc(2 * c->n_tunnels + c->n_neighbors + 1, sizeof(*d->up));
    if (!d->up)
        return false;
    for (uint32_t i = 0; i < c->n_tunnels; i++)
        add_up(d, true, i);
    while (core_peer_next(d->io->core, &peer))
        add_up(d, false, peer);
    routes_now(d->io, &d->routes);
    return true;
}

static const char *name_of(const struct io *io, const struct io_drill_up *u)
{
    struct core_tunnel_view t;

    if (u->tunnel)
        return core_tunnel_get(io->core, u->id, &t) ? t.config->ike.name : "";
    return core_peer_config(io->core, u->id)->name;
}

static void look_settled(const struct io_drill *d, struct drill_seen *s)
{
    s->settled = true;
    for (uint32_t i = 0; i < d->n_up; i++)
        if (!is_up(d->io, &d->up[i])) {
            s->settled = false;
            snprintf(s->unsettled, sizeof(s->unsettled), "%s", name_of(d->io, &d->up[i]));
        }
}

void io_drill_look(struct io_drill *d, bool routes, struct drill_seen *s)
{
    struct io_drill_routes now = {.n = 0};

    memset(s, 0, sizeof(*s));
    look_settled(d, s);
    if (!routes)
        return;
    routes_now(d->io, &now);
    compare(&d->routes, &now, s);
    free(now.prefix);
}
