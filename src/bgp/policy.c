/* Policies compiled and evaluated. The value as read is 44 KB, mostly empty room for prefixes; what
 * is kept is trimmed to what is used, and there once however many neighbors name it. */
#include "bgp/route_map.h"

#include "bgp/aspath.h"

#include <stdlib.h>

const char *const bgp_source_names[] = {"other", "local", "vpn", "expressroute", NULL};

/* A prefix costs about as much as so many octets of a path put through a pattern. */
#define OCTETS_A_WORK 64

_Static_assert(BGP_POLICY_ENTRY_MAX <= 32, "entries are bits");

/* How much of each the map has given out. */
struct filled {
    uint32_t rules, regex, communities;
};

static void count(const struct bgp_policy *p, uint16_t n, struct filled *f)
{
    *f = (struct filled){0};
    for (uint16_t i = 0; i < n; i++) {
        const struct bgp_policy_entry *e = &p->entry[i];
        f->rules += KD_MIN(e->n_prefix, BGP_POLICY_PREFIX_MAX);
        f->regex += e->n_as_path;
        f->communities += (uint32_t)e->n_community + e->n_delete + e->n_add;
    }
}

static const struct bgp_community *take_communities(struct bgp_route_map *m, struct filled *f,
                                                    const struct bgp_community *src, uint8_t n)
{
    struct bgp_community *at = m->communities + f->communities;

    kd_assert(n <= BGP_COMMUNITIES_MAX);
    memcpy(at, src, n * sizeof(*at));
    f->communities += n;
    return at;
}

static void compile_matches(struct bgp_route_map *m, struct bgp_route_map_entry *e,
                            const struct bgp_policy_entry *src, struct filled *f)
{
    const char *why;
    unsigned at;

    e->n_rules = KD_MIN(src->n_prefix, BGP_POLICY_PREFIX_MAX);
    e->rules = m->rules + f->rules;
    memcpy(m->rules + f->rules, src->prefix, e->n_rules * sizeof(*m->rules));
    f->rules += e->n_rules;
    e->n_regex = src->n_as_path;
    e->regex = m->regex + f->regex;
    for (uint8_t i = 0; i < src->n_as_path; i++)
        kd_assert(bgp_as_regex_compile(&m->regex[f->regex++], src->as_path[i], &why, &at));
    e->n_match = src->n_community;
    e->match = take_communities(m, f, src->community, src->n_community);
}

static void compile_set(struct bgp_route_map *m, struct bgp_route_map_entry *e,
                        const struct bgp_policy_entry *src, struct filled *f)
{
    struct bgp_route_set *s = &e->set;

    memcpy(e->prepend, src->prepend, sizeof(e->prepend));
    *s = (struct bgp_route_set){
        .set_local_pref = src->set_local_pref,
        .set_med = src->set_med,
        .local_pref = src->local_pref,
        .med = src->med,
        .n_prepend = KD_MIN(src->n_prepend, BGP_PREPEND_MAX),
        .prepend = e->prepend,
        .community = {.n_delete = src->n_delete, .n_add = src->n_add},
        .set_nexthop = src->set_nexthop,
        .nexthop = src->nexthop,
    };
    s->community.delete = take_communities(m, f, src->delete, src->n_delete);
    s->community.add = take_communities(m, f, src->add, src->n_add);
    s->any = s->set_local_pref || s->set_med || s->n_prepend || s->set_nexthop || src->n_delete ||
             src->n_add;
    for (unsigned i = 0; i < BGP_COMMUNITY_KINDS; i++) {
        s->community.replace[i] = src->replace[i];
        s->any |= src->replace[i];
    }
}

static struct bgp_route_map *allocate(uint16_t n, const struct filled *room)
{
    struct bgp_route_map *m = calloc(1, sizeof(*m) + n * sizeof(m->entry[0]));

    if (!m)
        return NULL;
    m->refs = 1;
    m->n = n;
    m->rules = calloc(room->rules + 1, sizeof(*m->rules));
    m->regex = calloc(room->regex + 1, sizeof(*m->regex));
    m->communities = calloc(room->communities + 1, sizeof(*m->communities));
    if (m->rules && m->regex && m->communities)
        return m;
    bgp_route_map_unref(m);
    return NULL;
}

