/* kedge bgp neighbors, routes: laid out as routers do it (show bgp summary, neighbors, table). */
#include "cli/cli.h"

#include <string.h>

/* ---- neighbors ---- */

/* 01:02:03, then 2d03h04m, then 5w2d03h */
static const char *uptime(double s, char *buf)
{
    unsigned long n = s > 0 ? (unsigned long)s : 0, h = n / 3600 % 24, m = n / 60 % 60,
                  days = n / 86400;
    if (days >= 7)
        snprintf(buf, CLI_TEXT_MAX, "%luw%lud%02luh", days / 7, days % 7, h);
    else if (days)
        snprintf(buf, CLI_TEXT_MAX, "%lud%02luh%02lum", days, h, m);
    else
        snprintf(buf, CLI_TEXT_MAX, "%02lu:%02lu:%02lu", h, m, n % 60);
    return buf;
}

static bool established(const json_t *v)
{
    return strcmp(cli_str(v, "state"), "Established") == 0;
}

static void print_neighbor_row(struct cli_table *t, const json_t *v)
{
    const char *error = cli_str(v, "last_error");
    bool up = established(v); /* then an old error is history */
    char age[CLI_TEXT_MAX];
    cli_cell(t, "%s", cli_str(v, "address"));
    cli_cell(t, "4");
    cli_cell(t, "%.0f", cli_num(v, "asn"));
    cli_cell(t, "%.0f", cli_num(v, "messages_in"));
    cli_cell(t, "%.0f", cli_num(v, "messages_out"));
    cli_cell(t, "%s", uptime(cli_num(v, "since_s"), age));
    if (up)
        cli_cell(t, "%.0f", cli_num(v, "prefixes_received"));
    else
        cli_cell(t, "%s", cli_str(v, "state"));
    cli_cell(t, "%.0f", cli_num(v, "prefixes_accepted"));
    cli_cell(t, "%.0f", cli_num(v, "prefixes_advertised"));
    cli_cell(t, "%s", cli_str(json_object_get(v, "bfd"), "state"));
    cli_cell(t, "%s", cli_str(v, "tunnel"));
    cli_cell(t, "%s", cli_str(v, "name"));
    if (up || strcmp(error, "-") == 0)
        cli_cell(t, "%s", up ? "-" : cli_str(v, "reason"));
    else
        cli_cell(t, "%s: %s", cli_str(v, "reason"), error);
}

static void print_summary(const json_t *o)
{
    const json_t *local = json_object_get(o, "local");
    struct cli_table *t = cli_table_new("Neighbor V >AS >MsgRcvd >MsgSent >Up/Down >State/PfxRcd "
                                        ">PfxAcc >PfxSnt BFD Tunnel Desc Reason");
    size_t i;
    json_t *v;
    printf("BGP router identifier %s, local AS number %.0f\n\n", cli_str(local, "router_id"),
           cli_num(local, "asn"));
    json_array_foreach (json_object_get(o, "neighbors"), i, v)
        print_neighbor_row(t, v);
    cli_table_print(t, stdout);
}

static void print_bfd(const json_t *bfd)
{
    if (!json_is_object(bfd))
        return;
    printf("  BFD: %s, transmit %.0f ms, receive %.0f ms, detection time %.0f ms\n",
           cli_str(bfd, "state"), cli_num(bfd, "transmit_ms"), cli_num(bfd, "receive_ms"),
           cli_num(bfd, "detect_ms"));
    if (json_is_number(json_object_get(bfd, "recovers_in_s")))
        printf("    BGP may come back in %.0f s, if it stays Up\n", cli_num(bfd, "recovers_in_s"));
    printf("    %.0f failures, diagnostic %s; packets: %.0f in, %.0f out, %.0f refused\n",
           cli_num(bfd, "failures"), cli_str(bfd, "diagnostic"), cli_num(bfd, "packets_in"),
           cli_num(bfd, "packets_out"), cli_num(bfd, "refused"));
}

