/* ICMP and ICMPv6 echo, and the routers' word that a packet's TTL ran out. RFC 792, RFC 4443. */
#ifndef PROBE_ECHO_H
#define PROBE_ECHO_H

#include "base/attr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define PROBE_ECHO_HEAD 8

enum probe_echo_kind { PROBE_ECHO_NONE, PROBE_ECHO_REPLY, PROBE_ECHO_EXCEEDED };

struct probe_echo {
    enum probe_echo_kind kind;
    uint16_t id, seq;        /* of the reply, or of the request that died */
    struct kd_bytes payload; /* of a reply; borrowed */
};

/* A request of PROBE_ECHO_HEAD octets and the payload, into buf with room for them; returns its
 * length. The checksum of ICMPv6 is the kernel's to fill in. */
size_t probe_echo_put(uint8_t *buf, uint8_t family, uint16_t id, uint16_t seq,
                      struct kd_bytes payload);
/* What a raw socket of the family received (IPv4: with its IP header); NONE for anything else. Its
 * checksum is the kernel's affair. */
struct probe_echo probe_echo_get(struct kd_bytes msg, uint8_t family);

#endif
