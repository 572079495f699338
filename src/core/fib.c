/* The FIB: what we want in the kernel against what it has acknowledged, one entry a (table, prefix,
 * metric). An entry has at most one request in flight; its answer is compared with the wish again,
 * so any order of wishes, refusals and losses ends in agreement (DESIGN 1, 3.7).
 *
 * A prefix with a backup has two entries: the first through its group, and one at a worse metric
 * through the group of its backup paths, which carries the moment the kernel flushes the first with
 * its interface, before we have heard of it. Nothing on the way of a failover walks the entries:
 * groups are replaced or lost as a whole (epoch), and their entries hear of it afterwards, as there
 * is room. */
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
    k.table = table ? table : CORE_TABLE_MAIN;
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

static enum core_fib_rank rank(const struct core_fib_entry *e)
{
    if (e->key.metric == CORE_METRIC_BACKUP)
        return CORE_FIB_BACKUP;
    return e->key.metric == CORE_METRIC_BGP ? CORE_FIB_FIRST : CORE_FIB_PLUMBING;
}

void core_fib_dirty(struct core *c, struct core_fib_entry *e)
{
    struct core_fib_queue *q = &c->dirty[rank(e)];

    e->moved_look = c->audit.look;
    if (e->queued)
        return;
    e->queued = true;
    e->next_dirty = NULL;
    *q->tail = e;
    q->tail = &e->next_dirty;
    q->n++;
}

/* The most urgent one, taken out; NULL: none up to that rank. */
static struct core_fib_entry *take_dirty(struct core *c, enum core_fib_rank last)
{
    for (int i = 0; i <= (int)last; i++) {
        struct core_fib_queue *q = &c->dirty[i];
        struct core_fib_entry *e = q->head;
        if (!e)
            continue;
        q->head = e->next_dirty;
        if (!q->head)
            q->tail = &q->head;
        e->queued = false;
        q->n--;
        return e;
    }
    return NULL;
}

/* ---- wishes ---- */

static void leave_group(struct core *c, struct core_fib_entry *e)
{
    if (!e->group)
        return;
    if (e->group->lost == e)
        e->group->lost = e->next;
    DL_DELETE(e->group->entries, e);
    core_group_unref(c, e->group);
}

static struct core_fib_entry *entry_new(struct core *c, struct core_fib_key k)
{
    struct core_fib_entry *e = calloc(1, sizeof(*e));

    kd_assert(e);
    e->key = k;
    HASH_ADD(hh, c->fib, key, sizeof(e->key), e);
    return e;
}

static void want(struct core *c, struct core_fib_key k, enum core_fib_kind kind,
                 struct core_group *group, uint32_t oif, uint32_t tunnel)
{
    struct core_fib_entry *e = find(c, &k);

    if (!e && kind == CORE_FIB_NONE)
        return;
    if (!e)
        e = entry_new(c, k);
    if (group)
        core_group_ref(group);
    leave_group(c, e);
    if (group)
        DL_APPEND(group->entries, e);
    e->want = kind;
    e->group = group;
    e->oif = oif;
    e->gateway = (struct kd_addr){0};
    e->tunnel = tunnel;
    e->tries = 0;
    e->retry_at_us = 0;
    if (rank(e) == CORE_FIB_PLUMBING)
        e->adopted = false;
    if (!e->adopted)
        core_fib_dirty(c, e);
}

static void want_paths(struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t metric,
                       const struct bgp_pathset *paths)
{
    struct core_group *g = core_group_get(c, paths, p->addr.family);
    uint32_t tunnel = paths->n_best && paths->best[0].iface != BGP_NO_IFACE ? paths->best[0].iface
                                                                            : CORE_NO_TUNNEL;

    want(c, key_of(table, p, metric), CORE_FIB_GROUP, g, 0, tunnel);
}

void core_fib_want_group(struct core *c, uint32_t table, const struct kd_prefix *p,
                         const struct bgp_pathset *paths)
{
    struct bgp_pathset backup = {.n_best = paths->n_backup};

    want_paths(c, table, p, CORE_METRIC_BGP, paths);
    memcpy(backup.best, paths->backup, sizeof(backup.best));
    if (backup.n_best)
        want_paths(c, table, p, CORE_METRIC_BACKUP, &backup);
    else
        core_fib_want_none(c, table, p, CORE_METRIC_BACKUP);
}

