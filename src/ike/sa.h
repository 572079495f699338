/* The engine's inside: IKE SAs, children, exchanges under way, and where they are found. What its
 * files offer one another stands in out.h, keys.h, proof.h, exchange.h, child.h, further.h and
 * guard.h. Only src/ike/ includes this.
 *
 * Life of an IKE SA (enum ike_state) and of its requests:
 *
 *   initiator  I_KEYGEN -> I_INIT -> I_SHARED [-> I_INTER*] [-> I_SIGN] -> I_AUTH [-> I_CHECK] -+
 *                                                                                              UP
 *   responder  R_KEYGEN -> R_INIT -> R_SHARED [-> R_INTER*] [-> R_CHECK] [-> R_SIGN] -> R_AUTH -+
 *
 *   UP -> CLOSING -> GONE; what is in brackets waits for the jobs of further key exchanges and of
 *   certificates
 *
 * The window is 1 in both directions (RFC 7296 2.3), so an SA has at most one request of ours
 * outstanding (struct ike_tx), one of the peer's being worked on (struct ike_rx), and beside
 * them one exchange with its own keys each way (struct ike_xchg). Handlers never free an SA:
 * ike_sa_drop() makes it GONE, the end of the step frees it. */
#ifndef IKE_SA_H
#define IKE_SA_H

#include "base/timers.h"
#include "ike/grammar.h"
#include "ike/ike.h"
#include "ike/message.h"

#define IKE_SPI_LEN 8
/* Pairs of one IKE SA at once: each child configured in use and with its successor or predecessor,
 * and some for collisions' twins, old ones that still receive, and a peer that makes more than one
 * of ours. That often three actions and the SA's own fit an ike_out twice. */
#define IKE_SA_CHILDREN (2 * IKE_CONN_CHILDREN + 8)
/* Our own messages: the largest holds 32 proposals of 32 transforms (10 KiB) and our certificates
 * (IKE_CHAIN_BYTES). */
#define IKE_TX_MAX 24576
#define IKE_RX_MAX 65536
/* IKE_SA_INIT may be tried anew: a cookie, its successor, and one wish for another group each. */
#define IKE_INIT_ROUNDS 5

#define IKE_INIT_GAP_US      KD_MS(500) /* doubles: 0, 0.5, 1.5, 3.5 s */
#define IKE_INIT_GIVE_UP_US  KD_MS(7500)
#define IKE_REFUSED_WAIT_US  KD_MS(300) /* for a better answer than a clear-text refusal (2.21.1) */
#define IKE_HALF_OPEN_US     KD_S(20) /* a responder waits so long for IKE_AUTH */
#define IKE_LINGER_US        KD_S(5)  /* a dead SA answers retransmissions so long */
#define IKE_CHILDLESS_US     KD_S(10) /* an IKE SA without a child: the peer's time to make one */
#define IKE_OLD_CHILD_US     KD_S(5)  /* a rekeyed pair receives for so long after its DELETE */
#define IKE_PREDECESSOR_US   KD_S(30) /* what the peer has rekeyed waits so long for its DELETE */
#define IKE_REDUNDANT_US     KD_S(10) /* a collision's loser waits so long for the peer's DELETE */

enum ike_state {
    IKE_ST_I_KEYGEN,
    IKE_ST_I_INIT,
    IKE_ST_I_SHARED,
    IKE_ST_I_INTER, /* a further key exchange: our value, the answer, the secret */
    IKE_ST_I_SIGN, /* our AUTH is being signed */
    IKE_ST_I_AUTH,
    IKE_ST_I_CHECK, /* the peer's certificates and its AUTH are being checked */
    IKE_ST_R_KEYGEN,
    IKE_ST_R_INIT,
    IKE_ST_R_SHARED, /* IKE_AUTH has come and waits in hs->stash for the shared secret */
    IKE_ST_R_INTER,  /* a further key exchange: the values are computed */
    IKE_ST_R_CHECK,  /* the peer's certificates and its AUTH are being checked */
    IKE_ST_R_SIGN,   /* peer authenticated; our AUTH is being signed */
    IKE_ST_R_AUTH,   /* peer authenticated; our answer waits for the child's installation */
    IKE_ST_UP,
    IKE_ST_CLOSING, /* ours no longer: only the DELETE exchange is left */
    IKE_ST_GONE,    /* nothing left but the last answer, for retransmitted requests */
    IKE_ST_N
};
extern const char *const ike_state_names[];

