/* The table of next hops. Asking the core is the engine's work (engine.c); here is only what is to
 * be asked. An entry whose last path goes is forgotten when that has been said, at the end of the
 * step: a route that only changes its attributes doesn't make the core look again. */
#include "bgp/nexthop.h"
#include "bgp/hash.h"

void bgp_nexthops_init(struct bgp_nexthops *t, uint64_t salt)
{
    memset(t, 0, sizeof(*t));
    t->salt = salt;
    bgp_pool_init(&t->pool, sizeof(struct bgp_nexthop));
}

void bgp_nexthops_fini(struct bgp_nexthops *t)
{
    bgp_pool_fini(&t->pool);
    bgp_pending_fini(&t->pending);
}

static uint32_t *bucket(struct bgp_nexthops *t, uint32_t table, uint32_t iface,
                        const struct kd_addr *a)
{
    uint64_t salt = bgp_mix(t->salt ^ ((uint64_t)table << 32 | iface) ^ a->family);

    return &t->bucket[bgp_hash(salt, a->b, sizeof(a->b)) % BGP_NH_BUCKETS];
}

uint32_t bgp_nexthop_find(const struct bgp_nexthops *t, uint32_t table, uint32_t iface,
                          const struct kd_addr *a)
{
    /* bucket() only computes an address */
    uint32_t i = *bucket((struct bgp_nexthops *)(uintptr_t)t, table, iface, a);

    while (i) {
        const struct bgp_nexthop *n = bgp_nexthop_at(t, i);
        if (n->table == table && n->iface == iface && kd_addr_eq(&n->addr, a))
            return i;
        i = n->next;
    }
    return 0;
}

uint32_t bgp_nexthop_get(struct bgp_nexthops *t, uint32_t table, uint32_t iface,
                         const struct kd_addr *a)
{
    uint32_t i = bgp_nexthop_find(t, table, iface, a), *b;
    struct bgp_nexthop *n;

    if (i)
        return i;
    i = bgp_pool_new(&t->pool);
    if (!i)
        return 0;
    n = bgp_nexthop_at(t, i);
    b = bucket(t, table, iface, a);
    *n = (struct bgp_nexthop){.next = *b, .table = table, .iface = iface, .addr = *a, .used = true};
    *b = i;
    if (bgp_pending_set(&t->pending, i))
        return i;
    bgp_nexthop_drop(t, i);
    return 0;
}

void bgp_nexthop_ref(struct bgp_nexthops *t, uint32_t i)
{
    bgp_nexthop_at(t, i)->refs++;
}

void bgp_nexthop_unref(struct bgp_nexthops *t, uint32_t i)
{
    if (!i)
        return;
    kd_assert(bgp_nexthop_at(t, i)->refs > 0);
    /* i was pending before, so the set has room for it */
    if (--bgp_nexthop_at(t, i)->refs == 0)
        kd_assert(bgp_pending_set(&t->pending, i));
}

void bgp_nexthop_drop(struct bgp_nexthops *t, uint32_t i)
{
    struct bgp_nexthop *n = bgp_nexthop_at(t, i);
    uint32_t *p = bucket(t, n->table, n->iface, &n->addr);

    while (*p != i)
        p = &bgp_nexthop_at(t, *p)->next;
    *p = n->next;
    bgp_pool_free(&t->pool, i);
}
