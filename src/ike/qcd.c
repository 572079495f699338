/* Quick crash detection (RFC 6290): a peer that has lost its IKE SAs proves it by a token that only
 * it can have, so that the other end need not wait for its detection budget.
 *
 * Both ends make tokens and take them. A token is a MAC over the SPI pair and the maker's role
 * under a secret that survives a restart (ike_params.qcd; the shell keeps it): 4.2 gives it to the
 * authenticated peer in IKE_AUTH, 4.4 in an INFORMATIONAL exchange of each rekeyed IKE SA; 4.5
 * presents it in clear, beside INVALID_IKE_SPI, to a request for an IKE SA that is not here.
 *
 * What must never happen (9.2): a token in clear for an SA that lives. It is only made where no SA
 * of ours has the pair, in either order; and the role in the MAC makes the answer to a request with
 * the wrong initiator flag worth nothing.
 *
 * Deviation: after a rekey both ends send their token by INFORMATIONAL; 4.3 would let the responder
 * put it into CREATE_CHILD_SA. */
#include "ike/guard.h"
#include "ike/out.h"
#include "ike/sa.h"

#define TOKEN_LEN 16  /* as short as RFC 6290 4.1 allows */
#define TOKEN_MAX 256 /* a peer's */

/* What presents it: INVALID_IKE_SPI and QCD_TOKEN behind their headers. The request may be forged,
 * so a shorter one draws no token. An empty one under an AEAD has 49 to 57 octets: to a peer with
 * tokens ours are padded. */
#define ANSWER_LEN (IKE_HEADER_LEN + 8 + 8 + TOKEN_LEN)

#define PROTOCOL IKE_PROTO_IKE /* 4.1: it is about an IKE SA */

static const struct kd_bytes none = {NULL, 0};

/* initiator: the maker is the original initiator. */
static bool token(struct ike *e, const uint8_t *spi_i, const uint8_t *spi_r, bool initiator,
                  uint8_t out[TOKEN_LEN])
{
    const struct kd_bytes parts[] = {kd_bytes_str(initiator ? "initiator" : "responder"),
                                     kd_bytes(spi_i, IKE_SPI_LEN), kd_bytes(spi_r, IKE_SPI_LEN)};
    uint8_t mac[32];
    bool ok = kc_prf(e->crypto, KC_PRF_HMAC_SHA2_256, e->qcd, parts, KD_ARRAY_LEN(parts), mac);

    if (ok)
        memcpy(out, mac, TOKEN_LEN);
    kc_wipe(mac, sizeof(mac));
    return ok;
}

void ike_qcd_put(struct ike *e, const struct ike_sa *sa, struct ike_build *b)
{
    uint8_t t[TOKEN_LEN];

    if (!kd_handle_none(e->qcd) && token(e, sa->spi_i, sa->spi_r, sa->initiator, t))
        ike_put_notify(b, PROTOCOL, none, IKE_N_QCD_TOKEN, kd_bytes(t, sizeof(t)));
    kc_wipe(t, sizeof(t));
}

void ike_qcd_take(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *n = ike_msg_notify(m, IKE_N_QCD_TOKEN);

    if (!n)
        return;
    ike_key_doom(e, &sa->peer_token); /* 4.4: the last one counts */
    sa->peer_token = kc_key_import(e->crypto, n->data);
}

size_t ike_qcd_len_min(const struct ike_sa *sa)
{
    return kd_handle_none(sa->peer_token) ? 0 : ANSWER_LEN;
}

/* ---- presented in clear ---- */

static bool has_pair(const struct ike *e, const uint8_t *ours, const struct ike_header *h)
{
    const struct ike_sa *sa = ike_index_spi(e, ours);

    return sa && memcmp(sa->spi_i, h->spi_i, IKE_SPI_LEN) == 0 &&
           memcmp(sa->spi_r, h->spi_r, IKE_SPI_LEN) == 0;
}

bool ike_qcd_present(struct ike *e, const struct ike_event *ev, const struct ike_header *h)
{
    bool from_initiator = h->flags & IKE_FLAG_INITIATOR;
    struct ike_header r = *h;
    uint8_t t[TOKEN_LEN];
    struct kd_bytes msg;

    if (kd_handle_none(e->qcd) || ev->data.len < ANSWER_LEN || has_pair(e, h->spi_i, h) ||
        has_pair(e, h->spi_r, h) || !ike_stateless_may(e) ||
        !token(e, h->spi_i, h->spi_r, !from_initiator, t))
        return false;
    r.version = 0;
    r.flags = IKE_FLAG_RESPONSE | (from_initiator ? 0 : IKE_FLAG_INITIATOR);
    ike_build_begin(&e->build, e->tx, sizeof(e->tx), &r);
    ike_put_notify(&e->build, IKE_PROTO_NONE, none, IKE_N_INVALID_IKE_SPI, none);
    ike_put_notify(&e->build, PROTOCOL, none, IKE_N_QCD_TOKEN, kd_bytes(t, sizeof(t)));
    msg = ike_build_end(&e->build);
    ike_out_send(e, UINT32_MAX, &ev->local, &ev->remote, ev->natt, false, msg);
    kc_wipe(t, sizeof(t));
    return true;
}

static bool is_peers(const struct ike *e, const struct ike_sa *sa, struct kd_bytes shown)
{
    uint8_t t[TOKEN_MAX];
    size_t len = kc_key_export(e->crypto, sa->peer_token, t, sizeof(t));
    bool ok = len > 0 && kc_equal(kd_bytes(t, len), shown);

    kc_wipe(t, sizeof(t));
    return ok;
}

/* 4.5: one message may show several, of the maker's older secrets. */
static bool shown(const struct ike *e, const struct ike_sa *sa, const struct ike_msg *m)
{
    for (unsigned i = 0; i < m->n_notifies; i++)
        if (m->notifies[i].type == IKE_N_QCD_TOKEN && is_peers(e, sa, m->notifies[i].data))
            return true;
    return false;
}

bool ike_qcd_shown(struct ike *e, struct ike_sa *sa, const struct ike_event *ev)
{
    struct ike_diag d;

    if (kd_handle_none(sa->peer_token) ||
        !ike_msg_parse(kd_bytes(e->rx, ev->data.len), &e->msg, &d) ||
        ike_grammar_check(&e->msg, &d) != IKE_FORM_CLEAR_NOTIFY ||
        !ike_msg_notify(&e->msg, IKE_N_INVALID_IKE_SPI) || !shown(e, sa, &e->msg))
        return false;
    ike_sa_drop(e, sa, KD_REASON_PEER_RESTARTED, false);
    return true;
}
