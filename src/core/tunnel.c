/* A tunnel's life: its states and what each change does to BGP and the FIB. The states are those of
 * PRODUCT 4; the rows below say what moves a tunnel from one to another.
 *
 * The coupling (DESIGN 3.4 to 3.6): while it carries, the neighbor's host route leads through it and
 * BGP runs; the moment it stops carrying, in the same step and in this order, the groups move to
 * their backup (or leave), the host route goes, and BGP is stopped hard. */
#include "core/internal.h"

#include "esp/esp.h"

#include <utlist.h>

#include <stdio.h>
#include <stdlib.h>

#define PROOF_FIRST_US  KD_MS(200) /* own traffic usually proves the pair before */
#define PROOF_AGAIN_US  KD_S(1)
#define CEASE_TIME_US   KD_MS(500) /* most a Cease may hold up an announced `down` */
#define DEVICE_RETRY_US KD_S(5)

enum input { IN_CONNECT, IN_CHILD, IN_RENEWED, IN_PROVEN, IN_FAILING, IN_REACHABLE, IN_DETECT,
             IN_CHILDLESS, IN_CLOSED, IN_DISABLE };

#define S(x)   (1u << CORE_T_##x)
#define ANY    ((1u << CORE_T_N) - 1)
#define ALIVE  (S(UNPROVEN) | S(UP) | S(FAILING))

static const struct row {
    enum input input;
    uint32_t from; /* set of states */
    enum core_tunnel_state to;
} rows[] = {
    {IN_CONNECT, S(DISABLED) | S(DOWN), CORE_T_CONNECTING},
    {IN_CHILD, S(DOWN) | S(CONNECTING) | S(UNREACHABLE), CORE_T_UNPROVEN},
    {IN_RENEWED, ALIVE, CORE_T_UNPROVEN}, /* the first pair of the peer's new IKE SA */
    {IN_PROVEN, S(UNPROVEN), CORE_T_UP},
    {IN_FAILING, S(UNPROVEN) | S(UP), CORE_T_FAILING},
    {IN_REACHABLE, S(FAILING) | S(UNREACHABLE), CORE_T_UNPROVEN}, /* and at once PROVEN, if it was */
    {IN_DETECT, ALIVE, CORE_T_UNREACHABLE},
    {IN_CHILDLESS, ALIVE | S(UNREACHABLE), CORE_T_CONNECTING}, /* the IKE SA is left, and tries again */
    {IN_CLOSED, ANY & ~S(DISABLED) & ~S(DOWN), CORE_T_DOWN},
    {IN_DISABLE, ANY & ~S(DISABLED), CORE_T_DISABLED},
};

static uint32_t id_of(const struct core *c, const struct core_tunnel *t)
{
    return (uint32_t)(t - c->tunnels);
}

static void say_state(struct core *c, const struct core_tunnel *t)
{
    struct core_event_record r = core_record(c, CORE_NOTE_TUNNEL_STATE, id_of(c, t), CORE_NO_PEER);

    r.reason = t->reason;
    core_say(c, &r);
}

static bool move(struct core *c, struct core_tunnel *t, enum input in, enum kd_reason reason)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        if (rows[i].input != in || !(rows[i].from & 1u << t->state))
            continue;
        t->state = rows[i].to;
        t->reason = reason;
        t->since_us = c->now_us;
        say_state(c, t);
        return true;
    }
    return false;
}

/* ---- carrying ---- */

static void host_route(struct core *c, struct core_tunnel *t)
{
    struct kd_prefix host = kd_prefix_host(&t->cfg.neighbor.remote);

    if (!t->cfg.has_neighbor)
        return;
    if (t->carrying)
        core_fib_want_device(c, t->cfg.table, &host, CORE_METRIC_HOST, t->ifindex, id_of(c, t));
    else
        core_fib_want_none(c, t->cfg.table, &host, CORE_METRIC_HOST);
}

static void carry_on(struct core *c, struct core_tunnel *t)
{
    if (t->carrying)
        return;
    t->carrying = true;
    t->clear = CORE_CLEAR_NO;
    host_route(c, t);
    core_groups_reconsider(c);
    core_peers_reconsider(c);
}

void core_tunnel_neighbor_ready(struct core *c, uint32_t tunnel)
{
    if (tunnel < c->cfg.n_tunnels && c->tunnels[tunnel].carrying)
        core_peer_on(c, tunnel);
}

