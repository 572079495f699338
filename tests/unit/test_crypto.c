/* The table of algorithms, the key arena, the random stream, PRF and PRF+. Links no simulator
 * provider, and claims so. */
#include "test_crypto.h"

#include "crypto/provider.h"

#include <pthread.h>

/* ---- table ---- */

static void every_row_is_found_by_its_numbers_and_by_its_name(void **st KD_UNUSED)
{
    size_t n;
    const struct kc_alg *t = kc_alg_table(&n);

    assert_true(n > 30);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(kc_alg_find(t[i].type, t[i].id, t[i].key_bits), &t[i]);
        assert_ptr_equal(kc_alg_by_name(t[i].name), &t[i]);
        assert_true(t[i].out_len <= KC_KEY_MAX && t[i].pub_len <= 512);
    }
}

static void unknown_numbers_and_names_are_not_found(void **st KD_UNUSED)
{
    assert_null(kc_alg_find(KC_ENCR, KC_ENCR_AES_CBC, 0)); /* AES has no row without a length */
    assert_null(kc_alg_find(KC_ENCR, KC_ENCR_AES_CBC, 129));
    assert_null(kc_alg_find(KC_ENCR, KC_ENCR_3DES, 192));
    assert_null(kc_alg_find(KC_ENCR, KC_ENCR_NONE, 0));
    assert_null(kc_alg_find(KC_PRF, KC_PRF_NONE, 0));
    assert_null(kc_alg_find(KC_DH, 65535, 0));
    assert_null(kc_alg_find((enum kc_transform_type)0, 0, 0));
    assert_null(kc_alg_by_name("aes255"));
    assert_null(kc_alg_by_name("AES256"));
    assert_null(kc_alg_by_name(""));
}

static void strongswan_spellings_mean_the_same_row(void **st KD_UNUSED)
{
    assert_ptr_equal(kc_alg_by_name("curve25519"), kc_alg_find(KC_DH, KC_DH_X25519, 0));
    assert_ptr_equal(kc_alg_by_name("sha2_256"), kc_alg_by_name("sha256"));
    assert_ptr_equal(kc_alg_by_name("aes256gcm"), kc_alg_find(KC_ENCR, KC_ENCR_AES_GCM_16, 256));
    assert_int_equal(kc_alg_by_name("prfsha256")->type, KC_PRF);
    assert_int_equal(kc_alg_by_name("sha256")->type, KC_INTEG);
}

static void the_real_provider_has_all_but_perhaps_single_des(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 1);
    size_t n;
    const struct kc_alg *t = kc_alg_table(&n);

    for (size_t i = 0; i < n; i++) {
        if (t[i].type == KC_ENCR && t[i].id == KC_ENCR_DES)
            continue; /* OpenSSL's legacy module may not be installed */
        assert_true(kc_available(c, &t[i]));
    }
    assert_false(kc_available(c, NULL));
    kc_ctx_free(c);
}

static void a_binary_without_kc_sim_has_no_simulator_provider(void **st KD_UNUSED)
{
    assert_null(kc_ctx_new(KC_PROVIDER_SIM, 8));
}

/* ---- arena ---- */

static void a_key_comes_out_as_it_went_in(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 2);
    struct blob k = fill(0x5a, KC_KEY_MAX);
    struct kd_handle h = import(c, &k);
    uint8_t out[KC_KEY_MAX];

    assert_int_equal(kc_key_len(c, h), KC_KEY_MAX);
    assert_int_equal(kc_key_export(c, h, out, sizeof(out)), KC_KEY_MAX);
    assert_memory_equal(out, k.b, sizeof(out));
    assert_int_equal(kc_key_export(c, h, out, sizeof(out) - 1), 0);
    k.len++;
    assert_true(kd_handle_none(kc_key_import(c, view(&k))));
    kc_ctx_free(c);
}

static void keys_are_the_same_by_what_they_hold(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    struct blob a = fill(1, 20), longer = fill(1, 21), other = fill(2, 20);
    struct kd_handle one = import(c, &a), two = import(c, &a);

    assert_true(kc_key_same(c, one, two));
    assert_false(kc_key_same(c, one, import(c, &longer)));
    assert_false(kc_key_same(c, one, import(c, &other)));
    assert_false(kc_key_same(c, one, KD_HANDLE_NONE));
    assert_true(kc_key_same(c, KD_HANDLE_NONE, KD_HANDLE_NONE));
    kc_ctx_free(c);
}

