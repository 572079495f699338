/* What a fuzz target does with a message that was parsed: everything the engine could do with it,
 * and the properties that must hold whatever it is. */
#ifndef KEDGE_FUZZ_IKE_H
#define KEDGE_FUZZ_IKE_H

#include "ike/grammar.h"
#include "ike/ike.h"
#include "ike/message.h"
#include "ike/suites.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Is it something that kedge could have written itself? */
static inline bool fuzz_clean(const struct ike_proposal *p)
{
    if (p->unusable || p->protocol < IKE_PROTO_IKE || p->protocol > IKE_PROTO_ESP)
        return false;
    for (unsigned i = 0; i < p->n; i++) {
        if (p->t[i].unusable)
            return false;
    }
    return true;
}

/* What was read is written and read again as the same. */
static inline void fuzz_reencode(const struct ike_proposal *p)
{
    char a[IKE_PROPOSAL_TEXT_MAX], b[IKE_PROPOSAL_TEXT_MAX];
    static struct ike_proposals one, again;
    uint8_t body[1024];
    struct kd_writer w;

    if (!fuzz_clean(p))
        return;
    one.n = 1;
    one.p[0] = *p;
    kd_writer_init(&w, body, sizeof(body));
    ike_proposals_write(&w, &one, p->protocol, kd_bytes(p->spi, p->spi_len), false);
    kd_assert(w.ok);
    if (!ike_proposals_parse(kd_written(&w), &again, NULL, NULL))
        kd_assert(!"what kedge wrote is refused");
    kd_assert(again.n == 1 && again.p[0].n == p->n);
    kd_assert(strcmp(ike_proposal_text(p, a, sizeof(a)),
                     ike_proposal_text(&again.p[0], b, sizeof(b))) == 0);
}

/* What the responder chooses the initiator takes. */
static inline void fuzz_answer(const struct ike_proposals *offered, const struct ike_suite *s,
                               uint8_t protocol, unsigned flags)
{
    static struct ike_proposals answer;
    struct ike_suite taken;
    uint8_t body[256];
    struct kd_writer w;

    for (unsigned i = 0; i < offered->n; i++) {
        if (!fuzz_clean(&offered->p[i]) || offered->p[i].number != i + 1)
            return;
    }
    kd_writer_init(&w, body, sizeof(body));
    ike_suite_write(&w, s, protocol,
                    kd_bytes("\1\2\3\4\5\6\7\10", flags           ? 8
                                                  : protocol == 3 ? 4
                                                                  : 0),
                    true);
    if (!ike_proposals_parse(kd_written(&w), &answer, NULL, NULL) ||
        !ike_proposal_accept(&answer, offered, protocol, flags, &taken, NULL, NULL))
        kd_assert(!"an answer to the offer is refused");
    kd_assert(taken.encr == s->encr && taken.integ == s->integ && taken.prf == s->prf &&
              taken.dh == s->dh && taken.esn == s->esn);
}

static inline void fuzz_select(const struct ike_proposals *l)
{
    static struct ike_proposals ike, esp;
    char text[IKE_PROPOSAL_TEXT_MAX];

    for (const char *const *name = ike_profile_names; *name; name++) {
        struct ike_suite s;
        bool ok = ike_profile(*name, &ike, NULL, &esp);

        kd_assert(ok);
        if (ike_proposal_select(l, &ike, IKE_PROTO_IKE, 0, &s, NULL, NULL))
            fuzz_answer(l, &s, IKE_PROTO_IKE, 0);
        if (ike_proposal_select(l, &ike, IKE_PROTO_IKE, IKE_SELECT_REKEY_IKE, &s, NULL, NULL))
            fuzz_answer(l, &s, IKE_PROTO_IKE, IKE_SELECT_REKEY_IKE);
        if (ike_proposal_select(l, &esp, IKE_PROTO_ESP, 0, &s, NULL, NULL))
            fuzz_answer(l, &s, IKE_PROTO_ESP, 0);
        if (ike_proposal_select(l, &esp, IKE_PROTO_ESP, IKE_SELECT_NO_DH, &s, NULL, NULL))
            ike_suite_text(&s, text, sizeof(text));
    }
}

static inline void fuzz_sa(struct kd_bytes body)
{
    static struct ike_proposals l;
    char text[IKE_PROPOSAL_TEXT_MAX];
    const char *rule;
    size_t at;

    if (!ike_proposals_parse(body, &l, &rule, &at)) {
        kd_assert(rule && at <= body.len);
        return;
    }
    kd_assert(l.n > 0 && !rule);
    ike_proposals_text(&l, text, sizeof(text));
    for (unsigned i = 0; i < l.n; i++)
        fuzz_reencode(&l.p[i]);
    fuzz_select(&l);
}

