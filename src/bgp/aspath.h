/* AS_PATH as bytes: segments of (type, count, ASNs). Inside kedge ASNs always have four octets; two
 * octets exist only on the wire to and from old speakers (RFC 6793). */
#ifndef BGP_ASPATH_H
#define BGP_ASPATH_H

#include "base/wire.h"

/* Longest path taken, in ASNs: far above what exists, and what a 4096-byte message can hold with
 * four octets each; speakers that expanded longer ones into fixed arrays have crashed
 * (facts/peers.md 4b). */
#define BGP_AS_MAX        1500
#define BGP_AS_PATH_BYTES (6 * BGP_AS_MAX) /* worst case: a segment for each ASN */

enum bgp_segment {
    BGP_AS_SET = 1,
    BGP_AS_SEQUENCE = 2,
    BGP_CONFED_SEQUENCE = 3,
    BGP_CONFED_SET = 4
};

/* Well-formed (RFC 7606 7.2)? No empty segment, no overrun, no AS 0 (RFC 7607), at most BGP_AS_MAX
 * ASNs; confed: segment types 3 and 4 are let through. width: bytes an ASN, 2 or 4. */
bool bgp_aspath_ok(struct kd_bytes path, unsigned width, bool confed) KD_MUST_USE;

/* The following take a well-formed path of four octets. */
unsigned bgp_aspath_length(struct kd_bytes path); /* RFC 4271 9.1.2.2 a: a set counts as one */
uint32_t bgp_aspath_first(struct kd_bytes path);  /* leftmost of a sequence; 0 when none or a set */
bool bgp_aspath_has(struct kd_bytes path, uint32_t asn);
unsigned bgp_aspath_count(struct kd_bytes path, uint32_t asn); /* how often it stands there */
bool bgp_aspath_needs4(struct kd_bytes path); /* an ASN that two octets can't say */
/* The ASNs in order, sets too; returns how many there are, of which at most max are written. */
unsigned bgp_aspath_flatten(struct kd_bytes path, uint32_t *out, unsigned max);

/* Writers; overflow shows in w->ok. */
void bgp_aspath_widen(struct kd_writer *w, struct kd_bytes path2);  /* two octets to four */
void bgp_aspath_narrow(struct kd_writer *w, struct kd_bytes path4); /* AS_TRANS where needed */
/* n ASNs in front, merged into the first segment when that is a sequence with room (RFC
 * 4271 5.1.2). */
void bgp_aspath_prepend(struct kd_writer *w, const uint32_t *asn, unsigned n, struct kd_bytes path);
/* from becomes to wherever it stands. */
void bgp_aspath_replace(struct kd_writer *w, struct kd_bytes path, uint32_t from, uint32_t to);
/* As IOS shows it: "65010 65020 {64512,64513}", confederations' segments in (). At most
 * BGP_AS_TEXT_MAX octets, without a NUL. */
#define BGP_AS_TEXT_MAX (13 * BGP_AS_MAX)
void bgp_aspath_text(struct kd_writer *w, struct kd_bytes path);
/* RFC 6793 4.2.3: the leading part of path that as4 lacks, then as4. as4 longer: path alone. */
void bgp_aspath_merge(struct kd_writer *w, struct kd_bytes path, struct kd_bytes as4);

#endif
