/* kedge drill run, abort: the file goes to the daemon, its news come back as they happen. The
 * connection is the lease: Ctrl-C asks for the restore and stays to see it; if this process dies,
 * the daemon restores by itself. */
#include "cli/drill.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

/* The second one ends us as ever. */
static void catch_interrupts(void)
{
    struct sigaction sa = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

struct run {
    const struct cli *c;
    bool asked, over, passed;
};

/* ---- text ---- */

static void print_plan(const json_t *o)
{
    const json_t *steps = json_object_get(o, "steps"), *s;
    struct cli_table *t = cli_table_new(">STEP DO UNDO");
    size_t i;
    printf("drill %s: restored after %.0f s at the latest", cli_str(o, "drill"),
           cli_num(o, "limit_s"));
    if (json_is_string(json_object_get(o, "window")))
        printf("; %s", cli_str(o, "window"));
    puts("");
    json_array_foreach (steps, i, s) {
        cli_cell(t, "%zu", i + 1);
        cli_cell(t, "%s", cli_str(s, "do"));
        cli_cell(t, "%s", cli_str(s, "undo"));
    }
    cli_table_print(t, stdout);
}

static void print_step(const json_t *o)
{
    const json_t *step = json_object_get(o, "step");
    const char *detail = cli_str(o, "detail");
    char number[24] = "";
    if (json_is_integer(step))
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(step));
    printf("%9.3f s  %2s %-8s %s%s%s\n", cli_num(o, "t_s"), number, cli_str(o, "what"),
           json_is_string(json_object_get(o, "text")) ? cli_str(o, "text") : "",
           strcmp(detail, "-") == 0 ? "" : ": ", strcmp(detail, "-") == 0 ? "" : detail);
}

static void print_end(const json_t *o)
{
    const char *reason = cli_str(o, "reason");
    printf("%9.3f s  %s%s%s\n", cli_num(o, "t_s"), cli_str(o, "verdict"),
           strcmp(reason, "-") == 0 ? "" : ": ", strcmp(reason, "-") == 0 ? "" : reason);
    if (cli_num(o, "left") > 0)
        fputs("kedge: not everything could be taken back; kedged tries again at its next start\n",
              stderr);
}

/* ---- the stream ---- */

static bool on_line(void *arg, json_t *o)
{
    struct run *r = arg;
    const char *event = cli_str(o, "event");
    if (strcmp(event, "end") == 0) {
        r->over = true;
        r->passed = strcmp(cli_str(o, "verdict"), "passed") == 0;
    }
    if (r->c->json) {
        json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
    } else if (r->over) {
        print_end(o);
    } else if (strcmp(event, "step") == 0) {
        print_step(o);
    } else {
        printf("drill %s\n", cli_str(o, "drill"));
    }
    fflush(stdout);
    return !r->over;
}

static enum cli_exit ask_abort(const struct cli *c, bool quiet)
{
    json_t *o;
    enum cli_exit e = cli_ask(c, "POST", "/v1/drills/abort", NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json && !quiet)
        cli_print_json(o);
    else if (!quiet)
        printf("drill %s: %s\n", cli_str(o, "drill"), cli_str(o, "state"));
    json_decref(o);
    return CLI_OK;
}

/* Often, while the stream is open: after Ctrl-C the restore is asked for, and then seen. */
static bool on_tick(void *arg)
{
    struct run *r = arg;
    if (interrupted && !r->asked) {
        r->asked = true;
        fputs("kedge: restoring everything; Ctrl-C again to leave that to kedged\n", stderr);
        (void)ask_abort(r->c, true);
    }
    return true;
}

/* ---- requests ---- */

static enum cli_exit ask_once(const struct cli *c, const char *path, const char *text)
{
    json_t *o;
    enum cli_exit e = cli_ask(c, "POST", path, text, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else if (c->dry_run)
        print_plan(o);
    else
        printf("drill %s is running; kedge events --follow shows it, kedge drill abort ends it\n",
               cli_str(o, "drill"));
    json_decref(o);
    return CLI_OK;
}

static enum cli_exit follow(const struct cli *c, const char *path, const char *text)
{
    struct run r = {.c = c};
    catch_interrupts();
    enum cli_exit e = cli_stream_ticking(c, path, text, on_line, on_tick, &r);
    if (e != CLI_OK)
        return e;
    if (!r.over) {
        fputs("kedge: kedged has ended; its guard, or kedged when it starts again, restores\n",
              stderr);
        return CLI_UNREACHABLE;
    }
    return r.passed ? CLI_OK : CLI_FAILED;
}

/* A drill that wants it is rehearsed before: the plan, which the daemon judges, says so. */
static enum cli_exit rehearse_first(const struct cli *c, const char *file, const char *text,
                                    bool *rehearsed)
{
    char path[512] = "/v1/drills/run";
    json_t *plan;
    enum cli_exit e;
    *rehearsed = false;
    if (c->dry_run || c->force)
        return CLI_OK;
    cli_query(path, sizeof(path), "file", file);
    cli_query(path, sizeof(path), "dry", "1");
    e = cli_ask(c, "POST", path, text, &plan);
    if (e != CLI_OK)
        return e;
    *rehearsed = json_is_true(json_object_get(plan, "rehearse"));
    json_decref(plan);
    if (!*rehearsed)
        return CLI_OK;
    e = cli_rehearse(c, file, text);
    if (e != CLI_OK)
        fputs("kedge: nothing was disturbed; mend that, or give --force\n", stderr);
    return e;
}

static enum cli_exit run_text(const struct cli *c, const char *file, const char *text,
                              const char *loose)
{
    char path[1024] = "/v1/drills/run";
    bool rehearsed;
    enum cli_exit e = rehearse_first(c, file, text, &rehearsed);
    if (e != CLI_OK)
        return e;
    cli_query(path, sizeof(path), "file", file);
    cli_query(path, sizeof(path), "loose", loose[0] ? loose : NULL);
    cli_query(path, sizeof(path), "rehearsed", rehearsed ? "1" : NULL);
    cli_query(path, sizeof(path), "dry", c->dry_run ? "1" : NULL);
    cli_query(path, sizeof(path), "force", c->force ? "1" : NULL);
    cli_query(path, sizeof(path), "detach", c->detach ? "1" : NULL);
    return c->dry_run || c->detach ? ask_once(c, path, text) : follow(c, path, text);
}

static enum cli_exit with_file(const struct cli *c, bool run)
{
    char named[256], loose[120] = "";
    const char *file = cli_drill_path(c->argv[0], named, sizeof(named));
    char *text = cli_drill_read(file, loose, sizeof(loose));
    const char *called = strlen(file) < 100 ? file : "drill"; /* in messages */
    enum cli_exit e;
    if (!text)
        return CLI_FAILED;
    e = run ? run_text(c, called, text, loose) : cli_rehearse(c, called, text);
    free(text);
    return e;
}

enum cli_exit cli_drill_run(const struct cli *c)
{
    return with_file(c, true);
}

enum cli_exit cli_drill_rehearse(const struct cli *c)
{
    return with_file(c, false);
}

enum cli_exit cli_drill_abort(const struct cli *c)
{
    return ask_abort(c, false);
}
