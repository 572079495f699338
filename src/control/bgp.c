/* Neighbors and routes as JSON. */
#include "control/control.h"

static json_t *tunnel_name(const struct ctl_env *env, uint32_t peer)
{
    struct core_tunnel_view v;
    if (peer >= CORE_TUNNELS_MAX || !core_tunnel_get(env->core, peer, &v))
        return json_null();
    return json_string(v.config->ike.name);
}

/* Contract: no reason is the empty string here. */
static const char *reason(enum kd_reason r)
{
    return r == KD_REASON_NONE ? "" : kd_reason_str(r);
}

/* null without BFD. */
static json_t *bfd_object(const struct ctl_env *env, uint32_t peer)
{
    struct bfd_session_view v;
    if (!core_bfd_get(env->core, peer, &v))
        return json_null();
    uint64_t age = env->now_us > v.since_us ? env->now_us - v.since_us : 0;
    return json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:o}", "state",
                     bfd_state_names[v.state], "diagnostic", bfd_diag_names[v.diag], "reason",
                     reason(v.reason), "since_s", ctl_seconds(age), "transmit_ms",
                     (double)v.tx_us / 1e3, "receive_ms", (double)v.rx_us / 1e3, "detect_ms",
                     (double)v.detect_us / 1e3, "failures", (json_int_t)v.failures, "packets_in",
                     (json_int_t)v.packets_in, "packets_out", (json_int_t)v.packets_out, "refused",
                     (json_int_t)v.refused, "recovers_in_s",
                     ctl_until(env, core_bfd_recovers_at(env->core, peer)));
}

static json_t *neighbor_object(const struct ctl_env *env, uint32_t peer,
                               const struct bgp_peer_config *c, const struct bgp_peer_view *v)
{
    struct kd_addr id = kd_addr_v4(v->remote_router_id);
    uint64_t age = env->now_us > v->since_us ? env->now_us - v->since_us : 0;
    json_t *o = json_pack("{s:s, s:o, s:I, s:s, s:s, s:o, s:o, s:i, s:i, s:o, s:o}", "name",
                          c->name, "address", ctl_addr(&c->remote), "asn", (json_int_t)c->asn,
                          "state", bgp_state_names[v->state], "reason", reason(v->reason),
                          "since_s", ctl_seconds(age), "router_id",
                          v->remote_router_id ? ctl_addr(&id) : json_null(), "hold_s", v->hold_s,
                          "keepalive_s", v->keepalive_s, "tunnel", tunnel_name(env, peer),
                          "local_address", ctl_addr(v->local.family ? &v->local : &c->local));
    json_t *n =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:b}",
                  "prefixes_received", (json_int_t)v->received,
                  "prefixes_accepted", (json_int_t)v->accepted,
                  "prefixes_advertised", (json_int_t)v->advertised,
                  "messages_in", (json_int_t)v->msgs_in, "messages_out", (json_int_t)v->msgs_out,
                  "last_error", ctl_text(kd_bytes_str(v->last_error)), "ibgp", v->ibgp);
    if (o && n)
        json_object_update(o, n);
    json_decref(n);
    json_object_set_new(o, "prefixes_max",
                        v->prefixes_max ? json_integer(v->prefixes_max) : json_null());
    json_object_set_new(o, "retry_in_s",
                        v->retry_at_us > env->now_us ? ctl_seconds(v->retry_at_us - env->now_us)
                                                     : json_null());
    json_object_set_new(o, "bfd", bfd_object(env, peer));
    json_object_set_new(o, "steering", ctl_steering(env, peer));
    return o;
}

/* Who we are to the neighbors. */
json_t *ctl_local(const struct ctl_env *env)
{
    const struct core_config *c = core_configuration(env->core);
    struct kd_addr id = kd_addr_v4(c->router_id);
    return json_pack("{s:I, s:o}", "asn", (json_int_t)c->asn, "router_id", ctl_addr(&id));
}

json_t *ctl_neighbors(const struct ctl_env *env, uint32_t only)
{
    json_t *list = json_array();
    uint32_t peer = UINT32_MAX;
    while (core_peer_next(env->core, &peer)) {
        const struct bgp_peer_config *c = core_peer_config(env->core, peer);
        struct bgp_peer_view v;
        if (c && (only == CORE_NO_PEER || only == peer) &&
            bgp_peer_get(core_bgp(env->core), peer, &v))
            json_array_append_new(list, neighbor_object(env, peer, c, &v));
    }
    return json_pack("{s:i, s:o, s:o}", "version", CTL_VERSION, "neighbors", list, "local",
                     ctl_local(env));
}

static json_t *as_path(const struct bgp_route_view *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < r->n_as && i < KD_ARRAY_LEN(r->as_path); i++)
        json_array_append_new(list, json_integer(r->as_path[i]));
    return list;
}

static json_t *communities(const struct bgp_route_view *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < r->n_communities; i++)
        json_array_append_new(
            list, json_sprintf("%u:%u", r->communities[i] >> 16, r->communities[i] & 0xffff));
    return list;
}

static json_t *ext_communities(const struct bgp_route_view *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < r->n_ext; i++) {
        const struct bgp_community c = bgp_community_extended(r->ext[i][0], r->ext[i][1]);
        char text[BGP_COMMUNITY_TEXT_MAX];
        json_array_append_new(list, json_string(bgp_community_text(&c, text)));
    }
    return list;
}

static json_t *large_communities(const struct bgp_route_view *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < r->n_large; i++)
        json_array_append_new(
            list, json_sprintf("%u:%u:%u", r->large[i][0], r->large[i][1], r->large[i][2]));
    return list;
}

/* Forwarded by this path's way; while its own is lost, by that of its backup. */
static bool in_kernel(const struct ctl_env *env, const struct bgp_route_view *r, char ifname[16])
{
    const struct core *c = env->core;
    if (!r->carries || r->local)
        return false;
    return core_fib_way(c, r->table, &r->prefix, r->peer, &r->nexthop, ifname) ||
           (r->best && core_fib_get(c, r->table, &r->prefix, ifname));
}

json_t *ctl_route(const struct ctl_env *env, enum bgp_rib_view view, const struct bgp_route_view *r)
{
    static const char *const origins[] = {"igp", "egp", "incomplete"};
    bool peerless = r->local && view != BGP_VIEW_ADVERTISED;
    const struct bgp_peer_config *c = peerless ? NULL : core_peer_config(env->core, r->peer);
    char ifname[16] = "";
    bool installed = in_kernel(env, r, ifname);
    return json_pack(
        "{s:o, s:b, s:b, s:b, s:o, s:o, s:I, s:o, s:s, s:o, s:o, s:b, s:I, s:b, s:b, s:o, s:o, "
        "s:o, s:i, s:b, s:b}",
        "prefix", ctl_prefix(&r->prefix), "best", r->best, "local", r->local, "accepted",
        r->accepted, "next_hop", ctl_addr(&r->nexthop), "neighbor",
        c ? json_string(c->name) : json_null(), "local_pref", (json_int_t)r->local_pref, "med",
        r->has_med ? json_integer(r->med) : json_null(), "origin", origins[KD_MIN(r->origin, 2)],
        "as_path", as_path(r), "interface",
        installed && ifname[0] ? json_string(ifname) : json_null(), "installed", installed, "table",
        (json_int_t)r->table, "valid", r->valid, "ibgp", r->ibgp, "communities", communities(r),
        "ext_communities", ext_communities(r), "large_communities", large_communities(r),
        "weight", (int)r->weight, "recursive", r->recursive, "stale", r->stale);
}
