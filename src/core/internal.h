/* The core's inside, shared by its files only. One struct core is one gateway.
 *
 *   core.c    new/free, what events mean; step.c the step: one event, then its consequences
 *   work.c    the engines run, and the queue of what one causes in another
 *   emit.c    appending actions and event records
 *   tunnel.c  the tunnel's states (table) and what IKE says; with tunnel.h: carry.c the coupling to
 * BGP and FIB, child.c its pairs of SAs, device.c its interface, admin.c commands, clock
 *   proof.c   the two-way proof: ICMP echo through a fresh pair
 *   pmtu.c    the path's MTU
 *   icmp.c    what routers say of it
 *   rehearse.c the rekey rehearsal; refusal.c what was refused last, for `kedge explain`
 *   peers.c   neighbors: on, off, TCP plumbing, next hops watched by BGP
 *   drain.c   a neighbor's traffic drawn to others
 *   health.c  probes beyond the neighbors; steer.c what they do to them; stable.h coming back
 *   bfd.c     BFD beside the neighbors' sessions
 *   links.c   interfaces and addresses as the kernel reports them
 *   ops.c     netlink requests in flight and their answers; the start-up sync
 *   fib.c     desired against installed routes; paths.c next-hop objects and groups
 *   monitor.c news of others' routes; kroute.c their table; resolve.c next hops through them;
 *             import.c what of them we announce; guard.c what they keep out of a tunnel
 *   adopt.c   what an earlier life left
 *   audit.c   what differs from what is wanted; audit_link.c, audit_fib.c, audit_nh.c in the kernel
 *   stop.c    the orderly end */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "core/core.h"
#include "core/stable.h"
#include "netlink/msg.h"

/* One-at-a-time: the default (Jenkins) falls through switch labels, which clang refuses. */
#define HASH_FUNCTION(key, len, hashv) HASH_OAT(key, len, hashv)
#include <uthash.h>

#include "core/kroute.h"

/* Room that must be left in the output before more work is begun: what the largest single piece of
 * work (one IKE step) can append. */
#define CORE_ROOM_ACTIONS 512
#define CORE_ROOM_BYTES   (CORE_OUT_BYTES / 2)

/* ---- links.c ---- */

#define CORE_ADDRS_MAX 4096 /* local addresses tracked; a gateway has tens */

struct core_link {
    uint32_t ifindex;
    char name[16];
    uint32_t mtu;
    bool up; /* admin up and carrier */
    bool seen; /* by the dump under way */
    UT_hash_handle hh;
};

struct core_ifaddr {
    uint32_t ifindex;
    struct kd_prefix subnet;
    struct kd_addr local;
    bool seen;
};

/* ---- paths.c ---- */

/* One next-hop object: a gateway on an interface, or the interface itself (tunnels). */
struct core_nh_key {
    struct kd_addr gateway; /* family 0: device */
    uint32_t oif;
    uint8_t family;
};

struct core_nh {
    struct core_nh_key key;
    uint32_t id;
    uint32_t refs; /* groups that name it */
    bool installed;
    bool unsure; /* may be in the kernel all the same: an answer was lost, or a change refused */
    bool audited; /* a look of `kedge audit` has seen it; so below */
    UT_hash_handle hh;
};

/* A next-hop object or group that should be gone and may not be: asked again until it is. */
struct core_gone {
    struct core_gone *next;
    uint32_t id;
    uint64_t retry_at_us;
};

/* One group: all prefixes with the same set of paths share it (DESIGN 3.7). */
struct core_group {
    struct core_group_key {
        struct bgp_pathset paths; /* as BGP gave it */
        uint8_t family;
    } key; /* copied field by field over zeroes: hashed as bytes */
    uint32_t id;
    uint32_t refs;      /* FIB entries that want it */
    uint32_t n_held;    /* FIB entries installed, or being installed, through it */
    uint32_t n_first;   /* of those: acknowledged, and not as a backup */
    uint32_t epoch;     /* counts how often the kernel lost it, and every route through it */
    struct core_fib_entry *lost; /* from here on its entries have not heard of that yet */
    bool installed;     /* asked of the kernel, answer pending or good */
    bool unsure;        /* as in core_nh */
    bool audited;
    uint32_t n_active;  /* members it is made of now */
    uint32_t active[BGP_ECMP_MAX];
    struct core_fib_entry *entries; /* wanting it */
    UT_hash_handle hh;
};

