/* The inbound anti-replay window with 64-bit sequence numbers. RFC 4303 3.4.3, appendix A2.
 * Check before the ICV, update after it: an unauthenticated packet moves nothing. */
#ifndef ESP_REPLAY_H
#define ESP_REPLAY_H

#include "base/attr.h"

/* A window of size packets can touch size / 64 + 1 words; the ring is the next power of two. */
#define ESP_REPLAY_WORDS 128

struct esp_replay {
    uint64_t top;    /* highest authenticated number, 0 before the first packet */
    uint32_t size;   /* packets; multiple of 64; 0 when off */
    uint32_t n_mask; /* words in the ring - 1 */
    bool esn;
    uint64_t ring[ESP_REPLAY_WORDS]; /* bit seq % 64 of word seq / 64, modulo the ring */
};

/* window is rounded up to a multiple of 64 and cut to ESP_REPLAY_MAX; 0 switches the check off (the
 * inference of the high half goes on). */
void esp_replay_init(struct esp_replay *r, uint32_t window, bool esn);
/* The whole sequence number of a packet that carries lo: lo itself, or with ESN the 64 bits
 * inferred (appendix A2.2). 0, which no packet has, when that lies outside the SA's numbers. */
uint64_t esp_replay_infer(const struct esp_replay *r, uint32_t lo);
/* True when seq is new: right of the window, or inside and not yet seen. */
bool esp_replay_check(const struct esp_replay *r, uint64_t seq) KD_MUST_USE;
/* Marks seq, which passed the check and whose packet passed its ICV. */
void esp_replay_update(struct esp_replay *r, uint64_t seq);

#endif
