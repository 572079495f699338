/* The slab: chunks of slots, a free list through the slots, one generation counter a slot. */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    uint32_t gen;  /* of the live object, or of the last one */
    uint32_t next; /* free list, when not live */
    uint32_t live;
    uint32_t pad;
};

#define NO_SLOT UINT32_MAX
/* Of large objects a chunk has fewer: a connection has 41 KiB, and most gateways have few. */
#define CHUNK_BYTES (64u * 1024)

static size_t stride(const struct kd_slab *s)
{
    return (sizeof(struct slot) + s->elem + 15) & ~(size_t)15;
}

static struct slot *slot_at(const struct kd_slab *s, uint32_t i)
{
    return (void *)(s->chunk[i >> s->shift] + (i & ((1u << s->shift) - 1)) * stride(s));
}

static uint32_t chunk_shift(size_t stride)
{
    uint32_t shift = 0;

    while (2u << shift <= KD_SLAB_CHUNK && (stride * 2) << shift <= CHUNK_BYTES)
        shift++;
    return shift;
}

void kd_slab_init(struct kd_slab *s, size_t elem, uint32_t cap)
{
    *s = (struct kd_slab){.elem = elem, .cap = cap, .free = NO_SLOT};
    s->shift = chunk_shift(stride(s));
}

void kd_slab_fini(struct kd_slab *s)
{
    for (uint32_t i = 0; i << s->shift < s->n_made; i++)
        free(s->chunk[i]);
    free(s->chunk);
    kd_slab_init(s, s->elem, s->cap);
}

static bool grow(struct kd_slab *s)
{
    uint32_t slots = 1u << s->shift, n = s->n_made >> s->shift;
    uint8_t **chunk = realloc(s->chunk, (n + 1) * sizeof(*chunk));

    if (!chunk)
        return false;
    s->chunk = chunk;
    s->chunk[n] = calloc(slots, stride(s));
    if (!s->chunk[n])
        return false;
    s->n_made += slots;
    for (uint32_t i = slots; i-- > 0;) {
        slot_at(s, n * slots + i)->next = s->free;
        s->free = n * slots + i;
    }
    return true;
}

void *kd_slab_new(struct kd_slab *s, struct kd_handle *h)
{
    struct slot *slot;

    if (s->n_live >= s->cap || (s->free == NO_SLOT && !grow(s)))
        return NULL;
    slot = slot_at(s, s->free);
    h->idx = s->free;
    s->free = slot->next;
    if (++slot->gen == 0)
        slot->gen = 1;
    h->gen = slot->gen;
    slot->live = 1;
    s->n_live++;
    return slot + 1;
}

static struct slot *slot_of(const struct kd_slab *s, struct kd_handle h)
{
    struct slot *slot;

    if (h.gen == 0 || h.idx >= s->n_made)
        return NULL;
    slot = slot_at(s, h.idx);
    return slot->live && slot->gen == h.gen ? slot : NULL;
}

void *kd_slab_get(const struct kd_slab *s, struct kd_handle h)
{
    struct slot *slot = slot_of(s, h);

    return slot ? slot + 1 : NULL;
}

void kd_slab_free(struct kd_slab *s, struct kd_handle h)
{
    struct slot *slot = slot_of(s, h);

    if (!slot)
        return;
    memset(slot + 1, 0, s->elem);
    slot->live = 0;
    slot->next = s->free;
    s->free = h.idx;
    s->n_live--;
}

void *kd_slab_next(const struct kd_slab *s, struct kd_handle *h)
{
    uint32_t i = h->gen == 0 ? 0 : h->idx + 1;

    for (; i < s->n_made; i++) {
        struct slot *slot = slot_at(s, i);
        if (slot->live) {
            *h = (struct kd_handle){i, slot->gen};
            return slot + 1;
        }
    }
    return NULL;
}
