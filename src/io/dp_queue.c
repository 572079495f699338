/* Commands to the data plane's thread and events from it: two lists under one mutex, an eventfd for
 * the one direction and notify() for the other. Only IKE datagrams, which strangers cause, can come
 * without end; they are bounded by number and bytes. */
#include "io/dp.h"

#include "io/sockaddr.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t io_dp_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

void *io_dp_alloc(size_t len)
{
    void *p = calloc(1, len);

    kd_assert(p);
    return p;
}

void io_dp_cmd_push(struct io_dp *dp, struct io_dp_cmd *cmd)
{
    const uint64_t one = 1;
    bool first;
    ssize_t n;

    pthread_mutex_lock(&dp->lock);
    first = !dp->cmds;
    *dp->cmds_tail = cmd;
    dp->cmds_tail = &cmd->next;
    pthread_mutex_unlock(&dp->lock);
    if (!first)
        return;
    n = write(dp->wake, &one, sizeof(one));
    (void)n; /* fails only where the counter is full: the thread is woken anyway */
}

struct io_dp_cmd *io_dp_cmd_take(struct io_dp *dp)
{
    struct io_dp_cmd *list;

    pthread_mutex_lock(&dp->lock);
    list = dp->cmds;
    dp->cmds = NULL;
    dp->cmds_tail = &dp->cmds;
    pthread_mutex_unlock(&dp->lock);
    return list;
}

void io_dp_cmd_free(struct io_dp_cmd *cmd)
{
    io_dp_child_free(cmd->made);
    if (cmd->fd >= 0)
        close(cmd->fd);
    free(cmd->fail);
    free(cmd);
}

/* Appends with the lock held; true when the control loop must be woken. */
static bool append(struct io_dp *dp, struct io_dp_node *node)
{
    bool first = !dp->events;

    node->next = NULL;
    *dp->events_tail = node;
    dp->events_tail = &node->next;
    return first;
}

void io_dp_post(struct io_dp *dp, struct io_dp_node *node)
{
    bool wake;

    node->ev.at_us = io_dp_now_us();
    pthread_mutex_lock(&dp->lock);
    wake = append(dp, node);
    pthread_mutex_unlock(&dp->lock);
    if (wake)
        dp->notify(dp->arg);
}

static struct io_dp_node *ike_node(const struct io_dp_listener *l,
                                   const struct sockaddr_storage *from, struct kd_bytes msg,
                                   uint64_t at_us)
{
    struct io_dp_node *node = calloc(1, sizeof(*node));
    uint8_t *data = malloc(msg.len);

    if (!node || !data) {
        free(node);
        free(data);
        return NULL;
    }
    memcpy(data, msg.p, msg.len);
    node->ev = (struct io_dp_event){.kind = IO_DP_IKE,
                                    .local = {.addr = l->addr, .port = l->port},
                                    .remote = io_sockaddr_to((const struct sockaddr *)from),
                                    .at_us = at_us,
                                    .len = (uint16_t)msg.len,
                                    .data = data};
    return node;
}

/* Looks before it copies: a flood costs no memory traffic. Only this thread adds, so what is free
 * now stays free. */
static bool ike_room(struct io_dp *dp, size_t len)
{
    bool room;

    pthread_mutex_lock(&dp->lock);
    room = dp->ike_queued < IO_DP_IKE_MAX && dp->ike_bytes + len <= IO_DP_IKE_BYTES_MAX;
    pthread_mutex_unlock(&dp->lock);
    return room;
}

void io_dp_post_ike(struct io_dp *dp, const struct io_dp_listener *l,
                    const struct sockaddr_storage *from, struct kd_bytes msg, uint64_t at_us)
{
    struct io_dp_node *node = ike_room(dp, msg.len) ? ike_node(l, from, msg, at_us) : NULL;
    bool wake;

    io_dp_bump(&dp->n.ike);
    if (!node) {
        io_dp_bump(&dp->n.ike_dropped);
        return;
    }
    pthread_mutex_lock(&dp->lock);
    dp->ike_queued++;
    dp->ike_bytes += msg.len;
    wake = append(dp, node);
    pthread_mutex_unlock(&dp->lock);
    if (wake)
        dp->notify(dp->arg);
}

bool io_dp_poll(struct io_dp *dp, struct io_dp_event *ev)
{
    struct io_dp_node *node;

    pthread_mutex_lock(&dp->lock);
    node = dp->events;
    if (node) {
        dp->events = node->next;
        if (!dp->events)
            dp->events_tail = &dp->events;
        if (node->ev.kind == IO_DP_IKE) {
            dp->ike_queued--;
            dp->ike_bytes -= node->ev.len;
        }
    }
    pthread_mutex_unlock(&dp->lock);
    if (!node)
        return false;
    *ev = node->ev;
    free(node);
    return true;
}

void io_dp_event_done(struct io_dp_event *ev)
{
    free(ev->data);
    ev->data = NULL;
}

void io_dp_queues_free(struct io_dp *dp)
{
    struct io_dp_cmd *cmd = io_dp_cmd_take(dp), *next;
    struct io_dp_event ev;

    for (; cmd; cmd = next) {
        next = cmd->next;
        io_dp_cmd_free(cmd);
    }
    while (io_dp_poll(dp, &ev))
        io_dp_event_done(&ev);
}
