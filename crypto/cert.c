/* One X.509 certificate: its frame read by hand, the rest by OpenSSL, what it says about a peer.
 *
 * A stranger's bytes pass three gates: size, well-formedness as DER with bounded depth and count
 * (der.c), and the frame of RFC 5280 4.1 with a public key and a signature algorithm of ours. Only
 * then OpenSSL decodes it; extensions it can't decode, or finds twice, are refused here and not
 * when somebody asks for them.
 *
 * RFC 5280 4.1 and 4.2, RFC 4945 3.1 (identities) and 5.1. Deviations: a DN is compared as DER and
 * not by RFC 5280 7.1, since peers copy it from the certificate; unique identifiers are refused
 * (RFC 5280 4.1.2.8: nobody should make them). */
#include "crypto/dn.h"
#include "crypto/x509.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <time.h>

#define PEM_FILE_MAX (4u * KC_ANCHORS_MAX * KC_CERT_MAX) /* with room for base64 and comments */
#define SERIAL_MAX   21                                  /* RFC 5280 4.1.2.2: 20, and a sign */

static bool refuse(const char **why, const char *text)
{
    if (why)
        *why = text;
    return false;
}

/* ---- the frame ---- */

struct frame {
    bool v3;
    struct kd_bytes sig_alg, issuer, subject, spki;
};

/* RFC 5280 4.1.2: TBSCertificate. */
static bool get_tbs(struct kd_reader *t, struct frame *f)
{
    struct kd_reader version;
    struct kd_bytes serial;

    if (kc_der_peek(t) == KC_DER_CTX0) {
        version = kc_der_sub(t, KC_DER_CTX0);
        f->v3 = kc_der_small(&version) == 2 && kd_reader_done(&version);
        if (!f->v3)
            return false;
    }
    serial = kc_der_get(t, KC_DER_INTEGER);
    f->sig_alg = kc_der_whole(t, KC_DER_SEQ);
    f->issuer = kc_der_whole(t, KC_DER_SEQ);
    kc_der_get(t, KC_DER_SEQ); /* validity: OpenSSL's */
    f->subject = kc_der_whole(t, KC_DER_SEQ);
    f->spki = kc_der_whole(t, KC_DER_SEQ);
    if (f->v3 && kc_der_peek(t) == KC_DER_CTX3)
        kc_der_get(t, KC_DER_CTX3);
    return kd_reader_done(t) && serial.len >= 1 && serial.len <= SERIAL_MAX;
}

static bool get_frame(struct kd_bytes der, struct frame *f)
{
    struct kd_reader r, cert, tbs;
    struct kd_bytes sig_alg;

    memset(f, 0, sizeof(*f));
    kd_reader_init(&r, der);
    cert = kc_der_sub(&r, KC_DER_SEQ);
    tbs = kc_der_sub(&cert, KC_DER_SEQ);
    sig_alg = kc_der_whole(&cert, KC_DER_SEQ);
    kc_der_bits(&cert);
    return kd_reader_done(&r) && kd_reader_done(&cert) && get_tbs(&tbs, f) &&
           kd_bytes_eq(sig_alg, f->sig_alg); /* RFC 5280 4.1.1.2: MUST be the same */
}

static bool frame_ok(const struct frame *f, bool anchor, const char **why)
{
    struct kc_sig sig;
    struct kc_public pub;

    if (!anchor && !f->v3)
        return refuse(why, "certificate isn't of version 3");
    if (!anchor && !kc_sig_parse(f->sig_alg, &sig))
        return refuse(why, "certificate is signed with an algorithm that isn't ours");
    return kc_public_parse(f->spki, &pub, why);
}

/* ---- OpenSSL's part ---- */

bool kc_cert_time(const ASN1_TIME *t, int64_t *out_s)
{
    struct tm tm;

    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out_s = timegm(&tm);
    return true;
}

/* All of der, or NULL. */
static X509 *decode(OSSL_LIB_CTX *lib, const uint8_t *der, size_t len)
{
    X509 *x = X509_new_ex(lib, NULL);
    const uint8_t *p = der;

    if (x && !d2i_X509(&x, &p, (long)len)) /* frees x and makes it NULL */
        x = NULL;
    if (x && p != der + len) {
        X509_free(x);
        x = NULL;
    }
    return x;
}

/* Names and times in our form; false when an extension OpenSSL knows can't be decoded or is there
 * twice, or the key is no key (a point that isn't on its curve). */
