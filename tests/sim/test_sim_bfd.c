/* BFD beside BGP on whole gateways: what its verdict does to sessions, paths and the kernel's
 * routes, in virtual time. The engine's own tests are tests/unit/test_bfd_*.c. */
#include "test_sim.h"

#define INTERVAL KD_MS(300)
#define DETECT   (3 * INTERVAL)

static void up(struct sim_pair *p, const struct sim_pair_options *o)
{
    pair_up(p, o);
    for (uint32_t i = 0; i < 2; i++) {
        struct bfd_session_view v;
        const uint32_t peer = i ? SIM_ER : SIM_VPN;
        assert_true(core_bfd_get(p->azure->core, peer, &v));
        assert_int_equal(v.state, BFD_UP);
        assert_int_equal(v.tx_us, o->bfd_us);
    }
}

static uint64_t at(const struct sim_gw *g, size_t i)
{
    assert_true(i < g->n_rec);
    return g->rec[i].r.now_us;
}

/* Seed 002: 300 ms x 3 beside the MSEE sessions. Without BFD the same cut takes 180 s
 * (a_silent_er_loss_ends_with_the_hold_timer). */
static void a_silent_er_loss_ends_with_bfd_in_the_same_step(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 61, .bfd_us = INTERVAL};
    struct sim_pair p;
    uint64_t cut_us;
    size_t mark, down, stop;

    up(&p, &o);
    mark = p.azure->n_rec;
    cut_us = p.sim->now_us;
    sim_link_cut(p.er, -1, true);
    run_checked(&p, DETECT + KD_MS(400));
    down = sim_gw_find(p.azure, mark, CORE_NOTE_BFD_STATE, SIM_ER);
    stop = sim_gw_find(p.azure, mark, CORE_NOTE_BGP_STOP, SIM_ER);
    assert_true(at(p.azure, down) - cut_us <= DETECT + KD_MS(50));
    assert_int_equal(at(p.azure, stop), at(p.azure, down)); /* the same step */
    assert_true(down < stop);
    assert_int_equal(p.azure->rec[stop].r.reason, KD_REASON_BFD_DOWN);
    assert_true(p.azure->rec[down].r.latency_us >= DETECT * 9 / 10);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    assert_ping(&p, "vpn0");
    assert_int_equal(sim_gw_find(p.azure, mark, CORE_NOTE_BFD_STATE, SIM_VPN), SIZE_MAX);
    sim_link_cut(p.er, -1, false);
    wait_up(&p, KD_S(30));
    assert_ping(&p, "er0");
    sim_pair_free(&p);
}

/* Faster than the detection budget (2 s): the tunnel's SAs stay, its session and paths go, and the
 * IKE SA is asked at once. */
static void bfd_through_the_tunnel_beats_the_detection_budget(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 62, .bfd_us = KD_MS(50), .vpn_first = true};
    struct sim_pair p;
    uint64_t cut_us;
    size_t mark, stop, detect;

    up(&p, &o);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    mark = p.azure->n_rec;
    cut_us = p.sim->now_us;
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_MS(300));
    stop = sim_gw_find(p.azure, mark, CORE_NOTE_BGP_STOP, SIM_VPN);
    assert_true(at(p.azure, stop) - cut_us <= KD_MS(250));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    assert_ping(&p, "er0");
    assert_int_equal(sim_gw_find(p.azure, mark, CORE_NOTE_DETECT, SIM_VPN), SIZE_MAX);
    run_checked(&p, KD_S(3));
    detect = sim_gw_find(p.azure, mark, CORE_NOTE_DETECT, SIM_VPN);
    assert_true(at(p.azure, detect) > at(p.azure, stop));
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(90));
    sim_pair_free(&p);
}

/* RFC 5882 4.2: no failure, so BGP stays. */
static void a_neighbor_shut_down_by_its_administrator_is_no_bfd_failure(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 63, .bfd_us = INTERVAL};
    struct sim_pair p;
    struct bfd_session_view v;
    size_t mark;

    up(&p, &o);
    mark = p.azure->n_rec;
    sim_gw_command(p.onprem, CORE_CMD_NEIGHBOR_SHUTDOWN, CORE_NO_TUNNEL, SIM_ER);
    run_checked(&p, KD_S(5));
    assert_true(core_bfd_get(p.azure->core, SIM_ER, &v));
    assert_int_equal(v.failures, 0);
    assert_int_equal(v.state, BFD_DOWN);
    assert_int_equal(p.azure->rec[sim_gw_find(p.azure, mark, CORE_NOTE_BGP_STOP, SIM_ER)].r.reason,
                     KD_REASON_PEER_CEASE);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    sim_gw_command(p.onprem, CORE_CMD_NEIGHBOR_ENABLE, CORE_NO_TUNNEL, SIM_ER);
    wait_up(&p, KD_S(30));
    sim_pair_free(&p);
}

