/* Private keys, signatures as jobs, and RFC 7427's names for them. Keys are made here, with
 * OpenSSL; what kedge signs OpenSSL verifies. Published vectors are in
 * tests/vectors/test_vectors_sign.c. */
#include "test_crypto.h"

#include "crypto/keys.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

/* ---- what all tests share ---- */

enum { RSA2048, P256, P384, P521, ED, KEYS };

static struct kc_ctx *ctx;
static EVP_PKEY *pkeys[KEYS];
static struct kc_private *keys[KEYS];

/* Larger than a blob: an RSA key in PEM. */
struct file {
    uint8_t b[8192];
    size_t len;
};

static struct kd_bytes file_view(const struct file *f)
{
    return kd_bytes(f->b, f->len);
}

static struct file from_bio(BIO *bio)
{
    struct file f;
    int len = BIO_read(bio, f.b, sizeof(f.b));

    assert_true(len > 0 && BIO_eof(bio));
    f.len = (size_t)len;
    BIO_free(bio);
    return f;
}

enum form { PKCS8_PEM, PKCS8_DER, OLD_PEM, OLD_DER, LOCKED_PEM, LOCKED_OLD_PEM };

static struct file export_key(EVP_PKEY *k, enum form form)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *aes = EVP_aes_128_cbc();
    uint8_t *der = NULL;
    char pw[] = "pw";
    int ok = 0, len;

    switch (form) {
    case PKCS8_PEM:
        ok = PEM_write_bio_PKCS8PrivateKey(bio, k, NULL, NULL, 0, NULL, NULL);
        break;
    case PKCS8_DER:
        ok = i2d_PKCS8PrivateKey_bio(bio, k, NULL, NULL, 0, NULL, NULL);
        break;
    case OLD_PEM:
        ok = PEM_write_bio_PrivateKey_traditional(bio, k, NULL, NULL, 0, NULL, NULL);
        break;
    case OLD_DER:
        len = i2d_PrivateKey(k, &der);
        ok = len > 0 && BIO_write(bio, der, len) == len;
        OPENSSL_free(der);
        break;
    case LOCKED_PEM:
        ok = PEM_write_bio_PKCS8PrivateKey(bio, k, aes, pw, 2, NULL, NULL);
        break;
    case LOCKED_OLD_PEM:
        ok = PEM_write_bio_PrivateKey_traditional(bio, k, aes, (uint8_t *)pw, 2, NULL, NULL);
        break;
    }
    assert_int_equal(ok, 1);
    return from_bio(bio);
}

static struct file spki_of(EVP_PKEY *k)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(i2d_PUBKEY_bio(bio, k), 1);
    return from_bio(bio);
}

/* Loads, and is refused with a reason. */
static void assert_key_refused(const struct file *f, const char *reason)
{
    const char *why = NULL;

    assert_null(kc_private_load(ctx, file_view(f), &why));
    assert_non_null(why);
    if (!strstr(why, reason))
        fail_msg("refused because \"%s\", not \"%s\"", why, reason);
    assert_null(kc_private_load(ctx, file_view(f), NULL));
}

static struct kc_sig sig_of(enum kc_sig_scheme scheme, enum kc_sig_hash hash, uint16_t salt)
{
    return (struct kc_sig){scheme, hash, salt};
}

static enum kc_job_status sign(struct kc_ctx *c, int key, struct kc_sig sig, struct kd_bytes data,
                               bool sha1_ok, struct kc_job_result *res)
{
    struct kc_job job = {
        .kind = KC_JOB_SIGN, .sig = sig, .sha1_ok = sha1_ok, .signer = keys[key], .data = data};

    kc_job_run(c, &job, res);
    assert_true(res->status == KC_JOB_OK || res->sig_len == 0);
    return res->status;
}

static enum kc_job_status verify(struct kc_ctx *c, struct kd_bytes spki, struct kc_sig sig,
                                 struct kd_bytes data, struct kd_bytes signature, bool sha1_ok)
{
    struct kc_job job = {.kind = KC_JOB_VERIFY,
                         .sig = sig,
                         .sha1_ok = sha1_ok,
                         .spki = spki,
                         .data = data,
                         .signature = signature};
    struct kc_job_result res;

    kc_job_run(c, &job, &res);
    assert_int_equal(res.sig_len, 0);
    return res.status;
}

/* Every kind, and a key it fits. */
static const struct row {
    int key;
    struct kc_sig sig;
    size_t len; /* of the signature; 0: varies */
} rows[] = {
    {RSA2048, {KC_SIG_RSA_PKCS1, KC_SIG_SHA1, 0}, 256},
    {RSA2048, {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0}, 256},
    {RSA2048, {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_384, 0}, 256},
    {RSA2048, {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_512, 0}, 256},
    {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32}, 256},
    {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 0}, 256},
    {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_384, 48}, 256},
    {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_512, 64}, 256},
    {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_512, 20}, 256},
    {P256, {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_256, 0}, 64},
    {P384, {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_384, 0}, 96},
    {P521, {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_512, 0}, 132},
    {P256, {KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}, 0},
    {P384, {KC_SIG_ECDSA, KC_SIG_SHA2_384, 0}, 0},
    {P521, {KC_SIG_ECDSA, KC_SIG_SHA2_512, 0}, 0},
    {P256, {KC_SIG_ECDSA, KC_SIG_SHA2_512, 0}, 0},
    {P521, {KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}, 0},
    {ED, {KC_SIG_ED25519, KC_SIG_IDENTITY, 0}, 64},
};

/* ---- loading keys ---- */

