/* UPDATE on the wire: RFC 4271 4.3 and 6.3 as amended by RFC 7606; RFC 4760 for what isn't IPv4. */
#include "bgp/update.h"
#include "bgp/aspath.h"
#include "bgp/nlri.h"

#include <stdio.h>

struct parse {
    struct bgp_update *u;
    const struct bgp_session_rules *rules;
    struct bgp_attr_in in;
    uint64_t seen[4]; /* a bit an attribute code */
    bool other;       /* there is an attribute besides MP_UNREACH_NLRI */
};

/* RFC 7606 3 h: the strongest verdict stands, with its own explanation. */
static void judge(struct parse *x, enum bgp_disposition d, uint8_t sub, struct kd_bytes data,
                  const char *what, const char *why)
{
    if (d <= x->u->verdict)
        return;
    x->u->verdict = d;
    bgp_error_set(&x->u->error, BGP_E_UPDATE, sub, data, "%s: %s", what, why);
}

/* ---- attributes ---- */

static void keep_unknown(struct parse *x, uint8_t code, struct kd_bytes value)
{
    struct kd_writer *s = x->in.scratch;
    struct kd_bytes *kept = &x->u->attrs.unknown;
    size_t at = s->pos;

    /* RFC 4271 5: passed on with the partial bit. They lie together: nothing else is written to the
     * scratch between them but an AS_PATH, in which case all are copied behind it. */
    if (kept->len && kept->p + kept->len != s->p + s->pos)
        kd_put_bytes(s, *kept);
    else
        at -= kept->len;
    bgp_attr_head(s, BGP_AF_OPTIONAL | BGP_AF_TRANSITIVE | BGP_AF_PARTIAL, code, value.len);
    kd_put_bytes(s, value);
    if (s->ok)
        *kept = kd_bytes(s->p + at, s->pos - at);
    else
        judge(x, BGP_D_WITHDRAW, 9, kd_bytes(NULL, 0), "attributes", "too many");
}

static bool seen_before(struct parse *x, uint8_t code)
{
    uint64_t bit = 1ull << (code % 64), old = x->seen[code / 64];

    x->seen[code / 64] |= bit;
    return old & bit;
}

/* whole: type, length and value, as the NOTIFICATION's data wants it (RFC 4271 6.3) */
static void attribute(struct parse *x, uint8_t flags, uint8_t code, struct kd_bytes value,
                      struct kd_bytes whole)
{
    const struct bgp_attr_row *row = bgp_attr_row(code);
    const char *why = "";
    enum bgp_disposition d;
    char name[16];

    if (seen_before(x, code)) { /* RFC 7606 3 g */
        bool mp = code == BGP_A_MP_REACH || code == BGP_A_MP_UNREACH;
        snprintf(name, sizeof(name), "attribute %u", code);
        judge(x, mp ? BGP_D_RESET : BGP_D_DISCARD, 1, kd_bytes(NULL, 0), name, "twice");
        return;
    }
    x->other |= code != BGP_A_MP_UNREACH;
    if (!row) {
        snprintf(name, sizeof(name), "attribute %u", code);
        if (!(flags & BGP_AF_OPTIONAL))
            judge(x, BGP_D_RESET, 2, whole, name, "unrecognized well-known attribute");
        else if (flags & BGP_AF_TRANSITIVE)
            keep_unknown(x, code, value);
        return;
    }
    d = bgp_attr_read(&x->in, row, flags, value, &why);
    judge(x, d, 9, whole, bgp_attr_name(row), why);
}

/* RFC 7606 4: an attribute running past the end loses the routes, not the session. */
static void attributes(struct parse *x, struct kd_reader *r)
{
    while (kd_reader_left(r) > 0) {
        size_t start = r->pos, len;
        uint8_t flags = kd_get_u8(r), code = kd_get_u8(r);
        struct kd_bytes value;
        len = flags & BGP_AF_EXTENDED ? kd_get_u16(r) : kd_get_u8(r);
        value = kd_get_bytes(r, len);
        if (!r->ok) {
            x->other = true;
            judge(x, BGP_D_WITHDRAW, 1, kd_bytes(NULL, 0), "attributes",
                  "an attribute runs past their end");
            return;
        }
        attribute(x, flags, code, value, kd_bytes(r->p + start, r->pos - start));
    }
}

