/* Appending to a bounded line of text; inside src/ike only. What does not fit ends in "...". */
#ifndef IKE_TEXT_H
#define IKE_TEXT_H

#include "base/attr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct ike_text {
    char *buf;
    size_t cap, len;
};

static inline struct ike_text ike_text(char *buf, size_t cap)
{
    kd_assert(cap >= 4);
    buf[0] = '\0';
    return (struct ike_text){.buf = buf, .cap = cap, .len = 0};
}

KD_PRINTF(2, 3) static inline void ike_text_add(struct ike_text *t, const char *fmt, ...)
{
    size_t room = t->cap - t->len;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->buf + t->len, room, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < room) {
        t->len += (size_t)n;
        return;
    }
    memcpy(t->buf + t->cap - 4, "...", 4);
    t->len = t->cap - 1;
}

#endif
