/* BGP on the wire: for each message and attribute the good form and the nearest bad one, with what
 * RFC 7606 makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "bgp/aspath.h"
#include "bgp/nlri.h"
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

/* ---- UPDATE ---- */

#define ORIGIN_IGP 0x40, 1, 1, 0
#define PATH_65000 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe8
#define NEXT_HOP   0x40, 3, 4, 192, 0, 2, 10
#define MANDATORY  ORIGIN_IGP, PATH_65000, NEXT_HOP

static uint8_t room[BGP_UPDATE_SCRATCH];

static struct bgp_update parse_with(const void *attrs, size_t n_attrs, const void *nlri,
                                    size_t n_nlri, bool as4, bool ibgp)
{
    static uint8_t body[8192];
    struct bgp_session_rules rules = {.as4 = as4, .ibgp = ibgp, .peer_as = 65000};
    struct bgp_update u;
    struct kd_writer w, scratch;

    kd_writer_init(&w, body, sizeof(body));
    kd_put_u16(&w, 0);
    kd_put_u16(&w, (uint16_t)n_attrs);
    kd_put_bytes(&w, kd_bytes(attrs, n_attrs));
    kd_put_bytes(&w, kd_bytes(nlri, n_nlri));
    kd_writer_init(&scratch, room, sizeof(room));
    bgp_update_parse(kd_written(&w), &rules, &scratch, &u);
    return u;
}

static const uint8_t one_prefix[] = {16, 10, 1};

static enum bgp_disposition verdict(const uint8_t *attrs, size_t n, bool ibgp)
{
    return parse_with(attrs, n, one_prefix, sizeof(one_prefix), true, ibgp).verdict;
}

/* Mandatory attributes and one more. */
static enum bgp_disposition with(bool ibgp, uint8_t flags, uint8_t code, const void *value,
                                 uint8_t len)
{
    uint8_t buf[512] = {MANDATORY};
    size_t n = sizeof((uint8_t[]){MANDATORY});

    buf[n] = flags;
    buf[n + 1] = code;
    buf[n + 2] = len;
    memcpy(buf + n + 3, value, len);
    return verdict(buf, n + 3 + len, ibgp);
}