static bool digest(struct kc_cert *x)
{
    int crit;

    if (!x->x || X509_check_purpose(x->x, -1, 0) != 1 ||
        (X509_get_extension_flags(x->x) & EXFLAG_INVALID) || !X509_get0_pubkey(x->x))
        return false;
    x->names = X509_get_ext_d2i(x->x, NID_subject_alt_name, &crit, NULL);
    if (!x->names && crit != -1)
        return false;
    return kc_cert_time(X509_get0_notBefore(x->x), &x->not_before_s) &&
           kc_cert_time(X509_get0_notAfter(x->x), &x->not_after_s);
}

struct kc_cert *kc_cert_read(struct kc_ctx *c, struct kd_bytes der, bool anchor, const char **why)
{
    struct kc_cert *x;
    struct frame f;
    bool ok;

    if (why)
        *why = NULL;
    if (der.len > KC_CERT_MAX) {
        refuse(why, "certificate is longer than 8192 bytes");
        return NULL;
    }
    x = calloc(1, sizeof(*x));
    if (x)
        x->der = malloc(der.len + 1);
    if (!x || !x->der) {
        free(x);
        refuse(why, "out of memory");
        return NULL;
    }
    if (der.len > 0)
        memcpy(x->der, der.p, der.len);
    x->der_len = der.len;
    ok = kc_der_sane(kc_cert_der(x)) && get_frame(kc_cert_der(x), &f);
    if (!ok)
        refuse(why, "certificate isn't DER");
    ok = ok && frame_ok(&f, anchor, why);
    if (ok) {
        x->issuer = f.issuer;
        x->subject = f.subject;
        x->spki = f.spki;
        x->x = decode(kc_ctx_lib(c), x->der, x->der_len);
        ok = digest(x) || refuse(why, "certificate can't be decoded");
    }
    ERR_clear_error();
    if (ok)
        return x;
    kc_cert_free(x);
    return NULL;
}

/* ---- public ---- */

struct kc_cert *kc_cert_parse(struct kc_ctx *c, struct kd_bytes der, const char **why)
{
    return kc_cert_read(c, der, false, why);
}

struct kc_cert *kc_cert_parse_payload(struct kc_ctx *c, struct kd_bytes body, const char **why)
{
    if (body.len < 1 || body.p[0] != KC_CERT_ENCODING_X509) {
        refuse(why, "certificate's encoding isn't 4 (X.509)");
        return NULL;
    }
    return kc_cert_read(c, kd_bytes(body.p + 1, body.len - 1), false, why);
}

static bool pem_block(struct kc_ctx *c, const struct kc_pem *block, bool anchor,
                      struct kc_cert **out, const char **why)
{
    uint8_t der[KC_CERT_MAX];
    size_t len = kc_pem_decode(block, der, sizeof(der));

    if (len == 0)
        return refuse(why, "certificate isn't base64, or longer than 8192 bytes");
    *out = kc_cert_read(c, kd_bytes(der, len), anchor, why);
    return *out != NULL;
}

size_t kc_cert_read_all(struct kc_ctx *c, struct kd_bytes data, bool anchor, struct kc_cert **out,
                        size_t max, const char **why)
{
    struct kc_pem block;
    size_t n = 0;
    bool ok = max > 0;

    if (why)
        *why = NULL;
    if (data.len > PEM_FILE_MAX) {
        refuse(why, "file of certificates is longer than 2 MiB");
        return 0;
    }
    if (ok && kc_pem_is_der(data)) {
        out[0] = kc_cert_read(c, data, anchor, why);
        return out[0] ? 1 : 0;
    }
    while (ok && kc_pem_next(&data, &block)) {
        if (!kc_pem_label_is(&block, "CERTIFICATE"))
            continue;
        ok = n < max ? pem_block(c, &block, anchor, &out[n], why)
                     : refuse(why, "too many certificates");
        n += ok;
    }
    if (ok && n == 0)
        refuse(why, "no certificate in PEM or DER found");
    while (!ok && n > 0)
        kc_cert_free(out[--n]);
    return n;
}

size_t kc_cert_load(struct kc_ctx *c, struct kd_bytes pem_or_der, struct kc_cert **out, size_t max,
                    const char **why)
{
    return kc_cert_read_all(c, pem_or_der, false, out, max, why);
}

void kc_cert_free(struct kc_cert *x)
{
    if (!x)
        return;
    GENERAL_NAMES_free(x->names);
    X509_free(x->x);
    free(x->der);
    free(x);
}

struct kd_bytes kc_cert_der(const struct kc_cert *x)
{
    return kd_bytes(x->der, x->der_len);
}

struct kd_bytes kc_cert_subject(const struct kc_cert *x)
{
    return x->subject;
}

struct kd_bytes kc_cert_issuer(const struct kc_cert *x)
{
    return x->issuer;
}

