/* How a connection ends, and what its neighbor does then. */
#ifndef BGP_ENDING_H
#define BGP_ENDING_H

#include "bgp/fsm.h"

enum bgp_ending {
    BGP_END_PLAIN,
    BGP_END_DAMPED,   /* a protocol error: not again at once */
    BGP_END_CLOSED,   /* the shell has closed it already */
    BGP_END_REPLACED, /* by the same neighbor's next one (RFC 4724 5) */
};

/* The next attempt comes after ConnectRetryTime. */
void bgp_retry_later(struct bgp *b, struct bgp_peer *p);

/* Ends m's connection and frees it. send: the NOTIFICATION, or NULL; text: for the operator, as
 * reason is. The neighbor's other connection, if there is one, goes on. */
void bgp_end(struct bgp *b, struct bgp_fsm *m, enum kd_reason reason, const struct bgp_error *send,
             const char *text, enum bgp_ending how);
/* With e said to the peer; damped unless e is a Cease. */
void bgp_end_with_error(struct bgp *b, struct bgp_fsm *m, enum kd_reason reason,
                        const struct bgp_error *e);
/* With the Cease that stands for reason, if it can be heard. words: a shutdown communication, told
 * along with what only it belongs to (RFC 9003 2). */
void bgp_end_for(struct bgp *b, struct bgp_fsm *m, enum kd_reason reason, bool heard,
                 struct kd_bytes words);

#endif
