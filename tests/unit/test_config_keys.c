/* The configuration of the gateway and of tunnels: every key once as it should be and once just
 * beside it. */
#include "test_config.h"

#define ID "id: 10.0.0.1, "

static void every_key_of_router_gateway_control_and_logging_is_checked(void **state)
{
    static const struct row rows[] = {
        {IN_ROUTER, "id: 10.0.0.1, asn: 1", "id: '::1', asn: 1",
         "3:7: router.id: \"::1\"; allowed: an IPv4 address other than 0.0.0.0"},
        {IN_ROUTER, ID "asn: 4294967295", ID "asn: 4294967296",
         "3:22: router.asn: \"4294967296\"; allowed: 1 to 4294967295"},
        {IN_ROUTER, ID "asn: 23457", ID "asn: 23456",
         "3:22: router.asn: \"23456\" is AS_TRANS (RFC 6793), nobody's own number"},
        {IN_ROUTER, NULL, "asn: 1", "2:9: router: \"id\" is missing"},
        {IN_ROUTER, ID "asn: 1, networks: [10.17.11.0/25]", ID "asn: 1, networks: [10.17.11.1/25]",
         "3:36: router.networks[0]: \"10.17.11.1/25\" has host bits set; did you mean "
         "\"10.17.11.0/25\"?"},
        {IN_ROUTER, ID "asn: 1, networks: [2001:db8::/32]", ID "asn: 1, networks: [2001:db8::9]",
         "3:36: router.networks[0]: \"2001:db8::9\"; allowed: a prefix, ADDRESS/LENGTH; did you "
         "mean \"2001:db8::9/128\"?"},
        {IN_ROUTER, ID "asn: 1, networks: []", ID "asn: 1, networks: [10.0.0.0/8, 10.0.0.0/8]",
         "3:48: router.networks[1]: \"10.0.0.0/8\" is already in the list"},
        {IN_ROUTER, ID "asn: 1, networks: [{prefix: 10.0.0.0/8, when: in-kernel}]",
         ID "asn: 1, networks: [{prefix: 10.0.0.0/8, when: kernel}]",
         "3:63: router.networks[0].when: \"kernel\"; allowed: always, in-kernel; did you mean "
         "\"in-kernel\"?"},
        {IN_ROUTER, ID "asn: 1, networks: [{prefix: 10.0.0.0/8}]",
         ID "asn: 1, networks: [{when: always}]",
         "3:36: router.networks[0]: \"prefix\" is missing"},
        {IN_ROUTER, ID "asn: 1, networks: [{prefix: 10.0.0.0/8}, 10.0.0.0/9]",
         ID "asn: 1, networks: [{prefix: 10.0.0.0/8}, 10.0.0.0/8]",
         "3:58: router.networks[1]: \"10.0.0.0/8\" is already in the list"},
        {IN_ROUTER_P, ID "asn: 1, redistribute: {protocols: [ospf, 99], policy: p, max: 5}",
         ID "asn: 1, redistribute: {protocols: [ospfv2], policy: p}",
         "4:52: router.redistribute.protocols[0]: \"ospfv2\"; allowed: 1 to 255, kernel, boot, "
         "static, zebra, bird, dhcp, bgp, isis, ospf, rip, eigrp, babel; did you mean \"ospf\"?"},
        {IN_ROUTER_P, NULL, ID "asn: 1, redistribute: {protocols: [75], policy: p}",
         "4:52: router.redistribute.protocols[0]: \"75\" is what kedge itself installs; allowed: "
         "another's routes"},
        {IN_ROUTER_P, NULL, ID "asn: 1, redistribute: {protocols: [ospf]}",
         "4:39: router.redistribute: \"policy\" is missing"},
        {IN_ROUTER_P, NULL, ID "asn: 1, redistribute: {policy: p}",
         "4:39: router.redistribute: \"protocols\" is missing"},
        {IN_ROUTER_P, NULL, ID "asn: 1, redistribute: {protocols: [ospf], policy: q}",
         "4:67: router.redistribute.policy: there is no policy \"q\"; allowed: a name under "
         "\"policies\"; did you mean \"p\"?"},
        {IN_ROUTER, ID "asn: 1, resolve-via-default: true",
         ID "asn: 1, resolve-via-default: static",
         "3:46: router.resolve-via-default: \"static\"; allowed: false, true"},
        {IN_ROUTER, ID "asn: 1, table: main", ID "asn: 1, table: mian",
         "3:32: router.table: \"mian\"; allowed: 1 to 4294967295, main, default; did you mean "
         "\"main\"?"},
        {IN_ROUTER, ID "asn: 1, table: 100", ID "asn: 1, table: 255",
         "3:32: router.table: \"255\" is the kernel's local table; allowed: main or another "
         "number"},
        {IN_ROUTER, ID "asn: 1, table: 74999", ID "asn: 1, table: 75000",
         "3:32: router.table: \"75000\" is one of 75000 to 75063, where health probes have their "
         "own ways; allowed: main or another number"},
        {IN_ROUTER, ID "asn: 1, table: 75064", ID "asn: 1, table: 75063",
         "3:32: router.table: \"75063\" is one of 75000 to 75063, where health probes have their "
         "own ways; allowed: main or another number"},
        {IN_ROUTER, ID "asn: 1, ecmp: true", ID "asn: 1, ecmp: 2",
         "3:31: router.ecmp: \"2\"; allowed: false, true"},
        {IN_ROUTER, ID "asn: 1, install: false", ID "asn: 1, install: none",
         "3:34: router.install: \"none\"; allowed: true, false"},
        {IN_GATEWAY, "listen: [192.0.2.1, 2001:db8::1]", "listen: [192.0.2.1/24]",
         "2:12: gateway.listen[0]: \"192.0.2.1/24\"; allowed: an IPv4 or IPv6 address, without a "
         "length"},
        {IN_GATEWAY, NULL, "listen: [0.0.0.0]",
         "2:12: gateway.listen[0]: \"0.0.0.0\"; allowed: the addresses themselves, each by its "
         "own"},
        {IN_GATEWAY, "listen: [192.0.2.1], state-directory: /s",
         "listen: [192.0.2.1], state-directory: s",
         "2:41: gateway.state-directory: \"s\"; allowed: an absolute path, or none"},
        {IN_GATEWAY, NULL, "listen: []", "2:11: gateway.listen: 0 entries; allowed: 1 to 8"},
        {IN_GATEWAY, NULL, "port: 500", "1:10: gateway: \"listen\" is missing"},
        {IN_GATEWAY, "listen: [192.0.2.1], dataplane: tun", "listen: [192.0.2.1], dataplane: tub",
         "2:35: gateway.dataplane: \"tub\"; allowed: auto, xfrm, tun, none; did you mean \"tun\"?"},
        {IN_GATEWAY, "listen: [192.0.2.1], port: 65535", "listen: [192.0.2.1], port: 65536",
         "2:30: gateway.port: \"65536\"; allowed: 1 to 65535"},
        {IN_GATEWAY, "listen: [192.0.2.1], natt-port: 501", "listen: [192.0.2.1], natt-port: 500",
         "2:35: gateway: port and natt-port are both 500"},
        {AT_TOP, "control: {socket: /run/k.sock}", "control: {socket: k.sock}",
         "2:19: control.socket: \"k.sock\"; allowed: an absolute path"},
        {AT_TOP, "control: {group: kedge}", "control: {group: \"a\\tb\"}",
         "2:18: control.group: \"a\\x09b\"; allowed: 1 to 31 characters, no control characters"},
        {AT_TOP, "control: {keylog: true}", "control: {keylog: on}",
         "2:19: control.keylog: \"on\"; allowed: false, true"},
        {AT_TOP, "metrics: {listen: 127.0.0.1}", "metrics: {listen: 127.0.0.1, port: 0}",
         "2:36: metrics.port: \"0\"; allowed: 1 to 65535"},
        {AT_TOP, "metrics: {listen: \"::1\", port: 9100}", "metrics: {port: 9100}",
         "2:10: metrics: \"listen\" is missing"},
        {AT_TOP, "metrics: {listen: 0.0.0.0, allow-remote: true}", "metrics: {listen: 0.0.0.0}",
         "2:19: metrics.listen: \"0.0.0.0\" can be reached by others, and asks nobody for a "
         "password; allowed: 127.0.0.1 or ::1, or with allow-remote: true"},
        {AT_TOP, "metrics: {listen: 127.255.255.254}", "metrics: {listen: 128.0.0.0}",
         "2:19: metrics.listen: \"128.0.0.0\" can be reached by others, and asks nobody for a "
         "password; allowed: 127.0.0.1 or ::1, or with allow-remote: true"},
        {AT_TOP, "logging: {level: warn}", "logging: {level: warning}",
         "2:18: logging.level: \"warning\"; allowed: error, warn, info, debug; did you mean "
         "\"warn\"?"},
    };
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
}

