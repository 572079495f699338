/* The BFD control packet and its authentication section: every accepted form with its nearest
 * refused ones (facts/peers.md 4c, class 50). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bfd/auth.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- helpers ---- */

/* A packet that is right: Down, without authentication. */
static void good(uint8_t raw[BFD_PACKET_MAX])
{
    static const uint8_t bytes[BFD_HEADER_LEN] = {
        0x20, 0x40, 3,    24,                                 /* version 1, Down, 3, 24 */
        1,    2,    3,    4,    0, 0, 0,    0,                /* mine, yours unknown */
        0,    0x0f, 0x42, 0x40, 0, 4, 0x93, 0xe0, 0, 0, 0, 0, /* 1 s, 300 ms, no Echo */
    };

    memset(raw, 0, BFD_PACKET_MAX);
    memcpy(raw, bytes, sizeof(bytes));
}

/* In memory of exactly its size, so that a sanitizer sees the first byte behind. */
static enum bfd_refusal parse(const uint8_t *raw, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    enum bfd_refusal r;
    struct bfd_packet p;

    assert_non_null(exact);
    memcpy(exact, raw, len);
    r = bfd_packet_parse(kd_bytes(exact, len), &p);
    free(exact);
    return r;
}

/* The good packet with one byte changed. */
static enum bfd_refusal with(size_t at, uint8_t value)
{
    uint8_t raw[BFD_PACKET_MAX];

    good(raw);
    raw[at] = value;
    return parse(raw, BFD_HEADER_LEN);
}

/* ---- the mandatory section ---- */

static void a_good_packet_is_read_as_it_is_written(void **state)
{
    uint8_t raw[BFD_PACKET_MAX];
    struct bfd_packet p;

    (void)state;
    good(raw);
    assert_int_equal(bfd_packet_parse(kd_bytes(raw, 24), &p), BFD_ACCEPTED);
    assert_int_equal(p.state, BFD_DOWN);
    assert_int_equal(p.diag, 0);
    assert_int_equal(p.detect_mult, 3);
    assert_int_equal(p.my_discr, 0x01020304);
    assert_int_equal(p.your_discr, 0);
    assert_int_equal(p.tx_us, 1000000);
    assert_int_equal(p.rx_us, 300000);
    assert_int_equal(p.echo_us, 0);
    assert_int_equal(p.whole.len, 24);
    assert_false(p.poll || p.final || p.cpi || p.auth || p.demand);
}

static void every_field_makes_the_round_trip(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        struct bfd_packet q, p = {
                                 .diag = (uint8_t)(i % 32),
                                 .state = (enum bfd_state)(i % BFD_STATE_N),
                                 .poll = i & 4,
                                 .final = !(i & 4) && i & 8,
                                 .cpi = i & 16,
                                 .demand = i & 32,
                                 .detect_mult = (uint8_t)(i + 1),
                                 .length = 24,
                                 .my_discr = 0xfffffff0 + i % 16,
                                 .your_discr = i + 1,
                                 .tx_us = i * 1000003,
                                 .rx_us = UINT32_MAX - i,
                                 .echo_us = i * 7,
                             };
        uint8_t raw[24];
        struct kd_writer w;
        kd_writer_init(&w, raw, sizeof(raw));
        bfd_packet_build(&p, &w);
        assert_true(w.ok && w.pos == 24);
        assert_int_equal(bfd_packet_parse(kd_bytes(raw, 24), &q), BFD_ACCEPTED);
        assert_int_equal(q.diag, p.diag);
        assert_int_equal(q.state, p.state);
        assert_true(q.poll == p.poll && q.final == p.final && q.cpi == p.cpi &&
                    q.demand == p.demand && !q.auth);
        assert_int_equal(q.detect_mult, p.detect_mult);
        assert_int_equal(q.my_discr, p.my_discr);
        assert_int_equal(q.your_discr, p.your_discr);
        assert_int_equal(q.tx_us, p.tx_us);
        assert_int_equal(q.rx_us, p.rx_us);
        assert_int_equal(q.echo_us, p.echo_us);
    }
}

static void a_datagram_below_24_bytes_is_refused(void **state)
{
    uint8_t raw[BFD_PACKET_MAX];

    (void)state;
    good(raw);
    for (size_t len = 0; len < 24; len++)
        assert_int_equal(parse(raw, len), BFD_R_SHORT);
    assert_int_equal(parse(raw, 24), BFD_ACCEPTED);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 8; v++)
        assert_int_equal(with(0, (uint8_t)(v << 5)), v == 1 ? BFD_ACCEPTED : BFD_R_VERSION);
}

