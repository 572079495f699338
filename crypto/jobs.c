/* Slow work as a job (DESIGN 3.2): a value in, a value out, on whichever thread. Diffie-Hellman
 * here, signatures in sign.c, certificates in chain.c. The provider has the mathematics; here are
 * the arena and the checks that don't depend on it. */
#include "crypto/keys.h"

/* NULL when unknown, unavailable or NONE. */
static const struct kc_alg *group_alg(const struct kc_ctx *c, enum kc_dh group)
{
    const struct kc_alg *a = kc_alg_find(KC_DH, (uint16_t)group, 0);

    return a && a->pub_len > 0 && kc_available(c, a) ? a : NULL;
}

struct kd_handle kc_dh_private(struct kc_ctx *c, enum kc_dh group, struct kc_rng *rng)
{
    const struct kc_alg *a = group_alg(c, group);
    struct kd_handle h = KD_HANDLE_NONE;
    struct kc_secret priv;

    if (!a)
        return h;
    if (c->ops->dh_private(c->self, a, rng, &priv))
        h = kc_key_import(c, kc_secret_bytes(&priv));
    kc_wipe(&priv, sizeof(priv));
    return h;
}

static void keygen(struct kc_ctx *c, const struct kc_alg *a, const struct kc_secret *priv,
                   struct kc_job_result *res)
{
    if (!c->ops->dh_public(c->self, a, priv, res->pub))
        return;
    res->pub_len = a->pub_len;
    res->status = KC_JOB_OK;
}

static void shared(struct kc_ctx *c, const struct kc_alg *a, const struct kc_secret *priv,
                   struct kd_bytes peer, struct kc_job_result *res)
{
    struct kc_secret s = {.len = 0};

    if (peer.len != a->pub_len) { /* RFC 7296 3.4: the length is that of the group, padded */
        res->status = KC_JOB_BAD_PEER;
        return;
    }
    res->status = c->ops->dh_shared(c->self, a, priv, peer, &s);
    if (res->status == KC_JOB_OK) {
        kd_assert(s.len == a->out_len);
        res->secret = kc_key_import(c, kc_secret_bytes(&s));
        if (kd_handle_none(res->secret))
            res->status = KC_JOB_FAILED;
    }
    kc_wipe(&s, sizeof(s));
}

static void dh_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res)
{
    const struct kc_alg *a = group_alg(c, job->group);
    struct kc_secret priv;

    if (!a || !kc_arena_get(c->arena, job->priv, &priv))
        return;
    if (job->kind == KC_JOB_DH_KEYGEN)
        keygen(c, a, &priv, res);
    else
        shared(c, a, &priv, job->peer, res);
    kc_wipe(&priv, sizeof(priv));
}

static void chain_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res)
{
    kc_chain_check(c, job->chain, &res->chain);
    if (res->chain.status == KC_CHAIN_OK)
        res->status = KC_JOB_OK;
    else if (res->chain.status != KC_CHAIN_FAILED)
        res->status = KC_JOB_BAD_PEER;
}

void kc_job_run(struct kc_ctx *c, const struct kc_job *job, struct kc_job_result *res)
{
    memset(res, 0, sizeof(*res));
    res->status = KC_JOB_FAILED;
    switch (job->kind) {
    case KC_JOB_DH_KEYGEN:
    case KC_JOB_DH_SHARED:
        dh_run(c, job, res);
        break;
    case KC_JOB_SIGN:
        kc_sign_run(c, job, res);
        break;
    case KC_JOB_VERIFY:
        kc_verify_run(c, job, res);
        break;
    case KC_JOB_CHAIN:
        chain_run(c, job, res);
        break;
    }
}
