/* Health probes on whole gateways, in virtual time: what unanswered ones do to neighbors and
 * kernel, when it is taken back, and that nothing flaps; the same way back for tunnels and BFD. */
#include "test_sim.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#define EVERY  KD_S(1)
#define FAIL   3u
#define STABLE KD_S(10)

/* onprem asks azure's host through the tunnel, and steers the tunnel's neighbor. */
static struct core_health_config probe(unsigned then)
{
    struct core_health_config h = {.name = "spoke",
                                   .tunnel = SIM_VPN,
                                   .peer = UINT32_MAX,
                                   .every_us = EVERY,
                                   .fail = FAIL,
                                   .then = then,
                                   .local_pref = 40,
                                   .prepend = 3,
                                   .recover_us = STABLE,
                                   .n_neighbors = 1,
                                   .neighbor = {SIM_VPN}};

    kd_assert(kd_addr_parse(SIM_AZURE_HOST, &h.to.addr));
    return h;
}

static void add_probe(struct sim_gw *g, struct core_health_config h)
{
    struct core_health_config *all =
        realloc(g->cfg.health, (g->cfg.n_health + 1) * sizeof(*g->cfg.health));

    assert_non_null(all);
    g->cfg.health = all;
    all[g->cfg.n_health++] = h;
}

static void up(struct sim_pair *p, const struct sim_pair_options *o, unsigned then)
{
    pair_new(p, o);
    add_probe(p->onprem, probe(then));
    sim_pair_start(p);
    wait_up(p, KD_S(30));
    (void)when(p->onprem, 0, CORE_NOTE_HEALTH_UP, SIM_VPN);
}

static struct bgp_peer_view session(const struct sim_gw *g, uint32_t peer)
{
    struct bgp_peer_view v;

    assert_true(bgp_peer_get(core_bgp(g->core), peer, &v));
    return v;
}

static enum core_health_state state(const struct sim_gw *g, uint32_t health)
{
    struct core_health_view v;

    assert_true(core_health_get(g->core, health, &v));
    return v.state;
}

static unsigned count(const struct sim_gw *g, size_t from, enum core_note note)
{
    unsigned n = 0;

    for (size_t i = from; i < g->n_rec; i++)
        n += g->rec[i].r.note == note;
    return n;
}

/* The host falls silent until the verdict is there; returns the mark before it. */
static size_t fall_silent(struct sim_pair *p)
{
    size_t mark = p->onprem->n_rec;
    uint64_t since_us = p->sim->now_us, down_us;

    p->azure->no_echo = true;
    run_checked(p, (FAIL + 2) * EVERY);
    down_us = when(p->onprem, mark, CORE_NOTE_HEALTH_DOWN, SIM_VPN);
    assert_in_range(down_us - since_us, (FAIL - 1) * EVERY, (FAIL + 1) * EVERY);
    assert_int_equal(
        p->onprem->rec[sim_gw_find(p->onprem, mark, CORE_NOTE_HEALTH_DOWN, SIM_VPN)].r.reason,
        KD_REASON_HEALTH_DOWN);
    return mark;
}

/* It answers again: up after the span, and not before. */
static void answer_again(struct sim_pair *p)
{
    size_t mark = p->onprem->n_rec;
    uint64_t since_us = p->sim->now_us, up_us;

    p->azure->no_echo = false;
    run_checked(p, STABLE + 3 * EVERY);
    up_us = when(p->onprem, mark, CORE_NOTE_HEALTH_UP, SIM_VPN);
    assert_in_range(up_us - since_us, STABLE, STABLE + 2 * EVERY);
}

static void unanswered_probes_withdraw_what_the_neighbor_was_told(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 71};
    struct sim_pair p;
    size_t mark;

    up(&p, &o, CORE_THEN_WITHDRAW);
    mark = fall_silent(&p);
    assert_int_equal(session(p.azure, SIM_VPN).accepted, 0);
    assert_int_equal(session(p.azure, SIM_ER).accepted, 2);
    assert_int_equal(session(p.onprem, SIM_VPN).accepted, 2); /* what it tells us stays */
    answer_again(&p);
    assert_int_equal(session(p.azure, SIM_VPN).accepted, 2);
    assert_never(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_VPN);
    assert_never(p.azure, 0, CORE_NOTE_BGP_STOP, SIM_VPN);
    sim_pair_free(&p);
}

static void the_traffic_leaves_a_way_whose_end_is_silent(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 72, .vpn_first = true};
    struct sim_pair p;
    size_t mark;

    up(&p, &o, CORE_THEN_LOCAL_PREF);
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    mark = fall_silent(&p);
    assert_way(p.onprem, SIM_AZURE_HOST, "er0"); /* 50 against 40 */
    answer_again(&p);
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    assert_never(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_VPN);
    sim_pair_free(&p);
}

