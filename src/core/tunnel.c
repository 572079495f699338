/* A tunnel's life: its states, what moves it from one to another (the rows below), and what it
 * makes of IKE's actions. The states are those of PRODUCT 4. What a change does to BGP and the FIB
 * is in carry.c. */
#include "core/tunnel.h"

#include <stdlib.h>

#define S(x)  (1u << CORE_T_##x)
#define ANY   ((1u << CORE_T_N) - 1)
#define ALIVE (S(UNPROVEN) | S(UP) | S(FAILING))

static const struct row {
    enum core_input input;
    uint32_t from; /* set of states */
    enum core_tunnel_state to;
} rows[] = {
    {CORE_IN_CONNECT, S(DISABLED) | S(DOWN), CORE_T_CONNECTING},
    {CORE_IN_CHILD, S(DOWN) | S(CONNECTING) | S(UNREACHABLE), CORE_T_UNPROVEN},
    {CORE_IN_RENEWED, ALIVE, CORE_T_UNPROVEN}, /* the first pair of the peer's new IKE SA */
    {CORE_IN_PROVEN, S(UNPROVEN), CORE_T_UP},
    {CORE_IN_FAILING, S(UNPROVEN) | S(UP), CORE_T_FAILING},
    {CORE_IN_REACHABLE, S(FAILING) | S(UNREACHABLE),
     CORE_T_UNPROVEN}, /* and at once PROVEN, if it was */
    {CORE_IN_DETECT, ALIVE, CORE_T_UNREACHABLE},
    {CORE_IN_CHILDLESS, ALIVE | S(UNREACHABLE),
     CORE_T_CONNECTING}, /* the IKE SA is left, and tries again */
    {CORE_IN_CLOSED, ANY & ~S(DISABLED) & ~S(DOWN), CORE_T_DOWN},
    {CORE_IN_DISABLE, ANY & ~S(DISABLED), CORE_T_DISABLED},
};

void core_tunnel_say_state(struct core *c, const struct core_tunnel *t)
{
    struct core_event_record r =
        core_record(c, CORE_NOTE_TUNNEL_STATE, core_tunnel_id(c, t), CORE_NO_PEER);

    r.reason = t->reason;
    core_say(c, &r);
}

bool core_tunnel_move(struct core *c, struct core_tunnel *t, enum core_input in,
                      enum kd_reason reason)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        if (rows[i].input != in || !(rows[i].from & 1u << t->state))
            continue;
        t->state = rows[i].to;
        t->reason = reason;
        t->since_us = c->now_us;
        core_tunnel_say_state(c, t);
        return true;
    }
    return false;
}

/* ---- what IKE says ---- */

static void set_text(char **slot, struct kd_bytes b)
{
    free(*slot);
    *slot = b.len ? strndup((const char *)b.p, b.len) : NULL;
}

static void refused(struct core *c, struct core_tunnel *t, const struct core_event_record *r)
{
    t->refusal = r->reason;
    set_text(&t->refusal_detail, r->text);
    set_text(&t->refusal_offered, r->offered);
    set_text(&t->refusal_configured, r->configured);
    if (t->state == CORE_T_CONNECTING || t->state == CORE_T_DOWN)
        t->reason = r->reason;
    core_say(c, r);
}

static void reachable(struct core *c, struct core_tunnel *t)
{
    bool was_out = t->state == CORE_T_UNREACHABLE;

    t->reachable = true;
    if (was_out && !core_child_any_up(t)) { /* heard again, but there is no pair to send on */
        core_tunnel_move(c, t, CORE_IN_CHILDLESS, t->refusal);
        return;
    }
    if (!core_tunnel_move(c, t, CORE_IN_REACHABLE, KD_REASON_NONE))
        return;
    if (t->proven)
        core_tunnel_move(c, t, CORE_IN_PROVEN, KD_REASON_NONE);
    else
        t->proof_at_us = KD_MIN(t->proof_at_us, c->now_us + CORE_PROOF_FIRST_US);
    if (was_out)
        core_say_text(c, CORE_NOTE_RESTORE, core_tunnel_id(c, t), CORE_NO_PEER, KD_REASON_NONE, "");
    if (was_out && core_child_any_up(t))
        core_carry_on(c, t);
}

static void established(struct core *c, struct core_tunnel *t, struct core_event_record *r)
{
    t->ike_up = true;
    t->reachable = true;
    r->note = CORE_NOTE_IKE_UP;
    core_say(c, r);
    t->renewed = true;
}

static void unreachable(struct core *c, struct core_tunnel *t)
{
    t->reachable = false;
    if (!core_tunnel_move(c, t, CORE_IN_DETECT, KD_REASON_UNREACHABLE))
        return;
    core_say_text(c, CORE_NOTE_DETECT, core_tunnel_id(c, t), CORE_NO_PEER, KD_REASON_UNREACHABLE,
                  "");
    core_carry_off(c, t, KD_REASON_UNREACHABLE, false);
}

