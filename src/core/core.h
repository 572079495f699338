/* The core: wires IKE, BGP, data plane and kernel into one state machine. Pure like the engines: a
 * whole gateway is one struct, driven by events and answering with actions (DESIGN 1).
 *
 *   tunnel wanted -> IKE -> child installed -> interface up -> BGP on -> routes -> kernel
 *
 * and the reverse on failure, in the same step. Kernel requests leave as complete netlink messages
 * whose sequence number is the operation's id; their acknowledgement is an event. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/config.h"
#include "core/event.h"
#include "ike/explain.h"

struct core;

struct core_params {
    struct kc_ctx *crypto; /* borrowed */
    uint8_t seed[32];
    uint64_t now_us;
    struct kd_handle qcd; /* as ike_params.qcd; taken */
};

/* Takes the configuration's values (copied) and its keys. NULL when out of memory. */
struct core *core_new(const struct core_params *p, const struct core_config *cfg) KD_MUST_USE;
void core_free(struct core *c);
/* Takes over what of next (borrowed; made by the same reader) can change under running sessions:
 * policies, what a neighbor needs no new session for, the networks. To be followed by a step.
 * False: out of memory, some of it may be as before. */
bool core_reload(struct core *c, const struct core_config *next) KD_MUST_USE;

/* ---- events ---- */

enum core_ev_kind {
    CORE_EV_WAKE,         /* the deadline came, and what had arrived for BFD has been fed */
    CORE_EV_START,        /* dataplane: what `auto` became; text: why */
    CORE_EV_STOP,         /* announce and end: DELETE, Cease, routes and devices out */
    CORE_EV_IKE_DATAGRAM, /* local, remote, natt, data (without the non-ESP marker) */
    CORE_EV_JOB_DONE,     /* handle, job_status, secret, data */
    CORE_EV_SA_RESULT,    /* handle = child, ok, data = text */
    CORE_EV_SA_SEEN,      /* handle = child: its first authenticated inbound packet */
    CORE_EV_SA_SOURCE,    /* handle = child, remote: its newest authentic packet came from there */
    CORE_EV_SA_EXPIRE,    /* handle = child: a limit is reached; ok: a soft one; else data = why,
                           * where it was no limit */
    CORE_EV_TRAFFIC,      /* tunnel: a packet for it found no pair; the sender limits the rate */
    CORE_EV_SA_TROUBLE,   /* tunnel or CORE_NO_TUNNEL, data = text: the kernel refuses what the data
                           * plane goes on asking it for */
    CORE_EV_DEVICE,       /* tunnel, ok, ifindex, data = text: DEVICE_ADD's answer */
    CORE_EV_NETLINK,      /* data: one datagram from the kernel (acks, links, addresses, routes) */
    CORE_EV_NETLINK_LOST, /* overrun: ask again for everything */
    CORE_EV_MONITOR,      /* data: one datagram of the second socket, which hears what others do */
    CORE_EV_MONITOR_LOST, /* it overran */
    CORE_EV_TCP_OPENED,   /* handle = conn, local, remote */
    CORE_EV_TCP_INCOMING, /* token, local, remote, tunnel (arrived on its interface) or
                             CORE_NO_TUNNEL */
    CORE_EV_TCP_FAILED,   /* handle, reason */
    CORE_EV_TCP_BYTES,    /* handle, data */
    CORE_EV_TCP_SENT,     /* handle, n */
    CORE_EV_TCP_CLOSED,   /* handle, reason */
    CORE_EV_BFD,          /* a control packet: local, remote (with ports), ifindex, n = TTL (0:
                           * unknown), data */
    CORE_EV_PROBE,        /* n = health, token as in PROBE. ok: answered; data: the UDP payload
                           * that came, or what a raw socket brings of ICMP (IPv4 with its header).
                           * !ok: it can't be; data = text */
    CORE_EV_ICMP,         /* n = 4 or 6, data: what a raw socket brings of ICMP (IPv4 with its
                           * header): a datagram was too long */
    CORE_EV_COMMAND,      /* command, tunnel or peer; KEYLOG, RELOAD: data = text;
                           * NEIGHBOR_DRAIN: data = ids; NEIGHBOR_SHUTDOWN: data = what is told
                           * the neighbor (RFC 9003), UTF-8, 255 octets at most */
};