static void a_freed_handle_stays_dead_when_its_slot_lives_again(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 1);
    struct blob a = fill(1, 20), b = fill(2, 20);
    struct kd_handle old = import(c, &a), now;

    kc_key_free(c, old);
    now = import(c, &b);
    assert_int_equal(now.idx, old.idx);
    assert_int_not_equal(now.gen, old.gen);
    assert_int_equal(kc_key_len(c, old), 0);
    kc_key_free(c, old); /* ignored */
    kc_key_free(c, KD_HANDLE_NONE);
    assert_int_equal(kc_key_len(c, now), 20);
    assert_int_equal(kc_keys_live(c), 1);
    kc_ctx_free(c);
}

static void a_handle_never_given_out_is_stale(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 2);

    assert_int_equal(kc_key_len(c, (struct kd_handle){0, 1}), 0);
    assert_int_equal(kc_key_len(c, (struct kd_handle){2, 1}), 0);
    assert_int_equal(kc_key_len(c, (struct kd_handle){UINT32_MAX, UINT32_MAX}), 0);
    kc_ctx_free(c);
}

static void a_full_arena_refuses_and_recovers(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 3);
    struct blob k = fill(7, 32);
    struct kd_handle h[3];

    for (size_t i = 0; i < 3; i++)
        h[i] = import(c, &k);
    assert_true(kd_handle_none(kc_key_import(c, view(&k))));
    assert_int_equal(kc_keys_live(c), 3);
    kc_key_free(c, h[1]);
    assert_false(kd_handle_none(kc_key_import(c, view(&k))));
    assert_true(kd_handle_none(kc_key_import(c, view(&k))));
    kc_ctx_free(c);
}

static void a_freed_key_is_wiped(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 2);
    struct blob k = fill(0xa5, KC_KEY_MAX);
    struct kd_handle h = import(c, &k);
    const uint8_t *raw = kc_arena_raw(c->arena, h.idx);

    assert_memory_equal(raw, k.b, KC_KEY_MAX);
    kc_key_free(c, h);
    for (size_t i = 0; i < KC_KEY_MAX; i++)
        assert_int_equal(raw[i], 0);
    kc_ctx_free(c);
}

static void an_arena_of_no_keys_is_refused(void **st KD_UNUSED)
{
    assert_null(kc_ctx_new(KC_PROVIDER_REAL, 0));
    kc_ctx_free(NULL);
}

static void equal_compares_length_and_content(void **st KD_UNUSED)
{
    assert_true(kc_equal(kd_bytes_str("abc"), kd_bytes_str("abc")));
    assert_false(kc_equal(kd_bytes_str("abc"), kd_bytes_str("abd")));
    assert_false(kc_equal(kd_bytes_str("abc"), kd_bytes_str("ab")));
    assert_true(kc_equal(kd_bytes(NULL, 0), kd_bytes(NULL, 0)));
}

/* ---- random stream ---- */

