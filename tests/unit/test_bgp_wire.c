/* BGP on the wire but for UPDATE: for each message the good form and the nearest bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "bgp/update.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- framing ---- */

static enum bgp_frame_verdict frame_of(uint16_t len, uint8_t type, size_t have, struct bgp_error *e)
{
    static uint8_t buf[70000];
    struct bgp_frame f;

    memset(buf, 0xff, 16);
    buf[16] = (uint8_t)(len >> 8);
    buf[17] = (uint8_t)len;
    buf[18] = type;
    return bgp_frame_parse(kd_bytes(buf, have), BGP_MESSAGE_MAX, &f, e);
}

static void header_lengths_and_types_are_judged_by_message(void **state)
{
    static const struct {
        uint16_t len;
        uint8_t type;
        enum bgp_frame_verdict verdict;
        uint8_t sub;
    } cases[] = {
        {19, 4, BGP_FRAME_OK, 0},    {20, 4, BGP_FRAME_BAD, 2},    {18, 4, BGP_FRAME_BAD, 2},
        {0, 4, BGP_FRAME_BAD, 2},    {29, 1, BGP_FRAME_OK, 0},     {28, 1, BGP_FRAME_BAD, 2},
        {23, 2, BGP_FRAME_OK, 0},    {22, 2, BGP_FRAME_BAD, 2},    {4096, 2, BGP_FRAME_OK, 0},
        {4097, 2, BGP_FRAME_BAD, 2}, {65535, 2, BGP_FRAME_BAD, 2}, {21, 3, BGP_FRAME_OK, 0},
        {20, 3, BGP_FRAME_BAD, 2},   {23, 5, BGP_FRAME_OK, 0},     {22, 5, BGP_FRAME_BAD, 2},
        {23, 0, BGP_FRAME_BAD, 3},   {23, 6, BGP_FRAME_BAD, 3},    {23, 255, BGP_FRAME_BAD, 3},
    };
    struct bgp_error e;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        assert_int_equal(frame_of(cases[i].len, cases[i].type, 65535, &e), cases[i].verdict);
        if (cases[i].verdict != BGP_FRAME_BAD)
            continue;
        assert_int_equal(e.code, BGP_E_HEADER);
        assert_int_equal(e.sub, cases[i].sub);
    }
}

static void a_message_is_waited_for_byte_by_byte(void **state)
{
    struct bgp_error e;

    (void)state;
    for (size_t have = 0; have < 100; have++)
        assert_int_equal(frame_of(100, 2, have, &e), BGP_FRAME_MORE);
    assert_int_equal(frame_of(100, 2, 100, &e), BGP_FRAME_OK);
}

static void a_wrong_marker_is_seen_at_the_first_wrong_byte(void **state)
{
    uint8_t buf[16];
    struct bgp_frame f;
    struct bgp_error e;

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        memset(buf, 0xff, 16);
        buf[i] = 0;
        assert_int_equal(bgp_frame_parse(kd_bytes(buf, i), 4096, &f, &e), BGP_FRAME_MORE);
        assert_int_equal(bgp_frame_parse(kd_bytes(buf, i + 1), 4096, &f, &e), BGP_FRAME_BAD);
        assert_int_equal(e.sub, 1);
    }
}

/* ---- OPEN ---- */

static bool open_of(const void *params, size_t len, struct bgp_open *o, struct bgp_error *e)
{
    uint8_t buf[1024] = {4, 0xfd, 0xe8, 0, 180, 10, 0, 0, 1};

    memcpy(buf + 9, params, len);
    return bgp_open_parse(kd_bytes(buf, 9 + len), o, e);
}

static void open_round_trips(void **state)
{
    struct bgp_open o = {.asn = 4200000000u,
                         .hold_s = 90,
                         .id = 0x0a000001,
                         .as4 = true,
                         .mp_ipv4 = true,
                         .mp_ipv6 = true,
                         .mp_any = true,
                         .refresh = true,
                         .enhanced_refresh = true,
                         .extended_message = true,
                         .graceful = true,
                         .graceful_flags_time = 0x8078,
                         .graceful_family = {true, true},
                         .graceful_forwarding = {false, true}};
    struct bgp_open back;
    struct bgp_error e;
    uint8_t buf[256];
    struct kd_writer w;
    struct bgp_frame f;

    (void)state;
    kd_writer_init(&w, buf, sizeof(buf));
    bgp_open_put(&w, &o);
    assert_true(w.ok);
    assert_int_equal(bgp_frame_parse(kd_written(&w), BGP_MESSAGE_MAX, &f, &e), BGP_FRAME_OK);
    assert_int_equal(f.type, BGP_MSG_OPEN);
    assert_int_equal(f.body.p[1] << 8 | f.body.p[2], BGP_AS_TRANS);
    assert_true(bgp_open_parse(f.body, &back, &e));
    assert_memory_equal(&o, &back, sizeof(o));
}

