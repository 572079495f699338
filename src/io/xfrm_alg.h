/* A negotiated ESP suite in the kernel's words. */
#ifndef IO_XFRM_ALG_H
#define IO_XFRM_ALG_H

#include "crypto/crypto.h"
#include "netlink/xfrm.h"

/* Names and sizes, keys zero; an AEAD has no integ (ignored). False: the kernel has no name for it,
 * so it is tun's. */
bool io_xfrm_alg(const struct kc_alg *encr, const struct kc_alg *integ, struct nl_sa_alg *e,
                 struct nl_sa_alg *i) KD_MUST_USE;

#endif
