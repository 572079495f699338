/* The Internet checksum of IP, ICMP and their kind. RFC 1071. */
#ifndef KD_BASE_CHECKSUM_H
#define KD_BASE_CHECKSUM_H

#include "base/bytes.h"

#include <stdint.h>

/* Of b, its checksum field zero, beginning with sum: what a pseudo header adds, as 16-bit words. */
uint16_t kd_checksum(struct kd_bytes b, uint32_t sum);

#endif
