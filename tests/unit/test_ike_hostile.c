/* Forged, repeated and misplaced messages, floods, random histories; and that a seed is a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike/sa.h"
#include "ike_pair.h"

/* ---- hostile input ---- */

struct forge {
    unsigned copies;
    bool busy;
};

/* Every datagram is preceded by copies of itself with one bit of each octet flipped. */
static bool flip_bits(struct pair *p, struct pair_packet *k)
{
    struct forge *f = p->ctx;
    int to = !k->from;

    for (size_t i = 0; i < k->len && !f->busy; i++) {
        struct ike_event ev = {.kind = IKE_EV_DATAGRAM,
                               .local = k->dst,
                               .remote = k->src,
                               .natt = k->natt,
                               .data = kd_bytes(k->data, k->len)};
        f->busy = true;
        k->data[i] ^= (uint8_t)(1u << (i & 7));
        pair_step(p, to, &ev);
        k->data[i] ^= (uint8_t)(1u << (i & 7));
        f->busy = false;
        f->copies++;
    }
    return true;
}

static void forged_datagrams_change_nothing_once_established(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    struct forge f = {0};
    struct ike_view v, w;
    (void)state;

    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    p->filter = flip_bits;
    p->ctx = &f;
    pair_run(p, KD_S(30));
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(30));
    assert_true(ike_conn_view(p->s[A].e, 7, &w));
    assert_memory_equal(v.spi_i, w.spi_i, 8);
    assert_true(pair_children_agree(p));
    assert_int_equal(p->s[A].n_children, 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_FAILING) + pair_notes(p, B, IKE_NOTE_FAILING), 0);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED) + pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    assert_true(f.copies > 5000);
    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

/* During IKE_SA_INIT a forger may spoil an attempt, but not more: no SA with a wrong peer, no
 * leak, no log flood; the next attempts come through when it is gone. */
static void forged_handshake_spoils_an_attempt_at_most(void **state)
{
    struct pair *p = pair_new(60, AZURE_IKE, AZURE_ESP);
    struct forge f = {0};
    (void)state;

    p->filter = flip_bits;
    p->ctx = &f;
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(15));
    assert_true(f.copies > 300);
    assert_in_range(pair_notes(p, B, IKE_NOTE_STRANGER), 1, 40);
    p->filter = NULL;
    pair_run(p, KD_S(120));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(40));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

struct tape {
    struct pair_packet k[256];
    unsigned n;
};

static bool record(struct pair *p, struct pair_packet *k)
{
    struct tape *t = p->ctx;

    if (t->n < 256) {
        t->k[t->n] = *k;
        t->k[t->n].data = malloc(k->len);
        memcpy(t->k[t->n++].data, k->data, k->len);
    }
    return true;
}

static void play(struct pair *p, const struct pair_packet *k, int to)
{
    pair_step(p, to,
              &(struct ike_event){.kind = IKE_EV_DATAGRAM,
                                  .local = k->dst,
                                  .remote = k->src,
                                  .natt = k->natt,
                                  .data = kd_bytes(k->data, k->len)});
}

