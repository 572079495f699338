/* Inside crypto/ only: what cert.c and chain.c share. */
#ifndef KC_X509_H
#define KC_X509_H

#include "crypto/keys.h"

#include <openssl/x509v3.h>

/* What extended key usages allow, of what matters to IKE. */
enum kc_use {
    KC_USE_SERVER = 1,
    KC_USE_CLIENT = 2,
    KC_USE_IKE = 4,
    KC_USE_ALL = 7, /* anyExtendedKeyUsage, or no such extension */
};

struct kc_cert {
    X509 *x;
    GENERAL_NAMES *names; /* NULL: none */
    uint8_t *der;
    size_t der_len;
    struct kd_bytes issuer, subject, spki; /* views into der */
    int64_t not_before_s, not_after_s;
};

/* anchor: version 1 and any signature algorithm will do. */
struct kc_cert *kc_cert_read(struct kc_ctx *c, struct kd_bytes der, bool anchor,
                             const char **why) KD_MUST_USE;
size_t kc_cert_read_all(struct kc_ctx *c, struct kd_bytes pem_or_der, bool anchor,
                        struct kc_cert **out, size_t max, const char **why) KD_MUST_USE;
/* enum kc_use, or'ed; 0 when it has others only. */
unsigned int kc_cert_uses(const X509 *x);
/* UTC seconds since 1970; false when it isn't a time. */
bool kc_cert_time(const ASN1_TIME *t, int64_t *out_s) KD_MUST_USE;

#endif
