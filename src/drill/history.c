/* The history as a bounded list in order of time. */
#include "drill/history.h"

#include <stdlib.h>

struct drill_summary drill_summary_of(const struct drill_result *r)
{
    struct drill_summary s = {
        .verdict = r->verdict,
        .start_wall_us = r->start_wall_us,
        .length_us = r->length_us,
        .probed = r->probe_to[0] && r->loss.sent,
        .outage_us = r->loss.longest_us,
        .sent = r->loss.sent,
        .lost = r->loss.lost,
    };

    drill_result_id(r->start_wall_us, s.id);
    memcpy(s.drill, r->drill, sizeof(s.drill));
    memcpy(s.reason, r->reason, sizeof(s.reason));
    return s;
}

bool drill_history_is_last(const struct drill_history *h, const struct drill_summary *s)
{
    return drill_history_find(h, s->drill) == s;
}

static uint32_t to_go(const struct drill_history *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (!drill_history_is_last(h, &h->s[i]))
            return i;
    return 0;
}

void drill_history_add(struct drill_history *h, const struct drill_summary *s,
                       char gone[DRILL_ID_MAX])
{
    uint32_t at;

    gone[0] = '\0';
    if (h->n == DRILL_HISTORY_MAX) {
        at = to_go(h);
        memcpy(gone, h->s[at].id, DRILL_ID_MAX);
        memmove(&h->s[at], &h->s[at + 1], (--h->n - at) * sizeof(h->s[0]));
    }
    for (at = h->n; at > 0 && h->s[at - 1].start_wall_us > s->start_wall_us;)
        at--;
    memmove(&h->s[at + 1], &h->s[at], (h->n++ - at) * sizeof(h->s[0]));
    h->s[at] = *s;
}

const struct drill_summary *drill_history_find(const struct drill_history *h, const char *which)
{
    for (uint32_t i = h->n; i-- > 0;)
        if (!which || strcmp(h->s[i].id, which) == 0 || strcmp(h->s[i].drill, which) == 0)
            return &h->s[i];
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest that so many percent of them don't exceed. */
static uint64_t nearest_rank(const uint64_t *sorted, uint32_t n, uint32_t percent)
{
    return sorted[(n * percent + 99) / 100 - 1];
}

struct drill_stats drill_history_stats(const struct drill_history *h, const char *drill)
{
    struct drill_stats t = {0};
    uint64_t outage[DRILL_HISTORY_MAX];

    for (uint32_t i = 0; i < h->n; i++) {
        const struct drill_summary *s = &h->s[i];
        if (drill && strcmp(s->drill, drill) != 0)
            continue;
        t.runs++;
        t.passed += s->verdict == DRILL_PASSED;
        t.last_wall_us = s->start_wall_us;
        t.last = s->verdict;
        if (s->probed)
            outage[t.measured++] = s->outage_us;
    }
    if (t.measured) {
        qsort(outage, t.measured, sizeof(outage[0]), by_value);
        t.p50_us = nearest_rank(outage, t.measured, 50);
        t.p95_us = nearest_rank(outage, t.measured, 95);
        t.worst_us = outage[t.measured - 1];
    }
    return t;
}
