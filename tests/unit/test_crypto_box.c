/* Boxes, of both providers: what was sealed opens, what was changed anywhere doesn't, and the real
 * one is the RFCs' construction. */
#include "test_crypto.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define LEN 48 /* three AES blocks, six DES blocks */

struct packet {
    uint8_t aad[8], iv[16], text[LEN], tail[4], icv[32];
    size_t tail_len;
};

static struct packet packet_of(const struct kc_alg *encr)
{
    struct packet p = {.tail_len = encr->aead ? 0 : 4};

    memset(p.aad, 0x11, sizeof(p.aad));
    memset(p.iv, 0x22, sizeof(p.iv));
    memset(p.text, 0x33, sizeof(p.text));
    memset(p.tail, 0x44, sizeof(p.tail));
    return p;
}

static bool seal(struct kc_box *b, struct packet *p)
{
    return kc_box_seal(b, p->iv, kd_bytes(p->aad, sizeof(p->aad)), p->text, LEN,
                       kd_bytes(p->tail, p->tail_len), p->icv);
}

/* Opens a copy. */
static bool opens(struct kc_box *b, struct packet p, uint8_t *text)
{
    bool ok = kc_box_open(b, p.iv, kd_bytes(p.aad, sizeof(p.aad)), p.text, LEN,
                          kd_bytes(p.tail, p.tail_len), p.icv);

    if (text)
        memcpy(text, p.text, LEN);
    return ok;
}

static struct kc_box *box_of(struct kc_ctx *c, const struct kc_alg *encr,
                             const struct kc_alg *integ, uint8_t enc_byte, uint8_t int_byte)
{
    struct blob ek = fill(enc_byte, encr->key_len + encr->salt_len);
    struct blob ik = fill(int_byte, integ ? integ->key_len : 0);
    struct kd_handle e = ek.len ? import(c, &ek) : KD_HANDLE_NONE;
    struct kd_handle i = ik.len ? import(c, &ik) : KD_HANDLE_NONE;
    struct kc_box *b = kc_box_new(c, encr, integ, e, i);

    assert_non_null(b);
    kc_key_free(c, e); /* a box keeps what it needs */
    kc_key_free(c, i);
    return b;
}

/* Runs f for every suite of both providers. */
static void each_suite(void (*f)(struct kc_ctx *c, const struct kc_alg *e, const struct kc_alg *i))
{
    size_t n;
    const struct kc_alg *t = kc_alg_table(&n);

    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 8);
        for (size_t e = 0; e < n; e++) {
            if (t[e].type != KC_ENCR || !kc_available(c, &t[e]))
                continue;
            if (t[e].aead)
                f(c, &t[e], NULL);
            for (size_t i = 0; i < n && !t[e].aead; i++) {
                if (t[i].type == KC_INTEG && t[i].id != KC_INTEG_NONE)
                    f(c, &t[e], &t[i]);
            }
        }
        assert_int_equal(kc_keys_live(c), 0);
        kc_ctx_free(c);
    }
}

static void round_trip(struct kc_ctx *c, const struct kc_alg *e, const struct kc_alg *i)
{
    struct kc_box *out = box_of(c, e, i, 1, 2), *in = box_of(c, e, i, 1, 2);
    struct packet plain = packet_of(e), p = plain;
    uint8_t text[LEN];

    for (int round = 0; round < 3; round++) { /* the contexts are prepared again and again */
        p = plain;
        p.iv[0] = (uint8_t)round;
        assert_true(seal(out, &p));
        assert_true(e->id == KC_ENCR_NULL || memcmp(p.text, plain.text, LEN) != 0);
        assert_true(opens(in, p, text));
        assert_memory_equal(text, plain.text, LEN);
    }
    kc_box_free(out);
    kc_box_free(in);
}

static void what_was_sealed_opens(void **st KD_UNUSED)
{
    each_suite(round_trip);
}

static void spoil(struct kc_box *in, const struct packet *p, size_t at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct packet bad = *p;
        ((uint8_t *)&bad)[at + i] ^= (uint8_t)(1u << (i % 8));
        assert_false(opens(in, bad, NULL));
    }
}

