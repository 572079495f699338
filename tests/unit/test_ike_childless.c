/* Childless initiation (RFC 6023): IKE SAs made without a child, and what becomes of those that
 * stay without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike_pair.h"

#define IKE "aes256-sha256-modp2048"
#define PFS "aes256-sha256-modp2048"

static struct pair *pair_of(uint64_t seed, enum ike_childless a, enum ike_childless b)
{
    struct pair *p = pair_new(seed, IKE, PFS);

    p->s[A].cfg.childless = a;
    p->s[B].cfg.childless = b;
    pair_config(p, A);
    pair_config(p, B);
    return p;
}

static void down_leaves_nothing(struct pair *p)
{
    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

static const char *child_suite(const struct pair *p, int side, struct ike_view *v)
{
    assert_true(ike_conn_view(p->s[side].e, 7, v));
    assert_int_equal(v->n_children, 1);
    return v->children[0].suite;
}

static void forced_initiator_makes_its_first_child_with_pfs(void **state)
{
    static const enum ike_childless responder[] = {IKE_CHILDLESS_ALLOW, IKE_CHILDLESS_FORCE};
    struct ike_view v;
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pair *p = pair_of(1, IKE_CHILDLESS_FORCE, responder[i]);
        assert_true(pair_establish(p));
        assert_true(pair_children_agree(p));
        assert_string_equal(child_suite(p, A, &v), PFS);
        assert_int_equal(p->s[A].n_jobs, 4); /* two for each of two key exchanges */
        assert_int_equal(p->s[B].n_jobs, 4);
        pair_run(p, KD_S(60)); /* no longer childless: nothing ends it */
        assert_true(pair_up(p, A) && pair_up(p, B));
        assert_int_equal(p->s[A].adds, 1);
        down_leaves_nothing(p);
    }
}

static void without_force_the_first_child_is_made_in_ike_auth(void **state)
{
    static const enum ike_childless policy[] = {IKE_CHILDLESS_ALLOW, IKE_CHILDLESS_NEVER};
    struct ike_view v;
    (void)state;

    for (int i = 0; i < 4; i++) {
        struct pair *p = pair_of(2, policy[i & 1], policy[i >> 1]);
        assert_true(pair_establish(p));
        assert_string_equal(child_suite(p, A, &v), "aes256-sha256");
        assert_int_equal(p->s[A].n_jobs, 2);
        down_leaves_nothing(p);
    }
}

static void forced_initiator_refuses_a_responder_that_does_not_announce_it(void **state)
{
    struct pair *p = pair_of(3, IKE_CHILDLESS_FORCE, IKE_CHILDLESS_NEVER);
    const struct pair_note *n;
    (void)state;

    assert_false(pair_establish(p));
    n = pair_note(p, A, IKE_NOTE_REFUSED);
    assert_non_null(n);
    assert_int_equal(n->reason, KD_REASON_UNSUPPORTED);
    assert_non_null(strstr(n->detail, "childless: force"));
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_UNSUPPORTED);
    assert_int_equal(p->s[A].adds + p->s[B].adds, 0);
    down_leaves_nothing(p);
}

static void forced_responder_refuses_a_child_in_ike_auth(void **state)
{
    struct pair *p = pair_of(4, IKE_CHILDLESS_ALLOW, IKE_CHILDLESS_FORCE);
    (void)state;

    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_UNSUPPORTED);
    assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "NO_ADDITIONAL_SAS"));
    assert_int_equal(p->s[A].adds + p->s[B].adds, 0);
    down_leaves_nothing(p);
}

/* Appends N(CHILDLESS_IKEV2_SUPPORTED) to the responder's IKE_SA_INIT. */
static bool announce(struct pair *p, struct pair_packet *k)
{
    static const uint8_t notify[8] = {0, 0, 0, 8, 0, 0, 0x40, 0x22};
    size_t next = 16, at = IKE_HEADER_LEN;
    (void)p;

    if (k->from != B || k->data[18] != IKE_X_SA_INIT)
        return true;
    while (at < k->len) {
        next = at;
        at += (size_t)(k->data[at + 2] << 8 | k->data[at + 3]);
    }
    k->data[next] = IKE_PL_NOTIFY;
    memcpy(k->data + k->len, notify, 8);
    k->len += 8;
    k->data[26] = (uint8_t)(k->len >> 8);
    k->data[27] = (uint8_t)k->len;
    return true;
}

