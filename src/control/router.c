/* Requests: a table of routes, each with its method and handler. Every refusal says what would do.
 */
#include "control/drills.h"
#include "control/handlers.h"
#include "control/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct ctl_response ctl_respond(int status, json_t *obj)
{
    struct ctl_response r = {
        .status = status, .type = CTL_JSON_TYPE, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
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

const char *ctl_query(const struct ctl_request *req, const char *key)
{
    return req->query ? req->query(req->query_arg, key) : NULL;
}

void ctl_append_name(char *buf, size_t cap, const char *name)
{
    size_t n = strlen(buf);
    snprintf(buf + n, cap - n, "%s%s", n ? ", " : "there are: ", name);
}

struct ctl_response ctl_no_tunnel(const struct ctl_env *env, const char *name)
{
    char names[256] = "";
    struct core_tunnel_view v;
    for (uint32_t i = 0; i < core_tunnels(env->core) && strlen(names) < 200; i++)
        if (core_tunnel_get(env->core, i, &v))
            ctl_append_name(names, sizeof(names), v.config->ike.name);
    return ctl_error(404, names[0] ? names : "none is configured", "there is no tunnel \"%.32s\"",
                     name);
}

struct ctl_response ctl_no_neighbor(const struct ctl_env *env, const char *name)
{
    char names[256] = "";
    uint32_t peer = UINT32_MAX;
    while (strlen(names) < 200 && core_peer_next(env->core, &peer))
        ctl_append_name(names, sizeof(names), core_peer_config(env->core, peer)->name);
    return ctl_error(404, names[0] ? names : "none is configured", "there is no neighbor \"%.48s\"",
                     name);
}

bool ctl_read_switch(const struct ctl_request *req, const char *key, bool *on)
{
    const char *v = ctl_query(req, key);
    *on = v && strcmp(v, "1") == 0;
    return !v || *on || strcmp(v, "0") == 0;
}

/* ---- the table ---- */

static const struct route {
    const char *method, *path; /* "*" stands for one name */
    ctl_handler *fn;
    int which;
} routes[] = {
    {"GET", "/v1/status", ctl_get_status, 0},
    {"GET", "/v1/explain", ctl_get_explain, 0},
    {"GET", "/v1/readiness", ctl_get_readiness, 0},
    {"GET", "/metrics", ctl_get_metrics, 0},
    {"GET", "/v1/bgp/neighbors", ctl_get_neighbors, 0},
    {"GET", "/v1/bgp/policies", ctl_get_policies, 0},
    {"GET", "/v1/bgp/mrt", ctl_get_mrt, false},
    {"GET", "/v1/bgp/mrt/updates", ctl_get_mrt, true},
    {"GET", "/v1/routes", ctl_get_routes, 0},
    {"GET", "/v1/events", ctl_get_events, 0},
    {"GET", "/v1/audit", ctl_get_audit, 0},
    {"GET", "/v1/drills", ctl_get_drills, CTL_DRILLS_LIST},
    {"GET", "/v1/drills/result", ctl_get_drills, CTL_DRILLS_ONE},
    {"GET", "/v1/drills/page", ctl_get_drills, CTL_DRILLS_PAGE},
    {"POST", "/v1/tunnels/*/up", ctl_post_tunnel, CORE_CMD_UP},
    {"POST", "/v1/tunnels/*/down", ctl_post_tunnel, CORE_CMD_DOWN},
    {"POST", "/v1/tunnels/*/rekey", ctl_post_tunnel, CORE_CMD_REKEY},
    {"POST", "/v1/tunnels/*/reset", ctl_post_tunnel, CORE_CMD_RESET},
    {"POST", "/v1/agents/*", ctl_post_agent, CTL_AGENT_JOIN},
    {"POST", "/v1/agents/*/report", ctl_post_agent, CTL_AGENT_REPORT},
    {"POST", "/v1/keylog", ctl_post_keylog, 0},
    {"POST", "/v1/drills/run", ctl_post_drill, CTL_DRILL_RUN},
    {"POST", "/v1/drills/abort", ctl_post_drill, CTL_DRILL_ABORT},
    {"POST", "/v1/reload", ctl_post_reload, 0},
    {"POST", "/v1/neighbors/*/shutdown", ctl_post_neighbor, CORE_CMD_NEIGHBOR_SHUTDOWN},
    {"POST", "/v1/neighbors/*/refresh", ctl_post_neighbor, CORE_CMD_NEIGHBOR_REFRESH},
    {"POST", "/v1/neighbors/*/enable", ctl_post_neighbor, CORE_CMD_NEIGHBOR_ENABLE},
};

static bool path_match(const char *pattern, const char *path, struct ctl_args *a)
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
    struct ctl_args a;
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
