/* The tap behind `kedge bgp mrt updates`: BGP's messages as MRT records (RFC 6396 4.4), as long as
 * the connection that asked for them lasts. */
#ifndef IO_MRT_H
#define IO_MRT_H

#include "base/addr.h"

struct io;
struct io_mrt_taps; /* of one connection, both directions */

/* False: another follower has them. */
bool io_mrt_start(struct io *io, uint64_t stream) KD_MUST_USE;
void io_mrt_stop(struct io *io, uint64_t stream);
/* Bytes read from (or written to) a connection; *taps is made and kept for it. */
void io_mrt_bytes(struct io *io, struct io_mrt_taps **taps, const struct kd_addr *local,
                  const struct kd_addr *remote, bool sent, struct kd_bytes data);
void io_mrt_forget(struct io_mrt_taps **taps);

#endif
