/* For the BGP tests: one engine whose peers the test plays, octet by octet. */
#include "bgp_pair.h"
#include "bgp/attr.h"
#include "bgp/nlri.h"

#include <stdlib.h>

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
