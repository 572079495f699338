/* Path sets: encoding, parsing, interning. There are few: one a combination of next hops. */
#include "bgp/pathset.h"
#include "bgp/hash.h"

#include <stdlib.h>

struct bgp_pathset_entry {
    uint32_t refs, hash, next; /* next: hash chain */
    uint32_t len;
    uint8_t bytes[];
};

static void put_paths(struct kd_writer *w, const struct bgp_path_nh *p, uint8_t n)
{
    for (uint8_t i = 0; i < n; i++) {
        kd_put_u8(w, p[i].nexthop.family);
        kd_put_bytes(w, kd_addr_bytes(&p[i].nexthop));
        kd_put_u32(w, p[i].peer);
        kd_put_u32(w, p[i].iface);
    }
}

static void get_paths(struct kd_reader *r, struct bgp_path_nh *p, uint8_t n)
{
    for (uint8_t i = 0; i < n; i++) {
        p[i].nexthop.family = kd_get_u8(r);
        if (p[i].nexthop.family != 4 && p[i].nexthop.family != 6)
            kd_reader_fail(r);
        kd_get_copy(r, p[i].nexthop.b, kd_addr_len(&p[i].nexthop));
        p[i].peer = kd_get_u32(r);
        p[i].iface = kd_get_u32(r);
    }
}

bool bgp_paths_parse(struct kd_bytes b, struct bgp_pathset *out)
{
    struct kd_reader r;

    *out = (struct bgp_pathset){0};
    kd_reader_init(&r, b);
    out->n_best = kd_get_u8(&r);
    out->n_backup = kd_get_u8(&r);
    if (out->n_best > BGP_ECMP_MAX || out->n_backup > BGP_ECMP_MAX)
        return false;
    get_paths(&r, out->best, out->n_best);
    get_paths(&r, out->backup, out->n_backup);
    return kd_reader_done(&r);
}

void bgp_pathsets_init(struct bgp_pathsets *t, uint64_t salt)
{
    *t = (struct bgp_pathsets){.salt = salt, .n_made = 1};
}

void bgp_pathsets_fini(struct bgp_pathsets *t)
{
    for (uint32_t i = 1; i < t->n_made; i++)
        free(t->set[i]);
    free(t->set);
    bgp_pathsets_init(t, t->salt);
}

/* A number without an entry yet. Numbers never shrink away: the entry of a freed one is NULL and
 * the first such is found by scanning, which is cheap for so few. */
static uint32_t number(struct bgp_pathsets *t)
{
    if (t->n_live + 1 < t->n_made)
        for (uint32_t i = 1; i < t->n_made; i++)
            if (!t->set[i])
                return i;
    if (t->n_made >= t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 64;
        void *p = realloc(t->set, cap * sizeof(*t->set));
        if (!p)
            return 0;
        t->set = p;
        t->cap = cap;
    }
    t->set[t->n_made] = NULL;
    return t->n_made++;
}

static uint32_t add(struct bgp_pathsets *t, struct kd_bytes b, uint32_t hash)
{
    struct bgp_pathset_entry *e = malloc(sizeof(*e) + b.len);
    uint32_t id = e ? number(t) : 0, *head = &t->bucket[hash % KD_ARRAY_LEN(t->bucket)];

    if (!id) {
        free(e);
        return 0;
    }
    *e = (struct bgp_pathset_entry){.refs = 1, .hash = hash, .next = *head, .len = (uint32_t)b.len};
    memcpy(e->bytes, b.p, b.len);
    *head = id;
    t->set[id] = e;
    t->n_live++;
    return id;
}

uint32_t bgp_pathset_intern(struct bgp_pathsets *t, const struct bgp_pathset *s)
{
    uint8_t room[BGP_PATHSET_BYTES];
    struct kd_writer w;
    struct kd_bytes b;
    uint32_t hash;

    kd_writer_init(&w, room, sizeof(room));
    kd_put_u8(&w, s->n_best);
    kd_put_u8(&w, s->n_backup);
    put_paths(&w, s->best, s->n_best);
    put_paths(&w, s->backup, s->n_backup);
    b = kd_written(&w);
    hash = bgp_hash(t->salt, b.p, b.len);
    for (uint32_t i = t->bucket[hash % KD_ARRAY_LEN(t->bucket)]; i; i = t->set[i]->next)
        if (t->set[i]->hash == hash && kd_bytes_eq(bgp_pathset_bytes(t, i), b)) {
            t->set[i]->refs++;
            return i;
        }
    return add(t, b, hash);
}

void bgp_pathset_unref(struct bgp_pathsets *t, uint32_t id)
{
    struct bgp_pathset_entry *e;
    uint32_t *p;

    if (!id)
        return;
    e = t->set[id];
    if (--e->refs > 0)
        return;
    for (p = &t->bucket[e->hash % KD_ARRAY_LEN(t->bucket)]; *p != id; p = &t->set[*p]->next)
        ;
    *p = e->next;
    free(e);
    t->set[id] = NULL;
    t->n_live--;
}

struct kd_bytes bgp_pathset_bytes(const struct bgp_pathsets *t, uint32_t id)
{
    return kd_bytes(t->set[id]->bytes, t->set[id]->len);
}
