/* Commands to a tunnel, and what it does by the clock. */
#include "core/tunnel.h"

#include <stdlib.h>

#define PROOF_AGAIN_US KD_S(1)
#define CEASE_TIME_US  KD_MS(500) /* most a Cease may hold up an announced `down` */

void core_tunnels_start(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (!c->tunnels[i].device_asked && c->dataplane != CORE_DP_NONE)
            core_device_ask(c, &c->tunnels[i]);
}

/* Without a device there is nothing to come up on: it brings IKE up when it is made. What the
 * operator has taken down refuses its peer, by policy (RFC 7296 2.21): waiting is in vain. */
static enum ike_command end_of(const struct core_tunnel *t)
{
    if (t->down_command != CORE_CMD_RESET)
        return IKE_CMD_DOWN;
    return t->device_ready ? IKE_CMD_RESET : IKE_CMD_HOLD;
}

void core_tunnel_stop_ike(struct core *c, uint32_t tunnel)
{
    struct core_tunnel *t = &c->tunnels[tunnel];

    t->down_at_us = KD_NEVER;
    core_queue_ike_command(c, tunnel, end_of(t));
    if (t->down_command == CORE_CMD_DOWN)
        core_tunnel_move(c, t, CORE_IN_DISABLE, KD_REASON_ADMIN);
}

/* An announced end: the Cease leaves through the tunnel first, then the DELETE. */
static void announce_down(struct core *c, struct core_tunnel *t, enum core_command cmd)
{
    bool heard = t->carrying && t->reachable;

    t->down_command = cmd;
    core_peer_off(c, core_tunnel_id(c, t), KD_REASON_ADMIN, heard);
    t->down_at_us =
        c->now_us + (heard && core_peer_conn_open(c, core_tunnel_id(c, t)) ? CEASE_TIME_US : 0);
}

static void mute(struct core *c, struct core_tunnel *t, bool on)
{
    struct core_act *a;

    if (t->mute == on)
        return;
    t->mute = on;
    a = core_emit(c, CORE_ACT_MUTE);
    a->tunnel = core_tunnel_id(c, t);
    a->silent = on;
}

/* From here on nothing leaves that could tell the peer: no ESP, no IKE, no FIN. */
static void play_dead(struct core *c, struct core_tunnel *t)
{
    t->admin_up = false;
    t->reachable = false;
    mute(c, t, true);
    core_queue_ike_command(c, core_tunnel_id(c, t), IKE_CMD_DOWN_SILENT);
    core_carry_off(c, t, KD_REASON_ADMIN, false);
    core_tunnel_move(c, t, CORE_IN_DISABLE, KD_REASON_ADMIN);
}

/* Overtakes a `down` that still waits for its Cease. After DOWN_SILENT the SAs are still there: the
 * answer to IKE's probe restores the tunnel as after any silence. */
static void admin_up(struct core *c, struct core_tunnel *t)
{
    t->admin_up = true;
    core_stable_forget(&t->stable); /* the operator's word is enough */
    mute(c, t, false);
    if (t->down_at_us != KD_NEVER && t->carrying)
        core_peer_on(c, core_tunnel_id(c, t));
    t->down_at_us = KD_NEVER;
    if (t->state == CORE_T_DISABLED) {
        t->state = core_child_any_up(t) ? CORE_T_UNREACHABLE : CORE_T_DOWN;
        t->reason = KD_REASON_NONE;
        t->since_us = c->now_us;
        core_tunnel_say_state(c, t);
    }
    if (t->device_ready) {
        core_queue_ike_command(c, core_tunnel_id(c, t), IKE_CMD_UP);
        core_queue_ike_command(c, core_tunnel_id(c, t), IKE_CMD_TRAFFIC);
    }
}

void core_tunnel_traffic(struct core *c, uint32_t tunnel)
{
    if (tunnel < c->cfg.n_tunnels && c->tunnels[tunnel].admin_up && c->tunnels[tunnel].device_ready)
        core_queue_ike_command(c, tunnel, IKE_CMD_TRAFFIC);
}

