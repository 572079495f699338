/* Runs verification jobs against Project Wycheproof's signatures, as JSON (vectors.h says where).
 * All vectors run; every claim asserts how many.
 *
 * Decided: the one "acceptable", RSA PKCS #1 with DigestInfo without its NULL (RFC 8017 A.2.4 lets
 * verifiers take it), is refused: it isn't what RFC 7427 names, and leniency there has been forged
 * with. Two valid ones of RSA have the exponent 3: bounded and odd, so taken. */
#include "vectors.h"

#include "crypto/keys.h"

/* Some signatures are longer than a blob. Freed by the caller. */
static struct kd_bytes hex(const json_t *o, const char *key)
{
    const char *s = str(o, key);
    size_t len = strlen(s) / 2;
    uint8_t *p = malloc(len + 1);

    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        unsigned int v;
        assert_int_equal(sscanf(s + 2 * i, "%2x", &v), 1);
        p[i] = (uint8_t)v;
    }
    return kd_bytes(p, len);
}

static void drop(struct kd_bytes b)
{
    free((void *)(uintptr_t)b.p);
}

struct tally {
    unsigned int valid, invalid, acceptable;
    unsigned int raw; /* ECDSA: tried as r | s as well */
};

/* The same two numbers as r | s (RFC 4754), where they fit: both forms must get the same answer. */
static bool as_raw(struct kd_bytes der, size_t len, uint8_t *raw)
{
    struct kd_bytes r, s;

    if (!kc_ecdsa_parse(der, len, &r, &s))
        return false;
    memset(raw, 0, 2 * len);
    memcpy(raw + len - r.len, r.p, r.len);
    memcpy(raw + 2 * len - s.len, s.p, s.len);
    return true;
}

static bool verifies(struct kc_ctx *c, struct kc_sig sig, struct kd_bytes spki, struct kd_bytes msg,
                     struct kd_bytes signature)
{
    struct kc_job job = {
        .kind = KC_JOB_VERIFY, .sig = sig, .spki = spki, .data = msg, .signature = signature};
    struct kc_job_result res;

    kc_job_run(c, &job, &res);
    assert_int_not_equal(res.status, KC_JOB_FAILED);
    return res.status == KC_JOB_OK;
}

static void run_one(struct kc_ctx *c, struct kc_sig sig, struct kd_bytes spki, const json_t *test,
                    struct tally *n)
{
    struct kd_bytes msg = hex(test, "msg"), signature = hex(test, "sig");
    const char *result = str(test, "result");
    bool valid = strcmp(result, "valid") == 0;
    uint8_t raw[2 * KC_COORD_MAX];

    n->valid += valid;
    n->invalid += strcmp(result, "invalid") == 0;
    n->acceptable += strcmp(result, "acceptable") == 0;
    if (verifies(c, sig, spki, msg, signature) != valid)
        fail_msg("test %lld (%s, %s): %s", json_integer_value(json_object_get(test, "tcId")),
                 str(test, "comment"), result, valid ? "refused" : "taken");
    if (sig.scheme == KC_SIG_ECDSA &&
        as_raw(signature, sig.hash == KC_SIG_SHA2_256 ? 32 : 48, raw)) {
        size_t len = sig.hash == KC_SIG_SHA2_256 ? 64 : 96;
        sig.scheme = KC_SIG_ECDSA_RAW;
        assert_int_equal(verifies(c, sig, spki, msg, kd_bytes(raw, len)), valid);
        n->raw++;
    }
    drop(msg);
    drop(signature);
}

static struct tally each(const char *file, struct kc_sig sig)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 1);
    json_t *root = load(file), *group, *test;
    struct tally n = {0};
    size_t g, t;

    json_array_foreach (json_object_get(root, "testGroups"), g, group) {
        struct kd_bytes spki = hex(group, "publicKeyDer");
        assert_true(kc_sig_suits(&sig, spki));
        json_array_foreach (json_object_get(group, "tests"), t, test)
            run_one(c, sig, spki, test, &n);
        drop(spki);
    }
    print_message("%s: %u valid, %u invalid, %u acceptable\n", file, n.valid, n.invalid,
                  n.acceptable);
    json_decref(root);
    kc_ctx_free(c);
    return n;
}

static void rsa_pkcs1(void **st KD_UNUSED)
{
    struct tally n = each("rsa_signature_2048_sha256_test.json",
                          (struct kc_sig){KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0});

    assert_int_equal(n.valid, 9);
    assert_int_equal(n.invalid, 249);
    assert_int_equal(n.acceptable, 1);
}

static void rsa_pss(void **st KD_UNUSED)
{
    struct tally n = each("rsa_pss_2048_sha256_mgf1_32_test.json",
                          (struct kc_sig){KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32});

    assert_int_equal(n.valid, 63);
    assert_int_equal(n.invalid, 45);
    assert_int_equal(n.acceptable, 0);
}

static void ecdsa_p256(void **st KD_UNUSED)
{
    struct tally n =
        each("ecdsa_secp256r1_sha256_test.json", (struct kc_sig){KC_SIG_ECDSA, KC_SIG_SHA2_256, 0});

    assert_int_equal(n.valid, 174);
    assert_true(n.raw > 174);
    assert_int_equal(n.invalid, 310);
    assert_int_equal(n.acceptable, 0);
}

static void ecdsa_p384(void **st KD_UNUSED)
{
    struct tally n =
        each("ecdsa_secp384r1_sha384_test.json", (struct kc_sig){KC_SIG_ECDSA, KC_SIG_SHA2_384, 0});

    assert_int_equal(n.valid, 194);
    assert_true(n.raw > 194);
    assert_int_equal(n.invalid, 310);
    assert_int_equal(n.acceptable, 0);
}

static void ed25519(void **st KD_UNUSED)
{
    struct tally n = each("ed25519_test.json", (struct kc_sig){KC_SIG_ED25519, KC_SIG_IDENTITY, 0});

    assert_int_equal(n.valid, 88);
    assert_int_equal(n.invalid, 63);
    assert_int_equal(n.acceptable, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_pkcs1),  cmocka_unit_test(rsa_pss), cmocka_unit_test(ecdsa_p256),
        cmocka_unit_test(ecdsa_p384), cmocka_unit_test(ed25519),
    };

    return RUN_VECTORS(tests);
}
