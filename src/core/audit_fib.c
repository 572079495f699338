/* The audit's view of routes: what is wanted against what was acknowledged, and that against the
 * kernel's (DESIGN 3.7, 3.9). A refused route is asked for again later: until then it differs.
 *
 * A look takes many steps. A route that was changed since it began may have been in the dump as it
 * was before, or not at all: the kernel's answer to that change stands for it. */
#include "core/auditing.h"

#include <stdio.h>

/* "10.2.0.0/16 metric 20", with its table when that isn't main. */
static void place(char *buf, size_t cap, const struct core_fib_key *k)
{
    char prefix[KD_PREFIX_STR_MAX], table[24] = "";

    if (k->table != CORE_TABLE_MAIN)
        snprintf(table, sizeof(table), " table %u", k->table);
    snprintf(buf, cap, "%s%s metric %u", kd_prefix_str(&k->prefix, prefix), table, k->metric);
}

/* What follows the place in iproute2's words. */
static void way(const struct core *c, char *buf, size_t cap, enum core_fib_kind kind, uint32_t id,
                const struct kd_addr *gateway)
{
    char gw[KD_ADDR_STR_MAX];

    if (kind == CORE_FIB_GROUP)
        snprintf(buf, cap, "nhid %u", id);
    else if (kind == CORE_FIB_DEVICE && gateway->family)
        snprintf(buf, cap, "via %s dev %s", kd_addr_str(gateway, gw), core_audit_dev(c, id));
    else if (kind == CORE_FIB_DEVICE)
        snprintf(buf, cap, "dev %s", core_audit_dev(c, id));
    else
        snprintf(buf, cap, "%s", kind == CORE_FIB_UNREACHABLE ? "unreachable" : "nothing");
}

static void way_of_state(const struct core *c, char *buf, size_t cap,
                         const struct core_fib_state *s)
{
    way(c, buf, cap, s->kind, s->id, &s->gateway);
}

static enum core_fib_kind kind_of(const struct nl_route *r)
{
    return r->type != NL_ROUTE_UNICAST ? CORE_FIB_UNREACHABLE
           : r->nh_id                  ? CORE_FIB_GROUP
                                       : CORE_FIB_DEVICE;
}

static bool is_state(const struct nl_route *r, const struct core_fib_state *s)
{
    if (kind_of(r) != s->kind)
        return false;
    if (s->kind == CORE_FIB_GROUP)
        return r->nh_id == s->id;
    return s->kind == CORE_FIB_UNREACHABLE ||
           (r->oif == s->id && kd_addr_eq(&r->gateway, &s->gateway));
}

/* Its source, where core/fib.c sets one: of a neighbor's host route. */
static bool source_is(const struct core *c, const struct core_fib_entry *e,
                      const struct nl_route *r)
{
    const struct kd_addr *inner =
        e->tunnel != CORE_NO_TUNNEL ? &c->tunnels[e->tunnel].cfg.inner : NULL;

    return e->have.kind != CORE_FIB_DEVICE || !inner || inner->family != r->dst.addr.family ||
           kd_addr_eq(inner, &r->prefsrc);
}

static bool busy(const struct core *c, const struct core_fib_entry *e)
{
    return c->audit.behind || e->busy || e->queued || e->adopted || c->sync != CORE_SYNC_DONE ||
           core_fib_flushed(&e->have);
}

static bool moved(const struct core *c, const struct core_fib_entry *e)
{
    return e->moved_look == c->audit.look;
}

static struct core_finding finding(const struct core_fib_key *k, enum core_audit_kind kind,
                                   uint32_t tunnel)
{
    struct core_finding f = {.what = CORE_AUDIT_ROUTE, .kind = kind, .tunnel = tunnel};

    place(f.where, sizeof(f.where), k);
    return f;
}

static void put_back(struct core_finding *f, const char *verb, enum core_fib_kind kind,
                     const char *to, const char *src)
{
    const bool unreachable = kind == CORE_FIB_UNREACHABLE;

    core_audit_mend(f, "ip route %s %s%s %s%s proto %u", verb, unreachable ? "unreachable " : "",
                    f->where, unreachable ? "" : to, src, NL_PROTO_KEDGE);
}

/* ---- the kernel's ---- */

static void extra(const struct core *c, struct core_audit *a, const struct core_fib_key *k,
                  const struct nl_route *r, enum core_audit_kind kind)
{
    struct core_finding f = finding(k, kind, CORE_NO_TUNNEL);
    char found[96];

    way(c, found, sizeof(found), kind_of(r), r->nh_id ? r->nh_id : r->oif, &r->gateway);
    core_audit_say(&f, "%s: it carries kedge's protocol number, and isn't wanted", found);
    core_audit_mend(&f, "ip route delete %s proto %u", f.where, NL_PROTO_KEDGE);
    core_audit_add(a, &f);
}