static void closed(struct core *c, struct core_tunnel *t, struct core_event_record *r)
{
    enum kd_reason why = r->reason;

    t->ike_up = false;
    if (why == KD_REASON_DEAD_PEER)
        core_say_text(c, CORE_NOTE_ABANDON, core_tunnel_id(c, t), CORE_NO_PEER, why, "");
    r->note = CORE_NOTE_IKE_CLOSED;
    core_say(c, r);
    if (t->state == CORE_T_CONNECTING && t->refusal != KD_REASON_NONE)
        why = t->refusal;
    core_tunnel_move(c, t, CORE_IN_CLOSED, why);
}

static void note(struct core *c, struct core_tunnel *t, const struct ike_action *a,
                 const struct ike_out *out)
{
    struct core_event_record r =
        core_record(c, CORE_NOTE_IKE_REFUSED, core_tunnel_id(c, t), CORE_NO_PEER);

    r.reason = a->reason;
    r.remote = a->remote;
    r.spi_in = a->spi_in;
    r.spi_out = a->spi_out;
    r.text = kd_bytes(out->buf + a->detail.off, a->detail.len);
    r.offered = kd_bytes(out->buf + a->offered.off, a->offered.len);
    r.configured = kd_bytes(out->buf + a->configured.off, a->configured.len);
    switch (a->note) {
    case IKE_NOTE_CONNECTING:
        core_tunnel_move(c, t, CORE_IN_CONNECT, t->refusal);
        break;
    case IKE_NOTE_ESTABLISHED:
        established(c, t, &r);
        break;
    case IKE_NOTE_CHILD_UP:
        r.note = CORE_NOTE_CHILD_UP;
        core_say(c, &r);
        core_child_up(c, t, a->child);
        break;
    case IKE_NOTE_CHILD_DOWN:
        r.note = CORE_NOTE_CHILD_DOWN;
        core_say(c, &r);
        core_child_down(c, t, a->child, a->reason);
        break;
    case IKE_NOTE_FAILING:
        core_tunnel_move(c, t, CORE_IN_FAILING, KD_REASON_NONE);
        break;
    case IKE_NOTE_UNREACHABLE:
        unreachable(c, t);
        break;
    case IKE_NOTE_REACHABLE:
        reachable(c, t);
        break;
    case IKE_NOTE_CLOSED:
        if (a->reason == KD_REASON_TIMEOUT)
            core_refused_note(c, t, a, out);
        closed(c, t, &r);
        break;
    case IKE_NOTE_REFUSED:
        core_refused_note(c, t, a, out);
        refused(c, t, &r);
        break;
    case IKE_NOTE_WARNING:
        r.note = CORE_NOTE_IKE_WARNING;
        core_say(c, &r);
        break;
    case IKE_NOTE_MTU:
        core_pmtu_note(c, t, r.text);
        break;
    case IKE_NOTE_STRANGER:
        r.note = CORE_NOTE_STRANGER;
        core_say(c, &r);
        break;
    case IKE_NOTE_REKEYED:
        r.note = CORE_NOTE_IKE_REKEYED;
        core_say(c, &r);
        break;
    default: /* IKE's own housekeeping: replaced duplicates change nothing here */
        break;
    }
    core_rehearse_note(c, t, a);
}

/* ---- IKE's actions ---- */

static void child_act(struct core *c, enum core_act_kind kind, const struct ike_action *a)
{
    struct core_act *x = core_emit(c, kind);

    x->tunnel = a->conn;
    x->handle = a->child;
    x->replaces = a->replaces;
    x->local = a->local;
    x->remote = a->remote;
}

void core_tunnel_ike(struct core *c, const struct ike_action *a, const struct ike_out *out)
{
    struct core_tunnel *t = a->conn < c->cfg.n_tunnels ? &c->tunnels[a->conn] : NULL;

    if (!t) {
        if (a->kind == IKE_ACT_NOTE && a->note == IKE_NOTE_STRANGER) {
            struct core_event_record r =
                core_record(c, CORE_NOTE_STRANGER, CORE_NO_TUNNEL, CORE_NO_PEER);
            r.remote = a->remote;
            r.reason = a->reason;
            r.text = kd_bytes(out->buf + a->detail.off, a->detail.len);
            core_say(c, &r);
            core_stranger(c, &r.remote, r.text);
        }
        return;
    }
    switch (a->kind) {
    case IKE_ACT_CHILD_ADD:
        core_child_add(c, t, a, out);
        break;
    case IKE_ACT_CHILD_USE:
        child_act(c, CORE_ACT_SA_USE, a);
        break;
    case IKE_ACT_CHILD_MOVE:
        child_act(c, CORE_ACT_SA_MOVE, a);
        core_guards(c);
        break;
    case IKE_ACT_CHILD_DEL:
        child_act(c, CORE_ACT_SA_DEL, a);
        if (!core_child_of(t, a->child) || !core_child_of(t, a->child)->up)
            core_child_forget(t, a->child); /* never came up: no CHILD_DOWN follows */
        break;
    case IKE_ACT_NOTE:
        note(c, t, a, out);
        break;
    default:
        break;
    }
}
