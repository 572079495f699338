/* Building messages, sealing and opening the SK payload.
 *
 * Not here: which payloads belong where, the SKF payload (skf.c).
 * RFC 7296 3.1 to 3.14; RFC 5282 3, 5.1 (AEAD: associated data is everything up to and including
 * SK's generic header; padding is not needed, but the Pad Length octet is). */
#include "ike/message.h"

#define GENERIC_HEADER 4
#define NEXT_AT        16 /* of the header's fields */
#define LENGTH_AT      24
#define VERSION_2_0    0x20

size_t ike_sk_iv_len(const struct ike_sk *sk)
{
    return sk->encr->iv_len;
}

size_t ike_sk_icv_len(const struct ike_sk *sk)
{
    return sk->encr->aead ? sk->encr->icv_len : sk->integ->icv_len;
}

/* ---- building ---- */

void ike_build_begin(struct ike_build *b, void *buf, size_t cap, const struct ike_header *h)
{
    struct ike_header copy = *h;

    memset(b, 0, sizeof(*b));
    kd_writer_init(&b->w, buf, cap);
    copy.next = IKE_PL_NONE;
    copy.length = 0;
    if (copy.version == 0)
        copy.version = VERSION_2_0;
    ike_header_write(&b->w, &copy);
    b->next_at = NEXT_AT;
}

struct kd_writer *ike_payload_begin(struct ike_build *b, uint8_t type)
{
    kd_assert(!b->open);
    b->open = true;
    kd_patch_u8(&b->w, b->next_at, type);
    b->payload_at = b->w.pos;
    b->next_at = b->w.pos;
    kd_put_zero(&b->w, GENERIC_HEADER); /* next: none; not critical (RFC 7296 2.5); length */
    return &b->w;
}

static void patch_length(struct kd_writer *w, size_t payload_at)
{
    size_t len = w->pos - payload_at;

    if (len > UINT16_MAX)
        w->ok = false;
    else
        kd_patch_u16(w, payload_at + 2, (uint16_t)len);
}

void ike_payload_end(struct ike_build *b)
{
    kd_assert(b->open);
    patch_length(&b->w, b->payload_at);
    b->open = false;
}

void ike_put_payload(struct ike_build *b, uint8_t type, struct kd_bytes body)
{
    kd_put_bytes(ike_payload_begin(b, type), body);
    ike_payload_end(b);
}

void ike_build_seal(struct ike_build *b, const struct ike_sk *sk, const uint8_t *iv)
{
    kd_assert(!b->sk);
    b->sk = sk;
    b->sk_at = b->w.pos;
    ike_payload_begin(b, IKE_PL_SK);
    b->open = false; /* its length is known at the end; next_at stays: SK names the first inside */
    kd_put_bytes(&b->w, kd_bytes(iv, ike_sk_iv_len(sk)));
}

/* RFC 7296 3.14: any length that makes whole blocks, Pad Length included. */
static size_t padding(const struct ike_sk *sk, size_t len, size_t len_min)
{
    size_t block = sk->encr->block, pad = block - 1 - len % block;

    while (len + pad + 1 < len_min && pad + block <= UINT8_MAX)
        pad += block;
    return pad;
}

void ike_sk_close(struct kd_writer *w, const struct ike_sk *sk, size_t payload_at, size_t aad_len,
                  size_t len_min)
{
    size_t text_at = aad_len + ike_sk_iv_len(sk);
    size_t around = text_at + ike_sk_icv_len(sk);
    size_t pad, text_len, icv_at;
    bool sealed;

    if (!w->ok)
        return;
    pad = padding(sk, w->pos - text_at, len_min - KD_MIN(around, len_min));
    kd_put_zero(w, pad);
    kd_put_u8(w, (uint8_t)pad);
    text_len = w->pos - text_at;
    icv_at = kd_put_gap(w, ike_sk_icv_len(sk));
    patch_length(w, payload_at);
    kd_patch_u32(w, LENGTH_AT, (uint32_t)w->pos);
    if (!w->ok)
        return;
    sealed = kc_box_seal(sk->box, w->p + aad_len, kd_bytes(w->p, aad_len), w->p + text_at, text_len,
                         kd_bytes(NULL, 0), w->p + icv_at);
    kd_assert(sealed); /* false is a wrong length, and those are ours */
}

