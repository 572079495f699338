/* The shells' shared state: what one kedged process holds outside its core. Shells translate
 * between the kernel and core events; they decide nothing.
 *
 *   main.c      options, start, signals        loop.c   the control loop: feed, deadline, queue
 *   udp.c       IKE on port 500                tcp.c    BGP's connections
 *   jobs.c      slow crypto on the pool        kernel.c netlink and interfaces
 *   bfd.c       BFD's sockets                  keylog.c keys into files, for Wireshark
 *   dp.c glue   data plane events              report.c log, event ring, HTTP followers
 *   probe.c     health probes                  reload.c the configuration read again
 *   ready.c     readiness, judged by the second
 *   mrt.c       BGP's messages as MRT          decide.c which data plane
 *   audit.c     what differs from what is wanted        http.c, socket_file.c the control socket
 *   fault.c     netlink requests refused on purpose (test builds)
 *   xnet.c      the kernel's data plane: its sockets and interfaces; xfrm*.c what it shall have
 *   drill*.c    drills; guard*.c what is left of them when we die
 *   notify.c    systemd is told
 *   tcp_md5.c   BGP's passwords                history.c drills that were, on disk
 *   priv.c      everything that needs privilege */
#ifndef IO_IO_H
#define IO_IO_H

#include "config/config.h"
#include "control/control.h"
#include "core/core.h"
#include "io/decide.h"
#include "io/dataplane.h"
#include "io/http.h"
#include "io/history.h"
#include "io/measure.h"
#include "netlink/socket.h"

#include <uv.h>

struct io_post; /* an event waiting for the loop */

struct io {
    uv_loop_t loop;
    uv_timer_t deadline;
    uv_idle_t again; /* while the core has more to do */
    uv_async_t dp_wake;
    uv_signal_t sigint, sigterm, sighup;
    uv_poll_t nl_poll, mon_poll;

    struct kc_ctx *crypto;
    struct core *core;
    struct core_out *out;
    bool stepping, ended;
    struct io_post *post_head, **post_tail;

    struct io_decision decision;   /* which data plane a listen address has */
    const struct core_config *cfg; /* as it was at the start */
    const char *config_path;
    struct config_print *print; /* what of the file runs */
    struct io_dp *dp;
    struct io_xnet *xnet;       /* NULL when no tunnel's ESP is the kernel's */
    struct nl_socket *nl, *mon; /* our requests and links; what others do with routes */
    uint8_t *nl_batch, *nl_in;
    size_t nl_len;

    struct io_udp {
        uv_udp_t h;
        struct kd_addr local;
        uint8_t buf[65536];
        bool open;
    } udp[CORE_LISTEN_MAX];
    struct io_icmp {
        uv_poll_t h;
        int fd;
        uint8_t family;
        bool open;
    } icmp[2]; /* IPv4, IPv6 */
    struct io_probes *probes; /* NULL where there are none */
    struct io_bfd *bfd;       /* NULL where no neighbor asks for it */
    struct io_tcp_conn *conns;
    struct io_tcp_listener *listeners;
    uint64_t next_token;
    uint32_t pending; /* accepted, not yet claimed */

    struct ctl_ring *ring;
    struct ready *ready;
    uv_timer_t ready_at;
    struct io_http *http;
    struct io_metrics *metrics; /* NULL: on the control socket alone */
    struct io_measure *measure; /* agents, and the run of a drill */
    struct io_history *drills; /* those that were */
    struct io_keylog *keylog; /* NULL: no keys are being written */
    struct io_drill *drill;   /* NULL: none is running */
    struct io_guard *guard;   /* runs drills' commands; NULL: it could not be started */
    struct io_audit *audit;   /* NULL: nobody looks */
    uint64_t audits;          /* numbers given to looks */
    uint64_t mrt_stream;      /* whose stream BGP's messages go to; 0: nobody's */
    uint64_t streams;         /* numbers given to followers of their own stream */
    uint64_t start_us;
    int log_level;
    int exit_code;
#ifdef KEDGE_FAULTS
    struct io_faults { /* fault.h */
        bool open;
        uint64_t asked;
        uint32_t in; /* requests until the one; 0: none */
        int error;   /* 0: its answer is lost */
        const struct nl_socket *sock; /* where the answer to seq comes; seq 0: none is waited for */
        uint32_t seq;
        int seq_error;
    } faults;
#endif
};

/* loop.c */
uint64_t io_now_us(void);
/* Steps the core with ev (now_us is set here) and does what it says; events posted meanwhile
 * follow. */