struct found {
    uint32_t n_as;
};

static bool note_path(void *arg, const struct bgp_route_view *r)
{
    ((struct found *)arg)->n_as = r->n_as;
    return false;
}

static uint32_t path_length(const struct sim_gw *g, uint32_t peer)
{
    struct found f = {0};

    bgp_rib_walk(core_bgp(g->core), BGP_VIEW_LEARNED, peer, note_path, &f);
    return f.n_as;
}

static void what_the_neighbor_is_told_gets_a_longer_path(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 73};
    struct sim_pair p;

    up(&p, &o, CORE_THEN_PREPEND);
    assert_int_equal(path_length(p.azure, SIM_VPN), 1);
    (void)fall_silent(&p);
    assert_int_equal(path_length(p.azure, SIM_VPN), 4);
    assert_int_equal(path_length(p.azure, SIM_ER), 1);
    answer_again(&p);
    assert_int_equal(path_length(p.azure, SIM_VPN), 1);
    assert_never(p.azure, 0, CORE_NOTE_BGP_STOP, SIM_VPN);
    sim_pair_free(&p);
}

/* The probe goes on without the session's routes, so that it can end what it caused. */
static void a_session_is_shut_down_and_comes_back(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 74};
    struct sim_pair p;
    size_t mark;

    up(&p, &o, CORE_THEN_SHUTDOWN);
    mark = fall_silent(&p);
    assert_int_equal(session(p.onprem, SIM_VPN).state, BGP_IDLE);
    assert_int_equal(session(p.onprem, SIM_VPN).reason, KD_REASON_HEALTH_DOWN);
    assert_int_equal(when(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_VPN),
                     when(p.onprem, mark, CORE_NOTE_HEALTH_DOWN, SIM_VPN)); /* the same step */
    assert_int_equal(session(p.azure, SIM_VPN).reason, KD_REASON_PEER_CEASE);
    assert_true(sim_tunnel_is(p.onprem, SIM_VPN, CORE_T_UP));
    sim_gw_command(p.onprem, CORE_CMD_NEIGHBOR_ENABLE, 0, SIM_VPN); /* doesn't overrule health */
    run_checked(&p, KD_S(5));
    assert_int_equal(session(p.onprem, SIM_VPN).state, BGP_IDLE);
    answer_again(&p);
    wait_up(&p, KD_S(10));
    sim_pair_free(&p);
}

static void run_until_lost(struct sim_pair *p, uint32_t lost)
{
    struct core_health_view v;

    for (int i = 0; i < 200; i++) {
        run_checked(p, KD_MS(50));
        assert_true(core_health_get(p->onprem->core, 0, &v));
        if (v.lost == lost)
            return;
    }
    fail_msg("never %u in a row", lost);
}

/* The nearest that is no failure: one less in a row. */
static void fewer_lost_in_a_row_change_nothing(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 75};
    struct sim_pair p;
    up(&p, &o, CORE_THEN_SHUTDOWN);
    for (int i = 0; i < 5; i++) {
        p.azure->no_echo = true;
        run_until_lost(&p, FAIL - 2); /* the next one has left as well */
        p.azure->no_echo = false;
        run_until_lost(&p, FAIL - 1);
        run_until_lost(&p, 0);
    }
    assert_never(p.onprem, 0, CORE_NOTE_HEALTH_DOWN, SIM_VPN);
    assert_never(p.onprem, 0, CORE_NOTE_BGP_STOP, SIM_VPN);
    sim_pair_free(&p);
}

/* Good for nine of the ten seconds, again and again: down once, and up once at the end. */
static void a_way_that_comes_and_goes_stays_down(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 76};
    struct sim_pair p;
    size_t mark;

    up(&p, &o, CORE_THEN_WITHDRAW);
    mark = fall_silent(&p);
    for (int i = 0; i < 6; i++) {
        p.azure->no_echo = false;
        run_checked(&p, STABLE - KD_MS(500));
        p.azure->no_echo = true;
        run_checked(&p, 2 * EVERY);
        assert_int_equal(state(p.onprem, 0), CORE_HEALTH_DOWN);
        assert_int_equal(session(p.azure, SIM_VPN).accepted, 0);
    }
    answer_again(&p);
    assert_int_equal(count(p.onprem, mark, CORE_NOTE_HEALTH_DOWN), 1);
    assert_int_equal(count(p.onprem, mark, CORE_NOTE_HEALTH_UP), 1);
    sim_pair_free(&p);
}

