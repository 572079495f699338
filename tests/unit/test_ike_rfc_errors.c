/* RFC 7296 2.21: errors before, during and after authentication, and outside any IKE SA: who is
 * told what, under which protection, and what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_peer.h"

static const struct kd_bytes none = {NULL, 0};

static struct peer *peer_up(uint64_t seed, int side, const char *esp)
{
    return peer_of(pair_established(seed, AZURE_IKE, esp), side);
}

static struct peer *stranger_of(uint64_t seed, const char *ike)
{
    struct pair *p = pair_new(seed, ike, AZURE_ESP);

    pair_command(p, B, IKE_CMD_UP);
    return peer_stranger(p, B);
}

static void done(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

/* ---- 2.21.1: IKE_SA_INIT ---- */

static void refuse_first(struct pair *p, const struct pair_packet *k, uint16_t notify)
{
    struct ike_header h = {.exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    uint8_t buf[64];
    struct ike_build b;

    memcpy(h.spi_i, k->data, 8);
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_put_notify(&b, 0, none, notify, none);
    pair_step(
        p, A,
        &(struct ike_event){
            .kind = IKE_EV_DATAGRAM, .local = k->dst, .remote = k->src, .data = ike_build_end(&b)});
}

static bool forge_refusals(struct pair *p, struct pair_packet *k)
{
    static const uint16_t refusals[] = {IKE_N_NO_PROPOSAL_CHOSEN, IKE_N_AUTHENTICATION_FAILED,
                                        IKE_N_INVALID_SYNTAX, IKE_N_INVALID_MAJOR_VERSION, 8000};

    if (k->from == B && k->data[18] == IKE_X_SA_INIT)
        for (size_t i = 0; i < KD_ARRAY_LEN(refusals); i++)
            refuse_first(p, k, refusals[i]);
    return true;
}

/* Unauthenticated: someone may have sent it who only sees the request. */
static void a_refusal_in_clear_does_not_stop_a_good_answer(void **state)
{
    struct pair *p = pair_new(400, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->filter = forge_refusals;
    assert_true(pair_establish(p));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    assert_in_range(pair_notes(p, A, IKE_NOTE_REFUSED), 0, 1);
    pair_free(p);
}

static void a_refused_ike_sa_init_leaves_no_state(void **state)
{
    static const uint8_t pub[256], nonce[32] = {1};
    (void)state;

    for (int i = 0; i < 4; i++) {
        struct peer *t = stranger_of(401, "aes256-sha256-modp2048");
        struct ike_header h = peer_header(t, IKE_X_SA_INIT, 0, 0);
        struct ike_build *b = peer_begin_clear(t, &h);
        struct ike_proposals l;
        static const uint16_t want[] = {IKE_N_INVALID_SYNTAX, IKE_N_NO_PROPOSAL_CHOSEN,
                                        IKE_N_INVALID_KE_PAYLOAD, IKE_N_NO_PROPOSAL_CHOSEN};

        pair_proposals(&l, i == 1 ? "aes256-sha256-x25519" : "aes256-sha256-modp2048",
                       IKE_PROTO_IKE);
        if (i == 0)
            ike_put_payload(b, IKE_PL_SA, kd_bytes("\0\0\0\4", 4));
        else
            ike_put_sa(b, &l, IKE_PROTO_IKE, none, false);
        ike_put_ke(b, i == 2 ? KC_DH_X25519 : KC_DH_MODP2048, kd_bytes(pub, i == 2 ? 32 : 256));
        ike_put_nonce(b, kd_bytes(nonce, 32));
        if (i == 3) /* an address that nobody expects */
            t->here.addr = kd_addr_v4(0xc6336401u);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), want[i]);
        assert_memory_equal(t->last.h.spi_i, t->spi_i, 8);
        assert_int_equal(t->last.h.msg_id, 0);
        assert_int_equal(t->p->s[B].n_jobs, 0);
        assert_true(pair_nothing_left(t->p));
        done(t);
    }
}

