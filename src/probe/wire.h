/* A probe's numbered packets as they go out and come back: ICMP echo, or datagrams for a reflector.
 */
#ifndef PROBE_WIRE_H
#define PROBE_WIRE_H

#include "probe/probe.h"

struct probe_wire {
    uint8_t family;   /* 4 or 6 */
    bool udp;         /* a reflector's; else ICMP */
    uint16_t id;      /* ICMP's */
    uint64_t session; /* random */
};

#define PROBE_WIRE_MAX PROBE_UDP_LEN

/* Packet seq (probe_sent()), into buf; its length. */
size_t probe_wire_put(const struct probe_wire *w, uint64_t seq, uint8_t buf[PROBE_WIRE_MAX]);
/* What a socket received (a raw one's IPv4 with its header): the number answered, and the far end's
 * count as probe_answered() wants it. False: no answer to this probe. */
bool probe_wire_get(const struct probe_wire *w, struct kd_bytes msg, uint64_t *seq,
                    uint64_t *count) KD_MUST_USE;

#endif
