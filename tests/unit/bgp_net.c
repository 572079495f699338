/* For the BGP tests: engines on a pretend TCP. Everything is driven by one seeded stream, printed
 * at the start: the same seed gives the same run. */
#include "bgp_pair.h"

#include <stdio.h>
#include <stdlib.h>

#define NODES 8
#define LINKS 16
#define TCPS  256

struct end {
    struct bgp_node *node;
    struct kd_handle conn;
    bool attached; /* the engine knows the connection */
    bool closed;   /* closed by this side */
    uint8_t *out;  /* written, not yet delivered to the other side */
    size_t out_len, out_cap;
    uint64_t deliver_at; /* KD_NEVER: nothing on the way */
};

struct tcp {
    bool used;
    struct end e[2]; /* [0] opened it */
    uint32_t link;
    uint64_t connect_at; /* SYN arrives */
    uint64_t token;
};

struct bgp_net {
    struct kc_rng rng;
    uint64_t now_us, tokens;
    unsigned n_nodes, n_links;
    struct bgp_node *node[NODES];
    struct {
        struct bgp_node *node[2];
        struct kd_addr addr[2];
        uint32_t iface[2];
        bool cut;
    } link[LINKS];
    struct tcp tcp[TCPS];
};

struct bgp_net *bgp_net_new(uint64_t seed)
{
    struct bgp_net *net = calloc(1, sizeof(*net));
    uint8_t bytes[32] = {0};

    printf("# seed %llu\n", (unsigned long long)seed);
    memcpy(bytes, &seed, sizeof(seed));
    kc_rng_init(&net->rng, bytes);
    net->now_us = KD_S(1);
    return net;
}

void bgp_net_free(struct bgp_net *net)
{
    for (unsigned i = 0; i < TCPS; i++) {
        free(net->tcp[i].e[0].out);
        free(net->tcp[i].e[1].out);
    }
    for (unsigned i = 0; i < net->n_nodes; i++) {
        bgp_node_fini(net->node[i]);
        free(net->node[i]);
    }
    free(net);
}

uint64_t bgp_net_now(const struct bgp_net *net)
{
    return net->now_us;
}

static uint64_t latency(struct bgp_net *net)
{
    return net->now_us + 100 + kc_rng_below(&net->rng, 5000);
}

static struct tcp *tcp_by_conn(struct bgp_net *net, const struct bgp_node *n, struct kd_handle h,
                               unsigned *side)
{
    for (unsigned i = 0; i < TCPS; i++)
        for (*side = 0; *side < 2; (*side)++) {
            const struct end *e = &net->tcp[i].e[*side];
            if (net->tcp[i].used && e->node == n && e->attached && kd_handle_eq(e->conn, h))
                return &net->tcp[i];
        }
    return NULL;
}

static struct tcp *tcp_new(struct bgp_net *net)
{
    for (unsigned i = 0; i < TCPS; i++)
        if (!net->tcp[i].used) {
            struct tcp *t = &net->tcp[i];
            free(t->e[0].out);
            free(t->e[1].out);
            memset(t, 0, sizeof(*t));
            t->used = true;
            t->e[0].deliver_at = t->e[1].deliver_at = t->connect_at = KD_NEVER;
            return t;
        }
    abort();
}

static void tcp_connect(struct bgp_net *net, struct bgp_node *n, const struct bgp_action *a)
{
    struct tcp *t = tcp_new(net);

    t->e[0].node = n;
    t->e[0].conn = a->conn;
    t->e[0].attached = true;
    t->link = LINKS;
    for (uint32_t i = 0; i < net->n_links; i++)
        for (unsigned s = 0; s < 2; s++)
            if (net->link[i].node[s] == n && net->link[i].iface[s] == a->iface &&
                kd_addr_eq(&net->link[i].addr[!s], &a->remote)) {
                t->link = i;
                t->e[1].node = net->link[i].node[!s];
            }
    t->connect_at = latency(net);
}

static unsigned link_side(const struct bgp_net *net, const struct tcp *t, unsigned e)
{
    return net->link[t->link].node[0] == t->e[e].node ? 0 : 1;
}

