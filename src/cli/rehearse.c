/* kedge drill rehearse: the configuration's file, and what the daemon shows of tunnels, neighbors
 * and routes, on the engines in virtual time (practice/rehearse.h). Nothing real is touched. */
#include "cli/drill.h"
#include "cli/load.h"
#include "practice/rehearse.h"

#include <stdlib.h>
#include <string.h>

#define SEED 1 /* the same drill, file and state: the same rehearsal */

static const char *const not_shown =
    "not shown: losses by the medium, the network and the policies behind the peers, health probes";

/* ---- what the daemon shows ---- */

struct snapshot {
    const char *config;           /* its file, for messages */
    struct core_config cfg;
    bool tunnel[CORE_TUNNELS_MAX];
    bool neighbor[CORE_TUNNELS_MAX + CORE_NEIGHBORS_MAX];
    uint32_t n, cap;
    struct rehearse_route *route;
    bool ok;
};

/* The daemon has something that the file has not. */
static void differs(struct snapshot *s, const char *what, const char *name)
{
    if (s->ok)
        fprintf(stderr,
                "kedge: kedged has a %s \"%s\", %s has none: name its file with --config, or kedge "
                "reload\n",
                what, name, s->config);
    s->ok = false;
}

static uint32_t tunnel_named(const struct snapshot *s, const char *name)
{
    uint32_t i = 0;
    while (i < s->cfg.n_tunnels && strcmp(s->cfg.tunnels[i].ike.name, name) != 0)
        i++;
    return i;
}

/* Its place: tunnels' neighbors first, then those beside; UINT32_MAX: none. */
static uint32_t neighbor_named(const struct snapshot *s, const char *name)
{
    const struct core_config *c = &s->cfg;
    for (uint32_t i = 0; i < c->n_tunnels; i++)
        if (c->tunnels[i].has_neighbor && strcmp(c->tunnels[i].neighbor.bgp.name, name) == 0)
            return i;
    for (uint32_t i = 0; i < c->n_neighbors; i++)
        if (strcmp(c->neighbors[i].bgp.name, name) == 0)
            return c->n_tunnels + i;
    return UINT32_MAX;
}

static void take_tunnel(struct snapshot *s, const json_t *o)
{
    static const char *const carrying[] = {"up", "unproven", "failing"};
    uint32_t i = tunnel_named(s, cli_str(o, "name"));
    if (i == s->cfg.n_tunnels) {
        differs(s, "tunnel", cli_str(o, "name"));
        return;
    }
    for (size_t k = 0; k < KD_ARRAY_LEN(carrying); k++)
        s->tunnel[i] |= strcmp(cli_str(o, "state"), carrying[k]) == 0;
}

static void take_neighbor(struct snapshot *s, const json_t *o)
{
    uint32_t i = neighbor_named(s, cli_str(o, "name"));
    if (i == UINT32_MAX)
        differs(s, "neighbor", cli_str(o, "name"));
    else
        s->neighbor[i] = strcmp(cli_str(o, "state"), "Established") == 0;
}

static struct rehearse_route *room(struct snapshot *s)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 256;
        s->route = realloc(s->route, s->cap * sizeof(*s->route));
        kd_assert(s->route);
    }
    return &s->route[s->n++];
}

static void take_route(struct snapshot *s, const json_t *o)
{
    const json_t *path = json_object_get(o, "as_path"), *med = json_object_get(o, "med");
    uint32_t i = neighbor_named(s, cli_str(o, "neighbor"));
    struct rehearse_route r = {.local_pref = (uint32_t)cli_num(o, "local_pref"),
                               .has_med = json_is_integer(med),
                               .med = (uint32_t)json_integer_value(med),
                               .n_as = (uint16_t)json_array_size(path),
                               .first_as = (uint32_t)json_integer_value(json_array_get(path, 0))};
    if (i == UINT32_MAX || !json_is_true(json_object_get(o, "accepted")) ||
        !kd_prefix_parse(cli_str(o, "prefix"), true, &r.prefix))
        return;
    r.peer = i < s->cfg.n_tunnels ? i : CORE_PEER_BESIDE(i - s->cfg.n_tunnels);
    *room(s) = r;
}

/* Each row of a list that the daemon answers with. */
static enum cli_exit each(const struct cli *c, const char *path, const char *list,
                          void (*take)(struct snapshot *, const json_t *), struct snapshot *s)
{
    json_t *o, *row;
    size_t i;
    enum cli_exit e = cli_ask(c, "GET", path, NULL, &o);
    if (e != CLI_OK)
        return e;
    json_array_foreach (json_object_get(o, list), i, row)
        take(s, row);
    json_decref(o);
    return s->ok ? CLI_OK : CLI_FAILED;
}

