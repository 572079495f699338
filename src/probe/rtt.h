/* Round trip times, kept as a histogram: octaves of 32 steps, so that a quantile is right to 3 %,
 * however many there are. */
#ifndef PROBE_RTT_H
#define PROBE_RTT_H

#include <stdint.h>

#define PROBE_RTT_STEPS   32
#define PROBE_RTT_OCTAVES 26 /* from 32 us to half an hour */

struct probe_rtt {
    uint64_t n, sum_us, min_us, max_us;
    uint64_t bucket[PROBE_RTT_STEPS * PROBE_RTT_OCTAVES];
};

void probe_rtt_add(struct probe_rtt *r, uint64_t us);
void probe_rtt_sum(const struct probe_rtt *r, uint64_t *min, uint64_t *mean, uint64_t *max);
/* The time that percent of them don't exceed (the upper end of its step, never above the longest);
 * 0 without any. */
uint64_t probe_rtt_quantile(const struct probe_rtt *r, unsigned percent);

#endif
