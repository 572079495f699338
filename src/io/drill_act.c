/* What a drill's steps do and what takes them back: commands to the core, which answer at once, and
 * programs, which the guard runs. */
#include "io/drill_int.h"

#include <stdio.h>

static void command(struct io *io, enum core_command cmd, uint32_t target, struct kd_bytes data)
{
    struct core_ev ev = {.kind = CORE_EV_COMMAND,
                         .command = cmd,
                         .tunnel = target,
                         .peer = target,
                         .data = data};

    io_feed(io, &ev);
}

static void answer(struct io_drill *d, uint32_t token, bool ok, const char *text)
{
    const struct drill_run_ev ev = {
        .kind = DRILL_RUN_ACK, .token = token, .ok = ok, .text = text};

    io_drill_feed(d, &ev);
}

/* ---- programs ---- */

bool io_drill_needs_guard(const struct drill_plan *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->step[i].kind == DRILL_STEP_EXEC)
            return true;
    return false;
}

static void on_program(void *arg, bool ok, const char *text)
{
    struct io_drill *d = arg;

    answer(d, d->command, ok, text);
}

static void program(struct io_drill *d, const struct drill_run_act *a,
                    const struct drill_step *s, const struct drill_argv *words)
{
    d->command = a->token;
    io_guard_run(d->io->guard, a->step, words, s->after_us, on_program, d);
}

/* ---- steps ---- */

static enum core_command shutdown_command(const struct drill_step *s, uint8_t phase)
{
    if (s->how == DRILL_SILENT)
        return CORE_CMD_NEIGHBOR_SILENT;
    return s->how == DRILL_GRACEFUL && phase == 0 ? CORE_CMD_NEIGHBOR_LEAVE
                                                  : CORE_CMD_NEIGHBOR_SHUTDOWN;
}

/* What a neighbor is told with the Cease (RFC 9003). */
static struct kd_bytes farewell(const struct io_drill *d, char buf[64])
{
    snprintf(buf, 64, "drill %s", drill_run_plan(d->run)->name);
    return kd_bytes_str(buf);
}

/* Only what is ours can be told in halves; why not, or "". */
struct splittable {
    const struct drill_step *s;
    uint32_t n;
    char why[128];
};

/* What came from those that traffic is to move to, moves with them. */
static bool from_over(const struct drill_step *s, uint32_t from)
{
    for (uint32_t i = 0; i < s->n_over; i++)
        if (s->over[i] == from)
            return true;
    return false;
}

static bool can_split(void *arg, const struct bgp_route_view *r)
{
    struct splittable *s = arg;
    char text[KD_PREFIX_STR_MAX];

    kd_prefix_str(&r->prefix, text);
    if (!r->local && from_over(s->s, r->from))
        return true;
    if (!r->local)
        snprintf(s->why, sizeof(s->why), "it is told %s, which isn't one of our networks", text);
    else if (r->prefix.len >= (r->prefix.addr.family == 4 ? 32 : 128))
        snprintf(s->why, sizeof(s->why), "%s has no halves", text);
    else if (++s->n > CORE_DRAIN_PREFIXES_MAX)
        snprintf(s->why, sizeof(s->why), "it is told more than %d prefixes",
                 CORE_DRAIN_PREFIXES_MAX);
    return !s->why[0];
}

static void drain_over(struct io_drill *d, const struct drill_run_act *a,
                       const struct drill_step *s)
{
    struct splittable can = {.s = s};

    bgp_rib_walk(core_bgp(d->io->core), BGP_VIEW_ADVERTISED, s->target, can_split, &can);
    if (!can.why[0] && can.n == 0)
        snprintf(can.why, sizeof(can.why), "it is told nothing");
    if (!can.why[0])
        command(d->io, CORE_CMD_NEIGHBOR_DRAIN, s->target,
                kd_bytes(s->over, s->n_over * sizeof(s->over[0])));
    answer(d, a->token, !can.why[0], can.why);
}

static void drain(struct io_drill *d, const struct drill_step *s, bool on)
{
    static const enum core_command commands[2][2] = {
        {CORE_CMD_NEIGHBOR_UNDRAIN, CORE_CMD_NEIGHBOR_DRAIN},
        {CORE_CMD_NEIGHBOR_ENABLE, CORE_CMD_NEIGHBOR_LEAVE}};

    command(d->io, commands[s->by == DRILL_BY_GSHUT][on], s->target, kd_bytes(NULL, 0));
}

void io_drill_act(struct io_drill *d, const struct drill_run_act *a)
{
    const struct drill_step *s = &drill_run_plan(d->run)->step[a->step];
    char words[64];

    if (s->kind == DRILL_STEP_EXEC) {
        program(d, a, s, &s->run);
        return;
    }
    if (s->kind == DRILL_STEP_DRAIN && s->by == DRILL_BY_MORE_SPECIFIC) {
        drain_over(d, a, s);
        return;
    }
    if (s->kind == DRILL_STEP_SHUTDOWN)
        command(d->io, shutdown_command(s, a->phase), s->target, farewell(d, words));
    else if (s->kind == DRILL_STEP_TUNNEL)
        command(d->io, s->how == DRILL_SILENT ? CORE_CMD_DOWN_SILENT : CORE_CMD_DOWN, s->target,
                kd_bytes(NULL, 0));
    else
        drain(d, s, true);
    answer(d, a->token, true, "");
}

void io_drill_undo(struct io_drill *d, const struct drill_run_act *a)
{
    const struct drill_step *s = &drill_run_plan(d->run)->step[a->step];

    if (s->kind == DRILL_STEP_EXEC) {
        program(d, a, s, &s->undo);
        return;
    }
    if (s->kind == DRILL_STEP_SHUTDOWN)
        command(d->io, CORE_CMD_NEIGHBOR_ENABLE, s->target, kd_bytes(NULL, 0));
    else if (s->kind == DRILL_STEP_TUNNEL)
        command(d->io, CORE_CMD_UP, s->target, kd_bytes(NULL, 0));
    else
        drain(d, s, false);
    answer(d, a->token, true, "");
}
