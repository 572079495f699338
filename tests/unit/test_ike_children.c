/* Several children of one connection: made one after the other, each with a life of its own; which
 * of them a peer's request means (RFC 7296 2.9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_children.h"
#include "ike_peer.h"

static const struct ts_row three[] = {
    {"10.1.0.0/16", "10.9.0.0/16"}, {"10.2.0.0/16", "10.9.0.0/16"}, {"10.3.0.0/16", "10.9.0.0/16"}};

static struct pair *three_children(uint64_t seed)
{
    struct pair *p = pair_new(seed, AZURE_IKE, AZURE_ESP);

    children_set(p, A, three, 3);
    children_mirror(p, B, three, 3);
    return p;
}

static void every_child_comes_up_one_after_the_other(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pair *p = three_children(seed);
        p->loss_pct = seed > 10 ? 20 : 0;
        pair_command(p, A, IKE_CMD_UP);
        pair_command(p, B, IKE_CMD_UP);
        pair_run(p, KD_S(10));
        p->loss_pct = 0;
        pair_run(p, KD_S(10));
        for (int i = 0; i < 3; i++) {
            assert_int_equal(children_of(p, A, i), 1);
            assert_int_equal(children_of(p, B, i), 1);
        }
        assert_int_equal(p->s[A].n_children, 3);
        assert_true(pair_children_agree(p));
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(30));
        assert_true(pair_nothing_left(p));
        pair_free(p);
    }
}

static void each_child_is_rekeyed_by_itself(void **state)
{
    struct pair *p = three_children(1);
    (void)state;

    p->s[A].cfg.child_life_us = KD_S(100);
    pair_config(p, A);
    assert_true(pair_establish(p));
    pair_run(p, KD_S(1000));
    for (int i = 0; i < 3; i++)
        assert_int_equal(children_of(p, A, i), 1);
    assert_true(pair_children_agree(p));
    assert_in_range(pair_notes(p, A, IKE_NOTE_CHILD_UP), 3 * 10, 3 * 13);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

static void an_ike_rekey_keeps_every_child(void **state)
{
    struct pair *p = three_children(2);
    (void)state;

    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(20));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REKEYED), 1);
    assert_int_equal(p->s[A].n_children, 3);
    assert_int_equal(p->s[A].adds, 3);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void a_refused_child_is_asked_for_again_without_hurting_the_others(void **state)
{
    struct pair *p = three_children(3);
    unsigned refused;
    (void)state;

    p->s[B].cfg.n_children = 2; /* it knows the first two */
    pair_config(p, B);
    assert_true(pair_establish(p));
    pair_run(p, KD_S(300));
    assert_int_equal(children_of(p, A, 0), 1);
    assert_int_equal(children_of(p, A, 1), 1);
    assert_int_equal(children_of(p, A, 2), 0);
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    assert_string_equal(pair_note(p, A, IKE_NOTE_REFUSED)->configured,
                        "10.3.0.0/16 === 10.9.0.0/16");
    refused = pair_notes(p, A, IKE_NOTE_REFUSED);
    assert_in_range(refused, 6, 10); /* 0, 3, 9, 21, 45, then every 48 s and jitter */
    assert_int_equal(p->s[A].adds, 2);
    assert_int_equal(missing(p, A, 2).refused, KD_REASON_TS_UNACCEPTABLE);

    p->s[B].cfg.n_children = 3; /* the other operator has seen it */
    pair_config(p, B);
    pair_run(p, KD_S(60));
    assert_int_equal(children_of(p, A, 2), 1);
    assert_int_equal(p->s[A].adds, 3);
    pair_free(p);
}

static void the_first_child_refused_leaves_the_others_their_turn(void **state)
{
    struct pair *p = three_children(4);
    (void)state;

    children_mirror(p, B, three + 1, 2); /* it lacks the one that IKE_AUTH asks for */
    pair_command(p, A, IKE_CMD_UP);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(2));
    assert_int_equal(children_of(p, A, 0), 0);
    assert_int_equal(children_of(p, A, 1), 1);
    assert_int_equal(children_of(p, A, 2), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

static void when_every_child_is_refused_the_ike_sa_goes(void **state)
{
    struct pair *p = three_children(5);
    static const struct ts_row other[] = {{"10.7.0.0/16", "10.9.0.0/16"}};
    (void)state;

    children_mirror(p, B, other, 1);
    pair_command(p, A, IKE_CMD_UP);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(2));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_REFUSED), 3);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_TS_UNACCEPTABLE);
    pair_run(p, KD_S(20));
    assert_true(pair_notes(p, A, IKE_NOTE_ESTABLISHED) > 1);
    pair_free(p);
}

