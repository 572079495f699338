/* The configuration's memory. */
#include "core/config.h"

#include <stdlib.h>

void core_config_free(struct core_config *c)
{
    ike_certs_free(c->certs);
    c->certs = NULL;
    free(c->tunnels);
    free(c->neighbors);
    c->tunnels = NULL;
    c->neighbors = NULL;
    c->n_tunnels = c->n_neighbors = 0;
}
