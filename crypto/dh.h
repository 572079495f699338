/* Inside crypto/ only: the three kinds of Diffie-Hellman groups of the real provider. All take
 * prepared, constant group objects and may run on several threads at once. */
#ifndef KC_DH_H
#define KC_DH_H

#include "crypto/provider.h"

#include <openssl/types.h>

/* ---- dh_modp.c ---- */

struct kc_modp;

/* NULL: not a MODP group, or out of memory. */
struct kc_modp *kc_modp_new(enum kc_dh group) KD_MUST_USE;
void kc_modp_free(struct kc_modp *g);
/* The fixed numbers as hexadecimal text; NULL when not a MODP group, or for q when unknown (the
 * safe primes, where it is (p - 1) / 2 and no check needs it). Also for tests. */
const char *kc_modp_p(enum kc_dh group);
const char *kc_modp_g(enum kc_dh group);
const char *kc_modp_q(enum kc_dh group);

bool kc_modp_private(const struct kc_modp *g, struct kc_rng *rng, struct kc_secret *priv);
bool kc_modp_public(const struct kc_modp *g, const struct kc_secret *priv, uint8_t *pub);
enum kc_job_status kc_modp_shared(const struct kc_modp *g, const struct kc_secret *priv,
                                  struct kd_bytes peer, struct kc_secret *shared);

/* ---- dh_ecp.c ---- */

struct kc_ecp;

struct kc_ecp *kc_ecp_new(OSSL_LIB_CTX *lib, enum kc_dh group) KD_MUST_USE;
void kc_ecp_free(struct kc_ecp *g);
bool kc_ecp_private(const struct kc_ecp *g, struct kc_rng *rng, struct kc_secret *priv);
bool kc_ecp_public(const struct kc_ecp *g, const struct kc_secret *priv, uint8_t *pub);
enum kc_job_status kc_ecp_shared(const struct kc_ecp *g, const struct kc_secret *priv,
                                 struct kd_bytes peer, struct kc_secret *shared);

/* ---- dh_x25519.c ---- */

bool kc_x25519_private(struct kc_rng *rng, struct kc_secret *priv);
bool kc_x25519_public(const struct kc_secret *priv, uint8_t *pub);
enum kc_job_status kc_x25519_shared(const struct kc_secret *priv, struct kd_bytes peer,
                                    struct kc_secret *shared);

#endif
