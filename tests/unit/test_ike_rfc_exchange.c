/* RFC 7296 1.2 to 1.5, 2.8, 2.18: which exchange may follow which, what each must hold, and what
 * DELETE does; each rule as we obey it and as a peer breaks it. src/ike/COVERAGE.md names them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_peer.h"

#define PFS "aes256-sha1-modp2048-x25519"
static const struct kd_bytes none = {NULL, 0};

/* A peer of side in a pair that is up. */
static struct peer *peer_up(uint64_t seed, int side, const char *ike, const char *esp)
{
    return peer_of(pair_established(seed, ike, esp), side);
}

static void done(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

static void copy_all(struct rewrite *r KD_UNUSED, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, 0);
}

/* ---- 1.2: the initial exchanges ---- */

static void nothing_but_ike_auth_follows_ike_sa_init(void **state)
{
    static const uint8_t others[] = {IKE_X_CREATE_CHILD_SA, IKE_X_INFORMATIONAL, 99};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(others); i++) {
        struct rewrite r = {.exchange = IKE_X_AUTH, .write = copy_all, .as_exchange = others[i]};
        struct pair *p = pair_new(100 + i, AZURE_IKE, AZURE_ESP);

        p->filter = peer_rewrite;
        p->ctx = &r;
        assert_false(pair_establish(p));
        assert_int_equal(p->s[B].n_sent, 1); /* IKE_SA_INIT's answer */
        r.as_exchange = 0;                   /* the same message as what it is, repeated */
        pair_run(p, KD_S(2));
        assert_true(pair_up(p, A) && pair_up(p, B));
        pair_free(p);
    }
}

static void call_itself_x(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    uint8_t body[64];
    struct kd_writer w;
    struct ike_id id;

    assert_true(ike_id_parse("x.example", &id));
    kd_writer_init(&w, body, sizeof(body));
    ike_id_write(&w, &id);
    peer_put_identity(r, b, kd_written(&w));
    peer_copy(b, m, IKE_HAS(IKE_PL_AUTH) | IKE_HAS(r->response ? IKE_PL_IDR : IKE_PL_IDI));
}

/* The key proves nothing for a name that it was not configured for. */
static void a_name_the_key_does_not_belong_to_is_refused(void **state)
{
    (void)state;

    for (int side = 0; side < 2; side++) {
        struct rewrite r = {.exchange = IKE_X_AUTH, .response = side == A, .write = call_itself_x};
        struct pair *p = pair_new(110, AZURE_IKE, AZURE_ESP);

        p->filter = peer_rewrite;
        p->ctx = &r;
        assert_false(pair_establish(p));
        assert_int_equal(pair_note(p, side, IKE_NOTE_REFUSED)->reason, KD_REASON_AUTH_FAILED);
        assert_non_null(strstr(pair_note(p, side, IKE_NOTE_REFUSED)->detail, "x.example"));
        assert_int_equal(pair_notes(p, side, IKE_NOTE_ESTABLISHED), 0);
        assert_int_equal(p->s[side].n_children, 0);
        pair_free(p);
    }
}

struct offers {
    unsigned n;
    uint8_t sa[4][1024];
    size_t len[4];
    uint16_t group[4];
};

static bool keep_offers(struct pair *p, struct pair_packet *k)
{
    struct offers *o = p->ctx;
    struct ike_diag d;
    struct ike_msg m;

    if (k->from == A && k->data[18] == IKE_X_SA_INIT && o->n < 4) {
        assert_true(ike_msg_parse(kd_bytes(k->data, k->len), &m, &d));
        memcpy(o->sa[o->n], m.sa.p, m.sa.len);
        o->len[o->n] = m.sa.len;
        o->group[o->n++] = m.ke.group;
    }
    return true;
}

static void after_invalid_ke_the_whole_offer_is_made_again(void **state)
{
    struct pair *p =
        pair_new(111, "aes256-sha256-modp2048-x25519, aes128-sha1-modp1024", AZURE_ESP);
    struct offers o = {.n = 0};
    (void)state;

    pair_proposals(&p->s[B].cfg.ike, "aes256-sha256-x25519", IKE_PROTO_IKE);
    pair_config(p, B);
    p->filter = keep_offers;
    p->ctx = &o;
    assert_true(pair_establish(p));
    assert_int_equal(o.n, 2);
    assert_int_equal(o.group[0], KC_DH_MODP2048);
    assert_int_equal(o.group[1], KC_DH_X25519);
    assert_int_equal(o.len[0], o.len[1]);
    assert_memory_equal(o.sa[0], o.sa[1], o.len[0]);
    pair_free(p);
}

