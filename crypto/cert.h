/* X.509 certificates as IKEv2 authenticates with them (RFC 7296 3.6 and 3.7, RFC 4945, RFC 5280):
 * reading one, what it says, and whether a chain of them leads from given anchors to an identity.
 *
 * The time is a parameter. Nothing is ever fetched: no AIA, OCSP, CRL distribution point or
 * hash-and-URL; a CRL counts when it is given. What is judged here comes from strangers: sizes,
 * counts and the DER itself are checked before OpenSSL reads a byte.
 *
 * Included by crypto/crypto.h. */
#ifndef KC_CERT_H
#define KC_CERT_H

#include "crypto/sign.h"

#define KC_CERT_ENCODING_X509 4    /* RFC 7296 3.6: "X.509 Certificate - Signature" */
#define KC_CERT_MAX           8192 /* bytes; 200 names and an RSA key of 8192 bits: about 7,000 */
#define KC_CHAIN_MAX          8    /* certificates a peer may send, and a path may have */
#define KC_ANCHORS_MAX        64   /* a CERTREQ carries 20 bytes of each */
#define KC_CRLS_MAX           64
#define KC_CRL_MAX            4194304 /* bytes: 100,000 entries */

/* ---- identities ---- */

enum kc_id_type { /* values of RFC 7296 3.5 */
                  KC_ID_NONE = 0,
                  KC_ID_IPV4 = 1,
                  KC_ID_FQDN = 2,
                  KC_ID_RFC822 = 3,
                  KC_ID_IPV6 = 5,
                  KC_ID_DN = 9,
};

/* An identification payload: type and data as on the wire, the data borrowed. */
struct kc_id {
    uint8_t type;
    struct kd_bytes data;
};

/* ---- one certificate ---- */

/* Constant after loading: any number of threads may read it. Freed before its context. */
struct kc_cert;

/* One certificate in DER, X.509 version 3, from a stranger. Copies. NULL with *why (may be NULL; a
 * constant text) when it is malformed or has a key or a signature algorithm that isn't ours. */
struct kc_cert *kc_cert_parse(struct kc_ctx *c, struct kd_bytes der, const char **why) KD_MUST_USE;
/* The body of a CERT payload: the encoding's byte and the certificate. Any encoding but 4 is
 * refused, the URLs (12 and 13) among them. */
struct kc_cert *kc_cert_parse_payload(struct kc_ctx *c, struct kd_bytes body,
                                      const char **why) KD_MUST_USE;
/* All certificates of a PEM file, or the one of a DER file, in their order; the caller frees each.
 * 0, nothing to free and *why when there is none, there are more than max, or one is refused. */
size_t kc_cert_load(struct kc_ctx *c, struct kd_bytes pem_or_der, struct kc_cert **out, size_t max,
                    const char **why) KD_MUST_USE;
void kc_cert_free(struct kc_cert *x); /* NULL is ignored */

/* Views lent until the certificate is freed. */
struct kd_bytes kc_cert_der(const struct kc_cert *x);
struct kd_bytes kc_cert_subject(const struct kc_cert *x); /* DER of the Name: an ID_DER_ASN1_DN */
struct kd_bytes kc_cert_issuer(const struct kc_cert *x);
struct kd_bytes kc_cert_spki(const struct kc_cert *x); /* DER of SubjectPublicKeyInfo */
/* UTC seconds since 1970. notAfter is the first second in which the certificate is refused. */
int64_t kc_cert_not_before_s(const struct kc_cert *x);
int64_t kc_cert_not_after_s(const struct kc_cert *x);
void kc_cert_fingerprint(const struct kc_cert *x, uint8_t sha256[32]); /* of the whole DER */
void kc_cert_spki_sha1(const struct kc_cert *x, uint8_t sha1[20]);     /* RFC 7296 3.7 */

/* True when the certificate itself says that it is this identity (RFC 4945 3.1): an address or a
 * name among its subjectAltNames, or its whole subject. The subject's CN never counts as a name.
 * DNS names without regard to case, wildcards are no names; of a mail address only the domain is
 * compared without regard to case; a DN by kc_dn_equal(): a peer may spell its own otherwise. False
 * for any other type, and for names with bytes that aren't printable. */
bool kc_cert_is(const struct kc_cert *x, const struct kc_id *id);
/* Azure's rule for site-to-site certificates: the subject has exactly one CN, and it is this text
 * (UTF-8), byte by byte. */
bool kc_cert_cn_is(const struct kc_cert *x, struct kd_bytes cn);

/* ---- chains ---- */