enum core_command {
    CORE_CMD_UP,
    CORE_CMD_DOWN,
    CORE_CMD_DOWN_SILENT,
    CORE_CMD_REKEY, /* the pairs and the IKE SA */
    CORE_CMD_REKEY_CHILD,
    CORE_CMD_REKEY_IKE,
    CORE_CMD_REHEARSE, /* the same one after the other, with a verdict */
    CORE_CMD_RESET,
    CORE_CMD_NEIGHBOR_SHUTDOWN,
    CORE_CMD_NEIGHBOR_LEAVE, /* what it is told is tagged (RFC 8326) until SHUTDOWN or ENABLE */
    CORE_CMD_NEIGHBOR_SILENT, /* as if it had died: nothing is sent to it or heard of it until
                               * ENABLE; what it has told us stays until that is detected */
    CORE_CMD_NEIGHBOR_DRAIN,   /* what it tells is the last choice until UNDRAIN; data: the ids of
                                * neighbors (uint32_t each) that are told the halves of what of
                                * ours it is told, or empty */
    CORE_CMD_NEIGHBOR_UNDRAIN,
    CORE_CMD_NEIGHBOR_REFRESH, /* both directions */
    CORE_CMD_NEIGHBOR_REFRESH_IN,
    CORE_CMD_NEIGHBOR_REFRESH_OUT,
    CORE_CMD_NEIGHBOR_ENABLE,
    CORE_CMD_RELOAD, /* the shell has (ok) called core_reload(), or refused to: text says what */
    CORE_CMD_KEYLOG, /* the shell writes keys, or no longer: the core says so */
    CORE_CMD_N
};
extern const char *const core_command_names[];

struct core_ev {
    enum core_ev_kind kind;
    uint64_t now_us;
    int64_t wall_s; /* UTC seconds since 1970: what certificates are judged by; 0: as before */
    enum core_dataplane dataplane;
    struct kd_endpoint local, remote;
    bool natt, ok;
    struct kd_bytes data;
    struct kd_handle handle;
    enum kc_job_status job_status;
    struct kd_handle secret;
    uint64_t token;
    uint32_t tunnel, peer, ifindex, n;
    enum kd_reason reason;
    enum core_command command;
};
extern const struct kd_schema core_ev_schema;

/* ---- actions ---- */

enum core_act_kind {
    CORE_ACT_IKE_SEND,   /* local, remote, natt, data; df: not to be cut up on the way */
    CORE_ACT_IKE_KEEPALIVE, /* local, remote: one octet 0xff on the NAT-T port */
    CORE_ACT_JOB,        /* handle, job_kind, group, priv, data = peer public; or auth, data to
                          * data3 as ike/auth.h says */
    CORE_ACT_DEVICE_ADD, /* tunnel, name: make the interface; answered by DEVICE */
    CORE_ACT_DEVICE_DEL, /* tunnel */
    CORE_ACT_SA_ADD,     /* handle = child, tunnel, sa, data = ts_local, data2 = ts_remote;
                            answered by SA_RESULT */
    CORE_ACT_SA_USE,     /* handle, replaces */
    CORE_ACT_SA_MOVE,    /* handle, local, remote */
    CORE_ACT_SA_DEL,     /* handle */
    CORE_ACT_MUTE,       /* tunnel, silent: its SAs neither send nor receive (or do again) */
    CORE_ACT_INJECT,     /* tunnel, data: an inner packet to send through the tunnel (the two-way
                            proof) */
    CORE_ACT_NETLINK,    /* data: one message */
    CORE_ACT_MONITOR,    /* data: one request on the second socket */
    CORE_ACT_TCP_LISTEN, /* tunnel (bound to its device) or CORE_NO_TUNNEL; local */
    CORE_ACT_TCP_UNLISTEN,
    CORE_ACT_TCP_CONNECT, /* handle, local, remote, tunnel, ttl, ttl_min, mss */
    CORE_ACT_TCP_ACCEPT,  /* token is now handle; ttl, ttl_min */
    CORE_ACT_TCP_REFUSE,  /* token */
    CORE_ACT_TCP_WRITE,   /* handle, data */
    CORE_ACT_TCP_CLOSE,   /* handle, silent: nothing may be sent any more, not even a FIN */
    CORE_ACT_TCP_PAUSE,   /* handle: read no more of it */
    CORE_ACT_TCP_RESUME,  /* handle: go on */
    CORE_ACT_BFD_SEND,    /* local (family 0: the kernel's choice), remote, ifindex (0: by
                           * route), ttl, data */
    CORE_ACT_PROBE,       /* health, probe, token, local (family 0: the kernel's choice), remote,
                           * ifindex (0: by route), data: the ICMP message (of IPv6 without its
                           * checksum) or the UDP payload; with TCP a connection is all. Answered
                           * by PROBE */
    CORE_ACT_EVENT,       /* record */
    CORE_ACT_STOPPED,     /* after STOP: everything that will be said has been said */
};