/* ---- 1.3: CREATE_CHILD_SA ---- */

static void put_ke(struct ike_build *b, uint16_t group)
{
    static const uint8_t pub[512] = {0, 0, 0, 0, 0, 0, 0, 5};

    ike_put_ke(b, group, kd_bytes(pub, kc_alg_find(KC_DH, group, 0)->pub_len));
}

static void put_ike_rekey(struct peer *t, struct ike_build *b)
{
    static const uint8_t nonce[32] = {0x4e}, spi[8] = {7, 7};

    ike_put_sa(b, &t->p->s[!t->side].cfg.ike, IKE_PROTO_IKE, kd_bytes(spi, 8), false);
    ike_put_nonce(b, kd_bytes(nonce, sizeof(nonce)));
}

static void our_requests_carry_ke_for_an_offered_group(void **state)
{
    static const enum ike_command cmd[] = {IKE_CMD_REKEY_CHILD, IKE_CMD_REKEY_IKE};
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct peer *t = peer_up(112, A, PFS, PFS);
        struct ike_proposals offer;

        pair_command(t->p, A, cmd[i]);
        pair_run(t->p, KD_MS(20));
        assert_int_equal(t->last.h.exchange, IKE_X_CREATE_CHILD_SA);
        assert_true(ike_msg_has(&t->last, IKE_PL_KE));
        assert_true(ike_proposals_parse(t->last.sa, &offer, NULL, NULL));
        assert_true(ike_proposals_have_dh(&offer, t->last.ke.group));
        assert_int_equal(offer.p[0].spi_len, i ? 8 : 4);
        done(t);
    }
}

static void another_group_than_the_chosen_proposals_is_refused_by_name(void **state)
{
    (void)state;

    for (int ike = 0; ike < 2; ike++) {
        struct peer *t = peer_up(113, B, PFS, PFS);
        struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
        const struct ike_notify *n;

        if (ike)
            put_ike_rekey(t, b);
        else
            peer_put_child(t, b, 0x7001);
        put_ke(b, KC_DH_X25519); /* B prefers modp2048, which is offered too */
        assert_int_equal(peer_send(t), 1);
        n = ike_msg_notify(&t->last, IKE_N_INVALID_KE_PAYLOAD);
        assert_non_null(n);
        assert_int_equal(n->data.len, 2);
        assert_int_equal(n->data.p[0] << 8 | n->data.p[1], KC_DH_MODP2048);
        assert_true(pair_up(t->p, B));
        b = peer_request(t, IKE_X_CREATE_CHILD_SA);
        if (ike)
            put_ike_rekey(t, b);
        else
            peer_put_child(t, b, 0x7002);
        put_ke(b, KC_DH_MODP2048);
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(peer_error(t), 0);
        assert_int_equal(t->last.ke.group, KC_DH_MODP2048);
        done(t);
    }
}

static void an_ike_rekey_without_ke_is_malformed(void **state)
{
    struct peer *t = peer_up(114, B, AZURE_IKE, AZURE_ESP);
    (void)state;

    put_ike_rekey(t, peer_request(t, IKE_X_CREATE_CHILD_SA));
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), IKE_N_INVALID_SYNTAX);
    assert_false(pair_up(t->p, B));
    done(t);
}

static void a_rekey_request_names_the_pair_by_our_inbound_spi(void **state)
{
    struct peer *t = peer_up(115, A, AZURE_IKE, AZURE_ESP);
    uint32_t spi = t->p->s[A].child[0].spi_in;
    const struct ike_notify *n;
    (void)state;

    pair_command(t->p, A, IKE_CMD_REKEY_CHILD);
    pair_run(t->p, KD_MS(20));
    n = ike_msg_notify(&t->last, IKE_N_REKEY_SA);
    assert_non_null(n);
    assert_int_equal(n->protocol, IKE_PROTO_ESP);
    assert_int_equal(n->spi.len, 4);
    assert_int_equal((uint32_t)n->spi.p[0] << 24 | (uint32_t)n->spi.p[1] << 16 |
                         (uint32_t)n->spi.p[2] << 8 | n->spi.p[3],
                     spi);
    done(t);
}

