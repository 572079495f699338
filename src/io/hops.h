/* Sockets of the search for the way (probe/hops.h): kedge's and kedged's. */
#ifndef IO_HOPS_H
#define IO_HOPS_H

#include "probe/hops.h"

/* fd: a raw ICMP socket of to's family that isn't connected, as what routers say comes to no other.
 * Begins a round if one is due and sends its packets. */
void io_hops_ask(int fd, const struct kd_addr *to, struct probe_hops *h, uint64_t now_us);
/* Reads what is there, at most so many messages; their time is that of the call. */
void io_hops_read(int fd, struct probe_hops *h, unsigned most, uint64_t now_us);

#endif
