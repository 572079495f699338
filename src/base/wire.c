/* The bounded reader and writer: every access is checked against what is left, never against a
 * sum that could wrap. */
#include "base/wire.h"

void kd_reader_init(struct kd_reader *r, struct kd_bytes data)
{
    *r = (struct kd_reader){.p = data.p, .len = data.len, .pos = 0, .ok = true};
}

size_t kd_reader_left(const struct kd_reader *r)
{
    return r->ok ? r->len - r->pos : 0;
}

static const uint8_t *take(struct kd_reader *r, size_t n)
{
    const uint8_t *p;

    if (!r->ok || n > r->len - r->pos) {
        r->ok = false;
        return NULL;
    }
    p = r->p + r->pos;
    r->pos += n;
    return p;
}

static uint64_t get_be(struct kd_reader *r, size_t n)
{
    const uint8_t *p = take(r, n);
    uint64_t v = 0;

    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t kd_get_u8(struct kd_reader *r)
{
    return (uint8_t)get_be(r, 1);
}

uint16_t kd_get_u16(struct kd_reader *r)
{
    return (uint16_t)get_be(r, 2);
}

uint32_t kd_get_u24(struct kd_reader *r)
{
    return (uint32_t)get_be(r, 3);
}

uint32_t kd_get_u32(struct kd_reader *r)
{
    return (uint32_t)get_be(r, 4);
}

uint64_t kd_get_u64(struct kd_reader *r)
{
    return get_be(r, 8);
}

struct kd_bytes kd_get_bytes(struct kd_reader *r, size_t len)
{
    const uint8_t *p = len ? take(r, len) : NULL;

    return kd_bytes(p, p ? len : 0);
}

struct kd_bytes kd_get_rest(struct kd_reader *r)
{
    return kd_get_bytes(r, kd_reader_left(r));
}

void kd_get_copy(struct kd_reader *r, void *dst, size_t len)
{
    const uint8_t *p = len ? take(r, len) : NULL;

    if (p)
        memcpy(dst, p, len);
    else
        memset(dst, 0, len);
}

void kd_skip(struct kd_reader *r, size_t len)
{
    take(r, len);
}

struct kd_reader kd_get_sub(struct kd_reader *r, size_t len)
{
    struct kd_reader sub;
    struct kd_bytes b = kd_get_bytes(r, len);

    kd_reader_init(&sub, b);
    sub.ok = r->ok;
    return sub;
}

void kd_reader_fail(struct kd_reader *r)
{
    r->ok = false;
}

bool kd_reader_done(const struct kd_reader *r)
{
    return r->ok && r->pos == r->len;
}

void kd_writer_init(struct kd_writer *w, void *buf, size_t cap)
{
    *w = (struct kd_writer){.p = buf, .cap = cap, .pos = 0, .ok = true};
}

static uint8_t *room(struct kd_writer *w, size_t n)
{
    uint8_t *p;

    if (!w->ok || n > w->cap - w->pos) {
        w->ok = false;
        return NULL;
    }
    p = w->p + w->pos;
    w->pos += n;
    return p;
}

static void store_be(uint8_t *p, uint64_t v, size_t n)
{
    while (n > 0) {
        p[--n] = (uint8_t)v;
        v >>= 8;
    }
}

static void put_be(struct kd_writer *w, uint64_t v, size_t n)
{
    uint8_t *p = room(w, n);

    if (p)
        store_be(p, v, n);
}

void kd_put_u8(struct kd_writer *w, uint8_t v)
{
    put_be(w, v, 1);
}

void kd_put_u16(struct kd_writer *w, uint16_t v)
{
    put_be(w, v, 2);
}

void kd_put_u24(struct kd_writer *w, uint32_t v)
{
    put_be(w, v, 3);
}

void kd_put_u32(struct kd_writer *w, uint32_t v)
{
    put_be(w, v, 4);
}

void kd_put_u64(struct kd_writer *w, uint64_t v)
{
    put_be(w, v, 8);
}

void kd_put_bytes(struct kd_writer *w, struct kd_bytes b)
{
    uint8_t *p = b.len ? room(w, b.len) : NULL;

    if (p)
        memcpy(p, b.p, b.len);
}

void kd_put_zero(struct kd_writer *w, size_t len)
{
    uint8_t *p = len ? room(w, len) : NULL;

    if (p)
        memset(p, 0, len);
}

size_t kd_put_gap(struct kd_writer *w, size_t len)
{
    size_t at = w->pos;

    kd_put_zero(w, len);
    return w->ok ? at : 0;
}

static void patch_be(struct kd_writer *w, size_t at, uint64_t v, size_t n)
{
    if (!w->ok)
        return;
    kd_assert(at <= w->pos && n <= w->pos - at);
    store_be(w->p + at, v, n);
}

void kd_patch_u8(struct kd_writer *w, size_t at, uint8_t v)
{
    patch_be(w, at, v, 1);
}

void kd_patch_u16(struct kd_writer *w, size_t at, uint16_t v)
{
    patch_be(w, at, v, 2);
}

void kd_patch_u32(struct kd_writer *w, size_t at, uint32_t v)
{
    patch_be(w, at, v, 4);
}

struct kd_bytes kd_written(const struct kd_writer *w)
{
    return kd_bytes(w->p, w->pos);
}
