/* The pretend kernel's routes, hashed by table and prefix, so that a request or a packet costs what
 * there is of its prefix. What replaces or refuses what is kernel_fib.c's. */
#include "bgp/hash.h"
#include "sim/kernel.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct sim_route_index {
    uint32_t n_buckets;     /* a power of two, or 0 */
    uint32_t *bucket;       /* the first of its chain, by place in the routes */
    uint32_t *next;         /* as many as routes */
    uint32_t n_len[2][129]; /* IPv4, IPv6: of that length, in all tables */
    uint64_t work;
};

void sim_routes_init(struct sim_kernel *k)
{
    k->index = calloc(1, sizeof(*k->index));
    kd_assert(k->index);
}

void sim_routes_fini(struct sim_kernel *k)
{
    free(k->index->bucket);
    free(k->index->next);
    free(k->index);
    free(k->routes);
}

uint64_t sim_kernel_work(const struct sim_kernel *k)
{
    return k->index->work;
}

/* ---- chains ---- */

static uint32_t *head(const struct sim_route_index *x, uint32_t table, const struct kd_prefix *dst)
{
    return &x->bucket[bgp_hash(table, dst, sizeof(*dst)) & (x->n_buckets - 1)];
}

static uint32_t *head_of(const struct sim_kernel *k, uint32_t i)
{
    return head(k->index, k->routes[i].table, &k->routes[i].dst);
}

static void link_in(struct sim_kernel *k, uint32_t i)
{
    uint32_t *first = head_of(k, i);

    k->index->next[i] = *first;
    *first = i;
    k->index->work++;
}

static void unlink_from(struct sim_kernel *k, uint32_t i)
{
    uint32_t *at = head_of(k, i);

    for (; *at != i; k->index->work++)
        at = &k->index->next[*at];
    *at = k->index->next[i];
}

static void widen(struct sim_kernel *k)
{
    struct sim_route_index *x = k->index;

    x->n_buckets = x->n_buckets ? 2 * x->n_buckets : 16;
    free(x->bucket);
    x->bucket = malloc(x->n_buckets * sizeof(*x->bucket));
    kd_assert(x->bucket);
    memset(x->bucket, 0xff, x->n_buckets * sizeof(*x->bucket)); /* NONE */
    for (uint32_t i = 0; i < k->n_routes; i++)
        link_in(k, i);
}

/* ---- changes ---- */

static uint32_t *of_length(struct sim_route_index *x, const struct kd_prefix *p)
{
    return &x->n_len[p->addr.family == 6][p->len];
}

void sim_routes_add(struct sim_kernel *k, const struct nl_route *r)
{
    struct sim_route_index *x = k->index;

    k->routes = sim_kernel_grow(k->routes, k->n_routes, sizeof(*r));
    x->next = sim_kernel_grow(x->next, k->n_routes, sizeof(*x->next));
    if (k->n_routes == x->n_buckets)
        widen(k);
    k->routes[k->n_routes] = *r;
    link_in(k, (uint32_t)k->n_routes++);
    ++*of_length(x, &r->dst);
}

void sim_routes_remove(struct sim_kernel *k, size_t i)
{
    uint32_t last = (uint32_t)--k->n_routes;

    --*of_length(k->index, &k->routes[i].dst);
    unlink_from(k, (uint32_t)i);
    if (i == last)
        return;
    unlink_from(k, last);
    k->routes[i] = k->routes[last];
    link_in(k, (uint32_t)i);
}

void sim_routes_remove_if(struct sim_kernel *k, sim_route_is *is, const void *arg)
{
    for (size_t i = 0; i < k->n_routes;) {
        k->index->work++;
        if (is(&k->routes[i], arg))
            sim_routes_remove(k, i);
        else
            i++;
    }
}

/* ---- look-up ---- */

struct nl_route *sim_routes_to(const struct sim_kernel *k, uint32_t table,
                               const struct kd_prefix *dst, const struct nl_route *after)
{
    struct sim_route_index *x = k->index;
    uint32_t i = after ? x->next[after - k->routes] : k->n_routes ? *head(x, table, dst) : NONE;

    for (; i != NONE; i = x->next[i]) {
        struct nl_route *r = &k->routes[i];
        x->work++;
        if (r->table == table && kd_prefix_eq(&r->dst, dst))
            return r;
    }
    return NULL;
}

bool sim_routes_longest(const struct sim_kernel *k, const struct kd_addr *dst, int below,
                        struct kd_prefix *p)
{
    const uint32_t *n = k->index->n_len[dst->family == 6];
    int len = KD_MIN(below, kd_addr_bits(dst) + 1) - 1;

    while (len >= 0 && n[len] == 0)
        len--;
    if (len >= 0)
        *p = kd_prefix_make(dst, (uint8_t)len);
    return len >= 0;
}
