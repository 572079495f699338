/* Others' routes in the kernel, on whole gateways: next hops they resolve, networks announced
 * because of them, and what happens when their news are lost. */
#include "test_sim.h"

#include <stdlib.h>

#define PREFIX "10.1.11.0/25"
#define OSPF   188

static void er_up(struct sim_pair *p, struct sim_pair_options *o)
{
    o->er_behind = true;
    pair_up(p, o);
    assert_way(p->azure, SIM_ONPREM_HOST, "er0");
}

static bool has_route(const struct sim_gw *g, const char *text)
{
    struct kd_prefix p;
    char ifname[16];

    assert_true(kd_prefix_parse(text, true, &p));
    return core_fib_get(g->core, 0, &p, ifname);
}

/* ---- next hops ---- */

static void a_next_hop_behind_a_router_is_usable_while_there_is_a_route_to_it(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 90};
    struct sim_pair p;

    er_up(&p, &o);
    sim_pair_er_route(p.azure, SIM_ONPREM_ER, "192.168.11.17", false);
    sim_run(p.sim, KD_MS(1)); /* long before the session's hold time */
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_true(sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED));
    check_pair(&p, true);
    sim_pair_er_route(p.azure, SIM_ONPREM_ER, "192.168.11.17", true);
    wait_up(&p, KD_S(60));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    sim_pair_free(&p);
}

static void kernel_route(struct sim_gw *g, const char *text, enum nl_route_type type,
                         uint32_t metric, const char *dev, bool add)
{
    struct nl_route r = {.metric = metric, .protocol = SIM_PROTO_STATIC, .type = type};

    assert_true(kd_prefix_parse(text, true, &r.dst));
    if (dev)
        r.oif = sim_kernel_link_named(&g->kernel, dev)->ifindex;
    assert_int_equal(
        add ? sim_kernel_route_add(&g->kernel, &r) : sim_kernel_route_del(&g->kernel, &r), 0);
}

/* The longest prefix decides, then the best metric; "unreachable" and a way into a tunnel say no.
 */
static void what_resolves_a_next_hop_is_what_the_kernel_would_use(void **st KD_UNUSED)
{
    static const struct {
        const char *prefix;
        enum nl_route_type type;
        uint32_t metric;
        const char *dev, *way;
    } rows[] = {
        {"192.168.99.0/24", NL_ROUTE_UNREACHABLE, 1, NULL, "er0"},    /* shorter than the /32 */
        {"192.168.99.17/32", NL_ROUTE_UNREACHABLE, 200, NULL, "er0"}, /* a worse metric */
        {"192.168.99.17/32", NL_ROUTE_UNREACHABLE, 50, NULL, "vpn0"},
        {"192.168.99.17/32", NL_ROUTE_BLACKHOLE, 50, NULL, "vpn0"},
        {"192.168.99.17/32", NL_ROUTE_UNICAST, 50, "vpn0", "vpn0"},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct sim_pair_options o = {.seed = 91};
        struct sim_pair p;

        er_up(&p, &o);
        kernel_route(p.azure, rows[i].prefix, rows[i].type, rows[i].metric, rows[i].dev, true);
        sim_run(p.sim, KD_MS(1));
        assert_way(p.azure, SIM_ONPREM_HOST, rows[i].way);
        kernel_route(p.azure, rows[i].prefix, rows[i].type, rows[i].metric, rows[i].dev, false);
        sim_run(p.sim, KD_MS(1));
        assert_way(p.azure, SIM_ONPREM_HOST, "er0");
        sim_pair_free(&p);
    }
}

/* A default route leads to the Internet as a rule, and an inner next hop isn't there. */
static void a_default_route_resolves_next_hops_only_where_configured(void **st KD_UNUSED)
{
    for (int by_default = 0; by_default < 2; by_default++) {
        struct sim_pair_options o = {.seed = 92, .er_behind = true};
        struct sim_pair p;

        pair_new(&p, &o);
        p.azure->cfg.resolve_via_default = by_default;
        kernel_route(p.azure, "0.0.0.0/0", NL_ROUTE_UNICAST, 1000, "er0", true);
        sim_pair_start(&p);
        wait_up(&p, KD_S(30));
        sim_pair_er_route(p.azure, SIM_ONPREM_ER, "192.168.11.17", false);
        sim_run(p.sim, KD_MS(1));
        assert_way(p.azure, SIM_ONPREM_HOST, by_default ? "er0" : "vpn0");
        sim_pair_free(&p);
    }
}

