/* The names of signatures: RFC 7427's AlgorithmIdentifiers as constants, RSASSA-PSS with its
 * parameters read and built, and which kind suits which key.
 *
 * All but PSS is compared as bytes: a NULL where there must be none, or the other way round, is
 * another object. PSS (RFC 8017 A.2.3, RFC 4055 3.1) has parameters, and those have two encodings:
 * RFC 7427's own example (A.4; from memory, the text isn't at hand) spells out the trailer, which
 * DER leaves out. Everything the parameters can say is bounded before it is used: the salt's length
 * is one byte (a long one was CVE-2021-41990), parameters are not optional (CVE-2018-6459), and the
 * mask is made with the hash of the message.
 *
 * Deviations: ECDSA and PSS with SHA-1 are not spoken, though RFC 7427 lists them; the legacy that
 * needs SHA-1 has RSA PKCS #1. */
#include "crypto/keys.h"

#define OID_RSA       0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01
#define OID_SHA2      0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02
#define OID_ECDSA_SHA 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03

#define BYTES(a)                                                                                   \
    {                                                                                              \
        a, sizeof(a)                                                                               \
    }

static const uint8_t rsa_sha1[] = {0x30, 0x0d, OID_RSA, 0x05, 0x05, 0x00};
static const uint8_t rsa_sha256[] = {0x30, 0x0d, OID_RSA, 0x0b, 0x05, 0x00};
static const uint8_t rsa_sha384[] = {0x30, 0x0d, OID_RSA, 0x0c, 0x05, 0x00};
static const uint8_t rsa_sha512[] = {0x30, 0x0d, OID_RSA, 0x0d, 0x05, 0x00};
static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, OID_ECDSA_SHA, 0x02};
static const uint8_t ecdsa_sha384[] = {0x30, 0x0a, OID_ECDSA_SHA, 0x03};
static const uint8_t ecdsa_sha512[] = {0x30, 0x0a, OID_ECDSA_SHA, 0x04};
static const uint8_t ed25519[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};

static const struct kind {
    enum kc_sig_scheme scheme;
    enum kc_sig_hash hash;
    const char *name;
    struct kd_bytes ai; /* empty: has parameters, or none at all */
} kinds[] = {
    {KC_SIG_RSA_PKCS1, KC_SIG_SHA1, "rsa-sha1", BYTES(rsa_sha1)},
    {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_256, "rsa-sha256", BYTES(rsa_sha256)},
    {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_384, "rsa-sha384", BYTES(rsa_sha384)},
    {KC_SIG_RSA_PKCS1, KC_SIG_SHA2_512, "rsa-sha512", BYTES(rsa_sha512)},
    {KC_SIG_RSA_PSS, KC_SIG_SHA2_256, "rsa-pss-sha256", {NULL, 0}},
    {KC_SIG_RSA_PSS, KC_SIG_SHA2_384, "rsa-pss-sha384", {NULL, 0}},
    {KC_SIG_RSA_PSS, KC_SIG_SHA2_512, "rsa-pss-sha512", {NULL, 0}},
    {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_256, "ecdsa-raw-sha256", {NULL, 0}},
    {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_384, "ecdsa-raw-sha384", {NULL, 0}},
    {KC_SIG_ECDSA_RAW, KC_SIG_SHA2_512, "ecdsa-raw-sha512", {NULL, 0}},
    {KC_SIG_ECDSA, KC_SIG_SHA2_256, "ecdsa-sha256", BYTES(ecdsa_sha256)},
    {KC_SIG_ECDSA, KC_SIG_SHA2_384, "ecdsa-sha384", BYTES(ecdsa_sha384)},
    {KC_SIG_ECDSA, KC_SIG_SHA2_512, "ecdsa-sha512", BYTES(ecdsa_sha512)},
    {KC_SIG_ED25519, KC_SIG_IDENTITY, "ed25519", BYTES(ed25519)},
};

/* The hashes that PSS names in its parameters: content of the OID. */
static const uint8_t oid_sha256[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
static const uint8_t oid_sha384[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};
static const uint8_t oid_sha512[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03};

static const struct hash {
    enum kc_sig_hash id;
    uint8_t len;
    struct kd_bytes oid;
} hashes[] = {
    {KC_SIG_SHA2_256, 32, BYTES(oid_sha256)},
    {KC_SIG_SHA2_384, 48, BYTES(oid_sha384)},
    {KC_SIG_SHA2_512, 64, BYTES(oid_sha512)},
};

static const uint8_t oid_pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
static const uint8_t oid_mgf1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};

#define SALT_DEFAULT 20 /* RFC 8017 A.2.3: what an absent saltLength means */