/* One way is enough: the far end says Down, or its packets no longer come. */
static void a_one_way_er_loss_is_found_by_both_ends(void **st KD_UNUSED)
{
    for (int end = 0; end < 2; end++) {
        struct sim_pair_options o = {.seed = 64, .bfd_us = INTERVAL};
        struct sim_pair p;

        up(&p, &o);
        sim_link_cut(p.er, end, true);
        run_checked(&p, DETECT + KD_MS(500));
        assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
        assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
        assert_ping(&p, "vpn0");
        sim_pair_free(&p);
    }
}

static bool er_established(void *arg)
{
    const struct sim_pair *p = arg;

    return sim_bgp_is(p->azure, SIM_ER, BGP_ESTABLISHED);
}

/* A peer that no longer speaks BFD gets its BGP back after a while; with `strict` never. */
static void a_peer_without_bfd_is_not_kept_away_for_ever_unless_strict(void **st KD_UNUSED)
{
    for (int strict = 0; strict < 2; strict++) {
        struct sim_pair_options o = {.seed = 65, .bfd_us = INTERVAL, .bfd_strict = strict};
        struct sim_pair p;

        up(&p, &o);
        sim_gw_kill(p.onprem);
        sim_run(p.sim, KD_S(5));
        p.onprem->cfg.neighbors[0].bfd.on = false;
        sim_gw_start(p.onprem);
        assert_int_equal(sim_wait(p.sim, KD_S(120), er_established, &p), !strict);
        sim_pair_free(&p);
    }
}

static void strict_waits_for_bfd_the_first_time_too(void **st KD_UNUSED)
{
    for (int strict = 0; strict < 2; strict++) {
        struct sim_pair_options o = {.seed = 66, .bfd_us = INTERVAL, .bfd_strict = strict};
        struct sim_pair p;

        pair_new(&p, &o);
        p.onprem->cfg.neighbors[0].bfd.on = false;
        sim_pair_start(&p);
        assert_int_equal(sim_wait(p.sim, KD_S(60), er_established, &p), !strict);
        sim_pair_free(&p);
    }
}

static void keys_must_be_the_same_at_both_ends(void **st KD_UNUSED)
{
    for (int same = 1; same >= 0; same--) {
        struct sim_pair_options o = {.seed = 68, .bfd_us = INTERVAL, .bfd_auth = true};
        struct bfd_session_view v;
        struct sim_pair p;

        pair_new(&p, &o);
        if (!same)
            p.onprem->cfg.neighbors[0].bfd.auth.key[0].id = 2;
        sim_pair_start(&p);
        wait_up(&p, KD_S(30));
        sim_run(p.sim, KD_S(5));
        assert_true(core_bfd_get(p.azure->core, SIM_ER, &v));
        assert_int_equal(v.state, same ? BFD_UP : BFD_DOWN);
        assert_int_equal(v.last_refusal, same ? BFD_ACCEPTED : BFD_R_AUTH_KEY_ID);
        assert_true(core_bfd_get(p.azure->core, SIM_VPN, &v));
        assert_int_equal(v.state, BFD_UP);
        sim_pair_free(&p);
    }
}

/* 10 ms x 3, with latency and jitter but no loss: two minutes without one false alarm. */
static void jitter_raises_no_false_alarm(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 67, .bfd_us = KD_MS(10)};
    struct bfd_session_view v;
    struct sim_pair p;

    up(&p, &o);
    p.er->faults = p.internet->faults =
        (struct sim_faults){.latency_us = KD_MS(5), .jitter_us = KD_MS(9)};
    sim_run(p.sim, KD_S(120));
    for (int end = 0; end < 2; end++) {
        const struct sim_gw *g = end ? p.onprem : p.azure;
        assert_true(core_bfd_get(g->core, SIM_ER, &v));
        assert_int_equal(v.failures, 0);
        assert_true(core_bfd_get(g->core, SIM_VPN, &v));
        assert_int_equal(v.failures, 0);
    }
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_er_loss_ends_with_bfd_in_the_same_step),
        cmocka_unit_test(bfd_through_the_tunnel_beats_the_detection_budget),
        cmocka_unit_test(a_neighbor_shut_down_by_its_administrator_is_no_bfd_failure),
        cmocka_unit_test(a_one_way_er_loss_is_found_by_both_ends),
        cmocka_unit_test(a_peer_without_bfd_is_not_kept_away_for_ever_unless_strict),
        cmocka_unit_test(strict_waits_for_bfd_the_first_time_too),
        cmocka_unit_test(keys_must_be_the_same_at_both_ends),
        cmocka_unit_test(jitter_raises_no_false_alarm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