void core_fib_want_no_group(struct core *c, uint32_t table, const struct kd_prefix *p)
{
    core_fib_want_none(c, table, p, CORE_METRIC_BGP);
    core_fib_want_none(c, table, p, CORE_METRIC_BACKUP);
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

void core_fib_want_hop(struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t metric,
                       const struct nl_hop *hop)
{
    want(c, key_of(table, p, metric), CORE_FIB_DEVICE, NULL, hop->oif, CORE_NO_TUNNEL);
    core_fib_find(c, table, p, metric)->gateway = hop->gateway;
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
    if (e->want != CORE_FIB_NONE || e->have.kind != CORE_FIB_NONE || e->busy || e->queued)
        return;
    c->audit.forgot = true;
    if (c->audit.at == e)
        c->audit.at = e->hh.next;
    HASH_DEL(c->fib, e);
    free(e);
}

/* ---- what the kernel has ---- */

bool core_fib_flushed(const struct core_fib_state *s)
{
    return s->group && s->epoch != s->group->epoch;
}

static bool counts_as_first(const struct core_fib_entry *e)
{
    return e->key.metric == CORE_METRIC_BGP && e->have.group && !core_fib_flushed(&e->have);
}

static void state_set(struct core *c, struct core_fib_state *s, enum core_fib_kind kind,
                      uint32_t id, struct core_group *g, uint32_t epoch)
{
    if (g)
        core_group_hold(g);
    if (s->group)
        core_group_release(c, s->group);
    *s = (struct core_fib_state){.kind = kind, .id = id, .group = g, .epoch = epoch};
}

/* Through a group of an earlier life's. */
static bool through_old(const struct core_fib_state *s)
{
    return s->kind == CORE_FIB_GROUP && !s->group;
}

static void set_have(struct core *c, struct core_fib_entry *e, const struct core_fib_state *s)
{
    bool had = e->have.kind != CORE_FIB_NONE;

    e->moved_look = c->audit.look;
    if (counts_as_first(e))
        e->have.group->n_first--;
    c->adopted.n_routes -= through_old(&e->have);
    state_set(c, &e->have, s->kind, s->id, s->group, s->epoch);
    e->have.gateway = s->gateway;
    if (counts_as_first(e))
        e->have.group->n_first++;
    if (had && s->kind == CORE_FIB_NONE)
        say_route(c, e, CORE_NOTE_ROUTE_DEL);
    else if (s->kind == CORE_FIB_GROUP)
        say_route(c, e, CORE_NOTE_ROUTE_ADD);
}

static void set_gone(struct core *c, struct core_fib_entry *e)
{
    static const struct core_fib_state none;

    set_have(c, e, &none);
}

/* ---- an earlier life's ---- */

void core_fib_adopt(struct core *c, const struct nl_route *r)
{
    struct core_fib_key k = key_of(r->table, &r->dst, r->metric);
    struct core_fib_entry *e = find(c, &k);

    if (e)
        return; /* a dump that was repeated */
    e = entry_new(c, k);
    e->tunnel = CORE_NO_TUNNEL;
    e->adopted = true;
    e->have.kind = r->type != NL_ROUTE_UNICAST ? CORE_FIB_UNREACHABLE
                   : r->nh_id                  ? CORE_FIB_GROUP
                                               : CORE_FIB_DEVICE;
    e->have.id = r->type != NL_ROUTE_UNICAST ? 0 : r->nh_id ? r->nh_id : r->oif;
    e->have.gateway = e->have.kind == CORE_FIB_DEVICE ? r->gateway : (struct kd_addr){0};
    c->adopted.n_routes += through_old(&e->have);
    c->adopted.family[r->dst.addr.family == 6] |= through_old(&e->have);
}

void core_fib_release(struct core *c)
{
    for (struct core_fib_entry *e = c->fib; e; e = e->hh.next) {
        if (!e->adopted)
            continue;
        e->adopted = false;
        core_fib_dirty(c, e);
    }
}

/* ---- requests ---- */

static void send(struct core *c, struct core_fib_entry *e, enum core_fib_kind kind, uint32_t id)
{
    struct core_group *g = kind == CORE_FIB_GROUP ? e->group : NULL;
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_ROUTE, .key = e->key};
    struct nl_route r = {
        .dst = e->key.prefix,
        .table = e->key.table,
        .metric = e->key.metric,
        .protocol = NL_PROTO_KEDGE,
        .type = (kind ? kind : e->have.kind) == CORE_FIB_UNREACHABLE ? NL_ROUTE_UNREACHABLE
                                                                     : NL_ROUTE_UNICAST,
        .nh_id = kind == CORE_FIB_GROUP ? id : 0,
        .oif = kind == CORE_FIB_DEVICE ? id : 0,
        .gateway = kind == CORE_FIB_DEVICE ? e->gateway : (struct kd_addr){0},
    };

    if (kind == CORE_FIB_DEVICE && e->tunnel != CORE_NO_TUNNEL &&
        c->tunnels[e->tunnel].cfg.inner.family == e->key.prefix.addr.family)
        r.prefsrc = c->tunnels[e->tunnel].cfg.inner;
    e->busy = true;
    state_set(c, &e->fly, kind, id, g, g ? g->epoch : 0);
    e->fly.gateway = r.gateway;
    kd_assert(nl_put_route(&b, core_op_begin(c, &op), &r, kind != CORE_FIB_NONE));
    core_op_send(c, &b);
}

