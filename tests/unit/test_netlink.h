/* What the tests of netlink's messages share: a buffer to build into, and hex to hold it against.
 * Little-endian hosts only: netlink is in host order, the goldens are written out. */
#ifndef TEST_NETLINK_H
#define TEST_NETLINK_H

#include "netlink/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static _Alignas(8) uint8_t room[8192];
static struct nl_buf buf;

static inline int fresh(void **state)
{
    (void)state;
    memset(room, 0xee, sizeof(room));
    buf = (struct nl_buf){.p = room, .cap = sizeof(room)};
    return 0;
}

static inline struct kd_addr ip(const char *s)
{
    struct kd_addr a;

    assert_true(kd_addr_parse(s, &a));
    return a;
}

static inline struct kd_prefix net(const char *s)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(s, true, &p));
    return p;
}

static inline size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned v;
    int used;

    while (sscanf(hex, " %2x%n", &v, &used) == 1) {
        out[n++] = (uint8_t)v;
        hex += used;
    }
    return n;
}

/* The message's bytes from at on are hex. */
static inline void expect_at(size_t at, const char *hex)
{
    uint8_t want[1024];
    size_t n = unhex(hex, want);

    assert_true(at + n <= buf.len);
    for (size_t i = 0; i < n; i++)
        if (buf.p[at + i] != want[i])
            fail_msg("byte %zu is %02x, not %02x", at + i, buf.p[at + i], want[i]);
}

static inline void expect(const char *hex)
{
    uint8_t want[1024];

    assert_int_equal(buf.len, unhex(hex, want));
    expect_at(0, hex);
}

/* A random test's stream; whoever seeds it prints the seed. */
static uint64_t rng;

static inline uint32_t rnd(uint32_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)(rng >> 32) % below;
}

#endif
