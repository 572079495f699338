/* Two whole gateways over pretend networks: tunnel, BGP, failure and return, in virtual time. */
#include "test_sim.h"

#include <errno.h>
#include <linux/rtnetlink.h>

/* ---- up ---- */

static void two_gateways_bring_up_tunnel_and_bgp(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 1};
    struct sim_pair p;

    pair_up(&p, &o);
    assert_way(p.azure, SIM_ONPREM_BGP, "vpn0");
    assert_way(p.onprem, SIM_AZURE_BGP, "vpn0");
    assert_way(p.onprem, SIM_AZURE_HOST, "er0"); /* local preference 150 */
    assert_ping(&p, "er0");
    assert_true(when(p.azure, 0, CORE_NOTE_IKE_UP, 0) <= when(p.azure, 0, CORE_NOTE_CHILD_UP, 0));
    assert_true(sim_gw_find(p.azure, 0, CORE_NOTE_CHILD_UP, 0) <
                sim_gw_find(p.azure, 0, CORE_NOTE_BGP_STATE, 0));
    assert_never(p.azure, 0, CORE_NOTE_KERNEL_ERROR, SIM_ANY);
    sim_pair_free(&p);
}

static void the_vpn_alone_carries_everything(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 2, .no_er = true, .azure = IKE_ROLE_RESPONDER};
    struct sim_pair p;

    pair_up(&p, &o);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_ping(&p, "vpn0");
    assert_int_equal(p.azure->dp.n_dropped + p.onprem->dp.n_dropped, 0);
    sim_pair_free(&p);
}

static void raw_esp_works_without_nat(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 3, .no_er = true, .no_encap = true};
    struct sim_pair p;

    pair_up(&p, &o);
    assert_false(p.azure->dp.sas->sa.encap);
    assert_ping(&p, "vpn0");
    sim_pair_free(&p);
}

static void nat_in_between_works(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 4, .no_er = true, .nat = true};
    struct sim_pair p;

    pair_up(&p, &o);
    assert_true(p.azure->dp.sas->sa.encap);
    assert_true(p.azure->dp.sas->remote.port >= 40000); /* the NAT's, not 4500 */
    assert_ping(&p, "vpn0");
    sim_pair_free(&p);
}

static void a_nat_that_restarts_is_followed(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 5, .no_er = true, .nat = true};
    struct sim_pair p;
    uint16_t port;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    port = p.azure->dp.sas->remote.port;
    sim_link_nat_forget(p.internet);
    run_checked(&p, KD_S(20));
    assert_int_not_equal(p.azure->dp.sas->remote.port, port);
    assert_never(p.azure, mark, CORE_NOTE_IKE_UP, 0); /* the same SA */
    assert_ping(&p, "vpn0");
    sim_pair_free(&p);
}

static void one_lossy_run(uint64_t seed)
{
    struct sim_pair_options o = {.seed = seed, .detect_us = KD_S(20)};
    struct sim_faults bad = {
        .latency_us = KD_MS(20), .jitter_us = KD_MS(10), .loss = 200, .dup = 100, .reorder = 200};
    struct sim_faults good = {.latency_us = KD_MS(10)};
    struct sim_pair p;

    pair_new(&p, &o);
    p.internet->faults = p.er->faults = bad;
    sim_pair_start(&p);
    if (!sim_pair_wait_up(&p, KD_S(180)))
        print_pair(&p);
    assert_true(sim_pair_is_up(&p));
    p.internet->faults = p.er->faults = good;
    wait_up(&p, KD_S(60));
    sim_pair_free(&p);
}

static void lossy_link_still_comes_up(void **st KD_UNUSED)
{
    for (uint64_t seed = 100; seed < 108; seed++)
        one_lossy_run(seed);
}

