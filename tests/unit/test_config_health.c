/* The configuration of probes and of readiness: every key once as it should be and once just
 * beside it, and whom a probe steers. */
#include "test_config.h"

/* One tunnel with a neighbor, one neighbor beside, and one probe, which begins in line 6. */
#define WITH_HEALTH                                                                                \
    GATEWAY ROUTER                                                                                 \
    "tunnels: [{name: vpn, remote: 192.0.2.2, auth: {psk: x}, address: 10.0.0.1, "                 \
    "neighbor: {asn: 65020, address: 10.0.0.2}}]\n"                                                \
    "neighbors: [{name: lan, asn: 65515, address: 10.1.0.2}]\n"                                    \
    "health:\n  - {%s}\n"
#define ICMP "name: vm, probe: icmp, to: 10.9.0.1, via: vpn, then: withdraw"

static void every_key_of_health_is_checked(void **state)
{
    static const struct row rows[] = {
        {WITH_HEALTH, ICMP, "probe: icmp, to: 10.9.0.1, via: vpn, then: withdraw",
         "6:5: health[0]: \"name\" is missing"},
        {WITH_HEALTH, "name: vm, probe: tcp, port: 443, to: 10.9.0.1, via: lan, then: withdraw",
         "name: vm, probe: tcp, to: 10.9.0.1, via: lan, then: withdraw",
         "6:5: health[0]: \"port\" is missing: udp and tcp need one"},
        {WITH_HEALTH, "name: vm, probe: udp, port: 7, to: 10.9.0.1, via: lan, then: withdraw",
         "name: vm, probe: upd, port: 7, to: 10.9.0.1, via: lan, then: withdraw",
         "6:23: health[0].probe: \"upd\"; allowed: icmp, udp, tcp; did you mean \"udp\"?"},
        {WITH_HEALTH, NULL, ICMP ", port: 7",
         "6:75: health[0].port: icmp has none; allowed: with probe: udp or tcp"},
        {WITH_HEALTH, NULL, "name: vm, probe: icmp, to: 0.0.0.0, via: vpn, then: withdraw",
         "6:33: health[0].to: allowed: the address of what is to answer"},
        {WITH_HEALTH, "name: vm, probe: icmp, to: 10.9.0.1, via: dev eth1, then: withdraw, "
                      "neighbors: [lan]",
         "name: vm, probe: icmp, to: 10.9.0.1, via: dev eth1, then: withdraw",
         "6:5: health[0]: \"neighbors\" is missing: via names none"},
        {WITH_HEALTH, "name: vm, probe: icmp, to: fd00::1, via: fd00::2, then: withdraw, "
                      "neighbors: [lan]",
         "name: vm, probe: icmp, to: fd00::1, via: 10.1.0.1, then: withdraw, neighbors: [lan]",
         "6:47: health[0].via: not of the family of \"to\""},
        {WITH_HEALTH, NULL, "name: vm, probe: icmp, to: 10.9.0.1, via: vnp, then: withdraw, "
                            "neighbors: [vpn]",
         "6:48: health[0].via: \"vnp\"; allowed: a tunnel, a neighbor, an address of ours, or dev "
         "INTERFACE; did you mean \"vpn\"?"},
        {WITH_HEALTH, NULL, "name: vm, probe: icmp, to: 10.9.0.1, via: dev abcdefghijklmnop, "
                            "then: withdraw, neighbors: [lan]",
         "6:48: health[0].via: \"abcdefghijklmnop\"; allowed: 1 to 15 characters, no control "
         "characters"},
        {WITH_HEALTH, ICMP ", every: 100ms", ICMP ", every: 99ms",
         "6:76: health[0].every: \"99ms\"; allowed: 100ms to 1h, with a unit (ms, s, m, h, d)"},
        {WITH_HEALTH, ICMP ", fail: 100", ICMP ", fail: 0",
         "6:75: health[0].fail: \"0\"; allowed: 1 to 100"},
        {WITH_HEALTH, "name: vm, probe: icmp, to: 10.9.0.1, via: vpn, then: local-pref, "
                      "local-pref: 0",
         "name: vm, probe: icmp, to: 10.9.0.1, via: vpn, then: local-pref",
         "6:59: health[0].then: local-pref needs the key \"local-pref\""},
        {WITH_HEALTH, NULL, ICMP ", local-pref: 50",
         "6:81: health[0].local-pref: not without \"local-pref\" in then"},
        {WITH_HEALTH, "name: vm, probe: icmp, to: 10.9.0.1, via: vpn, then: [withdraw, prepend], "
                      "prepend: 10",
         "name: vm, probe: icmp, to: 10.9.0.1, via: vpn, then: [withdraw, prepend], prepend: 11",
         "6:89: health[0].prepend: \"11\"; allowed: 1 to 10"},
        {WITH_HEALTH, NULL,
         "name: vm, probe: icmp, to: 10.9.0.1, via: lan, then: prepend, prepend: 1",
         "6:59: health[0].then: prepend: \"lan\" is internal, our AS in a path is a loop there; "
         "allowed: withdraw, local-pref, shutdown"},
        {WITH_HEALTH, NULL,
         "name: vm, probe: icmp, to: 10.9.0.1, via: vpn, then: [shutdown, shutdown]",
         "6:70: health[0].then[1]: \"shutdown\" is already in the list"},
        {WITH_HEALTH, NULL, "name: vm, probe: icmp, to: 10.9.0.1, via: vpn, then: withdrawn",
         "6:59: health[0].then: \"withdrawn\"; allowed: withdraw, local-pref, prepend, shutdown; "
         "did you mean \"withdraw\"?"},
        {WITH_HEALTH, ICMP ", neighbors: [vpn, lan]", ICMP ", neighbors: [vpn, vpn]",
         "6:86: health[0].neighbors[1]: \"vpn\" is already in the list"},
        {WITH_HEALTH, NULL, ICMP ", neighbors: [wan]",
         "6:81: health[0].neighbors[0]: there is no neighbor \"wan\"; allowed: a neighbor's name; "
         "did you mean \"lan\"?"},
        {WITH_HEALTH, ICMP ", recover: {stable: 0s}", ICMP ", recover: {stable: 61m}",
         "6:87: health[0].recover.stable: \"61m\"; allowed: 0s to 1h, with a unit (ms, s, m, h, "
         "d)"},
        {WITH_HEALTH, NULL, ICMP ", recover: {}", "6:78: health[0].recover: \"stable\" is missing"},
        {WITH_HEALTH, NULL, ICMP "}\n  - {" ICMP,
         "7:12: health[1].name: \"vm\" is already the name of health[0]"},
    };
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
}

