/* Agents and the run under way. */
#include "io/measure.h"

#include "control/agent.h"
#include "io/io.h"
#include "io/measure_own.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AGENTS_MAX 16 /* half of what may follow streams at all */

struct io_measure {
    struct agent {
        char name[DRILL_AGENT_MAX];
        uint64_t stream; /* 0: free */
    } agent[AGENTS_MAX];
    struct drill_report report; /* the one being read */
    uint32_t runs;              /* numbers given out */
    uint64_t stream;            /* of the run's agent; 0: it has gone */
    struct io_own *own;         /* kedged measures itself: no agent */
    /* of the run; r NULL: none is under way */
    const struct probe_names *names;
    struct drill_result *r;
    struct drill_measured *m;
    void (*told)(void *arg);
    void *arg;
};

struct io_measure *io_measure_new(void)
{
    return calloc(1, sizeof(struct io_measure));
}

static struct agent *find(struct io_measure *x, const char *name)
{
    for (uint32_t i = 0; i < AGENTS_MAX; i++)
        if (x->agent[i].stream && strcmp(x->agent[i].name, name) == 0)
            return &x->agent[i];
    return NULL;
}

/* ---- agents ---- */

bool io_measure_join(struct io *io, const char *name, uint64_t stream)
{
    struct io_measure *x = io->measure;

    if (find(x, name))
        return false;
    for (uint32_t i = 0; i < AGENTS_MAX; i++)
        if (!x->agent[i].stream) {
            snprintf(x->agent[i].name, sizeof(x->agent[i].name), "%s", name);
            x->agent[i].stream = stream;
            return true;
        }
    return false;
}

void io_measure_ended(struct io *io, uint64_t stream)
{
    struct io_measure *x = io->measure;

    for (uint32_t i = 0; i < AGENTS_MAX; i++)
        if (x->agent[i].stream == stream)
            x->agent[i].stream = 0;
    if (x->r && x->stream == stream) {
        x->stream = 0;
        x->m->gone = true;
        if (x->told)
            x->told(x->arg);
    }
}

bool io_measure_has(const struct io *io, const char *name)
{
    return find(io->measure, name) != NULL;
}

const char *io_measure_names(const struct io *io, char *buf, size_t cap)
{
    const struct io_measure *x = io->measure;
    size_t at = 0;

    buf[0] = '\0';
    for (uint32_t i = 0; i < AGENTS_MAX; i++)
        if (x->agent[i].stream && at < cap)
            at += (size_t)snprintf(buf + at, cap - at, "%s%s", at ? ", " : "", x->agent[i].name);
    return buf;
}

/* ---- reports ---- */

/* Who runs on this kernel has our clock; others need to know how far theirs is from it. */
static const char *boot_id(void)
{
    static char id[64];
    int fd;

    if (id[0])
        return id;
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, id, sizeof(id) - 1);
        id[n > 0 ? n : 0] = '\0';
        id[strcspn(id, "\n")] = '\0';
        close(fd);
    }
    return id;
}

static struct ctl_response answer(void)
{
    return ctl_respond(200, json_pack("{s:i, s:I, s:s}", "version", CTL_VERSION, "t_us",
                                      (json_int_t)io_now_us(), "boot", boot_id()));
}

struct ctl_response io_measure_report(struct io *io, const char *name, struct kd_bytes body)
{
    struct io_measure *x = io->measure;
    const struct agent *a = find(x, name);
    struct ctl_fields_error e;

    if (!a)
        return ctl_error(404, "kedge probe --agent NAME joins first", "there is no agent \"%.32s\"",
                         name);
    if (body.len == 0) /* only the time is asked for */
        return answer();
    if (!ctl_agent_report(body, &x->report, &e))
        return ctl_error(400, "use the kedge of the same version", "%s", e.text);
    if (!x->r || x->report.run != x->runs || a->stream != x->stream)
        return ctl_error(409, "nothing; it may end", "run %u is over", (unsigned)x->report.run);
    drill_measure_take(x->m, x->r, x->names, &x->report, io_now_us());
    if (x->told)
        x->told(x->arg);
    return answer();
}

/* ---- a run ---- */

static void order(struct io *io, const struct drill_order *o)
{
    struct io_measure *x = io->measure;
    char *line = x->stream ? ctl_agent_order(x->runs, o) : NULL;

    if (line && io->http)
        io_http_line(io->http, x->stream, line);
    free(line);
}

static void own_report(void *arg, const struct drill_report *r)
{
    struct io_measure *x = arg;

    drill_measure_take(x->m, x->r, x->names, r, io_now_us());
    if (x->told)
        x->told(x->arg);
}

static bool ask(struct io *io, const char *agent, const struct drill_order *o, char *why,
                size_t cap)
{
    struct io_measure *x = io->measure;
    const struct agent *a = find(x, agent);
    char names[160];

    if (!agent[0]) {
        x->own = io_own_new(&io->loop, o, own_report, x, why, cap);
        return x->own != NULL;
    }
    if (!a) {
        io_measure_names(io, names, sizeof(names));
        snprintf(why, cap, "no agent \"%s\" is connected (kedge probe --agent, on its host)%s%s",
                 agent, names[0] ? "; there are " : "", names);
        return false;
    }
    x->runs++;
    x->stream = a->stream;
    order(io, o);
    return true;
}

bool io_measure_begin(struct io *io, const char *agent, const struct drill_order *o,
                      const struct probe_names *names, struct drill_result *r,
                      struct drill_measured *m, void (*told)(void *arg), void *arg, char *why,
                      size_t cap)
{
    struct io_measure *x = io->measure;

    kd_assert(!x->r); /* one drill at a time */
    if (!ask(io, agent, o, why, cap))
        return false;
    x->names = names;
    x->r = r;
    x->m = m;
    x->told = told;
    x->arg = arg;
    *m = (struct drill_measured){0};
    return true;
}

void io_measure_hurry(struct io *io)
{
    if (io->measure->own)
        io_own_hurry(io->measure->own);
}

void io_measure_stop(struct io *io)
{
    if (io->measure->own)
        io_own_stop(io->measure->own);
    else if (io->measure->r)
        order(io, NULL);
}

void io_measure_end(struct io *io)
{
    io_measure_stop(io);
    io_own_free(io->measure->own);
    io->measure->own = NULL;
    io->measure->r = NULL;
    io->measure->stream = 0;
}