/* B deletes one of its children, as its operator might. */
static void a_child_that_the_peer_deletes_comes_back(void **state)
{
    struct pair *p = three_children(6);
    (void)state;

    assert_true(pair_establish(p));
    pair_run(p, KD_S(100));
    expire(p, B, 1, false);
    pair_run(p, KD_S(1));
    assert_int_equal(children_of(p, A, 1), 0);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_PEER_DELETED);
    pair_run(p, KD_S(5));
    assert_int_equal(children_of(p, A, 1), 1);
    assert_int_equal(p->s[A].n_children, 3);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void a_child_that_is_always_deleted_is_made_ever_more_rarely(void **state)
{
    struct pair *p = three_children(7);
    (void)state;

    assert_true(pair_establish(p));
    for (int s = 0; s < 300; s++) {
        if (children_of(p, B, 1))
            expire(p, B, 1, false);
        pair_run(p, KD_S(1));
    }
    assert_in_range(p->s[A].adds, 3 + 5, 3 + 11);
    assert_int_equal(children_of(p, A, 0), 1);
    pair_free(p);
}

static void what_the_initiator_does_not_make_the_other_end_makes(void **state)
{
    struct pair *p = three_children(8);
    (void)state;

    p->s[A].cfg.n_children = 1;
    p->s[A].cfg.accept_any_ts = true; /* so it takes what it doesn't ask for */
    pair_config(p, A);
    assert_true(pair_establish(p)); /* by A */
    p->s[B].cfg.role = IKE_ROLE_BOTH;
    pair_config(p, B);
    pair_run(p, KD_S(5));
    assert_int_equal(p->s[B].n_children, 1); /* it leaves it time */
    pair_run(p, KD_S(15));
    assert_int_equal(p->s[B].n_children, 3);
    assert_true(pair_children_agree(p));
    pair_free(p);
}

static void a_responder_waits_for_its_peer(void **state)
{
    struct pair *p = three_children(9);
    (void)state;

    p->s[A].cfg.n_children = 1;
    pair_config(p, A);
    pair_command(p, A, IKE_CMD_UP);
    pair_command(p, B, IKE_CMD_UP);
    pair_run(p, KD_S(100));
    assert_int_equal(p->s[B].n_children, 1);
    assert_int_equal(missing(p, B, 2).refused, KD_REASON_NONE);
    assert_true(missing(p, B, 2).retry_at_us == KD_NEVER);
    pair_free(p);
}

/* ---- which child is meant ---- */

static void a_request_finds_the_most_specific_child(void **state)
{
    static const struct ts_row have[] = {
        {"0.0.0.0/0", "0.0.0.0/0"}, {"10.9.0.0/16", "10.0.0.0/8"}, {"10.9.0.0/16", "10.2.0.0/16"}};
    static const struct {
        struct ts_row ask;
        int child;
        const char *local;
    } rows[] = {
        {{"10.2.3.0/24", "10.9.1.0/24"}, 2, "10.9.1.0/24"},
        {{"10.2.0.0/16", "10.9.0.0/16"}, 2, "10.9.0.0/16"},
        {{"10.3.0.0/16", "10.9.1.0/24"}, 1, "10.9.1.0/24"},
        {{"192.0.2.0/24", "10.9.1.0/24"}, 0, "10.9.1.0/24"},
        {{"0.0.0.0/0", "0.0.0.0/0"}, 0, "0.0.0.0/0"},
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct pair *p = pair_new(i, AZURE_IKE, AZURE_ESP);
        children_set(p, A, &rows[i].ask, 1);
        children_set(p, B, have, 3);
        assert_true(pair_establish(p));
        assert_int_equal(children_of(p, B, rows[i].child), 1);
        assert_string_equal(ts_text(&p->s[B].child[0].ts_local), rows[i].local);
        pair_free(p);
    }
}

