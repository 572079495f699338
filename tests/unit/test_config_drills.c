/* The configuration's drills section: names for the ways that traffic takes. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct core_config cfg;
static struct config_errors errs;
static struct kc_ctx *crypto;

static bool parse(const char *drills)
{
    const struct config_env env = {.crypto = crypto};
    char text[1024];
    snprintf(text, sizeof(text),
             "gateway: {listen: [192.0.2.1]}\n"
             "router: {id: 10.0.0.1, asn: 65515}\n"
             "tunnels: [{name: vpn, remote: 192.0.2.2, auth: {psk: x}, address: 10.0.0.1,"
             " neighbor: {asn: 65020, address: 10.0.0.2}}]\n"
             "neighbors: [{name: msee, asn: 12076, address: 10.1.0.2}]\n"
             "%s",
             drills);
    config_discard(crypto, &cfg);
    return config_parse(kd_bytes_str(text), "f", &env, &cfg, &errs);
}

static void a_path_is_told_by_hops_or_neighbors(void **state)
{
    const struct probe_names *p = &cfg.paths;
    (void)state;
    assert_true(parse(""));
    assert_int_equal(p->n, 0);
    assert_true(parse("drills:\n  paths:\n"
                      "    - {name: expressroute, hops: [192.168.11.16/28, 10.0.0.9/32], "
                      "neighbors: [msee]}\n"
                      "    - {name: vpn, neighbors: [vpn]}\n"));
    assert_int_equal(p->n, 2);
    assert_string_equal(p->name[0].name, "expressroute");
    assert_true(p->name[0].n_hops == 2 && p->name[0].hop[0].len == 28);
    assert_int_equal(p->name[0].hop[1].len, 32);
    assert_true(p->name[0].n_peers == 1 && p->name[0].peer[0] == CORE_TUNNELS_MAX);
    assert_true(p->name[1].n_hops == 0 && p->name[1].peer[0] == 0);
}

static void just_beside_it_is_an_error_with_its_place(void **state)
{
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"drills: {path: []}",
         "5:10: error: drills: unknown key \"path\"; allowed: paths; did you mean \"paths\"?"},
        {"drills: {paths: []}", "5:17: error: drills.paths: 0 entries; allowed: 1 to 16"},
        {"drills: {paths: [{hops: [10.0.0.1/32]}]}",
         "5:18: error: drills.paths[0]: \"name\" is missing"},
        {"drills: {paths: [{name: a b, hops: [10.0.0.1/32]}]}",
         "5:25: error: drills.paths[0].name: \"a b\""},
        {"drills: {paths: [{name: a}]}", "5:18: error: drills.paths[0]: hops or neighbors is "
                                         "missing: nothing would tell this path"},
        {"drills: {paths: [{name: a, hops: [10.0.0.1/32]}, {name: a, hops: [10.0.0.2/32]}]}",
         "5:57: error: drills.paths[1].name: \"a\" is already in the list"},
        {"drills: {paths: [{name: a, hops: [10.0.0.1/24]}]}",
         "5:35: error: drills.paths[0].hops[0]:"},
        {"drills: {paths: [{name: a, neighbors: [mse]}]}",
         "5:40: error: drills.paths[0].neighbors[0]: there is no neighbor \"mse\""},
        {"drills: {paths: [{name: a, neighbors: [msee, msee]}]}",
         "5:46: error: drills.paths[0].neighbors[1]: \"msee\" is already in the list"},
    };
    char line[CONFIG_LINE_MAX];
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        assert_false(parse(rows[i].text));
        config_error_line(&errs, &errs.e[0], line, sizeof(line));
        if (!strstr(line, rows[i].line))
            fail_msg("%s\nis not %s", line, rows[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_told_by_hops_or_neighbors),
        cmocka_unit_test(just_beside_it_is_an_error_with_its_place),
    };
    crypto = kc_ctx_new(KC_PROVIDER_REAL, 64);
    if (!crypto)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    config_discard(crypto, &cfg);
    kc_ctx_free(crypto);
    return failed;
}