static void differs(const struct core *c, struct core_audit *a, const struct core_fib_entry *e,
                    const struct nl_route *r)
{
    struct core_finding f =
        finding(&e->key, busy(c, e) ? CORE_AUDIT_BUSY : CORE_AUDIT_DIFFERENT, e->tunnel);
    char wanted[96], found[96], src[KD_ADDR_STR_MAX + 8] = "", addr[KD_ADDR_STR_MAX];

    way_of_state(c, wanted, sizeof(wanted), &e->have);
    way(c, found, sizeof(found), kind_of(r), r->nh_id ? r->nh_id : r->oif, &r->gateway);
    if (!source_is(c, e, r))
        snprintf(src, sizeof(src), " src %s", kd_addr_str(&c->tunnels[e->tunnel].cfg.inner, addr));
    core_audit_say(&f, "it is %s, wanted: %s%s", found, wanted, src);
    put_back(&f, "replace", e->have.kind, wanted, src);
    core_audit_add(a, &f);
}

void core_audit_route(struct core *c, struct core_audit *a, const struct nl_route *r)
{
    struct core_fib_entry *e = core_fib_find(c, r->table, &r->dst, r->metric);
    struct core_fib_key k = {r->table ? r->table : CORE_TABLE_MAIN, r->metric, r->dst};

    if (r->protocol != NL_PROTO_KEDGE || r->cloned)
        return;
    if (!e) {
        a->looked[CORE_AUDIT_ROUTE]++;
        extra(c, a, &k, r,
              c->sync != CORE_SYNC_DONE || c->audit.forgot ? CORE_AUDIT_BUSY : CORE_AUDIT_EXTRA);
        return;
    }
    e->seen_look = c->audit.look;
    if (moved(c, e))
        return;
    if (is_state(r, &e->have) && source_is(c, e, r) && !core_fib_flushed(&e->have))
        return;
    if (e->busy && is_state(r, &e->fly))
        return; /* carried out; the answer waits to be read */
    if (e->have.kind == CORE_FIB_NONE)
        extra(c, a, &k, r, busy(c, e) ? CORE_AUDIT_BUSY : CORE_AUDIT_EXTRA);
    else
        differs(c, a, e, r);
}

/* ---- what is wanted ---- */

/* What it should have come to by now: core/fib.c's flush_entry(). */
static struct core_fib_state wish(struct core *c, const struct core_fib_entry *e)
{
    struct core_fib_state s = {.kind = e->want};

    if (s.kind == CORE_FIB_GROUP && !e->group->installed && !core_group_usable(c, e->group))
        s.kind = CORE_FIB_NONE;
    if (s.kind == CORE_FIB_GROUP)
        s.id = e->group->id;
    if (s.kind == CORE_FIB_DEVICE) {
        s.id = e->oif;
        s.gateway = e->gateway;
    }
    return s;
}

static bool met(const struct core_fib_entry *e, const struct core_fib_state *w)
{
    return e->have.kind == w->kind && e->have.id == w->id &&
           kd_addr_eq(&e->have.gateway, &w->gateway);
}

static void missing(const struct core *c, struct core_audit *a, const struct core_fib_entry *e,
                    const struct core_fib_state *wanted, const char *why)
{
    struct core_finding f =
        finding(&e->key, busy(c, e) ? CORE_AUDIT_BUSY : CORE_AUDIT_MISSING, e->tunnel);
    char text[96];

    way_of_state(c, text, sizeof(text), wanted);
    core_audit_say(&f, "wanted: %s; %s", text, why);
    if (e->taken)
        core_audit_mend(&f, "ip route show %s; let that program use another metric", f.where);
    else if (e->retry_at_us > c->now_us)
        core_audit_mend(&f, "kedge events says what the kernel had against it");
    else
        put_back(&f, "add", wanted->kind, text, "");
    core_audit_add(a, &f);
}

static void end_entry(struct core *c, struct core_audit *a, const struct core_fib_entry *e)
{
    struct core_fib_state w = wish(c, e);

    a->looked[CORE_AUDIT_ROUTE] += w.kind != CORE_FIB_NONE;
    if (w.kind != CORE_FIB_NONE && e->taken)
        missing(c, a, e, &w, "another program has a route of this key");
    else if (!met(e, &w) && w.kind != CORE_FIB_NONE && !e->adopted)
        missing(c, a, e, &w, busy(c, e) ? "on its way" : "the kernel refused it: asked again soon");
    else if (e->have.kind != CORE_FIB_NONE && e->seen_look != c->audit.look && !moved(c, e))
        missing(c, a, e, &e->have, "it was there, and is gone");
}

void core_audit_fib_begin(struct core *c)
{
    c->audit = (struct core_auditing){.look = c->audit.look + 1};
    core_audit_nh_begin(c);
}

bool core_audit_fib_sweep(struct core *c, struct core_audit *a, uint32_t max)
{
    if (!c->audit.sweeping)
        c->audit.at = c->fib;
    c->audit.sweeping = true;
    for (const struct core_fib_entry *e; (e = c->audit.at) && max > 0; max--) {
        c->audit.at = e->hh.next;
        end_entry(c, a, e);
    }
    return c->audit.at != NULL;
}