/* Every key of a tunnel, as the messages list them. */
#define TUNNEL_KEYS                                                                                \
    "name, local, remote, local-id, remote-id, auth, ppk, role, start, profile, legacy, ike, esp, "\
    "selectors, children, encap, "                                                                 \
    "childless, detect, abandon, retry, nat-keepalive, fragment-size, lifetime, replay-window, "   \
    "offload, offload-device, interface, table, vrf, address, mtu, mss, "                          \
    "rekey-rehearsal, mtu-probe, recover, neighbor"

static void every_key_of_a_tunnel_is_checked(void **state)
{
    static const struct row rows[] = {
        {IN_TUNNEL, "local: 192.0.2.1", "local: 192.0.2.3",
         "8:12: tunnels[0].local: \"192.0.2.3\" is not in gateway.listen"},
        {IN_TUNNEL, "local-id: gw.example", "local-id: any",
         "8:15: tunnels[0].local-id: any is for remote-id only"},
        {IN_TUNNEL, "remote-id: any", "remote-id: key-id:xyz",
         "8:16: tunnels[0].remote-id: \"key-id:xyz\"; allowed: an address, a domain name, "
         "user@domain, key-id:HEX, a name such as \"C=US, O=Example, CN=gw\", any"},
        {IN_TUNNEL, "role: initiator", "role: intiator",
         "8:11: tunnels[0].role: \"intiator\"; allowed: both, initiator, responder; did you mean "
         "\"initiator\"?"},
        {IN_TUNNEL, "profile: azure-default", "profile: azure-defualt",
         "8:14: tunnels[0].profile: \"azure-defualt\"; allowed: modern, azure-default, azure-vwan, "
         "azure-custom; did you mean \"azure-default\"?"},
        {IN_TUNNEL, NULL,
         "profile: modern\n    ike: [aes256-sha256-modp2048]\n    esp: [aes256-sha256]",
         "8:14: tunnels[0]: profile and the lists ike, esp exclude each other"},
        {IN_TUNNEL, "ike: [aes256-sha1-modp1024]\n    esp: [aes256-sha1, aes128-sha256-modp2048]",
         "ike: [aes256-sha256-modp2048]",
         "8:10: tunnels[0]: \"esp\" is missing: ike and esp are given together"},
        {IN_TUNNEL,
         "profile: azure-custom\n    ike: [aes256-sha1-modp1024]\n    esp: [aes256-sha1]",
         "profile: azure-custom\n    ike: [aes256-sha1-modp1024]\n    esp: [aes256-sha1, "
         "aes128-sha1]",
         "8:14: tunnels[0].profile: azure-custom; allowed: one ike and one esp proposal"},
        {IN_TUNNEL, "legacy: true\n    ike: [des-md5-modp768]\n    esp: [null-sha1, des-md5]",
         "ike: [aes256-sha256-modp768]\n    esp: [aes256-sha256]",
         "8:11: tunnels[0].ike[0]: \"aes256-sha256-modp768\": modp768 protects nobody; allowed: "
         "with legacy: true in the tunnel"},
        {IN_TUNNEL, "ike: [3des-sha1-modp1024]\n    esp: [3des-sha1]",
         "ike: [3des-sha1-modp1024]\n    esp: [3des-sha1, 3des-md5]",
         "9:22: tunnels[0].esp[1]: \"3des-md5\": md5 protects nobody; allowed: with legacy: true "
         "in the tunnel"},
        {IN_TUNNEL,
         "ike: [aes256-prfsha256-sha1-modp1024]\n    esp: [null-sha256]\n    legacy: true",
         "ike: [aes256-prfsha256-sha1-modp1024]\n    esp: [null-sha256]\n    legacy: false",
         "9:11: tunnels[0].esp[0]: \"null-sha256\": null protects nobody; allowed: with legacy: "
         "true in the tunnel"},
        {IN_TUNNEL, "selectors: {local: [0.0.0.0/0]}", "selectors: {local: [10.0.0.1/8]}",
         "8:25: tunnels[0].selectors.local[0]: \"10.0.0.1/8\" has host bits set; did you mean "
         "\"10.0.0.0/8\"?"},
        {IN_TUNNEL, "selectors: {remote: [10.0.0.0/8, 2001:db8::/32]}", "selectors: {remotes: []}",
         "8:17: tunnels[0].selectors: unknown key \"remotes\"; allowed: local, remote; did you "
         "mean \"remote\"?"},
        {IN_TUNNEL, "selectors: {remote: [10.0.0.0/8 tcp/443, 10.0.0.0/8 udp/1000-2000]}",
         "selectors: {remote: [10.0.0.0/8 tcp/443-442]}",
         "8:26: tunnels[0].selectors.remote[0]: \"10.0.0.0/8 tcp/443-442\"; allowed behind the "
         "prefix: any, icmp, icmpv6, gre, ospf, a protocol's number, or tcp, udp, sctp, each with "
         "/PORT or /PORT-PORT"},
        {IN_TUNNEL, "selectors: {local: [10.0.0.0/8 icmp, 10.0.0.0/8 47]}",
         "selectors: {local: [10.0.0.0/8 icmp/8]}",
         "8:25: tunnels[0].selectors.local[0]: \"10.0.0.0/8 icmp/8\"; allowed behind the prefix: "
         "any, icmp, icmpv6, gre, ospf, a protocol's number, or tcp, udp, sctp, each with /PORT or "
         "/PORT-PORT"},
        {IN_TUNNEL, "selectors: [{local: [0.0.0.0/0]}, {local: [10.0.0.0/8]}]",
         "selectors: [{local: [10.0.0.0/8]}, {local: [10.0.0.0/8], remote: [0.0.0.0/8]}, "
         "{remote: [0.0.0.0/8], local: [10.0.0.0/8]}]",
         "8:84: tunnels[0].selectors[2]: the same selectors as selectors[1]"},
        {IN_TUNNEL, "selectors: [{local: [0.0.0.0/0]}]", "selectors: []",
         "8:16: tunnels[0].selectors: 0 entries; allowed: 1 to 16"},
        {IN_TUNNEL,
         "children: [{name: web, local: [10.0.0.0/8]}, {name: db, remote: [10.0.0.0/8]}]",
         "children: [{name: web, local: [10.0.0.0/8]}, {name: web, remote: [10.0.0.0/8]}]",
         "8:50: tunnels[0].children[1].name: \"web\" is already the name of children[0]"},
        {IN_TUNNEL, "children: [{name: web}]", "children: [{local: [10.0.0.0/8]}]",
         "8:16: tunnels[0].children[0]: \"name\" is missing"},
        {IN_TUNNEL, NULL,
         "selectors: {local: [10.0.0.0/8]}\n    children: [{name: web, remote: [10.0.0.0/8]}]",
         "9:15: tunnels[0].children: selectors and children exclude each other: a tunnel has one "
         "child or several"},
        {IN_TUNNEL, "lifetime: {esp-bytes: 102400000KB, esp-packets: 1000000}",
         "lifetime: {esp-bytes: 102400000}",
         "8:27: tunnels[0].lifetime.esp-bytes: \"102400000\"; allowed: 1MB or more, with a unit "
         "(KB, MB, GB, TB; KiB, MiB, GiB, TiB), or none"},
        {IN_TUNNEL, "lifetime: {esp-bytes: 1MB}", "lifetime: {esp-bytes: 999KB}",
         "8:27: tunnels[0].lifetime.esp-bytes: \"999KB\"; allowed: 1MB or more, with a unit (KB, "
         "MB, GB, TB; KiB, MiB, GiB, TiB), or none"},
        {IN_TUNNEL, "lifetime: {esp-packets: none, esp-bytes: none}",
         "lifetime: {esp-packets: 999}",
         "8:29: tunnels[0].lifetime.esp-packets: \"999\"; allowed: 1000 to 281474976710656, none"},
        {IN_TUNNEL,
         "profile: azure-custom\n    ike: [aes256gcm16-prfsha384-ecp384]\n    esp: "
         "[aes192gcm16-modp2048s256]",
         "profile: azure-custom\n    ike: [aes256-sha512-ecp384]\n    esp: [aes256-sha256]",
         "9:10: tunnels[0].ike[0]: sha512 is not in Azure's custom policy; its integrity: sha384, "
         "sha256, sha1, md5"},
        {IN_TUNNEL,
         "profile: azure-custom\n    ike: [aes128gcm16-prfsha256-ecp256]\n    esp: [3des-sha1]",
         "profile: azure-custom\n    ike: [aes256-sha1-modp1024]\n    esp: "
         "[aes256-sha256-modp3072]",
         "10:10: tunnels[0].esp[0]: modp3072 is not in Azure's custom policy; its group: "
         "modp2048s256, ecp384, ecp256, modp2048, modp1024, modp768"},
        {IN_TUNNEL, NULL,
         "profile: azure-custom\n    ike: [aes256-sha1-modp1024-modp2048]\n    esp: "
         "[aes256-sha256]",
         "9:10: tunnels[0].ike[0]: more than one group; Azure's custom policy has one in each "
         "field"},
        {IN_TUNNEL, NULL, "profile: azure-custom\n    ike: [aes256-sha1-modp1024]",
         "9:10: tunnels[0]: \"esp\" is missing: ike and esp are given together with profile "
         "azure-custom"},
        {IN_TUNNEL, "encap: always", "encap: alway",
         "8:12: tunnels[0].encap: \"alway\"; allowed: auto, always, never; did you mean "
         "\"always\"?"},
        {IN_TUNNEL, "detect: 500ms", "detect: 499ms",
         "8:13: tunnels[0].detect: \"499ms\"; allowed: 500ms to 1h, with a unit (ms, s, m, h, d)"},
        {IN_TUNNEL, "detect: 2s", "detect: 2",
         "8:13: tunnels[0].detect: \"2\"; allowed: 500ms to 1h, with a unit (ms, s, m, h, d); did "
         "you mean \"2s\"?"},
        {IN_TUNNEL, "detect: 2s\n    abandon: 2s", "detect: 2s\n    abandon: 1999ms",
         "9:14: tunnels[0].abandon: shorter than detect (2000ms); allowed: detect or more"},
        {IN_TUNNEL, "nat-keepalive: 1s", "nat-keepalive: 999ms",
         "8:20: tunnels[0].nat-keepalive: \"999ms\"; allowed: 1s to 1h, with a unit (ms, s, m, h, "
         "d), off"},
        {IN_TUNNEL, "nat-keepalive: off", "nat-keepalive: none",
         "8:20: tunnels[0].nat-keepalive: \"none\"; allowed: 1s to 1h, with a unit (ms, s, m, h, "
         "d), off"},
        {IN_TUNNEL, "fragment-size: 576", "fragment-size: 575",
         "8:20: tunnels[0].fragment-size: \"575\"; allowed: 576 to 9000, off"},
        {IN_TUNNEL, "fragment-size: off", "fragment-size: of",
         "8:20: tunnels[0].fragment-size: \"of\"; allowed: 576 to 9000, off; did you mean "
         "\"off\"?"},
        {IN_TUNNEL, "retry: 300ms", "retry: 3 s",
         "8:12: tunnels[0].retry: \"3 s\"; allowed: 100ms to 1h, with a unit (ms, s, m, h, d)"},
        {IN_TUNNEL, "lifetime: {ike: 8h, esp: 27000s}", "lifetime: {ike: 8h, esp: 4s}",
         "8:30: tunnels[0].lifetime.esp: \"4s\"; allowed: 5s to 30d, with a unit (ms, s, m, h, d)"},
        {IN_TUNNEL, "lifetime: {ike: 30d}", "lifetime: {ike: 31d}",
         "8:21: tunnels[0].lifetime.ike: \"31d\"; allowed: 5s to 30d, with a unit (ms, s, m, h, "
         "d)"},
        {IN_TUNNEL, "replay-window: 4096", "replay-window: 4097",
         "8:20: tunnels[0].replay-window: \"4097\"; allowed: 32 to 4096"},
        {IN_TUNNEL, "interface: exactly-15-long", "interface: sixteen-is-too-l",
         "8:16: tunnels[0].interface: \"sixteen-is-too-l\"; allowed: 1 to 15 characters, no "
         "control characters"},
        {IN_TUNNEL, "interface: vpn0.1", "interface: vpn/0",
         "8:16: tunnels[0].interface: \"vpn/0\"; allowed: a name without / : % and blanks"},
        {IN_TUNNEL, "address: 10.17.11.76", "address: 10.17.11.76/32",
         "8:14: tunnels[0].address: \"10.17.11.76/32\"; allowed: an IPv4 or IPv6 address, without "
         "a length"},
        {IN_TUNNEL, "childless: force", "childless: forced",
         "8:16: tunnels[0].childless: \"forced\"; allowed: allow, never, force; did you mean "
         "\"force\"?"},
        {IN_TUNNEL, "mtu: auto", "mtu: 575",
         "8:10: tunnels[0].mtu: \"575\"; allowed: 576 to 9000, auto"},
        {IN_TUNNEL, "address: ::1\n    mtu: 1280", "address: ::1\n    mtu: 1279",
         "9:10: tunnels[0].mtu: 1279; allowed: 1280 or more with IPv6 inside (RFC 8200)"},
        {IN_TUNNEL, "mss: off", "mss: of",
         "8:10: tunnels[0].mss: \"of\"; allowed: 216 to 8960, auto, off; did you mean \"off\"?"},
        {IN_TUNNEL, "mtu: 1400\n    mss: 1360", "mtu: 1400\n    mss: 1361",
         "9:10: tunnels[0].mss: 1361; allowed: at most mtu - 40"},
        {IN_TUNNEL, "detect: 2s", "dettect: 2s",
         "8:5: tunnels[0]: unknown key \"dettect\"; allowed: " TUNNEL_KEYS "; did you mean "
         "\"detect\"?"},
        {IN_TUNNEL, "mtu-probe: 10s", "mtu-probe: 9s",
         "8:16: tunnels[0].mtu-probe: \"9s\"; allowed: 10s to 1d, with a unit (ms, s, m, h, d), "
         "off"},
        {IN_TUNNEL, "mtu-probe: off", "mtu-probe: 25h",
         "8:16: tunnels[0].mtu-probe: \"25h\"; allowed: 10s to 1d, with a unit (ms, s, m, h, d), "
         "off"},
        {IN_TUNNEL, "rekey-rehearsal: 10s", "rekey-rehearsal: 999ms",
         "8:22: tunnels[0].rekey-rehearsal: \"999ms\"; allowed: 1s to 1h, with a unit (ms, s, m, "
         "h, d), off"},
        {IN_TUNNEL, "rekey-rehearsal: off", "rekey-rehearsal: 10",
         "8:22: tunnels[0].rekey-rehearsal: \"10\"; allowed: 1s to 1h, with a unit (ms, s, m, h, "
         "d), off; did you mean \"10s\"?"},
        {IN_TUNNEL, NULL, "remote: 192.0.2.3",
         "8:5: tunnels[0]: \"remote\" is already set in line 6"},
        {IN_TUNNEL, NULL, "detect:", "8:12: tunnels[0].detect: the value is missing"},
        {IN_TUNNEL, NULL, "detect: [2s]",
         "8:13: tunnels[0].detect: a single value is expected here, not a list"},
        {IN_TUNNEL, NULL, "esp: aes256-sha1\n    ike: [aes256-sha1-modp1024]",
         "8:10: tunnels[0].esp: a list is expected here: [..., ...]"},
    };
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
}

