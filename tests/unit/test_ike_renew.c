/* What a rekey negotiates, when it comes, and what happens where it does not: groups and proposals
 * (Azure's among them), lifetimes soft and hard, refusals for the moment and for good. RFC
 * 7296 1.3, 2.8, 2.25. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ike_peer.h"

/* Azure's six rows, no group in any (facts/azure 1.2). */
#define AZURE_SIX "aes256gcm16, aes256-sha1, 3des-sha1, aes256-sha256, aes128-sha1, 3des-sha256"

static const struct kd_bytes none = {NULL, 0};

static struct pair *up(uint64_t seed, const char *a, const char *b)
{
    struct pair *p = pair_new(seed, AZURE_IKE, a);

    pair_proposals(&p->s[B].cfg.esp, b, IKE_PROTO_ESP);
    pair_config(p, B);
    assert_true(pair_establish(p));
    return p;
}

/* ---- what is negotiated ---- */

/* facts/azure 1.6: Azure rekeys without a group, and the peer insists on one. */
static void rekey_without_a_group_against_pfs_hurts_nothing_until_the_end(void **state)
{
    struct pair *p = pair_new(301, AZURE_IKE, AZURE_SIX);
    const struct pair_note *n;
    uint32_t old;
    (void)state;

    pair_proposals(&p->s[B].cfg.esp, "aes256-sha1-modp1024", IKE_PROTO_ESP);
    p->s[A].cfg.child_life_us = KD_S(1000);
    pair_config(p, A);
    pair_config(p, B);
    assert_true(pair_establish(p));
    old = pair_outbound(p, A)->spi_in;
    pair_run(p, KD_S(990));
    n = pair_note(p, B, IKE_NOTE_REFUSED);
    assert_non_null(n);
    assert_int_equal(n->reason, KD_REASON_NO_PROPOSAL);
    assert_non_null(strstr(n->offered, "aes256gcm16, aes256-sha1, 3des-sha1"));
    assert_string_equal(n->configured, "aes256-sha1-modp1024");
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_NO_PROPOSAL);
    assert_int_equal(pair_outbound(p, A)->spi_in, old);
    assert_true(pair_up(p, A) && pair_up(p, B) && pair_children_agree(p));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_run(p, KD_S(30)); /* 2.8: it has expired and can't be rekeyed, so all begins anew */
    assert_int_equal(pair_note(p, A, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_EXPIRED);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 2);
    assert_true(pair_up(p, A) && pair_up(p, B) && pair_children_agree(p));
    pair_free(p);
}

static void rekey_without_a_group_is_taken_where_policy_has_such_a_row(void **state)
{
    struct pair *p = up(302, AZURE_SIX, "aes256-sha1-modp1024, aes256-sha1");
    (void)state;

    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    assert_int_equal(p->s[A].adds, 2);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REFUSED), 0);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void rekey_with_a_group_is_refused_where_policy_has_none(void **state)
{
    struct pair *p = up(303, "aes256-sha1-modp1024", "aes256-sha1");
    (void)state;

    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(1));
    assert_int_equal(p->s[A].adds, 1);
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_NO_PROPOSAL);
    assert_true(pair_up(p, A) && pair_up(p, B) && pair_children_agree(p));
    pair_free(p);
}

static void put_ke(struct ike_build *b, uint16_t group)
{
    uint8_t pub[512] = {1, 2, 3};

    ike_put_ke(b, group, kd_bytes(pub, kc_alg_find(KC_DH, group, 0)->pub_len));
}

/* 1.3: the responder chooses a proposal without a group: the KE is ignored, and none is answered.
 */
static void ke_without_a_group_in_the_chosen_proposal_is_ignored(void **state)
{
    struct pair *p = pair_established(304, AZURE_IKE, AZURE_ESP);
    struct peer *t = peer_of(p, B);
    struct ike_build *b;
    (void)state;

    b = peer_request(t, IKE_X_CREATE_CHILD_SA);
    peer_put_child(t, b, 0x7001);
    put_ke(b, KC_DH_MODP1024);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(peer_error(t), 0);
    assert_false(ike_msg_has(&t->last, IKE_PL_KE));
    assert_int_equal(p->s[B].adds, 2);
    peer_free(t);
    pair_free(p);
}

/* The chosen proposal has a group, and the KE is missing: INVALID_KE_PAYLOAD names it. */
static void group_in_the_chosen_proposal_without_ke_is_asked_for(void **state)
{
    struct pair *p = pair_established(305, AZURE_IKE, "aes256-sha1-modp2048");
    struct peer *t = peer_of(p, B);
    const struct ike_notify *n;
    (void)state;

    peer_put_child(t, peer_request(t, IKE_X_CREATE_CHILD_SA), 0x7001);
    assert_int_equal(peer_send(t), 1);
    n = ike_msg_notify(&t->last, IKE_N_INVALID_KE_PAYLOAD);
    assert_non_null(n);
    assert_int_equal(n->data.p[0] << 8 | n->data.p[1], KC_DH_MODP2048);
    assert_int_equal(p->s[B].adds, 1);
    peer_free(t);
    pair_free(p);
}