static void a_key_loads_from_pem_and_der_in_every_form(void **st KD_UNUSED)
{
    static const enum kc_key_kind kinds[KEYS] = {KC_KEY_RSA, KC_KEY_EC, KC_KEY_EC, KC_KEY_EC,
                                                 KC_KEY_ED25519};
    static const uint16_t bits[KEYS] = {2048, 256, 384, 521, 256};

    for (int i = 0; i < KEYS; i++) {
        struct file spki = spki_of(pkeys[i]);
        for (enum form form = PKCS8_PEM; form <= OLD_DER; form++) {
            struct file f;
            struct kc_private *k;
            const char *why = NULL;
            if (i == ED && form >= OLD_PEM)
                continue; /* has no other form than PKCS #8 */
            f = export_key(pkeys[i], form);
            k = kc_private_load(ctx, file_view(&f), &why);
            if (!k)
                fail_msg("key %d, form %d: %s", i, form, why);
            assert_int_equal(kc_private_kind(k), kinds[i]);
            assert_int_equal(kc_private_bits(k), bits[i]);
            assert_true(kd_bytes_eq(kc_private_spki(k), file_view(&spki)));
            kc_private_free(k);
        }
    }
    kc_private_free(NULL);
}

static void a_key_is_found_among_other_blocks(void **st KD_UNUSED)
{
    struct file f = export_key(pkeys[P256], OLD_PEM), all;
    struct kc_private *k;

    all.len = (size_t)snprintf((char *)all.b, sizeof(all.b),
                               "0 a comment\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                               "-----END EC PARAMETERS-----\n%.*s",
                               (int)f.len, (char *)f.b);
    k = kc_private_load(ctx, file_view(&all), NULL);
    assert_non_null(k);
    kc_private_free(k);
    all.len -= f.len;
    assert_key_refused(&all, "no private key");
}

static void an_encrypted_key_is_refused_by_name(void **st KD_UNUSED)
{
    struct file f = export_key(pkeys[RSA2048], LOCKED_PEM);

    assert_key_refused(&f, "encrypted");
    f = export_key(pkeys[RSA2048], LOCKED_OLD_PEM); /* Proc-Type: 4,ENCRYPTED */
    assert_key_refused(&f, "encrypted");
}

static void keys_of_other_kinds_and_sizes_are_refused(void **st KD_UNUSED)
{
    EVP_PKEY *k = EVP_RSA_gen(1024);
    struct file f = export_key(k, PKCS8_DER);

    assert_key_refused(&f, "less than 2048 bits");
    EVP_PKEY_free(k);
    k = EVP_RSA_gen(2040);
    f = export_key(k, OLD_PEM);
    assert_key_refused(&f, "less than 2048 bits");
    EVP_PKEY_free(k);
    k = EVP_EC_gen("secp256k1");
    f = export_key(k, PKCS8_PEM);
    assert_key_refused(&f, "isn't RSA, P-256");
    f = export_key(k, OLD_PEM);
    assert_key_refused(&f, "curve isn't");
    EVP_PKEY_free(k);
    k = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    f = export_key(k, PKCS8_PEM);
    assert_key_refused(&f, "isn't RSA, P-256");
    EVP_PKEY_free(k);
}

static void a_truncated_key_is_refused_at_every_byte(void **st KD_UNUSED)
{
    static const enum form forms[] = {PKCS8_DER, OLD_DER};

    for (int i = 0; i < KEYS; i++) {
        for (size_t n = 0; n < KD_ARRAY_LEN(forms); n++) {
            struct file f = export_key(pkeys[i], i == ED ? PKCS8_DER : forms[n]);
            for (size_t len = 0; len < f.len; len++) {
                /* a copy of its own, so that a read behind it is seen */
                uint8_t *cut = malloc(len + 1);
                memcpy(cut, f.b, len);
                assert_null(kc_private_load(ctx, kd_bytes(cut, len), NULL));
                free(cut);
            }
            f.b[f.len++] = 0;
            assert_key_refused(&f, "no private key");
        }
    }
}

/* Whatever byte is broken: refused, or (attributes, unused version bits) the same key. */
static void a_key_with_a_broken_byte_is_refused_or_the_same(void **st KD_UNUSED)
{
    for (int i = P256; i < KEYS; i++) {
        struct file good = export_key(pkeys[i], PKCS8_DER);
        for (size_t at = 0; at < good.len; at++) {
            struct file f = good;
            struct kc_private *k;
            f.b[at] ^= 0x01;
            k = kc_private_load(ctx, file_view(&f), NULL);
            if (k && i != ED) /* an Ed25519 seed is any 32 bytes */
                assert_true(kd_bytes_eq(kc_private_spki(k), kc_private_spki(keys[i])));
            kc_private_free(k);
        }
    }
}

static void an_rsa_key_whose_numbers_dont_belong_together_is_refused(void **st KD_UNUSED)
{
    struct file good = export_key(pkeys[RSA2048], OLD_DER), f = good;
    const struct kd_bytes d = keys[RSA2048]->num[KC_RSA_D];
    uint8_t *at = memmem(f.b, f.len, d.p, d.len);

    assert_non_null(at);
    at[d.len / 2] ^= 0x10; /* OpenSSL signs with p and q, checks, then falls back to d */
    at = memmem(f.b, f.len, keys[RSA2048]->num[KC_RSA_DP].p, keys[RSA2048]->num[KC_RSA_DP].len);
    assert_non_null(at);
    at[40] ^= 0x10;
    assert_key_refused(&f, "don't belong together");
    f = good;
    at = memmem(f.b, f.len, keys[RSA2048]->pub.n.p, keys[RSA2048]->pub.n.len);
    assert_non_null(at);
    at[40] ^= 0x10; /* the modulus */
    assert_key_refused(&f, "don't belong together");
}

static void an_ec_key_with_anothers_public_half_is_refused(void **st KD_UNUSED)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    struct file f = export_key(pkeys[P256], OLD_DER), spki = spki_of(other);
    struct kd_bytes point = keys[P256]->pub.point;
    uint8_t *at = memmem(f.b, f.len, point.p, point.len);

    assert_non_null(at);
    memcpy(at, spki.b + spki.len - point.len, point.len);
    assert_key_refused(&f, "isn't its own");
    EVP_PKEY_free(other);
}

