/* A tunnel's interface: asked for, set up, and asked for again after a refusal. It exists while
 * kedge runs, whatever the tunnel's state: an interface is no signal (DESIGN 3.4). */
#include "core/tunnel.h"

#include <stdio.h>

#define RETRY_FIRST_US KD_MS(200)
#define RETRY_LAST_US  KD_S(30)

static void ask_again(struct core *c, struct core_tunnel *t)
{
    t->device_at_us =
        c->now_us + KD_MIN(RETRY_FIRST_US << KD_MIN(t->device_tries, 10), RETRY_LAST_US);
    t->device_tries += t->device_tries < UINT8_MAX;
}

void core_device_mtu(struct core *c, struct core_tunnel *t, uint32_t mtu)
{
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_LINK, .id = core_tunnel_id(c, t)};
    char alias[64];
    struct nl_link_set l = {.ifindex = t->ifindex, .up = true, .mtu = mtu, .alias = alias};

    snprintf(alias, sizeof(alias), "kedge:%s", t->cfg.ike.name);
    t->mtu = mtu; /* wanted; a refusal is tried again */
    kd_assert(nl_put_link_set(&b, core_op_begin(c, &op), &l));
    core_op_send(c, &b);
}

void core_device_ask(struct core *c, struct core_tunnel *t)
{
    struct core_act *a = core_emit(c, CORE_ACT_DEVICE_ADD);

    t->device_asked = true;
    a->tunnel = core_tunnel_id(c, t);
    memcpy(a->name, t->cfg.ifname, sizeof(a->name));
}

static void add_address(struct core *c, struct core_tunnel *t)
{
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_ADDR, .id = core_tunnel_id(c, t)};
    struct nl_addr_set a = {.ifindex = t->ifindex,
                            .prefix = kd_prefix_host(&t->cfg.inner),
                            .local = t->cfg.inner,
                            .protocol = NL_PROTO_KEDGE};

    kd_assert(nl_put_addr(&b, core_op_begin(c, &op), &a, true));
    core_op_send(c, &b);
}

/* The interface is made: what does not depend on the tunnel being up can be done. */
static void device_ready(struct core *c, struct core_tunnel *t)
{
    struct kd_prefix host = kd_prefix_host(&t->cfg.neighbor.bgp.remote);

    t->device_ready = true;
    core_pins(c);
    if (t->cfg.has_neighbor) {
        struct core_act *a = core_emit(c, CORE_ACT_TCP_LISTEN);
        a->tunnel = core_tunnel_id(c, t);
        a->local = (struct kd_endpoint){t->cfg.inner, 179};
        core_fib_want_unreachable(c, t->cfg.table, &host, CORE_METRIC_LAST, core_tunnel_id(c, t));
    }
    if (t->admin_up)
        core_queue_ike_command(c, core_tunnel_id(c, t), IKE_CMD_UP);
    if (t->admin_up && t->cfg.ike.on_traffic && t->state == CORE_T_DOWN) {
        t->reason = KD_REASON_NO_TRAFFIC;
        core_tunnel_say_state(c, t);
    }
}

/* Idempotent: asked again after a refusal, and after an overrun. */
void core_device_prepare(struct core *c, struct core_tunnel *t)
{
    core_device_mtu(c, t, t->mtu);
    if (t->device_ready)
        return;
    if (t->cfg.inner.family)
        add_address(c, t);
    else
        device_ready(c, t);
}

/* Refused, or broken later: its SAs went with it, and a new one is asked for. */
static void device_gone(struct core *c, struct core_tunnel *t)
{
    if (t->device_ready) {
        core_emit(c, CORE_ACT_TCP_UNLISTEN)->tunnel = core_tunnel_id(c, t);
        core_emit(c, CORE_ACT_DEVICE_DEL)->tunnel = core_tunnel_id(c, t);
        core_carry_off(c, t, KD_REASON_NO_DEVICE, false);
        core_queue_ike_command(c, core_tunnel_id(c, t), t->admin_up ? IKE_CMD_HOLD : IKE_CMD_DOWN);
    }
    t->device_asked = t->device_ready = false;
    t->ifindex = 0;
    t->reason = KD_REASON_NO_DEVICE;
    ask_again(c, t);
    core_pins(c);
}

static void say_gone(struct core *c, const struct core_tunnel *t, struct kd_bytes why)
{
    char line[160];

    snprintf(line, sizeof(line), "interface %s: %.*s", t->cfg.ifname, (int)why.len,
             (const char *)why.p);
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, core_tunnel_id(c, t), CORE_NO_PEER,
                  KD_REASON_NO_DEVICE, line);
}

void core_device_deleted(struct core *c, uint32_t ifindex)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels && !c->stopping; i++) {
        struct core_tunnel *t = &c->tunnels[i];
        if (t->ifindex != ifindex)
            continue;
        say_gone(c, t, kd_bytes_str("somebody deleted it; it is made again"));
        device_gone(c, t);
    }
}

void core_tunnel_device(struct core *c, const struct core_ev *ev)
{
    struct core_tunnel *t;

    if (ev->tunnel >= c->cfg.n_tunnels)
        return;
    t = &c->tunnels[ev->tunnel];
    if (!ev->ok) {
        say_gone(c, t, ev->data);
        device_gone(c, t);
        return;
    }
    t->ifindex = ev->ifindex;
    t->mtu = t->cfg.mtu ? t->cfg.mtu : 1400;
    core_device_prepare(c, t);
}

void core_tunnel_device_op(struct core *c, enum core_op_kind kind, uint32_t tunnel, int error,
                           const char *text)
{
    struct core_tunnel *t = &c->tunnels[tunnel];
    char line[224];

    if (error) {
        snprintf(line, sizeof(line), "interface %s: %s refused: %s (errno %d)", t->cfg.ifname,
                 kind == CORE_OP_ADDR ? "address" : "mtu or state", text, error);
        core_say_text(c, CORE_NOTE_KERNEL_ERROR, tunnel, CORE_NO_PEER, KD_REASON_KERNEL_REFUSED,
                      line);
        ask_again(c, t);
    } else if (t->device_at_us == KD_NEVER && (t->device_ready || kind == CORE_OP_ADDR)) {
        t->device_tries = 0;
    }
    /* The link's answer came before: a device that could not be set up is not ready with an
     * address. */
    if (kind == CORE_OP_ADDR && t->device_at_us == KD_NEVER && !t->device_ready)
        device_ready(c, t);
}

/* Answers were lost, or requests never left: what was asked of the devices is asked again, and a
 * FIB that was being emptied is empty when the new requests are answered. */
void core_tunnels_lost_all(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        struct core_tunnel *t = &c->tunnels[i];
        if (t->ifindex)
            t->device_at_us = c->now_us;
        if (t->clear == CORE_CLEAR_WAITING)
            t->clear = CORE_CLEAR_SENDING;
    }
}
