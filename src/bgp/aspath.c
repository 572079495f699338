/* AS_PATH arithmetic. RFC 4271 4.3, 5.1.2, 9.1.2.2; RFC 6793 4.2; RFC 7606 7.2; RFC 7607. */
#include "bgp/aspath.h"
#include "bgp/message.h"

#include <stdio.h>

struct segment {
    uint8_t type, n;
    struct kd_reader asns;
};

/* The next segment of r, ASNs of width octets; false at the end or on an overrun (!r->ok). */
static bool next_segment(struct kd_reader *r, unsigned width, struct segment *s)
{
    if (!r->ok || kd_reader_left(r) == 0)
        return false;
    s->type = kd_get_u8(r);
    s->n = kd_get_u8(r);
    s->asns = kd_get_sub(r, (size_t)s->n * width);
    return r->ok;
}

static uint32_t next_asn(struct segment *s, unsigned width)
{
    return width == 2 ? kd_get_u16(&s->asns) : kd_get_u32(&s->asns);
}

static bool is_set(uint8_t type)
{
    return type == BGP_AS_SET || type == BGP_CONFED_SET;
}

bool bgp_aspath_ok(struct kd_bytes path, unsigned width, bool confed)
{
    struct kd_reader r;
    struct segment s;
    unsigned total = 0;

    kd_reader_init(&r, path);
    while (next_segment(&r, width, &s)) {
        total += s.n;
        if (s.n == 0 || s.type < BGP_AS_SET || s.type > (confed ? BGP_CONFED_SET : BGP_AS_SEQUENCE))
            return false;
        for (unsigned i = 0; i < s.n; i++)
            if (next_asn(&s, width) == 0)
                return false;
    }
    return r.ok && total <= BGP_AS_MAX;
}

unsigned bgp_aspath_length(struct kd_bytes path)
{
    struct kd_reader r;
    struct segment s;
    unsigned n = 0;

    kd_reader_init(&r, path);
    while (next_segment(&r, 4, &s))
        if (s.type == BGP_AS_SET || s.type == BGP_AS_SEQUENCE)
            n += is_set(s.type) ? 1 : s.n; /* RFC 5065 5.3: confederations don't count */
    return n;
}

uint32_t bgp_aspath_first(struct kd_bytes path)
{
    struct kd_reader r;
    struct segment s;

    kd_reader_init(&r, path);
    if (!next_segment(&r, 4, &s) || s.type != BGP_AS_SEQUENCE)
        return 0;
    return next_asn(&s, 4);
}

bool bgp_aspath_has(struct kd_bytes path, uint32_t asn)
{
    struct kd_reader r;
    struct segment s;

    kd_reader_init(&r, path);
    while (next_segment(&r, 4, &s))
        for (unsigned i = 0; i < s.n; i++)
            if (next_asn(&s, 4) == asn)
                return true;
    return false;
}

unsigned bgp_aspath_count(struct kd_bytes path, uint32_t asn)
{
    struct kd_reader r;
    struct segment s;
    unsigned n = 0;

    kd_reader_init(&r, path);
    while (next_segment(&r, 4, &s))
        for (unsigned i = 0; i < s.n; i++)
            n += next_asn(&s, 4) == asn;
    return n;
}

bool bgp_aspath_needs4(struct kd_bytes path)
{
    struct kd_reader r;
    struct segment s;

    kd_reader_init(&r, path);
    while (next_segment(&r, 4, &s))
        for (unsigned i = 0; i < s.n; i++)
            if (next_asn(&s, 4) > UINT16_MAX)
                return true;
    return false;
}

unsigned bgp_aspath_flatten(struct kd_bytes path, uint32_t *out, unsigned max)
{
    struct kd_reader r;
    struct segment s;
    unsigned n = 0;

    kd_reader_init(&r, path);
    while (next_segment(&r, 4, &s))
        for (unsigned i = 0; i < s.n; i++, n++) {
            uint32_t asn = next_asn(&s, 4);
            if (n < max)
                out[n] = asn;
        }
    return n;
}

static void put_head(struct kd_writer *w, uint8_t type, unsigned n)
{
    kd_put_u8(w, type);
    kd_put_u8(w, (uint8_t)n);
}

