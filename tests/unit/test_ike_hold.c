/* A connection that can't answer yet, for want of something of ours: who calls gets no word and
 * asks again, in IKE_SA_INIT and in IKE_AUTH; what will never fit is refused all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "ike/sa.h"
#include "ike_pair.h"

static const struct pair_note *last_refusal(const struct pair *p, int side)
{
    return pair_notes(p, side, IKE_NOTE_REFUSED) ? pair_note(p, side, IKE_NOTE_REFUSED) : NULL;
}

static void command_8(struct pair *p, enum ike_command cmd)
{
    pair_step(p, B, &(struct ike_event){.kind = IKE_EV_COMMAND, .conn = 8, .command = cmd});
}

/* ---- IKE_SA_INIT ---- */

/* On the attempt's own next request: it has neither failed nor begun anew. */
static void a_caller_gets_no_word_and_gets_in_with_its_next_request(void **state)
{
    struct pair *p = pair_new(1, AZURE_IKE, AZURE_ESP);
    struct ike_view v;
    uint8_t spi[8];
    (void)state;

    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(2));
    assert_int_equal(p->s[B].n_sent, 0);
    assert_true(p->s[A].n_sent >= 3);
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    memcpy(spi, v.spi_i, 8);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(2));
    assert_true(pair_up(p, A) && pair_up(p, B) && pair_children_agree(p));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    assert_memory_equal(spi, v.spi_i, 8);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED) + pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

/* What answers B gives to A's call, as A tells of it; REASON_NONE: none. */
static enum kd_reason call(uint64_t seed, const char *ike, enum ike_role role, bool down)
{
    struct pair *p = pair_new(seed, AZURE_IKE, AZURE_ESP);
    enum kd_reason got;

    p->s[B].cfg.role = role;
    pair_proposals(&p->s[B].cfg.ike, ike, IKE_PROTO_IKE);
    pair_config(p, B);
    if (down)
        pair_command(p, B, IKE_CMD_DOWN);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(2));
    got = last_refusal(p, A) ? last_refusal(p, A)->reason : KD_REASON_NONE;
    assert_int_equal(p->s[B].n_sent > 0, got != KD_REASON_NONE);
    pair_free(p);
    return got;
}

static void what_will_never_fit_is_refused_all_the_same(void **state)
{
    (void)state;

    assert_int_equal(call(2, AZURE_IKE, IKE_ROLE_BOTH, false), KD_REASON_NONE);
    assert_int_equal(call(3, AZURE_IKE, IKE_ROLE_RESPONDER, false), KD_REASON_NONE);
    assert_int_equal(call(4, AZURE_IKE, IKE_ROLE_INITIATOR, false), KD_REASON_NO_PROPOSAL);
    assert_int_equal(call(5, "aes128-sha256-ecp256", IKE_ROLE_RESPONDER, false),
                     KD_REASON_NO_PROPOSAL);
    assert_int_equal(call(6, AZURE_IKE, IKE_ROLE_RESPONDER, true), KD_REASON_NO_PROPOSAL);
}

/* The offer, not the order, says whose caller it is. */
static void one_that_is_up_answers_beside_one_that_is_held(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pair *p = pair_new(7, AZURE_IKE, AZURE_ESP);
        struct ike_conn_config c = p->s[B].cfg;
        struct ike_view v;

        c.psk = kc_key_import(p->s[B].crypto, kd_bytes_str("a shared secret"));
        if (i)
            pair_proposals(&p->s[B].cfg.ike, "aes128-sha256-ecp256", IKE_PROTO_IKE);
        else
            pair_proposals(&c.ike, "aes128-sha256-ecp256", IKE_PROTO_IKE);
        pair_config(p, B);
        assert_true(ike_conn_set(p->s[B].e, 8, &c));
        command_8(p, IKE_CMD_UP); /* 7 is held */
        pair_command(p, A, IKE_CMD_UP);
        pair_run(p, KD_S(2));
        assert_int_equal(p->s[B].n_sent > 0, i);
        assert_true(ike_conn_view(p->s[B].e, 8, &v) && v.established == i);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 0);
        pair_free(p);
    }
}

/* ---- IKE_AUTH ---- */

/* B answers callers from anywhere: as 7, which is up and expects another one, and as 8, which
 * expects A. */
static struct pair *two_of_any(uint64_t seed)
{
    struct pair *p = pair_new(seed, "aes256-sha256-modp2048", AZURE_ESP);
    struct ike_conn_config *c = &p->s[B].cfg;
    struct ike_conn_config other = *c;

