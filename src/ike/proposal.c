/* SA payload bodies: proposal and transform substructures and their attributes, both ways.
 *
 * Not here: what is chosen (select.c), how it is written in a configuration (proposal_text.c).
 * RFC 7296 3.3 to 3.3.6. Structure is checked strictly; what merely isn't known here (transform
 * types, ids, attributes, protocols) is kept as not to be chosen, as 3.3.6 asks for.
 *
 * Deviation: the number of a lone proposal is not required to be 1, so that one parser serves
 * offers and answers. */
#include "ike/proposal.h"

#define ATTR_TV          0x8000
#define ATTR_KEY_LENGTH  14
#define PROPOSAL_HEADER  8
#define TRANSFORM_HEADER 8
#define SPI_RESERVED     256 /* RFC 4303 2.1: 1 to 255 are IANA's, 0 means "no SA" */

enum { LAST = 0, MORE_PROPOSALS = 2, MORE_TRANSFORMS = 3 };

struct parse {
    const uint8_t *start;
    const char *rule; /* the first one that was broken */
    size_t at;
};

static bool broken(struct parse *c, const struct kd_reader *r, const char *rule)
{
    if (!c->rule) {
        c->rule = rule;
        c->at = r->p ? (size_t)(r->p - c->start) + r->pos : 0;
    }
    return false;
}

/* RFC 7296 3.3.5: Key Length is TV, once, and not 0; another attribute makes the transform
 * unusable. */
static void parse_attributes(struct kd_reader *r, struct ike_transform *t)
{
    while (kd_reader_left(r) > 0) {
        uint16_t type = kd_get_u16(r);
        uint16_t value = kd_get_u16(r);

        if (type == (ATTR_TV | ATTR_KEY_LENGTH) && t->key_bits == 0 && value != 0)
            t->key_bits = value;
        else
            t->unusable = true;
        if (!(type & ATTR_TV))
            kd_skip(r, value);
    }
}

static bool parse_transform(struct parse *c, struct kd_reader *r, bool last,
                            struct ike_transform *t)
{
    uint8_t more = kd_get_u8(r);
    struct kd_reader sub;
    uint16_t len;

    kd_skip(r, 1);
    len = kd_get_u16(r);
    if (!r->ok)
        return broken(c, r, "transform count exceeds the proposal");
    if (more != (last ? LAST : MORE_TRANSFORMS))
        return broken(c, r, "last-transform octet contradicts the transform count");
    if (len < TRANSFORM_HEADER || len - 4u > kd_reader_left(r))
        return broken(c, r, "transform length out of bounds");
    sub = kd_get_sub(r, len - 4u);
    *t = (struct ike_transform){.type = kd_get_u8(&sub)};
    kd_skip(&sub, 1);
    t->id = kd_get_u16(&sub);
    parse_attributes(&sub, t);
    return sub.ok || broken(c, &sub, "transform attribute cut short");
}

static bool parse_transforms(struct parse *c, struct kd_reader *r, unsigned count,
                             struct ike_proposal *p)
{
    for (unsigned i = 0; i < count; i++) {
        struct ike_transform t;

        if (!parse_transform(c, r, i + 1 == count, &t))
            return false;
        /* What was cut off could forbid what was kept (INTEG beside an AEAD): take none of it. */
        if (p->n < IKE_TRANSFORM_MAX)
            p->t[p->n++] = t;
        else
            p->unusable = true;
    }
    return kd_reader_done(r) || broken(c, r, "octets after the last transform");
}

static bool spi_len_fits(uint8_t protocol, uint8_t len)
{
    switch (protocol) {
    case IKE_PROTO_IKE:
        return len == 0 || len == 8;
    case IKE_PROTO_AH:
    case IKE_PROTO_ESP:
        return len == 4;
    default:
        return true; /* another protocol's own affair: never chosen */
    }
}

