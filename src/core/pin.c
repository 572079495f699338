/* A way of its own for each probe whose failure moves routes: a rule "to TO oif IF lookup T" and in
 * that table one route over the interface. What the probe shows is that interface's, wherever the
 * routes go meanwhile: a socket bound to it finds nothing in a next-hop group of another device and
 * isn't led on to a worse metric, but to shorter prefixes (seen with Linux 6.18).
 *
 * The route is a FIB entry as any; the rule has at most one request in flight, and its answer is
 * held against the wish again. A rule stays while its link is down: it names the interface. */
#include "core/internal.h"

#include <errno.h>
#include <stdio.h>

#define RETRY_FIRST_US KD_MS(200)
#define RETRY_LAST_US  KD_S(30)

static const struct nl_rule no_rule;

bool core_rule_eq(const struct nl_rule *a, const struct nl_rule *b)
{
    return a->table == b->table && a->priority == b->priority && a->protocol == b->protocol &&
           kd_prefix_eq(&a->dst, &b->dst) && strncmp(a->oif, b->oif, sizeof(a->oif)) == 0;
}

/* ---- where to ---- */

static bool moves_routes(const struct core *c, const struct core_health_config *f)
{
    return f->then & (CORE_THEN_LOCAL_PREF | CORE_THEN_SHUTDOWN) && !c->cfg.no_install &&
           !c->stopping;
}

/* A neighbor on the link that can forward to the probe's destination. */
static const struct core_peer *router(const struct core *c, const struct core_peer *p,
                                      const struct core_health_config *f, uint32_t oif)
{
    return p && p->cfg.remote.family == f->to.addr.family &&
                   core_link_towards(c, &p->cfg.remote, NULL) == oif
               ? p
               : NULL;
}

/* The neighbor that via names, one that the probe steers, any: the first that is on the link. */
static const struct core_peer *first_router(const struct core *c,
                                            const struct core_health_config *f, uint32_t oif)
{
    const struct core_peer *p = router(c, core_peer(c, f->peer), f, oif);

    for (uint32_t i = 0; !p && i < f->n_neighbors; i++)
        p = router(c, core_peer(c, f->neighbor[i]), f, oif);
    for (const struct core_peer *any = c->peers; !p && any; any = any->hh.next)
        p = router(c, any, f, oif);
    return p;
}

/* Its interface is up, but who could forward to it isn't there: it goes where the routes do, and
 * what it moves may be its own way. */
static void say_lost(struct core *c, uint32_t i, const struct core_link *l)
{
    const struct core_health_config *f = &c->cfg.health[i];
    struct core_event_record r = core_record(c, CORE_NOTE_HEALTH_WAY, CORE_NO_TUNNEL, CORE_NO_PEER);
    char text[192], to[KD_ADDR_STR_MAX];

    if (c->pins[i].lost)
        return;
    c->pins[i].lost = true;
    snprintf(
        text, sizeof(text),
        "no neighbor with an IPv%u address on %s: the probe of %s has no way of its own and goes "
        "where the routes do",
        f->to.addr.family, l->name, kd_addr_str(&f->to.addr, to));
    r.health = i;
    r.text = kd_bytes_str(text);
    core_say(c, &r);
}

static struct nl_hop hop_over_link(struct core *c, uint32_t i)
{
    const struct core_health_config *f = &c->cfg.health[i];
    const struct core_peer *p = core_peer(c, f->peer);
    uint32_t oif = f->ifname[0] ? core_link_named(c, f->ifname)
                   : p          ? core_link_towards(c, &p->cfg.remote, NULL)
                                : 0;
    const struct core_link *l = core_link(c, oif);

    if (!l || !l->up)
        return (struct nl_hop){.oif = 0};
    if (core_link_towards(c, &f->to.addr, NULL) == oif)
        return (struct nl_hop){.oif = oif};
    p = first_router(c, f, oif);
    if (!p)
        say_lost(c, i, l);
    return p ? (struct nl_hop){p->cfg.remote, oif} : (struct nl_hop){.oif = 0};
}

static struct nl_hop hop_into_tunnel(const struct core *c, const struct core_tunnel *t)
{
    const struct core_link *l = core_link(c, t->ifindex);

    return (struct nl_hop){.oif = t->device_ready && l && l->up ? t->ifindex : 0};
}

static struct nl_hop hop_of(struct core *c, uint32_t i)
{
    const struct core_health_config *f = &c->cfg.health[i];
    const struct core_tunnel *t = f->tunnel < c->cfg.n_tunnels ? &c->tunnels[f->tunnel] : NULL;

    if (!moves_routes(c, f))
        return (struct nl_hop){.oif = 0};
    return t ? hop_into_tunnel(c, t) : hop_over_link(c, i);
}

/* ---- wishes ---- */

static void want_rule(struct core *c, uint32_t i, uint32_t oif)
{
    const struct core_health_config *f = &c->cfg.health[i];
    const struct core_link *l = core_link(c, oif);
    struct nl_rule r = {.dst = kd_prefix_host(&f->to.addr),
                        .table = CORE_TABLE_PIN + i,
                        .priority = CORE_RULE_PRIORITY,
                        .protocol = NL_PROTO_KEDGE};

    if (l) {
        memcpy(r.oif, l->name, sizeof(r.oif));
        c->pins[i].want = r;
    }
}

