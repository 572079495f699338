/* The daemon's side of `kedge audit`. */
#ifndef IO_AUDIT_H
#define IO_AUDIT_H

#include "core/audit.h"
#include "io/io.h"

/* Looks once. False with the reason: the kernel could not be asked. Blocks the loop for the dumps,
 * some 2 us a route of ours: measured 10 ms with 4,000 prefixes, 0.3 to 0.8 s with 100,000. */
bool io_audit(struct io *io, struct core_audit *a, char *text, size_t cap) KD_MUST_USE;

#endif
