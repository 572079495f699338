/* CREATE_CHILD_SA for children, our requests: new pairs and rekeyed ones, with and without their
 * own Diffie-Hellman exchange. RFC 7296 1.3.1, 1.3.3, 2.8, 2.17, 2.25.
 *
 * The answer may be late: meanwhile the peer knows a pair that we don't. Its request to rekey that
 * one is put off (create_r.c), its DELETE of it is remembered until the answer comes (info.c). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/sa.h"

static const struct kd_bytes none = {NULL, 0};

static void start(struct ike *e, struct ike_sa *sa, uint8_t conf, struct kd_handle old,
                  const struct kc_alg *dh, uint32_t groups_tried)
{
    struct ike_xchg *x = sa->ours = ike_xchg_new(e, IKE_XK_CHILD);

    if (!x)
        return;
    x->conf = conf;
    x->old = old;
    x->groups_tried = groups_tried;
    x->ready = !dh;
    if (dh && !ike_ke_keygen(e, sa, &x->ke, dh)) {
        ike_xchg_free(e, &sa->ours);
        ike_child_rekey_later(e, sa, old);
    }
    ike_touch(e, sa);
}

void ike_child_rekey_later(struct ike *e, struct ike_sa *sa, struct kd_handle old)
{
    struct ike_child *c = ike_child_get(e, old);

    if (c && c->state == IKE_CH_UP && !ike_child_successor(e, c))
        c->rekey_us = ike_later(e, sa, c->expire_us);
    ike_touch(e, sa);
}

void ike_child_rekey_start(struct ike *e, struct ike_sa *sa, struct ike_child *old)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    if (c && !sa->ours)
        start(e, sa, old->conf, old->self, ike_proposals_first_dh(&c->cfg.esp), 0);
}

void ike_child_start(struct ike *e, struct ike_sa *sa, uint8_t conf)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    if (c && !sa->ours)
        start(e, sa, conf, KD_HANDLE_NONE, ike_proposals_first_dh(&c->cfg.esp), 0);
}

void ike_child_request(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_xchg *x = sa->ours;
    struct ike_child *old = ike_child_get(e, x->old);
    const struct ike_child_config *want;
    bool keep_ts;
    struct ike_build *b;
    uint8_t spi[4];

    if (!c || (kd_handle_none(x->old) ? ike_children_have(e, sa, x->conf)
                                      : !old || old->state != IKE_CH_UP)) {
        ike_xchg_free(e, &sa->ours); /* the peer has made it, or deleted what was to be rekeyed */
        return;
    }
    want = &c->cfg.child[x->conf];
    x->spi = ike_child_spi(e);
    b = ike_request(e, sa, IKE_X_CREATE_CHILD_SA);
    if (old) {
        ike_child_spi_put(spi, old->spi_in);
        ike_put_notify(b, IKE_PROTO_ESP, kd_bytes(spi, 4), IKE_N_REKEY_SA, none);
    }
    ike_child_spi_put(spi, x->spi);
    ike_put_sa(b, &c->cfg.esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    ike_put_nonce(b, ike_nonce_bytes(&x->ni));
    if (x->ke.dh)
        ike_put_ke(b, x->ke.dh->id, kd_bytes(x->ke.pub, x->ke.pub_len));
    /* The configured selectors again, not the narrowed ones (2.9.2); but who took the peer's
     * whole offer has nothing wider, and of a child that the peer has split each part is asked for
     * as it is. */
    keep_ts = old && (c->cfg.accept_any_ts || ike_children_split(e, sa, old));
    ike_put_ts(b, IKE_PL_TSI, keep_ts ? &old->ts_local : &want->local_ts);
    ike_put_ts(b, IKE_PL_TSR, keep_ts ? &old->ts_remote : &want->remote_ts);
    x->sent = ike_request_send(e, sa, IKE_XK_CHILD);
    if (!x->sent)
        ike_xchg_free(e, &sa->ours);
}

