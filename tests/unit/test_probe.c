/* kedge probe's arithmetic in pretended time: what counts as lost, when an outage begins and ends,
 * which direction lost it, quantiles, ways; and the packets that carry it, good and just beside. */
#include "probe/echo.h"
#include "probe/probe.h"
#include "probe/rtt.h"
#include "probe/wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define MS 1000u

static struct probe *probe;
static struct probe_outage outage;

static int setup(void **state)
{
    const struct probe_params par = {.interval_us = 10 * MS, .timeout_us = 100 * MS};
    (void)state;
    probe = probe_new(&par);
    return probe ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    probe_free(probe);
    return 0;
}

/* Sends packets first to last at 10 ms each; all but those from lost_from to lost_to are answered 1
 * ms later. Returns the outages that ended meanwhile. */
static unsigned play(uint64_t first, uint64_t last, uint64_t lost_from, uint64_t lost_to)
{
    unsigned ended = 0;
    for (uint64_t seq = first; seq <= last; seq++) {
        uint64_t now = seq * 10 * MS;
        assert_int_equal(probe_sent(probe, now), seq);
        if (seq < lost_from || seq > lost_to)
            probe_answered(probe, seq, 0, now + MS);
        while (probe_judge(probe, now + MS, &outage))
            ended++;
    }
    return ended;
}

static void what_is_answered_in_time_is_not_lost(void **state)
{
    struct probe_summary s;
    (void)state;
    assert_int_equal(play(0, 9, 1, 0), 0);
    probe_sent(probe, 100 * MS);
    probe_answered(probe, 10, 0, 100 * MS + 100 * MS - 1); /* the last moment */
    probe_sent(probe, 110 * MS);
    probe_answered(probe, 11, 0, 110 * MS + 100 * MS); /* and the one after it */
    assert_false(probe_judge(probe, 210 * MS, &outage));
    probe_summarize(probe, 210 * MS, &s);
    assert_int_equal(s.sent, 12);
    assert_int_equal(s.answered, 11);
    assert_int_equal(s.lost, 1);
    assert_int_equal(s.late, 1);
    assert_true(s.open);
}

static void an_outage_lasts_from_the_last_good_packet_to_the_next(void **state)
{
    struct probe_summary s;
    (void)state;
    assert_int_equal(play(0, 60, 20, 27), 1);
    assert_int_equal(outage.first_seq, 20);
    assert_int_equal(outage.lost, 8);
    assert_int_equal(outage.last_good_us, 190 * MS);
    assert_int_equal(outage.first_good_us, 280 * MS);
    assert_false(outage.counted);
    probe_summarize(probe, 600 * MS, &s);
    assert_int_equal(s.outages, 1);
    assert_int_equal(s.longest.lost, 8);
    assert_false(s.open);
}

static void an_outage_that_goes_on_is_told_as_one(void **state)
{
    struct probe_summary s;
    (void)state;
    assert_int_equal(play(0, 60, 40, 60), 0);
    probe_summarize(probe, 610 * MS, &s);
    assert_true(s.open);
    assert_int_equal(s.outages, 1);
    assert_int_equal(s.longest.last_good_us, 390 * MS);
    assert_int_equal(s.longest.first_good_us, 0);
}

static void before_the_first_answer_there_is_no_outage(void **state)
{
    struct probe_summary s;
    (void)state;
    assert_int_equal(play(0, 60, 0, 30), 0);
    probe_summarize(probe, 600 * MS, &s);
    assert_int_equal(s.lost, 31);
    assert_int_equal(s.outages, 0);
}

static void the_longest_outage_is_kept_among_several(void **state)
{
    struct probe_summary s;
    (void)state;
    assert_int_equal(play(0, 40, 5, 6), 1);
    assert_int_equal(play(41, 90, 50, 58), 1);
    assert_int_equal(play(91, 130, 95, 95), 1);
    probe_summarize(probe, 1300 * MS, &s);
    assert_int_equal(s.outages, 3);
    assert_int_equal(s.lost, 12);
    assert_int_equal(s.longest.first_seq, 50);
    assert_int_equal(s.longest.lost, 9);
}

