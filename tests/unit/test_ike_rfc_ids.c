/* RFC 7296 2.4, 2.6, 2.9, 2.10, 2.15, 3.5 and what is not spoken (2.16, 2.19, 2.22): identities,
 * INITIAL_CONTACT, SPIs, nonces, selectors, and wishes that are passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_peer.h"

static const struct kd_bytes none = {NULL, 0};

static void done(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

/* ---- 3.5: identities ---- */

static void every_identity_type_is_sent_and_accepted_and_another_value_refused(void **state)
{
    static const char *const ids[][2] = {
        {"192.0.2.1", "192.0.2.2"},
        {"2001:db8::1", "2001:db8::2"},
        {"gw.example", "gw2.example"},
        {"user@gw.example", "user2@gw.example"},
        {"key-id:00112233", "key-id:00112234"},
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(ids); i++) {
        for (int right = 0; right < 2; right++) {
            struct pair *p = pair_new(600, AZURE_IKE, AZURE_ESP);
            assert_true(ike_id_parse(ids[i][0], &p->s[A].cfg.local_id));
            assert_true(ike_id_parse(ids[i][!right], &p->s[B].cfg.remote_id));
            assert_true(ike_id_parse(ids[i][0], &p->s[B].cfg.local_id));
            assert_true(ike_id_parse(ids[i][0], &p->s[A].cfg.remote_id));
            pair_config(p, A);
            pair_config(p, B);
            assert_int_equal(pair_establish(p), right);
            pair_free(p);
        }
    }
}

static void fill_reserved(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    const struct ike_typed *id = r->response ? &m->idr : &m->idi;
    uint8_t body[256];

    memcpy(body, id->body.p, id->body.len);
    memset(body + 1, 0xff, 3);
    peer_put_identity(r, b, kd_bytes(body, id->body.len));
    kd_patch_u8(&b->w, b->payload_at + 5, 0xff); /* AUTH's reserved octets */
    kd_patch_u16(&b->w, b->payload_at + 6, 0xffff);
    peer_flags(b, 0xff);
    peer_copy(b, m, IKE_HAS(IKE_PL_AUTH) | IKE_HAS(r->response ? IKE_PL_IDR : IKE_PL_IDI));
}

/* They are ignored, yet what was received is what AUTH is computed over. */
static void reserved_octets_of_id_and_auth_are_ignored(void **state)
{
    (void)state;

    for (int response = 0; response < 2; response++) {
        struct rewrite r = {.exchange = IKE_X_AUTH, .response = response, .write = fill_reserved};
        struct pair *p = pair_new(601, AZURE_IKE, AZURE_ESP);
        p->filter = peer_rewrite;
        p->ctx = &r;
        assert_true(pair_establish(p));
        pair_free(p);
    }
}

/* ---- 2.4: INITIAL_CONTACT ---- */

static void initial_contact_of_another_identity_ends_nothing(void **state)
{
    struct pair *p = pair_established(602, AZURE_IKE, AZURE_ESP);
    struct ike_conn_config a = p->s[A].cfg, b = p->s[B].cfg;
    struct ike_view v;
    (void)state;

    assert_true(ike_id_parse("c.example", &a.local_id));
    assert_true(ike_id_parse("c.example", &b.remote_id));
    a.psk = kc_key_import(p->s[A].crypto, kd_bytes_str("c's secret"));
    b.psk = kc_key_import(p->s[B].crypto, kd_bytes_str("c's secret"));
    assert_true(ike_conn_set(p->s[A].e, 8, &a) && ike_conn_set(p->s[B].e, 8, &b));
    pair_step(p, B, &(struct ike_event){.kind = IKE_EV_COMMAND, .conn = 8, .command = IKE_CMD_UP});
    pair_step(p, A, &(struct ike_event){.kind = IKE_EV_COMMAND, .conn = 8, .command = IKE_CMD_UP});
    pair_run(p, KD_S(1));
    assert_true(ike_conn_view(p->s[B].e, 8, &v) && v.established);
    assert_true(ike_conn_view(p->s[B].e, 7, &v) && v.established);
    assert_int_equal(p->s[B].n_children, 2);
    assert_int_equal(p->s[B].dels, 0);
    pair_free(p);
}

/* ---- 2.6, 2.10: SPIs and nonces ---- */

