/* Next-hop objects, groups and routes: what replaces what, what is refused, and what silently goes
 * with what (DESIGN 3.7). Texts are the kernel's own where it has one. */
#include "sim/kernel.h"

#include <errno.h>
#include <linux/netlink.h>

/* ---- next-hop objects ---- */

static struct nl_nexthop *nh_at(const struct sim_kernel *k, uint32_t id)
{
    for (size_t i = 0; i < k->n_nhs; i++)
        if (k->nhs[i].id == id)
            return &k->nhs[i];
    return NULL;
}

static bool is_through(const struct nl_route *r, const void *nh_id)
{
    return r->nh_id == *(const uint32_t *)nh_id;
}

static void nh_remove(struct sim_kernel *k, uint32_t id)
{
    struct nl_nexthop *n = nh_at(k, id);

    if (n) {
        size_t at = (size_t)(n - k->nhs);
        memmove(n, n + 1, (--k->n_nhs - at) * sizeof(*n));
    }
    sim_routes_remove_if(k, is_through, &id);
}

static bool leave_group(struct nl_nexthop *g, uint32_t id)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < g->n_group; i++)
        if (g->group[i] != id)
            g->group[n++] = g->group[i];
    if (n == g->n_group)
        return false;
    g->n_group = n;
    return n == 0;
}

/* A single next hop takes the groups it leaves empty with it, and every route through those. */
static void nh_gone(struct sim_kernel *k, uint32_t id)
{
    for (size_t i = 0; i < k->n_nhs;) {
        if (leave_group(&k->nhs[i], id)) {
            nh_remove(k, k->nhs[i].id);
            i = 0;
        } else {
            i++;
        }
    }
    nh_remove(k, id);
}

static int check_single(const struct sim_kernel *k, const struct nl_nexthop *n, const char **text)
{
    const struct nl_link_info *l = sim_kernel_link(k, n->oif);
    struct sim_hop h;

    if (n->blackhole)
        return 0;
    if (!l) {
        *text = "Nexthop device not found";
        return ENODEV;
    }
    if (!l->up || !l->carrier) {
        *text = l->up ? "Carrier for nexthop device is down" : "Nexthop device is not up";
        return ENETDOWN;
    }
    if (!n->gateway.family || n->onlink)
        return 0;
    h = sim_kernel_lookup(k, 0, &n->gateway, n->oif);
    *text = "Nexthop has invalid gateway";
    return h.way == SIM_WAY_LINK ? 0 : ENETUNREACH;
}

static int check_group(const struct sim_kernel *k, const struct nl_nexthop *n, const char **text)
{
    *text = "Invalid nexthop id in group";
    for (uint32_t i = 0; i < n->n_group; i++) {
        const struct nl_nexthop *m = nh_at(k, n->group[i]);
        if (!m || m->n_group)
            return EINVAL;
        for (uint32_t j = 0; j < i; j++)
            if (n->group[j] == n->group[i])
                return EINVAL;
        for (size_t r = 0; r < k->n_routes; r++)
            if (k->routes[r].nh_id == n->id && k->routes[r].dst.addr.family == 6 && m->family == 4)
                return EINVAL;
    }
    *text = "";
    return 0;
}

static int nh_new(struct sim_kernel *k, const struct nl_nexthop *n, uint16_t flags,
                  const char **text)
{
    struct nl_nexthop *old = nh_at(k, n->id);
    int error = n->n_group ? check_group(k, n, text) : check_single(k, n, text);

    if (error)
        return error;
    *text = "";
    if (old && !(flags & NLM_F_REPLACE))
        return EEXIST;
    if (!old && !(flags & NLM_F_CREATE))
        return ENOENT;
    if (old && !old->n_group != !n->n_group) {
        *text = "Can not replace a nexthop group with a nexthop, or the reverse";
        return EINVAL;
    }
    if (old) {
        *old = *n; /* every route through it moves with it */
        return 0;
    }
    k->nhs = sim_kernel_grow(k->nhs, k->n_nhs, sizeof(*n));
    k->nhs[k->n_nhs++] = *n;
    return 0;
}

