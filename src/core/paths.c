/* Next-hop objects and the groups made of them (DESIGN 3.7): all prefixes with the same path set
 * share one group, and losing a path is one replace of the group, however many prefixes there are.
 * Groups are per address family and always groups, even of one member. */
#include "core/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GONE_RETRY_US KD_MS(200)

/* ---- ways ---- */

static struct core_nh_key key_of(const struct kd_addr *gateway, uint32_t oif, uint8_t family)
{
    struct core_nh_key k;

    memset(&k, 0, sizeof(k)); /* hashed as bytes */
    k.family = family;
    k.oif = oif;
    if (gateway) {
        k.gateway.family = gateway->family;
        memcpy(k.gateway.b, gateway->b, sizeof(k.gateway.b));
    }
    return k;
}

static uint32_t add_way(struct core_nh_key *keys, uint32_t n, const struct core_nh_key *k)
{
    for (uint32_t i = 0; i < n; i++)
        if (memcmp(&keys[i], k, sizeof(*k)) == 0)
            return n; /* two next hops behind one router; a group names it once */
    if (n < BGP_ECMP_MAX)
        keys[n++] = *k;
    return n;
}

/* Appends the ways to p that can be used now. */
static uint32_t ways(const struct core *c, const struct bgp_path_nh *p, uint8_t family,
                     struct core_nh_key *keys, uint32_t n)
{
    struct nl_hop hop[NL_ROUTE_HOPS_MAX];
    uint32_t metric, hops;
    struct core_nh_key k;

    if (!core_path_usable(c, p, NULL))
        return n;
    if (p->iface != BGP_NO_IFACE) {
        k = key_of(NULL, c->tunnels[p->iface].ifindex, family);
        return add_way(keys, n, &k);
    }
    hops = core_resolve(c, &p->nexthop, hop, &metric);
    for (uint32_t i = 0; i < hops; i++) {
        k = key_of(&hop[i].gateway, hop[i].oif, family);
        n = add_way(keys, n, &k);
    }
    return n;
}

/* ---- next-hop objects ---- */

static void nh_send(struct core *c, struct core_nh *nh)
{
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_NH, .id = nh->id};
    struct nl_nexthop m = {.id = nh->id,
                           .family = nh->key.family,
                           .protocol = NL_PROTO_KEDGE,
                           .gateway = nh->key.gateway,
                           .oif = nh->key.oif,
                           .onlink = nh->key.gateway.family != 0};

    kd_assert(nl_put_nexthop(&b, core_op_begin(c, &op), &m));
    core_op_send(c, &b);
    nh->installed = true;
}

static void object_del(struct core *c, enum core_op_kind kind, uint32_t id)
{
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = kind, .id = id};

    kd_assert(nl_put_nexthop_del(&b, core_op_begin(c, &op), id));
    core_op_send(c, &b);
}

static struct core_nh *nh_by_id(const struct core *c, uint32_t id)
{
    struct core_nh *nh;

    for (nh = c->nhs; nh; nh = nh->hh.next)
        if (nh->id == id)
            return nh;
    return NULL;
}

static struct core_nh *nh_take(struct core *c, const struct core_nh_key *k)
{
    struct core_nh *nh;

    HASH_FIND(hh, c->nhs, k, sizeof(*k), nh);
    if (!nh) {
        nh = calloc(1, sizeof(*nh));
        kd_assert(nh);
        memcpy(&nh->key, k, sizeof(*k));
        nh->id = c->next_nh_id++;
        HASH_ADD(hh, c->nhs, key, sizeof(nh->key), nh);
    }
    nh->refs++;
    if (!nh->installed)
        nh_send(c, nh);
    return nh;
}

static void nh_drop(struct core *c, uint32_t id)
{
    struct core_nh *nh = nh_by_id(c, id);

    if (!nh || --nh->refs > 0)
        return;
    if (nh->installed || nh->unsure)
        object_del(c, CORE_OP_NH_DEL, nh->id);
    HASH_DEL(c->nhs, nh);
    free(nh);
}

/* ---- groups ---- */

static void key_copy(struct bgp_path_nh *dst, const struct bgp_path_nh *src, uint8_t n)
{
    for (uint8_t i = 0; i < n; i++) {
        dst[i].nexthop.family = src[i].nexthop.family;
        memcpy(dst[i].nexthop.b, src[i].nexthop.b, sizeof(src[i].nexthop.b));
        dst[i].peer = src[i].peer;
        dst[i].iface = src[i].iface;
    }
}

struct core_group *core_group_get(struct core *c, const struct bgp_pathset *paths, uint8_t family)
{
    struct core_group *g;
    struct core_group_key k;

