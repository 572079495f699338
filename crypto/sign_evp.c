/* The real provider's signatures: RSA and ECDSA by OpenSSL, Ed25519 by libsodium.
 *
 * OpenSSL gets numbers, never encodings: the key has been taken apart (keys.c), an ECDSA signature
 * is put together here from r and s in the one encoding it has. For RSA PKCS #1, OpenSSL builds the
 * expected DigestInfo and compares it as a whole (RFC 8017 8.2.2), so there is nothing to be
 * lenient about (CVE-2018-16151, CVE-2026-50722). Only 1 is "verified": 0 and the negative ones are
 * both no (CVE-2013-2944).
 *
 * libsodium for Ed25519, as for X25519: S below the order, no small-order or unreduced points. */
#include "crypto/keys.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>

/* Numbers for EVP_PKEY_fromdata(), in native byte order. Secret: wiped by whoever declares it. */
struct numbers {
    OSSL_PARAM param[12];
    size_t n;
    size_t used;
    uint8_t mem[5120]; /* RSA with 8192 bits: 4,612 */
};

static void add_number(struct numbers *a, const char *name, struct kd_bytes v)
{
    uint8_t *to = a->mem + a->used;

    kd_assert(v.len <= sizeof(a->mem) - a->used && a->n < KD_ARRAY_LEN(a->param) - 1);
    for (size_t i = 0; i < v.len; i++)
        to[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v.len - 1 - i : i] = v.p[i];
    a->param[a->n++] = OSSL_PARAM_construct_BN(name, to, v.len);
    a->used += v.len;
}

static void add_rsa(struct numbers *a, const struct kc_public *k)
{
    add_number(a, OSSL_PKEY_PARAM_RSA_N, k->n);
    add_number(a, OSSL_PKEY_PARAM_RSA_E, k->e);
}

static void add_rsa_private(struct numbers *a, const struct kc_private *k)
{
    static const char *const names[KC_NUMBERS] = {
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    };

    for (size_t i = 0; i < KC_NUMBERS; i++)
        add_number(a, names[i], k->num[i]);
}

/* Constructors take no const, but only read. */
static void add_ec(struct numbers *a, const struct kc_public *k)
{
    union {
        const void *in;
        void *out;
    } name = {.in = k->curve->name}, point = {.in = k->point.p};

    a->param[a->n++] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.out, 0);
    a->param[a->n++] =
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.out, k->point.len);
}

/* priv may be NULL. A point that isn't on its curve gives NULL. */
static EVP_PKEY *key_of(OSSL_LIB_CTX *lib, const struct kc_public *k, const struct kc_private *priv)
{
    bool rsa = k->kind == KC_KEY_RSA;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(lib, rsa ? "RSA" : "EC", NULL);
    struct numbers a = {.n = 0};
    EVP_PKEY *pkey = NULL;

    if (rsa)
        add_rsa(&a, k);
    else
        add_ec(&a, k);
    if (priv && rsa)
        add_rsa_private(&a, priv);
    else if (priv)
        add_number(&a, OSSL_PKEY_PARAM_PRIV_KEY, priv->num[KC_EC_D]);
    a.param[a.n] = OSSL_PARAM_construct_end();
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, priv ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, a.param) != 1)
        pkey = NULL;
    kc_wipe(&a, sizeof(a));
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static const char *hash_name(enum kc_sig_hash h)
{
    switch (h) {
    case KC_SIG_SHA1:
        return "SHA1";
    case KC_SIG_SHA2_256:
        return "SHA2-256";
    case KC_SIG_SHA2_384:
        return "SHA2-384";
    case KC_SIG_SHA2_512:
        return "SHA2-512";
    case KC_SIG_IDENTITY:
    case KC_SIG_HASH_NONE:
        break;
    }
    kd_assert(!"a hash of its own");
    return NULL;
}

/* RFC 8017 8.1: everything about the padding is said, nothing is left to a default. */
static bool set_padding(EVP_PKEY_CTX *p, const struct kc_sig *sig)
{
    switch (sig->scheme) {
    case KC_SIG_RSA_PKCS1:
        return EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PADDING) == 1;
    case KC_SIG_RSA_PSS:
        return EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(p, sig->salt_len) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md_name(p, hash_name(sig->hash), NULL) == 1;
    case KC_SIG_ECDSA_RAW:
    case KC_SIG_ECDSA:
        return true;
    case KC_SIG_ED25519:
    case KC_SIG_NONE:
        break;
    }
    return false;
}

