/* Inner packets of the simulator: IPv4 or IPv6 headers real enough for src/esp, with TCP segments
 * or ICMP echo in them. Checksums are left zero: nobody here verifies them. */
#ifndef SIM_PACKET_H
#define SIM_PACKET_H

#include "base/addr.h"
#include "base/wire.h"

#define SIM_PKT_MAX 1400
#define SIM_SEG_MAX 1000 /* TCP bytes a segment */

struct sim_pkt {
    struct kd_addr src, dst;
    uint8_t proto, ttl;
    struct kd_bytes payload; /* borrowed */
};

enum { SIM_PROTO_ICMP = 1, SIM_PROTO_TCP = 6, SIM_PROTO_UDP = 17, SIM_PROTO_ICMPV6 = 58 };
enum { SIM_FIN = 1, SIM_SYN = 2, SIM_RST = 4, SIM_ACK = 16 };

struct sim_seg {
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint8_t flags;
    struct kd_bytes data; /* borrowed */
};

/* Into buf; its length, 0 when it doesn't fit or the families differ. */
size_t sim_pkt_build(const struct sim_pkt *p, uint8_t *buf, size_t cap);
bool sim_pkt_parse(struct kd_bytes raw, struct sim_pkt *p) KD_MUST_USE;
/* One hop less, in place; false when the packet must be dropped. */
bool sim_pkt_hop(uint8_t *raw, size_t len) KD_MUST_USE;

size_t sim_seg_build(const struct sim_seg *s, uint8_t *buf, size_t cap);
bool sim_seg_parse(const struct sim_pkt *p, struct sim_seg *s) KD_MUST_USE;

/* A UDP payload between two ports. */
size_t sim_udp_build(uint16_t sport, uint16_t dport, struct kd_bytes data, uint8_t *buf,
                     size_t cap);
bool sim_udp_parse(const struct sim_pkt *p, uint16_t *sport, uint16_t *dport,
                   struct kd_bytes *data) KD_MUST_USE;

/* ICMP echo payload (request or reply of the family) with id and seq. */
size_t sim_echo_build(uint8_t family, bool reply, uint16_t id, uint16_t seq, uint8_t *buf,
                      size_t cap);
/* False when p is no echo. */
bool sim_echo_parse(const struct sim_pkt *p, bool *reply, uint16_t *id, uint16_t *seq) KD_MUST_USE;

#endif
