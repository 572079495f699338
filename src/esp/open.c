/* ESP packets to inner packets, in place. RFC 4303 3.4.
 *
 * The order is the RFC's: sequence number against the window, ICV, window moved, padding, next
 * header. What stands between the inner packet and the padding is TFC padding (2.7) and dropped:
 * the inner header's length decides. */
#include "esp/sa.h"

/* RFC 4303 2.4: 1, 2, 3 ... for ciphers that don't define their own, and none of ours does. Checked
 * only behind a good ICV, so an answer's timing tells a stranger nothing. */
static bool pad_ok(const uint8_t *text, uint32_t len, uint8_t pad)
{
    if (pad > len - ESP_TRAILER_LEN)
        return false;
    text += len - ESP_TRAILER_LEN - pad;
    for (uint32_t i = 0; i < pad; i++)
        if (text[i] != (uint8_t)(i + 1))
            return false;
    return true;
}

/* text[0..len): decrypted payload and trailer, len at least the trailer's. */
static enum esp_verdict unwrap(const uint8_t *text, uint32_t len, uint32_t *inner_len)
{
    const uint8_t next_header = text[len - 1], pad = text[len - 2];
    uint8_t version_says = 0;

    if (!pad_ok(text, len, pad))
        return ESP_BAD_PAD;
    if (next_header == ESP_NH_DUMMY)
        return ESP_DUMMY;
    *inner_len = esp_inner_len(text, len - ESP_TRAILER_LEN - pad, &version_says);
    if (*inner_len == 0 || version_says != next_header)
        return ESP_BAD_INNER;
    return ESP_OK;
}

static enum esp_verdict open_one(struct esp_sa *sa, struct esp_pkt *p)
{
    const uint32_t head = ESP_HEADER_LEN + sa->iv_len;
    uint8_t *start = p->buf + p->off, *text;
    enum esp_verdict v;
    struct esp_aad a;
    struct kd_reader r;
    uint32_t spi, text_len, inner_len = 0;
    uint64_t seq;

    p->newest = false;
    kd_assert(p->off <= p->cap && p->len <= p->cap - p->off);
    if (p->len < head + sa->align + sa->icv_len)
        return ESP_SHORT;
    text = start + head;
    text_len = p->len - head - sa->icv_len;
    if (text_len % sa->align)
        return ESP_SHORT;
    kd_reader_init(&r, kd_bytes(start, ESP_HEADER_LEN));
    spi = kd_get_u32(&r);
    seq = esp_replay_infer(&sa->replay, kd_get_u32(&r));
    if (!esp_replay_check(&sa->replay, seq))
        return ESP_REPLAY;
    esp_aad_make(sa, spi, seq, &a);
    if (!kc_box_open(sa->box, start + ESP_HEADER_LEN, kd_bytes(a.aad, a.aad_len), text, text_len,
                     kd_bytes(a.tail, a.tail_len), text + text_len))
        return ESP_BAD_ICV;
    esp_replay_update(&sa->replay, seq);
    p->newest = seq == sa->replay.top;
    v = unwrap(text, text_len, &inner_len);
    p->off += head;
    p->len = inner_len;
    return v;
}

void esp_open(struct esp_sa *sa, struct esp_pkt *pkts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pkts[i].verdict = open_one(sa, &pkts[i]);
        esp_tally_add(&sa->tally, pkts[i].verdict, pkts[i].len);
    }
    atomic_store_explicit(&sa->tally.seq, sa->replay.top, memory_order_relaxed);
}
