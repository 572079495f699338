/* The userspace data plane: the way of packets, rekeys and deletions. */
#include "test_dataplane.h"

/* ---- tests: the way of packets ---- */

static void packets_of_all_sizes_cross(const struct pair *p)
{
    struct io_dp_counters c;
    uint64_t n = 0;

    install(p);
    for (size_t len = 28; len <= 1400; len += 49, n++)
        there_and_back(len);
    eventually(counters(&a, p->n).packets_in == n);
    c = counters(&a, p->n);
    assert_int_equal(c.packets_out, n);
    assert_int_equal(c.bytes_in, c.bytes_out);
    assert_int_equal(c.dropped_auth + c.dropped_other + c.dropped_replay + c.dropped_ts, 0);
}

static void esp_in_udp_carries_packets_both_ways(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);

    packets_of_all_sizes_cross(&p);
}

static void plain_esp_carries_packets_both_ways(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);

    p.encap = false;
    p.suite = suite_of("aes256", "sha1", true);
    packets_of_all_sizes_cross(&p);
}

static void either_form_is_taken_whatever_was_negotiated(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);

    install_one(&a, &p);
    p.encap = false;
    install_one(&b, &p);
    there_and_back(100);
}

static void a_burst_crosses_in_order(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[200];

    install(&p);
    for (uint8_t i = 0; i < 150; i++) {
        inner(pkt, sizeof(pkt), 1, 2);
        pkt[28] = i;
        assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    }
    for (uint8_t i = 0; i < 150; i++) {
        assert_int_equal(arrives(&b, got), sizeof(pkt));
        assert_int_equal(got[28], i);
    }
}

static void an_injected_packet_leaves_through_the_tunnel(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[84];

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    io_dp_inject(a.dp, 0, kd_bytes(pkt, sizeof(pkt)));
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    assert_memory_equal(got, pkt, sizeof(pkt));
}

static void what_is_carried_for_others_is_a_spell_until_it_pauses(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct kd_addr own = kd_addr_v4(0x0a000001);
    struct io_dp_spell first, s;
    uint8_t pkt[100];
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    close(a.tun);
    a.tun = fds[1];
    io_dp_tun_add(a.dp, 0, fds[0], NULL, &own);
    p.net_a = "10.0.0.0/24";
    install(&p);
    inner(pkt, sizeof(pkt), 2, 1); /* BGP's, as it were */
    crosses(&b, &a, pkt, sizeof(pkt));
    io_dp_spell(a.dp, 0, &s);
    assert_true(s.first_us == 0 && s.last_us == 0);
    inner(pkt, sizeof(pkt), 2, 3);
    crosses(&b, &a, pkt, sizeof(pkt));
    io_dp_spell(a.dp, 0, &first);
    assert_true(first.first_us > 0 && first.last_us == first.first_us && first.before_us == 0);
    eventually((uint64_t)now_ms() * 1000 > first.last_us + IO_DP_SPELL_GAP_US + 1000);
    crosses(&b, &a, pkt, sizeof(pkt));
    io_dp_spell(a.dp, 0, &s);
    assert_int_equal(s.before_us, first.last_us);
    assert_true(s.first_us > first.last_us + IO_DP_SPELL_GAP_US && s.last_us == s.first_us);
}

static void seen_is_said_exactly_once_a_child(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);
    struct io_dp_event ev;

    install(&p);
    for (int i = 0; i < 3; i++)
        there_and_back(60);
    ev = event_of(&b, IO_DP_SEEN);
    assert_true(kd_handle_eq(ev.child, child(1)));
    assert_true(ev.at_us > 0 && ev.at_us / 1000 <= now_ms());
    install(&q);
    io_dp_sa_use(a.dp, child(2), child(1));
    fence(&a);
    there_and_back(60);
    there_and_back(60);
    ev = event_of(&b, IO_DP_SEEN);
    assert_true(kd_handle_eq(ev.child, child(2)));
    fence(&b);
    assert_int_equal(b.said[IO_DP_SEEN], 2);
    fence(&a);
    assert_int_equal(a.said[IO_DP_SEEN], 1); /* b has gone on sending with its first pair */
}

