/* kedge readiness: each backup's verdict, with its reasons, since when and what to do. */
#include "cli/cli.h"

#include <string.h>

static void print_reason(const json_t *r, FILE *to)
{
    char age[CLI_TEXT_MAX];
    fprintf(to, "  %-9s %s, for %s\n            %s\n            remedy: %s\n",
            cli_str(r, "verdict"), cli_str(r, "code"), cli_age(cli_num(r, "since_s"), age),
            cli_str(r, "text"), cli_str(r, "remedy"));
}

void cli_readiness_print(const json_t *o, FILE *to)
{
    char age[CLI_TEXT_MAX];
    size_t i, k;
    json_t *t, *r;
    json_array_foreach (json_object_get(o, "tunnels"), i, t) {
        fprintf(to, "%s: %s for %s\n", cli_str(t, "tunnel"), cli_str(t, "verdict"),
                cli_age(cli_num(t, "since_s"), age));
        json_array_foreach (json_object_get(t, "reasons"), k, r)
            print_reason(r, to);
    }
    if (i == 0)
        fputs("no tunnel is judged: none is configured, or none is in readiness.backup\n", to);
}

enum cli_exit cli_readiness(const struct cli *c)
{
    char path[256] = "/v1/readiness";
    json_t *o;
    if (c->argc)
        cli_query(path, sizeof(path), "tunnel", c->argv[0]);
    enum cli_exit e = cli_ask(c, "GET", path, NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        cli_readiness_print(o, stdout);
    if (strcmp(cli_str(o, "verdict"), "ready") != 0)
        e = CLI_FAILED;
    json_decref(o);
    return e;
}
