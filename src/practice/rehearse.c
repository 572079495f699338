/* A plan run on the simulated network: the drill's own state machine in virtual time. Its journal
 * is nobody's, its probe an echo request each interval that the mirrors answer or don't. */
#include "practice/rehearse.h"

#include "practice/stage.h"

#include <stdio.h>
#include <stdlib.h>

#define QUEUE       32
#define TICK_MIN_US KD_MS(5)
#define IN_FLIGHT   16 /* ticks until a packet counts as lost: more than there and back take */

struct rehearsal {
    struct stage st;
    struct drill_run *run;
    struct drill_run_out out;
    struct practice_base base;
    struct rehearse_end *end;
    rehearsal_say *say;
    void *arg;
    uint64_t start_us;
    struct queued {
        struct drill_run_ev ev;
        struct drill_seen seen;
        char text[128];
    } queue[QUEUE];
    uint32_t head, tail;
    struct {
        bool on;
        char from[KD_ADDR_STR_MAX], to[KD_ADDR_STR_MAX];
        uint64_t every_us, next_us;
        uint32_t pongs_at;           /* when it began */
        uint64_t sent, before[IN_FLIGHT]; /* sent so many ticks ago */
        uint64_t good_us;            /* the last answer came */
        uint64_t mark_us, mark_lost, outage_us; /* the longest since the mark */
        char path[DRILL_WORD_MAX];   /* in use, as last seen */
        uint64_t path_us;            /* since when */
    } probe;
};

/* ---- the probe ---- */

static uint64_t lost(const struct rehearsal *r)
{
    uint64_t due = r->probe.before[IN_FLIGHT - 1];
    uint64_t came = r->st.us->pongs - r->probe.pongs_at;

    return due > came ? due - came : 0;
}

static bool answers(const struct rehearsal *r)
{
    return r->st.us->pongs != r->probe.pongs_at &&
           r->st.sim->now_us - r->probe.good_us <= IN_FLIGHT * r->probe.every_us;
}

/* How long nothing came, beyond the interval. */
static void note_gap(struct rehearsal *r, uint64_t until_us)
{
    uint64_t since = KD_MAX(r->probe.good_us, r->probe.mark_us);
    uint64_t usual = r->probe.every_us + 2 * STAGE_LATENCY_US, gap = until_us - since;

    if (until_us > since && gap > usual)
        r->probe.outage_us = KD_MAX(r->probe.outage_us, gap);
}

static void hear(struct rehearsal *r)
{
    const struct sim_gw *us = r->st.us;

    if (us->pongs != r->probe.pongs_at && us->pong_us > r->probe.good_us) {
        note_gap(r, us->pong_us);
        r->probe.good_us = us->pong_us;
    }
}

static void tick(struct rehearsal *r)
{
    hear(r);
    memmove(&r->probe.before[1], r->probe.before, sizeof(r->probe.before) - sizeof(uint64_t));
    r->probe.before[0] = r->probe.sent++;
    (void)sim_gw_ping(r->st.us, r->probe.from, r->probe.to);
    sim_gw_run(r->st.us);
    r->probe.next_us += r->probe.every_us;
}

/* As the drill names it. */
static const char *path_name(const struct core *core, const struct drill_probe_plan *p)
{
    uint32_t peer = practice_way(core, p);
    const char *name;

    if (peer == CORE_NO_PEER)
        return "";
    name = probe_name_by_peer(&core_configuration(core)->paths, peer);
    return name[0] ? name : core_peer_config(core, peer)->name;
}

