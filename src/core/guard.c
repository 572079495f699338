/* The recursion guard's core side: from which prefix length on a route over a tunnel would win, in
 * the kernel, over what leads to the tunnel's own outer address now. Others' routes and connected
 * subnets count, ours don't: what a neighbor takes back must not be what keeps a tunnel up. Outer
 * packets are looked up in main; where what is inside has a table of its own, or they a device of
 * theirs, nothing is guarded. */
#include "core/internal.h"

/* The address IKE talks to now; as configured while there is none. */
static struct kd_addr outer_of(const struct core *c, uint32_t tunnel)
{
    struct ike_view v;

    if (ike_conn_view(c->ike, tunnel, &v) && v.remote.addr.family)
        return v.remote.addr;
    return c->tunnels[tunnel].cfg.ike.remote;
}

/* Ours have metric 20: another's of the same length wins with a better one only. */
static uint32_t length_that_wins(const struct core *c, const struct kd_addr *outer)
{
    uint8_t subnet = 0;
    bool connected = core_link_towards(c, outer, &subnet) != 0;
    struct core_way w;

    if (!core_kernel_way(c, CORE_TABLE_MAIN, outer, true, &w))
        return connected ? subnet + 1u : 0;
    if (connected && subnet >= w.len)
        return subnet + 1u;
    return w.len + (w.metric < CORE_METRIC_BGP ? 1u : 0);
}

void core_guard_tunnel(struct core *c, uint32_t tunnel, bool anew)
{
    struct core_tunnel *t = &c->tunnels[tunnel];
    struct bgp_event ev = {.kind = BGP_EV_GUARD, .iface = tunnel, .nexthop = outer_of(c, tunnel)};

    if ((t->cfg.table && t->cfg.table != CORE_TABLE_MAIN) ||
        core_outer_of(&c->cfg, &t->cfg.ike.local)->device[0])
        return;
    ev.n = length_that_wins(c, &ev.nexthop);
    if (!anew && t->guard_len == ev.n && kd_addr_eq(&t->guard_outer, &ev.nexthop))
        return;
    t->guard_len = ev.n;
    t->guard_outer = ev.nexthop;
    core_queue_bgp(c, &ev);
}

void core_guards(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (c->tunnels[i].carrying)
            core_guard_tunnel(c, i, false);
}