/* Without REKEY_SA it is one more pair: nothing is replaced. */
static void a_request_without_rekey_sa_replaces_nothing(void **state)
{
    struct peer *t = peer_up(116, B, AZURE_IKE, AZURE_ESP);
    uint32_t first = t->p->s[B].child[0].spi_in;
    (void)state;

    t->polite = true;
    peer_put_child(t, peer_request(t, IKE_X_CREATE_CHILD_SA), 0x7003);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    pair_run(t->p, KD_S(20));
    assert_int_equal(t->p->s[B].n_children, 2);
    assert_int_equal(t->p->s[B].child[0].spi_in, first);
    done(t);
}

/* Our answer may be late: until the peer has deleted the old pair, it may not know the new one. */
static void a_pair_that_the_peer_may_not_know_yet_is_not_rekeyed(void **state)
{
    struct peer *t = peer_up(131, B, AZURE_IKE, AZURE_ESP);
    uint32_t old = t->p->s[B].child[0].spi_out;
    const uint8_t spi[4] = {(uint8_t)(old >> 24), (uint8_t)(old >> 16), (uint8_t)(old >> 8),
                            (uint8_t)old};
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    (void)state;

    ike_put_notify(b, IKE_PROTO_ESP, kd_bytes(spi, 4), IKE_N_REKEY_SA, none);
    peer_put_child(t, b, 0x7005);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    pair_command(t->p, B, IKE_CMD_REKEY_CHILD);
    pair_run(t->p, KD_MS(100));
    assert_int_equal(t->n_requests, 0);
    ike_put_delete(peer_request(t, IKE_X_INFORMATIONAL), IKE_PROTO_ESP, &old, 1);
    assert_int_equal(peer_send(t), 2); /* its answer, and now the request */
    assert_int_equal(t->n_requests, 1);
    assert_int_equal(t->asked.exchange, IKE_X_CREATE_CHILD_SA);
    done(t);
}

static void rekeying_a_pair_that_is_not_there_is_refused_with_its_spi(void **state)
{
    struct peer *t = peer_up(117, B, AZURE_IKE, AZURE_ESP);
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    const struct ike_notify *n;
    (void)state;

    ike_put_notify(b, IKE_PROTO_ESP, kd_bytes("\x12\x34\x56\x78", 4), IKE_N_REKEY_SA, none);
    peer_put_child(t, b, 0x7004);
    assert_int_equal(peer_send(t), 1);
    n = ike_msg_notify(&t->last, IKE_N_CHILD_SA_NOT_FOUND);
    assert_non_null(n);
    assert_int_equal(n->protocol, IKE_PROTO_ESP);
    assert_int_equal(n->spi.len, 4);
    assert_memory_equal(n->spi.p, "\x12\x34\x56\x78", 4);
    assert_int_equal(t->p->s[B].n_children, 1);
    done(t);
}

