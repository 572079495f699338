/* RFC 7296 2.5, 3.1 to 3.14: versions, reserved and critical bits, unknown payloads and notifies,
 * proposals in answers, padding; what we send, and what of a peer's liberties is taken. The wire
 * layer's own tests are test_ike_wire.c, test_ike_proposal.c, test_ike_sk.c and test_ike_ts.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_peer.h"

#define PFS "aes256-sha1-x25519"
static const struct kd_bytes none = {NULL, 0};

static struct peer *peer_up(uint64_t seed, int side, const char *esp)
{
    return peer_of(pair_established(seed, AZURE_IKE, esp), side);
}

static void done(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

/* ---- what we send ---- */

struct strict {
    unsigned opened, payloads, kinds; /* kinds: bits of IKE_HAS() */
};

static void zero(const uint8_t *p, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(p[from + i], 0);
}

/* Reserved octets of proposals and transforms, and what links them. */
static void strict_sa(const uint8_t *p, size_t len)
{
    unsigned number = 0;
    size_t at = 0;

    while (at < len) {
        size_t end = at + (size_t)(p[at + 2] << 8 | p[at + 3]);
        size_t tr = at + 8 + p[at + 6];
        unsigned n = 0;
        assert_int_equal(p[at], end == len ? 0 : 2);
        zero(p, at + 1, 1);
        if (end != len || number) /* an answer repeats the chosen number */
            assert_int_equal(p[at + 4], number + 1);
        number = p[at + 4];
        for (; tr < end; n++) {
            size_t tr_len = (size_t)(p[tr + 2] << 8 | p[tr + 3]);
            assert_int_equal(p[tr], tr + tr_len == end ? 0 : 3);
            zero(p, tr + 1, 1);
            zero(p, tr + 5, 1);
            if (tr_len > 8) /* Key Length, TV, once */
                assert_int_equal(p[tr + 8] << 8 | p[tr + 9], 0x800e);
            assert_in_range(tr_len, 8, 12);
            tr += tr_len;
        }
        assert_int_equal(n, p[at + 7]);
        at = end;
    }
}

static void strict_ts(const uint8_t *p, size_t len)
{
    size_t at = 4;

    zero(p, 1, 3);
    for (unsigned i = 0; i < p[0]; i++) {
        assert_true(p[at] == 7 || p[at] == 8);
        if (p[at + 1] == 0) { /* no protocol: all ports */
            assert_int_equal(p[at + 4] << 8 | p[at + 5], 0);
            assert_int_equal(p[at + 6] << 8 | p[at + 7], 65535);
        }
        at += (size_t)(p[at + 2] << 8 | p[at + 3]);
    }
    assert_int_equal(at, len);
}

static void strict_notify(const uint8_t *p, bool inner)
{
    unsigned type = (unsigned)p[2] << 8 | p[3];

    (void)inner;
    if (p[1] == 0)
        assert_int_equal(p[0], 0); /* no SPI: no protocol */
    else
        assert_true(p[0] == 2 || p[0] == 3);
    assert_true(type != IKE_N_INVALID_MESSAGE_ID);
}

static void strict_body(uint8_t type, const uint8_t *p, size_t len, bool inner)
{
    if (type == IKE_PL_SA)
        strict_sa(p, len);
    else if (type == IKE_PL_KE)
        zero(p, 2, 2);
    else if (type == IKE_PL_IDI || type == IKE_PL_IDR || type == IKE_PL_AUTH)
        zero(p, 1, 3);
    else if (type == IKE_PL_TSI || type == IKE_PL_TSR)
        strict_ts(p, len);
    else if (type == IKE_PL_NONCE)
        assert_in_range(len, 16, 256);
    else if (type == IKE_PL_NOTIFY)
        strict_notify(p, inner);
    else if (type == IKE_PL_DELETE)
        assert_int_equal(p[1], p[0] == 1 ? 0 : 4);
}

