/* What is chosen: the decision against an oracle written from RFC 4271 9.1.2.2 by itself, in every
 * order of arrival; weight, which only ranks what carries; the recursion guard. One step's nearest
 * tie each is in test_bgp_decision.c. */
#include "bgp_pair.h"

#include "bgp/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED  UINT64_C(0x5eedc401ce)
#define PEERS 4
#define OWN   65515u

static const struct {
    const char *address;
    uint32_t asn, id;
} peers[PEERS] = {
    /* identifiers and addresses in opposite orders: step f and step g differ */
    {"192.0.2.40", 65020, 10},
    {"192.0.2.30", 65020, 20},
    {"192.0.2.20", 65021, 30},
    {"192.0.2.10", OWN, 30},
};

struct path {
    struct bgp_raw_update u;
    uint32_t cost;
};

/* ---- the oracle ---- */

static uint32_t neighbor_as(const struct path *p)
{
    return p->u.as_path[0];
}

static uint32_t med(const struct path *p)
{
    return p->u.has_med ? p->u.med : 0;
}

static uint32_t value(int step, const struct path *p, int i)
{
    switch (step) {
    case 0: /* 9.1.1: eBGP's are given the default, 100 */
        return UINT32_MAX - (peers[i].asn == OWN && p->u.has_local_pref ? p->u.local_pref : 100);
    case 1:
        return p->u.n_as;
    case 2:
        return p->u.origin;
    case 4:
        return peers[i].asn == OWN;
    case 5:
        return p->cost;
    default:
        return peers[i].id;
    }
}

static void step_c(const struct path *p, bool *in)
{
    bool out[PEERS] = {false};

    for (int i = 0; i < PEERS; i++)
        for (int j = 0; j < PEERS; j++)
            out[i] |= in[i] && in[j] && neighbor_as(&p[i]) == neighbor_as(&p[j]) &&
                      med(&p[j]) < med(&p[i]);
    for (int i = 0; i < PEERS; i++)
        in[i] = in[i] && !out[i];
}

static uint32_t oracle(const struct path *p)
{
    bool in[PEERS] = {true, true, true, true};
    uint32_t best = UINT32_MAX;

    for (int step = 0; step <= 6; step++) {
        uint32_t lowest = UINT32_MAX;
        if (step == 3) {
            step_c(p, in);
            continue;
        }
        for (int i = 0; i < PEERS; i++)
            if (in[i] && value(step, &p[i], i) < lowest)
                lowest = value(step, &p[i], i);
        for (int i = 0; i < PEERS; i++)
            in[i] = in[i] && value(step, &p[i], i) == lowest;
    }
    for (uint32_t i = 0; i < PEERS; i++) /* step g: the lowest address is the last one's */
        if (in[i])
            best = i;
    return best;
}

/* ---- random paths: small domains, so that ties are the rule ---- */

static uint32_t draw(uint64_t *s, uint32_t n)
{
    *s = *s * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*s >> 33) % n;
}

static void random_path(uint64_t *s, int i, struct path *p)
{
    *p = (struct path){.u = {.nexthop = peers[i].address}, .cost = 10 * draw(s, 2)};
    p->u.as_path[p->u.n_as++] = peers[i].asn == OWN ? 65020 + draw(s, 2) : peers[i].asn;
    for (uint32_t n = draw(s, 8) == 0; n > 0; n--)
        p->u.as_path[p->u.n_as++] = 64700;
    p->u.origin = draw(s, 6) == 0;
    p->u.has_med = draw(s, 3) > 0;
    p->u.med = 5 * draw(s, 3);
    p->u.has_local_pref = peers[i].asn == OWN;
    p->u.local_pref = 100 + (draw(s, 8) == 0);
}

static void establish_all(struct bgp_raw *r)
{
    bgp_raw_init(r, OWN, 1, false);
    for (uint32_t i = 0; i < PEERS; i++) {
        bgp_raw_peer(r, i, bgp_test_config(peers[i].address, peers[i].asn));
        bgp_raw_establish(r, i, peers[i].asn, peers[i].id);
    }
}

