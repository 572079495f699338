/* Certificates and chains. Every certificate is made here with OpenSSL, at a fixed time. */
#include "test_crypto.h"

#include "crypto/x509.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW 1700000000
#define DAY 86400

/* ---- making certificates ---- */

static struct kc_ctx *ctx;
static EVP_PKEY *key_root, *key_mid, *key_leaf, *key_other;

/* What isn't said is usual: version 3, valid from a day before NOW to a day after, SHA-256. */
struct spec {
    const char *cn;       /* NULL: an empty subject */
    EVP_PKEY *key;        /* NULL: key_leaf */
    X509 *issuer;         /* NULL: self-signed */
    EVP_PKEY *issuer_key; /* NULL: key */
    int64_t from, to;     /* 0: usual */
    bool v1;
    const EVP_MD *md;
    const char *ext[8][2]; /* "basicConstraints", "critical,CA:TRUE" */
};

static void add_ext(X509 *x, X509 *issuer, const char *name, const char *value)
{
    X509_EXTENSION *e;
    X509V3_CTX c;

    X509V3_set_ctx(&c, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &c, OBJ_txt2nid(name), value);
    if (!e)
        fail_msg("%s: %s", name, value);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void add_cn(X509_NAME *name, const char *cn, int type)
{
    assert_int_equal(
        X509_NAME_add_entry_by_NID(name, NID_commonName, type, (const uint8_t *)cn, -1, -1, 0), 1);
}

/* Signed anew after a change. Ed25519 takes no hash. */
static void resign(X509 *x, EVP_PKEY *key, const EVP_MD *md)
{
    assert_true(X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : md) > 0);
}

static X509 *make(const struct spec *s)
{
    static long serial;
    EVP_PKEY *key = s->key ? s->key : key_leaf;
    X509 *x = X509_new(), *issuer = s->issuer ? s->issuer : x;

    X509_set_version(x, s->v1 ? X509_VERSION_1 : X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(x), s->from ? s->from : NOW - DAY);
    ASN1_TIME_set(X509_getm_notAfter(x), s->to ? s->to : NOW + DAY);
    if (s->cn)
        add_cn(X509_get_subject_name(x), s->cn, MBSTRING_UTF8);
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    for (size_t i = 0; i < KD_ARRAY_LEN(s->ext) && s->ext[i][0]; i++)
        add_ext(x, issuer, s->ext[i][0], s->ext[i][1]);
    resign(x, s->issuer_key ? s->issuer_key : key, s->md ? s->md : EVP_sha256());
    return x;
}

#define CA                                                                                         \
    {                                                                                              \
        "basicConstraints", "critical,CA:TRUE"                                                     \
    }
#define SIGN                                                                                       \
    {                                                                                              \
        "keyUsage", "critical,keyCertSign,cRLSign"                                                 \
    }
#define SAN                                                                                        \
    {                                                                                              \
        "subjectAltName", "DNS:gw.example.com,IP:192.0.2.1,IP:2001:db8::1,email:gw@Example.com"    \
    }

/* root <- mid <- leaf, made once. */
static X509 *root, *mid, *leaf;

static X509 *make_root(const char *cn, EVP_PKEY *key)
{
    return make(&(struct spec){.cn = cn, .key = key, .ext = {CA, SIGN}});
}

static X509 *make_leaf(const char *ext, const char *value)
{
    return make(&(struct spec){
        .cn = "gw", .issuer = mid, .issuer_key = key_mid, .ext = {SAN, {ext, value}}});
}

static X509 *make_mid(const char *ext, const char *value)
{
    return make(&(struct spec){.cn = "mid",
                               .key = key_mid,
                               .issuer = root,
                               .issuer_key = key_root,
                               .ext = {CA, SIGN, {ext, value}}});
}

/* ---- asking ---- */

struct bytes {
    uint8_t b[65536];
    size_t len;
};

static void add_der(struct bytes *to, X509 *x)
{
    uint8_t *p = to->b + to->len;
    int len = i2d_X509(x, NULL);

    assert_true(len > 0 && (size_t)len < sizeof(to->b) - to->len);
    to->len += (size_t)i2d_X509(x, &p);
}

static struct kd_bytes bytes_view(const struct bytes *b)
{
    return kd_bytes(b->b, b->len);
}

static struct kc_trust *trust_of(X509 *anchor)
{
    struct kc_trust *t = kc_trust_new(ctx);
    struct bytes b = {.len = 0};
    const char *why = NULL;

    assert_non_null(t);
    add_der(&b, anchor);
    if (kc_trust_add(t, bytes_view(&b), &why) != 1)
        fail_msg("anchor refused: %s", why);
    return t;
}

static struct kc_chain_result result; /* of the last question */

static enum kc_chain_status ask(const struct kc_chain *q)
{
    struct kc_job job = {.kind = KC_JOB_CHAIN, .chain = q};
    struct kc_job_result res;

    kc_job_run(ctx, &job, &res);
    result = res.chain;
    if (result.status == KC_CHAIN_OK)
        assert_int_equal(res.status, KC_JOB_OK);
    else
        assert_int_equal(res.status, KC_JOB_BAD_PEER);
    assert_true((result.spki_len > 0) == (result.status == KC_CHAIN_OK));
    assert_int_equal(ERR_peek_error(), 0);
    return result.status;
}

/* x and up to two helpers against one anchor. */
static enum kc_chain_status check_at(X509 *anchor, X509 *x, X509 *a, X509 *b, int64_t wall_s)
{
    struct kc_trust *t = trust_of(anchor);
    struct bytes certs = {.len = 0};
    struct kc_chain q = {.trust = t, .wall_s = wall_s};
    enum kc_chain_status st;

    add_der(&certs, x);
    if (a)
        add_der(&certs, a);
    if (b)
        add_der(&certs, b);
    q.certs = bytes_view(&certs);
    st = ask(&q);
    kc_trust_free(t);
    return st;
}

static enum kc_chain_status check(X509 *anchor, X509 *x, X509 *a, X509 *b)
{
    return check_at(anchor, x, a, b, NOW);
}

static void assert_status(enum kc_chain_status got, enum kc_chain_status want, const char *what)
{
    if (got != want)
        fail_msg("%s: %s, not %s", what, kc_chain_status_str(got), kc_chain_status_str(want));
}

/* A leaf with one more extension, below the usual mid. */
static void assert_leaf_ext(const char *ext, const char *value, enum kc_chain_status want)
{
    X509 *x = make_leaf(ext, value);

    assert_status(check(root, x, mid, NULL), want, value);
    X509_free(x);
}

/* A CA in the middle with one more extension, above the usual leaf. */
static void assert_mid_ext(const char *ext, const char *value, enum kc_chain_status want)
{
    X509 *x = make_mid(ext, value);

    assert_status(check(root, leaf, x, NULL), want, value);
    X509_free(x);
}

static struct kc_cert *parsed(X509 *x)
{
    struct bytes b = {.len = 0};
    const char *why = NULL;
    struct kc_cert *out;

    add_der(&b, x);
    out = kc_cert_parse(ctx, bytes_view(&b), &why);
    if (!out)
        fail_msg("refused: %s", why);
    return out;
}

static void assert_refused(X509 *x, const char *reason)
{
    struct bytes b = {.len = 0};
    const char *why = NULL;

    add_der(&b, x);
    assert_null(kc_cert_parse(ctx, bytes_view(&b), &why));
    assert_non_null(why);
    if (!strstr(why, reason))
        fail_msg("refused because \"%s\", not \"%s\"", why, reason);
    assert_null(kc_cert_parse(ctx, bytes_view(&b), NULL));
}

