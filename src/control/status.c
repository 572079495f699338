/* The state of daemon and tunnels as JSON. */
#include "base/utc.h"
#include "control/control.h"

#include <stdio.h>

static json_t *id_text(const struct ike_id *id)
{
    char buf[2 * IKE_ID_MAX + 16];
    ike_id_str(id, buf, sizeof(buf));
    return ctl_text(kd_bytes_str(buf));
}

static json_t *spi8(const uint8_t spi[8])
{
    char buf[17];
    for (size_t i = 0; i < 8; i++)
        snprintf(buf + 2 * i, 3, "%02x", spi[i]);
    return json_string(buf);
}

static uint64_t since(const struct ctl_env *env, uint64_t us)
{
    return env->now_us > us ? env->now_us - us : 0;
}

static uint64_t until(const struct ctl_env *env, uint64_t us)
{
    return us == KD_NEVER ? KD_NEVER : us > env->now_us ? us - env->now_us : 0;
}

json_t *ctl_until(const struct ctl_env *env, uint64_t us)
{
    return ctl_seconds(until(env, us));
}

static json_t *selectors(const struct ike_ts_list *l)
{
    json_t *list = json_array();
    char buf[128];
    for (unsigned i = 0; i < l->n; i++) {
        ike_ts_str(&l->ts[i], buf, sizeof(buf));
        json_array_append_new(list, json_string(buf));
    }
    return list;
}

static json_t *date(int64_t s)
{
    char buf[KD_UTC_STR_MAX];
    return s ? json_string(kd_utc_str(s, buf)) : json_null();
}

/* With the same keys whether there is an IKE SA or not. */
static json_t *ike_object(const struct ctl_env *env, const struct core_tunnel_view *v)
{
    const struct ike_view *k = &v->ike;
    json_t *local_id = id_text(&v->config->ike.local_id);
    if (!k->established)
        return json_pack("{s:b, s:n, s:n, s:n, s:n, s:o, s:o, s:n, s:n, s:b, s:n, s:n}",
                         "established", 0, "initiator", "spi_i", "spi_r", "suite", "local_id",
                         local_id, "remote_id", id_text(&v->config->ike.remote_id), "age_s",
                         "rekey_in_s", "udp_encap", 0, "auth", "cert_until");
    return json_pack("{s:b, s:b, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:s, s:o}", "established",
                     1, "initiator", k->initiator, "spi_i", spi8(k->spi_i), "spi_r", spi8(k->spi_r),
                     "suite", k->suite, "local_id", local_id, "remote_id", id_text(&k->remote_id),
                     "age_s", ctl_seconds(since(env, k->since_us)), "rekey_in_s",
                     ctl_seconds(until(env, k->rekey_at_us)), "udp_encap", k->encap, "auth",
                     k->auth.how, "cert_until", date(k->auth.not_after_s));
}

/* "name", and of a ladder the step, counted from 1. */
static void set_which(json_t *o, const struct ike_conn_config *c, const char *name, unsigned conf)
{
    json_object_set_new(o, "name", name[0] ? json_string(name) : json_null());
    json_object_set_new(o, "step", c->ladder ? json_integer(conf + 1) : json_null());
    json_object_set_new(o, "steps", c->ladder ? json_integer(c->n_children) : json_null());
}

static json_t *child_object(const struct ctl_env *env, const struct ike_conn_config *conf,
                            const struct ike_child_view *k)
{
    struct ctl_counters c = {0};
    if (env->count && !env->count(env->arg, k->child, &c))
        memset(&c, 0, sizeof(c));
    json_t *o = json_pack("{s:o, s:o, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "spi_in",
                          ctl_spi(k->spi_in), "spi_out", ctl_spi(k->spi_out), "suite", k->suite,
                          "esn", k->esn, "udp_encap", k->encap, "installed", k->installed, "age_s",
                          ctl_seconds(since(env, k->since_us)), "rekey_in_s",
                          ctl_seconds(until(env, k->rekey_at_us)), "local_ts",
                          selectors(&k->local_ts), "remote_ts", selectors(&k->remote_ts));
    json_t *n = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "bytes_in", (json_int_t)c.bytes_in,
                          "bytes_out", (json_int_t)c.bytes_out, "packets_in",
                          (json_int_t)c.packets_in, "packets_out", (json_int_t)c.packets_out,
                          "dropped_replay", (json_int_t)c.dropped_replay, "dropped_auth",
                          (json_int_t)c.dropped_auth, "dropped_ts", (json_int_t)c.dropped_ts);
    if (o && n)
        json_object_update(o, n);
    json_decref(n);
    set_which(o, conf, k->name, k->conf);
    return o;
}