static void open_fields_are_judged(void **state)
{
    static const struct {
        uint8_t body[10];
        uint8_t sub; /* 0: good */
    } cases[] = {
        {{4, 0xfd, 0xe8, 0, 180, 10, 0, 0, 1, 0}, 0}, {{4, 0xfd, 0xe8, 0, 0, 10, 0, 0, 1, 0}, 0},
        {{4, 0xfd, 0xe8, 0, 3, 10, 0, 0, 1, 0}, 0},   {{4, 0xfd, 0xe8, 0, 1, 10, 0, 0, 1, 0}, 6},
        {{4, 0xfd, 0xe8, 0, 2, 10, 0, 0, 1, 0}, 6},   {{3, 0xfd, 0xe8, 0, 180, 10, 0, 0, 1, 0}, 1},
        {{5, 0xfd, 0xe8, 0, 180, 10, 0, 0, 1, 0}, 1}, {{4, 0, 0, 0, 180, 10, 0, 0, 1, 0}, 2},
        {{4, 0xfd, 0xe8, 0, 180, 0, 0, 0, 0, 0}, 3},
    };
    struct bgp_open o;
    struct bgp_error e;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        bool ok = bgp_open_parse(kd_bytes(cases[i].body, 10), &o, &e);
        assert_int_equal(ok, cases[i].sub == 0);
        if (!ok)
            assert_int_equal(e.sub, cases[i].sub);
    }
    for (size_t len = 0; len < 10; len++) /* cut anywhere */
        assert_false(bgp_open_parse(kd_bytes(cases[0].body, len), &o, &e));
}

/* facts/peers.md 4c 45: each capability, one byte short and one long, and running into the next. */
static void open_capability_lengths_are_exact(void **state)
{
    static const struct {
        uint8_t code, good, value[8];
    } caps[] = {
        {1, 4, {0, 1, 0, 1}},        {2, 0, {0}},  {6, 0, {0}}, {64, 2, {0, 120}},
        {65, 4, {0, 0, 0xfd, 0xe8}}, {70, 0, {0}},
    };
    struct bgp_open o;
    struct bgp_error e;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(caps); i++)
        for (uint8_t len = 0; len <= caps[i].good + 1; len++) {
            uint8_t p[32] = {(uint8_t)(4 + len), 2, (uint8_t)(2 + len), caps[i].code, len};
            memcpy(p + 5, caps[i].value, KD_MIN(len, 8));
            assert_int_equal(open_of(p, 5u + len, &o, &e), len == caps[i].good);
            if (len == caps[i].good) { /* the capability claims one byte more than there is */
                p[4]++;
                assert_false(open_of(p, 5u + len, &o, &e));
                assert_int_equal(e.code, BGP_E_OPEN);
            }
        }
}

/* RFC 4724 3 */
static void the_families_of_a_graceful_restart_are_read(void **state)
{
    static const struct {
        uint8_t len, caps[32]; /* of the parameter */
        int time;              /* -1: refused */
        bool family[2], forwarding[2];
    } cases[] = {
        {4, {64, 2, 0x80, 120}, 120, {0}, {0}},
        {8, {64, 6, 0x0f, 0xff, 0, 1, 1, 0x80}, 4095, {true}, {true}},
        {8, {64, 6, 0x10, 0, 0, 1, 1, 0x7f}, 0, {true}, {0}},
        {12, {64, 10, 0, 9, 0, 2, 1, 0x80, 0, 1, 1, 0}, 9, {true, true}, {false, true}},
        {12, {64, 10, 0, 9, 0, 1, 2, 0x80, 0, 3, 1, 0x80}, 9, {0}, {0}}, /* multicast, AFI 3 */
        {12, {64, 6, 0, 9, 0, 1, 1, 0x80, 64, 2, 0, 8}, 8, {0}, {0}},    /* the last counts */
        {7, {64, 5, 0, 9, 0, 1, 1}, -1, {0}, {0}},
        {9, {64, 7, 0, 9, 0, 1, 1, 0x80, 0}, -1, {0}, {0}},
        {3, {64, 1, 0}, -1, {0}, {0}},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        uint8_t p[40] = {(uint8_t)(cases[i].len + 2), 2, cases[i].len};
        struct bgp_open o;
        struct bgp_error e;
        bool ok;
        memcpy(p + 3, cases[i].caps, cases[i].len);
        ok = open_of(p, 3u + cases[i].len, &o, &e);
        assert_int_equal(ok, cases[i].time >= 0);
        if (!ok)
            continue;
        assert_true(o.graceful);
        assert_int_equal(o.graceful_flags_time & 0xfff, cases[i].time);
        assert_memory_equal(o.graceful_family, cases[i].family, sizeof(cases[i].family));
        assert_memory_equal(o.graceful_forwarding, cases[i].forwarding,
                            sizeof(cases[i].forwarding));
    }
}

