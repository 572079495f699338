/* Adj-RIB-In: RFC 4271 3.2, 9 (the UPDATE process up to the decision), RFC 8212 (no import without
 * policy on eBGP), RFC 7606 (treat-as-withdraw).
 *
 * Refused routes are kept: a changed policy is applied without asking the peer again. */
#include "bgp/adjin.h"
#include "bgp/aspath.h"
#include "bgp/graceful.h"
#include "bgp/nlri.h"
#include "bgp/update.h"

#include <stdio.h>

#define ENTRIES (BGP_POLICY_ENTRY_MAX + 1)

/* The routes of one UPDATE: the same attributes for all prefixes, so what the policy makes of them
 * is worked out once an entry. */
struct import {
    struct bgp *b;
    struct bgp_peer *p;
    struct bgp_family *f;
    uint32_t attr_in;
    uint32_t eligible; /* entries of the import policy */
    bool refused; /* a loop: held, never accepted */
    int memo_end; /* entries below it may be set */
    uint32_t memo[ENTRIES];
};

/* ---- policy ---- */

static bool loops(const struct bgp *b, const struct bgp_peer *p, const struct bgp_attrs *a)
{
    if (bgp_aspath_count(a->as_path, b->params.asn) > p->allow_as_in) /* RFC 4271 9.1.2 */
        return true;
    if (!p->ibgp) /* RFC 4456 8; our cluster would have our identifier, 7 */
        return false;
    return (a->has & BGP_HAS(BGP_A_ORIGINATOR_ID) && a->originator_id == b->params.router_id) ||
           (a->has & BGP_HAS(BGP_A_CLUSTER_LIST) &&
            bgp_list_has(a->cluster_list, b->params.router_id));
}

static void set_nexthop(const struct bgp_peer *p, struct bgp_attrs *a,
                        const struct bgp_route_set *set)
{
    const struct kd_addr *to = set->set_nexthop == BGP_NEXTHOP_PEER ? &p->remote : &set->nexthop;

    if (set->set_nexthop && to->family == a->nexthop.family)
        a->nexthop = *to;
}

void bgp_adjin_set_values(struct bgp *b, struct bgp_attrs *a, const struct bgp_route_set *set,
                          struct kd_writer *room)
{
    struct kd_writer communities;

    kd_writer_init(&communities, b->community_room, BGP_COMMUNITY_ROOM);
    bgp_community_apply(a, &set->community, &communities);
    room->ok &= communities.ok;
    if (set->set_local_pref) {
        a->has |= BGP_HAS(BGP_A_LOCAL_PREF);
        a->local_pref = set->local_pref;
    }
    if (set->set_med) {
        a->has |= BGP_HAS(BGP_A_MED);
        a->med = set->med;
    }
    if (set->n_prepend) {
        bgp_aspath_prepend(room, set->prepend, set->n_prepend, a->as_path);
        a->as_path = kd_written(room);
    }
}

/* RFC 8326 4.2: what a session brings that is to end, or that the neighbor says will. */
static void last_choice(struct bgp *b, const struct bgp_peer *p, struct bgp_attrs *a,
                        struct kd_writer *room)
{
    const struct bgp_community tag = bgp_community_standard(BGP_COMMUNITY_GRACEFUL_SHUTDOWN);
    const struct bgp_community_edit add = {.n_add = 1, .add = &tag};
    struct kd_writer communities; /* behind what the policy made of them */

    kd_writer_init(&communities, b->community_room + BGP_COMMUNITY_ROOM / 2,
                   BGP_COMMUNITY_ROOM / 2);
    if (p->leaving)
        bgp_community_apply(a, &add, &communities);
    else if (!p->graceful_shutdown || !bgp_community_has(a, BGP_COMMUNITY_GRACEFUL_SHUTDOWN))
        return;
    room->ok &= communities.ok;
    a->has |= BGP_HAS(BGP_A_LOCAL_PREF);
    a->local_pref = 0;
}

