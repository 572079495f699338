/* Boxes, the part common to both providers: which algorithms go together, which keys they take, and
 * every length check, so that a provider only ever sees a sound packet.
 *
 * A box is one SA's one direction, but seals and opens alike. It is not thread-safe: the contexts
 * inside are used up by a packet and prepared again for the next. */
#include "crypto/provider.h"

#include <limits.h>

/* OpenSSL's lengths are int; nothing on our wires comes near. */
#define TEXT_MAX (INT_MAX / 2)

static bool is_none(const struct kc_alg *integ)
{
    return !integ || integ->id == KC_INTEG_NONE;
}

/* An AEAD alone, or a cipher (NULL included) with an integrity algorithm: never a cipher without
 * one (RFC 7296 3.3.2, RFC 4303 3.2). */
static bool suite_ok(const struct kc_ctx *c, const struct kc_alg *encr, const struct kc_alg *integ)
{
    if (!encr || encr->type != KC_ENCR || !kc_available(c, encr))
        return false;
    if (encr->aead)
        return is_none(integ);
    return !is_none(integ) && integ->type == KC_INTEG && kc_available(c, integ);
}

/* want 0: no key at all. */
static bool get_key(struct kc_ctx *c, struct kd_handle h, size_t want, struct kc_secret *out)
{
    out->len = 0;
    if (want == 0)
        return kd_handle_none(h);
    return kc_arena_get(c->arena, h, out) && out->len == want;
}

struct kc_box *kc_box_new(struct kc_ctx *c, const struct kc_alg *encr, const struct kc_alg *integ,
                          struct kd_handle enc_key, struct kd_handle int_key)
{
    struct kc_secret ek = {.len = 0}, ik = {.len = 0};
    struct kc_box *b = NULL;

    if (!suite_ok(c, encr, integ))
        return NULL;
    if (encr->aead)
        integ = NULL;
    if (get_key(c, enc_key, encr->key_len + encr->salt_len, &ek) &&
        get_key(c, int_key, integ ? integ->key_len : 0, &ik))
        b = c->ops->box_new(c->self, encr, integ, &ek, &ik);
    kc_wipe(&ek, sizeof(ek));
    kc_wipe(&ik, sizeof(ik));
    if (!b)
        return NULL;
    b->ops = c->ops;
    b->encr = encr;
    b->integ = integ;
    b->block = encr->block;
    b->iv_len = encr->iv_len;
    b->icv_len = integ ? integ->icv_len : encr->icv_len;
    b->aead = encr->aead;
    return b;
}

void kc_box_free(struct kc_box *b)
{
    if (b)
        b->ops->box_free(b);
}

static bool lens_ok(const struct kc_box *b, const struct kc_packet *p)
{
    if (p->len > TEXT_MAX || p->aad.len > TEXT_MAX || p->tail.len > TEXT_MAX)
        return false;
    if (b->aead)
        return p->tail.len == 0;
    return p->len % b->block == 0;
}

bool kc_box_seal(struct kc_box *b, const uint8_t *iv, struct kd_bytes aad, uint8_t *text,
                 size_t len, struct kd_bytes tail, uint8_t *icv)
{
    const struct kc_packet p = {iv, aad, text, len, tail};

    return lens_ok(b, &p) && b->ops->box_seal(b, &p, icv);
}

bool kc_box_open(struct kc_box *b, const uint8_t *iv, struct kd_bytes aad, uint8_t *text,
                 size_t len, struct kd_bytes tail, const uint8_t *icv)
{
    const struct kc_packet p = {iv, aad, text, len, tail};

    return lens_ok(b, &p) && b->ops->box_open(b, &p, icv);
}
