/* Path attributes: one table says for each its code, flags, bounds, what a malformed one leads to
 * (RFC 7606) and how it is read and written. */
#ifndef BGP_ATTR_H
#define BGP_ATTR_H

#include "base/addr.h"
#include "base/wire.h"
#include "bgp/message.h"

enum bgp_attr_code {
    BGP_A_ORIGIN = 1,
    BGP_A_AS_PATH = 2,
    BGP_A_NEXT_HOP = 3,
    BGP_A_MED = 4,
    BGP_A_LOCAL_PREF = 5,
    BGP_A_ATOMIC_AGGREGATE = 6,
    BGP_A_AGGREGATOR = 7,
    BGP_A_COMMUNITIES = 8,
    BGP_A_ORIGINATOR_ID = 9,
    BGP_A_CLUSTER_LIST = 10,
    BGP_A_MP_REACH = 14,
    BGP_A_MP_UNREACH = 15,
    BGP_A_EXT_COMMUNITIES = 16,
    BGP_A_AS4_PATH = 17,
    BGP_A_AS4_AGGREGATOR = 18,
    BGP_A_LARGE_COMMUNITIES = 32,
};

#define BGP_HAS(code) (1ull << (code)) /* for the known codes, all below 64 */

enum bgp_attr_flags {
    BGP_AF_OPTIONAL = 0x80,
    BGP_AF_TRANSITIVE = 0x40,
    BGP_AF_PARTIAL = 0x20,
    BGP_AF_EXTENDED = 0x10,
};

/* RFC 7606 2, weakest first; "AFI/SAFI disable" is not used. */
enum bgp_disposition { BGP_D_OK, BGP_D_DISCARD, BGP_D_WITHDRAW, BGP_D_RESET };
extern const char *const bgp_disposition_names[];

enum bgp_origin { BGP_ORIGIN_IGP, BGP_ORIGIN_EGP, BGP_ORIGIN_INCOMPLETE };

#define BGP_COMMUNITY_NO_EXPORT           0xffffff01u /* RFC 1997 */
#define BGP_COMMUNITY_NO_ADVERTISE        0xffffff02u
#define BGP_COMMUNITY_NO_EXPORT_SUBCONFED 0xffffff03u

/* The attributes of a route. Views are borrowed from whoever filled the struct. */
struct bgp_attrs {
    uint64_t has; /* BGP_HAS(code) */
    uint8_t origin;
    uint32_t med, local_pref;
    struct kd_addr nexthop; /* of NEXT_HOP, or of MP_REACH_NLRI once the route is stored */
    uint32_t aggregator_as, aggregator_id;
    uint32_t originator_id;
    struct kd_bytes as_path; /* four octets an ASN (aspath.h) */
    struct kd_bytes communities, ext_communities, large_communities, cluster_list;
    struct kd_bytes unknown; /* optional transitive ones: whole TLVs, partial bit set */
};

/* MP_REACH_NLRI, MP_UNREACH_NLRI (RFC 4760 3, 4) */
struct bgp_mp {
    bool present;
    uint8_t family; /* 4 or 6 for unicast; 0: an address family we don't know */
    struct kd_addr nexthop;
    struct kd_bytes nlri;
};

struct bgp_attr_row;

/* Reading: what the peer is, where results go. */
struct bgp_attr_in {
    bool as4; /* both sides have four-octet ASNs */
    bool ibgp;
    bool trusted;              /* our own encoding: nothing to check, AS_PATH is a view */
    struct kd_writer *scratch; /* for what can't be a view; overflow is "malformed" */
    struct bgp_attrs *attrs;
    struct bgp_mp *reach, *unreach;
    struct kd_bytes as4_path; /* kept until all attributes have been seen */
    uint32_t as4_aggregator;
};

const struct bgp_attr_row *bgp_attr_row(uint8_t code); /* NULL: unknown */
const char *bgp_attr_name(const struct bgp_attr_row *row);
/* Reads one known attribute. On anything but OK the attribute counts as absent and *why says what
 * is wrong. */
enum bgp_disposition bgp_attr_read(struct bgp_attr_in *in, const struct bgp_attr_row *row,
                                   uint8_t flags, struct kd_bytes value, const char **why);
/* After the last one: AS4_PATH and AS4_AGGREGATOR of an old speaker are merged (RFC 6793 4.2.3). */
void bgp_attr_finish(struct bgp_attr_in *in);
/* Our own encoding (bgp_attrs_put() with as4) back into values; views into blob. */
void bgp_attrs_unpack(struct kd_bytes blob, struct bgp_attrs *a);

/* Writes all of a's attributes in the order of the table. as4: the reader's ASNs have four octets,
 * else AS4_PATH and AS4_AGGREGATOR are added where needed. next_hop: the NEXT_HOP attribute too. */
void bgp_attrs_put(struct kd_writer *w, const struct bgp_attrs *a, bool as4, bool next_hop);
/* An attribute's flags, code and length; the extended form where len needs it. */
void bgp_attr_head(struct kd_writer *w, uint8_t flags, uint8_t code, size_t len);

/* v is among the numbers of COMMUNITIES or CLUSTER_LIST. */
bool bgp_list_has(struct kd_bytes list, uint32_t v);
bool bgp_community_has(const struct bgp_attrs *a, uint32_t community);

#endif
