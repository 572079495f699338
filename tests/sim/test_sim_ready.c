/* Readiness on whole gateways, in virtual time: onprem judges its tunnel, which backs up
 * ExpressRoute; each test breaks exactly one thing and sees exactly that reason, with the moment it
 * began. */
#include "test_sim.h"

#include "esp/esp.h"
#include "ready/ready.h"

#include <stdlib.h>

#define WALL_NOW(p) (SIM_WALL_S + (int64_t)((p)->sim->now_us / 1000000))

struct watch {
    struct sim_pair p;
    struct ready *ready;
    bool drilling;
    unsigned changes;
    char last[640];
};

/* ---- setting up ---- */

/* Everything but what lies in prefix (may be NULL); with the local preference and prepended where
 * those aren't 0. */
static struct bgp_route_map *map(const char *but, uint32_t local_pref, uint8_t prepend)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));
    struct bgp_policy_entry *e = p->entry;
    struct bgp_route_map *m;

    if (but) {
        e->n_prefix = 1;
        assert_true(kd_prefix_parse(but, true, &e->prefix[0].prefix));
        e->prefix[0].ge = e->prefix[0].prefix.len;
        e->prefix[0].le = 32;
        e++;
    }
    e->permit = true;
    e->set_local_pref = local_pref != 0;
    e->local_pref = local_pref;
    e->n_prepend = prepend;
    for (uint8_t i = 0; i < prepend; i++)
        e->prepend[i] = 65515;
    p->n = (uint16_t)(e - p->entry + 1);
    m = bgp_route_map_new(p);
    assert_non_null(m);
    free(p);
    return m;
}

/* The gateway's, which frees it. */
static struct bgp_route_map *owned(struct sim_gw *g, struct bgp_route_map *m)
{
    struct bgp_route_map **all =
        realloc(g->cfg.policies, (g->cfg.n_policies + 1) * sizeof(struct bgp_route_map *));

    assert_non_null(all);
    g->cfg.policies = all;
    all[g->cfg.n_policies++] = m;
    return m;
}

static void announce(struct sim_gw *g, const char *prefix)
{
    assert_true(kd_prefix_parse(prefix, true, &g->cfg.networks[g->cfg.n_networks++].prefix));
}

static void begin(struct watch *w, const struct sim_pair_options *o)
{
    memset(w, 0, sizeof(*w));
    pair_new(&w->p, o);
    w->p.onprem->cfg.readiness =
        (struct core_readiness){.drill_age_us = KD_S(86400) * 90, .established_us = KD_S(5)};
    w->p.onprem->cfg.tunnels[0].rehearse_us = KD_S(5);
    w->ready = ready_new();
    assert_non_null(w->ready);
}

static void drilled(struct watch *w, int64_t days_ago, bool passed)
{
    struct ready_drill d = {"quarterly", SIM_WALL_S - days_ago * 86400, passed};

    ready_set_drill(w->ready, &d);
}

static void end(struct watch *w)
{
    ready_free(w->ready);
    sim_pair_free(&w->p);
}

/* ---- judging ---- */

static bool count(void *arg, struct kd_handle child, struct ready_used *used)
{
    struct esp_counters c;

    for (const struct sim_sa *s = ((struct sim_gw *)arg)->dp.sas; s; s = s->next)
        if (kd_handle_eq(s->child, child)) {
            esp_count(s->in, &c);
            used->packets_in = c.packets;
            used->bytes_in = c.bytes;
            esp_count(s->out, &c);
            used->packets_out = c.packets;
            used->bytes_out = c.bytes;
            return true;
        }
    return false;
}

static void changed(void *arg, uint32_t tunnel, enum ready_verdict verdict, const char *codes)
{
    struct watch *w = arg;

    assert_int_equal(tunnel, SIM_VPN);
    w->changes++;
    snprintf(w->last, sizeof(w->last), "%s: %s", ready_verdict_names[verdict], codes);
}

static void judge(struct watch *w)
{
    struct ready_env env = {.core = w->p.onprem->core,
                            .now_us = w->p.sim->now_us,
                            .wall_s = WALL_NOW(&w->p),
                            .drilling = w->drilling,
                            .count = count,
                            .arg = w->p.onprem};

    (void)ready_step(w->ready, &env, changed, w);
}

