/* Diffie-Hellman jobs, of both providers: both sides agree, bad public values are refused as RFC
 * 6989 wants, and the real groups are the RFCs' numbers. */
#include "test_crypto.h"

#include "crypto/dh.h"

#include <openssl/bn.h>

static const enum kc_dh groups[] = {
    KC_DH_MODP768,  KC_DH_MODP1024, KC_DH_MODP1536,     KC_DH_MODP2048,
    KC_DH_MODP3072, KC_DH_MODP4096, KC_DH_ECP256,       KC_DH_ECP384,
    KC_DH_ECP521,   KC_DH_X25519,   KC_DH_MODP2048_256,
};

static const enum kc_dh modp[] = {
    KC_DH_MODP768,  KC_DH_MODP1024, KC_DH_MODP1536,     KC_DH_MODP2048,
    KC_DH_MODP3072, KC_DH_MODP4096, KC_DH_MODP2048_256,
};

static const struct kc_alg *alg_of(enum kc_dh group)
{
    return kc_alg_find(KC_DH, (uint16_t)group, 0);
}

static struct blob public_of(struct kc_ctx *c, enum kc_dh group, struct kd_handle priv)
{
    const struct kc_job job = {.kind = KC_JOB_DH_KEYGEN, .group = group, .priv = priv};
    struct kc_job_result res;
    struct blob out;

    kc_job_run(c, &job, &res);
    assert_int_equal(res.status, KC_JOB_OK);
    assert_int_equal(res.pub_len, alg_of(group)->pub_len);
    assert_true(kd_handle_none(res.secret));
    out.len = res.pub_len;
    memcpy(out.b, res.pub, out.len);
    return out;
}

static struct kc_job_result shared_of(struct kc_ctx *c, enum kc_dh group, struct kd_handle priv,
                                      struct kd_bytes peer)
{
    const struct kc_job job = {
        .kind = KC_JOB_DH_SHARED, .group = group, .priv = priv, .peer = peer};
    struct kc_job_result res;

    kc_job_run(c, &job, &res);
    assert_true((res.status == KC_JOB_OK) == !kd_handle_none(res.secret));
    return res;
}

static void assert_refused(struct kc_ctx *c, enum kc_dh group, struct kd_handle priv,
                           const struct blob *peer)
{
    uint32_t live = kc_keys_live(c);

    assert_int_equal(shared_of(c, group, priv, view(peer)).status, KC_JOB_BAD_PEER);
    assert_int_equal(kc_keys_live(c), live);
}

/* ---- both providers ---- */

static void agree(struct kc_ctx *c, enum kc_dh group)
{
    struct kc_rng r = rng_of((uint8_t)group);
    struct kd_handle a = kc_dh_private(c, group, &r), b = kc_dh_private(c, group, &r);
    struct blob pa = public_of(c, group, a), pb = public_of(c, group, b), sa, sb;
    struct kc_job_result ra = shared_of(c, group, a, view(&pb));
    struct kc_job_result rb = shared_of(c, group, b, view(&pa));

    assert_int_equal(ra.status, KC_JOB_OK);
    assert_int_equal(rb.status, KC_JOB_OK);
    sa = exported(c, ra.secret);
    sb = exported(c, rb.secret);
    assert_int_equal(sa.len, alg_of(group)->out_len);
    assert_int_equal(sb.len, sa.len);
    assert_memory_equal(sa.b, sb.b, sa.len);
    assert_memory_not_equal(pa.b, pb.b, pa.len);
    kc_key_free(c, a);
    kc_key_free(c, b);
    kc_key_free(c, ra.secret);
    kc_key_free(c, rb.secret);
    assert_int_equal(kc_keys_live(c), 0);
}

static void both_sides_agree_in_every_group(void **st KD_UNUSED)
{
    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 4);
        for (size_t i = 0; i < KD_ARRAY_LEN(groups); i++)
            agree(c, groups[i]);
        kc_ctx_free(c);
    }
}

static void the_private_value_follows_from_the_seed(void **st KD_UNUSED)
{
    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 2), *d = ctx_new((enum kc_provider)p, 2);
        for (size_t i = 0; i < KD_ARRAY_LEN(groups); i++) {
            struct kc_rng r = rng_of(5), s = rng_of(5);
            struct kd_handle a = kc_dh_private(c, groups[i], &r);
            struct kd_handle b = kc_dh_private(d, groups[i], &s);
            struct blob pa = public_of(c, groups[i], a), pb = public_of(d, groups[i], b);
            assert_memory_equal(pa.b, pb.b, pa.len);
            kc_key_free(c, a);
            kc_key_free(d, b);
        }
        kc_ctx_free(c);
        kc_ctx_free(d);
    }
}

