/* The fault switch: the n-th netlink request from now is refused, or its answer is lost; an SA or a
 * policy that is only read (kedge status, the audit) doesn't count. For tests only: -Dfaults=auto
 * builds it where the build is none to hand out (debug, debugoptimized), and nobody can throw it
 * without KEDGE_FAULTS=N:ERRNO in kedged's environment (as below; 0:0 for none at the start).
 *
 *   GET /v1/faults                   {"asked": requests so far}
 *   GET /v1/faults?in=N&errno=E      the N-th from now is refused so, as if by the kernel; 0: none
 *   GET /v1/faults?in=N&errno=0      ... is carried out, and its answer lost */
#ifndef IO_FAULT_H
#define IO_FAULT_H

#include "io/io.h"

enum io_fault { IO_FAULT_NONE, IO_FAULT_REFUSE, IO_FAULT_LOSE };

#ifdef KEDGE_FAULTS

void io_fault_open(struct io *io); /* reads the environment; first of all */
/* Counts one request whose answer is waited for; what is to become of it, *error with REFUSE. */
enum io_fault io_fault_ask(struct io *io, int *error);
/* The same for one (at msg) that leaves by s and whose answer is read later: to be refused, it
 * becomes one that no kernel takes. */
void io_fault_message(struct io *io, const struct nl_socket *s, uint8_t *msg);
/* What s brought: a refused one's answer gets its errno. True when an answer among it is to be
 * lost, and with it all that was read. */
bool io_fault_answers(struct io *io, const struct nl_socket *s, uint8_t *data, size_t len);
/* Answers /v1/faults; false for anything else. */
bool io_fault_request(struct io *io, const struct ctl_request *req, struct ctl_response *res);

#else

#define io_fault_open(io)                  ((void)(io))
#define io_fault_ask(io, error)            ((void)(io), (void)(error), IO_FAULT_NONE)
#define io_fault_message(io, s, msg)       ((void)(io), (void)(s), (void)(msg))
#define io_fault_answers(io, s, data, len) ((void)(io), (void)(s), (void)(data), (void)(len), false)
#define io_fault_request(io, req, res)     ((void)(io), (void)(req), (void)(res), false)

#endif
#endif
