/* The collisions of RFC 7296 2.8.1, 2.8.2 and 2.25, drawn as the RFC draws them: see ike_script.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "ike_script.h"

#define END                                                                                        \
    {                                                                                              \
        0, 0, 0, NULL, NULL                                                                        \
    }

/* ---- 2.8.1: both rekey the same pair ---- */

/* The first figure: both notice, the lowest nonce is Nr in A's answer to B. */
static void both_rekey_a_pair_and_the_lowest_nonce_loses(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, REKEY_CHILD, "B rekey(o)", "I O/I O"},
        {A, HEARS, REQUEST, "A ok", "I Ob/I O"},
        {B, HEARS, REQUEST, "B ok", "I Ob/I Oa"},
        {A, HEARS, ANSWER, "A D(o)", "I oAb/I Oa"},
        {B, HEARS, ANSWER, "B D(b)", "I oAb/I Oab"},
        {B, HEARS, REQUEST, "B D(o)", "I oAb/I oAb"},
        {A, HEARS, REQUEST, "A D(b)", "I oAb/I oAb"},
        {A, HEARS, ANSWER, "", "I oAb/I oAb"},
        {B, HEARS, ANSWER, "", "I oAb/I oAb"},
        END,
    };
    (void)state;

    script_run(&(struct script){"Nr of A lowest", B_NR, false, rows, "I A/I A"});
    script_run(&(struct script){"Ni of B lowest", B_NI, false, rows, "I A/I A"});
}

static void mirrored_the_other_exchange_stays(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, REKEY_CHILD, "B rekey(o)", "I O/I O"},
        {A, HEARS, REQUEST, "A ok", "I Ob/I O"},
        {B, HEARS, REQUEST, "B ok", "I Ob/I Oa"},
        {A, HEARS, ANSWER, "A D(a)", "I Oab/I Oa"},
        {B, HEARS, REQUEST, "B D(a)", "I Oab/I Oa"}, /* before B knows */
        {B, HEARS, ANSWER, "B D(o)", "I Oab/I oaB"},
        {A, HEARS, REQUEST, "A D(o)", "I oaB/I oaB"},
        {A, HEARS, ANSWER, "", "I oaB/I oaB"},
        {B, HEARS, ANSWER, "", "I oaB/I oaB"},
        END,
    };
    (void)state;

    script_run(&(struct script){"Ni of A lowest", A_NI, false, rows, "I B/I B"});
    script_run(&(struct script){"Nr of B lowest", A_NR, false, rows, "I B/I B"});
}

/* The second figure: A's request is lost, so B never notices. */
static void late_request_for_a_pair_already_rekeyed_is_not_found(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, LOSES, REQUEST, "", "I O/I O"},
        {B, BEGINS, REKEY_CHILD, "B rekey(o)", "I O/I O"},
        {A, HEARS, REQUEST, "A ok", "I Ob/I O"},
        {B, HEARS, ANSWER, "B D(o)", "I Ob/I oB"},
        {A, HEARS, REQUEST, "A D(o)", "I oB/I oB"},
        {B, HEARS, ANSWER, "", "I oB/I oB"},
        {A, WAITS, 2100, "A rekey(o)", "I oB/I oB"},
        {B, HEARS, REQUEST, "B child-sa-not-found", "I oB/I oB"},
        {A, HEARS, ANSWER, "", "I oB/I oB"}, /* A knows why, and makes no other */
        END,
    };
    (void)state;

    for (int low = A_NI; low <= B_NR; low++)
        script_run(
            &(struct script){"lost request", (enum script_lowest)low, false, rows, "I B/I B"});
}

/* The same, but the late request comes while B's DELETE of the old pair is on its way. */
static void late_request_for_a_pair_being_closed_is_a_temporary_failure(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, REKEY_CHILD, "B rekey(o)", "I O/I O"},
        {A, HEARS, REQUEST, "A ok", "I Ob/I O"},
        {B, HEARS, ANSWER, "B D(o)", "I Ob/I oB"},
        {B, HEARS, REQUEST, "B temporary-failure", "I Ob/I oB"},
        {A, HEARS, ANSWER, "", "I Ob/I oB"},
        {A, HEARS, REQUEST, "A D(o)", "I oB/I oB"},
        {B, HEARS, ANSWER, "", "I oB/I oB"},
        END,
    };
    (void)state;

    for (int low = A_NI; low <= B_NR; low++)
        script_run(
            &(struct script){"late request", (enum script_lowest)low, false, rows, "I B/I B"});
}

