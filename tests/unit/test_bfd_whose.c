/* Whose packet is it: what opens a session and what is refused (RFC 5880 6.3, 6.8.6, RFC 5881,
 * 5883); configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bfd_two.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- whose packet ---- */

static enum bfd_refusal hear(struct net *n, struct bfd_event ev)
{
    uint32_t before = n->node[A].refused_notes;

    net_event(n, A, ev);
    return n->node[A].refused_notes == before ? BFD_ACCEPTED : n->node[A].refused;
}

static struct net *listening(bool multihop)
{
    struct net *n = net_new(SEED, 1, 0);

    n->config[A].multihop = multihop;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    return n;
}

static void wrong_ttl_is_refused(void **state)
{
    struct net *n = listening(false);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev = first_packet(n, raw);

    (void)state;
    for (unsigned ttl = 0; ttl < 255; ttl += 127) {
        ev.ttl = (uint8_t)ttl;
        assert_int_equal(hear(n, ev), BFD_R_TTL);
    }
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(net_view(n, A, 0).refused, 3);
    ev.ttl = 255;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_INIT);
    net_free(n);
}

static void multihop_takes_the_ttl_it_is_told(void **state)
{
    struct net *n = listening(true);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev = first_packet(n, raw);

    (void)state;
    ev.ttl = 0; /* unknown */
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    n->config[A].ttl_min = 250;
    net_reconfigure(n, A, 0);
    ev.ttl = 249;
    assert_int_equal(hear(n, ev), BFD_R_TTL);
    ev.ttl = 250;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    net_free(n);
}

static void wrong_source_port_is_refused(void **state)
{
    struct net *n = listening(false);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev = first_packet(n, raw);

    (void)state;
    ev.src_port = 49151;
    assert_int_equal(hear(n, ev), BFD_R_SRC_PORT);
    ev.src_port = 3784;
    assert_int_equal(hear(n, ev), BFD_R_SRC_PORT);
    ev.src_port = 49152;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    ev.src_port = 65535;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    n->config[A].any_src_port = true; /* BIRD on Linux */
    net_reconfigure(n, A, 0);
    ev.src_port = 32768;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    net_free(n);
}

static void a_first_packet_from_elsewhere_is_refused(void **state)
{
    struct net *n = listening(false);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event good = first_packet(n, raw), ev;

    (void)state;
    ev = good;
    ev.iface++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.iface = BFD_NO_IFACE;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.table = 7;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.multihop = true;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.remote.b[3]++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev = good;
    ev.local.b[3]++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_int_equal(bfd_refused(n->node[A].b, BFD_R_NO_SESSION), 6);
    assert_int_equal(hear(n, good), BFD_ACCEPTED);
    net_free(n);
}

static void our_discriminator_does_not_open_another_path(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_DOWN);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event good, ev;
    struct kd_writer w;

    (void)state;
    p.length = BFD_HEADER_LEN;
    kd_writer_init(&w, raw, sizeof(raw));
    bfd_packet_build(&p, &w);
    good = net_packet_event(n, kd_written(&w));
    ev = good;
    ev.iface = BFD_NO_IFACE; /* beside the tunnel */
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    ev = good;
    ev.multihop = true; /* around the TTL check */
    ev.ttl = 64;
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    ev = good;
    ev.table = 1;
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    ev = good;
    ev.remote = ev.local = (struct kd_addr){.family = 6};
    assert_int_equal(hear(n, ev), BFD_R_PATH);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    ev = good;
    ev.remote.b[3] ^= 0xff; /* RFC 5880 6.3: the source may change */
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    net_free(n);
}

static void an_unknown_discriminator_is_refused(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_DOWN);

    (void)state;
    p.your_discr ^= 1;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_R_NO_SESSION);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_free(n);
}

static void your_discr_zero_in_up_is_refused(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    p.your_discr = 0;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_R_YOUR_DISCR_ZERO);
    p.state = BFD_INIT;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_R_YOUR_DISCR_ZERO);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    p.state = BFD_DOWN; /* the peer has restarted */
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_DOWN);
    assert_true(net_note(n, A)->a.failure);
    net_free(n);
}

static void a_point_to_point_session_is_found_by_any_source(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    uint8_t raw[BFD_HEADER_LEN];
    struct bfd_event ev;

    (void)state;
    n->config[A].point_to_point = true;
    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    ev = first_packet(n, raw);
    ev.remote = kd_addr_v4(0xc0000201);
    ev.iface++;
    assert_int_equal(hear(n, ev), BFD_R_NO_SESSION);
    ev.iface--;
    assert_int_equal(hear(n, ev), BFD_ACCEPTED);
    assert_int_equal(net_view(n, A, 0).state, BFD_INIT);
    net_free(n);
}