/* 4: NO_ADDITIONAL_SAS. The pair lives on to its end; then it is deleted and all begins anew. */
static void refused_further_pairs_the_old_one_ends_and_all_begins_anew(void **state)
{
    struct pair *p = pair_new(127, AZURE_IKE, AZURE_ESP);
    struct peer *t;
    (void)state;

    p->s[A].cfg.child_life_us = KD_S(40);
    pair_config(p, A);
    assert_true(pair_establish(p));
    t = peer_of(p, A);
    t->polite = true;
    for (int i = 0; i < 300 && t->p->s[A].n_children; i++) {
        pair_run(p, KD_MS(200));
        if (t->asked.exchange != IKE_X_CREATE_CHILD_SA)
            continue;
        ike_put_notify(peer_answer(t), 0, none, IKE_N_NO_ADDITIONAL_SAS, none);
        t->asked.exchange = 0;
        (void)peer_send(t);
        assert_int_equal(p->s[A].n_children, 1);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    }
    assert_int_equal(pair_note(p, A, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_EXPIRED);
    pair_run(p, KD_S(10));
    assert_int_equal(p->s[A].adds, 1);
    assert_true(pair_notes(p, A, IKE_NOTE_CONNECTING) > 1);
    done(t);
}

/* ---- 1.4: INFORMATIONAL ---- */

static void informational_in_clear_or_under_another_key_changes_nothing(void **state)
{
    struct peer *t = peer_up(118, B, AZURE_IKE, AZURE_ESP);
    struct ike_header h = peer_header(t, IKE_X_INFORMATIONAL, 0, t->next_id);
    struct ike_sk right = t->to;
    (void)state;

    t->polite = true;
    ike_put_delete_ike(peer_begin_clear(t, &h));
    (void)peer_send(t);
    assert_int_equal(t->n, t->n_requests); /* a probe of its own at most, no answer */
    t->next_id--;
    t->to = t->from; /* keys of the other direction */
    ike_put_delete_ike(peer_begin(t, &h));
    assert_int_equal(peer_send(t), 0);
    t->to = right;
    assert_true(pair_up(t->p, B));
    (void)peer_begin(t, &h);
    assert_int_equal(peer_send(t), 1); /* the id was not used up */
    done(t);
}

static void every_informational_request_is_answered(void **state)
{
    struct peer *t = peer_up(119, B, AZURE_IKE, AZURE_ESP);
    static const uint32_t nobody[] = {0x12345678};
    (void)state;

    for (int i = 0; i < 8; i++) {
        struct ike_build *b = peer_request(t, IKE_X_INFORMATIONAL);
        uint32_t id = t->next_id;

        switch (i) {
        case 0: /* a liveness probe */
            break;
        case 1:
            ike_put_notify(b, 0, none, 40000, kd_bytes("x", 1)); /* an unknown status */
            break;
        case 2:
            ike_put_notify(b, 0, none, 8000, kd_bytes("x", 1)); /* an unknown error */
            break;
        case 3:
            ike_put_vendor(b, kd_bytes("nobody knows", 12));
            break;
        case 4:
            ike_put_delete(b, IKE_PROTO_ESP, nobody, 1);
            break;
        case 5:
            ike_put_delete(b, IKE_PROTO_AH, nobody, 1);
            break;
        case 6:
            ike_put_payload(b, IKE_PL_CP, kd_bytes("\1\0\0\0", 4));
            break;
        case 7:
            ike_put_notify(b, 0, none, IKE_N_INITIAL_CONTACT, none); /* not its place: ignored */
            break;
        }
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(t->last.h.flags, IKE_FLAG_RESPONSE);
        assert_int_equal(t->last.h.exchange, IKE_X_INFORMATIONAL);
        assert_int_equal(t->last.h.msg_id, id);
        assert_int_equal(peer_error(t), 0);
        assert_int_equal(t->last.n_deletes, 0);
        assert_false(ike_msg_has(&t->last, IKE_PL_CP));
        assert_true(pair_up(t->p, B));
    }
    done(t);
}

static void a_delete_closes_the_pair_and_names_its_other_half(void **state)
{
    struct peer *t = peer_up(120, B, AZURE_IKE, AZURE_ESP);
    uint32_t in = t->p->s[B].child[0].spi_in, out = t->p->s[B].child[0].spi_out;
    (void)state;

    ike_put_delete(peer_request(t, IKE_X_INFORMATIONAL), IKE_PROTO_ESP, &out, 1);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(t->last.n_deletes, 1);
    assert_int_equal(t->last.deletes[0].protocol, IKE_PROTO_ESP);
    assert_int_equal(t->last.deletes[0].n, 1);
    assert_int_equal(ike_delete_spi(&t->last.deletes[0], 0), in);
    assert_int_equal(t->p->s[B].n_children, 0);
    done(t);
}

/* By the SPI that the sender receives with, so ours would be another's. */
static void a_delete_by_the_wrong_spi_of_the_pair_deletes_nothing(void **state)
{
    struct peer *t = peer_up(121, B, AZURE_IKE, AZURE_ESP);
    uint32_t in = t->p->s[B].child[0].spi_in;
    (void)state;

    ike_put_delete(peer_request(t, IKE_X_INFORMATIONAL), IKE_PROTO_ESP, &in, 1);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(t->last.n_deletes, 0);
    assert_int_equal(t->p->s[B].n_children, 1);
    done(t);
}

static void expire(struct pair *p, int side, unsigned child)
{
    pair_step(
        p, side,
        &(struct ike_event){.kind = IKE_EV_CHILD_EXPIRE, .child = p->s[side].child[child].child});
}

static void a_pair_we_close_is_deleted_by_our_inbound_spi(void **state)
{
    struct peer *t = peer_up(122, A, AZURE_IKE, AZURE_ESP);
    uint32_t in = t->p->s[A].child[0].spi_in;
    (void)state;

    expire(t->p, A, 0);
    assert_int_equal(t->last.h.exchange, IKE_X_INFORMATIONAL);
    assert_int_equal(t->last.n_deletes, 1);
    assert_int_equal(t->last.deletes[0].protocol, IKE_PROTO_ESP);
    assert_int_equal(ike_delete_spi(&t->last.deletes[0], 0), in);
    done(t);
}

static void deletes_that_cross_are_answered_without_a_delete(void **state)
{
    struct peer *t = peer_up(123, A, AZURE_IKE, AZURE_ESP);
    uint32_t out = t->p->s[A].child[0].spi_out;
    (void)state;

    expire(t->p, A, 0); /* our DELETE is on its way */
    ike_put_delete(peer_request(t, IKE_X_INFORMATIONAL), IKE_PROTO_ESP, &out, 1);
    assert_int_equal(peer_send(t), 1);
    assert_true(ike_header_response(&t->last.h));
    assert_int_equal(t->last.n_deletes, 0);
    (void)peer_answer(t);
    (void)peer_send(t);
    assert_int_equal(t->p->s[A].n_children, 0);
    assert_int_equal(t->p->s[A].dels, 1); /* once */
    done(t);
}

static void a_delete_of_the_ike_sa_is_answered_empty_and_ends_all_of_it(void **state)
{
    struct peer *t = peer_up(124, B, AZURE_IKE, AZURE_ESP);
    uint8_t answer[512];
    struct kd_bytes msg;
    size_t len;
    (void)state;

    ike_put_delete_ike(peer_request(t, IKE_X_INFORMATIONAL));
    assert_int_equal(peer_send(t), 1);
    assert_true(ike_header_response(&t->last.h));
    assert_int_equal(t->last.has, 0);
    assert_int_equal(t->p->s[B].n_children, 0);
    assert_int_equal(pair_note(t->p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_DELETED);
    len = t->len;
    memcpy(answer, t->raw, len);
    msg = kd_bytes(t->buf, t->b.w.pos); /* it was lost: the request again */
    assert_int_equal(peer_throw(t, msg), 1);
    assert_int_equal(t->len, len);
    assert_memory_equal(t->raw, answer, len);
    ike_put_delete_ike(peer_request(t, IKE_X_INFORMATIONAL)); /* but nothing else is answered */
    assert_int_equal(peer_send(t), 0);
    done(t);
}

/* ---- 2.8, 2.18: the end of a rekeyed IKE SA, the beginning of the new one ---- */

struct ids {
    uint8_t old_i[8];
    unsigned old_requests, old_deletes;
    int64_t first_new; /* message id of the first request on the new SA */
};

static bool watch_rekey(struct pair *p, struct pair_packet *k)
{
    static uint8_t plain[65536];
    struct ids *w = p->ctx;
    struct ike_sa *sa = ike_index_spi(p->s[A].e, w->old_i);
    struct ike_diag d;
    struct ike_msg m;

    memcpy(plain, k->data, k->len);
    assert_true(ike_msg_parse(kd_bytes(plain, k->len), &m, &d));
    if (k->from != A || ike_header_response(&m.h))
        return true;
    if (memcmp(m.h.spi_i, w->old_i, 8) != 0) {
        if (w->first_new < 0)
            w->first_new = m.h.msg_id;
        return true;
    }
    assert_int_equal(w->old_deletes, 0); /* nothing after the DELETE */
    w->old_requests++;
    assert_non_null(sa);
    if (ike_msg_open(plain, k->len, &m, &sa->seal, &d) && m.n_deletes == 1 &&
        m.deletes[0].protocol == IKE_PROTO_IKE)
        w->old_deletes++;
    return true;
}

static void the_last_request_of_a_rekeyed_ike_sa_is_its_delete(void **state)
{
    struct pair *p = pair_established(125, AZURE_IKE, AZURE_ESP);
    struct ids w = {.first_new = -1};
    struct ike_view v;
    (void)state;

    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    memcpy(w.old_i, v.spi_i, 8);
    p->filter = watch_rekey;
    p->ctx = &w;
    pair_command(p, A, IKE_CMD_REKEY_IKE);
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    assert_int_equal(w.old_deletes, 1);
    assert_in_range(w.old_requests, 2, 3);
    assert_int_equal(w.first_new, 0);
    assert_true(pair_up(p, A) && pair_up(p, B));
    pair_free(p);
}

/* The peer has rekeyed it and goes on with the old one: it is answered there, and nothing is made.
 */
static void requests_on_a_rekeyed_ike_sa_are_answered_and_make_nothing(void **state)
{
    struct peer *t = peer_up(128, B, PFS, PFS);
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    (void)state;

    put_ike_rekey(t, b);
    put_ke(b, KC_DH_MODP2048);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    (void)peer_request(t, IKE_X_INFORMATIONAL);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(t->last.has, 0);
    b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    peer_put_child(t, b, 0x7005);
    put_ke(b, KC_DH_MODP2048);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), IKE_N_TEMPORARY_FAILURE);
    ike_put_delete_ike(peer_request(t, IKE_X_INFORMATIONAL));
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(t->last.has, 0);
    assert_int_equal(t->p->s[B].adds, 1); /* the pair has moved to the new one */
    assert_int_equal(t->p->s[B].dels, 0);
    assert_int_equal(pair_notes(t->p, B, IKE_NOTE_CLOSED), 0);
    done(t);
}

