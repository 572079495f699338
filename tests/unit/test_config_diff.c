/* Two configurations compared for a reload: what changed, and whether a running daemon can take it
 * over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "config/config.h"

static struct config_print *print(const char *text)
{
    struct config_print *p = config_print_new(kd_bytes_str(text));
    assert_non_null(p);
    return p;
}

static void say(void *arg, const char *path, bool live)
{
    strcat(arg, live ? "+" : "!");
    strcat(arg, path);
    strcat(arg, " ");
}

static void differs(const char *a, const char *b, const char *want)
{
    struct config_print *from = print(a), *to = print(b);
    char got[1024] = "";
    config_diff(from, to, say, got);
    assert_string_equal(got, want);
    config_print_free(from);
    config_print_free(to);
}

#define BASE                                                                                       \
    "router: {id: 10.0.0.1, asn: 65515, networks: [10.0.0.0/8]}\n"                                 \
    "gateway: {listen: [192.0.2.1]}\n"
#define TUNNEL(name, more)                                                                         \
    "  - {name: " name                                                                             \
    ", remote: 192.0.2.2, auth: {psk: swordfish}, address: 10.0.0.1, neighbor: "                   \
    "{asn: 1, address: 10.0.0.2" more "}}\n"
#define NEIGHBOR(name, more) "  - {name: " name ", asn: 2, address: 10.0.0.3" more "}\n"

static void what_is_written_otherwise_but_the_same_is_no_change(void **state)
{
    (void)state;
    differs(BASE, BASE, "");
    differs(BASE "tunnels:\n" TUNNEL("a", "") TUNNEL("b", ""),
            BASE "tunnels: # in another order\n" TUNNEL("b", "") TUNNEL("a", ""), "");
    differs(BASE "logging: {level: info}\n", BASE "logging:\n  level: 'info'\n", "");
}

static void policies_networks_and_the_level_are_taken_over_the_rest_waits(void **state)
{
    static const struct {
        const char *from, *to, *want;
    } rows[] = {
        {"policies: {p: [{permit: {}}]}\n", "policies: {p: [{deny: {}}]}\n", "+policies.p "},
        {"", "policies: {p: [{permit: {}}]}\n", "+policies.p "},
        {"policies: {p: [{permit: {}}]}\n", "", "+policies.p "},
        {"logging: {level: info}\n", "logging: {level: warn}\n", "+logging.level "},
        {"", "readiness: {established: 2s, primary: [n]}\n",
         "+readiness.established +readiness.primary "},
        {"readiness: {drill-age: 1d}\n", "", "+readiness.drill-age "},
        {"control: {keylog: true}\n", "control: {keylog: false}\n", "!control.keylog "},
        {"control: {keylog: true, socket: /a}\n", "", "!control.keylog !control.socket "},
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char from[512], to[512];
        snprintf(from, sizeof(from), BASE "%s", rows[i].from);
        snprintf(to, sizeof(to), BASE "%s", rows[i].to);
        differs(from, to, rows[i].want);
    }
    differs("router: {id: 10.0.0.1, asn: 1, networks: [10.0.0.0/8]}\n",
            "router: {id: 10.0.0.1, asn: 2, networks: [10.0.0.0/9]}\n",
            "!router.asn +router.networks ");
    differs("router: {id: 10.0.0.1, azure: {vnet: [10.0.0.0/8]}}\n",
            "router: {id: 10.0.0.1, azure: {vnet: [10.0.0.0/9], route-server: true}}\n",
            "+router.azure.route-server +router.azure.vnet ");
}

static void of_a_neighbor_only_what_needs_no_session_is_taken_over(void **state)
{
    static const struct {
        const char *key, *want;
    } rows[] = {
        {", import: p", "+%simport "},
        {", export: p", "+%sexport "},
        {", as-override: true", "+%sas-override "},
        {", allowas-in: 2", "+%sallowas-in "},
        {", profile: azure-vpn", "+%sprofile "},
        {", next-hop-self: true", "+%snext-hop-self "},
        {", prefixes-max: 9", "+%sprefixes-max "},
        {", weight: 9", "+%sweight "},
        {", hold: 9s", "!%shold "},
        {", bfd: {interval: 1s}", "!%sbfd "},
    };
    (void)state;
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char from[1024], to[1024], want[128];
        snprintf(from, sizeof(from), BASE "tunnels:\n" TUNNEL("t", "%s"), "");
        snprintf(to, sizeof(to), BASE "tunnels:\n" TUNNEL("t", "%s"), rows[i].key);
        snprintf(want, sizeof(want), rows[i].want, "tunnels.t.neighbor.");
        differs(from, to, want);
        snprintf(from, sizeof(from), BASE "neighbors:\n" NEIGHBOR("n", "%s"), "");
        snprintf(to, sizeof(to), BASE "neighbors:\n" NEIGHBOR("n", "%s"), rows[i].key);
        snprintf(want, sizeof(want), rows[i].want, "neighbors.n.");
        differs(from, to, want);
    }
}

#define PROBE(more)                                                                                \
    BASE "health:\n  - {name: p, probe: icmp, to: 10.9.0.1, via: 10.0.0.1" more "}\n"

static void how_a_probe_counts_is_taken_over_whom_it_asks_waits(void **state)
{
    static const struct {
        const char *key, *want;
    } rows[] = {
        {", every: 2s", "+health.p.every "},
        {", fail: 9", "+health.p.fail "},
        {", then: [withdraw]", "+health.p.then "},
        {", local-pref: 1", "+health.p.local-pref "},
        {", prepend: 1", "+health.p.prepend "},
        {", recover: {stable: 1s}", "+health.p.recover "},
        {", neighbors: [n]", "!health.p.neighbors "},
        {", port: 7", "!health.p.port "},
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char to[512];
        snprintf(to, sizeof(to), PROBE("%s"), rows[i].key);
        differs(PROBE(""), to, rows[i].want);
    }
    differs(BASE, PROBE(", fail: 9"), "!health.p ");
    differs(BASE "recover: {stable: 5s}\n", BASE "recover: {stable: 6s}\n", "+recover.stable ");
    differs(BASE "tunnels:\n  - {name: t, remote: 192.0.2.2}\n",
            BASE "tunnels:\n  - {name: t, remote: 192.0.2.2, recover: {stable: 1s}}\n",
            "+tunnels.t.recover ");
}

static void what_comes_or_goes_is_one_change_and_waits(void **state)
{
    (void)state;
    differs(BASE "neighbors:\n" NEIGHBOR("a", ", import: p"),
            BASE "neighbors:\n" NEIGHBOR("a", ", import: p") NEIGHBOR("b", ", import: p"),
            "!neighbors.b ");
    differs(BASE "neighbors:\n" NEIGHBOR("a", ", import: p") NEIGHBOR("ab", ", import: p"),
            BASE "neighbors:\n" NEIGHBOR("ab", ", import: p"), "!neighbors.a ");
    differs(BASE "tunnels:\n" TUNNEL("t", ""), BASE "tunnels:\n" TUNNEL("u", ""),
            "!tunnels.u !tunnels.t ");
}

/* The shell compares them, where they lie. */
static void a_key_in_the_file_is_not_in_a_print(void **state)
{
    (void)state;
    differs("tunnels: [{name: a, auth: {psk: one}}]\n", "tunnels: [{name: a, auth: {psk: two}}]\n",
            "");
    differs("tunnels: [{name: a, auth: {psk: one}}]\n",
            "tunnels: [{name: a, auth: {psk-file: /one}}]\n", "!tunnels.a.auth ");
}

