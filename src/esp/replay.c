/* The replay window as a ring bitmap, the idea of RFC 6479: moving right clears whole words ahead
 * of the top and shifts nothing. One word more than the window holds is kept, so the window is
 * exact: of size 1024, top - 1023 is still inside and top - 1024 is not.
 *
 * Covers RFC 4303 3.4.3 and appendix A2.1, A2.2. Not covered: A3, finding the peer again after 2^32
 * packets in a row were lost; such an SA stays deaf until IKE replaces it. */
#include "esp/replay.h"

#include "esp/esp.h"

#include <string.h>

void esp_replay_init(struct esp_replay *r, uint32_t window, bool esn)
{
    uint32_t words = 1;

    memset(r, 0, sizeof(*r));
    window = KD_MIN(window, ESP_REPLAY_MAX);
    r->size = (window + 63) / 64 * 64;
    r->esn = esn;
    while (words < r->size / 64 + 1)
        words *= 2;
    kd_assert(words <= ESP_REPLAY_WORDS);
    r->n_mask = words - 1;
}

/* Appendix A2.2. The window's bottom is top - w + 1. When it lies in top's own subspace of 2^32
 * (case A), a low half below the bottom can only be of the next subspace; when the window reaches
 * back into the subspace before (case B), a low half at or above the bottom is of that one. */
uint64_t esp_replay_infer(const struct esp_replay *r, uint32_t lo)
{
    /* Without a window nothing bounds reordering: half the space on each side. */
    const uint32_t w = r->size ? r->size : UINT32_C(1) << 31;
    const uint32_t top_lo = (uint32_t)r->top, bottom = top_lo - w + 1;
    uint64_t hi = r->top >> 32;

    if (!r->esn)
        return lo;
    if (top_lo >= w - 1) {
        if (lo < bottom && hi++ == UINT32_MAX)
            return 0; /* beyond the last number of the SA */
    } else if (lo >= bottom) {
        if (hi-- == 0)
            return 0; /* before the first */
    }
    return hi << 32 | lo;
}

static uint32_t word_of(const struct esp_replay *r, uint64_t seq)
{
    return (uint32_t)(seq / 64) & r->n_mask;
}

static uint64_t bit_of(uint64_t seq)
{
    return UINT64_C(1) << (seq % 64);
}

bool esp_replay_check(const struct esp_replay *r, uint64_t seq)
{
    if (seq == 0) /* RFC 4303 3.3.3: the first packet has number 1 */
        return false;
    if (r->size == 0 || seq > r->top)
        return true;
    if (r->top - seq >= r->size)
        return false;
    return (r->ring[word_of(r, seq)] & bit_of(seq)) == 0;
}

void esp_replay_update(struct esp_replay *r, uint64_t seq)
{
    if (seq > r->top) {
        uint64_t fresh = KD_MIN(seq / 64 - r->top / 64, (uint64_t)r->n_mask + 1);
        for (uint64_t i = 0; i < fresh; i++)
            r->ring[word_of(r, seq - i * 64)] = 0;
        r->top = seq;
    }
    r->ring[word_of(r, seq)] |= bit_of(seq);
}
