/* The configuration as a whole: what its sections say of each other, the place and order of errors,
 * all or nothing, and what lands where. */
#include "test_config.h"

#include "ike/suites.h"

static void a_file_that_is_not_the_configuration_says_why(void **state)
{
    static const struct row rows[] = {
        {"%s", NULL, "", "0:0: the file is empty; needed: gateway, tunnels"},
        {"%s", NULL, "- a\n",
         "1:1: the configuration is a map; its keys: policies, router, gateway, recover, tunnels, "
         "neighbors, health, readiness, drills, control, metrics, logging"},
        {"%s", NULL, "logging: {level: info}\n", "1:1: \"gateway\" is missing"},
        {AT_TOP, NULL, "tunnel: []",
         "2:1: unknown key \"tunnel\"; allowed: policies, router, gateway, recover, tunnels, "
         "neighbors, health, readiness, drills, control, metrics, logging; did you mean "
         "\"tunnels\"?"},
        {AT_TOP, NULL, "--- {}", "2:5: a second YAML document; the configuration is one"},
        {AT_TOP, NULL, "logging: !include other.yaml", "2:10: YAML tags (!...) aren't supported"},
        {AT_TOP, NULL, "logging: {level: \"in\\0fo\"}",
         "2:18: logging.level: the value holds a NUL character"},
        {AT_TOP, NULL, "\tlogging: {}",
         "2:1: not YAML: while scanning for the next token: found character that cannot start any "
         "token (indentation is made of blanks, not tabs)"},
        {AT_TOP, NULL, "\xff\xfe", "0:0: not UTF-8 text: invalid leading UTF-8 octet at byte 31"},
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char text[256];
        snprintf(text, sizeof(text), rows[i].in, rows[i].bad);
        assert_false(parse(text));
        char got[CONFIG_LINE_MAX];
        snprintf(got, sizeof(got), "%u:%u: %s", errs.e[0].line, errs.e[0].col, errs.e[0].text);
        assert_string_equal(got, rows[i].error);
    }
}

/* ---- what sections say of each other ---- */

#define T(name, remote, more) "  - {name: " name ", remote: " remote ", auth: {psk: x}" more "}\n"

static void what_must_be_unique_is(void **state)
{
#define IN GATEWAY ROUTER "tunnels:\n" T("a", "192.0.2.2", "") "%s" /* line 5 */
    static const struct row rows[] = {
        {IN, T("b", "192.0.2.3", ""), T("a", "192.0.2.3", ""),
         "5:12: tunnels[1].name: \"a\" is already the name of tunnels[0]"},
        {IN, T("b", "192.0.2.3", ", interface: kedge2"), T("b", "192.0.2.3", ", interface: kedge0"),
         "5:61: tunnels[1].interface: \"kedge0\" is already the interface of tunnels[0]"},
        {IN, T("b", "192.0.2.2", ", remote-id: b.example"), T("b", "192.0.2.2", ""),
         "5:23: tunnels[1].remote: the same local, remote and remote-id as tunnels[0]: an answer "
         "couldn't tell them apart"},
    };
#undef IN
#define N GATEWAY ROUTER "neighbors: [{name: n, asn: 1, address: 10.0.0.2},\n  %s]\n" /* line 4 */
    static const struct row peers[] = {
        {N, "{name: m, asn: 1, address: 10.0.0.3}", "{name: n, asn: 1, address: 10.0.0.3}",
         "4:10: neighbors[1].name: \"n\" is already the name of neighbors[0]"},
        {N, NULL, "{name: m, asn: 1, address: 10.0.0.2}",
         "4:30: neighbors[1].address: \"10.0.0.2\" is already the address of neighbors[0]"},
        {GATEWAY ROUTER
         "tunnels:\n" T("a", "192.0.2.2",
                        ", address: 10.0.0.1") "neighbors: [{name: n, asn: 1, address: %s}]\n",
         "10.0.0.2", "10.0.0.1",
         "5:40: neighbors[0].address: \"10.0.0.1\" is our own address in tunnels[0]"},
    };
#undef N
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
    check_rows(peers, KD_ARRAY_LEN(peers));
}

