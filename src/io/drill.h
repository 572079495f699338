/* Drills in the daemon: one at a time, driven by the control loop. The lease is the client's
 * connection: when that goes, everything is restored; a detached drill is held by the daemon for
 * its time limit. What outlives kedged is the journal's and the guard's (drill_guard.h). */
#ifndef IO_DRILL_H
#define IO_DRILL_H

#include "io/io.h"

/* Before any tunnel rises: what a drill that was cut short left is taken back, or said. */
void io_drill_recover(struct io *io);
/* The guard, before sockets are opened and capabilities given up. */
void io_drill_open(struct io *io);
/* RUN, PLAN or ABORT of res->drill, in place of res. */
void io_drill_request(struct io *io, const struct ctl_request *req, struct ctl_response *res);
/* What the core says, into the result of the one that runs. */
void io_drill_note(struct io *io, const struct core_event_record *r, const struct ctl_names *names);
/* A client's stream has ended. */
void io_drill_client_gone(struct io *io, uint64_t stream);
/* kedged is to end: false, and it is told when (CORE_EV_STOP), while one is being restored. */
bool io_drill_may_stop(struct io *io);
void io_drill_close(struct io *io);

#endif
