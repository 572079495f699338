/* Child SAs: pairs of ESP SAs, from their negotiated values to the data plane and out of it
 * again. RFC 7296 1.3.1, 1.4.1, 2.8, 2.9 (selectors), 2.17. Not here: the exchanges (auth_*.c,
 * create.c).
 *
 * A pair leaves the data plane exactly once, by uninstall(); its keys stay in the arena until
 * the data plane has seen that (engine.c, doomed keys). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/out.h"
#include "ike/sa.h"

#include <stdio.h>

#define SPI_RESERVED 256 /* 0 to 255 (RFC 4303 2.1) */

struct ike_child *ike_child_get(const struct ike *e, struct kd_handle h)
{
    return kd_slab_get(&e->children, h);
}

static bool spi_taken(const struct ike *e, uint32_t spi)
{
    struct kd_handle h = KD_HANDLE_NONE;
    const struct ike_child *c;

    while ((c = kd_slab_next(&e->children, &h)))
        if (c->spi_in == spi)
            return true;
    return false;
}

void ike_child_spi_put(uint8_t out[4], uint32_t spi)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(spi >> (24 - 8 * i));
}

uint32_t ike_child_spi(struct ike *e)
{
    uint32_t spi;

    do
        spi = kc_rng_u32(&e->rng);
    while (spi < SPI_RESERVED || spi_taken(e, spi));
    return spi;
}

struct ike_child *ike_child_by_spi_out(const struct ike *e, const struct ike_sa *sa, uint32_t spi)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c && c->spi_out == spi)
            return c;
    }
    return NULL;
}

uint32_t ike_children_live(const struct ike *e, const struct ike_sa *sa)
{
    uint32_t n = 0;

    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        const struct ike_child *c = ike_child_get(e, sa->child[i]);
        n += c && (c->state == IKE_CH_INSTALLING || c->state == IKE_CH_UP);
    }
    return n;
}

static int free_place(const struct ike *e, const struct ike_sa *sa)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++)
        if (!ike_child_get(e, sa->child[i]))
            return i;
    return -1;
}

/* The old pair that has received the longest after its DELETE: only late packets are lost with
 * it. */
static struct ike_child *oldest_deleted(const struct ike *e, const struct ike_sa *sa)
{
    struct ike_child *oldest = NULL;

    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c && c->state == IKE_CH_OLD && (!oldest || c->end_us < oldest->end_us))
            oldest = c;
    }
    return oldest;
}

/* A peer that rekeys every second must not be refused because of what it has deleted. */
static int make_place(struct ike *e, struct ike_sa *sa)
{
    struct ike_child *old = free_place(e, sa) < 0 ? oldest_deleted(e, sa) : NULL;

    if (old)
        ike_child_drop(e, sa, old, KD_REASON_NONE);
    return free_place(e, sa);
}

struct ike_child *ike_child_new(struct ike *e, struct ike_sa *sa, const struct ike_suite *suite,
                                uint32_t spi_in, uint32_t spi_out, bool initiator)
{
    struct ike_child *c;
    struct kd_handle h;
    int at;

    if (spi_taken(e, spi_in) || ike_child_by_spi_out(e, sa, spi_out))
        return NULL;
    at = make_place(e, sa);
    if (at < 0)
        return NULL;
    c = kd_slab_new(&e->children, &h);
    if (!c)
        return NULL;
    c->self = sa->child[at] = h;
    c->sa = sa->self;
    c->state = IKE_CH_INSTALLING;
    c->suite = *suite;
    c->spi_in = spi_in;
    c->spi_out = spi_out;
    c->initiator = initiator;
    c->encap = sa->encap;
    c->created_us = e->now_us;
    c->birth = (struct ike_birth){.ours = initiator, .at_us = e->now_us};
    c->rekey_us = c->expire_us = c->end_us = KD_NEVER;
    return c;
}

/* ---- into the data plane ---- */

static struct kd_span ts_span(struct ike *e, const struct ike_ts_list *l)
{
    uint8_t buf[4 + IKE_TS_MAX * 40];
    struct kd_writer w;

