/* CREATE_CHILD_SA for children: new pairs and rekeyed ones, both roles, with and without their
 * own Diffie-Hellman exchange. RFC 7296 1.3.1, 1.3.3, 2.8, 2.17, 2.25.1.
 *
 *   ours    keygen job, request, response, shared job, CHILD_ADD, result: use it, DELETE the old
 *   theirs  request, keygen job, shared job, CHILD_ADD, result: response; their DELETE of the old
 *           pair says that the new one is to be used (2.8)
 *
 * An answer of the peer's may be late: meanwhile it knows a pair that we don't. A request to rekey
 * that one is put off, a DELETE of it is remembered until the answer comes.
 *
 * Known deviation: a request to rekey a pair whose rekeying we have already asked for is
 * answered with TEMPORARY_FAILURE (2.25) instead of making redundant pairs and closing one by
 * the lowest nonce (2.8.1). */
#include "ike/sa.h"

#include <stdlib.h>

#define LATER_US     KD_S(3)
#define LATER_MIN_US KD_MS(100)

static const struct kd_bytes none = {NULL, 0};

struct ike_xchg *ike_xchg_new(struct ike *e, enum ike_xkind kind)
{
    struct ike_xchg *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->kind = kind;
    ike_nonce_draw(e, &x->ni);
    return x;
}

uint64_t ike_later(struct ike *e, uint64_t expire_us)
{
    uint64_t left = expire_us > e->now_us ? expire_us - e->now_us : 0;
    uint64_t pause = KD_MAX(KD_MIN(LATER_US, left / 4), LATER_MIN_US);

    return e->now_us + pause + ike_jitter(e, pause);
}

static void put_spi(uint8_t out[4], uint32_t spi)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(spi >> (24 - 8 * i));
}

/* ---- ours ---- */

