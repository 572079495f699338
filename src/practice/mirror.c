/* Configurations of the simulated network: our own without what belongs to the host, and from each
 * of its tunnels and neighbors the peer's, turned around. Not the peers' real ones: what those
 * refuse, prefer or leave out isn't known here. */
#include "practice/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIRROR_ID     0xc6120000u /* 198.18.0.0 (RFC 2544): router ids, and addresses nobody has */

/* ---- ours ---- */

static void adapt_bfd(struct core_bfd_config *b)
{
    memset(&b->auth, 0, sizeof(b->auth));
}

/* A link of its own to each neighbor: /31 or /127 where our address isn't configured. */
static void adapt_neighbor(struct core_neighbor_config *n)
{
    n->bgp.table = 0;
    n->password = KD_HANDLE_NONE;
    adapt_bfd(&n->bfd);
    if (n->bgp.local.family)
        return;
    n->bgp.local = n->bgp.remote;
    n->bgp.local.b[n->bgp.remote.family == 4 ? 3 : 15] ^= 1;
}

static void adapt_tunnel(const struct core_config *c, struct core_tunnel_config *t, uint32_t i)
{
    t->table = 0;
    t->vrf[0] = '\0';
    t->offload = CORE_OFFLOAD_NO;
    t->rehearse_us = t->mtu_probe_us = 0;
    t->ike.on_traffic = false;
    memset(&t->ike.auth, 0, sizeof(t->ike.auth));
    memset(&t->ike.ppk, 0, sizeof(t->ike.ppk));
    if (!t->ike.local.family)
        t->ike.local = c->listen[0];
    if (!t->ike.remote.family)
        t->ike.remote = kd_addr_v4(MIRROR_ID | 0x8000 | i);
    if (t->has_neighbor) {
        t->neighbor.bgp.table = 0;
        t->neighbor.password = KD_HANDLE_NONE;
        adapt_bfd(&t->neighbor.bfd);
    }
}

void mirror_adapt(struct core_config *c)
{
    c->table = 0;
    c->vrf[0] = '\0';
    memset(c->outer, 0, sizeof(c->outer));
    c->dataplane = CORE_DP_TUN;
    c->n_health = 0;
    c->redistribute.policy = NULL;
    for (uint32_t i = 0; i < c->n_networks; i++)
        c->networks[i].in_kernel = false;
    for (uint32_t i = 0; i < c->n_tunnels; i++)
        adapt_tunnel(c, &c->tunnels[i], i);
    for (uint32_t i = 0; i < c->n_neighbors; i++)
        adapt_neighbor(&c->neighbors[i]);
}

/* ---- peers ---- */

static struct core_config blank(const struct core_config *c, uint32_t asn, uint32_t number)
{
    struct core_config m = {.asn = asn,
                            .router_id = MIRROR_ID + 1 + number,
                            .n_listen = 1,
                            .listen = {kd_addr_v4(MIRROR_ID + 1 + number)},
                            .port = c->port,
                            .natt_port = c->natt_port,
                            .dataplane = CORE_DP_TUN,
                            .recover_us = c->recover_us,
                            .n_policies = 1};

    m.tunnels = calloc(1, sizeof(*m.tunnels));
    m.neighbors = calloc(1, sizeof(*m.neighbors));
    m.policies = calloc(1, sizeof(struct bgp_route_map *));
    kd_assert(m.tunnels && m.neighbors && m.policies);
    return m;
}

/* The session seen from its other end; policies are set with what it tells. */
static void turn_session(struct core_neighbor_config *out, const struct core_neighbor_config *in,
                         const struct kd_addr *ours, uint32_t our_asn)
{
    *out = *in;
    out->bgp.local = in->bgp.remote;
    out->bgp.remote = *ours;
    out->bgp.local_other = (struct kd_addr){0};
    out->bgp.asn = our_asn;
    out->bgp.passive = out->bgp.next_hop_self = out->bgp.as_override = false;
    out->bgp.graceful_shutdown = false;
    out->bgp.prefixes_max = out->bgp.weight = out->bgp.allow_as_in = 0;
    out->bgp.import = out->bgp.export = NULL;
}

static void turn_children(struct ike_conn_config *k)
{
    for (unsigned i = 0; i < IKE_CONN_CHILDREN; i++) {
        struct ike_ts_list ts = k->child[i].local_ts;
        k->child[i].local_ts = k->child[i].remote_ts;
        k->child[i].remote_ts = ts;
    }
}

struct core_config mirror_of_tunnel(const struct core_config *c, uint32_t i)
{
    const struct core_tunnel_config *t = &c->tunnels[i];
    struct core_config m = blank(c, t->has_neighbor ? t->neighbor.bgp.asn : c->asn, i);
    struct core_tunnel_config *o = &m.tunnels[0];

    *o = *t;
    m.n_tunnels = 1;
    m.listen[0] = t->ike.remote;
    snprintf(o->ifname, sizeof(o->ifname), "vpn0");
    o->ike.local = t->ike.remote;
    o->ike.remote = t->ike.local;
    o->ike.local_id = t->ike.remote_id;
    o->ike.remote_id = t->ike.local_id;
    o->ike.role =
        t->ike.role == IKE_ROLE_RESPONDER ? IKE_ROLE_INITIATOR : IKE_ROLE_RESPONDER;
    turn_children(&o->ike);
    if (!t->has_neighbor)
        return m;
    o->inner = t->neighbor.bgp.remote;
    turn_session(&o->neighbor, &t->neighbor, &t->inner, c->asn);
    o->neighbor.bgp.local = (struct kd_addr){0}; /* the core's: inner */
    return m;
}

