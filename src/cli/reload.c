/* kedge reload: what was taken over, what waits for a restart, or where the file is wrong. */
#include "cli/cli.h"

static void print_list(const json_t *o, const char *key, const char *label, FILE *to)
{
    size_t i;
    json_t *v;
    json_array_foreach (json_object_get(o, key), i, v)
        fprintf(to, "%s%s\n", label, json_string_value(v));
}

enum cli_exit cli_reload(const struct cli *c)
{
    json_t *o;
    enum cli_exit e = cli_ask(c, "POST", "/v1/reload", NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json) {
        cli_print_json(o);
    } else {
        print_list(o, "warnings", "", stderr);
        print_list(o, "applied", "taken over: ", stdout);
        print_list(o, "restart", "needs a restart: ", stdout);
        if (!json_array_size(json_object_get(o, "applied")) &&
            !json_array_size(json_object_get(o, "restart")))
            puts("nothing has changed");
    }
    json_decref(o);
    return CLI_OK;
}
