/* Import and export policies as values, in the shape of FRR/IOS route-maps: entries in order, the
 * first whose matches all hold decides, an implicit deny at the end. */
#ifndef BGP_POLICY_H
#define BGP_POLICY_H

#include "base/addr.h"

#define BGP_POLICY_PREFIX_MAX 64
#define BGP_POLICY_ENTRY_MAX  32
#define BGP_PREPEND_MAX       16

struct bgp_prefix_rule {
    struct kd_prefix prefix;
    uint8_t ge, le; /* lengths accepted; both equal prefix.len for an exact match */
};

struct bgp_policy_entry {
    bool permit;
    uint16_t n_prefix; /* 0: every prefix */
    struct bgp_prefix_rule prefix[BGP_POLICY_PREFIX_MAX];
    bool set_local_pref, set_med;
    uint32_t local_pref, med;
    uint8_t n_prepend;
    uint32_t prepend[BGP_PREPEND_MAX];
};

struct bgp_policy {
    char name[32];
    uint16_t n;
    struct bgp_policy_entry entry[BGP_POLICY_ENTRY_MAX];
};

/* ---- evaluation (policy.c) ---- */

/* A policy compiled for use: only what is filled is kept. Immutable, counted, shared by all who
 * name it. */
struct bgp_route_map;

/* With one reference, the caller's. NULL: out of memory. */
struct bgp_route_map *bgp_route_map_new(const struct bgp_policy *p) KD_MUST_USE;
struct bgp_route_map *bgp_route_map_ref(struct bgp_route_map *m); /* m; NULL is taken */
void bgp_route_map_unref(struct bgp_route_map *m);                /* NULL is ignored */
const char *bgp_route_map_name(const struct bgp_route_map *m);
/* The entry that decides about p, counted from 0, or -1: denied by an entry or by the end. */
int bgp_route_map_match(const struct bgp_route_map *m, const struct kd_prefix *p);

struct bgp_route_set {
    bool set_local_pref, set_med;
    uint32_t local_pref, med;
    uint8_t n_prepend;
    const uint32_t *prepend; /* borrowed from the map */
    bool any;                /* it changes something */
};
/* What entry (from bgp_route_map_match()) sets. */
struct bgp_route_set bgp_route_map_set(const struct bgp_route_map *m, int entry);

#endif
