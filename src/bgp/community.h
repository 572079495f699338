/* Communities as policies see them: standard (RFC 1997) and large (RFC 8092), matched by value or
 * with parts left open, added and taken out. */
#ifndef BGP_COMMUNITY_H
#define BGP_COMMUNITY_H

#include "bgp/attr.h"

/* A value or, where parts are open, a pattern: 65010:*, 65010:1:*. */
struct bgp_community {
    bool large;
    bool and_next;    /* in a match: the one behind has to be there as well */
    uint8_t open;     /* bit i: part i may be anything ("*") */
    uint32_t part[3]; /* standard: two, of 16 bits */
};

#define BGP_COMMUNITY_GRACEFUL_SHUTDOWN 0xffff0000u /* RFC 8326 */
#define BGP_COMMUNITY_BLACKHOLE         0xffff029au /* RFC 7999 */

/* "65010:1", "no-export" and the like, with "*" for a part; large: three parts. */
bool bgp_community_parse(const char *s, size_t len, bool large,
                         struct bgp_community *c) KD_MUST_USE;
/* Does one of a's communities fit c? */
bool bgp_community_present(const struct bgp_attrs *a, const struct bgp_community *c);

/* What a policy does to the communities of a route. */
struct bgp_community_edit {
    bool replace[2]; /* standard, large: what was there goes first */
    uint16_t n_delete, n_add;
    const struct bgp_community *delete, *add;
};
/* Applies e to a; new values lie in room, which overflows no earlier than the attributes' own bytes
 * and 12 for each one added. */
void bgp_community_apply(struct bgp_attrs *a, const struct bgp_community_edit *e,
                         struct kd_writer *room);

#endif