void io_feed(struct io *io, struct core_ev *ev);
/* Queues ev for after the current step; ev->data is copied. */
void io_post_event(struct io *io, const struct core_ev *ev);
/* Outside of a step: what was queued meanwhile. */
void io_run_posted(struct io *io);
void io_loop_init(struct io *io);
void io_loop_end(struct io *io);

/* udp.c */
bool io_udp_open(struct io *io, uint32_t i, const struct kd_addr *local, uint16_t port, char *text,
                 size_t cap);
void io_udp_send(struct io *io, const struct core_act *a, struct kd_bytes data);
void io_udp_close(struct io *io);

/* icmp.c */
void io_icmp_open(struct io *io);
void io_icmp_close(struct io *io);

/* tcp.c */
void io_tcp_act(struct io *io, const struct core_act *a, struct kd_bytes data);
void io_tcp_close_all(struct io *io);

/* tcp_md5.c */
/* Whose connections come from remote; tunnel: CORE_NO_TUNNEL for beside them. NULL: nobody's. */
const struct core_neighbor_config *io_neighbor(const struct io *io, uint32_t tunnel,
                                               const struct kd_addr *remote);
/* Signs and checks with the neighbor's password; true without one. False with errno set: the socket
 * must not be used. */
bool io_tcp_md5(const struct io *io, int fd, const struct core_neighbor_config *p) KD_MUST_USE;
/* The same for all neighbors whose connections a listener of that address family accepts. */
bool io_tcp_md5_listener(const struct io *io, int fd, uint32_t tunnel, uint8_t family) KD_MUST_USE;

/* bfd.c */
/* Opens ports 3784 and 4784 when a neighbor in the configuration has BFD. */
bool io_bfd_open(struct io *io, char *text, size_t cap);
void io_bfd_send(struct io *io, const struct core_act *a, struct kd_bytes data);
/* Feeds what has arrived, so that a timer that fires next judges the wire and not our own delay. */
void io_bfd_drain(struct io *io);
void io_bfd_close(struct io *io);

/* probe.c */
bool io_probe_open(struct io *io) KD_MUST_USE; /* false: out of memory */
void io_probe_ask(struct io *io, const struct core_act *a, struct kd_bytes data);
void io_probe_drain(struct io *io); /* as io_bfd_drain() */
void io_probe_close(struct io *io);

/* jobs.c */
void io_jobs_init(void); /* before the first job of the process */
void io_job_start(struct io *io, const struct core_act *a);

/* kernel.c */
bool io_kernel_open(struct io *io, char *text, size_t cap);
void io_kernel_put(struct io *io, struct kd_bytes msg);
void io_kernel_monitor(struct io *io, struct kd_bytes msg);
void io_kernel_flush(struct io *io);
void io_kernel_drain(struct io *io); /* feeds what has arrived */
void io_kernel_device(struct io *io, const struct core_act *a);
void io_kernel_close(struct io *io);
/* Watches a netlink socket again: an overrun shows as an error of it, for which libuv stops to
 * poll. For the beginning of its callback, cb, with what that was given. */
void io_kernel_poll_on(uv_poll_t *h, int status, uv_poll_cb cb);
/* What `auto` becomes, and the one line that says why. */
void io_kernel_decide(const struct core_config *cfg, struct io_decision *d, char *why, size_t cap);

/* sa.c */
/* A data plane's event, queued for after the step. */
void io_sa_told(struct io *io, const struct io_dp_event *d);
bool io_sa_open(struct io *io, char *text, size_t cap);
void io_sa_act(struct io *io, const struct core_act *a);
bool io_sa_count(struct io *io, struct kd_handle child, struct io_dp_counters *c);
void io_sa_close(struct io *io);

/* reload.c */
/* Reads and judges the file: what config_parse() leaves, and its print (to be freed; NULL where
 * there is no memory). False: errs says why, or where that has none, why. check: secrets aren't
 * needed. */
bool io_config_load(const char *path, struct kc_ctx *crypto, bool check, struct core_config *cfg,
                    struct config_print **print, struct config_errors *errs, char *why, size_t cap);
/* Takes over what can be, and answers as to a request for it; dry: changes and logs nothing, and
 * answers what it would. */
struct ctl_response io_reload(struct io *io, bool dry);

/* ready.c */
bool io_ready_open(struct io *io) KD_MUST_USE; /* false: out of memory */
void io_ready_close(struct io *io);
/* The history has another last drill. */
void io_ready_drilled(struct io *io);

/* report.c */
void io_report(struct io *io, const struct core_event_record *r);
/* The control socket: requests answered from core's views. */
bool io_report_open(struct io *io, char *text, size_t cap);

#endif
