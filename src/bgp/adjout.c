/* Adj-RIB-Out: RFC 4271 5.1, 9.1.3 and 9.2 for what is sent to whom; RFC 1997 for the well-known
 * communities; RFC 8212; packing of prefixes with the same attributes into one UPDATE.
 *
 * A path isn't offered to an external peer whose AS is in it already: the peer would refuse it
 * (9.1.2), and "advertised" would count what can't be used. Nor back to the peer it came from.
 * MinRouteAdvertisementInterval (9.2.1.1) isn't kept: a backup path has to move at once. */
#include "bgp/adjout.h"
#include "bgp/adjin.h"
#include "bgp/aspath.h"
#include "bgp/graceful.h"
#include "bgp/refresh.h"
#include "bgp/update.h"

#include <stdlib.h>

/* In a message besides attributes and one IPv6 prefix: header, lengths, MP_REACH_NLRI's own. */
#define UPDATE_OVERHEAD (BGP_HEADER_LEN + 4 + 4 + 37 + 7 + 17)

/* A path an export may have grown to. */
#define EXPORT_PATH_BYTES                                                                          \
    (BGP_AS_PATH_BYTES + 4 * (2 * BGP_PREPEND_MAX + BGP_STEER_PREPEND_MAX + 1) + 8)

struct job {
    uint32_t attr; /* 0: withdraw */
    uint32_t dest;
};

/* ---- what the attributes become ---- */

static bool communities_allow(const struct bgp_peer *p, const struct bgp_attrs *a)
{
    if (bgp_community_has(a, BGP_COMMUNITY_NO_ADVERTISE))
        return false;
    return p->ibgp || !(bgp_community_has(a, BGP_COMMUNITY_NO_EXPORT) ||
                        bgp_community_has(a, BGP_COMMUNITY_NO_EXPORT_SUBCONFED));
}

/* RFC 4271 5.1.3: self on eBGP, for local networks, and instead of the peer's own address. */
static bool set_nexthop(const struct bgp_peer *p, uint8_t family, struct bgp_attrs *a,
                        const struct bgp_route_set *set)
{
    bool self = !p->ibgp || p->next_hop_self || a->nexthop.family == 0 ||
                kd_addr_eq(&a->nexthop, &p->remote) || set->set_nexthop == BGP_NEXTHOP_PEER;

    if (set->set_nexthop == BGP_NEXTHOP_ADDRESS && set->nexthop.family == family)
        a->nexthop = set->nexthop;
    else if (self)
        a->nexthop = p->session_local.family == family ? p->session_local : p->local_other;
    a->has |= BGP_HAS(BGP_A_NEXT_HOP);
    return a->nexthop.family == family; /* no address of that family of ours is known */
}

static void set_values(const struct bgp_peer *p, bool local, struct bgp_attrs *a,
                       const struct bgp_route_set *set)
{
    if (!p->ibgp) {
        /* 5.1.4: another AS's MED goes no further; 5.1.5: LOCAL_PREF stays inside */
        a->has &= ~((local ? 0 : BGP_HAS(BGP_A_MED)) | BGP_HAS(BGP_A_LOCAL_PREF) |
                    BGP_HAS(BGP_A_ORIGINATOR_ID) | BGP_HAS(BGP_A_CLUSTER_LIST));
    } else if (!(a->has & BGP_HAS(BGP_A_LOCAL_PREF))) {
        a->has |= BGP_HAS(BGP_A_LOCAL_PREF);
        a->local_pref = 100;
    }
    if (set->set_med) {
        a->has |= BGP_HAS(BGP_A_MED);
        a->med = set->med;
    }
    if (set->set_local_pref && p->ibgp)
        a->local_pref = set->local_pref;
    if (!(a->has & BGP_HAS(BGP_A_MED)))
        a->med = 0; /* one value for one meaning: sets are compared */
    if (!(a->has & BGP_HAS(BGP_A_LOCAL_PREF)))
        a->local_pref = 0;
    if (!(a->has & BGP_HAS(BGP_A_ORIGINATOR_ID)))
        a->originator_id = 0;
}

static void set_communities(const struct bgp_peer *p, struct bgp_attrs *a,
                            const struct bgp_route_set *set, struct kd_writer *room)
{
    const struct bgp_community tag = bgp_community_standard(BGP_COMMUNITY_GRACEFUL_SHUTDOWN);
    const struct bgp_community_edit add = {.n_add = 1, .add = &tag};
    static const struct bgp_community local = {
        .kind = BGP_COMMUNITY_EXTENDED, .part = {1u << 30}, .mask = {1u << 30}};
    static const struct bgp_community_edit leave_behind = {.n_delete = 1, .delete = &local};

    if (!p->ibgp) /* RFC 4360 6: what isn't transitive; our own policy may say otherwise */
        bgp_community_apply(a, &leave_behind, room);
    bgp_community_apply(a, &set->community, room);
    if (!p->leaving)
        return;
    bgp_community_apply(a, &add, room); /* RFC 8326 4.1 */
    if (p->ibgp)
        a->local_pref = 0;
}