void core_tunnel_command(struct core *c, uint32_t tunnel, enum core_command cmd)
{
    struct core_tunnel *t = &c->tunnels[tunnel];

    switch (cmd) {
    case CORE_CMD_UP:
        admin_up(c, t);
        break;
    case CORE_CMD_DOWN:
        t->admin_up = false;
        announce_down(c, t, cmd);
        break;
    case CORE_CMD_DOWN_SILENT:
        play_dead(c, t);
        break;
    case CORE_CMD_RESET:
        if (!t->admin_up)
            admin_up(c, t);
        announce_down(c, t, cmd);
        break;
    case CORE_CMD_REKEY:
        core_queue_ike_command(c, tunnel, IKE_CMD_REKEY_CHILD);
        core_queue_ike_command(c, tunnel, IKE_CMD_REKEY_IKE);
        break;
    case CORE_CMD_REKEY_CHILD:
        core_queue_ike_command(c, tunnel, IKE_CMD_REKEY_CHILD);
        break;
    case CORE_CMD_REKEY_IKE:
        core_queue_ike_command(c, tunnel, IKE_CMD_REKEY_IKE);
        break;
    case CORE_CMD_REHEARSE:
        core_rehearse_start(c, t);
        break;
    default:
        break;
    }
}

static void send_proof(struct core *c, struct core_tunnel *t)
{
    uint8_t pkt[128];
    size_t n = t->cfg.has_neighbor
                   ? core_proof_packet(&t->cfg.inner, &t->cfg.neighbor.bgp.remote,
                                       (uint16_t)(0x4b00 | (core_tunnel_id(c, t) & 0xff)),
                                       t->proof_seq++, pkt, sizeof(pkt))
                   : 0;

    t->proof_at_us = c->now_us + PROOF_AGAIN_US;
    if (n) {
        struct core_act *a = core_emit(c, CORE_ACT_INJECT);
        a->tunnel = core_tunnel_id(c, t);
        a->data = core_put(c, kd_bytes(pkt, n));
    }
}

void core_tunnel_cease_sent(struct core *c, uint32_t tunnel)
{
    struct core_tunnel *t = &c->tunnels[tunnel];

    if (t->down_at_us != KD_NEVER)
        t->down_at_us = c->now_us;
}

void core_tunnels_wake(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels && core_room(c); i++) {
        struct core_tunnel *t = &c->tunnels[i];
        if (t->proof_at_us <= c->now_us) {
            t->proof_at_us = KD_NEVER;
            if (core_child_any_up(t) && !t->proven)
                send_proof(c, t);
        }
        if (t->device_at_us <= c->now_us) {
            t->device_at_us = KD_NEVER;
            if (!t->device_asked)
                core_device_ask(c, t);
            else if (t->ifindex)
                core_device_prepare(c, t);
        }
        if (t->down_at_us <= c->now_us)
            core_tunnel_stop_ike(c, i);
        if (core_stable_at(&t->stable) <= c->now_us)
            core_carry_on(c, t);
        core_rehearse_wake(c, t);
        core_pmtu_wake(c, t);
    }
}

uint64_t core_tunnels_deadline(const struct core *c)
{
    uint64_t at = KD_NEVER;

    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        const struct core_tunnel *t = &c->tunnels[i];
        at = KD_MIN(at, KD_MIN(t->device_at_us, KD_MIN(t->proof_at_us, t->down_at_us)));
        at = KD_MIN(at, KD_MIN(t->rehearsal.at_us, core_stable_at(&t->stable)));
        at = KD_MIN(at, t->pmtu.at_us);
    }
    return at;
}

void core_tunnel_free(struct core *c, struct core_tunnel *t)
{
    (void)c;
    core_refused_free(t);
    free(t->refusal_detail);
    free(t->refusal_offered);
    free(t->refusal_configured);
}
