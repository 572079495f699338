/* Traffic selectors: body of TSi and TSr both ways, narrowing, matching, text.
 * RFC 7296 2.9, 3.13, 3.13.1.
 *
 * Deviations: OPAQUE ports (start 65535, end 0: RFC 4301 4.4.1.1) are skipped like an unknown
 * selector type, since neither data plane can tell them apart. A narrowing that would need more
 * than IKE_TS_MAX selectors is cut there: narrower than necessary, which 2.9 allows. */
#include "ike/ts.h"
#include "ike/text.h"

enum { TS_IPV4_RANGE = 7, TS_IPV6_RANGE = 8 };

static unsigned family_of_type(uint8_t type)
{
    return type == TS_IPV4_RANGE ? 4 : type == TS_IPV6_RANGE ? 6 : 0;
}

static bool opaque_ports(const struct ike_ts *ts)
{
    return ts->port_lo == 65535 && ts->port_hi == 0;
}

static struct kd_addr get_addr(struct kd_reader *r, uint8_t family)
{
    struct kd_bytes b = kd_get_bytes(r, family == 4 ? 4 : 16);

    return b.p ? kd_addr_from(family, b.p) : (struct kd_addr){0};
}

/* One selector; *keep false when it is to be skipped. */
static bool parse_one(struct kd_reader *r, struct ike_ts *ts, bool *keep)
{
    uint8_t type = kd_get_u8(r);
    uint8_t family = (uint8_t)family_of_type(type);
    struct kd_reader sub;
    uint16_t len;

    memset(ts, 0, sizeof(*ts));
    ts->proto = kd_get_u8(r);
    len = kd_get_u16(r);
    if (!r->ok || len < 4 || len - 4u > kd_reader_left(r))
        return false;
    sub = kd_get_sub(r, len - 4u);
    *keep = false;
    if (family == 0)
        return true; /* RFC 7296 2.9: others may be understood */
    ts->port_lo = kd_get_u16(&sub);
    ts->port_hi = kd_get_u16(&sub);
    ts->lo = get_addr(&sub, family);
    ts->hi = get_addr(&sub, family);
    if (!kd_reader_done(&sub) || kd_addr_cmp(&ts->lo, &ts->hi) > 0)
        return false;
    *keep = !opaque_ports(ts);
    return !*keep || ts->port_lo <= ts->port_hi;
}

bool ike_ts_parse(struct kd_bytes body, struct ike_ts_list *out)
{
    struct kd_reader r;
    unsigned count;

    memset(out, 0, sizeof(*out));
    kd_reader_init(&r, body);
    count = kd_get_u8(&r);
    kd_skip(&r, 3);
    if (!r.ok || count == 0 || count > IKE_TS_MAX)
        return false;
    for (unsigned i = 0; i < count; i++) {
        bool keep;

        if (!parse_one(&r, &out->ts[out->n], &keep))
            return false;
        if (keep)
            out->n++;
    }
    return kd_reader_done(&r);
}

void ike_ts_write(struct kd_writer *w, const struct ike_ts_list *l)
{
    kd_put_u8(w, l->n);
    kd_put_zero(w, 3);
    for (unsigned i = 0; i < l->n; i++) {
        const struct ike_ts *ts = &l->ts[i];
        size_t alen = kd_addr_len(&ts->lo);

        kd_put_u8(w, ts->lo.family == 4 ? TS_IPV4_RANGE : TS_IPV6_RANGE);
        kd_put_u8(w, ts->proto);
        kd_put_u16(w, (uint16_t)(8 + 2 * alen));
        kd_put_u16(w, ts->port_lo);
        kd_put_u16(w, ts->port_hi);
        kd_put_bytes(w, kd_addr_bytes(&ts->lo));
        kd_put_bytes(w, kd_addr_bytes(&ts->hi));
    }
}

struct ike_ts ike_ts_from_prefix(const struct kd_prefix *p)
{
    return (struct ike_ts){.proto = 0,
                           .port_lo = 0,
                           .port_hi = 65535,
                           .lo = kd_prefix_first(p),
                           .hi = kd_prefix_last(p)};
}

