/* The one list of reasons why a tunnel or a neighbor is not what was wanted (PRODUCT 4): the same
 * words in states, events, metrics and explanations. */
#ifndef KD_BASE_REASON_H
#define KD_BASE_REASON_H

enum kd_reason {
    KD_REASON_NONE,
    KD_REASON_NO_PROPOSAL,     /* no-proposal */
    KD_REASON_INVALID_KE,      /* invalid-ke: no common group after INVALID_KE_PAYLOAD */
    KD_REASON_AUTH_FAILED,     /* auth-failed */
    KD_REASON_TS_UNACCEPTABLE, /* ts-unacceptable */
    KD_REASON_INVALID_SYNTAX,  /* invalid-syntax: the peer's message or our message was refused */
    KD_REASON_TIMEOUT,         /* timeout: no answer to a connection attempt */
    KD_REASON_DEAD_PEER,       /* dead-peer: abandon ran out */
    KD_REASON_UNREACHABLE,     /* unreachable: detect ran out */
    KD_REASON_PEER_DELETED,    /* peer-deleted */
    KD_REASON_PEER_REPLACED,   /* peer-replaced: INITIAL_CONTACT or a newer SA of the same peer */
    KD_REASON_ADMIN,           /* admin */
    KD_REASON_KERNEL_REFUSED,  /* kernel-refused */
    KD_REASON_NO_DEVICE,       /* no-device */
    KD_REASON_EXPIRED,         /* expired */
    KD_REASON_NO_RESOURCES,    /* no-resources: a bound of ours was reached */
    KD_REASON_TUNNEL_DOWN,     /* tunnel-down: a neighbor whose tunnel is not there */
    KD_REASON_BFD_DOWN,        /* bfd-down */
    KD_REASON_HOLD_EXPIRED,    /* hold-expired */
    KD_REASON_PEER_CEASE,      /* peer-cease */
    KD_REASON_PEER_ERROR,      /* peer-error: NOTIFICATION other than Cease */
    KD_REASON_PROTOCOL_ERROR,  /* protocol-error: the peer broke the protocol */
    KD_REASON_TCP_CLOSED,      /* tcp-closed */
    KD_REASON_TCP_REFUSED,     /* tcp-refused */
    KD_REASON_COLLISION,       /* collision: RFC 4271 6.8 */
    KD_REASON_LINK_DOWN,       /* link-down: the interface towards a neighbor beside the tunnels */
    KD_REASON_UNSUPPORTED,     /* unsupported: the peer lacks what the configuration asks for */
    KD_REASON_PEER_RESTARTED, /* peer-restarted: its token says that it lost the IKE SA (RFC 6290),
                                 or its new connection that it lost the old one (RFC 4724) */
    KD_REASON_SEND_HOLD_EXPIRED, /* send-hold-expired: the peer takes nothing we send (RFC 9687) */
    KD_REASON_HEALTH_DOWN, /* health-down: a probe beyond the neighbor isn't answered */
    KD_REASON_NO_TRAFFIC,  /* no-traffic: it begins with the first packet for it */
    KD_REASON_N
};

/* NULL-terminated, indexed by the enum: usable as KD_F_ENUM names. */
extern const char *const kd_reason_names[];

static inline const char *kd_reason_str(enum kd_reason r)
{
    return kd_reason_names[(unsigned)r < KD_REASON_N ? r : 0];
}

#endif
