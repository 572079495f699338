/* The cryptographic service that engines use: algorithms by their IANA numbers, secrets by handle.
 * The only folder that includes openssl/ and sodium.h. Engines get a struct kc_ctx pointer at init
 * and nothing else; the simulator gives them one whose provider is cheap and deterministic.
 *
 * Nothing here does I/O, reads the clock or asks the OS for randomness, except kc_os_random(),
 * which only shells may call. */
#ifndef KC_CRYPTO_H
#define KC_CRYPTO_H

#include "base/bytes.h"
#include "base/slab.h"
#include "crypto/cert.h"
#include "crypto/dn.h"
#include "crypto/sign.h"

/* ---- algorithms: values are the IKEv2 transform ids (IANA ikev2-parameters) ---- */

enum kc_transform_type { KC_ENCR = 1, KC_PRF = 2, KC_INTEG = 3, KC_DH = 4, KC_ESN = 5 };

enum kc_encr {
    KC_ENCR_NONE = 0,
    KC_ENCR_DES = 2,
    KC_ENCR_3DES = 3,
    KC_ENCR_NULL = 11,
    KC_ENCR_AES_CBC = 12,
    KC_ENCR_AES_GCM_8 = 18,
    KC_ENCR_AES_GCM_12 = 19,
    KC_ENCR_AES_GCM_16 = 20,
    KC_ENCR_CHACHA20_POLY1305 = 28,
};

enum kc_prf {
    KC_PRF_NONE = 0,
    KC_PRF_HMAC_MD5 = 1,
    KC_PRF_HMAC_SHA1 = 2,
    KC_PRF_HMAC_SHA2_256 = 5,
    KC_PRF_HMAC_SHA2_384 = 6,
    KC_PRF_HMAC_SHA2_512 = 7,
};

enum kc_integ {
    KC_INTEG_NONE = 0,
    KC_INTEG_HMAC_MD5_96 = 1,
    KC_INTEG_HMAC_SHA1_96 = 2,
    KC_INTEG_HMAC_SHA2_256_128 = 12,
    KC_INTEG_HMAC_SHA2_384_192 = 13,
    KC_INTEG_HMAC_SHA2_512_256 = 14,
};

enum kc_dh {
    KC_DH_NONE = 0,
    KC_DH_MODP768 = 1,
    KC_DH_MODP1024 = 2,
    KC_DH_MODP1536 = 5,
    KC_DH_MODP2048 = 14,
    KC_DH_MODP3072 = 15,
    KC_DH_MODP4096 = 16,
    KC_DH_ECP256 = 19,
    KC_DH_ECP384 = 20,
    KC_DH_ECP521 = 21,
    KC_DH_MODP2048_256 = 24,
    KC_DH_X25519 = 31,
};

/* One row an algorithm. available: the provider can do it (decided at kc_ctx_new(), e.g. DES needs
 * OpenSSL's legacy provider); an unavailable one is neither offered nor accepted. */
struct kc_alg {
    enum kc_transform_type type;
    uint16_t id;
    uint16_t key_bits; /* ENCR with a Key Length attribute: one row a size; else 0 */
    const char *name;  /* strongSwan's proposal keyword: "aes256", "sha1", "modp1024" */
    /* sizes in bytes; what does not apply is 0 */
    uint16_t key_len;  /* key material without the salt; PRF: preferred key length */
    uint16_t salt_len; /* AEAD: 4 */
    uint16_t iv_len;   /* explicit IV on the wire */
    uint16_t block;    /* cipher block (padding granularity), 1 for AEAD */
    uint16_t icv_len;  /* AEAD or INTEG tag on the wire */
    uint16_t out_len;  /* PRF output; DH: length of the shared secret */
    uint16_t pub_len;  /* DH: public value on the wire */
    bool aead;
};

/* key_bits 0 finds the row without a key length only. NULL when unknown: never trust wire ids.
 * INTEG and DH have a row for NONE (id 0), ENCR and PRF don't. */
const struct kc_alg *kc_alg_find(enum kc_transform_type type, uint16_t id, uint16_t key_bits);
/* By strongSwan's keyword, over the whole table: no two rows share one (a PRF's begins with "prf",
 * NONE is "integnone" or "modpnone"). Some of its other spellings are understood too, such as
 * "curve25519", "aes256gcm" or "sha2_256". NULL when unknown. */
const struct kc_alg *kc_alg_by_name(const char *name);
/* Why there is no ML-KEM (KE methods 35 to 37), in words, with the library's version. */
const char *kc_no_mlkem(void);
/* The table, for iteration. */
const struct kc_alg *kc_alg_table(size_t *n);

/* ---- context and key arena ---- */

struct kc_ctx;

enum kc_provider { KC_PROVIDER_REAL, KC_PROVIDER_SIM };

/* keys_max: most keys alive at once (bounded, > 0; one IKE SA uses up to 8, one child 4). Keys live
 * in one guarded, locked (mlock) area of libsodium's, are wiped when freed, and never printed. NULL
 * when memory can't be had. KC_PROVIDER_SIM is linked only into tests and fuzzers (crypto_sim_dep);
 * asking a binary without it gives NULL. A context may be used by several threads. A real one takes
 * a few milliseconds to make: one a process. */
