/* GET /metrics: Prometheus' text (format 0.0.4). A family is its head and a row for each tunnel or
 * neighbor, whether it is up or not. Names of both are plain words: nothing to escape. */
#include "control/drills.h"

#include <stdlib.h>

static void head(FILE *to, const char *name, const char *type, const char *help)
{
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* ---- tunnels ---- */

static bool up(const struct core_tunnel_view *v)
{
    return v->state == CORE_T_UP || v->state == CORE_T_FAILING;
}

static void tunnel_states(const struct ctl_env *env, FILE *to)
{
    struct core_tunnel_view v;
    head(to, "kedge_tunnel_up", "gauge", "1 while traffic has been seen both ways.");
    for (uint32_t i = 0; core_tunnel_get(env->core, i, &v); i++)
        fprintf(to, "kedge_tunnel_up{tunnel=\"%s\"} %d\n", v.config->ike.name, up(&v));
    head(to, "kedge_tunnel_state", "gauge", "1 in the row of its state and the reason for it.");
    for (uint32_t i = 0; core_tunnel_get(env->core, i, &v); i++)
        fprintf(to, "kedge_tunnel_state{tunnel=\"%s\",state=\"%s\",reason=\"%s\"} 1\n",
                v.config->ike.name, core_tunnel_state_names[v.state], kd_reason_str(v.reason));
    head(to, "kedge_tunnel_state_seconds", "gauge", "For how long it has been in that state.");
    for (uint32_t i = 0; core_tunnel_get(env->core, i, &v); i++)
        fprintf(to, "kedge_tunnel_state_seconds{tunnel=\"%s\"} %.3f\n", v.config->ike.name,
                (double)(env->now_us - KD_MIN(v.since_us, env->now_us)) / 1e6);
}

static const struct {
    const char *name, *help;
    size_t at; /* in ctl_counters */
} traffic[] = {
#define ROW(name, member, help)                                                                    \
    {                                                                                              \
        "kedge_tunnel_" name "_total", help " Of the SAs in use: a rekey begins anew.",            \
            offsetof(struct ctl_counters, member)                                                  \
    }
    ROW("received_bytes", bytes_in, "Inner bytes received."),
    ROW("sent_bytes", bytes_out, "Inner bytes sent."),
    ROW("received_packets", packets_in, "Packets received."),
    ROW("sent_packets", packets_out, "Packets sent."),
    ROW("replayed_packets", dropped_replay, "Dropped: old or seen before."),
    ROW("forged_packets", dropped_auth, "Dropped: not authentic."),
    ROW("foreign_packets", dropped_ts, "Dropped: outside of the selectors."),
#undef ROW
};

/* All of its children's. */
static struct ctl_counters counters(const struct ctl_env *env, const struct core_tunnel_view *v)
{
    struct ctl_counters sum = {0}, one;
    for (uint32_t i = 0; i < v->ike.n_children && i < KD_ARRAY_LEN(v->ike.children); i++) {
        if (!env->count || !env->count(env->arg, v->ike.children[i].child, &one))
            continue;
        for (size_t k = 0; k < KD_ARRAY_LEN(traffic); k++)
            *(uint64_t *)((char *)&sum + traffic[k].at) +=
                *(uint64_t *)((char *)&one + traffic[k].at);
    }
    return sum;
}

static void tunnel_traffic(const struct ctl_env *env, FILE *to)
{
    uint32_t n = core_tunnels(env->core);
    struct ctl_counters *c = calloc(n + 1, sizeof(*c)); /* each is asked for once */
    struct core_tunnel_view v;
    for (uint32_t i = 0; c && core_tunnel_get(env->core, i, &v); i++)
        c[i] = counters(env, &v);
    for (size_t k = 0; c && k < KD_ARRAY_LEN(traffic); k++) {
        head(to, traffic[k].name, "counter", traffic[k].help);
        for (uint32_t i = 0; core_tunnel_get(env->core, i, &v); i++)
            fprintf(to, "%s{tunnel=\"%s\"} %llu\n", traffic[k].name, v.config->ike.name,
                    (unsigned long long)*(uint64_t *)((char *)&c[i] + traffic[k].at));
    }
    free(c);
}

/* ---- neighbors ---- */

static double established(const struct bgp_peer_view *v)
{
    return v->state == BGP_ESTABLISHED;
}

static double received(const struct bgp_peer_view *v)
{
    return v->received;
}

static double accepted(const struct bgp_peer_view *v)
{
    return v->accepted;
}

static double advertised(const struct bgp_peer_view *v)
{
    return v->advertised;
}

static const struct {
    const char *name, *help;
    double (*value)(const struct bgp_peer_view *v);
} neighbor_rows[] = {
    {"kedge_bgp_neighbor_up", "1 while its session is Established.", established},
    {"kedge_bgp_neighbor_received_prefixes", "Prefixes it tells.", received},
    {"kedge_bgp_neighbor_accepted_prefixes", "Those of them that passed the policy.", accepted},
    {"kedge_bgp_neighbor_advertised_prefixes", "Prefixes it is told.", advertised},
};

static void neighbors(const struct ctl_env *env, FILE *to)
{
    struct bgp_peer_view v;
    for (size_t k = 0; k < KD_ARRAY_LEN(neighbor_rows); k++) {
        uint32_t peer = UINT32_MAX;
        head(to, neighbor_rows[k].name, "gauge", neighbor_rows[k].help);
        while (core_peer_next(env->core, &peer))
            if (bgp_peer_get(core_bgp(env->core), peer, &v))
                fprintf(to, "%s{neighbor=\"%s\"} %.15g\n", neighbor_rows[k].name,
                        core_peer_config(env->core, peer)->name, neighbor_rows[k].value(&v));
    }
}

/* ---- all of it ---- */

static void daemon_info(const struct ctl_env *env, FILE *to)
{
    head(to, "kedge_info", "gauge", "1, with the daemon's version.");
    fprintf(to, "kedge_info{version=\"%s\"} 1\n", env->version);
    head(to, "kedge_uptime_seconds", "gauge", "How long kedged has been running.");
    fprintf(to, "kedge_uptime_seconds %.3f\n", (double)(env->now_us - env->start_us) / 1e6);
}

struct ctl_response ctl_metrics(const struct ctl_env *env)
{
    struct ctl_response r = {.status = 200,
                             .type = "text/plain; version=0.0.4; charset=utf-8",
                             .tunnel = CORE_NO_TUNNEL,
                             .peer = CORE_NO_PEER};
    FILE *to = open_memstream(&r.body, &r.len);
    if (to) {
        daemon_info(env, to);
        tunnel_states(env, to);
        tunnel_traffic(env, to);
        neighbors(env, to);
        ctl_readiness_metrics(env, to);
        ctl_drill_metrics(env, to);
    }
    if (!to || fclose(to) != 0)
        r.status = 500;
    return r;
}