/* Both ends initiate at once: whatever survives is one IKE SA and one pair at each end. */
static void simultaneous_starts_end_in_one_pair(void **st KD_UNUSED)
{
    for (uint64_t seed = 200; seed < 212; seed++) {
        struct sim_pair_options o = {.seed = seed, .no_er = true};
        struct sim_pair p;
        uint32_t pairs, in_use;

        pair_new(&p, &o);
        p.internet->faults.jitter_us = KD_MS(30);
        sim_gw_start(p.azure);
        sim_run(p.sim, sim_below(p.sim, KD_MS(60)));
        sim_gw_start(p.onprem);
        wait_up(&p, KD_S(30));
        run_checked(&p, KD_S(10));
        sim_dp_count(p.azure, 0, &pairs, &in_use);
        assert_int_equal(pairs, 1);
        sim_dp_count(p.onprem, 0, &pairs, &in_use);
        assert_int_equal(pairs, 1);
        assert_ping(&p, "vpn0");
        sim_pair_free(&p);
    }
}

static void rekeys_go_unnoticed(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 6, .no_er = true, .child_life_us = KD_S(20)};
    struct sim_pair p;
    size_t mark;
    uint32_t spi;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    spi = p.azure->dp.sas->sa.spi_in;
    for (int i = 0; i < 100; i++) {
        assert_ping(&p, "vpn0");
        run_checked(&p, KD_S(1));
    }
    assert_int_not_equal(p.azure->dp.sas->sa.spi_in, spi);
    assert_never(p.azure, mark, CORE_NOTE_DETECT, 0);
    assert_never(p.azure, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
    check_pair(&p, true);
    sim_pair_free(&p);
}

static void lifetimes_by_packets_and_bytes_go_unnoticed(void **st KD_UNUSED)
{
    for (int i = 0; i < 2; i++) {
        struct sim_pair_options o = {.seed = 60 + (uint64_t)i, .no_er = true};
        struct sim_pair p;
        size_t mark, ups = 0;

        o.child_life_packets = i ? 0 : 100;
        o.child_life_bytes = i ? 2500 : 0;
        pair_up(&p, &o);
        mark = p.onprem->n_rec;
        for (int n = 0; n < 500; n++) {
            assert_ping(&p, "vpn0");
            check_pair(&p, false);
        }
        for (size_t at = mark; (at = sim_gw_find(p.onprem, at, CORE_NOTE_CHILD_UP, 0)) != SIZE_MAX;
             at++)
            ups++;
        assert_in_range(ups, 5, 14); /* 500 pings of 28 bytes */
        assert_never(p.onprem, mark, CORE_NOTE_DETECT, 0);
        assert_never(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
        sim_pair_free(&p);
    }
}

/* ---- failure ---- */

static void silent_peer_is_detected_within_budget(void **st KD_UNUSED)
{
    for (uint64_t seed = 300; seed < 306; seed++) {
        struct sim_pair_options o = {.seed = seed, .no_er = true};
        struct sim_pair p;
        size_t mark, detect, stop, clear;
        uint64_t cut_us;

        pair_up(&p, &o);
        sim_run(p.sim, sim_below(p.sim, KD_S(3)));
        mark = p.azure->n_rec;
        cut_us = p.sim->now_us;
        sim_link_cut(p.internet, -1, true);
        run_checked(&p, KD_S(5));
        assert_true(when(p.azure, mark, CORE_NOTE_DETECT, 0) - cut_us <= o.detect_us + KD_S(2));
        detect = sim_gw_find(p.azure, mark, CORE_NOTE_DETECT, 0);
        stop = sim_gw_find(p.azure, mark, CORE_NOTE_BGP_STOP, 0);
        clear = sim_gw_find(p.azure, mark, CORE_NOTE_FIB_CLEAR, 0);
        assert_true(detect < stop && stop < clear && clear != SIZE_MAX);
        /* The kernel answers at once here, so everything is of one instant. */
        assert_int_equal(p.azure->rec[clear].r.now_us, p.azure->rec[detect].r.now_us);
        assert_int_equal(p.azure->rec[clear].r.count, 2);
        assert_way(p.azure, SIM_ONPREM_HOST, "none");
        assert_way(p.azure, SIM_ONPREM_BGP, "unreachable");
        check_pair(&p, true);
        sim_pair_free(&p);
    }
}

static void a_slow_kernel_delays_only_the_clear(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 7, .no_er = true};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    p.azure->kernel_us = KD_MS(3);
    mark = p.azure->n_rec;
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(5));
    assert_int_equal(when(p.azure, mark, CORE_NOTE_FIB_CLEAR, 0) -
                         when(p.azure, mark, CORE_NOTE_DETECT, 0),
                     KD_MS(3));
    sim_pair_free(&p);
}

