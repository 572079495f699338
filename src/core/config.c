/* The configuration: its memory, and what is found in it by address. */
#include "core/config.h"

#include <stdlib.h>

const struct core_outer *core_outer_of(const struct core_config *c, const struct kd_addr *local)
{
    static const struct core_outer none;

    for (uint32_t i = 0; i < c->n_listen; i++)
        if (kd_addr_eq(&c->listen[i], local))
            return &c->outer[i];
    return &none;
}

void core_config_free(struct core_config *c)
{
    ike_certs_free(c->certs);
    c->certs = NULL;
    for (uint32_t i = 0; i < c->n_policies; i++)
        bgp_route_map_unref(c->policies[i]);
    free(c->policies);
    free(c->tunnels);
    free(c->neighbors);
    free(c->health);
    c->policies = NULL;
    c->tunnels = NULL;
    c->neighbors = NULL;
    c->health = NULL;
    c->n_tunnels = c->n_neighbors = c->n_policies = c->n_health = 0;
}