static void what_the_selectors_do_not_allow_is_dropped_both_ways(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), lax = gcm_pair(1);
    uint8_t pkt[60];

    lax.net_a = lax.net_b = "0.0.0.0/0"; /* a sends what b didn't agree to */
    install_one(&a, &lax);
    install_one(&b, &p);
    inner(pkt, sizeof(pkt), 7, 2); /* a spoofed inner source */
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(counters(&b, 1).dropped_ts == 1);
    inner(pkt, sizeof(pkt), 1, 7); /* a foreign destination */
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(counters(&b, 1).dropped_ts == 2);
    inner(pkt, sizeof(pkt), 7, 1); /* and b doesn't send such */
    assert_int_equal(write(b.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(counters(&b, 1).dropped_ts == 3);
    assert_int_equal(counters(&b, 1).packets_out, 0);
    there_and_back(60);
}

static void of_several_children_the_one_that_matches_sends(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);
    uint8_t pkt[60];

    q.net_b = "10.0.0.3/32";
    install(&p);
    install(&q);
    inner(pkt, sizeof(pkt), 1, 3);
    crosses(&a, &b, pkt, sizeof(pkt));
    inner(pkt, sizeof(pkt), 1, 2);
    crosses(&a, &b, pkt, sizeof(pkt));
    assert_int_equal(counters(&a, 1).packets_out, 1);
    assert_int_equal(counters(&a, 2).packets_out, 1);
}

/* Whatever the order in which they were put to use. */
static void the_narrowest_child_sends_and_of_equals_the_last_used(void **st KD_UNUSED)
{
    static const uint32_t orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {1, 3, 2}};
    struct pair p[5] = {{.n = 0}};
    uint8_t pkt[60];

    for (uint32_t i = 1; i <= 4; i++)
        p[i] = gcm_pair(i);
    p[1].net_a = p[1].net_b = "0.0.0.0/0";
    p[2].net_b = "10.0.0.0/24";
    p[3].net_b = "10.0.0.3/32";
    p[4].net_b = "10.0.0.0/24";
    for (size_t o = 0; o < KD_ARRAY_LEN(orders); o++) {
        for (int i = 0; i < 3; i++) {
            install(&p[orders[o][i]]);
            io_dp_sa_use(a.dp, child(orders[o][i]), KD_HANDLE_NONE);
        }
        fence(&a);
        inner(pkt, sizeof(pkt), 1, 3);
        crosses(&a, &b, pkt, sizeof(pkt));
        inner(pkt, sizeof(pkt), 1, 2);
        crosses(&a, &b, pkt, sizeof(pkt));
        crosses(&a, &b, pkt, sizeof(pkt));
        inner(pkt, sizeof(pkt), 7, 2);
        crosses(&a, &b, pkt, sizeof(pkt));
        assert_int_equal(counters(&a, 3).packets_out, 1);
        assert_int_equal(counters(&a, 2).packets_out, 2);
        assert_int_equal(counters(&a, 1).packets_out, 1);
        install(&p[4]);
        io_dp_sa_use(a.dp, child(4), KD_HANDLE_NONE);
        fence(&a);
        inner(pkt, sizeof(pkt), 1, 2);
        crosses(&a, &b, pkt, sizeof(pkt));
        assert_int_equal(counters(&a, 4).packets_out, 1);
        for (uint32_t i = 1; i <= 4; i++) {
            io_dp_sa_del(a.dp, child(i));
            io_dp_sa_del(b.dp, child(i));
        }
        fence(&a);
        fence(&b);
    }
}

/* A rekey may widen: the narrower predecessor, which the peer drops, must not go on sending. */
static void a_wider_successor_takes_over_from_a_narrower_predecessor(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);
    uint8_t pkt[60];

    q.net_a = q.net_b = "0.0.0.0/0";
    install(&p);
    io_dp_sa_use(a.dp, child(1), KD_HANDLE_NONE);
    install(&q);
    io_dp_sa_use(a.dp, child(2), child(1));
    fence(&a);
    inner(pkt, sizeof(pkt), 1, 2);
    crosses(&a, &b, pkt, sizeof(pkt));
    assert_int_equal(counters(&a, 2).packets_out, 1);
}