int sim_fib_nexthop(struct sim_kernel *k, const struct nl_nexthop *n, bool del, uint16_t flags,
                    const char **text)
{
    if (!del)
        return nh_new(k, n, flags, text);
    if (!nh_at(k, n->id))
        return ENOENT;
    nh_gone(k, n->id);
    return 0;
}

int sim_kernel_nexthop_add(struct sim_kernel *k, const struct nl_nexthop *n)
{
    const char *text = "";

    return nh_new(k, n, NLM_F_CREATE | NLM_F_REPLACE, &text);
}

/* ---- routes ---- */

static struct nl_route *route_at(const struct sim_kernel *k, uint32_t table,
                                 const struct kd_prefix *dst, uint32_t metric)
{
    struct nl_route *r = NULL;

    while ((r = sim_routes_to(k, table, dst, r)) != NULL)
        if (r->metric == metric)
            return r;
    return NULL;
}

const struct nl_route *sim_kernel_route(const struct sim_kernel *k, uint32_t table,
                                        const struct kd_prefix *dst, uint32_t metric)
{
    return route_at(k, table ? table : SIM_TABLE_MAIN, dst, metric);
}

static int check_object(const struct sim_kernel *k, const struct nl_route *r, const char **text)
{
    const struct nl_nexthop *n = nh_at(k, r->nh_id), *m;

    *text = "Nexthop id does not exist";
    if (!n)
        return EINVAL;
    m = n->n_group ? nh_at(k, n->group[0]) : n;
    *text = "IPv6 routes can not use an IPv4 nexthop";
    if (r->dst.addr.family == 6 && (!m || m->family == 4))
        return EINVAL;
    *text = "";
    return 0;
}

static int check_device(const struct sim_kernel *k, const struct nl_route *r, const char **text)
{
    const struct nl_link_info *l = sim_kernel_link(k, r->oif);

    if (!l && !r->gateway.family)
        return ENODEV;
    if (l && !l->up) {
        *text = "Device for nexthop is not up";
        return ENETDOWN;
    }
    if (r->gateway.family &&
        sim_kernel_lookup(k, 0, &r->gateway, r->oif).way != SIM_WAY_LINK) {
        *text = "Nexthop has invalid gateway";
        return ENETUNREACH;
    }
    return 0;
}

static int route_new(struct sim_kernel *k, const struct nl_route *r, uint16_t flags,
                     const char **text)
{
    struct nl_route *old = route_at(k, r->table, &r->dst, r->metric);
    int error = 0;

    if (r->type == NL_ROUTE_UNICAST)
        error = r->nh_id ? check_object(k, r, text) : check_device(k, r, text);
    if (!error && r->prefsrc.family && !sim_kernel_is_local(k, &r->prefsrc)) {
        *text = "Invalid prefsrc address";
        error = EINVAL;
    }
    if (error)
        return error;
    if (old && (flags & NLM_F_EXCL || !(flags & NLM_F_REPLACE)))
        return EEXIST;
    if (!old && !(flags & NLM_F_CREATE))
        return ENOENT;
    if (old) {
        *old = *r;
        return 0;
    }
    sim_routes_add(k, r);
    return 0;
}

/* Of the same table and prefix. A field that is zero in the request matches anything. */
static bool matches(const struct nl_route *have, const struct nl_route *want)
{
    return have->type == want->type && (!want->metric || have->metric == want->metric) &&
           (!want->protocol || have->protocol == want->protocol) &&
           (!want->nh_id || have->nh_id == want->nh_id) && (!want->oif || have->oif == want->oif) &&
           (!want->gateway.family || kd_addr_eq(&have->gateway, &want->gateway));
}

