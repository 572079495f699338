/* The decision process, RFC 4271 9.1.1 and 9.1.2.2 with RFC 4456 9 (originator and cluster list).
 *
 * Candidates are eliminated step by step in the order of the table below; every step looks at all
 * that are left, so MED compares within a neighboring AS whatever the order of arrival
 * ("deterministic MED"). A missing MED counts as 0 (9.1.2.2 c), a missing LOCAL_PREF as 100. Local
 * networks come first, as everywhere. With ECMP, the paths left when only identifiers and addresses
 * still tell them apart are installed together. A neighbor's weight ranks before all of that, for
 * what carries and is shown alone. */
#include "bgp/decision.h"
#include "bgp/guard.h"

#define LOCAL_PREF_DEFAULT 100

static bool eligible(const struct bgp *b, const struct bgp_rib *rib, const struct bgp_path *p)
{
    if (!p->attr)
        return false;
    if (p->peer == BGP_PEER_LOCAL)
        return true;
    return bgp_family_lives(bgp_family(b->slot[p->peer], rib->family)) &&
           bgp_nexthop_at(&b->nexthops, p->nexthop)->up && !bgp_recursive(b, rib, p);
}

static uint32_t collect(const struct bgp *b, const struct bgp_rib *rib, uint32_t dest)
{
    uint32_t n = 0;

    for (uint32_t i = bgp_rib_dest(rib, dest)->paths; i; i = bgp_rib_path(rib, i)->next) {
        const struct bgp_path *p = bgp_rib_path(rib, i);
        if (!eligible(b, rib, p))
            continue;
        b->cand[n++] = (struct bgp_cand){
            .path = i,
            .p = p,
            .attr = bgp_attrs_at(&b->attrs, p->attr),
            .peer = p->peer == BGP_PEER_LOCAL ? NULL : b->slot[p->peer],
        };
    }
    return n;
}

/* ---- the steps: the lowest value stays ---- */

static uint64_t by_local(const struct bgp *b, const struct bgp_cand *c)
{
    (void)b;
    return c->peer != NULL;
}

static uint64_t by_weight(const struct bgp *b, const struct bgp_cand *c)
{
    (void)b;
    return UINT16_MAX - (c->peer ? c->peer->weight : 0);
}

static uint64_t by_local_pref(const struct bgp *b, const struct bgp_cand *c)
{
    bool has = c->attr->has & BGP_HAS(BGP_A_LOCAL_PREF);

    (void)b;
    return UINT32_MAX - (has ? c->attr->local_pref : LOCAL_PREF_DEFAULT);
}

static uint64_t by_as_path(const struct bgp *b, const struct bgp_cand *c)
{
    (void)b;
    return c->attr->n_as;
}

static uint64_t by_origin(const struct bgp *b, const struct bgp_cand *c)
{
    (void)b;
    return c->attr->origin;
}

static uint64_t by_ebgp(const struct bgp *b, const struct bgp_cand *c)
{
    (void)b;
    return c->peer && c->peer->ibgp;
}

static uint64_t by_cost(const struct bgp *b, const struct bgp_cand *c)
{
    return c->p->nexthop ? bgp_nexthop_at(&b->nexthops, c->p->nexthop)->metric : 0;
}

static uint64_t by_router_id(const struct bgp *b, const struct bgp_cand *c)
{
    if (c->attr->has & BGP_HAS(BGP_A_ORIGINATOR_ID))
        return c->attr->originator_id;
    return c->peer ? c->peer->remote_id : b->params.router_id;
}

static uint64_t by_clusters(const struct bgp *b, const struct bgp_cand *c)
{
    (void)b;
    return c->attr->n_clusters;
}

static uint32_t med_of(const struct bgp_cand *c)
{
    return c->attr->has & BGP_HAS(BGP_A_MED) ? c->attr->med : 0;
}

/* 9.1.2.2 c: a path goes when another from the same neighboring AS has a lower MED. */
static uint32_t keep_med(struct bgp_cand *c, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        bool beaten = false;
        for (uint32_t j = 0; j < n && !beaten; j++)
            beaten = c[j].attr->first_as == c[i].attr->first_as && med_of(&c[j]) < med_of(&c[i]);
        c[i].path |= beaten ? 1u << 31 : 0; /* still compared with, removed below */
    }
    for (uint32_t i = 0; i < n; i++)
        if (!(c[i].path >> 31))
            c[kept++] = c[i];
    return kept;
}

