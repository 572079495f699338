/* A policy compiled: what policy.c makes and evaluates, and policy_text.c writes down. */
#ifndef BGP_ROUTE_MAP_H
#define BGP_ROUTE_MAP_H

#include "bgp/policy.h"

struct bgp_route_map_entry {
    bool permit;
    uint8_t from;
    uint16_t n_rules, n_regex, n_match;
    const struct bgp_prefix_rule *rules;
    const struct bgp_as_regex *regex;
    const struct bgp_community *match;
    struct bgp_route_set set;
    uint32_t prepend[BGP_PREPEND_MAX];
};

struct bgp_route_map {
    uint32_t refs;
    char name[32];
    uint16_t n;
    uint32_t any; /* the entries that match by prefix only */
    /* what the entries point into */
    struct bgp_prefix_rule *rules;
    struct bgp_as_regex *regex;
    struct bgp_community *communities;
    struct bgp_route_map_entry entry[];
};

#endif
