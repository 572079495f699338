/* The HTTP shell on a real Unix socket, client and server in one thread: the loop is run step by
 * step until the client has what it waits for, so nothing sleeps. */
#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static uv_loop_t loop;
static struct io_http *http;
static char dir[64], path[96];
static size_t body_seen;
static struct ctl_ring *ring;

static void happens(enum core_note note)
{
    struct core_event_record r = {.note = note, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
    struct ctl_names names = {NULL, NULL, NULL};
    assert_true(ctl_ring_add(ring, &r, &names, 0));
    if (http)
        io_http_event(http, note);
}

static struct ctl_response events_from_now(bool follow, bool stops)
{
    return (struct ctl_response){
        .status = 200,
        .type = "application/x-ndjson",
        .events = true,
        .follow = follow,
        .cursor = ctl_ring_since(ring, follow ? ctl_ring_last(ring) : 0,
                                 stops ? CTL_NOTE(CORE_NOTE_STOP) : CTL_NOTES_ALL, follow)};
}

static struct ctl_response answer(void *arg, const struct ctl_request *req)
{
    struct ctl_response r = {.status = 200, .type = "application/json"};
    (void)arg;
    body_seen = req->body.len;
    if (strcmp(req->path, "/v1/events") == 0)
        return events_from_now(req->query(req->query_arg, "follow"),
                               req->query(req->query_arg, "stops"));
    r.follow = req->query(req->query_arg, "follow") != NULL;
    r.stream = req->query(req->query_arg, "stream") ? 7 : 0;
    r.later = req->query(req->query_arg, "later") ? 5 : 0;
    if (r.later)
        return r;
    if (strcmp(req->path, "/event") == 0)
        happens(CORE_NOTE_RELOAD);
    r.body = strdup("{\"head\":1}\n");
    r.len = strlen(r.body);
    return r;
}

static struct io_http *serve(char *text, size_t cap)
{
    const struct io_http_callbacks cb = {.request = answer, .ring = ring};
    return io_http_new(&loop, path, NULL, &cb, text, cap);
}

static void spin(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static int dial(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    strcpy(a.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void say(int fd, const char *s)
{
    assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), strlen(s));
}

/* Reads into buf until it holds want; false when it doesn't come. */
static bool hear(int fd, char *buf, size_t cap, const char *want)
{
    size_t len = strlen(buf);
    for (int i = 0; i < 200 && !strstr(buf, want); i++) {
        spin();
        ssize_t n = recv(fd, buf + len, cap - 1 - len, 0);
        if (n > 0)
            len += (size_t)n;
        buf[len] = '\0';
    }
    return strstr(buf, want) != NULL;
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: kedge\r\n\r\n"

static int setup(void **state)
{
    char text[256] = "";
    (void)state;
    strcpy(dir, "/tmp/kedge-http-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/run/kedge.sock", dir); /* the directory run is made */
    uv_loop_init(&loop);
    ring = ctl_ring_new();
    assert_non_null(ring);
    http = serve(text, sizeof(text));
    assert_string_equal(text, "");
    return http ? 0 : -1;
}

static int teardown(void **state)
{
    char run[80];
    (void)state;
    if (http)
        io_http_free(http);
    http = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    ctl_ring_free(ring);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(run, sizeof(run), "%s/run", dir);
    rmdir(run);
    return rmdir(dir);
}

static void a_request_is_answered_with_its_body_seen(void **state)
{
    char buf[4096] = "";
    int fd = dial();
    (void)state;
    say(fd, "POST /x HTTP/1.1\r\nHost: kedge\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    assert_true(hear(fd, buf, sizeof(buf), "{\"head\":1}"));
    assert_int_equal(body_seen, 7);
    close(fd);
}

static void a_body_over_64_KiB_is_413(void **state)
{
    char buf[4096] = "";
    int fd = dial();
    (void)state;
    say(fd, "POST /x HTTP/1.1\r\nHost: kedge\r\nContent-Length: 65537\r\n\r\n");
    assert_true(hear(fd, buf, sizeof(buf), "\"remedy\""));
    assert_non_null(strstr(buf, " 413 "));
    close(fd);
}

static int follows(const char *target, char *buf, size_t cap)
{
    int fd = dial();
    say(fd, target);
    assert_true(hear(fd, buf, cap, "\r\n\r\n"));
    spin();
    return fd;
}

static void an_idle_follower_gets_an_event_at_once(void **state)
{
    char buf[8192] = "";
    int fd = follows(GET("/v1/events?follow=1"), buf, sizeof(buf)), other = dial();
    (void)state;
    happens(CORE_NOTE_START); /* nothing else happens on any socket */
    assert_true(hear(fd, buf, sizeof(buf), "\"daemon.start\"}"));
    say(other, GET("/event"));
    assert_true(hear(fd, buf, sizeof(buf), "\"daemon.reload\"}"));
    close(fd);
    close(other);
}

static void who_wants_other_events_is_left_alone(void **state)
{
    char buf[8192] = "";
    int fd = follows(GET("/v1/events?follow=1&stops=1"), buf, sizeof(buf));
    (void)state;
    happens(CORE_NOTE_START);
    happens(CORE_NOTE_STOP);
    assert_true(hear(fd, buf, sizeof(buf), "\"daemon.stop\"}"));
    assert_null(strstr(buf, "daemon.start"));
    close(fd);
}

static void who_does_not_follow_gets_what_was_and_an_end(void **state)
{
    static char buf[4 * 1024 * 1024];
    int fd = dial();
    (void)state;
    buf[0] = '\0';
    for (int i = 0; i < 3000; i++)
        happens(CORE_NOTE_START);
    say(fd, GET("/v1/events"));
    assert_true(hear(fd, buf, sizeof(buf), "\"seq\":1,"));
    happens(CORE_NOTE_RELOAD); /* came later */
    for (int i = 0; i < 40 && !strstr(buf, "\r\n0\r\n\r\n"); i++)
        hear(fd, buf, sizeof(buf), "\r\n0\r\n\r\n");
    assert_non_null(strstr(buf, "\"seq\":3000,"));
    assert_non_null(strstr(buf, "\r\n0\r\n\r\n"));
    assert_null(strstr(buf, "daemon.reload"));
    close(fd);
}

static void a_follower_that_lags_is_told_and_dropped_the_others_live(void **state)
{
    static char buf[16 * 1024 * 1024];
    char small[4096] = "";
    buf[0] = '\0';
    int slow = follows(GET("/v1/events?follow=1"), buf, sizeof(buf)), fd = dial();
    (void)state;
    for (int i = 0; i < 2 * CTL_RING_MAX; i++) {
        happens(CORE_NOTE_START);
        spin();
    }
    say(fd, GET("/v1/status"));
    assert_true(hear(fd, small, sizeof(small), "{\"head\":1}"));
    assert_true(hear(slow, buf, sizeof(buf), "is dropped"));
    assert_true(hear(slow, buf, sizeof(buf), "\r\n0\r\n\r\n"));
    close(slow);
    close(fd);
}

/* MRT: no text may stand in it, and only its own follower sees it. */
static void bytes_of_a_stream_come_whole_and_end_silently_when_they_are_not_read(void **state)
{
    static char buf[4 * 1024 * 1024], part[65536];
    char text[8192] = "";
    int own = dial(), other = dial();
    (void)state;
    buf[0] = '\0';
    say(own, GET("/x?follow=1&stream=7"));
    say(other, GET("/v1/events?follow=1"));
    assert_true(hear(own, buf, sizeof(buf), "{\"head\":1}"));
    assert_true(hear(other, text, sizeof(text), "\r\n\r\n"));
    spin();
    buf[0] = '\0';
    io_http_bytes(http, 7, kd_bytes((const uint8_t *)"a\0b", 3));
    spin();
    assert_int_equal(recv(own, buf, sizeof(buf), 0), 8); /* "3", a\0b, as one chunk */
    assert_memory_equal(buf, "3\r\na\0b\r\n", 8);
    memset(part, 'x', sizeof(part));
    for (int i = 0; i < 64; i++) {
        io_http_bytes(http, 7, kd_bytes((const uint8_t *)part, sizeof(part)));
        spin();
    }
    buf[0] = '\0';
    assert_true(hear(own, buf, sizeof(buf), "\r\n0\r\n\r\n"));
    assert_null(strstr(buf, "dropped"));
    happens(CORE_NOTE_START);
    assert_true(hear(other, text, sizeof(text), "\"daemon.start\"}"));
    assert_null(strstr(text, "xx"));
    close(own);
    close(other);
}

static void the_last_events_are_sent_before_the_end(void **state)
{
    char buf[4096] = "";
    int fd = follows(GET("/v1/events?follow=1"), buf, sizeof(buf));
    (void)state;
    happens(CORE_NOTE_STOP);
    io_http_free(http);
    http = NULL;
    assert_true(hear(fd, buf, sizeof(buf), "\"daemon.stop\"}"));
    assert_non_null(strstr(buf, "\r\n0\r\n\r\n"));
    close(fd);
}

static void an_answer_that_comes_later_is_for_all_who_wait_and_holds_up_nobody(void **state)
{
    char one[1024] = "", two[1024] = "", other[1024] = "";
    char text[] = "{\"late\":1}";
    struct ctl_response r = {
        .status = 200, .type = "application/json", .body = text, .len = strlen(text)};
    int a = dial(), b = dial(), c = dial(), gone = dial();

    (void)state;
    say(a, GET("/v1/x?later=1"));
    say(b, GET("/v1/x?later=1"));
    say(gone, GET("/v1/x?later=1"));
    say(c, GET("/v1/x"));
    assert_true(hear(c, other, sizeof(other), "{\"head\":1}"));
    close(gone);
    io_http_answer(http, 6, &r); /* another's */
    for (int i = 0; i < 20; i++)
        spin();
    assert_int_equal(recv(a, one, sizeof(one), 0), -1);
    io_http_answer(http, 5, &r);
    assert_true(hear(a, one, sizeof(one), "{\"late\":1}"));
    assert_true(hear(b, two, sizeof(two), "{\"late\":1}"));
    assert_non_null(strstr(one, " 200 "));
    say(a, GET("/v1/x")); /* the connection goes on */
    assert_true(hear(a, one, sizeof(one), "{\"head\":1}"));
    close(a);
    close(b);
    close(c);
}

static void who_still_waits_is_told_of_the_end(void **state)
{
    char buf[1024] = "";
    int fd = dial();

    (void)state;
    say(fd, GET("/v1/x?later=1"));
    for (int i = 0; i < 20; i++)
        spin();
    io_http_free(http);
    http = NULL;
    assert_true(hear(fd, buf, sizeof(buf), "\"remedy\""));
    assert_non_null(strstr(buf, " 503 "));
    close(fd);
}

static void a_socket_in_use_is_refused_and_a_stale_one_replaced(void **state)
{
    char text[256] = "";
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;
    (void)state;
    assert_null(serve(text, sizeof(text)));
    assert_non_null(strstr(text, "another kedged listens at"));
    io_http_free(http);
    http = NULL;
    spin();
    strcpy(a.sun_path, path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&a, sizeof(a)), 0);
    close(stale); /* the file stays, nobody listens */
    http = serve(text, sizeof(text));
    assert_non_null(http);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    char text[256] = "", file[80];
    const struct io_http_callbacks cb = {.request = answer, .ring = ring};
    (void)state;
    snprintf(file, sizeof(file), "%s/file", dir);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    assert_null(io_http_new(&loop, file, NULL, &cb, text, sizeof(text)));
    assert_non_null(strstr(text, "is not a socket"));
    assert_int_equal(unlink(file), 0);
    assert_null(io_http_new(&loop, file, "no-such-group", &cb, text, sizeof(text)));
    assert_non_null(strstr(text, "there is no group \"no-such-group\""));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_answered_with_its_body_seen),
        T(a_body_over_64_KiB_is_413),
        T(an_idle_follower_gets_an_event_at_once),
        T(who_wants_other_events_is_left_alone),
        T(who_does_not_follow_gets_what_was_and_an_end),
        T(a_follower_that_lags_is_told_and_dropped_the_others_live),
        T(bytes_of_a_stream_come_whole_and_end_silently_when_they_are_not_read),
        T(the_last_events_are_sent_before_the_end),
        T(an_answer_that_comes_later_is_for_all_who_wait_and_holds_up_nobody),
        T(who_still_waits_is_told_of_the_end),
        T(a_socket_in_use_is_refused_and_a_stale_one_replaced),
        T(what_is_no_socket_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