static void limits_are_told_of_once_each_in_either_direction(void **st KD_UNUSED)
{
    static const struct {
        struct ike_limits limits;
        unsigned soft, hard; /* after so many packets of 60 bytes; 0: never */
    } rows[] = {
        {{.soft_packets = 3, .hard_packets = 5}, 3, 5},
        {{.soft_bytes = 170, .hard_bytes = 300}, 3, 5},
        {{.soft_bytes = 10000, .hard_packets = 4}, 0, 4},
        {{0}, 0, 0},
    };
    uint8_t pkt[60];

    for (size_t i = 0; i < KD_ARRAY_LEN(rows) * 2; i++) {
        bool out = i & 1;
        struct pair p = gcm_pair((uint32_t)i + 1);
        unsigned n = 0;
        p.limits = rows[i / 2].limits;
        install(&p);
        inner(pkt, sizeof(pkt), out ? 1 : 2, out ? 2 : 1);
        for (; n < 8; n++) {
            int before = a.said[IO_DP_EXPIRE];
            crosses(out ? &a : &b, out ? &b : &a, pkt, sizeof(pkt));
            fence(&a);
            if (n + 1 == rows[i / 2].soft || n + 1 == rows[i / 2].hard)
                assert_int_equal(a.said[IO_DP_EXPIRE], before + 1);
            else
                assert_int_equal(a.said[IO_DP_EXPIRE], before);
        }
        io_dp_sa_del(a.dp, child((uint32_t)i + 1));
        io_dp_sa_del(b.dp, child((uint32_t)i + 1));
        fence(&a);
        fence(&b);
    }
}

static void replays_and_forgeries_are_counted_and_not_delivered(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[60], wire[256];
    int tap = socket_at(&p.to_b);
    ssize_t n;

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    wait_readable(tap);
    n = recv(tap, wire, sizeof(wire), 0);
    assert_true(n > 60);
    wire[n - 1] ^= 1;
    throw_at(tap, &b, wire, (size_t)n);
    eventually(counters(&b, 1).dropped_auth == 1);
    wire[n - 1] ^= 1;
    throw_at(tap, &b, wire, (size_t)n); /* from another address than a's: the ICV counts */
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    throw_at(tap, &b, wire, (size_t)n);
    eventually(counters(&b, 1).dropped_replay == 1);
    wire[3] ^= 0x80;
    throw_at(tap, &b, wire, (size_t)n);
    eventually(totals(&b).unknown_spi == 1);
    fence(&b);
    assert_int_equal(b.said[IO_DP_SEEN], 1); /* a forgery is no proof */
    close(tap);
}

/* Nothing in the data plane moves by it: IKE decides. */
static void the_newest_authentic_packets_source_is_told_of(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    struct kd_endpoint me;
    uint8_t pkt[60], wire[3][256];
    int tap = socket_at(&p.to_b), other = socket_at(&me);
    struct io_dp_event ev;
    size_t n[3];

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
        wait_readable(tap);
        n[i] = (size_t)recv(tap, wire[i], sizeof(wire[i]), 0);
    }
    wire[1][n[1] - 1] ^= 1; /* a forgery says nothing */
    throw_at(other, &b, wire[1], n[1]);
    eventually(counters(&b, 1).dropped_auth == 1);
    wire[1][n[1] - 1] ^= 1;
    fence(&b);
    assert_int_equal(b.said[IO_DP_SOURCE], 0);
    throw_at(other, &b, wire[1], n[1]);
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    ev = event_of(&b, IO_DP_SOURCE);
    assert_true(kd_endpoint_eq(&ev.remote, &me) && kd_handle_eq(ev.child, child(1)));
    throw_at(tap, &b, wire[0], n[0]); /* authentic, but older: a delayed or replayed one */
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    fence(&b);
    assert_int_equal(b.said[IO_DP_SOURCE], 1);
    io_dp_sa_move(b.dp, child(1), &b.at, &me);
    fence(&b);
    throw_at(other, &b, wire[2], n[2]); /* known by now */
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    fence(&b);
    assert_int_equal(b.said[IO_DP_SOURCE], 1);
    close(tap);
    close(other);
}

