/* The engines' random stream: ChaCha20 keystream (RFC 8439 2.3, libsodium's original 64-bit nonce
 * form), a function of the seed and of nothing else. Not a source of entropy: the seed is.
 *
 * Every draw makes 96 bytes under the current key: 32 become the next key, 64 are given out, and
 * what has been given out is wiped ("fast key erasure"). So an engine's state, which lives long and
 * may be written to a file for a restart, doesn't tell the DH private values drawn earlier: perfect
 * forward secrecy would otherwise end at the seed. */
#include "crypto/crypto.h"

#include <sodium.h>

void kc_rng_init(struct kc_rng *r, const uint8_t seed[32])
{
    memset(r, 0, sizeof(*r));
    memcpy(r->seed, seed, sizeof(r->seed));
    r->used = sizeof(r->buf);
}

static void draw(struct kc_rng *r)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES]; /* the key is never used twice */
    uint8_t out[sizeof(r->seed) + sizeof(r->buf)];

    crypto_stream_chacha20(out, sizeof(out), nonce, r->seed);
    memcpy(r->seed, out, sizeof(r->seed));
    memcpy(r->buf, out + sizeof(r->seed), sizeof(r->buf));
    kc_wipe(out, sizeof(out));
    r->block++;
    r->used = 0;
}

void kc_rng_bytes(struct kc_rng *r, void *buf, size_t len)
{
    uint8_t *p = buf;

    while (len > 0) {
        size_t n;
        if (r->used >= sizeof(r->buf))
            draw(r);
        n = KD_MIN(len, sizeof(r->buf) - r->used);
        memcpy(p, r->buf + r->used, n);
        kc_wipe(r->buf + r->used, n);
        r->used = (uint8_t)(r->used + n);
        p += n;
        len -= n;
    }
}

uint32_t kc_rng_u32(struct kc_rng *r)
{
    uint8_t b[4]; /* put together by hand: the same number on every machine */

    kc_rng_bytes(r, b, sizeof(b));
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint32_t kc_rng_below(struct kc_rng *r, uint32_t bound)
{
    uint32_t skip, v;

    kd_assert(bound > 0);
    /* 2^32 mod bound values at the bottom are refused, the rest is a multiple of bound. */
    skip = (uint32_t)-bound % bound;
    do {
        v = kc_rng_u32(r);
    } while (v < skip);
    return v % bound;
}
