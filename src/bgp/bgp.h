/* The BGP engine: one struct, one step function; TCP belongs to the shell, routes to the core.
 *
 * RFC 4271 (BGP-4), 4760 (multiprotocol, IPv4 and IPv6 unicast), 5492 (capabilities), 6793 (4-octet
 * AS), 6286 (identifier), 7606 (error handling), 8212 (no eBGP without policy), 4486/9003
 * (Cease). */
#ifndef BGP_BGP_H
#define BGP_BGP_H

#include "base/addr.h"
#include "base/reason.h"
#include "base/schema.h"
#include "bgp/policy.h"
#include "crypto/crypto.h"

struct bgp; /* the engine: one local AS, any number of routing tables (VRFs) */

#define BGP_NO_IFACE UINT32_MAX
#define BGP_ECMP_MAX 8

/* RFC 4724 with a neighbor beside the tunnels, in which roles. */
enum bgp_graceful {
    BGP_GRACEFUL_OFF,
    BGP_GRACEFUL_HELP,     /* its routes outlast its restart */
    BGP_GRACEFUL_PRESERVE, /* and ours at its side outlast our own */
};

struct bgp_peer_config {
    char name[32];
    struct kd_addr remote;
    struct kd_addr local;      /* family 0: the kernel's choice */
    struct kd_addr local_other; /* our address of the other family: the next hop of its routes on
                                   this session; family 0: they aren't advertised */
    uint32_t asn;
    uint32_t table;            /* inner routing table (VRF) */
    uint32_t iface;            /* the tunnel (core's id) the session is bound to, or BGP_NO_IFACE */
    uint16_t hold_s;           /* offered; 0 or >= 3 */
    uint16_t keepalive_s;      /* 0: a third of the negotiated hold time */
    uint64_t connect_retry_us; /* pause between attempts, jittered */
    uint8_t ttl;               /* hops the peer may be away */
    uint8_t ttl_security;      /* RFC 5082: no more hops than this; 0: not used */
    bool passive;
    bool next_hop_self;        /* always on eBGP */
    bool as_override;          /* export: the peer's AS in a path becomes ours */
    bool graceful_shutdown;    /* import: what is tagged so is the last choice (RFC 8326) */
    uint8_t allow_as_in;       /* import: how often our AS may stand in a path */
    enum bgp_source source;    /* what its routes are to policies */
    uint8_t graceful_restart;  /* enum bgp_graceful; OFF over a tunnel, whatever it says */
    struct bgp_route_map *import, *export; /* the engine takes a reference of its own; NULL: none,
                                              and eBGP exchanges nothing then (RFC 8212) */
    uint16_t weight;           /* the highest carries, before LOCAL_PREF; ours alone: what
                                  neighbors are told is decided without it */
    uint32_t prefixes_max;     /* loops don't count; 0: none; Azure: 4000 */
};

struct bgp_params {
    struct kc_ctx *crypto; /* borrowed; unused but for the random stream's seed handling */
    uint8_t seed[32];
    uint64_t now_us;
    uint32_t asn;
    uint32_t router_id; /* host order */
    uint32_t peers_max; /* 1024 */
    bool ecmp;          /* equal paths are installed together */
    struct bgp_route_map *redistribute; /* of the kernel's routes; the engine takes a reference of
                                           its own; NULL: none is */
    bool no_fib;        /* no ROUTE_SET, no ROUTE_DEL: a speaker that forwards nothing */
};

struct bgp *bgp_new(const struct bgp_params *p) KD_MUST_USE;
void bgp_free(struct bgp *b);
/* Adds or replaces a peer's configuration (copied); starts nothing. A change that needs a new
 * session is the caller's to follow by PEER_OFF / PEER_ON; policy changes are applied at the next
 * step. */
bool bgp_peer_set(struct bgp *b, uint32_t peer, const struct bgp_peer_config *c) KD_MUST_USE;
/* Another policy for what is redistributed (NULL: none); it decides about routes that appear from
 * now on. */
