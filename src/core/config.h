/* What the operator wants, as values: filled by src/config, consumed by the core. Owns its
 * arrays. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "bfd/bfd.h"
#include "bgp/bgp.h"
#include "ike/ike.h"
#include "probe/names.h"

#define CORE_NAME_MAX             16 /* tunnel and interface names: IFNAMSIZ */
#define CORE_TUNNELS_MAX          1024
#define CORE_NEIGHBORS_MAX        1024
#define CORE_NETWORKS_MAX         64
#define CORE_LISTEN_MAX           8
#define CORE_HEALTH_MAX           64
#define CORE_TABLE_PIN            75000u /* and CORE_HEALTH_MAX - 1 more: probes' own ways */
#define CORE_HEALTH_NEIGHBORS_MAX 16 /* that one probe steers */

/* Peer ids of the BGP engine: a tunnel's neighbor has the tunnel's id, the others follow behind. */
#define CORE_PEER_BESIDE(i) (CORE_TUNNELS_MAX + (i))

enum core_dataplane { CORE_DP_AUTO, CORE_DP_TUN, CORE_DP_XFRM, CORE_DP_NONE };
extern const char *const core_dataplane_names[]; /* "auto", "tun", "xfrm", "none" */

/* How an outer address reaches its peers; whatever leaves from it does: IKE, ESP, by either data
 * plane. */
struct core_outer {
    char device[CORE_NAME_MAX]; /* bound to it: an interface, or a VRF, in whose table is looked up;
                                   "": as main says */
    uint32_t mark;              /* for policy routing and filters; 0: none */
};

/* ESP in a network card, where it is the kernel's. */
enum core_offload { CORE_OFFLOAD_NO, CORE_OFFLOAD_CRYPTO, CORE_OFFLOAD_PACKET };

#define CORE_MSS_AUTO 0
#define CORE_MSS_OFF  UINT16_MAX

/* BFD beside a BGP session (RFC 5882 4.2, 10.2). */
struct core_bfd_config {
    bool on;
    bool strict;       /* BGP waits for BFD to be Up, also the first time */
    bool multihop;     /* port 4784 (RFC 5883) */
    bool any_src_port; /* also from ports below 49152 (RFC 5881 4): BIRD on Linux */
    uint8_t detect_mult;
    uint32_t interval_us; /* of both directions, once Up */
    uint64_t recover_us;  /* Up for so long after a failure before BGP comes back; 0: at once */
    struct bfd_auth_config auth; /* keys in the arena, taken by the core */
};

/* What we announce as ours. */
struct core_network {
    struct kd_prefix prefix;
    bool in_kernel; /* only while somebody else's route to exactly it is in the kernel */
};

/* Others' routes in the kernel that we announce. */
struct core_redistribute {
    struct bgp_route_map *policy; /* borrowed from policies; NULL: none are announced */
    uint32_t max;
    uint8_t protocols[32]; /* a bit each: rtm_protocol */
};

#define CORE_PASSWORD_MAX 80 /* TCP_MD5SIG_MAXKEYLEN */

struct core_neighbor_config {
    struct bgp_peer_config bgp;
    struct core_bfd_config bfd;
    struct kd_handle password; /* of its TCP connections (RFC 2385), used by the shell; or NONE */
    bool with_password;        /* the file has one, even where nobody keeps it (peer-config) */
};

struct core_tunnel_config {
    struct ike_conn_config ike; /* its name is the tunnel's; psk in the arena, taken by the core */
    char ifname[CORE_NAME_MAX];
    struct kd_addr inner; /* family 0: none */
    uint32_t table;       /* inner routing table: router's, or its own */
    char vrf[CORE_NAME_MAX]; /* its interface is in it, and table is its; "": none */
    uint32_t mtu;         /* 0: from the suite */
    uint16_t mss;         /* CORE_MSS_AUTO: from the mtu */
    uint32_t replay_window;
    enum core_offload offload;
    char offload_device[CORE_NAME_MAX]; /* "": the one that the kernel's route names */
    uint64_t rehearse_us; /* the first rekey rehearsal, so long after the tunnel came up; 0: none */
    uint64_t recover_us;  /* carries again so long after a failure; 0: at once */
    uint64_t mtu_probe_us; /* the path's MTU is measured so often; 0: never */
    char profile[24];     /* "" when ike and esp are spelled out */
    struct core_tunnel_lines { /* of kedge.yaml, from 1; 0 where the key is left out */
        uint32_t tunnel, profile, ike, esp, selectors, auth, local_id, remote_id, remote;
    } line;
    bool has_neighbor;
    struct core_neighbor_config neighbor; /* iface, local and ttl are set by the core */
};

