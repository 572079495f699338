/* RFC 7296 2.1 to 2.4, 2.8.1, 2.25: retransmission, message ids, the window, what proves a peer
 * dead or alive, and patience after TEMPORARY_FAILURE; as we obey each rule and as a peer breaks
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_peer.h"

static const struct kd_bytes none = {NULL, 0};

static struct peer *peer_up(uint64_t seed, int side)
{
    return peer_of(pair_established(seed, AZURE_IKE, AZURE_ESP), side);
}

static void done(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

/* What was sent last: for a retransmission, or for one that only pretends to be. */
static struct kd_bytes sent(const struct peer *t)
{
    return kd_bytes(t->buf, t->b.w.pos);
}

static struct ike_sa *sa_of(const struct peer *t)
{
    struct ike *e = t->p->s[t->side].e;

    return ike_sa_get(e, ike_conn_find(e, 7)->sa);
}

/* ---- 2.1: retransmission ---- */

static void a_response_is_repeated_for_the_identical_request_only(void **state)
{
    struct peer *t = peer_up(200, B);
    uint8_t first[512], answer[512], again[512];
    size_t first_len, len, again_len;
    struct ike_header h;
    (void)state;

    (void)peer_request(t, IKE_X_INFORMATIONAL);
    assert_int_equal(peer_send(t), 1);
    first_len = sent(t).len;
    memcpy(first, t->buf, first_len);
    len = t->len;
    memcpy(answer, t->raw, len);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(peer_throw(t, kd_bytes(first, first_len)), 1);
        assert_int_equal(t->len, len);
        assert_memory_equal(t->raw, answer, len);
    }
    /* The same id and another message: neither answered nor worked on. */
    h = peer_header(t, IKE_X_INFORMATIONAL, 0, t->next_id - 1);
    ike_put_delete_ike(peer_begin(t, &h));
    again_len = ike_build_end(&t->b).len;
    memcpy(again, t->buf, again_len);
    assert_int_equal(peer_throw(t, kd_bytes(again, again_len)), 0);
    assert_true(pair_up(t->p, B));
    /* Its answer is forgotten once the next request has come: then it is ignored. */
    (void)peer_request(t, IKE_X_INFORMATIONAL);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_throw(t, kd_bytes(first, first_len)), 0);
    assert_true(pair_up(t->p, B));
    done(t);
}

static void a_repeated_request_is_worked_on_once(void **state)
{
    struct peer *t = peer_up(201, B);
    uint8_t copy[4096], answer[4096];
    struct kd_bytes msg;
    size_t len;
    (void)state;

    peer_put_child(t, peer_request(t, IKE_X_CREATE_CHILD_SA), 0x7100);
    assert_int_equal(peer_send(t), 1);
    msg = sent(t);
    memcpy(copy, msg.p, msg.len);
    len = t->len;
    memcpy(answer, t->raw, len);
    assert_int_equal(t->p->s[B].adds, 2);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(peer_throw(t, kd_bytes(copy, msg.len)), 1);
        assert_int_equal(t->len, len); /* nothing was made up anew */
        assert_memory_equal(t->raw, answer, len);
    }
    assert_int_equal(t->p->s[B].adds, 2);
    done(t);
}

/* While it is still worked on there is nothing to repeat. */
static void a_request_repeated_too_early_is_ignored(void **state)
{
    struct peer *t = peer_up(202, B);
    struct kd_bytes msg;
    uint8_t copy[4096];
    (void)state;

    t->p->s[B].hold_install = true;
    peer_put_child(t, peer_request(t, IKE_X_CREATE_CHILD_SA), 0x7101);
    assert_int_equal(peer_send(t), 0);
    msg = sent(t);
    memcpy(copy, msg.p, msg.len);
    assert_int_equal(peer_throw(t, kd_bytes(copy, msg.len)), 0);
    pair_release(t->p, B);
    pair_run(t->p, KD_MS(5));
    assert_int_equal(t->n, 1);
    assert_int_equal(t->p->s[B].adds, 2);
    done(t);
}

static void no_response_leaves_without_a_request(void **state)
{
    (void)state;

    for (int side = 0; side < 2; side++) {
        struct peer *t = peer_up(203, side);
        t->polite = true;
        pair_run(t->p, KD_S(30));
        assert_true(t->n > 10); /* its probes */
        assert_int_equal(t->n, t->n_requests);
        done(t);
    }
}

