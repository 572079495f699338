/* An agent's prober: what has been judged is gathered and written ten times a second, as far as the
 * pipe has room; until then it is gathered on. Times are this host's. */
#include "cli/agent.h"
#include "cli/probe_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_US     KD_MS(100)
#define TIMEOUT_US  KD_S(1)
#define BUCKETS_MAX 512
#define LIST_MAX    16          /* outages, and ways, a report; more are told in the next */
#define LINE_MAX    (60 * 1024) /* the daemon takes bodies of 64 KiB */

struct gathered {
    int out;
    uint32_t run;
    uint64_t width_us; /* of buckets: 1 ms, more when reports come late */
    uint64_t base_us;  /* of the first one; 0: none yet */
    uint32_t n_buckets;
    struct bucket {
        uint32_t answered, lost, rtt_max_us;
    } b[BUCKETS_MAX];
    uint32_t n_outages, n_paths;
    struct probe_outage outage[LIST_MAX];
    struct {
        uint64_t at_us;
        struct probe_path hops;
    } path[LIST_MAX];
    char *line; /* what didn't fit into the pipe */
    size_t len, at;
};

/* ---- gathering ---- */

static void widen(struct gathered *g)
{
    for (uint32_t i = 0; i < BUCKETS_MAX / 2; i++) {
        const struct bucket *a = &g->b[2 * i], *b = &g->b[2 * i + 1];
        g->b[i] = (struct bucket){a->answered + b->answered, a->lost + b->lost,
                                  KD_MAX(a->rtt_max_us, b->rtt_max_us)};
    }
    memset(&g->b[BUCKETS_MAX / 2], 0, sizeof(g->b) / 2);
    g->n_buckets = (g->n_buckets + 1) / 2;
    g->width_us *= 2;
}

static void judged(void *arg, uint64_t sent_us, bool answered, uint64_t rtt_us)
{
    struct gathered *g = arg;
    if (!g->base_us)
        g->base_us = sent_us;
    while ((sent_us - g->base_us) / g->width_us >= BUCKETS_MAX)
        widen(g);
    uint32_t i = (uint32_t)((sent_us - g->base_us) / g->width_us);
    g->n_buckets = KD_MAX(g->n_buckets, i + 1);
    g->b[i].answered += answered;
    g->b[i].lost += !answered;
    if (answered)
        g->b[i].rtt_max_us = (uint32_t)KD_MAX((uint64_t)g->b[i].rtt_max_us, rtt_us);
}

static void on_outage(struct prober_run *r, const struct probe_outage *o)
{
    struct gathered *g = r->arg;
    if (g->n_outages < LIST_MAX)
        g->outage[g->n_outages++] = *o;
}

static void on_path(struct prober_run *r, const struct probe_way *w, enum probe_news news)
{
    struct gathered *g = r->arg;
    (void)news; /* kedged tells them apart by since when */
    if (g->n_paths == LIST_MAX)
        return;
    g->path[g->n_paths].at_us = w->since_us;
    g->path[g->n_paths++].hops = w->path;
}

/* ---- a report ---- */

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

static json_t *buckets(const struct gathered *g)
{
    json_t *l = json_array();
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        const struct bucket *b = &g->b[i];
        if (b->answered || b->lost)
            json_array_append_new(l, json_pack("{s:o, s:o, s:o, s:o}", "at_us",
                                               number(g->base_us + i * g->width_us), "b.answered",
                                               number(b->answered), "b.lost", number(b->lost),
                                               "b.rtt_max_us", number(b->rtt_max_us)));
    }
    return l;
}

static json_t *outages(const struct gathered *g)
{
    json_t *l = json_array();
    for (uint32_t i = 0; i < g->n_outages; i++) {
        const struct probe_outage *o = &g->outage[i];
        json_array_append_new(
            l, json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "first_seq", number(o->first_seq),
                         "lost", number(o->lost), "last_good_us", number(o->last_good_us),
                         "first_good_us", number(o->first_good_us), "counted", o->counted,
                         "lost_out", number(o->lost_out), "lost_back", number(o->lost_back)));
    }
    return l;
}

