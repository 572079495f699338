/* The audit's view of next-hop objects, groups of them, and rules. */
#include "core/auditing.h"

#include <stdio.h>

/* A message about it waits for its answer, or groups are being looked through anew. */
static bool busy(const struct core *c, uint32_t id)
{
    return c->audit.behind || c->sync != CORE_SYNC_DONE || c->groups_stale || c->groups_lost ||
           c->groups_idle || c->adopted.objects || core_op_asked(c, CORE_OP_GROUP, id) ||
           core_op_asked(c, CORE_OP_GROUP_DEL, id) || core_op_asked(c, CORE_OP_NH, id) ||
           core_op_asked(c, CORE_OP_NH_DEL, id) || core_op_asked(c, CORE_OP_PURGE, id);
}

void core_audit_nh_begin(struct core *c)
{
    for (struct core_nh *nh = c->nhs; nh; nh = nh->hh.next)
        nh->audited = false;
    for (struct core_group *g = c->groups; g; g = g->hh.next)
        g->audited = false;
    for (uint32_t i = 0; i < CORE_HEALTH_MAX; i++)
        c->pins[i].audited = false;
}

/* ---- next-hop objects ---- */

static struct core_nh *nh_of(const struct core *c, uint32_t id)
{
    struct core_nh *nh = c->nhs;

    while (nh && nh->id != id)
        nh = nh->hh.next;
    return nh;
}

static struct core_group *group_of(const struct core *c, uint32_t id)
{
    struct core_group *g = c->groups;

    while (g && g->id != id)
        g = g->hh.next;
    return g;
}

static void nh_text(const struct core *c, char *buf, size_t cap, const struct kd_addr *gateway,
                    uint32_t oif, uint8_t family)
{
    char gw[KD_ADDR_STR_MAX];

    if (gateway->family)
        snprintf(buf, cap, "via %s dev %s onlink", kd_addr_str(gateway, gw),
                 core_audit_dev(c, oif));
    else
        snprintf(buf, cap, "%sdev %s", family == 6 ? "-6 " : "", core_audit_dev(c, oif));
}

static void group_text(char *buf, size_t cap, const uint32_t *ids, uint32_t n)
{
    size_t len = (size_t)snprintf(buf, cap, "group ");

    for (uint32_t i = 0; i < n && len < cap; i++)
        len += (size_t)snprintf(buf + len, cap - len, "%s%u", i ? "/" : "", ids[i]);
}

static void object_finding(const struct core *c, struct core_audit *a, enum core_audit_kind kind,
                           uint32_t id, const char *detail, const char *remedy)
{
    struct core_finding f = {.what = CORE_AUDIT_NEXTHOP,
                             .kind = busy(c, id) ? CORE_AUDIT_BUSY : kind,
                             .tunnel = CORE_NO_TUNNEL};

    snprintf(f.where, sizeof(f.where), "id %u", id);
    core_audit_say(&f, "%s", detail);
    core_audit_mend(&f, "ip nexthop %s", remedy);
    core_audit_add(a, &f);
}

static void object_differs(const struct core *c, struct core_audit *a, const struct nl_nexthop *n,
                           const char *wanted)
{
    char found[160], detail[192], remedy[192];

    if (n->n_group)
        group_text(found, sizeof(found), n->group, n->n_group);
    else
        nh_text(c, found, sizeof(found), &n->gateway, n->oif, n->family);
    snprintf(detail, sizeof(detail), "it is %.80s, wanted: %.80s", found, wanted);
    snprintf(remedy, sizeof(remedy), "replace id %u %s proto %u", n->id, wanted, NL_PROTO_KEDGE);
    object_finding(c, a, CORE_AUDIT_DIFFERENT, n->id, detail, remedy);
}

static bool same_group(const struct core_group *g, const struct nl_nexthop *n)
{
    bool same = g->n_active == n->n_group;

    for (uint32_t i = 0; same && i < n->n_group; i++)
        same = g->active[i] == n->group[i];
    return same;
}

/* False: it isn't wanted. */
static bool see_group(const struct core *c, struct core_audit *a, const struct nl_nexthop *n)
{
    struct core_group *g = group_of(c, n->id);
    char wanted[160];

    if (!g || !g->installed)
        return false;
    g->audited = true;
    group_text(wanted, sizeof(wanted), g->active, g->n_active);
    if (!same_group(g, n))
        object_differs(c, a, n, wanted);
    return true;
}

static bool see_single(const struct core *c, struct core_audit *a, const struct nl_nexthop *n)
{
    struct core_nh *nh = nh_of(c, n->id);
    char wanted[160];

    if (!nh || !nh->installed)
        return false;
    nh->audited = true;
    nh_text(c, wanted, sizeof(wanted), &nh->key.gateway, nh->key.oif, nh->key.family);
    if (n->n_group || nh->key.oif != n->oif || !kd_addr_eq(&nh->key.gateway, &n->gateway))
        object_differs(c, a, n, wanted);
    return true;
}

