/* An entry of a policy: permit or deny, what it matches, what it sets; the words are those of FRR's
 * and IOS's route-maps.
 *
 *   - deny: {match: {prefix: [10.17.11.0/25 le 32]}}
 *   - permit: {match: {prefix: [10.0.0.0/8 ge 16 le 24]}, set: {local-preference: 120}} */
#include "config/cfg.h"

#include <stdio.h>

/* "ge 16 le 24" behind the prefix: blanks, a word, blanks, a number; each word once. */
static bool read_lengths(const char *s, uint64_t *ge, uint64_t *le)
{
    while (*s) {
        size_t blank = strspn(s, " \t");
        s += blank;
        if (!*s)
            return true;
        uint64_t *which = strncmp(s, "ge", 2) == 0 ? ge : strncmp(s, "le", 2) == 0 ? le : NULL;
        if (!which || *which != UINT64_MAX || blank == 0)
            return false;
        s += 2;
        blank = strspn(s, " \t");
        s += blank;
        size_t digits = strspn(s, "0123456789");
        if (blank == 0 || !cfg_number(s, digits, 128, which))
            return false;
        s += digits;
    }
    return true;
}

static bool overlapping(const char *s)
{
    static const char word[] = "overlapping";
    size_t blank = strspn(s, " \t");
    return blank > 0 && strcmp(s + blank, word) == 0;
}

/* Without ge and le exactly the prefix; ge alone opens upwards to the width, le alone begins at the
 * prefix's own length, as in FRR and IOS. `overlapping`: it, what is inside and what it is inside.
 */
static bool read_rule(struct cfg *c, const struct cfg_val *v, struct bgp_prefix_rule *r)
{
    char head[KD_PREFIX_STR_MAX], quote[CFG_QUOTE_MAX];
    size_t n = strcspn(v->s, " \t");
    uint64_t ge = UINT64_MAX, le = UINT64_MAX;
    n = KD_MIN(n, sizeof(head) - 1);
    memcpy(head, v->s, n);
    head[n] = '\0';
    struct cfg_val pv = {head, n, v->at};
    if (!cfg_read_prefix(c, &pv, &r->prefix))
        return false;
    uint8_t bits = kd_addr_bits(&r->prefix.addr);
    bool ok = overlapping(v->s + n);
    if (ok) {
        r->ge = 0;
        r->le = bits;
        return true;
    }
    ok = read_lengths(v->s + n, &ge, &le);
    if (ok) {
        r->ge = (uint8_t)(ge != UINT64_MAX ? ge : r->prefix.len);
        r->le = (uint8_t)(le != UINT64_MAX ? le : ge != UINT64_MAX ? bits : r->prefix.len);
        ok = r->prefix.len <= r->ge && r->ge <= r->le && r->le <= bits;
    }
    if (!ok)
        cfg_error(
            c, v->at,
            "%s; allowed: PREFIX [ge N] [le M], with %u <= N <= M <= %u, or PREFIX overlapping",
            cfg_quote(v, quote), r->prefix.len, bits);
    return ok;
}

static void read_match(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    struct cfg_val v;
    if (e->n_prefix == BGP_POLICY_PREFIX_MAX)
        return; /* a permit and a deny in one entry, which is refused as such */
    if (cfg_val(c, n, &v) && read_rule(c, &v, &e->prefix[e->n_prefix]))
        e->n_prefix++;
}

static void read_set_number(struct cfg *c, yaml_node_t *n, uint32_t *out, bool *set)
{
    const struct cfg_key k = {.type = CFG_UINT, .size = 4, .max = UINT32_MAX};
    struct cfg_val v;
    if (cfg_val(c, n, &v))
        *set = cfg_scalar(c, &k, &v, out);
}

static void read_local_pref(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    read_set_number(c, n, &e->local_pref, &e->set_local_pref);
}

static void read_med(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    read_set_number(c, n, &e->med, &e->set_med);
}

/* "_65010_", "^$": as IOS and FRR write them. */
static void read_as_path(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    struct bgp_as_regex x;
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    const char *why;
    unsigned at;
    if (e->n_as_path == BGP_AS_MATCH_MAX || !cfg_val(c, n, &v))
        return;
    if (bgp_as_regex_compile(&x, v.s, &why, &at))
        strcpy(e->as_path[e->n_as_path++], v.s);
    else
        cfg_error(c, v.at, "%s: %s (character %u); allowed: digits . [0-9] ^ $ _ ( | ) * + ?",
                  cfg_quote(&v, quote), why, at + 1);
}

