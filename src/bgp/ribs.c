/* The RIBs as the engine drives them: one per routing table and family, local networks, next hops,
 * and what the core is told of it all: path sets and watches. */
#include "bgp/adjin.h"
#include "bgp/decision.h"

#include <stdlib.h>

static int cmp_rib(const struct bgp_rib *r, uint32_t table, uint8_t family)
{
    if (r->table != table)
        return r->table < table ? -1 : 1;
    return r->family - family;
}

struct bgp_rib *bgp_rib_of(const struct bgp *b, uint32_t table, uint8_t family)
{
    for (uint32_t i = 0; i < b->n_ribs; i++)
        if (cmp_rib(b->ribs[i], table, family) == 0)
            return b->ribs[i];
    return NULL;
}

struct bgp_rib *bgp_rib_make(struct bgp *b, uint32_t table, uint8_t family)
{
    struct bgp_rib *r = bgp_rib_of(b, table, family);
    uint32_t at = b->n_ribs;
    void *p;

    if (r)
        return r;
    p = realloc(b->ribs, (b->n_ribs + 1) * sizeof(*b->ribs));
    if (!p)
        return NULL;
    b->ribs = p;
    r = malloc(sizeof(*r));
    if (!r)
        return NULL;
    bgp_rib_init(r, table, family, b->salt);
    for (; at > 0 && cmp_rib(b->ribs[at - 1], table, family) > 0; at--)
        b->ribs[at] = b->ribs[at - 1];
    b->ribs[at] = r;
    b->n_ribs++;
    return r;
}

void bgp_ribs_free(struct bgp *b)
{
    for (uint32_t i = 0; i < b->n_ribs; i++) {
        bgp_rib_fini(b->ribs[i]);
        free(b->ribs[i]);
    }
    free(b->ribs);
}

void bgp_path_remove(struct bgp *b, struct bgp_rib *rib, struct bgp_path_list *list, uint32_t path)
{
    const struct bgp_path *p = bgp_rib_path(rib, path);

    bgp_rib_mark(rib, p->dest);
    bgp_attrs_unref(&b->attrs, p->attr_in);
    bgp_attrs_unref(&b->attrs, p->attr);
    bgp_nexthop_unref(&b->nexthops, p->nexthop);
    bgp_path_del(rib, path, list);
}

/* ---- local networks ---- */

/* The attributes of a redistributed route, with a reference; 0: the policy denies it, or memory is
 * out. */
static uint32_t redistributed(struct bgp *b, struct bgp_attrs *a, const struct kd_prefix *prefix)
{
    struct bgp_route_map *map = b->params.redistribute;
    uint8_t path[2 + 4 * BGP_PREPEND_MAX];
    struct bgp_route_set set;
    struct kd_writer room;
    int entry;

    a->origin = BGP_ORIGIN_INCOMPLETE;
    if (!map)
        return 0;
    entry = bgp_route_map_match(map, bgp_route_map_eligible(map, a, BGP_FROM_LOCAL, &b->work),
                                prefix);
    if (entry < 0)
        return 0;
    set = bgp_route_map_set(map, entry);
    kd_writer_init(&room, path, sizeof(path));
    bgp_adjin_set_values(b, a, &set, &room);
    return room.ok ? bgp_attrs_intern(&b->attrs, a) : 0;
}

static uint32_t local_attr(struct bgp *b, const struct bgp_event *ev,
                           const struct kd_prefix *prefix)
{
    static const uint8_t no_export[] = {0xff, 0xff, 0xff, 0x01}; /* BGP_COMMUNITY_NO_EXPORT */
    struct bgp_attrs a = {.has = BGP_HAS(BGP_A_ORIGIN) | BGP_HAS(BGP_A_AS_PATH),
                          .origin = BGP_ORIGIN_IGP};

    if (ev->redistributed)
        return redistributed(b, &a, prefix);
    if (ev->internal) {
        a.has |= BGP_HAS(BGP_A_COMMUNITIES);
        a.communities = kd_bytes(no_export, sizeof(no_export));
    }
    return bgp_attrs_intern(&b->attrs, &a);
}