static void a_wrong_length_is_refused(void **st KD_UNUSED)
{
    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 4);
        for (size_t i = 0; i < KD_ARRAY_LEN(groups); i++) {
            struct kc_rng r = rng_of(6);
            struct kd_handle a = kc_dh_private(c, groups[i], &r);
            struct blob pub = public_of(c, groups[i], a), cut = pub, none = {.len = 0};
            cut.len--;
            assert_refused(c, groups[i], a, &cut);
            pub.b[pub.len++] = 0;
            assert_refused(c, groups[i], a, &pub);
            memmove(pub.b + 1, pub.b, pub.len - 1); /* nor may zeros stand in front */
            pub.b[0] = 0;
            assert_refused(c, groups[i], a, &pub);
            assert_refused(c, groups[i], a, &none);
            kc_key_free(c, a);
        }
        kc_ctx_free(c);
    }
}

static void zero_and_one_are_refused(void **st KD_UNUSED)
{
    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 4);
        for (size_t i = 0; i < KD_ARRAY_LEN(groups); i++) {
            struct kc_rng r = rng_of(7);
            struct kd_handle a = kc_dh_private(c, groups[i], &r);
            struct blob y = fill(0, alg_of(groups[i])->pub_len);
            assert_refused(c, groups[i], a, &y);
            if (groups[i] == KC_DH_X25519 && p == KC_PROVIDER_REAL)
                y.b[0] = 1; /* little-endian: the point of order 4 */
            else
                y.b[y.len - 1] = 1;
            assert_refused(c, groups[i], a, &y);
            kc_key_free(c, a);
        }
        kc_ctx_free(c);
    }
}

static void jobs_fail_without_a_group_a_key_or_room(void **st KD_UNUSED)
{
    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 1);
        struct kc_rng r = rng_of(8);
        struct kd_handle a = kc_dh_private(c, KC_DH_X25519, &r);
        struct blob pub = public_of(c, KC_DH_X25519, a);

        assert_true(kd_handle_none(kc_dh_private(c, KC_DH_X25519, &r))); /* arena full */
        assert_true(kd_handle_none(kc_dh_private(c, KC_DH_NONE, &r)));
        assert_true(kd_handle_none(kc_dh_private(c, (enum kc_dh)999, &r)));
        assert_int_equal(shared_of(c, KC_DH_NONE, a, view(&pub)).status, KC_JOB_FAILED);
        assert_int_equal(shared_of(c, (enum kc_dh)999, a, view(&pub)).status, KC_JOB_FAILED);
        assert_int_equal(shared_of(c, KC_DH_X25519, KD_HANDLE_NONE, view(&pub)).status,
                         KC_JOB_FAILED);
        kc_key_free(c, a);
        assert_int_equal(shared_of(c, KC_DH_X25519, a, view(&pub)).status, KC_JOB_FAILED);
        kc_ctx_free(c);
    }
}

/* ---- MODP ---- */

/* p + delta, written over the group's length. */
static struct blob around_p(enum kc_dh group, int delta)
{
    struct blob y = unhex(kc_modp_p(group));
    int carry = delta;

    for (size_t i = y.len; i-- > 0 && carry != 0;) {
        int v = y.b[i] + carry;
        carry = v < 0 ? -1 : v >> 8;
        y.b[i] = (uint8_t)v;
    }
    return y;
}

static void values_outside_the_group_are_refused_and_the_nearest_inside_taken(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 16);

    for (size_t i = 0; i < KD_ARRAY_LEN(modp); i++) {
        struct kc_rng r = rng_of(9);
        struct kd_handle a = kc_dh_private(c, modp[i], &r);
        struct blob y, top = fill(0xff, alg_of(modp[i])->pub_len);
        for (int d = -1; d <= 1; d++) { /* p - 1, p, p + 1 */
            y = around_p(modp[i], d);
            assert_refused(c, modp[i], a, &y);
        }
        assert_refused(c, modp[i], a, &top);
        if (modp[i] == KC_DH_MODP2048_256)
            continue; /* p - 2 isn't in its subgroup: next test */
        y = around_p(modp[i], -2);
        assert_int_equal(shared_of(c, modp[i], a, view(&y)).status, KC_JOB_OK);
    }
    kc_ctx_free(c);
}

