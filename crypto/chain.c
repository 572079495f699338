/* Chains: trust anchors and CRLs that were given, and the path from a peer's certificate to one of
 * them. The path is OpenSSL's (RFC 5280 6.1); the rules IKE adds are here.
 *
 * No network, ever: the store has no look-up methods, and nothing here reads an address out of a
 * certificate (CVE-2022-40617: a stranger's certificate made strongSwan fetch a stranger's URL).
 * Work is bounded before it begins: 8 certificates of 8 KiB, keys within bounds on known curves
 * (explicit curves were CVE-2020-0601 and CVE-2022-0778), a path of 8, no policy tree
 * (CVE-2023-0464). Nothing from a peer is cached (CVE-2021-41991).
 *
 * RFC 5280 6.1, RFC 4945 5.1, RFC 7296 3.6. Deviations: certificate policies are not processed, not
 * even when a CA requires it; a certificate is refused in the very second of its notAfter, which
 * RFC 5280 4.1.2.5 would still allow. */
#include "crypto/x509.h"

#include <openssl/err.h>
#include <stdlib.h>

struct kc_trust {
    struct kc_ctx *c;
    X509_STORE *store;
    size_t n, n_crls;
    struct kc_cert *anchor[KC_ANCHORS_MAX];
};

static bool refuse(const char **why, const char *text)
{
    if (why)
        *why = text;
    return false;
}

/* ---- anchors and CRLs ---- */

struct kc_trust *kc_trust_new(struct kc_ctx *c)
{
    struct kc_trust *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->c = c;
    t->store = X509_STORE_new(); /* empty: no default paths, no look-ups */
    if (t->store)
        return t;
    free(t);
    return NULL;
}

void kc_trust_free(struct kc_trust *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        kc_cert_free(t->anchor[i]);
    X509_STORE_free(t->store);
    free(t);
}

size_t kc_trust_add(struct kc_trust *t, struct kd_bytes pem_or_der, const char **why)
{
    size_t n =
        kc_cert_read_all(t->c, pem_or_der, true, t->anchor + t->n, KC_ANCHORS_MAX - t->n, why);

    if (t->n == KC_ANCHORS_MAX)
        refuse(why, "too many certificates");
    for (size_t i = 0; i < n; i++) {
        if (X509_STORE_add_cert(t->store, t->anchor[t->n]->x) != 1) {
            refuse(why, "out of memory");
            ERR_clear_error();
            for (; i < n; i++)
                kc_cert_free(t->anchor[t->n + i]);
            return 0;
        }
        t->n++;
    }
    return n;
}

/* Partitioned, indirect and delta CRLs say so in critical extensions (RFC 5280 5.2.4, 5.2.5). */
static bool whole_crl(const X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
            return false;
    }
    return true;
}

static bool add_crl(struct kc_trust *t, struct kd_bytes der, const char **why)
{
    X509_CRL *crl = X509_CRL_new_ex(kc_ctx_lib(t->c), NULL);
    const uint8_t *p = der.p;
    bool ok;

    if (crl && !d2i_X509_CRL(&crl, &p, (long)der.len)) /* frees crl and makes it NULL */
        crl = NULL;
    if (!crl || p != der.p + der.len)
        ok = refuse(why, "CRL can't be decoded");
    else if (!whole_crl(crl))
        ok = refuse(why, "CRL has critical extensions: partitioned, indirect or a delta");
    else
        ok = X509_STORE_add_crl(t->store, crl) == 1 || refuse(why, "out of memory");
    X509_CRL_free(crl);
    ERR_clear_error();
    t->n_crls += ok;
    return ok;
}

bool kc_trust_add_crl(struct kc_trust *t, struct kd_bytes pem_or_der, const char **why)
{
    struct kc_pem block;
    uint8_t *der;
    size_t len;
    bool ok;

    if (why)
        *why = NULL;
    if (t->n_crls == KC_CRLS_MAX)
        return refuse(why, "too many CRLs");
    if (pem_or_der.len > 2u * KC_CRL_MAX)
        return refuse(why, "CRL is longer than 4 MiB");
    if (kc_pem_is_der(pem_or_der))
        return add_crl(t, pem_or_der, why);
    do {
        if (!kc_pem_next(&pem_or_der, &block))
            return refuse(why, "no CRL in PEM or DER found");
    } while (!kc_pem_label_is(&block, "X509 CRL"));
    der = malloc(block.text.len + 1);
    if (!der)
        return refuse(why, "out of memory");
    len = kc_pem_decode(&block, der, block.text.len);
    ok = len > 0 ? add_crl(t, kd_bytes(der, len), why) : refuse(why, "CRL isn't base64");
    free(der);
    return ok;
}

size_t kc_trust_count(const struct kc_trust *t)
{
    return t->n;
}

const struct kc_cert *kc_trust_anchor(const struct kc_trust *t, size_t i)
{
    kd_assert(i < t->n);
    return t->anchor[i];
}

/* ---- verdicts ---- */