static void tcp_write(struct bgp_net *net, struct bgp_node *n, const struct bgp_action *a)
{
    unsigned s;
    struct tcp *t = tcp_by_conn(net, n, a->conn, &s);
    struct end *e;

    kd_assert(t && !t->e[s].closed);
    e = &t->e[s];
    if (e->out_len + a->data.len > e->out_cap) {
        e->out_cap = (e->out_len + a->data.len) * 2;
        e->out = realloc(e->out, e->out_cap);
    }
    memcpy(e->out + e->out_len, n->out->buf + a->data.off, a->data.len);
    e->out_len += a->data.len;
    if (e->deliver_at == KD_NEVER)
        e->deliver_at = latency(net);
}

static void tcp_close(struct bgp_net *net, struct bgp_node *n, struct kd_handle h)
{
    unsigned s;
    struct tcp *t = tcp_by_conn(net, n, h, &s);

    if (!t)
        return;
    t->e[s].closed = true;
    t->e[s].attached = false;
    if (t->connect_at != KD_NEVER)
        t->used = false; /* the SYN is still on its way: nobody will miss it */
    else if (t->e[s].deliver_at == KD_NEVER)
        t->e[s].deliver_at = latency(net);
}

static void net_act(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_net *net = n->arg;

    if (a->kind == BGP_ACT_CONNECT)
        tcp_connect(net, n, a);
    else if (a->kind == BGP_ACT_WRITE)
        tcp_write(net, n, a);
    else if (a->kind == BGP_ACT_CLOSE)
        tcp_close(net, n, a->conn);
    for (unsigned i = 0; i < TCPS; i++) {
        struct tcp *t = &net->tcp[i];
        if (!t->used || t->token != a->token || !a->token || t->e[1].node != n)
            continue;
        if (a->kind == BGP_ACT_ACCEPT) {
            t->e[1].conn = a->conn;
            t->e[1].attached = true;
        } else if (a->kind == BGP_ACT_REFUSE) {
            t->e[1].closed = true;
            t->e[1].deliver_at = latency(net);
        }
    }
}

struct bgp_node *bgp_net_add(struct bgp_net *net, uint32_t asn, uint32_t router_id, bool ecmp)
{
    struct bgp_node *n = calloc(1, sizeof(*n));

    bgp_node_init(n, asn, router_id, ecmp, kc_rng_u32(&net->rng));
    n->act = net_act;
    n->arg = net;
    net->node[net->n_nodes++] = n;
    return n;
}

void bgp_net_link(struct bgp_net *net, struct bgp_node *a, const char *addr_a, uint32_t iface_a,
                  struct bgp_node *b, const char *addr_b, uint32_t iface_b)
{
    unsigned i = net->n_links++;

    net->link[i].node[0] = a;
    net->link[i].node[1] = b;
    net->link[i].addr[0] = bgp_test_addr(addr_a);
    net->link[i].addr[1] = bgp_test_addr(addr_b);
    net->link[i].iface[0] = iface_a;
    net->link[i].iface[1] = iface_b;
}

void bgp_net_event(struct bgp_net *net, struct bgp_node *n, struct bgp_event ev)
{
    ev.now_us = net->now_us;
    bgp_node_step(n, &ev);
}

void bgp_net_on(struct bgp_net *net, struct bgp_node *n, uint32_t peer)
{
    bgp_net_event(net, n, (struct bgp_event){.kind = BGP_EV_PEER_ON, .peer = peer});
}

void bgp_net_off(struct bgp_net *net, struct bgp_node *n, uint32_t peer, enum kd_reason reason,
                 bool heard)
{
    bgp_net_event(net, n,
                  (struct bgp_event){
                      .kind = BGP_EV_PEER_OFF, .peer = peer, .reason = reason, .heard = heard});
}

void bgp_net_cut(struct bgp_net *net, struct bgp_node *a, struct bgp_node *b, bool cut)
{
    for (unsigned i = 0; i < net->n_links; i++)
        if ((net->link[i].node[0] == a && net->link[i].node[1] == b) ||
            (net->link[i].node[0] == b && net->link[i].node[1] == a))
            net->link[i].cut = cut;
}

static void arrive_syn(struct bgp_net *net, struct tcp *t)
{
    struct bgp_event ev = {.kind = BGP_EV_TCP_OPENED, .conn = t->e[0].conn};
    unsigned s;

    t->connect_at = KD_NEVER;
    if (t->link == LINKS || net->link[t->link].cut) {
        t->used = false;
        ev.kind = BGP_EV_TCP_FAILED;
        ev.reason = KD_REASON_TIMEOUT;
        bgp_net_event(net, t->e[0].node, ev);
        return;
    }
    s = link_side(net, t, 0);
    t->token = ++net->tokens;
    ev.local = net->link[t->link].addr[s];
    ev.remote = net->link[t->link].addr[!s];
    bgp_net_event(net, t->e[0].node, ev);
    bgp_net_event(net, t->e[1].node,
                  (struct bgp_event){.kind = BGP_EV_TCP_INCOMING,
                                     .token = t->token,
                                     .local = ev.remote,
                                     .remote = ev.local,
                                     .iface = net->link[t->link].iface[!s]});
}

