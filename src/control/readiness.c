/* Readiness as JSON, and as Prometheus' text. */
#include "base/utc.h"
#include "control/control.h"

#include <stdio.h>

static const char *const list_names[] = {"missing",   "more_specific", "extra",
                                         "preferred", "uneven",        "longer"};

static const struct ready_list *list_at(const struct ready_routes *r, size_t i)
{
    const struct ready_list *all[] = {&r->missing,   &r->more_specific, &r->extra,
                                      &r->preferred, &r->uneven,        &r->longer};
    return all[i];
}

/* {"n", "named"} of each list, and how many prefixes there are of either. */
static json_t *routes(const struct ready_routes *r)
{
    json_t *o = json_pack("{s:i, s:i}", "primary", (int)r->n_primary, "backup", (int)r->n_backup);
    for (size_t i = 0; i < KD_ARRAY_LEN(list_names); i++) {
        const struct ready_list *l = list_at(r, i);
        json_t *named = json_array();
        for (uint32_t k = 0; k < l->n_named; k++)
            json_array_append_new(named, ctl_prefix(&l->named[k]));
        json_object_set_new(o, list_names[i],
                            json_pack("{s:i, s:o}", "n", (int)l->n, "named", named));
    }
    return o;
}

static json_t *age(const struct ctl_env *env, uint64_t since_us)
{
    return ctl_seconds(env->now_us - KD_MIN(since_us, env->now_us));
}

static json_t *reasons(const struct ctl_env *env, const struct ready_view *v)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < v->n; i++) {
        const struct ready_reason *r = &v->reason[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o, s:o}", "code", ready_code_names[r->code],
                            "verdict", ready_verdict_names[r->verdict], "since_s",
                            age(env, r->since_us), "text", ctl_text(kd_bytes_str(r->words)),
                            "remedy", ctl_text(kd_bytes_str(r->remedy))));
    }
    return list;
}

static json_t *drill(const struct ready_drill *d)
{
    char date[KD_UTC_STR_MAX];
    if (d->at_s == 0)
        return json_null();
    return json_pack("{s:o, s:s, s:b}", "name", ctl_text(kd_bytes_str(d->name)), "at",
                     kd_utc_str(d->at_s, date), "passed", d->passed);
}

json_t *ctl_readiness(const struct ctl_env *env, uint32_t tunnel)
{
    enum ready_verdict worst = READY_READY;
    struct core_tunnel_view t;
    struct ready_view v;
    json_t *list = json_array();
    for (uint32_t i = 0; env->ready && core_tunnel_get(env->core, i, &t); i++) {
        if ((tunnel != CORE_NO_TUNNEL && tunnel != i) || !ready_get(env->ready, i, &v))
            continue;
        worst = KD_MAX(worst, v.verdict);
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "tunnel",
                                              t.config->ike.name, "verdict",
                                              ready_verdict_names[v.verdict], "since_s",
                                              age(env, v.since_us), "reasons", reasons(env, &v),
                                              "learned", routes(v.in), "told", routes(v.out)));
    }
    return json_pack("{s:i, s:o, s:o, s:o}", "version", CTL_VERSION, "verdict",
                     json_array_size(list) ? json_string(ready_verdict_names[worst]) : json_null(),
                     "drill", env->ready ? drill(ready_last_drill(env->ready)) : json_null(),
                     "tunnels", list);
}

void ctl_readiness_metrics(const struct ctl_env *env, FILE *to)
{
    struct core_tunnel_view t;
    struct ready_view v;
    fputs("# HELP kedge_readiness Would the backup carry now: 1 in the row of its verdict.\n"
          "# TYPE kedge_readiness gauge\n",
          to);
    for (uint32_t i = 0; env->ready && core_tunnel_get(env->core, i, &t); i++)
        for (int k = 0; k < READY_VERDICT_N && ready_get(env->ready, i, &v); k++)
            fprintf(to, "kedge_readiness{tunnel=\"%s\",verdict=\"%s\"} %d\n", t.config->ike.name,
                    ready_verdict_names[k], v.verdict == (enum ready_verdict)k);
    fputs("# HELP kedge_readiness_reason Why a backup is not ready: 1 for each reason.\n"
          "# TYPE kedge_readiness_reason gauge\n",
          to);
    for (uint32_t i = 0; env->ready && core_tunnel_get(env->core, i, &t); i++)
        for (uint32_t k = 0; ready_get(env->ready, i, &v) && k < v.n; k++)
            fprintf(to, "kedge_readiness_reason{tunnel=\"%s\",reason=\"%s\",verdict=\"%s\"} 1\n",
                    t.config->ike.name, ready_code_names[v.reason[k].code],
                    ready_verdict_names[v.reason[k].verdict]);
}
