/* Nodes, the pretend TCP between them, and scripted peers. Everything is driven by one seeded
 * stream, printed at the start: the same seed gives the same run. */
#include "bgp_pair.h"
#include "bgp/attr.h"
#include "bgp/nlri.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- small things ---- */

struct kd_addr bgp_test_addr(const char *s)
{
    struct kd_addr a;

    if (!kd_addr_parse(s, &a))
        abort();
    return a;
}

struct kd_prefix bgp_test_prefix(const char *s)
{
    struct kd_prefix p;

    if (!kd_prefix_parse(s, true, &p))
        abort();
    return p;
}

struct config {
    struct bgp_peer_config c;
    bool has[2];
    struct bgp_policy policy[2]; /* import, export */
};

struct bgp_peer_config *bgp_test_config(const char *remote, uint32_t asn)
{
    struct config *whole = calloc(1, sizeof(*whole));
    struct bgp_peer_config *c = &whole->c;

    snprintf(c->name, sizeof(c->name), "%s", remote);
    c->remote = bgp_test_addr(remote);
    c->asn = asn;
    c->iface = BGP_NO_IFACE;
    c->hold_s = 180;
    c->keepalive_s = 60;
    c->connect_retry_us = KD_S(5);
    c->ttl = 255;
    bgp_test_policies(c, true, true);
    for (int i = 0; i < 2; i++) {
        whole->policy[i].n = 1;
        whole->policy[i].entry[0].permit = true;
    }
    return c;
}

struct bgp_policy *bgp_test_import(struct bgp_peer_config *c)
{
    return &((struct config *)c)->policy[0];
}

struct bgp_policy *bgp_test_export(struct bgp_peer_config *c)
{
    return &((struct config *)c)->policy[1];
}

void bgp_test_policies(struct bgp_peer_config *c, bool import, bool export)
{
    ((struct config *)c)->has[0] = import;
    ((struct config *)c)->has[1] = export;
}

bool bgp_test_set(struct bgp *b, uint32_t peer, struct bgp_peer_config *c)
{
    struct config *whole = (struct config *)c;
    bool ok;

    c->import = whole->has[0] ? bgp_route_map_new(&whole->policy[0]) : NULL;
    c->export = whole->has[1] ? bgp_route_map_new(&whole->policy[1]) : NULL;
    ok = bgp_peer_set(b, peer, c);
    bgp_route_map_unref(c->import);
    bgp_route_map_unref(c->export);
    free(whole);
    return ok;
}

/* ---- node ---- */

void bgp_node_init(struct bgp_node *n, uint32_t asn, uint32_t router_id, bool ecmp, uint64_t seed)
{
    struct bgp_params p = {.asn = asn, .router_id = router_id, .peers_max = 16, .ecmp = ecmp};

    memset(n, 0, sizeof(*n));
    memcpy(p.seed, &seed, sizeof(seed));
    n->b = bgp_new(&p);
    n->out = calloc(1, sizeof(*n->out));
    if (!n->b || !n->out)
        abort();
    n->trace = 2166136261u;
}

void bgp_node_fini(struct bgp_node *n)
{
    bgp_free(n->b);
    free(n->out);
    free(n->fib);
}

static struct bgp_fib_entry *fib_find(const struct bgp_node *n, uint32_t table,
                                      const struct kd_prefix *p)
{
    for (uint32_t i = 0; i < n->fib_n; i++)
        if (n->fib[i].table == table && kd_prefix_eq(&n->fib[i].prefix, p))
            return &n->fib[i];
    return NULL;
}

static void route_set(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_fib_entry *e = fib_find(n, a->table, &a->prefix);

    if (!e) {
        if (n->fib_n == n->fib_cap) {
            n->fib_cap = n->fib_cap ? n->fib_cap * 2 : 64;
            n->fib = realloc(n->fib, n->fib_cap * sizeof(*n->fib));
        }
        e = &n->fib[n->fib_n++];
    }
    e->table = a->table;
    e->prefix = a->prefix;
    kd_assert(bgp_paths_parse(kd_bytes(n->out->buf + a->paths.off, a->paths.len), &e->paths));
}

