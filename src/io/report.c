/* What the core says, to whoever listens: the log on stderr, the ring of events, followers of the
 * control socket; and the control requests, answered from the core's views. */
#include "io/io.h"

#include "control/rows.h"
#include "io/audit.h"
#include "io/drill.h"
#include "io/fault.h"
#include "io/keylog.h"
#include "io/metrics.h"
#include "io/mrt.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int level_of(const struct core_event_record *r)
{
    switch (r->note) {
    case CORE_NOTE_KERNEL_ERROR:
    case CORE_NOTE_IKE_REFUSED:
    case CORE_NOTE_IKE_WARNING:
    case CORE_NOTE_REHEARSAL_FAIL:
    case CORE_NOTE_KEYLOG:
    case CORE_NOTE_RELOAD_REFUSED:
    case CORE_NOTE_DETECT:
    case CORE_NOTE_BGP_STOP:
    case CORE_NOTE_BGP_ERROR:
    case CORE_NOTE_DRILL:
        return 1;
    case CORE_NOTE_ROUTE_ADD:
    case CORE_NOTE_ROUTE_DEL:
        return 3;
    default:
        return 2;
    }
}

static uint64_t wall_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void io_report(struct io *io, const struct core_event_record *r)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    struct ctl_names names = ctl_event_names(io->core, r);
    char text[1024];

    ctl_ring_add(io->ring, r, &names, wall_us()); /* no memory: the gap in the numbers shows */
    if (level_of(r) <= io->log_level) {
        ctl_event_log(r, &names, text, sizeof(text));
        fprintf(stderr, "%s %s\n", levels[level_of(r)], text);
    }
    if (io->http)
        io_http_event(io->http, r->note);
    io_drill_note(io, r, &names);
}

static bool count(void *arg, struct kd_handle child, struct ctl_counters *c)
{
    struct io_dp_counters d;

    if (!io_sa_count(arg, child, &d))
        return false;
    *c = (struct ctl_counters){
        .bytes_in = d.bytes_in,
        .bytes_out = d.bytes_out,
        .packets_in = d.packets_in,
        .packets_out = d.packets_out,
        .dropped_replay = d.dropped_replay,
        .dropped_auth = d.dropped_auth,
        .dropped_ts = d.dropped_ts,
    };
    return true;
}

static bool drill_read(void *arg, const char *id, struct drill_result *r, char *why, size_t cap)
{
    struct io *io = arg;

    return io_history_read(io->drills, id, r, why, cap);
}

static void start_keylog(struct io *io, struct ctl_response *res)
{
    char why[320], *head;

    head = io_keylog_start(io, res->keylog, res->tunnel, ++io->streams, why, sizeof(why));
    ctl_response_done(res);
    if (!head) {
        *res = ctl_error(409, "kedge keylog --out DIR|FILE", "%s", why);
        return;
    }
    res->body = head;
    res->len = strlen(head);
    res->stream = io->streams;
}

static void start_mrt(struct io *io, struct ctl_response *res)
{
    if (io_mrt_start(io, ++io->streams)) {
        res->stream = io->streams;
        return;
    }
    ctl_response_done(res);
    *res = ctl_error(409, "end that kedge bgp mrt updates first",
                     "BGP's messages are being written down already");
}

static void join_agent(struct io *io, struct ctl_response *res)
{
    char *line = realloc(res->body, res->len + 2);

    if (line && io_measure_join(io, res->agent_name, ++io->streams)) {
        memcpy(line + res->len++, "\n", 2);
        res->body = line;
        res->stream = io->streams;
        return;
    }
    res->body = line ? line : res->body;
    ctl_response_done(res);
    *res = ctl_error(409, "end it, or take another name", "there is an agent \"%s\" already",
                     res->agent_name);
}

static void on_ended(void *arg, uint64_t stream)
{
    io_measure_ended(arg, stream);
    io_keylog_stop(arg, stream);
    io_mrt_stop(arg, stream);
    io_drill_client_gone(arg, stream);
}

static struct ctl_response audit(struct io *io)
{
    const uint64_t later = io_audit_ask(io);

    return later ? (struct ctl_response){.later = later}
                 : ctl_error(503, "ask again", "netlink: %s", strerror(errno));
}

static struct ctl_env env_now(struct io *io)
{
    return (struct ctl_env){.core = io->core,
                            .ring = io->ring,
                            .ready = io->ready,
                            .version = KEDGE_VERSION,
                            .now_us = io_now_us(),
                            .start_us = io->start_us,
                            .wall_s = (uint32_t)(wall_us() / 1000000),
                            .count = count,
                            .keylog_allowed = io->cfg->keylog,
                            .keylog_path = io_keylog_path(io),
                            .drills = io_history(io->drills),
                            .drill_read = drill_read,
                            .arg = io};
}

static struct ctl_response answer_metrics(void *arg)
{
    struct ctl_env env = env_now(arg);
    return ctl_metrics(&env);
}

static struct ctl_response on_request(void *arg, const struct ctl_request *req)
{
    struct io *io = arg;
    struct ctl_env env = env_now(io);
    struct ctl_response res;

    if (io_fault_request(io, req, &res))
        return res;
    res = ctl_handle(&env, req);

    if (res.keylog[0])
        start_keylog(io, &res);
    if (res.mrt)
        start_mrt(io, &res);
    if (res.agent == CTL_AGENT_JOIN && res.status == 200)
        join_agent(io, &res);
    if (res.agent == CTL_AGENT_REPORT && res.status == 200) {
        ctl_response_done(&res);
        res = io_measure_report(io, res.agent_name, req->body);
    }
    if (res.drill.what)
        io_drill_request(io, req, &res);
    if (res.reload) {
        bool dry = res.reload == CTL_RELOAD_DRY;
        ctl_response_done(&res);
        res = io_reload(io, dry);
    }

    if (res.audit) {
        ctl_response_done(&res);
        res = audit(io);
    }
    if (res.has_command) {
        struct core_ev ev = {.kind = CORE_EV_COMMAND,
                             .command = res.command,
                             .tunnel = res.tunnel,
                             .peer = res.peer,
                             .data = kd_bytes_str(res.words)};
        io_feed(io, &ev);
    }
    return res;
}

static size_t read_rows(void *arg, struct ctl_rows *rows, char *buf, size_t max)
{
    struct ctl_env env = env_now(arg);

    return ctl_rows_read(rows, &env, buf, max);
}

bool io_report_open(struct io *io, char *text, size_t cap)
{
    struct io_http_callbacks cb;

    if (io->cfg->metrics.addr.family) {
        io->metrics = io_metrics_new(&io->loop, &io->cfg->metrics, &io_metrics_limits,
                                     answer_metrics, io, text, cap);
        if (!io->metrics)
            return false;
    }
    if (!io->cfg->control_socket[0])
        return true;
    cb = (struct io_http_callbacks){
        .request = on_request, .read = read_rows, .ended = on_ended, .ring = io->ring, .arg = io};
    io->http =
        io_http_new(&io->loop, io->cfg->control_socket, io->cfg->control_group, &cb, text, cap);
    return io->http != NULL;
}
