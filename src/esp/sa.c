/* One direction of an ESP SA: made from parameters, counted, freed. What happens to packets is in
 * seal.c and open.c. */
#include "esp/sa.h"

#include <stdlib.h>

const char *const esp_verdict_names[] = {
    [ESP_OK] = "ok",
    [ESP_SHORT] = "short",
    [ESP_REPLAY] = "replay",
    [ESP_BAD_ICV] = "bad-icv",
    [ESP_BAD_PAD] = "bad-pad",
    [ESP_DUMMY] = "dummy",
    [ESP_BAD_INNER] = "bad-inner",
    [ESP_EXHAUSTED] = "exhausted",
    [ESP_NO_ROOM] = "no-room",
    [ESP_VERDICT_N] = NULL,
};

struct esp_sa *esp_sa_new(struct kc_ctx *c, const struct esp_params *p)
{
    const uint64_t seq_max = p->esn ? UINT64_MAX : UINT32_MAX;
    struct kc_box *box;
    struct esp_sa *sa;

    if (!p->encr)
        return NULL;
    box = kc_box_new(c, p->encr, p->integ, p->key_enc, p->key_int);
    if (!box)
        return NULL;
    sa = calloc(1, sizeof(*sa));
    if (!sa) {
        kc_box_free(box);
        return NULL;
    }
    sa->box = box;
    sa->spi = p->spi;
    sa->esn = p->esn;
    sa->aead = p->encr->aead;
    sa->iv_len = (uint8_t)p->encr->iv_len;
    sa->icv_len = (uint8_t)esp_icv_len(p->encr, p->integ);
    sa->align = (uint8_t)esp_align(p->encr);
    sa->seq = p->seq_start;
    sa->seq_max = seq_max;
    kc_rng_init(&sa->iv_stream, p->iv_seed);
    esp_replay_init(&sa->replay, p->replay_window, p->esn);
    return sa;
}

void esp_sa_free(struct esp_sa *sa)
{
    if (!sa)
        return;
    kc_box_free(sa->box);
    kc_wipe(&sa->iv_stream, sizeof(sa->iv_stream));
    free(sa);
}

void esp_aad_make(const struct esp_sa *sa, uint32_t spi, uint64_t seq, struct esp_aad *a)
{
    struct kd_writer w;

    kd_writer_init(&w, a->aad, sizeof(a->aad));
    kd_put_u32(&w, spi);
    if (sa->esn && sa->aead)
        kd_put_u32(&w, (uint32_t)(seq >> 32));
    kd_put_u32(&w, (uint32_t)seq);
    a->aad_len = (uint8_t)w.pos;
    kd_writer_init(&w, a->tail, sizeof(a->tail));
    if (sa->esn && !sa->aead)
        kd_put_u32(&w, (uint32_t)(seq >> 32));
    a->tail_len = (uint8_t)w.pos;
}

uint32_t esp_inner_len(const uint8_t *p, size_t len, uint8_t *next_header)
{
    struct kd_reader r;
    uint8_t first;
    uint32_t n;

    kd_reader_init(&r, kd_bytes(p, len));
    first = kd_get_u8(&r);
    switch (first >> 4) {
    case 4:
        kd_skip(&r, 1);
        n = kd_get_u16(&r);
        *next_header = ESP_NH_IPV4;
        if (!r.ok || (first & 15) < 5 || n < (first & 15) * 4u)
            return 0;
        break;
    case 6:
        kd_skip(&r, 3);
        n = 40u + kd_get_u16(&r);
        *next_header = ESP_NH_IPV6;
        if (!r.ok)
            return 0;
        break;
    default:
        return 0;
    }
    return n <= len ? n : 0;
}

/* One writer a counter: load, add, store needs no locked instruction. */
static void bump(_Atomic uint64_t *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void esp_tally_add(struct esp_tally *t, enum esp_verdict v, uint32_t inner_len)
{
    if (v != ESP_OK) {
        bump(&t->drop[v], 1);
        return;
    }
    bump(&t->packets, 1);
    bump(&t->bytes, inner_len);
}

void esp_used(const struct esp_sa *sa, uint64_t *packets, uint64_t *bytes)
{
    *packets = atomic_load_explicit(&sa->tally.packets, memory_order_relaxed);
    *bytes = atomic_load_explicit(&sa->tally.bytes, memory_order_relaxed);
}

void esp_count(const struct esp_sa *sa, struct esp_counters *c)
{
    const struct esp_tally *t = &sa->tally;

    c->packets = atomic_load_explicit(&t->packets, memory_order_relaxed);
    c->bytes = atomic_load_explicit(&t->bytes, memory_order_relaxed);
    c->seq = atomic_load_explicit(&t->seq, memory_order_relaxed);
    for (size_t i = 0; i < ESP_VERDICT_N; i++)
        c->drop[i] = atomic_load_explicit(&t->drop[i], memory_order_relaxed);
}
