/* RFC 7427's names of signatures: read, written, and those next to ours refused. */
#include "made_keys.h"

/* ---- names on the wire ---- */

#define PSS256 "06092a864886f70d01010a"
#define SHA256 "300d06096086480165030402010500"
#define MGF256 "a11c301a06092a864886f70d010108" SHA256

/* Hexadecimal as in RFC 7427 A and RFC 8420 A. */
static const struct {
    struct kc_sig sig;
    const char *ai, *name;
} names[] = {
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA1, 0}, "300d06092a864886f70d0101050500", "rsa-sha1"},
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0}, "300d06092a864886f70d01010b0500", "rsa-sha256"},
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA2_384, 0}, "300d06092a864886f70d01010c0500", "rsa-sha384"},
    {{KC_SIG_RSA_PKCS1, KC_SIG_SHA2_512, 0}, "300d06092a864886f70d01010d0500", "rsa-sha512"},
    {{KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32},
     "3041" PSS256 "3034a00f" SHA256 MGF256 "a203020120",
     "rsa-pss-sha256"},
    {{KC_SIG_RSA_PSS, KC_SIG_SHA2_512, 64},
     "3041" PSS256 "3034a00f300d06096086480165030402030500"
     "a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140",
     "rsa-pss-sha512"},
    {{KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 20}, /* 20 is the default: left out */
     "303c" PSS256 "302fa00f" SHA256 MGF256,
     "rsa-pss-sha256"},
    {{KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}, "300a06082a8648ce3d040302", "ecdsa-sha256"},
    {{KC_SIG_ECDSA, KC_SIG_SHA2_384, 0}, "300a06082a8648ce3d040303", "ecdsa-sha384"},
    {{KC_SIG_ECDSA, KC_SIG_SHA2_512, 0}, "300a06082a8648ce3d040304", "ecdsa-sha512"},
    {{KC_SIG_ED25519, KC_SIG_IDENTITY, 0}, "300506032b6570", "ed25519"},
};

static bool parses(const char *hex, struct kc_sig *out)
{
    struct blob b = unhex(hex);

    return kc_sig_parse(view(&b), out);
}

static bool same_sig(const struct kc_sig *a, const struct kc_sig *b)
{
    return a->scheme == b->scheme && a->hash == b->hash && a->salt_len == b->salt_len;
}

static void names_are_read_and_written_as_in_the_rfc(void **st KD_UNUSED)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
        uint8_t buf[KC_AI_MAX];
        struct kd_writer w;
        struct kc_sig got;
        assert_true(parses(names[i].ai, &got));
        assert_true(same_sig(&got, &names[i].sig));
        kd_writer_init(&w, buf, sizeof(buf));
        assert_true(kc_sig_put(&w, &names[i].sig));
        assert_bytes(buf, w.pos, names[i].ai);
        assert_string_equal(kc_sig_str(&got), names[i].name);
        kd_writer_init(&w, buf, w.pos - 1);
        assert_false(kc_sig_put(&w, &names[i].sig));
    }
}

static void the_raw_form_has_no_name(void **st KD_UNUSED)
{
    struct kc_sig raw = sig_of(KC_SIG_ECDSA_RAW, KC_SIG_SHA2_256, 0), none = {KC_SIG_NONE, 0, 0};
    uint8_t buf[KC_AI_MAX];
    struct kd_writer w;

    kd_writer_init(&w, buf, sizeof(buf));
    assert_false(kc_sig_put(&w, &raw));
    assert_false(kc_sig_put(&w, &none));
    assert_int_equal(w.pos, 0);
    assert_string_equal(kc_sig_str(&raw), "ecdsa-raw-sha256");
    assert_string_equal(kc_sig_str(&none), "?");
}

static void pss_may_spell_out_its_trailer_and_leave_out_nulls(void **st KD_UNUSED)
{
    struct kc_sig got, want = sig_of(KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32);

    assert_true(parses("3046" PSS256 "3039a00f" SHA256 MGF256 "a203020120a303020101", &got));
    assert_true(same_sig(&got, &want));
    assert_true(parses("303d" PSS256 "3030a00d300b0609608648016503040201"
                       "a11a301806092a864886f70d010108300b0609608648016503040201a203020120",
                       &got));
    assert_true(same_sig(&got, &want));
    assert_true(parses("3041" PSS256 "3034a00f" SHA256 MGF256 "a203020100", &got));
    assert_int_equal(got.salt_len, 0);
}

