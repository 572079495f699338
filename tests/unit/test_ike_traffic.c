/* Connections that begin with traffic: none is attempted by itself, at first or after an end; a
 * packet begins one, and after a failure only when its pause is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ike_children.h"

/* A waits for traffic, B answers and never calls. */
static struct pair *waiting(void)
{
    struct pair *p = pair_new(1, AZURE_IKE, AZURE_ESP);

    p->s[A].cfg.on_traffic = true;
    p->s[B].cfg.role = IKE_ROLE_RESPONDER;
    pair_config(p, A);
    pair_config(p, B);
    pair_command(p, A, IKE_CMD_UP);
    pair_command(p, B, IKE_CMD_UP);
    return p;
}

static void without_traffic_nothing_is_sent(void **state)
{
    struct pair *p = waiting();
    (void)state;

    pair_run(p, KD_S(3600));
    assert_int_equal(p->s[A].n_sent, 0);
    pair_free(p);
}

static void a_packet_begins_and_more_of_them_change_nothing(void **state)
{
    struct pair *p = waiting();
    (void)state;

    for (int i = 0; i < 100; i++)
        pair_command(p, A, IKE_CMD_TRAFFIC);
    pair_run(p, KD_S(1));
    assert_true(pair_up(p, A));
    for (int i = 0; i < 100; i++)
        pair_command(p, A, IKE_CMD_TRAFFIC);
    pair_run(p, KD_S(1));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CONNECTING), 1);
    assert_int_equal(p->s[A].n_children, 1);
    pair_free(p);
}

static void a_connection_of_the_other_kind_heeds_no_traffic(void **state)
{
    struct pair *p = waiting();
    unsigned sent;
    (void)state;

    p->s[A].cfg.on_traffic = false;
    p->s[A].cut_out = true; /* it is alone */
    pair_config(p, A);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(1));
    sent = p->s[A].n_sent;
    assert_int_not_equal(sent, 0);
    for (int i = 0; i < 100; i++)
        pair_command(p, A, IKE_CMD_TRAFFIC);
    pair_run(p, KD_MS(1));
    assert_int_equal(p->s[A].n_sent, sent);
    pair_free(p);
}

static void after_the_peers_delete_the_next_packet_begins_again(void **state)
{
    struct pair *p = waiting();
    (void)state;

    pair_command(p, A, IKE_CMD_TRAFFIC);
    pair_run(p, KD_S(1));
    pair_command(p, B, IKE_CMD_RESET);
    pair_run(p, KD_S(600));
    assert_false(pair_up(p, A));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CONNECTING), 1);
    pair_command(p, A, IKE_CMD_TRAFFIC);
    pair_run(p, KD_S(1));
    assert_true(pair_up(p, A));
    pair_free(p);
}

/* Traffic all the time, nobody answers: attempts come no more often than without. */
static void traffic_does_not_shorten_the_pause_after_a_failure(void **state)
{
    unsigned attempts[2];
    (void)state;

    for (int traffic = 0; traffic < 2; traffic++) {
        struct pair *p = waiting();

        p->s[A].cut_out = true;
        p->s[A].cfg.on_traffic = traffic;
        pair_config(p, A);
        pair_command(p, A, IKE_CMD_UP);
        for (int i = 0; i < 36000; i++) {
            pair_command(p, A, IKE_CMD_TRAFFIC);
            pair_run(p, KD_MS(100));
        }
        attempts[traffic] = pair_notes(p, A, IKE_NOTE_CONNECTING);
        pair_free(p);
    }
    assert_in_range(attempts[1], 2, attempts[0] + 1);
}

static void who_is_down_heeds_no_traffic(void **state)
{
    struct pair *p = waiting();
    (void)state;

    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, A, IKE_CMD_TRAFFIC);
    pair_run(p, KD_S(60));
    assert_int_equal(p->s[A].n_sent, 0);
    pair_free(p);
}

/* The pair has lived, so its end is in order: the peer has a second or two to make another. */
static void a_packet_does_not_wait_for_the_peer_to_make_the_pair_that_it_deleted(void **state)
{
    (void)state;

    for (int traffic = 0; traffic < 2; traffic++) {
        struct pair *p = waiting();

        pair_command(p, A, IKE_CMD_TRAFFIC);
        pair_run(p, KD_S(100));
        expire(p, B, 0, false);
        pair_run(p, KD_MS(100));
        assert_int_equal(p->s[A].n_children, 0);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
        if (traffic)
            pair_command(p, A, IKE_CMD_TRAFFIC);
        pair_run(p, KD_MS(500));
        assert_int_equal(p->s[A].n_children, traffic);
        pair_run(p, KD_S(5));
        assert_int_equal(p->s[A].n_children, 1);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CONNECTING), 1);
        pair_free(p);
    }
}

/* Traffic all the time, and a peer that takes one of two pairs away at once, again and again. */
static void traffic_makes_no_pair_more_often_that_the_peer_does_not_want(void **state)
{
    static const struct ts_row rows[] = {{"10.1.0.0/16", "10.2.0.0/16"},
                                         {"10.1.0.0/16", "10.3.0.0/16"}};
    unsigned adds[2];
    (void)state;

    for (int traffic = 0; traffic < 2; traffic++) {
        struct pair *p = waiting();

        children_set(p, A, rows, 2);
        children_mirror(p, B, rows, 2);
        pair_command(p, A, IKE_CMD_TRAFFIC);
        pair_run(p, KD_S(1));
        for (int i = 0; i < 3000; i++) {
            if (children_of(p, B, 1))
                expire(p, B, 1, false);
            if (traffic)
                pair_command(p, A, IKE_CMD_TRAFFIC);
            pair_run(p, KD_MS(100));
        }
        assert_int_equal(children_of(p, A, 0), 1);
        adds[traffic] = p->s[A].adds;
        pair_free(p);
    }
    assert_in_range(adds[0], 5, 20);
    assert_int_equal(adds[1], adds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_traffic_nothing_is_sent),
        cmocka_unit_test(a_packet_begins_and_more_of_them_change_nothing),
        cmocka_unit_test(a_connection_of_the_other_kind_heeds_no_traffic),
        cmocka_unit_test(after_the_peers_delete_the_next_packet_begins_again),
        cmocka_unit_test(traffic_does_not_shorten_the_pause_after_a_failure),
        cmocka_unit_test(who_is_down_heeds_no_traffic),
        cmocka_unit_test(a_packet_does_not_wait_for_the_peer_to_make_the_pair_that_it_deleted),
        cmocka_unit_test(traffic_makes_no_pair_more_often_that_the_peer_does_not_want),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
