/* Two engines, the wire between them, and the peer the test plays. */
#include "test_bfd_net.h"
#include "bfd/auth.h"

#include <stdio.h>
#include <stdlib.h>

/* splitmix64: the net's own choices are no secret, and an hour of five hundred sessions asks for
 * many. */
uint32_t net_random(struct net *n, uint32_t bound)
{
    uint64_t z = n->random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) % bound);
}

/* ---- made and freed ---- */

static void start(struct net_node *node, uint64_t seed, uint32_t sessions_max)
{
    struct bfd_params p = {.crypto = node->crypto, .sessions_max = sessions_max};

    memcpy(p.seed, &seed, sizeof(seed));
    node->b = bfd_new(&p);
    kd_assert(node->b);
    node->deadline_us = KD_NEVER;
}

struct net *net_new(uint64_t seed, int sides, uint32_t sessions_max)
{
    struct net *n = calloc(1, sizeof(*n));

    kd_assert(n);
    if (seed != NET_QUIET)
        printf("seed %llu\n", (unsigned long long)seed);
    n->random = seed * 2 + 1;
    n->now_us = KD_S(1000);
    n->delay_us = KD_MS(1);
    for (int i = 0; i < 2; i++) {
        struct net_node *node = &n->node[i];
        node->crypto = kc_ctx_new(KC_PROVIDER_SIM, 64);
        node->out = calloc(1, sizeof(*node->out));
        node->trace = 14695981039346656037u;
        node->deadline_us = KD_NEVER;
        kd_assert(node->crypto && node->out);
        if (i < sides)
            start(node, seed * 2 + (uint64_t)i + 1, sessions_max);
        n->config[i] = (struct bfd_session_config){
            .iface = BFD_NO_IFACE, .detect_mult = 3, .tx_us = KD_MS(300), .rx_us = KD_MS(300)};
    }
    return n;
}

void net_free(struct net *n)
{
    for (int i = 0; i < 2; i++) {
        bfd_free(n->node[i].b);
        kc_ctx_free(n->node[i].crypto);
        free(n->node[i].out);
    }
    free(n);
}

void net_restart(struct net *n, int side, uint64_t seed)
{
    bfd_free(n->node[side].b);
    start(&n->node[side], seed, 0);
}

/* ---- what a node says ---- */

static void trace(struct net_node *node, const struct bfd_action *a)
{
    char text[512];

    if (node->trace_off)
        return;
    kd_schema_text(&bfd_action_schema, a, kd_bytes(node->out->buf, node->out->used), text,
                   sizeof(text));
    for (const char *c = text; *c; c++)
        node->trace = (node->trace ^ (uint8_t)*c) * 1099511628211u;
}

static void heed_note(struct net *n, struct net_node *node, const struct bfd_action *a)
{
    if (a->note == BFD_NOTE_STATE) {
        node->note[node->notes_n++ % NET_NOTES] = (struct net_note){n->now_us, *a};
        node->failures += a->failure;
        return;
    }
    node->refused_notes++;
    node->refused = a->refusal;
    node->suppressed += a->suppressed;
}

/* By time; those of one instant in the order of sending. */
static void enqueue(struct net *n, const struct net_packet *p)
{
    uint32_t i = n->n++;

    kd_assert(n->n <= NET_PACKETS);
    for (; i > 0; i--) {
        const struct net_packet *before = &n->packet[(n->head + i - 1) % NET_PACKETS];
        if (before->at_us <= p->at_us)
            break;
        n->packet[(n->head + i) % NET_PACKETS] = *before;
    }
    n->packet[(n->head + i) % NET_PACKETS] = *p;
}

static void heed_send(struct net *n, int side, const struct bfd_action *a)
{
    struct net_node *node = &n->node[side];
    struct net_sent *s = &node->sent[node->sent_n++ % NET_SENT];
    struct kd_bytes data = kd_bytes(node->out->buf + a->data.off, a->data.len);
    struct net_packet p = {.to = !side,
                           .session = a->session,
                           .src_port = a->src_port,
                           .dst_port = a->dst_port,
                           .ttl = a->ttl,
                           .len = (uint8_t)data.len};

    *s = (struct net_sent){.at_us = n->now_us,
                           .session = a->session,
                           .src_port = a->src_port,
                           .dst_port = a->dst_port,
                           .ttl = a->ttl};
    kd_assert(bfd_packet_parse(data, &s->p) == BFD_ACCEPTED); /* by its own strict reading */
    kd_assert(a->ttl == 255 && a->src_port >= BFD_SRC_PORT_MIN && !s->p.demand);
    kd_assert(s->p.echo_us == 0 && (s->p.state == BFD_UP || s->p.tx_us >= KD_S(1)));
    if (n->cut[side] || !n->node[!side].b || (n->lose_final[side] && s->p.final) ||
        net_random(n, 1000) < n->loss[side])
        return;
    memcpy(p.data, data.p, data.len);
    p.at_us = n->now_us + n->delay_us;
    if (n->jitter_us)
        p.at_us += net_random(n, (uint32_t)n->jitter_us);
    enqueue(n, &p);
}

