/* What a drill's steps are to a core: commands, which it answers at once. */
#include "practice/practice.h"

#include <stdio.h>

static struct core_ev command(const struct drill_step *s, enum core_command cmd)
{
    return (struct core_ev){
        .kind = CORE_EV_COMMAND, .command = cmd, .tunnel = s->target, .peer = s->target};
}

static enum core_command shutdown_command(const struct drill_step *s, uint8_t phase)
{
    if (s->how == DRILL_SILENT)
        return CORE_CMD_NEIGHBOR_SILENT;
    return s->how == DRILL_GRACEFUL && phase == 0 ? CORE_CMD_NEIGHBOR_LEAVE
                                                  : CORE_CMD_NEIGHBOR_SHUTDOWN;
}

static struct core_ev drain(const struct drill_step *s)
{
    struct core_ev ev = command(s, s->by == DRILL_BY_GSHUT ? CORE_CMD_NEIGHBOR_LEAVE
                                                           : CORE_CMD_NEIGHBOR_DRAIN);

    if (s->by == DRILL_BY_MORE_SPECIFIC)
        ev.data = kd_bytes(s->over, s->n_over * sizeof(s->over[0]));
    return ev;
}

struct core_ev practice_do(const struct drill_step *s, uint8_t phase, struct kd_bytes farewell)
{
    struct core_ev ev;

    if (s->kind == DRILL_STEP_TUNNEL)
        return command(s, s->how == DRILL_SILENT ? CORE_CMD_DOWN_SILENT : CORE_CMD_DOWN);
    if (s->kind == DRILL_STEP_DRAIN)
        return drain(s);
    kd_assert(s->kind == DRILL_STEP_SHUTDOWN);
    ev = command(s, shutdown_command(s, phase));
    ev.data = farewell;
    return ev;
}

struct core_ev practice_undo(const struct drill_step *s)
{
    if (s->kind == DRILL_STEP_TUNNEL)
        return command(s, CORE_CMD_UP);
    if (s->kind == DRILL_STEP_DRAIN && s->by != DRILL_BY_GSHUT)
        return command(s, CORE_CMD_NEIGHBOR_UNDRAIN);
    return command(s, CORE_CMD_NEIGHBOR_ENABLE);
}

/* ---- may it be done? ---- */

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

bool practice_can(const struct core *core, const struct drill_step *s, char *why, size_t cap)
{
    struct splittable can = {.s = s};

    if (s->kind != DRILL_STEP_DRAIN || s->by != DRILL_BY_MORE_SPECIFIC)
        return true;
    bgp_rib_walk(core_bgp(core), BGP_VIEW_ADVERTISED, s->target, can_split, &can);
    if (!can.why[0] && can.n == 0)
        snprintf(can.why, sizeof(can.why), "it is told nothing");
    snprintf(why, cap, "%s", can.why);
    return !can.why[0];
}
