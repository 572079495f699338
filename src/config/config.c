/* The configuration as a whole: the top table, the order of the sections, all or nothing. */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

/* Sections land in core_config; this is also the order they are read in: what others refer to comes
 * first. */
static const struct cfg_key root_keys[] = {
    {.name = "policies", .type = CFG_OWN, .parse = cfg_policies},
    {.name = "router", .type = CFG_OWN, .parse = cfg_router},
    {.name = "gateway", .type = CFG_OWN, .required = true, .parse = cfg_gateway},
    {.name = "recover", .type = CFG_MAP, .table = &cfg_recover_table},
    {.name = "tunnels", .type = CFG_OWN, .parse = cfg_tunnels},
    {.name = "neighbors", .type = CFG_OWN, .parse = cfg_neighbors},
    {.name = "health", .type = CFG_OWN, .parse = cfg_health},
    {.name = "readiness", .type = CFG_MAP, .table = &cfg_readiness_table},
    {.name = "drills", .type = CFG_MAP, .table = &cfg_drills_table},
    {.name = "control", .type = CFG_MAP, .table = &cfg_control_table},
    {.name = "metrics", .type = CFG_OWN, .parse = cfg_metrics},
    {.name = "logging", .type = CFG_MAP, .table = &cfg_logging_table},
};
static const struct cfg_table root_table = {"the configuration", false, KD_ARRAY_LEN(root_keys),
                                            root_keys};

static void read_root(struct cfg *c)
{
    struct cfg_where at[KD_ARRAY_LEN(root_keys)];
    cfg_defaults(c, &cfg_router_table, &c->out);
    cfg_defaults(c, &cfg_gateway_table, &c->out);
    cfg_defaults(c, &cfg_readiness_table, &c->out);
    c->out.recover_us = UINT64_MAX;
    snprintf(c->out.control_socket, sizeof(c->out.control_socket), "/run/kedge/kedge.sock");
    cfg_map(c, yaml_document_get_root_node(c->doc), &root_table, &c->out, at);
    c->has_router = at[1].line > 0;
    cfg_cross_check(c);
}

static void discard_neighbor(struct kc_ctx *crypto, const struct core_neighbor_config *p)
{
    kc_key_free(crypto, p->bfd.auth.key[0].key);
    kc_key_free(crypto, p->password);
}

void config_discard(struct kc_ctx *crypto, struct core_config *cfg)
{
    for (uint32_t i = 0; i < cfg->n_tunnels; i++)
        if (crypto) {
            kc_key_free(crypto, cfg->tunnels[i].ike.psk);
            kc_key_free(crypto, cfg->tunnels[i].ike.ppk.key);
            discard_neighbor(crypto, &cfg->tunnels[i].neighbor);
        }
    for (uint32_t i = 0; i < cfg->n_neighbors; i++)
        if (crypto)
            discard_neighbor(crypto, &cfg->neighbors[i]);
    for (uint32_t i = 0; i < cfg->n_policies; i++)
        bgp_route_map_unref(cfg->policies[i]);
    free(cfg->policies);
    free(cfg->tunnels);
    free(cfg->neighbors);
    free(cfg->health);
    ike_certs_free(cfg->certs);
    memset(cfg, 0, sizeof(*cfg));
}

/* What was loaded only to be judged. */
static void discard_certs(struct cfg *c)
{
    if (c->certs_crypto && c->certs_crypto != c->env->crypto) {
        for (uint32_t i = 0; i < c->out.n_tunnels; i++)
            c->out.tunnels[i].ike.auth.certs = NULL;
        ike_certs_free(c->out.certs);
        c->out.certs = NULL;
        kc_ctx_free(c->certs_crypto);
    }
}

bool config_parse(struct kd_bytes text, const char *file, const struct config_env *env,
                  struct core_config *out, struct config_errors *errs)
{
    struct cfg c = {.env = env, .errs = errs};
    yaml_document_t doc;
    memset(out, 0, sizeof(*out));
    memset(errs, 0, sizeof(*errs));
    snprintf(errs->file, sizeof(errs->file), "%s", file);
    if (cfg_load(&c, text, &doc)) {
        c.doc = &doc;
        read_root(&c);
        cfg_unload(&doc);
    }
    cfg_sort(errs);
    discard_certs(&c);
    if (errs->n > 0)
        config_discard(env->crypto, &c.out);
    else
        *out = c.out;
    free(c.tunnel_marks);
    free(c.neighbor_marks);
    return errs->n == 0;
}