/* Both sides know the end; the slot is free again. */
static void finish(struct tcp *t)
{
    if (!t->e[0].attached && !t->e[1].attached)
        t->used = false;
}

static void deliver(struct bgp_net *net, struct tcp *t, unsigned s)
{
    struct end *from = &t->e[s], *to = &t->e[!s];
    size_t max = kc_rng_below(&net->rng, 4) ? 1 + kc_rng_below(&net->rng, 64 * 1024) : 7;
    size_t n = KD_MIN(from->out_len, max);
    uint8_t *data = malloc(n + 1);

    from->deliver_at = KD_NEVER;
    if (n) {
        memcpy(data, from->out, n);
        from->out_len -= n;
        memmove(from->out, from->out + n, from->out_len);
    }
    if (n && to->attached)
        bgp_net_event(net, to->node,
                      (struct bgp_event){
                          .kind = BGP_EV_TCP_BYTES, .conn = to->conn, .data = kd_bytes(data, n)});
    if (n && from->attached)
        bgp_net_event(
            net, from->node,
            (struct bgp_event){.kind = BGP_EV_TCP_SENT, .conn = from->conn, .n = (uint32_t)n});
    free(data);
    if (from->out_len || (from->closed && n)) {
        from->deliver_at = latency(net);
    } else if (from->closed && to->attached) {
        to->attached = false;
        bgp_net_event(net, to->node,
                      (struct bgp_event){.kind = BGP_EV_TCP_CLOSED,
                                         .conn = to->conn,
                                         .reason = KD_REASON_TCP_CLOSED});
    }
    finish(t);
}

/* The earliest thing to happen, at most `until`. */
static uint64_t next_time(const struct bgp_net *net, uint64_t until)
{
    for (unsigned i = 0; i < net->n_nodes; i++)
        until = KD_MIN(until, net->node[i]->out->deadline_us);
    for (unsigned i = 0; i < TCPS; i++) {
        const struct tcp *t = &net->tcp[i];
        if (!t->used)
            continue;
        until = KD_MIN(until, t->connect_at);
        if (t->link != LINKS && net->link[t->link].cut)
            continue;
        until = KD_MIN(until, KD_MIN(t->e[0].deliver_at, t->e[1].deliver_at));
    }
    return KD_MAX(until, net->now_us);
}

static void happen(struct bgp_net *net)
{
    for (unsigned i = 0; i < net->n_nodes; i++)
        if (net->node[i]->out->deadline_us <= net->now_us)
            bgp_net_event(net, net->node[i], (struct bgp_event){.kind = BGP_EV_WAKE});
    for (unsigned i = 0; i < TCPS; i++) {
        struct tcp *t = &net->tcp[i];
        if (t->used && t->connect_at <= net->now_us)
            arrive_syn(net, t);
        for (unsigned s = 0; s < 2; s++)
            if (t->used && t->link != LINKS && !net->link[t->link].cut &&
                t->e[s].deliver_at <= net->now_us)
                deliver(net, t, s);
    }
}

void bgp_net_run(struct bgp_net *net, uint64_t us)
{
    uint64_t until = net->now_us + us;

    for (;;) {
        net->now_us = next_time(net, until);
        if (net->now_us >= until)
            return;
        happen(net);
    }
}

bool bgp_net_until_up(struct bgp_net *net, struct bgp_node *n, uint32_t peer, uint64_t limit_us)
{
    uint64_t until = net->now_us + limit_us;

    while (bgp_node_state(n, peer) != BGP_ESTABLISHED && net->now_us < until)
        bgp_net_run(net, KD_MS(10));
    return bgp_node_state(n, peer) == BGP_ESTABLISHED;
}

unsigned bgp_net_connections(const struct bgp_net *net)
{
    unsigned n = 0;

    for (unsigned i = 0; i < TCPS; i++)
        n += net->tcp[i].used && net->tcp[i].e[0].attached && net->tcp[i].e[1].attached;
    return n;
}
