/* The message window of 1, both ways: one request of ours at a time, repeated bit for bit until
 * it is answered; one answer kept for the peer's last request. And what is to be sent next. RFC
 * 7296 2.1 (retransmission), 2.2 (message ids), 2.3 (window). When a request is repeated or
 * given up is liveness.c's. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/out.h"
#include "ike/sa.h"

#define LENGTH_AT 24 /* of the header's fields */

bool ike_sa_silent(const struct ike *e, const struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    return c && c->admin == IKE_ADMIN_SILENT;
}

/* An AEAD's IV must never repeat under one key: it counts. CBC's must not be foreseeable: it is
 * drawn (RFC 5282 3.1, RFC 7296 3.14). */
struct sealing {
    struct ike *e;
    struct ike_sa *sa;
};

static void next_iv(void *arg, uint8_t iv[IKE_IV_MAX])
{
    const struct sealing *s = arg;
    struct ike_sa *sa = s->sa;
    size_t len = ike_sk_iv_len(&sa->seal);

    kd_assert(len <= IKE_IV_MAX);
    memset(iv, 0, IKE_IV_MAX);
    if (sa->seal.encr->aead) {
        sa->iv++;
        for (size_t i = 0; i < len && i < 8; i++)
            iv[len - 1 - i] = (uint8_t)(sa->iv >> (8 * i));
    } else {
        kc_rng_bytes(&s->e->rng, iv, len);
    }
}

static void seal(struct ike *e, struct ike_sa *sa)
{
    struct sealing s = {e, sa};
    uint8_t iv[IKE_IV_MAX];

    next_iv(&s, iv);
    ike_build_seal(&e->build, &sa->seal, iv);
}

/* ---- one message or its fragments (RFC 7383 2.5) ---- */

/* Octets of an IKE message in an IP datagram of the configured size. */
static size_t message_max(const struct ike_sa *sa, const struct kd_endpoint *remote, bool natt)
{
    size_t around = (remote->addr.family == 6 ? 40u : 20u) + 8 + (natt ? 4 : 0);

    return sa->fragment_size - KD_MIN(around, (size_t)sa->fragment_size);
}

static struct kd_bytes end(struct ike *e, struct ike_sa *sa, const struct kd_endpoint *remote,
                           bool natt, bool whole)
{
    size_t max = message_max(sa, remote, natt);
    struct sealing s = {e, sa};

    if (!whole && sa->fragmenting && ike_build_exceeds(&e->build, max))
        return ike_build_fragments(&e->build, max, next_iv, &s, e->cut, sizeof(e->cut));
    return ike_build_end(&e->build);
}

bool ike_next_message(struct kd_bytes *rest, struct kd_bytes *one)
{
    struct kd_reader r;
    uint32_t len;

    kd_reader_init(&r, *rest);
    kd_skip(&r, LENGTH_AT);
    len = kd_get_u32(&r);
    if (!r.ok || len < IKE_HEADER_LEN || len > rest->len)
        return false;
    *one = kd_bytes(rest->p, len);
    *rest = kd_bytes(rest->p + len, rest->len - len);
    return true;
}

void ike_send_all(struct ike *e, uint32_t conn, const struct ike_from *from, struct kd_bytes msgs)
{
    struct kd_bytes one;

    while (ike_next_message(&msgs, &one))
        ike_out_send(e, conn, &from->local, &from->remote, from->natt, from->df, one);
}

static struct ike_build *begin(struct ike *e, struct ike_sa *sa, uint8_t exchange, uint32_t id,
                               uint8_t flags)
{
    struct ike_header h = {.exchange = exchange, .msg_id = id, .flags = flags};

    if (sa->initiator)
        h.flags |= IKE_FLAG_INITIATOR;
    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    ike_build_begin(&e->build, e->tx, sizeof(e->tx), &h);
    if (sa->seal.box && exchange != IKE_X_SA_INIT)
        seal(e, sa);
    return &e->build;
}

/* ---- our requests ---- */

struct ike_build *ike_request(struct ike *e, struct ike_sa *sa, uint8_t exchange)
{
    struct ike_build *b = begin(e, sa, exchange, sa->tx.next_id, 0);

