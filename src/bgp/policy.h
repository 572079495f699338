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

#endif
