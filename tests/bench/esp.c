/* How fast src/esp seals and opens packets of 1400 bytes on one core, and how much of what
 * OpenSSL's EVP does with the same cipher on the same bytes, measured in turns within one run.
 *
 *   bench-esp [seconds a suite]
 *
 * Judges nothing: prints one line a suite. The only file outside crypto/ that includes openssl/. */
#include "esp/esp.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define INNER 1400
#define BATCH 64

struct slot {
    uint8_t b[ESP_HEADROOM + INNER + ESP_TAILROOM];
};

static struct slot slots[BATCH];

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- kedge ---- */

struct pair {
    struct esp_sa *out, *in;
};

static struct kd_handle random_key(struct kc_ctx *c, size_t len)
{
    uint8_t b[KC_KEY_MAX];

    kc_os_random(b, len);
    return kc_key_import(c, kd_bytes(b, len));
}

static struct pair pair_new(struct kc_ctx *c, const struct kc_alg *encr, const struct kc_alg *integ)
{
    struct esp_params p = {
        .spi = 1, .encr = encr, .integ = integ, .esn = true, .replay_window = 1024};
    struct pair pair;

    p.key_enc = random_key(c, (size_t)encr->key_len + encr->salt_len);
    if (integ)
        p.key_int = random_key(c, integ->key_len);
    pair.out = esp_sa_new(c, &p);
    pair.in = esp_sa_new(c, &p);
    kd_assert(pair.out && pair.in);
    kc_key_free(c, p.key_enc);
    kc_key_free(c, p.key_int);
    return pair;
}

static void fill(struct esp_pkt *pkts)
{
    for (size_t i = 0; i < BATCH; i++) {
        uint8_t *p = slots[i].b + ESP_HEADROOM;
        memset(p, 0, 20);
        p[0] = 0x45;
        p[2] = INNER >> 8;
        p[3] = INNER & 0xff;
        pkts[i] = (struct esp_pkt){slots[i].b, sizeof(slots[i].b), ESP_HEADROOM, INNER, ESP_OK};
    }
}

static void check(const struct esp_pkt *pkts)
{
    for (size_t i = 0; i < BATCH; i++)
        kd_assert(pkts[i].verdict == ESP_OK);
}

static void turn_esp(struct pair *p, double *seal_s, double *open_s)
{
    struct esp_pkt pkts[BATCH];
    double t0, t1;

    fill(pkts);
    t0 = now_s();
    esp_seal(p->out, pkts, BATCH);
    t1 = now_s();
    *seal_s += t1 - t0;
    check(pkts);
    t0 = now_s();
    esp_open(p->in, pkts, BATCH);
    *open_s += now_s() - t0;
    check(pkts);
}

/* ---- OpenSSL alone ---- */

struct raw {
    EVP_CIPHER_CTX *enc, *dec;
    EVP_MAC_CTX *mac;
    bool aead;
};

static struct raw raw_new(const char *cipher, const char *digest)
{
    static const uint8_t key[64];
    EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, cipher, NULL);
    struct raw r = {.enc = EVP_CIPHER_CTX_new(), .dec = EVP_CIPHER_CTX_new(), .aead = !digest};

    kd_assert(EVP_EncryptInit_ex2(r.enc, c, key, NULL, NULL) == 1);
    kd_assert(EVP_DecryptInit_ex2(r.dec, c, key, NULL, NULL) == 1);
    EVP_CIPHER_CTX_set_padding(r.enc, 0);
    EVP_CIPHER_CTX_set_padding(r.dec, 0);
    EVP_CIPHER_free(c);
    if (digest) {
        EVP_MAC *m = EVP_MAC_fetch(NULL, "HMAC", NULL);
        char name[16];
        OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                OSSL_PARAM_construct_end()};
        snprintf(name, sizeof(name), "%s", digest);
        r.mac = EVP_MAC_CTX_new(m);
        kd_assert(EVP_MAC_init(r.mac, key, 20, params) == 1);
        EVP_MAC_free(m);
    }
    return r;
}

static void raw_free(struct raw *r)
{
    EVP_CIPHER_CTX_free(r->enc);
    EVP_CIPHER_CTX_free(r->dec);
    EVP_MAC_CTX_free(r->mac);
}

/* What must be encrypted of an inner packet of 1400 bytes: payload, padding and trailer. */
static int text_len(const struct raw *r)
{
    return r->aead ? 1404 : 1408;
}

static void raw_mac(struct raw *r, const uint8_t *p, size_t len)
{
    uint8_t tag[64];
    size_t n;

    kd_assert(EVP_MAC_init(r->mac, NULL, 0, NULL) == 1);
    kd_assert(EVP_MAC_update(r->mac, p, len) == 1);
    kd_assert(EVP_MAC_final(r->mac, tag, &n, sizeof(tag)) == 1);
}

