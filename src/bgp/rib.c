/* Destinations and paths. The hash grows bucket by bucket (W. Litwin's linear hashing): inserting
 * into a large table never pauses to rebuild it. */
#include "bgp/rib.h"
#include "bgp/hash.h"

#include <stdlib.h>

#define LEVEL_MIN 256

void bgp_rib_init(struct bgp_rib *rib, uint32_t table, uint8_t family, uint64_t salt)
{
    *rib = (struct bgp_rib){.table = table, .family = family, .salt = salt, .level = LEVEL_MIN};
    bgp_pool_init(&rib->dests, (uint32_t)sizeof(struct bgp_dest) + (family == 4 ? 4 : 16));
    bgp_pool_init(&rib->paths, sizeof(struct bgp_path));
}

void bgp_rib_fini(struct bgp_rib *rib)
{
    bgp_pool_fini(&rib->dests);
    bgp_pool_fini(&rib->paths);
    bgp_map_fini(&rib->bucket);
    bgp_pending_fini(&rib->dirty);
    bgp_pending_fini(&rib->fib);
}

static size_t key_len(const struct bgp_rib *rib)
{
    return rib->family == 4 ? 4 : 16;
}

static uint32_t hash_key(const struct bgp_rib *rib, const uint8_t *key, uint8_t len)
{
    return bgp_hash(rib->salt + len, key, key_len(rib));
}

static uint32_t bucket_of(const struct bgp_rib *rib, uint32_t hash)
{
    uint32_t b = hash & (rib->level - 1);

    return b < rib->split ? hash & (2 * rib->level - 1) : b;
}

struct kd_prefix bgp_rib_prefix(const struct bgp_rib *rib, uint32_t dest)
{
    const struct bgp_dest *d = bgp_rib_dest(rib, dest);
    struct kd_prefix p = {.addr.family = rib->family, .len = d->len};

    memcpy(p.addr.b, d->key, key_len(rib));
    return p;
}

int bgp_rib_cmp(const struct bgp_rib *rib, uint32_t a, uint32_t b)
{
    const struct bgp_dest *x = bgp_rib_dest(rib, a), *y = bgp_rib_dest(rib, b);
    int c = memcmp(x->key, y->key, key_len(rib));

    return c ? c : x->len - y->len;
}

static uint32_t find(const struct bgp_rib *rib, const struct kd_prefix *p, uint32_t hash)
{
    uint32_t i = bgp_map_get(&rib->bucket, bucket_of(rib, hash));

    while (i) {
        const struct bgp_dest *d = bgp_rib_dest(rib, i);
        if (d->len == p->len && memcmp(d->key, p->addr.b, key_len(rib)) == 0)
            break;
        i = d->next;
    }
    return i;
}

uint32_t bgp_rib_find(const struct bgp_rib *rib, const struct kd_prefix *p)
{
    return find(rib, p, hash_key(rib, p->addr.b, p->len));
}

/* Splits one bucket when there are more destinations than buckets; without memory it doesn't. */
static void spread(struct bgp_rib *rib)
{
    uint32_t low = rib->split, high = rib->level + rib->split, chain[2] = {0, 0};

    if (rib->dests.n_live <= rib->level + rib->split || !bgp_map_set(&rib->bucket, high, 1))
        return;
    for (uint32_t i = bgp_map_get(&rib->bucket, low), next; i; i = next) {
        struct bgp_dest *d = bgp_rib_dest(rib, i);
        uint32_t *c = &chain[(hash_key(rib, d->key, d->len) & rib->level) != 0];
        next = d->next;
        d->next = *c;
        *c = i;
    }
    kd_assert(bgp_map_set(&rib->bucket, low, chain[0]));
    kd_assert(bgp_map_set(&rib->bucket, high, chain[1]));
    if (++rib->split == rib->level) {
        rib->level *= 2;
        rib->split = 0;
    }
}

uint32_t bgp_rib_get(struct bgp_rib *rib, const struct kd_prefix *p)
{
    uint32_t hash = hash_key(rib, p->addr.b, p->len), i = find(rib, p, hash), b;
    struct bgp_dest *d;

    if (i)
        return i;
    i = bgp_pool_new(&rib->dests);
    if (!i)
        return 0;
    d = bgp_rib_dest(rib, i);
    d->len = p->len;
    d->flags = BGP_DEST_LIVE;
    memcpy(d->key, p->addr.b, key_len(rib));
    spread(rib);
    b = bucket_of(rib, hash);
    d->next = bgp_map_get(&rib->bucket, b);
    if (bgp_pending_reserve(&rib->dirty, i) && bgp_pending_reserve(&rib->fib, i) &&
        bgp_map_set(&rib->bucket, b, i))
        return i;
    bgp_pool_free(&rib->dests, i);
    return 0;
}

