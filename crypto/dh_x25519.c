/* Curve25519 in IKEv2 (RFC 8031, RFC 7748), by libsodium.
 *
 * RFC 7748 5: the top bit of the peer's value is ignored, values not reduced are taken as they are,
 * points on the twist are harmless. RFC 7748 6.1 (RFC 8031 3.2 leads there): a secret of all zeros,
 * which means that the peer sent a point of small order, is refused. */
#include "crypto/dh.h"

#include <sodium.h>

#define LEN crypto_scalarmult_curve25519_BYTES

bool kc_x25519_private(struct kc_rng *rng, struct kc_secret *priv)
{
    priv->len = LEN;
    kc_rng_bytes(rng, priv->b, LEN); /* clamped at use, RFC 7748 5 */
    return true;
}

bool kc_x25519_public(const struct kc_secret *priv, uint8_t *pub)
{
    return priv->len == LEN && crypto_scalarmult_curve25519_base(pub, priv->b) == 0;
}

enum kc_job_status kc_x25519_shared(const struct kc_secret *priv, struct kd_bytes peer,
                                    struct kc_secret *shared)
{
    if (priv->len != LEN)
        return KC_JOB_FAILED;
    kd_assert(peer.len == LEN);
    shared->len = LEN;
    if (crypto_scalarmult_curve25519(shared->b, priv->b, peer.p) != 0)
        return KC_JOB_BAD_PEER;
    return sodium_is_zero(shared->b, LEN) ? KC_JOB_BAD_PEER : KC_JOB_OK;
}