static void a_moved_child_sends_to_its_new_peer(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    int tap = socket_at(&p.to_b);
    uint8_t pkt[60], wire[256];

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    wait_readable(tap);
    assert_true(recv(tap, wire, sizeof(wire), 0) > 60);
    io_dp_sa_move(a.dp, child(1), &a.at, &b.at);
    fence(&a);
    there_and_back(60);
    close(tap);
}

/* ---- tests: rekey, deletion ---- */

static void a_successor_receives_at_once_and_sends_when_told(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);

    install(&p);
    there_and_back(60);
    install(&q);
    there_and_back(60);
    assert_int_equal(counters(&a, 1).packets_out, 2);
    io_dp_sa_use(a.dp, child(2), child(1));
    fence(&a);
    there_and_back(60); /* a by the new, b still by the old */
    assert_int_equal(counters(&a, 2).packets_out, 1);
    eventually(counters(&a, 1).packets_in == 3);
    io_dp_sa_del(a.dp, child(1)); /* without USE at b: with the old gone, the new is all it has */
    io_dp_sa_del(b.dp, child(1));
    fence(&a);
    fence(&b);
    there_and_back(60);
    eventually(counters(&a, 2).packets_in == 1);
}

/* A device of a's, tunnel 7, with a trap; the end that packets are written to. */
static int trapped_device(const struct ike_conn_config *trap)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    io_dp_tun_add(a.dp, 7, fds[0], trap, &(struct kd_addr){0});
    return fds[1];
}

