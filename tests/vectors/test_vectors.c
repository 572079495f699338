/* Runs the real provider against published vectors: Project Wycheproof and NIST CAVP, as JSON.
 *
 * Every claim asserts how many vectors it really ran: a file that changed its shape must not pass.
 *
 * What isn't run, and why:
 * - aes_cbc_pkcs5, the invalid ones: each is flagged BadPadding, which isn't this layer's matter
 * (ESP and SK payloads have their own).
 * - aes_gcm and chacha20_poly1305 with another IV than 96 bits or another tag than 128: IKE and ESP
 *   can't express them.
 * - x25519 "acceptable": a secret of zeros must be refused (RFC 7748 6.1); all others (twist,
 * values not reduced, top bit set) must be computed as given (RFC 7748 5).
 * - ecdh "acceptable" is the compressed form: IKE has x | y only (RFC 5903 7), so it is refused, by
 * its length. The other points are passed without their 04. */
#include "vectors.h"

static struct blob hex(const json_t *o, const char *key)
{
    return unhex(str(o, key));
}

static size_t num(const json_t *o, const char *key)
{
    return (size_t)json_integer_value(json_object_get(o, key));
}

static bool result_is(const json_t *test, const char *result)
{
    return strcmp(str(test, "result"), result) == 0;
}

struct tally {
    unsigned int valid, invalid, acceptable, skipped;
};

typedef void run_fn(struct kc_ctx *c, const void *arg, const json_t *group, const json_t *test,
                    struct tally *n);

static struct tally each(const char *file, run_fn *run, const void *arg)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 8);
    json_t *root = load(file), *group, *test;
    struct tally n = {0};
    size_t g, t;

    json_array_foreach (json_object_get(root, "testGroups"), g, group) {
        json_array_foreach (json_object_get(group, "tests"), t, test) {
            run(c, arg, group, test, &n);
            if (kc_keys_live(c) != 0)
                fail_msg("%s: test %zu left a key", file, num(test, "tcId"));
        }
    }
    print_message("%s: %u valid, %u invalid, %u acceptable, %u not for us\n", file, n.valid,
                  n.invalid, n.acceptable, n.skipped);
    json_decref(root);
    kc_ctx_free(c);
    return n;
}

/* Names the vector before it fails. */
static void check(bool ok, const json_t *test, const char *what)
{
    const char *comment = str(test, "comment");

    if (!ok)
        fail_msg("test %zu (%s): %s", num(test, "tcId"), comment ? comment : "", what);
}

static bool has_flag(const json_t *test, const char *want)
{
    const json_t *flag;
    size_t i;

    json_array_foreach (json_object_get(test, "flags"), i, flag) {
        if (strcmp(json_string_value(flag), want) == 0)
            return true;
    }
    return false;
}

/* ---- ciphers ---- */

static void run_cbc(struct kc_ctx *c, const void *arg KD_UNUSED, const json_t *group,
                    const json_t *test, struct tally *n)
{
    const struct kc_alg *e = kc_alg_find(KC_ENCR, KC_ENCR_AES_CBC, (uint16_t)num(group, "keySize"));
    const struct kc_alg *i = kc_alg_by_name("sha256");
    struct blob key = hex(test, "key"), iv = hex(test, "iv"), text, want, ib = fill(9, 32);
    struct kd_bytes none = kd_bytes(NULL, 0);
    struct kd_handle k, ik;
    struct kc_box *b;
    uint8_t icv[16], pad;

    if (!result_is(test, "valid")) {
        check(has_flag(test, "BadPadding") || has_flag(test, "NoPadding"), test,
              "not by its padding");
        n->skipped++;
        return;
    }
    n->valid++;
    text = hex(test, "msg");
    want = hex(test, "ct");
    pad = (uint8_t)(16 - text.len % 16); /* PKCS #5 */
    memset(text.b + text.len, pad, pad);
    text.len += pad;
    k = import(c, &key);
    ik = import(c, &ib);
    b = kc_box_new(c, e, i, k, ik);
    assert_non_null(b);
    check(kc_box_seal(b, iv.b, none, text.b, text.len, none, icv), test, "not sealed");
    check(kd_bytes_eq(view(&text), view(&want)), test, "other ciphertext");
    check(kc_box_open(b, iv.b, none, text.b, text.len, none, icv), test, "not opened");
    want = hex(test, "msg");
    check(memcmp(text.b, want.b, want.len) == 0, test, "other text");
    kc_box_free(b);
    kc_key_free(c, k);
    kc_key_free(c, ik);
}

