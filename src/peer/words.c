/* What the algorithms are called elsewhere: one row an algorithm, one column a language. Sources:
 * the vendors' command references (IOS-XE crypto ikev2 proposal and crypto ipsec transform-set;
 * Junos security ike/ipsec proposal; az network vpn-connection ipsec-policy), facts/azure.md 1. */
#include "peer/side.h"

#include <string.h>

/* clang-format off */
static const struct {
    const char *name; /* ours */
    const char *word[PEER_TONGUES];
} words[] = {
    /* IOS IKE and ESP, Junos IKE and ESP, Azure IKE and ESP */
    {"des",          {"des",         "esp-des",         "des-cbc",     "des-cbc",
                      "DES",         "DES"}},
    {"3des",         {"3des",        "esp-3des",        "3des-cbc",    "3des-cbc",
                      "DES3",        "DES3"}},
    {"null",         {NULL,          "esp-null",        NULL,          NULL,
                      NULL,          "None"}},
    {"aes128",       {"aes-cbc-128", "esp-aes",         "aes-128-cbc", "aes-128-cbc",
                      "AES128",      "AES128"}},
    {"aes192",       {"aes-cbc-192", "esp-aes 192",     "aes-192-cbc", "aes-192-cbc",
                      "AES192",      "AES192"}},
    {"aes256",       {"aes-cbc-256", "esp-aes 256",     "aes-256-cbc", "aes-256-cbc",
                      "AES256",      "AES256"}},
    {"aes128gcm16",  {"aes-gcm-128", "esp-gcm",         "aes-128-gcm", "aes-128-gcm",
                      "GCMAES128",   "GCMAES128"}},
    {"aes192gcm16",  {NULL,          "esp-gcm 192",     NULL,          "aes-192-gcm",
                      NULL,          "GCMAES192"}},
    {"aes256gcm16",  {"aes-gcm-256", "esp-gcm 256",     "aes-256-gcm", "aes-256-gcm",
                      "GCMAES256",   "GCMAES256"}},
    {"md5",          {"md5",         "esp-md5-hmac",    "md5",         "hmac-md5-96",
                      "MD5",         "MD5"}},
    {"sha1",         {"sha1",        "esp-sha-hmac",    "sha1",        "hmac-sha1-96",
                      "SHA1",        "SHA1"}},
    {"sha256",       {"sha256",      "esp-sha256-hmac", "sha-256",     "hmac-sha-256-128",
                      "SHA256",      "SHA256"}},
    {"sha384",       {"sha384",      "esp-sha384-hmac", "sha-384",     NULL,
                      "SHA384",      NULL}},
    {"sha512",       {"sha512",      "esp-sha512-hmac", "sha-512",     NULL,
                      NULL,          NULL}},
    {"prfmd5",       {"md5",         NULL,              "md5",         NULL,
                      "MD5",         NULL}},
    {"prfsha1",      {"sha1",        NULL,              "sha1",        NULL,
                      "SHA1",        NULL}},
    {"prfsha256",    {"sha256",      NULL,              "sha-256",     NULL,
                      "SHA256",      NULL}},
    {"prfsha384",    {"sha384",      NULL,              "sha-384",     NULL,
                      "SHA384",      NULL}},
    {"prfsha512",    {"sha512",      NULL,              "sha-512",     NULL,
                      NULL,          NULL}},
    {"modp768",      {"1",           "group1",          "group1",      "group1",
                      "DHGroup1",    "PFS1"}},
    {"modp1024",     {"2",           "group2",          "group2",      "group2",
                      "DHGroup2",    "PFS2"}},
    {"modp1536",     {"5",           "group5",          "group5",      "group5",
                      NULL,          NULL}},
    {"modp2048",     {"14",          "group14",         "group14",     "group14",
                      "DHGroup14",   "PFS14"}},
    {"modp3072",     {"15",          "group15",         "group15",     "group15",
                      NULL,          NULL}},
    {"modp4096",     {"16",          "group16",         "group16",     "group16",
                      NULL,          NULL}},
    {"ecp256",       {"19",          "group19",         "group19",     "group19",
                      "ECP256",      "ECP256"}},
    {"ecp384",       {"20",          "group20",         "group20",     "group20",
                      "ECP384",      "ECP384"}},
    {"ecp521",       {"21",          "group21",         "group21",     "group21",
                      NULL,          NULL}},
    {"modp2048s256", {"24",          "group24",         "group24",     "group24",
                      "DHGroup24",   "PFS24"}},
};
/* clang-format on */

const char *peer_word(const struct kc_alg *alg, enum peer_tongue tongue)
{
    for (size_t i = 0; alg && i < KD_ARRAY_LEN(words); i++)
        if (strcmp(words[i].name, alg->name) == 0)
            return words[i].word[tongue];
    return NULL;
}

const char *peer_unword(const char *word, enum peer_tongue tongue, enum kc_transform_type type)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(words); i++) {
        const struct kc_alg *alg = kc_alg_by_name(words[i].name);
        if (alg && alg->type == type && words[i].word[tongue] &&
            strcmp(words[i].word[tongue], word) == 0)
            return words[i].name;
    }
    return NULL;
}

const struct kc_alg *peer_alg(const struct ike_proposal *p, enum kc_transform_type type, unsigned n)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == type && (p->t[i].id != 0 || type == KC_ENCR) && n-- == 0)
            return ike_transform_alg(&p->t[i]);
    return NULL;
}

const struct kc_alg *peer_said(const struct ike_proposal *p, enum kc_transform_type type,
                               unsigned n, enum peer_tongue tongue)
{
    const struct kc_alg *alg;

    for (unsigned i = 0; (alg = peer_alg(p, type, i)) != NULL; i++)
        if (peer_word(alg, tongue) && n-- == 0)
            return alg;
    return NULL;
}

/* No language here asks for extended sequence numbers: where they may be left out, they are. */
static bool needs_esn(const struct ike_proposal *p)
{
    bool on = false, off = false;

    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == KC_ESN)
            *(p->t[i].id ? &on : &off) = true;
    return on && !off;
}

const struct kc_alg *peer_unsaid(const struct ike_proposal *p, enum peer_tongue tongue)
{
    if (needs_esn(p))
        return kc_alg_by_name("esn");
    for (unsigned i = 0; i < p->n; i++) {
        const struct kc_alg *alg = ike_transform_alg(&p->t[i]);
        if (alg && p->t[i].type != KC_ESN && (alg->id != 0 || alg->type == KC_ENCR) &&
            !peer_said(p, alg->type, 0, tongue))
            return alg;
    }
    return NULL;
}

const char *peer_pfs(const struct ike_proposals *l, enum peer_tongue tongue,
                     const struct kc_alg **unsaid)
{
    const struct kc_alg *dh = NULL;

    *unsaid = NULL;
    for (unsigned i = 0; i < l->n && !dh; i++) {
        dh = peer_said(&l->p[i], KC_DH, 0, tongue);
        *unsaid = *unsaid || dh ? *unsaid : peer_alg(&l->p[i], KC_DH, 0);
    }
    return peer_word(dh, tongue);
}