static void each_attribute_good_and_nearest_bad(void **state)
{
    static const uint8_t zero[64], as4p[] = {2, 1, 0, 1, 0, 0}, as4bad[] = {2, 0},
                                   as4p0[] = {2, 1, 0, 0, 0, 0};
    static const uint8_t aggr[] = {0, 0, 0xfd, 0xe8, 1, 2, 3, 4};
    static const struct {
        bool ibgp;
        uint8_t flags, code;
        const uint8_t *value;
        uint8_t len;
        enum bgp_disposition verdict;
    } cases[] = {
        /* MULTI_EXIT_DISC 7.4 */
        {false, 0x80, 4, zero, 4, BGP_D_OK},
        {false, 0x80, 4, zero, 3, BGP_D_WITHDRAW},
        {false, 0x80, 4, zero, 5, BGP_D_WITHDRAW},
        {false, 0x80, 4, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 4, zero, 4, BGP_D_WITHDRAW},
        {false, 0x40, 4, zero, 4, BGP_D_WITHDRAW},
        /* LOCAL_PREF 7.5 */
        {true, 0x40, 5, zero, 4, BGP_D_OK},
        {true, 0x40, 5, zero, 3, BGP_D_WITHDRAW},
        {true, 0xc0, 5, zero, 4, BGP_D_WITHDRAW},
        {false, 0x40, 5, zero, 4, BGP_D_DISCARD},
        {false, 0x40, 5, zero, 3, BGP_D_DISCARD},
        /* ATOMIC_AGGREGATE 7.6 */
        {false, 0x40, 6, zero, 0, BGP_D_OK},
        {false, 0x40, 6, zero, 1, BGP_D_DISCARD},
        {false, 0xc0, 6, zero, 0, BGP_D_WITHDRAW}, /* flags: 3 c */
        /* AGGREGATOR 7.7 */
        {false, 0xc0, 7, aggr, 8, BGP_D_OK},
        {false, 0xe0, 7, aggr, 8, BGP_D_OK},
        {false, 0xc0, 7, aggr, 6, BGP_D_DISCARD},
        {false, 0xc0, 7, aggr, 7, BGP_D_DISCARD},
        {false, 0xc0, 7, zero, 8, BGP_D_DISCARD}, /* AS 0, RFC 7607 */
        {false, 0x40, 7, aggr, 8, BGP_D_WITHDRAW},
        /* COMMUNITIES 7.8 */
        {false, 0xc0, 8, zero, 4, BGP_D_OK},
        {false, 0xc0, 8, zero, 8, BGP_D_OK},
        {false, 0xc0, 8, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 8, zero, 6, BGP_D_WITHDRAW},
        {false, 0x80, 8, zero, 4, BGP_D_WITHDRAW},
        /* ORIGINATOR_ID 7.9 */
        {true, 0x80, 9, zero, 4, BGP_D_OK},
        {true, 0x80, 9, zero, 8, BGP_D_WITHDRAW},
        {false, 0x80, 9, zero, 4, BGP_D_DISCARD},
        /* CLUSTER_LIST 7.10 */
        {true, 0x80, 10, zero, 8, BGP_D_OK},
        {true, 0x80, 10, zero, 0, BGP_D_WITHDRAW},
        {true, 0x80, 10, zero, 7, BGP_D_WITHDRAW},
        {false, 0x80, 10, zero, 8, BGP_D_DISCARD},
        /* EXTENDED COMMUNITIES 7.14 */
        {false, 0xc0, 16, zero, 8, BGP_D_OK},
        {false, 0xc0, 16, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 16, zero, 12, BGP_D_WITHDRAW},
        /* AS4_PATH, AS4_AGGREGATOR: RFC 6793 6 */
        {false, 0xc0, 17, as4p, 6, BGP_D_OK},
        {false, 0xc0, 17, as4bad, 2, BGP_D_DISCARD},
        {false, 0xc0, 17, as4p, 5, BGP_D_DISCARD},
        {false, 0xc0, 18, aggr, 8, BGP_D_OK},
        {false, 0xc0, 18, aggr, 6, BGP_D_DISCARD},
        {false, 0xc0, 18, zero, 8, BGP_D_DISCARD}, /* AS 0, RFC 7607 */
        {false, 0xc0, 17, as4p0, 6, BGP_D_DISCARD},
        {false, 0xc0, 17, zero, 0, BGP_D_DISCARD},
        /* LARGE_COMMUNITIES: RFC 8092 5 */
        {false, 0xc0, 32, zero, 12, BGP_D_OK},
        {false, 0xc0, 32, zero, 24, BGP_D_OK},
        {false, 0xc0, 32, zero, 0, BGP_D_WITHDRAW},
        {false, 0xc0, 32, zero, 16, BGP_D_WITHDRAW},
        /* unknown: optional is let be, well-known isn't */
        {false, 0xc0, 23, zero, 3, BGP_D_OK},
        {false, 0xc0, 23, zero, 0, BGP_D_OK},
        {false, 0x80, 255, zero, 4, BGP_D_OK},
        {false, 0x40, 99, zero, 4, BGP_D_RESET},
        {false, 0x00, 99, zero, 4, BGP_D_RESET},
        /* MP_REACH_NLRI, MP_UNREACH_NLRI: 5.3, 7.11 */
        {false, 0x80, 14, zero, 4, BGP_D_RESET},
        {false, 0xc0, 15, zero, 3, BGP_D_RESET},
        {false, 0x80, 15, zero, 2, BGP_D_RESET},
        {false, 0x80, 15, zero, 3, BGP_D_OK}, /* AFI 0: not ours */
        {false, 0x80, 14, zero, 5, BGP_D_OK},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        enum bgp_disposition d =
            with(cases[i].ibgp, cases[i].flags, cases[i].code, cases[i].value, cases[i].len);
        if (d != cases[i].verdict)
            printf("# case %zu: attribute %u of %u bytes, flags %02x: %s\n", i, cases[i].code,
                   cases[i].len, cases[i].flags, bgp_disposition_names[d]);
        assert_int_equal(d, cases[i].verdict);
    }
}

#define V(ibgp, ...)                                                                               \
    verdict((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), ibgp)