/* The kernel says nothing of the routes it flushes with a link. */
static void a_link_takes_the_routes_over_it_along(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 93};
    struct sim_pair p;
    uint32_t er0;

    er_up(&p, &o);
    er0 = sim_kernel_link_named(&p.azure->kernel, "er0")->ifindex;
    sim_kernel_link_set(&p.azure->kernel, er0, false, true);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    run_checked(&p, KD_S(1));
    sim_kernel_link_set(&p.azure->kernel, er0, true, true);
    run_checked(&p, KD_S(1));
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0"); /* the static route is gone for good */
    sim_pair_er_route(p.azure, SIM_ONPREM_ER, "192.168.11.17", true);
    wait_up(&p, KD_S(120));
    sim_pair_free(&p);
}

static void lost_news_are_read_again(void **st KD_UNUSED)
{
    for (int add = 0; add < 2; add++) {
        struct sim_pair_options o = {.seed = 94};
        struct sim_pair p;

        er_up(&p, &o);
        if (add) {
            sim_pair_er_route(p.azure, SIM_ONPREM_ER, "192.168.11.17", false);
            sim_run(p.sim, KD_MS(1));
        }
        p.azure->mon_deaf = true;
        sim_pair_er_route(p.azure, SIM_ONPREM_ER, "192.168.11.17", add);
        sim_run(p.sim, KD_MS(1));
        assert_way(p.azure, SIM_ONPREM_HOST, add ? "vpn0" : "er0"); /* unheard */
        sim_gw_monitor_overrun(p.azure);
        sim_run(p.sim, KD_MS(1));
        assert_way(p.azure, SIM_ONPREM_HOST, add ? "er0" : "vpn0");
        check_pair(&p, true);
        sim_pair_free(&p);
    }
}

/* A storm among others' routes must not touch what of ours is in flight or installed. */
static void the_monitors_overrun_asks_nothing_of_our_own_again(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 95};
    struct sim_pair p;
    uint64_t n;

    er_up(&p, &o);
    n = p.azure->kernel.n_requests;
    for (int i = 0; i < 5; i++)
        sim_gw_monitor_overrun(p.azure);
    sim_run(p.sim, KD_S(1));
    assert_in_range(p.azure->kernel.n_requests - n, 3, 9); /* dumps: one round, and one more */
    check_pair(&p, true);
    sim_pair_free(&p);
}

static void an_overrun_of_the_monitor_at_any_moment_of_the_start_is_overcome(void **st KD_UNUSED)
{
    for (uint64_t at_ms = 0; at_ms < 60; at_ms += 3) {
        struct sim_pair_options o = {.seed = 96, .er_behind = true};
        struct sim_pair p;

        pair_new(&p, &o);
        p.azure->monitor_us = KD_MS(4);
        sim_pair_start(&p);
        sim_run(p.sim, KD_MS(at_ms));
        sim_gw_monitor_overrun(p.azure);
        wait_up(&p, KD_S(60));
        assert_way(p.azure, SIM_ONPREM_HOST, "er0");
        sim_pair_free(&p);
    }
}

/* ---- another's route with the key of ours ---- */

static uint8_t protocol_of(const struct sim_gw *g)
{
    const struct nl_route *r;
    struct kd_prefix p;

    assert_true(kd_prefix_parse(PREFIX, true, &p));
    r = sim_kernel_route(&g->kernel, 0, &p, 20);
    return r ? r->protocol : 0;
}

