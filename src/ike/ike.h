/* The IKEv2 engine: one struct, one step function; no sockets, clocks, files or threads.
 *
 * An event carries the monotonic time and borrowed bytes; the step fills an ike_out with an
 * ordered, bounded list of actions, the next deadline and whether more work is waiting. Byte spans
 * of actions lie in out->buf and are valid until the next step.
 *
 * RFC 7296 (IKEv2), 8247, 3947/3948-style UDP encapsulation as in 7296 2.23, 5282 (AEAD in IKE). */
#ifndef IKE_IKE_H
#define IKE_IKE_H

#include "base/addr.h"
#include "base/reason.h"
#include "base/schema.h"
#include "crypto/crypto.h"
#include "ike/auth.h"
#include "ike/proposal.h"
#include "ike/ts.h"

struct ike; /* the engine */

/* ---- configuration ---- */

/* RFC 7296 3.5. type 0 as remote_id: any identity. */
enum ike_id_type {
    IKE_ID_ANY = 0,
    IKE_ID_IPV4 = 1,
    IKE_ID_FQDN = 2,
    IKE_ID_RFC822 = 3,
    IKE_ID_IPV6 = 5,
    IKE_ID_DER_ASN1_DN = 9,
    IKE_ID_DER_ASN1_GN = 10,
    IKE_ID_KEY_ID = 11,
};

#define IKE_ID_MAX 256 /* longer identities are refused */

struct ike_id {
    uint8_t type;
    uint16_t len;
    uint8_t data[IKE_ID_MAX];
};

/* Printable and safe for logs (control bytes escaped); "any" for IKE_ID_ANY. */
void ike_id_str(const struct ike_id *id, char *buf, size_t cap);
/* From the configuration's notation: address, fqdn, user@fqdn, key-id:HEX, any, or a distinguished
 * name: "C=US, O=Example, CN=gw". */
bool ike_id_parse(const char *s, struct ike_id *out) KD_MUST_USE;

enum ike_role { IKE_ROLE_BOTH, IKE_ROLE_INITIATOR, IKE_ROLE_RESPONDER };
enum ike_encap { IKE_ENCAP_AUTO, IKE_ENCAP_ALWAYS, IKE_ENCAP_NEVER };
/* RFC 6023: ALLOW takes an IKE SA made without a child, FORCE takes and makes no other. */
enum ike_childless { IKE_CHILDLESS_ALLOW, IKE_CHILDLESS_NEVER, IKE_CHILDLESS_FORCE };

/* Children a connection may want at once. Azure creates one for each custom selector line; a site
 * with more prefixes lists them in one child. 16 selector lists each way are 41 KiB a
 * connection. */
#define IKE_CONN_CHILDREN 16

/* One child that is wanted. What ESP is made of, and how long it lives, is the connection's. */
struct ike_child_config {
    char name[16]; /* "" for the only one */
    struct ike_ts_list local_ts, remote_ts;
};

#define IKE_FRAGMENT_MIN 576 /* what every IPv4 path carries */
#define IKE_FRAGMENT_OFF UINT16_MAX
#define IKE_KEEPALIVE_OFF KD_NEVER

#define IKE_PPK_ID_MAX 64

/* RFC 8784. key none: no PPK; else in the arena, taken as psk is. */
struct ike_ppk_config {
    struct kd_handle key;
    uint8_t id_len;
    uint8_t id[IKE_PPK_ID_MAX]; /* as PPK_ID_FIXED */
    bool required;              /* without it there is no IKE SA */
};