static void open_parameter_overruns_are_refused(void **state)
{
    static const uint8_t good[] = {6, 2, 4, 250, 2, 1, 2};
    struct bgp_open o;
    struct bgp_error e;
    uint8_t p[sizeof(good) + 1];

    (void)state;
    assert_true(open_of(good, sizeof(good), &o, &e));
    assert_int_equal(o.n_unknown, 1);
    for (int d = -2; d <= 2; d++) {
        memcpy(p, good, sizeof(good));
        p[0] = (uint8_t)(p[0] + d);
        assert_int_equal(open_of(p, sizeof(good), &o, &e), d == 0);
        memcpy(p, good, sizeof(good));
        p[2] = (uint8_t)(p[2] + d);
        assert_int_equal(open_of(p, sizeof(good), &o, &e), d == 0);
    }
    memcpy(p, good, sizeof(good));
    p[1] = 1; /* the old authentication parameter */
    assert_false(open_of(p, sizeof(good), &o, &e));
    assert_int_equal(e.sub, 4);
}

static void open_extended_parameters_are_read(void **state)
{
    /* RFC 9072: 255, 255, length of two bytes, parameters with lengths of two bytes */
    static const uint8_t good[] = {255, 255, 0, 9, 2, 0, 6, 65, 4, 0, 1, 0, 0};
    static const uint8_t other_len[] = {12, 255, 0, 9, 2, 0, 6, 65, 4, 0, 1, 0, 0};
    static const uint8_t none[] = {255, 255, 0, 0};
    static const uint8_t inside[] = {255, 255, 0, 3, 255, 0, 0};
    static const uint8_t cut[] = {255, 255, 0};
    static const uint8_t plain255[] = {4, 2, 2, 255, 0};
    struct bgp_open o;
    struct bgp_error e;

    (void)state;
    assert_true(open_of(good, sizeof(good), &o, &e));
    assert_int_equal(o.asn, 65536);
    assert_true(open_of(other_len, sizeof(other_len), &o, &e));
    assert_true(open_of(none, sizeof(none), &o, &e));
    assert_false(open_of(inside, sizeof(inside), &o, &e));
    assert_int_equal(e.sub, 4);
    assert_false(open_of(cut, sizeof(cut), &o, &e));
    assert_true(open_of(plain255, sizeof(plain255), &o, &e)); /* capability 255 is only unknown */
}

/* ---- NOTIFICATION, ROUTE-REFRESH ---- */

static void notification_text_is_printable_and_bounded(void **state)
{
    uint8_t body[140] = {6, 2, 128};
    struct bgp_notification n;
    char text[64], small[8];

    (void)state;
    memset(body + 3, 'x', 128);
    body[3] = '\n';
    body[4] = 0xff;
    body[5] = '%';
    assert_true(bgp_notification_parse(kd_bytes(body, 131), &n));
    bgp_notification_text(&n, text, sizeof(text));
    assert_string_equal(text, "Cease/Administrative Shutdown (6/2): ??%xxxxxxxxxxxxxxxxxxxxxxx");
    bgp_notification_text(&n, small, sizeof(small));
    assert_int_equal(strlen(small), 7);
    assert_true(bgp_notification_parse(kd_bytes(body, 130), &n)); /* text runs past the end */
    bgp_notification_text(&n, text, sizeof(text));
    assert_string_equal(text, "Cease/Administrative Shutdown (6/2)");
    assert_false(bgp_notification_parse(kd_bytes(body, 1), &n));
    assert_string_equal(bgp_error_name(99, 1), "unknown error");
    assert_string_equal(bgp_error_name(6, 99), "Cease");
}