/* Packets 0 and 9 are answered, 1 to 8 are not; the far end saw seen of those. */
static void lose_eight(uint64_t before, uint64_t after)
{
    for (uint64_t seq = 0; seq < 10; seq++)
        probe_sent(probe, seq * 10 * MS);
    probe_answered(probe, 0, before, 1 * MS);
    probe_answered(probe, 9, after, 91 * MS);
    assert_true(probe_judge(probe, 200 * MS, &outage));
    assert_int_equal(outage.lost, 8);
}

static void the_far_ends_count_tells_the_directions_apart(void **state)
{
    struct probe_summary s;
    (void)state;
    lose_eight(100, 104); /* 3 of the 8 got there */
    assert_true(outage.counted);
    assert_int_equal(outage.lost_out, 5);
    assert_int_equal(outage.lost_back, 3);
    probe_summarize(probe, 200 * MS, &s);
    assert_true(s.counted && s.lost_out == 5 && s.lost_back == 3);
}

static void all_may_have_got_there_or_none(void **state)
{
    (void)state;
    lose_eight(1, 10);
    assert_true(outage.counted && outage.lost_out == 0 && outage.lost_back == 8);
    teardown(NULL);
    setup(NULL);
    lose_eight(1, 2);
    assert_true(outage.counted && outage.lost_out == 8 && outage.lost_back == 0);
}

static void counts_that_make_no_sense_are_not_used(void **state)
{
    (void)state;
    lose_eight(7, 3); /* the reflector began anew */
    assert_false(outage.counted);
    teardown(NULL);
    setup(NULL);
    lose_eight(1, 11); /* more than there were */
    assert_false(outage.counted);
    teardown(NULL);
    setup(NULL);
    lose_eight(0, 0); /* ICMP */
    assert_false(outage.counted);
}

static void answers_twice_late_and_strange_are_counted_apart(void **state)
{
    struct probe_summary s;
    (void)state;
    probe_sent(probe, 0);
    probe_sent(probe, 10 * MS);
    probe_answered(probe, 1, 0, 11 * MS);
    probe_answered(probe, 0, 0, 12 * MS); /* overtaken */
    probe_answered(probe, 0, 0, 13 * MS);
    probe_answered(probe, 2, 0, 13 * MS); /* not sent yet */
    assert_false(probe_judge(probe, 20 * MS, &outage));
    probe_summarize(probe, 20 * MS, &s);
    assert_int_equal(s.answered, 2);
    assert_int_equal(s.reordered, 1);
    assert_int_equal(s.duplicate, 1);
    assert_int_equal(s.strange, 1);
    assert_int_equal(s.lost, 0);
}

static void the_window_is_bounded(void **state)
{
    struct probe_params par = {.interval_us = 1000, .timeout_us = 1000ull * (PROBE_WINDOW_MAX - 2)};
    struct probe *p = probe_new(&par);
    (void)state;
    assert_non_null(p);
    probe_free(p);
    par.timeout_us += 1000;
    assert_null(probe_new(&par));
    par.interval_us = 0;
    assert_null(probe_new(&par));
}

static void a_clock_that_jumps_overflows_nothing(void **state)
{
    struct probe_summary s;
    (void)state;
    for (int i = 0; i < 10000; i++)
        probe_sent(probe, 5); /* none judged by time */
    probe_summarize(probe, 5, &s);
    assert_int_equal(s.sent, 10000);
    assert_true(s.lost >= 10000 - 16);
}

static void quantiles_are_right_to_three_percent(void **state)
{
    static struct probe_rtt r;
    uint64_t min, mean, max;
    (void)state;
    memset(&r, 0, sizeof(r));
    assert_int_equal(probe_rtt_quantile(&r, 50), 0);
    for (uint64_t us = 1; us <= 100000; us++)
        probe_rtt_add(&r, us);
    probe_rtt_sum(&r, &min, &mean, &max);
    assert_true(min == 1 && mean == 50000 && max == 100000);
    assert_in_range(probe_rtt_quantile(&r, 50), 50000, 51600);
    assert_in_range(probe_rtt_quantile(&r, 95), 95000, 98000);
    assert_int_equal(probe_rtt_quantile(&r, 100), 100000);
    memset(&r, 0, sizeof(r));
    probe_rtt_add(&r, UINT64_MAX / 2); /* beyond the last step */
    probe_rtt_add(&r, 63);
    probe_rtt_add(&r, 64);
    assert_int_equal(probe_rtt_quantile(&r, 1), 63);
    assert_int_equal(probe_rtt_quantile(&r, 66), 65);
}