/* Nothing is in doubt here: what isn't answered in time won't be. */
static void see(struct rehearsal *r, struct drill_seen *s)
{
    const char *path = path_name(r->st.us->core, &drill_run_plan(r->run)->probe);
    uint64_t left_us;

    hear(r);
    note_gap(r, r->st.sim->now_us);
    left_us = r->probe.good_us - 2 * STAGE_LATENCY_US; /* its answer came then */
    if (strcmp(path, r->probe.path) != 0) {
        snprintf(r->probe.path, sizeof(r->probe.path), "%s", path);
        r->probe.path_us = r->st.sim->now_us;
    }
    s->probing = answers(r);
    memcpy(s->path, r->probe.path, sizeof(s->path));
    s->known.carried_us = left_us > r->probe.path_us ? left_us : 0;
    s->known.lost = s->known.lost_maybe = lost(r) - r->probe.mark_lost;
    s->known.outage_us = s->known.outage_maybe_us = r->probe.outage_us;
}

/* ---- actions ---- */

static void feed(struct rehearsal *r, const struct drill_run_ev *ev)
{
    struct queued *q = &r->queue[r->tail++ % QUEUE];

    kd_assert(r->tail - r->head <= QUEUE);
    q->ev = *ev;
    if (ev->text)
        snprintf(q->text, sizeof(q->text), "%s", ev->text);
    q->ev.text = ev->text ? q->text : NULL;
    if (ev->seen)
        q->seen = *ev->seen;
    q->ev.seen = ev->seen ? &q->seen : NULL;
}

static void answer(struct rehearsal *r, uint32_t token, bool ok, const char *text)
{
    const struct drill_run_ev ev = {.kind = DRILL_RUN_ACK, .token = token, .ok = ok, .text = text};

    feed(r, &ev);
}

static void give(struct rehearsal *r, const struct core_ev *ev)
{
    sim_gw_post(r->st.us, ev);
    sim_gw_run(r->st.us);
}

static void act(struct rehearsal *r, const struct drill_run_act *a)
{
    const struct drill_step *s = &drill_run_plan(r->run)->step[a->step];
    char why[128] = "";
    bool can = practice_can(r->st.us->core, s, why, sizeof(why));
    struct core_ev ev = practice_do(s, a->phase, kd_bytes_str("rehearsal"));

    if (can)
        give(r, &ev);
    answer(r, a->token, can, why);
}

static void undo(struct rehearsal *r, const struct drill_run_act *a)
{
    struct core_ev ev = practice_undo(&drill_run_plan(r->run)->step[a->step]);

    give(r, &ev);
    answer(r, a->token, true, "");
}

static void look(struct rehearsal *r, bool routes)
{
    struct drill_seen seen;
    const struct drill_run_ev ev = {.kind = DRILL_RUN_SEEN, .seen = &seen};

    practice_look(r->st.us->core, &r->base, routes, &seen);
    if (r->probe.on)
        see(r, &seen);
    feed(r, &ev);
}

static void mark(struct rehearsal *r)
{
    r->probe.mark_us = r->st.sim->now_us;
    r->probe.mark_lost = lost(r);
    r->probe.outage_us = 0;
}

static void tell(struct rehearsal *r, const struct drill_run_act *a)
{
    if (a->what == DRILL_TELL_FAILED && r->end->step == DRILL_NO_STEP)
        r->end->step = a->step;
    if (r->say)
        r->say(r->arg, r->st.sim->now_us - r->start_us, a);
}

static void ended(struct rehearsal *r, const struct drill_run_act *a)
{
    r->end->passed = a->verdict == DRILL_PASSED;
    r->end->took_us = r->st.sim->now_us - r->start_us;
    snprintf(r->end->why, sizeof(r->end->why), "%s", a->text);
}

static void carry_out(struct rehearsal *r, const struct drill_run_act *a)
{
    switch (a->kind) {
    case DRILL_RUN_WRITE:
        answer(r, a->token, true, "");
        break;
    case DRILL_RUN_ACT:
        act(r, a);
        break;
    case DRILL_RUN_UNDO:
        undo(r, a);
        break;
    case DRILL_RUN_MARK:
        mark(r);
        break;
    case DRILL_RUN_LOOK:
        look(r, a->routes);
        break;
    case DRILL_RUN_TELL:
        tell(r, a);
        break;
    case DRILL_RUN_END:
        ended(r, a);
        break;
    case DRILL_RUN_KILL: /* of a program: there is none */
        break;
    }
}