void bgp_redistribute(struct bgp *b, struct bgp_route_map *policy);
void bgp_peer_del(struct bgp *b, uint32_t peer); /* after PEER_OFF */

/* ---- events ---- */

enum bgp_event_kind {
    BGP_EV_WAKE,
    BGP_EV_PEER_ON,      /* start: connect at once (RFC 4271 ManualStart; no wait for
                            ConnectRetry) */
    BGP_EV_PEER_OFF,     /* hard stop: Cease if heard, close; paths out with the next WAKE */
    BGP_EV_TCP_OPENED,   /* an outgoing connect completed */
    BGP_EV_TCP_INCOMING, /* a connection was accepted by the shell: answered by ACCEPT or REFUSE */
    BGP_EV_TCP_FAILED,   /* an outgoing connect failed */
    BGP_EV_TCP_BYTES,
    BGP_EV_TCP_SENT,     /* n bytes given to WRITE have left our buffers */
    BGP_EV_TCP_CLOSED,   /* by the peer or an error */
    BGP_EV_NEXTHOP,      /* the state of a watched next hop */
    BGP_EV_GUARD,        /* iface's prefixes of n bits and more that hold nexthop, its outer
                          * address, would carry the tunnel into itself; family 0: none would */
    BGP_EV_LOCAL_ROUTE,  /* a configured network, or a redistributed route, appears or goes */
    BGP_EV_BFD,
    BGP_EV_REFRESH,      /* operator: in: the import policy once more, and the peer is asked to tell
                            everything again (RFC 2918); out: it is told everything again */
    BGP_EV_LEAVE,        /* operator: up: what the peer is told is tagged GRACEFUL_SHUTDOWN from
                          * now on (RFC 8326), the session stays; !up, or PEER_OFF: no longer */
    BGP_EV_RESTARTED,    /* first of all: what an earlier life of ours has put into the kernel
                          * forwards still: in, out: IPv4, IPv6 (RFC 4724 4.1) */
    BGP_EV_STEER,        /* steer: on top of the peer's policies from now on, the session stays */
};

#define BGP_STEER_PREPEND_MAX 10

/* What is made of a neighbor's routes besides its policies. */
struct bgp_steer {
    bool withdraw;       /* it is told nothing */
    bool set_local_pref; /* of what it tells, whatever the import policy sets */
    uint8_t prepend;     /* our AS so many times more in what it is told, if it is external */
    uint32_t local_pref; /* 0 unless set_local_pref */
    bool halves;         /* it is also told the local routes that are halves */
};

struct bgp_event {
    enum bgp_event_kind kind;
    uint64_t now_us;
    bool hold;             /* routes of earlier steps wait for the kernel: peers are told nothing */
    uint32_t peer;         /* PEER_*, BFD, REFRESH */
    enum kd_reason reason; /* PEER_OFF; TCP_FAILED, TCP_CLOSED */
    bool heard;            /* PEER_OFF: the peer can probably still hear a Cease */
    struct kd_handle conn; /* TCP_*; the engine gave it out in CONNECT or ACCEPT */
    uint64_t token;        /* TCP_INCOMING: the shell's name for the accepted socket */
    struct kd_addr local, remote; /* TCP_OPENED, TCP_INCOMING */
    uint32_t iface;        /* TCP_INCOMING: where it arrived (tunnel id or BGP_NO_IFACE);
                            * NEXTHOP: as in the NH_WATCH */
    struct kd_bytes data;  /* TCP_BYTES; PEER_OFF: a shutdown communication, UTF-8 (RFC 9003),
                            * or empty */
    uint32_t n;            /* TCP_SENT; GUARD */
    bool up;               /* NEXTHOP, BFD, LEAVE; LOCAL_ROUTE: add */
    bool in, out;          /* REFRESH, RESTARTED */
    struct bgp_steer steer;
    uint32_t table;        /* NEXTHOP, LOCAL_ROUTE */
    struct kd_addr nexthop;
    uint32_t metric;       /* NEXTHOP: IGP cost */
    struct kd_prefix prefix; /* LOCAL_ROUTE */
    bool redistributed;      /* LOCAL_ROUTE: by the policy, origin incomplete */
    bool internal;           /* LOCAL_ROUTE: for internal neighbors only, with NO_EXPORT */
    bool half; /* LOCAL_ROUTE: of one of ours, which draws traffic: told only to who is steered so,
                * by the export policy's word about the whole */
};