/* The attributes entry makes of attr_in, with a reference; 0 when memory is out. */
static uint32_t entry_attr(struct bgp *b, const struct bgp_peer *p, uint32_t attr_in, int entry)
{
    uint8_t path[BGP_AS_PATH_BYTES + 2 + 4 * BGP_PREPEND_MAX];
    struct kd_writer room;
    struct bgp_route_set set = {0};
    struct bgp_attrs a;

    if (p->import)
        set = bgp_route_map_set(p->import, entry);
    if (!set.any && !p->graceful_shutdown && !p->leaving && !p->steer.set_local_pref)
        return bgp_attrs_ref(&b->attrs, attr_in);
    bgp_attrs_get(&b->attrs, attr_in, &a);
    kd_writer_init(&room, path, sizeof(path));
    set_nexthop(p, &a, &set);
    bgp_adjin_set_values(b, &a, &set, &room);
    if (p->steer.set_local_pref) {
        a.has |= BGP_HAS(BGP_A_LOCAL_PREF);
        a.local_pref = p->steer.local_pref;
    }
    last_choice(b, p, &a, &room);
    return room.ok ? bgp_attrs_intern(&b->attrs, &a) : 0;
}

/* What the policy makes of a route: 0 when it isn't accepted. No reference for the caller. */
static uint32_t import_attr(struct import *m, const struct kd_prefix *prefix)
{
    int entry = 0;

    if (m->refused || (!m->p->import && !m->p->ibgp)) /* RFC 8212 */
        return 0;
    if (m->p->import)
        entry = bgp_route_map_match(m->p->import, m->eligible, prefix);
    if (entry < 0)
        return 0;
    for (; m->memo_end <= entry; m->memo_end++)
        m->memo[m->memo_end] = 0;
    if (!m->memo[entry])
        m->memo[entry] = entry_attr(m->b, m->p, m->attr_in, entry);
    return m->memo[entry];
}

static void import_begin(struct import *m, struct bgp *b, struct bgp_peer *p, struct bgp_family *f,
                         uint32_t attr_in, const struct bgp_attrs *a)
{
    m->b = b;
    m->p = p;
    m->f = f;
    m->attr_in = attr_in;
    m->refused = loops(b, p, a);
    m->memo_end = 0;
    m->eligible =
        p->import && !m->refused ? bgp_route_map_eligible(p->import, a, p->source, &b->work) : 0;
}

static void import_end(struct import *m)
{
    for (int i = 0; i < m->memo_end; i++)
        bgp_attrs_unref(&m->b->attrs, m->memo[i]);
}

/* ---- paths ---- */

/* Gives path new attributes (references taken here) and marks what follows. */
static void set_attrs(struct bgp *b, struct bgp_family *f, struct bgp_path *path, uint32_t self,
                      uint32_t attr_in, uint32_t attr)
{
    struct bgp_dest *d = bgp_rib_dest(f->rib, path->dest);
    uint32_t old_in = path->attr_in, old = path->attr;

    f->accepted += (attr != 0) - (old != 0);
    path->attr_in = bgp_attrs_ref(&b->attrs, attr_in);
    path->attr = bgp_attrs_ref(&b->attrs, attr);
    bgp_attrs_unref(&b->attrs, old_in);
    bgp_attrs_unref(&b->attrs, old);
    if (old == attr)
        return;
    if (d->paths == self && d->flags & BGP_DEST_BEST)
        d->flags |= BGP_DEST_CHANGED;
    bgp_rib_mark(f->rib, path->dest);
}

/* The next hop of what the policy made of a route; nexthop: that of what came, 0 when it is to be
 * looked up. 0: out of memory. */
static uint32_t nexthop_of(struct import *m, uint32_t nexthop, uint32_t attr)
{
    const struct kd_addr *in = &bgp_attrs_at(&m->b->attrs, m->attr_in)->nexthop;
    const struct kd_addr *a = attr ? &bgp_attrs_at(&m->b->attrs, attr)->nexthop : in;

    if (nexthop && kd_addr_eq(a, in))
        return nexthop;
    return bgp_nexthop_get(&m->b->nexthops, m->p->table, m->p->iface, a);
}