static void every_message_in_every_state_is_survived(void **state)
{
    static struct tape t;
    struct pair *p = pair_new(61, AZURE_IKE, "aes256-sha1-modp1024");
    unsigned points;
    (void)state;

    /* A life with everything in it. */
    p->filter = record;
    p->ctx = &t;
    pair_establish(p);
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(1));
    pair_command(p, B, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(8));
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(1));
    assert_true(t.n > 20);
    pair_free(p);
    /* The same life (same seed), stopped after each of its first steps, and all of it thrown at
     * both ends, also from the wrong one; afterwards it must still be possible to come up. */
    for (points = 0; points < 60; points++) {
        p = pair_new(61, AZURE_IKE, "aes256-sha1-modp1024");
        pair_command(p, B, IKE_CMD_UP);
        pair_command(p, A, IKE_CMD_UP);
        pair_run(p, points * KD_MS(1));
        if (points > 30)
            pair_command(p, A, IKE_CMD_REKEY_CHILD);
        if (points > 45)
            pair_command(p, B, IKE_CMD_REKEY_IKE);
        for (unsigned i = 0; i < t.n; i++) {
            play(p, &t.k[i], A);
            play(p, &t.k[i], B);
        }
        pair_run(p, KD_S(200));
        if (!pair_up(p, A) || !pair_up(p, B) || !pair_children_agree(p)) {
            pair_dump(p);
            fail_msg("stopped after %u ms", points);
        }
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(40));
        assert_true(pair_nothing_left(p));
        pair_free(p);
    }
    for (unsigned i = 0; i < t.n; i++)
        free(t.k[i].data);
}

/* As a filter: no answer to a stranger is larger than its question. */
static bool not_larger(struct pair *p, struct pair_packet *k)
{
    size_t *asked = p->ctx;

    assert_true(k->from == B && k->len <= *asked);
    return false;
}

static void stateless_answers_are_small_and_few(void **state)
{
    struct pair *p = pair_new(63, AZURE_IKE, AZURE_ESP);
    uint8_t msg[64] = {1,
                       [8] = 2,
                       [16] = IKE_PL_SK,
                       [17] = 0x20,
                       [18] = IKE_X_INFORMATIONAL,
                       [19] = IKE_FLAG_INITIATOR,
                       [27] = 64};
    size_t asked = sizeof(msg);
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .data = kd_bytes(msg, sizeof(msg))};
    (void)state;

    ev.local = (struct kd_endpoint){p->s[B].cfg.local, 500};
    ev.remote = (struct kd_endpoint){p->s[A].cfg.local, 500};
    p->filter = not_larger;
    p->ctx = &asked;
    pair_command(p, B, IKE_CMD_UP);
    for (int i = 0; i < 200; i++)
        pair_step(p, B, &ev); /* an SPI that is not here */
    assert_in_range(p->s[B].n_sent, 1, 40);
    msg[17] = 0x30; /* version 3 */
    pair_run(p, KD_S(10));
    pair_step(p, B, &ev);
    asked = 28; /* a bare header: an answer would be larger */
    ev.data.len = 28;
    msg[27] = 28;
    {
        unsigned sent = p->s[B].n_sent;
        pair_step(p, B, &ev);
        assert_int_equal(p->s[B].n_sent, sent);
    }
    pair_free(p);
}

static void unprotected_invalid_spi_causes_a_probe_only(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    struct ike_view v;
    struct ike_build b;
    uint8_t buf[64];
    struct ike_header h = {
        .exchange = IKE_X_INFORMATIONAL, .flags = IKE_FLAG_RESPONSE, .msg_id = 5};
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM};
    unsigned sent;
    (void)state;

    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    memcpy(h.spi_i, v.spi_i, 8);
    memcpy(h.spi_r, v.spi_r, 8);
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_put_notify(&b, 0, kd_bytes(NULL, 0), IKE_N_INVALID_IKE_SPI, kd_bytes(NULL, 0));
    ev.data = ike_build_end(&b);
    ev.local = v.local;
    ev.remote = v.remote;
    sent = p->s[A].n_sent;
    for (int i = 0; i < 50; i++) {
        pair_step(p, A, &ev);
        pair_run(p, KD_MS(11));
    }
    assert_in_range(p->s[A].n_sent - sent, 1, 6);
    assert_true(pair_up(p, A));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

/* ---- behind the cipher ---- */

