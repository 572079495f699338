/* Ready-made networks: configurations as values, interfaces, links. */
#include "sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>

#define PSK "a-long-shared-secret-for-the-simulator"

static struct kd_addr addr(const char *text)
{
    struct kd_addr a;

    kd_assert(kd_addr_parse(text, &a));
    return a;
}

static struct kd_prefix prefix(const char *text)
{
    struct kd_prefix p;

    kd_assert(kd_prefix_parse(text, true, &p));
    return p;
}

/* ---- configurations ---- */

struct side {
    const char *id, *outer, *inner;
    uint32_t asn;
};

enum { POLICY_ACCEPT, POLICY_PREFER, POLICY_AVOID, POLICIES };

/* One entry that takes everything; local_pref 0: as it is. */
static struct bgp_route_map *permit(uint32_t local_pref)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));
    struct bgp_route_map *m;

    kd_assert(p);
    p->n = 1;
    p->entry[0].permit = true;
    p->entry[0].set_local_pref = local_pref != 0;
    p->entry[0].local_pref = local_pref;
    m = bgp_route_map_new(p);
    kd_assert(m);
    free(p);
    return m;
}

static void policies(struct core_config *c)
{
    c->policies = calloc(POLICIES, sizeof(struct bgp_route_map *));
    kd_assert(c->policies);
    c->n_policies = POLICIES;
    c->policies[POLICY_ACCEPT] = permit(0);
    c->policies[POLICY_PREFER] = permit(150);
    c->policies[POLICY_AVOID] = permit(50);
}

static void neighbor(const struct core_config *c, struct bgp_peer_config *n, const char *name,
                     const char *remote, uint32_t asn, int import)
{
    snprintf(n->name, sizeof(n->name), "%s", name);
    n->remote = addr(remote);
    n->asn = asn;
    n->iface = BGP_NO_IFACE;
    n->hold_s = 180;
    n->connect_retry_us = KD_S(5);
    n->ttl = 1;
    n->import = c->policies[import];
    n->export = c->policies[POLICY_ACCEPT];
}

static void bfd(struct core_neighbor_config *n, const struct sim_pair_options *o)
{
    n->bfd = (struct core_bfd_config){.on = o->bfd_us != 0,
                                      .strict = o->bfd_strict,
                                      .multihop = n->bgp.ttl != 1,
                                      .detect_mult = 3,
                                      .interval_us = o->bfd_us};
    if (o->bfd_auth)
        n->bfd.auth = (struct bfd_auth_config){
            .type = BFD_AUTH_METICULOUS_SHA1, .n_keys = 1, .key[0] = {.id = 1}};
}

static void proposal(struct ike_proposals *l, uint8_t protocol, const char *text)
{
    char err[256];

    kd_assert(ike_proposal_from_string(text, protocol, &l->p[0], err, sizeof(err)));
    l->n = 1;
}

static void tunnel(struct core_config *c, uint32_t i, const struct side *us,
                   const struct side *them, const struct sim_pair_options *o)
{
    struct core_tunnel_config *t = &c->tunnels[i];
    struct kd_prefix any = prefix("0.0.0.0/0");

    snprintf(t->ike.name, sizeof(t->ike.name), "vpn%u", i);
    snprintf(t->ifname, sizeof(t->ifname), "vpn%u", i);
    t->ike.local = addr(us->outer);
    t->ike.remote = addr(them->outer);
    t->ike.port = 500;
    t->ike.natt_port = 4500;
    kd_assert(ike_id_parse(us->id, &t->ike.local_id) && ike_id_parse(them->id, &t->ike.remote_id));
    t->ike.encap = o->no_encap ? IKE_ENCAP_NEVER : IKE_ENCAP_AUTO;
    proposal(&t->ike.ike, IKE_PROTO_IKE, "aes256-sha1-modp1024");
    proposal(&t->ike.esp, IKE_PROTO_ESP, "aes256-sha1");
    t->ike.child[0].local_ts.n = t->ike.child[0].remote_ts.n = 1;
    t->ike.child[0].local_ts.ts[0] = t->ike.child[0].remote_ts.ts[0] = ike_ts_from_prefix(&any);
    t->ike.detect_us = o->detect_us ? o->detect_us : KD_S(2);
    t->ike.abandon_us = o->abandon_us ? o->abandon_us : KD_S(60);
    t->ike.retry_us = KD_S(1);
    t->ike.ike_life_us = o->ike_life_us ? o->ike_life_us : KD_S(28800);
    t->ike.child_life_us = o->child_life_us ? o->child_life_us : KD_S(3600);
    t->ike.child_life_bytes = o->child_life_bytes;
    t->ike.child_life_packets = o->child_life_packets;
    t->inner = addr(us->inner);
    t->replay_window = 1024;
    t->has_neighbor = true;
    neighbor(c, &t->neighbor.bgp, t->ike.name, them->inner, them->asn, POLICY_ACCEPT);
    t->neighbor.bgp.ttl = 255;
    bfd(&t->neighbor, o);
}

