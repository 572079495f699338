/* Paths over a tunnel that would swallow it: guard.c. */
#ifndef BGP_GUARD_H
#define BGP_GUARD_H

#include "bgp/engine.h"

/* GUARD: what holds for the tunnel iface from now on. Marks what this changes. */
void bgp_guard_set(struct bgp *b, const struct bgp_event *ev);
bool bgp_recursive(const struct bgp *b, const struct bgp_rib *rib, const struct bgp_path *p);
/* Says which accepted paths of a destination are refused, once. */
void bgp_guard_note(struct bgp *b, const struct bgp_rib *rib, uint32_t dest);

#endif
