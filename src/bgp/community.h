/* Communities as policies see them: standard (RFC 1997), extended (RFC 4360, 5668) and large (RFC
 * 8092), matched by value or with parts left open, added and taken out. */
#ifndef BGP_COMMUNITY_H
#define BGP_COMMUNITY_H

#include "bgp/attr.h"

enum bgp_community_kind {
    BGP_COMMUNITY_STANDARD,
    BGP_COMMUNITY_EXTENDED,
    BGP_COMMUNITY_LARGE,
    BGP_COMMUNITY_KINDS,
};

/* A value or, where mask lacks bits, a pattern: 65010:*, rt:65010:*, 65010:1:*. */
struct bgp_community {
    uint8_t kind;              /* enum bgp_community_kind */
    bool and_next;             /* in a match: the one behind has to be there as well */
    uint32_t part[3], mask[3]; /* as on the wire: two of 16 bits; two of 32; three of 32 */
};

#define BGP_COMMUNITY_GRACEFUL_SHUTDOWN 0xffff0000u /* RFC 8326 */
#define BGP_COMMUNITY_BLACKHOLE         0xffff029au /* RFC 7999 */

/* A standard one's value, an extended one's octets. */
struct bgp_community bgp_community_standard(uint32_t value);
struct bgp_community bgp_community_extended(uint32_t high, uint32_t low);
/* "65010:1", "no-export" and the like; "rt:65010:1", "soo:192.0.2.1:1", "generic:0x43000000:0x1"
 * (RFC 4360's octets); "65010:1:1". "*" for a part of the first and last kind, for the number
 * behind an extended one. */
bool bgp_community_parse(const char *s, size_t len, enum bgp_community_kind kind,
                         struct bgp_community *c) KD_MUST_USE;
bool bgp_community_open(const struct bgp_community *c); /* a pattern, no value */
/* As parse takes it. */
#define BGP_COMMUNITY_TEXT_MAX 40
const char *bgp_community_text(const struct bgp_community *c, char buf[BGP_COMMUNITY_TEXT_MAX]);
/* Does one of a's communities fit c? */
bool bgp_community_present(const struct bgp_attrs *a, const struct bgp_community *c);
/* The next of a list of that kind; false at its end. */
bool bgp_community_next(struct kd_reader *r, enum bgp_community_kind kind, struct bgp_community *c);

/* What a policy does to the communities of a route. */
struct bgp_community_edit {
    bool replace[BGP_COMMUNITY_KINDS]; /* what was there goes first */
    uint16_t n_delete, n_add;
    const struct bgp_community *delete, *add;
};
/* Applies e to a; new values lie in room, which overflows no earlier than the attributes' own bytes
 * and 12 for each one added. */
void bgp_community_apply(struct bgp_attrs *a, const struct bgp_community_edit *e,
                         struct kd_writer *room);

#endif
