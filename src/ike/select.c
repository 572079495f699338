/* Choosing a suite: the responder's choice from an offer, the initiator's check of the answer, and
 * what of a configured list this process can do at all.
 *
 * RFC 7296 2.7, 3.3, 3.3.3, 3.3.6; RFC 5282 8 (AEAD). A transform type that is left out stands for
 * NONE (3.3.3); for ESN that is "off", which Cisco and others rely on although ESN is mandatory in
 * ESP.
 *
 * Deviations: ESP without integrity is never chosen; NULL encryption never for IKE (RFC 8247 2.1).
 * A longer key than configured is not taken for the configured one (3.3.5 has a SHOULD). */
#include "ike/proposal.h"

#define TYPE_BIT(t) (1u << (t))

/* IKE_ADDKE_FIRST to IKE_ADDKE_LAST */
#define ADDKE_BITS (((1u << IKE_ADDKE_MAX) - 1) << IKE_ADDKE_FIRST)

static const unsigned ike_types =
    TYPE_BIT(KC_ENCR) | TYPE_BIT(KC_PRF) | TYPE_BIT(KC_INTEG) | TYPE_BIT(KC_DH) | ADDKE_BITS;
static const unsigned esp_types =
    TYPE_BIT(KC_ENCR) | TYPE_BIT(KC_INTEG) | TYPE_BIT(KC_DH) | TYPE_BIT(KC_ESN) | ADDKE_BITS;

const struct kc_alg *ike_transform_alg(const struct ike_transform *t)
{
    return kc_alg_find(ike_is_addke(t->type) ? KC_DH : t->type, t->id, t->key_bits);
}

/* RFC 7296 3.3.6: a transform type that is unknown, or has no place here, spoils it all. */
static bool eligible(const struct ike_proposal *p, uint8_t protocol, unsigned flags)
{
    unsigned types = protocol == IKE_PROTO_IKE ? ike_types : esp_types;
    unsigned spi_len = protocol == IKE_PROTO_ESP ? 4 : flags & IKE_SELECT_REKEY_IKE ? 8 : 0;

    if (p->unusable || p->protocol != protocol || p->spi_len != spi_len)
        return false;
    for (unsigned i = 0; i < p->n; i++) {
        if (p->t[i].type > IKE_ADDKE_LAST || !(types & TYPE_BIT(p->t[i].type)))
            return false;
    }
    return true;
}

/* Does p hold this transform? One of id 0 (NONE, ESN off) also by leaving out its type. */
static bool holds(const struct ike_proposal *p, uint8_t type, uint16_t id, uint16_t key_bits)
{
    bool any = false;

    for (unsigned i = 0; i < p->n; i++) {
        const struct ike_transform *t = &p->t[i];

        if (t->type != type)
            continue;
        any = true;
        if (t->id == id && t->key_bits == key_bits && !t->unusable)
            return true;
    }
    return !any && id == 0;
}

/* The first configured algorithm of the type that is offered as well: a row of the table, NONE's
 * row among them. NULL: nothing in common. */
static const struct kc_alg *common(const struct ike_proposal *off, const struct ike_proposal *conf,
                                   uint8_t type)
{
    bool any = false;

    for (unsigned i = 0; i < conf->n; i++) {
        const struct ike_transform *t = &conf->t[i];

        if (t->type != type)
            continue;
        any = true;
        if (holds(off, type, t->id, t->key_bits))
            return kc_alg_find(type, t->id, t->key_bits);
    }
    return !any && holds(off, type, 0, 0) ? kc_alg_find(type, 0, 0) : NULL;
}

/* ENCR and INTEG depend on one another: the next cipher is tried when a cipher's integrity can't be
 * agreed on. RFC 5282 8: with an AEAD, integrity is absent or NONE. */
static bool choose_cipher(const struct ike_proposal *off, const struct ike_proposal *conf,
                          uint8_t protocol, struct ike_suite *s)
{
    const struct kc_alg *integ = common(off, conf, KC_INTEG);

    for (unsigned i = 0; i < conf->n; i++) {
        const struct ike_transform *t = &conf->t[i];
        const struct kc_alg *encr;

        if (t->type != KC_ENCR || !holds(off, KC_ENCR, t->id, t->key_bits))
            continue;
        encr = kc_alg_find(KC_ENCR, t->id, t->key_bits);
        if (!encr || (protocol == IKE_PROTO_IKE && encr->id == KC_ENCR_NULL))
            continue;
        if (encr->aead ? !holds(off, KC_INTEG, KC_INTEG_NONE, 0)
                       : !integ || integ->id == KC_INTEG_NONE)
            continue;
        s->encr = encr;
        s->integ = encr->aead ? NULL : integ;
        return true;
    }
    return false;
}

