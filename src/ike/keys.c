/* Key derivation. RFC 7296 2.13 (prf+), 2.14 (SKEYSEED and the seven keys), 2.17 (KEYMAT),
 * 2.18 (a rekeyed IKE SA); 5282 for AEAD, whose key holds its salt and has no integrity key. Keys
 * stay in the arena; this file moves handles only. */
#include "ike/child.h"
#include "ike/keys.h"
#include "ike/sa.h"

void ike_nonce_draw(struct ike *e, struct ike_nonce *n, uint16_t len)
{
    n->len = len;
    kc_rng_bytes(&e->rng, n->b, len);
}

bool ike_nonce_set(struct ike_nonce *n, struct kd_bytes from)
{
    if (from.len < IKE_NONCE_MIN || from.len > IKE_NONCE_MAX)
        return false;
    memcpy(n->b, from.p, from.len);
    n->len = (uint16_t)from.len;
    return true;
}

static uint16_t encr_len(const struct ike_suite *s)
{
    return s->encr ? (uint16_t)(s->encr->key_len + s->encr->salt_len) : 0;
}

static uint16_t integ_len(const struct ike_suite *s)
{
    return s->integ ? s->integ->key_len : 0;
}

/* {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi |
 * SPIr) */
static bool expand(struct ike *e, struct ike_sa *sa, struct kd_handle skeyseed,
                   const struct ike_nonce *ni, const struct ike_nonce *nr)
{
    const struct ike_suite *s = &sa->suite;
    const uint16_t lens[7] = {s->prf->out_len, integ_len(s),    integ_len(s),   encr_len(s),
                              encr_len(s),     s->prf->out_len, s->prf->out_len};
    const struct kd_bytes seed[] = {ike_nonce_bytes(ni), ike_nonce_bytes(nr),
                                    kd_bytes(sa->spi_i, IKE_SPI_LEN),
                                    kd_bytes(sa->spi_r, IKE_SPI_LEN)};
    struct kd_handle k[7];
    bool i = sa->initiator;

    if (!kc_prf_plus(e->crypto, (enum kc_prf)s->prf->id, skeyseed, KD_HANDLE_NONE, seed,
                     KD_ARRAY_LEN(seed), lens, 7, k))
        return false;
    sa->k = (struct ike_keys){k[0], k[1], k[2], k[3], k[4], k[5], k[6]};
    sa->seal = (struct ike_sk){
        kc_box_new(e->crypto, s->encr, s->integ, i ? sa->k.ei : sa->k.er, i ? sa->k.ai : sa->k.ar),
        s->encr, s->integ};
    sa->open = (struct ike_sk){
        kc_box_new(e->crypto, s->encr, s->integ, i ? sa->k.er : sa->k.ei, i ? sa->k.ar : sa->k.ai),
        s->encr, s->integ};
    return sa->seal.box && sa->open.box;
}

void ike_keys_free(struct ike *e, struct ike_sa *sa)
{
    struct kd_handle *k[] = {&sa->k.d,  &sa->k.ai, &sa->k.ar, &sa->k.ei,
                             &sa->k.er, &sa->k.pi, &sa->k.pr};

    for (size_t i = 0; i < KD_ARRAY_LEN(k); i++)
        ike_key_doom(e, k[i]);
    kc_box_free(sa->seal.box);
    kc_box_free(sa->open.box);
    sa->seal.box = sa->open.box = NULL;
}

bool ike_keys_init(struct ike *e, struct ike_sa *sa)
{
    struct ike_hs *hs = sa->hs;
    uint8_t key[2 * IKE_NONCE_MAX];
    struct kd_handle skeyseed;
    bool ok;

    memcpy(key, hs->ni.b, hs->ni.len);
    memcpy(key + hs->ni.len, hs->nr.b, hs->nr.len);
    skeyseed = kc_prf_key(e->crypto, (enum kc_prf)sa->suite.prf->id,
                          kd_bytes(key, (size_t)hs->ni.len + hs->nr.len), NULL, 0, hs->ke.secret);
    ok = !kd_handle_none(skeyseed) && expand(e, sa, skeyseed, &hs->ni, &hs->nr);
    kc_key_free(e->crypto, skeyseed);
    ike_key_doom(e, &hs->ke.secret);
    sa->nonce_low = *ike_nonce_lower(&hs->ni, &hs->nr);
    return ok;
}

