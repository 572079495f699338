/* The IKE header and the payload chain: bytes to views.
 *
 * Not here: SA and TS bodies (proposal.c, ts.c), which payload belongs where (grammar.c),
 * decryption (message.c). RFC 7296 2.5, 3.1 to 3.16. The chain is walked by lengths alone, so it
 * always ends.
 *
 * Deviations: no payload that is known may stand in clear beside SK (3.14 says that SK is "often"
 * alone); octets after the last payload are refused. IKEv1 payload numbers are unknown types. */
#include "ike/payload.h"
#include "ike/text.h"

#define GENERIC_HEADER 4
#define CRITICAL       0x80

static bool refuse(struct ike_diag *d, enum ike_wire err, uint8_t payload, size_t at,
                   const char *rule)
{
    *d = (struct ike_diag){.err = err, .payload = payload, .offset = (uint32_t)at, .rule = rule};
    return false;
}

/* ---- header ---- */

bool ike_header_parse(struct kd_bytes datagram, struct ike_header *h, struct ike_diag *d)
{
    struct kd_reader r;
    uint64_t spi_i;

    *d = (struct ike_diag){.err = IKE_WIRE_OK};
    memset(h, 0, sizeof(*h));
    kd_reader_init(&r, datagram);
    kd_get_copy(&r, h->spi_i, sizeof(h->spi_i));
    kd_get_copy(&r, h->spi_r, sizeof(h->spi_r));
    h->next = kd_get_u8(&r);
    h->version = kd_get_u8(&r);
    h->exchange = kd_get_u8(&r);
    h->flags = kd_get_u8(&r);
    h->msg_id = kd_get_u32(&r);
    h->length = kd_get_u32(&r);
    if (!r.ok)
        return refuse(d, IKE_WIRE_HEADER, 0, 0, "shorter than an IKE header");
    if (h->length != datagram.len)
        return refuse(d, IKE_WIRE_HEADER, 0, 24, "length differs from the datagram's");
    memcpy(&spi_i, h->spi_i, sizeof(spi_i));
    if (spi_i == 0)
        return refuse(d, IKE_WIRE_HEADER, 0, 0, "initiator's SPI is zero");
    /* RFC 7296 2.5: a higher minor version is taken as 2.0, a higher major one is answered. */
    if (h->version >> 4 > 2)
        return refuse(d, IKE_WIRE_VERSION, 0, 17, "major version above 2");
    if (h->version >> 4 < 2)
        return refuse(d, IKE_WIRE_HEADER, 0, 17, "major version below 2");
    return true;
}

void ike_header_write(struct kd_writer *w, const struct ike_header *h)
{
    kd_put_bytes(w, kd_bytes(h->spi_i, sizeof(h->spi_i)));
    kd_put_bytes(w, kd_bytes(h->spi_r, sizeof(h->spi_r)));
    kd_put_u8(w, h->next);
    kd_put_u8(w, h->version);
    kd_put_u8(w, h->exchange);
    kd_put_u8(w, h->flags);
    kd_put_u32(w, h->msg_id);
    kd_put_u32(w, h->length);
}

/* ---- payload bodies: each returns the rule that was broken, or NULL ---- */

static const char too_many[] = "more payloads of this type than are kept";

static const char *take_sa(struct ike_msg *m, struct kd_reader *r)
{
    m->sa = kd_get_rest(r);
    return m->sa.len == 0 ? "no proposal" : NULL;
}

static const char *take_ke(struct ike_msg *m, struct kd_reader *r)
{
    m->ke.group = kd_get_u16(r);
    kd_skip(r, 2);
    m->ke.data = kd_get_rest(r);
    return m->ke.data.len == 0 ? "no key exchange data" : NULL;
}

/* Type, reserved octets, data: the shape of ID, AUTH, CERT and CERTREQ payloads. */
static const char *take_typed(struct ike_typed *v, struct kd_reader *r, size_t reserved, size_t min)
{
    v->body = kd_bytes(r->p, r->len);
    v->type = kd_get_u8(r);
    kd_skip(r, reserved);
    v->data = kd_get_rest(r);
    return v->data.len < min ? "no data" : NULL;
}

static const char *take_idi(struct ike_msg *m, struct kd_reader *r)
{
    return take_typed(&m->idi, r, 3, 1);
}

static const char *take_idr(struct ike_msg *m, struct kd_reader *r)
{
    return take_typed(&m->idr, r, 3, 1);
}