static void our_request_is_repeated_bit_for_bit_until_it_is_answered(void **state)
{
    struct peer *t = peer_up(204, A);
    uint64_t at[8];
    uint8_t first[512];
    size_t len;
    (void)state;

    pair_command(t->p, A, IKE_CMD_PROBE);
    assert_int_equal(t->n, 1);
    len = t->len;
    memcpy(first, t->raw, len);
    at[0] = t->p->now_us;
    for (unsigned i = 1; i < 4; i++) {
        while (t->n == i)
            pair_run(t->p, KD_MS(1));
        at[i] = t->p->now_us;
        assert_int_equal(t->len, len);
        assert_memory_equal(t->raw, first, len);
    }
    for (unsigned i = 2; i < 4; i++) /* each pause twice the one before, to a millisecond or two */
        assert_in_range((at[i] - at[i - 1]) / 1000, 2 * (at[i - 1] - at[i - 2]) / 1000 - 3,
                        2 * (at[i - 1] - at[i - 2]) / 1000 + 3);
    (void)peer_answer(t);
    assert_int_equal(peer_send(t), 0);
    pair_run(t->p, KD_MS(500));
    assert_int_equal(t->n, 4);
    done(t);
}

/* ---- 2.2: message ids ---- */

struct ids {
    uint8_t spi_i[8];
    uint32_t next[2]; /* of each side's next request */
    unsigned seen;
};

static bool watch_ids(struct pair *p, struct pair_packet *k)
{
    struct ids *w = p->ctx;
    struct ike_header h;
    struct ike_diag d;

    assert_true(ike_header_parse(kd_bytes(k->data, k->len), &h, &d));
    if (!w->seen)
        memcpy(w->spi_i, h.spi_i, 8);
    if (memcmp(w->spi_i, h.spi_i, 8) != 0)
        return true;
    w->seen++;
    if (ike_header_response(&h)) {
        assert_int_equal(h.msg_id, w->next[!k->from] - 1); /* the id of what it answers */
    } else {
        assert_int_equal(h.msg_id, w->next[k->from]);
        w->next[k->from]++;
    }
    return true;
}

static void each_sides_ids_count_from_0_and_answers_repeat_them(void **state)
{
    struct pair *p = pair_new(205, AZURE_IKE, AZURE_ESP);
    struct ids w = {.seen = 0};
    (void)state;

    p->filter = watch_ids;
    p->ctx = &w;
    assert_true(pair_establish(p));
    pair_run(p, KD_S(20));
    pair_command(p, B, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(5));
    assert_true(w.next[A] > 10 && w.next[B] > 10);
    pair_free(p);
}

static void an_ike_sa_ends_before_its_ids_wrap(void **state)
{
    struct peer *t = peer_up(206, A);
    (void)state;

    sa_of(t)->tx.next_id = UINT32_MAX - 2;
    pair_command(t->p, A, IKE_CMD_PROBE);
    assert_int_equal(t->asked.msg_id, UINT32_MAX - 2);
    (void)peer_answer(t);
    (void)peer_send(t);
    assert_int_equal(pair_note(t->p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_EXPIRED);
    assert_int_equal(t->p->s[A].n_children, 0);
    done(t);
}

/* ---- 2.3: the window ---- */

static void one_request_at_a_time_whatever_window_the_peer_offers(void **state)
{
    struct peer *t = peer_up(207, A);
    uint32_t id;
    (void)state;

    ike_put_notify(peer_request(t, IKE_X_INFORMATIONAL), 0, none, IKE_N_SET_WINDOW_SIZE,
                   kd_bytes("\0\0\0\5", 4));
    assert_int_equal(peer_send(t), 1);
    pair_command(t->p, A, IKE_CMD_PROBE);
    id = t->asked.msg_id;
    pair_command(t->p, A, IKE_CMD_REKEY_CHILD);
    pair_command(t->p, A, IKE_CMD_REKEY_IKE);
    pair_run(t->p, KD_MS(20));
    assert_int_equal(t->n_requests, 1);
    (void)peer_answer(t);
    assert_int_equal(peer_send(t), 1); /* only now the next one */
    assert_int_equal(t->asked.msg_id, id + 1);
    assert_int_equal(t->asked.exchange, IKE_X_CREATE_CHILD_SA);
    done(t);
}

static void a_request_is_answered_while_ours_is_outstanding(void **state)
{
    struct peer *t = peer_up(208, A);
    (void)state;

    pair_command(t->p, A, IKE_CMD_PROBE);
    assert_int_equal(t->n_requests, 1);
    (void)peer_request(t, IKE_X_INFORMATIONAL);
    assert_int_equal(peer_send(t), 1);
    assert_true(ike_header_response(&t->last.h));
    (void)peer_answer(t);
    assert_int_equal(peer_send(t), 0);
    assert_true(pair_up(t->p, A));
    done(t);
}

static void a_window_size_that_is_not_4_octets_is_malformed(void **state)
{
    (void)state;

    for (size_t len = 3; len <= 5; len++) {
        struct peer *t = peer_up(209, B);
        ike_put_notify(peer_request(t, IKE_X_INFORMATIONAL), 0, none, IKE_N_SET_WINDOW_SIZE,
                       kd_bytes("\0\0\0\1\0", len));
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), len == 4 ? 0 : IKE_N_INVALID_SYNTAX);
        done(t);
    }
}