static void a_one_way_break_shows_at_both_ends(void **st KD_UNUSED)
{
    for (int end = 0; end < 2; end++) {
        struct sim_pair_options o = {.seed = 8 + (uint64_t)end, .no_er = true};
        struct sim_pair p;
        size_t a, b;

        pair_up(&p, &o);
        a = p.azure->n_rec;
        b = p.onprem->n_rec;
        sim_link_cut(p.internet, end, true);
        run_checked(&p, KD_S(6));
        (void)when(p.azure, a, CORE_NOTE_DETECT, 0);
        (void)when(p.onprem, b, CORE_NOTE_DETECT, 0);
        sim_pair_free(&p);
    }
}

struct sent_until {
    struct sim_pair *p;
    size_t mark;
    uint64_t sent; /* by azure into the internet, before its session stopped */
};

static bool session_stopped(void *arg)
{
    struct sent_until *w = arg;

    if (sim_gw_find(w->p->azure, w->mark, CORE_NOTE_BGP_STOP, SIM_VPN) != SIZE_MAX)
        return true;
    w->sent = w->p->internet->end[1].sent;
    return false;
}

/* DESIGN 3.5: the end of a session whose path stands asks IKE in the same step. */
static void a_session_that_ends_asks_for_the_path_at_once(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 30, .no_er = true, .detect_us = KD_S(600)};
    struct sent_until w = {0};
    struct sim_pair p;

    pair_new(&p, &o);
    p.azure->cfg.tunnels[0].neighbor.bgp.hold_s = 9;
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    w = (struct sent_until){&p, p.azure->n_rec, 0};
    sim_link_cut(p.internet, -1, true);
    assert_true(sim_wait(p.sim, KD_S(30), session_stopped, &w));
    /* NOTIFICATION, FIN, and the probe: its own time is minutes away */
    assert_int_equal(p.internet->end[1].sent, w.sent + 3);
    sim_pair_free(&p);
}

static void answer_before_abandon_restores(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 10};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(20));
    assert_true(sim_tunnel_is(p.azure, 0, CORE_T_UNREACHABLE));
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(40));
    (void)when(p.azure, mark, CORE_NOTE_RESTORE, 0);
    assert_never(p.azure, mark, CORE_NOTE_IKE_UP, 0);
    assert_never(p.azure, mark, CORE_NOTE_CHILD_UP, 0);
    sim_pair_free(&p);
}

static void a_peer_dead_for_good_is_abandoned_and_found_again(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 11};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    sim_gw_kill(p.onprem);
    sim_run(p.sim, KD_S(120));
    (void)when(p.azure, mark, CORE_NOTE_ABANDON, 0);
    sim_gw_start(p.onprem);
    wait_up(&p, KD_S(60));
    sim_pair_free(&p);
}

static void a_peer_that_restarts_at_once_is_recognised(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 12};
    struct sim_pair p;

    pair_up(&p, &o);
    sim_gw_kill(p.onprem);
    sim_run(p.sim, KD_MS(300));
    sim_gw_start(p.onprem);
    wait_up(&p, KD_S(60));
    sim_pair_free(&p);
}

/* ---- nothing in clear ---- */

