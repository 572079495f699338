/* The simulator's provider: cheap, deterministic, worthless as cryptography. Never linked into the
 * daemon (DESIGN 1): tests, fuzzers and drill rehearsal run thousands of gateways with it.
 *
 * It keeps what protocols can observe: every size on the wire, agreement of both sides, different
 * results for different inputs, refusal of what was tampered with or sealed under another key, and
 * refusal of bad public values. This file has the PRF, the Diffie-Hellman and the
 * signatures; boxes are in sim_box.c.
 *
 * PRF: keyed BLAKE2b of the right length, the PRF's number as personalization.
 * DH: powers of 37 modulo the prime 2^61 - 1. A public value is the number (8 bytes) and padding:
 * on the "curves" the padding must be the number's own, so that most bit strings are no point; the
 * "MODP" groups and X25519 take any. The secret is a hash of the common power and of both public
 * values in full, so that a changed padding gives both sides different secrets, as it would in
 * reality.
 * Signatures: a hash of the public key, the kind and the data, stretched to the real one's length
 * (ECDSA in DER to its commonest). Keys are real ones. Certificates are real too, and checked by
 * the real code: that needs no randomness, and the simulator can keep the answer. */
#include "crypto/keys.h"
#include "crypto/sim.h"

#include <endian.h>
#include <sodium.h>

__extension__ typedef unsigned __int128 u128;

#define P        ((UINT64_C(1) << 61) - 1)
#define G        37
#define PRIV_LEN 32
#define PUB_MAX  512

uint64_t kc_sim_be64(const uint8_t b[8])
{
    uint64_t v;

    memcpy(&v, b, sizeof(v));
    return be64toh(v);
}

void kc_sim_put_be64(uint8_t b[8], uint64_t v)
{
    v = htobe64(v);
    memcpy(b, &v, sizeof(v));
}

/* BLAKE2b over parts; label and id keep the uses apart. */
void kc_sim_hash(const char *label, uint16_t id, struct kd_bytes key, const struct kd_bytes *parts,
                 size_t n, uint8_t *out, size_t out_len)
{
    uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = {0};
    uint8_t hashed[crypto_generichash_blake2b_KEYBYTES_MAX];
    crypto_generichash_blake2b_state st;

    for (size_t i = 0; i < sizeof(personal) - 2 && label[i]; i++)
        personal[i] = (uint8_t)label[i];
    personal[sizeof(personal) - 2] = (uint8_t)(id >> 8);
    personal[sizeof(personal) - 1] = (uint8_t)id;
    if (key.len > sizeof(hashed)) {
        crypto_generichash_blake2b(hashed, sizeof(hashed), key.p, key.len, NULL, 0);
        key = kd_bytes(hashed, sizeof(hashed));
    }
    crypto_generichash_blake2b_init_salt_personal(&st, key.p, key.len, out_len, NULL, personal);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > 0)
            crypto_generichash_blake2b_update(&st, parts[i].p, parts[i].len);
    }
    crypto_generichash_blake2b_final(&st, out, out_len);
}

static void *sim_start(void)
{
    static char nothing; /* the simulator has no state */

    return &nothing;
}

static void sim_stop(void *self KD_UNUSED)
{
}

static bool sim_available(const void *self KD_UNUSED, const struct kc_alg *alg KD_UNUSED)
{
    return true;
}

static void sim_prf(enum kc_prf prf, struct kd_bytes key, const struct kd_bytes *parts, size_t n,
                    uint8_t *out)
{
    const struct kc_alg *a = kc_alg_find(KC_PRF, (uint16_t)prf, 0);

    kc_sim_hash("prf", a->id, key, parts, n, out, a->out_len);
}

static void sim_sha1(const struct kd_bytes *parts, size_t n, uint8_t out[20])
{
    kc_sim_hash("sha1", 0, kd_bytes(NULL, 0), parts, n, out, 20);
}

/* ---- Diffie-Hellman ---- */

static uint64_t power(uint64_t base, uint64_t e)
{
    uint64_t r = 1;

    for (; e > 0; e >>= 1) {
        if (e & 1)
            r = (uint64_t)((u128)r * base % P);
        base = (uint64_t)((u128)base * base % P);
    }
    return r;
}

static bool is_ecp(const struct kc_alg *dh)
{
    return dh->id == KC_DH_ECP256 || dh->id == KC_DH_ECP384 || dh->id == KC_DH_ECP521;
}

/* Even and in [2, p - 3]: (p - 1) / 2 is odd, so no public value is 1 or p - 1. */
static uint64_t exponent(const struct kc_secret *priv)
{
    struct kd_bytes part = kc_secret_bytes(priv);
    uint8_t h[16]; /* BLAKE2b's shortest by libsodium's rules */

    kc_sim_hash("dh-exp", 0, kd_bytes(NULL, 0), &part, 1, h, sizeof(h));
    return 2 + 2 * (kc_sim_be64(h) % ((P - 3) / 2));
}

/* len bytes that follow from a key. */
static void expand(const uint8_t key[32], uint8_t *out, size_t len)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

    crypto_stream_chacha20(out, len, nonce, key);
}

