/* The IKE engine as a state machine: two of them back to back (ike_pair.h), and one against forged,
 * repeated, lost and misplaced messages. Claims are named after what must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike_pair.h"

#define AZURE_IKE "aes256-sha1-modp1024"
#define AZURE_ESP "aes256-sha1"

static struct pair *up_with(uint64_t seed, const char *ike, const char *esp)
{
    struct pair *p = pair_new(seed, ike, esp);

    if (!pair_establish(p)) {
        pair_dump(p);
        fail_msg("seed %llu: not established", (unsigned long long)seed);
    }
    return p;
}

static struct pair *up(void)
{
    return up_with(1, AZURE_IKE, AZURE_ESP);
}

static void assert_no_keys(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        pair_step(p, i, &(struct ike_event){.kind = IKE_EV_WAKE});
        if (kc_keys_live(p->s[i].crypto) != p->s[i].keys_at_start)
            pair_dump(p);
        assert_int_equal(kc_keys_live(p->s[i].crypto), p->s[i].keys_at_start);
        assert_int_equal(p->s[i].n_children, 0);
    }
}

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

/* ---- the handshake ---- */

static void initiator_and_responder_agree_on_child_keys(void **state)
{
    static const char *const suites[][2] = {
        {AZURE_IKE, AZURE_ESP},
        {"aes128-sha256-modp2048", "aes128-sha256"},
        {"aes256gcm16-prfsha256-x25519", "aes256gcm16-esn"},
        {"aes128gcm16-prfsha384-ecp256", "aes128gcm16"},
        {"aes256gcm16-prfsha384-ecp384, aes256gcm16-prfsha256-x25519, aes256-sha256-modp2048",
         "aes256gcm16-ecp384-x25519-modp2048, aes256-sha256-modp2048-ecp384-x25519"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        struct pair *p = up_with(i, suites[i][0], suites[i][1]);
        struct ike_view a, b;
        assert_true(pair_children_agree(p));
        assert_true(ike_conn_view(p->s[A].e, 7, &a) && ike_conn_view(p->s[B].e, 7, &b));
        assert_memory_equal(a.spi_i, b.spi_i, 8);
        assert_memory_equal(a.spi_r, b.spi_r, 8);
        assert_string_equal(a.suite, b.suite);
        assert_int_equal(a.children[0].spi_in, b.children[0].spi_out);
        assert_true(a.initiator && !b.initiator && !a.encap);
        pair_free(p);
    }
}

static void lost_init_request_is_repeated(void **state)
{
    struct drop d = {.exchange = IKE_X_SA_INIT, .times = 2};
    struct pair *p = pair_new(2, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->filter = drop_filter;
    p->ctx = &d;
    pair_establish(p);
    pair_run(p, KD_S(1));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_int_equal(d.seen, 3);
    assert_int_equal(p->s[A].n_jobs, 2);
    pair_free(p);
}

static void lost_init_response_is_retransmitted_not_renegotiated(void **state)
{
    struct drop d = {.exchange = IKE_X_SA_INIT, .response = true, .times = 2};
    struct pair *p = pair_new(2, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->filter = drop_filter;
    p->ctx = &d;
    pair_establish(p);
    pair_run(p, KD_S(1));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_int_equal(d.seen, 3);
    assert_int_equal(p->s[B].n_jobs, 2); /* one key generation, one shared secret */
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void duplicate_auth_request_gets_identical_response(void **state)
{
    struct drop d = {.exchange = IKE_X_AUTH, .response = true, .times = 2};
    struct pair *p = pair_new(3, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->filter = drop_filter;
    p->ctx = &d;
    pair_establish(p);
    pair_run(p, KD_S(1));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_int_equal(d.seen, 3);
    assert_int_equal(p->s[B].adds, 1);
    pair_free(p);
}

static void unanswered_handshake_doubles_gives_up_and_pauses_longer(void **state)
{
    struct pair *p = pair_new(4, AZURE_IKE, AZURE_ESP);
    const uint64_t at[] = {0, 500, 1500, 3500};
    struct pair_side *a = &p->s[A];
    uint64_t t0 = p->now_us, second, third;
    (void)state;

    a->cut_out = true;
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(9));
    assert_int_equal(a->n_sent, 4);
    for (int i = 1; i < 4; i++)
        assert_int_equal(a->sent_at[i] - a->sent_at[0], at[i] * 1000);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_TIMEOUT);
    pair_run(p, KD_S(60));
    second = a->sent_at[4] - t0;
    third = a->sent_at[8] - a->sent_at[4];
    assert_in_range(second, KD_MS(10500), KD_MS(10950)); /* 7.5 s and a pause of 3 s */
    assert_in_range(third, KD_MS(13500), KD_MS(14300));  /* 7.5 s and a pause of 6 s */
    pair_free(p);
}

static void wrong_psk_fails_both_sides_with_peer_identity(void **state)
{
    struct pair *p = pair_new(5, AZURE_IKE, AZURE_ESP);
    const struct pair_note *n;
    (void)state;

    pair_psk(p, B, "another secret");
    assert_false(pair_establish(p));
    n = pair_note(p, B, IKE_NOTE_REFUSED);
    assert_non_null(n);
    assert_int_equal(n->reason, KD_REASON_AUTH_FAILED);
    assert_non_null(strstr(n->detail, "a.example"));
    assert_non_null(strstr(n->detail, "pre-shared key"));
    n = pair_note(p, A, IKE_NOTE_REFUSED);
    assert_non_null(n);
    assert_int_equal(n->reason, KD_REASON_AUTH_FAILED);
    assert_non_null(strstr(n->configured, "b.example"));
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_AUTH_FAILED);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 0);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_ESTABLISHED), 0);
    assert_int_equal(p->s[A].adds + p->s[B].adds, 0);
    pair_free(p);
}

