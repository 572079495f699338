/* The real provider: what the daemon uses. Fetches ciphers and prepares groups once, in a library
 * context of its own, so that neither openssl.cnf nor another user of OpenSSL in this process
 * changes what is available (of the environment, only OPENSSL_MODULES says where the legacy module
 * is).
 *
 * Legacy: single DES lives in OpenSSL's legacy provider, a module file that may not be installed;
 * it is then unavailable, and nothing else is. 3DES is in the default provider. MD5 and SHA-1 are
 * linked in (hmac.c) and always there. */
#include "crypto/box_evp.h"
#include "crypto/dh.h"
#include "crypto/hmac.h"
#include "crypto/keys.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdlib.h>

/* One row a cipher that OpenSSL does, whatever the tag length. */
static const struct cipher_name {
    uint16_t id_first, id_last;
    uint16_t key_bits;
    const char *name;
} cipher_names[] = {
    {KC_ENCR_DES, KC_ENCR_DES, 0, "DES-CBC"},
    {KC_ENCR_3DES, KC_ENCR_3DES, 0, "DES-EDE3-CBC"},
    {KC_ENCR_AES_CBC, KC_ENCR_AES_CBC, 128, "AES-128-CBC"},
    {KC_ENCR_AES_CBC, KC_ENCR_AES_CBC, 192, "AES-192-CBC"},
    {KC_ENCR_AES_CBC, KC_ENCR_AES_CBC, 256, "AES-256-CBC"},
    {KC_ENCR_AES_GCM_8, KC_ENCR_AES_GCM_16, 128, "AES-128-GCM"},
    {KC_ENCR_AES_GCM_8, KC_ENCR_AES_GCM_16, 192, "AES-192-GCM"},
    {KC_ENCR_AES_GCM_8, KC_ENCR_AES_GCM_16, 256, "AES-256-GCM"},
    {KC_ENCR_CHACHA20_POLY1305, KC_ENCR_CHACHA20_POLY1305, 0, "ChaCha20-Poly1305"},
};

static const enum kc_dh modp_ids[] = {
    KC_DH_MODP768,  KC_DH_MODP1024, KC_DH_MODP1536,     KC_DH_MODP2048,
    KC_DH_MODP3072, KC_DH_MODP4096, KC_DH_MODP2048_256,
};

static const enum kc_dh ecp_ids[] = {KC_DH_ECP256, KC_DH_ECP384, KC_DH_ECP521};

struct real {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *base, *legacy;
    EVP_CIPHER *cipher[KD_ARRAY_LEN(cipher_names)]; /* NULL: can't be had */
    struct kc_modp *modp[KD_ARRAY_LEN(modp_ids)];
    struct kc_ecp *ecp[KD_ARRAY_LEN(ecp_ids)];
};

static const EVP_CIPHER *cipher_of(const struct real *r, const struct kc_alg *a)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(cipher_names); i++) {
        const struct cipher_name *n = &cipher_names[i];
        if (a->id >= n->id_first && a->id <= n->id_last && a->key_bits == n->key_bits)
            return r->cipher[i];
    }
    return NULL;
}

static const struct kc_modp *modp_of(const struct real *r, uint16_t group)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(modp_ids); i++) {
        if (modp_ids[i] == group)
            return r->modp[i];
    }
    return NULL;
}

static const struct kc_ecp *ecp_of(const struct real *r, uint16_t group)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(ecp_ids); i++) {
        if (ecp_ids[i] == group)
            return r->ecp[i];
    }
    return NULL;
}

/* ---- start and stop ---- */

static void real_stop(void *self)
{
    struct real *r = self;

    for (size_t i = 0; i < KD_ARRAY_LEN(r->cipher); i++)
        EVP_CIPHER_free(r->cipher[i]);
    for (size_t i = 0; i < KD_ARRAY_LEN(r->modp); i++)
        kc_modp_free(r->modp[i]);
    for (size_t i = 0; i < KD_ARRAY_LEN(r->ecp); i++)
        kc_ecp_free(r->ecp[i]);
    if (r->legacy)
        OSSL_PROVIDER_unload(r->legacy);
    if (r->base)
        OSSL_PROVIDER_unload(r->base);
    OSSL_LIB_CTX_free(r->lib);
    free(r);
}

static bool prepare(struct real *r)
{
    r->lib = OSSL_LIB_CTX_new();
    if (!r->lib)
        return false;
    r->base = OSSL_PROVIDER_load(r->lib, "default");
    if (!r->base)
        return false;
    r->legacy = OSSL_PROVIDER_load(r->lib, "legacy");
    for (size_t i = 0; i < KD_ARRAY_LEN(r->cipher); i++)
        r->cipher[i] = EVP_CIPHER_fetch(r->lib, cipher_names[i].name, NULL);
    for (size_t i = 0; i < KD_ARRAY_LEN(r->ecp); i++)
        r->ecp[i] = kc_ecp_new(r->lib, ecp_ids[i]);
    for (size_t i = 0; i < KD_ARRAY_LEN(r->modp); i++) {
        r->modp[i] = kc_modp_new(modp_ids[i]);
        if (!r->modp[i])
            return false;
    }
    ERR_clear_error(); /* what can't be had shows in real_available() */
    return true;
}