static void local_add(struct bgp *b, struct bgp_rib *rib, const struct kd_prefix *prefix,
                      const struct bgp_event *ev)
{
    uint32_t attr = local_attr(b, ev, prefix);
    uint32_t dest = attr ? bgp_rib_get(rib, prefix) : 0;
    uint32_t path = dest && !bgp_path_find(rib, dest, BGP_PEER_LOCAL)
                        ? bgp_path_add(rib, dest, BGP_PEER_LOCAL, &rib->local)
                        : 0;

    if (!path) {
        bgp_attrs_unref(&b->attrs, attr);
        if (dest)
            bgp_rib_drop(rib, dest);
        return;
    }
    bgp_rib_path(rib, path)->attr_in = attr;
    bgp_rib_path(rib, path)->attr = bgp_attrs_ref(&b->attrs, attr);
    bgp_rib_dest(rib, dest)->flags |= ev->half ? BGP_DEST_HALF : 0;
    bgp_rib_mark(rib, dest);
}

/* A network of ours may be what was half of another; then it isn't one's to take back. */
static bool is_half(const struct bgp_rib *rib, uint32_t dest)
{
    return bgp_rib_dest(rib, dest)->flags & BGP_DEST_HALF;
}

void bgp_ribs_local_route(struct bgp *b, const struct bgp_event *ev)
{
    struct kd_prefix prefix = kd_prefix_make(&ev->prefix.addr, ev->prefix.len);
    struct bgp_rib *rib;
    uint32_t dest, path;

    if (prefix.addr.family != 4 && prefix.addr.family != 6)
        return;
    rib = bgp_rib_make(b, ev->table, prefix.addr.family);
    if (!rib)
        return;
    if (ev->up) {
        local_add(b, rib, &prefix, ev);
        return;
    }
    dest = bgp_rib_find(rib, &prefix);
    path = dest ? bgp_path_find(rib, dest, BGP_PEER_LOCAL) : 0;
    if (!path || is_half(rib, dest) != ev->half)
        return;
    bgp_rib_dest(rib, dest)->flags &= (uint8_t)~BGP_DEST_HALF;
    bgp_path_remove(b, rib, &rib->local, path);
}

/* ---- next hops ---- */

void bgp_ribs_nexthop(struct bgp *b, const struct bgp_event *ev)
{
    uint32_t i = bgp_nexthop_find(&b->nexthops, ev->table, ev->iface, &ev->nexthop);
    struct bgp_nexthop *n;

    if (!i)
        return; /* unwatched meanwhile */
    n = bgp_nexthop_at(&b->nexthops, i);
    if (n->up == ev->up && n->metric == ev->metric)
        return;
    n->up = ev->up;
    n->metric = ev->metric;
    n->changed = true;
    for (uint32_t k = 0; k < b->n_ribs; k++)
        if (b->ribs[k]->table == ev->table)
            b->ribs[k]->rescan = 1;
}

static void reconsider(struct bgp *b, struct bgp_rib *rib, uint32_t dest)
{
    for (uint32_t i = bgp_rib_dest(rib, dest)->paths; i; i = bgp_rib_path(rib, i)->next) {
        uint32_t nh = bgp_rib_path(rib, i)->nexthop;
        if (nh && bgp_nexthop_at(&b->nexthops, nh)->changed) {
            bgp_rib_mark(rib, dest);
            return;
        }
    }
}

static bool rescan_rib(struct bgp *b, struct bgp_rib *rib)
{
    while (rib->rescan && rib->rescan < rib->dests.n_made) {
        if (bgp_busy(b))
            return true;
        b->work++;
        if (bgp_rib_dest(rib, rib->rescan)->flags & BGP_DEST_LIVE)
            reconsider(b, rib, rib->rescan);
        rib->rescan++;
    }
    rib->rescan = 0;
    return false;
}

bool bgp_ribs_rescan(struct bgp *b)
{
    bool any = false;

    for (uint32_t k = 0; k < b->n_ribs; k++) {
        any |= b->ribs[k]->rescan != 0;
        if (rescan_rib(b, b->ribs[k]))
            return true;
    }
    for (uint32_t i = 1; any && i < b->nexthops.pool.n_made; i++)
        bgp_nexthop_at(&b->nexthops, i)->changed = false;
    return false;
}

