/* Inside tcp*.c: a connection, and what both halves need of each other. */
#ifndef SIM_TCP_CONN_H
#define SIM_TCP_CONN_H

#include "sim/gateway.h"

enum sim_conn_state { SIM_SYN_SENT, SIM_SYN_RCVD, SIM_OPEN, SIM_CLOSING };

/* Sequence numbers: 0 is the SYN, bytes start at 1, the FIN follows the last. */
struct sim_conn {
    struct sim_conn *next;
    uint32_t id, life;
    enum sim_conn_state state;
    struct kd_handle handle;
    uint64_t token; /* not 0: accepted, not yet claimed */
    struct kd_endpoint local, remote;
    uint32_t tunnel;
    uint8_t ttl;
    uint16_t mss; /* as asked for; 0: by the interface */
    bool told, timing;
    uint8_t *snd; /* written and not yet acknowledged */
    size_t snd_len, snd_cap;
    uint32_t snd_una, rcv_nxt;
    uint64_t since_us;  /* of the last progress, or of the connect */
    uint64_t linger_us; /* CLOSING: the peer's FIN must have come by then */
};

struct sim_conn *sim_conn_new(struct sim_gw *g, enum sim_conn_state state);
void sim_conn_free(struct sim_gw *g, struct sim_conn *c);
/* The interface a tunnel's sockets are bound to; 0 for CORE_NO_TUNNEL. */
uint32_t sim_conn_bound(const struct sim_gw *g, uint32_t tunnel);
/* One segment of the connection. False when there is no way. */
bool sim_conn_put(struct sim_gw *g, const struct sim_conn *c, uint8_t flags, uint32_t seq,
                  struct kd_bytes data);
/* Everything unacknowledged, from the start. */
bool sim_conn_send(struct sim_gw *g, struct sim_conn *c);
/* The timer that sends it again, unless it runs or nothing waits. */
void sim_conn_arm(struct sim_gw *g, struct sim_conn *c);
bool sim_seg_send(struct sim_gw *g, const struct kd_endpoint *local,
                  const struct kd_endpoint *remote, uint32_t oif, uint8_t ttl, struct sim_seg *s);
void sim_conn_tell(struct sim_gw *g, const struct sim_conn *c, enum core_ev_kind kind, uint32_t n,
                   struct kd_bytes data);
void sim_conn_tell_end(struct sim_gw *g, struct sim_conn *c, enum core_ev_kind kind,
                       enum kd_reason reason);
/* Told as failed or closed, and freed. */
void sim_conn_fail(struct sim_gw *g, struct sim_conn *c, enum kd_reason reason);

#endif
