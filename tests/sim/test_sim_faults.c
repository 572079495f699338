/* What goes wrong between a gateway and its own host: refused and lost netlink requests, refused
 * SAs, a process that dies and comes back. */
#include "test_sim.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#define STATIC_PROTO 4 /* RTPROT_STATIC: somebody else's */

/* ---- refusals ---- */

static uint64_t requests_to_come_up(void)
{
    struct sim_pair_options o = {.seed = 1};
    struct sim_pair p;
    uint64_t n;

    pair_up(&p, &o);
    n = p.azure->kernel.n_requests;
    sim_pair_free(&p);
    return n;
}

static void any_one_refusal_on_the_way_up_is_overcome(void **st KD_UNUSED)
{
    uint64_t last = requests_to_come_up();

    assert_true(last > 10);
    for (uint64_t n = 1; n <= last; n++) {
        struct sim_pair_options o = {.seed = 1};
        struct sim_pair p;

        pair_new(&p, &o);
        sim_kernel_fail(&p.azure->kernel, (uint32_t)n, ENOMEM);
        sim_pair_start(&p);
        if (!sim_pair_wait_up(&p, KD_S(60)))
            fail_msg("refusing request %u leaves it down", (unsigned)n);
        wait_up(&p, KD_S(1));
        if (n > 9) /* the dumps of both sockets are asked again without a word */
            (void)when(p.azure, 0, CORE_NOTE_KERNEL_ERROR, SIM_ANY);
        sim_pair_free(&p);
    }
}

/* When the tunnel fails, whichever request the kernel refuses: no route is left over it. */
static void kernel_refusal_leaves_nothing_half_installed(void **st KD_UNUSED)
{
    for (uint32_t n = 1; n <= 12; n++) {
        struct sim_pair_options o = {.seed = 2, .no_er = n % 2};
        struct sim_pair p;

        pair_up(&p, &o);
        sim_link_cut(p.internet, -1, true);
        sim_kernel_fail(&p.azure->kernel, n, ENOMEM);
        run_checked(&p, KD_S(8));
        check_pair(&p, true);
        sim_link_cut(p.internet, -1, false);
        wait_up(&p, KD_S(60));
        sim_pair_free(&p);
    }
}

static void any_one_refusal_when_er_is_cut_is_overcome(void **st KD_UNUSED)
{
    for (uint32_t n = 1; n <= 12; n++) {
        struct sim_pair_options o = {.seed = 3};
        struct sim_pair p;

        pair_up(&p, &o);
        sim_kernel_fail(&p.azure->kernel, n, ENOMEM);
        sim_link_unplug(p.er, true);
        run_checked(&p, KD_S(5));
        check_pair(&p, true);
        assert_ping(&p, "vpn0");
        sim_link_unplug(p.er, false);
        wait_up(&p, KD_S(60));
        sim_pair_free(&p);
    }
}

/* Refused for good: asked again ever more rarely, and right again when the kernel has come round.
 */
static void a_kernel_that_goes_on_refusing_is_not_hammered(void **st KD_UNUSED)
{
    static const uint16_t types[] = {RTM_NEWNEXTHOP, RTM_NEWROUTE,   RTM_NEWADDR,
                                     RTM_SETLINK,    RTM_DELNEXTHOP, RTM_DELROUTE};

    for (size_t i = 0; i < KD_ARRAY_LEN(types); i++) {
        struct sim_pair_options o = {.seed = 40 + i};
        struct sim_pair p;
        uint64_t n;

        pair_new(&p, &o);
        sim_kernel_fail_type(&p.azure->kernel, types[i], ENOMEM);
        sim_pair_start(&p);
        sim_run(p.sim, KD_S(10));
        n = p.azure->kernel.n_requests;
        sim_run(p.sim, KD_S(60));
        assert_in_range(p.azure->kernel.n_requests - n, 0, 1000);
        sim_kernel_fail_type(&p.azure->kernel, 0, 0);
        wait_up(&p, KD_S(60));
        sim_pair_free(&p);
    }
}

