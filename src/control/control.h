/* The control interface as values: requests in, JSON out, commands for the core named but not run.
 * No sockets: src/io/http.c carries it. The formats carry "version":1 and only ever grow.
 *
 *   GET  /v1/status[?tunnel=N]            GET  /v1/bgp/neighbors[?neighbor=N][&azure=1]
 *   GET  /v1/routes?view=V&neighbor=N&prefix=P[&azure=1]   GET  /v1/events?since=SEQ[&follow=1]
 *                                              [&event=NAME,...]
 *   GET  /v1/explain[?tunnel=N]                  POST /v1/keylog
 *   GET  /v1/bgp/policies[?policy=N]             GET  /v1/readiness[?tunnel=N], /metrics
 *   GET  /v1/drills, /v1/drills/result[?drill=ID|NAME], /v1/drills/page[?drill=ID|NAME] (HTML)
 *   GET  /v1/bgp/mrt, /v1/bgp/mrt/updates        (MRT, no JSON; the messages as they come)
 *   POST /v1/reload[?dry=1]                      GET  /v1/audit
 *   POST /v1/agents/N, /v1/agents/N/report
 *   POST /v1/drills/run[?dry=1][&force=1][&detach=1][&file=NAME]   POST /v1/drills/abort
 *   POST /v1/tunnels/N/up|down|rekey|reset       POST /v1/neighbors/N/shutdown|refresh|enable */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "control/ring.h"
#include "core/audit.h"
#include "core/core.h"
#include "drill/history.h"
#include "ready/ready.h"

#include <jansson.h>
#include <stdio.h>

#define CTL_VERSION 1 /* of the formats */
#define CTL_DUMP    (JSON_COMPACT | JSON_REAL_PRECISION(15)) /* how they are written */

/* ---- requests ---- */

struct ctl_counters {
    uint64_t bytes_in, bytes_out, packets_in, packets_out;
    uint64_t dropped_replay, dropped_auth, dropped_ts;
};

struct ctl_env {
    const struct core *core;
    const struct ctl_ring *ring;
    const struct ready *ready; /* NULL: nothing is judged */
    const char *version; /* of the daemon */
    uint64_t now_us, start_us; /* CLOCK_MONOTONIC */
    uint32_t wall_s;           /* UTC seconds since 1970, now */
    /* The data plane's counters of a child; false when it has none. May be NULL. */
    bool (*count)(void *arg, struct kd_handle child, struct ctl_counters *c);
    bool keylog_allowed;     /* control.keylog */
    const char *keylog_path; /* where keys are being written; NULL: nowhere */
    const struct drill_history *drills;
    /* The whole result of one of the history; false with a sentence in why. */
    bool (*drill_read)(void *arg, const char *id, struct drill_result *r, char *why, size_t cap);
    void *arg;
};

struct ctl_request {
    const char *method, *path;
    const char *(*query)(void *arg, const char *key); /* NULL when absent */
    void *query_arg;
    struct kd_bytes body;
    bool root; /* the client's user is root */
};

/* What of a drill is asked for; its file is the request's body. */
struct ctl_drill_request {
    enum { CTL_DRILL_NONE, CTL_DRILL_RUN, CTL_DRILL_ABORT } what;
    bool dry, force, detach, rehearsed;
    char file[128]; /* as messages call it */
    char loose[128]; /* who but root could have changed it: its commands aren't run; "": nobody */
};

struct ctl_response {
    int status;        /* HTTP */
    const char *type;  /* content type */
    const char *allow; /* 405: the method that would do; else NULL */
    char *body;        /* malloc'ed; freed by ctl_response_done() */
    size_t len;
    struct ctl_rows *rows; /* in place of a body, as the client reads (rows.h); freed likewise */
    bool follow; /* keep the connection: what follows is its stream's, and begins with body */
    bool events; /* what follows are the ring's, in place of a body; without follow up to now */
    struct ctl_cursor cursor;
    /* The caller starts a key log to this path and stops it with the connection, whose stream this
     * answer is to begin (then with the shell's number for it). */
    char keylog[256];
    enum ctl_agent { CTL_AGENT_NONE, CTL_AGENT_JOIN, CTL_AGENT_REPORT } agent; /* the caller's: */
    char agent_name[32]; /* its stream of orders begins; or the body is its report */
    /* The caller reads the configuration again, or only judges what that would do, and answers with
     * ctl_reloaded(). */
    enum ctl_reload_what { CTL_RELOAD_NONE, CTL_RELOAD, CTL_RELOAD_DRY } reload;
    bool audit;      /* the caller looks, and answers with ctl_audited() */
    uint64_t later;  /* the answer comes later, under this number of the shell's; 0: this is it */
    struct ctl_drill_request drill; /* the caller does it, and answers */
    bool mrt;        /* likewise, of BGP's messages as MRT */
    uint64_t stream; /* 0: none of its own */
    bool has_command; /* the caller gives it to the core; the answer doesn't wait for its effect */
    enum core_command command;
    char words[256]; /* NEIGHBOR_SHUTDOWN: the command's data; "" for none */
    uint32_t tunnel, peer;
};

