/* The FIB: what we want in the kernel against what it has acknowledged, one entry a (table, prefix,
 * metric). An entry has at most one request in flight; its answer is compared with the wish again,
 * so any order of wishes, refusals and losses ends in agreement (DESIGN 1, 3.7). */
#include "core/internal.h"

#include <utlist.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_FIRST_US KD_MS(200)
#define RETRY_LAST_US  KD_S(30)

static struct core_fib_key key_of(uint32_t table, const struct kd_prefix *p, uint32_t metric)
{
    struct core_fib_key k;

    memset(&k, 0, sizeof(k)); /* hashed as bytes, padding included */
    k.table = table;
    k.metric = metric;
    k.prefix.addr.family = p->addr.family;
    memcpy(k.prefix.addr.b, p->addr.b, sizeof(k.prefix.addr.b));
    k.prefix.len = p->len;
    return k;
}

static struct core_fib_entry *find(const struct core *c, const struct core_fib_key *k)
{
    struct core_fib_entry *e;

    HASH_FIND(hh, c->fib, k, sizeof(*k), e);
    return e;
}

struct core_fib_entry *core_fib_find(const struct core *c, uint32_t table,
                                     const struct kd_prefix *p, uint32_t metric)
{
    struct core_fib_key k = key_of(table, p, metric);

    return find(c, &k);
}

void core_fib_dirty(struct core *c, struct core_fib_entry *e)
{
    if (e->queued)
        return;
    e->queued = true;
    e->next_dirty = NULL;
    *c->dirty_tail = e;
    c->dirty_tail = &e->next_dirty;
}

static void want(struct core *c, struct core_fib_key k, enum core_fib_kind kind,
                 struct core_group *group, uint32_t oif, uint32_t tunnel)
{
    struct core_fib_entry *e = find(c, &k);

    if (!e && kind == CORE_FIB_NONE)
        return;
    if (!e) {
        e = calloc(1, sizeof(*e));
        kd_assert(e);
        e->key = k;
        HASH_ADD(hh, c->fib, key, sizeof(e->key), e);
    }
    if (group)
        core_group_ref(group);
    if (e->group) {
        DL_DELETE(e->group->entries, e);
        core_group_unref(c, e->group);
    }
    if (group)
        DL_APPEND(group->entries, e);
    e->want = kind;
    e->group = group;
    e->oif = oif;
    e->tunnel = tunnel;
    e->tries = 0;
    e->retry_at_us = 0;
    core_fib_dirty(c, e);
}

void core_fib_want_group(struct core *c, uint32_t table, const struct kd_prefix *p,
                         const struct bgp_pathset *paths)
{
    struct core_group *g = core_group_get(c, paths, p->addr.family);
    uint32_t tunnel = paths->n_best && paths->best[0].iface != BGP_NO_IFACE ? paths->best[0].iface
                                                                            : CORE_NO_TUNNEL;

    want(c, key_of(table, p, CORE_METRIC_BGP), CORE_FIB_GROUP, g, 0, tunnel);
}

void core_fib_want_none(struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t metric)
{
    const struct core_fib_entry *e = core_fib_find(c, table, p, metric);

    want(c, key_of(table, p, metric), CORE_FIB_NONE, NULL, 0, e ? e->tunnel : CORE_NO_TUNNEL);
}

void core_fib_want_device(struct core *c, uint32_t table, const struct kd_prefix *p,
                          uint32_t metric, uint32_t oif, uint32_t tunnel)
{
    want(c, key_of(table, p, metric), CORE_FIB_DEVICE, NULL, oif, tunnel);
}

void core_fib_want_unreachable(struct core *c, uint32_t table, const struct kd_prefix *p,
                               uint32_t metric, uint32_t tunnel)
{
    want(c, key_of(table, p, metric), CORE_FIB_UNREACHABLE, NULL, 0, tunnel);
}

static void say_route(struct core *c, struct core_fib_entry *e, enum core_note note)
{
    struct core_event_record r;

    if (e->key.metric != CORE_METRIC_BGP)
        return; /* host routes and fallbacks are plumbing */
    r = core_record(c, note, e->tunnel, CORE_NO_PEER);
    r.prefix = e->key.prefix;
    if (note == CORE_NOTE_ROUTE_ADD && e->group) {
        const struct bgp_pathset *k = &e->group->key.paths;
        const struct bgp_path_nh *nh = k->n_best ? &k->best[0] : &k->backup[0];
        if (kd_addr_eq(&e->said, &nh->nexthop) && e->said_peer == nh->peer)
            return; /* only its backup changed */
        r.nexthop = e->said = nh->nexthop;
        r.peer = e->said_peer = nh->peer;
    } else {
        e->said.family = 0;
    }
    core_say(c, &r);
}

static void forget_if_done(struct core *c, struct core_fib_entry *e)
{
    if (e->want != CORE_FIB_NONE || e->have != CORE_FIB_NONE || e->busy || e->queued)
        return;
    HASH_DEL(c->fib, e);
    free(e);
}

static void set_have(struct core *c, struct core_fib_entry *e, enum core_fib_kind have, uint32_t id)
{
    bool had = e->have != CORE_FIB_NONE;

    e->have = have;
    e->have_id = id;
    if (had && have == CORE_FIB_NONE)
        say_route(c, e, CORE_NOTE_ROUTE_DEL);
    else if (have != CORE_FIB_NONE && have == CORE_FIB_GROUP)
        say_route(c, e, CORE_NOTE_ROUTE_ADD);
}

