/* CREATE_CHILD_SA for the IKE SA itself, both roles. RFC 7296 1.3.2, 2.8, 2.18, 2.25.2.
 *
 * Who asked deletes the old IKE SA; the other end keeps it until that DELETE, answering on it.
 * Children change hands when the new SA is made; but where both ends have asked, when it is known
 * which of the two new ones stays (succeed.c). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/sa.h"

static const struct kd_bytes none = {NULL, 0};

/* ---- ours ---- */

static void retry_later(struct ike *e, struct ike_sa *sa)
{
    ike_xchg_free(e, &sa->ours);
    sa->rekey_us = ike_later(e, sa, sa->expire_us);
    ike_touch(e, sa);
}

static void start(struct ike *e, struct ike_sa *sa, const struct kc_alg *dh, uint32_t groups_tried)
{
    struct ike_xchg *x = sa->ours = ike_xchg_new(e, IKE_XK_REKEY_IKE);

    if (!x)
        return;
    x->groups_tried = groups_tried;
    if (!ike_ke_keygen(e, sa, &x->ke, dh))
        retry_later(e, sa);
    ike_touch(e, sa);
}

void ike_rekey_start(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    if (!c || sa->ours)
        return;
    start(e, sa,
          ike_proposals_have_dh(&c->cfg.ike, sa->suite.dh->id)
              ? sa->suite.dh
              : ike_proposals_first_dh(&c->cfg.ike),
          0);
}

void ike_rekey_request(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_xchg *x = sa->ours;
    struct ike_build *b;

    if (!c) {
        ike_xchg_free(e, &sa->ours);
        return;
    }
    ike_spi_draw(e, x->spi_i);
    b = ike_request(e, sa, IKE_X_CREATE_CHILD_SA);
    ike_put_sa(b, &c->cfg.ike, IKE_PROTO_IKE, kd_bytes(x->spi_i, IKE_SPI_LEN), false);
    ike_put_nonce(b, ike_nonce_bytes(&x->ni));
    ike_put_ke(b, x->ke.dh->id, kd_bytes(x->ke.pub, x->ke.pub_len));
    x->sent = ike_request_send(e, sa, IKE_XK_REKEY_IKE);
    if (!x->sent)
        retry_later(e, sa);
}

static void disagree(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    ike_xchg_free(e, &sa->ours);
    ike_sa_close(e, sa, reason);
}

void ike_rekey_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_xchg *x = sa->ours;
    struct ike_proposals answer;
    uint8_t len = 0;

    if (!x || !c)
        return;
    sa->temporary = 0;
    if (!ike_proposals_parse(m->sa, &answer, NULL, NULL) || !ike_nonce_set(&x->nr, m->nonce))
        disagree(e, sa, KD_REASON_INVALID_SYNTAX);
    else if (!ike_proposal_accept(&answer, &c->cfg.ike, IKE_PROTO_IKE, IKE_SELECT_REKEY_IKE,
                                  &x->suite, x->spi_r, &len) ||
             len != IKE_SPI_LEN)
        disagree(e, sa, KD_REASON_NO_PROPOSAL);
    else if (x->suite.dh != x->ke.dh || m->ke.group != x->ke.dh->id ||
             !ike_ke_shared(e, sa, &x->ke, m->ke.data))
        disagree(e, sa, KD_REASON_INVALID_KE);
    else if (!ike_followup_linked(x, m))
        disagree(e, sa, KD_REASON_PROTOCOL_ERROR);
}

bool ike_rekey_undecided(const struct ike_sa *sa)
{
    const struct ike_xchg *x = sa->ours;
    bool asked = sa->tx.out && (sa->tx.kind == IKE_XK_REKEY_IKE || sa->tx.kind == IKE_XK_FOLLOWUP);

    return x && x->kind == IKE_XK_REKEY_IKE && x->sent && (asked || !kd_handle_none(x->ke.job));
}

