/* A drill in the simulator first: our configuration on the engines themselves, each tunnel's peer
 * and each neighbor a mirror of what we have configured for it, telling what it tells us now.
 *
 * What it shows: whether our own policies, failover and restore lead to what the drill expects.
 * What it can't: losses by the medium, the network behind the peers, how a peer that isn't kedge
 * behaves, its policies, and what programs (exec) do. Addresses are reached at once, whoever is up
 * now is up there, secrets are all the same. */
#ifndef PRACTICE_REHEARSE_H
#define PRACTICE_REHEARSE_H

#include "practice/practice.h"

/* A route that is learned and accepted now. */
struct rehearse_route {
    uint32_t peer;
    struct kd_prefix prefix;
    uint32_t local_pref, med;
    bool has_med;
    uint16_t n_as; /* length of its path */
    uint32_t first_as;
};

/* What the daemon shows now. */
struct rehearse_now {
    const bool *tunnel;   /* by tunnel: does it carry? */
    const bool *neighbor; /* by place: those of tunnels, then those beside: Established? */
    uint32_t n_routes;
    const struct rehearse_route *route;
};

struct rehearse_end {
    bool passed;
    uint32_t step;            /* DRILL_NO_STEP: none in particular */
    char why[DRILL_SAY_MAX];  /* "" passed */
    uint64_t took_us;         /* of virtual time, the drill alone */
    uint32_t n_alike;         /* routes whose attributes were taken for others' */
    uint32_t n_left_out;      /* routes that weren't simulated */
};

struct rehearsal;

/* Takes *cfg, read with no secrets (config.h), and its arrays; now is read here only. NULL: the
 * simulated network doesn't come up as the real one is, and why says what is missing. */
struct rehearsal *rehearsal_new(struct core_config *cfg, const struct rehearse_now *now,
                                uint64_t seed, char *why, size_t cap) KD_MUST_USE;
void rehearsal_free(struct rehearsal *r);
/* The simulated core: for practice_world(). */
const struct core *rehearsal_core(const struct rehearsal *r);
/* Told of each thing that the drill says, after_us from its start. */
typedef void rehearsal_say(void *arg, uint64_t after_us, const struct drill_run_act *a);
/* Runs a plan judged against that core's world; once. It has no EXEC. */
void rehearsal_run(struct rehearsal *r, const struct drill_plan *p, rehearsal_say *say, void *arg,
                   struct rehearse_end *end);

#endif