/* The k-th order of four. */
static void order(uint32_t k, uint32_t out[PEERS])
{
    uint32_t left[PEERS] = {0, 1, 2, 3};

    for (uint32_t n = PEERS; n > 0; n--) {
        uint32_t at = k % n;
        k /= n;
        out[PEERS - n] = left[at];
        for (uint32_t i = at; i + 1 < n; i++)
            left[i] = left[i + 1];
    }
}

static void set_costs(struct bgp_raw *r, const struct path *p)
{
    for (int i = 0; i < PEERS; i++)
        bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_NEXTHOP,
                                            .iface = BGP_NO_IFACE,
                                            .nexthop = bgp_test_addr(peers[i].address),
                                            .up = true,
                                            .metric = p[i].cost});
}

static void check_round(uint64_t *s, uint32_t wins[PEERS])
{
    static const uint32_t orders = 24;
    struct path p[PEERS];
    struct bgp_route_view v;
    struct bgp_raw r;
    char prefix[20];

    establish_all(&r);
    for (int i = 0; i < PEERS; i++)
        random_path(s, i, &p[i]);
    for (uint32_t k = 0; k < orders; k++) {
        uint32_t turn[PEERS];
        order(k, turn);
        snprintf(prefix, sizeof(prefix), "10.%u.0.0/16", k);
        for (uint32_t n = 0; n < PEERS; n++) {
            p[turn[n]].u.prefix[0] = prefix;
            bgp_raw_update(&r, turn[n], &p[turn[n]].u);
        }
    }
    set_costs(&r, p);
    for (uint32_t k = 0; k < orders; k++) {
        snprintf(prefix, sizeof(prefix), "10.%u.0.0/16", k);
        assert_true(bgp_node_route(&r.node, BGP_VIEW_BEST, UINT32_MAX, prefix, &v));
        assert_int_equal(v.peer, oracle(p));
    }
    wins[v.peer]++;
    bgp_raw_fini(&r);
}

static void the_choice_is_rfc_4271s_in_every_order_of_arrival(void **state)
{
    uint32_t wins[PEERS] = {0};
    uint64_t s = SEED;

    (void)state;
    print_message("seed %llx\n", (unsigned long long)s);
    for (int round = 0; round < 150; round++)
        check_round(&s, wins);
    for (int i = 0; i < PEERS; i++) /* else the paths are too alike to say anything */
        assert_true(wins[i] > 5);
}

/* ---- weight ---- */

struct weighed {
    struct bgp_raw r;
    struct bgp_raw_update u[2];
};

/* Peers 0 and 1 of other ASes with weights, peer 2 an internal one that is told. */
static void weighed_init(struct weighed *x, uint16_t w0, uint16_t w1, bool ecmp)
{
    static const char *const address[] = {"192.0.2.10", "192.0.2.20", "192.0.2.30"};
    static const uint32_t asn[] = {65020, 12076, OWN};

    memset(x, 0, sizeof(*x));
    bgp_raw_init(&x->r, OWN, 1, ecmp);
    for (uint32_t i = 0; i < 3; i++) {
        struct bgp_peer_config *c = bgp_test_config(address[i], asn[i]);
        c->weight = i == 0 ? w0 : i == 1 ? w1 : 0;
        bgp_raw_peer(&x->r, i, c);
        bgp_raw_establish(&x->r, i, asn[i], 10 + i);
    }
    /* as in facts/azure 2.3: the VPN's path is one AS, ExpressRoute's two, and ExpressRoute's goes
     */
    x->u[0] = (struct bgp_raw_update){
        .prefix = {"10.1.0.0/16"}, .nexthop = address[0], .as_path = {65020}, .n_as = 1};
    x->u[1] = (struct bgp_raw_update){
        .prefix = {"10.1.0.0/16"}, .nexthop = address[1], .as_path = {12076, 65020}, .n_as = 2};
    for (uint32_t i = 0; i < 2; i++)
        bgp_raw_update(&x->r, i, &x->u[i]);
}

