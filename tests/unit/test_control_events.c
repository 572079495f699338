/* The control interface's events: their lines of JSON and of the log, and the ring that keeps
 * them. */
#include "test_control.h"

/* ---- events ---- */

static struct core_event_record record(enum core_note note)
{
    return (struct core_event_record){
        .note = note, .now_us = 123456, .tunnel = 0, .peer = CORE_NO_PEER};
}

static void expect_event(const struct core_event_record *r, const char *json, const char *log)
{
    struct ctl_names names = ctl_event_names(NULL, r);
    char buf[512];
    char *line = ctl_event_json(r, &names, 17, 1767225600000001);
    assert_non_null(line);
    assert_int_equal(line[strlen(line) - 1], '\n');
    line[strlen(line) - 1] = '\0';
    assert_string_equal(line, json);
    free(line);
    ctl_event_log(r, &names, buf, sizeof(buf));
    assert_string_equal(buf, log);
}

#define HEAD "{\"version\":1,\"seq\":17,\"t_us\":123456,\"wall\":\"2026-01-01T00:00:00.000001Z\","

static void events_are_one_line_of_json_and_one_of_log(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_TUNNEL_STATE);
    r.tstate = CORE_T_UP;
    expect_event(&r,
                 HEAD "\"event\":\"tunnel.state\",\"tunnel\":\"onprem\",\"state\":\"up\","
                      "\"reason\":\"none\"}",
                 "tunnel.state tunnel=onprem state=up reason=none");
    r = record(CORE_NOTE_CHILD_UP);
    r.spi_in = 0xc1234567;
    r.spi_out = 1;
    r.text = kd_bytes_str("aes256-sha1");
    expect_event(&r,
                 HEAD "\"event\":\"child.up\",\"tunnel\":\"onprem\",\"spi_in\":\"c1234567\","
                      "\"spi_out\":\"00000001\",\"suite\":\"aes256-sha1\"}",
                 "child.up tunnel=onprem spi_in=c1234567 spi_out=00000001 suite=aes256-sha1");
    r = record(CORE_NOTE_FIB_CLEAR);
    r.count = 3;
    r.latency_us = 850;
    expect_event(&r,
                 HEAD "\"event\":\"fib.clear\",\"tunnel\":\"onprem\",\"routes\":3,"
                      "\"latency_us\":850}",
                 "fib.clear tunnel=onprem routes=3 latency_us=850");
    r = record(CORE_NOTE_BGP_STATE);
    r.tunnel = CORE_NO_TUNNEL;
    r.peer = CORE_PEER_BESIDE(0);
    r.bstate = BGP_ESTABLISHED;
    expect_event(&r,
                 HEAD "\"event\":\"bgp.state\",\"neighbor\":\"msee\",\"state\":\"Established\","
                      "\"reason\":\"none\"}",
                 "bgp.state neighbor=msee state=Established reason=none");
    r = record(CORE_NOTE_ROUTE_ADD);
    r.peer = 0;
    r.prefix = prefix("10.1.11.0/25");
    r.nexthop = addr("192.168.11.88");
    expect_event(&r,
                 HEAD "\"event\":\"route.add\",\"tunnel\":\"onprem\",\"neighbor\":\"onprem\","
                      "\"prefix\":\"10.1.11.0/25\",\"next_hop\":\"192.168.11.88\"}",
                 "route.add tunnel=onprem neighbor=onprem prefix=10.1.11.0/25 "
                 "next_hop=192.168.11.88");
}

static void a_refusal_lists_both_sides(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_IKE_REFUSED);
    r.reason = KD_REASON_NO_PROPOSAL;
    r.remote = (struct kd_endpoint){addr("198.51.100.1"), 500};
    r.text = kd_bytes_str("no common suite");
    r.offered = kd_bytes_str("aes256-sha1-modp1024, 3des-sha1-modp1024");
    r.configured = kd_bytes_str("aes256-sha256-modp2048");
    expect_event(&r,
                 HEAD "\"event\":\"ike.refused\",\"tunnel\":\"onprem\","
                      "\"reason\":\"no-proposal\",\"remote\":\"198.51.100.1:500\","
                      "\"detail\":\"no common suite\","
                      "\"offered\":[\"aes256-sha1-modp1024\",\"3des-sha1-modp1024\"],"
                      "\"configured\":[\"aes256-sha256-modp2048\"]}",
                 "ike.refused tunnel=onprem reason=no-proposal remote=198.51.100.1:500 "
                 "detail=\"no common suite\" "
                 "offered=\"aes256-sha1-modp1024, 3des-sha1-modp1024\" "
                 "configured=aes256-sha256-modp2048");
}

static void a_peers_text_cannot_forge_a_line(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_BGP_ERROR);
    r.text = kd_bytes_str("x\nchild.up tunnel=onprem\x1b[2J\xff");
    expect_event(&r,
                 HEAD "\"event\":\"bgp.error\",\"tunnel\":\"onprem\",\"reason\":\"none\","
                      "\"detail\":\"x\\nchild.up tunnel=onprem\\u001B[2J?\"}",
                 "bgp.error tunnel=onprem reason=none "
                 "detail=\"x\\nchild.up tunnel=onprem\\u001B[2J?\"");
}