/* The number and its padding, pub_len bytes. */
static void encode(const struct kc_alg *dh, uint64_t y, uint8_t *pub)
{
    struct kd_bytes part = kd_bytes(pub, 8);
    uint8_t key[32];

    kc_sim_put_be64(pub, y);
    kc_sim_hash("dh-pad", dh->id, kd_bytes(NULL, 0), &part, 1, key, sizeof(key));
    expand(key, pub + 8, dh->pub_len - 8u);
}

static bool sim_dh_private(const void *self KD_UNUSED, const struct kc_alg *dh KD_UNUSED,
                           struct kc_rng *rng, struct kc_secret *priv)
{
    priv->len = PRIV_LEN;
    kc_rng_bytes(rng, priv->b, PRIV_LEN);
    return true;
}

static bool sim_dh_public(const void *self KD_UNUSED, const struct kc_alg *dh,
                          const struct kc_secret *priv, uint8_t *pub)
{
    encode(dh, power(G, exponent(priv)), pub);
    return priv->len == PRIV_LEN;
}

static bool peer_ok(const struct kc_alg *dh, struct kd_bytes peer, uint64_t *y)
{
    uint8_t point[PUB_MAX];

    *y = kc_sim_be64(peer.p);
    if (dh->id == KC_DH_X25519)
        *y %= P; /* real X25519 takes values that aren't reduced */
    if (*y <= 1 || *y >= P - 1)
        return false;
    if (!is_ecp(dh))
        return true;
    encode(dh, *y, point);
    return memcmp(point, peer.p, peer.len) == 0;
}

static enum kc_job_status sim_dh_shared(const void *self KD_UNUSED, const struct kc_alg *dh,
                                        const struct kc_secret *priv, struct kd_bytes peer,
                                        struct kc_secret *shared)
{
    uint8_t mine[PUB_MAX], common[8], key[32];
    uint64_t x = exponent(priv), y;
    struct kd_bytes part[3];
    bool first;

    if (priv->len != PRIV_LEN)
        return KC_JOB_FAILED;
    if (!peer_ok(dh, peer, &y))
        return KC_JOB_BAD_PEER;
    encode(dh, power(G, x), mine);
    kc_sim_put_be64(common, power(y, x));
    first = memcmp(mine, peer.p, dh->pub_len) < 0; /* the same order on both sides */
    part[0] = kd_bytes(common, sizeof(common));
    part[1] = first ? kd_bytes(mine, dh->pub_len) : peer;
    part[2] = first ? peer : kd_bytes(mine, dh->pub_len);
    kc_sim_hash("dh-secret", dh->id, kd_bytes(NULL, 0), part, 3, key, sizeof(key));
    shared->len = dh->out_len;
    expand(key, shared->b, shared->len);
    return KC_JOB_OK;
}

/* ---- signatures ---- */

/* r and s: numbers without their highest bit and with the next one, so that all have one length. */
static size_t ecdsa_der(size_t len, uint8_t *raw, uint8_t *out)
{
    struct kd_writer w;

    raw[0] = raw[len] = 0x40;
    kd_writer_init(&w, out, KC_SIG_MAX);
    kc_ecdsa_put(&w, kd_bytes(raw, len), kd_bytes(raw + len, len));
    return w.pos;
}

static size_t signature(const struct kc_public *k, const struct kc_sig *sig, struct kd_bytes data,
                        uint8_t *out)
{
    uint16_t id = (uint16_t)(sig->scheme << 12 | sig->hash << 8 | sig->salt_len);
    uint8_t key[32], raw[2 * KC_COORD_MAX];

    kc_sim_hash("signature", id, k->kind == KC_KEY_RSA ? k->n : k->point, &data, 1, key,
                sizeof(key));
    switch (k->kind) {
    case KC_KEY_RSA:
        expand(key, out, k->len);
        return k->len;
    case KC_KEY_EC:
        expand(key, raw, 2u * k->len);
        if (sig->scheme == KC_SIG_ECDSA)
            return ecdsa_der(k->len, raw, out);
        memcpy(out, raw, 2u * k->len);
        return 2u * k->len;
    case KC_KEY_ED25519:
        expand(key, out, 64);
        return 64;
    case KC_KEY_NONE:
        break;
    }
    return 0;
}

static size_t sim_sign(const void *self KD_UNUSED, const struct kc_private *key,
                       const struct kc_sig *sig, struct kd_bytes data, uint8_t *out)
{
    return signature(&key->pub, sig, data, out);
}

static enum kc_job_status sim_verify(const void *self KD_UNUSED, const struct kc_public *key,
                                     const struct kc_sig *sig, struct kd_bytes data,
                                     struct kd_bytes given)
{
    uint8_t want[KC_SIG_MAX];
    size_t len = signature(key, sig, data, want);

    return kd_bytes_eq(given, kd_bytes(want, len)) ? KC_JOB_OK : KC_JOB_BAD_PEER;
}

const struct kc_provider_ops *kc_sim_ops(void)
{
    static const struct kc_provider_ops ops = {
        .start = sim_start,
        .stop = sim_stop,
        .available = sim_available,
        .prf = sim_prf,
        .sha1 = sim_sha1,
        .box_new = kc_sim_box_new,
        .box_free = kc_sim_box_free,
        .box_seal = kc_sim_box_seal,
        .box_open = kc_sim_box_open,
        .dh_private = sim_dh_private,
        .dh_public = sim_dh_public,
        .dh_shared = sim_dh_shared,
        .sign = sim_sign,
        .verify = sim_verify,
    };

    return &ops;
}