    other.psk = kc_key_import(p->s[B].crypto, kd_bytes_str("a shared secret"));
    other.remote = c->remote = (struct kd_addr){0};
    assert_true(ike_conn_set(p->s[B].e, 8, &other));
    assert_true(ike_id_parse("c.example", &c->remote_id));
    pair_config(p, B);
    pair_command(p, B, IKE_CMD_UP);
    return p;
}

static void fragments_of_576(struct pair *p)
{
    p->s[A].cfg.fragment_size = 576;
    pair_proposals(&p->s[A].cfg.esp,
                   "aes128-sha1, aes128-sha256, aes256-sha256, aes256-sha1, aes192-sha1, "
                   "aes192-sha256, aes256-sha384, aes256-sha512, aes128-sha384, aes128-sha512",
                   IKE_PROTO_ESP);
    pair_config(p, A);
}

static bool count_fragments(struct pair *p, struct pair_packet *k)
{
    *(unsigned *)p->ctx += k->from == A && k->data[16] == IKE_PL_SKF;
    return true;
}

static void an_identity_that_is_held_gets_in_with_its_next_ike_auth(void **state)
{
    (void)state;

    for (int cut = 0; cut < 2; cut++) {
        struct pair *p = two_of_any(10 + (uint64_t)cut);
        struct ike_view v;
        unsigned fragments = 0;

        p->filter = count_fragments;
        p->ctx = &fragments;
        if (cut)
            fragments_of_576(p);
        pair_command(p, A, IKE_CMD_UP);
        pair_run(p, KD_S(2));
        assert_int_equal(fragments >= 4, cut); /* and repeated */
        assert_int_equal(p->s[B].n_sent, 1);   /* of IKE_SA_INIT */
        assert_int_equal(p->s[B].adds, 0);
        command_8(p, IKE_CMD_UP);
        pair_run(p, KD_S(3));
        assert_true(pair_up(p, A) && ike_conn_view(p->s[B].e, 8, &v) && v.established);
        assert_int_equal(p->s[B].n_jobs_of[KC_JOB_DH_KEYGEN], 1); /* the same IKE SA */
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED) + pair_notes(p, B, IKE_NOTE_REFUSED),
                         0);
        pair_free(p);
    }
}

static void an_identity_that_is_down_or_nobodys_is_refused(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pair *p = two_of_any(20 + (uint64_t)i);

        if (i)
            command_8(p, IKE_CMD_DOWN);
        else
            assert_true(ike_id_parse("d.example", &p->s[A].cfg.local_id));
        pair_config(p, A);
        pair_command(p, A, IKE_CMD_UP);
        pair_run(p, KD_S(2));
        assert_non_null(last_refusal(p, A));
        assert_int_equal(last_refusal(p, A)->reason, KD_REASON_AUTH_FAILED);
        pair_free(p);
    }
}

/* Its half-open SA has an end, whatever it repeats. */
static void who_waits_in_vain_leaves_nothing(void **state)
{
    struct pair *p = two_of_any(30);
    uint32_t keys = kc_keys_live(p->s[B].crypto);
    (void)state;

    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(60));
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_int_equal(p->s[B].adds, 0);
    assert_int_equal(kc_keys_live(p->s[B].crypto), keys);
    pair_free(p);
}

/* ---- held after it was up ---- */

static void hold_ends_with_a_delete_and_is_silent_until_up(void **state)
{
    struct pair *p = pair_established(40, AZURE_IKE, AZURE_ESP);
    unsigned refused = pair_notes(p, A, IKE_NOTE_REFUSED);
    (void)state;

    pair_command(p, B, IKE_CMD_HOLD);
    pair_run(p, KD_S(1));
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_DELETED);
    assert_int_equal(p->s[B].n_children, 0);
    p->s[B].n_sent = 0;
    pair_run(p, KD_S(30));
    assert_int_equal(p->s[B].n_sent, 0);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), refused);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(60));
    assert_true(pair_up(p, A) && pair_up(p, B) && pair_children_agree(p));
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_gets_no_word_and_gets_in_with_its_next_request),
        cmocka_unit_test(what_will_never_fit_is_refused_all_the_same),
        cmocka_unit_test(one_that_is_up_answers_beside_one_that_is_held),
        cmocka_unit_test(an_identity_that_is_held_gets_in_with_its_next_ike_auth),
        cmocka_unit_test(an_identity_that_is_down_or_nobodys_is_refused),
        cmocka_unit_test(who_waits_in_vain_leaves_nothing),
        cmocka_unit_test(hold_ends_with_a_delete_and_is_silent_until_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
