/* What the tests of crypto/ share: typed facts in hexadecimal, contexts, keys from bytes. */
#ifndef KEDGE_TEST_CRYPTO_H
#define KEDGE_TEST_CRYPTO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"

struct blob {
    uint8_t b[1024];
    size_t len;
};

static inline struct kd_bytes view(const struct blob *x)
{
    return kd_bytes(x->b, x->len);
}

static inline struct blob unhex(const char *s)
{
    struct blob out = {.len = strlen(s) / 2};

    assert_true(strlen(s) % 2 == 0 && out.len <= sizeof(out.b));
    for (size_t i = 0; i < out.len; i++) {
        unsigned int v;
        assert_int_equal(sscanf(s + 2 * i, "%2x", &v), 1);
        out.b[i] = (uint8_t)v;
    }
    return out;
}

static inline struct blob fill(uint8_t byte, size_t len)
{
    struct blob out = {.len = len};

    assert_true(len <= sizeof(out.b));
    memset(out.b, byte, len);
    return out;
}

static inline struct kd_handle import(struct kc_ctx *c, const struct blob *x)
{
    struct kd_handle h = kc_key_import(c, view(x));

    assert_false(kd_handle_none(h));
    return h;
}

static inline struct blob exported(struct kc_ctx *c, struct kd_handle h)
{
    struct blob out;

    out.len = kc_key_export(c, h, out.b, sizeof(out.b));
    assert_true(out.len > 0);
    return out;
}

static inline void assert_bytes(const void *got, size_t len, const char *hex)
{
    struct blob want = unhex(hex);

    assert_int_equal(len, want.len);
    assert_memory_equal(got, want.b, len);
}

static inline struct kc_ctx *ctx_new(enum kc_provider p, uint32_t keys_max)
{
    struct kc_ctx *c = kc_ctx_new(p, keys_max);

    assert_non_null(c);
    return c;
}

/* Fixed: a failing test can be repeated. */
static inline struct kc_rng rng_of(uint8_t seed_byte)
{
    struct blob seed = fill(seed_byte, 32);
    struct kc_rng r;

    kc_rng_init(&r, seed.b);
    return r;
}

#endif