/* ---- one certificate ---- */

static void a_certificate_says_what_it_says(void **st KD_UNUSED)
{
    struct kc_cert *x = parsed(leaf);
    uint8_t want[64], got[32], *der = NULL;
    unsigned int len;
    int n;

    assert_int_equal(kc_cert_not_before_s(x), NOW - DAY);
    assert_int_equal(kc_cert_not_after_s(x), NOW + DAY);
    X509_digest(leaf, EVP_sha256(), want, &len);
    kc_cert_fingerprint(x, got);
    assert_memory_equal(got, want, 32);
    n = i2d_PUBKEY(key_leaf, &der);
    assert_true(kd_bytes_eq(kc_cert_spki(x), kd_bytes(der, (size_t)n)));
    EVP_Digest(der, (size_t)n, want, NULL, EVP_sha1(), NULL);
    kc_cert_spki_sha1(x, got);
    assert_memory_equal(got, want, 20);
    OPENSSL_free(der);
    der = NULL;
    n = i2d_X509_NAME(X509_get_subject_name(leaf), &der);
    assert_true(kd_bytes_eq(kc_cert_subject(x), kd_bytes(der, (size_t)n)));
    OPENSSL_free(der);
    der = NULL;
    n = i2d_X509_NAME(X509_get_issuer_name(leaf), &der);
    assert_true(kd_bytes_eq(kc_cert_issuer(x), kd_bytes(der, (size_t)n)));
    OPENSSL_free(der);
    kc_cert_free(x);
    kc_cert_free(NULL);
}

static void a_time_after_2050_is_read(void **st KD_UNUSED)
{
    X509 *x = make(&(struct spec){.cn = "gw", .to = 253402300799}); /* 9999-12-31 23:59:59 */
    struct kc_cert *c = parsed(x);

    assert_true(kc_cert_not_after_s(c) == 253402300799);
    kc_cert_free(c);
    X509_free(x);
}

static void a_payload_has_encoding_4_or_is_refused(void **st KD_UNUSED)
{
    struct bytes b = {.b = {4}, .len = 1};
    const char *why = NULL;
    struct kc_cert *x;

    assert_null(kc_cert_parse_payload(ctx, bytes_view(&b), &why)); /* no certificate */
    add_der(&b, leaf);
    x = kc_cert_parse_payload(ctx, bytes_view(&b), NULL);
    assert_non_null(x);
    kc_cert_free(x);
    for (unsigned int e = 0; e < 256; e++) { /* 12 and 13: hash and URL */
        b.b[0] = (uint8_t)e;
        if (e != 4)
            assert_null(kc_cert_parse_payload(ctx, bytes_view(&b), &why));
    }
    assert_non_null(strstr(why, "encoding"));
    assert_null(kc_cert_parse_payload(ctx, kd_bytes(NULL, 0), NULL));
}

static struct bytes pem_of(X509 *a, X509 *b)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct bytes out;
    int len;

    BIO_puts(bio, "a comment\n");
    PEM_write_bio_X509(bio, a);
    PEM_write_bio_PUBKEY(bio, key_leaf); /* other blocks don't disturb */
    if (b)
        PEM_write_bio_X509(bio, b);
    len = BIO_read(bio, out.b, sizeof(out.b));
    assert_true(len > 0);
    out.len = (size_t)len;
    BIO_free(bio);
    return out;
}

static void a_file_gives_all_its_certificates_or_none(void **st KD_UNUSED)
{
    struct bytes pem = pem_of(leaf, mid), der = {.len = 0};
    struct kc_cert *x[3] = {NULL};
    const char *why = NULL;
    uint8_t *at;

    assert_int_equal(kc_cert_load(ctx, bytes_view(&pem), x, 3, &why), 2);
    add_der(&der, leaf);
    assert_true(kd_bytes_eq(kc_cert_der(x[0]), bytes_view(&der)));
    kc_cert_free(x[0]);
    kc_cert_free(x[1]);
    assert_int_equal(kc_cert_load(ctx, bytes_view(&pem), x, 1, &why), 0);
    assert_non_null(strstr(why, "too many"));
    assert_int_equal(kc_cert_load(ctx, bytes_view(&pem), x, 0, &why), 0);
    assert_int_equal(kc_cert_load(ctx, bytes_view(&der), x, 1, &why), 1);
    kc_cert_free(x[0]);
    at = memmem(pem.b + 200, pem.len - 200, "-----BEGIN CERT", 15);
    assert_non_null(at);
    at[100] = '!'; /* the second one */
    assert_int_equal(kc_cert_load(ctx, bytes_view(&pem), x, 3, &why), 0);
    assert_non_null(strstr(why, "base64"));
    assert_int_equal(kc_cert_load(ctx, kd_bytes_str("hello"), x, 3, &why), 0);
    assert_non_null(strstr(why, "no certificate"));
    assert_int_equal(kc_cert_load(ctx, kd_bytes(NULL, 0), x, 3, &why), 0);
}

static EVP_PKEY *rsa_public(EVP_PKEY *from, unsigned long e)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM p[3];
    uint8_t n[512];
    BIGNUM *bn = NULL;
    EVP_PKEY *out = NULL;
    int len;

    assert_int_equal(EVP_PKEY_get_bn_param(from, "n", &bn), 1);
    len = BN_bn2nativepad(bn, n, BN_num_bytes(bn));
    assert_true(len > 0);
    p[0] = OSSL_PARAM_construct_BN("n", n, (size_t)len);
    p[1] = OSSL_PARAM_construct_ulong("e", &e);
    p[2] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_PKEY_fromdata_init(c), 1);
    assert_int_equal(EVP_PKEY_fromdata(c, &out, EVP_PKEY_PUBLIC_KEY, p), 1);
    BN_free(bn);
    EVP_PKEY_CTX_free(c);
    return out;
}

static X509 *leaf_with(EVP_PKEY *key)
{
    return make(
        &(struct spec){.cn = "gw", .key = key, .issuer = mid, .issuer_key = key_mid, .ext = {SAN}});
}

/* CVE-2026-14957: exponent 0 in a CERT payload. */
static void rsa_exponents_of_0_1_and_even_ones_are_refused(void **st KD_UNUSED)
{
    static const unsigned long bad[] = {0, 1, 2, 65536, 0x100000001};
    static const unsigned long good[] = {3, 65537, 0xffffffff};
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *k;
    X509 *x;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        k = rsa_public(rsa, bad[i]);
        x = leaf_with(k);
        assert_refused(x, i == 0 ? "positive" : "exponent");
        assert_status(check(root, x, mid, NULL), KC_CHAIN_MALFORMED, "bad exponent");
        X509_free(x);
        EVP_PKEY_free(k);
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
        k = rsa_public(rsa, good[i]);
        x = leaf_with(k);
        assert_status(check(root, x, mid, NULL), KC_CHAIN_OK, "good exponent");
        X509_free(x);
        EVP_PKEY_free(k);
    }
    EVP_PKEY_free(rsa);
}

