/* kedge bgp neighbors, routes. */
#include "cli/cli.h"

#include <string.h>

static void print_neighbors(const json_t *list)
{
    struct cli_table *t = cli_table_new("NEIGHBOR ADDRESS >ASN STATE >SINCE BFD TUNNEL >RECEIVED "
                                        ">ACCEPTED >ADVERTISED REASON");
    char age[CLI_TEXT_MAX];
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        const char *error = cli_str(v, "last_error");
        bool up = strcmp(cli_str(v, "state"), "Established") == 0; /* then an old error is history */
        cli_cell(t, "%s", cli_str(v, "name"));
        cli_cell(t, "%s", cli_str(v, "address"));
        cli_cell(t, "%.0f", cli_num(v, "asn"));
        cli_cell(t, "%s", cli_str(v, "state"));
        cli_cell(t, "%s", cli_age(cli_num(v, "since_s"), age));
        cli_cell(t, "%s", cli_str(json_object_get(v, "bfd"), "state"));
        cli_cell(t, "%s", cli_str(v, "tunnel"));
        cli_cell(t, "%.0f", cli_num(v, "prefixes_received"));
        cli_cell(t, "%.0f", cli_num(v, "prefixes_accepted"));
        cli_cell(t, "%.0f", cli_num(v, "prefixes_advertised"));
        if (up || strcmp(error, "-") == 0)
            cli_cell(t, "%s", up ? "-" : cli_str(v, "reason"));
        else
            cli_cell(t, "%s: %s", cli_str(v, "reason"), error);
    }
    cli_table_print(t, stdout);
}

enum cli_exit cli_neighbors(const struct cli *c)
{
    json_t *o;
    enum cli_exit e = cli_ask(c, "GET", "/v1/bgp/neighbors", NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        print_neighbors(json_object_get(o, "neighbors"));
    json_decref(o);
    return CLI_OK;
}

static const char legend[] = "* best, = in the kernel, - refused (policy, AS loop)\n\n";

static const char *mark(const json_t *v)
{
    if (json_is_true(json_object_get(v, "installed")))
        return "*=";
    if (json_is_true(json_object_get(v, "best")))
        return "*";
    return json_is_false(json_object_get(v, "accepted")) &&
                   json_is_false(json_object_get(v, "local"))
               ? "-"
               : "";
}

static void print_routes(const json_t *list)
{
    struct cli_table *t = cli_table_new("PREFIX BEST NEXT-HOP NEIGHBOR INTERFACE >LOCAL-PREF >MED "
                                        "ORIGIN AS-PATH");
    char path[1024];
    size_t i;

    fputs(legend, stdout);
    json_t *v;
    json_array_foreach(list, i, v)
    {
        const json_t *med = json_object_get(v, "med");
        cli_join(json_object_get(v, "as_path"), " ", path, sizeof(path));
        cli_cell(t, "%s", cli_str(v, "prefix"));
        cli_cell(t, "%s", mark(v));
        cli_cell(t, "%s", cli_str(v, "next_hop"));
        cli_cell(t, "%s",
                 json_is_true(json_object_get(v, "local")) ? "(ours)" : cli_str(v, "neighbor"));
        cli_cell(t, "%s", cli_str(v, "interface"));
        cli_cell(t, "%.0f", cli_num(v, "local_pref"));
        if (json_is_integer(med))
            cli_cell(t, "%lld", (long long)json_integer_value(med));
        else
            cli_cell(t, "-");
        cli_cell(t, "%s", cli_str(v, "origin"));
        cli_cell(t, "%s", path[0] ? path : "-");
    }
    cli_table_print(t, stdout);
}

/* [best|learned [NEIGHBOR]|advertised NEIGHBOR] [PREFIX]: what holds a '/' is the prefix; without a
 * view with neighbors an address is one too. False: usage. */
static bool routes_path(const struct cli *c, char *path, size_t cap)
{
    static const char *const views[] = {"best", "learned", "advertised"};
    const char *neighbor = NULL, *prefix = NULL;
    size_t view = 0;
    int i = 0;
    while (c->argc > 0 && view < 3 && strcmp(c->argv[0], views[view]) != 0)
        view++;
    if (c->argc > 0 && view < 3)
        i = 1;
    else
        view = 0;
    for (; i < c->argc; i++) {
        bool is_prefix = strchr(c->argv[i], '/') || view == 0 || neighbor;
        const char **to = is_prefix ? &prefix : &neighbor;
        if (*to)
            return false;
        *to = c->argv[i];
    }
    if (view == 2 && !neighbor)
        return false;
    snprintf(path, cap, "/v1/routes");
    cli_query(path, cap, "view", views[view]);
    cli_query(path, cap, "neighbor", neighbor);
    cli_query(path, cap, "prefix", prefix);
    return true;
}

enum cli_exit cli_routes(const struct cli *c)
{
    char path[512];
    json_t *o;
    if (!routes_path(c, path, sizeof(path))) {
        fputs("usage: kedge routes [best|learned [NEIGHBOR]|advertised NEIGHBOR] [PREFIX]\n",
              stderr);
        return CLI_USAGE;
    }
    enum cli_exit e = cli_ask(c, "GET", path, NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        print_routes(json_object_get(o, "routes"));
    json_decref(o);
    return CLI_OK;
}