bool ike_child_pending(const struct ike_sa *sa)
{
    return sa->ours && sa->ours->kind == IKE_XK_CHILD && sa->ours->sent;
}

/* ---- answered ---- */

/* The peer made the pair, and had deleted it again before its answer came through. */
static bool already_gone(const struct ike_xchg *x)
{
    for (unsigned i = 0; i < x->n_gone; i++)
        if (x->gone[i] == x->spi_peer)
            return true;
    return false;
}

static void give_up(struct ike *e, struct ike_sa *sa)
{
    struct kd_handle old = sa->ours->old;

    ike_xchg_free(e, &sa->ours);
    ike_child_rekey_later(e, sa, old);
    ike_childless(e, sa, KD_REASON_PEER_DELETED);
}

/* The answer can't be used, the peer believes otherwise: the ends don't agree (2.21.3). */
static void disagree(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    ike_xchg_free(e, &sa->ours);
    ike_sa_close(e, sa, reason);
}

static void install(struct ike *e, struct ike_sa *sa)
{
    struct ike_xchg *x = sa->ours;
    struct ike_child *c;

    if (already_gone(x)) {
        give_up(e, sa);
        return;
    }
    c = ike_child_new(e, sa, &x->suite, x->spi, x->spi_peer, true);
    if (!c) {
        disagree(e, sa, KD_REASON_NO_RESOURCES);
        return;
    }
    c->conf = x->conf;
    c->birth.low = c->nonce_low = *ike_nonce_lower(&x->ni, &x->nr);
    c->ts_local = x->local;
    c->ts_remote = x->remote;
    x->child = c->self;
    if (ike_keys_child(e, sa, c, &x->ni, &x->nr, x->sk, x->n_sk))
        ike_child_install(e, sa, c);
    else
        disagree(e, sa, KD_REASON_NO_RESOURCES);
}

void ike_child_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_xchg *x = sa->ours;
    enum kd_reason reason;

    if (!x || !c)
        return;
    sa->temporary = 0;
    reason =
        ike_child_accept(e, sa, c, x->conf, m, 0, &x->suite, &x->spi_peer, &x->local, &x->remote);
    if (reason == KD_REASON_NONE && !ike_nonce_set(&x->nr, m->nonce))
        reason = KD_REASON_INVALID_SYNTAX;
    if (reason == KD_REASON_NONE && x->suite.dh &&
        (x->suite.dh != x->ke.dh || m->ke.group != x->ke.dh->id ||
         !ike_ke_shared(e, sa, &x->ke, m->ke.data)))
        reason = KD_REASON_INVALID_KE;
    if (reason == KD_REASON_NONE && !ike_followup_linked(x, m))
        reason = KD_REASON_PROTOCOL_ERROR;
    if (reason != KD_REASON_NONE)
        disagree(e, sa, reason);
    else if (!x->suite.dh)
        install(e, sa);
}

void ike_create_ours_job(struct ike *e, struct ike_sa *sa, bool ok)
{
    struct ike_xchg *x = sa->ours;
    struct kd_handle old = x->old;

    if (!ok && x->sent) {
        disagree(e, sa, KD_REASON_PROTOCOL_ERROR);
    } else if (!ok) {
        ike_xchg_free(e, &sa->ours);
        ike_child_rekey_later(e, sa, old);
    } else if (kd_handle_none(x->ke.secret)) {
        x->ready = true;
    } else if (!ike_followup_more(e, sa, x)) {
        install(e, sa);
    }
}