static void keys_that_arent_ours_are_refused(void **st KD_UNUSED)
{
    EVP_PKEY *k = EVP_RSA_gen(1024);
    X509 *x = leaf_with(k);

    assert_refused(x, "less than 2048");
    X509_free(x);
    EVP_PKEY_free(k);
    k = EVP_EC_gen("secp256k1");
    x = leaf_with(k);
    assert_refused(x, "isn't RSA, P-256");
    X509_free(x);
    EVP_PKEY_free(k);
    k = EVP_EC_gen("P-256");
    EVP_PKEY_set_utf8_string_param(k, "encoding", "explicit"); /* CVE-2020-0601, CVE-2022-0778 */
    x = leaf_with(k);
    assert_refused(x, "isn't RSA, P-256");
    X509_free(x);
    EVP_PKEY_free(k);
    k = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    x = leaf_with(k);
    assert_refused(x, "isn't RSA, P-256");
    X509_free(x);
    EVP_PKEY_free(k);
}

static void version_1_is_for_anchors_only(void **st KD_UNUSED)
{
    X509 *old = make(&(struct spec){.cn = "root", .key = key_root, .v1 = true});
    X509 *x = make(&(struct spec){.cn = "gw", .issuer = root, .issuer_key = key_root, .v1 = true});

    assert_refused(x, "version 3");
    assert_status(check(root, x, NULL, NULL), KC_CHAIN_MALFORMED, "v1 leaf");
    X509_free(x);
    x = make(&(struct spec){.cn = "gw", .issuer = old, .issuer_key = key_root});
    assert_status(check(old, x, NULL, NULL), KC_CHAIN_OK, "v1 root");
    X509_free(x);
    X509_free(old);
}

static void a_certificate_longer_than_8_kib_is_refused(void **st KD_UNUSED)
{
    char names[9000] = "DNS:gw.example.com";
    X509 *x;

    for (int i = 0; i < 150; i++)
        snprintf(names + strlen(names), 60, ",DNS:a-rather-long-name-%04d.branch.example.com", i);
    x = make(&(struct spec){.cn = "gw", .ext = {{"subjectAltName", names}}});
    kc_cert_free(parsed(x));
    X509_free(x);
    for (int i = 0; i < 30; i++)
        snprintf(names + strlen(names), 60, ",DNS:a-rather-long-name-%04d.branch.example.com", i);
    x = make(&(struct spec){.cn = "gw", .ext = {{"subjectAltName", names}}});
    assert_true(i2d_X509(x, NULL) > KC_CERT_MAX);
    assert_refused(x, "longer than 8192");
    X509_free(x);
}

/* Nesting and counting are bounded before OpenSSL reads anything. */
static void der_bombs_are_refused(void **st KD_UNUSED)
{
    uint8_t b[8000];
    struct blob ok = unhex("30083006300430020500");

    assert_true(kc_der_sane(view(&ok)));
    for (size_t i = 0; i < 13; i++) { /* 13 sequences, one in the other */
        b[2 * i] = 0x30;
        b[2 * i + 1] = (uint8_t)(2 * (12 - i));
    }
    assert_false(kc_der_sane(kd_bytes(b, 26)));
    assert_true(kc_der_sane(kd_bytes(b + 2, 24))); /* 12 */
    b[0] = 0x30;
    b[1] = 0x82;
    b[2] = 2 * 3000 >> 8;
    b[3] = (uint8_t)(2 * 3000 & 0xff);
    for (size_t i = 0; i < 3000; i++)
        memcpy(b + 4 + 2 * i, "\x05\x00", 2);
    assert_false(kc_der_sane(kd_bytes(b, 4 + 6000)));
    b[2] = 2 * 2000 >> 8;
    b[3] = (uint8_t)(2 * 2000 & 0xff);
    assert_true(kc_der_sane(kd_bytes(b, 4 + 4000)));
    static const char *const all[] = {
        "",
        "30",
        "0500", /* no structure */
        "300105",
        "3002050000", /* cut; something behind */
        "30800000",
        "3003308000", /* indefinite */
        "3081020500",
        "308200020500", /* not minimal */
        "30050402aabb",
        "3003300305", /* behind their parent */
        "30041f810100",
        "300424020400", /* long tag; constructed string */
        "30021000",
        "30850000000000", /* primitive sequence; length of 5 bytes */
    };
    for (size_t i = 0; i < KD_ARRAY_LEN(all); i++) {
        struct blob bad = unhex(all[i]);
        if (kc_der_sane(view(&bad)))
            fail_msg("taken: %s", all[i]);
    }
}

/* Changed bytes that OpenSSL decodes all the same. */
static void assert_changed_refused(X509 *x, struct kd_bytes find, bool last, size_t at, uint8_t to,
                                   const char *reason)
{
    struct bytes b = {.len = 0};
    const uint8_t *p = b.b;
    const char *why = NULL;
    uint8_t *hit, *next;
    X509 *y;

    add_der(&b, x);
    hit = memmem(b.b, b.len, find.p, find.len);
    assert_non_null(hit);
    while (last && (next = memmem(hit + 1, (size_t)(b.b + b.len - hit - 1), find.p, find.len)))
        hit = next;
    hit[at] = to;
    y = d2i_X509(NULL, &p, (long)b.len);
    assert_non_null(y);
    X509_free(y);
    assert_null(kc_cert_parse(ctx, bytes_view(&b), &why));
    assert_string_equal(why, reason);
}

static void a_name_in_ber_is_refused(void **st KD_UNUSED)
{
    struct blob tlv = unhex("0c040c026777"); /* an UTF8String whose text is another's encoding */
    X509 *x = make(&(struct spec){.cn = NULL});

    X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, V_ASN1_UTF8STRING,
                               tlv.b + 2, 4, -1, 0);
    resign(x, key_leaf, EVP_sha256());
    kc_cert_free(parsed(x));
    assert_changed_refused(x, view(&tlv), false, 0, 0x2c, "certificate isn't DER");
    X509_free(x);
}

static void the_outer_algorithm_is_the_signed_one(void **st KD_UNUSED)
{
    struct blob ai = unhex("300a06082a8648ce3d040302");

    assert_changed_refused(leaf, view(&ai), true, ai.len - 1, 0x03, "certificate isn't DER");
    assert_changed_refused(leaf, view(&ai), false, ai.len - 1, 0x03, "certificate isn't DER");
}

static void a_point_that_is_not_on_its_curve_is_refused(void **st KD_UNUSED)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key_leaf, &der);

    assert_changed_refused(leaf, kd_bytes(der, (size_t)len), false, (size_t)len - 1,
                           der[len - 1] ^ 1, "certificate can't be decoded");
    OPENSSL_free(der);
}

static void two_extensions_of_one_kind_are_refused(void **st KD_UNUSED)
{
    X509 *x = make(&(struct spec){.cn = "gw",
                                  .issuer = mid,
                                  .issuer_key = key_mid,
                                  .ext = {SAN, {"subjectAltName", "DNS:b"}}});

    assert_refused(x, "can't be decoded");
    X509_free(x);
}

static void a_malformed_extension_is_refused(void **st KD_UNUSED)
{
    static const char *const kinds[] = {"subjectAltName", "extendedKeyUsage", "keyUsage",
                                        "basicConstraints", "nameConstraints"};

    for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
        X509 *x = make_leaf(NULL, NULL);
        ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
        X509_EXTENSION *e;
        ASN1_OCTET_STRING_set(v, (const uint8_t *)"\x30\x03\x02\x01", 4);
        while (X509_get_ext_count(x) > 0)
            X509_EXTENSION_free(X509_delete_ext(x, 0));
        e = X509_EXTENSION_create_by_NID(NULL, OBJ_txt2nid(kinds[i]), 0, v);
        X509_add_ext(x, e, -1);
        resign(x, key_mid, EVP_sha256());
        assert_refused(x, "can't be decoded");
        X509_EXTENSION_free(e);
        ASN1_OCTET_STRING_free(v);
        X509_free(x);
    }
}

