/* A drill's file: YAML text into a plan, by the same tables and with the same errors as the
 * configuration, and then the plan's own judge. No I/O. */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

#define STEP_TIME_MAX KD_S(24 * 3600)

/* ---- values ---- */

/* A list of words; a line for a shell is refused. */
static void read_word(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    if (!cfg_val(c, n, &v))
        return;
    if (!drill_argv_add(obj, v.s))
        cfg_error(c, v.at, "too long; allowed: %d words of together %d bytes", DRILL_ARGV_MAX,
                  DRILL_ARGV_LEN);
}

static void read_argv(struct cfg *c, yaml_node_t *n, void *obj)
{
    if (n->type == YAML_SCALAR_NODE)
        cfg_error(c, cfg_at(n),
                  "a command is a list of words, which no shell reads: [/usr/bin/program, word]; "
                  "for a shell: [/bin/sh, -c, \"...\"]");
    else
        cfg_list(c, n, 1, DRILL_ARGV_MAX, read_word, obj);
}

static void read_over(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_name = {
        .name = "over", .type = CFG_NAME, .size = DRILL_WORD_MAX};
    struct drill_step *s = obj;
    struct cfg_val v;
    if (cfg_val(c, n, &v) && cfg_scalar(c, &as_name, &v, s->over_name[s->n_over]))
        s->n_over++;
}

