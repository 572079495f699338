/* The run of kedge probe: sends at a steady pace, receives, looks for the way, and tells whoever
 * runs it. */
#ifndef CLI_PROBE_LOOP_H
#define CLI_PROBE_LOOP_H

#include "cli/probe.h"

struct prober_run {
    struct prober
        p; /* to, from, udp_port are the caller's; hops_fd: 0 to look for the way, or -1 */
    struct probe_params params;
    uint64_t start_us,
        end_us;           /* end_us KD_NEVER: until a signal; set by the caller from start_us */
    uint64_t duration_us; /* 0: until a signal */
    /* Told of an outage that ended; of a way, p.hops.way; every tick_us (0: never) of time. */
    void (*on_outage)(struct prober_run *r, const struct probe_outage *o);
    void (*on_path)(struct prober_run *r, const struct probe_way *w, enum probe_news news);
    void (*on_tick)(struct prober_run *r, uint64_t now_us);
    uint64_t tick_us;
    void *arg;
    /* its own */
    uint64_t next_us, ticked_us;
};

/* Opens the sockets and runs to the end; CLI_OK, or what was said on stderr. The caller frees p's
 * probe with prober_run_done(). */
enum cli_exit prober_run(struct prober_run *r) KD_MUST_USE;
void prober_run_done(struct prober_run *r);

#endif