static const struct kind *find(const struct kc_sig *sig)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
        if (kinds[i].scheme == sig->scheme && kinds[i].hash == sig->hash)
            return &kinds[i];
    }
    return NULL;
}

static const struct hash *hash_of(enum kc_sig_hash id)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(hashes); i++) {
        if (hashes[i].id == id)
            return &hashes[i];
    }
    return NULL;
}

/* A kind of the table, and a salt that it may have. */
static const struct kind *valid(const struct kc_sig *sig)
{
    const struct kind *k = find(sig);
    const struct hash *h = hash_of(sig->hash);

    if (!k || sig->salt_len > (k->scheme == KC_SIG_RSA_PSS ? h->len : 0))
        return NULL;
    return k;
}

const char *kc_sig_str(const struct kc_sig *sig)
{
    const struct kind *k = find(sig);

    return k ? k->name : "?";
}

/* ---- reading ---- */

/* AlgorithmIdentifier of a hash; RFC 4055 2.1: NULL or nothing mean the same. */
static const struct hash *get_hash(struct kd_reader *r)
{
    struct kd_reader ai = kc_der_sub(r, KC_DER_SEQ);
    struct kd_bytes oid = kc_der_get(&ai, KC_DER_OID);

    if (kd_reader_left(&ai) > 0 && !kc_der_is(&ai, KC_DER_NULL, kd_bytes(NULL, 0)))
        return NULL;
    if (!kd_reader_done(&ai))
        return NULL;
    for (size_t i = 0; i < KD_ARRAY_LEN(hashes); i++) {
        if (kd_bytes_eq(hashes[i].oid, oid))
            return &hashes[i];
    }
    return NULL;
}

/* [1] MGF1 with the same hash. */
static bool get_mgf1(struct kd_reader *p, const struct hash *hash)
{
    struct kd_reader field = kc_der_sub(p, KC_DER_CTX1);
    struct kd_reader ai = kc_der_sub(&field, KC_DER_SEQ);

    return kc_der_is(&ai, KC_DER_OID, kd_bytes(oid_mgf1, sizeof(oid_mgf1))) &&
           get_hash(&ai) == hash && kd_reader_done(&ai) && kd_reader_done(&field);
}

/* An optional [n] INTEGER of one byte; dflt when absent. */
static uint8_t get_optional(struct kd_reader *p, uint8_t tag, uint8_t dflt)
{
    struct kd_reader field;
    uint8_t v;

    if (kc_der_peek(p) != tag)
        return dflt;
    field = kc_der_sub(p, tag);
    v = kc_der_small(&field);
    if (!kd_reader_done(&field))
        kd_reader_fail(p);
    return v;
}

static bool get_pss(struct kd_bytes ai, struct kc_sig *out)
{
    struct kd_reader r, seq, p, field;
    const struct hash *h;
    uint8_t salt, trailer;

    kd_reader_init(&r, ai);
    seq = kc_der_sub(&r, KC_DER_SEQ);
    if (!kc_der_is(&seq, KC_DER_OID, kd_bytes(oid_pss, sizeof(oid_pss))))
        return false;
    p = kc_der_sub(&seq, KC_DER_SEQ);    /* RFC 4055 3.1: parameters MUST be present */
    field = kc_der_sub(&p, KC_DER_CTX0); /* absent would mean SHA-1 */
    h = get_hash(&field);
    if (!h || !kd_reader_done(&field) || !get_mgf1(&p, h))
        return false;
    salt = get_optional(&p, KC_DER_CTX2, SALT_DEFAULT);
    trailer = get_optional(&p, KC_DER_CTX3, 1);
    if (!kd_reader_done(&p) || !kd_reader_done(&seq) || !kd_reader_done(&r) || salt > h->len ||
        trailer != 1)
        return false;
    *out = (struct kc_sig){KC_SIG_RSA_PSS, h->id, salt};
    return true;
}

bool kc_sig_parse(struct kd_bytes ai, struct kc_sig *out)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
        if (kinds[i].ai.len > 0 && kd_bytes_eq(kinds[i].ai, ai)) {
            out->scheme = kinds[i].scheme;
            out->hash = kinds[i].hash;
            return true;
        }
    }
    return get_pss(ai, out);
}

/* ---- building ---- */

static void put_hash(struct kd_writer *w, const struct hash *h)
{
    kc_der_put_head(w, KC_DER_SEQ, kc_der_size(h->oid.len) + 2);
    kc_der_put(w, KC_DER_OID, h->oid);
    kc_der_put(w, KC_DER_NULL, kd_bytes(NULL, 0));
}

