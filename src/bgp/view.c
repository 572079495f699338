/* Views for the operator: peers and routes as values. Reads only; routes come in key order, for
 * which a table is sorted when it is asked for. */
#include "bgp/aspath.h"
#include "bgp/decision.h"
#include "bgp/guard.h"

#include <stdlib.h>

bool bgp_peer_get(const struct bgp *b, uint32_t peer, struct bgp_peer_view *v)
{
    const struct bgp_peer *p = bgp_peer_by_id(b, peer);

    *v = (struct bgp_peer_view){0};
    if (!p)
        return false;
    v->state = bgp_peer_state(p);
    v->reason = p->reason;
    v->since_us = p->since_us;
    v->remote_router_id = p->remote_id;
    v->hold_s = p->up ? p->up->hold_s : p->hold_s;
    v->keepalive_s = p->up ? (uint16_t)(p->up->keepalive_us / 1000000)
                           : (p->keepalive_s ? p->keepalive_s : p->hold_s / 3);
    v->local = p->up ? p->up->local : p->local;
    v->remote = p->remote;
    v->asn = p->asn;
    v->ibgp = p->ibgp;
    v->as4 = !p->up || p->up->as4;
    for (int i = 0; i < 2; i++) {
        if (!bgp_family_lives(&p->family[i]))
            continue;
        v->received += p->family[i].paths.n;
        v->accepted += p->family[i].accepted;
        v->advertised += p->up ? p->family[i].n_out : 0;
    }
    v->prefixes_max = p->prefixes_max;
    v->retry_at_us = p->on && p->idle_hold ? p->retry_at_us : 0;
    v->msgs_in = p->msgs_in;
    v->msgs_out = p->msgs_out;
    v->eor = p->up && p->eor_noted;
    memcpy(v->last_error, p->last_error, sizeof(v->last_error));
    return true;
}

struct walk {
    const struct bgp *b;
    const struct bgp_rib *rib;
    enum bgp_rib_view view;
    uint32_t peer;
    bool (*fn)(void *arg, const struct bgp_route_view *r);
    void *arg;
};

static void fill_communities(const struct bgp_attrs *a, struct bgp_route_view *r)
{
    struct kd_reader in;

    kd_reader_init(&in, a->communities);
    while (kd_reader_left(&in) >= 4 && r->n_communities < KD_ARRAY_LEN(r->communities))
        r->communities[r->n_communities++] = kd_get_u32(&in);
    kd_reader_init(&in, a->ext_communities);
    for (; kd_reader_left(&in) >= 8 && r->n_ext < KD_ARRAY_LEN(r->ext); r->n_ext++)
        for (int i = 0; i < 2; i++)
            r->ext[r->n_ext][i] = kd_get_u32(&in);
    kd_reader_init(&in, a->large_communities);
    for (; kd_reader_left(&in) >= 12 && r->n_large < KD_ARRAY_LEN(r->large); r->n_large++)
        for (int i = 0; i < 3; i++)
            r->large[r->n_large][i] = kd_get_u32(&in);
}

static void fill_attrs(const struct walk *w, uint32_t attr, struct bgp_route_view *r)
{
    struct bgp_attrs a;

    bgp_attrs_get(&w->b->attrs, attr, &a);
    r->nexthop = a.nexthop;
    r->local_pref = a.has & BGP_HAS(BGP_A_LOCAL_PREF) ? a.local_pref : 100;
    r->has_med = a.has & BGP_HAS(BGP_A_MED);
    r->med = r->has_med ? a.med : 0;
    r->origin = a.origin;
    fill_communities(&a, r);
    r->n_as = (uint16_t)KD_MIN(bgp_aspath_flatten(a.as_path, r->as_path, KD_ARRAY_LEN(r->as_path)),
                               KD_ARRAY_LEN(r->as_path));
}

static struct bgp_route_view start_route(const struct walk *w, uint32_t dest)
{
    return (struct bgp_route_view){
        .prefix = bgp_rib_prefix(w->rib, dest), .table = w->rib->table, .peer = UINT32_MAX};
}