struct core_config mirror_of_neighbor(const struct core_config *c, uint32_t i)
{
    const struct core_neighbor_config *n = &c->neighbors[i];
    struct core_config m = blank(c, n->bgp.asn, c->n_tunnels + i);

    m.n_neighbors = 1;
    turn_session(&m.neighbors[0], n, &n->bgp.local, c->asn);
    return m;
}

/* ---- what it tells ---- */

struct kind {
    uint32_t local_pref, med, first_as;
    uint16_t n_as;
    bool has_med;
    uint32_t n; /* routes of it */
};

struct kinds {
    uint32_t n;
    struct kind kind[BGP_POLICY_ENTRY_MAX];
};

static bool is_of(const struct kind *k, const struct rehearse_route *r)
{
    return k->local_pref == r->local_pref && k->has_med == r->has_med && k->n_as == r->n_as &&
           k->first_as == r->first_as && (!r->has_med || k->med == r->med);
}

/* Its place, or n when it is none of these. */
static uint32_t kind_of(const struct kinds *ks, const struct rehearse_route *r)
{
    uint32_t i = 0;

    while (i < ks->n && !is_of(&ks->kind[i], r))
        i++;
    return i;
}

static void count_kind(struct kinds *ks, const struct rehearse_route *r)
{
    uint32_t i = kind_of(ks, r);

    if (i == BGP_POLICY_ENTRY_MAX)
        return;
    if (i == ks->n)
        ks->kind[ks->n++] = (struct kind){
            r->local_pref, r->has_med ? r->med : 0, r->first_as, r->n_as, r->has_med, 0};
    ks->kind[i].n++;
}

static uint32_t commonest(const struct kinds *ks)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < ks->n; i++)
        if (ks->kind[i].n > ks->kind[best].n)
            best = i;
    return best;
}

static void entry_sets(struct bgp_policy_entry *e, const struct kind *k, uint32_t asn, bool ibgp)
{
    uint32_t own = ibgp ? 0 : 1; /* the session adds the mirror's own AS */

    e->permit = true;
    e->set_local_pref = ibgp;
    e->local_pref = k->local_pref;
    e->set_med = k->has_med;
    e->med = k->med;
    e->n_prepend = k->n_as > own ? (uint8_t)KD_MIN(k->n_as - own, (uint32_t)BGP_PREPEND_MAX) : 0;
    for (unsigned i = 0; i < e->n_prepend; i++)
        e->prepend[i] = ibgp ? k->first_as : asn;
}

/* One entry a kind by its prefixes, and the commonest kind for all others. */
static void fill(struct bgp_policy *p, const struct kinds *ks, const struct rehearse_now *now,
                 uint32_t peer, uint32_t *n_alike)
{
    uint32_t rest = commonest(ks);

    for (uint32_t i = 0; i < now->n_routes; i++) {
        const struct rehearse_route *r = &now->route[i];
        uint32_t k = r->peer == peer ? kind_of(ks, r) : rest;
        struct bgp_policy_entry *e = &p->entry[k > rest ? k - 1 : k];
        if (k == rest)
            continue;
        if (k == ks->n || e->n_prefix == BGP_POLICY_PREFIX_MAX)
            ++*n_alike;
        else
            e->prefix[e->n_prefix++] =
                (struct bgp_prefix_rule){r->prefix, r->prefix.len, r->prefix.len};
    }
}

static struct bgp_route_map *told(const struct core_config *m, const struct rehearse_now *now,
                                  uint32_t peer, bool ibgp, uint32_t *n_alike)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));
    struct kinds ks = {.n = 0};
    struct bgp_route_map *map;
    uint32_t rest;

    kd_assert(p);
    for (uint32_t i = 0; i < now->n_routes; i++)
        if (now->route[i].peer == peer)
            count_kind(&ks, &now->route[i]);
    rest = commonest(&ks);
    for (uint32_t i = 0; i < ks.n; i++)
        if (i != rest)
            entry_sets(&p->entry[i > rest ? i - 1 : i], &ks.kind[i], m->asn, ibgp);
    fill(p, &ks, now, peer, n_alike);
    p->n = (uint16_t)KD_MAX(ks.n, 1u);
    p->entry[p->n - 1].permit = true;
    if (ks.n)
        entry_sets(&p->entry[p->n - 1], &ks.kind[rest], m->asn, ibgp);
    map = bgp_route_map_new(p);
    kd_assert(map);
    free(p);
    return map;
}

void mirror_tells(struct core_config *m, const struct rehearse_now *now, uint32_t peer, bool ibgp,
                  uint32_t *n_alike)
{
    struct bgp_peer_config *s =
        m->n_tunnels ? &m->tunnels[0].neighbor.bgp : &m->neighbors[0].bgp;

    free(m->policies);
    m->policies = calloc(2, sizeof(struct bgp_route_map *));
    kd_assert(m->policies);
    m->n_policies = 2;
    m->policies[0] = told(m, &(struct rehearse_now){.n_routes = 0}, peer, ibgp, n_alike);
    m->policies[1] = told(m, now, peer, ibgp, n_alike);
    s->import = m->policies[0]; /* everything, as it is */
    s->export = m->policies[1];
    m->redistribute.policy = m->policies[0];
    m->redistribute.max = UINT32_MAX;
    m->redistribute.protocols[SIM_PROTO_STATIC / 8] |= 1u << SIM_PROTO_STATIC % 8;
}
