/* The judge of a plan: everything it disturbs must be ours to take back. What is refused is said
 * with the step it stands in and the remedy. Nothing here runs anything. */
#include "drill/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MARGIN_US KD_S(60) /* in the limit, for what the steps themselves take */

struct judge {
    struct drill_plan *p;
    const struct drill_world *w;
    drill_fault *say;
    void *arg;
    bool ok;
};

KD_PRINTF(3, 4)
static void fault(struct judge *j, const struct drill_step *s, const char *fmt, ...)
{
    char text[DRILL_SAY_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    j->ok = false;
    j->say(j->arg, s, text);
}

/* ---- names ---- */

static const struct drill_neighbor *neighbor(const struct judge *j, const char *name)
{
    for (uint32_t i = 0; i < j->w->n_neighbors; i++)
        if (strcmp(j->w->neighbor[i].name, name) == 0)
            return &j->w->neighbor[i];
    return NULL;
}

static const struct drill_tunnel *tunnel(const struct judge *j, const char *name)
{
    for (uint32_t i = 0; i < j->w->n_tunnels; i++)
        if (strcmp(j->w->tunnel[i].name, name) == 0)
            return &j->w->tunnel[i];
    return NULL;
}

/* "; there are: a, b" into buf, cut at what fits. */
static const char *known(const struct judge *j, bool tunnels, char *buf, size_t cap)
{
    uint32_t n = tunnels ? j->w->n_tunnels : j->w->n_neighbors;
    size_t at = 0;

    buf[0] = '\0';
    for (uint32_t i = 0; i < n && at + DRILL_WORD_MAX + 16 < cap; i++)
        at += (size_t)snprintf(buf + at, cap - at, "%s%s", i ? ", " : "; there are: ",
                               tunnels ? j->w->tunnel[i].name : j->w->neighbor[i].name);
    return buf;
}

static const struct drill_neighbor *need_neighbor(struct judge *j, struct drill_step *s)
{
    const struct drill_neighbor *n = neighbor(j, s->name);
    char names[128];

    if (!n)
        fault(j, s, "there is no neighbor \"%s\"%s", s->name,
              known(j, false, names, sizeof(names)));
    else
        s->target = n->id;
    return n;
}

/* ---- what came before ---- */

static unsigned number(const struct judge *j, const struct drill_step *s)
{
    return (unsigned)(s - j->p->step) + 1;
}

/* The step that still holds s's name in that kind when s comes; NULL: none. */
static const struct drill_step *under(const struct judge *j, const struct drill_step *s,
                                      enum drill_step_kind kind)
{
    for (const struct drill_step *e = s; e-- > j->p->step;) {
        bool same = strcmp(e->name, s->name) == 0;
        if (e->kind == DRILL_STEP_RESTORE || (e->kind == DRILL_STEP_ENABLE && same))
            return NULL;
        if (e->kind == kind && same)
            return e;
    }
    return NULL;
}

static bool disturbed(const struct judge *j, const struct drill_step *s)
{
    for (const struct drill_step *e = s; e-- > j->p->step;) {
        if (e->kind == DRILL_STEP_RESTORE)
            return false;
        if (drill_step_disturbs(e))
            return true;
    }
    return false;
}

static void not_twice(struct judge *j, const struct drill_step *s, enum drill_step_kind kind,
                      const char *what)
{
    const struct drill_step *before = under(j, s, kind);

    if (before)
        fault(j, s, "\"%s\" is %s by step %u already", s->name, what, number(j, before));
}

/* ---- the steps ---- */

static void judge_shutdown(struct judge *j, struct drill_step *s)
{
    const struct drill_neighbor *n = need_neighbor(j, s);

    if (!n)
        return;
    if (n->admin_down)
        fault(j, s,
              "neighbor \"%s\" is shut down already: a restore would enable it; enable it first "
              "(kedge neighbor enable %s)",
              s->name, s->name);
    if (s->how == DRILL_GRACEFUL && n->azure)
        fault(j, s,
              "neighbor \"%s\" is Azure's, which ignores customers' communities: graceful moves "
              "nothing there; allowed: drain by more-specific, then how: announced",
              s->name);
    not_twice(j, s, DRILL_STEP_SHUTDOWN, "shut down");
}

static void judge_enable(struct judge *j, struct drill_step *s)
{
    if (need_neighbor(j, s) && !under(j, s, DRILL_STEP_SHUTDOWN))
        fault(j, s, "no step before has shut \"%s\" down; allowed: what this drill itself has shut",
              s->name);
}

static void judge_tunnel(struct judge *j, struct drill_step *s)
{
    const struct drill_tunnel *t = tunnel(j, s->name);
    char names[128];

    if (!t) {
        fault(j, s, "there is no tunnel \"%s\"%s", s->name, known(j, true, names, sizeof(names)));
        return;
    }
    s->target = t->id;
    if (t->disabled)
        fault(j, s,
              "tunnel \"%s\" is down by command already: a restore would bring it up; bring it up "
              "first (kedge up %s)",
              s->name, s->name);
    if (t->responder && s->how == DRILL_ANNOUNCED)
        fault(j, s,
              "tunnel \"%s\" only answers (role: responder): once deleted it isn't ours to bring "
              "back; allowed: how: silent, or role: both",
              s->name);
    not_twice(j, s, DRILL_STEP_TUNNEL, "taken down");
}

/* What nobody named goes over every tunnel's neighbor but itself. */
static void default_over(struct judge *j, struct drill_step *s)
{
    for (uint32_t i = 0; i < j->w->n_neighbors && s->n_over < DRILL_OVER_MAX; i++)
        if (j->w->neighbor[i].tunnel && j->w->neighbor[i].id != s->target) {
            snprintf(s->over_name[s->n_over], DRILL_WORD_MAX, "%s", j->w->neighbor[i].name);
            s->over[s->n_over++] = j->w->neighbor[i].id;
        }
    if (s->n_over == 0)
        fault(j, s,
              "no tunnel has a neighbor that the more-specifics could go over; name one with over: "
              "[NEIGHBOR]");
}

static void judge_over(struct judge *j, struct drill_step *s)
{
    char names[128];

    for (uint32_t i = 0; i < s->n_over; i++) {
        const struct drill_neighbor *o = neighbor(j, s->over_name[i]);
        if (!o)
            fault(j, s, "over: there is no neighbor \"%s\"%s", s->over_name[i],
                  known(j, false, names, sizeof(names)));
        else if (o->id == s->target)
            fault(j, s, "over: \"%s\" is the one being drained", s->over_name[i]);
        else
            s->over[i] = o->id;
    }
    if (s->n_over == 0)
        default_over(j, s);
}

static void judge_drain(struct judge *j, struct drill_step *s)
{
    const struct drill_neighbor *n = need_neighbor(j, s);

    if (!n)
        return;
    if (s->by == DRILL_BY_GSHUT && n->azure)
        fault(j, s,
              "neighbor \"%s\" is Azure's: Microsoft ignores customers' communities, gshut moves "
              "nothing there; allowed: by: more-specific",
              s->name);
    if (under(j, s, DRILL_STEP_SHUTDOWN))
        fault(j, s, "\"%s\" is shut down by step %u: nothing is left to drain; drain it before",
              s->name, number(j, under(j, s, DRILL_STEP_SHUTDOWN)));
    not_twice(j, s, DRILL_STEP_DRAIN, "drained");
    if (s->by == DRILL_BY_MORE_SPECIFIC)
        judge_over(j, s);
    else if (s->n_over > 0)
        fault(j, s, "over belongs to by: more-specific");
}

static void judge_exec(struct judge *j, struct drill_step *s)
{
    if (j->p->rehearse)
        fault(j, s, "a drill that is rehearsed has no exec: what a program does isn't in the "
                    "simulator; leave out rehearse, or exec");
    if (s->run.n == 0 || s->run.words[0] != '/')
        fault(j, s, "do begins with a program's absolute path; no shell reads it: "
                    "[/usr/bin/vtysh, -c, ...]");
    if (s->undo.n == 0 || s->undo.words[0] != '/')
        fault(j, s, "undo is what takes it back, as do with an absolute path; where there is "
                    "nothing to take back: [/bin/true]");
}

static void judge_expect(struct judge *j, struct drill_step *s)
{
    const struct drill_expect *e = &s->expect;

    if (!e->path[0] && !e->has_outage && !e->has_loss && !e->routes_unchanged)
        fault(j, s, "nothing is expected; allowed: path, outage_max, loss_max, routes_unchanged");
    if (!j->p->probe.on && (e->path[0] || e->has_outage || e->has_loss))
        fault(j, s,
              "path, outage_max and loss_max need a probe: probe: {agent: NAME, to: ADDRESS}, or "
              "from: ADDRESS, one of ours, instead of agent");
}

static void judge_step(struct judge *j, struct drill_step *s)
{
    switch (s->kind) {
    case DRILL_STEP_SHUTDOWN:
        judge_shutdown(j, s);
        break;
    case DRILL_STEP_ENABLE:
        judge_enable(j, s);
        break;
    case DRILL_STEP_TUNNEL:
        judge_tunnel(j, s);
        break;
    case DRILL_STEP_DRAIN:
        judge_drain(j, s);
        break;
    case DRILL_STEP_EXEC:
        judge_exec(j, s);
        break;
    case DRILL_STEP_EXPECT:
        judge_expect(j, s);
        break;
    case DRILL_STEP_RESTORE:
        if (!disturbed(j, s))
            fault(j, s, "nothing before it is to be restored");
        break;
    case DRILL_STEP_HOLD:
    case DRILL_STEP_N:
        break;
    }
}

/* The time the steps may take, an exec's undo as well. */
static uint64_t limit(const struct drill_plan *p)
{
    uint64_t us = MARGIN_US;

    for (uint32_t i = 0; i < p->n; i++)
        us += p->step[i].after_us * (p->step[i].kind == DRILL_STEP_EXEC ? 2 : 1) +
              p->step[i].expect.within_us;
    return us;
}

bool drill_plan_judge(struct drill_plan *p, const struct drill_world *w, drill_fault *say,
                      void *arg)
{
    struct judge j = {p, w, say, arg, true};

    for (uint32_t i = 0; i < p->n; i++)
        judge_step(&j, &p->step[i]);
    p->limit_us = limit(p);
    if (p->limit_us > DRILL_TIME_MAX_US && p->n > 0)
        fault(&j, &p->step[p->n - 1], "the steps may take %llu h; allowed: 24",
              (unsigned long long)(p->limit_us / KD_S(3600)));
    return j.ok;
}
