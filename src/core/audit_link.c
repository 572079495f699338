/* The audit's view of tunnels' interfaces and addresses: each as core/device.c asked for it, and no
 * other with our alias or if_id. */
#include "core/auditing.h"
#include "core/tunnel.h"

#include <stdio.h>

static struct core_finding finding(const struct core *c, enum core_audit_what what,
                                   const struct core_tunnel *t)
{
    struct core_finding f = {.what = what, .tunnel = CORE_NO_TUNNEL};

    if (t) {
        f.tunnel = core_tunnel_id(c, t);
        snprintf(f.where, sizeof(f.where), "%s", t->cfg.ifname);
    }
    return f;
}

/* Its answer isn't there yet, or its news. */
static bool asked(const struct core *c, const struct core_tunnel *t)
{
    const struct core_link *l = core_link(c, t->ifindex);

    return !l || core_op_asked(c, CORE_OP_LINK, core_tunnel_id(c, t)) ||
           core_op_asked(c, CORE_OP_ADDR, core_tunnel_id(c, t));
}

static struct core_tunnel *by_ifindex(const struct core *c, uint32_t ifindex)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (ifindex && c->tunnels[i].ifindex == ifindex)
            return &c->tunnels[i];
    return NULL;
}

void core_audit_links_begin(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        c->tunnels[i].audited = c->tunnels[i].audited_addr = false;
}

/* ---- interfaces ---- */

static void differs(const struct core *c, struct core_audit *a, const struct core_tunnel *t,
                    const char *detail, const char *remedy)
{
    struct core_finding f = finding(c, CORE_AUDIT_INTERFACE, t);

    f.kind = asked(c, t) ? CORE_AUDIT_BUSY : CORE_AUDIT_DIFFERENT;
    core_audit_say(&f, "%s", detail);
    core_audit_mend(&f, "%s", remedy);
    core_audit_add(a, &f);
}

static void compare(const struct core *c, struct core_audit *a, const struct core_tunnel *t,
                    const struct nl_link_info *l)
{
    char alias[NL_ALIAS_MAX], detail[160], remedy[128];
    const char *name = t->cfg.ifname;
    uint32_t if_id = NL_ID_KEDGE + 1 + core_tunnel_id(c, t);

    snprintf(alias, sizeof(alias), "kedge:%s", t->cfg.ike.name);
    if (!l->up) {
        snprintf(remedy, sizeof(remedy), "ip link set %s up", name);
        differs(c, a, t, "it is down", remedy);
    }
    if (l->mtu != t->mtu) {
        snprintf(detail, sizeof(detail), "its MTU is %u, wanted: %u", l->mtu, t->mtu);
        snprintf(remedy, sizeof(remedy), "ip link set %s mtu %u", name, t->mtu);
        differs(c, a, t, detail, remedy);
    }
    if (strcmp(l->alias, alias) != 0) {
        snprintf(detail, sizeof(detail), "its alias is \"%s\", wanted: \"%s\"", l->alias, alias);
        snprintf(remedy, sizeof(remedy), "ip link set %s alias %s", name, alias);
        differs(c, a, t, detail, remedy);
    }
    if (strncmp(l->name, name, sizeof(l->name)) != 0) {
        snprintf(detail, sizeof(detail), "it is called %s", l->name);
        snprintf(remedy, sizeof(remedy), "ip link set %s name %s", l->name, name);
        differs(c, a, t, detail, remedy);
    }
    if (l->xfrm && l->if_id != if_id) {
        snprintf(detail, sizeof(detail), "its if_id is 0x%x, wanted: 0x%x", l->if_id, if_id);
        differs(c, a, t, detail, "systemctl restart kedged");
    }
}

static bool tagged(const struct nl_link_info *l)
{
    return strncmp(l->alias, "kedge:", 6) == 0 || (l->xfrm && l->if_id - NL_ID_KEDGE <= UINT16_MAX);
}

