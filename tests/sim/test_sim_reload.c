/* A configuration taken over under running gateways: what moves, what stays, and that no session
 * notices. Which keys are live is tests/unit/test_config_diff.c's. */
#include "test_sim.h"

#include <stdlib.h>

#define OSPF 188

static struct bgp_route_map *policy(const char *name, uint32_t local_pref, uint32_t med)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));
    struct bgp_route_map *m;

    assert_non_null(p);
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->n = 1;
    p->entry[0].permit = p->entry[0].set_local_pref = p->entry[0].set_med = true;
    p->entry[0].local_pref = local_pref;
    p->entry[0].med = med;
    m = bgp_route_map_new(p);
    assert_non_null(m);
    free(p);
    return m;
}

/* What runs on azure, with other policies: ExpressRoute's import, and one more. Without the
 * networks behind n_networks. */
static void reload(struct sim_pair *p, struct bgp_route_map *er, struct bgp_route_map *more,
                   uint32_t n_networks)
{
    struct bgp_route_map *list[] = {er, more};
    struct core_config next = *core_configuration(p->azure->core);
    struct core_tunnel_config t = next.tunnels[0];
    struct core_neighbor_config n = next.neighbors[0];

    t.neighbor.bgp.import = t.neighbor.bgp.export = more;
    n.bgp.import = er;
    n.bgp.export = more;
    next.tunnels = &t;
    next.neighbors = &n;
    next.policies = list;
    next.n_policies = 2;
    next.n_networks = n_networks;
    assert_true(core_reload(p->azure->core, &next));
    sim_gw_post(p->azure, &(struct core_ev){.kind = CORE_EV_COMMAND,
                                            .command = CORE_CMD_RELOAD,
                                            .ok = true,
                                            .data = kd_bytes_str("test")});
    bgp_route_map_unref(er);
    bgp_route_map_unref(more);
}

static bool look(void *arg, const struct bgp_route_view *r)
{
    struct bgp_route_view *out = arg;

    if (kd_prefix_eq(&r->prefix, &out->prefix) && r->peer == SIM_VPN)
        *out = *r;
    return true;
}

static struct bgp_route_view learned(const struct sim_gw *g, const char *text)
{
    struct bgp_route_view v = {.local_pref = UINT32_MAX};

    assert_true(kd_prefix_parse(text, true, &v.prefix));
    bgp_rib_walk(core_bgp(g->core), BGP_VIEW_LEARNED, UINT32_MAX, look, &v);
    return v;
}

static void traffic_moves_by_a_policy_and_no_session_ends(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 120};
    uint32_t networks;
    struct sim_pair p;
    size_t from;

    pair_up(&p, &o);
    networks = core_configuration(p.azure->core)->n_networks;
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    from = p.azure->n_rec;
    for (int i = 0; i < 4; i++) {
        reload(&p, policy("er", i % 2 ? 150 : 50, 0), policy("rest", 100, 7), networks);
        run_checked(&p, KD_S(1));
        check_pair(&p, true);
        assert_way(p.azure, SIM_ONPREM_HOST, i % 2 ? "er0" : "vpn0");
        assert_int_equal(learned(p.onprem, "10.17.11.0/25").med, 7);
    }
    when(p.azure, from, CORE_NOTE_RELOAD, SIM_ANY);
    assert_never(p.azure, from, CORE_NOTE_BGP_STOP, SIM_ANY);
    assert_never(p.onprem, 0, CORE_NOTE_BGP_STOP, SIM_ANY);
    sim_pair_free(&p);
}

static void a_policy_that_reads_the_same_moves_nothing(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 121};
    struct bgp_peer_view before, after;
    uint32_t networks;
    struct sim_pair p;

    pair_up(&p, &o);
    networks = core_configuration(p.azure->core)->n_networks;
    reload(&p, policy("er", 150, 0), policy("rest", 100, 7), networks);
    run_checked(&p, KD_S(1));
    const struct bgp_route_map *kept = core_peer_config(p.azure->core, SIM_ER)->import;
    assert_true(bgp_peer_get(core_bgp(p.azure->core), SIM_VPN, &before));
    reload(&p, policy("er", 150, 0), policy("rest", 100, 7), networks);
    run_checked(&p, KD_S(1));
    assert_true(bgp_peer_get(core_bgp(p.azure->core), SIM_VPN, &after));
    assert_ptr_equal(core_peer_config(p.azure->core, SIM_ER)->import, kept);
    assert_int_equal(after.msgs_out, before.msgs_out);
    sim_pair_free(&p);
}