static bool group_over(const struct core *c, const struct core_group *g, uint32_t ifindex)
{
    const struct core_nh *nh;

    for (uint32_t i = 0; i < g->n_active; i++)
        for (nh = c->nhs; nh; nh = nh->hh.next)
            if (nh->id == g->active[i] && nh->key.oif == ifindex)
                return true;
    return false;
}

static uint32_t routes_over(const struct core *c, const struct core_tunnel *t)
{
    uint32_t n = 0;

    for (const struct core_group *g = c->groups; g; g = g->hh.next) {
        const struct core_fib_entry *e;
        if (!group_over(c, g, t->ifindex))
            continue;
        DL_FOREACH(g->entries, e)
            n += e->have == CORE_FIB_GROUP && e->have_id == g->id;
    }
    return n;
}

static void carry_off(struct core *c, struct core_tunnel *t, enum kd_reason reason, bool heard)
{
    if (!t->carrying)
        return;
    t->detect_us = c->now_us;
    t->clear_routes = routes_over(c, t);
    t->carrying = false;
    core_groups_reconsider(c);
    host_route(c, t);
    core_peer_off(c, id_of(c, t), reason, heard);
    core_peers_reconsider(c);
    t->clear = CORE_CLEAR_SENDING;
}

static void say_clear(struct core *c, struct core_tunnel *t)
{
    struct core_event_record r = core_record(c, CORE_NOTE_FIB_CLEAR, id_of(c, t), CORE_NO_PEER);

    t->clear = CORE_CLEAR_NO;
    r.count = t->clear_routes;
    r.latency_us = c->now_us - t->detect_us;
    core_say(c, &r);
}

void core_tunnels_acked(struct core *c, uint32_t seq)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (c->tunnels[i].clear == CORE_CLEAR_WAITING && c->tunnels[i].clear_seq == seq)
            say_clear(c, &c->tunnels[i]);
}

/* ---- children ---- */

static struct core_child *child_of(struct core_tunnel *t, struct kd_handle h)
{
    for (uint32_t i = 0; i < t->n_child; i++)
        if (kd_handle_eq(t->child[i].h, h))
            return &t->child[i];
    return NULL;
}

static void child_forget(struct core_tunnel *t, struct kd_handle h)
{
    struct core_child *k = child_of(t, h);

    if (k)
        *k = t->child[--t->n_child];
}

static bool any_child_up(const struct core_tunnel *t)
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

/* A tunnel whose last pair went without its IKE SA: told when it is clear that no CLOSED follows. */
static void settle_childless(struct core *c, struct core_tunnel *t)
{
    if (t->childless == KD_REASON_NONE)
        return;
    if (!any_child_up(t))
        move(c, t, IN_CHILDLESS, t->childless);
    t->childless = KD_REASON_NONE;
}

void core_tunnels_sent(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        struct core_tunnel *t = &c->tunnels[i];
        settle_childless(c, t);
        if (t->clear != CORE_CLEAR_SENDING)
            continue;
        t->clear = CORE_CLEAR_WAITING;
        t->clear_seq = c->next_seq;
        if (core_ops_idle(c))
            say_clear(c, t);
    }
}

static void prove(struct core *c, struct core_tunnel *t)
{
    t->proven = true;
    t->proof_at_us = KD_NEVER;
    move(c, t, IN_PROVEN, KD_REASON_NONE);
}

void core_tunnel_seen(struct core *c, struct kd_handle child)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        struct core_child *k = child_of(&c->tunnels[i], child);
        if (!k)
            continue;
        k->seen = true;
        if (k->up)
            prove(c, &c->tunnels[i]);
    }
}

static void child_up(struct core *c, struct core_tunnel *t, struct kd_handle h)
{
    struct core_child *k = child_of(t, h);

    if (!k)
        return;
    k->up = true;
    t->refusal = KD_REASON_NONE;
    if (t->renewed) { /* what was proven, if anything, was another pair */
        t->renewed = false;
        t->proven = false;
        t->reachable = true;
        t->proof_at_us = c->now_us + PROOF_FIRST_US;
        if (!move(c, t, IN_CHILD, KD_REASON_NONE))
            move(c, t, IN_RENEWED, KD_REASON_NONE);
    }
    if (k->seen)
        prove(c, t);
    if (t->reachable) /* a rekey by a peer that does not answer us changes nothing */
        carry_on(c, t);
}

