/* Keys of every kind made with OpenSSL, in every form of file, and signatures asked of kedge. */
#ifndef TESTS_MADE_KEYS_H
#define TESTS_MADE_KEYS_H

#include "test_crypto.h"
#include "crypto/keys.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

/* ---- what all tests share ---- */
enum { RSA2048, P256, P384, P521, ED, KEYS };

extern struct kc_ctx *ctx;
extern EVP_PKEY *pkeys[KEYS];
extern struct kc_private *keys[KEYS];

/* Larger than a blob: an RSA key in PEM. */
struct file {
    uint8_t b[8192];
    size_t len;
};

struct kd_bytes file_view(const struct file *f);
struct file from_bio(BIO *bio);
enum form { PKCS8_PEM, PKCS8_DER, OLD_PEM, OLD_DER, LOCKED_PEM, LOCKED_OLD_PEM };
struct file export_key(EVP_PKEY *k, enum form form);
struct file spki_of(EVP_PKEY *k);

/* Loads, and is refused with a reason. */
void assert_key_refused(const struct file *f, const char *reason);
struct kc_sig sig_of(enum kc_sig_scheme scheme, enum kc_sig_hash hash, uint16_t salt);

enum kc_job_status sign(struct kc_ctx *c, int key, struct kc_sig sig, struct kd_bytes data,
                        bool sha1_ok, struct kc_job_result *res);

enum kc_job_status verify(struct kc_ctx *c, struct kd_bytes spki, struct kc_sig sig,
                          struct kd_bytes data, struct kd_bytes signature, bool sha1_ok);

/* A kind of signature, and a key it fits. */
struct row {
    int key;
    struct kc_sig sig;
    size_t len; /* of the signature; 0: varies */
};
#define SIG_ROWS 18
extern const struct row rows[SIG_ROWS];

int setup(void **st KD_UNUSED);
int teardown(void **st KD_UNUSED);

#endif