static void a_length_below_24_is_refused(void **state)
{
    (void)state;
    for (unsigned len = 0; len < 24; len++)
        assert_int_equal(with(3, (uint8_t)len), BFD_R_LENGTH);
}

static void a_length_beyond_the_datagram_is_refused(void **state)
{
    (void)state;
    assert_int_equal(with(3, 25), BFD_R_TRUNCATED);
    assert_int_equal(with(3, 52), BFD_R_TRUNCATED);
    assert_int_equal(with(3, 255), BFD_R_TRUNCATED);
}

/* RFC 5880 6.8.6 refuses only a Length beyond the datagram. */
static void bytes_behind_the_length_are_ignored(void **state)
{
    uint8_t raw[1500] = {0};

    (void)state;
    good(raw);
    assert_int_equal(parse(raw, 25), BFD_ACCEPTED);
    assert_int_equal(parse(raw, sizeof(raw)), BFD_ACCEPTED);
    raw[3] = 30; /* the A bit clear: what is there has no meaning */
    assert_int_equal(parse(raw, 30), BFD_ACCEPTED);
}

static void detect_mult_zero_is_refused(void **state)
{
    (void)state;
    assert_int_equal(with(2, 0), BFD_R_DETECT_MULT);
    assert_int_equal(with(2, 1), BFD_ACCEPTED);
    assert_int_equal(with(2, 255), BFD_ACCEPTED);
}

static void the_multipoint_bit_is_refused(void **state)
{
    (void)state;
    assert_int_equal(with(1, 0x41), BFD_R_MULTIPOINT);
    assert_int_equal(with(1, 0x42), BFD_ACCEPTED); /* demand */
}

static void my_discr_zero_is_refused(void **state)
{
    uint8_t raw[BFD_PACKET_MAX];

    (void)state;
    good(raw);
    memset(raw + 4, 0, 4);
    assert_int_equal(parse(raw, 24), BFD_R_MY_DISCR);
    raw[7] = 1;
    assert_int_equal(parse(raw, 24), BFD_ACCEPTED);
}

static void your_discr_zero_in_init_or_up_is_refused(void **state)
{
    uint8_t raw[BFD_PACKET_MAX];

    (void)state;
    assert_int_equal(with(1, BFD_ADMIN_DOWN << 6), BFD_ACCEPTED);
    assert_int_equal(with(1, BFD_DOWN << 6), BFD_ACCEPTED);
    assert_int_equal(with(1, BFD_INIT << 6), BFD_R_YOUR_DISCR_ZERO);
    assert_int_equal(with(1, BFD_UP << 6), BFD_R_YOUR_DISCR_ZERO);
    good(raw);
    raw[1] = BFD_UP << 6;
    raw[11] = 9;
    assert_int_equal(parse(raw, 24), BFD_ACCEPTED);
}

static void poll_and_final_together_are_refused(void **state)
{
    (void)state;
    assert_int_equal(with(1, 0x40 | 0x20 | 0x10), BFD_R_POLL_FINAL);
    assert_int_equal(with(1, 0x40 | 0x20), BFD_ACCEPTED);
    assert_int_equal(with(1, 0x40 | 0x10), BFD_ACCEPTED);
}

/* "Misguided pedantry": reserved diagnostics, a Desired Min TX of zero, an Echo interval. */
static void what_the_rules_do_not_refuse_is_accepted(void **state)
{
    uint8_t raw[BFD_PACKET_MAX];

    (void)state;
    assert_int_equal(with(0, 0x20 | 31), BFD_ACCEPTED);
    assert_int_equal(with(23, 1), BFD_ACCEPTED);
    good(raw);
    memset(raw + 12, 0, 4);
    assert_int_equal(parse(raw, 24), BFD_ACCEPTED);
}

/* ---- the authentication section's form ---- */

