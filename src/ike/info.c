/* INFORMATIONAL: probes, deletions and errors, asked and answered. RFC 7296 1.4, 1.4.1, 2.4,
 * 2.25.1; 4555 3.7 (COOKIE2 is echoed, MOBIKE itself is not spoken). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/guard.h"
#include "ike/out.h"
#include "ike/sa.h"

static enum kd_reason fatal_error(const struct ike_msg *m)
{
    if (ike_msg_notify(m, IKE_N_AUTHENTICATION_FAILED))
        return KD_REASON_AUTH_FAILED;
    if (ike_msg_notify(m, IKE_N_INVALID_SYNTAX))
        return KD_REASON_INVALID_SYNTAX;
    return KD_REASON_NONE;
}

static void echo_cookie2(struct ike_build *b, const struct ike_msg *m)
{
    const struct ike_notify *n = ike_msg_notify(m, IKE_N_COOKIE2);

    if (n)
        ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), IKE_N_COOKIE2, n->data);
}

/* One of the peer's pairs goes. True when its other half has to be named in the answer: not when
 * our own DELETE for it is on its way (2.25.1). */
static bool delete_pair(struct ike *e, struct ike_sa *sa, uint32_t spi_out, uint32_t *spi_in)
{
    struct ike_child *c = ike_child_by_spi_out(e, sa, spi_out);
    struct ike_child *heir;
    bool named;

    if (!c && ike_child_pending(sa) && sa->ours->n_gone < KD_ARRAY_LEN(sa->ours->gone))
        sa->ours->gone[sa->ours->n_gone++] = spi_out;
    if (!c || c->state == IKE_CH_OLD)
        return false;
    *spi_in = c->spi_in;
    named = c->state != IKE_CH_DELETING;
    heir = named ? ike_child_heir(e, c) : ike_child_successor(e, c);
    if (sa->ours && kd_handle_eq(sa->ours->rival, c->self) && !ike_child_successor(e, c))
        sa->ours->rival = KD_HANDLE_NONE; /* the peer has lost, or thinks so */
    if (heir) /* 2.8: whoever rekeyed deletes the old pair: the new one receives */
        ike_child_inherit(e, sa, c, heir);
    else if (named) {
        ike_children_stand_in(e, sa, c);
        ike_child_drop(e, sa, c, KD_REASON_PEER_DELETED);
    }
    return named;
}

static void answer(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    uint32_t spi[IKE_SA_CHILDREN];
    uint16_t n = 0;
    struct ike_sa *holder;
    struct ike_build *b;

    if (m->n_deletes)
        ike_rekey_settle(e, sa);
    holder = ike_sa_holder(e, sa);
    for (unsigned d = 0; d < m->n_deletes; d++) {
        const struct ike_delete *del = &m->deletes[d];
        for (uint16_t i = 0; del->protocol == IKE_PROTO_ESP && i < del->n; i++)
            if (n < IKE_SA_CHILDREN && delete_pair(e, holder, ike_delete_spi(del, i), &spi[n]))
                n++;
    }
    b = ike_response(e, sa);
    if (n)
        ike_put_delete(b, IKE_PROTO_ESP, spi, n);
    echo_cookie2(b, m);
    ike_response_send(e, sa);
    if (n)
        ike_childless(e, holder, KD_REASON_PEER_DELETED);
}

static bool deletes_ike(const struct ike_msg *m)
{
    for (unsigned d = 0; d < m->n_deletes; d++)
        if (m->deletes[d].protocol == IKE_PROTO_IKE)
            return true;
    return false;
}

void ike_info_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    enum kd_reason error = fatal_error(m);

    if (!deletes_ike(m) && error == KD_REASON_NONE) {
        ike_qcd_take(e, sa, m);
        answer(e, sa, m);
        return;
    }
    /* An empty answer; then nothing is left but to repeat it (1.4.1, 2.21.2, 2.25.2). */
    (void)ike_response(e, sa);
    ike_response_send(e, sa);
    if (error == KD_REASON_AUTH_FAILED)
        ike_note_peer_refused(e, sa, IKE_N_AUTHENTICATION_FAILED, NULL);
    /* 2.8.2: the peer had rekeyed it before it heard of our own rekey. */
    ike_rekey_forget(e, sa);
    if (sa->state == IKE_ST_UP && (sa->successor || sa->waiting))
        ike_sa_drop(e, sa, KD_REASON_NONE, true);
    else
        ike_sa_drop(e, sa, error ? error : KD_REASON_PEER_DELETED, true);
}

/* ---- answers to our requests ---- */

/* ike_proof() has done all there is; an error in the answer means that the peer has another
 * view. */
void ike_probe_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    if (ike_msg_notify(m, IKE_N_INVALID_SYNTAX))
        ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, false);
}

void ike_child_deleted(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_child *c = ike_child_get(e, sa->tx.child);

    sa->tx.child = KD_HANDLE_NONE;
    if (ike_msg_notify(m, IKE_N_INVALID_SYNTAX)) {
        ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, false);
        return;
    }
    if (!c || c->state != IKE_CH_DELETING)
        return;
    sa = ike_sa_holder(e, sa); /* which may have been rekeyed meanwhile */
    if (c->installed) /* rekeyed: packets may still be under way */
        ike_child_retire(e, sa, c, c->down);
    else
        ike_child_drop(e, sa, c, KD_REASON_EXPIRED);
    ike_childless(e, sa, KD_REASON_EXPIRED);
}

void ike_ike_deleted(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    (void)m;
    ike_sa_drop(e, sa, sa->end_reason, true);
}
