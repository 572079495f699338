/* The daemon's side of `kedge audit`. */
#ifndef IO_AUDIT_H
#define IO_AUDIT_H

#include "core/audit.h"
#include "io/io.h"

/* Begins a look, or one that follows the one that is under way: what was changed before the call
 * shows. The answer (200, or 503 when the kernel could not be asked) goes to io_http_answer() under
 * the number returned. 0 with errno: no look can begin. */
uint64_t io_audit_ask(struct io *io);
/* Ends the look under way without an answer; its handles close with the loop. */
void io_audit_close(struct io *io);

#endif
