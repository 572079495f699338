/* Three ways to find a session: the caller's number, our discriminator, the path. Chained hashes
 * whose links are in the sessions; only configuration puts anything in, so a stranger can't make a
 * chain longer. */
#include "bfd/engine.h"

/* ---- hashes ---- */

static uint32_t mix(uint32_t h, const void *p, size_t len)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < len; i++)
        h = (h ^ b[i]) * 16777619u;
    return h;
}

static uint32_t hash_number(uint32_t v)
{
    return (v * 2654435761u) >> 8;
}

static uint32_t hash_addr(uint32_t h, const struct kd_addr *a)
{
    return mix(mix(h, &a->family, 1), a->b, kd_addr_len(a));
}

/* A point-to-point session is found by any source: its key has the family alone. */
static struct kd_addr key_remote(const struct bfd_session_config *c)
{
    return c->point_to_point ? (struct kd_addr){.family = c->remote.family} : c->remote;
}

static uint32_t hash_path(const struct bfd_session_config *c)
{
    struct kd_addr remote = key_remote(c);
    uint32_t h = 2166136261u;

    h = mix(h, &c->table, sizeof(c->table));
    h = mix(h, &c->iface, sizeof(c->iface));
    h = mix(h, &c->multihop, sizeof(c->multihop));
    return hash_addr(hash_addr(h, &remote), &c->local);
}

bool bfd_same_path(const struct bfd_session_config *a, const struct bfd_session_config *b)
{
    struct kd_addr ra = key_remote(a), rb = key_remote(b);

    return a->table == b->table && a->iface == b->iface && a->multihop == b->multihop &&
           kd_addr_eq(&ra, &rb) && kd_addr_eq(&a->local, &b->local);
}

/* ---- chains ---- */

static uint32_t *chain(const struct bfd *b, enum bfd_index_kind kind, uint32_t hash)
{
    return &b->bucket[kind][hash & (b->buckets - 1)];
}

static struct bfd_session *at(const struct bfd *b, uint32_t link)
{
    return link ? &b->session[link - 1] : NULL;
}

void bfd_index_add(struct bfd *b, struct bfd_session *s)
{
    s->hash[BFD_BY_ID] = hash_number(s->id);
    s->hash[BFD_BY_DISCR] = hash_number(s->local_discr);
    s->hash[BFD_BY_PATH] = hash_path(&s->config);
    for (int k = 0; k < BFD_INDEXES; k++) {
        uint32_t *head = chain(b, k, s->hash[k]);
        s->next[k] = *head;
        *head = s->slot + 1;
    }
}

void bfd_index_del(struct bfd *b, struct bfd_session *s)
{
    for (int k = 0; k < BFD_INDEXES; k++) {
        uint32_t *link = chain(b, k, s->hash[k]);
        while (*link != s->slot + 1)
            link = &b->session[*link - 1].next[k];
        *link = s->next[k];
    }
}

/* ---- finding ---- */

struct bfd_session *bfd_find_id(const struct bfd *b, uint32_t id)
{
    struct bfd_session *s = at(b, *chain(b, BFD_BY_ID, hash_number(id)));

    while (s && s->id != id)
        s = at(b, s->next[BFD_BY_ID]);
    return s;
}

struct bfd_session *bfd_find_discr(const struct bfd *b, uint32_t discr)
{
    struct bfd_session *s = at(b, *chain(b, BFD_BY_DISCR, hash_number(discr)));

    while (s && s->local_discr != discr)
        s = at(b, s->next[BFD_BY_DISCR]);
    return s;
}

struct bfd_session *bfd_find_path(const struct bfd *b, const struct bfd_session_config *c)
{
    struct bfd_session *s = at(b, *chain(b, BFD_BY_PATH, hash_path(c)));

    while (s && !bfd_same_path(&s->config, c))
        s = at(b, s->next[BFD_BY_PATH]);
    return s;
}

/* RFC 5881 3 and 6, 5883 4.1: the closest description first. */
struct bfd_session *bfd_find_arrival(const struct bfd *b, const struct bfd_event *ev)
{
    struct bfd_session_config c = {
        .table = ev->table, .iface = ev->iface, .multihop = ev->multihop, .remote = ev->remote};
    struct bfd_session *s = NULL;

    for (int any_source = 0; !s && any_source <= !ev->multihop; any_source++) {
        c.point_to_point = any_source;
        c.local = ev->local;
        s = bfd_find_path(b, &c);
        c.local = (struct kd_addr){0};
        if (!s)
            s = bfd_find_path(b, &c);
    }
    return s;
}