static void send(struct core *c, struct core_fib_entry *e, enum core_fib_kind kind, uint32_t id)
{
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_ROUTE, .key = e->key};
    struct nl_route r = {
        .dst = e->key.prefix,
        .table = e->key.table,
        .metric = e->key.metric,
        .protocol = NL_PROTO_KEDGE,
        .type = (kind ? kind : e->have) == CORE_FIB_UNREACHABLE ? NL_ROUTE_UNREACHABLE
                                                                : NL_ROUTE_UNICAST,
        .nh_id = kind == CORE_FIB_GROUP ? id : 0,
        .oif = kind == CORE_FIB_DEVICE ? id : 0,
    };

    if (kind == CORE_FIB_DEVICE && e->tunnel != CORE_NO_TUNNEL &&
        c->tunnels[e->tunnel].cfg.inner.family == e->key.prefix.addr.family)
        r.prefsrc = c->tunnels[e->tunnel].cfg.inner;
    e->busy = true;
    e->fly = kind;
    e->fly_id = id;
    kd_assert(nl_put_route(&b, core_op_begin(c, &op), &r, kind != CORE_FIB_NONE));
    core_op_send(c, &b);
}

static void flush_entry(struct core *c, struct core_fib_entry *e)
{
    enum core_fib_kind kind = e->want;
    uint32_t id = e->oif;

    if (e->busy || e->retry_at_us > c->now_us)
        return; /* the answer, or the retry, comes back here */
    if (kind == CORE_FIB_GROUP) {
        if (core_group_ensure(c, e->group))
            id = e->group->id;
        else
            kind = CORE_FIB_NONE;
    }
    if (kind == CORE_FIB_UNREACHABLE || kind == CORE_FIB_NONE)
        id = 0;
    if (kind != e->have || id != e->have_id) {
        send(c, e, kind, id);
        return;
    }
    if (e->have == CORE_FIB_DEVICE && e->tunnel != CORE_NO_TUNNEL)
        core_tunnel_neighbor_ready(c, e->tunnel);
    forget_if_done(c, e);
}

void core_fib_flush(struct core *c)
{
    if (c->sync != CORE_SYNC_DONE)
        return;
    while (c->dirty_head && core_room(c)) {
        struct core_fib_entry *e = c->dirty_head;
        c->dirty_head = e->next_dirty;
        if (!c->dirty_head)
            c->dirty_tail = &c->dirty_head;
        e->queued = false;
        flush_entry(c, e);
    }
}

bool core_fib_pending(const struct core *c)
{
    return c->dirty_head && c->sync == CORE_SYNC_DONE;
}

static void refused(struct core *c, struct core_fib_entry *e, int error, const char *text)
{
    char prefix[KD_PREFIX_STR_MAX], line[256];
    uint64_t pause = KD_MIN(RETRY_FIRST_US << KD_MIN(e->tries, 10), RETRY_LAST_US);

    snprintf(line, sizeof(line), "route %s refused: %s (errno %d)",
             kd_prefix_str(&e->key.prefix, prefix), text[0] ? text : "no text", error);
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, e->tunnel, CORE_NO_PEER, KD_REASON_KERNEL_REFUSED,
                  line);
    if (e->tries < UINT8_MAX)
        e->tries++;
    e->retry_at_us = c->now_us + pause;
    c->fib_retry_us = KD_MIN(c->fib_retry_us, e->retry_at_us);
}

void core_fib_route_result(struct core *c, const struct core_op *op, int error, const char *text)
{
    struct core_fib_entry *e = find(c, &op->key);

    if (!e || !e->busy)
        return;
    e->busy = false;
    if (error && !(e->fly == CORE_FIB_NONE && (error == ESRCH || error == ENOENT))) {
        refused(c, e, error, text);
        return;
    }
    e->tries = 0;
    set_have(c, e, e->fly, e->fly_id);
    core_fib_dirty(c, e); /* compared with the wish again: an agreement has consequences, too */
}

void core_fib_group_lost(struct core *c, struct core_group *g)
{
    struct core_fib_entry *e;

    DL_FOREACH (g->entries, e) {
        if (e->have == CORE_FIB_GROUP && e->have_id == g->id)
            set_have(c, e, CORE_FIB_NONE, 0);
        core_fib_dirty(c, e);
    }
}

void core_fib_lost_all(struct core *c)
{
    struct core_fib_entry *e, *tmp;

    HASH_ITER (hh, c->fib, e, tmp) {
        e->busy = false;
        e->have = CORE_FIB_NONE;
        e->have_id = UINT32_MAX; /* differs from any wish, so that it is asked for again */
        core_fib_dirty(c, e);
    }
}

void core_fib_remove_all(struct core *c)
{
    struct core_fib_entry *e, *tmp;

    HASH_ITER (hh, c->fib, e, tmp)
        want(c, e->key, CORE_FIB_NONE, NULL, 0, e->tunnel);
}

void core_fib_free(struct core *c)
{
    struct core_fib_entry *e, *tmp;

    HASH_ITER (hh, c->fib, e, tmp) {
        HASH_DEL(c->fib, e);
        free(e);
    }
}

bool core_fib_get(const struct core *c, uint32_t table, const struct kd_prefix *p, char ifname[16])
{
    const struct core_fib_entry *e = core_fib_find(c, table, p, CORE_METRIC_BGP);
    const struct core_link *l = NULL;

    ifname[0] = '\0';
    if (!e || e->have == CORE_FIB_NONE)
        return false;
    if (e->group && e->group->n_active) {
        const struct core_nh *nh;
        for (nh = c->nhs; nh; nh = nh->hh.next)
            if (nh->id == e->group->active[0])
                l = core_link(c, nh->key.oif);
    }
    if (l)
        memcpy(ifname, l->name, 16);
    return true;
}