/* B has won, and its DELETE of the old pair overtakes its repeated answer. */
static void lost_answer_comes_when_the_old_pair_is_gone(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, REKEY_CHILD, "B rekey(o)", "I O/I O"},
        {B, HEARS, REQUEST, "B ok", "I O/I Oa"},
        {A, LOSES, ANSWER, "", "I O/I Oa"},
        {A, HEARS, REQUEST, "A ok", "I Ob/I Oa"},
        {B, HEARS, ANSWER, "B D(o)", "I Ob/I oaB"},
        {A, HEARS, REQUEST, "A D(o)", "I oB/I oaB"},
        {B, HEARS, ANSWER, "", "I oB/I oaB"},
        {A, WAITS, 2100, "A rekey(o)", "I oB/I oaB"},
        {B, HEARS, REQUEST, "B ok", "I oB/I oaB"}, /* the same answer again */
        {A, HEARS, ANSWER, "A D(a)", "I oaB/I oaB"},
        {B, HEARS, REQUEST, "B D(a)", "I oaB/I oaB"},
        {A, HEARS, ANSWER, "", "I oaB/I oaB"},
        END,
    };
    (void)state;

    script_run(&(struct script){"lost answer", A_NI, false, rows, "I B/I B"});
}

/* The loser's DELETE is there before the winner's answer. */
static void loser_deletes_before_the_winner_knows(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, REKEY_CHILD, "B rekey(o)", "I O/I O"},
        {B, HEARS, REQUEST, "B ok", "I O/I Oa"},
        {A, LOSES, ANSWER, "", "I O/I Oa"},
        {A, HEARS, REQUEST, "A ok", "I Ob/I Oa"},
        {B, HEARS, ANSWER, "B D(b)", "I Ob/I Oab"},
        {A, HEARS, REQUEST, "A D(b)", "I Ob/I Oab"},
        {B, HEARS, ANSWER, "", "I Ob/I Oab"},
        {A, WAITS, 2100, "A rekey(o)", "I Ob/I Oab"},
        {B, HEARS, REQUEST, "B ok", "I Ob/I Oab"},
        {A, HEARS, ANSWER, "A D(o)", "I oAb/I Oab"},
        {B, HEARS, REQUEST, "B D(o)", "I oAb/I oAb"},
        {A, HEARS, ANSWER, "", "I oAb/I oAb"},
        END,
    };
    (void)state;

    script_run(&(struct script){"early DELETE", B_NI, false, rows, "I A/I A"});
}

/* Every request twice: the answers are the same octets, and nothing happens twice. */
static void repeated_requests_change_nothing(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, REKEY_CHILD, "B rekey(o)", "I O/I O"},
        {A, HEARS_ONE_OF_TWO, REQUEST, "A ok", "I Ob/I O"},
        {A, HEARS, REQUEST, "A ok", "I Ob/I O"},
        {B, HEARS_ONE_OF_TWO, REQUEST, "B ok", "I Ob/I Oa"},
        {B, HEARS, REQUEST, "B ok", "I Ob/I Oa"},
        {A, HEARS, ANSWER, "A D(o)", "I oAb/I Oa"},
        {A, HEARS, ANSWER, "", "I oAb/I Oa"},
        {B, HEARS, ANSWER, "B D(b)", "I oAb/I Oab"},
        {B, HEARS, ANSWER, "", "I oAb/I Oab"},
        {B, HEARS_ONE_OF_TWO, REQUEST, "B D(o)", "I oAb/I oAb"},
        {B, HEARS, REQUEST, "B D(o)", "I oAb/I oAb"},
        END,
    };
    (void)state;

    script_run(&(struct script){"everything twice", B_NI, false, rows, "I A/I A"});
}

/* ---- 2.25.1: rekeying and closing pairs ---- */