static void aes_cbc(void **st KD_UNUSED)
{
    struct tally n = each("aes_cbc_pkcs5_test.json", run_cbc, NULL);

    assert_int_equal(n.valid, 72);
    assert_int_equal(n.skipped, 144);
}

/* Wycheproof's 96-bit nonce is our salt (4) | IV (8). */
static void run_aead(struct kc_ctx *c, const void *arg, const json_t *group, const json_t *test,
                     struct tally *n)
{
    const enum kc_encr *id = arg;
    size_t bits = num(group, "keySize");
    const struct kc_alg *e =
        kc_alg_find(KC_ENCR, (uint16_t)*id, *id == KC_ENCR_CHACHA20_POLY1305 ? 0 : (uint16_t)bits);
    struct kd_bytes none = kd_bytes(NULL, 0);
    struct blob key, iv, aad, msg, ct, tag;
    struct kd_handle k;
    struct kc_box *b;
    uint8_t icv[16];
    bool ok;

    if (num(group, "ivSize") != 96 || num(group, "tagSize") != 128) {
        n->skipped++;
        return;
    }
    key = hex(test, "key");
    iv = hex(test, "iv");
    aad = hex(test, "aad");
    msg = hex(test, "msg");
    ct = hex(test, "ct");
    tag = hex(test, "tag");
    memcpy(key.b + key.len, iv.b, 4);
    key.len += 4;
    k = import(c, &key);
    b = kc_box_new(c, e, NULL, k, KD_HANDLE_NONE);
    assert_non_null(b);
    if (result_is(test, "valid")) {
        struct blob text = msg;
        n->valid++;
        check(kc_box_seal(b, iv.b + 4, view(&aad), text.b, text.len, none, icv), test,
              "not sealed");
        check(kd_bytes_eq(view(&text), view(&ct)), test, "other ciphertext");
        check(memcmp(icv, tag.b, 16) == 0, test, "other tag");
    } else {
        n->invalid++;
    }
    ok = kc_box_open(b, iv.b + 4, view(&aad), ct.b, ct.len, none, tag.b);
    check(ok == result_is(test, "valid"), test, ok ? "opened" : "not opened");
    check(!ok || kd_bytes_eq(view(&ct), view(&msg)), test, "other text");
    kc_box_free(b);
    kc_key_free(c, k);
}

static void aes_gcm(void **st KD_UNUSED)
{
    const enum kc_encr id = KC_ENCR_AES_GCM_16;
    struct tally n = each("aes_gcm_test.json", run_aead, &id);

    assert_true(n.valid >= 90 && n.invalid >= 60);
}

static void chacha20_poly1305(void **st KD_UNUSED)
{
    const enum kc_encr id = KC_ENCR_CHACHA20_POLY1305;
    struct tally n = each("chacha20_poly1305_test.json", run_aead, &id);

    assert_true(n.valid >= 250 && n.invalid >= 50);
}

/* ---- HMAC ---- */

struct hmac {
    enum kc_prf prf;
    enum kc_integ integ;
};

/* Where key and tag have an integrity algorithm's sizes: the same through a box with ENCR_NULL. */
static void run_icv(struct kc_ctx *c, const struct kc_alg *i, struct kd_handle k,
                    const json_t *test)
{
    struct blob msg = hex(test, "msg"), tag = hex(test, "tag");
    struct kd_bytes none = kd_bytes(NULL, 0);
    struct kc_box *b;

    if (kc_key_len(c, k) != i->key_len || tag.len != i->icv_len)
        return;
    b = kc_box_new(c, kc_alg_by_name("null"), i, KD_HANDLE_NONE, k);
    assert_non_null(b);
    check(kc_box_open(b, NULL, none, msg.b, msg.len, none, tag.b) == result_is(test, "valid"), test,
          "box");
    kc_box_free(b);
}

static void run_hmac(struct kc_ctx *c, const void *arg, const json_t *group, const json_t *test,
                     struct tally *n)
{
    const struct hmac *h = arg;
    struct blob key = hex(test, "key"), msg = hex(test, "msg"), tag = hex(test, "tag");
    struct kd_bytes part = view(&msg);
    struct kd_handle k = import(c, &key);
    uint8_t out[64];
    bool same;

