/* The simulator's provider beyond what the box and DH tests claim of both: it is deterministic,
 * keeps the real sizes, and tells apart what the real one would. */
#include "test_crypto.h"

#include "crypto/provider.h"

static void it_is_there_when_linked(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_SIM, 4);
    size_t n;
    const struct kc_alg *t = kc_alg_table(&n);

    for (size_t i = 0; i < n; i++)
        assert_true(kc_available(c, &t[i]));
    kc_ctx_free(c);
}

/* Typed from the first run: a change here breaks every recorded trace. */
static void its_results_never_change(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_SIM, 8);
    struct blob kb = fill(1, 20);
    struct kd_handle k = import(c, &kb);
    struct kd_bytes d = kd_bytes_str("data");
    struct kc_rng r = rng_of(1);
    struct kc_job job = {.kind = KC_JOB_DH_KEYGEN, .group = KC_DH_ECP256};
    struct kc_job_result res;
    uint8_t out[20];

    assert_true(kc_prf(c, KC_PRF_HMAC_SHA1, k, &d, 1, out));
    assert_bytes(out, 20, "09d0961868cb2e7c177e5888bd4e3f459770d157");
    job.priv = kc_dh_private(c, job.group, &r);
    kc_job_run(c, &job, &res);
    assert_int_equal(res.status, KC_JOB_OK);
    assert_bytes(res.pub, 16, "0925b7736c61e7f56f0002e1edaa4d2d");
    kc_ctx_free(c);
}

static void its_boxes_never_change(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_SIM, 8);
    struct blob eb = fill(1, 32), ib = fill(2, 20), iv = fill(3, 16), text = fill(4, 16);
    struct kd_handle e = import(c, &eb), i = import(c, &ib);
    struct kc_box *b = kc_box_new(c, kc_alg_by_name("aes256"), kc_alg_by_name("sha1"), e, i);
    uint8_t icv[12];

    assert_non_null(b);
    assert_true(
        kc_box_seal(b, iv.b, kd_bytes_str("aad"), text.b, text.len, kd_bytes_str("tail"), icv));
    assert_bytes(text.b, text.len, "ec6b78fe97b44ec2b31075320b6a3875");
    assert_bytes(icv, 12, "ca344cf96f502f7ec65768f6");
    kc_box_free(b);
    kc_ctx_free(c);
}

static void prf_depends_on_number_key_and_data_and_takes_parts(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_SIM, 8);
    struct blob kb = fill(1, 200), kb2 = kb; /* longer than BLAKE2b's key */
    struct kd_handle k, k2;
    struct kd_bytes d = kd_bytes_str("data"), cut[2] = {kd_bytes_str("da"), kd_bytes_str("ta")};
    uint8_t a[64], b[64];

    kb2.b[199] ^= 1;
    k = import(c, &kb);
    k2 = import(c, &kb2);
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA1, k, &d, 1, a));
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA1, k, cut, 2, b));
    assert_memory_equal(a, b, 20);
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA1, k2, &d, 1, b));
    assert_memory_not_equal(a, b, 20);
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA1, k, cut, 1, b));
    assert_memory_not_equal(a, b, 20);
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA2_256, k, &d, 1, b));
    assert_memory_not_equal(a, b, 20);
    kc_sha1(c, &d, 1, a);
    kc_sha1(c, cut, 2, b);
    assert_memory_equal(a, b, 20);
    kc_ctx_free(c);
}

static void key_derivation_takes_the_same_paths(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_SIM, 16);
    struct kd_bytes seed = kd_bytes_str("Ni|Nr|SPIs");
    struct kd_handle skeyseed = kc_prf_key(c, KC_PRF_HMAC_SHA2_512, seed, NULL, 0, KD_HANDLE_NONE);
    const uint16_t lens[7] = {64, 32, 32, 36, 36, 64, 64};
    struct kd_handle keys[7];

    assert_int_equal(kc_key_len(c, skeyseed), 64);
    assert_true(
        kc_prf_plus(c, KC_PRF_HMAC_SHA2_512, skeyseed, KD_HANDLE_NONE, &seed, 1, lens, 7, keys));
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(kc_key_len(c, keys[i]), lens[i]);
    kc_ctx_free(c);
}

/* As with a real MODP group: a changed public value is not an error but another secret. */
static void a_changed_public_value_gives_both_sides_different_secrets(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_SIM, 8);
    struct kc_rng r = rng_of(2);
    struct kc_job a = {.kind = KC_JOB_DH_KEYGEN, .group = KC_DH_MODP2048};
    struct kc_job b = a;
    struct kc_job_result pa, pb, sa, sb;
    struct blob x, y;

    a.priv = kc_dh_private(c, a.group, &r);
    b.priv = kc_dh_private(c, b.group, &r);
    kc_job_run(c, &a, &pa);
    kc_job_run(c, &b, &pb);
    pa.pub[255] ^= 1; /* on the way */
    a.kind = b.kind = KC_JOB_DH_SHARED;
    a.peer = kd_bytes(pb.pub, pb.pub_len);
    b.peer = kd_bytes(pa.pub, pa.pub_len);
    kc_job_run(c, &a, &sa);
    kc_job_run(c, &b, &sb);
    assert_int_equal(sa.status, KC_JOB_OK);
    assert_int_equal(sb.status, KC_JOB_OK);
    x = exported(c, sa.secret);
    y = exported(c, sb.secret);
    assert_memory_not_equal(x.b, y.b, x.len);
    kc_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_there_when_linked),
        cmocka_unit_test(its_results_never_change),
        cmocka_unit_test(its_boxes_never_change),
        cmocka_unit_test(prf_depends_on_number_key_and_data_and_takes_parts),
        cmocka_unit_test(key_derivation_takes_the_same_paths),
        cmocka_unit_test(a_changed_public_value_gives_both_sides_different_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