/* Each in memory of its own length, so that a read behind it is seen. */
static void a_truncated_certificate_is_refused_at_every_byte(void **st KD_UNUSED)
{
    struct kc_trust *t = trust_of(root);
    struct bytes whole = {.len = 0}, two;

    add_der(&whole, leaf);
    two = whole;
    add_der(&two, mid);
    for (size_t len = 0; len < two.len; len++) {
        uint8_t *cut = malloc(len + 1);
        struct kc_chain q = {.trust = t, .certs = {cut, len}, .wall_s = NOW};
        memcpy(cut, two.b, len);
        if (len < whole.len)
            assert_null(kc_cert_parse(ctx, kd_bytes(cut, len), NULL));
        assert_status(ask(&q), len == whole.len ? KC_CHAIN_UNTRUSTED : KC_CHAIN_MALFORMED, "cut");
        free(cut);
    }
    two.b[two.len] = 0;
    assert_status(ask(&(struct kc_chain){.trust = t, .certs = {two.b, two.len + 1}, .wall_s = NOW}),
                  KC_CHAIN_MALFORMED, "junk behind");
    kc_trust_free(t);
}

/* A signature covers every byte but its own frame; DER has one encoding of that. */
static void no_changed_byte_makes_another_good_certificate(void **st KD_UNUSED)
{
    struct kc_trust *t = trust_of(mid);
    struct bytes good = {.len = 0};

    add_der(&good, leaf);
    for (size_t n = 0; n < good.len * 8; n++) {
        uint8_t *p = malloc(good.len);
        struct kc_chain q = {.trust = t, .certs = {p, good.len}, .wall_s = NOW};
        memcpy(p, good.b, good.len);
        p[n / 8] ^= (uint8_t)(1u << n % 8);
        assert_int_not_equal(ask(&q), KC_CHAIN_OK);
        free(p);
    }
    kc_trust_free(t);
}

/* ---- identities ---- */

static bool is(const struct kc_cert *x, uint8_t type, struct kd_bytes data)
{
    return kc_cert_is(x, &(struct kc_id){type, data});
}

static bool is_str(const struct kc_cert *x, uint8_t type, const char *s)
{
    return is(x, type, kd_bytes_str(s));
}

static void names_match_by_their_own_kind_only(void **st KD_UNUSED)
{
    struct kc_cert *x = parsed(leaf);

    assert_true(is_str(x, KC_ID_FQDN, "gw.example.com"));
    assert_true(is_str(x, KC_ID_FQDN, "GW.Example.com"));
    assert_false(is_str(x, KC_ID_FQDN, "gw.example.com."));
    assert_false(is_str(x, KC_ID_FQDN, "w.example.com"));
    assert_false(is_str(x, KC_ID_FQDN, "example.com"));
    assert_false(is_str(x, KC_ID_FQDN, "gw")); /* the CN */
    assert_false(is_str(x, KC_ID_FQDN, ""));
    assert_false(is(x, KC_ID_FQDN, kd_bytes("gw.example.com", 15)));
    assert_false(is_str(x, KC_ID_FQDN, "gw@Example.com"));
    assert_true(is_str(x, KC_ID_RFC822, "gw@example.COM"));
    assert_false(is_str(x, KC_ID_RFC822, "GW@example.com")); /* the local part has case */
    assert_false(is_str(x, KC_ID_RFC822, "@example.com"));
    assert_false(is_str(x, KC_ID_RFC822, "gw.example.com"));
    assert_false(is_str(x, 11, "gw.example.com")); /* KEY_ID */
    assert_false(is_str(x, KC_ID_NONE, "gw.example.com"));
    kc_cert_free(x);
}

static void addresses_match_as_bytes(void **st KD_UNUSED)
{
    struct kc_cert *x = parsed(leaf);
    struct blob v4 = unhex("c0000201"), other = unhex("c0000202");
    struct blob v6 = unhex("20010db8000000000000000000000001");

    assert_true(is(x, KC_ID_IPV4, view(&v4)));
    assert_false(is(x, KC_ID_IPV4, view(&other)));
    assert_false(is(x, KC_ID_IPV4, kd_bytes(v4.b, 3)));
    assert_false(is_str(x, KC_ID_IPV4, "192.0.2.1"));
    assert_true(is(x, KC_ID_IPV6, view(&v6)));
    assert_false(is(x, KC_ID_IPV4, view(&v6)));
    assert_false(is(x, KC_ID_IPV6, view(&v4)));
    v6.b[15] = 2;
    assert_false(is(x, KC_ID_IPV6, view(&v6)));
    kc_cert_free(x);
}

static void a_dn_matches_as_der(void **st KD_UNUSED)
{
    struct kc_cert *x = parsed(leaf), *other = parsed(mid);
    uint8_t dn[256];
    struct kd_bytes subject = kc_cert_subject(x);

    assert_true(is(x, KC_ID_DN, subject));
    assert_false(is(x, KC_ID_DN, kc_cert_subject(other)));
    for (size_t len = 0; len < subject.len; len++)
        assert_false(is(x, KC_ID_DN, kd_bytes(subject.p, len)));
    memcpy(dn, subject.p, subject.len);
    dn[subject.len - 1] = 'W'; /* "gW" */
    assert_false(is(x, KC_ID_DN, kd_bytes(dn, subject.len)));
    dn[subject.len - 1] = 'w';
    dn[subject.len - 4] = V_ASN1_PRINTABLESTRING; /* as strongSwan spells it: UTF8String in x */
    assert_true(is(x, KC_ID_DN, kd_bytes(dn, subject.len)));
    dn[subject.len - 4] = V_ASN1_OCTET_STRING;
    assert_false(is(x, KC_ID_DN, kd_bytes(dn, subject.len)));
    kc_cert_free(x);
    kc_cert_free(other);
}

/* The old trick: "gw.example.com\0.evil.org" in a certificate, C strings in the daemon. */
static void wildcards_and_nuls_are_no_names(void **st KD_UNUSED)
{
    static const char nul[] = "gw.example.com\0.evil.org";
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    X509 *x = make(&(struct spec){
        .cn = "gw", .ext = {{"subjectAltName", "DNS:*.example.com,email:*@example.com"}}});
    struct kc_cert *c = parsed(x);

    assert_false(is_str(c, KC_ID_FQDN, "gw.example.com"));
    assert_false(is_str(c, KC_ID_FQDN, "*.example.com"));
    assert_false(is_str(c, KC_ID_RFC822, "gw@example.com"));
    kc_cert_free(c);
    X509_free(x);
    x = make(&(struct spec){.cn = "gw"});
    ASN1_STRING_set(s, nul, sizeof(nul) - 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, s);
    sk_GENERAL_NAME_push(names, name);
    X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0);
    resign(x, key_leaf, EVP_sha256());
    c = parsed(x);
    assert_false(is_str(c, KC_ID_FQDN, "gw.example.com"));
    assert_false(is(c, KC_ID_FQDN, kd_bytes(nul, sizeof(nul) - 1)));
    kc_cert_free(c);
    X509_free(x);
    GENERAL_NAMES_free(names);
}

