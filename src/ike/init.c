/* IKE_SA_INIT as initiator, and what both roles share: the handshake's Diffie-Hellman jobs and
 * NAT detection. RFC 7296 1.2, 2.6 (cookies), 2.7, 2.21.1 (clear-text errors), 2.23 (NAT); the
 * responder is in init_r.c.
 *
 *   I_KEYGEN --job--> I_INIT --response--> I_SHARED --job--> I_AUTH (auth_i.c)
 *
 * Clear-text errors may be forged. COOKIE and INVALID_KE_PAYLOAD are obeyed, a bounded number of
 * times; others are acted upon only when nothing better has come for IKE_REFUSED_WAIT_US. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>

#define INIT_LARGE 1200 /* octets; with IP, UDP and a tunnel on the way still below 1280 */

static bool group_bit(const struct kc_alg *dh, uint32_t *bit)
{
    *bit = dh && dh->id < 32 ? UINT32_C(1) << dh->id : 0;
    return *bit != 0;
}

/* ---- NAT detection (2.23) ---- */

static void natd_hash(struct ike *e, const uint8_t *spi_i, const uint8_t *spi_r,
                      const struct kd_endpoint *ep, uint8_t out[20])
{
    const uint8_t port[2] = {(uint8_t)(ep->port >> 8), (uint8_t)ep->port};
    const struct kd_bytes parts[] = {kd_bytes(spi_i, IKE_SPI_LEN), kd_bytes(spi_r, IKE_SPI_LEN),
                                     kd_addr_bytes(&ep->addr), kd_bytes(port, 2)};

    kc_sha1(e->crypto, parts, KD_ARRAY_LEN(parts), out);
}

void ike_put_natd(struct ike *e, struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b,
                  const uint8_t spi_r[IKE_SPI_LEN])
{
    const struct kd_bytes none = kd_bytes(NULL, 0);
    struct kd_endpoint src = sa->local;
    uint8_t hash[20];

    if (c->cfg.encap == IKE_ENCAP_NEVER)
        return;
    /* A source that is not ours: the peer sees a NAT and encapsulates as well. */
    if (c->cfg.encap == IKE_ENCAP_ALWAYS)
        src.port = 0;
    natd_hash(e, sa->spi_i, spi_r, &src, hash);
    ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_NAT_DETECTION_SOURCE_IP, kd_bytes(hash, 20));
    natd_hash(e, sa->spi_i, spi_r, &sa->remote, hash);
    ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_NAT_DETECTION_DESTINATION_IP, kd_bytes(hash, 20));
}

/* Several source hashes are allowed, one match is enough; the destination's is one. */
void ike_natd_check(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                    const struct kd_endpoint *local, const struct kd_endpoint *remote)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    bool src = false, src_ok = false, dst = false, dst_ok = false;
    uint8_t from[20], to[20];

    natd_hash(e, m->h.spi_i, m->h.spi_r, remote, from);
    natd_hash(e, m->h.spi_i, m->h.spi_r, local, to);
    for (unsigned i = 0; i < m->n_notifies; i++) {
        const struct ike_notify *n = &m->notifies[i];
        if (n->type == IKE_N_NAT_DETECTION_SOURCE_IP) {
            src = true;
            src_ok = src_ok || kd_bytes_eq(n->data, kd_bytes(from, 20));
        } else if (n->type == IKE_N_NAT_DETECTION_DESTINATION_IP) {
            dst = true;
            dst_ok = dst_ok || kd_bytes_eq(n->data, kd_bytes(to, 20));
        }
    }
    sa->peer_natd = src && dst;
    if (!sa->peer_natd || !c || c->cfg.encap == IKE_ENCAP_NEVER)
        return;
    sa->nat_there = !src_ok;
    sa->nat_here = !dst_ok;
    sa->encap = sa->nat_there || sa->nat_here || c->cfg.encap == IKE_ENCAP_ALWAYS;
}