/* facts/azure 1.6: an IKE rekey offers exactly one proposal, the suite in use. */
static void ike_rekey_of_one_proposal_is_taken(void **state)
{
    const char *list = "aes256-sha256-modp2048, aes256-sha1-modp1024";
    struct pair *p = pair_new(306, list, AZURE_ESP);
    struct ike_view v;
    (void)state;

    pair_proposals(&p->s[A].cfg.ike, AZURE_IKE, IKE_PROTO_IKE);
    pair_config(p, A);
    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(1));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REKEYED), 1);
    assert_true(ike_conn_view(p->s[B].e, 7, &v));
    assert_string_equal(v.suite, AZURE_IKE);
    pair_free(p);
}

static void ike_rekey_of_one_unknown_proposal_is_refused_and_hurts_nothing(void **state)
{
    struct pair *p = pair_established(307, AZURE_IKE, AZURE_ESP);
    const struct pair_note *n;
    (void)state;

    pair_proposals(&p->s[A].cfg.ike, "aes128-sha256-modp2048", IKE_PROTO_IKE);
    pair_config(p, A);
    pair_command(p, A, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(1));
    n = pair_note(p, B, IKE_NOTE_REFUSED);
    assert_int_equal(n->reason, KD_REASON_NO_PROPOSAL);
    assert_string_equal(n->offered, "aes128-sha256-modp2048");
    assert_string_equal(n->configured, AZURE_IKE);
    pair_run(p, KD_S(60));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED) + pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

/* ---- when ---- */

static void azures_lifetimes_are_rekeyed_at_95_percent_with_jitter(void **state)
{
    uint64_t first_ike = 0, first_child = 0;
    bool ike_differs = false, child_differs = false;
    (void)state;

    for (uint64_t seed = 0; seed < 8; seed++) {
        struct pair *p = pair_established(310 + seed, AZURE_IKE, AZURE_ESP);
        struct ike_view v;
        uint64_t ike, child;
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        ike = v.rekey_at_us - v.since_us;
        child = v.children[0].rekey_at_us - v.since_us;
        assert_in_range(ike, KD_S(28800) / 100 * 93, KD_S(27360));
        assert_in_range(child, KD_S(27000) / 100 * 93, KD_S(25650) + KD_MS(1));
        ike_differs = ike_differs || (seed && ike != first_ike);
        child_differs = child_differs || (seed && child != first_child);
        first_ike = ike;
        first_child = child;
        pair_free(p);
    }
    assert_true(ike_differs && child_differs);
}

static void expire(struct pair *p, int side, bool soft)
{
    pair_step(p, side,
              &(struct ike_event){
                  .kind = IKE_EV_CHILD_EXPIRE, .child = pair_outbound(p, side)->child, .ok = soft});
}

static void soft_limit_rekeys_once_however_often_it_is_told(void **state)
{
    struct pair *p = pair_established(320, AZURE_IKE, AZURE_ESP);
    (void)state;

    expire(p, A, true);
    expire(p, A, true);
    expire(p, B, true);
    pair_run(p, KD_S(10));
    assert_in_range(p->s[A].adds, 2, 3); /* three where both rekey at once */
    assert_int_equal(p->s[A].n_children, 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void hard_limit_of_the_last_child_makes_another_at_once(void **state)
{
    (void)state;

    for (int side = A; side <= B; side++) {
        struct pair *p = pair_new(321, AZURE_IKE, AZURE_ESP);
        p->s[B].cfg.role = IKE_ROLE_BOTH;
        pair_config(p, B);
        pair_command(p, B, IKE_CMD_UP);
        p->s[A].cut_out = false;
        assert_true(pair_establish(p));
        pair_run(p, KD_S(100));
        expire(p, side, false);
        assert_int_equal(p->s[side].n_children, 0); /* 2.8: it is not used any more */
        pair_run(p, KD_MS(25)); /* a DELETE and a request, each there and back */
        assert_int_equal(p->s[side].n_children, 1);
        pair_run(p, KD_S(30));
        assert_int_equal(p->s[A].n_children, 1);
        assert_true(pair_children_agree(p));
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED) + pair_notes(p, B, IKE_NOTE_CLOSED), 0);
        pair_free(p);
    }
}

/* The peer rekeys no IKE SA: it ends at its lifetime, and another is begun at once. */
static void hard_limit_of_the_ike_sa_closes_it_and_begins_anew_at_once(void **state)
{
    struct pair *p = pair_new(322, AZURE_IKE, AZURE_ESP);
    struct ike_view v;
    uint64_t end_us;
    (void)state;

    p->s[A].cfg.ike_life_us = KD_S(100);
    p->s[B].cfg.role = IKE_ROLE_RESPONDER;
    pair_config(p, A);
    assert_true(pair_establish(p));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    end_us = v.since_us + KD_S(100);
    pair_proposals(&p->s[B].cfg.ike, "aes128-sha256-modp2048", IKE_PROTO_IKE);
    pair_config(p, B);
    pair_run(p, end_us - p->now_us - KD_MS(1));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_notes(p, A, IKE_NOTE_REFUSED) > 0);
    pair_proposals(&p->s[B].cfg.ike, AZURE_IKE, IKE_PROTO_IKE);
    pair_config(p, B);
    pair_run(p, KD_MS(2));
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_EXPIRED);
    pair_run(p, KD_MS(100));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

