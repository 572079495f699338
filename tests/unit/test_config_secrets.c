/* Secrets and certificates in the configuration: where they come from, what fits what, and that no
 * message repeats them. */
#include "test_config.h"

/* ---- secrets ---- */

static void expect_psk(const char *auth, const char *want)
{
    char text[1024];
    uint8_t got[KC_KEY_MAX];
    snprintf(text, sizeof(text), GATEWAY "tunnels: [{name: a, remote: 192.0.2.2,\n  auth: %s}]\n",
             auth);
    accepted(text);
    size_t n = kc_key_export(crypto, cfg.tunnels[0].ike.psk, got, sizeof(got));
    assert_int_equal(n, strlen(want));
    assert_memory_equal(got, want, n);
}

static void the_psk_comes_inline_from_a_file_or_a_credential(void **state)
{
    (void)state;
    expect_psk("{psk: 0123}", "0123");
    expect_psk("{psk: \" with blanks \"}", " with blanks ");
    expect_psk("{psk: 0123456789012345678901234567890123456789012345678901234567890123456789}",
               "0123456789012345678901234567890123456789012345678901234567890123456789");
    expect_psk("{psk-hex: 6b6579FF0a}", "key\xff\n");
    expect_psk("{psk-hex: 313233}", "123");
    expect_psk("{psk-file: /etc/kedge/psk}", "from-file");
    assert_int_equal(errs.n_warnings, 0);
    expect_psk("{psk-credential: onprem}", "from-systemd");
    expect_psk("{psk-file: /etc/kedge/open}", "from-open-file");
    assert_int_equal(errs.n_warnings, 1);
    assert_string_equal(errs.w[0].text, "tunnels[0].auth.psk-file: \"/etc/kedge/open\" can be read "
                                        "by everyone; remedy: chmod 600");
}

static void a_ppk_has_a_name_and_one_key(void **state)
{
#define IN GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x},\n  ppk: %s}]\n"
    static const struct row rows[] = {
        {IN, "{id: site-a, file: /etc/kedge/ppk, required: true}",
         "{id: site-a, file: /etc/kedge/ppk, required: maybe}",
         "3:53: tunnels[0].ppk.required: \"maybe\"; allowed: false, true"},
        {IN, "{id: site-a, credential: onprem}", "{id: site-a}",
         "3:8: tunnels[0].ppk: exactly one of file and credential is needed"},
        {IN, NULL, "{id: a, file: /etc/kedge/ppk, credential: onprem}",
         "3:8: tunnels[0].ppk: exactly one of file and credential is needed"},
        {IN, NULL, "{file: /etc/kedge/ppk}", "3:8: tunnels[0].ppk: \"id\" is missing"},
        {IN, NULL, "{id: \"\", file: /etc/kedge/ppk}",
         "3:13: tunnels[0].ppk.id: \"\"; allowed: 1 to 64 characters, no control characters"},
        {IN, NULL, "{id: a, file: ppk}",
         "3:22: tunnels[0].ppk.file: \"ppk\"; allowed: an absolute path"},
        {IN, NULL, "{id: a, file: /etc/kedge/ppk, key: hunter2}",
         "3:38: tunnels[0].ppk: unknown key; allowed: id, file, credential, required"},
    };
#undef IN
    (void)state;
    accepted(GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x},\n"
                     "  ppk: {id: site-a, file: /etc/kedge/ppk, required: true}}]\n");
    assert_int_equal(kc_key_len(crypto, cfg.tunnels[0].ike.ppk.key), 32);
    assert_int_equal(cfg.tunnels[0].ike.ppk.id_len, 6);
    assert_memory_equal(cfg.tunnels[0].ike.ppk.id, "site-a", 6);
    assert_true(cfg.tunnels[0].ike.ppk.required);
    assert_int_equal(errs.n_warnings, 0);
    accepted(GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x},\n"
                     "  ppk: {id: site-a, file: /etc/kedge/psk}}]\n");
    assert_false(cfg.tunnels[0].ike.ppk.required);
    assert_string_equal(errs.w[0].text, "tunnels[0].ppk: the key has 9 bytes; against a quantum "
                                        "computer: 32 or more");
    check_rows(rows, KD_ARRAY_LEN(rows));
}