static void tamper(struct kc_ctx *c, const struct kc_alg *e, const struct kc_alg *i)
{
    struct kc_box *b = box_of(c, e, i, 1, 2);
    struct packet p = packet_of(e);

    assert_true(seal(b, &p));
    spoil(b, &p, offsetof(struct packet, aad), sizeof(p.aad));
    spoil(b, &p, offsetof(struct packet, iv), e->iv_len);
    spoil(b, &p, offsetof(struct packet, text), LEN);
    spoil(b, &p, offsetof(struct packet, tail), p.tail_len);
    spoil(b, &p, offsetof(struct packet, icv), i ? i->icv_len : e->icv_len);
    assert_true(opens(b, p, NULL)); /* and a refusal leaves the box in order */
    kc_box_free(b);
}

static void a_change_of_any_byte_is_refused(void **st KD_UNUSED)
{
    each_suite(tamper);
}

static void wrong_keys(struct kc_ctx *c, const struct kc_alg *e, const struct kc_alg *i)
{
    struct kc_box *b = box_of(c, e, i, 1, 2), *other = box_of(c, e, i, i ? 1 : 3, 4);
    struct packet p = packet_of(e);

    assert_true(seal(b, &p));
    assert_false(opens(other, p, NULL));
    kc_box_free(b);
    kc_box_free(other);
}

static void another_key_does_not_open(void **st KD_UNUSED)
{
    each_suite(wrong_keys);
}

/* Encrypt-then-MAC finds only a wrong integrity key; a wrong cipher key shows as garbage. */
static void wrong_cipher_key(struct kc_ctx *c, const struct kc_alg *e, const struct kc_alg *i)
{
    struct kc_box *b = box_of(c, e, i, 1, 2);
    struct packet plain = packet_of(e), p = plain;
    struct kc_box *other;
    uint8_t text[LEN];

    assert_true(seal(b, &p));
    other = box_of(c, e, i, 0xfe, 2); /* not 1 with DES parity bits only */
    if (e->aead)
        assert_false(opens(other, p, NULL));
    else if (e->id != KC_ENCR_NULL)
        assert_true(opens(other, p, text) && memcmp(text, plain.text, LEN) != 0);
    kc_box_free(b);
    kc_box_free(other);
}

static void another_cipher_key_gives_another_text(void **st KD_UNUSED)
{
    each_suite(wrong_cipher_key);
}

static void wrong_lengths(struct kc_ctx *c, const struct kc_alg *e, const struct kc_alg *i)
{
    struct kc_box *b = box_of(c, e, i, 1, 2);
    struct packet p = packet_of(e);
    struct kd_bytes aad = kd_bytes(p.aad, 8), none = kd_bytes(NULL, 0);

    for (size_t len = 0; len <= LEN; len++) {
        bool ok = len % e->block == 0;
        assert_int_equal(kc_box_seal(b, p.iv, aad, p.text, len, none, p.icv), ok);
        assert_int_equal(kc_box_open(b, p.iv, aad, p.text, len, none, p.icv), ok);
    }
    if (e->aead)
        assert_false(kc_box_seal(b, p.iv, aad, p.text, LEN, kd_bytes(p.tail, 4), p.icv));
    kc_box_free(b);
}

static void only_whole_blocks_and_no_tail_with_an_aead(void **st KD_UNUSED)
{
    each_suite(wrong_lengths);
}

/* ---- making one ---- */

static void only_sound_suites_make_a_box(void **st KD_UNUSED)
{
    const struct kc_alg *cbc = kc_alg_by_name("aes256"), *gcm = kc_alg_by_name("aes256gcm16");
    const struct kc_alg *null = kc_alg_by_name("null"), *sha1 = kc_alg_by_name("sha1");
    const struct kc_alg *none = kc_alg_by_name("integnone"), *prf = kc_alg_by_name("prfsha1");

    for (int p = KC_PROVIDER_REAL; p <= KC_PROVIDER_SIM; p++) {
        struct kc_ctx *c = ctx_new((enum kc_provider)p, 8);
        struct blob b32 = fill(1, 32), b36 = fill(1, 36), b20 = fill(1, 20), b0 = fill(0, 0);
        struct kd_handle k32 = import(c, &b32), k36 = import(c, &b36), k20 = import(c, &b20);
        struct kd_handle k0 = import(c, &b0), no = KD_HANDLE_NONE;
        struct kc_box *b;

        assert_non_null(b = kc_box_new(c, cbc, sha1, k32, k20));
        kc_box_free(b);
        assert_null(kc_box_new(c, cbc, NULL, k32, no));
        assert_null(kc_box_new(c, cbc, none, k32, no));
        assert_null(kc_box_new(c, cbc, sha1, k36, k20));
        assert_null(kc_box_new(c, cbc, sha1, k32, k32));
        assert_null(kc_box_new(c, cbc, sha1, k32, no));
        assert_null(kc_box_new(c, cbc, sha1, no, k20));
        assert_null(kc_box_new(c, cbc, prf, k32, k20));

        assert_non_null(b = kc_box_new(c, gcm, NULL, k36, no));
        kc_box_free(b);
        assert_non_null(b = kc_box_new(c, gcm, none, k36, no));
        kc_box_free(b);
        assert_null(kc_box_new(c, gcm, sha1, k36, k20));
        assert_null(kc_box_new(c, gcm, NULL, k36, k20));
        assert_null(kc_box_new(c, gcm, NULL, k32, no)); /* the salt is missing */

        assert_non_null(b = kc_box_new(c, null, sha1, no, k20));
        kc_box_free(b);
        assert_null(kc_box_new(c, null, NULL, no, no));
        assert_null(kc_box_new(c, null, sha1, k0, k20));

        assert_null(kc_box_new(c, NULL, sha1, k32, k20));
        assert_null(kc_box_new(c, sha1, sha1, k20, k20));
        kc_key_free(c, k32);
        assert_null(kc_box_new(c, cbc, sha1, k32, k20));
        kc_box_free(NULL);
        kc_ctx_free(c);
    }
}

