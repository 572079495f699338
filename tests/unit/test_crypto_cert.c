/* One certificate: what it says, what is refused, and whom it names. */
#include "made_certs.h"

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
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