/* RFC 8439 A.1, vector 1: the keystream of the zero key. Its first 32 bytes become the next key. */
static void the_stream_is_chacha20_after_the_next_key(void **st KD_UNUSED)
{
    struct kc_rng r = rng_of(0);
    uint8_t out[32];

    kc_rng_bytes(&r, out, sizeof(out));
    assert_bytes(out, sizeof(out),
                 "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    assert_bytes(r.seed, 32, "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
}

static void the_stream_does_not_depend_on_how_it_is_cut(void **st KD_UNUSED)
{
    struct kc_rng a = rng_of(9), b = rng_of(9);
    uint8_t x[300], y[300];

    kc_rng_bytes(&a, x, sizeof(x));
    for (size_t at = 0, n = 1; at < sizeof(y); at += n, n = n % 90 + 7)
        kc_rng_bytes(&b, y + at, KD_MIN(n, sizeof(y) - at));
    assert_memory_equal(x, y, sizeof(x));
}

static void what_the_stream_gave_out_is_gone_from_its_state(void **st KD_UNUSED)
{
    struct kc_rng r = rng_of(3);
    uint8_t out[40];

    kc_rng_bytes(&r, out, sizeof(out));
    for (size_t i = 0; i < sizeof(out); i++)
        assert_int_equal(r.buf[i], 0);
}

static void below_stays_below_and_reaches_every_value(void **st KD_UNUSED)
{
    struct kc_rng r = rng_of(4);
    unsigned int seen[6] = {0};

    for (int i = 0; i < 6000; i++) {
        uint32_t v = kc_rng_below(&r, 6);
        assert_true(v < 6);
        seen[v]++;
    }
    for (size_t i = 0; i < 6; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(kc_rng_below(&r, 1), 0);
    assert_true(kc_rng_below(&r, UINT32_MAX) < UINT32_MAX);
}

/* ---- PRF ---- */

static const struct prf_fact {
    enum kc_prf prf;
    uint8_t key_byte; /* repeated; 0: "Jefe" */
    size_t key_len;
    const char *data, *out;
} prf_facts[] = {
    /* RFC 2202 2 and 3, cases 1, 2 and 6 */
    {KC_PRF_HMAC_MD5, 0x0b, 16, "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"},
    {KC_PRF_HMAC_MD5, 0, 4, "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"},
    {KC_PRF_HMAC_SHA1, 0x0b, 20, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {KC_PRF_HMAC_SHA1, 0, 4, "what do ya want for nothing?",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {KC_PRF_HMAC_SHA1, 0xaa, 80, "Test Using Larger Than Block-Size Key - Hash Key First",
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    /* RFC 4231 4.2 and 4.7 */
    {KC_PRF_HMAC_SHA2_256, 0x0b, 20, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {KC_PRF_HMAC_SHA2_256, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {KC_PRF_HMAC_SHA2_384, 0x0b, 20, "Hi There",
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
     "faea9ea9076ede7f4af152e8b2fa9cb6"},
    {KC_PRF_HMAC_SHA2_512, 0x0b, 20, "Hi There",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
};

static void prf_is_the_rfcs_hmac(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);

    for (size_t i = 0; i < KD_ARRAY_LEN(prf_facts); i++) {
        const struct prf_fact *f = &prf_facts[i];
        struct blob key = f->key_byte ? fill(f->key_byte, f->key_len) : unhex("4a656665");
        struct kd_handle k = import(c, &key);
        struct kd_bytes all = kd_bytes_str(f->data);
        struct kd_bytes cut[3] = {kd_bytes(all.p, 3), kd_bytes(NULL, 0),
                                  kd_bytes(all.p + 3, all.len - 3)};
        uint8_t out[64];

        assert_true(kc_prf(c, f->prf, k, &all, 1, out));
        assert_bytes(out, kc_alg_find(KC_PRF, (uint16_t)f->prf, 0)->out_len, f->out);
        memset(out, 0, sizeof(out));
        assert_true(kc_prf(c, f->prf, k, cut, 3, out)); /* parts are concatenated */
        assert_bytes(out, kc_alg_find(KC_PRF, (uint16_t)f->prf, 0)->out_len, f->out);
        kc_key_free(c, k);
    }
    kc_ctx_free(c);
}

static void prf_with_a_stale_key_or_unknown_number_is_refused(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 2);
    struct blob key = fill(1, 20);
    struct kd_handle k = import(c, &key);
    struct kd_bytes d = kd_bytes_str("x");
    uint8_t out[64];

    assert_false(kc_prf(c, KC_PRF_NONE, k, &d, 1, out));
    assert_false(kc_prf(c, (enum kc_prf)99, k, &d, 1, out));
    assert_false(kc_prf(c, KC_PRF_HMAC_SHA1, KD_HANDLE_NONE, &d, 1, out));
    kc_key_free(c, k);
    assert_false(kc_prf(c, KC_PRF_HMAC_SHA1, k, &d, 1, out));
    assert_true(kd_handle_none(kc_prf_key(c, KC_PRF_HMAC_SHA1, view(&key), &d, 1, k)));
    assert_true(kd_handle_none(kc_prf_derive(c, KC_PRF_HMAC_SHA1, k, KD_HANDLE_NONE, &d, 1)));
    kc_ctx_free(c);
}

static void prf_key_appends_the_secret_and_prf_derive_prepends_it(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 8);
    struct blob nonces = fill(3, 40), gir = fill(8, 128), got;
    struct kd_handle k = import(c, &nonces), s = import(c, &gir);
    struct kd_bytes part = kd_bytes_str("Ni|Nr");
    struct kd_bytes after[2] = {part, view(&gir)}, before[2] = {view(&gir), part};
    uint8_t want[32];

    assert_true(kc_prf(c, KC_PRF_HMAC_SHA2_256, k, after, 2, want));
    got = exported(c, kc_prf_key(c, KC_PRF_HMAC_SHA2_256, view(&nonces), &part, 1, s));
    assert_int_equal(got.len, 32);
    assert_memory_equal(got.b, want, 32);
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA2_256, k, before, 2, want));
    got = exported(c, kc_prf_derive(c, KC_PRF_HMAC_SHA2_256, k, s, &part, 1));
    assert_memory_equal(got.b, want, 32);
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA2_256, k, &part, 1, want));
    got = exported(c, kc_prf_derive(c, KC_PRF_HMAC_SHA2_256, k, KD_HANDLE_NONE, &part, 1));
    assert_memory_equal(got.b, want, 32);
    kc_ctx_free(c);
}

/* T1 | T2 | T3 by hand, cut across the blocks' borders. */
static void prf_plus_is_chained_and_cut_in_order(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 16);
    struct blob kb = fill(1, 20), sb = fill(2, 64);
    struct kd_handle k = import(c, &kb), s = import(c, &sb), keys[4];
    const uint16_t lens[4] = {5, 0, 30, 25};
    struct kd_bytes seed[2] = {kd_bytes_str("Ni|Nr"), kd_bytes_str("SPIs")};
    uint8_t t[60], all[60], n = 1;

    for (size_t i = 0; i < 3; i++, n++) {
        struct kd_bytes parts[5] = {kd_bytes(t + 20 * i - (i ? 20 : 0), i ? 20 : 0), view(&sb),
                                    seed[0], seed[1], kd_bytes(&n, 1)};
        assert_true(kc_prf(c, KC_PRF_HMAC_SHA1, k, parts, 5, t + 20 * i));
    }
    assert_true(kc_prf_plus(c, KC_PRF_HMAC_SHA1, k, s, seed, 2, lens, 4, keys));
    assert_true(kd_handle_none(keys[1]));
    assert_int_equal(kc_key_export(c, keys[0], all, 60), 5);
    assert_int_equal(kc_key_export(c, keys[2], all + 5, 55), 30);
    assert_int_equal(kc_key_export(c, keys[3], all + 35, 25), 25);
    assert_memory_equal(all, t, 60);
    kc_ctx_free(c);
}

