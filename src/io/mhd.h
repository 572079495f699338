/* A libmicrohttpd daemon as a part of the control loop: its epoll descriptor is one handle of it,
 * so that there is no thread and no lock, and a connection only ever advances when its socket is
 * ready. */
#ifndef IO_MHD_H
#define IO_MHD_H

#include "base/attr.h"

#include <microhttpd.h>
#include <uv.h>

struct io_mhd {
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t deadline;
    uv_idle_t again; /* while MHD has more to do: a turn of the loop between, for all others */
    unsigned open_handles;
    unsigned connections; /* after the last run */
    bool resumed;         /* since */
    void (*closed)(void *arg);
    void *arg;
};

/* daemon: started with MHD_USE_EPOLL; it stays the caller's to stop. False: no room in the loop. */
bool io_mhd_open(struct io_mhd *m, uv_loop_t *loop, struct MHD_Daemon *daemon) KD_MUST_USE;
/* A connection was resumed, which nothing on the epoll descriptor announces. */
void io_mhd_wake(struct io_mhd *m);
/* Closes the handles; closed() when the loop has let them go. */
void io_mhd_close(struct io_mhd *m, void (*closed)(void *arg), void *arg);

#endif