/* The policy's ASNs first, then, on eBGP, ours in front (5.1.2 b). */
static void set_path(const struct bgp *b, const struct bgp_peer *p, struct bgp_attrs *a,
                     const struct bgp_route_set *set, struct kd_writer *room)
{
    uint32_t asn[1 + BGP_STEER_PREPEND_MAX + BGP_PREPEND_MAX];
    unsigned n = 0;

    if (!p->ibgp)
        for (unsigned i = 0; i <= p->steer.prepend; i++)
            asn[n++] = b->params.asn;
    for (unsigned i = 0; i < set->n_prepend; i++)
        asn[n++] = set->prepend[i];
    if (n == 0)
        return;
    bgp_aspath_prepend(room, asn, n, a->as_path);
    a->as_path = kd_written(room);
}

/* Bytes the attributes take at most: an old speaker gets a long path twice (RFC 6793). */
static bool fits(struct bgp *b, const struct bgp_conn *c, const struct bgp_attrs *a)
{
    struct kd_writer w;

    kd_writer_init(&w, b->attrs_room, BGP_EXTENDED_MAX);
    bgp_attrs_put(&w, a, c->as4, true);
    return w.ok && w.pos + UPDATE_OVERHEAD <= c->tx_max;
}

/* The set to be sent for attr, with a reference; 0: not to be sent. */
static uint32_t rewrite(struct bgp *b, struct bgp_peer *p, uint8_t family, uint32_t attr, int entry)
{
    struct bgp_route_set set = {0};
    uint8_t path[EXPORT_PATH_BYTES], overridden[BGP_AS_PATH_BYTES];
    struct kd_writer room, other, communities;
    struct bgp_attrs a;
    bool local;

    if (p->export)
        set = bgp_route_map_set(p->export, entry);
    bgp_attrs_get(&b->attrs, attr, &a);
    local = a.nexthop.family == 0;
    kd_writer_init(&other, overridden, sizeof(overridden));
    if (p->as_override && !p->ibgp) {
        bgp_aspath_replace(&other, a.as_path, p->asn, b->params.asn);
        a.as_path = kd_written(&other);
    }
    if (!communities_allow(p, &a) || (!p->ibgp && bgp_aspath_has(a.as_path, p->asn)) ||
        !set_nexthop(p, family, &a, &set))
        return 0;
    set_values(p, local, &a, &set);
    kd_writer_init(&communities, b->community_room, BGP_COMMUNITY_ROOM);
    set_communities(p, &a, &set, &communities);
    kd_writer_init(&room, path, sizeof(path));
    set_path(b, p, &a, &set, &room);
    if (!room.ok || !other.ok || !communities.ok || !fits(b, p->up, &a)) {
        bgp_note_error(b, p, "attributes too long for a message: not advertised");
        return 0;
    }
    return bgp_attrs_intern(&b->attrs, &a);
}

/* ---- which destinations ---- */

/* RFC 4271 9.2: what was learned from an internal peer isn't told to another. */
static const struct bgp_path *offer(const struct bgp *b, const struct bgp_peer *p,
                                    const struct bgp_rib *rib, const struct bgp_dest *d)
{
    const struct bgp_path *path;

    if (!(d->flags & BGP_DEST_BEST))
        return NULL;
    path = bgp_rib_path(rib, d->paths);
    if (path->peer == p->slot)
        return NULL;
    if (path->peer != BGP_PEER_LOCAL && b->slot[path->peer]->ibgp && p->ibgp)
        return NULL;
    return path;
}

/* Results of this batch by (attributes, entry); each entry holds a reference. */
static uint32_t rewritten(struct bgp *b, struct bgp_peer *p, uint8_t family, uint32_t attr,
                          int entry)
{
    struct bgp_export_memo *m = &b->memo[(attr * 31 + (uint32_t)entry) % BGP_MEMO];

    if (m->used && m->attr == attr && m->entry == entry)
        return m->out;
    if (m->used)
        bgp_attrs_unref(&b->attrs, m->out);
    *m = (struct bgp_export_memo){.attr = attr, .entry = entry, .used = true};
    m->out = rewrite(b, p, family, attr, entry);
    return m->out;
}

static enum bgp_source source(const struct bgp *b, const struct bgp_path *path)
{
    return path->peer == BGP_PEER_LOCAL ? BGP_FROM_LOCAL : b->slot[path->peer]->source;
}

