/* Bad input by its claims: what resets a session and what doesn't (RFC 7606), the pauses that
 * follow, maximum prefixes, what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/attr.h"
#include "bgp/engine.h"
#include "bgp/nlri.h"
#include "bgp/update.h"
#include "bgp_pair.h"
#include "bgp_two.h"
#include "bgp_two_paths.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- bad input ---- */

static void malformed_attribute_is_treated_as_withdraw_not_reset(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    x.u[0].origin = 9;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 0);
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    assert_string_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_ERROR)->text,
                        "ORIGIN: malformed: treat-as-withdraw (RFC 7606)");
    x.u[0].origin = 0;
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    bgp_raw_fini(&x.r);
}

static void error_notes_are_limited(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    x.u[0].origin = 9;
    for (int i = 0; i < 500; i++)
        bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_in_range(bgp_node_count(&x.r.node, BGP_NOTE_ERROR), 1, 10);
    x.r.now_us += KD_S(11);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_non_null(strstr(bgp_node_note(&x.r.node, 0, BGP_NOTE_ERROR)->text, "490 more"));
    bgp_raw_fini(&x.r);
}

/* Peer 0 is connected to and comes up once more; when it was tried. */
static uint64_t comes_again(struct bgp_raw *r)
{
    uint64_t at;

    while (!r->conn[0].open)
        bgp_raw_pass(r, KD_MS(10));
    at = r->now_us;
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_OPENED,
                                        .conn = r->conn[0].h,
                                        .local = bgp_test_addr("192.0.2.1")});
    bgp_raw_send_open(r, 0, &(struct bgp_open){.asn = 65020, .hold_s = 90, .id = 10, .as4 = true});
    bgp_raw_message(r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
    return at;
}

static void a_reset_takes_the_routes_and_is_held_off_with_growing_pauses(void **state)
{
    static const uint8_t wide[] = {0, 0, 0, 0, 33, 1, 2, 3, 4, 5};
    uint64_t pause[4];
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    for (int i = 0; i < 4; i++) {
        uint64_t from;
        bgp_raw_update(&x.r, 0, &x.u[0]);
        assert_int_equal(x.r.node.fib_n, 1);
        bgp_raw_message(&x.r, 0, BGP_MSG_UPDATE, wide, sizeof(wide));
        assert_true(bgp_raw_notified(&x.r, 0, 3, 10));
        assert_int_equal(x.r.node.fib_n, 0);
        assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_IDLE);
        assert_int_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP)->reason,
                         KD_REASON_PROTOCOL_ERROR);
        from = x.r.now_us;
        pause[i] = comes_again(&x.r) - from;
    }
    assert_true(pause[3] > 4 * pause[0]);
    bgp_raw_fini(&x.r);
}

static void messages_out_of_place_are_fsm_errors(void **state)
{
    static const uint8_t update[] = {0, 0, 0, 0};

    (void)state;
    for (int st = 0; st < 3; st++) {
        struct bgp_raw r;
        struct bgp_open o = {.asn = 65020, .hold_s = 90, .id = 10, .as4 = true};
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        bgp_raw_connect(&r, 0);
        if (st >= 1)
            bgp_raw_send_open(&r, 0, &o);
        if (st >= 2)
            bgp_raw_message(&r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
        if (st >= 2)
            bgp_raw_send_open(&r, 0, &o);
        else
            bgp_raw_message(&r, 0, BGP_MSG_UPDATE, update, 4);
        assert_true(bgp_raw_notified(&r, 0, 5, (uint8_t)(st + 1))); /* RFC 6608 */
        bgp_raw_fini(&r);
    }
}

static void an_open_of_the_wrong_peer_is_refused(void **state)
{
    static const struct {
        uint32_t asn, id;
        uint16_t hold;
        bool internal;
        uint8_t sub;
    } cases[] = {
        {65021, 10, 90, false, 2}, {23456, 10, 90, false, 2}, {65020, 10, 2, false, 6},
        {65515, 1, 90, true, 3},   {65020, 1, 90, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct bgp_raw r;
        struct bgp_open o = {.asn = cases[i].asn,
                             .hold_s = cases[i].hold,
                             .id = cases[i].id,
                             .as4 = true,
                             .mp_ipv4 = true};
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", cases[i].internal ? 65515 : 65020));
        bgp_raw_connect(&r, 0);
        bgp_raw_send_open(&r, 0, &o);
        if (cases[i].sub)
            assert_true(bgp_raw_notified(&r, 0, 2, cases[i].sub));
        else
            assert_int_equal(bgp_node_state(&r.node, 0), BGP_OPENCONFIRM);
        bgp_raw_fini(&r);
    }
}

static void too_many_prefixes_end_the_session(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct kd_bytes b;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_raw_peer(&x.r, 0, c);
    x.u[0].prefix[1] = "10.2.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    x.u[0].prefix[0] = "10.3.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
    b = bgp_raw_last(&x.r, 0, BGP_MSG_NOTIFICATION);
    assert_int_equal(b.len, 9); /* AFI, SAFI, limit */
    assert_int_equal(b.p[8], 2);
    assert_int_equal(x.r.node.fib_n, 0);
    assert_int_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP)->reason, KD_REASON_NO_RESOURCES);
    bgp_raw_fini(&x.r);
}

