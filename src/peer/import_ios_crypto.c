/* The commands of IOS-XE below crypto ikev2 and crypto ipsec: proposals, policies, keyrings,
 * profiles, transform sets. The vendor's words for algorithms are words.c's, read backwards. */
#include "peer/import_ios.h"
#include "peer/side.h"

#include <string.h>

/* ---- algorithms: IOS's word into strongSwan's ---- */

/* "aes256", then "-sha1"; false where it has no room. */
static bool append(char list[IMPORT_LIST], const char *word)
{
    size_t n = strlen(list);
    int len = snprintf(list + n, IMPORT_LIST - n, "%s%s", n ? "-" : "", word);

    return len > 0 && (size_t)len < IMPORT_LIST - n;
}

static bool algorithms(const struct import_ios *r, enum peer_tongue tongue,
                       enum kc_transform_type type, char out[IMPORT_LIST])
{
    for (unsigned i = 1; i < r->n_w; i++) {
        const char *ours = peer_unword(r->w[i], tongue, type);
        if (!ours || !append(out, ours))
            return false;
    }
    return r->n_w > 1;
}

static bool encryption(struct import_ios *r)
{
    return algorithms(r, PEER_WORD_IOS_IKE, KC_ENCR, r->o->encr);
}

static bool integrity(struct import_ios *r)
{
    return algorithms(r, PEER_WORD_IOS_IKE, KC_INTEG, r->o->integ);
}

static bool prf(struct import_ios *r)
{
    return algorithms(r, PEER_WORD_IOS_IKE, KC_PRF, r->o->prf);
}

static bool group(struct import_ios *r)
{
    return algorithms(r, PEER_WORD_IOS_IKE, KC_DH, r->o->group);
}

bool import_ios_transforms(struct import_ios *r, struct ios_object *o)
{
    for (unsigned i = 4; i < r->n_w; i++) {
        char two[IMPORT_WORD];
        const char *ours = NULL;
        snprintf(two, sizeof(two), "%.40s %.40s", r->w[i], ios_word(r, i + 1));
        if (i + 1 < r->n_w)
            ours = peer_unword(two, PEER_WORD_IOS_ESP, KC_ENCR);
        if (ours)
            i++;
        else
            ours = peer_unword(r->w[i], PEER_WORD_IOS_ESP, KC_ENCR);
        if (!ours)
            ours = peer_unword(r->w[i], PEER_WORD_IOS_ESP, KC_INTEG);
        if (!ours || !append(o->text, ours))
            return false;
    }
    return o->text[0] != '\0';
}

/* ---- commands inside a block ---- */

static bool policy_local(struct import_ios *r)
{
    return import_copy(r->o->local, IMPORT_WORD, ios_word(r, 3));
}

static bool policy_proposal(struct import_ios *r)
{
    return import_append(r->o->text, sizeof(r->o->text), ios_word(r, 1));
}

/* The ring's own object is its first peer; each other one is an object of the same name. */
static bool keyring_peer(struct import_ios *r)
{
    struct ios_object *ring = r->o, *o = &r->all[r->n];

    if (!ring->text[0])
        return import_copy(ring->text, sizeof(ring->text), ios_word(r, 1));
    if (r->n == OBJECTS) {
        r->block = B_OTHER;
        return false;
    }
    r->n++;
    o->kind = B_KEYRING;
    memcpy(o->name, ring->name, sizeof(o->name));
    r->o = o;
    return import_copy(o->text, sizeof(o->text), ios_word(r, 1));
}

static bool keyring_address(struct import_ios *r)
{
    return import_copy(r->o->remote, IMPORT_WORD, ios_word(r, 1));
}

/* Ours has one key for both directions: another one is a note. */
static bool set_key(struct ios_object *o, bool hex, const char *key)
{
    char *to = hex ? o->psk_hex : o->psk;
    bool first = !o->psk[0] && !o->psk_hex[0];

    return first ? import_copy(to, IMPORT_WORD, key) : strcmp(to, key) == 0;
}

/* pre-shared-key [local|remote] [hex|0] KEY */
static bool keyring_key(struct import_ios *r)
{
    unsigned i = 1 + (ios_is(r, 1, "local") || ios_is(r, 1, "remote"));
    bool hex = ios_is(r, i, "hex");

    if (ios_is(r, i, "6"))
        return false; /* encrypted with the router's own key */
    i += hex || ios_is(r, i, "0");
    return i + 1 == r->n_w && set_key(r->o, hex, ios_word(r, i));
}

