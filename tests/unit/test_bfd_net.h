/* For the BFD tests and the fuzzer: one engine or two, wired back to back in virtual time, with
 * loss, delay and cuts decided by a printed seed; what they said and sent is recorded. */
#ifndef TESTS_BFD_NET_H
#define TESTS_BFD_NET_H

#include "bfd/packet.h"

#define NET_NOTES   512
#define NET_SENT    1024
#define NET_PACKETS 8192 /* on the wire at once */

#define NET_QUIET 0 /* a seed that is not printed: the fuzzer has nothing random */

enum { A, B };

struct net_sent {
    uint64_t at_us;
    uint32_t session;
    uint16_t src_port, dst_port;
    uint8_t ttl;
    struct bfd_packet p; /* its views are gone */
};

struct net_note {
    uint64_t at_us;
    struct bfd_action a;
};

struct net_node {
    struct kc_ctx *crypto;
    struct bfd *b; /* NULL: played by the test */
    struct bfd_out *out;
    uint64_t deadline_us;
    uint64_t trace; /* hash of every action's text so far */
    bool trace_off;
    uint32_t notes_n; /* all STATE notes; the last are kept */
    struct net_note note[NET_NOTES];
    uint32_t sent_n;
    struct net_sent sent[NET_SENT];
    uint32_t failures, refused_notes;
    enum bfd_refusal refused; /* of the last REFUSED note */
    uint32_t suppressed;      /* as the notes said */
    uint64_t steps;
};

struct net_packet {
    uint64_t at_us;
    int to;
    uint32_t session;
    uint16_t src_port, dst_port;
    uint8_t ttl, len, data[BFD_PACKET_MAX];
};

struct net {
    uint64_t now_us;
    struct net_node node[2];
    uint64_t random;
    uint64_t delay_us, jitter_us;
    uint32_t loss[2];   /* of a thousand, of what the node sends */
    bool cut[2];        /* nothing the node sends arrives */
    bool held[2];       /* the side's loop stands still: neither read nor woken */
    bool lose_final[2]; /* only packets with F are lost */
    uint32_t head, n;
    struct net_packet packet[NET_PACKETS]; /* ring, by time */
    struct bfd_session_config config[2];   /* of every session; net_path() adds the addresses */
};

/* Prints the seed. sides: 1 for an engine whose peer the test plays. */
struct net *net_new(uint64_t seed, int sides, uint32_t sessions_max);
void net_free(struct net *n);
uint32_t net_random(struct net *n, uint32_t bound);
/* Side's engine starts anew, as after a crash. */
void net_restart(struct net *n, int side, uint64_t seed);
/* Gives session i its addresses and interface as side sees them. */
void net_path(struct bfd_session_config *c, int side, uint32_t i);
/* Configures session i of the side from config[side]. */
enum bfd_config_error net_set(struct net *n, int side, uint32_t i);
/* A key in side's arena. */
struct bfd_auth_config net_auth(struct net *n, int side, enum bfd_auth_type type, uint8_t id,
                                const char *key);
void net_event(struct net *n, int side, struct bfd_event ev);
void net_admin(struct net *n, int side, uint32_t i, bool up);
/* Sets again from config[side] and says so. */
void net_reconfigure(struct net *n, int side, uint32_t i);
void net_run(struct net *n, uint64_t us);
struct bfd_session_view net_view(const struct net *n, int side, uint32_t i);
bool net_up(const struct net *n, uint32_t i); /* on all sides */
/* The last STATE note, or packet sent, of the side. */
const struct net_note *net_note(const struct net *n, int side);
const struct net_sent *net_sent(const struct net *n, int side);

/* ---- the peer played by the test, of session 0 of side A ---- */

/* A packet's event: path of session 0, TTL 255, a good port; data is the caller's. */
struct bfd_event net_packet_event(const struct net *n, struct kd_bytes data);
/* A packet of the peer as it would be now: your discriminator known, the engine's timers' like. */
struct bfd_packet net_peer(const struct net *n, enum bfd_state state);
/* Sends p; with auth (may be NULL) and seq its section is added. Says what became of it. */
enum bfd_refusal net_say(struct net *n, struct bfd_packet p, const struct bfd_auth_config *auth,
                         uint32_t seq);
/* Down, Init: the session is Up. */
void net_bring_up(struct net *n, const struct bfd_auth_config *auth, uint32_t *seq);

#endif
