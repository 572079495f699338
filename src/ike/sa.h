/* The engine's inside: IKE SAs, children, exchanges under way, and who offers what to whom among
 * the engine's files. Only src/ike/ includes this.
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

struct ike_child {
    struct kd_handle self, sa;
    enum ike_child_state state;
    bool noted;      /* CHILD_UP was said, so CHILD_DOWN is due */
    bool installed;  /* CHILD_ADD was said, so CHILD_DEL is due */
    bool encap, want_rekey, delete_sent;
    bool ordered;    /* as in ike_sa */
    bool initiator;  /* we made the exchange that made it */
    bool first;      /* made by IKE_AUTH: DH is not negotiated */
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

enum ike_admin { IKE_ADMIN_DOWN, IKE_ADMIN_UP, IKE_ADMIN_SILENT };

struct ike_conn {
    uint32_t id;
    struct kd_handle self;
    enum ike_admin admin;
    struct ike_conn_config cfg;
    bool large_noted; /* an IKE_SA_INIT that may not get through has been warned of */
    struct ike_conn *addr_link; /* the next one of the same remote's bucket, in order of id */
    struct kd_handle sa;      /* the authenticated one: at most one (facts/peers 2, pain 5) */
    struct kd_handle attempt; /* ours, not yet authenticated */
    uint64_t retry_us;        /* when the next attempt begins, KD_NEVER */
    uint64_t pause_us;        /* the last pause: doubles to 16 times cfg.retry_us */
    struct ike_want want[IKE_CONN_CHILDREN];
    uint8_t step; /* of a ladder: the one that is wanted now */
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

/* ---- out.c ---- */

/* NULL when the output is full: only messages and notes may be lost that way. */
struct ike_action *ike_out_add(struct ike *e, enum ike_action_kind kind, uint32_t conn);
bool ike_out_room(const struct ike *e); /* for one more SA's worth of actions */
struct kd_span ike_out_bytes(struct ike *e, struct kd_bytes b);
/* n parts behind one another; false, with nothing added, when there is no room. */
bool ike_out_join(struct ike *e, const struct kd_bytes *part, size_t n,
                  struct kd_span *out) KD_MUST_USE;
void ike_out_send(struct ike *e, uint32_t conn, const struct kd_endpoint *local,
                  const struct kd_endpoint *remote, bool natt, struct kd_bytes msg);
struct ike_action *ike_note(struct ike *e, uint32_t conn, enum ike_note note, enum kd_reason reason,
                            const char *fmt, ...) KD_PRINTF(5, 6);
struct ike_action *ike_sa_note(struct ike *e, const struct ike_sa *sa, enum ike_note note,
                               enum kd_reason reason, const char *fmt, ...) KD_PRINTF(5, 6);
void ike_note_offer(struct ike *e, struct ike_action *a, const char *offered,
                    const char *configured);
/* "peer refused: NO_PROPOSAL_CHOSEN" with our list; the peer's is not known. May return NULL. */
struct ike_action *ike_note_peer_refused(struct ike *e, struct ike_sa *sa, uint16_t notify,
                                         const struct ike_child_config *child);
enum kd_reason ike_notify_reason(uint16_t notify);
const char *ike_ts_list_text(const struct ike_ts_list *l, char *buf, size_t cap);

/* ---- refusal.c: the values beside a refusal's words; a may be NULL ---- */

/* configured is the refuser's. Either list may be NULL: not known. */
void ike_note_lists(struct ike *e, struct ike_action *a, uint8_t protocol,
                    const struct ike_proposals *offered, const struct ike_proposals *configured);
/* local and remote were offered, want is the refuser's; each may be NULL: not known. */
void ike_note_selectors(struct ike *e, struct ike_action *a, const struct ike_ts_list *local,
                        const struct ike_ts_list *remote, const struct ike_child_config *want);
/* What INVALID_KE_PAYLOAD asks for; 0 when it is not there, or malformed. */
uint16_t ike_wanted_group(const struct ike_msg *m);
/* The exchange a handshake or an established SA is in (enum ike_exchange). */
uint8_t ike_sa_exchange(const struct ike_sa *sa);

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

/* ---- conn.c ---- */

struct ike_conn *ike_conn_find(const struct ike *e, uint32_t id);
struct ike_conn *ike_conn_of(const struct ike *e, const struct ike_sa *sa);
void ike_conn_start(struct ike *e, struct ike_conn *c); /* an attempt, unless there is one */
void ike_conn_lost(struct ike *e, struct ike_conn *c, enum kd_reason reason);
void ike_conn_wake(struct ike *e, struct ike_conn *c);
void ike_conn_command(struct ike *e, uint32_t id, enum ike_command cmd);
void ike_conns_free(struct ike *e);
bool ike_conn_may_initiate(const struct ike_conn *c);
/* The connection that answers a request from remote to local. *silent: there is one that plays
 * dead. */
struct ike_conn *ike_conn_by_addr(struct ike *e, const struct kd_addr *local,
                                  const struct kd_addr *remote, const struct ike_proposals *offered,
                                  struct ike_suite *suite, bool *silent);
/* After IDi and IDr (may be NULL) are known. */
struct ike_conn *ike_conn_by_id(struct ike *e, const struct ike_sa *sa, const struct ike_id *idi,
                                const struct ike_id *idr);
/* SIGNATURE_HASH_ALGORITHMS of a responder, which doesn't know yet who is asking. */
uint32_t ike_conns_hashes(const struct ike *e);

/* ---- ke.c: jobs, and those of Diffie-Hellman ---- */

/* The action of a new job of sa's; *job is its handle. NULL: too many. */
struct ike_action *ike_job_new(struct ike *e, const struct ike_sa *sa, enum kc_job_kind kind,
                               struct kd_handle *job) KD_MUST_USE;
/* Nobody waits for it any more; *job becomes none. */
void ike_job_forget(struct ike *e, struct kd_handle *job);

bool ike_ke_keygen(struct ike *e, struct ike_sa *sa, struct ike_ke *ke,
                   const struct kc_alg *dh) KD_MUST_USE;
/* False when the peer's value can't be right by its length alone. */
bool ike_ke_shared(struct ike *e, struct ike_sa *sa, struct ike_ke *ke,
                   struct kd_bytes peer) KD_MUST_USE;
void ike_ke_free(struct ike *e, struct ike_ke *ke);
void ike_job_done(struct ike *e, const struct ike_event *ev);

/* ---- keys.c ---- */

/* At least half the key size of every PRF we negotiate (RFC 7296 2.10). IKE_SA_INIT's own is longer
 * by what an answer of ours has beyond its request, so that two kedges need no cookie for its
 * size. */
#define IKE_NONCE_LEN      32
#define IKE_NONCE_LEN_INIT 48
void ike_nonce_draw(struct ike *e, struct ike_nonce *n, uint16_t len);
bool ike_nonce_set(struct ike_nonce *n, struct kd_bytes from) KD_MUST_USE;
/* SKEYSEED and the seven keys (2.14), and the two boxes. */
bool ike_keys_init(struct ike *e, struct ike_sa *sa) KD_MUST_USE;
void ike_keys_free(struct ike *e, struct ike_sa *sa); /* the seven and the boxes */
/* After a further key exchange of the handshake: RFC 9370 2.2.2; the boxes are made anew. */
bool ike_keys_further(struct ike *e, struct ike_sa *sa) KD_MUST_USE;
/* The same for a rekeyed SA: from the old SK_d and PRF (2.18). */
bool ike_keys_rekey(struct ike *e, struct ike_sa *sa, const struct ike_sa *old,
                    const struct ike_xchg *x) KD_MUST_USE;
/* KEYMAT (2.17; RFC 9370 2.2.4); sk: the key exchanges' secrets, of which there may be none. */
bool ike_keys_child(struct ike *e, const struct ike_sa *sa, struct ike_child *c,
                    const struct ike_nonce *ni, const struct ike_nonce *nr,
                    const struct kd_handle *sk, unsigned n_sk) KD_MUST_USE;

/* ---- auth_octets.c, auth_psk.c: AUTH of the original initiator or responder (2.15) ---- */

#define IKE_AUTH_METHOD_PSK 2 /* RFC 7296 3.8 */
#define IKE_AUTH_MAX        64 /* the longest PRF's output */
#define IKE_OCTETS_PARTS    8

/* In order; views of the SA's and of maced_id. */
struct ike_octets {
    struct kd_bytes part[IKE_OCTETS_PARTS];
    size_t n;
    uint8_t maced_id[IKE_AUTH_MAX], mid[4];
};

/* id_body: the sender's identification payload without its generic header, as it was sent. */
bool ike_auth_octets(struct ike *e, const struct ike_sa *sa, bool initiator,
                     struct kd_bytes id_body, struct ike_octets *out) KD_MUST_USE;
/* The length of AUTH's data; 0: the key is not there. */
size_t ike_auth_psk(struct ike *e, const struct ike_sa *sa, struct kd_handle psk, bool initiator,
                    struct kd_bytes id_body, uint8_t out[IKE_AUTH_MAX]);
bool ike_auth_psk_is(struct ike *e, const struct ike_sa *sa, struct kd_handle psk, bool initiator,
                     struct kd_bytes id_body, struct kd_bytes auth);

/* ---- auth_sig.c: kinds of signatures, and the AUTH payload around one (3.8, RFC 7427) ---- */

/* The method and kind that our key signs with for this peer; false with *why. */
bool ike_sig_ours(const struct ike_sa *sa, const struct ike_auth_config *a, uint8_t *method,
                  struct kc_sig *sig, const char **why) KD_MUST_USE;
/* Our signature into hs->auth as AUTH's data. */
bool ike_sig_put(struct ike_auth *a, struct kd_bytes signature) KD_MUST_USE;
/* The peer's AUTH: its kind, as far as it is one we offered, and the signature; false with *why. */
bool ike_sig_read(const struct ike_sa *sa, const struct ike_typed *auth, struct kc_sig *sig,
                  struct kd_bytes *signature, const char **why) KD_MUST_USE;
/* Method 1 doesn't say its hash: what to try after sig; false when there is nothing. */
bool ike_sig_next(const struct ike_auth_config *a, const struct ike_typed *auth,
                  struct kc_sig *sig) KD_MUST_USE;
/* SIGNATURE_HASH_ALGORITHMS. */
uint32_t ike_hashes_read(const struct ike_msg *m);
void ike_put_hashes(struct ike_build *b, uint32_t hashes);
uint32_t ike_hashes_ours(const struct ike_auth_config *a); /* that we can check */

/* ---- auth_cert.c: CERT and CERTREQ (3.6, 3.7) ---- */

#define IKE_WHY_MAX 320

void ike_put_certs(struct ike_build *b, const struct ike_auth_config *a);
void ike_put_certreq(struct ike_build *b, const struct ike_auth_config *a);
/* The peer's certificates in their order, or the pinned one; their number, 0 with why. */
size_t ike_certs_read(const struct ike_auth_config *a, const struct ike_id *id,
                      const struct ike_msg *m, struct kd_bytes der[IKE_MSG_CERTS], char *why);
/* Why the peer's certificates are refused, in words. */
void ike_certs_refused(const struct ike *e, const struct ike_auth_config *a,
                       const struct ike_id *id, const struct ike_msg *m,
                       const struct kc_chain_result *r, char *why);

/* ---- auth.c: one end proves who it is, the other is checked ---- */

enum ike_auth_step { IKE_AUTH_READY, IKE_AUTH_WAITS, IKE_AUTH_REFUSED };

/* Our AUTH into hs->auth: at once, or when its job is done. REFUSED with why (IKE_WHY_MAX). */
enum ike_auth_step ike_auth_prove(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                  char *why);
/* The peer's AUTH in m, whose identity is sa->peer_id: at once, or m is kept until its jobs are
 * done. */
enum ike_auth_step ike_auth_check(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                  const struct ike_msg *m, char *why);
bool ike_auth_keep(struct ike_sa *sa, const struct ike_msg *m) KD_MUST_USE;
void ike_auth_job(struct ike *e, struct ike_sa *sa, enum kc_job_kind kind,
                  const struct ike_event *ev);
void ike_auth_free(struct ike *e, struct ike_auth *a);
/* What auth.c says when a job is done, to the roles: why is NULL when all is well. m: kept. */
void ike_auth_i_proven(struct ike *e, struct ike_sa *sa, const char *why);
void ike_auth_i_checked(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                        const char *why);
void ike_auth_r_checked(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                        const char *why);
void ike_auth_r_proven(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *why);

/* ---- window.c ---- */

bool ike_sa_silent(const struct ike *e, const struct ike_sa *sa); /* plays dead (DOWN_SILENT) */
struct ike_build *ike_request(struct ike *e, struct ike_sa *sa, uint8_t exchange);
bool ike_request_send(struct ike *e, struct ike_sa *sa, enum ike_xkind kind);
void ike_request_done(struct ike_sa *sa); /* answered, or given up */
void ike_request_resend(struct ike *e, struct ike_sa *sa);
/* Each of the messages in msgs: one, or a set of fragments. */
void ike_send_all(struct ike *e, uint32_t conn, const struct ike_from *from, struct kd_bytes msgs);
/* Takes the first of messages that lie one behind the other; false at the end. */
bool ike_next_message(struct kd_bytes *rest, struct kd_bytes *one);
struct ike_build *ike_response(struct ike *e, struct ike_sa *sa);
void ike_response_send(struct ike *e, struct ike_sa *sa);
void ike_response_notify(struct ike *e, struct ike_sa *sa, uint16_t type, struct kd_bytes data);
/* The next request, when the window is free and something is wanted. */
void ike_pump(struct ike *e, struct ike_sa *sa);

/* ---- receive.c ---- */

void ike_receive(struct ike *e, const struct ike_event *ev);
/* A whole message that was opened, in e->msg: its row's handler runs, or it is refused. */
void ike_dispatch(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
void ike_refuse(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                const struct ike_diag *d);

/* ---- sealed.c ---- */

/* A message for an SA with keys, or about to have them: e->rx[0..len). */
void ike_receive_sealed(struct ike *e, struct ike_sa *sa, size_t len, const struct ike_from *from);
/* The data plane has heard from elsewhere (CHILD_SOURCE): followed as an IKE message would be. */
void ike_child_source(struct ike *e, const struct ike_event *ev);
/* The last answer, when it is there. */
void ike_answer_again(struct ike *e, const struct ike_sa *sa, const struct ike_from *from);
/* The shared secret is there: what has waited for it. */
void ike_unstash(struct ike *e, struct ike_sa *sa);

/* ---- fragment.c ---- */

/* Number and total are possible, and not beyond what is kept. */
bool ike_fragment_sound(const struct ike_msg *m);
/* Keeps text, what was in m's SKF payload; hash: of the datagram as it came. True when it was the
 * last one: m and e->rx hold the whole message, still to be parsed (ike_msg_inner()), hash is
 * fragment 1's. */
bool ike_fragments_add(struct ike *e, struct ike_sa *sa, struct ike_msg *m, struct kd_bytes text,
                       uint8_t hash[20]);
void ike_fragments_free(struct ike_fragments **set);
uint64_t ike_fragments_deadline(const struct ike_sa *sa);
void ike_fragments_wake(struct ike *e, struct ike_sa *sa);
void ike_put_fragmentation(const struct ike_sa *sa, struct ike_build *b); /* we can, if we may */
void ike_fragmentation_check(struct ike_sa *sa, const struct ike_msg *m);

/* ---- handlers, by exchange: what the rows of receive.c name ---- */

typedef void ike_handler(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
ike_handler ike_init_answered, ike_init_refused;                     /* init.c */
ike_handler ike_auth_requested, ike_auth_wants_eap;                  /* auth_r.c */
ike_handler ike_childless_requested;                                 /* childless.c */
ike_handler ike_followup_requested, ike_followup_answered, ike_followup_refused; /* followup.c */
ike_handler ike_inter_requested, ike_inter_answered, ike_inter_refused; /* inter.c */
ike_handler ike_auth_answered, ike_auth_refused;                     /* auth_i.c */
ike_handler ike_child_requested; /* create_r.c */
ike_handler ike_child_answered, ike_child_refused; /* create_i.c */
ike_handler ike_create_closing; /* create.c */
ike_handler ike_rekey_requested, ike_rekey_answered, ike_rekey_refused; /* rekey.c */
ike_handler ike_info_requested, ike_probe_answered, ike_child_deleted, ike_ike_deleted; /* info.c */

/* ---- init.c, init_r.c, auth_*.c ---- */

void ike_init_start(struct ike *e, struct ike_conn *c);
void ike_init_job(struct ike *e, struct ike_sa *sa, const struct ike_event *ev);
void ike_init_requested(struct ike *e, const struct ike_msg *m, const uint8_t hash[20],
                        const struct ike_event *ev);
void ike_init_respond(struct ike *e, struct ike_sa *sa);
void ike_init_give_up(struct ike *e, struct ike_sa *sa);
void ike_put_natd(struct ike *e, struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b,
                  const uint8_t spi_r[IKE_SPI_LEN]);
void ike_natd_check(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                    const struct kd_endpoint *local, const struct kd_endpoint *remote);
void ike_auth_send(struct ike *e, struct ike_sa *sa);
void ike_auth_child_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
/* Authenticated and the first child decided (NULL: there is none): everyone is told, older SAs
 * go. */
void ike_announce(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool initial_contact);

/* ---- child.c ---- */

struct ike_child *ike_child_get(const struct ike *e, struct kd_handle h);
uint32_t ike_child_spi(struct ike *e); /* unique, not reserved */
void ike_child_spi_put(uint8_t out[4], uint32_t spi); /* in network order */
/* A pair without keys and selectors yet; NULL: no room, or an SPI that is in use. */
struct ike_child *ike_child_new(struct ike *e, struct ike_sa *sa, const struct ike_suite *suite,
                                uint32_t spi_in, uint32_t spi_out, bool initiator) KD_MUST_USE;
void ike_child_install(struct ike *e, struct ike_sa *sa, struct ike_child *c); /* CHILD_ADD */
void ike_child_result(struct ike *e, const struct ike_event *ev);
void ike_child_expire(struct ike *e, const struct ike_event *ev);
void ike_child_up(struct ike *e, struct ike_sa *sa, struct ike_child *c);
void ike_child_use(struct ike *e, struct ike_sa *sa, struct ike_child *c);
/* Out of the data plane and freed. reason NONE: it was rekeyed. */
void ike_child_drop(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason);
/* It was rekeyed and deleted on both sides: it receives for a while longer. */
void ike_child_retire(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason);
/* Its lifetime is over. */
void ike_child_hard(struct ike *e, struct ike_sa *sa, struct ike_child *c);
/* By DELETE. reason NONE or COLLISION: another takes its place, and it receives until the DELETE is
 * answered and a while longer; else it leaves the data plane at once. */
void ike_child_delete(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason);
void ike_child_move(struct ike *e, struct ike_sa *sa, struct ike_sa *to);
void ike_children_moved(struct ike *e, struct ike_sa *sa); /* outer endpoints changed */
uint32_t ike_children_live(const struct ike *e, const struct ike_sa *sa);
struct ike_child *ike_child_by_spi_out(const struct ike *e, const struct ike_sa *sa, uint32_t spi);
/* What the peer's TSi and TSr come to: which of the connection's children is meant, and how much of
 * what was asked for; more: others of ours would take some of the rest. */
struct ike_match {
    uint8_t conf;
    bool more;
    struct ike_ts_list local, remote;
};
/* TSi and TSr of the peer's request against the configuration; 0 or the notify that refuses. */
uint16_t ike_child_narrow(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                          const struct ike_msg *m, struct ike_match *match);
/* SA payload of the peer's request; 0 or the notify that refuses. */
uint16_t ike_child_select(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                          const struct ike_msg *m, unsigned flags, struct ike_suite *suite,
                          uint32_t *spi_out);
/* SA, TSi, TSr of the peer's answer to what child conf proposes; 0 or the reason it can't be
 * taken. */
enum kd_reason ike_child_accept(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                uint8_t conf, const struct ike_msg *m, unsigned flags,
                                struct ike_suite *suite, uint32_t *spi_out,
                                struct ike_ts_list *local, struct ike_ts_list *remote);

/* ---- children.c: which children a connection wants and has ---- */

unsigned ike_conn_children(const struct ike_conn *c); /* configured: 1 to IKE_CONN_CHILDREN */
/* Is there a pair, or one being installed, for child conf (of a ladder: for any step)? */
bool ike_children_have(const struct ike *e, const struct ike_sa *sa, unsigned conf);
uint8_t ike_children_first(const struct ike_conn *c); /* what IKE_AUTH asks for */
void ike_children_begin(struct ike *e, struct ike_sa *sa); /* a new IKE SA is announced */
/* The peer refused child conf. Back-off, or a ladder's next step. */
void ike_children_refused(struct ike *e, struct ike_conn *c, unsigned conf, uint16_t notify);
/* The same, and the IKE SA with it. */
void ike_ladder_refused(struct ike *e, struct ike_conn *c, unsigned conf, uint16_t notify);
void ike_children_up(struct ike *e, struct ike_sa *sa, const struct ike_child *ch);
void ike_children_lost(struct ike *e, struct ike_sa *sa, const struct ike_child *ch,
                       enum kd_reason reason);
void ike_ladder_reset(struct ike_conn *c); /* the peer may be another one */
/* There is a child that has not been tried on this IKE SA, which we initiated. */
bool ike_children_hope(struct ike *e, const struct ike_sa *sa);
uint64_t ike_children_due(const struct ike *e, const struct ike_sa *sa);
void ike_children_make(struct ike *e, struct ike_sa *sa); /* the next one that is due */
/* The peer has made more than one pair of ch's configuration. */
bool ike_children_split(const struct ike *e, const struct ike_sa *sa, const struct ike_child *ch);
/* ch is up and replaces none by REKEY_SA: what of others for the same traffic? */
void ike_children_double(struct ike *e, struct ike_sa *sa, struct ike_child *ch);
/* The peer deletes ch: the newest other for the same traffic, if there is one, sends instead. */
void ike_children_stand_in(struct ike *e, struct ike_sa *sa, const struct ike_child *ch);

/* ---- childless.c: an IKE SA without a child, by intent (RFC 6023) or by loss ---- */

void ike_childless_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
/* Initiator, at the responder's IKE_SA_INIT: false when the configuration wants what it lacks. */
bool ike_childless_possible(const struct ike_sa *sa, const struct ike_conn *c) KD_MUST_USE;
/* Initiator, authenticated: the first child by CREATE_CHILD_SA. */
void ike_childless_begin(struct ike *e, struct ike_sa *sa);
/* An IKE SA that lost its last child, or was refused its first: what now? */
void ike_childless(struct ike *e, struct ike_sa *sa, enum kd_reason reason);
/* Its time is over: true when we try to make a child ourselves, else it ends. */
bool ike_childless_adopt(struct ike *e, struct ike_sa *sa);

/* ---- qcd.c: quick crash detection (RFC 6290) ---- */

void ike_qcd_put(struct ike *e, const struct ike_sa *sa, struct ike_build *b); /* our token */
/* The peer's, from a message it authenticated. */
void ike_qcd_take(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
/* What a request of ours must have at least, in octets, to be answered by the peer's token; 0:
 * any. */
size_t ike_qcd_len_min(const struct ike_sa *sa);
/* A sealed request for an IKE SA that is not here: our token in clear. False: none is due. */
bool ike_qcd_present(struct ike *e, const struct ike_event *ev, const struct ike_header *h);
/* A message in clear about sa shows its token: sa has gone. */
bool ike_qcd_shown(struct ike *e, struct ike_sa *sa, const struct ike_event *ev);

/* ---- collide.c ---- */

int ike_nonce_cmp(const struct ike_nonce *a, const struct ike_nonce *b); /* 2.8.1: octet by octet */
const struct ike_nonce *ike_nonce_lower(const struct ike_nonce *a, const struct ike_nonce *b);
/* We have asked to rekey old, too, and our exchange is not complete. */
bool ike_collides(const struct ike_sa *sa, struct kd_handle old);
void ike_collide_noted(struct ike_sa *sa, const struct ike_child *c); /* c: theirs is complete */
bool ike_collide_lost(const struct ike *e, const struct ike_xchg *x); /* x: ours is complete */
/* rival is the peer's to delete. */
void ike_collide_won(struct ike *e, struct ike_sa *sa, struct ike_child *c,
                     struct ike_child *rival);
/* Who is to be used where the pair goes: its successor that is up; the same, or a collision's other
 * pair, or the old one it was to replace. NULL: nobody. */
struct ike_child *ike_child_successor(const struct ike *e, const struct ike_child *c);
struct ike_child *ike_child_heir(const struct ike *e, const struct ike_child *c);
/* The peer has deleted c: heir is in use now. */
void ike_child_inherit(struct ike *e, struct ike_sa *sa, struct ike_child *c,
                       struct ike_child *heir);
/* The peer's DELETE. */
void ike_child_overdue(struct ike *e, struct ike_sa *sa, struct ike_child *c);

/* ---- inter.c: further key exchanges before IKE_AUTH (RFC 9242, 9370) ---- */

void ike_inter_heard(struct ike_sa *sa, const struct ike_msg *m); /* the peer's IKE_SA_INIT */
void ike_inter_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
bool ike_inter_possible(const struct ike_sa *sa); /* false: the suite needs what the peer lacks */
bool ike_inter_due(const struct ike_sa *sa);      /* before IKE_AUTH */
void ike_inter_start(struct ike *e, struct ike_sa *sa); /* initiator: the next one, or IKE_AUTH */
void ike_inter_job(struct ike *e, struct ike_sa *sa);
void ike_inter_octets(const struct ike_sa *sa, struct ike_octets *out); /* appended to AUTH's */

/* ---- followup.c: further key exchanges of CREATE_CHILD_SA (RFC 9370) ---- */

/* x's secret is there (in x->ke): true when another exchange has to follow, which is under way;
 * false when x->sk has them all. */
bool ike_followup_more(struct ike *e, struct ike_sa *sa, struct ike_xchg *x);
/* Ours: the answer to the exchange under way names the next one, where there is one. */
bool ike_followup_linked(struct ike_xchg *x, const struct ike_msg *m) KD_MUST_USE;
void ike_followup_request(struct ike *e, struct ike_sa *sa); /* ours is ready */
void ike_followup_put(struct ike_build *b, const struct ike_xchg *x); /* theirs: the answer */
void ike_followup_forget(struct ike *e, struct ike_sa *sa);
/* The answer to the peer's CREATE_CHILD_SA request. */
void ike_create_theirs_put(struct ike_build *b, const struct ike_xchg *x); /* create_r.c */
void ike_rekey_put(struct ike_build *b, const struct ike_xchg *x);         /* rekey.c */

/* ---- ppk.c: postquantum pre-shared keys (RFC 8784) ---- */

void ike_ppk_heard(struct ike_sa *sa, const struct ike_msg *m); /* the peer's IKE_SA_INIT */
void ike_ppk_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
/* Initiator, at the responder's IKE_SA_INIT: false when the configuration wants what it lacks. */
bool ike_ppk_possible(const struct ike_sa *sa, const struct ike_conn *c) KD_MUST_USE;
/* Initiator, before AUTH: the keys are mixed where both know of PPKs. False: no room. */
bool ike_ppk_begin(struct ike *e, struct ike_sa *sa, const struct ike_conn *c) KD_MUST_USE;
/* Our next proof is the one without the PPK: made between two swaps of SK_pi, then kept from
 * hs->auth by plain_proven (false: no room). The one of AUTH follows. */
bool ike_ppk_plain_due(const struct ike_sa *sa);
void ike_ppk_swap_pi(struct ike_sa *sa);
bool ike_ppk_plain_proven(struct ike_sa *sa) KD_MUST_USE;
/* IKE_AUTH's notifies, both roles. */
void ike_ppk_put(const struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
/* IKE_AUTH's answer and request, before their AUTH is checked: the keys are what it has to be
 * checked with. Not NULL: the peer is refused, and why. */
const char *ike_ppk_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
const char *ike_ppk_requested(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                              const struct ike_msg *m);
/* What is to be checked: AUTH, or what NO_PPK_AUTH holds of it. */
struct ike_typed ike_ppk_auth(const struct ike_sa *sa, const struct ike_msg *m);
void ike_ppk_free(struct ike *e, struct ike_hs *hs);

/* ---- create*.c, rekey.c ---- */

struct ike_xchg *ike_xchg_new(struct ike *e, enum ike_xkind kind); /* with a nonce of ours in ni */
/* When to try again what could not be done now, before a lifetime's end (2.25). */
uint64_t ike_later(struct ike *e, const struct ike_sa *sa, uint64_t expire_us);
/* TEMPORARY_FAILURE has come: false when that has gone on for too long and the SA is closed. */
bool ike_temporary(struct ike *e, struct ike_sa *sa) KD_MUST_USE;
void ike_child_rekey_later(struct ike *e, struct ike_sa *sa, struct kd_handle old);
/* A job of our exchange, or of the peer's, is done; the data plane has answered. */
void ike_create_ours_job(struct ike *e, struct ike_sa *sa, bool ok);
void ike_create_theirs_job(struct ike *e, struct ike_sa *sa, bool ok);
void ike_create_ours_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
void ike_create_theirs_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
void ike_create_theirs_refuse(struct ike *e, struct ike_sa *sa, uint16_t type);
void ike_child_rekey_start(struct ike *e, struct ike_sa *sa, struct ike_child *old);
void ike_child_start(struct ike *e, struct ike_sa *sa, uint8_t conf); /* a new one */
void ike_child_request(struct ike *e, struct ike_sa *sa); /* ours is ready */
/* A request of ours may have made a pair at the peer that we don't know yet. */
bool ike_child_pending(const struct ike_sa *sa);
void ike_child_job(struct ike *e, struct ike_sa *sa, struct ike_xchg *x,
                   const struct ike_event *ev);
void ike_create_child_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
void ike_rekey_start(struct ike *e, struct ike_sa *sa);
void ike_rekey_request(struct ike *e, struct ike_sa *sa);
void ike_rekey_job(struct ike *e, struct ike_sa *sa, struct ike_xchg *x,
                   const struct ike_event *ev);

/* ---- liveness.c ---- */

uint64_t ike_sa_deadline(const struct ike *e, const struct ike_sa *sa);
void ike_sa_wake(struct ike *e, struct ike_sa *sa);
void ike_proof(struct ike *e, struct ike_sa *sa); /* an authenticated round trip is complete */
uint64_t ike_first_gap(const struct ike_sa *sa);
void ike_probe(struct ike *e, struct ike_sa *sa);

/* ---- halfopen.c ---- */

bool ike_halfopen_admit(const struct ike *e, const struct kd_addr *remote);
uint32_t ike_halfopen_from(const struct ike *e, const struct kd_addr *remote); /* how many */
void ike_halfopen_add(struct ike *e, struct ike_sa *sa);
void ike_halfopen_del(struct ike *e, struct ike_sa *sa);
bool ike_bucket_take(struct ike_bucket *b, uint64_t now_us, uint32_t burst, uint64_t refill_us);
void ike_stranger(struct ike *e, const struct kd_endpoint *remote, const char *what);
/* An answer without state to h: one notify. Never larger than the request (asked_len octets). */
void ike_clear_reply(struct ike *e, const struct ike_from *from, const struct ike_header *h,
                     uint16_t notify, struct kd_bytes data, size_t asked_len);
bool ike_stateless_may(struct ike *e); /* takes from the bucket of answers without state */
/* The same, rate-limited: for refusals, which nobody has to rely on. */
void ike_stateless(struct ike *e, const struct ike_event *ev, const struct ike_header *h,
                   uint16_t notify, struct kd_bytes data);

/* ---- cookie.c ---- */

bool ike_cookie_init(struct ike *e) KD_MUST_USE; /* false: no room in the key arena */
void ike_cookie_fini(struct ike *e);
/* May this IKE_SA_INIT request be looked at? When there is load and it brings no valid cookie it is
 * answered with one, and false. */
bool ike_cookie_admit(struct ike *e, const struct ike_from *from, const struct ike_header *h,
                      struct kd_bytes datagram);
/* Has this request (parsed before) brought a valid cookie? If not it is asked for one. */
bool ike_cookie_returned(struct ike *e, const struct ike_from *from, struct kd_bytes datagram);

#endif
