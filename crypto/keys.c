/* Public keys: SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 3279, RFC 5480, RFC 8410) read and built
 * by hand, so that what OpenSSL gets are numbers within bounds on curves that we named.
 *
 * Refused, each with a past in other daemons (facts/peers.md 4a): a modulus below 2048 bits or
 * even, an exponent of 0, 1 or even (CVE-2017-9022, CVE-2026-14957), curves by explicit parameters,
 * points that are compressed or infinite. Keys marked for RSASSA-PSS only (RFC 4055 1.2) are
 * refused too: nobody issues them. */
#include "crypto/keys.h"

#define OID_EC 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01

#define BYTES(a)                                                                                   \
    {                                                                                              \
        a, sizeof(a)                                                                               \
    }

static const uint8_t ai_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
static const uint8_t ai_ed25519[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t ai_p256[] = {0x30, 0x13, OID_EC, 0x06, 0x08, 0x2a, 0x86,
                                  0x48, 0xce, 0x3d,   0x03, 0x01, 0x07};
static const uint8_t ai_p384[] = {0x30, 0x10, OID_EC, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t ai_p521[] = {0x30, 0x10, OID_EC, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};

const struct kd_bytes kc_ai_rsa = BYTES(ai_rsa);
const struct kd_bytes kc_ai_ed25519 = BYTES(ai_ed25519);

static const struct kc_curve curves[] = {
    {KC_DH_ECP256, "P-256", 32, BYTES(ai_p256), KC_SIG_SHA2_256},
    {KC_DH_ECP384, "P-384", 48, BYTES(ai_p384), KC_SIG_SHA2_384},
    {KC_DH_ECP521, "P-521", 66, BYTES(ai_p521), KC_SIG_SHA2_512},
};

#define CURVE_OID_AT 13 /* in the AlgorithmIdentifier: behind two heads, one OID and a head */

const struct kc_curve *kc_curve_by_ai(struct kd_bytes ai)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(curves); i++) {
        if (kd_bytes_eq(curves[i].ai, ai))
            return &curves[i];
    }
    return NULL;
}

const struct kc_curve *kc_curve_by_oid(struct kd_bytes oid)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(curves); i++) {
        const struct kd_bytes ai = curves[i].ai;
        if (kd_bytes_eq(kd_bytes(ai.p + CURVE_OID_AT, ai.len - CURVE_OID_AT), oid))
            return &curves[i];
    }
    return NULL;
}

/* The reason, as a constant text, for whoever wants it. */
static bool refuse(const char **why, const char *text)
{
    if (why)
        *why = text;
    return false;
}

