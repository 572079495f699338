/* kedge drill list, show and report: drills that were. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* ---- list ---- */

static void ms_cell(struct cli_table *t, const json_t *o, const char *key)
{
    if (json_is_number(json_object_get(o, key)))
        cli_cell(t, "%.1f ms", cli_num(o, key));
    else
        cli_cell(t, "-");
}

static void print_drills(const json_t *list)
{
    struct cli_table *t = cli_table_new("DRILL >RUNS >PASSED >OUTAGE_P50 >P95 >WORST >AGE LAST");
    char age[CLI_TEXT_MAX];
    size_t i;
    json_t *v;
    json_array_foreach (list, i, v) {
        cli_cell(t, "%s", cli_str(v, "drill"));
        cli_cell(t, "%.0f", cli_num(v, "runs"));
        cli_cell(t, "%.0f", cli_num(v, "passed"));
        ms_cell(t, v, "outage_p50_ms");
        ms_cell(t, v, "outage_p95_ms");
        ms_cell(t, v, "outage_max_ms");
        cli_cell(t, "%s", cli_age(cli_num(v, "age_s"), age));
        cli_cell(t, "%s", cli_str(v, "verdict"));
    }
    cli_table_print(t, stdout);
}

static void print_runs(const json_t *list)
{
    struct cli_table *t = cli_table_new("ID DRILL >TOOK VERDICT >OUTAGE >LOST REASON");
    size_t i;
    json_t *v;
    json_array_foreach (list, i, v) {
        cli_cell(t, "%s", cli_str(v, "id"));
        cli_cell(t, "%s", cli_str(v, "drill"));
        cli_cell(t, "%.1f s", cli_num(v, "length_s"));
        cli_cell(t, "%s", cli_str(v, "verdict"));
        ms_cell(t, v, "outage_ms");
        if (json_is_integer(json_object_get(v, "lost")))
            cli_cell(t, "%.0f", cli_num(v, "lost"));
        else
            cli_cell(t, "-");
        cli_cell(t, "%s", cli_str(v, "reason"));
    }
    cli_table_print(t, stdout);
}

static void print_damaged(const json_t *o)
{
    size_t i;
    json_t *v;
    json_array_foreach (json_object_get(o, "damaged_files"), i, v)
        fprintf(stderr, "kedge: a drill's file can't be read and is left as it is: %s\n",
                json_string_value(v));
}

enum cli_exit cli_drill_list(const struct cli *c)
{
    json_t *o;
    enum cli_exit e = cli_ask(c, "GET", "/v1/drills", NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json) {
        cli_print_json(o);
    } else if (json_array_size(json_object_get(o, "runs")) == 0) {
        puts("no drill has been run yet");
        print_damaged(o);
    } else {
        print_drills(json_object_get(o, "drills"));
        putchar('\n');
        print_runs(json_object_get(o, "runs"));
        print_damaged(o);
    }
    json_decref(o);
    return CLI_OK;
}

/* ---- show ---- */

static const char *path_name(const json_t *o, const char *key)
{
    const json_t *i = json_object_get(o, key);
    const json_t *p = json_array_get(json_object_get(o, "paths"), (size_t)json_integer_value(i));
    return json_is_integer(i) ? cli_str(p, "name") : "?";
}

static void print_loss(const json_t *o)
{
    const json_t *l = json_object_get(o, "loss");
    if (cli_num(l, "sent") == 0)
        return;
    printf("outage %.1f ms (%.0f in all), lost %.0f of %.0f packets",
           cli_num(l, "longest_us") / 1e3, cli_num(l, "outages"), cli_num(l, "lost"),
           cli_num(l, "sent"));
    if (json_is_true(json_object_get(l, "counted")))
        printf(": %.0f on the way out, %.0f on the way back", cli_num(l, "lost_out"),
               cli_num(l, "lost_back"));
    putchar('\n');
}

static void print_head(const json_t *o)
{
    printf("drill %s (%s): %s\n", cli_str(o, "drill"), cli_str(o, "id"), cli_str(o, "verdict"));
    if (strcmp(cli_str(o, "reason"), "-") != 0)
        printf("%s\n", cli_str(o, "reason"));
    printf("took %.1f s%s%s\n", cli_num(o, "length_us") / 1e6,
           json_is_true(json_object_get(o, "forced")) ? ", forced" : "",
           json_is_true(json_object_get(o, "rehearsed")) ? ", rehearsed" : "");
    print_loss(o);
    if (json_array_size(json_object_get(o, "paths")))
        printf("path %s -> %s -> %s\n", path_name(o, "before"), path_name(o, "during"),
               path_name(o, "after"));
}