/* A peer with one wide child gets the first of ours that is missing. */
static void a_wide_request_is_narrowed_to_a_child_that_is_missing(void **state)
{
    static const struct ts_row wide[] = {{"0.0.0.0/0", "0.0.0.0/0"}};
    struct pair *p = pair_new(3, AZURE_IKE, AZURE_ESP);
    (void)state;

    children_set(p, A, wide, 1);
    children_mirror(p, B, three, 3);
    assert_true(pair_establish(p));
    assert_int_equal(children_of(p, B, 0), 1);
    assert_string_equal(ts_text(&p->s[A].child[0].ts_remote), "10.9.0.0/16");
    assert_string_equal(ts_text(&p->s[A].child[0].ts_local), "10.1.0.0/16");
    pair_free(p);
}

static const struct ts_row all[] = {{"0.0.0.0/0", "0.0.0.0/0"}};

static uint32_t next_spi = 0x7000;

/* A new child of the peer's, by whatever selectors. */
static void ask(struct peer *t, const struct ike_ts_list *tsi, const struct ike_ts_list *tsr)
{
    const uint8_t spi[4] = {0, 0, (uint8_t)(next_spi >> 8), (uint8_t)next_spi};
    static const uint8_t nonce[32] = {0x4e};
    struct ike_build *b = peer_request(t, IKE_X_CREATE_CHILD_SA);

    next_spi++;
    ike_put_sa(b, &t->p->s[A].cfg.esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    ike_put_nonce(b, kd_bytes(nonce, sizeof(nonce)));
    ike_put_ts(b, IKE_PL_TSI, tsi);
    ike_put_ts(b, IKE_PL_TSR, tsr);
    assert_true(peer_send(t) >= 1);
}

static struct peer *asking(uint64_t seed)
{
    struct pair *p = pair_new(seed, AZURE_IKE, AZURE_ESP);
    struct peer *t;

    children_set(p, A, all, 1);
    children_mirror(p, B, three, 3);
    assert_true(pair_establish(p));
    t = peer_of(p, B);
    t->polite = true;
    return t;
}

static void finish(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

/* 2.9: a narrowed answer, and ADDITIONAL_TS_POSSIBLE where other children would take more. */
static void each_wide_request_gets_the_next_child_and_hears_that_there_is_more(void **state)
{
    const struct ike_ts_list wide = ts_of("0.0.0.0/0"), second = ts_of("10.2.0.0/16");
    struct peer *t = asking(30);
    (void)state;

    for (int conf = 1; conf < 3; conf++) {
        ask(t, &wide, &wide);
        assert_int_equal(peer_error(t), 0);
        assert_non_null(ike_msg_notify(&t->last, IKE_N_ADDITIONAL_TS_POSSIBLE));
        assert_int_equal(children_of(t->p, B, conf), 1);
    }
    ask(t, &second, &wide); /* only one child takes any of it */
    assert_int_equal(peer_error(t), 0);
    assert_null(ike_msg_notify(&t->last, IKE_N_ADDITIONAL_TS_POSSIBLE));
    assert_int_equal(children_of(t->p, B, 1), 2);
    finish(t);
}

/* 2.9: the first selectors are those of the packet that asks; the rest says what else would do. */
static void the_packet_that_asks_decides_about_the_child(void **state)
{
    struct ike_ts_list tsi = ts_of("10.3.4.5/32"), tsr = ts_of("10.9.1.1/32");
    struct peer *t = asking(31);
    struct ike_ts_list got;
    (void)state;

    tsi.ts[0].proto = tsr.ts[0].proto = 6;
    tsi.ts[0].port_lo = tsi.ts[0].port_hi = 40000;
    tsr.ts[0].port_lo = tsr.ts[0].port_hi = 179;
    tsi.ts[tsi.n++] = ts_of("0.0.0.0/0").ts[0];
    tsr.ts[tsr.n++] = ts_of("0.0.0.0/0").ts[0];
    ask(t, &tsi, &tsr);
    assert_int_equal(peer_error(t), 0);
    assert_int_equal(children_of(t->p, B, 2), 1);
    assert_true(ike_ts_parse(t->last.tsi, &got));
    assert_string_equal(ts_text(&got), "10.3.4.5/32[tcp/40000]"); /* it stays the first */
    finish(t);
}

static void selectors_that_no_child_takes_any_of_are_refused(void **state)
{
    static const struct {
        const char *tsi, *tsr;
    } rows[] = {{"10.4.0.0/16", "10.9.0.0/16"}, {"10.1.0.0/16", "10.8.0.0/16"}};
    struct peer *t = asking(32);
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct ike_ts_list tsi = ts_of(rows[i].tsi), tsr = ts_of(rows[i].tsr);
        ask(t, &tsi, &tsr);
        assert_int_equal(peer_error(t), IKE_N_TS_UNACCEPTABLE);
    }
    assert_int_equal(t->p->s[B].n_children, 1);
    finish(t);
}

/* facts/peers 2, pain 5: they don't pile up; but 2.8 lets several stand for classes of service. */
static void pairs_for_the_same_traffic_are_bounded(void **state)
{
    const struct ike_ts_list tsi = ts_of("10.2.0.0/16"), tsr = ts_of("10.9.0.0/16");
    struct peer *t = asking(33);
    (void)state;

    for (unsigned n = 1; n <= 40; n++) {
        ask(t, &tsi, &tsr);
        assert_int_equal(peer_error(t), 0);
        assert_int_equal(t->p->s[B].n_children, 1 + KD_MIN(n, 4));
    }
    assert_int_equal(children_of(t->p, B, 1), 4);
    assert_int_equal(children_of(t->p, B, 0), 1);
    finish(t);
}

/* Parts of one child of ours are no doubles; what is too much is refused, and nothing else happens.
 */
static void more_pairs_than_there_is_room_for_are_refused(void **state)
{
    const struct ike_ts_list tsr = ts_of("10.9.0.0/16");
    struct peer *t = asking(34);
    unsigned n = 0;
    (void)state;

    for (; n < 60; n++) {
        char net[32];
        snprintf(net, sizeof(net), "10.2.%u.0/24", n);
        struct ike_ts_list tsi = ts_of(net);
        ask(t, &tsi, &tsr);
        if (peer_error(t))
            break;
    }
    assert_int_equal(peer_error(t), IKE_N_NO_ADDITIONAL_SAS);
    assert_int_equal(1 + n, IKE_SA_CHILDREN);
    assert_true(pair_up(t->p, B));
    finish(t);
}

/* Both miss the same child and ask for it at once: one is left, the same at both ends. A's DELETE
 * leaves it the first word; B waits a second or two, which is when A's request comes. */
static void a_child_made_by_both_at_once_is_there_once(void **state)
{
    unsigned collided = 0;
    (void)state;

    for (uint64_t seed = 0; seed < 40; seed++) {
        struct pair *p = three_children(seed);
        p->s[A].cfg.detect_us = p->s[B].cfg.detect_us = KD_S(20);
        pair_config(p, A);
        pair_config(p, B);
        assert_true(pair_establish(p));
        p->s[B].cfg.role = IKE_ROLE_BOTH;
        pair_config(p, B);
        pair_run(p, KD_S(100));
        p->delay_us = KD_MS(700);
        expire(p, A, 1, false);
        pair_run(p, KD_S(60));
        for (int side = A; side <= B; side++)
            collided += pair_note(p, side, IKE_NOTE_CHILD_DOWN)->reason == KD_REASON_COLLISION;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(children_of(p, A, i), 1);
            assert_int_equal(children_of(p, B, i), 1);
        }
        assert_true(pair_children_agree(p));
        pair_free(p);
    }
    assert_true(collided > 5); /* else it is not what this test is about */
}