static void an_ebgp_neighbor_without_policy_is_warned_of(void **state)
{
#define IN GATEWAY ROUTER POLICY "neighbors: [{name: n, asn: %s, address: 10.0.0.2%s}]\n"
    static const struct {
        const char *asn, *policy, *warning;
    } rows[] = {
        {"65515", "", NULL}, /* iBGP needs none */
        {"1", ", import: all, export: all", NULL},
        {"1", "",
         "neighbors[0]: no import and no export policy: an eBGP neighbor exchanges nothing "
         "without one (RFC 8212)"},
        {"1", ", import: all",
         "neighbors[0]: no export policy: an eBGP neighbor is sent nothing "
         "without one (RFC 8212)"},
        {"1", ", export: all",
         "neighbors[0]: no import policy: an eBGP neighbor brings nothing "
         "without one (RFC 8212)"},
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char text[512];
        snprintf(text, sizeof(text), IN, rows[i].asn, rows[i].policy);
        accepted(text);
        assert_int_equal(errs.n_warnings, rows[i].warning != NULL);
        if (rows[i].warning)
            assert_string_equal(errs.w[0].text, rows[i].warning);
    }
    assert_false(parse(GATEWAY ROUTER POLICY "neighbors: [{name: n, asn: 1, address: 10.0.0.2, "
                                             "import: al, export: al}]\n"));
    assert_int_equal(errs.n_warnings, 0); /* misspelt is not missing */
#undef IN
}

static void all_errors_are_told_in_the_files_order(void **state)
{
    (void)state;
    assert_false(parse("logging: {level: loud}\n"
                       "gateway: {listen: [192.0.2.300]}\n"
                       "tunnels:\n" T("a", "nobody", "") "colour: blue\n"));
    static const uint32_t lines[] = {1, 2, 4, 5};
    assert_int_equal(errs.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(errs.e[i].line, lines[i]);
    char line[CONFIG_LINE_MAX];
    assert_string_equal(config_error_line(&errs, &errs.e[0], line, sizeof(line)),
                        "kedge.yaml:1:18: error: logging.level: \"loud\"; allowed: error, warn, "
                        "info, debug");
}

static void at_most_twenty_errors_are_kept(void **state)
{
    char text[4096] = GATEWAY;
    (void)state;
    for (int i = 0; i < 21; i++) {
        assert_false(parse(text) && i > 0);
        assert_int_equal(errs.n, i);
        assert_false(errs.more);
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "wrong%d: 1\n", i);
    }
    assert_false(parse(text));
    assert_int_equal(errs.n, CONFIG_ERRORS_MAX);
    assert_true(errs.more);
}

/* ---- what lands where ---- */

/* /tmp/contract.md, seed 002's Azure side; its profile line stands for the two lists. */
static const char azure[] = "router:\n"
                            "  id: 10.17.11.76\n"
                            "  asn: 65515\n"
                            "  networks: [10.17.11.0/25, 10.17.11.128/26]\n"
                            "  table: main\n"
                            "gateway:\n"
                            "  listen: [203.0.113.1]\n"
                            "  dataplane: auto\n"
                            "tunnels:\n"
                            "  - name: onprem\n"
                            "    local: 203.0.113.1\n"
                            "    remote: 198.51.100.1\n"
                            "    local-id: 203.0.113.1\n"
                            "    remote-id: 198.51.100.1\n"
                            "    auth: {psk: \"secret\"}\n"
                            "    role: both\n"
                            "    ike: [aes256-sha1-modp1024]\n"
                            "    esp: [aes256-sha1]\n"
                            "    selectors: {local: [0.0.0.0/0], remote: [0.0.0.0/0]}\n"
                            "    encap: auto\n"
                            "    childless: allow\n"
                            "    detect: 2s\n"
                            "    abandon: 60s\n"
                            "    retry: 3s\n"
                            "    nat-keepalive: 20s\n"
                            "    fragment-size: 1280\n"
                            "    lifetime: {ike: 28800s, esp: 27000s}\n"
                            "    replay-window: 1024\n"
                            "    interface: kedge0\n"
                            "    address: 10.17.11.76\n"
                            "    mtu: auto\n"
                            "    mss: auto\n"
                            "    neighbor:\n"
                            "      asn: 65020\n"
                            "      address: 192.168.11.88\n"
                            "      hold: 180s\n"
                            "      keepalive: 60s\n"
                            "      connect-retry: 5s\n"
                            "      import: accept-all\n"
                            "      export: accept-all\n"
                            "neighbors:\n"
                            "  - name: msee\n"
                            "    asn: 12076\n"
                            "    address: 172.16.0.2\n"
                            "    local-address: 172.16.0.1\n"
                            "    hold: 9s\n"
                            "    multihop: 1\n"
                            "    import: prefer-expressroute\n"
                            "    export: accept-all\n"
                            "policies:\n"
                            "  accept-all: [{permit: {}}]\n"
                            "  prefer-expressroute:\n"
                            "    - permit: {set: {local-preference: 150}}\n"
                            "  example:\n"
                            "    - deny: {match: {prefix: [10.17.11.0/25 le 32]}}\n"
                            "    - permit: {match: {prefix: [10.0.0.0/8 ge 16 le 24]}, set: "
                            "{local-preference: 120, metric: 10, "
                            "as-path-prepend: 65515 65515}}\n"
                            "control:\n"
                            "  socket: /run/kedge/kedge.sock\n"
                            "  group: kedge\n"
                            "logging: {level: info}\n";