/* One Diffie-Hellman exchange, ours or the peer's. */
struct ike_ke {
    const struct kc_alg *dh;
    struct kd_handle priv, secret; /* owned */
    struct kd_handle job;          /* in flight, or none */
    uint16_t pub_len, peer_len;
    uint8_t pub[512], peer[512];
};

struct ike_nonce {
    uint16_t len;
    uint8_t b[IKE_NONCE_MAX];
};

struct ike_buf {
    uint8_t *p;
    uint32_t len;
};

#define IKE_AUTH_DATA_MAX (1 + KC_AI_MAX + KC_SIG_MAX)

/* Both ends' authentication under way (auth.c). */
struct ike_auth {
    uint32_t hashes, hashes_offered; /* SIGNATURE_HASH_ALGORITHMS of the peer, of ours: bit n is
                                      * kc_sig_hash n */
    struct kd_handle job;            /* in flight, or none */
    struct kc_sig sig;               /* the job's kind */
    struct ike_buf kept;             /* what IKE_AUTH held, while jobs run */
    struct ike_header kept_h;
    uint8_t kept_first;
    struct kc_chain_result chain; /* the peer's certificates */
    uint8_t method;               /* our AUTH payload, once it is made */
    uint16_t len;
    uint8_t data[IKE_AUTH_DATA_MAX];
};

/* Where a datagram came from and where an answer to it goes. */
struct ike_from {
    struct kd_endpoint local, remote;
    bool natt;
    bool df; /* to be sent so that it is not cut up on the way */
};

/* What only the handshake needs: freed when the SA is UP. */
struct ike_hs {
    struct ike_ke ke;
    struct ike_nonce ni, nr;
    struct ike_buf init_req, init_resp; /* as signed by AUTH (RFC 7296 2.15) */
    struct ike_buf cookie;
    struct ike_buf stash; /* IKE_AUTH that came before the shared secret: one message or
                             fragments */
    struct ike_from stash_from;
    uint8_t rounds;
    uint32_t groups_tried; /* bit: the group was asked for by INVALID_KE_PAYLOAD once */
    enum kd_reason refused; /* by clear text: acted upon when nothing better comes */
    struct ike_auth auth;
    uint32_t child_spi;   /* initiator: ours for the first child; 0: none is asked for */
    uint8_t child_conf;   /* and which it is */
    bool initial_contact; /* the peer said so in IKE_AUTH */
    bool childless; /* the responder announced RFC 6023 */
    struct ike_inter {
        bool peer;    /* announced IKE_INTERMEDIATE (RFC 9242) */
        uint8_t done; /* so many further key exchanges */
        uint8_t i[64], r[64]; /* IntAuth of the initiator's messages, of the responder's */
    } inter;
    struct ike_ppk {
        bool said, peer; /* USE_PPK: announced by us, by the peer */
        bool used;       /* sa->k holds the mixed keys */
        bool optional;   /* initiator: NO_PPK_AUTH goes with AUTH */
        struct kd_handle plain[3]; /* SK_d', SK_pi', SK_pr' while the mixed ones are on trial */
        struct ike_buf plain_auth; /* and what NO_PPK_AUTH holds */
    } ppk;
};