/* ---- lifetimes by bytes and packets ---- */

static void limits_are_soft_at_95_percent_and_end_the_sequence_numbers(void **state)
{
    static const struct {
        const char *esp;
        uint64_t bytes, packets, hard_packets;
    } rows[] = {
        {"aes256-sha1", 1000000, 5000, 5000},
        {"aes256-sha1", 0, 0, UINT32_MAX}, /* RFC 4303 3.3.3: without ESN it never wraps */
        {"aes256-sha1", 0, UINT64_C(1) << 40, UINT32_MAX},
        {"aes256-sha1-esn", 0, 0, 0},
        {"aes256-sha1-esn", 0, UINT64_C(1) << 40, UINT64_C(1) << 40},
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct pair *p = pair_new(i, AZURE_IKE, rows[i].esp);
        for (int side = A; side <= B; side++) {
            p->s[side].cfg.child_life_bytes = rows[i].bytes;
            p->s[side].cfg.child_life_packets = rows[i].packets;
            pair_config(p, side);
        }
        assert_true(pair_establish(p));
        for (int side = A; side <= B; side++) {
            const struct ike_limits *l = &p->s[side].child[0].limits;
            bool responder =
                side == B; /* it leaves the rekey to its peer, and is there if need be */
            assert_true(l->hard_bytes == rows[i].bytes);
            assert_true(l->hard_packets == rows[i].hard_packets);
            assert_in_range(l->soft_bytes, rows[i].bytes / 1000 * (responder ? 985 : 930),
                            rows[i].bytes / 1000 * (responder ? 985 : 950));
            assert_in_range(l->soft_packets, l->hard_packets / 1000 * (responder ? 985 : 930),
                            l->hard_packets / 1000 * (responder ? 986 : 950) + 1000);
        }
        pair_free(p);
    }
}

