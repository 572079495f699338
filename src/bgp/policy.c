/* Policies compiled and evaluated. The value as read is 44 KB, mostly empty room for prefixes; what
 * is kept is trimmed to what is used, and there once however many neighbors name it. */
#include "bgp/policy.h"

#include <stdlib.h>

struct entry {
    bool permit;
    uint16_t n_rules;
    uint32_t first_rule;
    struct bgp_route_set set;
    uint32_t prepend[BGP_PREPEND_MAX];
};

struct bgp_route_map {
    uint32_t refs;
    char name[32];
    uint16_t n;
    struct bgp_prefix_rule *rules;
    struct entry entry[];
};

static uint32_t count_rules(const struct bgp_policy *p, uint16_t n)
{
    uint32_t rules = 0;

    for (uint16_t i = 0; i < n; i++)
        rules += KD_MIN(p->entry[i].n_prefix, BGP_POLICY_PREFIX_MAX);
    return rules;
}

static void compile(struct bgp_route_map *m, struct entry *e, const struct bgp_policy_entry *src,
                    uint32_t first_rule)
{
    e->permit = src->permit;
    e->n_rules = KD_MIN(src->n_prefix, BGP_POLICY_PREFIX_MAX);
    e->first_rule = first_rule;
    memcpy(m->rules + first_rule, src->prefix, e->n_rules * sizeof(*m->rules));
    memcpy(e->prepend, src->prepend, sizeof(e->prepend));
    e->set = (struct bgp_route_set){
        .set_local_pref = src->set_local_pref,
        .set_med = src->set_med,
        .local_pref = src->local_pref,
        .med = src->med,
        .n_prepend = KD_MIN(src->n_prepend, BGP_PREPEND_MAX),
        .prepend = e->prepend,
    };
    e->set.any = e->set.set_local_pref || e->set.set_med || e->set.n_prepend;
}

struct bgp_route_map *bgp_route_map_new(const struct bgp_policy *p)
{
    uint16_t n = KD_MIN(p->n, BGP_POLICY_ENTRY_MAX);
    uint32_t rules = count_rules(p, n), at = 0;
    struct bgp_route_map *m = calloc(1, sizeof(*m) + n * sizeof(m->entry[0]));

    if (!m)
        return NULL;
    m->rules = calloc(rules + 1, sizeof(*m->rules));
    if (!m->rules) {
        free(m);
        return NULL;
    }
    m->refs = 1;
    memcpy(m->name, p->name, sizeof(m->name));
    m->n = n;
    for (uint16_t i = 0; i < n; i++) {
        compile(m, &m->entry[i], &p->entry[i], at);
        at += m->entry[i].n_rules;
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
    free(m);
}

static bool rule_matches(const struct bgp_prefix_rule *r, const struct kd_prefix *p)
{
    return p->len >= r->ge && p->len <= r->le && kd_prefix_covers(&r->prefix, p);
}

static bool entry_matches(const struct bgp_route_map *m, const struct entry *e,
                          const struct kd_prefix *p)
{
    if (e->n_rules == 0)
        return true;
    for (uint16_t i = 0; i < e->n_rules; i++)
        if (rule_matches(&m->rules[e->first_rule + i], p))
            return true;
    return false;
}

int bgp_route_map_match(const struct bgp_route_map *m, const struct kd_prefix *p)
{
    for (uint16_t i = 0; i < m->n; i++)
        if (entry_matches(m, &m->entry[i], p))
            return m->entry[i].permit ? i : -1;
    return -1;
}

struct bgp_route_set bgp_route_map_set(const struct bgp_route_map *m, int entry)
{
    kd_assert(entry >= 0 && entry < m->n);
    return m->entry[entry].set;
}
