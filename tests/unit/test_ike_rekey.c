/* Rekeying of children and of the IKE SA, with and without their own Diffie-Hellman exchange. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike_pair.h"
#include "ike_peer.h"

/* ---- rekeying ---- */

static void child_rekey_moves_traffic_before_the_old_pair_goes(void **state)
{
    static const char *const esp[] = {AZURE_ESP, "aes256-sha1-modp1024", "aes256gcm16-x25519-esn"};
    (void)state;

    for (int i = 0; i < 6; i++) {
        struct pair *p = pair_established((uint64_t)i, AZURE_IKE, esp[i / 2]);
        int side = i & 1;
        uint32_t old = p->s[A].child[0].spi_in;
        pair_command(p, side, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_MS(200));
        assert_int_equal(p->s[A].n_children, 2); /* the old one still receives */
        assert_int_equal(p->s[B].n_children, 2);
        assert_true(pair_children_agree(p));
        assert_int_not_equal(pair_outbound(p, A)->spi_in, old);
        assert_int_equal(pair_outbound(p, A)->spi_out, pair_outbound(p, B)->spi_in);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CHILD_UP), 2);
        assert_int_equal(pair_note(p, A, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_NONE);
        assert_int_equal(pair_note(p, B, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_NONE);
        pair_run(p, KD_S(6));
        assert_int_equal(p->s[A].n_children, 1);
        assert_int_equal(p->s[B].n_children, 1);
        assert_true(pair_children_agree(p));
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(30));
        assert_true(pair_nothing_left(p));
        pair_free(p);
    }
}

/* Twelve rekeys within the 5 s that one old pair receives: the oldest of those makes room. */
static void rekeys_in_quick_succession_are_never_refused(void **state)
{
    (void)state;

    for (int by = 0; by < 2; by++) {
        struct pair *p = pair_established((uint64_t)by, AZURE_IKE, AZURE_ESP);
        for (unsigned i = 1; i <= 12; i++) {
            pair_command(p, by, IKE_CMD_REKEY_CHILD);
            pair_run(p, KD_MS(200));
            assert_int_equal(pair_notes(p, A, IKE_NOTE_CHILD_UP), i + 1);
            assert_int_equal(pair_outbound(p, A)->spi_out, pair_outbound(p, B)->spi_in);
            assert_int_equal(pair_outbound(p, B)->spi_out, pair_outbound(p, A)->spi_in);
        }
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED) + pair_notes(p, B, IKE_NOTE_REFUSED),
                         0);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED) + pair_notes(p, B, IKE_NOTE_CLOSED), 0);
        pair_run(p, KD_S(6));
        assert_int_equal(p->s[A].n_children, 1);
        assert_int_equal(p->s[B].n_children, 1);
        pair_free(p);
    }
}

static void ike_rekey_keeps_children_and_message_ids_restart(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
        struct ike_view v, w, b;
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        pair_run(p, KD_S(5));
        pair_command(p, i, IKE_CMD_REKEY_IKE);
        pair_run(p, KD_MS(300));
        assert_true(ike_conn_view(p->s[A].e, 7, &w) && ike_conn_view(p->s[B].e, 7, &b));
        assert_true(w.established && b.established);
        assert_memory_not_equal(v.spi_i, w.spi_i, 8);
        assert_memory_equal(b.spi_i, w.spi_i, 8);
        assert_int_equal(w.initiator, i == A);
        assert_int_equal(p->s[A].adds + p->s[B].adds, 2);
        assert_int_equal(p->s[A].dels + p->s[B].dels, 0);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REKEYED), 1);
        assert_int_equal(pair_notes(p, B, IKE_NOTE_REKEYED), 1);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
        for (int side = 0; side < 2;
             side++) { /* the old SA is gone at both ends: 7 keys, 4 a pair */
            pair_step(p, side, &(struct ike_event){.kind = IKE_EV_WAKE});
            assert_int_equal(kc_keys_live(p->s[side].crypto), p->s[side].keys_at_start + 7 + 4);
        }
        pair_run(p, KD_S(60));
        assert_int_equal(pair_notes(p, A, IKE_NOTE_FAILING), 0);
        pair_command(p, A, IKE_CMD_REKEY_CHILD); /* with the new SK_d */
        pair_run(p, KD_S(10));
        assert_true(pair_children_agree(p));
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(40));
        assert_true(pair_nothing_left(p));
        pair_free(p);
    }
}

