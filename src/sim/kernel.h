/* A pretend kernel: links, addresses, next-hop objects, groups and routes, with the semantics that
 * matter to kedge as measured on Linux (DESIGN 3.7), spoken to in real netlink bytes. One network
 * namespace; table 254 and whatever tables are named; rules of struct nl_rule's kind, all of one
 * priority; no ECMP hashing (the first usable member carries). */
#ifndef SIM_KERNEL_H
#define SIM_KERNEL_H

#include "netlink/msg.h"

#define SIM_TABLE_MAIN   254u
#define SIM_PROTO_KERNEL 2 /* RTPROT_KERNEL: connected routes */
#define SIM_PROTO_STATIC 4

struct sim_kernel {
    void (*deliver)(void *arg, struct kd_bytes datagram); /* what the netlink socket receives */
    void (*monitor)(void *arg, struct kd_bytes datagram); /* and the second one; NULL: there is
                                                             none */
    void *arg;
    struct nl_link_info *links;
    struct nl_addr_set *addrs;
    struct nl_nexthop *nhs;
    struct nl_route *routes; /* in no order; others add and remove by sim_routes_*() */
    struct sim_route_index *index;
    struct nl_rule *rules;
    size_t n_links, n_addrs, n_nhs, n_routes, n_rules;
    uint32_t next_ifindex;
    uint64_t n_requests;
    uint32_t fail_in;   /* fault switch: requests until the one that fails; 0: none */
    uint16_t fail_type; /* every request of this type fails, too; 0: none */
    int fail_error;     /* 0: it is carried out, and its answer lost */
    bool lost;          /* that has just happened */
};

void sim_kernel_init(struct sim_kernel *k, void (*deliver)(void *arg, struct kd_bytes), void *arg);
void sim_kernel_fini(struct sim_kernel *k);

/* ---- what the operator and the hardware do; told to the socket as the kernel does ---- */

uint32_t sim_kernel_link_add(struct sim_kernel *k, const char *name, uint32_t mtu, bool up);
void sim_kernel_link_del(struct sim_kernel *k, uint32_t ifindex);
/* Down, or without carrier: next hops over it go, groups left empty too, and every route through
 * those, without a word. */
void sim_kernel_link_set(struct sim_kernel *k, uint32_t ifindex, bool up, bool carrier);
void sim_kernel_addr_add(struct sim_kernel *k, uint32_t ifindex, const char *address);
/* 0 or the errno of the kernel's refusal. */
int sim_kernel_route_add(struct sim_kernel *k, const struct nl_route *r);
int sim_kernel_route_del(struct sim_kernel *k, const struct nl_route *r);
int sim_kernel_nexthop_add(struct sim_kernel *k, const struct nl_nexthop *n);

const struct nl_link_info *sim_kernel_link(const struct sim_kernel *k, uint32_t ifindex);
const struct nl_link_info *sim_kernel_link_named(const struct sim_kernel *k, const char *name);
bool sim_kernel_is_local(const struct sim_kernel *k, const struct kd_addr *a);

/* ---- netlink ---- */

/* Carries out one message and answers it through deliver. */
void sim_kernel_request(struct sim_kernel *k, struct kd_bytes msg);
/* The same on the second socket. */
void sim_kernel_monitor_request(struct sim_kernel *k, struct kd_bytes msg);
/* The nth request from now (1: the next) is refused with error and not carried out. error 0: it is,
 * and its answer lost, which the socket shows as an overrun; a dump's the kernel keeps until it is
 * read, then news were lost. */
void sim_kernel_fail(struct sim_kernel *k, uint32_t nth, int error);
/* All of a type (RTM_NEWNEXTHOP, ...) are, until this is called with 0. */
void sim_kernel_fail_type(struct sim_kernel *k, uint16_t type, int error);

/* ---- look-up: longest prefix, then lowest metric ---- */

enum sim_way { SIM_WAY_NONE, SIM_WAY_UNREACHABLE, SIM_WAY_LOCAL, SIM_WAY_LINK };

struct sim_hop {
    enum sim_way way;
    uint32_t oif;
    struct kd_addr src; /* the address the kernel would take; family 0: none */
    struct kd_prefix prefix;
    uint32_t metric;
    uint8_t protocol;
};

/* table 0: as the rules say, then main. oif: 0, or the interface a socket is bound to. */
struct sim_hop sim_kernel_lookup(const struct sim_kernel *k, uint32_t table,
                                 const struct kd_addr *dst, uint32_t oif);
/* The interface a route leads to (first member of its group); 0 when none. */
uint32_t sim_kernel_route_oif(const struct sim_kernel *k, const struct nl_route *r);
const struct nl_route *sim_kernel_route(const struct sim_kernel *k, uint32_t table,
                                        const struct kd_prefix *dst, uint32_t metric);
/* How many carry the protocol number. */
size_t sim_kernel_routes_of(const struct sim_kernel *k, uint8_t protocol);
size_t sim_kernel_nexthops_of(const struct sim_kernel *k, uint8_t protocol);
/* How often a route was looked at or put in its place, ever: what the size of a table costs. */
uint64_t sim_kernel_work(const struct sim_kernel *k);

/* ---- kernel_routes.c: the routes themselves, behind everybody's back ---- */

void sim_routes_init(struct sim_kernel *k);
void sim_routes_fini(struct sim_kernel *k);
/* Behind the last; its table, prefix and metric are no other's, and stay. */
void sim_routes_add(struct sim_kernel *k, const struct nl_route *r);
/* The last takes its place. */
void sim_routes_remove(struct sim_kernel *k, size_t i);
typedef bool sim_route_is(const struct nl_route *r, const void *arg);
void sim_routes_remove_if(struct sim_kernel *k, sim_route_is *is, const void *arg);
/* Those of the table to exactly dst, one after the other: NULL begins and ends. */
struct nl_route *sim_routes_to(const struct sim_kernel *k, uint32_t table,
                               const struct kd_prefix *dst, const struct nl_route *after);
/* The longest prefix around dst that is shorter than below and of a route's length; false: none. */
bool sim_routes_longest(const struct sim_kernel *k, const struct kd_addr *dst, int below,
                        struct kd_prefix *p);

/* ---- between kernel*.c ---- */

void *sim_kernel_grow(void *array, size_t n, size_t elem);
/* After a device or address went: its plain routes. carrier only: they stay (linkdown). */
void sim_fib_device_gone(struct sim_kernel *k, uint32_t ifindex, bool admin);
void sim_fib_source_gone(struct sim_kernel *k, const struct kd_addr *local);
int sim_fib_route(struct sim_kernel *k, const struct nl_route *r, bool del, uint16_t flags,
                  const char **text);
int sim_fib_nexthop(struct sim_kernel *k, const struct nl_nexthop *n, bool del, uint16_t flags,
                    const char **text);
int sim_fib_rule(struct sim_kernel *k, const struct nl_rule *r, bool del);
int sim_kernel_addr(struct sim_kernel *k, const struct nl_addr_set *a, bool del);
void sim_nl_tell_link(struct sim_kernel *k, const struct nl_link_info *l, bool del);
void sim_nl_tell_addr(struct sim_kernel *k, const struct nl_addr_set *a, bool del);
/* To the second socket, which doesn't hear of our own. */
void sim_nl_tell_route(struct sim_kernel *k, const struct nl_route *r, bool del);

#endif
