/* The listener for Prometheus on a real TCP socket, client and server in one thread: the loop is
 * run step by step until the client has what it waits for. */
#include "io/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uv_loop_t loop;
static struct io_metrics *metrics;
static struct kd_endpoint at;
static unsigned asked;
static size_t body_len; /* of the next answer; 0: a line */

static struct ctl_response answer(void *arg)
{
    struct ctl_response r = {.status = 200, .type = "text/plain; version=0.0.4"};
    (void)arg;
    asked++;
    r.body = body_len ? calloc(1, body_len) : strdup("kedge_tunnel_up{tunnel=\"a\"} 1\n");
    r.len = body_len ? body_len : strlen(r.body);
    return r;
}

/* A port that is free: the kernel's choice, given back. */
static uint16_t free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    close(fd);
    return ntohs(in.sin_port);
}

static int serve(const struct io_metrics_limits *limits)
{
    char text[256] = "";
    asked = 0;
    body_len = 0;
    at = (struct kd_endpoint){kd_addr_v4(INADDR_LOOPBACK), free_port()};
    uv_loop_init(&loop);
    metrics = io_metrics_new(&loop, &at, limits, answer, NULL, text, sizeof(text));
    assert_string_equal(text, "");
    return metrics ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    return serve(&io_metrics_limits);
}

#define WHOLE_MS 200

static int setup_in_a_hurry(void **state)
{
    (void)state;
    return serve(&(struct io_metrics_limits){.idle_s = 60, .whole_ms = WHOLE_MS});
}

static int setup_with_time_to_ask(void **state)
{
    (void)state;
    return serve(&(struct io_metrics_limits){.idle_s = 60, .whole_ms = 1000});
}

static int teardown(void **state)
{
    (void)state;
    io_metrics_free(metrics);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static int dial(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(at.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static void say(int fd, const char *s)
{
    (void)!send(fd, s, strlen(s), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* All until the server closes; false when it doesn't. */
static bool hear(int fd, char *buf, size_t cap)
{
    size_t len = 0;
    ssize_t n = -1;
    for (int i = 0; i < 2000 && n != 0; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        n = recv(fd, buf + len, cap - 1 - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
    }
    buf[len] = '\0';
    return n == 0;
}

static void asks(const char *request, const char *status, const char *body)
{
    char buf[4096];
    int fd = dial();
    say(fd, request);
    assert_true(hear(fd, buf, sizeof(buf)));
    if (!strstr(buf, status) || !strstr(buf, body))
        fail_msg("%s -> %s", request, buf);
    close(fd);
}

static void a_scrape_is_answered_and_its_connection_closed(void **state)
{
    (void)state;
    asks("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", " 200 ", "kedge_tunnel_up{tunnel=\"a\"} 1\n");
    asks("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "Content-Type: text/plain; version=0.0.4", "");
    asks("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", " 200 ", "Content-Length: 30");
    assert_int_equal(asked, 3);
}

static void nothing_else_is_answered_here(void **state)
{
    static const char *const paths[] = {"/", "/metrics/", "/v1/status", "/v1/tunnels/a/down"};
    char request[128];
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(paths); i++) {
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        asks(request, " 404 ", "only GET /metrics");
    }
    asks("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", " 405 ",
         "Allow: GET, HEAD");
    asks("DELETE /v1/tunnels/a HTTP/1.1\r\nHost: x\r\n\r\n", " 405 ", "only GET /metrics");
    assert_int_equal(asked, 0);
}

static void a_head_that_does_not_fit_and_a_body_are_not_taken(void **state)
{
    static char request[64 * 1024], buf[4096];
    int fd = dial();
    (void)state;
    memset(request, 'a', sizeof(request) - 1);
    memcpy(request, "GET /metrics HTTP/1.1\r\nX: ", 26);
    say(fd, request);
    assert_true(hear(fd, buf, sizeof(buf)) || buf[0]); /* closed, perhaps with a word */
    assert_null(strstr(buf, " 200 "));
    close(fd);
    fd = dial();
    say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{");
    (void)hear(fd, buf, sizeof(buf));
    assert_null(strstr(buf, " 200 "));
    close(fd);
    assert_int_equal(asked, 0);
}

static void those_who_say_nothing_take_no_more_than_their_places(void **state)
{
    int idle[12];
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(idle); i++) {
        idle[i] = dial();
        for (int k = 0; k < 20; k++)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(idle); i++)
        close(idle[i]);
    asks("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", " 200 ", "kedge_tunnel_up");
}

static bool closed(int fd)
{
    char buf[64];
    ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* The loop runs, one event after the other, until the server closes; now and then the client sends
 * a little, which its 8 KiB last for. */
static uint64_t closed_after_ms(int fd, const char *little)
{
    uint64_t from = uv_now(&loop), next = from;
    while (!closed(fd)) {
        if (uv_now(&loop) >= next) {
            say(fd, little);
            next = uv_now(&loop) + WHOLE_MS / 20;
        }
        uv_run(&loop, UV_RUN_ONCE);
    }
    return uv_now(&loop) - from;
}

static void a_connection_has_so_much_time_however_busy_it_is(void **state)
{
    static const char *const little[] = {"", "X", "X: y\r\n"};
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(little); i++) {
        int fd = dial();
        say(fd, "GET /metrics HTTP/1.1\r\n");
        uv_update_time(&loop);
        assert_in_range(closed_after_ms(fd, little[i]), WHOLE_MS, UINT64_MAX);
        close(fd);
    }
    assert_int_equal(asked, 0);
}

static void those_who_ask_and_read_nothing_leave_their_places_in_time(void **state)
{
    int deaf[8]; /* all there are */
    (void)state;
    body_len = 32 << 20; /* more than sockets hold */
    for (size_t i = 0; i < KD_ARRAY_LEN(deaf); i++) {
        deaf[i] = dial();
        say(deaf[i], "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    while (asked < KD_ARRAY_LEN(deaf))
        uv_run(&loop, UV_RUN_ONCE);
    body_len = 0;
    int fd = dial();
    say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    while (asked == KD_ARRAY_LEN(deaf)) /* waits in the kernel until one of them is ended */
        uv_run(&loop, UV_RUN_ONCE);
    for (size_t i = 0; i < KD_ARRAY_LEN(deaf); i++)
        close(deaf[i]);
    close(fd);
}

static void an_address_that_is_taken_is_said(void **state)
{
    char text[256] = "";
    (void)state;
    assert_null(io_metrics_new(&loop, &at, &io_metrics_limits, answer, NULL, text, sizeof(text)));
    assert_non_null(strstr(text, "Address already in use; name another"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_scrape_is_answered_and_its_connection_closed),
        T(nothing_else_is_answered_here),
        T(a_head_that_does_not_fit_and_a_body_are_not_taken),
        T(those_who_say_nothing_take_no_more_than_their_places),
        cmocka_unit_test_setup_teardown(a_connection_has_so_much_time_however_busy_it_is,
                                        setup_in_a_hurry, teardown),
        cmocka_unit_test_setup_teardown(those_who_ask_and_read_nothing_leave_their_places_in_time,
                                        setup_with_time_to_ask, teardown),
        T(an_address_that_is_taken_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
