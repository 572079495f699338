/* Requests: a file judged, a drill made and begun, or ended. */
#include "io/drill_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t wall_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void on_journal(void *arg, uint32_t token, bool ok, const char *text)
{
    const struct drill_run_ev ev = {
        .kind = DRILL_RUN_ACK, .token = token, .ok = ok, .text = text};

    io_drill_feed(arg, &ev);
}

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
    d->timer.data = d->look.data = d->last.data = d->stop.data = d;
    uv_timer_init(&io->loop, &d->timer);
    uv_timer_init(&io->loop, &d->look);
    uv_timer_init(&io->loop, &d->last);
    uv_timer_init(&io->loop, &d->stop);
    d->open_handles = 4;
    drill_result_begin(d->result, p->name, io_now_us(), wall_us());
    drill_result_id(d->result->start_wall_us, d->id);
    snprintf(d->result->version, sizeof(d->result->version), "%s", KEDGE_VERSION);
    io->drill = d;
    return d;
}

/* Opens the journal and the probe; false with a sentence and a remedy. */
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
    if (has_exec(p) && !d->io->guard) {
        *remedy = "restart kedged, and look what it says";
        snprintf(why, cap, "the guard process, which runs commands, could not be started");
        return false;
    }
    snprintf(why, cap, "out of memory");
    return practice_base(d->io->core, &d->base) && io_drill_carried_begin(d) &&
           io_drill_measure_begin(d, why, cap);
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
        io_drill_let_go(d);
        return ctl_error(409, remedy, "%s", why);
    }
    d->result->forced = rq->force;
    d->result->rehearsed = rq->rehearsed;
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
    struct practice_world w;
    struct ctl_response r;
    bool good;

    if (!practice_world(io->core, &w)) {
        practice_world_free(&w);
        return ctl_respond(500, NULL);
    }
    good = config_drill_parse(req->body, rq->file, &w.w, &plan, &errs);
    practice_world_free(&w);
    if (!good)
        return refuse(&errs);
    if (rq->dry)
        return ctl_respond(200, ctl_drill_plan(&plan));
    if (has_exec(&plan) && !req->root)
        return ctl_error(403, "run it as root", "its commands would run as root");
    if (has_exec(&plan) && rq->loose[0])
        return ctl_error(403, "give the file and its directory to root, and write access to nobody "
                              "else: chown root, chmod go-w",
                         "its commands would run as root, and %s", rq->loose);
    if (io->drill)
        return ctl_error(409, "wait for its end, or kedge drill abort", "drill %s is running",
                         drill_run_plan(io->drill->run)->name);
    if (plan.rehearse && !rq->rehearsed && !rq->force)
        return ctl_error(409, "kedge drill run does that by itself; or give --force",
                         "it is to be rehearsed first");
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
    io_drill_abort(d, "aborted by command");
    return ctl_respond(200, json_pack("{s:i, s:s, s:s}", "version", CTL_VERSION, "drill", name,
                                      "state", io->drill ? "restoring" : "restored"));
}

void io_drill_request(struct io *io, const struct ctl_request *req, struct ctl_response *res)
{
    const struct ctl_drill_request rq = res->drill;

    ctl_response_done(res);
    *res = rq.what == CTL_DRILL_ABORT ? abort_request(io) : judge_and_run(io, req, &rq);
}