struct core_sa {
    uint32_t spi_in, spi_out;
    uint16_t encr, encr_bits, integ;
    bool esn, encap;
    struct kd_handle key_enc_in, key_int_in, key_enc_out, key_int_out;
    uint32_t replay_window;
    uint16_t mss;
    struct ike_limits limits;
};

struct core_act {
    enum core_act_kind kind;
    uint32_t tunnel;
    struct kd_endpoint local, remote;
    bool natt, df;
    struct kd_span data, data2;
    struct kd_handle handle, replaces;
    enum kc_job_kind job_kind;
    uint32_t group;
    struct kd_handle priv;
    struct ike_auth_job auth;
    char name[CORE_NAME_MAX];
    struct core_sa sa;
    uint64_t token;
    uint8_t ttl, ttl_min;
    uint16_t mss;
    bool silent;
    /* EVENT: the record's text, offered and configured lie in data, data2, data3 */
    struct kd_span data3;
    struct core_event_record record;
    uint32_t ifindex;
    uint32_t health;
    enum core_probe probe;
};
extern const struct kd_schema core_act_schema;

#define CORE_OUT_ACTIONS 1024
#define CORE_OUT_BYTES   (1024 * 1024)

struct core_out {
    uint64_t deadline_us;
    bool more;
    uint32_t n, used;
    struct core_act a[CORE_OUT_ACTIONS];
    uint8_t buf[CORE_OUT_BYTES];
};

void core_step(struct core *c, const struct core_ev *ev, struct core_out *out);

static inline struct kd_bytes core_out_bytes(const struct core_out *o, struct kd_span s)
{
    return kd_bytes(o->buf + s.off, s.len);
}
/* The EVENT action's record with its texts pointing into the output. */
struct core_event_record core_out_record(const struct core_out *o, const struct core_act *a);

/* ---- views ---- */

enum core_rehearsal_state {
    CORE_REHEARSAL_NONE,    /* not since the start */
    CORE_REHEARSAL_WAITING, /* for its time */
    CORE_REHEARSAL_CHILD,
    CORE_REHEARSAL_IKE,
    CORE_REHEARSAL_PASSED,
    CORE_REHEARSAL_FAILED,
    CORE_REHEARSAL_N
};
extern const char *const core_rehearsal_state_names[]; /* CHILD and IKE are both "running" */

struct core_rehearsal_view {
    enum core_rehearsal_state state;
    uint64_t since_us; /* of the state */
    uint64_t took_us;
    enum kd_reason reason; /* FAILED */
    bool failed_ike;       /* FAILED: at the IKE rekey, so the pairs' was good */
    uint16_t pfs, group;   /* enum kc_dh: of the new pair (0: no PFS) and the new IKE SA */
    struct {               /* the last that came to an end, which an interruption is not */
        enum core_rehearsal_state state; /* NONE, PASSED, FAILED */
        enum kd_reason reason;
        bool failed_ike;
    } last;
};

/* What the path is known to carry: octets of a datagram between the gateways. */
struct core_pmtu_view {
    uint32_t need; /* what a full inner packet becomes; 0: there was no pair yet */
    uint32_t path; /* what passes; 0: not known */
    uint32_t inner; /* the inner MTU that this allows */
    uint64_t at_us; /* when it was measured */
};

/* A tunnel's last refusal since the start; stays over reconnects. */
struct core_refused_view {
    uint64_t at_us;
    uint32_t count; /* refusals of the tunnel since the start */
    struct kd_endpoint remote;
    struct ike_refusal r;
};