struct bgp_route_map *bgp_route_map_new(const struct bgp_policy *p)
{
    uint16_t n = KD_MIN(p->n, BGP_POLICY_ENTRY_MAX);
    struct bgp_route_map *m;
    struct filled f;

    count(p, n, &f);
    m = allocate(n, &f);
    if (!m)
        return NULL;
    memcpy(m->name, p->name, sizeof(m->name));
    f = (struct filled){0};
    for (uint16_t i = 0; i < n; i++) {
        struct bgp_route_map_entry *e = &m->entry[i];
        e->permit = p->entry[i].permit;
        e->from = p->entry[i].from;
        compile_matches(m, e, &p->entry[i], &f);
        compile_set(m, e, &p->entry[i], &f);
        if (!e->n_regex && !e->n_match && !e->from)
            m->any |= 1u << i;
    }
    return m;
}

struct bgp_route_map *bgp_route_map_ref(struct bgp_route_map *m)
{
    if (m)
        m->refs++;
    return m;
}

const char *bgp_route_map_name(const struct bgp_route_map *m)
{
    return m->name;
}

void bgp_route_map_unref(struct bgp_route_map *m)
{
    if (!m || --m->refs > 0)
        return;
    free(m->rules);
    free(m->regex);
    free(m->communities);
    free(m);
}

/* ---- evaluation ---- */

static bool path_matches(const struct bgp_route_map_entry *e, struct kd_bytes text, uint32_t *work)
{
    for (uint16_t i = 0; i < e->n_regex; i++) {
        *work += (uint32_t)text.len / OCTETS_A_WORK;
        if (bgp_as_regex_match(&e->regex[i], text))
            return true;
    }
    return e->n_regex == 0;
}

static bool communities_match(const struct bgp_route_map_entry *e, const struct bgp_attrs *a,
                              uint32_t *work)
{
    unsigned asked = 0, held = 0; /* kinds, a bit each */

    for (uint16_t i = 0; i < e->n_match;) {
        unsigned kind = 1u << e->match[i].kind;
        bool all = true;
        do
            all &= bgp_community_present(a, &e->match[i]);
        while (e->match[i++].and_next && i < e->n_match);
        asked |= kind;
        held |= all ? kind : 0;
    }
    *work += (uint32_t)(a->communities.len + a->ext_communities.len + a->large_communities.len) *
             e->n_match / OCTETS_A_WORK;
    return held == asked;
}

static bool came_from(const struct bgp_route_map_entry *e, enum bgp_source from)
{
    return !e->from || e->from & 1u << from;
}

uint32_t bgp_route_map_eligible(const struct bgp_route_map *m, const struct bgp_attrs *a,
                                enum bgp_source from, uint32_t *work)
{
    char text[BGP_AS_TEXT_MAX];
    struct kd_writer w;
    uint32_t all = m->any;

    if (m->n == (unsigned)__builtin_popcount(m->any))
        return all;
    kd_writer_init(&w, text, sizeof(text));
    bgp_aspath_text(&w, a->as_path);
    for (uint16_t i = 0; i < m->n; i++)
        if (!(all & 1u << i) && came_from(&m->entry[i], from) &&
            communities_match(&m->entry[i], a, work) &&
            path_matches(&m->entry[i], kd_written(&w), work))
            all |= 1u << i;
    return all;
}

static bool rule_matches(const struct bgp_prefix_rule *r, const struct kd_prefix *p)
{
    if (p->len < r->ge || p->len > r->le)
        return false;
    return p->len < r->prefix.len ? kd_prefix_covers(p, &r->prefix)
                                  : kd_prefix_covers(&r->prefix, p);
}

static bool prefix_matches(const struct bgp_route_map_entry *e, const struct kd_prefix *p)
{
    for (uint16_t i = 0; i < e->n_rules; i++)
        if (rule_matches(&e->rules[i], p))
            return true;
    return e->n_rules == 0;
}

int bgp_route_map_match(const struct bgp_route_map *m, uint32_t eligible, const struct kd_prefix *p)
{
    for (uint16_t i = 0; i < m->n; i++)
        if (eligible & 1u << i && prefix_matches(&m->entry[i], p))
            return m->entry[i].permit ? i : -1;
    return -1;
}

struct bgp_route_set bgp_route_map_set(const struct bgp_route_map *m, int entry)
{
    kd_assert(entry >= 0 && entry < m->n);
    return m->entry[entry].set;
}