/* RFC 7606 3 c: each of the two flags turned over, for every attribute in the table. */
static void wrong_flags_count_whatever_the_attribute_says(void **state)
{
    static const uint8_t zero[16];
    static const struct {
        uint8_t code, flags;
    } known[] = {{4, 0x80},  {5, 0x40},  {6, 0x40},  {7, 0xc0},  {8, 0xc0}, {9, 0x80},
                 {10, 0x80}, {16, 0xc0}, {17, 0xc0}, {18, 0xc0}, {32, 0xc0}};
    unsigned rows = 0;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(known); i++)
        for (uint8_t flip = 0x40; flip; flip = flip == 0x40 ? 0x80 : 0)
            assert_int_equal(with(true, known[i].flags ^ flip, known[i].code, zero, 4),
                             known[i].code == 17 || known[i].code == 18 ? BGP_D_DISCARD
                                                                        : BGP_D_WITHDRAW);
    for (unsigned code = 0; code < 256; code++) /* and none has been forgotten: those here, the */
        rows += bgp_attr_row((uint8_t)code) != NULL; /* mandatory ones, MP_REACH and MP_UNREACH */
    assert_int_equal(rows, KD_ARRAY_LEN(known) + 3 + 2);
}

static void mandatory_attributes_are_needed_and_judged(void **state)
{
    (void)state;
    assert_int_equal(V(false, MANDATORY), BGP_D_OK);
    /* missing: 3 d */
    assert_int_equal(V(false, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000), BGP_D_WITHDRAW);
    /* ORIGIN 7.1 */
    assert_int_equal(V(false, 0x40, 1, 1, 2, PATH_65000, NEXT_HOP), BGP_D_OK);
    assert_int_equal(V(false, 0x40, 1, 1, 3, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, 0x40, 1, 0, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, 0x40, 1, 2, 0, 0, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    assert_int_equal(V(false, 0x00, 1, 1, 0, PATH_65000, NEXT_HOP), BGP_D_WITHDRAW);
    /* NEXT_HOP 7.3 */
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000, 0x40, 3, 3, 1, 2, 3), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000, 0x40, 3, 5, 1, 2, 3, 4, 5), BGP_D_WITHDRAW);
    assert_int_equal(V(false, ORIGIN_IGP, PATH_65000, 0xc0, 3, 4, 1, 2, 3, 4), BGP_D_WITHDRAW);
}

#define PATH(...) V(false, ORIGIN_IGP, NEXT_HOP, 0x40, 2, __VA_ARGS__)

