/* A neighbor: what is configured, its connections (two while they collide), and what was learned
 * from and told to it in each address family. */
#ifndef BGP_PEER_H
#define BGP_PEER_H

#include "bgp/bgp.h"
#include "bgp/message.h"
#include "bgp/rib.h"

/* One TCP connection: an instance of the FSM (RFC 4271 8.2.1). */
struct bgp_conn {
    struct kd_handle h;
    struct bgp_peer *peer;
    enum bgp_state state; /* CONNECT .. ESTABLISHED */
    bool outgoing;
    bool held; /* in CONNECT: open, but nothing is said or read before the other one is decided */
    struct kd_addr local, remote;
    uint32_t outstanding;  /* bytes written and not yet reported as sent */
    uint64_t rx_us, tx_us; /* last KEEPALIVE or UPDATE in, last message out */
    uint64_t taken_us;     /* since when all, or more, of what is outstanding waits */
    /* bytes that aren't a whole message yet, or for which this step had no time left */
    uint8_t *in;
    uint32_t in_off, in_len, in_cap;
    bool paused; /* the shell has been told to read no more */
    /* negotiated, from OPENCONFIRM on */
    struct bgp_open open;
    bool family[2]; /* IPv4, IPv6 */
    bool as4;
    uint16_t hold_s;
    uint64_t keepalive_us;
    size_t rx_max, tx_max; /* longest message (RFC 8654) */
};

struct bgp_family {
    struct bgp_rib *rib; /* since the session came up; stays until purged */
    bool up;             /* negotiated in the running session */
    bool purge;          /* a dead session's remains are being taken out */
    bool stale;          /* paths of an earlier session are kept (graceful.c) */
    struct bgp_path_list paths;
    uint32_t accepted;
    uint32_t soft; /* next path to re-evaluate by the import policy; 0: none */
    bool remark;   /* and to decide about, whatever comes of it */
    /* what the peer has been told: destination -> attribute set; and what it is yet to be told */
    struct bgp_map out;
    uint32_t n_out, purge_out;
    struct bgp_pending pending;
    struct bgp_pending forced; /* of those: to be told even if nothing changed */
    uint32_t cursor;           /* where in pending the next batch starts: none is starved */
    bool eor_sent, eor_seen;
    /* refresh.c: what the peer asked us for, and what it is telling us again */
    bool refresh_due, refreshing;
    bool begun;
    uint16_t epoch, sweep_epoch;
    uint32_t sweep; /* next path to look at for being stale; 0: none */
};

struct bgp_peer {
    uint32_t id;
    uint16_t slot;
    /* configuration, but for the policies */
    char name[32];
    struct kd_addr remote, local, local_other;
    uint32_t asn, table, iface, prefixes_max;
    uint16_t weight;
    uint16_t hold_s, keepalive_s;
    uint64_t connect_retry_us;
    uint8_t ttl, ttl_security;
    bool ibgp, passive, next_hop_self, as_override, graceful_shutdown;
    uint8_t graceful_restart; /* enum bgp_graceful */
    uint8_t allow_as_in;
    enum bgp_source source;
    struct bgp_route_map *import, *export; /* NULL: none */

    bool on;
    bool idle_hold; /* held off in Idle until the timer runs out */
    struct bgp_steer steer;
    bool leaving; /* told so by the operator: what is sent is tagged (RFC 8326) */
    bool broken;  /* out of memory on its behalf: the session ends with this step */
    bool eor_noted;
    bool near_max;             /* of prefixes: said so */
    bool had_session;          /* in this life of ours */
    struct bgp_conn *out, *in; /* by who opened */
    struct bgp_conn *up;       /* the Established one of them */
    struct bgp_family family[2];
    uint64_t backoff_us;
    uint64_t turned_us;   /* a connection was last turned away while one was Established */
    uint64_t retry_at_us; /* while idle_hold: its end */
    enum bgp_state told_state;
    enum kd_reason reason;
    uint64_t since_us, up_us;
    uint32_t remote_id;
    struct kd_addr session_local; /* our address of the last session */
    uint64_t msgs_in, msgs_out;
    char last_error[BGP_TEXT_MAX];
    uint64_t note_window_us; /* rate limit of error notes */
    uint32_t notes, notes_dropped;
};

static inline struct bgp_family *bgp_family(struct bgp_peer *p, uint8_t family)
{
    return &p->family[family == 6];
}

/* Its paths count: the session is up, or they are kept after one. */
static inline bool bgp_family_lives(const struct bgp_family *f)
{
    return f->up || f->stale;
}

struct bgp;

/* Lookups; peers are kept in the order of their ids. */
struct bgp_peer *bgp_peer_by_id(const struct bgp *b, uint32_t id);
struct bgp_peer *bgp_peer_by_remote(const struct bgp *b, const struct kd_addr *remote,
                                    uint32_t iface);
enum bgp_state bgp_peer_state(const struct bgp_peer *p);
/* Says what the FSM did, if its state isn't the one last told. */
void bgp_peer_note_state(struct bgp *b, struct bgp_peer *p);

/* The session is Established on c: initial tables are due. */
void bgp_peer_up(struct bgp *b, struct bgp_peer *p, struct bgp_conn *c);
/* It is no longer: none of its paths is eligible any more, but for those kept for kept_s; they are
 * taken out in bounded work. p->up is the connection still. */
void bgp_peer_down(struct bgp *b, struct bgp_peer *p, uint16_t kept_s);
/* All paths are to be taken out, from now on ineligible. */
void bgp_family_purge(struct bgp_family *f);
/* Takes out remains within the step's budget; true when some are left. */
bool bgp_peer_purge(struct bgp *b, struct bgp_peer *p, bool all);
void bgp_peer_free(struct bgp *b, struct bgp_peer *p);
/* Every advertisement to p is looked at again; forced: told again even if unchanged (RFC 2918). */
void bgp_peer_readvertise(struct bgp_peer *p, uint8_t family, bool forced);

#endif