static void names_next_to_ours_are_refused(void **st KD_UNUSED)
{
    static const char *const bad[] = {
        "",
        "300b06092a864886f70d01010b",         /* RSA without its NULL */
        "300d06092a864886f70d01010b050000",   /* something behind it */
        "300e06092a864886f70d01010b050000",   /* something inside behind it */
        "30810d06092a864886f70d01010b0500",   /* BER length */
        "308006092a864886f70d01010b05000000", /* indefinite length */
        "300d06092a864886f70d0101040500",     /* MD5 */
        "300d06092a864886f70d01010e0500",     /* SHA-224 */
        "300d06092a864886f70d0101010500",     /* a key's */
        "300c06082a8648ce3d0403020500",       /* ECDSA with a NULL */
        "300a06082a8648ce3d040301",           /* ECDSA with SHA-224 */
        "300906072a8648ce3d0401",             /* ECDSA with SHA-1 */
        "300706032b65700500",                 /* Ed25519 with a NULL */
        "300506032b6571",                     /* Ed448 */
        "300b" PSS256,                        /* PSS without parameters (CVE-2018-6459) */
        "300d" PSS256 "3000",                 /* PSS with SHA-1 by default */
        "300d" PSS256 "0500",
        "3041" PSS256 "3034a00f" SHA256 MGF256 "a203020121",       /* salt 33 */
        "3041" PSS256 "3034a00f" SHA256 MGF256 "a2030201ff",       /* salt -1 */
        "3042" PSS256 "3035a00f" SHA256 MGF256 "a20402020020",     /* salt 32, not minimal */
        "3042" PSS256 "3035a00f" SHA256 MGF256 "a20402020120",     /* salt 288 */
        "3044" PSS256 "3037a00f" SHA256 MGF256 "a20602047fffffff", /* CVE-2021-41990 */
        "3042" PSS256 "3035a00f" SHA256 MGF256 "a20402012000",     /* something behind the salt */
        "3046" PSS256 "3039a00f" SHA256 MGF256 "a203020120a303020102", /* trailer 2 */
        "3046" PSS256 "3039a00f" SHA256 MGF256 "a303020101a203020120", /* order */
        "3046" PSS256 "3039a00f" SHA256 MGF256 "a203020120a203020120", /* twice */
        "3030" PSS256 "3023" MGF256 "a203020120",                      /* no hash: SHA-1 */
        "3023" PSS256 "3016a00f" SHA256 "a203020120", /* no mask: MGF1 with SHA-1 */
        "3041" PSS256 "3034a00f300d06096086480165030402020500" MGF256
        "a203020120", /* mask with another hash */
        "3041" PSS256 "3034a00f" SHA256 "a11c301a06092a864886f70d010109" SHA256
        "a203020120", /* not MGF1 */
    };
    struct kc_sig got;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        if (parses(bad[i], &got))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(got.scheme, KC_SIG_NONE);
    }
}

/* Every truncation and every changed byte: refused, or a name with a meaning that can be written.
 */
static void a_broken_name_is_refused_or_means_something_else(void **st KD_UNUSED)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
        struct blob good = unhex(names[i].ai);
        struct kc_sig got, again;
        for (size_t len = 0; len < good.len; len++) {
            uint8_t *cut = malloc(len + 1);
            memcpy(cut, good.b, len);
            assert_false(kc_sig_parse(kd_bytes(cut, len), &got));
            free(cut);
        }
        for (size_t n = 0; n < good.len * 256; n++) {
            uint8_t *p = malloc(good.len), buf[KC_AI_MAX];
            struct kd_writer w;
            memcpy(p, good.b, good.len);
            p[n / 256] = (uint8_t)n;
            if (kc_sig_parse(kd_bytes(p, good.len), &got)) {
                kd_writer_init(&w, buf, sizeof(buf));
                assert_true(kc_sig_put(&w, &got));
                assert_true(kc_sig_parse(kd_written(&w), &again));
                assert_true(same_sig(&got, &again));
            }
            free(p);
        }
    }
}

static void our_kind_follows_the_peers_hashes(void **st KD_UNUSED)
{
    static const struct {
        int key;
        uint32_t hashes; /* bits by kc_sig_hash */
        bool pss;
        struct kc_sig want;
    } cases[] = {
        {RSA2048, 0x3e, false, {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, 0}},
        {RSA2048, 0x3e, true, {KC_SIG_RSA_PSS, KC_SIG_SHA2_256, 32}},
        {RSA2048, 0x18, true, {KC_SIG_RSA_PSS, KC_SIG_SHA2_384, 48}},
        {RSA2048, 0x02, false, {KC_SIG_NONE, KC_SIG_HASH_NONE, 0}}, /* SHA-1 only */
        {P256, 0x3e, false, {KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}},
        {P384, 0x3e, true, {KC_SIG_ECDSA, KC_SIG_SHA2_384, 0}},
        {P521, 0x1c, false, {KC_SIG_ECDSA, KC_SIG_SHA2_512, 0}},
        {P521, 0x0c, false, {KC_SIG_ECDSA, KC_SIG_SHA2_256, 0}},
        {ED, 0x20, false, {KC_SIG_ED25519, KC_SIG_IDENTITY, 0}},
        {ED, 0x1e, false, {KC_SIG_NONE, KC_SIG_HASH_NONE, 0}},
        {P256, 0, false, {KC_SIG_NONE, KC_SIG_HASH_NONE, 0}},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct kc_sig got = kc_sig_choose(keys[cases[i].key], cases[i].hashes, cases[i].pss);
        if (!same_sig(&got, &cases[i].want))
            fail_msg("case %zu: %s", i, kc_sig_str(&got));
        assert_true(got.scheme == KC_SIG_NONE ||
                    kc_sig_suits(&got, kc_private_spki(keys[cases[i].key])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_and_written_as_in_the_rfc),
        cmocka_unit_test(the_raw_form_has_no_name),
        cmocka_unit_test(pss_may_spell_out_its_trailer_and_leave_out_nulls),
        cmocka_unit_test(names_next_to_ours_are_refused),
        cmocka_unit_test(a_broken_name_is_refused_or_means_something_else),
        cmocka_unit_test(our_kind_follows_the_peers_hashes),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
