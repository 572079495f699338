/* Private keys from files, and public keys from a peer: which are taken and which are refused. */
#include "made_keys.h"

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
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