void core_audit_link(struct core *c, struct core_audit *a, const struct nl_link_info *l)
{
    struct core_tunnel *t = by_ifindex(c, l->ifindex);
    const struct core_link *known = core_link(c, l->ifindex);
    struct core_finding f = finding(c, CORE_AUDIT_INTERFACE, NULL);

    c->audit.behind |= !known || known->up != (l->up && l->carrier);
    if (t) {
        t->audited = true;
        compare(c, a, t, l);
        return;
    }
    if (!tagged(l))
        return;
    a->looked[CORE_AUDIT_INTERFACE]++;
    f.kind = CORE_AUDIT_EXTRA;
    snprintf(f.where, sizeof(f.where), "%s", l->name);
    if (l->xfrm)
        core_audit_say(&f, "if_id 0x%x is of kedge's range, no tunnel has it", l->if_id);
    else
        core_audit_say(&f, "alias \"%s\", no tunnel has it", l->alias);
    core_audit_mend(&f, "ip link delete %s", l->name);
    core_audit_add(a, &f);
}

static void missing_link(const struct core *c, struct core_audit *a, const struct core_tunnel *t)
{
    struct core_finding f = finding(c, CORE_AUDIT_INTERFACE, t);

    f.kind = CORE_AUDIT_MISSING;
    core_audit_mend(&f, "systemctl restart kedged");
    if (t->device_ready || t->ifindex) {
        core_audit_say(&f, "it was made, and is gone");
    } else if (t->device_at_us != KD_NEVER) {
        core_audit_say(&f, "it can't be made; asked for again");
        core_audit_mend(&f, "kedge events says why");
    } else {
        f.kind = CORE_AUDIT_BUSY;
        core_audit_say(&f, "being made");
    }
    core_audit_add(a, &f);
}

/* ---- addresses ---- */

static bool is_inner(const struct core_tunnel *t, const struct nl_addr_set *s)
{
    const struct kd_addr *local = s->local.family ? &s->local : &s->prefix.addr;

    return t->cfg.inner.family && kd_addr_eq(local, &t->cfg.inner);
}

void core_audit_addr(struct core *c, struct core_audit *a, const struct nl_addr_set *s)
{
    struct core_tunnel *t = by_ifindex(c, s->ifindex);
    struct core_finding f = finding(c, CORE_AUDIT_ADDRESS, t);
    char text[KD_PREFIX_STR_MAX];

    if (t && is_inner(t, s)) {
        t->audited_addr = true;
        return;
    }
    if (s->protocol != NL_PROTO_KEDGE)
        return;
    a->looked[CORE_AUDIT_ADDRESS]++;
    f.kind = CORE_AUDIT_EXTRA;
    snprintf(f.where, sizeof(f.where), "%s dev %s", kd_prefix_str(&s->prefix, text),
             core_audit_dev(c, s->ifindex));
    core_audit_say(&f, "it carries kedge's protocol number, and no tunnel has it");
    core_audit_mend(&f, "ip address delete %s", f.where);
    core_audit_add(a, &f);
}

static void missing_addr(const struct core *c, struct core_audit *a, const struct core_tunnel *t)
{
    struct core_finding f = finding(c, CORE_AUDIT_ADDRESS, t);
    struct kd_prefix host = kd_prefix_host(&t->cfg.inner);
    char text[KD_PREFIX_STR_MAX];

    f.kind = !t->device_ready || asked(c, t) ? CORE_AUDIT_BUSY : CORE_AUDIT_MISSING;
    snprintf(f.where, sizeof(f.where), "%s dev %s", kd_prefix_str(&host, text), t->cfg.ifname);
    core_audit_say(&f, "the tunnel's inner address");
    core_audit_mend(&f, "ip address add %s", f.where);
    core_audit_add(a, &f);
}

void core_audit_links_end(const struct core *c, struct core_audit *a)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        const struct core_tunnel *t = &c->tunnels[i];

        a->looked[CORE_AUDIT_INTERFACE]++;
        if (!t->audited)
            missing_link(c, a, t);
        if (!t->cfg.inner.family)
            continue;
        a->looked[CORE_AUDIT_ADDRESS]++;
        if (t->audited && !t->audited_addr)
            missing_addr(c, a, t);
    }
}
