/* One gateway: a struct core with its pretend host around it. Does what src/io does, in virtual
 * time: actions are carried out in order, what they cause at once is posted and follows the step.
 */
#ifndef SIM_GATEWAY_H
#define SIM_GATEWAY_H

#include "core/audit.h"
#include "sim/dataplane.h"
#include "sim/kernel.h"
#include "sim/link.h"
#include "sim/packet.h"
#include "sim/tcp.h"

#define SIM_TEXT_MAX 192
#define SIM_ANY      UINT32_MAX
#define SIM_WALL_S   INT64_C(1700000000) /* the calendar at the simulation's time 0 */

/* What the core told the operator; the record's views are empty, its text is here. */
struct sim_record {
    struct core_event_record r;
    char text[SIM_TEXT_MAX];
};

struct sim_post;

/* A real kernel beside the pretend one (tests/bench/failover.c): told before each step, and offered
 * every netlink request; true when it has carried it out. */
struct sim_outside {
    void *arg;
    void (*step)(void *arg);
    bool (*netlink)(void *arg, struct kd_bytes msg);
};

struct sim_gw {
    struct sim_gw *next;
    struct sim *sim;
    char name[16];
    struct core_config cfg; /* owned; PSKs are imported at every start */
    char psk[64];
    struct core *core; /* NULL when the process doesn't run */
    uint32_t life;     /* counts starts: what was meant for an earlier one is dropped */
    bool stepping, stopped;
    struct sim_post *post_head, **post_tail;
    uint64_t wake_at_us, deadline_us;
    /* knobs, changed at any time */
    uint64_t job_us, kernel_us, monitor_us, sa_us;
    bool nl_deaf; /* netlink answers and news are lost until sim_gw_overrun() */
    bool mon_deaf; /* the monitor's, until sim_gw_monitor_overrun() */
    bool no_echo; /* what is behind its addresses answers no echo */
    uint64_t probe[CORE_HEALTH_MAX]; /* the last question's token */
    struct sim_kernel kernel;
    struct sim_outside outside; /* functions NULL: none */
    struct sim_dp dp;
    struct sim_tcp tcp;
    uint32_t *tun; /* ifindex by tunnel, 0: no device */
    struct sim_record *rec;
    size_t n_rec;
    uint64_t trace, n_steps;
    /* echo replies received */
    uint32_t pongs, pong_if;
    uint64_t pong_us;
};

/* cfg's arrays are taken (freed with the gateway); its psk handles are ignored. */
struct sim_gw *sim_gw_new(struct sim *s, const char *name, struct core_config *cfg,
                          const char *psk);
void sim_gw_free(struct sim_gw *g);

/* ---- life ---- */

void sim_gw_start(struct sim_gw *g); /* the process starts, dataplane tun */
void sim_gw_stop(struct sim_gw *g);  /* SIGTERM: done when g->stopped */
void sim_gw_kill(struct sim_gw *g);  /* SIGKILL: devices and SAs go, the kernel's routes stay */
void sim_gw_command(struct sim_gw *g, enum core_command cmd, uint32_t tunnel, uint32_t peer);
/* The netlink socket overran: what is on its way to the core is lost, and it is told so. */
void sim_gw_overrun(struct sim_gw *g);
void sim_gw_monitor_overrun(struct sim_gw *g); /* the second socket did */
/* An echo request from the host, routed as any packet. False when there is no way. */
bool sim_gw_ping(struct sim_gw *g, const char *src, const char *dst);

/* ---- records ---- */

/* First record at or after index from with the note and, unless SIM_ANY, the tunnel or peer.
 * SIZE_MAX: none. */
size_t sim_gw_find(const struct sim_gw *g, size_t from, enum core_note note, uint32_t tunnel);

/* ---- what must hold at any time: check.c ---- */

/* "" when all holds, else what doesn't. settled: nothing is in flight, so that kernel and core must
 * agree, too. */
const char *sim_gw_check(const struct sim_gw *g, bool settled);
/* Feed the pretend kernel to the core's audit as the shell's dumps do, with routes as they were at
 * some moment in between; all at once. */
void sim_gw_audit_routes(const struct sim_gw *g, struct core_audit *a, const struct nl_route *r,
                         size_t n);
void sim_gw_audit_others(const struct sim_gw *g, struct core_audit *a);
void sim_gw_audit(const struct sim_gw *g, struct core_audit *a);

/* ---- between the simulator's files ---- */

/* Queues for after the current step; ev->data is copied. */
void sim_gw_post(struct sim_gw *g, const struct core_ev *ev);
/* The same in delay_us, unless the process has ended by then. */
void sim_gw_later(struct sim_gw *g, uint64_t delay_us, const struct core_ev *ev);
void sim_gw_on_event(void *obj, const void *data, size_t len);
void sim_gw_event_drop(struct sim *s, const void *data);
/* Steps through what is posted; the last thing every callback of the queue does. */
void sim_gw_run(struct sim_gw *g);
void sim_gw_receive(struct sim_gw *g, uint32_t ifindex, const struct sim_frame *f);
/* An outer packet onto its link. */
void sim_gw_transmit(struct sim_gw *g, const struct sim_frame *f);

/* stack.c: an inner packet that arrived on ifindex; one of ours to send. oif: the interface a
 * socket is bound to, or 0. False when there is no way (EHOSTUNREACH). */
void sim_stack_input(struct sim_gw *g, uint32_t ifindex, struct kd_bytes raw);
/* A health probe: ICMP is carried, the others are never answered here. */
void sim_stack_probe(struct sim_gw *g, const struct core_act *a, struct kd_bytes data);
void sim_stack_bfd(struct sim_gw *g, const struct core_act *a, struct kd_bytes data);
bool sim_stack_output(struct sim_gw *g, struct kd_bytes raw, uint32_t oif);

#endif
