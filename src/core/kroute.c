/* The table of the kernel's routes that aren't ours, and of the next-hop objects they name. It
 * follows the kernel, also where that flushes without a word: IPv4 routes of an interface that goes
 * down, of an address and of a next-hop object that is removed. Of several IPv4 routes that differ
 * in nothing but their hops ("ip route append") only the first is kept. */
#include "core/internal.h"

#include <stdio.h>
#include <stdlib.h>

static struct core_kdest_key key_of(uint32_t table, const struct kd_prefix *p)
{
    struct core_kdest_key k;

    memset(&k, 0, sizeof(k));
    k.table = table ? table : CORE_TABLE_MAIN;
    k.prefix.addr.family = p->addr.family;
    memcpy(k.prefix.addr.b, p->addr.b, sizeof(k.prefix.addr.b));
    k.prefix.len = p->len;
    return k;
}

static struct core_kdest *find(const struct core *c, uint32_t table, const struct kd_prefix *p)
{
    struct core_kdest_key k = key_of(table, p);
    struct core_kdest *d;

    HASH_FIND(hh, c->kernel.dests, &k, sizeof(k), d);
    return d;
}

const struct core_kdest *core_kdest(const struct core *c, uint32_t table, const struct kd_prefix *p)
{
    return find(c, table, p);
}

bool core_kroute_taken(const struct core *c, uint32_t table, const struct kd_prefix *p,
                       uint32_t metric)
{
    const struct core_kdest *d = find(c, table, p);
    const struct core_kroute *r = d ? d->routes : NULL;

    while (r && r->metric < metric)
        r = r->next;
    return r && r->metric == metric;
}

static uint32_t *length_count(struct core *c, const struct kd_prefix *p)
{
    return &c->kernel.n_len[p->addr.family == 6][p->len];
}

static void changed(struct core *c, uint32_t table, const struct kd_prefix *p)
{
    c->kernel.changed = true;
    core_fib_disputed(c, table, p);
    core_import_consider(c, table, p);
}

/* ---- one route ---- */

static struct core_kroute **slot(struct core_kdest *d, uint32_t metric)
{
    struct core_kroute **p = &d->routes;

    while (*p && (*p)->metric < metric)
        p = &(*p)->next;
    return p;
}

static bool room(struct core *c)
{
    if (c->kernel.n < CORE_KROUTES_MAX)
        return true;
    if (!c->kernel.full)
        core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER,
                      KD_REASON_NO_RESOURCES,
                      "more than 262144 routes of others in our tables: the rest isn't looked at");
    c->kernel.full = true;
    return false;
}

static struct core_kdest *make(struct core *c, uint32_t table, const struct kd_prefix *p)
{
    struct core_kdest *d = find(c, table, p);

    if (d)
        return d;
    d = calloc(1, sizeof(*d));
    kd_assert(d);
    d->key = key_of(table, p);
    HASH_ADD(hh, c->kernel.dests, key, sizeof(d->key), d);
    ++*length_count(c, p);
    return d;
}

/* Takes the route at p out of d, and d with its last one. */
static void drop(struct core *c, struct core_kdest *d, struct core_kroute **p)
{
    struct core_kroute *r = *p;
    struct core_kdest_key k = d->key;

    *p = r->next;
    free(r);
    c->kernel.n--;
    if (!d->routes) {
        --*length_count(c, &k.prefix);
        HASH_DEL(c->kernel.dests, d);
        free(d);
    }
    changed(c, k.table, &k.prefix);
}

static struct core_kroute *kroute_new(const struct core *c, const struct nl_route *r)
{
    bool single = r->n_hops == 0 && (r->oif || r->gateway.family);
    uint8_t n = single ? 1 : r->n_hops;
    struct core_kroute *k = calloc(1, sizeof(*k) + n * sizeof(k->hop[0]));

    kd_assert(k);
    k->metric = r->metric;
    k->nh_id = r->nh_id;
    k->gen = c->kernel.gen;
    k->type = r->type;
    k->protocol = r->protocol;
    k->prefsrc = r->prefsrc;
    k->n_hops = n;
    memcpy(k->hop, r->hop, r->n_hops * sizeof(k->hop[0]));
    if (single)
        k->hop[0] = (struct nl_hop){r->gateway, r->oif};
    return k;
}