static void rekey_of_a_pair_being_closed_is_a_temporary_failure(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, EXPIRE_CHILD, "B D(o)", "I O/I "},
        {B, HEARS, REQUEST, "B temporary-failure", "I O/I "},
        {A, HEARS, REQUEST, "A D(o)", "I /I "}, /* as usual, although it rekeys it */
        {A, HEARS, ANSWER, "", "I /I "},
        {B, HEARS, ANSWER, "B new", "I /I "}, /* whoever deleted it makes another */
        {A, HEARS, REQUEST, "A ok", "I B/I "},
        {B, HEARS, ANSWER, "", "I B/I B"},
        END,
    };
    (void)state;

    script_run(&(struct script){"rekey against close", A_NI, true, rows, "I B/I B"});
}

static void rekey_that_was_answered_survives_the_close_of_the_old_pair(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, HEARS, REQUEST, "B ok", "I O/I Oa"},
        {B, BEGINS, EXPIRE_CHILD, "B D(o)", "I O/I A"},
        {A, HEARS, REQUEST, "A D(o)", "I /I A"}, /* the DELETE has overtaken the answer */
        {A, HEARS, ANSWER, "", "I A/I A"},
        {B, HEARS, ANSWER, "", "I A/I A"},
        END,
    };
    (void)state;

    script_run(&(struct script){"close after the answer", A_NI, true, rows, "I A/I A"});
}

static void closes_that_cross_are_answered_without_a_delete(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, EXPIRE_CHILD, "A D(o)", "I /I O"},
        {B, BEGINS, EXPIRE_CHILD, "B D(o)", "I /I "},
        {A, HEARS, REQUEST, "A ()", "I /I "},
        {B, HEARS, REQUEST, "B ()", "I /I "},
        {A, HEARS, ANSWER, "A new", "I /I "},
        {B, HEARS, ANSWER, "B new", "I /I "},
        {A, HEARS, REQUEST, "A ok", "I B/I "},
        {B, HEARS, REQUEST, "B ok", "I B/I A"},
        {A, HEARS, ANSWER, "", "I Ab/I A"},
        {B, HEARS, ANSWER, "B D(b)",
         "I Ab/I Ab"}, /* new ones that cross: the lowest nonce as well */
        {A, HEARS, REQUEST, "A D(b)", "I A/I Ab"},
        {B, HEARS, ANSWER, "", "I A/I Ab"},
        END,
    };
    (void)state;

    script_run(&(struct script){"close against close", B_NI, true, rows, "I A/I A"});
}

/* ---- 2.25.1, 2.25.2: the IKE SA and its children at once ---- */

static void rekeys_of_child_and_ike_sa_put_each_other_off(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, REKEY_IKE, "B rekey-ike", "I O/I O"},
        {A, HEARS, REQUEST, "A temporary-failure", "I O/I O"},
        {B, HEARS, REQUEST, "B temporary-failure", "I O/I O"},
        {A, HEARS, ANSWER, "", "I O/I O"},
        {B, HEARS, ANSWER, "", "I O/I O"},
        {A, WAITS, 2900, "", "I O/I O"}, /* not at once */
        END,
    };
    (void)state;

    script_run(&(struct script){"child against IKE SA", A_NI, false, rows, "Y A/Y A"});
}

static void rekey_of_the_ike_sa_waits_for_a_childs_close(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, EXPIRE_CHILD, "B D(o)", "I O/I "},
        {A, HEARS, REQUEST, "A D(o)", "I /I "},
        {B, HEARS, REQUEST, "B temporary-failure", "I /I "},
        {A, HEARS, ANSWER, "", "I /I "},
        {B, HEARS, ANSWER, "B new", "I /I "},
        {A, HEARS, REQUEST, "A ok", "I B/I "},
        {B, HEARS, ANSWER, "", "I B/I B"},
        END,
    };
    (void)state;

    script_run(&(struct script){"IKE SA against close", A_NI, true, rows, "X B/X B"});
}

/* Both have closed the pair and make another, and B's is being rekeyed when A's comes: what decides
 * is the exchanges that made them, not the rekeying. */
