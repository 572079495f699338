/* What a request is answered by: get.c and post.c; router.c has the table that names them. */
#ifndef CONTROL_HANDLERS_H
#define CONTROL_HANDLERS_H

#include "control/control.h"

#define CTL_JSON_TYPE "application/json"

/* What stands in the path's "*" and which of a handler's rows it is. */
struct ctl_args {
    char name[32];
    int which;
};

typedef struct ctl_response ctl_handler(const struct ctl_env *env, const struct ctl_request *req,
                                        const struct ctl_args *a);

ctl_handler ctl_get_status, ctl_get_readiness, ctl_get_metrics, ctl_get_explain, ctl_get_neighbors,
    ctl_get_routes, ctl_get_policies, ctl_get_mrt, ctl_get_drills, ctl_get_events, ctl_get_audit,
    ctl_post_tunnel, ctl_post_reload, ctl_post_agent, ctl_post_keylog, ctl_post_neighbor,
    ctl_post_drill;

const char *ctl_query(const struct ctl_request *req, const char *key); /* NULL: isn't there */
/* key=0 or key=1; left out is 0. False: it is neither. */
bool ctl_read_switch(const struct ctl_request *req, const char *key, bool *on);
/* "there are: a, b, ..." cut at what fits. */
void ctl_append_name(char *buf, size_t cap, const char *name);
/* 404, with the names that there are. */
struct ctl_response ctl_no_tunnel(const struct ctl_env *env, const char *name);
struct ctl_response ctl_no_neighbor(const struct ctl_env *env, const char *name);

#endif