static bool covers(const struct ike_ts *outer, const struct ike_ts *inner)
{
    return outer->lo.family == inner->lo.family &&
           (outer->proto == 0 || outer->proto == inner->proto) &&
           outer->port_lo <= inner->port_lo && inner->port_hi <= outer->port_hi &&
           kd_addr_cmp(&outer->lo, &inner->lo) <= 0 && kd_addr_cmp(&inner->hi, &outer->hi) <= 0;
}

static bool intersect(const struct ike_ts *a, const struct ike_ts *b, struct ike_ts *out)
{
    if (a->lo.family != b->lo.family || (a->proto && b->proto && a->proto != b->proto))
        return false;
    out->proto = a->proto ? a->proto : b->proto;
    out->port_lo = KD_MAX(a->port_lo, b->port_lo);
    out->port_hi = KD_MIN(a->port_hi, b->port_hi);
    out->lo = kd_addr_cmp(&a->lo, &b->lo) >= 0 ? a->lo : b->lo;
    out->hi = kd_addr_cmp(&a->hi, &b->hi) <= 0 ? a->hi : b->hi;
    return out->port_lo <= out->port_hi && kd_addr_cmp(&out->lo, &out->hi) <= 0;
}

static bool inside_any(const struct ike_ts *ts, const struct ike_ts_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (covers(&l->ts[i], ts))
            return true;
    }
    return false;
}

bool ike_ts_narrow(const struct ike_ts_list *offered, const struct ike_ts_list *configured,
                   struct ike_ts_list *out)
{
    struct ike_ts_list l = {.n = 0}; /* out may be one of the inputs */

    for (unsigned o = 0; o < offered->n; o++) {
        for (unsigned c = 0; c < configured->n && l.n < IKE_TS_MAX; c++) {
            struct ike_ts ts = {0};

            if (intersect(&offered->ts[o], &configured->ts[c], &ts) && !inside_any(&ts, &l))
                l.ts[l.n++] = ts;
        }
    }
    *out = l;
    return l.n > 0;
}

bool ike_ts_inside(const struct ike_ts_list *inner, const struct ike_ts_list *outer)
{
    for (unsigned i = 0; i < inner->n; i++) {
        if (!inside_any(&inner->ts[i], outer))
            return false;
    }
    return true;
}

bool ike_ts_match(const struct ike_ts_list *l, const struct kd_addr *a, uint8_t proto,
                  uint16_t port)
{
    struct ike_ts packet = {.proto = proto, .port_lo = port, .port_hi = port, .lo = *a, .hi = *a};

    return inside_any(&packet, l);
}

static bool as_prefix(const struct ike_ts *ts, struct kd_prefix *p)
{
    struct kd_addr last;

    for (unsigned len = 0; len <= kd_addr_bits(&ts->lo); len++) {
        *p = kd_prefix_make(&ts->lo, (uint8_t)len);
        last = kd_prefix_last(p);
        if (kd_addr_eq(&p->addr, &ts->lo) && kd_addr_eq(&last, &ts->hi))
            return true;
    }
    return false;
}

static void put_proto(struct ike_text *x, uint8_t proto)
{
    static const struct {
        uint8_t proto;
        const char *name;
    } names[] = {{0, "any"}, {1, "icmp"}, {6, "tcp"}, {17, "udp"}, {47, "gre"}, {58, "icmpv6"}};

    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
        if (names[i].proto == proto) {
            ike_text_add(x, "[%s", names[i].name);
            return;
        }
    }
    ike_text_add(x, "[%u", proto);
}

void ike_ts_str(const struct ike_ts *ts, char *buf, size_t cap)
{
    struct ike_text x = ike_text(buf, cap);
    bool all_ports = ts->port_lo == 0 && ts->port_hi == 65535;
    char lo[KD_PREFIX_STR_MAX], hi[KD_ADDR_STR_MAX];
    struct kd_prefix p;

    if (as_prefix(ts, &p))
        ike_text_add(&x, "%s", kd_prefix_str(&p, lo));
    else
        ike_text_add(&x, "%s-%s", kd_addr_str(&ts->lo, lo), kd_addr_str(&ts->hi, hi));
    if (ts->proto == 0 && all_ports)
        return;
    put_proto(&x, ts->proto);
    if (!all_ports)
        ike_text_add(&x, "/%u", ts->port_lo);
    if (!all_ports && ts->port_hi != ts->port_lo)
        ike_text_add(&x, "-%u", ts->port_hi);
    ike_text_add(&x, "]");
}