/* The entries of p's policy that path is eligible for, remembered within this batch. */
static uint32_t eligible(struct bgp *b, const struct bgp_peer *p, const struct bgp_path *path)
{
    struct bgp_eligible_memo *m = &b->eligible[path->attr % BGP_MEMO];
    enum bgp_source from = source(b, path);
    struct bgp_attrs a;

    if (m->used && m->attr == path->attr && m->from == from)
        return m->entries;
    bgp_attrs_get(&b->attrs, path->attr, &a);
    *m = (struct bgp_eligible_memo){.attr = path->attr, .from = from, .used = true};
    m->entries = bgp_route_map_eligible(p->export, &a, from, &b->work);
    return m->entries;
}

static void forget(struct bgp *b)
{
    for (uint32_t i = 0; i < BGP_MEMO; i++) {
        if (b->memo[i].used)
            bgp_attrs_unref(&b->attrs, b->memo[i].out);
        b->memo[i].used = false;
        b->eligible[i].used = false;
    }
}

/* Half of one of ours is told like the whole, and only to who is steered so. */
static bool is_half(const struct bgp_dest *d, const struct bgp_path *path)
{
    return (d->flags & BGP_DEST_HALF) && path->peer == BGP_PEER_LOCAL;
}

/* What p is to be told of dest: 0 for nothing, or for "gone". No reference for the caller. */
static uint32_t export_attr(struct bgp *b, struct bgp_peer *p, const struct bgp_rib *rib,
                            uint32_t dest)
{
    const struct bgp_path *path = offer(b, p, rib, bgp_rib_dest(rib, dest));
    bool half = path && is_half(bgp_rib_dest(rib, dest), path);
    struct kd_prefix prefix;
    int entry = 0;

    if (!path || p->steer.withdraw || (!p->export && !p->ibgp)) /* RFC 8212 */
        return 0;
    if (half && !p->steer.halves)
        return 0;
    if (p->export) {
        prefix = bgp_rib_prefix(rib, dest);
        if (half)
            prefix = kd_prefix_make(&prefix.addr, (uint8_t)(prefix.len - 1));
        entry = bgp_route_map_match(p->export, eligible(b, p, path), &prefix);
    }
    return entry < 0 ? 0 : rewritten(b, p, rib->family, path->attr, entry);
}

static uint32_t next_pending(struct bgp_family *f)
{
    uint32_t i = bgp_pending_next(&f->pending, f->cursor);

    if (!i)
        i = bgp_pending_next(&f->pending, 1);
    f->cursor = i + 1;
    return i;
}

/* RFC 4271 9.1.3: no way is offered before it is on its way into the kernel; who is told of it may
 * send by it at once. The peers are marked again then. */
static bool too_early(struct bgp_rib *rib, uint32_t dest, uint32_t attr)
{
    if (!attr || !rib->fib.n || bgp_pending_next(&rib->fib, dest) != dest)
        return false;
    bgp_rib_dest(rib, dest)->flags |= BGP_DEST_CHANGED;
    return true;
}

/* Takes up to BGP_BATCH destinations whose advertisement has changed; each holds a reference. */
static uint32_t collect(struct bgp *b, struct bgp_peer *p, struct bgp_family *f, struct job *jobs)
{
    uint32_t n = 0, i;

    while (n < BGP_BATCH && !bgp_busy(b) && (i = next_pending(f)) != 0) {
        bool again = f->forced.n && bgp_pending_next(&f->forced, i) == i;
        uint32_t attr;
        b->work++;
        bgp_pending_clear(&f->pending, i);
        bgp_pending_clear(&f->forced, i);
        if (!(bgp_rib_dest(f->rib, i)->flags & BGP_DEST_LIVE))
            continue;
        attr = export_attr(b, p, f->rib, i);
        if (attr == bgp_map_get(&f->out, i) ? !(again && attr) : too_early(f->rib, i, attr))
            continue;
        jobs[n++] = (struct job){bgp_attrs_ref(&b->attrs, attr), i};
    }
    forget(b);
    return n;
}

/* ---- messages ---- */

static int cmp_job(const void *x, const void *y)
{
    const struct job *a = x, *b = y;

    if (a->attr != b->attr)
        return a->attr < b->attr ? -1 : 1;
    return (a->dest > b->dest) - (a->dest < b->dest);
}

static void sort_jobs(struct job *jobs, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (cmp_job(&jobs[i - 1], &jobs[i]) > 0) {
            qsort(jobs, n, sizeof(*jobs), cmp_job);
            return;
        }
}

/* The peer has been told: the job's reference becomes the table's. */
static void told(struct bgp *b, struct bgp_peer *p, struct bgp_family *f, const struct job *j)
{
    struct bgp_dest *d = bgp_rib_dest(f->rib, j->dest);
    uint32_t old = bgp_map_get(&f->out, j->dest);

    if (!bgp_map_set(&f->out, j->dest, j->attr)) {
        bgp_attrs_unref(&b->attrs, j->attr);
        p->broken = true;
        return;
    }
    bgp_attrs_unref(&b->attrs, old);
    if ((j->attr != 0) == (old != 0))
        return;
    f->n_out += j->attr ? 1 : UINT32_MAX; /* one more or one less */
    d->n_out = (uint16_t)(d->n_out + (j->attr ? 1 : -1));
    bgp_rib_drop(f->rib, j->dest);
}

