/* Path MTU probes between two engines: what passes is found by authenticated answers alone, and a
 * probe that is lost for its size costs nothing. The way from A to B carries datagrams up to a size
 * and loses longer ones in silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/payload.h"
#include "ike_pair.h"

#define GCM_IKE "aes256gcm16-prfsha256-ecp256"
#define GCM_ESP "aes256gcm16"

struct way {
    unsigned mtu;        /* of datagrams that may not be cut up */
    bool fragments_lost; /* and of others, too */
    unsigned lose;       /* so many of the long ones by chance */
    bool no_filling;     /* B's answers to long requests are lost: it might not like them */
    unsigned asked, cut, sealed_as_fragments, largest;
};

static bool carry(struct pair *p, struct pair_packet *k)
{
    struct way *w = p->ctx;
    unsigned octets = (unsigned)k->len + 28 + (k->natt ? 4 : 0);
    bool longer = octets > 400 && k->data[18] == IKE_X_INFORMATIONAL;

    w->sealed_as_fragments += k->data[16] == IKE_PL_SKF;
    if (k->from != A)
        return true;
    w->asked += k->df;
    w->largest = KD_MAX(w->largest, octets);
    if (longer && w->no_filling)
        return false;
    if (longer && w->lose > 0) {
        w->lose--;
        return false;
    }
    if (octets <= w->mtu)
        return true;
    w->cut += !k->df;
    return !k->df && !w->fragments_lost;
}

static struct pair *begin(uint64_t seed, const char *ike, const char *esp, struct way *w)
{
    struct pair *p;

    printf("# seed %llu\n", (unsigned long long)seed);
    p = pair_established(seed, ike, esp);
    p->ctx = w;
    p->filter = carry;
    return p;
}

static void measure(struct pair *p, uint32_t octets)
{
    struct ike_event ev = {
        .kind = IKE_EV_COMMAND, .conn = 7, .command = IKE_CMD_MTU, .octets = octets};

    pair_step(p, A, &ev);
    pair_run(p, KD_S(120));
}

static struct ike_mtu_view result(struct pair *p)
{
    struct ike_view v;

    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    assert_true(v.established);
    return v.mtu;
}

static void assert_undisturbed(const struct pair *p)
{
    for (int side = A; side <= B; side++) {
        assert_int_equal(pair_notes(p, side, IKE_NOTE_FAILING), 0);
        assert_int_equal(pair_notes(p, side, IKE_NOTE_UNREACHABLE), 0);
        assert_int_equal(pair_notes(p, side, IKE_NOTE_REFUSED), 0);
        assert_int_equal(pair_notes(p, side, IKE_NOTE_CLOSED), 0);
    }
}

static void a_wide_path_takes_one_probe(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1500};
    struct pair *p = begin(1, GCM_IKE, GCM_ESP, &w);

    measure(p, 1500);
    assert_int_equal(result(p).state, IKE_MTU_KNOWN);
    assert_int_equal(result(p).passes, 1500);
    assert_int_equal(w.asked, 1);
    assert_int_equal(w.largest, 1500);
    assert_int_equal(w.sealed_as_fragments, 0); /* RFC 7383 is agreed on, and not for these */
    assert_string_equal(pair_note(p, A, IKE_NOTE_MTU)->detail, "1500 of 1500 octets pass");
    assert_undisturbed(p);
    pair_free(p);
}

static void a_narrow_path_is_found_to_the_octet(void **st KD_UNUSED)
{
    static const unsigned mtus[] = {576, 577, 1280, 1399, 1400, 1492, 1499};

    for (size_t i = 0; i < KD_ARRAY_LEN(mtus); i++) {
        struct way w = {.mtu = mtus[i]};
        struct pair *p = begin(10 + i, GCM_IKE, GCM_ESP, &w);

        measure(p, 1500);
        assert_int_equal(result(p).state, IKE_MTU_KNOWN);
        assert_int_equal(result(p).passes, mtus[i]);
        assert_true(w.asked < 60);
        assert_undisturbed(p);
        pair_free(p);
    }
}

