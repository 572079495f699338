/* Keyed SHA1 and Meticulous Keyed SHA1 (RFC 5880 6.7.4), as one table that has places for the MD5
 * types (6.7.3): they need the legacy word and a plain MD5 in crypto/, which isn't there. The
 * simple password (6.7.2) is never spoken: anyone who hears one packet has it.
 *
 * Deviations, both stricter. 6.7.4 would accept the first packet without looking at its hash; here
 * the sequence number is learnt from a packet whose hash is right. And we count up on every packet
 * for the types that may count seldom, so that a meticulous reader is content as well.
 *
 * Known limits of the protocol: after twice the detection time in silence old packets can be
 * replayed, and a hash with the key at its end is no HMAC (RFC 5880 9). */
#include "bfd/auth.h"

#define HEAD_LEN     8 /* type, len, key id, reserved, sequence number */
#define HASH_MAX     20
#define SHA1_SECTION (HEAD_LEN + 20)
#define MD5_SECTION  (HEAD_LEN + 16)

static const struct bfd_auth_alg algs[] = {
    {BFD_AUTH_MD5, MD5_SECTION, 16, false, true, NULL},
    {BFD_AUTH_METICULOUS_MD5, MD5_SECTION, 16, true, true, NULL},
    {BFD_AUTH_SHA1, SHA1_SECTION, 20, false, false, kc_sha1},
    {BFD_AUTH_METICULOUS_SHA1, SHA1_SECTION, 20, true, false, kc_sha1},
};

const struct bfd_auth_alg *bfd_auth_find(enum bfd_auth_type type)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(algs); i++)
        if (algs[i].type == type)
            return &algs[i];
    return NULL;
}

/* ---- configuration ---- */

static bool keys_ok(const struct kc_ctx *crypto, const struct bfd_auth_config *c, size_t key_max)
{
    if (!crypto || c->n_keys == 0 || c->n_keys > BFD_KEYS_MAX)
        return false;
    for (size_t i = 0; i < c->n_keys; i++) {
        size_t len = kc_key_len(crypto, c->key[i].key);
        if (len == 0 || len > key_max)
            return false;
        for (size_t k = 0; k < i; k++)
            if (c->key[k].id == c->key[i].id)
                return false;
    }
    return true;
}

enum bfd_config_error bfd_auth_check_config(const struct kc_ctx *crypto,
                                            const struct bfd_auth_config *c)
{
    const struct bfd_auth_alg *alg = bfd_auth_find(c->type);

    if (c->type == BFD_AUTH_NONE)
        return c->n_keys == 0 ? BFD_CONFIG_OK : BFD_CONFIG_KEYS;
    if (c->type == BFD_AUTH_PASSWORD)
        return BFD_CONFIG_PASSWORD;
    if (!alg)
        return BFD_CONFIG_NO_HASH;
    if (alg->legacy && !c->legacy)
        return BFD_CONFIG_LEGACY;
    if (!alg->hash)
        return BFD_CONFIG_NO_HASH;
    return keys_ok(crypto, c, alg->key_len) ? BFD_CONFIG_OK : BFD_CONFIG_KEYS;
}

/* ---- the hash ---- */

/* The hash of the packet with the key in place of the hash. plain: everything before it. False when
 * the key has gone from the arena. */
static bool keyed_hash(struct kc_ctx *crypto, const struct bfd_auth_alg *alg, struct kd_handle key,
                       struct kd_bytes plain, uint8_t out[HASH_MAX])
{
    uint8_t secret[HASH_MAX] = {0};
    size_t len = kc_key_export(crypto, key, secret, alg->key_len);
    struct kd_bytes parts[] = {plain, kd_bytes(secret, alg->key_len)};

    if (len > 0)
        alg->hash(crypto, parts, KD_ARRAY_LEN(parts), out);
    kc_wipe(secret, sizeof(secret));
    return len > 0;
}

/* ---- reception ---- */

static const struct bfd_key *key_by_id(const struct bfd_auth_config *c, uint8_t id)
{
    for (size_t i = 0; i < c->n_keys; i++)
        if (c->key[i].id == id)
            return &c->key[i];
    return NULL;
}

/* 6.7.4: last (meticulous: last + 1) to last + 3 * Detect Mult, circular. The peer's own Detect
 * Mult: it says how many packets may be lost before the session ends and the number is learnt anew.
 */
static bool in_window(const struct bfd_auth_alg *alg, const struct bfd_auth_seq *seq,
                      uint32_t number, uint8_t detect_mult)
{
    uint32_t ahead = number - seq->last;

    return !seq->known || (ahead <= 3u * detect_mult && (ahead > 0 || !alg->meticulous));
}

enum bfd_refusal bfd_auth_check(struct kc_ctx *crypto, const struct bfd_auth_config *c,
                                const struct bfd_packet *p, struct bfd_auth_seq *seq)
{
    const struct bfd_auth_alg *alg = bfd_auth_find(c->type);
    const struct bfd_key *key;
    uint8_t hash[HASH_MAX];
    struct kd_bytes theirs;
    struct kd_reader r;
    uint32_t number;
    uint8_t id;

    if (p->auth_type != c->type || p->auth_len != alg->len)
        return BFD_R_AUTH_TYPE;
    kd_reader_init(&r, p->section);
    kd_skip(&r, 2);
    id = kd_get_u8(&r);
    kd_skip(&r, 1);
    number = kd_get_u32(&r);
    theirs = kd_get_rest(&r);
    key = key_by_id(c, id);
    if (!key)
        return BFD_R_AUTH_KEY_ID;
    if (!in_window(alg, seq, number, p->detect_mult))
        return BFD_R_AUTH_SEQUENCE;
    if (!keyed_hash(crypto, alg, key->key, kd_bytes(p->whole.p, BFD_HEADER_LEN + HEAD_LEN), hash) ||
        !kc_equal(kd_bytes(hash, alg->key_len), theirs))
        return BFD_R_AUTH_HASH;
    *seq = (struct bfd_auth_seq){true, number};
    return BFD_ACCEPTED;
}

/* ---- transmission ---- */

void bfd_auth_append(struct kc_ctx *crypto, const struct bfd_auth_config *c, uint32_t seq,
                     struct kd_writer *w)
{
    const struct bfd_auth_alg *alg = bfd_auth_find(c->type);
    uint8_t hash[HASH_MAX] = {0};

    kd_put_u8(w, (uint8_t)c->type);
    kd_put_u8(w, alg->len);
    kd_put_u8(w, c->key[0].id);
    kd_put_u8(w, 0);
    kd_put_u32(w, seq);
    kd_assert(keyed_hash(crypto, alg, c->key[0].key, kd_written(w), hash)); /* the keys are ours */
    kd_put_bytes(w, kd_bytes(hash, alg->key_len));
}
