/* Signatures in AUTH: which kind, and what stands around it on the wire. RFC 7296 3.8 (methods 1
 * and 2), RFC 4754 (9 to 11), RFC 7427 (14, SIGNATURE_HASH_ALGORITHMS), RFC 8420 (Ed25519).
 *
 * Not here: signing and verifying, which are jobs, and what is signed (auth_octets.c).
 *
 * Method 14 is used when the peer says which hashes it knows, and accepted with those we named. A
 * peer that names none gets what it must know from before: method 1, whose hash RFC 7296 leaves
 * open (SHA-1 by default, which is legacy here and off), or RFC 4754's for its curve. */
#include "ike/proof.h"
#include "ike/sa.h"

#define METHOD_SIGNATURE 14 /* RFC 7427 */

/* In the order in which a method with several hashes is tried. */
static const struct method_row {
    uint8_t method;
    struct kc_sig sig;
} rows[] = {
    {1, {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0}},  {1, {KC_SIG_RSA_PKCS1, KC_SIG_SHA1, 0}},
    {9, {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_256, 0}},  {10, {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_384, 0}},
    {11, {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_512, 0}},
};

/* ---- ours ---- */

/* The last row that suits: SHA-1 before SHA-256 where it is allowed, for that is what a peer of
 * method 1 is sure to know. */
static bool choose_row(const struct ike_auth_config *a, uint8_t *method, struct kc_sig *sig)
{
    bool found = false;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        if (!kc_sig_suits(&rows[i].sig, kc_private_spki(a->certs->key)) ||
            (rows[i].sig.hash == KC_SIG_SHA1 && !a->sha1_ok))
            continue;
        *method = rows[i].method;
        *sig = rows[i].sig;
        found = true;
    }
    return found;
}

bool ike_sig_ours(const struct ike_sa *sa, const struct ike_auth_config *a, uint8_t *method,
                  struct kc_sig *sig, const char **why)
{
    uint32_t hashes = sa->hs->auth.hashes;

    if (!a->certs || !a->certs->key) {
        *why = "we have no private key";
        return false;
    }
    *method = METHOD_SIGNATURE;
    *sig = kc_sig_choose(a->certs->key, hashes, a->pss);
    if (sig->scheme != KC_SIG_NONE)
        return true;
    *why = hashes ? "it knows no hash that our key signs with"
                  : "it does not speak RFC 7427, which an Ed25519 key needs";
    return !hashes && choose_row(a, method, sig);
}

bool ike_sig_put(struct ike_auth *a, struct kd_bytes signature)
{
    struct kd_writer w;
    size_t ai;

    kd_writer_init(&w, a->data, sizeof(a->data));
    if (a->method == METHOD_SIGNATURE) { /* RFC 7427 3: length, AlgorithmIdentifier, signature */
        kd_put_u8(&w, 0);
        if (!kc_sig_put(&w, &a->sig))
            return false;
        ai = w.pos - 1;
        kd_assert(ai <= KC_AI_MAX);
        kd_patch_u8(&w, 0, (uint8_t)ai);
    }
    kd_put_bytes(&w, signature);
    a->len = (uint16_t)w.pos;
    return w.ok && signature.len > 0;
}

/* ---- the peer's ---- */

static bool read_identified(const struct ike_sa *sa, struct kd_bytes data, struct kc_sig *sig,
                            struct kd_bytes *signature, const char **why)
{
    struct kd_reader r;
    struct kd_bytes ai;

    kd_reader_init(&r, data);
    ai = kd_get_bytes(&r, kd_get_u8(&r));
    *signature = kd_get_rest(&r);
    if (!r.ok || signature->len == 0) {
        *why = "its AUTH is cut short";
        return false;
    }
    if (!kc_sig_parse(ai, sig)) {
        *why = "it signs in a way that is not supported (RFC 7427)";
        return false;
    }
    if (sa->hs->auth.hashes_offered & UINT32_C(1) << sig->hash)
        return true;
    *why = "it signs with a hash that was not offered";
    return false;
}

bool ike_sig_read(const struct ike_sa *sa, const struct ike_typed *auth, struct kc_sig *sig,
                  struct kd_bytes *signature, const char **why)
{
    if (auth->type == METHOD_SIGNATURE)
        return read_identified(sa, auth->data, sig, signature, why);
    *signature = auth->data;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        *sig = rows[i].sig;
        if (rows[i].method == auth->type)
            return true;
    }
    *why = auth->type == IKE_AUTH_METHOD_PSK
               ? "it uses a pre-shared key, a certificate is configured"
               : "it authenticates by a method that is not supported";
    return false;
}

bool ike_sig_next(const struct ike_auth_config *a, const struct ike_typed *auth, struct kc_sig *sig)
{
    if (auth->type != rows[1].method || !a->sha1_ok || sig->hash == rows[1].sig.hash)
        return false;
    *sig = rows[1].sig;
    return true;
}

/* ---- SIGNATURE_HASH_ALGORITHMS (RFC 7427 4): 16-bit numbers ---- */

uint32_t ike_hashes_ours(const struct ike_auth_config *a)
{
    uint32_t set = 1u << KC_SIG_SHA2_256 | 1u << KC_SIG_SHA2_384 | 1u << KC_SIG_SHA2_512 |
                   1u << KC_SIG_IDENTITY;

    return a->remote == IKE_AUTH_CERT ? set : 0;
}

uint32_t ike_hashes_read(const struct ike_msg *m)
{
    const struct ike_notify *n = ike_msg_notify(m, IKE_N_SIGNATURE_HASH_ALGORITHMS);
    struct kd_reader r;
    uint32_t set = 0;

    kd_reader_init(&r, n ? n->data : kd_bytes(NULL, 0));
    while (kd_reader_left(&r) >= 2) {
        uint16_t hash = kd_get_u16(&r);
        if (hash < 32)
            set |= UINT32_C(1) << hash;
    }
    return set;
}

void ike_put_hashes(struct ike_build *b, uint32_t hashes)
{
    uint8_t list[2 * 32];
    struct kd_writer w;

    kd_writer_init(&w, list, sizeof(list));
    for (uint16_t i = 0; i < 32; i++)
        if (hashes & UINT32_C(1) << i)
            kd_put_u16(&w, i);
    if (w.pos)
        ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), IKE_N_SIGNATURE_HASH_ALGORITHMS,
                       kd_written(&w));
}