static void a_network_that_is_no_longer_configured_is_withdrawn(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 122};
    uint32_t networks;
    struct sim_pair p;

    pair_new(&p, &o);
    assert_true(kd_prefix_parse("10.77.0.0/16", true,
                                &p.azure->cfg.networks[p.azure->cfg.n_networks++].prefix));
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    networks = core_configuration(p.azure->core)->n_networks;
    assert_int_equal(learned(p.onprem, "10.77.0.0/16").local_pref, 100);
    reload(&p, policy("er", 150, 0), policy("rest", 100, 0), networks - 1);
    run_checked(&p, KD_S(1));
    assert_int_equal(learned(p.onprem, "10.77.0.0/16").local_pref, UINT32_MAX);
    assert_int_equal(learned(p.onprem, "10.17.11.0/25").local_pref, 100);
    sim_pair_free(&p);
}

/* As a reader makes it: with a list of policies of its own, which read the same. */
static void take_over(struct sim_gw *g, const struct core_health_config *h)
{
    const struct core_config *now = core_configuration(g->core);
    struct core_config next = *now;
    struct bgp_route_map **list = calloc(now->n_policies + 1, sizeof(struct bgp_route_map *));

    assert_non_null(list);
    memcpy(list, now->policies, now->n_policies * sizeof(struct bgp_route_map *));
    next.policies = list;
    next.health = (struct core_health_config *)h;
    assert_true(core_reload(g->core, &next));
    free(list);
    sim_gw_post(g, &(struct core_ev){.kind = CORE_EV_COMMAND,
                                     .command = CORE_CMD_RELOAD,
                                     .ok = true,
                                     .data = kd_bytes_str("test")});
}

/* An hour between two requests, local preference 40; then a second, and 60 from the failure on. */
static void a_probe_counts_and_steers_by_what_is_taken_over(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 125};
    struct core_health_config h = {.name = "spoke",
                                   .tunnel = SIM_VPN,
                                   .peer = UINT32_MAX,
                                   .every_us = KD_S(3600),
                                   .fail = 100,
                                   .then = CORE_THEN_LOCAL_PREF,
                                   .local_pref = 40,
                                   .recover_us = KD_S(3600),
                                   .n_neighbors = 1,
                                   .neighbor = {SIM_VPN}};
    struct core_health_view v;
    struct sim_pair p;

    pair_new(&p, &o);
    assert_true(kd_addr_parse(SIM_ONPREM_HOST, &h.to.addr));
    free(p.azure->cfg.health);
    p.azure->cfg.health = calloc(1, sizeof(h));
    assert_non_null(p.azure->cfg.health);
    *p.azure->cfg.health = h;
    p.azure->cfg.n_health = 1;
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    p.onprem->no_echo = true;
    run_checked(&p, KD_S(30));
    assert_true(core_health_get(p.azure->core, 0, &v));
    assert_int_not_equal(v.state, CORE_HEALTH_DOWN);
    h.every_us = KD_S(1);
    h.fail = 3;
    h.recover_us = KD_S(2);
    take_over(p.azure, &h);
    run_checked(&p, KD_S(6));
    assert_true(core_health_get(p.azure->core, 0, &v));
    assert_int_equal(v.state, CORE_HEALTH_DOWN);
    assert_int_equal(learned(p.azure, "10.1.11.0/25").local_pref, 40);
    h.local_pref = 60; /* while it is down */
    take_over(p.azure, &h);
    run_checked(&p, KD_S(1));
    assert_int_equal(learned(p.azure, "10.1.11.0/25").local_pref, 60);
    p.onprem->no_echo = false;
    run_checked(&p, KD_S(6));
    assert_true(core_health_get(p.azure->core, 0, &v));
    assert_int_equal(v.state, CORE_HEALTH_UP);
    assert_never(p.azure, 0, CORE_NOTE_BGP_STOP, SIM_ANY);
    sim_pair_free(&p);
}