    memset(&k, 0, sizeof(k)); /* hashed as bytes: copied field by field over zeroes */
    k.paths.n_best = paths->n_best;
    k.paths.n_backup = paths->n_backup;
    key_copy(k.paths.best, paths->best, paths->n_best);
    key_copy(k.paths.backup, paths->backup, paths->n_backup);
    k.family = family;
    HASH_FIND(hh, c->groups, &k, sizeof(k), g);
    if (g)
        return g;
    g = calloc(1, sizeof(*g));
    kd_assert(g);
    memcpy(&g->key, &k, sizeof(k));
    g->id = c->next_nh_id++;
    HASH_ADD(hh, c->groups, key, sizeof(g->key), g);
    return g;
}

void core_group_ref(struct core_group *g)
{
    g->refs++;
}

/* The last entry leaves it with its next request, which is sent after this one; the kernel would
 * flush that entry's route with the group. So the group goes only when nothing is installed through
 * it: core_groups_sweep(). */
void core_group_unref(struct core *c, struct core_group *g)
{
    g->refs--;
    c->groups_idle |= g->refs == 0 && g->n_held == 0;
}

void core_group_hold(struct core_group *g)
{
    g->n_held++;
}

void core_group_release(struct core *c, struct core_group *g)
{
    g->n_held--;
    c->groups_idle |= g->refs == 0 && g->n_held == 0;
}

static uint32_t members(const struct core *c, const struct core_group *g, struct core_nh_key *keys)
{
    const struct bgp_pathset *p = &g->key.paths;
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n_best; i++)
        n = ways(c, &p->best[i], g->key.family, keys, n);
    if (n)
        return n;
    for (uint32_t i = 0; i < p->n_backup; i++)
        n = ways(c, &p->backup[i], g->key.family, keys, n);
    return n;
}

uint32_t core_group_first(const struct core *c, const struct core_group *g)
{
    const struct core_nh *nh = g->n_active ? nh_by_id(c, g->active[0]) : NULL;

    return nh ? nh->key.oif : 0;
}

uint32_t core_group_oif(const struct core *c, const struct core_group *g,
                        const struct bgp_path_nh *p)
{
    struct core_nh_key key[BGP_ECMP_MAX];
    uint32_t n = ways(c, p, g->key.family, key, 0);

    for (uint32_t i = 0; i < g->n_active; i++) {
        const struct core_nh *nh = nh_by_id(c, g->active[i]);
        for (uint32_t k = 0; nh && k < n; k++)
            if (memcmp(&nh->key, &key[k], sizeof(key[k])) == 0)
                return nh->key.oif;
    }
    return 0;
}

bool core_group_usable(const struct core *c, const struct core_group *g)
{
    struct core_nh_key keys[BGP_ECMP_MAX];

    return members(c, g, keys) > 0;
}

static void group_send(struct core *c, struct core_group *g)
{
    uint8_t room[512];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_GROUP, .id = g->id};
    struct nl_nexthop m = {.id = g->id, .protocol = NL_PROTO_KEDGE, .n_group = g->n_active};

    memcpy(m.group, g->active, g->n_active * sizeof(m.group[0]));
    kd_assert(nl_put_nexthop(&b, core_op_begin(c, &op), &m));
    core_op_send(c, &b);
    g->installed = true;
}

static void group_remove(struct core *c, struct core_group *g)
{
    if (g->installed || g->unsure)
        object_del(c, CORE_OP_GROUP_DEL, g->id);
    g->installed = g->unsure = false;
    for (uint32_t i = 0; i < g->n_active; i++)
        nh_drop(c, g->active[i]);
    g->n_active = 0;
}

/* Brings the group in the kernel to what is usable now; one message when its members changed. */
static void group_update(struct core *c, struct core_group *g)
{
    struct core_nh_key use[BGP_ECMP_MAX];
    uint32_t fresh[BGP_ECMP_MAX], n = members(c, g, use);
    bool same = n == g->n_active && g->installed;

    if (n == 0) {
        if (g->installed || g->n_active) {
            group_remove(c, g);
            core_fib_group_lost(c, g);
        }
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        fresh[i] = nh_take(c, &use[i])->id;
        same = same && fresh[i] == g->active[i];
    }
    if (!same) {
        uint32_t old[BGP_ECMP_MAX], n_old = g->n_active;
        memcpy(old, g->active, sizeof(old));
        memcpy(g->active, fresh, n * sizeof(fresh[0]));
        g->n_active = n;
        group_send(c, g);
        for (uint32_t i = 0; i < n_old; i++)
            nh_drop(c, old[i]);
    } else {
        for (uint32_t i = 0; i < n; i++)
            nh_drop(c, fresh[i]);
    }
}

bool core_group_ensure(struct core *c, struct core_group *g)
{
    if (!g->installed)
        group_update(c, g);
    return g->installed;
}

void core_groups_reconsider(struct core *c)
{
    struct core_group *g;

    c->groups_stale = false;
    for (g = c->groups; g; g = g->hh.next) {
        bool was = g->installed;
        if (g->refs == 0 && g->n_held == 0)
            continue; /* what still leads through a group nobody wants any more fails over, too */
        if (!core_room(c)) { /* begun anew in the next step: what is done already costs nothing */
            c->groups_stale = true;
            return;
        }
        if (was)
            group_update(c, g);
        else
            core_fib_group_lost(c, g); /* its entries try again */
    }
}

