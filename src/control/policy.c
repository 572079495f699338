/* Policies as JSON: each in FRR's notation, and which neighbors it decides for. */
#include "control/control.h"

static void add_line(void *arg, const char *text)
{
    json_array_append_new(arg, ctl_text(kd_bytes_str(text)));
}

static void add_user(json_t *list, const struct bgp_peer_config *c, const char *direction)
{
    json_array_append_new(list,
                          json_pack("{s:s, s:s}", "neighbor", c->name, "direction", direction));
}

static json_t *users(const struct ctl_env *env, const struct bgp_route_map *m)
{
    json_t *list = json_array();
    uint32_t peer = UINT32_MAX;
    while (core_peer_next(env->core, &peer)) {
        const struct bgp_peer_config *c = core_peer_config(env->core, peer);
        if (c->import == m)
            add_user(list, c, "import");
        if (c->export == m)
            add_user(list, c, "export");
    }
    return list;
}

static json_t *policy_object(const struct ctl_env *env, const struct bgp_route_map *m)
{
    json_t *lines = json_array();
    if (lines)
        bgp_route_map_text(m, add_line, lines);
    return json_pack("{s:o, s:o, s:o}", "name", ctl_text(kd_bytes_str(bgp_route_map_name(m))),
                     "neighbors", users(env, m), "route_map", lines);
}

json_t *ctl_policies(const struct ctl_env *env, const char *only)
{
    const struct core_config *c = core_configuration(env->core);
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->n_policies; i++)
        if (!only || strcmp(bgp_route_map_name(c->policies[i]), only) == 0)
            json_array_append_new(list, policy_object(env, c->policies[i]));
    return json_pack("{s:i, s:o}", "version", CTL_VERSION, "policies", list);
}
