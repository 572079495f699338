/* The engines run: what their actions become, and the queue of what one's cause in another. */
#include "core/internal.h"

#include <stdlib.h>

static void ike_action(struct core *c, const struct ike_action *a)
{
    struct core_act *x;
    struct kd_bytes data = kd_bytes(c->ike_out.buf + a->data.off, a->data.len);

    switch (a->kind) {
    case IKE_ACT_SEND:
        x = core_emit(c, CORE_ACT_IKE_SEND);
        x->tunnel = a->conn;
        x->local = a->local;
        x->remote = a->remote;
        x->natt = a->natt;
        x->df = a->df;
        x->data = core_put(c, data);
        break;
    case IKE_ACT_KEEPALIVE:
        x = core_emit(c, CORE_ACT_IKE_KEEPALIVE);
        x->tunnel = a->conn;
        x->local = a->local;
        x->remote = a->remote;
        break;
    case IKE_ACT_JOB:
        x = core_emit(c, CORE_ACT_JOB);
        x->tunnel = a->conn;
        x->handle = a->job;
        x->job_kind = a->job_kind;
        x->group = a->group;
        x->priv = a->priv;
        x->auth = a->auth;
        x->data = core_put(c, data);
        x->data2 = core_put(c, kd_bytes(c->ike_out.buf + a->data2.off, a->data2.len));
        x->data3 = core_put(c, kd_bytes(c->ike_out.buf + a->data3.off, a->data3.len));
        break;
    default:
        core_tunnel_ike(c, a, &c->ike_out);
        break;
    }
}

void core_run_ike(struct core *c, struct ike_event *ev)
{
    ev->now_us = c->now_us;
    ev->wall_s = c->wall_s;
    ike_step(c->ike, ev, &c->ike_out);
    c->ike_deadline_us = c->ike_out.deadline_us;
    c->ike_more = c->ike_out.more;
    for (uint32_t i = 0; i < c->ike_out.n; i++)
        ike_action(c, &c->ike_out.a[i]);
}

/* RFC 4271 9.1.3: routes leave for the kernel before what neighbors are told of them, who send by
 * them at once. */
void core_run_bgp(struct core *c, struct bgp_event *ev)
{
    ev->now_us = c->now_us;
    ev->hold = core_fib_full(c);
    bgp_step(c->bgp, ev, &c->bgp_out);
    c->bgp_deadline_us = c->bgp_out.deadline_us;
    c->bgp_more = c->bgp_out.more;
    for (uint32_t i = 0; i < c->bgp_out.n; i++) {
        const struct bgp_action *a = &c->bgp_out.a[i];
        if (a->offers && core_fib_waits(c))
            core_fib_flush(c, CORE_FIB_FIRST);
        core_peer_bgp(c, a, &c->bgp_out);
    }
}

/* ---- the queue of work ---- */

static struct core_work *work_new(struct core *c, enum core_work_kind kind)
{
    struct core_work *w = calloc(1, sizeof(*w));

    kd_assert(w);
    w->kind = kind;
    *c->work_tail = w;
    c->work_tail = &w->next;
    return w;
}

void core_queue_bgp(struct core *c, const struct bgp_event *ev)
{
    work_new(c, CORE_WORK_BGP)->bgp = *ev;
}

void core_queue_ike(struct core *c, const struct ike_event *ev)
{
    work_new(c, CORE_WORK_IKE)->ike = *ev;
}

void core_queue_bfd(struct core *c, const struct bfd_event *ev)
{
    work_new(c, CORE_WORK_BFD)->bfd = *ev;
}

void core_queue_ike_command(struct core *c, uint32_t tunnel, enum ike_command cmd)
{
    struct ike_event ev = {.kind = IKE_EV_COMMAND, .conn = tunnel, .command = cmd};

    core_queue_ike(c, &ev);
}

void core_work_one(struct core *c)
{
    struct core_work *w = c->work_head;

    c->work_head = w->next;
    if (!c->work_head)
        c->work_tail = &c->work_head;
    if (w->kind == CORE_WORK_BGP)
        core_run_bgp(c, &w->bgp);
    else if (w->kind == CORE_WORK_BFD)
        core_run_bfd(c, &w->bfd);
    else
        core_run_ike(c, &w->ike);
    free(w);
}
