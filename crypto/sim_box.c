/* The simulator's boxes: an xor stream (SplitMix64) from key and IV, and SipHash-2-4 over
 * associated data, IV, ciphertext and tail, stretched to the real tag's length. Detects tampering
 * and wrong keys as the real ones do; protects nothing. */
#include "crypto/sim.h"

#include <stdlib.h>

struct sim_box {
    struct kc_box base;
    uint64_t enc[2];
    uint64_t mac[2];
};

static struct sim_box *of(struct kc_box *b)
{
    return (struct sim_box *)b; /* base is the first member */
}

static uint64_t splitmix(uint64_t *s)
{
    uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Every step is a bijection of h and of the word, so no single change of a word goes unseen. */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

/* Words are big-endian: the same hash on every machine. */
static uint64_t hash(const uint64_t key[2], struct kd_bytes data)
{
    uint8_t last[8] = {0};
    uint64_t h = mix(key[0], data.len);
    size_t at = 0;

    for (; data.len - at >= 8; at += 8)
        h = mix(h, kc_sim_be64(data.p + at));
    if (data.len > at) {
        memcpy(last, data.p + at, data.len - at);
        h = mix(h, kc_sim_be64(last));
    }
    h ^= key[1];
    return splitmix(&h);
}

static void xor_stream(uint64_t seed, uint8_t *p, size_t len)
{
    uint8_t word[8];

    for (; len >= 8; p += 8, len -= 8)
        kc_sim_put_be64(p, kc_sim_be64(p) ^ splitmix(&seed));
    kc_sim_put_be64(word, splitmix(&seed));
    for (size_t i = 0; i < len; i++)
        p[i] ^= word[i];
}

static void crypt(const struct sim_box *b, const struct kc_packet *p)
{
    if (b->base.encr->id != KC_ENCR_NULL)
        xor_stream(hash(b->enc, kd_bytes(p->iv, b->base.iv_len)), p->text, p->len);
}

static void tag(const struct sim_box *b, const struct kc_packet *p, uint8_t *icv)
{
    uint64_t h = hash(b->mac, p->aad);

    h = mix(h, hash(b->mac, kd_bytes(p->iv, b->base.iv_len)));
    h = mix(h, hash(b->mac, kd_bytes(p->text, p->len)));
    h = mix(h, hash(b->mac, p->tail));
    memset(icv, 0, b->base.icv_len);
    xor_stream(h ^ b->mac[1], icv, b->base.icv_len);
}

bool kc_sim_box_seal(struct kc_box *base, const struct kc_packet *p, uint8_t *icv)
{
    const struct sim_box *b = of(base);

    crypt(b, p);
    tag(b, p, icv);
    return true;
}

bool kc_sim_box_open(struct kc_box *base, const struct kc_packet *p, const uint8_t *icv)
{
    const struct sim_box *b = of(base);
    uint8_t want[64];

    tag(b, p, want);
    if (!kc_equal(kd_bytes(want, base->icv_len), kd_bytes(icv, base->icv_len)))
        return false;
    crypt(b, p);
    return true;
}

static void derive(const char *label, uint16_t id, const struct kc_secret *from, uint64_t key[2])
{
    struct kd_bytes part = kc_secret_bytes(from);
    uint8_t h[16];

    kc_sim_hash(label, id, kd_bytes(NULL, 0), &part, 1, h, sizeof(h));
    key[0] = kc_sim_be64(h);
    key[1] = kc_sim_be64(h + 8);
}

struct kc_box *kc_sim_box_new(const void *self KD_UNUSED, const struct kc_alg *encr,
                              const struct kc_alg *integ, const struct kc_secret *enc_key,
                              const struct kc_secret *int_key)
{
    struct sim_box *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    derive("box-enc", encr->id, enc_key, b->enc);
    derive("box-mac", integ ? integ->id : encr->id, integ ? int_key : enc_key, b->mac);
    return &b->base;
}

void kc_sim_box_free(struct kc_box *base)
{
    kc_wipe(of(base), sizeof(struct sim_box));
    free(base);
}