static bool choose_esn(const struct ike_proposal *off, const struct ike_proposal *conf,
                       struct ike_suite *s)
{
    const struct kc_alg *esn = common(off, conf, KC_ESN);

    if (!esn)
        return false;
    s->esn = esn->id == 1;
    s->esn_absent = true;
    for (unsigned i = 0; i < off->n; i++) {
        if (off->t[i].type == KC_ESN)
            s->esn_absent = false;
    }
    return true;
}

static bool used(const struct ike_suite *s, unsigned before, const struct kc_alg *alg)
{
    for (unsigned i = 0; i < before; i++)
        if (s->addke[i] == alg)
            return true;
    return s->dh == alg;
}

/* RFC 9370 2.2.2: one of each type that is offered, NONE perhaps, but none twice. From type i on;
 * our own list bounds the search. */
static bool choose_addke(const struct ike_proposal *off, const struct ike_proposal *conf,
                         unsigned i, struct ike_suite *s)
{
    uint8_t type = (uint8_t)(IKE_ADDKE_FIRST + i);
    bool any = false;

    if (i == IKE_ADDKE_MAX)
        return true;
    for (unsigned k = 0; k < conf->n; k++) {
        const struct ike_transform *t = &conf->t[k];
        const struct kc_alg *alg;

        if (t->type != type)
            continue;
        any = true;
        alg = ike_transform_alg(t);
        if (!alg || !holds(off, type, t->id, 0) || (t->id != KC_DH_NONE && used(s, i, alg)))
            continue;
        s->addke[i] = t->id == KC_DH_NONE ? NULL : alg;
        if (choose_addke(off, conf, i + 1, s))
            return true;
    }
    s->addke[i] = NULL;
    return !any && holds(off, type, KC_DH_NONE, 0) && choose_addke(off, conf, i + 1, s);
}

/* dh as the first key exchange; those that follow come behind one, and IKE has one
 * (CVE-2016-5391: an offer without DH). */
static bool begin_with(const struct ike_proposal *off, const struct ike_proposal *conf,
                       uint8_t protocol, const struct kc_alg *dh, struct ike_suite *s)
{
    bool any = false;

    s->dh = dh->id == KC_DH_NONE ? NULL : dh;
    if ((protocol == IKE_PROTO_IKE && !s->dh) || !choose_addke(off, conf, 0, s))
        return false;
    for (unsigned i = 0; i < IKE_ADDKE_MAX; i++)
        any = any || s->addke[i];
    return !any || s->dh;
}

static bool choose_exchanges(const struct ike_proposal *off, const struct ike_proposal *conf,
                             uint8_t protocol, struct ike_suite *s)
{
    bool any = false;

    for (unsigned i = 0; i < off->n; i++)
        if (ike_is_addke(off->t[i].type))
            s->addke_types |= (uint8_t)(1u << (off->t[i].type - IKE_ADDKE_FIRST));
    for (unsigned i = 0; i < conf->n; i++) {
        const struct ike_transform *t = &conf->t[i];
        const struct kc_alg *dh;

        if (t->type != KC_DH)
            continue;
        any = true;
        dh = holds(off, KC_DH, t->id, 0) ? ike_transform_alg(t) : NULL;
        if (dh && begin_with(off, conf, protocol, dh, s))
            return true;
    }
    return !any && holds(off, KC_DH, KC_DH_NONE, 0) &&
           begin_with(off, conf, protocol, kc_alg_find(KC_DH, KC_DH_NONE, 0), s);
}

static bool choose(const struct ike_proposal *off, const struct ike_proposal *conf,
                   uint8_t protocol, unsigned flags, struct ike_suite *s)
{
    *s = (struct ike_suite){.number = off->number};
    if (!choose_cipher(off, conf, protocol, s))
        return false;
    if (protocol == IKE_PROTO_IKE)
        s->prf = common(off, conf, KC_PRF);
    return (protocol == IKE_PROTO_IKE ? s->prf != NULL : choose_esn(off, conf, s)) &&
           (flags & IKE_SELECT_NO_DH || choose_exchanges(off, conf, protocol, s));
}

static void give_spi(const struct ike_proposal *p, uint8_t *spi, uint8_t *spi_len)
{
    if (spi)
        memcpy(spi, p->spi, sizeof(p->spi));
    if (spi_len)
        *spi_len = p->spi_len;
}