static void read_overs(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_list(c, n, 1, DRILL_OVER_MAX, read_over, obj);
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "02:00" as minutes of the day. */
static void read_minute(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    unsigned h = 24, m = 60;
    if (!cfg_val(c, n, &v))
        return;
    if (v.len == 5 && digit(v.s[0]) && digit(v.s[1]) && v.s[2] == ':' && digit(v.s[3]) &&
        digit(v.s[4])) {
        h = (unsigned)((v.s[0] - '0') * 10 + v.s[1] - '0');
        m = (unsigned)((v.s[3] - '0') * 10 + v.s[4] - '0');
    }
    if (h > 23 || m > 59)
        cfg_error(c, v.at, "%s; allowed: \"00:00\" to \"23:59\", in quotation marks",
                  cfg_quote(&v, quote));
    else
        *(uint16_t *)obj = (uint16_t)(h * 60 + m);
}

static const struct cfg_word day_words[] = {{"sun", 1u << 0}, {"mon", 1u << 1}, {"tue", 1u << 2},
                                            {"wed", 1u << 3}, {"thu", 1u << 4}, {"fri", 1u << 5},
                                            {"sat", 1u << 6}, {NULL, 0}};

static void read_day(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_day = {
        .name = "days", .type = CFG_WORD, .size = 1, .words = day_words};
    uint8_t day, *days = obj;
    struct cfg_val v;
    if (cfg_val(c, n, &v) && cfg_scalar(c, &as_day, &v, &day))
        *days |= day;
}

static void read_days(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_list(c, n, 1, 7, read_day, obj);
}

/* ---- window, probe, report ---- */

#define P struct drill_plan
enum { W_DAYS, W_FROM, W_TO, W_ZONE, W_N };
static const struct cfg_key window_keys[W_N] = {
    [W_DAYS] = {.name = "days", .type = CFG_OWN, .required = true, CFG_AT(P, window.days),
                .parse = read_days},
    [W_FROM] = {.name = "from", .type = CFG_OWN, .required = true, CFG_AT(P, window.from_min),
                .parse = read_minute},
    [W_TO] = {.name = "to", .type = CFG_OWN, .required = true, CFG_AT(P, window.to_min),
              .parse = read_minute},
    [W_ZONE] = {.name = "timezone", .type = CFG_TEXT, CFG_AT(P, window.timezone), .def = "UTC"},
};
static const struct cfg_table window_table = {"window", false, W_N, window_keys};

/* The name of a file below the zones' directory, and nothing else. */
static bool zone_ok(const char *s)
{
    if (s[0] == '/' || strstr(s, ".."))
        return false;
    for (; *s; s++)
        if (!(digit(*s) || (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
              strchr("/_+-", *s)))
            return false;
    return true;
}

static void read_window(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[W_N];
    struct drill_plan *p = obj;
    cfg_map(c, n, &window_table, p, at);
    p->window.on = true;
    if (at[W_FROM].line && at[W_TO].line && p->window.from_min == p->window.to_min)
        cfg_error(c, at[W_TO], ".to: the window ends when it begins");
    if (at[W_ZONE].line && !zone_ok(p->window.timezone))
        cfg_error(c, at[W_ZONE], ".timezone: allowed: a zone's name, as Europe/Berlin or UTC");
}

enum { B_AGENT, B_FROM, B_TO, B_UDP, B_EVERY, B_N };
static const struct cfg_key probe_keys[B_N] = {
    [B_AGENT] = {.name = "agent", .type = CFG_NAME, CFG_AT(P, probe.agent)},
    [B_FROM] = {.name = "from", .type = CFG_ADDR, CFG_AT(P, probe.from)},
    [B_TO] = {.name = "to", .type = CFG_ADDR, .required = true, CFG_AT(P, probe.to)},
    [B_UDP] = {.name = "udp", .type = CFG_UINT, CFG_AT(P, probe.port), .min = 1, .max = 65535},
    [B_EVERY] = {.name = "every",
                 .type = CFG_DURATION,
                 CFG_AT(P, probe.every_us),
                 .unit = 1,
                 .min = KD_MS(1),
                 .max = KD_S(10),
                 .def = "10ms"},
};
static const struct cfg_table probe_table = {"probe", false, B_N, probe_keys};

static void read_probe(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[B_N];
    struct drill_plan *p = obj;
    cfg_map(c, n, &probe_table, p, at);
    p->probe.on = true;
    if (!at[B_AGENT].line && !at[B_FROM].line)
        cfg_error(c, cfg_at(n),
                  "\"agent\" is missing (its name, on another host), or \"from\" (an "
                  "address of this one)");
    if (p->probe.from.family && p->probe.to.family && p->probe.from.family != p->probe.to.family)
        cfg_error(c, at[B_FROM], ".from: not of the family of \"to\"");
}

static const struct cfg_key report_keys[] = {
    {.name = "html", .type = CFG_WORD, CFG_AT(P, html), .words = cfg_bool_words, .def = "true"},
    {.name = "json", .type = CFG_WORD, CFG_AT(P, json), .words = cfg_bool_words, .def = "true"},
};
static const struct cfg_table report_table = {"report", false, KD_ARRAY_LEN(report_keys),
                                              report_keys};
#undef P

/* ---- the steps' own keys: objects are the step ---- */

#define S struct drill_step
#define NEIGHBOR_ROW                                                                               \
    {                                                                                              \
        .name = "neighbor", .type = CFG_NAME, .required = true, CFG_AT(S, name)                    \
    }

static const struct cfg_word how_words[] = {
    {"announced", DRILL_ANNOUNCED}, {"graceful", DRILL_GRACEFUL}, {"silent", DRILL_SILENT},
    {NULL, 0}};
static const struct cfg_key shutdown_keys[] = {
    NEIGHBOR_ROW,
    {.name = "how", .type = CFG_WORD, CFG_AT(S, how), .words = how_words, .def = "announced"},
    {.name = "after", .type = CFG_DURATION, CFG_AT(S, after_us), .unit = 1, .min = KD_MS(100),
     .max = KD_S(3600)},
};
static const struct cfg_table shutdown_table = {"shutdown", false, 3, shutdown_keys};

static const struct cfg_key enable_keys[] = {NEIGHBOR_ROW};
static const struct cfg_table enable_table = {"enable", false, 1, enable_keys};

static const struct cfg_word tunnel_words[] = {
    {"down", DRILL_ANNOUNCED}, {"silent", DRILL_SILENT}, {NULL, 0}};
static const struct cfg_key tunnel_keys[] = {
    {.name = "name", .type = CFG_NAME, .required = true, CFG_AT(S, name)},
    {.name = "how", .type = CFG_WORD, CFG_AT(S, how), .words = tunnel_words, .def = "down"},
};
static const struct cfg_table tunnel_table = {"tunnel", false, 2, tunnel_keys};

static const struct cfg_word by_words[] = {{"gshut", DRILL_BY_GSHUT},
                                           {"more-specific", DRILL_BY_MORE_SPECIFIC},
                                           {"local-pref", DRILL_BY_LOCAL_PREF},
                                           {NULL, 0}};
static const struct cfg_key drain_keys[] = {
    NEIGHBOR_ROW,
    {.name = "by", .type = CFG_WORD, .required = true, CFG_AT(S, by), .words = by_words},
    {.name = "over", .type = CFG_OWN, .parse = read_overs},
};
static const struct cfg_table drain_table = {"drain", false, 3, drain_keys};

static const struct cfg_key exec_keys[] = {
    {.name = "do", .type = CFG_OWN, .required = true, CFG_AT(S, run), .parse = read_argv},
    {.name = "undo", .type = CFG_OWN, .required = true, CFG_AT(S, undo), .parse = read_argv},
    {.name = "timeout", .type = CFG_DURATION, CFG_AT(S, after_us), .unit = 1, .min = KD_MS(100),
     .max = KD_S(600), .def = "30s"},
};
static const struct cfg_table exec_table = {"exec", false, 3, exec_keys};

enum { E_PATH, E_OUTAGE, E_LOSS, E_ROUTES, E_WITHIN, E_N };
static const struct cfg_key expect_keys[E_N] = {
    [E_PATH] = {.name = "path", .type = CFG_NAME, CFG_AT(S, expect.path)},
    [E_OUTAGE] = {.name = "outage_max", .type = CFG_DURATION, CFG_AT(S, expect.outage_max_us),
                  .unit = 1, .max = STEP_TIME_MAX},
    [E_LOSS] = {.name = "loss_max", .type = CFG_UINT, CFG_AT(S, expect.loss_max),
                .max = UINT32_MAX},
    [E_ROUTES] = {.name = "routes_unchanged", .type = CFG_WORD, CFG_AT(S, expect.routes_unchanged),
                  .words = cfg_bool_words},
    [E_WITHIN] = {.name = "within", .type = CFG_DURATION, CFG_AT(S, expect.within_us), .unit = 1,
                  .max = STEP_TIME_MAX, .def = "10s"},
};
static const struct cfg_table expect_table = {"expect", false, E_N, expect_keys};

static void step_start(struct drill_step *s, enum drill_step_kind kind)
{
    s->kind = kind;
}

static void read_shutdown(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[3];
    struct drill_step *s = obj;
    step_start(s, DRILL_STEP_SHUTDOWN);
    cfg_map(c, n, &shutdown_table, s, at);
    if (s->how == DRILL_GRACEFUL && !at[2].line)
        s->after_us = KD_S(10);
    if (s->how != DRILL_GRACEFUL && at[2].line)
        cfg_error(c, at[2], ".after: only with how: graceful");
}

static void read_enable(struct cfg *c, yaml_node_t *n, void *obj)
{
    step_start(obj, DRILL_STEP_ENABLE);
    cfg_map(c, n, &enable_table, obj, NULL);
}

static void read_tunnel(struct cfg *c, yaml_node_t *n, void *obj)
{
    step_start(obj, DRILL_STEP_TUNNEL);
    cfg_map(c, n, &tunnel_table, obj, NULL);
}

static void read_drain(struct cfg *c, yaml_node_t *n, void *obj)
{
    step_start(obj, DRILL_STEP_DRAIN);
    cfg_map(c, n, &drain_table, obj, NULL);
}

static void read_exec(struct cfg *c, yaml_node_t *n, void *obj)
{
    step_start(obj, DRILL_STEP_EXEC);
    cfg_map(c, n, &exec_table, obj, NULL);
}

static void read_expect(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[E_N];
    struct drill_step *s = obj;
    step_start(s, DRILL_STEP_EXPECT);
    cfg_map(c, n, &expect_table, s, at);
    s->expect.has_outage = at[E_OUTAGE].line > 0;
    s->expect.has_loss = at[E_LOSS].line > 0;
}

static void read_hold(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_time = {.name = "hold", .type = CFG_DURATION,
                                           CFG_AT(S, after_us), .unit = 1, .min = KD_MS(1),
                                           .max = STEP_TIME_MAX};
    struct drill_step *s = obj;
    struct cfg_val v;
    step_start(s, DRILL_STEP_HOLD);
    if (cfg_val(c, n, &v))
        cfg_scalar(c, &as_time, &v, &s->after_us);
}

static void read_restore(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    step_start(obj, DRILL_STEP_RESTORE);
    if (cfg_val(c, n, &v) && strcmp(v.s, "all") != 0)
        cfg_error(c, v.at, "%s; allowed: all", cfg_quote(&v, quote));
}
#undef S

/* ---- steps ---- */

static const struct cfg_key step_keys[] = {
    {.name = "shutdown", .type = CFG_OWN, .parse = read_shutdown},
    {.name = "enable", .type = CFG_OWN, .parse = read_enable},
    {.name = "tunnel", .type = CFG_OWN, .parse = read_tunnel},
    {.name = "drain", .type = CFG_OWN, .parse = read_drain},
    {.name = "exec", .type = CFG_OWN, .parse = read_exec},
    {.name = "expect", .type = CFG_OWN, .parse = read_expect},
    {.name = "hold", .type = CFG_OWN, .parse = read_hold},
    {.name = "restore", .type = CFG_OWN, .parse = read_restore},
};
static const struct cfg_table step_table = {"a step", false, KD_ARRAY_LEN(step_keys), step_keys};

static void read_step(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[KD_ARRAY_LEN(step_keys)];
    struct drill_plan *p = obj;
    struct drill_step *s = &p->step[p->n];
    unsigned given = 0;
    s->line = cfg_at(n).line;
    s->col = cfg_at(n).col;
    cfg_map(c, n, &step_table, s, at);
    if (n->type != YAML_MAPPING_NODE)
        return;
    for (size_t i = 0; i < KD_ARRAY_LEN(step_keys); i++)
        given += at[i].line > 0;
    if (given > 1 || n->data.mapping.pairs.start == n->data.mapping.pairs.top)
        cfg_error(c, cfg_at(n), "a step does one thing; allowed: shutdown, enable, tunnel, drain, "
                                "exec, expect, hold or restore");
    p->n++;
}

static void read_steps(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_list(c, n, 1, DRILL_STEPS_MAX, read_step, obj);
}

/* ---- the file ---- */

static const struct cfg_word ready_words[] = {{"ready", true}, {NULL, 0}};

#define P struct drill_plan
static const struct cfg_key drill_keys[] = {
    {.name = "drill", .type = CFG_NAME, .required = true, CFG_AT(P, name)},
    {.name = "window", .type = CFG_OWN, .parse = read_window},
    {.name = "require", .type = CFG_WORD, CFG_AT(P, require_ready), .words = ready_words},
    {.name = "rehearse", .type = CFG_WORD, CFG_AT(P, rehearse), .words = cfg_bool_words},
    {.name = "probe", .type = CFG_OWN, .parse = read_probe},
    {.name = "steps", .type = CFG_OWN, .required = true, .parse = read_steps},
    {.name = "lease", .type = CFG_DURATION, CFG_AT(P, lease_us), .unit = 1, .min = KD_S(1),
     .max = KD_S(600), .def = "10s"},
    {.name = "report", .type = CFG_MAP, .table = &report_table},
};
#undef P
static const struct cfg_table drill_table = {"a drill", false, KD_ARRAY_LEN(drill_keys),
                                             drill_keys};

static void on_fault(void *arg, const struct drill_step *where, const char *text)
{
    const struct cfg_where at = {where->line, where->col};
    cfg_error(arg, at, "%s", text);
}

bool config_drill_parse(struct kd_bytes text, const char *file, const struct drill_world *w,
                        struct drill_plan *out, struct config_errors *errs)
{
    const struct config_env env = {.crypto = NULL};
    struct cfg c = {.env = &env, .errs = errs};
    yaml_document_t doc;
    bool ok;
    memset(out, 0, sizeof(*out));
    memset(errs, 0, sizeof(*errs));
    snprintf(errs->file, sizeof(errs->file), "%s", file);
    if (cfg_load(&c, text, &doc)) {
        c.doc = &doc;
        cfg_map(&c, yaml_document_get_root_node(&doc), &drill_table, out, NULL);
        cfg_unload(&doc);
    }
    ok = errs->n == 0 && drill_plan_judge(out, w, on_fault, &c);
    cfg_sort(errs);
    return ok;
}