/* Each generic header: no critical or reserved bit; CERT and the like may be there as well. */
static void strict_chain(struct strict *s, uint8_t type, const uint8_t *p, size_t len, bool inner)
{
    size_t at = 0;

    while (type) {
        size_t n = (size_t)(p[at + 2] << 8 | p[at + 3]);
        assert_true(type >= IKE_PL_SA && type <= IKE_PL_SKF);
        assert_int_equal(p[at + 1], 0);
        s->payloads++;
        s->kinds |= IKE_HAS(type);
        if (type == IKE_PL_SK || type == IKE_PL_SKF) {
            assert_int_equal(at + n, len); /* the last one */
            assert_false(inner);
            return;
        }
        strict_body(type, p + at + 4, n - 4, inner);
        type = p[at];
        at += n;
    }
    assert_int_equal(at, len);
}

static const struct ike_sk *sk_of(struct pair *p, int from, const struct ike_header *h)
{
    bool by_initiator = h->flags & IKE_FLAG_INITIATOR;
    struct ike_sa *sa = ike_index_spi(p->s[from].e, by_initiator ? h->spi_i : h->spi_r);

    return sa && sa->seal.box ? &sa->seal : NULL;
}

static bool look_strictly(struct pair *p, struct pair_packet *k)
{
    static uint8_t plain[65536];
    struct strict *s = p->ctx;
    const struct ike_sk *sk;
    struct ike_diag d;
    struct ike_msg m;

    memcpy(plain, k->data, k->len);
    assert_int_equal(plain[17], 0x20); /* 2.0 */
    assert_int_equal(plain[19] & ~(IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE), 0);
    strict_chain(s, plain[16], plain + 28, k->len - 28, false);
    assert_true(ike_msg_parse(kd_bytes(plain, k->len), &m, &d));
    sk = sk_of(p, k->from, &m.h);
    if (!ike_msg_has(&m, IKE_PL_SK) || !sk)
        return true;
    assert_true(ike_msg_open(plain, k->len, &m, sk, &d));
    s->opened++;
    strict_chain(s, m.sk.first, plain + m.sk.body_at + ike_sk_iv_len(sk),
                 m.sk.body.len - ike_sk_iv_len(sk) - sk->integ->icv_len - 1 -
                     plain[k->len - sk->integ->icv_len - 1],
                 true);
    return true;
}

/* The initiator flag follows the original initiator of each IKE SA, whoever asks. */
static void all_we_send_is_version_2_0_with_reserved_fields_zero(void **state)
{
    struct pair *p = pair_new(300, AZURE_IKE ", aes128-sha256-modp2048", PFS);
    struct strict s = {0};
    (void)state;

    p->filter = look_strictly;
    p->ctx = &s;
    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    pair_command(p, B, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    pair_command(p, B, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(10));
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    pair_proposals(&p->s[B].cfg.esp, "aes128-sha256-modp2048", IKE_PROTO_ESP);
    pair_config(p, B);
    pair_command(p, A, IKE_CMD_REKEY_CHILD); /* refused */
    pair_run(p, KD_S(1));
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(1));
    assert_true(s.opened > 50 && s.payloads > 100);
    for (const uint8_t *t = (const uint8_t[]){IKE_PL_SA, IKE_PL_KE, IKE_PL_IDI, IKE_PL_IDR,
                                              IKE_PL_AUTH, IKE_PL_NONCE, IKE_PL_NOTIFY,
                                              IKE_PL_DELETE, IKE_PL_TSI, IKE_PL_TSR, IKE_PL_SK, 0};
         *t; t++)
        assert_true(s.kinds & IKE_HAS(*t));
    pair_free(p);
}

