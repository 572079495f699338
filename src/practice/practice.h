/* A drill on a core, the running one or a simulated one: what there is to drill, its steps as the
 * core's commands, what is seen of it.
 *
 *   world.c    for the judge of plans        command.c  steps as commands
 *   look.c     routes, sessions and tunnels against those at the start
 *
 * and the simulated one (rehearse.h):
 *
 *   mirror.c   configurations: ours for the simulator, and a peer's for each of ours
 *   stage.c    the network of these          rehearse.c  a plan run on it, in virtual time
 *
 * Pure: reads views and makes events; who drives the core carries them out. */
#ifndef PRACTICE_PRACTICE_H
#define PRACTICE_PRACTICE_H

#include "core/core.h"
#include "drill/run.h"

struct practice_world { /* with what its names borrow */
    struct drill_world w;
    struct drill_neighbor *neighbors;
    struct drill_tunnel *tunnels;
};
/* False: out of memory. Names are the core's. */
bool practice_world(const struct core *core, struct practice_world *w) KD_MUST_USE;
void practice_world_free(struct practice_world *w);

/* What there was at the start: routes, and the neighbors and tunnels that were up. */
struct practice_base {
    struct practice_routes {
        uint32_t n, cap;
        struct kd_prefix *prefix; /* ascending */
    } routes;
    uint32_t n_up;
    struct practice_up {
        bool tunnel;
        uint32_t id;
    } *up;
};
/* *b zeroed before; false: out of memory. */
bool practice_base(const struct core *core, struct practice_base *b) KD_MUST_USE;
void practice_base_free(struct practice_base *b);
/* What is there now, without what a probe sees; s is zeroed first. */
void practice_look(const struct core *core, const struct practice_base *b, bool routes,
                   struct drill_seen *s);

/* The neighbor of our best route towards what is probed or, where that is on our side, the one who
 * probes; CORE_NO_PEER: none. */
uint32_t practice_way(const struct core *core, const struct drill_probe_plan *p);

/* Can the step be done as things are? False with why. */
bool practice_can(const struct core *core, const struct drill_step *s, char *why,
                  size_t cap) KD_MUST_USE;
/* A step other than EXEC that disturbs something, and what takes it back. farewell: what a neighbor
 * is told with the Cease (RFC 9003). The event borrows from both. */
struct core_ev practice_do(const struct drill_step *s, uint8_t phase, struct kd_bytes farewell);
struct core_ev practice_undo(const struct drill_step *s);

#endif