/* ---- 2.21.2: IKE_AUTH ---- */

static bool establish_rewritten(struct pair *p, struct rewrite *r)
{
    p->filter = peer_rewrite;
    p->ctx = r;
    return pair_establish(p);
}

static void without_a_payload(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, IKE_HAS(r->notify));
}

static void a_malformed_ike_auth_request_is_rejected_as_a_whole(void **state)
{
    static const uint8_t less[] = {IKE_PL_TSR, IKE_PL_TSI, IKE_PL_IDI};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(less); i++) {
        struct rewrite r = {.exchange = IKE_X_AUTH, .write = without_a_payload, .notify = less[i]};
        struct pair *p = pair_new(402, AZURE_IKE, AZURE_ESP);
        assert_false(establish_rewritten(p, &r));
        assert_int_equal(p->s[B].adds, 0);
        assert_int_equal(pair_notes(p, B, IKE_NOTE_ESTABLISHED), 0);
        assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_INVALID_SYNTAX);
        pair_free(p);
    }
}

static void with_another_method(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, IKE_HAS(IKE_PL_AUTH));
    ike_put_auth(b, (uint8_t)r->notify, m->auth.data);
}

static void an_auth_method_that_was_not_agreed_on_is_refused_by_name(void **state)
{
    static const uint8_t methods[] = {0, 1, 3, 9, 12, 14, 200};
    (void)state;

    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < KD_ARRAY_LEN(methods); i++) {
            struct rewrite r = {.exchange = IKE_X_AUTH,
                                .response = side == A,
                                .write = with_another_method,
                                .notify = methods[i]};
            struct pair *p = pair_new(403, AZURE_IKE, AZURE_ESP);
            assert_false(establish_rewritten(p, &r));
            assert_int_equal(pair_note(p, side, IKE_NOTE_REFUSED)->reason, KD_REASON_AUTH_FAILED);
            assert_int_equal(pair_notes(p, side, IKE_NOTE_ESTABLISHED), 0);
            assert_int_equal(p->s[side].adds, 0);
            pair_free(p);
        }
    }
}

/* An initiator that does not believe the responder says so by INFORMATIONAL. */
static void the_responder_is_told_when_its_auth_is_wrong(void **state)
{
    struct rewrite r = {
        .exchange = IKE_X_AUTH, .response = true, .write = with_another_method, .notify = 9};
    struct pair *p = pair_new(404, AZURE_IKE, AZURE_ESP);
    (void)state;

    assert_false(establish_rewritten(p, &r));
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_AUTH_FAILED);
    assert_int_equal(p->s[B].n_children, 0);
    pair_free(p);
}

static void child_refused(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, IKE_HAS(IKE_PL_SA) | IKE_HAS(IKE_PL_TSI) | IKE_HAS(IKE_PL_TSR));
    ike_put_notify(b, 0, none, r->notify, none);
}

static void a_refused_child_does_not_fail_the_authentication(void **state)
{
    static const uint16_t errors[] = {IKE_N_NO_PROPOSAL_CHOSEN,
                                      IKE_N_TS_UNACCEPTABLE,
                                      IKE_N_SINGLE_PAIR_REQUIRED,
                                      IKE_N_NO_ADDITIONAL_SAS,
                                      IKE_N_INTERNAL_ADDRESS_FAILURE,
                                      IKE_N_FAILED_CP_REQUIRED,
                                      8000};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(errors); i++) {
        struct rewrite r = {.exchange = IKE_X_AUTH,
                            .response = true,
                            .write = child_refused,
                            .notify = errors[i],
                            .only = 1};
        struct pair *p = pair_new(405, AZURE_IKE, AZURE_ESP);
        (void)establish_rewritten(p, &r);
        assert_in_range(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 1, 2);
        assert_true(pair_notes(p, A, IKE_NOTE_REFUSED) > 0);
        for (unsigned n = 0; n < p->s[A].n_notes; n++)
            assert_int_not_equal(p->s[A].note[n].reason, KD_REASON_AUTH_FAILED);
        pair_free(p);
    }
}