static void a_secret_that_is_missing_empty_or_doubled_is_refused(void **state)
{
#define IN GATEWAY "tunnels: [{name: a, remote: 192.0.2.2,\n  auth: %s}]\n" /* line 3, column 9 */
    static const struct row rows[] = {
        {IN, NULL, "{psk: \"\"}", "3:15: tunnels[0].auth.psk: the pre-shared key is empty"},
        {IN, NULL, "{psk: }", "3:15: tunnels[0].auth.psk: the value is missing"},
        {IN, "{psk-hex: 00ff}", "{psk-hex: 00f}",
         "3:19: tunnels[0].auth.psk-hex: allowed: 1 to 640 pairs of hex digits"},
        {IN, NULL, "{psk-hex: 0x00}",
         "3:19: tunnels[0].auth.psk-hex: allowed: 1 to 640 pairs of hex digits"},
        {IN, NULL, "{psk-hex: \"\"}", "3:19: tunnels[0].auth.psk-hex: the pre-shared key is empty"},
        {IN, NULL, "{psk: a, psk-hex: 00}",
         "3:9: tunnels[0].auth: exactly one of psk, psk-hex, psk-file and psk-credential is "
         "needed"},
        {IN, NULL, "{}",
         "3:9: tunnels[0].auth: exactly one of psk, psk-hex, psk-file and psk-credential is needed,"
         " or certificates: cert, key-file and ca"},
        {IN, NULL, "{psk: a, psk-file: /etc/kedge/psk}",
         "3:9: tunnels[0].auth: exactly one of psk, psk-hex, psk-file and psk-credential is "
         "needed"},
        {IN, NULL, "{psk-file: /etc/kedge/empty}",
         "3:20: tunnels[0].auth.psk-file: the pre-shared key is empty"},
        {IN, NULL, "{psk-file: /nowhere}",
         "3:20: tunnels[0].auth.psk-file: \"/nowhere\": no such file"},
        {IN, NULL, "{psk-file: psk}",
         "3:20: tunnels[0].auth.psk-file: \"psk\"; allowed: an absolute path"},
        {IN, NULL, "{psk-credential: ../psk}",
         "3:26: tunnels[0].auth.psk-credential: \"../psk\"; allowed: a credential's name "
         "(LoadCredential=NAME:...)"},
    };
    (void)state;
#undef IN
    check_rows(rows, KD_ARRAY_LEN(rows));
}

/* ---- certificates ---- */

#define KEY "cert: /etc/kedge/gw.pem, key-file: /etc/kedge/gw.key"
#define CA  "ca: [/etc/kedge/ca.pem]"

static void auth_of(const char *local_id, const char *auth)
{
    char text[1024];
    snprintf(text, sizeof(text),
             GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, local-id: \"%s\",\n  auth: {%s}}]\n",
             local_id, auth);
    accepted(text);
}

static void certificates_are_loaded_with_their_key_and_trust(void **state)
{
    const struct ike_auth_config *a;
    (void)state;
    auth_of("a.example", KEY ", " CA);
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(errs.n_warnings, 0);
    assert_int_equal(a->local, IKE_AUTH_CERT);
    assert_int_equal(a->remote, IKE_AUTH_CERT);
    assert_int_equal(a->certs->n_chain, 2); /* the root is not sent */
    assert_int_equal(kc_private_kind(a->certs->key), KC_KEY_EC);
    assert_int_equal(kc_trust_count(a->certs->trust), 1);
    assert_false(a->pss || a->sha1_ok || a->cn[0]);
    auth_of("a.example", KEY ", " CA ", crl: [/etc/kedge/crl.pem], remote-cn: azure gw, "
                             "rsa-padding: pss, sha1: true");
    a = &cfg.tunnels[0].ike.auth;
    assert_true(a->pss && a->sha1_ok);
    assert_string_equal(a->cn, "azure gw");
}

static void the_private_key_may_be_a_credential(void **state)
{
    const struct ike_auth_config *a;
    (void)state;
    auth_of("a.example", "cert: /etc/kedge/gw.pem, key-credential: gw-key, " CA);
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(errs.n_warnings, 0);
    assert_int_equal(a->local, IKE_AUTH_CERT);
    assert_int_equal(kc_private_kind(a->certs->key), KC_KEY_EC);
}

static void either_end_may_use_a_key_instead(void **state)
{
    const struct ike_auth_config *a;
    (void)state;
    auth_of("a.example", KEY ", psk: x");
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(a->local, IKE_AUTH_CERT);
    assert_int_equal(a->remote, IKE_AUTH_PSK);
    assert_null(a->certs->trust);
    auth_of("a.example", CA ", psk: x");
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(a->local, IKE_AUTH_PSK);
    assert_int_equal(a->remote, IKE_AUTH_CERT);
    assert_null(a->certs->key);
    auth_of("a.example", "psk: x");
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(a->remote, IKE_AUTH_PSK);
    assert_null(a->certs);
}

