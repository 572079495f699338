/* Borrowed views of bytes, and spans into a byte arena that an output owns. */
#ifndef KD_BASE_BYTES_H
#define KD_BASE_BYTES_H

#include "base/attr.h"

#include <string.h>

/* A view: borrows p[0..len) from whoever says so. p may be NULL only where len is 0. */
struct kd_bytes {
    const uint8_t *p;
    size_t len;
};

/* A place in the arena of the output that carries the span: plain data, valid until the next
 * step. */
struct kd_span {
    uint32_t off;
    uint32_t len;
};

static inline struct kd_bytes kd_bytes(const void *p, size_t len)
{
    return (struct kd_bytes){.p = p, .len = len};
}

static inline struct kd_bytes kd_bytes_str(const char *s)
{
    return kd_bytes(s, strlen(s));
}

/* Not constant-time: for data anyone may see. Secrets and MACs are compared by kc_equal(). */
static inline bool kd_bytes_eq(struct kd_bytes a, struct kd_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

#endif
