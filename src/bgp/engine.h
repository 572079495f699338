/* Inside the engine: its struct, the output being filled and the step's budget. */
#ifndef BGP_ENGINE_H
#define BGP_ENGINE_H

#include "base/timers.h"
#include "bgp/attrset.h"
#include "bgp/nexthop.h"
#include "bgp/pathset.h"
#include "bgp/peer.h"

#define BGP_PEERS_MAX_DEFAULT 1024
/* Units of bulk work (a prefix read, decided, advertised) each of a step's three stages does before
 * it says `more`: together about 500 us (DESIGN 1). */
#define BGP_WORK_MAX 1024
/* Left free for what must be said at once: bulk work stops below it. */
#define BGP_RESERVE_ACTIONS 32
#define BGP_RESERVE_BYTES   (32 * 1024)
/* Of the actions, those that bulk kinds may take together, so that none starves the others. */
#define BGP_FIB_ACTIONS 192
#define BGP_NH_ACTIONS  208
/* Unsent bytes on a connection above which no more UPDATEs are made for it. */
#define BGP_UNSENT_MAX (256 * 1024)
/* Input kept for later: from PAUSE on the shell is asked to read no more, until what is kept may be
 * a part of one message; above MAX, as it read on all the same, the budget is overrun. */
#define BGP_INPUT_PAUSE  (96 * 1024)
#define BGP_INPUT_RESUME BGP_EXTENDED_MAX
#define BGP_INPUT_MAX    (256 * 1024)
/* Percent of a neighbor's limit of prefixes from which on it is told that the limit is near. */
#define BGP_PREFIXES_WARN 80
/* Destinations an UPDATE batch looks at together. */
#define BGP_BATCH 256

struct bgp_cand {
    uint32_t path;
    const struct bgp_path *p;
    const struct bgp_attrset *attr;
    const struct bgp_peer *peer; /* NULL: local */
};

struct bgp_export_memo {
    uint32_t attr, out;
    int entry;
    bool used;
};
#define BGP_MEMO 64

/* Which entries of the export policy attributes from somewhere are eligible for (policy.h). */
struct bgp_eligible_memo {
    uint32_t attr, entries;
    enum bgp_source from;
    bool used;
};

/* Room for a route's communities once a policy has added its own, and once more to be tagged. */
#define BGP_COMMUNITY_ROOM (2 * (BGP_EXTENDED_MAX + 12 * (BGP_COMMUNITIES_MAX + 1)))

struct bgp {
    struct bgp_params params;
    struct kc_rng rng;
    uint64_t salt;
    uint32_t n_peers;
    struct bgp_peer **slot;  /* by slot number, NULL where free */
    struct bgp_peer **peers; /* n_peers, in the order of their ids */
    struct kd_slab conns;
    struct bgp_guard {
        struct kd_addr outer; /* family 0: none */
        uint8_t len;
        uint8_t said[17]; /* a bit each length */
    } *guards; /* by iface */
    uint32_t n_guards;
    struct bgp_conn **conn; /* by slab index, for the timers */
    uint32_t conns_max;
    struct kd_timers timers;
    uint32_t n_ribs;
    struct bgp_rib **ribs; /* in the order of (table, family) */
    struct bgp_attrs_table attrs;
    struct bgp_nexthops nexthops;
    struct bgp_pathsets pathsets;
    uint64_t note_window_us; /* ERROR notes about strangers */
    uint32_t notes, notes_dropped;
    bool kept[2];   /* IPv4, IPv6: our forwarding outlasted our restart (graceful.c) */
    bool deferring; /* we have restarted, and some neighbors are told nothing yet */
    uint32_t next_peer; /* whose turn it is to be written to first */
    /* scratch, of the size it can ever need */
    struct bgp_cand *cand;
    uint8_t *update_room; /* BGP_UPDATE_SCRATCH */
    uint8_t *attrs_room;  /* BGP_EXTENDED_MAX, encoded attributes of the message being built */
    uint8_t *community_room; /* BGP_COMMUNITY_ROOM */
    struct bgp_export_memo memo[BGP_MEMO];
    struct bgp_eligible_memo eligible[BGP_MEMO];
    /* during a step */
    uint64_t now_us;
    uint32_t work;
    struct bgp_out *out;
};