/* RFC 7296 2.6: an IKE SPI is not zero. A reserved ESP SPI would be taken for something else by the
 * kernel (CVE-2025-39965). */
static bool spi_usable(const struct ike_proposal *p)
{
    struct kd_reader r;

    kd_reader_init(&r, kd_bytes(p->spi, p->spi_len));
    if (p->protocol == IKE_PROTO_IKE)
        return p->spi_len == 0 || kd_get_u64(&r) != 0;
    return kd_get_u32(&r) >= SPI_RESERVED;
}

static bool parse_spi(struct parse *c, struct kd_reader *r, uint8_t len, struct ike_proposal *p)
{
    struct kd_bytes spi = kd_get_bytes(r, len);

    if (!r->ok || !spi_len_fits(p->protocol, len))
        return broken(c, r, "SPI size does not fit the protocol");
    if (p->protocol < IKE_PROTO_IKE || p->protocol > IKE_PROTO_ESP) {
        p->unusable = true;
        return true;
    }
    p->spi_len = len;
    if (len > 0)
        memcpy(p->spi, spi.p, len);
    p->unusable = !spi_usable(p);
    return true;
}

static bool parse_proposal(struct parse *c, struct kd_reader *r, struct ike_proposal *p, bool *last)
{
    uint8_t more = kd_get_u8(r);
    struct kd_reader sub;
    uint8_t spi_len, count;
    uint16_t len;

    kd_skip(r, 1);
    len = kd_get_u16(r);
    if (!r->ok)
        return broken(c, r, "proposal header cut short");
    if (len < PROPOSAL_HEADER || len - 4u > kd_reader_left(r))
        return broken(c, r, "proposal length out of bounds");
    sub = kd_get_sub(r, len - 4u);
    *last = kd_reader_left(r) == 0;
    if (more != (*last ? LAST : MORE_PROPOSALS))
        return broken(c, r, "last-proposal octet contradicts the payload length");
    memset(p, 0, sizeof(*p));
    p->number = kd_get_u8(&sub);
    p->protocol = kd_get_u8(&sub);
    spi_len = kd_get_u8(&sub);
    count = kd_get_u8(&sub);
    if (!parse_spi(c, &sub, spi_len, p))
        return false;
    if (count == 0)
        return broken(c, &sub, "proposal without transforms");
    return parse_transforms(c, &sub, count, p);
}

static bool parse_all(struct parse *c, struct kd_reader *r, struct ike_proposals *out)
{
    struct ike_proposal spare;
    unsigned number = 0;
    bool last = false;

    while (!last) {
        bool room = out->n < IKE_PROPOSAL_MAX;
        struct ike_proposal *p = room ? &out->p[out->n] : &spare;

        if (!parse_proposal(c, r, p, &last))
            return false;
        /* RFC 7296 3.3.1: the first is 1, each one more; a lone one may answer any number. */
        if (number == 0 ? !last && p->number != 1 : p->number != number + 1)
            return broken(c, r, "proposal numbers are not 1, 2, 3 ...");
        number = p->number;
        if (room)
            out->n++;
        else
            out->cut = true;
    }
    return true;
}

bool ike_proposals_parse(struct kd_bytes body, struct ike_proposals *out, const char **rule,
                         size_t *at)
{
    struct parse c = {.start = body.p};
    struct kd_reader r;
    bool ok;

    out->n = 0;
    out->cut = false;
    kd_reader_init(&r, body);
    ok = parse_all(&c, &r, out);
    if (rule)
        *rule = c.rule;
    if (at)
        *at = c.at;
    return ok;
}

static void write_transform(struct kd_writer *w, const struct ike_transform *t, bool last)
{
    kd_put_u8(w, last ? LAST : MORE_TRANSFORMS);
    kd_put_u8(w, 0);
    kd_put_u16(w, t->key_bits ? TRANSFORM_HEADER + 4 : TRANSFORM_HEADER);
    kd_put_u8(w, t->type);
    kd_put_u8(w, 0);
    kd_put_u16(w, t->id);
    if (t->key_bits) {
        kd_put_u16(w, ATTR_TV | ATTR_KEY_LENGTH);
        kd_put_u16(w, t->key_bits);
    }
}