static bool flags_are_right(struct pair *p, struct pair_packet *k)
{
    int *original = p->ctx; /* of the IKE SA in use: which side */
    const struct ike_sk *sk;
    struct ike_header h;
    struct ike_diag d;

    assert_true(ike_header_parse(kd_bytes(k->data, k->len), &h, &d));
    sk = sk_of(p, k->from, &h);
    if (!sk)
        return true;
    for (int i = 0; i < 2; i++)
        if (ike_index_spi(p->s[i].e, h.spi_i) && ike_index_spi(p->s[i].e, h.spi_i)->initiator)
            *original = i;
    assert_int_equal(!!(h.flags & IKE_FLAG_INITIATOR), k->from == *original);
    return true;
}

static void the_initiator_flag_follows_the_sas_original_initiator(void **state)
{
    struct pair *p = pair_established(301, AZURE_IKE, AZURE_ESP);
    int original = A;
    (void)state;

    p->filter = flags_are_right;
    p->ctx = &original;
    pair_run(p, KD_S(3));
    assert_int_equal(original, A);
    pair_command(p, B, IKE_CMD_REKEY_IKE); /* from now on B is it */
    pair_run(p, KD_S(8));
    assert_int_equal(original, B);
    pair_free(p);
}

/* ---- 2.5, 3.1, 3.2: what is ignored ---- */

static void patch_reserved(struct peer *t, struct ike_build *b)
{
    size_t sa = b->payload_at;
    (void)t;

    kd_patch_u8(&b->w, sa + 1, 0xff);          /* critical and reserved, of a known payload */
    kd_patch_u8(&b->w, sa + 4 + 1, 0xff);      /* the proposal's */
    kd_patch_u8(&b->w, sa + 4 + 12 + 1, 0xff); /* the first transform's, behind a 4 octet SPI */
    kd_patch_u8(&b->w, sa + 4 + 12 + 5, 0xff);
}

static void put_nonce_ke_ts(struct peer *t, struct ike_build *b, bool reserved)
{
    static const uint8_t pub[32] = {9}, nonce[32] = {1};
    const struct ike_child_config *c = &t->p->s[!t->side].cfg.child[0];

    ike_put_nonce(b, kd_bytes(nonce, 32));
    if (reserved)
        peer_flags(b, 0xff);
    ike_put_ke(b, KC_DH_X25519, kd_bytes(pub, 32));
    if (reserved) {
        peer_flags(b, 0xff);
        kd_patch_u16(&b->w, b->payload_at + 6, 0xffff);
    }
    for (uint8_t type = IKE_PL_TSI; type <= IKE_PL_TSR; type++) {
        ike_put_ts(b, type, type == IKE_PL_TSI ? &c->local_ts : &c->remote_ts);
        if (reserved) {
            peer_flags(b, 0xff);
            kd_patch_u8(&b->w, b->payload_at + 5, 0xff);
            kd_patch_u16(&b->w, b->payload_at + 6, 0xffff);
        }
    }
}

