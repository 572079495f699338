/* Drills: the machine fed and its actions carried out, the end. See drill_int.h. */
#include "io/drill_int.h"
#include "io/measure.h"

#include <stdio.h>
#include <stdlib.h>

#define LAST_REPORT_MS 3000 /* an agent's: the probe's timeout and a little */
#define STOP_MS 10000 /* a drill's restore may hold kedged's own end up for so long */

/* ---- the end ---- */

static void on_closed(uv_handle_t *h)
{
    struct io_drill *d = h->data;

    if (--d->open_handles > 0)
        return;
    drill_run_free(d->run);
    practice_base_free(&d->base);
    free(d->carried);
    free(d->result);
    free(d);
}

void io_drill_let_go(struct io_drill *d)
{
    d->io->drill = NULL;
    io_journal_free(d->journal);
    if (d->measuring)
        io_measure_end(d->io);
    uv_close((uv_handle_t *)&d->timer, on_closed);
    uv_close((uv_handle_t *)&d->look, on_closed);
    uv_close((uv_handle_t *)&d->last, on_closed);
    uv_close((uv_handle_t *)&d->stop, on_closed);
}

static void stop_kedged(struct io *io)
{
    struct core_ev ev = {.kind = CORE_EV_STOP};

    io_feed(io, &ev);
}

/* Everything is restored; a report may still be on its way. */
static void finish(struct io_drill *d)
{
    const struct drill_run_act *a = &d->end;
    char text[512];

    io_drill_measure_end(d);
    io_drill_carried_end(d);
    io_drill_count_routes(d, IO_DRILL_AFTER);
    drill_result_end(d->result, io_now_us(), a->verdict, a->text);
    snprintf(text, sizeof(text), "%s: %s%s%s", drill_run_plan(d->run)->name,
             drill_verdict_names[a->verdict], a->text[0] ? ": " : "", a->text);
    io_drill_event(d->io, text);
    io_drill_to_client(d, ctl_drill_end(a, d->result, d->id));
    if (d->stream && d->io->http)
        io_http_end(d->io->http, d->stream);
    io_drill_remember(d->io, d->result, drill_run_plan(d->run)->html);
    d->over = true;
}

static void after_the_end(struct io_drill *d)
{
    struct io *io = d->io;
    bool stopping = d->stopping;

    io_drill_let_go(d);
    if (stopping)
        stop_kedged(io);
}

static void on_last(uv_timer_t *t)
{
    finish(t->data);
    after_the_end(t->data);
}

static void ended(struct io_drill *d, const struct drill_run_act *a)
{
    d->end = *a;
    if (d->stopping || !io_drill_measure_stop(d))
        finish(d);
    else
        uv_timer_start(&d->last, on_last, LAST_REPORT_MS, 0);
}

void io_drill_measured(void *arg)
{
    struct io_drill *d = arg;

    if (d->measured.final && uv_is_active((uv_handle_t *)&d->last))
        uv_timer_start(&d->last, on_last, 0, 0);
}

/* ---- the machine ---- */

static void look(struct io_drill *d, bool routes)
{
    struct drill_seen seen;
    const struct drill_run_ev ev = {.kind = DRILL_RUN_SEEN, .seen = &seen};

    practice_look(d->io->core, &d->base, routes, &seen);
    io_drill_measure_look(d, &seen);
    io_drill_feed(d, &ev);
}

static void carry_out(struct io_drill *d, const struct drill_run_act *a)
{
    switch (a->kind) {
    case DRILL_RUN_WRITE:
        io_journal_write(d->journal, &a->record, a->token);
        break;
    case DRILL_RUN_ACT:
        drill_result_await(d->result, io_now_us(), false);
        io_drill_act(d, a);
        break;
    case DRILL_RUN_UNDO:
        io_drill_undo(d, a);
        break;
    case DRILL_RUN_KILL:
        io_guard_kill(d->io->guard);
        break;
    case DRILL_RUN_MARK:
        io_drill_measure_mark(d);
        break;
    case DRILL_RUN_LOOK:
        look(d, a->routes);
        break;
    case DRILL_RUN_TELL:
        io_drill_tell(d, a);
        break;
    case DRILL_RUN_END:
        ended(d, a);
        break;
    }
}