/* The paths of a destination that carry; the best first. */
struct carrying {
    uint32_t n, path[BGP_ECMP_MAX];
};

static struct carrying carrying(const struct walk *w, uint32_t dest)
{
    struct carrying c = {0};

    c.n = bgp_carrying(w->b, w->rib, dest, c.path);
    return c;
}

static bool is_stale(const struct walk *w, const struct bgp_path *p)
{
    const struct bgp_family *f = &w->b->slot[p->peer]->family[w->rib->family == 6];

    return f->stale && p->epoch != f->epoch;
}

static bool say_path(const struct walk *w, uint32_t dest, uint32_t path, const struct carrying *c)
{
    const struct bgp_path *p = bgp_rib_path(w->rib, path);
    struct bgp_route_view r = start_route(w, dest);

    r.best = c->n > 0 && path == c->path[0];
    for (uint32_t i = 0; i < c->n; i++)
        r.carries = r.carries || path == c->path[i];
    r.local = p->peer == BGP_PEER_LOCAL;
    r.accepted = p->attr != 0;
    r.valid = r.accepted;
    r.looped = p->looped;
    if (!r.local) {
        r.peer = w->b->slot[p->peer]->id;
        r.ibgp = w->b->slot[p->peer]->ibgp;
        r.weight = w->b->slot[p->peer]->weight;
        r.stale = is_stale(w, p);
        r.recursive = r.accepted && bgp_recursive(w->b, w->rib, p);
        r.valid = r.accepted && !r.recursive && bgp_nexthop_at(&w->b->nexthops, p->nexthop)->up;
    }
    /* learned: what the peer said, unless the policy let it in changed */
    fill_attrs(w, p->attr ? p->attr : p->attr_in, &r);
    return w->fn(w->arg, &r);
}

static bool say_best(const struct walk *w, uint32_t dest)
{
    const struct carrying c = carrying(w, dest);
    const struct bgp_path *p = c.n > 0 ? bgp_rib_path(w->rib, c.path[0]) : NULL;

    if (!p || (w->peer != UINT32_MAX &&
               (p->peer == BGP_PEER_LOCAL || w->b->slot[p->peer]->id != w->peer)))
        return true;
    return say_path(w, dest, c.path[0], &c);
}

/* In the order of the peers' ids; what a stopped session left behind isn't shown. */
static bool say_learned(const struct walk *w, uint32_t dest)
{
    const struct carrying c = carrying(w, dest);

    for (uint32_t i = 0; i < w->b->n_peers; i++) {
        const struct bgp_peer *p = w->b->peers[i];
        uint32_t path;
        if (!bgp_family_lives(&p->family[w->rib->family == 6]) ||
            (w->peer != UINT32_MAX && p->id != w->peer))
            continue;
        path = bgp_path_find(w->rib, dest, p->slot);
        if (path && !say_path(w, dest, path, &c))
            return false;
    }
    return true;
}

/* Whose route dest's best is; UINT32_MAX: ours, or it has just gone. */
static uint32_t from(const struct walk *w, uint32_t dest, bool *local)
{
    const struct bgp_dest *d = bgp_rib_dest(w->rib, dest);
    uint16_t slot = d->flags & BGP_DEST_BEST ? bgp_rib_path(w->rib, d->paths)->peer : 0;

    *local = (d->flags & BGP_DEST_BEST) && slot == BGP_PEER_LOCAL;
    return *local || !(d->flags & BGP_DEST_BEST) ? UINT32_MAX : w->b->slot[slot]->id;
}

static bool say_advertised(const struct walk *w, uint32_t dest)
{
    struct bgp_peer *p = bgp_peer_by_id(w->b, w->peer);
    struct bgp_family *f = p ? bgp_family(p, w->rib->family) : NULL;
    struct bgp_route_view r = start_route(w, dest);
    uint32_t attr;

    if (!f || !p->up || f->rib != w->rib)
        return true;
    attr = bgp_map_get(&f->out, dest);
    if (!attr)
        return true;
    r.peer = w->peer;
    r.from = from(w, dest, &r.local);
    r.accepted = r.valid = true;
    r.ibgp = p->ibgp;
    fill_attrs(w, attr, &r);
    return w->fn(w->arg, &r);
}