/* Trust anchors and CRLs of one tunnel or one configuration. Filled by one thread, then constant:
 * any number of threads may check against it. Freed before its context. */
struct kc_trust;

struct kc_trust *kc_trust_new(struct kc_ctx *c) KD_MUST_USE; /* NULL: out of memory */
/* Every certificate of a PEM or DER file becomes an anchor: a root, an intermediate, or a peer's
 * own certificate ("pinned"). Version 1 and any signature algorithm are accepted here, since nobody
 * checks an anchor's own signature; its key must be one of ours. The number added; 0, nothing added
 * and *why otherwise. */
size_t kc_trust_add(struct kc_trust *t, struct kd_bytes pem_or_der, const char **why) KD_MUST_USE;
/* A CRL (PEM or DER, one). From then on every certificate of that issuer is looked up, and a CRL
 * past its nextUpdate refuses them all. A CRL that is partitioned, indirect or a delta (any
 * critical extension) is refused. */
bool kc_trust_add_crl(struct kc_trust *t, struct kd_bytes pem_or_der, const char **why) KD_MUST_USE;
void kc_trust_free(struct kc_trust *t); /* NULL is ignored; no job may be using it */
size_t kc_trust_count(const struct kc_trust *t);
const struct kc_cert *kc_trust_anchor(const struct kc_trust *t, size_t i); /* i < count; lent */

/* The question. */
struct kc_chain {
    const struct kc_trust *trust;
    /* The certificates of the peer's CERT payloads in their order, back to back (DER knows its own
     * length): the first is the peer's own (RFC 7296 3.6), the others may help. */
    struct kd_bytes certs;
    int64_t wall_s;     /* UTC seconds since 1970 */
    bool sha1_ok;       /* the legacy switch: signatures on certificates with SHA-1 */
    struct kc_id id;    /* what the peer's certificate must say; KC_ID_NONE: not asked */
    struct kd_bytes cn; /* Azure's rule; empty: not asked. With id, both must hold */
};

enum kc_chain_status {
    KC_CHAIN_FAILED, /* ours: out of memory */
    KC_CHAIN_OK,
    KC_CHAIN_MALFORMED,     /* the peer's own certificate, or what is between certificates */
    KC_CHAIN_TOO_MANY,      /* KC_CHAIN_MAX */
    KC_CHAIN_UNTRUSTED,     /* no path to an anchor */
    KC_CHAIN_BAD_SIGNATURE, /* a certificate's */
    KC_CHAIN_EXPIRED,
    KC_CHAIN_NOT_YET_VALID,
    KC_CHAIN_REVOKED,
    KC_CHAIN_CRL,         /* a given CRL is out of date or not its issuer's */
    KC_CHAIN_WEAK,        /* SHA-1 without the switch */
    KC_CHAIN_NOT_CA,      /* a certificate in the middle may not sign others, or not so many */
    KC_CHAIN_PURPOSE,     /* key usage or extended key usage */
    KC_CHAIN_CONSTRAINTS, /* name constraints */
    KC_CHAIN_CRITICAL,    /* a critical extension that nobody here understands, or a bad one */
    KC_CHAIN_IDENTITY,    /* a good chain for somebody else */
    KC_CHAIN_N
};

/* The answer: plain data. The rest is set with OK only, but for at and left_out. */
struct kc_chain_result {
    enum kc_chain_status status;
    uint8_t at;               /* which certificate of the path is to blame, 0 the peer's own */
    uint8_t left_out;         /* certificates after the first that can't be read and weren't used */
    uint8_t path_len;         /* with the anchor */
    int64_t not_after_s;      /* of the peer's own certificate */
    int64_t path_not_after_s; /* the earliest on the path */
    uint8_t fingerprint[32];
    uint16_t spki_len;
    uint8_t spki[KC_SPKI_MAX]; /* the key to check the AUTH payload with */
};

/* Checks; also as KC_JOB_CHAIN, for it costs a signature's verification a certificate. Thread-safe.
 *
 * Purpose, over all certificates but the anchor: extended key usages that share one of serverAuth,
 * clientAuth, ipsecIKE or any, or none at all; the peer's key usage allows signatures (RFC 4945
 * 5.1.3.2), if given. CAs have basicConstraints and, if given, the key usage. Name constraints bind
 * alternative names and the subject. Certificate policies are not looked at. */
void kc_chain_check(struct kc_ctx *c, const struct kc_chain *in, struct kc_chain_result *out);
/* "untrusted", "expired": for events and explanations. */
const char *kc_chain_status_str(enum kc_chain_status s);

#endif