static const char *told(const char *text, size_t len)
{
    static char out[400];
    uint8_t body[3 + 255] = {6, 2, (uint8_t)len};
    struct bgp_notification n;

    memcpy(body + 3, text, len);
    assert_true(bgp_notification_parse(kd_bytes(body, 3 + len), &n));
    bgp_notification_text(&n, out, sizeof(out));
    assert_true(strncmp(out, "Cease/Administrative Shutdown (6/2): ", 37) == 0);
    return out + 37;
}

#define TOLD(text, is) assert_string_equal(told(text, sizeof(text) - 1), is)

static void a_shutdown_communication_is_utf8_or_questioned(void **state)
{
    static const struct {
        uint8_t octets[5];
        size_t len;
        bool ok;
    } rows[] = {
        {"\x7f", 1, true},         {"\x80", 1, false},         {"\xc2\x80", 2, true},
        {"\xc1\xbf", 2, false},    {"\xdf\xbf", 2, true},      {"\xdf", 1, false},
        {"\xe0\xa0\x80", 3, true}, {"\xe0\x9f\xbf", 3, false}, {"\xed\x9f\xbf", 3, true},
        {"\xed\xa0\x80", 3, false}, {"\xee\x80\x80", 3, true},  {"\xef\xbf", 2, false},
        {"\xf0\x90\x80\x80", 4, true},  {"\xf0\x8f\xbf\xbf", 4, false},
        {"\xf4\x8f\xbf\xbf", 4, true},  {"\xf4\x90\x80\x80", 4, false},
        {"\xf8\x88\x80\x80\x80", 5, false}, {"\xc3\x28", 2, false}, {"", 0, true},
    };
    char longest[255], *text;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        assert_int_equal(kd_utf8_ok(kd_bytes(rows[i].octets, rows[i].len)), rows[i].ok);
    TOLD("wartung, gr\xc3\xb6\xc3\x9f" "er", "wartung, gr\xc3\xb6\xc3\x9f" "er");
    TOLD("a\xff" "b\xc3", "a?b?");
    TOLD("esc \x1b[31m, c1 \xc2\x9b, rtl \xe2\x80\xae!", "esc ?[31m, c1 ?, rtl ?!");
    memset(longest, 'x', sizeof(longest));
    text = (char *)told(longest, sizeof(longest));
    assert_int_equal(strlen(text), 255);
    kd_utf8_printable(kd_bytes("a\xc3\xb6", 3), longest, 3); /* no half character at the end */
    assert_string_equal(longest, "a");
}

static void a_shutdown_communication_is_sent_whole_or_not_at_all(void **state)
{
    uint8_t room[512], words[256];
    struct bgp_error e;
    struct kd_writer w;

    (void)state;
    memset(words, 'w', sizeof(words));
    for (size_t len = 0; len <= 256; len++) {
        bgp_error_set(&e, BGP_E_CEASE, 2, kd_bytes(NULL, 0), "%s", "");
        bgp_error_say(&e, kd_bytes(words, len));
        kd_writer_init(&w, room, sizeof(room));
        bgp_notification_put(&w, &e);
        assert_int_equal(w.pos, 21 + (len && len <= 255 ? len + 1 : 0));
        if (w.pos > 21)
            assert_int_equal(room[21], len);
    }
}

static void refresh_length_is_exact(void **state)
{
    static const uint8_t body[] = {0, 1, 0, 1, 0};
    struct bgp_refresh r;

    (void)state;
    assert_true(bgp_refresh_parse(kd_bytes(body, 4), &r));
    assert_int_equal(r.afi, 1);
    assert_int_equal(r.safi, 1);
    assert_false(bgp_refresh_parse(kd_bytes(body, 3), &r));
    assert_false(bgp_refresh_parse(kd_bytes(body, 5), &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_lengths_and_types_are_judged_by_message),
        cmocka_unit_test(a_message_is_waited_for_byte_by_byte),
        cmocka_unit_test(a_wrong_marker_is_seen_at_the_first_wrong_byte),
        cmocka_unit_test(open_round_trips),
        cmocka_unit_test(open_fields_are_judged),
        cmocka_unit_test(open_capability_lengths_are_exact),
        cmocka_unit_test(the_families_of_a_graceful_restart_are_read),
        cmocka_unit_test(open_parameter_overruns_are_refused),
        cmocka_unit_test(open_extended_parameters_are_read),
        cmocka_unit_test(notification_text_is_printable_and_bounded),
        cmocka_unit_test(a_shutdown_communication_is_utf8_or_questioned),
        cmocka_unit_test(a_shutdown_communication_is_sent_whole_or_not_at_all),
        cmocka_unit_test(refresh_length_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
