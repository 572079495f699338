/* Two connections of one neighbor: which of them stays. */
#ifndef BGP_COLLISION_H
#define BGP_COLLISION_H

#include "bgp/fsm.h"

/* c's TCP stands: its OPEN goes out now, or waits for what becomes of the other connection. */
void bgp_collision_open(struct bgp *b, struct bgp_conn *c);
/* A valid OPEN has come on m's connection. False: that one was to go, and is gone. */
bool bgp_collision_resolve(struct bgp *b, struct bgp_fsm *m, const struct bgp_open *o) KD_MUST_USE;
/* c is Established: what is left of the other one goes. */
void bgp_collision_won(struct bgp *b, struct bgp_conn *c);
/* One of p's two connections has ended: what waited for it goes on. */
void bgp_collision_over(struct bgp *b, struct bgp_peer *p);

/* ---- a connection the peer opens ---- */

/* Makes room for m's, if what is there of the peer's is no further than OpenSent. */
bool bgp_collision_gives_way(struct bgp *b, struct bgp_fsm *m) KD_MUST_USE;
/* Closed without a word: there is nobody to talk to it. */
void bgp_collision_refuse(struct bgp *b, struct bgp_fsm *m);
/* Closed with Cease/7, and the session that stands is asked whether it still does. */
void bgp_collision_turn_away(struct bgp *b, struct bgp_fsm *m);

#endif
