/* Inside src/esp only: one direction's state, and what seal, open and mtu agree on. */
#ifndef ESP_SA_H
#define ESP_SA_H

#include "esp/esp.h"
#include "esp/replay.h"

#include <stdatomic.h>

#define ESP_HEADER_LEN  8 /* SPI and the low half of the sequence number */
#define ESP_TRAILER_LEN 2 /* pad length and next header */
#define ESP_NH_IPV4     4
#define ESP_NH_IPV6     41
#define ESP_NH_DUMMY    59 /* RFC 4303 2.6 */

/* Written by the one thread that seals or opens; read by any. */
struct esp_tally {
    _Atomic uint64_t packets, bytes, seq;
    _Atomic uint64_t drop[ESP_VERDICT_N];
};

struct esp_sa {
    struct kc_box *box;
    uint32_t spi;
    bool esn, aead;
    uint8_t iv_len, icv_len, align;
    uint64_t seq, seq_max;    /* outbound: last used, last that may be used */
    struct kc_rng iv_stream;  /* outbound, not AEAD */
    struct esp_replay replay; /* inbound */
    struct esp_tally tally;
};

/* RFC 4303 2.4: what is encrypted ends on the cipher's block and on 4 bytes. */
static inline uint32_t esp_align(const struct kc_alg *encr)
{
    return KD_MAX(encr->block, (uint32_t)4);
}

static inline uint32_t esp_icv_len(const struct kc_alg *encr, const struct kc_alg *integ)
{
    return encr->aead || !integ ? encr->icv_len : integ->icv_len;
}

/* Associated data. RFC 4106 5: SPI and the whole sequence number, 8 or 12 bytes. With a MAC it is
 * the header as sent, and the high half is hashed behind the packet (RFC 4303 2.8). */
struct esp_aad {
    uint8_t aad[12], tail[4];
    uint8_t aad_len, tail_len;
};

void esp_aad_make(const struct esp_sa *sa, uint32_t spi, uint64_t seq, struct esp_aad *a);
/* One packet's verdict into the counters; inner_len counts with ESP_OK. */
void esp_tally_add(struct esp_tally *t, enum esp_verdict v, uint32_t inner_len);
/* Length of the IPv4 or IPv6 packet at p as its own header says, and the ESP next header it needs;
 * 0 when there is no such packet within len bytes. A jumbogram is not recognised. */
uint32_t esp_inner_len(const uint8_t *p, size_t len, uint8_t *next_header);

#endif