/* onprem asks the same host over the link beside the tunnel, whose neighbor is preferred. */
static void up_over_link(struct sim_pair *p, uint64_t seed, uint16_t refused_type)
{
    struct sim_pair_options o = {.seed = seed};
    struct core_health_config h = probe(CORE_THEN_LOCAL_PREF);

    pair_new(p, &o);
    h.tunnel = UINT32_MAX;
    h.peer = h.neighbor[0] = SIM_ER;
    add_probe(p->onprem, h);
    sim_kernel_fail_type(&p->onprem->kernel, refused_type, EPERM);
    sim_pair_start(p);
    wait_up(p, KD_S(30));
    run_checked(p, STABLE + 3 * EVERY);
    assert_int_equal(state(p->onprem, 0), CORE_HEALTH_UP);
    assert_way(p->onprem, SIM_AZURE_HOST, "er0");
}

/* The host is silent until its routes have moved, then answers for as long as it takes. */
static void silent_and_back(struct sim_pair *p)
{
    p->azure->no_echo = true;
    run_checked(p, (FAIL + 2) * EVERY);
    assert_int_equal(state(p->onprem, 0), CORE_HEALTH_DOWN);
    assert_way(p->onprem, SIM_AZURE_HOST, "vpn0");
    p->azure->no_echo = false;
    run_checked(p, STABLE + 3 * EVERY);
}

static void a_probe_over_a_link_recovers_by_a_way_of_its_own(void **st KD_UNUSED)
{
    struct sim_pair p;

    up_over_link(&p, 83, 0);
    assert_int_equal(p.onprem->kernel.n_rules, 1);
    silent_and_back(&p);
    assert_int_equal(state(p.onprem, 0), CORE_HEALTH_UP);
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    sim_link_cut(p.er, -1, true); /* its route goes with the link, and comes back with it */
    run_checked(&p, KD_S(5));
    sim_link_cut(p.er, -1, false);
    run_checked(&p, KD_S(60));
    silent_and_back(&p);
    assert_int_equal(state(p.onprem, 0), CORE_HEALTH_UP);
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    sim_gw_stop(p.onprem);
    run_checked(&p, KD_S(5));
    assert_int_equal(p.onprem->kernel.n_rules, 0);
    assert_int_equal(sim_kernel_routes_of(&p.onprem->kernel, NL_PROTO_KEDGE), 0);
    sim_pair_free(&p);
}

/* Nobody on the link can forward to it: said once, with whom it lacks, each time the link is up. */
static void a_probe_of_a_family_no_neighbor_on_the_link_has_says_so(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 86};
    struct core_health_config h = probe(CORE_THEN_SHUTDOWN);
    struct sim_pair p;
    size_t at;

    pair_new(&p, &o);
    h.tunnel = UINT32_MAX;
    snprintf(h.ifname, sizeof(h.ifname), "er0");
    assert_true(kd_addr_parse("2001:db8::1", &h.to.addr));
    add_probe(p.onprem, h);
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    at = sim_gw_find(p.onprem, 0, CORE_NOTE_HEALTH_WAY, CORE_NO_TUNNEL);
    assert_int_not_equal(at, SIZE_MAX);
    assert_string_equal(p.onprem->rec[at].text,
                        "no neighbor with an IPv6 address on er0: the probe of 2001:db8::1 has no "
                        "way of its own and goes where the routes do");
    assert_int_equal(count(p.onprem, 0, CORE_NOTE_HEALTH_WAY), 1);
    assert_int_equal(p.onprem->kernel.n_rules, 0);
    sim_pair_free(&p);
}

/* Asked for anew after an overrun; taken out by a next life that has no such probe. */
static void nothing_of_a_way_outlives_its_probe(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct kd_prefix to;

    up_over_link(&p, 85, 0);
    to = kd_prefix_host(&p.onprem->cfg.health[0].to.addr);
    sim_gw_overrun(p.onprem);
    run_checked(&p, KD_S(5));
    assert_int_equal(p.onprem->kernel.n_rules, 1);
    sim_gw_kill(p.onprem);
    sim_run(p.sim, KD_S(1));
    assert_int_equal(p.onprem->kernel.n_rules, 1);
    assert_non_null(sim_kernel_route(&p.onprem->kernel, 75000, &to, 5));
    p.onprem->cfg.n_health = 0;
    sim_gw_start(p.onprem);
    wait_up(&p, KD_S(60));
    run_checked(&p, KD_S(40));
    assert_int_equal(p.onprem->kernel.n_rules, 0);
    assert_null(sim_kernel_route(&p.onprem->kernel, 75000, &to, 5));
    sim_pair_free(&p);
}

