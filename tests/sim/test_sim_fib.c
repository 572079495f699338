/* Routes in the kernel's table on whole gateways: the second one through the backup, what the
 * kernel's own flush leaves carrying, and what is asked of the kernel after it. How long a failover
 * takes on a real kernel is tests/bench/failover.c's. */
#include "test_sim.h"

#include <linux/rtnetlink.h>

#define FIRST  20
#define BACKUP 21

/* The interface of the prefix's route at the metric; "" when there is none. */
static const char *over(const struct sim_gw *g, const char *text, uint32_t metric)
{
    const struct nl_link_info *l;
    const struct nl_route *r;
    struct kd_prefix p;

    assert_true(kd_prefix_parse(text, true, &p));
    r = sim_kernel_route(&g->kernel, 0, &p, metric);
    l = r ? sim_kernel_link(&g->kernel, sim_kernel_route_oif(&g->kernel, r)) : NULL;
    return l ? l->name : "";
}

static void each_prefix_is_there_twice_once_through_its_backup(void **st KD_UNUSED)
{
    for (int vpn_first = 0; vpn_first < 2; vpn_first++) {
        struct sim_pair_options o = {.seed = 80, .vpn_first = vpn_first};
        struct sim_pair p;

        pair_up(&p, &o);
        assert_string_equal(over(p.azure, "10.1.11.0/25", FIRST), vpn_first ? "vpn0" : "er0");
        assert_string_equal(over(p.azure, "10.1.11.0/25", BACKUP), vpn_first ? "er0" : "vpn0");
        sim_link_cut(p.internet, -1, true);
        run_checked(&p, KD_S(10));
        check_pair(&p, true);
        assert_string_equal(over(p.azure, "10.1.11.0/25", FIRST), "er0");
        assert_string_equal(over(p.azure, "10.1.11.0/25", BACKUP), "");
        sim_pair_free(&p);
    }
}

static void a_prefix_with_one_way_only_is_there_once(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 81, .no_er = true};
    struct sim_pair p;

    pair_up(&p, &o);
    assert_string_equal(over(p.azure, "10.1.11.0/25", FIRST), "vpn0");
    assert_string_equal(over(p.azure, "10.1.11.0/25", BACKUP), "");
    sim_pair_free(&p);
}

/* Before the core has heard a word: the kernel falls through to the second route. */
static void a_link_that_goes_down_moves_the_traffic_without_the_core(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 82};
    struct sim_pair p;
    uint64_t steps;

    pair_up(&p, &o);
    p.azure->nl_deaf = p.onprem->nl_deaf = true;
    steps = p.azure->n_steps;
    sim_link_unplug(p.er, true);
    assert_int_equal(p.azure->n_steps, steps);
    assert_string_equal(over(p.azure, "10.1.11.0/25", FIRST), "");
    assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    assert_ping(&p, "vpn0");
    sim_gw_overrun(p.azure);
    sim_gw_overrun(p.onprem);
    run_checked(&p, KD_S(3));
    check_pair(&p, true);
    assert_string_equal(over(p.azure, "10.1.11.0/25", FIRST), "vpn0");
    assert_string_equal(over(p.azure, "10.1.11.0/25", BACKUP), "");
    assert_ping(&p, "vpn0");
    sim_pair_free(&p);
}

/* ... and from the flush to the end of all that follows, at no event is there no way. */
static void the_cleaning_up_after_a_flush_leaves_no_gap(void **st KD_UNUSED)
{
    for (uint64_t kernel_ms = 0; kernel_ms < 8; kernel_ms += 2) {
        struct sim_pair_options o = {.seed = 83};
        struct sim_pair p;

        pair_up(&p, &o);
        p.azure->kernel_us = KD_MS(kernel_ms);
        sim_link_unplug(p.er, true);
        for (int i = 0; i < 4000; i++) {
            assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
            sim_run(p.sim, 500);
        }
        sim_link_unplug(p.er, false);
        for (int i = 0; i < 40000 && strcmp(sim_way_to(p.azure, SIM_ONPREM_HOST), "er0") != 0;
             i++) {
            assert_way(p.azure, SIM_ONPREM_HOST, "vpn0");
            sim_run(p.sim, 500);
        }
        wait_up(&p, KD_S(60));
        sim_pair_free(&p);
    }
}

