/* drills: what failover drills call the ways that traffic takes. A drill itself has a file of its
 * own (drill.c). */
#include "config/cfg.h"

static void read_hop(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct probe_name *p = obj;
    struct cfg_val v;
    if (cfg_val(c, n, &v) && cfg_read_prefix(c, &v, &p->hop[p->n_hops]))
        p->n_hops++;
}

static void read_peer(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct probe_name *p = obj;
    cfg_neighbor_into(c, n, p->peer, &p->n_peers);
}

#define T struct probe_name
static const struct cfg_key path_keys[] = {
    {.name = "name", .type = CFG_NAME, .required = true, CFG_AT(T, name)},
    {.name = "hops", .type = CFG_LIST, .min = 1, .max = PROBE_NAMED_MAX, .parse = read_hop},
    {.name = "neighbors", .type = CFG_LIST, .min = 1, .max = PROBE_NAMED_MAX, .parse = read_peer},
};
#undef T
static const struct cfg_table path_table = {"a path", false, KD_ARRAY_LEN(path_keys), path_keys};

static void read_path(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct probe_names *all = &c->out.paths;
    struct probe_name *p = &all->name[all->n];
    struct cfg_where at[KD_ARRAY_LEN(path_keys)] = {{0, 0}};
    (void)obj;
    cfg_map(c, n, &path_table, p, at);
    for (uint32_t i = 0; i < all->n; i++)
        if (p->name[0] && strcmp(all->name[i].name, p->name) == 0)
            cfg_error(c, at[0], ".name: \"%s\" is already in the list", p->name);
    if (at[1].line == 0 && at[2].line == 0)
        cfg_error(c, cfg_at(n), "hops or neighbors is missing: nothing would tell this path");
    all->n++;
}

static const struct cfg_key keys[] = {
    {.name = "paths", .type = CFG_LIST, .min = 1, .max = PROBE_NAMES_MAX, .parse = read_path},
};
const struct cfg_table cfg_drills_table = {"drills", false, KD_ARRAY_LEN(keys), keys};