/* Not even fragments of IP pass: only the small request beside the probe frees the window. */
static void what_is_lost_costs_nothing_where_not_even_fragments_pass(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1400, .fragments_lost = true};
    struct pair *p = begin(20, GCM_IKE, GCM_ESP, &w);

    measure(p, 1500);
    assert_int_equal(result(p).passes, 1400);
    assert_int_equal(w.cut, 0);
    assert_undisturbed(p);
    pair_run(p, KD_S(600));
    assert_undisturbed(p);
    pair_free(p);
}

static void blocks_are_rounded_down(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1400};
    struct pair *p = begin(21, AZURE_IKE, AZURE_ESP, &w);

    measure(p, 1500);
    assert_true(w.largest <= 1500 && w.largest > 1500 - 16);
    assert_true(result(p).passes <= 1400 && result(p).passes > 1400 - 16);
    assert_undisturbed(p);
    pair_free(p);
}

static void chance_does_not_narrow_a_path(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1500, .lose = 2};
    struct pair *p = begin(22, GCM_IKE, GCM_ESP, &w);

    measure(p, 1500);
    assert_int_equal(result(p).passes, 1500);
    assert_undisturbed(p);
    pair_free(p);
}

static void a_peer_that_answers_no_such_request_leaves_it_unknown(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1500, .no_filling = true};
    struct pair *p = begin(23, GCM_IKE, GCM_ESP, &w);

    measure(p, 1500);
    assert_int_equal(result(p).state, IKE_MTU_UNKNOWN);
    assert_int_equal(result(p).passes, 0);
    assert_int_equal(pair_note(p, A, IKE_NOTE_MTU)->reason, KD_REASON_UNSUPPORTED);
    assert_undisturbed(p);
    pair_free(p);
}

/* The peer took the probe, and its answer was lost: the same probe again brings the same answer. */
static bool lose_answers(struct pair *p, struct pair_packet *k)
{
    struct way *w = p->ctx;

    if (k->from == B && k->data[18] == IKE_X_INFORMATIONAL && w->lose > 0) {
        w->lose--;
        return false;
    }
    return true;
}

static void measure_hinted(struct pair *p, uint32_t hint)
{
    struct ike_event ev = {
        .kind = IKE_EV_COMMAND, .conn = 7, .command = IKE_CMD_MTU, .octets = 1500};

    pair_step(p, A, &ev);
    ev.command = IKE_CMD_MTU_HINT;
    ev.octets = hint;
    pair_step(p, A, &ev);
    pair_run(p, KD_S(120));
}

static void a_true_hint_leaves_nothing_to_halve(void **st KD_UNUSED)
{
    struct way blind = {.mtu = 1400}, told = blind;
    struct pair *p = begin(30, GCM_IKE, GCM_ESP, &blind);

    measure(p, 1500);
    pair_free(p);
    p = begin(30, GCM_IKE, GCM_ESP, &told);
    measure_hinted(p, 1400);
    assert_int_equal(result(p).passes, 1400);
    assert_true(2 * told.asked < blind.asked);
    assert_string_equal(pair_note(p, A, IKE_NOTE_MTU)->detail,
                        "1400 of 1500 octets pass, as ICMP said");
    assert_undisturbed(p);
    pair_free(p);
}

static void a_false_hint_changes_nothing_of_what_is_found(void **st KD_UNUSED)
{
    static const uint32_t hints[] = {0, 1, 68, 576, 1300, 1399, 1401, 1499, 1500, 9000, UINT32_MAX};

    for (size_t i = 0; i < KD_ARRAY_LEN(hints); i++) {
        struct way w = {.mtu = 1400};
        struct pair *p = begin(40 + i, GCM_IKE, GCM_ESP, &w);

        measure_hinted(p, hints[i]);
        assert_int_equal(result(p).passes, 1400);
        assert_string_equal(pair_note(p, A, IKE_NOTE_MTU)->detail, "1400 of 1500 octets pass");
        assert_undisturbed(p);
        pair_free(p);
    }
}

