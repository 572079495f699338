/* IKE_SA_INIT as responder. RFC 7296 1.2, 2.6, 2.7, 2.21.1, 2.23.
 *
 *   (nothing) --request--> R_KEYGEN --job--> R_INIT --IKE_AUTH--> R_SHARED --job--> R_INIT, opened
 *
 * The shared secret is computed when IKE_AUTH comes: a spoofed IKE_SA_INIT costs a key
 * generation only. Refusals are stateless. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdlib.h>

/* An unauthenticated refusal concerns a connection, but anyone can cause it: by the strangers'
 * bucket. */
static void note_no_proposal(struct ike *e, const struct ike_conn *c, const struct ike_event *ev,
                             const struct ike_proposals *offered)
{
    char theirs[2048], ours[2048], addr[KD_ADDR_STR_MAX];
    struct ike_action *a;

    if (!ike_bucket_take(&e->stranger_notes, e->now_us, 10, KD_S(1)))
        return;
    a = ike_note(e, c->id, IKE_NOTE_REFUSED, KD_REASON_NO_PROPOSAL,
                 "peer %s offered no IKE proposal that is configured",
                 kd_addr_str(&ev->remote.addr, addr));
    ike_note_offer(e, a, ike_proposals_text(offered, theirs, sizeof(theirs)),
                   ike_proposals_text(&c->cfg.ike, ours, sizeof(ours)));
    if (a) {
        a->local = ev->local;
        a->remote = ev->remote;
        a->exchange = IKE_X_SA_INIT;
    }
    ike_note_lists(e, a, IKE_PROTO_IKE, offered, &c->cfg.ike);
}

static void make(struct ike *e, const struct ike_conn *c, const struct ike_suite *suite,
                 const struct ike_msg *m, const uint8_t hash[20], const struct ike_event *ev)
{
    struct ike_sa *sa = ike_sa_new(e, c, false);
    struct ike_hs *hs;

    if (!sa)
        return;
    memcpy(sa->spi_i, m->h.spi_i, IKE_SPI_LEN);
    sa->state = IKE_ST_R_KEYGEN;
    sa->suite = *suite;
    sa->local = sa->rx.local = ev->local;
    sa->remote = sa->rx.remote = ev->remote;
    sa->natt = sa->rx.natt = ev->natt;
    sa->rx.next_id = 1;
    sa->rx.exchange = IKE_X_SA_INIT;
    sa->rx.busy = true;
    memcpy(sa->rx.hash, hash, 20);
    sa->end_us = e->now_us + IKE_HALF_OPEN_US;
    ike_index_add_init(e, sa, hash);
    ike_halfopen_add(e, sa);
    hs = sa->hs = calloc(1, sizeof(*sa->hs));
    if (!hs || !ike_nonce_set(&hs->ni, m->nonce) || !ike_buf_set(&hs->init_req, m->raw) ||
        !ike_ke_keygen(e, sa, &hs->ke, suite->dh) || m->ke.data.len != suite->dh->pub_len) {
        ike_sa_drop(e, sa, KD_REASON_NO_RESOURCES, false);
        return;
    }
    memcpy(hs->ke.peer, m->ke.data.p, m->ke.data.len);
    hs->ke.peer_len = (uint16_t)m->ke.data.len;
    hs->auth.hashes = ike_hashes_read(m);
    ike_nonce_draw(e, &hs->nr, IKE_NONCE_LEN);
    ike_ppk_heard(sa, m);
    ike_inter_heard(sa, m);
    ike_natd_check(e, sa, m, &ev->local, &ev->remote);
    ike_fragmentation_check(sa, m);
}

/* RFC 9370 2.2.2: who offers further key exchanges announces what carries them. */
static bool lacks_intermediate(const struct ike_suite *s, const struct ike_msg *m)
{
    bool any = false;

    for (unsigned i = 0; i < IKE_ADDKE_MAX; i++)
        any = any || s->addke[i];
    return any && !ike_msg_notify(m, IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED);
}

