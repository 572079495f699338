/* The attribute table. RFC 4271 4.3 and 5, RFC 1997, 4360, 4456 (carried, never reflected), 4760,
 * 6793, 8092; dispositions by RFC 7606 3 and 7.
 *
 * Communities are opaque here. IPv6 next hops of 32 bytes keep the global address only. */
#include "bgp/attr.h"
#include "bgp/aspath.h"
#include "bgp/nlri.h"

const char *const bgp_disposition_names[] = {"ok", "attribute discard", "treat-as-withdraw",
                                             "session reset", NULL};

struct put {
    struct kd_writer *w;
    const struct bgp_attrs *a;
    bool as4;
};

struct bgp_attr_row {
    uint8_t code;
    const char *name;
    uint8_t flags; /* OPTIONAL and TRANSITIVE as they must be */
    uint16_t min, max;
    uint8_t step;   /* the length is a multiple of it */
    bool ibgp_only; /* from an external peer: discarded (RFC 7606 7.5, 7.9, 7.10) */
    enum bgp_disposition bad_flags, bad_value;
    bool (*read)(struct bgp_attr_in *in, struct kd_bytes v);
    void (*put)(const struct put *o);
};

/* ---- readers: the length has been checked ---- */

static uint32_t u32_of(struct kd_bytes v)
{
    struct kd_reader r;

    kd_reader_init(&r, v);
    return kd_get_u32(&r);
}

static bool read_origin(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->origin = v.p[0];
    return v.p[0] <= BGP_ORIGIN_INCOMPLETE;
}

static bool read_as_path(struct bgp_attr_in *in, struct kd_bytes v)
{
    size_t at = in->scratch ? in->scratch->pos : 0;

    if (!in->trusted && !bgp_aspath_ok(v, in->as4 ? 4 : 2, false))
        return false;
    in->attrs->as_path = v;
    if (in->as4 || v.len == 0)
        return true;
    bgp_aspath_widen(in->scratch, v);
    in->attrs->as_path = kd_bytes(in->scratch->p + at, in->scratch->pos - at);
    return in->scratch->ok;
}

static bool read_next_hop(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->nexthop = kd_addr_from(4, v.p);
    return true;
}

static bool read_med(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->med = u32_of(v);
    return true;
}

static bool read_local_pref(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->local_pref = u32_of(v);
    return true;
}

static bool read_nothing(struct bgp_attr_in *in, struct kd_bytes v)
{
    (void)in;
    (void)v;
    return true;
}

static bool read_aggregator(struct bgp_attr_in *in, struct kd_bytes v)
{
    struct kd_reader r;

    kd_reader_init(&r, v);
    if (v.len != (in->as4 ? 8 : 6))
        return false;
    in->attrs->aggregator_as = in->as4 ? kd_get_u32(&r) : kd_get_u16(&r);
    in->attrs->aggregator_id = kd_get_u32(&r);
    return in->attrs->aggregator_as != 0; /* RFC 7607 2 */
}

static bool read_communities(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->communities = v;
    return true;
}

static bool read_originator(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->originator_id = u32_of(v);
    return true;
}

static bool read_cluster_list(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->cluster_list = v;
    return true;
}

static uint8_t family_of(uint16_t afi, uint8_t safi)
{
    if (safi != BGP_SAFI_UNICAST)
        return 0;
    return afi == BGP_AFI_IPV4 ? 4 : afi == BGP_AFI_IPV6 ? 6 : 0;
}

static bool read_mp_reach(struct bgp_attr_in *in, struct kd_bytes v)
{
    struct bgp_mp *mp = in->reach;
    struct kd_reader r;
    struct kd_bytes nh;
    uint16_t afi;

    kd_reader_init(&r, v);
    afi = kd_get_u16(&r);
    mp->family = family_of(afi, kd_get_u8(&r));
    nh = kd_get_bytes(&r, kd_get_u8(&r));
    kd_skip(&r, 1);
    mp->nlri = kd_get_rest(&r);
    mp->present = true;
    if (!r.ok || mp->family == 0)
        return r.ok;
    if (mp->family == 4 ? nh.len != 4 : nh.len != 16 && nh.len != 32)
        return false; /* RFC 7606 7.11 */
    mp->nexthop = kd_addr_from(mp->family, nh.p);
    return bgp_nlri_ok(mp->nlri, mp->family);
}

