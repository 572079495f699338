/* Invariants of a gateway, asked from outside: by the core's views and the pretend kernel. */
#include "netlink/msg.h"
#include "sim/gateway.h"

#include <stdio.h>
#include <stdlib.h>

static char why[384];

/* IKE SAs of a tunnel: one, a second during a rekey or a collision, a third half-open. Seven keys
 * each (RFC 7296 2.14), the Diffie-Hellman's two, four a child. */
#define KEYS_A_TUNNEL (1 + 3 * 9 + 4 * 8)

static bool carries(enum core_tunnel_state s)
{
    return s == CORE_T_UNPROVEN || s == CORE_T_UP || s == CORE_T_FAILING;
}

static const char *check_sas(const struct sim_gw *g, uint32_t t, enum core_tunnel_state state)
{
    uint32_t pairs, in_use;

    sim_dp_count(g, t, &pairs, &in_use);
    if (in_use > 1 || pairs > 8)
        snprintf(why, sizeof(why), "%s: tunnel %u has %u pairs, %u in use", g->name, t, pairs,
                 in_use);
    else if (carries(state) && in_use != 1)
        snprintf(why, sizeof(why), "%s: tunnel %u is %s without a pair to send on", g->name, t,
                 core_tunnel_state_names[state]);
    return why;
}

static const char *check_no_route_over(const struct sim_gw *g, uint32_t t)
{
    char p[KD_PREFIX_STR_MAX];

    for (size_t i = 0; i < g->kernel.n_routes && g->tun[t]; i++) {
        const struct nl_route *r = &g->kernel.routes[i];
        if (r->type == NL_ROUTE_UNICAST && sim_kernel_route_oif(&g->kernel, r) == g->tun[t])
            snprintf(why, sizeof(why), "%s: %s leads over tunnel %u, which does not carry", g->name,
                     kd_prefix_str(&r->dst, p), t);
    }
    return why;
}

/* What the core believes acknowledged is in the kernel. */
static const char *check_fib(const struct sim_gw *g)
{
    char p[KD_PREFIX_STR_MAX], ifname[16];

    for (size_t i = 0; i < g->kernel.n_routes; i++) {
        const struct nl_route *r = &g->kernel.routes[i];
        const struct nl_link_info *l;
        if (r->protocol != NL_PROTO_KEDGE || r->metric != 20)
            continue;
        l = sim_kernel_link(&g->kernel, sim_kernel_route_oif(&g->kernel, r));
        if (!core_fib_get(g->core, 0, &r->dst, ifname))
            snprintf(why, sizeof(why), "%s: %s is in the kernel, and the core does not know it",
                     g->name, kd_prefix_str(&r->dst, p));
        else if (!l || strcmp(l->name, ifname) != 0)
            snprintf(why, sizeof(why), "%s: %s leads over %s, and the core says %s", g->name,
                     kd_prefix_str(&r->dst, p), l ? l->name : "nothing", ifname);
    }
    return why;
}

static bool is_used(const struct sim_kernel *k, const struct nl_nexthop *n)
{
    for (size_t i = 0; i < k->n_routes; i++)
        if (k->routes[i].nh_id == n->id)
            return true;
    for (size_t i = 0; i < k->n_nhs; i++)
        for (uint32_t m = 0; m < k->nhs[i].n_group; m++)
            if (k->nhs[i].group[m] == n->id)
                return true;
    return false;
}

/* Nothing of ours lies about unused. */
static const char *check_orphans(const struct sim_gw *g)
{
    for (size_t i = 0; i < g->kernel.n_nhs; i++) {
        const struct nl_nexthop *n = &g->kernel.nhs[i];
        if (n->protocol == NL_PROTO_KEDGE && !is_used(&g->kernel, n))
            snprintf(why, sizeof(why), "%s: next hop %u is left over", g->name, n->id);
    }
    return why;
}

static bool best_is_installed(void *arg, const struct bgp_route_view *r)
{
    const struct sim_gw *g = arg;
    char p[KD_PREFIX_STR_MAX];

    if (r->best && !r->local && !sim_kernel_route(&g->kernel, 0, &r->prefix, 20))
        snprintf(why, sizeof(why), "%s: best path of %s is not in the kernel", g->name,
                 kd_prefix_str(&r->prefix, p));
    return true;
}

void sim_gw_audit_routes(const struct sim_gw *g, struct core_audit *a, const struct nl_route *r,
                         size_t n)
{
    for (size_t i = 0; i < n; i++)
        core_audit_see(g->core, a, &(struct nl_event){.kind = NL_ROUTE, .route = r[i]});
}

void sim_gw_audit_others(const struct sim_gw *g, struct core_audit *a)
{
    const struct sim_kernel *k = &g->kernel;

    for (size_t i = 0; i < k->n_links; i++)
        core_audit_see(g->core, a, &(struct nl_event){.kind = NL_LINK, .link = k->links[i]});
    for (size_t i = 0; i < k->n_addrs; i++)
        core_audit_see(g->core, a, &(struct nl_event){.kind = NL_ADDR, .addr = k->addrs[i]});
    for (size_t i = 0; i < k->n_nhs; i++)
        core_audit_see(g->core, a, &(struct nl_event){.kind = NL_NEXTHOP, .nexthop = k->nhs[i]});
    for (size_t i = 0; i < k->n_rules; i++)
        core_audit_see(g->core, a, &(struct nl_event){.kind = NL_RULE, .rule = k->rules[i]});
    core_audit_end(g->core, a);
}

void sim_gw_audit(const struct sim_gw *g, struct core_audit *a)
{
    core_audit_begin(g->core, a);
    sim_gw_audit_routes(g, a, g->kernel.routes, g->kernel.n_routes);
    sim_gw_audit_others(g, a);
    while (core_audit_sweep(g->core, a))
        ;
}

/* Neither differs anything, nor is anything on its way. */
static const char *check_audit(const struct sim_gw *g)
{
    struct core_audit *a = malloc(sizeof(*a));

    kd_assert(a);
    sim_gw_audit(g, a);
    if (a->n_kept)
        snprintf(why, sizeof(why), "%s: audit: %s %s %.80s: %.120s", g->name,
                 core_audit_what_names[a->f[0].what], core_audit_kind_names[a->f[0].kind],
                 a->f[0].where, a->f[0].detail);
    free(a);
    return why;
}

const char *sim_gw_check(const struct sim_gw *g, bool settled)
{
    uint32_t n = 0;

    why[0] = '\0';
    for (const struct sim_gw *x = g->sim->gws; x; x = x->next)
        n += x->cfg.n_tunnels;
    if (kc_keys_live(g->sim->crypto) > n * KEYS_A_TUNNEL)
        snprintf(why, sizeof(why), "%u keys alive for %u tunnel ends", kc_keys_live(g->sim->crypto),
                 n);
    for (uint32_t t = 0; g->core && t < g->cfg.n_tunnels && !why[0]; t++) {
        struct core_tunnel_view v;
        if (!core_tunnel_get(g->core, t, &v))
            continue;
        check_sas(g, t, v.state);
        if (settled && !carries(v.state) && !why[0])
            check_no_route_over(g, t);
    }
    if (g->core && settled && !why[0])
        check_fib(g);
    if (g->core && settled && !why[0])
        check_orphans(g);
    if (g->core && settled && !why[0] && !g->kernel.fail_type)
        check_audit(g);
    if (g->core && settled && !why[0])
        bgp_rib_walk(core_bgp(g->core), BGP_VIEW_BEST, UINT32_MAX, best_is_installed, (void *)g);
    return why;
}
