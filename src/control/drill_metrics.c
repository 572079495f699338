/* The drills' numbers for Prometheus (text format 0.0.4), a table of them. */
#include "control/drills.h"

/* A label's value: backslash, quote and line feed escaped. */
static const char *label(const char *s, char buf[2 * DRILL_NAME_MAX])
{
    size_t n = 0;

    for (; *s; s++) {
        if (*s == '\\' || *s == '"' || *s == '\n')
            buf[n++] = '\\';
        buf[n++] = *s == '\n' ? 'n' : *s;
    }
    buf[n] = '\0';
    return buf;
}

/* ---- drills ---- */

typedef double value(const struct drill_stats *t, double wall_s);

static double last_s(const struct drill_stats *t, double wall_s)
{
    (void)wall_s;
    return (double)(t->last_wall_us / 1000000);
}

static double age_s(const struct drill_stats *t, double wall_s)
{
    return wall_s - last_s(t, wall_s);
}

static double passed(const struct drill_stats *t, double wall_s)
{
    (void)wall_s;
    return t->last == DRILL_PASSED;
}

static double runs(const struct drill_stats *t, double wall_s)
{
    (void)wall_s;
    return t->runs;
}

static double p50_s(const struct drill_stats *t, double wall_s)
{
    (void)wall_s;
    return (double)t->p50_us / 1e6;
}

static double p95_s(const struct drill_stats *t, double wall_s)
{
    (void)wall_s;
    return (double)t->p95_us / 1e6;
}

static const struct {
    const char *name, *help;
    value *fn;
    bool measured; /* only where a probe ran */
} drill_rows[] = {
    {"kedge_drill_last_timestamp_seconds", "When the drill ran last.", last_s, false},
    {"kedge_drill_age_seconds", "How long ago that was.", age_s, false},
    {"kedge_drill_last_passed", "1 when it passed then.", passed, false},
    {"kedge_drill_runs", "Runs in the history.", runs, false},
    {"kedge_drill_outage_p50_seconds", "Longest outage of a run, median of the history.", p50_s,
     true},
    {"kedge_drill_outage_p95_seconds", "The same, 95th percentile.", p95_s, true},
};

void ctl_drill_metrics(const struct ctl_env *env, FILE *to)
{
    const struct drill_history *h = env->drills;
    char name[2 * DRILL_NAME_MAX];

    for (size_t row = 0; h->n && row < KD_ARRAY_LEN(drill_rows); row++) {
        fprintf(to, "# HELP %s %s\n# TYPE %s gauge\n", drill_rows[row].name, drill_rows[row].help,
                drill_rows[row].name);
        for (uint32_t i = 0; i < h->n; i++) {
            struct drill_stats t = drill_history_stats(h, h->s[i].drill);
            if (drill_history_is_last(h, &h->s[i]) && (t.measured || !drill_rows[row].measured))
                fprintf(to, "%s{drill=\"%s\"} %.15g\n", drill_rows[row].name,
                        label(h->s[i].drill, name), drill_rows[row].fn(&t, env->wall_s));
        }
    }
    fprintf(to,
            "# HELP kedge_drill_damaged_files Files of the history that can't be read.\n"
            "# TYPE kedge_drill_damaged_files gauge\nkedge_drill_damaged_files %u\n",
            h->n_damaged);
}
