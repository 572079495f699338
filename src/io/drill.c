/* Drills: requests, the machine fed and its actions carried out, the end. See drill_int.h. */
#include "io/drill_int.h"
#include "io/measure.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LAST_REPORT_MS 3000 /* an agent's: the probe's timeout and a little */
#define STOP_MS 10000 /* a drill's restore may hold kedged's own end up for so long */

static uint64_t wall_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- news ---- */

static void event(struct io *io, const char *text)
{
    struct core_event_record r = {.note = CORE_NOTE_DRILL,
                                  .now_us = io_now_us(),
                                  .tunnel = CORE_NO_TUNNEL,
                                  .peer = CORE_NO_PEER,
                                  .text = kd_bytes_str(text)};

    io_report(io, &r);
}

/* Takes line. */
static void to_client(struct io_drill *d, char *line)
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
    io_drill_count_routes(d, IO_DRILL_DURING);
}

static void tell(struct io_drill *d, const struct drill_run_act *a)
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
    event(d->io, text);
    to_client(d, ctl_drill_news(p, a, io_now_us() - d->result->start_us));
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *h)
{
    struct io_drill *d = h->data;

    if (--d->open_handles > 0)
        return;
    drill_run_free(d->run);
    free(d->routes.prefix);
    free(d->up);
    free(d->result);
    free(d);
}

static void let_go(struct io_drill *d)
{
    d->io->drill = NULL;
    io_journal_free(d->journal);
    io_guard_free(d->guard);
    if (d->measuring)
        io_measure_end(d->io);
    uv_close((uv_handle_t *)&d->timer, on_closed);
    uv_close((uv_handle_t *)&d->last, on_closed);
    uv_close((uv_handle_t *)&d->stop, on_closed);
}

static void stop_kedged(struct io *io)
{
    struct core_ev ev = {.kind = CORE_EV_STOP};

    io_feed(io, &ev);
}

static void remember(struct io *io, const struct drill_result *r)
{
    char why[256] = "", text[320];

    if (!io_history_add(io->drills, r, why, sizeof(why))) {
        snprintf(text, sizeof(text), "%s: its result isn't on disk: %s", r->drill, why);
        event(io, text);
    }
    io_ready_drilled(io);
}

/* Everything is restored; a report may still be on its way. */
static void finish(struct io_drill *d)
{
    const struct drill_run_act *a = &d->end;
    char text[512];

    io_drill_measure_end(d);
    io_drill_count_routes(d, IO_DRILL_AFTER);
    drill_result_end(d->result, io_now_us(), a->verdict, a->text);
    snprintf(text, sizeof(text), "%s: %s%s%s", drill_run_plan(d->run)->name,
             drill_verdict_names[a->verdict], a->text[0] ? ": " : "", a->text);
    event(d->io, text);
    to_client(d, ctl_drill_end(a, d->result, d->id));
    if (d->stream && d->io->http)
        io_http_end(d->io->http, d->stream);
    remember(d->io, d->result);
    d->over = true;
}