static void print_neighbor(const json_t *local, const json_t *v)
{
    char age[CLI_TEXT_MAX];
    printf("BGP neighbor is %s, remote AS %.0f, local AS %.0f, %s link\n", cli_str(v, "address"),
           cli_num(v, "asn"), cli_num(local, "asn"),
           json_is_true(json_object_get(v, "ibgp")) ? "internal" : "external");
    printf("  Description: %s\n", cli_str(v, "name"));
    if (json_is_string(json_object_get(v, "tunnel")))
        printf("  Through tunnel %s\n", cli_str(v, "tunnel"));
    printf("  BGP version 4, remote router ID %s, local router ID %s\n", cli_str(v, "router_id"),
           cli_str(local, "router_id"));
    printf("  BGP state = %s, %s %s\n", cli_str(v, "state"), established(v) ? "up for" : "since",
           uptime(cli_num(v, "since_s"), age));
    printf("  Hold time is %.0f, keepalive interval is %.0f seconds\n", cli_num(v, "hold_s"),
           cli_num(v, "keepalive_s"));
    printf("  Local address: %s\n", cli_str(v, "local_address"));
    printf("  Messages: %.0f received, %.0f sent\n", cli_num(v, "messages_in"),
           cli_num(v, "messages_out"));
    printf("  Prefixes: %.0f received, %.0f accepted, %.0f advertised\n",
           cli_num(v, "prefixes_received"), cli_num(v, "prefixes_accepted"),
           cli_num(v, "prefixes_advertised"));
    if (cli_num(v, "prefixes_max") > 0)
        printf("  Maximum prefixes: %.0f, one more ends the session\n", cli_num(v, "prefixes_max"));
    if (cli_num(v, "retry_in_s") > 0)
        printf("  Held off for another %.0f seconds\n", cli_num(v, "retry_in_s") + 0.5);
    print_bfd(json_object_get(v, "bfd"));
    cli_steering_print(json_object_get(v, "steering"), stdout);
    if (strcmp(cli_str(v, "reason"), "-") != 0)
        printf("  %s: %s\n", established(v) ? "Last reset" : "Down because of",
               cli_str(v, "reason"));
    if (strcmp(cli_str(v, "last_error"), "-") != 0)
        printf("  Last error: %s\n", cli_str(v, "last_error"));
}

static enum cli_exit print_neighbors(const struct cli *c, const json_t *o)
{
    if (c->azure)
        return cli_azure_print(c, json_object_get(o, "value")) ? CLI_OK : CLI_USAGE;
    if (c->argc)
        print_neighbor(json_object_get(o, "local"),
                       json_array_get(json_object_get(o, "neighbors"), 0));
    else
        print_summary(o);
    return CLI_OK;
}