static void run(struct watch *w, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        sim_run(w->p.sim, KD_S(1));
        judge(w);
    }
}

/* "verdict: code, code", after at most so many seconds. */
static void expect(struct watch *w, unsigned seconds, const char *text)
{
    for (unsigned i = 0; i < seconds && strcmp(w->last, text) != 0; i++)
        run(w, 1);
    assert_string_equal(w->last, text);
}

static const char *words(const struct watch *w)
{
    struct ready_view v;

    assert_true(ready_get(w->ready, SIM_VPN, &v));
    assert_int_equal(v.n, 1);
    return v.reason[0].words;
}

static void start(struct watch *w)
{
    drilled(w, 1, true);
    sim_pair_start(&w->p);
}

/* Nothing is wrong; before it has been so, only what takes its time is. */
static void start_ready(struct watch *w)
{
    start(w);
    expect(w, 60, "ready: ");
}

/* ---- the reasons ---- */

static void a_backup_becomes_ready_and_stays_so(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 1, .bfd_us = 300000};
    struct ready_view v;
    struct watch w;

    begin(&w, &o);
    start(&w);
    assert_int_equal(ready_worst(w.ready, true), READY_NOT); /* nobody has looked yet */
    judge(&w);
    assert_string_equal(w.last, "not-ready: tunnel-down, rekey-unrehearsed");
    expect(&w, 60, "ready: ");
    w.changes = 0;
    run(&w, 300);
    assert_int_equal(w.changes, 0);
    assert_true(ready_get(w.ready, SIM_VPN, &v));
    assert_int_equal(v.in->n_primary, 2);
    assert_int_equal(v.in->n_backup, 2);
    assert_true(w.p.sim->now_us - v.since_us >= KD_S(300));
    assert_int_equal(ready_worst(w.ready, false), READY_READY);
    end(&w);
}

static void a_tunnel_cut_silently_and_its_return(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 2};
    struct ready_view v;
    struct watch w;
    uint64_t cut_us;

    begin(&w, &o);
    start_ready(&w);
    cut_us = w.p.sim->now_us;
    sim_link_cut(w.p.internet, -1, true);
    expect(&w, 10, "not-ready: tunnel-down");
    run(&w, 5);
    assert_non_null(strstr(words(&w), "unreachable"));
    assert_true(ready_get(w.ready, SIM_VPN, &v));
    assert_true(v.reason[0].since_us > cut_us && v.reason[0].since_us <= cut_us + KD_S(3));
    sim_link_cut(w.p.internet, -1, false);
    expect(&w, 60, "degraded: session-young");
    expect(&w, 60, "ready: ");
    end(&w);
}

/* Azure's ESP stops in both directions and its IKE goes on; what onprem sends is BFD. */
static void esp_that_comes_no_more(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 3};
    struct core_act mute = {.kind = CORE_ACT_MUTE, .tunnel = SIM_VPN, .silent = true};
    struct watch w;

    begin(&w, &o);
    w.p.onprem->cfg.tunnels[0].neighbor.bgp.keepalive_s = 3;
    w.p.azure->cfg.tunnels[0].neighbor.bgp.keepalive_s = 3;
    start_ready(&w);
    sim_dp_act(w.p.azure, &mute);
    expect(&w, 30, "not-ready: one-way");
    assert_true(sim_bgp_is(w.p.onprem, SIM_VPN, BGP_ESTABLISHED)); /* earlier than the hold time */
    mute.silent = false;
    sim_dp_act(w.p.azure, &mute);
    expect(&w, 60, "ready: ");
    end(&w);
}

static void a_session_that_is_shut_down(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 4};
    struct watch w;

    begin(&w, &o);
    start_ready(&w);
    sim_gw_command(w.p.onprem, CORE_CMD_NEIGHBOR_SHUTDOWN, 0, SIM_VPN);
    expect(&w, 3, "not-ready: session-down");
    assert_non_null(strstr(words(&w), "admin"));
    sim_gw_command(w.p.onprem, CORE_CMD_NEIGHBOR_ENABLE, 0, SIM_VPN);
    expect(&w, 60, "degraded: session-young");
    expect(&w, 60, "ready: ");
    end(&w);
}

