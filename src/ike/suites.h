/* The named profiles of the configuration: lists of proposals by name. The only place where legacy
 * algorithms are reached without being spelled out (DESIGN 3.12). facts/azure.md 1.1, 1.2. */
#ifndef IKE_SUITES_H
#define IKE_SUITES_H

#include "ike/proposal.h"

/* Fills the three lists (each may be NULL): the IKE proposals, and the ESP proposals offered as
 * initiator and accepted as responder. "modern" (the default), "azure-default", "azure-vwan". False
 * when there is no profile of that name. */
bool ike_profile(const char *name, struct ike_proposals *ike, struct ike_proposals *esp_initiator,
                 struct ike_proposals *esp_responder) KD_MUST_USE;
/* The first transform of p that nobody should use unknowingly, and the configuration takes only
 * with the explicit legacy switch: single DES, ESP without encryption, MD5, MODP768 (MUST NOT in
 * RFC 8221 5 and 6, RFC 8247 2; NULL: everyone can read along). NULL when there is none. */
const struct kc_alg *ike_proposal_legacy(const struct ike_proposal *p);
/* NULL-terminated, for error messages and completion. */
extern const char *const ike_profile_names[];

#endif
