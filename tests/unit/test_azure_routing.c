/* An Azure VPN gateway's routing rules (facts/azure.md 2.1): a configuration with router.azure is
 * read, and what its policies and neighbors make of routes is compared with each rule and its
 * nearest exception. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "config/config.h"

static struct core_config cfg;
static struct config_errors errs;

#define GATEWAY "gateway: {listen: [192.0.2.1]}\n"
#define ROUTER                                                                                     \
    "router:\n"                                                                                    \
    "  id: 10.0.0.1\n"                                                                             \
    "  asn: 65515\n"                                                                               \
    "  networks: [10.99.0.0/16]\n"                                                                 \
    "  azure: {vnet: [10.17.0.0/16, 'fd17::/48'], spokes: [10.18.0.0/16]%s}\n"
#define NEIGHBORS                                                                                  \
    "neighbors:\n"                                                                                 \
    "  - {name: site, asn: 65020, address: 192.168.11.88, profile: azure-vpn%s}\n"                 \
    "  - {name: msee, asn: 12076, address: 172.16.0.2, profile: azure-expressroute%s}\n"

static bool parse(const char *azure, const char *site, const char *msee)
{
    const struct config_env env = {0};
    char text[2048];

    core_config_free(&cfg);
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof(text), GATEWAY ROUTER NEIGHBORS, azure, site, msee);
    return config_parse(kd_bytes_str(text), "k.yaml", &env, &cfg, &errs);
}

static void accepted(const char *azure, const char *site, const char *msee)
{
    if (!parse(azure, site, msee))
        fail_msg("%u:%u: %s", errs.e[0].line, errs.e[0].col, errs.e[0].text);
}

static void refused(const char *azure, const char *site, const char *msee, const char *text)
{
    assert_false(parse(azure, site, msee));
    assert_int_equal(errs.n, 1);
    assert_string_equal(errs.e[0].text, text);
}

/* Would a policy take prefix, learned from there? */
static bool takes(const struct bgp_route_map *m, const char *prefix, enum bgp_source from)
{
    static const struct bgp_attrs plain;
    struct kd_prefix p;
    uint32_t work = 0;

    assert_non_null(m);
    assert_true(kd_prefix_parse(prefix, true, &p));
    return bgp_route_map_match(m, bgp_route_map_eligible(m, &plain, from, &work), &p) >= 0;
}

static void a_vnets_prefixes_and_what_is_inside_are_refused_what_is_around_is_not(void **state)
{
    static const struct {
        const char *prefix;
        bool taken;
    } rows[] = {
        {"10.17.0.0/16", false},   {"10.17.3.0/24", false}, {"10.17.255.255/32", false},
        {"10.16.0.0/15", true},    {"10.0.0.0/8", true},    {"10.18.0.0/16", false},
        {"10.18.128.0/17", false}, {"10.19.0.0/16", true},  {"0.0.0.0/0", true},
        {"fd17::/48", false},      {"fd17::/64", false},    {"fd17::/32", true},
        {"fd17:0:1::/48", true},
    };

    (void)state;
    accepted("", "", "");
    for (int n = 0; n < 2; n++)
        for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
            if (takes(cfg.neighbors[n].bgp.import, rows[i].prefix, cfg.neighbors[n].bgp.source) !=
                rows[i].taken)
                fail_msg("%s from %s", rows[i].prefix, cfg.neighbors[n].bgp.name);
}

static void what_was_learned_is_passed_on_but_for_defaults_and_overlaps(void **state)
{
    static const struct {
        const char *prefix;
        bool told;
    } rows[] = {
        {"10.20.0.0/16", true}, {"0.0.0.0/0", false},    {"0.0.0.0/1", false},
        {"128.0.0.0/1", true},  {"::/0", false},         {"8000::/1", false},
        {"10.0.0.0/8", false},  {"10.16.0.0/15", false}, {"11.0.0.0/8", true},
        {"fd00::/8", false},    {"fd18::/48", true},     {"::/1", true},
    };

    (void)state;
    accepted("", "", "");
    for (int n = 0; n < 2; n++)
        for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
            if (takes(cfg.neighbors[n].bgp.export, rows[i].prefix, cfg.neighbors[n].bgp.source) !=
                rows[i].told)
                fail_msg("%s to %s", rows[i].prefix, cfg.neighbors[n].bgp.name);
}

static void the_vnet_its_spokes_and_our_other_networks_are_announced(void **state)
{
    static const char *const want[] = {"10.99.0.0/16", "10.17.0.0/16", "fd17::/48", "10.18.0.0/16"};
    char text[KD_PREFIX_STR_MAX];

    (void)state;
    accepted("", "", "");
    assert_int_equal(cfg.n_networks, KD_ARRAY_LEN(want));
    for (size_t i = 0; i < KD_ARRAY_LEN(want); i++) {
        assert_string_equal(kd_prefix_str(&cfg.networks[i].prefix, text), want[i]);
        assert_true(takes(cfg.neighbors[0].bgp.export, want[i], BGP_FROM_LOCAL));
        assert_true(takes(cfg.neighbors[1].bgp.export, want[i], BGP_FROM_LOCAL));
    }
}

