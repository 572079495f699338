/* What BGP announces as ours because of the kernel's routes: networks that are announced only while
 * they are there, and redistributed ones, by protocol and policy (which is the BGP engine's to
 * apply) up to a number. BGP is told of changes only; what it was told last is kept a prefix. */
#include "bgp/attr.h"
#include "core/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum kind { NOT, NETWORK, REDISTRIBUTED };

struct core_import {
    struct kd_prefix prefix; /* over zeroes: hashed as bytes */
    enum kind kind;
    UT_hash_handle hh;
};

static struct core_import *find(const struct core *c, const struct kd_prefix *p)
{
    struct core_import *i;

    HASH_FIND(hh, c->kernel.imports, p, sizeof(*p), i);
    return i;
}

static void tell(struct core *c, const struct kd_prefix *p, enum kind kind, bool up)
{
    struct bgp_event ev = {.kind = BGP_EV_LOCAL_ROUTE,
                           .table = c->cfg.table,
                           .up = up,
                           .prefix = *p,
                           .redistributed = kind == REDISTRIBUTED};

    core_queue_bgp(c, &ev);
}

static void forget(struct core *c, struct core_import *i)
{
    if (i->kind == REDISTRIBUTED && c->kernel.n_redistributed-- == c->cfg.redistribute.max)
        c->kernel.refill = c->kernel.overfull;
    tell(c, &i->prefix, i->kind, false);
    HASH_DEL(c->kernel.imports, i);
    free(i);
}

static bool room(struct core *c)
{
    char line[128];

    if (c->kernel.n_redistributed < c->cfg.redistribute.max)
        return true;
    if (!c->kernel.overfull) {
        snprintf(line, sizeof(line), "redistribute: more than %u routes, the rest isn't announced",
                 c->cfg.redistribute.max);
        core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER,
                      KD_REASON_NO_RESOURCES, line);
    }
    c->kernel.overfull = true;
    return false;
}

static void add(struct core *c, const struct kd_prefix *p, enum kind kind)
{
    struct core_import *i;

    if (kind == REDISTRIBUTED && !room(c))
        return;
    i = calloc(1, sizeof(*i));
    kd_assert(i);
    i->prefix.addr.family = p->addr.family;
    memcpy(i->prefix.addr.b, p->addr.b, sizeof(p->addr.b));
    i->prefix.len = p->len;
    i->kind = kind;
    HASH_ADD(hh, c->kernel.imports, prefix, sizeof(i->prefix), i);
    c->kernel.n_redistributed += kind == REDISTRIBUTED;
    tell(c, p, kind, true);
}

static void set(struct core *c, const struct kd_prefix *p, enum kind want)
{
    struct core_import *i = find(c, p);
    enum kind have = i ? i->kind : NOT;

    if (want == have)
        return;
    if (have)
        forget(c, i);
    if (want)
        add(c, p, want);
}

/* ---- what the kernel has ---- */

/* It leads somewhere, or nowhere on purpose. */
static bool counts(const struct core *c, const struct core_kroute *r)
{
    struct nl_hop hop[NL_ROUTE_HOPS_MAX];

    return r->type != NL_ROUTE_UNICAST || core_kroute_hops(c, r, hop) > 0;
}

static bool in_kernel(const struct core *c, const struct kd_prefix *p)
{
    const struct core_kdest *d = core_kdest(c, c->cfg.table, p);

    for (const struct core_kroute *r = d ? d->routes : NULL; r; r = r->next)
        if (counts(c, r))
            return true;
    return false;
}

static bool confined(const struct kd_addr *a)
{
    if (a->family == 4)
        return a->b[0] == 127 || a->b[0] >= 224;
    return a->b[0] == 0xff || (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80);
}

/* The engine applies the policy; here it only keeps what is denied from counting. */
static bool permitted(const struct bgp_route_map *m, const struct kd_prefix *p)
{
    static const struct bgp_attrs bare;
    uint32_t work = 0;

    return bgp_route_map_match(m, bgp_route_map_eligible(m, &bare, BGP_FROM_LOCAL, &work), p) >= 0;
}

static bool redistributed(const struct core *c, const struct kd_prefix *p)
{
    const struct core_redistribute *r = &c->cfg.redistribute;
    const struct core_kdest *d = r->policy ? core_kdest(c, c->cfg.table, p) : NULL;

    if (!d || confined(&p->addr) || !permitted(r->policy, p))
        return false;
    for (const struct core_kroute *k = d->routes; k; k = k->next)
        if (r->protocols[k->protocol / 8] & 1u << k->protocol % 8 && counts(c, k))
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

    if (n && (!n->in_kernel || in_kernel(c, p)))
        set(c, p, NETWORK);
    else
        set(c, p, redistributed(c, p) ? REDISTRIBUTED : NOT);
}

void core_import_consider(struct core *c, uint32_t table, const struct kd_prefix *p)
{
    uint32_t ours = c->cfg.table ? c->cfg.table : CORE_TABLE_MAIN;

    if (c->sync == CORE_SYNC_DONE && table == ours)
        consider(c, p);
}

void core_import_all(struct core *c)
{
    const struct core_kdest *d;

    c->kernel.refill = c->kernel.overfull = false;
    if (c->sync != CORE_SYNC_DONE)
        return;
    for (uint32_t i = 0; i < c->cfg.n_networks; i++)
        consider(c, &c->cfg.networks[i].prefix);
    for (d = c->cfg.redistribute.policy ? c->kernel.dests : NULL; d; d = d->hh.next)
        core_import_consider(c, d->key.table, &d->key.prefix);
}

/* Which policy redistributes waits for a restart, but what it says doesn't. */
static struct bgp_route_map *redistributing(const struct core *c)
{
    struct bgp_route_map *now = c->cfg.redistribute.policy;

    for (uint32_t i = 0; now && i < c->cfg.n_policies; i++)
        if (strcmp(bgp_route_map_name(c->cfg.policies[i]), bgp_route_map_name(now)) == 0)
            return c->cfg.policies[i];
    return now; /* the engine's reference keeps it */
}

void core_import_reload(struct core *c, const struct core_config *next)
{
    struct bgp_route_map *policy = redistributing(c);
    bool changed = policy != c->cfg.redistribute.policy;
    struct core_import *i, *tmp;

    memcpy(c->cfg.networks, next->networks, sizeof(c->cfg.networks));
    c->cfg.n_networks = next->n_networks;
    if (changed)
        bgp_redistribute(c->bgp, policy);
    c->cfg.redistribute.policy = policy;
    HASH_ITER (hh, c->kernel.imports, i, tmp)
        if (i->kind == REDISTRIBUTED ? changed : !network(c, &i->prefix))
            forget(c, i);
    core_import_all(c);
}

void core_import_free(struct core *c)
{
    struct core_import *i, *tmp;

    HASH_ITER (hh, c->kernel.imports, i, tmp) {
        HASH_DEL(c->kernel.imports, i);
        free(i);
    }
}
