/* Communities of policies. RFC 1997, 8092 (large), 8326, 7999 (well-known ones). */
#include "bgp/community.h"

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

/* Digits or "*"; false when it is neither or above max. */
static bool parse_part(const char *s, size_t len, uint32_t max, struct bgp_community *c, unsigned i)
{
    uint64_t v = 0;

    if (len == 1 && *s == '*') {
        c->open |= (uint8_t)(1u << i);
        return true;
    }
    for (size_t k = 0; k < len; k++) {
        if (s[k] < '0' || s[k] > '9' || k > 9)
            return false;
        v = v * 10 + (uint64_t)(s[k] - '0');
    }
    c->part[i] = (uint32_t)v;
    return len > 0 && v <= max;
}

static bool parse_name(const char *s, size_t len, struct bgp_community *c)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(well_known); i++)
        if (strlen(well_known[i].name) == len && memcmp(well_known[i].name, s, len) == 0) {
            c->part[0] = well_known[i].value >> 16;
            c->part[1] = well_known[i].value & 0xffff;
            return true;
        }
    return false;
}

bool bgp_community_parse(const char *s, size_t len, bool large, struct bgp_community *c)
{
    unsigned parts = large ? 3 : 2, i = 0;

    *c = (struct bgp_community){.large = large};
    if (!large && parse_name(s, len, c))
        return true;
    for (const char *end = s + len; i < parts; i++) {
        const char *colon = memchr(s, ':', (size_t)(end - s));
        size_t n = (size_t)((colon ? colon : end) - s);
        if ((colon != NULL) != (i + 1 < parts) ||
            !parse_part(s, n, large ? UINT32_MAX : UINT16_MAX, c, i))
            return false;
        s += n + 1;
    }
    return true;
}

/* ---- lists of an attribute ---- */

static bool next(struct kd_reader *r, bool large, struct bgp_community *c)
{
    if (kd_reader_left(r) < (large ? 12u : 4u))
        return false;
    *c = (struct bgp_community){.large = large};
    for (unsigned i = 0; i < (large ? 3 : 2); i++)
        c->part[i] = large ? kd_get_u32(r) : kd_get_u16(r);
    return true;
}

static void put(struct kd_writer *w, const struct bgp_community *c)
{
    for (unsigned i = 0; i < (c->large ? 3 : 2); i++) {
        if (c->large)
            kd_put_u32(w, c->part[i]);
        else
            kd_put_u16(w, (uint16_t)c->part[i]);
    }
}

static bool fits(const struct bgp_community *pattern, const struct bgp_community *c)
{
    for (unsigned i = 0; i < 3; i++)
        if (!(pattern->open & 1u << i) && pattern->part[i] != c->part[i])
            return false;
    return pattern->large == c->large;
}

static bool list_has(struct kd_bytes list, const struct bgp_community *pattern)
{
    struct kd_reader r;
    struct bgp_community c;

    kd_reader_init(&r, list);
    while (next(&r, pattern->large, &c))
        if (fits(pattern, &c))
            return true;
    return false;
}

bool bgp_community_present(const struct bgp_attrs *a, const struct bgp_community *c)
{
    return list_has(c->large ? a->large_communities : a->communities, c);
}

/* ---- editing ---- */

static bool deleted(const struct bgp_community_edit *e, const struct bgp_community *c)
{
    for (unsigned i = 0; i < e->n_delete; i++)
        if (fits(&e->delete[i], c))
            return true;
    return false;
}

static struct kd_bytes edited(const struct bgp_community_edit *e, bool large, struct kd_bytes list,
                              struct kd_writer *room)
{
    size_t start = room->pos;
    struct bgp_community c;
    struct kd_reader r;

    kd_reader_init(&r, list);
    while (!e->replace[large] && next(&r, large, &c))
        if (!deleted(e, &c))
            put(room, &c);
    for (unsigned i = 0; i < e->n_add; i++)
        if (e->add[i].large == large &&
            !list_has(kd_bytes(room->p + start, room->pos - start), &e->add[i]))
            put(room, &e->add[i]);
    return kd_bytes(room->p + start, room->pos - start);
}

static bool touches(const struct bgp_community_edit *e, bool large)
{
    bool any = e->replace[large];

    for (unsigned i = 0; i < e->n_delete; i++)
        any |= e->delete[i].large == large;
    for (unsigned i = 0; i < e->n_add; i++)
        any |= e->add[i].large == large;
    return any;
}

static void edit(struct bgp_attrs *a, const struct bgp_community_edit *e, bool large,
                 struct kd_bytes *list, uint64_t bit, struct kd_writer *room)
{
    if (!touches(e, large))
        return;
    *list = edited(e, large, *list, room);
    a->has = list->len ? a->has | bit : a->has & ~bit;
}

void bgp_community_apply(struct bgp_attrs *a, const struct bgp_community_edit *e,
                         struct kd_writer *room)
{
    edit(a, e, false, &a->communities, BGP_HAS(BGP_A_COMMUNITIES), room);
    edit(a, e, true, &a->large_communities, BGP_HAS(BGP_A_LARGE_COMMUNITIES), room);
}
