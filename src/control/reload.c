/* The answer to a reload: what was taken over, what waits for a restart; or why nothing was. Of a
 * dry one: what would be, and what that means for each tunnel and neighbor. */
#include "bgp/policy.h"
#include "control/control.h"

#include <string.h>

/* ---- what becomes of one tunnel or neighbor ---- */

struct entry {
    const char *kind, *name;
    char path[128];  /* its keys are this and below, */
    char but[128];   /* but not these; "": all */
    char owner[128]; /* of a tunnel's neighbor: the tunnel, which comes and goes whole */
    const struct bgp_route_map *import, *export;
};

static bool below(const char *key, const char *path)
{
    size_t n = strlen(path);

    return n && strncmp(key, path, n) == 0 && (key[n] == '\0' || key[n] == '.');
}

static bool of_policy(const char *key, const struct bgp_route_map *m)
{
    return m && strncmp(key, "policies.", 9) == 0 && strcmp(key + 9, bgp_route_map_name(m)) == 0;
}

static bool concerns(const struct entry *e, const char *key)
{
    return (below(key, e->path) && !below(key, e->but)) || strcmp(key, e->owner) == 0 ||
           of_policy(key, e->import) || of_policy(key, e->export);
}

static json_t *of_entry(const struct entry *e, const json_t *keys)
{
    json_t *mine = json_array(), *key;
    size_t i;

    json_array_foreach (keys, i, key)
        if (concerns(e, json_string_value(key)))
            json_array_append(mine, key);
    return mine;
}

static void add_entry(json_t *answer, const struct entry *e)
{
    json_t *applied = of_entry(e, json_object_get(answer, "applied"));
    json_t *restart = of_entry(e, json_object_get(answer, "restart"));
    const char *state = json_array_size(restart)   ? "restart"
                        : json_array_size(applied) ? "updated"
                                                   : "unchanged";

    json_array_append_new(json_object_get(answer, "plan"),
                          json_pack("{s:s, s:s, s:o, s:o}", e->kind, e->name, "state", state,
                                    "applied", applied, "restart", restart));
}

/* ---- all of them: those that run, then those that are new ---- */

static bool has_tunnel(const struct core_config *c, const char *name)
{
    for (uint32_t i = 0; c && i < c->n_tunnels; i++)
        if (strcmp(c->tunnels[i].ike.name, name) == 0)
            return true;
    return false;
}

static bool has_neighbor(const struct core_config *c, const char *name)
{
    for (uint32_t i = 0; c && i < c->n_tunnels; i++)
        if (c->tunnels[i].has_neighbor && strcmp(c->tunnels[i].neighbor.bgp.name, name) == 0)
            return true;
    for (uint32_t i = 0; c && i < c->n_neighbors; i++)
        if (strcmp(c->neighbors[i].bgp.name, name) == 0)
            return true;
    return false;
}

static void add_neighbor(json_t *answer, const struct bgp_peer_config *n, struct entry *e)
{
    e->kind = "neighbor";
    e->name = n->name;
    e->import = n->import;
    e->export = n->export;
    add_entry(answer, e);
}

static void add_tunnel(json_t *answer, const struct core_config *but,
                       const struct core_tunnel_config *t)
{
    const char *name = t->ike.name;
    struct entry e = {.kind = "tunnel", .name = name}, n = {.kind = NULL};

    snprintf(e.path, sizeof(e.path), "tunnels.%s", name);
    snprintf(e.but, sizeof(e.but), "tunnels.%s.neighbor", name);
    memcpy(n.path, e.but, sizeof(n.path));
    memcpy(n.owner, e.path, sizeof(n.owner));
    if (!has_tunnel(but, name))
        add_entry(answer, &e);
    if (t->has_neighbor && !has_neighbor(but, t->neighbor.bgp.name))
        add_neighbor(answer, &t->neighbor.bgp, &n);
}

/* Those of c that but doesn't have. */
static void add_all(json_t *answer, const struct core_config *c, const struct core_config *but)
{
    for (uint32_t i = 0; c && i < c->n_tunnels; i++)
        add_tunnel(answer, but, &c->tunnels[i]);
    for (uint32_t i = 0; c && i < c->n_neighbors; i++) {
        struct entry e = {.kind = NULL};
        snprintf(e.path, sizeof(e.path), "neighbors.%s", c->neighbors[i].bgp.name);
        if (!has_neighbor(but, c->neighbors[i].bgp.name))
            add_neighbor(answer, &c->neighbors[i].bgp, &e);
    }
}

/* ---- the answer ---- */

static json_t *refusal(const struct ctl_reload *r)
{
    return json_pack("{s:i, s:s, s:s, s:o}", "version", CTL_VERSION, "error",
                     r->dry ? "the configuration isn't good; a reload would change nothing"
                            : "the configuration isn't good; nothing has changed",
                     "remedy", "mend it (kedge check judges it too) and reload again", "errors",
                     ctl_lines(r->errors));
}

static json_t *changes(const struct ctl_reload *r)
{
    json_t *o =
        json_pack("{s:i, s:o, s:o, s:o}", "version", CTL_VERSION, "applied", ctl_lines(r->applied),
                  "restart", ctl_lines(r->restart), "warnings", ctl_lines(r->warnings));

    if (!o || !r->dry)
        return o;
    json_object_set_new(o, "plan", json_array());
    add_all(o, r->now, NULL);
    add_all(o, r->next, r->now);
    return o;
}

struct ctl_response ctl_reloaded(const struct ctl_reload *r)
{
    json_t *o = r->errors.len ? refusal(r) : changes(r);

    if (o && r->dry)
        json_object_set_new(o, "dry", json_true());
    return ctl_respond(r->errors.len ? 409 : 200, o);
}