static void route_del(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_fib_entry *e = fib_find(n, a->table, &a->prefix);

    kd_assert(e); /* only what was set is deleted */
    memmove(e, e + 1, (size_t)(n->fib + n->fib_n - e - 1) * sizeof(*e));
    n->fib_n--;
}

static void record_note(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_note_record *r = &n->notes[n->notes_n++ % KD_ARRAY_LEN(n->notes)];

    *r = (struct bgp_note_record){
        .peer = a->peer, .note = a->note, .state = a->state, .reason = a->reason};
    snprintf(r->text, sizeof(r->text), "%.*s", (int)a->data.len, n->out->buf + a->data.off);
}

static void record(struct bgp_node *n, const struct bgp_action *a)
{
    char text[512];

    if (!n->fib_off && !n->trace_off) {
        kd_schema_text(&bgp_action_schema, a, kd_bytes(n->out->buf, n->out->used), text,
                       sizeof(text));
        for (char *c = text; *c; c++)
            n->trace = (n->trace ^ (uint8_t)*c) * 16777619u;
    }
    n->sets += a->kind == BGP_ACT_ROUTE_SET;
    n->dels += a->kind == BGP_ACT_ROUTE_DEL;
    if (a->kind == BGP_ACT_ROUTE_SET && !n->fib_off)
        route_set(n, a);
    else if (a->kind == BGP_ACT_ROUTE_DEL && !n->fib_off)
        route_del(n, a);
    else if (a->kind == BGP_ACT_NOTE)
        record_note(n, a);
    if (n->act)
        n->act(n, a);
}

void bgp_node_step(struct bgp_node *n, const struct bgp_event *ev)
{
    struct bgp_event queue[64], wake = {.kind = BGP_EV_WAKE, .now_us = ev->now_us};
    unsigned head = 0, tail = 0;

    for (;;) {
        n->steps++;
        bgp_step(n->b, ev, n->out);
        for (uint32_t i = 0; i < n->out->n; i++) {
            const struct bgp_action *a = &n->out->a[i];
            record(n, a);
            n->watches += a->kind == BGP_ACT_NH_WATCH;
            n->watches -= a->kind == BGP_ACT_NH_UNWATCH;
            if (a->kind == BGP_ACT_NH_WATCH && tail - head < KD_ARRAY_LEN(queue))
                queue[tail++ % KD_ARRAY_LEN(queue)] = (struct bgp_event){.kind = BGP_EV_NEXTHOP,
                                                                         .now_us = wake.now_us,
                                                                         .table = a->table,
                                                                         .nexthop = a->nexthop,
                                                                         .iface = a->iface,
                                                                         .up = !n->nexthops_down};
        }
        if (head != tail)
            ev = &queue[head++ % KD_ARRAY_LEN(queue)];
        else if (n->out->more)
            ev = &wake;
        else
            return;
    }
}

const struct bgp_fib_entry *bgp_node_fib(const struct bgp_node *n, const char *prefix)
{
    struct kd_prefix p = bgp_test_prefix(prefix);

    return fib_find(n, 0, &p);
}

const struct bgp_note_record *bgp_node_note(const struct bgp_node *n, uint32_t peer,
                                            enum bgp_note note)
{
    for (uint32_t i = n->notes_n; i-- > 0 && i + KD_ARRAY_LEN(n->notes) >= n->notes_n;) {
        const struct bgp_note_record *r = &n->notes[i % KD_ARRAY_LEN(n->notes)];
        if (r->peer == peer && r->note == note)
            return r;
    }
    return NULL;
}

unsigned bgp_node_count(const struct bgp_node *n, enum bgp_note note)
{
    unsigned k = 0;

    for (uint32_t i = 0; i < KD_MIN(n->notes_n, KD_ARRAY_LEN(n->notes)); i++)
        k += n->notes[i].note == note;
    return k;
}