static void a_backup_whose_link_goes_leaves_the_first_alone(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 84, .vpn_first = true};
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    sim_link_unplug(p.er, true);
    assert_string_equal(over(p.azure, "10.1.11.0/25", BACKUP), "");
    run_checked(&p, KD_S(3));
    check_pair(&p, true);
    assert_string_equal(over(p.azure, "10.1.11.0/25", FIRST), "vpn0");
    assert_never(p.azure, mark, CORE_NOTE_ROUTE_DEL, SIM_ANY);
    assert_never(p.azure, mark, CORE_NOTE_ROUTE_ADD, SIM_ANY);
    sim_link_unplug(p.er, false);
    wait_up(&p, KD_S(60));
    assert_string_equal(over(p.azure, "10.1.11.0/25", BACKUP), "er0");
    sim_pair_free(&p);
}

/* A flush between a request and its answer: what the answer says is no longer true. */
static void a_link_that_flaps_among_the_answers_is_overcome(void **st KD_UNUSED)
{
    for (uint64_t at_us = 0; at_us < KD_MS(60); at_us += KD_MS(3)) {
        struct sim_pair_options o = {.seed = 85};
        struct sim_pair p;

        pair_up(&p, &o);
        p.azure->kernel_us = KD_MS(4);
        sim_link_unplug(p.er, true);
        sim_run(p.sim, at_us);
        sim_link_unplug(p.er, false);
        sim_run(p.sim, KD_MS(1) + at_us / 2);
        sim_link_unplug(p.er, true);
        sim_run(p.sim, at_us / 3);
        sim_link_unplug(p.er, false);
        wait_up(&p, KD_S(60));
        sim_pair_free(&p);
    }
}

/* fib.clear is the acknowledgement of the groups' move, not of every prefix's own. */
static void the_tunnel_is_clear_before_its_prefixes_have_new_groups(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 86, .vpn_first = true};
    struct sim_pair p;
    size_t mark, clear;

    pair_up(&p, &o);
    mark = p.azure->n_rec;
    sim_link_cut(p.internet, -1, true);
    run_checked(&p, KD_S(4));
    clear = sim_gw_find(p.azure, mark, CORE_NOTE_FIB_CLEAR, SIM_VPN);
    assert_true(clear != SIZE_MAX);
    assert_int_equal(p.azure->rec[clear].r.count, 2);
    assert_way(p.azure, SIM_ONPREM_HOST, "er0");
    sim_pair_free(&p);
}

/* The members of the group the prefix leads through; 0: no such route. */
static uint32_t members(const struct sim_gw *g, const char *text)
{
    const struct nl_route *r;
    struct kd_prefix p;

    assert_true(kd_prefix_parse(text, true, &p));
    r = sim_kernel_route(&g->kernel, 0, &p, FIRST);
    for (size_t i = 0; r && i < g->kernel.n_nhs; i++)
        if (g->kernel.nhs[i].id == r->nh_id)
            return g->kernel.nhs[i].n_group;
    return 0;
}

struct ways {
    const struct core *core;
    char name[2][16]; /* of the tunnel's path, of the neighbor's beside; "": it does not carry */
};

static bool note_way(void *arg, const struct bgp_route_view *r)
{
    struct ways *w = arg;
    char *name = w->name[r->peer >= CORE_TUNNELS_MAX];
    struct kd_prefix p;

    assert_true(kd_prefix_parse("10.1.11.0/25", true, &p));
    if (kd_prefix_eq(&r->prefix, &p) && !r->local)
        core_fib_way(w->core, 0, &p, r->peer, &r->nexthop, name);
    return true;
}

static void assert_ways(const struct sim_gw *g, const char *tunnel, const char *beside)
{
    struct ways w = {.core = g->core};

    bgp_rib_walk(core_bgp(g->core), BGP_VIEW_LEARNED, UINT32_MAX, note_way, &w);
    assert_string_equal(w.name[0], tunnel);
    assert_string_equal(w.name[1], beside);
}

