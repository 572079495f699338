/* What a drill sees of a core: routes against those at its start, sessions and tunnels that have
 * come back. Reads views, changes nothing. */
#include "practice/practice.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- routes ---- */

/* Each prefix once: the walk is in their order. Our own don't count, so that what a drain tells
 * others doesn't either. */
static bool add_route(void *arg, const struct bgp_route_view *r)
{
    struct practice_routes *l = arg;

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

static void routes_now(const struct core *core, struct practice_routes *l)
{
    l->n = 0;
    bgp_rib_walk(core_bgp(core), BGP_VIEW_BEST, UINT32_MAX, add_route, l);
}

static void differ(struct drill_seen *s, uint32_t *count, const struct kd_prefix *p)
{
    char text[KD_PREFIX_STR_MAX];

    ++*count;
    if (!s->example[0])
        snprintf(s->example, sizeof(s->example), "%s", kd_prefix_str(p, text));
}

static void compare(const struct practice_routes *was, const struct practice_routes *is,
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

static bool is_up(const struct core *core, const struct practice_up *u)
{
    struct core_tunnel_view t;
    struct bgp_peer_view p;

    if (u->tunnel)
        return core_tunnel_get(core, u->id, &t) && t.carrying;
    return bgp_peer_get(core_bgp(core), u->id, &p) && p.state == BGP_ESTABLISHED;
}

static void add_up(const struct core *core, struct practice_base *b, bool tunnel, uint32_t id)
{
    struct practice_up u = {tunnel, id};

    if (is_up(core, &u))
        b->up[b->n_up++] = u;
}

bool practice_base(const struct core *core, struct practice_base *b)
{
    const struct core_config *c = core_configuration(core);
    uint32_t peer = UINT32_MAX;

    b->up = calloc(2 * c->n_tunnels + c->n_neighbors + 1, sizeof(*b->up));
    if (!b->up)
        return false;
    for (uint32_t i = 0; i < c->n_tunnels; i++)
        add_up(core, b, true, i);
    while (core_peer_next(core, &peer))
        add_up(core, b, false, peer);
    routes_now(core, &b->routes);
    return true;
}

static const char *name_of(const struct core *core, const struct practice_up *u)
{
    struct core_tunnel_view t;

    if (u->tunnel)
        return core_tunnel_get(core, u->id, &t) ? t.config->ike.name : "";
    return core_peer_config(core, u->id)->name;
}

static void look_settled(const struct core *core, const struct practice_base *b,
                         struct drill_seen *s)
{
    s->settled = true;
    for (uint32_t i = 0; i < b->n_up; i++)
        if (!is_up(core, &b->up[i])) {
            s->settled = false;
            snprintf(s->unsettled, sizeof(s->unsettled), "%s", name_of(core, &b->up[i]));
        }
}

void practice_base_free(struct practice_base *b)
{
    free(b->up);
    free(b->routes.prefix);
}

void practice_look(const struct core *core, const struct practice_base *b, bool routes,
                   struct drill_seen *s)
{
    struct practice_routes now = {.n = 0};

    memset(s, 0, sizeof(*s));
    look_settled(core, b, s);
    if (!routes)
        return;
    routes_now(core, &now);
    compare(&b->routes, &now, s);
    free(now.prefix);
}

/* ---- the way by our own routes ---- */

struct best {
    uint8_t len;
    uint32_t peer;
};

static bool look_at(void *arg, const struct bgp_route_view *r)
{
    struct best *b = arg;
    bool longer = b->peer == CORE_NO_PEER || r->prefix.len > b->len;

    if (!r->local && r->best && longer) {
        b->len = r->prefix.len;
        b->peer = r->peer;
    }
    return true;
}

static uint32_t best_to(const struct core *core, const struct kd_addr *to)
{
    struct best b = {.peer = CORE_NO_PEER};

    bgp_rib_around(core_bgp(core), to, look_at, &b);
    return b.peer;
}

uint32_t practice_way(const struct core *core, const struct drill_probe_plan *p)
{
    uint32_t peer = best_to(core, &p->to);

    return peer != CORE_NO_PEER || !p->from.family ? peer : best_to(core, &p->from);
}