static void move_path(struct import *m, struct bgp_path *path, uint32_t nexthop)
{
    struct bgp_nexthops *t = &m->b->nexthops;

    if (path->nexthop == nexthop)
        return;
    bgp_nexthop_ref(t, nexthop);
    bgp_nexthop_unref(t, path->nexthop);
    path->nexthop = nexthop;
    bgp_rib_mark(m->f->rib, path->dest);
}

/* Loops don't count against the limit of prefixes, but no more of them are held than that: what a
 * later allowas-in would let in comes again with a refresh. */
static bool too_many_loops(const struct import *m, const struct bgp_path *held)
{
    return m->p->prefixes_max && !(held && held->looped) &&
           m->f->paths.looped >= m->p->prefixes_max;
}

/* nexthop: of what came. */
static bool set_path(struct import *m, uint32_t nexthop, const struct kd_prefix *prefix)
{
    struct bgp *b = m->b;
    struct bgp_rib *rib = m->f->rib;
    uint32_t attr = import_attr(m, prefix), dest, i;
    struct bgp_path *path;

    if (m->refused) {
        dest = bgp_rib_find(rib, prefix);
        i = dest ? bgp_path_find(rib, dest, m->p->slot) : 0;
        if (too_many_loops(m, i ? bgp_rib_path(rib, i) : NULL)) {
            if (i)
                bgp_adjin_remove(b, m->f, i);
            return true;
        }
    }
    nexthop = nexthop_of(m, nexthop, attr);
    if (!nexthop)
        return false;
    dest = bgp_rib_get(rib, prefix);
    i = dest ? bgp_path_find(rib, dest, m->p->slot) : 0;
    if (dest && !i) {
        i = bgp_path_add(rib, dest, m->p->slot, &m->f->paths);
        if (!i)
            bgp_rib_drop(rib, dest);
    }
    if (!i)
        return false;
    path = bgp_rib_path(rib, i);
    path->epoch = m->f->epoch;
    bgp_path_set_looped(path, &m->f->paths, m->refused);
    move_path(m, path, nexthop);
    set_attrs(b, m->f, path, i, m->attr_in, attr);
    return true;
}

void bgp_adjin_remove(struct bgp *b, struct bgp_family *f, uint32_t path)
{
    if (f->soft == path)
        f->soft = bgp_rib_path(f->rib, path)->peer_next;
    if (f->sweep == path)
        f->sweep = bgp_rib_path(f->rib, path)->peer_next;
    f->accepted -= bgp_rib_path(f->rib, path)->attr != 0;
    bgp_path_remove(b, f->rib, &f->paths, path);
}

static void withdraw(struct bgp *b, struct bgp_peer *p, uint8_t family, struct kd_bytes nlri)
{
    struct bgp_family *f = bgp_family(p, family);
    struct kd_reader r;
    struct kd_prefix prefix;

    if (!f->up)
        return;
    kd_reader_init(&r, nlri);
    while (bgp_nlri_next(&r, family, &prefix)) {
        uint32_t dest = bgp_rib_find(f->rib, &prefix);
        uint32_t path = dest ? bgp_path_find(f->rib, dest, p->slot) : 0;
        b->work++;
        if (path)
            bgp_adjin_remove(b, f, path);
    }
}

/* RFC 4271 6.3: not ours, and an address that can be a next hop at all. */
static bool nexthop_ok(const struct bgp_peer *p, const struct kd_addr *a)
{
    static const uint8_t loop6[16] = {[15] = 1};

    if (kd_addr_is_any(a) || kd_addr_eq(a, &p->session_local))
        return false;
    if (a->family == 4)
        return a->b[0] != 127 && a->b[0] != 0 && a->b[0] < 224;
    return a->b[0] != 0xff && memcmp(a->b, loop6, 16) != 0;
}