static bool read_mp_unreach(struct bgp_attr_in *in, struct kd_bytes v)
{
    struct bgp_mp *mp = in->unreach;
    struct kd_reader r;
    uint16_t afi;

    kd_reader_init(&r, v);
    afi = kd_get_u16(&r);
    mp->family = family_of(afi, kd_get_u8(&r));
    mp->nlri = kd_get_rest(&r);
    mp->present = true;
    return r.ok && (mp->family == 0 || bgp_nlri_ok(mp->nlri, mp->family));
}

static bool read_ext(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->ext_communities = v;
    return true;
}

static bool read_large(struct bgp_attr_in *in, struct kd_bytes v)
{
    in->attrs->large_communities = v;
    return true;
}

static bool read_as4_path(struct bgp_attr_in *in, struct kd_bytes v)
{
    if (!bgp_aspath_ok(v, 4, true))
        return false;
    if (!in->as4) /* RFC 6793 4.1: a new speaker doesn't send it; not looked at then */
        in->as4_path = v;
    return true;
}

static bool read_as4_aggregator(struct bgp_attr_in *in, struct kd_bytes v)
{
    if (!in->as4)
        in->as4_aggregator = u32_of(v);
    return u32_of(v) != 0; /* RFC 7607 2 */
}

/* ---- writers ---- */

void bgp_attr_head(struct kd_writer *w, uint8_t flags, uint8_t code, size_t len)
{
    bool extended = len > UINT8_MAX;

    kd_put_u8(w, flags | (extended ? BGP_AF_EXTENDED : 0));
    kd_put_u8(w, code);
    if (extended)
        kd_put_u16(w, (uint16_t)len);
    else
        kd_put_u8(w, (uint8_t)len);
}

static void head(const struct put *o, uint8_t code, size_t len)
{
    bgp_attr_head(o->w, bgp_attr_row(code)->flags, code, len);
}

static void put_blob(const struct put *o, uint8_t code, struct kd_bytes v)
{
    head(o, code, v.len);
    kd_put_bytes(o->w, v);
}

static void put_u32(const struct put *o, uint8_t code, uint32_t v)
{
    head(o, code, 4);
    kd_put_u32(o->w, v);
}

static void put_origin(const struct put *o)
{
    head(o, BGP_A_ORIGIN, 1);
    kd_put_u8(o->w, o->a->origin);
}

static void put_as_path(const struct put *o)
{
    uint8_t room[BGP_AS_PATH_BYTES];
    struct kd_writer w;

    if (o->as4) {
        put_blob(o, BGP_A_AS_PATH, o->a->as_path);
        return;
    }
    kd_writer_init(&w, room, sizeof(room));
    bgp_aspath_narrow(&w, o->a->as_path);
    o->w->ok &= w.ok;
    put_blob(o, BGP_A_AS_PATH, kd_written(&w));
}

static void put_next_hop(const struct put *o)
{
    put_blob(o, BGP_A_NEXT_HOP, kd_addr_bytes(&o->a->nexthop));
}

static void put_med(const struct put *o)
{
    put_u32(o, BGP_A_MED, o->a->med);
}

static void put_local_pref(const struct put *o)
{
    put_u32(o, BGP_A_LOCAL_PREF, o->a->local_pref);
}

static void put_atomic(const struct put *o)
{
    head(o, BGP_A_ATOMIC_AGGREGATE, 0);
}

static void put_aggregator(const struct put *o)
{
    uint32_t asn = o->a->aggregator_as;

    head(o, BGP_A_AGGREGATOR, o->as4 ? 8 : 6);
    if (o->as4)
        kd_put_u32(o->w, asn);
    else
        kd_put_u16(o->w, asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)asn);
    kd_put_u32(o->w, o->a->aggregator_id);
}

static void put_communities(const struct put *o)
{
    put_blob(o, BGP_A_COMMUNITIES, o->a->communities);
}

static void put_originator(const struct put *o)
{
    put_u32(o, BGP_A_ORIGINATOR_ID, o->a->originator_id);
}

static void put_cluster_list(const struct put *o)
{
    put_blob(o, BGP_A_CLUSTER_LIST, o->a->cluster_list);
}

static void put_ext(const struct put *o)
{
    put_blob(o, BGP_A_EXT_COMMUNITIES, o->a->ext_communities);
}

static void put_large(const struct put *o)
{
    put_blob(o, BGP_A_LARGE_COMMUNITIES, o->a->large_communities);
}

/* Only to old speakers, and only where two octets lose something (RFC 6793 4.2.2). */
static void put_as4_path(const struct put *o)
{
    if (!o->as4 && bgp_aspath_needs4(o->a->as_path))
        put_blob(o, BGP_A_AS4_PATH, o->a->as_path);
}

