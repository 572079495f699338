/* Certificates for the engines of ike_pair.h: loaded from the constants of certs.h. */
#ifndef TESTS_IKE_CERTS_H
#define TESTS_IKE_CERTS_H

#include "certs.h"
#include "ike_pair.h"

/* What one side has; NULL where it has none. Pointers to PEM. */
struct certs_spec {
    const char *key, *cert, *mid; /* mid: sent behind cert */
    const char *trust, *crl;
};

/* Aborts when one is refused. */
static inline struct ike_certs certs_load(struct kc_ctx *c, const struct certs_spec *s)
{
    struct ike_certs out = {0};
    const char *const chain[] = {s->cert, s->mid};
    const char *why = "";

    out.key = s->key ? kc_private_load(c, kd_bytes_str(s->key), &why) : NULL;
    kd_assert(!s->key || out.key);
    for (size_t i = 0; i < KD_ARRAY_LEN(chain); i++) {
        if (!chain[i])
            continue;
        size_t n = kc_cert_load(c, kd_bytes_str(chain[i]), &out.chain[out.n_chain], 1, &why);
        kd_assert(n == 1);
        out.n_chain++;
    }
    if (!s->trust)
        return out;
    out.trust = kc_trust_new(c);
    kd_assert(out.trust && kc_trust_add(out.trust, kd_bytes_str(s->trust), &why) > 0);
    kd_assert(!s->crl || kc_trust_add_crl(out.trust, kd_bytes_str(s->crl), &why));
    return out;
}

static inline void certs_free(struct ike_certs *x)
{
    for (uint32_t i = 0; i < x->n_chain; i++)
        kc_cert_free(x->chain[i]);
    kc_private_free(x->key);
    kc_trust_free(x->trust);
}

#endif
