/* kedge rekey: new keys for the pairs, the IKE SA or both, or a rehearsal; with --wait the outcome,
 * which is read off the event stream from the number the daemon's answer carries. */
#include "cli/cli.h"

#include <string.h>

struct wait {
    const char *tunnel;
    int pairs;          /* not yet replaced */
    bool ike, rehearse; /* not yet seen */
    bool over, failed;
    char what[256]; /* why not, or what came of it */
};

/* What an event of the tunnel says: true when the waiting is over. */
static bool over(struct wait *w, const char *event, const json_t *o)
{
    if (strcmp(event, "rehearsal.pass") == 0 && w->rehearse) {
        snprintf(w->what, sizeof(w->what), "%s", cli_str(o, "detail"));
        return true;
    }
    if (w->rehearse ? strcmp(event, "rehearsal.fail") == 0 : strcmp(event, "ike.refused") == 0) {
        w->failed = true;
        snprintf(w->what, sizeof(w->what), "%s: %s", cli_str(o, "reason"), cli_str(o, "detail"));
        return true;
    }
    if (!w->rehearse && strcmp(event, "ike.closed") == 0) {
        w->failed = true;
        snprintf(w->what, sizeof(w->what), "the IKE SA was closed: %s", cli_str(o, "reason"));
        return true;
    }
    if (w->rehearse)
        return false;
    if (strcmp(event, "child.up") == 0 && w->pairs > 0)
        w->pairs--;
    if (strcmp(event, "ike.rekeyed") == 0)
        w->ike = false;
    return w->pairs == 0 && !w->ike;
}

static bool on_event(void *arg, json_t *o)
{
    struct wait *w = arg;
    const char *event = cli_str(o, "event");
    if (strcmp(event, "daemon.stop") == 0)
        return false;
    w->over = strcmp(cli_str(o, "tunnel"), w->tunnel) == 0 && over(w, event, o);
    return !w->over;
}

static enum cli_exit await(const struct cli *c, struct wait *w, json_int_t seq)
{
    char path[128];
    snprintf(path, sizeof(path), "/v1/events?follow=1&event=child,ike,rehearsal&since=%lld",
             (long long)seq);
    enum cli_exit e = cli_stream(c, path, NULL, c->wait_us, on_event, w);
    if (e == CLI_OK && !w->over) {
        fputs("kedge: kedged has ended\n", stderr);
        return CLI_UNREACHABLE;
    }
    if (e == CLI_TIMEOUT)
        fprintf(stderr, "kedge: %s: no outcome within %llums\n", w->tunnel,
                (unsigned long long)(c->wait_us / 1000));
    if (e == CLI_OK && w->failed) {
        fprintf(stderr, "kedge: %s: %s; kedge explain %s says what to change\n", w->tunnel, w->what,
                w->tunnel);
        return CLI_FAILED;
    }
    return e;
}

static const char *body(const struct cli *c)
{
    return c->rehearse ? "{\"what\":\"rehearse\"}"
           : c->child  ? "{\"what\":\"child\"}"
           : c->ike    ? "{\"what\":\"ike\"}"
                       : NULL;
}

static void print(const struct cli *c, json_t *o, const struct wait *w, bool done)
{
    if (c->wait_us) {
        json_object_set_new(o, "done", json_boolean(done));
        json_object_set_new(o, "outcome", json_string(w->what));
    }
    if (c->json)
        cli_print_json(o);
    else if (!c->wait_us)
        printf("%s: %s ordered\n", w->tunnel, cli_str(o, "command"));
    else if (done)
        printf("%s: %s done%s%s\n", w->tunnel, cli_str(o, "command"), w->what[0] ? ": " : "",
               w->what);
}

enum cli_exit cli_rekey(const struct cli *c)
{
    bool both = !c->child && !c->ike && !c->rehearse;
    struct wait w = {.tunnel = c->argv[0], .ike = c->ike || both, .rehearse = c->rehearse};
    char path[256];
    json_t *o;
    if (c->child + c->ike + c->rehearse > 1) {
        fputs("kedge: one of --child, --ike and --rehearse (without them: both rekeys)\n", stderr);
        return CLI_USAGE;
    }
    if (cli_no_tunnel(c->argv[0]))
        return CLI_FAILED;
    snprintf(path, sizeof(path), "/v1/tunnels/%s/rekey", c->argv[0]);
    enum cli_exit e = cli_ask(c, "POST", path, body(c), &o);
    if (e != CLI_OK)
        return e;
    if (c->child || both)
        w.pairs = (int)json_integer_value(json_object_get(o, "pairs"));
    if (c->wait_us)
        e = await(c, &w, json_integer_value(json_object_get(o, "seq")));
    print(c, o, &w, e == CLI_OK);
    json_decref(o);
    return e;
}