    kd_writer_init(&w, buf, sizeof(buf));
    ike_ts_write(&w, l);
    return ike_out_bytes(e, kd_written(&w));
}

static struct ike_action *child_act(struct ike *e, const struct ike_sa *sa,
                                    const struct ike_child *c, enum ike_action_kind kind)
{
    struct ike_action *a = ike_out_add(e, kind, sa->conn);

    if (!a)
        return NULL;
    a->child = c->self;
    a->spi_in = c->spi_in;
    a->spi_out = c->spi_out;
    a->encap = c->encap;
    a->local = sa->local;
    a->remote = sa->remote;
    a->natt = sa->natt;
    return a;
}

/* UDP-encapsulated ESP never uses port 500 (RFC 7296 2.23). */
static void endpoints(struct ike *e, const struct ike_sa *sa, const struct ike_child *c,
                      struct ike_action *a)
{
    const struct ike_conn *conn = ike_conn_of(e, sa);

    if (c->encap && !sa->natt && conn)
        a->local.port = a->remote.port = conn->cfg.natt_port;
}

struct ike_limits ike_limits_hard(const struct ike_conn_config *c, bool esn)
{
    const uint64_t end = esn ? UINT64_MAX : UINT32_MAX;
    uint64_t packets = KD_MIN(c->child_life_packets ? c->child_life_packets : end, end);

    return (struct ike_limits){.hard_bytes = c->child_life_bytes,
                               .hard_packets = packets == UINT64_MAX ? 0 : packets};
}

static struct ike_limits limits(struct ike *e, const struct ike_conn *conn,
                                const struct ike_child *c)
{
    struct ike_limits l = {0};

    if (!conn)
        return l;
    l = ike_limits_hard(&conn->cfg, c->suite.esn);
    l.soft_bytes = l.hard_bytes ? ike_soft(e, conn, l.hard_bytes) : 0;
    l.soft_packets = l.hard_packets ? ike_soft(e, conn, l.hard_packets) : 0;
    return l;
}

void ike_child_install(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_action *a = child_act(e, sa, c, IKE_ACT_CHILD_ADD);

    c->installed = true;
    endpoints(e, sa, c, a);
    a->encr = c->suite.encr->id;
    a->encr_bits = c->suite.encr->key_bits;
    a->integ = c->suite.integ ? c->suite.integ->id : 0;
    a->esn = c->suite.esn;
    a->key_enc_in = c->key[0];
    a->key_int_in = c->key[1];
    a->key_enc_out = c->key[2];
    a->key_int_out = c->key[3];
    a->limits = limits(e, ike_conn_of(e, sa), c);
    a->ts_local = ts_span(e, &c->ts_local);
    a->ts_remote = ts_span(e, &c->ts_remote);
}

void ike_child_result(struct ike *e, const struct ike_event *ev)
{
    struct ike_child *c = ike_child_get(e, ev->child);
    struct ike_sa *sa = c ? ike_sa_get(e, c->sa) : NULL;

    if (!sa || c->state != IKE_CH_INSTALLING)
        return; /* it was given up meanwhile */
    ike_touch(e, sa);
    if (c->first)
        ike_auth_child_done(e, sa, c, ev->ok);
    else
        ike_create_child_done(e, sa, c, ev->ok);
}

static void child_note(struct ike *e, const struct ike_sa *sa, const struct ike_child *c,
                       enum ike_note note, enum kd_reason reason)
{
    char suite[128];
    struct ike_action *a =
        ike_sa_note(e, sa, note, reason, "%s", ike_suite_text(&c->suite, suite, sizeof(suite)));

    if (!a)
        return;
    a->child = c->self;
    a->spi_in = c->spi_in;
    a->spi_out = c->spi_out;
    a->encap = c->encap;
    a->group = c->suite.dh ? c->suite.dh->id : 0;
}