/* ---- time ---- */

static void pump(struct rehearsal *r)
{
    while (r->head < r->tail) {
        struct queued q = r->queue[r->head++ % QUEUE];
        q.ev.text = q.ev.text ? q.text : NULL;
        q.ev.seen = q.ev.seen ? &q.seen : NULL;
        q.ev.now_us = r->st.sim->now_us;
        drill_run_step(r->run, &q.ev, &r->out);
        for (uint32_t i = 0; i < r->out.n; i++) {
            const struct drill_run_act a = r->out.a[i];
            carry_out(r, &a);
        }
    }
}

static void advance(struct rehearsal *r)
{
    const struct drill_run_ev wake = {.kind = DRILL_RUN_WAKE};
    uint64_t at = r->probe.on ? KD_MIN(r->out.deadline_us, r->probe.next_us) : r->out.deadline_us;

    sim_run_until(r->st.sim, KD_MAX(at, r->st.sim->now_us));
    if (r->probe.on && r->probe.next_us <= r->st.sim->now_us)
        tick(r);
    if (r->out.deadline_us <= r->st.sim->now_us)
        feed(r, &wake);
    pump(r);
}

/* ---- the whole ---- */

static bool begin_probe(struct rehearsal *r, const struct drill_probe_plan *p, char *why,
                        size_t cap)
{
    struct kd_addr from;

    if (!p->on)
        return true;
    if (!stage_probe(&r->st, p, &from, why, cap))
        return false;
    r->probe.on = true;
    kd_addr_str(&from, r->probe.from);
    kd_addr_str(&p->to, r->probe.to);
    r->probe.every_us = KD_MAX(p->every_us, TICK_MIN_US);
    r->probe.next_us = r->probe.good_us = r->st.sim->now_us;
    r->probe.pongs_at = r->st.us->pongs;
    return true;
}

static bool one_table(const struct core_config *c)
{
    for (uint32_t i = 0; i < c->n_tunnels; i++)
        if (c->tunnels[i].table != c->tunnels[0].table)
            return false;
    return true;
}

struct rehearsal *rehearsal_new(struct core_config *cfg, const struct rehearse_now *now,
                                uint64_t seed, char *why, size_t cap)
{
    struct rehearsal *r;

    if (!one_table(cfg)) {
        snprintf(why, cap, "tunnels have VRFs of their own, and the simulator has one table");
        core_config_free(cfg);
        return NULL;
    }
    r = calloc(1, sizeof(*r));
    kd_assert(r);
    stage_new(&r->st, cfg, now, seed);
    if (stage_up(&r->st, why, cap))
        return r;
    rehearsal_free(r);
    return NULL;
}

void rehearsal_free(struct rehearsal *r)
{
    if (!r)
        return;
    stage_free(&r->st);
    drill_run_free(r->run);
    practice_base_free(&r->base);
    free(r);
}

const struct core *rehearsal_core(const struct rehearsal *r)
{
    return r->st.us->core;
}

void rehearsal_run(struct rehearsal *r, const struct drill_plan *p, rehearsal_say *say, void *arg,
                   struct rehearse_end *end)
{
    const struct drill_run_ev start = {.kind = DRILL_RUN_START};

    kd_assert(!r->run);
    *end = (struct rehearse_end){.step = DRILL_NO_STEP,
                                 .n_alike = r->st.n_alike,
                                 .n_left_out = r->st.n_left_out};
    r->end = end;
    r->say = say;
    r->arg = arg;
    r->start_us = r->st.sim->now_us;
    if (!begin_probe(r, &p->probe, end->why, sizeof(end->why)))
        return;
    r->run = drill_run_new(p);
    kd_assert(r->run && practice_base(r->st.us->core, &r->base));
    feed(r, &start);
    pump(r);
    while (!drill_run_over(r->run))
        advance(r);
}
