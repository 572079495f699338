/* Health probes, as kedge status and kedge bgp neighbors show them. */
#include "cli/cli.h"

#include <string.h>

static void target(struct cli_table *t, const json_t *v)
{
    const json_t *port = json_object_get(v, "port");
    if (json_is_integer(port))
        cli_cell(t, "%s %s port %lld", cli_str(v, "probe"), cli_str(v, "to"),
                 (long long)json_integer_value(port));
    else
        cli_cell(t, "%s %s", cli_str(v, "probe"), cli_str(v, "to"));
}

static const char *state(const json_t *v)
{
    return json_is_true(json_object_get(v, "paused")) ? "paused" : cli_str(v, "state");
}

static void note(struct cli_table *t, const json_t *v)
{
    char age[CLI_TEXT_MAX];
    if (json_is_number(json_object_get(v, "recovers_in_s")))
        cli_cell(t, "answered, up in %s", cli_age(cli_num(v, "recovers_in_s"), age));
    else
        cli_cell(t, "%s", cli_str(v, "detail"));
}

void cli_health_print(const json_t *probes, FILE *to)
{
    struct cli_table *t;
    char text[512], age[CLI_TEXT_MAX];
    size_t i;
    json_t *v;
    if (json_array_size(probes) == 0)
        return;
    t = cli_table_new("HEALTH STATE >SINCE PROBE VIA >RTT >LOST THEN NEIGHBORS NOTE");
    json_array_foreach (probes, i, v) {
        const json_t *rtt = json_object_get(v, "rtt_ms");
        cli_cell(t, "%s", cli_str(v, "name"));
        cli_cell(t, "%s", state(v));
        cli_cell(t, "%s", cli_age(cli_num(v, "since_s"), age));
        target(t, v);
        cli_cell(t, "%s", cli_str(v, "via"));
        if (json_is_number(rtt))
            cli_cell(t, "%.1f ms", json_number_value(rtt));
        else
            cli_cell(t, "-");
        cli_cell(t, "%.0f", cli_num(v, "lost_in_a_row"));
        cli_cell(t, "%s", cli_join(json_object_get(v, "then"), ", ", text, sizeof(text)));
        cli_cell(t, "%s", cli_join(json_object_get(v, "neighbors"), ", ", text, sizeof(text)));
        note(t, v);
    }
    fputc('\n', to);
    cli_table_print(t, to);
}

void cli_steering_print(const json_t *s, FILE *to)
{
    const json_t *pref = json_object_get(s, "local_pref");
    char text[512];
    if (!json_is_object(s))
        return;
    fprintf(to, "  Health: %s down:", cli_join(json_object_get(s, "by"), ", ", text, sizeof(text)));
    if (json_is_true(json_object_get(s, "withdraw")))
        fputs(" told nothing;", to);
    if (json_is_integer(pref))
        fprintf(to, " learned at local preference %lld;", (long long)json_integer_value(pref));
    if (cli_num(s, "prepend") > 0)
        fprintf(to, " our AS prepended %.0f times more;", cli_num(s, "prepend"));
    if (json_is_true(json_object_get(s, "shutdown")))
        fputs(" session shut down;", to);
    fputs(" until it recovers\n", to);
}
