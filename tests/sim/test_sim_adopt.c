/* A second life of the process: what the first one left in the kernel carries on, is replaced in
 * place, and ends when nobody wants it any more. */
#include "test_sim.h"

#define PREFIX "10.1.11.0/25"

static uint32_t group_of(const struct sim_gw *g, const char *text)
{
    const struct nl_route *r;
    struct kd_prefix p;

    assert_true(kd_prefix_parse(text, true, &p));
    r = sim_kernel_route(&g->kernel, 0, &p, 20);
    return r ? r->nh_id : 0;
}

/* The azure side died and is back for so long; its neighbor over ER can't be heard. */
static void back_without_er(struct sim_pair *p, uint64_t seed, uint64_t for_us)
{
    pair_up(p, &(struct sim_pair_options){.seed = seed});
    sim_gw_kill(p->azure);
    sim_link_cut(p->er, -1, true);
    sim_gw_start(p->azure);
    sim_run(p->sim, for_us);
}

static void a_restart_leaves_no_moment_without_the_way(void **st KD_UNUSED)
{
    for (uint64_t kernel_us = 0; kernel_us <= KD_MS(3); kernel_us += KD_MS(1)) {
        struct sim_pair_options o = {.seed = 130};
        struct sim_pair p;
        uint32_t old;

        pair_up(&p, &o);
        p.azure->kernel_us = kernel_us;
        old = group_of(p.azure, PREFIX);
        sim_gw_kill(p.azure);
        assert_way(p.azure, SIM_ONPREM_HOST, "er0");
        sim_gw_start(p.azure);
        for (int i = 0; i < 40000; i++) {
            sim_run(p.sim, 500);
            assert_way(p.azure, SIM_ONPREM_HOST, "er0");
        }
        wait_up(&p, KD_S(60)); /* nothing of the old is left over: check_pair() */
        assert_int_not_equal(group_of(p.azure, PREFIX), old);
        assert_never(p.azure, p.azure->n_rec - 1, CORE_NOTE_KERNEL_ERROR, SIM_ANY);
        sim_pair_free(&p);
    }
}

/* ... though it was in front when the process died, and would be the only one for a while. */
static void a_neighbor_that_is_back_first_does_not_take_the_others_traffic(void **st KD_UNUSED)
{
    struct sim_pair p;

    back_without_er(&p, 131, KD_S(10));
    assert_true(sim_bgp_is(p.azure, SIM_VPN, BGP_ESTABLISHED));
    assert_false(sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    sim_link_cut(p.er, -1, false);
    while (!sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED)) {
        sim_run(p.sim, KD_MS(10));
        assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    }
    wait_up(&p, KD_S(60));
    sim_pair_free(&p);
}

static void one_that_does_not_come_back_is_waited_for_half_a_minute(void **st KD_UNUSED)
{
    struct sim_pair p;

    back_without_er(&p, 132, KD_S(29));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    sim_run(p.sim, KD_S(2));
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    sim_pair_free(&p);
}

/* The kernel has flushed what led over it. */
static void a_link_that_goes_down_ends_the_waiting(void **st KD_UNUSED)
{
    struct sim_pair p;

    back_without_er(&p, 133, KD_S(10));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    sim_link_unplug(p.er, true);
    sim_run(p.sim, KD_MS(1));
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    sim_pair_free(&p);
}

/* What was withdrawn meanwhile goes as soon as every neighbor has told its table. */
static void what_nobody_says_again_goes_when_all_have_spoken(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 134};
    struct sim_pair p;
    struct kd_prefix gone;

    pair_new(&p, &o);
    assert_true(kd_prefix_parse("10.77.0.0/16", true, &gone));
    p.onprem->cfg.networks[p.onprem->cfg.n_networks++].prefix = gone;
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    assert_int_not_equal(group_of(p.azure, "10.77.0.0/16"), 0);
    sim_gw_kill(p.azure);
    sim_gw_kill(p.onprem);
    p.onprem->cfg.n_networks--;
    sim_gw_start(p.onprem);
    sim_gw_start(p.azure);
    assert_int_not_equal(group_of(p.azure, "10.77.0.0/16"), 0);
    wait_up(&p, KD_S(25));
    assert_int_equal(group_of(p.azure, "10.77.0.0/16"), 0);
    assert_int_not_equal(group_of(p.azure, PREFIX), 0);
    sim_pair_free(&p);
}

static void a_stop_ends_what_was_adopted_as_well(void **st KD_UNUSED)
{
    struct sim_pair p;

    back_without_er(&p, 135, KD_S(5));
    assert_stops_clean(p.azure);
    sim_pair_free(&p);
}

static void an_overrun_while_waiting_is_overcome(void **st KD_UNUSED)
{
    for (uint64_t at_ms = 0; at_ms < 40; at_ms += 4) {
        struct sim_pair_options o = {.seed = 136};
        struct sim_pair p;

        pair_up(&p, &o);
        p.azure->kernel_us = KD_MS(2);
        sim_gw_kill(p.azure);
        sim_gw_start(p.azure);
        sim_run(p.sim, KD_MS(at_ms));
        overrun(p.azure, KD_MS(3));
        wait_up(&p, KD_S(60));
        sim_pair_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_leaves_no_moment_without_the_way),
        cmocka_unit_test(a_neighbor_that_is_back_first_does_not_take_the_others_traffic),
        cmocka_unit_test(one_that_does_not_come_back_is_waited_for_half_a_minute),
        cmocka_unit_test(a_link_that_goes_down_ends_the_waiting),
        cmocka_unit_test(what_nobody_says_again_goes_when_all_have_spoken),
        cmocka_unit_test(a_stop_ends_what_was_adopted_as_well),
        cmocka_unit_test(an_overrun_while_waiting_is_overcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