static void as_path_segments_are_judged(void **state)
{
    (void)state;
    assert_int_equal(PATH(6, 2, 1, 0, 0, 0xfd, 0xe8), BGP_D_OK);
    assert_int_equal(PATH(12, 2, 1, 0, 0, 0xfd, 0xe8, 1, 1, 0, 0, 0, 9),
                     BGP_D_OK);                                           /* a set behind */
    assert_int_equal(PATH(2, 2, 0), BGP_D_WITHDRAW);                      /* empty segment */
    assert_int_equal(PATH(6, 2, 2, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);    /* overrun */
    assert_int_equal(PATH(7, 2, 1, 0, 0, 0xfd, 0xe8, 2), BGP_D_WITHDRAW); /* one byte left */
    assert_int_equal(PATH(6, 5, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);    /* unknown type */
    assert_int_equal(PATH(6, 0, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);
    assert_int_equal(PATH(6, 3, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW); /* confederation */
    assert_int_equal(PATH(10, 2, 2, 0, 0, 0xfd, 0xe8, 0, 0, 0, 0), BGP_D_WITHDRAW); /* AS 0 */
    /* 7.2: the leftmost isn't the peer's, or there is none */
    assert_int_equal(PATH(6, 2, 1, 0, 0, 0xfd, 0xe9), BGP_D_WITHDRAW);
    assert_int_equal(PATH(6, 1, 1, 0, 0, 0xfd, 0xe8), BGP_D_WITHDRAW);
    assert_int_equal(PATH(0), BGP_D_WITHDRAW);
    assert_int_equal(V(true, ORIGIN_IGP, NEXT_HOP, 0x40, 2, 0), BGP_D_OK); /* fine on iBGP */
}

static void a_path_longer_than_our_bound_is_withdrawn(void **state)
{
    uint8_t buf[16384] = {ORIGIN_IGP, NEXT_HOP};
    struct kd_writer w;

    (void)state;
    for (unsigned n = BGP_AS_MAX - 1; n <= BGP_AS_MAX + 1; n++) {
        unsigned left = n;
        size_t at;
        struct bgp_update u;
        struct kd_writer scratch;
        struct bgp_session_rules rules = {.as4 = true, .peer_as = 65000};
        kd_writer_init(&w, buf, sizeof(buf));
        kd_put_u16(&w, 0);
        at = kd_put_gap(&w, 2);
        kd_put_bytes(&w, kd_bytes((const uint8_t[]){ORIGIN_IGP, NEXT_HOP}, 11));
        kd_put_u16(&w, 0x5002);
        kd_put_u16(&w, (uint16_t)(n * 4 + (n + 254) / 255 * 2));
        while (left) {
            unsigned k = KD_MIN(left, 255u);
            kd_put_u8(&w, 2);
            kd_put_u8(&w, (uint8_t)k);
            for (unsigned i = 0; i < k; i++)
                kd_put_u32(&w, 65000);
            left -= k;
        }
        kd_patch_u16(&w, at, (uint16_t)(w.pos - at - 2));
        kd_put_bytes(&w, kd_bytes(one_prefix, sizeof(one_prefix)));
        assert_true(w.ok);
        kd_writer_init(&scratch, room, sizeof(room));
        bgp_update_parse(kd_written(&w), &rules, &scratch, &u);
        assert_int_equal(u.verdict, n <= BGP_AS_MAX ? BGP_D_OK : BGP_D_WITHDRAW);
    }
}

static void duplicates_are_discarded_but_mp_resets(void **state)
{
    static const uint8_t mp[] = {0x80, 15, 3, 0, 2, 1, 0x80, 15, 3, 0, 2, 1};
    struct bgp_update u;

    (void)state;
    assert_int_equal(V(false, MANDATORY, 0x40, 1, 1, 2), BGP_D_DISCARD);
    assert_int_equal(V(false, MANDATORY, 0xc0, 77, 0, 0xc0, 77, 0), BGP_D_DISCARD);
    assert_int_equal(verdict(mp, sizeof(mp), false), BGP_D_RESET);
    u = parse_with((const uint8_t[]){MANDATORY, 0x40, 1, 1, 2},
                   sizeof((const uint8_t[]){MANDATORY, 0x40, 1, 1, 2}), one_prefix, 3, true, false);
    assert_int_equal(u.attrs.origin, 0); /* the first one stands */
    assert_int_equal(u.error.sub, 1);
}

static void an_attribute_past_the_end_withdraws(void **state)
{
    (void)state;
    /* RFC 7606 4 */
    assert_int_equal(V(false, MANDATORY, 0x80, 4, 5, 0, 0, 0, 0), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x80, 4), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x80), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x90, 4, 0), BGP_D_WITHDRAW);
    assert_int_equal(V(false, MANDATORY, 0x90, 4, 0, 4, 0, 0, 0, 9), BGP_D_OK);
}

static void errors_without_reachable_prefixes_reset(void **state)
{
    static const uint8_t bad_med[] = {0x80, 4, 3, 0, 0, 0};
    static const uint8_t bad_atomic[] = {0x40, 6, 1, 0};

    (void)state;
    /* RFC 7606 5.2 */
    assert_int_equal(parse_with(bad_med, 6, NULL, 0, true, false).verdict, BGP_D_RESET);
    assert_int_equal(parse_with(bad_atomic, 4, NULL, 0, true, false).verdict, BGP_D_DISCARD);
    assert_int_equal(parse_with((const uint8_t[]){MANDATORY}, 4, NULL, 0, true, false).verdict,
                     BGP_D_OK);
}

static struct bgp_update parse_body(const void *body, size_t len)
{
    struct bgp_session_rules rules = {.as4 = true, .peer_as = 65000};
    struct bgp_update u;
    struct kd_writer scratch;

    kd_writer_init(&scratch, room, sizeof(room));
    bgp_update_parse(kd_bytes(body, len), &rules, &scratch, &u);
    return u;
}

static void update_lengths_that_dont_fit_reset(void **state)
{
    static const uint8_t withdrawn[] = {0, 1, 0, 0}; /* withdrawn of 1 byte, then one byte */
    static const uint8_t attrs[] = {0, 0, 0, 1};     /* attributes of 1 byte that aren't there */
    static const uint8_t huge[] = {0xff, 0xff, 0, 0};
    static const uint8_t empty[] = {0, 0, 0, 0};

    (void)state;
    assert_int_equal(parse_body(withdrawn, 4).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(attrs, 4).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(huge, 4).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(huge, 4).error.sub, 1);
    assert_int_equal(parse_body(empty, 4).verdict, BGP_D_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(parse_body(empty, i).verdict, BGP_D_RESET);
}

static void prefixes_too_long_or_cut_reset(void **state)
{
    static const uint8_t wide[] = {0, 6, 33, 1, 2, 3, 4, 5, 0, 0};
    static const uint8_t cut[] = {0, 3, 24, 1, 2, 0, 0};
    static const uint8_t good[] = {0, 5, 32, 1, 2, 3, 4, 0, 0};
    static const uint8_t zero[] = {0, 1, 0, 0, 0};

    (void)state;
    assert_int_equal(parse_body(wide, sizeof(wide)).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(wide, sizeof(wide)).error.sub, 10);
    assert_int_equal(parse_body(cut, sizeof(cut)).verdict, BGP_D_RESET);
    assert_int_equal(parse_body(good, sizeof(good)).verdict, BGP_D_OK);
    assert_int_equal(parse_body(zero, sizeof(zero)).verdict, BGP_D_OK);
}

static enum bgp_disposition reach6(uint8_t nh_len, uint8_t prefix_len, uint8_t prefix_bytes)
{
    uint8_t buf[128] = {ORIGIN_IGP, PATH_65000};
    size_t n = sizeof((uint8_t[]){ORIGIN_IGP, PATH_65000}), at;

    buf[n++] = 0x80;
    buf[n++] = 14;
    at = n++;
    buf[n++] = 0;
    buf[n++] = 2;
    buf[n++] = 1;
    buf[n++] = nh_len;
    memset(buf + n, 0x20, nh_len);
    n += nh_len;
    buf[n++] = 0;
    buf[n++] = prefix_len;
    memset(buf + n, 0x20, prefix_bytes);
    n += prefix_bytes;
    buf[at] = (uint8_t)(n - at - 1);
    return parse_with(buf, n, NULL, 0, true, false).verdict;
}

static void mp_next_hop_and_prefix_lengths_are_judged(void **state)
{
    (void)state;
    assert_int_equal(reach6(16, 64, 8), BGP_D_OK);
    assert_int_equal(reach6(32, 128, 16), BGP_D_OK);
    assert_int_equal(reach6(15, 64, 8), BGP_D_RESET);
    assert_int_equal(reach6(4, 64, 8), BGP_D_RESET);
    assert_int_equal(reach6(24, 64, 8), BGP_D_RESET);
    assert_int_equal(reach6(16, 129, 17), BGP_D_RESET);
    assert_int_equal(reach6(16, 64, 7), BGP_D_RESET);
}

static void end_of_rib_is_exactly_that(void **state)
{
    static const uint8_t v4[] = {0, 0, 0, 0};
    static const uint8_t v6[] = {0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1};
    static const uint8_t not_quite[] = {0, 0, 0, 7, 0x80, 15, 4, 0, 2, 1, 0};
    static const uint8_t more[] = {0, 0, 0, 10, 0x80, 15, 3, 0, 2, 1, 0x40, 1, 1, 0};
    struct bgp_update u;

    (void)state;
    u = parse_body(v4, sizeof(v4));
    assert_int_equal(bgp_update_end_of_rib(&u), 4);
    u = parse_body(v6, sizeof(v6));
    assert_int_equal(bgp_update_end_of_rib(&u), 6);
    u = parse_body(not_quite, sizeof(not_quite)); /* withdraws ::/0 */
    assert_int_equal(bgp_update_end_of_rib(&u), 0);
    u = parse_body(more, sizeof(more));
    assert_int_equal(bgp_update_end_of_rib(&u), 0);
}

/* ---- four-octet AS numbers (RFC 6793) ---- */

static void as4_path_is_merged_behind_the_old_speakers(void **state)
{
    /* AS_PATH 65000 23456 23456, AS4_PATH 70000 80000 */
    static const uint8_t attrs[] = {ORIGIN_IGP, NEXT_HOP, 0x40, 2,    8,    2,  3,    0xfd, 0xe8,
                                    0x5b,       0xa0,     0x5b, 0xa0, 0xc0, 17, 10,   2,    2,
                                    0,          1,        0x11, 0x70, 0,    1,  0x38, 0x80};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, false, false);
    uint32_t asn[8];

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(bgp_aspath_flatten(u.attrs.as_path, asn, 8), 3);
    assert_int_equal(asn[0], 65000);
    assert_int_equal(asn[1], 70000);
    assert_int_equal(asn[2], 80000);
}

static void a_longer_as4_path_is_ignored(void **state)
{
    static const uint8_t attrs[] = {ORIGIN_IGP, NEXT_HOP, 0x40, 2,  4,    2,   1, 0xfd,
                                    0xe8,       0xc0,     17,   10, 2,    2,   0, 1,
                                    0x11,       0x70,     0,    1,  0x38, 0x80};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, false, false);
    uint32_t asn[8];

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(bgp_aspath_flatten(u.attrs.as_path, asn, 8), 1);
    assert_int_equal(asn[0], 65000);
}

