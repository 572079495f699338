/* Which of a destination's paths is best (RFC 4271 9.1.2), and which the core gets. */
#ifndef BGP_DECISION_H
#define BGP_DECISION_H

#include "bgp/engine.h"

/* Decides about dest: puts the best path first; what follows from it is marked. */
void bgp_decide(struct bgp *b, struct bgp_rib *rib, uint32_t dest);
/* What has changed is to be told to the peers: at once that there is no way any more, a way when
 * the core has heard of it. */
void bgp_mark_peers(struct bgp *b, struct bgp_rib *rib, uint32_t dest);
/* The paths that carry as it would be decided now, the best first and with ECMP those that are as
 * good; their number. Changes nothing. */
uint32_t bgp_carrying(const struct bgp *b, const struct bgp_rib *rib, uint32_t dest,
                      uint32_t path[BGP_ECMP_MAX]) KD_MUST_USE;
/* What neighbors are told of, decided now; 0: none. */
uint32_t bgp_best(const struct bgp *b, const struct bgp_rib *rib, uint32_t dest);
/* The paths for the core; false when there is none to install (no path, or a local one is best). */
bool bgp_choose_paths(const struct bgp *b, const struct bgp_rib *rib, uint32_t dest,
                      struct bgp_pathset *s);

#endif
