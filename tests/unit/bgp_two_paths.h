/* For tests of the decision: one engine, two or three neighbors' paths to one prefix. */
#ifndef TESTS_BGP_TWO_PATHS_H
#define TESTS_BGP_TWO_PATHS_H

#include "bgp_pair.h"

/* ---- the decision, one test a step: two peers, the second one's path is to win ---- */

struct choice {
    struct bgp_raw r;
    struct bgp_raw_update u[2];
};

static inline void choice_init(struct choice *x, uint32_t asn0, uint32_t asn1, bool ecmp)
{
    memset(x, 0, sizeof(*x));
    bgp_raw_init(&x->r, 65515, 1, ecmp);
    bgp_raw_peer(&x->r, 0, bgp_test_config("192.0.2.10", asn0));
    bgp_raw_peer(&x->r, 1, bgp_test_config("192.0.2.20", asn1));
    bgp_raw_establish(&x->r, 0, asn0, 10);
    bgp_raw_establish(&x->r, 1, asn1, 20);
    for (int i = 0; i < 2; i++) {
        uint32_t asn = i ? asn1 : asn0;
        x->u[i] = (struct bgp_raw_update){.prefix = {"10.1.0.0/16"},
                                          .nexthop = i ? "192.0.2.20" : "192.0.2.10"};
        if (asn != 65515)
            x->u[i].as_path[x->u[i].n_as++] = asn;
        x->u[i].as_path[x->u[i].n_as++] = 64700;
    }
}

static inline uint32_t choice_made(struct choice *x, bool reverse)
{
    struct bgp_route_view v;

    bgp_raw_update(&x->r, reverse, &x->u[reverse]);
    bgp_raw_update(&x->r, !reverse, &x->u[!reverse]);
    assert_true(bgp_node_route(&x->r.node, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &v));
    return v.peer;
}

/* Whatever the order of arrival. */
#define CHOOSES(winner, asn0, asn1, ...)                                                           \
    do {                                                                                           \
        for (int reverse = 0; reverse < 2; reverse++) {                                            \
            struct choice x;                                                                       \
            choice_init(&x, asn0, asn1, false);                                                    \
            __VA_ARGS__;                                                                           \
            assert_int_equal(choice_made(&x, reverse), winner);                                    \
            bgp_raw_fini(&x.r);                                                                    \
        }                                                                                          \
    } while (0)

static inline void with_local_pref(struct choice *x, int i, uint32_t v)
{
    struct bgp_peer_config *c = bgp_test_config(i ? "192.0.2.20" : "192.0.2.10", i ? 65021 : 65020);

    bgp_test_import(c)->entry[0].set_local_pref = true;
    bgp_test_import(c)->entry[0].local_pref = v;
    bgp_raw_peer(&x->r, (uint32_t)i, c);
}

static inline void longer(struct choice *x, int i)
{
    x->u[i].as_path[x->u[i].n_as++] = 64701;
}

static inline void with_med(struct choice *x, int i, uint32_t med)
{
    x->u[i].has_med = true;
    x->u[i].med = med;
}

#endif
