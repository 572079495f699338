/* What is asked: answered from the core's views, nothing is changed. */
#include "bgp/mrt.h"
#include "control/drills.h"
#include "control/handlers.h"
#include "control/rows.h"

#include <stdlib.h>

struct ctl_response ctl_get_status(const struct ctl_env *env, const struct ctl_request *req,
                                   const struct ctl_args *a)
{
    const char *name = ctl_query(req, "tunnel");
    uint32_t tunnel = CORE_NO_TUNNEL;
    (void)a;
    if (name && !core_tunnel_find(env->core, name, &tunnel))
        return ctl_no_tunnel(env, name);
    return ctl_respond(200, ctl_status(env, tunnel));
}

struct ctl_response ctl_get_readiness(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct ctl_args *a)
{
    const char *name = ctl_query(req, "tunnel");
    uint32_t tunnel = CORE_NO_TUNNEL;
    struct ready_view v;
    (void)a;
    if (name && !core_tunnel_find(env->core, name, &tunnel))
        return ctl_no_tunnel(env, name);
    if (name && env->ready && !ready_get(env->ready, tunnel, &v))
        return ctl_error(404, "readiness.backup in kedge.yaml lists the tunnels that are",
                         "tunnel \"%.32s\" isn't judged as a backup", name);
    return ctl_respond(200, ctl_readiness(env, tunnel));
}

struct ctl_response ctl_get_metrics(const struct ctl_env *env, const struct ctl_request *req,
                                    const struct ctl_args *a)
{
    (void)req;
    (void)a;
    return ctl_metrics(env);
}

struct ctl_response ctl_get_explain(const struct ctl_env *env, const struct ctl_request *req,
                                    const struct ctl_args *a)
{
    const char *name = ctl_query(req, "tunnel");
    uint32_t tunnel;
    (void)a;
    if (!name)
        return ctl_respond(200, ctl_strangers(env));
    if (!core_tunnel_find(env->core, name, &tunnel))
        return ctl_no_tunnel(env, name);
    return ctl_respond(200, ctl_explain(env, tunnel));
}

struct ctl_response ctl_get_neighbors(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct ctl_args *a)
{
    const char *name = ctl_query(req, "neighbor");
    uint32_t peer = CORE_NO_PEER;
    bool azure;
    (void)a;
    if (!ctl_read_switch(req, "azure", &azure))
        return ctl_error(400, "azure is 0 or 1", "azure is neither 0 nor 1");
    if (name && !core_peer_find(env->core, name, &peer))
        return ctl_no_neighbor(env, name);
    return ctl_respond(200, azure ? ctl_azure_neighbors(env) : ctl_neighbors(env, peer));
}