static json_t *paths(const struct gathered *g)
{
    json_t *l = json_array();
    for (uint32_t i = 0; i < g->n_paths; i++)
        json_array_append_new(l, json_pack("{s:o, s:o, s:b}", "at_us", number(g->path[i].at_us),
                                           "hops", prober_hops_json(&g->path[i].hops), "reached",
                                           g->path[i].hops.reached));
    return l;
}

static json_t *summary(const struct prober_run *r, uint64_t now)
{
    struct probe_summary s;
    probe_summarize(r->p.probe, now, &s);
    const struct {
        const char *key;
        uint64_t v;
    } rows[] = {
        {"sent", s.sent},
        {"answered", s.answered},
        {"lost", s.lost},
        {"late", s.late},
        {"duplicate", s.duplicate},
        {"reordered", s.reordered},
        {"lost_out", s.lost_out},
        {"lost_back", s.lost_back},
        {"outages", s.outages},
        {"open_since_us", s.open_since_us},
        {"longest.lost", s.longest.lost},
        {"longest.last_good_us", s.longest.last_good_us},
        {"longest.first_good_us", s.longest.first_good_us},
        {"passed.lost", s.passed.lost},
        {"passed.last_good_us", s.passed.last_good_us},
        {"passed.first_good_us", s.passed.first_good_us},
        {"n_passed", s.n_passed},
        {"passed_us", s.passed_us},
        {"newest_good_us", s.newest_good_us},
        {"waiting_us", s.waiting_us},
        {"now_us", s.now_us},
        {"rtt_min_us", s.rtt_min_us},
        {"rtt_mean_us", s.rtt_mean_us},
        {"rtt_p50_us", s.rtt_p50_us},
        {"rtt_p95_us", s.rtt_p95_us},
        {"rtt_max_us", s.rtt_max_us},
    };
    json_t *o = json_pack("{s:b, s:b}", "counted", s.counted, "open", s.open);
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        json_object_set_new(o, rows[i].key, number(rows[i].v));
    return o;
}

/* What could not be written the last time goes first. True when nothing is left over. */
static bool flush(struct gathered *g)
{
    while (g->at < g->len) {
        ssize_t n = write(g->out, g->line + g->at, g->len - g->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        g->at += (size_t)n;
    }
    return true;
}

static void write_report(struct prober_run *r, uint64_t now, bool final)
{
    struct gathered *g = r->arg;
    if (!flush(g))
        return;
    json_t *o = json_pack("{s:i, s:o, s:b, s:o, s:o, s:o, s:o}", "version", AGENT_FORMAT, "run",
                          number(g->run), "final", final, "buckets", buckets(g), "outages",
                          outages(g), "paths", paths(g), "summary", summary(r, now));
    free(g->line);
    g->line = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    g->len = g->line ? strlen(g->line) + 1 : 0;
    g->at = 0;
    if (g->line)
        g->line[g->len - 1] = '\n';
    g->n_buckets = g->n_outages = g->n_paths = 0;
    g->base_us = 0;
    g->width_us = KD_MS(1);
    memset(g->b, 0, sizeof(g->b));
    (void)flush(g);
}

static void on_tick(struct prober_run *r, uint64_t now)
{
    write_report(r, now, false);
}

enum cli_exit agent_measure(const struct agent_order *o, int out)
{
    static struct gathered g;
    static struct prober_run r;
    g = (struct gathered){.out = out, .run = o->run, .width_us = KD_MS(1)};
    r = (struct prober_run){
        .p = {.to = o->to, .from = o->from, .udp_port = o->port, .fd = -1},
        .params = {.interval_us = o->every_us,
                   .timeout_us = TIMEOUT_US,
                   .judged = judged,
                   .arg = &g},
        .duration_us = o->limit_us,
        .on_outage = on_outage,
        .on_path = on_path,
        .on_tick = on_tick,
        .tick_us = TICK_US,
        .arg = &g,
    };
    signal(SIGPIPE, SIG_IGN);
    (void)fcntl(out, F_SETFL, O_NONBLOCK);
    enum cli_exit e = prober_run(&r);
    (void)fcntl(out, F_SETFL, 0); /* the last one waits for its room */
    if (e == CLI_OK)
        write_report(&r, prober_now(), true);
    prober_run_done(&r);
    return e;
}
