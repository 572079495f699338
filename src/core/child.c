/* A tunnel's pairs of SAs: on their way to the data plane, up, proven by what came in on them, and
 * gone. */
#include "core/tunnel.h"

#include "esp/esp.h"

static uint32_t tunnel_mtu(const struct core *c, const struct core_tunnel *t,
                           const struct ike_action *a)
{
    const struct kc_alg *encr = kc_alg_find(KC_ENCR, a->encr, a->encr_bits);
    const struct kc_alg *integ = a->integ ? kc_alg_find(KC_INTEG, a->integ, 0) : NULL;

    if (t->cfg.mtu)
        return t->cfg.mtu;
    return encr ? esp_inner_mtu(encr, integ, a->local.addr.family, a->encap,
                                core_outer_mtu(c, &a->local.addr, &a->remote.addr))
                : 1280;
}

void core_child_add(struct core *c, struct core_tunnel *t, const struct ike_action *a,
                    const struct ike_out *out)
{
    uint32_t mtu = tunnel_mtu(c, t, a);
    struct core_act *x;

    if (t->n_child == CORE_CHILDREN_MAX) {
        struct ike_event no = {.kind = IKE_EV_CHILD_RESULT, .child = a->child, .ok = false};
        core_queue_ike(c, &no);
        return;
    }
    t->child[t->n_child++] =
        (struct core_child){.h = a->child, .spi_in = a->spi_in, .spi_out = a->spi_out};
    if (mtu != t->mtu)
        core_device_mtu(c, t, mtu);
    core_pmtu_child(c, t, a);
    x = core_emit(c, CORE_ACT_SA_ADD);
    x->tunnel = core_tunnel_id(c, t);
    x->handle = a->child;
    x->local = a->local;
    x->remote = a->remote;
    x->sa = (struct core_sa){
        .spi_in = a->spi_in,
        .spi_out = a->spi_out,
        .encr = a->encr,
        .encr_bits = a->encr_bits,
        .integ = a->integ,
        .esn = a->esn,
        .encap = a->encap,
        .key_enc_in = a->key_enc_in,
        .key_int_in = a->key_int_in,
        .key_enc_out = a->key_enc_out,
        .key_int_out = a->key_int_out,
        .replay_window = t->cfg.replay_window,
        .limits = a->limits,
        .mss = t->cfg.mss != CORE_MSS_AUTO ? t->cfg.mss : (uint16_t)(mtu - 40),
    };
    x->data = core_put(c, kd_bytes(out->buf + a->ts_local.off, a->ts_local.len));
    x->data2 = core_put(c, kd_bytes(out->buf + a->ts_remote.off, a->ts_remote.len));
}

struct core_child *core_child_of(struct core_tunnel *t, struct kd_handle h)
{
    for (uint32_t i = 0; i < t->n_child; i++)
        if (kd_handle_eq(t->child[i].h, h))
            return &t->child[i];
    return NULL;
}

void core_child_forget(struct core_tunnel *t, struct kd_handle h)
{
    struct core_child *k = core_child_of(t, h);

    if (k)
        *k = t->child[--t->n_child];
}

bool core_child_any_up(const struct core_tunnel *t)
{
    for (uint32_t i = 0; i < t->n_child; i++)
        if (t->child[i].up)
            return true;
    return false;
}

static bool any_child_seen(const struct core_tunnel *t)
{
    for (uint32_t i = 0; i < t->n_child; i++)
        if (t->child[i].up && t->child[i].seen)
            return true;
    return false;
}

/* A tunnel whose last pair went without its IKE SA: told when it is clear that no CLOSED follows.
 */
static void settle_childless(struct core *c, struct core_tunnel *t)
{
    if (t->childless == KD_REASON_NONE)
        return;
    if (!core_child_any_up(t) && t->reachable)
        core_tunnel_move(c, t, CORE_IN_CHILDLESS, t->childless);
    t->childless = KD_REASON_NONE;
}

void core_tunnels_settle(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        settle_childless(c, &c->tunnels[i]);
}

bool core_tunnels_sent(struct core *c)
{
    bool any = false;

    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        struct core_tunnel *t = &c->tunnels[i];
        if (t->clear != CORE_CLEAR_SENDING)
            continue;
        any = true;
        t->clear = CORE_CLEAR_WAITING;
        t->clear_seq = c->next_seq;
        if (core_ops_idle(c))
            core_carry_cleared(c, t);
    }
    return any;
}

static void prove(struct core *c, struct core_tunnel *t)
{
    t->proven = true;
    t->proof_at_us = KD_NEVER;
    core_tunnel_move(c, t, CORE_IN_PROVEN, KD_REASON_NONE);
}

void core_tunnel_seen(struct core *c, struct kd_handle child)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        struct core_child *k = core_child_of(&c->tunnels[i], child);
        if (!k)
            continue;
        k->seen = true;
        if (k->up)
            prove(c, &c->tunnels[i]);
    }
}

void core_child_up(struct core *c, struct core_tunnel *t, struct kd_handle h)
{
    struct core_child *k = core_child_of(t, h);
    bool first = !core_child_any_up(t);

    if (!k)
        return;
    k->up = true;
    t->refusal = KD_REASON_NONE;
    t->reachable = t->reachable || t->renewed;
    if (t->renewed ||
        (first && t->reachable)) { /* what was proven, if anything, was another pair */
        t->renewed = false;
        t->proven = false;
        t->proof_at_us = c->now_us + CORE_PROOF_FIRST_US;
        if (!core_tunnel_move(c, t, CORE_IN_CHILD, KD_REASON_NONE))
            core_tunnel_move(c, t, CORE_IN_RENEWED, KD_REASON_NONE);
    }
    if (k->seen)
        prove(c, t);
    core_rehearse_child_up(c, t);
    if (t->reachable) /* a rekey by a peer that does not answer us changes nothing */
        core_carry_on(c, t);
}

/* Ends that somebody told us of: nothing had to be detected. */
static bool announced(enum kd_reason reason)
{
    return reason == KD_REASON_ADMIN || reason == KD_REASON_PEER_DELETED ||
           reason == KD_REASON_PEER_REPLACED;
}

void core_child_down(struct core *c, struct core_tunnel *t, struct kd_handle h,
                     enum kd_reason reason)
{
    core_child_forget(t, h);
    if (core_child_any_up(t)) {
        if (!t->proven && any_child_seen(t))
            prove(c, t); /* what is left has proven itself before: a collision's loser went */
        return;
    }
    t->childless = reason;
    t->proven = false;
    t->proof_at_us = KD_NEVER;
    if (t->carrying && !announced(reason))
        core_say_text(c, CORE_NOTE_DETECT, core_tunnel_id(c, t), CORE_NO_PEER, reason, "");
    core_carry_off(c, t, reason, false);
}
