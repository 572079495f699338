/* The reasons' names. */
#include "base/reason.h"

#include <stddef.h>

const char *const kd_reason_names[] = {
    [KD_REASON_NONE] = "none",
    [KD_REASON_NO_PROPOSAL] = "no-proposal",
    [KD_REASON_INVALID_KE] = "invalid-ke",
    [KD_REASON_AUTH_FAILED] = "auth-failed",
    [KD_REASON_TS_UNACCEPTABLE] = "ts-unacceptable",
    [KD_REASON_INVALID_SYNTAX] = "invalid-syntax",
    [KD_REASON_TIMEOUT] = "timeout",
    [KD_REASON_DEAD_PEER] = "dead-peer",
    [KD_REASON_UNREACHABLE] = "unreachable",
    [KD_REASON_PEER_DELETED] = "peer-deleted",
    [KD_REASON_PEER_REPLACED] = "peer-replaced",
    [KD_REASON_ADMIN] = "admin",
    [KD_REASON_KERNEL_REFUSED] = "kernel-refused",
    [KD_REASON_NO_DEVICE] = "no-device",
    [KD_REASON_EXPIRED] = "expired",
    [KD_REASON_NO_RESOURCES] = "no-resources",
    [KD_REASON_TUNNEL_DOWN] = "tunnel-down",
    [KD_REASON_BFD_DOWN] = "bfd-down",
    [KD_REASON_HOLD_EXPIRED] = "hold-expired",
    [KD_REASON_PEER_CEASE] = "peer-cease",
    [KD_REASON_PEER_ERROR] = "peer-error",
    [KD_REASON_PROTOCOL_ERROR] = "protocol-error",
    [KD_REASON_TCP_CLOSED] = "tcp-closed",
    [KD_REASON_TCP_REFUSED] = "tcp-refused",
    [KD_REASON_COLLISION] = "collision",
    [KD_REASON_LINK_DOWN] = "link-down",
    [KD_REASON_UNSUPPORTED] = "unsupported",
    [KD_REASON_PEER_RESTARTED] = "peer-restarted",
    [KD_REASON_SEND_HOLD_EXPIRED] = "send-hold-expired",
    [KD_REASON_HEALTH_DOWN] = "health-down",
    [KD_REASON_NO_TRAFFIC] = "no-traffic",
    [KD_REASON_N] = NULL,
};
