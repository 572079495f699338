/* The key arena: every long-lived secret of a context lives in one guarded, locked area of
 * libsodium's (sodium_allocarray: guard pages on both sides, a canary, mlock and MADV_DONTDUMP), in
 * slots of equal size, reached by generational handles as in base/slab.c (DESIGN 3.3).
 *
 * Not base/slab.c itself: that one grows by calloc() and gives out pointers; here the memory is
 * fixed from the start, nothing points into it, and a secret is copied in and out under the mutex,
 * so that a job on another thread never sees a key half freed.
 *
 * The bookkeeping is outside of the guarded area: it is no secret, and a stray write into it can't
 * reach a key. Slots are all KC_KEY_MAX (640) bytes although most keys have 20 to 64: 1,000 tunnels
 * need 12,000 keys or 7.7 MB, just under Debian 12's default RLIMIT_MEMLOCK of 8 MB, and one size
 * can't fragment. */
#include "crypto/provider.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#define NO_SLOT UINT32_MAX

struct slot {
    uint32_t gen;  /* of the live key, or of the last one */
    uint32_t next; /* free list, when not live */
    uint16_t len;
    bool live;
};

struct kc_arena {
    pthread_mutex_t lock;
    uint32_t cap;
    uint32_t n_live;
    uint32_t free; /* head of the free list */
    bool locked;
    struct slot *slot;
    uint8_t *mem; /* guarded */
};

static uint8_t *bytes_of(const struct kc_arena *a, uint32_t idx)
{
    return a->mem + (size_t)idx * KC_KEY_MAX;
}

static struct slot *slot_of(const struct kc_arena *a, struct kd_handle h)
{
    struct slot *s;

    if (h.gen == 0 || h.idx >= a->cap)
        return NULL;
    s = &a->slot[h.idx];
    return s->live && s->gen == h.gen ? s : NULL;
}

struct kc_arena *kc_arena_new(uint32_t cap)
{
    struct kc_arena *a;

    if (cap == 0 || cap >= NO_SLOT)
        return NULL;
    a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->cap = cap;
    a->slot = calloc(cap, sizeof(*a->slot));
    a->mem = sodium_allocarray(cap, KC_KEY_MAX);
    if (!a->slot || !a->mem) {
        sodium_free(a->mem);
        free(a->slot);
        free(a);
        return NULL;
    }
    pthread_mutex_init(&a->lock, NULL);
    /* sodium_allocarray() has tried to lock but doesn't say whether it could; locks don't nest. */
    a->locked = sodium_mlock(a->mem, (size_t)cap * KC_KEY_MAX) == 0;
    sodium_memzero(a->mem, (size_t)cap * KC_KEY_MAX);
    a->free = NO_SLOT;
    for (uint32_t i = cap; i-- > 0;) {
        a->slot[i].next = a->free;
        a->free = i;
    }
    return a;
}

void kc_arena_free(struct kc_arena *a)
{
    if (!a)
        return;
    sodium_free(a->mem); /* wipes first */
    pthread_mutex_destroy(&a->lock);
    free(a->slot);
    free(a);
}

bool kc_arena_get(struct kc_arena *a, struct kd_handle h, struct kc_secret *out)
{
    const struct slot *s;

    pthread_mutex_lock(&a->lock);
    s = slot_of(a, h);
    out->len = 0;
    if (s) {
        out->len = s->len;
        memcpy(out->b, bytes_of(a, h.idx), s->len);
    }
    pthread_mutex_unlock(&a->lock);
    return s != NULL;
}

const uint8_t *kc_arena_raw(const struct kc_arena *a, uint32_t idx)
{
    kd_assert(idx < a->cap);
    return bytes_of(a, idx);
}

/* ---- public: by context ---- */

struct kd_handle kc_key_import(struct kc_ctx *c, struct kd_bytes key)
{
    struct kc_arena *a = c->arena;
    struct kd_handle h = KD_HANDLE_NONE;
    struct slot *s;

    if (key.len > KC_KEY_MAX)
        return h;
    pthread_mutex_lock(&a->lock);
    if (a->free != NO_SLOT) {
        h.idx = a->free;
        s = &a->slot[h.idx];
        a->free = s->next;
        if (++s->gen == 0)
            s->gen = 1;
        h.gen = s->gen;
        s->len = (uint16_t)key.len;
        s->live = true;
        if (key.len > 0)
            memcpy(bytes_of(a, h.idx), key.p, key.len);
        a->n_live++;
    }
    pthread_mutex_unlock(&a->lock);
    return h;
}

void kc_key_free(struct kc_ctx *c, struct kd_handle key)
{
    struct kc_arena *a = c->arena;
    struct slot *s;

    pthread_mutex_lock(&a->lock);
    s = slot_of(a, key);
    if (s) {
        sodium_memzero(bytes_of(a, key.idx), s->len);
        s->live = false;
        s->len = 0;
        s->next = a->free;
        a->free = key.idx;
        a->n_live--;
    }
    pthread_mutex_unlock(&a->lock);
}

size_t kc_key_len(const struct kc_ctx *c, struct kd_handle key)
{
    struct kc_arena *a = c->arena;
    const struct slot *s;
    size_t len;

    pthread_mutex_lock(&a->lock);
    s = slot_of(a, key);
    len = s ? s->len : 0;
    pthread_mutex_unlock(&a->lock);
    return len;
}

size_t kc_key_export(const struct kc_ctx *c, struct kd_handle key, uint8_t *buf, size_t cap)
{
    struct kc_arena *a = c->arena;
    const struct slot *s;
    size_t len = 0;

    pthread_mutex_lock(&a->lock);
    s = slot_of(a, key);
    if (s && s->len <= cap) {
        len = s->len;
        memcpy(buf, bytes_of(a, key.idx), len);
    }
    pthread_mutex_unlock(&a->lock);
    return len;
}

uint32_t kc_keys_live(const struct kc_ctx *c)
{
    uint32_t n;

    pthread_mutex_lock(&c->arena->lock);
    n = c->arena->n_live;
    pthread_mutex_unlock(&c->arena->lock);
    return n;
}

bool kc_keys_locked(const struct kc_ctx *c)
{
    return c->arena->locked;
}

bool kc_key_same(const struct kc_ctx *c, struct kd_handle a, struct kd_handle b)
{
    uint8_t x[KC_KEY_MAX], y[KC_KEY_MAX];
    size_t nx = kc_key_export(c, a, x, sizeof(x)), ny = kc_key_export(c, b, y, sizeof(y));
    bool same = kc_equal(kd_bytes(x, nx), kd_bytes(y, ny));

    kc_wipe(x, sizeof(x));
    kc_wipe(y, sizeof(y));
    return same;
}