static uint32_t told(const struct weighed *x)
{
    struct bgp_route_view v;

    assert_true(bgp_node_route(&x->r.node, BGP_VIEW_ADVERTISED, 2, "10.1.0.0/16", &v));
    return v.n_as;
}

static void weight_ranks_what_carries_and_not_what_is_told(void **state)
{
    for (int i = 0; i < 3; i++) {
        static const uint16_t weights[][2] = {{32768, 32769}, {32769, 32768}, {32768, 32768}};
        uint32_t carries = i == 0;
        struct bgp_route_view v;
        struct weighed x;

        (void)state;
        weighed_init(&x, weights[i][0], weights[i][1], false);
        assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, carries);
        assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.backup[0].peer, !carries);
        assert_true(bgp_node_route(&x.r.node, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &v));
        assert_int_equal(v.peer, carries);
        assert_int_equal(v.weight, weights[i][carries]);
        assert_int_equal(told(&x), 1); /* the shorter path, whatever the weights */
        bgp_raw_fini(&x.r);
    }
}

static void a_lost_path_of_the_highest_weight_is_followed_by_the_next(void **state)
{
    struct weighed x;

    (void)state;
    weighed_init(&x, 32768, 32769, false);
    bgp_raw_event(
        &x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 1, .reason = KD_REASON_ADMIN});
    assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, 0);
    assert_int_equal(told(&x), 1);
    bgp_raw_fini(&x.r);
}

static void another_weight_moves_what_carries_on_the_session_that_runs(void **state)
{
    struct weighed x;

    (void)state;
    weighed_init(&x, 32769, 32768, false);
    for (uint16_t w = 32770; w >= 32767; w -= 3) {
        struct bgp_peer_config *c = bgp_test_config("192.0.2.20", 12076);
        c->weight = w;
        bgp_raw_peer(&x.r, 1, c);
        bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_WAKE});
        assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, w > 32769);
        assert_int_equal(told(&x), 1);
        assert_null(bgp_node_note(&x.r.node, 1, BGP_NOTE_STOP));
    }
    bgp_raw_fini(&x.r);
}

static void another_weight_keeps_paths_from_carrying_together(void **state)
{
    for (int same = 0; same < 2; same++) {
        struct weighed x;

        (void)state;
        weighed_init(&x, same ? 7 : 8, 7, true);
        x.u[1].n_as = 1;
        bgp_raw_update(&x.r, 1, &x.u[1]);
        assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.n_best, 1 + same);
        bgp_raw_fini(&x.r);
    }
}

/* ---- the guard ---- */

#define OUTER "198.51.100.1"

static void guard(struct bgp_raw *r, uint32_t iface, const char *outer, uint32_t len)
{
    bgp_raw_event(r,
                  (struct bgp_event){.kind = BGP_EV_GUARD,
                                     .iface = iface,
                                     .nexthop = outer ? bgp_test_addr(outer) : (struct kd_addr){0},
                                     .n = len});
}

static void guarded_init(struct bgp_raw *r, uint32_t iface)
{
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);

    bgp_raw_init(r, OWN, 1, false);
    c->iface = iface;
    bgp_raw_peer(r, 0, c);
    bgp_raw_establish(r, 0, 65020, 10);
}

static void announce(struct bgp_raw *r, const char *prefix)
{
    struct bgp_raw_update u = {
        .prefix = {prefix}, .nexthop = "192.0.2.10", .as_path = {65020}, .n_as = 1};

    bgp_raw_update(r, 0, &u);
}