static void childless_request_that_was_not_allowed_is_invalid_syntax(void **state)
{
    struct pair *p = pair_of(5, IKE_CHILDLESS_FORCE, IKE_CHILDLESS_NEVER);
    (void)state;

    p->filter = announce;
    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_INVALID_SYNTAX);
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, "childless is never"));
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_INVALID_SYNTAX);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_ESTABLISHED), 0);
    down_leaves_nothing(p);
}

static void both_ends_that_initiate_childless_end_with_one_child(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pair *p = pair_of(seed, IKE_CHILDLESS_FORCE, IKE_CHILDLESS_FORCE);
        p->s[B].cfg.role = IKE_ROLE_BOTH;
        pair_config(p, B);
        assert_true(pair_establish(p));
        pair_run(p, KD_S(30));
        assert_true(pair_up(p, A) && pair_up(p, B));
        assert_true(pair_children_agree(p));
        assert_int_equal(p->s[A].n_children, 1);
        down_leaves_nothing(p);
    }
}

/* Loses A's CREATE_CHILD_SA requests. */
static bool no_child_of_a(struct pair *p, struct pair_packet *k)
{
    (void)p;
    return k->from != A || k->data[18] != IKE_X_CREATE_CHILD_SA || k->data[19] & IKE_FLAG_RESPONSE;
}

static void responder_makes_the_child_that_the_initiator_leaves_out(void **state)
{
    struct pair *p = pair_of(6, IKE_CHILDLESS_FORCE, IKE_CHILDLESS_ALLOW);
    (void)state;

    p->filter = no_child_of_a;
    assert_false(pair_establish(p));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_ESTABLISHED), 1);
    p->s[B].cfg.role = IKE_ROLE_BOTH; /* not before: it would initiate itself */
    pair_config(p, B);
    pair_run(p, KD_S(8));
    assert_int_equal(p->s[B].adds, 0);
    pair_run(p, KD_S(2));
    assert_int_equal(p->s[B].adds, 1);
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    p->filter = NULL;
    down_leaves_nothing(p);
}

static void childless_sa_ends_where_the_role_makes_no_child(void **state)
{
    struct pair *p = pair_of(7, IKE_CHILDLESS_FORCE, IKE_CHILDLESS_ALLOW);
    (void)state;

    p->filter = no_child_of_a;
    assert_false(pair_establish(p));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_ESTABLISHED), 1);
    pair_run(p, KD_S(8));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    pair_run(p, KD_S(2));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 1);
    assert_int_equal(p->s[B].adds, 0);
    p->filter = NULL;
    down_leaves_nothing(p);
}

static void refused_first_child_ends_the_sa_and_is_tried_anew(void **state)
{
    struct pair *p = pair_of(8, IKE_CHILDLESS_FORCE, IKE_CHILDLESS_ALLOW);
    (void)state;

    pair_proposals(&p->s[B].cfg.esp, "aes128-sha256", IKE_PROTO_ESP);
    pair_config(p, B);
    assert_false(pair_establish(p));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 1);
    p->s[B].cfg.esp = p->s[A].cfg.esp;
    pair_config(p, B);
    pair_run(p, KD_S(10));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    down_leaves_nothing(p);
}

/* 2.25: what is refused for the moment only is asked for again on the same SA. */
static void first_child_refused_for_the_moment_is_asked_for_again(void **state)
{
    struct pair *p = pair_of(8, IKE_CHILDLESS_FORCE, IKE_CHILDLESS_ALLOW);
    (void)state;

    p->s[B].refuse_install = true;
    assert_false(pair_establish(p));
    p->s[B].refuse_install = false;
    pair_run(p, KD_S(10));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    down_leaves_nothing(p);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(forced_initiator_makes_its_first_child_with_pfs),
        T(without_force_the_first_child_is_made_in_ike_auth),
        T(forced_initiator_refuses_a_responder_that_does_not_announce_it),
        T(forced_responder_refuses_a_child_in_ike_auth),
        T(childless_request_that_was_not_allowed_is_invalid_syntax),
        T(both_ends_that_initiate_childless_end_with_one_child),
        T(responder_makes_the_child_that_the_initiator_leaves_out),
        T(childless_sa_ends_where_the_role_makes_no_child),
        T(refused_first_child_ends_the_sa_and_is_tried_anew),
        T(first_child_refused_for_the_moment_is_asked_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
