/* Pretend TCP: one struct a connection, one timer. What the core is told is posted, never said from
 * within its own step. */
#include "sim/tcp_conn.h"

#include <stdlib.h>

#define AGAIN_US    KD_MS(200)
#define CONNECT_US  KD_S(10)
#define PATIENCE_US KD_S(900) /* unacknowledged: about Linux's fifteen retries */
#define LINGER_US   KD_MS(300)
#define WINDOW      (32 * 1024)

struct timer {
    uint32_t id, life;
};

static struct sim_conn *by_id(const struct sim_gw *g, uint32_t id)
{
    struct sim_conn *c = g->tcp.conns;

    while (c && c->id != id)
        c = c->next;
    return c;
}

/* ---- telling ---- */

void sim_conn_tell(struct sim_gw *g, const struct sim_conn *c, enum core_ev_kind kind, uint32_t n,
                   struct kd_bytes data)
{
    struct core_ev ev = {.kind = kind,
                         .handle = c->handle,
                         .token = c->token,
                         .local = c->local,
                         .remote = c->remote,
                         .tunnel = c->tunnel,
                         .n = n,
                         .data = data};

    sim_gw_post(g, &ev);
}

void sim_conn_tell_end(struct sim_gw *g, struct sim_conn *c, enum core_ev_kind kind,
                       enum kd_reason reason)
{
    struct core_ev ev = {.kind = kind, .handle = c->handle, .reason = reason};

    if (!c->told && !c->token)
        sim_gw_post(g, &ev);
    c->told = true;
}

void sim_conn_free(struct sim_gw *g, struct sim_conn *c)
{
    for (struct sim_conn **p = &g->tcp.conns; *p; p = &(*p)->next)
        if (*p == c) {
            *p = c->next;
            break;
        }
    free(c->snd);
    free(c);
}

/* ---- sending ---- */

uint32_t sim_conn_bound(const struct sim_gw *g, uint32_t tunnel)
{
    return tunnel == CORE_NO_TUNNEL ? 0 : g->tun[tunnel];
}

bool sim_seg_send(struct sim_gw *g, const struct kd_endpoint *local,
                  const struct kd_endpoint *remote, uint32_t oif, uint8_t ttl, struct sim_seg *s)
{
    uint8_t seg[SIM_PKT_MAX], raw[SIM_PKT_MAX];
    struct sim_pkt p = {
        .src = local->addr, .dst = remote->addr, .proto = SIM_PROTO_TCP, .ttl = ttl ? ttl : 64};

    s->sport = local->port;
    s->dport = remote->port;
    p.payload = kd_bytes(seg, sim_seg_build(s, seg, sizeof(seg)));
    return sim_stack_output(g, kd_bytes(raw, sim_pkt_build(&p, raw, sizeof(raw))), oif);
}

bool sim_conn_put(struct sim_gw *g, const struct sim_conn *c, uint8_t flags, uint32_t seq,
                  struct kd_bytes data)
{
    struct sim_seg s = {.seq = seq, .ack = c->rcv_nxt, .flags = flags, .data = data};

    return sim_seg_send(g, &c->local, &c->remote, sim_conn_bound(g, c->tunnel), c->ttl, &s);
}

static bool waiting(const struct sim_conn *c)
{
    return c->state != SIM_OPEN || c->snd_len > 0;
}

/* Everything unacknowledged, from the start. */
bool sim_conn_send(struct sim_gw *g, struct sim_conn *c)
{
    size_t at = 0;

    if (c->state == SIM_SYN_SENT)
        return sim_conn_put(g, c, SIM_SYN, 0, kd_bytes(NULL, 0));
    if (c->state == SIM_SYN_RCVD)
        return sim_conn_put(g, c, SIM_SYN | SIM_ACK, 0, kd_bytes(NULL, 0));
    while (at < KD_MIN(c->snd_len, (size_t)WINDOW)) {
        size_t n = KD_MIN(c->snd_len - at, (size_t)SIM_SEG_MAX);
        (void)sim_conn_put(g, c, SIM_ACK, c->snd_una + (uint32_t)at, kd_bytes(c->snd + at, n));
        at += n;
    }
    if (c->state == SIM_CLOSING && at == c->snd_len)
        (void)sim_conn_put(g, c, SIM_FIN | SIM_ACK, c->snd_una + (uint32_t)at, kd_bytes(NULL, 0));
    return true;
}