static const char *const status_names[KC_CHAIN_N] = {
    [KC_CHAIN_FAILED] = "failed",
    [KC_CHAIN_OK] = "ok",
    [KC_CHAIN_MALFORMED] = "malformed",
    [KC_CHAIN_TOO_MANY] = "too-many",
    [KC_CHAIN_UNTRUSTED] = "untrusted",
    [KC_CHAIN_BAD_SIGNATURE] = "bad-signature",
    [KC_CHAIN_EXPIRED] = "expired",
    [KC_CHAIN_NOT_YET_VALID] = "not-yet-valid",
    [KC_CHAIN_REVOKED] = "revoked",
    [KC_CHAIN_CRL] = "crl",
    [KC_CHAIN_WEAK] = "weak",
    [KC_CHAIN_NOT_CA] = "not-ca",
    [KC_CHAIN_PURPOSE] = "purpose",
    [KC_CHAIN_CONSTRAINTS] = "name-constraints",
    [KC_CHAIN_CRITICAL] = "critical-extension",
    [KC_CHAIN_IDENTITY] = "identity",
};

const char *kc_chain_status_str(enum kc_chain_status s)
{
    return (unsigned int)s < KC_CHAIN_N ? status_names[s] : "?";
}

/* What isn't in the table is a path that doesn't lead to an anchor. */
static const struct {
    int error;
    enum kc_chain_status status;
} verdicts[] = {
    {X509_V_ERR_OUT_OF_MEM, KC_CHAIN_FAILED},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, KC_CHAIN_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, KC_CHAIN_BAD_SIGNATURE},
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, KC_CHAIN_BAD_SIGNATURE},
    {X509_V_ERR_CERT_HAS_EXPIRED, KC_CHAIN_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, KC_CHAIN_NOT_YET_VALID},
    {X509_V_ERR_CERT_REVOKED, KC_CHAIN_REVOKED},
    {X509_V_ERR_CRL_HAS_EXPIRED, KC_CHAIN_CRL},
    {X509_V_ERR_CRL_NOT_YET_VALID, KC_CHAIN_CRL},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, KC_CHAIN_CRL},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, KC_CHAIN_CRL},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, KC_CHAIN_CRL},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, KC_CHAIN_CRL},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, KC_CHAIN_CRL},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, KC_CHAIN_CRL},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, KC_CHAIN_CRL},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, KC_CHAIN_CRL},
    {X509_V_ERR_CA_MD_TOO_WEAK, KC_CHAIN_WEAK},
    {X509_V_ERR_CA_KEY_TOO_SMALL, KC_CHAIN_WEAK},
    {X509_V_ERR_EE_KEY_TOO_SMALL, KC_CHAIN_WEAK},
    {X509_V_ERR_INVALID_CA, KC_CHAIN_NOT_CA},
    {X509_V_ERR_INVALID_NON_CA, KC_CHAIN_NOT_CA},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, KC_CHAIN_NOT_CA},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, KC_CHAIN_NOT_CA},
    {X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED, KC_CHAIN_NOT_CA},
    {X509_V_ERR_INVALID_PURPOSE, KC_CHAIN_PURPOSE},
    {X509_V_ERR_PERMITTED_VIOLATION, KC_CHAIN_CONSTRAINTS},
    {X509_V_ERR_EXCLUDED_VIOLATION, KC_CHAIN_CONSTRAINTS},
    {X509_V_ERR_SUBTREE_MINMAX, KC_CHAIN_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, KC_CHAIN_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, KC_CHAIN_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, KC_CHAIN_CONSTRAINTS},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, KC_CHAIN_CRITICAL},
    {X509_V_ERR_INVALID_EXTENSION, KC_CHAIN_CRITICAL},
};

static enum kc_chain_status verdict(int error)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(verdicts); i++) {
        if (verdicts[i].error == error)
            return verdicts[i].status;
    }
    return KC_CHAIN_UNTRUSTED;
}

/* ---- the peer's certificates ---- */

struct sent {
    size_t n;
    struct kc_cert *cert[KC_CHAIN_MAX];
};

/* The first must be readable; others that aren't prove nothing and are left out. */
static enum kc_chain_status read_sent(struct kc_ctx *c, struct kd_bytes certs, struct sent *s,
                                      struct kc_chain_result *out)
{
    struct kd_reader r;

    kd_reader_init(&r, certs);
    for (size_t i = 0; i == 0 || kd_reader_left(&r) > 0; i++) {
        struct kd_bytes der = kc_der_whole(&r, KC_DER_SEQ);
        if (!r.ok)
            return KC_CHAIN_MALFORMED;
        if (i == KC_CHAIN_MAX)
            return KC_CHAIN_TOO_MANY;
        s->cert[s->n] = kc_cert_read(c, der, false, NULL);
        if (s->cert[s->n])
            s->n++;
        else if (i == 0)
            return KC_CHAIN_MALFORMED;
        else
            out->left_out++;
    }
    return KC_CHAIN_OK;
}

