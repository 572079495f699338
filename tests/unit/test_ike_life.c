/* A tunnel's life and end: liveness by the detection budget, DELETE, silence, restarts and
 * duplicates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike_pair.h"

/* The n-th datagram of that exchange and direction is dropped. */
struct drop {
    uint8_t exchange;
    bool response;
    int times;
    unsigned seen;
    uint8_t last[65536];
    size_t last_len;
};

static bool drop_filter(struct pair *p, struct pair_packet *k)
{
    struct drop *d = p->ctx;
    bool response = k->data[19] & IKE_FLAG_RESPONSE;

    if (k->len < 28 || k->data[18] != d->exchange || response != d->response)
        return true;
    if (d->seen > 0) {
        assert_int_equal(d->last_len, k->len);
        assert_memory_equal(d->last, k->data, k->len); /* RFC 7296 2.1: bit for bit */
    }
    memcpy(d->last, k->data, k->len);
    d->last_len = k->len;
    return (int)++d->seen > d->times;
}

/* ---- liveness ---- */

static bool count_requests_of_a(struct pair *p, struct pair_packet *k)
{
    unsigned *n = p->ctx;

    *n += k->from == A && !(k->data[19] & IKE_FLAG_RESPONSE);
    return true;
}

static void idle_tunnel_is_probed_a_third_of_the_budget_after_proof(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    struct ike_view v;
    unsigned n = 0;
    uint64_t proof;
    (void)state;

    p->filter = count_requests_of_a;
    p->ctx = &n;
    for (unsigned i = 1; i <= 5; i++) {
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        proof = v.last_proof_us;
        pair_run(p, proof + p->s[A].cfg.detect_us / 3 - p->now_us - 1);
        assert_int_equal(n, i - 1);
        pair_run(p, 1);
        assert_int_equal(n, i);
        pair_run(p, 2 * p->delay_us);
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        assert_int_equal(v.last_proof_us, p->now_us);
    }
    pair_free(p);
}

static void detect_runs_out_exactly_at_budget(void **state)
{
    const uint64_t budgets[] = {KD_MS(300), KD_S(2), KD_S(45)};
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct pair *p = pair_new(20 + (uint64_t)i, AZURE_IKE, AZURE_ESP);
        struct ike_view v;
        const struct pair_note *n;
        unsigned tries = 0;
        p->s[A].cfg.detect_us = budgets[i];
        p->s[A].cfg.abandon_us = KD_S(180);
        pair_config(p, A);
        assert_true(pair_establish(p));
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        pair_run(p, v.last_proof_us + budgets[i] / 3 + KD_MS(11) - p->now_us);
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        p->s[B].cut_in = true;
        p->filter = count_requests_of_a;
        p->ctx = &tries;
        pair_run(p, v.last_proof_us + budgets[i] - p->now_us - 1);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 0);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_FAILING), 1);
        assert_int_equal(tries, 4); /* one and three more inside the budget */
        pair_run(p, 1);
        n = pair_note(p, A, IKE_NOTE_UNREACHABLE);
        assert_non_null(n);
        assert_int_equal(n->at_us, v.last_proof_us + budgets[i]);
        assert_int_equal(n->reason, KD_REASON_UNREACHABLE);
        assert_int_equal(p->s[A].n_children, 1); /* the SAs stay */
        assert_int_equal(p->s[A].dels, 0);
        pair_free(p);
    }
}

static void answer_before_abandon_restores_without_handshake(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    unsigned jobs = p->s[A].n_jobs;
    (void)state;

    p->s[B].cut_in = true;
    pair_run(p, KD_S(20));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    p->s[B].cut_in = false;
    pair_run(p, KD_S(3)); /* retransmissions are at most `detect` apart */
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REACHABLE), 1);
    assert_int_equal(p->s[A].n_jobs, jobs);
    assert_int_equal(p->s[A].adds, 1);
    assert_true(pair_children_agree(p));
    pair_run(p, KD_S(10));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    pair_free(p);
}

static void one_way_break_shows_although_the_peer_is_heard(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[A].cut_out = true; /* B's probes still arrive, A's answers and probes do not */
    pair_run(p, KD_S(4));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    pair_free(p);
}

