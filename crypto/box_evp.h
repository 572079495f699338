/* Inside crypto/ only: the real provider's boxes. */
#ifndef KC_BOX_EVP_H
#define KC_BOX_EVP_H

#include "crypto/provider.h"

#include <openssl/evp.h>

/* cipher: fetched; NULL for ENCR_NULL. Borrowed during the call. */
struct kc_box *kc_box_evp_new(const EVP_CIPHER *cipher, const struct kc_alg *encr,
                              const struct kc_alg *integ, const struct kc_secret *enc_key,
                              const struct kc_secret *int_key) KD_MUST_USE;
void kc_box_evp_free(struct kc_box *b);
bool kc_box_evp_seal(struct kc_box *b, const struct kc_packet *p, uint8_t *icv);
bool kc_box_evp_open(struct kc_box *b, const struct kc_packet *p, const uint8_t *icv);

#endif