static void retry_later(struct ike *e, struct ike_sa *sa, struct kd_handle old)
{
    struct ike_child *c = ike_child_get(e, old);

    if (c && c->state == IKE_CH_UP)
        c->rekey_us = ike_later(e, c->expire_us);
    ike_touch(e, sa);
}

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
        retry_later(e, sa, old);
    }
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

    if (!c || (!kd_handle_none(x->old) && (!old || old->state != IKE_CH_UP))) {
        ike_xchg_free(e, &sa->ours); /* what was to be rekeyed is gone */
        return;
    }
    want = &c->cfg.child[x->conf];
    x->spi = ike_child_spi(e);
    b = ike_request(e, sa, IKE_X_CREATE_CHILD_SA);
    if (old) {
        put_spi(spi, old->spi_in);
        ike_put_notify(b, IKE_PROTO_ESP, kd_bytes(spi, 4), IKE_N_REKEY_SA, none);
    }
    put_spi(spi, x->spi);
    ike_put_sa(b, &c->cfg.esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    ike_put_nonce(b, ike_nonce_bytes(&x->ni));
    if (x->ke.dh)
        ike_put_ke(b, x->ke.dh->id, kd_bytes(x->ke.pub, x->ke.pub_len));
    /* The configured selectors again, not the narrowed ones (2.9.2); but who took the peer's
     * whole offer has nothing wider. */
    keep_ts = old && c->cfg.accept_any_ts;
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

/* The peer made the pair, and had deleted it again before its answer came through. */
static bool already_gone(const struct ike_xchg *x)
{
    for (unsigned i = 0; i < x->n_gone; i++)
        if (x->gone[i] == x->spi_peer)
            return true;
    return false;
}

static void give_up_ours(struct ike *e, struct ike_sa *sa)
{
    struct kd_handle old = sa->ours->old;

    ike_xchg_free(e, &sa->ours);
    retry_later(e, sa, old);
    ike_childless(e, sa, KD_REASON_PEER_DELETED);
}

/* The answer can't be used, the peer believes otherwise: the ends don't agree (2.21.3). */
static void disagree(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    ike_xchg_free(e, &sa->ours);
    ike_sa_close(e, sa, reason);
}

static void install_ours(struct ike *e, struct ike_sa *sa)
{
    struct ike_xchg *x = sa->ours;
    struct ike_child *c;

    if (already_gone(x)) {
        give_up_ours(e, sa);
        return;
    }
    c = ike_child_new(e, sa, &x->suite, x->spi, x->spi_peer, true);
    if (!c) {
        disagree(e, sa, KD_REASON_NO_RESOURCES);
        return;
    }
    c->conf = x->conf;
    c->ts_local = x->local;
    c->ts_remote = x->remote;
    x->child = c->self;
    if (ike_keys_child(e, sa, c, &x->ni, &x->nr, x->ke.secret))
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
    reason =
        ike_child_accept(e, sa, c, x->conf, m, 0, &x->suite, &x->spi_peer, &x->local, &x->remote);
    if (reason == KD_REASON_NONE && !ike_nonce_set(&x->nr, m->nonce))
        reason = KD_REASON_INVALID_SYNTAX;
    if (reason == KD_REASON_NONE && x->suite.dh &&
        (x->suite.dh != x->ke.dh || m->ke.group != x->ke.dh->id ||
         !ike_ke_shared(e, sa, &x->ke, m->ke.data)))
        reason = KD_REASON_INVALID_KE;
    if (reason != KD_REASON_NONE)
        disagree(e, sa, reason);
    else if (!x->suite.dh)
        install_ours(e, sa);
}

static void ours_installed(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_child *old = ike_child_get(e, sa->ours->old);

    ike_xchg_free(e, &sa->ours);
    ike_child_up(e, sa, c);
    ike_child_use(e, sa, c);
    if (!old)
        return;
    old->replaced_by = c->self;
    c->replaces = old->self;
    ike_child_delete(e, sa, old, KD_REASON_NONE);
}

static void ours_not_installed(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct kd_handle old = sa->ours->old;

    ike_xchg_free(e, &sa->ours);
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_KERNEL_REFUSED,
                "the data plane did not install the new child");
    ike_child_delete(e, sa, c, KD_REASON_KERNEL_REFUSED);
    retry_later(e, sa, old);
}

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
    const struct ike_conn *c = ike_conn_of(e, sa);
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
        /* 2.25: forget it, and begin from scratch unless the peer has already made another. */
        ike_child_drop(e, sa, old, KD_REASON_PEER_DELETED);
        if (!ike_children_live(e, sa))
            ike_child_start(e, sa, conf);
        return;
    }
    if (type != IKE_N_TEMPORARY_FAILURE)
        note_refused(e, sa, m, type, old, &c->cfg.child[conf]);
    if (old && old->ordered && type != IKE_N_TEMPORARY_FAILURE)
        old->ordered = false;
    else if (old &&
             type != IKE_N_NO_ADDITIONAL_SAS) /* else it ends at its lifetime, and all begins anew */
        retry_later(e, sa, old->self);
    ike_childless(e, sa, ike_notify_reason(type));
}

/* ---- theirs ---- */

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
    if ((*old)->state != IKE_CH_UP || ike_child_get(e, (*old)->replaced_by))
        return IKE_N_TEMPORARY_FAILURE;
    if (sa->ours && sa->ours->kind == IKE_XK_CHILD && kd_handle_eq(sa->ours->old, (*old)->self)) {
        if (sa->ours->sent)
            return IKE_N_TEMPORARY_FAILURE;
        ike_xchg_free(e, &sa->ours); /* the peer was faster */
    }
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

static void install_theirs(struct ike *e, struct ike_sa *sa)
{
    struct ike_xchg *x = sa->theirs;
    struct ike_child *c = ike_child_new(e, sa, &x->suite, ike_child_spi(e), x->spi_peer, false);

    if (!c) {
        refuse(e, sa, IKE_N_NO_ADDITIONAL_SAS, NULL);
        return;
    }
    c->conf = x->conf;
    c->ts_local = x->local;
    c->ts_remote = x->remote;
    x->child = c->self;
    if (ike_keys_child(e, sa, c, &x->ni, &x->nr, x->ke.secret)) {
        ike_child_install(e, sa, c);
        return;
    }
    ike_child_drop(e, sa, c, KD_REASON_NO_RESOURCES);
    refuse(e, sa, IKE_N_TEMPORARY_FAILURE, NULL);
}

/* What the peer wants, checked; 0 when x is complete. */
static uint16_t negotiate(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                          struct ike_xchg *x)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    uint16_t err;

    if (!c || !ike_nonce_set(&x->ni, m->nonce))
        return IKE_N_TEMPORARY_FAILURE;
    ike_nonce_draw(e, &x->nr);
    err = ike_child_select(e, sa, c, m, 0, &x->suite, &x->spi_peer);
    if (!err)
        err = ike_child_narrow(e, sa, c, m, &x->conf, &x->local, &x->remote);
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

