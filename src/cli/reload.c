/* kedge reload: what was taken over, what waits for a restart, or where the file is wrong; with
 * --dry-run what would be. */
#include "cli/cli.h"

#include <string.h>

static const struct words {
    const char *applied, *restart, *nothing;
} words[2] = {
    {"taken over: ", "needs a restart: ", "nothing has changed"},
    {"would be taken over: ", "would need a restart: ", "nothing would change"},
};

static void print_list(const json_t *o, const char *key, const char *label, FILE *to)
{
    size_t i;
    json_t *v;
    json_array_foreach (json_object_get(o, key), i, v)
        fprintf(to, "%s%s\n", label, json_string_value(v));
}

/* Of a dry run: each tunnel and neighbor, and why. */
static void print_plan(const json_t *plan)
{
    size_t i;
    json_t *e;
    char why[1024];
    json_array_foreach (plan, i, e) {
        bool tunnel = json_object_get(e, "tunnel");
        const char *kind = tunnel ? "tunnel" : "neighbor", *state = cli_str(e, "state");
        printf("%s %s: ", kind, cli_str(e, kind));
        if (strcmp(state, "restart") == 0)
            printf("waits for a restart: %s\n",
                   cli_join(json_object_get(e, "restart"), ", ", why, sizeof(why)));
        else if (strcmp(state, "updated") == 0)
            printf("updated in place: %s\n",
                   cli_join(json_object_get(e, "applied"), ", ", why, sizeof(why)));
        else
            puts("unchanged");
    }
}

static void print_text(const json_t *o, const struct words *w)
{
    print_list(o, "warnings", "", stderr);
    print_list(o, "applied", w->applied, stdout);
    print_list(o, "restart", w->restart, stdout);
    if (!json_array_size(json_object_get(o, "applied")) &&
        !json_array_size(json_object_get(o, "restart")))
        puts(w->nothing);
    else
        print_plan(json_object_get(o, "plan"));
}

enum cli_exit cli_reload(const struct cli *c)
{
    char path[64] = "/v1/reload";
    json_t *o;
    cli_query(path, sizeof(path), "dry", c->dry_run ? "1" : NULL);
    enum cli_exit e = cli_ask(c, "POST", path, NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        print_text(o, &words[c->dry_run]);
    json_decref(o);
    return CLI_OK;
}