static void responder_with_another_identity_is_refused_and_told(void **state)
{
    struct pair *p = pair_new(5, AZURE_IKE, AZURE_ESP);
    (void)state;

    /* B answers to any IDr, but says that it is c.example. */
    assert_true(ike_id_parse("c.example", &p->s[B].cfg.local_id));
    p->s[A].cfg.remote_id.type = IKE_ID_ANY;
    pair_config(p, A);
    pair_config(p, B);
    assert_true(pair_establish(p));
    p->s[A].cfg.role = IKE_ROLE_BOTH;
    assert_true(ike_id_parse("b.example", &p->s[A].cfg.remote_id));
    pair_config(p, A);
    pair_command(p, A, IKE_CMD_RESET);
    pair_run(p, KD_S(1));
    assert_false(pair_up(p, A));
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_AUTH_FAILED);
    pair_free(p);
}

static void initiator_refuses_an_impostor_by_a_notify(void **state)
{
    struct pair *p = pair_new(6, AZURE_IKE, AZURE_ESP);
    (void)state;

    /* The keys fit, the identity does not: A sends no IDr but expects b.example. */
    p->s[A].cfg.remote_id.type = IKE_ID_ANY;
    pair_config(p, A);
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(12)); /* IKE_AUTH has left without IDr */
    assert_true(ike_id_parse("x.example", &p->s[A].cfg.remote_id));
    pair_config(p, A);
    pair_run(p, KD_S(1));
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_AUTH_FAILED);
    assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "b.example"));
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_AUTH_FAILED);
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(60));
    assert_no_keys(p);
    pair_free(p);
}

static void invalid_ke_retries_with_the_right_group(void **state)
{
    struct pair *p = pair_new(7, "aes256-sha256-modp2048-x25519", AZURE_ESP);
    struct ike_view v;
    (void)state;

    pair_proposals(&p->s[B].cfg.ike, "aes256-sha256-x25519", IKE_PROTO_IKE);
    pair_config(p, B);
    assert_true(pair_establish(p));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    assert_string_equal(v.suite, "aes256-sha256-x25519");
    assert_int_equal(p->s[A].n_jobs, 3);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 0);
    pair_free(p);
}

