/* The Encrypted Fragment payload (SKF) on the wire: a message that was built behind SK is cut into
 * fragments, each sealed by itself, and one fragment is opened. RFC 7383 2.5; 5282 5.1: associated
 * data goes up to and including Total Fragments.
 *
 * Not here: when to cut (window.c), putting together what came (fragment.c). */
#include "ike/message.h"

#define GENERIC_HEADER 4
#define NEXT_AT        16
#define LENGTH_AT      24
#define BEFORE_IV      (IKE_HEADER_LEN + GENERIC_HEADER + 4) /* and number, total */

/* ---- cutting ---- */

/* The most text a fragment of limit octets takes: what is left for cipher text is a multiple of the
 * block and ends with Pad Length. 0: the limit is below what a fragment needs. */
static size_t room(const struct ike_sk *sk, size_t limit)
{
    size_t around = BEFORE_IV + ike_sk_iv_len(sk) + ike_sk_icv_len(sk);
    size_t cipher = limit > around ? (limit - around) / sk->encr->block * sk->encr->block : 0;

    return cipher > 0 ? cipher - 1 : 0;
}

static size_t text_at(const struct ike_build *b)
{
    return b->sk_at + GENERIC_HEADER + ike_sk_iv_len(b->sk);
}

bool ike_build_exceeds(const struct ike_build *b, size_t limit)
{
    size_t block = b->sk ? b->sk->encr->block : 1;

    return b->sk && b->w.ok &&
           text_at(b) + (b->w.pos - text_at(b) + block) / block * block + ike_sk_icv_len(b->sk) >
               limit;
}

struct cut {
    const struct ike_sk *sk;
    const uint8_t *header; /* of the whole message */
    uint8_t first;         /* payload inside */
    uint16_t total;
    ike_iv_fn *iv;
    void *arg;
};

/* Fragment number i (from 1) into buf; its length, 0 when it does not fit. */
static size_t put_fragment(const struct cut *c, uint16_t i, struct kd_bytes text, uint8_t *buf,
                           size_t cap)
{
    uint8_t iv[IKE_IV_MAX];
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    kd_put_bytes(&w, kd_bytes(c->header, IKE_HEADER_LEN));
    kd_patch_u8(&w, NEXT_AT, IKE_PL_SKF);
    kd_put_u8(&w, i == 1 ? c->first : IKE_PL_NONE);
    kd_put_zero(&w, GENERIC_HEADER - 1);
    kd_put_u16(&w, i);
    kd_put_u16(&w, c->total);
    c->iv(c->arg, iv);
    kd_put_bytes(&w, kd_bytes(iv, ike_sk_iv_len(c->sk)));
    kd_put_bytes(&w, text);
    ike_sk_close(&w, c->sk, IKE_HEADER_LEN, BEFORE_IV, 0);
    return w.ok ? w.pos : 0;
}

struct kd_bytes ike_build_fragments(struct ike_build *b, size_t limit, ike_iv_fn *iv, void *arg,
                                    uint8_t *buf, size_t cap)
{
    struct cut c = {.sk = b->sk, .header = b->w.p, .iv = iv, .arg = arg};
    size_t n = room(b->sk, limit), at = text_at(b), len = b->w.pos - at, pos = 0;
    size_t total = n ? (len + n - 1) / n : 0;
    bool ok = !b->open && b->w.ok && total >= 1 && total <= UINT16_MAX;

    kd_assert(b->sk_at == IKE_HEADER_LEN); /* ours have nothing in clear beside it */
    c.first = b->w.p[b->sk_at];
    c.total = (uint16_t)total;
    for (size_t i = 1; ok && i <= total; i++) {
        size_t part = KD_MIN(n, len), put;
        put = put_fragment(&c, (uint16_t)i, kd_bytes(b->w.p + at, part), buf + pos, cap - pos);
        ok = put > 0;
        pos += put;
        at += part;
        len -= part;
    }
    kc_wipe(b->w.p, b->w.pos); /* the text in clear */
    b->w.ok = false;
    return kd_bytes(buf, ok ? pos : 0);
}

/* ---- opening one ---- */

bool ike_fragment_open(uint8_t *datagram, const struct ike_msg *m, const struct ike_sk *sk,
                       struct kd_bytes *text, struct ike_diag *d)
{
    size_t iv_at = (size_t)(m->skf.p - m->raw.p) + 4;

    kd_assert(datagram == m->raw.p && ike_msg_has(m, IKE_PL_SKF) && !m->inner);
    return ike_sk_text(datagram, iv_at, m->raw.len - iv_at, sk, text, d);
}