/* One UPDATE from the front of the n jobs; how many it took. */
static uint32_t write_update(struct bgp *b, struct bgp_peer *p, struct bgp_family *f,
                             const struct job *jobs, uint32_t n)
{
    struct bgp_conn *c = p->up;
    struct kd_writer w = bgp_write_begin(b, c->tx_max), aw;
    struct bgp_update_out o;
    struct bgp_attrs a;
    uint32_t k = 0;

    if (jobs[0].attr) {
        bgp_attrs_get(&b->attrs, jobs[0].attr, &a);
        kd_writer_init(&aw, b->attrs_room, BGP_EXTENDED_MAX);
        bgp_attrs_put(&aw, &a, c->as4, f->rib->family == 4);
        kd_assert(
            bgp_update_announce(&o, &w, c->tx_max, f->rib->family, kd_written(&aw), &a.nexthop));
    } else {
        bgp_update_withdraw(&o, &w, c->tx_max, f->rib->family);
    }
    for (; k < n && jobs[k].attr == jobs[0].attr; k++) {
        struct kd_prefix prefix = bgp_rib_prefix(f->rib, jobs[k].dest);
        if (!bgp_update_add(&o, &prefix))
            break;
    }
    kd_assert(k > 0);
    bgp_update_end(&o);
    bgp_write_end(b, c, &w);
    b->out->a[b->out->n - 1].offers |= jobs[0].attr != 0;
    p->msgs_out++;
    for (uint32_t i = 0; i < k; i++)
        told(b, p, f, &jobs[i]);
    return k;
}

static bool can_write(const struct bgp *b, const struct bgp_peer *p)
{
    return bgp_emit_room(b) && p->up->outstanding < BGP_UNSENT_MAX &&
           b->out->used + p->up->tx_max + BGP_RESERVE_BYTES <= BGP_OUT_BYTES;
}

/* No room for the rest: it stays pending. */
static void put_back(struct bgp *b, struct bgp_peer *p, struct bgp_family *f,
                     const struct job *jobs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bgp_attrs_unref(&b->attrs, jobs[i].attr);
        if (!bgp_pending_set(&f->pending, jobs[i].dest) ||
            (jobs[i].attr && jobs[i].attr == bgp_map_get(&f->out, jobs[i].dest) &&
             !bgp_pending_set(&f->forced, jobs[i].dest)))
            p->broken = true;
    }
}

static void write_batch(struct bgp *b, struct bgp_peer *p, struct bgp_family *f)
{
    struct job jobs[BGP_BATCH];
    uint32_t n = collect(b, p, f, jobs), at = 0;

    sort_jobs(jobs, n); /* withdrawals (0) come first */
    while (at < n && can_write(b, p))
        at += write_update(b, p, f, jobs + at, n - at);
    put_back(b, p, f, jobs + at, n - at);
}

static void end_of_rib(struct bgp *b, struct bgp_peer *p, struct bgp_family *f)
{
    struct kd_writer w = bgp_write_begin(b, 64);

    bgp_update_put_end_of_rib(&w, f->rib->family);
    bgp_write_end(b, p->up, &w);
    p->msgs_out++;
    f->eor_sent = true;
    bgp_note_eor(b, p);
}

bool bgp_adjout_run(struct bgp *b, struct bgp_peer *p)
{
    if (bgp_graceful_deferred(b, p))
        return false;
    for (int i = 0; i < 2; i++) {
        struct bgp_family *f = &p->family[i];
        if (!f->up || !f->rib)
            continue;
        if (f->refresh_due && f->eor_sent) {
            if (!can_write(b, p))
                return p->up->outstanding < BGP_UNSENT_MAX;
            bgp_refresh_begin(b, p, f);
        }
        while (f->pending.n) {
            if (p->up->outstanding >= BGP_UNSENT_MAX)
                return false; /* TCP_SENT wakes us */
            if (bgp_busy(b) || !can_write(b, p))
                return true;
            write_batch(b, p, f);
        }
        if ((f->eor_sent && !f->refreshing) || f->rib->fib.n) /* what waits for it comes first */
            continue;
        if (!can_write(b, p))
            return p->up->outstanding < BGP_UNSENT_MAX;
        if (f->refreshing)
            bgp_refresh_end(b, p, f);
        else
            end_of_rib(b, p, f);
        if (f->refresh_due)
            return true; /* asked for before End-of-RIB */
    }
    return false;
}