static struct probe_path path(const char *a, const char *b, const char *c, bool reached)
{
    const char *hops[] = {a, b, c};
    struct probe_path p = {.reached = reached};
    for (; p.n < 3 && hops[p.n]; p.n++)
        if (*hops[p.n] != '*')
            assert_true(kd_addr_parse(hops[p.n], &p.hop[p.n]));
    return p;
}

static void a_silent_hop_is_a_hop_but_no_difference(void **state)
{
    char text[128];
    struct probe_path er = path("10.1.11.1", "192.168.11.0", "10.17.11.132", true);
    struct probe_path quiet = path("10.1.11.1", "*", "10.17.11.132", true);
    struct probe_path other = path("10.1.11.1", "192.168.11.2", "10.17.11.132", true);
    struct probe_path shorter = path("10.1.11.1", "10.17.11.132", NULL, true);
    (void)state;
    assert_true(probe_path_same(&er, &quiet));
    assert_false(probe_path_same(&er, &other));
    assert_false(probe_path_same(&quiet, &shorter));
    assert_string_equal(probe_path_text(&quiet, text, sizeof(text)), "10.1.11.1 * 10.17.11.132");
    assert_string_equal(probe_path_text(&er, text, 12), "10.1.11.1 1");
}

static void a_reflector_counts_each_sender_and_no_others(void **state)
{
    static struct probe_reflector r;
    struct kd_endpoint a = {kd_addr_v4(1), 1}, b = {kd_addr_v4(1), 2};
    struct probe_packet p = {.session = 9, .seq = 4};
    uint8_t buf[PROBE_UDP_LEN];
    (void)state;
    for (uint64_t n = 1; n <= 3; n++) {
        probe_packet_put(buf, &p);
        assert_true(probe_reflect(&r, &a, n, buf, sizeof(buf)));
        struct probe_packet got;
        assert_true(probe_packet_get(kd_bytes(buf, sizeof(buf)), &got));
        assert_true(got.answer && got.session == 9 && got.seq == 4 && got.count == n);
    }
    assert_false(probe_reflect(&r, &a, 4, buf, sizeof(buf))); /* an answer: no ping-pong */
    probe_packet_put(buf, &p);
    assert_false(probe_reflect(&r, &a, 4, buf, sizeof(buf) - 1));
    buf[0] ^= 1;
    assert_false(probe_reflect(&r, &a, 4, buf, sizeof(buf)));
    buf[0] ^= 1;
    buf[7] = 2;
    assert_false(probe_reflect(&r, &a, 4, buf, sizeof(buf)));
    probe_packet_put(buf, &p);
    assert_true(probe_reflect(&r, &b, 4, buf, sizeof(buf)));
    assert_int_equal(buf[8 + 8 + 8 + 7], 1); /* b's own count */
}

static void of_too_many_senders_the_one_heard_longest_ago_goes(void **state)
{
    static struct probe_reflector r;
    struct probe_packet p = {.session = 1}, got;
    uint8_t buf[PROBE_UDP_LEN];
    (void)state;
    for (uint16_t i = 0; i <= PROBE_SESSIONS_MAX; i++) {
        struct kd_endpoint from = {kd_addr_v4(i + 1u), 1};
        probe_packet_put(buf, &p);
        assert_true(probe_reflect(&r, &from, 10u + i, buf, sizeof(buf)));
    }
    struct kd_endpoint second = {kd_addr_v4(2), 1};
    probe_packet_put(buf, &p);
    assert_true(probe_reflect(&r, &second, 1000, buf, sizeof(buf)));
    assert_true(probe_packet_get(kd_bytes(buf, sizeof(buf)), &got));
    assert_int_equal(got.count, 2); /* still known: the first one went */
}

/* ---- ICMP ---- */

static void an_echo_request_has_a_good_checksum(void **state)
{
    uint8_t buf[64];
    uint32_t sum = 0;
    (void)state;
    size_t n = probe_echo_put(buf, 4, 0x1234, 7, kd_bytes("abcd", 4));
    assert_int_equal(n, 12);
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)buf[i] << 8 | buf[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal(sum, 0xffff);
    assert_int_equal(buf[0], 8);
    assert_int_equal(probe_echo_put(buf, 6, 1, 1, kd_bytes("abcd", 4)), 12);
    assert_int_equal(buf[0], 128);
}

