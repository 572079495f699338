/* The data plane's thread: one epoll over sockets, devices and the commands' eventfd. Commands run
 * between batches, so nothing a batch points to can go away under it. Level-triggered: a descriptor
 * that has had its rounds is simply reported again. */
#include "io/dp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READY_MAX 64

bool io_dp_watch(struct io_dp *dp, int fd, uint64_t tag)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = tag};

    return epoll_ctl(dp->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* ---- devices ---- */

void io_dp_tun_close(struct io_dp *dp, uint32_t tunnel)
{
    struct io_dp_tunnel *t = &dp->tunnel[tunnel];

    if (t->fd >= 0) {
        epoll_ctl(dp->epoll, EPOLL_CTL_DEL, t->fd, NULL);
        close(t->fd);
        t->fd = -1;
    }
    free(t->fail);
    t->fail = NULL;
}

void io_dp_tun_fail(struct io_dp *dp, uint32_t tunnel, int err)
{
    struct io_dp_node *fail = dp->tunnel[tunnel].fail;

    dp->tunnel[tunnel].fail = NULL;
    io_dp_tun_close(dp, tunnel);
    if (!fail)
        return;
    snprintf(fail->ev.text, sizeof(fail->ev.text), "the TUN device is gone: %s", strerror(err));
    io_dp_post(dp, fail);
}

static void tun_add(struct io_dp *dp, struct io_dp_cmd *cmd)
{
    struct io_dp_tunnel *t = &dp->tunnel[cmd->tunnel];

    io_dp_tun_close(dp, cmd->tunnel);
    t->fd = cmd->fd;
    t->fail = cmd->fail;
    t->trap = cmd->trap;
    t->own = cmd->own;
    t->icmp_at_us = t->traffic_at_us = 0;
    cmd->fd = -1;
    cmd->fail = NULL;
    if (!io_dp_watch(dp, t->fd, IO_DP_TAG(IO_DP_TAG_TUN, cmd->tunnel)))
        io_dp_tun_fail(dp, cmd->tunnel, errno);
}

static void tun_del(struct io_dp *dp, uint32_t tunnel)
{
    while (dp->tunnel[tunnel].out)
        io_dp_child_del(dp, dp->tunnel[tunnel].out->id);
    io_dp_tun_close(dp, tunnel);
}

/* ---- commands ---- */

/* False: stop. */
static bool carry_out(struct io_dp *dp, struct io_dp_cmd *cmd)
{
    switch (cmd->kind) {
    case IO_DP_CMD_STOP:
        return false;
    case IO_DP_CMD_TUN_ADD:
        tun_add(dp, cmd);
        break;
    case IO_DP_CMD_TUN_DEL:
        tun_del(dp, cmd->tunnel);
        break;
    case IO_DP_CMD_TUN_MUTE:
        dp->tunnel[cmd->tunnel].mute = cmd->on;
        break;
    case IO_DP_CMD_SA_ADD:
        io_dp_child_add(dp, cmd->made);
        cmd->made = NULL;
        break;
    case IO_DP_CMD_SA_USE:
        io_dp_child_use(dp, cmd->child, cmd->replaces);
        break;
    case IO_DP_CMD_SA_MOVE:
        io_dp_child_move(dp, cmd);
        break;
    case IO_DP_CMD_SA_DEL:
        io_dp_child_del(dp, cmd->child);
        break;
    case IO_DP_CMD_INJECT:
        io_dp_tx_one(dp, cmd->tunnel, kd_bytes(cmd->data, cmd->len));
        break;
    }
    return true;
}

static bool run_commands(struct io_dp *dp)
{
    struct io_dp_cmd *cmd, *next;
    uint64_t count;
    ssize_t n =
        read(dp->wake, &count, sizeof(count)); /* before the list: a later push wakes again */
    bool go_on = true;

    (void)n;
    for (cmd = io_dp_cmd_take(dp); cmd; cmd = next) {
        next = cmd->next;
        go_on = go_on && carry_out(dp, cmd);
        io_dp_cmd_free(cmd);
    }
    return go_on;
}

/* ---- the loop ---- */

static bool handle(struct io_dp *dp, uint64_t tag)
{
    const uint32_t i = (uint32_t)tag;

    switch ((enum io_dp_tag)(tag >> 32)) {
    case IO_DP_TAG_WAKE:
        return run_commands(dp);
    case IO_DP_TAG_UDP:
        io_dp_rx(dp, &dp->listen[i], false);
        break;
    case IO_DP_TAG_RAW:
        io_dp_rx(dp, &dp->listen[i], true);
        break;
    case IO_DP_TAG_TUN: /* its device may have gone earlier in the same round */
        if (dp->tunnel[i].fd >= 0)
            io_dp_tx(dp, i);
        break;
    }
    return true;
}

static void close_all(struct io_dp *dp)
{
    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        tun_del(dp, i);
}

void *io_dp_thread(void *arg)
{
    struct io_dp *dp = arg;
    struct epoll_event ready[READY_MAX];
    bool go_on = true;

    while (go_on) {
        int n = epoll_wait(dp->epoll, ready, READY_MAX, -1);
        for (int i = 0; i < n; i++)
            go_on = handle(dp, ready[i].data.u64) && go_on;
    }
    close_all(dp);
    return NULL;
}