void ike_child_up(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_conn *conn = ike_conn_of(e, sa);
    uint64_t life = conn ? conn->cfg.child_life_us : 0;

    c->state = IKE_CH_UP;
    c->noted = true;
    if (life) {
        c->expire_us = e->now_us + life;
        c->rekey_us = e->now_us + ike_soft(e, conn, life);
    }
    if (conn)
        conn->pause_us = 0; /* the connection works: a next failure starts with the short pause */
    if (!sa->redundant)
        sa->end_us = KD_NEVER; /* no longer childless */
    ike_children_up(e, sa, c);
    child_note(e, sa, c, IKE_NOTE_CHILD_UP, KD_REASON_NONE);
}

void ike_child_use(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_action *a = child_act(e, sa, c, IKE_ACT_CHILD_USE);

    if (a)
        a->replaces = c->replaces;
}

void ike_children_moved(struct ike *e, struct ike_sa *sa)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c && c->installed)
            endpoints(e, sa, c, child_act(e, sa, c, IKE_ACT_CHILD_MOVE));
    }
}

void ike_child_move(struct ike *e, struct ike_sa *sa, struct ike_sa *to)
{
    (void)e;
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        to->child[i] = sa->child[i];
        sa->child[i] = KD_HANDLE_NONE;
        if (c)
            c->sa = to->self;
    }
}

/* ---- and out of it ---- */

static void say_down(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason)
{
    if (c->noted)
        child_note(e, sa, c, IKE_NOTE_CHILD_DOWN, reason);
    if (c->noted && reason != KD_REASON_NONE)
        ike_children_lost(e, sa, c, reason);
    c->noted = false;
}

static void uninstall(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason)
{
    say_down(e, sa, c, reason);
    if (c->installed) {
        (void)child_act(e, sa, c, IKE_ACT_CHILD_DEL);
        (void)child_act(e, sa, c, IKE_ACT_KEYS_FREE);
    }
    c->installed = false;
    for (int i = 0; i < 4; i++)
        ike_key_doom(e, &c->key[i]);
}

void ike_child_drop(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason)
{
    uninstall(e, sa, c, reason);
    if (sa->ours && kd_handle_eq(sa->ours->child, c->self))
        ike_xchg_free(e, &sa->ours); /* the peer was faster than the data plane */
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *o = ike_child_get(e, sa->child[i]);
        if (o == c)
            sa->child[i] = KD_HANDLE_NONE;
        else if (o && kd_handle_eq(o->replaced_by, c->self))
            o->replaced_by = c->replaced_by; /* whoever was rekeyed in its turn */
        if (o && kd_handle_eq(o->rival, c->self))
            o->rival = c->replaced_by;
    }
    kd_slab_free(&e->children, c->self);
    ike_touch(e, sa);
}

void ike_child_retire(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason)
{
    say_down(e, sa, c, reason);
    c->state = IKE_CH_OLD;
    c->rekey_us = c->expire_us = KD_NEVER;
    c->end_us = e->now_us + IKE_OLD_CHILD_US;
    ike_touch(e, sa);
}

void ike_child_delete(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason)
{
    if (c->state == IKE_CH_DELETING || c->state == IKE_CH_OLD)
        return;
    c->down = reason;
    if (reason != KD_REASON_NONE && reason != KD_REASON_COLLISION)
        uninstall(e, sa, c, reason);
    c->state = IKE_CH_DELETING;
    c->rekey_us = c->expire_us = c->end_us = KD_NEVER;
    ike_touch(e, sa);
}

void ike_child_hard(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_child *next = ike_child_successor(e, c);

    if (next)
        ike_child_use(e, sa, next);
    ike_child_delete(e, sa, c, KD_REASON_EXPIRED);
}

void ike_child_expire(struct ike *e, const struct ike_event *ev)
{
    struct ike_child *c = ike_child_get(e, ev->child);
    struct ike_sa *sa = c ? ike_sa_get(e, c->sa) : NULL;

    if (!sa || c->state != IKE_CH_UP)
        return;
    ike_touch(e, sa);
    if (!ev->ok)
        ike_child_hard(e, sa, c);
    else
        c->want_rekey = true;
}
