/* The configuration's memory. */
#include "core/config.h"

#include <stdlib.h>

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