static void an_ec_number_of_zero_or_the_order_is_refused(void **st KD_UNUSED)
{
    struct blob order = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    struct blob der = unhex("30310201010420"), tail = unhex("a00a06082a8648ce3d030107");
    struct file f = {.len = 0};

    memcpy(f.b, der.b, der.len);
    memcpy(f.b + der.len, order.b, order.len);
    memcpy(f.b + der.len + order.len, tail.b, tail.len);
    f.len = der.len + order.len + tail.len;
    assert_key_refused(&f, "below the curve's order");
    memset(f.b + der.len, 0, order.len);
    assert_key_refused(&f, "below the curve's order");
    f.b[der.len + order.len - 1] = 1;
    kc_private_free(kc_private_load(ctx, file_view(&f), NULL));
    f.b[2 + 2] = 2; /* version 2 */
    assert_key_refused(&f, "isn't an ECPrivateKey");
}

/* ---- public keys ---- */

static size_t put_rsa(uint8_t *buf, size_t cap, struct kd_bytes n, struct kd_bytes e)
{
    struct kc_public k = {.kind = KC_KEY_RSA, .n = n, .e = e};
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    assert_true(kc_public_put(&w, &k));
    return w.pos;
}

static bool rsa_taken(size_t bits, uint8_t last, struct kd_bytes e)
{
    uint8_t n[1100] = {0}, buf[1200];
    struct kc_public k;
    size_t len = (bits + 7) / 8;

    memset(n, 0x5a, len);
    n[0] = (uint8_t)(1u << (bits - 1) % 8);
    n[len - 1] = last;
    len = put_rsa(buf, sizeof(buf), kd_bytes(n, len), e);
    return kc_public_parse(kd_bytes(buf, len), &k, NULL);
}

static bool exponent_taken(const char *hex)
{
    struct blob e = unhex(hex);

    return rsa_taken(2048, 0x01, view(&e));
}

static void rsa_keys_are_bounded(void **st KD_UNUSED)
{
    static const uint8_t f4[] = {1, 0, 1};
    struct kd_bytes e = kd_bytes(f4, 3);

    assert_true(rsa_taken(2048, 0x01, e));
    assert_false(rsa_taken(2047, 0x01, e));
    assert_false(rsa_taken(1024, 0x01, e));
    assert_false(rsa_taken(8, 0x01, e));
    assert_true(rsa_taken(2049, 0x01, e));
    assert_true(rsa_taken(8192, 0x01, e));
    assert_false(rsa_taken(8193, 0x01, e));
    assert_false(rsa_taken(2048, 0x02, e)); /* even modulus */
    assert_true(exponent_taken("03"));
    assert_false(exponent_taken("01"));
    assert_false(exponent_taken("00"));
    assert_false(exponent_taken("02"));
    assert_false(exponent_taken("04"));
    assert_false(exponent_taken("010000"));
    assert_true(exponent_taken("ffffffff"));
    assert_false(exponent_taken("0100000001"));
}

/* A verification must refuse such a key, not crash on it (CVE-2017-9022, CVE-2026-14957). */
static void a_signature_under_a_bad_rsa_key_is_refused(void **st KD_UNUSED)
{
    static const char *const bad[] = {"00", "01", "02", "010000", "0100000001"};
    struct kd_bytes n = keys[RSA2048]->pub.n, data = kd_bytes_str("data");
    struct kc_sig sig = sig_of(KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0);
    struct kc_job_result res;
    uint8_t spki[400];
    size_t len;

    assert_int_equal(sign(ctx, RSA2048, sig, data, false, &res), KC_JOB_OK);
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        struct blob e = unhex(bad[i]);
        len = put_rsa(spki, sizeof(spki), n, view(&e));
        assert_int_equal(
            verify(ctx, kd_bytes(spki, len), sig, data, kd_bytes(res.sig, res.sig_len), false),
            KC_JOB_BAD_PEER);
    }
    len = put_rsa(spki, sizeof(spki), n, keys[RSA2048]->pub.e);
    assert_int_equal(
        verify(ctx, kd_bytes(spki, len), sig, data, kd_bytes(res.sig, res.sig_len), false),
        KC_JOB_OK);
}

/* With e = 1 anybody could "sign": the padded hash is its own signature. */
static void an_exponent_of_one_forges_nothing(void **st KD_UNUSED)
{
    struct blob info = unhex("3031300d060960864801650304020105000420");
    struct kd_bytes data = kd_bytes_str("data");
    uint8_t em[256], spki[400], hash[32];
    static const uint8_t one[] = {1};
    size_t len = put_rsa(spki, sizeof(spki), keys[RSA2048]->pub.n, kd_bytes(one, 1));

    EVP_Digest(data.p, data.len, hash, NULL, EVP_sha256(), NULL);
    memset(em, 0xff, sizeof(em));
    em[0] = 0;
    em[1] = 1;
    em[256 - 52] = 0;
    memcpy(em + 256 - 51, info.b, 19);
    memcpy(em + 256 - 32, hash, 32);
    assert_int_equal(verify(ctx, kd_bytes(spki, len), sig_of(KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0),
                            data, kd_bytes(em, 256), false),
                     KC_JOB_BAD_PEER);
}

static void public_keys_in_other_encodings_are_refused(void **st KD_UNUSED)
{
    struct kc_public k;

    for (int i = 0; i < KEYS; i++) {
        struct file good = spki_of(pkeys[i]), f;
        assert_true(kc_public_parse(file_view(&good), &k, NULL));
        for (size_t len = 0; len < good.len; len++) {
            uint8_t *cut = malloc(len + 1);
            memcpy(cut, good.b, len);
            assert_false(kc_public_parse(kd_bytes(cut, len), &k, NULL));
            free(cut);
        }
        f = good;
        f.b[f.len++] = 0;
        assert_false(kc_public_parse(file_view(&f), &k, NULL));
    }
}