static void on_timer(void *obj, const void *data, size_t len);

void sim_conn_arm(struct sim_gw *g, struct sim_conn *c)
{
    struct timer t = {c->id, c->life};

    if (c->timing || !waiting(c))
        return;
    c->timing = true;
    sim_after(g->sim, AGAIN_US, on_timer, g, &t, sizeof(t));
}

void sim_conn_fail(struct sim_gw *g, struct sim_conn *c, enum kd_reason reason)
{
    sim_conn_tell_end(g, c, c->state == SIM_SYN_SENT ? CORE_EV_TCP_FAILED : CORE_EV_TCP_CLOSED,
                      reason);
    sim_conn_free(g, c);
}

static void on_timer(void *obj, const void *data, size_t len KD_UNUSED)
{
    struct sim_gw *g = obj;
    const struct timer *t = data;
    struct sim_conn *c = t->life == g->life ? by_id(g, t->id) : NULL;
    uint64_t now = g->sim->now_us;

    if (!c)
        return;
    c->timing = false;
    if (c->state == SIM_CLOSING && c->linger_us <= now) {
        (void)sim_conn_put(g, c, SIM_RST, c->snd_una, kd_bytes(NULL, 0));
        sim_conn_fail(g, c, KD_REASON_TIMEOUT);
    } else if (now - c->since_us >= (c->state < SIM_OPEN ? CONNECT_US : PATIENCE_US)) {
        sim_conn_fail(g, c, KD_REASON_TIMEOUT);
    } else if (waiting(c)) {
        if (!sim_conn_send(g, c) && c->state == SIM_SYN_SENT)
            sim_conn_fail(g, c, KD_REASON_TIMEOUT); /* no route any more */
        else
            sim_conn_arm(g, c);
    }
    sim_gw_run(g);
}

/* ---- what the core asks ---- */

struct sim_conn *sim_conn_new(struct sim_gw *g, enum sim_conn_state state)
{
    struct sim_conn *c = calloc(1, sizeof(*c));

    kd_assert(c);
    c->id = ++g->tcp.next_id;
    c->life = g->life;
    c->state = state;
    c->snd_una = 1;
    c->since_us = g->sim->now_us;
    c->next = g->tcp.conns;
    g->tcp.conns = c;
    return c;
}

static void do_connect(struct sim_gw *g, const struct core_act *a)
{
    struct sim_conn *c = sim_conn_new(g, SIM_SYN_SENT);
    struct sim_hop h =
        sim_kernel_lookup(&g->kernel, 0, &a->remote.addr, sim_conn_bound(g, a->tunnel));

    c->handle = a->handle;
    c->tunnel = a->tunnel;
    c->ttl = a->ttl;
    c->mss = a->mss;
    c->remote = a->remote;
    c->local = a->local;
    if (!c->local.addr.family)
        c->local.addr = h.src;
    c->local.port = (uint16_t)(40000 + g->tcp.next_port++ % 20000);
    if (!sim_conn_send(g, c))
        sim_conn_fail(g, c, KD_REASON_TIMEOUT); /* EHOSTUNREACH at once */
    else
        sim_conn_arm(g, c);
}

static struct sim_conn *by_token(const struct sim_gw *g, uint64_t token)
{
    struct sim_conn *c = g->tcp.conns;

    while (c && (!token || c->token != token))
        c = c->next;
    return c;
}

static struct sim_conn *by_handle(const struct sim_gw *g, struct kd_handle h)
{
    struct sim_conn *c = g->tcp.conns;

    while (c && (c->token || !kd_handle_eq(c->handle, h)))
        c = c->next;
    return c;
}

