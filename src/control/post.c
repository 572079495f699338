/* What is wanted: each becomes a command for the core, or something for the shell to do, named in
 * the response. */
#include "control/agent.h"
#include "control/handlers.h"

#include <stdio.h>
#include <stdlib.h>

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

struct ctl_response ctl_post_tunnel(const struct ctl_env *env, const struct ctl_request *req,
                                    const struct ctl_args *a)
{
    enum core_command command = (enum core_command)a->which;
    struct core_tunnel_view v;
    uint32_t tunnel;
    if (!core_tunnel_find(env->core, a->name, &tunnel) || !core_tunnel_get(env->core, tunnel, &v))
        return ctl_no_tunnel(env, a->name);
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

struct ctl_response ctl_post_reload(const struct ctl_env *env, const struct ctl_request *req,
                                    const struct ctl_args *a)
{
    struct ctl_response r = {.status = 200, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
    bool dry;
    (void)env;
    (void)a;
    if (req->body.len)
        return ctl_error(400, "the body is empty", "the body isn't understood");
    if (!ctl_read_switch(req, "dry", &dry))
        return ctl_error(400, "dry is 0 or 1", "dry is neither 0 nor 1");
    r.reload = dry ? CTL_RELOAD_DRY : CTL_RELOAD;
    return r;
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
struct ctl_response ctl_post_agent(const struct ctl_env *env, const struct ctl_request *req,
                                   const struct ctl_args *a)
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

struct ctl_response ctl_post_keylog(const struct ctl_env *env, const struct ctl_request *req,
                                    const struct ctl_args *a)
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
        return ctl_no_tunnel(env, name);
    r = ctl_respond(200, json_pack("{s:i, s:s}", "version", CTL_VERSION, "keylog", out));
    strcpy(r.keylog, out);
    r.tunnel = tunnel;
    r.type = "application/x-ndjson";
    r.follow = r.status == 200;
    return r;
}

struct ctl_response ctl_post_neighbor(const struct ctl_env *env, const struct ctl_request *req,
                                      const struct ctl_args *a)
{
    enum core_command command = (enum core_command)a->which;
    struct bgp_peer_view v;
    uint32_t peer;
    if (!core_peer_find(env->core, a->name, &peer) || !bgp_peer_get(core_bgp(env->core), peer, &v))
        return ctl_no_neighbor(env, a->name);
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
struct ctl_response ctl_post_drill(const struct ctl_env *env, const struct ctl_request *req,
                                   const struct ctl_args *a)
{
    struct ctl_response r = ctl_respond(200, json_object());
    const char *file = ctl_query(req, "file"), *loose = ctl_query(req, "loose");
    (void)env;
    r.drill.what = a->which;
    if (a->which == CTL_DRILL_ABORT)
        return r;
    snprintf(r.drill.file, sizeof(r.drill.file), "%.100s", file ? file : "drill");
    snprintf(r.drill.loose, sizeof(r.drill.loose), "%.120s", loose ? loose : "");
    if (ctl_read_switch(req, "dry", &r.drill.dry) &&
        ctl_read_switch(req, "force", &r.drill.force) &&
        ctl_read_switch(req, "detach", &r.drill.detach) &&
        ctl_read_switch(req, "rehearsed", &r.drill.rehearsed))
        return r;
    ctl_response_done(&r);
    return ctl_error(400, "dry, force, detach and rehearsed are 0 or 1",
                     "the query isn't understood");
}
