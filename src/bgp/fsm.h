/* The finite state machine, RFC 4271 8, as a table of (states, event) -> handler. */
#ifndef BGP_FSM_H
#define BGP_FSM_H

#include "bgp/engine.h"

enum bgp_fsm_event {
    BGP_FSM_START,         /* 8.1.2 events 1, 4 */
    BGP_FSM_STOP,          /* event 2 */
    BGP_FSM_RETRY,         /* events 9 and 13: ConnectRetryTimer or IdleHoldTimer expires */
    BGP_FSM_HOLD,          /* event 10 */
    BGP_FSM_KEEPALIVE_DUE, /* event 11 */
    BGP_FSM_SEND_HOLD,     /* event 29, RFC 9687 */
    BGP_FSM_TCP_OPENED,    /* event 16 */
    BGP_FSM_TCP_INCOMING,  /* events 14, 17 */
    BGP_FSM_TCP_FAILED,    /* event 18 */
    BGP_FSM_TCP_CLOSED,    /* event 18 */
    BGP_FSM_OPEN,          /* event 19; 20 and 22 are judged by the handler */
    BGP_FSM_KEEPALIVE,     /* event 26 */
    BGP_FSM_UPDATE,        /* event 27; 28 is judged by the handler */
    BGP_FSM_NOTIFICATION,  /* events 24, 25 */
    BGP_FSM_REFRESH,       /* RFC 2918 4 */
    BGP_FSM_BAD_MESSAGE,   /* event 21, and what we can't go on with */
    BGP_FSM_BFD_DOWN,      /* RFC 5882 4.2 */
    BGP_FSM_N
};

/* An event's arguments. */
struct bgp_fsm {
    struct bgp_peer *p;
    struct bgp_conn *c;         /* NULL for what concerns the peer as a whole */
    const struct bgp_event *ev; /* what came from outside */
    struct kd_bytes body;       /* message without header; gone once the connection is */
    struct bgp_error error;     /* BAD_MESSAGE */
};

void bgp_fsm_run(struct bgp *b, enum bgp_fsm_event event, struct bgp_fsm *m);

#endif