    sa->tx.exchange = exchange;
    b->len_min = ike_qcd_len_min(sa);
    return b;
}

static void emit_request(struct ike *e, struct ike_sa *sa)
{
    struct ike_from to = {sa->local, sa->remote, sa->natt, false};

    if (ike_sa_silent(e, sa))
        return;
    ike_send_all(e, sa->conn, &to, ike_buf_bytes(&sa->tx.beside));
    to.df = sa->tx.kind == IKE_XK_MTU;
    ike_send_all(e, sa->conn, &to, ike_buf_bytes(&sa->tx.msg));
    sa->sent_us = e->now_us;
}

bool ike_request_send(struct ike *e, struct ike_sa *sa, enum ike_xkind kind)
{
    struct kd_bytes msg = end(e, sa, &sa->remote, sa->natt, kind == IKE_XK_MTU);
    struct ike_tx *tx = &sa->tx;

    if (msg.len == 0 || !ike_buf_set(&tx->msg, msg))
        return false;
    tx->out = true;
    tx->kind = kind;
    tx->next_id++;
    tx->retx = 0;
    if (kind == IKE_XK_INIT || kind == IKE_XK_INTER || kind == IKE_XK_AUTH) {
        tx->gap_us = IKE_INIT_GAP_US;
        tx->give_up_us = e->now_us + IKE_INIT_GIVE_UP_US;
    } else {
        tx->gap_us = ike_first_gap(sa);
        tx->give_up_us = KD_NEVER;
    }
    tx->retx_us = e->now_us + tx->gap_us;
    emit_request(e, sa);
    ike_touch(e, sa);
    return true;
}

void ike_request_resend(struct ike *e, struct ike_sa *sa)
{
    struct ike_tx *tx = &sa->tx;
    uint64_t cap = tx->give_up_us != KD_NEVER ? KD_NEVER : KD_MAX(sa->detect_us, KD_S(1));

    tx->retx++;
    tx->gap_us = KD_MIN(tx->gap_us * 2, cap); /* RFC 7296 2.4: exponential */
    tx->retx_us = e->now_us + tx->gap_us;
    emit_request(e, sa);
}

void ike_request_beside(struct ike *e, struct ike_sa *sa)
{
    struct kd_bytes msg;

    begin(e, sa, sa->tx.exchange, sa->tx.next_id - 1, 0)->len_min = ike_qcd_len_min(sa);
    msg = end(e, sa, &sa->remote, sa->natt, false);
    if (msg.len == 0 || !ike_buf_set(&sa->tx.beside, msg))
        return;
    sa->tx.retx = 0;
    sa->tx.gap_us = ike_first_gap(sa);
    sa->tx.retx_us = e->now_us + sa->tx.gap_us;
    emit_request(e, sa);
}

void ike_request_done(struct ike_sa *sa)
{
    ike_buf_free(&sa->tx.msg);
    ike_buf_free(&sa->tx.beside);
    sa->tx.out = false;
    sa->tx.kind = IKE_XK_NONE;
    sa->tx.retx_us = sa->tx.give_up_us = KD_NEVER;
    ike_fragments_free(&sa->fragments[true]);
}

/* ---- answers ---- */

struct ike_build *ike_response(struct ike *e, struct ike_sa *sa)
{
    return begin(e, sa, sa->rx.exchange, sa->rx.next_id - 1, IKE_FLAG_RESPONSE);
}

void ike_response_send(struct ike *e, struct ike_sa *sa)
{
    const struct ike_from to = {sa->rx.local, sa->rx.remote, sa->rx.natt};
    struct kd_bytes msg = end(e, sa, &to.remote, to.natt, false);

    sa->rx.busy = false;
    if (msg.len == 0 || !ike_buf_set(&sa->rx.resp, msg))
        return;
    if (ike_sa_silent(e, sa))
        return;
    ike_send_all(e, sa->conn, &to, msg);
    sa->sent_us = e->now_us;
}

void ike_response_notify(struct ike *e, struct ike_sa *sa, uint16_t type, struct kd_bytes data)
{
    ike_put_notify(ike_response(e, sa), IKE_PROTO_NONE, kd_bytes(NULL, 0), type, data);
    ike_response_send(e, sa);
}

/* ---- what is to be sent next ---- */