/* Ends that somebody told us of: nothing had to be detected. */
static bool announced(enum kd_reason reason)
{
    return reason == KD_REASON_ADMIN || reason == KD_REASON_PEER_DELETED ||
           reason == KD_REASON_PEER_REPLACED;
}

static void child_down(struct core *c, struct core_tunnel *t, struct kd_handle h,
                       enum kd_reason reason)
{
    child_forget(t, h);
    if (any_child_up(t)) {
        if (!t->proven && any_child_seen(t))
            prove(c, t); /* what is left has proven itself before: a collision's loser went */
        return;
    }
    t->childless = reason;
    t->proven = false;
    t->proof_at_us = KD_NEVER;
    if (t->carrying && !announced(reason))
        core_say_text(c, CORE_NOTE_DETECT, id_of(c, t), CORE_NO_PEER, reason, "");
    carry_off(c, t, reason, false);
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
    if (!move(c, t, IN_REACHABLE, KD_REASON_NONE))
        return;
    if (t->proven)
        move(c, t, IN_PROVEN, KD_REASON_NONE);
    if (was_out)
        core_say_text(c, CORE_NOTE_RESTORE, id_of(c, t), CORE_NO_PEER, KD_REASON_NONE, "");
    if (was_out && any_child_up(t))
        carry_on(c, t);
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
    if (!move(c, t, IN_DETECT, KD_REASON_UNREACHABLE))
        return;
    core_say_text(c, CORE_NOTE_DETECT, id_of(c, t), CORE_NO_PEER, KD_REASON_UNREACHABLE, "");
    carry_off(c, t, KD_REASON_UNREACHABLE, false);
}

static void closed(struct core *c, struct core_tunnel *t, struct core_event_record *r)
{
    enum kd_reason why = r->reason;

    t->ike_up = false;
    if (why == KD_REASON_DEAD_PEER)
        core_say_text(c, CORE_NOTE_ABANDON, id_of(c, t), CORE_NO_PEER, why, "");
    r->note = CORE_NOTE_IKE_CLOSED;
    core_say(c, r);
    if (t->state == CORE_T_CONNECTING && t->refusal != KD_REASON_NONE)
        why = t->refusal;
    move(c, t, IN_CLOSED, why);
}

static void note(struct core *c, struct core_tunnel *t, const struct ike_action *a,
                 const struct ike_out *out)
{
    struct core_event_record r = core_record(c, CORE_NOTE_IKE_REFUSED, id_of(c, t), CORE_NO_PEER);

    r.reason = a->reason;
    r.remote = a->remote;
    r.spi_in = a->spi_in;
    r.spi_out = a->spi_out;
    r.text = kd_bytes(out->buf + a->detail.off, a->detail.len);
    r.offered = kd_bytes(out->buf + a->offered.off, a->offered.len);
    r.configured = kd_bytes(out->buf + a->configured.off, a->configured.len);
    switch (a->note) {
    case IKE_NOTE_CONNECTING:
        move(c, t, IN_CONNECT, t->refusal);
        break;
    case IKE_NOTE_ESTABLISHED:
        established(c, t, &r);
        break;
    case IKE_NOTE_CHILD_UP:
        r.note = CORE_NOTE_CHILD_UP;
        core_say(c, &r);
        child_up(c, t, a->child);
        break;
    case IKE_NOTE_CHILD_DOWN:
        r.note = CORE_NOTE_CHILD_DOWN;
        core_say(c, &r);
        child_down(c, t, a->child, a->reason);
        break;
    case IKE_NOTE_FAILING:
        move(c, t, IN_FAILING, KD_REASON_NONE);
        break;
    case IKE_NOTE_UNREACHABLE:
        unreachable(c, t);
        break;
    case IKE_NOTE_REACHABLE:
        reachable(c, t);
        break;
    case IKE_NOTE_CLOSED:
        closed(c, t, &r);
        break;
    case IKE_NOTE_REFUSED:
        refused(c, t, &r);
        break;
    case IKE_NOTE_STRANGER:
        r.note = CORE_NOTE_STRANGER;
        core_say(c, &r);
        break;
    default: /* IKE's own housekeeping: rekeys and replaced duplicates change nothing here */
        break;
    }
}

