/* A tunnel's whole life, with each of its netlink requests in turn refused, or carried out and its
 * answer lost: life goes on, and at the end the audit finds nothing missing and nothing left. */
#include "test_sim.h"

#include <errno.h>

#define LIFE_S 60

static void settled(struct sim_pair *p, bool up)
{
    if (up)
        wait_up(p, KD_S(LIFE_S));
    else
        run_checked(p, KD_S(3));
    check_pair(p, true); /* the audit among it */
}

static bool up_and_paired(const struct sim_pair *p)
{
    struct core_tunnel_view v;

    return core_tunnel_get(p->azure->core, 0, &v) && v.state == CORE_T_UP;
}

/* From the start on: up, rekeyed twice, the way lost and back, down and up, stopped. */
static void live(struct sim_pair *p)
{
    sim_pair_start(p);
    settled(p, true);
    sim_gw_command(p->azure, CORE_CMD_REKEY_CHILD, 0, 0);
    run_checked(p, KD_S(2));
    assert_true(up_and_paired(p));
    sim_gw_command(p->azure, CORE_CMD_REKEY_IKE, 0, 0);
    run_checked(p, KD_S(2));
    assert_true(up_and_paired(p));
    sim_link_unplug(p->er, true);
    run_checked(p, KD_S(5));
    assert_ping(p, "vpn0");
    sim_link_unplug(p->er, false);
    settled(p, true);
    sim_gw_command(p->azure, CORE_CMD_DOWN, 0, 0);
    settled(p, false);
    sim_gw_command(p->azure, CORE_CMD_UP, 0, 0);
    settled(p, true);
    sim_gw_stop(p->azure);
    sim_run(p->sim, KD_S(10));
    assert_true(p->azure->stopped);
    assert_int_equal(sim_kernel_routes_of(&p->azure->kernel, NL_PROTO_KEDGE), 0);
    assert_int_equal(sim_kernel_nexthops_of(&p->azure->kernel, NL_PROTO_KEDGE), 0);
    assert_null(sim_kernel_link_named(&p->azure->kernel, "vpn0"));
}

static uint64_t requests_of_a_life(void)
{
    struct sim_pair_options o = {.seed = 320};
    struct sim_pair p;
    uint64_t n;

    pair_new(&p, &o);
    live(&p);
    n = p.azure->kernel.n_requests;
    sim_pair_free(&p);
    return n;
}

static void with_faults(int error)
{
    uint64_t total = requests_of_a_life();

    printf("# %u requests\n", (unsigned)total);
    assert_true(total > 60);
    for (uint64_t n = 1; n <= total; n++) {
        struct sim_pair_options o = {.seed = 320};
        struct sim_pair p;

        printf("# request %u %s\n", (unsigned)n, error ? "refused" : "lost");
        pair_new(&p, &o);
        sim_kernel_fail(&p.azure->kernel, (uint32_t)n, error);
        live(&p);
        sim_pair_free(&p);
    }
}

static void each_request_refused_is_overcome(void **st KD_UNUSED)
{
    with_faults(ENOMEM);
}

static void each_answer_lost_is_overcome(void **st KD_UNUSED)
{
    with_faults(0);
}

/* ---- a rekey ---- */

static uint32_t spi_of(const struct sim_pair *p)
{
    struct core_tunnel_view v;

    assert_true(core_tunnel_get(p->azure->core, 0, &v));
    assert_int_equal(v.ike.n_children, 1);
    return v.ike.children[0].spi_in;
}

/* By us or by the peer: what carried goes on, nothing of the new pair stays, the next try is good.
 */
static void a_pair_refused_at_a_rekey_leaves_the_old_one_carrying(void **st KD_UNUSED)
{
    for (int by_peer = 0; by_peer < 2; by_peer++) {
        struct sim_pair_options o = {.seed = 330, .no_er = true};
        struct sim_pair p;
        uint32_t spi, pairs, in_use;

        pair_up(&p, &o);
        spi = spi_of(&p);
        p.azure->dp.fail_in = 1;
        sim_gw_command(by_peer ? p.onprem : p.azure, CORE_CMD_REKEY_CHILD, 0, 0);
        for (int i = 0; i < 10; i++) {
            assert_ping(&p, "vpn0");
            check_pair(&p, false);
        }
        assert_int_equal(p.azure->dp.fail_in, 0);
        assert_int_equal(spi_of(&p), spi);
        sim_dp_count(p.azure, 0, &pairs, &in_use);
        assert_int_equal(pairs, 1);
        check_pair(&p, true);
        sim_gw_command(by_peer ? p.onprem : p.azure, CORE_CMD_REKEY_CHILD, 0, 0);
        run_checked(&p, KD_S(60));
        assert_int_not_equal(spi_of(&p), spi);
        assert_ping(&p, "vpn0");
        sim_pair_free(&p);
    }
}