static void spis_are_unique_and_not_zero_and_nonces_never_come_twice(void **state)
{
    static uint8_t spis[64][8], nonces[64][256];
    struct pair *p = pair_new(603, "aes256-sha512-modp1024", AZURE_ESP);
    struct peer *t = peer_stranger(p, B);
    static const uint8_t zero[8];
    (void)state;

    pair_command(p, B, IKE_CMD_UP);
    for (unsigned i = 0; i < 64; i++) {
        t->spi_i[0] = (uint8_t)(i + 1);
        (void)peer_init(t);
        assert_int_equal(peer_send(t), 1);
        assert_memory_not_equal(t->last.h.spi_r, zero, 8);
        assert_true(t->last.nonce.len >= 64 / 2); /* half of PRF_HMAC_SHA2_512's key */
        for (unsigned j = 0; j < i; j++) {
            assert_memory_not_equal(spis[j], t->last.h.spi_r, 8);
            assert_memory_not_equal(nonces[j], t->last.nonce.p, t->last.nonce.len);
        }
        memcpy(spis[i], t->last.h.spi_r, 8);
        memcpy(nonces[i], t->last.nonce.p, t->last.nonce.len);
        pair_run(p, KD_S(21)); /* the half-open SA's end */
    }
    done(t);
}

static void nonces_of_16_to_256_octets_are_taken(void **state)
{
    static const size_t lens[] = {15, 16, 32, 256, 257};
    static const uint8_t nonce[300] = {1}, spi[4] = {0, 0, 0x75, 0};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(lens); i++) {
        struct peer *t = peer_of(pair_established(604, AZURE_IKE, AZURE_ESP), B);
        const struct ike_conn_config *c = &t->p->s[A].cfg;
        struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
        bool taken = lens[i] >= 16 && lens[i] <= 256;

        ike_put_sa(b, &c->esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
        ike_put_payload(b, IKE_PL_NONCE, kd_bytes(nonce, lens[i]));
        ike_put_ts(b, IKE_PL_TSI, &c->child[0].local_ts);
        ike_put_ts(b, IKE_PL_TSR, &c->child[0].remote_ts);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), taken ? 0 : IKE_N_INVALID_SYNTAX);
        assert_int_equal(t->p->s[B].adds, taken ? 2 : 1);
        done(t);
    }
}

/* ---- 2.9: the responder narrows ---- */

static struct ike_ts ts_of(const char *prefix, uint8_t proto, uint16_t port)
{
    struct kd_prefix p;
    struct ike_ts ts;

    assert_true(kd_prefix_parse(prefix, true, &p));
    ts = ike_ts_from_prefix(&p);
    ts.proto = proto;
    if (port)
        ts.port_lo = ts.port_hi = port;
    return ts;
}

static bool same_ts(const struct ike_ts *a, const struct ike_ts *b)
{
    return kd_addr_eq(&a->lo, &b->lo) && kd_addr_eq(&a->hi, &b->hi) && a->proto == b->proto &&
           a->port_lo == b->port_lo && a->port_hi == b->port_hi;
}

/* TSi: the packet that started it, then what the initiator would like. */
static void the_initiators_first_choice_is_in_the_narrowed_answer(void **state)
{
    struct pair *p = pair_new(605, AZURE_IKE, AZURE_ESP);
    static const uint8_t spi[4] = {0, 0, 0x75, 1}, nonce[32] = {1};
    struct ike_ts_list tsi = {.n = 2}, got;
    struct ike_ts want;
    struct ike_build *b;
    struct peer *t;
    (void)state;

    p->s[B].cfg.child[0].remote_ts.ts[0] = ts_of("10.1.0.0/24", 0, 0);
    pair_config(p, B);
    assert_true(pair_establish(p));
    t = peer_of(p, B);
    tsi.ts[0] = ts_of("10.1.0.5/32", 6, 179);
    tsi.ts[1] = ts_of("10.0.0.0/8", 0, 0);
    b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    ike_put_sa(b, &p->s[A].cfg.esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    ike_put_nonce(b, kd_bytes(nonce, 32));
    ike_put_ts(b, IKE_PL_TSI, &tsi);
    ike_put_ts(b, IKE_PL_TSR, &p->s[A].cfg.child[0].remote_ts);
    assert_int_equal(peer_send(t), 1);
    assert_true(ike_ts_parse(t->last.tsi, &got));
    assert_int_equal(got.n, 2);
    assert_true(same_ts(&got.ts[0], &tsi.ts[0]));
    want = ts_of("10.1.0.0/24", 0, 0);
    assert_true(same_ts(&got.ts[1], &want));
    /* Nothing of it is allowed: no pair. */
    tsi.ts[0] = ts_of("10.2.0.5/32", 6, 179);
    tsi.ts[1] = ts_of("10.3.0.0/16", 0, 0);
    b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    ike_put_sa(b, &p->s[A].cfg.esp, IKE_PROTO_ESP, kd_bytes("\0\0\x75\2", 4), false);
    ike_put_nonce(b, kd_bytes(nonce, 32));
    ike_put_ts(b, IKE_PL_TSI, &tsi);
    ike_put_ts(b, IKE_PL_TSR, &p->s[A].cfg.child[0].remote_ts);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), IKE_N_TS_UNACCEPTABLE);
    done(t);
}