enum ike_xkind {
    IKE_XK_NONE,
    IKE_XK_INIT,
    IKE_XK_INTER,
    IKE_XK_AUTH,
    IKE_XK_CHILD,     /* new child, or rekey when old is set */
    IKE_XK_REKEY_IKE,
    IKE_XK_FOLLOWUP, /* a further key exchange of ours */
    IKE_XK_DEL_CHILD,
    IKE_XK_DEL_IKE,
    IKE_XK_AUTH_FAILED, /* INFORMATIONAL that tells the responder (2.21.2) */
    IKE_XK_PROBE,
    IKE_XK_MTU, /* a probe filled up to a size */
    IKE_XK_N
};

/* One CREATE_CHILD_SA exchange, ours or the peer's. */
struct ike_xchg {
    enum ike_xkind kind;
    bool ready, sent; /* ours: the public value is there; the request has gone */
    struct ike_ke ke;       /* the key exchange that is under way */
    struct kd_handle sk[1 + IKE_ADDKE_MAX]; /* owned: secrets of those that are done (RFC 9370) */
    uint8_t n_sk;
    uint16_t link_len;
    uint8_t link[256]; /* ADDITIONAL_KEY_EXCHANGE: what the next IKE_FOLLOWUP_KE has to name */
    struct ike_nonce ni, nr;
    struct ike_suite suite;
    uint8_t conf;           /* which of the connection's children: cfg.child[conf] */
    bool more_ts;
    struct kd_handle child; /* the new pair */
    struct kd_handle old;   /* the pair it replaces */
    uint32_t spi, spi_peer; /* of the new pair */
    struct ike_ts_list local, remote;
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN]; /* of the new IKE SA */
    uint32_t groups_tried;
    uint32_t gone[4]; /* ours: SPIs the peer deleted that we don't know: the answer's, perhaps */
    uint8_t n_gone;
    struct kd_handle rival; /* ours: the pair the peer made meanwhile in place of the same old
                               one */
};

/* Our requests. */
struct ike_tx {
    uint32_t next_id;
    bool out;             /* one is outstanding */
    enum ike_xkind kind;  /* what it is */
    uint8_t exchange;
    struct kd_handle child; /* DEL_CHILD */
    struct ike_buf msg;   /* identical for every retransmission (2.1); of fragments, all of them */
    uint64_t retx_us, gap_us, give_up_us;
    uint32_t retx;        /* how many times it was sent again */
    struct ike_buf beside; /* MTU: an empty request with the same id, sent before msg; or none */
};

/* The peer's requests. */
struct ike_rx {
    uint32_t next_id;
    bool busy;          /* the last one accepted has no answer yet */
    uint8_t exchange;   /* of the last one */
    uint8_t hash[20];   /* of the last one, as it came */
    struct ike_buf resp; /* its answer */
    struct kd_endpoint local, remote; /* where it came from, where the answer goes */
    bool natt;
};

struct ike_keys {
    struct kd_handle d, ai, ar, ei, er, pi, pr;
};

struct ike_sa {
    struct kd_handle self;
    uint32_t conn; /* id */
    enum ike_state state;
    bool initiator; /* of this IKE SA: the original initiator (2.2) */
    bool dead;      /* to be freed at the end of the step */
    bool dirty;     /* in e->dirty */
    bool redundant; /* a collision's loser: the peer will delete it */
    bool successor; /* rekeyed by the peer: all has moved on, the peer will delete it */
    bool waiting;   /* made by the peer's rekey while ours is on its way: which one stays? */
    struct kd_handle before, rival; /* waiting: the old one; the old one's: who waits for its
                                       place */
    struct kd_handle heir, older; /* who has its children now; whose it has inherited */
    bool nat_here, nat_there, encap;
    bool peer_natd; /* the peer sent NAT detection */
    bool failing, unreachable;
    bool announced;       /* ESTABLISHED has been noted */
    bool said_contact;    /* INITIAL_CONTACT, in our IKE_AUTH request */
    bool childless;       /* the peer made it without a child: if it makes none, we do */
    bool want_rekey, want_probe;
    bool ordered; /* the rekey wanted was ordered: refused, it waits for its own time again */
    bool want_token; /* a rekeyed SA: ours is to be sent, by an exchange that probes as well */
    unsigned temporary;    /* answers of TEMPORARY_FAILURE in a row */
    uint64_t temporary_us; /* the first of them */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct ike_sa *spi_link, *init_link, *half_link, *dirty_link;
    uint8_t init_hash[20]; /* of the request that made it */
    uint64_t half_key;     /* of the address it is half-open from */
    bool in_spi, in_init, half_open;

