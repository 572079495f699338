/* IKE_INTERMEDIATE (RFC 9242) for further key exchanges of an IKE SA in the making (RFC
 * 9370 2.2.2), both roles. Those of rekeys and children are followup.c's.
 *
 *   I_SHARED -> I_INTER: keygen job, request, answer, shared job: keys(n) -> again, or
 * ike_auth_send() R_INIT -> R_INTER: keygen job, shared job, answer: keys(n) -> R_INIT, where the
 * next one or IKE_AUTH is awaited
 *
 * An exchange is protected by the keys before it; both ends compute the next ones when it is
 * complete. AUTH signs them all (IntAuth): each end's messages are chained through its SK_p, and
 * nothing here is believed before that. A responder computes two Diffie-Hellman operations for each
 * request; only who has the keys of the exchange before it can cause them, once for each.
 *
 * Deviation: the responder refuses another key exchange than the next one by INVALID_SYNTAX, which
 * is fatal. */
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

static const struct kd_bytes none = {NULL, 0};

/* The next one that is due, or NULL. */
static const struct kc_alg *next(const struct ike_sa *sa)
{
    unsigned left = sa->hs->inter.done;

    for (unsigned i = 0; i < IKE_ADDKE_MAX; i++)
        if (sa->suite.addke[i] && left-- == 0)
            return sa->suite.addke[i];
    return NULL;
}

bool ike_inter_due(const struct ike_sa *sa)
{
    return sa->hs && next(sa);
}

/* ---- IKE_SA_INIT ---- */

void ike_inter_heard(struct ike_sa *sa, const struct ike_msg *m)
{
    sa->hs->inter.peer = ike_msg_notify(m, IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED) != NULL;
}

void ike_inter_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b)
{
    if (ike_proposals_have_addke(&c->cfg.ike) && (sa->initiator || sa->hs->inter.peer))
        ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED, none);
}

bool ike_inter_possible(const struct ike_sa *sa)
{
    return sa->hs->inter.peer || !next(sa);
}

/* ---- what AUTH proves of it (RFC 9242 3.3.2) ---- */

/* IntAuth(n) = prf(SK_p(n), IntAuth(n-1) | A | P): A is the header and the SK payload's, with the
 * lengths they would have without IV, padding and ICV; P is what is inside. */
static bool authenticate(struct ike *e, struct ike_sa *sa, bool initiator,
                         const struct ike_header *header, uint8_t first, struct kd_bytes inner)
{
    uint8_t *mac = initiator ? sa->hs->inter.i : sa->hs->inter.r;
    uint8_t clear[IKE_HEADER_LEN + 4], out[IKE_AUTH_MAX];
    struct ike_header h = *header;
    size_t len = sa->suite.prf->out_len;
    struct kd_bytes parts[3];
    struct kd_writer w;

    kd_assert(len <= sizeof(out));
    h.next = IKE_PL_SK;
    h.length = (uint32_t)(sizeof(clear) + inner.len);
    kd_writer_init(&w, clear, sizeof(clear));
    ike_header_write(&w, &h);
    kd_put_u8(&w, first);
    kd_put_u8(&w, 0);
    kd_put_u16(&w, (uint16_t)(4 + inner.len));
    parts[0] = kd_bytes(mac, sa->hs->inter.done ? len : 0);
    parts[1] = kd_written(&w);
    parts[2] = inner;
    if (!kc_prf(e->crypto, (enum kc_prf)sa->suite.prf->id, initiator ? sa->k.pi : sa->k.pr, parts,
                KD_ARRAY_LEN(parts), out))
        return false;
    memcpy(mac, out, len);
    return true;
}

/* The message being built, complete but not sealed. */
static bool authenticate_ours(struct ike *e, struct ike_sa *sa, bool response)
{
    struct ike_header h = {.exchange = IKE_X_INTERMEDIATE, .version = 0x20};
    uint8_t first;
    struct kd_bytes inner = ike_build_inner(&e->build, &first);

    h.flags = (sa->initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0);
    h.msg_id = response ? sa->rx.next_id - 1 : sa->tx.next_id;
    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    return authenticate(e, sa, sa->initiator, &h, first, inner);
}

void ike_inter_octets(const struct ike_sa *sa, struct ike_octets *out)
{
    const struct ike_inter *n = &sa->hs->inter;
    size_t len = sa->suite.prf->out_len;
    uint32_t mid = (uint32_t)n->done + 1; /* of IKE_AUTH: behind IKE_SA_INIT and these */

    if (!n->done)
        return;
    for (int i = 0; i < 4; i++)
        out->mid[i] = (uint8_t)(mid >> (24 - 8 * i));
    out->part[out->n++] = kd_bytes(n->i, len);
    out->part[out->n++] = kd_bytes(n->r, len);
    out->part[out->n++] = kd_bytes(out->mid, 4);
}

/* ---- both roles ---- */

static void fail(struct ike *e, struct ike_sa *sa, enum kd_reason reason, const char *why)
{
    if (sa->initiator)
        ike_sa_note(e, sa, IKE_NOTE_REFUSED, reason, "%s", why);
    else
        ike_stranger(e, &sa->remote, why);
    ike_sa_drop(e, sa, reason, false);
}