static void group_24_refuses_what_is_outside_its_subgroup(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    struct kc_rng r = rng_of(10);
    struct kd_handle a = kc_dh_private(c, KC_DH_MODP2048_256, &r);
    struct blob g = unhex(kc_modp_g(KC_DH_MODP2048_256)), two = fill(0, 256);
    struct blob y = around_p(KC_DH_MODP2048_256, -2);

    assert_int_equal(shared_of(c, KC_DH_MODP2048_256, a, view(&g)).status, KC_JOB_OK);
    g.b[255] ^= 1;
    assert_refused(c, KC_DH_MODP2048_256, a, &g);
    two.b[255] = 2;
    assert_refused(c, KC_DH_MODP2048_256, a, &two);
    assert_refused(c, KC_DH_MODP2048_256, a, &y);
    kc_ctx_free(c);
}

static size_t private_len(struct kc_ctx *c, enum kc_dh group)
{
    struct kc_rng r = rng_of(11);
    struct kd_handle h = kc_dh_private(c, group, &r);
    size_t len = kc_key_len(c, h);

    kc_key_free(c, h);
    return len;
}

/* By hand: 2^3 = 8 and 5^3 = 125, both with zeros in front up to the length of p. */
static void modp_values_are_padded_to_the_length_of_p(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);

    for (size_t i = 0; i < KD_ARRAY_LEN(modp); i++) {
        struct blob x = fill(0, private_len(c, modp[i])), y = fill(0, alg_of(modp[i])->pub_len);
        struct blob want = y, got;
        struct kd_handle a, s;
        if (modp[i] == KC_DH_MODP2048_256)
            continue;
        x.b[x.len - 1] = 3;
        a = import(c, &x);
        got = public_of(c, modp[i], a);
        want.b[want.len - 1] = 8;
        assert_memory_equal(got.b, want.b, want.len);
        y.b[y.len - 1] = 5;
        s = shared_of(c, modp[i], a, view(&y)).secret;
        got = exported(c, s);
        want.b[want.len - 1] = 125;
        assert_int_equal(got.len, want.len);
        assert_memory_equal(got.b, want.b, want.len);
        kc_key_free(c, a);
        kc_key_free(c, s);
    }
    kc_ctx_free(c);
}

/* Computed apart, with Python's pow(). */
static void modp_public_values_are_powers(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    struct blob x = fill(0x5a, 32), y;
    struct kd_handle a = import(c, &x);
    struct kd_bytes part;
    uint8_t hash[20];

    y = public_of(c, KC_DH_MODP768, a);
    assert_bytes(y.b, y.len,
                 "67165ed8bf05ce620dc0a6e188ae2d7c9b962d9d5bfd39e05d8184be0eedc8e3"
                 "ab4ad89ddb7fb15f2e0faeedb61ec5b3fd5239b356cf2706ebeee9ce658ff543"
                 "7cb4486842af0a493c9c2b7b2d3c4768a293fca30af5de6d0b0b3b9b8bd500b4");
    x = fill(0, 32);
    x.b[31] = 3;
    kc_key_free(c, a);
    a = import(c, &x);
    y = public_of(c, KC_DH_MODP2048_256, a);
    part = view(&y);
    kc_sha1(c, &part, 1, hash);
    assert_bytes(hash, 20, "7d01211187e3c46e22d76fd01ecd8a0ee0070212");
    kc_ctx_free(c);
}

static void the_typed_primes_are_openssls(void **st KD_UNUSED)
{
    BIGNUM *(*const fetch[])(BIGNUM *) = {
        BN_get_rfc2409_prime_768,  BN_get_rfc2409_prime_1024, BN_get_rfc3526_prime_1536,
        BN_get_rfc3526_prime_2048, BN_get_rfc3526_prime_3072, BN_get_rfc3526_prime_4096,
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(fetch); i++) {
        BIGNUM *theirs = fetch[i](NULL), *ours = NULL;
        assert_true(BN_hex2bn(&ours, kc_modp_p(modp[i])) > 0);
        assert_int_equal(BN_cmp(ours, theirs), 0);
        BN_free(ours);
        BN_free(theirs);
    }
}

static void group_24_is_a_prime_order_subgroup(void **st KD_UNUSED)
{
    BIGNUM *p = NULL, *q = NULL, *g = NULL, *r = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    BN_hex2bn(&p, kc_modp_p(KC_DH_MODP2048_256));
    BN_hex2bn(&q, kc_modp_q(KC_DH_MODP2048_256));
    BN_hex2bn(&g, kc_modp_g(KC_DH_MODP2048_256));
    assert_int_equal(BN_check_prime(p, ctx, NULL), 1);
    assert_int_equal(BN_check_prime(q, ctx, NULL), 1);
    assert_true(BN_mod_exp(r, g, q, p, ctx) && BN_is_one(r));
    assert_int_equal(BN_num_bits(q), 256);
    BN_free(p);
    BN_free(q);
    BN_free(g);
    BN_free(r);
    BN_CTX_free(ctx);
}

