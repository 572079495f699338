/* What the simulator's tests share: pairs brought up, checked runs, order of events. */
#ifndef TEST_SIM_H
#define TEST_SIM_H

#include "sim/scenario.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

static inline void print_gw(const struct sim_gw *g, size_t from)
{
    char prefix[KD_PREFIX_STR_MAX];

    for (size_t i = from; i < g->n_rec; i++) {
        const struct core_event_record *r = &g->rec[i].r;
        printf("# %s %llu.%06llu %s tunnel=%d peer=%d %s %s reason=%s %s %s\n", g->name,
               (unsigned long long)(r->now_us / 1000000), (unsigned long long)(r->now_us % 1000000),
               core_note_names[r->note], (int)r->tunnel, (int)r->peer,
               core_tunnel_state_names[r->tstate], bgp_state_names[r->bstate],
               kd_reason_str(r->reason), kd_prefix_str(&r->prefix, prefix), g->rec[i].text);
    }
}

/* Both made, neither started; the seed is said first. */
static inline void pair_new(struct sim_pair *p, const struct sim_pair_options *o)
{
    printf("# seed %llu\n", (unsigned long long)o->seed);
    sim_pair_new(p, o);
}

static inline void print_pair(const struct sim_pair *p)
{
    print_gw(p->azure, 0);
    print_gw(p->onprem, 0);
}

static inline void check_pair(const struct sim_pair *p, bool settled)
{
    const struct sim_gw *gws[] = {p->azure, p->onprem};

    for (size_t i = 0; i < 2; i++) {
        const char *why = sim_gw_check(gws[i], settled);
        if (why[0])
            print_pair(p);
        assert_string_equal(why, "");
    }
}

/* Runs in small steps and checks the invariants after each. */
static inline void run_checked(struct sim_pair *p, uint64_t for_us)
{
    for (uint64_t end_us = p->sim->now_us + for_us; p->sim->now_us < end_us;) {
        sim_run(p->sim, KD_MS(50));
        check_pair(p, false);
    }
}

static inline void wait_up(struct sim_pair *p, uint64_t for_us)
{
    bool up = sim_pair_wait_up(p, for_us);

    if (!up)
        print_pair(p);
    assert_true(up);
    run_checked(p, KD_S(2));
    check_pair(p, true);
}

static inline void pair_up(struct sim_pair *p, const struct sim_pair_options *o)
{
    pair_new(p, o);
    sim_pair_start(p);
    wait_up(p, KD_S(30));
}

/* The process is told to end, does, and leaves nothing of ours in its kernel. */
static inline void assert_stops_clean(struct sim_gw *g)
{
    sim_gw_stop(g);
    sim_run(g->sim, KD_S(3));
    assert_true(g->stopped);
    assert_int_equal(sim_kernel_routes_of(&g->kernel, NL_PROTO_KEDGE), 0);
    assert_int_equal(sim_kernel_nexthops_of(&g->kernel, NL_PROTO_KEDGE), 0);
}

/* What the kernel says for so long is lost, and the process is told that something was. */
static inline void overrun(struct sim_gw *g, uint64_t for_us)
{
    g->nl_deaf = true;
    sim_run(g->sim, for_us);
    sim_gw_overrun(g);
}

/* The time of the first such record from index from on; fails when there is none. */
static inline uint64_t when(const struct sim_gw *g, size_t from, enum core_note note,
                            uint32_t which)
{
    size_t i = sim_gw_find(g, from, note, which);

    if (i == SIZE_MAX) {
        print_gw(g, from);
        fail_msg("%s never said %s", g->name, core_note_names[note]);
    }
    return g->rec[i].r.now_us;
}

static inline void assert_never(const struct sim_gw *g, size_t from, enum core_note note,
                                uint32_t which)
{
    if (sim_gw_find(g, from, note, which) != SIZE_MAX)
        print_gw(g, from);
    assert_int_equal(sim_gw_find(g, from, note, which), SIZE_MAX);
}

static inline void assert_way(const struct sim_gw *g, const char *dst, const char *way)
{
    if (strcmp(sim_way_to(g, dst), way) != 0)
        print_gw(g, 0);
    assert_string_equal(sim_way_to(g, dst), way);
}

/* A ping from onprem's host to azure's is answered through the interface. */
static inline void assert_ping(struct sim_pair *p, const char *ifname)
{
    uint32_t pongs = p->onprem->pongs;

    assert_true(sim_gw_ping(p->onprem, SIM_ONPREM_HOST, SIM_AZURE_HOST));
    sim_run(p->sim, KD_MS(200));
    assert_int_equal(p->onprem->pongs, pongs + 1);
    assert_string_equal(sim_kernel_link(&p->onprem->kernel, p->onprem->pong_if)->name, ifname);
}

#endif