static const char *take_auth(struct ike_msg *m, struct kd_reader *r)
{
    return take_typed(&m->auth, r, 3, 1);
}

static const char *take_cert(struct ike_msg *m, struct kd_reader *r)
{
    if (m->n_certs == IKE_MSG_CERTS)
        return too_many;
    return take_typed(&m->certs[m->n_certs++], r, 0, 1);
}

static const char *take_certreq(struct ike_msg *m, struct kd_reader *r)
{
    if (m->n_certreqs == IKE_MSG_CERTS)
        return too_many;
    return take_typed(&m->certreqs[m->n_certreqs++], r, 0, 0);
}

static const char *take_nonce(struct ike_msg *m, struct kd_reader *r)
{
    m->nonce = kd_get_rest(r);
    if (m->nonce.len < IKE_NONCE_MIN || m->nonce.len > IKE_NONCE_MAX)
        return "nonce not between 16 and 256 octets";
    return NULL;
}

static const char *take_notify(struct ike_msg *m, struct kd_reader *r)
{
    struct ike_notify n;
    uint8_t spi_len;

    n.protocol = kd_get_u8(r);
    spi_len = kd_get_u8(r);
    n.type = kd_get_u16(r);
    n.spi = kd_get_bytes(r, spi_len);
    n.data = kd_get_rest(r);
    if (!r->ok)
        return "SPI longer than the payload";
    if (m->n_notifies == IKE_MSG_NOTIFIES)
        return too_many;
    m->notifies[m->n_notifies++] = n;
    return NULL;
}

/* RFC 7296 3.11: no SPI for IKE, 4 octets for AH and ESP. */
static const char *take_delete(struct ike_msg *m, struct kd_reader *r)
{
    struct ike_delete del = {.protocol = kd_get_u8(r)};
    uint8_t spi_len = kd_get_u8(r);
    uint16_t n = kd_get_u16(r);

    del.spis = kd_get_rest(r);
    if (!r->ok)
        return "Delete header cut short";
    if (del.protocol < 1 || del.protocol > 3)
        return "Delete for an unknown protocol";
    if (spi_len != (del.protocol == 1 ? 0 : 4) || del.spis.len != (size_t)n * spi_len)
        return "SPI size or count does not fit";
    if (m->n_deletes == IKE_MSG_DELETES)
        return too_many;
    del.n = del.protocol == 1 ? 0 : n;
    m->deletes[m->n_deletes++] = del;
    return NULL;
}

static const char *take_vendor(struct ike_msg *m, struct kd_reader *r)
{
    if (m->n_vendors < IKE_MSG_VENDORS)
        m->vendors[m->n_vendors++] = kd_get_rest(r);
    return NULL;
}

static const char *take_whole(struct kd_bytes *v, struct kd_reader *r)
{
    *v = kd_get_rest(r);
    return v->len < 4 ? "shorter than its header" : NULL;
}

static const char *take_tsi(struct ike_msg *m, struct kd_reader *r)
{
    return take_whole(&m->tsi, r);
}

static const char *take_tsr(struct ike_msg *m, struct kd_reader *r)
{
    return take_whole(&m->tsr, r);
}

static const char *take_cp(struct ike_msg *m, struct kd_reader *r)
{
    return take_whole(&m->cp, r);
}

static const char *take_eap(struct ike_msg *m, struct kd_reader *r)
{
    return take_whole(&m->eap, r);
}

static const char *take_sk(struct ike_msg *m, struct kd_reader *r)
{
    m->sk.body = kd_get_rest(r);
    return NULL; /* whether it is long enough depends on the keys: ike_msg_open() */
}

static const char *take_skf(struct ike_msg *m, struct kd_reader *r)
{
    struct kd_reader at = *r;

    m->skf_number = kd_get_u16(&at);
    m->skf_total = kd_get_u16(&at);
    return take_whole(&m->skf, r);
}

/* ---- chain ---- */

