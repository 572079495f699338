/* The histogram of round trips. */
#include "probe/rtt.h"

/* Below PROBE_RTT_STEPS a step is a microsecond; above, the five bits below the leading one. */
static unsigned bucket_of(uint64_t us)
{
    unsigned octave = 0;

    while (us >= 2 * PROBE_RTT_STEPS && octave < PROBE_RTT_OCTAVES - 2) {
        us >>= 1;
        octave++;
    }
    if (us >= 2 * PROBE_RTT_STEPS)
        us = 2 * PROBE_RTT_STEPS - 1;
    return octave * PROBE_RTT_STEPS + (unsigned)us;
}

static uint64_t upper_end(unsigned bucket)
{
    unsigned octave = bucket < 2 * PROBE_RTT_STEPS ? 0 : bucket / PROBE_RTT_STEPS - 1;

    return (((uint64_t)bucket - octave * PROBE_RTT_STEPS + 1) << octave) - 1;
}

void probe_rtt_add(struct probe_rtt *r, uint64_t us)
{
    r->min_us = r->n == 0 || us < r->min_us ? us : r->min_us;
    r->max_us = us > r->max_us ? us : r->max_us;
    r->sum_us += us;
    r->n++;
    r->bucket[bucket_of(us)]++;
}

void probe_rtt_sum(const struct probe_rtt *r, uint64_t *min, uint64_t *mean, uint64_t *max)
{
    *min = r->min_us;
    *max = r->max_us;
    *mean = r->n ? r->sum_us / r->n : 0;
}

uint64_t probe_rtt_quantile(const struct probe_rtt *r, unsigned percent)
{
    uint64_t want = (r->n * percent + 99) / 100, seen = 0;

    for (unsigned i = 0; want && i < PROBE_RTT_STEPS * PROBE_RTT_OCTAVES; i++) {
        seen += r->bucket[i];
        if (seen >= want)
            return upper_end(i) < r->max_us ? upper_end(i) : r->max_us;
    }
    return 0;
}