/* ---- fib.c ---- */

enum core_fib_kind { CORE_FIB_NONE, CORE_FIB_GROUP, CORE_FIB_DEVICE, CORE_FIB_UNREACHABLE };

struct core_fib_key {
    uint32_t table, metric;
    struct kd_prefix prefix;
};

struct core_fib_entry {
    struct core_fib_key key;
    /* desired */
    enum core_fib_kind want;
    struct core_group *group;
    uint32_t oif;
    struct kd_addr gateway; /* DEVICE; family 0: none */
    uint32_t tunnel; /* for events; CORE_NO_TUNNEL */
    /* installed, as far as acknowledged */
    struct core_fib_state {
        enum core_fib_kind kind;
        uint32_t id;              /* group id or ifindex */
        struct core_group *group; /* GROUP: kept by n_held */
        uint32_t epoch;           /* the group's: another one now, and the kernel has flushed it */
        struct kd_addr gateway;   /* DEVICE */
    } have;
    /* in flight */
    bool busy;
    struct core_fib_state fly;
    struct kd_addr said; /* next hop last told of in route.add; family 0: none */
    uint32_t said_peer;
    uint64_t retry_at_us;
    uint8_t tries;
    bool queued;
    bool taken;   /* somebody else has a route with its key: left alone, and said so */
    bool adopted; /* as an earlier life left it, while that is waited for */
    uint32_t seen_look, moved_look; /* audit.look: in its dump; changed since it began */
    struct core_fib_entry *next_dirty;
    struct core_fib_entry *next, *prev; /* group's list */
    UT_hash_handle hh;
};

/* Who is sent first: a neighbor's host route before the prefixes, those before their backups. */
enum core_fib_rank { CORE_FIB_PLUMBING, CORE_FIB_FIRST, CORE_FIB_BACKUP, CORE_FIB_RANKS };

struct core_fib_queue {
    uint32_t n;
    struct core_fib_entry *head, **tail;
};

/* ---- ops.c ---- */

enum core_op_kind {
    CORE_OP_ROUTE,     /* entry */
    CORE_OP_GROUP,     /* id: add or replace */
    CORE_OP_GROUP_DEL, /* id */
    CORE_OP_NH,        /* id */
    CORE_OP_NH_DEL,
    CORE_OP_LINK,      /* tunnel */
    CORE_OP_ADDR,      /* tunnel */
    CORE_OP_DUMP,      /* which */
    CORE_OP_RULE,      /* a probe's own way, by the probe's number */
    CORE_OP_PURGE,     /* deletes an object that an earlier life left */
};

struct core_op {
    enum core_op_kind kind;
    uint32_t seq, id;
    struct core_fib_key key; /* ROUTE */
};

enum core_sync {
    CORE_SYNC_IDLE,
    CORE_SYNC_LINKS,
    CORE_SYNC_ADDRS,
    CORE_SYNC_NEXTHOPS,
    CORE_SYNC_ROUTES4,
    CORE_SYNC_ROUTES6,
    CORE_SYNC_RULES,   /* the order of the dumps */
    CORE_SYNC_OTHERS,  /* until the monitor's have been read as well */
    CORE_SYNC_DONE
};

/* ---- tunnels ---- */

#define CORE_CHILDREN_MAX 40 /* pairs a tunnel, rekeys in flight included: as many as IKE has */

enum core_clear { CORE_CLEAR_NO, CORE_CLEAR_SENDING, CORE_CLEAR_WAITING };

