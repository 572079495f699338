/* The indexed heap behind kd_timers: ids are small (slab indexes), so the index is an array. */
#include "base/timers.h"

#include <stdlib.h>
#include <string.h>

void kd_timers_init(struct kd_timers *t)
{
    memset(t, 0, sizeof(*t));
}

void kd_timers_fini(struct kd_timers *t)
{
    free(t->heap);
    free(t->pos);
    kd_timers_init(t);
}

static bool before(const struct kd_timer_entry *a, const struct kd_timer_entry *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->id < b->id;
}

static void place(struct kd_timers *t, uint32_t i, struct kd_timer_entry e)
{
    t->heap[i] = e;
    t->pos[e.id] = i + 1;
}

static void sift(struct kd_timers *t, uint32_t i)
{
    struct kd_timer_entry e = t->heap[i];

    while (i > 0 && before(&e, &t->heap[(i - 1) / 2])) {
        place(t, i, t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint32_t c = 2 * i + 1;
        if (c + 1 < t->n && before(&t->heap[c + 1], &t->heap[c]))
            c++;
        if (c >= t->n || !before(&t->heap[c], &e))
            break;
        place(t, i, t->heap[c]);
        i = c;
    }
    place(t, i, e);
}

static bool reserve(struct kd_timers *t, uint32_t id)
{
    if (t->n == t->heap_cap) {
        uint32_t cap = t->heap_cap ? t->heap_cap * 2 : 16;
        void *p = realloc(t->heap, cap * sizeof(*t->heap));
        if (!p)
            return false;
        t->heap = p;
        t->heap_cap = cap;
    }
    if (id >= t->pos_cap) {
        uint32_t cap = KD_MAX(id + 1, t->pos_cap * 2);
        uint32_t *p = realloc(t->pos, cap * sizeof(*p));
        if (!p)
            return false;
        memset(p + t->pos_cap, 0, (cap - t->pos_cap) * sizeof(*p));
        t->pos = p;
        t->pos_cap = cap;
    }
    return true;
}

bool kd_timers_set(struct kd_timers *t, uint32_t id, uint64_t at_us)
{
    if (at_us == KD_NEVER) {
        kd_timers_del(t, id);
        return true;
    }
    if (!reserve(t, id))
        return false;
    if (t->pos[id] == 0)
        place(t, t->n++, (struct kd_timer_entry){at_us, id});
    else
        t->heap[t->pos[id] - 1].at_us = at_us;
    sift(t, t->pos[id] - 1);
    return true;
}

void kd_timers_del(struct kd_timers *t, uint32_t id)
{
    uint32_t i;

    if (id >= t->pos_cap || t->pos[id] == 0)
        return;
    i = t->pos[id] - 1;
    t->pos[id] = 0;
    if (i != --t->n) {
        place(t, i, t->heap[t->n]);
        sift(t, i);
    }
}

uint64_t kd_timers_get(const struct kd_timers *t, uint32_t id)
{
    return id < t->pos_cap && t->pos[id] ? t->heap[t->pos[id] - 1].at_us : KD_NEVER;
}

uint64_t kd_timers_next(const struct kd_timers *t)
{
    return t->n ? t->heap[0].at_us : KD_NEVER;
}

bool kd_timers_pop(struct kd_timers *t, uint64_t now_us, uint32_t *id)
{
    if (t->n == 0 || t->heap[0].at_us > now_us)
        return false;
    *id = t->heap[0].id;
    kd_timers_del(t, *id);
    return true;
}
