/* The BFD engine: one struct, one step function; the UDP sockets belong to the shell, what a
 * session's end means to BGP belongs to the core.
 *
 * RFC 5880 (asynchronous mode, demand mode answered, keyed SHA1 authentication), 5881 (single hop),
 * 5883 (multihop), 5882 4.2 (which end of a session is a failure). No Echo function.
 *
 * Timers fire on WAKE only. A shell that reads its BFD sockets dry before it wakes the engine never
 * declares a neighbor dead whose packets merely waited in a queue while something else took long.
 */
#ifndef BFD_BFD_H
#define BFD_BFD_H

#include "base/addr.h"
#include "base/reason.h"
#include "base/schema.h"
#include "crypto/crypto.h"

struct bfd; /* the engine */

#define BFD_NO_IFACE      UINT32_MAX /* beside the tunnels, as BGP_NO_IFACE */
#define BFD_PORT          3784       /* RFC 5881 4 */
#define BFD_PORT_MULTIHOP 4784       /* RFC 5883 5 */
#define BFD_SRC_PORT_MIN  49152      /* RFC 5881 4 */
#define BFD_SESSIONS_MAX  16384      /* with more, source ports would repeat (RFC 5881 4) */
#define BFD_INTERVAL_MIN  KD_MS(10)  /* below, one control loop can't promise to be in time */
#define BFD_INTERVAL_MAX  KD_S(60)
#define BFD_KEYS_MAX      4  /* the current one, the next one, and two of slow colleagues */
#define BFD_KEY_MAX       20 /* RFC 5880 6.7.4 */

/* ---- configuration ---- */

/* RFC 5880 4.1: the wire's numbers. */
enum bfd_auth_type {
    BFD_AUTH_NONE = 0,
    BFD_AUTH_PASSWORD = 1, /* always refused */
    BFD_AUTH_MD5 = 2,      /* legacy */
    BFD_AUTH_METICULOUS_MD5 = 3,
    BFD_AUTH_SHA1 = 4,
    BFD_AUTH_METICULOUS_SHA1 = 5,
    BFD_AUTH_N
};

struct bfd_key {
    uint8_t id;           /* Auth Key ID */
    struct kd_handle key; /* in the arena, 1 to BFD_KEY_MAX bytes; the engine takes it */
};

struct bfd_auth_config {
    enum bfd_auth_type type;
    bool legacy;                      /* the MD5 types were asked for by that name (DESIGN 3.12) */
    uint8_t n_keys;                   /* 0 with BFD_AUTH_NONE */
    struct bfd_key key[BFD_KEYS_MAX]; /* sends with the first, accepts any */
};

struct bfd_session_config {
    /* The path: what a session is. Two sessions may not share one. */
    struct kd_addr remote;
    struct kd_addr local; /* family 0: the kernel's choice */
    uint32_t table;       /* inner routing table (VRF) */
    uint32_t iface; /* the tunnel (core's id) the session is bound to, or BFD_NO_IFACE: packets that
                       arrive elsewhere are refused */
    bool multihop;
    bool point_to_point; /* single hop: a first packet may have any source (RFC 5881 6) */
    bool passive;        /* multihop: silent until the peer was heard (RFC 5880 6.1) */
    /* What may change while the session is up. */
    uint8_t ttl_min;     /* multihop: least TTL accepted; 0: any. Single hop: always 255 */
    bool any_src_port;   /* also from ports below 49152: BIRD on Linux sends from ephemeral ones */
    uint8_t detect_mult; /* 1 to 255 */
    uint32_t tx_us, rx_us; /* Desired Min TX and Required Min RX once Up */
    struct bfd_auth_config auth;
};

struct bfd_params {
    struct kc_ctx *crypto; /* borrowed for the engine's life; NULL: no authentication */
    uint8_t seed[32]; /* of jitter, discriminators, sequence numbers; the caller wipes its copy */
    uint32_t sessions_max; /* 0: 1024; at most BFD_SESSIONS_MAX */
};

enum bfd_config_error {
    BFD_CONFIG_OK,
    BFD_CONFIG_FULL,     /* sessions_max reached */
    BFD_CONFIG_TAKEN,    /* another session has this path */
    BFD_CONFIG_MOVED,    /* the session exists with another path: delete it first */
    BFD_CONFIG_ADDRESS,  /* no remote address, or families differ */
    BFD_CONFIG_INTERVAL, /* tx_us or rx_us out of BFD_INTERVAL_MIN..MAX */
    BFD_CONFIG_MULT,     /* detect_mult 0 */
    BFD_CONFIG_ROLE,     /* passive on a single hop (RFC 5881 3), point-to-point over several */
    BFD_CONFIG_PASSWORD, /* simple password: never */
    BFD_CONFIG_LEGACY,   /* MD5 without legacy */
    BFD_CONFIG_NO_HASH,  /* crypto/ can't do it (MD5 today) */
    BFD_CONFIG_KEYS,     /* none, too many, one id twice, empty, too long or stale; or no crypto */
    BFD_CONFIG_N
};
extern const char *const bfd_config_error_names[];