static void lifetimes_are_rekeyed_at_95_percent(void **state)
{
    struct pair *p = pair_new(50, AZURE_IKE, "aes256-sha1-modp1024");
    struct ike_view v;
    (void)state;

    p->s[A].cfg.ike_life_us = KD_S(600);
    p->s[A].cfg.child_life_us = KD_S(200);
    pair_config(p, A);
    assert_true(pair_establish(p));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    assert_in_range(v.rekey_at_us - v.since_us, KD_S(557), KD_S(570));
    pair_run(p, KD_S(3600));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    assert_in_range(pair_notes(p, A, IKE_NOTE_REKEYED), 6, 7);
    assert_in_range(pair_notes(p, A, IKE_NOTE_CHILD_UP), 18, 21);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

static void pfs_mismatch_at_rekey_is_named_and_the_tunnel_lives_on(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    (void)state;

    pair_proposals(&p->s[B].cfg.esp, "aes256-sha1-modp1024", IKE_PROTO_ESP);
    pair_config(p, B);
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(1));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_NO_PROPOSAL);
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_NO_PROPOSAL);
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void child_rekey_with_another_group_is_retried(void **state)
{
    struct pair *p = pair_new(51, AZURE_IKE, "aes256-sha1-modp2048-x25519");
    (void)state;

    pair_proposals(&p->s[B].cfg.esp, "aes256-sha1-x25519", IKE_PROTO_ESP);
    pair_config(p, B);
    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    assert_true(pair_children_agree(p));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CHILD_UP), 2);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 0);
    pair_free(p);
}

static void refused_install_at_rekey_keeps_the_old_pair(void **state)
{
    (void)state;

    for (int side = 0; side < 2; side++) {
        struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
        uint32_t old = p->s[A].child[0].spi_in;
        p->s[side].refuse_install = true;
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_MS(500));
        assert_int_equal(pair_outbound(p, A)->spi_in, old);
        assert_int_equal(pair_outbound(p, B)->spi_out, old);
        p->s[side].refuse_install = false;
        pair_run(p, KD_S(20)); /* and tries again */
        assert_int_not_equal(pair_outbound(p, A)->spi_in, old);
        assert_true(pair_children_agree(p));
        assert_int_equal(p->s[A].n_children, 1);
        pair_free(p);
    }
}

static bool lose_create_answers_of_b(struct pair *p, struct pair_packet *k)
{
    (void)p;
    return k->from == A || k->data[18] != IKE_X_CREATE_CHILD_SA;
}