static void reserved_fields_and_the_minor_version_are_ignored(void **state)
{
    static const uint8_t spi[4] = {0, 0, 0x73, 0};
    struct peer *t = peer_up(302, B, PFS);
    struct ike_header h =
        peer_header(t, IKE_X_CREATE_CHILD_SA, 0xd7 & ~IKE_FLAG_RESPONSE, t->next_id);
    struct ike_build *b;
    (void)state;

    h.version = 0x2f;
    b = peer_begin(t, &h);
    ike_put_sa(b, &t->p->s[A].cfg.esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    patch_reserved(t, b);
    put_nonce_ke_ts(t, b, true);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    assert_true(ike_msg_has(&t->last, IKE_PL_SA));
    assert_int_equal(t->last.h.version, 0x20);
    done(t);
}

static void a_higher_major_version_is_dropped_and_answered_in_clear(void **state)
{
    struct pair *p = pair_new(303, AZURE_IKE, AZURE_ESP);
    struct peer *t = peer_stranger(p, B);
    const struct ike_notify *n;
    struct kd_bytes msg;
    (void)state;

    pair_command(p, B, IKE_CMD_UP);
    (void)peer_init(t);
    msg = ike_build_end(&t->b);
    t->buf[17] = 0x30;
    assert_int_equal(peer_throw(t, msg), 1);
    n = ike_msg_notify(&t->last, IKE_N_INVALID_MAJOR_VERSION);
    assert_non_null(n);
    assert_int_equal(t->last.h.version, 0x20); /* the highest there is */
    assert_int_equal(t->last.h.flags, IKE_FLAG_RESPONSE);
    assert_memory_equal(t->last.h.spi_i, t->spi_i, 8);
    t->buf[19] |= IKE_FLAG_RESPONSE; /* marked as a response: no word */
    assert_int_equal(peer_throw(t, msg), 0);
    t->buf[19] &= (uint8_t)~IKE_FLAG_RESPONSE;
    t->buf[17] = 0x10; /* IKEv1 is not spoken */
    assert_int_equal(peer_throw(t, msg), 0);
    t->buf[17] = 0x20;
    assert_int_equal(peer_throw(t, msg), 1);
    assert_true(ike_msg_has(&t->last, IKE_PL_SA));
    done(t);
}

static void an_authentic_message_of_version_3_changes_nothing(void **state)
{
    struct peer *t = peer_up(304, B, AZURE_ESP);
    struct ike_header h = peer_header(t, IKE_X_INFORMATIONAL, 0, t->next_id);
    (void)state;

    h.version = 0x30;
    ike_put_delete_ike(peer_begin(t, &h));
    (void)peer_send(t);
    assert_true(pair_up(t->p, B));
    assert_false(ike_msg_has(&t->last, IKE_PL_SK));
    assert_non_null(ike_msg_notify(&t->last, IKE_N_INVALID_MAJOR_VERSION));
    done(t);
}

static void put_unknown(struct ike_build *b, bool critical)
{
    ike_put_payload(b, 200, kd_bytes("?", 1));
    if (critical)
        peer_flags(b, 0x80);
}

static void an_unknown_critical_payload_rejects_its_request_alone(void **state)
{
    static const uint8_t exchanges[] = {IKE_X_INFORMATIONAL, IKE_X_CREATE_CHILD_SA};
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct peer *t = peer_up(305, B, AZURE_ESP);
        struct ike_build *b = peer_request(t, exchanges[i]);
        const struct ike_notify *n;

        put_unknown(b, true);
        if (i)
            peer_put_child(t, b, 0x7301);
        else
            ike_put_delete_ike(b);
        assert_int_equal(peer_send(t), 1);
        n = ike_msg_notify(&t->last, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
        assert_non_null(n);
        assert_int_equal(t->last.n_notifies, 1);
        assert_int_equal(n->data.len, 1);
        assert_int_equal(n->data.p[0], 200);
        assert_true(pair_up(t->p, B)); /* nothing of it was done */
        assert_int_equal(t->p->s[B].adds, 1);
        b = peer_request(t, exchanges[i]); /* the same, not critical */
        put_unknown(b, false);
        if (i)
            peer_put_child(t, b, 0x7301);
        else
            ike_put_delete_ike(b);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), 0);
        assert_int_equal(t->p->s[B].adds, i ? 2 : 1);
        assert_int_equal(t->p->s[B].n_children, i ? 2 : 0);
        done(t);
    }
}

static void an_unknown_critical_payload_in_ike_sa_init_is_named_without_state(void **state)
{
    struct pair *p = pair_new(306, AZURE_IKE, AZURE_ESP);
    struct peer *t = peer_stranger(p, B);
    const struct ike_notify *n;
    (void)state;

    pair_command(p, B, IKE_CMD_UP);
    put_unknown(peer_init(t), true);
    assert_int_equal(peer_send(t), 1);
    n = ike_msg_notify(&t->last, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
    assert_non_null(n);
    assert_int_equal(n->data.p[0], 200);
    assert_int_equal(p->s[B].n_jobs, 0);
    put_unknown(peer_init(t), false);
    assert_int_equal(peer_send(t), 1);
    assert_true(ike_msg_has(&t->last, IKE_PL_SA));
    done(t);
}

static void add_critical(struct rewrite *r KD_UNUSED, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, 0);
    put_unknown(b, true);
}