static void lost_answers_are_asked_for_again(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1500, .lose = 5};
    struct pair *p = begin(24, GCM_IKE, GCM_ESP, &w);

    p->filter = lose_answers;
    measure(p, 1500);
    assert_int_equal(w.lose, 0);
    assert_int_equal(result(p).passes, 1500);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 0);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

static void a_dead_peer_is_found_no_later(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1500};
    struct pair *p = begin(25, GCM_IKE, GCM_ESP, &w);
    struct ike_event ev = {
        .kind = IKE_EV_COMMAND, .conn = 7, .command = IKE_CMD_MTU, .octets = 1500};
    struct ike_view v;

    pair_command(p, A, IKE_CMD_PROBE);
    pair_run(p, KD_S(1));
    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    p->s[B].cut_in = p->s[B].cut_out = true;
    pair_step(p, A, &ev);
    pair_run(p, p->s[A].cfg.detect_us + KD_S(2));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    assert_true(pair_note(p, A, IKE_NOTE_UNREACHABLE)->at_us <=
                v.last_proof_us + p->s[A].cfg.detect_us);
    pair_free(p);
}

static void rekeys_and_a_new_sa_do_not_end_it(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1400};
    struct pair *p = begin(26, GCM_IKE, GCM_ESP, &w);
    struct ike_event ev = {
        .kind = IKE_EV_COMMAND, .conn = 7, .command = IKE_CMD_MTU, .octets = 1500};

    pair_step(p, A, &ev);
    pair_command(p, A, IKE_CMD_REKEY_IKE);
    pair_command(p, B, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(2));
    pair_command(p, A, IKE_CMD_RESET);
    pair_run(p, KD_S(120));
    assert_int_equal(result(p).passes, 1400);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void a_down_in_the_middle_says_delete_after_one_more_round_trip(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1400, .fragments_lost = true};
    struct pair *p = begin(27, GCM_IKE, GCM_ESP, &w);
    struct ike_event ev = {
        .kind = IKE_EV_COMMAND, .conn = 7, .command = IKE_CMD_MTU, .octets = 1500};

    pair_command(p, A, IKE_CMD_PROBE);
    pair_run(p, KD_MS(100));
    pair_step(p, A, &ev);
    assert_int_equal(w.asked, 1);
    pair_command(p, A, IKE_CMD_DOWN);
    assert_true(ike_untold(p->s[A].e));
    pair_run(p, KD_MS(100));
    assert_false(ike_untold(p->s[A].e));
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_DELETED);
    pair_free(p);
}

static void both_may_measure_at_once(void **st KD_UNUSED)
{
    struct way w = {.mtu = 1400};
    struct pair *p = begin(28, GCM_IKE, GCM_ESP, &w);
    struct ike_event ev = {
        .kind = IKE_EV_COMMAND, .conn = 7, .command = IKE_CMD_MTU, .octets = 1500};
    struct ike_view v;

    pair_step(p, B, &ev);
    measure(p, 1500);
    assert_int_equal(result(p).passes, 1400);
    assert_true(ike_conn_view(p->s[B].e, 7, &v));
    assert_int_equal(v.mtu.passes, 1500); /* the way back is wide */
    assert_undisturbed(p);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_path_takes_one_probe),
        cmocka_unit_test(a_narrow_path_is_found_to_the_octet),
        cmocka_unit_test(what_is_lost_costs_nothing_where_not_even_fragments_pass),
        cmocka_unit_test(blocks_are_rounded_down),
        cmocka_unit_test(chance_does_not_narrow_a_path),
        cmocka_unit_test(a_peer_that_answers_no_such_request_leaves_it_unknown),
        cmocka_unit_test(a_true_hint_leaves_nothing_to_halve),
        cmocka_unit_test(a_false_hint_changes_nothing_of_what_is_found),
        cmocka_unit_test(lost_answers_are_asked_for_again),
        cmocka_unit_test(a_dead_peer_is_found_no_later),
        cmocka_unit_test(rekeys_and_a_new_sa_do_not_end_it),
        cmocka_unit_test(a_down_in_the_middle_says_delete_after_one_more_round_trip),
        cmocka_unit_test(both_may_measure_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