/* ---- the real construction ---- */

struct cbc_fact {
    const char *alg, *key, *iv, *plain, *cipher;
};

static void cbc_fact(struct kc_ctx *c, const struct cbc_fact *f)
{
    const struct kc_alg *e = kc_alg_by_name(f->alg), *i = kc_alg_by_name("sha256");
    struct blob kb = unhex(f->key), iv = unhex(f->iv), text = unhex(f->plain), ib = fill(5, 32);
    struct kd_handle k = import(c, &kb), ik = import(c, &ib);
    struct kc_box *b = kc_box_new(c, e, i, k, ik);
    uint8_t icv[16], want[32];
    struct kd_bytes all[4] = {kd_bytes_str("header"), view(&iv), view(&text), kd_bytes_str("ESN!")};

    assert_non_null(b);
    assert_true(kc_box_seal(b, iv.b, all[0], text.b, text.len, all[3], icv));
    assert_bytes(text.b, text.len, f->cipher);
    /* RFC 7296 3.14, RFC 4303 2.8: the ICV covers header, IV, ciphertext and the high half. */
    assert_true(kc_prf(c, KC_PRF_HMAC_SHA2_256, ik, all, 4, want));
    assert_memory_equal(icv, want, 16);
    kc_box_free(b);
    kc_key_free(c, k);
    kc_key_free(c, ik);
}

static void cbc_is_the_standards_and_the_mac_covers_all_in_order(void **st KD_UNUSED)
{
    /* RFC 3602 4, case 1; NIST SP 800-38A F.2.3 and F.2.5; FIPS 81 table C1; 3DES with three equal
     * keys is DES. */
    static const struct cbc_fact facts[] = {
        {"aes128", "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
         "53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a"},
        {"aes192", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
         "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
         "4f021db243bc633d7178183a9fa071e8"},
        {"aes256", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
         "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
         "f58c4c04d6e5f1ba779eabfb5f7bfbd6"},
        {"3des", "0123456789abcdef0123456789abcdef0123456789abcdef", "1234567890abcdef",
         "4e6f77206973207468652074696d6520666f7220616c6c20",
         "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"},
        {"des", "0123456789abcdef", "1234567890abcdef",
         "4e6f77206973207468652074696d6520666f7220616c6c20",
         "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"},
    };
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);

    for (size_t i = 0; i < KD_ARRAY_LEN(facts); i++) {
        if (kc_available(c, kc_alg_by_name(facts[i].alg)))
            cbc_fact(c, &facts[i]);
    }
    kc_ctx_free(c);
}