static void as4_attributes_are_stale_behind_a_real_aggregator(void **state)
{
    /* AGGREGATOR of AS 65001, not AS_TRANS: AS4_PATH isn't used either */
    static const uint8_t attrs[] = {ORIGIN_IGP, NEXT_HOP, 0x40, 2, 6,    2,    2, 0xfd, 0xe8, 0x5b,
                                    0xa0,       0xc0,     7,    6, 0xfd, 0xe9, 1, 1,    1,    1,
                                    0xc0,       17,       6,    2, 1,    0,    1, 0x11, 0x70, 0xc0,
                                    18,         8,        0,    1, 0x11, 0x70, 2, 2,    2,    2};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, false, false);
    uint32_t asn[8];

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(u.attrs.aggregator_as, 65001);
    bgp_aspath_flatten(u.attrs.as_path, asn, 8);
    assert_int_equal(asn[1], BGP_AS_TRANS);
}

static void prepending_fills_the_first_segment_up_to_255(void **state)
{
    uint8_t a[4096], b[4096];
    uint32_t own[2] = {65515, 65515}, out[300];
    struct kd_writer w;
    struct kd_bytes path = {0};

    (void)state;
    for (int i = 0; i < 130; i++) {
        uint8_t *to = i % 2 ? b : a;
        kd_writer_init(&w, to, sizeof(a));
        bgp_aspath_prepend(&w, own, 2, path);
        assert_true(w.ok);
        path = kd_written(&w);
        assert_true(bgp_aspath_ok(path, 4, false));
        assert_int_equal(bgp_aspath_length(path), 2 * (i + 1));
    }
    assert_int_equal(bgp_aspath_flatten(path, out, 300), 260);
    assert_int_equal(path.len, 260 * 4 + 2 * 2);
}