/* A peer, or someone in between, that answers every request with INVALID_KE_PAYLOAD. */
static bool always_another_group(struct pair *p, struct pair_packet *k)
{
    static uint16_t turn;
    uint8_t reply[64];
    struct ike_build b;
    struct ike_header h = {.exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    const uint8_t group[2] = {0, turn++ & 1 ? KC_DH_X25519 : KC_DH_MODP2048};
    struct kd_bytes msg;

    if (k->from != A)
        return false;
    memcpy(h.spi_i, k->data, 8);
    ike_build_begin(&b, reply, sizeof(reply), &h);
    ike_put_notify(&b, 0, kd_bytes(NULL, 0), IKE_N_INVALID_KE_PAYLOAD, kd_bytes(group, 2));
    msg = ike_build_end(&b);
    pair_step(p, A, &(struct ike_event){.kind = IKE_EV_DATAGRAM, .local = k->src, .remote = k->dst,
                                        .data = msg});
    return false;
}

static void invalid_ke_loop_ends(void **state)
{
    struct pair *p = pair_new(7, "aes256-sha256-modp2048-x25519", AZURE_ESP);
    (void)state;

    p->filter = always_another_group;
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(2));
    assert_in_range(p->s[A].n_jobs, 1, 3);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_INVALID_KE);
    pair_free(p);
}

static void no_common_proposal_is_explained_on_both_sides(void **state)
{
    struct pair *p = pair_new(8, AZURE_IKE, AZURE_ESP);
    const struct pair_note *n;
    (void)state;

    pair_proposals(&p->s[B].cfg.ike, "aes256gcm16-prfsha256-x25519", IKE_PROTO_IKE);
    pair_config(p, B);
    assert_false(pair_establish(p));
    n = pair_note(p, B, IKE_NOTE_REFUSED);
    assert_int_equal(n->reason, KD_REASON_NO_PROPOSAL);
    assert_non_null(strstr(n->offered, AZURE_IKE));
    assert_non_null(strstr(n->configured, "x25519"));
    n = pair_note(p, A, IKE_NOTE_REFUSED);
    assert_int_equal(n->reason, KD_REASON_NO_PROPOSAL);
    assert_non_null(strstr(n->offered, AZURE_IKE));
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_NO_PROPOSAL);
    pair_free(p);
}