/* Never fails: what is wrong is a 4xx with {"version","error","remedy"}. */
struct ctl_response ctl_handle(const struct ctl_env *env, const struct ctl_request *req);
void ctl_response_done(struct ctl_response *r);
/* An error answer, also for the shell's own (413, 503). */
struct ctl_response ctl_error(int status, const char *remedy, const char *fmt, ...) KD_PRINTF(3, 4);

/* What a reload came to (reload.c), dry: would come to, and then what becomes of each tunnel and
 * neighbor of now and next; lines, each with its end. errors: of a refusal, else none. */
struct ctl_reload {
    bool dry;
    const struct core_config *now, *next; /* for dry; borrowed */
    struct kd_bytes errors, warnings, applied, restart;
};
struct ctl_response ctl_reloaded(const struct ctl_reload *r);
/* What an audit found (audit.c). */
struct ctl_response ctl_audited(const struct core *c, const struct core_audit *a);
/* obj (taken; NULL: out of memory) as an answer. */
struct ctl_response ctl_respond(int status, json_t *obj);

/* ---- views: status.c, bgp.c, azure.c; new references, NULL when out of memory ---- */

/* Which routes. within: NULL for every prefix; a prefix with itself and what lies inside. holding:
 * NULL, or only the prefixes that hold the address. peer: CORE_NO_PEER for all (not for
 * ADVERTISED). */
struct ctl_routes_query {
    enum bgp_rib_view view;
    uint32_t peer;
    const struct kd_prefix *within;
    const struct kd_addr *holding;
};
bool ctl_route_wanted(const struct ctl_routes_query *q, const struct kd_prefix *p);

/* tunnel: CORE_NO_TUNNEL for all. */
json_t *ctl_status(const struct ctl_env *env, uint32_t tunnel) KD_MUST_USE;
/* tunnel: CORE_NO_TUNNEL for all backups. "verdict": the worst; null where there is none. */
json_t *ctl_readiness(const struct ctl_env *env, uint32_t tunnel) KD_MUST_USE;
void ctl_readiness_metrics(const struct ctl_env *env, FILE *to); /* Prometheus' text */
struct ctl_response ctl_metrics(const struct ctl_env *env);      /* all of it: metrics.c */
/* Every health probe: health.c. */
json_t *ctl_health(const struct ctl_env *env) KD_MUST_USE;
/* What health makes of a neighbor; null: nothing. */
json_t *ctl_steering(const struct ctl_env *env, uint32_t peer) KD_MUST_USE;
/* peer: CORE_NO_PEER for all. */
json_t *ctl_neighbors(const struct ctl_env *env, uint32_t peer) KD_MUST_USE;
json_t *ctl_azure_neighbors(const struct ctl_env *env) KD_MUST_USE;
/* only: NULL for all; an empty list where there is none of the name. */
json_t *ctl_policies(const struct ctl_env *env, const char *only) KD_MUST_USE;
/* The tunnel's last refusal, explained; "refused":null when there was none. */
json_t *ctl_explain(const struct ctl_env *env, uint32_t tunnel) KD_MUST_USE;
/* Those who matched no tunnel, the newest first. */
json_t *ctl_strangers(const struct ctl_env *env) KD_MUST_USE;
/* A route of that view; all of them in parts: rows.h. */
json_t *ctl_route(const struct ctl_env *env, enum bgp_rib_view view,
                  const struct bgp_route_view *r) KD_MUST_USE;
json_t *ctl_local(const struct ctl_env *env) KD_MUST_USE; /* our own AS and id */
/* LEARNED or ADVERTISED. */
json_t *ctl_azure_routes(const struct ctl_env *env, const struct ctl_routes_query *q) KD_MUST_USE;

/* ---- JSON values: json.c ---- */

/* A string from text that may not be UTF-8 (then its foreign bytes become '?'). */
json_t *ctl_text(struct kd_bytes b);
json_t *ctl_addr(const struct kd_addr *a); /* null for none */
json_t *ctl_prefix(const struct kd_prefix *p);
json_t *ctl_spi(uint32_t spi);
/* Seconds with milliseconds; null for KD_NEVER. */
json_t *ctl_seconds(uint64_t us);
/* Seconds from now; null for KD_NEVER. */
json_t *ctl_until(const struct ctl_env *env, uint64_t us);
/* "a, b" as ["a", "b"]. */
json_t *ctl_list(struct kd_bytes b);
/* "a\nb\n" as ["a", "b"]. */
json_t *ctl_lines(struct kd_bytes b);
/* obj may be NULL (out of memory): NULL then. Takes obj. */
char *ctl_dump(json_t *obj, size_t *len);

#endif