static void config(struct core_config *c, const struct side *us, uint32_t n_tunnels,
                   uint32_t n_neighbors)
{
    struct kd_addr id = addr(us->inner);

    memset(c, 0, sizeof(*c));
    c->asn = us->asn;
    c->router_id =
        (uint32_t)id.b[0] << 24 | (uint32_t)id.b[1] << 16 | (uint32_t)id.b[2] << 8 | id.b[3];
    c->n_listen = 1;
    c->listen[0] = addr(us->outer);
    c->port = 500;
    c->natt_port = 4500;
    c->dataplane = CORE_DP_TUN;
    c->n_tunnels = n_tunnels;
    c->n_neighbors = n_neighbors;
    c->tunnels = calloc(n_tunnels + 1, sizeof(*c->tunnels));
    c->neighbors = calloc(n_neighbors + 1, sizeof(*c->neighbors));
    kd_assert(c->tunnels && c->neighbors);
    policies(c);
}

static void network(struct core_config *c, const char *text)
{
    c->networks[c->n_networks++].prefix = prefix(text);
}

static uint32_t iface(struct sim_gw *g, const char *name, const char *address)
{
    uint32_t i = sim_kernel_link_add(&g->kernel, name, 1500, true);

    sim_kernel_addr_add(&g->kernel, i, address);
    return i;
}

static struct sim_link *join(struct sim *s, const char *name, bool plain, struct sim_gw *a,
                             uint32_t if_a, const char *addr_a, struct sim_gw *b, uint32_t if_b,
                             const char *addr_b)
{
    struct sim_end ends[2] = {{.gw = a, .ifindex = if_a, .addr = addr(addr_a)},
                              {.gw = b, .ifindex = if_b, .addr = addr(addr_b)}};

    return sim_link_new(s, name, plain, ends);
}

/* ---- the pair ---- */

static const struct side azure = {"azure.example", "203.0.113.10", SIM_AZURE_BGP, 65515};
static const struct side onprem = {"onprem.example", "198.51.100.20", SIM_ONPREM_BGP, 65020};
static const struct side behind_nat = {"onprem.example", "192.168.50.2", SIM_ONPREM_BGP, 65020};

static void er(struct core_config *c, const char *remote, uint32_t asn,
               const struct sim_pair_options *o)
{
    neighbor(c, &c->neighbors[0].bgp, "er", remote, asn,
             o->ecmp        ? POLICY_ACCEPT
             : o->vpn_first ? POLICY_AVOID
                            : POLICY_PREFER);
    if (o->er_behind) {
        c->neighbors[0].bgp.local = addr(asn == onprem.asn ? SIM_AZURE_ER : SIM_ONPREM_ER);
        c->neighbors[0].bgp.remote = addr(asn == onprem.asn ? SIM_ONPREM_ER : SIM_AZURE_ER);
        c->neighbors[0].bgp.ttl = 255;
    }
    bfd(&c->neighbors[0], o);
}

