/* kedge drill run, abort: the file goes to the daemon, its news come back as they happen. The
 * connection is the lease: Ctrl-C asks for the restore and stays to see it; if this process dies,
 * the daemon restores by itself. */
#include "cli/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (64 * 1024) /* the daemon takes no larger body */

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

/* ---- the file ---- */

#define DIRECTORY "/etc/kedge/drills"

/* A drill that is named, and no file, is one of the directory's. */
static const char *file_of(const char *name, char *buf, size_t cap)
{
    if (strchr(name, '/') || strchr(name, '.'))
        return name;
    snprintf(buf, cap, DIRECTORY "/%s.yaml", name);
    return buf;
}

/* Who else could have put commands into it, or another file in its place: a clause; "" nobody. A
 * directory with the sticky bit (/tmp) leaves a file to its owner. */
static const char *looseness(FILE *f, const char *name, char *buf, size_t cap)
{
    char path[PATH_MAX] = "";
    struct stat st, dir;
    bool known = fstat(fileno(f), &st) == 0 && realpath(name, path) &&
                 stat(dirname(path), &dir) == 0;
    buf[0] = '\0';
    if (!known)
        snprintf(buf, cap, "its owner isn't known");
    else if (st.st_uid != 0)
        snprintf(buf, cap, "the file belongs to user %u", (unsigned)st.st_uid);
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        snprintf(buf, cap, "not only root may write to the file (mode %04o)", st.st_mode & 07777);
    else if (dir.st_uid != 0)
        snprintf(buf, cap, "its directory belongs to user %u", (unsigned)dir.st_uid);
    else if ((dir.st_mode & (S_IWGRP | S_IWOTH)) && !(dir.st_mode & S_ISVTX))
        snprintf(buf, cap, "not only root may write to its directory (mode %04o)",
                 dir.st_mode & 07777);
    return buf;
}

static char *read_file(const char *name, char *loose, size_t cap)
{
    FILE *f = fopen(name, "re");
    char *text = f ? calloc(1, FILE_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
    bool ok = text && !ferror(f) && n <= FILE_MAX;
    if (!f || (text && ferror(f)))
        fprintf(stderr, "kedge: %s: %s\n", name, strerror(errno));
    else if (!ok)
        fprintf(stderr, "kedge: %s: larger than %d bytes\n", name, FILE_MAX);
    if (f)
        looseness(f, name, loose, cap);
    if (f)
        fclose(f);
    if (ok && strlen(text) == n)
        return text;
    if (ok)
        fprintf(stderr, "kedge: %s: holds a NUL character\n", name);
    free(text);
    return NULL;
}

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

enum cli_exit cli_drill_run(const struct cli *c)
{
    char path[1024] = "/v1/drills/run", named[256], loose[120] = "";
    const char *file = file_of(c->argv[0], named, sizeof(named));
    char *text = read_file(file, loose, sizeof(loose));
    if (!text)
        return CLI_FAILED;
    cli_query(path, sizeof(path), "file", strlen(file) < 100 ? file : "drill");
    cli_query(path, sizeof(path), "loose", loose[0] ? loose : NULL);
    cli_query(path, sizeof(path), "dry", c->dry_run ? "1" : NULL);
    cli_query(path, sizeof(path), "force", c->force ? "1" : NULL);
    cli_query(path, sizeof(path), "detach", c->detach ? "1" : NULL);
    enum cli_exit e =
        c->dry_run || c->detach ? ask_once(c, path, text) : follow(c, path, text);
    free(text);
    return e;
}

enum cli_exit cli_drill_abort(const struct cli *c)
{
    return ask_abort(c, false);
}
