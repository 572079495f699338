/* What a drill's steps do to whole gateways: a neighbor that falls silent, and drains, in virtual
 * time. */
#include "test_sim.h"

#define SEED 41

static size_t mark;

static void up(struct sim_pair *p, struct sim_pair_options o)
{
    o.seed = SEED;
    pair_up(p, &o);
    assert_way(p->onprem, SIM_AZURE_HOST, "er0");
    assert_way(p->azure, SIM_ONPREM_HOST, "er0");
    mark = p->onprem->n_rec;
}

static void command(struct sim_pair *p, enum core_command cmd, uint32_t peer)
{
    sim_gw_command(p->onprem, cmd, CORE_NO_TUNNEL, peer);
    sim_run(p->sim, 1);
}

static void drain_over(struct sim_pair *p, const uint32_t *over, size_t n)
{
    struct core_ev ev = {.kind = CORE_EV_COMMAND,
                         .command = CORE_CMD_NEIGHBOR_DRAIN,
                         .peer = SIM_ER,
                         .data = kd_bytes(over, n * sizeof(*over))};

    sim_gw_post(p->onprem, &ev);
    sim_gw_run(p->onprem);
}

static void drain_over_vpn(struct sim_pair *p)
{
    const uint32_t over = SIM_VPN;

    drain_over(p, &over, 1);
}

static void down(struct sim_pair *p)
{
    check_pair(p, true);
    sim_pair_free(p);
}

static void a_silent_neighbor_is_found_by_bfd_on_both_sides(void **state)
{
    struct sim_pair p;
    uint64_t at;

    (void)state;
    up(&p, (struct sim_pair_options){.bfd_us = KD_MS(300)});
    command(&p, CORE_CMD_NEIGHBOR_SILENT, SIM_ER);
    at = p.sim->now_us;
    assert_true(core_peer_disturbed(p.onprem->core, SIM_ER));
    run_checked(&p, KD_S(1));
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_in_range(when(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_ANY) - at, KD_MS(500),
                    KD_MS(950));
    run_checked(&p, KD_S(20)); /* and it stays silent */
    assert_false(sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED));
    command(&p, CORE_CMD_NEIGHBOR_ENABLE, SIM_ER);
    assert_false(core_peer_disturbed(p.onprem->core, SIM_ER));
    wait_up(&p, KD_S(120));
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    down(&p);
}

/* Without BFD nobody notices before the hold time; enabled before that, it begins anew. */
static void a_silent_neighbor_enabled_again_has_a_new_session(void **state)
{
    struct sim_pair p;

    (void)state;
    up(&p, (struct sim_pair_options){.seed = SEED});
    command(&p, CORE_CMD_NEIGHBOR_SILENT, SIM_ER);
    run_checked(&p, KD_S(2));
    assert_never(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    command(&p, CORE_CMD_NEIGHBOR_ENABLE, SIM_ER);
    wait_up(&p, KD_S(120));
    (void)when(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    down(&p);
}

static void a_drain_moves_our_own_way_out_and_ends_no_session(void **state)
{
    struct sim_pair p;

    (void)state;
    up(&p, (struct sim_pair_options){.seed = SEED});
    command(&p, CORE_CMD_NEIGHBOR_DRAIN, SIM_ER);
    run_checked(&p, KD_S(2));
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    assert_way(p.azure, SIM_ONPREM_HOST, "er0"); /* the other side's is its own */
    command(&p, CORE_CMD_NEIGHBOR_UNDRAIN, SIM_ER);
    run_checked(&p, KD_S(2));
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    assert_never(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
    down(&p);
}

static void more_specifics_move_both_ways_without_a_gap(void **state)
{
    struct sim_pair p;

    (void)state;
    up(&p, (struct sim_pair_options){.seed = SEED});
    drain_over_vpn(&p);
    for (unsigned i = 0; i < 200; i++) { /* at no moment is there no way */
        sim_run(p.sim, KD_MS(1));
        assert_string_not_equal(sim_way_to(p.onprem, SIM_AZURE_HOST), "none");
        assert_string_not_equal(sim_way_to(p.azure, SIM_ONPREM_HOST), "none");
    }
    run_checked(&p, KD_S(2));
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_ping(&p, "vpn0");
    command(&p, CORE_CMD_NEIGHBOR_UNDRAIN, SIM_ER);
    for (unsigned i = 0; i < 200; i++) {
        sim_run(p.sim, KD_MS(1));
        assert_string_not_equal(sim_way_to(p.onprem, SIM_AZURE_HOST), "none");
        assert_string_not_equal(sim_way_to(p.azure, SIM_ONPREM_HOST), "none");
    }
    run_checked(&p, KD_S(2));
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    assert_never(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
    down(&p);
}

static bool count(void *arg, const struct bgp_route_view *r)
{
    (void)r;
    ++*(unsigned *)arg;
    return true;
}

static unsigned told(const struct sim_pair *p, uint32_t peer)
{
    unsigned n = 0;

    bgp_rib_walk(core_bgp(p->onprem->core), BGP_VIEW_ADVERTISED, peer, count, &n);
    return n;
}

static void told_is(const struct sim_pair *p, unsigned vpn, unsigned er)
{
    assert_int_equal(told(p, SIM_VPN), vpn);
    assert_int_equal(told(p, SIM_ER), er);
}

/* Two instances that lost a half at once would send its traffic to each other. */
static void who_was_told_halves_hears_of_the_end_one_after_the_other(void **state)
{
    const uint32_t both[] = {SIM_VPN, SIM_ER};
    struct sim_pair p;

    (void)state;
    up(&p, (struct sim_pair_options){.seed = SEED});
    const unsigned n = told(&p, SIM_VPN), m = told(&p, SIM_ER);
    drain_over(&p, both, 2);
    run_checked(&p, KD_MS(100));
    const unsigned halves = told(&p, SIM_VPN) - n;
    assert_int_not_equal(halves, 0);
    told_is(&p, n + halves, m + halves);
    command(&p, CORE_CMD_NEIGHBOR_UNDRAIN, SIM_ER);
    run_checked(&p, KD_MS(900));
    told_is(&p, n, m + halves);
    run_checked(&p, KD_MS(100));
    told_is(&p, n, m);
    drain_over(&p, both, 2);
    command(&p, CORE_CMD_NEIGHBOR_UNDRAIN, SIM_ER);
    drain_over(&p, both, 1); /* anew, before the last has heard: what both hold stays */
    run_checked(&p, KD_S(2));
    assert_true(told(&p, SIM_VPN) >= n + halves);
    assert_int_equal(told(&p, SIM_ER), m);
    command(&p, CORE_CMD_NEIGHBOR_UNDRAIN, SIM_ER);
    run_checked(&p, KD_MS(100));
    told_is(&p, n, m);
    down(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_neighbor_is_found_by_bfd_on_both_sides),
        cmocka_unit_test(a_silent_neighbor_enabled_again_has_a_new_session),
        cmocka_unit_test(a_drain_moves_our_own_way_out_and_ends_no_session),
        cmocka_unit_test(more_specifics_move_both_ways_without_a_gap),
        cmocka_unit_test(who_was_told_halves_hears_of_the_end_one_after_the_other),
    };
    return cmocka_run_group_tests_name("sim drill", tests, NULL, NULL);
}
