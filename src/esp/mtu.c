/* Sizes: what fits into what. RFC 4303 2, RFC 3948 2. */
#include "esp/sa.h"

#define UDP_HEADER_LEN 8

/* Around the text: header, IV and ICV, with what is outside of ESP. */
static uint32_t fixed_len(const struct kc_alg *encr, const struct kc_alg *integ,
                          uint8_t outer_family, bool encap)
{
    const uint32_t ip = outer_family == 6 ? 40 : 20, udp = encap ? UDP_HEADER_LEN : 0;

    return ip + udp + ESP_HEADER_LEN + encr->iv_len + (uint32_t)esp_icv_len(encr, integ);
}

uint32_t esp_outer_len(const struct kc_alg *encr, const struct kc_alg *integ, uint8_t outer_family,
                       bool encap, uint32_t inner)
{
    const uint32_t align = esp_align(encr);

    return fixed_len(encr, integ, outer_family, encap) +
           (inner + ESP_TRAILER_LEN + align - 1) / align * align;
}

uint32_t esp_inner_mtu(const struct kc_alg *encr, const struct kc_alg *integ, uint8_t outer_family,
                       bool encap, uint32_t outer_mtu)
{
    const uint32_t fixed = fixed_len(encr, integ, outer_family, encap);
    const uint32_t align = esp_align(encr);
    uint32_t text;

    if (outer_mtu < fixed + align)
        return 0;
    text = (outer_mtu - fixed) / align * align;
    return text - ESP_TRAILER_LEN;
}