static void a_soft_limit_rekeys_and_after_a_hard_one_another_is_made_at_once(void **state)
{
    (void)state;

    for (int side = A; side <= B; side++) {
        struct pair *p = three_children(20);
        assert_true(pair_establish(p));
        pair_run(p, KD_S(100));
        expire(p, side, 1, true);
        pair_run(p, KD_S(1));
        assert_int_equal(p->s[A].adds, 4);
        assert_int_equal(pair_note(p, A, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_NONE);
        expire(p, side, 1, false);
        assert_int_equal(pair_note(p, side, IKE_NOTE_CHILD_DOWN)->reason, KD_REASON_EXPIRED);
        assert_int_equal(children_of(p, side, 1), 0);
        assert_int_equal(children_of(p, side, 0), 1);
        pair_run(p, KD_MS(100));
        assert_int_equal(p->s[A].adds, side == A ? 5 : 4); /* B's role leaves it to A */
        pair_run(p, KD_S(10));
        assert_int_equal(p->s[A].adds, 5);
        assert_int_equal(children_of(p, A, 1), 1);
        assert_true(pair_children_agree(p));
        pair_free(p);
    }
}

/* Its peer never rekeys (a lifetime of a month), and the responder does not let the tunnel end. */
static void a_responder_rekeys_what_its_peer_leaves_until_the_end(void **state)
{
    struct pair *p = pair_new(21, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[A].cfg.child_life_us = p->s[A].cfg.ike_life_us = KD_S(30 * 86400);
    p->s[B].cfg.child_life_us = KD_S(1000);
    p->s[B].cfg.ike_life_us = KD_S(3000);
    pair_config(p, A);
    pair_config(p, B);
    assert_true(pair_establish(p));
    pair_run(p, KD_S(980));
    assert_int_equal(p->s[B].adds, 1); /* it waits as long as it can */
    pair_run(p, KD_S(9000));
    assert_in_range(p->s[B].adds, 10, 11);
    assert_in_range(pair_notes(p, B, IKE_NOTE_REKEYED), 3, 4);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_child_comes_up_one_after_the_other),
        cmocka_unit_test(each_child_is_rekeyed_by_itself),
        cmocka_unit_test(an_ike_rekey_keeps_every_child),
        cmocka_unit_test(a_refused_child_is_asked_for_again_without_hurting_the_others),
        cmocka_unit_test(the_first_child_refused_leaves_the_others_their_turn),
        cmocka_unit_test(when_every_child_is_refused_the_ike_sa_goes),
        cmocka_unit_test(a_child_that_the_peer_deletes_comes_back),
        cmocka_unit_test(a_child_that_is_always_deleted_is_made_ever_more_rarely),
        cmocka_unit_test(what_the_initiator_does_not_make_the_other_end_makes),
        cmocka_unit_test(a_responder_waits_for_its_peer),
        cmocka_unit_test(a_request_finds_the_most_specific_child),
        cmocka_unit_test(a_wide_request_is_narrowed_to_a_child_that_is_missing),
        cmocka_unit_test(each_wide_request_gets_the_next_child_and_hears_that_there_is_more),
        cmocka_unit_test(the_packet_that_asks_decides_about_the_child),
        cmocka_unit_test(selectors_that_no_child_takes_any_of_are_refused),
        cmocka_unit_test(pairs_for_the_same_traffic_are_bounded),
        cmocka_unit_test(more_pairs_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_child_made_by_both_at_once_is_there_once),
        cmocka_unit_test(limits_are_soft_at_95_percent_and_end_the_sequence_numbers),
        cmocka_unit_test(a_soft_limit_rekeys_and_after_a_hard_one_another_is_made_at_once),
        cmocka_unit_test(a_responder_rekeys_what_its_peer_leaves_until_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