/* ---- SAs on their way to the data plane ---- */

static uint32_t tunnel_mtu(const struct core *c, const struct core_tunnel *t,
                           const struct ike_action *a)
{
    const struct kc_alg *encr = kc_alg_find(KC_ENCR, a->encr, a->encr_bits);
    const struct kc_alg *integ = a->integ ? kc_alg_find(KC_INTEG, a->integ, 0) : NULL;

    if (t->cfg.mtu)
        return t->cfg.mtu;
    return encr ? esp_inner_mtu(encr, integ, a->local.addr.family, a->encap,
                                core_link_mtu_of(c, &a->local.addr))
                : 1280;
}

static void set_mtu(struct core *c, struct core_tunnel *t, uint32_t mtu)
{
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_LINK, .id = id_of(c, t)};
    char alias[64];
    struct nl_link_set l = {.ifindex = t->ifindex, .up = true, .mtu = mtu, .alias = alias};

    snprintf(alias, sizeof(alias), "kedge:%s", t->cfg.ike.name);
    t->mtu = mtu; /* wanted; a refusal is tried again */
    kd_assert(nl_put_link_set(&b, core_op_begin(c, &op), &l));
    core_op_send(c, &b);
}

static void child_add(struct core *c, struct core_tunnel *t, const struct ike_action *a,
                      const struct ike_out *out)
{
    uint32_t mtu = tunnel_mtu(c, t, a);
    struct core_act *x;

    if (t->n_child == CORE_CHILDREN_MAX) {
        struct ike_event no = {.kind = IKE_EV_CHILD_RESULT, .child = a->child, .ok = false};
        core_queue_ike(c, &no);
        return;
    }
    t->child[t->n_child++] = (struct core_child){.h = a->child};
    if (mtu != t->mtu)
        set_mtu(c, t, mtu);
    x = core_emit(c, CORE_ACT_SA_ADD);
    x->tunnel = id_of(c, t);
    x->handle = a->child;
    x->local = a->local;
    x->remote = a->remote;
    x->sa = (struct core_sa){
        .spi_in = a->spi_in, .spi_out = a->spi_out, .encr = a->encr, .encr_bits = a->encr_bits,
        .integ = a->integ, .esn = a->esn, .encap = a->encap,
        .key_enc_in = a->key_enc_in, .key_int_in = a->key_int_in,
        .key_enc_out = a->key_enc_out, .key_int_out = a->key_int_out,
        .replay_window = t->cfg.replay_window,
        .mss = t->cfg.mss != CORE_MSS_AUTO ? t->cfg.mss : (uint16_t)(mtu - 40),
    };
    x->data = core_put(c, kd_bytes(out->buf + a->ts_local.off, a->ts_local.len));
    x->data2 = core_put(c, kd_bytes(out->buf + a->ts_remote.off, a->ts_remote.len));
}

static void child_act(struct core *c, enum core_act_kind kind, const struct ike_action *a)
{
    struct core_act *x = core_emit(c, kind);

    x->tunnel = a->conn;
    x->handle = a->child;
    x->local = a->local;
    x->remote = a->remote;
}

void core_tunnel_ike(struct core *c, const struct ike_action *a, const struct ike_out *out)
{
    struct core_tunnel *t = a->conn < c->cfg.n_tunnels ? &c->tunnels[a->conn] : NULL;

    if (!t) {
        if (a->kind == IKE_ACT_NOTE && a->note == IKE_NOTE_STRANGER) {
            struct core_event_record r = core_record(c, CORE_NOTE_STRANGER, CORE_NO_TUNNEL,
                                                     CORE_NO_PEER);
            r.remote = a->remote;
            r.reason = a->reason;
            r.text = kd_bytes(out->buf + a->detail.off, a->detail.len);
            core_say(c, &r);
        }
        return;
    }
    switch (a->kind) {
    case IKE_ACT_CHILD_ADD:
        child_add(c, t, a, out);
        break;
    case IKE_ACT_CHILD_USE:
        child_act(c, CORE_ACT_SA_USE, a);
        break;
    case IKE_ACT_CHILD_MOVE:
        child_act(c, CORE_ACT_SA_MOVE, a);
        break;
    case IKE_ACT_CHILD_DEL:
        child_act(c, CORE_ACT_SA_DEL, a);
        if (!child_of(t, a->child) || !child_of(t, a->child)->up)
            child_forget(t, a->child); /* never came up: no CHILD_DOWN follows */
        break;
    case IKE_ACT_NOTE:
        note(c, t, a, out);
        break;
    default:
        break;
    }
}