static void a_reply_is_read_with_its_payload(void **state)
{
    uint8_t v4[20 + 8 + 4] = {0x45}, *icmp = v4 + 20;
    (void)state;
    memcpy(icmp + 4,
           "\x12\x34\x00\x07"
           "abcd",
           8);
    struct probe_echo e = probe_echo_get(kd_bytes(v4, sizeof(v4)), 4);
    assert_true(e.kind == PROBE_ECHO_REPLY && e.id == 0x1234 && e.seq == 7 && e.payload.len == 4);
    assert_int_equal(probe_echo_get(kd_bytes(v4, 27), 4).kind, PROBE_ECHO_NONE);
    icmp[0] = 8; /* our own request, on loopback */
    assert_int_equal(probe_echo_get(kd_bytes(v4, sizeof(v4)), 4).kind, PROBE_ECHO_NONE);
    icmp[0] = 129;
    assert_int_equal(probe_echo_get(kd_bytes(icmp, 12), 6).kind, PROBE_ECHO_REPLY);
    v4[0] = 0x44; /* a header too short to be one */
    assert_int_equal(probe_echo_get(kd_bytes(v4, sizeof(v4)), 4).kind, PROBE_ECHO_NONE);
    v4[0] = 0x4f; /* and one longer than the packet */
    assert_int_equal(probe_echo_get(kd_bytes(v4, sizeof(v4)), 4).kind, PROBE_ECHO_NONE);
}

static void a_router_names_the_request_that_died(void **state)
{
    uint8_t v4[20 + 8 + 20 + 8] = {0x45}, *icmp = v4 + 20, *in = icmp + 8;
    uint8_t v6[8 + 40 + 8] = {3};
    (void)state;
    icmp[0] = 11;
    in[0] = 0x45;
    in[9] = 1;
    in[20] = 8;
    memcpy(in + 24, "\x12\x35\x03\x04", 4);
    struct probe_echo e = probe_echo_get(kd_bytes(v4, sizeof(v4)), 4);
    assert_true(e.kind == PROBE_ECHO_EXCEEDED && e.id == 0x1235 && e.seq == 0x0304);
    assert_int_equal(probe_echo_get(kd_bytes(v4, sizeof(v4) - 1), 4).kind, PROBE_ECHO_NONE);
    icmp[1] = 1; /* reassembly */
    assert_int_equal(probe_echo_get(kd_bytes(v4, sizeof(v4)), 4).kind, PROBE_ECHO_NONE);
    icmp[1] = 0;
    in[9] = 17; /* somebody's UDP */
    assert_int_equal(probe_echo_get(kd_bytes(v4, sizeof(v4)), 4).kind, PROBE_ECHO_NONE);
    v6[8 + 6] = 58;
    v6[8 + 40] = 128;
    assert_int_equal(probe_echo_get(kd_bytes(v6, sizeof(v6)), 6).kind, PROBE_ECHO_EXCEEDED);
    assert_int_equal(probe_echo_get(kd_bytes(v6, sizeof(v6) - 1), 6).kind, PROBE_ECHO_NONE);
}

#define TIMED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ---- the way in use, round by round ---- */

static struct probe_path round_of(uint32_t first, uint32_t second)
{
    struct probe_path p = {.n = 2, .reached = true};
    if (first)
        p.hop[0] = kd_addr_v4(first);
    if (second)
        p.hop[1] = kd_addr_v4(second);
    return p;
}

#define R1  0x0a000001
#define R2  0x0a000002
#define END 0x0a0000ff

static void another_router_is_another_way_at_once(void **state)
{
    struct probe_way w = {0};
    struct probe_path p = round_of(R1, END);
    (void)state;
    assert_true(probe_way_seen(&w, &p, 1));
    assert_false(probe_way_seen(&w, &p, 2));
    p = round_of(R2, END);
    assert_true(probe_way_seen(&w, &p, 3));
    assert_int_equal(w.since_us, 3);
    p.reached = false; /* lost on the way: says nothing of it */
    p.hop[0] = kd_addr_v4(R1);
    assert_false(probe_way_seen(&w, &p, 4));
    p = round_of(R2, END);
    p.n = 3; /* one hop more */
    p.hop[2] = kd_addr_v4(END);
    p.hop[1] = (struct kd_addr){0};
    assert_true(probe_way_seen(&w, &p, 5));
}

