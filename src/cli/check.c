/* kedge check FILE: the configuration judged here, without the daemon. */
#include "cli/load.h"

static json_t *list(const struct config_error *e, uint32_t n)
{
    json_t *l = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(l, json_pack("{s:i, s:i, s:s}", "line", (int)e[i].line, "column",
                                           (int)e[i].col, "text", e[i].text));
    return l;
}

static void print_json(const struct cli *c, const struct config_errors *errs, bool ok)
{
    json_t *o = json_pack("{s:i, s:s, s:b, s:o, s:o}", "version", 1, "file", c->argv[0], "ok", ok,
                          "errors", list(errs->e, errs->n), "warnings",
                          list(errs->w, errs->n_warnings));
    cli_print_json(o);
    json_decref(o);
}

enum cli_exit cli_check(const struct cli *c)
{
    static struct config_errors errs;
    static struct core_config cfg;
    enum cli_exit e = cli_load(c->argv[0], NULL, &cfg, &errs);
    if (e == CLI_UNREACHABLE)
        return CLI_FAILED;
    if (c->json)
        print_json(c, &errs, e == CLI_OK);
    else
        cli_load_errors(&errs, true);
    if (e == CLI_OK && !c->json)
        printf("%s: good: %u tunnel%s, %u other neighbor%s\n", c->argv[0], cfg.n_tunnels,
               cfg.n_tunnels == 1 ? "" : "s", cfg.n_neighbors, cfg.n_neighbors == 1 ? "" : "s");
    if (e == CLI_OK)
        core_config_free(&cfg);
    return e;
}