    struct kd_endpoint local, remote;
    bool natt;
    struct ike_suite suite;
    struct ike_keys k;
    struct kd_handle peer_token; /* RFC 6290: what the peer shows when it has lost this SA */
    struct ike_sk seal, open; /* boxes owned */
    uint64_t iv;              /* AEAD: the next one */
    struct ike_id peer_id;
    struct ike_peer_auth peer_auth;
    struct ike_nonce nonce_low; /* the lower of the two that made it, for collisions */

    struct ike_hs *hs;
    struct ike_xchg *ours, *theirs;
    struct ike_xchg *later; /* theirs, while it waits for the next IKE_FOLLOWUP_KE */
    uint64_t later_us;      /* and how long */
    struct ike_tx tx;
    struct ike_rx rx;
    struct ike_fragments *fragments[2]; /* of the peer's request, of the answer; owned, or NULL */
    uint64_t sent_us, keepalive_us;     /* last message to the peer; most silence behind a NAT */
    bool fragmenting;                   /* both ends have said that they do (RFC 7383 2.3) */
    uint16_t fragment_size;             /* ours: octets of the IP datagram, 0: off */
    struct kd_handle child[IKE_SA_CHILDREN];
    uint32_t n_children;

    uint64_t detect_us, abandon_us; /* copied: a removed connection's SA still closes in order */
    uint64_t created_us, up_us;
    uint64_t proof_us;  /* last completed authenticated round trip of ours */
    uint64_t rekey_us, expire_us, end_us;
    enum kd_reason end_reason;
    enum ike_xkind closing; /* CLOSING: what the peer is told, DEL_IKE or AUTH_FAILED */
};

enum ike_child_state {
    IKE_CH_INSTALLING,
    IKE_CH_UP,
    IKE_CH_DELETING, /* our DELETE is wanted or on its way */
    IKE_CH_OLD,      /* deleted on both sides, still receives */
};

/* Of a line of pairs, each rekeyed by the next: who began it, when, and by which exchange. */
struct ike_birth {
    bool ours, by_auth;
    uint64_t at_us;
    struct ike_nonce low; /* the lower of the exchange's two */
};

struct ike_child {
    struct kd_handle self, sa;
    enum ike_child_state state;
    bool noted;      /* CHILD_UP was said, so CHILD_DOWN is due */
    bool installed;  /* CHILD_ADD was said, so CHILD_DEL is due */
    bool encap, want_rekey, delete_sent;
    bool ordered;    /* as in ike_sa */
    bool initiator;  /* we made the exchange that made it */
    bool first;      /* made by IKE_AUTH: DH is not negotiated */
    struct ike_birth birth; /* its own, or the line's it carries on */
    bool more_ts;    /* the peer asked for more, which other children of ours would take (2.9) */
    uint8_t conf;    /* which of the connection's children: cfg.child[conf] */
    bool redundant;  /* a collision's loser: the peer will delete it */
    bool refused;    /* the peer does not let it be rekeyed */
    struct ike_nonce nonce_low; /* the lower of the two that made it, for collisions */
    enum kd_reason down; /* DELETING: why */
    struct kd_handle replaces;   /* the pair that goes when this one is in use */
    struct kd_handle replaced_by;
    struct kd_handle rival;      /* a collision's other pair */
    uint32_t spi_in, spi_out;
    struct ike_suite suite;
    struct kd_handle key[4]; /* enc in, int in, enc out, int out */
    struct ike_ts_list ts_local, ts_remote;
    uint64_t created_us, rekey_us, expire_us, end_us;
};

