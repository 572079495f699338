/* The simulated network of a rehearsal: we, and a mirror for each peer. */
#ifndef PRACTICE_STAGE_H
#define PRACTICE_STAGE_H

#include "practice/rehearse.h"
#include "sim/gateway.h"

#define STAGE_LATENCY_US KD_MS(5)

struct stage_peer {
    uint32_t id;        /* the tunnel's, or the neighbor's beside */
    struct sim_gw *gw;
    bool tunnel_up, neighbor_up; /* now, and so in the simulation */
    uint32_t n_routes;  /* that it tells */
};

struct stage {
    struct sim *sim;
    struct sim_gw *us;
    uint32_t n;
    struct stage_peer *peer;
    uint32_t n_alike, n_left_out; /* rehearse.h */
};

/* ---- mirror.c: values ---- */

/* Ours, for the simulator: one table, no secrets, nothing of the host's. */
void mirror_adapt(struct core_config *c);
/* The peer of tunnel i, and of neighbor i beside it; c is adapted. */
struct core_config mirror_of_tunnel(const struct core_config *c, uint32_t i);
struct core_config mirror_of_neighbor(const struct core_config *c, uint32_t i);
/* What it tells: the attributes of the routes it has now. Those that are too many kinds are counted
 * in *n_alike. */
void mirror_tells(struct core_config *mirror, const struct rehearse_now *now, uint32_t peer,
                  bool ibgp, uint32_t *n_alike);

/* ---- stage.c ---- */

void stage_new(struct stage *st, struct core_config *cfg, const struct rehearse_now *now,
               uint64_t seed);
void stage_free(struct stage *st);
/* The address on our side and the one that is probed answer on it. False with why. */
bool stage_probe(struct stage *st, const struct drill_probe_plan *p, struct kd_addr *from,
                 char *why, size_t cap) KD_MUST_USE;
/* Runs until everything is up that is up now. False with why. */
bool stage_up(struct stage *st, char *why, size_t cap) KD_MUST_USE;

#endif
