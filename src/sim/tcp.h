/* Pretend TCP between gateways: handshake, in-order bytes, FIN and RST as small inner packets, sent
 * again every 200 ms until delivered or given up. Go-back-N, no congestion control, no urgent data.
 * The events the core gets are those of src/io/tcp.c, except that SENT means acknowledged. */
#ifndef SIM_TCP_H
#define SIM_TCP_H

#include "sim/packet.h"
#include "sim/sim.h"

struct sim_conn;

struct sim_listener {
    struct sim_listener *next;
    uint32_t tunnel; /* bound to its device, or CORE_NO_TUNNEL */
    struct kd_endpoint local;
};

struct sim_tcp {
    struct sim_conn *conns;
    struct sim_listener *listeners;
    uint64_t next_token;
    uint32_t next_id;
    uint16_t next_port;
};

void sim_tcp_act(struct sim_gw *g, const struct core_act *a, struct kd_bytes data);
/* A segment for a local address, arrived on ifindex. */
void sim_tcp_input(struct sim_gw *g, uint32_t ifindex, const struct sim_pkt *p);
/* The process died: its sockets are reset, as far as anybody can hear it, and forgotten. */
void sim_tcp_fini(struct sim_gw *g);
uint32_t sim_tcp_open(const struct sim_gw *g); /* connections in any state */

#endif