static const struct step {
    const char *rule;
    uint64_t (*value)(const struct bgp *b, const struct bgp_cand *c); /* NULL: MED */
    /* FORWARDING: not for what neighbors are told. IDENTITY: tells equals apart, not for ECMP */
    enum { ALWAYS, FORWARDING, IDENTITY } when;
} steps[] = {
    {"local network", by_local, ALWAYS},
    {"weight", by_weight, FORWARDING},
    {"9.1.1 LOCAL_PREF", by_local_pref, ALWAYS},
    {"9.1.2.2 a AS_PATH length", by_as_path, ALWAYS},
    {"9.1.2.2 b ORIGIN", by_origin, ALWAYS},
    {"9.1.2.2 c MULTI_EXIT_DISC", NULL, ALWAYS},
    {"9.1.2.2 d EBGP over IBGP", by_ebgp, ALWAYS},
    {"9.1.2.2 e interior cost", by_cost, ALWAYS},
    {"9.1.2.2 f BGP Identifier", by_router_id, IDENTITY},
    {"RFC 4456 9 CLUSTER_LIST length", by_clusters, IDENTITY},
};

static uint32_t keep_lowest(const struct bgp *b, const struct step *s, struct bgp_cand *c,
                            uint32_t n)
{
    uint64_t lowest = UINT64_MAX;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++)
        lowest = KD_MIN(lowest, s->value(b, &c[i]));
    for (uint32_t i = 0; i < n; i++)
        if (s->value(b, &c[i]) == lowest)
            c[kept++] = c[i];
    return kept;
}

/* 9.1.2.2 g, and the peer's id where two peers share an address (in different scopes). */
static int cmp_peer(const struct bgp_cand *x, const struct bgp_cand *y)
{
    int c;

    if (!x->peer || !y->peer)
        return (x->peer != NULL) - (y->peer != NULL);
    c = kd_addr_cmp(&x->peer->remote, &y->peer->remote);
    return c ? c : (x->peer->id > y->peer->id) - (x->peer->id < y->peer->id);
}

enum use { TELL, CARRY, CARRY_ECMP };

/* Leaves the equally good paths in c (all of them with ECMP, else one); the best one is first. */
static uint32_t eliminate(const struct bgp *b, struct bgp_cand *c, uint32_t n, enum use use)
{
    struct bgp_cand tmp;

    for (size_t i = 0; i < KD_ARRAY_LEN(steps) && n > 1; i++) {
        if (use == TELL && steps[i].when == FORWARDING)
            continue;
        if (use == CARRY_ECMP && steps[i].when == IDENTITY)
            break;
        n = steps[i].value ? keep_lowest(b, &steps[i], c, n) : keep_med(c, n);
    }
    for (uint32_t i = 1; i < n; i++)
        if (cmp_peer(&c[i], &c[0]) < 0) {
            tmp = c[0];
            c[0] = c[i];
            c[i] = tmp;
        }
    return use == CARRY_ECMP ? n : KD_MIN(n, 1u);
}

uint32_t bgp_best(const struct bgp *b, const struct bgp_rib *rib, uint32_t dest)
{
    uint32_t n = collect(b, rib, dest);

    return eliminate(b, b->cand, n, TELL) ? b->cand[0].path : 0;
}

uint32_t bgp_carrying(const struct bgp *b, const struct bgp_rib *rib, uint32_t dest,
                      uint32_t path[BGP_ECMP_MAX])
{
    enum use use = b->params.ecmp ? CARRY_ECMP : CARRY;
    uint32_t all = eliminate(b, b->cand, collect(b, rib, dest), use), n = 0;

    for (uint32_t i = 0; i < all && n < BGP_ECMP_MAX; i++)
        path[n++] = b->cand[i].path;
    if (n < 2 || !eliminate(b, b->cand, all, CARRY))
        return n;
    for (uint32_t i = n - 1; i > 0; i--)
        if (path[i] == b->cand[0].path)
            path[i] = path[0];
    path[0] = b->cand[0].path;
    return n;
}