static void an_unknown_critical_payload_in_ike_auth_ends_the_attempt(void **state)
{
    struct rewrite r = {.exchange = IKE_X_AUTH, .write = add_critical};
    struct pair *p = pair_new(307, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->filter = peer_rewrite;
    p->ctx = &r;
    assert_false(pair_establish(p));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_ESTABLISHED), 0);
    assert_int_equal(p->s[B].adds, 0);
    assert_non_null(
        strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "UNSUPPORTED_CRITICAL_PAYLOAD"));
    pair_free(p);
}

/* 2.5: no order is wrong. */
static void payloads_in_any_order_are_taken(void **state)
{
    static const uint8_t spi[4] = {0, 0, 0x73, 2}, nonce[32] = {1};
    struct peer *t = peer_up(308, B, AZURE_ESP);
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    const struct ike_child_config *c = &t->p->s[A].cfg.child[0];
    (void)state;

    ike_put_ts(b, IKE_PL_TSR, &c->remote_ts);
    ike_put_vendor(b, kd_bytes("an unfamiliar one", 17)); /* 3.12: ignored */
    ike_put_ts(b, IKE_PL_TSI, &c->local_ts);
    ike_put_nonce(b, kd_bytes(nonce, 32));
    ike_put_sa(b, &t->p->s[A].cfg.esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    assert_int_equal(t->last.n_vendors, 0);
    done(t);
}

/* ---- 2.7, 3.3.6: the answer to our offer ---- */

static void answer_child(struct peer *t, const char *esp, uint8_t number)
{
    static const uint8_t spi[4] = {0, 0, 0x73, 3}, nonce[32] = {1};
    const struct ike_child_config *c = &t->p->s[t->side].cfg.child[0];
    struct ike_build *b = peer_answer(t);
    struct ike_proposals l;

    pair_proposals(&l, esp, IKE_PROTO_ESP);
    ike_put_sa(b, &l, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    if (number)
        kd_patch_u8(&b->w, b->payload_at + 8, number);
    ike_put_nonce(b, kd_bytes(nonce, 32));
    ike_put_ts(b, IKE_PL_TSI, &c->local_ts);
    ike_put_ts(b, IKE_PL_TSR, &c->remote_ts);
}

static void an_answer_that_was_not_offered_ends_the_exchange(void **state)
{
    static const struct {
        const char *esp;
        uint8_t number;
        bool taken;
    } rows[] = {
        {"aes256-sha1", 1, true},
        {"aes256-sha1", 2, false},                /* the other proposal's number */
        {"aes128-sha256", 2, true},               /* that one itself */
        {"aes128-sha1", 1, false},                /* of each a half */
        {"aes256-sha1", 3, false},                /* a number nobody gave */
        {"aes256-sha1-sha256", 1, false},         /* two of a kind */
        {"aes256gcm16", 1, false},                /* never offered */
        {"aes256-sha1, aes128-sha256", 0, false}, /* two proposals */
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct peer *t = peer_up(309, A, "aes256-sha1, aes128-sha256");
        pair_command(t->p, A, IKE_CMD_REKEY_CHILD);
        pair_run(t->p, KD_MS(20));
        answer_child(t, rows[i].esp, rows[i].number);
        (void)peer_send(t);
        assert_int_equal(t->p->s[A].adds, rows[i].taken ? 2 : 1);
        if (!rows[i].taken) { /* the ends don't agree: the IKE SA is deleted */
            assert_int_equal(t->last.n_deletes, 1);
            assert_int_equal(t->last.deletes[0].protocol, IKE_PROTO_IKE);
        }
        done(t);
    }
}

static void selectors_in_an_answer_may_narrow_and_never_widen(void **state)
{
    static const struct {
        const char *mine;
        bool taken;
    } rows[] = {
        {"10.1.0.0/16", true},
        {"10.1.2.0/24", true},
        {"10.0.0.0/8", false},
        {"10.2.0.0/16", false},
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct pair *p = pair_new(310, AZURE_IKE, AZURE_ESP);
        struct kd_prefix configured, answered;
        struct peer *t;

        assert_true(kd_prefix_parse("10.1.0.0/16", true, &configured));
        assert_true(kd_prefix_parse(rows[i].mine, true, &answered));
        p->s[A].cfg.child[0].local_ts.ts[0] = ike_ts_from_prefix(&configured);
        pair_config(p, A);
        assert_true(pair_establish(p));
        t = peer_of(p, A);
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_MS(20));
        p->s[A].cfg.child[0].local_ts.ts[0] = ike_ts_from_prefix(&answered);
        answer_child(t, AZURE_ESP, 0);
        (void)peer_send(t);
        assert_int_equal(p->s[A].adds, rows[i].taken ? 2 : 1);
        done(t);
    }
}

/* ---- 3.10.1: notify types that nobody knows ---- */

static void an_unknown_error_in_an_answer_means_that_the_request_failed(void **state)
{
    struct peer *t = peer_up(311, A, AZURE_ESP);
    (void)state;

    t->polite = true;
    pair_command(t->p, A, IKE_CMD_REKEY_CHILD);
    pair_run(t->p, KD_MS(20));
    ike_put_notify(peer_answer(t), 0, none, 8000, none);
    (void)peer_send(t);
    assert_int_equal(t->p->s[A].adds, 1);
    assert_int_equal(pair_notes(t->p, A, IKE_NOTE_REFUSED), 1);
    assert_true(pair_up(t->p, A)); /* the request, and nothing else */
    done(t);
}

static void unknown_notifies_beside_a_good_request_are_ignored(void **state)
{
    struct peer *t = peer_up(312, B, AZURE_ESP);
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    (void)state;

    ike_put_notify(b, 0, none, 8000, none);  /* error */
    ike_put_notify(b, 0, none, 40000, none); /* status */
    ike_put_notify(b, 7, kd_bytes("xyz", 3), 50000, kd_bytes("?", 1));
    peer_put_child(t, b, 0x7304);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    assert_int_equal(t->p->s[B].adds, 2);
    done(t);
}

/* Without an SPI the protocol says nothing. */
static void a_notify_without_spi_may_name_any_protocol(void **state)
{
    struct peer *t = peer_up(313, B, AZURE_ESP);
    (void)state;

    for (unsigned protocol = 0; protocol < 256; protocol += 51) {
        ike_put_notify(peer_request(t, IKE_X_INFORMATIONAL), (uint8_t)protocol, none,
                       IKE_N_ESP_TFC_PADDING_NOT_SUPPORTED, none);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), 0);
    }
    done(t);
}