static void vpn_and_expressroute_hear_of_each_other_by_a_route_server_only(void **state)
{
    (void)state;
    for (int server = 0; server < 2; server++) {
        accepted(server ? ", route-server: true" : ", route-server: false", "", "");
        const struct bgp_route_map *vpn = cfg.neighbors[0].bgp.export,
                                   *er = cfg.neighbors[1].bgp.export;
        assert_int_equal(takes(vpn, "10.20.0.0/16", BGP_FROM_EXPRESSROUTE), server);
        assert_int_equal(takes(er, "10.20.0.0/16", BGP_FROM_VPN), server);
        assert_true(takes(vpn, "10.20.0.0/16", BGP_FROM_VPN)); /* from one site to the other */
        assert_true(takes(er, "10.20.0.0/16", BGP_FROM_EXPRESSROUTE));
        assert_false(takes(vpn, "0.0.0.0/0", BGP_FROM_EXPRESSROUTE));
    }
    refused(", route-server: yes", "", "",
            "router.azure.route-server: \"yes\"; allowed: false, true");
}

static void a_route_server_needs_azures_as(void **state)
{
    const struct config_env env = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char text[512];
        core_config_free(&cfg);
        snprintf(text, sizeof(text),
                 GATEWAY "router: {id: 10.0.0.1, asn: %d, azure: {vnet: [10.0.0.0/8], "
                         "route-server: true}}\n",
                 65515 + i);
        assert_int_equal(config_parse(kd_bytes_str(text), "k.yaml", &env, &cfg, &errs), i == 0);
    }
    assert_string_equal(errs.e[0].text,
                        "router.azure.route-server: \"true\" needs router.asn 65515, as in Azure");
}

static void timers_are_azures_and_fixed_towards_a_site(void **state)
{
    (void)state;
    accepted("", ", hold: 180s, keepalive: 60s", ", hold: 9s");
    accepted("", "", "");
    assert_int_equal(cfg.neighbors[0].bgp.hold_s, 180);
    assert_int_equal(cfg.neighbors[0].bgp.keepalive_s, 0); /* a third */
    assert_int_equal(cfg.neighbors[1].bgp.hold_s, 180);
    refused("", ", hold: 179s", "", "neighbors[0].hold: Azure's is fixed at 180s; leave it out");
    refused("", ", keepalive: 59s", "",
            "neighbors[0].keepalive: Azure's is fixed at 60s; leave it out");
    accepted("", "", ", bfd: {interval: 300ms}");
    refused("", ", bfd: {interval: 300ms}", "",
            "neighbors[0].profile: Azure's VPN gateways have no BFD; leave bfd out");
}

static void a_neighbor_in_169_254_is_waited_for(void **state)
{
    static const struct {
        const char *address;
        bool passive;
    } rows[] = {{"169.254.0.0", true},      {"169.254.21.5", true}, {"169.254.255.255", true},
                {"169.253.255.255", false}, {"169.255.0.0", false}, {"fe80::1", false}};
    const struct config_env env = {0};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows) * 2; i++) {
        bool vpn = i % 2 == 0;
        char text[1024];
        core_config_free(&cfg);
        snprintf(text, sizeof(text),
                 GATEWAY "router: {id: 10.0.0.1, asn: 65515, azure: {vnet: [10.0.0.0/8]}}\n"
                         "neighbors: [{name: n, asn: 65020, address: '%s', profile: %s}]\n",
                 rows[i / 2].address, vpn ? "azure-vpn" : "azure-expressroute");
        assert_true(config_parse(kd_bytes_str(text), "k.yaml", &env, &cfg, &errs));
        assert_int_equal(cfg.neighbors[0].bgp.passive, vpn && rows[i / 2].passive);
    }
}

static void a_site_has_an_as_that_azure_lets_it_have(void **state)
{
    static const struct {
        uint32_t good, bad;
    } rows[] = {{8073, 8074},
                {8076, 8075},
                {12077, 12076},
                {64495, 64496},
                {64512, 64511},
                {65514, 65515},
                {65516, 65517},
                {65521, 65520},
                {65534, 65535},
                {65552, 65551},
                {UINT32_MAX - 1, UINT32_MAX}};
    const struct config_env env = {0};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows) * 2; i++) {
        uint32_t asn = i % 2 ? rows[i / 2].bad : rows[i / 2].good;
        char text[1024];
        core_config_free(&cfg);
        snprintf(text, sizeof(text),
                 GATEWAY "router: {id: 10.0.0.1, asn: 65515, azure: {vnet: [10.0.0.0/8]}}\n"
                         "neighbors: [{name: n, asn: %u, address: 10.0.0.2, profile: azure-vpn}]\n",
                 asn);
        if (config_parse(kd_bytes_str(text), "k.yaml", &env, &cfg, &errs) != (i % 2 == 0))
            fail_msg("%u", asn);
    }
}

