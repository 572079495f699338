/* policies: named lists of permit and deny entries; first match decides, implicit deny at the end.
 *
 *   name:
 *     - deny: {match: {prefix: [10.17.11.0/25 le 32]}}
 *     - permit: {match: {prefix: [10.0.0.0/8 ge 16 le 24]}, set: {local-preference: 120}} */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

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

/* Without ge and le exactly the prefix; ge alone opens upwards to the width, le alone begins at the
 * prefix's own length, as in FRR and IOS. */
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
    bool ok = read_lengths(v->s + n, &ge, &le);
    if (ok) {
        r->ge = (uint8_t)(ge != UINT64_MAX ? ge : r->prefix.len);
        r->le = (uint8_t)(le != UINT64_MAX ? le : ge != UINT64_MAX ? bits : r->prefix.len);
        ok = r->prefix.len <= r->ge && r->ge <= r->le && r->le <= bits;
    }
    if (!ok)
        cfg_error(c, v->at, "%s; allowed: PREFIX [ge N] [le M], with %u <= N <= M <= %u",
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
                             bool large, bool open, struct bgp_community *list, uint8_t *count)
{
    char quote[CFG_QUOTE_MAX];
    uint8_t first = *count;
    for (size_t at = 0; at < len;) {
        at += strspn(s + at, " \t");
        size_t n = strcspn(s + at, " \t");
        if (at >= len || n == 0)
            break;
        struct bgp_community *one = &list[*count];
        if (*count == BGP_COMMUNITIES_MAX || !bgp_community_parse(s + at, n, large, one) ||
            (one->open && !open)) {
            cfg_error(c, v->at, "%s; allowed: at most %d of %s%s, between blanks",
                      cfg_quote(v, quote), BGP_COMMUNITIES_MAX,
                      large ? "N:N:N" : "N:N, no-export, no-advertise, local-as, blackhole, "
                                        "graceful-shutdown",
                      open ? ", * for any part" : "");
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

static void read_pattern(struct cfg *c, yaml_node_t *n, bool large, struct bgp_community *list,
                         uint8_t *count)
{
    struct cfg_val v;
    if (cfg_val(c, n, &v))
        (void)read_communities(c, &v, v.s, v.len, large, true, list, count);
}

static void read_match_community(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    read_pattern(c, n, false, e->community, &e->n_community);
}

static void read_match_large(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    read_pattern(c, n, true, e->community, &e->n_community);
}

static void read_delete_community(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    read_pattern(c, n, false, e->delete, &e->n_delete);
}

static void read_delete_large(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy_entry *e = obj;
    read_pattern(c, n, true, e->delete, &e->n_delete);
}

/* "none", or communities, which replace what is there unless "additive" stands behind them. */
static void read_set_communities(struct cfg *c, yaml_node_t *n, bool large,
                                 struct bgp_policy_entry *e)
{
    static const char additive[] = " additive";
    const size_t tail = sizeof(additive) - 1;
    struct cfg_val v;
    if (!cfg_val(c, n, &v))
        return;
    bool keep = v.len > tail && strcmp(v.s + v.len - tail, additive) == 0;
    e->replace[large] = !keep;
    if (strcmp(v.s, "none") != 0)
        (void)read_communities(c, &v, v.s, v.len - (keep ? tail : 0), large, false, e->add,
                               &e->n_add);
}

static void read_set_community(struct cfg *c, yaml_node_t *n, void *obj)
{
    read_set_communities(c, n, false, obj);
}

static void read_set_large(struct cfg *c, yaml_node_t *n, void *obj)
{
    read_set_communities(c, n, true, obj);
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

static const struct cfg_key match_keys[] = {
    {.name = "prefix", .type = CFG_LIST, .min = 1, .max = BGP_POLICY_PREFIX_MAX,
     .parse = read_match},
    {.name = "as-path", .type = CFG_LIST, .min = 1, .max = BGP_AS_MATCH_MAX,
     .parse = read_as_path},
    {.name = "community", .type = CFG_LIST, .min = 1, .max = BGP_COMMUNITIES_MAX,
     .parse = read_match_community},
    {.name = "large-community", .type = CFG_LIST, .min = 1, .max = BGP_COMMUNITIES_MAX,
     .parse = read_match_large},
};
static const struct cfg_table match_table = {"match", false, KD_ARRAY_LEN(match_keys), match_keys};

static const struct cfg_key set_keys[] = {
    {.name = "local-preference", .type = CFG_OWN, .parse = read_local_pref},
    {.name = "med", .type = CFG_OWN, .parse = read_med},
    {.name = "prepend", .type = CFG_OWN, .parse = read_prepend},
    {.name = "community", .type = CFG_OWN, .parse = read_set_community},
    {.name = "large-community", .type = CFG_OWN, .parse = read_set_large},
    {.name = "delete-community", .type = CFG_LIST, .min = 1, .max = BGP_COMMUNITIES_MAX,
     .parse = read_delete_community},
    {.name = "delete-large-community", .type = CFG_LIST, .min = 1, .max = BGP_COMMUNITIES_MAX,
     .parse = read_delete_large},
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

static void read_entry(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct bgp_policy *p = obj;
    struct bgp_policy_entry *e = &p->entry[p->n++];
    struct cfg_where at[2];
    cfg_map(c, n, &entry_table, e, at);
    bool empty = n->type == YAML_MAPPING_NODE &&
                 n->data.mapping.pairs.start == n->data.mapping.pairs.top;
    if (empty || (at[0].line && at[1].line))
        cfg_error(c, cfg_at(n), "an entry is either permit or deny");
    e->permit = at[0].line > 0;
}

static const char *policy_name(const void *arg, size_t i)
{
    const struct cfg *c = arg;
    return i < c->out.n_policies ? bgp_route_map_name(c->out.policies[i]) : NULL;
}

/* p: room for it, zeroed. */
static void read_policy(struct cfg *c, const yaml_node_pair_t *pair, struct bgp_policy *p)
{
    static const struct cfg_key as_name = {.type = CFG_TEXT, .size = sizeof(p->name)};
    struct cfg_val name;
    if (!cfg_val(c, yaml_document_get_node(c->doc, pair->key), &name) ||
        !cfg_scalar(c, &as_name, &name, p->name))
        return;
    for (uint32_t i = 0; i < c->out.n_policies; i++)
        if (strcmp(bgp_route_map_name(c->out.policies[i]), p->name) == 0) {
            cfg_error(c, name.at, "\"%s\" is already defined", p->name);
            return;
        }
    size_t old = cfg_push(c, ".%s", p->name);
    cfg_list(c, yaml_document_get_node(c->doc, pair->value), 1, BGP_POLICY_ENTRY_MAX, read_entry,
             p);
    cfg_pop(c, old);
    /* kept though faulty, so that its users aren't faulted too */
    c->out.policies[c->out.n_policies] = bgp_route_map_new(p);
    if (c->out.policies[c->out.n_policies])
        c->out.n_policies++;
    else
        cfg_error(c, name.at, "out of memory");
}

static void read_all(struct cfg *c, const yaml_node_pair_t *pair, size_t count)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));
    c->out.policies = calloc(count + 1, sizeof(struct bgp_route_map *));
    for (size_t i = 0; p && c->out.policies && i < count; i++) {
        memset(p, 0, sizeof(*p));
        read_policy(c, &pair[i], p);
    }
    if (!p || !c->out.policies)
        cfg_error(c, (struct cfg_where){0}, "out of memory");
    free(p);
}

void cfg_policies(struct cfg *c, yaml_node_t *n, void *obj)
{
    (void)obj;
    if (n->type != YAML_MAPPING_NODE) {
        cfg_error(c, cfg_at(n), "policies is a map: name: [entries]");
        return;
    }
    const yaml_node_pair_t *pair = n->data.mapping.pairs.start;
    size_t count = (size_t)(n->data.mapping.pairs.top - pair);
    if (count > CFG_POLICIES_MAX) {
        cfg_error(c, cfg_at(n), "%zu policies; allowed: at most %d", count, CFG_POLICIES_MAX);
        return;
    }
    read_all(c, pair, count);
}

struct bgp_route_map *cfg_policy_find(struct cfg *c, const struct cfg_val *name)
{
    for (uint32_t i = 0; i < c->out.n_policies; i++)
        if (strcmp(bgp_route_map_name(c->out.policies[i]), name->s) == 0)
            return c->out.policies[i];
    char quote[CFG_QUOTE_MAX], hint[CFG_HINT_MAX];
    cfg_error(c, name->at, "there is no policy %s; allowed: a name under \"policies\"%s",
              cfg_quote(name, quote), cfg_hint(cfg_nearest(name->s, policy_name, c), hint));
    return NULL;
}
