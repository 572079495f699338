/* Private keys: PEM or DER taken apart by hand, numbers kept in guarded memory, given to OpenSSL
 * only for the length of one signature (sign_evp.c).
 *
 * Decision: not EVP_PKEY as the long-lived form. Its numbers live in the ordinary heap (RSA's even
 * with OpenSSL's secure heap switched on, once a key is imported), and its decoder frees its copy
 * of the DER without wiping it. Making the EVP_PKEY anew has a price, paid on a pool thread
 * (measured, kept against made anew): RSA 2048 246 and 529 us, because blinding starts afresh;
 * P-256 22 and 41; P-384 776 and 806. Should certificates with RSA ever bind a gateway's
 * handshakes, this is where.
 *
 * PKCS #8 (RFC 5208; version 1 of RFC 5958 too), PKCS #1 (RFC 8017 A.1.2, two primes only), RFC
 * 5915 and RFC 8410. Not encrypted: a daemon that starts by itself would need the passphrase beside
 * it. */
#include "crypto/dh.h"
#include "crypto/keys.h"

#include <sodium.h>
#include <stdlib.h>

#define FILE_MAX 65536 /* a key with certificates in front; the key itself has 4,700 at most */

static bool refuse(const char **why, const char *text)
{
    if (why)
        *why = text;
    return false;
}

/* ---- numbers into guarded memory ---- */

/* Copies v, padded on the left to len. */
static void keep(struct kc_private *k, enum kc_number i, struct kd_bytes v, size_t len)
{
    uint8_t *to = k->mem + k->mem_len;

    kd_assert(v.len <= len && len <= k->mem_cap - k->mem_len);
    memset(to, 0, len - v.len);
    memcpy(to + len - v.len, v.p, v.len);
    k->num[i] = kd_bytes(to, len);
    k->mem_len += len;
}

static bool room(struct kc_private *k, size_t len)
{
    k->mem = sodium_malloc(len);
    k->mem_cap = k->mem ? len : 0;
    return k->mem != NULL;
}

/* The public half in its final form; k->pub's views then point into it. */
static bool set_public(struct kc_private *k, const struct kc_public *pub)
{
    struct kd_writer w;

    kd_writer_init(&w, k->spki, sizeof(k->spki));
    if (!kc_public_put(&w, pub))
        return false;
    k->spki_len = w.pos;
    return kc_public_parse(kc_private_spki(k), &k->pub, NULL);
}

/* ---- RSA ---- */

/* RFC 8017 A.1.2: RSAPrivateKey. */
static bool load_rsa(struct kc_private *k, struct kd_bytes der, const char **why)
{
    struct kd_bytes n, e, num[KC_NUMBERS];
    struct kd_reader r, seq;
    struct kc_public pub;
    size_t total = 0;

    kd_reader_init(&r, der);
    seq = kc_der_sub(&r, KC_DER_SEQ);
    if (kc_der_small(&seq) != 0)
        return refuse(why, "RSA key with more than two primes");
    n = kc_der_positive(&seq);
    e = kc_der_positive(&seq);
    for (size_t i = 0; i < KC_NUMBERS; i++) {
        num[i] = kc_der_positive(&seq);
        total += num[i].len;
        if (num[i].len > n.len)
            kd_reader_fail(&seq);
    }
    if (!kd_reader_done(&seq) || !kd_reader_done(&r))
        return refuse(why, "RSA key isn't nine numbers in DER");
    if (!kc_public_rsa(n, e, &pub, why))
        return false;
    if (!set_public(k, &pub) || !room(k, total))
        return refuse(why, "out of memory");
    for (size_t i = 0; i < KC_NUMBERS; i++)
        keep(k, (enum kc_number)i, num[i], num[i].len);
    return true;
}

/* ---- EC ---- */

static bool ec_point(struct kc_ctx *c, const struct kc_curve *curve, const struct kc_private *k,
                     uint8_t *point)
{
    struct kc_ecp *g = kc_ecp_new(kc_ctx_lib(c), curve->group);
    struct kc_secret d = {.len = curve->len};
    bool ok;

    memcpy(d.b, k->num[KC_EC_D].p, d.len);
    point[0] = 0x04;
    ok = g && kc_ecp_public(g, &d, point + 1); /* refuses 0 and what isn't below the order */
    kc_wipe(&d, sizeof(d));
    kc_ecp_free(g);
    return ok;
}