static void raw_seal(struct raw *r, uint8_t *p, uint8_t tag[16], const uint8_t *iv)
{
    int n, len = text_len(r);

    kd_assert(EVP_EncryptInit_ex2(r->enc, NULL, NULL, iv, NULL) == 1);
    if (r->aead)
        kd_assert(EVP_EncryptUpdate(r->enc, NULL, &n, iv, 12) == 1);
    kd_assert(EVP_EncryptUpdate(r->enc, p, &n, p, len) == 1);
    if (r->aead) {
        kd_assert(EVP_EncryptFinal_ex(r->enc, p + len, &n) == 1);
        kd_assert(EVP_CIPHER_CTX_ctrl(r->enc, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1);
    } else {
        raw_mac(r, p, (size_t)len + 24);
    }
}

static void raw_open(struct raw *r, uint8_t *p, uint8_t tag[16], const uint8_t *iv)
{
    int n, len = text_len(r);

    if (!r->aead)
        raw_mac(r, p, (size_t)len + 24);
    kd_assert(EVP_DecryptInit_ex2(r->dec, NULL, NULL, iv, NULL) == 1);
    if (r->aead) {
        kd_assert(EVP_CIPHER_CTX_ctrl(r->dec, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1);
        kd_assert(EVP_DecryptUpdate(r->dec, NULL, &n, iv, 12) == 1);
    }
    kd_assert(EVP_DecryptUpdate(r->dec, p, &n, p, len) == 1);
    if (r->aead)
        kd_assert(EVP_DecryptFinal_ex(r->dec, p + len, &n) == 1);
}

static void turn_raw(struct raw *r, double *seal_s, double *open_s)
{
    static uint8_t tags[BATCH][16], iv[BATCH][16];
    static uint64_t count;
    double t0, t1;

    for (size_t i = 0; i < BATCH; i++, count++)
        memcpy(iv[i], &count, sizeof(count));
    t0 = now_s();
    for (size_t i = 0; i < BATCH; i++)
        raw_seal(r, slots[i].b, tags[i], iv[i]);
    t1 = now_s();
    *seal_s += t1 - t0;
    for (size_t i = 0; i < BATCH; i++)
        raw_open(r, slots[i].b, tags[i], iv[i]);
    *open_s += now_s() - t1;
}

/* ---- the table ---- */

static const struct row {
    const char *encr, *integ, *cipher, *digest;
} rows[] = {
    {"aes128gcm16", NULL, "AES-128-GCM", NULL},
    {"aes256gcm16", NULL, "AES-256-GCM", NULL},
    {"chacha20poly1305", NULL, "ChaCha20-Poly1305", NULL},
    {"aes128", "sha1", "AES-128-CBC", "SHA1"},
    {"aes256", "sha1", "AES-256-CBC", "SHA1"},
    {"aes256", "sha256", "AES-256-CBC", "SHA256"},
    {"3des", "sha1", "DES-EDE3-CBC", "SHA1"},
};

static void run(struct kc_ctx *c, const struct row *row, double seconds)
{
    struct pair p =
        pair_new(c, kc_alg_by_name(row->encr), row->integ ? kc_alg_by_name(row->integ) : NULL);
    struct raw r = raw_new(row->cipher, row->digest);
    double seal = 0, open = 0, raw_s = 0, raw_o = 0, bits = 0, end = now_s() + seconds;
    char name[48];

    do {
        turn_esp(&p, &seal, &open);
        turn_raw(&r, &raw_s, &raw_o);
        bits += BATCH * INNER * 8.0;
    } while (now_s() < end);
    snprintf(name, sizeof(name), "%s%s%s", row->encr, row->integ ? "-" : "",
             row->integ ? row->integ : "");
    printf("%-18s %8.2f %8.2f %9.2f %9.2f %7.2f %7.2f\n", name, bits / seal / 1e9,
           bits / open / 1e9, bits / raw_s / 1e9, bits / raw_o / 1e9, raw_s / seal, raw_o / open);
    raw_free(&r);
    esp_sa_free(p.out);
    esp_sa_free(p.in);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1.0;
    struct kc_ctx *c = kc_ctx_new(KC_PROVIDER_REAL, 8);

    if (!c)
        return 1;
    printf("%-18s %8s %8s %9s %9s %7s %7s\n", "Gbit/s, 1 core", "seal", "open", "EVP seal",
           "EVP open", "ratio s", "ratio o");
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        run(c, &rows[i], seconds);
    kc_ctx_free(c);
    return 0;
}
