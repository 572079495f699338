/* Further key exchanges of a CREATE_CHILD_SA exchange (RFC 9370 2.2.4), both roles, for children
 * and for the IKE SA: IKE_FOLLOWUP_KE, one for each, bound together by a link that the responder
 * draws.
 *
 *   ours    CREATE_CHILD_SA answered, N(link) -> secret -> keygen job, request(link), answer(link)
 *           -> secret -> again, or what follows a lone key exchange
 *   theirs  CREATE_CHILD_SA: values and secret, answer with N(link); the exchange rests in
 * sa->later until the link comes back -> again, or what follows a lone one, whose answer is KE
 * alone
 *
 * The exchange as such stays create.c's and rekey.c's. One exchange of the peer rests at most (the
 * window is 1); it gives way to the next one that begins, and is forgotten after REST_US. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/sa.h"

#define REST_US  KD_S(60) /* a peer that goes on at all has done so by then */
#define LINK_LEN 8        /* ours; it names, it is no secret */

static const struct kd_bytes none = {NULL, 0};

/* The next one that is due behind SK(0) to SK(n_sk - 1); NULL: none. */
static const struct kc_alg *next(const struct ike_xchg *x)
{
    unsigned left = x->n_sk - 1u;

    for (unsigned i = 0; i < IKE_ADDKE_MAX; i++)
        if (x->suite.addke[i] && left-- == 0)
            return x->suite.addke[i];
    return NULL;
}

static void keep_secret(struct ike_xchg *x)
{
    kd_assert(x->n_sk <= IKE_ADDKE_MAX && !kd_handle_none(x->ke.secret));
    x->sk[x->n_sk++] = x->ke.secret;
    x->ke.secret = KD_HANDLE_NONE;
}

static void put_ke(struct ike_build *b, const struct ike_xchg *x)
{
    ike_put_ke(b, x->ke.dh->id, kd_bytes(x->ke.pub, x->ke.pub_len));
}

static void put_link(struct ike_build *b, const struct ike_xchg *x)
{
    ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_ADDITIONAL_KEY_EXCHANGE,
                   kd_bytes(x->link, x->link_len));
}

/* ---- ours ---- */

bool ike_followup_linked(struct ike_xchg *x, const struct ike_msg *m)
{
    const struct ike_notify *n = ike_msg_notify(m, IKE_N_ADDITIONAL_KEY_EXCHANGE);
    unsigned due = 0;

    for (unsigned i = 0; i < IKE_ADDKE_MAX; i++)
        due += x->suite.addke[i] != NULL;
    if (x->n_sk >= due) /* the one that is being answered is the last */
        return true;
    if (!n || n->data.len > sizeof(x->link))
        return false;
    memcpy(x->link, n->data.p, n->data.len);
    x->link_len = (uint16_t)n->data.len;
    return true;
}

void ike_followup_request(struct ike *e, struct ike_sa *sa)
{
    struct ike_xchg *x = sa->ours;
    struct ike_build *b = ike_request(e, sa, IKE_X_FOLLOWUP_KE);

    x->ready = false;
    put_ke(b, x);
    put_link(b, x);
    if (!ike_request_send(e, sa, IKE_XK_FOLLOWUP))
        ike_sa_close(e, sa, KD_REASON_NO_RESOURCES);
}

void ike_followup_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_xchg *x = sa->ours;
    enum kd_reason reason = KD_REASON_NONE;

    if (!x)
        return;
    if (m->ke.group != x->ke.dh->id)
        reason = KD_REASON_INVALID_KE;
    else if (!ike_followup_linked(x, m) || !ike_ke_shared(e, sa, &x->ke, m->ke.data))
        reason = KD_REASON_PROTOCOL_ERROR;
    if (reason == KD_REASON_NONE)
        return;
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, reason,
                "peer's answer to a further key exchange can't be used");
    ike_sa_close(e, sa, reason);
}