/* ---- signing ---- */

static size_t der_to_raw(const uint8_t *der, size_t len, size_t coord, uint8_t *out)
{
    struct kd_bytes r, s;

    if (!kc_ecdsa_parse(kd_bytes(der, len), coord, &r, &s))
        return 0;
    memset(out, 0, 2 * coord);
    memcpy(out + coord - r.len, r.p, r.len);
    memcpy(out + 2 * coord - s.len, s.p, s.len);
    return 2 * coord;
}

static size_t sign_pkey(OSSL_LIB_CTX *lib, EVP_PKEY *pkey, const struct kc_sig *sig,
                        struct kd_bytes data, uint8_t *out)
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_PKEY_CTX *p = NULL; /* m's */
    size_t len = KC_SIG_MAX;

    if (!m || EVP_DigestSignInit_ex(m, &p, hash_name(sig->hash), lib, NULL, pkey, NULL) != 1 ||
        !set_padding(p, sig) || EVP_DigestSign(m, out, &len, data.p, data.len) != 1)
        len = 0;
    EVP_MD_CTX_free(m);
    return len;
}

static size_t sign_ed25519(const struct kc_private *k, struct kd_bytes data, uint8_t *out)
{
    static const uint8_t none[1];

    crypto_sign_ed25519_detached(out, NULL, data.len ? data.p : none, data.len, k->num[KC_ED_SK].p);
    return crypto_sign_ed25519_BYTES;
}

size_t kc_evp_sign(OSSL_LIB_CTX *lib, const struct kc_private *k, const struct kc_sig *sig,
                   struct kd_bytes data, uint8_t *out)
{
    uint8_t der[KC_SIG_MAX];
    EVP_PKEY *pkey;
    size_t len = 0;

    if (sig->scheme == KC_SIG_ED25519)
        return sign_ed25519(k, data, out);
    pkey = key_of(lib, &k->pub, k);
    if (pkey && sig->scheme == KC_SIG_ECDSA_RAW) {
        len = sign_pkey(lib, pkey, sig, data, der);
        len = der_to_raw(der, len, k->pub.len, out);
    } else if (pkey) {
        len = sign_pkey(lib, pkey, sig, data, out);
    }
    EVP_PKEY_free(pkey); /* clears the private numbers */
    ERR_clear_error();
    return len;
}

/* ---- verifying ---- */

static bool verify_pkey(OSSL_LIB_CTX *lib, EVP_PKEY *pkey, const struct kc_sig *sig,
                        struct kd_bytes data, struct kd_bytes signature)
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_PKEY_CTX *p = NULL; /* m's */
    bool ok = m &&
              EVP_DigestVerifyInit_ex(m, &p, hash_name(sig->hash), lib, NULL, pkey, NULL) == 1 &&
              set_padding(p, sig) &&
              EVP_DigestVerify(m, signature.p, signature.len, data.p, data.len) == 1;

    EVP_MD_CTX_free(m);
    return ok;
}

static bool verify_ed25519(const struct kc_public *k, struct kd_bytes data,
                           struct kd_bytes signature)
{
    static const uint8_t none[1];

    return crypto_sign_ed25519_verify_detached(signature.p, data.len ? data.p : none, data.len,
                                               k->point.p) == 0;
}

enum kc_job_status kc_evp_verify(OSSL_LIB_CTX *lib, const struct kc_public *k,
                                 const struct kc_sig *sig, struct kd_bytes data,
                                 struct kd_bytes signature)
{
    uint8_t der[KC_ECDSA_DER_MAX];
    struct kd_writer w;
    EVP_PKEY *pkey;
    bool ok;

    if (sig->scheme == KC_SIG_ED25519)
        return verify_ed25519(k, data, signature) ? KC_JOB_OK : KC_JOB_BAD_PEER;
    if (sig->scheme == KC_SIG_ECDSA_RAW) {
        kd_writer_init(&w, der, sizeof(der));
        kc_ecdsa_put(&w, kd_bytes(signature.p, k->len), kd_bytes(signature.p + k->len, k->len));
        kd_assert(w.ok);
        signature = kd_written(&w);
    }
    pkey = key_of(lib, k, NULL);
    ok = pkey && verify_pkey(lib, pkey, sig, data, signature);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return ok ? KC_JOB_OK : KC_JOB_BAD_PEER;
}