static void prf_plus_ends_after_255_blocks(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 16);
    struct blob kb = fill(1, 20);
    struct kd_handle k = import(c, &kb), keys[9];
    /* 255 * 20 = 5100 */
    uint16_t lens[9] = {600, 600, 600, 600, 600, 600, 600, 600, 300};
    struct kd_bytes seed = kd_bytes_str("s");

    assert_true(kc_prf_plus(c, KC_PRF_HMAC_SHA1, k, KD_HANDLE_NONE, &seed, 1, lens, 9, keys));
    for (size_t i = 0; i < 9; i++)
        kc_key_free(c, keys[i]);
    lens[8]++;
    assert_false(kc_prf_plus(c, KC_PRF_HMAC_SHA1, k, KD_HANDLE_NONE, &seed, 1, lens, 9, keys));
    assert_int_equal(kc_keys_live(c), 1);
    kc_ctx_free(c);
}

static void prf_plus_is_all_or_nothing(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    struct blob kb = fill(1, 20);
    struct kd_handle k = import(c, &kb), stale = import(c, &kb), keys[4];
    const uint16_t lens[4] = {20, 20, 20, 20}, too_long[1] = {KC_KEY_MAX + 1};
    struct kd_bytes seed = kd_bytes_str("s");

    kc_key_free(c, stale);
    assert_false(kc_prf_plus(c, KC_PRF_HMAC_SHA1, k, KD_HANDLE_NONE, &seed, 1, lens, 4, keys));
    assert_int_equal(kc_keys_live(c), 1);
    for (size_t i = 0; i < 4; i++)
        assert_true(kd_handle_none(keys[i]));
    assert_false(kc_prf_plus(c, KC_PRF_HMAC_SHA1, stale, KD_HANDLE_NONE, &seed, 1, lens, 3, keys));
    assert_false(kc_prf_plus(c, KC_PRF_HMAC_SHA1, k, stale, &seed, 1, lens, 3, keys));
    assert_false(kc_prf_plus(c, KC_PRF_HMAC_SHA1, k, k, &seed, 1, too_long, 1, keys));
    assert_true(kc_prf_plus(c, KC_PRF_HMAC_SHA1, k, KD_HANDLE_NONE, &seed, 1, lens, 3, keys));
    assert_int_equal(kc_keys_live(c), 4);
    kc_ctx_free(c);
}