static void bfd_on_our_side_only(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 5, .bfd_us = 300000};
    struct watch w;

    begin(&w, &o);
    w.p.azure->cfg.tunnels[0].neighbor.bfd.on = false;
    start(&w);
    expect(&w, 60, "degraded: bfd-down");
    end(&w);
}

/* ---- routes ---- */

static void broken_routes(uint64_t seed, void (*breaks)(struct watch *w), const char *expected,
                          const char *in_words)
{
    struct sim_pair_options o = {.seed = seed};
    struct watch w;

    begin(&w, &o);
    breaks(&w);
    start(&w);
    expect(&w, 60, expected);
    printf("# %s\n", words(&w));
    assert_non_null(strstr(words(&w), in_words));
    end(&w);
}

static struct bgp_peer_config *vpn(struct sim_gw *g)
{
    return &g->cfg.tunnels[0].neighbor.bgp;
}

static struct bgp_peer_config *er(struct sim_gw *g)
{
    return &g->cfg.neighbors[0].bgp;
}

static void spoke_not_on_the_vpn(struct watch *w)
{
    announce(w->p.azure, "10.17.12.0/24");
    vpn(w->p.azure)->export = owned(w->p.azure, map("10.17.12.0/24", 0, 0));
}

static void a_spoke_prefix_missing_on_the_backup(void **st KD_UNUSED)
{
    broken_routes(6, spoke_not_on_the_vpn, "not-ready: prefix-missing",
                  "1 of the primary's 3 prefixes not: 10.17.12.0/24");
}

static void piece_on_the_vpn_only(struct watch *w)
{
    announce(w->p.azure, "10.17.11.0/26");
    er(w->p.azure)->export = owned(w->p.azure, map("10.17.11.0/26", 0, 0));
}

static void a_more_specific_prefix_that_leaks(void **st KD_UNUSED)
{
    broken_routes(7, piece_on_the_vpn_only, "degraded: prefix-more-specific", "10.17.11.0/26");
}

static void other_on_the_vpn_only(struct watch *w)
{
    announce(w->p.azure, "10.99.0.0/16");
    er(w->p.azure)->export = owned(w->p.azure, map("10.99.0.0/16", 0, 0));
}

static void a_prefix_that_only_the_backup_has(void **st KD_UNUSED)
{
    broken_routes(8, other_on_the_vpn_only, "degraded: prefix-extra", "10.99.0.0/16");
}

static void forget_local_pref(struct watch *w)
{
    er(w->p.onprem)->import = owned(w->p.onprem, map(NULL, 0, 0));
}

static void a_forgotten_local_preference(void **st KD_UNUSED)
{
    broken_routes(9, forget_local_pref, "degraded: backup-preferred", "local preference 100");
}

static void told_on_er_only(struct watch *w)
{
    vpn(w->p.onprem)->export = owned(w->p.onprem, map("10.1.11.0/25", 0, 0));
}

static void a_prefix_we_do_not_tell_the_backup(void **st KD_UNUSED)
{
    broken_routes(10, told_on_er_only, "not-ready: told-missing", "10.1.11.0/25");
}

static void tell_a_piece_over_the_vpn(struct watch *w)
{
    announce(w->p.onprem, "10.1.11.0/26");
    er(w->p.onprem)->export = owned(w->p.onprem, map("10.1.11.0/26", 0, 0));
}

static void a_more_specific_prefix_we_tell_the_backup(void **st KD_UNUSED)
{
    broken_routes(11, tell_a_piece_over_the_vpn, "degraded: told-more-specific", "10.1.11.0/26");
}

static void prepend_on_er(struct watch *w)
{
    er(w->p.onprem)->export = owned(w->p.onprem, map(NULL, 0, 2));
}

static void a_return_path_that_prefers_the_backup(void **st KD_UNUSED)
{
    broken_routes(12, prepend_on_er, "degraded: told-preferred", "with 1 against 3");
}