static inline void fuzz_ts(struct kd_bytes body)
{
    struct ike_ts_list l, again, conf = {.n = 2}, out;
    struct kd_prefix p4, p6;
    uint8_t buf[4 + IKE_TS_MAX * 40];
    struct kd_writer w;
    char text[128];

    if (!ike_ts_parse(body, &l) || l.n == 0)
        return;
    for (unsigned i = 0; i < l.n; i++)
        ike_ts_str(&l.ts[i], text, sizeof(text));
    kd_writer_init(&w, buf, sizeof(buf));
    ike_ts_write(&w, &l);
    if (!w.ok || !ike_ts_parse(kd_written(&w), &again) || memcmp(&l, &again, sizeof(l)) != 0)
        kd_assert(!"selectors change on the wire");
    kd_assert(kd_prefix_parse("10.0.0.0/8", true, &p4) &&
              kd_prefix_parse("2001:db8::/32", true, &p6));
    conf.ts[0] = ike_ts_from_prefix(&p4);
    conf.ts[1] = ike_ts_from_prefix(&p6);
    if (ike_ts_narrow(&l, &conf, &out))
        kd_assert(ike_ts_inside(&out, &l) && ike_ts_inside(&out, &conf));
}

static inline void fuzz_id(const struct ike_typed *v)
{
    struct ike_id id;
    char text[64];
    uint8_t body[4 + IKE_ID_MAX];
    struct kd_writer w;

    if (!ike_id_read(v, &id))
        return;
    ike_id_str(&id, text, sizeof(text));
    for (const char *c = text; *c; c++)
        kd_assert(*c >= 0x20 + (id.type != IKE_ID_DER_ASN1_DN) && *c < 0x7f);
    kd_writer_init(&w, body, sizeof(body));
    ike_id_write(&w, &id);
    kd_assert(w.ok && kd_bytes_eq(kd_bytes(body + 4, w.pos - 4), v->data));
    kd_assert(ike_id_match(&id, &id));
}

/* Reads every octet, so that a view that points outside is seen. */
static inline unsigned fuzz_touch(struct kd_bytes b)
{
    unsigned sum = 0;

    for (size_t i = 0; i < b.len; i++)
        sum += b.p[i];
    return sum;
}

static inline unsigned fuzz_views(const struct ike_msg *m)
{
    unsigned sum = fuzz_touch(m->ke.data) + fuzz_touch(m->nonce) + fuzz_touch(m->auth.data) +
                   fuzz_touch(m->cp) + fuzz_touch(m->eap) + fuzz_touch(m->skf) +
                   fuzz_touch(m->idi.body) + fuzz_touch(m->idr.body) +
                   (m->inner ? 0 : fuzz_touch(m->sk.body));

    for (unsigned i = 0; i < m->n_notifies; i++)
        sum += fuzz_touch(m->notifies[i].spi) + fuzz_touch(m->notifies[i].data);
    for (unsigned i = 0; i < m->n_deletes; i++) {
        for (unsigned j = 0; j < m->deletes[i].n; j++)
            sum += ike_delete_spi(&m->deletes[i], (uint16_t)j);
    }
    for (unsigned i = 0; i < m->n_vendors; i++)
        sum += fuzz_touch(m->vendors[i]);
    for (unsigned i = 0; i < m->n_certs; i++)
        sum += fuzz_touch(m->certs[i].data);
    for (unsigned i = 0; i < m->n_certreqs; i++)
        sum += fuzz_touch(m->certreqs[i].data);
    return sum;
}

static inline void fuzz_diag(const struct ike_diag *d, bool ok, size_t len)
{
    char text[160];

    kd_assert(ok == (d->err == IKE_WIRE_OK) && ok == (d->rule == NULL) && d->offset <= len);
    ike_diag_str(d, text, sizeof(text));
}

static inline void fuzz_consume(const struct ike_msg *m)
{
    static volatile unsigned sink;
    struct ike_diag d;
    enum ike_form f = ike_grammar_check(m, &d);

    fuzz_diag(&d, f != IKE_FORM_NONE, m->raw.len);
    sink = fuzz_views(m);
    (void)sink;
    if (ike_msg_has(m, IKE_PL_SA))
        fuzz_sa(m->sa);
    if (ike_msg_has(m, IKE_PL_TSI))
        fuzz_ts(m->tsi);
    if (ike_msg_has(m, IKE_PL_TSR))
        fuzz_ts(m->tsr);
    if (ike_msg_has(m, IKE_PL_IDI))
        fuzz_id(&m->idi);
    if (ike_msg_has(m, IKE_PL_IDR))
        fuzz_id(&m->idr);
}

#endif
