/* The IKE handshake: two engines back to back (ike_pair.h), the first child and its data plane,
 * NAT. Claims are named after what must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike_pair.h"

#include "ike/suites.h"

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
        struct pair *p = pair_established(i, suites[i][0], suites[i][1]);
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
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

static void responder_without_the_key_is_refused_by_the_initiator(void **state)
{
    struct pair *p = pair_new(6, AZURE_IKE, AZURE_ESP);
    (void)state;

    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(12)); /* IKE_AUTH has left; from now on A expects another key's answer */
    pair_psk(p, A, "another secret");
    pair_run(p, KD_MS(50));
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_AUTH_FAILED);
    assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "b.example"));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 0);
    assert_int_equal(p->s[A].adds, 0);
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_AUTH_FAILED);
    assert_int_equal(p->s[B].n_children, 0);
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
    static uint16_t turn = 1;
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
    pair_step(p, A,
              &(struct ike_event){
                  .kind = IKE_EV_DATAGRAM, .local = k->src, .remote = k->dst, .data = msg});
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
    pair_step(p, A,
              &(struct ike_event){
                  .kind = IKE_EV_DATAGRAM, .local = k->src, .remote = k->dst, .data = msg});
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
    p->s[B].cfg.child[0].local_ts.ts[0] = ike_ts_from_prefix(&right);
    p->s[B].cfg.child[0].remote_ts.ts[0] = ike_ts_from_prefix(&left);
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
    p->s[A].cfg.child[0].local_ts.ts[0] = ike_ts_from_prefix(&mine);
    p->s[B].cfg.child[0].remote_ts.ts[0] = ike_ts_from_prefix(&theirs);
    pair_config(p, A);
    pair_config(p, B);
    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->offered, "10.1.0.0/16"));
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_true(pair_nothing_left(p));
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
    p->s[A].cfg.child[0].local_ts.ts[0] = ike_ts_from_prefix(&mine);
    p->s[B].cfg.child[0].remote_ts.ts[0] = ike_ts_from_prefix(&theirs);
    p->s[B].cfg.accept_any_ts = true;
    pair_config(p, A);
    pair_config(p, B);
    assert_true(pair_establish(p));
    want = ike_ts_from_prefix(&mine);
    assert_memory_equal(&p->s[B].child[0].ts_remote.ts[0].lo, &want.lo, sizeof(want.lo));
    pair_free(p);
}

/* Azure as responder takes suites it never offers (facts/azure 1.2): row 22 of its list,
 * AES128-SHA256. */
static void azure_accepts_more_than_it_offers(void **state)
{
    (void)state;
    for (int with_list = 0; with_list < 2; with_list++) {
        struct pair *p = pair_new(13, AZURE_IKE, "aes128-sha256");
        struct ike_conn_config *b = &p->s[B].cfg;
        assert_true(
            ike_profile("azure-default", &b->ike, &b->esp, with_list ? &b->esp_accept : NULL));
        pair_config(p, B);
        assert_int_equal(pair_establish(p), with_list);
        pair_free(p);
    }
}

struct ivs {
    uint8_t iv[64][8];
    unsigned n;
};

static bool collect_ivs(struct pair *p, struct pair_packet *k)
{
    struct ivs *v = p->ctx;

    if (k->from != A || k->data[18] == IKE_X_SA_INIT || v->n == 64)
        return true;
    for (unsigned i = 0; i < v->n; i++)
        assert_memory_not_equal(v->iv[i], k->data + 32, 8);
    memcpy(v->iv[v->n++], k->data + 32, 8);
    return true;
}