struct ike_conn_config {
    char name[16];
    struct kd_addr local;  /* outer address */
    struct kd_addr remote; /* family 0: any (responder only) */
    uint16_t port, natt_port; /* of both sides: 500, 4500 */
    struct ike_id local_id, remote_id;
    struct kd_handle psk; /* key in the arena; the engine takes it and frees it with the conn */
    struct ike_auth_config auth;
    enum ike_role role;
    enum ike_encap encap;
    enum ike_childless childless;
    struct ike_ppk_config ppk;
    struct ike_proposals ike, esp; /* in order of preference; protocol and spi unset */
    struct ike_proposals esp_accept; /* as responder, where that is another list (Azure's); n 0:
                                        esp */
    uint8_t n_children; /* 0 counts as 1 */
    struct ike_child_config child[IKE_CONN_CHILDREN];
    bool ladder; /* they are steps: one is wanted, the next where the peer refuses its selectors */
    bool on_traffic; /* an attempt begins with IKE_CMD_TRAFFIC; none by itself, at first or later */
    bool accept_any_ts; /* Azure as responder (facts/azure 1.5): take the offer whole */
    uint64_t detect_us, abandon_us; /* DESIGN 3.5 */
    uint64_t keepalive_us; /* behind a NAT: silence kept no longer; 0: 20 s; IKE_KEEPALIVE_OFF */
    uint64_t retry_us;              /* first pause before reconnecting; doubles to 16 x */
    uint16_t fragment_size; /* RFC 7383: octets of an IP datagram; 0: 1280; IKE_FRAGMENT_OFF:
                               never */
    /* Hard; soft at 95 % with jitter downwards, or as responder at 98.5 %: the peer comes first. */
    uint64_t ike_life_us, child_life_us;
    uint64_t child_life_bytes, child_life_packets; /* each direction; 0: any number */
};

struct ike_params {
    struct kc_ctx *crypto; /* borrowed for the engine's life */
    uint8_t seed[32];      /* of the random stream; the caller wipes its copy */
    uint32_t conns_max;    /* 1024 */
    uint32_t half_open_max; /* IKE SAs not yet authenticated, in total; 256 */
    uint32_t half_open_per_addr; /* 8; IPv6: of a /64, which is one site's to choose from */
    uint32_t cookie_total;       /* from so many half-open on a COOKIE is asked for; 32 */
    uint32_t cookie_per_addr;    /* the same for one address; 3 */
    struct kd_handle qcd; /* secret of our crash detection tokens (RFC 6290), the same before and
                           * after a restart; taken. None: we make none, and take the peer's all
                           * the same */
};

/* NULL when out of memory. */
struct ike *ike_new(const struct ike_params *p) KD_MUST_USE;
void ike_free(struct ike *e);

/* Adds or replaces connection id's configuration (copied). A replaced connection keeps its SAs; the
 * caller resets it where the difference asks for it. Starts nothing: IKE_CMD_UP does. */
bool ike_conn_set(struct ike *e, uint32_t conn, const struct ike_conn_config *c) KD_MUST_USE;

/* ---- events ---- */

enum ike_event_kind {
    IKE_EV_WAKE,     /* the deadline came (or nothing but time passed) */
    IKE_EV_DATAGRAM,
    IKE_EV_JOB_DONE,
    IKE_EV_CHILD_RESULT,
    IKE_EV_COMMAND,
    IKE_EV_CHILD_SOURCE, /* the child's newest authentic packet came from remote, in UDP */
    IKE_EV_CHILD_EXPIRE, /* the data plane's byte or packet limit: soft or hard */
};

enum ike_command {
    IKE_CMD_UP,          /* initiate (role permitting) and keep up; a responder starts to answer */
    IKE_CMD_TRAFFIC,     /* a packet found no pair: an on_traffic connection without an IKE SA
                            begins, unless one has just failed; with one it makes the pair */
    IKE_CMD_DOWN,        /* DELETE, stop, refuse the peer until UP */
    IKE_CMD_HOLD,        /* DELETE, stop, and leave the peer without an answer until UP, so that it
                            asks again: what is missing is ours, and for a time. So it begins */
    IKE_CMD_DOWN_SILENT, /* stop answering and sending: a rehearsed dead peer */
    IKE_CMD_RESET,       /* DOWN then UP at once */
    IKE_CMD_PROBE,       /* a liveness probe now (ignored when a request is outstanding) */
    IKE_CMD_REKEY_IKE,
    IKE_CMD_REKEY_CHILD,
    IKE_CMD_MTU,         /* do datagrams of octets pass on the way to the peer, and which do? */
    IKE_CMD_MTU_HINT,    /* somebody says that octets do: tried next by a measurement that runs */
    IKE_CMD_REMOVE,      /* DELETE and forget the connection */
    IKE_CMD_N
};