static void an_interface_that_somebody_deletes_is_made_again(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 340, .no_er = true};
    struct sim_pair p;

    pair_up(&p, &o);
    sim_kernel_link_del(&p.azure->kernel, p.azure->tun[0]);
    sim_run(p.sim, KD_MS(1));
    (void)when(p.azure, 0, CORE_NOTE_KERNEL_ERROR, 0);
    wait_up(&p, KD_S(60));
    assert_ping(&p, "vpn0");
    sim_pair_free(&p);
}

/* Its only session has closed when its routes are out already: no event follows that. */
static void an_end_that_has_nothing_to_wait_for_comes_at_once(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 330};
    struct sim_pair p;

    pair_new(&p, &o);
    p.azure->cfg.n_tunnels = 0;
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(30));
    assert_true(sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED));
    p.er->faults.latency_us = KD_MS(20); /* the session's end is the last that happens */
    sim_gw_stop(p.azure);
    sim_run(p.sim, KD_MS(100));
    assert_true(p.azure->stopped);
    sim_pair_free(&p);
}

/* Not switched off by anybody: since the process began, and for no reason. */
static void a_neighbor_whose_tunnel_has_not_come_up_is_idle_since_the_start(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 331};
    struct bgp_peer_view v;
    uint64_t started_us;
    struct sim_pair p;

    pair_new(&p, &o);
    sim_run(p.sim, KD_S(100));
    started_us = p.sim->now_us;
    sim_gw_start(p.onprem);
    sim_run(p.sim, KD_S(5));
    assert_true(bgp_peer_get(core_bgp(p.onprem->core), SIM_VPN, &v));
    assert_int_equal(v.state, BGP_IDLE);
    assert_int_equal(v.reason, KD_REASON_NONE);
    assert_int_equal(v.since_us, started_us);
    sim_gw_command(p.onprem, CORE_CMD_NEIGHBOR_SHUTDOWN, CORE_NO_TUNNEL, SIM_VPN);
    sim_run(p.sim, KD_S(1));
    assert_true(bgp_peer_get(core_bgp(p.onprem->core), SIM_VPN, &v));
    assert_int_equal(v.reason, KD_REASON_ADMIN);
    sim_gw_command(p.onprem, CORE_CMD_NEIGHBOR_ENABLE, CORE_NO_TUNNEL, SIM_VPN);
    sim_run(p.sim, KD_S(1));
    assert_true(bgp_peer_get(core_bgp(p.onprem->core), SIM_VPN, &v));
    assert_int_equal(v.reason, KD_REASON_NONE);
    sim_pair_free(&p);
}

/* A tunnel that was taken down, or plays dead, is as one that was never touched: it comes back also
 * after its device was lost. */
static void a_reset_brings_up_what_was_taken_down(void **st KD_UNUSED)
{
    static const enum core_command before[] = {CORE_CMD_DOWN, CORE_CMD_DOWN_SILENT};

    for (uint64_t i = 0; i < KD_ARRAY_LEN(before); i++) {
        struct sim_pair_options o = {.seed = 332 + i, .no_er = true};
        struct sim_pair p;

        pair_up(&p, &o);
        sim_gw_command(p.onprem, before[i], SIM_VPN, CORE_NO_PEER);
        sim_run(p.sim, KD_S(10));
        sim_gw_command(p.onprem, CORE_CMD_RESET, SIM_VPN, CORE_NO_PEER);
        wait_up(&p, KD_S(60));
        sim_kernel_link_del(&p.onprem->kernel, p.onprem->tun[0]);
        sim_run(p.sim, KD_MS(1));
        wait_up(&p, KD_S(60));
        run_checked(&p, KD_S(10));
        assert_ping(&p, "vpn0");
        sim_pair_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_refused_is_overcome),
        cmocka_unit_test(each_answer_lost_is_overcome),
        cmocka_unit_test(an_interface_that_somebody_deletes_is_made_again),
        cmocka_unit_test(a_pair_refused_at_a_rekey_leaves_the_old_one_carrying),
        cmocka_unit_test(an_end_that_has_nothing_to_wait_for_comes_at_once),
        cmocka_unit_test(a_neighbor_whose_tunnel_has_not_come_up_is_idle_since_the_start),
        cmocka_unit_test(a_reset_brings_up_what_was_taken_down),
    };

    setvbuf(stdout, NULL, _IOLBF, 0); /* which request it was is told before */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