    assert_int_equal(tag.len * 8, num(group, "tagSize"));
    assert_true(kc_prf(c, h->prf, k, &part, 1, out));
    same = kc_equal(kd_bytes(out, tag.len), view(&tag));
    check(same == result_is(test, "valid"), test, "prf");
    run_icv(c, kc_alg_find(KC_INTEG, (uint16_t)h->integ, 0), k, test);
    kc_key_free(c, k);
    if (same)
        n->valid++;
    else
        n->invalid++;
}

static void hmac(void **st KD_UNUSED)
{
    static const struct {
        const char *file;
        struct hmac h;
    } all[] = {
        {"hmac_sha1_test.json", {KC_PRF_HMAC_SHA1, KC_INTEG_HMAC_SHA1_96}},
        {"hmac_sha256_test.json", {KC_PRF_HMAC_SHA2_256, KC_INTEG_HMAC_SHA2_256_128}},
        {"hmac_sha384_test.json", {KC_PRF_HMAC_SHA2_384, KC_INTEG_HMAC_SHA2_384_192}},
        {"hmac_sha512_test.json", {KC_PRF_HMAC_SHA2_512, KC_INTEG_HMAC_SHA2_512_256}},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(all); i++) {
        struct tally n = each(all[i].file, run_hmac, &all[i].h);
        assert_int_equal(n.valid, 66);
        assert_true(n.invalid >= 104);
    }
}

/* ---- Diffie-Hellman ---- */

/* The vector's private value as a big-endian number of exactly len bytes. */
static struct blob fixed_len(const json_t *test, size_t len)
{
    struct blob x = hex(test, "private"), out = fill(0, len);
    size_t skip = 0;

    while (x.len - skip > len && x.b[skip] == 0)
        skip++;
    assert_true(x.len - skip <= len);
    memcpy(out.b + len - (x.len - skip), x.b + skip, x.len - skip);
    return out;
}

/* Runs the job; on success checks the secret. */
static enum kc_job_status run_dh(struct kc_ctx *c, enum kc_dh group, const struct blob *priv,
                                 struct kd_bytes peer, const json_t *test)
{
    struct blob want = hex(test, "shared"), got;
    struct kc_job job = {.kind = KC_JOB_DH_SHARED, .group = group, .peer = peer};
    struct kc_job_result res;

    job.priv = import(c, priv);
    kc_job_run(c, &job, &res);
    if (res.status == KC_JOB_OK) {
        got = exported(c, res.secret);
        check(kd_bytes_eq(view(&got), view(&want)), test, "other secret");
    }
    kc_key_free(c, job.priv);
    kc_key_free(c, res.secret);
    return res.status;
}

static void run_x25519(struct kc_ctx *c, const void *arg KD_UNUSED, const json_t *group KD_UNUSED,
                       const json_t *test, struct tally *n)
{
    static const uint8_t zero[32];
    struct blob priv = hex(test, "private"), peer = hex(test, "public");
    struct blob secret = hex(test, "shared");
    bool refuse = memcmp(secret.b, zero, 32) == 0;

    check(run_dh(c, KC_DH_X25519, &priv, view(&peer), test) ==
              (refuse ? KC_JOB_BAD_PEER : KC_JOB_OK),
          test, "status");
    check(!refuse || !result_is(test, "valid"), test, "a valid one refused");
    if (result_is(test, "valid"))
        n->valid++;
    else
        n->acceptable++;
    n->invalid += refuse;
}

static void x25519(void **st KD_UNUSED)
{
    struct tally n = each("x25519_test.json", run_x25519, NULL);

    assert_int_equal(n.valid, 264);
    assert_int_equal(n.acceptable, 254);
    assert_true(n.invalid >= 7); /* of the acceptable: secret of zeros */
}

static void run_ecdh(struct kc_ctx *c, const void *arg, const json_t *group KD_UNUSED,
                     const json_t *test, struct tally *n)
{
    const enum kc_dh *id = arg;
    const struct kc_alg *a = kc_alg_find(KC_DH, (uint16_t)*id, 0);
    struct blob priv = fixed_len(test, a->out_len), point = hex(test, "public");
    struct kd_bytes peer = point.len > 0 ? kd_bytes(point.b + 1, point.len - 1) : view(&point);
    enum kc_job_status s = run_dh(c, *id, &priv, peer, test);

    if (result_is(test, "valid")) {
        n->valid++;
        check(s == KC_JOB_OK, test, "refused");
    } else {
        n->invalid += result_is(test, "invalid");
        n->acceptable += result_is(test, "acceptable");
        check(s == KC_JOB_BAD_PEER, test, "taken");
    }
}