static void a_short_authentication_section_is_refused(void **state)
{
    uint8_t raw[BFD_PACKET_MAX];

    (void)state;
    good(raw);
    raw[1] |= 0x04;
    for (unsigned len = 24; len < 26; len++) { /* not even type and length */
        raw[3] = (uint8_t)len;
        assert_int_equal(parse(raw, len), BFD_R_LENGTH);
        assert_int_equal(parse(raw, 52), BFD_R_LENGTH);
    }
    raw[24] = BFD_AUTH_SHA1;
    raw[25] = 28;
    for (unsigned len = 26; len < 52; len++) { /* Auth Len beyond Length, whatever follows */
        raw[3] = (uint8_t)len;
        assert_int_equal(parse(raw, len), BFD_R_AUTH_LENGTH);
        assert_int_equal(parse(raw, 52), BFD_R_AUTH_LENGTH);
    }
    raw[3] = 52;
    assert_int_equal(parse(raw, 51), BFD_R_TRUNCATED);
    assert_int_equal(parse(raw, 52), BFD_ACCEPTED);
}

static void an_auth_len_that_does_not_fill_the_packet_is_refused(void **state)
{
    uint8_t raw[BFD_PACKET_MAX];

    (void)state;
    good(raw);
    raw[1] |= 0x04;
    raw[3] = 52;
    raw[24] = BFD_AUTH_SHA1;
    for (unsigned len = 0; len < 256; len++) {
        raw[25] = (uint8_t)len;
        assert_int_equal(parse(raw, 52), len == 28 ? BFD_ACCEPTED : BFD_R_AUTH_LENGTH);
    }
}

/* ---- the hash ---- */

static struct kc_ctx *real_crypto(void)
{
    struct kc_ctx *c = kc_ctx_new(KC_PROVIDER_REAL, 16);

    assert_non_null(c);
    return c;
}

static struct bfd_auth_config sha1_config(struct kc_ctx *c, const char *key)
{
    return (struct bfd_auth_config){
        .type = BFD_AUTH_SHA1, .n_keys = 1, .key = {{7, kc_key_import(c, kd_bytes_str(key))}}};
}

/* Computed by Python's hashlib: the packet, its section with the key "kedge" padded to 20 bytes. */
static const uint8_t known[BFD_PACKET_MAX] = {
    0x20, 0xc4, 0x03, 0x34, 0x01, 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x0c, 0x0d, 0x00,
    0x04, 0x93, 0xe0, 0x00, 0x04, 0x93, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x04, 0x1c,
    0x07, 0x00, 0xff, 0xff, 0xff, 0xfe, 0x11, 0x74, 0x34, 0x7c, 0xe7, 0xc3, 0x9e,
    0xb9, 0x0d, 0x8c, 0xea, 0xc2, 0x07, 0x29, 0x3f, 0xfd, 0xc2, 0x95, 0x5c, 0x93};

static void keyed_sha1_is_the_known_one(void **state)
{
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config auth = sha1_config(c, "kedge");
    struct bfd_packet p = {.state = BFD_UP,
                           .auth = true,
                           .detect_mult = 3,
                           .length = 52,
                           .my_discr = 0x01020304,
                           .your_discr = 0x0a0b0c0d,
                           .tx_us = 300000,
                           .rx_us = 300000};
    uint8_t raw[BFD_PACKET_MAX];
    struct bfd_auth_seq seq = {0};
    struct kd_writer w;

    (void)state;
    kd_writer_init(&w, raw, sizeof(raw));
    bfd_packet_build(&p, &w);
    bfd_auth_append(c, &auth, 0xfffffffe, &w);
    assert_true(w.ok && w.pos == sizeof(known));
    assert_memory_equal(raw, known, sizeof(known));
    assert_int_equal(bfd_packet_parse(kd_bytes(known, sizeof(known)), &p), BFD_ACCEPTED);
    assert_int_equal(bfd_auth_check(c, &auth, &p, &seq), BFD_ACCEPTED);
    assert_true(seq.known && seq.last == 0xfffffffe);
    kc_ctx_free(c);
}

static enum bfd_refusal judge(struct kc_ctx *c, const struct bfd_auth_config *auth,
                              const uint8_t *raw, struct bfd_auth_seq *seq)
{
    struct bfd_packet p;
    enum bfd_refusal r = bfd_packet_parse(kd_bytes(raw, BFD_PACKET_MAX), &p);

    return r != BFD_ACCEPTED ? r : !p.auth ? BFD_R_AUTH_MISSING : bfd_auth_check(c, auth, &p, seq);
}