/* Seed 001: the branch's gateway with 65516 beside the hub's 65515. */
static void a_gateway_may_be_beside_another_with_the_default_as(void **state)
{
    const struct config_env env = {0};

    (void)state;
    for (uint32_t own = 65515; own <= 65516; own++) {
        char text[1024];
        core_config_free(&cfg);
        snprintf(text, sizeof(text),
                 GATEWAY "router: {id: 10.0.0.1, asn: %u, azure: {vnet: [10.0.0.0/8]}}\n"
                         "neighbors: [{name: n, asn: 65515, address: 10.0.0.2, profile: "
                         "azure-vpn}]\n",
                 own);
        assert_int_equal(config_parse(kd_bytes_str(text), "k.yaml", &env, &cfg, &errs),
                         own == 65516);
    }
}

static void the_profile_gives_what_is_left_out_and_yields_to_what_is_not(void **state)
{
    (void)state;
    accepted("", ", prefixes-max: 10, import: azure-import, export: azure-import", "");
    assert_int_equal(cfg.neighbors[0].bgp.prefixes_max, 10);
    assert_int_equal(cfg.neighbors[1].bgp.prefixes_max, 4000);
    assert_ptr_equal(cfg.neighbors[0].bgp.export, cfg.neighbors[0].bgp.import);
    assert_string_equal(bgp_route_map_name(cfg.neighbors[1].bgp.export),
                        "azure-expressroute-export");
    assert_int_equal(errs.n_warnings, 0); /* RFC 8212: the profile's policies are policies */
    assert_int_equal(cfg.n_policies, 3);
}

/* The gateway's other instances: nothing of RFC 4271's is taken away, but they are what they are.
 */
static void an_internal_neighbor_has_a_source_and_no_policy(void **state)
{
    const struct config_env env = {0};

    (void)state;
    core_config_free(&cfg);
    assert_true(config_parse(
        kd_bytes_str(GATEWAY "router: {id: 10.0.0.1, asn: 65515, azure: {vnet: [10.0.0.0/8]}}\n"
                             "neighbors: [{name: n, asn: 65515, address: 10.0.0.2, profile: "
                             "azure-expressroute}]\n"),
        "k.yaml", &env, &cfg, &errs));
    assert_null(cfg.neighbors[0].bgp.import);
    assert_null(cfg.neighbors[0].bgp.export);
    assert_int_equal(cfg.neighbors[0].bgp.source, BGP_FROM_EXPRESSROUTE);
}

static void what_contradicts_the_section_is_refused(void **state)
{
    const struct config_env env = {0};

    (void)state;
    core_config_free(&cfg);
    assert_false(config_parse(
        kd_bytes_str(GATEWAY "policies: {azure-import: [{permit: {}}]}\n"
                             "router: {id: 10.0.0.1, asn: 65515, azure: {vnet: [10.0.0.0/8]}}\n"),
        "k.yaml", &env, &cfg, &errs));
    assert_string_equal(errs.e[0].text, "router.azure: \"azure-import\" is a name it gives; call "
                                        "the one in policies otherwise");
    refused(", peers: 1", "", "",
            "router.azure: unknown key \"peers\"; allowed: vnet, spokes, route-server");
    refused(", vnet: [10.0.0.0/8]", "", "", "router.azure: \"vnet\" is already set in line 6");
    core_config_free(&cfg);
    assert_false(config_parse(
        kd_bytes_str(GATEWAY "router: {id: 10.0.0.1, asn: 65515}\n"
                             "neighbors: [{name: n, asn: 65020, address: 10.0.0.2, profile: "
                             "azure-vpn}]\n"),
        "k.yaml", &env, &cfg, &errs));
    assert_string_equal(errs.e[0].text,
                        "neighbors[0].profile: needs router.azure with the VNet's prefixes");
    core_config_free(&cfg);
    assert_false(config_parse(
        kd_bytes_str(GATEWAY "router: {id: 10.0.0.1, asn: 65515, azure: {vnet: [0.0.0.0/0]}}\n"),
        "k.yaml", &env, &cfg, &errs));
    assert_string_equal(
        errs.e[0].text,
        "router.azure.vnet[0]: \"0.0.0.0/0\"; allowed: a VNet's prefix, not everything");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vnets_prefixes_and_what_is_inside_are_refused_what_is_around_is_not),
        cmocka_unit_test(what_was_learned_is_passed_on_but_for_defaults_and_overlaps),
        cmocka_unit_test(the_vnet_its_spokes_and_our_other_networks_are_announced),
        cmocka_unit_test(vpn_and_expressroute_hear_of_each_other_by_a_route_server_only),
        cmocka_unit_test(a_route_server_needs_azures_as),
        cmocka_unit_test(timers_are_azures_and_fixed_towards_a_site),
        cmocka_unit_test(a_neighbor_in_169_254_is_waited_for),
        cmocka_unit_test(a_site_has_an_as_that_azure_lets_it_have),
        cmocka_unit_test(a_gateway_may_be_beside_another_with_the_default_as),
        cmocka_unit_test(the_profile_gives_what_is_left_out_and_yields_to_what_is_not),
        cmocka_unit_test(an_internal_neighbor_has_a_source_and_no_policy),
        cmocka_unit_test(what_contradicts_the_section_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    core_config_free(&cfg);
    return failed;
}
