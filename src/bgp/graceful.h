/* Graceful restart, RFC 4724: both roles. */
#ifndef BGP_GRACEFUL_H
#define BGP_GRACEFUL_H

#include "bgp/fsm.h"

/* What our OPEN to p says of it. */
void bgp_graceful_offer(const struct bgp *b, const struct bgp_peer *p, struct bgp_open *o);

/* ---- the receiving speaker ---- */

/* Seconds for which the paths of c's session are to be kept if its TCP ends now; 0: not at all. */
uint16_t bgp_graceful_time(const struct bgp_conn *c);
/* m's new connection, while one is Established, says that the peer has restarted (5): the old one
 * is gone, its routes are kept. False: not agreed on with this peer, or too young to be that. */
bool bgp_graceful_replaced(struct bgp *b, struct bgp_fsm *m) KD_MUST_USE;
/* The session that p->up was is over: its paths are kept for so long, or none of them. */
void bgp_graceful_down(struct bgp *b, struct bgp_peer *p, uint16_t kept_s);
/* A new one is Established on c: before, and once, it has its families. */
void bgp_graceful_coming(struct bgp_peer *p, const struct bgp_conn *c);
void bgp_graceful_up(struct bgp *b, struct bgp_peer *p);
/* End-of-RIB has come: what wasn't told again goes. */
void bgp_graceful_told(struct bgp *b, struct bgp_peer *p, struct bgp_family *f);
/* Nothing of p is kept any longer: the time is over, or its forwarding is known to be. */
void bgp_graceful_drop(struct bgp *b, struct bgp_peer *p);

/* ---- the restarting speaker ---- */

/* We have: kept says for which families, IPv4 and IPv6, our forwarding went on. */
void bgp_graceful_restarted(struct bgp *b, const bool kept[2]);
/* p is told nothing yet: what it keeps of ours would be the less for it. */
bool bgp_graceful_deferred(const struct bgp *b, const struct bgp_peer *p);
/* Ends the deferral once every neighbor has told its table. */
void bgp_graceful_settle(struct bgp *b);
/* The Selection_Deferral_Timer: it ends anyway. */
void bgp_graceful_settled(struct bgp *b);

#endif
