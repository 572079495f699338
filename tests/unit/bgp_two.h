/* For tests of the BGP engine: two engines that are each other's peer 0, and many routes at once.
 */
#ifndef TESTS_BGP_TWO_H
#define TESTS_BGP_TWO_H

#include "bgp_pair.h"

#define SEED 7001

struct pair {
    struct bgp_net *net;
    struct bgp_node *a, *b; /* AS 65515 at 10.0.0.1, and b at 10.0.0.2; each other's peer 0 */
};

static inline struct bgp_peer_config *config_for_b(uint32_t asn)
{
    return bgp_test_config("10.0.0.2", asn);
}

static inline struct bgp_peer_config *config_for_a(void)
{
    return bgp_test_config("10.0.0.1", 65515);
}

static inline void set_peer(struct bgp_node *n, uint32_t id, struct bgp_peer_config *c)
{
    assert_true(bgp_test_set(n->b, id, c));
}

static inline struct pair pair_bare(uint64_t seed, uint32_t id_a, uint32_t id_b, uint32_t asn_b)
{
    struct pair p = {.net = bgp_net_new(seed)};

    p.a = bgp_net_add(p.net, 65515, id_a, false);
    p.b = bgp_net_add(p.net, asn_b, id_b, false);
    bgp_net_link(p.net, p.a, "10.0.0.1", BGP_NO_IFACE, p.b, "10.0.0.2", BGP_NO_IFACE);
    return p;
}

static inline struct pair pair_of(uint64_t seed, uint32_t asn_b)
{
    struct pair p = pair_bare(seed, 1, 2, asn_b);

    set_peer(p.a, 0, config_for_b(asn_b));
    set_peer(p.b, 0, config_for_a());
    return p;
}

static inline void pair_up(struct pair *p)
{
    bgp_net_on(p->net, p->a, 0);
    bgp_net_on(p->net, p->b, 0);
    assert_true(bgp_net_until_up(p->net, p->a, 0, KD_S(60)));
    assert_true(bgp_net_until_up(p->net, p->b, 0, KD_S(60)));
    bgp_net_run(p->net, KD_S(1));
    assert_int_equal(bgp_net_connections(p->net), 1);
}

static inline void local(struct pair *p, struct bgp_node *n, const char *prefix, bool up)
{
    bgp_node_local(n, prefix, up, bgp_net_now(p->net));
    bgp_net_run(p->net, KD_MS(100));
}

static inline void feed_by(struct bgp_raw *r, uint32_t first, uint32_t n, bool announce,
                           uint32_t message)
{
    uint8_t body[4096];

    while (n > 0) {
        struct bgp_raw_update u = {.nexthop = announce ? "192.0.2.10" : NULL,
                                   .as_path = {65020, 1 + first / 50},
                                   .n_as = 2};
        struct kd_writer w;
        size_t len = bgp_raw_build(&u, body, sizeof(body));
        kd_writer_init(&w, body, sizeof(body));
        w.pos = announce ? len : 2;
        for (uint32_t i = 0; i < message && n > 0; i++, n--, first++) {
            kd_put_u8(&w, 24);
            kd_put_u24(&w, 0x0a0000 + first);
        }
        if (!announce) {
            kd_patch_u16(&w, 0, (uint16_t)(w.pos - 2));
            kd_put_u16(&w, 0);
        }
        bgp_raw_message(r, 0, BGP_MSG_UPDATE, body, w.pos);
        bgp_raw_event(
            r, (struct bgp_event){.kind = BGP_EV_TCP_SENT, .conn = r->conn[1].h, .n = 1u << 20});
        r->conn[1].sent_len = 0;
    }
}

static inline void feed(struct bgp_raw *r, uint32_t first, uint32_t n, bool announce)
{
    feed_by(r, first, n, announce, 50);
}

#endif
