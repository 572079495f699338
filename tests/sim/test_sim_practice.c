/* Rehearsals: a drill on mirrors of a configuration's peers, which tell what they tell in reality.
 * What works there passes, what leaves traffic without a way fails with its step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "firewall.h"
#include "practice/rehearse.h"

#define SEED 43

#define CE_A CORE_PEER_BESIDE(0)
#define CE_B CORE_PEER_BESIDE(1)

static struct rehearse_route route(uint32_t peer, const char *prefix)
{
    bool ce = peer >= CORE_TUNNELS_MAX;
    struct rehearse_route r = {.peer = peer,
                               .local_pref = ce ? 150 : 100,
                               .n_as = 1,
                               .first_as = ce ? 12076 : 65515};

    assert_true(kd_prefix_parse(prefix, true, &r.prefix));
    return r;
}

#define HUB   "10.17.11.0/25"
#define SPOKE "10.17.11.128/26"

/* Every kind of peer that a mirror has to be the other end of. */
static const char *const kinds =
    "router: {id: 192.0.2.1, asn: 65010, networks: [10.10.0.0/24]}\n"
    "gateway: {listen: [192.0.2.1, '2001:db8::1']}\n"
    "tunnels:\n"
    "  - {name: anybody, local: 192.0.2.1, remote: any, role: responder, address: 10.0.0.1,\n"
    "     remote-id: branch.example, auth: {psk: secret-of-the-test},\n"
    "     neighbor: {asn: 65030, address: 10.0.0.2, passive: true, import: all, export: all,\n"
    "                bfd: {interval: 300ms, multiplier: 3}}}\n"
    "  - {name: six, remote: '2001:db8:9::1', local: '2001:db8::1', start: on-traffic,\n"
    "     auth: {psk: secret-of-the-test},\n"
    "     selectors: {local: [10.10.0.0/24], remote: [10.20.0.0/24]}}\n"
    "neighbors:\n"
    "  - {name: v6, asn: 65020, address: '2001:db8:1::2', import: all, export: all,\n"
    "     bfd: {interval: 300ms, multiplier: 3, strict: true}}\n"
    "  - {name: far, asn: 65021, address: 10.9.9.9, local-address: 192.0.2.1, multihop: 5,\n"
    "     passive: true, import: all, export: all}\n"
    "  - {name: near, asn: 65010, address: 10.9.8.9, local-address: 192.0.2.1, import: all,\n"
    "     export: all}\n"
    "policies: {all: [permit: {}]}\n";

static struct rehearsal *begin(const char *text, const struct rehearse_now *now, char *why,
                               size_t cap)
{
    static struct config_errors errs;
    const struct config_env env = {.crypto = NULL};
    struct core_config cfg;
    bool good = config_parse(kd_bytes_str(text), "kedge.yaml", &env, &cfg, &errs);

    if (!good)
        print_message("%u:%u: %s\n", errs.e[0].line, errs.e[0].col, errs.e[0].text);
    assert_true(good);
    return rehearsal_new(&cfg, now, SEED, why, cap);
}

static struct rehearsal *stand(const struct rehearse_now *now)
{
    char why[256] = "";
    struct rehearsal *r = begin(firewall, now, why, sizeof(why));

    if (!r)
        print_message("%s\n", why);
    assert_non_null(r);
    return r;
}

static struct rehearse_end run(struct rehearsal *r, const char *steps)
{
    static struct config_errors errs;
    static struct drill_plan plan;
    char text[2048];
    struct practice_world w;
    struct rehearse_end end;
    bool good;

    snprintf(text, sizeof(text),
             "drill: d\nprobe: {agent: server, to: 10.17.11.132, every: 10ms}\nsteps:\n%s", steps);
    assert_true(practice_world(rehearsal_core(r), &w));
    good = config_drill_parse(kd_bytes_str(text), "drill.yaml", &w.w, &plan, &errs);
    practice_world_free(&w);
    if (!good)
        print_message("%u:%u: %s\n", errs.e[0].line, errs.e[0].col, errs.e[0].text);
    assert_true(good);
    rehearsal_run(r, &plan, NULL, NULL, &end);
    if (!end.passed)
        print_message("step %d: %s\n", (int)end.step, end.why);
    rehearsal_free(r);
    return end;
}

static const bool up[4] = {true, true, true, true};