/* RFC 4271 9.1.2: what has our AS in its path is held, not counted; what policy denies counts. */
static void our_own_routes_coming_back_dont_count_as_prefixes(void **state)
{
    static const char *const back[] = {"10.4.0.0/16", "10.5.0.0/16", "10.6.0.0/16"};
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_raw_update loop;
    struct bgp_peer_view v;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_test_import(c)->n = 0; /* deny all */
    bgp_raw_peer(&x.r, 0, c);
    loop = x.u[0];
    loop.as_path[loop.n_as++] = 65515;
    memcpy(loop.prefix, back, sizeof(back));
    bgp_raw_update(&x.r, 0, &loop);
    x.u[0].prefix[1] = "10.2.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(bgp_peer_get(x.r.node.b, 0, &v));
    assert_int_equal(v.state, BGP_ESTABLISHED);
    assert_int_equal(v.received, 4); /* of the three loops as many are held as prefixes may be */
    assert_int_equal(v.accepted, 0);
    loop.prefix[1] = loop.prefix[2] = NULL;
    loop.as_path[loop.n_as - 1] = 65516; /* the nearest: one of them without us in it */
    bgp_raw_update(&x.r, 0, &loop);
    assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
    bgp_raw_fini(&x.r);
}

/* The count stays right when a route becomes a loop, is withdrawn as one, or is let in. */
static void what_counts_as_a_prefix_follows_the_route(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_raw_update gone = {.withdrawn = {"10.1.0.0/16", "10.2.0.0/16"}}, two;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_raw_peer(&x.r, 0, c);
    two = x.u[0];
    two.prefix[1] = "10.2.0.0/16";
    for (int i = 0; i < 5; i++) {
        two.as_path[1] = i % 2 ? 64700 : 65515;
        bgp_raw_update(&x.r, 0, &two);
        if (i == 2)
            bgp_raw_update(&x.r, 0, &gone);
    }
    x.u[0].prefix[0] = "10.3.0.0/16";
    x.u[0].prefix[1] = "10.4.0.0/16";
    bgp_raw_update(&x.r, 0, &x.u[0]); /* two that count beside two loops */
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    c = bgp_test_config("192.0.2.10", 65020);
    c->prefixes_max = 2;
    c->allow_as_in = 1; /* now the loops count: the next UPDATE is judged with them */
    bgp_raw_peer(&x.r, 0, c);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_WAKE});
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
    bgp_raw_fini(&x.r);
}

/* n prefixes 10.x.y.0/24 from x on, of peer 0; the message announces or withdraws. */
static unsigned warnings(const struct bgp_raw *r)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < r->node.notes_n; i++)
        n +=
            r->node.notes[i].note == BGP_NOTE_ERROR && strstr(r->node.notes[i].text, "prefixes of");
    return n;
}

static void a_limit_of_prefixes_is_told_of_from_80_percent_on(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 10;
    bgp_raw_peer(&x.r, 0, c);
    feed(&x.r, 0, 7, true);
    assert_int_equal(warnings(&x.r), 0);
    feed(&x.r, 7, 1, true);
    assert_int_equal(warnings(&x.r), 1);
    feed(&x.r, 8, 2, true); /* 10: at the limit, not beyond */
    assert_int_equal(warnings(&x.r), 1);
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ESTABLISHED);
    feed(&x.r, 5, 5, false); /* 5: still near enough to stay quiet */
    feed(&x.r, 5, 5, true);
    assert_int_equal(warnings(&x.r), 1);
    feed(&x.r, 4, 6, false); /* 4: far */
    feed(&x.r, 4, 4, true);
    assert_int_equal(warnings(&x.r), 2);
    bgp_raw_fini(&x.r);
}

