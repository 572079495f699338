/* Names of ways. A way that two names fit has none: it would be a guess. */
#include "probe/names.h"

static bool has_hop(const struct probe_name *x, const struct probe_path *p)
{
    for (uint8_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; p->hop[i].family && k < x->n_hops; k++)
            if (kd_prefix_has(&x->hop[k], &p->hop[i]))
                return true;
    return false;
}

static bool has_peer(const struct probe_name *x, uint32_t peer)
{
    for (uint32_t k = 0; k < x->n_peers; k++)
        if (x->peer[k] == peer)
            return true;
    return false;
}

const char *probe_name_by_hops(const struct probe_names *names, const struct probe_path *p)
{
    const char *found = "";

    for (uint32_t i = 0; i < names->n; i++)
        if (has_hop(&names->name[i], p)) {
            if (found[0])
                return "";
            found = names->name[i].name;
        }
    return found;
}

const char *probe_name_by_peer(const struct probe_names *names, uint32_t peer)
{
    const char *found = "";

    for (uint32_t i = 0; i < names->n; i++)
        if (has_peer(&names->name[i], peer)) {
            if (found[0])
                return "";
            found = names->name[i].name;
        }
    return found;
}