static void a_private_value_of_another_group_fails(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);

    for (size_t i = 0; i < KD_ARRAY_LEN(groups); i++) {
        struct kc_job job = {.kind = KC_JOB_DH_KEYGEN, .group = groups[i]};
        struct kc_job_result res;
        struct blob shorter = fill(0x11, private_len(c, groups[i]) - 1);
        struct blob zero = fill(0, private_len(c, groups[i])), top = fill(0xff, zero.len);

        job.priv = import(c, &shorter);
        kc_job_run(c, &job, &res);
        assert_int_equal(res.status, KC_JOB_FAILED);
        kc_key_free(c, job.priv);
        if (groups[i] == KC_DH_X25519)
            continue; /* any 32 bytes are one, by clamping */
        job.priv = import(c, &zero);
        kc_job_run(c, &job, &res);
        assert_int_equal(res.status, KC_JOB_FAILED);
        kc_key_free(c, job.priv);
        job.priv = import(c, &top); /* above the order, where the order is that short */
        kc_job_run(c, &job, &res);
        assert_int_equal(res.status,
                         kc_modp_p(groups[i]) && !kc_modp_q(groups[i]) ? KC_JOB_OK : KC_JOB_FAILED);
        kc_key_free(c, job.priv);
    }
    kc_ctx_free(c);
}

/* ---- published examples ---- */

static const struct dh_fact {
    enum kc_dh group;
    const char *priv, *pub, *peer, *shared;
} dh_facts[] = {
    /* RFC 5903 8.1 */
    {KC_DH_ECP256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252"
     "d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e"
     "8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    /* RFC 5903 8.2 */
    {KC_DH_ECP384,
     "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee"
     "3faef896783ab194",
     "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4"
     "c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38e"
     "eb9fcff3c2c947dae69b4c634573a81c",
     "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def9"
     "6fda41d0774a3571dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1ff"
     "f83fa40142209dff5eaad96db9e6386c",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d0"
     "9cf5d4a270f59746"},
    /* RFC 7748 6.1 */
    {KC_DH_X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    /* RFC 5114 A.3 */
    {KC_DH_MODP2048_256, "0881382cdb87660c6dc13e614938d5b9c8b2f248581cc5e31b35454397fce50e",
     "2e9380c8323af97545bc4941deb0ec3742c62fe0ece824a6abdbe66c59bee0242911bfb967235ceb"
     "a35ae13e4ec752be630b92dc4bde2847a9c62cb8152745421fb7eb60a63c0fe9159fcce726ce7cd8"
     "523d7450667ef840e4919121eb5f01c8c9b0d3d648a93bfb75689e8244ac134af544711ce79a02dc"
     "c34226684780dddcb498594106c37f5bc79856487af5ab022a2e5e42f09897c1a85a11ea0212af04"
     "d9b4cebc937c3c1a3e15a8a0342e337615c84e7fe3b8b9b87fb1e73a15af12a30d746e06dfc34f29"
     "0d797ce51aa13aa785bf6658aff5e4b093003cbeaf665b3c2e113a3a4e905269341dc0711426685f"
     "4ef37e868a8126ff3f2279b57ca67e29",
     "575f0351bd2b1b817448bdf87a6c362c1e289d3903a30b9832c5741fa250363e7acbc7f77f3dacbc"
     "1f131add8e03367eff8fbbb3e1c5784424809b25afe4d2262a1a6fd2fab64105ca30a674e07f7809"
     "852088632fc049233791ad4edd083a978b883ee618bc5e0dd047415f2d95e683cf14826b5fbe10d3"
     "ce41c6c120c78ab20008c698bf7f0bcab9d7f407bed0f43afb2970f57f8d12043963e66ddd320d59"
     "9ad9936c8f44137c08b180ec5e985cebe186f3d549677e80607331ee17af3380a725b0782317d7dd"
     "43f59d7af9568a9bb63a84d365f92244ed120988219302f42924c7ca90b89d24f71b0ab697823d7d"
     "eb1aff5b0e8e4a45d49f7f53757e1913",
     "86c70bf8d0bb81bb01078a17219cb7d27203db2a19c877f1d1f19fd7d77ef22546a68f005ad52dc8"
     "4553b78fc60330be51ea7c0672cac1515e4b35c047b9a551b88f39dc26da14a09ef74774d47c762d"
     "d177f9ed5bc2f11e52c879bd95098504cd9eecd8a8f9b3efbd1f008ac5853097d9d1837f2b18f77c"
     "d7be01af80a7c7b5ea3ca54cc02d0c116fee3f95bb87399385875d7e86747e676e728938acbff709"
     "8e05be4dcfb24052b83aeffb14783f029adbde7f53fae92084224090e007cee94d4bf2bace9ffd4b"
     "57d2af7c724d0caa19bf0501f6f17b4aa10f425e3ea76080b4b9d6b3cefea115b2ceb8789bb8a3b0"
     "ea87febe63b6c8f846ec6db0c26c5d7c"},
};

static void the_rfcs_examples_come_out(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);

    for (size_t i = 0; i < KD_ARRAY_LEN(dh_facts); i++) {
        const struct dh_fact *f = &dh_facts[i];
        struct blob priv = unhex(f->priv), peer = unhex(f->peer);
        struct kd_handle a = import(c, &priv);
        struct blob pub = public_of(c, f->group, a), s;
        struct kc_job_result res = shared_of(c, f->group, a, view(&peer));

        assert_bytes(pub.b, pub.len, f->pub);
        s = exported(c, res.secret);
        assert_bytes(s.b, s.len, f->shared);
        kc_key_free(c, res.secret);
        kc_key_free(c, a);
    }
    kc_ctx_free(c);
}

/* ---- curves ---- */

static void a_point_beside_the_curve_is_refused(void **st KD_UNUSED)
{
    const enum kc_dh ecp[] = {KC_DH_ECP256, KC_DH_ECP384, KC_DH_ECP521};

    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 8);
        for (size_t i = 0; i < KD_ARRAY_LEN(ecp); i++) {
            struct kc_rng r = rng_of(12);
            struct kd_handle a = kc_dh_private(c, ecp[i], &r);
            struct blob good = public_of(c, ecp[i], a), bad = good, top = fill(0xff, good.len);
            bad.b[bad.len - 1] ^= 1; /* y */
            assert_refused(c, ecp[i], a, &bad);
            bad = good;
            bad.b[bad.len / 2 - 1] ^= 1; /* x */
            assert_refused(c, ecp[i], a, &bad);
            assert_refused(c, ecp[i], a, &top); /* coordinates above the field's prime */
            assert_int_equal(shared_of(c, ecp[i], a, view(&good)).status, KC_JOB_OK);
        }
        kc_ctx_free(c);
    }
}

