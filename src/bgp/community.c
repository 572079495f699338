/* Communities of policies. RFC 1997, 4360 and 5668 (extended: route target and site of origin by
 * name), 8092 (large), 8326, 7999 (well-known ones). */
#include "bgp/community.h"

#include "base/addr.h"

#include <stdio.h>

static const struct {
    const char *name;
    uint32_t value;
} well_known[] = {
    {"no-export", BGP_COMMUNITY_NO_EXPORT},
    {"no-advertise", BGP_COMMUNITY_NO_ADVERTISE},
    {"local-as", BGP_COMMUNITY_NO_EXPORT_SUBCONFED},
    {"graceful-shutdown", BGP_COMMUNITY_GRACEFUL_SHUTDOWN},
    {"blackhole", BGP_COMMUNITY_BLACKHOLE},
};

/* On the wire: so many parts of so many octets. */
static const struct kind {
    uint8_t parts, octets;
    uint64_t bit;
    size_t offset; /* of struct bgp_attrs */
} kinds[] = {
    [BGP_COMMUNITY_STANDARD] = {2, 2, BGP_HAS(BGP_A_COMMUNITIES),
                                offsetof(struct bgp_attrs, communities)},
    [BGP_COMMUNITY_EXTENDED] = {2, 4, BGP_HAS(BGP_A_EXT_COMMUNITIES),
                                offsetof(struct bgp_attrs, ext_communities)},
    [BGP_COMMUNITY_LARGE] = {3, 4, BGP_HAS(BGP_A_LARGE_COMMUNITIES),
                             offsetof(struct bgp_attrs, large_communities)},
};

static struct kd_bytes *list_of(struct bgp_attrs *a, unsigned kind)
{
    return (struct kd_bytes *)(void *)((char *)a + kinds[kind].offset);
}

static struct kd_bytes list_in(const struct bgp_attrs *a, unsigned kind)
{
    return *(const struct kd_bytes *)(const void *)((const char *)a + kinds[kind].offset);
}

/* Zero, every bit of which counts. */
static struct bgp_community blank(unsigned kind)
{
    struct bgp_community c = {.kind = (uint8_t)kind};

    for (unsigned i = 0; i < kinds[kind].parts; i++)
        c.mask[i] = kinds[kind].octets == 2 ? UINT16_MAX : UINT32_MAX;
    return c;
}

struct bgp_community bgp_community_standard(uint32_t value)
{
    struct bgp_community c = blank(BGP_COMMUNITY_STANDARD);

    c.part[0] = value >> 16;
    c.part[1] = value & UINT16_MAX;
    return c;
}

struct bgp_community bgp_community_extended(uint32_t high, uint32_t low)
{
    struct bgp_community c = blank(BGP_COMMUNITY_EXTENDED);

    c.part[0] = high;
    c.part[1] = low;
    return c;
}

/* ---- text ---- */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static bool parse_number(const char *s, size_t len, unsigned base, uint32_t max, uint32_t *out)
{
    uint64_t v = 0;

    for (size_t k = 0; k < len; k++) {
        if ((unsigned)digit(s[k]) >= base || k > 9)
            return false;
        v = v * base + (unsigned)digit(s[k]);
    }
    *out = (uint32_t)v;
    return len > 0 && v <= max;
}

/* Between colons: how many, at most three. */
static unsigned split(const char *s, size_t len, struct kd_bytes field[3])
{
    unsigned n = 0;

    for (size_t at = 0; at <= len; n++) {
        const char *colon = at < len ? memchr(s + at, ':', len - at) : NULL;
        size_t end = colon ? (size_t)(colon - s) : len;
        if (n == 3)
            return 0;
        field[n] = kd_bytes(s + at, end - at);
        at = end + 1;
    }
    return n;
}

static bool is(struct kd_bytes b, const char *word)
{
    return b.len == strlen(word) && memcmp(b.p, word, b.len) == 0;
}

/* Digits, or "*" for whatever bits are there. */
static bool parse_part(struct kd_bytes b, uint32_t max, uint32_t *part, uint32_t *mask)
{
    if (is(b, "*")) {
        *mask = 0;
        return true;
    }
    return parse_number((const char *)b.p, b.len, 10, max, part);
}

static bool parse_hex(struct kd_bytes b, uint32_t *part)
{
    return b.len > 2 && memcmp(b.p, "0x", 2) == 0 &&
           parse_number((const char *)b.p + 2, b.len - 2, 16, UINT32_MAX, part);
}

