/* The coupling (DESIGN 3.4 to 3.6): while a tunnel carries, the neighbor's host route leads through
 * it and BGP runs; the moment it stops, in the same step and in this order, the groups move to
 * their backup (or leave), the host route goes, and BGP is stopped hard. After a failure it carries
 * again when it has been good for the configured time (stable.h). */
#include "core/tunnel.h"

static void host_route(struct core *c, struct core_tunnel *t)
{
    struct kd_prefix host = kd_prefix_host(&t->cfg.neighbor.bgp.remote);

    if (!t->cfg.has_neighbor)
        return;
    if (t->carrying)
        core_fib_want_device(c, t->cfg.table, &host, CORE_METRIC_HOST, t->ifindex,
                             core_tunnel_id(c, t));
    else
        core_fib_want_none(c, t->cfg.table, &host, CORE_METRIC_HOST);
}

/* Azure's instances tell each other of the neighbors they reach (facts/azure.md 5.2). */
static void tell_instances(struct core *c, const struct core_tunnel *t)
{
    struct bgp_event ev = {.kind = BGP_EV_LOCAL_ROUTE,
                           .table = t->cfg.table,
                           .up = t->carrying,
                           .prefix = kd_prefix_host(&t->cfg.neighbor.bgp.remote),
                           .internal = true};

    if (c->cfg.azure && t->cfg.has_neighbor)
        core_queue_bgp(c, &ev);
}

static void hold(struct core *c, const struct core_tunnel *t)
{
    struct core_event_record r =
        core_record(c, CORE_NOTE_RECOVER_HOLD, core_tunnel_id(c, t), CORE_NO_PEER);

    r.latency_us = t->stable.span_us;
    core_say(c, &r);
}

void core_carry_on(struct core *c, struct core_tunnel *t)
{
    bool held = core_stable_at(&t->stable) != KD_NEVER;

    if (t->carrying)
        return;
    if (!core_stable_good(&t->stable, c->now_us)) {
        if (!held)
            hold(c, t);
        return;
    }
    t->carrying = true;
    t->clear = CORE_CLEAR_NO;
    core_guard_tunnel(c, core_tunnel_id(c, t), true);
    host_route(c, t);
    tell_instances(c, t);
    core_groups_reconsider(c);
    core_peers_reconsider(c);
}

void core_tunnel_neighbor_ready(struct core *c, uint32_t tunnel)
{
    if (tunnel < c->cfg.n_tunnels && c->tunnels[tunnel].carrying)
        core_peer_on(c, tunnel);
}

static bool group_over(const struct core *c, const struct core_group *g, uint32_t ifindex)
{
    const struct core_nh *nh;

    for (uint32_t i = 0; i < g->n_active; i++)
        for (nh = c->nhs; nh; nh = nh->hh.next)
            if (nh->id == g->active[i] && nh->key.oif == ifindex)
                return true;
    return false;
}

static uint32_t routes_over(const struct core *c, const struct core_tunnel *t)
{
    uint32_t n = 0;

    for (const struct core_group *g = c->groups; g; g = g->hh.next)
        if (group_over(c, g, t->ifindex))
            n += g->n_first;
    return n;
}

void core_carry_off(struct core *c, struct core_tunnel *t, enum kd_reason reason, bool heard)
{
    core_stable_break(&t->stable);
    if (!t->carrying)
        return;
    if (reason != KD_REASON_ADMIN)
        core_stable_fail(&t->stable);
    t->detect_us = c->now_us;
    t->clear_routes = routes_over(c, t);
    t->carrying = false;
    core_groups_reconsider(c);
    host_route(c, t);
    core_peer_off(c, core_tunnel_id(c, t), reason, heard);
    core_peers_reconsider(c);
    tell_instances(c, t);
    t->clear = CORE_CLEAR_SENDING;
}

void core_carry_cleared(struct core *c, struct core_tunnel *t)
{
    struct core_event_record r =
        core_record(c, CORE_NOTE_FIB_CLEAR, core_tunnel_id(c, t), CORE_NO_PEER);

    t->clear = CORE_CLEAR_NO;
    r.count = t->clear_routes;
    r.latency_us = c->now_us - t->detect_us;
    core_say(c, &r);
}

bool core_tunnels_clearing(const struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (c->tunnels[i].clear == CORE_CLEAR_SENDING)
            return true;
    return false;
}

void core_tunnels_acked(struct core *c, uint32_t seq)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (c->tunnels[i].clear == CORE_CLEAR_WAITING && c->tunnels[i].clear_seq == seq)
            core_carry_cleared(c, &c->tunnels[i]);
}