static bool demand_cookie(struct pair *p, struct pair_packet *k)
{
    static const uint8_t cookie[] = "an opaque cookie";
    uint8_t reply[64];
    struct ike_build b;
    struct ike_header h = {.exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    struct kd_bytes msg;

    if (k->from != A || k->data[18] != IKE_X_SA_INIT)
        return true;
    if (k->data[16] == IKE_PL_NOTIFY) { /* first of all payloads (RFC 7296 2.6) */
        assert_memory_equal(k->data + 36, cookie, sizeof(cookie));
        return true;
    }
    memcpy(h.spi_i, k->data, 8);
    ike_build_begin(&b, reply, sizeof(reply), &h);
    ike_put_notify(&b, 0, kd_bytes(NULL, 0), IKE_N_COOKIE, kd_bytes(cookie, sizeof(cookie)));
    msg = ike_build_end(&b);
    pair_step(p, A, &(struct ike_event){.kind = IKE_EV_DATAGRAM, .local = k->src, .remote = k->dst,
                                        .data = msg});
    return false;
}

static void cookie_is_returned_first(void **state)
{
    struct pair *p = pair_new(9, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->filter = demand_cookie;
    assert_true(pair_establish(p));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void selectors_are_narrowed_to_what_both_have(void **state)
{
    struct pair *p = pair_new(10, AZURE_IKE, AZURE_ESP);
    struct kd_prefix left, right;
    struct ike_ts want;
    struct ike_view v;
    (void)state;

    assert_true(kd_prefix_parse("10.1.0.0/16", true, &left));
    assert_true(kd_prefix_parse("10.2.0.0/16", true, &right));
    p->s[B].cfg.local_ts.ts[0] = ike_ts_from_prefix(&right);
    p->s[B].cfg.remote_ts.ts[0] = ike_ts_from_prefix(&left);
    pair_config(p, B);
    assert_true(pair_establish(p));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    want = ike_ts_from_prefix(&left);
    assert_memory_equal(&v.children[0].local_ts.ts[0].lo, &want.lo, sizeof(want.lo));
    assert_memory_equal(&v.children[0].local_ts.ts[0].hi, &want.hi, sizeof(want.hi));
    want = ike_ts_from_prefix(&right);
    assert_memory_equal(&p->s[A].child[0].ts_remote.ts[0].hi, &want.hi, sizeof(want.hi));
    pair_free(p);
}

static void no_common_selector_refuses_the_child_and_nothing_stays(void **state)
{
    struct pair *p = pair_new(11, AZURE_IKE, AZURE_ESP);
    struct kd_prefix mine, theirs;
    (void)state;

    assert_true(kd_prefix_parse("10.1.0.0/16", true, &mine));
    assert_true(kd_prefix_parse("172.16.0.0/16", true, &theirs));
    p->s[A].cfg.local_ts.ts[0] = ike_ts_from_prefix(&mine);
    p->s[B].cfg.remote_ts.ts[0] = ike_ts_from_prefix(&theirs);
    pair_config(p, A);
    pair_config(p, B);
    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->offered, "10.1.0.0/16"));
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_no_keys(p);
    pair_free(p);
}

static void any_selector_is_taken_as_azure_does(void **state)
{
    struct pair *p = pair_new(11, AZURE_IKE, AZURE_ESP);
    struct kd_prefix mine, theirs;
    struct ike_ts want;
    (void)state;

    assert_true(kd_prefix_parse("10.1.0.0/16", true, &mine));
    assert_true(kd_prefix_parse("172.16.0.0/16", true, &theirs));
    p->s[A].cfg.local_ts.ts[0] = ike_ts_from_prefix(&mine);
    p->s[B].cfg.remote_ts.ts[0] = ike_ts_from_prefix(&theirs);
    p->s[B].cfg.accept_any_ts = true;
    pair_config(p, A);
    pair_config(p, B);
    assert_true(pair_establish(p));
    want = ike_ts_from_prefix(&mine);
    assert_memory_equal(&p->s[B].child[0].ts_remote.ts[0].lo, &want.lo, sizeof(want.lo));
    pair_free(p);
}

/* ---- the data plane ---- */

static void responder_answers_only_after_install(void **state)
{
    struct pair *p = pair_new(12, AZURE_IKE, AZURE_ESP);
    unsigned sent;
    (void)state;

    p->s[B].hold_install = true;
    assert_false(pair_establish(p));
    sent = p->s[B].n_sent;
    assert_int_equal(sent, 1); /* IKE_SA_INIT's; IKE_AUTH's requests are repeated and not answered */
    assert_int_equal(p->s[B].adds, 1);
    pair_release(p, B);
    pair_run(p, KD_S(2));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_int_equal(p->s[B].adds, 1);
    pair_free(p);
}

static void refused_child_install_sends_notify_and_leaves_nothing(void **state)
{
    struct pair *p = pair_new(13, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[B].refuse_install = true;
    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_KERNEL_REFUSED);
    assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "TEMPORARY_FAILURE"));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CHILD_UP), 0);
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_int_equal(p->s[B].adds, p->s[B].dels);
    assert_int_equal(p->s[A].adds, 0);
    assert_no_keys(p);
    pair_free(p);
}

