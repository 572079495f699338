/* The simulated network: interfaces, links, the routes that each mirror has to tell, and the wait
 * until it stands as the real one does. */
#include "practice/stage.h"

#include <stdio.h>
#include <stdlib.h>

#define STATIC_METRIC 100
#define UP_US         KD_S(300) /* most that it may take, of virtual time */
#define STABLE_US     KD_S(5)   /* no route more or less for so long */

/* As `ip addr add A peer PEER`: PEER is on the link. */
static void address_to(struct sim_gw *g, uint32_t ifindex, const struct kd_addr *a,
                       const struct kd_addr *peer)
{
    struct nl_addr_set set = {.ifindex = ifindex, .local = *a, .prefix = kd_prefix_host(peer)};

    kd_assert(sim_kernel_addr(&g->kernel, &set, false) == 0);
}

static void address(struct sim_gw *g, uint32_t ifindex, const struct kd_addr *a)
{
    address_to(g, ifindex, a, a);
}

static uint32_t iface(struct sim_gw *g, const char *name)
{
    return sim_kernel_link_add(&g->kernel, name, 1500, true);
}

/* A static one is what a mirror redistributes; a link's own isn't. */
static void route(struct sim_gw *g, uint8_t protocol, const struct kd_prefix *dst, uint32_t oif)
{
    struct nl_route r = {.dst = *dst,
                         .metric = STATIC_METRIC,
                         .protocol = protocol,
                         .type = NL_ROUTE_UNICAST,
                         .oif = oif};

    (void)sim_kernel_route_add(&g->kernel, &r); /* there already: told twice */
}

static void route_to(struct sim_gw *g, const struct kd_addr *a, uint32_t oif)
{
    struct kd_prefix host = kd_prefix_host(a);

    route(g, SIM_PROTO_KERNEL, &host, oif);
}

/* ---- peers ---- */

static bool ibgp(const struct core_config *m)
{
    return m->asn == (m->n_tunnels ? m->tunnels[0].neighbor.bgp.asn : m->neighbors[0].bgp.asn);
}

/* What it has told us, as routes of its own kernel; those of the session's other family aren't. */
static void give_routes(struct stage *st, struct stage_peer *p, const struct rehearse_now *now,
                        uint8_t family)
{
    uint32_t behind = iface(p->gw, "behind");

    for (uint32_t i = 0; i < now->n_routes; i++) {
        if (now->route[i].peer != p->id)
            continue;
        if (now->route[i].prefix.addr.family == family) {
            route(p->gw, SIM_PROTO_STATIC, &now->route[i].prefix, behind);
            p->n_routes++;
        } else {
            st->n_left_out++;
        }
    }
}

static void join(struct stage *st, const char *name, bool plain, uint32_t our_if,
                 const struct kd_addr *ours, struct stage_peer *p, uint32_t their_if,
                 const struct kd_addr *theirs)
{
    struct sim_end ends[2] = {{.gw = st->us, .ifindex = our_if, .addr = *ours},
                              {.gw = p->gw, .ifindex = their_if, .addr = *theirs}};

    sim_link_new(st->sim, name, plain, ends)->faults.latency_us = STAGE_LATENCY_US;
}

static void add_tunnel(struct stage *st, const struct rehearse_now *now, uint32_t i)
{
    const struct core_tunnel_config *t = &st->us->cfg.tunnels[i];
    struct core_config m = mirror_of_tunnel(&st->us->cfg, i);
    struct stage_peer *p = &st->peer[st->n++];
    uint32_t outer;

    if (t->has_neighbor)
        mirror_tells(&m, now, i, ibgp(&m), &st->n_alike);
    p->id = i;
    p->gw = sim_gw_new(st->sim, t->ike.name, &m, "rehearsed");
    p->tunnel_up = now->tunnel[i];
    p->neighbor_up = t->has_neighbor && now->neighbor[i];
    outer = iface(p->gw, "outer0");
    address(p->gw, outer, &t->ike.remote);
    join(st, t->ike.name, false, 1, &t->ike.local, p, outer, &t->ike.remote);
    give_routes(st, p, now, t->neighbor.bgp.remote.family);
}

static void add_neighbor(struct stage *st, const struct rehearse_now *now, uint32_t i)
{
    const struct bgp_peer_config *n = &st->us->cfg.neighbors[i].bgp;
    struct core_config m = mirror_of_neighbor(&st->us->cfg, i);
    struct stage_peer *p = &st->peer[st->n++];
    uint32_t ours, theirs;
    char name[16];

    mirror_tells(&m, now, CORE_PEER_BESIDE(i), ibgp(&m), &st->n_alike);
    p->id = CORE_PEER_BESIDE(i);
    p->gw = sim_gw_new(st->sim, n->name, &m, "rehearsed");
    p->neighbor_up = now->neighbor[st->us->cfg.n_tunnels + i];
    snprintf(name, sizeof(name), "beside%u", i % 10000);
    ours = iface(st->us, name);
    theirs = iface(p->gw, "beside");
    address_to(st->us, ours, &n->local, &n->remote);
    address_to(p->gw, theirs, &n->remote, &n->local);
    route_to(st->us, &n->remote, ours);
    route_to(p->gw, &n->local, theirs);
    join(st, name, true, ours, &n->local, p, theirs, &n->remote);
    give_routes(st, p, now, n->remote.family);
}

