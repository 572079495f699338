/* The simulator's boxes: an xor stream (SplitMix64) from key and IV, and SipHash-2-4 over associated
 * data, IV, ciphertext and tail, stretched to the real tag's length. Detects tampering and wrong
 * keys as the real ones do; protects nothing. */
#include "crypto/sim.h"

#include <sodium.h>
#include <stdlib.h>

#define KEY crypto_shorthash_siphash24_KEYBYTES

struct sim_box {
    struct kc_box base;
    uint8_t enc[KEY];
    uint8_t mac[KEY];
};

static struct sim_box *of(struct kc_box *b)
{
    return (struct sim_box *)b; /* base is the first member */
}

static uint64_t sip(const uint8_t key[KEY], struct kd_bytes data)
{
    static const uint8_t none[1];
    uint8_t h[crypto_shorthash_siphash24_BYTES];

    crypto_shorthash_siphash24(h, data.len > 0 ? data.p : none, data.len, key);
    return kc_sim_be64(h);
}

static uint64_t splitmix(uint64_t *s)
{
    uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Bytes of the stream, in an order that is the same on every machine, xored onto p. */
static void xor_stream(uint64_t seed, uint8_t *p, size_t len)
{
    uint8_t word[8];

    while (len > 0) {
        size_t n = KD_MIN(len, sizeof(word));
        kc_sim_put_be64(word, splitmix(&seed));
        for (size_t i = 0; i < n; i++)
            p[i] ^= word[i];
        p += n;
        len -= n;
    }
}

static void crypt(const struct sim_box *b, const struct kc_packet *p)
{
    if (b->base.encr->id != KC_ENCR_NULL)
        xor_stream(sip(b->enc, kd_bytes(p->iv, b->base.iv_len)), p->text, p->len);
}

static void tag(const struct sim_box *b, const struct kc_packet *p, uint8_t *icv)
{
    const struct kd_bytes part[] = {p->aad, kd_bytes(p->iv, b->base.iv_len),
                                    kd_bytes(p->text, p->len), p->tail};
    uint8_t all[16 * KD_ARRAY_LEN(part)];

    for (size_t i = 0; i < KD_ARRAY_LEN(part); i++) {
        kc_sim_put_be64(all + 16 * i, part[i].len);
        kc_sim_put_be64(all + 16 * i + 8, sip(b->mac, part[i]));
    }
    memset(icv, 0, b->base.icv_len);
    xor_stream(sip(b->mac, kd_bytes(all, sizeof(all))), icv, b->base.icv_len);
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

struct kc_box *kc_sim_box_new(const void *self KD_UNUSED, const struct kc_alg *encr,
                              const struct kc_alg *integ, const struct kc_secret *enc_key,
                              const struct kc_secret *int_key)
{
    struct sim_box *b = calloc(1, sizeof(*b));
    struct kd_bytes mac_key = kc_secret_bytes(integ ? int_key : enc_key);
    struct kd_bytes key = kc_secret_bytes(enc_key);
    uint16_t mac_id = integ ? integ->id : encr->id;

    if (!b)
        return NULL;
    kc_sim_hash("box-enc", encr->id, kd_bytes(NULL, 0), &key, 1, b->enc, sizeof(b->enc));
    kc_sim_hash("box-mac", mac_id, kd_bytes(NULL, 0), &mac_key, 1, b->mac, sizeof(b->mac));
    return &b->base;
}

void kc_sim_box_free(struct kc_box *base)
{
    kc_wipe(of(base), sizeof(struct sim_box));
    free(base);
}