static void put_as4_aggregator(const struct put *o)
{
    if (o->as4 || !(o->a->has & BGP_HAS(BGP_A_AGGREGATOR)) || o->a->aggregator_as <= UINT16_MAX)
        return;
    head(o, BGP_A_AS4_AGGREGATOR, 8);
    kd_put_u32(o->w, o->a->aggregator_as);
    kd_put_u32(o->w, o->a->aggregator_id);
}

/* ---- the table ---- */

#define WELL_KNOWN BGP_AF_TRANSITIVE
#define OPTIONAL   BGP_AF_OPTIONAL
#define CARRIED    (BGP_AF_OPTIONAL | BGP_AF_TRANSITIVE)
#define DISCARD    BGP_D_DISCARD
#define WITHDRAW   BGP_D_WITHDRAW
#define RESET      BGP_D_RESET

/* RFC 7606 3 c: wrong flags are treat-as-withdraw; 3 f: discard for what is informational. RFC 6793
 * 6: all that is wrong with an AS4 attribute is discard. */
static const struct bgp_attr_row rows[] = {
    /* code, name, flags, min, max, step, ibgp_only, bad_flags, bad_value, read, put */
    {BGP_A_ORIGIN, "ORIGIN", WELL_KNOWN, 1, 1, 1, false, WITHDRAW, WITHDRAW, read_origin,
     put_origin},
    {BGP_A_AS_PATH, "AS_PATH", WELL_KNOWN, 0, UINT16_MAX, 1, false, WITHDRAW, WITHDRAW,
     read_as_path, put_as_path},
    {BGP_A_NEXT_HOP, "NEXT_HOP", WELL_KNOWN, 4, 4, 1, false, WITHDRAW, WITHDRAW, read_next_hop,
     put_next_hop},
    {BGP_A_MED, "MULTI_EXIT_DISC", OPTIONAL, 4, 4, 1, false, WITHDRAW, WITHDRAW, read_med, put_med},
    {BGP_A_LOCAL_PREF, "LOCAL_PREF", WELL_KNOWN, 4, 4, 1, true, WITHDRAW, WITHDRAW, read_local_pref,
     put_local_pref},
    {BGP_A_ATOMIC_AGGREGATE, "ATOMIC_AGGREGATE", WELL_KNOWN, 0, 0, 1, false, WITHDRAW, DISCARD,
     read_nothing, put_atomic},
    {BGP_A_AGGREGATOR, "AGGREGATOR", CARRIED, 6, 8, 2, false, WITHDRAW, DISCARD, read_aggregator,
     put_aggregator},
    {BGP_A_COMMUNITIES, "COMMUNITIES", CARRIED, 4, UINT16_MAX, 4, false, WITHDRAW, WITHDRAW,
     read_communities, put_communities},
    {BGP_A_ORIGINATOR_ID, "ORIGINATOR_ID", OPTIONAL, 4, 4, 1, true, WITHDRAW, WITHDRAW,
     read_originator, put_originator},
    {BGP_A_CLUSTER_LIST, "CLUSTER_LIST", OPTIONAL, 4, UINT16_MAX, 4, true, WITHDRAW, WITHDRAW,
     read_cluster_list, put_cluster_list},
    {BGP_A_MP_REACH, "MP_REACH_NLRI", OPTIONAL, 5, UINT16_MAX, 1, false, RESET, RESET,
     read_mp_reach, NULL},
    {BGP_A_MP_UNREACH, "MP_UNREACH_NLRI", OPTIONAL, 3, UINT16_MAX, 1, false, RESET, RESET,
     read_mp_unreach, NULL},
    {BGP_A_EXT_COMMUNITIES, "EXTENDED COMMUNITIES", CARRIED, 8, UINT16_MAX, 8, false, WITHDRAW,
     WITHDRAW, read_ext, put_ext},
    {BGP_A_AS4_PATH, "AS4_PATH", CARRIED, 6, UINT16_MAX, 1, false, DISCARD, DISCARD, read_as4_path,
     put_as4_path},
    {BGP_A_AS4_AGGREGATOR, "AS4_AGGREGATOR", CARRIED, 8, 8, 1, false, DISCARD, DISCARD,
     read_as4_aggregator, put_as4_aggregator},
    {BGP_A_LARGE_COMMUNITIES, "LARGE_COMMUNITIES", CARRIED, 12, UINT16_MAX, 12, false, WITHDRAW,
     WITHDRAW, read_large, put_large},
};

