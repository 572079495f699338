/* One deadline per object: an indexed binary heap ordered by (deadline, id), so that equal
 * deadlines fire in the same order everywhere. Time is monotonic microseconds and comes from the
 * caller. */
#ifndef KD_BASE_TIMERS_H
#define KD_BASE_TIMERS_H

#include "base/attr.h"

struct kd_timers {
    struct kd_timer_entry {
        uint64_t at_us;
        uint32_t id;
    } *heap;
    uint32_t *pos; /* id -> heap index + 1, 0 when unset */
    uint32_t n, heap_cap, pos_cap;
};

void kd_timers_init(struct kd_timers *t);
void kd_timers_fini(struct kd_timers *t);
/* Sets or moves id's deadline; KD_NEVER removes it. False only when out of memory. */
bool kd_timers_set(struct kd_timers *t, uint32_t id, uint64_t at_us) KD_MUST_USE;
void kd_timers_del(struct kd_timers *t, uint32_t id);
uint64_t kd_timers_get(const struct kd_timers *t, uint32_t id); /* KD_NEVER when unset */
uint64_t kd_timers_next(const struct kd_timers *t);             /* KD_NEVER when empty */
/* Removes the earliest entry that is due at now and gives its id; false when none is due. */
bool kd_timers_pop(struct kd_timers *t, uint64_t now_us, uint32_t *id);

#endif
