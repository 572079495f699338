/* kedge audit: what differs between what is wanted and what is there. Two looks have to agree on a
 * difference: one alone may have caught the kernel ahead of its news. */
#include "cli/cli.h"

#include <string.h>
#include <time.h>

#define PAUSE_MS     250
#define WAIT_DEFAULT KD_S(5)

static bool same(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"what", "state", "where", "detail"};
    for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++)
        if (strcmp(cli_str(a, keys[i]), cli_str(b, keys[i])) != 0)
            return false;
    return true;
}

static bool among(const json_t *list, const json_t *f)
{
    size_t i;
    json_t *v;
    json_array_foreach (list, i, v)
        if (same(v, f))
            return true;
    return false;
}

/* Leaves what the earlier look has, too; the others are on their way. */
static void keep_confirmed(json_t *now, const json_t *before)
{
    json_t *list = json_object_get(now, "differences"), *busy = json_object_get(now, "in_progress");
    const json_t *old = json_object_get(before, "differences");
    for (size_t i = json_array_size(list); i-- > 0;) {
        json_t *f = json_array_get(list, i);
        if (among(old, f))
            continue;
        json_array_append(busy, f);
        json_array_remove(list, i);
    }
    json_object_set_new(now, "clean", json_boolean(json_array_size(list) == 0));
}

static bool any(const json_t *o, const char *key)
{
    return json_array_size(json_object_get(o, key)) > 0;
}

static void print_list(const json_t *list, const char *state, FILE *to)
{
    size_t i;
    json_t *v;
    json_array_foreach (list, i, v) {
        fprintf(to, "%s %s: %s\n    %s\n", cli_str(v, "what"), state ? state : cli_str(v, "state"),
                cli_str(v, "where"), cli_str(v, "detail"));
        if (!state)
            fprintf(to, "    remedy: %s\n", cli_str(v, "remedy"));
    }
}

static void print_looked(const json_t *o, FILE *to)
{
    const char *key, *sep = "";
    json_t *v;
    json_object_foreach (json_object_get(o, "looked"), key, v) {
        fprintf(to, "%s%s %lld", sep, key, (long long)json_integer_value(v));
        sep = ", ";
    }
    fputc('\n', to);
}

static void print_text(const json_t *o, FILE *to)
{
    size_t n = json_array_size(json_object_get(o, "differences")),
           busy = json_array_size(json_object_get(o, "in_progress"));
    double more = cli_num(o, "left_out");
    print_list(json_object_get(o, "differences"), NULL, to);
    print_list(json_object_get(o, "in_progress"), "in progress", to);
    if (more > 0)
        fprintf(to, "and %.0f more\n", more);
    if (n || busy)
        fprintf(to, "%zu difference%s, %zu in progress; looked at: ", n, n == 1 ? "" : "s", busy);
    else
        fputs("no difference; looked at: ", to);
    print_looked(o, to);
}

static enum cli_exit look(const struct cli *c, json_t **o)
{
    return cli_ask(c, "GET", "/v1/audit", NULL, o);
}

/* The last look, its differences confirmed by the one before; until there are some, or nothing is
 * on its way, or time is over. */
static enum cli_exit settled_look(const struct cli *c, json_t **out)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    uint64_t left_ms = (c->wait_us ? c->wait_us : WAIT_DEFAULT) / 1000;
    json_t *before, *now;
    enum cli_exit e = look(c, &before);
    if (e != CLI_OK)
        return e;
    *out = before;
    if (!any(before, "differences") && !any(before, "in_progress"))
        return CLI_OK;
    do {
        nanosleep(&pause, NULL);
        e = look(c, &now);
        if (e == CLI_OK) {
            *out = json_deep_copy(now);
            keep_confirmed(*out, before);
        }
        json_decref(before);
        if (e != CLI_OK)
            return e;
        if (any(*out, "differences") || !any(*out, "in_progress") || left_ms <= PAUSE_MS)
            break;
        left_ms -= PAUSE_MS;
        before = now;
        json_decref(*out);
    } while (true);
    json_decref(now);
    return CLI_OK;
}

enum cli_exit cli_audit(const struct cli *c)
{
    json_t *o;
    enum cli_exit e = settled_look(c, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        print_text(o, stdout);
    e = any(o, "differences") ? CLI_FAILED : any(o, "in_progress") ? CLI_TIMEOUT : CLI_OK;
    json_decref(o);
    return e;
}