/* Asks and prints, as JSON or by fn. */
static enum cli_exit show(const struct cli *c, const char *path,
                          enum cli_exit (*fn)(const struct cli *c, const json_t *o))
{
    json_t *o;
    enum cli_exit e = cli_ask(c, "GET", path, NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        e = fn(c, o);
    json_decref(o);
    return e;
}

enum cli_exit cli_neighbors(const struct cli *c)
{
    char path[256] = "/v1/bgp/neighbors";
    if (c->argc && c->azure) {
        fputs("usage: kedge bgp neighbors [NEIGHBOR | --azure[=COLUMN,...]]\n", stderr);
        return CLI_USAGE;
    }
    cli_query(path, sizeof(path), "neighbor", c->argc ? c->argv[0] : NULL);
    cli_query(path, sizeof(path), "azure", c->azure ? "1" : NULL);
    return show(c, path, print_neighbors);
}

/* ---- policies ---- */

static enum cli_exit print_policies(const struct cli *c, const json_t *o)
{
    size_t i, k;
    json_t *p, *v;
    (void)c;
    json_array_foreach (json_object_get(o, "policies"), i, p) {
        printf("%s! %s", i ? "\n" : "", cli_str(p, "name"));
        json_array_foreach (json_object_get(p, "neighbors"), k, v)
            printf("%s%s of %s", k ? ", " : ": ", cli_str(v, "direction"), cli_str(v, "neighbor"));
        printf("\n");
        json_array_foreach (json_object_get(p, "route_map"), k, v)
            printf("%s\n", json_string_value(v));
    }
    return CLI_OK;
}

enum cli_exit cli_policies(const struct cli *c)
{
    char path[256] = "/v1/bgp/policies";
    cli_query(path, sizeof(path), "policy", c->argc ? c->argv[0] : NULL);
    return show(c, path, print_policies);
}

/* ---- routes ---- */

static const char legend[] =
    "Status codes: * valid, S valid and stale (its neighbor restarts), > best, = in the kernel,\n"
    "              - refused (policy, AS loop), i internal,\n"
    "              r refused: would carry its tunnel's outer address into the tunnel\n"
    "Origin codes: i IGP, e EGP, ? incomplete\n\n";

static const char *status(const json_t *v, char buf[8])
{
    size_t n = 0;
    bool local = json_is_true(json_object_get(v, "local"));
    if (json_is_true(json_object_get(v, "valid")))
        buf[n++] = json_is_true(json_object_get(v, "stale")) ? 'S' : '*';
    else if (json_is_true(json_object_get(v, "recursive")))
        buf[n++] = 'r';
    else if (!local && json_is_false(json_object_get(v, "accepted")))
        buf[n++] = '-';
    if (json_is_true(json_object_get(v, "best")))
        buf[n++] = '>';
    if (json_is_true(json_object_get(v, "installed")))
        buf[n++] = '=';
    if (json_is_true(json_object_get(v, "ibgp")))
        buf[n++] = 'i';
    buf[n] = '\0';
    return buf;
}

/* A network of ours has no next hop: the field writes the unspecified address. */
static const char *next_hop(const json_t *v)
{
    if (json_is_string(json_object_get(v, "next_hop")))
        return cli_str(v, "next_hop");
    return strchr(cli_str(v, "prefix"), ':') ? "::" : "0.0.0.0";
}

/* tables: the routing table is a column. */
static void print_route(struct cli_table *t, const json_t *v, bool tables)
{
    const json_t *med = json_object_get(v, "med");
    const char *origin = cli_str(v, "origin");
    char path[1024], codes[8];
    cli_join(json_object_get(v, "as_path"), " ", path, sizeof(path));
    cli_cell(t, "%s", status(v, codes));
    cli_cell(t, "%s", cli_str(v, "prefix"));
    cli_cell(t, "%s", next_hop(v));
    if (json_is_integer(med))
        cli_cell(t, "%lld", (long long)json_integer_value(med));
    else
        cli_cell(t, "%s", "");
    cli_cell(t, "%.0f", cli_num(v, "local_pref"));
    cli_cell(t, "%s",
             json_is_true(json_object_get(v, "local")) ? "(ours)" : cli_str(v, "neighbor"));
    cli_cell(t, "%s", cli_str(v, "interface"));
    if (tables)
        cli_cell(t, "%.0f", cli_num(v, "table"));
    cli_cell(t, "%s%s%c", path, path[0] ? " " : "",
             origin[0] == 'i' && origin[1] == 'n' ? '?' : origin[0]);
}

/* Of more than one, as tunnels with VRFs of their own have it. */
static bool of_tables(const json_t *routes)
{
    const json_t *first = json_array_get(routes, 0);
    size_t i;
    json_t *v;
    json_array_foreach (routes, i, v)
        if (cli_num(v, "table") != cli_num(first, "table"))
            return true;
    return false;
}

static enum cli_exit print_routes(const struct cli *c, const json_t *o)
{
    const json_t *local = json_object_get(o, "local");
    size_t i;
    json_t *v;
    if (c->azure)
        return cli_azure_print(c, json_object_get(o, "value")) ? CLI_OK : CLI_USAGE;
    const json_t *routes = json_object_get(o, "routes");
    const bool tables = of_tables(routes);
    struct cli_table *t =
        cli_table_new(tables ? "_ Network Next_Hop >Metric >LocPrf Neighbor Interface >Table Path"
                             : "_ Network Next_Hop >Metric >LocPrf Neighbor Interface Path");
    printf("BGP table, local router ID is %s, local AS %.0f\n%s", cli_str(local, "router_id"),
           cli_num(local, "asn"), legend);
    json_array_foreach (routes, i, v)
        print_route(t, v, tables);
    cli_table_print(t, stdout);
    return CLI_OK;
}

/* [best|learned [NEIGHBOR]|advertised NEIGHBOR] [PREFIX]: what holds a '/' is the prefix; without a
 * view with neighbors an address is one too. Azure's view without a name is learned. False:
 * usage. */
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
        view = c->azure;
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
    cli_query(path, cap, "azure", c->azure ? "1" : NULL);
    return true;
}

enum cli_exit cli_routes(const struct cli *c)
{
    char path[512];
    if (!routes_path(c, path, sizeof(path))) {
        fputs("usage: kedge routes [best|learned [NEIGHBOR]|advertised NEIGHBOR] [PREFIX] "
              "[--azure[=COLUMN,...]]\n",
              stderr);
        return CLI_USAGE;
    }
    return show(c, path, print_routes);
}