/* What each round tells, a letter a round, one every so often; digits are the news. */
static void told(const char *rounds, const char *news, uint64_t every_us)
{
    struct probe_way w = {0};
    struct probe_path all = round_of(R1, END), silent = round_of(0, END);
    char got[32] = "";
    for (size_t i = 0; rounds[i]; i++)
        got[i] = (char)('0' + probe_way_seen(&w, rounds[i] == 'a' ? &all : &silent, i * every_us));
    assert_string_equal(got, news);
}

static void a_router_that_misses_two_rounds_is_still_there(void **state)
{
    (void)state;
    told("assassa", "2000000", KD_S(1));
    told("assassss", "20000020", KD_S(1)); /* the third: a silent hop is a hop */
}

static void a_hop_that_speaks_late_is_filled_in_and_after_long_silence_is_another_way(void **state)
{
    (void)state;
    told("ssaa", "2010", KD_S(1));
    told("ssssa", "20002", KD_S(1));
}

/* It has answered what it had in store. */
static void rounds_that_follow_quickly_make_no_silence_long(void **state)
{
    (void)state;
    told("asssssssa", "200000000", KD_MS(250));
    told("assssssssss", "20000000020", KD_MS(250)); /* the ninth is two seconds after the first */
    told("sssssssa", "20000001", KD_MS(250));
    told("ssssssssa", "200000002", KD_MS(250));
}

static void a_way_is_as_old_as_its_first_round_and_silence_as_its_own(void **state)
{
    struct probe_way w = {0};
    struct probe_path all = round_of(R1, END), silent = round_of(0, END);
    (void)state;
    probe_way_seen(&w, &silent, 1);
    assert_int_equal(probe_way_seen(&w, &all, 2), PROBE_WAY_FULLER);
    assert_true(kd_addr_eq(&w.path.hop[0], &all.hop[0]) && w.since_us == 1);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(probe_way_seen(&w, &silent, KD_S(i)), i == 3 ? PROBE_WAY_ANOTHER : 0);
    assert_true(w.path.hop[0].family == 0 && w.since_us == KD_S(1));
}

static void count_judged(void *arg, uint64_t sent_us, bool answered, uint64_t rtt_us)
{
    uint64_t *n = arg;
    n[answered]++;
    assert_int_equal(rtt_us, answered ? MS : 0);
    assert_int_equal(sent_us % (10 * MS), 0);
}

static void packets_passed_over_are_told_before_they_are_judged(void **state)
{
    struct probe_summary s;
    (void)state;
    play(0, 9, 3, 5);
    probe_summarize(probe, 91 * MS, &s);
    assert_true(s.lost == 0 && s.n_passed == 3 && s.passed_us == 50 * MS);
    assert_true(s.passed.lost == 3 && s.passed.last_good_us == 20 * MS);
    assert_int_equal(s.passed.first_good_us, 60 * MS);
    assert_true(s.newest_good_us == 90 * MS && s.now_us == 91 * MS && s.waiting_us == 0);
    play(10, 19, 10, 19); /* unanswered, and nothing behind them: under way */
    probe_summarize(probe, 191 * MS, &s);
    assert_true(s.n_passed == 0 && s.passed.lost == 0);
    assert_true(s.newest_good_us == 90 * MS && s.waiting_us == 100 * MS);
}

static void a_numbered_packet_comes_back_with_its_number(void **state)
{
    struct probe_wire w = {.family = 6, .id = 7, .session = 0x0123456789abcdef}, other = w;
    uint8_t buf[PROBE_WIRE_MAX];
    uint64_t seq, count;
    size_t n = probe_wire_put(&w, 0x12345, buf);
    (void)state;
    assert_false(probe_wire_get(&w, kd_bytes(buf, n), &seq, &count)); /* its own question */
    buf[0] = 129;
    assert_true(probe_wire_get(&w, kd_bytes(buf, n), &seq, &count));
    assert_true(seq == 0x12345 && count == 0);
    assert_false(probe_wire_get(&w, kd_bytes(buf, n - 1), &seq, &count));
    other.session++;
    assert_false(probe_wire_get(&other, kd_bytes(buf, n), &seq, &count));
    other = w;
    other.id++;
    assert_false(probe_wire_get(&other, kd_bytes(buf, n), &seq, &count));
    buf[7] ^= 1;
    assert_false(probe_wire_get(&w, kd_bytes(buf, n), &seq, &count));
}

