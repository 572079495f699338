/* For tests of the BFD engine: two engines back to back, or one that is up with a played peer. */
#ifndef TESTS_BFD_TWO_H
#define TESTS_BFD_TWO_H

#include "test_bfd_net.h"

#define SEED 5880

/* Two engines with session 0 configured on both sides, not started. */
static inline struct net *pair_of(uint64_t seed)
{
    struct net *n = net_new(seed, 2, 0);

    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    assert_int_equal(net_set(n, B, 0), BFD_CONFIG_OK);
    return n;
}

static inline void start_both(struct net *n)
{
    net_admin(n, A, 0, true);
    net_admin(n, B, 0, true);
}

static inline struct net *pair_up(uint64_t seed)
{
    struct net *n = pair_of(seed);

    start_both(n);
    net_run(n, KD_S(5));
    assert_true(net_up(n, 0));
    return n;
}

/* One engine, its peer played by the test: Up. */
static inline struct net *played_up(uint64_t seed)
{
    struct net *n = net_new(seed, 1, 0);

    assert_int_equal(net_set(n, A, 0), BFD_CONFIG_OK);
    net_bring_up(n, NULL, NULL);
    return n;
}

static inline const struct net_sent *sent_at(const struct net *n, int side, uint32_t i)
{
    return &n->node[side].sent[i % NET_SENT];
}

/* Smallest and largest gap between the packets the side sent since its number from. */
static inline void gaps(const struct net *n, int side, uint32_t from, uint64_t *least,
                        uint64_t *most)
{
    *least = KD_NEVER;
    *most = 0;
    assert_in_range(n->node[side].sent_n - from, 3, NET_SENT);
    for (uint32_t i = from + 1; i < n->node[side].sent_n; i++) {
        uint64_t gap = sent_at(n, side, i)->at_us - sent_at(n, side, i - 1)->at_us;
        *least = KD_MIN(*least, gap);
        *most = KD_MAX(*most, gap);
    }
}

/* The event of a good packet of the peer, Down without our discriminator: then changed by the test.
 */
static inline struct bfd_event first_packet(const struct net *n, uint8_t raw[BFD_HEADER_LEN])
{
    struct bfd_packet p = net_peer(n, BFD_DOWN);
    struct kd_writer w;

    p.your_discr = 0;
    p.length = BFD_HEADER_LEN;
    kd_writer_init(&w, raw, BFD_HEADER_LEN);
    bfd_packet_build(&p, &w);
    return net_packet_event(n, kd_written(&w));
}

#endif