static void consider(struct core *c, uint32_t i)
{
    struct core_pin *p = &c->pins[i];
    struct kd_prefix to = kd_prefix_host(&c->cfg.health[i].to.addr);
    struct nl_hop hop = hop_of(c, i);

    p->lost &= !hop.oif;
    if (hop.oif)
        want_rule(c, i, hop.oif);
    else if (!moves_routes(c, &c->cfg.health[i]))
        p->want = no_rule;
    if (hop.oif == p->hop.oif && kd_addr_eq(&hop.gateway, &p->hop.gateway))
        return;
    p->hop = hop;
    if (hop.oif)
        core_fib_want_hop(c, CORE_TABLE_PIN + i, &to, CORE_METRIC_HOST, &hop);
    else
        core_fib_want_none(c, CORE_TABLE_PIN + i, &to, CORE_METRIC_HOST);
}

void core_pins(struct core *c)
{
    if (c->sync != CORE_SYNC_DONE)
        return;
    for (uint32_t i = 0; i < c->cfg.n_health; i++)
        consider(c, i);
    c->pins_dirty = true;
}

void core_pin_adopt(struct core *c, const struct nl_rule *r)
{
    if (r->table - CORE_TABLE_PIN < CORE_HEALTH_MAX)
        c->pins[r->table - CORE_TABLE_PIN].have = *r;
}

/* ---- requests ---- */

static void send(struct core *c, uint32_t i, const struct nl_rule *r, bool add)
{
    struct core_pin *p = &c->pins[i];
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_RULE, .id = i};

    p->busy = true;
    p->fly = add ? *r : no_rule;
    kd_assert(nl_put_rule(&b, core_op_begin(c, &op), r, add));
    core_op_send(c, &b);
}

static void flush(struct core *c, uint32_t i)
{
    struct core_pin *p = &c->pins[i];

    if (p->busy || p->retry_at_us)
        return; /* the answer, or the retry, comes back here */
    if (p->have.table && !core_rule_eq(&p->have, &p->want))
        send(c, i, &p->have, false);
    else if (p->want.table && (!p->have.table || p->unsure))
        send(c, i, &p->want, true);
}

void core_pins_flush(struct core *c)
{
    uint32_t i = 0;

    if (!core_pins_pending(c))
        return;
    while (i < CORE_HEALTH_MAX && core_room(c))
        flush(c, i++);
    c->pins_dirty = i < CORE_HEALTH_MAX;
}

bool core_pins_pending(const struct core *c)
{
    return c->pins_dirty && c->sync == CORE_SYNC_DONE;
}

bool core_pins_gone(const struct core *c)
{
    for (uint32_t i = 0; i < CORE_HEALTH_MAX; i++)
        if (c->pins[i].busy || c->pins[i].have.table)
            return false;
    return true;
}

/* ---- answers ---- */

static void refused(struct core *c, uint32_t i, int error, const char *text)
{
    struct core_pin *p = &c->pins[i];
    const struct nl_rule *r = p->fly.table ? &p->fly : &p->have;
    char to[KD_PREFIX_STR_MAX], line[320];

    snprintf(line, sizeof(line), "rule to %s oif %s lookup %u %srefused: %s (errno %d)",
             kd_prefix_str(&r->dst, to), r->oif, r->table,
             p->fly.table ? "" : "remains: ", text[0] ? text : "no text", error);
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_KERNEL_REFUSED,
                  line);
    p->retry_at_us = c->now_us + KD_MIN(RETRY_FIRST_US << KD_MIN(p->tries, 10), RETRY_LAST_US);
    p->tries += p->tries < UINT8_MAX;
    c->fib_retry_us = KD_MIN(c->fib_retry_us, p->retry_at_us);
}

void core_pin_result(struct core *c, uint32_t i, int error, const char *text)
{
    struct core_pin *p = &c->pins[i];
    bool added = p->fly.table != 0;

    if (!p->busy)
        return;
    p->busy = false;
    p->unsure = error && error != (added ? EEXIST : ENOENT);
    if (p->unsure)
        refused(c, i, error, text);
    else
        p->tries = 0;
    if (added || !p->unsure)
        p->have = p->fly; /* refused, but perhaps only its answer was lost */
    c->pins_dirty = true;
}

void core_pins_retry(struct core *c)
{
    for (uint32_t i = 0; i < CORE_HEALTH_MAX; i++) {
        struct core_pin *p = &c->pins[i];
        if (!p->retry_at_us)
            continue;
        if (p->retry_at_us <= c->now_us) {
            p->retry_at_us = 0;
            c->pins_dirty = true;
        } else {
            c->fib_retry_us = KD_MIN(c->fib_retry_us, p->retry_at_us);
        }
    }
}

void core_pins_lost_all(struct core *c)
{
    for (uint32_t i = 0; i < CORE_HEALTH_MAX; i++) {
        struct core_pin *p = &c->pins[i];
        if (p->busy && p->fly.table)
            p->have = p->fly;
        p->busy = false;
        p->unsure = p->have.table != 0;
    }
    c->pins_dirty = true;
}
