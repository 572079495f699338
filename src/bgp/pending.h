/* A set of small numbers waiting to be worked on: one bit each and a summary level, so that marking
 * is O(1), marking twice is once, and taking the next one is quick however sparse the set is. The
 * order is that of the numbers. Bits are hints: working on an unchanged number does nothing. */
#ifndef BGP_PENDING_H
#define BGP_PENDING_H

#include "base/attr.h"

struct bgp_pending {
    uint32_t n;     /* bits set */
    uint32_t words; /* of bits[] */
    uint64_t *bits, *sum;
};

void bgp_pending_fini(struct bgp_pending *s);
/* Makes room for i, so that setting it can't fail later. */
bool bgp_pending_reserve(struct bgp_pending *s, uint32_t i) KD_MUST_USE;
bool bgp_pending_set(struct bgp_pending *s, uint32_t i) KD_MUST_USE; /* false: no memory */
void bgp_pending_clear(struct bgp_pending *s, uint32_t i);
/* The first member >= from, or 0 (which is never a member). */
uint32_t bgp_pending_next(const struct bgp_pending *s, uint32_t from);
/* Adds 1 .. end - 1. */
bool bgp_pending_fill(struct bgp_pending *s, uint32_t end) KD_MUST_USE;

#endif