static void azures_rule_wants_one_cn_byte_by_byte(void **st KD_UNUSED)
{
    struct kc_cert *x = parsed(leaf);
    X509 *two = make(&(struct spec){.cn = "gw"}), *none = make(&(struct spec){.cn = NULL});
    X509 *wide = make(&(struct spec){.cn = NULL});

    assert_true(kc_cert_cn_is(x, kd_bytes_str("gw")));
    assert_false(kc_cert_cn_is(x, kd_bytes_str("GW")));
    assert_false(kc_cert_cn_is(x, kd_bytes_str("g")));
    assert_false(kc_cert_cn_is(x, kd_bytes_str("gw ")));
    assert_false(kc_cert_cn_is(x, kd_bytes("gw", 3)));
    assert_false(kc_cert_cn_is(x, kd_bytes(NULL, 0)));
    assert_false(kc_cert_cn_is(x, kd_bytes_str("gw.example.com"))); /* an alternative name */
    kc_cert_free(x);
    add_cn(X509_get_subject_name(two), "other", MBSTRING_UTF8);
    resign(two, key_leaf, EVP_sha256());
    x = parsed(two);
    assert_false(kc_cert_cn_is(x, kd_bytes_str("gw")));
    assert_false(kc_cert_cn_is(x, kd_bytes_str("other")));
    kc_cert_free(x);
    x = parsed(none);
    assert_false(kc_cert_cn_is(x, kd_bytes_str("")));
    kc_cert_free(x);
    X509_NAME_add_entry_by_NID(X509_get_subject_name(wide), NID_commonName, V_ASN1_BMPSTRING,
                               (const uint8_t *)"\0g\0w", 4, -1, 0);
    resign(wide, key_leaf, EVP_sha256());
    x = parsed(wide);
    assert_true(kc_cert_cn_is(x, kd_bytes_str("gw")));
    kc_cert_free(x);
    X509_free(two);
    X509_free(none);
    X509_free(wide);
}

/* ---- chains ---- */

static void a_chain_of_three_gives_the_peers_key(void **st KD_UNUSED)
{
    uint8_t sig[200], print[32], *der = NULL;
    size_t sig_len = sizeof(sig);
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    struct kc_job job = {.kind = KC_JOB_VERIFY,
                         .sig = {KC_SIG_ECDSA, KC_SIG_SHA2_256, 0},
                         .data = kd_bytes_str("auth octets")};
    struct kc_job_result res;
    unsigned int len;

    assert_status(check(root, leaf, mid, NULL), KC_CHAIN_OK, "chain");
    assert_int_equal(result.path_len, 3);
    assert_int_equal(result.at, 0);
    assert_int_equal(result.left_out, 0);
    assert_int_equal(result.not_after_s, NOW + DAY);
    X509_digest(leaf, EVP_sha256(), print, &len);
    assert_memory_equal(result.fingerprint, print, 32);
    assert_int_equal(result.spki_len, i2d_PUBKEY(key_leaf, &der));
    assert_memory_equal(result.spki, der, result.spki_len);
    OPENSSL_free(der);
    EVP_DigestSignInit(m, NULL, EVP_sha256(), NULL, key_leaf);
    assert_int_equal(EVP_DigestSign(m, sig, &sig_len, job.data.p, job.data.len), 1);
    EVP_MD_CTX_free(m);
    job.spki = kd_bytes(result.spki, result.spki_len);
    job.signature = kd_bytes(sig, sig_len);
    kc_job_run(ctx, &job, &res);
    assert_int_equal(res.status, KC_JOB_OK);
    assert_status(check(root, mid, NULL, NULL), KC_CHAIN_PURPOSE, "a CA's key may not sign here");
}

static void helpers_may_come_in_any_order_and_number(void **st KD_UNUSED)
{
    X509 *noise = make_root("noise", key_other);

    assert_status(check(root, leaf, noise, mid), KC_CHAIN_OK, "noise");
    assert_status(check(root, leaf, mid, root), KC_CHAIN_OK, "the root itself");
    assert_status(check(root, leaf, mid, mid), KC_CHAIN_OK, "twice");
    assert_status(check(root, leaf, leaf, mid), KC_CHAIN_OK, "itself");
    assert_status(check(root, leaf, NULL, NULL), KC_CHAIN_UNTRUSTED, "none");
    assert_status(check(noise, leaf, mid, root), KC_CHAIN_UNTRUSTED, "another anchor");
    X509_free(noise);
}

static void an_anchor_may_be_in_the_middle_or_the_peers_own(void **st KD_UNUSED)
{
    X509 *twin = make(&(struct spec){.cn = "gw", .ext = {SAN}});

    assert_status(check(mid, leaf, NULL, NULL), KC_CHAIN_OK, "middle");
    assert_int_equal(result.path_len, 2);
    assert_status(check(leaf, leaf, NULL, NULL), KC_CHAIN_OK, "pinned");
    assert_int_equal(result.path_len, 1);
    assert_status(check(twin, twin, NULL, NULL), KC_CHAIN_OK, "self-signed, pinned");
    assert_int_not_equal(check(twin, leaf, mid, root), KC_CHAIN_OK); /* no anchor for others */
    assert_int_not_equal(check(leaf, twin, NULL, NULL), KC_CHAIN_OK);
    X509_free(twin);
}

/* Time is the caller's: the same chain, asked at different times. */
static void a_chain_is_good_from_not_before_until_not_after(void **st KD_UNUSED)
{
    assert_status(check_at(root, leaf, mid, NULL, NOW - DAY), KC_CHAIN_OK, "first second");
    assert_status(check_at(root, leaf, mid, NULL, NOW - DAY - 1), KC_CHAIN_NOT_YET_VALID, "before");
    assert_status(check_at(root, leaf, mid, NULL, NOW + DAY - 1), KC_CHAIN_OK, "last second");
    assert_status(check_at(root, leaf, mid, NULL, NOW + DAY), KC_CHAIN_EXPIRED, "after");
    assert_status(check_at(root, leaf, mid, NULL, 0), KC_CHAIN_NOT_YET_VALID, "1970");
}

static void every_certificate_of_the_path_must_be_valid_now(void **st KD_UNUSED)
{
    X509 *late = make(&(struct spec){.cn = "mid",
                                     .key = key_mid,
                                     .issuer = root,
                                     .issuer_key = key_root,
                                     .from = NOW + 10,
                                     .to = NOW + 20,
                                     .ext = {CA, SIGN}});
    X509 *old_root = make(
        &(struct spec){.cn = "root", .key = key_root, .from = 1, .to = NOW - 1, .ext = {CA, SIGN}});
    X509 *old = make(&(struct spec){
        .cn = "gw", .issuer = mid, .issuer_key = key_mid, .to = NOW - 1, .ext = {SAN}});

    assert_status(check(root, old, mid, NULL), KC_CHAIN_EXPIRED, "leaf");
    assert_int_equal(result.at, 0);
    assert_status(check(root, leaf, late, NULL), KC_CHAIN_NOT_YET_VALID, "middle");
    assert_int_equal(result.at, 1);
    assert_status(check(old_root, leaf, mid, NULL), KC_CHAIN_EXPIRED, "root");
    assert_int_equal(result.at, 2);
    assert_status(check_at(root, leaf, late, NULL, NOW + 15), KC_CHAIN_OK, "later");
    assert_int_equal(result.not_after_s, NOW + DAY);
    assert_int_equal(result.path_not_after_s, NOW + 20);
    X509_free(late);
    X509_free(old_root);
    X509_free(old);
}

