/* The Internet checksum. An odd octet at the end counts as if a zero followed. */
#include "base/checksum.h"

uint16_t kd_checksum(struct kd_bytes b, uint32_t sum)
{
    for (size_t i = 0; i < b.len; i += 2)
        sum += (uint32_t)b.p[i] << 8 | (i + 1 < b.len ? b.p[i + 1] : 0);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