/* address A [MASK], fqdn F, email E, key-id K at w[i] */
static bool identity(const struct import_ios *r, unsigned i, char out[IMPORT_WORD])
{
    if (ios_is(r, i, "key-id"))
        return import_hex(kd_bytes_str(ios_word(r, i + 1)), "key-id:", out);
    if (!ios_is(r, i, "address") && !ios_is(r, i, "fqdn") && !ios_is(r, i, "email"))
        return false;
    if (ios_is(r, i, "address") && i + 2 < r->n_w && ios_mask_len(ios_word(r, i + 2), false) != 32)
        return false;
    char address[IMPORT_WORD];
    snprintf(address, sizeof(address), "%.*s", (int)strcspn(ios_word(r, i + 1), "/"),
             ios_word(r, i + 1));
    return i + 1 < r->n_w && import_copy(out, IMPORT_WORD, address);
}

static bool profile_remote(struct import_ios *r)
{
    char one[IMPORT_WORD];

    return identity(r, 3, one) && import_append(r->o->text, sizeof(r->o->text), one);
}

static bool profile_local(struct import_ios *r)
{
    return identity(r, 2, r->o->local);
}

static bool profile_auth(struct import_ios *r)
{
    bool cert = ios_is(r, 2, "rsa-sig") || ios_is(r, 2, "ecdsa-sig");

    *(ios_is(r, 1, "local") ? &r->o->cert_local : &r->o->cert_remote) = cert;
    if (ios_is(r, 2, "pre-share") && ios_is(r, 3, "key"))
        return !ios_is(r, 4, "6") && set_key(r->o, false, ios_word(r, 4 + ios_is(r, 4, "0")));
    return cert || ios_is(r, 2, "pre-share");
}

static bool profile_keyring(struct import_ios *r)
{
    return import_copy(r->o->uses, IMPORT_WORD, ios_word(r, 2));
}

static bool lifetime(struct import_ios *r)
{
    return ios_number(r, 1, &r->o->life_s);
}

static bool ipsec_sets(struct import_ios *r)
{
    for (unsigned i = 2; i < r->n_w; i++)
        if (!import_append(r->o->text, sizeof(r->o->text), r->w[i]))
            return false;
    return r->n_w > 2;
}

static bool ipsec_profile(struct import_ios *r)
{
    return import_copy(r->o->uses, IMPORT_WORD, ios_word(r, 2));
}

static bool ipsec_seconds(struct import_ios *r)
{
    return ios_number(r, 4, &r->o->life_s);
}

static bool ipsec_kilobytes(struct import_ios *r)
{
    return import_number(ios_word(r, 4), UINT64_MAX / 2000, &r->o->life_kb);
}

static bool ipsec_pfs(struct import_ios *r)
{
    const char *ours = peer_unword(ios_word(r, 2), PEER_WORD_IOS_ESP, KC_DH);

    return ours && import_copy(r->o->pfs, IMPORT_WORD, ours);
}

const struct ios_command import_ios_crypto[] = {
    {B_PROPOSAL, "encryption", encryption},
    {B_PROPOSAL, "integrity", integrity},
    {B_PROPOSAL, "prf", prf},
    {B_PROPOSAL, "group", group},
    {B_POLICY, "match address local", policy_local},
    {B_POLICY, "proposal", policy_proposal},
    {B_KEYRING, "peer", keyring_peer},
    {B_KEYRING, "address", keyring_address},
    {B_KEYRING, "pre-shared-key", keyring_key},
    {B_PROFILE, "match identity remote", profile_remote},
    {B_PROFILE, "identity local", profile_local},
    {B_PROFILE, "authentication local", profile_auth},
    {B_PROFILE, "authentication remote", profile_auth},
    {B_PROFILE, "keyring local", profile_keyring},
    {B_PROFILE, "lifetime", lifetime},
    {B_PROFILE, "dpd", import_ios_nothing},
    {B_TRANSFORM, "mode tunnel", import_ios_nothing},
    {B_IPSEC, "set transform-set", ipsec_sets},
    {B_IPSEC, "set ikev2-profile", ipsec_profile},
    {B_IPSEC, "set security-association lifetime seconds", ipsec_seconds},
    {B_IPSEC, "set security-association lifetime kilobytes", ipsec_kilobytes},
    {B_IPSEC, "set pfs", ipsec_pfs},
    {B_NONE, NULL, NULL},
};
