/* The orderly end, in phases each of which ends by an event or at its deadline: Cease to every
 * neighbor that can hear it, then DELETE to every peer, then routes, then interfaces. */
#include "core/internal.h"

enum phase { PHASE_BGP, PHASE_IKE, PHASE_FIB, PHASE_END };

#define PHASE_TIME_US KD_MS(500) /* most one phase may take; a dead peer must not hold us up */

void core_stop_begin(struct core *c)
{
    if (c->stopping)
        return;
    core_say_text(c, CORE_NOTE_STOP, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_ADMIN, "");
    for (struct core_peer *p = c->peers; p; p = p->hh.next)
        core_peer_off(c, p->id, KD_REASON_ADMIN,
                      p->cfg.iface == BGP_NO_IFACE || c->tunnels[p->cfg.iface].reachable);
    core_adopt_end(c);
    c->stopping = true;
    c->stop_phase = PHASE_BGP;
    c->stop_at_us = c->now_us + PHASE_TIME_US;
}

static bool phase_done(const struct core *c)
{
    switch (c->stop_phase) {
    case PHASE_BGP:
        for (const struct core_peer *p = c->peers; p; p = p->hh.next)
            if (p->n_conn > 0)
                return false;
        return true;
    case PHASE_IKE:
        for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
            struct ike_view v;
            if (ike_conn_view(c->ike, i, &v) && v.established)
                return false;
        }
        return !ike_untold(c->ike);
    default:
        return core_ops_idle(c) && !core_fib_pending(c) && !c->fib && !c->gone &&
               core_pins_gone(c);
    }
}

static void enter(struct core *c, int phase)
{
    c->stop_phase = phase;
    c->stop_at_us = c->now_us + PHASE_TIME_US;
    if (phase == PHASE_IKE)
        for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
            core_queue_ike_command(c, i, IKE_CMD_HOLD); /* whoever calls finds the next life */
    if (phase == PHASE_FIB) {
        core_pins(c);
        core_fib_remove_all(c);
    }
    if (phase == PHASE_END) {
        for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
            if (c->tunnels[i].device_asked)
                core_emit(c, CORE_ACT_DEVICE_DEL)->tunnel = i;
        core_emit(c, CORE_ACT_STOPPED);
        c->stopped = true;
    }
}

/* A phase that has nothing to do is over as it begins: no event will say so. */
void core_stop_step(struct core *c)
{
    while (!c->stopped && !c->work_head && core_room(c) &&
           (phase_done(c) || c->stop_at_us <= c->now_us))
        enter(c, c->stop_phase + 1);
}