/* The communities in one scalar, between blanks, behind *count in list; each is `and_next` but the
 * last. False: an error has been said. */
static bool read_communities(struct cfg *c, const struct cfg_val *v, const char *s, size_t len,
                             enum bgp_community_kind kind, bool open, struct bgp_community *list,
                             uint8_t *count)
{
    static const char *const forms[] = {
        [BGP_COMMUNITY_STANDARD] =
            "N:N, no-export, no-advertise, local-as, blackhole, graceful-shutdown",
        [BGP_COMMUNITY_EXTENDED] = "rt:N:N, soo:N:N, generic:0xN:0xN",
        [BGP_COMMUNITY_LARGE] = "N:N:N"};
    char quote[CFG_QUOTE_MAX];
    uint8_t first = *count;
    for (size_t at = 0; at < len;) {
        at += strspn(s + at, " \t");
        size_t n = strcspn(s + at, " \t");
        if (at >= len || n == 0)
            break;
        struct bgp_community *one = &list[*count];
        if (*count == BGP_COMMUNITIES_MAX || !bgp_community_parse(s + at, n, kind, one) ||
            (!open && bgp_community_open(one))) {
            cfg_error(c, v->at, "%s; allowed: at most %d of %s%s, between blanks",
                      cfg_quote(v, quote), BGP_COMMUNITIES_MAX, forms[kind],
                      !open                            ? ""
                      : kind == BGP_COMMUNITY_EXTENDED ? ", * for the last number"
                                                       : ", * for any part");
            return false;
        }
        one->and_next = true;
        ++*count;
        at += n;
    }
    if (*count == first) {
        cfg_error(c, v->at, "no community");
        return false;
    }
    list[*count - 1].and_next = false;
    return true;
}

/* Patterns of a kind, for a match or to be deleted, and values, to be set. */
static void read_pattern(struct cfg *c, yaml_node_t *n, enum bgp_community_kind kind,
                         struct bgp_community *list, uint8_t *count)
{
    struct cfg_val v;
    if (cfg_val(c, n, &v))
        (void)read_communities(c, &v, v.s, v.len, kind, true, list, count);
}

/* "none", or communities, which replace what is there unless "additive" stands behind them. */
static void read_set(struct cfg *c, yaml_node_t *n, enum bgp_community_kind kind,
                     struct bgp_policy_entry *e)
{
    static const char additive[] = " additive";
    const size_t tail = sizeof(additive) - 1;
    struct cfg_val v;
    if (!cfg_val(c, n, &v))
        return;
    bool keep = v.len > tail && strcmp(v.s + v.len - tail, additive) == 0;
    e->replace[kind] = !keep;
    if (strcmp(v.s, "none") != 0)
        (void)read_communities(c, &v, v.s, v.len - (keep ? tail : 0), kind, false, e->add,
                               &e->n_add);
}

#define KIND(name, kind)                                                                           \
    static void match_##name(struct cfg *c, yaml_node_t *n, void *obj)                             \
    {                                                                                              \
        struct bgp_policy_entry *e = obj;                                                          \
        read_pattern(c, n, kind, e->community, &e->n_community);                                   \
    }                                                                                              \
    static void delete_##name(struct cfg *c, yaml_node_t *n, void *obj)                            \
    {                                                                                              \
        struct bgp_policy_entry *e = obj;                                                          \
        read_pattern(c, n, kind, e->delete, &e->n_delete);                                         \
    }                                                                                              \
    static void set_##name(struct cfg *c, yaml_node_t *n, void *obj)                               \
    {                                                                                              \
        read_set(c, n, kind, obj);                                                                 \
    }
KIND(standard, BGP_COMMUNITY_STANDARD)
KIND(extended, BGP_COMMUNITY_EXTENDED)
KIND(large, BGP_COMMUNITY_LARGE)
#undef KIND

static void read_from(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_word words[] = {{"other", 1 << BGP_FROM_OTHER},
                                            {"local", 1 << BGP_FROM_LOCAL},
                                            {"vpn", 1 << BGP_FROM_VPN},
                                            {"expressroute", 1 << BGP_FROM_EXPRESSROUTE},
                                            {NULL, 0}};
    static const struct cfg_key as_word = {.type = CFG_WORD, .size = 1, .words = words};
    struct bgp_policy_entry *e = obj;
    struct cfg_val v;
    uint8_t bit = 0;
    if (cfg_val(c, n, &v) && cfg_scalar(c, &as_word, &v, &bit))
        e->from |= bit;
}