bool ike_proposal_select(const struct ike_proposals *offered,
                         const struct ike_proposals *configured, uint8_t protocol, unsigned flags,
                         struct ike_suite *suite, uint8_t *spi, uint8_t *spi_len)
{
    kd_assert(protocol == IKE_PROTO_IKE || protocol == IKE_PROTO_ESP);
    for (unsigned c = 0; c < configured->n; c++) {
        for (unsigned o = 0; o < offered->n; o++) {
            const struct ike_proposal *off = &offered->p[o];

            if (!eligible(off, protocol, flags) ||
                !choose(off, &configured->p[c], protocol, flags, suite))
                continue;
            give_spi(off, spi, spi_len);
            return true;
        }
    }
    *suite = (struct ike_suite){0};
    return false;
}

static bool one_of_each(const struct ike_proposal *p)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < p->n; i++) { /* types were bounded by eligible() */
        if (seen & TYPE_BIT(p->t[i].type))
            return false;
        seen |= TYPE_BIT(p->t[i].type);
    }
    return true;
}

bool ike_proposal_accept(const struct ike_proposals *answer, const struct ike_proposals *offered,
                         uint8_t protocol, unsigned flags, struct ike_suite *suite, uint8_t *spi,
                         uint8_t *spi_len)
{
    const struct ike_proposal *a = &answer->p[0];
    struct ike_proposals ours = *offered;

    kd_assert(protocol == IKE_PROTO_IKE || protocol == IKE_PROTO_ESP);
    *suite = (struct ike_suite){0};
    if (flags & IKE_SELECT_NO_DH)
        ike_proposals_strip_dh(&ours);
    if (answer->n != 1 || answer->cut || !eligible(a, protocol, flags) || !one_of_each(a))
        return false;
    if (a->number < 1 || a->number > ours.n)
        return false;
    /* DH was stripped from our side: an answer with a group fails like any that wasn't offered. */
    if (!choose(a, &ours.p[a->number - 1], protocol, flags & ~(unsigned)IKE_SELECT_NO_DH, suite)) {
        *suite = (struct ike_suite){0};
        return false;
    }
    give_spi(a, spi, spi_len);
    return true;
}

const struct kc_alg *ike_proposals_first_dh(const struct ike_proposals *l)
{
    for (unsigned i = 0; l->n > 0 && i < l->p[0].n; i++) {
        const struct ike_transform *t = &l->p[0].t[i];

        if (t->type == KC_DH)
            return t->id == KC_DH_NONE ? NULL : kc_alg_find(KC_DH, t->id, 0);
    }
    return NULL;
}

bool ike_proposals_have_addke(const struct ike_proposals *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        for (unsigned j = 0; j < l->p[i].n; j++) {
            if (ike_is_addke(l->p[i].t[j].type))
                return true;
        }
    }
    return false;
}

bool ike_proposals_have_dh(const struct ike_proposals *l, uint16_t group)
{
    for (unsigned i = 0; i < l->n; i++) {
        for (unsigned j = 0; j < l->p[i].n; j++) {
            const struct ike_transform *t = &l->p[i].t[j];

            if (t->type == KC_DH && t->id == group && group != KC_DH_NONE)
                return true;
        }
    }
    return false;
}

static bool available(const struct ike_transform *t, const struct kc_ctx *crypto)
{
    const struct kc_alg *alg = ike_transform_alg(t);

    /* NONE and ESN need no provider. */
    return alg &&
           (t->type == KC_ESN || (t->type != KC_ENCR && t->id == 0) || kc_available(crypto, alg));
}

static unsigned types_of(const struct ike_proposal *p)
{
    unsigned types = 0;

    for (unsigned i = 0; i < p->n; i++)
        types |= TYPE_BIT(p->t[i].type);
    return types;
}

void ike_proposals_filter(struct ike_proposals *l, const struct kc_ctx *crypto)
{
    uint8_t kept = 0;

    for (unsigned i = 0; i < l->n; i++) {
        struct ike_proposal p = l->p[i];

        p.n = 0;
        for (unsigned j = 0; j < l->p[i].n; j++) {
            if (available(&l->p[i].t[j], crypto))
                p.t[p.n++] = l->p[i].t[j];
        }
        /* A type that lost its last algorithm would read as NONE. */
        if (p.n > 0 && types_of(&p) == types_of(&l->p[i]))
            l->p[kept++] = p;
    }
    l->n = kept;
}
