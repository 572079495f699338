/* The userspace data plane: sizes of packets, and IKE on the NAT-T socket. */
#include "test_dataplane.h"

/* ---- tests: sizes ---- */

/* A SYN with MSS 1460 behind a 20-byte header; the checksum is not looked at here. */
static size_t syn(uint8_t *p, uint8_t from, uint8_t to)
{
    inner(p, 44, from, to);
    memset(p + 20, 0, 24);
    p[9] = 6;
    p[32] = 0x60;
    p[33] = 2;
    memcpy(p + 40, "\x02\x04\x05\xb4", 4);
    return 44;
}

static void the_mss_is_clamped_in_both_directions(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), off = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[64];
    size_t len;

    p.mss = 1350;
    install_one(&a, &p);
    install_one(&b, &off);
    len = syn(pkt, 1, 2);
    assert_int_equal(write(a.tun, pkt, len), len); /* leaving a */
    assert_int_equal(arrives(&b, got), len);
    assert_int_equal(got[42] << 8 | got[43], 1350);
    len = syn(pkt, 2, 1);
    assert_int_equal(write(b.tun, pkt, len), len); /* entering a; b has it off */
    assert_int_equal(arrives(&a, got), len);
    assert_int_equal(got[42] << 8 | got[43], 1350);
}

/* lo has an MTU of 1500 here. */
static void a_packet_too_big_to_fragment_is_answered_and_others_are_fragmented(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[1500];
    size_t n;

    p.suite = suite_of("aes256", "sha1", false);
    install(&p);
    there_and_back(1422);
    there_and_back(1500); /* without DF: in outer fragments */
    inner(pkt, 1423, 1, 2);
    pkt[6] = 0x40;
    assert_int_equal(write(a.tun, pkt, 1423), 1423);
    n = arrives(&a, got);
    assert_int_equal(n, 20 + 8 + 548);
    assert_int_equal(inet_sum(got, 20), 0);
    assert_int_equal(inet_sum(got + 20, n - 20), 0);
    assert_memory_equal(got + 12, "\x0a\x00\x00\x02\x0a\x00\x00\x01", 8);
    assert_memory_equal(got + 20, "\x03\x04", 2);
    assert_int_equal(got[26] << 8 | got[27], 1422);
    assert_memory_equal(got + 28, pkt, 548);
    assert_int_equal(write(a.tun, pkt, 1423), 1423); /* within 10 ms: no second answer */
    inner(pkt, 60, 1, 2);
    crosses(&a, &b, pkt, 60);
    assert_int_equal(counters(&a, 1).dropped_other, 2);
}

static void too_big_over_ipv6_is_answered_from_1281_on(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[1500], pseudo[40];
    size_t n;

    p.net_a = "2001:db8::1/128";
    p.net_b = "2001:db8::2/128";
    install(&p);
    make_v6(pkt, 1400, 17);
    crosses(&a, &b, pkt, 1400);
    make_v6(pkt, 1419, 17); /* 1418 fit */
    assert_int_equal(write(a.tun, pkt, 1419), 1419);
    n = arrives(&a, got);
    assert_int_equal(n, 1280);
    assert_int_equal(got[40], 2);
    assert_int_equal(got[46] << 8 | got[47], 1418);
    assert_memory_equal(got + 24, pkt + 8, 16);
    assert_memory_equal(got + 48, pkt, 1280 - 48);
    memset(pseudo, 0, sizeof(pseudo));
    memcpy(pseudo, got + 8, 32);
    put16(pseudo + 34, n - 40);
    pseudo[39] = 58;
    memmove(got, pseudo, 40);
    assert_int_equal(inet_sum(got, n), 0);
}

/* ---- tests: IKE on the NAT-T socket ---- */

static void ike_is_handed_over_without_its_marker(void **st KD_UNUSED)
{
    struct kd_endpoint me;
    int fd = socket_at(&me);
    struct io_dp_event ev;

    throw_at(fd, &b, "\0\0\0\0an IKE message", 18);
    ev = event_of(&b, IO_DP_IKE);
    assert_int_equal(ev.len, 14);
    assert_memory_equal(ev.data, "an IKE message", 14);
    assert_true(kd_endpoint_eq(&ev.local, &b.at));
    assert_true(kd_endpoint_eq(&ev.remote, &me));
    assert_true(ev.at_us / 1000 <= now_ms());
    io_dp_event_done(&ev);
    close(fd);
}

