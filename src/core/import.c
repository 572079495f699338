/* What BGP announces as ours because of the kernel's routes: networks that are announced only while
 * they are there. BGP is told of changes only; what it was told last is kept a prefix. */
#include "core/internal.h"

#include <stdlib.h>

struct core_import {
    struct kd_prefix prefix; /* over zeroes: hashed as bytes */
    UT_hash_handle hh;
};

static struct core_import *find(const struct core *c, const struct kd_prefix *p)
{
    struct core_import *i;

    HASH_FIND(hh, c->kernel.imports, p, sizeof(*p), i);
    return i;
}

static void tell(struct core *c, const struct kd_prefix *p, bool up)
{
    struct bgp_event ev = {
        .kind = BGP_EV_LOCAL_ROUTE, .table = c->cfg.table, .up = up, .prefix = *p};

    core_queue_bgp(c, &ev);
}

static void set(struct core *c, const struct kd_prefix *p, bool want)
{
    struct core_import *i = find(c, p);

    if (want == (i != NULL))
        return;
    if (want) {
        i = calloc(1, sizeof(*i));
        kd_assert(i);
        i->prefix.addr.family = p->addr.family;
        memcpy(i->prefix.addr.b, p->addr.b, sizeof(p->addr.b));
        i->prefix.len = p->len;
        HASH_ADD(hh, c->kernel.imports, prefix, sizeof(i->prefix), i);
    } else {
        HASH_DEL(c->kernel.imports, i);
        free(i);
    }
    tell(c, p, want);
}

/* Is there a route of somebody's that leads somewhere, or nowhere on purpose? */
static bool in_kernel(const struct core *c, const struct kd_prefix *p)
{
    const struct core_kdest *d = core_kdest(c, c->cfg.table, p);
    struct nl_hop hop[NL_ROUTE_HOPS_MAX];

    for (const struct core_kroute *r = d ? d->routes : NULL; r; r = r->next)
        if (r->type != NL_ROUTE_UNICAST || core_kroute_hops(c, r, hop))
            return true;
    return false;
}

static const struct core_network *network(const struct core *c, const struct kd_prefix *p)
{
    for (uint32_t i = 0; i < c->cfg.n_networks; i++)
        if (kd_prefix_eq(&c->cfg.networks[i].prefix, p))
            return &c->cfg.networks[i];
    return NULL;
}

static void consider(struct core *c, const struct kd_prefix *p)
{
    const struct core_network *n = network(c, p);

    if (n)
        set(c, p, !n->in_kernel || in_kernel(c, p));
}

void core_import_consider(struct core *c, uint32_t table, const struct kd_prefix *p)
{
    uint32_t ours = c->cfg.table ? c->cfg.table : CORE_TABLE_MAIN;

    if (c->sync == CORE_SYNC_DONE && table == ours)
        consider(c, p);
}

void core_import_links(struct core *c)
{
    if (c->sync != CORE_SYNC_DONE)
        return;
    for (uint32_t i = 0; i < c->cfg.n_networks; i++)
        consider(c, &c->cfg.networks[i].prefix);
}

void core_import_start(struct core *c)
{
    core_import_links(c);
}

void core_import_free(struct core *c)
{
    struct core_import *i, *tmp;

    HASH_ITER (hh, c->kernel.imports, i, tmp) {
        HASH_DEL(c->kernel.imports, i);
        free(i);
    }
}