static void extended_key_usage_must_fit_ike(void **st KD_UNUSED)
{
    const char *eku = "extendedKeyUsage";

    assert_leaf_ext(eku, "serverAuth", KC_CHAIN_OK);
    assert_leaf_ext(eku, "clientAuth", KC_CHAIN_OK);
    assert_leaf_ext(eku, "1.3.6.1.5.5.7.3.17", KC_CHAIN_OK); /* ipsecIKE */
    assert_leaf_ext(eku, "anyExtendedKeyUsage", KC_CHAIN_OK);
    assert_leaf_ext(eku, "codeSigning,clientAuth", KC_CHAIN_OK);
    assert_leaf_ext(eku, "critical,serverAuth", KC_CHAIN_OK);
    assert_leaf_ext(eku, "codeSigning", KC_CHAIN_PURPOSE);
    assert_leaf_ext(eku, "emailProtection,OCSPSigning", KC_CHAIN_PURPOSE);
    assert_leaf_ext(eku, "1.3.6.1.5.5.7.3.5", KC_CHAIN_PURPOSE); /* ipsecEndSystem: withdrawn */
}

static void an_issuers_extended_key_usage_binds(void **st KD_UNUSED)
{
    const char *eku = "extendedKeyUsage";
    X509 *server = make_mid(eku, "serverAuth"), *x = make_leaf(eku, "clientAuth");

    assert_mid_ext(eku, "serverAuth,emailProtection", KC_CHAIN_OK);
    assert_mid_ext(eku, "codeSigning", KC_CHAIN_PURPOSE);
    assert_int_equal(result.at, 1);
    assert_status(check(root, x, server, NULL), KC_CHAIN_PURPOSE, "nothing in common");
    X509_free(server);
    X509_free(x);
}

static void key_usage_must_allow_signatures(void **st KD_UNUSED)
{
    const char *ku = "keyUsage";

    assert_leaf_ext(ku, "critical,digitalSignature", KC_CHAIN_OK);
    assert_leaf_ext(ku, "nonRepudiation", KC_CHAIN_OK);
    assert_leaf_ext(ku, "digitalSignature,keyEncipherment", KC_CHAIN_OK);
    assert_leaf_ext(ku, "keyEncipherment", KC_CHAIN_PURPOSE);
    assert_leaf_ext(ku, "critical,keyCertSign", KC_CHAIN_PURPOSE);
}

static void name_constraints_bind_every_kind_of_name(void **st KD_UNUSED)
{
    const char *nc = "nameConstraints";

    assert_mid_ext(nc, "critical,permitted;DNS:example.com", KC_CHAIN_OK);
    assert_mid_ext(nc, "critical,permitted;DNS:example.org", KC_CHAIN_CONSTRAINTS);
    assert_mid_ext(nc, "permitted;DNS:example.org", KC_CHAIN_CONSTRAINTS); /* not critical */
    assert_mid_ext(nc, "critical,excluded;DNS:gw.example.com", KC_CHAIN_CONSTRAINTS);
    assert_mid_ext(nc, "critical,excluded;DNS:gw2.example.com", KC_CHAIN_OK);
    assert_mid_ext(nc,
                   "critical,permitted;IP:192.0.2.0/255.255.255.0,"
                   "permitted;IP:2001:db8::/ffff:ffff::",
                   KC_CHAIN_OK);
    assert_mid_ext(nc, "critical,permitted;IP:192.0.2.0/255.255.255.0", KC_CHAIN_CONSTRAINTS);
    assert_mid_ext(nc, "critical,excluded;IP:192.0.2.1/255.255.255.255", KC_CHAIN_CONSTRAINTS);
    assert_mid_ext(nc, "critical,permitted;email:example.com", KC_CHAIN_OK);
    assert_mid_ext(nc, "critical,permitted;email:example.org", KC_CHAIN_CONSTRAINTS);
}

/* Where Azure's rule makes the CN an identity, a CA bound to names can't give away another. */
static void name_constraints_bind_the_cn_where_it_counts(void **st KD_UNUSED)
{
    X509 *bound = make_mid("nameConstraints", "critical,permitted;DNS:example.com");
    X509 *x = make(
        &(struct spec){.cn = "gw.victim.org", .issuer = mid, .issuer_key = key_mid, .ext = {SAN}});
    struct kc_trust *t = trust_of(root);
    struct bytes certs = {.len = 0};
    struct kc_chain q = {.trust = t, .wall_s = NOW};

    add_der(&certs, x);
    add_der(&certs, bound);
    q.certs = bytes_view(&certs);
    assert_status(ask(&q), KC_CHAIN_OK, "by alternative name");
    q.cn = kd_bytes_str("gw.victim.org");
    assert_status(ask(&q), KC_CHAIN_CONSTRAINTS, "by CN");
    kc_trust_free(t);
    X509_free(bound);
    X509_free(x);
}

static X509 *mid_of(const char *const ext[8][2])
{
    struct spec s = {.cn = "mid", .key = key_mid, .issuer = root, .issuer_key = key_root};

    memcpy(s.ext, ext, sizeof(s.ext));
    return make(&s);
}

static void only_a_ca_signs_others(void **st KD_UNUSED)
{
    static const struct {
        const char *ext[8][2];
        enum kc_chain_status want;
    } cases[] = {
        {{CA, SIGN}, KC_CHAIN_OK},
        {{CA}, KC_CHAIN_OK}, /* no key usage: all of them */
        {{{NULL}}, KC_CHAIN_NOT_CA},
        {{{"basicConstraints", "critical,CA:FALSE"}}, KC_CHAIN_NOT_CA},
        {{{"basicConstraints", "critical,CA:FALSE"}, SIGN}, KC_CHAIN_NOT_CA},
        {{SIGN}, KC_CHAIN_NOT_CA}, /* key usage alone */
        {{{"nsCertType", "sslCA"}}, KC_CHAIN_NOT_CA},
        {{CA, {"keyUsage", "critical,digitalSignature,cRLSign"}}, KC_CHAIN_NOT_CA},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        X509 *x = mid_of(cases[i].ext);
        assert_status(check(root, leaf, x, NULL), cases[i].want, "middle");
        X509_free(x);
    }
}

static void a_path_length_is_kept(void **st KD_UNUSED)
{
    X509 *zero =
        mid_of((const char *const[8][2]){{"basicConstraints", "critical,CA:TRUE,pathlen:0"}, SIGN});
    X509 *below = make(&(struct spec){
        .cn = "below", .key = key_other, .issuer = mid, .issuer_key = key_mid, .ext = {CA, SIGN}});
    X509 *x =
        make(&(struct spec){.cn = "gw", .issuer = below, .issuer_key = key_other, .ext = {SAN}});

    assert_status(check(root, leaf, zero, NULL), KC_CHAIN_OK, "none between");
    assert_status(check(root, x, below, mid), KC_CHAIN_OK, "no limit");
    assert_status(check(root, x, below, zero), KC_CHAIN_NOT_CA, "one too many");
    X509_free(zero);
    X509_free(below);
    X509_free(x);
}