void bgp_rib_drop(struct bgp_rib *rib, uint32_t dest)
{
    struct bgp_dest *d = bgp_rib_dest(rib, dest);
    uint32_t b, i;

    if (!(d->flags & BGP_DEST_LIVE) || d->paths || d->told || d->n_out)
        return;
    b = bucket_of(rib, hash_key(rib, d->key, d->len));
    i = bgp_map_get(&rib->bucket, b);
    if (i == dest) {
        kd_assert(bgp_map_set(&rib->bucket, b, d->next));
    } else {
        while (bgp_rib_dest(rib, i)->next != dest)
            i = bgp_rib_dest(rib, i)->next;
        bgp_rib_dest(rib, i)->next = d->next;
    }
    bgp_pool_free(&rib->dests, dest);
}

static int cmp_dest(const void *a, const void *b, void *rib)
{
    return bgp_rib_cmp(rib, *(const uint32_t *)a, *(const uint32_t *)b);
}

void bgp_rib_sort(const struct bgp_rib *rib, uint32_t *dest, uint32_t n)
{
    if (n > 1)
        qsort_r(dest, n, sizeof(*dest), cmp_dest, (void *)(uintptr_t)rib);
}

uint32_t *bgp_rib_sorted(const struct bgp_rib *rib)
{
    uint32_t n = 0, *v = rib->dests.n_live ? malloc(rib->dests.n_live * sizeof(*v)) : NULL;

    if (!v)
        return NULL;
    for (uint32_t i = 1; i < rib->dests.n_made; i++)
        if (bgp_rib_dest(rib, i)->flags & BGP_DEST_LIVE)
            v[n++] = i;
    kd_assert(n == rib->dests.n_live);
    bgp_rib_sort(rib, v, n);
    return v;
}

void bgp_rib_mark(struct bgp_rib *rib, uint32_t dest)
{
    kd_assert(bgp_pending_set(&rib->dirty, dest));
}

void bgp_rib_mark_fib(struct bgp_rib *rib, uint32_t dest)
{
    kd_assert(bgp_pending_set(&rib->fib, dest));
}

/* ---- paths ---- */

uint32_t bgp_path_find(const struct bgp_rib *rib, uint32_t dest, uint16_t peer)
{
    uint32_t i = bgp_rib_dest(rib, dest)->paths;

    while (i && bgp_rib_path(rib, i)->peer != peer)
        i = bgp_rib_path(rib, i)->next;
    return i;
}

uint32_t bgp_path_add(struct bgp_rib *rib, uint32_t dest, uint16_t peer, struct bgp_path_list *list)
{
    struct bgp_dest *d = bgp_rib_dest(rib, dest);
    uint32_t i = bgp_pool_new(&rib->paths), *at = &d->paths;
    struct bgp_path *p;

    if (!i)
        return 0;
    p = bgp_rib_path(rib, i);
    if (d->flags & BGP_DEST_BEST)
        at = &bgp_rib_path(rib, d->paths)->next;
    p->peer = peer & BGP_PEER_LOCAL;
    p->dest = dest;
    p->next = *at;
    *at = i;
    p->peer_prev = list->tail;
    if (list->tail)
        bgp_rib_path(rib, list->tail)->peer_next = i;
    else
        list->head = i;
    list->tail = i;
    list->n++;
    return i;
}

void bgp_path_set_looped(struct bgp_path *path, struct bgp_path_list *list, bool looped)
{
    list->looped += (uint32_t)looped - path->looped;
    path->looped = looped;
}

static void unlink_dest(struct bgp_rib *rib, uint32_t path)
{
    struct bgp_path *p = bgp_rib_path(rib, path);
    struct bgp_dest *d = bgp_rib_dest(rib, p->dest);
    uint32_t *at = &d->paths;

    if (d->paths == path && d->flags & BGP_DEST_BEST)
        d->flags = (uint8_t)((d->flags & ~BGP_DEST_BEST) | BGP_DEST_CHANGED);
    while (*at != path)
        at = &bgp_rib_path(rib, *at)->next;
    *at = p->next;
}

void bgp_path_del(struct bgp_rib *rib, uint32_t path, struct bgp_path_list *list)
{
    struct bgp_path *p = bgp_rib_path(rib, path);

    unlink_dest(rib, path);
    if (p->peer_prev)
        bgp_rib_path(rib, p->peer_prev)->peer_next = p->peer_next;
    else
        list->head = p->peer_next;
    if (p->peer_next)
        bgp_rib_path(rib, p->peer_next)->peer_prev = p->peer_prev;
    else
        list->tail = p->peer_prev;
    list->n--;
    list->looped -= p->looped;
    bgp_pool_free(&rib->paths, path);
}

void bgp_path_set_best(struct bgp_rib *rib, uint32_t dest, uint32_t path)
{
    struct bgp_dest *d = bgp_rib_dest(rib, dest);
    bool had = d->flags & BGP_DEST_BEST;

    if (path ? had && d->paths == path : !had)
        return;
    d->flags = (uint8_t)((d->flags & ~BGP_DEST_BEST) | BGP_DEST_CHANGED);
    if (!path)
        return;
    unlink_dest(rib, path);
    bgp_rib_path(rib, path)->next = d->paths;
    d->paths = path;
    d->flags |= BGP_DEST_BEST;
}
