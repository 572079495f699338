/* The routes of one routing table and address family: a destination per prefix with the paths to
 * it, whoever they came from. One structure is Adj-RIB-In and Loc-RIB: a path remembers what was
 * received and what the import policy made of it, and the best path is the first in its
 * destination's list.
 *
 * Sized for a million routes: 20 bytes an IPv4 destination, 4 its hash bucket, 32 a path. Numbers,
 * not pointers, so that it can be encoded; a prefix's number is where the pending sets and what was
 * told to each peer (adjout.h) are indexed. */
#ifndef BGP_RIB_H
#define BGP_RIB_H

#include "base/addr.h"
#include "bgp/pending.h"
#include "bgp/pool.h"

#define BGP_PEER_LOCAL 0x7fff /* the "peer" of a configured network */

enum bgp_dest_flags {
    BGP_DEST_LIVE = 1,
    BGP_DEST_BEST = 2,    /* the first path is the best one */
    BGP_DEST_HALF = 8,    /* its local path is half of one of ours */
    BGP_DEST_CHANGED = 4, /* the best path is another, or has other attributes, or is gone */
};

struct bgp_dest {
    uint32_t next;  /* hash chain */
    uint32_t paths; /* the best first, then newest first */
    uint32_t told;  /* the path set the core has, or 0 */
    uint16_t n_out; /* peers it is advertised to */
    uint8_t len;
    uint8_t flags;
    uint8_t key[]; /* 4 or 16 bytes */
};

struct bgp_path {
    uint32_t attr_in; /* as received */
    uint32_t attr;    /* after the import policy; 0: not accepted */
    uint32_t dest, next;
    uint32_t peer_prev, peer_next; /* the list of its peer's paths */
    uint32_t nexthop;              /* nexthop.h; 0 for a local one */
    uint16_t peer : 15;            /* slot */
    uint16_t looped : 1;           /* held, but refused for a loop (RFC 4271 9.1.2) */
    uint16_t epoch;                /* of its peer's refreshes, when it was last told (refresh.c) */
};

/* All paths of one peer in one rib, oldest first. */
struct bgp_path_list {
    uint32_t head, tail, n;
    uint32_t looped; /* of n */
};

struct bgp_rib {
    uint32_t table;
    uint8_t family;
    uint64_t salt;
    struct bgp_pool dests, paths;
    struct bgp_map bucket;    /* linear hashing: grows by one bucket at a time, never in one go */
    uint32_t level, split;    /* buckets: level + split, level a power of two */
    struct bgp_pending dirty; /* to be decided */
    struct bgp_pending fib;   /* to be told to the core */
    struct bgp_path_list local;
    uint32_t rescan; /* next destination to look at for changed next hops; 0: none */
};

void bgp_rib_init(struct bgp_rib *rib, uint32_t table, uint8_t family, uint64_t salt);
void bgp_rib_fini(struct bgp_rib *rib); /* references to attributes etc. are not looked at */

static inline struct bgp_dest *bgp_rib_dest(const struct bgp_rib *rib, uint32_t i)
{
    return bgp_pool_at(&rib->dests, i);
}

static inline struct bgp_path *bgp_rib_path(const struct bgp_rib *rib, uint32_t i)
{
    return bgp_pool_at(&rib->paths, i);
}

struct kd_prefix bgp_rib_prefix(const struct bgp_rib *rib, uint32_t dest);
int bgp_rib_cmp(const struct bgp_rib *rib, uint32_t a, uint32_t b);          /* by prefix */
uint32_t bgp_rib_find(const struct bgp_rib *rib, const struct kd_prefix *p); /* 0: none */
/* Finds or makes a destination. 0: out of memory. */
uint32_t bgp_rib_get(struct bgp_rib *rib, const struct kd_prefix *p) KD_MUST_USE;
/* Forgets a destination without paths that nobody has been told of; else does nothing. */
void bgp_rib_drop(struct bgp_rib *rib, uint32_t dest);
/* All live destinations in key order: an array of rib->dests.n_live numbers, to be freed by the
 * caller; NULL when out of memory or empty. */
uint32_t *bgp_rib_sorted(const struct bgp_rib *rib) KD_MUST_USE;
/* Sorts n numbers by their prefixes. */
void bgp_rib_sort(const struct bgp_rib *rib, uint32_t *dest, uint32_t n);

/* The sets have room for every destination, so marking can't fail. */
void bgp_rib_mark(struct bgp_rib *rib, uint32_t dest);     /* to be decided */
void bgp_rib_mark_fib(struct bgp_rib *rib, uint32_t dest); /* to be told to the core */

uint32_t bgp_path_find(const struct bgp_rib *rib, uint32_t dest, uint16_t peer); /* 0: none */
/* A new path of peer, linked behind the best one and to the end of list. 0: out of memory. */
uint32_t bgp_path_add(struct bgp_rib *rib, uint32_t dest, uint16_t peer,
                      struct bgp_path_list *list) KD_MUST_USE;
void bgp_path_del(struct bgp_rib *rib, uint32_t path, struct bgp_path_list *list);
/* Says whether path is refused for a loop. */
void bgp_path_set_looped(struct bgp_path *path, struct bgp_path_list *list, bool looped);
/* Moves path to the front and marks it best; 0: none is. CHANGED is set when that is news. */
void bgp_path_set_best(struct bgp_rib *rib, uint32_t dest, uint32_t path);

#endif
