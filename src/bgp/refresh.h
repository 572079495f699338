/* Route refresh (RFC 2918) and its beginning and end told to the peer (RFC 7313). */
#ifndef BGP_REFRESH_H
#define BGP_REFRESH_H

#include "bgp/engine.h"

/* Takes a ROUTE-REFRESH of the Established peer. False: the session must end with *e. */
bool bgp_refresh_message(struct bgp *b, struct bgp_peer *p, struct kd_bytes body,
                         struct bgp_error *e) KD_MUST_USE;
/* Takes out what a refresh left stale, within the budget; true when some is left. */
bool bgp_refresh_sweep(struct bgp *b, struct bgp_peer *p);
/* Asks the peer to tell the family again, where it offers to (RFC 2918). */
void bgp_refresh_ask(struct bgp *b, struct bgp_peer *p, struct bgp_family *f);
/* Writes BoRR and marks everything as to be told again; writes EoRR. The caller has made sure that
 * the connection takes it. */
void bgp_refresh_begin(struct bgp *b, struct bgp_peer *p, struct bgp_family *f);
void bgp_refresh_end(struct bgp *b, struct bgp_peer *p, struct bgp_family *f);

#endif
