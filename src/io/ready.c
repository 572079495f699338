/* Readiness, judged by a timer of its own: once a second, and not in the core's steps. What changes
 * is an event like any other. */
#include "io/io.h"

#include <stdio.h>
#include <time.h>

static bool count(void *arg, struct kd_handle child, struct ready_used *used)
{
    struct io_dp_counters d;

    if (!io_sa_count(arg, child, &d))
        return false;
    *used = (struct ready_used){d.packets_in, d.packets_out, d.bytes_in, d.bytes_out};
    return true;
}

static void changed(void *arg, uint32_t tunnel, enum ready_verdict verdict, const char *codes)
{
    struct core_event_record r = {
        .note = CORE_NOTE_READINESS, .now_us = io_now_us(), .tunnel = tunnel, .peer = CORE_NO_PEER};
    char text[640];

    snprintf(text, sizeof(text), "%s%s%s", ready_verdict_names[verdict], codes[0] ? ": " : "",
             codes);
    r.text = kd_bytes_str(text);
    io_report(arg, &r);
}

static void on_time(uv_timer_t *t)
{
    struct io *io = t->data;
    struct ready_env env = {.core = io->core,
                            .now_us = io_now_us(),
                            .wall_s = (int64_t)time(NULL),
                            .drilling = io->drill != NULL,
                            .count = count,
                            .arg = io};
    uint64_t next = ready_step(io->ready, &env, changed, io);

    if (!io->ended)
        uv_timer_start(t, on_time, (next - KD_MIN(next, env.now_us) + 999) / 1000, 0);
}

void io_ready_drilled(struct io *io)
{
    const struct drill_summary *s = drill_history_find(io_history(io->drills), NULL);
    struct ready_drill d;

    if (!s)
        return;
    d = (struct ready_drill){.at_s = (int64_t)((s->start_wall_us + s->length_us) / 1000000),
                             .passed = s->verdict == DRILL_PASSED};
    snprintf(d.name, sizeof(d.name), "%s", s->drill);
    ready_set_drill(io->ready, &d);
}

bool io_ready_open(struct io *io)
{
    io->ready = ready_new();
    if (!io->ready)
        return false;
    io_ready_drilled(io);
    uv_timer_init(&io->loop, &io->ready_at);
    io->ready_at.data = io;
    return uv_timer_start(&io->ready_at, on_time, 0, 0) == 0;
}

void io_ready_close(struct io *io)
{
    ready_free(io->ready);
    io->ready = NULL;
}
