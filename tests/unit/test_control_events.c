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
        assert_non_null(ctl_ring_add(ring, &r, &names, 0));
}

/* How many lines since, and the first one's number. */
static unsigned lines_since(uint64_t since, uint64_t *first)
{
    size_t len;
    unsigned n = 0;
    char *s = ctl_ring_since(ring, since, &len);
    assert_non_null(s);
    assert_int_equal(strlen(s), len);
    *first = 0;
    sscanf(s, "{\"version\":1,\"seq\":%" SCNu64, first);
    for (const char *p = s; (p = strchr(p, '\n')) != NULL; p++)
        n++;
    free(s);
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

static void the_ring_keeps_the_last_4096(void **state)
{
    uint64_t first;
    (void)state;
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
    assert_non_null(strstr(r.body, "\"seq\":2,"));
    assert_null(strstr(r.body, "\"seq\":1,"));
    ctl_response_done(&r);
    req.query_arg = (void *)(uintptr_t) "since=0";
    r = ctl_handle(&env, &req);
    assert_false(r.follow);
    ctl_response_done(&r);
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
        T(the_ring_keeps_the_last_4096),
        T(events_are_asked_for_and_followed),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