static bool no_memory(struct bgp_error *e)
{
    return bgp_error_set(e, BGP_E_CEASE, BGP_CEASE_NO_RESOURCES, kd_bytes(NULL, 0),
                         "out of memory for routes");
}

static bool import_all(struct import *m, uint32_t nexthop, uint8_t family, struct kd_bytes nlri)
{
    struct kd_reader r;
    struct kd_prefix prefix;

    kd_reader_init(&r, nlri);
    while (bgp_nlri_next(&r, family, &prefix)) {
        m->b->work++;
        if (bgp_nlri_martian(&prefix))
            continue;
        if (!set_path(m, nexthop, &prefix))
            return false;
    }
    return true;
}

static bool announce(struct bgp *b, struct bgp_peer *p, uint8_t family, struct bgp_attrs *a,
                     struct kd_bytes nlri, struct bgp_error *e)
{
    struct bgp_family *f = bgp_family(p, family);
    struct import m;
    uint32_t nexthop, attr_in;
    bool ok;

    if (!f->up || nlri.len == 0)
        return true;
    if (!nexthop_ok(p, &a->nexthop)) {
        char text[KD_ADDR_STR_MAX];
        bgp_note_error(b, p, "NEXT_HOP %s: unusable: treat-as-withdraw",
                       kd_addr_str(&a->nexthop, text));
        withdraw(b, p, family, nlri);
        return true;
    }
    a->has |= BGP_HAS(BGP_A_NEXT_HOP); /* from here on wherever it was carried */
    nexthop = bgp_nexthop_get(&b->nexthops, p->table, p->iface, &a->nexthop);
    attr_in = bgp_attrs_intern(&b->attrs, a);
    import_begin(&m, b, p, f, attr_in, a);
    ok = nexthop && attr_in && import_all(&m, nexthop, family, nlri);
    import_end(&m);
    bgp_attrs_unref(&b->attrs, attr_in);
    return ok || no_memory(e);
}

/* ---- the message ---- */

/* Says once that the limit is near, and again after it was far. */
static void warn_of_max(struct bgp *b, struct bgp_peer *p, uint32_t n)
{
    bool near = (uint64_t)n * 100 >= (uint64_t)p->prefixes_max * BGP_PREFIXES_WARN;
    char text[96];

    if (near && !p->near_max) {
        snprintf(text, sizeof(text), "%u prefixes of %u: with more the session ends", n,
                 p->prefixes_max);
        bgp_note(b, p, BGP_NOTE_ERROR, text);
    }
    p->near_max = near || (p->near_max && n >= p->prefixes_max / 2);
}

static uint32_t counted(const struct bgp_family *f)
{
    return f->paths.n - f->paths.looped;
}

/* What the policy denies counts; what comes back to us doesn't: else our own growth would end a
 * session with a peer that tells us our routes. RFC 4486 4: the data names family and limit. */
static bool check_max(struct bgp *b, struct bgp_peer *p, uint8_t family, struct bgp_error *e)
{
    uint32_t n = counted(&p->family[0]) + counted(&p->family[1]);
    uint8_t data[7];
    struct kd_writer w;

    if (!p->prefixes_max)
        return true;
    warn_of_max(b, p, n);
    if (n <= p->prefixes_max)
        return true;
    kd_writer_init(&w, data, sizeof(data));
    kd_put_u16(&w, family == 6 ? BGP_AFI_IPV6 : BGP_AFI_IPV4);
    kd_put_u8(&w, BGP_SAFI_UNICAST);
    kd_put_u32(&w, p->prefixes_max);
    return bgp_error_set(e, BGP_E_CEASE, BGP_CEASE_MAX_PREFIXES, kd_written(&w),
                         "more than %u prefixes", p->prefixes_max);
}