/* NULL when out of memory. Everything is allocated here: no step allocates. */
struct bfd *bfd_new(const struct bfd_params *p) KD_MUST_USE;
/* Frees the keys it took as well. */
void bfd_free(struct bfd *b);
/* Adds session (the caller's number), AdminDown and silent until ADMIN_UP; or replaces its
 * configuration: CONFIG then makes the new timers known to the peer without a flap, the rest counts
 * at once. Takes the keys on OK only, and frees those it no longer uses. */
enum bfd_config_error bfd_session_set(struct bfd *b, uint32_t session,
                                      const struct bfd_session_config *c) KD_MUST_USE;
/* Forgets it without a word: a peer that is not to see a failure is told by ADMIN_DOWN first, and
 * given a detection time (bfd_session_view.announce_us) to hear it. Unknown ones are ignored. */
void bfd_session_del(struct bfd *b, uint32_t session);

/* ---- events ---- */

/* RFC 5880 4.1: the wire's numbers. */
enum bfd_state { BFD_ADMIN_DOWN, BFD_DOWN, BFD_INIT, BFD_UP, BFD_STATE_N };

enum bfd_diag {
    BFD_DIAG_NONE,
    BFD_DIAG_DETECT_EXPIRED,
    BFD_DIAG_ECHO_FAILED,
    BFD_DIAG_NEIGHBOR_DOWN,
    BFD_DIAG_FORWARDING_RESET,
    BFD_DIAG_PATH_DOWN,
    BFD_DIAG_CONCATENATED_DOWN,
    BFD_DIAG_ADMIN_DOWN,
    BFD_DIAG_REVERSE_CONCATENATED_DOWN,
    BFD_DIAG_N /* the wire has room up to 31 */
};

enum bfd_event_kind {
    BFD_EV_WAKE,       /* the deadline came and the sockets have been read */
    BFD_EV_PACKET,     /* a UDP datagram to port 3784 or 4784 */
    BFD_EV_ADMIN_UP,   /* start */
    BFD_EV_ADMIN_DOWN, /* AdminDown is announced until ADMIN_UP or bfd_session_del() */
    BFD_EV_CONFIG,     /* bfd_session_set() has replaced the session's configuration */
};

struct bfd_event {
    enum bfd_event_kind kind;
    uint64_t now_us;
    uint32_t session; /* ADMIN_*, CONFIG */
    /* ADMIN_DOWN */
    enum bfd_diag diag; /* ADMIN_DOWN or PATH_DOWN (RFC 5880 6.8.16); NONE is taken as ADMIN_DOWN */
    enum kd_reason reason; /* for our note */
    /* PACKET */
    struct kd_addr local, remote; /* its destination and source */
    uint32_t table;
    uint32_t iface; /* where it arrived: tunnel id or BFD_NO_IFACE */
    uint8_t ttl; /* TTL or hop limit as received; 0 when unknown: never accepted on a single hop */
    bool multihop; /* came in on port 4784 */
    uint16_t src_port;
    struct kd_bytes data; /* UDP payload, borrowed for the step */
};

extern const struct kd_schema bfd_event_schema;

/* ---- actions ---- */

enum bfd_action_kind {
    BFD_ACT_SEND, /* data from local (family 0: the kernel's choice) and src_port to remote */
    BFD_ACT_NOTE,
};

enum bfd_note {
    BFD_NOTE_STATE,   /* the session went from old_state to state */
    BFD_NOTE_REFUSED, /* a packet was refused: refusal; rate-limited */
    BFD_NOTE_N
};

