/* The kernel's routes that aren't ours, as its second socket (the monitor) tells of them: the next
 * hops they resolve, the networks of ours that they stand for. */
#ifndef CORE_KROUTE_H
#define CORE_KROUTE_H

#include "core/core.h"
#include "netlink/msg.h"

#include <uthash.h>

/* A site's OSPF has thousands; somebody's full table in our routing table isn't ours to keep. */
#define CORE_KROUTES_MAX 262144
#define CORE_KNH_MAX     65536

struct core_kroute {
    struct core_kroute *next; /* the same prefix at a worse metric */
    uint32_t metric, nh_id;
    uint32_t gen; /* of the last dump that showed it, or the dump under way when it was told */
    enum nl_route_type type;
    uint8_t protocol, n_hops;
    struct kd_addr prefsrc;
    struct nl_hop hop[];
};

struct core_kdest {
    struct core_kdest_key {
        uint32_t table;
        struct kd_prefix prefix;
    } key; /* over zeroes: hashed as bytes */
    struct core_kroute *routes; /* the best metric first; never empty */
    UT_hash_handle hh;
};

/* Somebody's next-hop object (FRR's routes name theirs, and where net.ipv4.nexthop_compat_mode is 0
 * nothing else). */
struct core_knh {
    uint32_t id, gen;
    struct nl_nexthop nh;
    UT_hash_handle hh;
};

enum core_monitor_state {
    CORE_MONITOR_OFF,
    CORE_MONITOR_NEXTHOPS, /* the order of the dumps */
    CORE_MONITOR_ROUTES4,
    CORE_MONITOR_ROUTES6,
    CORE_MONITOR_READY,
};

struct core_kroutes {
    struct core_kdest *dests;
    struct core_knh *nhs;
    uint32_t n;
    uint32_t n_len[2][129]; /* destinations of each length, IPv4 and IPv6 */
    uint32_t gen;
    bool full;    /* one found no room: said once */
    bool changed; /* next hops and guards are to be looked at again */
    struct core_import *imports; /* what BGP has been told of, import.c */
    uint32_t n_redistributed;
    bool overfull; /* some found no room: said once */
    bool refill;   /* and there is some now */
    /* the monitor */
    enum core_monitor_state state;
    uint32_t seq;
    uint8_t tries;
    bool known; /* a whole dump has been read */
    bool again; /* lost news: another dump follows the one under way */
    bool torn;  /* the dumps of this round were not read whole: what they don't show stays */
};

/* kroute.c: the table. A change is told to networks and redistribution (import.c). */
void core_kroute_set(struct core *c, const struct nl_route *r);
void core_kroute_del(struct core *c, const struct nl_route *r);
void core_knh_set(struct core *c, const struct nl_nexthop *n, bool del);
/* What the kernel flushes with them and doesn't tell of. */
void core_kroutes_link_gone(struct core *c, uint32_t ifindex);
void core_kroutes_source_gone(struct core *c, const struct kd_addr *local);
/* Ends what the round of dumps `gen` has not shown. */
void core_kroutes_sweep(struct core *c);
void core_kroutes_free(struct core *c);
const struct core_kdest *core_kdest(const struct core *c, uint32_t table,
                                    const struct kd_prefix *p);
/* Has somebody else a route with this very key? The kernel would replace it by ours. */
bool core_kroute_taken(const struct core *c, uint32_t table, const struct kd_prefix *p,
                       uint32_t metric);
const struct nl_nexthop *core_knh(const struct core *c, uint32_t id); /* NULL: none of theirs */

/* monitor.c */
void core_monitor_start(struct core *c);
void core_monitor_news(struct core *c, struct kd_bytes data);
void core_monitor_lost(struct core *c);

/* What a look-up among others' routes says. */
struct core_way {
    uint32_t n; /* hops; 0: the look-up ends at "unreachable", or in a tunnel of ours */
    uint8_t len;
    uint32_t metric;
    struct nl_hop hop[NL_ROUTE_HOPS_MAX];
};

/* resolve.c */
/* Where the route leads now: hops whose interface is up, into hop; how many. */
uint32_t core_kroute_hops(const struct core *c, const struct core_kroute *r,
                          struct nl_hop hop[NL_ROUTE_HOPS_MAX]);
/* Longest prefix, then best metric; main where the table has nothing. False: no route. */
bool core_kernel_way(const struct core *c, uint32_t table, const struct kd_addr *a, bool by_default,
                     struct core_way *w) KD_MUST_USE;
/* The ways to a next hop beside the tunnels, each with its gateway; how many, 0 when it isn't
 * resolved. By a default route only where that is configured. *metric: the route's, 0 when
 * connected. */
uint32_t core_resolve(const struct core *c, const struct kd_addr *a,
                      struct nl_hop hop[NL_ROUTE_HOPS_MAX], uint32_t *metric);
/* A path over a tunnel that carries, or whose next hop is resolved; and BFD hasn't found it dead.
 * metric: as above, may be NULL. */
bool core_path_usable(const struct core *c, const struct bgp_path_nh *nh, uint32_t *metric);

/* guard.c: what BGP is told so that no route carries a tunnel into itself. anew: also when nothing
 * changed. */
void core_guard_tunnel(struct core *c, uint32_t tunnel, bool anew);
void core_guards(struct core *c); /* what leads to outer addresses may have changed */

/* import.c: networks that depend on the kernel, and its routes that we announce */
void core_import_consider(struct core *c, uint32_t table, const struct kd_prefix *p);
void core_import_all(struct core *c); /* at the start, and when a link went up or down */
void core_import_reload(struct core *c, const struct core_config *next);
void core_import_free(struct core *c);

#endif