void bgp_aspath_widen(struct kd_writer *w, struct kd_bytes path2)
{
    struct kd_reader r;
    struct segment s;

    kd_reader_init(&r, path2);
    while (next_segment(&r, 2, &s)) {
        put_head(w, s.type, s.n);
        for (unsigned i = 0; i < s.n; i++)
            kd_put_u32(w, next_asn(&s, 2));
    }
}

void bgp_aspath_narrow(struct kd_writer *w, struct kd_bytes path4)
{
    struct kd_reader r;
    struct segment s;

    kd_reader_init(&r, path4);
    while (next_segment(&r, 4, &s)) {
        put_head(w, s.type, s.n);
        for (unsigned i = 0; i < s.n; i++) {
            uint32_t asn = next_asn(&s, 4);
            kd_put_u16(w, asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)asn);
        }
    }
}

void bgp_aspath_prepend(struct kd_writer *w, const uint32_t *asn, unsigned n, struct kd_bytes path)
{
    struct kd_reader r;
    struct segment s;
    bool merge;

    kd_reader_init(&r, path);
    merge = next_segment(&r, 4, &s) && s.type == BGP_AS_SEQUENCE && s.n + n <= UINT8_MAX;
    if (n > 0)
        put_head(w, BGP_AS_SEQUENCE, merge ? n + s.n : n);
    for (unsigned i = 0; i < n; i++)
        kd_put_u32(w, asn[i]);
    if (merge && n > 0)
        path = kd_bytes(path.p + 2, path.len - 2);
    kd_put_bytes(w, path);
}

void bgp_aspath_replace(struct kd_writer *w, struct kd_bytes path, uint32_t from, uint32_t to)
{
    struct kd_reader r;
    struct segment s;

    kd_reader_init(&r, path);
    while (next_segment(&r, 4, &s)) {
        put_head(w, s.type, s.n);
        for (unsigned i = 0; i < s.n; i++) {
            uint32_t asn = next_asn(&s, 4);
            kd_put_u32(w, asn == from ? to : asn);
        }
    }
}

static void put_text(struct kd_writer *w, const char *text)
{
    kd_put_bytes(w, kd_bytes_str(text));
}

static void segment_text(struct kd_writer *w, struct segment *s)
{
    static const char *const marks[][3] = {
        [BGP_AS_SET] = {"{", ",", "}"},
        [BGP_AS_SEQUENCE] = {"", " ", ""},
        [BGP_CONFED_SEQUENCE] = {"(", " ", ")"},
        [BGP_CONFED_SET] = {"[", ",", "]"},
    };
    char text[16];

    put_text(w, marks[s->type][0]);
    for (unsigned i = 0; i < s->n; i++) {
        snprintf(text, sizeof(text), "%s%u", i ? marks[s->type][1] : "", next_asn(s, 4));
        put_text(w, text);
    }
    put_text(w, marks[s->type][2]);
}

void bgp_aspath_text(struct kd_writer *w, struct kd_bytes path)
{
    struct kd_reader r;
    struct segment s;
    bool first = true;

    kd_reader_init(&r, path);
    while (next_segment(&r, 4, &s)) {
        if (!first)
            put_text(w, " ");
        first = false;
        segment_text(w, &s);
    }
}

/* The first n ASNs' worth (in path length) of path; segments are cut. */
static void put_leading(struct kd_writer *w, struct kd_bytes path, unsigned n)
{
    struct kd_reader r;
    struct segment s;

    kd_reader_init(&r, path);
    while (n > 0 && next_segment(&r, 4, &s)) {
        unsigned take = is_set(s.type) ? s.n : KD_MIN(n, s.n);
        put_head(w, s.type, take);
        for (unsigned i = 0; i < take; i++)
            kd_put_u32(w, next_asn(&s, 4));
        n -= is_set(s.type) ? 1 : take;
    }
}

void bgp_aspath_merge(struct kd_writer *w, struct kd_bytes path, struct kd_bytes as4)
{
    unsigned n = bgp_aspath_length(path), n4 = bgp_aspath_length(as4);
    struct kd_reader r;
    struct segment s;

    if (n < n4) {
        kd_put_bytes(w, path);
        return;
    }
    put_leading(w, path, n - n4);
    kd_reader_init(&r, as4);
    while (next_segment(&r, 4, &s)) {
        if (s.type > BGP_AS_SEQUENCE)
            continue; /* RFC 6793 6: confederation segments in AS4_PATH are dropped */
        put_head(w, s.type, s.n);
        kd_put_bytes(w, kd_bytes(s.asns.p, s.asns.len));
    }
}