static void do_write(struct sim_gw *g, struct sim_conn *c, struct kd_bytes data)
{
    size_t old = c->snd_len;

    if (c->state == SIM_CLOSING || data.len == 0)
        return;
    if (old == 0)
        c->since_us = g->sim->now_us;
    c->snd_len += data.len;
    if (c->snd_len > c->snd_cap) {
        c->snd_cap = 2 * c->snd_len;
        c->snd = realloc(c->snd, c->snd_cap);
        kd_assert(c->snd);
    }
    memcpy(c->snd + old, data.p, data.len);
    if (c->state == SIM_OPEN && old == 0)
        (void)sim_conn_send(g, c); /* else the acknowledgement or the timer does */
    sim_conn_arm(g, c);
}

static void do_close(struct sim_gw *g, struct sim_conn *c, bool silent)
{
    if (c->state == SIM_CLOSING && !silent)
        return;
    if (c->state != SIM_OPEN || silent) {
        sim_conn_tell_end(g, c, CORE_EV_TCP_CLOSED, KD_REASON_TCP_CLOSED);
        sim_conn_free(g, c);
        return;
    }
    c->state = SIM_CLOSING;
    c->linger_us = g->sim->now_us + LINGER_US;
    (void)sim_conn_send(g, c);
    sim_conn_arm(g, c);
}

static void do_listen(struct sim_gw *g, const struct core_act *a)
{
    struct sim_listener *l = calloc(1, sizeof(*l));

    kd_assert(l);
    l->tunnel = a->tunnel;
    l->local = a->local;
    l->next = g->tcp.listeners;
    g->tcp.listeners = l;
}

static void do_unlisten(struct sim_gw *g, const struct core_act *a)
{
    for (struct sim_listener **p = &g->tcp.listeners; *p; p = &(*p)->next)
        if ((*p)->tunnel == a->tunnel) {
            struct sim_listener *l = *p;
            *p = l->next;
            free(l);
            return;
        }
}

static void refuse(struct sim_gw *g, struct sim_conn *c)
{
    (void)sim_conn_put(g, c, SIM_RST, c->snd_una, kd_bytes(NULL, 0));
    sim_conn_free(g, c);
}

void sim_tcp_act(struct sim_gw *g, const struct core_act *a, struct kd_bytes data)
{
    bool token = a->kind == CORE_ACT_TCP_ACCEPT || a->kind == CORE_ACT_TCP_REFUSE;
    struct sim_conn *c = token ? by_token(g, a->token) : by_handle(g, a->handle);

    if (a->kind == CORE_ACT_TCP_LISTEN)
        do_listen(g, a);
    else if (a->kind == CORE_ACT_TCP_UNLISTEN)
        do_unlisten(g, a);
    else if (a->kind == CORE_ACT_TCP_CONNECT)
        do_connect(g, a);
    else if (c && a->kind == CORE_ACT_TCP_REFUSE)
        refuse(g, c);
    else if (c && a->kind == CORE_ACT_TCP_WRITE)
        do_write(g, c, data);
    else if (c && a->kind == CORE_ACT_TCP_CLOSE)
        do_close(g, c, a->silent);
    else if (c && a->kind == CORE_ACT_TCP_ACCEPT) {
        c->handle = a->handle;
        c->token = 0;
        c->ttl = a->ttl;
    }
}

void sim_tcp_fini(struct sim_gw *g)
{
    while (g->tcp.conns) {
        (void)sim_conn_put(g, g->tcp.conns, SIM_RST, g->tcp.conns->snd_una, kd_bytes(NULL, 0));
        sim_conn_free(g, g->tcp.conns);
    }
    while (g->tcp.listeners) {
        struct sim_listener *l = g->tcp.listeners;
        g->tcp.listeners = l->next;
        free(l);
    }
}

uint32_t sim_tcp_open(const struct sim_gw *g)
{
    uint32_t n = 0;

    for (const struct sim_conn *c = g->tcp.conns; c; c = c->next)
        n++;
    return n;
}