enum bgp_state bgp_node_state(const struct bgp_node *n, uint32_t peer)
{
    struct bgp_peer_view v;

    return bgp_peer_get(n->b, peer, &v) ? v.state : BGP_IDLE;
}

struct collect {
    struct bgp_route_view *r;
    unsigned n, max;
};

static bool collect_route(void *arg, const struct bgp_route_view *r)
{
    struct collect *c = arg;

    if (c->n < c->max)
        c->r[c->n] = *r;
    c->n++;
    return true;
}

unsigned bgp_node_routes(const struct bgp_node *n, enum bgp_rib_view view, uint32_t peer,
                         struct bgp_route_view *r, unsigned max)
{
    struct collect c = {r, 0, max};

    bgp_rib_walk(n->b, view, peer, collect_route, &c);
    return c.n;
}

bool bgp_node_route(const struct bgp_node *n, enum bgp_rib_view view, uint32_t peer,
                    const char *prefix, struct bgp_route_view *r)
{
    struct bgp_route_view *all = calloc(4096, sizeof(*all));
    struct kd_prefix p = bgp_test_prefix(prefix);
    unsigned k = bgp_node_routes(n, view, peer, all, 4096), i;

    for (i = 0; i < k && !kd_prefix_eq(&all[i].prefix, &p); i++)
        ;
    if (i < k && r)
        *r = all[i];
    free(all);
    return i < k;
}

void bgp_node_local(struct bgp_node *n, const char *prefix, bool up, uint64_t now_us)
{
    struct bgp_event ev = {
        .kind = BGP_EV_LOCAL_ROUTE, .now_us = now_us, .up = up, .prefix = bgp_test_prefix(prefix)};

    bgp_node_step(n, &ev);
}

/* ---- net ---- */

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

/* ---- raw ---- */

static void raw_act(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_raw *r = n->arg;
    struct bgp_raw_conn *c = a->peer < BGP_RAW_PEERS ? &r->conn[a->peer] : NULL;

    switch (a->kind) {
    case BGP_ACT_CONNECT:
    case BGP_ACT_ACCEPT:
        c->h = a->conn;
        c->open = true;
        c->unsaid = 0;
        c->ttl = a->ttl;
        c->ttl_min = a->ttl_min;
        c->incoming = a->kind == BGP_ACT_ACCEPT;
        break;
    case BGP_ACT_REFUSE:
        r->refused++;
        break;
    case BGP_ACT_CLOSE:
        r->closed++;
        if (kd_handle_eq(c->h, a->conn))
            c->open = false;
        break;
    case BGP_ACT_WRITE:
        if (c->sent_len + a->data.len > c->sent_cap) {
            c->sent_cap = (c->sent_len + a->data.len) * 2;
            c->sent = realloc(c->sent, c->sent_cap);
        }
        memcpy(c->sent + c->sent_len, n->out->buf + a->data.off, a->data.len);
        c->sent_len += a->data.len;
        c->unsaid += a->data.len;
        break;
    default:
        break;
    }
}

void bgp_raw_init(struct bgp_raw *r, uint32_t asn, uint32_t router_id, bool ecmp)
{
    memset(r, 0, sizeof(*r));
    bgp_node_init(&r->node, asn, router_id, ecmp, 1);
    r->node.act = raw_act;
    r->node.arg = r;
    r->now_us = KD_S(1);
}

void bgp_raw_fini(struct bgp_raw *r)
{
    for (unsigned i = 0; i < BGP_RAW_PEERS; i++)
        free(r->conn[i].sent);
    bgp_node_fini(&r->node);
}

void bgp_raw_peer(struct bgp_raw *r, uint32_t peer, struct bgp_peer_config *c)
{
    if (!bgp_test_set(r->node.b, peer, c))
        abort();
}

void bgp_raw_event(struct bgp_raw *r, struct bgp_event ev)
{
    ev.now_us = r->now_us;
    bgp_node_step(&r->node, &ev);
}