static void equal_paths_carry_together_where_configured(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 87, .ecmp = true};
    struct sim_pair p;

    pair_up(&p, &o);
    assert_int_equal(members(p.azure, "10.1.11.0/25"), 2);
    assert_ways(p.azure, "vpn0", "er0");
    sim_pair_free(&p);
    o.ecmp = false;
    pair_up(&p, &o);
    assert_int_equal(members(p.azure, "10.1.11.0/25"), 1);
    assert_ways(p.azure, "", "er0");
    sim_pair_free(&p);
}

/* Either of the two, by the kernel's hand (a link) or by the core's (a dead tunnel). */
static void of_two_that_carry_together_either_may_go(void **st KD_UNUSED)
{
    for (int er = 0; er < 2; er++) {
        struct sim_pair_options o = {.seed = 88, .ecmp = true};
        const char *left = er ? "vpn0" : "er0";
        struct sim_pair p;

        pair_up(&p, &o);
        if (er)
            sim_link_unplug(p.er, true);
        else
            sim_link_cut(p.internet, -1, true);
        sim_run(p.sim, er ? KD_MS(1) : KD_S(3));
        assert_way(p.azure, SIM_ONPREM_HOST, left);
        run_checked(&p, KD_S(3));
        check_pair(&p, true);
        assert_int_equal(members(p.azure, "10.1.11.0/25"), 1);
        assert_ping(&p, left);
        if (er)
            sim_link_unplug(p.er, false);
        else
            sim_link_cut(p.internet, -1, false);
        wait_up(&p, KD_S(90));
        assert_int_equal(members(p.azure, "10.1.11.0/25"), 2);
        sim_pair_free(&p);
    }
}

/* ---- a way before word of it ---- */

struct word {
    const struct sim *sim;
    bool after_the_way;
};

static bool holds(const struct core_out *o, const struct core_act *a, const uint8_t *what,
                  size_t len)
{
    struct kd_bytes data = core_out_bytes(o, a->data);

    return memmem(data.p, data.len, what, len) != NULL;
}

/* In the step that has just been, whose it was: only the hub has a tunnel 1, over which it tells
 * of 10.100.0.0/24. */
static bool told(void *arg)
{
    static const uint8_t dst[] = {10, 100, 0, 0}, nlri[] = {24, 10, 100, 0};
    struct word *w = arg;
    const struct core_out *o = w->sim->out;

    w->after_the_way = false;
    for (uint32_t i = 0; i < o->n; i++) {
        const struct core_act *a = &o->a[i];
        if (a->kind == CORE_ACT_NETLINK && holds(o, a, dst, sizeof(dst)))
            w->after_the_way = true;
        if (a->kind == CORE_ACT_TCP_WRITE && a->tunnel == 1 && holds(o, a, nlri, sizeof(nlri)))
            return true;
    }
    return false;
}

static void a_neighbor_hears_of_a_way_when_the_kernel_has_been_asked_for_it(void **st KD_UNUSED)
{
    struct word w;
    struct sim_hub h;

    printf("# seed 88\n");
    sim_hub_new(&h, 88, 2);
    w.sim = h.sim;
    sim_gw_start(h.gws[0]);
    sim_gw_start(h.gws[2]);
    sim_run(h.sim, KD_S(20));
    assert_true(sim_bgp_is(h.gws[0], 1, BGP_ESTABLISHED));
    sim_gw_start(h.gws[1]);
    assert_true(sim_wait(h.sim, KD_S(60), told, &w));
    assert_true(w.after_the_way);
    sim_hub_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_prefix_is_there_twice_once_through_its_backup),
        cmocka_unit_test(a_prefix_with_one_way_only_is_there_once),
        cmocka_unit_test(a_link_that_goes_down_moves_the_traffic_without_the_core),
        cmocka_unit_test(the_cleaning_up_after_a_flush_leaves_no_gap),
        cmocka_unit_test(a_backup_whose_link_goes_leaves_the_first_alone),
        cmocka_unit_test(a_link_that_flaps_among_the_answers_is_overcome),
        cmocka_unit_test(the_tunnel_is_clear_before_its_prefixes_have_new_groups),
        cmocka_unit_test(equal_paths_carry_together_where_configured),
        cmocka_unit_test(of_two_that_carry_together_either_may_go),
        cmocka_unit_test(a_neighbor_hears_of_a_way_when_the_kernel_has_been_asked_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