const struct bgp_attr_row *bgp_attr_row(uint8_t code)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *bgp_attr_name(const struct bgp_attr_row *row)
{
    return row->name;
}

enum bgp_disposition bgp_attr_read(struct bgp_attr_in *in, const struct bgp_attr_row *row,
                                   uint8_t flags, struct kd_bytes value, const char **why)
{
    if ((flags ^ row->flags) & (BGP_AF_OPTIONAL | BGP_AF_TRANSITIVE)) {
        *why = "wrong flags";
        return row->bad_flags;
    }
    if (row->ibgp_only && !in->ibgp) {
        *why = "from an external peer";
        return BGP_D_DISCARD;
    }
    if (value.len < row->min || value.len > row->max || value.len % row->step) {
        *why = "wrong length";
        return row->bad_value;
    }
    if (!row->read(in, value)) {
        *why = "malformed";
        return row->bad_value;
    }
    in->attrs->has |= BGP_HAS(row->code);
    return BGP_D_OK;
}

/* RFC 6793 4.2.3. An AGGREGATOR whose AS isn't AS_TRANS tells that a speaker between changed the
 * route without knowing the AS4 attributes: both are stale then. */
void bgp_attr_finish(struct bgp_attr_in *in)
{
    struct bgp_attrs *a = in->attrs;
    bool as4_path = a->has & BGP_HAS(BGP_A_AS4_PATH);
    bool as4_aggregator = a->has & BGP_HAS(BGP_A_AS4_AGGREGATOR);
    size_t at = in->scratch->pos;

    a->has &= ~(BGP_HAS(BGP_A_AS4_PATH) | BGP_HAS(BGP_A_AS4_AGGREGATOR) | BGP_HAS(BGP_A_MP_REACH) |
                BGP_HAS(BGP_A_MP_UNREACH));
    if (in->as4)
        return;
    if (a->has & BGP_HAS(BGP_A_AGGREGATOR)) {
        if (as4_aggregator && a->aggregator_as != BGP_AS_TRANS)
            return;
        if (as4_aggregator)
            a->aggregator_as = in->as4_aggregator;
    }
    if (!as4_path || !(a->has & BGP_HAS(BGP_A_AS_PATH)))
        return;
    bgp_aspath_merge(in->scratch, a->as_path, in->as4_path);
    if (in->scratch->ok)
        a->as_path = kd_bytes(in->scratch->p + at, in->scratch->pos - at);
}

void bgp_attrs_unpack(struct kd_bytes blob, struct bgp_attrs *a)
{
    struct bgp_attr_in in = {.as4 = true, .ibgp = true, .trusted = true, .attrs = a};
    struct kd_reader r;

    *a = (struct bgp_attrs){0};
    kd_reader_init(&r, blob);
    while (kd_reader_left(&r) > 0) {
        size_t start = r.pos, len;
        uint8_t flags = kd_get_u8(&r), code = kd_get_u8(&r);
        const struct bgp_attr_row *row = bgp_attr_row(code);
        if (!row) { /* unknown ones come last */
            a->unknown = kd_bytes(blob.p + start, blob.len - start);
            return;
        }
        len = flags & BGP_AF_EXTENDED ? kd_get_u16(&r) : kd_get_u8(&r);
        (void)row->read(&in, kd_get_bytes(&r, len));
        a->has |= BGP_HAS(code);
    }
}

void bgp_attrs_put(struct kd_writer *w, const struct bgp_attrs *a, bool as4, bool next_hop)
{
    struct put o = {w, a, as4};
    uint64_t has = a->has;

    if (!next_hop)
        has &= ~BGP_HAS(BGP_A_NEXT_HOP);
    if (!as4)
        has |= BGP_HAS(BGP_A_AS4_PATH) | BGP_HAS(BGP_A_AS4_AGGREGATOR);
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        if (has & BGP_HAS(rows[i].code) && rows[i].put)
            rows[i].put(&o);
    kd_put_bytes(w, a->unknown);
}

bool bgp_list_has(struct kd_bytes list, uint32_t v)
{
    struct kd_reader r;

    kd_reader_init(&r, list);
    while (kd_reader_left(&r) >= 4)
        if (kd_get_u32(&r) == v)
            return true;
    return false;
}

bool bgp_community_has(const struct bgp_attrs *a, uint32_t community)
{
    return bgp_list_has(a->communities, community);
}
