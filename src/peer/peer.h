/* The other side's configuration, written from ours: one tunnel and its BGP session as the peer has
 * to have them, in the peer's own language. Pure text: no I/O but the stream it is given. */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "core/config.h"

#include <stdio.h>

enum peer_kind {
    PEER_STRONGSWAN, /* swanctl.conf */
    PEER_IOS,        /* Cisco IOS-XE */
    PEER_JUNOS,      /* SRX, as set commands */
    PEER_FRR,        /* the BGP half */
    PEER_BIRD,       /* the BGP half */
    PEER_AZURE_CLI,  /* az, for a real gateway at the other end */
    PEER_KINDS
};

/* "strongswan", "ios", "junos", "frr", "bird", "azure-cli" */
extern const char *const peer_kind_names[PEER_KINDS];

struct peer {
    const struct core_config *config;
    const struct core_tunnel_config *tunnel; /* one of config's */
    struct kd_bytes psk, password; /* borrowed; empty: a placeholder stands in the output. password:
                                      of the BGP session (RFC 2385) */
};

/* Why that kind can't be written for this tunnel, as a sentence; NULL: it can. */
const char *peer_refuses(const struct peer *p, enum peer_kind kind);
/* Writes it. What the kind can't say stands in the output as its comment, beside what is missing.
 * Only where peer_refuses() has no objection. */
void peer_write(const struct peer *p, enum peer_kind kind, FILE *to);

#endif