static void packets_that_a_trap_waits_for_are_told_of_once_a_second(void **st KD_UNUSED)
{
    static struct ike_conn_config trap = {.n_children = 1};
    struct kd_prefix local, remote;
    struct io_dp_event ev;
    uint8_t pkt[60];
    int fd = trapped_device(&trap);

    assert_true(kd_prefix_parse("10.0.0.0/8", true, &local));
    assert_true(kd_prefix_parse("0.0.0.0/0", true, &remote));
    trap.child[0].local_ts = (struct ike_ts_list){.n = 1, .ts = {ike_ts_from_prefix(&local)}};
    trap.child[0].remote_ts = (struct ike_ts_list){.n = 1, .ts = {ike_ts_from_prefix(&remote)}};
    inner(pkt, sizeof(pkt), 1, 2);
    pkt[12] = 11; /* a source that isn't the trap's */
    assert_int_equal(write(fd, pkt, sizeof(pkt)), sizeof(pkt));
    pkt[12] = 10;
    pkt[16] = 224; /* to everybody */
    assert_int_equal(write(fd, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(totals(&a).no_sa == 2);
    assert_int_equal(a.said[IO_DP_TRAFFIC], 0);
    pkt[16] = 10;
    for (int i = 0; i < 50; i++)
        assert_int_equal(write(fd, pkt, sizeof(pkt)), sizeof(pkt));
    ev = event_of(&a, IO_DP_TRAFFIC);
    assert_int_equal(ev.tunnel, 7);
    eventually(totals(&a).no_sa == 52);
    fence(&a);
    assert_in_range(a.said[IO_DP_TRAFFIC], 1, 2); /* 50 packets take less than two seconds */
    io_dp_tun_del(a.dp, 7);
    close(fd);
}

static void a_deleted_child_neither_sends_nor_receives(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_counters c;
    uint8_t pkt[60];

    install(&p);
    there_and_back(60);
    io_dp_sa_del(b.dp, child(1));
    fence(&b);
    assert_false(io_dp_count(b.dp, child(1), &c));
    inner(pkt, sizeof(pkt), 1, 2);
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(totals(&b).unknown_spi == 1);
    io_dp_sa_del(a.dp, child(1));
    io_dp_inject(a.dp, 0, kd_bytes(pkt, sizeof(pkt)));
    fence(&a);
    assert_int_equal(totals(&a).no_sa, 1);
    assert_int_equal(totals(&b).unknown_spi, 1);
    install(&p); /* the SPI is free again */
    there_and_back(60);
}

static void a_removed_device_takes_its_children_along(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_counters c;
    uint8_t byte;

    install(&p);
    io_dp_tun_del(a.dp, 0);
    fence(&a);
    assert_false(io_dp_count(a.dp, child(1), &c));
    assert_int_equal(read(a.tun, &byte, 1), 0); /* closed */
    fence(&a);
    assert_int_equal(a.said[IO_DP_TUN_FAIL], 0); /* on demand is no failure */
}

static void a_broken_device_is_reported_once(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_event ev;

    install(&p);
    shutdown(b.tun, SHUT_RDWR);
    ev = event_of(&b, IO_DP_TUN_FAIL);
    assert_int_equal(ev.tunnel, 0);
    assert_non_null(strstr(ev.text, "TUN device is gone"));
    fence(&b);
    assert_int_equal(b.said[IO_DP_TUN_FAIL], 1);
}

static void refused(struct io_dp_sa *sa, const char *why)
{
    struct io_dp_event ev;

    io_dp_sa_add(a.dp, sa);
    ev = event_of(&a, IO_DP_RESULT);
    assert_false(ev.ok);
    if (!strstr(ev.text, why))
        fail_msg("\"%s\" doesn't say \"%s\"", ev.text, why);
}

static void what_cannot_be_installed_is_refused_with_its_reason(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_sa sa = sa_for(&p, true), x = sa;

    x.tunnel = 5;
    refused(&x, "no TUN device");
    x.tunnel = UINT32_MAX;
    refused(&x, "no TUN device");
    x = sa;
    x.local.addr = kd_addr_v4(0x7f000009);
    refused(&x, "listen");
    x = sa;
    x.sa.encr = 9999;
    refused(&x, "encryption");
    x = sa;
    x.sa.integ = 9999;
    refused(&x, "integrity");
    x = sa;
    x.sa.key_enc_out = KD_HANDLE_NONE;
    refused(&x, "key");
    install_one(&a, &p);
    refused(&sa, "already");
    x = sa;
    x.child = child(2);
    refused(&x, "SPI");
    free_keys(&sa.sa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_v4(esp_in_udp_carries_packets_both_ways),
        over_v6(esp_in_udp_carries_packets_both_ways),
        over_v4(plain_esp_carries_packets_both_ways),
        over_v6(plain_esp_carries_packets_both_ways),
        over_v4(either_form_is_taken_whatever_was_negotiated),
        over_v4(a_burst_crosses_in_order),
        over_v4(an_injected_packet_leaves_through_the_tunnel),
        over_v4(what_is_carried_for_others_is_a_spell_until_it_pauses),
        over_v4(seen_is_said_exactly_once_a_child),
        over_v4(what_the_selectors_do_not_allow_is_dropped_both_ways),
        over_v4(of_several_children_the_one_that_matches_sends),
        over_v4(the_narrowest_child_sends_and_of_equals_the_last_used),
        over_v4(a_wider_successor_takes_over_from_a_narrower_predecessor),
        over_v4(limits_are_told_of_once_each_in_either_direction),
        over_v4(replays_and_forgeries_are_counted_and_not_delivered),
        over_v4(the_newest_authentic_packets_source_is_told_of),
        over_v4(a_moved_child_sends_to_its_new_peer),
        over_v4(a_successor_receives_at_once_and_sends_when_told),
        over_v4(packets_that_a_trap_waits_for_are_told_of_once_a_second),
        over_v4(a_deleted_child_neither_sends_nor_receives),
        over_v4(a_removed_device_takes_its_children_along),
        over_v4(a_broken_device_is_reported_once),
        over_v4(what_cannot_be_installed_is_refused_with_its_reason),
    };

    if (skipped())
        return 77;
    return cmocka_run_group_tests(tests, group_start, group_end);
}
