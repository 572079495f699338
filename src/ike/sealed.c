/* A message of an IKE SA, from the datagram to its dispatch: is it the one that is awaited (RFC
 * 7296 2.1 to 2.3), does it verify, is it whole (RFC 7383), where does its sender live now (2.23).
 * Not here: what the message means (receive.c's rows). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/sa.h"

#include <stdlib.h>

/* IKE_AUTH in pieces that came before the shared secret: a chain of certificates, once. Nothing of
 * it is verified, so a forger who sees our SPI may fill it: the peer's repetition comes through. */
#define STASH_MAX (16u * 1024)

/* ---- addresses ---- */

/* A validated message from elsewhere: a peer behind a NAT has a new mapping. Not followed when
 * we are behind one ourselves (RFC 7296 2.23). IKE_AUTH may move to port 4500. */
static void follow(struct ike *e, struct ike_sa *sa, const struct ike_from *from)
{
    if (kd_endpoint_eq(&sa->local, &from->local) && kd_endpoint_eq(&sa->remote, &from->remote) &&
        sa->natt == from->natt)
        return;
    if (sa->state != IKE_ST_R_INIT &&
        (sa->state != IKE_ST_UP || !sa->nat_there || sa->nat_here || !from->natt))
        return;
    sa->local = from->local;
    sa->remote = from->remote;
    sa->natt = from->natt;
    ike_children_moved(e, sa);
}

void ike_child_source(struct ike *e, const struct ike_event *ev)
{
    const struct ike_child *c = ike_child_get(e, ev->child);
    struct ike_sa *sa = c ? ike_sa_get(e, c->sa) : NULL;

    if (sa && c->encap && sa->state == IKE_ST_UP && sa->natt && !ike_sa_silent(e, sa) &&
        ev->remote.addr.family == sa->remote.addr.family)
        follow(e, sa, &(struct ike_from){sa->local, ev->remote, true});
}

/* ---- the window (2.3) ---- */

enum arrival {
    ARRIVAL_STRAY,
    ARRIVAL_AWAITED, /* the next request, or the answer to ours */
    ARRIVAL_AGAIN,   /* the request that was taken last */
};

static enum arrival arrival(const struct ike_sa *sa, const struct ike_header *h)
{
    if (ike_header_response(h))
        return sa->tx.out && h->msg_id == sa->tx.next_id - 1 && h->exchange == sa->tx.exchange
                   ? ARRIVAL_AWAITED
                   : ARRIVAL_STRAY;
    if (sa->rx.next_id > 0 && h->msg_id == sa->rx.next_id - 1)
        return ARRIVAL_AGAIN;
    if (sa->rx.busy || h->msg_id != sa->rx.next_id)
        return ARRIVAL_STRAY;
    if (sa->state == IKE_ST_UP || sa->state == IKE_ST_CLOSING)
        return ARRIVAL_AWAITED;
    return (sa->state == IKE_ST_R_INIT || sa->state == IKE_ST_R_SHARED) &&
                   (h->exchange == IKE_X_AUTH || h->exchange == IKE_X_INTERMEDIATE)
               ? ARRIVAL_AWAITED
               : ARRIVAL_STRAY;
}

/* Duplicates are known by being identical, so nobody can make us repeat an answer without having
 * seen the request. Of a fragmented one the first fragment counts (RFC 7383 2.6.1), and as the peer
 * may have cut it anew, it may also verify. */
static bool repeated(struct ike *e, const struct ike_sa *sa, const struct ike_msg *m,
                     const uint8_t hash[20])
{
    struct kd_bytes text;
    struct ike_diag d;

    if (memcmp(sa->rx.hash, hash, 20) == 0)
        return true;
    return ike_msg_has(m, IKE_PL_SKF) && sa->fragmenting && m->skf_number == 1 &&
           ike_fragment_sound(m) && sa->open.box &&
           ike_fragment_open(e->rx, m, &sa->open, &text, &d);
}

void ike_answer_again(struct ike *e, const struct ike_sa *sa, const struct ike_from *from)
{
    if (!sa->rx.busy && sa->rx.resp.p)
        ike_send_all(e, sa->conn, from, ike_buf_bytes(&sa->rx.resp));
}

static void accept_request(struct ike_sa *sa, const struct ike_header *h, const uint8_t hash[20],
                           const struct ike_from *from)
{
    sa->rx.next_id = h->msg_id + 1;
    sa->rx.exchange = h->exchange;
    memcpy(sa->rx.hash, hash, 20);
    sa->rx.local = from->local;
    sa->rx.remote = from->remote;
    sa->rx.natt = from->natt;
    sa->rx.busy = true;
    ike_buf_free(&sa->rx.resp);
    ike_fragments_free(&sa->fragments[false]);
}

void ike_unheard(struct ike_sa *sa)
{
    sa->rx.next_id--;
    sa->rx.busy = false;
}

/* ---- IKE_AUTH before the shared secret ---- */