static void on_timer(uv_timer_t *t)
{
    const struct drill_run_ev wake = {.kind = DRILL_RUN_WAKE};

    io_drill_feed(t->data, &wake);
}

static void arm(struct io_drill *d)
{
    uint64_t now = io_now_us(), at = d->out.deadline_us;

    if (at == KD_NEVER)
        uv_timer_stop(&d->timer);
    else
        uv_timer_start(&d->timer, on_timer, at > now ? (at - now + 999) / 1000 : 0, 0);
}

static void step(struct io_drill *d, struct io_drill_queued *q)
{
    struct drill_run_out *out = &d->out;

    q->ev.now_us = io_now_us();
    drill_run_step(d->run, &q->ev, out);
    for (uint32_t i = 0; i < out->n; i++) {
        const struct drill_run_act a = out->a[i];
        carry_out(d, &a);
    }
}

/* What an action causes at once is queued behind the step. */
void io_drill_feed(struct io_drill *d, const struct drill_run_ev *ev)
{
    struct io_drill_queued *q = &d->queue[d->q_tail++ % IO_DRILL_QUEUE];

    kd_assert(d->q_tail - d->q_head <= IO_DRILL_QUEUE);
    q->ev = *ev;
    if (ev->text)
        snprintf(q->text, sizeof(q->text), "%s", ev->text);
    q->ev.text = ev->text ? q->text : NULL;
    if (ev->seen)
        q->seen = *ev->seen;
    q->ev.seen = ev->seen ? &q->seen : NULL;
    if (d->feeding)
        return;
    d->feeding = true;
    uv_update_time(&d->io->loop);
    while (d->q_head < d->q_tail)
        step(d, &d->queue[d->q_head++ % IO_DRILL_QUEUE]);
    d->feeding = false;
    arm(d);
    if (d->over)
        after_the_end(d);
}

void io_drill_abort(struct io_drill *d, const char *why)
{
    const struct drill_run_ev ev = {.kind = DRILL_RUN_ABORT, .text = why};

    io_drill_feed(d, &ev);
}

/* ---- what happens to one ---- */

void io_drill_note(struct io *io, const struct core_event_record *r, const struct ctl_names *names)
{
    if (io->drill && r->note != CORE_NOTE_DRILL)
        ctl_drill_note(io->drill->result, r, names);
}

void io_drill_client_gone(struct io *io, uint64_t stream)
{
    struct io_drill *d = io->drill;

    if (!d || !d->stream || d->stream != stream || io->ended)
        return;
    d->stream = 0;
    io_drill_abort(d, "its client has gone");
}

static void on_stop(uv_timer_t *t)
{
    struct io_drill *d = t->data;
    struct io *io = d->io;

    d->stopping = false;
    stop_kedged(io); /* the guard has the rest */
}

bool io_drill_may_stop(struct io *io)
{
    struct io_drill *d = io->drill;

    if (!d)
        return true;
    d->stopping = true;
    uv_timer_start(&d->stop, on_stop, STOP_MS, 0);
    io_drill_abort(d, "kedged is ending");
    return false;
}

void io_drill_open(struct io *io)
{
    char path[300], why[256];

    if (!io->cfg->state_directory[0])
        return;
    io_drill_journal_path(io, path, sizeof(path));
    io->guard = io_guard_new(&io->loop, path, why, sizeof(why));
    if (!io->guard)
        fprintf(stderr, "kedged: %s; drills with exec are refused\n", why);
}

void io_drill_close(struct io *io)
{
    if (io->drill)
        io_drill_let_go(io->drill);
    io_guard_free(io->guard);
    io->guard = NULL;
}