void sim_pair_er_route(struct sim_gw *g, const char *to, const char *gateway, bool add)
{
    struct kd_addr a = addr(to);
    struct nl_route r = {.dst = kd_prefix_host(&a),
                         .metric = 100,
                         .protocol = SIM_PROTO_STATIC,
                         .gateway = addr(gateway),
                         .oif = sim_kernel_link_named(&g->kernel, "er0")->ifindex};
    int error = add ? sim_kernel_route_add(&g->kernel, &r) : sim_kernel_route_del(&g->kernel, &r);

    kd_assert(error == 0);
}

static void er_behind(struct sim_pair *p)
{
    (void)iface(p->azure, "lo1", SIM_AZURE_ER "/32");
    (void)iface(p->onprem, "lo1", SIM_ONPREM_ER "/32");
    sim_pair_er_route(p->azure, SIM_ONPREM_ER, "192.168.11.17", true);
    sim_pair_er_route(p->onprem, SIM_AZURE_ER, "192.168.11.18", true);
}

static struct sim_gw *azure_new(struct sim *s, const struct sim_pair_options *o)
{
    struct core_config c;

    config(&c, &azure, 1, o->no_er ? 0 : 1);
    c.ecmp = o->ecmp;
    network(&c, "10.17.11.0/25");
    network(&c, "10.17.11.128/26");
    tunnel(&c, 0, &azure, &onprem, o);
    c.tunnels[0].ike.role = o->nat ? IKE_ROLE_RESPONDER : o->azure;
    if (!o->no_er)
        er(&c, "192.168.11.17", onprem.asn, o);
    return sim_gw_new(s, "azure", &c, PSK);
}

static struct sim_gw *onprem_new(struct sim *s, const struct sim_pair_options *o)
{
    struct core_config c;

    config(&c, &onprem, 1, o->no_er ? 0 : 1);
    c.ecmp = o->ecmp;
    network(&c, "10.1.11.0/25");
    network(&c, "192.168.11.0/24");
    tunnel(&c, 0, o->nat ? &behind_nat : &onprem, &azure, o);
    c.tunnels[0].ike.role = o->onprem;
    if (!o->no_er)
        er(&c, "192.168.11.18", azure.asn, o);
    return sim_gw_new(s, "onprem", &c, PSK);
}

void sim_pair_new(struct sim_pair *p, const struct sim_pair_options *o)
{
    const char *inside = o->nat ? behind_nat.outer : onprem.outer;
    char text[KD_PREFIX_STR_MAX];
    struct kd_addr public = addr(onprem.outer);
    uint32_t a, b;

    memset(p, 0, sizeof(*p));
    p->sim = sim_new(o->seed, 1024);
    p->first = o->ecmp ? NULL : o->no_er || o->vpn_first ? "vpn0" : "er0";
    p->azure = azure_new(p->sim, o);
    p->onprem = onprem_new(p->sim, o);
    snprintf(text, sizeof(text), "%s/24", azure.outer);
    a = iface(p->azure, "outer0", text);
    snprintf(text, sizeof(text), "%s/24", inside);
    b = iface(p->onprem, "outer0", text);
    p->internet = join(p->sim, "internet", false, p->onprem, b, inside, p->azure, a, azure.outer);
    if (o->nat)
        sim_link_nat(p->internet, &public);
    (void)iface(p->azure, "lan0", SIM_AZURE_HOST "/25");
    (void)iface(p->onprem, "lan0", SIM_ONPREM_HOST "/25");
    if (o->no_er)
        return;
    a = iface(p->azure, "er0", "192.168.11.18/30");
    b = iface(p->onprem, "er0", "192.168.11.17/30");
    p->er = join(p->sim, "er", true, p->onprem, b, "192.168.11.17", p->azure, a, "192.168.11.18");
    p->er->faults.latency_us = KD_MS(2);
    if (o->er_behind)
        er_behind(p);
}

void sim_pair_free(struct sim_pair *p)
{
    sim_free(p->sim);
}

void sim_pair_start(struct sim_pair *p)
{
    sim_gw_start(p->azure);
    sim_gw_start(p->onprem);
}

/* ---- conditions ---- */

