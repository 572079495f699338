/* The named profiles, as tables of proposals in the configuration's own notation.
 * PRODUCT 3; facts/azure.md 1.1 and 1.2 (order as Azure presents and accepts them). */
#include "ike/suites.h"

static const char *const modern_ike[] = {
    "aes256gcm16-prfsha384-ecp384",
    "aes256gcm16-prfsha256-x25519",
    "aes256-sha256-modp2048",
    NULL,
};

static const char *const modern_esp[] = {
    "aes256gcm16-ecp384-x25519-modp2048",
    "aes256-sha256-modp2048-ecp384-x25519",
    NULL,
};

/* clang-format off */

/* Group 2 is the only one of Azure's default policy. */
static const char *const azure_ike[] = {
    "aes256-sha1-modp1024", "aes256-sha256-modp1024", "aes128-sha1-modp1024",
    "aes128-sha256-modp1024", "3des-sha1-modp1024", "3des-sha256-modp1024",
    NULL,
};

/* Offered without PFS, in CREATE_CHILD_SA too. The responder's list begins with the same rows. */
static const char *const azure_esp_initiator[] = {
    "aes256gcm16", "aes256-sha1", "3des-sha1", "aes256-sha256", "aes128-sha1", "3des-sha256",
    NULL,
};

static const char *const azure_esp_responder[] = {
    "aes256gcm16", "aes256-sha1", "3des-sha1", "aes256-sha256", "aes128-sha1", "3des-sha256",
    "des-sha1",                                                                  /* 7 */
    "aes256-sha1-modp768", "aes256-sha1-modp1024", "aes256-sha1-modp2048",       /* 8-10 */
    "aes128-sha1-modp768", "aes128-sha1-modp1024", "aes128-sha1-modp2048",       /* 11-13 */
    "3des-sha1-modp768", "3des-sha1-modp1024",                                   /* 14-15 */
    "3des-sha256-modp1024",                                                      /* 16 */
    "aes256-sha256-modp768", "aes256-sha256-modp1024", "aes256-sha256-modp2048", /* 17-19 */
    "aes256-sha1-modp2048s256", "aes256-sha256-modp2048s256",                    /* 20-21 */
    "aes128-sha256",                                                             /* 22 */
    "aes128-sha256-modp768", "aes128-sha256-modp1024", "aes128-sha256-modp2048", /* 23-25 */
    "3des-sha1-modp2048",                                                        /* 26 */
    NULL,
};

/* clang-format on */

static const struct profile {
    const char *name;
    const char *const *ike, *const *esp_initiator, *const *esp_responder;
    bool no_des; /* the lists without DES and 3DES: Virtual WAN */
} profiles[] = {
    {"modern", modern_ike, modern_esp, modern_esp, false},
    {"azure-default", azure_ike, azure_esp_initiator, azure_esp_responder, false},
    {"azure-vwan", azure_ike, azure_esp_initiator, azure_esp_responder, true},
};

const char *const ike_profile_names[] = {"modern", "azure-default", "azure-vwan", NULL};

const struct kc_alg *ike_proposal_legacy(const struct ike_proposal *p)
{
    static const struct {
        uint8_t type;
        uint16_t id;
    } legacy[] = {
        {KC_ENCR, KC_ENCR_DES},           {KC_ENCR, KC_ENCR_NULL}, {KC_PRF, KC_PRF_HMAC_MD5},
        {KC_INTEG, KC_INTEG_HMAC_MD5_96}, {KC_DH, KC_DH_MODP768},
    };

    for (unsigned i = 0; i < p->n; i++)
        for (size_t k = 0; k < KD_ARRAY_LEN(legacy); k++)
            if (p->t[i].type == legacy[k].type && p->t[i].id == legacy[k].id)
                return kc_alg_find(p->t[i].type, p->t[i].id, p->t[i].key_bits);
    return NULL;
}

static bool has_des(const struct ike_proposal *p)
{
    for (unsigned i = 0; i < p->n; i++) {
        if (p->t[i].type == KC_ENCR && (p->t[i].id == KC_ENCR_DES || p->t[i].id == KC_ENCR_3DES))
            return true;
    }
    return false;
}

static void fill(struct ike_proposals *l, const char *const *rows, uint8_t protocol, bool no_des)
{
    char err[IKE_PROPOSAL_TEXT_MAX];

    if (!l)
        return;
    memset(l, 0, sizeof(*l));
    for (; *rows; rows++) {
        struct ike_proposal *p = &l->p[l->n];
        bool ok = ike_proposal_from_string(*rows, protocol, p, err, sizeof(err));

        kd_assert(ok && l->n + 1 <= IKE_PROPOSAL_MAX); /* our own tables */
        if (!no_des || !has_des(p))
            l->n++;
    }
}

bool ike_profile(const char *name, struct ike_proposals *ike, struct ike_proposals *esp_initiator,
                 struct ike_proposals *esp_responder)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(profiles); i++) {
        const struct profile *p = &profiles[i];

        if (strcmp(p->name, name) != 0)
            continue;
        fill(ike, p->ike, IKE_PROTO_IKE, p->no_des);
        fill(esp_initiator, p->esp_initiator, IKE_PROTO_ESP, p->no_des);
        fill(esp_responder, p->esp_responder, IKE_PROTO_ESP, p->no_des);
        return true;
    }
    return false;
}
