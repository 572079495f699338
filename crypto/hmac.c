/* HMAC (RFC 2104) over OpenSSL's digests, and the plain SHA-1 of NAT detection. Serves the PRFs and
 * the integrity algorithms; truncation is the caller's.
 *
 * Decision: the low-level SHA*_ and MD5_ functions, not EVP_MAC or EVP_MD. OpenSSL 3.0's EVP frees
 * and allocates a digest state twice a message at every re-init (measured: 2 allocations and about
 * 90 ns more for each packet), and the fast path promises not to allocate. With plain state structs
 * the keyed states are computed once a key, and a message begins with a struct copy. The assembler
 * underneath is the same. Should OpenSSL drop these functions, only this file changes. */
#include "crypto/hmac.h"

static void md5_init(union kc_hash_state *s)
{
    MD5_Init(&s->md5);
}

static void md5_update(union kc_hash_state *s, const void *p, size_t len)
{
    MD5_Update(&s->md5, p, len);
}

static void md5_final(union kc_hash_state *s, uint8_t *out)
{
    MD5_Final(out, &s->md5);
}

static void sha1_init(union kc_hash_state *s)
{
    SHA1_Init(&s->sha1);
}

static void sha1_update(union kc_hash_state *s, const void *p, size_t len)
{
    SHA1_Update(&s->sha1, p, len);
}

static void sha1_final(union kc_hash_state *s, uint8_t *out)
{
    SHA1_Final(out, &s->sha1);
}

static void sha256_init(union kc_hash_state *s)
{
    SHA256_Init(&s->sha256);
}

static void sha256_update(union kc_hash_state *s, const void *p, size_t len)
{
    SHA256_Update(&s->sha256, p, len);
}

static void sha256_final(union kc_hash_state *s, uint8_t *out)
{
    SHA256_Final(out, &s->sha256);
}

static void sha384_init(union kc_hash_state *s)
{
    SHA384_Init(&s->sha512);
}

static void sha512_init(union kc_hash_state *s)
{
    SHA512_Init(&s->sha512);
}

static void sha512_update(union kc_hash_state *s, const void *p, size_t len)
{
    SHA512_Update(&s->sha512, p, len);
}

static void sha512_final(union kc_hash_state *s, uint8_t *out)
{
    SHA512_Final(out, &s->sha512); /* 48 bytes after SHA384_Init() */
}

static const struct kc_hash md5 = {16, 64, md5_init, md5_update, md5_final};
static const struct kc_hash sha1 = {20, 64, sha1_init, sha1_update, sha1_final};
static const struct kc_hash sha256 = {32, 64, sha256_init, sha256_update, sha256_final};
static const struct kc_hash sha384 = {48, 128, sha384_init, sha512_update, sha512_final};
static const struct kc_hash sha512 = {64, 128, sha512_init, sha512_update, sha512_final};

const struct kc_hash *kc_hash_of_prf(uint16_t prf)
{
    switch (prf) {
    case KC_PRF_HMAC_MD5:
        return &md5;
    case KC_PRF_HMAC_SHA1:
        return &sha1;
    case KC_PRF_HMAC_SHA2_256:
        return &sha256;
    case KC_PRF_HMAC_SHA2_384:
        return &sha384;
    case KC_PRF_HMAC_SHA2_512:
        return &sha512;
    default:
        return NULL;
    }
}

const struct kc_hash *kc_hash_of_integ(uint16_t integ)
{
    switch (integ) {
    case KC_INTEG_HMAC_MD5_96:
        return &md5;
    case KC_INTEG_HMAC_SHA1_96:
        return &sha1;
    case KC_INTEG_HMAC_SHA2_256_128:
        return &sha256;
    case KC_INTEG_HMAC_SHA2_384_192:
        return &sha384;
    case KC_INTEG_HMAC_SHA2_512_256:
        return &sha512;
    default:
        return NULL;
    }
}

void kc_hmac_key(struct kc_hmac *h, const struct kc_hash *hash, struct kd_bytes key)
{
    uint8_t pad[KC_BLOCK_MAX] = {0};

    h->hash = hash;
    if (key.len > hash->block) { /* RFC 2104 2: a key longer than the block is hashed first */
        hash->init(&h->run);
        hash->update(&h->run, key.p, key.len);
        hash->final(&h->run, pad);
    } else if (key.len > 0) {
        memcpy(pad, key.p, key.len);
    }
    for (size_t i = 0; i < hash->block; i++)
        pad[i] ^= 0x36;
    hash->init(&h->inner);
    hash->update(&h->inner, pad, hash->block);
    for (size_t i = 0; i < hash->block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash->init(&h->outer);
    hash->update(&h->outer, pad, hash->block);
    kc_wipe(pad, sizeof(pad));
}

void kc_hmac_start(struct kc_hmac *h)
{
    h->run = h->inner;
}

void kc_hmac_add(struct kc_hmac *h, struct kd_bytes data)
{
    if (data.len > 0)
        h->hash->update(&h->run, data.p, data.len);
}

void kc_hmac_end(struct kc_hmac *h, uint8_t *out)
{
    uint8_t digest[KC_HASH_MAX];

    h->hash->final(&h->run, digest);
    h->run = h->outer;
    h->hash->update(&h->run, digest, h->hash->out_len);
    h->hash->final(&h->run, out);
    kc_wipe(digest, sizeof(digest));
}

void kc_sha1_parts(const struct kd_bytes *parts, size_t n, uint8_t out[20])
{
    SHA_CTX s;

    SHA1_Init(&s);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > 0)
            SHA1_Update(&s, parts[i].p, parts[i].len);
    }
    SHA1_Final(out, &s);
}
