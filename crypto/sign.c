/* Signing and verifying as jobs: the rules that don't depend on the mathematics. The provider gets
 * a key and a kind that fit, and a signature of the right length.
 *
 * RFC 7296 2.15 and 3.8, RFC 7427, RFC 4754, RFC 8420. What is signed is put together by the IKE
 * engine. */
#include "crypto/keys.h"

/* The switch, and whether the kind is the key's. */
static bool allowed(const struct kc_job *job, const struct kc_public *k)
{
    return (job->sig.hash != KC_SIG_SHA1 || job->sha1_ok) && kc_sig_fits(&job->sig, k);
}

void kc_sign_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res)
{
    if (!job->signer || !allowed(job, &job->signer->pub))
        return;
    res->sig_len = c->ops->sign(c->self, job->signer, &job->sig, job->data, res->sig);
    if (res->sig_len > 0)
        res->status = KC_JOB_OK;
}

/* Neither shorter nor longer, and no number padded differently. */
static bool length_ok(const struct kc_public *k, enum kc_sig_scheme scheme,
                      struct kd_bytes signature)
{
    struct kd_bytes r, s;

    switch (scheme) {
    case KC_SIG_RSA_PKCS1:
    case KC_SIG_RSA_PSS:
        return signature.len == k->len;
    case KC_SIG_ECDSA_RAW:
        return signature.len == 2u * k->len;
    case KC_SIG_ECDSA:
        return kc_ecdsa_parse(signature, k->len, &r, &s);
    case KC_SIG_ED25519:
        return signature.len == 64;
    case KC_SIG_NONE:
        break;
    }
    return false;
}

void kc_verify_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res)
{
    struct kc_public k;

    res->status = KC_JOB_BAD_PEER;
    if (kc_public_parse(job->spki, &k, NULL) && allowed(job, &k) &&
        length_ok(&k, job->sig.scheme, job->signature))
        res->status = c->ops->verify(c->self, &k, &job->sig, job->data, job->signature);
}