static void the_seeds_azure_side_lands_in_its_places(void **state)
{
    char text[IKE_PROPOSAL_TEXT_MAX];
    (void)state;
    accepted(azure);
    assert_int_equal(errs.n_warnings, 0);
    assert_int_equal(cfg.router_id, 0x0a110b4c);
    assert_int_equal(cfg.asn, 65515);
    assert_int_equal(cfg.table, 254);
    assert_int_equal(cfg.n_networks, 2);
    assert_int_equal(cfg.port, 500);
    assert_int_equal(cfg.natt_port, 4500);
    assert_string_equal(cfg.control_group, "kedge");
    const struct core_tunnel_config *t = &cfg.tunnels[0];
    assert_string_equal(t->ike.name, "onprem");
    assert_int_equal(t->ike.detect_us, KD_S(2));
    assert_int_equal(t->ike.ike_life_us, KD_S(28800));
    assert_string_equal(ike_proposals_text(&t->ike.ike, text, sizeof(text)),
                        "aes256-sha1-modp1024");
    assert_string_equal(ike_proposals_text(&t->ike.esp, text, sizeof(text)), "aes256-sha1");
    assert_false(t->ike.accept_any_ts);
    assert_true(t->has_neighbor);
    assert_string_equal(t->neighbor.bgp.name, "onprem");
    assert_int_equal(t->neighbor.bgp.hold_s, 180);
    assert_int_equal(t->neighbor.bgp.ttl, 255);
    assert_string_equal(bgp_route_map_name(t->neighbor.bgp.import), "accept-all");
    assert_int_equal(bgp_route_map_match(t->neighbor.bgp.import, 1, &cfg.networks[0].prefix), 0);
    const struct bgp_peer_config *n = &cfg.neighbors[0].bgp;
    assert_int_equal(n->hold_s, 9);
    assert_int_equal(n->ttl, 1);
    assert_int_equal(n->iface, BGP_NO_IFACE);
    const struct bgp_route_set set = bgp_route_map_set(n->import, 0);
    assert_true(set.set_local_pref);
    assert_int_equal(set.local_pref, 150);
    assert_ptr_equal(n->export, t->neighbor.bgp.export); /* one policy, however many name it */
}

static void selectors_children_and_lifetimes_land_in_their_places(void **state)
{
    static const struct {
        const char *line;
        unsigned n;
        bool ladder;
        uint64_t bytes;
    } rows[] = {
        {"", 1, false, 0},
        {"profile: azure-default", 1, false, UINT64_C(102400000000)},
        {"profile: azure-default\n    lifetime: {esp: 1h}", 1, false, UINT64_C(102400000000)},
        {"profile: azure-default\n    lifetime: {esp-bytes: none}", 1, false, 0},
        {"lifetime: {esp-bytes: 2GiB}", 1, false, UINT64_C(2) << 30},
        {"selectors: [{local: [10.0.0.0/8]}]", 1, false, 0},
        {"selectors: [{}, {local: [10.0.0.0/8]}, {local: [10.1.0.0/16]}]", 3, true, 0},
        {"children: [{name: a, local: [10.0.0.0/8]}, {name: b}]", 2, false, 0},
    };
    char text[512];
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        snprintf(text, sizeof(text), IN_TUNNEL, rows[i].line);
        accepted(text);
        const struct ike_conn_config *k = &cfg.tunnels[0].ike;
        assert_int_equal(k->n_children, rows[i].n);
        assert_int_equal(k->ladder, rows[i].ladder);
        assert_true(k->child_life_bytes == rows[i].bytes);
        for (unsigned j = 0; j < k->n_children; j++)
            assert_true(k->child[j].local_ts.n == 1 && k->child[j].remote_ts.n == 1);
    }
    snprintf(text, sizeof(text), IN_TUNNEL,
             "selectors: {local: [10.0.0.0/8 tcp/443, 10.0.0.0/8 udp/1-9, 10.0.0.0/8 icmp]}");
    accepted(text);
    for (int i = 0; i < 3; i++) {
        static const char *const want[] = {"10.0.0.0/8[tcp/443]", "10.0.0.0/8[udp/1-9]",
                                           "10.0.0.0/8[icmp]"};
        ike_ts_str(&cfg.tunnels[0].ike.child[0].local_ts.ts[i], text, sizeof(text));
        assert_string_equal(text, want[i]);
    }
}

