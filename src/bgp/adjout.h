/* What peers are told: the best paths through the rules of iBGP and eBGP and the export policy. */
#ifndef BGP_ADJOUT_H
#define BGP_ADJOUT_H

#include "bgp/engine.h"

/* Writes what is pending for the Established peer, within the budget, the output's room and what
 * the connection may have unsent. True when more could be written at once. */
bool bgp_adjout_run(struct bgp *b, struct bgp_peer *p);

#endif
