/* Whom we trust: CRLs, anchors, and threads that share them. */
#include "made_certs.h"

/* ---- CRLs ---- */

static X509_CRL *make_crl(X509 *issuer, EVP_PKEY *key, X509 *revoked, int64_t next)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = ASN1_TIME_set(NULL, NOW - 10);
    X509_REVOKED *r;

    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
    X509_CRL_set1_lastUpdate(crl, t);
    if (revoked) {
        r = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked));
        X509_REVOKED_set_revocationDate(r, t);
        X509_CRL_add0_revoked(crl, r);
    }
    ASN1_TIME_set(t, next);
    X509_CRL_set1_nextUpdate(crl, t);
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    ASN1_TIME_free(t);
    return crl;
}

static bool give_crl(struct kc_trust *t, X509_CRL *crl, const char **why)
{
    uint8_t *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    bool ok = kc_trust_add_crl(t, kd_bytes(der, (size_t)len), why);

    OPENSSL_free(der);
    X509_CRL_free(crl);
    return ok;
}

static enum kc_chain_status check_with_crl(X509_CRL *crl)
{
    struct kc_trust *t = trust_of(root);
    struct bytes certs = {.len = 0};
    struct kc_chain q = {.trust = t, .wall_s = NOW};
    enum kc_chain_status st;

    assert_true(give_crl(t, crl, NULL));
    add_der(&certs, leaf);
    add_der(&certs, mid);
    q.certs = bytes_view(&certs);
    st = ask(&q);
    kc_trust_free(t);
    return st;
}

static void a_given_crl_is_heeded(void **st KD_UNUSED)
{
    X509 *noise = make_root("noise", key_other);

    assert_status(check_with_crl(make_crl(mid, key_mid, NULL, NOW + DAY)), KC_CHAIN_OK, "empty");
    assert_status(check_with_crl(make_crl(mid, key_mid, root, NOW + DAY)), KC_CHAIN_OK, "others");
    assert_status(check_with_crl(make_crl(mid, key_mid, leaf, NOW + DAY)), KC_CHAIN_REVOKED,
                  "leaf");
    assert_status(check_with_crl(make_crl(root, key_root, mid, NOW + DAY)), KC_CHAIN_REVOKED,
                  "middle");
    assert_int_equal(result.at, 1);
    assert_status(check_with_crl(make_crl(mid, key_mid, NULL, NOW - 1)), KC_CHAIN_CRL, "stale");
    assert_status(check_with_crl(make_crl(mid, key_other, NULL, NOW + DAY)), KC_CHAIN_CRL,
                  "forged");
    assert_status(check_with_crl(make_crl(noise, key_other, leaf, NOW + DAY)), KC_CHAIN_OK,
                  "another issuer's");
    X509_free(noise);
}

static void a_crl_that_tells_only_a_part_is_refused(void **st KD_UNUSED)
{
    struct kc_trust *t = trust_of(root);
    X509_CRL *crl = make_crl(mid, key_mid, NULL, NOW + DAY);
    ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
    struct kc_trust *none = kc_trust_new(ctx);
    const char *why = NULL;

    idp->onlyCA = 0xff;
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0), 1);
    assert_true(X509_CRL_sign(crl, key_mid, EVP_sha256()) > 0);
    assert_false(give_crl(t, crl, &why));
    assert_non_null(strstr(why, "critical"));
    assert_false(kc_trust_add_crl(t, kd_bytes_str("hello"), &why));
    assert_non_null(strstr(why, "no CRL"));
    assert_false(kc_trust_add_crl(t, kd_bytes(NULL, 0), &why));
    assert_false(kc_trust_add_crl(t, kd_bytes("0\0", 2), &why));
    ISSUING_DIST_POINT_free(idp);
    kc_trust_free(none);
    kc_trust_free(t);
}

static void a_crl_may_be_pem(void **st KD_UNUSED)
{
    struct kc_trust *t = trust_of(root);
    X509_CRL *crl = make_crl(mid, key_mid, leaf, NOW + DAY);
    BIO *bio = BIO_new(BIO_s_mem());
    struct bytes pem, certs = {.len = 0};
    struct kc_chain q = {.trust = t, .wall_s = NOW};

    PEM_write_bio_X509_CRL(bio, crl);
    pem.len = (size_t)BIO_read(bio, pem.b, sizeof(pem.b));
    assert_true(kc_trust_add_crl(t, bytes_view(&pem), NULL));
    add_der(&certs, leaf);
    add_der(&certs, mid);
    q.certs = bytes_view(&certs);
    assert_status(ask(&q), KC_CHAIN_REVOKED, "PEM");
    BIO_free(bio);
    X509_CRL_free(crl);
    kc_trust_free(t);
}