static bool (*const say[])(const struct walk *w, uint32_t dest) = {
    [BGP_VIEW_BEST] = say_best,
    [BGP_VIEW_LEARNED] = say_learned,
    [BGP_VIEW_ADVERTISED] = say_advertised,
};

static bool walk_rib(const struct walk *w)
{
    uint32_t n = w->rib->dests.n_live, *sorted = bgp_rib_sorted(w->rib);
    bool go = true;

    for (uint32_t i = 0; sorted && i < n && go; i++)
        go = say[w->view](w, sorted[i]);
    free(sorted);
    return go;
}

void bgp_rib_walk(const struct bgp *b, enum bgp_rib_view view, uint32_t peer,
                  bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg)
{
    struct walk w = {.b = b, .view = view, .peer = peer, .fn = fn, .arg = arg};

    for (uint32_t i = 0; i < b->n_ribs; i++) {
        w.rib = b->ribs[i];
        if (!walk_rib(&w))
            return;
    }
}

/* False: fn wants no more. */
static bool say_around(const struct walk *w, const struct kd_addr *a)
{
    bool go = true;

    for (int len = kd_addr_bits(a); len >= 0 && go; len--) {
        const struct kd_prefix p = kd_prefix_make(a, (uint8_t)len);
        uint32_t dest = bgp_rib_find(w->rib, &p);
        go = !dest || say_best(w, dest);
    }
    return go;
}

void bgp_rib_around(const struct bgp *b, const struct kd_addr *a,
                    bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg)
{
    struct walk w = {.b = b, .peer = UINT32_MAX, .fn = fn, .arg = arg};
    bool go = true;

    for (uint32_t i = 0; i < b->n_ribs && go; i++) {
        w.rib = b->ribs[i];
        go = w.rib->family != a->family || say_around(&w, a);
    }
}

/* ---- a destination a time ---- */

struct bgp_rib_tour {
    enum bgp_rib_view view;
    uint32_t peer, n, at;
    struct stop {
        uint32_t table;
        struct kd_prefix prefix;
    } stop[];
};

static bool add_stops(struct bgp_rib_tour *t, const struct bgp_rib *rib)
{
    uint32_t *sorted = bgp_rib_sorted(rib);

    for (uint32_t i = 0; sorted && i < rib->dests.n_live; i++)
        t->stop[t->n++] = (struct stop){rib->table, bgp_rib_prefix(rib, sorted[i])};
    free(sorted);
    return sorted || rib->dests.n_live == 0;
}

struct bgp_rib_tour *bgp_rib_tour_new(const struct bgp *b, enum bgp_rib_view view, uint32_t peer)
{
    struct bgp_rib_tour *t;
    size_t n = 0;
    bool ok;

    for (uint32_t i = 0; i < b->n_ribs; i++)
        n += b->ribs[i]->dests.n_live;
    t = malloc(sizeof(*t) + n * sizeof(t->stop[0]));
    if (!t)
        return NULL;
    *t = (struct bgp_rib_tour){.view = view, .peer = peer};
    ok = true;
    for (uint32_t i = 0; i < b->n_ribs && ok; i++)
        ok = add_stops(t, b->ribs[i]);
    if (ok)
        return t;
    free(t);
    return NULL;
}

bool bgp_rib_tour_next(struct bgp_rib_tour *t, const struct bgp *b,
                       bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg)
{
    struct walk w = {.b = b, .view = t->view, .peer = t->peer, .fn = fn, .arg = arg};
    const struct stop *s = &t->stop[t->at];
    uint32_t dest;

    if (t->at == t->n)
        return false;
    t->at++;
    w.rib = bgp_rib_of(b, s->table, s->prefix.addr.family);
    dest = w.rib ? bgp_rib_find(w.rib, &s->prefix) : 0;
    if (dest)
        (void)say[t->view](&w, dest);
    return true;
}

void bgp_rib_tour_free(struct bgp_rib_tour *t)
{
    free(t);
}
