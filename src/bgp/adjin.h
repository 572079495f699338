/* What peers tell us: UPDATEs into the RIB through the import policy. */
#ifndef BGP_ADJIN_H
#define BGP_ADJIN_H

#include "bgp/engine.h"

/* Takes an UPDATE of the Established peer. False: the session must end with *e. */
bool bgp_adjin_update(struct bgp *b, struct bgp_peer *p, struct kd_bytes body,
                      struct bgp_error *e) KD_MUST_USE;
/* Re-evaluates the import policy over what is held, within the budget; true when some is left. */
bool bgp_adjin_soft(struct bgp *b, struct bgp_peer *p);
/* What a policy's entry sets of an incoming or redistributed route's values. room: for the path,
 * borrowed by a. */
void bgp_adjin_set_values(struct bgp *b, struct bgp_attrs *a, const struct bgp_route_set *set,
                          struct kd_writer *room);
/* Takes out a path of f's peer. */
void bgp_adjin_remove(struct bgp *b, struct bgp_family *f, uint32_t path);
/* The first KEEPALIVE of a peer that doesn't send End-of-RIB counts as its end (RFC 4724 2). */
void bgp_adjin_keepalive(struct bgp *b, struct bgp_peer *p);
/* Says EOR once both directions' initial tables are done. */
void bgp_note_eor(struct bgp *b, struct bgp_peer *p);

#endif