void ike_child_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *rekey = ike_msg_notify(m, IKE_N_REKEY_SA);
    struct ike_child *old = NULL;
    struct ike_xchg *x;
    uint16_t err = 0;

    if (sa->successor || sa->redundant ||
        (sa->ours && sa->ours->kind == IKE_XK_REKEY_IKE && sa->ours->sent))
        err = IKE_N_TEMPORARY_FAILURE;
    else if (rekey)
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
        return;
    }
    x->old = old ? old->self : KD_HANDLE_NONE;
    if (!x->suite.dh) {
        install_theirs(e, sa);
        return;
    }
    if (!ike_ke_keygen(e, sa, &x->ke, x->suite.dh) || m->ke.data.len != x->suite.dh->pub_len) {
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, NULL);
        return;
    }
    memcpy(x->ke.peer, m->ke.data.p, m->ke.data.len);
    x->ke.peer_len = (uint16_t)m->ke.data.len;
}

static void theirs_installed(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    struct ike_xchg *x = sa->theirs;
    struct ike_child *old = ike_child_get(e, x->old);
    struct ike_build *b = ike_response(e, sa);
    uint8_t spi[4];

    put_spi(spi, c->spi_in);
    ike_put_sa_answer(b, &c->suite, IKE_PROTO_ESP, kd_bytes(spi, 4), true);
    ike_put_nonce(b, ike_nonce_bytes(&x->nr));
    if (x->ke.dh)
        ike_put_ke(b, x->ke.dh->id, kd_bytes(x->ke.pub, x->ke.pub_len));
    ike_put_ts(b, IKE_PL_TSI, &c->ts_remote);
    ike_put_ts(b, IKE_PL_TSR, &c->ts_local);
    ike_response_send(e, sa);
    ike_xchg_free(e, &sa->theirs);
    ike_child_up(e, sa, c);
    if (old) {
        old->replaced_by = c->self;
        old->rekey_us = KD_NEVER; /* the peer deletes it; else it ends at its lifetime */
        c->replaces = old->self;
    } else if (ike_children_live(e, sa) == 1) {
        ike_child_use(e, sa, c);
    }
}

void ike_create_child_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok)
{
    if (sa->ours && kd_handle_eq(sa->ours->child, c->self)) {
        if (ok)
            ours_installed(e, sa, c);
        else
            ours_not_installed(e, sa, c);
    } else if (sa->theirs && kd_handle_eq(sa->theirs->child, c->self)) {
        if (ok) {
            theirs_installed(e, sa, c);
            return;
        }
        ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_KERNEL_REFUSED,
                    "the data plane did not install the new child");
        ike_child_drop(e, sa, c, KD_REASON_KERNEL_REFUSED);
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, NULL);
    }
}

/* ---- jobs of both ---- */

static void job_failed(struct ike *e, struct ike_sa *sa, struct ike_xchg *x)
{
    struct kd_handle old = x->old;

    if (x == sa->theirs) {
        refuse(e, sa, IKE_N_TEMPORARY_FAILURE, NULL);
    } else if (x->sent) {
        disagree(e, sa, KD_REASON_PROTOCOL_ERROR);
    } else {
        ike_xchg_free(e, &sa->ours);
        retry_later(e, sa, old);
    }
}

void ike_child_job(struct ike *e, struct ike_sa *sa, struct ike_xchg *x, const struct ike_event *ev)
{
    bool shared = !kd_handle_none(x->ke.secret);

    if (ev->job_status != KC_JOB_OK) {
        job_failed(e, sa, x);
    } else if (x == sa->ours) {
        if (shared)
            install_ours(e, sa);
        else
            x->ready = true;
    } else if (shared) {
        install_theirs(e, sa);
    } else if (!ike_ke_shared(e, sa, &x->ke, kd_bytes(x->ke.peer, x->ke.peer_len))) {
        job_failed(e, sa, x);
    }
}

void ike_create_closing(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    (void)m;
    ike_response_notify(e, sa, IKE_N_TEMPORARY_FAILURE, none);
}
