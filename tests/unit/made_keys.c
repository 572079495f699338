/* See made_keys.h. */
#include "made_keys.h"

struct kc_ctx *ctx;

EVP_PKEY *pkeys[KEYS];

struct kc_private *keys[KEYS];

struct kd_bytes file_view(const struct file *f)
{
    return kd_bytes(f->b, f->len);
}

struct file from_bio(BIO *bio)
{
    struct file f;
    int len = BIO_read(bio, f.b, sizeof(f.b));

    assert_true(len > 0 && BIO_eof(bio));
    f.len = (size_t)len;
    BIO_free(bio);
    return f;
}

struct file export_key(EVP_PKEY *k, enum form form)
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

struct file spki_of(EVP_PKEY *k)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(i2d_PUBKEY_bio(bio, k), 1);
    return from_bio(bio);
}

void assert_key_refused(const struct file *f, const char *reason)
{
    const char *why = NULL;

    assert_null(kc_private_load(ctx, file_view(f), &why));
    assert_non_null(why);
    if (!strstr(why, reason))
        fail_msg("refused because \"%s\", not \"%s\"", why, reason);
    assert_null(kc_private_load(ctx, file_view(f), NULL));
}

struct kc_sig sig_of(enum kc_sig_scheme scheme, enum kc_sig_hash hash, uint16_t salt)
{
    return (struct kc_sig){scheme, hash, salt};
}

enum kc_job_status sign(struct kc_ctx *c, int key, struct kc_sig sig, struct kd_bytes data,
                               bool sha1_ok, struct kc_job_result *res)
{
    struct kc_job job = {
        .kind = KC_JOB_SIGN, .sig = sig, .sha1_ok = sha1_ok, .signer = keys[key], .data = data};

    kc_job_run(c, &job, res);
    assert_true(res->status == KC_JOB_OK || res->sig_len == 0);
    return res->status;
}

enum kc_job_status verify(struct kc_ctx *c, struct kd_bytes spki, struct kc_sig sig,
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

const struct row rows[SIG_ROWS] = {
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

int setup(void **st KD_UNUSED)
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

int teardown(void **st KD_UNUSED)
{
    assert_int_equal(ERR_peek_error(), 0); /* no error of ours stays in OpenSSL's queue */
    for (int i = 0; i < KEYS; i++) {
        kc_private_free(keys[i]);
        EVP_PKEY_free(pkeys[i]);
    }
    kc_ctx_free(ctx);
    return 0;
}
