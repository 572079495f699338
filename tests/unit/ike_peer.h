/* A peer written by hand: a test holds the keys of one engine's SA and sends it whatever it likes,
 * sealed or in clear, and reads what comes back. For what a real engine would never send.
 *
 *     struct peer *t = peer_of(p, B);              B's real peer falls silent
 *     b = peer_request(t, IKE_X_INFORMATIONAL);    the next id in order, sealed with A's key
 *     ike_put_...(b, ...);
 *     assert_int_equal(peer_send(t), 1);           B has sent one message: t->last, opened
 *
 * And a hand in the middle of a handshake: peer_rewrite() as the pair's filter opens what A or
 * B sends under A's keys, has a test write it anew, and seals it again. */
#ifndef TESTS_IKE_PEER_H
#define TESTS_IKE_PEER_H

#include "ike/sa.h"
#include "ike_pair.h"

struct peer {
    struct pair *p;
    int side; /* the engine that is talked to */
    struct kd_endpoint engine, here;
    bool natt;
    uint8_t spi_i[8], spi_r[8], flags; /* flags: of a peer's message, I or nothing */
    struct ike_sk to, from;            /* boxes of our own: what the engine opens, what it seals */
    uint32_t next_id;                  /* of the next request */
    bool polite; /* answers the engine's own INFORMATIONAL requests with an empty message */

    unsigned n;                  /* messages the engine has sent so far */
    unsigned n_requests;         /* requests among them, retransmissions included */
    struct ike_msg last;         /* the last one, opened; views into opened */
    struct kd_endpoint src, dst; /* its addresses */
    struct ike_header asked;     /* header of the engine's last request */
    size_t len;
    uint8_t raw[65536], opened[65536];

    struct ike_build b;
    uint8_t buf[65536];
};

/* The engine's authenticated SA, talked to from its peer's place; the other side of the pair is
 * cut off. Freed with peer_free(), before the pair. */
struct peer *peer_of(struct pair *p, int side);
void peer_free(struct peer *t);

/* Begin a sealed message; its header may be had by peer_header() and another by peer_begin(). */
struct ike_build *peer_request(struct peer *t, uint8_t exchange);
struct ike_build *peer_answer(struct peer *t); /* to the engine's last request */
struct ike_header peer_header(const struct peer *t, uint8_t exchange, uint8_t flags, uint32_t id);
struct ike_build *peer_begin(struct peer *t, const struct ike_header *h);
struct ike_build *peer_begin_clear(struct peer *t, const struct ike_header *h);
/* Ends and delivers it, and lets 20 ms pass (jobs and installation included). The number of
 * messages that the engine has sent meanwhile. A request counts its id up. */
unsigned peer_send(struct peer *t);
/* The same for octets as they are. */
unsigned peer_throw(struct peer *t, struct kd_bytes datagram);
/* The reserved bits of the payload that was put last. */
void peer_flags(struct ike_build *b, uint8_t flags);
/* The last message's first error notify, 0 when it has none. */
uint16_t peer_error(const struct peer *t);
/* A child request's SA, nonce and selectors as the engine's real peer would send them. */
void peer_put_child(struct peer *t, struct ike_build *b, uint32_t spi);

/* ---- in the middle ---- */

struct rewrite {
    uint8_t exchange;
    bool response;
    void (*write)(struct rewrite *r, const struct ike_msg *m, struct ike_build *b);
    struct pair *p;
    struct ike_sa *sa; /* A's */
    int only;          /* the n-th such message (from 1); 0: all */
    int seen;
    uint16_t notify; /* for write() as it likes */
    struct kd_bytes body;
    uint8_t as_exchange; /* what it claims to be; 0: what it is */
};

/* A filter; p->ctx is a struct rewrite. */
bool peer_rewrite(struct pair *p, struct pair_packet *k);
/* m's payloads in the usual order, without those in except (IKE_HAS()). */
void peer_copy(struct ike_build *b, const struct ike_msg *m, uint32_t except);
/* IDi or IDr with this body, and the AUTH that proves it with A's pre-shared key. */
void peer_put_identity(struct rewrite *r, struct ike_build *b, struct kd_bytes id_body);

/* ---- a stranger ---- */

/* A peer without an SA, at the other side's address: all it can send is in clear. */
struct peer *peer_stranger(struct pair *p, int side);
/* A whole IKE_SA_INIT request; nonce and public value are made up. */
struct ike_build *peer_init(struct peer *t);

#endif
