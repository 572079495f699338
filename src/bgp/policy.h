/* Import and export policies as values, in the shape of FRR/IOS route-maps: entries in order, the
 * first whose matches all hold decides, an implicit deny at the end. */
#ifndef BGP_POLICY_H
#define BGP_POLICY_H

#include "bgp/asregex.h"
#include "bgp/community.h"

#define BGP_POLICY_PREFIX_MAX 64
#define BGP_POLICY_ENTRY_MAX  32
#define BGP_PREPEND_MAX       16
#define BGP_AS_MATCH_MAX      8  /* patterns an entry */
#define BGP_COMMUNITIES_MAX   16 /* of an entry's match, of its delete and of its set each */

struct bgp_prefix_rule {
    struct kd_prefix prefix;
    uint8_t ge,
        le; /* lengths accepted; both equal prefix.len for an exact match. Those below
               prefix.len are of the prefixes that hold it: 0 and the width is all that overlaps */
};

/* Where a route was learned, for an entry's `from` a bit each. */
enum bgp_source { BGP_FROM_OTHER, BGP_FROM_LOCAL, BGP_FROM_VPN, BGP_FROM_EXPRESSROUTE };
extern const char *const bgp_source_names[]; /* "other", "local", "vpn", "expressroute", NULL */

enum bgp_set_nexthop {
    BGP_NEXTHOP_KEEP,
    BGP_NEXTHOP_ADDRESS, /* routes of its family; others keep theirs */
    BGP_NEXTHOP_PEER,    /* import: the peer's address; export: our own (FRR: peer-address) */
};

/* Matches: every kind that is given has to hold; of one kind, one of its values. */
struct bgp_policy_entry {
    bool permit;
    uint16_t n_prefix; /* 0: every prefix */
    struct bgp_prefix_rule prefix[BGP_POLICY_PREFIX_MAX];
    uint8_t n_as_path; /* 0: every path */
    char as_path[BGP_AS_MATCH_MAX][BGP_AS_REGEX_MAX];
    uint8_t n_community; /* standard, extended and large are three; 0: whatever there is */
    struct bgp_community community[BGP_COMMUNITIES_MAX];
    uint8_t from; /* 0: wherever it was learned */
    bool set_local_pref, set_med;
    uint32_t local_pref, med;
    uint8_t n_prepend;
    uint32_t prepend[BGP_PREPEND_MAX];
    bool replace[BGP_COMMUNITY_KINDS]; /* instead of what is there */
    uint8_t n_delete, n_add;
    struct bgp_community delete[BGP_COMMUNITIES_MAX], add[BGP_COMMUNITIES_MAX];
    enum bgp_set_nexthop set_nexthop;
    struct kd_addr nexthop;
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

/* With one reference, the caller's. NULL: out of memory. p's patterns compile. */
struct bgp_route_map *bgp_route_map_new(const struct bgp_policy *p) KD_MUST_USE;
struct bgp_route_map *bgp_route_map_ref(struct bgp_route_map *m); /* m; NULL is taken */
void bgp_route_map_unref(struct bgp_route_map *m);                /* NULL is ignored */
const char *bgp_route_map_name(const struct bgp_route_map *m);
/* The entries, a bit each, whose matches of everything but the prefix hold for a route from there
 * with attributes a. *work grows by what it cost, in units of a prefix looked at. */
uint32_t bgp_route_map_eligible(const struct bgp_route_map *m, const struct bgp_attrs *a,
                                enum bgp_source from, uint32_t *work);
/* The entry of these that decides about p, counted from 0, or -1: denied by an entry or by the
 * end. */
int bgp_route_map_match(const struct bgp_route_map *m, uint32_t eligible,
                        const struct kd_prefix *p);

struct bgp_route_set {
    bool set_local_pref, set_med;
    uint32_t local_pref, med;
    uint8_t n_prepend;
    const uint32_t *prepend; /* borrowed from the map */
    struct bgp_community_edit community;
    enum bgp_set_nexthop set_nexthop;
    struct kd_addr nexthop;
    bool any; /* it changes something */
};
/* What entry (from bgp_route_map_match()) sets. */
struct bgp_route_set bgp_route_map_set(const struct bgp_route_map *m, int entry);

/* ---- text (policy_text.c) ---- */

/* Do both read alike, names included? */
bool bgp_route_map_same(const struct bgp_route_map *a, const struct bgp_route_map *b);
/* m in FRR's notation, a line at a time (borrowed for the call, without an end of line): its lists
 * as NAME-SEQ, then the entry, numbered 10, 20, ...; what FRR has no words for (`overlapping`,
 * `match from`) is written alike and refused by it. */
void bgp_route_map_text(const struct bgp_route_map *m, void (*line)(void *arg, const char *text),
                        void *arg);

#endif
