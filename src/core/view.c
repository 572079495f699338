/* Read-only views of the core, for status, metrics and tests. */
#include "core/tunnel.h"

uint32_t core_tunnels(const struct core *c)
{
    return c->cfg.n_tunnels;
}

bool core_tunnel_get(const struct core *c, uint32_t tunnel, struct core_tunnel_view *v)
{
    const struct core_tunnel *t;

    if (tunnel >= c->cfg.n_tunnels)
        return false;
    t = &c->tunnels[tunnel];
    memset(v, 0, sizeof(*v));
    v->config = &t->cfg;
    v->state = t->state;
    v->reason = t->reason;
    v->since_us = t->since_us;
    v->carrying = t->carrying;
    v->ifindex = t->ifindex;
    v->mtu = t->mtu;
    v->refusal = t->refusal;
    v->refusal_detail = t->refusal_detail;
    v->refusal_offered = t->refusal_offered;
    v->refusal_configured = t->refusal_configured;
    v->refused = core_refused(t);
    v->child_up = core_child_any_up(t);
    v->rehearsal = t->rehearsal.v;
    (void)ike_conn_view(c->ike, tunnel, &v->ike);
    v->pmtu = core_pmtu_of(t, &v->ike.mtu);
    return true;
}

bool core_tunnel_find(const struct core *c, const char *name, uint32_t *tunnel)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (strcmp(c->tunnels[i].cfg.ike.name, name) == 0) {
            *tunnel = i;
            return true;
        }
    return false;
}

bool core_peer_next(const struct core *c, uint32_t *peer)
{
    const struct core_peer *p = *peer == UINT32_MAX ? NULL : core_peer(c, *peer);

    p = *peer == UINT32_MAX ? c->peers : p ? p->hh.next : NULL;
    if (!p)
        return false;
    *peer = p->id;
    return true;
}

bool core_peer_find(const struct core *c, const char *text, uint32_t *peer)
{
    struct kd_addr a;
    bool is_addr = kd_addr_parse(text, &a);

    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        if (strcmp(p->cfg.name, text) == 0 || (is_addr && kd_addr_eq(&a, &p->cfg.remote))) {
            *peer = p->id;
            return true;
        }
    return false;
}

uint64_t core_tunnel_recovers_at(const struct core *c, uint32_t tunnel)
{
    return tunnel < c->cfg.n_tunnels ? core_stable_at(&c->tunnels[tunnel].stable) : KD_NEVER;
}

uint64_t core_bfd_recovers_at(const struct core *c, uint32_t peer)
{
    const struct core_peer *p = core_peer(c, peer);

    return p ? core_stable_at(&p->bfd.stable) : KD_NEVER;
}

bool core_peer_disturbed(const struct core *c, uint32_t peer)
{
    const struct core_peer *p = core_peer(c, peer);

    return p && (p->admin_down || p->silent || p->drained);
}

const struct bgp_peer_config *core_peer_config(const struct core *c, uint32_t peer)
{
    const struct core_peer *p = core_peer(c, peer);

    return p ? &p->cfg : NULL;
}

const struct ike *core_ike(const struct core *c)
{
    return c->ike;
}

const struct bgp *core_bgp(const struct core *c)
{
    return c->bgp;
}

const struct core_config *core_configuration(const struct core *c)
{
    return &c->cfg;
}

enum core_dataplane core_dataplane_of(const struct core *c, const char **why)
{
    if (why)
        *why = c->dataplane_why;
    return c->dataplane;
}