/* Keys as IKE and ESP have them: key | salt; the nonce is salt | iv. */
static const struct aead_fact {
    const char *alg, *key, *iv, *aad, *plain, *cipher, *tag;
} aead_facts[] = {
    /* RFC 8439 2.8.2 */
    {"chacha20poly1305", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f07000000",
     "4041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620"
     "4920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c"
     "2073756e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da"
     "92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594558580"
     "8b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
    /* McGrew, Viega: The Galois/Counter Mode of Operation, test case 16 */
    {"aes256gcm16", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308cafebabe",
     "facedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
     "a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"
     "828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void an_aead_is_the_standards(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);

    for (size_t i = 0; i < KD_ARRAY_LEN(aead_facts); i++) {
        const struct aead_fact *f = &aead_facts[i];
        struct blob key = unhex(f->key), iv = unhex(f->iv), aad = unhex(f->aad);
        struct blob text = unhex(f->plain);
        struct kd_handle k = import(c, &key);
        struct kc_box *b = kc_box_new(c, kc_alg_by_name(f->alg), NULL, k, KD_HANDLE_NONE);
        struct kd_bytes none = kd_bytes(NULL, 0);
        uint8_t icv[16];

        assert_non_null(b);
        assert_true(kc_box_seal(b, iv.b, view(&aad), text.b, text.len, none, icv));
        assert_bytes(text.b, text.len, f->cipher);
        assert_bytes(icv, 16, f->tag);
        assert_true(kc_box_open(b, iv.b, view(&aad), text.b, text.len, none, icv));
        assert_bytes(text.b, text.len, f->plain);
        kc_box_free(b);
        kc_key_free(c, k);
    }
    kc_ctx_free(c);
}

static void a_short_gcm_tag_is_the_long_ones_beginning(void **st KD_UNUSED)
{
    static const char *const names[] = {"aes128gcm8", "aes128gcm12", "aes128gcm16"};
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    struct packet p[3];

    for (size_t i = 0; i < 3; i++) {
        const struct kc_alg *e = kc_alg_by_name(names[i]);
        struct kc_box *b = box_of(c, e, NULL, 1, 0);
        p[i] = packet_of(e);
        assert_true(seal(b, &p[i]));
        kc_box_free(b);
    }
    assert_memory_equal(p[0].text, p[2].text, LEN);
    assert_memory_equal(p[0].icv, p[2].icv, 8);
    assert_memory_equal(p[1].icv, p[2].icv, 12);
    kc_ctx_free(c);
}

static void an_aead_leaves_no_text_that_failed(void **st KD_UNUSED)
{
    struct kc_ctx *c = ctx_new(KC_PROVIDER_REAL, 4);
    const struct kc_alg *e = kc_alg_by_name("aes256gcm16");
    struct kc_box *b = box_of(c, e, NULL, 1, 0);
    struct packet p = packet_of(e);
    static const uint8_t zero[LEN];
    uint8_t text[LEN];

    assert_true(seal(b, &p));
    p.icv[15] ^= 1;
    assert_false(opens(b, p, text));
    assert_memory_equal(text, zero, LEN);
    kc_box_free(b);
    kc_ctx_free(c);
}

/* ---- no allocation ---- */

static size_t allocations;

static void *count_malloc(size_t n, const char *file KD_UNUSED, int line KD_UNUSED)
{
    allocations++;
    return malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file KD_UNUSED, int line KD_UNUSED)
{
    allocations++;
    return realloc(p, n);
}

static void count_free(void *p, const char *file KD_UNUSED, int line KD_UNUSED)
{
    free(p);
}

static void no_allocation(struct kc_ctx *c, const struct kc_alg *e, const struct kc_alg *i)
{
    struct kc_box *b = box_of(c, e, i, 1, 2);
    struct packet p = packet_of(e);
    size_t before;

    assert_true(seal(b, &p) && opens(b, p, NULL)); /* what a thread makes once is made here */
    before = allocations;
    for (int round = 0; round < 10; round++) {
        assert_true(seal(b, &p));
        assert_true(opens(b, p, NULL));
        p.icv[0] ^= 1;
        assert_false(opens(b, p, NULL));
    }
    assert_int_equal(allocations, before);
    kc_box_free(b);
}

static void seal_and_open_do_not_allocate(void **st KD_UNUSED)
{
    assert_true(allocations > 0); /* the counter is in place */
    each_suite(no_allocation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(a_change_of_any_byte_is_refused),
        cmocka_unit_test(another_key_does_not_open),
        cmocka_unit_test(another_cipher_key_gives_another_text),
        cmocka_unit_test(only_whole_blocks_and_no_tail_with_an_aead),
        cmocka_unit_test(only_sound_suites_make_a_box),
        cmocka_unit_test(cbc_is_the_standards_and_the_mac_covers_all_in_order),
        cmocka_unit_test(an_aead_is_the_standards),
        cmocka_unit_test(a_short_gcm_tag_is_the_long_ones_beginning),
        cmocka_unit_test(an_aead_leaves_no_text_that_failed),
        cmocka_unit_test(seal_and_open_do_not_allocate),
    };

    if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
        return 1; /* OpenSSL has allocated already */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