/* A rekey that was under way comes first: its keys are made from those of this SA. */
static void send_closing(struct ike *e, struct ike_sa *sa)
{
    struct ike_build *b;

    if (ike_rekey_undecided(sa))
        return;
    ike_xchg_free(e, &sa->ours);
    b = ike_request(e, sa, IKE_X_INFORMATIONAL);
    if (sa->closing == IKE_XK_AUTH_FAILED)
        ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), IKE_N_AUTHENTICATION_FAILED,
                       kd_bytes(NULL, 0));
    else
        ike_put_delete_ike(b);
    if (!ike_request_send(e, sa, IKE_XK_DEL_IKE))
        ike_sa_drop(e, sa, sa->end_reason, false);
}

static bool send_child_delete(struct ike *e, struct ike_sa *sa)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (!c || c->state != IKE_CH_DELETING || c->delete_sent)
            continue;
        ike_put_delete(ike_request(e, sa, IKE_X_INFORMATIONAL), IKE_PROTO_ESP, &c->spi_in, 1);
        c->delete_sent = true;
        sa->tx.child = c->self;
        return ike_request_send(e, sa, IKE_XK_DEL_CHILD);
    }
    return false;
}

/* The peer has made it, and may not have our answer yet: then it does not know what we mean, and
 * its CHILD_SA_NOT_FOUND would take the pair away (2.25). Its DELETE of the old pair shows that it
 * has. */
static bool perhaps_unknown(const struct ike *e, const struct ike_child *c)
{
    const struct ike_child *old = ike_child_get(e, c->replaces);

    return !c->initiator && old && old->state == IKE_CH_UP;
}

static void start_rekey(struct ike *e, struct ike_sa *sa)
{
    if (sa->want_rekey) {
        sa->want_rekey = false;
        ike_rekey_start(e, sa);
        return;
    }
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (!c || c->state != IKE_CH_UP || !c->want_rekey || perhaps_unknown(e, c))
            continue;
        c->want_rekey = false;
        if (c->redundant || ike_child_successor(e, c))
            continue; /* the peer was faster */
        ike_child_rekey_start(e, sa, c);
        return;
    }
    ike_children_make(e, sa);
}

static void pump_up(struct ike *e, struct ike_sa *sa)
{
    /* Not while the peer rekeys the IKE SA: the answer would come on one without children. */
    bool moving = sa->theirs && sa->theirs->kind == IKE_XK_REKEY_IKE;

    if (sa->successor || sa->waiting || (!moving && send_child_delete(e, sa)))
        return;
    if (!sa->ours && !sa->theirs && !sa->redundant)
        start_rekey(e, sa);
    /* Not while the peer's exchange is worked on: it would be refused with TEMPORARY_FAILURE
     * (2.25). */
    if (sa->ours && sa->ours->ready && (!sa->ours->sent || sa->ours->n_sk) && !sa->theirs) {
        if (sa->ours->n_sk)
            ike_followup_request(e, sa);
        else if (sa->ours->kind == IKE_XK_REKEY_IKE)
            ike_rekey_request(e, sa);
        else
            ike_child_request(e, sa);
        if (sa->tx.out)
            return;
    }
    ike_mtu_pump(e, sa);
    if (!sa->tx.out && (sa->want_probe || sa->want_token)) {
        struct ike_build *b = ike_request(e, sa, IKE_X_INFORMATIONAL);
        if (sa->want_token)
            ike_qcd_put(e, sa, b);
        sa->want_probe = sa->want_token = false;
        (void)ike_request_send(e, sa, IKE_XK_PROBE);
    }
}

void ike_pump(struct ike *e, struct ike_sa *sa)
{
    if (sa->state == IKE_ST_CLOSING)
        ike_mtu_yield(e, sa);
    if (sa->tx.out || ike_sa_silent(e, sa))
        return;
    if (sa->tx.next_id >= UINT32_MAX - 1) /* RFC 7296 2.2: never wraps */
        ike_sa_drop(e, sa, KD_REASON_EXPIRED, false);
    else if (sa->state == IKE_ST_CLOSING)
        send_closing(e, sa);
    else if (sa->state == IKE_ST_UP)
        pump_up(e, sa);
}