/* No DELETE out of turn: the request that is not answered holds the window (2.3). */
static void abandoned_peer_gets_no_delete_but_a_new_attempt(void **state)
{
    struct pair *p = pair_new(1, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[B].cfg.abandon_us = KD_S(300);
    pair_config(p, B);
    assert_true(pair_establish(p));
    p->s[A].cut_in = true; /* B hears A: a one-way break */
    pair_run(p, KD_S(59));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_run(p, KD_S(3));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 1);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_DEAD_PEER);
    assert_int_equal(p->s[A].n_children, 0);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    p->s[A].cut_in = false;
    pair_run(p, KD_S(20));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REPLACED)->reason, KD_REASON_PEER_REPLACED);
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

/* ---- NAT keepalives (2.23, RFC 3948 2.3) ---- */

static struct pair *quiet_pair(bool nat, uint64_t keepalive_us)
{
    struct pair *p = pair_new(3, AZURE_IKE, "aes256-sha1-modp1024");

    p->nat_a = nat;
    p->s[B].cfg.remote.family = 0;
    for (int i = 0; i < 2; i++) {
        p->s[i].cfg.detect_us = KD_S(900); /* probes every 300 s only */
        p->s[i].cfg.abandon_us = KD_S(900);
        p->s[i].cfg.keepalive_us = keepalive_us;
        pair_config(p, i);
    }
    assert_true(pair_establish(p));
    return p;
}

static void keepalive_breaks_silence_behind_a_nat_only(void **state)
{
    struct pair *p = quiet_pair(true, 0);
    uint64_t last;
    (void)state;

    pair_run(p, KD_S(90));
    assert_int_equal(p->s[A].keepalives, 4); /* after 20, 40, 60, 80 s */
    assert_int_equal(p->s[B].keepalives, 0); /* in front of it */
    last = p->s[A].keepalive_at;
    pair_run(p, last + KD_S(19) - p->now_us);
    pair_command(p, A, IKE_CMD_PROBE); /* said something: the silence begins anew */
    pair_run(p, KD_S(19));
    assert_int_equal(p->s[A].keepalives, 4);
    pair_run(p, KD_S(2));
    assert_int_equal(p->s[A].keepalives, 5);
    pair_free(p);
    p = quiet_pair(false, 0);
    pair_run(p, KD_S(90));
    assert_int_equal(p->s[A].keepalives + p->s[B].keepalives, 0);
    pair_free(p);
}

static void keepalives_follow_the_configuration_and_the_rekeyed_sa(void **state)
{
    struct pair *p = quiet_pair(true, KD_S(7));
    (void)state;

    pair_run(p, KD_S(50));
    assert_int_equal(p->s[A].keepalives, 7);
    pair_command(p, B, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(1));
    p->s[A].keepalives = 0;
    pair_run(p, KD_S(50));
    assert_int_equal(p->s[A].keepalives, 7);
    pair_command(p, A, IKE_CMD_DOWN);
    p->s[A].keepalives = 0;
    pair_run(p, KD_S(50));
    assert_int_equal(p->s[A].keepalives, 0);
    pair_free(p);
    p = quiet_pair(true, IKE_KEEPALIVE_OFF);
    pair_run(p, KD_S(90));
    assert_int_equal(p->s[A].keepalives, 0);
    pair_free(p);
}

static void an_ike_sa_init_above_1200_octets_is_warned_of_once(void **state)
{
    struct pair *p = pair_new(4, "aes256-sha256-modp2048, aes128-sha256-modp2048", AZURE_ESP);
    (void)state;

    p->s[A].cut_out = true;
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(60));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_WARNING), 0);
    p->s[A].cfg.ike.n = 0;
    while (p->s[A].cfg.ike.n < 20)
        p->s[A].cfg.ike.p[p->s[A].cfg.ike.n++] = p->s[A].cfg.ike.p[0];
    pair_config(p, A);
    pair_run(p, KD_S(120));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_WARNING), 1);
    assert_non_null(strstr(pair_note(p, A, IKE_NOTE_WARNING)->detail, "IP fragments"));
    pair_free(p);
}