void ike_init_requested(struct ike *e, const struct ike_msg *m, const uint8_t hash[20],
                        const struct ike_event *ev)
{
    struct ike_proposals offered;
    struct ike_suite suite;
    struct ike_conn *c;
    bool silent;

    if (!ike_proposals_parse(m->sa, &offered, NULL, NULL)) {
        ike_stranger(e, &ev->remote, "IKE_SA_INIT with a malformed SA payload");
        ike_stateless(e, ev, &m->h, IKE_N_INVALID_SYNTAX, kd_bytes(NULL, 0));
        return;
    }
    c = ike_conn_by_addr(e, &ev->local.addr, &ev->remote.addr, &offered, &suite, &silent);
    if (!c) {
        if (silent)
            return;
        ike_stranger(e, &ev->remote, "IKE_SA_INIT from an address that no connection expects");
        ike_stateless(e, ev, &m->h, IKE_N_NO_PROPOSAL_CHOSEN, kd_bytes(NULL, 0));
        return;
    }
    if (!suite.encr || !suite.dh || lacks_intermediate(&suite, m)) {
        note_no_proposal(e, c, ev, &offered);
        ike_stateless(e, ev, &m->h, IKE_N_NO_PROPOSAL_CHOSEN, kd_bytes(NULL, 0));
        return;
    }
    if (m->ke.group != suite.dh->id) {
        const uint8_t group[2] = {(uint8_t)(suite.dh->id >> 8), (uint8_t)suite.dh->id};
        ike_stateless(e, ev, &m->h, IKE_N_INVALID_KE_PAYLOAD, kd_bytes(group, 2));
        return;
    }
    if (ike_halfopen_admit(e, &ev->remote.addr))
        make(e, c, &suite, m, hash, ev);
    else
        ike_stranger(e, &ev->remote, "too many half-open IKE SAs");
}

/* Nobody is sent more than it has sent before it has shown that it receives: an answer that is
 * larger than its request (certificate requests, a longer nonce) waits for a cookie. */
static bool amplifies(struct ike *e, const struct ike_sa *sa, const struct ike_build *b)
{
    const struct ike_from from = {sa->rx.local, sa->rx.remote, sa->rx.natt};

    return b->w.pos > sa->hs->init_req.len && !ike_sa_silent(e, sa) &&
           !ike_cookie_returned(e, &from, ike_buf_bytes(&sa->hs->init_req));
}

void ike_init_respond(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_hs *hs = sa->hs;
    struct ike_build *b;

    if (!c) {
        ike_sa_drop(e, sa, KD_REASON_ADMIN, false);
        return;
    }
    b = ike_response(e, sa);
    ike_put_sa_answer(b, &sa->suite, IKE_PROTO_IKE, kd_bytes(NULL, 0), true);
    ike_put_ke(b, hs->ke.dh->id, kd_bytes(hs->ke.pub, hs->ke.pub_len));
    ike_put_nonce(b, ike_nonce_bytes(&hs->nr));
    if (sa->peer_natd)
        ike_put_natd(e, sa, c, b, sa->spi_r);
    hs->auth.hashes_offered = ike_conns_hashes(e);
    ike_put_hashes(b, hs->auth.hashes_offered);
    ike_put_certreq(b, &c->cfg.auth);
    if (sa->fragmenting)
        ike_put_fragmentation(sa, b);
    ike_childless_announce(sa, c, b);
    ike_ppk_announce(sa, c, b);
    ike_inter_announce(sa, c, b);
    if (amplifies(e, sa, b)) {
        ike_sa_drop(e, sa, KD_REASON_NONE, false);
        return;
    }
    ike_response_send(e, sa);
    sa->state = IKE_ST_R_INIT;
    if (!sa->rx.resp.p || !ike_buf_set(&hs->init_resp, ike_buf_bytes(&sa->rx.resp)))
        ike_sa_drop(e, sa, KD_REASON_NO_RESOURCES, false);
}
