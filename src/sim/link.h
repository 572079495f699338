/* Wires between gateways. An outer link joins two outer addresses and carries UDP and raw ESP; a
 * plain link joins two interfaces and carries inner packets in clear. Faults are drawn from the
 * run's seed. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "sim/sim.h"

enum sim_proto { SIM_UDP, SIM_ESP, SIM_IP };

struct sim_frame {
    enum sim_proto proto;
    struct kd_endpoint src, dst; /* UDP and ESP (port 0) */
    struct kd_bytes data;        /* UDP payload, ESP packet, or inner packet */
    bool df;                     /* may not be cut up */
};

struct sim_faults {
    uint64_t latency_us, jitter_us; /* jitter: 0 to this, added */
    uint32_t loss, dup, reorder;    /* per mille; reorder: delayed by up to three latencies more */
    uint32_t mtu; /* outer IPv4 datagrams that may not be cut up and are longer are lost; 0: none */
};

/* What left an end towards an inner address: to show that something did not leak. */
struct sim_tally {
    struct kd_addr dst;
    uint32_t packets, syns; /* syns: TCP connection attempts */
};

#define SIM_NAT_MAX 16 /* mappings a box */

/* Rewrites the source of what its inside end sends; the mapping is by inside address and port
 * (endpoint-independent). Raw ESP has no port and does not pass. */
struct sim_nat {
    bool on;
    struct kd_addr public;
    struct kd_endpoint inside[SIM_NAT_MAX];
    uint16_t port[SIM_NAT_MAX], next_port;
    uint32_t n;
};

struct sim_end {
    struct sim_gw *gw;
    uint32_t ifindex;
    struct kd_addr addr; /* outer links */
    bool cut;            /* what this end sends is lost */
    uint64_t sent, lost;
    struct sim_tally *tally;
    size_t n_tally;
};

struct sim_link {
    struct sim_link *next;
    struct sim *sim;
    char name[16];
    bool plain;
    struct sim_end end[2];
    struct sim_faults faults;
    struct sim_nat nat; /* inside is end 0 */
};

/* Between two interfaces that exist; plain: addr of both is ignored. */
struct sim_link *sim_link_new(struct sim *s, const char *name, bool plain,
                              const struct sim_end ends[2]);
void sim_links_free(struct sim *s);
void sim_link_nat(struct sim_link *l, const struct kd_addr *public);
/* Forgets the mappings, as a box does that restarts: the next packet gets another port. */
void sim_link_nat_forget(struct sim_link *l);

/* Sends from end (0 or 1): counted, drawn for faults, delivered later. */
void sim_link_send(struct sim_link *l, int end, const struct sim_frame *f);
/* Cuts or heals what end sends; -1: both. The interfaces' carrier stays: a silent loss. */
void sim_link_cut(struct sim_link *l, int end, bool cut);
/* Pulls or plugs the cable: cut, and both kernels see the carrier go. */
void sim_link_unplug(struct sim_link *l, bool out);

/* The outer link and end for local -> remote (or the NAT's public address); NULL. */
struct sim_link *sim_link_outer(const struct sim *s, const struct kd_addr *local,
                                const struct kd_addr *remote, int *end);
/* The plain link at a gateway's interface; NULL. */
struct sim_link *sim_link_at(const struct sim *s, const struct sim_gw *g, uint32_t ifindex,
                             int *end);
/* Counted towards dst at end; zeroes when nothing was. */
struct sim_tally sim_link_tally(const struct sim_link *l, int end, const struct kd_addr *dst);

#endif