struct old_answer {
    uint8_t data[256];
    size_t len;
    struct kd_endpoint local, remote;
};

static bool keep_first_answer(struct pair *p, struct pair_packet *k)
{
    struct old_answer *o = p->ctx;

    if (k->from == B && k->data[19] & IKE_FLAG_RESPONSE && o->len == 0) {
        memcpy(o->data, k->data, k->len);
        o->len = k->len;
        o->local = k->dst;
        o->remote = k->src;
    }
    return true;
}

static void replayed_answer_proves_nothing(void **state)
{
    struct pair *p = pair_established(33, AZURE_IKE, AZURE_ESP);
    struct old_answer o = {.len = 0};
    (void)state;

    p->filter = keep_first_answer;
    p->ctx = &o;
    pair_run(p, KD_S(5));
    assert_true(o.len > 0);
    p->s[B].cut_in = true;
    for (int i = 0; i < 40; i++) {
        pair_step(p, A,
                  &(struct ike_event){.kind = IKE_EV_DATAGRAM,
                                      .local = o.local,
                                      .remote = o.remote,
                                      .data = kd_bytes(o.data, o.len)});
        pair_run(p, KD_MS(100));
    }
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

static void probe_command_probes_once(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    unsigned n = p->s[A].n_sent;
    (void)state;

    pair_command(p, A, IKE_CMD_PROBE);
    assert_int_equal(p->s[A].n_sent, n + 1);
    pair_command(p, A, IKE_CMD_PROBE); /* one is outstanding */
    assert_int_equal(p->s[A].n_sent, n + 1);
    pair_free(p);
}

static void silent_side_neither_sends_nor_answers_until_up(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    unsigned sent, jobs = p->s[A].n_jobs;
    (void)state;

    pair_command(p, B, IKE_CMD_DOWN_SILENT);
    sent = p->s[B].n_sent;
    pair_run(p, KD_S(30));
    assert_int_equal(p->s[B].n_sent, sent);
    assert_int_equal(p->s[B].n_children, 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(5));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REACHABLE), 1);
    assert_int_equal(p->s[A].n_jobs, jobs);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    pair_command(p, B, IKE_CMD_DOWN_SILENT);
    sent = p->s[B].n_sent;
    pair_run(p, KD_S(200)); /* A gives up and calls again: nobody answers */
    assert_int_equal(p->s[B].n_sent, sent);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_TIMEOUT);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(60));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

/* ---- ends ---- */

static void delete_is_answered_and_children_go(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    (void)state;

    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_MS(100));
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_ADMIN);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_DELETED);
    assert_int_equal(p->s[A].n_children + p->s[B].n_children, 0);
    pair_run(p, KD_S(30)); /* A tries again and is refused */
    assert_false(pair_up(p, A));
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(60));
    assert_true(pair_up(p, A) && pair_up(p, B));
    pair_free(p);
}

static void lost_delete_answer_is_repeated_after_the_sa_is_gone(void **state)
{
    struct drop d = {.exchange = IKE_X_INFORMATIONAL, .response = true, .times = 2};
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[A].cfg.role = IKE_ROLE_INITIATOR;
    pair_config(p, A);
    p->filter = drop_filter;
    p->ctx = &d;
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(1));
    assert_int_equal(d.seen, 3);
    pair_run(p, KD_S(20));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

static void keys_live_returns_to_zero_after_close(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pair *p = pair_established(seed, AZURE_IKE, AZURE_ESP);
        pair_run(p, KD_S(seed));
        pair_command(p, (int)(seed & 1), seed & 2 ? IKE_CMD_REMOVE : IKE_CMD_DOWN);
        pair_command(p, !(seed & 1), IKE_CMD_DOWN);
        pair_run(p, KD_S(30));
        if (seed & 2)
            p->s[seed & 1].keys_at_start--; /* the key went with its connection */
        assert_true(pair_nothing_left(p));
        pair_free(p);
    }
}

static void reset_comes_back_at_once(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    (void)state;

    pair_command(p, A, IKE_CMD_RESET);
    pair_run(p, KD_MS(200));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 2);
    pair_free(p);
}