static void a_reflectors_answer_has_the_number_and_its_count(void **state)
{
    static struct probe_reflector r;
    struct probe_wire w = {.family = 4, .udp = true, .session = 99}, other = w;
    const struct kd_endpoint from = {.addr = kd_addr_v4(0x0a000001), .port = 9};
    uint8_t buf[PROBE_WIRE_MAX];
    uint64_t seq, count;
    size_t n = probe_wire_put(&w, 5, buf);
    (void)state;
    assert_int_equal(n, PROBE_UDP_LEN);
    assert_false(probe_wire_get(&w, kd_bytes(buf, n), &seq, &count));
    assert_true(probe_reflect(&r, &from, 1, buf, n));
    assert_true(probe_wire_get(&w, kd_bytes(buf, n), &seq, &count));
    assert_true(seq == 5 && count == 1);
    other.session = 98;
    assert_false(probe_wire_get(&other, kd_bytes(buf, n), &seq, &count));
}

static void every_packet_is_told_of_once_when_it_is_judged(void **state)
{
    uint64_t n[2] = {0, 0};
    const struct probe_params par = {
        .interval_us = 10 * MS, .timeout_us = 100 * MS, .judged = count_judged, .arg = n};
    struct probe_summary s;
    (void)state;
    probe_free(probe);
    probe = probe_new(&par);
    assert_int_equal(play(0, 60, 20, 27), 1);
    assert_true(n[0] == 8 && n[1] == 53);
    play(61, 80, 61, 80);
    probe_summarize(probe, 900 * MS, &s);
    assert_true(s.open && s.open_since_us == 600 * MS);
    assert_true(s.newest_good_us == 600 * MS && s.waiting_us == 600 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIMED(what_is_answered_in_time_is_not_lost),
        TIMED(an_outage_lasts_from_the_last_good_packet_to_the_next),
        TIMED(an_outage_that_goes_on_is_told_as_one),
        TIMED(before_the_first_answer_there_is_no_outage),
        TIMED(the_longest_outage_is_kept_among_several),
        TIMED(the_far_ends_count_tells_the_directions_apart),
        TIMED(all_may_have_got_there_or_none),
        TIMED(counts_that_make_no_sense_are_not_used),
        TIMED(answers_twice_late_and_strange_are_counted_apart),
        TIMED(a_clock_that_jumps_overflows_nothing),
        cmocka_unit_test(the_window_is_bounded),
        cmocka_unit_test(quantiles_are_right_to_three_percent),
        cmocka_unit_test(a_silent_hop_is_a_hop_but_no_difference),
        cmocka_unit_test(a_reflector_counts_each_sender_and_no_others),
        cmocka_unit_test(of_too_many_senders_the_one_heard_longest_ago_goes),
        cmocka_unit_test(another_router_is_another_way_at_once),
        cmocka_unit_test(a_router_that_misses_two_rounds_is_still_there),
        cmocka_unit_test(a_hop_that_speaks_late_is_filled_in_and_after_long_silence_is_another_way),
        cmocka_unit_test(rounds_that_follow_quickly_make_no_silence_long),
        cmocka_unit_test(a_way_is_as_old_as_its_first_round_and_silence_as_its_own),
        cmocka_unit_test_setup_teardown(packets_passed_over_are_told_before_they_are_judged, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_packet_is_told_of_once_when_it_is_judged, setup,
                                        teardown),
        cmocka_unit_test(an_echo_request_has_a_good_checksum),
        cmocka_unit_test(a_numbered_packet_comes_back_with_its_number),
        cmocka_unit_test(a_reflectors_answer_has_the_number_and_its_count),
        cmocka_unit_test(a_reply_is_read_with_its_payload),
        cmocka_unit_test(a_router_names_the_request_that_died),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
