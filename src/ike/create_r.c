/* CREATE_CHILD_SA for children, the peer's requests: new pairs and rekeyed ones. RFC 7296 1.3
 * (groups), 1.3.1, 1.3.3, 2.8, 2.17, 2.25.1.
 *
 * The answer leaves when the pair is installed: it may be used from then on. We go on sending on
 * the old one until the peer deletes it (2.8). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/keys.h"
#include "ike/sa.h"

static const struct kd_bytes none = {NULL, 0};

/* 0, or the notify that refuses to rekey; *old: the pair meant. */
static uint16_t may_rekey(struct ike *e, struct ike_sa *sa, const struct ike_notify *n,
                          struct ike_child **old)
{
    uint32_t spi;

    if (n->protocol != IKE_PROTO_ESP || n->spi.len != 4)
        return IKE_N_CHILD_SA_NOT_FOUND;
    spi = (uint32_t)n->spi.p[0] << 24 | (uint32_t)n->spi.p[1] << 16 | (uint32_t)n->spi.p[2] << 8 |
          n->spi.p[3];
    *old = ike_child_by_spi_out(e, sa, spi);
    if (!*old && ike_child_pending(sa)) /* it may be the one whose answer we wait for */
        return IKE_N_TEMPORARY_FAILURE;
    if (!*old || (*old)->state == IKE_CH_OLD)
        return IKE_N_CHILD_SA_NOT_FOUND;
    if ((*old)->state != IKE_CH_UP || (*old)->redundant || ike_child_successor(e, *old))
        return IKE_N_TEMPORARY_FAILURE;
    return 0;
}

static void refuse(struct ike *e, struct ike_sa *sa, uint16_t type, const struct ike_notify *rekey)
{
    bool named = type == IKE_N_CHILD_SA_NOT_FOUND && rekey; /* with the SPI copied (2.25) */

    ike_xchg_free(e, &sa->theirs);
    ike_put_notify(ike_response(e, sa), named ? rekey->protocol : IKE_PROTO_NONE,
                   named ? rekey->spi : none, type, none);
    ike_response_send(e, sa);
}

void ike_create_theirs_refuse(struct ike *e, struct ike_sa *sa, uint16_t type)
{
    struct ike_child *c = ike_child_get(e, sa->theirs->child);

    if (c)
        ike_child_drop(e, sa, c, KD_REASON_NONE);
    refuse(e, sa, type, NULL);
}

static void install(struct ike *e, struct ike_sa *sa)
{
    struct ike_xchg *x = sa->theirs;
    struct ike_child *c;

    if (!x->spi) /* else the peer has been told */
        x->spi = ike_child_spi(e);
    c = ike_child_new(e, sa, &x->suite, x->spi, x->spi_peer, false);
    if (!c) {
        refuse(e, sa, IKE_N_NO_ADDITIONAL_SAS, NULL);
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
        ike_create_theirs_refuse(e, sa, IKE_N_TEMPORARY_FAILURE);
}

/* What the peer wants, checked; 0 when x is complete. A chosen proposal without a group: the
 * peer's KE is ignored, and none is answered (1.3). */
static uint16_t negotiate(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                          struct ike_xchg *x)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_match match;
    uint16_t err;

    if (!c || !ike_nonce_set(&x->ni, m->nonce))
        return IKE_N_TEMPORARY_FAILURE;
    ike_nonce_draw(e, &x->nr, IKE_NONCE_LEN);
    err = ike_child_select(e, sa, c, m, 0, &x->suite, &x->spi_peer);
    if (!err)
        err = ike_child_narrow(e, sa, c, m, &match);
    if (!err) {
        x->conf = match.conf;
        x->more_ts = match.more;
        x->local = match.local;
        x->remote = match.remote;
    }
    if (!err && x->suite.dh && m->ke.group != x->suite.dh->id)
        err = IKE_N_INVALID_KE_PAYLOAD;
    return err;
}

static void refuse_group(struct ike *e, struct ike_sa *sa, const struct kc_alg *dh)
{
    const uint8_t group[2] = {(uint8_t)(dh->id >> 8), (uint8_t)dh->id};

    ike_xchg_free(e, &sa->theirs);
    ike_response_notify(e, sa, IKE_N_INVALID_KE_PAYLOAD, kd_bytes(group, 2));
}

