/* What the tests of src/esp share: suites, keyed pairs, inner packets made by hand. */
#ifndef KEDGE_TEST_ESP_H
#define KEDGE_TEST_ESP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp/esp.h"

#define SPI 0x11223344u

struct suite {
    const struct kc_alg *encr, *integ; /* integ NULL with an AEAD */
    bool esn;
};

static inline struct suite suite_of(const char *encr, const char *integ, bool esn)
{
    struct suite s = {kc_alg_by_name(encr), integ ? kc_alg_by_name(integ) : NULL, esn};

    assert_non_null(s.encr);
    return s;
}

/* Keys 00 01 02 .. (AEAD: the salt is a0 a1 a2 a3), integrity keys 40 41 42 ..: the vectors'. */
static inline struct kd_handle key_of(struct kc_ctx *c, size_t len, size_t salt, uint8_t first)
{
    uint8_t b[KC_KEY_MAX];
    struct kd_handle h;

    if (len == 0) /* NULL encryption needs none */
        return KD_HANDLE_NONE;
    for (size_t i = 0; i < len; i++)
        b[i] = (uint8_t)(first + i);
    for (size_t i = 0; i < salt; i++)
        b[len + i] = (uint8_t)(0xa0 + i);
    h = kc_key_import(c, kd_bytes(b, len + salt));
    assert_false(kd_handle_none(h));
    return h;
}

static inline struct esp_sa *sa_from(struct kc_ctx *c, struct suite s, uint32_t window,
                                     uint64_t seq_start)
{
    struct esp_params p = {.spi = SPI,
                           .encr = s.encr,
                           .integ = s.integ,
                           .esn = s.esn,
                           .replay_window = window,
                           .seq_start = seq_start};
    struct esp_sa *sa;

    memset(p.iv_seed, 7, sizeof(p.iv_seed));
    p.key_enc = key_of(c, s.encr->key_len, s.encr->salt_len, 0);
    if (s.integ)
        p.key_int = key_of(c, s.integ->key_len, 0, 0x40);
    sa = esp_sa_new(c, &p);
    assert_non_null(sa);
    kc_key_free(c, p.key_enc); /* the SA owns what it needs */
    kc_key_free(c, p.key_int);
    return sa;
}

struct slot {
    uint8_t b[ESP_HEADROOM + 2048 + ESP_TAILROOM];
};

static inline struct esp_pkt pkt_in(struct slot *s, const void *data, size_t len)
{
    assert_true(len <= 2048);
    memcpy(s->b + ESP_HEADROOM, data, len);
    return (struct esp_pkt){s->b, sizeof(s->b), ESP_HEADROOM, (uint32_t)len, ESP_VERDICT_N};
}

static inline enum esp_verdict seal1(struct esp_sa *sa, struct esp_pkt *p)
{
    esp_seal(sa, p, 1);
    return p->verdict;
}

static inline enum esp_verdict open1(struct esp_sa *sa, struct esp_pkt *p)
{
    esp_open(sa, p, 1);
    return p->verdict;
}

static inline void put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* An IPv4 packet of len bytes (at least 20), payload from a pattern, 10.0.0.1 -> 10.0.0.2. */
static inline void make_v4(uint8_t *p, size_t len, uint8_t proto)
{
    static const uint8_t addrs[8] = {10, 0, 0, 1, 10, 0, 0, 2};

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i * 7);
    memset(p, 0, 20);
    p[0] = 0x45;
    put16(p + 2, len);
    p[8] = 64;
    p[9] = proto;
    memcpy(p + 12, addrs, 8);
}

/* An IPv6 packet of len bytes (at least 40), 2001:db8::1 -> 2001:db8::2. */
static inline void make_v6(uint8_t *p, size_t len, uint8_t next)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i * 5);
    memset(p, 0, 40);
    p[0] = 0x60;
    put16(p + 4, len - 40);
    p[6] = next;
    p[7] = 64;
    memcpy(p + 8, "\x20\x01\x0d\xb8", 4);
    p[23] = 1;
    memcpy(p + 24, "\x20\x01\x0d\xb8", 4);
    p[39] = 2;
}

static inline void ctx_start(struct kc_ctx **c)
{
    *c = kc_ctx_new(KC_PROVIDER_REAL, 16);
    assert_non_null(*c);
}

#endif