static void refused_install_at_the_initiator_deletes_at_the_responder(void **state)
{
    struct pair *p = pair_new(14, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[A].refuse_install = true;
    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_KERNEL_REFUSED);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_KERNEL_REFUSED);
    assert_int_equal(p->s[B].n_children, 0);
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_no_keys(p);
    pair_free(p);
}

static void stale_job_result_is_dropped(void **state)
{
    struct pair *p = pair_new(15, AZURE_IKE, AZURE_ESP);
    (void)state;

    pair_command(p, B, IKE_CMD_UP);
    p->s[B].hold_jobs = true;
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(100));
    pair_command(p, B, IKE_CMD_DOWN); /* its half-open SA is gone, the job is not */
    p->s[A].hold_jobs = true;
    pair_command(p, A, IKE_CMD_RESET);
    pair_run(p, KD_MS(100));
    pair_command(p, A, IKE_CMD_DOWN);
    pair_release(p, A);
    pair_release(p, B);
    pair_run(p, KD_S(1));
    assert_no_keys(p);
    /* A shared secret that comes too late is freed as well. */
    pair_free(p);

    p = pair_new(16, AZURE_IKE, AZURE_ESP);
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(8));
    p->s[A].hold_jobs = true;
    pair_run(p, KD_MS(50));
    pair_command(p, A, IKE_CMD_DOWN);
    pair_release(p, A);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_no_keys(p);
    pair_free(p);
}

static void stale_child_result_is_dropped(void **state)
{
    struct pair *p = pair_new(17, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[B].hold_install = true;
    assert_false(pair_establish(p));
    pair_command(p, B, IKE_CMD_DOWN);
    pair_release(p, B);
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CHILD_UP), 0);
    assert_no_keys(p);
    pair_free(p);
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
    struct pair *p = up();
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
    struct pair *p = up();
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
    struct pair *p = up();
    (void)state;

    p->s[A].cut_out = true; /* B's probes still arrive, A's answers and probes do not */
    pair_run(p, KD_S(4));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    pair_free(p);
}

static void abandoned_peer_gets_one_delete_and_a_new_attempt(void **state)
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
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_DELETED);
    p->s[A].cut_in = false;
    pair_run(p, KD_S(20));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void probe_command_probes_once(void **state)
{
    struct pair *p = up();
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
    struct pair *p = up();
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
    struct pair *p = up();
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
    struct pair *p = up();
    (void)state;

    p->s[A].cfg.role = IKE_ROLE_INITIATOR;
    pair_config(p, A);
    p->filter = drop_filter;
    p->ctx = &d;
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(1));
    assert_int_equal(d.seen, 3);
    pair_run(p, KD_S(20));
    assert_no_keys(p);
    pair_free(p);
}

static void keys_live_returns_to_zero_after_close(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pair *p = up_with(seed, AZURE_IKE, AZURE_ESP);
        pair_run(p, KD_S(seed));
        pair_command(p, (int)(seed & 1), seed & 2 ? IKE_CMD_REMOVE : IKE_CMD_DOWN);
        pair_command(p, !(seed & 1), IKE_CMD_DOWN);
        pair_run(p, KD_S(30));
        if (seed & 2)
            p->s[seed & 1].keys_at_start--; /* the key went with its connection */
        assert_no_keys(p);
        pair_free(p);
    }
}

static void reset_comes_back_at_once(void **state)
{
    struct pair *p = up();
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

    p->s[B].cfg.child_life_us = KD_S(20); /* plain responder: it may not rekey */
    pair_config(p, B);
    assert_true(pair_establish(p));
    pair_run(p, KD_S(20));
    assert_int_equal(pair_note(p, B, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_EXPIRED);
    pair_run(p, KD_S(10));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

/* ---- NAT ---- */

static void nat_is_detected_and_floats_to_4500(void **state)
{
    struct pair *p = pair_new(40, AZURE_IKE, AZURE_ESP);
    struct ike_view a, b;
    (void)state;

    p->nat_a = true;
    p->s[B].cfg.remote.family = 0; /* from any address */
    pair_config(p, B);
    assert_true(pair_establish(p));
    assert_true(ike_conn_view(p->s[A].e, 7, &a) && ike_conn_view(p->s[B].e, 7, &b));
    assert_true(a.encap && b.encap);
    assert_int_equal(a.local.port, 4500);
    assert_int_equal(a.remote.port, 4500);
    assert_int_equal(b.local.port, 4500);
    assert_int_equal(b.remote.port, 24500);
    assert_true(p->s[A].child[0].encap && p->s[B].child[0].encap);
    assert_int_equal(p->s[B].child[0].remote.port, 24500);
    pair_run(p, KD_S(20));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_FAILING) + pair_notes(p, B, IKE_NOTE_FAILING), 0);
    pair_free(p);
}