void core_groups_sweep(struct core *c)
{
    struct core_group *g, *tmp;

    if (!c->groups_idle)
        return;
    c->groups_idle = false;
    HASH_ITER (hh, c->groups, g, tmp) {
        if (g->refs > 0 || g->n_held > 0)
            continue;
        if (!core_room(c)) {
            c->groups_idle = true;
            return;
        }
        group_remove(c, g);
        HASH_DEL(c->groups, g);
        free(g);
    }
}

static struct core_group *group_by_id(const struct core *c, uint32_t id)
{
    struct core_group *g;

    for (g = c->groups; g; g = g->hh.next)
        if (g->id == id)
            return g;
    return NULL;
}

void core_gone_add(struct core *c, uint32_t id)
{
    struct core_gone *g = calloc(1, sizeof(*g));

    kd_assert(g);
    g->id = id;
    g->retry_at_us = c->now_us + GONE_RETRY_US;
    g->next = c->gone;
    c->gone = g;
    c->fib_retry_us = KD_MIN(c->fib_retry_us, g->retry_at_us);
}

/* A group that lost its members keeps its number, and may be back under it. */
static bool in_use(const struct core *c, uint32_t id)
{
    const struct core_group *g = group_by_id(c, id);
    const struct core_nh *nh = nh_by_id(c, id);

    return (g && g->installed) || (nh && nh->installed);
}

void core_gone_retry(struct core *c)
{
    struct core_gone **p = &c->gone;

    while (*p) {
        struct core_gone *g = *p;
        if (g->retry_at_us > c->now_us || !core_room(c)) {
            c->fib_retry_us = KD_MIN(c->fib_retry_us, g->retry_at_us);
            p = &g->next;
            continue;
        }
        *p = g->next;
        if (!in_use(c, g->id))
            object_del(c, CORE_OP_NH_DEL, g->id);
        free(g);
    }
}

void core_group_result(struct core *c, const struct core_op *op, int error, const char *text)
{
    struct core_group *g = op->kind == CORE_OP_GROUP ? group_by_id(c, op->id) : NULL;
    struct core_nh *nh = op->kind == CORE_OP_NH ? nh_by_id(c, op->id) : NULL;
    char line[256];

    bool del = op->kind == CORE_OP_GROUP_DEL || op->kind == CORE_OP_NH_DEL;

    if (!error || (del && error == ENOENT))
        return; /* deleting what the kernel flushed by itself fails, and is fine */
    snprintf(line, sizeof(line), "next hop %u: %s refused: %s (errno %d)", op->id,
             del ? "deletion" : "change", text, error);
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_KERNEL_REFUSED,
                  line);
    if (del)
        core_gone_add(c, op->id);
    if (nh) {
        nh->installed = false;
        nh->unsure = true;
    }
    if (g) {
        g->installed = false;
        g->unsure = true; /* what it was before is still there */
        core_fib_group_lost(c, g);
    }
}

/* Does every member lead over the interface? */
static bool all_over(const struct core *c, const struct core_group *g, uint32_t ifindex)
{
    for (uint32_t i = 0; i < g->n_active; i++) {
        const struct core_nh *nh = nh_by_id(c, g->active[i]);
        if (!nh || nh->key.oif != ifindex)
            return false;
    }
    return g->n_active > 0;
}

/* The kernel has deleted, without a word, the next-hop objects of an interface that went down, the
 * groups this left empty and every route through those (DESIGN 3.7). */
void core_nh_lost_link(struct core *c, uint32_t ifindex)
{
    struct core_nh *nh;
    struct core_group *g;

    for (nh = c->nhs; nh; nh = nh->hh.next) {
        if (nh->key.oif != ifindex)
            continue;
        nh->installed = false;
        nh->unsure = true; /* asked for again between the flush and its news, it is there */
    }
    for (g = c->groups; g; g = g->hh.next)
        if (all_over(c, g, ifindex)) {
            g->installed = false;
            g->unsure = true;
            core_fib_group_lost(c, g);
        }
    core_fib_device_lost(c, ifindex);
}

void core_paths_free(struct core *c)
{
    struct core_group *g, *gt;
    struct core_nh *nh, *nt;

    HASH_ITER (hh, c->groups, g, gt) {
        HASH_DEL(c->groups, g);
        free(g);
    }
    HASH_ITER (hh, c->nhs, nh, nt) {
        HASH_DEL(c->nhs, nh);
        free(nh);
    }
    while (c->gone) {
        struct core_gone *next = c->gone->next;
        free(c->gone);
        c->gone = next;
    }
}

void core_paths_lost_all(struct core *c)
{
    for (struct core_nh *nh = c->nhs; nh; nh = nh->hh.next) {
        nh->installed = false;
        nh->unsure = true;
    }
    for (struct core_group *g = c->groups; g; g = g->hh.next) {
        g->installed = false;
        g->unsure = true;
    }
}