static void after_the_end(struct io_drill *d)
{
    struct io *io = d->io;
    bool stopping = d->stopping;

    let_go(d);
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

    io_drill_look(d, routes, &seen);
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
        io_drill_act(d, a);
        break;
    case DRILL_RUN_UNDO:
        io_drill_undo(d, a);
        break;
    case DRILL_RUN_KILL:
        io_guard_kill(d->guard);
        break;
    case DRILL_RUN_MARK:
        io_drill_measure_mark(d);
        break;
    case DRILL_RUN_LOOK:
        look(d, a->routes);
        break;
    case DRILL_RUN_TELL:
        tell(d, a);
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

static void abort_drill(struct io_drill *d, const char *why)
{
    const struct drill_run_ev ev = {.kind = DRILL_RUN_ABORT, .text = why};

    io_drill_feed(d, &ev);
}

static void on_journal(void *arg, uint32_t token, bool ok, const char *text)
{
    const struct drill_run_ev ev = {
        .kind = DRILL_RUN_ACK, .token = token, .ok = ok, .text = text};

    io_drill_feed(arg, &ev);
}

/* ---- requests ---- */

static bool has_exec(const struct drill_plan *p)
{
    return io_drill_needs_guard(p);
}

static struct io_drill *drill_new(struct io *io, const struct drill_plan *p)
{
    struct io_drill *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->io = io;
    d->run = drill_run_new(p);
    d->result = malloc(sizeof(*d->result));
    kd_assert(d->run && d->result);
    d->timer.data = d->last.data = d->stop.data = d;
    uv_timer_init(&io->loop, &d->timer);
    uv_timer_init(&io->loop, &d->last);
    uv_timer_init(&io->loop, &d->stop);
    d->open_handles = 3;
    drill_result_begin(d->result, p->name, io_now_us(), wall_us());
    drill_result_id(d->result->start_wall_us, d->id);
    snprintf(d->result->version, sizeof(d->result->version), "%s", KEDGE_VERSION);
    io->drill = d;
    return d;
}

/* Opens the journal, the guard and the probe; false with a sentence and a remedy. */
static bool prepare(struct io_drill *d, const char **remedy, char *why, size_t cap)
{
    static struct drill_journal before;
    const struct drill_plan *p = drill_run_plan(d->run);
    uint32_t at = UINT32_MAX;
    int fd;

    *remedy = "mend that and run it again";
    io_drill_journal_path(d->io, d->path, sizeof(d->path));
    fd = io_journal_lock(d->path, false, &before, why, cap);
    if (fd < 0)
        return false;
    if (drill_journal_next(&before, &at)) {
        snprintf(why, cap, "drill %s has left a step that isn't taken back", before.begin.name);
        *remedy = "restart kedged: it takes back what is left";
        close(fd);
        return false;
    }
    d->journal = io_journal_new(&d->io->loop, fd, on_journal, d);
    if (!d->journal) {
        snprintf(why, cap, "%.200s: %s", d->path, strerror(errno));
        close(fd);
        return false;
    }
    if (has_exec(p)) {
        d->guard = io_guard_new(&d->io->loop, d->path, p->lease_us, why, cap);
        if (!d->guard)
            return false;
    }
    snprintf(why, cap, "out of memory");
    return io_drill_baseline(d) && io_drill_measure_begin(d, why, cap);
}

static struct ctl_response start(struct io *io, const struct drill_plan *p,
                                 const struct ctl_drill_request *rq)
{
    struct io_drill *d = drill_new(io, p);
    struct drill_run_ev ev = {.kind = DRILL_RUN_START, .wall_us = d->result->start_wall_us};
    struct ctl_response r = {.status = 200,
                             .type = "application/x-ndjson",
                             .tunnel = CORE_NO_TUNNEL,
                             .peer = CORE_NO_PEER,
                             .follow = !rq->detach};
    const char *remedy;
    char why[256];

    if (!d)
        return ctl_respond(500, NULL);
    if (!prepare(d, &remedy, why, sizeof(why))) {
        let_go(d);
        return ctl_error(409, remedy, "%s", why);
    }
    d->result->forced = rq->force;
    io_drill_count_routes(d, IO_DRILL_BEFORE);
    r.body = ctl_drill_head(p);
    r.len = r.body ? strlen(r.body) : 0;
    if (!rq->detach)
        r.stream = d->stream = ++io->streams;
    io_drill_feed(d, &ev);
    return r;
}

static struct ctl_response refuse(const struct config_errors *errs)
{
    char text[CONFIG_ERRORS_MAX * CONFIG_LINE_MAX], line[CONFIG_LINE_MAX];
    size_t at = 0;

    for (uint32_t i = 0; i < errs->n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s\n",
                               config_error_line(errs, &errs->e[i], line, sizeof(line)));
    return ctl_drill_refused(kd_bytes(text, at));
}

static struct ctl_response judge_and_run(struct io *io, const struct ctl_request *req,
                                         const struct ctl_drill_request *rq)
{
    static struct config_errors errs;
    static struct drill_plan plan;
    struct io_drill_world w;
    struct ctl_response r;
    bool good;

    if (!io_drill_world(io, &w)) {
        io_drill_world_free(&w);
        return ctl_respond(500, NULL);
    }
    good = config_drill_parse(req->body, rq->file, &w.w, &plan, &errs);
    io_drill_world_free(&w);
    if (!good)
        return refuse(&errs);
    if (rq->dry)
        return ctl_respond(200, ctl_drill_plan(&plan));
    if (has_exec(&plan) && !req->root)
        return ctl_error(403, "run it as root", "its commands would run as root");
    if (io->drill)
        return ctl_error(409, "wait for its end, or kedge drill abort", "drill %s is running",
                         drill_run_plan(io->drill->run)->name);
    r = io_drill_may_start(io, &plan, rq->force);
    return r.status ? r : start(io, &plan, rq);
}

static struct ctl_response abort_request(struct io *io)
{
    struct io_drill *d = io->drill;
    char name[DRILL_WORD_MAX];

    if (!d)
        return ctl_error(409, "kedge drill list shows those that were", "no drill is running");
    snprintf(name, sizeof(name), "%s", drill_run_plan(d->run)->name);
    abort_drill(d, "aborted by command");
    return ctl_respond(200, json_pack("{s:i, s:s, s:s}", "version", CTL_VERSION, "drill", name,
                                      "state", io->drill ? "restoring" : "restored"));
}

void io_drill_request(struct io *io, const struct ctl_request *req, struct ctl_response *res)
{
    const struct ctl_drill_request rq = res->drill;

    ctl_response_done(res);
    *res = rq.what == CTL_DRILL_ABORT ? abort_request(io) : judge_and_run(io, req, &rq);
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
    abort_drill(d, "its client has gone");
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
    abort_drill(d, "kedged is ending");
    return false;
}

void io_drill_close(struct io *io)
{
    if (io->drill)
        let_go(io->drill);
}

/* ---- at the start ---- */

/* A drill that kedged's death has ended is one of the history, too, whoever has taken it back. */
static void remember_interrupted(struct io *io, const struct drill_journal *j)
{
    struct drill_result *r = malloc(sizeof(*r));
    char id[DRILL_ID_MAX];

    drill_result_id(j->begin.wall_us, id);
    if (r && !drill_history_find(io_history(io->drills), id)) {
        drill_result_begin(r, j->begin.name, io_now_us(), j->begin.wall_us);
        snprintf(r->version, sizeof(r->version), "%s", KEDGE_VERSION);
        drill_result_end(r, io_now_us(), DRILL_INTERRUPTED, "kedged ended in it");
        remember(io, r);
    }
    free(r);
}

static void take_back(const char *path)
{
    extern char **environ;
    char *argv[] = {(char *)"kedged", (char *)IO_GUARD_RESTORE, (char *)path, NULL};
    int status = 0, rc;
    pid_t pid;

    rc = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ);
    if (rc == 0)
        rc = waitpid(pid, &status, 0) == pid ? 0 : errno;
    if (rc != 0 || status != 0)
        fprintf(stderr, "kedged: %s: what a drill has left could not all be taken back%s%s\n", path,
                rc ? ": " : "", rc ? strerror(rc) : "");
}

void io_drill_recover(struct io *io)
{
    static struct drill_journal j;
    char path[300], why[256];

    io_drill_journal_path(io, path, sizeof(path));
    if (!io->cfg->state_directory[0] || access(path, F_OK) != 0)
        return;
    if (!io_journal_over(path))
        take_back(path);
    if (io_journal_read(path, &j, why, sizeof(why)) && j.begun &&
        (!j.ended || strcmp(j.verdict, drill_verdict_names[DRILL_INTERRUPTED]) == 0))
        remember_interrupted(io, &j);
}