/* INVALID_MESSAGE_ID may be sent; we don't: outside the window nothing is acknowledged. */
static void requests_outside_the_window_get_no_word(void **state)
{
    static const uint32_t off[] = {1, 2, 100, 0x7fffffff, 0xfffffff0};
    struct peer *t = peer_up(210, B);
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(off); i++) {
        struct ike_header h = peer_header(t, IKE_X_INFORMATIONAL, 0, t->next_id + off[i]);
        ike_put_delete_ike(peer_begin(t, &h));
        (void)ike_build_end(&t->b);
        assert_int_equal(peer_throw(t, sent(t)), 0);
    }
    assert_true(pair_up(t->p, B));
    (void)peer_request(t, IKE_X_INFORMATIONAL);
    assert_int_equal(peer_send(t), 1);
    done(t);
}

static void an_answer_that_was_not_asked_for_changes_nothing(void **state)
{
    struct peer *t = peer_up(211, A);
    struct ike_header h;
    uint64_t proof;
    (void)state;

    t->asked = peer_header(t, IKE_X_INFORMATIONAL, 0, sa_of(t)->tx.next_id);
    ike_put_delete_ike(peer_answer(t)); /* nothing is outstanding */
    assert_int_equal(peer_send(t), 0);
    pair_command(t->p, A, IKE_CMD_PROBE);
    proof = sa_of(t)->proof_us;
    for (int i = 0; i < 4; i++) {
        h = peer_header(t, i == 3 ? IKE_X_CREATE_CHILD_SA : IKE_X_INFORMATIONAL, IKE_FLAG_RESPONSE,
                        t->asked.msg_id + (i == 3 ? 0u : (uint32_t)(i - 1) * 2 - 1));
        ike_put_delete_ike(peer_begin(t, &h));
        assert_int_equal(peer_send(t), 0);
    }
    assert_int_equal(sa_of(t)->proof_us, proof);
    assert_true(pair_up(t->p, A));
    (void)peer_answer(t);
    assert_int_equal(peer_send(t), 0);
    assert_true(sa_of(t)->proof_us > proof);
    done(t);
}

/* 2.21, 3.1: whatever an answer holds, it is not answered; the two ends don't agree, so the SA is
 * deleted by a request. */
static void a_malformed_answer_is_not_answered(void **state)
{
    struct peer *t = peer_up(212, A);
    (void)state;

    pair_command(t->p, A, IKE_CMD_PROBE);
    ike_put_payload(peer_answer(t), IKE_PL_DELETE, kd_bytes("\3\4\0\5\1", 5));
    assert_int_equal(peer_send(t), 1);
    assert_false(ike_header_response(&t->last.h));
    assert_int_equal(t->last.n_deletes, 1);
    assert_int_equal(t->last.deletes[0].protocol, IKE_PROTO_IKE);
    assert_false(pair_up(t->p, A));
    done(t);
}

/* ---- 2.4: who is dead ---- */

static struct kd_bytes in_clear(struct peer *t, uint8_t flags, uint16_t notify)
{
    struct ike_header h = peer_header(t, IKE_X_INFORMATIONAL, flags, 3);

    ike_put_notify(peer_begin_clear(t, &h), 0, none, notify, none);
    return ike_build_end(&t->b);
}