void bgp_note_eor(struct bgp *b, struct bgp_peer *p)
{
    if (p->eor_noted)
        return;
    for (int i = 0; i < 2; i++)
        if (!p->family[i].eor_sent || !p->family[i].eor_seen)
            return;
    p->eor_noted = true;
    bgp_note(b, p, BGP_NOTE_EOR, "");
}

void bgp_adjin_keepalive(struct bgp *b, struct bgp_peer *p)
{
    if (p->eor_noted || p->up->open.graceful)
        return;
    p->family[0].eor_seen = p->family[1].eor_seen = true;
    bgp_note_eor(b, p);
}

static void report(struct bgp *b, struct bgp_peer *p, const struct bgp_update *u)
{
    if (u->verdict == BGP_D_DISCARD || u->verdict == BGP_D_WITHDRAW)
        bgp_note_error(b, p, "%s: %s (RFC 7606)", u->error.text, bgp_disposition_names[u->verdict]);
}

bool bgp_adjin_update(struct bgp *b, struct bgp_peer *p, struct kd_bytes body, struct bgp_error *e)
{
    struct bgp_session_rules rules = {.as4 = p->up->as4, .ibgp = p->ibgp, .peer_as = p->asn};
    struct bgp_update u;
    struct kd_writer scratch;
    uint8_t eor;

    kd_writer_init(&scratch, b->update_room, BGP_UPDATE_SCRATCH);
    bgp_update_parse(body, &rules, &scratch, &u);
    b->work++;
    if (u.verdict == BGP_D_RESET) {
        *e = u.error;
        return false;
    }
    report(b, p, &u);
    withdraw(b, p, 4, u.withdrawn);
    if (u.unreach.present && u.unreach.family)
        withdraw(b, p, u.unreach.family, u.unreach.nlri);
    if (u.verdict == BGP_D_WITHDRAW) {
        withdraw(b, p, 4, u.nlri);
        if (u.reach.present && u.reach.family)
            withdraw(b, p, u.reach.family, u.reach.nlri);
        return true;
    }
    if (!announce(b, p, 4, &u.attrs, u.nlri, e))
        return false;
    if (u.reach.present && u.reach.family) {
        u.attrs.nexthop = u.reach.nexthop;
        if (!announce(b, p, u.reach.family, &u.attrs, u.reach.nlri, e))
            return false;
    }
    eor = bgp_update_end_of_rib(&u);
    if (eor) {
        bgp_family(p, eor)->eor_seen = true;
        bgp_graceful_told(b, p, bgp_family(p, eor));
        bgp_note_eor(b, p);
    }
    return check_max(b, p, u.reach.present ? u.reach.family : 4, e);
}

/* ---- soft reconfiguration ---- */

static void reimport(struct bgp *b, struct bgp_peer *p, struct bgp_family *f, uint32_t i)
{
    struct bgp_path *path = bgp_rib_path(f->rib, i);
    struct kd_prefix prefix = bgp_rib_prefix(f->rib, path->dest);
    struct bgp_attrs a;
    struct import m;
    uint32_t attr, nexthop;

    bgp_attrs_get(&b->attrs, path->attr_in, &a);
    import_begin(&m, b, p, f, path->attr_in, &a);
    attr = import_attr(&m, &prefix);
    nexthop = nexthop_of(&m, 0, attr);
    if (nexthop)
        move_path(&m, path, nexthop);
    else
        p->broken = true;
    bgp_path_set_looped(path, &f->paths, m.refused);
    set_attrs(b, f, path, i, path->attr_in, attr);
    if (f->remark)
        bgp_rib_mark(f->rib, path->dest);
    import_end(&m);
}

bool bgp_adjin_soft(struct bgp *b, struct bgp_peer *p)
{
    for (int k = 0; k < 2; k++) {
        struct bgp_family *f = &p->family[k];
        while (f->soft) {
            uint32_t i = f->soft;
            if (bgp_busy(b))
                return true;
            b->work++;
            f->soft = bgp_rib_path(f->rib, i)->peer_next;
            reimport(b, p, f, i);
        }
        f->remark = false;
    }
    return false;
}