static void a_probe_steers_the_neighbor_it_goes_by(void **state)
{
    char text[1024];
    (void)state;
    snprintf(text, sizeof(text), WITH_HEALTH, ICMP);
    accepted(text);
    assert_int_equal(errs.n_warnings, 1); /* the tunnel's neighbor has no policies */
    assert_int_equal(cfg.n_health, 1);
    assert_int_equal(cfg.health[0].tunnel, 0);
    assert_int_equal(cfg.health[0].n_neighbors, 1);
    assert_int_equal(cfg.health[0].neighbor[0], 0);
    assert_int_equal(cfg.health[0].every_us, KD_S(1));
    assert_int_equal(cfg.health[0].fail, 3);
    assert_int_equal(cfg.health[0].recover_us, KD_S(10));
    snprintf(text, sizeof(text), WITH_HEALTH,
             "name: vm, probe: tcp, port: 443, to: 10.9.0.1, via: lan, then: [local-pref, "
             "shutdown], local-pref: 50");
    accepted(text);
    assert_int_equal(cfg.health[0].peer, CORE_PEER_BESIDE(0));
    assert_int_equal(cfg.health[0].neighbor[0], CORE_PEER_BESIDE(0));
    assert_int_equal(cfg.health[0].then, CORE_THEN_LOCAL_PREF | CORE_THEN_SHUTDOWN);
    assert_int_equal(cfg.health[0].to.port, 443);
    assert_int_equal(errs.n_warnings, 1); /* the same */
}