/* Why a packet was refused, in the order of the checks. */
enum bfd_refusal {
    BFD_ACCEPTED,
    BFD_R_SHORT,           /* fewer than 24 bytes */
    BFD_R_VERSION,         /* not 1 */
    BFD_R_LENGTH,          /* Length below 24, or 26 with the A bit */
    BFD_R_TRUNCATED,       /* Length beyond the datagram */
    BFD_R_DETECT_MULT,     /* Detect Mult 0 */
    BFD_R_MULTIPOINT,      /* M bit */
    BFD_R_MY_DISCR,        /* My Discriminator 0 */
    BFD_R_POLL_FINAL,      /* P and F together (RFC 5880 6.5) */
    BFD_R_YOUR_DISCR_ZERO, /* Your Discriminator 0 in Init or Up */
    BFD_R_AUTH_LENGTH,     /* Auth Len doesn't fill what Length leaves */
    BFD_R_NO_SESSION,      /* no session with that discriminator, or on that path */
    BFD_R_PATH,            /* the session's, but another interface, table, family or port */
    BFD_R_TTL,             /* not 255 (single hop), below ttl_min (multihop) */
    BFD_R_SRC_PORT,        /* below 49152 */
    BFD_R_AUTH_MISSING,    /* A clear where authentication is in use */
    BFD_R_AUTH_UNEXPECTED, /* A set where it isn't */
    BFD_R_AUTH_TYPE,       /* not the configured type, or its Auth Len */
    BFD_R_AUTH_KEY_ID,     /* no such key */
    BFD_R_AUTH_SEQUENCE,   /* outside of the window: replayed, or the peer restarted */
    BFD_R_AUTH_HASH,       /* wrong key or tampered with */
    BFD_REFUSAL_N
};

struct bfd_action {
    enum bfd_action_kind kind;
    uint32_t session; /* UINT32_MAX where none is known */
    struct kd_addr local, remote;
    uint32_t table;
    uint32_t iface;
    uint8_t ttl; /* SEND: 255; NOTE: as received */
    uint16_t src_port, dst_port;
    struct kd_span data; /* SEND */
    /* NOTE */
    enum bfd_note note;
    enum bfd_state old_state, state, remote_state;
    enum bfd_diag diag;    /* ours */
    uint8_t remote_diag;   /* as the peer said it: 0 to 31 */
    enum kd_reason reason; /* unreachable: silence; bfd-down: the neighbor said so; admin: it said
                              that, or what ADMIN_DOWN gave */
    bool failure; /* Up was lost, and not administratively by either side: the session's clients
                     act (RFC 5882 4.2) */
    uint64_t heard_us; /* STATE: the last packet accepted, for the failure's timeline; 0: none */
    enum bfd_refusal refusal;
    uint32_t suppressed; /* REFUSED: as many more were not told */
};

extern const struct kd_schema bfd_action_schema;
extern const char *const bfd_state_names[]; /* "AdminDown", "Down", "Init", "Up" */
extern const char *const bfd_diag_names[];  /* of RFC 5880 4.1, in our spelling */
extern const char *const bfd_refusal_names[];
extern const char *const bfd_note_names[];

#define BFD_PACKET_MAX  52  /* 24 and SHA1's section */
#define BFD_OUT_ACTIONS 256 /* sessions served by one step: well below 500 us */
#define BFD_OUT_BYTES   (BFD_OUT_ACTIONS * BFD_PACKET_MAX)

struct bfd_out {
    uint64_t deadline_us; /* call with WAKE at or after this; KD_NEVER */
    bool more;            /* call again with WAKE at once */
    uint32_t n, used;
    struct bfd_action a[BFD_OUT_ACTIONS];
    uint8_t buf[BFD_OUT_BYTES];
};

/* Resets out, then consumes the event. Never fails: what can't be done shows as actions. */
void bfd_step(struct bfd *b, const struct bfd_event *ev, struct bfd_out *out);

/* ---- views ---- */

struct bfd_session_view {
    enum bfd_state state, remote_state;
    enum bfd_diag diag;
    uint8_t remote_diag;
    enum kd_reason reason;              /* of the last change */
    uint64_t since_us;                  /* of the state */
    uint64_t heard_us;                  /* last packet accepted; 0: none */
    uint32_t local_discr, remote_discr; /* remote 0: unknown */
    uint16_t src_port;
    uint32_t
        tx_us; /* agreed interval of what we send, before jitter; 0: we don't (demand, passive) */
    uint32_t rx_us;       /* agreed interval of what we receive; 0: never heard */
    uint64_t detect_us;   /* our detection time; 0: never heard */
    uint64_t announce_us; /* the peer's detection time: how long it may take to hear of AdminDown */
    uint8_t remote_mult;
    bool remote_demand; /* demand mode is active on the remote system */
    bool remote_cpi;    /* its BFD survives its control plane (RFC 5882 4.3) */
    bool polling;
    uint32_t failures;                         /* times Up was lost as a failure */
    uint64_t packets_in, packets_out, refused; /* refused: known to be meant for this session */
    enum bfd_refusal last_refusal;
};
bool bfd_session_get(const struct bfd *b, uint32_t session, struct bfd_session_view *v);
/* All packets refused for that reason since the start. */
uint64_t bfd_refused(const struct bfd *b, enum bfd_refusal why);

#endif
