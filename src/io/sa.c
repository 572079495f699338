/* SAs on their way to the data plane, and what the data plane reports. */
#include "io/io.h"

#include "io/xnet.h"

#include <net/if.h>
#include <stdio.h>

static struct core_ev event_of(const struct io_dp_event *d)
{
    struct core_ev ev = {.local = d->local,
                         .remote = d->remote,
                         .handle = d->child,
                         .tunnel = d->tunnel,
                         .ok = d->ok};

    switch (d->kind) {
    case IO_DP_IKE:
        ev.kind = CORE_EV_IKE_DATAGRAM;
        ev.natt = true;
        ev.data = kd_bytes(d->data, d->len);
        break;
    case IO_DP_RESULT:
        ev.kind = CORE_EV_SA_RESULT;
        ev.data = kd_bytes(d->text, strnlen(d->text, sizeof(d->text)));
        break;
    case IO_DP_SEEN:
        ev.kind = CORE_EV_SA_SEEN;
        break;
    case IO_DP_SOURCE:
        ev.kind = CORE_EV_SA_SOURCE;
        break;
    case IO_DP_EXPIRE:
        ev.kind = CORE_EV_SA_EXPIRE;
        ev.data = kd_bytes(d->text, strnlen(d->text, sizeof(d->text)));
        break;
    case IO_DP_TRAFFIC:
        ev.kind = CORE_EV_TRAFFIC;
        break;
    case IO_DP_TROUBLE:
        ev.kind = CORE_EV_SA_TROUBLE;
        ev.data = kd_bytes(d->text, strnlen(d->text, sizeof(d->text)));
        break;
    case IO_DP_TUN_FAIL:
        ev.kind = CORE_EV_DEVICE;
        ev.ok = false;
        ev.data = kd_bytes(d->text, strnlen(d->text, sizeof(d->text)));
        break;
    }
    return ev;
}

static void on_event(struct io *io, const struct io_dp_event *d)
{
    struct core_ev ev = event_of(d);

    io_feed(io, &ev);
}

void io_sa_told(struct io *io, const struct io_dp_event *d)
{
    struct core_ev ev = event_of(d);

    io_post_event(io, &ev);
}

#define EVENTS_A_TURN 64 /* then the loop's other sources have their turn */

static void on_wake(uv_async_t *h)
{
    struct io *io = h->data;
    struct io_dp_event d;
    int n = 0;

    while (n++ < EVENTS_A_TURN && io->dp && io_dp_poll(io->dp, &d)) {
        on_event(io, &d);
        io_dp_event_done(&d);
    }
    if (n > EVENTS_A_TURN)
        uv_async_send(h);
}

static void notify(void *arg)
{
    uv_async_send(&((struct io *)arg)->dp_wake);
}

bool io_sa_open(struct io *io, char *text, size_t cap)
{
    bool raw_ok;

    uv_async_init(&io->loop, &io->dp_wake, on_wake);
    io->dp_wake.data = io;
    io->dp = io_dp_new(io->crypto, notify, io);
    if (!io->dp) {
        snprintf(text, cap, "the data plane's thread can't be started");
        return false;
    }
    for (uint32_t i = 0; i < io->cfg->n_listen; i++)
        if (!io_dp_listen(io->dp, &io->cfg->listen[i], &io->cfg->outer[i], io->cfg->natt_port,
                          io->decision.at[i] == CORE_DP_XFRM, &raw_ok, text, cap))
            return false;
    return true;
}

/* What the configuration has of an SA in the kernel; false when the card isn't there. */
static bool kernel_options(const struct io *io, uint32_t tunnel, struct io_dp_kernel *k)
{
    const struct core_tunnel_config *t = &io->cfg->tunnels[tunnel];

    *k = (struct io_dp_kernel){.mark = core_outer_of(io->cfg, &t->ike.local)->mark,
                               .offload = t->offload};
    if (t->offload_device[0])
        k->offload_ifindex = if_nametoindex(t->offload_device);
    return !t->offload_device[0] || k->offload_ifindex != 0;
}

static void refuse(struct io *io, const struct core_act *a, const char *text)
{
    struct core_ev ev = {
        .kind = CORE_EV_SA_RESULT, .handle = a->handle, .data = kd_bytes_str(text)};

    io_post_event(io, &ev);
}

static void add(struct io *io, const struct core_act *a)
{
    struct io_dp_sa sa = {.tunnel = a->tunnel,
                          .child = a->handle,
                          .sa = a->sa,
                          .local = a->local,
                          .remote = a->remote};

    if (!ike_ts_parse(core_out_bytes(io->out, a->data), &sa.ts_local) ||
        !ike_ts_parse(core_out_bytes(io->out, a->data2), &sa.ts_remote)) {
        refuse(io, a, "");
    } else if (io_xnet_has(io, a->tunnel)) {
        if (kernel_options(io, a->tunnel, &sa.kernel))
            io_xfrm_add(io_xnet_plane(io), &sa);
        else
            refuse(io, a, "its offload-device isn't there: add the card or change `offload`");
    } else {
        io_dp_sa_add(io->dp, &sa);
    }
}

static void act_tun(struct io *io, const struct core_act *a)
{
    switch (a->kind) {
    case CORE_ACT_SA_USE:
        io_dp_sa_use(io->dp, a->handle, a->replaces);
        break;
    case CORE_ACT_SA_MOVE:
        io_dp_sa_move(io->dp, a->handle, &a->local, &a->remote);
        break;
    case CORE_ACT_SA_DEL:
        io_dp_sa_del(io->dp, a->handle);
        break;
    case CORE_ACT_MUTE:
        io_dp_tun_mute(io->dp, a->tunnel, a->silent);
        break;
    default:
        io_dp_inject(io->dp, a->tunnel, core_out_bytes(io->out, a->data));
        break;
    }
}

static void act_xfrm(struct io *io, const struct core_act *a)
{
    struct io_xfrm *x = io_xnet_plane(io);

    switch (a->kind) {
    case CORE_ACT_SA_USE:
        io_xfrm_use(x, a->tunnel, a->handle);
        break;
    case CORE_ACT_SA_MOVE:
        io_xfrm_move(x, a->tunnel, a->handle, &a->local, &a->remote);
        break;
    case CORE_ACT_SA_DEL:
        io_xfrm_del(x, a->tunnel, a->handle);
        break;
    case CORE_ACT_MUTE:
        io_xfrm_mute(x, a->tunnel, a->silent);
        break;
    default:
        io_xnet_inject(io, a->tunnel, core_out_bytes(io->out, a->data));
        break;
    }
}

void io_sa_act(struct io *io, const struct core_act *a)
{
    if (a->kind == CORE_ACT_SA_ADD)
        add(io, a);
    else if (io_xnet_has(io, a->tunnel))
        act_xfrm(io, a);
    else
        act_tun(io, a);
    if (io_xnet_has(io, a->tunnel))
        io_xnet_watch(io);
}

bool io_sa_count(struct io *io, struct kd_handle child, struct io_dp_counters *c)
{
    struct io_xfrm *x = io_xnet_plane(io);

    return (x && io_xfrm_count(x, child, c)) || (io->dp && io_dp_count(io->dp, child, c));
}

void io_sa_close(struct io *io)
{
    if (!io->dp)
        return;
    io_dp_free(io->dp);
    io->dp = NULL;
    uv_close((uv_handle_t *)&io->dp_wake, NULL);
}