static bool stash_has(const struct ike_buf *s, struct kd_bytes msg)
{
    struct kd_bytes rest = ike_buf_bytes(s), one;

    while (ike_next_message(&rest, &one))
        if (kd_bytes_eq(one, msg))
            return true;
    return false;
}

static bool stash_add(struct ike_buf *s, struct kd_bytes msg)
{
    uint8_t *p;

    if (s->len + msg.len > STASH_MAX || stash_has(s, msg))
        return false;
    p = realloc(s->p, s->len + msg.len);
    if (!p)
        return false;
    memcpy(p + s->len, msg.p, msg.len);
    *s = (struct ike_buf){p, s->len + (uint32_t)msg.len};
    return true;
}

/* It waits, and only now is the secret worth its price. */
static void stash(struct ike *e, struct ike_sa *sa, struct kd_bytes msg,
                  const struct ike_from *from)
{
    struct ike_hs *hs = sa->hs;

    if (!hs || !stash_add(&hs->stash, msg))
        return;
    hs->stash_from = *from;
    if (sa->state == IKE_ST_R_SHARED)
        return;
    if (ike_ke_shared(e, sa, &hs->ke, kd_bytes(hs->ke.peer, hs->ke.peer_len)))
        sa->state = IKE_ST_R_SHARED;
    else
        ike_sa_drop(e, sa, KD_REASON_NO_RESOURCES, false);
}

void ike_unstash(struct ike *e, struct ike_sa *sa)
{
    struct ike_buf stash = sa->hs->stash;
    struct kd_bytes rest = ike_buf_bytes(&stash), one;
    const struct ike_from from = sa->hs->stash_from;

    sa->state = IKE_ST_R_INIT;
    sa->hs->stash = (struct ike_buf){0};
    while (!ike_sa_silent(e, sa) && ike_next_message(&rest, &one)) {
        memcpy(e->rx, one.p, one.len);
        ike_receive_sealed(e, sa, one.len, &from);
    }
    ike_buf_free(&stash);
}

/* ---- opening ---- */

/* True when m holds what is inside now; *hash: of what stands for the whole message. False and
 * CRYPTO: nothing is known of the sender. False and OK: a fragment more, and not the last. */
static bool open_fragment(struct ike *e, struct ike_sa *sa, struct ike_msg *m, uint8_t hash[20],
                          struct ike_diag *d)
{
    struct kd_bytes text;

    if (!sa->fragmenting || !ike_fragment_sound(m)) {
        d->err = IKE_WIRE_OK;
        return false;
    }
    if (!ike_fragment_open(e->rx, m, &sa->open, &text, d)) {
        if (d->err != IKE_WIRE_CRYPTO)
            d->err = IKE_WIRE_OK; /* it is as good as lost */
        return false;
    }
    return ike_fragments_add(e, sa, m, text, hash) &&
           ike_msg_inner(m, m->sk.body, m->sk.body_at, d);
}

static void deliver(struct ike *e, struct ike_sa *sa, size_t len, uint8_t hash[20],
                    const struct ike_from *from)
{
    struct ike_msg *m = &e->msg;
    struct ike_diag d = {.err = IKE_WIRE_OK};
    bool whole = ike_msg_has(m, IKE_PL_SK);
    bool ok =
        whole ? ike_msg_open(e->rx, len, m, &sa->open, &d) : open_fragment(e, sa, m, hash, &d);

    if (!ok && d.err == IKE_WIRE_CRYPTO)
        ike_stranger(e, &from->remote, "a message that does not verify");
    if (!ok && (d.err == IKE_WIRE_CRYPTO || d.err == IKE_WIRE_OK))
        return;
    if (ok)
        follow(e, sa, from);
    if (!ike_header_response(&m->h))
        accept_request(sa, &m->h, hash, from);
    if (ok)
        ike_dispatch(e, sa, m);
    else
        ike_refuse(e, sa, m, &d);
}

void ike_receive_sealed(struct ike *e, struct ike_sa *sa, size_t len, const struct ike_from *from)
{
    const struct kd_bytes datagram = kd_bytes(e->rx, len);
    struct ike_msg *m = &e->msg;
    enum ike_form form;
    struct ike_diag d;
    uint8_t hash[20];

    kc_sha1(e->crypto, &datagram, 1, hash); /* before it is decrypted in place */
    if (!ike_msg_parse(datagram, m, &d))
        return;
    form = ike_grammar_check(m, &d);
    if (form != IKE_FORM_SEALED && form != IKE_FORM_FRAGMENT)
        return;
    switch (arrival(sa, &m->h)) {
    case ARRIVAL_STRAY:
        break;
    case ARRIVAL_AGAIN:
        if (repeated(e, sa, m, hash))
            ike_answer_again(e, sa, from);
        break;
    case ARRIVAL_AWAITED:
        if (sa->open.box)
            deliver(e, sa, len, hash, from);
        else if (sa->state == IKE_ST_R_INIT || sa->state == IKE_ST_R_SHARED)
            stash(e, sa, datagram, from);
        break;
    }
}