struct core_tunnel {
    struct core_tunnel_config cfg;
    bool admin_up;
    enum core_tunnel_state state;
    enum kd_reason reason;
    uint64_t since_us;
    /* device */
    bool device_asked, device_ready;
    bool audited, audited_addr;
    uint32_t ifindex, mtu;
    uint8_t device_tries;
    uint64_t device_at_us; /* when a refused device or setting is asked for again; KD_NEVER */
    /* what carries it */
    struct core_child {
        struct kd_handle h;
        bool up, seen;
        uint32_t spi_in, spi_out;
    } child[CORE_CHILDREN_MAX];
    uint32_t n_child;
    bool ike_up, reachable, proven, carrying; /* carrying: paths over it may be used */
    struct core_stable stable;
    struct kd_addr guard_outer; /* as BGP was told, guard.c */
    uint32_t guard_len;
    enum kd_reason childless; /* why the last pair went, in this step; NONE */
    bool renewed; /* a new IKE SA: its first pair has to prove itself again */
    bool mute;    /* plays dead since `down --silent` */
    /* the timeline of the present or last failure */
    uint64_t detect_us;
    enum core_clear clear;    /* where the emptying of the FIB stands */
    uint32_t clear_routes;    /* that were in the kernel over it when it failed */
    uint32_t clear_seq;       /* the last request that empties it */
    /* deadlines */
    uint64_t proof_at_us;     /* next ICMP echo while unproven */
    uint64_t down_at_us;      /* the Cease's time to leave, before IKE goes down; KD_NEVER */
    enum core_command down_command;
    uint16_t proof_seq;
    /* last refusal */
    enum kd_reason refusal;
    char *refusal_detail, *refusal_offered, *refusal_configured;
    struct core_refused { /* kept over reconnects; NULL before the first */
        struct core_refused_view v;
        uint8_t *blob; /* what the views of v point into */
    } *refused;
    struct core_pmtu {
        uint64_t at_us; /* measured next; KD_NEVER */
        uint64_t hinted_us; /* when a hint was the reason, last; 0: never */
        struct kd_addr local, remote; /* outer */
        uint32_t need;  /* octets that a full inner packet becomes; 0: no pair yet */
        const struct kc_alg *encr; /* of the newest pair, with what follows */
        uint16_t integ;
        uint8_t family;
        bool encap, said;
        uint16_t last; /* said last */
    } pmtu;
    struct core_rehearsal {
        struct core_rehearsal_view v;
        uint64_t at_us;    /* it begins, or has lasted too long; KD_NEVER */
        uint64_t begun_us;
        bool again;        /* the last one was interrupted */
        struct kd_handle old[CORE_CHILDREN_MAX]; /* pairs not yet replaced */
        uint32_t n_old;
    } rehearsal;
};

#define CORE_PEER_CONNS 4

struct core_peer {
    uint32_t id;
    struct bgp_peer_config cfg;
    bool on, admin_down;
    bool told;    /* its whole table, once in this life */
    uint8_t n_words, words[255]; /* what a shutdown tells it (RFC 9003) */
    bool path;    /* there is one: the session may run if BFD allows it */
    bool unhealthy; /* health has its session ended */
    bool silent;    /* by command: nothing is sent or heard */
    bool drained;   /* by command: the last choice */
    struct core_drain *drain; /* its more-specifics; NULL: none */
    struct bgp_steer steer; /* by health and drain */
    bool unheard; /* switched off without a path: its connection ends silently */
    struct core_peer_bfd {
        struct core_bfd_config cfg;
        bool started, up, failed; /* failed: its end was a failure; BGP waits for it */
        struct core_stable stable; /* Up again */
        uint64_t forget_us;       /* the failure no longer counts; KD_NEVER */
    } bfd;
    struct kd_handle conn[CORE_PEER_CONNS]; /* its TCP connections: two while they collide */
    uint32_t n_conn;
    UT_hash_handle hh;
};

struct core_watch {
    struct core_watch_key {
        uint32_t table, iface;
        struct kd_addr nexthop;
    } key;
    bool up;
    uint32_t metric;
    UT_hash_handle hh;
};

#define CORE_PROBE_NONCE 16

struct core_health {
    enum core_health_state state;
    bool waiting; /* the last one sent isn't answered yet */
    bool paused;
    struct core_stable stable;
    uint16_t id;   /* of ICMP */
    uint64_t token;
    uint8_t nonce[CORE_PROBE_NONCE];
    uint64_t next_us, sent_us, answered_us, since_us, rtt_us;
    uint64_t sent, answered;
    uint32_t lost, failures;
    char why[96];
};

/* A probe's own way, pin.c. Rules: table 0 is none. */
struct core_pin {
    struct nl_hop hop;              /* of its route; oif 0: there is none */
    struct nl_rule want, have, fly; /* have: as far as acknowledged; fly: what busy ends in */
    bool busy, unsure;              /* unsure: have may not be there all the same */
    bool lost;                      /* said: no neighbor on the link can forward to it */
    uint64_t retry_at_us;           /* 0: nothing was refused */
    uint8_t tries;
    bool audited;
};