static void ecdh(void **st KD_UNUSED)
{
    static const struct {
        const char *file;
        enum kc_dh id;
        unsigned int valid;
    } all[] = {
        {"ecdh_secp256r1_ecpoint_test.json", KC_DH_ECP256, 330},
        {"ecdh_secp384r1_ecpoint_test.json", KC_DH_ECP384, 771},
        {"ecdh_secp521r1_ecpoint_test.json", KC_DH_ECP521, 632},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(all); i++) {
        struct tally n = each(all[i].file, run_ecdh, &all[i].id);
        assert_int_equal(n.valid, all[i].valid);
        assert_true(n.invalid >= 18);
    }
}

/* ---- IKEv2 key derivation ---- */

static void assert_key(struct kc_ctx *c, struct kd_handle h, const json_t *root, const char *name)
{
    struct blob want = hex(root, name), got = exported(c, h);

    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.b, want.b, want.len);
}

/* prf+ cut like an IKE SA's keys (7 of them) must be the stream in one piece. */
static void assert_stream(struct kc_ctx *c, struct kd_handle key, struct kd_handle secret,
                          const struct kd_bytes *seed, size_t n_seed, const json_t *root,
                          const char *name)
{
    struct blob want = hex(root, name), got = {.len = want.len};
    const uint16_t lens[7] = {20, 20, 20, 16, 16, 20, (uint16_t)(want.len - 112)};
    struct kd_handle keys[7];
    size_t at = 0;

    assert_true(kc_prf_plus(c, KC_PRF_HMAC_SHA1, key, secret, seed, n_seed, lens, 7, keys));
    for (size_t i = 0; i < 7; i++) {
        at += kc_key_export(c, keys[i], got.b + at, sizeof(got.b) - at);
        kc_key_free(c, keys[i]);
    }
    assert_int_equal(at, want.len);
    assert_memory_equal(got.b, want.b, want.len);
}

static void ikev2_kdf(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 16);
    json_t *root = load("ikev2-kdf-cavp.json");
    struct blob ni = hex(root, "ni"), nr = hex(root, "nr"), both = ni, gir = hex(root, "gir");
    struct blob gir_new = hex(root, "gir_new"), si = hex(root, "spii"), sr = hex(root, "spir");
    struct blob dkm = hex(root, "dkm"), dkm_d = {.len = 20};
    struct kd_bytes seed[4] = {view(&ni), view(&nr), view(&si), view(&sr)};
    struct kd_handle s1 = import(c, &gir), s2 = import(c, &gir_new), skeyseed, sk_d;

    assert_string_equal(str(root, "prf"), "hmac-sha1");
    memcpy(both.b + both.len, nr.b, nr.len);
    both.len += nr.len;
    skeyseed = kc_prf_key(c, KC_PRF_HMAC_SHA1, view(&both), NULL, 0, s1); /* RFC 7296 2.14 */
    assert_key(c, skeyseed, root, "skeyseed");
    assert_stream(c, skeyseed, KD_HANDLE_NONE, seed, 4, root, "dkm");
    memcpy(dkm_d.b, dkm.b, 20);
    sk_d = import(c, &dkm_d);
    /* RFC 7296 2.18, then 2.17 without and with a new exchange. */
    assert_key(c, kc_prf_derive(c, KC_PRF_HMAC_SHA1, sk_d, s2, seed, 2), root, "skeyseed_rekey");
    assert_stream(c, sk_d, KD_HANDLE_NONE, seed, 2, root, "dkm_child");
    assert_stream(c, sk_d, s2, seed, 2, root, "dkm_child_dh");
    json_decref(root);
    kc_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_cbc),   cmocka_unit_test(aes_gcm), cmocka_unit_test(chacha20_poly1305),
        cmocka_unit_test(hmac),      cmocka_unit_test(x25519),  cmocka_unit_test(ecdh),
        cmocka_unit_test(ikev2_kdf),
    };

    return RUN_VECTORS(tests);
}