static void tunnels_with_the_same_files_share_them(void **state)
{
    (void)state;
    accepted(GATEWAY
             "tunnels:\n"
             "  - {name: a, remote: 192.0.2.2, local-id: a.example, auth: {" KEY ", " CA "}}\n"
             "  - {name: b, remote: 192.0.2.3, local-id: a.example, auth: {" KEY ", " CA "}}\n"
             "  - {name: c, remote: 192.0.2.4, auth: {" CA ", psk: x}}\n");
    assert_ptr_equal(cfg.tunnels[0].ike.auth.certs, cfg.tunnels[1].ike.auth.certs);
    assert_ptr_not_equal(cfg.tunnels[0].ike.auth.certs, cfg.tunnels[2].ike.auth.certs);
}

static void a_name_of_ours_is_spelled_as_the_certificate_spells_it(void **state)
{
    const struct ike_certs *x;
    (void)state;
    auth_of("C=US, O=Example, CN=gw p256", KEY ", " CA);
    assert_int_equal(errs.n_warnings, 0);
    x = cfg.tunnels[0].ike.auth.certs;
    assert_int_equal(cfg.tunnels[0].ike.local_id.len, kc_cert_subject(x->chain[0]).len);
    assert_memory_equal(cfg.tunnels[0].ike.local_id.data, kc_cert_subject(x->chain[0]).p,
                        kc_cert_subject(x->chain[0]).len);
    auth_of("C=US, O=Example, CN=other", KEY ", " CA);
    assert_int_equal(errs.n_warnings, 1);
    assert_string_equal(
        errs.w[0].text,
        "tunnels[0]: the certificate of C=US, O=Example, CN=gw p256 does not say that "
        "it is local-id; most peers refuse that: set local-id to one of its names");
}

static void what_may_be_meant_is_a_warning(void **state)
{
    (void)state;
    auth_of("c.example", "cert: /etc/kedge/old.pem, key-file: /etc/kedge/elsewhere, psk: x");
    assert_int_equal(errs.n_warnings, 3); /* the key, the date, the identity */
    assert_non_null(strstr(errs.w[1].text, "expired at 2021-01-01T00:00:00Z"));
    auth_of("a.example", "psk: x, ca: [/root/ca.pem]");
    assert_int_equal(errs.n_warnings, 1);
    assert_non_null(strstr(errs.w[0].text, "\"/root/ca.pem\" is not checked"));
}

static void certificates_that_do_not_fit_are_refused(void **state)
{
#define IN GATEWAY "tunnels: [{name: a, remote: 192.0.2.2,\n  auth: {%s}}]\n" /* column 9 */
    static const struct row rows[] = {
        {IN, NULL, KEY,
         "3:9: tunnels[0].auth: \"ca\" is missing: who signs the peer's certificate (or "
         "psk-file, if the peer uses a key)"},
        {IN, NULL, CA,
         "3:9: tunnels[0].auth: \"cert\" is missing: our own certificate (or psk-file, if "
         "we use a key)"},
        {IN, NULL, KEY ", " CA ", psk: x",
         "3:9: tunnels[0].auth: with cert and ca no end uses a pre-shared key; leave it out"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, " CA,
         "3:9: tunnels[0].auth: exactly one of key-file and key-credential is needed with cert"},
        {IN, NULL, KEY ", key-credential: gw, " CA,
         "3:9: tunnels[0].auth: exactly one of key-file and key-credential is needed with cert"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: other-key, " CA,
         "3:51: tunnels[0].auth: \"other-key\" is not the key of the first certificate in cert "
         "(the gateway's own comes first)"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: missing, " CA,
         "3:51: tunnels[0].auth: \"missing\": no such file"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: onprem, " CA,
         "3:51: tunnels[0].auth: \"onprem\": no private key in PEM or DER found"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: ../gw-key, " CA,
         "3:51: tunnels[0].auth.key-credential: \"../gw-key\"; allowed: a credential's name "
         "(LoadCredential=NAME:...)"},
        {IN, NULL, "psk: x, key-credential: gw-key",
         "3:34: tunnels[0].auth.key-credential: needs \"cert\""},
        {IN, NULL, "psk: x, key-file: /etc/kedge/gw.key",
         "3:28: tunnels[0].auth.key-file: needs \"cert\""},
        {IN, NULL, "psk: x, crl: [/etc/kedge/crl.pem]", "3:23: tunnels[0].auth.crl: needs \"ca\""},
        {IN, NULL, "psk: x, remote-cn: gw", "3:29: tunnels[0].auth.remote-cn: needs \"ca\""},
        {IN, NULL, "psk: x, rsa-padding: pss", "3:31: tunnels[0].auth.rsa-padding: needs \"cert\""},
        {IN, NULL, CA ", cert: gw.pem, key-file: /etc/kedge/gw.key",
         "3:41: tunnels[0].auth.cert: \"gw.pem\"; allowed: an absolute path"},
        {IN, NULL, CA ", cert: /nowhere, key-file: /etc/kedge/gw.key",
         "3:41: tunnels[0].auth: \"/nowhere\": no such file"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-file: /etc/kedge/other.key, psk: x",
         "3:45: tunnels[0].auth: \"/etc/kedge/other.key\" is not the key of the first certificate "
         "in cert (the gateway's own comes first)"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-file: /etc/kedge/psk, psk: x",
         "3:45: tunnels[0].auth: \"/etc/kedge/psk\": no private key in PEM or DER found"},
        {IN, NULL, "psk: x, ca: []", "3:22: tunnels[0].auth.ca: 0 entries; allowed: 1 to 16"},
        {IN, NULL, "psk: x, ca: [/etc/kedge/text.pem]",
         "3:23: tunnels[0].auth: \"/etc/kedge/text.pem\": no certificate in PEM or DER found"},
        {IN, NULL, "psk: x, " CA ", crl: [/etc/kedge/ca.pem]",
         "3:49: tunnels[0].auth: \"/etc/kedge/ca.pem\": no CRL in PEM or DER found"},
    };
    (void)state;
#undef IN
    check_rows(rows, KD_ARRAY_LEN(rows));
}

