/* An hour of rekeying between two whole gateways, both of which begin: lifetimes of seconds, a
 * network that loses, repeats and reorders, and a ping every 50 ms. What is lost is the network's.
 * REKEY_HOURS=n: so many hours more, of other seeds and lifetimes. */
#include "test_sim.h"

#include <stdlib.h>

#define PING_US KD_MS(50)

static unsigned count(const struct sim_gw *g, size_t from, enum core_note note)
{
    unsigned n = 0;

    for (size_t at = from; (at = sim_gw_find(g, at, note, SIM_VPN)) != SIZE_MAX; at++)
        n++;
    return n;
}

/* Packets that found no SA to leave by, or no SA where they came. */
static uint64_t missing(const struct sim_gw *g)
{
    return g->dp.n_no_sa + g->dp.n_unknown;
}

static void print_last(const struct sim_pair *p)
{
    print_gw(p->azure, p->azure->n_rec > 20 ? p->azure->n_rec - 20 : 0);
    print_gw(p->onprem, p->onprem->n_rec > 20 ? p->onprem->n_rec - 20 : 0);
}

static void an_hour(uint64_t seed, uint64_t child_us, uint64_t ike_us)
{
    struct sim_pair_options o = {.seed = seed,
                                 .no_er = true,
                                 .detect_us = KD_S(1),
                                 .child_life_us = child_us,
                                 .ike_life_us = ike_us};
    uint64_t end_us;
    uint64_t before; /* both call at the start, and one of the two IKE SAs goes */
    uint32_t pings = 0, pongs;
    struct sim_pair p;
    size_t mark;

    pair_up(&p, &o);
    /* Four losses in a row are a dead peer: more of them, and an hour now and then has one. */
    p.internet->faults = (struct sim_faults){
        .latency_us = KD_MS(10), .jitter_us = KD_MS(5), .loss = 5, .dup = 10, .reorder = 20};
    mark = p.azure->n_rec;
    pongs = p.onprem->pongs;
    before = missing(p.azure) + missing(p.onprem);
    for (end_us = p.sim->now_us + KD_S(3600); p.sim->now_us < end_us; pings++) {
        if (!sim_gw_ping(p.onprem, SIM_ONPREM_HOST, SIM_AZURE_HOST)) {
            print_last(&p);
            fail_msg("the tunnel does not carry");
        }
        sim_run(p.sim, PING_US);
        check_pair(&p, false);
        if (missing(p.azure) + missing(p.onprem) != before)
            print_last(&p);
        assert_int_equal(missing(p.azure) + missing(p.onprem), before);
    }
    pongs = p.onprem->pongs - pongs;
    printf("# %u pings, %u pongs, %u pairs, child %llu s, IKE %llu s\n", pings, pongs,
           count(p.azure, mark, CORE_NOTE_CHILD_UP), (unsigned long long)(child_us / 1000000),
           (unsigned long long)(ike_us / 1000000));
    assert_in_range(count(p.azure, mark, CORE_NOTE_CHILD_UP), KD_S(3600) / child_us,
                    KD_S(3600) / child_us * 2);
    assert_in_range(pongs, pings / 100 * 94, pings + pings / 50);
    assert_never(p.azure, mark, CORE_NOTE_DETECT, SIM_VPN);
    assert_never(p.onprem, mark, CORE_NOTE_DETECT, SIM_VPN);
    p.internet->faults = (struct sim_faults){.latency_us = KD_MS(10)};
    run_checked(&p, KD_S(2));
    check_pair(&p, true);
    sim_pair_free(&p);
}

static void an_hour_of_rekeying_by_both_ends_loses_nothing_to_a_missing_sa(void **st KD_UNUSED)
{
    an_hour(701, KD_S(7), KD_S(31));
}

/* Both lifetimes end together, so that each rekey of one meets one of the other. */
static void neither_does_one_where_child_and_ike_sa_are_due_together(void **st KD_UNUSED)
{
    const char *more = getenv("REKEY_HOURS");

    an_hour(702, KD_S(8), KD_S(16));
    for (unsigned i = 0; more && i < (unsigned)atoi(more); i++)
        an_hour(800 + i, KD_S(6 + i % 5), KD_S(6 + i % 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_of_rekeying_by_both_ends_loses_nothing_to_a_missing_sa),
        cmocka_unit_test(neither_does_one_where_child_and_ike_sa_are_due_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