static void a_log_line_is_cut_at_its_buffer(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_KERNEL_ERROR);
    struct ctl_names names = {"onprem", NULL};
    char buf[24];
    r.text = kd_bytes_str("no such device and more");
    ctl_event_log(&r, &names, buf, sizeof(buf));
    assert_string_equal(buf, "kernel.error tunnel=onp");
}

static void every_event_has_a_name_and_both_forms(void **state)
{
    (void)state;
    for (int i = 0; i < CORE_NOTE_N; i++) {
        struct core_event_record r = record((enum core_note)i);
        struct ctl_names names = ctl_event_names(NULL, &r);
        char buf[256];
        char *line = ctl_event_json(&r, &names, 1, 0);
        assert_non_null(strstr(line, core_note_names[i]));
        free(line);
        ctl_event_log(&r, &names, buf, sizeof(buf));
        assert_int_equal(strncmp(buf, core_note_names[i], strlen(core_note_names[i])), 0);
    }
}

/* ---- the ring ---- */

static void fill(unsigned n)
{
    struct core_event_record r = record(CORE_NOTE_RESTORE);
    struct ctl_names names = {"onprem", NULL};
    for (unsigned i = 0; i < n; i++)
        assert_true(ctl_ring_add(ring, &r, &names, 0));
}

/* How many lines since, and the first one's number. */
static unsigned lines_since(uint64_t since, uint64_t *first)
{
    struct ctl_cursor c = ctl_ring_since(ring, since, CTL_NOTES_ALL, true);
    char buf[300];
    unsigned n = 0;
    *first = 0;
    for (size_t len; (len = ctl_ring_read(ring, &c, buf, sizeof(buf) - 1)) > 0;) {
        buf[len] = '\0';
        if (n == 0)
            sscanf(buf, "{\"version\":1,\"seq\":%" SCNu64, first);
        for (const char *p = buf; (p = strchr(p, '\n')) != NULL; p++)
            n++;
    }
    return n;
}

static void the_ring_gives_what_came_after_a_number(void **state)
{
    uint64_t first;
    (void)state;
    assert_int_equal(lines_since(0, &first), 0);
    fill(3);
    assert_int_equal(ctl_ring_last(ring), 3);
    assert_int_equal(lines_since(0, &first), 3);
    assert_int_equal(first, 1);
    assert_int_equal(lines_since(2, &first), 1);
    assert_int_equal(first, 3);
    assert_int_equal(lines_since(3, &first), 0);
    assert_int_equal(lines_since(UINT64_MAX, &first), 0);
}

static void the_ring_keeps_the_last_16384(void **state)
{
    uint64_t first;
    (void)state;
    assert_int_equal(CTL_RING_MAX, 16384);
    fill(CTL_RING_MAX + 5);
    assert_int_equal(lines_since(0, &first), CTL_RING_MAX);
    assert_int_equal(first, 6);
    assert_int_equal(lines_since(CTL_RING_MAX + 4, &first), 1);
    assert_int_equal(first, CTL_RING_MAX + 5);
}

static void events_are_asked_for_and_followed(void **state)
{
    (void)state;
    fill(2);
    struct ctl_request req = {
        "GET", "/v1/events", query, (void *)(uintptr_t) "since=1&follow=1", {NULL, 0}};
    struct ctl_response r = ctl_handle(&env, &req);
    assert_int_equal(r.status, 200);
    assert_true(r.follow);
    assert_true(r.events);
    assert_int_equal(r.cursor.seq, 1);
    assert_int_equal(r.cursor.notes, CTL_NOTES_ALL);
    req.query_arg = (void *)(uintptr_t) "since=0";
    r = ctl_handle(&env, &req);
    assert_false(r.follow);
    assert_true(r.events);
}

static struct ctl_response events_of(const char *query_text)
{
    struct ctl_request req = {"GET", "/v1/events", query, (void *)(uintptr_t)query_text, {NULL, 0}};
    return ctl_handle(&env, &req);
}

static void events_are_chosen_by_name_or_by_what_stands_before_its_point(void **state)
{
    const uint64_t stop = CTL_NOTE(CORE_NOTE_STOP); /* a follower knows the end from a break */
    (void)state;
    assert_int_equal(events_of("event=bgp.stop").cursor.notes, CTL_NOTE(CORE_NOTE_BGP_STOP) | stop);
    assert_int_equal(events_of("event=route").cursor.notes,
                     CTL_NOTE(CORE_NOTE_ROUTE_ADD) | CTL_NOTE(CORE_NOTE_ROUTE_DEL) |
                         CTL_NOTE(CORE_NOTE_ROUTE_REFUSED) | stop);
    assert_int_equal(events_of("event=drill,bfd.state").cursor.notes,
                     CTL_NOTE(CORE_NOTE_DRILL) | CTL_NOTE(CORE_NOTE_BFD_STATE) | stop);
}