/* internal work: consequences of the current event, done in order with room in the output */
enum core_work_kind { CORE_WORK_BGP, CORE_WORK_IKE, CORE_WORK_BFD };

struct core_work {
    enum core_work_kind kind;
    struct bgp_event bgp; /* no borrowed bytes */
    struct ike_event ike;
    struct bfd_event bfd;
    struct core_work *next;
};

struct core {
    struct core_config cfg;
    struct kc_ctx *crypto;
    uint64_t now_us;
    int64_t wall_s;
    struct core_out *out; /* during a step */

    struct ike *ike;
    struct bgp *bgp;
    struct bfd *bfd; /* NULL where no neighbor asks for it */
    struct ike_out ike_out;
    struct bgp_out bgp_out;
    struct bfd_out bfd_out;
    uint64_t ike_deadline_us, bgp_deadline_us, bfd_deadline_us;
    bool ike_more, bgp_more, bfd_more;
    bool bulk; /* this step may do bulk work */

    enum core_dataplane dataplane;
    char dataplane_why[1024];
    bool started, stopping, stopped;
    uint64_t stop_at_us;
    int stop_phase;

    struct core_tunnel *tunnels;
    struct core_peer *peers; /* hash by id, in configuration order */
    struct core_drain *drains_ending;
    struct core_watch *watches;
    struct core_health *health; /* cfg.n_health */
    struct core_pin pins[CORE_HEALTH_MAX]; /* by the probe's number */
    bool pins_dirty;
    struct kc_rng rng;
    struct core_work *work_head, **work_tail;

    struct kd_bytes install_why; /* during a step: why the data plane did not install a pair */
    struct core_stranger_view strangers[CORE_STRANGERS_MAX]; /* the newest first */
    uint32_t n_strangers;

    struct core_link *links;
    struct core_ifaddr addrs[CORE_ADDRS_MAX];
    uint32_t n_addrs;
    struct core_kroutes kernel; /* others' routes */

    struct core_nh *nhs;
    struct core_group *groups;
    struct core_gone *gone;
    struct core_fib_entry *fib;
    struct core_fib_queue dirty[CORE_FIB_RANKS];
    struct {
        struct core_old *objects; /* next-hop objects and groups of an earlier life */
        uint32_t n_routes;        /* that still lead through them */
        bool waiting;             /* for the neighbors */
        bool family[2];           /* IPv4, IPv6: routes lead through them */
        uint64_t until_us;
    } adopted;
    uint32_t next_nh_id, next_seq;
    uint64_t fib_retry_us;
    bool groups_stale; /* reconsidering stopped for want of room */
    bool groups_lost;  /* one has entries that have not heard yet */
    bool groups_idle;  /* one may have nothing left through it */

    struct core_op *ops; /* ring, in order of sending */
    uint32_t ops_head, ops_n, ops_cap;
    enum core_sync sync;
    uint8_t dump_tries; /* of the present dump */
    struct core_auditing {
        uint32_t look;
        bool behind;   /* it saw a link in a state that its news has not told of yet, or one has
                          changed since */
        bool forgot;   /* an entry has gone since */
        bool sweeping; /* at is what is next; NULL: it is through */
        struct core_fib_entry *at;
    } audit;
};

#define CORE_TABLE_MAIN  254u
/* The rules to probes' own ways come before whatever an operator has. */
#define CORE_RULE_PRIORITY 75u
#define CORE_NH_ID_BASE  1000000u
#define CORE_METRIC_BGP  20u          /* as the field's daemons have it */
/* The same prefix through its backup group, for the kernel's own flush: right behind, so before
 * anybody's floating static route. */
#define CORE_METRIC_BACKUP 21u
#define CORE_METRIC_HOST 5u
#define CORE_METRIC_LAST 0xfffffff0u  /* the unreachable fallback: worse than anything */

/* emit.c */
struct core_act *core_emit(struct core *c, enum core_act_kind kind);
struct kd_span core_put(struct core *c, struct kd_bytes b);
bool core_room(const struct core *c);
struct core_event_record core_record(struct core *c, enum core_note note, uint32_t tunnel,
                                     uint32_t peer);
void core_say(struct core *c, const struct core_event_record *r);
void core_say_text(struct core *c, enum core_note note, uint32_t tunnel, uint32_t peer,
                   enum kd_reason reason, const char *text);

/* core.c */
void core_dispatch(struct core *c, const struct core_ev *ev);

