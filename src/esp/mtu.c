/* Sizes: what fits into what. RFC 4303 2, RFC 3948 2. */
#include "esp/sa.h"

#define UDP_HEADER_LEN 8

uint32_t esp_inner_mtu(const struct kc_alg *encr, const struct kc_alg *integ, uint8_t outer_family,
                       bool encap, uint32_t outer_mtu)
{
    const uint32_t ip = outer_family == 6 ? 40 : 20, udp = encap ? UDP_HEADER_LEN : 0;
    const uint32_t fixed = ip + udp + ESP_HEADER_LEN + encr->iv_len + esp_icv_len(encr, integ);
    const uint32_t align = esp_align(encr);
    uint32_t text;

    if (outer_mtu < fixed + align)
        return 0;
    text = (outer_mtu - fixed) / align * align;
    return text - ESP_TRAILER_LEN;
}