static void a_bit_changed_anywhere_is_refused(void **state)
{
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config auth = sha1_config(c, "kedge");

    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof(known); bit++) {
        struct bfd_auth_seq seq = {0};
        uint8_t raw[BFD_PACKET_MAX];
        memcpy(raw, known, sizeof(raw));
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(judge(c, &auth, raw, &seq), BFD_ACCEPTED);
        assert_false(seq.known); /* a refused packet teaches nothing */
    }
    kc_ctx_free(c);
}

static void another_key_or_key_id_is_refused(void **state)
{
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config wrong = sha1_config(c, "kedgf"), other = sha1_config(c, "kedge");
    struct bfd_auth_config padded = sha1_config(c, "kedge");
    struct bfd_auth_seq seq = {0};

    (void)state;
    other.key[0].id = 8;
    assert_int_equal(judge(c, &wrong, known, &seq), BFD_R_AUTH_HASH);
    assert_int_equal(judge(c, &other, known, &seq), BFD_R_AUTH_KEY_ID);
    kc_key_free(c, padded.key[0].key); /* a key that has gone opens nothing */
    assert_int_equal(judge(c, &padded, known, &seq), BFD_R_AUTH_HASH);
    kc_ctx_free(c);
}

static void another_type_is_refused(void **state)
{
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config auth = sha1_config(c, "kedge");
    struct bfd_auth_seq seq = {0};
    uint8_t raw[BFD_PACKET_MAX];

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        memcpy(raw, known, sizeof(raw));
        raw[24] = (uint8_t)type;
        assert_int_equal(judge(c, &auth, raw, &seq),
                         type == BFD_AUTH_SHA1 ? BFD_ACCEPTED : BFD_R_AUTH_TYPE);
    }
    memcpy(raw, known, sizeof(raw)); /* MD5's length under SHA1's number */
    raw[3] = 48;
    raw[25] = 24;
    assert_int_equal(judge(c, &auth, raw, &seq), BFD_R_AUTH_TYPE);
    kc_ctx_free(c);
}

/* ---- sequence numbers ---- */

static enum bfd_refusal numbered(struct kc_ctx *c, const struct bfd_auth_config *auth,
                                 uint32_t number, uint8_t mult, struct bfd_auth_seq seq)
{
    struct bfd_packet p = {.state = BFD_UP,
                           .auth = true,
                           .detect_mult = mult,
                           .length = 52,
                           .my_discr = 1,
                           .your_discr = 2};
    uint8_t raw[BFD_PACKET_MAX];
    struct kd_writer w;

    kd_writer_init(&w, raw, sizeof(raw));
    bfd_packet_build(&p, &w);
    bfd_auth_append(c, auth, number, &w);
    return judge(c, auth, raw, &seq);
}

static void the_window_is_three_times_detect_mult(void **state)
{
    static const uint32_t from[] = {0, 1000, 0x7ffffffe, 0xfffffffa, UINT32_MAX};
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config auth = sha1_config(c, "kedge");

    (void)state;
    for (int meticulous = 0; meticulous < 2; meticulous++) {
        auth.type = meticulous ? BFD_AUTH_METICULOUS_SHA1 : BFD_AUTH_SHA1;
        for (size_t i = 0; i < KD_ARRAY_LEN(from); i++) {
            struct bfd_auth_seq seq = {true, from[i]};
            enum bfd_refusal same = meticulous ? BFD_R_AUTH_SEQUENCE : BFD_ACCEPTED;
            assert_int_equal(numbered(c, &auth, from[i] - 1, 3, seq), BFD_R_AUTH_SEQUENCE);
            assert_int_equal(numbered(c, &auth, from[i], 3, seq), same);
            assert_int_equal(numbered(c, &auth, from[i] + 1, 3, seq), BFD_ACCEPTED);
            assert_int_equal(numbered(c, &auth, from[i] + 9, 3, seq), BFD_ACCEPTED);
            assert_int_equal(numbered(c, &auth, from[i] + 10, 3, seq), BFD_R_AUTH_SEQUENCE);
            assert_int_equal(numbered(c, &auth, from[i] + 10, 4, seq), BFD_ACCEPTED);
            assert_int_equal(numbered(c, &auth, from[i] + 0x80000000, 255, seq),
                             BFD_R_AUTH_SEQUENCE);
        }
    }
    kc_ctx_free(c);
}