static struct ctl_response rows(const struct ctl_env *env, const struct ctl_routes_query *q)
{
    struct ctl_response r = {
        .status = 200, .type = CTL_JSON_TYPE, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
    r.rows = ctl_rows_new(env, q);
    if (!r.rows)
        r.status = 500;
    return r;
}

struct ctl_response ctl_get_routes(const struct ctl_env *env, const struct ctl_request *req,
                                   const struct ctl_args *a)
{
    static const char *const views[] = {"best", "learned", "advertised"};
    const char *view = ctl_query(req, "view"), *name = ctl_query(req, "neighbor"),
               *prefix = ctl_query(req, "prefix");
    uint32_t peer = CORE_NO_PEER;
    size_t v = 0;
    bool azure;
    (void)a;
    while (view && v < KD_ARRAY_LEN(views) && strcmp(view, views[v]) != 0)
        v++;
    if (v == KD_ARRAY_LEN(views))
        return ctl_error(400, "view is best, learned or advertised", "there is no view \"%.32s\"",
                         view);
    if (name && !core_peer_find(env->core, name, &peer))
        return ctl_no_neighbor(env, name);
    if (v == BGP_VIEW_ADVERTISED && !name)
        return ctl_error(400, "add the neighbor: kedge routes advertised NEIGHBOR",
                         "advertised to whom?");
    if (!ctl_read_switch(req, "azure", &azure) || (azure && v == BGP_VIEW_BEST))
        return ctl_error(400, "azure is 0 or 1, and its views are learned and advertised",
                         "this can't be shown as Azure does");
    struct kd_prefix p;
    if (prefix && !kd_prefix_parse(prefix, false, &p))
        return ctl_error(400, "give ADDRESS or ADDRESS/LENGTH", "\"%.48s\" is no prefix", prefix);
    bool within = prefix && strchr(prefix, '/'), holding = prefix && !within;
    struct ctl_routes_query q = {(enum bgp_rib_view)v, peer, within ? &p : NULL,
                                 holding ? &p.addr : NULL};
    return azure ? ctl_respond(200, ctl_azure_routes(env, &q)) : rows(env, &q);
}

static struct ctl_response no_policy(const struct ctl_env *env, const char *name)
{
    const struct core_config *c = core_configuration(env->core);
    char names[256] = "";
    for (uint32_t i = 0; i < c->n_policies && strlen(names) < 200; i++)
        ctl_append_name(names, sizeof(names), bgp_route_map_name(c->policies[i]));
    return ctl_error(404, names[0] ? names : "none is configured", "there is no policy \"%.32s\"",
                     name);
}

struct ctl_response ctl_get_policies(const struct ctl_env *env, const struct ctl_request *req,
                                     const struct ctl_args *a)
{
    const char *name = ctl_query(req, "policy");
    json_t *o = ctl_policies(env, name);
    (void)a;
    if (!name || json_array_size(json_object_get(o, "policies")) > 0)
        return ctl_respond(200, o);
    json_decref(o);
    return no_policy(env, name);
}

struct ctl_response ctl_get_mrt(const struct ctl_env *env, const struct ctl_request *req,
                                const struct ctl_args *a)
{
    struct ctl_response r = {.status = 200,
                             .type = "application/octet-stream",
                             .tunnel = CORE_NO_TUNNEL,
                             .peer = CORE_NO_PEER};
    (void)req;
    r.follow = r.mrt = a->which;
    if (r.mrt) {
        r.body = calloc(1, 1); /* a stream begins with nothing */
        return r.body ? r : ctl_respond(500, NULL);
    }
    r.body = (char *)bgp_mrt_table(core_bgp(env->core), env->now_us, env->wall_s, &r.len);
    if (!r.body)
        r.status = 500;
    return r;
}

struct ctl_response ctl_get_drills(const struct ctl_env *env, const struct ctl_request *req,
                                   const struct ctl_args *a)
{
    return ctl_drills(env, (enum ctl_drills)a->which, ctl_query(req, "drill"));
}

/* NULL for all. The end is always told, so that a follower knows it from a break. */
static bool event_set(const char *list, uint64_t *notes, struct kd_bytes *wrong)
{
    *notes = CTL_NOTES_ALL;
    if (!list)
        return true;
    bool good = ctl_event_set(list, notes, wrong);
    *notes |= CTL_NOTE(CORE_NOTE_STOP);
    return good;
}

struct ctl_response ctl_get_events(const struct ctl_env *env, const struct ctl_request *req,
                                   const struct ctl_args *a)
{
    const char *since = ctl_query(req, "since"), *follow = ctl_query(req, "follow");
    struct ctl_response r = {.status = 200,
                             .type = "application/x-ndjson",
                             .events = true,
                             .tunnel = CORE_NO_TUNNEL,
                             .peer = CORE_NO_PEER};
    struct kd_bytes wrong;
    char *end = NULL;
    uint64_t seq = 0, notes;
    (void)a;
    if (since) {
        seq = strtoull(since, &end, 10);
        if (since[0] < '0' || since[0] > '9' || *end)
            return ctl_error(400, "since is an event's number, 0 for all",
                             "\"%.32s\" is no event number", since);
    }
    if (follow && strcmp(follow, "0") != 0 && strcmp(follow, "1") != 0)
        return ctl_error(400, "follow is 0 or 1", "follow \"%.32s\"", follow);
    if (!event_set(ctl_query(req, "event"), &notes, &wrong))
        return ctl_error(400,
                         "event is a list of events' names or of what stands before their point: "
                         "bgp.stop,tunnel",
                         "there is no event \"%.*s\"", (int)KD_MIN(wrong.len, 32), wrong.p);
    r.follow = follow && follow[0] == '1';
    r.cursor = ctl_ring_since(env->ring, seq, notes, r.follow);
    return r;
}

struct ctl_response ctl_get_audit(const struct ctl_env *env, const struct ctl_request *req,
                                  const struct ctl_args *a)
{
    (void)env;
    (void)req;
    (void)a;
    return (struct ctl_response){
        .status = 200, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER, .audit = true};
}
