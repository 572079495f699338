/* kedged's end of the guard: one command at a time over its pipe. */
#include "io/drill_guard.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLY_MAX 320

struct io_guard {
    uv_loop_t *loop;
    char journal[300];
    struct peer { /* the process, as long as it lives */
        uv_process_t process;
        uv_pipe_t pipe;
        struct io_guard *g; /* NULL: let go */
        unsigned open_handles;
        char reply[REPLY_MAX];
        size_t len;
    } * peer;
    io_guard_done *done; /* NULL: nothing runs */
    void *arg;
};

static void on_closed(uv_handle_t *h)
{
    struct peer *p = h->data;

    if (--p->open_handles == 0)
        free(p);
}

static void close_handle(uv_handle_t *h)
{
    if (!uv_is_closing(h))
        uv_close(h, on_closed);
}

static void say_done(struct io_guard *g, bool ok, const char *text)
{
    io_guard_done *done = g->done;

    g->done = NULL;
    if (done)
        done(g->arg, ok, text);
}

/* It has gone by itself: what it was running is not known to be done. */
static void lost(struct peer *p)
{
    struct io_guard *g = p->g;

    close_handle((uv_handle_t *)&p->pipe);
    if (!g)
        return;
    g->peer = NULL;
    p->g = NULL;
    say_done(g, false, "the guard process has ended");
}

static void on_exit_process(uv_process_t *h, int64_t status, int sig)
{
    struct peer *p = h->data;

    (void)status;
    (void)sig;
    lost(p);
    close_handle((uv_handle_t *)h);
}

static void take_reply(struct peer *p)
{
    char *nl = memchr(p->reply, '\n', p->len);
    char text[REPLY_MAX];
    bool ok;

    if (!nl || !p->g)
        return;
    *nl = '\0';
    ok = strcmp(p->reply, "0") == 0;
    snprintf(text, sizeof(text), "%s", !ok && p->reply[0] ? p->reply + 2 : "");
    p->len = 0; /* one command, one answer */
    say_done(p->g, ok, text);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct peer *p = h->data;

    (void)suggested;
    *buf = uv_buf_init(p->reply + p->len, (unsigned)(sizeof(p->reply) - p->len));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct peer *p = s->data;

    (void)buf;
    if (n < 0) {
        lost(p);
        return;
    }
    p->len += (size_t)n;
    take_reply(p);
}

static int spawn(struct io_guard *g, struct peer *p)
{
    char *argv[] = {(char *)"kedged", (char *)IO_GUARD_OPTION, g->journal, NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&p->pipe},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t o = {.exit_cb = on_exit_process,
                              .file = "/proc/self/exe",
                              .args = argv,
                              .flags = UV_PROCESS_DETACHED, /* Ctrl-C in a terminal isn't its */
                              .stdio_count = 3,
                              .stdio = stdio};

    return uv_spawn(g->loop, &p->process, &o);
}

static bool start(struct io_guard *g, char *why, size_t cap)
{
    struct peer *p = calloc(1, sizeof(*p));
    int rc;

    kd_assert(p);
    p->open_handles = 2;
    p->process.data = p->pipe.data = p;
    uv_pipe_init(g->loop, &p->pipe, 0);
    rc = spawn(g, p);
    if (rc != 0) {
        snprintf(why, cap, "the guard process can't be started: %s", uv_strerror(rc));
        close_handle((uv_handle_t *)&p->process);
        close_handle((uv_handle_t *)&p->pipe);
        return false;
    }
    p->g = g;
    g->peer = p;
    uv_read_start((uv_stream_t *)&p->pipe, on_alloc, on_read);
    return true;
}

struct io_guard *io_guard_new(uv_loop_t *loop, const char *journal, char *why, size_t cap)
{
    struct io_guard *g = calloc(1, sizeof(*g));

    kd_assert(g);
    g->loop = loop;
    snprintf(g->journal, sizeof(g->journal), "%s", journal);
    if (start(g, why, cap))
        return g;
    free(g);
    return NULL;
}

/* A few hundred bytes into an empty pipe: they fit, or the guard is lost. */
static bool send_line(struct io_guard *g, const char *line, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)line, (unsigned)len);

    return g->peer && uv_try_write((uv_stream_t *)&g->peer->pipe, &buf, 1) == (int)len;
}

void io_guard_run(struct io_guard *g, uint32_t step, const struct drill_argv *command,
                  uint64_t timeout_us, io_guard_done *done, void *arg)
{
    struct drill_record r = {.kind = DRILL_REC_STEP,
                             .step = step,
                             .what = DRILL_STEP_EXEC,
                             .timeout_us = timeout_us,
                             .undo = *command};
    char line[DRILL_RECORD_MAX], why[256] = "the guard process doesn't listen";

    kd_assert(!g->done);
    g->done = done;
    g->arg = arg;
    if ((!g->peer && !start(g, why, sizeof(why))) ||
        !send_line(g, line, drill_record_put(&r, line)))
        say_done(g, false, why);
}

void io_guard_kill(struct io_guard *g)
{
    if (g->done)
        (void)send_line(g, "kill\n", 5);
}

void io_guard_free(struct io_guard *g)
{
    if (!g)
        return;
    if (g->peer) {
        g->peer->g = NULL;
        close_handle((uv_handle_t *)&g->peer->pipe);
    }
    free(g);
}