static void only_the_notify(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    (void)m;
    ike_put_notify(b, 0, none, r->notify, none);
}

/* The same errors without IDr and AUTH: the responder has shown nothing. */
static void an_error_without_auth_establishes_nothing(void **state)
{
    static const uint16_t errors[] = {IKE_N_NO_PROPOSAL_CHOSEN, IKE_N_TS_UNACCEPTABLE, 8000};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(errors); i++) {
        struct rewrite r = {.exchange = IKE_X_AUTH,
                            .response = true,
                            .write = only_the_notify,
                            .notify = errors[i],
                            .only = 1};
        struct pair *p = pair_new(417, AZURE_IKE, AZURE_ESP);
        (void)establish_rewritten(p, &r);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 0);
        assert_int_equal(p->s[A].adds, 0);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 1);
        pair_free(p);
    }
}

static void eap_only(struct rewrite *r KD_UNUSED, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, IKE_HAS(IKE_PL_AUTH));
}

/* 2.16: EAP is not spoken. */
static void a_wish_for_eap_is_refused_by_name(void **state)
{
    struct rewrite r = {.exchange = IKE_X_AUTH, .write = eap_only};
    struct pair *p = pair_new(406, AZURE_IKE, AZURE_ESP);
    (void)state;

    assert_false(establish_rewritten(p, &r));
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, "EAP"));
    assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "AUTHENTICATION_FAILED"));
    assert_int_equal(p->s[B].adds, 0);
    pair_free(p);
}

/* ---- 2.21.3: afterwards ---- */

static void put_bad(struct peer *t, struct ike_build *b, int which)
{
    static const uint8_t spi[4] = {0, 0, 0x74, 0}, nonce[32] = {1};
    const struct ike_child_config *c = &t->p->s[A].cfg.child[0];
    struct ike_proposals l;

    pair_proposals(&l, which == 2 ? "aes128gcm16" : AZURE_ESP, IKE_PROTO_ESP);
    if (which == 0)
        ike_put_payload(b, IKE_PL_SA, kd_bytes("\0\0\0\4", 4));
    else
        ike_put_sa(b, &l, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    if (which != 1)
        ike_put_nonce(b, kd_bytes(nonce, which == 3 ? 16 : 32));
    ike_put_ts(b, IKE_PL_TSI, &c->local_ts);
    if (which == 4)
        ike_put_payload(b, IKE_PL_TSR, kd_bytes("\1\0\0\0\7\0\0\x10", 8));
    else
        ike_put_ts(b, IKE_PL_TSR, &c->remote_ts);
    if (which == 5)
        ike_put_ts(b, IKE_PL_TSR, &c->remote_ts);
}

static void every_request_with_an_error_gets_an_answer_that_names_it(void **state)
{
    static const uint16_t want[] = {IKE_N_INVALID_SYNTAX,     IKE_N_INVALID_SYNTAX,
                                    IKE_N_NO_PROPOSAL_CHOSEN, 0,
                                    IKE_N_TS_UNACCEPTABLE,    IKE_N_INVALID_SYNTAX};
    (void)state;

    for (int i = 0; i < 6; i++) {
        struct peer *t = peer_up(407, B, AZURE_ESP);
        put_bad(t, peer_request(t, IKE_X_CREATE_CHILD_SA), i);
        assert_int_equal(peer_send(t), 1);
        assert_true(ike_header_response(&t->last.h));
        assert_true(t->last.inner); /* under the SA's protection */
        assert_int_equal(peer_error(t), want[i]);
        /* INVALID_SYNTAX is fatal at both ends; whatever else is wrong is the request's alone. */
        assert_int_equal(pair_up(t->p, B), want[i] != IKE_N_INVALID_SYNTAX);
        done(t);
    }
}

static void an_unknown_exchange_is_answered_with_an_error(void **state)
{
    struct peer *t = peer_up(408, B, AZURE_ESP);
    (void)state;

    (void)peer_request(t, 99);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(t->last.h.exchange, 99);
    assert_int_equal(peer_error(t), IKE_N_INVALID_SYNTAX);
    done(t);
}

/* INVALID_SYNTAX is fatal at both ends, and no DELETE follows. */
static void a_peer_that_answers_invalid_syntax_is_left_without_a_delete(void **state)
{
    static const enum ike_command cmd[] = {IKE_CMD_PROBE, IKE_CMD_REKEY_CHILD, IKE_CMD_REKEY_IKE};
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct peer *t = peer_up(409, A, AZURE_ESP);
        pair_command(t->p, A, cmd[i]);
        pair_run(t->p, KD_MS(20));
        ike_put_notify(peer_answer(t), 0, none, IKE_N_INVALID_SYNTAX, none);
        assert_int_equal(peer_send(t), 0);
        assert_false(pair_up(t->p, A));
        assert_int_equal(t->p->s[A].n_children, 0);
        done(t);
    }
}