static void compressed_points_and_explicit_curves_are_refused(void **st KD_UNUSED)
{
    static const char *const params[][2] = {
        {"point-format", "compressed"},
        {"point-format", "hybrid"},
        {"encoding", "explicit"},
    };
    struct kc_public k;

    for (size_t i = 0; i < KD_ARRAY_LEN(params); i++) {
        EVP_PKEY *pkey = EVP_EC_gen("P-256");
        struct file f = spki_of(pkey);
        assert_true(kc_public_parse(file_view(&f), &k, NULL));
        assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, params[i][0], params[i][1]), 1);
        f = spki_of(pkey);
        assert_false(kc_public_parse(file_view(&f), &k, NULL));
        EVP_PKEY_free(pkey);
    }
}

static void a_point_that_is_not_on_its_curve_verifies_nothing(void **st KD_UNUSED)
{
    struct file spki = spki_of(pkeys[P256]);
    struct kc_sig sig = sig_of(KC_SIG_ECDSA, KC_SIG_SHA2_256, 0);
    struct kc_job_result res;
    struct kd_bytes data = kd_bytes_str("data");

    assert_int_equal(sign(ctx, P256, sig, data, false, &res), KC_JOB_OK);
    spki.b[spki.len - 1] ^= 1;
    assert_int_equal(
        verify(ctx, file_view(&spki), sig, data, kd_bytes(res.sig, res.sig_len), false),
        KC_JOB_BAD_PEER);
    memset(spki.b + spki.len - 64, 0, 64);
    assert_int_equal(
        verify(ctx, file_view(&spki), sig, data, kd_bytes(res.sig, res.sig_len), false),
        KC_JOB_BAD_PEER);
}

static bool positive(const char *hex)
{
    struct blob b = unhex(hex);
    struct kd_reader r;

    kd_reader_init(&r, view(&b));
    kc_der_positive(&r);
    return kd_reader_done(&r);
}

static void a_number_has_one_form(void **st KD_UNUSED)
{
    assert_true(positive("020101"));
    assert_true(positive("02017f"));
    assert_true(positive("02020080"));
    assert_false(positive("020180"));   /* negative */
    assert_false(positive("0202007f")); /* a zero too many */
    assert_false(positive("0203000080"));
    assert_false(positive("020100"));   /* zero */
    assert_false(positive("0200"));     /* empty */
    assert_false(positive("02810101")); /* BER length */
    assert_false(positive("0202ff80"));
    assert_false(positive("030101")); /* not an INTEGER */
}

/* ---- signing and verifying ---- */

static const EVP_MD *md_of(enum kc_sig_hash h)
{
    switch (h) {
    case KC_SIG_SHA1:
        return EVP_sha1();
    case KC_SIG_SHA2_256:
        return EVP_sha256();
    case KC_SIG_SHA2_384:
        return EVP_sha384();
    case KC_SIG_SHA2_512:
        return EVP_sha512();
    case KC_SIG_IDENTITY:
    case KC_SIG_HASH_NONE:
        break;
    }
    return NULL;
}

static bool openssl_verifies(const struct row *r, struct kd_bytes data, const uint8_t *sig,
                             size_t len)
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_PKEY_CTX *p;
    bool ok;

    assert_int_equal(EVP_DigestVerifyInit(m, &p, md_of(r->sig.hash), NULL, pkeys[r->key]), 1);
    if (r->sig.scheme == KC_SIG_RSA_PSS) {
        EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(p, r->sig.salt_len);
    }
    ok = EVP_DigestVerify(m, sig, len, data.p, data.len) == 1;
    EVP_MD_CTX_free(m);
    return ok;
}

static void every_kind_signs_and_verifies(void **st KD_UNUSED)
{
    struct blob msg = fill('m', 777);

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct kd_bytes spki = kc_private_spki(keys[r->key]);
        struct kc_job_result res;
        assert_true(kc_sig_suits(&r->sig, spki));
        assert_int_equal(sign(ctx, r->key, r->sig, view(&msg), true, &res), KC_JOB_OK);
        if (r->len > 0)
            assert_int_equal(res.sig_len, r->len);
        assert_int_equal(
            verify(ctx, spki, r->sig, view(&msg), kd_bytes(res.sig, res.sig_len), true), KC_JOB_OK);
        if (r->sig.scheme != KC_SIG_ECDSA_RAW)
            assert_true(openssl_verifies(r, view(&msg), res.sig, res.sig_len));
        assert_int_equal(sign(ctx, r->key, r->sig, kd_bytes(NULL, 0), true, &res), KC_JOB_OK);
        assert_int_equal(
            verify(ctx, spki, r->sig, kd_bytes(NULL, 0), kd_bytes(res.sig, res.sig_len), true),
            KC_JOB_OK);
    }
}

static void the_raw_form_has_the_same_numbers_padded(void **st KD_UNUSED)
{
    struct kd_bytes data = kd_bytes_str("data");

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        size_t n = r->len / 2;
        struct kc_job_result res;
        uint8_t der[KC_ECDSA_DER_MAX];
        struct kd_writer w;
        if (r->sig.scheme != KC_SIG_ECDSA_RAW)
            continue;
        assert_int_equal(sign(ctx, r->key, r->sig, data, false, &res), KC_JOB_OK);
        kd_writer_init(&w, der, sizeof(der));
        kc_ecdsa_put(&w, kd_bytes(res.sig, n), kd_bytes(res.sig + n, n));
        assert_true(w.ok);
        assert_true(openssl_verifies(r, data, der, w.pos));
        /* Each form only where it belongs. */
        assert_int_equal(
            verify(ctx, kc_private_spki(keys[r->key]), r->sig, data, kd_written(&w), false),
            KC_JOB_BAD_PEER);
        assert_int_equal(verify(ctx, kc_private_spki(keys[r->key]),
                                sig_of(KC_SIG_ECDSA, r->sig.hash, 0), data,
                                kd_bytes(res.sig, res.sig_len), false),
                         KC_JOB_BAD_PEER);
    }
}