static void a_primary_that_is_down_says_nothing_about_the_backup(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 13};
    struct watch w;

    begin(&w, &o);
    start_ready(&w);
    w.changes = 0;
    sim_gw_command(w.p.onprem, CORE_CMD_NEIGHBOR_SHUTDOWN, 0, SIM_ER);
    run(&w, 60); /* the backup carries: that is what it is for */
    assert_int_equal(w.changes, 0);
    end(&w);
}

static void without_a_primary_nothing_is_compared(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 14, .no_er = true};
    struct watch w;
    struct ready_view v;

    begin(&w, &o);
    start_ready(&w); /* no primary: nothing to compare, and nothing wrong */
    assert_true(ready_get(w.ready, SIM_VPN, &v));
    assert_int_equal(v.in->n_primary + v.in->n_backup, 0);
    end(&w);
}

/* ---- all is well ---- */

/* For so long, what is judged at any millisecond is but (may be ""), or nothing at all. */
static void stays_well(struct watch *w, unsigned ms, const char *but)
{
    struct ready *r = w->ready;

    for (unsigned i = 0; i < ms; i++) {
        sim_run(w->p.sim, KD_MS(1));
        w->ready = ready_new(); /* the other one has its turn once a second */
        assert_non_null(w->ready);
        drilled(w, 1, true);
        judge(w);
        ready_free(w->ready);
        if (strcmp(w->last, "ready: ") != 0 && strcmp(w->last, but) != 0)
            fail_msg("%u ms: %s", i, w->last);
    }
    w->ready = r;
    assert_string_equal(w->last, "ready: ");
}

static void command(struct watch *w, enum core_command cmd, uint32_t peer)
{
    sim_gw_command(w->p.onprem, cmd, SIM_VPN, peer);
}

/* A table of some size on both ways, so that loading it takes its time. */
static void start_loaded(struct watch *w, uint64_t seed)
{
    struct sim_pair_options o = {.seed = seed, .bfd_us = 300000};
    char text[32];

    begin(w, &o);
    w->p.onprem->cfg.readiness.established_us = 0;
    for (unsigned i = 0; i < 60; i++) {
        snprintf(text, sizeof(text), "10.20.%u.0/24", i);
        announce(w->p.azure, text);
    }
    start_ready(w);
}

static void a_rekey_and_another_rehearsal_are_no_reason(void **st KD_UNUSED)
{
    struct watch w;

    start_loaded(&w, 23);
    command(&w, CORE_CMD_REKEY, 0);
    stays_well(&w, 3000, "");
    command(&w, CORE_CMD_REHEARSE, 0);
    stays_well(&w, 3000, "");
    end(&w);
}

/* While the primary loads, the backup's prefixes are no more than it has, nor less while it loads
 * itself. */
static void routes_on_their_way_are_no_reason(void **st KD_UNUSED)
{
    struct watch w;

    start_loaded(&w, 24);
    command(&w, CORE_CMD_NEIGHBOR_SHUTDOWN, SIM_ER);
    stays_well(&w, 1000, "");
    command(&w, CORE_CMD_NEIGHBOR_ENABLE, SIM_ER);
    stays_well(&w, 5000, "");
    assert_true(sim_bgp_is(w.p.onprem, SIM_ER, BGP_ESTABLISHED));
    command(&w, CORE_CMD_NEIGHBOR_SHUTDOWN, SIM_VPN);
    sim_run(w.p.sim, KD_S(1));
    command(&w, CORE_CMD_NEIGHBOR_ENABLE, SIM_VPN);
    stays_well(&w, 5000, "not-ready: session-down");
    end(&w);
}

static void what_a_drill_moves_is_no_reason_until_it_is_over(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 25};
    struct watch w;

    begin(&w, &o);
    forget_local_pref(&w);
    w.drilling = true;
    start(&w);
    expect(&w, 60, "ready: ");
    run(&w, 20);
    assert_string_equal(w.last, "ready: ");
    w.drilling = false;
    run(&w, 4);
    assert_string_equal(w.last, "ready: ");
    expect(&w, 3, "degraded: backup-preferred");
    end(&w);
}

/* ---- keys and drills ---- */

