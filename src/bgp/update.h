/* The UPDATE message: parsed into views with a verdict (RFC 7606), built with many prefixes packed
 * behind one set of attributes. */
#ifndef BGP_UPDATE_H
#define BGP_UPDATE_H

#include "bgp/attr.h"

/* Room an UPDATE's parsing may need for what can't be a view: a widened and merged AS_PATH and the
 * unknown attributes. */
#define BGP_UPDATE_SCRATCH (BGP_EXTENDED_MAX + 3 * 9000)

struct bgp_session_rules {
    bool as4, ibgp;
    uint32_t peer_as; /* the leftmost AS of an external peer's paths */
};

struct bgp_update {
    struct kd_bytes withdrawn, nlri; /* IPv4, syntactically correct */
    struct bgp_attrs attrs;          /* meant for nlri and reach */
    struct bgp_mp reach, unreach;
    /* WITHDRAW: nlri and reach are to be treated as withdrawn. RESET: the session ends with error.
     * DISCARD: an attribute was left out, the rest stands. error.text says why, if not OK. */
    enum bgp_disposition verdict;
    struct bgp_error error;
};

/* Fills u with views into body and scratch; no effect. */
void bgp_update_parse(struct kd_bytes body, const struct bgp_session_rules *rules,
                      struct kd_writer *scratch, struct bgp_update *u);
/* Tells End-of-RIB (RFC 4724 2) and for which family: 4, 6 or 0. */
uint8_t bgp_update_end_of_rib(const struct bgp_update *u);

/* Building one message at a time into w:
 *   begin, add until false, end. */
struct bgp_update_out {
    struct kd_writer *w;
    size_t len_max;
    uint8_t family;
    struct kd_bytes attrs; /* encoded, borrowed until end; empty for a withdrawal */
    struct kd_addr nexthop;
    size_t start, attrs_len_at, nlri_len_at;
};

/* Announces: attrs as bgp_attrs_put() wrote them, IPv4's with NEXT_HOP. False when they leave no
 * room for a prefix in a message of len_max. */
bool bgp_update_announce(struct bgp_update_out *o, struct kd_writer *w, size_t len_max,
                         uint8_t family, struct kd_bytes attrs,
                         const struct kd_addr *nexthop) KD_MUST_USE;
void bgp_update_withdraw(struct bgp_update_out *o, struct kd_writer *w, size_t len_max,
                         uint8_t family);
/* False: the message is full, the prefix is not in it. */
bool bgp_update_add(struct bgp_update_out *o, const struct kd_prefix *p) KD_MUST_USE;
void bgp_update_end(struct bgp_update_out *o);
void bgp_update_put_end_of_rib(struct kd_writer *w, uint8_t family);

#endif
