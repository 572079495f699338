/* What only shows when every section is read: names, interfaces, peers and addresses that clash. */
#include "config/cfg.h"

#include <stdio.h>

static bool same_peer(const struct ike_conn_config *a, const struct ike_conn_config *b)
{
    return kd_addr_eq(&a->local, &b->local) && kd_addr_eq(&a->remote, &b->remote) &&
           a->remote_id.type == b->remote_id.type && a->remote_id.len == b->remote_id.len &&
           memcmp(a->remote_id.data, b->remote_id.data, a->remote_id.len) == 0;
}

/* Tunnel i against the ones before it. */
static void check_tunnel(struct cfg *c, uint32_t i)
{
    const struct core_tunnel_config *t = &c->out.tunnels[i];
    const struct cfg_marks *m = &c->tunnel_marks[i];
    for (uint32_t j = 0; j < i; j++) {
        const struct core_tunnel_config *o = &c->out.tunnels[j];
        if (t->ike.name[0] && strcmp(t->ike.name, o->ike.name) == 0)
            cfg_error(c, m->name, "tunnels[%u].name: \"%s\" is already the name of tunnels[%u]", i,
                      t->ike.name, j);
        if (t->ifname[0] && strcmp(t->ifname, o->ifname) == 0)
            cfg_error(c, m->interface,
                      "tunnels[%u].interface: \"%s\" is already the interface of tunnels[%u]", i,
                      t->ifname, j);
        if (t->ike.local.family && same_peer(&t->ike, &o->ike))
            cfg_error(c, m->remote,
                      "tunnels[%u].remote: the same local, remote and remote-id as tunnels[%u]: an "
                      "answer couldn't tell them apart",
                      i, j);
    }
}

/* A VRF has one table, and a table that is a VRF's is no one else's. */
static void check_vrf(struct cfg *c, uint32_t i, const char *whose, uint32_t table, const char *vrf)
{
    const struct core_tunnel_config *t = &c->out.tunnels[i];
    const bool same_vrf = strcmp(t->vrf, vrf) == 0, main = t->table == 253 || t->table == 254;
    if (t->table == table && !same_vrf && !main)
        cfg_error(c, c->tunnel_marks[i].table,
                  "tunnels[%u].vrf: table %u is in %s%s, of %s: it can't be in %s%s too", i, table,
                  vrf[0] ? "VRF " : "no VRF", vrf, whose, t->vrf[0] ? "VRF " : "no VRF", t->vrf);
    if (t->table != table && same_vrf && vrf[0])
        cfg_error(c, c->tunnel_marks[i].table,
                  "tunnels[%u].vrf: \"%s\" has table %u, of %s: it can't have %u too", i, vrf,
                  table, whose, t->table);
}

static void check_vrfs(struct cfg *c, uint32_t i)
{
    char whose[32];
    check_vrf(c, i, "router", c->out.table, c->out.vrf);
    for (uint32_t j = 0; j < i; j++) {
        const struct core_tunnel_config *o = &c->out.tunnels[j];
        snprintf(whose, sizeof(whose), "tunnels[%u]", j);
        if (o->table != c->out.table || strcmp(o->vrf, c->out.vrf) != 0)
            check_vrf(c, i, whose, o->table, o->vrf);
    }
}

/* A neighbor of either kind. */
struct peer {
    const struct bgp_peer_config *p;
    const struct cfg_marks *m;
    char where[32];
};

/* The i-th neighbor, tunnels' first; false at the end. p is NULL for a tunnel without one. */
static bool peer_at(const struct cfg *c, uint32_t i, struct peer *out)
{
    const struct core_config *o = &c->out;
    out->p = NULL;
    if (i < o->n_tunnels) {
        snprintf(out->where, sizeof(out->where), "tunnels[%u].neighbor", i);
        out->m = &c->tunnel_marks[i];
        if (o->tunnels[i].has_neighbor)
            out->p = &o->tunnels[i].neighbor.bgp;
        return true;
    }
    i -= o->n_tunnels;
    if (i >= o->n_neighbors)
        return false;
    snprintf(out->where, sizeof(out->where), "neighbors[%u]", i);
    out->m = &c->neighbor_marks[i];
    out->p = &o->neighbors[i].bgp;
    return true;
}

static void check_peer(struct cfg *c, uint32_t i, const struct peer *p)
{
    char addr[KD_ADDR_STR_MAX];
    struct peer o;
    kd_addr_str(&p->p->remote, addr);
    for (uint32_t j = 0; j < i && peer_at(c, j, &o); j++) {
        if (!o.p)
            continue;
        if (p->p->name[0] && strcmp(p->p->name, o.p->name) == 0)
            cfg_error(c, p->m->peer, "%s.name: \"%s\" is already the name of %s", p->where,
                      p->p->name, o.where);
        if (p->p->remote.family && kd_addr_eq(&p->p->remote, &o.p->remote))
            cfg_error(c, p->m->peer_address, "%s.address: \"%s\" is already the address of %s",
                      p->where, addr, o.where);
    }
    for (uint32_t j = 0; j < c->out.n_tunnels; j++)
        if (i != j && p->p->remote.family && kd_addr_eq(&p->p->remote, &c->out.tunnels[j].inner))
            cfg_error(c, p->m->peer_address, "%s.address: \"%s\" is our own address in tunnels[%u]",
                      p->where, addr, j);
}

void cfg_cross_check(struct cfg *c)
{
    struct peer p, first = {.p = NULL};
    for (uint32_t i = 0; i < c->out.n_tunnels; i++) {
        check_tunnel(c, i);
        check_vrfs(c, i);
    }
    for (uint32_t i = 0; peer_at(c, i, &p); i++) {
        if (!p.p)
            continue;
        if (!first.p)
            first = p;
        check_peer(c, i, &p);
    }
    if (first.p && !c->has_router)
        cfg_error(c, first.m->peer, "%s: BGP needs the section \"router\" with id and asn",
                  first.where);
}