void net_event(struct net *n, int side, struct bfd_event ev)
{
    struct net_node *node = &n->node[side];

    ev.now_us = n->now_us;
    do {
        node->steps++;
        bfd_step(node->b, &ev, node->out);
        for (uint32_t i = 0; i < node->out->n; i++) {
            const struct bfd_action *a = &node->out->a[i];
            trace(node, a);
            if (a->kind == BFD_ACT_NOTE)
                heed_note(n, node, a);
            else
                heed_send(n, side, a);
        }
        ev = (struct bfd_event){.kind = BFD_EV_WAKE, .now_us = n->now_us};
    } while (node->out->more);
    node->deadline_us = node->out->deadline_us;
}

/* ---- configuration ---- */

void net_path(struct bfd_session_config *c, int side, uint32_t i)
{
    c->local = kd_addr_v4(0x0a000000u + i * 4 + 1 + (uint32_t)side);
    c->remote = kd_addr_v4(0x0a000000u + i * 4 + 2 - (uint32_t)side);
    c->iface = c->multihop ? BFD_NO_IFACE : 100 + i;
}

enum bfd_config_error net_set(struct net *n, int side, uint32_t i)
{
    net_path(&n->config[side], side, i);
    return bfd_session_set(n->node[side].b, i, &n->config[side]);
}

struct bfd_auth_config net_auth(struct net *n, int side, enum bfd_auth_type type, uint8_t id,
                                const char *key)
{
    struct bfd_auth_config a = {.type = type, .n_keys = 1};

    a.key[0].id = id;
    a.key[0].key = kc_key_import(n->node[side].crypto, kd_bytes_str(key));
    kd_assert(!kd_handle_none(a.key[0].key));
    return a;
}

void net_admin(struct net *n, int side, uint32_t i, bool up)
{
    net_event(n, side,
              (struct bfd_event){.kind = up ? BFD_EV_ADMIN_UP : BFD_EV_ADMIN_DOWN, .session = i});
}

void net_reconfigure(struct net *n, int side, uint32_t i)
{
    kd_assert(net_set(n, side, i) == BFD_CONFIG_OK);
    net_event(n, side, (struct bfd_event){.kind = BFD_EV_CONFIG, .session = i});
}

/* ---- time ---- */

static void deliver(struct net *n, const struct net_packet *p)
{
    struct bfd_session_config c = {.multihop = p->dst_port == BFD_PORT_MULTIHOP};
    uint8_t data[BFD_PACKET_MAX];

    net_path(&c, p->to, p->session);
    memcpy(data, p->data, p->len);
    net_event(n, p->to,
              (struct bfd_event){.kind = BFD_EV_PACKET,
                                 .local = c.local,
                                 .remote = c.remote,
                                 .iface = c.iface,
                                 .ttl = p->ttl,
                                 .multihop = c.multihop,
                                 .src_port = p->src_port,
                                 .data = kd_bytes(data, p->len)});
}

/* The first packet whose receiver reads; NET_PACKETS when there is none. */
static uint32_t first_readable(const struct net *n)
{
    for (uint32_t i = 0; i < n->n; i++)
        if (!n->held[n->packet[(n->head + i) % NET_PACKETS].to])
            return i;
    return NET_PACKETS;
}

static struct net_packet dequeue(struct net *n, uint32_t i)
{
    struct net_packet p = n->packet[(n->head + i) % NET_PACKETS];

    for (; i > 0; i--)
        n->packet[(n->head + i) % NET_PACKETS] = n->packet[(n->head + i - 1) % NET_PACKETS];
    n->head = (n->head + 1) % NET_PACKETS;
    n->n--;
    return p;
}

