/* Inside crypto/ only: public and private keys taken apart, before OpenSSL gets their numbers. */
#ifndef KC_KEYS_H
#define KC_KEYS_H

#include "crypto/der.h"
#include "crypto/provider.h"

#define KC_RSA_E_MAX 4  /* bytes */
#define KC_COORD_MAX 66 /* P-521 */

struct kc_curve {
    enum kc_dh group;      /* the same curve as a key exchange */
    const char *name;      /* OpenSSL's */
    uint8_t len;           /* of a coordinate, and of the order */
    struct kd_bytes ai;    /* id-ecPublicKey and namedCurve, whole AlgorithmIdentifier */
    enum kc_sig_hash hash; /* RFC 4754's for this curve */
};

/* Views into whatever it was read from. */
struct kc_public {
    enum kc_key_kind kind;
    uint16_t bits;
    uint16_t len;                 /* RSA: of the modulus; EC: of a coordinate; Ed25519: 32 */
    struct kd_bytes n, e;         /* RSA, without leading zeros */
    const struct kc_curve *curve; /* EC */
    struct kd_bytes point; /* EC: 04 | x | y, not known to be on the curve; Ed25519: 32 bytes */
};

enum kc_number {
    KC_RSA_D,
    KC_RSA_P,
    KC_RSA_Q,
    KC_RSA_DP,
    KC_RSA_DQ,
    KC_RSA_QI,
    KC_NUMBERS,
    KC_EC_D = 0,  /* of the curve's length */
    KC_ED_SK = 0, /* libsodium's form: seed | public */
};

struct kc_private {
    struct kc_public pub;
    size_t spki_len;
    uint8_t spki[KC_SPKI_MAX];
    uint8_t *mem; /* guarded */
    size_t mem_cap, mem_len;
    struct kd_bytes num[KC_NUMBERS]; /* views into mem */
};

/* Whole DER of a SubjectPublicKeyInfo. False with *why when it isn't one of ours. */
bool kc_public_parse(struct kd_bytes spki, struct kc_public *out, const char **why) KD_MUST_USE;
/* False with *why when the modulus or exponent is out of bounds. */
bool kc_public_rsa(struct kd_bytes n, struct kd_bytes e, struct kc_public *out,
                   const char **why) KD_MUST_USE;
/* By the whole AlgorithmIdentifier of a key, or by the curve's OID content; NULL when unknown. */
const struct kc_curve *kc_curve_by_ai(struct kd_bytes ai);
const struct kc_curve *kc_curve_by_oid(struct kd_bytes oid);
extern const struct kd_bytes kc_ai_rsa, kc_ai_ed25519; /* a key's, whole elements */
/* The inverse of kc_public_parse(). */
bool kc_public_put(struct kd_writer *w, const struct kc_public *k) KD_MUST_USE;

/* Scheme, hash and salt are consistent and the key can make or check it. */
bool kc_sig_fits(const struct kc_sig *sig, const struct kc_public *k);

/* r and s of an ECDSA signature in DER, each with at most len bytes; nothing else. */
bool kc_ecdsa_parse(struct kd_bytes der, size_t len, struct kd_bytes *r, struct kd_bytes *s);
void kc_ecdsa_put(struct kd_writer *w, struct kd_bytes r, struct kd_bytes s);
#define KC_ECDSA_DER_MAX 141 /* P-521: 3 + 2 * (2 + 67) bytes */

/* ---- sign_evp.c: the real provider's. The key fits the kind, a signature has its length. ---- */

/* out has KC_SIG_MAX bytes; 0 when out of memory or the key's numbers don't belong together. */
size_t kc_evp_sign(struct ossl_lib_ctx_st *lib, const struct kc_private *k,
                   const struct kc_sig *sig, struct kd_bytes data, uint8_t *out);
enum kc_job_status kc_evp_verify(struct ossl_lib_ctx_st *lib, const struct kc_public *k,
                                 const struct kc_sig *sig, struct kd_bytes data,
                                 struct kd_bytes signature);

/* ---- sign.c ---- */

void kc_sign_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res);
void kc_verify_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res);

#endif
