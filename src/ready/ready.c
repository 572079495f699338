/* Readiness over time: which tunnels are backups, whose turn it is, since when a reason holds, and
 * what has changed. A second is cut into as many turns as it takes, so that a thousand tunnels are
 * not judged in one piece. */
#include "ready/ready.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUND_US KD_S(1)
#define A_TURN   32u     /* tunnels */
#define AFTER_US KD_S(5) /* of a drill: until what it moved is back with everyone */

struct unit {
    bool judged;
    enum ready_verdict verdict;
    uint64_t since_us;
    uint32_t n, codes; /* codes: a bit each */
    struct ready_reason *reason;
    struct ready_memory memory;
};

struct ready {
    uint32_t n, next;
    struct unit *unit;           /* by tunnel */
    uint64_t at_us, drilling_us; /* drilling_us: a drill ran then; 0: none did */
    struct ready_drill drill;
};

struct ready *ready_new(void)
{
    return calloc(1, sizeof(struct ready));
}

void ready_free(struct ready *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->n; i++)
        free(r->unit[i].reason);
    free(r->unit);
    free(r);
}

void ready_set_drill(struct ready *r, const struct ready_drill *d)
{
    r->drill = *d;
}

const struct ready_drill *ready_last_drill(const struct ready *r)
{
    return &r->drill;
}

/* Named, or all; but one in a table of its own has nothing there that it could stand behind. */
static bool is_backup(const struct core *core, uint32_t tunnel)
{
    const struct core_config *cfg = core_configuration(core);
    const struct core_readiness *c = &cfg->readiness;

    for (uint32_t i = 0; i < c->n_backup; i++)
        if (c->backup[i] == tunnel)
            return true;
    return c->n_backup == 0 && cfg->tunnels[tunnel].table == cfg->table;
}

static uint64_t since_of(const struct unit *u, enum ready_code code, uint64_t now_us)
{
    for (uint32_t i = 0; i < u->n; i++)
        if (u->reason[i].code == code)
            return u->reason[i].since_us;
    return now_us;
}

/* False: out of memory, the unit is as before. */
static bool keep(struct unit *u, struct ready_judgement *j, uint64_t now_us)
{
    struct ready_reason *list;

    for (uint32_t i = 0; i < j->n; i++)
        j->reason[i].since_us = since_of(u, j->reason[i].code, now_us);
    list = malloc((j->n + 1) * sizeof(*list));
    if (!list)
        return false;
    memcpy(list, j->reason, j->n * sizeof(*list));
    free(u->reason);
    u->reason = list;
    u->n = j->n;
    return true;
}

static const char *codes_text(const struct unit *u, char *buf, size_t cap)
{
    size_t at = 0;

    buf[0] = '\0';
    for (uint32_t i = 0; i < u->n && at < cap; i++)
        at += (size_t)snprintf(buf + at, cap - at, "%s%s", i ? ", " : "",
                               ready_code_names[u->reason[i].code]);
    return buf;
}

/* What a drill has moved takes a moment to come back. */
static bool drilling(struct ready *r, const struct ready_env *env)
{
    if (env->drilling)
        r->drilling_us = env->now_us;
    return r->drilling_us && env->now_us - r->drilling_us < AFTER_US;
}

static void judge(struct ready *r, const struct ready_env *env, uint32_t tunnel,
                  ready_changed *changed, void *arg)
{
    struct unit *u = &r->unit[tunnel];
    struct ready_judgement j;
    struct ready_facts f;
    uint32_t codes = 0;
    char text[512];

    ready_facts(env, tunnel, &u->memory, &f);
    f.drill = r->drill;
    ready_judge(&f, &j);
    if (!keep(u, &j, env->now_us))
        return;
    for (uint32_t i = 0; i < j.n; i++)
        codes |= 1u << j.reason[i].code;
    if (u->judged && u->verdict == j.verdict && u->codes == codes)
        return;
    if (!u->judged || u->verdict != j.verdict)
        u->since_us = env->now_us;
    u->judged = true;
    u->verdict = j.verdict;
    u->codes = codes;
    changed(arg, tunnel, u->verdict, codes_text(u, text, sizeof(text)));
}

/* It is no backup any more. */
static void forget(struct unit *u)
{
    free(u->reason);
    *u = (struct unit){0};
}

static bool grow(struct ready *r, uint32_t n)
{
    struct unit *u;

    if (r->n >= n)
        return true;
    u = realloc(r->unit, n * sizeof(*u));
    if (!u)
        return false;
    memset(u + r->n, 0, (n - r->n) * sizeof(*u));
    r->unit = u;
    r->n = n;
    return true;
}

uint64_t ready_step(struct ready *r, const struct ready_env *env, ready_changed *changed, void *arg)
{
    uint32_t n = core_tunnels(env->core), turn = KD_MIN(n, A_TURN);
    struct ready_env now = *env;

    if (env->now_us < r->at_us)
        return r->at_us;
    now.drilling = drilling(r, env);
    r->at_us = env->now_us + (n > A_TURN ? ROUND_US * A_TURN / n : ROUND_US);
    for (uint32_t i = 0; i < turn && grow(r, n); i++, r->next++)
        if (is_backup(env->core, r->next % n))
            judge(r, &now, r->next % n, changed, arg);
        else
            forget(&r->unit[r->next % n]);
    return r->at_us;
}

bool ready_get(const struct ready *r, uint32_t tunnel, struct ready_view *v)
{
    const struct unit *u = tunnel < r->n ? &r->unit[tunnel] : NULL;

    if (!u || !u->judged)
        return false;
    *v = (struct ready_view){.verdict = u->verdict,
                             .since_us = u->since_us,
                             .n = u->n,
                             .reason = u->reason,
                             .in = &u->memory.routes_in,
                             .out = &u->memory.routes_out};
    return true;
}

enum ready_verdict ready_worst(const struct ready *r, bool for_drill)
{
    enum ready_verdict worst = READY_READY;
    bool any = false;

    for (uint32_t i = 0; i < r->n; i++)
        any |= r->unit[i].judged;
    if (!any)
        return READY_NOT;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->unit[i].n; k++)
            if (!for_drill || !ready_is_drill(r->unit[i].reason[k].code))
                worst = KD_MAX(worst, r->unit[i].reason[k].verdict);
    return worst;
}