static void free_sent(struct sent *s)
{
    for (size_t i = 0; i < s->n; i++)
        kc_cert_free(s->cert[i]);
}

/* Lent to the look-up: certificates stay s's. NULL: out of memory. */
static STACK_OF(X509) * helpers(const struct sent *s)
{
    STACK_OF(X509) *all = sk_X509_new_null();

    for (size_t i = 1; all && i < s->n; i++) {
        if (sk_X509_push(all, s->cert[i]->x) <= 0) {
            sk_X509_free(all);
            all = NULL;
        }
    }
    return all;
}

/* ---- the path ---- */

/* An issuer without a CRL isn't looked up; everything else about CRLs refuses. */
static int on_error(int ok, X509_STORE_CTX *ctx)
{
    if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return ok;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

static void set_rules(X509_STORE_CTX *ctx, const struct kc_chain *in)
{
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN; /* an anchor needn't be a root */

    if (in->trust->n_crls > 0)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    X509_VERIFY_PARAM_set_flags(p, flags);
    X509_VERIFY_PARAM_set_time(p, (time_t)in->wall_s);
    X509_VERIFY_PARAM_set_depth(p, KC_CHAIN_MAX - 2); /* between the peer's and the anchor */
    /* 112 bits: no SHA-1. Without it MD5 is out all the same, and so are short keys: kc_cert_read()
     * doesn't know them. */
    X509_VERIFY_PARAM_set_auth_level(p, in->sha1_ok ? 0 : 2);
    if (in->cn.len > 0) /* where a CN can be an identity, name constraints bind it */
        X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT);
    X509_STORE_CTX_set_verify_cb(ctx, on_error);
}

/* RFC 4945 5.1.3.2: key usage, if given, has digitalSignature or nonRepudiation. */
static bool may_sign(X509 *x)
{
    return (X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

/* The purpose, which OpenSSL knows no name for. That CAs are CAs it has checked. */
static enum kc_chain_status check_path(STACK_OF(X509) * path, struct kc_chain_result *out)
{
    unsigned int uses = KC_USE_ALL;
    int n = sk_X509_num(path);

    out->path_len = (uint8_t)n;
    out->path_not_after_s = INT64_MAX;
    for (int i = 0; i < n; i++) {
        X509 *x = sk_X509_value(path, i);
        bool anchor = i == n - 1;
        int64_t end_s;
        out->at = (uint8_t)i;
        if (!kc_cert_time(X509_get0_notAfter(x), &end_s))
            return KC_CHAIN_FAILED;
        out->path_not_after_s = KD_MIN(out->path_not_after_s, end_s);
        if (i == 0 && !may_sign(x))
            return KC_CHAIN_PURPOSE;
        if (!anchor || i == 0)
            uses &= kc_cert_uses(x);
        if (uses == 0)
            return KC_CHAIN_PURPOSE;
    }
    out->at = 0;
    return KC_CHAIN_OK;
}

static enum kc_chain_status find_path(struct kc_ctx *c, const struct kc_chain *in,
                                      const struct sent *s, struct kc_chain_result *out)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(kc_ctx_lib(c), NULL);
    STACK_OF(X509) *more = helpers(s);
    enum kc_chain_status st = KC_CHAIN_FAILED;

    if (ctx && more && X509_STORE_CTX_init(ctx, in->trust->store, s->cert[0]->x, more) == 1) {
        set_rules(ctx, in);
        if (X509_verify_cert(ctx) == 1) {
            st = check_path(X509_STORE_CTX_get0_chain(ctx), out);
        } else {
            st = verdict(X509_STORE_CTX_get_error(ctx));
            out->at = (uint8_t)KD_MAX(X509_STORE_CTX_get_error_depth(ctx), 0);
        }
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(more);
    ERR_clear_error();
    return st;
}

static bool identity_ok(const struct kc_chain *in, const struct kc_cert *x)
{
    return (in->id.type == KC_ID_NONE || kc_cert_is(x, &in->id)) &&
           (in->cn.len == 0 || kc_cert_cn_is(x, in->cn));
}

static void fill(const struct kc_cert *x, struct kc_chain_result *out)
{
    out->not_after_s = x->not_after_s;
    kc_cert_fingerprint(x, out->fingerprint);
    kd_assert(x->spki.len <= sizeof(out->spki)); /* kc_public_parse() */
    memcpy(out->spki, x->spki.p, x->spki.len);
    out->spki_len = (uint16_t)x->spki.len;
}

void kc_chain_check(struct kc_ctx *c, const struct kc_chain *in, struct kc_chain_result *out)
{
    struct sent s = {.n = 0};

    memset(out, 0, sizeof(*out));
    out->status = read_sent(c, in->certs, &s, out);
    if (out->status == KC_CHAIN_OK)
        out->status = find_path(c, in, &s, out);
    if (out->status == KC_CHAIN_OK && !identity_ok(in, s.cert[0]))
        out->status = KC_CHAIN_IDENTITY;
    if (out->status == KC_CHAIN_OK)
        fill(s.cert[0], out);
    free_sent(&s);
}