static void a_tunnel_names_itself_its_peer_and_its_key(void **state)
{
#define IN GATEWAY "tunnels:\n  - %s\n" /* line 3, column 5 */
    static const struct row rows[] = {
        {IN, "{name: a-1, remote: 192.0.2.2, auth: {psk: x}}",
         "{name: A-1, remote: 192.0.2.2, auth: {psk: x}}",
         "3:12: tunnels[0].name: \"A-1\"; allowed: 1 to 15 characters of a-z, 0-9 and -"},
        {IN, NULL, "{remote: 192.0.2.2, auth: {psk: x}}", "3:5: tunnels[0]: \"name\" is missing"},
        {IN, NULL, "{name: a, auth: {psk: x}}", "3:5: tunnels[0]: \"remote\" is missing"},
        {IN, NULL, "{name: a, remote: 192.0.2.2}", "3:5: tunnels[0]: \"auth\" is missing"},
        {IN, "{name: a, remote: any, role: responder, auth: {psk: x}}",
         "{name: a, remote: any, auth: {psk: x}}",
         "3:23: tunnels[0].remote: any needs role: responder"},
        {IN, NULL, "{name: a, remote: gw.example, auth: {psk: x}}",
         "3:23: tunnels[0].remote: \"gw.example\"; allowed: an address, or any (a name is not "
         "looked up yet: give its address)"},
        {IN, NULL, "{name: a, remote: 2001:db8::1, auth: {psk: x}}",
         "3:23: tunnels[0].remote: \"2001:db8::1\" is not of local's family"},
        {IN, NULL, "{name: a, remote: 192.0.2.1, auth: {psk: x}}",
         "3:23: tunnels[0].remote: \"192.0.2.1\" is our own address"},
        {IN, NULL, "{name: a, remote: 0.0.0.0, auth: {psk: x}}",
         "3:23: tunnels[0].remote: \"0.0.0.0\"; did you mean \"any\"?"},
        {IN, NULL, "onprem", "3:5: tunnels[0]: a tunnel is a map; its keys: " TUNNEL_KEYS},
        {"gateway: {listen: [192.0.2.1, 192.0.2.9]}\ntunnels:\n  - %s\n",
         "{name: a, local: 192.0.2.9, remote: 192.0.2.2, auth: {psk: x}}",
         "{name: a, remote: 192.0.2.2, auth: {psk: x}}",
         "3:5: tunnels[0]: \"local\" is missing; needed where gateway.listen has several "
         "addresses"},
    };
#undef IN
    (void)state;
    check_rows(rows, KD_ARRAY_LEN(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_router_gateway_control_and_logging_is_checked),
        cmocka_unit_test(every_key_of_a_tunnel_is_checked),
        cmocka_unit_test(a_tunnel_names_itself_its_peer_and_its_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
