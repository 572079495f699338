/* Requests: a table of routes, each with its method and handler. Every refusal says what would do.
 */
#include "bgp/mrt.h"
#include "control/agent.h"
#include "control/drills.h"
#include "control/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define JSON_TYPE "application/json"

struct ctl_response ctl_respond(int status, json_t *obj)
{
    struct ctl_response r = {
        .status = status, .type = JSON_TYPE, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
    r.body = ctl_dump(obj, &r.len);
    if (!r.body)
        r.status = 500; /* out of memory: an empty answer */
    return r;
}

struct ctl_response ctl_error(int status, const char *remedy, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return ctl_respond(status, json_pack("{s:i, s:o, s:s}", "version", CTL_VERSION, "error",
                                     ctl_text(kd_bytes_str(text)), "remedy", remedy));
}

void ctl_response_done(struct ctl_response *r)
{
    free(r->body);
    r->body = NULL;
    ctl_rows_free(r->rows);
    r->rows = NULL;
}

/* What stands in the path's "*" and which of a handler's rows it is. */
struct args {
    char name[32];
    int which;
};

typedef struct ctl_response handler(const struct ctl_env *env, const struct ctl_request *req,
                                    const struct args *a);

static const char *query(const struct ctl_request *req, const char *key)
{
    return req->query ? req->query(req->query_arg, key) : NULL;
}

/* "there are: a, b, ..." cut at what fits. */
static void append_name(char *buf, size_t cap, const char *name)
{
    size_t n = strlen(buf);
    snprintf(buf + n, cap - n, "%s%s", n ? ", " : "there are: ", name);
}

static struct ctl_response no_tunnel(const struct ctl_env *env, const char *name)
{
    char names[256] = "";
    struct core_tunnel_view v;
    for (uint32_t i = 0; i < core_tunnels(env->core) && strlen(names) < 200; i++)
        if (core_tunnel_get(env->core, i, &v))
            append_name(names, sizeof(names), v.config->ike.name);
    return ctl_error(404, names[0] ? names : "none is configured", "there is no tunnel \"%.32s\"",
                     name);
}

static struct ctl_response no_neighbor(const struct ctl_env *env, const char *name)
{
    char names[256] = "";
    uint32_t peer = UINT32_MAX;
    while (strlen(names) < 200 && core_peer_next(env->core, &peer))
        append_name(names, sizeof(names), core_peer_config(env->core, peer)->name);
    return ctl_error(404, names[0] ? names : "none is configured", "there is no neighbor \"%.48s\"",
                     name);
}

/* ---- GET ---- */

static struct ctl_response get_status(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct args *a)
{
    const char *name = query(req, "tunnel");
    uint32_t tunnel = CORE_NO_TUNNEL;
    (void)a;
    if (name && !core_tunnel_find(env->core, name, &tunnel))
        return no_tunnel(env, name);
    return ctl_respond(200, ctl_status(env, tunnel));
}

static struct ctl_response get_readiness(const struct ctl_env *env, const struct ctl_request *req,
                                         const struct args *a)
{
    const char *name = query(req, "tunnel");
    uint32_t tunnel = CORE_NO_TUNNEL;
    struct ready_view v;
    (void)a;
    if (name && !core_tunnel_find(env->core, name, &tunnel))
        return no_tunnel(env, name);
    if (name && env->ready && !ready_get(env->ready, tunnel, &v))
        return ctl_error(404, "readiness.backup in kedge.yaml lists the tunnels that are",
                         "tunnel \"%.32s\" isn't judged as a backup", name);
    return ctl_respond(200, ctl_readiness(env, tunnel));
}

static struct ctl_response get_metrics(const struct ctl_env *env, const struct ctl_request *req,
                                       const struct args *a)
{
    (void)req;
    (void)a;
    return ctl_metrics(env);
}

static struct ctl_response get_explain(const struct ctl_env *env, const struct ctl_request *req,
                                       const struct args *a)
{
    const char *name = query(req, "tunnel");
    uint32_t tunnel;
    (void)a;
    if (!name)
        return ctl_respond(200, ctl_strangers(env));
    if (!core_tunnel_find(env->core, name, &tunnel))
        return no_tunnel(env, name);
    return ctl_respond(200, ctl_explain(env, tunnel));
}

/* key=0 or key=1; left out is 0. */
static bool read_switch(const struct ctl_request *req, const char *key, bool *on)
{
    const char *v = query(req, key);
    *on = v && strcmp(v, "1") == 0;
    return !v || *on || strcmp(v, "0") == 0;
}

static struct ctl_response get_neighbors(const struct ctl_env *env, const struct ctl_request *req,
                                         const struct args *a)
{
    const char *name = query(req, "neighbor");
    uint32_t peer = CORE_NO_PEER;
    bool azure;
    (void)a;
    if (!read_switch(req, "azure", &azure))
        return ctl_error(400, "azure is 0 or 1", "azure is neither 0 nor 1");
    if (name && !core_peer_find(env->core, name, &peer))
        return no_neighbor(env, name);
    return ctl_respond(200, azure ? ctl_azure_neighbors(env) : ctl_neighbors(env, peer));
}

static struct ctl_response rows(const struct ctl_env *env, const struct ctl_routes_query *q)
{
    struct ctl_response r = {
        .status = 200, .type = JSON_TYPE, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
    r.rows = ctl_rows_new(env, q);
    if (!r.rows)
        r.status = 500;
    return r;
}

static struct ctl_response get_routes(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct args *a)
{
    static const char *const views[] = {"best", "learned", "advertised"};
    const char *view = query(req, "view"), *name = query(req, "neighbor"),
               *prefix = query(req, "prefix");
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
        return no_neighbor(env, name);
    if (v == BGP_VIEW_ADVERTISED && !name)
        return ctl_error(400, "add the neighbor: kedge routes advertised NEIGHBOR",
                         "advertised to whom?");
    if (!read_switch(req, "azure", &azure) || (azure && v == BGP_VIEW_BEST))
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
        append_name(names, sizeof(names), bgp_route_map_name(c->policies[i]));
    return ctl_error(404, names[0] ? names : "none is configured", "there is no policy \"%.32s\"",
                     name);
}

static struct ctl_response get_policies(const struct ctl_env *env, const struct ctl_request *req,
                                        const struct args *a)
{
    const char *name = query(req, "policy");
    json_t *o = ctl_policies(env, name);
    (void)a;
    if (!name || json_array_size(json_object_get(o, "policies")) > 0)
        return ctl_respond(200, o);
    json_decref(o);
    return no_policy(env, name);
}

static struct ctl_response get_mrt(const struct ctl_env *env, const struct ctl_request *req,
                                   const struct args *a)
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

static struct ctl_response get_drills(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct args *a)
{
    return ctl_drills(env, (enum ctl_drills)a->which, query(req, "drill"));
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

static struct ctl_response get_events(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct args *a)
{
    const char *since = query(req, "since"), *follow = query(req, "follow");
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
    if (!event_set(query(req, "event"), &notes, &wrong))
        return ctl_error(400,
                         "event is a list of events' names or of what stands before their point: "
                         "bgp.stop,tunnel",
                         "there is no event \"%.*s\"", (int)KD_MIN(wrong.len, 32), wrong.p);
    r.follow = follow && follow[0] == '1';
    r.cursor = ctl_ring_since(env->ring, seq, notes, r.follow);
    return r;
}

/* ---- POST ---- */

/* {} or nothing, {"silent": bool} for down, {"what": "child"|"ike"|"rehearse"} for rekey,
 * {"message": "..."} for shutdown, into words. */
static bool read_key(const char *key, const json_t *v, enum core_command *command, char words[256])
{
    static const struct {
        const char *key, *value;
        enum core_command from, to;
    } forms[] = {
        {"what", "child", CORE_CMD_REKEY, CORE_CMD_REKEY_CHILD},
        {"what", "ike", CORE_CMD_REKEY, CORE_CMD_REKEY_IKE},
        {"what", "rehearse", CORE_CMD_REKEY, CORE_CMD_REHEARSE},
        {"what", "graceful", CORE_CMD_NEIGHBOR_SHUTDOWN, CORE_CMD_NEIGHBOR_LEAVE},
        {"what", "in", CORE_CMD_NEIGHBOR_REFRESH, CORE_CMD_NEIGHBOR_REFRESH_IN},
        {"what", "out", CORE_CMD_NEIGHBOR_REFRESH, CORE_CMD_NEIGHBOR_REFRESH_OUT},
    };
    if (*command == CORE_CMD_DOWN && strcmp(key, "silent") == 0 && json_is_boolean(v)) {
        if (json_is_true(v))
            *command = CORE_CMD_DOWN_SILENT;
        return true;
    }
    if (*command == CORE_CMD_NEIGHBOR_SHUTDOWN && strcmp(key, "message") == 0) {
        if (!json_is_string(v) || json_string_length(v) > 255)
            return false;
        strcpy(words, json_string_value(v));
        return true;
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(forms); i++)
        if (*command == forms[i].from && strcmp(key, forms[i].key) == 0 && json_is_string(v) &&
            strcmp(json_string_value(v), forms[i].value) == 0) {
            *command = forms[i].to;
            return true;
        }
    return false;
}

static bool read_body(const struct ctl_request *req, enum core_command *command, char words[256])
{
    const char *key;
    json_t *v;
    bool ok = true;
    if (req->body.len == 0)
        return true;
    json_t *o = json_loadb((const char *)req->body.p, req->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(o))
        ok = false;
    json_object_foreach (o, key, v)
        ok = ok && read_key(key, v, command, words);
    json_decref(o);
    return ok;
}

/* Takes more (NULL for none): what this kind of command adds. */
static struct ctl_response command_answer(const struct ctl_env *env, enum core_command command,
                                          const char *kind, const char *name, const char *state,
                                          json_t *more)
{
    json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:I}", "version", CTL_VERSION, kind, name,
                          "command", core_command_names[command], "state", state, "seq",
                          (json_int_t)ctl_ring_last(env->ring));
    if (o && more)
        json_object_update(o, more);
    json_decref(more);
    struct ctl_response r = ctl_respond(200, o);
    r.has_command = r.status == 200;
    r.command = command;
    return r;
}

/* Those a rekey replaces, so that a client knows what to wait for. */
static int pairs(const struct ike_view *v)
{
    int n = 0;
    for (uint32_t i = 0; i < v->n_children && i < KD_ARRAY_LEN(v->children); i++)
        n += v->children[i].installed;
    return n;
}

static struct ctl_response post_tunnel(const struct ctl_env *env, const struct ctl_request *req,
                                       const struct args *a)
{
    enum core_command command = (enum core_command)a->which;
    struct core_tunnel_view v;
    uint32_t tunnel;
    if (!core_tunnel_find(env->core, a->name, &tunnel) || !core_tunnel_get(env->core, tunnel, &v))
        return no_tunnel(env, a->name);
    char words[256] = "";
    if (!read_body(req, &command, words))
        return ctl_error(400,
                         a->which == CORE_CMD_DOWN ? "the body is empty or {\"silent\":true|false}"
                         : a->which == CORE_CMD_REKEY
                             ? "the body is empty or {\"what\":\"child\"|\"ike\"|\"rehearse\"}"
                             : "the body is empty",
                         "the body isn't understood");
    if (a->which == CORE_CMD_REKEY && !v.ike.established)
        return ctl_error(409, "kedge up brings it up", "tunnel \"%s\" is %s: nothing to rekey",
                         a->name, core_tunnel_state_names[v.state]);
    json_t *more = a->which == CORE_CMD_REKEY ? json_pack("{s:i}", "pairs", pairs(&v.ike)) : NULL;
    struct ctl_response r =
        command_answer(env, command, "tunnel", a->name, core_tunnel_state_names[v.state], more);
    r.tunnel = tunnel;
    return r;
}

static struct ctl_response post_reload(const struct ctl_env *env, const struct ctl_request *req,
                                       const struct args *a)
{
    struct ctl_response r = {.status = 200, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
    bool dry;
    (void)env;
    (void)a;
    if (req->body.len)
        return ctl_error(400, "the body is empty", "the body isn't understood");
    if (!read_switch(req, "dry", &dry))
        return ctl_error(400, "dry is 0 or 1", "dry is neither 0 nor 1");
    r.reload = dry ? CTL_RELOAD_DRY : CTL_RELOAD;
    return r;
}

static struct ctl_response get_audit(const struct ctl_env *env, const struct ctl_request *req,
                                     const struct args *a)
{
    (void)env;
    (void)req;
    (void)a;
    return (struct ctl_response){
        .status = 200, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER, .audit = true};
}

/* {"out": "/path"[, "tunnel": "name"]} */
static bool read_keylog(const struct ctl_request *req, char out[256], char tunnel[32])
{
    json_t *o = json_loadb((const char *)req->body.p, req->body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *path = json_string_value(json_object_get(o, "out"));
    const char *name = json_string_value(json_object_get(o, "tunnel"));
    size_t known = 1 + (json_object_get(o, "tunnel") != NULL);
    bool ok = path && path[0] == '/' && strlen(path) < 256 && json_object_size(o) == known &&
              (known == 1 || (name && strlen(name) < 32));
    if (ok) {
        strcpy(out, path);
        strcpy(tunnel, name ? name : "");
    }
    json_decref(o);
    return ok;
}

/* Of kedge probe --agent: joins with the stream of its orders, or reports. */
static struct ctl_response post_agent(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct args *a)
{
    struct ctl_response r;
    (void)env;
    (void)req;
    if (!ctl_agent_name(a->name))
        return ctl_error(400, "letters, digits, '.', '-' and '_'", "\"%.32s\" is no agent's name",
                         a->name);
    r = ctl_respond(200, json_pack("{s:i, s:s}", "version", CTL_VERSION, "agent", a->name));
    r.agent = (enum ctl_agent)a->which;
    r.follow = r.agent == CTL_AGENT_JOIN;
    strcpy(r.agent_name, a->name);
    return r;
}

static struct ctl_response post_keylog(const struct ctl_env *env, const struct ctl_request *req,
                                       const struct args *a)
{
    struct ctl_response r;
    char out[256], name[32];
    uint32_t tunnel = CORE_NO_TUNNEL;
    (void)a;
    if (!env->keylog_allowed)
        return ctl_error(403, "set control: {keylog: true} in kedge.yaml and restart kedged",
                         "the key log is switched off");
    if (!req->root)
        return ctl_error(403, "run it as root", "keys are given to root only");
    if (!read_keylog(req, out, name))
        return ctl_error(400, "the body is {\"out\":\"/absolute/path\"[,\"tunnel\":\"name\"]}",
                         "the body isn't understood");
    if (name[0] && !core_tunnel_find(env->core, name, &tunnel))
        return no_tunnel(env, name);
    r = ctl_respond(200, json_pack("{s:i, s:s}", "version", CTL_VERSION, "keylog", out));
    strcpy(r.keylog, out);
    r.tunnel = tunnel;
    r.type = "application/x-ndjson";
    r.follow = r.status == 200;
    return r;
}

static struct ctl_response post_neighbor(const struct ctl_env *env, const struct ctl_request *req,
                                         const struct args *a)
{
    enum core_command command = (enum core_command)a->which;
    struct bgp_peer_view v;
    uint32_t peer;
    if (!core_peer_find(env->core, a->name, &peer) || !bgp_peer_get(core_bgp(env->core), peer, &v))
        return no_neighbor(env, a->name);
    char words[256] = "";
    if (!read_body(req, &command, words))
        return ctl_error(400,
                         a->which == CORE_CMD_NEIGHBOR_SHUTDOWN
                             ? "the body is empty, {\"what\":\"graceful\"}, or "
                               "{\"message\":\"...\"} of at most 255 octets"
                         : a->which == CORE_CMD_NEIGHBOR_REFRESH
                             ? "the body is empty or {\"what\":\"in\"|\"out\"}"
                             : "the body is empty",
                         "the body isn't understood");
    struct ctl_response r =
        command_answer(env, command, "neighbor", a->name, bgp_state_names[v.state], NULL);
    r.peer = peer;
    strcpy(r.words, words);
    return r;
}

/* ?dry=1&force=1&detach=1&rehearsed=1&file=NAME&loose=WHY */
static struct ctl_response post_drill(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct args *a)
{
    struct ctl_response r = ctl_respond(200, json_object());
    const char *file = query(req, "file"), *loose = query(req, "loose");
    (void)env;
    r.drill.what = a->which;
    if (a->which == CTL_DRILL_ABORT)
        return r;
    snprintf(r.drill.file, sizeof(r.drill.file), "%.100s", file ? file : "drill");
    snprintf(r.drill.loose, sizeof(r.drill.loose), "%.120s", loose ? loose : "");
    if (read_switch(req, "dry", &r.drill.dry) && read_switch(req, "force", &r.drill.force) &&
        read_switch(req, "detach", &r.drill.detach) &&
        read_switch(req, "rehearsed", &r.drill.rehearsed))
        return r;
    ctl_response_done(&r);
    return ctl_error(400, "dry, force, detach and rehearsed are 0 or 1",
                     "the query isn't understood");
}

/* ---- the table ---- */

static const struct route {
    const char *method, *path; /* "*" stands for one name */
    handler *fn;
    int which;
} routes[] = {
    {"GET", "/v1/status", get_status, 0},
    {"GET", "/v1/explain", get_explain, 0},
    {"GET", "/v1/readiness", get_readiness, 0},
    {"GET", "/metrics", get_metrics, 0},
    {"GET", "/v1/bgp/neighbors", get_neighbors, 0},
    {"GET", "/v1/bgp/policies", get_policies, 0},
    {"GET", "/v1/bgp/mrt", get_mrt, false},
    {"GET", "/v1/bgp/mrt/updates", get_mrt, true},
    {"GET", "/v1/routes", get_routes, 0},
    {"GET", "/v1/events", get_events, 0},
    {"GET", "/v1/audit", get_audit, 0},
    {"GET", "/v1/drills", get_drills, CTL_DRILLS_LIST},
    {"GET", "/v1/drills/result", get_drills, CTL_DRILLS_ONE},
    {"GET", "/v1/drills/page", get_drills, CTL_DRILLS_PAGE},
    {"POST", "/v1/tunnels/*/up", post_tunnel, CORE_CMD_UP},
    {"POST", "/v1/tunnels/*/down", post_tunnel, CORE_CMD_DOWN},
    {"POST", "/v1/tunnels/*/rekey", post_tunnel, CORE_CMD_REKEY},
    {"POST", "/v1/tunnels/*/reset", post_tunnel, CORE_CMD_RESET},
    {"POST", "/v1/agents/*", post_agent, CTL_AGENT_JOIN},
    {"POST", "/v1/agents/*/report", post_agent, CTL_AGENT_REPORT},
    {"POST", "/v1/keylog", post_keylog, 0},
    {"POST", "/v1/drills/run", post_drill, CTL_DRILL_RUN},
    {"POST", "/v1/drills/abort", post_drill, CTL_DRILL_ABORT},
    {"POST", "/v1/reload", post_reload, 0},
    {"POST", "/v1/neighbors/*/shutdown", post_neighbor, CORE_CMD_NEIGHBOR_SHUTDOWN},
    {"POST", "/v1/neighbors/*/refresh", post_neighbor, CORE_CMD_NEIGHBOR_REFRESH},
    {"POST", "/v1/neighbors/*/enable", post_neighbor, CORE_CMD_NEIGHBOR_ENABLE},
};

static bool path_match(const char *pattern, const char *path, struct args *a)
{
    size_t head = strcspn(pattern, "*");
    if (strncmp(pattern, path, head) != 0)
        return false;
    if (!pattern[head])
        return !path[head];
    size_t name = strcspn(path + head, "/");
    if (name == 0 || name >= sizeof(a->name) || strcmp(path + head + name, pattern + head + 1) != 0)
        return false;
    memcpy(a->name, path + head, name);
    a->name[name] = '\0';
    return true;
}

struct ctl_response ctl_handle(const struct ctl_env *env, const struct ctl_request *req)
{
    const struct route *other = NULL;
    struct args a;
    for (size_t i = 0; i < KD_ARRAY_LEN(routes); i++) {
        if (!path_match(routes[i].path, req->path, &a))
            continue;
        a.which = routes[i].which;
        if (strcmp(routes[i].method, req->method) == 0)
            return routes[i].fn(env, req, &a);
        other = &routes[i];
    }
    if (!other)
        return ctl_error(404, "the paths are in kedged(8)", "there is no \"%.64s\"", req->path);
    struct ctl_response r = ctl_error(405, other->method[0] == 'G' ? "use GET" : "use POST",
                                      "%.16s isn't possible here", req->method);
    r.allow = other->method;
    return r;
}
