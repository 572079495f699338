/* The end of a connection in the middle of its IKE SA's rekey: whichever moment it is, the peer is
 * left without an SA, the one included that our own request has made there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "ike/sa.h"
#include "ike_pair.h"

#define FURTHER "aes128-sha256-ecp256-ke1_x25519-ke3_ecp384"
#define GRACE   KD_MS(500) /* as long as a stop waits */

/* Every tenth of a millisecond of a rekey and what follows it, at 5 ms a way and 0.3 ms a job. */
#define MOMENTS   600
#define MOMENT_US 100

struct losing {
    uint8_t exchange;
    unsigned times;
};

static bool lose_answers(struct pair *p, struct pair_packet *k)
{
    struct losing *l = p->ctx;

    if (k->from != B || !(k->data[19] & IKE_FLAG_RESPONSE) || k->data[18] != l->exchange ||
        l->times == 0)
        return true;
    l->times--;
    return false;
}

static bool nothing_at(struct pair *p, int side)
{
    const struct ike *e = p->s[side].e;
    struct kd_handle h = KD_HANDLE_NONE;
    const struct ike_sa *sa;

    while ((sa = kd_slab_next(&e->sas, &h)))
        if (sa->state != IKE_ST_GONE)
            return false;
    return p->s[side].n_children == 0;
}

static void end_at(const char *ike, unsigned moment, bool both, enum ike_command cmd)
{
    struct pair *p = pair_established(moment, ike, AZURE_ESP);

    pair_command(p, A, IKE_CMD_REKEY_IKE);
    if (both)
        pair_command(p, B, IKE_CMD_REKEY_IKE);
    pair_run(p, moment * MOMENT_US);
    pair_command(p, A, cmd);
    pair_run(p, GRACE);
    if (!nothing_at(p, B))
        printf("# %s, moment %u, both %d: B still has an SA\n", ike, moment, both);
    assert_true(nothing_at(p, B));
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_DELETED);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

static void whenever_we_end_the_peer_has_no_sa_left(void **state)
{
    (void)state;

    for (unsigned i = 0; i < MOMENTS; i++)
        end_at(AZURE_IKE, i, false, i & 1 ? IKE_CMD_HOLD : IKE_CMD_DOWN);
}

static void nor_in_the_middle_of_further_key_exchanges(void **state)
{
    (void)state;

    for (unsigned i = 0; i < MOMENTS; i++)
        end_at(FURTHER, i, false, IKE_CMD_HOLD);
}

static void nor_while_both_rekey(void **state)
{
    (void)state;

    for (unsigned i = 0; i < MOMENTS; i++)
        end_at(AZURE_IKE, i, true, IKE_CMD_HOLD);
}

/* One is repeated; without any the end comes all the same. */
static void an_answer_that_is_lost_holds_the_end_up_for_its_time_at_most(void **state)
{
    (void)state;

    for (unsigned times = 1; times < 1000; times += 998) {
        struct losing l = {IKE_X_CREATE_CHILD_SA, times};
        struct pair *p = pair_established(times, AZURE_IKE, AZURE_ESP);

        p->filter = lose_answers;
        p->ctx = &l;
        pair_command(p, A, IKE_CMD_REKEY_IKE);
        pair_run(p, KD_MS(8));
        pair_command(p, A, IKE_CMD_DOWN);
        pair_run(p, KD_S(3)); /* detect is 2 s */
        assert_int_equal(nothing_at(p, B), times == 1);
        assert_true(nothing_at(p, A));
        pair_free(p);
    }
}

/* A rekey that is refused has made nothing: one DELETE, and no more. */
static void a_refused_rekey_is_followed_by_the_delete(void **state)
{
    struct pair *p = pair_established(1, "aes256-sha256-modp2048", AZURE_ESP);
    (void)state;

    pair_proposals(&p->s[B].cfg.ike, "aes128-sha256-ecp256", IKE_PROTO_IKE);
    pair_config(p, B);
    pair_command(p, A, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_MS(8));
    pair_command(p, A, IKE_CMD_DOWN);
    pair_run(p, GRACE);
    assert_true(nothing_at(p, A) && nothing_at(p, B));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REKEYED), 0);
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_NO_PROPOSAL);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whenever_we_end_the_peer_has_no_sa_left),
        cmocka_unit_test(nor_in_the_middle_of_further_key_exchanges),
        cmocka_unit_test(nor_while_both_rekey),
        cmocka_unit_test(an_answer_that_is_lost_holds_the_end_up_for_its_time_at_most),
        cmocka_unit_test(a_refused_rekey_is_followed_by_the_delete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
