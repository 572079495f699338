/* Links, addresses, connected routes and the look-up. Next-hop objects and routes are in
 * kernel_fib.c, the table of routes in kernel_routes.c, bytes in kernel_nl.c. */
#include "sim/kernel.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void *sim_kernel_grow(void *array, size_t n, size_t elem)
{
    /* Doubles at powers of two: arrays start small, a gateway has tens of each. */
    if (n == 0 || (n >= 8 && (n & (n - 1)) == 0))
        array = realloc(array, (n ? 2 * n : 8) * elem);
    kd_assert(array);
    return array;
}

void sim_kernel_init(struct sim_kernel *k, void (*deliver)(void *arg, struct kd_bytes), void *arg)
{
    *k = (struct sim_kernel){.deliver = deliver, .arg = arg, .next_ifindex = 1};
    sim_routes_init(k);
}

void sim_kernel_fini(struct sim_kernel *k)
{
    free(k->links);
    free(k->addrs);
    free(k->nhs);
    free(k->rules);
    sim_routes_fini(k);
    memset(k, 0, sizeof(*k));
}

/* ---- links ---- */

static struct nl_link_info *link_at(const struct sim_kernel *k, uint32_t ifindex)
{
    for (size_t i = 0; i < k->n_links; i++)
        if (k->links[i].ifindex == ifindex)
            return &k->links[i];
    return NULL;
}

const struct nl_link_info *sim_kernel_link(const struct sim_kernel *k, uint32_t ifindex)
{
    return link_at(k, ifindex);
}

const struct nl_link_info *sim_kernel_link_named(const struct sim_kernel *k, const char *name)
{
    for (size_t i = 0; i < k->n_links; i++)
        if (strcmp(k->links[i].name, name) == 0)
            return &k->links[i];
    return NULL;
}

uint32_t sim_kernel_link_add(struct sim_kernel *k, const char *name, uint32_t mtu, bool up)
{
    struct nl_link_info l = {.ifindex = k->next_ifindex++, .mtu = mtu, .up = up, .carrier = true};

    snprintf(l.name, sizeof(l.name), "%s", name);
    k->links = sim_kernel_grow(k->links, k->n_links, sizeof(l));
    k->links[k->n_links++] = l;
    sim_nl_tell_link(k, &l, false);
    return l.ifindex;
}

static void connected(struct sim_kernel *k, const struct nl_addr_set *a)
{
    struct nl_route r = {
        .dst = a->prefix, .protocol = SIM_PROTO_KERNEL, .oif = a->ifindex, .prefsrc = a->local};
    const struct nl_link_info *l = link_at(k, a->ifindex);

    if (l && l->up && a->prefix.len < kd_addr_bits(&a->prefix.addr))
        (void)sim_kernel_route_add(k, &r);
}

void sim_kernel_link_set(struct sim_kernel *k, uint32_t ifindex, bool up, bool carrier)
{
    struct nl_link_info *l = link_at(k, ifindex);
    bool was_up;

    if (!l || (l->up == up && l->carrier == carrier))
        return;
    was_up = l->up;
    l->up = up;
    l->carrier = carrier;
    if (!up || !carrier)
        sim_fib_device_gone(k, ifindex, !up);
    if (up && !was_up)
        for (size_t i = 0; i < k->n_addrs; i++)
            if (k->addrs[i].ifindex == ifindex)
                connected(k, &k->addrs[i]);
    sim_nl_tell_link(k, l, false);
}

void sim_kernel_link_del(struct sim_kernel *k, uint32_t ifindex)
{
    struct nl_link_info *l = link_at(k, ifindex), gone;
    size_t n = 0;

    if (!l)
        return;
    gone = *l;
    *l = k->links[--k->n_links];
    sim_fib_device_gone(k, ifindex, true);
    for (size_t i = 0; i < k->n_addrs; i++) {
        struct nl_addr_set a = k->addrs[i];
        if (a.ifindex != ifindex) {
            k->addrs[n++] = a;
            continue;
        }
        sim_nl_tell_addr(k, &a, true);
    }
    k->n_addrs = n;
    gone.up = gone.carrier = false;
    sim_nl_tell_link(k, &gone, true);
}

/* ---- addresses ---- */

bool sim_kernel_is_local(const struct sim_kernel *k, const struct kd_addr *a)
{
    for (size_t i = 0; i < k->n_addrs; i++)
        if (kd_addr_eq(&k->addrs[i].local, a))
            return true;
    return false;
}