static void refuse(struct ike *e, struct ike_sa *sa, uint16_t type, struct kd_bytes data)
{
    ike_xchg_free(e, &sa->theirs);
    ike_response_notify(e, sa, type, data);
}

static void ours_done(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa *new;

    /* The peer's own rekey comes too late: this SA is about to be closed (2.25.2), and its refusal
     * tells the peer that ours stays. */
    if (sa->theirs)
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, none);
    new = ike_sa_beget(e, sa, sa->ours, true);
    if (!new) {
        disagree(e, sa, KD_REASON_NO_RESOURCES);
        return;
    }
    ike_xchg_free(e, &sa->ours);
    if (sa->state == IKE_ST_CLOSING)
        ike_sa_close(e, new, sa->end_reason);
    else
        ike_sa_rekeyed(e, sa, new);
}

/* It is rekeyed all the same where the peer's own exchange is complete: true. */
static bool peer_has(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa *rival = ike_sa_get(e, sa->rival);

    if (!sa->successor && !(rival && rival->waiting))
        return false;
    ike_xchg_free(e, &sa->ours);
    if (!sa->successor)
        ike_sa_adopt(e, sa, rival);
    return true;
}

static void note_peer_refused(struct ike *e, struct ike_sa *sa, uint16_t type, uint16_t group)
{
    struct ike_action *a = ike_note_peer_refused(e, sa, type, NULL);

    if (!a)
        return;
    a->rekey = true;
    a->group = group;
}

void ike_rekey_refused(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *err = ike_msg_error(m);
    const struct ike_conn *c = ike_conn_of(e, sa);
    uint16_t type = err ? err->type : IKE_N_INVALID_SYNTAX;
    uint16_t group = ike_wanted_group(m);
    uint32_t bit = group && group < 32 ? UINT32_C(1) << group : 0;

    if (!sa->ours || !c)
        return;
    if (type == IKE_N_INVALID_SYNTAX) {
        ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, false);
        return;
    }
    if (peer_has(e, sa))
        return;
    if (bit && !(sa->ours->groups_tried & bit) && ike_proposals_have_dh(&c->cfg.ike, group)) {
        bit |= sa->ours->groups_tried;
        ike_xchg_free(e, &sa->ours);
        start(e, sa, kc_alg_find(KC_DH, group, 0), bit);
        return;
    }
    if (type != IKE_N_TEMPORARY_FAILURE)
        note_peer_refused(e, sa, type, group);
    else if (!ike_temporary(e, sa))
        return;
    if (!sa->ordered || type == IKE_N_TEMPORARY_FAILURE)
        retry_later(e, sa);
    else
        ike_xchg_free(e, &sa->ours); /* its own time stands */
    sa->ordered = sa->ordered && type == IKE_N_TEMPORARY_FAILURE;
}

/* ---- theirs ---- */

/* 2.25: no child of ours may be half way; our own rekey may (2.8.2). What has not been sent yet
 * gives way. */
static bool may_rekey(struct ike *e, struct ike_sa *sa)
{
    bool sent = sa->ours && sa->ours->sent;
    struct ike_child *old;

    if (sa->successor || sa->redundant || sa->hs || ike_sa_get(e, sa->rival) ||
        (sent && sa->ours->kind != IKE_XK_REKEY_IKE) ||
        (sa->tx.out && sa->tx.kind == IKE_XK_DEL_CHILD))
        return false;
    if (sa->ours && !sent) {
        old = ike_child_get(e, sa->ours->old);
        if (old)
            old->want_rekey = true; /* on the new SA */
        ike_xchg_free(e, &sa->ours);
    }
    return true;
}

static void note_refused(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                         const struct ike_proposals *offered)
{
    char theirs[2048], ours[2048];
    struct ike_action *a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_NO_PROPOSAL,
                                       "peer's IKE rekey offers nothing that is configured");

    ike_note_offer(e, a, ike_proposals_text(offered, theirs, sizeof(theirs)),
                   ike_proposals_text(&c->cfg.ike, ours, sizeof(ours)));
    ike_note_lists(e, a, IKE_PROTO_IKE, offered, &c->cfg.ike);
    if (a)
        a->rekey = true;
}

