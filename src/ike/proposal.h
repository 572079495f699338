/* Proposals: what an SA payload offers and what a configuration accepts, as values.
 * RFC 7296 3.3, 2.7. */
#ifndef IKE_PROPOSAL_H
#define IKE_PROPOSAL_H

#include "crypto/crypto.h"

#define IKE_TRANSFORM_MAX 32 /* a proposal; strongSwan's default sends 20 */
#define IKE_PROPOSAL_MAX  32 /* a payload; Azure's responder list has 26 */

enum ike_protocol { IKE_PROTO_NONE = 0, IKE_PROTO_IKE = 1, IKE_PROTO_AH = 2, IKE_PROTO_ESP = 3 };

struct ike_transform {
    uint8_t type;      /* enum kc_transform_type */
    uint16_t id;
    uint16_t key_bits; /* Key Length attribute, 0 when absent */
};

struct ike_proposal {
    uint8_t number; /* 1.. as on the wire */
    uint8_t protocol;
    uint8_t spi_len; /* 0, 4 or 8 */
    uint8_t spi[8];
    uint8_t n;
    struct ike_transform t[IKE_TRANSFORM_MAX];
};

struct ike_proposals {
    uint8_t n;
    struct ike_proposal p[IKE_PROPOSAL_MAX];
};

/* One suite: what was chosen. NULL where the proposal has none of the type. */
struct ike_suite {
    uint8_t number; /* of the chosen proposal, to be echoed */
    const struct kc_alg *encr, *prf, *integ, *dh;
    bool esn;
};

#endif
