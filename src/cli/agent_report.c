/* An agent's reporter. On kedged's own kernel both read one clock. On another host the difference
 * is learned from the exchange with the shortest round trip: kedged's time was read between our
 * two. */
#include "cli/agent.h"
#include "cli/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_FIRST 3 /* exchanges before the first report */

struct clock {
    bool ours; /* kedged's is this one */
    bool known;
    int64_t offset_us; /* kedged's less ours */
    uint64_t error_us; /* half the round trip */
};

static const char *boot_id(void)
{
    static char id[64];
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (f && !fgets(id, sizeof(id), f))
        id[0] = '\0';
    id[strcspn(id, "\n")] = '\0';
    if (f)
        fclose(f);
    return id;
}

static void learn(struct clock *k, const json_t *answer, uint64_t before, uint64_t after)
{
    const char *boot = json_string_value(json_object_get(answer, "boot"));
    uint64_t theirs = (uint64_t)json_integer_value(json_object_get(answer, "t_us"));
    uint64_t error = (after - before + 1) / 2;
    if (boot && boot[0] && strcmp(boot, boot_id()) == 0)
        *k = (struct clock){.ours = true, .known = true};
    else if (!k->known || error < k->error_us)
        *k = (struct clock){.known = true,
                            .offset_us = (int64_t)(theirs - before - (after - before) / 2),
                            .error_us = error};
}

static enum cli_exit post(const struct cli *c, const char *path, const char *body, struct clock *k)
{
    uint64_t before = prober_now();
    json_t *answer;
    enum cli_exit e = cli_ask(c, "POST", path, body, &answer);
    if (e == CLI_OK && !k->ours)
        learn(k, answer, before, prober_now());
    json_decref(answer);
    return e;
}

/* ---- times of kedged's clock ---- */

static void shift(json_t *o, const char *key, const struct clock *k)
{
    json_t *v = json_object_get(o, key);
    json_int_t t = json_integer_value(v);
    if (t) /* 0 is none */
        json_integer_set(v, t + k->offset_us);
}

static void shift_all(json_t *report, const struct clock *k)
{
    static const struct {
        const char *list, *keys[2];
    } rows[] = {{"buckets", {"at_us", NULL}},
                {"paths", {"at_us", NULL}},
                {"outages", {"last_good_us", "first_good_us"}}};
    static const char *const times[] = {
        "open_since_us",       "longest.last_good_us", "longest.first_good_us",
        "passed.last_good_us", "passed.first_good_us", "passed_us",
        "newest_good_us",      "waiting_us",           "now_us",
    };
    size_t i;
    json_t *v, *summary = json_object_get(report, "summary");
    for (size_t row = 0; row < KD_ARRAY_LEN(rows); row++)
        json_array_foreach (json_object_get(report, rows[row].list), i, v)
            for (size_t n = 0; n < 2 && rows[row].keys[n]; n++)
                shift(v, rows[row].keys[n], k);
    for (size_t n = 0; n < KD_ARRAY_LEN(times); n++)
        shift(summary, times[n], k);
}

static enum cli_exit post_report(const struct cli *c, const char *path, const char *line,
                                 struct clock *k)
{
    json_t *o = json_loads(line, 0, NULL);
    enum cli_exit e = CLI_FAILED;
    if (o) {
        shift_all(o, k);
        json_object_set_new(o, "error_us", json_integer((json_int_t)k->error_us));
    }
    char *body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (body)
        e = post(c, path, body, k);
    free(body);
    json_decref(o);
    return e;
}

enum cli_exit agent_report(const struct cli *c, const char *path, int in)
{
    char report[128], *line = NULL;
    size_t cap = 0;
    struct clock k = {0};
    enum cli_exit e = CLI_OK;
    FILE *f = fdopen(in, "r");
    snprintf(report, sizeof(report), "%s/report", path);
    for (int i = 0; i < ASK_FIRST && e == CLI_OK && !k.ours; i++)
        e = post(c, report, NULL, &k);
    while (f && e == CLI_OK && getline(&line, &cap, f) > 0)
        e = post_report(c, report, line, &k);
    free(line);
    return e;
}
