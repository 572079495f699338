/* Two IKE engines back to back, in virtual time: a network with delay, loss, duplicates,
 * reordering and a NAT, a pretend data plane, crypto jobs run at once or held. Everything is
 * decided by the seed. */
#ifndef TESTS_IKE_PAIR_H
#define TESTS_IKE_PAIR_H

#include "ike/ike.h"

#define AZURE_IKE "aes256-sha1-modp1024"
#define AZURE_ESP "aes256-sha1"

#define PAIR_PACKETS  256
#define PAIR_EVENTS   256
#define PAIR_NOTES    512
#define PAIR_CHILDREN 64
#define PAIR_SENT     2048
#define PAIR_WALL_S   INT64_C(1800000000) /* 2027-01-15 */

enum { A, B }; /* the sides */

struct pair_child {
    struct kd_handle child;
    uint32_t spi_in, spi_out;
    struct kd_endpoint local, remote;
    bool encap, used;
    uint8_t key[4][80]; /* enc in, int in, enc out, int out */
    size_t key_len[4];
    struct ike_ts_list ts_local, ts_remote;
    struct ike_limits limits;
};

struct pair_note {
    uint64_t at_us;
    enum ike_note note;
    enum kd_reason reason;
    struct kd_handle child;
    char detail[256], offered[512], configured[512];
};

struct pair_side {
    struct kc_ctx *crypto;
    struct ike *e;
    struct ike_out *out;
    struct ike_conn_config cfg;
    uint64_t seed;
    uint8_t starts;
    const char *qcd; /* secret of crash detection tokens, from pair_restart() on; NULL: none */
    uint64_t deadline_us;
    struct pair_child child[PAIR_CHILDREN];
    unsigned n_children, adds, dels, uses, moves, keepalives;
    uint64_t keepalive_at; /* the last one */
    struct pair_note note[PAIR_NOTES];
    unsigned n_notes, n_sent, n_jobs, n_jobs_of[KC_JOB_CHAIN + 1];
    uint64_t sent_at[PAIR_SENT];
    bool refuse_install, hold_install, hold_jobs, cut_out, cut_in;
    uint32_t keys_at_start;
    uint64_t trace; /* of all its actions */
};

struct pair_packet {
    uint64_t at_us;
    uint32_t seq;
    int from;
    bool held;
    struct kd_endpoint src, dst;
    bool natt, df;
    uint8_t *data;
    size_t len;
};

struct pair_event {
    uint64_t at_us;
    uint32_t seq;
    int side;
    bool held;
    struct ike_event ev;
    uint8_t data[sizeof(struct kc_chain_result)]; /* the longest of any job */
};

struct pair {
    uint64_t now_us, delay_us;
    int64_t wall_s; /* stands still, unless a test moves it */
    uint32_t seq;
    struct kc_rng rng;
    struct pair_side s[2];
    struct pair_packet pkt[PAIR_PACKETS];
    unsigned n_pkt;
    struct pair_event evq[PAIR_EVENTS];
    unsigned n_evq;
    unsigned loss_pct, dup_pct, reorder_pct;
    bool hold_net; /* datagrams stay where they are until pair_deliver() */
    bool nat_a; /* side A is behind a NAT that changes its address and ports */
    /* Sees every datagram before it travels; may change it; false drops it. */
    bool (*filter)(struct pair *p, struct pair_packet *k);
    void *ctx;
    unsigned n_seen; /* datagrams the filter has seen */
};

/* Whose crypto the next pairs use: the simulator's unless a test says otherwise. */
extern enum kc_provider pair_provider;
/* Not yet up. ike and esp: proposals for both sides in strongSwan's notation, ", " between them. */
struct pair *pair_new(uint64_t seed, const char *ike, const char *esp);
void pair_free(struct pair *p);
/* Changes that a test made to s[i].cfg become the engine's. */
void pair_config(struct pair *p, int side);
void pair_proposals(struct ike_proposals *l, const char *text, uint8_t protocol);
void pair_psk(struct pair *p, int side, const char *psk);
/* The side forgets everything but its configuration: a crash. It is down until the next UP, and
 * proves itself by the harness's own secret. */
void pair_restart(struct pair *p, int side);
void pair_command(struct pair *p, int side, enum ike_command cmd);
void pair_step(struct pair *p, int side, const struct ike_event *ev);
/* Lets virtual time pass: everything that is due until then happens in order. */
void pair_run(struct pair *p, uint64_t us);
/* Releases what hold_jobs or hold_install kept back. */
void pair_release(struct pair *p, int side);
/* With hold_net: the i-th datagram of p->pkt arrives, is lost, is there twice (the copy is the last
 * of all). */
void pair_deliver(struct pair *p, unsigned i);
void pair_lose(struct pair *p, unsigned i);
void pair_repeat(struct pair *p, unsigned i);
/* The side's oldest job or installation that is held back is done; false when there is none. */
bool pair_release_one(struct pair *p, int side);
/* Both sides forget everything, and no time has passed; the crypto contexts stay. Not yet up. */
void pair_renew(struct pair *p);
/* UP on both sides, runs one second; false when not both have a child. */
bool pair_establish(struct pair *p);
/* A pair that is up; aborts when it does not come up. */
struct pair *pair_established(uint64_t seed, const char *ike, const char *esp);
/* No child and no key beyond those of the start, on either side. */
bool pair_nothing_left(struct pair *p);

unsigned pair_notes(const struct pair *p, int side, enum ike_note note);
/* The last one. */
const struct pair_note *pair_note(const struct pair *p, int side, enum ike_note note);
bool pair_up(const struct pair *p, int side);
/* The SAs of both ends fit: SPIs crosswise, keys equal crosswise. */
bool pair_children_agree(const struct pair *p);
/* The pair the side sends with: the last used or added. */
const struct pair_child *pair_outbound(const struct pair *p, int side);
void pair_dump(const struct pair *p);

#endif