/* Also when it is the one by which the kernel's routes are redistributed. */
static void redistributed_routes_follow_their_policy(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 123};
    struct core_config *c;
    struct nl_route r = {.metric = 20, .protocol = OSPF};
    struct sim_pair p;
    uint32_t networks;

    pair_new(&p, &o);
    c = &p.azure->cfg;
    c->policies = realloc(c->policies, (c->n_policies + 1) * sizeof(*c->policies));
    assert_non_null(c->policies);
    c->redistribute.policy = c->policies[c->n_policies++] = policy("rest", 100, 5);
    c->redistribute.max = 10;
    c->redistribute.protocols[OSPF / 8] |= 1u << OSPF % 8;
    r.oif = sim_kernel_link_named(&p.azure->kernel, "lan0")->ifindex;
    assert_true(kd_prefix_parse("10.20.0.0/16", true, &r.dst));
    assert_int_equal(sim_kernel_route_add(&p.azure->kernel, &r), 0);
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    networks = core_configuration(p.azure->core)->n_networks;
    assert_int_equal(learned(p.onprem, "10.20.0.0/16").local_pref, 100);
    for (uint32_t i = 0; i < 3; i++) {
        struct core_config view;
        reload(&p, policy("er", 150, 0), policy("rest", 100, 8 + i), networks);
        run_checked(&p, KD_S(1));
        view = *core_configuration(p.azure->core);
        assert_ptr_equal(view.redistribute.policy, view.policies[1]);
        assert_int_equal(learned(p.onprem, "10.20.0.0/16").med, 8 + i);
    }
    assert_never(p.onprem, 0, CORE_NOTE_BGP_STOP, SIM_ANY);
    sim_pair_free(&p);
}

/* Lists name others by place; in the next file they may stand elsewhere, or not be here yet. */
static void what_readiness_expects_is_taken_over_by_name(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 125};
    const struct core_readiness *now;
    struct core_config next;
    struct core_neighbor_config moved[2];
    struct bgp_route_map *policies[8];
    struct sim_pair p;

    pair_up(&p, &o);
    now = &core_configuration(p.azure->core)->readiness;
    next = *core_configuration(p.azure->core);
    assert_in_range(next.n_policies, 1, KD_ARRAY_LEN(policies));
    memcpy(policies, next.policies, next.n_policies * sizeof(struct bgp_route_map *));
    next.policies = policies;
    memset(moved, 0, sizeof(moved));
    snprintf(moved[0].bgp.name, sizeof(moved[0].bgp.name), "new");
    moved[1] = next.neighbors[0];
    next.neighbors = moved;
    next.n_neighbors = 2;
    next.readiness = (struct core_readiness){.established_us = KD_S(7),
                                             .n_primary = 1,
                                             .primary = {CORE_PEER_BESIDE(1)},
                                             .n_backup = 1,
                                             .backup = {SIM_VPN}};
    assert_true(core_reload(p.azure->core, &next));
    assert_int_equal(now->established_us, KD_S(7));
    assert_int_equal(now->n_primary, 1);
    assert_int_equal(now->primary[0], CORE_PEER_BESIDE(0));
    assert_int_equal(now->n_backup, 1);
    assert_int_equal(now->backup[0], SIM_VPN);
    memcpy(policies, core_configuration(p.azure->core)->policies,
           next.n_policies * sizeof(struct bgp_route_map *));
    next.readiness.primary[0] = CORE_PEER_BESIDE(0); /* waits for a restart, and so does the list */
    next.readiness.established_us = KD_S(8);
    assert_true(core_reload(p.azure->core, &next));
    assert_int_equal(now->established_us, KD_S(8));
    assert_int_equal(now->primary[0], CORE_PEER_BESIDE(0));
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traffic_moves_by_a_policy_and_no_session_ends),
        cmocka_unit_test(a_policy_that_reads_the_same_moves_nothing),
        cmocka_unit_test(a_network_that_is_no_longer_configured_is_withdrawn),
        cmocka_unit_test(a_probe_counts_and_steers_by_what_is_taken_over),
        cmocka_unit_test(redistributed_routes_follow_their_policy),
        cmocka_unit_test(what_readiness_expects_is_taken_over_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