/* Of those that match, the lowest metric goes. */
static int route_del(struct sim_kernel *k, const struct nl_route *want)
{
    const struct nl_route *r = NULL, *found = NULL;

    while ((r = sim_routes_to(k, want->table, &want->dst, r)) != NULL)
        if (matches(r, want) && (!found || r->metric < found->metric))
            found = r;
    if (!found)
        return ESRCH;
    sim_routes_remove(k, (size_t)(found - k->routes));
    return 0;
}

int sim_fib_route(struct sim_kernel *k, const struct nl_route *route, bool del, uint16_t flags,
                  const char **text)
{
    struct nl_route r = *route;

    int error;

    r.table = r.table ? r.table : SIM_TABLE_MAIN;
    error = del ? route_del(k, &r) : route_new(k, &r, flags, text);
    if (!error)
        sim_nl_tell_route(k, &r, del);
    return error;
}

int sim_kernel_route_del(struct sim_kernel *k, const struct nl_route *r)
{
    const char *text = "";

    return sim_fib_route(k, r, true, 0, &text);
}

int sim_kernel_route_add(struct sim_kernel *k, const struct nl_route *r)
{
    const char *text = "";

    return sim_fib_route(k, r, false, NLM_F_CREATE | NLM_F_REPLACE, &text);
}

/* ---- rules ---- */

static bool same_rule(const struct nl_rule *a, const struct nl_rule *b)
{
    return a->table == b->table && a->priority == b->priority && a->protocol == b->protocol &&
           kd_prefix_eq(&a->dst, &b->dst) && strcmp(a->oif, b->oif) == 0;
}

int sim_fib_rule(struct sim_kernel *k, const struct nl_rule *r, bool del)
{
    size_t i = 0;

    while (i < k->n_rules && !same_rule(&k->rules[i], r))
        i++;
    if (del && i == k->n_rules)
        return ENOENT;
    if (!del && i < k->n_rules)
        return EEXIST;
    if (del) {
        k->rules[i] = k->rules[--k->n_rules];
        return 0;
    }
    k->rules = sim_kernel_grow(k->rules, k->n_rules, sizeof(*r));
    k->rules[k->n_rules++] = *r;
    return 0;
}

/* ---- what goes with a device or an address ---- */

static bool is_plain_over(const struct nl_route *r, const void *ifindex)
{
    return !r->nh_id && r->oif == *(const uint32_t *)ifindex;
}

static bool is_from(const struct nl_route *r, const void *local)
{
    return kd_addr_eq(&r->prefsrc, local);
}

void sim_fib_device_gone(struct sim_kernel *k, uint32_t ifindex, bool admin)
{
    for (size_t i = 0; i < k->n_nhs;) {
        if (!k->nhs[i].n_group && k->nhs[i].oif == ifindex) {
            nh_gone(k, k->nhs[i].id);
            i = 0;
        } else {
            i++;
        }
    }
    if (admin)
        sim_routes_remove_if(k, is_plain_over, &ifindex);
}

void sim_fib_source_gone(struct sim_kernel *k, const struct kd_addr *local)
{
    if (!sim_kernel_is_local(k, local)) /* else another interface has it, too */
        sim_routes_remove_if(k, is_from, local);
}

/* ---- views ---- */

uint32_t sim_kernel_route_oif(const struct sim_kernel *k, const struct nl_route *r)
{
    const struct nl_nexthop *n;

    if (!r->nh_id)
        return r->oif;
    n = nh_at(k, r->nh_id);
    if (n && n->n_group)
        n = nh_at(k, n->group[0]);
    return n ? n->oif : 0;
}

size_t sim_kernel_routes_of(const struct sim_kernel *k, uint8_t protocol)
{
    size_t n = 0;

    for (size_t i = 0; i < k->n_routes; i++)
        n += k->routes[i].protocol == protocol;
    return n;
}

size_t sim_kernel_nexthops_of(const struct sim_kernel *k, uint8_t protocol)
{
    size_t n = 0;

    for (size_t i = 0; i < k->n_nhs; i++)
        n += k->nhs[i].protocol == protocol;
    return n;
}
