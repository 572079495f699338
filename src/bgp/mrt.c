/* MRT: TABLE_DUMP_V2 (RFC 6396 4.3). Not here: BGP4MP (mrt_updates.c), additional paths.
 *
 * Known deviation: a path's time isn't kept, so "originated" is when its session came up, and for
 * our own networks the time of the dump. */
#include "bgp/mrt.h"
#include "bgp/engine.h"

#include <stdio.h>
#include <stdlib.h>

enum mrt_type { MRT_TABLE_DUMP_V2 = 13 };
enum mrt_subtype { MRT_PEER_INDEX_TABLE = 1, MRT_RIB_IPV4_UNICAST = 2, MRT_RIB_IPV6_UNICAST = 4 };
enum mrt_peer_type { MRT_PEER_IPV6 = 1, MRT_PEER_AS4 = 2 };

#define HEADER_LEN 12
/* What is written between two looks at the room left: an entry with all its attributes. */
#define CHUNK_MAX (BGP_EXTENDED_MAX + 64)
/* RFC 6396 4.3.4: an entry's attributes are counted in 16 bits, as are the peers. */
#define ATTRS_MAX UINT16_MAX

struct dump {
    const struct bgp *b;
    uint64_t now_us;
    uint32_t wall_s, seq;
    uint8_t *p;
    size_t cap;
    struct kd_writer w; /* over p */
    bool failed;
};

/* Room for a chunk; false when out of memory. */
static bool room(struct dump *d)
{
    size_t cap = 2 * d->cap + CHUNK_MAX;
    uint8_t *p;

    if (d->failed || d->cap - d->w.pos >= CHUNK_MAX)
        return !d->failed;
    p = realloc(d->p, cap);
    if (!p) {
        d->failed = true;
        return false;
    }
    d->p = d->w.p = p;
    d->cap = d->w.cap = cap;
    return true;
}

static size_t begin(struct dump *d, enum mrt_subtype subtype)
{
    size_t start = d->w.pos;

    kd_put_u32(&d->w, d->wall_s);
    kd_put_u16(&d->w, MRT_TABLE_DUMP_V2);
    kd_put_u16(&d->w, (uint16_t)subtype);
    kd_put_u32(&d->w, 0);
    return start;
}

static void end(struct dump *d, size_t start)
{
    kd_patch_u32(&d->w, start + 8, (uint32_t)(d->w.pos - start - HEADER_LEN));
}

/* ---- PEER_INDEX_TABLE ---- */

static void put_peer(struct dump *d, uint32_t id, const struct kd_addr *addr, uint32_t asn)
{
    if (!room(d))
        return;
    kd_put_u8(&d->w, MRT_PEER_AS4 | (addr->family == 6 ? MRT_PEER_IPV6 : 0));
    kd_put_u32(&d->w, id);
    kd_put_bytes(&d->w, kd_addr_bytes(addr));
    kd_put_u32(&d->w, asn);
}

/* All peers, whatever their table: an index is 1 + the peer's place in the engine's order. */
static void put_peers(struct dump *d, uint32_t table)
{
    struct kd_addr none = kd_addr_v4(0);
    char view[16];
    size_t start;

    if (!room(d))
        return;
    snprintf(view, sizeof(view), "%u", table);
    start = begin(d, MRT_PEER_INDEX_TABLE);
    kd_put_u32(&d->w, d->b->params.router_id);
    kd_put_u16(&d->w, (uint16_t)strlen(view));
    kd_put_bytes(&d->w, kd_bytes_str(view));
    kd_put_u16(&d->w, (uint16_t)(1 + d->b->n_peers));
    put_peer(d, d->b->params.router_id, &none, d->b->params.asn);
    for (uint32_t i = 0; i < d->b->n_peers; i++) {
        const struct bgp_peer *p = d->b->peers[i];
        put_peer(d, p->remote_id, &p->remote, p->asn);
    }
    end(d, start);
}

/* ---- RIB entries ---- */

static uint32_t originated(const struct dump *d, const struct bgp_peer *p)
{
    uint64_t ago_s = p && d->now_us > p->up_us ? (d->now_us - p->up_us) / 1000000 : 0;

    return ago_s < d->wall_s ? d->wall_s - (uint32_t)ago_s : 0;
}