/* ---- output (out.c) ---- */

/* A zeroed action without peer and interface. Room is guaranteed by the reserve. */
struct bgp_action *bgp_emit(struct bgp *b, enum bgp_action_kind kind);
struct kd_span bgp_emit_bytes(struct bgp *b, struct kd_bytes bytes);
bool bgp_emit_room(const struct bgp *b);         /* more than the reserve is left */
static inline bool bgp_busy(const struct bgp *b) /* this step has done enough */
{
    return b->work >= BGP_WORK_MAX;
}

/* The note, lent, with the peer's state and reason as they are now. */
struct bgp_action *bgp_note(struct bgp *b, struct bgp_peer *p, enum bgp_note note,
                            const char *text);
/* About a prefix; rate-limited with the ERROR notes. */
void bgp_note_prefix(struct bgp *b, struct bgp_peer *p, enum bgp_note note,
                     const struct kd_prefix *prefix, const char *text);
/* An ERROR note, rate-limited by peer; p may be NULL for a stranger. */
void bgp_note_error(struct bgp *b, struct bgp_peer *p, const char *fmt, ...) KD_PRINTF(3, 4);

/* An action of c's connection. */
struct bgp_action *bgp_emit_conn(struct bgp *b, enum bgp_action_kind kind,
                                 const struct bgp_conn *c);
/* What a writer put behind the output's used part becomes a WRITE (or part of the last one). */
struct kd_writer bgp_write_begin(struct bgp *b, size_t max);
void bgp_write_end(struct bgp *b, struct bgp_conn *c, const struct kd_writer *w);

/* ---- RIBs (ribs.c) ---- */

/* All of the following work within the step's budget and tell whether something is left to do. */
bool bgp_ribs_decide(struct bgp *b);
bool bgp_ribs_rescan(struct bgp *b); /* after a next hop changed */
bool bgp_ribs_tell_fib(struct bgp *b);
bool bgp_ribs_tell_nexthops(struct bgp *b);
void bgp_ribs_nexthop(struct bgp *b, const struct bgp_event *ev);
void bgp_ribs_local_route(struct bgp *b, const struct bgp_event *ev);
void bgp_ribs_free(struct bgp *b);

struct bgp_rib *bgp_rib_of(const struct bgp *b, uint32_t table, uint8_t family); /* NULL: none */
struct bgp_rib *bgp_rib_make(struct bgp *b, uint32_t table, uint8_t family) KD_MUST_USE;
/* Takes a path with its references out and marks its destination. */
void bgp_path_remove(struct bgp *b, struct bgp_rib *rib, struct bgp_path_list *list, uint32_t path);

/* ---- timers: ids ---- */

#define BGP_CONN_TIMERS 3

static inline uint32_t bgp_timer_peer(const struct bgp_peer *p)
{
    return p->slot;
}

static inline uint32_t bgp_timer_hold(const struct bgp *b, const struct bgp_conn *c)
{
    return b->params.peers_max + BGP_CONN_TIMERS * c->h.idx;
}

static inline uint32_t bgp_timer_keepalive(const struct bgp *b, const struct bgp_conn *c)
{
    return b->params.peers_max + BGP_CONN_TIMERS * c->h.idx + 1;
}

static inline uint32_t bgp_timer_send_hold(const struct bgp *b, const struct bgp_conn *c)
{
    return b->params.peers_max + BGP_CONN_TIMERS * c->h.idx + 2;
}

static inline uint32_t bgp_timer_restart(const struct bgp *b, const struct bgp_peer *p)
{
    return b->params.peers_max + BGP_CONN_TIMERS * b->conns_max + p->slot;
}

static inline uint32_t bgp_timer_defer(const struct bgp *b)
{
    return 2 * b->params.peers_max + BGP_CONN_TIMERS * b->conns_max;
}

/* KD_NEVER removes. Memory for every id is there from bgp_new() on. */
void bgp_timer_set(struct bgp *b, uint32_t id, uint64_t at_us);
/* 75 to 100 % of t (RFC 4271 10). */
uint64_t bgp_jitter(struct bgp *b, uint64_t t);

#endif
