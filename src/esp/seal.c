/* Inner packets to ESP packets, in place. RFC 4303 3.3, RFC 4106 (GCM), RFC 7634
 * (ChaCha20-Poly1305).
 *
 *   | SPI | seq | IV | inner packet | 1 2 3 .. pad | pad length | next header | ICV |
 *
 * Sends no TFC padding and no dummy packets. */
#include "esp/sa.h"

/* AEAD: the counter itself, unique for the key as RFC 4106 3.1 wants. CBC: unpredictable (RFC 3602
 * 3), from the SA's own random stream. NULL has none. */
static void make_iv(struct esp_sa *sa, uint64_t seq, uint8_t *iv)
{
    struct kd_writer w;

    if (!sa->aead) {
        kc_rng_bytes(&sa->iv_stream, iv, sa->iv_len);
        return;
    }
    kd_writer_init(&w, iv, sa->iv_len);
    kd_put_u64(&w, seq);
    kd_assert(w.ok);
}

static uint8_t pad_len(const struct esp_sa *sa, uint32_t inner_len)
{
    uint32_t over = (inner_len + ESP_TRAILER_LEN) % sa->align;

    return (uint8_t)(over ? sa->align - over : 0);
}

static void put_trailer(uint8_t *at, uint8_t pad, uint8_t next_header)
{
    for (uint8_t i = 1; i <= pad; i++)
        *at++ = i;
    *at++ = pad;
    *at = next_header;
}

static enum esp_verdict seal_one(struct esp_sa *sa, struct esp_pkt *p, uint32_t *inner_len)
{
    const uint32_t head = ESP_HEADER_LEN + sa->iv_len;
    uint8_t *inner = p->buf + p->off, *start, next_header = 0, pad;
    struct esp_aad a;
    struct kd_writer w;
    uint32_t len, text_len;

    kd_assert(p->off <= p->cap && p->len <= p->cap - p->off);
    len = esp_inner_len(inner, p->len, &next_header);
    if (len == 0)
        return ESP_BAD_INNER;
    pad = pad_len(sa, len);
    text_len = len + pad + ESP_TRAILER_LEN;
    if (p->off < head || p->cap - p->off < text_len + sa->icv_len)
        return ESP_NO_ROOM;
    if (sa->seq >= sa->seq_max) /* RFC 4303 3.3.3: never cycles */
        return ESP_EXHAUSTED;
    sa->seq++;

    start = inner - head;
    kd_writer_init(&w, start, head);
    kd_put_u32(&w, sa->spi);
    kd_put_u32(&w, (uint32_t)sa->seq);
    make_iv(sa, sa->seq, start + ESP_HEADER_LEN);
    put_trailer(inner + len, pad, next_header);
    esp_aad_make(sa, sa->spi, sa->seq, &a);
    if (!kc_box_seal(sa->box, start + ESP_HEADER_LEN, kd_bytes(a.aad, a.aad_len), inner, text_len,
                     kd_bytes(a.tail, a.tail_len), inner + text_len))
        return ESP_SHORT;
    p->off -= head;
    p->len = head + text_len + sa->icv_len;
    *inner_len = len;
    return ESP_OK;
}

void esp_seal(struct esp_sa *sa, struct esp_pkt *pkts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t inner_len = 0;
        pkts[i].verdict = seal_one(sa, &pkts[i], &inner_len);
        esp_tally_add(&sa->tally, pkts[i].verdict, inner_len);
    }
    atomic_store_explicit(&sa->tally.seq, sa->seq, memory_order_relaxed);
}
