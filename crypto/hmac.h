/* Inside crypto/ only: HMAC with its two keyed states made once and copied for each message. */
#ifndef KC_HMAC_H
#define KC_HMAC_H

#include "crypto/provider.h"

/* The low-level digests are deprecated in OpenSSL 3 and yet the right ones here: see hmac.c. */
#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <openssl/md5.h>
#include <openssl/sha.h>

#define KC_HASH_MAX  64  /* SHA-512 output */
#define KC_BLOCK_MAX 128 /* SHA-384 and SHA-512 input block */

union kc_hash_state {
    MD5_CTX md5;
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha512;
};

struct kc_hash {
    size_t out_len;
    size_t block;
    void (*init)(union kc_hash_state *s);
    void (*update)(union kc_hash_state *s, const void *p, size_t len);
    void (*final)(union kc_hash_state *s, uint8_t *out);
};

/* Secret: whoever declares one wipes it. */
struct kc_hmac {
    const struct kc_hash *hash;
    union kc_hash_state inner; /* after the first block, key ^ ipad */
    union kc_hash_state outer; /* after the first block, key ^ opad */
    union kc_hash_state run;   /* of the message under way */
};

/* NULL for a number that isn't an HMAC of ours. */
const struct kc_hash *kc_hash_of_prf(uint16_t prf);
const struct kc_hash *kc_hash_of_integ(uint16_t integ);

void kc_hmac_key(struct kc_hmac *h, const struct kc_hash *hash, struct kd_bytes key);
void kc_hmac_start(struct kc_hmac *h);
void kc_hmac_add(struct kc_hmac *h, struct kd_bytes data);
void kc_hmac_end(struct kc_hmac *h, uint8_t *out); /* hash->out_len bytes */

void kc_sha1_parts(const struct kd_bytes *parts, size_t n, uint8_t out[20]);

#endif