static void a_peer_with_too_many_prefixes_is_held_off_longer_each_time(void **state)
{
    struct choice x;
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_peer_view v;
    uint64_t pause, last = 0;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    c->prefixes_max = 2;
    bgp_raw_peer(&x.r, 0, c);
    for (int i = 0; i < 7; i++) {
        feed(&x.r, 0, 3, true);
        assert_true(bgp_raw_notified(&x.r, 0, 6, 1));
        assert_true(bgp_peer_get(x.r.node.b, 0, &v));
        assert_int_equal(v.state, BGP_IDLE);
        assert_int_equal(v.prefixes_max, 2);
        pause = v.retry_at_us - x.r.now_us;
        assert_in_range(pause, KD_S(2) * 3 / 4, KD_S(120));
        if (i < 6) /* 2 s, doubled up to 120 s, 75 to 100 % of it */
            assert_true(pause > last);
        last = pause;
        assert_in_range(comes_again(&x.r), v.retry_at_us, v.retry_at_us + KD_MS(10));
        assert_true(bgp_peer_get(x.r.node.b, 0, &v));
        assert_int_equal(v.state, BGP_ESTABLISHED);
        assert_int_equal(v.retry_at_us, 0);
    }
    bgp_raw_fini(&x.r);
}

static void the_peers_notification_is_told_in_its_words(void **state)
{
    static const uint8_t cease[] = {6, 2, 5, 'l', 'u', 'n', 'c', 'h'}, error[] = {3, 1};
    struct choice x;
    const struct bgp_note_record *n;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_message(&x.r, 0, BGP_MSG_NOTIFICATION, cease, sizeof(cease));
    n = bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP);
    assert_int_equal(n->reason, KD_REASON_PEER_CEASE);
    assert_string_equal(n->text, "received Cease/Administrative Shutdown (6/2): lunch");
    assert_int_equal(bgp_raw_count(&x.r, 0, BGP_MSG_NOTIFICATION), 0); /* isn't answered */
    assert_int_equal(bgp_node_state(&x.r.node, 0), BGP_ACTIVE);
    bgp_raw_message(&x.r, 1, BGP_MSG_NOTIFICATION, error, 2);
    assert_int_equal(bgp_node_note(&x.r.node, 1, BGP_NOTE_STOP)->reason, KD_REASON_PEER_ERROR);
    assert_int_equal(bgp_node_state(&x.r.node, 1), BGP_IDLE);
    bgp_raw_fini(&x.r);
}

static void bfd_down_stops_the_session_in_the_same_step(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    choice_made(&x, false);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_BFD, .peer = 0, .heard = true});
    assert_true(bgp_raw_notified(&x.r, 0, 6, 10));
    assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, 1);
    assert_int_equal(bgp_node_note(&x.r.node, 0, BGP_NOTE_STOP)->reason, KD_REASON_BFD_DOWN);
    bgp_raw_fini(&x.r);
}

static void unusable_next_hops_and_prefixes_are_ignored(void **state)
{
    static const char *const bad[] = {"127.0.0.1", "0.0.0.0", "224.0.0.5", "192.0.2.1"};
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        x.u[0].nexthop = bad[i];
        bgp_raw_update(&x.r, 0, &x.u[0]);
        assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, 0, NULL, 0), 0);
    }
    x.u[0].nexthop = "192.0.2.10";
    x.u[0].prefix[0] = "224.1.0.0/16";
    x.u[0].prefix[1] = "127.0.0.0/8";
    x.u[0].prefix[2] = "0.0.0.0/0";
    bgp_raw_update(&x.r, 0, &x.u[0]);
    assert_int_equal(x.r.node.fib_n, 1);
    assert_non_null(bgp_node_fib(&x.r.node, "0.0.0.0/0"));
    bgp_raw_fini(&x.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_attribute_is_treated_as_withdraw_not_reset),
        cmocka_unit_test(error_notes_are_limited),
        cmocka_unit_test(a_reset_takes_the_routes_and_is_held_off_with_growing_pauses),
        cmocka_unit_test(messages_out_of_place_are_fsm_errors),
        cmocka_unit_test(an_open_of_the_wrong_peer_is_refused),
        cmocka_unit_test(too_many_prefixes_end_the_session),
        cmocka_unit_test(our_own_routes_coming_back_dont_count_as_prefixes),
        cmocka_unit_test(what_counts_as_a_prefix_follows_the_route),
        cmocka_unit_test(a_limit_of_prefixes_is_told_of_from_80_percent_on),
        cmocka_unit_test(a_peer_with_too_many_prefixes_is_held_off_longer_each_time),
        cmocka_unit_test(the_peers_notification_is_told_in_its_words),
        cmocka_unit_test(bfd_down_stops_the_session_in_the_same_step),
        cmocka_unit_test(unusable_next_hops_and_prefixes_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
