/* `dataplane: auto`: which data plane a listen address gets, and why. */
#ifndef IO_DECIDE_H
#define IO_DECIDE_H

#include "core/config.h"
#include "netlink/probe.h"

/* Can the kernel do the suite from this address? As nl_probe_esp(). */
typedef enum nl_esp_support io_probe_fn(void *arg, const struct kd_addr *local,
                                        const struct nl_sa_alg *encr, const struct nl_sa_alg *integ,
                                        char *reason, size_t cap);

struct io_decision {
    enum core_dataplane at[CORE_LISTEN_MAX]; /* TUN or XFRM; NONE where that is configured */
    enum core_dataplane all;                 /* XFRM where all that have tunnels are */
    bool unable;          /* XFRM is configured, and the kernel lacks what why names */
    bool knows_direction; /* the shell's: nl_probe_direction() */
};

/* One verdict a listen address, for all its tunnels: a port 4500 whose ESP goes to the kernel gives
 * it all. auto: XFRM when the kernel can do every suite that any of them offers or accepts, else
 * TUN; a configured XFRM stays, and says what it lacks. why: one line for the operator. Pure but
 * for probe. */
void io_decide(const struct core_config *cfg, io_probe_fn *probe, void *arg, struct io_decision *d,
               char *why, size_t cap);
/* Of the tunnel's local address. */
enum core_dataplane io_decision_of(const struct io_decision *d, const struct core_config *cfg,
                                   const struct kd_addr *local);

#endif
