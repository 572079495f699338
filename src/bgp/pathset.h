/* Path sets as the core gets them, interned: prefixes with the same best and backup paths share
 * one, and whether a prefix's set changed is a comparison of two numbers. */
#ifndef BGP_PATHSET_H
#define BGP_PATHSET_H

#include "bgp/bgp.h"

/* n_best, n_backup, then for each: family, address, peer, interface */
#define BGP_PATHSET_BYTES (2 + 2 * BGP_ECMP_MAX * (1 + 16 + 4 + 4))

struct bgp_pathset_entry;

struct bgp_pathsets {
    uint64_t salt;
    struct bgp_pathset_entry **set; /* by number; [0] unused */
    uint32_t n_made, n_live, cap;
    uint32_t bucket[256];
};

void bgp_pathsets_init(struct bgp_pathsets *t, uint64_t salt);
void bgp_pathsets_fini(struct bgp_pathsets *t);
/* With a reference for the caller; 0: out of memory. */
uint32_t bgp_pathset_intern(struct bgp_pathsets *t, const struct bgp_pathset *s) KD_MUST_USE;
void bgp_pathset_unref(struct bgp_pathsets *t, uint32_t id);                  /* 0 is ignored */
struct kd_bytes bgp_pathset_bytes(const struct bgp_pathsets *t, uint32_t id); /* borrowed */

#endif