static void esp(struct sim_gw *g, const char *text)
{
    struct ike_proposals *l = &g->cfg.tunnels[0].ike.esp;
    char err[256];

    assert_true(ike_proposal_from_string(text, IKE_PROTO_ESP, &l->p[0], err, sizeof(err)));
}

static void a_pfs_mismatch_by_rehearsal(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 15};
    struct watch w;

    begin(&w, &o);
    esp(w.p.azure, "aes256-sha1-modp1024");
    start(&w);
    expect(&w, 60, "not-ready: rekey-failed");
    assert_non_null(strstr(words(&w), "child rekey: no-proposal"));
    end(&w);
}

static void a_rekey_that_was_never_rehearsed(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 16};
    struct watch w;

    begin(&w, &o);
    w.p.onprem->cfg.tunnels[0].rehearse_us = 0;
    start(&w);
    expect(&w, 60, "degraded: rekey-unrehearsed");
    run(&w, 60);
    sim_gw_command(w.p.onprem, CORE_CMD_REHEARSE, SIM_VPN, 0);
    expect(&w, 10, "ready: ");
    end(&w);
}

/* Nobody has rehearsed, and the rekey is refused time and again until the pair's end. */
static void an_sa_that_ends_without_a_successor(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 17, .child_life_us = KD_S(600), .no_er = true};
    struct ready_view v;
    struct watch w;

    begin(&w, &o);
    esp(w.p.azure, "aes256-sha1-modp1024");
    w.p.onprem->cfg.tunnels[0].rehearse_us = 0;
    start(&w);
    expect(&w, 60, "degraded: rekey-unrehearsed");
    expect(&w, 600, "not-ready: rekey-unrehearsed, sa-ending");
    assert_true(ready_get(w.ready, SIM_VPN, &v));
    assert_non_null(strstr(v.reason[1].words, "child SA ends in"));
    end(&w);
}

/* The way loses what is longer than it carries, in silence; a tunnel's life goes on as before. */
static void a_black_hole_for_long_packets(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 20, .bfd_us = 300000};
    struct core_tunnel_view v;
    struct watch w;
    size_t mark;

    begin(&w, &o);
    w.p.onprem->cfg.tunnels[0].mtu_probe_us = KD_S(60);
    start_ready(&w);
    mark = w.p.onprem->n_rec;
    run(&w, 60);
    assert_true(core_tunnel_get(w.p.onprem->core, SIM_VPN, &v));
    assert_in_range(v.pmtu.path, 1500 - 15, 1500);
    assert_true(v.pmtu.path >= v.pmtu.need && v.pmtu.at_us > 0);
    w.p.internet->faults.mtu = 1400;
    expect(&w, 120, "not-ready: mtu-black-hole");
    printf("# %s\n", words(&w));
    assert_true(core_tunnel_get(w.p.onprem->core, SIM_VPN, &v));
    assert_in_range(v.pmtu.path, 1400 - 15, 1400);
    assert_true(v.pmtu.inner < 1400 && v.pmtu.inner >= 1300);
    w.p.internet->faults.mtu = 0;
    expect(&w, 120, "ready: ");
    assert_never(w.p.onprem, mark, CORE_NOTE_DETECT, SIM_ANY);
    assert_never(w.p.onprem, mark, CORE_NOTE_TUNNEL_STATE, SIM_ANY); /* not even failing */
    assert_never(w.p.azure, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
    end(&w);
}

static void drills_that_are_missing_stale_or_failed(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 18};
    struct watch w;

    begin(&w, &o);
    start_ready(&w);
    drilled(&w, 91, true);
    expect(&w, 2, "degraded: drill-old");
    drilled(&w, 1, false);
    expect(&w, 2, "not-ready: drill-failed");
    assert_int_equal(ready_worst(w.ready, false), READY_NOT);
    assert_int_equal(ready_worst(w.ready, true), READY_READY); /* a drill may mend it */
    ready_set_drill(w.ready, &(struct ready_drill){.at_s = 0});
    expect(&w, 2, "degraded: drill-none");
    drilled(&w, 0, true);
    expect(&w, 2, "ready: ");
    end(&w);
}