/* Sends side a request that its own peer could have sent: sealed, with the id that is expected. */
static void sealed_request(struct pair *p, int side, uint8_t exchange, uint8_t payload,
                           struct kd_bytes body, int id_off)
{
    static const uint8_t iv[IKE_IV_MAX] = {9};
    struct ike_conn *c = ike_conn_find(p->s[side].e, 7);
    struct ike_sa *sa = ike_sa_get(p->s[side].e, c->sa);
    struct ike_header h = {.exchange = exchange, .msg_id = sa->rx.next_id + (uint32_t)id_off};
    uint8_t buf[1024];
    struct ike_build b;

    h.flags = sa->initiator ? 0 : IKE_FLAG_INITIATOR;
    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_build_seal(&b, &sa->open, iv);
    if (payload)
        ike_put_payload(&b, payload, body);
    if (payload > 100)
        buf[b.sk_at + 4 + ike_sk_iv_len(&sa->open) + 1] |= 0x80; /* the critical bit */
    pair_step(p, side,
              &(struct ike_event){.kind = IKE_EV_DATAGRAM,
                                  .local = sa->local,
                                  .remote = sa->remote,
                                  .data = ike_build_end(&b)});
}

static void requests_outside_the_window_are_ignored(void **state)
{
    struct pair *p = pair_established(70, AZURE_IKE, AZURE_ESP);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    for (int off = -3; off <= 3; off++) {
        if (off != 0)
            sealed_request(p, B, IKE_X_INFORMATIONAL, 0, kd_bytes(NULL, 0), off);
    }
    assert_int_equal(p->s[B].n_sent, sent);
    sealed_request(p, B, IKE_X_INFORMATIONAL, 0, kd_bytes(NULL, 0), 0);
    assert_int_equal(p->s[B].n_sent, sent + 1);
    pair_free(p);
}

static void unknown_critical_payload_is_refused_and_the_sa_stays(void **state)
{
    struct pair *p = pair_established(71, AZURE_IKE, AZURE_ESP);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    sealed_request(p, B, IKE_X_INFORMATIONAL, 200, kd_bytes("x", 1), 0);
    assert_int_equal(p->s[B].n_sent, sent + 1);
    assert_true(pair_up(p, B));
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, "CRITICAL"));
    pair_free(p);
}

static void unknown_payload_that_is_not_critical_is_skipped(void **state)
{
    struct pair *p = pair_established(72, AZURE_IKE, AZURE_ESP);
    (void)state;

    sealed_request(p, B, IKE_X_INFORMATIONAL, 99, kd_bytes("x", 1), 0);
    assert_true(pair_up(p, B));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REFUSED), 0);
    pair_free(p);
}

/* RFC 4555 3.5: a peer may ask although we have not offered MOBIKE. It is answered, its COOKIE2
 * comes back, and nothing has moved. */
static void an_address_update_that_was_not_agreed_on_changes_nothing(void **state)
{
    static const uint8_t iv[IKE_IV_MAX] = {9}, hash[20] = {1}, cookie[16] = {2};
    const struct kd_bytes none = kd_bytes(NULL, 0);
    struct pair *p = pair_established(74, AZURE_IKE, AZURE_ESP);
    struct ike_sa *sa = ike_sa_get(p->s[B].e, ike_conn_find(p->s[B].e, 7)->sa);
    struct ike_header h = {
        .exchange = IKE_X_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR, .msg_id = sa->rx.next_id};
    struct kd_endpoint was = sa->remote, elsewhere = {kd_addr_v4(0xc6336407u), 4500};
    static struct tape t;
    struct ike_build b;
    uint8_t buf[1024];
    (void)state;

    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_build_seal(&b, &sa->open, iv);
    ike_put_notify(&b, 0, none, IKE_N_UPDATE_SA_ADDRESSES, none);
    ike_put_notify(&b, 0, none, IKE_N_NAT_DETECTION_SOURCE_IP, kd_bytes(hash, 20));
    ike_put_notify(&b, 0, none, IKE_N_NAT_DETECTION_DESTINATION_IP, kd_bytes(hash, 20));
    ike_put_notify(&b, 0, none, IKE_N_COOKIE2, kd_bytes(cookie, 16));
    p->filter = record;
    p->ctx = &t;
    pair_step(p, B,
              &(struct ike_event){.kind = IKE_EV_DATAGRAM,
                                  .local = sa->local,
                                  .remote = elsewhere,
                                  .data = ike_build_end(&b)});
    assert_int_equal(t.n, 1);
    assert_true(kd_endpoint_eq(&t.k[0].dst, &elsewhere)); /* the answer goes where it came from */
    assert_true(t.k[0].len > 28 + 4 + 16 + 12 + 16);      /* with more in it than an empty one */
    assert_true(kd_endpoint_eq(&sa->remote, &was));
    assert_int_equal(p->s[B].moves, 0);
    assert_true(pair_up(p, B));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REFUSED), 0);
    free(t.k[0].data);
    pair_free(p);
}

