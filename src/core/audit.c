/* The audit's pairs of SAs: IKE's, the core's, the data plane's; and what a dump's object is handed
 * to. The routing objects are in audit_link.c, audit_fib.c and audit_nh.c, the kernel's SAs and
 * policies with whoever makes them. */
#include "core/audit.h"

#include "core/auditing.h"
#include "core/tunnel.h"

#include <stdio.h>

#define SWEEP_MAX 2048 /* entries a step: half a millisecond */

const char *core_audit_dev(const struct core *c, uint32_t ifindex)
{
    const struct core_link *l = core_link(c, ifindex);

    return l ? l->name : "?";
}

/* ---- pairs ---- */

static void pair_finding(const struct core *c, struct core_audit *a, enum core_audit_kind kind,
                         uint32_t tunnel, const struct core_audit_pair *p, const char *detail)
{
    struct core_finding f = {.kind = kind, .what = CORE_AUDIT_SA, .tunnel = tunnel};
    const char *name = c->tunnels[tunnel].cfg.ike.name;

    snprintf(f.where, sizeof(f.where), "%s spi 0x%08x in, 0x%08x out", name, p->spi_in, p->spi_out);
    snprintf(f.detail, sizeof(f.detail), "%s", detail);
    snprintf(f.remedy, sizeof(f.remedy), "kedge reset %s", name);
    core_audit_add(a, &f);
}

static const struct core_audit_pair *pair_of(const struct core_audit_pair *have, uint32_t n,
                                             uint32_t tunnel, struct kd_handle child)
{
    for (uint32_t i = 0; i < n; i++)
        if (have[i].tunnel == tunnel && kd_handle_eq(have[i].child, child))
            return &have[i];
    return NULL;
}

/* The core's account against the data plane's. */
static void check_child(const struct core *c, struct core_audit *a, uint32_t tunnel,
                        const struct core_child *k, const struct core_audit_pair *have, uint32_t n)
{
    const struct core_audit_pair own = {tunnel, k->h, k->spi_in, k->spi_out};
    const struct core_audit_pair *p = pair_of(have, n, tunnel, k->h);

    a->looked[CORE_AUDIT_SA]++;
    if (!p)
        pair_finding(c, a, k->up ? CORE_AUDIT_MISSING : CORE_AUDIT_BUSY, tunnel, &own,
                     k->up ? "IKE has it, the data plane doesn't" : "being installed");
    else if (p->spi_in != k->spi_in || p->spi_out != k->spi_out)
        pair_finding(c, a, CORE_AUDIT_DIFFERENT, tunnel, &own, "the data plane has other SPIs");
}

/* IKE's account against the core's: one that is installed is known here. */
static void check_view(struct core *c, struct core_audit *a, uint32_t tunnel)
{
    struct core_tunnel *t = &c->tunnels[tunnel];
    struct ike_view v;

    if (!ike_conn_view(c->ike, tunnel, &v))
        return;
    for (uint32_t i = 0; i < v.n_children; i++) {
        const struct ike_child_view *k = &v.children[i];
        const struct core_audit_pair own = {tunnel, k->child, k->spi_in, k->spi_out};

        if (k->installed && !core_child_of(t, k->child))
            pair_finding(c, a, CORE_AUDIT_MISSING, tunnel, &own, "IKE has it, the core doesn't");
    }
}

void core_audit_pairs(struct core *c, struct core_audit *a, const struct core_audit_pair *have,
                      uint32_t n)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        for (uint32_t k = 0; k < c->tunnels[i].n_child; k++)
            check_child(c, a, i, &c->tunnels[i].child[k], have, n);
        check_view(c, a, i);
    }
    for (uint32_t i = 0; i < n; i++)
        if (have[i].tunnel < c->cfg.n_tunnels && !ike_has_child(c->ike, have[i].child) &&
            !core_child_of(&c->tunnels[have[i].tunnel], have[i].child))
            pair_finding(c, a, CORE_AUDIT_EXTRA, have[i].tunnel, &have[i],
                         "the data plane has it, IKE doesn't");
}

/* ---- all of it ---- */

void core_audit_begin(struct core *c, struct core_audit *a)
{
    memset(a, 0, sizeof(*a));
    core_audit_fib_begin(c);
    core_audit_links_begin(c);
}

void core_audit_see(struct core *c, struct core_audit *a, const struct nl_event *ev)
{
    if (ev->is_del)
        return;
    switch (ev->kind) {
    case NL_LINK:
        core_audit_link(c, a, &ev->link);
        break;
    case NL_ADDR:
        core_audit_addr(c, a, &ev->addr);
        break;
    case NL_ROUTE:
        core_audit_route(c, a, &ev->route);
        break;
    case NL_NEXTHOP:
        core_audit_nexthop(c, a, &ev->nexthop);
        break;
    case NL_RULE:
        core_audit_rule(c, a, &ev->rule);
        break;
    default:
        break;
    }
}

void core_audit_end(struct core *c, struct core_audit *a)
{
    core_audit_links_end(c, a);
    core_audit_nh_end(c, a);
}

bool core_audit_sweep(struct core *c, struct core_audit *a)
{
    return core_audit_fib_sweep(c, a, SWEEP_MAX);
}