struct kc_ctx *kc_ctx_new(enum kc_provider provider, uint32_t keys_max) KD_MUST_USE;
void kc_ctx_free(struct kc_ctx *c);
/* False when the algorithm (or NULL) can't be had in this process. */
bool kc_available(const struct kc_ctx *c, const struct kc_alg *alg);

#define KC_KEY_MAX 640 /* the longest secret kept: a MODP4096 shared secret, with room */

/* Copies key into the arena; the caller wipes its own copy. KD_HANDLE_NONE when full or too long.
 * An empty key is a key. */
struct kd_handle kc_key_import(struct kc_ctx *c, struct kd_bytes key) KD_MUST_USE;
/* Wipes; a stale handle or NONE is ignored. */
void kc_key_free(struct kc_ctx *c, struct kd_handle key);
size_t kc_key_len(const struct kc_ctx *c, struct kd_handle key); /* 0 when stale */
/* Copies the secret out, for the kernel data plane and wire forms of a secret only. 0 when stale or
 * cap too small, else its length. The caller wipes buf with kc_wipe(). */
size_t kc_key_export(const struct kc_ctx *c, struct kd_handle key, uint8_t *buf, size_t cap);
/* Do both hold the same? Two that are stale, or none, do. */
bool kc_key_same(const struct kc_ctx *c, struct kd_handle a, struct kd_handle b);
/* The key as lower-case hex, terminated, for the key log and nobody else; returns its length in
 * octets, 0 when stale or cap too small. The caller wipes hex. */
size_t kc_keylog_hex(const struct kc_ctx *c, struct kd_handle key, char *hex, size_t cap);
uint32_t kc_keys_live(const struct kc_ctx *c);
/* False when the kernel refused to lock the arena (RLIMIT_MEMLOCK): keys could reach the swap. They
 * work all the same; a shell warns. */
bool kc_keys_locked(const struct kc_ctx *c);

void kc_wipe(void *p, size_t len);
/* Constant-time in the content; lengths are public. */
bool kc_equal(struct kd_bytes a, struct kd_bytes b);
/* Seeds only; never called by an engine. */
void kc_os_random(void *buf, size_t len);

/* ---- the engines' random stream: deterministic from its seed (ChaCha20 keystream) ---- */

/* Plain data, but secret: later values follow from it, earlier ones don't (the key is replaced and
 * what was given out is wiped at every draw). */

struct kc_rng {
    uint8_t seed[32]; /* the key of the next draw */
    uint64_t block;   /* draws so far */
    uint8_t buf[64];
    uint8_t used; /* of buf; 64 when empty */
};

void kc_rng_init(struct kc_rng *r, const uint8_t seed[32]);
void kc_rng_bytes(struct kc_rng *r, void *buf, size_t len);
uint32_t kc_rng_u32(struct kc_rng *r);
/* Uniform in [0, bound), bound > 0. */
uint32_t kc_rng_below(struct kc_rng *r, uint32_t bound);

/* ---- PRF, PRF+ and plain hash (RFC 7296 2.13) ---- */

#define KC_PARTS_MAX 12 /* parts of one call's data; RFC 7296 has 6 at most; more is a bug */

/* out (alg's out_len bytes) = prf(key, parts[0] | parts[1] | ...). False on a stale key, or a
 * PRF that isn't available. */
bool kc_prf(struct kc_ctx *c, enum kc_prf prf, struct kd_handle key, const struct kd_bytes *parts,
            size_t n_parts, uint8_t *out) KD_MUST_USE;
/* The same with the key in the clear: SKEYSEED = prf(Ni | Nr, g^ir) with the secret as data handle,
 * appended after parts (secret may be NONE). The result becomes a key. NONE: stale secret, arena
 * full or PRF unavailable. */
struct kd_handle kc_prf_key(struct kc_ctx *c, enum kc_prf prf, struct kd_bytes key,
                            const struct kd_bytes *parts, size_t n_parts,
                            struct kd_handle secret) KD_MUST_USE;
/* Like kc_prf() with a key handle, but data = secret | parts (secret may be NONE) and the result is
 * a key: rekeyed SKEYSEED = prf(SK_d, g^ir | Ni | Nr) (RFC 7296 2.18). */
struct kd_handle kc_prf_derive(struct kc_ctx *c, enum kc_prf prf, struct kd_handle key,
                               struct kd_handle secret, const struct kd_bytes *parts,
                               size_t n_parts) KD_MUST_USE;
/* prf+(key, secret | seed) cut into n keys of lens[i] bytes each (a length of 0 gives NONE). All or
 * nothing: false leaves no key behind (stale key, arena full, more than 255 blocks). */
bool kc_prf_plus(struct kc_ctx *c, enum kc_prf prf, struct kd_handle key, struct kd_handle secret,
                 const struct kd_bytes *seed, size_t n_seed, const uint16_t *lens, size_t n,
                 struct kd_handle *keys) KD_MUST_USE;