/* ---- rules over the whole message ---- */

static bool reachable(const struct bgp_update *u)
{
    return u->nlri.len > 0 || u->reach.present;
}

static void need(struct parse *x, uint8_t code)
{
    if (!(x->u->attrs.has & BGP_HAS(code)))
        judge(x, BGP_D_WITHDRAW, 3, kd_bytes(&code, 1), bgp_attr_name(bgp_attr_row(code)),
              "missing");
}

static void check_whole(struct parse *x)
{
    struct bgp_update *u = x->u;

    if (reachable(u)) { /* RFC 7606 3 d */
        need(x, BGP_A_ORIGIN);
        need(x, BGP_A_AS_PATH);
        if (u->nlri.len > 0)
            need(x, BGP_A_NEXT_HOP);
        if (!x->rules->ibgp && u->verdict < BGP_D_WITHDRAW &&
            bgp_aspath_first(u->attrs.as_path) != x->rules->peer_as)
            judge(x, BGP_D_WITHDRAW, 11, kd_bytes(NULL, 0), "AS_PATH",
                  "leftmost AS isn't the peer's (RFC 7606 7.2)");
        return;
    }
    /* RFC 7606 5.2: what was meant to be withdrawn can't be told. */
    if (u->verdict == BGP_D_WITHDRAW && x->other)
        u->verdict = BGP_D_RESET;
}

static void check_nlri(struct parse *x, struct kd_bytes nlri, const char *what)
{
    if (!bgp_nlri_ok(nlri, 4)) /* RFC 7606 5.3, 3 j */
        judge(x, BGP_D_RESET, 10, nlri, what, "invalid prefix");
}

void bgp_update_parse(struct kd_bytes body, const struct bgp_session_rules *rules,
                      struct kd_writer *scratch, struct bgp_update *u)
{
    struct parse x = {.u = u, .rules = rules};
    struct kd_reader r, attrs;

    memset(u, 0, sizeof(*u));
    x.in = (struct bgp_attr_in){.as4 = rules->as4,
                                .ibgp = rules->ibgp,
                                .scratch = scratch,
                                .attrs = &u->attrs,
                                .reach = &u->reach,
                                .unreach = &u->unreach};
    kd_reader_init(&r, body);
    u->withdrawn = kd_get_bytes(&r, kd_get_u16(&r));
    attrs = kd_get_sub(&r, kd_get_u16(&r));
    u->nlri = kd_get_rest(&r);
    if (!r.ok) { /* RFC 7606 3 b */
        judge(&x, BGP_D_RESET, 1, kd_bytes(NULL, 0), "lengths", "larger than the message");
        return;
    }
    attributes(&x, &attrs);
    check_nlri(&x, u->withdrawn, "withdrawn routes");
    check_nlri(&x, u->nlri, "NLRI");
    if (u->verdict < BGP_D_WITHDRAW)
        bgp_attr_finish(&x.in);
    check_whole(&x);
}

uint8_t bgp_update_end_of_rib(const struct bgp_update *u)
{
    if (u->verdict != BGP_D_OK || u->withdrawn.len || u->nlri.len || u->reach.present ||
        u->attrs.has || u->attrs.unknown.len)
        return 0;
    if (!u->unreach.present)
        return 4;
    return u->unreach.nlri.len == 0 ? u->unreach.family : 0;
}

/* ---- building ---- */

static uint16_t afi_of(uint8_t family)
{
    return family == 4 ? BGP_AFI_IPV4 : BGP_AFI_IPV6;
}