static void *real_start(void)
{
    struct real *r = calloc(1, sizeof(*r));

    if (r && !prepare(r)) {
        real_stop(r);
        return NULL;
    }
    return r;
}

static bool real_available(const void *self, const struct kc_alg *a)
{
    const struct real *r = self;

    switch (a->type) {
    case KC_ENCR:
        return a->id == KC_ENCR_NULL || cipher_of(r, a) != NULL;
    case KC_DH:
        return a->id == KC_DH_NONE || a->id == KC_DH_X25519 || modp_of(r, a->id) ||
               ecp_of(r, a->id);
    case KC_PRF:
        return kc_hash_of_prf(a->id) != NULL;
    case KC_INTEG:
        return a->id == KC_INTEG_NONE || kc_hash_of_integ(a->id) != NULL;
    case KC_ESN:
        return true;
    }
    return false;
}

/* ---- the rest of the table ---- */

static void real_prf(enum kc_prf prf, struct kd_bytes key, const struct kd_bytes *parts, size_t n,
                     uint8_t *out)
{
    struct kc_hmac h;

    kc_hmac_key(&h, kc_hash_of_prf((uint16_t)prf), key);
    kc_hmac_start(&h);
    for (size_t i = 0; i < n; i++)
        kc_hmac_add(&h, parts[i]);
    kc_hmac_end(&h, out);
    kc_wipe(&h, sizeof(h));
}

static struct kc_box *real_box_new(const void *self, const struct kc_alg *encr,
                                   const struct kc_alg *integ, const struct kc_secret *enc_key,
                                   const struct kc_secret *int_key)
{
    return kc_box_evp_new(cipher_of(self, encr), encr, integ, enc_key, int_key);
}

static bool real_dh_private(const void *self, const struct kc_alg *dh, struct kc_rng *rng,
                            struct kc_secret *priv)
{
    if (modp_of(self, dh->id))
        return kc_modp_private(modp_of(self, dh->id), rng, priv);
    if (ecp_of(self, dh->id))
        return kc_ecp_private(ecp_of(self, dh->id), rng, priv);
    kd_assert(dh->id == KC_DH_X25519);
    return kc_x25519_private(rng, priv);
}

static bool real_dh_public(const void *self, const struct kc_alg *dh, const struct kc_secret *priv,
                           uint8_t *pub)
{
    if (modp_of(self, dh->id))
        return kc_modp_public(modp_of(self, dh->id), priv, pub);
    if (ecp_of(self, dh->id))
        return kc_ecp_public(ecp_of(self, dh->id), priv, pub);
    kd_assert(dh->id == KC_DH_X25519);
    return kc_x25519_public(priv, pub);
}

static enum kc_job_status real_dh_shared(const void *self, const struct kc_alg *dh,
                                         const struct kc_secret *priv, struct kd_bytes peer,
                                         struct kc_secret *shared)
{
    if (modp_of(self, dh->id))
        return kc_modp_shared(modp_of(self, dh->id), priv, peer, shared);
    if (ecp_of(self, dh->id))
        return kc_ecp_shared(ecp_of(self, dh->id), priv, peer, shared);
    kd_assert(dh->id == KC_DH_X25519);
    return kc_x25519_shared(priv, peer, shared);
}

static OSSL_LIB_CTX *real_lib(const void *self)
{
    return ((const struct real *)self)->lib;
}

static size_t real_sign(const void *self, const struct kc_private *key, const struct kc_sig *sig,
                        struct kd_bytes data, uint8_t *out)
{
    return kc_evp_sign(real_lib(self), key, sig, data, out);
}

static enum kc_job_status real_verify(const void *self, const struct kc_public *key,
                                      const struct kc_sig *sig, struct kd_bytes data,
                                      struct kd_bytes signature)
{
    return kc_evp_verify(real_lib(self), key, sig, data, signature);
}

const struct kc_provider_ops *kc_real_ops(void)
{
    static const struct kc_provider_ops ops = {
        .start = real_start,
        .stop = real_stop,
        .available = real_available,
        .prf = real_prf,
        .sha1 = kc_sha1_parts,
        .box_new = real_box_new,
        .box_free = kc_box_evp_free,
        .box_seal = kc_box_evp_seal,
        .box_open = kc_box_evp_open,
        .dh_private = real_dh_private,
        .dh_public = real_dh_public,
        .dh_shared = real_dh_shared,
        .sign = real_sign,
        .verify = real_verify,
        .lib = real_lib,
    };

    return &ops;
}
