/* A plan in words, for the operator, and its commands' words. */
#include "drill/plan.h"

#include <stdio.h>
#include <string.h>

bool drill_step_disturbs(const struct drill_step *s)
{
    return s->kind == DRILL_STEP_SHUTDOWN || s->kind == DRILL_STEP_TUNNEL ||
           s->kind == DRILL_STEP_DRAIN || s->kind == DRILL_STEP_EXEC;
}

bool drill_argv_add(struct drill_argv *a, const char *word)
{
    size_t n = strlen(word) + 1;

    if (a->n == DRILL_ARGV_MAX || a->len + n > sizeof(a->words))
        return false;
    memcpy(a->words + a->len, word, n);
    a->len = (uint16_t)(a->len + n);
    a->n++;
    return true;
}

void drill_argv_get(const struct drill_argv *a, const char *argv[DRILL_ARGV_MAX + 1])
{
    const char *w = a->words;

    for (uint16_t i = 0; i < a->n; i++, w += strlen(w) + 1)
        argv[i] = w;
    argv[a->n] = NULL;
}

/* The words with blanks between; one that holds a blank in quotation marks. */
static void say_argv(const struct drill_argv *a, char *buf, size_t cap)
{
    const char *argv[DRILL_ARGV_MAX + 1];
    size_t at = 0;

    drill_argv_get(a, argv);
    buf[0] = '\0';
    for (uint16_t i = 0; i < a->n && at < cap; i++) {
        const char *q = argv[i][strcspn(argv[i], " \t\"")] || !argv[i][0] ? "\"" : "";
        at += (size_t)snprintf(buf + at, cap - at, "%s%s%s%s", i ? " " : "", q, argv[i], q);
    }
}

/* "1.5s", "300ms": as a file writes it. */
static const char *say_time(uint64_t us, char buf[32])
{
    if (us % KD_S(1) == 0)
        snprintf(buf, 32, "%llus", (unsigned long long)(us / KD_S(1)));
    else
        snprintf(buf, 32, "%llums", (unsigned long long)(us / KD_MS(1)));
    return buf;
}

static void say_shutdown(const struct drill_step *s, char *buf)
{
    char t[32];

    if (s->how == DRILL_GRACEFUL)
        snprintf(buf, DRILL_SAY_MAX, "tag what neighbor %s is told GRACEFUL_SHUTDOWN, and shut it "
                 "down after %s", s->name, say_time(s->after_us, t));
    else
        snprintf(buf, DRILL_SAY_MAX, "shut neighbor %s down%s", s->name,
                 s->how == DRILL_SILENT ? " without a word" : "");
}

static void say_drain(const struct drill_step *s, char *buf)
{
    static const char *const by[] = {"GRACEFUL_SHUTDOWN", "more-specifics over",
                                     "local preference"};
    size_t at = (size_t)snprintf(buf, DRILL_SAY_MAX, "drain neighbor %s by %s", s->name, by[s->by]);

    for (uint32_t i = 0; i < s->n_over && at < DRILL_SAY_MAX; i++)
        at += (size_t)snprintf(buf + at, DRILL_SAY_MAX - at, " %s", s->over_name[i]);
}

static void say_expect(const struct drill_expect *e, char *buf)
{
    char t[32], o[32], path[DRILL_WORD_MAX + 8] = "", outage[64] = "", loss[48] = "";
    const char *const parts[] = {path, outage, loss,
                                 e->routes_unchanged ? "no route lost or new" : ""};
    size_t at = (size_t)snprintf(buf, DRILL_SAY_MAX, "expect");

    if (e->path[0])
        snprintf(path, sizeof(path), "path %s", e->path);
    if (e->has_outage)
        snprintf(outage, sizeof(outage), "an outage of at most %s", say_time(e->outage_max_us, o));
    if (e->has_loss)
        snprintf(loss, sizeof(loss), "at most %u packets lost", e->loss_max);
    for (size_t i = 0, n = 0; i < KD_ARRAY_LEN(parts); i++)
        if (parts[i][0])
            at += (size_t)snprintf(buf + at, DRILL_SAY_MAX - at, "%s %s", n++ ? "," : "", parts[i]);
    snprintf(buf + at, DRILL_SAY_MAX - at, " within %s", say_time(e->within_us, t));
}

const char *drill_step_say(const struct drill_step *s, char buf[DRILL_SAY_MAX])
{
    char t[32];

    buf[0] = '\0';
    switch (s->kind) {
    case DRILL_STEP_SHUTDOWN:
        say_shutdown(s, buf);
        break;
    case DRILL_STEP_ENABLE:
        snprintf(buf, DRILL_SAY_MAX, "enable neighbor %s", s->name);
        break;
    case DRILL_STEP_TUNNEL:
        snprintf(buf, DRILL_SAY_MAX, "take tunnel %s down%s", s->name,
                 s->how == DRILL_SILENT ? " without a word" : "");
        break;
    case DRILL_STEP_DRAIN:
        say_drain(s, buf);
        break;
    case DRILL_STEP_EXEC:
        say_argv(&s->run, buf, DRILL_SAY_MAX);
        break;
    case DRILL_STEP_EXPECT:
        say_expect(&s->expect, buf);
        break;
    case DRILL_STEP_HOLD:
        snprintf(buf, DRILL_SAY_MAX, "hold for %s", say_time(s->after_us, t));
        break;
    case DRILL_STEP_RESTORE:
        snprintf(buf, DRILL_SAY_MAX, "restore everything");
        break;
    case DRILL_STEP_N:
        break;
    }
    return buf;
}

const char *drill_undo_say(const struct drill_step *s, char buf[DRILL_SAY_MAX])
{
    buf[0] = '\0';
    if (s->kind == DRILL_STEP_SHUTDOWN)
        snprintf(buf, DRILL_SAY_MAX, "enable neighbor %s", s->name);
    else if (s->kind == DRILL_STEP_TUNNEL)
        snprintf(buf, DRILL_SAY_MAX, "bring tunnel %s up", s->name);
    else if (s->kind == DRILL_STEP_DRAIN)
        snprintf(buf, DRILL_SAY_MAX, "end the drain of neighbor %s", s->name);
    else if (s->kind == DRILL_STEP_EXEC)
        say_argv(&s->undo, buf, DRILL_SAY_MAX);
    return buf;
}
