/* Signatures as jobs, the simulator's too: what kedge signs OpenSSL verifies. Published vectors are
 * in tests/vectors/test_vectors_sign.c. */
#include "made_keys.h"

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

    for (size_t i = 0; i < SIG_ROWS; i++) {
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

    for (size_t i = 0; i < SIG_ROWS; i++) {
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

    for (size_t i = 0; i < SIG_ROWS; i++) {
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

    for (size_t i = 0; i < SIG_ROWS; i++) {
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

    for (size_t i = 0; i < SIG_ROWS; i++) {
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
        const struct row *r = &rows[i % SIG_ROWS];
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


/* ---- the simulator's ---- */

static void the_simulators_signatures_repeat_and_have_the_real_length(void **st KD_UNUSED)
{
    struct kc_ctx *sim = ctx_new(KC_PROVIDER_SIM, 1);
    struct kd_bytes data = kd_bytes_str("data");

    for (size_t i = 0; i < SIG_ROWS; i++) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(the_simulators_signatures_repeat_and_have_the_real_length),
        cmocka_unit_test(the_simulator_loads_keys),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