static void no_syn_leaves_elsewhere_while_tunnel_is_down(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 13};
    struct kd_addr azure_bgp, onprem_bgp;
    struct sim_pair p;

    assert_true(kd_addr_parse(SIM_AZURE_BGP, &azure_bgp));
    assert_true(kd_addr_parse(SIM_ONPREM_BGP, &onprem_bgp));
    pair_up(&p, &o);
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(150));
    /* The trap is set: ExpressRoute's prefixes cover the neighbors' addresses. */
    assert_way(p.onprem, "10.17.11.77", "er0");
    assert_way(p.azure, "192.168.11.89", "er0");
    assert_way(p.onprem, SIM_AZURE_BGP, "unreachable");
    assert_way(p.azure, SIM_ONPREM_BGP, "unreachable");
    assert_int_equal(sim_link_tally(p.er, 0, &azure_bgp).packets, 0);
    assert_int_equal(sim_link_tally(p.er, 1, &onprem_bgp).packets, 0);
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(120));
    assert_int_equal(sim_link_tally(p.er, 0, &azure_bgp).packets, 0);
    sim_pair_free(&p);
}

/* Somebody's better route to the neighbor: a session bound to its interface does not follow it. */
static void a_foreign_route_does_not_draw_the_session_away(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 28};
    struct nl_route r = {.metric = 1, .protocol = 4};
    struct kd_addr azure_bgp, onprem_bgp;
    struct sim_pair p;

    assert_true(kd_addr_parse(SIM_AZURE_BGP, &azure_bgp));
    assert_true(kd_addr_parse(SIM_ONPREM_BGP, &onprem_bgp));
    pair_new(&p, &o);
    r.oif = sim_kernel_link_named(&p.azure->kernel, "er0")->ifindex;
    r.dst = kd_prefix_host(&onprem_bgp);
    assert_int_equal(sim_kernel_route_add(&p.azure->kernel, &r), 0);
    r.oif = sim_kernel_link_named(&p.onprem->kernel, "er0")->ifindex;
    r.dst = kd_prefix_host(&azure_bgp);
    assert_int_equal(sim_kernel_route_add(&p.onprem->kernel, &r), 0);
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    assert_int_equal(sim_link_tally(p.er, 0, &azure_bgp).syns, 0);
    assert_int_equal(sim_link_tally(p.er, 1, &onprem_bgp).syns, 0);
    sim_pair_free(&p);
}

/* A SYN in the name of the tunnel's neighbor that arrives over ExpressRoute makes no session. */
static void a_tunnels_session_is_not_accepted_elsewhere(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 14};
    struct sim_seg syn = {.sport = 41000, .dport = 179, .flags = SIM_SYN};
    struct sim_pkt pkt = {.proto = SIM_PROTO_TCP, .ttl = 255};
    uint8_t seg[64], raw[128];
    struct sim_frame f = {.proto = SIM_IP};
    struct sim_pair p;
    uint32_t open;

    assert_true(kd_addr_parse(SIM_ONPREM_BGP, &pkt.src));
    assert_true(kd_addr_parse(SIM_AZURE_BGP, &pkt.dst));
    pair_up(&p, &o);
    sim_link_cut(p.internet, -1, true);
    sim_run(p.sim, KD_S(5));
    open = sim_tcp_open(p.azure);
    pkt.payload = kd_bytes(seg, sim_seg_build(&syn, seg, sizeof(seg)));
    f.data = kd_bytes(raw, sim_pkt_build(&pkt, raw, sizeof(raw)));
    sim_link_send(p.er, 0, &f);
    run_checked(&p, KD_S(15));
    assert_int_equal(sim_tcp_open(p.azure), open);
    assert_true(sim_bgp_is(p.azure, SIM_VPN, BGP_IDLE));
    sim_pair_free(&p);
}

/* ---- ExpressRoute ---- */

static void er_cut_moves_traffic_to_vpn_and_back(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 15};
    struct sim_pair p;

    pair_up(&p, &o);
    sim_link_unplug(p.er, true);
    sim_run(p.sim, 0);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    assert_ping(&p, "vpn0");
    run_checked(&p, KD_S(3));
    check_pair(&p, true);
    sim_link_unplug(p.er, false);
    wait_up(&p, KD_S(30));
    assert_ping(&p, "er0");
    sim_pair_free(&p);
}