void ike_followup_refused(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    if (sa->ours && sa->ours->kind == IKE_XK_REKEY_IKE)
        ike_rekey_refused(e, sa, m);
    else if (sa->ours)
        ike_child_refused(e, sa, m);
}

/* ---- theirs ---- */

void ike_followup_forget(struct ike *e, struct ike_sa *sa)
{
    ike_xchg_free(e, &sa->later);
    sa->later_us = KD_NEVER;
}

static void rest(struct ike *e, struct ike_sa *sa)
{
    ike_followup_forget(e, sa);
    sa->later = sa->theirs;
    sa->theirs = NULL;
    sa->later_us = e->now_us + REST_US;
    ike_touch(e, sa);
}

void ike_followup_put(struct ike_build *b, const struct ike_xchg *x)
{
    if (x->n_sk > 1)
        put_ke(b, x);
    else if (x->kind == IKE_XK_REKEY_IKE)
        ike_rekey_put(b, x);
    else
        ike_create_theirs_put(b, x);
}

static void respond(struct ike *e, struct ike_sa *sa)
{
    struct ike_xchg *x = sa->theirs;
    struct ike_build *b = ike_response(e, sa);

    if (x->kind == IKE_XK_CHILD && !x->spi)
        x->spi = ike_child_spi(e);
    x->link_len = LINK_LEN;
    kc_rng_bytes(&e->rng, x->link, LINK_LEN);
    ike_followup_put(b, x);
    put_link(b, x);
    ike_response_send(e, sa);
    rest(e, sa);
}

/* Is what it was begun for still to be had (2.25)? */
static bool stands(struct ike *e, const struct ike_sa *sa, const struct ike_xchg *x)
{
    const struct ike_child *old = ike_child_get(e, x->old);

    if (sa->successor || sa->redundant)
        return false;
    return kd_handle_none(x->old) ||
           (old && old->state == IKE_CH_UP && !ike_child_successor(e, old));
}

static void refuse(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *rule)
{
    const struct ike_diag d = {.err = IKE_WIRE_SYNTAX, .payload = IKE_PL_KE, .rule = rule};

    ike_refuse(e, sa, m, &d);
}

static void go_on(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_xchg *x = sa->theirs = sa->later;

    sa->later = NULL;
    sa->later_us = KD_NEVER;
    if (!ike_ke_keygen(e, sa, &x->ke, next(x))) {
        ike_xchg_free(e, &sa->theirs);
        ike_response_notify(e, sa, IKE_N_TEMPORARY_FAILURE, none);
        return;
    }
    memcpy(x->ke.peer, m->ke.data.p, m->ke.data.len);
    x->ke.peer_len = (uint16_t)m->ke.data.len;
}

void ike_followup_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *n = ike_msg_notify(m, IKE_N_ADDITIONAL_KEY_EXCHANGE);
    struct ike_xchg *x = sa->later;

    if (!x || !n || !kd_bytes_eq(n->data, kd_bytes(x->link, x->link_len))) {
        ike_response_notify(e, sa, IKE_N_STATE_NOT_FOUND, none);
    } else if (!stands(e, sa, x)) {
        ike_followup_forget(e, sa);
        ike_response_notify(e, sa, IKE_N_TEMPORARY_FAILURE, none);
    } else if (m->ke.group != next(x)->id) {
        refuse(e, sa, m, "not the next key exchange");
    } else if (m->ke.data.len != next(x)->pub_len) {
        refuse(e, sa, m, "a public value of the wrong length");
    } else {
        go_on(e, sa, m);
    }
}

/* ---- both: a shared secret is there ---- */

bool ike_followup_more(struct ike *e, struct ike_sa *sa, struct ike_xchg *x)
{
    keep_secret(x);
    x->ready = false; /* ours: until the next value is there */
    if (!next(x))
        return false;
    if (x == sa->theirs) {
        respond(e, sa);
        return true;
    }
    if (!ike_ke_keygen(e, sa, &x->ke, next(x)))
        ike_sa_close(e, sa, KD_REASON_NO_RESOURCES); /* the peer waits for it */
    return true;
}