static void installed(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_child *old = ike_child_get(e, sa->ours->old);
    struct ike_child *rival = ike_child_get(e, sa->ours->rival);
    bool lost;

    /* The peer's own rekey comes too late: the old pair is about to be closed (2.25.1), and its
     * refusal tells the peer that ours stays. */
    if (sa->theirs && ike_collides(sa, sa->theirs->old))
        ike_create_theirs_refuse(e, sa, IKE_N_TEMPORARY_FAILURE);
    lost = ike_collide_lost(e, sa->ours);
    c->replaces = sa->ours->old;
    ike_xchg_free(e, &sa->ours);
    if (lost) { /* it has never been in use, but the peer may use what it made */
        ike_child_delete(e, sa, c, KD_REASON_COLLISION);
        return;
    }
    ike_child_up(e, sa, c);
    ike_child_use(e, sa, c);
    if (rival)
        ike_collide_won(e, sa, c, rival);
    if (!old) {
        ike_children_double(e, sa, c);
        return;
    }
    old->replaced_by = c->self;
    c->birth = old->birth;
    ike_child_delete(e, sa, old, KD_REASON_NONE);
    ike_children_double(e, sa, c); /* while it was rekeyed another may have come */
}

void ike_create_ours_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok)
{
    struct kd_handle old = sa->ours->old;

    if (ok) {
        installed(e, sa, c);
        return;
    }
    ike_xchg_free(e, &sa->ours);
    ike_child_delete(e, sa, c, KD_REASON_KERNEL_REFUSED);
    ike_child_rekey_later(e, sa, old);
}

/* ---- refused ---- */

/* Another group, once each; true when the exchange has begun anew. */
static bool other_group(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    uint16_t group = ike_wanted_group(m);
    uint32_t bit = group && group < 32 ? UINT32_C(1) << group : 0;
    uint32_t tried = sa->ours->groups_tried;
    uint8_t conf = sa->ours->conf;
    struct kd_handle old = sa->ours->old;

    if (!bit || !c || (tried & bit) || !ike_proposals_have_dh(&c->cfg.esp, group))
        return false;
    ike_xchg_free(e, &sa->ours);
    start(e, sa, conf, old, kc_alg_find(KC_DH, group, 0), tried | bit);
    return true;
}

/* 2.25: the pair is forgotten, and another begun from scratch; unless the peer has already made one
 * in its place (2.8.1: it rekeyed the pair before our request came). */
static void not_found(struct ike *e, struct ike_sa *sa, struct ike_child *old, uint8_t conf)
{
    if (old->state != IKE_CH_UP || ike_child_successor(e, old))
        return;
    ike_child_drop(e, sa, old, KD_REASON_PEER_DELETED);
    if (!ike_children_have(e, sa, conf))
        ike_child_start(e, sa, conf);
}

static void note_refused(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, uint16_t type,
                         const struct ike_child *old, const struct ike_child_config *want)
{
    struct ike_action *a = ike_note_peer_refused(e, sa, type, want);

    if (!a)
        return;
    a->rekey = old != NULL;
    a->group = ike_wanted_group(m);
}

void ike_child_refused(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *err = ike_msg_error(m);
    uint16_t type = err ? err->type : IKE_N_INVALID_SYNTAX;
    struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_child *old;
    uint8_t conf;

    if (!sa->ours || !c)
        return;
    if (type == IKE_N_INVALID_SYNTAX) {
        ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, false);
        return;
    }
    if (type == IKE_N_INVALID_KE_PAYLOAD && other_group(e, sa, m))
        return;
    old = ike_child_get(e, sa->ours->old);
    conf = sa->ours->conf;
    ike_xchg_free(e, &sa->ours);
    if (type == IKE_N_CHILD_SA_NOT_FOUND && old) {
        not_found(e, sa, old, conf);
        return;
    }
    if (type != IKE_N_TEMPORARY_FAILURE)
        note_refused(e, sa, m, type, old, &c->cfg.child[conf]);
    else if (!ike_temporary(e, sa))
        return;
    if (old)
        old->refused = type != IKE_N_TEMPORARY_FAILURE;
    else
        ike_children_refused(e, c, conf, type);
    if (old && old->ordered && type != IKE_N_TEMPORARY_FAILURE)
        old->ordered = false;
    else if (old &&
             type !=
                 IKE_N_NO_ADDITIONAL_SAS) /* else it ends at its lifetime, and all begins anew */
        ike_child_rekey_later(e, sa, old->self);
    ike_childless(e, sa, ike_notify_reason(type));
}