/* ---- the request ---- */

static void fail(struct ike *e, struct ike_sa *sa, enum kd_reason reason, const char *why)
{
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, reason, "%s", why);
    ike_sa_drop(e, sa, reason, false);
}

/* The one message that can't be cut (RFC 7383 2.5): IP fragments are often lost on the way to a
 * cloud (facts/peers 2, pain 20). */
static void warn_large(struct ike *e, const struct ike_sa *sa, struct ike_conn *c)
{
    if (sa->tx.msg.len <= INIT_LARGE || c->large_noted)
        return;
    c->large_noted = true;
    ike_sa_note(e, sa, IKE_NOTE_WARNING, KD_REASON_NONE,
                "our IKE_SA_INIT has %u octets and may be lost on its way as IP fragments: offer "
                "fewer proposals",
                sa->tx.msg.len);
}

static void send_init(struct ike *e, struct ike_sa *sa)
{
    static const uint8_t zero[IKE_SPI_LEN];
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_hs *hs = sa->hs;
    struct ike_build *b;

    sa->tx.next_id = 0; /* also when it is tried anew (2.2) */
    b = ike_request(e, sa, IKE_X_SA_INIT);
    if (hs->cookie.p) /* first of all payloads (2.6) */
        ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), IKE_N_COOKIE,
                       ike_buf_bytes(&hs->cookie));
    ike_put_sa(b, &c->cfg.ike, IKE_PROTO_IKE, kd_bytes(NULL, 0), false);
    ike_put_ke(b, hs->ke.dh->id, kd_bytes(hs->ke.pub, hs->ke.pub_len));
    ike_put_nonce(b, ike_nonce_bytes(&hs->ni));
    ike_put_natd(e, sa, c, b, zero);
    hs->auth.hashes_offered = ike_hashes_ours(&c->cfg.auth);
    ike_put_hashes(b, hs->auth.hashes_offered);
    ike_put_fragmentation(sa, b);
    ike_ppk_announce(sa, c, b);
    ike_inter_announce(sa, c, b);
    sa->state = IKE_ST_I_INIT;
    if (!ike_request_send(e, sa, IKE_XK_INIT) ||
        !ike_buf_set(&hs->init_req, ike_buf_bytes(&sa->tx.msg)))
        fail(e, sa, KD_REASON_NO_RESOURCES, "our IKE_SA_INIT request does not fit");
    else
        warn_large(e, sa, ike_conn_of(e, sa));
}

void ike_init_start(struct ike *e, struct ike_conn *c)
{
    struct ike_sa *sa = ike_sa_new(e, c, true);
    char addr[KD_ADDR_STR_MAX];

    if (!sa)
        goto fail;
    c->attempt = sa->self;
    ike_sa_note(e, sa, IKE_NOTE_CONNECTING, KD_REASON_NONE, "to %s",
                kd_addr_str(&sa->remote.addr, addr));
    sa->state = IKE_ST_I_KEYGEN;
    sa->hs = calloc(1, sizeof(*sa->hs));
    if (!sa->hs)
        goto fail;
    ike_nonce_draw(e, &sa->hs->ni, IKE_NONCE_LEN_INIT);
    if (ike_ke_keygen(e, sa, &sa->hs->ke, ike_proposals_first_dh(&c->cfg.ike)))
        return;
fail:
    if (sa)
        fail(e, sa, KD_REASON_NO_RESOURCES, "no IKE proposal with a group this process can do");
    else
        ike_conn_lost(e, c, KD_REASON_NO_RESOURCES);
}

void ike_init_give_up(struct ike *e, struct ike_sa *sa)
{
    enum kd_reason reason = sa->hs && sa->hs->refused ? sa->hs->refused : KD_REASON_TIMEOUT;

    ike_sa_drop(e, sa, reason, false);
}

/* ---- the response ---- */