static void any_number_is_taken_when_none_is_known(void **state)
{
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config auth = sha1_config(c, "kedge");
    struct bfd_auth_seq unknown = {false, 5000};

    (void)state;
    assert_int_equal(numbered(c, &auth, 4, 3, unknown), BFD_ACCEPTED);
    assert_int_equal(numbered(c, &auth, 0xf0000000, 3, unknown), BFD_ACCEPTED);
    kc_ctx_free(c);
}

/* ---- what may be configured ---- */

static void configured_authentication_is_checked(void **state)
{
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config a = sha1_config(c, "12345678901234567890"), b;

    (void)state;
    assert_int_equal(bfd_auth_check_config(c, &a), BFD_CONFIG_OK);
    assert_int_equal(bfd_auth_check_config(NULL, &a), BFD_CONFIG_KEYS);
    b = sha1_config(c, "123456789012345678901");
    assert_int_equal(bfd_auth_check_config(c, &b), BFD_CONFIG_KEYS);
    b = sha1_config(c, "");
    assert_int_equal(bfd_auth_check_config(c, &b), BFD_CONFIG_KEYS);
    b = a;
    b.n_keys = 0;
    assert_int_equal(bfd_auth_check_config(c, &b), BFD_CONFIG_KEYS);
    b = a;
    b.n_keys = BFD_KEYS_MAX + 1;
    assert_int_equal(bfd_auth_check_config(c, &b), BFD_CONFIG_KEYS);
    b = a;
    b.key[b.n_keys++] = a.key[0]; /* one id twice */
    assert_int_equal(bfd_auth_check_config(c, &b), BFD_CONFIG_KEYS);
    b.key[1].id = 9;
    assert_int_equal(bfd_auth_check_config(c, &b), BFD_CONFIG_OK);
    b.type = BFD_AUTH_NONE; /* keys without a use */
    assert_int_equal(bfd_auth_check_config(c, &b), BFD_CONFIG_KEYS);
    kc_ctx_free(c);
}

static void weak_types_are_refused(void **state)
{
    struct kc_ctx *c = real_crypto();
    struct bfd_auth_config a = sha1_config(c, "kedge");

    (void)state;
    a.legacy = true;
    a.type = BFD_AUTH_PASSWORD;
    assert_int_equal(bfd_auth_check_config(c, &a), BFD_CONFIG_PASSWORD);
    a.type = BFD_AUTH_N;
    assert_int_equal(bfd_auth_check_config(c, &a), BFD_CONFIG_NO_HASH);
    for (a.type = BFD_AUTH_MD5; a.type <= BFD_AUTH_METICULOUS_MD5; a.type++) {
        a.legacy = false;
        assert_int_equal(bfd_auth_check_config(c, &a), BFD_CONFIG_LEGACY);
        a.legacy = true;
        assert_int_equal(bfd_auth_check_config(c, &a), BFD_CONFIG_NO_HASH);
    }
    kc_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_packet_is_read_as_it_is_written),
        cmocka_unit_test(every_field_makes_the_round_trip),
        cmocka_unit_test(a_datagram_below_24_bytes_is_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(a_length_below_24_is_refused),
        cmocka_unit_test(a_length_beyond_the_datagram_is_refused),
        cmocka_unit_test(bytes_behind_the_length_are_ignored),
        cmocka_unit_test(detect_mult_zero_is_refused),
        cmocka_unit_test(the_multipoint_bit_is_refused),
        cmocka_unit_test(my_discr_zero_is_refused),
        cmocka_unit_test(your_discr_zero_in_init_or_up_is_refused),
        cmocka_unit_test(poll_and_final_together_are_refused),
        cmocka_unit_test(what_the_rules_do_not_refuse_is_accepted),
        cmocka_unit_test(a_short_authentication_section_is_refused),
        cmocka_unit_test(an_auth_len_that_does_not_fill_the_packet_is_refused),
        cmocka_unit_test(keyed_sha1_is_the_known_one),
        cmocka_unit_test(a_bit_changed_anywhere_is_refused),
        cmocka_unit_test(another_key_or_key_id_is_refused),
        cmocka_unit_test(another_type_is_refused),
        cmocka_unit_test(the_window_is_three_times_detect_mult),
        cmocka_unit_test(any_number_is_taken_when_none_is_known),
        cmocka_unit_test(configured_authentication_is_checked),
        cmocka_unit_test(weak_types_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
