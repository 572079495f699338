/* Chains from a peer to an anchor: who signs whom, for what, and until when. */
#include "made_certs.h"

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

static void every_status_has_a_name(void **st KD_UNUSED)
{
    for (int i = 0; i < KC_CHAIN_N; i++)
        assert_true(strlen(kc_chain_status_str((enum kc_chain_status)i)) > 1);
    assert_string_equal(kc_chain_status_str(KC_CHAIN_N), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(every_status_has_a_name),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
