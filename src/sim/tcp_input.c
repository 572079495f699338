/* Pretend TCP, the receiving half: whose segment it is, and what it moves. */
#include "sim/tcp_conn.h"

static struct sim_conn *conn_of(const struct sim_gw *g, uint32_t ifindex, const struct sim_pkt *p,
                                const struct sim_seg *s)
{
    struct sim_conn *c = g->tcp.conns;

    for (; c; c = c->next)
        if (c->local.port == s->dport && c->remote.port == s->sport &&
            kd_addr_eq(&c->local.addr, &p->dst) && kd_addr_eq(&c->remote.addr, &p->src) &&
            (c->tunnel == CORE_NO_TUNNEL || sim_conn_bound(g, c->tunnel) == ifindex))
            break;
    return c;
}

/* A bound listener wins over one that takes any interface, as in Linux. */
static const struct sim_listener *listener_of(const struct sim_gw *g, uint32_t ifindex,
                                              const struct sim_pkt *p, const struct sim_seg *s)
{
    const struct sim_listener *any = NULL;

    for (const struct sim_listener *l = g->tcp.listeners; l; l = l->next) {
        if (l->local.port != s->dport ||
            (l->local.addr.family && !kd_addr_eq(&l->local.addr, &p->dst)))
            continue;
        if (l->tunnel == CORE_NO_TUNNEL)
            any = l;
        else if (sim_conn_bound(g, l->tunnel) == ifindex)
            return l;
    }
    return any;
}

static void stranger(struct sim_gw *g, uint32_t ifindex, const struct sim_pkt *p,
                     const struct sim_seg *s)
{
    const struct sim_listener *l = listener_of(g, ifindex, p, s);
    struct kd_endpoint local = {p->dst, s->dport}, remote = {p->src, s->sport};
    struct sim_seg rst = {.flags = SIM_RST, .seq = s->ack};
    struct sim_conn *c;

    if (s->flags & SIM_RST)
        return;
    if (!l || (s->flags & (SIM_SYN | SIM_ACK)) != SIM_SYN) {
        (void)sim_seg_send(g, &local, &remote, 0, 64, &rst);
        return;
    }
    c = sim_conn_new(g, SIM_SYN_RCVD);
    c->token = ++g->tcp.next_token;
    c->local = local;
    c->remote = remote;
    c->tunnel = l->tunnel;
    c->rcv_nxt = 1;
    (void)sim_conn_send(g, c);
    sim_conn_arm(g, c);
}

static void acked(struct sim_gw *g, struct sim_conn *c, uint32_t ack)
{
    uint32_t n = ack - c->snd_una;

    if (n == 0 || n > c->snd_len + 1)
        return;
    n = KD_MIN(n, (uint32_t)c->snd_len); /* the FIN's is no byte */
    if (n == 0)
        return;
    c->snd_una += n;
    c->snd_len -= n;
    memmove(c->snd, c->snd + n, c->snd_len);
    c->since_us = g->sim->now_us;
    if (c->state == SIM_OPEN)
        sim_conn_tell(g, c, CORE_EV_TCP_SENT, n, kd_bytes(NULL, 0));
    if (c->snd_len)
        (void)sim_conn_send(g, c);
}

/* True when the connection is over. */
static bool payload(struct sim_gw *g, struct sim_conn *c, const struct sim_seg *s)
{
    bool in_order = s->seq == c->rcv_nxt && !c->token;

    if (s->data.len == 0 && !(s->flags & SIM_FIN))
        return false;
    if (in_order && s->data.len) {
        c->rcv_nxt += (uint32_t)s->data.len;
        if (c->state == SIM_OPEN)
            sim_conn_tell(g, c, CORE_EV_TCP_BYTES, 0, s->data);
    }
    if (!in_order || !(s->flags & SIM_FIN)) {
        (void)sim_conn_put(g, c, SIM_ACK, c->snd_una, kd_bytes(NULL, 0));
        return false;
    }
    c->rcv_nxt++;
    (void)sim_conn_put(g, c, SIM_FIN | SIM_ACK, c->snd_una + (uint32_t)c->snd_len,
                       kd_bytes(NULL, 0));
    sim_conn_tell_end(g, c, CORE_EV_TCP_CLOSED, KD_REASON_TCP_CLOSED);
    return true;
}

static void opening(struct sim_gw *g, struct sim_conn *c, const struct sim_seg *s)
{
    if (c->state == SIM_SYN_SENT && (s->flags & SIM_SYN)) {
        c->state = SIM_OPEN;
        c->rcv_nxt = 1;
        sim_conn_tell(g, c, CORE_EV_TCP_OPENED, 0, kd_bytes(NULL, 0));
        (void)sim_conn_put(g, c, SIM_ACK, 1, kd_bytes(NULL, 0));
    } else if (c->state == SIM_SYN_RCVD && (s->flags & SIM_ACK) && s->ack >= 1) {
        c->state = SIM_OPEN;
        sim_conn_tell(g, c, CORE_EV_TCP_INCOMING, 0, kd_bytes(NULL, 0));
    } else if (c->state == SIM_SYN_RCVD) {
        (void)sim_conn_send(g, c);
    }
}

void sim_tcp_input(struct sim_gw *g, uint32_t ifindex, const struct sim_pkt *p)
{
    struct sim_seg s;
    struct sim_conn *c;

    if (!sim_seg_parse(p, &s))
        return;
    c = conn_of(g, ifindex, p, &s);
    if (!c) {
        stranger(g, ifindex, p, &s);
        return;
    }
    if (s.flags & SIM_RST) {
        sim_conn_fail(g, c,
                      c->state == SIM_SYN_SENT ? KD_REASON_TCP_REFUSED : KD_REASON_TCP_CLOSED);
        return;
    }
    if (c->state < SIM_OPEN) {
        opening(g, c, &s);
        return;
    }
    if (s.flags & SIM_SYN) {
        (void)sim_conn_put(g, c, SIM_ACK, c->snd_una, kd_bytes(NULL, 0)); /* our ACK was lost */
        return;
    }
    acked(g, c, s.ack);
    if (payload(g, c, &s))
        sim_conn_free(g, c);
}