/* The nearest: without the rule it is led elsewhere; why is told, and it is asked for again. */
static void a_kernel_that_refuses_the_rule_says_why(void **st KD_UNUSED)
{
    struct sim_pair p;
    size_t at;

    up_over_link(&p, 84, RTM_NEWRULE);
    at = sim_gw_find(p.onprem, 0, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL);
    assert_int_not_equal(at, SIZE_MAX);
    assert_non_null(strstr(p.onprem->rec[at].text, "rule to " SIM_AZURE_HOST "/32 oif er0 lookup "
                                                   "75000 refused: the simulator's fault switch"));
    silent_and_back(&p);
    run_checked(&p, KD_S(60));
    assert_int_equal(state(p.onprem, 0), CORE_HEALTH_DOWN);
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    sim_kernel_fail_type(&p.onprem->kernel, 0, 0);
    run_checked(&p, KD_S(60));
    assert_int_equal(state(p.onprem, 0), CORE_HEALTH_UP);
    assert_way(p.onprem, SIM_AZURE_HOST, "er0");
    sim_pair_free(&p);
}

/* Of a tunnel that is down nothing is concluded about what is beyond it. */
static void a_probe_through_a_dead_tunnel_rests(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 77};
    struct sim_pair p;
    struct core_health_view v;

    up(&p, &o, CORE_THEN_SHUTDOWN);
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(30));
    assert_true(core_health_get(p.onprem->core, 0, &v));
    assert_true(v.paused);
    sim_link_cut(p.internet, -1, false);
    wait_up(&p, KD_S(90));
    assert_never(p.onprem, 0, CORE_NOTE_HEALTH_DOWN, SIM_VPN);
    sim_pair_free(&p);
}

static void forged_and_late_answers_count_for_nothing(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 78};
    struct sim_pair p;
    struct core_ev ev = {.kind = CORE_EV_PROBE, .ok = true};
    uint8_t reply[24] = {0};

    up(&p, &o, CORE_THEN_WITHDRAW);
    p.azure->no_echo = true;
    for (int i = 0; i < 50; i++) {
        ev.data = kd_bytes(reply, i % 2 ? sizeof(reply) : 3); /* no nonce; cut */
        ev.token = p.onprem->probe[0] - (uint64_t)(i % 3 == 2);
        sim_gw_later(p.onprem, 0, &ev);
        ev.n = i % 5 == 4; /* no such probe */
        run_checked(&p, KD_MS(100));
    }
    assert_int_equal(state(p.onprem, 0), CORE_HEALTH_DOWN);
    sim_pair_free(&p);
}

/* The lowest preference, the longest path, and each is taken back by itself. */
static void probes_of_one_neighbor_add_up(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 79};
    struct core_health_config other = probe(CORE_THEN_LOCAL_PREF | CORE_THEN_PREPEND);
    struct core_steer_view v;
    struct sim_pair p;

    pair_new(&p, &o);
    other.local_pref = 70;
    other.prepend = 5;
    other.recover_us = 3 * STABLE;
    add_probe(p.onprem, probe(CORE_THEN_LOCAL_PREF | CORE_THEN_PREPEND));
    add_probe(p.onprem, other);
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    (void)fall_silent(&p);
    assert_true(core_steer_get(p.onprem->core, SIM_VPN, &v));
    assert_int_equal(v.steer.local_pref, 40);
    assert_int_equal(v.steer.prepend, 5);
    assert_false(v.shutdown || v.steer.withdraw);
    answer_again(&p);
    assert_true(core_steer_get(p.onprem->core, SIM_VPN, &v));
    assert_int_equal(v.steer.local_pref, 70);
    assert_int_equal(state(p.onprem, 1), CORE_HEALTH_DOWN);
    run_checked(&p, 2 * STABLE);
    assert_true(core_steer_get(p.onprem->core, SIM_VPN, &v));
    assert_false(v.steer.set_local_pref);
    assert_int_equal(v.steer.prepend, 0);
    sim_pair_free(&p);
}

/* ---- the same way back for tunnels and BFD ---- */