static const struct payload_row {
    const char *name;
    bool many; /* else a second one is refused */
    const char *(*take)(struct ike_msg *m, struct kd_reader *r);
} rows[] = {
    [IKE_PL_SA - IKE_PL_SA] = {"SA", false, take_sa},
    [IKE_PL_KE - IKE_PL_SA] = {"KE", false, take_ke},
    [IKE_PL_IDI - IKE_PL_SA] = {"IDi", false, take_idi},
    [IKE_PL_IDR - IKE_PL_SA] = {"IDr", false, take_idr},
    [IKE_PL_CERT - IKE_PL_SA] = {"CERT", true, take_cert},
    [IKE_PL_CERTREQ - IKE_PL_SA] = {"CERTREQ", true, take_certreq},
    [IKE_PL_AUTH - IKE_PL_SA] = {"AUTH", false, take_auth},
    [IKE_PL_NONCE - IKE_PL_SA] = {"Nonce", false, take_nonce},
    [IKE_PL_NOTIFY - IKE_PL_SA] = {"Notify", true, take_notify},
    [IKE_PL_DELETE - IKE_PL_SA] = {"Delete", true, take_delete},
    [IKE_PL_VENDOR - IKE_PL_SA] = {"Vendor ID", true, take_vendor},
    [IKE_PL_TSI - IKE_PL_SA] = {"TSi", false, take_tsi},
    [IKE_PL_TSR - IKE_PL_SA] = {"TSr", false, take_tsr},
    [IKE_PL_SK - IKE_PL_SA] = {"SK", false, take_sk},
    [IKE_PL_CP - IKE_PL_SA] = {"CP", false, take_cp},
    [IKE_PL_EAP - IKE_PL_SA] = {"EAP", false, take_eap},
    [IKE_PL_SKF - IKE_PL_SA] = {"SKF", false, take_skf},
};

static const struct payload_row *row_of(uint8_t type)
{
    if (type < IKE_PL_SA || type > IKE_PL_SKF || !rows[type - IKE_PL_SA].take)
        return NULL;
    return &rows[type - IKE_PL_SA];
}

static bool is_sealed(uint8_t type)
{
    return type == IKE_PL_SK || type == IKE_PL_SKF;
}

struct generic {
    uint8_t type, next, flags;
    size_t at; /* of its header, in the message */
};

static bool take_payload(struct ike_msg *m, const struct generic *g, struct kd_reader *body,
                         struct ike_diag *d)
{
    const struct payload_row *row = row_of(g->type);
    const char *rule;

    if (!row && g->flags & CRITICAL) /* RFC 7296 2.5; the flag of known types is ignored */
        return refuse(d, IKE_WIRE_CRITICAL, g->type, g->at, "unknown payload marked critical");
    if (!row) {
        m->n_unknown++;
        return true;
    }
    if (m->has & IKE_HAS(g->type) && !row->many)
        return refuse(d, IKE_WIRE_SYNTAX, g->type, g->at, "payload appears twice");
    if (m->inner && is_sealed(g->type))
        return refuse(d, IKE_WIRE_SYNTAX, g->type, g->at, "encrypted payload inside another");
    m->has |= IKE_HAS(g->type);
    rule = row->take(m, body);
    if (!rule && !body->ok)
        rule = "payload cut short";
    if (rule)
        return refuse(d, rule == too_many ? IKE_WIRE_TOO_MANY : IKE_WIRE_SYNTAX, g->type, g->at,
                      rule);
    return true;
}

/* An encrypted payload ends the chain: its Next Payload is of what is inside (RFC 7296 3.14). */
static bool take_sealed(struct ike_msg *m, const struct generic *g, const struct kd_reader *chain,
                        struct ike_diag *d)
{
    if (kd_reader_left(chain) > 0)
        return refuse(d, IKE_WIRE_SYNTAX, g->type, g->at, "payload after the encrypted one");
    if (g->type == IKE_PL_SK) {
        m->sk.first = g->next;
        m->sk.body_at = (uint32_t)g->at + GENERIC_HEADER;
    } else {
        m->skf_first = g->next;
    }
    return true;
}

bool ike_chain_parse(struct kd_bytes chain, uint8_t first, uint32_t base, struct ike_msg *m,
                     struct ike_diag *d)
{
    struct kd_reader r;
    uint8_t type = first;