static bool same_hop(const struct nl_hop *a, const struct nl_hop *b)
{
    return a->oif == b->oif && kd_addr_eq(&a->gateway, &b->gateway);
}

static bool same(const struct core_kroute *a, const struct core_kroute *b)
{
    bool eq = a->nh_id == b->nh_id && a->type == b->type && a->protocol == b->protocol &&
              a->n_hops == b->n_hops && kd_addr_eq(&a->prefsrc, &b->prefsrc);

    for (uint8_t i = 0; eq && i < a->n_hops; i++)
        eq = same_hop(&a->hop[i], &b->hop[i]);
    return eq;
}

/* In whose tables anything of ours looks. */
static bool table_matters(const struct core *c, uint32_t table)
{
    bool any = table == CORE_TABLE_MAIN || table == c->cfg.table;

    for (uint32_t i = 0; !any && i < c->cfg.n_tunnels; i++)
        any = c->tunnels[i].cfg.table == table;
    return any;
}

static bool concerns_us(const struct core *c, const struct nl_route *r)
{
    return r->protocol != NL_PROTO_KEDGE && !r->cloned && table_matters(c, r->table);
}

void core_kroute_set(struct core *c, const struct nl_route *r)
{
    struct core_kdest *d = find(c, r->table, &r->dst);
    struct core_kroute **p = d ? slot(d, r->metric) : NULL, *fresh;

    if (!concerns_us(c, r)) {
        if (r->protocol == NL_PROTO_KEDGE && p && *p && (*p)->metric == r->metric)
            drop(c, d, p); /* ours took its place */
        return;
    }
    if ((!p || !*p || (*p)->metric != r->metric) && !room(c))
        return;
    fresh = kroute_new(c, r);
    d = make(c, r->table, &r->dst);
    p = slot(d, r->metric);
    if (*p && (*p)->metric == r->metric) {
        struct core_kroute *old = *p;
        bool news = !same(old, fresh);
        fresh->next = old->next;
        *p = fresh;
        free(old);
        if (news)
            changed(c, r->table, &r->dst);
        return;
    }
    fresh->next = *p;
    *p = fresh;
    c->kernel.n++;
    changed(c, r->table, &r->dst);
}

/* IPv6 tells of each hop of a multipath route by itself. */
static bool lose_hop(struct core_kroute *k, const struct nl_route *r)
{
    struct nl_hop gone = {r->gateway, r->oif};
    uint8_t n = 0;

    if (r->dst.addr.family != 6 || k->n_hops < 2 || r->n_hops)
        return false;
    for (uint8_t i = 0; i < k->n_hops; i++)
        if (!same_hop(&k->hop[i], &gone))
            k->hop[n++] = k->hop[i];
    k->n_hops = n;
    return true;
}

void core_kroute_del(struct core *c, const struct nl_route *r)
{
    struct core_kdest *d = concerns_us(c, r) ? find(c, r->table, &r->dst) : NULL;
    struct core_kroute **p = d ? slot(d, r->metric) : NULL;

    if (!p || !*p || (*p)->metric != r->metric || (*p)->protocol != r->protocol)
        return;
    if (lose_hop(*p, r))
        changed(c, r->table, &r->dst);
    else
        drop(c, d, p);
}

/* ---- next-hop objects ---- */

static struct core_knh *knh(const struct core *c, uint32_t id)
{
    struct core_knh *n;

    HASH_FIND(hh, c->kernel.nhs, &id, sizeof(id), n);
    return n;
}

const struct nl_nexthop *core_knh(const struct core *c, uint32_t id)
{
    struct core_knh *n = knh(c, id);

    return n ? &n->nh : NULL;
}

/* ---- what goes together ---- */

typedef bool goes_fn(const struct core *c, const struct core_kdest *d, const struct core_kroute *r,
                     const void *arg);

