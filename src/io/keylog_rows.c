/* Rows of Wireshark's tables ikev2_decryption_table and esp_sa. The names of the algorithms are
 * those of its preferences, to the letter (4.0; each is held against tshark by tests/interop). What
 * it has no name for (DES in IKE, ChaCha20-Poly1305) becomes a comment. */
#include "io/keylog.h"

#include <stdio.h>

#define HEX_MAX 160 /* 64 octets and a salt */

struct name {
    const char *alg, *ike, *esp; /* NULL: Wireshark has none */
};

static const struct name encr_names[] = {
    {"des", NULL, "DES-CBC [RFC2405]"},
    {"3des", "3DES [RFC2451]", "TripleDES-CBC [RFC2451]"},
    {"null", NULL, "NULL"},
    {"aes128", "AES-CBC-128 [RFC3602]", "AES-CBC [RFC3602]"},
    {"aes192", "AES-CBC-192 [RFC3602]", "AES-CBC [RFC3602]"},
    {"aes256", "AES-CBC-256 [RFC3602]", "AES-CBC [RFC3602]"},
    {"aes128gcm8", "AES-GCM-128 with 8 octet ICV [RFC5282]", "AES-GCM with 8 octet ICV [RFC4106]"},
    {"aes192gcm8", "AES-GCM-192 with 8 octet ICV [RFC5282]", "AES-GCM with 8 octet ICV [RFC4106]"},
    {"aes256gcm8", "AES-GCM-256 with 8 octet ICV [RFC5282]", "AES-GCM with 8 octet ICV [RFC4106]"},
    {"aes128gcm12", "AES-GCM-128 with 12 octet ICV [RFC5282]",
     "AES-GCM with 12 octet ICV [RFC4106]"},
    {"aes192gcm12", "AES-GCM-192 with 12 octet ICV [RFC5282]",
     "AES-GCM with 12 octet ICV [RFC4106]"},
    {"aes256gcm12", "AES-GCM-256 with 12 octet ICV [RFC5282]",
     "AES-GCM with 12 octet ICV [RFC4106]"},
    {"aes128gcm16", "AES-GCM-128 with 16 octet ICV [RFC5282]",
     "AES-GCM with 16 octet ICV [RFC4106]"},
    {"aes192gcm16", "AES-GCM-192 with 16 octet ICV [RFC5282]",
     "AES-GCM with 16 octet ICV [RFC4106]"},
    {"aes256gcm16", "AES-GCM-256 with 16 octet ICV [RFC5282]",
     "AES-GCM with 16 octet ICV [RFC4106]"},
};

static const struct name integ_names[] = {
    {"md5", "HMAC_MD5_96 [RFC2403]", "HMAC-MD5-96 [RFC2403]"},
    {"sha1", "HMAC_SHA1_96 [RFC2404]", "HMAC-SHA-1-96 [RFC2404]"},
    {"sha256", "HMAC_SHA2_256_128 [RFC4868]", "HMAC-SHA-256-128 [RFC4868]"},
    {"sha384", "HMAC_SHA2_384_192 [RFC4868]", "HMAC-SHA-384-192 [RFC4868]"},
    {"sha512", "HMAC_SHA2_512_256 [RFC4868]", "HMAC-SHA-512-256 [RFC4868]"},
};

static const char *encr_name(const struct kc_alg *alg, bool ike)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(encr_names); i++)
        if (strcmp(encr_names[i].alg, alg->name) == 0)
            return ike ? encr_names[i].ike : encr_names[i].esp;
    return NULL;
}

static const char *integ_name(const struct kc_alg *alg, bool ike)
{
    if (!alg || alg->id == KC_INTEG_NONE)
        return ike ? "NONE [RFC4306]" : "NULL";
    for (size_t i = 0; i < KD_ARRAY_LEN(integ_names); i++)
        if (strcmp(integ_names[i].alg, alg->name) == 0)
            return ike ? integ_names[i].ike : integ_names[i].esp;
    return NULL;
}

static void hex8(const uint8_t spi[8], char out[17])
{
    for (size_t i = 0; i < 8; i++)
        snprintf(out + 2 * i, 3, "%02x", spi[i]);
}