/* 2.9.2: a rekey asks for what was configured, not for what an earlier answer left of it. */
static void a_rekey_asks_for_the_configured_selectors_again(void **state)
{
    struct pair *p = pair_new(606, AZURE_IKE, AZURE_ESP);
    struct ike_ts_list got;
    struct peer *t;
    (void)state;

    p->s[B].cfg.child[0].remote_ts.ts[0] = ts_of("10.1.0.0/24", 0, 0);
    pair_config(p, B);
    assert_true(pair_establish(p));
    t = peer_of(p, A);
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_MS(20));
    assert_true(ike_ts_parse(t->last.tsi, &got));
    assert_true(same_ts(&got.ts[0], &p->s[A].cfg.child[0].local_ts.ts[0]));
    done(t);
}

/* ---- 1.3.1, 2.19, 2.22, 3.15: what is not spoken ---- */

static void put_wishes(struct ike_build *b)
{
    static const uint8_t cp[] = {1, 0, 0, 0, 0, 1, 0, 0};

    ike_put_payload(b, IKE_PL_CP, kd_bytes(cp, sizeof(cp)));
    ike_put_notify(b, 0, none, IKE_N_USE_TRANSPORT_MODE, none);
    ike_put_notify(b, 0, none, IKE_N_IPCOMP_SUPPORTED, kd_bytes("\x12\x34\2", 3));
    ike_put_notify(b, 0, none, IKE_N_NON_FIRST_FRAGMENTS_ALSO, none);
    ike_put_notify(b, 0, none, IKE_N_MOBIKE_SUPPORTED, none);
    ike_put_notify(b, 0, none, IKE_N_EAP_ONLY_AUTHENTICATION, none);
}

static void add_wishes(struct rewrite *r KD_UNUSED, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, 0);
    put_wishes(b);
}

static void assert_not_granted(const struct ike_msg *m)
{
    static const uint16_t wishes[] = {IKE_N_USE_TRANSPORT_MODE, IKE_N_IPCOMP_SUPPORTED,
                                      IKE_N_NON_FIRST_FRAGMENTS_ALSO, IKE_N_MOBIKE_SUPPORTED,
                                      IKE_N_EAP_ONLY_AUTHENTICATION};

    assert_false(ike_msg_has(m, IKE_PL_CP));
    for (size_t i = 0; i < KD_ARRAY_LEN(wishes); i++)
        assert_null(ike_msg_notify(m, wishes[i]));
}

static void look_at_answer(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    assert_not_granted(m);
    r->seen++;
    peer_copy(b, m, 0);
}

static struct rewrite asked, answered;

static bool ask_and_look(struct pair *p, struct pair_packet *k)
{
    bool go;

    p->ctx = k->from == A ? &asked : &answered;
    go = peer_rewrite(p, k);
    return go;
}

/* The pair is a tunnel's, without compression or an inner address: the wish is passed over. */
static void wishes_that_are_not_spoken_are_passed_over_in_ike_auth(void **state)
{
    struct pair *p = pair_new(607, AZURE_IKE, AZURE_ESP);
    (void)state;

    asked = (struct rewrite){.exchange = IKE_X_AUTH, .write = add_wishes};
    answered = (struct rewrite){.exchange = IKE_X_AUTH, .response = true, .write = look_at_answer};
    p->filter = ask_and_look;
    assert_true(pair_establish(p));
    assert_int_equal(answered.seen, 1);
    pair_free(p);
}

static void wishes_that_are_not_spoken_are_passed_over_in_create_child_sa(void **state)
{
    struct peer *t = peer_of(pair_established(608, AZURE_IKE, AZURE_ESP), B);
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    (void)state;

    put_wishes(b);
    peer_put_child(t, b, 0x7502);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    assert_not_granted(&t->last);
    done(t);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_identity_type_is_sent_and_accepted_and_another_value_refused),
        T(reserved_octets_of_id_and_auth_are_ignored),
        T(initial_contact_of_another_identity_ends_nothing),
        T(spis_are_unique_and_not_zero_and_nonces_never_come_twice),
        T(nonces_of_16_to_256_octets_are_taken),
        T(the_initiators_first_choice_is_in_the_narrowed_answer),
        T(a_rekey_asks_for_the_configured_selectors_again),
        T(wishes_that_are_not_spoken_are_passed_over_in_ike_auth),
        T(wishes_that_are_not_spoken_are_passed_over_in_create_child_sa),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