/* Run from the project's root. */
static void the_shipped_example_is_good(void **state)
{
    static char text[65536];
    FILE *f = fopen("conf/kedge.yaml", "r");
    (void)state;
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    accepted(text);
    assert_int_equal(errs.n_warnings, 0);
    assert_int_equal(cfg.n_tunnels, 1);
    assert_int_equal(cfg.n_neighbors, 1);
}

static void two_tunnels_get_their_own_defaults(void **state)
{
    char id[64];
    (void)state;
    accepted(GATEWAY "tunnels:\n" T("a", "192.0.2.2", "") T("b", "any",
                                                            ", role: responder, detect: "
                                                            "10s, profile: azure-vwan"));
    assert_int_equal(cfg.n_tunnels, 2);
    const struct core_tunnel_config *a = &cfg.tunnels[0], *b = &cfg.tunnels[1];
    assert_string_equal(a->ifname, "kedge0");
    assert_string_equal(b->ifname, "kedge1");
    assert_int_equal(a->ike.detect_us, KD_S(45));
    assert_int_equal(b->ike.esp.n, 4); /* what Azure offers, and the longer list that it accepts */
    assert_true(b->ike.esp_accept.n > b->ike.esp.n);
    assert_int_equal(a->ike.abandon_us, KD_S(180));
    assert_int_equal(b->ike.abandon_us, KD_S(60));
    assert_int_equal(a->replay_window, 1024);
    assert_int_equal(a->ike.child[0].local_ts.n, 1);
    ike_id_str(&a->ike.remote_id, id, sizeof(id));
    assert_string_equal(id, "192.0.2.2");
    assert_int_equal(b->ike.remote_id.type, IKE_ID_ANY);
    assert_true(b->ike.accept_any_ts);
    assert_false(a->ike.accept_any_ts);
    assert_int_equal(kc_keys_live(crypto), 2);
    assert_string_equal(cfg.control_socket, "/run/kedge/kedge.sock");
    assert_int_equal(cfg.log_level, 2);
}

/* DESIGN 3.12 */
static void no_legacy_algorithm_comes_by_default(void **state)
{
    char ike[2048], esp[2048];
    (void)state;
    accepted(GATEWAY "tunnels:\n" T("a", "192.0.2.2", ""));
    ike_proposals_text(&cfg.tunnels[0].ike.ike, ike, sizeof(ike));
    ike_proposals_text(&cfg.tunnels[0].ike.esp, esp, sizeof(esp));
    static const char *const legacy[] = {"sha1", "modp1024", "modp768", "3des", "des", "md5"};
    for (size_t i = 0; i < KD_ARRAY_LEN(legacy); i++) {
        assert_null(strstr(ike, legacy[i]));
        assert_null(strstr(esp, legacy[i]));
    }
    accepted(GATEWAY "tunnels:\n" T("a", "192.0.2.2", ", profile: azure-default"));
    assert_non_null(strstr(ike_proposals_text(&cfg.tunnels[0].ike.ike, ike, sizeof(ike)),
                           "aes256-sha1-modp1024"));
}

static void aliases_are_values_like_others(void **state)
{
    (void)state;
    accepted(GATEWAY "tunnels:\n  - {name: a, remote: 192.0.2.2, auth: &key {psk: x}}\n"
                     "  - {name: b, remote: 192.0.2.3, auth: *key}\n");
    assert_int_equal(kc_keys_live(crypto), 2);
    assert_false(parse(GATEWAY "tunnels: &t [*t, *t]\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_not_the_configuration_says_why),
        cmocka_unit_test(what_must_be_unique_is),
        cmocka_unit_test(an_ebgp_neighbor_without_policy_is_warned_of),
        cmocka_unit_test(all_errors_are_told_in_the_files_order),
        cmocka_unit_test(at_most_twenty_errors_are_kept),
        cmocka_unit_test(the_seeds_azure_side_lands_in_its_places),
        cmocka_unit_test(selectors_children_and_lifetimes_land_in_their_places),
        cmocka_unit_test(the_shipped_example_is_good),
        cmocka_unit_test(two_tunnels_get_their_own_defaults),
        cmocka_unit_test(no_legacy_algorithm_comes_by_default),
        cmocka_unit_test(aliases_are_values_like_others),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
