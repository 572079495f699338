/* kedge up, down, reset, neighbor: a command, and with --wait its effect, which is read off
 * the event stream from the number the daemon's answer carries: nothing is missed, nothing is
 * polled. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct wait {
    const char *command, *tunnel;
    char state[32];    /* the last one seen */
    char refusal[256]; /* why it doesn't come up */
    bool done;
};

static bool is_down(const char *state)
{
    return strcmp(state, "down") == 0 || strcmp(state, "disabled") == 0;
}

/* Is the command's goal reached in this state? */
static bool reached(const struct wait *w)
{
    if (strcmp(w->command, "down") == 0)
        return is_down(w->state);
    return strcmp(w->state, "up") == 0;
}

/* False ends the stream: the goal is reached, or can't be any more. */
static bool on_event(void *arg, json_t *o)
{
    struct wait *w = arg;
    const char *event = cli_str(o, "event");
    if (strcmp(event, "daemon.stop") == 0)
        return false;
    if (strcmp(cli_str(o, "tunnel"), w->tunnel) != 0)
        return true;
    if (strcmp(event, "ike.refused") == 0)
        snprintf(w->refusal, sizeof(w->refusal), "%s: %s", cli_str(o, "reason"),
                 cli_str(o, "detail"));
    bool state = strcmp(event, "tunnel.state") == 0;
    if (state)
        snprintf(w->state, sizeof(w->state), "%s", cli_str(o, "state"));
    w->done = state && reached(w);
    return !w->done;
}

static enum cli_exit await(const struct cli *c, struct wait *w, json_int_t seq)
{
    char path[128];
    snprintf(path, sizeof(path), "/v1/events?follow=1&event=tunnel.state,ike.refused&since=%lld",
             (long long)seq);
    enum cli_exit e = cli_stream(c, path, NULL, c->wait_us, on_event, w);
    if (e == CLI_OK && !w->done) { /* the stream ended before the goal */
        fputs("kedge: kedged has ended\n", stderr);
        return CLI_UNREACHABLE;
    }
    if (e == CLI_TIMEOUT)
        fprintf(stderr, "kedge: %s: no %s within %llums: the tunnel is %s%s%s\n", w->tunnel,
                w->command, (unsigned long long)(c->wait_us / 1000), w->state,
                w->refusal[0] ? "; refused: " : "", w->refusal);
    return e;
}

static void print(const struct cli *c, json_t *o, const struct wait *w, bool done)
{
    if (c->wait_us) {
        json_object_set_new(o, "state", json_string(w->state));
        json_object_set_new(o, "done", json_boolean(done));
    }
    if (c->json)
        cli_print_json(o);
    else if (!c->wait_us)
        printf("%s: %s (was %s)\n", w->tunnel, cli_str(o, "command"), w->state);
    else if (done)
        printf("%s: %s done, the tunnel is %s\n", w->tunnel, cli_str(o, "command"), w->state);
}

/* The daemon's names have none of these, so that a strange one ends as "there is no tunnel". */
bool cli_no_tunnel(const char *name)
{
    if (!strpbrk(name, "/?#% ") && strlen(name) <= 64)
        return false;
    fprintf(stderr, "kedge: there is no tunnel \"%s\"; kedge status lists them\n", name);
    return true;
}

enum cli_exit cli_tunnel(const struct cli *c)
{
    struct wait w = {.command = c->command, .tunnel = c->argv[0]};
    char path[256];
    json_t *o;
    if (cli_no_tunnel(c->argv[0]))
        return CLI_FAILED;
    snprintf(path, sizeof(path), "/v1/tunnels/%s/%s", c->argv[0], c->command);
    enum cli_exit e = cli_ask(c, "POST", path, c->silent ? "{\"silent\":true}" : NULL, &o);
    if (e != CLI_OK)
        return e;
    snprintf(w.state, sizeof(w.state), "%s", cli_str(o, "state"));
    bool moves = strcmp(c->command, "reset") == 0;
    if (c->wait_us && (moves || !reached(&w)))
        e = await(c, &w, json_integer_value(json_object_get(o, "seq")));
    print(c, o, &w, e == CLI_OK);
    json_decref(o);
    return e;
}

/* body: of the request, or NULL; said: how it is called in the answer. */
static enum cli_exit command_neighbor(const struct cli *c, const char *command, const char *body,
                                      const char *said)
{
    char path[256];
    json_t *o;
    if (strpbrk(c->argv[0], "/?#% ") || strlen(c->argv[0]) > 64) {
        fprintf(stderr, "kedge: there is no neighbor \"%s\"; kedge bgp neighbors lists them\n",
                c->argv[0]);
        return CLI_FAILED;
    }
    snprintf(path, sizeof(path), "/v1/neighbors/%s/%s", c->argv[0], command);
    enum cli_exit e = cli_ask(c, "POST", path, body, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        printf("%s: %s (was %s)\n", c->argv[0], said, cli_str(o, "state"));
    fflush(stdout);
    json_decref(o);
    return CLI_OK;
}

/* {"message": TEXT}; NULL, said on stderr, when TEXT can't be told. */
static char *farewell(const char *text)
{
    json_t *o = strlen(text) <= 255 ? json_pack("{s:s}", "message", text) : NULL;
    char *body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (!body)
        fprintf(stderr,
                "kedge: --message: %zu octets; allowed: UTF-8 of at most 255 octets (RFC 9003)\n",
                strlen(text));
    json_decref(o);
    return body;
}

/* Shutdown or enable, at once. */
static enum cli_exit end_neighbor(const struct cli *c, const char *command)
{
    char *body = c->message ? farewell(c->message) : NULL;
    if (c->message && !body)
        return CLI_USAGE;
    enum cli_exit e = command_neighbor(c, command, body, command);
    free(body);
    return e;
}

enum cli_exit cli_neighbor(const struct cli *c)
{
    const char *command = c->command + strlen("neighbor ");
    if (!c->graceful)
        return end_neighbor(c, command);
    enum cli_exit e =
        command_neighbor(c, command, "{\"what\":\"graceful\"}", "told to use other paths");
    if (e != CLI_OK || !c->wait_us)
        return e;
    const struct timespec pause = {(time_t)(c->wait_us / 1000000),
                                   (long)(c->wait_us % 1000000) * 1000};
    nanosleep(&pause, NULL);
    return end_neighbor(c, command);
}

enum cli_exit cli_refresh(const struct cli *c)
{
    const char *way = c->argc > 1 ? c->argv[1] : "";
    if (way[0] && strcmp(way, "in") != 0 && strcmp(way, "out") != 0) {
        fputs("usage: kedge neighbor refresh NAME [in|out]\n", stderr);
        return CLI_USAGE;
    }
    return command_neighbor(c, "refresh",
                            strcmp(way, "in") == 0    ? "{\"what\":\"in\"}"
                            : strcmp(way, "out") == 0 ? "{\"what\":\"out\"}"
                                                      : NULL,
                            "refresh");
}