/* Already there, or put over ours (the kernel replaces whatever has the key). */
static void anothers_route_with_our_metric_is_left_alone_until_it_goes(void **st KD_UNUSED)
{
    for (int before = 0; before < 2; before++) {
        struct sim_pair_options o = {.seed = 125, .no_er = true};
        struct sim_pair p;

        pair_new(&p, &o);
        if (before)
            kernel_route(p.azure, PREFIX, NL_ROUTE_UNICAST, 20, "lan0", true);
        sim_pair_start(&p);
        sim_run(p.sim, KD_S(20));
        assert_int_equal(protocol_of(p.azure), before ? SIM_PROTO_STATIC : NL_PROTO_KEDGE);
        if (!before)
            kernel_route(p.azure, PREFIX, NL_ROUTE_UNICAST, 20, "lan0", true);
        sim_run(p.sim, KD_S(40));
        assert_int_equal(protocol_of(p.azure), SIM_PROTO_STATIC);
        (void)when(p.azure, 0, CORE_NOTE_KERNEL_ERROR, SIM_ANY);
        kernel_route(p.azure, PREFIX, NL_ROUTE_UNICAST, 20, "lan0", false);
        sim_run(p.sim, KD_MS(1));
        assert_int_equal(protocol_of(p.azure), NL_PROTO_KEDGE);
        kernel_route(p.azure, PREFIX, NL_ROUTE_UNICAST, 19, "lan0", true); /* beside it */
        sim_run(p.sim, KD_S(1));
        assert_int_equal(protocol_of(p.azure), NL_PROTO_KEDGE);
        sim_pair_free(&p);
    }
}

/* ---- the recursion guard ---- */

#define OUTER "198.51.100.20" /* onprem's, as azure's tunnel has it */

static bool swallowed(const struct sim_gw *g)
{
    struct kd_addr outer;
    struct sim_hop h;

    assert_true(kd_addr_parse(OUTER, &outer));
    h = sim_kernel_lookup(&g->kernel, 0, &outer, 0);
    return h.way == SIM_WAY_LINK && strcmp(sim_kernel_link(&g->kernel, h.oif)->name, "vpn0") == 0;
}

static void azure_with_onprems_outer_subnet(struct sim_pair *p, uint64_t seed)
{
    struct sim_pair_options o = {.seed = seed, .no_er = true};
    struct core_network *n;

    pair_new(p, &o);
    n = &p->onprem->cfg.networks[p->onprem->cfg.n_networks++];
    assert_true(kd_prefix_parse("198.51.100.0/24", true, &n->prefix));
}

/* Ours have metric 20: what is as long wins over them only with a better one. */
static void a_route_that_would_swallow_its_tunnel_is_refused(void **st KD_UNUSED)
{
    static const struct {
        const char *other; /* somebody's route on azure; NULL: none */
        uint32_t metric;
        bool refused;
    } rows[] = {
        {NULL, 0, true},
        {"198.51.0.0/16", 10, true},
        {"198.51.100.0/24", 100, true},
        {"198.51.100.0/24", 20, true},
        {"198.51.100.0/24", 19, false},
        {"198.51.100.16/28", 100, false},
        {"198.51.100.20/32", 100, false},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct sim_pair p;
        size_t said;

        azure_with_onprems_outer_subnet(&p, 110 + i);
        if (rows[i].other)
            kernel_route(p.azure, rows[i].other, NL_ROUTE_UNICAST, rows[i].metric, "outer0", true);
        sim_pair_start(&p);
        sim_run(p.sim, KD_S(20));
        assert_true(sim_bgp_is(p.azure, SIM_VPN, BGP_ESTABLISHED));
        assert_false(swallowed(p.azure));
        assert_int_equal(has_route(p.azure, "198.51.100.0/24"), !rows[i].refused);
        said = sim_gw_find(p.azure, 0, CORE_NOTE_ROUTE_REFUSED, SIM_ANY);
        assert_int_equal(said != SIZE_MAX, rows[i].refused);
        if (rows[i].refused) {
            assert_non_null(strstr(p.azure->rec[said].text, OUTER));
            assert_int_equal(p.azure->rec[said].r.prefix.len, 24);
            assert_int_equal(p.azure->rec[said].r.tunnel, 0);
        }
        assert_true(has_route(p.azure, PREFIX)); /* the others are taken */
        sim_pair_free(&p);
    }
}