static void recover_holds_for_whatever_has_none_of_its_own(void **state)
{
#define TUNNELS(own)                                                                               \
    "tunnels: [{name: vpn, remote: 192.0.2.2, auth: {psk: x}, address: 10.0.0.1, " own             \
    "neighbor: {asn: 65515, address: 10.0.0.2, bfd: {}}}]\n"                                       \
    "neighbors: [{name: lan, asn: 65020, address: 10.1.0.2, bfd: {}}]\n"                           \
    "health: [{" ICMP "}]\n"
    (void)state;
    accepted(GATEWAY ROUTER TUNNELS(""));
    assert_int_equal(cfg.tunnels[0].recover_us, 0);
    assert_int_equal(cfg.neighbors[0].bfd.recover_us, 0);
    assert_int_equal(cfg.health[0].recover_us, KD_S(10));
    accepted(GATEWAY ROUTER TUNNELS("recover: {stable: 5s}, ") "recover: {stable: 30s}\n");
    assert_int_equal(cfg.tunnels[0].recover_us, KD_S(5));
    assert_int_equal(cfg.tunnels[0].neighbor.bfd.recover_us, KD_S(5));
    assert_int_equal(cfg.neighbors[0].bfd.recover_us, KD_S(30));
    assert_int_equal(cfg.health[0].recover_us, KD_S(30));
    refused(GATEWAY "recover: {stable: 10}\n",
            "2:19: recover.stable: \"10\"; allowed: 0s to 1h, with a unit (ms, s, m, h, d); did "
            "you mean \"10s\"?");
#undef TUNNELS
}

static void every_key_of_readiness_is_checked(void **state)
{
#define WITH_READINESS                                                                             \
    GATEWAY ROUTER "tunnels: [{name: vpn, remote: 192.0.2.2, auth: {psk: x}, address: 10.0.0.1, "  \
                   "neighbor: {asn: 65020, address: 10.0.0.2}}]\n"                                 \
                   "neighbors: [{name: lan, asn: 65515, address: 10.1.0.2}]\n"                     \
                   "readiness: {%s}\n"
    static const struct row rows[] = {
        {WITH_READINESS, "primary: [lan]", "primary: [lam]",
         "5:23: readiness.primary[0]: there is no neighbor \"lam\"; allowed: a neighbor's name; "
         "did you mean \"lan\"?"},
        {WITH_READINESS, "primary: [lan, vpn]", "primary: [lan, lan]",
         "5:28: readiness.primary[1]: \"lan\" is already in the list"},
        {WITH_READINESS, "backup: [vpn]", "backup: [lan]",
         "5:22: readiness.backup[0]: there is no tunnel \"lan\"; allowed: a tunnel's name"},
        {WITH_READINESS, NULL, "backup: []",
         "5:21: readiness.backup: 0 entries; allowed: 1 to 64"},
        {WITH_READINESS, "established: 1d", "established: 25h",
         "5:26: readiness.established: \"25h\"; allowed: 0s to 1d, with a unit (ms, s, m, h, d)"},
        {WITH_READINESS, "drill-age: 1m", "drill-age: 59s",
         "5:24: readiness.drill-age: \"59s\"; allowed: 1m to 3650d, with a unit (ms, s, m, h, d)"},
        {WITH_READINESS, "certificate: 0s", "certificate: 14",
         "5:26: readiness.certificate: \"14\"; allowed: 0s to 3650d, with a unit (ms, s, m, h, d); "
         "did you mean \"14s\"?"},
    };
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
    accepted(GATEWAY ROUTER);
    assert_int_equal(cfg.readiness.n_primary + cfg.readiness.n_backup, 0);
    assert_int_equal(cfg.readiness.established_us, KD_S(60));
    assert_int_equal(cfg.readiness.drill_age_us, KD_S(86400) * 90);
    assert_int_equal(cfg.readiness.certificate_us, KD_S(86400) * 14);
#undef WITH_READINESS
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_health_is_checked),
        cmocka_unit_test(a_probe_steers_the_neighbor_it_goes_by),
        cmocka_unit_test(recover_holds_for_whatever_has_none_of_its_own),
        cmocka_unit_test(every_key_of_readiness_is_checked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
