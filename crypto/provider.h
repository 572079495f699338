/* Inside crypto/ only: the context, secrets on their way between arena and algorithm, and what a
 * provider must be able to do. Two exist: real (real.c) and sim (sim.c, a library of its own). */
#ifndef KC_PROVIDER_H
#define KC_PROVIDER_H

#include "crypto/crypto.h"

struct ossl_lib_ctx_st; /* OpenSSL's OSSL_LIB_CTX: its headers are for the files that need them */

/* A secret outside the arena, for the length of one call; whoever declares one wipes it. */
struct kc_secret {
    size_t len;
    uint8_t b[KC_KEY_MAX];
};

static inline struct kd_bytes kc_secret_bytes(const struct kc_secret *s)
{
    return kd_bytes(s->b, s->len);
}

/* ---- arena.c ---- */

struct kc_arena;

struct kc_arena *kc_arena_new(uint32_t cap) KD_MUST_USE;
void kc_arena_free(struct kc_arena *a);
/* Copies the secret out; false when stale. */
bool kc_arena_get(struct kc_arena *a, struct kd_handle h, struct kc_secret *out) KD_MUST_USE;
/* Where slot idx keeps its KC_KEY_MAX bytes, live or not: only for the test that they are wiped. */
const uint8_t *kc_arena_raw(const struct kc_arena *a, uint32_t idx);

/* ---- the context ---- */

struct kc_provider_ops;

struct kc_ctx {
    const struct kc_provider_ops *ops;
    void
        *self; /* the provider's own, made by ops->start(); constant afterwards, so shared freely */
    struct kc_arena *arena;
};

/* The library context for whatever isn't in the table below (keys and certificates are read by
 * OpenSSL with either provider); NULL, OpenSSL's default one, in the simulator. */
struct ossl_lib_ctx_st *kc_ctx_lib(const struct kc_ctx *c);

/* ---- boxes: the part that both providers' boxes begin with ---- */

struct kc_box {
    const struct kc_provider_ops *ops;
    const struct kc_alg *encr;
    const struct kc_alg *integ; /* NULL with an AEAD */
    uint16_t block;
    uint16_t iv_len;
    uint16_t icv_len;
    bool aead;
};

/* One packet as the provider sees it; lengths have been checked. */
struct kc_packet {
    const uint8_t *iv;
    struct kd_bytes aad;
    uint8_t *text;
    size_t len;
    struct kd_bytes tail;
};

/* Arguments are checked by the callers in this folder: algorithms are available rows of the table,
 * keys and peer values have their exact length. Functions are thread-safe except seal and open on
 * one box. */
struct kc_public;

struct kc_provider_ops {
    void *(*start)(void); /* NULL when memory can't be had */
    void (*stop)(void *self);
    bool (*available)(const void *self, const struct kc_alg *alg);

    /* out has the PRF's out_len; key may have any length. */
    void (*prf)(enum kc_prf prf, struct kd_bytes key, const struct kd_bytes *parts, size_t n,
                uint8_t *out);
    void (*sha1)(const struct kd_bytes *parts, size_t n, uint8_t out[20]);

    /* Makes a whole box; box.c fills the common part. NULL: out of memory. */
    struct kc_box *(*box_new)(const void *self, const struct kc_alg *encr,
                              const struct kc_alg *integ, const struct kc_secret *enc_key,
                              const struct kc_secret *int_key);
    void (*box_free)(struct kc_box *b);
    bool (*box_seal)(struct kc_box *b, const struct kc_packet *p, uint8_t *icv);
    bool (*box_open)(struct kc_box *b, const struct kc_packet *p, const uint8_t *icv);

    bool (*dh_private)(const void *self, const struct kc_alg *dh, struct kc_rng *rng,
                       struct kc_secret *priv);
    /* pub has pub_len bytes. False: not a private value of this group, or out of memory. */
    bool (*dh_public)(const void *self, const struct kc_alg *dh, const struct kc_secret *priv,
                      uint8_t *pub);
    enum kc_job_status (*dh_shared)(const void *self, const struct kc_alg *dh,
                                    const struct kc_secret *priv, struct kd_bytes peer,
                                    struct kc_secret *shared);

    /* The kind fits the key (kc_sig_fits()), SHA-1 is allowed where it is asked for. out has
     * KC_SIG_MAX bytes; the length, 0 when it can't be done. */
    size_t (*sign)(const void *self, const struct kc_private *key, const struct kc_sig *sig,
                   struct kd_bytes data, uint8_t *out);
    /* The signature has the key's length, or is r and s in DER. */
    enum kc_job_status (*verify)(const void *self, const struct kc_public *key,
                                 const struct kc_sig *sig, struct kd_bytes data,
                                 struct kd_bytes signature);
    struct ossl_lib_ctx_st *(*lib)(const void *self); /* NULL: none of its own */
};

const struct kc_provider_ops *kc_real_ops(void);
/* Weak where ctx.c uses it: a binary that doesn't link kc_sim whole has no simulator provider. */
const struct kc_provider_ops *kc_sim_ops(void);

#endif