static void write_proposal(struct kd_writer *w, const struct ike_proposal *p, uint8_t number,
                           uint8_t protocol, struct kd_bytes spi, bool last)
{
    size_t start = w->pos;

    kd_assert(p->n > 0 && spi_len_fits(protocol, (uint8_t)spi.len));
    kd_put_u8(w, last ? LAST : MORE_PROPOSALS);
    kd_put_u8(w, 0);
    kd_put_u16(w, 0);
    kd_put_u8(w, number);
    kd_put_u8(w, protocol);
    kd_put_u8(w, (uint8_t)spi.len);
    kd_put_u8(w, p->n);
    kd_put_bytes(w, spi);
    for (unsigned i = 0; i < p->n; i++)
        write_transform(w, &p->t[i], i + 1u == p->n);
    kd_patch_u16(w, start + 2, (uint16_t)(w->pos - start));
}

static bool same_transforms(const struct ike_proposal *a, const struct ike_proposal *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++) {
        if (a->t[i].type != b->t[i].type || a->t[i].id != b->t[i].id ||
            a->t[i].key_bits != b->t[i].key_bits)
            return false;
    }
    return true;
}

void ike_proposals_strip_dh(struct ike_proposals *l)
{
    uint8_t kept = 0;

    for (unsigned i = 0; i < l->n; i++) {
        struct ike_proposal p = l->p[i];
        bool again = false;

        p.n = 0;
        for (unsigned j = 0; j < l->p[i].n; j++) {
            if (l->p[i].t[j].type != KC_DH && !ike_is_addke(l->p[i].t[j].type))
                p.t[p.n++] = l->p[i].t[j];
        }
        for (unsigned j = 0; j < kept && !again; j++)
            again = same_transforms(&l->p[j], &p);
        if (!again && p.n > 0)
            l->p[kept++] = p;
    }
    l->n = kept;
}

void ike_proposals_write(struct kd_writer *w, const struct ike_proposals *l, uint8_t protocol,
                         struct kd_bytes spi, bool no_dh)
{
    struct ike_proposals copy = *l;

    if (no_dh)
        ike_proposals_strip_dh(&copy);
    kd_assert(copy.n > 0);
    for (unsigned i = 0; i < copy.n; i++)
        write_proposal(w, &copy.p[i], (uint8_t)(i + 1), protocol, spi, i + 1u == copy.n);
}

static void add(struct ike_proposal *p, const struct kc_alg *alg)
{
    if (alg)
        p->t[p->n++] = (struct ike_transform){
            .type = (uint8_t)alg->type, .id = alg->id, .key_bits = alg->key_bits};
}

void ike_suite_write(struct kd_writer *w, const struct ike_suite *s, uint8_t protocol,
                     struct kd_bytes spi, bool with_dh)
{
    struct ike_proposal p = {.n = 0};

    add(&p, s->encr);
    add(&p, s->prf);
    add(&p, s->integ);
    add(&p, with_dh ? s->dh : NULL);
    for (unsigned i = 0; with_dh && i < IKE_ADDKE_MAX; i++)
        if (s->addke_types & 1u << i)
            p.t[p.n++] = (struct ike_transform){.type = (uint8_t)(IKE_ADDKE_FIRST + i),
                                                .id = s->addke[i] ? s->addke[i]->id : KC_DH_NONE};
    /* The answer is a subset of the offer (RFC 7296 3.3.6). */
    if (protocol != IKE_PROTO_IKE && !s->esn_absent)
        p.t[p.n++] = (struct ike_transform){.type = KC_ESN, .id = s->esn};
    write_proposal(w, &p, s->number, protocol, spi, true);
}