/* ---- the whole ---- */

void stage_new(struct stage *st, struct core_config *cfg, const struct rehearse_now *now,
               uint64_t seed)
{
    uint32_t outer, n = cfg->n_tunnels + cfg->n_neighbors;

    *st = (struct stage){.sim = sim_new(seed, 64 * n + 64)};
    mirror_adapt(cfg);
    st->us = sim_gw_new(st->sim, "us", cfg, "rehearsed");
    st->peer = calloc(n + 1, sizeof(*st->peer));
    kd_assert(st->peer);
    outer = iface(st->us, "outer0");
    kd_assert(outer == 1); /* add_tunnel() */
    for (uint32_t i = 0; i < st->us->cfg.n_listen; i++)
        address(st->us, outer, &st->us->cfg.listen[i]);
    for (uint32_t i = 0; i < st->us->cfg.n_tunnels; i++)
        add_tunnel(st, now, i);
    for (uint32_t i = 0; i < st->us->cfg.n_neighbors; i++)
        add_neighbor(st, now, i);
    sim_gw_start(st->us);
    for (uint32_t i = 0; i < st->n; i++)
        if (st->peer[i].tunnel_up || st->peer[i].neighbor_up)
            sim_gw_start(st->peer[i].gw);
}

void stage_free(struct stage *st)
{
    sim_free(st->sim);
    free(st->peer);
}

/* ---- what is probed ---- */

/* The second address of our first network of the family: some host there. */
static bool some_host(const struct core_config *c, uint8_t family, struct kd_addr *a)
{
    for (uint32_t i = 0; i < c->n_networks; i++)
        if (c->networks[i].prefix.addr.family == family) {
            *a = c->networks[i].prefix.addr;
            a->b[family == 4 ? 3 : 15] |= c->networks[i].prefix.len < kd_addr_bits(a);
            return true;
        }
    return false;
}

bool stage_probe(struct stage *st, const struct drill_probe_plan *p, struct kd_addr *from,
                 char *why, size_t cap)
{
    *from = p->from;
    if (!from->family && !some_host(&st->us->cfg, p->to.family, from)) {
        snprintf(why, cap, "the probe has no \"from\", and router.networks none of its family: "
                           "nothing would answer");
        return false;
    }
    if (!sim_kernel_is_local(&st->us->kernel, from))
        address(st->us, iface(st->us, "lan"), from);
    for (uint32_t i = 0; i < st->n; i++) {
        struct sim_gw *g = st->peer[i].gw;
        struct sim_hop h = sim_kernel_lookup(&g->kernel, 0, &p->to, 0);
        if (h.way == SIM_WAY_LINK && h.protocol == SIM_PROTO_STATIC)
            address(g, iface(g, "host"), &p->to);
    }
    return true;
}

/* ---- up ---- */

static const char *name_of(const struct stage *st, const struct stage_peer *p)
{
    return core_peer_config(st->us->core, p->id) ? core_peer_config(st->us->core, p->id)->name
                                                 : p->gw->name;
}

/* What of it isn't as it is in reality; NULL: nothing. */
static const char *missing(const struct stage *st, const struct stage_peer *p)
{
    struct core_tunnel_view t;
    struct bgp_peer_view b;

    if (p->tunnel_up && !(core_tunnel_get(st->us->core, p->id, &t) && t.carrying))
        return "its tunnel doesn't come up";
    if (p->neighbor_up && !(bgp_peer_get(core_bgp(st->us->core), p->id, &b) &&
                            b.state == BGP_ESTABLISHED))
        return "its session isn't Established";
    return NULL;
}

static uint64_t accepted(const struct stage *st)
{
    uint64_t n = 0;
    struct bgp_peer_view b;

    for (uint32_t i = 0; i < st->n; i++)
        if (bgp_peer_get(core_bgp(st->us->core), st->peer[i].id, &b))
            n += b.accepted;
    return n;
}

static bool all_there(void *arg)
{
    const struct stage *st = arg;

    for (uint32_t i = 0; i < st->n; i++)
        if (st->us->core && missing(st, &st->peer[i]))
            return false;
    return st->us->core != NULL;
}

static void say_missing(const struct stage *st, char *why, size_t cap)
{
    for (uint32_t i = 0; i < st->n; i++)
        if (missing(st, &st->peer[i])) {
            snprintf(why, cap, "%s is up now, but in the simulation %s", name_of(st, &st->peer[i]),
                     missing(st, &st->peer[i]));
            return;
        }
}

bool stage_up(struct stage *st, char *why, size_t cap)
{
    uint64_t n = 0, end_us = st->sim->now_us + UP_US;

    sim_run(st->sim, KD_MS(1)); /* START is an event */
    if (sim_wait(st->sim, UP_US, all_there, st))
        do {
            n = accepted(st);
            sim_run(st->sim, STABLE_US);
        } while (n != accepted(st) && st->sim->now_us < end_us);
    if (all_there(st)) /* still: what they told may have ended a session */
        return true;
    say_missing(st, why, cap);
    return false;
}