/* 2.25.2: the IKE SA is on its way out, or about to be. 0 when it is not. */
static uint16_t may_create(const struct ike_sa *sa)
{
    bool rekeying = sa->ours && sa->ours->kind == IKE_XK_REKEY_IKE && sa->ours->sent;

    return sa->successor || sa->redundant || rekeying ? IKE_N_TEMPORARY_FAILURE : 0;
}

void ike_child_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *rekey = ike_msg_notify(m, IKE_N_REKEY_SA);
    struct ike_child *old = NULL;
    struct ike_xchg *x;
    uint16_t err;

    ike_followup_forget(e, sa); /* the peer has begun anew */
    ike_rekey_settle(e, sa);
    err = may_create(sa);
    if (!err && rekey)
        err = may_rekey(e, sa, rekey, &old);
    x = err ? NULL : (sa->theirs = ike_xchg_new(e, IKE_XK_CHILD));
    if (!err)
        err = x ? negotiate(e, sa, m, x) : IKE_N_TEMPORARY_FAILURE;
    if (err == IKE_N_INVALID_KE_PAYLOAD) {
        refuse_group(e, sa, x->suite.dh);
        return;
    }
    if (err) {
        refuse(e, sa, err, rekey);
        if (err == IKE_N_INVALID_SYNTAX) /* fatal at both ends (2.21.3) */
            ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, true);
        return;
    }
    x->old = old ? old->self : KD_HANDLE_NONE;
    if (old && sa->ours && !sa->ours->sent && kd_handle_eq(sa->ours->old, old->self))
        ike_xchg_free(e, &sa->ours); /* the peer was faster */
    if (!x->suite.dh) {
        install(e, sa);
        return;
    }
    if (!ike_ke_keygen(e, sa, &x->ke, x->suite.dh) || m->ke.data.len != x->suite.dh->pub_len) {
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, NULL);
        return;
    }
    memcpy(x->ke.peer, m->ke.data.p, m->ke.data.len);
    x->ke.peer_len = (uint16_t)m->ke.data.len;
}

void ike_create_theirs_job(struct ike *e, struct ike_sa *sa, bool ok)
{
    struct ike_ke *ke = &sa->theirs->ke;

    if (ok && !kd_handle_none(ke->secret)) {
        if (!ike_followup_more(e, sa, sa->theirs))
            install(e, sa);
    } else if (!ok || !ike_ke_shared(e, sa, ke, kd_bytes(ke->peer, ke->peer_len)))
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, NULL);
}

void ike_create_theirs_put(struct ike_build *b, const struct ike_xchg *x)
{
    uint8_t spi[4];

    ike_child_spi_put(spi, x->spi);
    ike_put_sa_answer(b, &x->suite, IKE_PROTO_ESP, kd_bytes(spi, 4), true);
    ike_put_nonce(b, ike_nonce_bytes(&x->nr));
    if (x->ke.dh)
        ike_put_ke(b, x->ke.dh->id, kd_bytes(x->ke.pub, x->ke.pub_len));
    ike_put_ts(b, IKE_PL_TSI, &x->remote);
    ike_put_ts(b, IKE_PL_TSR, &x->local);
    if (x->more_ts)
        ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_ADDITIONAL_TS_POSSIBLE, none);
}

static void installed(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_child *old = ike_child_get(e, sa->theirs->old);

    ike_followup_put(ike_response(e, sa), sa->theirs);
    ike_response_send(e, sa);
    ike_collide_noted(sa, c);
    ike_xchg_free(e, &sa->theirs);
    ike_child_up(e, sa, c);
    if (old && old->state == IKE_CH_UP) {
        c->replaces = old->self;
        c->birth = old->birth;
        old->replaced_by = c->self;
        old->want_rekey = false;
        old->rekey_us = KD_NEVER;
        old->end_us = e->now_us + IKE_PREDECESSOR_US; /* the peer's time to delete it */
    } else {
        ike_child_use(e, sa, c);
        if (!old)
            ike_children_double(e, sa, c);
    }
}

void ike_create_theirs_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok)
{
    if (ok)
        installed(e, sa, c);
    else
        ike_create_theirs_refuse(e, sa, IKE_N_TEMPORARY_FAILURE);
}