/* ---- 3.14: padding and IVs ---- */

/* A sealed INFORMATIONAL request whose padding has this length and whatever octets. */
static unsigned send_padded(struct peer *t, size_t pad)
{
    struct ike_header h = peer_header(t, IKE_X_INFORMATIONAL, 0, t->next_id++);
    size_t iv = ike_sk_iv_len(&t->to), icv = t->to.integ->icv_len;
    struct kd_writer w;
    size_t text_at = 32 + iv, len = text_at + pad + 1 + icv;

    h.next = IKE_PL_SK;
    h.version = 0x20;
    h.length = (uint32_t)len;
    kd_writer_init(&w, t->buf, sizeof(t->buf));
    ike_header_write(&w, &h);
    kd_put_u16(&w, 0);
    kd_put_u16(&w, (uint16_t)(len - 28));
    memset(t->buf + 32, 0xee, len);
    t->buf[text_at + pad] = (uint8_t)pad;
    assert_true(kc_box_seal(t->to.box, t->buf + 32, kd_bytes(t->buf, 32), t->buf + text_at, pad + 1,
                            none, t->buf + text_at + pad + 1));
    return peer_throw(t, kd_bytes(t->buf, len));
}

static void any_padding_that_fills_the_block_is_taken(void **state)
{
    struct peer *t = peer_up(314, B, AZURE_ESP);
    (void)state;

    for (size_t pad = 15; pad < 256; pad += 16) {
        assert_int_equal(send_padded(t, pad), 1);
        assert_int_equal(peer_error(t), 0);
    }
    assert_true(pair_up(t->p, B));
    done(t);
}

