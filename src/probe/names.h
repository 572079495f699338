/* Names for ways, as an operator has given them: by a hop that is on one of them only, or by whom
 * our best route leads to. Pure. */
#ifndef PROBE_NAMES_H
#define PROBE_NAMES_H

#include "probe/probe.h"

#define PROBE_NAME_MAX  32
#define PROBE_NAMES_MAX 16
#define PROBE_NAMED_MAX 16 /* hops, or peers, of one */

struct probe_names {
    uint32_t n;
    struct probe_name {
        char name[PROBE_NAME_MAX]; /* "vpn", "expressroute" */
        uint32_t n_hops, n_peers;
        struct kd_prefix hop[PROBE_NAMED_MAX];
        uint32_t peer[PROBE_NAMED_MAX]; /* ids */
    } name[PROBE_NAMES_MAX];
};

/* The one that has a hop of the way's; "" when none has, or more than one. */
const char *probe_name_by_hops(const struct probe_names *names, const struct probe_path *p);
/* The one that has the peer; "" likewise. */
const char *probe_name_by_peer(const struct probe_names *names, uint32_t peer);

#endif