static void encap_always_makes_the_peer_encapsulate_too(void **state)
{
    (void)state;

    for (int side = 0; side < 2; side++) {
        struct pair *p = pair_new(41, AZURE_IKE, AZURE_ESP);
        p->s[side].cfg.encap = IKE_ENCAP_ALWAYS;
        pair_config(p, side);
        assert_true(pair_establish(p));
        assert_true(p->s[A].child[0].encap && p->s[B].child[0].encap);
        assert_int_equal(p->s[A].child[0].local.port, 4500);
        assert_int_equal(p->s[B].child[0].remote.port, 4500);
        pair_free(p);
    }
}

static void encap_never_stays_on_500(void **state)
{
    struct pair *p = pair_new(42, AZURE_IKE, AZURE_ESP);
    struct ike_view v;
    (void)state;

    p->s[A].cfg.encap = IKE_ENCAP_NEVER;
    pair_config(p, A);
    assert_true(pair_establish(p));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    assert_int_equal(v.remote.port, 500);
    assert_false(p->s[A].child[0].encap || p->s[B].child[0].encap);
    pair_free(p);
}

static bool remap(struct pair *p, struct pair_packet *k)
{
    if (k->from == A)
        k->src.port = (uint16_t)(k->src.port + 1000);
    else if (k->dst.port >= 25000)
        k->dst.port = (uint16_t)(k->dst.port - 1000);
    (void)p;
    return true;
}

static void new_mapping_is_followed_only_when_authenticated(void **state)
{
    struct pair *p = pair_new(43, AZURE_IKE, AZURE_ESP);
    struct ike_view v;
    (void)state;

    p->nat_a = true;
    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    assert_true(pair_establish(p));
    p->filter = remap;
    pair_run(p, KD_S(3));
    assert_true(ike_conn_view(p->s[B].e, 7, &v));
    assert_int_equal(v.remote.port, 25500);
    assert_int_equal(p->s[B].moves, 1);
    assert_int_equal(p->s[B].child[0].remote.port, 25500);
    pair_free(p);
}

/* ---- duplicates and restarts ---- */

static void restarted_peer_replaces_its_old_sa(void **state)
{
    struct pair *p = up();
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
        pair_free(p);
    }
}

/* ---- rekeying ---- */

static void child_rekey_moves_traffic_before_the_old_pair_goes(void **state)
{
    static const char *const esp[] = {AZURE_ESP, "aes256-sha1-modp1024", "aes256gcm16-x25519-esn"};
    (void)state;

    for (int i = 0; i < 6; i++) {
        struct pair *p = up_with((uint64_t)i, AZURE_IKE, esp[i / 2]);
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
        assert_no_keys(p);
        pair_free(p);
    }
}