static void a_changed_signature_or_message_or_key_is_refused(void **st KD_UNUSED)
{
    struct kd_bytes data = kd_bytes_str("data");
    EVP_PKEY *other[KEYS] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_EC_gen("P-384"),
                             EVP_EC_gen("P-521"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct kd_bytes spki = kc_private_spki(keys[r->key]);
        struct file theirs = spki_of(other[r->key]);
        struct kc_job_result res;
        assert_int_equal(sign(ctx, r->key, r->sig, data, true, &res), KC_JOB_OK);
        for (size_t at = 0; at < res.sig_len; at += 1 + at / 16) {
            res.sig[at] ^= 0x04;
            assert_int_equal(verify(ctx, spki, r->sig, data, kd_bytes(res.sig, res.sig_len), true),
                             KC_JOB_BAD_PEER);
            res.sig[at] ^= 0x04;
        }
        assert_int_equal(
            verify(ctx, spki, r->sig, kd_bytes_str("date"), kd_bytes(res.sig, res.sig_len), true),
            KC_JOB_BAD_PEER);
        assert_int_equal(
            verify(ctx, file_view(&theirs), r->sig, data, kd_bytes(res.sig, res.sig_len), true),
            KC_JOB_BAD_PEER);
    }
    for (int i = 0; i < KEYS; i++)
        EVP_PKEY_free(other[i]);
}

static void a_signature_has_exactly_its_length(void **st KD_UNUSED)
{
    struct kd_bytes data = kd_bytes_str("data");

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct kd_bytes spki = kc_private_spki(keys[r->key]);
        struct kc_job_result res;
        uint8_t room[KC_SIG_MAX + 2] = {0};
        assert_int_equal(sign(ctx, r->key, r->sig, data, true, &res), KC_JOB_OK);
        memcpy(room + 1, res.sig, res.sig_len);
        /* a zero in front is the same number, a zero behind is what a lax parser skips */
        for (size_t from = 0; from < 2; from++) {
            for (size_t to = res.sig_len; to < res.sig_len + 3; to++) {
                struct kd_bytes sig = kd_bytes(room + from, to - from);
                bool whole = from == 1 && to == res.sig_len + 1;
                assert_int_equal(verify(ctx, spki, r->sig, data, sig, true),
                                 whole ? KC_JOB_OK : KC_JOB_BAD_PEER);
            }
        }
        assert_int_equal(verify(ctx, spki, r->sig, data, kd_bytes(NULL, 0), true),
                         KC_JOB_BAD_PEER); /* CVE-2013-2944 */
        memset(room, 0, sizeof(room));
        assert_int_equal(verify(ctx, spki, r->sig, data, kd_bytes(room, res.sig_len), true),
                         KC_JOB_BAD_PEER); /* CVE-2017-11185 */
    }
}

static void sha1_needs_its_switch(void **st KD_UNUSED)
{
    struct kc_sig sig = sig_of(KC_SIG_RSA_PKCS1, KC_SIG_SHA1, 0);
    struct kd_bytes data = kd_bytes_str("data"), spki = kc_private_spki(keys[RSA2048]);
    struct kc_job_result res;

    assert_int_equal(sign(ctx, RSA2048, sig, data, false, &res), KC_JOB_FAILED);
    assert_int_equal(sign(ctx, RSA2048, sig, data, true, &res), KC_JOB_OK);
    assert_int_equal(verify(ctx, spki, sig, data, kd_bytes(res.sig, res.sig_len), true), KC_JOB_OK);
    assert_int_equal(verify(ctx, spki, sig, data, kd_bytes(res.sig, res.sig_len), false),
                     KC_JOB_BAD_PEER);
    /* The switch is for PKCS #1 only. */
    assert_int_equal(sign(ctx, RSA2048, sig_of(KC_SIG_RSA_PSS, KC_SIG_SHA1, 20), data, true, &res),
                     KC_JOB_FAILED);
    assert_int_equal(sign(ctx, P256, sig_of(KC_SIG_ECDSA, KC_SIG_SHA1, 0), data, true, &res),
                     KC_JOB_FAILED);
}

static void a_kind_that_isnt_the_keys_is_refused(void **st KD_UNUSED)
{
    struct kd_bytes data = kd_bytes_str("data");
    static const uint8_t any[256] = {1};

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        for (int k = 0; k < KEYS; k++) {
            struct kd_bytes spki = kc_private_spki(keys[k]);
            const struct kc_sig *sig = &rows[i].sig;
            bool ec = k >= P256 && k <= P521 && sig->scheme == KC_SIG_ECDSA; /* any curve */
            struct kc_job_result res;
            if (k == rows[i].key || ec) {
                assert_true(kc_sig_suits(sig, spki));
                continue;
            }
            assert_false(kc_sig_suits(sig, spki));
            assert_int_equal(sign(ctx, k, *sig, data, true, &res), KC_JOB_FAILED);
            assert_int_equal(verify(ctx, spki, *sig, data, kd_bytes(any, 256), true),
                             KC_JOB_BAD_PEER);
        }
    }
}

static void kinds_that_make_no_sense_are_refused(void **st KD_UNUSED)
{
    static const struct {
        int key;
        struct kc_sig sig;
    } bad[] = {
        {RSA2048, {KC_SIG_NONE, KC_SIG_SHA2_256, 0}},
        {RSA2048, {KC_SIG_RSA_PKCS1, KC_SIG_HASH_NONE, 0}},
        {RSA2048, {KC_SIG_RSA_PKCS1, KC_SIG_IDENTITY, 0}},
        {RSA2048, {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 1}}, /* has no salt */
        {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 33}},
        {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_512, 65}},
        {RSA2048, {KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 65535}},
        {P256, {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_384, 0}}, /* RFC 4754: P-256 has SHA-256 */
        {ED, {KC_SIG_ED25519, KC_SIG_SHA2_512, 0}},
        {ED, {(enum kc_sig_scheme)99, KC_SIG_IDENTITY, 0}},
    };
    struct kc_job_result res;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++)
        assert_int_equal(sign(ctx, bad[i].key, bad[i].sig, kd_bytes_str("data"), true, &res),
                         KC_JOB_FAILED);
}