/* FRR's routes have our metric, too. Theirs is never replaced (DESIGN 3.9); if they replaced ours,
 * the request that takes ours out finds nothing, and we know. */
static bool taken(struct core *c, struct core_fib_entry *e)
{
    bool was = e->taken;
    char prefix[KD_PREFIX_STR_MAX], line[160];

    e->taken = core_kroute_taken(c, e->key.table, &e->key.prefix, e->key.metric);
    if (e->taken && !was) {
        snprintf(line, sizeof(line), "route %s metric %u is another's: left alone until it goes",
                 kd_prefix_str(&e->key.prefix, prefix), e->key.metric);
        core_say_text(c, CORE_NOTE_KERNEL_ERROR, e->tunnel, CORE_NO_PEER, KD_REASON_KERNEL_REFUSED,
                      line);
    }
    return e->taken;
}

void core_fib_disputed(struct core *c, uint32_t table, const struct kd_prefix *p)
{
    static const uint32_t metrics[] = {CORE_METRIC_HOST, CORE_METRIC_BGP, CORE_METRIC_BACKUP};

    for (size_t i = 0; i < KD_ARRAY_LEN(metrics); i++) {
        struct core_fib_entry *e = core_fib_find(c, table, p, metrics[i]);
        if (e && !e->adopted && (e->taken || core_kroute_taken(c, table, p, metrics[i])))
            core_fib_dirty(c, e);
    }
}

/* Where kind and interface do. */
static bool agrees(const struct core_fib_entry *e)
{
    return e->have.kind != CORE_FIB_DEVICE || kd_addr_eq(&e->have.gateway, &e->gateway);
}

static void flush_entry(struct core *c, struct core_fib_entry *e)
{
    enum core_fib_kind kind = e->want;
    uint32_t id = e->oif;

    if (core_fib_flushed(&e->have))
        set_gone(c, e);
    if (e->busy || e->retry_at_us > c->now_us)
        return; /* the answer, or the retry, comes back here */
    if (kind == CORE_FIB_GROUP) {
        if (core_group_ensure(c, e->group))
            id = e->group->id;
        else
            kind = CORE_FIB_NONE;
    }
    if (kind != CORE_FIB_NONE && taken(c, e))
        kind = CORE_FIB_NONE;
    if (kind == CORE_FIB_UNREACHABLE || kind == CORE_FIB_NONE)
        id = 0;
    if (kind != e->have.kind || id != e->have.id || !agrees(e)) {
        send(c, e, kind, id);
        return;
    }
    if (e->have.kind == CORE_FIB_DEVICE && e->tunnel != CORE_NO_TUNNEL)
        core_tunnel_neighbor_ready(c, e->tunnel);
    forget_if_done(c, e);
}

#define LOST_A_STEP 512 /* entries told a step that their group went: as many as are sent */

static void tell_lost(struct core *c)
{
    uint32_t left = LOST_A_STEP;

    c->groups_lost = false;
    for (struct core_group *g = c->groups; g; g = g->hh.next) {
        for (; g->lost && left; g->lost = g->lost->next, left--)
            core_fib_dirty(c, g->lost);
        c->groups_lost |= g->lost != NULL;
    }
}

void core_fib_flush(struct core *c, enum core_fib_rank last)
{
    struct core_fib_entry *e;

    if (c->sync != CORE_SYNC_DONE)
        return;
    if (c->groups_lost && last != CORE_FIB_PLUMBING)
        tell_lost(c);
    while (core_room(c) && (last == CORE_FIB_PLUMBING || core_ops_room(c)) &&
           (e = take_dirty(c, last)))
        flush_entry(c, e);
}

bool core_fib_pending(const struct core *c)
{
    bool any = c->groups_lost;

    if (!core_ops_room(c))
        return false; /* an answer makes room, and is an event */
    for (int i = 0; i < CORE_FIB_RANKS; i++)
        any |= c->dirty[i].head != NULL;
    return any && c->sync == CORE_SYNC_DONE;
}

bool core_fib_waits(const struct core *c)
{
    return c->sync == CORE_SYNC_DONE && c->dirty[CORE_FIB_FIRST].n > 0;
}

