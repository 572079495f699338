/* Names of ways. A way that two names fit has none: it would be a guess. */
#include "drill/measure.h"

static bool has_hop(const struct drill_path_rule *rule, const struct probe_path *p)
{
    for (uint8_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; p->hop[i].family && k < rule->n_hops; k++)
            if (kd_prefix_has(&rule->hop[k], &p->hop[i]))
                return true;
    return false;
}

static bool has_neighbor(const struct drill_path_rule *rule, const char *neighbor)
{
    for (uint32_t k = 0; k < rule->n_neighbors; k++)
        if (strcmp(rule->neighbor[k], neighbor) == 0)
            return true;
    return false;
}

const char *drill_path_by_hops(const struct drill_path_rules *rules, const struct probe_path *p)
{
    const char *name = "";

    for (uint32_t i = 0; i < rules->n; i++)
        if (has_hop(&rules->rule[i], p)) {
            if (name[0])
                return "";
            name = rules->rule[i].name;
        }
    return name;
}

const char *drill_path_by_neighbor(const struct drill_path_rules *rules, const char *neighbor)
{
    const char *name = "";

    for (uint32_t i = 0; i < rules->n; i++)
        if (has_neighbor(&rules->rule[i], neighbor)) {
            if (name[0])
                return "";
            name = rules->rule[i].name;
        }
    return name;
}
