/* The NIST curves in IKEv2: ECP 256, 384 and 521. RFC 5903 7: a public value is x | y, each padded
 * to the field's length, without the 04 of SEC 1; the secret is x alone. RFC 6989 2.3: the peer's
 * point must be on the curve.
 *
 * Decision: EC_GROUP and EC_POINT, which are not deprecated, rather than EVP_PKEY: OpenSSL 3.0's
 * EVP can't make a public key from a given private one, and private values come from the engine's
 * stream. EC_POINT_mul() with one scalar is the same constant-time code that EVP's ECDH runs
 * (nistz256 and the 64-bit NIST code; else the ladder, blinded from OpenSSL's own entropy). */
#include "crypto/dh.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#define FIELD_MAX 66

static const struct curve {
    enum kc_dh id;
    int nid;
    uint8_t len;  /* of a coordinate, and of the order */
    uint8_t mask; /* of the private value's first byte: the order has no more bits */
} curves[] = {
    {KC_DH_ECP256, NID_X9_62_prime256v1, 32, 0xff},
    {KC_DH_ECP384, NID_secp384r1, 48, 0xff},
    {KC_DH_ECP521, NID_secp521r1, 66, 0x01},
};

struct kc_ecp {
    const struct curve *curve;
    OSSL_LIB_CTX *lib;
    EC_GROUP *group;
};

struct kc_ecp *kc_ecp_new(OSSL_LIB_CTX *lib, enum kc_dh group)
{
    struct kc_ecp *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->lib = lib;
    for (size_t i = 0; i < KD_ARRAY_LEN(curves); i++) {
        if (curves[i].id == group)
            g->curve = &curves[i];
    }
    if (g->curve)
        g->group = EC_GROUP_new_by_curve_name_ex(lib, NULL, g->curve->nid);
    if (!g->group) {
        free(g);
        return NULL;
    }
    return g;
}

void kc_ecp_free(struct kc_ecp *g)
{
    if (!g)
        return;
    EC_GROUP_free(g->group);
    free(g);
}

/* The private value as a number in [1, n - 1], NULL when it isn't. */
static BIGNUM *private_number(const struct kc_ecp *g, const struct kc_secret *priv)
{
    BIGNUM *d;

    if (priv->len != g->curve->len)
        return NULL;
    d = BN_bin2bn(priv->b, (int)priv->len, NULL);
    if (!d)
        return NULL;
    BN_set_flags(d, BN_FLG_CONSTTIME);
    if (!BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(g->group)) < 0)
        return d;
    BN_clear_free(d);
    return NULL;
}

bool kc_ecp_private(const struct kc_ecp *g, struct kc_rng *rng, struct kc_secret *priv)
{
    BIGNUM *d = NULL;

    /* All three orders nearly fill their bits: 64 tries end only an allocation failure. */
    for (int i = 0; !d && i < 64; i++) {
        priv->len = g->curve->len;
        kc_rng_bytes(rng, priv->b, priv->len);
        priv->b[0] &= g->curve->mask;
        d = private_number(g, priv);
    }
    BN_clear_free(d);
    return d != NULL;
}

/* Writes x, and y when wanted, padded. The point isn't infinity: the curves have prime order. */
static bool affine(const struct kc_ecp *g, const EC_POINT *pt, BN_CTX *ctx, uint8_t *x, uint8_t *y)
{
    BIGNUM *bx = BN_new(), *by = BN_new();
    int len = g->curve->len;
    bool ok = bx && by && EC_POINT_get_affine_coordinates(g->group, pt, bx, by, ctx) == 1 &&
              BN_bn2binpad(bx, x, len) == len && (!y || BN_bn2binpad(by, y, len) == len);

    BN_clear_free(bx);
    BN_clear_free(by);
    return ok;
}

bool kc_ecp_public(const struct kc_ecp *g, const struct kc_secret *priv, uint8_t *pub)
{
    BIGNUM *d = private_number(g, priv);
    EC_POINT *pt = EC_POINT_new(g->group);
    BN_CTX *ctx = BN_CTX_new_ex(g->lib);
    bool ok = d && pt && ctx && EC_POINT_mul(g->group, pt, d, NULL, NULL, ctx) == 1 &&
              affine(g, pt, ctx, pub, pub + g->curve->len);

    BN_clear_free(d);
    EC_POINT_clear_free(pt);
    BN_CTX_free(ctx);
    return ok;
}

/* Coordinates below the field's prime and on the curve: EC_POINT_oct2point() checks both. Infinity
 * has no x | y form. */
static bool peer_point(const struct kc_ecp *g, struct kd_bytes peer, EC_POINT *pt, BN_CTX *ctx)
{
    uint8_t sec1[1 + 2 * FIELD_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t len = 2u * g->curve->len;

    kd_assert(peer.len == len);
    memcpy(sec1 + 1, peer.p, len);
    if (EC_POINT_oct2point(g->group, pt, sec1, 1 + len, ctx) == 1)
        return true;
    ERR_clear_error(); /* a peer's mistake, not ours */
    return false;
}

enum kc_job_status kc_ecp_shared(const struct kc_ecp *g, const struct kc_secret *priv,
                                 struct kd_bytes peer, struct kc_secret *shared)
{
    enum kc_job_status st = KC_JOB_FAILED;
    BIGNUM *d = private_number(g, priv);
    EC_POINT *q = EC_POINT_new(g->group), *pt = EC_POINT_new(g->group);
    BN_CTX *ctx = BN_CTX_new_ex(g->lib);

    if (d && q && pt && ctx)
        st = peer_point(g, peer, q, ctx) ? KC_JOB_OK : KC_JOB_BAD_PEER;
    if (st == KC_JOB_OK) {
        shared->len = g->curve->len;
        if (EC_POINT_mul(g->group, pt, NULL, q, d, ctx) != 1 ||
            !affine(g, pt, ctx, shared->b, NULL))
            st = KC_JOB_FAILED;
    }
    BN_clear_free(d);
    EC_POINT_free(q);
    EC_POINT_clear_free(pt);
    BN_CTX_free(ctx); /* clears what it held */
    return st;
}
