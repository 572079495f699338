/* IKE SAs: birth, and the ways to end. RFC 7296 1.4.1 (deletion), 2.21. Not here: one that follows
 * another (succeed.c). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdlib.h>

const char *const ike_state_names[] = {
    [IKE_ST_I_KEYGEN] = "i-keygen", [IKE_ST_I_INIT] = "i-init",     [IKE_ST_I_SHARED] = "i-shared",
    [IKE_ST_I_INTER] = "i-inter",   [IKE_ST_I_SIGN] = "i-sign",     [IKE_ST_I_AUTH] = "i-auth",
    [IKE_ST_I_CHECK] = "i-check",   [IKE_ST_R_INTER] = "r-inter",   [IKE_ST_R_KEYGEN] = "r-keygen",
    [IKE_ST_R_INIT] = "r-init",     [IKE_ST_R_SHARED] = "r-shared", [IKE_ST_R_CHECK] = "r-check",
    [IKE_ST_R_SIGN] = "r-sign",     [IKE_ST_R_AUTH] = "r-auth",     [IKE_ST_UP] = "up",
    [IKE_ST_CLOSING] = "closing",   [IKE_ST_GONE] = "gone",         [IKE_ST_N] = NULL,
};

struct ike_sa *ike_sa_get(const struct ike *e, struct kd_handle h)
{
    struct ike_sa *sa = kd_slab_get(&e->sas, h);

    return sa && sa->state != IKE_ST_GONE ? sa : NULL;
}

const uint8_t *ike_sa_spi(const struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_i : sa->spi_r;
}

const uint8_t *ike_sa_peer_spi(const struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_r : sa->spi_i;
}

uint64_t ike_jitter(struct ike *e, uint64_t max)
{
    return max < 1024 ? 0 : (max >> 10) * kc_rng_below(&e->rng, 1024);
}

uint64_t ike_soft(struct ike *e, const struct ike_conn *c, uint64_t life)
{
    if (c->cfg.role == IKE_ROLE_RESPONDER) /* it begins nothing, but lets nothing end either */
        return life - KD_MAX(life / 1000 * 15, 1);
    return life / 100 * 95 - ike_jitter(e, life / 50);
}

struct ike_sa *ike_sa_alloc(struct ike *e)
{
    struct kd_handle h;
    struct ike_sa *sa = kd_slab_new(&e->sas, &h);

    if (!sa)
        return NULL;
    sa->self = h;
    sa->rekey_us = sa->expire_us = sa->end_us = sa->later_us = KD_NEVER;
    sa->tx.retx_us = sa->tx.give_up_us = KD_NEVER;
    sa->created_us = e->now_us;
    e->sa_at[h.idx] = sa;
    ike_touch(e, sa);
    return sa;
}

struct ike_sa *ike_sa_new(struct ike *e, const struct ike_conn *c, bool initiator)
{
    struct ike_sa *sa = ike_sa_alloc(e);

    if (!sa)
        return NULL;
    sa->conn = c->id;
    sa->initiator = initiator;
    sa->detect_us = c->cfg.detect_us;
    sa->abandon_us = KD_MAX(c->cfg.abandon_us, c->cfg.detect_us);
    sa->keepalive_us = c->cfg.keepalive_us;
    sa->fragment_size = c->cfg.fragment_size == IKE_FRAGMENT_OFF ? 0 : c->cfg.fragment_size;
    sa->local = (struct kd_endpoint){c->cfg.local, c->cfg.port};
    sa->remote = (struct kd_endpoint){c->cfg.remote, c->cfg.port};
    ike_spi_draw(e, initiator ? sa->spi_i : sa->spi_r);
    ike_index_add_spi(e, sa);
    return sa;
}

void ike_sa_up(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    uint64_t life = c ? c->cfg.ike_life_us : 0;

    sa->state = IKE_ST_UP;
    sa->up_us = sa->proof_us = e->now_us;
    sa->end_us = KD_NEVER;
    if (life) {
        sa->expire_us = e->now_us + life;
        sa->rekey_us = e->now_us + ike_soft(e, c, life);
    }
    ike_touch(e, sa);
}

/* ---- endings ---- */

void ike_xchg_free(struct ike *e, struct ike_xchg **x)
{
    if (!*x)
        return;
    ike_ke_free(e, &(*x)->ke);
    for (unsigned i = 0; i < (*x)->n_sk; i++)
        ike_key_doom(e, &(*x)->sk[i]);
    kc_wipe(*x, sizeof(**x));
    free(*x);
    *x = NULL;
}

void ike_hs_free(struct ike *e, struct ike_sa *sa)
{
    struct ike_hs *hs = sa->hs;

    if (!hs)
        return;
    ike_ke_free(e, &hs->ke);
    ike_ppk_free(e, hs);
    ike_buf_free(&hs->init_req);
    ike_buf_free(&hs->init_resp);
    ike_buf_free(&hs->cookie);
    ike_buf_free(&hs->stash);
    ike_auth_free(e, &hs->auth);
    free(hs);
    sa->hs = NULL;
}