void bgp_mark_peers(struct bgp *b, struct bgp_rib *rib, uint32_t dest)
{
    struct bgp_dest *d = bgp_rib_dest(rib, dest);

    if (!(d->flags & BGP_DEST_CHANGED))
        return;
    d->flags &= (uint8_t)~BGP_DEST_CHANGED;
    for (uint32_t i = 0; i < b->n_peers; i++) {
        struct bgp_peer *p = b->peers[i];
        struct bgp_family *f = bgp_family(p, rib->family);
        if (p->up && f->up && f->rib == rib && !bgp_pending_set(&f->pending, dest))
            p->broken = true;
    }
}

void bgp_decide(struct bgp *b, struct bgp_rib *rib, uint32_t dest)
{
    struct bgp_dest *d = bgp_rib_dest(rib, dest);

    if (!(d->flags & BGP_DEST_LIVE))
        return;
    bgp_guard_note(b, rib, dest);
    bgp_path_set_best(rib, dest, bgp_best(b, rib, dest));
    if (!(d->flags & BGP_DEST_BEST) || b->params.no_fib)
        bgp_mark_peers(b, rib, dest);
    if (b->params.no_fib)
        bgp_rib_drop(rib, dest);
    else
        bgp_rib_mark_fib(rib, dest);
}

/* ---- path sets ---- */

static bool same_way(const struct bgp_path_nh *x, const struct bgp_path_nh *y)
{
    return x->iface == y->iface && kd_addr_eq(&x->nexthop, &y->nexthop);
}

static int cmp_way(const struct bgp_path_nh *x, const struct bgp_path_nh *y)
{
    int c = kd_addr_cmp(&x->nexthop, &y->nexthop);

    if (c)
        return c;
    return (x->iface > y->iface) - (x->iface < y->iface);
}

/* Inserts in order, so that the set is the same whichever of its paths is the best. */
static void add_way(struct bgp_path_nh *v, uint8_t *n, const struct bgp_path_nh *way)
{
    uint8_t at = *n;

    for (uint8_t i = 0; i < *n; i++)
        if (same_way(&v[i], way))
            return;
    if (*n == BGP_ECMP_MAX)
        return;
    for (; at > 0 && cmp_way(way, &v[at - 1]) < 0; at--)
        v[at] = v[at - 1];
    v[at] = *way;
    (*n)++;
}

static void take_ways(const struct bgp_cand *c, uint32_t n, struct bgp_path_nh *v, uint8_t *n_out)
{
    for (uint32_t i = 0; i < n; i++) {
        struct bgp_path_nh way = {
            .nexthop = c[i].attr->nexthop, .peer = c[i].peer->id, .iface = c[i].peer->iface};
        add_way(v, n_out, &way);
    }
}

/* Would c go down together with a best path: the same peer, next hop or tunnel? */
static bool shares_fate(const struct bgp_cand *c, const struct bgp_path_nh *best)
{
    if (!c->peer)
        return false;
    if (c->peer->id == best->peer)
        return true;
    if (c->peer->iface != best->iface)
        return false;
    return best->iface != BGP_NO_IFACE || kd_addr_eq(&c->attr->nexthop, &best->nexthop);
}

static uint32_t without_best(struct bgp_cand *c, uint32_t n, const struct bgp_pathset *s)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        bool lost = false;
        for (uint8_t k = 0; k < s->n_best && !lost; k++)
            lost = shares_fate(&c[i], &s->best[k]);
        if (!lost)
            c[kept++] = c[i];
    }
    return kept;
}

bool bgp_choose_paths(const struct bgp *b, const struct bgp_rib *rib, uint32_t dest,
                      struct bgp_pathset *s)
{
    struct bgp_cand *c = b->cand;
    enum use use = b->params.ecmp ? CARRY_ECMP : CARRY;
    uint32_t n = eliminate(b, c, collect(b, rib, dest), use);

    *s = (struct bgp_pathset){0};
    if (n == 0 || !c[0].peer)
        return false;
    take_ways(c, n, s->best, &s->n_best);
    n = without_best(c, collect(b, rib, dest), s);
    if (n > 0)
        n = eliminate(b, c, n, use);
    if (n > 0 && c[0].peer)
        take_ways(c, n, s->backup, &s->n_backup);
    return true;
}
