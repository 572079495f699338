/* The SK payload: what one side seals the other opens, and nothing else does. facts/peers.md 4c,
 * class
 * 35. With the real ciphers and the simulator's. */
#include "test_ike_wire.h"

#define I IKE_FLAG_INITIATOR

struct pair {
    struct kc_ctx *c;
    struct ike_sk out, in;
};

static struct kd_handle key_of(struct kc_ctx *c, uint8_t byte, size_t len)
{
    uint8_t k[64];
    struct kd_handle h;

    memset(k, byte, sizeof(k));
    h = kc_key_import(c, kd_bytes(k, len));
    assert_false(kd_handle_none(h));
    return h;
}

static struct ike_sk sk_of(struct kc_ctx *c, const char *encr, const char *integ)
{
    struct ike_sk sk = {.encr = kc_alg_by_name(encr),
                        .integ = integ ? kc_alg_by_name(integ) : NULL};
    struct kd_handle e = key_of(c, 1, sk.encr->key_len + sk.encr->salt_len), i = KD_HANDLE_NONE;

    if (sk.integ)
        i = key_of(c, 2, sk.integ->key_len);
    sk.box = kc_box_new(c, sk.encr, sk.integ, e, i);
    assert_non_null(sk.box);
    kc_key_free(c, e);
    kc_key_free(c, i);
    return sk;
}

/* Runs f for suites of every kind: CBC of both block sizes, AEAD, both providers. */
static void each_suite(void (*f)(struct pair *p))
{
    static const char *const suites[][2] = {
        {"aes256", "sha1"},    {"3des", "sha1"},     {"aes128", "sha256"},
        {"aes256gcm16", NULL}, {"aes128gcm8", NULL}, {"chacha20poly1305", NULL},
    };

    for (int provider = KC_PROVIDER_REAL; provider <= KC_PROVIDER_SIM; provider++) {
        struct pair p = {.c = kc_ctx_new((enum kc_provider)provider, 16)};

        assert_non_null(p.c);
        for (size_t i = 0; i < KD_ARRAY_LEN(suites); i++) {
            p.out = sk_of(p.c, suites[i][0], suites[i][1]);
            p.in = sk_of(p.c, suites[i][0], suites[i][1]);
            f(&p);
            kc_box_free(p.out.box);
            kc_box_free(p.in.box);
        }
        kc_ctx_free(p.c);
    }
}

static const uint8_t iv[IKE_IV_MAX] = {0xa1, 0xb2, 0xc3, 4,  5,  6,  7,  8,
                                       9,    10,   11,   12, 13, 14, 15, 16};

static void seal(struct buf *x, const struct ike_sk *sk, const char *letters)
{
    struct ike_header h = header_of(IKE_X_INFORMATIONAL, I);
    struct ike_build b;

    ike_build_begin(&b, x->b, sizeof(x->b), &h);
    ike_build_seal(&b, sk, iv);
    for (; *letters; letters++)
        put_letter(&b, *letters);
    x->n = ike_build_end(&b).len;
    assert_true(x->n > 0);
}

static struct ike_diag why; /* of the last open_err() */

static enum ike_wire open_err(const struct buf *x, const struct ike_sk *sk, struct ike_msg *m)
{
    static struct buf copy;
    bool ok;

    copy.n = x->n;
    memcpy(copy.b, x->b, x->n);
    if (!ike_msg_parse(buf_view(&copy), m, &why))
        return why.err;
    assert_int_equal(ike_grammar_check(m, &why), IKE_FORM_SEALED);
    ok = ike_msg_open(copy.b, copy.n, m, sk, &why);
    assert_int_equal(ok, why.err == IKE_WIRE_OK);
    return why.err;
}

static void round_trip(struct pair *p)
{
    static struct buf x;
    struct ike_diag d;
    struct ike_msg m;
    char letters[24] = "";

    for (unsigned n = 0; n <= 18; n++) { /* every padding length; empty: a liveness probe */
        memset(letters, 'n', n);
        letters[n] = '\0';
        if (n > 0)
            letters[n / 2] = n % 2 ? 'x' : 'V';
        seal(&x, &p->out, letters);
        assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_OK);
        assert_true(m.inner);
        assert_int_equal(m.n_payloads, n);
        assert_int_equal(ike_grammar_check(&m, &d), IKE_FORM_INFO_REQ);
        assert_false(ike_msg_has(&m, IKE_PL_SK));
    }
}

static void what_is_sealed_opens(void **st KD_UNUSED)
{
    each_suite(round_trip);
}

static void tamper(struct pair *p)
{
    static struct buf x;
    struct ike_msg m;

    seal(&x, &p->out, "nD");
    for (size_t at = 0; at < x.n; at++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            enum ike_wire err;

            if (at == 28 && bit == 7)
                continue;
            x.b[at] ^= (uint8_t)(1u << bit);
            /* the header and SK's own header may already fail to parse; 18, 19: another exchange */
            err = at == 16 || (at >= 18 && at < 20) ? IKE_WIRE_CRYPTO : open_err(&x, &p->in, &m);
            assert_int_not_equal(err, IKE_WIRE_OK);
            if (at >= 32)
                assert_int_equal(err, IKE_WIRE_CRYPTO);
            x.b[at] ^= (uint8_t)(1u << bit);
        }
    }
    x.b[28] ^= 0x80; /* Next Payload of SK is covered as well */
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_CRYPTO);
    x.b[28] ^= 0x80;
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_OK);
}

