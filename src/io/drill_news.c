/* What a drill says: to its client, to the daemon's events, and into its result. */
#include "io/drill_int.h"

#include <stdio.h>
#include <stdlib.h>

void io_drill_event(struct io *io, const char *text)
{
    struct core_event_record r = {.note = CORE_NOTE_DRILL,
                                  .now_us = io_now_us(),
                                  .tunnel = CORE_NO_TUNNEL,
                                  .peer = CORE_NO_PEER,
                                  .text = kd_bytes_str(text)};

    io_report(io, &r);
}

void io_drill_to_client(struct io_drill *d, char *line)
{
    if (line && d->stream && d->io->http)
        io_http_line(d->io->http, d->stream, line);
    free(line);
}

static void begin_row(struct io_drill *d, uint32_t step, const char *text, bool undo)
{
    struct drill_step_result *s;

    d->row[step] = d->result->n_steps;
    s = drill_result_step(d->result, io_now_us(), text);
    if (s)
        s->undo = undo;
}

static void end_row(struct io_drill *d, const struct drill_run_act *a, uint32_t row, bool done)
{
    struct drill_step_result *s = &d->result->step[row];

    if (row >= d->result->n_steps)
        return;
    s->outcome = done ? DRILL_DONE : DRILL_NOT_DONE;
    s->end_us = io_now_us() - d->result->start_us;
    snprintf(s->detail, sizeof(s->detail), "%.190s", a->text);
}

/* What took a step back has a row of its own. */
static void undo_row(struct io_drill *d, const struct drill_run_act *a, const char *text)
{
    uint32_t row = d->result->n_steps, of_step = d->row[a->step];

    begin_row(d, a->step, text, true);
    end_row(d, a, row, a->what == DRILL_TELL_UNDONE);
    d->row[a->step] = of_step;
}

static bool has_mark(const struct drill_result *r, enum drill_mark_kind kind)
{
    for (uint32_t i = 0; i < r->n_marks; i++)
        if (r->mark[i].kind == kind)
            return true;
    return false;
}

static void into_result(struct io_drill *d, const struct drill_run_act *a)
{
    const struct drill_plan *p = drill_run_plan(d->run);
    char say[DRILL_SAY_MAX];

    switch (a->what) {
    case DRILL_TELL_BEGIN:
        begin_row(d, a->step, drill_step_say(&p->step[a->step], say), false);
        break;
    case DRILL_TELL_DONE:
    case DRILL_TELL_FAILED:
        end_row(d, a, d->row[a->step], a->what == DRILL_TELL_DONE);
        if (p->step[a->step].kind == DRILL_STEP_RESTORE)
            drill_result_mark(d->result, DRILL_RESTORE, DRILL_BY_DAEMON, io_now_us(), "");
        break;
    case DRILL_TELL_UNDONE:
    case DRILL_TELL_LEFT:
        undo_row(d, a, drill_undo_say(&p->step[a->step], say));
        break;
    case DRILL_TELL_RESTORED:
        if (!has_mark(d->result, DRILL_RESTORE))
            drill_result_mark(d->result, DRILL_RESTORE, DRILL_BY_DAEMON, io_now_us(), "");
        break;
    case DRILL_TELL_RESTORE:
    case DRILL_TELL_N:
        break;
    }
}

/* Before a restore everything still is as it was meant to be. */
static void before_restore(struct io_drill *d, const struct drill_run_act *a)
{
    const struct drill_plan *p = drill_run_plan(d->run);
    bool planned = a->what == DRILL_TELL_BEGIN && p->step[a->step].kind == DRILL_STEP_RESTORE;

    if (!planned && (a->what != DRILL_TELL_RESTORE || d->restore_us))
        return;
    d->restore_us = io_now_us();
    drill_result_await(d->result, d->restore_us, true);
    io_drill_count_routes(d, IO_DRILL_DURING);
}

void io_drill_tell(struct io_drill *d, const struct drill_run_act *a)
{
    const struct drill_plan *p = drill_run_plan(d->run);
    char text[512], step[24] = "", say[DRILL_SAY_MAX] = "";
    bool back = a->what == DRILL_TELL_UNDONE || a->what == DRILL_TELL_LEFT;

    if (a->step < p->n) {
        snprintf(step, sizeof(step), " step %u", a->step + 1);
        back ? drill_undo_say(&p->step[a->step], say) : drill_step_say(&p->step[a->step], say);
    }
    snprintf(text, sizeof(text), "%s:%s %s%s%s%s%s", p->name, step, drill_tell_names[a->what],
             say[0] ? ": " : "", say, a->text[0] ? ": " : "", a->text);
    before_restore(d, a);
    into_result(d, a);
    io_drill_event(d->io, text);
    io_drill_to_client(d, ctl_drill_news(p, a, io_now_us() - d->result->start_us));
}

void io_drill_remember(struct io *io, const struct drill_result *r, bool page)
{
    char why[256] = "", text[320];

    if (!io_history_add(io->drills, r, why, sizeof(why)) ||
        (page && !io_history_page(io->drills, r, why, sizeof(why)))) {
        snprintf(text, sizeof(text), "%s: its result isn't on disk: %s", r->drill, why);
        io_drill_event(io, text);
    }
    io_ready_drilled(io);
}