/* The way to the far end may go and come while the tunnel is up. */
static void the_guard_follows_the_kernels_routes(void **st KD_UNUSED)
{
    struct sim_pair p;

    azure_with_onprems_outer_subnet(&p, 120);
    kernel_route(p.azure, OUTER "/32", NL_ROUTE_UNICAST, 100, "outer0", true);
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    assert_true(has_route(p.azure, "198.51.100.0/24"));
    kernel_route(p.azure, OUTER "/32", NL_ROUTE_UNICAST, 100, "outer0", false);
    sim_run(p.sim, KD_MS(1));
    assert_false(has_route(p.azure, "198.51.100.0/24"));
    assert_false(swallowed(p.azure));
    kernel_route(p.azure, OUTER "/32", NL_ROUTE_UNICAST, 100, "outer0", true);
    sim_run(p.sim, KD_MS(1));
    assert_true(has_route(p.azure, "198.51.100.0/24"));
    assert_true(sim_tunnel_is(p.azure, SIM_VPN, CORE_T_UP));
    sim_pair_free(&p);
}

/* ---- networks ---- */

static void a_network_in_kernel_is_announced_while_it_is_there(void **st KD_UNUSED)
{
    for (int before = 0; before < 2; before++) {
        struct sim_pair_options o = {.seed = 97};
        struct sim_pair p;
        struct core_network *n;

        pair_new(&p, &o);
        n = &p.azure->cfg.networks[p.azure->cfg.n_networks++];
        assert_true(kd_prefix_parse("10.20.0.0/16", true, &n->prefix));
        n->in_kernel = true;
        if (before)
            kernel_route(p.azure, "10.20.0.0/16", NL_ROUTE_UNICAST, 20, "lan0", true);
        sim_pair_start(&p);
        sim_run(p.sim, KD_S(20));
        assert_int_equal(has_route(p.onprem, "10.20.0.0/16"), before);
        if (!before) {
            kernel_route(p.azure, "10.20.0.0/17", NL_ROUTE_UNICAST, 20, "lan0", true);
            sim_run(p.sim, KD_S(1));
            assert_false(has_route(p.onprem, "10.20.0.0/16")); /* inside it isn't it */
            kernel_route(p.azure, "10.20.0.0/16", NL_ROUTE_UNICAST, 20, "lan0", true);
            sim_run(p.sim, KD_S(1));
            assert_true(has_route(p.onprem, "10.20.0.0/16"));
            assert_false(has_route(p.onprem, "10.20.0.0/17"));
        }
        sim_kernel_link_set(&p.azure->kernel,
                            sim_kernel_link_named(&p.azure->kernel, "lan0")->ifindex, true, false);
        sim_run(p.sim, KD_S(1));
        assert_false(has_route(p.onprem, "10.20.0.0/16")); /* no carrier */
        assert_true(has_route(p.onprem, "10.17.11.0/25")); /* always */
        sim_pair_free(&p);
    }
}

/* Ours in the kernel don't count: what a neighbor told us isn't ours to announce as our own. */
static void our_own_route_is_not_in_the_kernel(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 98};
    struct sim_pair p;
    struct core_network *n;

    pair_new(&p, &o);
    n = &p.azure->cfg.networks[p.azure->cfg.n_networks++];
    assert_true(kd_prefix_parse(PREFIX, true, &n->prefix));
    n->in_kernel = true;
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    assert_true(has_route(p.azure, PREFIX));
    sim_pair_free(&p);
}

/* ---- redistribution ---- */

static void protocol_route(struct sim_gw *g, const char *text, uint8_t protocol, bool add)
{
    struct nl_route r = {.metric = 20,
                         .protocol = protocol,
                         .oif = sim_kernel_link_named(&g->kernel, "lan0")->ifindex};

    assert_true(kd_prefix_parse(text, true, &r.dst));
    assert_int_equal(
        add ? sim_kernel_route_add(&g->kernel, &r) : sim_kernel_route_del(&g->kernel, &r), 0);
}

/* OSPF's are announced, those in 10.20.0.0/14 only, and with a MED; max of them. */
static void redistribute(struct sim_pair *p, uint32_t max)
{
    struct core_config *c = &p->azure->cfg;
    struct bgp_policy policy = {.n = 1};
    struct bgp_policy_entry *e = &policy.entry[0];

    e->permit = e->set_med = true;
    e->med = 77;
    e->n_prefix = 1;
    e->prefix[0].ge = 14;
    e->prefix[0].le = 24;
    assert_true(kd_prefix_parse("10.20.0.0/14", true, &e->prefix[0].prefix));
    c->policies = realloc(c->policies, (c->n_policies + 1) * sizeof(*c->policies));
    assert_non_null(c->policies);
    c->policies[c->n_policies] = bgp_route_map_new(&policy);
    assert_non_null(c->policies[c->n_policies]);
    c->redistribute.policy = c->policies[c->n_policies++];
    c->redistribute.max = max;
    c->redistribute.protocols[OSPF / 8] |= 1u << OSPF % 8;
}

