/* Packets of a whole drill in a bounded number of buckets: when time runs past the last one, each
 * two become one of double width. Nothing is lost by it but resolution; outages keep their exact
 * times beside. */
#include "drill/result.h"

#define WIDTH_FIRST_US KD_MS(1)

static void merge(struct drill_bucket *to, const struct drill_bucket *b)
{
    to->answered += b->answered;
    to->lost += b->lost;
    to->rtt_max_us = KD_MAX(to->rtt_max_us, b->rtt_max_us);
}

static void widen(struct drill_samples *s)
{
    uint32_t n = (s->n + 1) / 2;

    for (uint32_t i = 0; i < n; i++) {
        struct drill_bucket two = s->b[2 * i];
        if (2 * i + 1 < s->n)
            merge(&two, &s->b[2 * i + 1]);
        s->b[i] = two;
    }
    for (uint32_t i = n; i < s->n; i++)
        s->b[i] = (struct drill_bucket){0};
    s->n = n;
    s->width_us *= 2;
}

void drill_samples_add(struct drill_samples *s, uint64_t at_us, const struct drill_bucket *b)
{
    if (s->width_us == 0)
        s->width_us = WIDTH_FIRST_US;
    while (at_us / s->width_us >= DRILL_BUCKETS_MAX)
        widen(s);
    uint32_t i = (uint32_t)(at_us / s->width_us);
    s->n = KD_MAX(s->n, i + 1);
    merge(&s->b[i], b);
}