#define ER_OUTAGE                                                                                  \
    "  - shutdown: {neighbor: ce-a}\n"                                                             \
    "  - shutdown: {neighbor: ce-b}\n"                                                             \
    "  - expect: {path: vpn, within: 1s, outage_max: 200ms, routes_unchanged: true}\n"             \
    "  - hold: 30s\n"                                                                              \
    "  - restore: all\n"                                                                           \
    "  - expect: {path: expressroute, within: 60s, routes_unchanged: true}\n"

static void a_backup_that_tells_the_same_passes(void **state)
{
    const struct rehearse_route routes[] = {
        route(0, HUB),    route(0, SPOKE),    route(1, HUB),    route(1, SPOKE),
        route(CE_A, HUB), route(CE_A, SPOKE), route(CE_B, HUB), route(CE_B, SPOKE)};
    struct rehearse_end end =
        run(stand(&(struct rehearse_now){up, up, KD_ARRAY_LEN(routes), routes}), ER_OUTAGE);

    (void)state;
    assert_true(end.passed);
    assert_string_equal(end.why, "");
    assert_true(end.took_us >= KD_S(30) && end.took_us < KD_S(120));
    assert_int_equal(end.n_alike + end.n_left_out, 0);
}

/* The spoke's prefix is missing on the backup. */
static void a_drill_that_would_leave_a_prefix_without_a_way_fails_with_its_step(void **state)
{
    const struct rehearse_route routes[] = {route(0, HUB),      route(1, HUB),
                                            route(CE_A, HUB),   route(CE_B, HUB),
                                            route(CE_A, SPOKE), route(CE_B, SPOKE)};
    struct rehearse_end end =
        run(stand(&(struct rehearse_now){up, up, KD_ARRAY_LEN(routes), routes}), ER_OUTAGE);

    (void)state;
    assert_false(end.passed);
    assert_int_equal(end.step, 2);
    assert_non_null(strstr(end.why, "step 3: "));
}

/* No tunnel is up now: the same drill, the same routes on ExpressRoute. */
static void what_is_down_now_is_down_in_the_rehearsal(void **state)
{
    const bool no[4] = {false, false, true, true};
    const struct rehearse_route routes[] = {route(CE_A, SPOKE), route(CE_B, SPOKE)};
    struct rehearse_end end =
        run(stand(&(struct rehearse_now){no, no, KD_ARRAY_LEN(routes), routes}), ER_OUTAGE);

    (void)state;
    assert_false(end.passed);
    assert_int_equal(end.step, 2);
}

/* ExpressRoute backs the tunnel up here. */
static void a_tunnel_that_falls_silent_is_left_and_comes_back(void **state)
{
    const bool some[4] = {true, false, true, false};
    struct rehearse_route routes[] = {route(0, SPOKE), route(CE_A, SPOKE)};
    struct rehearse_end end;

    (void)state;
    routes[1].local_pref = 50;
    end = run(stand(&(struct rehearse_now){some, some, KD_ARRAY_LEN(routes), routes}),
              "  - expect: {path: vpn}\n"
              "  - tunnel: {name: vpn-a, how: silent}\n"
              "  - expect: {path: expressroute, within: 3s, routes_unchanged: true}\n"
              "  - restore: all\n"
              "  - expect: {path: vpn, within: 60s, routes_unchanged: true}\n");
    assert_true(end.passed);
}

static void a_drain_over_the_tunnels_loses_nothing(void **state)
{
    const struct rehearse_route routes[] = {route(0, SPOKE), route(1, SPOKE), route(CE_A, SPOKE),
                                            route(CE_B, SPOKE)};
    struct rehearse_end end =
        run(stand(&(struct rehearse_now){up, up, KD_ARRAY_LEN(routes), routes}),
            "  - drain: {neighbor: ce-a, by: more-specific}\n"
            "  - drain: {neighbor: ce-b, by: more-specific}\n"
            "  - expect: {path: vpn, within: 5s}\n"
            "  - shutdown: {neighbor: ce-a}\n"
            "  - shutdown: {neighbor: ce-b}\n"
            "  - expect: {loss_max: 0, within: 2s}\n"
            "  - restore: all\n"
            "  - expect: {path: expressroute, within: 60s}\n");

    (void)state;
    assert_true(end.passed);
}

static void every_kind_of_peer_comes_up(void **state)
{
    const bool all[5] = {true, true, true, true, true};
    const bool neighbors[5] = {true, false, true, true, true}; /* the second tunnel has none */
    const struct rehearse_now now = {all, neighbors, 0, NULL};
    char why[256] = "";
    struct rehearsal *r = begin(kinds, &now, why, sizeof(why));

    (void)state;
    assert_string_equal(why, "");
    assert_non_null(r);
    rehearsal_free(r);
}