/* Neither side rekeys for the time that has passed, and what a pair may carry runs out. */
static void runs_out(uint64_t seed, uint64_t packets, uint64_t bytes, const char *expected)
{
    struct sim_pair_options o = {.seed = seed, .bfd_us = 300000, .no_er = true};
    struct ready_view v;
    struct watch w;

    begin(&w, &o);
    esp(w.p.azure, "aes256-sha1-modp1024");
    w.p.onprem->cfg.tunnels[0].rehearse_us = 0;
    w.p.onprem->cfg.tunnels[0].ike.child_life_packets = packets;
    w.p.onprem->cfg.tunnels[0].ike.child_life_bytes = bytes;
    start(&w);
    expect(&w, 60, "degraded: rekey-unrehearsed");
    expect(&w, 2000, "not-ready: rekey-unrehearsed, sa-ending");
    assert_true(ready_get(w.ready, SIM_VPN, &v));
    printf("# %s\n", v.reason[1].words);
    assert_non_null(strstr(v.reason[1].words, "child SA ends after "));
    assert_non_null(strstr(v.reason[1].words, expected));
    end(&w);
}

static void a_pair_whose_packets_or_bytes_run_out(void **st KD_UNUSED)
{
    runs_out(21, 4000, 0, " packets more");
    runs_out(22, 0, 200000, " KB more");
}

static void is_the_last(void *arg, uint32_t tunnel, enum ready_verdict verdict, const char *codes)
{
    assert_null(arg);
    assert_int_equal(tunnel, 39);
    assert_int_equal(verdict, READY_NOT);
    assert_non_null(strstr(codes, "tunnel-down"));
}

static void only_backups_are_judged(void **st KD_UNUSED)
{
    struct sim_hub h;
    struct ready *r = ready_new();
    struct ready_view v;
    struct ready_env env = {0};

    printf("# seed 19\n");
    sim_hub_new(&h, 19, 40); /* more than a turn's worth */
    h.gws[0]->cfg.readiness = (struct core_readiness){.n_backup = 1, .backup = {39}};
    sim_gw_start(h.gws[0]);
    env.core = h.gws[0]->core;
    for (int i = 0; i < 2; i++) {
        sim_run(h.sim, KD_S(1));
        env.now_us = h.sim->now_us;
        (void)ready_step(r, &env, is_the_last, NULL);
    }
    assert_true(ready_get(r, 39, &v));
    assert_false(ready_get(r, 0, &v));
    ready_free(r);
    sim_hub_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_becomes_ready_and_stays_so),
        cmocka_unit_test(a_tunnel_cut_silently_and_its_return),
        cmocka_unit_test(esp_that_comes_no_more),
        cmocka_unit_test(a_session_that_is_shut_down),
        cmocka_unit_test(bfd_on_our_side_only),
        cmocka_unit_test(a_spoke_prefix_missing_on_the_backup),
        cmocka_unit_test(a_more_specific_prefix_that_leaks),
        cmocka_unit_test(a_prefix_that_only_the_backup_has),
        cmocka_unit_test(a_forgotten_local_preference),
        cmocka_unit_test(a_prefix_we_do_not_tell_the_backup),
        cmocka_unit_test(a_more_specific_prefix_we_tell_the_backup),
        cmocka_unit_test(a_return_path_that_prefers_the_backup),
        cmocka_unit_test(a_primary_that_is_down_says_nothing_about_the_backup),
        cmocka_unit_test(without_a_primary_nothing_is_compared),
        cmocka_unit_test(a_pfs_mismatch_by_rehearsal),
        cmocka_unit_test(a_rekey_that_was_never_rehearsed),
        cmocka_unit_test(an_sa_that_ends_without_a_successor),
        cmocka_unit_test(a_black_hole_for_long_packets),
        cmocka_unit_test(a_pair_whose_packets_or_bytes_run_out),
        cmocka_unit_test(drills_that_are_missing_stale_or_failed),
        cmocka_unit_test(a_rekey_and_another_rehearsal_are_no_reason),
        cmocka_unit_test(routes_on_their_way_are_no_reason),
        cmocka_unit_test(what_a_drill_moves_is_no_reason_until_it_is_over),
        cmocka_unit_test(only_backups_are_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
