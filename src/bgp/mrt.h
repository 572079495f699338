/* The table as an MRT dump (RFC 6396 4.3, TABLE_DUMP_V2), as route collectors and bgpdump read it. */
#ifndef BGP_MRT_H
#define BGP_MRT_H

#include "bgp/bgp.h"

/* Bytes of a PEER_INDEX_TABLE for each routing table (its number is the view's name), each followed
 * by the RIB records of its IPv4 and IPv6 prefixes in key order: the accepted paths of Established
 * peers, after the import policy, and our own networks. Peer 0 is ourselves. wall_s: UTC seconds at
 * now_us. malloc'ed, for the caller to free; NULL when out of memory. */
uint8_t *bgp_mrt_table(const struct bgp *b, uint64_t now_us, uint32_t wall_s,
                       size_t *len) KD_MUST_USE;

#endif