/* ---- anchors ---- */

static void a_bundle_gives_every_anchor_or_none(void **st KD_UNUSED)
{
    X509 *noise = make_root("noise", key_other);
    struct bytes pem = pem_of(noise, root);
    struct kc_trust *t = kc_trust_new(ctx);
    uint8_t got[20], want[20], *der = NULL;
    const char *why = NULL;
    size_t n;

    assert_int_equal(kc_trust_add(t, bytes_view(&pem), &why), 2);
    assert_int_equal(kc_trust_count(t), 2);
    kc_cert_spki_sha1(kc_trust_anchor(t, 1), got); /* as in a CERTREQ */
    n = (size_t)i2d_PUBKEY(key_root, &der);
    EVP_Digest(der, n, want, NULL, EVP_sha1(), NULL);
    OPENSSL_free(der);
    assert_memory_equal(got, want, 20);
    assert_int_equal(kc_trust_add(t, kd_bytes_str("hello"), &why), 0);
    assert_non_null(why);
    assert_int_equal(kc_trust_count(t), 2);
    for (n = 2; n < KC_ANCHORS_MAX; n += 2)
        assert_int_equal(kc_trust_add(t, bytes_view(&pem), &why), 2); /* the same again */
    assert_int_equal(kc_trust_add(t, bytes_view(&pem), &why), 0);
    assert_non_null(strstr(why, "too many"));
    assert_int_equal(kc_trust_count(t), KC_ANCHORS_MAX);
    kc_trust_free(t);
    X509_free(noise);
}

static void an_anchors_key_must_be_ours(void **st KD_UNUSED)
{
    EVP_PKEY *k = EVP_RSA_gen(1024);
    X509 *x = make_root("small", k);
    struct kc_trust *t = kc_trust_new(ctx);
    struct bytes der = {.len = 0};
    const char *why = NULL;

    add_der(&der, x);
    assert_int_equal(kc_trust_add(t, bytes_view(&der), &why), 0);
    assert_non_null(strstr(why, "less than 2048"));
    kc_trust_free(t);
    X509_free(x);
    EVP_PKEY_free(k);
}

static void *check_some(void *arg)
{
    for (int i = 0; i < 50; i++) {
        struct kc_chain_result res;
        kc_chain_check(ctx, arg, &res);
        if (res.status != KC_CHAIN_OK)
            return NULL;
    }
    return arg;
}

static void threads_share_anchors(void **st KD_UNUSED)
{
    struct kc_trust *t = trust_of(root);
    struct bytes certs = {.len = 0};
    struct kc_chain q = {.trust = t, .wall_s = NOW};
    pthread_t th[4];

    add_der(&certs, leaf);
    add_der(&certs, mid);
    q.certs = bytes_view(&certs);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&th[i], NULL, check_some, &q), 0);
    for (size_t i = 0; i < 4; i++) {
        void *ok;
        assert_int_equal(pthread_join(th[i], &ok), 0);
        assert_ptr_equal(ok, &q);
    }
    kc_trust_free(t);
}

static void the_simulator_checks_the_same_chains(void **st KD_UNUSED)
{
    struct kc_ctx *real = ctx;

    ctx = ctx_new(KC_PROVIDER_SIM, 1);
    assert_status(check(root, leaf, mid, NULL), KC_CHAIN_OK, "chain");
    assert_status(check(root, leaf, NULL, NULL), KC_CHAIN_UNTRUSTED, "gap");
    kc_ctx_free(ctx);
    ctx = real;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_given_crl_is_heeded),
        cmocka_unit_test(a_crl_that_tells_only_a_part_is_refused),
        cmocka_unit_test(a_crl_may_be_pem),
        cmocka_unit_test(a_bundle_gives_every_anchor_or_none),
        cmocka_unit_test(an_anchors_key_must_be_ours),
        cmocka_unit_test(threads_share_anchors),
        cmocka_unit_test(the_simulator_checks_the_same_chains),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