extern const struct kd_schema bgp_event_schema;

/* ---- actions ---- */

enum bgp_action_kind {
    BGP_ACT_CONNECT, /* open TCP to remote:179 from local, ttl, bound to iface */
    BGP_ACT_ACCEPT,  /* token is now conn */
    BGP_ACT_REFUSE,  /* close token */
    BGP_ACT_WRITE,   /* data on conn */
    BGP_ACT_CLOSE,   /* conn; what was written before goes out first */
    BGP_ACT_PAUSE,   /* read no more of conn: enough of it waits here */
    BGP_ACT_RESUME,  /* go on reading conn */
    BGP_ACT_NH_WATCH,   /* tell me of this next hop (answered by NEXTHOP, at once and on change) */
    BGP_ACT_NH_UNWATCH,
    BGP_ACT_ROUTE_SET, /* the path set of a prefix: best (ECMP) and the precomputed backup */
    BGP_ACT_ROUTE_DEL,
    BGP_ACT_NOTE,
};

enum bgp_note {
    BGP_NOTE_STATE,   /* peer's FSM state changed: state, reason */
    BGP_NOTE_STOP,    /* a session or, state below Established, an attempt at one ended: the state
                         it was in, reason, detail (NOTIFICATION code/subcode, text) */
    BGP_NOTE_ERROR,   /* RFC 7606 dispositions and refused connections; rate-limited */
    BGP_NOTE_EOR,     /* end of the initial table exchange with the peer */
    BGP_NOTE_RECURSIVE, /* a path is refused (GUARD): prefix, why; rate-limited */
    BGP_NOTE_N
};

enum bgp_state {
    BGP_IDLE,
    BGP_CONNECT,
    BGP_ACTIVE,
    BGP_OPENSENT,
    BGP_OPENCONFIRM,
    BGP_ESTABLISHED
};

struct bgp_path_nh {
    struct kd_addr nexthop;
    uint32_t peer;
    uint32_t iface; /* the peer's binding: a device route when set, a gateway route otherwise */
};

struct bgp_action {
    enum bgp_action_kind kind;
    uint32_t peer;
    struct kd_handle conn;
    uint64_t token;
    struct kd_addr local, remote;
    uint8_t ttl, ttl_min; /* to send with; what arrives with less is dropped */
    uint32_t iface;
    struct kd_span data; /* WRITE; NOTE: detail text */
    bool offers;         /* WRITE: a way is among it; every such one's ROUTE_SET came before */
    uint32_t table;
    struct kd_addr nexthop; /* NH_* */
    struct kd_prefix prefix;
    struct kd_span paths; /* ROUTE_SET: bgp_paths_parse() */
    enum bgp_note note;
    enum bgp_state state;
    enum kd_reason reason;
};

/* The paths of a ROUTE_SET, as they lie in the arena. */
struct bgp_pathset {
    uint8_t n_best, n_backup; /* backup: the best paths left when every best one's peer is lost */
    struct bgp_path_nh best[BGP_ECMP_MAX], backup[BGP_ECMP_MAX];
};
bool bgp_paths_parse(struct kd_bytes b, struct bgp_pathset *out) KD_MUST_USE;

extern const struct kd_schema bgp_action_schema;
extern const char *const bgp_state_names[]; /* "Idle", "Connect", ... as the field writes them */
extern const char *const bgp_note_names[];

#define BGP_OUT_ACTIONS 256
#define BGP_OUT_BYTES   (256 * 1024)

