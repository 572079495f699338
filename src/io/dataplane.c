/* The data plane's face: calls that any thread may make, turned into commands for its own thread,
 * and counters read without disturbing it. What crosses the boundary is copied or handed over
 * whole. */
#include "io/dp.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- life ---- */

static bool init(struct io_dp *dp)
{
    pthread_mutex_init(&dp->lock, NULL);
    dp->cmds_tail = &dp->cmds;
    dp->events_tail = &dp->events;
    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        dp->tunnel[i].fd = -1;
    dp->buf = malloc((size_t)IO_DP_BATCH * IO_DP_BUF);
    dp->epoll = epoll_create1(EPOLL_CLOEXEC);
    dp->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return dp->buf && dp->epoll >= 0 && dp->wake >= 0 &&
           io_dp_watch(dp, dp->wake, IO_DP_TAG(IO_DP_TAG_WAKE, 0));
}

/* Everything but the thread. */
static void fini(struct io_dp *dp)
{
    io_dp_queues_free(dp);
    for (uint32_t i = 0; i < dp->n_listen; i++)
        io_dp_listener_close(&dp->listen[i]);
    if (dp->epoll >= 0)
        close(dp->epoll);
    if (dp->wake >= 0)
        close(dp->wake);
    pthread_mutex_destroy(&dp->lock);
    free(dp->buf);
    free(dp);
}

/* Signals are the control loop's: the thread is born with all of them blocked. */
static int start(struct io_dp *dp)
{
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&dp->thread, NULL, io_dp_thread, dp);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == 0)
        pthread_setname_np(dp->thread, "kedge-dp");
    return err;
}

struct io_dp *io_dp_new(struct kc_ctx *crypto, void (*notify)(void *arg), void *arg)
{
    struct io_dp *dp = calloc(1, sizeof(*dp));
    int err;

    if (!dp)
        return NULL;
    dp->crypto = crypto;
    dp->notify = notify;
    dp->arg = arg;
    err = init(dp) ? start(dp) : errno;
    if (err == 0)
        return dp;
    fini(dp);
    errno = err;
    return NULL;
}

static struct io_dp_cmd *command(enum io_dp_cmd_kind kind, size_t data_len)
{
    struct io_dp_cmd *cmd = io_dp_alloc(sizeof(*cmd) + data_len);

    cmd->kind = kind;
    cmd->fd = -1;
    return cmd;
}

void io_dp_free(struct io_dp *dp)
{
    if (!dp)
        return;
    io_dp_cmd_push(dp, command(IO_DP_CMD_STOP, 0));
    pthread_join(dp->thread, NULL);
    fini(dp);
}

/* ---- commands ---- */

void io_dp_tun_add(struct io_dp *dp, uint32_t tunnel, int fd, const struct ike_conn_config *trap,
                   const struct kd_addr *own)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_TUN_ADD, 0);

    kd_assert(tunnel < CORE_TUNNELS_MAX);
    cmd->tunnel = tunnel;
    cmd->fd = fd;
    cmd->fail = io_dp_alloc(sizeof(*cmd->fail));
    cmd->trap = trap;
    cmd->own = *own;
    cmd->fail->ev.kind = IO_DP_TUN_FAIL;
    cmd->fail->ev.tunnel = tunnel;
    io_dp_cmd_push(dp, cmd);
}

void io_dp_tun_del(struct io_dp *dp, uint32_t tunnel)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_TUN_DEL, 0);

    kd_assert(tunnel < CORE_TUNNELS_MAX);
    cmd->tunnel = tunnel;
    io_dp_cmd_push(dp, cmd);
}

void io_dp_sa_add(struct io_dp *dp, const struct io_dp_sa *sa)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_SA_ADD, 0);

    cmd->made = io_dp_child_new(dp, sa);
    io_dp_cmd_push(dp, cmd);
}

void io_dp_sa_use(struct io_dp *dp, struct kd_handle child, struct kd_handle replaces)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_SA_USE, 0);

    cmd->child = child;
    cmd->replaces = replaces;
    io_dp_cmd_push(dp, cmd);
}