static bool say_nexthop(struct bgp *b, uint32_t i)
{
    struct bgp_nexthop *n = bgp_nexthop_at(&b->nexthops, i);
    bool want = n->refs > 0;
    struct bgp_action *a;

    if (n->used && want != n->watched) {
        if (b->out->n >= BGP_NH_ACTIONS || !bgp_emit_room(b))
            return false;
        a = bgp_emit(b, want ? BGP_ACT_NH_WATCH : BGP_ACT_NH_UNWATCH);
        a->table = n->table;
        a->iface = n->iface;
        a->nexthop = n->addr;
        n->watched = want;
    }
    bgp_pending_clear(&b->nexthops.pending, i);
    if (n->used && !want)
        bgp_nexthop_drop(&b->nexthops, i);
    return true;
}

bool bgp_ribs_tell_nexthops(struct bgp *b)
{
    for (uint32_t i = 0; (i = bgp_pending_next(&b->nexthops.pending, i)) != 0; i++)
        if (!say_nexthop(b, i))
            return true;
    return false;
}

/* ---- decisions, and what the core is told ---- */

bool bgp_ribs_decide(struct bgp *b)
{
    for (uint32_t k = 0; k < b->n_ribs; k++) {
        struct bgp_rib *rib = b->ribs[k];
        for (uint32_t i = 0; (i = bgp_pending_next(&rib->dirty, i)) != 0; i++) {
            if (bgp_busy(b))
                return true;
            b->work++;
            bgp_pending_clear(&rib->dirty, i);
            bgp_decide(b, rib, i);
        }
    }
    return false;
}

static void say_route(struct bgp *b, const struct bgp_rib *rib, uint32_t dest, uint32_t set)
{
    struct bgp_action *last = b->out->n ? &b->out->a[b->out->n - 1] : NULL, *a;
    struct kd_bytes bytes = set ? bgp_pathset_bytes(&b->pathsets, set) : kd_bytes(NULL, 0);
    struct kd_span span = {0, 0};

    /* Neighbors in the list mostly have the same paths: their bytes are there already. */
    if (set && last && last->kind == BGP_ACT_ROUTE_SET &&
        kd_bytes_eq(kd_bytes(b->out->buf + last->paths.off, last->paths.len), bytes))
        span = last->paths;
    else if (set)
        span = bgp_emit_bytes(b, bytes);
    a = bgp_emit(b, set ? BGP_ACT_ROUTE_SET : BGP_ACT_ROUTE_DEL);
    a->table = rib->table;
    a->prefix = bgp_rib_prefix(rib, dest);
    a->paths = span;
}

static void tell_dest(struct bgp *b, struct bgp_rib *rib, uint32_t dest)
{
    struct bgp_dest *d = bgp_rib_dest(rib, dest);
    struct bgp_pathset s;
    uint32_t set = 0;

    bgp_mark_peers(b, rib, dest);
    if (bgp_choose_paths(b, rib, dest, &s)) {
        set = bgp_pathset_intern(&b->pathsets, &s);
        if (!set)
            return; /* no memory: what was told stays, the next change tries again */
    }
    if (set != d->told)
        say_route(b, rib, dest, set);
    bgp_pathset_unref(&b->pathsets, d->told);
    d->told = set;
    bgp_rib_drop(rib, dest);
}

static bool tell_rib(struct bgp *b, struct bgp_rib *rib)
{
    uint32_t batch[BGP_FIB_ACTIONS], n = 0, i = 0;

    while (n < BGP_FIB_ACTIONS - KD_MIN(b->out->n, BGP_FIB_ACTIONS) &&
           (i = bgp_pending_next(&rib->fib, i)) != 0 && bgp_emit_room(b)) {
        bgp_pending_clear(&rib->fib, i);
        if (bgp_rib_dest(rib, i)->flags & BGP_DEST_LIVE)
            batch[n++] = i;
        i++;
    }
    bgp_rib_sort(rib, batch, n); /* what a step shows is in key order */
    for (uint32_t k = 0; k < n; k++)
        tell_dest(b, rib, batch[k]);
    b->work += n;
    return rib->fib.n > 0;
}

bool bgp_ribs_tell_fib(struct bgp *b)
{
    bool more = false;

    for (uint32_t k = 0; k < b->n_ribs; k++)
        more |= tell_rib(b, b->ribs[k]);
    return more;
}
