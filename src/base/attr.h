/* Compiler attributes, the always-on assertion and small arithmetic used everywhere. */
#ifndef KD_BASE_ATTR_H
#define KD_BASE_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KD_MUST_USE       __attribute__((warn_unused_result))
#define KD_PRINTF(f, a)   __attribute__((format(printf, f, a)))
#define KD_UNUSED         __attribute__((unused))
#define KD_ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define KD_MIN(a, b)      ((a) < (b) ? (a) : (b))
#define KD_MAX(a, b)      ((a) > (b) ? (a) : (b))

/* A bug in kedge, never a judgement on data that came from outside. Stays on in every build. */
#define kd_assert(x) ((x) ? (void)0 : kd_assert_fail(#x, __FILE__, __LINE__))
_Noreturn void kd_assert_fail(const char *expr, const char *file, int line);

/* Times are monotonic microseconds in uint64_t; KD_NEVER means "no deadline". */
#define KD_NEVER UINT64_MAX
#define KD_MS(x) ((uint64_t)(x)*1000u)
#define KD_S(x)  ((uint64_t)(x)*1000000u)

#endif
