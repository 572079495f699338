/* Inside the data plane only (dataplane.c and dp_*.c): its state, and who may touch which part.
 *
 *   dataplane.c  the calls of dataplane.h, on other threads
 *   dp_thread.c  the epoll loop, commands carried out
 *   dp_queue.c   commands in, events out
 *   dp_sa.c      children and how they are found
 *   dp_sock.c    sockets of listen addresses
 *   dp_rx.c      sockets -> open -> TUN
 *   dp_tx.c      TUN -> seal -> sockets
 *   dp_icmp.c    "packet too big" */
#ifndef IO_DP_H
#define IO_DP_H

#include "io/dataplane.h"

#include "esp/esp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define IO_DP_BATCH   64   /* packets a system call; 64 x 1500 bytes still fit the L2 cache */
#define IO_DP_ROUNDS  4    /* batches one descriptor may have before the others' turn */
#define IO_DP_BUCKETS 4096 /* of both hash tables; 1024 tunnels with two pairs each at a rekey */
#define IO_DP_PKT_MAX 65535
/* The odd lines keep the batch's buffers from sharing one cache set. */
#define IO_DP_BUF (ESP_HEADROOM + IO_DP_PKT_MAX + 1 + ESP_TAILROOM + 5 * 64)
/* An unauthenticated flood of IKE datagrams grows to this and no further; the rest is counted. */
#define IO_DP_IKE_MAX       1024
#define IO_DP_IKE_BYTES_MAX (4u * 1024 * 1024)

struct io_dp_listener {
    struct kd_addr addr;
    struct core_outer outer;
    uint16_t port;
    int udp, raw;          /* raw -1: not permitted */
    uint32_t rxq_overflow; /* last value of SO_RXQ_OVFL seen; the thread's */
};

/* An event on its way to the control loop. Those of children and devices are allocated with them,
 * so that nothing can fail when it happens. */
struct io_dp_node {
    struct io_dp_event ev;
    struct io_dp_node *next;
};

struct io_dp_child {
    struct kd_handle id;
    uint32_t tunnel, spi_in, spi_out;
    struct esp_sa *in, *out;
    bool encap, seen, used;
    uint16_t mss_v4, mss_v6;
    const struct kc_alg *encr, *integ;
    struct kd_endpoint local, remote;
    uint32_t outer_mtu, inner_mtu;
    const struct io_dp_listener *sock; /* NULL after a move to an address without sockets */
    struct sockaddr_storage to;
    socklen_t to_len;
    struct ike_ts_list ts_local, ts_remote;
    struct io_dp_node *result, *first; /* RESULT and SEEN, until posted */
    struct ike_limits limits;
    struct io_dp_node *soft, *hard; /* EXPIRE, until posted */
    uint64_t source_at_us;          /* SOURCE was told last */
    const char *why;                /* it couldn't be made: the reason */
    _Atomic uint64_t dropped_ts, dropped_other;
    struct io_dp_child *next_spi, *next_id, *next_out;
};

struct io_dp_tunnel {
    int fd; /* -1: none */
    bool mute;
    struct io_dp_child *out; /* in order of choice: io_dp_child_use() */
    struct io_dp_node *fail;
    const struct ike_conn_config *trap; /* NULL: none */
    uint64_t icmp_at_us, traffic_at_us; /* ICMP was sent, TRAFFIC told last */
    struct kd_addr own;
    struct { /* struct io_dp_spell: written by the thread, read by any */
        _Atomic uint64_t before_us, first_us, last_us;
    } spell;
};

enum io_dp_cmd_kind {
    IO_DP_CMD_STOP,
    IO_DP_CMD_TUN_ADD,
    IO_DP_CMD_TUN_DEL,
    IO_DP_CMD_TUN_MUTE,
    IO_DP_CMD_SA_ADD,
    IO_DP_CMD_SA_USE,
    IO_DP_CMD_SA_MOVE,
    IO_DP_CMD_SA_DEL,
    IO_DP_CMD_INJECT,
};

struct io_dp_cmd {
    enum io_dp_cmd_kind kind;
    struct io_dp_cmd *next;
    uint32_t tunnel, outer_mtu;
    bool on; /* TUN_MUTE */
    int fd;
    struct kd_handle child, replaces; /* replaces: SA_USE */
    struct kd_endpoint local, remote;
    struct io_dp_child *made; /* SA_ADD */
    struct io_dp_node *fail;  /* TUN_ADD */
    const struct ike_conn_config *trap;
    struct kd_addr own;
    size_t len;
    uint8_t data[]; /* INJECT */
};

struct io_dp {
    struct kc_ctx *crypto;
    void (*notify)(void *arg);
    void *arg;
    pthread_t thread;
    int epoll, wake;

    pthread_mutex_t lock; /* of this group; never held over a system call that can wait */
    struct io_dp_cmd *cmds, **cmds_tail;
    struct io_dp_node *events, **events_tail;
    uint32_t ike_queued;
    size_t ike_bytes;
    uint32_t n_listen;
    struct io_dp_listener listen[CORE_LISTEN_MAX]; /* appended, then constant */
    struct io_dp_child *by_id[IO_DP_BUCKETS]; /* changed by the thread, read by io_dp_count() */

    struct { /* written by the thread, read by any */
        _Atomic uint64_t ike, ike_dropped, keepalives, malformed, unknown_spi, no_sa, rxq_overflow;
    } n;