static void a_change_at_any_offset_is_not_authentic(void **st KD_UNUSED)
{
    each_suite(tamper);
}

/* A body of any length from 0, whatever its octets are: too short, or the ICV is wrong. */
static void shorten(struct pair *p)
{
    static struct buf x;
    struct ike_msg m;
    size_t whole;

    seal(&x, &p->out, "");
    whole = x.n;
    for (x.n = 32; x.n < whole; x.n++) {
        fix_length(&x);
        set16(&x, 30, (unsigned)x.n - 28);
        assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_CRYPTO);
    }
}

static void a_body_too_short_for_iv_and_icv_is_dropped(void **st KD_UNUSED)
{
    each_suite(shorten);
}

/* Seals text as it stands: what an authenticated peer with a bug, or malice, could send. */
static void seal_raw(struct buf *x, const struct ike_sk *sk, uint8_t first, const uint8_t *text,
                     size_t len)
{
    size_t icv = sk->encr->aead ? sk->encr->icv_len : sk->integ->icv_len;
    size_t at = 32 + sk->encr->iv_len;

    build(x, IKE_X_INFORMATIONAL, I, "");
    x->b[16] = IKE_PL_SK;
    x->b[28] = first;
    x->b[29] = 0;
    x->n = at + len + icv;
    set16(x, 30, (unsigned)x->n - 28);
    fix_length(x);
    memcpy(x->b + 32, iv, sk->encr->iv_len);
    memcpy(x->b + at, text, len);
    assert_true(kc_box_seal(sk->box, x->b + 32, kd_bytes(x->b, 32), x->b + at, len,
                            kd_bytes(NULL, 0), x->b + at + len));
}

static void bad_insides(struct pair *p)
{
    static struct buf x;
    uint8_t text[48] = {0, 0, 0, 8, 0, 0, 0x40, 0};
    struct ike_msg m;

    text[47] = 39; /* 8 octets of notify, 39 of padding */
    seal_raw(&x, &p->out, IKE_PL_NOTIFY, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_OK);
    text[47] = 38; /* an octet left over */
    seal_raw(&x, &p->out, IKE_PL_NOTIFY, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_SYNTAX);
    text[47] = 47; /* all of it padding: "no payload" must be said by SK then */
    seal_raw(&x, &p->out, IKE_PL_NOTIFY, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_SYNTAX);
    seal_raw(&x, &p->out, IKE_PL_NONE, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_OK);
    text[47] = 48; /* more padding than text */
    seal_raw(&x, &p->out, IKE_PL_NONE, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_SYNTAX);
    assert_string_equal(why.rule, "padding longer than the text");
    text[47] = 255;
    seal_raw(&x, &p->out, IKE_PL_NONE, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_SYNTAX);
    text[47] = 39; /* SK inside SK, SKF inside SK, an unknown critical payload inside */
    seal_raw(&x, &p->out, IKE_PL_SK, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_SYNTAX);
    seal_raw(&x, &p->out, IKE_PL_SKF, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_SYNTAX);
    seal_raw(&x, &p->out, IKE_PL_NONE, text, 0); /* not even a Pad Length, and authentic */
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_CRYPTO);
    text[1] = 0x80;
    seal_raw(&x, &p->out, 99, text, 48);
    assert_int_equal(open_err(&x, &p->in, &m), IKE_WIRE_CRITICAL);
}

static void what_is_wrong_inside_is_the_authenticated_peers_fault(void **st KD_UNUSED)
{
    each_suite(bad_insides);
}

static void no_sealed_message_comes_out_of_a_buffer_that_is_too_small(void **st KD_UNUSED)
{
    struct ike_header h = header_of(IKE_X_INFORMATIONAL, I);
    struct kc_ctx *c = kc_ctx_new(KC_PROVIDER_SIM, 4);
    struct ike_sk sk = sk_of(c, "aes256", "sha1");
    static struct buf x;
    size_t whole;

    seal(&x, &sk, "nnD");
    whole = x.n;
    for (size_t cap = 0; cap <= whole; cap++) {
        static const uint8_t zero[256];
        struct ike_build b;

        ike_build_begin(&b, x.b, cap, &h);
        ike_build_seal(&b, &sk, iv);
        for (const char *l = "nnD"; *l; l++)
            put_letter(&b, *l);
        assert_int_equal(ike_build_end(&b).len, cap < whole ? 0 : whole);
        if (cap < whole) /* and nothing in clear stays behind */
            assert_memory_equal(x.b, zero, b.w.pos);
    }
    kc_box_free(sk.box);
    kc_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens),
        cmocka_unit_test(a_change_at_any_offset_is_not_authentic),
        cmocka_unit_test(a_body_too_short_for_iv_and_icv_is_dropped),
        cmocka_unit_test(what_is_wrong_inside_is_the_authenticated_peers_fault),
        cmocka_unit_test(no_sealed_message_comes_out_of_a_buffer_that_is_too_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