static void malformed_authenticated_request_is_fatal_and_named(void **state)
{
    struct pair *p = pair_established(73, AZURE_IKE, AZURE_ESP);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    sealed_request(p, B, IKE_X_INFORMATIONAL, IKE_PL_DELETE, kd_bytes("\3\4\0\5\1", 5), 0);
    assert_int_equal(p->s[B].n_sent, sent + 1); /* INVALID_SYNTAX (RFC 7296 2.21.3) */
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_INVALID_SYNTAX);
    assert_int_equal(p->s[B].n_children, 0);
    pair_free(p);
}

/* ---- determinism ---- */

static uint64_t life(uint64_t seed)
{
    struct pair *p = pair_new(seed, AZURE_IKE, "aes256-sha1-modp1024");
    uint64_t trace;

    p->s[B].cfg.role = IKE_ROLE_BOTH;
    pair_config(p, B);
    p->loss_pct = p->dup_pct = p->reorder_pct = 10;
    pair_establish(p);
    for (int i = 0; i < 40; i++) {
        pair_command(p, (int)kc_rng_below(&p->rng, 2),
                     (enum ike_command)kc_rng_below(&p->rng, IKE_CMD_REMOVE));
        pair_run(p, kc_rng_below(&p->rng, 5000) * KD_MS(1));
    }
    trace = p->s[A].trace ^ p->s[B].trace * 31;
    pair_free(p);
    return trace;
}

static void same_seed_same_trace(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 10; seed++)
        assert_true(life(seed) == life(seed));
    assert_true(life(1) != life(2));
}

/* Faults and commands at random, then peace: the tunnel must come up, and nothing may be left
 * over. */
static void any_history_ends_well_once_healed(void **state)
{
    uint64_t first = getenv("IKE_SEED") ? strtoull(getenv("IKE_SEED"), NULL, 0) : 1000;
    uint64_t runs = getenv("IKE_RUNS") ? strtoull(getenv("IKE_RUNS"), NULL, 0) : 60;
    (void)state;

    printf("%llu seeds from %llu (IKE_RUNS, IKE_SEED)\n", (unsigned long long)runs,
           (unsigned long long)first);
    for (uint64_t seed = first; seed < first + runs; seed++) {
        struct pair *p = pair_new(seed, AZURE_IKE, seed & 1 ? AZURE_ESP : "aes256-sha1-modp1024");
        p->s[B].cfg.role = seed & 2 ? IKE_ROLE_BOTH : IKE_ROLE_RESPONDER;
        p->s[A].cfg.child_life_us = KD_S(20);
        p->s[B].cfg.child_life_us = KD_S(23);
        p->s[A].cfg.ike_life_us = KD_S(45);
        pair_config(p, A);
        pair_config(p, B);
        pair_establish(p);
        for (int i = 0; i < 30; i++) {
            int side = (int)kc_rng_below(&p->rng, 2);
            p->loss_pct = kc_rng_below(&p->rng, 50);
            p->dup_pct = kc_rng_below(&p->rng, 30);
            p->reorder_pct = kc_rng_below(&p->rng, 50);
            p->s[side].refuse_install = kc_rng_below(&p->rng, 8) == 0;
            p->s[side].cut_in = kc_rng_below(&p->rng, 8) == 0;
            pair_command(p, side, (enum ike_command)kc_rng_below(&p->rng, IKE_CMD_REMOVE));
            pair_run(p, kc_rng_below(&p->rng, 9000) * KD_MS(1));
        }
        p->loss_pct = p->dup_pct = p->reorder_pct = 0;
        for (int i = 0; i < 2; i++) {
            p->s[i].refuse_install = p->s[i].cut_in = false;
            p->s[i].cfg.child_life_us = p->s[i].cfg.ike_life_us = KD_S(28800);
            pair_config(p, i);
            pair_command(p, i, IKE_CMD_UP);
        }
        pair_run(p, KD_S(300));
        if (!pair_up(p, A) || !pair_up(p, B) || !pair_children_agree(p) ||
            p->s[A].n_children != 1) {
            pair_dump(p);
            fail_msg("seed %llu", (unsigned long long)seed);
        }
        assert_int_equal(pair_outbound(p, A)->spi_out, pair_outbound(p, B)->spi_in);
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(60));
        assert_true(pair_nothing_left(p));
        pair_free(p);
    }
}