static void the_salts_length_is_part_of_the_kind(void **st KD_UNUSED)
{
    struct kd_bytes data = kd_bytes_str("data"), spki = kc_private_spki(keys[RSA2048]);
    struct kc_job_result res;

    assert_int_equal(
        sign(ctx, RSA2048, sig_of(KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 20), data, false, &res),
        KC_JOB_OK);
    for (uint16_t salt = 18; salt < 33; salt++)
        assert_int_equal(verify(ctx, spki, sig_of(KC_SIG_RSA_PSS, KC_SIG_SHA2_256, salt), data,
                                kd_bytes(res.sig, res.sig_len), false),
                         salt == 20 ? KC_JOB_OK : KC_JOB_BAD_PEER);
}

static void without_a_key_nothing_is_signed_or_verified(void **st KD_UNUSED)
{
    struct kc_job job = {.kind = KC_JOB_SIGN,
                         .sig = sig_of(KC_SIG_ED25519, KC_SIG_IDENTITY, 0),
                         .data = kd_bytes_str("data")};
    struct kc_job_result res;

    kc_job_run(ctx, &job, &res);
    assert_int_equal(res.status, KC_JOB_FAILED);
    job.kind = KC_JOB_VERIFY;
    kc_job_run(ctx, &job, &res);
    assert_int_equal(res.status, KC_JOB_BAD_PEER);
}

static void *sign_some(void *arg)
{
    for (int i = 0; i < 20; i++) {
        const struct row *r = &rows[i % (int)KD_ARRAY_LEN(rows)];
        struct kc_job job = {.kind = KC_JOB_SIGN,
                             .sig = r->sig,
                             .sha1_ok = true,
                             .signer = keys[r->key],
                             .data = kd_bytes_str("data")};
        struct kc_job_result made, checked;
        kc_job_run(ctx, &job, &made);
        if (made.status != KC_JOB_OK)
            return NULL;
        job.kind = KC_JOB_VERIFY;
        job.spki = kc_private_spki(keys[r->key]);
        job.signature = kd_bytes(made.sig, made.sig_len);
        kc_job_run(ctx, &job, &checked);
        if (checked.status != KC_JOB_OK)
            return NULL;
    }
    return arg;
}

static void threads_share_keys(void **st KD_UNUSED)
{
    pthread_t t[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, sign_some, ctx), 0);
    for (size_t i = 0; i < 4; i++) {
        void *ok;
        assert_int_equal(pthread_join(t[i], &ok), 0);
        assert_ptr_equal(ok, ctx);
    }
}

/* ---- names on the wire ---- */

#define PSS256 "06092a864886f70d01010a"
#define SHA256 "300d06096086480165030402010500"
#define MGF256 "a11c301a06092a864886f70d010108" SHA256

/* Hexadecimal as in RFC 7427 A and RFC 8420 A. */
static const struct {
    struct kc_sig sig;
    const char *ai, *name;
} names[] = {
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA1, 0}, "300d06092a864886f70d0101050500", "rsa-sha1"},
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0}, "300d06092a864886f70d01010b0500", "rsa-sha256"},
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA2_384, 0}, "300d06092a864886f70d01010c0500", "rsa-sha384"},
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA2_512, 0}, "300d06092a864886f70d01010d0500", "rsa-sha512"},
    {{KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32},
     "3041" PSS256 "3034a00f" SHA256 MGF256 "a203020120",
     "rsa-pss-sha256"},
    {{KC_SIG_RSA_PSS, KC_SIG_SHA2_512, 64},
     "3041" PSS256 "3034a00f300d06096086480165030402030500"
     "a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140",
     "rsa-pss-sha512"},
    {{KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 20}, /* 20 is the default: left out */
     "303c" PSS256 "302fa00f" SHA256 MGF256,
     "rsa-pss-sha256"},
    {{KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}, "300a06082a8648ce3d040302", "ecdsa-sha256"},
    {{KC_SIG_ECDSA, KC_SIG_SHA2_384, 0}, "300a06082a8648ce3d040303", "ecdsa-sha384"},
    {{KC_SIG_ECDSA, KC_SIG_SHA2_512, 0}, "300a06082a8648ce3d040304", "ecdsa-sha512"},
    {{KC_SIG_ED25519, KC_SIG_IDENTITY, 0}, "300506032b6570", "ed25519"},
};

static bool parses(const char *hex, struct kc_sig *out)
{
    struct blob b = unhex(hex);

    return kc_sig_parse(view(&b), out);
}

static bool same_sig(const struct kc_sig *a, const struct kc_sig *b)
{
    return a->scheme == b->scheme && a->hash == b->hash && a->salt_len == b->salt_len;
}

static void names_are_read_and_written_as_in_the_rfc(void **st KD_UNUSED)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
        uint8_t buf[KC_AI_MAX];
        struct kd_writer w;
        struct kc_sig got;
        assert_true(parses(names[i].ai, &got));
        assert_true(same_sig(&got, &names[i].sig));
        kd_writer_init(&w, buf, sizeof(buf));
        assert_true(kc_sig_put(&w, &names[i].sig));
        assert_bytes(buf, w.pos, names[i].ai);
        assert_string_equal(kc_sig_str(&got), names[i].name);
        kd_writer_init(&w, buf, w.pos - 1);
        assert_false(kc_sig_put(&w, &names[i].sig));
    }
}

static void the_raw_form_has_no_name(void **st KD_UNUSED)
{
    struct kc_sig raw = sig_of(KC_SIG_ECDSA_RAW, KC_SIG_SHA2_256, 0), none = {KC_SIG_NONE, 0, 0};
    uint8_t buf[KC_AI_MAX];
    struct kd_writer w;

    kd_writer_init(&w, buf, sizeof(buf));
    assert_false(kc_sig_put(&w, &raw));
    assert_false(kc_sig_put(&w, &none));
    assert_int_equal(w.pos, 0);
    assert_string_equal(kc_sig_str(&raw), "ecdsa-raw-sha256");
    assert_string_equal(kc_sig_str(&none), "?");
}