static bool room_for(const struct bgp_update_out *o, size_t len)
{
    size_t tail = o->family == 4 ? 0 : o->attrs.len; /* goes behind the prefixes */

    return o->w->pos - o->start + tail + len <= o->len_max && len + tail <= o->w->cap - o->w->pos;
}

/* Opens MP_REACH_NLRI or MP_UNREACH_NLRI with a length to be patched; the first attribute (RFC 7606
 * 5.1). */
static void begin_mp(struct bgp_update_out *o, uint8_t code)
{
    struct kd_writer *w = o->w;

    kd_put_u8(w, BGP_AF_OPTIONAL | BGP_AF_EXTENDED);
    kd_put_u8(w, code);
    o->nlri_len_at = kd_put_gap(w, 2);
    kd_put_u16(w, afi_of(o->family));
    kd_put_u8(w, BGP_SAFI_UNICAST);
    if (code == BGP_A_MP_UNREACH)
        return;
    kd_put_u8(w, (uint8_t)kd_addr_len(&o->nexthop));
    kd_put_bytes(w, kd_addr_bytes(&o->nexthop));
    kd_put_u8(w, 0);
}

bool bgp_update_announce(struct bgp_update_out *o, struct kd_writer *w, size_t len_max,
                         uint8_t family, struct kd_bytes attrs, const struct kd_addr *nexthop)
{
    size_t before = w->pos;

    *o = (struct bgp_update_out){
        .w = w, .len_max = len_max, .family = family, .attrs = attrs, .nexthop = *nexthop};
    o->start = bgp_frame_begin(w, BGP_MSG_UPDATE);
    kd_put_u16(w, 0); /* nothing withdrawn */
    o->attrs_len_at = kd_put_gap(w, 2);
    if (family == 4)
        kd_put_bytes(w, attrs);
    else
        begin_mp(o, BGP_A_MP_REACH);
    if (w->ok && room_for(o, 17))
        return true;
    w->pos = before;
    w->ok = true;
    return false;
}

void bgp_update_withdraw(struct bgp_update_out *o, struct kd_writer *w, size_t len_max,
                         uint8_t family)
{
    *o = (struct bgp_update_out){.w = w, .len_max = len_max, .family = family};
    o->start = bgp_frame_begin(w, BGP_MSG_UPDATE);
    if (family == 4) {
        o->nlri_len_at = kd_put_gap(w, 2);
        return;
    }
    kd_put_u16(w, 0);
    o->attrs_len_at = kd_put_gap(w, 2);
    begin_mp(o, BGP_A_MP_UNREACH);
}

bool bgp_update_add(struct bgp_update_out *o, const struct kd_prefix *p)
{
    bool ipv4_withdraw = o->family == 4 && o->attrs_len_at == 0;

    if (!room_for(o, bgp_nlri_len(p) + (ipv4_withdraw ? 2 : 0)))
        return false;
    bgp_nlri_put(o->w, p);
    return true;
}

void bgp_update_end(struct bgp_update_out *o)
{
    struct kd_writer *w = o->w;

    if (o->family == 4 && o->attrs_len_at == 0) {
        kd_patch_u16(w, o->nlri_len_at, (uint16_t)(w->pos - o->nlri_len_at - 2));
        kd_put_u16(w, 0); /* no attributes */
    } else if (o->family == 4) {
        kd_patch_u16(w, o->attrs_len_at, (uint16_t)o->attrs.len);
    } else {
        kd_patch_u16(w, o->nlri_len_at, (uint16_t)(w->pos - o->nlri_len_at - 2));
        kd_put_bytes(w, o->attrs);
        kd_patch_u16(w, o->attrs_len_at, (uint16_t)(w->pos - o->attrs_len_at - 2));
    }
    bgp_frame_end(w, o->start);
}

void bgp_update_put_end_of_rib(struct kd_writer *w, uint8_t family)
{
    struct bgp_update_out o;

    bgp_update_withdraw(&o, w, BGP_MESSAGE_MAX, family);
    bgp_update_end(&o);
}
