/* Filling a drill's result. Nothing here decides: who runs the drill says what it came to. */
#include "drill/result.h"

#include "base/utc.h"

#include <stdio.h>
#include <stdlib.h>

const char *const drill_verdict_names[] = {"running", "passed",      "failed",
                                           "aborted", "interrupted", NULL};
const char *const drill_outcome_names[] = {"pending", "done", "failed", "skipped", NULL};
const char *const drill_source_names[] = {"probe", "daemon", "dataplane", "kernel", NULL};
const char *const drill_mark_names[] = {"last-good", "detection",  "bgp-stop", "fib-first",
                                        "fib",       "first-good", "restore",  NULL};
const char *const drill_event_class_names[] = {"ike", "bgp", "bfd", "fib", "health", "other", NULL};

/* ---- texts ---- */

/* Whole characters only: what is cut stays UTF-8. */
static void put_text(char *to, size_t cap, const char *from)
{
    size_t n = strlen(from ? from : "");

    if (n >= cap)
        for (n = cap - 1; n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80;)
            n--;
    if (n)
        memcpy(to, from, n);
    to[n] = '\0';
}
#define PUT(field, text) put_text(field, sizeof(field), text)

void drill_result_begin(struct drill_result *r, const char *drill, uint64_t start_us,
                        uint64_t start_wall_us)
{
    memset(r, 0, sizeof(*r));
    PUT(r->drill, drill);
    r->start_us = start_us;
    r->start_wall_us = start_wall_us;
    r->before = r->during = r->after = DRILL_NO_PATH;
}

const char *drill_result_id(uint64_t start_wall_us, char buf[DRILL_ID_MAX])
{
    char utc[KD_UTC_STR_MAX];
    size_t n = 0;

    kd_utc_str((int64_t)(start_wall_us / 1000000), utc);
    for (const char *c = utc; *c && *c != 'Z'; c++)
        if (*c != '-' && *c != ':')
            buf[n++] = *c;
    snprintf(buf + n, DRILL_ID_MAX - n, ".%03uZ", (unsigned)(start_wall_us / 1000 % 1000));
    return buf;
}

/* ---- one more of each ---- */

static uint64_t since_start(const struct drill_result *r, uint64_t at_us)
{
    if (at_us == KD_NEVER)
        return KD_NEVER;
    return at_us > r->start_us ? at_us - r->start_us : 0;
}

struct drill_step_result *drill_result_step(struct drill_result *r, uint64_t at_us,
                                            const char *text)
{
    if (r->n_steps == DRILL_STEPS_MAX)
        return NULL;
    struct drill_step_result *s = &r->step[r->n_steps++];
    *s = (struct drill_step_result){.start_us = since_start(r, at_us), .end_us = KD_NEVER};
    PUT(s->text, text);
    return s;
}

struct drill_mark *drill_result_mark(struct drill_result *r, enum drill_mark_kind kind,
                                     enum drill_source source, uint64_t at_us, const char *what)
{
    if (r->n_marks == DRILL_MARKS_MAX)
        return NULL;
    struct drill_mark *m = &r->mark[r->n_marks++];
    *m = (struct drill_mark){.kind = kind, .source = source, .at_us = since_start(r, at_us)};
    PUT(m->what, what);
    return m;
}

struct drill_path *drill_result_path(struct drill_result *r, enum drill_source source,
                                     uint64_t at_us, const char *name)
{
    if (r->n_paths == DRILL_PATHS_MAX)
        return NULL;
    uint64_t at = since_start(r, at_us);
    uint32_t i = r->n_paths++;

    for (; i > 0 && r->path[i - 1].at_us > at; i--) /* a report comes later than our own eyes */
        r->path[i] = r->path[i - 1];
    struct drill_path *p = &r->path[i];
    *p = (struct drill_path){.source = source, .at_us = since_start(r, at_us)};
    PUT(p->name, name);
    return p;
}

struct drill_routes *drill_result_routes(struct drill_result *r, const char *neighbor)
{
    if (r->n_routes == DRILL_ROUTES_MAX)
        return NULL;
    struct drill_routes *one = &r->routes[r->n_routes++];
    *one = (struct drill_routes){0};
    PUT(one->neighbor, neighbor);
    return one;
}