static void of_two_pairs_made_anew_one_stays_though_it_is_being_rekeyed(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, EXPIRE_CHILD, "A D(o)", "I /I O"},
        {B, BEGINS, EXPIRE_CHILD, "B D(o)", "I /I "},
        {A, HEARS, REQUEST, "A ()", "I /I "},
        {B, HEARS, REQUEST, "B ()", "I /I "},
        {B, HEARS, ANSWER, "B new", "I /I "},
        {A, HEARS, ANSWER, "A new", "I /I "},
        {A, HEARS, REQUEST, "A ok", "I B/I "},
        {B, HEARS, ANSWER, "", "I B/I B"},
        {B, BEGINS, REKEY_CHILD, "B rekey(b)", "I B/I B"},
        {B, HEARS, REQUEST, "B ok", "I B/I Ab"},
        {A, HEARS, REQUEST, "A ok", "I Bd/I Ab"},
        {A, HEARS, ANSWER, "A D(a)", "I aBd/I Ab"},
        {B, HEARS, ANSWER, "B D(b)", "I aBd/I abD"},
        {A, HEARS, REQUEST, "A D(b)", "I abD/I abD"},
        {B, HEARS, REQUEST, "B D(a)", "I abD/I bD"},
        {A, HEARS, ANSWER, "", "I abD/I bD"},
        {B, HEARS, ANSWER, "", "I abD/I bD"},
        END,
    };
    (void)state;

    script_run(&(struct script){"Ni of A lowest", A_NI, true, rows, "I D/I D"});
}

static void or_goes_though_it_is_being_rekeyed(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, EXPIRE_CHILD, "A D(o)", "I /I O"},
        {B, BEGINS, EXPIRE_CHILD, "B D(o)", "I /I "},
        {A, HEARS, REQUEST, "A ()", "I /I "},
        {B, HEARS, REQUEST, "B ()", "I /I "},
        {B, HEARS, ANSWER, "B new", "I /I "},
        {A, HEARS, ANSWER, "A new", "I /I "},
        {A, HEARS, REQUEST, "A ok", "I B/I "},
        {B, HEARS, ANSWER, "", "I B/I B"},
        {B, BEGINS, REKEY_CHILD, "B rekey(b)", "I B/I B"},
        {B, HEARS, REQUEST, "B ok", "I B/I Ab"},
        {A, HEARS, REQUEST, "A ok", "I Bd/I Ab"},
        {A, HEARS, ANSWER, "", "I Abd/I Ab"},
        {B, HEARS, ANSWER, "B D(b)", "I Abd/I Abd"},
        {A, HEARS, REQUEST, "A D(b)", "I abD/I Abd"},
        {B, HEARS, ANSWER, "B D(d)", "I abD/I Abd"},
        {A, HEARS, REQUEST, "A D(d)", "I Ab/I Abd"},
        {B, HEARS, ANSWER, "", "I Ab/I Abd"},
        END,
    };
    (void)state;

    script_run(&(struct script){"Ni of B lowest", B_NI, true, rows, "I A/I A"});
}

/* ---- 2.8.2, 2.25.2: both rekey the IKE SA ---- */

static void both_rekey_the_ike_sa_and_the_survivor_inherits(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, REKEY_IKE, "B rekey-ike", "I O/I O"},
        {A, HEARS, REQUEST, "A ok", "Iy O/I O"},
        {B, HEARS, REQUEST, "B ok", "Iy O/Ix O"},
        {A, HEARS, ANSWER, "A D(i)", "iXy O/Ix O"},
        {B, HEARS, ANSWER, "B D(y)", "iXy O/iXy O"},
        {A, HEARS, REQUEST, "A ()", "iX O/iXy O"},
        {B, HEARS, REQUEST, "B ()", "iX O/Xy O"},
        {A, HEARS, ANSWER, "", "X O/Xy O"},
        {B, HEARS, ANSWER, "", "X O/X O"},
        END,
    };
    (void)state;

    script_run(&(struct script){"Ni of B lowest", B_NI, false, rows, "X O/X O"});
    script_run(&(struct script){"Nr of A lowest", B_NR, false, rows, "X O/X O"});
}