bool ike_keys_further(struct ike *e, struct ike_sa *sa)
{
    struct ike_hs *hs = sa->hs;
    const struct kd_bytes nonces[] = {ike_nonce_bytes(&hs->ni), ike_nonce_bytes(&hs->nr)};
    struct kd_handle skeyseed;
    bool ok;

    skeyseed = kc_prf_derive(e->crypto, (enum kc_prf)sa->suite.prf->id, sa->k.d, hs->ke.secret,
                             nonces, KD_ARRAY_LEN(nonces));
    ike_keys_free(e, sa);
    ok = !kd_handle_none(skeyseed) && expand(e, sa, skeyseed, &hs->ni, &hs->nr);
    kc_key_free(e->crypto, skeyseed);
    return ok;
}

/* Ni | Nr | SK(1) | ... SK(n): what follows SK(0) in the derivations of RFC 9370 2.2.4. */
struct seed {
    struct kd_bytes part[3];
    uint8_t further[IKE_ADDKE_MAX * KC_KEY_MAX];
};

static bool seed_init(struct ike *e, struct seed *s, const struct ike_nonce *ni,
                      const struct ike_nonce *nr, const struct kd_handle *sk, unsigned n_sk)
{
    size_t len = 0;

    for (unsigned i = 1; i < n_sk; i++) {
        size_t n = kc_key_export(e->crypto, sk[i], s->further + len, sizeof(s->further) - len);
        if (n == 0)
            return false;
        len += n;
    }
    s->part[0] = ike_nonce_bytes(ni);
    s->part[1] = ike_nonce_bytes(nr);
    s->part[2] = kd_bytes(s->further, len);
    return true;
}

bool ike_keys_rekey(struct ike *e, struct ike_sa *sa, const struct ike_sa *old,
                    const struct ike_xchg *x)
{
    struct kd_handle skeyseed = KD_HANDLE_NONE;
    struct seed seed;
    bool ok;

    if (seed_init(e, &seed, &x->ni, &x->nr, x->sk, x->n_sk))
        skeyseed = kc_prf_derive(e->crypto, (enum kc_prf)old->suite.prf->id, old->k.d, x->sk[0],
                                 seed.part, KD_ARRAY_LEN(seed.part));
    kc_wipe(&seed, sizeof(seed));
    ok = !kd_handle_none(skeyseed) && expand(e, sa, skeyseed, &x->ni, &x->nr);
    kc_key_free(e->crypto, skeyseed);
    sa->nonce_low = *ike_nonce_lower(&x->ni, &x->nr);
    return ok;
}

/* KEYMAT = prf+(SK_d, [SK(0) |] Ni | Nr [| SK(1) ...]): the exchange's initiator sends with the
 * first half. */
bool ike_keys_child(struct ike *e, const struct ike_sa *sa, struct ike_child *c,
                    const struct ike_nonce *ni, const struct ike_nonce *nr,
                    const struct kd_handle *sk, unsigned n_sk)
{
    const uint16_t lens[4] = {encr_len(&c->suite), integ_len(&c->suite), encr_len(&c->suite),
                              integ_len(&c->suite)};
    struct kd_handle k[4];
    struct seed seed;
    bool ok;

    ok = seed_init(e, &seed, ni, nr, sk, n_sk) &&
         kc_prf_plus(e->crypto, (enum kc_prf)sa->suite.prf->id, sa->k.d,
                     n_sk ? sk[0] : KD_HANDLE_NONE, seed.part, KD_ARRAY_LEN(seed.part), lens, 4, k);
    kc_wipe(&seed, sizeof(seed));
    for (int i = 0; ok && i < 4; i++)
        c->key[i] = c->initiator ? k[(i + 2) % 4] : k[i]; /* in before out */
    return ok;
}