/* A child that is configured: when it is asked for again while it is not there. */
struct ike_want {
    uint64_t retry_us, pause_us; /* the pause doubles to 16 times cfg.retry_us */
    enum kd_reason refused;      /* the last time; NONE once it is up */
    bool tried;                  /* in vain, or it has gone, since the IKE SA stands */
};

enum ike_admin { IKE_ADMIN_HOLD, IKE_ADMIN_DOWN, IKE_ADMIN_UP, IKE_ADMIN_SILENT };

struct ike_conn {
    uint32_t id;
    struct kd_handle self;
    enum ike_admin admin;
    struct ike_conn_config cfg;
    bool large_noted; /* an IKE_SA_INIT that may not get through has been warned of */
    struct ike_conn *addr_link; /* the next one of the same remote's bucket, in order of id */
    struct kd_handle sa;      /* the authenticated one: at most one (facts/peers 2, pain 5) */
    struct kd_handle elect;   /* wins over sa by the nonces, once the peer shows that it has it */
    struct kd_handle attempt; /* ours, not yet authenticated */
    uint64_t retry_us;        /* when the next attempt begins, KD_NEVER */
    uint64_t pause_us;        /* the last pause: doubles to 16 times cfg.retry_us */
    uint64_t quiet_us;        /* on_traffic: until then traffic begins no attempt */
    struct ike_want want[IKE_CONN_CHILDREN];
    uint8_t step; /* of a ladder: the one that is wanted now */
    struct ike_mtu {
        struct ike_mtu_view v;
        uint16_t size;   /* asked for now, or next */
        uint16_t lo, hi; /* the largest that passed, the smallest that was lost; 0: none */
        uint16_t hint, proved; /* the same, once it has passed; 0: none */
        bool confirming; /* size is hi, asked for again */
        bool beside;     /* what is outstanding may be answered for the small one */
    } mtu;
};

struct ike_job {
    struct kd_handle self, sa;
    enum kc_job_kind kind;
    struct kd_handle priv; /* owned once its SA is gone */
};

/* Tokens refill in virtual time. */
struct ike_bucket {
    uint64_t at_us;
    uint32_t tokens;
};

struct ike_cookie_secret {
    struct kd_handle key; /* owned */
    uint8_t version;
};

#define IKE_INDEX_BUCKETS 4096
#define IKE_ADDR_BUCKETS  1024
#define IKE_HALF_BUCKETS  256

struct ike {
    struct kc_ctx *crypto;
    struct kc_rng rng;
    uint32_t conns_max, half_open_max, half_open_per_addr;
    uint64_t now_us;
    int64_t wall_s;
    struct ike_out *out; /* during a step */
    struct kd_slab sas, children, jobs, conns;
    struct kd_timers timers;
    struct ike_sa **sa_at;     /* by slab number: what a timer's id means */
    struct ike_conn **conn_at;
    struct ike_conn **conn;    /* in order of id */
    uint32_t n_conns;
    struct ike_sa *by_spi[IKE_INDEX_BUCKETS], *by_init[IKE_INDEX_BUCKETS];
    struct ike_conn *by_addr[IKE_ADDR_BUCKETS]; /* by remote; those of any remote are in bucket 0 */
    struct ike_sa *half_open[IKE_HALF_BUCKETS]; /* responders' SAs before IKE_AUTH, by address */
    uint32_t n_half_open;
    uint32_t cookie_total, cookie_per_addr;
    struct ike_cookie_secret cookie[2]; /* this one and the one before */
    uint64_t cookie_at_us;
    uint32_t fragment_bytes[2]; /* kept for SAs that are authenticated, and half-open */
    struct ike_sa *dirty; /* to be settled at the end of the step */
    struct kd_handle qcd; /* of ike_params */
    struct ike_bucket stranger_notes, stateless_replies, hints, unasked;
    struct kd_handle *doomed; /* keys that go at the start of the next step */
    uint32_t n_doomed, doomed_cap;
    struct ike_build build; /* of the message being made */
    uint8_t tx[IKE_TX_MAX];
    uint8_t cut[IKE_TX_MAX * 3 / 2]; /* the same in fragments of the smallest size */
    uint8_t rx[IKE_RX_MAX];
    struct ike_msg msg; /* of the datagram being handled */
};

