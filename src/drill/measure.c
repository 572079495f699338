/* An agent's reports into a result. The agent judges packets; here they only find their place. */
#include "drill/measure.h"

#include <stdio.h>

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

static void take_path(struct drill_measured *m, struct drill_result *r,
                      const struct probe_names *names, uint64_t at_us,
                      const struct probe_path *hops)
{
    const char *name = probe_name_by_hops(names, hops);
    struct drill_path *p = drill_result_path(r, DRILL_BY_PROBE, at_us, name);

    if (p)
        p->hops = *hops;
    if (name[0])
        now_on(m, name, at_us);
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
    for (uint32_t i = 0; i < report->n_buckets; i++)
        drill_result_packets(r, report->bucket[i].at_us, &report->bucket[i].b);
    for (uint32_t i = 0; i < report->n_outages; i++)
        drill_result_outage(r, &report->outage[i]);
    for (uint32_t i = 0; i < report->n_paths; i++)
        take_path(m, r, names, report->path[i].at_us, &report->path[i].hops);
    unsure(r, marks, report->error_us);
    drill_result_loss(r, &report->summary, now_us);
}

void drill_measure_route(struct drill_measured *m, struct drill_result *r,
                         const struct probe_names *names, uint32_t peer, const char *neighbor,
                         uint64_t now_us)
{
    const char *name = names->n ? probe_name_by_peer(names, peer) : neighbor;
    struct drill_path *p;

    if (!name[0] || strcmp(m->path, name) == 0)
        return;
    p = drill_result_path(r, DRILL_BY_DAEMON, now_us, name);
    if (p)
        snprintf(p->text, sizeof(p->text), "via %s", neighbor);
    now_on(m, name, now_us);
}

uint64_t drill_measured_outage_us(const struct drill_result *r, const struct drill_measured *m,
                                  uint64_t since_us, uint64_t now_us)
{
    const struct probe_summary *s = &m->summary;
    uint64_t since = since_us > r->start_us ? since_us - r->start_us : 0, longest = 0;

    for (uint32_t i = 0; i < r->n_outages; i++) {
        const struct probe_outage *o = &r->outage[i];
        if (o->first_good_us != KD_NEVER && o->first_good_us >= since)
            longest = KD_MAX(longest, o->first_good_us - o->last_good_us);
    }
    if (s->open && s->open_since_us && now_us > s->open_since_us)
        longest = KD_MAX(longest, now_us - s->open_since_us);
    return longest;
}