static void a_kernel_that_refuses_the_failover_is_not_hammered(void **st KD_UNUSED)
{
    static const uint16_t types[] = {RTM_NEWNEXTHOP, RTM_NEWROUTE, RTM_DELNEXTHOP, RTM_DELROUTE};

    for (size_t i = 0; i < KD_ARRAY_LEN(types); i++) {
        struct sim_pair_options o = {.seed = 50 + i};
        struct sim_pair p;
        uint64_t n;

        pair_up(&p, &o);
        n = p.azure->kernel.n_requests;
        sim_kernel_fail_type(&p.azure->kernel, types[i], ENOMEM);
        sim_link_cut(p.er, -1, true); /* BGP goes over to the VPN, the interface stays */
        sim_run(p.sim, KD_S(240));
        sim_link_cut(p.internet, -1, true);
        sim_run(p.sim, KD_S(20));
        assert_in_range(p.azure->kernel.n_requests - n, 1, 3000);
        sim_kernel_fail_type(&p.azure->kernel, 0, 0);
        sim_link_cut(p.er, -1, false);
        sim_link_cut(p.internet, -1, false);
        wait_up(&p, KD_S(120));
        sim_pair_free(&p);
    }
}

static void any_one_refusal_while_stopping_is_overcome(void **st KD_UNUSED)
{
    for (uint32_t n = 1; n <= 12; n++) {
        struct sim_pair_options o = {.seed = 60};
        struct sim_pair p;

        pair_up(&p, &o);
        sim_kernel_fail(&p.azure->kernel, n, ENOMEM);
        assert_stops_clean(p.azure);
        sim_pair_free(&p);
    }
}

static void a_refused_sa_is_not_used_and_tried_again(void **st KD_UNUSED)
{
    for (int side = 0; side < 2; side++) {
        struct sim_pair_options o = {
            .seed = 4 + (uint64_t)side, .no_er = true, .azure = IKE_ROLE_RESPONDER};
        struct sim_pair p;

        pair_new(&p, &o);
        (side ? p.azure : p.onprem)->dp.fail_in = 1;
        sim_pair_start(&p);
        sim_run(p.sim, KD_MS(200));
        assert_null(p.azure->dp.sas); /* install before reply: nothing half up */
        assert_null(p.onprem->dp.sas);
        wait_up(&p, KD_S(60));
        sim_pair_free(&p);
    }
}

/* ---- losses ---- */

static void netlink_overrun_resyncs(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 6};
    struct sim_pair p;

    pair_up(&p, &o);
    p.azure->nl_deaf = true;
    sim_link_unplug(p.er, true); /* the kernel flushes, and its word is lost */
    sim_run(p.sim, KD_MS(1));
    sim_gw_overrun(p.azure);
    run_checked(&p, KD_S(3));
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    check_pair(&p, true);
    p.azure->nl_deaf = true;
    sim_link_unplug(p.er, false);
    sim_run(p.sim, KD_MS(1));
    sim_gw_overrun(p.azure);
    wait_up(&p, KD_S(30));
    sim_pair_free(&p);
}

static void an_overrun_at_any_moment_of_the_start_is_overcome(void **st KD_UNUSED)
{
    for (uint64_t at_ms = 0; at_ms < 120; at_ms += 3) {
        struct sim_pair_options o = {.seed = 7};
        struct sim_pair p;

        pair_new(&p, &o);
        p.azure->kernel_us = KD_MS(4);
        sim_pair_start(&p);
        sim_run(p.sim, KD_MS(at_ms));
        overrun(p.azure, KD_MS(5));
        if (!sim_pair_wait_up(&p, KD_S(60)))
            fail_msg("an overrun after %u ms leaves it down", (unsigned)at_ms);
        wait_up(&p, KD_S(1));
        sim_pair_free(&p);
    }
}

static void an_overrun_during_failover_is_overcome(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 8};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    p.azure->nl_deaf = true;
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(5));
    sim_gw_overrun(p.azure);
    run_checked(&p, KD_S(2));
    check_pair(&p, true);
    (void)when(p.azure, mark, CORE_NOTE_FIB_CLEAR, 0);
    sim_pair_free(&p);
}