/* ---- refused for the moment ---- */

struct refusals {
    unsigned n;
    uint64_t at_us[64];
};

/* Answers every CREATE_CHILD_SA request of A with TEMPORARY_FAILURE, until that time. */
static void put_off(struct peer *t, struct refusals *r, uint64_t for_us)
{
    uint64_t until = t->p->now_us + for_us;

    while (t->p->now_us < until && !pair_notes(t->p, A, IKE_NOTE_CLOSED)) {
        pair_run(t->p, KD_MS(50));
        if (t->asked.exchange != IKE_X_CREATE_CHILD_SA)
            continue;
        r->at_us[r->n++] = t->p->now_us;
        assert_true(r->n < KD_ARRAY_LEN(r->at_us));
        ike_put_notify(peer_answer(t), IKE_PROTO_NONE, none, IKE_N_TEMPORARY_FAILURE, none);
        t->asked.exchange = 0;
        (void)peer_send(t);
    }
}

static struct peer *asker(uint64_t seed)
{
    struct pair *p = pair_established(seed, AZURE_IKE, AZURE_ESP);
    struct peer *t = peer_of(p, A);

    t->polite = true;
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    return t;
}

static void part(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

static void temporary_failure_for_minutes_ends_the_ike_sa(void **state)
{
    struct peer *t = asker(330);
    struct refusals r = {0};
    (void)state;

    put_off(t, &r, KD_S(600));
    assert_int_equal(pair_note(t->p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_PROTOCOL_ERROR);
    assert_in_range(r.at_us[r.n - 1] - r.at_us[0], KD_S(300), KD_S(400));
    assert_in_range(r.n, 6, 12);
    assert_in_range(r.at_us[1] - r.at_us[0], KD_S(3), KD_S(7));     /* not at once */
    assert_true(r.at_us[4] - r.at_us[3] > r.at_us[1] - r.at_us[0]); /* and ever more rarely */
    part(t);
}

static void temporary_failure_for_less_is_outlived(void **state)
{
    struct peer *t = asker(331);
    struct refusals r = {0};
    (void)state;

    put_off(t, &r, KD_S(250));
    assert_int_equal(pair_notes(t->p, A, IKE_NOTE_CLOSED), 0);
    assert_int_equal(pair_notes(t->p, A, IKE_NOTE_REFUSED), 0);
    assert_int_equal(t->p->s[A].n_children, 1);
    part(t);
}

/* Each DELETE of a rekeyed IKE SA is lost. */
static bool lose_informational_of_a(struct pair *p, struct pair_packet *k)
{
    (void)p;
    return k->from != A || k->data[18] != IKE_X_INFORMATIONAL;
}

static unsigned sas(const struct pair *p, int side)
{
    struct kd_handle h = KD_HANDLE_NONE;
    unsigned n = 0;

    while (kd_slab_next(&p->s[side].e->sas, &h))
        n++;
    return n;
}

static void rekeyed_ike_sas_that_are_never_deleted_do_not_pile_up(void **state)
{
    struct pair *p = pair_established(340, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->filter = lose_informational_of_a;
    for (int i = 0; i < 30; i++) {
        pair_command(p, A, IKE_CMD_REKEY_IKE);
        pair_run(p, KD_MS(100));
        assert_in_range(sas(p, B), 1, 3);
        assert_int_equal(pair_notes(p, B, IKE_NOTE_REKEYED), i + 1);
    }
    assert_true(pair_children_agree(p));
    pair_free(p);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(rekey_without_a_group_against_pfs_hurts_nothing_until_the_end),
        T(rekey_without_a_group_is_taken_where_policy_has_such_a_row),
        T(rekey_with_a_group_is_refused_where_policy_has_none),
        T(ke_without_a_group_in_the_chosen_proposal_is_ignored),
        T(group_in_the_chosen_proposal_without_ke_is_asked_for),
        T(ike_rekey_of_one_proposal_is_taken),
        T(ike_rekey_of_one_unknown_proposal_is_refused_and_hurts_nothing),
        T(azures_lifetimes_are_rekeyed_at_95_percent_with_jitter),
        T(soft_limit_rekeys_once_however_often_it_is_told),
        T(hard_limit_of_the_last_child_makes_another_at_once),
        T(hard_limit_of_the_ike_sa_closes_it_and_begins_anew_at_once),
        T(temporary_failure_for_minutes_ends_the_ike_sa),
        T(temporary_failure_for_less_is_outlived),
        T(rekeyed_ike_sas_that_are_never_deleted_do_not_pile_up),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