/* ---- building and reading back ---- */

static void attributes_round_trip_for_new_and_old_speakers(void **state)
{
    static const uint8_t path[] = {2, 2, 0, 1, 0x11, 0x70, 0, 0, 0xfd, 0xe8};
    static const uint8_t communities[] = {0xff, 0xff, 0xff, 1}, ext[8] = {1}, large[12] = {2};
    static const uint8_t unknown[] = {0xe0, 99, 2, 7, 7};
    struct bgp_attrs a = {
        .has = BGP_HAS(BGP_A_ORIGIN) | BGP_HAS(BGP_A_AS_PATH) | BGP_HAS(BGP_A_NEXT_HOP) |
               BGP_HAS(BGP_A_MED) | BGP_HAS(BGP_A_LOCAL_PREF) | BGP_HAS(BGP_A_ATOMIC_AGGREGATE) |
               BGP_HAS(BGP_A_AGGREGATOR) | BGP_HAS(BGP_A_COMMUNITIES) |
               BGP_HAS(BGP_A_EXT_COMMUNITIES) | BGP_HAS(BGP_A_LARGE_COMMUNITIES),
        .origin = 2,
        .med = 5,
        .local_pref = 150,
        .nexthop = kd_addr_v4(0xc000020a),
        .aggregator_as = 70000,
        .aggregator_id = 9,
        .as_path = kd_bytes(path, sizeof(path)),
        .communities = kd_bytes(communities, 4),
        .ext_communities = kd_bytes(ext, 8),
        .large_communities = kd_bytes(large, 12),
        .unknown = kd_bytes(unknown, sizeof(unknown)),
    };

    (void)state;
    for (int as4 = 0; as4 < 2; as4++) {
        uint8_t buf[512], again[512], got[512];
        struct kd_writer w;
        struct bgp_update u;
        kd_writer_init(&w, buf, sizeof(buf));
        bgp_attrs_put(&w, &a, as4, true);
        u = parse_with(buf, w.pos, one_prefix, 3, as4, true);
        assert_int_equal(u.verdict, BGP_D_OK);
        kd_writer_init(&w, again, sizeof(again));
        bgp_attrs_put(&w, &a, true, true);
        size_t n = w.pos;
        kd_writer_init(&w, got, sizeof(got));
        bgp_attrs_put(&w, &u.attrs, true, true);
        assert_int_equal(w.pos, n);
        assert_memory_equal(again, got, n);
        assert_true(bgp_community_has(&u.attrs, BGP_COMMUNITY_NO_EXPORT));
        assert_false(bgp_community_has(&u.attrs, BGP_COMMUNITY_NO_ADVERTISE));
    }
}