void core_audit_nexthop(struct core *c, struct core_audit *a, const struct nl_nexthop *n)
{
    char remedy[64];

    if (n->protocol != NL_PROTO_KEDGE || see_group(c, a, n) || see_single(c, a, n))
        return;
    a->looked[CORE_AUDIT_NEXTHOP]++;
    snprintf(remedy, sizeof(remedy), "delete id %u", n->id);
    object_finding(c, a, CORE_AUDIT_EXTRA, n->id,
                   "it carries kedge's protocol number, and no route of ours needs it", remedy);
}

static void object_missing(const struct core *c, struct core_audit *a, uint32_t id,
                           const char *wanted)
{
    char detail[192], remedy[192];

    snprintf(detail, sizeof(detail), "wanted: %.150s; it was there, and is gone", wanted);
    snprintf(remedy, sizeof(remedy), "add id %u %s proto %u", id, wanted, NL_PROTO_KEDGE);
    object_finding(c, a, CORE_AUDIT_MISSING, id, detail, remedy);
}

static void end_objects(const struct core *c, struct core_audit *a)
{
    char wanted[160];

    for (const struct core_nh *nh = c->nhs; nh; nh = nh->hh.next) {
        a->looked[CORE_AUDIT_NEXTHOP] += nh->installed;
        nh_text(c, wanted, sizeof(wanted), &nh->key.gateway, nh->key.oif, nh->key.family);
        if (nh->installed && !nh->audited)
            object_missing(c, a, nh->id, wanted);
    }
    for (const struct core_group *g = c->groups; g; g = g->hh.next) {
        a->looked[CORE_AUDIT_NEXTHOP] += g->installed;
        group_text(wanted, sizeof(wanted), g->active, g->n_active);
        if (g->installed && !g->audited)
            object_missing(c, a, g->id, wanted);
    }
}

/* ---- rules ---- */

static void rule_finding(const struct core *c, struct core_audit *a, enum core_audit_kind kind,
                         const struct nl_rule *r, const char *detail, const char *verb)
{
    const struct core_pin *p =
        r->table - CORE_TABLE_PIN < CORE_HEALTH_MAX ? &c->pins[r->table - CORE_TABLE_PIN] : NULL;
    bool busy_now = c->sync != CORE_SYNC_DONE || (p && (p->busy || c->pins_dirty));
    struct core_finding f = {.what = CORE_AUDIT_RULE,
                             .kind = busy_now ? CORE_AUDIT_BUSY : kind,
                             .tunnel = CORE_NO_TUNNEL};
    char to[KD_PREFIX_STR_MAX];

    snprintf(f.where, sizeof(f.where), "priority %u to %s oif %s lookup %u", r->priority,
             kd_prefix_str(&r->dst, to), r->oif, r->table);
    core_audit_say(&f, "%s", detail);
    core_audit_mend(&f, "ip %srule %s %s protocol %u", r->dst.addr.family == 6 ? "-6 " : "", verb,
                    f.where, NL_PROTO_KEDGE);
    core_audit_add(a, &f);
}

void core_audit_rule(struct core *c, struct core_audit *a, const struct nl_rule *r)
{
    struct core_pin *p;

    if (r->protocol != NL_PROTO_KEDGE)
        return;
    p = r->table - CORE_TABLE_PIN < CORE_HEALTH_MAX ? &c->pins[r->table - CORE_TABLE_PIN] : NULL;
    if (p && p->have.table && core_rule_eq(&p->have, r)) {
        p->audited = true;
        return;
    }
    a->looked[CORE_AUDIT_RULE]++;
    rule_finding(c, a, CORE_AUDIT_EXTRA, r,
                 "it carries kedge's protocol number, and no probe of "
                 "ours needs it",
                 "delete");
}

static void end_rules(const struct core *c, struct core_audit *a)
{
    for (uint32_t i = 0; i < CORE_HEALTH_MAX; i++) {
        const struct core_pin *p = &c->pins[i];

        a->looked[CORE_AUDIT_RULE] += p->want.table != 0;
        if (p->want.table && !core_rule_eq(&p->want, &p->have))
            rule_finding(c, a, CORE_AUDIT_MISSING, &p->want,
                         "the kernel refused it: asked again "
                         "soon",
                         "add");
        else if (p->have.table && !p->audited)
            rule_finding(c, a, CORE_AUDIT_MISSING, &p->have,
                         p->unsure ? "the kernel refused it: asked again soon"
                                   : "it was there, and is gone",
                         "add");
    }
}

void core_audit_nh_end(const struct core *c, struct core_audit *a)
{
    end_objects(c, a);
    end_rules(c, a);
}