struct ivs {
    uint8_t iv[128][16];
    unsigned n;
};

static bool collect_ivs(struct pair *p, struct pair_packet *k)
{
    struct ivs *v = p->ctx;

    if (k->data[18] == IKE_X_SA_INIT || v->n == 128)
        return true;
    for (unsigned i = 0; i < v->n; i++) {
        unsigned same = 0;
        for (int j = 0; j < 16; j++)
            same += v->iv[i][j] == k->data[32 + j];
        assert_in_range(same, 0, 6); /* nor a counter */
    }
    memcpy(v->iv[v->n++], k->data + 32, 16);
    return true;
}

static void cbc_ivs_are_drawn_anew_for_every_message(void **state)
{
    struct pair *p = pair_new(315, AZURE_IKE, AZURE_ESP);
    struct ivs v = {.n = 0};
    (void)state;

    p->filter = collect_ivs;
    p->ctx = &v;
    assert_true(pair_establish(p));
    pair_run(p, KD_S(20));
    assert_true(v.n > 40);
    pair_free(p);
}

/* ---- 2: sizes ---- */

static void messages_of_3000_octets_are_taken(void **state)
{
    static const uint8_t fill[3000];
    struct peer *t = peer_up(316, B, AZURE_ESP);
    struct pair *p;
    (void)state;

    ike_put_vendor(peer_request(t, IKE_X_INFORMATIONAL), kd_bytes(fill, 2900));
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    done(t);

    p = pair_new(317, AZURE_IKE, AZURE_ESP);
    t = peer_stranger(p, B);
    pair_command(p, B, IKE_CMD_UP);
    ike_put_vendor(peer_init(t), kd_bytes(fill, 2700));
    assert_int_equal(peer_send(t), 1);
    assert_true(ike_msg_has(&t->last, IKE_PL_SA));
    done(t);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(all_we_send_is_version_2_0_with_reserved_fields_zero),
        T(the_initiator_flag_follows_the_sas_original_initiator),
        T(reserved_fields_and_the_minor_version_are_ignored),
        T(a_higher_major_version_is_dropped_and_answered_in_clear),
        T(an_authentic_message_of_version_3_changes_nothing),
        T(an_unknown_critical_payload_rejects_its_request_alone),
        T(an_unknown_critical_payload_in_ike_sa_init_is_named_without_state),
        T(an_unknown_critical_payload_in_ike_auth_ends_the_attempt),
        T(payloads_in_any_order_are_taken),
        T(an_answer_that_was_not_offered_ends_the_exchange),
        T(selectors_in_an_answer_may_narrow_and_never_widen),
        T(an_unknown_error_in_an_answer_means_that_the_request_failed),
        T(unknown_notifies_beside_a_good_request_are_ignored),
        T(a_notify_without_spi_may_name_any_protocol),
        T(any_padding_that_fills_the_block_is_taken),
        T(cbc_ivs_are_drawn_anew_for_every_message),
        T(messages_of_3000_octets_are_taken),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
