/* Inside src/esp only: an inner packet down to its next-layer header. */
#ifndef ESP_INNER_H
#define ESP_INNER_H

#include "base/addr.h"

#define ESP_PROTO_ICMP    1
#define ESP_PROTO_TCP     6
#define ESP_PROTO_UDP     17
#define ESP_PROTO_DCCP    33
#define ESP_PROTO_ICMPV6  58
#define ESP_PROTO_SCTP    132
#define ESP_PROTO_UDPLITE 136

struct esp_inner {
    struct kd_addr src, dst;
    uint8_t proto;    /* of the next layer: IPv6 extension headers are passed over */
    bool later;       /* a fragment other than the first: at holds no next-layer header */
    uint32_t at, end; /* the next layer's bytes are pkt[at..end); TFC or slack behind end is not */
};

/* False when malformed: lengths, version, or more extension headers than ESP_INNER_EXT_MAX. */
bool esp_inner_parse(const uint8_t *pkt, size_t len, struct esp_inner *in) KD_MUST_USE;

/* RFC 8200 4.1 has seven extension headers in a sensible packet. */
#define ESP_INNER_EXT_MAX 8

#endif
