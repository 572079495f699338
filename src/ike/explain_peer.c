/* Proposals in the notation of IOS-XE ("crypto ikev2 proposal", "crypto ipsec transform-set"), as
 * far as it has words for them. Each type's first algorithm only: one that both ends have is
 * enough. */
#include "ike/explaining.h"

static const struct kc_alg *first(const struct ike_proposal *p, uint8_t type)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == type && !(p->t[i].id == 0 && type != KC_ESN))
            return kc_alg_find(type, p->t[i].id, p->t[i].key_bits);
    return NULL;
}

/* What IOS calls an algorithm; NULL: it has no word for it. */
static const struct {
    const char *name, *ike, *esp;
} words[] = {
    {"des", "des", "esp-des"},
    {"3des", "3des", "esp-3des"},
    {"null", NULL, "esp-null"},
    {"aes128", "aes-cbc-128", "esp-aes"},
    {"aes192", "aes-cbc-192", "esp-aes 192"},
    {"aes256", "aes-cbc-256", "esp-aes 256"},
    {"aes128gcm16", "aes-gcm-128", "esp-gcm 128"},
    {"aes192gcm16", NULL, "esp-gcm 192"},
    {"aes256gcm16", "aes-gcm-256", "esp-gcm 256"},
    {"md5", "md5", "esp-md5-hmac"},
    {"sha1", "sha1", "esp-sha-hmac"},
    {"sha256", "sha256", "esp-sha256-hmac"},
    {"sha384", "sha384", "esp-sha384-hmac"},
    {"sha512", "sha512", "esp-sha512-hmac"},
    {"prfsha1", "sha1", NULL},
    {"prfsha256", "sha256", NULL},
    {"prfsha384", "sha384", NULL},
    {"prfsha512", "sha512", NULL},
};

static const char *word(const struct kc_alg *alg, bool ike)
{
    for (size_t i = 0; alg && i < KD_ARRAY_LEN(words); i++)
        if (strcmp(words[i].name, alg->name) == 0)
            return ike ? words[i].ike : words[i].esp;
    return NULL;
}

static bool group_known(uint16_t id)
{
    static const uint16_t ids[] = {1, 2, 5, 14, 15, 16, 19, 20, 21, 24};

    for (size_t i = 0; i < KD_ARRAY_LEN(ids); i++)
        if (ids[i] == id)
            return true;
    return false;
}

bool ike_ios_ike(const struct ike_proposal *p, char *buf, size_t cap)
{
    const struct kc_alg *encr = first(p, KC_ENCR), *dh = first(p, KC_DH);
    const struct kc_alg *mac = first(p, encr && encr->aead ? KC_PRF : KC_INTEG);
    const char *e = word(encr, true), *m = word(mac, true);

    if (!e || !m || !dh || !group_known(dh->id))
        return false;
    ike_explain_put(buf, cap, "encryption %s; %s %s; group %u", e, encr->aead ? "prf" : "integrity",
                    m, dh->id);
    return true;
}

bool ike_ios_esp(const struct ike_proposal *p, char *buf, size_t cap)
{
    const struct kc_alg *encr = first(p, KC_ENCR), *integ = first(p, KC_INTEG);
    const char *e = word(encr, false), *m = word(integ, false);

    if (!e || (!m && !encr->aead))
        return false;
    ike_explain_put(buf, cap, "%s%s%s", e, encr->aead ? "" : " ", encr->aead ? "" : m);
    return true;
}

bool ike_ios_pfs(const struct ike_proposal *p, char *buf, size_t cap)
{
    const struct kc_alg *dh = first(p, KC_DH);

    if (dh && !group_known(dh->id))
        return false;
    if (dh)
        ike_explain_put(buf, cap, "set pfs group%u", dh->id);
    else
        ike_explain_put(buf, cap, "no set pfs");
    return true;
}
