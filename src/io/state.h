/* What outlives the process, below gateway.state-directory. */
#ifndef IO_STATE_H
#define IO_STATE_H

#include "crypto/crypto.h"

/* The secret of crash detection tokens (RFC 6290), from directory/qcd.key, which is made (0600, the
 * directory 0700) where it is not there yet. The caller owns the key. False with a sentence for the
 * operator in why: a restart will then be found by the peers' detection only. */
bool io_state_qcd(const char *directory, struct kc_ctx *crypto, struct kd_handle *secret, char *why,
                  size_t cap) KD_MUST_USE;

#endif