/* How a health probe asks: ICMP echo, UDP's echo service (RFC 862), a connection. */
enum core_probe { CORE_PROBE_ICMP, CORE_PROBE_UDP, CORE_PROBE_TCP, CORE_PROBE_N };
extern const char *const core_probe_names[]; /* "icmp", "udp", "tcp" */

/* What follows when a probe isn't answered any more: a set. */
enum {
    CORE_THEN_WITHDRAW = 1,   /* its neighbors are told nothing */
    CORE_THEN_LOCAL_PREF = 2, /* what they tell gets local_pref */
    CORE_THEN_PREPEND = 4,    /* what they are told gets our AS so many times more */
    CORE_THEN_SHUTDOWN = 8,   /* their sessions end */
};

/* A probe of something beyond a neighbor. */
struct core_health_config {
    char name[32];
    enum core_probe probe;
    struct kd_endpoint to; /* port 0: icmp */
    /* via: exactly one of these */
    uint32_t tunnel;      /* or UINT32_MAX: through its interface, from its address */
    uint32_t peer;        /* or UINT32_MAX: over the link it is on, from the session's address */
    struct kd_addr local; /* family 0: none: from it, by the kernel's route */
    char ifname[16];      /* "": none */
    uint64_t every_us;    /* each has to be answered before the next */
    uint32_t fail;        /* so many in a row aren't: down */
    unsigned then;        /* set of CORE_THEN_* */
    uint32_t local_pref;
    uint8_t prepend;
    uint64_t recover_us; /* all answered for so long: up again */
    uint32_t n_neighbors;
    uint32_t neighbor[CORE_HEALTH_NEIGHBORS_MAX]; /* peer ids */
};

/* What readiness expects of the backups. */
#define CORE_PRIMARIES_MAX 64
struct core_readiness {
    uint32_t n_primary, primary[CORE_PRIMARIES_MAX]; /* peer ids; n 0: all beside the tunnels */
    uint32_t n_backup, backup[CORE_PRIMARIES_MAX];   /* tunnels; n 0: all */
    uint64_t established_us; /* a session stands for so long at least */
    uint64_t drill_age_us;   /* the last drill is not older */
    uint64_t certificate_us; /* certificates are good for so long at least */
};

struct core_config {
    uint32_t router_id, asn, table;
    char vrf[CORE_NAME_MAX]; /* of tunnels without one of their own; table is its; "": none */
    bool azure;              /* router.azure: internal neighbors hear of tunnels' neighbors */
    bool ecmp;               /* equally good paths carry together */
    bool no_install;         /* BGP's routes stay out of the kernel */
    uint32_t n_networks;
    struct core_network networks[CORE_NETWORKS_MAX];
    struct core_redistribute redistribute;
    bool resolve_via_default; /* a default route of others' resolves next hops */
    uint32_t n_listen;
    struct kd_addr listen[CORE_LISTEN_MAX];
    struct core_outer outer[CORE_LISTEN_MAX]; /* of the same place in listen */
    uint16_t port, natt_port;
    enum core_dataplane dataplane;
    uint32_t n_tunnels, n_neighbors;
    struct core_tunnel_config *tunnels;
    struct core_neighbor_config *neighbors; /* beside the tunnels */
    uint64_t recover_us; /* of what has none of its own; UINT64_MAX: not configured */
    uint32_t n_health;
    struct core_health_config *health;
    struct core_readiness readiness;
    struct probe_names paths; /* what drills call them */
    uint32_t n_policies;
    struct bgp_route_map *
        *policies;             /* a reference each; what neighbors' import and export borrow */
    struct ike_certs *certs;   /* a list: what tunnels' auth.certs point to */
    char state_directory[256]; /* for what outlives the process; empty: nothing does */
    char control_socket[108];
    char control_group[32];
    bool keylog;   /* `kedge keylog` may write keys to files */
    struct kd_endpoint metrics; /* GET /metrics over TCP; family 0: on the control socket alone */
    bool metrics_remote;        /* an address that others reach is meant */
    int log_level; /* 0 error, 1 warn, 2 info, 3 debug */
};

/* Of a tunnel's outer address; of one that isn't listened on, no device and no mark. */
const struct core_outer *core_outer_of(const struct core_config *c, const struct kd_addr *local);

/* Frees the arrays, policies and certificates; keys in the arena belong to whoever took them. No
 * engine may have it any more, and no job may run; before the crypto context goes. */
void core_config_free(struct core_config *c);

#endif