static void unknown_transitive_attributes_get_the_partial_bit(void **state)
{
    static const uint8_t attrs[] = {MANDATORY, 0xc0, 77, 1, 5, 0x80, 78, 1, 6, 0xc0, 79, 0};
    static const uint8_t kept[] = {0xe0, 77, 1, 5, 0xe0, 79, 0};
    struct bgp_update u = parse_with(attrs, sizeof(attrs), one_prefix, 3, true, false);

    (void)state;
    assert_int_equal(u.verdict, BGP_D_OK);
    assert_int_equal(u.attrs.unknown.len, sizeof(kept));
    assert_memory_equal(u.attrs.unknown.p, kept, sizeof(kept));
}

static void updates_pack_until_the_message_is_full(void **state)
{
    uint8_t buf[8192], attrs[64] = {MANDATORY};
    struct kd_addr nh = kd_addr_v4(0xc000020a);
    struct bgp_update_out o;
    struct kd_writer w;
    struct bgp_frame f;
    struct bgp_error e;
    struct kd_reader r;
    struct bgp_update u;
    struct kd_prefix p;
    unsigned n = 0, back = 0;

    (void)state;
    kd_writer_init(&w, buf, sizeof(buf));
    assert_true(bgp_update_announce(&o, &w, BGP_MESSAGE_MAX, 4,
                                    kd_bytes(attrs, sizeof((uint8_t[]){MANDATORY})), &nh));
    for (uint32_t i = 0;; i++, n++) {
        struct kd_addr a = kd_addr_v4(0x0a000000 + i * 256);
        p = kd_prefix_make(&a, 24);
        if (!bgp_update_add(&o, &p))
            break;
    }
    bgp_update_end(&o);
    assert_in_range(w.pos, BGP_MESSAGE_MAX - 3, BGP_MESSAGE_MAX);
    assert_int_equal(bgp_frame_parse(kd_written(&w), BGP_MESSAGE_MAX, &f, &e), BGP_FRAME_OK);
    u = parse_body(f.body.p, f.body.len);
    assert_int_equal(u.verdict, BGP_D_OK);
    kd_reader_init(&r, u.nlri);
    while (bgp_nlri_next(&r, 4, &p))
        back++;
    assert_int_equal(back, n);
}

static void ipv6_updates_and_withdrawals_round_trip(void **state)
{
    static const uint8_t attrs[] = {ORIGIN_IGP, PATH_65000};
    uint8_t buf[4096];
    struct kd_prefix p, q;
    struct kd_addr nh;
    struct bgp_update_out o;
    struct kd_writer w;
    struct bgp_update u;
    struct kd_reader r;

    (void)state;
    assert_true(kd_addr_parse("2001:db8::1", &nh));
    assert_true(kd_prefix_parse("2001:db8:1::/48", true, &p));
    for (int withdraw = 0; withdraw < 2; withdraw++) {
        kd_writer_init(&w, buf, sizeof(buf));
        if (withdraw)
            bgp_update_withdraw(&o, &w, BGP_MESSAGE_MAX, 6);
        else
            assert_true(bgp_update_announce(&o, &w, BGP_MESSAGE_MAX, 6,
                                            kd_bytes(attrs, sizeof(attrs)), &nh));
        assert_true(bgp_update_add(&o, &p));
        bgp_update_end(&o);
        u = parse_body(buf + BGP_HEADER_LEN, w.pos - BGP_HEADER_LEN);
        assert_int_equal(u.verdict, BGP_D_OK);
        kd_reader_init(&r, withdraw ? u.unreach.nlri : u.reach.nlri);
        assert_true(bgp_nlri_next(&r, 6, &q));
        assert_true(kd_prefix_eq(&p, &q));
        if (!withdraw)
            assert_true(kd_addr_eq(&u.reach.nexthop, &nh));
    }
}

