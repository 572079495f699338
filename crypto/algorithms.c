/* The table of algorithms kedge knows: numbers, strongSwan keywords and every size on the wire.
 *
 * Not here: whether this process can do one (the provider says so, kc_available()), nor whether it
 * is wise to use it (configuration: DESIGN 3.12).
 *
 * Sources: IANA "IKEv2 Parameters"; RFC 7296 3.3.2; RFC 2410 (NULL), RFC 2451 (DES, 3DES), RFC 3602
 * (AES-CBC), RFC 4106 and RFC 5282 (AES-GCM in ESP and IKE), RFC 7634 (ChaCha20-Poly1305), RFC 2403
 * and RFC 2404 (MD5, SHA-1), RFC 4868 (SHA-2), RFC 2409, 3526, 5114, 5903 and 8031 (groups). */
#include "crypto/crypto.h"

/* The order is that of the transform types, then of the numbers; key sizes ascend. */
static const struct kc_alg table[] = {
    /* type, id, key bits, name, key, salt, iv, block, icv, out, pub, aead */
    {KC_ENCR, KC_ENCR_DES, 0, "des", 8, 0, 8, 8, 0, 0, 0, false},
    {KC_ENCR, KC_ENCR_3DES, 0, "3des", 24, 0, 8, 8, 0, 0, 0, false},
    {KC_ENCR, KC_ENCR_NULL, 0, "null", 0, 0, 0, 1, 0, 0, 0, false},
    {KC_ENCR, KC_ENCR_AES_CBC, 128, "aes128", 16, 0, 16, 16, 0, 0, 0, false},
    {KC_ENCR, KC_ENCR_AES_CBC, 192, "aes192", 24, 0, 16, 16, 0, 0, 0, false},
    {KC_ENCR, KC_ENCR_AES_CBC, 256, "aes256", 32, 0, 16, 16, 0, 0, 0, false},
    {KC_ENCR, KC_ENCR_AES_GCM_8, 128, "aes128gcm8", 16, 4, 8, 1, 8, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_8, 192, "aes192gcm8", 24, 4, 8, 1, 8, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_8, 256, "aes256gcm8", 32, 4, 8, 1, 8, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_12, 128, "aes128gcm12", 16, 4, 8, 1, 12, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_12, 192, "aes192gcm12", 24, 4, 8, 1, 12, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_12, 256, "aes256gcm12", 32, 4, 8, 1, 12, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_16, 128, "aes128gcm16", 16, 4, 8, 1, 16, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_16, 192, "aes192gcm16", 24, 4, 8, 1, 16, 0, 0, true},
    {KC_ENCR, KC_ENCR_AES_GCM_16, 256, "aes256gcm16", 32, 4, 8, 1, 16, 0, 0, true},
    {KC_ENCR, KC_ENCR_CHACHA20_POLY1305, 0, "chacha20poly1305", 32, 4, 8, 1, 16, 0, 0, true},

    /* RFC 7296 2.13: the preferred key length of an HMAC is its output length. */
    {KC_PRF, KC_PRF_HMAC_MD5, 0, "prfmd5", 16, 0, 0, 0, 0, 16, 0, false},
    {KC_PRF, KC_PRF_HMAC_SHA1, 0, "prfsha1", 20, 0, 0, 0, 0, 20, 0, false},
    {KC_PRF, KC_PRF_HMAC_SHA2_256, 0, "prfsha256", 32, 0, 0, 0, 0, 32, 0, false},
    {KC_PRF, KC_PRF_HMAC_SHA2_384, 0, "prfsha384", 48, 0, 0, 0, 0, 48, 0, false},
    {KC_PRF, KC_PRF_HMAC_SHA2_512, 0, "prfsha512", 64, 0, 0, 0, 0, 64, 0, false},

    {KC_INTEG, KC_INTEG_NONE, 0, "integnone", 0, 0, 0, 0, 0, 0, 0, false},
    {KC_INTEG, KC_INTEG_HMAC_MD5_96, 0, "md5", 16, 0, 0, 0, 12, 0, 0, false},
    {KC_INTEG, KC_INTEG_HMAC_SHA1_96, 0, "sha1", 20, 0, 0, 0, 12, 0, 0, false},
    {KC_INTEG, KC_INTEG_HMAC_SHA2_256_128, 0, "sha256", 32, 0, 0, 0, 16, 0, 0, false},
    {KC_INTEG, KC_INTEG_HMAC_SHA2_384_192, 0, "sha384", 48, 0, 0, 0, 24, 0, 0, false},
    {KC_INTEG, KC_INTEG_HMAC_SHA2_512_256, 0, "sha512", 64, 0, 0, 0, 32, 0, 0, false},

    {KC_DH, KC_DH_NONE, 0, "modpnone", 0, 0, 0, 0, 0, 0, 0, false},
    {KC_DH, KC_DH_MODP768, 0, "modp768", 0, 0, 0, 0, 0, 96, 96, false},
    {KC_DH, KC_DH_MODP1024, 0, "modp1024", 0, 0, 0, 0, 0, 128, 128, false},
    {KC_DH, KC_DH_MODP1536, 0, "modp1536", 0, 0, 0, 0, 0, 192, 192, false},
    {KC_DH, KC_DH_MODP2048, 0, "modp2048", 0, 0, 0, 0, 0, 256, 256, false},
    {KC_DH, KC_DH_MODP3072, 0, "modp3072", 0, 0, 0, 0, 0, 384, 384, false},
    {KC_DH, KC_DH_MODP4096, 0, "modp4096", 0, 0, 0, 0, 0, 512, 512, false},
    {KC_DH, KC_DH_ECP256, 0, "ecp256", 0, 0, 0, 0, 0, 32, 64, false},
    {KC_DH, KC_DH_ECP384, 0, "ecp384", 0, 0, 0, 0, 0, 48, 96, false},
    {KC_DH, KC_DH_ECP521, 0, "ecp521", 0, 0, 0, 0, 0, 66, 132, false},
    {KC_DH, KC_DH_MODP2048_256, 0, "modp2048s256", 0, 0, 0, 0, 0, 256, 256, false},
    {KC_DH, KC_DH_X25519, 0, "x25519", 0, 0, 0, 0, 0, 32, 32, false},

    {KC_ESN, 0, 0, "noesn", 0, 0, 0, 0, 0, 0, 0, false},
    {KC_ESN, 1, 0, "esn", 0, 0, 0, 0, 0, 0, 0, false},
};

/* Further spellings strongSwan accepts and people paste. */
static const struct alias {
    const char *name, *means;
} aliases[] = {
    {"aes128gcm", "aes128gcm16"},
    {"aes192gcm", "aes192gcm16"},
    {"aes256gcm", "aes256gcm16"},
    {"aes128gcm128", "aes128gcm16"},
    {"aes192gcm128", "aes192gcm16"},
    {"aes256gcm128", "aes256gcm16"},
    {"sha", "sha1"},
    {"sha2_256", "sha256"},
    {"sha2_384", "sha384"},
    {"sha2_512", "sha512"},
    {"curve25519", "x25519"},
};

const struct kc_alg *kc_alg_find(enum kc_transform_type type, uint16_t id, uint16_t key_bits)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
        const struct kc_alg *a = &table[i];
        if (a->type == type && a->id == id && a->key_bits == key_bits)
            return a;
    }
    return NULL;
}

const struct kc_alg *kc_alg_by_name(const char *name)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(aliases); i++) {
        if (strcmp(aliases[i].name, name) == 0) {
            name = aliases[i].means;
            break;
        }
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

const struct kc_alg *kc_alg_table(size_t *n)
{
    *n = KD_ARRAY_LEN(table);
    return table;
}