struct kd_bytes ike_build_inner(const struct ike_build *b, uint8_t *first)
{
    size_t at = b->sk_at + GENERIC_HEADER + ike_sk_iv_len(b->sk);

    kd_assert(b->sk && !b->open);
    *first = b->w.ok ? b->w.p[b->sk_at] : 0;
    return b->w.ok ? kd_bytes(b->w.p + at, b->w.pos - at) : kd_bytes(NULL, 0);
}

struct kd_bytes ike_build_end(struct ike_build *b)
{
    kd_assert(!b->open);
    if (b->sk)
        ike_sk_close(&b->w, b->sk, b->sk_at, b->sk_at + GENERIC_HEADER, b->len_min);
    else
        kd_patch_u32(&b->w, LENGTH_AT, (uint32_t)b->w.pos);
    if (!b->w.ok) {
        kc_wipe(b->w.p, b->w.pos); /* what should have been sealed */
        return kd_bytes(NULL, 0);
    }
    return kd_written(&b->w);
}

void ike_put_sa(struct ike_build *b, const struct ike_proposals *l, uint8_t protocol,
                struct kd_bytes spi, bool no_dh)
{
    ike_proposals_write(ike_payload_begin(b, IKE_PL_SA), l, protocol, spi, no_dh);
    ike_payload_end(b);
}

void ike_put_sa_answer(struct ike_build *b, const struct ike_suite *s, uint8_t protocol,
                       struct kd_bytes spi, bool with_dh)
{
    ike_suite_write(ike_payload_begin(b, IKE_PL_SA), s, protocol, spi, with_dh);
    ike_payload_end(b);
}

void ike_put_ke(struct ike_build *b, uint16_t group, struct kd_bytes pub)
{
    struct kd_writer *w = ike_payload_begin(b, IKE_PL_KE);

    kd_put_u16(w, group);
    kd_put_u16(w, 0);
    kd_put_bytes(w, pub);
    ike_payload_end(b);
}

void ike_put_nonce(struct ike_build *b, struct kd_bytes nonce)
{
    kd_assert(nonce.len >= IKE_NONCE_MIN && nonce.len <= IKE_NONCE_MAX);
    ike_put_payload(b, IKE_PL_NONCE, nonce);
}

void ike_put_id(struct ike_build *b, uint8_t type, const struct ike_id *id)
{
    kd_assert(type == IKE_PL_IDI || type == IKE_PL_IDR);
    ike_id_write(ike_payload_begin(b, type), id);
    ike_payload_end(b);
}

void ike_put_auth(struct ike_build *b, uint8_t method, struct kd_bytes data)
{
    struct kd_writer *w = ike_payload_begin(b, IKE_PL_AUTH);

    kd_put_u8(w, method);
    kd_put_zero(w, 3);
    kd_put_bytes(w, data);
    ike_payload_end(b);
}

void ike_put_ts(struct ike_build *b, uint8_t type, const struct ike_ts_list *l)
{
    kd_assert((type == IKE_PL_TSI || type == IKE_PL_TSR) && l->n > 0);
    ike_ts_write(ike_payload_begin(b, type), l);
    ike_payload_end(b);
}

void ike_put_notify(struct ike_build *b, uint8_t protocol, struct kd_bytes spi, uint16_t type,
                    struct kd_bytes data)
{
    struct kd_writer *w = ike_payload_begin(b, IKE_PL_NOTIFY);