static void a_signature_by_another_key_is_refused(void **st KD_UNUSED)
{
    X509 *x =
        make(&(struct spec){.cn = "gw", .issuer = mid, .issuer_key = key_other, .ext = {SAN}});
    X509 *fake_root = make_root("root", key_other);

    assert_status(check(root, x, mid, NULL), KC_CHAIN_BAD_SIGNATURE, "leaf");
    assert_int_equal(result.at, 0);
    assert_status(check(mid, x, NULL, NULL), KC_CHAIN_BAD_SIGNATURE, "leaf below an anchor");
    assert_int_not_equal(check(fake_root, leaf, mid, NULL), KC_CHAIN_OK); /* same name only */
    X509_free(x);
    X509_free(fake_root);
}

static void sha1_on_a_certificate_needs_the_switch_and_md5_has_none(void **st KD_UNUSED)
{
    struct spec s = {.cn = "gw", .issuer = mid, .issuer_key = key_mid, .ext = {SAN}};
    X509 *weak, *weaker;
    X509 *weak_root =
        make(&(struct spec){.cn = "root", .key = key_root, .md = EVP_sha1(), .ext = {CA, SIGN}});
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    X509 *ca = make_root("rsa", rsa);
    struct bytes certs = {.len = 0};
    struct kc_trust *t;
    struct kc_chain q;

    s.issuer = ca;
    s.issuer_key = rsa;
    s.md = EVP_sha1();
    weak = make(&s);
    s.md = EVP_md5();
    weaker = make(&s);
    assert_status(check(ca, weak, NULL, NULL), KC_CHAIN_WEAK, "SHA-1");
    assert_status(check(ca, weaker, NULL, NULL), KC_CHAIN_MALFORMED, "MD5");
    assert_refused(weaker, "algorithm");
    t = trust_of(ca);
    add_der(&certs, weak);
    q = (struct kc_chain){.trust = t, .certs = bytes_view(&certs), .wall_s = NOW, .sha1_ok = true};
    assert_status(ask(&q), KC_CHAIN_OK, "SHA-1 with the switch");
    certs.len = 0;
    add_der(&certs, weaker);
    q.certs = bytes_view(&certs);
    assert_status(ask(&q), KC_CHAIN_MALFORMED, "MD5 with the switch");
    kc_trust_free(t);
    /* Nobody checks what an anchor is signed with. */
    assert_status(check(weak_root, leaf, mid, NULL), KC_CHAIN_OK, "root");
    X509_free(weak);
    X509_free(weaker);
    X509_free(weak_root);
    X509_free(ca);
    EVP_PKEY_free(rsa);
}

static void every_kind_of_key_makes_a_chain(void **st KD_UNUSED)
{
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-384"), EVP_EC_gen("P-521"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

    for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++) {
        X509 *ca = make_root("other kind", keys[i]);
        X509 *x = make(&(struct spec){
            .cn = "gw", .key = keys[i], .issuer = ca, .issuer_key = keys[i], .ext = {SAN}});
        assert_status(check(ca, x, NULL, NULL), KC_CHAIN_OK, "kind");
        X509_free(x);
        X509_free(ca);
        EVP_PKEY_free(keys[i]);
    }
}

/* X509_sign_ctx() with the padding set: what OpenSSL writes is what kc_sig_parse() must read. */
static void pss_on_a_certificate_is_taken_with_a_bounded_salt(void **st KD_UNUSED)
{
    static const int salts[] = {32, 20, 0, 33, 222};
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    X509 *ca = make_root("rsa", rsa);

    for (size_t i = 0; i < KD_ARRAY_LEN(salts); i++) {
        X509 *x = make(&(struct spec){.cn = "gw", .issuer = ca, .issuer_key = rsa, .ext = {SAN}});
        EVP_MD_CTX *m = EVP_MD_CTX_new();
        EVP_PKEY_CTX *p;
        assert_int_equal(EVP_DigestSignInit(m, &p, EVP_sha256(), NULL, rsa), 1);
        EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(p, salts[i]);
        assert_true(X509_sign_ctx(x, m) > 0);
        assert_status(check(ca, x, NULL, NULL), salts[i] <= 32 ? KC_CHAIN_OK : KC_CHAIN_MALFORMED,
                      "salt");
        EVP_MD_CTX_free(m);
        X509_free(x);
    }
    X509_free(ca);
    EVP_PKEY_free(rsa);
}

static void an_unknown_critical_extension_is_refused(void **st KD_UNUSED)
{
    OBJ_create("1.3.6.1.4.1.99999.1", "kedgeTest", "kedge test");
    assert_leaf_ext("kedgeTest", "DER:0500", KC_CHAIN_OK);
    assert_leaf_ext("kedgeTest", "critical,DER:0500", KC_CHAIN_CRITICAL);
    assert_mid_ext("kedgeTest", "critical,DER:0500", KC_CHAIN_CRITICAL);
    assert_int_equal(result.at, 1);
}

static void unreadable_helpers_are_left_out(void **st KD_UNUSED)
{
    EVP_PKEY *k = EVP_EC_gen("secp256k1");
    X509 *odd = make(&(struct spec){.cn = "odd", .key = k});

    assert_status(check(root, leaf, odd, mid), KC_CHAIN_OK, "odd helper");
    assert_int_equal(result.left_out, 1);
    assert_status(check(root, odd, mid, NULL), KC_CHAIN_MALFORMED, "odd peer");
    X509_free(odd);
    EVP_PKEY_free(k);
}

/* A straight line of CAs, all with one key: anchor, then n in the middle, then the leaf. */
static enum kc_chain_status check_line(size_t n)
{
    struct bytes certs = {.len = 0};
    X509 *line[10] = {root}, *x;
    struct kc_trust *t = trust_of(root);
    struct kc_chain q = {.trust = t, .wall_s = NOW};
    enum kc_chain_status st;

    for (size_t i = 1; i <= n; i++) {
        char cn[20];
        snprintf(cn, sizeof(cn), "ca %zu", i);
        line[i] = make(&(struct spec){.cn = cn,
                                      .key = key_mid,
                                      .issuer = line[i - 1],
                                      .issuer_key = i == 1 ? key_root : key_mid,
                                      .ext = {CA, SIGN}});
    }
    x = make(&(struct spec){.cn = "gw", .issuer = line[n], .issuer_key = key_mid, .ext = {SAN}});
    add_der(&certs, x);
    X509_free(x);
    for (size_t i = n; i > 0; i--) {
        add_der(&certs, line[i]);
        X509_free(line[i]);
    }
    q.certs = bytes_view(&certs);
    st = ask(&q);
    kc_trust_free(t);
    return st;
}

static void a_path_has_at_most_8_certificates(void **st KD_UNUSED)
{
    assert_status(check_line(6), KC_CHAIN_OK, "8 with the anchor");
    assert_int_equal(result.path_len, 8);
    assert_int_not_equal(check_line(7), KC_CHAIN_OK);
    assert_status(check_line(8), KC_CHAIN_TOO_MANY, "9 sent");
}