/* ---- 2.21.4, 1.5: outside an IKE SA ---- */

static struct kd_bytes sealed_for_nobody(struct peer *t, uint8_t flags)
{
    static const uint8_t body[64];
    struct ike_header h = peer_header(t, IKE_X_INFORMATIONAL, flags, 17);

    memset(h.spi_r, 0x33, 8);
    ike_put_payload(peer_begin_clear(t, &h), IKE_PL_SK, kd_bytes(body, 64));
    return ike_build_end(&t->b);
}

static void a_request_for_an_unknown_spi_is_answered_in_clear_to_its_sender(void **state)
{
    struct peer *t = stranger_of(410, AZURE_IKE);
    struct kd_bytes msg = sealed_for_nobody(t, 0);
    (void)state;

    t->here.port = 4711;
    assert_int_equal(peer_throw(t, msg), 1);
    assert_int_equal(peer_error(t), IKE_N_INVALID_IKE_SPI);
    assert_false(ike_msg_has(&t->last, IKE_PL_SK));
    assert_int_equal(t->last.h.flags, IKE_FLAG_RESPONSE);
    assert_int_equal(t->last.h.exchange, IKE_X_INFORMATIONAL);
    assert_int_equal(t->last.h.msg_id, 17);
    assert_memory_equal(t->last.h.spi_i, msg.p, 16); /* both SPIs */
    assert_true(kd_endpoint_eq(&t->dst, &t->here));
    assert_true(kd_endpoint_eq(&t->src, &t->engine));
    done(t);
}

static void a_response_for_an_unknown_spi_gets_no_word(void **state)
{
    struct peer *t = stranger_of(411, AZURE_IKE);
    (void)state;

    assert_int_equal(peer_throw(t, sealed_for_nobody(t, IKE_FLAG_RESPONSE)), 0);
    assert_int_equal(peer_throw(t, sealed_for_nobody(t, 0)), 1);
    done(t);
}

/* INVALID_IKE_SPI and INVALID_SPI in clear, about an SA that is there or not: never an answer, or
 * two nodes could go on for ever. */
static void a_word_about_an_unknown_spi_is_never_answered(void **state)
{
    (void)state;

    for (int up = 0; up < 2; up++) {
        struct peer *t = up ? peer_up(412, B, AZURE_ESP) : stranger_of(412, AZURE_IKE);
        for (int i = 0; i < 4; i++) {
            struct ike_header h =
                peer_header(t, IKE_X_INFORMATIONAL, i & 1 ? IKE_FLAG_RESPONSE : 0, 0);
            if (!up)
                memset(h.spi_r, 0x33, 8);
            ike_put_notify(peer_begin_clear(t, &h), 0, none,
                           i & 2 ? IKE_N_INVALID_SPI : IKE_N_INVALID_IKE_SPI, none);
            (void)ike_build_end(&t->b);
            (void)peer_throw(t, kd_bytes(t->buf, t->b.w.pos));
            assert_int_equal(t->n, t->n_requests); /* a probe at most */
        }
        assert_true(!up || pair_up(t->p, B));
        done(t);
    }
}