static void a_session_without_local_address_is_found(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    uint8_t raw[BFD_HEADER_LEN];

    (void)state;
    net_path(&n->config[A], A, 0);
    n->config[A].local = (struct kd_addr){0};
    assert_int_equal(bfd_session_set(n->node[A].b, 0, &n->config[A]), BFD_CONFIG_OK);
    net_admin(n, A, 0, true);
    assert_int_equal(hear(n, first_packet(n, raw)), BFD_ACCEPTED);
    net_free(n);
}

static void the_peer_may_change_its_discriminator(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    p.my_discr = 77;
    assert_int_equal(net_say(n, p, NULL, 0), BFD_ACCEPTED);
    net_run(n, KD_MS(300));
    assert_int_equal(net_sent(n, A)->p.your_discr, 77);
    assert_int_equal(net_view(n, A, 0).state, BFD_UP);
    net_free(n);
}

/* Nothing that comes in makes more notes than ten in ten seconds. */
static void notes_of_refused_packets_are_few(void **state)
{
    struct net *n = played_up(SEED);
    struct bfd_packet p = net_peer(n, BFD_UP);

    (void)state;
    p.your_discr ^= 1;
    for (int i = 0; i < 1000; i++)
        net_say(n, p, NULL, 0);
    assert_int_equal(n->node[A].refused_notes, 10);
    n->now_us += KD_S(10);
    net_say(n, p, NULL, 0);
    assert_int_equal(n->node[A].refused_notes, 11);
    assert_int_equal(n->node[A].suppressed, 990);
    assert_int_equal(bfd_refused(n->node[A].b, BFD_R_NO_SESSION), 1001);
    net_free(n);
}

/* ---- configuration ---- */

static void bad_configurations_are_refused(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct bfd_session_config good = n->config[A], c;
    struct bfd *b = n->node[A].b;

    (void)state;
    net_path(&good, A, 0);
    c = good;
    c.remote = (struct kd_addr){0};
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ADDRESS);
    c = good;
    c.local = (struct kd_addr){.family = 6};
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ADDRESS);
    c = good;
    c.tx_us = BFD_INTERVAL_MIN - 1;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_INTERVAL);
    c = good;
    c.rx_us = BFD_INTERVAL_MAX + 1;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_INTERVAL);
    c = good;
    c.rx_us = 0;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_INTERVAL);
    c = good;
    c.passive = true;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ROLE);
    c = good;
    c.multihop = c.point_to_point = true;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_ROLE);
    c = good;
    c.auth.type = BFD_AUTH_PASSWORD;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_PASSWORD);
    assert_int_equal(bfd_session_set(b, 0, &good), BFD_CONFIG_OK);
    assert_int_equal(bfd_session_set(b, 1, &good), BFD_CONFIG_TAKEN);
    c = good;
    c.iface++;
    assert_int_equal(bfd_session_set(b, 0, &c), BFD_CONFIG_MOVED);
    assert_int_equal(bfd_session_set(b, 1, &c), BFD_CONFIG_OK);
    net_free(n);
}

static void sessions_are_bounded_and_their_places_used_again(void **state)
{
    struct net *n = net_new(SEED, 1, 3);

    (void)state;
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(net_set(n, A, round * 3 + i), BFD_CONFIG_OK);
        assert_int_equal(net_set(n, A, 1000), BFD_CONFIG_FULL);
        for (uint32_t i = 0; i < 3; i++)
            net_admin(n, A, round * 3 + i, true);
        net_run(n, KD_S(2));
        for (uint32_t i = 0; i < 3; i++)
            bfd_session_del(n->node[A].b, round * 3 + i);
    }
    net_run(n, KD_S(10));
    assert_int_equal(n->node[A].deadline_us, KD_NEVER);
    net_free(n);
}

static void unknown_sessions_are_ignored(void **state)
{
    struct net *n = net_new(SEED, 1, 0);
    struct bfd_session_view v;

    (void)state;
    net_admin(n, A, 5, true);
    net_admin(n, A, 5, false);
    net_event(n, A, (struct bfd_event){.kind = BFD_EV_CONFIG, .session = 5});
    bfd_session_del(n->node[A].b, 5);
    assert_false(bfd_session_get(n->node[A].b, 5, &v));
    assert_int_equal(n->node[A].sent_n + n->node[A].notes_n, 0);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_ttl_is_refused),
        cmocka_unit_test(multihop_takes_the_ttl_it_is_told),
        cmocka_unit_test(wrong_source_port_is_refused),
        cmocka_unit_test(a_first_packet_from_elsewhere_is_refused),
        cmocka_unit_test(our_discriminator_does_not_open_another_path),
        cmocka_unit_test(an_unknown_discriminator_is_refused),
        cmocka_unit_test(your_discr_zero_in_up_is_refused),
        cmocka_unit_test(a_point_to_point_session_is_found_by_any_source),
        cmocka_unit_test(a_session_without_local_address_is_found),
        cmocka_unit_test(the_peer_may_change_its_discriminator),
        cmocka_unit_test(notes_of_refused_packets_are_few),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(sessions_are_bounded_and_their_places_used_again),
        cmocka_unit_test(unknown_sessions_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