/* ---- a second life ---- */

static void leave_foreign_objects(struct sim_gw *g)
{
    uint32_t oif = sim_kernel_link_named(&g->kernel, "lan0")->ifindex;
    struct nl_route r = {.metric = 50, .protocol = STATIC_PROTO, .oif = oif};
    struct nl_nexthop n = {.id = 7, .family = 4, .protocol = STATIC_PROTO, .oif = oif};

    assert_true(kd_prefix_parse("10.99.0.0/16", true, &r.dst));
    assert_int_equal(sim_kernel_route_add(&g->kernel, &r), 0);
    assert_int_equal(sim_kernel_nexthop_add(&g->kernel, &n), 0);
}

static void restart_ends_what_nobody_says_again_and_own_routes_only(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 9};
    struct sim_pair p;

    pair_up(&p, &o);
    leave_foreign_objects(p.azure);
    sim_gw_kill(p.azure);
    assert_true(sim_kernel_routes_of(&p.azure->kernel, NL_PROTO_KEDGE) > 0); /* over er0 */
    sim_link_cut(p.internet, -1, true);
    sim_link_cut(p.er, -1, true);
    sim_gw_start(p.azure);
    sim_run(p.sim, KD_S(29));
    assert_true(sim_kernel_routes_of(&p.azure->kernel, NL_PROTO_KEDGE) > 1); /* waited for */
    sim_run(p.sim, KD_S(2));
    /* What is left is what this life wants: the neighbor's fallback. */
    assert_int_equal(sim_kernel_routes_of(&p.azure->kernel, NL_PROTO_KEDGE), 1);
    assert_int_equal(sim_kernel_nexthops_of(&p.azure->kernel, NL_PROTO_KEDGE), 0);
    assert_int_equal(sim_kernel_routes_of(&p.azure->kernel, STATIC_PROTO), 1);
    assert_int_equal(sim_kernel_nexthops_of(&p.azure->kernel, STATIC_PROTO), 1);
    sim_link_cut(p.internet, -1, false);
    sim_link_cut(p.er, -1, false);
    wait_up(&p, KD_S(120));
    assert_int_equal(sim_kernel_routes_of(&p.azure->kernel, STATIC_PROTO), 1);
    sim_pair_free(&p);
}

static void stop_leaves_foreign_routes(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 10};
    struct sim_pair p;

    pair_up(&p, &o);
    leave_foreign_objects(p.azure);
    assert_stops_clean(p.azure);
    assert_int_equal(sim_kernel_routes_of(&p.azure->kernel, STATIC_PROTO), 1);
    assert_int_equal(sim_kernel_nexthops_of(&p.azure->kernel, STATIC_PROTO), 1);
    sim_pair_free(&p);
}

/* ---- everything at once: safety while it storms, life when it is over ---- */

static void process(struct sim_gw *g)
{
    if (g->core)
        sim_gw_kill(g);
    else
        sim_gw_start(g);
}

static void one_blow(struct sim_pair *p)
{
    static const enum core_command commands[] = {CORE_CMD_UP,
                                                 CORE_CMD_UP,
                                                 CORE_CMD_DOWN,
                                                 CORE_CMD_RESET,
                                                 CORE_CMD_REKEY,
                                                 CORE_CMD_NEIGHBOR_SHUTDOWN,
                                                 CORE_CMD_NEIGHBOR_ENABLE};
    struct sim *s = p->sim;
    struct sim_gw *g = sim_chance(s, 500) ? p->azure : p->onprem;
    struct sim_link *l = sim_chance(s, 500) ? p->internet : p->er;

    switch (sim_below(s, 9)) {
    case 0:
        sim_link_cut(l, (int)sim_below(s, 3) - 1, sim_chance(s, 500));
        break;
    case 1:
        sim_link_unplug(p->er, sim_chance(s, 500));
        break;
    case 2:
        process(g);
        break;
    case 3:
        sim_kernel_fail(&g->kernel, 1 + (uint32_t)sim_below(s, 10), ENOMEM);
        break;
    case 4:
        g->dp.fail_in = 1;
        break;
    case 5:
        g->nl_deaf = true;
        break;
    case 6:
        sim_gw_overrun(g);
        break;
    case 7:
        l->faults.loss = (uint32_t)sim_below(s, 300);
        l->faults.jitter_us = sim_below(s, KD_MS(50));
        l->faults.dup = (uint32_t)sim_below(s, 200);
        break;
    default:
        sim_gw_command(g, commands[sim_below(s, KD_ARRAY_LEN(commands))], 0,
                       sim_chance(s, 500) ? SIM_ER : SIM_VPN);
        break;
    }
}

