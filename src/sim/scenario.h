/* Ready-made networks. The pair is seed 002's: "azure" (AS 65515) and "onprem" (AS 65020), a tunnel
 * over the link "internet" with BGP through it, and a plain link "er" (ExpressRoute) with BGP
 * beside it at local preference 150. Each side announces a prefix that covers the other's BGP
 * address, so that a neighbor's packets would find a way in clear. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim/gateway.h"

struct sim_pair_options {
    uint64_t seed;
    uint64_t detect_us, abandon_us; /* 0: 2 s, 60 s */
    uint64_t child_life_us;         /* 0: an hour */
    uint64_t ike_life_us;           /* 0: eight hours */
    uint64_t child_life_bytes, child_life_packets; /* 0: any number */
    enum ike_role azure, onprem;    /* 0: both initiate */
    bool no_er;
    bool vpn_first; /* ExpressRoute at local preference 50: the backup */
    bool ecmp;      /* ExpressRoute and VPN equally good, and both carry */
    bool er_behind; /* ExpressRoute's session is between loopbacks (SIM_*_ER), each a static route
                       behind the other end of the link */
    bool nat;       /* onprem behind a NAT; azure only answers */
    bool no_encap;  /* raw ESP */
    uint32_t
        bfd_us; /* BFD beside both sessions at this interval, three of which may be lost; 0: none */
    bool bfd_strict;
    bool bfd_auth; /* meticulous keyed SHA1, one key for all */
};

struct sim_pair {
    struct sim *sim;
    struct sim_gw *azure, *onprem;
    struct sim_link *internet, *er; /* end 0 is onprem, end 1 azure */
    const char *first; /* the interface that carries when all is well; NULL: both do */
};

#define SIM_VPN 0u /* the tunnel, and its neighbor's id */
#define SIM_ER  CORE_PEER_BESIDE(0)

#define SIM_AZURE_BGP   "10.17.11.76"
#define SIM_ONPREM_BGP  "192.168.11.88"
#define SIM_AZURE_ER    "192.168.99.18"
#define SIM_ONPREM_ER   "192.168.99.17"
#define SIM_AZURE_HOST  "10.17.11.10" /* of 10.17.11.0/25 */
#define SIM_ONPREM_HOST "10.1.11.10"  /* of 10.1.11.0/25 */

/* The static route to the other's SIM_*_ER: added or removed. */
void sim_pair_er_route(struct sim_gw *g, const char *to, const char *gateway, bool add);
/* Makes both, starts neither. */
void sim_pair_new(struct sim_pair *p, const struct sim_pair_options *o);
void sim_pair_free(struct sim_pair *p);
void sim_pair_start(struct sim_pair *p);
/* Runs until both tunnels are up, every session Established and every prefix in both kernels; false
 * when for_us passed. */
bool sim_pair_wait_up(struct sim_pair *p, uint64_t for_us) KD_MUST_USE;
bool sim_pair_is_up(const struct sim_pair *p);

/* azure with n tunnels, each to a gateway of its own; gws[0] is azure. Starts none. */
struct sim_hub {
    struct sim *sim;
    struct sim_gw **gws;
    uint32_t n;
};
void sim_hub_new(struct sim_hub *h, uint64_t seed, uint32_t n);
void sim_hub_free(struct sim_hub *h);

/* ---- conditions ---- */

bool sim_tunnel_is(const struct sim_gw *g, uint32_t tunnel, enum core_tunnel_state state);
bool sim_bgp_is(const struct sim_gw *g, uint32_t peer, enum bgp_state state);
/* Where the kernel sends dst: an interface's name, "unreachable", "local" or "none". */
const char *sim_way_to(const struct sim_gw *g, const char *dst);

#endif
