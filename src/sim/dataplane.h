/* A gateway's userspace data plane: SA pairs on the real src/esp, sealed and opened with the
 * simulator's provider; inner packets leave and enter through the tunnels' devices. */
#ifndef SIM_DATAPLANE_H
#define SIM_DATAPLANE_H

#include "esp/esp.h"
#include "sim/link.h"

struct sim_sa {
    struct sim_sa *next;
    struct kd_handle child;
    uint32_t tunnel;
    struct core_sa sa;
    struct kd_endpoint local, remote;
    struct ike_ts_list ts_local, ts_remote;
    struct esp_sa *in, *out;
    bool seen, use; /* use: it sends what its selectors take */
    bool soft, hard; /* that limit has been told of */
    bool mute;      /* a rehearsed dead peer */
};

struct sim_dp {
    struct sim_sa *sas;
    uint32_t fail_in;   /* fault switch: the nth SA_ADD from now is refused; 0: none */
    uint64_t n_no_sa;   /* inner packets with no SA to send on */
    uint64_t n_unknown; /* ESP packets whose SPI is not here */
    uint64_t n_dropped; /* refused: unknown SPI, bad packet, selectors */
};

/* SA_ADD, SA_USE, SA_MOVE, SA_DEL, MUTE, INJECT. */
void sim_dp_act(struct sim_gw *g, const struct core_act *a);
/* An inner packet through tunnel's current pair. */
void sim_dp_out(struct sim_gw *g, uint32_t tunnel, struct kd_bytes pkt);
/* An ESP packet (marker and UDP header gone) from outside. */
void sim_dp_in(struct sim_gw *g, struct kd_bytes esp);
/* The tunnel's device went: so do its SAs. */
void sim_dp_tun_del(struct sim_gw *g, uint32_t tunnel);
void sim_dp_fini(struct sim_gw *g);
/* Pairs of the tunnel, and how many of them are in use for sending. */
void sim_dp_count(const struct sim_gw *g, uint32_t tunnel, uint32_t *pairs, uint32_t *in_use);

#endif