static void retry_with_cookie(struct ike *e, struct ike_sa *sa, const struct ike_notify *n)
{
    if (!ike_buf_set(&sa->hs->cookie, n->data))
        return;
    ike_request_done(sa);
    send_init(e, sa);
}

/* The whole offer again, with KE for the group the peer wants: once for each, so that nobody can
 * keep us computing (1.2). */
static void retry_with_group(struct ike *e, struct ike_sa *sa, const struct ike_notify *n)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    uint16_t group = n->data.len == 2 ? (uint16_t)(n->data.p[0] << 8 | n->data.p[1]) : 0;
    const struct kc_alg *dh = kc_alg_find(KC_DH, group, 0);
    uint32_t bit;
    char text[2048];
    struct ike_action *a;

    if (group_bit(dh, &bit) && !(sa->hs->groups_tried & bit) && dh != sa->hs->ke.dh &&
        ike_proposals_have_dh(&c->cfg.ike, group)) {
        sa->hs->groups_tried |= bit;
        ike_request_done(sa);
        sa->state = IKE_ST_I_KEYGEN;
        if (!ike_ke_keygen(e, sa, &sa->hs->ke, dh))
            fail(e, sa, KD_REASON_NO_RESOURCES, "no room for another key exchange");
        return;
    }
    if (sa->hs->refused)
        return;
    a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_INVALID_KE,
                    "peer wants group %u (%s), which is not configured or was tried", group,
                    dh ? dh->name : "unknown");
    ike_proposals_text(&c->cfg.ike, text, sizeof(text));
    ike_note_offer(e, a, text, text);
    ike_note_lists(e, a, IKE_PROTO_IKE, &c->cfg.ike, NULL);
    if (a) {
        a->by_peer = true;
        a->notify = IKE_N_INVALID_KE_PAYLOAD;
        a->group = group;
    }
    sa->hs->refused = KD_REASON_INVALID_KE;
    sa->end_us = e->now_us + IKE_REFUSED_WAIT_US;
}

void ike_init_refused(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *cookie = ike_msg_notify(m, IKE_N_COOKIE);
    const struct ike_notify *ke = ike_msg_notify(m, IKE_N_INVALID_KE_PAYLOAD);
    const struct ike_notify *err = ike_msg_error(m);

    if (!ike_conn_of(e, sa))
        return;
    if ((cookie || ke) && sa->hs->rounds < IKE_INIT_ROUNDS) {
        sa->hs->rounds++;
        if (cookie)
            retry_with_cookie(e, sa, cookie);
        else
            retry_with_group(e, sa, ke);
    } else if (err && !sa->hs->refused) {
        ike_note_peer_refused(e, sa, err->type, NULL);
        sa->hs->refused = ike_notify_reason(err->type);
        sa->end_us = e->now_us + IKE_REFUSED_WAIT_US;
    }
}

/* RFC 7296 2.23: from here on port 4500, in both directions. */
static void float_port(struct ike_sa *sa, const struct ike_conn *c)
{
    if (!sa->encap)
        return;
    sa->natt = true;
    sa->local.port = sa->remote.port = c->cfg.natt_port;
}