/* work.c */
void core_work_one(struct core *c); /* the queue's first; there is one */
void core_queue_bgp(struct core *c, const struct bgp_event *ev);
void core_queue_ike(struct core *c, const struct ike_event *ev);
void core_queue_bfd(struct core *c, const struct bfd_event *ev);
void core_queue_ike_command(struct core *c, uint32_t tunnel, enum ike_command cmd);
void core_run_ike(struct core *c, struct ike_event *ev);
void core_run_bgp(struct core *c, struct bgp_event *ev);

/* tunnel.c */
void core_tunnels_start(struct core *c);
void core_tunnel_ike(struct core *c, const struct ike_action *a, const struct ike_out *out);
void core_tunnel_seen(struct core *c, struct kd_handle child);
void core_tunnel_device(struct core *c, const struct core_ev *ev);
void core_tunnel_traffic(struct core *c, uint32_t tunnel); /* a packet found no pair */
void core_tunnel_command(struct core *c, uint32_t tunnel, enum core_command cmd);
void core_tunnel_neighbor_ready(struct core *c, uint32_t tunnel);
/* Has one lost its path in this step, and what empties the FIB is still to be sent? */
bool core_tunnels_clearing(const struct core *c);
/* The step's IKE work is done: a tunnel whose last pair went without a successor has lost it. */
void core_tunnels_settle(struct core *c);
/* What empties the FIB is out: from here on its last acknowledgement is waited for. True when a
 * tunnel began to. */
bool core_tunnels_sent(struct core *c);
void core_tunnels_acked(struct core *c, uint32_t seq);
void core_tunnel_device_op(struct core *c, enum core_op_kind kind, uint32_t tunnel, int error,
                           const char *text);
void core_tunnels_lost_all(struct core *c);
void core_device_deleted(struct core *c, uint32_t ifindex); /* not by us: it is made again */
void core_tunnels_wake(struct core *c);
uint64_t core_tunnels_deadline(const struct core *c);
void core_tunnel_stop_ike(struct core *c, uint32_t tunnel);
/* The neighbor's last connection has ended: nothing holds up an announced `down` any more. */
void core_tunnel_cease_sent(struct core *c, uint32_t tunnel);
void core_tunnel_free(struct core *c, struct core_tunnel *t);

/* refusal.c */
void core_stranger(struct core *c, const struct kd_endpoint *remote, struct kd_bytes text);

/* proof.c: an ICMP echo request from src to dst into buf; its length, 0 when families differ. */
size_t core_proof_packet(const struct kd_addr *src, const struct kd_addr *dst, uint16_t id,
                         uint16_t seq, uint8_t *buf, size_t cap);

/* peers.c */
bool core_peers_init(struct core *c);
void core_peers_start(struct core *c);
void core_peers_free(struct core *c);
struct core_peer *core_peer(const struct core *c, uint32_t id);
void core_peer_on(struct core *c, uint32_t id);
void core_peer_off(struct core *c, uint32_t id, enum kd_reason reason, bool heard);
/* Its path is there, but BGP may not run for now; PEER_ON follows by core_peer_decide(). */
void core_peer_hold(struct core *c, struct core_peer *p, enum kd_reason reason);
void core_peer_decide(struct core *c, struct core_peer *p);
/* Nothing but its path may be missing any more: on if it is there. */
void core_peer_may_return(struct core *c, uint32_t id);
/* words: what a SHUTDOWN tells the neighbor (RFC 9003); copied. */
void core_peer_command(struct core *c, uint32_t id, enum core_command cmd, struct kd_bytes words);
void core_peer_bgp(struct core *c, const struct bgp_action *a, const struct bgp_out *out);
void core_peer_tcp(struct core *c, const struct core_ev *ev);
bool core_peer_conn_open(const struct core *c, uint32_t id);
/* Re-evaluates next hops and directly connected neighbors after a link or tunnel changed. */
void core_peers_reconsider(struct core *c);

/* bfd.c */
bool core_bfd_init(struct core *c, const uint8_t seed[32]);
void core_bfd_start(struct core *c, struct core_peer *p);
void core_bfd_stop(struct core *c, struct core_peer *p, enum kd_reason reason);
bool core_bfd_allows(const struct core_peer *p);
/* BFD has found the neighbor at nexthop dead: no path through it is usable. */
bool core_bfd_failed(const struct core *c, const struct kd_addr *nexthop, uint32_t iface);
void core_run_bfd(struct core *c, struct bfd_event *ev);
void core_bfd_packet(struct core *c, const struct core_ev *ev);
uint64_t core_bfd_deadline(const struct core *c);
/* On CORE_EV_WAKE only. True: BFD had something to do. */
bool core_bfd_wake(struct core *c);