static void ike_is_sent_with_its_marker_from_the_port(void **st KD_UNUSED)
{
    struct io_dp_event ev;
    struct kd_endpoint elsewhere = {.addr = kd_addr_v4(0x7f000009), .port = NATT_PORT};

    assert_true(io_dp_send_ike(a.dp, &a.at, &b.at, kd_bytes_str("hello")));
    ev = event_of(&b, IO_DP_IKE);
    assert_int_equal(ev.len, 5);
    assert_memory_equal(ev.data, "hello", 5);
    assert_true(kd_endpoint_eq(&ev.remote, &a.at));
    io_dp_event_done(&ev);
    assert_false(io_dp_send_ike(a.dp, &elsewhere, &b.at, kd_bytes_str("hello")));
}

static void keepalives_and_scraps_are_dropped_and_counted(void **st KD_UNUSED)
{
    struct kd_endpoint me;
    int fd = socket_at(&me);

    throw_at(fd, &b, "\xff", 1);
    throw_at(fd, &b, "", 0);
    throw_at(fd, &b, "\xfe", 1);
    throw_at(fd, &b, "\0\0\0", 3);
    throw_at(fd, &b, "\0\0\0\0", 4);     /* a marker and nothing behind */
    throw_at(fd, &b, "\0\0\x10\x99", 4); /* an SPI nobody has */
    eventually(totals(&b).unknown_spi == 1);
    assert_int_equal(totals(&b).keepalives, 1);
    assert_int_equal(totals(&b).malformed, 4);
    fence(&b);
    assert_int_equal(b.said[IO_DP_IKE], 0);
    close(fd);
}

static void a_flood_of_ike_is_bounded_and_counted_and_traffic_goes_on(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct kd_endpoint me;
    int fd = socket_at(&me);
    struct io_dp_event ev;
    uint8_t junk[200] = {0};
    uint64_t queued = 0;

    install(&p);
    for (uint64_t sent = 1; sent <= 5000; sent++) {
        throw_at(fd, &b, junk, sizeof(junk));
        if (sent % 500 == 0)
            eventually(totals(&b).ike + totals(&b).rxq_overflow >= sent);
    }
    there_and_back(100); /* full of IKE, and ESP passes */
    while (io_dp_poll(b.dp, &ev)) {
        queued += ev.kind == IO_DP_IKE;
        b.said[ev.kind]++;
        io_dp_event_done(&ev);
    }
    assert_int_equal(queued, 1024);
    assert_int_equal(totals(&b).ike_dropped, totals(&b).ike - 1024);
    assert_int_equal(b.said[IO_DP_SEEN], 1); /* and what matters was not crowded out */
    throw_at(fd, &b, "\0\0\0\0again", 9);
    ev = event_of(&b, IO_DP_IKE);
    assert_int_equal(ev.len, 5);
    io_dp_event_done(&ev);
    close(fd);
}

static void listening_fails_with_a_remedy(void **st KD_UNUSED)
{
    static const struct core_outer gone = {.device = "nodevice0"};
    struct kd_addr foreign = kd_addr_v4(0xc0000201);
    char text[160];
    bool raw_ok;

    assert_false(
        io_dp_listen(b.dp, &a.at.addr, &outer, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "another program"));
    assert_false(
        io_dp_listen(b.dp, &foreign, &outer, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "isn't on this host"));
    assert_false(
        io_dp_listen(b.dp, &b.at.addr, &outer, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "already"));
    assert_false(
        io_dp_listen(b.dp, &foreign, &gone, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "`device` isn't there"));
}

static void stopping_with_everything_queued_leaks_nothing(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    uint8_t pkt[60];

    inner(pkt, sizeof(pkt), 1, 2);
    for (uint32_t i = 1; i < 20; i++) {
        p.n = i;
        add_to(&a, &p);
        io_dp_inject(a.dp, 0, kd_bytes(pkt, sizeof(pkt)));
        (void)io_dp_send_ike(b.dp, &b.at, &a.at, kd_bytes_str("x"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_v4(the_mss_is_clamped_in_both_directions),
        over_v4(a_packet_too_big_to_fragment_is_answered_and_others_are_fragmented),
        over_v6(too_big_over_ipv6_is_answered_from_1281_on),
        over_v4(ike_is_handed_over_without_its_marker),
        over_v4(ike_is_sent_with_its_marker_from_the_port),
        over_v4(keepalives_and_scraps_are_dropped_and_counted),
        over_v4(a_flood_of_ike_is_bounded_and_counted_and_traffic_goes_on),
        over_v4(listening_fails_with_a_remedy),
        over_v4(stopping_with_everything_queued_leaks_nothing),
    };

    if (skipped())
        return 77;
    return cmocka_run_group_tests(tests, group_start, group_end);
}