struct bgp_out {
    uint64_t deadline_us;
    bool more;
    uint32_t n, used;
    struct bgp_action a[BGP_OUT_ACTIONS];
    uint8_t buf[BGP_OUT_BYTES];
};

void bgp_step(struct bgp *b, const struct bgp_event *ev, struct bgp_out *out);

/* ---- views ---- */

#define BGP_TEXT_MAX 320 /* why a session ended, with a shutdown communication */

struct bgp_peer_view {
    enum bgp_state state;
    enum kd_reason reason; /* why it is not Established, or why it last went down */
    uint64_t since_us;
    uint32_t remote_router_id;
    uint16_t hold_s, keepalive_s; /* negotiated; offered while down */
    struct kd_addr local, remote;
    uint32_t asn;
    bool ibgp;
    bool as4; /* ASNs of four octets on the wire; true while down */
    uint32_t received, accepted, advertised; /* prefixes */
    uint32_t prefixes_max;                   /* of received, without loops; 0: none */
    uint64_t retry_at_us; /* held off in Idle until then (DampPeerOscillations); 0: not */
    uint64_t msgs_in, msgs_out;
    bool eor; /* the initial table exchange of this session is over, both ways */
    char last_error[BGP_TEXT_MAX];
};
bool bgp_peer_get(const struct bgp *b, uint32_t peer, struct bgp_peer_view *v);

enum bgp_rib_view { BGP_VIEW_BEST, BGP_VIEW_LEARNED, BGP_VIEW_ADVERTISED };

struct bgp_route_view {
    struct kd_prefix prefix;
    uint32_t table;
    bool best, local; /* best: it carries (by weight, then the decision); local: a configured
                         network */
    bool carries;     /* best, or with ECMP as good: the kernel spreads flows over all of these */
    uint16_t weight;
    bool accepted;    /* passed the import policy */
    bool valid;       /* and its next hop is reachable: the decision looks at it */
    bool looped;      /* our AS or identifier is in it: held, never accepted */
    bool recursive;   /* accepted, and refused because it would carry its tunnel's outer address */
    bool stale;       /* kept through its neighbor's restart, not told again yet (RFC 4724) */
    bool ibgp;        /* learned from / advertised to an internal peer */
    uint32_t peer;    /* learned from / advertised to */
    uint32_t from;    /* ADVERTISED: whom it was learned from; UINT32_MAX: it is ours (local) */
    struct kd_addr nexthop;
    uint32_t local_pref, med;
    bool has_med;
    uint8_t origin; /* 0 igp, 1 egp, 2 incomplete */
    uint16_t n_as;
    uint16_t n_communities, n_ext, n_large;
    uint32_t communities[32]; /* RFC 1997; cut at 32 */
    uint32_t ext[16][2];      /* RFC 4360, as on the wire; cut at 16 */
    uint32_t large[16][3];    /* RFC 8092; cut at 16 */
    uint32_t as_path[64]; /* flattened, cut at 64; sets in {} are listed in order */
};
/* Calls fn for each route of the view in (table, prefix, peer) order until it returns false. peer:
 * UINT32_MAX for all (not for ADVERTISED). */
void bgp_rib_walk(const struct bgp *b, enum bgp_rib_view view, uint32_t peer,
                  bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg);
/* The view BEST of those prefixes alone that have the address in them, in each table the longest
 * first: costs nothing for the others. */
void bgp_rib_around(const struct bgp *b, const struct kd_addr *a,
                    bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg);
/* The same a destination a time, with whatever else in between: those that were there at the
 * beginning, with the routes that they have when it is their turn. NULL: out of memory. */
struct bgp_rib_tour;
struct bgp_rib_tour *bgp_rib_tour_new(const struct bgp *b, enum bgp_rib_view view,
                                      uint32_t peer) KD_MUST_USE;
/* False: there was none left. A destination may have no routes. */
bool bgp_rib_tour_next(struct bgp_rib_tour *t, const struct bgp *b,
                       bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg);
void bgp_rib_tour_free(struct bgp_rib_tour *t);

#endif