static void ike_rekey_keeps_children_and_message_ids_restart(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pair *p = up();
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
        pair_run(p, KD_S(60));
        assert_int_equal(pair_notes(p, A, IKE_NOTE_FAILING), 0);
        pair_command(p, A, IKE_CMD_REKEY_CHILD); /* with the new SK_d */
        pair_run(p, KD_S(10));
        assert_true(pair_children_agree(p));
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(40));
        assert_no_keys(p);
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
    struct pair *p = up();
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
        struct pair *p = up();
        uint32_t old = p->s[A].child[0].spi_in;
        p->s[side].refuse_install = true;
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_MS(500));
        assert_int_equal(pair_outbound(p, A)->spi_in, old);
        assert_true(pair_children_agree(p));
        p->s[side].refuse_install = false;
        pair_run(p, KD_S(20)); /* and tries again */
        assert_int_not_equal(pair_outbound(p, A)->spi_in, old);
        assert_true(pair_children_agree(p));
        assert_int_equal(p->s[A].n_children, 1);
        pair_free(p);
    }
}

static void both_sides_rekeying_at_once_settle(void **state)
{
    static const enum ike_command cmd[] = {IKE_CMD_REKEY_CHILD, IKE_CMD_REKEY_IKE};
    (void)state;

    for (uint64_t seed = 0; seed < 80; seed++) {
        struct pair *p = up_with(seed, AZURE_IKE, seed & 4 ? AZURE_ESP : "aes256-sha1-modp1024");
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
        struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .local = k->dst, .remote = k->src,
                               .natt = k->natt, .data = kd_bytes(k->data, k->len)};
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
    struct pair *p = up();
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
    assert_no_keys(p);
    pair_free(p);
}

/* During IKE_SA_INIT a forger may spoil an attempt, but not more: no SA with a wrong peer, no leak, no
 * log flood; the next attempts come through when it is gone. */
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
    assert_no_keys(p);
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
    pair_step(p, to, &(struct ike_event){.kind = IKE_EV_DATAGRAM, .local = k->dst, .remote = k->src,
                                         .natt = k->natt, .data = kd_bytes(k->data, k->len)});
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
    /* The same life (same seed), stopped after each of its first steps, and all of it thrown at both
     * ends, also from the wrong one; afterwards it must still be possible to come up. */
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
        assert_no_keys(p);
        pair_free(p);
    }
    for (unsigned i = 0; i < t.n; i++)
        free(t.k[i].data);
}

/* A well-formed IKE_SA_INIT request of nobody in particular. */
static struct kd_bytes init_request(const struct pair *p, uint8_t *buf, size_t cap, uint32_t n)
{
    static const uint8_t pub[128] = {1, 2, 3}, nonce[32] = {4};
    struct ike_header h = {.exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_INITIATOR};
    struct ike_build b;

    h.spi_i[0] = 1;
    memcpy(h.spi_i + 4, &n, 4);
    ike_build_begin(&b, buf, cap, &h);
    ike_put_sa(&b, &p->s[A].cfg.ike, IKE_PROTO_IKE, kd_bytes(NULL, 0), false);
    ike_put_ke(&b, KC_DH_MODP1024, kd_bytes(pub, 128));
    ike_put_nonce(&b, kd_bytes(nonce, 32));
    return ike_build_end(&b);
}

static void half_open_sas_are_bounded_per_address_and_in_total(void **state)
{
    struct pair *p = pair_new(62, AZURE_IKE, AZURE_ESP);
    uint8_t buf[2048];
    (void)state;

    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    pair_command(p, B, IKE_CMD_UP);
    for (uint32_t i = 0; i < 1000; i++) {
        struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .local = {p->s[B].cfg.local, 500},
                               .remote = {kd_addr_v4(0xc6336400u + i % 64), 500},
                               .data = init_request(p, buf, sizeof(buf), i)};
        pair_step(p, B, &ev);
    }
    pair_run(p, KD_MS(10));
    assert_int_equal(p->s[B].n_sent, 256); /* 8 for each of the first 32 addresses */
    assert_in_range(pair_notes(p, B, IKE_NOTE_STRANGER), 1, 12);
    pair_run(p, KD_S(60));
    assert_no_keys(p);
    pair_free(p);
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
    uint8_t msg[64] = {1, [8] = 2, [16] = IKE_PL_SK, [17] = 0x20, [18] = IKE_X_INFORMATIONAL,
                       [19] = IKE_FLAG_INITIATOR, [27] = 64};
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
    struct pair *p = up();
    struct ike_view v;
    struct ike_build b;
    uint8_t buf[64];
    struct ike_header h = {.exchange = IKE_X_INFORMATIONAL, .flags = IKE_FLAG_RESPONSE, .msg_id = 5};
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

