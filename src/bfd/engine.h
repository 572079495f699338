/* Inside of the BFD engine: the session, and what its files offer each other. */
#ifndef BFD_ENGINE_H
#define BFD_ENGINE_H

#include "base/timers.h"
#include "bfd/auth.h"

#define BFD_SESSIONS_DEFAULT 1024

/* What one event or one fired timer may say at most. */
#define BFD_RESERVE_ACTIONS 4
#define BFD_RESERVE_BYTES   (2 * BFD_PACKET_MAX)

enum bfd_index_kind { BFD_BY_ID, BFD_BY_DISCR, BFD_BY_PATH, BFD_INDEXES };

/* RFC 5880 6.5 and the end of 6.8.3. */
enum bfd_poll {
    BFD_POLL_IDLE,
    BFD_POLL_DUE,      /* the next packet carries P, none has yet: what it says may still change */
    BFD_POLL_SENT,     /* waiting for F */
    BFD_POLL_SETTLING, /* F came: the next sequence waits for a packet without F (6.8.3, choice 3)
                        */
};

/* One of our two intervals: what our packets say, and what we reckon with until a Poll Sequence has
 * told the peer. */
struct bfd_interval {
    uint32_t said_us, used_us;
};

/* A stranger may cause so many notes in a window. */
struct bfd_limit {
    uint64_t window_us;
    uint32_t n, dropped;
};

struct bfd_session {
    uint32_t id, slot;
    bool live;
    bool on;                    /* was ADMIN_UP or ADMIN_DOWN once */
    uint32_t next[BFD_INDEXES]; /* slot + 1 of the chain's next */
    uint32_t hash[BFD_INDEXES];
    struct bfd_session_config config;
    uint16_t src_port;

    /* RFC 5880 6.8.1 */
    enum bfd_state state, remote_state;
    uint32_t local_discr, remote_discr; /* remote 0: not heard for a detection time */
    enum bfd_diag diag;
    struct bfd_interval tx, rx; /* DesiredMinTxInterval, RequiredMinRxInterval */
    uint32_t remote_rx_us;      /* RemoteMinRxInterval */
    uint32_t remote_tx_us;      /* last received Desired Min TX Interval */
    uint8_t remote_mult, remote_diag;
    bool remote_demand, remote_cpi;
    uint32_t xmit_seq;
    struct bfd_auth_seq rcv_seq;

    enum bfd_poll poll;
    uint8_t told[BFD_HEADER_LEN]; /* demand mode: what the peer has been or is being told, without
                                     P, F */
    bool news;                    /* the state changed and no packet has said so yet */
    uint64_t sent_us;             /* the last packet but for answers to a Poll */
    uint32_t jitter;              /* of the interval after it: 0 to 65536 */
    uint64_t heard_us;            /* the last packet accepted */
    uint64_t since_us;
    enum kd_reason reason;
    struct bfd_limit limit;
    uint32_t failures;
    uint64_t packets_in, packets_out, refused;
    enum bfd_refusal last_refusal;
};

struct bfd {
    struct kc_ctx *crypto;
    struct kc_rng rng;
    uint32_t sessions_max, n_sessions;
    struct bfd_session *session; /* sessions_max; they never move */
    uint32_t *free_slot;         /* stack */
    uint32_t n_free;
    uint32_t buckets; /* of each index: a power of two */
    uint32_t *bucket[BFD_INDEXES];
    uint32_t port_base;
    struct kd_timers timers; /* by slot: the session's one deadline */
    struct bfd_limit limit;  /* of what belongs to no session */
    uint64_t refused[BFD_REFUSAL_N];
    uint64_t now_us;
    struct bfd_out *out;
};

/* ---- index.c ---- */

void bfd_index_add(struct bfd *b, struct bfd_session *s);
void bfd_index_del(struct bfd *b, struct bfd_session *s);
struct bfd_session *bfd_find_id(const struct bfd *b, uint32_t id);
struct bfd_session *bfd_find_discr(const struct bfd *b, uint32_t discr);
/* The session whose configured path is c's. */
struct bfd_session *bfd_find_path(const struct bfd *b, const struct bfd_session_config *c);
/* The session of a first packet, which names none. */
struct bfd_session *bfd_find_arrival(const struct bfd *b, const struct bfd_event *ev);
bool bfd_same_path(const struct bfd_session_config *a, const struct bfd_session_config *b);

/* ---- fsm.c ---- */

enum bfd_fsm_event {
    BFD_FSM_RX_ADMIN_DOWN = BFD_ADMIN_DOWN, /* the State field of a packet */
    BFD_FSM_RX_DOWN = BFD_DOWN,
    BFD_FSM_RX_INIT = BFD_INIT,
    BFD_FSM_RX_UP = BFD_UP,
    BFD_FSM_SILENCE, /* the detection time expired */
    BFD_FSM_ENABLE,
    BFD_FSM_DISABLE,
};

/* diag and reason: of DISABLE. */
void bfd_fsm_run(struct bfd *b, struct bfd_session *s, enum bfd_fsm_event event, enum bfd_diag diag,
                 enum kd_reason reason);

/* ---- poll.c ---- */

/* Brings the intervals to what state and configuration want (6.8.3). moved: the state has changed.
 */
void bfd_poll_retune(struct bfd_session *s, bool moved);
/* A packet came in: does it end the sequence, may the next one begin? */
void bfd_poll_heard(struct bfd_session *s, bool final);
/* Demand mode: the next packet would say something else than the last (6.6). */
void bfd_poll_changed(struct bfd_session *s);
void bfd_poll_cancel(struct bfd_session *s);
bool bfd_polling(const struct bfd_session *s);

/* ---- transmit.c ---- */

bool bfd_demand_active(const struct bfd_session *s); /* on the remote system */
/* The packet that would be sent now, without P and F. */
void bfd_packet_of(const struct bfd_session *s, struct bfd_packet *p);
void bfd_transmit(struct bfd *b, struct bfd_session *s, bool final);
/* When the next periodic packet is due; KD_NEVER when none is to be sent. */
uint64_t bfd_transmit_at(const struct bfd_session *s);
uint32_t bfd_transmit_interval(const struct bfd_session *s);

/* ---- receive.c ---- */

void bfd_receive(struct bfd *b, const struct bfd_event *ev);
/* Detection time (6.8.4). */
uint64_t bfd_detect_us(const struct bfd_session *s);
uint64_t bfd_detect_at(const struct bfd_session *s);
/* Nothing was heard for a detection time, or for two. */
void bfd_silence(struct bfd *b, struct bfd_session *s);

/* ---- session.c ---- */

void bfd_session_admin(struct bfd *b, const struct bfd_event *ev);
void bfd_session_retune(struct bfd *b, const struct bfd_event *ev);
/* Says what there is to say at once and sets the one deadline: the end of whatever touched s. */
void bfd_session_settle(struct bfd *b, struct bfd_session *s);
void bfd_session_wake(struct bfd *b, struct bfd_session *s);

/* ---- out.c ---- */

bool bfd_emit_room(const struct bfd *b);
struct bfd_action *bfd_emit(struct bfd *b, enum bfd_action_kind kind);
struct bfd_action *bfd_emit_session(struct bfd *b, enum bfd_action_kind kind,
                                    const struct bfd_session *s);
/* s: NULL when it is no session's. */
void bfd_refuse(struct bfd *b, struct bfd_session *s, const struct bfd_event *ev,
                enum bfd_refusal why);

#endif