static void host_bits_in_a_prefix_are_cleared(void **state)
{
    static const uint8_t nlri[] = {17, 10, 1, 0xff};
    struct kd_reader r;
    struct kd_prefix p;

    (void)state;
    kd_reader_init(&r, kd_bytes(nlri, sizeof(nlri)));
    assert_true(bgp_nlri_next(&r, 4, &p));
    assert_int_equal(p.addr.b[2], 0x80);
    assert_false(bgp_nlri_next(&r, 4, &p));
}

/* Class 47 by chance: whatever the bytes, views stay inside and the verdict is one of four. */
static void random_updates_never_leave_their_bounds(void **state)
{
    static const uint8_t seedling[] = {0,    3,  16, 10, 2,    0, 40, MANDATORY, 0x80, 4, 4,
                                       0,    0,  0,  1,  0xc0, 8, 4,  1,         2,    3, 4,
                                       0x80, 15, 3,  0,  2,    1, 16, 10,        1};
    unsigned seed = 20241;
    unsigned seen[4] = {0};

    (void)state;
    printf("# seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < 200000; i++) {
        uint8_t *body = malloc(sizeof(seedling)); /* exact, so that the sanitizer sees an overrun */
        size_t len = sizeof(seedling) - (i % 3 ? 0 : (size_t)rand() % sizeof(seedling));
        struct bgp_update u;
        memcpy(body, seedling, sizeof(seedling));
        for (int k = rand() % 4; k >= 0; k--)
            body[(size_t)rand() % sizeof(seedling)] = (uint8_t)rand();
        body = realloc(body, len ? len : 1);
        u = parse_body(body, len);
        assert_true(u.verdict <= BGP_D_RESET);
        seen[u.verdict]++;
        if (u.verdict >= BGP_D_DISCARD)
            assert_true(u.error.text[0] != '\0');
        free(body);
    }
    for (int i = 0; i < 4; i++)
        assert_true(seen[i] > 0);
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
        cmocka_unit_test(each_attribute_good_and_nearest_bad),
        cmocka_unit_test(wrong_flags_count_whatever_the_attribute_says),
        cmocka_unit_test(mandatory_attributes_are_needed_and_judged),
        cmocka_unit_test(as_path_segments_are_judged),
        cmocka_unit_test(a_path_longer_than_our_bound_is_withdrawn),
        cmocka_unit_test(duplicates_are_discarded_but_mp_resets),
        cmocka_unit_test(an_attribute_past_the_end_withdraws),
        cmocka_unit_test(errors_without_reachable_prefixes_reset),
        cmocka_unit_test(update_lengths_that_dont_fit_reset),
        cmocka_unit_test(prefixes_too_long_or_cut_reset),
        cmocka_unit_test(mp_next_hop_and_prefix_lengths_are_judged),
        cmocka_unit_test(end_of_rib_is_exactly_that),
        cmocka_unit_test(as4_path_is_merged_behind_the_old_speakers),
        cmocka_unit_test(a_longer_as4_path_is_ignored),
        cmocka_unit_test(as4_attributes_are_stale_behind_a_real_aggregator),
        cmocka_unit_test(prepending_fills_the_first_segment_up_to_255),
        cmocka_unit_test(attributes_round_trip_for_new_and_old_speakers),
        cmocka_unit_test(unknown_transitive_attributes_get_the_partial_bit),
        cmocka_unit_test(updates_pack_until_the_message_is_full),
        cmocka_unit_test(ipv6_updates_and_withdrawals_round_trip),
        cmocka_unit_test(host_bits_in_a_prefix_are_cleared),
        cmocka_unit_test(random_updates_never_leave_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
