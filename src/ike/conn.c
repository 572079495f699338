/* Connections: their configuration, which of them a peer's request belongs to, when to connect
 * again, and the operator's commands. Not here: what an attempt does (init.c).
 *
 * A connection owns at most one authenticated IKE SA and one attempt (facts/peers 2, pain 5). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdlib.h>

#define RETRY_DEFAULT_US     KD_S(3)
#define DETECT_DEFAULT_US    KD_S(45) /* Azure's */
#define FRAGMENT_DEFAULT     1280 /* what every IPv6 path carries, and all but odd ones of IPv4 */
#define KEEPALIVE_DEFAULT_US KD_S(20) /* RFC 3948 4; NATs forget UDP after 30 s and more */
#define PAUSE_MAX            16       /* times the first pause */

/* The first place in e->conn whose id is not below id. */
static uint32_t place(const struct ike *e, uint32_t id)
{
    uint32_t lo = 0, hi = e->n_conns;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (e->conn[mid]->id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct ike_conn *ike_conn_find(const struct ike *e, uint32_t id)
{
    uint32_t i = place(e, id);

    return i < e->n_conns && e->conn[i]->id == id ? e->conn[i] : NULL;
}

struct ike_conn *ike_conn_of(const struct ike *e, const struct ike_sa *sa)
{
    return ike_conn_find(e, sa->conn);
}

static struct ike_conn *conn_add(struct ike *e, uint32_t id)
{
    uint32_t i = place(e, id);
    struct kd_handle h;
    struct ike_conn *c;

    if (e->n_conns == e->conns_max || !(c = kd_slab_new(&e->conns, &h)))
        return NULL;
    memmove(&e->conn[i + 1], &e->conn[i], (e->n_conns - i) * sizeof(e->conn[0]));
    e->conn[i] = c;
    e->n_conns++;
    e->conn_at[h.idx] = c;
    c->id = id;
    c->self = h;
    c->retry_us = KD_NEVER;
    return c;
}

bool ike_conn_set(struct ike *e, uint32_t id, const struct ike_conn_config *cfg)
{
    struct ike_conn *c = ike_conn_find(e, id);

    if (!c && !(c = conn_add(e, id)))
        return false;
    if (!kd_handle_eq(c->cfg.psk, cfg->psk))
        ike_key_doom(e, &c->cfg.psk);
    if (!kd_handle_eq(c->cfg.ppk.key, cfg->ppk.key))
        ike_key_doom(e, &c->cfg.ppk.key);
    ike_index_del_conn(e, c);
    c->cfg = *cfg;
    ike_index_add_conn(e, c);
    if (!c->cfg.detect_us)
        c->cfg.detect_us = DETECT_DEFAULT_US;
    if (!c->cfg.retry_us)
        c->cfg.retry_us = RETRY_DEFAULT_US;
    if (!c->cfg.port)
        c->cfg.port = 500;
    if (!c->cfg.keepalive_us)
        c->cfg.keepalive_us = KEEPALIVE_DEFAULT_US;
    if (!c->cfg.fragment_size)
        c->cfg.fragment_size = FRAGMENT_DEFAULT;
    if (!c->cfg.natt_port)
        c->cfg.natt_port = 4500;
    ike_proposals_filter(&c->cfg.ike, e->crypto);
    ike_proposals_filter(&c->cfg.esp, e->crypto);
    ike_proposals_filter(&c->cfg.esp_accept, e->crypto);
    return true;
}

static void conn_remove(struct ike *e, struct ike_conn *c)
{
    uint32_t i = place(e, c->id);

    kd_timers_del(&e->timers, c->self.idx * 2 + 1);
    memmove(&e->conn[i], &e->conn[i + 1], (e->n_conns - i - 1) * sizeof(e->conn[0]));
    e->n_conns--;
    ike_index_del_conn(e, c);
    ike_key_doom(e, &c->cfg.psk);
    ike_key_doom(e, &c->cfg.ppk.key);
    e->conn_at[c->self.idx] = NULL;
    kd_slab_free(&e->conns, c->self);
}

void ike_conns_free(struct ike *e)
{
    while (e->n_conns)
        conn_remove(e, e->conn[e->n_conns - 1]);
}

/* ---- connecting ---- */

bool ike_conn_may_initiate(const struct ike_conn *c)
{
    return c->admin == IKE_ADMIN_UP && c->cfg.role != IKE_ROLE_RESPONDER &&
           c->cfg.remote.family != 0;
}

/* Now, or as soon as it is UP. Who calls before that is left to ask again: its request is repeated
 * (RFC 7296 2.1), and an error would end the attempt (2.21.1, 2.21.2). */
static bool responds(const struct ike_conn *c)
{
    return (c->admin == IKE_ADMIN_UP || c->admin == IKE_ADMIN_HOLD) &&
           c->cfg.role != IKE_ROLE_INITIATOR;
}

void ike_conn_start(struct ike *e, struct ike_conn *c)
{
    c->retry_us = KD_NEVER;
    if (ike_conn_may_initiate(c) && kd_handle_none(c->sa) && kd_handle_none(c->attempt))
        ike_init_start(e, c);
    ike_conn_arm(e, c);
}

void ike_conn_lost(struct ike *e, struct ike_conn *c, enum kd_reason reason)
{
    uint64_t pause = c->pause_us ? c->pause_us * 2 : c->cfg.retry_us;

    if (reason == KD_REASON_DEAD_PEER || reason == KD_REASON_TIMEOUT)
        ike_ladder_reset(c); /* who comes back may be another */
    if (!ike_conn_may_initiate(c))
        return;
    if (reason == KD_REASON_PEER_RESTARTED || reason == KD_REASON_EXPIRED)
        pause = 0; /* it is there again, and says so; nothing was wrong with it */
    c->pause_us = KD_MIN(pause, c->cfg.retry_us * PAUSE_MAX);
    /* Jitter, so that two ends that lost each other at once don't call each other at once. */
    c->quiet_us = e->now_us + c->pause_us + ike_jitter(e, c->pause_us / 8);
    if (!c->cfg.on_traffic)
        c->retry_us = c->quiet_us;
    ike_conn_arm(e, c);
}

void ike_conn_wake(struct ike *e, struct ike_conn *c)
{
    if (c->retry_us <= e->now_us)
        ike_conn_start(e, c);
}

/* ---- which connection ---- */

static bool addr_fits(const struct ike_conn *c, const struct kd_addr *local,
                      const struct kd_addr *remote, bool exact)
{
    if (!kd_addr_is_any(&c->cfg.local) && !kd_addr_eq(&c->cfg.local, local))
        return false;
    return exact ? kd_addr_eq(&c->cfg.remote, remote) : c->cfg.remote.family == 0;
}

struct ike_conn *ike_conn_by_addr(struct ike *e, const struct kd_addr *local,
                                  const struct kd_addr *remote, const struct ike_proposals *offered,
                                  struct ike_suite *suite, bool *silent)
{
    static const struct kd_addr any;
    struct ike_conn *first = NULL;
    bool held = false;

    *silent = false;
    memset(suite, 0, sizeof(*suite));
    for (int exact = 1; exact >= 0; exact--) {
        struct ike_conn *c = ike_index_conns(e, exact ? remote : &any);
        for (; c; c = c->addr_link) {
            if (!addr_fits(c, local, remote, exact))
                continue;
            if (c->admin == IKE_ADMIN_SILENT)
                *silent = true;
            if (!responds(c))
                continue;
            if (ike_proposal_select(offered, &c->cfg.ike, IKE_PROTO_IKE, 0, suite, NULL, NULL)) {
                if (c->admin == IKE_ADMIN_UP)
                    return c;
                held = true;
            }
            if (!first)
                first = c;
        }
    }
    memset(suite, 0, sizeof(*suite));
    *silent |= held;
    return held ? NULL : first;
}

/* Would c have agreed to the suite in use? */
static bool suite_fits(const struct ike_conn *c, const struct ike_suite *s)
{
    struct ike_proposals one = {.n = 1};
    struct ike_proposal *p = &one.p[0];
    const struct kc_alg *alg[] = {s->encr, s->prf, s->integ, s->dh};
    struct ike_suite got;

    p->number = 1;
    p->protocol = IKE_PROTO_IKE;
    for (size_t i = 0; i < KD_ARRAY_LEN(alg); i++)
        if (alg[i])
            p->t[p->n++] = (struct ike_transform){
                .type = (uint8_t)alg[i]->type, .id = alg[i]->id, .key_bits = alg[i]->key_bits};
    for (unsigned i = 0; i < IKE_ADDKE_MAX; i++)
        if (s->addke[i])
            p->t[p->n++] = (struct ike_transform){.type = (uint8_t)(IKE_ADDKE_FIRST + i),
                                                  .id = s->addke[i]->id};
    return ike_proposal_select(&one, &c->cfg.ike, IKE_PROTO_IKE, 0, &got, NULL, NULL);
}

struct ike_conn *ike_conn_by_id(struct ike *e, const struct ike_sa *sa, const struct ike_id *idi,
                                const struct ike_id *idr, bool *held)
{
    *held = false;
    for (int exact = 1; exact >= 0; exact--) {
        for (uint32_t i = 0; i < e->n_conns; i++) {
            struct ike_conn *c = e->conn[i];
            if (!responds(c) || !addr_fits(c, &sa->local.addr, &sa->remote.addr, exact) ||
                !ike_id_match(&c->cfg.remote_id, idi) ||
                (idr && !ike_id_match(&c->cfg.local_id, idr)) || !suite_fits(c, &sa->suite))
                continue;
            if (c->admin == IKE_ADMIN_UP)
                return c;
            *held = true;
        }
    }
    return NULL;
}

uint32_t ike_conns_hashes(const struct ike *e)
{
    uint32_t set = 0;

    for (uint32_t i = 0; i < e->n_conns; i++)
        set |= responds(e->conn[i]) ? ike_hashes_ours(&e->conn[i]->cfg.auth) : 0;
    return set;
}

/* ---- commands ---- */

static void for_each_sa(struct ike *e, uint32_t conn, void (*fn)(struct ike *, struct ike_sa *))
{
    struct kd_handle h = KD_HANDLE_NONE;
    struct ike_sa *sa;

    while ((sa = kd_slab_next(&e->sas, &h)))
        if (sa->conn == conn && sa->state != IKE_ST_GONE)
            fn(e, sa);
}

static void close_admin(struct ike *e, struct ike_sa *sa)
{
    ike_sa_close(e, sa, KD_REASON_ADMIN);
    ike_touch(e, sa); /* one that closes already may have been silent until now */
}

/* After a rehearsed death: the budget begins anew, with a probe. */
static void resume(struct ike *e, struct ike_sa *sa)
{
    ike_touch(e, sa);
    if (sa->state != IKE_ST_UP)
        return;
    sa->proof_us = e->now_us;
    sa->unreachable = true; /* until the answer, which REACHABLE tells of */
    if (sa->tx.out) {
        sa->tx.gap_us = ike_first_gap(sa);
        ike_request_resend(e, sa);
    } else {
        sa->want_probe = true;
    }
}

static void cmd_up(struct ike *e, struct ike_conn *c)
{
    bool silent = c->admin == IKE_ADMIN_SILENT;

    c->admin = IKE_ADMIN_UP;
    if (silent)
        for_each_sa(e, c->id, resume);
    c->pause_us = c->quiet_us = 0;
    ike_ladder_reset(c);
    if (!c->cfg.on_traffic)
        ike_conn_start(e, c);
}

static void cmd_traffic(struct ike *e, struct ike_conn *c)
{
    struct ike_sa *sa = ike_sa_get(e, c->sa);

    if (!c->cfg.on_traffic)
        return;
    if (sa)
        ike_children_hasten(e, sa);
    else if (c->quiet_us <= e->now_us)
        ike_conn_start(e, c);
}

static void cmd_down(struct ike *e, struct ike_conn *c)
{
    c->admin = IKE_ADMIN_DOWN;
    c->retry_us = KD_NEVER;
    ike_conn_arm(e, c);
    for_each_sa(e, c->id, close_admin);
}

static void cmd_hold(struct ike *e, struct ike_conn *c)
{
    cmd_down(e, c);
    c->admin = IKE_ADMIN_HOLD;
}

static void touch(struct ike *e, struct ike_sa *sa)
{
    ike_touch(e, sa);
}

static void cmd_down_silent(struct ike *e, struct ike_conn *c)
{
    c->admin = IKE_ADMIN_SILENT;
    ike_conn_arm(e, c);
    for_each_sa(e, c->id, touch); /* their timers stop */
}

static void cmd_reset(struct ike *e, struct ike_conn *c)
{
    cmd_down(e, c);
    cmd_up(e, c);
}

static void cmd_probe(struct ike *e, struct ike_conn *c)
{
    struct ike_sa *sa = ike_sa_get(e, c->sa);

    if (sa)
        ike_probe(e, sa);
}

static void cmd_rekey_ike(struct ike *e, struct ike_conn *c)
{
    struct ike_sa *sa = ike_sa_get(e, c->sa);

    if (sa && sa->state == IKE_ST_UP) {
        sa->want_rekey = sa->ordered = true;
        ike_touch(e, sa);
    }
}

static void cmd_rekey_child(struct ike *e, struct ike_conn *c)
{
    struct ike_sa *sa = ike_sa_get(e, c->sa);

    if (!sa || sa->state != IKE_ST_UP)
        return;
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *ch = ike_child_get(e, sa->child[i]);
        if (ch && ch->state == IKE_CH_UP)
            ch->want_rekey = ch->ordered = true;
    }
    ike_touch(e, sa);
}

static void cmd_remove(struct ike *e, struct ike_conn *c)
{
    cmd_down(e, c);
    conn_remove(e, c);
}

void ike_conn_command(struct ike *e, const struct ike_event *ev)
{
    static void (*const run[IKE_CMD_N])(struct ike *, struct ike_conn *) = {
        [IKE_CMD_UP] = cmd_up,
        [IKE_CMD_TRAFFIC] = cmd_traffic,
        [IKE_CMD_DOWN] = cmd_down,
        [IKE_CMD_HOLD] = cmd_hold,
        [IKE_CMD_DOWN_SILENT] = cmd_down_silent,
        [IKE_CMD_RESET] = cmd_reset,
        [IKE_CMD_PROBE] = cmd_probe,
        [IKE_CMD_REKEY_IKE] = cmd_rekey_ike,
        [IKE_CMD_REKEY_CHILD] = cmd_rekey_child,
        [IKE_CMD_REMOVE] = cmd_remove,
    };
    struct ike_conn *c = ike_conn_find(e, ev->conn);

    if (c && ev->command == IKE_CMD_MTU)
        ike_mtu_start(e, c, ev->octets);
    else if (c && ev->command == IKE_CMD_MTU_HINT)
        ike_mtu_hint(c, ev->octets);
    else if (c && (unsigned)ev->command < IKE_CMD_N)
        run[ev->command](e, c);
}