static void a_rekeyed_ike_sa_expects_message_id_0(void **state)
{
    struct pair *p = pair_established(126, AZURE_IKE, AZURE_ESP);
    struct ike_header h;
    struct peer *t;
    (void)state;

    pair_run(p, KD_S(3)); /* some probes: the old SA's ids are past 0 */
    pair_command(p, B, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_MS(200));
    t = peer_of(p, B);
    assert_int_equal(t->next_id, 0);
    h = peer_header(t, IKE_X_INFORMATIONAL, 0, 5);
    (void)peer_begin(t, &h);
    assert_int_equal(peer_send(t), 0);
    h.msg_id = 0;
    (void)peer_begin(t, &h);
    assert_int_equal(peer_send(t), 1);
    done(t);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_but_ike_auth_follows_ike_sa_init),
        T(a_name_the_key_does_not_belong_to_is_refused),
        T(after_invalid_ke_the_whole_offer_is_made_again),
        T(our_requests_carry_ke_for_an_offered_group),
        T(another_group_than_the_chosen_proposals_is_refused_by_name),
        T(an_ike_rekey_without_ke_is_malformed),
        T(a_rekey_request_names_the_pair_by_our_inbound_spi),
        T(a_request_without_rekey_sa_replaces_nothing),
        T(a_pair_that_the_peer_may_not_know_yet_is_not_rekeyed),
        T(rekeying_a_pair_that_is_not_there_is_refused_with_its_spi),
        T(refused_further_pairs_the_old_one_ends_and_all_begins_anew),
        T(informational_in_clear_or_under_another_key_changes_nothing),
        T(every_informational_request_is_answered),
        T(a_delete_closes_the_pair_and_names_its_other_half),
        T(a_delete_by_the_wrong_spi_of_the_pair_deletes_nothing),
        T(a_pair_we_close_is_deleted_by_our_inbound_spi),
        T(deletes_that_cross_are_answered_without_a_delete),
        T(a_delete_of_the_ike_sa_is_answered_empty_and_ends_all_of_it),
        T(the_last_request_of_a_rekeyed_ike_sa_is_its_delete),
        T(requests_on_a_rekeyed_ike_sa_are_answered_and_make_nothing),
        T(a_rekeyed_ike_sa_expects_message_id_0),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