int sim_kernel_addr(struct sim_kernel *k, const struct nl_addr_set *a, bool del)
{
    size_t i = 0;

    if (!link_at(k, a->ifindex))
        return ENODEV;
    while (i < k->n_addrs &&
           !(k->addrs[i].ifindex == a->ifindex && kd_addr_eq(&k->addrs[i].local, &a->local) &&
             kd_prefix_eq(&k->addrs[i].prefix, &a->prefix)))
        i++;
    if (del && i == k->n_addrs)
        return EADDRNOTAVAIL;
    if (del) {
        k->addrs[i] = k->addrs[--k->n_addrs];
        sim_fib_source_gone(k, &a->local);
    } else if (i == k->n_addrs) {
        k->addrs = sim_kernel_grow(k->addrs, k->n_addrs, sizeof(*a));
        k->addrs[k->n_addrs++] = *a;
        connected(k, a);
    }
    sim_nl_tell_addr(k, a, del);
    return 0;
}

void sim_kernel_addr_add(struct sim_kernel *k, uint32_t ifindex, const char *address)
{
    struct nl_addr_set a = {.ifindex = ifindex};
    char text[KD_PREFIX_STR_MAX];
    char *slash;

    snprintf(text, sizeof(text), "%s", address);
    kd_assert(kd_prefix_parse(text, false, &a.prefix));
    slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    kd_assert(kd_addr_parse(text, &a.local));
    kd_assert(sim_kernel_addr(k, &a, false) == 0);
}

/* ---- look-up ---- */

static struct kd_addr address_on(const struct sim_kernel *k, uint32_t ifindex, uint8_t family)
{
    for (size_t i = 0; i < k->n_addrs; i++)
        if (k->addrs[i].ifindex == ifindex && k->addrs[i].local.family == family)
            return k->addrs[i].local;
    return (struct kd_addr){0};
}

/* What a bound socket's look-up does with a route of another device: it passes over it, but a
 * next-hop object ends the search of its prefix, worse metrics included, for the shorter ones. */
static bool misses(const struct sim_kernel *k, const struct nl_route *r, uint32_t oif)
{
    return oif && r->type == NL_ROUTE_UNICAST && sim_kernel_route_oif(k, r) != oif;
}

static bool hidden(const struct sim_kernel *k, const struct nl_route *r, uint32_t oif)
{
    const struct nl_route *o = NULL;

    while (oif && (o = sim_routes_to(k, r->table, &r->dst, o)) != NULL)
        if (o->nh_id && o->metric < r->metric && misses(k, o, oif))
            return true;
    return false;
}

static uint32_t table_by_rule(const struct sim_kernel *k, const struct kd_addr *dst, uint32_t oif)
{
    const struct nl_link_info *l = oif ? sim_kernel_link(k, oif) : NULL;

    for (size_t i = 0; l && i < k->n_rules; i++)
        if (kd_prefix_has(&k->rules[i].dst, dst) && strcmp(k->rules[i].oif, l->name) == 0)
            return k->rules[i].table;
    return 0;
}

/* Of exactly that prefix, the one of the lowest metric that carries; NULL: none. */
static const struct nl_route *best_to(const struct sim_kernel *k, uint32_t table,
                                      const struct kd_prefix *p, uint32_t oif)
{
    const struct nl_route *best = NULL, *r = NULL;

    while ((r = sim_routes_to(k, table, p, r)) != NULL)
        if ((!best || r->metric < best->metric) && !misses(k, r, oif) && !hidden(k, r, oif))
            best = r;
    return best;
}

static const struct nl_route *best_way(const struct sim_kernel *k, uint32_t table,
                                       const struct kd_addr *dst, uint32_t oif)
{
    const struct nl_route *best = NULL;
    struct kd_prefix p;

    for (int len = INT_MAX; !best && sim_routes_longest(k, dst, len, &p); len = p.len)
        best = best_to(k, table, &p, oif);
    return best;
}

struct sim_hop sim_kernel_lookup(const struct sim_kernel *k, uint32_t table,
                                 const struct kd_addr *dst, uint32_t oif)
{
    const struct nl_route *best;
    struct sim_hop h = {.way = SIM_WAY_NONE};
    uint32_t by_rule = table ? 0 : table_by_rule(k, dst, oif);

    if (sim_kernel_is_local(k, dst)) {
        h.way = SIM_WAY_LOCAL;
        h.src = *dst;
        return h;
    }
    if (by_rule) {
        h = sim_kernel_lookup(k, by_rule, dst, oif);
        if (h.way != SIM_WAY_NONE)
            return h;
    }
    best = best_way(k, table ? table : SIM_TABLE_MAIN, dst, oif);
    if (!best)
        return h;
    h.prefix = best->dst;
    h.metric = best->metric;
    h.protocol = best->protocol;
    h.way = best->type == NL_ROUTE_UNICAST ? SIM_WAY_LINK : SIM_WAY_UNREACHABLE;
    if (h.way == SIM_WAY_LINK) {
        h.oif = sim_kernel_route_oif(k, best);
        h.src = best->prefsrc.family ? best->prefsrc : address_on(k, h.oif, dst->family);
    }
    return h;
}
