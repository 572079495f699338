/* A connection's mechanics: made and ended, its messages cut out of the byte stream, its OPEN
 * answered. What a message means in which state is fsm.h's. */
#ifndef BGP_SESSION_H
#define BGP_SESSION_H

#include "bgp/engine.h"

/* A connection of p in CONNECT, attached to it; NULL when there are too many. */
struct bgp_conn *bgp_conn_new(struct bgp *b, struct bgp_peer *p, bool outgoing) KD_MUST_USE;
/* Ends it; the shell is told unless it told us. */
void bgp_conn_free(struct bgp *b, struct bgp_conn *c, bool tell);
/* The other connection of the same peer, or NULL. */
struct bgp_conn *bgp_conn_other(const struct bgp_conn *c);

/* c goes to OpenSent. */
void bgp_conn_say_open(struct bgp *b, struct bgp_conn *c);
/* The connection of ev, TCP_INCOMING, gets nothing but the NOTIFICATION. False: there are too many
 * to do even that. */
bool bgp_conn_turn_away(struct bgp *b, struct bgp_peer *p, const struct bgp_event *ev,
                        const struct bgp_error *e) KD_MUST_USE;
void bgp_conn_send_keepalive(struct bgp *b, struct bgp_conn *c);
void bgp_conn_send_error(struct bgp *b, struct bgp_conn *c, const struct bgp_error *e);

/* Judges the peer's OPEN and fills in what was negotiated. False: refused with *e. */
bool bgp_conn_negotiate(struct bgp *b, struct bgp_conn *c, const struct bgp_open *o,
                        struct bgp_error *e) KD_MUST_USE;

/* Bytes have come; handled now as far as the budget goes, else kept. */
void bgp_conn_input(struct bgp *b, struct bgp_conn *c, struct kd_bytes data);
/* Handles what was kept; true when whole messages may be left. */
bool bgp_conn_read(struct bgp *b, struct bgp_conn *c);
/* A complete message waits for us: silence is ours, not the peer's. */
bool bgp_conn_behind(const struct bgp_conn *c);

#endif