/* Points of order 2, 4 and 8 (RFC 7748 6.1 gives a secret of zeros for them), and some that only
 * look odd: the top bit set is ignored. */
static void x25519_refuses_small_order_and_ignores_the_top_bit(void **st KD_UNUSED)
{
    static const char *const bad[] = {
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    struct kc_rng r = rng_of(13);
    struct kd_handle a = kc_dh_private(c, KC_DH_X25519, &r);
    struct blob y, s, t;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        y = unhex(bad[i]);
        assert_refused(c, KC_DH_X25519, a, &y);
    }
    y = public_of(c, KC_DH_X25519, a);
    s = exported(c, shared_of(c, KC_DH_X25519, a, view(&y)).secret);
    y.b[31] ^= 0x80;
    t = exported(c, shared_of(c, KC_DH_X25519, a, view(&y)).secret);
    assert_memory_equal(s.b, t.b, 32);
    kc_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_agree_in_every_group),
        cmocka_unit_test(the_private_value_follows_from_the_seed),
        cmocka_unit_test(a_wrong_length_is_refused),
        cmocka_unit_test(zero_and_one_are_refused),
        cmocka_unit_test(jobs_fail_without_a_group_a_key_or_room),
        cmocka_unit_test(values_outside_the_group_are_refused_and_the_nearest_inside_taken),
        cmocka_unit_test(group_24_refuses_what_is_outside_its_subgroup),
        cmocka_unit_test(modp_values_are_padded_to_the_length_of_p),
        cmocka_unit_test(modp_public_values_are_powers),
        cmocka_unit_test(the_typed_primes_are_openssls),
        cmocka_unit_test(group_24_is_a_prime_order_subgroup),
        cmocka_unit_test(a_private_value_of_another_group_fails),
        cmocka_unit_test(the_rfcs_examples_come_out),
        cmocka_unit_test(a_point_beside_the_curve_is_refused),
        cmocka_unit_test(x25519_refuses_small_order_and_ignores_the_top_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