static size_t bit_len(struct kd_bytes v)
{
    size_t bits = v.len * 8;

    for (uint8_t top = v.len ? v.p[0] : 0; v.len && !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

bool kc_public_rsa(struct kd_bytes n, struct kd_bytes e, struct kc_public *out, const char **why)
{
    size_t bits = n.len && n.p[0] ? bit_len(n) : 0;

    if (bits < KC_RSA_BITS_MIN)
        return refuse(why, "RSA modulus of less than 2048 bits");
    if (bits > KC_RSA_BITS_MAX)
        return refuse(why, "RSA modulus of more than 8192 bits");
    if (!(n.p[n.len - 1] & 1))
        return refuse(why, "RSA modulus is even");
    if (e.len == 0 || e.len > KC_RSA_E_MAX || e.p[0] == 0)
        return refuse(why, "RSA exponent is zero or has more than 32 bits");
    if (!(e.p[e.len - 1] & 1) || (e.len == 1 && e.p[0] == 1))
        return refuse(why, "RSA exponent is 1 or even");
    *out = (struct kc_public){
        .kind = KC_KEY_RSA, .bits = (uint16_t)bits, .len = (uint16_t)n.len, .n = n, .e = e};
    return true;
}

static bool get_rsa(struct kd_bytes key, struct kc_public *out, const char **why)
{
    struct kd_reader r, seq;
    struct kd_bytes n, e;

    kd_reader_init(&r, key);
    seq = kc_der_sub(&r, KC_DER_SEQ);
    n = kc_der_positive(&seq);
    e = kc_der_positive(&seq);
    if (!kd_reader_done(&seq) || !kd_reader_done(&r))
        return refuse(why, "RSA public key isn't two positive numbers in DER");
    return kc_public_rsa(n, e, out, why);
}

static bool get_ec(const struct kc_curve *c, struct kd_bytes key, struct kc_public *out,
                   const char **why)
{
    if (key.len != 1u + 2u * c->len || key.p[0] != 0x04)
        return refuse(why, "EC point isn't uncompressed or has the wrong length");
    *out = (struct kc_public){.kind = KC_KEY_EC,
                              .bits = c->len == 66 ? 521 : (uint16_t)(8 * c->len),
                              .len = c->len,
                              .curve = c,
                              .point = key};
    return true;
}

bool kc_public_parse(struct kd_bytes spki, struct kc_public *out, const char **why)
{
    struct kd_reader r, seq;
    struct kd_bytes ai, key;
    const struct kc_curve *curve;

    memset(out, 0, sizeof(*out));
    kd_reader_init(&r, spki);
    seq = kc_der_sub(&r, KC_DER_SEQ);
    ai = kc_der_whole(&seq, KC_DER_SEQ);
    key = kc_der_bits(&seq);
    if (!kd_reader_done(&seq) || !kd_reader_done(&r) || spki.len > KC_SPKI_MAX)
        return refuse(why, "public key isn't DER, or is too long");
    if (kd_bytes_eq(ai, kc_ai_rsa))
        return get_rsa(key, out, why);
    curve = kc_curve_by_ai(ai);
    if (curve)
        return get_ec(curve, key, out, why);
    if (!kd_bytes_eq(ai, kc_ai_ed25519))
        return refuse(why, "public key isn't RSA, P-256, P-384, P-521 or Ed25519");
    if (key.len != 32)
        return refuse(why, "Ed25519 public key hasn't 32 bytes");
    *out = (struct kc_public){.kind = KC_KEY_ED25519, .bits = 256, .len = 32, .point = key};
    return true;
}

/* ---- building ---- */

static bool put_spki_head(struct kd_writer *w, struct kd_bytes ai, size_t key_len)
{
    static const uint8_t no_unused_bits[1];

    kc_der_put_head(w, KC_DER_SEQ, ai.len + kc_der_size(1 + key_len));
    kd_put_bytes(w, ai);
    kc_der_put_head(w, KC_DER_BITS, 1 + key_len);
    kd_put_bytes(w, kd_bytes(no_unused_bits, 1));
    return w->ok;
}

bool kc_public_put(struct kd_writer *w, const struct kc_public *k)
{
    size_t numbers;

    switch (k->kind) {
    case KC_KEY_RSA:
        numbers = kc_der_uint_size(k->n) + kc_der_uint_size(k->e);
        put_spki_head(w, kc_ai_rsa, kc_der_size(numbers));
        kc_der_put_head(w, KC_DER_SEQ, numbers);
        kc_der_put_uint(w, k->n);
        kc_der_put_uint(w, k->e);
        return w->ok;
    case KC_KEY_EC:
        put_spki_head(w, k->curve->ai, k->point.len);
        kd_put_bytes(w, k->point);
        return w->ok;
    case KC_KEY_ED25519:
        put_spki_head(w, kc_ai_ed25519, k->point.len);
        kd_put_bytes(w, k->point);
        return w->ok;
    case KC_KEY_NONE:
        break;
    }
    return false;
}

/* ---- ECDSA signatures in DER ---- */

bool kc_ecdsa_parse(struct kd_bytes der, size_t len, struct kd_bytes *r, struct kd_bytes *s)
{
    struct kd_reader in, seq;

    kd_reader_init(&in, der);
    seq = kc_der_sub(&in, KC_DER_SEQ);
    *r = kc_der_positive(&seq);
    *s = kc_der_positive(&seq);
    return kd_reader_done(&seq) && kd_reader_done(&in) && r->len <= len && s->len <= len;
}

void kc_ecdsa_put(struct kd_writer *w, struct kd_bytes r, struct kd_bytes s)
{
    kc_der_put_head(w, KC_DER_SEQ, kc_der_uint_size(r) + kc_der_uint_size(s));
    kc_der_put_uint(w, r);
    kc_der_put_uint(w, s);
}