static bool look(void *arg, const struct bgp_route_view *r)
{
    struct bgp_route_view *out = arg;

    if (kd_prefix_eq(&r->prefix, &out->prefix) && r->peer == SIM_VPN)
        *out = *r;
    return true;
}

static void redistributed_are_the_protocols_routes_that_the_policy_permits(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 99, .no_er = true};
    struct bgp_route_view v = {0};
    struct sim_pair p;

    pair_new(&p, &o);
    redistribute(&p, 10);
    protocol_route(p.azure, "10.20.0.0/16", OSPF, true); /* before the start */
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    protocol_route(p.azure, "10.21.0.0/16", OSPF, true); /* and after it */
    protocol_route(p.azure, "10.22.0.0/16", SIM_PROTO_STATIC, true);
    protocol_route(p.azure, "10.24.0.0/16", OSPF, true); /* outside the prefix list */
    protocol_route(p.azure, "10.23.0.0/25", OSPF, true); /* longer than le */
    sim_run(p.sim, KD_S(1));
    assert_true(has_route(p.onprem, "10.20.0.0/16"));
    assert_true(has_route(p.onprem, "10.21.0.0/16"));
    assert_false(has_route(p.onprem, "10.22.0.0/16"));
    assert_false(has_route(p.onprem, "10.24.0.0/16"));
    assert_false(has_route(p.onprem, "10.23.0.0/25"));
    assert_true(kd_prefix_parse("10.20.0.0/16", true, &v.prefix));
    bgp_rib_walk(core_bgp(p.onprem->core), BGP_VIEW_LEARNED, UINT32_MAX, look, &v);
    assert_int_equal(v.origin, 2); /* incomplete */
    assert_int_equal(v.med, 77);
    protocol_route(p.azure, "10.20.0.0/16", OSPF, false);
    sim_run(p.sim, KD_S(1));
    assert_false(has_route(p.onprem, "10.20.0.0/16"));
    sim_pair_free(&p);
}

static void no_more_are_redistributed_than_configured_and_room_is_filled_again(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 100, .no_er = true};
    struct sim_pair p;
    size_t said;

    pair_new(&p, &o);
    redistribute(&p, 2);
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    protocol_route(p.azure, "10.24.0.0/16", OSPF, true); /* denied: doesn't count */
    protocol_route(p.azure, "10.20.1.0/24", OSPF, true);
    protocol_route(p.azure, "10.20.2.0/24", OSPF, true);
    sim_run(p.sim, KD_S(1));
    assert_never(p.azure, 0, CORE_NOTE_KERNEL_ERROR, SIM_ANY);
    protocol_route(p.azure, "10.20.3.0/24", OSPF, true);
    protocol_route(p.azure, "10.20.4.0/24", OSPF, true);
    sim_run(p.sim, KD_S(1));
    assert_true(has_route(p.onprem, "10.20.2.0/24"));
    assert_false(has_route(p.onprem, "10.20.3.0/24"));
    said = sim_gw_find(p.azure, 0, CORE_NOTE_KERNEL_ERROR, SIM_ANY);
    assert_true(said != SIZE_MAX);
    assert_never(p.azure, said + 1, CORE_NOTE_KERNEL_ERROR, SIM_ANY); /* once */
    protocol_route(p.azure, "10.20.1.0/24", OSPF, false);
    sim_run(p.sim, KD_S(1));
    assert_false(has_route(p.onprem, "10.20.1.0/24"));
    assert_int_equal(has_route(p.onprem, "10.20.3.0/24") + has_route(p.onprem, "10.20.4.0/24"), 1);
    sim_pair_free(&p);
}