/* health.c */
bool core_health_init(struct core *c);
void core_health_start(struct core *c);
void core_health_answer(struct core *c, const struct core_ev *ev);
/* A router's complaint about a datagram of a tunnel. */
void core_icmp(struct core *c, const struct core_ev *ev);
uint64_t core_health_deadline(const struct core *c);
void core_health_wake(struct core *c); /* on CORE_EV_WAKE only */
void core_health_reconsider(struct core *c); /* after a reload */

/* pin.c: links, addresses, neighbors or tunnels' interfaces changed, or we stop. */
void core_pins(struct core *c);
/* A rule with our protocol number, as an earlier life left it. */
void core_pin_adopt(struct core *c, const struct nl_rule *r);
void core_pins_flush(struct core *c);
bool core_pins_pending(const struct core *c);
bool core_pins_gone(const struct core *c); /* no rule is left */
bool core_rule_eq(const struct nl_rule *a, const struct nl_rule *b);
void core_pin_result(struct core *c, uint32_t health, int error, const char *text);
void core_pins_retry(struct core *c); /* what was refused and whose time has come */
void core_pins_lost_all(struct core *c);

/* steer.c: the probe's state has changed. */
void core_steer(struct core *c, uint32_t health);
/* The peer's drain has changed. */
void core_steer_peer(struct core *c, struct core_peer *p);
/* drain.c: traffic drawn to others; over: ids, uint32_t each. */
void core_drain(struct core *c, struct core_peer *p, struct kd_bytes over);
void core_undrain(struct core *c, struct core_peer *p);
uint64_t core_drains_deadline(const struct core *c);
void core_drains_wake(struct core *c);
void core_drains_free(struct core *c);
bool core_drains_over(const struct core *c, uint32_t peer);

/* links.c */
uint32_t core_link_named(const struct core *c, const char *name); /* interface index; 0: none */
void core_link_event(struct core *c, const struct nl_event *ev);
void core_addr_event(struct core *c, const struct nl_event *ev);
/* Around a dump: marks all as unseen; then ends what it did not show. */
void core_links_mark(struct core *c);
void core_links_sweep(struct core *c);
void core_addrs_sweep(struct core *c);
/* Interface index whose connected, usable subnet holds a, and the subnet's length (may be NULL); 0
 * when none. */
uint32_t core_link_towards(const struct core *c, const struct kd_addr *a, uint8_t *len);
bool core_is_tunnel(const struct core *c, uint32_t ifindex);
bool core_addr_is_ours(const struct core *c, const struct kd_addr *a);
/* MTU of the interface that owns the local address; where that is a loopback, of the one by which
 * remote is reached; 1500 when unknown. */
uint32_t core_outer_mtu(const struct core *c, const struct kd_addr *local,
                        const struct kd_addr *remote);
const struct core_link *core_link(const struct core *c, uint32_t ifindex);
void core_links_free(struct core *c);

/* ops.c */
/* Sends the message built in b (its sequence number must be core_op_begin()'s). */
uint32_t core_op_begin(struct core *c, const struct core_op *op);
void core_op_send(struct core *c, const struct nl_buf *b);
/* Deletes a next-hop object of an earlier life's. */
void core_op_purge(struct core *c, uint32_t id);
void core_netlink(struct core *c, struct kd_bytes data);
void core_netlink_lost(struct core *c);
void core_sync_start(struct core *c);
/* Goes on when both our own dumps and the monitor's have been read. */
bool core_sync_ready(struct core *c);
bool core_ops_idle(const struct core *c);
bool core_ops_room(const struct core *c); /* for bulk requests */
uint32_t core_ops_left(const struct core *c); /* so many of them */
/* Does one of the kind about the id wait for its answer? */
bool core_op_asked(const struct core *c, enum core_op_kind kind, uint32_t id);

/* fib.c */
void core_fib_want_group(struct core *c, uint32_t table, const struct kd_prefix *p,
                         const struct bgp_pathset *paths);
