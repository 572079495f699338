/* The groups of numbers modulo a prime: MODP 768 to 4096 and the 2048-bit group with a 256-bit
 * subgroup. Fixed groups only, typed here as the RFCs' facts: no parameter ever comes from a peer.
 *
 * RFC 2409 6.1, 6.2 (groups 1, 2); RFC 3526 2 to 5 (groups 5, 14, 15, 16) and 8 (exponent sizes);
 * RFC 5114 2.3 (group 24); RFC 6989 2.1, 2.2 (checks of the peer's value); RFC 7296 2.14 (the
 * secret padded to the length of p). Exponentiation with the private value is constant-time
 * (BN_mod_exp_mont_consttime). */
#include "crypto/dh.h"

#include <openssl/bn.h>
#include <stdlib.h>

/* RFC 2409 6.1: 2^768 - 2^704 - 1 + 2^64 * ([2^638 pi] + 149686) */
static const char p768[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"
    "514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
    "F44C42E9A63A3620FFFFFFFFFFFFFFFF";

/* RFC 2409 6.2: 2^1024 - 2^960 - 1 + 2^64 * ([2^894 pi] + 129093) */
static const char p1024[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"
    "514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
    "F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381"
    "FFFFFFFFFFFFFFFF";

/* RFC 3526 2: 2^1536 - 2^1472 - 1 + 2^64 * ([2^1406 pi] + 741804) */
static const char p1536[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"
    "514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
    "F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D"
    "C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA237327FFFFFFFFFFFFFFFF";

/* RFC 3526 3: 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476) */
static const char p2048[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"
    "514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
    "F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D"
    "C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E8603"
    "9B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF";

/* RFC 3526 4: 2^3072 - 2^3008 - 1 + 2^64 * ([2^2942 pi] + 1690314) */
static const char p3072[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"
    "514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
    "F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D"
    "C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E8603"
    "9B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D"
    "B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB31"
    "43DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

/* RFC 3526 5: 2^4096 - 2^4032 - 1 + 2^64 * ([2^3966 pi] + 240904) */
static const char p4096[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"
    "514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
    "F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D"
    "C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E8603"
    "9B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D"
    "B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB31"
    "43DB5BFCE0FD108E4B82D120A92108011A723C12A787E6D788719A10BDBA5B2699C327186AF4E23C"
    "1A946834B6150BDA2583E9CA2AD44CE8DBBBC2DB04DE8EF92E8EFC141FBECAA6287C59474E6BC05D"
    "99B2964FA090C3A2233BA186515BE7ED1F612970CEE2D7AFB81BDD762170481CD0069127D5B05AA9"
    "93B4EA988D8FDDC186FFB7DC90A6C08F4DF435C934063199FFFFFFFFFFFFFFFF";

/* RFC 5114 2.3: prime, generator, and the order of the subgroup */
static const char p24[] =
    "87A8E61DB4B6663CFFBBD19C651959998CEEF608660DD0F25D2CEED4435E3B00E00DF8F1D61957D4"
    "FAF7DF4561B2AA3016C3D91134096FAA3BF4296D830E9A7C209E0C6497517ABD5A8A9D306BCF67ED"
    "91F9E6725B4758C022E0B1EF4275BF7B6C5BFC11D45F9088B941F54EB1E59BB8BC39A0BF12307F5C"
    "4FDB70C581B23F76B63ACAE1CAA6B7902D52526735488A0EF13C6D9A51BFA4AB3AD8347796524D8E"
    "F6A167B5A41825D967E144E5140564251CCACB83E6B486F6B3CA3F7971506026C0B857F689962856"
    "DED4010ABD0BE621C3A3960A54E710C375F26375D7014103A4B54330C198AF126116D2276E11715F"
    "693877FAD7EF09CADB094AE91E1A1597";

static const char g24[] =
    "3FB32C9B73134D0B2E77506660EDBD484CA7B18F21EF205407F4793A1A0BA12510DBC15077BE463F"
    "FF4FED4AAC0BB555BE3A6C1B0C6B47B1BC3773BF7E8C6F62901228F8C28CBB18A55AE31341000A65"
    "0196F931C77A57F2DDF463E5E9EC144B777DE62AAAB8A8628AC376D282D6ED3864E67982428EBC83"
    "1D14348F6F2F9193B5045AF2767164E1DFC967C1FB3F2E55A4BD1BFFE83B9C80D052B985D182EA0A"
    "DB2A3B7313D3FE14C8484B1E052588B9B7D2BBD2DF016199ECD06E1557CD0915B3353BBB64E0EC37"
    "7FD028370DF92B52C7891428CDC67EB6184B523D1DB246C32F63078490F00EF8D647D148D4795451"
    "5E2327CFEF98C582664B4C0F6CC41659";

static const char q24[] = "8CF83642A709A097B447997640129DA299B1A47D1EB3750BA308B0FE64F5FBD3";

/* priv_len: bytes of the private value, the upper estimates of RFC 3526 8 rounded up (twice the
 * strength), never below 256 bits; group 24's is below q. */
static const struct fact {
    enum kc_dh id;
    uint16_t priv_len;
    const char *p, *g, *q;
} facts[] = {
    {KC_DH_MODP768, 32, p768, "2", NULL},    {KC_DH_MODP1024, 32, p1024, "2", NULL},
    {KC_DH_MODP1536, 32, p1536, "2", NULL},  {KC_DH_MODP2048, 40, p2048, "2", NULL},
    {KC_DH_MODP3072, 53, p3072, "2", NULL},  {KC_DH_MODP4096, 60, p4096, "2", NULL},
    {KC_DH_MODP2048_256, 32, p24, g24, q24},
};

struct kc_modp {
    const struct fact *fact;
    size_t len;         /* of p, in bytes */
    BIGNUM *p, *g, *p1; /* p1 = p - 1 */
    BIGNUM *q;          /* NULL for the safe primes */
    BN_MONT_CTX *mont;
};

static const struct fact *fact_of(enum kc_dh group)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(facts); i++) {
        if (facts[i].id == group)
            return &facts[i];
    }
    return NULL;
}

const char *kc_modp_p(enum kc_dh group)
{
    const struct fact *f = fact_of(group);

    return f ? f->p : NULL;
}

const char *kc_modp_g(enum kc_dh group)
{
    const struct fact *f = fact_of(group);

    return f ? f->g : NULL;
}

const char *kc_modp_q(enum kc_dh group)
{
    const struct fact *f = fact_of(group);

    return f ? f->q : NULL;
}

static bool prepare(struct kc_modp *g)
{
    BN_CTX *ctx = BN_CTX_new();
    bool ok;

    g->mont = BN_MONT_CTX_new();
    ok = ctx && g->mont && BN_hex2bn(&g->p, g->fact->p) && BN_hex2bn(&g->g, g->fact->g) &&
         (!g->fact->q || BN_hex2bn(&g->q, g->fact->q)) && (g->p1 = BN_dup(g->p)) != NULL &&
         BN_sub_word(g->p1, 1) && BN_MONT_CTX_set(g->mont, g->p, ctx);
    BN_CTX_free(ctx);
    if (ok)
        g->len = (size_t)BN_num_bytes(g->p);
    return ok;
}

struct kc_modp *kc_modp_new(enum kc_dh group)
{
    const struct fact *f = fact_of(group);
    struct kc_modp *g = f ? calloc(1, sizeof(*g)) : NULL;

    if (!g)
        return NULL;
    g->fact = f;
    if (!prepare(g)) {
        kc_modp_free(g);
        return NULL;
    }
    return g;
}

void kc_modp_free(struct kc_modp *g)
{
    if (!g)
        return;
    BN_free(g->p);
    BN_free(g->g);
    BN_free(g->p1);
    BN_free(g->q);
    BN_MONT_CTX_free(g->mont);
    free(g);
}

/* The private value as a number; NULL when it is none of this group: 0 or 1, wrong length, not
 * below the subgroup's order. */
static BIGNUM *private_number(const struct kc_modp *g, const struct kc_secret *priv)
{
    BIGNUM *x;

    if (priv->len != g->fact->priv_len)
        return NULL;
    x = BN_bin2bn(priv->b, (int)priv->len, NULL);
    if (!x)
        return NULL;
    BN_set_flags(x, BN_FLG_CONSTTIME);
    if (!BN_is_zero(x) && !BN_is_one(x) && (!g->q || BN_cmp(x, g->q) < 0))
        return x;
    BN_clear_free(x);
    return NULL;
}

bool kc_modp_private(const struct kc_modp *g, struct kc_rng *rng, struct kc_secret *priv)
{
    BIGNUM *x = NULL;

    /* Uniform by drawing again; a refusal is likely only in group 24 (q is 0.55 of 2^256). The
     * bound keeps an allocation failure from looping: 2^-74 that luck alone needs more. */
    for (int i = 0; !x && i < 64; i++) {
        priv->len = g->fact->priv_len;
        kc_rng_bytes(rng, priv->b, priv->len);
        x = private_number(g, priv);
    }
    BN_clear_free(x);
    return x != NULL;
}

/* base^priv mod p, padded to the length of p. */
static bool power(const struct kc_modp *g, const BIGNUM *base, const BIGNUM *priv, BN_CTX *ctx,
                  uint8_t *out)
{
    BIGNUM *r = BN_new();
    bool ok = r && BN_mod_exp_mont_consttime(r, base, priv, g->p, ctx, g->mont) &&
              BN_bn2binpad(r, out, (int)g->len) == (int)g->len;

    BN_clear_free(r);
    return ok;
}

bool kc_modp_public(const struct kc_modp *g, const struct kc_secret *priv, uint8_t *pub)
{
    BIGNUM *x = private_number(g, priv);
    BN_CTX *ctx = BN_CTX_new();
    bool ok = x && ctx && power(g, g->g, x, ctx, pub);

    BN_clear_free(x);
    BN_CTX_free(ctx);
    return ok;
}

/* RFC 6989 2.1: 1 < y < p - 1. RFC 6989 2.2: where the subgroup is small, y must be in it. */
static enum kc_job_status check_peer(const struct kc_modp *g, const BIGNUM *y, BN_CTX *ctx)
{
    enum kc_job_status st = KC_JOB_FAILED;
    BIGNUM *r;

    if (BN_is_zero(y) || BN_is_one(y) || BN_cmp(y, g->p1) >= 0)
        return KC_JOB_BAD_PEER;
    if (!g->q)
        return KC_JOB_OK;
    r = BN_new();
    if (r && BN_mod_exp_mont(r, y, g->q, g->p, ctx, g->mont))
        st = BN_is_one(r) ? KC_JOB_OK : KC_JOB_BAD_PEER;
    BN_free(r);
    return st;
}

enum kc_job_status kc_modp_shared(const struct kc_modp *g, const struct kc_secret *priv,
                                  struct kd_bytes peer, struct kc_secret *shared)
{
    enum kc_job_status st = KC_JOB_FAILED;
    BIGNUM *x = private_number(g, priv);
    BIGNUM *y = BN_bin2bn(peer.p, (int)peer.len, NULL);
    BN_CTX *ctx = BN_CTX_new();

    if (x && y && ctx)
        st = check_peer(g, y, ctx);
    if (st == KC_JOB_OK) {
        shared->len = g->len;
        if (!power(g, y, x, ctx, shared->b))
            st = KC_JOB_FAILED;
    }
    BN_clear_free(x);
    BN_free(y);
    BN_CTX_free(ctx); /* clears what it held */
    return st;
}