static void hard_expiry_closes_and_reconnects(void **state)
{
    struct pair *p = pair_new(30, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[B].cfg.child_life_us = KD_S(20);
    pair_config(p, B);
    assert_true(pair_establish(p));
    pair_proposals(&p->s[A].cfg.esp, "aes128-sha1", IKE_PROTO_ESP); /* B's rekey is refused */
    pair_config(p, A);
    pair_run(p, KD_S(20));
    pair_proposals(&p->s[A].cfg.esp, AZURE_ESP, IKE_PROTO_ESP);
    pair_config(p, A);
    assert_int_equal(pair_note(p, B, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_EXPIRED);
    pair_run(p, KD_S(10));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

/* ---- duplicates and restarts ---- */

static void restarted_peer_replaces_its_old_sa(void **state)
{
    struct pair *p = pair_established(1, AZURE_IKE, AZURE_ESP);
    struct ike_params params = {.crypto = p->s[A].crypto, .seed = {9}, .conns_max = 8};
    uint32_t old_spi = p->s[B].child[0].spi_in;
    (void)state;

    /* A forgets everything and calls again. */
    ike_free(p->s[A].e);
    p->s[A].e = ike_new(&params);
    p->s[A].n_children = 0;
    p->s[A].deadline_us = KD_NEVER;
    p->n_pkt = 0;
    pair_psk(p, A, "a shared secret");
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(1));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_int_equal(p->s[B].n_children, 1);
    assert_int_not_equal(p->s[B].child[0].spi_in, old_spi);
    assert_true(pair_children_agree(p));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REPLACED)->reason, KD_REASON_PEER_REPLACED);
    assert_int_equal(pair_note(p, B, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_PEER_REPLACED);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

static void simultaneous_initiation_leaves_one_ike_sa(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 200; seed++) {
        struct pair *p = pair_new(seed, AZURE_IKE, AZURE_ESP);
        struct ike_view a, b;
        p->s[B].cfg.role = IKE_ROLE_BOTH;
        pair_config(p, B);
        p->loss_pct = seed > 20 ? 15 : 0;
        p->reorder_pct = seed > 20 ? 30 : 0;
        pair_command(p, A, IKE_CMD_UP);
        pair_run(p, seed * KD_MS(1) % KD_MS(40));
        pair_command(p, B, IKE_CMD_UP);
        pair_run(p, KD_S(20));
        p->loss_pct = 0;
        pair_run(p, KD_S(120)); /* healed: one SA, the same at both ends */
        assert_true(ike_conn_view(p->s[A].e, 7, &a) && ike_conn_view(p->s[B].e, 7, &b));
        if (!a.established || !b.established || memcmp(a.spi_i, b.spi_i, 8) != 0 ||
            !pair_children_agree(p) || p->s[A].n_children != 1) {
            pair_dump(p);
            fail_msg("seed %llu", (unsigned long long)seed);
        }
        assert_int_equal(pair_outbound(p, A)->spi_out, pair_outbound(p, B)->spi_in);
        if (seed <= 20) { /* nothing lost: settled by the nonces, the tunnel never goes */
            assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
            assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
            assert_in_range(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 1, 2);
        }
        pair_free(p);
    }
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(idle_tunnel_is_probed_a_third_of_the_budget_after_proof),
        T(detect_runs_out_exactly_at_budget),
        T(answer_before_abandon_restores_without_handshake),
        T(one_way_break_shows_although_the_peer_is_heard),
        T(abandoned_peer_gets_no_delete_but_a_new_attempt),
        T(keepalive_breaks_silence_behind_a_nat_only),
        T(keepalives_follow_the_configuration_and_the_rekeyed_sa),
        T(an_ike_sa_init_above_1200_octets_is_warned_of_once),
        T(replayed_answer_proves_nothing),
        T(probe_command_probes_once),
        T(silent_side_neither_sends_nor_answers_until_up),
        T(delete_is_answered_and_children_go),
        T(lost_delete_answer_is_repeated_after_the_sa_is_gone),
        T(keys_live_returns_to_zero_after_close),
        T(reset_comes_back_at_once),
        T(hard_expiry_closes_and_reconnects),
        T(restarted_peer_replaces_its_old_sa),
        T(simultaneous_initiation_leaves_one_ike_sa),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
