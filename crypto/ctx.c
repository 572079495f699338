/* The context: picks a provider, owns the arena; and the few helpers that need neither. */
#include "crypto/provider.h"

#include <sodium.h>
#include <stdlib.h>

/* The simulator's provider is present only where kc_sim is linked whole: a weak reference never
 * pulls a member out of an archive, so the daemon can't get it by accident. */
#pragma weak kc_sim_ops

static const struct kc_provider_ops *provider(enum kc_provider p)
{
    switch (p) {
    case KC_PROVIDER_REAL:
        return kc_real_ops();
    case KC_PROVIDER_SIM:
        return kc_sim_ops ? kc_sim_ops() : NULL;
    }
    return NULL;
}

struct kc_ctx *kc_ctx_new(enum kc_provider p, uint32_t keys_max)
{
    const struct kc_provider_ops *ops = provider(p);
    struct kc_ctx *c;

    if (!ops || sodium_init() < 0)
        return NULL;
    c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->ops = ops;
    c->arena = kc_arena_new(keys_max);
    if (c->arena)
        c->self = ops->start();
    if (!c->self) {
        kc_arena_free(c->arena);
        free(c);
        return NULL;
    }
    return c;
}

void kc_ctx_free(struct kc_ctx *c)
{
    if (!c)
        return;
    c->ops->stop(c->self);
    kc_arena_free(c->arena);
    free(c);
}

bool kc_available(const struct kc_ctx *c, const struct kc_alg *alg)
{
    return alg && c->ops->available(c->self, alg);
}

struct ossl_lib_ctx_st *kc_ctx_lib(const struct kc_ctx *c)
{
    return c->ops->lib ? c->ops->lib(c->self) : NULL;
}

void kc_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

bool kc_equal(struct kd_bytes a, struct kd_bytes b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.p, b.p, a.len) == 0);
}

void kc_os_random(void *buf, size_t len)
{
    kd_assert(sodium_init() >= 0);
    randombytes_buf(buf, len);
}