/* ---- engine.c ---- */

/* The SA has changed: at the end of the step its next request leaves, its deadline is set, or it is
 * freed. */
void ike_touch(struct ike *e, struct ike_sa *sa);
void ike_conn_arm(struct ike *e, struct ike_conn *c);
void ike_key_doom(struct ike *e, struct kd_handle *key);
bool ike_buf_set(struct ike_buf *b, struct kd_bytes from) KD_MUST_USE;
void ike_buf_free(struct ike_buf *b);
static inline struct kd_bytes ike_buf_bytes(const struct ike_buf *b)
{
    return kd_bytes(b->p, b->len);
}
static inline struct kd_bytes ike_nonce_bytes(const struct ike_nonce *n)
{
    return kd_bytes(n->b, n->len);
}

/* ---- index.c: SAs by our SPI, and by the request that made them ---- */

void ike_spi_draw(struct ike *e, uint8_t spi[IKE_SPI_LEN]); /* unique, not zero */
void ike_index_add_spi(struct ike *e, struct ike_sa *sa);
void ike_index_add_init(struct ike *e, struct ike_sa *sa, const uint8_t hash[20]);
void ike_index_del(struct ike *e, struct ike_sa *sa);
struct ike_sa *ike_index_spi(const struct ike *e, const uint8_t spi[IKE_SPI_LEN]);
struct ike_sa *ike_index_init(const struct ike *e, const uint8_t hash[20]);
void ike_index_add_conn(struct ike *e, struct ike_conn *c); /* by cfg.remote */
void ike_index_del_conn(struct ike *e, struct ike_conn *c);
/* The first connection of a bucket that holds those with this remote (family 0: any), and perhaps
 * others; on by addr_link, in order of id. */
struct ike_conn *ike_index_conns(const struct ike *e, const struct kd_addr *remote);

/* ---- sa.c ---- */

struct ike_sa *ike_sa_get(const struct ike *e, struct kd_handle h); /* NULL when GONE */
/* Copies what it needs of the connection; in the index by its own SPI, which it draws. */
struct ike_sa *ike_sa_new(struct ike *e, const struct ike_conn *c, bool initiator) KD_MUST_USE;
struct ike_sa *ike_sa_alloc(struct ike *e) KD_MUST_USE;
const uint8_t *ike_sa_spi(const struct ike_sa *sa);      /* ours */
const uint8_t *ike_sa_peer_spi(const struct ike_sa *sa);
void ike_sa_up(struct ike *e, struct ike_sa *sa);        /* authenticated: lifetimes begin */
/* The end without a word to the peer. Its children go, CLOSED is noted where the connection
 * loses its SA or attempt by it, a retry is scheduled. linger: retransmissions of the last
 * request are still answered. */
void ike_sa_drop(struct ike *e, struct ike_sa *sa, enum kd_reason reason, bool linger);
/* The same, but the peer is told: DELETE (or AUTHENTICATION_FAILED) leaves when the window is
 * free. */
void ike_sa_close(struct ike *e, struct ike_sa *sa, enum kd_reason reason);
void ike_sa_close_as(struct ike *e, struct ike_sa *sa, enum kd_reason reason, enum ike_xkind how);
void ike_sa_free(struct ike *e, struct ike_sa *sa); /* at the end of a step only */
void ike_sa_wipe(struct ike *e, struct ike_sa *sa); /* secrets, exchanges, buffers but the answer */
bool ike_sa_current(const struct ike *e, const struct ike_sa *sa);
void ike_hs_free(struct ike *e, struct ike_sa *sa);
void ike_xchg_free(struct ike *e, struct ike_xchg **x);
uint64_t ike_jitter(struct ike *e, uint64_t max);
/* The part of a lifetime (time, bytes, packets) after which we renew what it ends. */
uint64_t ike_soft(struct ike *e, const struct ike_conn *c, uint64_t life);