void ike_sa_wipe(struct ike *e, struct ike_sa *sa)
{
    ike_hs_free(e, sa);
    ike_xchg_free(e, &sa->ours);
    ike_xchg_free(e, &sa->theirs);
    ike_followup_forget(e, sa);
    ike_fragments_free(&sa->fragments[0]);
    ike_fragments_free(&sa->fragments[1]);
    ike_keys_free(e, sa);
    ike_key_doom(e, &sa->peer_token);
    ike_buf_free(&sa->tx.msg);
    ike_buf_free(&sa->tx.beside);
    sa->tx.out = false;
}

bool ike_sa_current(const struct ike *e, const struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    return c && kd_handle_eq(c->sa, sa->self);
}

static void drop_children(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c)
            ike_child_drop(e, sa, c, reason);
    }
}

/* The connection loses sa, if it was its SA or its attempt: note and retry. Told once an SA. */
static void detach(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    struct ike_conn *c = ike_conn_of(e, sa);
    bool was_sa, was_attempt;

    if (!c)
        return;
    was_sa = kd_handle_eq(c->sa, sa->self);
    was_attempt = kd_handle_eq(c->attempt, sa->self);
    if (was_sa)
        c->sa = KD_HANDLE_NONE;
    if (was_attempt)
        c->attempt = KD_HANDLE_NONE;
    ike_sa_unelected(e, c, sa);
    if (!was_sa && !was_attempt) {
        if (sa->announced)
            ike_sa_note(e, sa, IKE_NOTE_REPLACED, reason, "IKE SA %s", kd_reason_str(reason));
        return;
    }
    if (!kd_handle_none(c->sa) || !kd_handle_none(c->attempt)) {
        /* The connection still has the other one: nothing is lost yet. */
        ike_sa_note(e, sa, IKE_NOTE_REPLACED, reason, was_attempt ? "attempt" : "IKE SA");
        return;
    }
    ike_sa_note(e, sa, IKE_NOTE_CLOSED, reason, "%s",
                was_attempt ? "connection attempt" : "IKE SA");
    ike_conn_lost(e, c, reason);
}

/* The peer may never have heard our DELETE of a child that the next SA has taken over: there it is
 * said again. */
static void delete_again(struct ike *e, struct ike_sa *sa)
{
    struct ike_child *c = sa->tx.kind == IKE_XK_DEL_CHILD ? ike_child_get(e, sa->tx.child) : NULL;
    struct ike_sa *heir = c ? ike_sa_get(e, c->sa) : NULL;

    if (!heir || heir == sa)
        return;
    c->delete_sent = false;
    ike_touch(e, heir);
}

void ike_sa_drop(struct ike *e, struct ike_sa *sa, enum kd_reason reason, bool linger)
{
    if (sa->state == IKE_ST_GONE)
        return;
    delete_again(e, sa);
    ike_rival_end(e, sa, reason);
    drop_children(e, sa, reason);
    if (sa->state != IKE_ST_CLOSING)
        detach(e, sa, reason);
    ike_sa_wipe(e, sa);
    sa->state = IKE_ST_GONE;
    sa->end_us = e->now_us + IKE_LINGER_US;
    sa->dead = !linger || !sa->rx.resp.p;
    if (sa->dead) {
        ike_halfopen_del(e, sa);
        ike_index_del(e, sa);
    }
    ike_touch(e, sa);
}

void ike_sa_free(struct ike *e, struct ike_sa *sa)
{
    kd_timers_del(&e->timers, sa->self.idx * 2);
    ike_halfopen_del(e, sa);
    ike_index_del(e, sa);
    ike_buf_free(&sa->rx.resp);
    e->sa_at[sa->self.idx] = NULL;
    kd_slab_free(&e->sas, sa->self);
}

void ike_sa_close_as(struct ike *e, struct ike_sa *sa, enum kd_reason reason, enum ike_xkind how)
{
    if (sa->state == IKE_ST_GONE || sa->state == IKE_ST_CLOSING)
        return;
    if (sa->state != IKE_ST_UP && sa->state != IKE_ST_I_AUTH && sa->state != IKE_ST_I_CHECK) {
        ike_sa_drop(e, sa, reason,
                    false); /* the peer knows of nothing that would have to be deleted */
        return;
    }
    if (reason != KD_REASON_NONE)
        ike_rival_end(e, sa, reason);
    drop_children(e, sa, reason);
    detach(e, sa, reason);
    ike_halfopen_del(e, sa);
    if (!ike_rekey_undecided(sa))
        ike_xchg_free(e, &sa->ours);
    ike_xchg_free(e, &sa->theirs);
    ike_followup_forget(e, sa);
    sa->state = IKE_ST_CLOSING;
    sa->want_probe = sa->want_rekey = false;
    sa->rekey_us = sa->expire_us = sa->tx.give_up_us = KD_NEVER;
    sa->closing = how;
    sa->end_reason = reason;
    /* The answer is worth a short wait only: the peer's own liveness finds out as well. */
    sa->end_us = e->now_us + KD_MIN(KD_MAX(sa->detect_us, KD_S(1)), KD_S(10));
    ike_touch(e, sa);
}

void ike_sa_close(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    ike_sa_close_as(e, sa, reason, IKE_XK_DEL_IKE);
}