/* ---- the interface ---- */

static void ask_device(struct core *c, struct core_tunnel *t)
{
    struct core_act *a = core_emit(c, CORE_ACT_DEVICE_ADD);

    t->device_asked = true;
    a->tunnel = id_of(c, t);
    memcpy(a->name, t->cfg.ifname, sizeof(a->name));
}

static void add_address(struct core *c, struct core_tunnel *t)
{
    uint8_t room[256];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_ADDR, .id = id_of(c, t)};
    struct nl_addr_set a = {.ifindex = t->ifindex, .prefix = kd_prefix_host(&t->cfg.inner),
                            .local = t->cfg.inner, .protocol = NL_PROTO_KEDGE};

    kd_assert(nl_put_addr(&b, core_op_begin(c, &op), &a, true));
    core_op_send(c, &b);
}

/* The interface is made: what does not depend on the tunnel being up can be done. */
static void device_ready(struct core *c, struct core_tunnel *t)
{
    struct kd_prefix host = kd_prefix_host(&t->cfg.neighbor.remote);

    t->device_ready = true;
    if (t->cfg.has_neighbor) {
        struct core_act *a = core_emit(c, CORE_ACT_TCP_LISTEN);
        a->tunnel = id_of(c, t);
        a->local = (struct kd_endpoint){t->cfg.inner, 179};
        core_fib_want_unreachable(c, t->cfg.table, &host, CORE_METRIC_LAST, id_of(c, t));
    }
    if (t->admin_up)
        core_queue_ike_command(c, id_of(c, t), IKE_CMD_UP);
}

/* Idempotent: asked again after a refusal, and after an overrun. */
static void prepare_device(struct core *c, struct core_tunnel *t)
{
    set_mtu(c, t, t->mtu);
    if (t->device_ready)
        return;
    if (t->cfg.inner.family)
        add_address(c, t);
    else
        device_ready(c, t);
}

void core_tunnel_device(struct core *c, const struct core_ev *ev)
{
    struct core_tunnel *t;
    char line[160];

    if (ev->tunnel >= c->cfg.n_tunnels)
        return;
    t = &c->tunnels[ev->tunnel];
    if (!ev->ok) {
        snprintf(line, sizeof(line), "interface %s: %.*s", t->cfg.ifname, (int)ev->data.len,
                 (const char *)ev->data.p);
        core_say_text(c, CORE_NOTE_KERNEL_ERROR, ev->tunnel, CORE_NO_PEER, KD_REASON_NO_DEVICE,
                      line);
        t->device_asked = false;
        t->reason = KD_REASON_NO_DEVICE;
        t->device_at_us = c->now_us + DEVICE_RETRY_US;
        return;
    }
    t->ifindex = ev->ifindex;
    t->mtu = t->cfg.mtu ? t->cfg.mtu : 1400;
    prepare_device(c, t);
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
        t->device_at_us = c->now_us + DEVICE_RETRY_US;
    }
    /* The link's answer came before: a device that could not be set up is not ready with an address. */
    if (kind == CORE_OP_ADDR && t->device_at_us == KD_NEVER && !t->device_ready)
        device_ready(c, t);
}

/* Answers were lost, or requests never left: what was asked of the devices is asked again, and a FIB
 * that was being emptied is empty when the new requests are answered. */
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

/* ---- start, commands, time ---- */

void core_tunnels_start(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (!c->tunnels[i].device_asked && c->dataplane != CORE_DP_NONE)
            ask_device(c, &c->tunnels[i]);
}

void core_tunnel_stop_ike(struct core *c, uint32_t tunnel)
{
    struct core_tunnel *t = &c->tunnels[tunnel];

    t->down_at_us = KD_NEVER;
    /* Without a device there is nothing to come up on: it brings IKE up when it is made. */
    core_queue_ike_command(c, tunnel,
                           t->down_command == CORE_CMD_RESET && t->device_ready ? IKE_CMD_RESET
                                                                                : IKE_CMD_DOWN);
    if (t->down_command == CORE_CMD_DOWN)
        move(c, t, IN_DISABLE, KD_REASON_ADMIN);
}

