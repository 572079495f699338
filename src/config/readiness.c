/* readiness: what is backed up by what, and what a backup must show to be called ready. */
#include "config/cfg.h"

static void read_primary(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_readiness *r = &c->out.readiness;
    (void)obj;
    cfg_neighbor_into(c, n, r->primary, &r->n_primary);
}

static const char *tunnel_name(const void *arg, size_t i)
{
    const struct core_config *o = arg;
    return i < o->n_tunnels ? o->tunnels[i].ike.name : NULL;
}

static void read_backup(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_readiness *r = &c->out.readiness;
    struct cfg_val v;
    uint32_t id;
    char quote[CFG_QUOTE_MAX], hint[CFG_HINT_MAX];
    (void)obj;
    if (!cfg_val(c, n, &v))
        return;
    if (!cfg_tunnel_find(&c->out, v.s, &id))
        cfg_error(c, v.at, "there is no tunnel %s; allowed: a tunnel's name%s",
                  cfg_quote(&v, quote), cfg_hint(cfg_nearest(v.s, tunnel_name, &c->out), hint));
    else
        cfg_id_into(c, &v, id, r->backup, &r->n_backup);
}

#define T struct core_config
static const struct cfg_key keys[] = {
    {.name = "primary",
     .type = CFG_LIST,
     .min = 1,
     .max = CORE_PRIMARIES_MAX,
     .parse = read_primary},
    {.name = "backup", .type = CFG_LIST, .min = 1, .max = CORE_PRIMARIES_MAX, .parse = read_backup},
    {.name = "established",
     .type = CFG_DURATION,
     CFG_AT(T, readiness.established_us),
     .unit = 1,
     .max = KD_S(86400),
     .def = "60s"},
    {.name = "drill-age",
     .type = CFG_DURATION,
     CFG_AT(T, readiness.drill_age_us),
     .unit = 1,
     .min = KD_S(60),
     .max = KD_S(86400) * 3650,
     .def = "90d"},
    {.name = "certificate",
     .type = CFG_DURATION,
     CFG_AT(T, readiness.certificate_us),
     .unit = 1,
     .max = KD_S(86400) * 3650,
     .def = "14d"},
};
#undef T
const struct cfg_table cfg_readiness_table = {"readiness", false, KD_ARRAY_LEN(keys), keys};