/* A configured network that OSPF has as well is announced as the network it is. */
static void a_configured_network_goes_before_redistribution(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 101, .no_er = true};
    struct bgp_route_view v = {.origin = 9};
    struct sim_pair p;

    pair_new(&p, &o);
    redistribute(&p, 2);
    assert_true(kd_prefix_parse("10.20.0.0/16", true, &v.prefix));
    p.azure->cfg.networks[p.azure->cfg.n_networks++].prefix = v.prefix;
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    protocol_route(p.azure, "10.20.0.0/16", OSPF, true);
    sim_run(p.sim, KD_S(1));
    bgp_rib_walk(core_bgp(p.onprem->core), BGP_VIEW_LEARNED, UINT32_MAX, look, &v);
    assert_int_equal(v.origin, 0);
    protocol_route(p.azure, "10.20.0.0/16", OSPF, false);
    sim_run(p.sim, KD_S(1));
    assert_true(has_route(p.onprem, "10.20.0.0/16"));
    sim_pair_free(&p);
}

/* ---- tables ---- */

#define VRF_TABLE 200

static bool in_table(const struct sim_gw *g, uint32_t table, const char *text, uint32_t metric)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(text, true, &p));
    return sim_kernel_route(&g->kernel, table, &p, metric) != NULL;
}

/* As a VRF has it: what leaves by one of its interfaces is looked up in its table. */
static void rule_of_vrf(struct sim_kernel *k, const char *ifname)
{
    struct nl_rule r = {.table = VRF_TABLE, .priority = 1000, .protocol = SIM_PROTO_STATIC};

    assert_true(kd_prefix_parse("0.0.0.0/0", true, &r.dst));
    snprintf(r.oif, sizeof(r.oif), "%s", ifname);
    assert_int_equal(sim_fib_rule(k, &r, false), 0);
}

/* What its neighbor says is known there alone, and it hears nothing of the other table's. */
static void a_tunnel_in_a_table_of_its_own_shares_no_routes(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 120};
    struct sim_pair p;
    uint32_t hosts = 0;

    pair_new(&p, &o);
    p.azure->cfg.tunnels[0].table = VRF_TABLE;
    rule_of_vrf(&p.azure->kernel, "vpn0");
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(30));
    assert_true(sim_bgp_is(p.azure, SIM_VPN, BGP_ESTABLISHED));
    assert_true(sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED));
    assert_true(in_table(p.azure, VRF_TABLE, PREFIX, 20));
    assert_true(in_table(p.azure, 0, PREFIX, 20));
    assert_false(in_table(p.azure, 0, PREFIX, 21)); /* the tunnel is no backup of that */
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    for (size_t i = 0; i < p.azure->kernel.n_routes; i++)
        hosts += p.azure->kernel.routes[i].metric == 5 &&
                 p.azure->kernel.routes[i].table == VRF_TABLE; /* the neighbor's */
    assert_int_equal(hosts, 1);
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    sim_link_cut(p.er, -1, true);
    sim_run(p.sim, KD_S(240));
    assert_false(in_table(p.azure, 0, PREFIX, 20));
    assert_true(in_table(p.azure, VRF_TABLE, PREFIX, 20));
    assert_string_equal(sim_way_to(p.onprem, SIM_AZURE_HOST), "none");
    assert_stops_clean(p.azure);
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_next_hop_behind_a_router_is_usable_while_there_is_a_route_to_it),
        cmocka_unit_test(what_resolves_a_next_hop_is_what_the_kernel_would_use),
        cmocka_unit_test(a_default_route_resolves_next_hops_only_where_configured),
        cmocka_unit_test(a_link_takes_the_routes_over_it_along),
        cmocka_unit_test(lost_news_are_read_again),
        cmocka_unit_test(the_monitors_overrun_asks_nothing_of_our_own_again),
        cmocka_unit_test(an_overrun_of_the_monitor_at_any_moment_of_the_start_is_overcome),
        cmocka_unit_test(anothers_route_with_our_metric_is_left_alone_until_it_goes),
        cmocka_unit_test(a_route_that_would_swallow_its_tunnel_is_refused),
        cmocka_unit_test(the_guard_follows_the_kernels_routes),
        cmocka_unit_test(a_network_in_kernel_is_announced_while_it_is_there),
        cmocka_unit_test(our_own_route_is_not_in_the_kernel),
        cmocka_unit_test(redistributed_are_the_protocols_routes_that_the_policy_permits),
        cmocka_unit_test(no_more_are_redistributed_than_configured_and_room_is_filled_again),
        cmocka_unit_test(a_configured_network_goes_before_redistribution),
        cmocka_unit_test(a_tunnel_in_a_table_of_its_own_shares_no_routes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