struct core_tunnel_view {
    const struct core_tunnel_config *config;
    enum core_tunnel_state state;
    enum kd_reason reason;
    uint64_t since_us;
    bool carrying; /* its neighbor's host route and paths lead through it */
    uint32_t ifindex, mtu;
    struct ike_view ike;
    /* the last refusal, until the next success; texts borrowed until the next step */
    enum kd_reason refusal;
    const char *refusal_detail, *refusal_offered, *refusal_configured;
    const struct core_refused_view *refused; /* NULL: nothing was; borrowed until the next step */
    bool child_up;
    struct core_rehearsal_view rehearsal;
    struct core_pmtu_view pmtu;
};

#define CORE_STRANGERS_MAX 16 /* a screen; the event stream has the others */

/* Who matched no tunnel. */
struct core_stranger_view {
    uint64_t at_us;
    uint32_t count; /* with the same text */
    struct kd_endpoint remote;
    char text[160];
};
/* The newest first; borrowed until the next step. */
const struct core_stranger_view *core_strangers(const struct core *c, uint32_t *n);

uint32_t core_tunnels(const struct core *c); /* ids are 0 .. n-1 */
bool core_tunnel_get(const struct core *c, uint32_t tunnel, struct core_tunnel_view *v);
bool core_tunnel_find(const struct core *c, const char *name, uint32_t *tunnel);

/* Peers in order: tunnels' neighbors, then the others. next: start with UINT32_MAX. */
bool core_peer_next(const struct core *c, uint32_t *peer);
bool core_peer_find(const struct core *c, const char *name_or_address, uint32_t *peer);
/* False when the neighbor has no BFD. */
bool core_bfd_get(const struct core *c, uint32_t peer, struct bfd_session_view *v);

enum core_health_state {
    CORE_HEALTH_UNKNOWN, /* never answered, and not yet down */
    CORE_HEALTH_UP,
    CORE_HEALTH_DOWN,
};
extern const char *const core_health_state_names[];

struct core_health_view {
    const struct core_health_config *config;
    enum core_health_state state;
    bool paused;         /* its tunnel doesn't carry: not probed, and nothing is concluded */
    uint64_t since_us;   /* of the state */
    uint64_t rtt_us;     /* of the last answer */
    uint64_t up_at_us;   /* DOWN and answered: when it counts as up; else KD_NEVER */
    uint32_t lost;       /* in a row */
    uint32_t failures;   /* how often it went down */
    uint64_t sent, answered;
    const char *why;     /* what was said of the last loss, or ""; borrowed until the next step */
};
bool core_health_get(const struct core *c, uint32_t health, struct core_health_view *v);

/* What health makes of a neighbor's routes and session at present. */
#define CORE_DRAIN_OVER_MAX     8
#define CORE_DRAIN_PREFIXES_MAX 1024 /* of ours, more than any gateway announces */

struct core_steer_view {
    struct bgp_steer steer;
    bool shutdown;
};
bool core_steer_get(const struct core *c, uint32_t peer, struct core_steer_view *v);
/* When a failed tunnel, or a neighbor's failed BFD, that is good again counts as such; KD_NEVER. */
uint64_t core_tunnel_recovers_at(const struct core *c, uint32_t tunnel);
uint64_t core_bfd_recovers_at(const struct core *c, uint32_t peer);
/* By command: shut down, silent or drained. */
bool core_peer_disturbed(const struct core *c, uint32_t peer);
const struct bgp_peer_config *core_peer_config(const struct core *c, uint32_t peer);
const struct bgp *core_bgp(const struct core *c);
const struct ike *core_ike(const struct core *c);
const struct core_config *core_configuration(const struct core *c);
enum core_dataplane core_dataplane_of(const struct core *c, const char **why);
/* Is the prefix acknowledged by the kernel as installed, and over which interface ("" for none)? */
bool core_fib_get(const struct core *c, uint32_t table, const struct kd_prefix *p, char ifname[16]);
/* The same of one of its ways, what peer told with this next hop. */
bool core_fib_way(const struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t peer,
                  const struct kd_addr *nexthop, char ifname[16]);

#endif
