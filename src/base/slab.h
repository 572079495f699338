/* Generational handles and the slab that gives them out: a late answer can't touch a recycled
 * object (DESIGN 3.3). Objects never move. */
#ifndef KD_BASE_SLAB_H
#define KD_BASE_SLAB_H

#include "base/attr.h"

/* gen 0 is never given out: a zeroed handle is "none". Plain data, safe to encode and log. */
struct kd_handle {
    uint32_t idx;
    uint32_t gen;
};

#define KD_HANDLE_NONE ((struct kd_handle){0, 0})

static inline bool kd_handle_eq(struct kd_handle a, struct kd_handle b)
{
    return a.idx == b.idx && a.gen == b.gen;
}

static inline bool kd_handle_none(struct kd_handle h)
{
    return h.gen == 0;
}

/* "idx.gen" packed for logs and maps. */
static inline uint64_t kd_handle_u64(struct kd_handle h)
{
    return (uint64_t)h.gen << 32 | h.idx;
}

struct kd_slab {
    size_t elem;      /* bytes an object */
    uint32_t cap;     /* most objects alive at once */
    uint32_t n_live;
    uint32_t n_made;  /* slots that exist */
    uint32_t free;    /* head of the free list, UINT32_MAX when empty */
    uint32_t shift;   /* slots a chunk, as a power of two */
    uint8_t **chunk;
};

#define KD_SLAB_CHUNK 32 /* slots a chunk at most: so many more than cap may exist */

void kd_slab_init(struct kd_slab *s, size_t elem, uint32_t cap);
/* Frees the memory; objects are not looked at. */
void kd_slab_fini(struct kd_slab *s);
/* A zeroed object and its handle in *h; NULL at cap or out of memory. The slab owns the object. */
void *kd_slab_new(struct kd_slab *s, struct kd_handle *h) KD_MUST_USE;
/* The live object of h, or NULL when it has been freed (also for a handle never given out). */
void *kd_slab_get(const struct kd_slab *s, struct kd_handle h);
/* Ends the object; a stale handle is ignored. The slot is zeroed. */
void kd_slab_free(struct kd_slab *s, struct kd_handle h);
/* Iterates live objects in slot order: start with *h = KD_HANDLE_NONE; NULL at the end. The current
 * object may be freed on the way. */
void *kd_slab_next(const struct kd_slab *s, struct kd_handle *h);

#endif