void ike_rekey_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_proposals offered;
    struct ike_xchg *x;
    uint8_t len = 0;

    ike_followup_forget(e, sa); /* the peer has begun anew */
    ike_rekey_settle(e, sa);
    if (!c || !may_rekey(e, sa) || !(x = sa->theirs = ike_xchg_new(e, IKE_XK_REKEY_IKE))) {
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, none);
        return;
    }
    x->nr = x->ni; /* the nonce that was drawn is the responder's */
    if (!ike_nonce_set(&x->ni, m->nonce) || !ike_proposals_parse(m->sa, &offered, NULL, NULL)) {
        refuse(e, sa, IKE_N_INVALID_SYNTAX, none);
        ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, true);
        return;
    }
    if (!ike_proposal_select(&offered, &c->cfg.ike, IKE_PROTO_IKE, IKE_SELECT_REKEY_IKE, &x->suite,
                             x->spi_i, &len) ||
        len != IKE_SPI_LEN || !x->suite.dh) {
        note_refused(e, sa, c, &offered);
        refuse(e, sa, IKE_N_NO_PROPOSAL_CHOSEN, none);
        return;
    }
    if (m->ke.group != x->suite.dh->id) {
        const uint8_t group[2] = {(uint8_t)(x->suite.dh->id >> 8), (uint8_t)x->suite.dh->id};
        refuse(e, sa, IKE_N_INVALID_KE_PAYLOAD, kd_bytes(group, 2));
        return;
    }
    if (m->ke.data.len != x->suite.dh->pub_len || !ike_ke_keygen(e, sa, &x->ke, x->suite.dh)) {
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, none);
        return;
    }
    memcpy(x->ke.peer, m->ke.data.p, m->ke.data.len);
    x->ke.peer_len = (uint16_t)m->ke.data.len;
    ike_spi_draw(e, x->spi_r);
}

void ike_rekey_put(struct ike_build *b, const struct ike_xchg *x)
{
    ike_put_sa_answer(b, &x->suite, IKE_PROTO_IKE, kd_bytes(x->spi_r, IKE_SPI_LEN), true);
    ike_put_nonce(b, ike_nonce_bytes(&x->nr));
    ike_put_ke(b, x->ke.dh->id, kd_bytes(x->ke.pub, x->ke.pub_len));
}

static void theirs_done(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa *new = ike_sa_beget(e, sa, sa->theirs, false);

    if (!new) {
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, none);
        return;
    }
    ike_followup_put(ike_response(e, sa), sa->theirs);
    ike_response_send(e, sa);
    ike_xchg_free(e, &sa->theirs);
    if (sa->ours && sa->ours->sent)
        ike_sa_wait(sa, new);
    else
        ike_sa_adopt(e, sa, new);
}

/* ---- jobs of both ---- */

static void job_failed(struct ike *e, struct ike_sa *sa, const struct ike_xchg *x)
{
    if (x == sa->theirs)
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, none);
    else if (x->sent)
        disagree(e, sa, KD_REASON_PROTOCOL_ERROR);
    else
        retry_later(e, sa);
}

void ike_rekey_job(struct ike *e, struct ike_sa *sa, struct ike_xchg *x, const struct ike_event *ev)
{
    bool shared = !kd_handle_none(x->ke.secret);

    if (ev->job_status != KC_JOB_OK) {
        job_failed(e, sa, x);
    } else if (shared && ike_followup_more(e, sa, x)) {
        return;
    } else if (x == sa->ours) {
        if (shared)
            ours_done(e, sa);
        else
            x->ready = true;
    } else if (shared) {
        theirs_done(e, sa);
    } else if (!ike_ke_shared(e, sa, &x->ke, kd_bytes(x->ke.peer, x->ke.peer_len))) {
        job_failed(e, sa, x);
    }
}