static void a_good_chain_for_somebody_else_is_refused(void **st KD_UNUSED)
{
    struct kc_trust *t = trust_of(root);
    struct bytes certs = {.len = 0};
    struct kc_chain q = {.trust = t, .wall_s = NOW};

    add_der(&certs, leaf);
    add_der(&certs, mid);
    q.certs = bytes_view(&certs);
    q.id = (struct kc_id){KC_ID_FQDN, kd_bytes_str("gw.example.com")};
    assert_status(ask(&q), KC_CHAIN_OK, "its name");
    q.cn = kd_bytes_str("gw");
    assert_status(ask(&q), KC_CHAIN_OK, "its name and CN");
    q.cn = kd_bytes_str("gx");
    assert_status(ask(&q), KC_CHAIN_IDENTITY, "its name, another CN");
    q.cn = kd_bytes(NULL, 0);
    q.id.data = kd_bytes_str("mid"); /* an issuer's name is nobody's */
    assert_status(ask(&q), KC_CHAIN_IDENTITY, "another name");
    q.id = (struct kc_id){11, kd_bytes_str("gw.example.com")};
    assert_status(ask(&q), KC_CHAIN_IDENTITY, "a type that no certificate says");
    kc_trust_free(t);
}

static void no_certificates_prove_nothing(void **st KD_UNUSED)
{
    struct kc_trust *t = trust_of(root), *empty = kc_trust_new(ctx);
    struct bytes certs = {.len = 0};
    struct kc_chain q = {.trust = t, .wall_s = NOW};

    assert_status(ask(&q), KC_CHAIN_MALFORMED, "nothing sent");
    add_der(&certs, leaf);
    add_der(&certs, mid);
    add_der(&certs, root);
    q.certs = bytes_view(&certs);
    q.trust = empty;
    assert_status(ask(&q), KC_CHAIN_UNTRUSTED, "no anchor");
    kc_trust_free(t);
    kc_trust_free(empty);
    kc_trust_free(NULL);
}

/* CVE-2022-40617: a listener at the address that the certificate names hears nothing. */
static void no_address_in_a_certificate_is_called(void **st KD_UNUSED)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    char aia[80], cdp[80];
    X509 *x;

    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s, 4), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&at, &len), 0);
    snprintf(aia, sizeof(aia),
             "caIssuers;URI:http://127.0.0.1:%u/mid.der,OCSP;URI:http://127.0.0.1/",
             ntohs(at.sin_port));
    snprintf(cdp, sizeof(cdp), "URI:http://127.0.0.1:%u/mid.crl", ntohs(at.sin_port));
    x = make(
        &(struct spec){.cn = "gw",
                       .issuer = mid,
                       .issuer_key = key_mid,
                       .ext = {SAN, {"authorityInfoAccess", aia}, {"crlDistributionPoints", cdp}}});
    assert_status(check(root, x, NULL, NULL), KC_CHAIN_UNTRUSTED, "issuer not sent");
    assert_status(check(root, x, mid, NULL), KC_CHAIN_OK, "issuer sent");
    assert_int_equal(accept(s, NULL, NULL), -1);
    close(s);
    X509_free(x);
}

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

static void every_status_has_a_name(void **st KD_UNUSED)
{
    for (int i = 0; i < KC_CHAIN_N; i++)
        assert_true(strlen(kc_chain_status_str((enum kc_chain_status)i)) > 1);
    assert_string_equal(kc_chain_status_str(KC_CHAIN_N), "?");
}

/* ---- */

static int setup(void **st KD_UNUSED)
{
    ctx = ctx_new(KC_PROVIDER_REAL, 1);
    key_root = EVP_EC_gen("P-256");
    key_mid = EVP_EC_gen("P-256");
    key_leaf = EVP_EC_gen("P-256");
    key_other = EVP_EC_gen("P-256");
    root = make_root("root", key_root);
    mid = make_mid(NULL, NULL);
    leaf = make_leaf(NULL, NULL);
    return 0;
}

static int teardown(void **st KD_UNUSED)
{
    X509_free(root);
    X509_free(mid);
    X509_free(leaf);
    EVP_PKEY_free(key_root);
    EVP_PKEY_free(key_mid);
    EVP_PKEY_free(key_leaf);
    EVP_PKEY_free(key_other);
    kc_ctx_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_says_what_it_says),
        cmocka_unit_test(a_time_after_2050_is_read),
        cmocka_unit_test(a_payload_has_encoding_4_or_is_refused),
        cmocka_unit_test(a_file_gives_all_its_certificates_or_none),
        cmocka_unit_test(rsa_exponents_of_0_1_and_even_ones_are_refused),
        cmocka_unit_test(keys_that_arent_ours_are_refused),
        cmocka_unit_test(version_1_is_for_anchors_only),
        cmocka_unit_test(a_certificate_longer_than_8_kib_is_refused),
        cmocka_unit_test(der_bombs_are_refused),
        cmocka_unit_test(a_name_in_ber_is_refused),
        cmocka_unit_test(the_outer_algorithm_is_the_signed_one),
        cmocka_unit_test(a_point_that_is_not_on_its_curve_is_refused),
        cmocka_unit_test(two_extensions_of_one_kind_are_refused),
        cmocka_unit_test(a_malformed_extension_is_refused),
        cmocka_unit_test(a_truncated_certificate_is_refused_at_every_byte),
        cmocka_unit_test(no_changed_byte_makes_another_good_certificate),
        cmocka_unit_test(names_match_by_their_own_kind_only),
        cmocka_unit_test(addresses_match_as_bytes),
        cmocka_unit_test(a_dn_matches_as_der),
        cmocka_unit_test(wildcards_and_nuls_are_no_names),
        cmocka_unit_test(azures_rule_wants_one_cn_byte_by_byte),
        cmocka_unit_test(a_chain_of_three_gives_the_peers_key),
        cmocka_unit_test(helpers_may_come_in_any_order_and_number),
        cmocka_unit_test(an_anchor_may_be_in_the_middle_or_the_peers_own),
        cmocka_unit_test(a_chain_is_good_from_not_before_until_not_after),
        cmocka_unit_test(every_certificate_of_the_path_must_be_valid_now),
        cmocka_unit_test(extended_key_usage_must_fit_ike),
        cmocka_unit_test(an_issuers_extended_key_usage_binds),
        cmocka_unit_test(key_usage_must_allow_signatures),
        cmocka_unit_test(name_constraints_bind_every_kind_of_name),
        cmocka_unit_test(name_constraints_bind_the_cn_where_it_counts),
        cmocka_unit_test(only_a_ca_signs_others),
        cmocka_unit_test(a_path_length_is_kept),
        cmocka_unit_test(a_signature_by_another_key_is_refused),
        cmocka_unit_test(sha1_on_a_certificate_needs_the_switch_and_md5_has_none),
        cmocka_unit_test(every_kind_of_key_makes_a_chain),
        cmocka_unit_test(pss_on_a_certificate_is_taken_with_a_bounded_salt),
        cmocka_unit_test(an_unknown_critical_extension_is_refused),
        cmocka_unit_test(unreadable_helpers_are_left_out),
        cmocka_unit_test(a_path_has_at_most_8_certificates),
        cmocka_unit_test(a_good_chain_for_somebody_else_is_refused),
        cmocka_unit_test(no_certificates_prove_nothing),
        cmocka_unit_test(no_address_in_a_certificate_is_called),
        cmocka_unit_test(a_given_crl_is_heeded),
        cmocka_unit_test(a_crl_that_tells_only_a_part_is_refused),
        cmocka_unit_test(a_crl_may_be_pem),
        cmocka_unit_test(a_bundle_gives_every_anchor_or_none),
        cmocka_unit_test(an_anchors_key_must_be_ours),
        cmocka_unit_test(threads_share_anchors),
        cmocka_unit_test(the_simulator_checks_the_same_chains),
        cmocka_unit_test(every_status_has_a_name),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