/* Faults and commands at random, then peace: the tunnel must come up, and nothing may be left over. */
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
        assert_no_keys(p);
        pair_free(p);
    }
}

static void events_and_actions_survive_their_encoding(void **state)
{
    static uint8_t buf[4096];
    const uint8_t data[] = "datagram";
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .now_us = 17, .natt = true,
                           .local = {kd_addr_v4(1), 500}, .remote = {kd_addr_v4(2), 4500},
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
        T(initiator_and_responder_agree_on_child_keys),
        T(lost_init_request_is_repeated),
        T(lost_init_response_is_retransmitted_not_renegotiated),
        T(duplicate_auth_request_gets_identical_response),
        T(unanswered_handshake_doubles_gives_up_and_pauses_longer),
        T(wrong_psk_fails_both_sides_with_peer_identity),
        T(responder_with_another_identity_is_refused_and_told),
        T(initiator_refuses_an_impostor_by_a_notify),
        T(invalid_ke_retries_with_the_right_group),
        T(invalid_ke_loop_ends),
        T(no_common_proposal_is_explained_on_both_sides),
        T(cookie_is_returned_first),
        T(selectors_are_narrowed_to_what_both_have),
        T(no_common_selector_refuses_the_child_and_nothing_stays),
        T(any_selector_is_taken_as_azure_does),
        T(responder_answers_only_after_install),
        T(refused_child_install_sends_notify_and_leaves_nothing),
        T(refused_install_at_the_initiator_deletes_at_the_responder),
        T(stale_job_result_is_dropped),
        T(stale_child_result_is_dropped),
        T(idle_tunnel_is_probed_a_third_of_the_budget_after_proof),
        T(detect_runs_out_exactly_at_budget),
        T(answer_before_abandon_restores_without_handshake),
        T(one_way_break_shows_although_the_peer_is_heard),
        T(abandoned_peer_gets_one_delete_and_a_new_attempt),
        T(probe_command_probes_once),
        T(silent_side_neither_sends_nor_answers_until_up),
        T(delete_is_answered_and_children_go),
        T(lost_delete_answer_is_repeated_after_the_sa_is_gone),
        T(keys_live_returns_to_zero_after_close),
        T(reset_comes_back_at_once),
        T(hard_expiry_closes_and_reconnects),
        T(nat_is_detected_and_floats_to_4500),
        T(encap_always_makes_the_peer_encapsulate_too),
        T(encap_never_stays_on_500),
        T(new_mapping_is_followed_only_when_authenticated),
        T(restarted_peer_replaces_its_old_sa),
        T(simultaneous_initiation_leaves_one_ike_sa),
        T(child_rekey_moves_traffic_before_the_old_pair_goes),
        T(ike_rekey_keeps_children_and_message_ids_restart),
        T(lifetimes_are_rekeyed_at_95_percent),
        T(pfs_mismatch_at_rekey_is_named_and_the_tunnel_lives_on),
        T(child_rekey_with_another_group_is_retried),
        T(refused_install_at_rekey_keeps_the_old_pair),
        T(both_sides_rekeying_at_once_settle),
        T(forged_datagrams_change_nothing_once_established),
        T(forged_handshake_spoils_an_attempt_at_most),
        T(every_message_in_every_state_is_survived),
        T(half_open_sas_are_bounded_per_address_and_in_total),
        T(stateless_answers_are_small_and_few),
        T(unprotected_invalid_spi_causes_a_probe_only),
        T(same_seed_same_trace),
        T(any_history_ends_well_once_healed),
        T(events_and_actions_survive_their_encoding),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