static void events_and_actions_survive_their_encoding(void **state)
{
    static uint8_t buf[4096];
    const uint8_t data[] = "datagram";
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM,
                           .now_us = 17,
                           .natt = true,
                           .local = {kd_addr_v4(1), 500},
                           .remote = {kd_addr_v4(2), 4500},
                           .data = kd_bytes(data, sizeof(data))};
    struct ike_event back;
    struct kd_writer w;
    struct kd_reader r;
    char text[512];
    (void)state;

    for (int kind = IKE_EV_WAKE; kind <= IKE_EV_CHILD_EXPIRE; kind++) {
        ev.kind = (enum ike_event_kind)kind;
        kd_writer_init(&w, buf, sizeof(buf));
        kd_schema_encode(&ike_event_schema, &ev, kd_bytes(NULL, 0), &w);
        kd_reader_init(&r, kd_written(&w));
        assert_true(w.ok && kd_schema_decode(&ike_event_schema, &r, &back, sizeof(back)));
        assert_int_equal(back.kind, kind);
        assert_int_equal(back.now_us, 17);
        kd_schema_text(&ike_event_schema, &ev, kd_bytes(NULL, 0), text, sizeof(text));
    }
    for (int kind = IKE_ACT_SEND; kind <= IKE_ACT_NOTE; kind++) {
        struct ike_action a = {.kind = (enum ike_action_kind)kind, .conn = 3}, b;
        kd_writer_init(&w, buf, sizeof(buf));
        kd_schema_encode(&ike_action_schema, &a, kd_bytes(NULL, 0), &w);
        kd_reader_init(&r, kd_written(&w));
        assert_true(w.ok && kd_schema_decode(&ike_action_schema, &r, &b, sizeof(b)));
        assert_int_equal(b.kind, kind);
        assert_int_equal(b.conn, 3);
    }
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(forged_datagrams_change_nothing_once_established),
        T(forged_handshake_spoils_an_attempt_at_most),
        T(every_message_in_every_state_is_survived),
        T(stateless_answers_are_small_and_few),
        T(unprotected_invalid_spi_causes_a_probe_only),
        T(requests_outside_the_window_are_ignored),
        T(unknown_critical_payload_is_refused_and_the_sa_stays),
        T(unknown_payload_that_is_not_critical_is_skipped),
        T(an_address_update_that_was_not_agreed_on_changes_nothing),
        T(malformed_authenticated_request_is_fatal_and_named),
        T(same_seed_same_trace),
        T(any_history_ends_well_once_healed),
        T(events_and_actions_survive_their_encoding),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