static bool parse_v4(struct kd_bytes b, uint32_t *out)
{
    char text[16];
    struct kd_addr a;

    if (b.len >= sizeof(text))
        return false;
    memcpy(text, b.p, b.len);
    text[b.len] = '\0';
    if (!kd_addr_parse(text, &a) || a.family != 4)
        return false;
    *out = (uint32_t)a.b[0] << 24 | (uint32_t)a.b[1] << 16 | (uint32_t)a.b[2] << 8 | a.b[3];
    return true;
}

/* RFC 4360 3.1, 3.2, RFC 5668: type 0 has an AS of two octets and a number of four, types 1 (an
 * address) and 2 (an AS) four and two. */
static bool parse_extended(const struct kd_bytes f[3], struct bgp_community *c)
{
    uint32_t admin, number = 0, mask = UINT32_MAX, sub = is(f[0], "rt") ? 2 : 3;
    bool address = parse_v4(f[1], &admin);

    if (is(f[0], "generic"))
        return parse_hex(f[1], &c->part[0]) && parse_hex(f[2], &c->part[1]);
    if (!is(f[0], "rt") && !is(f[0], "soo"))
        return false;
    if (!address && !parse_number((const char *)f[1].p, f[1].len, 10, UINT32_MAX, &admin))
        return false;
    bool wide = address || admin > UINT16_MAX;
    if (!parse_part(f[2], wide ? UINT16_MAX : UINT32_MAX, &number, &mask))
        return false;
    c->part[0] = (address ? 1u : wide ? 2u : 0u) << 24 | sub << 16 | (wide ? admin >> 16 : admin);
    c->part[1] = wide ? admin << 16 | number : number;
    c->mask[1] = wide ? 0xffff0000u | mask : mask;
    return true;
}

bool bgp_community_parse(const char *s, size_t len, enum bgp_community_kind kind,
                         struct bgp_community *c)
{
    uint32_t max = kind == BGP_COMMUNITY_STANDARD ? UINT16_MAX : UINT32_MAX;
    struct kd_bytes field[3];

    for (size_t i = 0; kind == BGP_COMMUNITY_STANDARD && i < KD_ARRAY_LEN(well_known); i++)
        if (is(kd_bytes(s, len), well_known[i].name)) {
            *c = bgp_community_standard(well_known[i].value);
            return true;
        }
    *c = blank(kind);
    if (split(s, len, field) != (kind == BGP_COMMUNITY_STANDARD ? 2 : 3))
        return false;
    if (kind == BGP_COMMUNITY_EXTENDED)
        return parse_extended(field, c);
    for (unsigned i = 0; i < kinds[kind].parts; i++)
        if (!parse_part(field[i], max, &c->part[i], &c->mask[i]))
            return false;
    return true;
}

bool bgp_community_open(const struct bgp_community *c)
{
    const struct bgp_community value = blank(c->kind);

    return memcmp(c->mask, value.mask, sizeof(value.mask)) != 0;
}

static void extended_text(const struct bgp_community *c, char *buf, size_t cap)
{
    uint32_t type = c->part[0] >> 24, sub = c->part[0] >> 16 & 0xff, low = c->part[1];
    uint32_t wide = c->part[0] << 16 | low >> 16, number = type ? low & UINT16_MAX : low;
    char tail[16] = "*";
    struct kd_addr a = kd_addr_v4(wide);
    char addr[KD_ADDR_STR_MAX];

    if (type > 2 || (sub != 2 && sub != 3) || (type == 2 && wide <= UINT16_MAX)) {
        snprintf(buf, cap, "generic:0x%x:0x%x", c->part[0], c->part[1]);
        return;
    }
    if (!bgp_community_open(c))
        snprintf(tail, sizeof(tail), "%u", number);
    if (type == 1)
        snprintf(buf, cap, "%s:%s:%s", sub == 2 ? "rt" : "soo", kd_addr_str(&a, addr), tail);
    else
        snprintf(buf, cap, "%s:%u:%s", sub == 2 ? "rt" : "soo",
                 type ? wide : c->part[0] & UINT16_MAX, tail);
}