static void a_silent_er_loss_ends_with_the_hold_timer(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 16};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    sim_link_cut(p.er, -1, true);
    run_checked(&p, KD_S(200));
    assert_int_equal(p.azure->rec[sim_gw_find(p.azure, mark, CORE_NOTE_BGP_STOP, SIM_ER)].r.reason,
                     KD_REASON_HOLD_EXPIRED);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_ping(&p, "vpn0");
    check_pair(&p, true);
    sim_link_cut(p.er, -1, false);
    wait_up(&p, KD_S(60));
    sim_pair_free(&p);
}

/* DESIGN 3.7: the group moves; that not one route can be changed does not matter. */
static void a_lost_path_moves_its_prefixes_without_touching_them(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 29, .vpn_first = true};
    struct sim_pair p;

    pair_up(&p, &o);
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    sim_kernel_fail_type(&p.azure->kernel, RTM_NEWROUTE, ENOMEM);
    sim_kernel_fail_type(&p.onprem->kernel, RTM_NEWROUTE, ENOMEM);
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(4));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    assert_ping(&p, "er0");
    sim_kernel_fail_type(&p.azure->kernel, 0, 0);
    sim_kernel_fail_type(&p.onprem->kernel, 0, 0);
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(90));
    sim_pair_free(&p);
}

/* The VPN fails while it carries: nothing is left, and ExpressRoute's return is enough. */
static void both_ways_lost_leave_no_route(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 17};
    struct sim_pair p;

    pair_up(&p, &o);
    sim_link_unplug(p.er, true);
    run_checked(&p, KD_S(2));
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(6));
    assert_way(p.azure, SIM_ONPREM_HOST, "none");
    check_pair(&p, true);
    sim_link_unplug(p.er, false);
    run_checked(&p, KD_S(20));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    assert_ping(&p, "er0");
    sim_pair_free(&p);
}

/* ---- by command ---- */

static void delete_announces_cease_then_ike_delete(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 18};
    struct sim_pair p;
    size_t mark, cease;

    pair_up(&p, &o);
    mark = p.onprem->n_rec;
    sim_gw_command(p.azure, CORE_CMD_DOWN, 0, 0);
    run_checked(&p, KD_S(3));
    cease = sim_gw_find(p.onprem, mark, CORE_NOTE_BGP_STOP, 0);
    assert_true(cease < sim_gw_find(p.onprem, mark, CORE_NOTE_CHILD_DOWN, 0));
    assert_int_equal(p.onprem->rec[cease].r.reason, KD_REASON_PEER_CEASE);
    assert_int_equal(p.onprem->rec[sim_gw_find(p.onprem, mark, CORE_NOTE_CHILD_DOWN, 0)].r.reason,
                     KD_REASON_PEER_DELETED);
    assert_true(sim_tunnel_is(p.azure, 0, CORE_T_DISABLED));
    check_pair(&p, true);
    run_checked(&p, KD_S(60));
    assert_true(sim_tunnel_is(p.azure, 0, CORE_T_DISABLED)); /* refuses until up */
    assert_null(p.azure->dp.sas);
    sim_gw_command(p.azure, CORE_CMD_UP, 0, 0);
    wait_up(&p, KD_S(60));
    sim_pair_free(&p);
}

static void up_right_after_down_wins(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 19};
    struct sim_pair p;

    pair_up(&p, &o);
    sim_gw_command(p.azure, CORE_CMD_DOWN, 0, 0);
    sim_run(p.sim, KD_MS(100));
    sim_gw_command(p.azure, CORE_CMD_UP, 0, 0);
    wait_up(&p, KD_S(60));
    sim_pair_free(&p);
}

static void reset_and_rekey_come_up_again(void **st KD_UNUSED)
{
    static const enum core_command cmds[] = {CORE_CMD_RESET, CORE_CMD_REKEY};

    for (size_t i = 0; i < KD_ARRAY_LEN(cmds); i++) {
        struct sim_pair_options o = {.seed = 20 + i};
        struct sim_pair p;
        uint32_t spi;

        pair_up(&p, &o);
        spi = p.azure->dp.sas->sa.spi_in;
        sim_gw_command(p.azure, cmds[i], 0, 0);
        run_checked(&p, KD_S(3));
        wait_up(&p, KD_S(60));
        assert_int_not_equal(p.azure->dp.sas->sa.spi_in, spi);
        sim_pair_free(&p);
    }
}

