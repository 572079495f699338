/* Coming back without flapping: what has failed counts as good again only once it has been so
 * without a break for a span. What never failed is good at once. Values only: the caller says what
 * it sees and when. */
#ifndef CORE_STABLE_H
#define CORE_STABLE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct core_stable {
    uint64_t span_us;
    uint64_t since_us; /* good since, while it still counts as failed; KD_NEVER: it isn't */
    bool failed;
};

static inline void core_stable_init(struct core_stable *s, uint64_t span_us)
{
    *s = (struct core_stable){.span_us = span_us, .since_us = KD_NEVER};
}

/* Good for now, but not to be relied on: the span begins anew. */
static inline void core_stable_break(struct core_stable *s)
{
    s->since_us = KD_NEVER;
}

static inline void core_stable_fail(struct core_stable *s)
{
    s->failed = true;
    s->since_us = KD_NEVER;
}

/* The failure no longer counts. */
static inline void core_stable_forget(struct core_stable *s)
{
    s->failed = false;
    s->since_us = KD_NEVER;
}

/* It is good now; true when that can be relied on. */
static inline bool core_stable_good(struct core_stable *s, uint64_t now_us)
{
    if (s->failed && s->since_us == KD_NEVER)
        s->since_us = now_us;
    if (s->failed && now_us - s->since_us < s->span_us)
        return false;
    core_stable_forget(s);
    return true;
}

/* When it can be relied on, if nothing happens before; KD_NEVER: it isn't good, or is already. */
static inline uint64_t core_stable_at(const struct core_stable *s)
{
    return s->failed && s->since_us != KD_NEVER ? s->since_us + s->span_us : KD_NEVER;
}

#endif