/* Configured, and not there. */
static json_t *missing(const struct ctl_env *env, const struct ike_conn_config *conf,
                       const struct ike_view *k)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < k->n_missing; i++) {
        const struct ike_missing_view *m = &k->missing[i];
        json_t *o = json_pack("{s:s, s:o}", "reason", kd_reason_str(m->refused), "retry_in_s",
                              ctl_seconds(until(env, m->retry_at_us)));
        set_which(o, conf, m->name, m->conf);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *children(const struct ctl_env *env, const struct ike_conn_config *conf,
                        const struct ike_view *k)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < k->n_children && i < KD_ARRAY_LEN(k->children); i++)
        json_array_append_new(list, child_object(env, conf, &k->children[i]));
    return list;
}

static struct kd_bytes text(const char *s)
{
    return kd_bytes_str(s ? s : "");
}

static json_t *refusal(const struct core_tunnel_view *v)
{
    if (v->refusal == KD_REASON_NONE)
        return json_null();
    return json_pack("{s:s, s:o, s:o, s:o}", "reason", kd_reason_str(v->refusal), "detail",
                     ctl_text(text(v->refusal_detail)), "offered",
                     ctl_list(text(v->refusal_offered)), "configured",
                     ctl_list(text(v->refusal_configured)));
}

static const char *group_name(uint16_t group)
{
    const struct kc_alg *dh = group ? kc_alg_find(KC_DH, group, 0) : NULL;
    return dh ? dh->name : "none";
}

/* With the same keys whatever its state. */
static json_t *rehearsal(const struct ctl_env *env, const struct core_rehearsal_view *r)
{
    bool passed = r->state == CORE_REHEARSAL_PASSED, failed = r->state == CORE_REHEARSAL_FAILED;
    json_t *o = json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o}", "result",
                          core_rehearsal_state_names[r->state], "age_s",
                          r->state == CORE_REHEARSAL_NONE ? json_null()
                                                          : ctl_seconds(since(env, r->since_us)),
                          "took_s", passed || failed ? ctl_seconds(r->took_us) : json_null(),
                          "reason", kd_reason_str(r->reason), "failed_at",
                          !failed         ? json_null()
                          : r->failed_ike ? json_string("ike")
                                          : json_string("child"),
                          "pfs", passed ? json_string(group_name(r->pfs)) : json_null(),
                          "ike_group", passed ? json_string(group_name(r->group)) : json_null());
    return o;
}

static json_t *path_mtu(const struct ctl_env *env, const struct core_pmtu_view *p)
{
    if (p->path == 0)
        return json_null();
    return json_pack("{s:i, s:i, s:i, s:o}", "passes", (int)p->path, "needed", (int)p->need, "mtu",
                     (int)p->inner, "age_s", ctl_seconds(since(env, p->at_us)));
}

static json_t *tunnel_object(const struct ctl_env *env, uint32_t tunnel,
                             const struct core_tunnel_view *v)
{
    const struct ike_conn_config *c = &v->config->ike;
    json_t *remote = c->remote.family            ? ctl_addr(&c->remote)
                     : v->ike.remote.addr.family ? ctl_addr(&v->ike.remote.addr)
                                                 : json_string("any");
    bool refused = v->refusal != KD_REASON_NONE && v->refusal == v->reason;
    const char *detail = refused && v->refusal_detail ? v->refusal_detail : "";
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:i, s:o, s:o, s:o, s:o,"
                     " s:o, s:o, s:o}",
                     "name",
                     c->name, "state", core_tunnel_state_names[v->state], "reason",
                     kd_reason_str(v->reason), "detail", ctl_text(text(detail)), "since_s",
                     ctl_seconds(since(env, v->since_us)), "local", ctl_addr(&c->local), "remote",
                     remote, "interface", v->config->ifname, "vrf", v->config->vrf, "table",
                     (json_int_t)v->config->table, "mtu", (int)v->mtu, "ike",
                     ike_object(env, v), "children", children(env, c, &v->ike), "missing",
                     missing(env, c, &v->ike), "refusal", refusal(v), "rehearsal",
                     rehearsal(env, &v->rehearsal), "recovers_in_s",
                     ctl_until(env, core_tunnel_recovers_at(env->core, tunnel)), "path_mtu",
                     path_mtu(env, &v->pmtu));
}

json_t *ctl_status(const struct ctl_env *env, uint32_t tunnel)
{
    const char *why = "";
    enum core_dataplane dp = core_dataplane_of(env->core, &why);
    json_t *tunnels = json_array();
    uint32_t n = core_tunnels(env->core);
    for (uint32_t i = 0; i < n; i++) {
        struct core_tunnel_view v;
        if ((tunnel == CORE_NO_TUNNEL || tunnel == i) && core_tunnel_get(env->core, i, &v))
            json_array_append_new(tunnels, tunnel_object(env, i, &v));
    }
    return json_pack("{s:i, s:{s:s, s:o, s:s, s:o, s:o}, s:o, s:o}", "version", CTL_VERSION,
                     "daemon", "version", env->version, "uptime_s",
                     ctl_seconds(since(env, env->start_us)),
                     "dataplane", core_dataplane_names[dp], "dataplane_reason", ctl_text(text(why)),
                     "keylog", env->keylog_path ? ctl_text(text(env->keylog_path)) : json_null(),
                     "tunnels", tunnels, "health", ctl_health(env));
}