/* RFC 5915 3: ECPrivateKey. curve: from PKCS #8, else NULL and the key must name it. */
static bool load_ec(struct kc_ctx *c, struct kc_private *k, const struct kc_curve *curve,
                    struct kd_bytes der, const char **why)
{
    struct kd_bytes d, oid = {NULL, 0}, given = {NULL, 0};
    uint8_t point[1 + 2 * KC_COORD_MAX];
    struct kd_reader r, seq, field;
    struct kc_public pub = {.kind = KC_KEY_EC};

    kd_reader_init(&r, der);
    seq = kc_der_sub(&r, KC_DER_SEQ);
    if (kc_der_small(&seq) != 1)
        kd_reader_fail(&seq);
    d = kc_der_get(&seq, KC_DER_OCTETS);
    if (kc_der_peek(&seq) == KC_DER_CTX0) {
        field = kc_der_sub(&seq, KC_DER_CTX0);
        oid = kc_der_get(&field, KC_DER_OID); /* explicit parameters are a SEQUENCE: refused */
        if (!kd_reader_done(&field) || (curve && kc_curve_by_oid(oid) != curve))
            kd_reader_fail(&seq);
    }
    if (kc_der_peek(&seq) == KC_DER_CTX1) {
        field = kc_der_sub(&seq, KC_DER_CTX1);
        given = kc_der_bits(&field);
        if (!kd_reader_done(&field))
            kd_reader_fail(&seq);
    }
    if (!kd_reader_done(&seq) || !kd_reader_done(&r) || d.len == 0)
        return refuse(why, "EC key isn't an ECPrivateKey in DER");
    if (!curve)
        curve = kc_curve_by_oid(oid);
    if (!curve)
        return refuse(why, "EC key's curve isn't P-256, P-384 or P-521 by name");
    if (d.len > curve->len)
        return refuse(why, "EC key's number is too long for its curve");
    if (!room(k, curve->len))
        return refuse(why, "out of memory");
    keep(k, KC_EC_D, d, curve->len);
    if (!ec_point(c, curve, k, point))
        return refuse(why, "EC key's number isn't below the curve's order");
    pub.curve = curve;
    pub.point = kd_bytes(point, 1u + 2u * curve->len);
    if (given.len > 0 && !kd_bytes_eq(given, pub.point))
        return refuse(why, "EC key's public half isn't its own");
    return set_public(k, &pub) || refuse(why, "out of memory");
}

/* ---- Ed25519 ---- */

/* RFC 8410 7: CurvePrivateKey, an OCTET STRING in PKCS #8's. */
static bool load_ed25519(struct kc_private *k, struct kd_bytes der, const char **why)
{
    uint8_t point[crypto_sign_ed25519_PUBLICKEYBYTES];
    struct kc_public pub = {.kind = KC_KEY_ED25519, .point = {point, sizeof(point)}};
    struct kd_reader r;
    struct kd_bytes seed;

    kd_reader_init(&r, der);
    seed = kc_der_get(&r, KC_DER_OCTETS);
    if (!kd_reader_done(&r) || seed.len != crypto_sign_ed25519_SEEDBYTES)
        return refuse(why, "Ed25519 key hasn't 32 bytes");
    if (!room(k, crypto_sign_ed25519_SECRETKEYBYTES))
        return refuse(why, "out of memory");
    crypto_sign_ed25519_seed_keypair(point, k->mem, seed.p);
    k->mem_len = crypto_sign_ed25519_SECRETKEYBYTES;
    k->num[KC_ED_SK] = kd_bytes(k->mem, k->mem_len);
    return set_public(k, &pub) || refuse(why, "out of memory");
}

/* ---- which of them ---- */

/* RFC 5208 5: PrivateKeyInfo; RFC 5958 2 adds the public key behind it. */
static bool load_pkcs8(struct kc_ctx *c, struct kc_private *k, struct kd_bytes der,
                       const char **why)
{
    struct kd_reader r, seq;
    struct kd_bytes ai, key;

    kd_reader_init(&r, der);
    seq = kc_der_sub(&r, KC_DER_SEQ);
    if (kc_der_small(&seq) > 1)
        kd_reader_fail(&seq);
    ai = kc_der_whole(&seq, KC_DER_SEQ);
    key = kc_der_get(&seq, KC_DER_OCTETS);
    if (kc_der_peek(&seq) == KC_DER_CTX0) /* attributes: nothing we would heed */
        kc_der_get(&seq, KC_DER_CTX0);
    if (kc_der_peek(&seq) == 0x81)
        kc_der_get(&seq, 0x81);
    if (!kd_reader_done(&seq) || !kd_reader_done(&r))
        return refuse(why, "private key isn't DER");
    if (kd_bytes_eq(ai, kc_ai_rsa))
        return load_rsa(k, key, why);
    if (kd_bytes_eq(ai, kc_ai_ed25519))
        return load_ed25519(k, key, why);
    if (kc_curve_by_ai(ai))
        return load_ec(c, k, kc_curve_by_ai(ai), key, why);
    return refuse(why, "private key isn't RSA, P-256, P-384, P-521 or Ed25519");
}