static enum drill_event_class class_of(const char *name)
{
    static const struct {
        const char *prefix;
        enum drill_event_class of;
    } rows[] = {
        {"tunnel.", DRILL_EV_IKE}, {"ike.", DRILL_EV_IKE},    {"child.", DRILL_EV_IKE},
        {"bgp.", DRILL_EV_BGP},    {"bfd.", DRILL_EV_BFD},    {"fib.", DRILL_EV_FIB},
        {"route.", DRILL_EV_FIB},  {"kernel.", DRILL_EV_FIB}, {"health.", DRILL_EV_HEALTH},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        if (strncmp(name, rows[i].prefix, strlen(rows[i].prefix)) == 0)
            return rows[i].of;
    return DRILL_EV_OTHER;
}

void drill_result_event(struct drill_result *r, uint64_t at_us, const char *name, const char *what,
                        const char *detail)
{
    if (r->n_events == DRILL_EVENTS_MAX) {
        r->events_left_out++;
        return;
    }
    struct drill_event *e = &r->event[r->n_events++];
    *e = (struct drill_event){.at_us = since_start(r, at_us), .of = class_of(name)};
    PUT(e->name, name);
    PUT(e->what, what);
    PUT(e->detail, detail);
}

void drill_result_await(struct drill_result *r, uint64_t now_us, bool back)
{
    r->moving.awaited_us = now_us;
    r->moving.back = back;
    if (back)
        r->moving.routes = 0;
}

/* ---- packets ---- */

/* A time of a packet is as fine as packets are apart. */
static void packet_mark(struct drill_result *r, enum drill_mark_kind kind, uint64_t at_us)
{
    struct drill_mark *m = drill_result_mark(r, kind, DRILL_BY_PROBE, at_us, "");
    if (m)
        m->precision_us = r->probe_every_us;
}

void drill_result_outage(struct drill_result *r, const struct probe_outage *o)
{
    packet_mark(r, DRILL_LAST_GOOD, o->last_good_us);
    if (o->first_good_us)
        packet_mark(r, DRILL_FIRST_GOOD, o->first_good_us);
    if (r->n_outages == DRILL_OUTAGES_MAX)
        return;
    struct probe_outage *one = &r->outage[r->n_outages++];
    *one = *o;
    one->last_good_us = since_start(r, o->last_good_us);
    one->first_good_us = since_start(r, o->first_good_us ? o->first_good_us : KD_NEVER);
}

void drill_result_packets(struct drill_result *r, uint64_t at_us, const struct drill_bucket *b)
{
    drill_samples_add(&r->samples, since_start(r, at_us), b);
}

void drill_result_packet(struct drill_result *r, uint64_t sent_us, bool answered, uint64_t rtt_us)
{
    struct drill_bucket b = {.answered = answered,
                             .lost = !answered,
                             .rtt_max_us = answered ? (uint32_t)KD_MIN(rtt_us, UINT32_MAX) : 0};
    drill_result_packets(r, sent_us, &b);
}

void drill_result_loss(struct drill_result *r, const struct probe_summary *s, uint64_t now_us)
{
    uint64_t end = s->longest.first_good_us ? s->longest.first_good_us : now_us;
    uint64_t longest = s->longest.lost ? end - s->longest.last_good_us : 0;

    r->loss = (struct drill_loss){
        .sent = s->sent,
        .answered = s->answered,
        .lost = s->lost,
        .late = s->late,
        .duplicate = s->duplicate,
        .reordered = s->reordered,
        .counted = s->counted,
        .lost_out = s->lost_out,
        .lost_back = s->lost_back,
        .outages = s->outages,
        .longest_us = longest,
        .rtt_p50_us = s->rtt_p50_us,
        .rtt_p95_us = s->rtt_p95_us,
        .rtt_max_us = s->rtt_max_us,
    };
}

/* ---- the end ---- */

uint32_t drill_result_path_at(const struct drill_result *r, uint64_t at_us)
{
    uint64_t at = since_start(r, at_us);
    uint32_t found = DRILL_NO_PATH;

    for (uint32_t i = 0; i < r->n_paths && r->path[i].at_us <= at; i++)
        found = i;
    return found;
}

static int by_time(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int mark_order(const void *a, const void *b)
{
    const struct drill_mark *x = a, *y = b;
    int c = by_time(x->at_us, y->at_us);
    return c ? c : (int)x->kind - (int)y->kind;
}

void drill_result_end(struct drill_result *r, uint64_t now_us, enum drill_verdict verdict,
                      const char *reason)
{
    r->length_us = since_start(r, now_us);
    r->verdict = verdict;
    PUT(r->reason, reason);
    qsort(r->mark, r->n_marks, sizeof(r->mark[0]), mark_order);
}
