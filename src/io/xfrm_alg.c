/* ESP's algorithms by the names of the kernel's crypto API (net/xfrm/xfrm_algo.c). */
#include "io/xfrm_alg.h"

static const struct {
    uint16_t id;
    const char *name;
} encrs[] =
    {
        {KC_ENCR_DES, "cbc(des)"},
        {KC_ENCR_3DES, "cbc(des3_ede)"},
        {KC_ENCR_NULL, "ecb(cipher_null)"},
        {KC_ENCR_AES_CBC, "cbc(aes)"},
        {KC_ENCR_AES_GCM_8, "rfc4106(gcm(aes))"},
        {KC_ENCR_AES_GCM_12, "rfc4106(gcm(aes))"},
        {KC_ENCR_AES_GCM_16, "rfc4106(gcm(aes))"},
        {KC_ENCR_CHACHA20_POLY1305, "rfc7539esp(chacha20,poly1305)"},
},
  integs[] = {
      {KC_INTEG_HMAC_MD5_96, "hmac(md5)"},          {KC_INTEG_HMAC_SHA1_96, "hmac(sha1)"},
      {KC_INTEG_HMAC_SHA2_256_128, "hmac(sha256)"}, {KC_INTEG_HMAC_SHA2_384_192, "hmac(sha384)"},
      {KC_INTEG_HMAC_SHA2_512_256, "hmac(sha512)"},
};

static void set(struct nl_sa_alg *a, const char *name, const struct kc_alg *alg)
{
    *a = (struct nl_sa_alg){.key_len = alg->key_len + alg->salt_len, .icv_bits = alg->icv_len * 8u};
    memcpy(a->name, name, strlen(name));
}

static bool find_encr(const struct kc_alg *alg, struct nl_sa_alg *out)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(encrs); i++)
        if (encrs[i].id == alg->id) {
            set(out, encrs[i].name, alg);
            return true;
        }
    return false;
}

static bool find_integ(const struct kc_alg *alg, struct nl_sa_alg *out)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(integs); i++)
        if (integs[i].id == alg->id) {
            set(out, integs[i].name, alg);
            return true;
        }
    return false;
}

bool io_xfrm_alg(const struct kc_alg *encr, const struct kc_alg *integ, struct nl_sa_alg *e,
                 struct nl_sa_alg *i)
{
    *i = (struct nl_sa_alg){0};
    if (!encr || !find_encr(encr, e))
        return false;
    return encr->aead || (integ && find_integ(integ, i));
}
