/* A host's IP: packets routed by the pretend kernel, echo answered, TCP handed up. No fragments, no
 * errors sent back, no filtering: a packet that leaves by the wrong interface shows on that link.
 */
#include "sim/gateway.h"

#define ECHO_EMPTY 8 /* an echo message without payload: sim_gw_ping()'s */

static uint32_t tunnel_of(const struct sim_gw *g, uint32_t ifindex)
{
    for (uint32_t i = 0; i < g->cfg.n_tunnels; i++)
        if (g->tun[i] == ifindex)
            return i;
    return CORE_NO_TUNNEL;
}

static void leave(struct sim_gw *g, uint32_t oif, struct kd_bytes raw)
{
    const struct nl_link_info *l = sim_kernel_link(&g->kernel, oif);
    uint32_t tunnel = tunnel_of(g, oif);
    struct sim_frame f = {.proto = SIM_IP, .data = raw};
    struct sim_link *link;
    int end;

    if (!l || !l->up)
        return;
    if (tunnel != CORE_NO_TUNNEL) {
        sim_dp_out(g, tunnel, raw);
        return;
    }
    link = sim_link_at(g->sim, g, oif, &end);
    if (link && l->carrier)
        sim_link_send(link, end, &f);
}

bool sim_stack_output(struct sim_gw *g, struct kd_bytes raw, uint32_t oif)
{
    struct sim_hop h;
    struct sim_pkt p;

    if (!sim_pkt_parse(raw, &p))
        return false;
    h = sim_kernel_lookup(&g->kernel, 0, &p.dst, oif);
    if (h.way != SIM_WAY_LINK)
        return false;
    leave(g, h.oif, raw);
    return true;
}

/* Every raw socket sees every reply: the core knows its own. */
static void probe_answer(struct sim_gw *g, const struct sim_pkt *p, struct kd_bytes raw)
{
    for (uint32_t i = 0; i < g->cfg.n_health; i++) {
        struct core_ev ev = {.kind = CORE_EV_PROBE,
                             .n = i,
                             .token = g->probe[i],
                             .ok = true,
                             .data = p->src.family == 4 ? raw : p->payload};
        if (kd_addr_eq(&g->cfg.health[i].to.addr, &p->src))
            sim_gw_post(g, &ev);
    }
}

static void echo(struct sim_gw *g, uint32_t ifindex, const struct sim_pkt *p,
                 struct kd_bytes packet)
{
    uint8_t room[128], raw[256];
    struct sim_pkt answer = {.src = p->dst, .dst = p->src, .proto = p->proto, .ttl = 64};
    uint16_t id, seq;
    bool reply;

    if (!sim_echo_parse(p, &reply, &id, &seq))
        return;
    if (reply && p->payload.len > ECHO_EMPTY) {
        probe_answer(g, p, packet);
        return;
    }
    if (reply) {
        g->pongs++;
        g->pong_if = ifindex;
        g->pong_us = g->sim->now_us;
        return;
    }
    if (g->no_echo || p->payload.len > sizeof(room))
        return;
    memcpy(room, p->payload.p, p->payload.len);
    (void)sim_echo_build(p->src.family, true, id, seq, room, sizeof(room));
    answer.payload = kd_bytes(room, p->payload.len);
    (void)sim_stack_output(g, kd_bytes(raw, sim_pkt_build(&answer, raw, sizeof(raw))), 0);
}

static void bfd(struct sim_gw *g, uint32_t ifindex, const struct sim_pkt *p)
{
    struct core_ev ev = {.kind = CORE_EV_BFD,
                         .local.addr = p->dst,
                         .remote.addr = p->src,
                         .ifindex = ifindex,
                         .n = p->ttl};

    if (sim_udp_parse(p, &ev.remote.port, &ev.local.port, &ev.data) &&
        (ev.local.port == BFD_PORT || ev.local.port == BFD_PORT_MULTIHOP))
        sim_gw_post(g, &ev);
}

void sim_stack_bfd(struct sim_gw *g, const struct core_act *a, struct kd_bytes data)
{
    uint8_t udp[128], raw[256];
    struct sim_pkt p = {
        .src = a->local.addr, .dst = a->remote.addr, .proto = SIM_PROTO_UDP, .ttl = a->ttl};

    if (p.src.family == 0)
        p.src = sim_kernel_lookup(&g->kernel, 0, &p.dst, a->ifindex).src;
    p.payload = kd_bytes(udp, sim_udp_build(a->local.port, a->remote.port, data, udp, sizeof(udp)));
    (void)sim_stack_output(g, kd_bytes(raw, sim_pkt_build(&p, raw, sizeof(raw))), a->ifindex);
}

void sim_stack_probe(struct sim_gw *g, const struct core_act *a, struct kd_bytes data)
{
    uint8_t raw[256];
    struct sim_pkt p = {.src = a->local.addr, .dst = a->remote.addr, .ttl = 64, .payload = data};
    size_t n;

    g->probe[a->health] = a->token;
    p.proto = p.dst.family == 4 ? SIM_PROTO_ICMP : SIM_PROTO_ICMPV6;
    if (p.src.family == 0)
        p.src = sim_kernel_lookup(&g->kernel, 0, &p.dst, a->ifindex).src;
    n = a->probe == CORE_PROBE_ICMP ? sim_pkt_build(&p, raw, sizeof(raw)) : 0;
    /* Bound to an interface and without a route Linux takes an IPv4 destination as on that link:
     * where it has to be resolved first, nobody answers for it. */
    if (n && !sim_stack_output(g, kd_bytes(raw, n), a->ifindex) && p.dst.family == 4 &&
        tunnel_of(g, a->ifindex) != CORE_NO_TUNNEL)
        leave(g, a->ifindex, kd_bytes(raw, n));
}

void sim_stack_input(struct sim_gw *g, uint32_t ifindex, struct kd_bytes raw)
{
    uint8_t copy[SIM_PKT_MAX];
    struct sim_pkt p;

    if (!sim_pkt_parse(raw, &p) || raw.len > sizeof(copy))
        return;
    if (!sim_kernel_is_local(&g->kernel, &p.dst)) {
        memcpy(copy, raw.p, raw.len);
        if (sim_pkt_hop(copy, raw.len))
            (void)sim_stack_output(g, kd_bytes(copy, raw.len), 0);
    } else if (p.proto == SIM_PROTO_TCP) {
        sim_tcp_input(g, ifindex, &p);
    } else if (p.proto == SIM_PROTO_UDP) {
        bfd(g, ifindex, &p);
    } else {
        echo(g, ifindex, &p, raw);
    }
}

bool sim_gw_ping(struct sim_gw *g, const char *src, const char *dst)
{
    uint8_t room[64], raw[128];
    struct sim_pkt p = {.ttl = 64};

    kd_assert(kd_addr_parse(src, &p.src) && kd_addr_parse(dst, &p.dst));
    p.proto = p.src.family == 4 ? SIM_PROTO_ICMP : SIM_PROTO_ICMPV6;
    p.payload = kd_bytes(room, sim_echo_build(p.src.family, false, 1, 1, room, sizeof(room)));
    return sim_stack_output(g, kd_bytes(raw, sim_pkt_build(&p, raw, sizeof(raw))), 0);
}