const char *bgp_community_text(const struct bgp_community *c, char buf[BGP_COMMUNITY_TEXT_MAX])
{
    size_t at = 0;

    for (size_t i = 0; c->kind == BGP_COMMUNITY_STANDARD && i < KD_ARRAY_LEN(well_known); i++)
        if (!bgp_community_open(c) && (c->part[0] << 16 | c->part[1]) == well_known[i].value)
            return strcpy(buf, well_known[i].name);
    if (c->kind == BGP_COMMUNITY_EXTENDED) {
        extended_text(c, buf, BGP_COMMUNITY_TEXT_MAX);
        return buf;
    }
    for (unsigned i = 0; i < kinds[c->kind].parts; i++) {
        at += (size_t)snprintf(buf + at, BGP_COMMUNITY_TEXT_MAX - at, i ? ":" : "");
        if (c->mask[i])
            at += (size_t)snprintf(buf + at, BGP_COMMUNITY_TEXT_MAX - at, "%u", c->part[i]);
        else
            at += (size_t)snprintf(buf + at, BGP_COMMUNITY_TEXT_MAX - at, "*");
    }
    return buf;
}

/* ---- lists of an attribute ---- */

bool bgp_community_next(struct kd_reader *r, enum bgp_community_kind kind, struct bgp_community *c)
{
    const struct kind *k = &kinds[kind];

    if (kd_reader_left(r) < (size_t)k->parts * k->octets)
        return false;
    *c = blank(kind);
    for (unsigned i = 0; i < k->parts; i++)
        c->part[i] = k->octets == 4 ? kd_get_u32(r) : kd_get_u16(r);
    return true;
}

static void put(struct kd_writer *w, const struct bgp_community *c)
{
    for (unsigned i = 0; i < kinds[c->kind].parts; i++) {
        if (kinds[c->kind].octets == 4)
            kd_put_u32(w, c->part[i]);
        else
            kd_put_u16(w, (uint16_t)c->part[i]);
    }
}

static bool fits(const struct bgp_community *pattern, const struct bgp_community *c)
{
    for (unsigned i = 0; i < 3; i++)
        if ((pattern->part[i] ^ c->part[i]) & pattern->mask[i])
            return false;
    return pattern->kind == c->kind;
}

static bool list_has(struct kd_bytes list, const struct bgp_community *pattern)
{
    struct kd_reader r;
    struct bgp_community c;

    kd_reader_init(&r, list);
    while (bgp_community_next(&r, pattern->kind, &c))
        if (fits(pattern, &c))
            return true;
    return false;
}

bool bgp_community_present(const struct bgp_attrs *a, const struct bgp_community *c)
{
    return list_has(list_in(a, c->kind), c);
}

/* ---- editing ---- */

static bool deleted(const struct bgp_community_edit *e, const struct bgp_community *c)
{
    for (unsigned i = 0; i < e->n_delete; i++)
        if (fits(&e->delete[i], c))
            return true;
    return false;
}

static struct kd_bytes edited(const struct bgp_community_edit *e, unsigned kind,
                              struct kd_bytes list, struct kd_writer *room)
{
    size_t start = room->pos;
    struct bgp_community c;
    struct kd_reader r;

    kd_reader_init(&r, list);
    while (!e->replace[kind] && bgp_community_next(&r, kind, &c))
        if (!deleted(e, &c))
            put(room, &c);
    for (unsigned i = 0; i < e->n_add; i++)
        if (e->add[i].kind == kind &&
            !list_has(kd_bytes(room->p + start, room->pos - start), &e->add[i]))
            put(room, &e->add[i]);
    return kd_bytes(room->p + start, room->pos - start);
}

static bool touches(const struct bgp_community_edit *e, unsigned kind)
{
    bool any = e->replace[kind];

    for (unsigned i = 0; i < e->n_delete; i++)
        any |= e->delete[i].kind == kind;
    for (unsigned i = 0; i < e->n_add; i++)
        any |= e->add[i].kind == kind;
    return any;
}

void bgp_community_apply(struct bgp_attrs *a, const struct bgp_community_edit *e,
                         struct kd_writer *room)
{
    for (unsigned kind = 0; kind < BGP_COMMUNITY_KINDS; kind++) {
        struct kd_bytes *list = list_of(a, kind);
        if (!touches(e, kind))
            continue;
        *list = edited(e, kind, *list, room);
        a->has = list->len ? a->has | kinds[kind].bit : a->has & ~kinds[kind].bit;
    }
}
