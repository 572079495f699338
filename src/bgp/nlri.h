/* Prefixes as BGP writes them: a length in bits and as many bytes as it needs (RFC 4271 4.3). */
#ifndef BGP_NLRI_H
#define BGP_NLRI_H

#include "base/addr.h"
#include "base/wire.h"

/* Syntactically correct (RFC 7606 5.3)? */
bool bgp_nlri_ok(struct kd_bytes nlri, uint8_t family) KD_MUST_USE;
/* The next prefix of r (checked before); false at the end. */
bool bgp_nlri_next(struct kd_reader *r, uint8_t family, struct kd_prefix *p);
void bgp_nlri_put(struct kd_writer *w, const struct kd_prefix *p);
size_t bgp_nlri_len(const struct kd_prefix *p); /* bytes on the wire */
/* Semantically wrong, to be ignored by itself (RFC 4271 6.3): multicast, loopback, link-local. */
bool bgp_nlri_martian(const struct kd_prefix *p);

#endif
