/* kedge status, watch: the tunnels in one line each, one tunnel in full. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t sum(const json_t *children, const char *key)
{
    uint64_t n = 0;
    size_t i;
    json_t *v;
    json_array_foreach (children, i, v)
        n += (uint64_t)json_integer_value(json_object_get(v, key));
    return n;
}

/* "none" is no reason to show. */
static const char *reason(const json_t *o)
{
    const char *r = cli_str(o, "reason");
    return strcmp(r, "none") == 0 ? "-" : r;
}

static void print_overview(const json_t *tunnels, FILE *to)
{
    struct cli_table *t =
        cli_table_new("TUNNEL STATE REASON >SINCE REMOTE INTERFACE >MTU IKE >IN >OUT");
    char a[CLI_TEXT_MAX], in[CLI_TEXT_MAX], out[CLI_TEXT_MAX];
    size_t i;
    json_t *v;
    json_array_foreach (tunnels, i, v) {
        const json_t *children = json_object_get(v, "children");
        cli_cell(t, "%s", cli_str(v, "name"));
        cli_cell(t, "%s", cli_str(v, "state"));
        cli_cell(t, "%s", reason(v));
        cli_cell(t, "%s", cli_age(cli_num(v, "since_s"), a));
        cli_cell(t, "%s", cli_str(v, "remote"));
        cli_cell(t, "%s", cli_str(v, "interface"));
        cli_cell(t, "%.0f", cli_num(v, "mtu"));
        cli_cell(t, "%s", cli_str(json_object_get(v, "ike"), "suite"));
        cli_cell(t, "%s", cli_size(sum(children, "bytes_in"), in));
        cli_cell(t, "%s", cli_size(sum(children, "bytes_out"), out));
    }
    cli_table_print(t, to);
}

static void print_ike(const json_t *o, FILE *to)
{
    char age[CLI_TEXT_MAX], rekey[CLI_TEXT_MAX];
    bool timed = json_is_number(json_object_get(o, "rekey_in_s"));
    fprintf(to, "  ids       %s (ours), %s\n", cli_str(o, "local_id"), cli_str(o, "remote_id"));
    if (!json_is_true(json_object_get(o, "established"))) {
        fputs("  IKE       not established\n", to);
        return;
    }
    fprintf(to, "  IKE       %s, %s, SPIs %s %s, for %s, rekey in %s%s\n", cli_str(o, "suite"),
            json_is_true(json_object_get(o, "initiator")) ? "we initiated" : "the peer initiated",
            cli_str(o, "spi_i"), cli_str(o, "spi_r"), cli_age(cli_num(o, "age_s"), age),
            timed ? cli_age(cli_num(o, "rekey_in_s"), rekey) : "-",
            json_is_true(json_object_get(o, "udp_encap")) ? ", in UDP 4500" : "");
    if (json_is_string(json_object_get(o, "cert_until")))
        fprintf(to, "  peer      authenticated by %s, its certificate ends %s\n",
                cli_str(o, "auth"), cli_str(o, "cert_until"));
}

/* "web: ", "step 2 of 3: " or nothing. */
static const char *which(const json_t *o, char buf[CLI_TEXT_MAX])
{
    buf[0] = '\0';
    if (json_is_integer(json_object_get(o, "step")))
        snprintf(buf, CLI_TEXT_MAX, "step %.0f of %.0f: ", cli_num(o, "step"), cli_num(o, "steps"));
    else if (json_is_string(json_object_get(o, "name")))
        snprintf(buf, CLI_TEXT_MAX, "%s: ", cli_str(o, "name"));
    return buf;
}

static void print_missing(const json_t *o, FILE *to)
{
    char a[CLI_TEXT_MAX], b[CLI_TEXT_MAX];
    bool timed = json_is_number(json_object_get(o, "retry_in_s"));
    fprintf(to, "  child     %snot there%s%s, %s%s\n", which(o, a),
            strcmp(reason(o), "-") == 0 ? "" : ": ", strcmp(reason(o), "-") == 0 ? "" : reason(o),
            timed ? "asked for again in " : "waiting for the peer",
            timed ? cli_age(cli_num(o, "retry_in_s"), b) : "");
}

static void print_child(const json_t *o, FILE *to)
{
    char a[CLI_TEXT_MAX], b[CLI_TEXT_MAX], local[256], remote[256];
    fprintf(to, "  child     %s%s in, %s out: %s%s%s\n", which(o, a), cli_str(o, "spi_in"),
            cli_str(o, "spi_out"), cli_str(o, "suite"),
            json_is_true(json_object_get(o, "esn")) ? ", ESN" : "",
            json_is_true(json_object_get(o, "udp_encap")) ? ", in UDP" : ", plain ESP");
    fprintf(to, "            %s === %s\n",
            cli_join(json_object_get(o, "local_ts"), " ", local, sizeof(local)),
            cli_join(json_object_get(o, "remote_ts"), " ", remote, sizeof(remote)));
    fprintf(to, "            in %s in %.0f packets, out %s in %.0f packets\n",
            cli_size((uint64_t)cli_num(o, "bytes_in"), a), cli_num(o, "packets_in"),
            cli_size((uint64_t)cli_num(o, "bytes_out"), b), cli_num(o, "packets_out"));
    fprintf(to, "            dropped: %.0f replayed, %.0f forged, %.0f outside the selectors\n",
            cli_num(o, "dropped_replay"), cli_num(o, "dropped_auth"), cli_num(o, "dropped_ts"));
}