/* SHA-1 of the parts, 20 bytes: NAT detection (RFC 7296 2.23). */
void kc_sha1(struct kc_ctx *c, const struct kd_bytes *parts, size_t n_parts, uint8_t out[20]);

/* ---- boxes: one direction's keyed cipher, for SK payloads and for ESP ---- */

struct kc_box; /* owned by the caller; wiped by kc_box_free() */

/* integ NONE (NULL or the row) with an AEAD, else both. enc_key holds key | salt for an AEAD (RFC
 * 5282, RFC 4106); what needs no key (an AEAD's integrity, ENCR_NULL) takes KD_HANDLE_NONE. Key
 * material is copied: the handles may be freed. A box belongs to one thread at a time. NULL:
 * unknown or unavailable algorithm, stale key, wrong key length, or out of memory. */
struct kc_box *kc_box_new(struct kc_ctx *c, const struct kc_alg *encr, const struct kc_alg *integ,
                          struct kd_handle enc_key, struct kd_handle int_key) KD_MUST_USE;
void kc_box_free(struct kc_box *b);
/* Encrypts text in place (len a multiple of the cipher's block) and writes the icv (icv_len bytes).
 * iv: the explicit IV (iv_len bytes). AEAD: aad is the associated data, tail is ignored (must be
 * empty). Else the MAC runs over aad | iv | ciphertext | tail: tail is ESP's high sequence number.
 * An AEAD's nonce is salt | iv: the caller never repeats an iv under one key. No allocation. False
 * only for a wrong length. */
bool kc_box_seal(struct kc_box *b, const uint8_t *iv, struct kd_bytes aad, uint8_t *text,
                 size_t len, struct kd_bytes tail, uint8_t *icv) KD_MUST_USE;
/* The inverse; checks the icv in constant time before decrypting (EtM) or with it (AEAD). On false
 * text is undefined and must not be used. */
bool kc_box_open(struct kc_box *b, const uint8_t *iv, struct kd_bytes aad, uint8_t *text,
                 size_t len, struct kd_bytes tail, const uint8_t *icv) KD_MUST_USE;

/* ---- slow work as jobs (DESIGN 3.2) ---- */

enum kc_job_kind {
    KC_JOB_DH_KEYGEN, /* private -> public */
    KC_JOB_DH_SHARED, /* private, peer public -> shared secret */
    KC_JOB_SIGN,      /* private key, data -> signature */
    KC_JOB_VERIFY,    /* public key, data, signature -> yes or no */
    KC_JOB_CHAIN,     /* certificates -> a public key to trust, or why not */
};

/* What a job points to is borrowed during kc_job_run(). */
struct kc_job {
    enum kc_job_kind kind;
    /* DH */
    enum kc_dh group;
    struct kd_handle priv; /* in the arena; from kc_dh_private() */
    struct kd_bytes peer;  /* SHARED */
    /* SIGN, VERIFY */
    struct kc_sig sig;
    bool sha1_ok; /* the legacy switch: without it, nothing is signed or verified with SHA-1 */
    const struct kc_private *signer; /* SIGN */
    struct kd_bytes spki;            /* VERIFY: SubjectPublicKeyInfo, DER */
    struct kd_bytes data;            /* what is signed, not hashed yet */
    struct kd_bytes signature;       /* VERIFY */
    /* CHAIN */
    const struct kc_chain *chain;
};

enum kc_job_status { KC_JOB_OK, KC_JOB_BAD_PEER, KC_JOB_FAILED };

struct kc_job_result {
    /* BAD_PEER: the peer's public value is invalid (RFC 6989); the peer's key, signature or
     * certificate is refused */
    enum kc_job_status status;
    uint8_t pub[512]; /* KEYGEN: pub_len bytes */
    size_t pub_len;
    struct kd_handle secret; /* SHARED: out_len bytes in the arena, owned by the receiver */
    uint8_t sig[KC_SIG_MAX]; /* SIGN: sig_len bytes */
    size_t sig_len;
    struct kc_chain_result chain; /* CHAIN: with any status */
};

/* Draws a private value for the group from the engine's stream into the arena. MODP: at least twice
 * the group's strength, at most the size of the order. NONE: unknown group or arena full. */
struct kd_handle kc_dh_private(struct kc_ctx *c, enum kc_dh group, struct kc_rng *rng) KD_MUST_USE;
/* Runs the job; thread-safe. Peer checks: exact length, 1 < y < p - 1 (MODP; subgroup where q is
 * known: group 24), on the curve and not infinity (ECP), shared secret not zero (X25519).
 * MODP secrets are padded to the length of p; ECP secrets are the x coordinate only (RFC 5903).
 * SIGN and VERIFY: the scheme suits the key, the signature has exactly the key's length (or is one
 * DER element), DigestInfo and PSS padding are compared as a whole. Nonces, salts and blinding come
 * from the OS, so a result is no function of the job: it comes back as an event like any other.
 * FAILED: stale or foreign private value, unavailable group, a kind the key can't sign, SHA-1
 * without the switch when signing, arena full or out of memory. */
void kc_job_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res);

#endif