/* Both keys of one direction; false when one is gone. An algorithm without a key has an empty one.
 */
static bool keys(struct kc_ctx *crypto, const struct kc_alg *encr, const struct kc_alg *integ,
                 struct kd_handle enc, struct kd_handle mac, char *e, char *a)
{
    bool ok = encr->key_len == 0 || kc_keylog_hex(crypto, enc, e, HEX_MAX) > 0;

    if (encr->key_len == 0)
        e[0] = '\0';
    a[0] = '\0';
    if (integ && integ->key_len)
        ok = kc_keylog_hex(crypto, mac, a, HEX_MAX) > 0 && ok;
    return ok;
}

/* named: both algorithms have one, so it is a key that lacks. */
static void comment(char *buf, const char *spis, const struct kc_alg *encr,
                    const struct kc_alg *integ, bool named)
{
    if (named)
        snprintf(buf, IO_KEYLOG_ROW, "# %s: its keys are gone\n", spis);
    else
        snprintf(buf, IO_KEYLOG_ROW, "# %s: Wireshark has no name for %s%s%s\n", spis, encr->name,
                 integ ? "-" : "", integ ? integ->name : "");
}

bool io_keylog_ike_row(struct kc_ctx *crypto, const struct ike_sa_keys *k, char *buf)
{
    const char *encr = encr_name(k->encr, true), *integ = integ_name(k->integ, true);
    char spis[48], spi_i[17], spi_r[17], ei[HEX_MAX], er[HEX_MAX], ai[HEX_MAX], ar[HEX_MAX];
    bool ok = encr && integ && keys(crypto, k->encr, k->integ, k->ei, k->ai, ei, ai) &&
              keys(crypto, k->encr, k->integ, k->er, k->ar, er, ar);

    hex8(k->spi_i, spi_i);
    hex8(k->spi_r, spi_r);
    snprintf(spis, sizeof(spis), "IKE SA %s %s", spi_i, spi_r);
    if (ok)
        snprintf(buf, IO_KEYLOG_ROW, "%s,%s,%s,%s,\"%s\",%s,%s,\"%s\"\n", spi_i, spi_r, ei, er,
                 encr, ai, ar, integ);
    else
        comment(buf, spis, k->encr, k->integ, encr && integ);
    kc_wipe(ei, sizeof(ei));
    kc_wipe(er, sizeof(er));
    kc_wipe(ai, sizeof(ai));
    kc_wipe(ar, sizeof(ar));
    return ok;
}

/* In UDP a NAT may be between us and who captures, and its mapping changes: any address. */
static void address(const struct ike_child_keys *k, const struct kd_endpoint *e, char *out)
{
    if (k->encap)
        strcpy(out, "*");
    else
        kd_addr_str(&e->addr, out);
}

bool io_keylog_esp_row(struct kc_ctx *crypto, const struct ike_child_keys *k, bool inbound,
                       char *buf)
{
    const char *encr = encr_name(k->encr, false), *integ = integ_name(k->integ, false);
    uint32_t spi = inbound ? k->spi_in : k->spi_out;
    char spis[32], enc[HEX_MAX], mac[HEX_MAX], src[KD_ADDR_STR_MAX], dst[KD_ADDR_STR_MAX];
    bool ok = encr && integ &&
              keys(crypto, k->encr, k->integ, inbound ? k->enc_in : k->enc_out,
                   inbound ? k->int_in : k->int_out, enc, mac);

    snprintf(spis, sizeof(spis), "ESP SA 0x%08x", spi);
    address(k, inbound ? &k->remote : &k->local, src);
    address(k, inbound ? &k->local : &k->remote, dst);
    if (ok)
        snprintf(buf, IO_KEYLOG_ROW,
                 "\"IPv%u\",\"%s\",\"%s\",\"0x%08x\",\"%s\",\"%s%s\",\"%s\",\"%s%s\"\n",
                 k->local.addr.family == 6 ? 6 : 4, src, dst, spi, encr, enc[0] ? "0x" : "", enc,
                 integ, mac[0] ? "0x" : "", mac);
    else
        comment(buf, spis, k->encr, k->integ, encr && integ);
    kc_wipe(enc, sizeof(enc));
    kc_wipe(mac, sizeof(mac));
    return ok;
}