static void print_refusal(const json_t *o, FILE *to)
{
    char offered[2048], configured[2048];
    if (!json_is_object(o))
        return;
    fprintf(to, "  refused   %s: %s\n", cli_str(o, "reason"), cli_str(o, "detail"));
    cli_join(json_object_get(o, "offered"), ", ", offered, sizeof(offered));
    cli_join(json_object_get(o, "configured"), ", ", configured, sizeof(configured));
    if (offered[0] || configured[0])
        fprintf(to, "            offered     %s\n            configured  %s\n",
                offered[0] ? offered : "-", configured[0] ? configured : "-");
}

static void print_rehearsal(const json_t *o, FILE *to)
{
    const char *result = cli_str(o, "result");
    char age[CLI_TEXT_MAX];
    if (strcmp(result, "-") == 0 || strcmp(result, "none") == 0)
        return;
    fprintf(to, "  rehearsal %s", result);
    if (strcmp(result, "passed") == 0)
        fprintf(to, " in %.3f s, PFS group %s, IKE group %s", cli_num(o, "took_s"),
                cli_str(o, "pfs"), cli_str(o, "ike_group"));
    if (strcmp(result, "failed") == 0)
        fprintf(to, " at the %s rekey: %s (kedge explain says what to change)",
                cli_str(o, "failed_at"), cli_str(o, "reason"));
    fprintf(to, ", %s ago\n", cli_age(cli_num(o, "age_s"), age));
}

static void print_path_mtu(const json_t *o, FILE *to)
{
    char age[CLI_TEXT_MAX];
    if (json_is_object(o))
        fprintf(to, "            carries %.0f octets, a full packet needs %.0f, measured %s ago\n",
                cli_num(o, "passes"), cli_num(o, "needed"), cli_age(cli_num(o, "age_s"), age));
}

static void print_tunnel(const json_t *v, FILE *to)
{
    char age[CLI_TEXT_MAX];
    size_t i;
    json_t *child;
    fprintf(to, "%s: %s for %s", cli_str(v, "name"), cli_str(v, "state"),
            cli_age(cli_num(v, "since_s"), age));
    if (strcmp(reason(v), "-") != 0)
        fprintf(to, ", %s", reason(v));
    if (strcmp(cli_str(v, "detail"), "-") != 0)
        fprintf(to, " (%s)", cli_str(v, "detail"));
    if (json_is_number(json_object_get(v, "recovers_in_s")))
        fprintf(to, ", carries again in %s if it stays so",
                cli_age(cli_num(v, "recovers_in_s"), age));
    fprintf(to, "\n  path      %s to %s, %s%s%s, MTU %.0f\n", cli_str(v, "local"),
            cli_str(v, "remote"), cli_str(v, "interface"), cli_str(v, "vrf")[0] ? " in VRF " : "",
            cli_str(v, "vrf"), cli_num(v, "mtu"));
    print_path_mtu(json_object_get(v, "path_mtu"), to);
    print_ike(json_object_get(v, "ike"), to);
    json_array_foreach(json_object_get(v, "children"), i, child) print_child(child, to);
    json_array_foreach(json_object_get(v, "missing"), i, child) print_missing(child, to);
    print_rehearsal(json_object_get(v, "rehearsal"), to);
    print_refusal(json_object_get(v, "refusal"), to);
}

static void print_status(const json_t *o, bool one, FILE *to)
{
    const json_t *d = json_object_get(o, "daemon"), *tunnels = json_object_get(o, "tunnels");
    char up[CLI_TEXT_MAX];
    size_t i;
    json_t *v;
    if (one) {
        json_array_foreach (tunnels, i, v)
            print_tunnel(v, to);
        return;
    }
    fprintf(to, "kedged %s, up %s, data plane %s (%s)\n", cli_str(d, "version"),
            cli_age(cli_num(d, "uptime_s"), up), cli_str(d, "dataplane"),
            cli_str(d, "dataplane_reason"));
    if (json_is_string(json_object_get(d, "keylog")))
        fprintf(to, "KEYS ARE BEING WRITTEN to %s (kedge keylog)\n", cli_str(d, "keylog"));
    if (json_array_size(tunnels) > 0) {
        fputc('\n', to);
        print_overview(tunnels, to);
    }
    cli_health_print(json_object_get(o, "health"), to);
}

static enum cli_exit get(const struct cli *c, json_t **o)
{
    char path[256] = "/v1/status";
    if (c->argc)
        cli_query(path, sizeof(path), "tunnel", c->argv[0]);
    return cli_ask(c, "GET", path, NULL, o);
}

enum cli_exit cli_status(const struct cli *c)
{
    json_t *o;
    enum cli_exit e = get(c, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        print_status(o, c->argc > 0, stdout);
    json_decref(o);
    return CLI_OK;
}

/* Drawn whole into memory, then over the old picture: no flicker. Ends with Ctrl-C. */
enum cli_exit cli_watch(const struct cli *c)
{
    const struct timespec second = {.tv_sec = 1};
    for (;;) {
        char *text = NULL;
        size_t len = 0;
        json_t *o;
        enum cli_exit e = get(c, &o);
        if (e != CLI_OK)
            return e;
        FILE *f = open_memstream(&text, &len);
        if (!f) {
            json_decref(o);
            return CLI_FAILED;
        }
        print_status(o, c->argc > 0, f);
        fclose(f);
        json_decref(o);
        printf("%s%s", isatty(STDOUT_FILENO) ? "\033[H\033[J" : "", text);
        fflush(stdout);
        free(text);
        nanosleep(&second, NULL);
    }
}