/* By what follows the version. */
static bool load_der(struct kc_ctx *c, struct kc_private *k, struct kd_bytes der, const char **why)
{
    struct kd_reader r, seq;

    kd_reader_init(&r, der);
    seq = kc_der_sub(&r, KC_DER_SEQ);
    kc_der_small(&seq);
    switch (kc_der_peek(&seq)) {
    case KC_DER_SEQ:
        return load_pkcs8(c, k, der, why);
    case KC_DER_INTEGER:
        return load_rsa(k, der, why);
    case KC_DER_OCTETS:
        return load_ec(c, k, NULL, der, why);
    default:
        return refuse(why, "private key isn't PKCS #8, PKCS #1 or ECPrivateKey");
    }
}

static bool find_block(struct kd_bytes text, struct kc_pem *out, const char **why)
{
    while (kc_pem_next(&text, out)) {
        if (kc_pem_label_is(out, "PRIVATE KEY") || kc_pem_label_is(out, "RSA PRIVATE KEY") ||
            kc_pem_label_is(out, "EC PRIVATE KEY"))
            return true;
        if (kc_pem_label_is(out, "ENCRYPTED PRIVATE KEY"))
            return refuse(why, "private key is encrypted");
    }
    return refuse(why, "no private key in PEM or DER found");
}

static bool load_pem(struct kc_ctx *c, struct kc_private *k, struct kd_bytes text, const char **why)
{
    struct kc_pem block;
    uint8_t *der;
    size_t len;
    bool ok;

    if (!find_block(text, &block, why))
        return false;
    der = sodium_malloc(block.text.len + 1);
    if (!der)
        return refuse(why, "out of memory");
    len = kc_pem_decode(&block, der, block.text.len);
    ok = len > 0 ? load_der(c, k, kd_bytes(der, len), why)
                 : refuse(why, "private key isn't base64 (an encrypted one?)");
    sodium_free(der); /* wipes */
    return ok;
}

/* Numbers that don't belong together, or to their public half, show here and not in a tunnel. */
static bool proves_itself(struct kc_ctx *c, const struct kc_private *k)
{
    struct kc_job job = {.kind = KC_JOB_SIGN, .signer = k, .data = kd_bytes_str("kedge")};
    struct kc_job_result made, checked;

    job.sig = kc_sig_choose(k, UINT32_MAX, false);
    kc_job_run(c, &job, &made);
    if (made.status != KC_JOB_OK)
        return false;
    job.kind = KC_JOB_VERIFY;
    job.spki = kc_private_spki(k);
    job.signature = kd_bytes(made.sig, made.sig_len);
    kc_job_run(c, &job, &checked);
    return checked.status == KC_JOB_OK;
}

struct kc_private *kc_private_load(struct kc_ctx *c, struct kd_bytes pem_or_der, const char **why)
{
    struct kc_private *k;
    bool ok;

    if (why)
        *why = NULL;
    if (pem_or_der.len == 0 || pem_or_der.len > FILE_MAX) {
        refuse(why, "private key's file is empty or longer than 64 KiB");
        return NULL;
    }
    k = calloc(1, sizeof(*k));
    if (!k) {
        refuse(why, "out of memory");
        return NULL;
    }
    ok = kc_pem_is_der(pem_or_der) ? load_der(c, k, pem_or_der, why)
                                   : load_pem(c, k, pem_or_der, why);
    if (ok && !proves_itself(c, k))
        ok = refuse(why, "private key's numbers don't belong together");
    if (!ok) {
        kc_private_free(k);
        return NULL;
    }
    sodium_mprotect_readonly(k->mem);
    return k;
}

void kc_private_free(struct kc_private *k)
{
    if (!k)
        return;
    sodium_free(k->mem); /* wipes; takes care of read-only */
    free(k);
}

enum kc_key_kind kc_private_kind(const struct kc_private *k)
{
    return k->pub.kind;
}

uint16_t kc_private_bits(const struct kc_private *k)
{
    return k->pub.bits;
}

struct kd_bytes kc_private_spki(const struct kc_private *k)
{
    return kd_bytes(k->spki, k->spki_len);
}
