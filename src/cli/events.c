/* kedge events: what happened, and with --follow what happens. */
#include "cli/cli.h"

#include <string.h>

struct stream {
    bool json, stopped, dropped;
};

/* One plain word as it is; everything else as JSON, so that control characters stay escaped. */
static void print_value(const json_t *v)
{
    const char *s = json_string_value(v);
    bool plain = s && *s;
    for (size_t i = 0; plain && s[i]; i++)
        plain = s[i] > ' ' && s[i] < 0x7f && s[i] != '"';
    if (plain)
        fputs(s, stdout);
    else
        json_dumpf(v, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

/* "17  2026-01-01 00:00:00.000  tunnel.state  tunnel=onprem state=up" */
static void print_event(const json_t *o)
{
    static const char *const head[] = {"version", "seq", "t_us", "wall", "event"};
    const char *wall = cli_str(o, "wall"), *key;
    const json_t *v;
    printf("%5.0f  %.10s %.12s  %-16s", cli_num(o, "seq"), wall, strlen(wall) > 11 ? wall + 11 : "",
           cli_str(o, "event"));
    json_object_foreach((json_t *)o, key, v)
    {
        bool known = false;
        for (size_t i = 0; i < KD_ARRAY_LEN(head); i++)
            known |= strcmp(head[i], key) == 0;
        if (known)
            continue;
        printf(" %s=", key);
        print_value(v);
    }
    putchar('\n');
}

static bool on_line(void *arg, json_t *o)
{
    struct stream *s = arg;
    if (!json_is_string(json_object_get(o, "event"))) {
        fprintf(stderr, "kedge: %s; %s\n", cli_str(o, "error"), cli_str(o, "remedy"));
        s->dropped = true;
        return true;
    }
    s->stopped = strcmp(cli_str(o, "event"), "daemon.stop") == 0;
    if (s->json) {
        json_dumpf(o, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        print_event(o);
    }
    fflush(stdout);
    return !ferror(stdout);
}

enum cli_exit cli_events(const struct cli *c)
{
    struct stream s = {.json = c->json};
    char path[1024] = "/v1/events";
    cli_query(path, sizeof(path), "since", c->since ? c->since : "0");
    cli_query(path, sizeof(path), "event", c->event);
    if (c->follow)
        cli_query(path, sizeof(path), "follow", "1");
    enum cli_exit e = cli_stream(c, path, NULL, c->follow ? 0 : KD_S(30), on_line, &s);
    if (s.dropped)
        return CLI_FAILED;
    if (e == CLI_OK && c->follow && !s.stopped) {
        fputs("kedge: kedged has ended without a farewell\n", stderr);
        return CLI_UNREACHABLE;
    }
    return e;
}