static void a_rehearsed_dead_peer_looks_like_one(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 22};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    sim_gw_command(p.onprem, CORE_CMD_DOWN_SILENT, 0, 0);
    run_checked(&p, KD_S(6));
    assert_int_equal(p.azure->rec[sim_gw_find(p.azure, mark, CORE_NOTE_DETECT, 0)].r.reason,
                     KD_REASON_UNREACHABLE);
    assert_never(p.azure, mark, CORE_NOTE_IKE_CLOSED, 0);
    sim_gw_command(p.onprem, CORE_CMD_UP, 0, 0);
    wait_up(&p, KD_S(120));
    sim_pair_free(&p);
}

static void stop_leaves_kernel_empty(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 23};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.onprem->n_rec;
    sim_gw_stop(p.azure);
    run_checked(&p, KD_S(3));
    assert_true(p.azure->stopped);
    assert_int_equal(sim_kernel_routes_of(&p.azure->kernel, NL_PROTO_KEDGE), 0);
    assert_int_equal(sim_kernel_nexthops_of(&p.azure->kernel, NL_PROTO_KEDGE), 0);
    assert_null(sim_kernel_link_named(&p.azure->kernel, "vpn0"));
    assert_null(p.azure->dp.sas);
    assert_int_equal(sim_tcp_open(p.azure), 0);
    assert_int_equal(p.onprem->rec[sim_gw_find(p.onprem, mark, CORE_NOTE_BGP_STOP, 0)].r.reason,
                     KD_REASON_PEER_CEASE);
    assert_int_equal(p.onprem->rec[sim_gw_find(p.onprem, mark, CORE_NOTE_CHILD_DOWN, 0)].r.reason,
                     KD_REASON_PEER_DELETED);
    sim_pair_free(&p);
}

/* One request at a time (RFC 7296 2.3): the DELETE waits for an answer, the end for the DELETE. */
static void stop_tells_the_peer_though_a_request_is_out(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 25};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.onprem->n_rec;
    sim_gw_command(p.azure, CORE_CMD_REKEY_CHILD, 0, 0);
    sim_gw_stop(p.azure);
    run_checked(&p, KD_S(3));
    assert_true(p.azure->stopped);
    assert_int_equal(p.onprem->rec[sim_gw_find(p.onprem, mark, CORE_NOTE_IKE_CLOSED, 0)].r.reason,
                     KD_REASON_PEER_DELETED);
    sim_pair_free(&p);
}

static void stop_ends_in_time_with_a_dead_peer(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 24};
    struct sim_pair p;

    pair_up(&p, &o);
    sim_link_cut(p.internet, -1, true);
    sim_link_cut(p.er, -1, true);
    sim_gw_stop(p.azure);
    sim_run(p.sim, KD_S(2));
    assert_true(p.azure->stopped);
    assert_int_equal(sim_kernel_routes_of(&p.azure->kernel, NL_PROTO_KEDGE), 0);
    sim_pair_free(&p);
}

/* ---- many, and the same again ---- */

static bool hub_up(void *arg)
{
    const struct sim_hub *h = arg;

    for (uint32_t i = 0; i < h->n; i++)
        if (!sim_tunnel_is(h->gws[0], i, CORE_T_UP) || !sim_bgp_is(h->gws[0], i, BGP_ESTABLISHED) ||
            !sim_bgp_is(h->gws[1 + i], 0, BGP_ESTABLISHED))
            return false;
    return sim_kernel_routes_of(&h->gws[0]->kernel, NL_PROTO_KEDGE) == 3 * h->n;
}