void io_dp_sa_move(struct io_dp *dp, struct kd_handle child, const struct kd_endpoint *local,
                   const struct kd_endpoint *remote)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_SA_MOVE, 0);

    cmd->child = child;
    cmd->local = *local;
    cmd->remote = *remote;
    cmd->outer_mtu = io_dp_outer_mtu(dp, local, remote);
    io_dp_cmd_push(dp, cmd);
}

void io_dp_sa_del(struct io_dp *dp, struct kd_handle child)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_SA_DEL, 0);

    cmd->child = child;
    io_dp_cmd_push(dp, cmd);
}

void io_dp_tun_mute(struct io_dp *dp, uint32_t tunnel, bool on)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_TUN_MUTE, 0);

    cmd->tunnel = tunnel;
    cmd->on = on;
    io_dp_cmd_push(dp, cmd);
}

void io_dp_inject(struct io_dp *dp, uint32_t tunnel, struct kd_bytes pkt)
{
    struct io_dp_cmd *cmd = command(IO_DP_CMD_INJECT, pkt.len);

    cmd->tunnel = tunnel;
    cmd->len = pkt.len;
    if (pkt.len > 0)
        memcpy(cmd->data, pkt.p, pkt.len);
    io_dp_cmd_push(dp, cmd);
}

/* ---- counters ---- */

/* Drops that aren't replay, ICV or selector; a dummy packet is no drop (RFC 4303 2.6). */
static uint64_t other_drops(const struct esp_counters *e)
{
    return e->drop[ESP_SHORT] + e->drop[ESP_BAD_PAD] + e->drop[ESP_BAD_INNER] +
           e->drop[ESP_EXHAUSTED] + e->drop[ESP_NO_ROOM];
}

static uint64_t get(const _Atomic uint64_t *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

static void count(const struct io_dp_child *child, struct io_dp_counters *c)
{
    struct esp_counters in, out;

    esp_count(child->in, &in);
    esp_count(child->out, &out);
    *c = (struct io_dp_counters){
        .bytes_in = in.bytes,
        .bytes_out = out.bytes,
        .packets_in = in.packets,
        .packets_out = out.packets,
        .dropped_replay = in.drop[ESP_REPLAY],
        .dropped_auth = in.drop[ESP_BAD_ICV],
        .dropped_ts = get(&child->dropped_ts),
        .dropped_other = other_drops(&in) + other_drops(&out) + get(&child->dropped_other),
    };
}

/* The lock keeps the child alive for the call: the thread unlinks under it before it frees. */
bool io_dp_count(struct io_dp *dp, struct kd_handle child, struct io_dp_counters *c)
{
    const struct io_dp_child *found;

    pthread_mutex_lock(&dp->lock);
    found = io_dp_child_by_id(dp, child);
    if (found)
        count(found, c);
    pthread_mutex_unlock(&dp->lock);
    return found != NULL;
}

void io_dp_spell(const struct io_dp *dp, uint32_t tunnel, struct io_dp_spell *s)
{
    const struct io_dp_tunnel *t = &dp->tunnel[tunnel];

    s->first_us = atomic_load_explicit(&t->spell.first_us, memory_order_acquire);
    s->before_us = get(&t->spell.before_us);
    s->last_us = get(&t->spell.last_us);
}

uint32_t io_dp_pairs(struct io_dp *dp, struct core_audit_pair *out, uint32_t max)
{
    uint32_t n = 0;

    pthread_mutex_lock(&dp->lock);
    for (size_t i = 0; i < IO_DP_BUCKETS; i++)
        for (const struct io_dp_child *c = dp->by_id[i]; c; c = c->next_id, n++)
            if (n < max)
                out[n] = (struct core_audit_pair){c->tunnel, c->id, c->spi_in, c->spi_out};
    pthread_mutex_unlock(&dp->lock);
    return n;
}

void io_dp_totals(struct io_dp *dp, struct io_dp_totals *t)
{
    *t = (struct io_dp_totals){
        .ike = get(&dp->n.ike),
        .ike_dropped = get(&dp->n.ike_dropped),
        .keepalives = get(&dp->n.keepalives),
        .malformed = get(&dp->n.malformed),
        .unknown_spi = get(&dp->n.unknown_spi),
        .no_sa = get(&dp->n.no_sa),
        .rxq_overflow = get(&dp->n.rxq_overflow),
    };
}
