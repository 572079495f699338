/* Answers about drills that were. The history is the shell's (io/history.c); a result is read when
 * it is asked for. */
#include "control/drills.h"

#include "base/utc.h"
#include "control/drill_result.h"
#include "drill/report.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the list ---- */

static json_t *utc(uint64_t wall_us)
{
    char buf[KD_UTC_STR_MAX];

    return json_string(kd_utc_str((int64_t)(wall_us / 1000000), buf));
}

static json_t *ms(uint64_t us)
{
    return json_real((double)us / 1000);
}

static json_t *text(const char *s)
{
    return ctl_text(kd_bytes_str(s));
}

static json_t *run_json(const struct drill_summary *s)
{
    json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "id", s->id, "drill", text(s->drill),
                          "start", utc(s->start_wall_us), "length_s", ctl_seconds(s->length_us),
                          "verdict", drill_verdict_names[s->verdict], "reason", text(s->reason));

    json_object_set_new(o, "outage_ms", s->probed ? ms(s->outage_us) : json_null());
    json_object_set_new(o, "sent", s->probed ? json_integer((json_int_t)s->sent) : json_null());
    json_object_set_new(o, "lost", s->probed ? json_integer((json_int_t)s->lost) : json_null());
    return o;
}

static double age_s(const struct ctl_env *env, uint64_t wall_us)
{
    return (double)env->wall_s - (double)(wall_us / 1000000);
}

static json_t *drill_json(const struct ctl_env *env, const char *drill)
{
    struct drill_stats t = drill_history_stats(env->drills, drill);
    json_t *o =
        json_pack("{s:o, s:i, s:i, s:i, s:o, s:s, s:f}", "drill", text(drill), "runs", (int)t.runs,
                  "passed", (int)t.passed, "measured", (int)t.measured, "last", utc(t.last_wall_us),
                  "verdict", drill_verdict_names[t.last], "age_s", age_s(env, t.last_wall_us));

    json_object_set_new(o, "outage_p50_ms", t.measured ? ms(t.p50_us) : json_null());
    json_object_set_new(o, "outage_p95_ms", t.measured ? ms(t.p95_us) : json_null());
    json_object_set_new(o, "outage_max_ms", t.measured ? ms(t.worst_us) : json_null());
    return o;
}

static json_t *list_json(const struct ctl_env *env)
{
    const struct drill_history *h = env->drills;
    json_t *runs = json_array(), *drills = json_array(), *damaged = json_array();

    for (uint32_t i = 0; i < h->n; i++) {
        json_array_append_new(runs, run_json(&h->s[i]));
        if (drill_history_is_last(h, &h->s[i]))
            json_array_append_new(drills, drill_json(env, h->s[i].drill));
    }
    for (uint32_t i = 0; i < KD_MIN(h->n_damaged, KD_ARRAY_LEN(h->damaged)); i++)
        json_array_append_new(damaged, text(h->damaged[i]));
    return json_pack("{s:i, s:o, s:o, s:i, s:o}", "version", CTL_VERSION, "drills", drills, "runs",
                     runs, "damaged", (int)h->n_damaged, "damaged_files", damaged);
}

/* ---- one ---- */

static struct ctl_response none(const struct ctl_env *env, const char *which)
{
    if (!env->drills->n)
        return ctl_error(404, "kedge drill run FILE runs one", "no drill has been run yet");
    return ctl_error(404, "kedge drill list shows names and ids", "there was no drill \"%.64s\"",
                     which);
}

static struct ctl_response page(const struct drill_result *r, const struct drill_stats *t)
{
    struct ctl_response res = {.status = 200,
                               .type = "text/html; charset=utf-8",
                               .tunnel = CORE_NO_TUNNEL,
                               .peer = CORE_NO_PEER};

    res.body = drill_report_html(r, t, &res.len);
    if (!res.body)
        res.status = 500;
    return res;
}

struct ctl_response ctl_drills(const struct ctl_env *env, enum ctl_drills what, const char *which)
{
    const struct drill_summary *s = drill_history_find(env->drills, which);
    struct drill_result *r;
    struct ctl_response res;
    char why[192];

    if (what == CTL_DRILLS_LIST)
        return ctl_respond(200, list_json(env));
    if (!s)
        return none(env, which);
    r = malloc(sizeof(*r));
    if (!r) {
        res = ctl_respond(500, NULL);
    } else if (!env->drill_read(env->arg, s->id, r, why, sizeof(why))) {
        res = ctl_error(409, "its file was there when kedged started, or was written since", "%s",
                        why);
    } else if (what == CTL_DRILLS_ONE) {
        res = ctl_respond(200, ctl_drill_json(r));
    } else {
        struct drill_stats t = drill_history_stats(env->drills, s->drill);
        res = page(r, &t);
    }
    free(r);
    return res;
}
