/* policies: named lists of permit and deny entries (policy_entry.c); first match decides, implicit
 * deny at the end. */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

static const char *policy_name(const void *arg, size_t i)
{
    const struct cfg *c = arg;
    return i < c->out.n_policies ? bgp_route_map_name(c->out.policies[i]) : NULL;
}

void cfg_policy_add(struct cfg *c, const struct bgp_policy *p, struct cfg_where at)
{
    struct core_config *o = &c->out;
    struct bgp_route_map *m = NULL;
    if (!o->policies)
        o->policies = calloc(CFG_POLICIES_MAX, sizeof(struct bgp_route_map *));
    if (o->policies && o->n_policies < CFG_POLICIES_MAX)
        m = bgp_route_map_new(p);
    if (m)
        o->policies[o->n_policies++] = m;
    else
        cfg_error(c, at, "out of memory");
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
    cfg_list(c, yaml_document_get_node(c->doc, pair->value), 1, BGP_POLICY_ENTRY_MAX,
             cfg_policy_entry, p);
    cfg_pop(c, old);
    /* kept though faulty, so that its users aren't faulted too */
    cfg_policy_add(c, p, name.at);
}

static void read_all(struct cfg *c, const yaml_node_pair_t *pair, size_t count)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));
    for (size_t i = 0; p && i < count; i++) {
        memset(p, 0, sizeof(*p));
        read_policy(c, &pair[i], p);
    }
    if (!p)
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
    if (count > CFG_POLICIES_MAX - c->out.n_policies) {
        cfg_error(c, cfg_at(n), "%zu policies; allowed: at most %u", count,
                  CFG_POLICIES_MAX - c->out.n_policies);
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