static void pss_may_spell_out_its_trailer_and_leave_out_nulls(void **st KD_UNUSED)
{
    struct kc_sig got, want = sig_of(KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32);

    assert_true(parses("3046" PSS256 "3039a00f" SHA256 MGF256 "a203020120a303020101", &got));
    assert_true(same_sig(&got, &want));
    assert_true(parses("303d" PSS256 "3030a00d300b0609608648016503040201"
                       "a11a301806092a864886f70d010108300b0609608648016503040201a203020120",
                       &got));
    assert_true(same_sig(&got, &want));
    assert_true(parses("3041" PSS256 "3034a00f" SHA256 MGF256 "a203020100", &got));
    assert_int_equal(got.salt_len, 0);
}

static void names_next_to_ours_are_refused(void **st KD_UNUSED)
{
    static const char *const bad[] = {
        "",
        "300b06092a864886f70d01010b",         /* RSA without its NULL */
        "300d06092a864886f70d01010b050000",   /* something behind it */
        "300e06092a864886f70d01010b050000",   /* something inside behind it */
        "30810d06092a864886f70d01010b0500",   /* BER length */
        "308006092a864886f70d01010b05000000", /* indefinite length */
        "300d06092a864886f70d0101040500",     /* MD5 */
        "300d06092a864886f70d01010e0500",     /* SHA-224 */
        "300d06092a864886f70d0101010500",     /* a key's */
        "300c06082a8648ce3d0403020500",       /* ECDSA with a NULL */
        "300a06082a8648ce3d040301",           /* ECDSA with SHA-224 */
        "300906072a8648ce3d0401",             /* ECDSA with SHA-1 */
        "300706032b65700500",                 /* Ed25519 with a NULL */
        "300506032b6571",                     /* Ed448 */
        "300b" PSS256,                        /* PSS without parameters (CVE-2018-6459) */
        "300d" PSS256 "3000",                 /* PSS with SHA-1 by default */
        "300d" PSS256 "0500",
        "3041" PSS256 "3034a00f" SHA256 MGF256 "a203020121",       /* salt 33 */
        "3041" PSS256 "3034a00f" SHA256 MGF256 "a2030201ff",       /* salt -1 */
        "3042" PSS256 "3035a00f" SHA256 MGF256 "a20402020020",     /* salt 32, not minimal */
        "3042" PSS256 "3035a00f" SHA256 MGF256 "a20402020120",     /* salt 288 */
        "3044" PSS256 "3037a00f" SHA256 MGF256 "a20602047fffffff", /* CVE-2021-41990 */
        "3042" PSS256 "3035a00f" SHA256 MGF256 "a20402012000",     /* something behind the salt */
        "3046" PSS256 "3039a00f" SHA256 MGF256 "a203020120a303020102", /* trailer 2 */
        "3046" PSS256 "3039a00f" SHA256 MGF256 "a303020101a203020120", /* order */
        "3046" PSS256 "3039a00f" SHA256 MGF256 "a203020120a203020120", /* twice */
        "3030" PSS256 "3023" MGF256 "a203020120",                      /* no hash: SHA-1 */
        "3023" PSS256 "3016a00f" SHA256 "a203020120", /* no mask: MGF1 with SHA-1 */
        "3041" PSS256 "3034a00f300d06096086480165030402020500" MGF256
        "a203020120", /* mask with another hash */
        "3041" PSS256 "3034a00f" SHA256 "a11c301a06092a864886f70d010109" SHA256
        "a203020120", /* not MGF1 */
    };
    struct kc_sig got;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        if (parses(bad[i], &got))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(got.scheme, KC_SIG_NONE);
    }
}

/* Every truncation and every changed byte: refused, or a name with a meaning that can be written.
 */
static void a_broken_name_is_refused_or_means_something_else(void **st KD_UNUSED)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
        struct blob good = unhex(names[i].ai);
        struct kc_sig got, again;
        for (size_t len = 0; len < good.len; len++) {
            uint8_t *cut = malloc(len + 1);
            memcpy(cut, good.b, len);
            assert_false(kc_sig_parse(kd_bytes(cut, len), &got));
            free(cut);
        }
        for (size_t n = 0; n < good.len * 256; n++) {
            uint8_t *p = malloc(good.len), buf[KC_AI_MAX];
            struct kd_writer w;
            memcpy(p, good.b, good.len);
            p[n / 256] = (uint8_t)n;
            if (kc_sig_parse(kd_bytes(p, good.len), &got)) {
                kd_writer_init(&w, buf, sizeof(buf));
                assert_true(kc_sig_put(&w, &got));
                assert_true(kc_sig_parse(kd_written(&w), &again));
                assert_true(same_sig(&got, &again));
            }
            free(p);
        }
    }
}

static void our_kind_follows_the_peers_hashes(void **st KD_UNUSED)
{
    static const struct {
        int key;
        uint32_t hashes; /* bits by kc_sig_hash */
        bool pss;
        struct kc_sig want;
    } cases[] = {
        {RSA2048, 0x3e, false, {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0}},
        {RSA2048, 0x3e, true, {KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32}},
        {RSA2048, 0x18, true, {KC_SIG_RSA_PSS, KC_SIG_SHA2_384, 48}},
        {RSA2048, 0x02, false, {KC_SIG_NONE, KC_SIG_HASH_NONE, 0}}, /* SHA-1 only */
        {P256, 0x3e, false, {KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}},
        {P384, 0x3e, true, {KC_SIG_ECDSA, KC_SIG_SHA2_384, 0}},
        {P521, 0x1c, false, {KC_SIG_ECDSA, KC_SIG_SHA2_512, 0}},
        {P521, 0x0c, false, {KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}},
        {ED, 0x20, false, {KC_SIG_ED25519, KC_SIG_IDENTITY, 0}},
        {ED, 0x1e, false, {KC_SIG_NONE, KC_SIG_HASH_NONE, 0}},
        {P256, 0, false, {KC_SIG_NONE, KC_SIG_HASH_NONE, 0}},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct kc_sig got = kc_sig_choose(keys[cases[i].key], cases[i].hashes, cases[i].pss);
        if (!same_sig(&got, &cases[i].want))
            fail_msg("case %zu: %s", i, kc_sig_str(&got));
        assert_true(got.scheme == KC_SIG_NONE ||
                    kc_sig_suits(&got, kc_private_spki(keys[cases[i].key])));
    }
}