/* An announced end: the Cease leaves through the tunnel first, then the DELETE. */
static void announce_down(struct core *c, struct core_tunnel *t, enum core_command cmd)
{
    bool heard = t->carrying && t->reachable;

    t->down_command = cmd;
    core_peer_off(c, id_of(c, t), KD_REASON_ADMIN, heard);
    t->down_at_us = c->now_us + (heard ? CEASE_TIME_US : 0);
}

static void mute(struct core *c, struct core_tunnel *t, bool on)
{
    struct core_act *a;

    if (t->mute == on)
        return;
    t->mute = on;
    a = core_emit(c, CORE_ACT_MUTE);
    a->tunnel = id_of(c, t);
    a->silent = on;
}

/* From here on nothing leaves that could tell the peer: no ESP, no IKE, no FIN. */
static void play_dead(struct core *c, struct core_tunnel *t)
{
    t->admin_up = false;
    t->reachable = false;
    mute(c, t, true);
    core_queue_ike_command(c, id_of(c, t), IKE_CMD_DOWN_SILENT);
    carry_off(c, t, KD_REASON_ADMIN, false);
    move(c, t, IN_DISABLE, KD_REASON_ADMIN);
}

/* Overtakes a `down` that still waits for its Cease. After DOWN_SILENT the SAs are still there: the
 * answer to IKE's probe restores the tunnel as after any silence. */
static void admin_up(struct core *c, struct core_tunnel *t)
{
    t->admin_up = true;
    mute(c, t, false);
    if (t->down_at_us != KD_NEVER && t->carrying)
        core_peer_on(c, id_of(c, t));
    t->down_at_us = KD_NEVER;
    if (t->state == CORE_T_DISABLED) {
        t->state = any_child_up(t) ? CORE_T_UNREACHABLE : CORE_T_DOWN;
        t->reason = KD_REASON_NONE;
        t->since_us = c->now_us;
        say_state(c, t);
    }
    if (t->device_ready)
        core_queue_ike_command(c, id_of(c, t), IKE_CMD_UP);
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
        announce_down(c, t, cmd);
        break;
    case CORE_CMD_REKEY:
        core_queue_ike_command(c, tunnel, IKE_CMD_REKEY_CHILD);
        core_queue_ike_command(c, tunnel, IKE_CMD_REKEY_IKE);
        break;
    default:
        break;
    }
}

static void send_proof(struct core *c, struct core_tunnel *t)
{
    uint8_t pkt[128];
    size_t n = t->cfg.has_neighbor
                   ? core_proof_packet(&t->cfg.inner, &t->cfg.neighbor.remote,
                                       (uint16_t)(0x4b00 | (id_of(c, t) & 0xff)), t->proof_seq++,
                                       pkt, sizeof(pkt))
                   : 0;

    t->proof_at_us = c->now_us + PROOF_AGAIN_US;
    if (n) {
        struct core_act *a = core_emit(c, CORE_ACT_INJECT);
        a->tunnel = id_of(c, t);
        a->data = core_put(c, kd_bytes(pkt, n));
    }
}

void core_tunnels_wake(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels && core_room(c); i++) {
        struct core_tunnel *t = &c->tunnels[i];
        if (t->proof_at_us <= c->now_us) {
            t->proof_at_us = KD_NEVER;
            if (any_child_up(t) && !t->proven)
                send_proof(c, t);
        }
        if (t->device_at_us <= c->now_us) {
            t->device_at_us = KD_NEVER;
            if (!t->device_asked)
                ask_device(c, t);
            else if (t->ifindex)
                prepare_device(c, t);
        }
        if (t->down_at_us != KD_NEVER &&
            (t->down_at_us <= c->now_us || !core_peer_conn_open(c, i)))
            core_tunnel_stop_ike(c, i);
    }
}

uint64_t core_tunnels_deadline(const struct core *c)
{
    uint64_t at = KD_NEVER;

    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        const struct core_tunnel *t = &c->tunnels[i];
        at = KD_MIN(at, KD_MIN(t->device_at_us, KD_MIN(t->proof_at_us, t->down_at_us)));
    }
    return at;
}

void core_tunnel_free(struct core *c, struct core_tunnel *t)
{
    (void)c;
    free(t->refusal_detail);
    free(t->refusal_offered);
    free(t->refusal_configured);
}