static void words_in_clear_end_nothing_however_many(void **state)
{
    static const uint16_t words[] = {IKE_N_INVALID_IKE_SPI,       IKE_N_INVALID_SPI,
                                     IKE_N_AUTHENTICATION_FAILED, IKE_N_INVALID_SYNTAX,
                                     IKE_N_INVALID_MAJOR_VERSION, IKE_N_NO_PROPOSAL_CHOSEN,
                                     IKE_N_INITIAL_CONTACT};
    struct peer *t = peer_up(213, A);
    unsigned probes;
    (void)state;

    t->polite = true;
    for (unsigned i = 0; i < 100; i++)
        (void)peer_throw(
            t, in_clear(t, i & 1 ? IKE_FLAG_RESPONSE : 0, words[i % KD_ARRAY_LEN(words)]));
    probes =
        t->n_requests; /* in two seconds: some three for the time, four and one for the words */
    assert_int_equal(t->n, probes);
    assert_in_range(probes, 1, 9);
    assert_true(pair_up(t->p, A));
    assert_int_equal(t->p->s[A].dels, 0);
    assert_int_equal(pair_notes(t->p, A, IKE_NOTE_CLOSED), 0);
    done(t);
}

static void only_silence_for_the_whole_time_ends_an_sa(void **state)
{
    struct peer *t = peer_up(214, A);
    (void)state;

    t->p->s[A].cfg.role = IKE_ROLE_BOTH;
    pair_run(t->p, KD_S(59));
    assert_true(t->n > 10);
    assert_int_equal(pair_notes(t->p, A, IKE_NOTE_CLOSED), 0);
    pair_run(t->p, KD_S(2));
    assert_int_equal(pair_note(t->p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_DEAD_PEER);
    done(t);
}

static bool initial_contact_in_auth_only(struct pair *p, struct pair_packet *k)
{
    static uint8_t plain[65536];
    unsigned *seen = p->ctx;
    struct ike_header h;
    struct ike_diag d;
    struct ike_msg m;
    struct ike_sa *sa;

    memcpy(plain, k->data, k->len);
    assert_true(ike_msg_parse(kd_bytes(plain, k->len), &m, &d));
    h = m.h;
    sa = ike_index_spi(p->s[A].e, h.spi_i);
    if (ike_msg_has(&m, IKE_PL_SK) && sa && sa->initiator && sa->seal.box)
        assert_true(ike_msg_open(plain, k->len, &m, k->from == A ? &sa->seal : &sa->open, &d));
    if (ike_msg_notify(&m, IKE_N_INITIAL_CONTACT)) {
        assert_int_equal(h.exchange, IKE_X_AUTH);
        ++*seen;
    }
    return true;
}

static void initial_contact_is_said_in_ike_auth_and_nowhere_else(void **state)
{
    struct pair *p = pair_new(215, AZURE_IKE, AZURE_ESP);
    unsigned seen = 0;
    (void)state;

    p->filter = initial_contact_in_auth_only;
    p->ctx = &seen;
    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    pair_command(p, A, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(10));
    assert_int_equal(seen, 1);
    pair_free(p);
}

/* ---- 2.8.1: two pairs that may receive ---- */

static void during_a_rekey_both_pairs_receive(void **state)
{
    struct peer *t = peer_up(216, A);
    struct ike_build *b;
    struct ike_proposals offer;
    const struct ike_conn_config *c = &t->p->s[B].cfg;
    static const uint8_t nonce[32] = {1}, spi[4] = {0, 0, 0x72, 0};
    (void)state;

    pair_command(t->p, A, IKE_CMD_REKEY_CHILD);
    pair_run(t->p, KD_MS(20));
    assert_true(ike_proposals_parse(t->last.sa, &offer, NULL, NULL));
    b = peer_answer(t);
    ike_put_sa(b, &c->esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    ike_put_nonce(b, kd_bytes(nonce, 32));
    ike_put_ts(b, IKE_PL_TSI, &t->p->s[A].cfg.child[0].local_ts);
    ike_put_ts(b, IKE_PL_TSR, &t->p->s[A].cfg.child[0].remote_ts);
    assert_int_equal(peer_send(t), 1); /* the DELETE of the old pair */
    assert_int_equal(t->last.n_deletes, 1);
    assert_int_equal(t->p->s[A].n_children, 2);
    (void)peer_answer(t);
    (void)peer_send(t);
    assert_int_equal(t->p->s[A].n_children, 2); /* packets may be under way */
    t->polite = true;
    pair_run(t->p, KD_S(6));
    assert_int_equal(t->p->s[A].n_children, 1);
    assert_int_equal(t->p->s[A].child[0].spi_out, 0x7200);
    done(t);
}

/* ---- 2.8.1, 2.8.2: both rekey at once, the lowest of four nonces loses ---- */

static uint32_t spi_of(const struct kd_bytes sa)
{
    struct ike_proposals l;

    assert_true(ike_proposals_parse(sa, &l, NULL, NULL));
    return (uint32_t)l.p[0].spi[0] << 24 | (uint32_t)l.p[0].spi[1] << 16 |
           (uint32_t)l.p[0].spi[2] << 8 | l.p[0].spi[3];
}

static void put_pair(struct peer *t, struct ike_build *b, uint32_t spi, uint8_t nonce, bool ours)
{
    const struct ike_conn_config *c = &t->p->s[ours ? A : B].cfg;
    const uint8_t s[4] = {0, 0, (uint8_t)(spi >> 8), (uint8_t)spi};
    uint8_t n[32];

    memset(n, nonce, sizeof(n));
    ike_put_sa(b, &c->esp, IKE_PROTO_ESP, kd_bytes(s, 4), false);
    ike_put_nonce(b, kd_bytes(n, sizeof(n)));
    ike_put_ts(b, IKE_PL_TSI, &c->child[0].local_ts);
    ike_put_ts(b, IKE_PL_TSR, &c->child[0].remote_ts);
}

static void of_two_rekeys_of_a_pair_the_one_with_the_lowest_nonce_goes(void **state)
{
    (void)state;

    for (int lowest = 0; lowest < 2; lowest++) { /* 0: the peer's own exchange holds it */
        struct peer *t = peer_up(218, A);
        const struct pair_child old = t->p->s[A].child[0];
        const uint8_t s[4] = {(uint8_t)(old.spi_out >> 24), (uint8_t)(old.spi_out >> 16),
                              (uint8_t)(old.spi_out >> 8), (uint8_t)old.spi_out};
        struct ike_header ours;
        uint32_t mine;
        struct ike_build *b;

        pair_command(t->p, A, IKE_CMD_REKEY_CHILD);
        pair_run(t->p, KD_MS(20));
        mine = spi_of(t->last.sa);
        ours = t->asked;
        b = peer_request(t, IKE_X_CREATE_CHILD_SA);
        ike_put_notify(b, IKE_PROTO_ESP, kd_bytes(s, 4), IKE_N_REKEY_SA, none);
        put_pair(t, b, 0x7201, lowest == 0 ? 0 : 0xff, false);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), 0);
        assert_true(ike_header_response(&t->last.h));
        t->asked = ours;
        put_pair(t, peer_answer(t), 0x7202, lowest == 1 ? 0 : 0xff, true);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(t->last.n_deletes, 1);
        /* The winner deletes the pair that both have replaced, the loser its own new one. */
        assert_int_equal(ike_delete_spi(&t->last.deletes[0], 0), lowest == 0 ? old.spi_in : mine);
        t->polite = true;
        (void)peer_answer(t);
        (void)peer_send(t);
        ike_put_delete(peer_request(t, IKE_X_INFORMATIONAL), IKE_PROTO_ESP,
                       lowest == 0 ? &(uint32_t){0x7201} : &old.spi_out, 1);
        (void)peer_send(t);
        pair_run(t->p, KD_S(10));
        assert_int_equal(t->p->s[A].n_children, 1);
        assert_int_equal(pair_outbound(t->p, A)->spi_out, lowest == 0 ? 0x7202 : 0x7201);
        done(t);
    }
}