static void mirrored_the_other_ike_sa_inherits(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, REKEY_IKE, "B rekey-ike", "I O/I O"},
        {A, HEARS, REQUEST, "A ok", "Iy O/I O"},
        {B, HEARS, REQUEST, "B ok", "Iy O/Ix O"},
        {A, HEARS, ANSWER, "A D(x)", "ixY O/Ix O"},
        {B, HEARS, REQUEST, "B ()", "ixY O/I O"}, /* gone before B knows */
        {B, HEARS, ANSWER, "B D(i)", "ixY O/iY O"},
        {A, HEARS, REQUEST, "A ()", "xY O/iY O"},
        {A, HEARS, ANSWER, "", "Y O/iY O"},
        {B, HEARS, ANSWER, "", "Y O/Y O"},
        END,
    };
    (void)state;

    script_run(&(struct script){"Nr of B lowest", A_NR, false, rows, "Y O/Y O"});
}

/* 2.8.2's figure: A never notices, and deletes the old SA; B forgets its own rekeying. */
static void who_notices_alone_forgets_its_own_rekeying(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, REKEY_IKE, "B rekey-ike", "I O/I O"},
        {A, LOSES, REQUEST, "", "I O/I O"},
        {B, HEARS, REQUEST, "B ok", "I O/Ix O"},
        {A, HEARS, ANSWER, "A D(i)", "iX O/Ix O"},
        {B, HEARS, REQUEST, "B ()", "iX O/X O"},
        {A, HEARS, ANSWER, "", "X O/X O"},
        {B, WAITS, 2500, "", "X O/X O"}, /* nor does it repeat its request */
        END,
    };
    (void)state;

    for (int low = A_NI; low <= B_NR; low++)
        script_run(
            &(struct script){"noticed alone", (enum script_lowest)low, false, rows, "X O/X O"});
}

static void late_rekey_of_an_ike_sa_being_closed_is_a_temporary_failure(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, REKEY_IKE, "B rekey-ike", "I O/I O"},
        {B, HEARS, REQUEST, "B ok", "I O/Ix O"},
        {A, HEARS, ANSWER, "A D(i)", "iX O/Ix O"},
        {A, HEARS, REQUEST, "A temporary-failure", "iX O/Ix O"},
        {B, HEARS, ANSWER, "", "iX O/iX O"}, /* so A's is the one that counts */
        {B, HEARS, REQUEST, "B ()", "iX O/X O"},
        {A, HEARS, ANSWER, "", "X O/X O"},
        END,
    };
    (void)state;

    for (int low = A_NI; low <= B_NR; low++)
        script_run(&(struct script){"late rekey", (enum script_lowest)low, false, rows, "X O/X O"});
}

/* B is still in doubt when A, which knows, goes on on the new SA. */
static void what_the_peer_does_on_a_new_ike_sa_tells_that_it_counts(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, REKEY_IKE, "B rekey-ike", "I O/I O"},
        {A, HEARS, REQUEST, "A ok", "Iy O/I O"},
        {B, LOSES, ANSWER, "", "Iy O/I O"},
        {B, HEARS, REQUEST, "B ok", "Iy O/Ix O"},
        {A, HEARS, ANSWER, "A D(i)", "iXy O/Ix O"},
        {B, LOSES, REQUEST, "", "iXy O/Ix O"},
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "iXy O/Ix O"},
        {B, HEARS, REQUEST, "B ok", "iXy O/iX Oa"},
        {A, HEARS, ANSWER, "A D(o)", "iXy oA/iX Oa"},
        {B, HEARS, REQUEST, "B D(o)", "iXy oA/iX oA"},
        {A, HEARS, ANSWER, "", "iXy oA/iX oA"},
        END,
    };
    (void)state;

    script_run(&(struct script){"in doubt", B_NI, false, rows, "X A/X A"});
}

static void close_of_an_ike_sa_being_rekeyed_ends_the_rekeying(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, DOWN, "B D(i)", "I O/i "},
        {B, HEARS, REQUEST, "B temporary-failure", "I O/i "},
        {A, HEARS, REQUEST, "A ()", " /i "},
        {A, HEARS, ANSWER, "", " /i "},
        {B, HEARS, ANSWER, "", " / "},
        END,
    };
    (void)state;

    script_run(&(struct script){"rekey against close", A_NI, true, rows, " / "});
}

