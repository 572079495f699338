/* The BFD control packet, RFC 5880 4: parse and build. */
#ifndef BFD_PACKET_H
#define BFD_PACKET_H

#include "bfd/bfd.h"

#define BFD_HEADER_LEN 24

struct bfd_packet {
    uint8_t diag; /* 0 to 31 */
    enum bfd_state state;
    bool poll, final, cpi, auth, demand;
    uint8_t detect_mult;
    uint8_t length;
    uint32_t my_discr, your_discr;
    uint32_t tx_us, rx_us, echo_us; /* Desired Min TX, Required Min RX, Required Min Echo RX */
    /* with auth: the section's head, and the whole of it */
    uint8_t auth_type, auth_len;
    struct kd_bytes section;
    struct kd_bytes whole; /* Length bytes of the datagram */
};

/* Fills p with views of datagram. What RFC 5880 6.8.6 asks before a session is looked for, P with
 * F, and that the authentication section fills the packet; BFD_ACCEPTED when all holds. Bytes
 * behind Length are ignored. */
enum bfd_refusal bfd_packet_parse(struct kd_bytes datagram, struct bfd_packet *p) KD_MUST_USE;

/* Appends the 24 bytes of the mandatory section; p->length counts what the caller appends. */
void bfd_packet_build(const struct bfd_packet *p, struct kd_writer *w);

#endif