static void read_set_nexthop(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    struct cfg_val v;
    if (!cfg_val(c, n, &v))
        return;
    if (strcmp(v.s, "peer-address") == 0)
        e->set_nexthop = BGP_NEXTHOP_PEER;
    else if (cfg_read_addr(c, &v, &e->nexthop))
        e->set_nexthop = BGP_NEXTHOP_ADDRESS;
}

/* "65515 65515": AS numbers between blanks. */
static void read_prepend(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    if (!cfg_val(c, n, &v))
        return;
    for (const char *s = v.s; *(s += strspn(s, " \t")) != '\0';) {
        size_t len = strcspn(s, " \t");
        uint64_t asn;
        if (e->n_prepend == BGP_PREPEND_MAX || !cfg_number(s, len, UINT32_MAX, &asn) || asn == 0) {
            cfg_error(c, v.at, "%s; allowed: 1 to %d AS numbers between blanks",
                      cfg_quote(&v, quote), BGP_PREPEND_MAX);
            return;
        }
        e->prepend[e->n_prepend++] = (uint32_t)asn;
        s += len;
    }
}

#define COMMUNITIES .type = CFG_LIST, .min = 1, .max = BGP_COMMUNITIES_MAX

static const struct cfg_key match_keys[] = {
    {.name = "prefix",
     .type = CFG_LIST,
     .min = 1,
     .max = BGP_POLICY_PREFIX_MAX,
     .parse = read_match},
    {.name = "as-path", .type = CFG_LIST, .min = 1, .max = BGP_AS_MATCH_MAX, .parse = read_as_path},
    {.name = "community", COMMUNITIES, .parse = match_standard},
    {.name = "extcommunity", COMMUNITIES, .parse = match_extended},
    {.name = "large-community", COMMUNITIES, .parse = match_large},
    {.name = "from", .type = CFG_LIST, .min = 1, .max = 4, .parse = read_from},
};
static const struct cfg_table match_table = {"match", false, KD_ARRAY_LEN(match_keys), match_keys};

static const struct cfg_key set_keys[] = {
    {.name = "local-preference", .type = CFG_OWN, .parse = read_local_pref},
    {.name = "metric", .type = CFG_OWN, .parse = read_med},
    {.name = "as-path-prepend", .type = CFG_OWN, .parse = read_prepend},
    {.name = "community", .type = CFG_OWN, .parse = set_standard},
    {.name = "extcommunity", .type = CFG_OWN, .parse = set_extended},
    {.name = "large-community", .type = CFG_OWN, .parse = set_large},
    {.name = "delete-community", COMMUNITIES, .parse = delete_standard},
    {.name = "delete-extcommunity", COMMUNITIES, .parse = delete_extended},
    {.name = "delete-large-community", COMMUNITIES, .parse = delete_large},
    {.name = "next-hop", .type = CFG_OWN, .parse = read_set_nexthop},
};
static const struct cfg_table set_table = {"set", false, KD_ARRAY_LEN(set_keys), set_keys};

static const struct cfg_key permit_keys[] = {
    {.name = "match", .type = CFG_MAP, .table = &match_table},
    {.name = "set", .type = CFG_MAP, .table = &set_table},
};
static const struct cfg_table permit_table = {"permit", false, 2, permit_keys};
static const struct cfg_table deny_table = {"deny", false, 1, permit_keys}; /* nothing to set */

static const struct cfg_key entry_keys[] = {
    {.name = "permit", .type = CFG_MAP, .table = &permit_table},
    {.name = "deny", .type = CFG_MAP, .table = &deny_table},
};
static const struct cfg_table entry_table = {"an entry", false, 2, entry_keys};

void cfg_policy_entry(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy *p = obj;
    struct bgp_policy_entry *e = &p->entry[p->n++];
    struct cfg_where at[2];
    cfg_map(c, n, &entry_table, e, at);
    bool empty =
        n->type == YAML_MAPPING_NODE && n->data.mapping.pairs.start == n->data.mapping.pairs.top;
    if (empty || (at[0].line && at[1].line))
        cfg_error(c, cfg_at(n), "an entry is either permit or deny");
    e->permit = at[0].line > 0;
}