static void hundred_tunnels_on_one_gateway(void **st KD_UNUSED)
{
    struct sim_hub h;
    size_t mark;

    printf("# seed 25\n");
    sim_hub_new(&h, 25, 100);
    for (uint32_t i = 0; i <= h.n; i++)
        sim_gw_start(h.gws[i]);
    for (int i = 0; i < 60 && !hub_up(&h); i++)
        sim_run(h.sim, KD_S(1));
    assert_true(hub_up(&h));
    assert_string_equal(sim_gw_check(h.gws[0], true), "");
    mark = h.gws[0]->n_rec;
    sim_gw_kill(h.gws[1 + 42]); /* one of them dies: the others don't notice */
    sim_run(h.sim, KD_S(6));
    (void)when(h.gws[0], mark, CORE_NOTE_DETECT, 42);
    for (uint32_t i = 0; i < h.n; i++)
        if (i != 42)
            assert_never(h.gws[0], mark, CORE_NOTE_DETECT, i);
    assert_string_equal(sim_gw_check(h.gws[0], true), "");
    sim_hub_free(&h);
}

static uint64_t one_trace(uint64_t seed)
{
    struct sim_pair_options o = {.seed = seed};
    struct sim_pair p;
    uint64_t t;

    pair_new(&p, &o);
    p.internet->faults =
        (struct sim_faults){.latency_us = KD_MS(10), .jitter_us = KD_MS(5), .loss = 50, .dup = 20};
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(20));
    sim_link_unplug(p.er, true);
    sim_run(p.sim, KD_S(20));
    t = sim_trace(p.sim);
    sim_pair_free(&p);
    return t;
}

static void same_seed_same_trace(void **st KD_UNUSED)
{
    uint64_t t = one_trace(26);

    assert_int_equal(one_trace(26), t);
    assert_int_not_equal(one_trace(27), t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_gateways_bring_up_tunnel_and_bgp),
        cmocka_unit_test(the_vpn_alone_carries_everything),
        cmocka_unit_test(raw_esp_works_without_nat),
        cmocka_unit_test(nat_in_between_works),
        cmocka_unit_test(a_nat_that_restarts_is_followed),
        cmocka_unit_test(lossy_link_still_comes_up),
        cmocka_unit_test(simultaneous_starts_end_in_one_pair),
        cmocka_unit_test(rekeys_go_unnoticed),
        cmocka_unit_test(lifetimes_by_packets_and_bytes_go_unnoticed),
        cmocka_unit_test(silent_peer_is_detected_within_budget),
        cmocka_unit_test(a_slow_kernel_delays_only_the_clear),
        cmocka_unit_test(a_one_way_break_shows_at_both_ends),
        cmocka_unit_test(a_session_that_ends_asks_for_the_path_at_once),
        cmocka_unit_test(answer_before_abandon_restores),
        cmocka_unit_test(a_peer_dead_for_good_is_abandoned_and_found_again),
        cmocka_unit_test(a_peer_that_restarts_at_once_is_recognised),
        cmocka_unit_test(no_syn_leaves_elsewhere_while_tunnel_is_down),
        cmocka_unit_test(a_tunnels_session_is_not_accepted_elsewhere),
        cmocka_unit_test(a_foreign_route_does_not_draw_the_session_away),
        cmocka_unit_test(er_cut_moves_traffic_to_vpn_and_back),
        cmocka_unit_test(a_silent_er_loss_ends_with_the_hold_timer),
        cmocka_unit_test(a_lost_path_moves_its_prefixes_without_touching_them),
        cmocka_unit_test(both_ways_lost_leave_no_route),
        cmocka_unit_test(delete_announces_cease_then_ike_delete),
        cmocka_unit_test(up_right_after_down_wins),
        cmocka_unit_test(reset_and_rekey_come_up_again),
        cmocka_unit_test(a_rehearsed_dead_peer_looks_like_one),
        cmocka_unit_test(stop_leaves_kernel_empty),
        cmocka_unit_test(stop_tells_the_peer_though_a_request_is_out),
        cmocka_unit_test(stop_ends_in_time_with_a_dead_peer),
        cmocka_unit_test(hundred_tunnels_on_one_gateway),
        cmocka_unit_test(same_seed_same_trace),
    };

    setvbuf(stdout, NULL, _IOLBF, 0); /* the seed of what aborts is told */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