void ike_init_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_proposals answer;
    struct ike_hs *hs = sa->hs;

    if (!c || !ike_proposals_parse(m->sa, &answer, NULL, NULL) || !ike_nonce_set(&hs->nr, m->nonce))
        return; /* unauthenticated: the real one may follow */
    if (!ike_proposal_accept(&answer, &c->cfg.ike, IKE_PROTO_IKE, 0, &sa->suite, NULL, NULL)) {
        char theirs[2048], ours[2048];
        struct ike_action *a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_NO_PROPOSAL,
                                           "peer chose what was not offered");
        ike_note_offer(e, a, ike_proposals_text(&answer, theirs, sizeof(theirs)),
                       ike_proposals_text(&c->cfg.ike, ours, sizeof(ours)));
        ike_note_lists(e, a, IKE_PROTO_IKE, &answer, &c->cfg.ike);
        ike_sa_drop(e, sa, KD_REASON_NO_PROPOSAL, false);
        return;
    }
    if (!sa->suite.dh || m->ke.group != hs->ke.dh->id || sa->suite.dh->id != hs->ke.dh->id) {
        fail(e, sa, KD_REASON_INVALID_KE, "peer answered with another group than it was asked for");
        return;
    }
    hs->childless = ike_msg_notify(m, IKE_N_CHILDLESS_IKEV2_SUPPORTED) != NULL;
    ike_ppk_heard(sa, m);
    ike_inter_heard(sa, m);
    if (!ike_inter_possible(sa)) {
        fail(e, sa, KD_REASON_PROTOCOL_ERROR,
             "peer chose further key exchanges, but does not announce IKE_INTERMEDIATE (RFC 9370)");
        return;
    }
    if (!ike_ppk_possible(sa, c)) {
        fail(e, sa, KD_REASON_UNSUPPORTED,
             "peer does not announce PPKs (RFC 8784), which ppk: {required: true} needs");
        return;
    }
    if (!ike_childless_possible(sa, c)) {
        fail(
            e, sa, KD_REASON_UNSUPPORTED,
            "peer does not announce childless initiation (RFC 6023), which childless: force needs");
        return;
    }
    if (!ike_buf_set(&hs->init_resp, m->raw)) {
        fail(e, sa, KD_REASON_NO_RESOURCES, "out of memory");
        return;
    }
    hs->auth.hashes = ike_hashes_read(m);
    ike_natd_check(e, sa, m, &sa->local, &sa->remote);
    ike_fragmentation_check(sa, m);
    float_port(sa, c);
    memcpy(sa->spi_r, m->h.spi_r, IKE_SPI_LEN);
    ike_request_done(sa);
    sa->end_us = e->now_us + IKE_HALF_OPEN_US;
    sa->state = IKE_ST_I_SHARED;
    if (!ike_ke_shared(e, sa, &hs->ke, m->ke.data))
        fail(e, sa, KD_REASON_PROTOCOL_ERROR, "peer's public value has the wrong length");
}

/* ---- the jobs of both roles ---- */

static void bad_key(struct ike *e, struct ike_sa *sa, enum kc_job_status status)
{
    const char *why = status == KC_JOB_BAD_PEER ? "peer's public value is invalid (RFC 6989)"
                                                : "the key exchange failed";

    if (sa->initiator) {
        fail(e, sa, status == KC_JOB_BAD_PEER ? KD_REASON_PROTOCOL_ERROR : KD_REASON_NO_RESOURCES,
             why);
        return;
    }
    ike_stranger(e, &sa->remote, why);
    ike_sa_drop(e, sa, KD_REASON_PROTOCOL_ERROR, false);
}

void ike_init_job(struct ike *e, struct ike_sa *sa, const struct ike_event *ev)
{
    if (ev->job_status != KC_JOB_OK) {
        bad_key(e, sa, ev->job_status);
        return;
    }
    if (sa->state == IKE_ST_I_SHARED || sa->state == IKE_ST_R_SHARED) {
        if (!ike_keys_init(e, sa)) {
            bad_key(e, sa, KC_JOB_FAILED);
            return;
        }
    }
    switch (sa->state) {
    case IKE_ST_I_KEYGEN:
        if (ike_conn_of(e, sa))
            send_init(e, sa);
        break;
    case IKE_ST_I_SHARED:
        ike_inter_start(e, sa);
        break;
    case IKE_ST_I_INTER:
    case IKE_ST_R_INTER:
        ike_inter_job(e, sa);
        break;
    case IKE_ST_R_KEYGEN:
        ike_init_respond(e, sa);
        break;
    case IKE_ST_R_SHARED:
        ike_unstash(e, sa);
        break;
    default:
        break;
    }
}
