/* Certificates and chains made with OpenSSL at a fixed time, and questions about them. */
#ifndef TESTS_MADE_CERTS_H
#define TESTS_MADE_CERTS_H

#include "test_crypto.h"
#include "crypto/x509.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW 1700000000
#define DAY 86400

/* ---- making certificates ---- */

extern struct kc_ctx *ctx;
extern EVP_PKEY *key_root, *key_mid, *key_leaf, *key_other;

/* What isn't said is usual: version 3, valid from a day before NOW to a day after, SHA-256. */
struct spec {
    const char *cn;       /* NULL: an empty subject */
    EVP_PKEY *key;        /* NULL: key_leaf */
    X509 *issuer;         /* NULL: self-signed */
    EVP_PKEY *issuer_key; /* NULL: key */
    int64_t from, to;     /* 0: usual */
    bool v1;
    const EVP_MD *md;
    const char *ext[8][2]; /* "basicConstraints", "critical,CA:TRUE" */
};

void add_ext(X509 *x, X509 *issuer, const char *name, const char *value);
void add_cn(X509_NAME *name, const char *cn, int type);

/* Signed anew after a change. Ed25519 takes no hash. */
void resign(X509 *x, EVP_PKEY *key, const EVP_MD *md);
X509 *make(const struct spec *s);

#define CA                                                                                         \
    {                                                                                              \
        "basicConstraints", "critical,CA:TRUE"                                                     \
    }

#define SIGN                                                                                       \
    {                                                                                              \
        "keyUsage", "critical,keyCertSign,cRLSign"                                                 \
    }

#define SAN                                                                                        \
    {                                                                                              \
        "subjectAltName", "DNS:gw.example.com,IP:192.0.2.1,IP:2001:db8::1,email:gw@Example.com"    \
    }

/* root <- mid <- leaf, made once. */
extern X509 *root, *mid, *leaf;
X509 *make_root(const char *cn, EVP_PKEY *key);
X509 *make_leaf(const char *ext, const char *value);
X509 *make_mid(const char *ext, const char *value);

/* ---- asking ---- */
struct bytes {
    uint8_t b[65536];
    size_t len;
};

void add_der(struct bytes *to, X509 *x);
struct kd_bytes bytes_view(const struct bytes *b);
struct kc_trust *trust_of(X509 *anchor);
extern struct kc_chain_result result; /* of the last question */
enum kc_chain_status ask(const struct kc_chain *q);

/* x and up to two helpers against one anchor. */
enum kc_chain_status check_at(X509 *anchor, X509 *x, X509 *a, X509 *b, int64_t wall_s);
enum kc_chain_status check(X509 *anchor, X509 *x, X509 *a, X509 *b);
void assert_status(enum kc_chain_status got, enum kc_chain_status want, const char *what);

/* A leaf with one more extension, below the usual mid. */
void assert_leaf_ext(const char *ext, const char *value, enum kc_chain_status want);

/* A CA in the middle with one more extension, above the usual leaf. */
void assert_mid_ext(const char *ext, const char *value, enum kc_chain_status want);
struct kc_cert *parsed(X509 *x);
void assert_refused(X509 *x, const char *reason);
struct bytes pem_of(X509 *a, X509 *b);
int setup(void **st KD_UNUSED);
int teardown(void **st KD_UNUSED);

#endif
