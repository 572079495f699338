/* The commands of IOS-XE that are understood, one row each: which block they stand in, the words
 * they begin with, what they set. The vendor's words for algorithms are words.c's, read backwards.
 */
#include "peer/import_ios.h"
#include "peer/side.h"

#include <string.h>

/* ---- words ---- */

static bool is(const struct import_ios *r, unsigned at, const char *word)
{
    return at < r->n_w && strcmp(r->w[at], word) == 0;
}

/* Do the line's words begin with these (separated by blanks; '*' is any)? */
static bool says(const struct import_ios *r, const char *words)
{
    char one[32];

    for (unsigned i = 0; *words; i++) {
        size_t n = strcspn(words, " ");
        snprintf(one, sizeof(one), "%.*s", (int)n, words);
        if (i >= r->n_w || (strcmp(one, "*") != 0 && !is(r, i, one)))
            return false;
        words += n + (words[n] == ' ');
    }
    return true;
}

static const char *word(const struct import_ios *r, unsigned at)
{
    return at < r->n_w ? r->w[at] : "";
}

static bool number(const struct import_ios *r, unsigned at, unsigned *out)
{
    unsigned long long v;

    if (!import_number(word(r, at), UINT32_MAX, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

struct ios_object *import_ios_find(struct import_ios *r, enum block kind, const char *name)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->all[i].kind == kind && strcmp(r->all[i].name, name) == 0)
            return &r->all[i];
    return NULL;
}

/* The length of a mask, or of a wildcard. */
static int mask_len(const char *text, bool wildcard)
{
    struct kd_addr a;
    uint32_t m;

    if (!kd_addr_parse(text, &a) || a.family != 4)
        return -1;
    m = (uint32_t)a.b[0] << 24 | (uint32_t)a.b[1] << 16 | (uint32_t)a.b[2] << 8 | a.b[3];
    m = wildcard ? ~m : m;
    return (~m & (~m + 1)) == 0 ? __builtin_popcount(m) : -1;
}

/* "A MASK" as "A/LEN". */
static bool prefix_of(const char *address, const char *mask, bool wildcard, char *out)
{
    int len = mask_len(mask, wildcard);
    struct kd_prefix p;
    char text[64];

    snprintf(text, sizeof(text), "%.40s/%d", address, len);
    return len >= 0 && kd_prefix_parse(text, true, &p) && import_copy(out, IMPORT_WORD, text);
}

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

/* "esp-aes 256 esp-sha-hmac" */
static bool transforms(struct import_ios *r, struct ios_object *o)
{
    for (unsigned i = 4; i < r->n_w; i++) {
        char two[IMPORT_WORD];
        const char *ours = NULL;
        snprintf(two, sizeof(two), "%.40s %.40s", r->w[i], word(r, i + 1));
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

static bool nothing(struct import_ios *r KD_UNUSED)
{
    return true; /* implied by kedge, or its own way */
}

static bool policy_local(struct import_ios *r)
{
    return import_copy(r->o->local, IMPORT_WORD, word(r, 3));
}

static bool policy_proposal(struct import_ios *r)
{
    return import_append(r->o->text, sizeof(r->o->text), word(r, 1));
}

/* The ring's own object is its first peer; each other one is an object of the same name. */
static bool keyring_peer(struct import_ios *r)
{
    struct ios_object *ring = r->o, *o = &r->all[r->n];

    if (!ring->text[0])
        return import_copy(ring->text, sizeof(ring->text), word(r, 1));
    if (r->n == OBJECTS) {
        r->block = B_OTHER;
        return false;
    }
    r->n++;
    o->kind = B_KEYRING;
    memcpy(o->name, ring->name, sizeof(o->name));
    r->o = o;
    return import_copy(o->text, sizeof(o->text), word(r, 1));
}

static bool keyring_address(struct import_ios *r)
{
    return import_copy(r->o->remote, IMPORT_WORD, word(r, 1));
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
    unsigned i = 1 + (is(r, 1, "local") || is(r, 1, "remote"));
    bool hex = is(r, i, "hex");

    if (is(r, i, "6"))
        return false; /* encrypted with the router's own key */
    i += hex || is(r, i, "0");
    return i + 1 == r->n_w && set_key(r->o, hex, word(r, i));
}

/* address A [MASK], fqdn F, email E, key-id K at w[i] */
static bool identity(const struct import_ios *r, unsigned i, char out[IMPORT_WORD])
{
    if (is(r, i, "key-id"))
        return import_hex(kd_bytes_str(word(r, i + 1)), "key-id:", out);
    if (!is(r, i, "address") && !is(r, i, "fqdn") && !is(r, i, "email"))
        return false;
    if (is(r, i, "address") && i + 2 < r->n_w && mask_len(word(r, i + 2), false) != 32)
        return false;
    char address[IMPORT_WORD];
    snprintf(address, sizeof(address), "%.*s", (int)strcspn(word(r, i + 1), "/"), word(r, i + 1));
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
    bool cert = is(r, 2, "rsa-sig") || is(r, 2, "ecdsa-sig");

    *(is(r, 1, "local") ? &r->o->cert_local : &r->o->cert_remote) = cert;
    if (is(r, 2, "pre-share") && is(r, 3, "key"))
        return !is(r, 4, "6") && set_key(r->o, false, word(r, 4 + is(r, 4, "0")));
    return cert || is(r, 2, "pre-share");
}

static bool profile_keyring(struct import_ios *r)
{
    return import_copy(r->o->uses, IMPORT_WORD, word(r, 2));
}

static bool lifetime(struct import_ios *r)
{
    return number(r, 1, &r->o->life_s);
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
    return import_copy(r->o->uses, IMPORT_WORD, word(r, 2));
}

static bool ipsec_seconds(struct import_ios *r)
{
    return number(r, 4, &r->o->life_s);
}

static bool ipsec_kilobytes(struct import_ios *r)
{
    return import_number(word(r, 4), UINT64_MAX / 2000, &r->o->life_kb);
}

static bool ipsec_pfs(struct import_ios *r)
{
    const char *ours = peer_unword(word(r, 2), PEER_WORD_IOS_ESP, KC_DH);

    return ours && import_copy(r->o->pfs, IMPORT_WORD, ours);
}

static bool if_address(struct import_ios *r)
{
    return !is(r, 4, "secondary") && import_copy(r->o->address, IMPORT_WORD, word(r, 2));
}

static bool if_unnumbered(struct import_ios *r)
{
    return import_copy(r->o->text, sizeof(r->o->text), word(r, 2));
}

static bool if_address6(struct import_ios *r)
{
    char text[IMPORT_WORD];

    snprintf(text, sizeof(text), "%.*s", (int)strcspn(word(r, 2), "/"), word(r, 2));
    return import_copy(r->o->address, IMPORT_WORD, text);
}

static bool if_mtu(struct import_ios *r)
{
    return number(r, 2, &r->o->mtu);
}

static bool if_mss(struct import_ios *r)
{
    return number(r, 3, &r->o->mss);
}

static bool if_source(struct import_ios *r)
{
    return import_copy(r->o->local, IMPORT_WORD, word(r, 2));
}

static bool if_destination(struct import_ios *r)
{
    return import_copy(r->o->remote, IMPORT_WORD, word(r, 2));
}

static bool if_profile(struct import_ios *r)
{
    return import_copy(r->o->uses, IMPORT_WORD, word(r, 4));
}

static bool if_selectors(struct import_ios *r)
{
    return import_copy(r->o->acl, IMPORT_WORD, word(r, 5));
}

/* permit ip A W B W, any for a pair: a selector pair, "A/LEN>B/LEN" */
static bool acl_permit(struct import_ios *r)
{
    char side[2][IMPORT_WORD], both[2 * IMPORT_WORD + 2];
    unsigned i = 2;

    for (int k = 0; k < 2; k++) {
        if (is(r, i, "any")) {
            strcpy(side[k], "0.0.0.0/0");
            i++;
        } else {
            if (!prefix_of(word(r, i), word(r, i + 1), true, side[k]))
                return false;
            i += 2;
        }
    }
    snprintf(both, sizeof(both), "%s>%s", side[0], side[1]);
    return i == r->n_w && import_append(r->o->text, sizeof(r->o->text), both);
}

static struct ios_session *session_of(struct import_ios *r)
{
    for (unsigned i = 0; i < r->n_sessions; i++)
        if (strcmp(r->session[i].remote, word(r, 1)) == 0)
            return &r->session[i];
    if (r->n_sessions == IMPORT_TUNNELS ||
        !import_copy(r->session[r->n_sessions].remote, IMPORT_WORD, word(r, 1)))
        return NULL;
    r->session[r->n_sessions].line = r->line;
    return &r->session[r->n_sessions++];
}

static bool bgp_remote_as(struct import_ios *r)
{
    struct ios_session *s = session_of(r);

    return s && number(r, 3, &s->asn);
}

static bool bgp_source(struct import_ios *r)
{
    struct ios_session *s = session_of(r);

    return s && import_copy(s->source, IMPORT_WORD, word(r, 3));
}

static bool bgp_timers(struct import_ios *r)
{
    struct ios_session *s = session_of(r);

    return s && number(r, 3, &s->keepalive_s) && number(r, 4, &s->hold_s);
}

static bool bgp_network(struct import_ios *r)
{
    struct import *im = r->im;

    if (im->n_networks == KD_ARRAY_LEN(im->network) || !is(r, 2, "mask"))
        return false;
    if (!prefix_of(word(r, 1), word(r, 3), false, im->network[im->n_networks]))
        return false;
    for (unsigned i = 0; i < im->n_networks; i++)
        if (strcmp(im->network[i], im->network[im->n_networks]) == 0)
            return true; /* in another address family, or once more */
    im->n_networks++;
    return true;
}

static bool bgp_router_id(struct import_ios *r)
{
    return import_copy(r->im->router_id, IMPORT_WORD, word(r, 2));
}

static const struct command {
    enum block block;
    const char *words;
    bool (*run)(struct import_ios *r);
} commands[] = {
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
    {B_PROFILE, "dpd", nothing},
    {B_TRANSFORM, "mode tunnel", nothing},
    {B_IPSEC, "set transform-set", ipsec_sets},
    {B_IPSEC, "set ikev2-profile", ipsec_profile},
    {B_IPSEC, "set security-association lifetime seconds", ipsec_seconds},
    {B_IPSEC, "set security-association lifetime kilobytes", ipsec_kilobytes},
    {B_IPSEC, "set pfs", ipsec_pfs},
    {B_INTERFACE, "ip address", if_address},
    {B_INTERFACE, "ipv6 address", if_address6},
    {B_INTERFACE, "ip unnumbered", if_unnumbered},
    {B_INTERFACE, "ip mtu", if_mtu},
    {B_INTERFACE, "ip tcp adjust-mss", if_mss},
    {B_INTERFACE, "tunnel source", if_source},
    {B_INTERFACE, "tunnel mode ipsec ipv4", nothing},
    {B_INTERFACE, "tunnel mode ipsec ipv6", nothing},
    {B_INTERFACE, "tunnel destination", if_destination},
    {B_INTERFACE, "tunnel protection ipsec profile", if_profile},
    {B_INTERFACE, "tunnel protection ipsec policy ipv4", if_selectors},
    {B_ACL, "permit ip", acl_permit},
    {B_BGP, "bgp router-id", bgp_router_id},
    {B_BGP, "neighbor * remote-as", bgp_remote_as},
    {B_BGP, "neighbor * update-source", bgp_source},
    {B_BGP, "neighbor * timers", bgp_timers},
    {B_BGP, "neighbor * ebgp-multihop", nothing},
    {B_BGP, "neighbor * activate", nothing},
    {B_BGP, "neighbor * soft-reconfiguration inbound", nothing},
    {B_BGP, "address-family ipv4", nothing},
    {B_BGP, "address-family ipv6", nothing},
    {B_BGP, "exit-address-family", nothing},
    {B_BGP, "network", bgp_network},
};

/* ---- heads of blocks ---- */

static const struct head {
    const char *words;
    enum block block;
    unsigned name; /* which word is */
} heads[] = {
    {"crypto ikev2 proposal", B_PROPOSAL, 3},
    {"crypto ikev2 policy", B_POLICY, 3},
    {"crypto ikev2 keyring", B_KEYRING, 3},
    {"crypto ikev2 profile", B_PROFILE, 3},
    {"crypto ipsec transform-set", B_TRANSFORM, 3},
    {"crypto ipsec profile", B_IPSEC, 3},
    {"interface", B_INTERFACE, 1},
    {"ip access-list extended", B_ACL, 3},
    {"router bgp", B_BGP, 2},
};

static struct ios_object *object_new(struct import_ios *r, enum block kind, const char *name)
{
    struct ios_object *o = import_ios_find(r, kind, name);

    if (o || r->n == OBJECTS)
        return o;
    o = &r->all[r->n];
    o->kind = kind;
    if (!name[0] || !import_copy(o->name, sizeof(o->name), name))
        return NULL;
    r->n++;
    return o;
}

/* A line that begins in column 1. False: it is none of ours. */
bool import_ios_head(struct import_ios *r)
{
    r->block = B_OTHER;
    for (size_t i = 0; i < KD_ARRAY_LEN(heads); i++) {
        if (!says(r, heads[i].words))
            continue;
        r->o = object_new(r, heads[i].block, word(r, heads[i].name));
        if (!r->o || (heads[i].block == B_BGP && !number(r, 2, &r->im->asn)))
            return false;
        r->block = heads[i].block;
        if (r->block != B_TRANSFORM || transforms(r, r->o))
            return true;
        r->o->text[0] = '\0'; /* half a set is none */
        return false;
    }
    return false;
}

/* The host route to a neighbor through its tunnel is implied. */
bool import_ios_implied(const struct import_ios *r)
{
    const char *last = word(r, r->n_w - 1);

    return (says(r, "ip route") && strncmp(last, "Tunnel", 6) == 0 &&
            is(r, r->n_w - 2, "255.255.255.255")) ||
           (says(r, "ipv6 route") && strncmp(last, "Tunnel", 6) == 0 &&
            strstr(word(r, r->n_w - 2), "/128"));
}

bool import_ios_command(struct import_ios *r)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++)
        if (commands[i].block == r->block && says(r, commands[i].words))
            return commands[i].run(r);
    return false;
}
