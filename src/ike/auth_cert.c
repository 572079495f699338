/* Certificates on the wire: ours out, the peer's in, and what is said when they are refused. RFC
 * 7296 3.6 (CERT), 3.7 (CERTREQ), RFC 4945.
 *
 * Not here: judging them (crypto/cert.h, a job). Nothing is ever fetched: a certificate by hash and
 * URL (encodings 12 and 13) counts as none, and HTTP_CERT_LOOKUP_SUPPORTED is never sent. Our chain
 * goes out whether the peer asked for it or not, for we have no other; CERTREQ of the peer is not
 * read. */
#include "base/utc.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>

enum { ENCODING_URL = 12, ENCODING_URL_BUNDLE = 13 };

void ike_certs_free(struct ike_certs *x)
{
    struct ike_certs *next;

    for (; x; x = next) {
        next = x->next;
        for (uint32_t i = 0; i < x->n_chain; i++)
            kc_cert_free(x->chain[i]);
        kc_private_free(x->key);
        kc_trust_free(x->trust);
        free(x->name);
        free(x);
    }
}

/* ---- out ---- */

void ike_put_certs(struct ike_build *b, const struct ike_auth_config *a)
{
    if (a->local != IKE_AUTH_CERT || !a->certs)
        return;
    for (uint32_t i = 0; i < a->certs->n_chain; i++) {
        struct kd_writer *w = ike_payload_begin(b, IKE_PL_CERT);
        kd_put_u8(w, KC_CERT_ENCODING_X509);
        kd_put_bytes(w, kc_cert_der(a->certs->chain[i]));
        ike_payload_end(b);
    }
}

void ike_put_certreq(struct ike_build *b, const struct ike_auth_config *a)
{
    const struct kc_trust *t = a->certs ? a->certs->trust : NULL;
    struct kd_writer *w;

    if (a->remote != IKE_AUTH_CERT || !t)
        return;
    w = ike_payload_begin(b, IKE_PL_CERTREQ);
    kd_put_u8(w, KC_CERT_ENCODING_X509);
    for (size_t i = 0; i < kc_trust_count(t); i++) {
        uint8_t hash[20];
        kc_cert_spki_sha1(kc_trust_anchor(t, i), hash);
        kd_put_bytes(w, kd_bytes(hash, sizeof(hash)));
    }
    ike_payload_end(b);
}

/* ---- in ---- */

static struct kc_id id_view(const struct ike_id *id)
{
    return (struct kc_id){id->type, kd_bytes(id->data, id->len)};
}

/* An anchor that is this peer's own certificate. */
static const struct kc_cert *pinned(const struct ike_auth_config *a, const struct ike_id *id)
{
    const struct kc_id want = id_view(id);

    for (size_t i = 0; i < kc_trust_count(a->certs->trust); i++) {
        const struct kc_cert *x = kc_trust_anchor(a->certs->trust, i);
        if (a->cn[0] ? kc_cert_cn_is(x, kd_bytes_str(a->cn)) : kc_cert_is(x, &want))
            return x;
    }
    return NULL;
}

size_t ike_certs_read(const struct ike_auth_config *a, const struct ike_id *id,
                      const struct ike_msg *m, struct kd_bytes der[IKE_MSG_CERTS], char *why)
{
    const struct kc_cert *own;
    bool url = false;
    size_t n = 0;

    if (!a->certs || !a->certs->trust) {
        snprintf(why, IKE_WHY_MAX, "no certification authority is configured");
        return 0;
    }
    for (unsigned i = 0; i < m->n_certs; i++) {
        if (m->certs[i].type == KC_CERT_ENCODING_X509)
            der[n++] = m->certs[i].data;
        url = url || m->certs[i].type == ENCODING_URL || m->certs[i].type == ENCODING_URL_BUNDLE;
    }
    if (n)
        return n;
    own = pinned(a, id);
    if (own) {
        der[0] = kc_cert_der(own);
        return 1;
    }
    snprintf(why, IKE_WHY_MAX,
             url ? "it sent its certificate as hash and URL only, and no URL is ever fetched"
                 : "it sent no certificate, and none of those in ca is its own");
    return 0;
}

/* ---- refusals in words ---- */

static void dn_text(struct kd_bytes dn, char *buf, size_t cap)
{
    if (!kc_dn_str(dn, buf, cap))
        snprintf(buf, cap, "?");
}

/* What can be said of the peer's own certificate beside the verdict. */
static void details(const struct ike_auth_config *a, enum kc_chain_status status,
                    const struct kc_cert *x, char *buf, size_t cap)
{
    char from[KD_UTC_STR_MAX], to[KD_UTC_STR_MAX], issuer[128];

    buf[0] = 0;
    if (status == KC_CHAIN_EXPIRED || status == KC_CHAIN_NOT_YET_VALID)
        snprintf(buf, cap, ", its own is valid from %s to %s",
                 kd_utc_str(kc_cert_not_before_s(x), from), kd_utc_str(kc_cert_not_after_s(x), to));
    else if (status == KC_CHAIN_UNTRUSTED) {
        dn_text(kc_cert_issuer(x), issuer, sizeof(issuer));
        snprintf(buf, cap, ", its own is issued by %s", issuer);
    } else if (status == KC_CHAIN_IDENTITY && a->cn[0]) {
        snprintf(buf, cap, ", its CN is not %.64s", a->cn);
    } else if (status == KC_CHAIN_IDENTITY) {
        snprintf(buf, cap, ", none of its names is this identity");
    }
}

void ike_certs_refused(const struct ike *e, const struct ike_auth_config *a,
                       const struct ike_id *id, const struct ike_msg *m,
                       const struct kc_chain_result *r, char *why)
{
    struct kd_bytes der[IKE_MSG_CERTS];
    const char *flaw = NULL;
    char subject[128], more[200];
    struct kc_cert *x;

    if (ike_certs_read(a, id, m, der, why) == 0)
        return;
    x = kc_cert_parse(e->crypto, der[0], &flaw);
    if (!x) {
        snprintf(why, IKE_WHY_MAX, "its certificate can't be read: %s", flaw ? flaw : "malformed");
        return;
    }
    dn_text(kc_cert_subject(x), subject, sizeof(subject));
    details(a, r->status, x, more, sizeof(more));
    snprintf(why, IKE_WHY_MAX,
             "its certificate %.100s is refused: %s (number %u of the path)%.150s", subject,
             kc_chain_status_str(r->status), r->at + 1u, more);
    kc_cert_free(x);
}