static void calm(struct sim_pair *p, struct sim_gw *g)
{
    g->dp.fail_in = 0;
    sim_kernel_fail(&g->kernel, 0, 0);
    sim_gw_overrun(g);
    if (!g->core)
        sim_gw_start(g);
    sim_run(p->sim, 0);
    sim_gw_command(g, CORE_CMD_UP, SIM_VPN, SIM_VPN);
    sim_gw_command(g, CORE_CMD_NEIGHBOR_ENABLE, 0, SIM_VPN);
    sim_gw_command(g, CORE_CMD_NEIGHBOR_ENABLE, 0, SIM_ER);
}

static void one_storm(uint64_t seed)
{
    struct sim_pair_options o = {.seed = seed, .child_life_us = KD_S(45)};
    struct sim_pair p;

    pair_new(&p, &o);
    p.azure->kernel_us = p.onprem->kernel_us = sim_below(p.sim, KD_MS(3));
    sim_pair_start(&p);
    for (int i = 0; i < 60; i++) {
        one_blow(&p);
        sim_run(p.sim, sim_below(p.sim, KD_S(4)));
        check_pair(&p, false);
    }
    p.internet->faults = p.er->faults = (struct sim_faults){.latency_us = KD_MS(5)};
    sim_link_unplug(p.er, false);
    sim_link_cut(p.internet, -1, false);
    sim_link_cut(p.er, -1, false);
    calm(&p, p.azure);
    calm(&p, p.onprem);
    wait_up(&p, KD_S(300));
    sim_pair_free(&p);
}

static void any_storm_ends_well(void **st KD_UNUSED)
{
    const char *from = getenv("KEDGE_STORM"); /* a first seed, to look for more */
    uint64_t seed = from ? strtoull(from, NULL, 10) : 1000;

    for (uint64_t n = from ? 200 : 12; n-- > 0; seed++)
        one_storm(seed);
}

static void storms_that_ended_badly_once_end_well(void **st KD_UNUSED)
{
    /* 7109: unreachable, the peer's new IKE SA without its refused pair, then heard again; with
     * another request at the start: the peer deletes the one in use of two pairs made at once */
    one_storm(7109);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_one_refusal_on_the_way_up_is_overcome),
        cmocka_unit_test(kernel_refusal_leaves_nothing_half_installed),
        cmocka_unit_test(any_one_refusal_when_er_is_cut_is_overcome),
        cmocka_unit_test(a_kernel_that_goes_on_refusing_is_not_hammered),
        cmocka_unit_test(a_kernel_that_refuses_the_failover_is_not_hammered),
        cmocka_unit_test(any_one_refusal_while_stopping_is_overcome),
        cmocka_unit_test(a_refused_sa_is_not_used_and_tried_again),
        cmocka_unit_test(netlink_overrun_resyncs),
        cmocka_unit_test(an_overrun_at_any_moment_of_the_start_is_overcome),
        cmocka_unit_test(an_overrun_during_failover_is_overcome),
        cmocka_unit_test(restart_ends_what_nobody_says_again_and_own_routes_only),
        cmocka_unit_test(stop_leaves_foreign_routes),
        cmocka_unit_test(any_storm_ends_well),
        cmocka_unit_test(storms_that_ended_badly_once_end_well),
    };

    setvbuf(stdout, NULL, _IOLBF, 0); /* the seed of what aborts is told */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
