/* See made_certs.h. */
#include "made_certs.h"

struct kc_ctx *ctx;

EVP_PKEY *key_root, *key_mid, *key_leaf, *key_other;

void add_ext(X509 *x, X509 *issuer, const char *name, const char *value)
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

void add_cn(X509_NAME *name, const char *cn, int type)
{
    assert_int_equal(
        X509_NAME_add_entry_by_NID(name, NID_commonName, type, (const uint8_t *)cn, -1, -1, 0), 1);
}

void resign(X509 *x, EVP_PKEY *key, const EVP_MD *md)
{
    assert_true(X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : md) > 0);
}

X509 *make(const struct spec *s)
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

X509 *root, *mid, *leaf;

X509 *make_root(const char *cn, EVP_PKEY *key)
{
    return make(&(struct spec){.cn = cn, .key = key, .ext = {CA, SIGN}});
}

X509 *make_leaf(const char *ext, const char *value)
{
    return make(&(struct spec){
        .cn = "gw", .issuer = mid, .issuer_key = key_mid, .ext = {SAN, {ext, value}}});
}

X509 *make_mid(const char *ext, const char *value)
{
    return make(&(struct spec){.cn = "mid",
                               .key = key_mid,
                               .issuer = root,
                               .issuer_key = key_root,
                               .ext = {CA, SIGN, {ext, value}}});
}

void add_der(struct bytes *to, X509 *x)
{
    uint8_t *p = to->b + to->len;
    int len = i2d_X509(x, NULL);

    assert_true(len > 0 && (size_t)len < sizeof(to->b) - to->len);
    to->len += (size_t)i2d_X509(x, &p);
}

struct kd_bytes bytes_view(const struct bytes *b)
{
    return kd_bytes(b->b, b->len);
}

struct kc_trust *trust_of(X509 *anchor)
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

struct kc_chain_result result; /* of the last question */

enum kc_chain_status ask(const struct kc_chain *q)
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

enum kc_chain_status check_at(X509 *anchor, X509 *x, X509 *a, X509 *b, int64_t wall_s)
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

enum kc_chain_status check(X509 *anchor, X509 *x, X509 *a, X509 *b)
{
    return check_at(anchor, x, a, b, NOW);
}

void assert_status(enum kc_chain_status got, enum kc_chain_status want, const char *what)
{
    if (got != want)
        fail_msg("%s: %s, not %s", what, kc_chain_status_str(got), kc_chain_status_str(want));
}

void assert_leaf_ext(const char *ext, const char *value, enum kc_chain_status want)
{
    X509 *x = make_leaf(ext, value);

    assert_status(check(root, x, mid, NULL), want, value);
    X509_free(x);
}

void assert_mid_ext(const char *ext, const char *value, enum kc_chain_status want)
{
    X509 *x = make_mid(ext, value);

    assert_status(check(root, leaf, x, NULL), want, value);
    X509_free(x);
}

struct kc_cert *parsed(X509 *x)
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

void assert_refused(X509 *x, const char *reason)
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

struct bytes pem_of(X509 *a, X509 *b)
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

int setup(void **st KD_UNUSED)
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

int teardown(void **st KD_UNUSED)
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