/* B, whose rekeying loses, closes a pair by the old IKE SA, which goes before A has heard it. */
static void a_close_lost_with_the_old_ike_sa_is_said_again_on_the_new_one(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_IKE, "A rekey-ike", "I O/I O"},
        {B, BEGINS, REKEY_IKE, "B rekey-ike", "I O/I O"},
        {B, HEARS, REQUEST, "B ok", "I O/Ix O"},
        {B, BEGINS, EXPIRE_CHILD, "", "I O/Ix "},
        {A, HEARS, REQUEST, "A ok", "Iy O/Ix "},
        {A, HEARS, ANSWER, "A D(i)", "iXy O/Ix "},
        {B, HEARS, ANSWER, "B D(o), B D(y), B new", "iXy O/iXy "},
        {A, LOSES, REQUEST, "", "iXy O/iXy "},
        {B, HEARS, REQUEST, "B ()", "iXy O/Xy "},
        {A, HEARS, REQUEST, "A ()", "iX O/Xy "},
        {A, HEARS, REQUEST, "A ok", "iX oB/Xy "},
        {A, HEARS, ANSWER, "", "X oB/Xy "},
        {B, HEARS, ANSWER, "", "X oB/X "},
        {B, HEARS, ANSWER, "B D(o)", "X oB/X B"}, /* again */
        {A, HEARS, REQUEST, "A D(o)", "X B/X B"},
        {B, HEARS, ANSWER, "", "X B/X B"},
        END,
    };
    (void)state;

    script_run(&(struct script){"Ni of B lowest", B_NI, true, rows, "X B/X B"});
}

static void closes_of_the_ike_sa_that_cross_are_both_answered(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, DOWN, "A D(i)", "i /I O"},
        {B, BEGINS, DOWN, "B D(i)", "i /i "},
        {A, HEARS, REQUEST, "A ()", " /i "},
        {B, HEARS, REQUEST, "B ?", " / "}, /* A has nothing any more to read it with */
        {A, HEARS, ANSWER, "", " / "},
        {B, HEARS, ANSWER, "", " / "},
        END,
    };
    (void)state;

    script_run(&(struct script){"close against close", A_NI, true, rows, " / "});
}

static void child_of_an_ike_sa_being_closed_is_a_temporary_failure(void **state)
{
    static const struct script_row rows[] = {
        {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"},
        {B, BEGINS, DOWN, "B D(i)", "I O/i "},
        {B, HEARS, REQUEST, "B temporary-failure", "I O/i "},
        {A, HEARS, ANSWER, "", "I O/i "},
        {A, HEARS, REQUEST, "A ()", " /i "},
        END,
    };
    (void)state;

    script_run(&(struct script){"child against close", A_NI, true, rows, " / "});
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_rekey_a_pair_and_the_lowest_nonce_loses),
        T(mirrored_the_other_exchange_stays),
        T(late_request_for_a_pair_already_rekeyed_is_not_found),
        T(late_request_for_a_pair_being_closed_is_a_temporary_failure),
        T(lost_answer_comes_when_the_old_pair_is_gone),
        T(loser_deletes_before_the_winner_knows),
        T(repeated_requests_change_nothing),
        T(rekey_of_a_pair_being_closed_is_a_temporary_failure),
        T(rekey_that_was_answered_survives_the_close_of_the_old_pair),
        T(closes_that_cross_are_answered_without_a_delete),
        T(rekeys_of_child_and_ike_sa_put_each_other_off),
        T(rekey_of_the_ike_sa_waits_for_a_childs_close),
        T(of_two_pairs_made_anew_one_stays_though_it_is_being_rekeyed),
        T(or_goes_though_it_is_being_rekeyed),
        T(both_rekey_the_ike_sa_and_the_survivor_inherits),
        T(mirrored_the_other_ike_sa_inherits),
        T(who_notices_alone_forgets_its_own_rekeying),
        T(late_rekey_of_an_ike_sa_being_closed_is_a_temporary_failure),
        T(what_the_peer_does_on_a_new_ike_sa_tells_that_it_counts),
        T(close_of_an_ike_sa_being_rekeyed_ends_the_rekeying),
        T(a_close_lost_with_the_old_ike_sa_is_said_again_on_the_new_one),
        T(closes_of_the_ike_sa_that_cross_are_both_answered),
        T(child_of_an_ike_sa_being_closed_is_a_temporary_failure),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
