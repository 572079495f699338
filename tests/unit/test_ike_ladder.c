/* Azure's ladder of selectors (facts/azure 1.5): everything first, then prefixes, then the hub
 * only, each where the peer refuses the one before. RFC 7296 2.9, 2.21.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_children.h"
#include "ike_peer.h"

/* A peer takes the first step as a whole, or narrows it, or is elsewhere. */
static const struct ts_row ladder[] = {{"0.0.0.0/0", "0.0.0.0/0"},
                                       {"10.16.0.0/12", "192.168.0.0/16"},
                                       {"10.17.0.0/16", "192.168.8.0/24"}};

/* A climbs; B takes nothing but what lies inside the row. */
static struct pair *climb(uint64_t seed, const struct ts_row *takes)
{
    struct pair *p = pair_new(seed, AZURE_IKE, AZURE_ESP);

    p->s[A].cfg.ladder = true;
    children_set(p, A, ladder, 3);
    children_mirror(p, B, takes, 1);
    return p;
}

static void up(struct pair *p)
{
    pair_command(p, A, IKE_CMD_UP);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(2));
}

static void the_first_step_that_is_taken_stays(void **state)
{
    struct pair *p = climb(1, &ladder[0]);
    (void)state;

    up(p);
    pair_run(p, KD_S(100));
    assert_int_equal(p->s[A].adds, 1);
    assert_int_equal(children_of(p, A, 0), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 0);
    pair_free(p);
}

/* Narrowing is no refusal: the first step stands, with what the peer left of it. */
static void a_narrowed_step_is_no_refusal(void **state)
{
    struct pair *p = climb(2, &ladder[2]);
    (void)state;

    up(p);
    assert_int_equal(children_of(p, A, 0), 1);
    assert_string_equal(ts_text(&p->s[A].child[0].ts_local), "10.17.0.0/16");
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 0);
    pair_free(p);
}

static const struct ts_row elsewhere = {"172.16.0.0/24", "172.17.0.0/24"};

static void the_next_step_follows_on_the_same_ike_sa(void **state)
{
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"},
                                          {"10.3.0.0/16", "10.9.0.0/16"}};
    (void)state;

    for (int taken = 0; taken < 3; taken++) {
        struct pair *p = climb((uint64_t)taken, &steps[taken]);
        children_set(p, A, steps, 3);
        up(p);
        assert_int_equal(children_of(p, A, taken), 1);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), taken);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 1);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
        assert_true(pair_children_agree(p));
        pair_run(p, KD_S(100));
        assert_int_equal(p->s[A].adds, 1); /* one step is enough */
        pair_free(p);
    }
}

static void the_step_is_remembered_while_the_peer_stays(void **state)
{
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"}};
    struct pair *p = climb(5, &steps[1]);
    (void)state;

    children_set(p, A, steps, 2);
    up(p);
    assert_int_equal(children_of(p, A, 1), 1);
    pair_command(p, B, IKE_CMD_RESET);
    pair_run(p, KD_S(20));
    assert_int_equal(children_of(p, A, 1), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 2);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 1); /* no second climb */

    pair_command(p, A, IKE_CMD_RESET); /* the operator begins anew */
    pair_run(p, KD_S(20));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 2);
    assert_int_equal(children_of(p, A, 1), 1);
    pair_free(p);
}

static void a_dead_peer_is_climbed_anew(void **state)
{
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"}};
    struct pair *p = climb(6, &steps[1]);
    (void)state;

    children_set(p, A, steps, 2);
    up(p);
    p->s[B].cut_in = p->s[B].cut_out = true;
    pair_run(p, KD_S(70));
    assert_true(pair_notes(p, A, IKE_NOTE_CLOSED) > 0);
    children_mirror(p, B, steps, 1); /* another device answers, which takes the first step */
    pair_command(p, B, IKE_CMD_RESET);
    p->s[B].cut_in = p->s[B].cut_out = false;
    pair_run(p, KD_S(100));
    assert_int_equal(children_of(p, A, 0), 1);
    pair_free(p);
}

static void after_the_last_step_it_pauses_and_begins_anew(void **state)
{
    struct pair *p = climb(7, &elsewhere);
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"},
                                          {"10.3.0.0/16", "10.9.0.0/16"}};
    unsigned established;
    (void)state;

    children_set(p, A, steps, 3);
    up(p);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 3);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    assert_int_equal(p->s[A].n_children, 0);
    pair_run(p, KD_S(300));
    established = pair_notes(p, A, IKE_NOTE_ESTABLISHED);
    assert_in_range(established, 6, 11); /* 0, 3, 9, 21, 45, then every 48 s and jitter */
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 3 * established);
    pair_free(p);
}

/* ---- a peer that takes the IKE SA away with the selectors ---- */