/* Under protection it is a message about a packet of ours; nothing changes either. */
static void invalid_spi_inside_the_sa_changes_nothing(void **state)
{
    struct peer *t = peer_up(413, B, AZURE_ESP);
    uint32_t spi = t->p->s[B].child[0].spi_out;
    const uint8_t s[4] = {(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8),
                          (uint8_t)spi};
    (void)state;

    ike_put_notify(peer_request(t, IKE_X_INFORMATIONAL), 0, none, IKE_N_INVALID_SPI,
                   kd_bytes(s, 4));
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(t->last.has, 0);
    assert_true(pair_up(t->p, B));
    done(t);
}

/* ---- 3.4: key exchange data ---- */

static void ke_for_a_group_that_is_not_offered_is_refused(void **state)
{
    static const uint8_t pub[128] = {1};
    struct peer *t = peer_up(414, B, "aes256-sha1-x25519");
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    (void)state;

    peer_put_child(t, b, 0x7401);
    ike_put_ke(b, KC_DH_MODP1024, kd_bytes(pub, 128));
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), IKE_N_INVALID_KE_PAYLOAD);
    assert_int_equal(t->p->s[B].adds, 1);
    done(t);
}

static void a_public_value_of_the_wrong_length_is_refused(void **state)
{
    static const uint8_t pub[256] = {1};
    (void)state;

    for (size_t len = 127; len <= 129; len++) {
        struct peer *t = peer_up(415, B, "aes256-sha1-modp1024");
        struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
        peer_put_child(t, b, 0x7402);
        ike_put_ke(b, KC_DH_MODP1024, kd_bytes(pub, len));
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t) != 0, len != 128);
        assert_int_equal(t->p->s[B].adds, len == 128 ? 2 : 1);
        done(t);
    }
}

/* 3.3.6: group NONE was agreed on, so a KE payload means nothing. */
static void ke_without_a_group_is_ignored_and_not_answered(void **state)
{
    static const uint8_t pub[128] = {1};
    struct peer *t = peer_up(416, B, AZURE_ESP);
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    (void)state;

    peer_put_child(t, b, 0x7403);
    ike_put_ke(b, KC_DH_MODP1024, kd_bytes(pub, 128));
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    assert_false(ike_msg_has(&t->last, IKE_PL_KE));
    done(t);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_refusal_in_clear_does_not_stop_a_good_answer),
        T(a_refused_ike_sa_init_leaves_no_state),
        T(a_malformed_ike_auth_request_is_rejected_as_a_whole),
        T(an_auth_method_that_was_not_agreed_on_is_refused_by_name),
        T(the_responder_is_told_when_its_auth_is_wrong),
        T(a_refused_child_does_not_fail_the_authentication),
        T(an_error_without_auth_establishes_nothing),
        T(a_wish_for_eap_is_refused_by_name),
        T(every_request_with_an_error_gets_an_answer_that_names_it),
        T(an_unknown_exchange_is_answered_with_an_error),
        T(a_peer_that_answers_invalid_syntax_is_left_without_a_delete),
        T(a_request_for_an_unknown_spi_is_answered_in_clear_to_its_sender),
        T(a_response_for_an_unknown_spi_gets_no_word),
        T(a_word_about_an_unknown_spi_is_never_answered),
        T(invalid_spi_inside_the_sa_changes_nothing),
        T(ke_for_a_group_that_is_not_offered_is_refused),
        T(a_public_value_of_the_wrong_length_is_refused),
        T(ke_without_a_group_is_ignored_and_not_answered),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
