/* ESP from both sides of the cipher. The input's first byte picks suite and mode, the rest is
 *
 *   raw    an ESP packet, as anyone can send it
 *   text   payload and trailer, as only the peer can: sealed under the known key here, then opened
 *   inner  an inner packet: sealed by esp_seal(), and it must come back the same
 *
 * and whatever it is, it is looked at as an inner packet too: flow and MSS. */
#include "esp/esp.h"

#include <stdlib.h>

#define SPI     0x01020304u
#define LEN_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct suite {
    const struct kc_alg *encr, *integ;
    bool esn;
};

static struct kc_ctx *ctx; /* for the whole run */
static struct kd_handle enc_key[2], int_key;

static void start(void)
{
    static const uint8_t key[36] = {1};

    ctx = kc_ctx_new(KC_PROVIDER_SIM, 4);
    kd_assert(ctx);
    enc_key[0] = kc_key_import(ctx, kd_bytes(key, 36)); /* GCM: key and salt */
    enc_key[1] = kc_key_import(ctx, kd_bytes(key, 32));
    int_key = kc_key_import(ctx, kd_bytes(key, 20));
}

static struct suite suite_of(uint8_t how)
{
    struct suite s = {kc_alg_by_name(how & 1 ? "aes256" : "aes256gcm16"),
                      how & 1 ? kc_alg_by_name("sha1") : NULL, how & 2};

    return s;
}

static struct esp_sa *sa_new(const struct suite *s)
{
    struct esp_params p = {.spi = SPI,
                           .encr = s->encr,
                           .integ = s->integ,
                           .key_enc = enc_key[s->integ != NULL],
                           .key_int = s->integ ? int_key : KD_HANDLE_NONE,
                           .esn = s->esn,
                           .replay_window = 1024};
    struct esp_sa *sa = esp_sa_new(ctx, &p);

    kd_assert(sa);
    return sa;
}

/* ---- as an inner packet ---- */

static void look_inside(const uint8_t *data, size_t len)
{
    uint8_t *pkt = malloc(len + 1); /* of its own size, for ASan */
    struct esp_flow f, after;
    bool good;

    kd_assert(pkt);
    pkt = realloc(pkt, len ? len : 1);
    if (len > 0)
        memcpy(pkt, data, len);
    good = esp_flow_of(pkt, len, &f);
    kd_assert(!good || (f.src.family == f.dst.family && kd_addr_len(&f.src) > 0));
    if (esp_mss_clamp(pkt, len, 1000)) {
        kd_assert(good && f.proto == 6);
        kd_assert(!esp_mss_clamp(pkt, len, 1000));
        kd_assert(esp_flow_of(pkt, len, &after)); /* and nothing else has changed */
        kd_assert(kd_addr_eq(&f.src, &after.src) && kd_addr_eq(&f.dst, &after.dst));
    }
    free(pkt);
}

/* ---- modes ---- */

static void open_and_look(struct esp_sa *in, struct esp_pkt *p)
{
    const uint32_t off = p->off, len = p->len;
    struct esp_pkt again = *p;

    esp_open(in, p, 1);
    if (p->verdict != ESP_OK)
        return;
    kd_assert(p->off > off && p->len >= 20 && p->off + p->len <= off + len);
    look_inside(p->buf + p->off, p->len);
    esp_open(in, &again, 1);
    kd_assert(again.verdict == ESP_REPLAY);
}

static void raw(struct esp_sa *in, const uint8_t *data, size_t len)
{
    uint8_t *buf = malloc(len ? len : 1);
    struct esp_pkt p = {buf, (uint32_t)len, 0, (uint32_t)len, ESP_OK};

    kd_assert(buf);
    if (len > 0)
        memcpy(buf, data, len);
    open_and_look(in, &p);
    free(buf);
}

/* Number 1, an IV of zeros; cut to the cipher's alignment. */
static void text(struct esp_sa *in, const struct suite *s, const uint8_t *data, size_t len)
{
    static uint8_t wire[8 + 16 + LEN_MAX + 32];
    static const uint8_t header[12] = {1, 2, 3, 4, 0, 0, 0, 1}, wide[12] = {1, 2, 3, 4, [11] = 1};
    const size_t align = KD_MAX(s->encr->block, 4), head = 8u + s->encr->iv_len;
    const bool tail = s->integ && s->esn, long_aad = !s->integ && s->esn;
    const size_t icv = s->integ ? s->integ->icv_len : s->encr->icv_len, n = len / align * align;
    struct kc_box *box = kc_box_new(ctx, s->encr, s->integ, enc_key[s->integ != NULL],
                                    s->integ ? int_key : KD_HANDLE_NONE);
    struct esp_pkt p = {wire, sizeof(wire), 0, (uint32_t)(head + n + icv), ESP_OK};

    kd_assert(box);
    memset(wire, 0, head);
    memcpy(wire, header, 8);
    memcpy(wire + head, data, n);
    kd_assert(kc_box_seal(box, wire + 8, long_aad ? kd_bytes(wide, 12) : kd_bytes(header, 8),
                          wire + head, n, kd_bytes(header + 8, tail ? 4 : 0), wire + head + n));
    open_and_look(in, &p);
    kd_assert(n == 0 || p.verdict == ESP_OK || p.verdict == ESP_BAD_PAD || p.verdict == ESP_DUMMY ||
              p.verdict == ESP_BAD_INNER);
    kc_box_free(box);
}

static void inner(struct esp_sa *in, const struct suite *s, const uint8_t *data, size_t len)
{
    static uint8_t buf[ESP_HEADROOM + LEN_MAX + ESP_TAILROOM];
    struct esp_pkt p = {buf, sizeof(buf), ESP_HEADROOM, (uint32_t)len, ESP_OK};
    struct esp_sa *out = sa_new(s);

    memcpy(buf + ESP_HEADROOM, data, len);
    esp_seal(out, &p, 1);
    kd_assert(p.verdict == ESP_OK || p.verdict == ESP_BAD_INNER);
    if (p.verdict == ESP_OK) {
        esp_open(in, &p, 1);
        kd_assert(p.verdict == ESP_OK && p.len <= len);
        kd_assert(memcmp(p.buf + p.off, data, p.len) == 0);
    }
    esp_sa_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct esp_sa *in;
    struct suite s;

    if (len < 1 || len > LEN_MAX)
        return 0;
    if (!ctx)
        start();
    s = suite_of(data[0]);
    in = sa_new(&s);
    if (data[0] & 8)
        inner(in, &s, data + 1, len - 1);
    else if (data[0] & 4)
        text(in, &s, data + 1, len - 1);
    else
        raw(in, data + 1, len - 1);
    look_inside(data + 1, len - 1);
    esp_sa_free(in);
    return 0;
}