/* ---- succeed.c ---- */

/* The SA that x negotiated on old (2.18), without children yet. NULL: nothing has changed. */
struct ike_sa *ike_sa_beget(struct ike *e, struct ike_sa *old, const struct ike_xchg *x,
                            bool initiator) KD_MUST_USE;
/* Children and the connection change hands; old is left to its end. */
void ike_sa_inherit(struct ike *e, struct ike_sa *old, struct ike_sa *sa);
/* The same, by the peer's exchange: the peer deletes old. */
void ike_sa_adopt(struct ike *e, struct ike_sa *old, struct ike_sa *sa);
/* sa, by the peer's exchange on old, meets our own: it waits for the verdict. */
void ike_sa_wait(struct ike_sa *old, struct ike_sa *sa);
/* sa, by our exchange on old: it takes over, or has lost (2.8.2). */
void ike_sa_rekeyed(struct ike *e, struct ike_sa *old, struct ike_sa *sa);
/* The peer creates or deletes a child on sa: where that waited, the peer has decided for it. */
void ike_rekey_settle(struct ike *e, struct ike_sa *sa);
/* The peer deletes old: its own exchange on it is the one that counts. */
void ike_rekey_forget(struct ike *e, struct ike_sa *old);
/* sa ends: who waited for its place ends with it, and nobody waits for its verdict. */
void ike_rival_end(struct ike *e, struct ike_sa *sa, enum kd_reason reason);
/* Who has sa's children now. */
struct ike_sa *ike_sa_holder(const struct ike *e, struct ike_sa *sa);
/* The connection is sa's from now on: other SAs of it are closed, after RFC 7296 2.4 and 2.8. */
void ike_sa_take_over(struct ike *e, struct ike_sa *sa, bool initial_contact);
/* The peer has answered on sa: if the connection was to be sa's as soon as it did, now it is. */
void ike_sa_elected(struct ike *e, struct ike_sa *sa);
/* sa ends: if it was to have the connection, it doesn't; if it had it, who was to have it does. */
void ike_sa_unelected(struct ike *e, struct ike_conn *c, const struct ike_sa *sa);

/* ---- conn.c ---- */

struct ike_conn *ike_conn_find(const struct ike *e, uint32_t id);
struct ike_conn *ike_conn_of(const struct ike *e, const struct ike_sa *sa);
void ike_conn_start(struct ike *e, struct ike_conn *c); /* an attempt, unless there is one */
void ike_conn_lost(struct ike *e, struct ike_conn *c, enum kd_reason reason);
void ike_conn_wake(struct ike *e, struct ike_conn *c);
void ike_conn_command(struct ike *e, const struct ike_event *ev);
void ike_conns_free(struct ike *e);
bool ike_conn_may_initiate(const struct ike_conn *c);
/* The connection that answers a request from remote to local. NULL and *silent: nothing is to be
 * said, for there is one that plays dead, or one that takes the offer once it is UP. */
struct ike_conn *ike_conn_by_addr(struct ike *e, const struct kd_addr *local,
                                  const struct kd_addr *remote, const struct ike_proposals *offered,
                                  struct ike_suite *suite, bool *silent);
/* After IDi and IDr (may be NULL) are known. NULL and *held: there will be one once it is UP. */
struct ike_conn *ike_conn_by_id(struct ike *e, const struct ike_sa *sa, const struct ike_id *idi,
                                const struct ike_id *idr, bool *held);
/* SIGNATURE_HASH_ALGORITHMS of a responder, which doesn't know yet who is asking. */
uint32_t ike_conns_hashes(const struct ike *e);

#endif