static void put_ke(struct ike *e, const struct ike_sa *sa)
{
    const struct ike_ke *ke = &sa->hs->ke;

    ike_put_ke(&e->build, ke->dh->id, kd_bytes(ke->pub, ke->pub_len));
}

/* Complete: the keys after it. */
static bool advance(struct ike *e, struct ike_sa *sa)
{
    bool ok = ike_keys_further(e, sa);

    ike_ke_free(e, &sa->hs->ke);
    sa->hs->inter.done++;
    return ok;
}

/* ---- the initiator ---- */

void ike_inter_start(struct ike *e, struct ike_sa *sa)
{
    const struct kc_alg *dh = next(sa);

    if (!dh) {
        ike_auth_send(e, sa);
        return;
    }
    sa->state = IKE_ST_I_INTER;
    if (!ike_ke_keygen(e, sa, &sa->hs->ke, dh))
        fail(e, sa, KD_REASON_NO_RESOURCES, "no room for another key exchange");
}

static void request(struct ike *e, struct ike_sa *sa)
{
    (void)ike_request(e, sa, IKE_X_INTERMEDIATE);
    put_ke(e, sa);
    if (!authenticate_ours(e, sa, false) || !ike_request_send(e, sa, IKE_XK_INTER))
        fail(e, sa, KD_REASON_NO_RESOURCES, "our IKE_INTERMEDIATE request does not fit");
}

void ike_inter_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_ke *ke = &sa->hs->ke;

    if (!authenticate(e, sa, false, &m->h, m->chain_first, m->chain))
        fail(e, sa, KD_REASON_NO_RESOURCES, "no room for what AUTH proves");
    else if (m->ke.group != ke->dh->id)
        fail(e, sa, KD_REASON_INVALID_KE, "peer answered with another key exchange than was asked");
    else if (!ike_ke_shared(e, sa, ke, m->ke.data))
        fail(e, sa, KD_REASON_PROTOCOL_ERROR, "peer's public value has the wrong length");
}

/* Encrypted, but by a peer that has not shown who it is: there is nothing better to come. */
void ike_inter_refused(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *err = ike_msg_error(m);
    uint16_t type = err ? err->type : IKE_N_INVALID_SYNTAX;

    ike_note_peer_refused(e, sa, type, NULL);
    ike_sa_drop(e, sa, ike_notify_reason(type), false);
}

static void initiator_job(struct ike *e, struct ike_sa *sa)
{
    if (kd_handle_none(sa->hs->ke.secret))
        request(e, sa);
    else if (advance(e, sa))
        ike_inter_start(e, sa);
    else
        fail(e, sa, KD_REASON_NO_RESOURCES, "no room for the keys of a key exchange");
}

/* ---- the responder ---- */

static void refuse(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *rule)
{
    const struct ike_diag d = {.err = IKE_WIRE_SYNTAX, .payload = IKE_PL_KE, .rule = rule};

    ike_refuse(e, sa, m, &d);
}

void ike_inter_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct kc_alg *dh = next(sa);
    struct ike_ke *ke = &sa->hs->ke;

    if (!dh || m->ke.group != dh->id) {
        refuse(e, sa, m, dh ? "not the next key exchange" : "a key exchange not negotiated");
        return;
    }
    if (m->ke.data.len != dh->pub_len) {
        refuse(e, sa, m, "a public value of the wrong length");
        return;
    }
    sa->state = IKE_ST_R_INTER;
    if (!authenticate(e, sa, true, &m->h, m->chain_first, m->chain) ||
        !ike_ke_keygen(e, sa, ke, dh)) {
        fail(e, sa, KD_REASON_NO_RESOURCES, "no room for another key exchange");
        return;
    }
    memcpy(ke->peer, m->ke.data.p, m->ke.data.len);
    ke->peer_len = (uint16_t)m->ke.data.len;
}

static void respond(struct ike *e, struct ike_sa *sa)
{
    (void)ike_response(e, sa);
    put_ke(e, sa);
    if (!authenticate_ours(e, sa, true)) {
        fail(e, sa, KD_REASON_NO_RESOURCES, "no room for what AUTH proves");
        return;
    }
    ike_response_send(e, sa); /* under the keys before it */
    sa->state = IKE_ST_R_INIT;
    if (!advance(e, sa))
        fail(e, sa, KD_REASON_NO_RESOURCES, "no room for the keys of a key exchange");
}

static void responder_job(struct ike *e, struct ike_sa *sa)
{
    struct ike_ke *ke = &sa->hs->ke;

    if (!kd_handle_none(ke->secret))
        respond(e, sa);
    else if (!ike_ke_shared(e, sa, ke, kd_bytes(ke->peer, ke->peer_len)))
        fail(e, sa, KD_REASON_NO_RESOURCES, "no room for another key exchange");
}

void ike_inter_job(struct ike *e, struct ike_sa *sa)
{
    if (sa->initiator)
        initiator_job(e, sa);
    else
        responder_job(e, sa);
}