static void aead_ivs_never_repeat_under_a_key(void **state)
{
    struct pair *p = pair_new(18, "aes256gcm16-prfsha256-x25519", "aes256gcm16");
    struct ivs v = {.n = 0};
    (void)state;

    p->filter = collect_ivs;
    p->ctx = &v;
    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    assert_true(v.n > 20);
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
    assert_int_equal(sent,
                     1); /* IKE_SA_INIT's; IKE_AUTH's requests are repeated and not answered */
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
    assert_true(pair_nothing_left(p));
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
    assert_true(pair_nothing_left(p));
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
    assert_true(pair_nothing_left(p));
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
    assert_true(pair_nothing_left(p));
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
    assert_true(pair_nothing_left(p));
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

static void hear(struct pair *p, int side, struct kd_handle child, uint32_t addr, uint16_t port)
{
    pair_step(p, side,
              &(struct ike_event){
                  .kind = IKE_EV_CHILD_SOURCE, .child = child, .remote = {kd_addr_v4(addr), port}});
}

/* What the data plane has verified counts as an IKE message would, and under the same rules. */
static void the_source_of_data_is_followed_across_a_nat_only(void **state)
{
    struct pair *p = pair_new(43, AZURE_IKE, AZURE_ESP);
    struct kd_endpoint to;
    struct ike_view v;
    (void)state;

    p->nat_a = true;
    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    assert_true(pair_establish(p));
    hear(p, B, p->s[B].child[0].child, 0xc0000207u, 31000);
    assert_true(ike_conn_view(p->s[B].e, 7, &v));
    to = (struct kd_endpoint){kd_addr_v4(0xc0000207u), 31000};
    assert_true(kd_endpoint_eq(&v.remote, &to));
    assert_int_equal(p->s[B].moves, 1);
    assert_true(kd_endpoint_eq(&p->s[B].child[0].remote, &to));
    hear(p, B, p->s[B].child[0].child, 0xc0000207u, 31000);    /* the same again */
    hear(p, B, (struct kd_handle){77, 1}, 0xc0000208u, 31000); /* a pair that is gone */
    assert_int_equal(p->s[B].moves, 1);
    hear(p, A, p->s[A].child[0].child, 0xc0000209u, 31000); /* behind a NAT itself */
    assert_int_equal(p->s[A].moves, 0);
    pair_free(p);
    p = pair_established(43, AZURE_IKE, AZURE_ESP); /* no NAT at all */
    hear(p, B, p->s[B].child[0].child, 0xc0000207u, 31000);
    assert_int_equal(p->s[B].moves, 0);
    pair_free(p);
}

static bool move_b(struct pair *p, struct pair_packet *k)
{
    (void)p;
    if (k->from == B)
        k->src.port = (uint16_t)(k->src.port + 7);
    return true;
}

/* RFC 7296 2.23: else one packet through another mapping would break the connection. */
static void side_behind_a_nat_does_not_follow(void **state)
{
    struct pair *p = pair_new(44, AZURE_IKE, AZURE_ESP);
    struct ike_view v;
    (void)state;

    p->nat_a = true;
    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    assert_true(pair_establish(p));
    p->filter = move_b;
    pair_run(p, KD_S(3));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    assert_int_equal(v.remote.port, 4500);
    assert_int_equal(p->s[A].moves, 0);
    pair_free(p);
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
        T(responder_without_the_key_is_refused_by_the_initiator),
        T(invalid_ke_retries_with_the_right_group),
        T(invalid_ke_loop_ends),
        T(no_common_proposal_is_explained_on_both_sides),
        T(cookie_is_returned_first),
        T(selectors_are_narrowed_to_what_both_have),
        T(no_common_selector_refuses_the_child_and_nothing_stays),
        T(any_selector_is_taken_as_azure_does),
        T(azure_accepts_more_than_it_offers),
        T(aead_ivs_never_repeat_under_a_key),
        T(responder_answers_only_after_install),
        T(refused_child_install_sends_notify_and_leaves_nothing),
        T(refused_install_at_the_initiator_deletes_at_the_responder),
        T(stale_job_result_is_dropped),
        T(stale_child_result_is_dropped),
        T(nat_is_detected_and_floats_to_4500),
        T(encap_always_makes_the_peer_encapsulate_too),
        T(encap_never_stays_on_500),
        T(new_mapping_is_followed_only_when_authenticated),
        T(the_source_of_data_is_followed_across_a_nat_only),
        T(side_behind_a_nat_does_not_follow),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