static void a_tunnel_that_failed_carries_again_once_it_is_stable(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 80, .vpn_first = true};
    struct sim_pair p;
    uint64_t hold_us;
    size_t mark;

    pair_new(&p, &o);
    p.onprem->cfg.tunnels[0].recover_us = STABLE;
    sim_pair_start(&p);
    wait_up(&p, KD_S(30)); /* what never failed carries at once */
    assert_never(p.onprem, 0, CORE_NOTE_RECOVER_HOLD, SIM_VPN);
    for (int i = 0; i < 3; i++) { /* each failure begins the span anew */
        mark = p.onprem->n_rec;
        sim_link_cut(p.internet, -1, true);
        run_checked(&p, KD_S(4));
        assert_way(p.onprem, SIM_AZURE_HOST, "er0");
        sim_link_cut(p.internet, -1, false);
        run_checked(&p, STABLE - KD_S(1));
        assert_true(sim_tunnel_is(p.onprem, SIM_VPN, CORE_T_UP));
        assert_way(p.onprem, SIM_AZURE_HOST, "er0");
        assert_false(sim_bgp_is(p.onprem, SIM_VPN, BGP_ESTABLISHED));
        assert_int_equal(count(p.onprem, mark, CORE_NOTE_RECOVER_HOLD), 1);
    }
    hold_us = when(p.onprem, mark, CORE_NOTE_RECOVER_HOLD, SIM_VPN);
    assert_int_equal(core_tunnel_recovers_at(p.onprem->core, SIM_VPN), hold_us + STABLE);
    run_checked(&p, hold_us + STABLE - p.sim->now_us - KD_MS(50));
    assert_false(sim_bgp_is(p.onprem, SIM_VPN, BGP_ESTABLISHED));
    wait_up(&p, KD_S(10));
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    sim_pair_free(&p);
}

/* The operator's word needs no watching. */
static void a_tunnel_brought_up_by_hand_carries_at_once(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 81};
    struct sim_pair p;

    pair_new(&p, &o);
    p.onprem->cfg.tunnels[0].recover_us = KD_S(3600);
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(4));
    sim_link_cut(p.internet, -1, false);
    run_checked(&p, KD_S(10));
    assert_false(sim_bgp_is(p.onprem, SIM_VPN, BGP_ESTABLISHED));
    sim_gw_command(p.onprem, CORE_CMD_DOWN, SIM_VPN, 0);
    run_checked(&p, KD_S(2));
    sim_gw_command(p.onprem, CORE_CMD_UP, SIM_VPN, 0);
    wait_up(&p, KD_S(30));
    sim_pair_free(&p);
}

static void a_session_waits_until_its_bfd_is_stable(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 82, .bfd_us = KD_MS(100)};
    struct sim_pair p;
    uint64_t hold_us;
    size_t mark;

    pair_new(&p, &o);
    p.azure->cfg.neighbors[0].bfd.recover_us = STABLE;
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    assert_never(p.azure, 0, CORE_NOTE_RECOVER_HOLD, SIM_ER);
    for (int i = 0; i < 3; i++) {
        mark = p.azure->n_rec;
        sim_link_cut(p.er, -1, true);
        run_checked(&p, KD_S(2));
        sim_link_cut(p.er, -1, false);
        run_checked(&p, STABLE - KD_S(2));
        assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
        assert_false(sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED));
    }
    hold_us = when(p.azure, mark, CORE_NOTE_RECOVER_HOLD, SIM_ER);
    assert_int_equal(core_bfd_recovers_at(p.azure->core, SIM_ER), hold_us + STABLE);
    run_checked(&p, hold_us + STABLE - p.sim->now_us - KD_MS(50));
    assert_false(sim_bgp_is(p.azure, SIM_ER, BGP_ESTABLISHED));
    wait_up(&p, KD_S(30));
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unanswered_probes_withdraw_what_the_neighbor_was_told),
        cmocka_unit_test(the_traffic_leaves_a_way_whose_end_is_silent),
        cmocka_unit_test(what_the_neighbor_is_told_gets_a_longer_path),
        cmocka_unit_test(a_session_is_shut_down_and_comes_back),
        cmocka_unit_test(fewer_lost_in_a_row_change_nothing),
        cmocka_unit_test(a_way_that_comes_and_goes_stays_down),
        cmocka_unit_test(a_probe_over_a_link_recovers_by_a_way_of_its_own),
        cmocka_unit_test(nothing_of_a_way_outlives_its_probe),
        cmocka_unit_test(a_probe_of_a_family_no_neighbor_on_the_link_has_says_so),
        cmocka_unit_test(a_kernel_that_refuses_the_rule_says_why),
        cmocka_unit_test(a_probe_through_a_dead_tunnel_rests),
        cmocka_unit_test(forged_and_late_answers_count_for_nothing),
        cmocka_unit_test(probes_of_one_neighbor_add_up),
        cmocka_unit_test(a_tunnel_that_failed_carries_again_once_it_is_stable),
        cmocka_unit_test(a_tunnel_brought_up_by_hand_carries_at_once),
        cmocka_unit_test(a_session_waits_until_its_bfd_is_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