bool core_fib_full(const struct core *c)
{
    return c->sync == CORE_SYNC_DONE &&
           c->dirty[CORE_FIB_FIRST].n + BGP_OUT_ACTIONS > core_ops_left(c);
}

bool core_fib_moved(const struct core *c)
{
    return !c->dirty[CORE_FIB_PLUMBING].head;
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
    static const struct core_fib_state none;
    struct core_fib_entry *e = find(c, &op->key);
    bool ok;

    if (!e || !e->busy)
        return;
    e->busy = false;
    ok = !error || (e->fly.kind == CORE_FIB_NONE && (error == ESRCH || error == ENOENT));
    if (!ok) {
        refused(c, e, error, text);
    } else {
        e->tries = 0;
        set_have(c, e, core_fib_flushed(&e->fly) ? &none : &e->fly);
        core_fib_dirty(c, e); /* compared with the wish again: an agreement has consequences, too */
    }
    state_set(c, &e->fly, CORE_FIB_NONE, 0, NULL, 0);
}

void core_fib_group_lost(struct core *c, struct core_group *g)
{
    g->epoch++;
    g->n_first = 0;
    g->lost = g->entries;
    c->groups_lost |= g->lost != NULL;
}

/* A probe's own way went with its link; in flight, nobody knows. */
static void pins_lost(struct core *c, uint32_t ifindex)
{
    for (uint32_t i = 0; i < c->cfg.n_health; i++) {
        struct kd_prefix to = kd_prefix_host(&c->cfg.health[i].to.addr);
        struct core_fib_entry *e =
            c->pins[i].hop.oif == ifindex
                ? core_fib_find(c, CORE_TABLE_PIN + i, &to, CORE_METRIC_HOST)
                : NULL;
        if (!e)
            continue;
        state_set(c, &e->have, CORE_FIB_NONE, UINT32_MAX, NULL, 0);
        if (e->busy)
            e->fly.id = UINT32_MAX;
        core_fib_dirty(c, e);
    }
}

void core_fib_device_lost(struct core *c, uint32_t ifindex)
{
    pins_lost(c, ifindex);
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        const struct core_tunnel_config *t = &c->tunnels[i].cfg;
        struct kd_prefix host = kd_prefix_host(&t->neighbor.bgp.remote);
        struct core_fib_entry *e =
            t->has_neighbor ? core_fib_find(c, t->table, &host, CORE_METRIC_HOST) : NULL;
        if (!e || e->have.kind != CORE_FIB_DEVICE || e->have.id != ifindex)
            continue;
        set_gone(c, e);
        core_fib_dirty(c, e);
    }
}

void core_fib_lost_all(struct core *c)
{
    struct core_fib_entry *e, *tmp;

    HASH_ITER (hh, c->fib, e, tmp) {
        e->busy = false;
        state_set(c, &e->fly, CORE_FIB_NONE, 0, NULL, 0);
        if (counts_as_first(e))
            e->have.group->n_first--;
        c->adopted.n_routes -= through_old(&e->have);
        /* differs from any wish, so that it is asked for again */
        state_set(c, &e->have, CORE_FIB_NONE, UINT32_MAX, NULL, 0);
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

static const struct core_fib_entry *in_kernel(const struct core *c, uint32_t table,
                                              const struct kd_prefix *p)
{
    const struct core_fib_entry *e = core_fib_find(c, table, p, CORE_METRIC_BGP);
    return e && e->have.kind != CORE_FIB_NONE && !core_fib_flushed(&e->have) ? e : NULL;
}

static void name_link(const struct core *c, uint32_t oif, char ifname[16])
{
    const struct core_link *l = oif ? core_link(c, oif) : NULL;
    ifname[0] = '\0';
    if (l)
        memcpy(ifname, l->name, 16);
}

bool core_fib_get(const struct core *c, uint32_t table, const struct kd_prefix *p, char ifname[16])
{
    const struct core_fib_entry *e = in_kernel(c, table, p);
    name_link(c, e && e->group ? core_group_first(c, e->group) : 0, ifname);
    return e != NULL;
}

bool core_fib_way(const struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t peer,
                  const struct kd_addr *nexthop, char ifname[16])
{
    const struct core_fib_entry *e = in_kernel(c, table, p);
    struct bgp_path_nh way = {
        .nexthop = *nexthop, .peer = peer, .iface = peer < CORE_TUNNELS_MAX ? peer : BGP_NO_IFACE};
    uint32_t oif = e && e->group ? core_group_oif(c, e->group, &way) : 0;
    name_link(c, oif, ifname);
    return oif != 0;
}