    /* the thread's own */
    struct io_dp_child *by_spi[IO_DP_BUCKETS];
    struct io_dp_tunnel tunnel[CORE_TUNNELS_MAX];
    struct esp_pkt pkt[IO_DP_BATCH];
    struct io_dp_child *owner[IO_DP_BATCH];
    const struct sockaddr_storage *source[IO_DP_BATCH]; /* inbound ESP in UDP; else NULL */
    uint32_t n_pkt;
    uint64_t read_us; /* when the batch was */
    struct mmsghdr msg[IO_DP_BATCH];
    struct iovec iov[IO_DP_BATCH];
    struct sockaddr_storage from[IO_DP_BATCH];
    uint8_t control[IO_DP_BATCH][CMSG_SPACE(sizeof(uint32_t))] __attribute__((aligned(8)));
    uint8_t *buf; /* IO_DP_BATCH of IO_DP_BUF bytes */
};

static inline void io_dp_bump(_Atomic uint64_t *c)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static inline uint8_t *io_dp_buf(const struct io_dp *dp, uint32_t i)
{
    return dp->buf + (size_t)i * IO_DP_BUF;
}

uint64_t io_dp_now_us(void);

/* dp_queue.c */
/* Zeroed memory for a command or a node; nobody could be told that it is missing: kedged ends. */
void *io_dp_alloc(size_t len);
void io_dp_cmd_push(struct io_dp *dp, struct io_dp_cmd *cmd); /* takes cmd */
struct io_dp_cmd *io_dp_cmd_take(struct io_dp *dp);           /* the whole list */
void io_dp_cmd_free(struct io_dp_cmd *cmd);
void io_dp_post(struct io_dp *dp, struct io_dp_node *node); /* takes node; stamps the time */
/* Hands an IKE datagram over (copied), or counts it as dropped. */
void io_dp_post_ike(struct io_dp *dp, const struct io_dp_listener *l,
                    const struct sockaddr_storage *from, struct kd_bytes msg, uint64_t at_us);
void io_dp_queues_free(struct io_dp *dp);

/* dp_sa.c */
struct io_dp_child *io_dp_child_new(struct io_dp *dp, const struct io_dp_sa *sa);
void io_dp_child_free(struct io_dp_child *c);
void io_dp_child_add(struct io_dp *dp, struct io_dp_child *c); /* takes c, answers with RESULT */
void io_dp_child_use(struct io_dp *dp, struct kd_handle id, struct kd_handle replaces);
void io_dp_child_move(struct io_dp *dp, const struct io_dp_cmd *cmd);
void io_dp_child_del(struct io_dp *dp, struct kd_handle id);
struct io_dp_child *io_dp_child_by_id(const struct io_dp *dp, struct kd_handle id);
struct io_dp_child *io_dp_child_by_spi(const struct io_dp *dp, uint32_t spi,
                                       const struct kd_addr *local);
/* Says that sa, one direction of c, has reached a limit, if it has and nobody was told. Once a run
 * of packets, by the thread that counts them: two loads and two comparisons. */
void io_dp_child_spent(struct io_dp *dp, struct io_dp_child *c, const struct esp_sa *sa);
/* The pair that sends f: of those whose selectors match, the first in order of choice. */
struct io_dp_child *io_dp_child_for(const struct io_dp_tunnel *t, const struct esp_flow *f);

/* dp_sock.c */
const struct io_dp_listener *io_dp_listener_of(struct io_dp *dp, const struct kd_addr *local);
void io_dp_listener_close(struct io_dp_listener *l);
/* MTU of the route between the addresses, 1500 when it can't be told. */
uint32_t io_dp_outer_mtu(struct io_dp *dp, const struct kd_endpoint *local,
                         const struct kd_endpoint *remote);

/* dp_rx.c */
void io_dp_rx(struct io_dp *dp, struct io_dp_listener *l, bool raw);

/* dp_tx.c */
void io_dp_tx(struct io_dp *dp, uint32_t tunnel);
void io_dp_tx_one(struct io_dp *dp, uint32_t tunnel, struct kd_bytes pkt);

/* dp_icmp.c */
/* Builds "packet too big, mtu" about the inner packet pkt, from its destination to its source, into
 * out (IO_DP_ICMP_MAX); 0 where none may be sent. RFC 1191 4, RFC 4443 3.2. */
#define IO_DP_ICMP_MAX 1280
size_t io_dp_icmp_too_big(struct kd_bytes pkt, uint32_t mtu, uint8_t *out);
/* True for an inner packet longer than mtu that may not be fragmented. */
bool io_dp_icmp_needed(struct kd_bytes pkt, uint32_t mtu);

/* dp_thread.c */
void *io_dp_thread(void *arg);
void io_dp_tun_close(struct io_dp *dp, uint32_t tunnel);
/* The device broke: closed, and said so once. */
void io_dp_tun_fail(struct io_dp *dp, uint32_t tunnel, int err);
bool io_dp_watch(struct io_dp *dp, int fd, uint64_t tag);

/* What an epoll entry stands for: kind in the high half, index in the low. */
enum io_dp_tag { IO_DP_TAG_WAKE, IO_DP_TAG_UDP, IO_DP_TAG_RAW, IO_DP_TAG_TUN };
#define IO_DP_TAG(kind, i) ((uint64_t)(kind) << 32 | (i))

#endif
