/* The sockets of kedge probe. */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include "cli/cli.h"
#include "probe/hops.h"

#include <signal.h>

struct prober {
    struct kd_addr to, from; /* from: family 0, the kernel's choice */
    uint16_t udp_port;       /* of the far end's reflector; 0: ICMP echo */
    int fd, hops_fd;         /* hops_fd -1: no path is looked at */
    struct probe_wire wire;
    struct probe *probe;
    struct probe_hops hops; /* while hops_fd is open; its identifier is the one behind wire's */
};

uint64_t prober_now(void); /* CLOCK_MONOTONIC, us */
/* False: said on stderr. */
bool prober_open(struct prober *p) KD_MUST_USE;
void prober_close(struct prober *p);
void prober_send(struct prober *p);
/* Reads all that is there. */
void prober_receive(struct prober *p);
/* A list of addresses; a silent hop is null. */
json_t *prober_hops_json(const struct probe_path *p);

/* SIGINT and SIGTERM are taken only while ppoll() waits with *mask. */
void prober_catch_signals(sigset_t *mask);
bool prober_stopped(void);
/* text NULL: *out stays. False: said on stderr. */
bool prober_address(const char *option, const char *text, struct kd_addr *out) KD_MUST_USE;
enum cli_exit prober_reflect(const struct cli *c);

#endif