struct ike_event {
    enum ike_event_kind kind;
    uint64_t now_us;
    int64_t wall_s; /* UTC seconds since 1970: what certificates are judged by; 0: as before */
    /* DATAGRAM: an IKE message without the non-ESP marker */
    struct kd_endpoint local, remote;
    bool natt; /* came in on the NAT-T socket, marker stripped */
    struct kd_bytes data;
    /* JOB_DONE */
    struct kd_handle job;
    enum kc_job_status job_status;
    struct kd_handle secret; /* the engine takes it */
    /* JOB_DONE: data is the public value, or as ike_job_data() gives it */
    /* CHILD_RESULT, CHILD_EXPIRE */
    struct kd_handle child;
    bool ok; /* CHILD_EXPIRE: true for soft */
    /* COMMAND */
    uint32_t conn;
    enum ike_command command;
    uint32_t octets; /* MTU: of an IP datagram, IKE_MTU_MAX at most */
};

extern const struct kd_schema ike_event_schema;

/* ---- actions ---- */

/* What a pair may carry, each direction for itself; 0: any. The soft ones are told of once each,
 * the hard ones too (CHILD_EXPIRE). Bytes are the inner packets'. RFC 4301 4.4.2.1. */
struct ike_limits {
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
};
/* The hard ones of a pair of that connection. RFC 4303 3.3.3: without ESN the sequence number ends
 * before it wraps. */
struct ike_limits ike_limits_hard(const struct ike_conn_config *c, bool esn);

enum ike_action_kind {
    IKE_ACT_SEND,      /* datagram data from local to remote; natt: prepend the non-ESP marker; df:
                          not to be cut up on the way */
    IKE_ACT_JOB,       /* run a crypto job, answer with JOB_DONE */
    IKE_ACT_CHILD_ADD, /* install both SAs, answer with CHILD_RESULT; keys stay the engine's
                          until CHILD_DEL */
    IKE_ACT_CHILD_USE, /* send on this pair from now on, and no longer on the one it replaces */
    IKE_ACT_CHILD_MOVE, /* the pair's outer endpoints changed (NAT mapping) */
    IKE_ACT_KEEPALIVE, /* one octet 0xff from local to remote, on the NAT-T socket (RFC 3948 2.3) */
    IKE_ACT_CHILD_DEL, /* remove the pair; no answer */
    IKE_ACT_KEYS_FREE, /* the data plane must have dropped child by now: keys are gone after this
                          step */
    IKE_ACT_NOTE,
};

enum ike_note {
    IKE_NOTE_CONNECTING,  /* an attempt begins */
    IKE_NOTE_ESTABLISHED, /* IKE SA authenticated both ways; detail: suite */
    IKE_NOTE_CHILD_UP,    /* installed and announced to the peer; child, spi_in, spi_out */
    IKE_NOTE_CHILD_DOWN,  /* child, spi_in, spi_out; reason none: rekeyed, its successor is up */
    IKE_NOTE_FAILING,     /* the outstanding request has been retransmitted once: a probe is
                             overdue */
    IKE_NOTE_UNREACHABLE, /* detect ran out */
    IKE_NOTE_REACHABLE,   /* the answer came: failing or unreachable is over */
    IKE_NOTE_CLOSED,      /* the connection has no IKE SA and no attempt any more; reason says
                           * why; a retry may follow */
    IKE_NOTE_REFUSED,     /* either side refused: reason, offered and configured as text */
    IKE_NOTE_STRANGER,    /* rate-limited: unauthenticated input that matched nothing; detail
                             says what */
    IKE_NOTE_REPLACED,    /* an older or redundant IKE SA of the connection is gone (peer-replaced,
                           * collision, ...); the connection keeps its other one */
    IKE_NOTE_REKEYED,     /* the IKE SA was rekeyed in place; detail: suite */
    IKE_NOTE_MTU,         /* IKE_CMD_MTU has come to an end: ike_conn_view() */
    IKE_NOTE_WARNING,     /* what may fail on the way; detail; once a connection */
    IKE_NOTE_N
};

