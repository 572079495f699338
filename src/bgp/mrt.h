/* MRT, as route collectors and bgpdump read it: the table (RFC 6396 4.3, TABLE_DUMP_V2) and
 * messages (4.4, BGP4MP_ET). */
#ifndef BGP_MRT_H
#define BGP_MRT_H

#include "base/wire.h"
#include "bgp/bgp.h"

/* Bytes of a PEER_INDEX_TABLE for each routing table (its number is the view's name), each followed
 * by the RIB records of its IPv4 and IPv6 prefixes in key order: the accepted paths of Established
 * peers, after the import policy, and our own networks. Peer 0 is ourselves. wall_s: UTC seconds at
 * now_us. malloc'ed, for the caller to free; NULL when out of memory. */
uint8_t *bgp_mrt_table(const struct bgp *b, uint64_t now_us, uint32_t wall_s,
                       size_t *len) KD_MUST_USE;

/* One direction of a connection, cut into messages. Zeroed: nothing yet. */
struct bgp_mrt_tap {
    uint8_t *p; /* owned */
    size_t len, at;
};

/* What was read or written, in order. False: out of memory, or too much without a message; what was
 * held is gone. */
bool bgp_mrt_feed(struct bgp_mrt_tap *t, struct kd_bytes data) KD_MUST_USE;
/* The next whole message with its header, borrowed until the next feed. */
bool bgp_mrt_next(struct bgp_mrt_tap *t, struct kd_bytes *msg) KD_MUST_USE;
void bgp_mrt_tap_done(struct bgp_mrt_tap *t);

struct bgp_mrt_session {
    uint32_t peer_as, local_as;
    bool as4; /* ASNs on the wire have four octets */
    struct kd_addr peer, local; /* of one family */
};

#define BGP_MRT_HEAD_MAX 64 /* what a record has in front of its message */

/* One record with microseconds; sent: a message of ours (the _LOCAL subtypes). */
void bgp_mrt_message(struct kd_writer *w, const struct bgp_mrt_session *s, uint64_t wall_us,
                     bool sent, struct kd_bytes msg);

#endif
