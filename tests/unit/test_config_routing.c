/* The configuration of neighbors and policies: every key once as it should be and once just
 * beside it. */
#include "test_config.h"

#define PEER "asn: 65020, address: 10.1.0.1, "

static void every_key_of_a_neighbor_is_checked(void **state)
{
    static const struct row rows[] = {
        {IN_NEIGHBOR, "asn: 65020, address: 10.1.0.1", "asn: 0, address: 10.1.0.1",
         "5:12: neighbors[0].asn: \"0\"; allowed: 1 to 4294967295"},
        {IN_NEIGHBOR, PEER "hold: 3s", PEER "hold: 2s",
         "5:44: neighbors[0].hold: 2s; allowed: 0s (no hold timer), or 3s and more"},
        {IN_NEIGHBOR, PEER "hold: 0s", PEER "hold: 3500ms",
         "5:44: neighbors[0].hold: \"3500ms\"; allowed: a multiple of 1s"},
        {IN_NEIGHBOR, PEER "hold: 9s, keepalive: 3s", PEER "hold: 9s, keepalive: 9s",
         "5:59: neighbors[0].keepalive: 9s; allowed: less than hold (9s)"},
        {IN_NEIGHBOR, PEER "connect-retry: 100ms", PEER "connect-retry: 99ms",
         "5:53: neighbors[0].connect-retry: \"99ms\"; allowed: 100ms to 1h, with a unit (ms, s, m, "
         "h, d)"},
        {IN_NEIGHBOR, PEER "passive: true", PEER "passive: yes",
         "5:47: neighbors[0].passive: \"yes\"; allowed: false, true"},
        {IN_NEIGHBOR, PEER "next-hop-self: false", PEER "next-hop-self: ture",
         "5:53: neighbors[0].next-hop-self: \"ture\"; allowed: false, true; did you mean "
         "\"true\"?"},
        {IN_NEIGHBOR, PEER "as-override: true", PEER "as-override: 1",
         "5:51: neighbors[0].as-override: \"1\"; allowed: false, true"},
        {IN_NEIGHBOR, PEER "allowas-in: 10", PEER "allowas-in: 11",
         "5:50: neighbors[0].allowas-in: \"11\"; allowed: 1 to 10"},
        {IN_NEIGHBOR, PEER "graceful-shutdown: true", PEER "graceful-shutdown: on",
         "5:57: neighbors[0].graceful-shutdown: \"on\"; allowed: false, true"},
        {IN_NEIGHBOR, PEER "graceful-restart: true", PEER "graceful-restart: 120s",
         "5:56: neighbors[0].graceful-restart: \"120s\"; allowed: false, true, preserve"},
        {IN_NEIGHBOR, PEER "graceful-restart: preserve", PEER "graceful-restart: preserved",
         "5:56: neighbors[0].graceful-restart: \"preserved\"; allowed: false, true, preserve; did "
         "you mean \"preserve\"?"},
        {IN_TUNNEL_NEIGHBOR, "graceful-restart: false", "graceful-restart: preserve",
         "10:25: tunnels[0].neighbor.graceful-restart: not over a tunnel, whose end takes its "
         "routes along at once; allowed: false"},
        {IN_TUNNEL_NEIGHBOR, "graceful-restart: false", "graceful-restart: true",
         "10:25: tunnels[0].neighbor.graceful-restart: not over a tunnel, whose end takes its "
         "routes along at once; allowed: false"},
        {IN_NEIGHBOR, PEER "weight: 65535", PEER "weight: 65536",
         "5:46: neighbors[0].weight: \"65536\"; allowed: 0 to 65535"},
        {IN_NEIGHBOR, PEER "prefixes-max: 4000", PEER "prefixes-max: 0",
         "5:52: neighbors[0].prefixes-max: \"0\"; allowed: 1 to 1000000"},
        {IN_NEIGHBOR, PEER "multihop: 255", PEER "multihop: 256",
         "5:48: neighbors[0].multihop: \"256\"; allowed: 1 to 255"},
        {IN_NEIGHBOR, PEER "ttl-security: 1", PEER "ttl-security: 255",
         "5:52: neighbors[0].ttl-security: \"255\"; allowed: 1 to 254"},
        {IN_NEIGHBOR, PEER "ttl-security: 254", PEER "ttl-security: 1, multihop: 2",
         "4:13: neighbors[0].ttl-security: not beside multihop; it says itself how many hops away "
         "the neighbor may be"},
        {IN_NEIGHBOR, PEER "password-file: /etc/kedge/password80",
         PEER "password-file: /etc/kedge/password81",
         "5:53: neighbors[0].password-file: the password has 81 bytes; allowed: 1 to 80 "
         "(TCP_MD5SIG)"},
        {IN_NEIGHBOR, PEER "password-credential: onprem",
         PEER "password-credential: onprem, password-file: /etc/kedge/psk",
         "5:59: neighbors[0]: password-file and password-credential exclude "
         "each other"},
        {IN_TUNNEL_NEIGHBOR, "password-file: /etc/kedge/psk", "password-file: psk",
         "10:22: tunnels[0].neighbor.password-file: \"psk\"; allowed: an absolute path"},
        {IN_NEIGHBOR, PEER "local-address: 10.1.0.2", PEER "local-address: 10.1.0.1",
         "5:28: neighbors[0].address: \"10.1.0.1\" is our own address"},
        {IN_NEIGHBOR, NULL, PEER "local-address: fd00::1",
         "5:28: neighbors[0].address: \"10.1.0.1\" is not of local-address's family"},
        {IN_NEIGHBOR, NULL, "asn: 65020, address: 192.0.2.1",
         "5:28: neighbors[0].address: \"192.0.2.1\" is our own address"},
        {IN_TUNNEL_NEIGHBOR, "hold: 180s, keepalive: 60s, name: other", "multihop: 2",
         "10:7: tunnels[0].neighbor: unknown key \"multihop\"; allowed: name, asn, address, hold, "
         "keepalive, import, export, passive, profile, password-file, password-credential, "
         "graceful-restart, connect-retry, next-hop-self, as-override, "
         "allowas-in, graceful-shutdown, weight, prefixes-max, bfd"},
        {IN_NEIGHBOR, PEER "bfd: {interval: 10ms, multiplier: 3, strict: true}",
         PEER "bfd: {interval: 9ms}",
         "5:54: neighbors[0].bfd.interval: \"9ms\"; allowed: 10ms to 1m, with a unit (ms, s, m, h, "
         "d)"},
        {IN_NEIGHBOR, PEER "bfd: {multiplier: 255, multihop: true, any-source-port: true}",
         PEER "bfd: {multiplier: 0}",
         "5:56: neighbors[0].bfd.multiplier: \"0\"; allowed: 1 to 255"},
        {IN_TUNNEL_NEIGHBOR, "bfd: {interval: 300ms}", "bfd: {intervall: 300ms}",
         "10:13: tunnels[0].neighbor.bfd: unknown key; allowed: interval, multiplier, "
         "strict, multihop, any-source-port, auth, key-id, key-file, key-credential; did you mean "
         "\"interval\"?"},
        {IN_NEIGHBOR, PEER "bfd: {auth: meticulous-sha1, key-id: 7, key-file: /etc/kedge/psk}",
         PEER "bfd: {auth: meticulous-sha1, key-id: 7}",
         "5:50: neighbors[0].bfd: auth needs key-file or key-credential"},
        {IN_NEIGHBOR, PEER "bfd: {auth: sha1, key-credential: onprem}",
         PEER "bfd: {key-credential: onprem}",
         "5:60: neighbors[0].bfd: a key without \"auth\"; allowed: auth: sha1, auth: "
         "meticulous-sha1"},
        {IN_NEIGHBOR, NULL, PEER "bfd: {auth: sha1, key-file: /etc/kedge/psk, key-credential: "
        "onprem}",
         "5:66: neighbors[0].bfd: key-file and key-credential exclude each other"},
        {IN_NEIGHBOR, NULL, PEER "bfd: {auth: md5, key-file: /etc/kedge/psk}",
         "5:50: neighbors[0].bfd.auth: \"md5\"; allowed: none, sha1, meticulous-sha1"},
        {IN_TUNNEL, "address: 10.0.0.1\n    neighbor: {asn: 1, address: 10.0.0.2}",
         "neighbor: {asn: 1, address: 10.0.0.2}",
         "8:15: tunnels[0].neighbor: a neighbor over a tunnel needs the tunnel's own \"address\""},
        {IN_TUNNEL, NULL, "address: 10.0.0.1\n    neighbor: {asn: 1, address: 10.0.0.1}",
         "9:33: tunnels[0].neighbor.address: \"10.0.0.1\" is the tunnel's own address"},
        {IN_TUNNEL, NULL, "address: 10.0.0.1\n    neighbor: {asn: 1, address: fd00::1}",
         "9:33: tunnels[0].neighbor.address: \"fd00::1\" is not of the family of the tunnel's "
         "address"},
        {GATEWAY ROUTER POLICY "neighbors: [{name: n, asn: 1, address: 10.0.0.2, %s}]\n",
         "import: all", "import: al",
         "4:58: neighbors[0].import: there is no policy \"al\"; allowed: a name under "
         "\"policies\"; did you mean \"all\"?"},
        {GATEWAY "%s\nneighbors: [{name: n, asn: 1, address: 10.0.0.2}]\n", ROUTER, "",
         "3:20: neighbors[0]: BGP needs the section \"router\" with id and asn"},
    };
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
}