/* B has answered and dropped the new pair again before its answer comes through. */
static void late_answer_about_a_deleted_pair_installs_nothing(void **state)
{
    struct pair *p = pair_established(52, AZURE_IKE, AZURE_ESP);
    uint32_t old = p->s[A].child[0].spi_in;
    (void)state;

    p->filter = lose_create_answers_of_b;
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_MS(60));
    assert_int_equal(p->s[B].n_children, 2);
    pair_step(p, B,
              &(struct ike_event){.kind = IKE_EV_CHILD_EXPIRE, .child = p->s[B].child[1].child});
    pair_run(p, KD_MS(60));
    p->filter = NULL;
    pair_run(p, KD_MS(1500)); /* the answer comes */
    assert_int_equal(p->s[A].adds, 1);
    assert_int_equal(pair_outbound(p, A)->spi_in, old);
    assert_true(pair_children_agree(p));
    pair_run(p, KD_S(20)); /* and the rekeying is made up for */
    assert_int_not_equal(pair_outbound(p, A)->spi_in, old);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void both_sides_rekeying_at_once_settle(void **state)
{
    static const enum ike_command cmd[] = {IKE_CMD_REKEY_CHILD, IKE_CMD_REKEY_IKE};
    (void)state;

    for (uint64_t seed = 0; seed < 80; seed++) {
        struct pair *p =
            pair_established(seed, AZURE_IKE, seed & 4 ? AZURE_ESP : "aes256-sha1-modp1024");
        p->loss_pct = seed > 8 ? 20 : 0;
        p->reorder_pct = seed > 8 ? 30 : 0;
        p->dup_pct = seed > 8 ? 20 : 0;
        pair_command(p, A, cmd[seed & 1]);
        pair_run(p, kc_rng_below(&p->rng, 20) * KD_MS(1));
        pair_command(p, B, cmd[seed >> 1 & 1]);
        pair_run(p, KD_S(10));
        p->loss_pct = 0;
        pair_run(p, KD_S(60));
        if (!pair_up(p, A) || !pair_up(p, B) || !pair_children_agree(p) ||
            p->s[A].n_children != 1) {
            pair_dump(p);
            fail_msg("seed %llu", (unsigned long long)seed);
        }
        assert_int_equal(pair_outbound(p, A)->spi_out, pair_outbound(p, B)->spi_in);
        pair_free(p);
    }
}

/* The engine rekeys its pair, and the peer answers with this SPI. */
static void rekeyed_by_the_engine(struct peer *t, uint32_t spi)
{
    peer_put_child(t, peer_answer(t), spi);
    (void)peer_send(t);
}

/* 2.8.1: the peer has lost and never deletes its pair. It goes, although the pair that won has been
 * rekeyed since, and is forgotten. */
static void a_losers_pair_is_deleted_by_us_when_the_winner_is_long_gone(void **state)
{
    struct peer *t = peer_of(pair_established(1, AZURE_IKE, AZURE_ESP), B);
    struct pair *p = t->p;
    uint32_t old = p->s[B].child[0].spi_out;
    const uint8_t spi[4] = {(uint8_t)(old >> 24), (uint8_t)(old >> 16), (uint8_t)(old >> 8),
                            (uint8_t)old};
    struct ike_build *b;
    (void)state;

    t->polite = true;
    pair_command(p, B, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_MS(20));
    assert_int_equal(t->n_requests, 1);
    b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    ike_put_notify(b, IKE_PROTO_ESP, kd_bytes(spi, 4), IKE_N_REKEY_SA, kd_bytes(NULL, 0));
    peer_put_child(t, b, 0x7001);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    rekeyed_by_the_engine(t, 0x7002);
    pair_run(p, KD_MS(100));
    assert_int_equal(pair_outbound(p, B)->spi_out, 0x7002); /* with this seed's nonces it wins */
    pair_command(p, B, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_MS(20));
    rekeyed_by_the_engine(t, 0x7003);
    pair_run(p, KD_S(20));
    assert_int_equal(p->s[B].n_children, 1);
    assert_int_equal(p->s[B].child[0].spi_out, 0x7003);
    peer_free(t);
    pair_free(p);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(child_rekey_moves_traffic_before_the_old_pair_goes),
        T(rekeys_in_quick_succession_are_never_refused),
        T(ike_rekey_keeps_children_and_message_ids_restart),
        T(lifetimes_are_rekeyed_at_95_percent),
        T(pfs_mismatch_at_rekey_is_named_and_the_tunnel_lives_on),
        T(child_rekey_with_another_group_is_retried),
        T(refused_install_at_rekey_keeps_the_old_pair),
        T(late_answer_about_a_deleted_pair_installs_nothing),
        T(both_sides_rekeying_at_once_settle),
        T(a_losers_pair_is_deleted_by_us_when_the_winner_is_long_gone),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
