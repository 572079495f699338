/* BFD authentication by its claims (RFC 5880 6.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bfd_two.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- authentication ---- */

/* Side A with the key; the peer's own copy in *peer. */
static struct net *played_with_auth(enum bfd_auth_type type, struct bfd_auth_config *peer,
                                    uint32_t *seq)
{
    struct net *n = net_new(SEED, 1, 0);

    n->config[A].auth = net_auth(n, A, type, 1, "a secret");
    *peer = net_auth(n, B, type, 1, "a secret");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    *seq = 0xfffffffe; /* wraps soon */
    net_bring_up(n, peer, seq);
    return n;
}

static void authenticated_engines_come_up(void **state)
{
    (void)state;
    for (int type = BFD_AUTH_SHA1; type <= BFD_AUTH_METICULOUS_SHA1; type++) {
        struct net *n = net_new(SEED, 2, 0);
        for (int side = A; side <= B; side++) {
            n->config[side].auth = net_auth(n, side, (enum bfd_auth_type)type, 200, "k");
            assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
        }
        start_both(n);
        net_run(n, KD_S(100));
        assert_true(net_up(n, 0));
        assert_int_equal(n->node[A].refused_notes + n->node[B].refused_notes, 0);
        assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
        net_free(n);
    }
}

static void unequal_keys_never_come_up(void **state)
{
    struct net *n = net_new(SEED, 2, 0);

    (void)state;
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "one");
    n->config[B].auth = net_auth(n, B, BFD_AUTH_SHA1, 1, "two");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    start_both(n);
    net_run(n, KD_S(10));
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, A, 0).last_refusal, BFD_R_AUTH_HASH);
    net_free(n);
}

static void replayed_sequence_is_refused(void **state)
{
    struct bfd_auth_config peer;
    struct net *n;
    uint32_t seq;

    (void)state;
    n = played_with_auth(BFD_AUTH_METICULOUS_SHA1, &peer, &seq);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_say(n, net_peer(n, BFD_DOWN), &peer, seq - 1), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_say(n, net_peer(n, BFD_DOWN), &peer, seq + 10), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq + 9), BFD_ACCEPTED);
    net_free(n);
    n = played_with_auth(BFD_AUTH_SHA1, &peer, &seq); /* the same number may come again */
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq - 1), BFD_R_AUTH_SEQUENCE);
    net_free(n);
}

/* What can be seen of a session, but for the counters of refused packets. */
static void visible(const struct net *n, char text[256])
{
    struct bfd_session_view v = net_view(n, A, 0);

    snprintf(text, 256, "%d %d %d %d %d %llu %llu %u %u %u %u %llu %llu %d %d %d %d %u %llu %llu",
             v.state, v.remote_state, v.diag, v.remote_diag, v.reason,
             (unsigned long long)v.since_us, (unsigned long long)v.heard_us, v.local_discr,
             v.remote_discr, v.tx_us, v.rx_us, (unsigned long long)v.detect_us,
             (unsigned long long)v.announce_us, v.remote_mult, v.remote_demand, v.remote_cpi,
             v.polling, v.failures, (unsigned long long)v.packets_in,
             (unsigned long long)v.packets_out);
}

static void unauthenticated_packets_change_nothing_when_auth_is_on(void **state)
{
    struct bfd_auth_config peer, wrong;
    char before[256], after[256];
    struct bfd_packet p;
    uint32_t seq, sent;
    uint64_t deadline;
    struct net *n;

    (void)state;
    n = played_with_auth(BFD_AUTH_METICULOUS_SHA1, &peer, &seq);
    wrong = net_auth(n, B, BFD_AUTH_METICULOUS_SHA1, 1, "a guess");
    visible(n, before);
    sent = n->node[A].sent_n;
    deadline = n->node[A].deadline_us;
    n->now_us += KD_MS(100);
    for (int s = BFD_ADMIN_DOWN; s <= BFD_UP; s++) {
        p = net_peer(n, (enum bfd_state)s);
        p.my_discr = 666;
        p.poll = s & 1;
        p.final = !p.poll;
        p.demand = true;
        p.rx_us = p.tx_us = 1;
        assert_int_equal(net_say(n, p, NULL, 0), BFD_R_AUTH_MISSING);
        assert_int_equal(net_say(n, p, &wrong, seq + 5), BFD_R_AUTH_HASH);
    }
    visible(n, after);
    assert_string_equal(before, after);
    assert_int_equal(n->node[A].sent_n, sent); /* not even a Poll is answered */
    assert_int_equal(n->node[A].deadline_us, deadline);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq),
                     BFD_ACCEPTED); /* nor the window */
    net_free(n);
}

static void authentication_nobody_asked_for_is_refused(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_auth_config peer = net_auth(n, B, BFD_AUTH_SHA1, 1, "x");

    (void)state;
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, 1), BFD_R_AUTH_UNEXPECTED);
    net_free(n);
}