/* RFC 6396 4.3.4: MP_REACH_NLRI holds only the next hop and its length. */
static void put_attrs(struct dump *d, uint32_t attr, uint8_t family)
{
    struct kd_addr none = {.family = family};
    struct bgp_attrs a;

    bgp_attrs_get(&d->b->attrs, attr, &a);
    if (a.nexthop.family == 0) /* a network of ours */
        a.nexthop = none;
    a.has |= BGP_HAS(BGP_A_NEXT_HOP);
    bgp_attrs_put(&d->w, &a, true, family == 4);
    if (family == 4)
        return;
    bgp_attr_head(&d->w, BGP_AF_OPTIONAL, BGP_A_MP_REACH, 17);
    kd_put_u8(&d->w, 16);
    kd_put_bytes(&d->w, kd_addr_bytes(&a.nexthop));
}

/* False: nothing was written, for it doesn't fit. */
static bool put_entry(struct dump *d, const struct bgp_path *path, uint16_t index, uint8_t family)
{
    const struct bgp_peer *p = path->peer == BGP_PEER_LOCAL ? NULL : d->b->slot[path->peer];
    size_t start, len_at;

    if (!room(d))
        return false;
    start = d->w.pos;
    kd_put_u16(&d->w, index);
    kd_put_u32(&d->w, originated(d, p));
    len_at = kd_put_gap(&d->w, 2);
    put_attrs(d, path->attr, family);
    if (!d->w.ok || d->w.pos - len_at - 2 > ATTRS_MAX) {
        d->w.ok = true;
        d->w.pos = start;
        return false;
    }
    kd_patch_u16(&d->w, len_at, (uint16_t)(d->w.pos - len_at - 2));
    return true;
}

static uint16_t index_of(const struct bgp *b, const struct bgp_peer *p)
{
    for (uint32_t i = 0; i < b->n_peers; i++)
        if (b->peers[i] == p)
            return (uint16_t)(1 + i);
    return 0;
}

/* Accepted, and of a session that is up, or kept after it. */
static bool counts(const struct bgp *b, const struct bgp_rib *rib, const struct bgp_path *path)
{
    return path->attr && (path->peer == BGP_PEER_LOCAL ||
                          bgp_family_lives(bgp_family(b->slot[path->peer], rib->family)));
}

static void put_dest(struct dump *d, const struct bgp_rib *rib, uint32_t dest)
{
    struct kd_prefix prefix = bgp_rib_prefix(rib, dest);
    size_t start = d->w.pos, count_at;
    uint16_t n = 0;

    if (!room(d))
        return;
    start = begin(d, rib->family == 4 ? MRT_RIB_IPV4_UNICAST : MRT_RIB_IPV6_UNICAST);
    kd_put_u32(&d->w, d->seq);
    kd_put_u8(&d->w, prefix.len);
    kd_put_bytes(&d->w, kd_bytes(prefix.addr.b, (prefix.len + 7u) / 8));
    count_at = kd_put_gap(&d->w, 2);
    for (uint32_t i = bgp_rib_dest(rib, dest)->paths; i; i = bgp_rib_path(rib, i)->next) {
        const struct bgp_path *path = bgp_rib_path(rib, i);
        bool local = path->peer == BGP_PEER_LOCAL;
        if (counts(d->b, rib, path))
            n +=
                put_entry(d, path, local ? 0 : index_of(d->b, d->b->slot[path->peer]), rib->family);
    }
    kd_patch_u16(&d->w, count_at, n);
    end(d, start);
    if (n == 0)
        d->w.pos = start; /* nothing of it is in use */
    else
        d->seq++;
}

static void put_rib(struct dump *d, const struct bgp_rib *rib)
{
    uint32_t *sorted = bgp_rib_sorted(rib);

    if (!sorted && rib->dests.n_live)
        d->failed = true;
    for (uint32_t i = 0; sorted && i < rib->dests.n_live; i++)
        put_dest(d, rib, sorted[i]);
    free(sorted);
}

uint8_t *bgp_mrt_table(const struct bgp *b, uint64_t now_us, uint32_t wall_s, size_t *len)
{
    struct dump d = {.b = b, .now_us = now_us, .wall_s = wall_s, .w = {.ok = true}};

    if (b->n_ribs == 0) /* a dump without routes still names the peers */
        put_peers(&d, 0);
    for (uint32_t i = 0; i < b->n_ribs; i++) {
        if (i == 0 || b->ribs[i]->table != b->ribs[i - 1]->table) {
            put_peers(&d, b->ribs[i]->table);
            d.seq = 0;
        }
        put_rib(&d, b->ribs[i]);
    }
    if (d.failed) {
        free(d.p);
        return NULL;
    }
    *len = d.w.pos;
    return d.p;
}