/* FIPS 180's "abc". */
static void sha1_takes_parts(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 1);
    struct kd_bytes parts[3] = {kd_bytes_str("a"), kd_bytes(NULL, 0), kd_bytes_str("bc")};
    uint8_t out[20];

    kc_sha1(c, parts, 3, out);
    assert_bytes(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    kc_ctx_free(c);
}

/* ---- threads ---- */

static void *worker(void *arg)
{
    struct kc_ctx *c = arg;
    uint8_t byte = 0x42, out[32];

    for (int i = 0; i < 2000; i++) {
        struct blob kb = fill(byte, 32);
        struct kd_bytes d = kd_bytes_str("data");
        struct kd_handle k = kc_key_import(c, view(&kb));
        if (kd_handle_none(k) || !kc_prf(c, KC_PRF_HMAC_SHA2_256, k, &d, 1, out))
            return NULL;
        kc_key_free(c, k);
        if (kc_prf(c, KC_PRF_HMAC_SHA2_256, k, &d, 1, out))
            return NULL;
    }
    return c;
}

static void threads_share_a_context(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    pthread_t t[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, worker, c), 0);
    for (size_t i = 0; i < 4; i++) {
        void *ok;
        assert_int_equal(pthread_join(t[i], &ok), 0);
        assert_ptr_equal(ok, c);
    }
    assert_int_equal(kc_keys_live(c), 0);
    kc_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_numbers_and_by_its_name),
        cmocka_unit_test(unknown_numbers_and_names_are_not_found),
        cmocka_unit_test(strongswan_spellings_mean_the_same_row),
        cmocka_unit_test(the_real_provider_has_all_but_perhaps_single_des),
        cmocka_unit_test(a_binary_without_kc_sim_has_no_simulator_provider),
        cmocka_unit_test(a_key_comes_out_as_it_went_in),
        cmocka_unit_test(keys_are_the_same_by_what_they_hold),
        cmocka_unit_test(a_freed_handle_stays_dead_when_its_slot_lives_again),
        cmocka_unit_test(a_handle_never_given_out_is_stale),
        cmocka_unit_test(a_full_arena_refuses_and_recovers),
        cmocka_unit_test(a_freed_key_is_wiped),
        cmocka_unit_test(an_arena_of_no_keys_is_refused),
        cmocka_unit_test(equal_compares_length_and_content),
        cmocka_unit_test(the_stream_is_chacha20_after_the_next_key),
        cmocka_unit_test(the_stream_does_not_depend_on_how_it_is_cut),
        cmocka_unit_test(what_the_stream_gave_out_is_gone_from_its_state),
        cmocka_unit_test(below_stays_below_and_reaches_every_value),
        cmocka_unit_test(prf_is_the_rfcs_hmac),
        cmocka_unit_test(prf_with_a_stale_key_or_unknown_number_is_refused),
        cmocka_unit_test(prf_key_appends_the_secret_and_prf_derive_prepends_it),
        cmocka_unit_test(prf_plus_is_chained_and_cut_in_order),
        cmocka_unit_test(prf_plus_ends_after_255_blocks),
        cmocka_unit_test(prf_plus_is_all_or_nothing),
        cmocka_unit_test(sha1_takes_parts),
        cmocka_unit_test(threads_share_a_context),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