static void another_auth_type_or_key_id_is_refused(void **state)
{
    struct bfd_auth_config peer, other;
    struct net *n;
    uint32_t seq;

    (void)state;
    n = played_with_auth(BFD_AUTH_METICULOUS_SHA1, &peer, &seq);
    other = peer;
    other.type = BFD_AUTH_SHA1;
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &other, seq), BFD_R_AUTH_TYPE);
    other = peer;
    other.key[0].id = 2;
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &other, seq), BFD_R_AUTH_KEY_ID);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_ACCEPTED);
    net_free(n);
}

static void a_key_is_exchanged_without_a_flap(void **state)
{
    struct net *n = net_new(SEED, 2, 0);
    uint32_t keys[2];

    (void)state;
    for (int side = A; side <= B; side++) {
        n->config[side].auth = net_auth(n, side, BFD_AUTH_SHA1, 1, "old");
        assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
        keys[side] = kc_keys_live(n->node[side].crypto);
    }
    start_both(n);
    net_run(n, KD_S(5));
    for (int step = 0; step < 3; step++) /* accept the new one, send it, drop the old one */
        for (int side = A; side <= B; side++) {
            struct bfd_auth_config *a = &n->config[side].auth;
            struct bfd_key old = a->key[0];
            if (step == 0)
                a->key[a->n_keys++] = net_auth(n, side, BFD_AUTH_SHA1, 2, "new").key[0];
            else if (step == 1)
                a->key[0] = a->key[1], a->key[1] = old;
            else
                a->n_keys = 1;
            net_reconfigure(n, side, 0);
            net_run(n, KD_S(3));
        }
    assert_true(net_up(n, 0));
    assert_int_equal(n->node[A].failures + n->node[B].failures, 0);
    assert_int_equal(n->node[A].refused_notes + n->node[B].refused_notes, 0);
    for (int side = A; side <= B; side++)
        assert_int_equal(kc_keys_live(n->node[side].crypto), keys[side]);
    net_free(n);
}

static void a_number_is_not_remembered_over_a_time_without_authentication(void **state)
{
    struct bfd_auth_config peer;
    struct net *n;
    uint32_t seq;

    (void)state;
    n = played_with_auth(BFD_AUTH_SHA1, &peer, &seq);
    n->config[A].auth = (struct bfd_auth_config){0};
    net_reconfigure(n, A, 0);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), NULL, 0), BFD_ACCEPTED);
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "a secret");
    net_reconfigure(n, A, 0);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq + 1000), BFD_ACCEPTED);
    assert_int_equal(net_say(n, net_peer(n, BFD_UP), &peer, seq), BFD_R_AUTH_SEQUENCE);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_free(n);
}

/* bfd.AuthSeqKnown: the peer's new random number is learnt after twice the detection time. */
static void a_restarted_peer_resynchronizes(void **state)
{
    struct net *n = net_new(SEED, 2, 0);
    uint64_t heard;

    (void)state;
    for (int side = A; side <= B; side++) {
        n->config[side].auth = net_auth(n, side, BFD_AUTH_METICULOUS_SHA1, 1, "k");
        assert_int_equal(net_set(n, side, 0), BFD_CONFIG_OK);
    }
    start_both(n);
    net_run(n, KD_S(5));
    net_restart(n, B, 99);
    n->config[B].auth = net_auth(n, B, BFD_AUTH_METICULOUS_SHA1, 1, "k");
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    net_admin(n, B, 0, true);
    heard = net_view(n, A, 0).heard_us;
    net_run(n, heard + 2 * KD_MS(900) - n->now_us - 1);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, A, 0).last_refusal, BFD_R_AUTH_SEQUENCE);
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    net_free(n);
}

static void keys_belong_to_the_engine(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct kc_ctx *c = n->node[A].crypto;

    (void)state;
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "k");
    n->config[A].detect_mult = 0;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_MULT);
    assert_int_equal(kc_keys_live(c), 1); /* refused: still the caller's */
    n->config[A].detect_mult = 3;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK); /* the same key again */
    assert_int_equal(kc_keys_live(c), 1);
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "l");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(kc_keys_live(c), 1);
    bfd_session_del(n->node[A].b, 0);
    assert_int_equal(kc_keys_live(c), 0);
    n->config[A].auth = net_auth(n, A, BFD_AUTH_SHA1, 1, "m");
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    bfd_free(n->node[A].b);
    n->node[A].b = NULL;
    assert_int_equal(kc_keys_live(c), 0);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authenticated_engines_come_up),
        cmocka_unit_test(unequal_keys_never_come_up),
        cmocka_unit_test(replayed_sequence_is_refused),
        cmocka_unit_test(unauthenticated_packets_change_nothing_when_auth_is_on),
        cmocka_unit_test(authentication_nobody_asked_for_is_refused),
        cmocka_unit_test(another_auth_type_or_key_id_is_refused),
        cmocka_unit_test(a_key_is_exchanged_without_a_flap),
        cmocka_unit_test(a_number_is_not_remembered_over_a_time_without_authentication),
        cmocka_unit_test(a_restarted_peer_resynchronizes),
        cmocka_unit_test(keys_belong_to_the_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
