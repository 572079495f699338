/* Tunnel and routing as one state machine (DESIGN 3.4 to 3.7), what the other tests of whole
 * gateways don't say: when the neighbor is called, with what, and what asks IKE for the path. */
#include "test_sim.h"

#include "sim/tcp_conn.h"

static const struct sim_conn *session(const struct sim_gw *g)
{
    for (const struct sim_conn *c = g->tcp.conns; c; c = c->next)
        if (c->tunnel == SIM_VPN)
            return c;
    return NULL;
}

/* With ten minutes between attempts, whoever waited for ConnectRetry once would be late. */
static void the_neighbor_is_called_the_moment_the_tunnel_carries(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 140, .no_er = true};
    struct sim_pair p;
    uint64_t up_us;
    size_t mark;

    pair_new(&p, &o);
    p.azure->cfg.tunnels[0].neighbor.bgp.connect_retry_us = KD_S(600);
    p.onprem->cfg.tunnels[0].neighbor.bgp.connect_retry_us = KD_S(600);
    sim_pair_start(&p);
    wait_up(&p, KD_S(10));
    up_us = when(p.azure, 0, CORE_NOTE_CHILD_UP, SIM_VPN);
    assert_int_equal(when(p.azure, 0, CORE_NOTE_BGP_STATE, SIM_VPN), up_us);
    mark = p.azure->n_rec;
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(10));
    (void)when(p.azure, mark, CORE_NOTE_DETECT, SIM_VPN);
    mark = p.azure->n_rec;
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(60));
    up_us = when(p.azure, mark, CORE_NOTE_RESTORE, SIM_VPN);
    assert_int_equal(when(p.azure, mark, CORE_NOTE_BGP_STATE, SIM_VPN), up_us);
    sim_pair_free(&p);
}

static unsigned sessions(const struct sim_gw *g)
{
    unsigned n = 0;

    for (const struct sim_conn *c = g->tcp.conns; c; c = c->next)
        n += c->tunnel == SIM_VPN;
    return n;
}

/* RFC 4271 6.8: a path that is restored lets both call in the same moment. */
static void both_ends_that_call_over_the_tunnel_get_one_session(void **st KD_UNUSED)
{
    for (uint64_t seed = 300; seed < 320; seed++) {
        struct sim_pair_options o = {.seed = seed, .no_er = true};
        struct sim_pair p;
        size_t azure, onprem;

        pair_new(&p, &o);
        p.azure->cfg.tunnels[0].neighbor.bgp.passive = false;
        p.onprem->cfg.tunnels[0].neighbor.bgp.passive = false;
        p.azure->cfg.tunnels[0].neighbor.bgp.connect_retry_us = KD_S(600);
        p.onprem->cfg.tunnels[0].neighbor.bgp.connect_retry_us = KD_S(600);
        sim_pair_start(&p);
        wait_up(&p, KD_S(10));
        sim_link_cut(p.internet, -1, true);
        run_checked(&p, KD_S(10));
        azure = p.azure->n_rec;
        onprem = p.onprem->n_rec;
        sim_link_cut(p.internet, -1, false);
        wait_up(&p, KD_S(60));
        run_checked(&p, KD_S(10));
        assert_never(p.azure, azure, CORE_NOTE_BGP_STOP, SIM_VPN);
        assert_never(p.onprem, onprem, CORE_NOTE_BGP_STOP, SIM_VPN);
        assert_int_equal(sessions(p.azure), 1);
        assert_int_equal(sessions(p.onprem), 1);
        sim_pair_free(&p);
    }
}

/* The gateway's outer address moves from its link, of MTU 1400 now, to a loopback. */
static void onto_loopback(struct sim_kernel *k, bool route)
{
    struct nl_addr_set outer = k->addrs[0];
    struct nl_route r = {.protocol = SIM_PROTO_STATIC, .metric = 100, .oif = outer.ifindex};

    k->links[0].mtu = 1400;
    assert_int_equal(sim_kernel_addr(k, &outer, true), 0);
    sim_kernel_addr_add(k, sim_kernel_link_add(k, "lo", 65536, true), "203.0.113.10/32");
    sim_kernel_addr_add(k, outer.ifindex, "203.0.113.11/24");
    assert_true(kd_prefix_parse("198.51.100.0/24", true, &r.dst));
    if (route)
        assert_int_equal(sim_kernel_route_add(k, &r), 0);
}

static void behind_a_loopback_the_mtu_is_that_of_the_way_to_the_peer(void **st KD_UNUSED)
{
    for (int route = 0; route < 2; route++) {
        struct sim_pair_options o = {.seed = 142, .no_er = true};
        struct sim_pair p;
        uint32_t mtu;

        pair_new(&p, &o);
        onto_loopback(&p.azure->kernel, route);
        sim_pair_start(&p);
        wait_up(&p, KD_S(30));
        mtu = sim_kernel_link_named(&p.azure->kernel, "vpn0")->mtu;
        assert_in_range(mtu, route ? 1300 : 1400, route ? 1399 : 1499);
        sim_pair_free(&p);
    }
}

static bool find_local(void *arg, const struct bgp_route_view *r)
{
    struct bgp_route_view *out = arg;

    if (r->local && kd_prefix_eq(&r->prefix, &out->prefix))
        *out = *r;
    return true;
}