static void a_peer_that_takes_the_ike_sa_away_is_asked_the_next_step(void **state)
{
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"}};
    struct pair *p = climb(8, &steps[1]);
    (void)state;

    children_set(p, A, steps, 2);
    pair_command(p, A, IKE_CMD_UP);
    pair_command(p, B, IKE_CMD_UP);
    while (pair_notes(p, A, IKE_NOTE_REFUSED) == 0)
        pair_run(p, KD_MS(1));
    pair_command(p, B, IKE_CMD_RESET); /* before the next step has come through */
    pair_run(p, KD_S(20));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 1);
    assert_int_equal(children_of(p, A, 1), 1);
    pair_free(p);
}

static void only_a_refusal(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    (void)m;
    ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), r->notify, kd_bytes(NULL, 0));
}

/* Without IDr and AUTH nothing is established (2.21.2): the next step needs a new attempt. */
static void a_refusal_without_an_ike_sa_is_followed_by_the_next_step_anew(void **state)
{
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"},
                                          {"10.3.0.0/16", "10.9.0.0/16"}};
    (void)state;

    for (int refusals = 1; refusals <= 4; refusals++) {
        struct rewrite r = {.exchange = IKE_X_AUTH,
                            .response = true,
                            .write = only_a_refusal,
                            .notify = IKE_N_TS_UNACCEPTABLE};
        struct pair *p = climb(20, &steps[0]);
        children_set(p, A, steps, 3);
        children_mirror(p, B, steps, 3);
        p->filter = peer_rewrite;
        r.p = p;
        p->ctx = &r;
        pair_command(p, A, IKE_CMD_UP);
        pair_command(p, B, IKE_CMD_UP);
        for (int i = 0; i < 10000 && pair_notes(p, A, IKE_NOTE_REFUSED) < (unsigned)refusals; i++)
            pair_run(p, KD_MS(10));
        p->filter = NULL;
        pair_run(p, KD_S(30));
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), refusals);
        assert_int_equal(children_of(p, A, refusals % 3), 1); /* after the third the first */
        assert_true(pair_children_agree(p));
        pair_free(p);
    }
}

static void child_refused(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    peer_copy(b, m, IKE_HAS(IKE_PL_SA) | IKE_HAS(IKE_PL_TSI) | IKE_HAS(IKE_PL_TSR));
    ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), r->notify, kd_bytes(NULL, 0));
}

/* SINGLE_PAIR_REQUIRED is about selectors too (2.9); NO_PROPOSAL_CHOSEN is not. */
static void what_is_not_about_selectors_does_not_climb(void **state)
{
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"}};
    static const struct {
        uint16_t notify;
        unsigned step;
    } rows[] = {{IKE_N_SINGLE_PAIR_REQUIRED, 1},
                {IKE_N_NO_PROPOSAL_CHOSEN, 0},
                {IKE_N_NO_ADDITIONAL_SAS, 0},
                {IKE_N_TEMPORARY_FAILURE, 0}};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct rewrite r = {.exchange = IKE_X_AUTH,
                            .response = true,
                            .write = child_refused,
                            .notify = rows[i].notify,
                            .only = 1};
        struct pair *p = climb(30 + i, &steps[0]);
        children_set(p, A, steps, 2);
        children_mirror(p, B, steps, 2);
        p->filter = peer_rewrite;
        r.p = p;
        p->ctx = &r;
        pair_command(p, A, IKE_CMD_UP);
        pair_command(p, B, IKE_CMD_UP);
        pair_run(p, KD_S(20));
        assert_int_equal(children_of(p, A, (int)rows[i].step), 1);
        assert_int_equal(children_of(p, A, !rows[i].step), 0);
        pair_free(p);
    }
}

static void a_rekey_asks_for_the_step_that_stands(void **state)
{
    static const struct ts_row steps[] = {{"10.1.0.0/16", "10.9.0.0/16"},
                                          {"10.2.0.0/16", "10.9.0.0/16"}};
    struct pair *p = climb(9, &steps[1]);
    (void)state;

    p->s[A].cfg.child_life_us = KD_S(100);
    children_set(p, A, steps, 2);
    up(p);
    pair_run(p, KD_S(500));
    assert_int_equal(children_of(p, A, 1), 1);
    assert_in_range(p->s[A].adds, 5, 7);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 1);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_step_that_is_taken_stays),
        cmocka_unit_test(a_narrowed_step_is_no_refusal),
        cmocka_unit_test(the_next_step_follows_on_the_same_ike_sa),
        cmocka_unit_test(the_step_is_remembered_while_the_peer_stays),
        cmocka_unit_test(a_dead_peer_is_climbed_anew),
        cmocka_unit_test(after_the_last_step_it_pauses_and_begins_anew),
        cmocka_unit_test(a_peer_that_takes_the_ike_sa_away_is_asked_the_next_step),
        cmocka_unit_test(a_refusal_without_an_ike_sa_is_followed_by_the_next_step_anew),
        cmocka_unit_test(what_is_not_about_selectors_does_not_climb),
        cmocka_unit_test(a_rekey_asks_for_the_step_that_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