/* ---- the simulator's ---- */

static void the_simulators_signatures_repeat_and_have_the_real_length(void **st KD_UNUSED)
{
    struct kc_ctx *sim = ctx_new(KC_PROVIDER_SIM, 1);
    struct kd_bytes data = kd_bytes_str("data");

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct kd_bytes spki = kc_private_spki(keys[r->key]);
        struct kc_job_result a, b;
        assert_int_equal(sign(sim, r->key, r->sig, data, true, &a), KC_JOB_OK);
        assert_int_equal(sign(sim, r->key, r->sig, data, true, &b), KC_JOB_OK);
        assert_int_equal(a.sig_len, b.sig_len);
        assert_memory_equal(a.sig, b.sig, a.sig_len);
        if (r->len > 0)
            assert_int_equal(a.sig_len, r->len);
        assert_int_equal(verify(sim, spki, r->sig, data, kd_bytes(a.sig, a.sig_len), true),
                         KC_JOB_OK);
        a.sig[a.sig_len - 1] ^= 1;
        assert_int_equal(verify(sim, spki, r->sig, data, kd_bytes(a.sig, a.sig_len), true),
                         KC_JOB_BAD_PEER);
        assert_int_equal(
            verify(sim, spki, r->sig, kd_bytes_str("date"), kd_bytes(b.sig, b.sig_len), true),
            KC_JOB_BAD_PEER);
        assert_int_equal(verify(ctx, spki, r->sig, data, kd_bytes(b.sig, b.sig_len), true),
                         KC_JOB_BAD_PEER);
    }
    kc_ctx_free(sim);
}

static void the_simulator_loads_keys(void **st KD_UNUSED)
{
    struct kc_ctx *sim = ctx_new(KC_PROVIDER_SIM, 1);

    for (int i = 0; i < KEYS; i++) {
        struct file f = export_key(pkeys[i], PKCS8_PEM);
        struct kc_private *k = kc_private_load(sim, file_view(&f), NULL);
        assert_non_null(k);
        assert_true(kd_bytes_eq(kc_private_spki(k), kc_private_spki(keys[i])));
        kc_private_free(k);
    }
    kc_ctx_free(sim);
}

/* ---- */

static int setup(void **st KD_UNUSED)
{
    ctx = ctx_new(KC_PROVIDER_REAL, 1);
    pkeys[RSA2048] = EVP_RSA_gen(2048);
    pkeys[P256] = EVP_EC_gen("P-256");
    pkeys[P384] = EVP_EC_gen("P-384");
    pkeys[P521] = EVP_EC_gen("P-521");
    pkeys[ED] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    for (int i = 0; i < KEYS; i++) {
        struct file f = export_key(pkeys[i], PKCS8_DER);
        keys[i] = kc_private_load(ctx, file_view(&f), NULL);
        if (!keys[i])
            return -1;
    }
    return 0;
}

static int teardown(void **st KD_UNUSED)
{
    assert_int_equal(ERR_peek_error(), 0); /* no error of ours stays in OpenSSL's queue */
    for (int i = 0; i < KEYS; i++) {
        kc_private_free(keys[i]);
        EVP_PKEY_free(pkeys[i]);
    }
    kc_ctx_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_loads_from_pem_and_der_in_every_form),
        cmocka_unit_test(a_key_is_found_among_other_blocks),
        cmocka_unit_test(an_encrypted_key_is_refused_by_name),
        cmocka_unit_test(keys_of_other_kinds_and_sizes_are_refused),
        cmocka_unit_test(a_truncated_key_is_refused_at_every_byte),
        cmocka_unit_test(a_key_with_a_broken_byte_is_refused_or_the_same),
        cmocka_unit_test(an_rsa_key_whose_numbers_dont_belong_together_is_refused),
        cmocka_unit_test(an_ec_key_with_anothers_public_half_is_refused),
        cmocka_unit_test(an_ec_number_of_zero_or_the_order_is_refused),
        cmocka_unit_test(rsa_keys_are_bounded),
        cmocka_unit_test(a_signature_under_a_bad_rsa_key_is_refused),
        cmocka_unit_test(an_exponent_of_one_forges_nothing),
        cmocka_unit_test(public_keys_in_other_encodings_are_refused),
        cmocka_unit_test(a_number_has_one_form),
        cmocka_unit_test(compressed_points_and_explicit_curves_are_refused),
        cmocka_unit_test(a_point_that_is_not_on_its_curve_verifies_nothing),
        cmocka_unit_test(every_kind_signs_and_verifies),
        cmocka_unit_test(the_raw_form_has_the_same_numbers_padded),
        cmocka_unit_test(a_changed_signature_or_message_or_key_is_refused),
        cmocka_unit_test(a_signature_has_exactly_its_length),
        cmocka_unit_test(sha1_needs_its_switch),
        cmocka_unit_test(a_kind_that_isnt_the_keys_is_refused),
        cmocka_unit_test(kinds_that_make_no_sense_are_refused),
        cmocka_unit_test(the_salts_length_is_part_of_the_kind),
        cmocka_unit_test(without_a_key_nothing_is_signed_or_verified),
        cmocka_unit_test(threads_share_keys),
        cmocka_unit_test(names_are_read_and_written_as_in_the_rfc),
        cmocka_unit_test(the_raw_form_has_no_name),
        cmocka_unit_test(pss_may_spell_out_its_trailer_and_leave_out_nulls),
        cmocka_unit_test(names_next_to_ours_are_refused),
        cmocka_unit_test(a_broken_name_is_refused_or_means_something_else),
        cmocka_unit_test(our_kind_follows_the_peers_hashes),
        cmocka_unit_test(the_simulators_signatures_repeat_and_have_the_real_length),
        cmocka_unit_test(the_simulator_loads_keys),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