void bgp_raw_connect(struct bgp_raw *r, uint32_t peer)
{
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_PEER_ON, .peer = peer});
    if (r->conn[peer].open)
        bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_OPENED,
                                            .conn = r->conn[peer].h,
                                            .local = bgp_test_addr("192.0.2.1")});
}

struct bgp_open bgp_raw_open(const struct bgp_peer_config *c, uint32_t router_id)
{
    return (struct bgp_open){.asn = c->asn,
                             .hold_s = 180,
                             .id = router_id,
                             .as4 = true,
                             .mp_ipv4 = true,
                             .mp_ipv6 = true,
                             .refresh = true};
}

void bgp_raw_send(struct bgp_raw *r, uint32_t peer, const void *bytes, size_t len)
{
    bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_BYTES,
                                        .conn = r->conn[peer].h,
                                        .data = kd_bytes(bytes, len)});
}

void bgp_raw_send_open(struct bgp_raw *r, uint32_t peer, const struct bgp_open *o)
{
    uint8_t buf[600];
    struct kd_writer w;

    kd_writer_init(&w, buf, sizeof(buf));
    bgp_open_put(&w, o);
    bgp_raw_send(r, peer, buf, w.pos);
}

void bgp_raw_message(struct bgp_raw *r, uint32_t peer, enum bgp_msg_type type, const void *body,
                     size_t len)
{
    uint8_t *buf = malloc(BGP_HEADER_LEN + len);
    struct kd_writer w;
    size_t start;

    kd_writer_init(&w, buf, BGP_HEADER_LEN + len);
    start = bgp_frame_begin(&w, type);
    kd_put_bytes(&w, kd_bytes(body, len));
    bgp_frame_end(&w, start);
    bgp_raw_send(r, peer, buf, w.pos);
    free(buf);
}

void bgp_raw_establish(struct bgp_raw *r, uint32_t peer, uint32_t asn, uint32_t router_id)
{
    struct bgp_peer_config c = {.asn = asn};
    struct bgp_open o = bgp_raw_open(&c, router_id);

    bgp_raw_connect(r, peer);
    bgp_raw_send_open(r, peer, &o);
    bgp_raw_message(r, peer, BGP_MSG_KEEPALIVE, NULL, 0);
    kd_assert(bgp_node_state(&r->node, peer) == BGP_ESTABLISHED);
}

static void say_sent(struct bgp_raw *r)
{
    for (unsigned i = 0; i < BGP_RAW_PEERS; i++) {
        struct bgp_raw_conn *c = &r->conn[i];
        uint32_t n = c->unsaid;
        if (!c->open || c->deaf || n == 0)
            continue;
        c->unsaid = 0;
        bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_SENT, .conn = c->h, .n = n});
    }
}

void bgp_raw_pass(struct bgp_raw *r, uint64_t us)
{
    uint64_t until = r->now_us + us;

    say_sent(r);
    while (r->node.out->deadline_us <= until) {
        r->now_us = KD_MAX(r->now_us, r->node.out->deadline_us);
        bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_WAKE});
        say_sent(r);
    }
    r->now_us = until;
}

static unsigned each_sent(const struct bgp_raw *r, uint32_t peer, enum bgp_msg_type type,
                          struct kd_bytes *last)
{
    const struct bgp_raw_conn *c = &r->conn[peer];
    struct bgp_frame f;
    struct bgp_error e;
    unsigned n = 0;

    for (size_t at = 0; at < c->sent_len; at += f.len) {
        kd_assert(bgp_frame_parse(kd_bytes(c->sent + at, c->sent_len - at), BGP_EXTENDED_MAX, &f,
                                  &e) == BGP_FRAME_OK);
        if (f.type != type)
            continue;
        n++;
        if (last)
            *last = f.body;
    }
    return n;
}

struct kd_bytes bgp_raw_last(const struct bgp_raw *r, uint32_t peer, enum bgp_msg_type type)
{
    struct kd_bytes last = {0};

