/* Signatures as IKEv2 authenticates with them: which kinds there are, how RFC 7427 names them on
 * the wire, and private keys. Signing and verifying are jobs (KC_JOB_SIGN, KC_JOB_VERIFY in
 * crypto.h).
 *
 * Included by crypto/crypto.h. */
#ifndef KC_SIGN_H
#define KC_SIGN_H

#include "base/wire.h"

struct kc_ctx;

/* ---- kinds ---- */

enum kc_sig_scheme {
    KC_SIG_NONE,
    KC_SIG_RSA_PKCS1, /* RSASSA-PKCS1-v1_5, RFC 8017 8.2; with SHA-1 also authentication method 1 */
    KC_SIG_RSA_PSS,   /* RSASSA-PSS, RFC 8017 8.1; MGF1 with the same hash */
    KC_SIG_ECDSA_RAW, /* r | s, RFC 4754: authentication methods 9 to 11, which fix curve and hash
                       */
    KC_SIG_ECDSA,     /* SEQUENCE { r, s }: method 14, any of our curves with any SHA-2 */
    KC_SIG_ED25519,   /* RFC 8420: method 14, the hash is "identity" */
};

/* Values of SIGNATURE_HASH_ALGORITHMS (RFC 7427 7, RFC 8420 2). */
enum kc_sig_hash {
    KC_SIG_HASH_NONE = 0,
    KC_SIG_SHA1 = 1, /* legacy: RSA PKCS #1 only, and only where the caller says so */
    KC_SIG_SHA2_256 = 2,
    KC_SIG_SHA2_384 = 3,
    KC_SIG_SHA2_512 = 4,
    KC_SIG_IDENTITY = 5,
};

/* Plain data: travels in events and actions. */
struct kc_sig {
    enum kc_sig_scheme scheme;
    enum kc_sig_hash hash;
    uint16_t
        salt_len; /* PSS: at most the hash's length (FIPS 186-5 5.4), which is also usual; else 0 */
};

#define KC_SIG_MAX  1024 /* RSA with 8192 bits */
#define KC_SPKI_MAX 1088 /* its SubjectPublicKeyInfo has 1062 bytes */
#define KC_AI_MAX   80   /* longest AlgorithmIdentifier of RFC 7427 we know: PSS, 72 bytes */

/* Reads an AlgorithmIdentifier (whole DER element, nothing behind it). Accepted are exactly the
 * encodings of RFC 7427 A.1, A.3 and RFC 8420 A.1 for the kinds above; for PSS any parameters that
 * mean a hash of SHA-2, MGF1 with the same one, a salt of 0 to its length and trailer 1 (RFC
 * 4055 3.1: NULL or no parameters in a hash's identifier, trailer given or not). False for anything
 * else, PSS without parameters and PSS with SHA-1 among it; out is then NONE. */
bool kc_sig_parse(struct kd_bytes ai, struct kc_sig *out) KD_MUST_USE;
/* Appends the AlgorithmIdentifier. False for a kind that has none (RFC 4754's raw form) or that
 * kc_sig_parse() would refuse, or when w is full. */
bool kc_sig_put(struct kd_writer *w, const struct kc_sig *sig) KD_MUST_USE;
/* "rsa-sha256", "rsa-pss-sha256", "ecdsa-sha384", "ecdsa-raw-sha256", "ed25519"; "?" when none. */
const char *kc_sig_str(const struct kc_sig *sig);

/* ---- keys ---- */

enum kc_key_kind { KC_KEY_NONE, KC_KEY_RSA, KC_KEY_EC, KC_KEY_ED25519 };

/* RSA: 2048 to 8192 bits, odd modulus, odd exponent of at least 3 and at most 32 bits (Windows has
 * room for no more). EC: P-256, P-384, P-521 as named curves, uncompressed points that are on them.
 */
#define KC_RSA_BITS_MIN 2048
#define KC_RSA_BITS_MAX 8192

/* A private key. Its numbers live in guarded, locked, read-only memory of libsodium's, one area a
 * key; they leave it only for the length of one signature. Constant after loading: any number of
 * threads may sign with it. Not bound to the context that loaded it. */
struct kc_private;

/* From PEM (the first block that is a private key: "PRIVATE KEY", "RSA PRIVATE KEY" or
 * "EC PRIVATE KEY") or DER (PKCS #8, PKCS #1, RFC 5915), not encrypted. Copies; the caller wipes
 * its own. The key has then signed something and verified it. NULL with *why (may be NULL; a
 * constant text) when it is refused. */
struct kc_private *kc_private_load(struct kc_ctx *c, struct kd_bytes pem_or_der,
                                   const char **why) KD_MUST_USE;
/* Wipes. NULL is ignored. No job may be using it. */
void kc_private_free(struct kc_private *k);
enum kc_key_kind kc_private_kind(const struct kc_private *k);
uint16_t kc_private_bits(const struct kc_private *k); /* of the modulus, or of the curve */
/* Its public half as SubjectPublicKeyInfo: the same bytes as in its certificate. Lent until freed.
 */
struct kd_bytes kc_private_spki(const struct kc_private *k);

/* True when the public key of spki (DER) is one of the above and could make or check sig. */
bool kc_sig_suits(const struct kc_sig *sig, struct kd_bytes spki);
/* The kind that our own key signs with in RFC 7427's method, given the peer's hashes (bit n set:
 * kc_sig_hash n was in its SIGNATURE_HASH_ALGORITHMS): the hash of the curve's size, or SHA2-256
 * for RSA, else the next that the peer has. RSA uses PSS when pss, else PKCS #1. scheme NONE: none.
 */
struct kc_sig kc_sig_choose(const struct kc_private *k, uint32_t peer_hashes, bool pss);

#endif