static void every_key_of_a_policy_is_checked(void **state)
{
    static const struct row rows[] = {
        {IN_POLICY, "permit: {}", "permitt: {}",
         "4:7: policies.p[0]: unknown key \"permitt\"; allowed: permit, deny; did you mean "
         "\"permit\"?"},
        {IN_POLICY, "deny: {match: {prefix: [10.0.0.0/8 le 32]}}",
         "deny: {match: {prefix: [10.0.0.0/8 le 33]}}",
         "4:31: policies.p[0].deny.match.prefix[0]: \"10.0.0.0/8 le 33\"; allowed: PREFIX [ge N] "
         "[le M], with 8 <= N <= M <= 32, or PREFIX overlapping"},
        {IN_POLICY, "deny: {match: {prefix: [10.0.0.0/8 ge 16 le 24]}}",
         "deny: {match: {prefix: [10.0.0.0/8 ge 24 le 16]}}",
         "4:31: policies.p[0].deny.match.prefix[0]: \"10.0.0.0/8 ge 24 le 16\"; allowed: PREFIX "
         "[ge N] [le M], with 8 <= N <= M <= 32, or PREFIX overlapping"},
        {IN_POLICY, "deny: {match: {prefix: [\"::/0 ge 128\"]}}",
         "deny: {match: {prefix: [10.0.0.0/8 eq 9]}}",
         "4:31: policies.p[0].deny.match.prefix[0]: \"10.0.0.0/8 eq 9\"; allowed: PREFIX [ge N] "
         "[le M], with 8 <= N <= M <= 32, or PREFIX overlapping"},
        {IN_POLICY, "permit: {set: {local-preference: 0}}", "permit: {set: {local-preference: -1}}",
         "4:40: policies.p[0].permit.set.local-preference: \"-1\"; allowed: 0 to 4294967295"},
        {IN_POLICY, "permit: {set: {metric: 4294967295}}", "permit: {set: {med: 1}}",
         "4:22: policies.p[0].permit.set: unknown key \"med\"; allowed: local-preference, "
         "metric, as-path-prepend, community, extcommunity, large-community, delete-community, "
         "delete-extcommunity, delete-large-community, next-hop"},
        {IN_POLICY, "deny: {match: {prefix: [10.0.0.0/8 overlapping]}}",
         "deny: {match: {prefix: [10.0.0.0/8 overlapping le 9]}}",
         "4:31: policies.p[0].deny.match.prefix[0]: \"10.0.0.0/8 overlapping le 9\"; allowed: "
         "PREFIX [ge N] [le M], with 8 <= N <= M <= 32, or PREFIX overlapping"},
        {IN_POLICY, "deny: {match: {from: [expressroute, local]}}",
         "deny: {match: {from: [express-route]}}",
         "4:29: policies.p[0].deny.match.from[0]: \"express-route\"; allowed: other, local, vpn, "
         "expressroute; did you mean \"expressroute\"?"},
        {IN_POLICY, "permit: {match: {extcommunity: [\"rt:65010:*\"]}}",
         "permit: {match: {extcommunity: [\"65010:1\"]}}",
         "4:39: policies.p[0].permit.match.extcommunity[0]: \"65010:1\"; allowed: at most 16 of "
         "rt:N:N, soo:N:N, generic:0xN:0xN, * for the last number, between blanks"},
        {IN_POLICY, "permit: {set: {extcommunity: rt:65010:1 soo:192.0.2.1:7 additive}}",
         "permit: {set: {extcommunity: \"rt:65010:*\"}}",
         "4:36: policies.p[0].permit.set.extcommunity: \"rt:65010:*\"; allowed: at most 16 of "
         "rt:N:N, soo:N:N, generic:0xN:0xN, between blanks"},
        {IN_POLICY, "permit: {set: {delete-extcommunity: [\"soo:1:*\"]}}",
         "permit: {set: {delete-extcommunity: [\"rt:*:*\"]}}",
         "4:44: policies.p[0].permit.set.delete-extcommunity[0]: \"rt:*:*\"; allowed: at most 16 "
         "of rt:N:N, soo:N:N, generic:0xN:0xN, * for the last number, between blanks"},
        {IN_POLICY, "deny: {match: {as-path: [\"^65010(_65020)*$\", _65010_]}}",
         "deny: {match: {as-path: [\"^65010(_65020*$\"]}}",
         "4:32: policies.p[0].deny.match.as-path[0]: \"^65010(_65020*$\": ( without ) (character "
         "16); allowed: digits . [0-9] ^ $ _ ( | ) * + ?"},
        {IN_POLICY, "permit: {match: {community: [\"65010:1 65535:*\", no-export]}}",
         "permit: {match: {community: [\"65010:65536\"]}}",
         "4:36: policies.p[0].permit.match.community[0]: \"65010:65536\"; allowed: at most 16 of "
         "N:N, no-export, no-advertise, local-as, blackhole, graceful-shutdown, * for any part, "
         "between blanks"},
        {IN_POLICY, "permit: {match: {large-community: [\"4294967295:1:*\"]}}",
         "permit: {match: {large-community: [\"65010:1\"]}}",
         "4:42: policies.p[0].permit.match.large-community[0]: \"65010:1\"; allowed: at most 16 of "
         "N:N:N, * for any part, between blanks"},
        {IN_POLICY, "permit: {set: {community: 65010:1 additive}}",
         "permit: {set: {community: \"65010:* additive\"}}",
         "4:33: policies.p[0].permit.set.community: \"65010:* additive\"; allowed: at most 16 of "
         "N:N, no-export, no-advertise, local-as, blackhole, graceful-shutdown, between blanks"},
        {IN_POLICY, "permit: {set: {large-community: none}}",
         "permit: {set: {large-community: additive}}",
         "4:39: policies.p[0].permit.set.large-community: \"additive\"; allowed: at most 16 of "
         "N:N:N, between blanks"},
        {IN_POLICY, "permit: {set: {delete-community: [\"65010:*\"]}}",
         "permit: {set: {delete-community: [\"*\"]}}",
         "4:41: policies.p[0].permit.set.delete-community[0]: \"*\"; allowed: at most 16 of N:N, "
         "no-export, no-advertise, local-as, blackhole, graceful-shutdown, * for any part, between "
         "blanks"},
        {IN_POLICY, "permit: {set: {next-hop: peer-address}}",
         "permit: {set: {next-hop: 10.0.0.300}}",
         "4:32: policies.p[0].permit.set.next-hop: \"10.0.0.300\"; allowed: an IPv4 or IPv6 "
         "address"},
        {IN_POLICY, "permit: {set: {as-path-prepend: 65515 65515}}",
         "permit: {set: {as-path-prepend: 65515 0}}",
         "4:39: policies.p[0].permit.set.as-path-prepend: \"65515 0\"; allowed: 1 to 16 AS numbers "
         "between blanks"},
        {IN_POLICY, NULL, "deny: {set: {metric: 1}}",
         "4:14: policies.p[0].deny: unknown key \"set\"; allowed: match"},
        {IN_POLICY, NULL, "{permit: {}, deny: {}}",
         "4:7: policies.p[0]: an entry is either permit or deny"},
        {IN_POLICY, NULL, "{}", "4:7: policies.p[0]: an entry is either permit or deny"},
        {AT_TOP, "policies: {p: [{permit: {}}]}", "policies: {p: [{permit: {}}], p: [{deny: {}}]}",
         "2:31: policies: \"p\" is already defined"},
        {AT_TOP, NULL, "policies: {p: []}", "2:15: policies.p: 0 entries; allowed: 1 to 32"},
    };
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_a_neighbor_is_checked),
        cmocka_unit_test(every_key_of_a_policy_is_checked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