struct ike_action {
    enum ike_action_kind kind;
    uint32_t conn; /* UINT32_MAX where no connection is known */
    struct kd_endpoint local, remote;
    bool natt, df;
    struct kd_span data; /* SEND: message; JOB: peer's public value */
    /* JOB */
    struct kd_handle job;
    enum kc_job_kind job_kind;
    uint32_t group; /* enum kc_dh; NOTE CHILD_UP and REKEYED: the one it was made with, REFUSED: the
                     * one the peer wants */
    struct kd_handle priv;
    struct ike_auth_job auth; /* and data to data3: see there */
    struct kd_span data2, data3;
    /* CHILD_*; NOTE CHILD_UP and CHILD_DOWN: child and the SPIs */
    struct kd_handle child;
    uint32_t spi_in, spi_out; /* host order */
    uint16_t encr, encr_bits, integ; /* transform ids */
    bool esn, encap;
    struct kd_handle key_enc_in, key_int_in, key_enc_out, key_int_out;
    struct kd_span ts_local, ts_remote; /* bodies of TS payloads: ike_ts_parse() */
    struct ike_limits limits;           /* CHILD_ADD */
    struct kd_handle replaces;          /* CHILD_USE; none: no other pair */
    /* NOTE */
    enum ike_note note;
    enum kd_reason reason;
    struct kd_span detail, offered, configured; /* UTF-8 text, safe to print */
    /* NOTE REFUSED, beside its text: what explain.h compares. The selectors offered are ts_local
     * and ts_remote; what is unknown is empty. */
    uint8_t exchange; /* enum ike_exchange; 0 unknown */
    bool by_peer;     /* the peer refused what we offered */
    bool rekey;
    uint16_t notify; /* what the peer said */
    struct kd_span sa_offered, sa_configured; /* bodies of SA payloads: ike_proposals_parse() */
    struct kd_span ts_want_local, ts_want_remote; /* configured: bodies of TS payloads */
};

extern const struct kd_schema ike_action_schema;
extern const char *const ike_note_names[];

#define IKE_OUT_ACTIONS 256         /* more waiting sets more */
#define IKE_OUT_BYTES   (256 * 1024) /* holds every message of one step: 4 of the largest and
                                        text */

struct ike_out {
    uint64_t deadline_us; /* call with WAKE at or after this; KD_NEVER */
    bool more;            /* call again with WAKE at once */
    uint32_t n;
    uint32_t used;
    struct ike_action a[IKE_OUT_ACTIONS];
    uint8_t buf[IKE_OUT_BYTES];
};

/* Resets out, then consumes the event. Never fails: what can't be done shows as actions. */
void ike_step(struct ike *e, const struct ike_event *ev, struct ike_out *out);

/* ---- views: read-only, for status ---- */

#define IKE_VIEW_CHILDREN 20 /* those configured, and rekeys under way; more are not shown */

#define IKE_MTU_MAX 9000

enum ike_mtu_state { IKE_MTU_NONE, IKE_MTU_RUNNING, IKE_MTU_KNOWN, IKE_MTU_UNKNOWN };

struct ike_mtu_view {
    enum ike_mtu_state state;
    uint16_t wanted, passes; /* octets of a datagram; passes: of the last measurement, 0: none */
    uint64_t at_us;          /* when that was */
};

struct ike_view {
    bool established, initiator, encap, outstanding;
    uint8_t spi_i[8], spi_r[8];
    char suite[64]; /* "aes256-sha1-modp1024" */
    struct ike_id remote_id;
    struct ike_peer_auth auth;
    struct kd_endpoint local, remote;
    uint64_t since_us, rekey_at_us, expire_at_us, last_proof_us; /* expire: KD_NEVER for none */
    struct ike_mtu_view mtu;
    uint32_t n_children;
    struct ike_child_view {
        struct kd_handle child;
        uint32_t spi_in, spi_out;
        char name[16]; /* of its configuration */
        uint8_t conf;  /* its number there; of a ladder, the step */
        char suite[64];
        bool esn, encap, installed;
        uint64_t since_us, rekey_at_us, expire_at_us;
        struct ike_ts_list local_ts, remote_ts;
    } children[IKE_VIEW_CHILDREN];
    uint32_t n_missing; /* children that are configured and not there */
    struct ike_missing_view {
        char name[16];
        uint8_t conf;
        enum kd_reason refused; /* by either end, the last time; NONE: not asked for yet, or gone */
        uint64_t retry_at_us;   /* KD_NEVER: the peer is waited for */
    } missing[IKE_CONN_CHILDREN];
};

/* False when the connection is unknown; established false when it has no IKE SA. */
bool ike_conn_view(const struct ike *e, uint32_t conn, struct ike_view *v);
/* Whether the data plane may have this child: also one of those that views leave out, deleted and
 * kept some seconds for packets that are late. */
bool ike_has_child(const struct ike *e, struct kd_handle child);
/* Whether the peer of an IKE SA that is closed has yet to be sent its DELETE: the window is 1, and
 * another request is out. */
bool ike_untold(const struct ike *e);

#endif