static uint64_t readable_at(const struct net *n)
{
    uint32_t i = first_readable(n);

    return i < NET_PACKETS ? n->packet[(n->head + i) % NET_PACKETS].at_us : KD_NEVER;
}

static uint64_t next_at(const struct net *n)
{
    uint64_t at = readable_at(n);

    for (int i = 0; i < 2; i++)
        if (!n->held[i])
            at = KD_MIN(at, n->node[i].deadline_us);
    return at;
}

/* As the shell does: the sockets are read dry, then the engines are woken. */
void net_run(struct net *n, uint64_t us)
{
    uint64_t end = n->now_us + us;

    while (next_at(n) <= end) {
        n->now_us = KD_MAX(n->now_us, next_at(n));
        while (readable_at(n) <= n->now_us) {
            struct net_packet p = dequeue(n, first_readable(n));
            if (n->node[p.to].b)
                deliver(n, &p);
        }
        for (int i = 0; i < 2; i++)
            if (!n->held[i] && n->node[i].deadline_us <= n->now_us)
                net_event(n, i, (struct bfd_event){.kind = BFD_EV_WAKE});
    }
    n->now_us = end;
}

/* ---- what came of it ---- */

struct bfd_session_view net_view(const struct net *n, int side, uint32_t i)
{
    struct bfd_session_view v;

    kd_assert(bfd_session_get(n->node[side].b, i, &v));
    return v;
}

bool net_up(const struct net *n, uint32_t i)
{
    return net_view(n, A, i).state == BFD_UP &&
           (!n->node[B].b || net_view(n, B, i).state == BFD_UP);
}

const struct net_note *net_note(const struct net *n, int side)
{
    const struct net_node *node = &n->node[side];

    kd_assert(node->notes_n > 0);
    return &node->note[(node->notes_n - 1) % NET_NOTES];
}

const struct net_sent *net_sent(const struct net *n, int side)
{
    const struct net_node *node = &n->node[side];

    kd_assert(node->sent_n > 0);
    return &node->sent[(node->sent_n - 1) % NET_SENT];
}

/* ---- the peer played by the test ---- */

#define PEER_DISCR 0x5eed

struct bfd_event net_packet_event(const struct net *n, struct kd_bytes data)
{
    struct bfd_session_config c = {.multihop = n->config[A].multihop};

    net_path(&c, A, 0);
    return (struct bfd_event){.kind = BFD_EV_PACKET,
                              .local = c.local,
                              .remote = c.remote,
                              .iface = c.iface,
                              .ttl = 255,
                              .multihop = c.multihop,
                              .src_port = BFD_SRC_PORT_MIN,
                              .data = data};
}

struct bfd_packet net_peer(const struct net *n, enum bfd_state state)
{
    return (struct bfd_packet){.state = state,
                               .detect_mult = 3,
                               .my_discr = PEER_DISCR,
                               .your_discr = net_view(n, A, 0).local_discr,
                               .tx_us = KD_MS(300),
                               .rx_us = KD_MS(300)};
}

enum bfd_refusal net_say(struct net *n, struct bfd_packet p, const struct bfd_auth_config *auth,
                         uint32_t seq)
{
    struct net_node *node = &n->node[A];
    uint32_t before = node->refused_notes;
    uint8_t raw[BFD_PACKET_MAX];
    struct kd_writer w;

    p.auth = auth != NULL;
    p.length = auth ? BFD_HEADER_LEN + 28 : BFD_HEADER_LEN;
    kd_writer_init(&w, raw, sizeof(raw));
    bfd_packet_build(&p, &w);
    if (auth)
        bfd_auth_append(n->node[B].crypto, auth, seq, &w);
    net_event(n, A, net_packet_event(n, kd_written(&w)));
    return node->refused_notes == before ? BFD_ACCEPTED : node->refused;
}

void net_bring_up(struct net *n, const struct bfd_auth_config *auth, uint32_t *seq)
{
    uint32_t none = 0;

    if (!seq)
        seq = &none;
    net_admin(n, A, 0, true);
    kd_assert(net_say(n, net_peer(n, BFD_DOWN), auth, (*seq)++) == BFD_ACCEPTED);
    kd_assert(net_say(n, net_peer(n, BFD_INIT), auth, (*seq)++) == BFD_ACCEPTED);
    kd_assert(net_view(n, A, 0).state == BFD_UP);
}
