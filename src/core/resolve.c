/* Next hops beside the tunnels, resolved as the kernel would send to them: through a connected
 * subnet, or through somebody's route (static, OSPF, ...), never through one of ours. RFC 4271
 * 9.1.2.1: a path whose next hop isn't resolved is no candidate. */
#include "core/internal.h"

static uint32_t add_hop(const struct core *c, struct nl_hop *hop, uint32_t n,
                        const struct nl_hop *h)
{
    const struct core_link *l = core_link(c, h->oif);

    if (n < NL_ROUTE_HOPS_MAX && l && l->up)
        hop[n++] = *h;
    return n;
}

static uint32_t object_hops(const struct core *c, uint32_t id, struct nl_hop *hop)
{
    const struct nl_nexthop *n = core_knh(c, id), *m;
    uint32_t found = 0;

    if (!n || n->blackhole)
        return 0;
    if (!n->n_group)
        return add_hop(c, hop, 0, &(struct nl_hop){n->gateway, n->oif});
    for (uint32_t i = 0; i < n->n_group; i++) {
        m = core_knh(c, n->group[i]);
        if (m && !m->n_group && !m->blackhole)
            found = add_hop(c, hop, found, &(struct nl_hop){m->gateway, m->oif});
    }
    return found;
}

uint32_t core_kroute_hops(const struct core *c, const struct core_kroute *r,
                          struct nl_hop hop[NL_ROUTE_HOPS_MAX])
{
    uint32_t n = 0;

    if (r->type != NL_ROUTE_UNICAST)
        return 0;
    if (!r->n_hops && r->nh_id)
        return object_hops(c, r->nh_id, hop);
    for (uint8_t i = 0; i < r->n_hops; i++)
        n = add_hop(c, hop, n, &r->hop[i]);
    return n;
}

static bool into_tunnel(const struct core *c, const struct nl_hop *hop, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (core_is_tunnel(c, hop[i].oif))
            return true;
    return false;
}

static bool look_up(const struct core *c, uint32_t table, const struct kd_addr *a, uint8_t longest,
                    uint8_t shortest, struct core_way *w)
{
    const uint32_t *n_len = c->kernel.n_len[a->family == 6];

    for (int len = longest; len >= shortest; len--) {
        struct kd_prefix p = kd_prefix_make(a, (uint8_t)len);
        const struct core_kdest *d = n_len[len] ? core_kdest(c, table, &p) : NULL;
        for (const struct core_kroute *r = d ? d->routes : NULL; r; r = r->next) {
            w->n = core_kroute_hops(c, r, w->hop);
            if (w->n == 0 && r->type == NL_ROUTE_UNICAST)
                continue; /* a link without carrier says nothing */
            if (into_tunnel(c, w->hop, w->n))
                w->n = 0;
            w->len = (uint8_t)len;
            w->metric = r->metric;
            return true;
        }
    }
    return false;
}

bool core_kernel_way(const struct core *c, uint32_t table, const struct kd_addr *a, bool by_default,
                     struct core_way *w)
{
    uint8_t longest = kd_addr_bits(a), shortest = by_default ? 0 : 1;

    *w = (struct core_way){0};
    if (look_up(c, table, a, longest, shortest, w))
        return true;
    return table != 0 && table != CORE_TABLE_MAIN &&
           look_up(c, CORE_TABLE_MAIN, a, longest, shortest, w);
}

/* A hop without gateway leads to the next hop itself. One of the other family (RFC 8950) is left
 * out: our groups have one family. */
static uint32_t towards(struct nl_hop *hop, uint32_t n, const struct kd_addr *a)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!hop[i].gateway.family)
            hop[i].gateway = *a;
        if (hop[i].gateway.family == a->family)
            hop[kept++] = hop[i];
    }
    return kept;
}

uint32_t core_resolve(const struct core *c, const struct kd_addr *a,
                      struct nl_hop hop[NL_ROUTE_HOPS_MAX], uint32_t *metric)
{
    uint8_t subnet = 0;
    uint32_t oif = core_link_towards(c, a, &subnet);
    struct core_way w;

    *metric = 0;
    if (core_kernel_way(c, c->cfg.table, a, c->cfg.resolve_via_default, &w) &&
        (!oif || w.len > subnet)) {
        *metric = w.metric;
        memcpy(hop, w.hop, sizeof(w.hop));
        return core_addr_is_ours(c, a) ? 0 : towards(hop, w.n, a);
    }
    if (!oif)
        return 0;
    hop[0] = (struct nl_hop){*a, oif};
    return 1;
}

bool core_path_usable(const struct core *c, const struct bgp_path_nh *nh, uint32_t *metric)
{
    struct nl_hop hop[NL_ROUTE_HOPS_MAX];
    uint32_t cost = 0;
    bool there = nh->iface != BGP_NO_IFACE
                     ? nh->iface < c->cfg.n_tunnels && c->tunnels[nh->iface].carrying
                     : core_resolve(c, &nh->nexthop, hop, &cost) > 0;

    if (metric)
        *metric = cost;
    return there && !core_bfd_failed(c, &nh->nexthop, nh->iface);
}
