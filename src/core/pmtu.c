/* Does a full inner packet get through? From time to time IKE is asked to measure whether a
 * datagram of the size that the tunnel's MTU makes it up to passes (ike/mtu_probe.c). IKE and ESP
 * take the same way: between the same addresses, in the same UDP flow behind a NAT.
 *
 * Nothing is changed by what is found: the MTU is the operator's word, and a reason of readiness
 * says which one would do. */
#include "core/tunnel.h"

#include "esp/esp.h"

#define FIRST_US KD_S(30) /* after it came up: whatever is rehearsed goes first */
#define AGAIN_US KD_S(30) /* while it isn't up */
#define HINT_US  KD_S(10) /* anybody can give one: no more than this follows */

static const struct kc_alg *integ_of(const struct core_pmtu *p)
{
    return p->integ ? kc_alg_find(KC_INTEG, p->integ, 0) : NULL;
}

void core_pmtu_child(struct core *c, struct core_tunnel *t, const struct ike_action *a)
{
    struct core_pmtu *p = &t->pmtu;
    const struct kc_alg *encr = kc_alg_find(KC_ENCR, a->encr, a->encr_bits);
    uint32_t was = p->need;

    if (!encr)
        return;
    p->encr = encr;
    p->integ = a->integ;
    p->family = a->local.addr.family;
    p->local = a->local.addr;
    p->remote = a->remote.addr;
    p->encap = a->encap;
    p->need = esp_outer_len(encr, integ_of(p), p->family, p->encap, t->mtu);
    if (t->cfg.mtu_probe_us && p->need <= IKE_MTU_MAX && (p->at_us == KD_NEVER || p->need != was))
        p->at_us = c->now_us + FIRST_US;
}

void core_pmtu_wake(struct core *c, struct core_tunnel *t)
{
    struct ike_event ev = {.kind = IKE_EV_COMMAND,
                           .conn = core_tunnel_id(c, t),
                           .command = IKE_CMD_MTU,
                           .octets = t->pmtu.need};

    if (t->pmtu.at_us > c->now_us)
        return;
    if (t->state != CORE_T_UP) {
        t->pmtu.at_us = c->now_us + AGAIN_US;
        return;
    }
    t->pmtu.at_us = c->now_us + t->cfg.mtu_probe_us;
    core_queue_ike(c, &ev);
}

/* ICMP comes for what may not be cut up: a probe that runs, IPv6, ESP of the kernel's with DF. What
 * is no news starts nothing. */
void core_pmtu_hint(struct core *c, struct core_tunnel *t, uint32_t mtu)
{
    struct core_pmtu *p = &t->pmtu;
    struct ike_event ev = {.kind = IKE_EV_COMMAND,
                           .conn = core_tunnel_id(c, t),
                           .command = IKE_CMD_MTU_HINT,
                           .octets = mtu};
    struct ike_view v;

    if (!t->cfg.mtu_probe_us || t->state != CORE_T_UP || mtu >= p->need ||
        !ike_conn_view(c->ike, ev.conn, &v))
        return;
    if (v.mtu.state != IKE_MTU_RUNNING) {
        if ((v.mtu.passes && mtu >= v.mtu.passes) ||
            (p->hinted_us && c->now_us < p->hinted_us + HINT_US))
            return;
        p->hinted_us = c->now_us;
        p->at_us = c->now_us;
        core_pmtu_wake(c, t);
    }
    core_queue_ike(c, &ev);
}

/* What is found is said when it is something else than before. */
void core_pmtu_note(struct core *c, struct core_tunnel *t, struct kd_bytes detail)
{
    struct core_event_record r =
        core_record(c, CORE_NOTE_PATH_MTU, core_tunnel_id(c, t), CORE_NO_PEER);
    struct ike_view v;

    (void)ike_conn_view(c->ike, core_tunnel_id(c, t), &v);
    if (t->pmtu.said && t->pmtu.last == v.mtu.passes)
        return;
    t->pmtu.said = true;
    t->pmtu.last = v.mtu.passes;
    r.text = detail;
    core_say(c, &r);
}

struct core_pmtu_view core_pmtu_of(const struct core_tunnel *t, const struct ike_mtu_view *m)
{
    const struct core_pmtu *p = &t->pmtu;
    struct core_pmtu_view v = {.need = p->need, .path = m->passes, .at_us = m->at_us};

    if (m->passes && p->encr)
        v.inner =
            KD_MIN(esp_inner_mtu(p->encr, integ_of(p), p->family, p->encap, m->passes), t->mtu);
    return v;
}