bool sim_tunnel_is(const struct sim_gw *g, uint32_t t, enum core_tunnel_state state)
{
    struct core_tunnel_view v;

    return g->core && core_tunnel_get(g->core, t, &v) && v.state == state;
}

bool sim_bgp_is(const struct sim_gw *g, uint32_t peer, enum bgp_state state)
{
    struct bgp_peer_view v;

    return g->core && bgp_peer_get(core_bgp(g->core), peer, &v) && v.state == state;
}

const char *sim_way_to(const struct sim_gw *g, const char *dst)
{
    struct kd_addr a = addr(dst);
    struct sim_hop h = sim_kernel_lookup(&g->kernel, 0, &a, 0);
    static const char *const words[] = {"none", "unreachable", "local"};

    return h.way == SIM_WAY_LINK ? sim_kernel_link(&g->kernel, h.oif)->name : words[h.way];
}

static bool learned(const struct sim_gw *g, uint32_t peer)
{
    struct bgp_peer_view v;

    return bgp_peer_get(core_bgp(g->core), peer, &v) && v.state == BGP_ESTABLISHED &&
           v.accepted == 2;
}

static bool side_is_up(const struct sim_gw *g, const char *far, const char *first)
{
    if (!sim_tunnel_is(g, SIM_VPN, CORE_T_UP) || !learned(g, SIM_VPN))
        return false;
    if (g->cfg.n_neighbors && !learned(g, SIM_ER))
        return false;
    return !first || strcmp(sim_way_to(g, far), first) == 0;
}

bool sim_pair_is_up(const struct sim_pair *p)
{
    return side_is_up(p->azure, SIM_ONPREM_HOST, p->first) &&
           side_is_up(p->onprem, SIM_AZURE_HOST, p->first);
}

static bool pair_up(void *arg)
{
    return sim_pair_is_up(arg);
}

bool sim_pair_wait_up(struct sim_pair *p, uint64_t for_us)
{
    return sim_wait(p->sim, for_us, pair_up, p);
}

/* ---- the hub ---- */

static void spoke(struct sim_hub *h, uint32_t i)
{
    static const struct sim_pair_options none;
    char id[32], outer[20], inner[20], net[24], link[16];
    struct side us = {id, outer, inner, 65020 + i};
    struct core_config c;

    snprintf(id, sizeof(id), "spoke%u.example", i);
    snprintf(outer, sizeof(outer), "198.18.%u.%u", i / 200, i % 200 + 1);
    snprintf(inner, sizeof(inner), "172.16.%u.%u", i / 200, i % 200 + 1);
    snprintf(net, sizeof(net), "10.%u.%u.0/24", 100 + i / 250, i % 250);
    snprintf(link, sizeof(link), "net%u", i);
    config(&c, &us, 1, 0);
    network(&c, net);
    tunnel(&c, 0, &us, &azure, &none);
    tunnel(&h->gws[0]->cfg, i, &azure, &us, &none);
    h->gws[0]->cfg.tunnels[i].ike.role = IKE_ROLE_RESPONDER;
    h->gws[1 + i] = sim_gw_new(h->sim, id, &c, PSK);
    snprintf(net, sizeof(net), "%s/24", outer);
    (void)iface(h->gws[1 + i], "outer0", net);
    (void)join(h->sim, link, false, h->gws[1 + i], 1, outer, h->gws[0], 1, azure.outer);
}

void sim_hub_new(struct sim_hub *h, uint64_t seed, uint32_t n)
{
    struct core_config c;

    h->sim = sim_new(seed, 64 * n + 64);
    h->n = n;
    h->gws = calloc(n + 1, sizeof(struct sim_gw *));
    kd_assert(h->gws);
    config(&c, &azure, n, 0);
    network(&c, "10.17.11.0/25");
    h->gws[0] = sim_gw_new(h->sim, "azure", &c, PSK);
    (void)iface(h->gws[0], "outer0", "203.0.113.10/24");
    for (uint32_t i = 0; i < n; i++)
        spoke(h, i);
}

void sim_hub_free(struct sim_hub *h)
{
    sim_free(h->sim);
    free(h->gws);
}
