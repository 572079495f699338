/* The userspace data plane: one thread that owns the NAT-T (UDP 4500) sockets, the raw ESP sockets
 * and the TUN devices, and moves packets between them through src/esp. Everything else talks to it
 * by the calls below (thread-safe; commands are queued, answers come back as io_dp_event through
 * notify()). IKE messages that arrive on a NAT-T socket are handed over, never parsed here. */
#ifndef IO_DATAPLANE_H
#define IO_DATAPLANE_H

#include "core/audit.h"
#include "core/core.h"

struct io_dp;

enum io_dp_event_kind {
    IO_DP_IKE,      /* an IKE datagram from a NAT-T socket: local, remote, data (marker stripped) */
    IO_DP_RESULT,   /* child's SA_ADD is done: ok, text */
    IO_DP_SEEN,     /* the first authenticated inbound packet of child */
    IO_DP_EXPIRE,   /* child has reached a limit: ok for a soft one; each kind once */
    IO_DP_SOURCE,   /* child's newest authentic packet came to local from another remote than it
                       has */
    IO_DP_TROUBLE,  /* the kernel refuses what is asked for again: text; tunnel or CORE_NO_TUNNEL */
    IO_DP_TUN_FAIL, /* tunnel's device broke: text */
    IO_DP_TRAFFIC,  /* an inner packet that tunnel's trap waits for found no pair; at most once a
                       second */
};

struct io_dp_event {
    enum io_dp_event_kind kind;
    struct kd_endpoint local, remote;
    uint32_t tunnel;
    struct kd_handle child;
    bool ok;
    char text[96];
    uint64_t at_us; /* CLOCK_MONOTONIC when it happened */
    uint16_t len;
    uint8_t *data; /* IKE: malloc'ed, the receiver frees with io_dp_event_done() */
};

/* notify is called on the data plane's thread when the queue was empty and isn't any more; it only
 * wakes the control loop (uv_async_send). NULL with errno. */
struct io_dp *io_dp_new(struct kc_ctx *crypto, void (*notify)(void *arg), void *arg) KD_MUST_USE;
/* Stops the thread, closes what it owns. */
void io_dp_free(struct io_dp *dp);

/* Opens the sockets of a listen address: UDP natt_port (with SO_RXQ_OVFL, PMTU as the kernel has
 * it) and raw protocol 50 (errors: text); outer (copied): where they are bound to, and their mark.
 * raw_ok false when raw sockets aren't permitted. in_kernel: ESP is the kernel's (UDP_ENCAP, no raw
 * socket), IKE alone is handed over. */
bool io_dp_listen(struct io_dp *dp, const struct kd_addr *local, const struct core_outer *outer,
                  uint16_t natt_port, bool in_kernel, bool *raw_ok, char *text,
                  size_t cap) KD_MUST_USE;
/* Takes fd: a TUN device's (IFF_TUN|IFF_NO_PI, non-blocking). trap: NULL, or whose children's
 * selectors tell TRAFFIC; borrowed for the data plane's life. own: the tunnel's address, family 0
 * for none (copied): what comes for it is no traffic that the tunnel carries, io_dp_spell(). */
void io_dp_tun_add(struct io_dp *dp, uint32_t tunnel, int fd, const struct ike_conn_config *trap,
                   const struct kd_addr *own);
void io_dp_tun_del(struct io_dp *dp, uint32_t tunnel); /* closes the fd; its SAs go too */

struct io_dp_sa {
    uint32_t tunnel;
    struct kd_handle child;
    struct core_sa sa;
    struct kd_endpoint local, remote;
    struct ike_ts_list ts_local, ts_remote;
    struct io_dp_kernel { /* the kernel's data plane alone */
        uint32_t mark;    /* of what it sends outside; 0: none */
        enum core_offload offload;
        uint32_t offload_ifindex; /* 0: by the kernel's route */
    } kernel;
};
/* Answered by IO_DP_RESULT. It receives at once, and sends what no pair in use takes. */
void io_dp_sa_add(struct io_dp *dp, const struct io_dp_sa *sa);
/* child sends what its selectors take, in the place of replaces (none: of no other). Of several
 * that take a packet the one with the narrowest selectors sends it, of equals the one put to use
 * last. */
void io_dp_sa_use(struct io_dp *dp, struct kd_handle child, struct kd_handle replaces);
void io_dp_sa_move(struct io_dp *dp, struct kd_handle child, const struct kd_endpoint *local,
                   const struct kd_endpoint *remote);
void io_dp_sa_del(struct io_dp *dp, struct kd_handle child);
/* While on, the tunnel's SAs neither send nor receive: a rehearsed dead peer. */
void io_dp_tun_mute(struct io_dp *dp, uint32_t tunnel, bool on);
/* Sends an inner packet through the tunnel's current SA (copied). */
void io_dp_inject(struct io_dp *dp, uint32_t tunnel, struct kd_bytes pkt);
/* Sends an IKE message (marker prepended) from the NAT-T socket of local, on the caller's
 * thread. */
bool io_dp_send_ike(struct io_dp *dp, const struct kd_endpoint *local,
                    const struct kd_endpoint *remote, struct kd_bytes msg);
/* The same with DF set, for a probe of the path's MTU: what is longer is lost. An ESP packet that
 * the thread sends at that moment has it, too. */
bool io_dp_send_whole(struct io_dp *dp, const struct kd_endpoint *local,
                      const struct kd_endpoint *remote, struct kd_bytes msg);

/* Sends one octet 0xff from the NAT-T socket of local (RFC 3948 2.3), on the caller's thread. */
bool io_dp_send_keepalive(struct io_dp *dp, const struct kd_endpoint *local,
                          const struct kd_endpoint *remote);

/* Next queued event; false when empty. */
bool io_dp_poll(struct io_dp *dp, struct io_dp_event *ev);
void io_dp_event_done(struct io_dp_event *ev);

struct io_dp_counters {
    uint64_t bytes_in, bytes_out, packets_in, packets_out;
    uint64_t dropped_replay, dropped_auth, dropped_ts, dropped_other;
};
bool io_dp_count(struct io_dp *dp, struct kd_handle child, struct io_dp_counters *c);

/* The packets that came through a tunnel for others than ourselves, as its latest spell: none came
 * for IO_DP_SPELL_GAP_US before its first. Of authentic packets, when their batch was read,
 * CLOCK_MONOTONIC; 0: none. */
#define IO_DP_SPELL_GAP_US KD_MS(300)
struct io_dp_spell {
    uint64_t before_us; /* the last one of the spell before */
    uint64_t first_us, last_us;
};
void io_dp_spell(const struct io_dp *dp, uint32_t tunnel, struct io_dp_spell *s);

/* The pairs there are, up to max, into out (core_audit_pairs()); how many there are. */
uint32_t io_dp_pairs(struct io_dp *dp, struct core_audit_pair *out, uint32_t max);

/* What belongs to no child, since the start. */
struct io_dp_totals {
    uint64_t ike, ike_dropped; /* IKE datagrams seen; of them dropped because the queue was full */
    uint64_t keepalives, malformed, unknown_spi;
    uint64_t no_sa;        /* inner packets of tunnels without any pair */
    uint64_t rxq_overflow; /* datagrams the kernel dropped before us (SO_RXQ_OVFL) */
};
void io_dp_totals(struct io_dp *dp, struct io_dp_totals *t);

#endif
