/* profile: azure-custom: a custom IPsec/IKE policy of a connection, one value in each of its fields
 * and only those Azure has (facts/azure.md 1.3). */
#include "config/cfg.h"

#include <stdio.h>

struct field {
    uint8_t type;
    uint16_t id, bits;
};

#define GCM(bits) KC_ENCR_AES_GCM_16, bits
#define CBC(bits) KC_ENCR_AES_CBC, bits

static const struct field ike_fields[] = {
    {KC_ENCR, GCM(256)},
    {KC_ENCR, GCM(128)},
    {KC_ENCR, CBC(256)},
    {KC_ENCR, CBC(192)},
    {KC_ENCR, CBC(128)},
    {KC_ENCR, KC_ENCR_3DES, 0},
    {KC_ENCR, KC_ENCR_DES, 0},
    {KC_INTEG, KC_INTEG_HMAC_SHA2_384_192, 0},
    {KC_INTEG, KC_INTEG_HMAC_SHA2_256_128, 0},
    {KC_INTEG, KC_INTEG_HMAC_SHA1_96, 0},
    {KC_INTEG, KC_INTEG_HMAC_MD5_96, 0},
    {KC_PRF, KC_PRF_HMAC_SHA2_384, 0}, /* follows the integrity; with GCM it is that column */
    {KC_PRF, KC_PRF_HMAC_SHA2_256, 0},
    {KC_PRF, KC_PRF_HMAC_SHA1, 0},
    {KC_PRF, KC_PRF_HMAC_MD5, 0},
    {KC_DH, KC_DH_MODP2048_256, 0},
    {KC_DH, KC_DH_ECP384, 0},
    {KC_DH, KC_DH_ECP256, 0},
    {KC_DH, KC_DH_MODP2048, 0},
    {KC_DH, KC_DH_MODP1024, 0},
    {KC_DH, KC_DH_MODP768, 0},
};

static const struct field esp_fields[] = {
    {KC_ENCR, GCM(256)},
    {KC_ENCR, GCM(192)},
    {KC_ENCR, GCM(128)},
    {KC_ENCR, CBC(256)},
    {KC_ENCR, CBC(192)},
    {KC_ENCR, CBC(128)},
    {KC_ENCR, KC_ENCR_3DES, 0},
    {KC_ENCR, KC_ENCR_DES, 0},
    {KC_ENCR, KC_ENCR_NULL, 0},
    {KC_INTEG, KC_INTEG_HMAC_SHA2_256_128, 0},
    {KC_INTEG, KC_INTEG_HMAC_SHA1_96, 0},
    {KC_INTEG, KC_INTEG_HMAC_MD5_96, 0},
    {KC_DH, KC_DH_MODP2048_256, 0},
    {KC_DH, KC_DH_ECP384, 0},
    {KC_DH, KC_DH_ECP256, 0},
    {KC_DH, KC_DH_MODP2048, 0},
    {KC_DH, KC_DH_MODP1024, 0},
    {KC_DH, KC_DH_MODP768, 0},
    {KC_ESN, 0, 0}, /* Azure has no extended sequence numbers */
};

static const char *const type_names[] = {
    [KC_ENCR] = "encryption", [KC_PRF] = "PRF", [KC_INTEG] = "integrity", [KC_DH] = "group",
    [KC_ESN] = "sequence numbers"};

static const char *name_of(uint8_t type, uint16_t id, uint16_t bits)
{
    const struct kc_alg *a = kc_alg_find(type, id, bits);
    return a ? a->name : "?";
}

static const char *allowed(const struct field *f, size_t n, uint8_t type, char *buf, size_t cap)
{
    size_t at = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < n && at < cap; i++)
        if (f[i].type == type)
            at += (size_t)snprintf(buf + at, cap - at, "%s%s", at ? ", " : "",
                                   name_of(type, f[i].id, f[i].bits));
    return buf;
}

static bool has(const struct field *f, size_t n, const struct ike_transform *t)
{
    for (size_t i = 0; i < n; i++)
        if (f[i].type == t->type && f[i].id == t->id && f[i].bits == t->key_bits)
            return true;
    return false;
}

/* key: "ike" or "esp"; its list stands at `at`. */
static void check(struct cfg *c, const struct ike_proposal *p, const struct field *f, size_t n,
                  const char *key, struct cfg_where at)
{
    unsigned seen = 0;
    char buf[192];
    for (unsigned i = 0; i < p->n; i++) {
        const struct ike_transform *t = &p->t[i];
        if (seen & 1u << t->type) {
            cfg_error(c, at,
                      ".%s[0]: more than one %s; Azure's custom policy has one in each field", key,
                      type_names[t->type]);
            return;
        }
        seen |= 1u << t->type;
        if (has(f, n, t))
            continue;
        cfg_error(c, at, ".%s[0]: %s is not in Azure's custom policy; its %s: %s", key,
                  name_of(t->type, t->id, t->key_bits), type_names[t->type],
                  allowed(f, n, t->type, buf, sizeof(buf)));
        return;
    }
}

void cfg_azure_custom(struct cfg *c, const struct ike_conn_config *k, struct cfg_where profile,
                      struct cfg_where ike, struct cfg_where esp)
{
    if (k->ike.n > 1 || k->esp.n > 1) {
        cfg_error(c, profile, ".profile: azure-custom; allowed: one ike and one esp proposal");
        return;
    }
    if (k->ike.n)
        check(c, &k->ike.p[0], ike_fields, KD_ARRAY_LEN(ike_fields), "ike", ike);
    if (k->esp.n)
        check(c, &k->esp.p[0], esp_fields, KD_ARRAY_LEN(esp_fields), "esp", esp);
}