/* The firewall with a text in the place of another. */
static struct rehearsal *begin_changed(const char *was, const char *is,
                                       const struct rehearse_now *now, char *why, size_t cap)
{
    char text[2048];
    const char *at = strstr(firewall, was);

    assert_non_null(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - firewall), firewall, is, at + strlen(was));
    return begin(text, now, why, cap);
}

/* It has told two routes; the file that kedged will read next takes one of them. */
static void a_session_that_is_up_now_but_not_in_the_simulation_stops_it(void **state)
{
    const struct rehearse_route routes[] = {route(CE_A, HUB), route(CE_A, SPOKE)};
    const struct rehearse_now now = {up, up, KD_ARRAY_LEN(routes), routes};
    char why[256] = "";
    struct rehearsal *r = begin_changed("192.168.11.0, ", "192.168.11.0, prefixes-max: 1, ", &now,
                                        why, sizeof(why));

    (void)state;
    assert_null(r);
    assert_string_equal(why,
                        "ce-a is up now, but in the simulation its session isn't Established");
    r = begin_changed("192.168.11.0, ", "192.168.11.0, prefixes-max: 2, ", &now, why, sizeof(why));
    assert_non_null(r);
    rehearsal_free(r);
}

/* Two peers at one address, told apart by what they are called, which a mirror can't be. */
static void a_tunnel_that_is_up_now_but_not_in_the_simulation_stops_it(void **state)
{
    const bool one[4] = {true, false, true, true};
    const struct rehearse_now both = {up, up, 0, NULL}, first = {one, one, 0, NULL};
    const char *was = "203.0.113.77", *is = "203.0.113.76, remote-id: b.example";
    char why[256] = "";
    struct rehearsal *r = begin_changed(was, is, &both, why, sizeof(why));

    (void)state;
    assert_null(r);
    assert_string_equal(why, "vpn-b is up now, but in the simulation its tunnel doesn't come up");
    r = begin_changed(was, is, &first, why, sizeof(why));
    assert_non_null(r);
    rehearsal_free(r);
}

static void tunnels_with_tables_of_their_own_are_refused(void **state)
{
    const struct rehearse_now now = {up, up, 0, NULL};
    char why[256] = "";

    (void)state;
    assert_null(begin_changed("profile: ", "vrf: red, table: 100, profile: ", &now, why,
                              sizeof(why)));
    assert_non_null(strstr(why, "one table"));
}

/* More kinds of attributes than a policy has entries, and more prefixes of one than an entry. */
static void attributes_that_are_too_many_are_counted(void **state)
{
    struct rehearse_route routes[2 + 100];
    struct rehearsal *r;
    struct rehearse_end end;
    char text[32];

    (void)state;
    routes[0] = route(CE_A, SPOKE);
    routes[1] = route(0, SPOKE);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "10.%u.0.0/16", 100 + i);
        routes[2 + i] = route(CE_A, text);
        routes[2 + i].has_med = i < 40;
        routes[2 + i].med = i;
    }
    r = stand(&(struct rehearse_now){up, up, KD_ARRAY_LEN(routes), routes});
    end = run(r, "  - hold: 1s\n");
    assert_true(end.passed);
    assert_true(end.n_alike > 0 && end.n_alike < 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_that_tells_the_same_passes),
        cmocka_unit_test(a_drill_that_would_leave_a_prefix_without_a_way_fails_with_its_step),
        cmocka_unit_test(what_is_down_now_is_down_in_the_rehearsal),
        cmocka_unit_test(a_tunnel_that_falls_silent_is_left_and_comes_back),
        cmocka_unit_test(a_drain_over_the_tunnels_loses_nothing),
        cmocka_unit_test(every_kind_of_peer_comes_up),
        cmocka_unit_test(a_session_that_is_up_now_but_not_in_the_simulation_stops_it),
        cmocka_unit_test(a_tunnel_that_is_up_now_but_not_in_the_simulation_stops_it),
        cmocka_unit_test(tunnels_with_tables_of_their_own_are_refused),
        cmocka_unit_test(attributes_that_are_too_many_are_counted),
    };
    return cmocka_run_group_tests_name("sim practice", tests, NULL, NULL);
}