/* Neither through its paths nor through their backup. */
void core_fib_want_no_group(struct core *c, uint32_t table, const struct kd_prefix *p);
void core_fib_want_none(struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t metric);
void core_fib_want_device(struct core *c, uint32_t table, const struct kd_prefix *p,
                          uint32_t metric, uint32_t oif, uint32_t tunnel);
/* For no tunnel; the gateway is on hop's link, or there is none. */
void core_fib_want_hop(struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t metric,
                       const struct nl_hop *hop);
void core_fib_want_unreachable(struct core *c, uint32_t table, const struct kd_prefix *p,
                               uint32_t metric, uint32_t tunnel);
/* Sends what is dirty up to that rank, while there is room. */
void core_fib_flush(struct core *c, enum core_fib_rank last);
bool core_fib_pending(const struct core *c);
/* Prefixes of BGP's are still to be sent. */
bool core_fib_waits(const struct core *c);
/* They and those of a further turn of BGP's are more than may be in flight by now. */
bool core_fib_full(const struct core *c);
/* Everything but prefixes on their way from one group to another has been sent. */
bool core_fib_moved(const struct core *c);
/* The interface went down, and its routes with it. */
void core_fib_device_lost(struct core *c, uint32_t ifindex);
void core_fib_route_result(struct core *c, const struct core_op *op, int error, const char *text);
void core_fib_dirty(struct core *c, struct core_fib_entry *e);
/* The kernel no longer has anything through the group. Takes no time, however many prefixes; they
 * hear of it in core_fib_flush(). */
void core_fib_group_lost(struct core *c, struct core_group *g);
void core_fib_lost_all(struct core *c);
void core_fib_remove_all(struct core *c);
void core_fib_free(struct core *c);
struct core_fib_entry *core_fib_find(const struct core *c, uint32_t table,
                                     const struct kd_prefix *p, uint32_t metric);
/* Flushed by the kernel together with its group. */
bool core_fib_flushed(const struct core_fib_state *s);

/* paths.c */
struct core_group *core_group_get(struct core *c, const struct bgp_pathset *paths, uint8_t family);
void core_group_ref(struct core_group *g);
bool core_group_usable(const struct core *c, const struct core_group *g); /* has a way now */
void core_group_unref(struct core *c, struct core_group *g);
/* True when the kernel has it or has been asked in this order; builds it when it can be. False: it
 * has no usable member at present. */
bool core_group_ensure(struct core *c, struct core_group *g);
/* The interface of a member it is made of now: of the first, or of one that is a way to p; 0. */
uint32_t core_group_first(const struct core *c, const struct core_group *g);
uint32_t core_group_oif(const struct core *c, const struct core_group *g,
                        const struct bgp_path_nh *p);
/* A tunnel stopped or began to carry, or an interface went: recompute every group touched, one
 * message a group. */
void core_groups_reconsider(struct core *c);
void core_group_result(struct core *c, const struct core_op *op, int error, const char *text);
void core_nh_lost_link(struct core *c, uint32_t ifindex);
/* A deletion that was refused, or whose answer was lost; asked again when its time has come. */
void core_gone_add(struct core *c, uint32_t id);
void core_gone_retry(struct core *c);
/* Ends the groups nothing wants and nothing is installed through. */
void core_groups_sweep(struct core *c);
void core_group_hold(struct core_group *g);
void core_group_release(struct core *c, struct core_group *g);
/* After an overrun: nothing is known to be in the kernel. */
void core_paths_lost_all(struct core *c);
void core_paths_free(struct core *c);

/* Somebody else's routes to the prefix changed: one may have, or have had, a key of ours. */
void core_fib_disputed(struct core *c, uint32_t table, const struct kd_prefix *p);
/* A route of an earlier life's, as the kernel has it. */
void core_fib_adopt(struct core *c, const struct nl_route *r);
/* What was adopted is held against the wishes from now on. */
void core_fib_release(struct core *c);

/* adopt.c */
void core_adopt_object(struct core *c, const struct nl_nexthop *n);
void core_adopt_begin(struct core *c); /* the start's dumps are done */
void core_adopt_end(struct core *c);
void core_adopt_step(struct core *c);
uint64_t core_adopt_deadline(const struct core *c);
void core_adopt_free(struct core *c);

/* stop.c */
void core_stop_begin(struct core *c);
void core_stop_step(struct core *c);

#endif