static void seconds_cell(struct cli_table *t, const json_t *o, const char *key)
{
    if (json_is_integer(json_object_get(o, key)))
        cli_cell(t, "%.4f s", cli_num(o, key) / 1e6);
    else
        cli_cell(t, "-");
}

static void print_timeline(const json_t *marks)
{
    struct cli_table *t;
    size_t i;
    json_t *v;
    if (!json_array_size(marks))
        return;
    t = cli_table_new(">AT MOMENT OF SOURCE >PRECISION");
    json_array_foreach (marks, i, v) {
        seconds_cell(t, v, "at_us");
        cli_cell(t, "%s", cli_str(v, "kind"));
        cli_cell(t, "%s", cli_str(v, "what"));
        cli_cell(t, "%s", cli_str(v, "source"));
        if (cli_num(v, "precision_us") > 0)
            cli_cell(t, "+-%.1f ms", cli_num(v, "precision_us") / 1e3);
        else
            cli_cell(t, "exact");
    }
    putchar('\n');
    cli_table_print(t, stdout);
}

/* Where packets were seen to go, or our best route led. */
static void seen_cell(struct cli_table *t, const json_t *path)
{
    char text[512] = "";
    size_t i, at = 0;
    json_t *v, *hops = json_object_get(path, "hops");
    json_array_foreach (hops, i, v)
        if (at < sizeof(text))
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "",
                                   json_is_string(v) ? json_string_value(v) : "*");
    cli_cell(t, "%s", at ? text : cli_str(path, "text"));
}

static void print_paths(const json_t *paths)
{
    struct cli_table *t;
    size_t i;
    json_t *v;
    if (!json_array_size(paths))
        return;
    t = cli_table_new(">AT PATH SOURCE SEEN");
    json_array_foreach (paths, i, v) {
        seconds_cell(t, v, "at_us");
        cli_cell(t, "%s", cli_str(v, "name"));
        cli_cell(t, "%s", cli_str(v, "source"));
        seen_cell(t, v);
    }
    putchar('\n');
    cli_table_print(t, stdout);
}

static void print_steps(const json_t *steps)
{
    struct cli_table *t;
    size_t i;
    json_t *v;
    if (!json_array_size(steps))
        return;
    t = cli_table_new(">AT >UNTIL OUTCOME STEP");
    json_array_foreach (steps, i, v) {
        const char *detail = cli_str(v, "detail");
        bool said = strcmp(detail, "-") != 0;
        seconds_cell(t, v, "start_us");
        seconds_cell(t, v, "end_us");
        cli_cell(t, "%s", cli_str(v, "outcome"));
        cli_cell(t, "%s%s%s%s", json_is_true(json_object_get(v, "undo")) ? "undo: " : "",
                 cli_str(v, "text"), said ? ": " : "", said ? detail : "");
    }
    putchar('\n');
    cli_table_print(t, stdout);
}

enum cli_exit cli_drill_show(const struct cli *c)
{
    char path[1024] = "/v1/drills/result";
    json_t *o;
    cli_query(path, sizeof(path), "drill", c->argc ? c->argv[0] : NULL);
    enum cli_exit e = cli_ask(c, "GET", path, NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json) {
        cli_print_json(o);
    } else {
        print_head(o);
        print_timeline(json_object_get(o, "marks"));
        print_paths(json_object_get(o, "paths"));
        print_steps(json_object_get(o, "steps"));
    }
    json_decref(o);
    return CLI_OK;
}

/* ---- report ---- */

/* Without --out, beside us and by the drill's id, which is no one's text. */
static enum cli_exit own_name(const struct cli *c, const char *result, char out[96])
{
    json_t *o;
    enum cli_exit e = cli_ask(c, "GET", result, NULL, &o);
    if (e == CLI_OK)
        snprintf(out, 96, "drill-%s.html", cli_str(o, "id"));
    json_decref(o);
    return e;
}

enum cli_exit cli_drill_report(const struct cli *c)
{
    char page[1024] = "/v1/drills/page", result[1024] = "/v1/drills/result", name[96];
    const char *which = c->argc ? c->argv[0] : NULL, *out = c->out;
    enum cli_exit e = CLI_OK;
    if (c->json)
        return cli_drill_show(c);
    cli_query(page, sizeof(page), "drill", which);
    cli_query(result, sizeof(result), "drill", which);
    if (!out) {
        e = own_name(c, result, name);
        out = name;
    }
    if (e == CLI_OK)
        e = cli_save(c, page, false, out);
    if (e == CLI_OK && strcmp(out, "-") != 0)
        puts(out);
    return e;
}