/* In DER: what has its default value is left out. */
static void put_pss(struct kd_writer *w, const struct kc_sig *sig)
{
    const struct hash *h = hash_of(sig->hash);
    const uint8_t salt = (uint8_t)sig->salt_len;
    size_t hash_len = kc_der_size(kc_der_size(h->oid.len) + 2);
    size_t mgf_len = kc_der_size(sizeof(oid_mgf1)) + hash_len;
    size_t salt_len = sig->salt_len == SALT_DEFAULT ? 0 : 5;
    size_t params = kc_der_size(hash_len) + kc_der_size(kc_der_size(mgf_len)) + salt_len;

    kc_der_put_head(w, KC_DER_SEQ, kc_der_size(sizeof(oid_pss)) + kc_der_size(params));
    kc_der_put(w, KC_DER_OID, kd_bytes(oid_pss, sizeof(oid_pss)));
    kc_der_put_head(w, KC_DER_SEQ, params);
    kc_der_put_head(w, KC_DER_CTX0, hash_len);
    put_hash(w, h);
    kc_der_put_head(w, KC_DER_CTX1, kc_der_size(mgf_len));
    kc_der_put_head(w, KC_DER_SEQ, mgf_len);
    kc_der_put(w, KC_DER_OID, kd_bytes(oid_mgf1, sizeof(oid_mgf1)));
    put_hash(w, h);
    if (salt_len > 0) {
        kc_der_put_head(w, KC_DER_CTX2, 3);
        kc_der_put_uint(w, kd_bytes(&salt, 1));
    }
}

bool kc_sig_put(struct kd_writer *w, const struct kc_sig *sig)
{
    const struct kind *k = valid(sig);

    if (!k || k->scheme == KC_SIG_ECDSA_RAW)
        return false;
    if (k->scheme == KC_SIG_RSA_PSS)
        put_pss(w, sig);
    else
        kd_put_bytes(w, k->ai);
    return w->ok;
}

/* ---- which kind for which key ---- */

bool kc_sig_fits(const struct kc_sig *sig, const struct kc_public *k)
{
    if (!valid(sig))
        return false;
    switch (sig->scheme) {
    case KC_SIG_RSA_PKCS1:
    case KC_SIG_RSA_PSS:
        return k->kind == KC_KEY_RSA;
    case KC_SIG_ECDSA_RAW: /* RFC 4754 2: the method fixes both */
        return k->kind == KC_KEY_EC && k->curve->hash == sig->hash;
    case KC_SIG_ECDSA:
        return k->kind == KC_KEY_EC;
    case KC_SIG_ED25519:
        return k->kind == KC_KEY_ED25519;
    case KC_SIG_NONE:
        break;
    }
    return false;
}

bool kc_sig_suits(const struct kc_sig *sig, struct kd_bytes spki)
{
    struct kc_public k;

    return kc_public_parse(spki, &k, NULL) && kc_sig_fits(sig, &k);
}

/* first when the peer has it, else the others upwards; NONE when it has none of them. */
static enum kc_sig_hash common_hash(enum kc_sig_hash first, uint32_t peer_hashes)
{
    if (peer_hashes & 1u << first)
        return first;
    for (size_t i = 0; i < KD_ARRAY_LEN(hashes); i++) {
        if (peer_hashes & 1u << hashes[i].id)
            return hashes[i].id;
    }
    return KC_SIG_HASH_NONE;
}

struct kc_sig kc_sig_choose(const struct kc_private *k, uint32_t peer_hashes, bool pss)
{
    struct kc_sig sig = {KC_SIG_NONE, KC_SIG_HASH_NONE, 0};

    switch (k->pub.kind) {
    case KC_KEY_RSA:
        sig.scheme = pss ? KC_SIG_RSA_PSS : KC_SIG_RSA_PKCS1;
        sig.hash = common_hash(KC_SIG_SHA2_256, peer_hashes);
        if (pss && sig.hash != KC_SIG_HASH_NONE)
            sig.salt_len = hash_of(sig.hash)->len;
        break;
    case KC_KEY_EC:
        sig.scheme = KC_SIG_ECDSA;
        sig.hash = common_hash(k->pub.curve->hash, peer_hashes);
        break;
    case KC_KEY_ED25519:
        sig.scheme = KC_SIG_ED25519;
        if (peer_hashes & 1u << KC_SIG_IDENTITY)
            sig.hash = KC_SIG_IDENTITY;
        break;
    case KC_KEY_NONE:
        break;
    }
    if (sig.hash == KC_SIG_HASH_NONE)
        sig.scheme = KC_SIG_NONE;
    return sig;
}