static void what_is_no_event_is_named(void **state)
{
    static const char *const wrong[][2] = {
        {"event=bgp.stopp", "\\\"bgp.stopp\\\""}, {"event=bg", "\\\"bg\\\""},
        {"event=bgp.", "\\\"bgp.\\\""},           {"event=", "\\\"\\\""},
        {"event=route,", "\\\"\\\""},             {"event=route,bfd state", "\\\"bfd state\\\""},
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(wrong); i++) {
        struct ctl_response r = events_of(wrong[i][0]);
        assert_int_equal(r.status, 400);
        assert_non_null(strstr(r.body, wrong[i][1]));
        assert_non_null(strstr(r.body, "bgp.stop,tunnel"));
        ctl_response_done(&r);
    }
}

/* ---- reading the ring ---- */

static void a_reader_gets_only_what_it_wants(void **state)
{
    struct core_event_record r = record(CORE_NOTE_BGP_STOP);
    struct ctl_names names = {"onprem", NULL};
    struct ctl_cursor c;
    char buf[1024];
    (void)state;
    fill(100);
    assert_true(ctl_ring_add(ring, &r, &names, 0));
    fill(100);
    c = ctl_ring_since(ring, 0, CTL_NOTE(CORE_NOTE_BGP_STOP), true);
    size_t len = ctl_ring_read(ring, &c, buf, sizeof(buf) - 1);
    buf[len] = '\0';
    assert_non_null(strstr(buf, "\"seq\":101,"));
    assert_ptr_equal(strchr(buf, '\n'), buf + len - 1);
    assert_int_equal(ctl_ring_read(ring, &c, buf, sizeof(buf)), 0);
    assert_int_equal(c.seq, 201);
}

/* The record's text is borrowed for the call, and the names may go with a reload. */
static void what_an_event_says_is_kept_until_it_is_read(void **state)
{
    struct core_event_record r = record(CORE_NOTE_IKE_REFUSED);
    char text[] = "no common suite", offered[] = "a, b", tunnel[] = "onprem", buf[1024];
    struct ctl_names names = {.tunnel = tunnel};
    (void)state;
    r.text = kd_bytes_str(text);
    r.offered = kd_bytes_str(offered);
    assert_true(ctl_ring_add(ring, &r, &names, 0));
    memset(text, 'x', strlen(text));
    memset(offered, 'x', strlen(offered));
    memset(tunnel, 'x', strlen(tunnel));
    for (int i = 0; i < 2; i++) { /* and again from then on */
        struct ctl_cursor c = ctl_ring_since(ring, 0, CTL_NOTES_ALL, true);
        buf[ctl_ring_read(ring, &c, buf, sizeof(buf) - 1)] = '\0';
        assert_non_null(strstr(buf, "\"tunnel\":\"onprem\""));
        assert_non_null(strstr(buf, "\"detail\":\"no common suite\""));
        assert_non_null(strstr(buf, "\"offered\":[\"a\",\"b\"]"));
    }
}

static void a_line_is_never_torn_where_the_buffer_holds_it(void **state)
{
    char buf[256], whole[8192] = "";
    struct ctl_cursor c;
    (void)state;
    fill(20);
    c = ctl_ring_since(ring, 0, CTL_NOTES_ALL, true);
    for (size_t len; (len = ctl_ring_read(ring, &c, buf, sizeof(buf))) > 0;)
        assert_int_equal(buf[len - 1], '\n');
    c = ctl_ring_since(ring, 0, CTL_NOTES_ALL, true);
    for (size_t len; (len = ctl_ring_read(ring, &c, buf, 7)) > 0;)
        strncat(whole, buf, len); /* and in parts it comes whole */
    c = ctl_ring_since(ring, 0, CTL_NOTES_ALL, true);
    char at_once[8192];
    at_once[ctl_ring_read(ring, &c, at_once, sizeof(at_once) - 1)] = '\0';
    assert_string_equal(whole, at_once);
}

static void a_reader_that_is_a_ring_behind_has_lost_what_comes_next(void **state)
{
    struct ctl_cursor c;
    char buf[64];
    (void)state;
    fill(1);
    c = ctl_ring_since(ring, 0, CTL_NOTES_ALL, true);
    fill(CTL_RING_MAX - 1);
    assert_false(ctl_ring_lost(ring, &c));
    fill(1);
    assert_true(ctl_ring_lost(ring, &c));
    assert_int_equal(ctl_ring_read(ring, &c, buf, sizeof(buf)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(events_are_one_line_of_json_and_one_of_log),
        T(a_refusal_lists_both_sides),
        T(a_peers_text_cannot_forge_a_line),
        T(a_log_line_is_cut_at_its_buffer),
        T(every_event_has_a_name_and_both_forms),
        T(the_ring_gives_what_came_after_a_number),
        T(the_ring_keeps_the_last_16384),
        T(events_are_asked_for_and_followed),
        T(events_are_chosen_by_name_or_by_what_stands_before_its_point),
        T(what_is_no_event_is_named),
        T(a_reader_gets_only_what_it_wants),
        T(what_an_event_says_is_kept_until_it_is_read),
        T(a_line_is_never_torn_where_the_buffer_holds_it),
        T(a_reader_that_is_a_ring_behind_has_lost_what_comes_next),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