static void a_route_that_carries_its_tunnels_outer_address_is_refused(void **state)
{
    static const struct {
        const char *prefix, *outer;
        uint32_t len;
        bool refused;
    } rows[] = {
        {"0.0.0.0/0", OUTER, 0, true},
        {"198.51.100.0/24", OUTER, 0, true},
        {"198.51.100.1/32", OUTER, 0, true},
        {"198.51.100.0/32", OUTER, 0, false}, /* its neighbor */
        {"198.51.101.0/24", OUTER, 0, false},
        {"0.0.0.0/0", OUTER, 1, false}, /* a default route of another's is there */
        {"198.51.100.0/24", OUTER, 24, true},
        {"198.51.100.0/24", OUTER, 25, false}, /* a /24 that wins, or what is longer */
        {"198.51.100.0/24", NULL, 0, false},
        {"198.51.100.0/24", "2001:db8::1", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < 2 * KD_ARRAY_LEN(rows); i++) {
        const size_t k = i / 2;
        bool before = i % 2;
        struct bgp_route_view v;
        struct bgp_raw r;

        guarded_init(&r, 5);
        if (before)
            guard(&r, 5, rows[k].outer, rows[k].len);
        announce(&r, rows[k].prefix);
        if (!before)
            guard(&r, 5, rows[k].outer, rows[k].len);
        assert_int_equal(bgp_node_fib(&r.node, rows[k].prefix) == NULL, rows[k].refused);
        assert_true(bgp_node_route(&r.node, BGP_VIEW_LEARNED, 0, rows[k].prefix, &v));
        assert_true(v.accepted);
        assert_int_equal(v.recursive, rows[k].refused);
        assert_int_equal(v.valid, !rows[k].refused);
        assert_int_equal(bgp_node_count(&r.node, BGP_NOTE_RECURSIVE), rows[k].refused);
        bgp_raw_fini(&r);
    }
}

static void the_guard_of_a_tunnel_is_that_tunnels_alone(void **state)
{
    for (uint32_t iface = 4; iface <= 6; iface++) {
        struct bgp_raw r;

        (void)state;
        guarded_init(&r, iface == 6 ? BGP_NO_IFACE : iface);
        guard(&r, 5, OUTER, 0);
        announce(&r, "0.0.0.0/0");
        assert_int_equal(bgp_node_fib(&r.node, "0.0.0.0/0") == NULL, iface == 5);
        bgp_raw_fini(&r);
    }
}

static void a_refused_route_is_said_once_and_taken_when_the_way_is_free(void **state)
{
    struct bgp_raw r;

    (void)state;
    guarded_init(&r, 5);
    guard(&r, 5, OUTER, 0);
    announce(&r, "0.0.0.0/0");
    announce(&r, "198.51.0.0/16");
    assert_int_equal(bgp_node_count(&r.node, BGP_NOTE_RECURSIVE), 2);
    announce(&r, "0.0.0.0/0");
    assert_int_equal(bgp_node_count(&r.node, BGP_NOTE_RECURSIVE), 2);
    assert_non_null(strstr(bgp_node_note(&r.node, 0, BGP_NOTE_RECURSIVE)->text, OUTER));
    guard(&r, 5, OUTER, 8); /* somebody's /8 */
    assert_non_null(bgp_node_fib(&r.node, "0.0.0.0/0"));
    assert_null(bgp_node_fib(&r.node, "198.51.0.0/16"));
    guard(&r, 5, OUTER, 0); /* is gone */
    assert_null(bgp_node_fib(&r.node, "0.0.0.0/0"));
    guard(&r, 5, "203.0.113.9", 17); /* the peer is somewhere else */
    assert_non_null(bgp_node_fib(&r.node, "198.51.0.0/16"));
    assert_non_null(bgp_node_fib(&r.node, "0.0.0.0/0"));
    bgp_raw_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choice_is_rfc_4271s_in_every_order_of_arrival),
        cmocka_unit_test(weight_ranks_what_carries_and_not_what_is_told),
        cmocka_unit_test(a_lost_path_of_the_highest_weight_is_followed_by_the_next),
        cmocka_unit_test(another_weight_moves_what_carries_on_the_session_that_runs),
        cmocka_unit_test(another_weight_keeps_paths_from_carrying_together),
        cmocka_unit_test(a_route_that_carries_its_tunnels_outer_address_is_refused),
        cmocka_unit_test(the_guard_of_a_tunnel_is_that_tunnels_alone),
        cmocka_unit_test(a_refused_route_is_said_once_and_taken_when_the_way_is_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
