/* The control loop's heart: one core, one event at a time. Actions are done in order; what they
 * cause at once (a device made, a refused send) is queued and follows the step, never inside it. */
#include "io/io.h"

#include "io/keylog.h"

#include <stdlib.h>
#include <time.h>

struct io_post {
    struct io_post *next;
    struct core_ev ev;
    uint8_t data[];
};

uint64_t io_now_us(void)
{
    return uv_hrtime() / 1000;
}

void io_post_event(struct io *io, const struct core_ev *ev)
{
    struct io_post *p = malloc(sizeof(*p) + ev->data.len);

    kd_assert(p);
    p->next = NULL;
    p->ev = *ev;
    if (ev->data.len)
        memcpy(p->data, ev->data.p, ev->data.len);
    p->ev.data = kd_bytes(p->data, ev->data.len);
    *io->post_tail = p;
    io->post_tail = &p->next;
}

static void act(struct io *io, const struct core_act *a)
{
    struct kd_bytes data = core_out_bytes(io->out, a->data);
    struct core_event_record r;

    switch (a->kind) {
    case CORE_ACT_IKE_SEND:
        io_udp_send(io, a, data);
        break;
    case CORE_ACT_IKE_KEEPALIVE:
        (void)io_dp_send_keepalive(io->dp, &a->local, &a->remote);
        break;
    case CORE_ACT_JOB:
        io_job_start(io, a);
        break;
    case CORE_ACT_DEVICE_ADD:
    case CORE_ACT_DEVICE_DEL:
        io_kernel_device(io, a);
        break;
    case CORE_ACT_SA_ADD:
    case CORE_ACT_SA_USE:
    case CORE_ACT_SA_MOVE:
    case CORE_ACT_SA_DEL:
    case CORE_ACT_MUTE:
    case CORE_ACT_INJECT:
        io_sa_act(io, a);
        break;
    case CORE_ACT_NETLINK:
        io_kernel_put(io, data);
        break;
    case CORE_ACT_MONITOR:
        io_kernel_monitor(io, data);
        break;
    case CORE_ACT_TCP_LISTEN:
    case CORE_ACT_TCP_UNLISTEN:
    case CORE_ACT_TCP_CONNECT:
    case CORE_ACT_TCP_ACCEPT:
    case CORE_ACT_TCP_REFUSE:
    case CORE_ACT_TCP_CLOSE:
    case CORE_ACT_TCP_PAUSE:
    case CORE_ACT_TCP_RESUME:
        io_tcp_act(io, a, data);
        break;
    case CORE_ACT_TCP_WRITE:
        io_kernel_flush(io); /* routes before what a neighbor is told of them */
        io_tcp_act(io, a, data);
        break;
    case CORE_ACT_BFD_SEND:
        io_bfd_send(io, a, data);
        break;
    case CORE_ACT_PROBE:
        io_probe_ask(io, a, data);
        break;
    case CORE_ACT_EVENT:
        r = core_out_record(io->out, a);
        io_report(io, &r);
        break;
    case CORE_ACT_STOPPED:
        io->ended = true;
        break;
    }
}

static void step(struct io *io, struct core_ev *ev)
{
    ev->now_us = io_now_us();
    ev->wall_s = (int64_t)time(NULL);
    core_step(io->core, ev, io->out);
    for (uint32_t i = 0; i < io->out->n; i++)
        act(io, &io->out->a[i]);
    io_kernel_flush(io);
    io_keylog_scan(io);
}

static void wake(struct io *io)
{
    struct core_ev ev = {.kind = CORE_EV_WAKE};

    io_bfd_drain(io);
    io_probe_drain(io);
    io_feed(io, &ev);
}

static void on_deadline(uv_timer_t *t)
{
    wake(t->data);
}

static void on_again(uv_idle_t *h)
{
    wake(h->data);
}

/* What is due already isn't left to a timer: one that is started at 0 from its own callback fires
 * again before any other source has its turn. An idle handle runs once a turn of the loop. */
static void arm(struct io *io)
{
    uint64_t at = io->out->deadline_us, now = io_now_us();
    bool again = io->out->more || at <= now;

    if (io->ended) {
        io_loop_end(io);
        return;
    }
    if (again)
        uv_idle_start(&io->again, on_again);
    else
        uv_idle_stop(&io->again);
    if (again || at == KD_NEVER)
        uv_timer_stop(&io->deadline);
    else
        uv_timer_start(&io->deadline, on_deadline, (at - now + 999) / 1000, 0);
}

void io_feed(struct io *io, struct core_ev *ev)
{
    kd_assert(!io->stepping);
    if (io->ended)
        return;
    io->stepping = true;
    uv_update_time(&io->loop);
    step(io, ev);
    io->stepping = false;
    io_run_posted(io);
}

void io_run_posted(struct io *io)
{
    kd_assert(!io->stepping);
    io->stepping = true;
    while (io->post_head && !io->ended) {
        struct io_post *p = io->post_head;
        io->post_head = p->next;
        if (!io->post_head)
            io->post_tail = &io->post_head;
        step(io, &p->ev);
        free(p);
    }
    io->stepping = false;
    arm(io);
}

void io_loop_init(struct io *io)
{
    io_jobs_init();
    uv_loop_init(&io->loop);
    uv_timer_init(&io->loop, &io->deadline);
    uv_idle_init(&io->loop, &io->again);
    io->deadline.data = io->again.data = io;
    io->post_tail = &io->post_head;
}

void io_loop_end(struct io *io)
{
    while (io->post_head) {
        struct io_post *p = io->post_head;
        io->post_head = p->next;
        free(p);
    }
    uv_stop(&io->loop);
}