static enum cli_exit look(const struct cli *c, struct snapshot *s)
{
    enum cli_exit e = each(c, "/v1/status", "tunnels", take_tunnel, s);
    if (e == CLI_OK)
        e = each(c, "/v1/bgp/neighbors", "neighbors", take_neighbor, s);
    if (e == CLI_OK)
        e = each(c, "/v1/routes?view=learned", "routes", take_route, s);
    return e;
}

/* ---- the rehearsal ---- */

static void on_news(void *arg, uint64_t after_us, const struct drill_run_act *a)
{
    const struct drill_plan *p = arg;
    char say[DRILL_SAY_MAX] = "";
    if (a->step != DRILL_NO_STEP)
        a->what == DRILL_TELL_UNDONE ? drill_undo_say(&p->step[a->step], say)
                                     : drill_step_say(&p->step[a->step], say);
    printf("%9.3f s  ", (double)after_us / 1e6);
    if (a->step == DRILL_NO_STEP)
        printf("   %-8s", drill_tell_names[a->what]);
    else
        printf("%2u %-8s", a->step + 1, drill_tell_names[a->what]);
    printf(" %s%s%s\n", say, a->text[0] ? ": " : "", a->text);
}

static void print_end(const struct cli *c, const struct drill_plan *p, const struct snapshot *s,
                      const struct rehearse_end *end)
{
    json_t *o;
    if (!c->json) {
        printf("rehearsal of %s in the simulator: %s%s%s, %.1f s of its time, %u routes\n", p->name,
               end->passed ? "passed" : "failed", end->passed ? "" : ": ", end->why,
               (double)end->took_us / 1e6, s->n - end->n_left_out);
        if (end->n_left_out)
            printf("left out: %u routes of the other address family than their session\n",
                   end->n_left_out);
        if (end->n_alike)
            printf("%u routes were given the attributes of others: too many kinds\n", end->n_alike);
        puts(not_shown);
        return;
    }
    o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:f, s:i, s:i, s:i}", "version", 1, "event",
                  "rehearsal", "drill", p->name, "verdict", end->passed ? "passed" : "failed",
                  "reason", end->why, "step",
                  end->step == DRILL_NO_STEP ? json_null() : json_integer(end->step + 1), "took_s",
                  (double)end->took_us / 1e6, "routes", (int)s->n, "left_out",
                  (int)end->n_left_out, "alike", (int)end->n_alike);
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(o);
}

static enum cli_exit run(const struct cli *c, const struct snapshot *s, struct rehearsal *r,
                         const char *file, const char *text)
{
    static struct config_errors errs;
    static struct drill_plan plan;
    struct practice_world w;
    struct rehearse_end end;
    bool good = practice_world(rehearsal_core(r), &w) &&
                config_drill_parse(kd_bytes_str(text), file, &w.w, &plan, &errs);
    practice_world_free(&w);
    for (uint32_t i = 0; good && i < plan.n; i++)
        if (plan.step[i].kind == DRILL_STEP_EXEC) {
            fprintf(stderr,
                    "kedge: %s:%u: what a program does isn't in the simulator: a drill with exec "
                    "can't be rehearsed\n",
                    file, plan.step[i].line);
            return CLI_FAILED;
        }
    cli_load_errors(&errs, false);
    if (!good)
        return CLI_FAILED;
    rehearsal_run(r, &plan, c->json ? NULL : on_news, &plan, &end);
    print_end(c, &plan, s, &end);
    fflush(stdout);
    if (!end.passed)
        fprintf(stderr, "kedge: the rehearsal failed: %s\n", end.why);
    return end.passed ? CLI_OK : CLI_FAILED;
}

static enum cli_exit stand(const struct cli *c, struct snapshot *s, const char *file,
                           const char *text)
{
    const struct rehearse_now now = {s->tunnel, s->neighbor, s->n, s->route};
    char why[256] = "";
    struct rehearsal *r = rehearsal_new(&s->cfg, &now, SEED, why, sizeof(why));
    enum cli_exit e = CLI_FAILED;
    if (r)
        e = run(c, s, r, file, text);
    else
        fprintf(stderr, "kedge: the rehearsal can't begin: %s\n", why);
    rehearsal_free(r);
    return e;
}

enum cli_exit cli_rehearse(const struct cli *c, const char *file, const char *text)
{
    static struct config_errors errs;
    static struct snapshot s;
    enum cli_exit e;
    s = (struct snapshot){.config = c->config, .ok = true};
    e = cli_load(c->config, NULL, &s.cfg, &errs);
    if (e != CLI_OK) {
        cli_load_errors(&errs, false);
        fputs("kedge: a rehearsal reads the configuration that kedged runs; --config FILE names "
              "another\n", stderr);
        return CLI_FAILED;
    }
    e = look(c, &s);
    if (e == CLI_OK)
        e = stand(c, &s, file, text);
    else
        core_config_free(&s.cfg);
    free(s.route);
    return e;
}
