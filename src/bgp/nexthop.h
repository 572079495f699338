/* Next hops that paths depend on: one entry, and one watch of the core's, per (table, interface,
 * address), counted by the paths that use it. A path whose next hop isn't known to be up isn't
 * eligible (RFC 4271 9.1.2.1). */
#ifndef BGP_NEXTHOP_H
#define BGP_NEXTHOP_H

#include "base/addr.h"
#include "bgp/pending.h"
#include "bgp/pool.h"

struct bgp_nexthop {
    uint32_t next; /* hash chain */
    uint32_t table, iface;
    struct kd_addr addr;
    uint32_t refs, metric;
    bool used;    /* the entry exists */
    bool watched; /* the core has been asked */
    bool up;      /* the core has said so */
    bool changed; /* paths through it are yet to be reconsidered */
};

#define BGP_NH_BUCKETS 1024

struct bgp_nexthops {
    uint64_t salt;
    struct bgp_pool pool;
    uint32_t bucket[BGP_NH_BUCKETS];
    struct bgp_pending pending; /* watch or unwatch to be said */
};

void bgp_nexthops_init(struct bgp_nexthops *t, uint64_t salt);
void bgp_nexthops_fini(struct bgp_nexthops *t);
uint32_t bgp_nexthop_find(const struct bgp_nexthops *t, uint32_t table, uint32_t iface,
                          const struct kd_addr *a); /* 0: none */
/* Finds or makes; the caller counts its reference with ref(). 0: out of memory. */
uint32_t bgp_nexthop_get(struct bgp_nexthops *t, uint32_t table, uint32_t iface,
                         const struct kd_addr *a) KD_MUST_USE;
void bgp_nexthop_ref(struct bgp_nexthops *t, uint32_t i);
void bgp_nexthop_unref(struct bgp_nexthops *t, uint32_t i); /* 0 is ignored */
void bgp_nexthop_drop(struct bgp_nexthops *t, uint32_t i);  /* an entry without references */

static inline struct bgp_nexthop *bgp_nexthop_at(const struct bgp_nexthops *t, uint32_t i)
{
    return bgp_pool_at(&t->pool, i);
}

#endif