static void drop_all(struct core *c, goes_fn *goes, const void *arg)
{
    struct core_kdest *d, *tmp;

    HASH_ITER (hh, c->kernel.dests, d, tmp) {
        struct core_kroute **p = &d->routes;
        while (*p) {
            bool last = !(*p)->next && p == &d->routes;
            if (!goes(c, d, *p, arg)) {
                p = &(*p)->next;
                continue;
            }
            drop(c, d, p);
            if (last)
                break; /* d went with it */
        }
    }
}

static bool of_object(const struct core *c, const struct core_kdest *d, const struct core_kroute *r,
                      const void *arg)
{
    (void)c;
    (void)d;
    return r->nh_id == *(const uint32_t *)arg;
}

void core_knh_set(struct core *c, const struct nl_nexthop *nh, bool del)
{
    struct core_knh *n = knh(c, nh->id);

    if (del && n) {
        HASH_DEL(c->kernel.nhs, n);
        free(n);
        drop_all(c, of_object, &nh->id);
        return;
    }
    if (del || nh->protocol == NL_PROTO_KEDGE)
        return;
    if (!n) {
        if (HASH_COUNT(c->kernel.nhs) >= CORE_KNH_MAX)
            return;
        n = calloc(1, sizeof(*n));
        kd_assert(n);
        n->id = nh->id;
        HASH_ADD(hh, c->kernel.nhs, id, sizeof(n->id), n);
    }
    n->nh = *nh;
    n->gen = c->kernel.gen;
    c->kernel.changed = true;
}

static bool over_link(const struct core *c, const struct core_kdest *d, const struct core_kroute *r,
                      const void *arg)
{
    uint32_t ifindex = *(const uint32_t *)arg;
    const struct nl_nexthop *n = r->nh_id && !r->n_hops ? core_knh(c, r->nh_id) : NULL;

    (void)d;
    for (uint8_t i = 0; i < r->n_hops; i++) {
        const struct core_link *l = core_link(c, r->hop[i].oif);
        if (r->hop[i].oif != ifindex && l && l->up)
            return false;
    }
    return r->n_hops > 0 || (n && !n->n_group && n->oif == ifindex);
}

void core_kroutes_link_gone(struct core *c, uint32_t ifindex)
{
    struct core_knh *n, *tmp;

    drop_all(c, over_link, &ifindex);
    HASH_ITER (hh, c->kernel.nhs, n, tmp) {
        if (n->nh.n_group || n->nh.oif != ifindex)
            continue;
        HASH_DEL(c->kernel.nhs, n);
        free(n);
    }
    c->kernel.changed = true;
}

static bool from_source(const struct core *c, const struct core_kdest *d,
                        const struct core_kroute *r, const void *arg)
{
    (void)c;
    (void)d;
    return kd_addr_eq(&r->prefsrc, arg);
}

void core_kroutes_source_gone(struct core *c, const struct kd_addr *local)
{
    drop_all(c, from_source, local);
}

static bool unseen(const struct core *c, const struct core_kdest *d, const struct core_kroute *r,
                   const void *arg)
{
    (void)d;
    (void)arg;
    return r->gen != c->kernel.gen;
}

void core_kroutes_sweep(struct core *c)
{
    struct core_knh *n, *tmp;

    drop_all(c, unseen, NULL);
    HASH_ITER (hh, c->kernel.nhs, n, tmp) {
        if (n->gen == c->kernel.gen)
            continue;
        HASH_DEL(c->kernel.nhs, n);
        free(n);
        c->kernel.changed = true;
    }
    c->kernel.full &= c->kernel.n >= CORE_KROUTES_MAX;
}

void core_kroutes_free(struct core *c)
{
    struct core_kdest *d, *dt;
    struct core_knh *n, *nt;

    HASH_ITER (hh, c->kernel.dests, d, dt) {
        while (d->routes) {
            struct core_kroute *next = d->routes->next;
            free(d->routes);
            d->routes = next;
        }
        HASH_DEL(c->kernel.dests, d);
        free(d);
    }
    HASH_ITER (hh, c->kernel.nhs, n, nt) {
        HASH_DEL(c->kernel.nhs, n);
        free(n);
    }
}