/* Wherever the operator puts the secret by mistake, no message repeats it. */
static void a_psk_is_never_in_a_message(void **state)
{
    static const char *const wrong[] = {
        "auth: swordfish",
        "auth: {swordfish}",
        "auth: {pks: swordfish}",
        "auth: [swordfish]",
        "auth: {psk: [swordfish]}",
        "auth: {psk: {swordfish: 1}}",
        "psk: swordfish",
        "auth: {psk: \"swordfish",
        "auth: {psk: !x swordfish}",
        "auth: {psk: swordfish, psk: swordfish}",
        "auth: {psk: \"swordfish\\0\"}",
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(wrong); i++) {
        char text[256], line[CONFIG_LINE_MAX];
        snprintf(text, sizeof(text), GATEWAY "tunnels:\n" TUNNEL "    %s\n", wrong[i]);
        assert_false(parse(text));
        for (uint32_t j = 0; j < errs.n; j++)
            assert_null(
                strstr(config_error_line(&errs, &errs.e[j], line, sizeof(line)), "swordfish"));
    }
}

static void a_secret_that_cannot_be_known_here_is_a_warning(void **state)
{
    (void)state;
    accepted(GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk-file: "
                     "/etc/kedge/elsewhere}}]\n");
    assert_int_equal(errs.n_warnings, 1);
    assert_true(kd_handle_none(cfg.tunnels[0].ike.psk));
}

static void without_an_arena_secrets_are_checked_and_not_kept(void **state)
{
    const char *text = GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x}}]\n";
    struct config_env env = {.crypto = NULL};
    (void)state;
    drop();
    assert_true(config_parse(kd_bytes_str(text), "f", &env, &cfg, &errs));
    assert_true(kd_handle_none(cfg.tunnels[0].ike.psk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_psk_comes_inline_from_a_file_or_a_credential),
        cmocka_unit_test(a_ppk_has_a_name_and_one_key),
        cmocka_unit_test(a_secret_that_is_missing_empty_or_doubled_is_refused),
        cmocka_unit_test(certificates_are_loaded_with_their_key_and_trust),
        cmocka_unit_test(the_private_key_may_be_a_credential),
        cmocka_unit_test(either_end_may_use_a_key_instead),
        cmocka_unit_test(tunnels_with_the_same_files_share_them),
        cmocka_unit_test(a_name_of_ours_is_spelled_as_the_certificate_spells_it),
        cmocka_unit_test(what_may_be_meant_is_a_warning),
        cmocka_unit_test(certificates_that_do_not_fit_are_refused),
        cmocka_unit_test(a_psk_is_never_in_a_message),
        cmocka_unit_test(a_secret_that_cannot_be_known_here_is_a_warning),
        cmocka_unit_test(without_an_arena_secrets_are_checked_and_not_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