    kd_assert(spi.len <= 8);
    kd_put_u8(w, protocol);
    kd_put_u8(w, (uint8_t)spi.len);
    kd_put_u16(w, type);
    kd_put_bytes(w, spi);
    kd_put_bytes(w, data);
    ike_payload_end(b);
}

void ike_put_delete_ike(struct ike_build *b)
{
    struct kd_writer *w = ike_payload_begin(b, IKE_PL_DELETE);

    kd_put_u8(w, IKE_PROTO_IKE);
    kd_put_zero(w, 3);
    ike_payload_end(b);
}

void ike_put_delete(struct ike_build *b, uint8_t protocol, const uint32_t *spis, uint16_t n)
{
    struct kd_writer *w = ike_payload_begin(b, IKE_PL_DELETE);

    kd_assert(protocol == IKE_PROTO_AH || protocol == IKE_PROTO_ESP);
    kd_put_u8(w, protocol);
    kd_put_u8(w, 4);
    kd_put_u16(w, n);
    for (unsigned i = 0; i < n; i++)
        kd_put_u32(w, spis[i]);
    ike_payload_end(b);
}

void ike_put_vendor(struct ike_build *b, struct kd_bytes id)
{
    ike_put_payload(b, IKE_PL_VENDOR, id);
}

/* ---- opening ---- */

static bool refuse(struct ike_diag *d, enum ike_wire err, size_t at, const char *rule)
{
    *d = (struct ike_diag){.err = err, .payload = IKE_PL_SK, .offset = (uint32_t)at, .rule = rule};
    return false;
}

bool ike_sk_text(uint8_t *datagram, size_t iv_at, size_t len, const struct ike_sk *sk,
                 struct kd_bytes *text, struct ike_diag *d)
{
    size_t iv_len = ike_sk_iv_len(sk), tag_len = ike_sk_icv_len(sk), text_len, pad;
    uint8_t *p = datagram + iv_at + iv_len;

    *text = kd_bytes(NULL, 0);
    if (len < iv_len + 1 + tag_len)
        return refuse(d, IKE_WIRE_CRYPTO, iv_at, "too short for IV, Pad Length and ICV");
    text_len = len - iv_len - tag_len;
    if (text_len % sk->encr->block != 0)
        return refuse(d, IKE_WIRE_CRYPTO, iv_at, "not a multiple of the cipher's block");
    if (!kc_box_open(sk->box, datagram + iv_at, kd_bytes(datagram, iv_at), p, text_len,
                     kd_bytes(NULL, 0), p + text_len))
        return refuse(d, IKE_WIRE_CRYPTO, iv_at, "ICV does not match");
    pad = p[text_len - 1];
    if (pad + 1 > text_len)
        return refuse(d, IKE_WIRE_SYNTAX, iv_at + iv_len + text_len - 1,
                      "padding longer than the text");
    *text = kd_bytes(p, text_len - 1 - pad);
    return true;
}

static void become_inner(struct ike_msg *m)
{
    m->inner = true;
    m->has = 0; /* it was SK alone */
    m->n_payloads = m->n_unknown = 0;
}

bool ike_msg_open(uint8_t *datagram, size_t len, struct ike_msg *m, const struct ike_sk *sk,
                  struct ike_diag *d)
{
    size_t at = m->sk.body_at;
    struct kd_bytes text;

    kd_assert(datagram == m->raw.p && len == m->raw.len && ike_msg_has(m, IKE_PL_SK) && !m->inner);
    if (ike_sk_text(datagram, at, m->sk.body.len, sk, &text, d))
        return ike_msg_inner(m, text, (uint32_t)(at + ike_sk_iv_len(sk)), d);
    if (d->err != IKE_WIRE_CRYPTO)
        become_inner(m);
    return false;
}

bool ike_msg_inner(struct ike_msg *m, struct kd_bytes chain, uint32_t base, struct ike_diag *d)
{
    become_inner(m);
    return ike_chain_parse(chain, m->sk.first, base, m, d);
}
