/* Which keys an engine holds: handles and algorithms for the key log, never a key. */
#ifndef IKE_KEYS_VIEW_H
#define IKE_KEYS_VIEW_H

#include "ike/ike.h"

/* One IKE SA that has its keys, authenticated or not yet. */
struct ike_sa_keys {
    struct kd_handle self;
    uint32_t conn;
    uint8_t spi_i[8], spi_r[8];
    const struct kc_alg *encr, *integ; /* integ NULL with an AEAD */
    struct kd_handle ei, er, ai, ar;
};

/* One pair of ESP SAs. */
struct ike_child_keys {
    struct kd_handle self;
    uint32_t conn, spi_in, spi_out;
    const struct kc_alg *encr, *integ;
    bool encap;
    struct kd_endpoint local, remote;
    struct kd_handle enc_in, int_in, enc_out, int_out;
};

/* The next one behind *at, which begins as KD_HANDLE_NONE; false at the end. The handles are good
 * until the next step. */
bool ike_sa_keys_next(const struct ike *e, struct kd_handle *at, struct ike_sa_keys *k);
bool ike_child_keys_next(const struct ike *e, struct kd_handle *at, struct ike_child_keys *k);

#endif