static void put_ike(struct peer *t, struct ike_build *b, uint8_t spi, uint8_t nonce)
{
    static const uint8_t pub[128] = {0, 0, 0, 0, 0, 0, 0, 5};
    const uint8_t s[8] = {spi, 1, 2, 3, 4, 5, 6, 7};
    uint8_t n[32];

    memset(n, nonce, sizeof(n));
    ike_put_sa(b, &t->p->s[B].cfg.ike, IKE_PROTO_IKE, kd_bytes(s, 8), false);
    ike_put_nonce(b, kd_bytes(n, sizeof(n)));
    ike_put_ke(b, KC_DH_MODP1024, kd_bytes(pub, sizeof(pub)));
}

static void of_two_rekeys_of_the_ike_sa_the_one_with_the_lowest_nonce_goes(void **state)
{
    (void)state;

    for (int lowest = 0; lowest < 2; lowest++) { /* 0: the peer's own exchange holds it */
        struct peer *t = peer_up(219, A);
        struct ike_header ours;
        struct ike_proposals l;
        struct ike_view v;

        pair_command(t->p, A, IKE_CMD_REKEY_IKE);
        pair_run(t->p, KD_MS(20));
        assert_true(ike_proposals_parse(t->last.sa, &l, NULL, NULL));
        ours = t->asked;
        put_ike(t, peer_request(t, IKE_X_CREATE_CHILD_SA), 0x81, lowest == 0 ? 0 : 0xff);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), 0);
        t->asked = ours;
        put_ike(t, peer_answer(t), 0x82, lowest == 1 ? 0 : 0xff);
        (void)peer_send(t);
        /* In use is the survivor, with the pair; the loser goes by a DELETE of its initiator's, the
         * one that both have replaced by the winner's. */
        assert_true(ike_conn_view(t->p->s[A].e, 7, &v) && v.established);
        assert_int_equal(v.n_children, 1);
        assert_int_equal(v.initiator, lowest == 0);
        if (lowest == 0) {
            assert_memory_equal(v.spi_i, l.p[0].spi, 8);
            assert_memory_equal(t->asked.spi_i, t->spi_i, 8);
        } else {
            assert_int_equal(v.spi_i[0], 0x81);
            assert_memory_equal(t->asked.spi_i, l.p[0].spi, 8);
        }
        assert_int_equal(t->asked.exchange, IKE_X_INFORMATIONAL);
        done(t);
    }
}

