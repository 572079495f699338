/* Interning of attribute sets. Numbers are given out in order and reused last in, first out, so
 * that they are the same for the same history; the hash decides nothing that can be seen. */
#include "bgp/attrset.h"
#include "bgp/aspath.h"
#include "bgp/hash.h"

#include <stdlib.h>

/* The largest blob: every attribute of an extended message with a widened AS_PATH. */
#define BLOB_MAX (2 * BGP_EXTENDED_MAX)

bool bgp_attrs_init(struct bgp_attrs_table *t, uint64_t salt)
{
    *t = (struct bgp_attrs_table){.salt = salt, .n_made = 1};
    t->room = malloc(BLOB_MAX);
    return t->room != NULL;
}

void bgp_attrs_fini(struct bgp_attrs_table *t)
{
    for (uint32_t i = 1; i < t->n_made; i++)
        free(t->set[i]);
    free(t->set);
    free(t->spare);
    free(t->bucket);
    free(t->room);
    *t = (struct bgp_attrs_table){0};
}

static bool rehash(struct bgp_attrs_table *t)
{
    uint32_t n = t->buckets ? t->buckets * 2 : 256;
    uint32_t *b = calloc(n, sizeof(*b));

    if (!b)
        return false;
    for (uint32_t i = 1; i < t->n_made; i++) {
        struct bgp_attrset *s = t->set[i];
        if (!s)
            continue;
        s->next = b[s->hash & (n - 1)];
        b[s->hash & (n - 1)] = i;
    }
    free(t->bucket);
    t->bucket = b;
    t->buckets = n;
    return true;
}

static bool grow(struct bgp_attrs_table *t)
{
    uint32_t n = t->cap ? t->cap * 2 : 256;
    void *p = realloc(t->set, n * sizeof(*t->set));

    if (!p)
        return false;
    t->set = p;
    p = realloc(t->spare, n * sizeof(*t->spare));
    if (!p)
        return false;
    t->spare = p;
    t->cap = n;
    return true;
}

static uint32_t number(struct bgp_attrs_table *t)
{
    uint32_t id = t->free;

    if (id) {
        t->free = t->spare[id];
        return id;
    }
    if (t->n_made >= t->cap && !grow(t))
        return 0;
    return t->n_made++;
}

static bool same(const struct bgp_attrset *s, uint32_t hash, const struct bgp_attrs *a,
                 struct kd_bytes blob)
{
    return s->hash == hash && s->len == blob.len && kd_addr_eq(&s->nexthop, &a->nexthop) &&
           memcmp(s->blob, blob.p, blob.len) == 0;
}

static struct bgp_attrset *make(const struct bgp_attrs *a, struct kd_bytes blob, uint32_t hash)
{
    struct bgp_attrset *s = malloc(sizeof(*s) + blob.len);

    if (!s)
        return NULL;
    *s = (struct bgp_attrset){
        .refs = 1,
        .hash = hash,
        .len = (uint32_t)blob.len,
        .has = a->has,
        .med = a->med,
        .local_pref = a->local_pref,
        .originator_id = a->originator_id,
        .first_as = bgp_aspath_first(a->as_path),
        .n_as = (uint16_t)bgp_aspath_length(a->as_path),
        .n_clusters = (uint16_t)(a->cluster_list.len / 4),
        .origin = a->origin,
        .nexthop = a->nexthop,
    };
    memcpy(s->blob, blob.p, blob.len);
    return s;
}

static uint32_t add(struct bgp_attrs_table *t, const struct bgp_attrs *a, struct kd_bytes blob,
                    uint32_t hash)
{
    struct bgp_attrset *s = make(a, blob, hash);
    uint32_t id = s ? number(t) : 0, *b;

    if (!id) {
        free(s);
        return 0;
    }
    b = &t->bucket[hash & (t->buckets - 1)];
    s->next = *b;
    *b = id;
    t->set[id] = s;
    t->n_live++;
    return id;
}

uint32_t bgp_attrs_intern(struct bgp_attrs_table *t, const struct bgp_attrs *a)
{
    struct kd_writer w;
    struct kd_bytes blob;
    uint32_t hash;

    kd_writer_init(&w, t->room, BLOB_MAX);
    bgp_attrs_put(&w, a, true, false);
    if (!w.ok || (t->n_live >= t->buckets && !rehash(t)))
        return 0;
    blob = kd_written(&w);
    hash = bgp_hash(t->salt ^ bgp_hash(t->salt, a->nexthop.b, 16), blob.p, blob.len);
    for (uint32_t id = t->bucket[hash & (t->buckets - 1)]; id; id = t->set[id]->next)
        if (same(t->set[id], hash, a, blob))
            return bgp_attrs_ref(t, id);
    return add(t, a, blob, hash);
}

void bgp_attrs_unref(struct bgp_attrs_table *t, uint32_t id)
{
    struct bgp_attrset *s;
    uint32_t *p;

    if (!id)
        return;
    s = t->set[id];
    kd_assert(s && s->refs > 0);
    if (--s->refs > 0)
        return;
    for (p = &t->bucket[s->hash & (t->buckets - 1)]; *p != id; p = &t->set[*p]->next)
        ;
    *p = s->next;
    free(s);
    t->set[id] = NULL;
    t->spare[id] = t->free;
    t->free = id;
    t->n_live--;
}

void bgp_attrs_get(const struct bgp_attrs_table *t, uint32_t id, struct bgp_attrs *a)
{
    const struct bgp_attrset *s = t->set[id];

    bgp_attrs_unpack(kd_bytes(s->blob, s->len), a);
    a->has = s->has;
    a->nexthop = s->nexthop;
}