    *d = (struct ike_diag){.err = IKE_WIRE_OK};
    if (m->inner) {
        m->chain = chain;
        m->chain_first = first;
    }
    kd_reader_init(&r, chain);
    while (type != IKE_PL_NONE) {
        struct generic g = {.type = type, .at = base + r.pos};
        struct kd_reader body;
        uint16_t len;

        if (m->n_payloads == IKE_MSG_PAYLOADS)
            return refuse(d, IKE_WIRE_TOO_MANY, type, g.at,
                          "more payloads than a message may have");
        m->n_payloads++;
        g.next = kd_get_u8(&r);
        g.flags = kd_get_u8(&r);
        len = kd_get_u16(&r);
        if (!r.ok)
            return refuse(d, IKE_WIRE_SYNTAX, type, g.at, "payload header past the end");
        if (len < GENERIC_HEADER || len - (size_t)GENERIC_HEADER > kd_reader_left(&r))
            return refuse(d, IKE_WIRE_SYNTAX, type, g.at, "payload length out of bounds");
        body = kd_get_sub(&r, len - (size_t)GENERIC_HEADER);
        if (!take_payload(m, &g, &body, d))
            return false;
        if (is_sealed(type))
            return take_sealed(m, &g, &r, d);
        type = g.next;
    }
    if (kd_reader_left(&r) > 0)
        return refuse(d, IKE_WIRE_SYNTAX, 0, base + r.pos, "octets after the last payload");
    return true;
}

bool ike_msg_parse(struct kd_bytes datagram, struct ike_msg *m, struct ike_diag *d)
{
    const uint32_t sealed = IKE_HAS(IKE_PL_SK) | IKE_HAS(IKE_PL_SKF);

    memset(m, 0, sizeof(*m));
    m->raw = datagram;
    if (!ike_header_parse(datagram, &m->h, d))
        return false;
    if (!ike_chain_parse(kd_bytes(datagram.p + IKE_HEADER_LEN, datagram.len - IKE_HEADER_LEN),
                         m->h.next, IKE_HEADER_LEN, m, d))
        return false;
    if (m->has & sealed && m->has & ~sealed)
        return refuse(d, IKE_WIRE_SYNTAX, 0, IKE_HEADER_LEN,
                      "payloads in clear beside encrypted ones");
    return true;
}

/* ---- looking things up ---- */

const struct ike_notify *ike_msg_notify(const struct ike_msg *m, uint16_t type)
{
    for (unsigned i = 0; i < m->n_notifies; i++) {
        if (m->notifies[i].type == type)
            return &m->notifies[i];
    }
    return NULL;
}

const struct ike_notify *ike_msg_error(const struct ike_msg *m)
{
    for (unsigned i = 0; i < m->n_notifies; i++) {
        if (m->notifies[i].type < 16384)
            return &m->notifies[i];
    }
    return NULL;
}

uint32_t ike_delete_spi(const struct ike_delete *del, uint16_t i)
{
    struct kd_reader r;

    kd_assert(i < del->n);
    kd_reader_init(&r, del->spis);
    kd_skip(&r, 4u * i);
    return kd_get_u32(&r);
}

const char *ike_payload_name(uint8_t type)
{
    const struct payload_row *row = row_of(type);

    return row ? row->name : "unknown";
}

const char *ike_exchange_name(uint8_t exchange)
{
    static const char *const names[] = {"IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA",
                                        "INFORMATIONAL"};

    if (exchange == IKE_X_INTERMEDIATE || exchange == IKE_X_FOLLOWUP_KE)
        return exchange == IKE_X_INTERMEDIATE ? "IKE_INTERMEDIATE" : "IKE_FOLLOWUP_KE";
    return exchange >= IKE_X_SA_INIT && exchange <= IKE_X_INFORMATIONAL
               ? names[exchange - IKE_X_SA_INIT]
               : "unknown";
}

void ike_diag_str(const struct ike_diag *d, char *buf, size_t cap)
{
    static const char *const errs[] = {
        [IKE_WIRE_OK] = "ok",
        [IKE_WIRE_HEADER] = "not an IKE message",
        [IKE_WIRE_VERSION] = "INVALID_MAJOR_VERSION",
        [IKE_WIRE_SYNTAX] = "INVALID_SYNTAX",
        [IKE_WIRE_CRITICAL] = "UNSUPPORTED_CRITICAL_PAYLOAD",
        [IKE_WIRE_TOO_MANY] = "too many payloads",
        [IKE_WIRE_CRYPTO] = "not authentic",
    };
    struct ike_text x = ike_text(buf, cap);

    ike_text_add(&x, "%s", errs[d->err]);
    if (d->err == IKE_WIRE_OK)
        return;
    ike_text_add(&x, " at %u", d->offset);
    if (d->payload && row_of(d->payload))
        ike_text_add(&x, " in %s", ike_payload_name(d->payload));
    else if (d->payload)
        ike_text_add(&x, " in payload %u", d->payload);
    if (d->rule)
        ike_text_add(&x, ": %s", d->rule);
}
