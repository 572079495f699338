/* Orders and reports of agents. An agent is who may write to the control socket, so a report is
 * believed; it is checked for form all the same, because what is kept must be able to be shown. */
#include "control/agent.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- orders ---- */

static char *line(json_t *o)
{
    size_t len;
    char *s = ctl_dump(o, &len), *grown = s ? realloc(s, len + 2) : NULL;

    if (grown)
        memcpy(grown + len, "\n", 2);
    else
        free(s);
    return grown;
}

char *ctl_agent_order(uint32_t run, const struct drill_order *o)
{
    json_t *j = json_pack("{s:i, s:s, s:I}", "version", CTL_AGENT_FORMAT, "order",
                          o ? "start" : "stop", "run", (json_int_t)run);

    if (j && o) {
        json_object_set_new(j, "to", ctl_addr(&o->to));
        json_object_set_new(j, "from", ctl_addr(&o->from));
        json_object_set_new(j, "port", json_integer(o->port));
        json_object_set_new(j, "every_us", json_integer((json_int_t)o->every_us));
        json_object_set_new(j, "limit_us", json_integer((json_int_t)o->limit_us));
    }
    return line(j);
}

bool ctl_agent_name(const char *name)
{
    static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(name);

    return n > 0 && n < DRILL_AGENT_MAX && strspn(name, fit) == n;
}

/* ---- reports ---- */

#define F(T, m, t) KD_FIELD(struct T, m, KD_F_##t)

static const struct kd_field head_fields[] = {
    F(drill_report, run, U32),
    F(drill_report, final, BOOL),
    F(drill_report, error_us, U64),
};
static const struct kd_field bucket_fields[] = {
    F(drill_report_bucket, at_us, U64),
    F(drill_report_bucket, b.answered, U32),
    F(drill_report_bucket, b.lost, U32),
    F(drill_report_bucket, b.rtt_max_us, U32),
};
static const struct kd_field path_fields[] = {F(drill_report_path, at_us, U64)};
static const struct kd_field summary_fields[] = {
    F(probe_summary, sent, U64),
    F(probe_summary, answered, U64),
    F(probe_summary, lost, U64),
    F(probe_summary, late, U64),
    F(probe_summary, duplicate, U64),
    F(probe_summary, reordered, U64),
    F(probe_summary, lost_out, U64),
    F(probe_summary, lost_back, U64),
    F(probe_summary, counted, BOOL),
    F(probe_summary, outages, U64),
    F(probe_summary, open, BOOL),
    F(probe_summary, open_since_us, U64),
    F(probe_summary, longest.lost, U64),
    F(probe_summary, longest.last_good_us, U64),
    F(probe_summary, longest.first_good_us, U64),
    F(probe_summary, passed.lost, U64),
    F(probe_summary, passed.last_good_us, U64),
    F(probe_summary, passed.first_good_us, U64),
    F(probe_summary, n_passed, U64),
    F(probe_summary, passed_us, U64),
    F(probe_summary, newest_good_us, U64),
    F(probe_summary, waiting_us, U64),
    F(probe_summary, now_us, U64),
    F(probe_summary, rtt_min_us, U64),
    F(probe_summary, rtt_mean_us, U64),
    F(probe_summary, rtt_p50_us, U64),
    F(probe_summary, rtt_p95_us, U64),
    F(probe_summary, rtt_max_us, U64),
};

#define LIST(key, n, array, max, fields, more)                                                     \
    {                                                                                              \
        key, offsetof(struct drill_report, n), offsetof(struct drill_report, array),               \
            sizeof(((struct drill_report *)0)->array[0]), max, fields, KD_ARRAY_LEN(fields), more  \
    }

static bool take_hops(const json_t *o, void *p)
{
    return ctl_hops_take(o, &((struct drill_report_path *)p)->hops);
}

static const struct ctl_fields_list lists[] = {
    LIST("buckets", n_buckets, bucket, DRILL_REPORT_BUCKETS_MAX, bucket_fields, NULL),
    LIST("outages", n_outages, outage, DRILL_REPORT_MAX, ctl_outage_fields, ctl_outage_in_order),
    LIST("paths", n_paths, path, DRILL_REPORT_MAX, path_fields, take_hops),
};

static bool take(const json_t *o, struct drill_report *r, struct ctl_fields_error *e)
{
    if (json_integer_value(json_object_get(o, "version")) != CTL_AGENT_FORMAT)
        return ctl_fields_wrong(e, "", "version");
    if (!ctl_fields_take(head_fields, KD_ARRAY_LEN(head_fields), o, r, "", e) ||
        !ctl_fields_take(summary_fields, KD_ARRAY_LEN(summary_fields),
                         json_object_get(o, "summary"), &r->summary, "summary", e))
        return false;
    for (size_t i = 0; i < KD_ARRAY_LEN(lists); i++)
        if (!ctl_fields_take_list(&lists[i], o, r, e))
            return false;
    return true;
}

bool ctl_agent_report(struct kd_bytes body, struct drill_report *r, struct ctl_fields_error *e)
{
    json_t *o = json_loadb((const char *)body.p, body.len, JSON_REJECT_DUPLICATES, NULL);
    bool ok;

    memset(r, 0, sizeof(*r));
    ok = take(o, r, e);
    json_decref(o);
    return ok;
}