static bool has_host_route(const struct sim_gw *g)
{
    struct bgp_route_view v = {.prefix =
                                   kd_prefix_host(&core_peer_config(g->core, SIM_VPN)->remote)};

    bgp_rib_walk(core_bgp(g->core), BGP_VIEW_BEST, UINT32_MAX, find_local, &v);
    return v.local && v.n_communities == 1;
}

/* As Azure's instances have it (facts/azure.md 5.2), with router.azure and nowhere else. */
static void a_neighbors_host_route_is_a_network_while_its_tunnel_carries(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 143};
    struct bgp_peer_view v;
    struct sim_pair p;

    pair_new(&p, &o);
    p.azure->cfg.azure = true;
    sim_pair_start(&p);
    wait_up(&p, KD_S(10));
    assert_true(has_host_route(p.azure));
    assert_false(has_host_route(p.onprem));
    assert_true(bgp_peer_get(core_bgp(p.azure->core), SIM_VPN, &v));
    assert_int_equal(v.advertised, p.azure->cfg.n_networks); /* not to an external neighbor */
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(10));
    assert_false(has_host_route(p.azure));
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(60));
    assert_true(has_host_route(p.azure));
    sim_pair_free(&p);
}

/* What TCP may send at once fits the tunnel; beside the tunnels the kernel decides. */
static void the_sessions_mss_fits_the_tunnel(void **st KD_UNUSED)
{
    for (int responder = 0; responder < 2; responder++) {
        struct sim_pair_options o = {.seed = 141};
        const struct sim_gw *g;
        struct sim_pair p;
        uint32_t mtu;

        pair_new(&p, &o);
        p.azure->cfg.tunnels[0].neighbor.bgp.passive = responder;
        p.onprem->cfg.tunnels[0].neighbor.bgp.passive = !responder;
        sim_pair_start(&p);
        wait_up(&p, KD_S(30));
        g = responder ? p.onprem : p.azure;
        mtu = sim_kernel_link_named(&g->kernel, "vpn0")->mtu;
        assert_in_range(mtu, 1300, 1499);
        assert_non_null(session(g));
        assert_int_equal(session(g)->mss, mtu - 40);
        for (const struct sim_conn *c = g->tcp.conns; c; c = c->next)
            assert_true(c->tunnel == SIM_VPN || c->mss == 0);
        sim_pair_free(&p);
    }
}

static bool asking(const struct sim_gw *g)
{
    struct core_tunnel_view v;

    return core_tunnel_get(g->core, SIM_VPN, &v) && v.ike.outstanding;
}

struct until_down {
    struct sim_pair *p;
    size_t mark;
    bool before; /* IKE had a request outstanding before BFD went down */
};

static bool bfd_down(void *arg)
{
    struct until_down *w = arg;

    if (sim_gw_find(w->p->azure, w->mark, CORE_NOTE_BFD_STATE, SIM_VPN) != SIZE_MAX)
        return true;
    w->before = asking(w->p->azure);
    return false;
}

/* IKE's own time to ask would be minutes away. */
static void bfd_that_goes_down_asks_for_the_path_at_once(void **st KD_UNUSED)
{
    struct sim_pair_options o = {
        .seed = 142, .no_er = true, .bfd_us = KD_MS(100), .detect_us = KD_S(600)};
    struct until_down w;
    struct sim_pair p;

    pair_up(&p, &o);
    w = (struct until_down){&p, p.azure->n_rec, true};
    sim_link_cut(p.internet, -1, true);
    assert_true(sim_wait(p.sim, KD_S(5), bfd_down, &w));
    assert_false(w.before);
    assert_true(asking(p.azure));
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(120));
    sim_pair_free(&p);
}

/* Of a failure: each with its time, in this order. */
static void a_failure_is_a_timeline(void **st KD_UNUSED)
{
    static const enum core_note order[] = {CORE_NOTE_DETECT, CORE_NOTE_BGP_STOP,
                                           CORE_NOTE_FIB_CLEAR};
    struct sim_pair_options o = {.seed = 143, .vpn_first = true};
    struct sim_pair p;
    uint64_t cut_us, at_us;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    at_us = cut_us = p.sim->now_us;
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(4));
    for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
        uint64_t t = when(p.azure, mark, order[i], SIM_VPN);
        assert_true(t >= at_us);
        at_us = t;
    }
    assert_in_range(at_us - cut_us, 1, KD_S(3));
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(60));
    assert_true(when(p.azure, mark, CORE_NOTE_RESTORE, SIM_VPN) > at_us);
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_neighbor_is_called_the_moment_the_tunnel_carries),
        cmocka_unit_test(both_ends_that_call_over_the_tunnel_get_one_session),
        cmocka_unit_test(behind_a_loopback_the_mtu_is_that_of_the_way_to_the_peer),
        cmocka_unit_test(a_neighbors_host_route_is_a_network_while_its_tunnel_carries),
        cmocka_unit_test(the_sessions_mss_fits_the_tunnel),
        cmocka_unit_test(bfd_that_goes_down_asks_for_the_path_at_once),
        cmocka_unit_test(a_failure_is_a_timeline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