static void after_a_reload_only_what_waits_is_left_to_say(void **state)
{
    const char *was = BASE "policies: {p: [{permit: {}}], q: [{permit: {}}]}\n"
                           "neighbors:\n" NEIGHBOR("a", ", import: p, hold: 9s"),
               *now = BASE "policies: {p: [{deny: {}}], r: [{permit: {}}]}\n"
                           "neighbors:\n" NEIGHBOR("a", ", import: r, hold: 10s")
                               NEIGHBOR("b", ", import: r");
    struct config_print *from = print(was), *to = print(now), *runs = config_print_merge(from, to);
    char got[1024] = "";
    (void)state;
    config_diff(runs, to, say, got);
    assert_string_equal(got, "!neighbors.a.hold !neighbors.b ");
    got[0] = '\0';
    config_diff(to, runs, say, got);
    assert_string_equal(got, "!neighbors.a.hold !neighbors.b ");
    config_print_free(from);
    config_print_free(to);
    config_print_free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_otherwise_but_the_same_is_no_change),
        cmocka_unit_test(policies_networks_and_the_level_are_taken_over_the_rest_waits),
        cmocka_unit_test(of_a_neighbor_only_what_needs_no_session_is_taken_over),
        cmocka_unit_test(how_a_probe_counts_is_taken_over_whom_it_asks_waits),
        cmocka_unit_test(what_comes_or_goes_is_one_change_and_waits),
        cmocka_unit_test(a_key_in_the_file_is_not_in_a_print),
        cmocka_unit_test(after_a_reload_only_what_waits_is_left_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