    each_sent(r, peer, type, &last);
    return last;
}

unsigned bgp_raw_count(const struct bgp_raw *r, uint32_t peer, enum bgp_msg_type type)
{
    return each_sent(r, peer, type, NULL);
}

bool bgp_raw_notified(const struct bgp_raw *r, uint32_t peer, uint8_t code, uint8_t sub)
{
    struct kd_bytes b = bgp_raw_last(r, peer, BGP_MSG_NOTIFICATION);

    return b.len >= 2 && b.p[0] == code && b.p[1] == sub;
}

static void put_attrs(struct kd_writer *w, const struct bgp_raw_update *u)
{
    static const uint8_t cluster[64];
    struct kd_addr nh;

    bgp_attr_head(w, BGP_AF_TRANSITIVE, BGP_A_ORIGIN, 1);
    kd_put_u8(w, u->origin);
    bgp_attr_head(w, BGP_AF_TRANSITIVE, BGP_A_AS_PATH,
                  u->n_as ? 2 + u->n_as * (u->as2 ? 2 : 4) : 0);
    if (u->n_as) {
        kd_put_u8(w, 2);
        kd_put_u8(w, (uint8_t)u->n_as);
    }
    for (unsigned i = 0; i < u->n_as; i++) {
        if (u->as2)
            kd_put_u16(w, (uint16_t)u->as_path[i]);
        else
            kd_put_u32(w, u->as_path[i]);
    }
    if (u->nexthop) {
        nh = bgp_test_addr(u->nexthop);
        bgp_attr_head(w, BGP_AF_TRANSITIVE, BGP_A_NEXT_HOP, 4);
        kd_put_bytes(w, kd_addr_bytes(&nh));
    }
    if (u->has_med) {
        bgp_attr_head(w, BGP_AF_OPTIONAL, BGP_A_MED, 4);
        kd_put_u32(w, u->med);
    }
    if (u->has_local_pref) {
        bgp_attr_head(w, BGP_AF_TRANSITIVE, BGP_A_LOCAL_PREF, 4);
        kd_put_u32(w, u->local_pref);
    }
    if (u->originator_id) {
        bgp_attr_head(w, BGP_AF_OPTIONAL, BGP_A_ORIGINATOR_ID, 4);
        kd_put_u32(w, u->originator_id);
    }
    if (u->n_clusters) {
        bgp_attr_head(w, BGP_AF_OPTIONAL, BGP_A_CLUSTER_LIST, 4 * u->n_clusters);
        kd_put_bytes(w, kd_bytes(cluster, 4 * u->n_clusters));
    }
    kd_put_bytes(w, kd_bytes(u->extra, u->n_extra));
}

static void put_prefixes(struct kd_writer *w, const char *const *list)
{
    for (unsigned i = 0; i < 16 && list[i]; i++) {
        struct kd_prefix p = bgp_test_prefix(list[i]);
        bgp_nlri_put(w, &p);
    }
}

size_t bgp_raw_build(const struct bgp_raw_update *u, uint8_t *buf, size_t cap)
{
    struct kd_writer w;
    size_t at;

    kd_writer_init(&w, buf, cap);
    at = kd_put_gap(&w, 2);
    put_prefixes(&w, u->withdrawn);
    kd_patch_u16(&w, at, (uint16_t)(w.pos - at - 2));
    at = kd_put_gap(&w, 2);
    if (u->prefix[0] || u->nexthop || u->n_extra)
        put_attrs(&w, u);
    kd_patch_u16(&w, at, (uint16_t)(w.pos - at - 2));
    put_prefixes(&w, u->prefix);
    kd_assert(w.ok);
    return w.pos;
}

void bgp_raw_update(struct bgp_raw *r, uint32_t peer, const struct bgp_raw_update *u)
{
    uint8_t buf[4096];

    bgp_raw_message(r, peer, BGP_MSG_UPDATE, buf, bgp_raw_build(u, buf, sizeof(buf)));
}