struct kd_bytes kc_cert_spki(const struct kc_cert *x)
{
    return x->spki;
}

int64_t kc_cert_not_before_s(const struct kc_cert *x)
{
    return x->not_before_s;
}

int64_t kc_cert_not_after_s(const struct kc_cert *x)
{
    return x->not_after_s;
}

void kc_cert_fingerprint(const struct kc_cert *x, uint8_t sha256[32])
{
    SHA256(x->der, x->der_len, sha256);
}

void kc_cert_spki_sha1(const struct kc_cert *x, uint8_t sha1[20])
{
    SHA1(x->spki.p, x->spki.len, sha1);
}

unsigned int kc_cert_uses(const X509 *x)
{
    EXTENDED_KEY_USAGE *eku;
    unsigned int uses = 0;
    int crit;

    eku = X509_get_ext_d2i(x, NID_ext_key_usage, &crit, NULL);
    if (!eku) {
        ERR_clear_error();
        return crit == -1 ? KC_USE_ALL : 0;
    }
    for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
        switch (OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i))) {
        case NID_server_auth:
            uses |= KC_USE_SERVER;
            break;
        case NID_client_auth:
            uses |= KC_USE_CLIENT;
            break;
        case NID_ipsec_IKE: /* RFC 4945 5.1.3.12 */
            uses |= KC_USE_IKE;
            break;
        case NID_anyExtendedKeyUsage:
            uses |= KC_USE_ALL;
            break;
        default:
            break;
        }
    }
    EXTENDED_KEY_USAGE_free(eku);
    return uses;
}

/* ---- identities ---- */

static bool same_nocase(struct kd_bytes a, struct kd_bytes b)
{
    return a.len == b.len && strncasecmp((const char *)a.p, (const char *)b.p, a.len) == 0;
}

/* A name that can only mean one thing: visible ASCII, no wildcard. */
static bool plain_name(struct kd_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] <= 0x20 || name.p[i] >= 0x7f || name.p[i] == '*')
            return false;
    }
    return name.len > 0;
}

static bool same_mail(struct kd_bytes a, struct kd_bytes b)
{
    const uint8_t *at = memrchr(a.p, '@', a.len);
    size_t local = at ? (size_t)(at - a.p) : 0;

    return local > 0 && local + 1 < a.len && a.len == b.len && memcmp(a.p, b.p, local + 1) == 0 &&
           same_nocase(kd_bytes(a.p + local, a.len - local), kd_bytes(b.p + local, b.len - local));
}

static bool same_name(uint8_t type, struct kd_bytes id, struct kd_bytes name)
{
    switch (type) {
    case KC_ID_FQDN:
        return plain_name(id) && same_nocase(id, name);
    case KC_ID_RFC822:
        return plain_name(id) && same_mail(id, name);
    case KC_ID_IPV4:
        return id.len == 4 && kd_bytes_eq(id, name);
    case KC_ID_IPV6:
        return id.len == 16 && kd_bytes_eq(id, name);
    default:
        return false;
    }
}

/* The kind of alternative name that can be an identity of this type; -1: none. */
static int name_kind(uint8_t type)
{
    switch (type) {
    case KC_ID_FQDN:
        return GEN_DNS;
    case KC_ID_RFC822:
        return GEN_EMAIL;
    case KC_ID_IPV4:
    case KC_ID_IPV6:
        return GEN_IPADD;
    default:
        return -1;
    }
}

static struct kd_bytes string_of(const ASN1_STRING *s)
{
    return kd_bytes(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

bool kc_cert_is(const struct kc_cert *x, const struct kc_id *id)
{
    int kind, want = name_kind(id->type);

    if (id->data.len == 0)
        return false;
    if (id->type == KC_ID_DN)
        return kc_dn_equal(id->data, x->subject);
    for (int i = 0; x->names && i < sk_GENERAL_NAME_num(x->names); i++) {
        const void *v = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(x->names, i), &kind);
        if (kind == want && same_name(id->type, id->data, string_of(v)))
            return true;
    }
    return false;
}

bool kc_cert_cn_is(const struct kc_cert *x, struct kd_bytes cn)
{
    const X509_NAME *subject = X509_get_subject_name(x->x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1), len;
    const ASN1_STRING *s;
    uint8_t *utf8;
    bool same;

    if (cn.len == 0 || at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return false;
    s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    len = ASN1_STRING_to_UTF8(&utf8, s);
    if (len < 0) {
        ERR_clear_error();
        return false;
    }
    same = kd_bytes_eq(kd_bytes(utf8, (size_t)len), cn);
    OPENSSL_free(utf8);
    return same;
}
