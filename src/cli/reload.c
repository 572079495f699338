/* kedge reload: what was taken over, what waits for a restart, or where the file is wrong; with
 * --dry-run what would be. */
#include "cli/cli.h"

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

static void print_text(const json_t *o, const struct words *w)
{
    print_list(o, "warnings", "", stderr);
    print_list(o, "applied", w->applied, stdout);
    print_list(o, "restart", w->restart, stdout);
    if (!json_array_size(json_object_get(o, "applied")) &&
        !json_array_size(json_object_get(o, "restart")))
        puts(w->nothing);
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
