/* UTF-8 (RFC 3629): what may be passed on as text, and made fit for a terminal. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/wire.h"

/* Octets of the character at the head of b, its code point in *cp; 0 when there is none: nothing
 * left, cut short, longer than it need be, a surrogate or beyond U+10FFFF. */
size_t kd_utf8_next(struct kd_bytes b, uint32_t *cp);
bool kd_utf8_ok(struct kd_bytes b);
/* Writes text with '?' for what is no character, for controls and for those that turn the direction
 * of writing; whole characters up to cap - 1 octets, then '\0'. */
void kd_utf8_printable(struct kd_bytes text, char *buf, size_t cap);

#endif
