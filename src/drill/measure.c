/* An agent's reports into a result. The agent judges packets; here they only find their place. */
#include "drill/measure.h"

#include <stdio.h>

#define SLOWER_US KD_MS(200) /* a way's round trip than that of the one before, at the most */
#define BUCKET_US KD_MS(1)   /* the agent's, when its reports aren't late */

static void now_on(struct drill_measured *m, const char *name, uint64_t at_us)
{
    if (strcmp(m->path, name) == 0 || at_us < m->path_us) /* a report that is older news */
        return;
    snprintf(m->path, sizeof(m->path), "%s", name);
    m->path_us = at_us;
}

/* A time that came from another clock is that much less sure. */
static void unsure(struct drill_result *r, uint32_t from, uint64_t error_us)
{
    for (uint32_t i = from; i < r->n_marks; i++)
        r->mark[i].precision_us += error_us;
}

/* The way that is told of once more, with a hop that has spoken since; NULL: it is another. Between
 * two reports another clock's times may be set right by twice as much as they may be wrong. */
static struct drill_path *told_before(struct drill_result *r, const struct drill_report_path *path,
                                      uint64_t error_us)
{
    uint64_t at = path->at_us > r->start_us ? path->at_us - r->start_us : 0;

    for (uint32_t i = r->n_paths; i-- > 0;) {
        struct drill_path *p = &r->path[i];
        uint64_t apart = p->at_us > at ? p->at_us - at : at - p->at_us;
        if (p->source == DRILL_BY_PROBE)
            return apart <= 2 * error_us && probe_path_same(&p->hops, &path->hops) ? p : NULL;
    }
    return NULL;
}

static void take_path(struct drill_measured *m, struct drill_result *r,
                      const struct probe_names *names, const struct drill_report_path *path,
                      uint64_t error_us)
{
    const char *name = probe_name_by_hops(names, &path->hops);
    struct drill_path *p = told_before(r, path, error_us);

    if (!p)
        p = drill_result_path(r, DRILL_BY_PROBE, path->at_us, name);
    if (p) {
        p->hops = path->hops;
        snprintf(p->name, sizeof(p->name), "%s", name);
    }
    if (name[0])
        now_on(m, name, path->at_us);
}

static void count(struct drill_measured *m, const struct drill_report *report)
{
    for (uint32_t i = 0; i < report->n_buckets; i++)
        if (report->bucket[i].at_us + BUCKET_US + report->error_us > m->mark_us)
            m->lost += report->bucket[i].b.lost;
    for (uint32_t i = 0; i < report->n_outages; i++)
        if (report->outage[i].first_good_us >= m->mark_us)
            m->outage_us = KD_MAX(m->outage_us,
                                  report->outage[i].first_good_us - report->outage[i].last_good_us);
}

void drill_measure_take(struct drill_measured *m, struct drill_result *r,
                        const struct probe_names *names, const struct drill_report *report,
                        uint64_t now_us)
{
    uint32_t marks = r->n_marks;

    m->begun = true;
    m->final |= report->final;
    m->heard_us = now_us;
    m->error_us = report->error_us;
    m->summary = report->summary;
    count(m, report);
    for (uint32_t i = 0; i < report->n_buckets; i++)
        drill_result_packets(r, report->bucket[i].at_us, &report->bucket[i].b);
    for (uint32_t i = 0; i < report->n_outages; i++)
        drill_result_outage(r, &report->outage[i]);
    for (uint32_t i = 0; i < report->n_paths; i++)
        take_path(m, r, names, &report->path[i], report->error_us);
    unsure(r, marks, report->error_us);
    drill_result_loss(r, &report->summary, now_us);
}

bool drill_measure_route(struct drill_measured *m, struct drill_result *r,
                         const struct probe_names *names, uint32_t peer, const char *neighbor,
                         uint64_t now_us)
{
    const char *name = names->n ? probe_name_by_peer(names, peer) : neighbor;
    struct drill_path *p;

    if (!name[0] || strcmp(m->path, name) == 0)
        return false;
    p = drill_result_path(r, DRILL_BY_DAEMON, now_us, name);
    if (p)
        snprintf(p->text, sizeof(p->text), "via %s", neighbor);
    now_on(m, name, now_us);
    return true;
}

/* ---- since the mark ---- */

void drill_measure_mark(struct drill_measured *m, uint64_t now_us)
{
    m->mark_us = now_us;
    m->lost = m->outage_us = 0;
}

/* From the last good packet on, once those behind it can't be under way any more; where none left,
 * because the prober wasn't let, nothing is known. */
static uint64_t open_for(const struct probe_summary *s, uint64_t answer_us)
{
    if (!s->newest_good_us || !s->waiting_us || s->now_us <= s->waiting_us + answer_us)
        return 0;
    return s->now_us - answer_us - s->newest_good_us;
}

struct drill_known drill_measure_known(const struct drill_measured *m)
{
    const struct probe_summary *s = &m->summary;
    struct drill_known k = {.lost = m->lost, .outage_us = m->outage_us};

    if (s->newest_good_us > m->path_us + m->error_us)
        k.carried_us = s->newest_good_us - m->error_us;
    k.outage_us = KD_MAX(k.outage_us, open_for(s, s->rtt_max_us + SLOWER_US));
    k.outage_maybe_us = KD_MAX(k.outage_us, open_for(s, s->rtt_max_us));
    if (s->passed.lost && s->passed.first_good_us >= m->mark_us)
        k.outage_maybe_us =
            KD_MAX(k.outage_maybe_us, s->passed.first_good_us - s->passed.last_good_us);
    k.lost_maybe = k.lost + (s->passed_us >= m->mark_us ? s->n_passed : 0);
    return k;
}
