/* Health probes, and what they make of neighbors, as JSON. */
#include "control/control.h"

#include <stdio.h>

static json_t *tunnel_name(const struct ctl_env *env, uint32_t tunnel)
{
    struct core_tunnel_view v;
    if (!core_tunnel_get(env->core, tunnel, &v))
        return json_null();
    return json_string(v.config->ike.name);
}

static json_t *neighbor_name(const struct ctl_env *env, uint32_t peer)
{
    const struct bgp_peer_config *c = core_peer_config(env->core, peer);
    return c ? json_string(c->name) : json_null();
}

/* As it is written in kedge.yaml. */
static json_t *via(const struct ctl_env *env, const struct core_health_config *c)
{
    if (c->ifname[0])
        return json_sprintf("dev %s", c->ifname);
    if (c->local.family)
        return ctl_addr(&c->local);
    return c->peer != UINT32_MAX ? neighbor_name(env, c->peer) : tunnel_name(env, c->tunnel);
}

static json_t *then(const struct core_health_config *c)
{
    json_t *list = json_array();
    if (c->then & CORE_THEN_WITHDRAW)
        json_array_append_new(list, json_string("withdraw"));
    if (c->then & CORE_THEN_LOCAL_PREF)
        json_array_append_new(list, json_sprintf("local-pref %u", c->local_pref));
    if (c->then & CORE_THEN_PREPEND)
        json_array_append_new(list, json_sprintf("prepend %u", c->prepend));
    if (c->then & CORE_THEN_SHUTDOWN)
        json_array_append_new(list, json_string("shutdown"));
    return list;
}

static json_t *neighbors(const struct ctl_env *env, const struct core_health_config *c)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->n_neighbors; i++)
        json_array_append_new(list, neighbor_name(env, c->neighbor[i]));
    return list;
}

static json_t *probe_object(const struct ctl_env *env, const struct core_health_view *v)
{
    const struct core_health_config *c = v->config;
    uint64_t age = env->now_us > v->since_us ? env->now_us - v->since_us : 0;
    return json_pack(
        "{s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I,"
        " s:o}",
        "name", c->name, "state", core_health_state_names[v->state], "paused", v->paused, "since_s",
        ctl_seconds(age), "probe", core_probe_names[c->probe], "to", ctl_addr(&c->to.addr), "port",
        c->to.port ? json_integer(c->to.port) : json_null(), "via", via(env, c), "then", then(c),
        "neighbors", neighbors(env, c), "rtt_ms",
        v->answered ? json_real((double)v->rtt_us / 1e3) : json_null(), "recovers_in_s",
        ctl_until(env, v->up_at_us), "lost_in_a_row", (json_int_t)v->lost, "failures",
        (json_int_t)v->failures, "sent", (json_int_t)v->sent, "answered", (json_int_t)v->answered,
        "detail", ctl_text(kd_bytes_str(v->why)));
}

json_t *ctl_health(const struct ctl_env *env)
{
    json_t *list = json_array();
    struct core_health_view v;
    for (uint32_t i = 0; core_health_get(env->core, i, &v); i++)
        json_array_append_new(list, probe_object(env, &v));
    return list;
}

static bool names(const struct core_health_config *c, uint32_t peer)
{
    for (uint32_t i = 0; i < c->n_neighbors; i++)
        if (c->neighbor[i] == peer)
            return true;
    return false;
}

/* The probes that are down and name the neighbor. */
static json_t *by(const struct ctl_env *env, uint32_t peer)
{
    json_t *list = json_array();
    struct core_health_view v;
    for (uint32_t i = 0; core_health_get(env->core, i, &v); i++)
        if (v.state == CORE_HEALTH_DOWN && names(v.config, peer))
            json_array_append_new(list, json_string(v.config->name));
    return list;
}

json_t *ctl_steering(const struct ctl_env *env, uint32_t peer)
{
    struct core_steer_view v;
    json_t *list = by(env, peer);
    if (!core_steer_get(env->core, peer, &v) || json_array_size(list) == 0) {
        json_decref(list);
        return json_null();
    }
    return json_pack("{s:o, s:b, s:o, s:I, s:b}", "by", list, "withdraw", v.steer.withdraw,
                     "local_pref",
                     v.steer.set_local_pref ? json_integer(v.steer.local_pref) : json_null(),
                     "prepend", (json_int_t)v.steer.prepend, "shutdown", v.shutdown);
}