/* ---- 2.25: TEMPORARY_FAILURE ---- */

static void a_temporary_failure_is_not_followed_by_another_try_at_once(void **state)
{
    static const enum ike_command cmd[] = {IKE_CMD_REKEY_CHILD, IKE_CMD_REKEY_IKE};
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct peer *t = peer_up(217, A);
        uint64_t refused_at;

        t->polite = true; /* probes only */
        pair_command(t->p, A, cmd[i]);
        pair_run(t->p, KD_MS(20));
        assert_int_equal(t->asked.exchange, IKE_X_CREATE_CHILD_SA);
        ike_put_notify(peer_answer(t), 0, none, IKE_N_TEMPORARY_FAILURE, none);
        (void)peer_send(t);
        refused_at = t->p->now_us;
        t->asked.exchange = 0;
        while (t->asked.exchange != IKE_X_CREATE_CHILD_SA && t->p->now_us < refused_at + KD_S(30))
            pair_run(t->p, KD_MS(10));
        assert_int_equal(t->asked.exchange, IKE_X_CREATE_CHILD_SA);
        assert_in_range(t->p->now_us - refused_at, KD_S(1), KD_S(29));
        assert_true(pair_up(t->p, A));
        done(t);
    }
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_response_is_repeated_for_the_identical_request_only),
        T(a_repeated_request_is_worked_on_once),
        T(a_request_repeated_too_early_is_ignored),
        T(no_response_leaves_without_a_request),
        T(our_request_is_repeated_bit_for_bit_until_it_is_answered),
        T(each_sides_ids_count_from_0_and_answers_repeat_them),
        T(an_ike_sa_ends_before_its_ids_wrap),
        T(one_request_at_a_time_whatever_window_the_peer_offers),
        T(a_request_is_answered_while_ours_is_outstanding),
        T(a_window_size_that_is_not_4_octets_is_malformed),
        T(requests_outside_the_window_get_no_word),
        T(an_answer_that_was_not_asked_for_changes_nothing),
        T(a_malformed_answer_is_not_answered),
        T(words_in_clear_end_nothing_however_many),
        T(only_silence_for_the_whole_time_ends_an_sa),
        T(initial_contact_is_said_in_ike_auth_and_nowhere_else),
        T(during_a_rekey_both_pairs_receive),
        T(of_two_rekeys_of_a_pair_the_one_with_the_lowest_nonce_goes),
        T(of_two_rekeys_of_the_ike_sa_the_one_with_the_lowest_nonce_goes),
        T(a_temporary_failure_is_not_followed_by_another_try_at_once),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
