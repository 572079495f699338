/* The configuration: every key once as it should be and once just beside it, the place and wording
 * of errors, secrets that stay secret, all or nothing. */
#include "config/config.h"
#include "ike/suites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "certs.h"

static struct kc_ctx *crypto;
static struct core_config cfg;
static struct config_errors errs;

/* ---- a world of secrets ---- */

/* What the kernel takes at most. */
#define PASSWORD_80                                                                                \
    "0123456789012345678901234567890123456789"                                                     \
    "0123456789012345678901234567890123456789"

static enum config_secret_status read_secret(void *arg, enum config_secret_from from,
                                             const char *name, struct config_secret *out)
{
    (void)arg;
    const char *text = NULL;
    if (from == CONFIG_SECRET_CREDENTIAL && strcmp(name, "onprem") == 0)
        text = "from-systemd";
    else if (from == CONFIG_SECRET_CREDENTIAL && strcmp(name, "gw-key") == 0)
        text = key_p256;
    else if (from == CONFIG_SECRET_CREDENTIAL && strcmp(name, "other-key") == 0)
        text = key_second;
    else if (strcmp(name, "/etc/kedge/psk") == 0)
        text = "from-file\r\nsecond line";
    else if (strcmp(name, "/etc/kedge/open") == 0)
        text = "from-open-file\n";
    else if (strcmp(name, "/etc/kedge/ppk") == 0)
        text = "thirty-two octets of a good ppk!\n";
    else if (strcmp(name, "/etc/kedge/password80") == 0)
        text = PASSWORD_80 "\n";
    else if (strcmp(name, "/etc/kedge/password81") == 0)
        text = PASSWORD_80 "!\n";
    else if (strcmp(name, "/etc/kedge/empty") == 0)
        text = "\nnot the first line";
    else if (strcmp(name, "/etc/kedge/gw.key") == 0)
        text = key_p256;
    else if (strcmp(name, "/etc/kedge/other.key") == 0)
        text = key_second;
    else if (strcmp(name, "/etc/kedge/elsewhere") == 0)
        return CONFIG_SECRET_UNKNOWN;
    if (!text) {
        snprintf(out->why, sizeof(out->why), "no such file");
        return CONFIG_SECRET_FAILED;
    }
    out->len = strlen(text);
    memcpy(out->data, text, out->len);
    out->exposed = strcmp(name, "/etc/kedge/open") == 0;
    return CONFIG_SECRET_OK;
}

static enum config_secret_status read_pem(void *arg, const char *path, size_t max, uint8_t **data,
                                          size_t *len, char *why, size_t cap)
{
    static const struct {
        const char *path, *pem[3];
    } files[] = {
        {"/etc/kedge/gw.pem", {cert_p256, cert_mid, cert_root}},
        {"/etc/kedge/old.pem", {cert_old}},
        {"/etc/kedge/ca.pem", {cert_root}},
        {"/etc/kedge/crl.pem", {crl_mid}},
        {"/etc/kedge/text.pem", {"no certificate"}},
    };
    (void)arg;
    for (size_t i = 0; i < KD_ARRAY_LEN(files); i++) {
        if (strcmp(path, files[i].path) != 0)
            continue;
        *data = calloc(1, 65536);
        assert_non_null(*data);
        for (size_t k = 0; k < 3 && files[i].pem[k]; k++)
            strcat((char *)*data, files[i].pem[k]);
        *len = strlen((char *)*data);
        assert_true(*len <= max);
        return CONFIG_SECRET_OK;
    }
    snprintf(why, cap, "no such file");
    return strcmp(path, "/root/ca.pem") == 0 ? CONFIG_SECRET_UNKNOWN : CONFIG_SECRET_FAILED;
}

static void drop(void)
{
    for (uint32_t i = 0; i < cfg.n_tunnels; i++) {
        kc_key_free(crypto, cfg.tunnels[i].ike.psk);
        kc_key_free(crypto, cfg.tunnels[i].ike.ppk.key);
        kc_key_free(crypto, cfg.tunnels[i].neighbor.bfd.auth.key[0].key);
        kc_key_free(crypto, cfg.tunnels[i].neighbor.password);
    }
    for (uint32_t i = 0; i < cfg.n_neighbors; i++) {
        kc_key_free(crypto, cfg.neighbors[i].bfd.auth.key[0].key);
        kc_key_free(crypto, cfg.neighbors[i].password);
    }
    for (uint32_t i = 0; i < cfg.n_policies; i++)
        bgp_route_map_unref(cfg.policies[i]);
    free(cfg.policies);
    free(cfg.tunnels);
    free(cfg.neighbors);
    free(cfg.health);
    ike_certs_free(cfg.certs);
    memset(&cfg, 0, sizeof(cfg));
}

static bool parse(const char *text)
{
    struct config_env env = {
        .crypto = crypto, .wall_s = 1800000000, .read_secret = read_secret, .read_file = read_pem};
    drop();
    bool ok = config_parse(kd_bytes_str(text), "kedge.yaml", &env, &cfg, &errs);
    if (!ok) { /* nothing half-applied */
        struct core_config none = {0};
        assert_memory_equal(&cfg, &none, sizeof(cfg));
        assert_int_equal(kc_keys_live(crypto), 0);
        assert_true(errs.n > 0);
    }
    return ok;
}

static void show(void)
{
    char line[CONFIG_LINE_MAX];
    for (uint32_t i = 0; i < errs.n; i++)
        print_message("%s\n", config_error_line(&errs, &errs.e[i], line, sizeof(line)));
}

/* "LINE:COL: text" must be the only error. */
static void refused(const char *text, const char *want)
{
    char got[CONFIG_LINE_MAX];
    if (parse(text))
        fail_msg("accepted, not refused with %s:\n%s", want, text);
    snprintf(got, sizeof(got), "%u:%u: %s", errs.e[0].line, errs.e[0].col, errs.e[0].text);
    assert_string_equal(got, want);
    if (errs.n != 1)
        show();
    assert_int_equal(errs.n, 1);
}

static void accepted(const char *text)
{
    bool ok = parse(text);
    if (!ok) {
        print_message("%s", text);
        show();
    }
    assert_true(ok);
}

/* ---- one line put into an otherwise good file ---- */

#define GATEWAY "gateway: {listen: [192.0.2.1]}\n"
#define ROUTER  "router: {id: 10.0.0.1, asn: 65515}\n"
#define POLICY  "policies: {all: [{permit: {}}]}\n"
#define TUNNEL  "  - name: onprem\n    remote: 192.0.2.2\n"
#define AUTH    "    auth: {psk: swordfish}\n"
/* the line stands in line 8, its value begins behind the key from column 5 */
#define IN_TUNNEL GATEWAY ROUTER POLICY "tunnels:\n" TUNNEL AUTH "    %s\n"
/* line 10, column 7 */
#define IN_TUNNEL_NEIGHBOR                                                                         \
    GATEWAY ROUTER POLICY "tunnels:\n" TUNNEL AUTH                                                 \
                          "    address: 10.0.0.1\n    neighbor: {import: all, "                    \
                          "export: all, asn: 65020, address: 10.1.0.1,\n      %s}\n"
/* line 5, column 7 */
#define IN_NEIGHBOR                                                                                \
    GATEWAY ROUTER POLICY "neighbors: [{name: msee, import: all, export: all,\n      %s}]\n"
#define IN_ROUTER  GATEWAY "router: {\n  %s}\n"          /* line 3, column 3 */
#define IN_GATEWAY "gateway: {\n  %s}\n"                 /* line 2, column 3 */
/* line 4, column 3 */
#define IN_ROUTER_P GATEWAY "policies: {p: [{permit: {}}]}\nrouter: {\n  %s}\n"
#define IN_POLICY  GATEWAY "policies:\n  p:\n    - %s\n" /* line 4, column 7 */
#define AT_TOP     GATEWAY "%s\n"                        /* line 2 */

/* The rows carry the surroundings of the line as formats. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

struct row {
    const char *in, *good, *bad, *error;
};

static void check_rows(const struct row *rows, size_t n)
{
    char text[4096];
    for (size_t i = 0; i < n; i++) {
        if (rows[i].good) {
            snprintf(text, sizeof(text), rows[i].in, rows[i].good);
            accepted(text);
        }
        snprintf(text, sizeof(text), rows[i].in, rows[i].bad);
        refused(text, rows[i].error);
    }
}

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

/* ---- secrets ---- */

static void expect_psk(const char *auth, const char *want)
{
    char text[1024];
    uint8_t got[KC_KEY_MAX];
    snprintf(text, sizeof(text), GATEWAY "tunnels: [{name: a, remote: 192.0.2.2,\n  auth: %s}]\n",
             auth);
    accepted(text);
    size_t n = kc_key_export(crypto, cfg.tunnels[0].ike.psk, got, sizeof(got));
    assert_int_equal(n, strlen(want));
    assert_memory_equal(got, want, n);
}

static void the_psk_comes_inline_from_a_file_or_a_credential(void **state)
{
    (void)state;
    expect_psk("{psk: 0123}", "0123");
    expect_psk("{psk: \" with blanks \"}", " with blanks ");
    expect_psk("{psk: 0123456789012345678901234567890123456789012345678901234567890123456789}",
               "0123456789012345678901234567890123456789012345678901234567890123456789");
    expect_psk("{psk-hex: 6b6579FF0a}", "key\xff\n");
    expect_psk("{psk-hex: 313233}", "123");
    expect_psk("{psk-file: /etc/kedge/psk}", "from-file");
    assert_int_equal(errs.n_warnings, 0);
    expect_psk("{psk-credential: onprem}", "from-systemd");
    expect_psk("{psk-file: /etc/kedge/open}", "from-open-file");
    assert_int_equal(errs.n_warnings, 1);
    assert_string_equal(errs.w[0].text, "tunnels[0].auth.psk-file: \"/etc/kedge/open\" can be read "
                                        "by everyone; remedy: chmod 600");
}

static void a_ppk_has_a_name_and_one_key(void **state)
{
#define IN GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x},\n  ppk: %s}]\n"
    static const struct row rows[] = {
        {IN, "{id: site-a, file: /etc/kedge/ppk, required: true}",
         "{id: site-a, file: /etc/kedge/ppk, required: maybe}",
         "3:53: tunnels[0].ppk.required: \"maybe\"; allowed: false, true"},
        {IN, "{id: site-a, credential: onprem}", "{id: site-a}",
         "3:8: tunnels[0].ppk: exactly one of file and credential is needed"},
        {IN, NULL, "{id: a, file: /etc/kedge/ppk, credential: onprem}",
         "3:8: tunnels[0].ppk: exactly one of file and credential is needed"},
        {IN, NULL, "{file: /etc/kedge/ppk}", "3:8: tunnels[0].ppk: \"id\" is missing"},
        {IN, NULL, "{id: \"\", file: /etc/kedge/ppk}",
         "3:13: tunnels[0].ppk.id: \"\"; allowed: 1 to 64 characters, no control characters"},
        {IN, NULL, "{id: a, file: ppk}",
         "3:22: tunnels[0].ppk.file: \"ppk\"; allowed: an absolute path"},
        {IN, NULL, "{id: a, file: /etc/kedge/ppk, key: hunter2}",
         "3:38: tunnels[0].ppk: unknown key; allowed: id, file, credential, required"},
    };
#undef IN
    (void)state;
    accepted(GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x},\n"
                     "  ppk: {id: site-a, file: /etc/kedge/ppk, required: true}}]\n");
    assert_int_equal(kc_key_len(crypto, cfg.tunnels[0].ike.ppk.key), 32);
    assert_int_equal(cfg.tunnels[0].ike.ppk.id_len, 6);
    assert_memory_equal(cfg.tunnels[0].ike.ppk.id, "site-a", 6);
    assert_true(cfg.tunnels[0].ike.ppk.required);
    assert_int_equal(errs.n_warnings, 0);
    accepted(GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x},\n"
                     "  ppk: {id: site-a, file: /etc/kedge/psk}}]\n");
    assert_false(cfg.tunnels[0].ike.ppk.required);
    assert_string_equal(errs.w[0].text, "tunnels[0].ppk: the key has 9 bytes; against a quantum "
                                        "computer: 32 or more");
    check_rows(rows, KD_ARRAY_LEN(rows));
}

static void a_secret_that_is_missing_empty_or_doubled_is_refused(void **state)
{
#define IN GATEWAY "tunnels: [{name: a, remote: 192.0.2.2,\n  auth: %s}]\n" /* line 3, column 9 */
    static const struct row rows[] = {
        {IN, NULL, "{psk: \"\"}", "3:15: tunnels[0].auth.psk: the pre-shared key is empty"},
        {IN, NULL, "{psk: }", "3:15: tunnels[0].auth.psk: the value is missing"},
        {IN, "{psk-hex: 00ff}", "{psk-hex: 00f}",
         "3:19: tunnels[0].auth.psk-hex: allowed: 1 to 640 pairs of hex digits"},
        {IN, NULL, "{psk-hex: 0x00}",
         "3:19: tunnels[0].auth.psk-hex: allowed: 1 to 640 pairs of hex digits"},
        {IN, NULL, "{psk-hex: \"\"}", "3:19: tunnels[0].auth.psk-hex: the pre-shared key is empty"},
        {IN, NULL, "{psk: a, psk-hex: 00}",
         "3:9: tunnels[0].auth: exactly one of psk, psk-hex, psk-file and psk-credential is "
         "needed"},
        {IN, NULL, "{}",
         "3:9: tunnels[0].auth: exactly one of psk, psk-hex, psk-file and psk-credential is needed,"
         " or certificates: cert, key-file and ca"},
        {IN, NULL, "{psk: a, psk-file: /etc/kedge/psk}",
         "3:9: tunnels[0].auth: exactly one of psk, psk-hex, psk-file and psk-credential is "
         "needed"},
        {IN, NULL, "{psk-file: /etc/kedge/empty}",
         "3:20: tunnels[0].auth.psk-file: the pre-shared key is empty"},
        {IN, NULL, "{psk-file: /nowhere}",
         "3:20: tunnels[0].auth.psk-file: \"/nowhere\": no such file"},
        {IN, NULL, "{psk-file: psk}",
         "3:20: tunnels[0].auth.psk-file: \"psk\"; allowed: an absolute path"},
        {IN, NULL, "{psk-credential: ../psk}",
         "3:26: tunnels[0].auth.psk-credential: \"../psk\"; allowed: a credential's name "
         "(LoadCredential=NAME:...)"},
    };
    (void)state;
#undef IN
    check_rows(rows, KD_ARRAY_LEN(rows));
}

/* ---- certificates ---- */

#define KEY "cert: /etc/kedge/gw.pem, key-file: /etc/kedge/gw.key"
#define CA  "ca: [/etc/kedge/ca.pem]"

static void auth_of(const char *local_id, const char *auth)
{
    char text[1024];
    snprintf(text, sizeof(text),
             GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, local-id: \"%s\",\n  auth: {%s}}]\n",
             local_id, auth);
    accepted(text);
}

static void certificates_are_loaded_with_their_key_and_trust(void **state)
{
    const struct ike_auth_config *a;
    (void)state;
    auth_of("a.example", KEY ", " CA);
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(errs.n_warnings, 0);
    assert_int_equal(a->local, IKE_AUTH_CERT);
    assert_int_equal(a->remote, IKE_AUTH_CERT);
    assert_int_equal(a->certs->n_chain, 2); /* the root is not sent */
    assert_int_equal(kc_private_kind(a->certs->key), KC_KEY_EC);
    assert_int_equal(kc_trust_count(a->certs->trust), 1);
    assert_false(a->pss || a->sha1_ok || a->cn[0]);
    auth_of("a.example", KEY ", " CA ", crl: [/etc/kedge/crl.pem], remote-cn: azure gw, "
                             "rsa-padding: pss, sha1: true");
    a = &cfg.tunnels[0].ike.auth;
    assert_true(a->pss && a->sha1_ok);
    assert_string_equal(a->cn, "azure gw");
}

static void the_private_key_may_be_a_credential(void **state)
{
    const struct ike_auth_config *a;
    (void)state;
    auth_of("a.example", "cert: /etc/kedge/gw.pem, key-credential: gw-key, " CA);
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(errs.n_warnings, 0);
    assert_int_equal(a->local, IKE_AUTH_CERT);
    assert_int_equal(kc_private_kind(a->certs->key), KC_KEY_EC);
}

static void either_end_may_use_a_key_instead(void **state)
{
    const struct ike_auth_config *a;
    (void)state;
    auth_of("a.example", KEY ", psk: x");
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(a->local, IKE_AUTH_CERT);
    assert_int_equal(a->remote, IKE_AUTH_PSK);
    assert_null(a->certs->trust);
    auth_of("a.example", CA ", psk: x");
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(a->local, IKE_AUTH_PSK);
    assert_int_equal(a->remote, IKE_AUTH_CERT);
    assert_null(a->certs->key);
    auth_of("a.example", "psk: x");
    a = &cfg.tunnels[0].ike.auth;
    assert_int_equal(a->remote, IKE_AUTH_PSK);
    assert_null(a->certs);
}

static void tunnels_with_the_same_files_share_them(void **state)
{
    (void)state;
    accepted(GATEWAY
             "tunnels:\n"
             "  - {name: a, remote: 192.0.2.2, local-id: a.example, auth: {" KEY ", " CA "}}\n"
             "  - {name: b, remote: 192.0.2.3, local-id: a.example, auth: {" KEY ", " CA "}}\n"
             "  - {name: c, remote: 192.0.2.4, auth: {" CA ", psk: x}}\n");
    assert_ptr_equal(cfg.tunnels[0].ike.auth.certs, cfg.tunnels[1].ike.auth.certs);
    assert_ptr_not_equal(cfg.tunnels[0].ike.auth.certs, cfg.tunnels[2].ike.auth.certs);
}

static void a_name_of_ours_is_spelled_as_the_certificate_spells_it(void **state)
{
    const struct ike_certs *x;
    (void)state;
    auth_of("C=US, O=Example, CN=gw p256", KEY ", " CA);
    assert_int_equal(errs.n_warnings, 0);
    x = cfg.tunnels[0].ike.auth.certs;
    assert_int_equal(cfg.tunnels[0].ike.local_id.len, kc_cert_subject(x->chain[0]).len);
    assert_memory_equal(cfg.tunnels[0].ike.local_id.data, kc_cert_subject(x->chain[0]).p,
                        kc_cert_subject(x->chain[0]).len);
    auth_of("C=US, O=Example, CN=other", KEY ", " CA);
    assert_int_equal(errs.n_warnings, 1);
    assert_string_equal(
        errs.w[0].text,
        "tunnels[0]: the certificate of C=US, O=Example, CN=gw p256 does not say that "
        "it is local-id; most peers refuse that: set local-id to one of its names");
}

static void what_may_be_meant_is_a_warning(void **state)
{
    (void)state;
    auth_of("c.example", "cert: /etc/kedge/old.pem, key-file: /etc/kedge/elsewhere, psk: x");
    assert_int_equal(errs.n_warnings, 3); /* the key, the date, the identity */
    assert_non_null(strstr(errs.w[1].text, "expired at 2021-01-01T00:00:00Z"));
    auth_of("a.example", "psk: x, ca: [/root/ca.pem]");
    assert_int_equal(errs.n_warnings, 1);
    assert_non_null(strstr(errs.w[0].text, "\"/root/ca.pem\" is not checked"));
}

static void certificates_that_do_not_fit_are_refused(void **state)
{
#define IN GATEWAY "tunnels: [{name: a, remote: 192.0.2.2,\n  auth: {%s}}]\n" /* column 9 */
    static const struct row rows[] = {
        {IN, NULL, KEY,
         "3:9: tunnels[0].auth: \"ca\" is missing: who signs the peer's certificate (or "
         "psk-file, if the peer uses a key)"},
        {IN, NULL, CA,
         "3:9: tunnels[0].auth: \"cert\" is missing: our own certificate (or psk-file, if "
         "we use a key)"},
        {IN, NULL, KEY ", " CA ", psk: x",
         "3:9: tunnels[0].auth: with cert and ca no end uses a pre-shared key; leave it out"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, " CA,
         "3:9: tunnels[0].auth: exactly one of key-file and key-credential is needed with cert"},
        {IN, NULL, KEY ", key-credential: gw, " CA,
         "3:9: tunnels[0].auth: exactly one of key-file and key-credential is needed with cert"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: other-key, " CA,
         "3:51: tunnels[0].auth: \"other-key\" is not the key of the first certificate in cert "
         "(the gateway's own comes first)"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: missing, " CA,
         "3:51: tunnels[0].auth: \"missing\": no such file"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: onprem, " CA,
         "3:51: tunnels[0].auth: \"onprem\": no private key in PEM or DER found"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-credential: ../gw-key, " CA,
         "3:51: tunnels[0].auth.key-credential: \"../gw-key\"; allowed: a credential's name "
         "(LoadCredential=NAME:...)"},
        {IN, NULL, "psk: x, key-credential: gw-key",
         "3:34: tunnels[0].auth.key-credential: needs \"cert\""},
        {IN, NULL, "psk: x, key-file: /etc/kedge/gw.key",
         "3:28: tunnels[0].auth.key-file: needs \"cert\""},
        {IN, NULL, "psk: x, crl: [/etc/kedge/crl.pem]", "3:23: tunnels[0].auth.crl: needs \"ca\""},
        {IN, NULL, "psk: x, remote-cn: gw", "3:29: tunnels[0].auth.remote-cn: needs \"ca\""},
        {IN, NULL, "psk: x, rsa-padding: pss", "3:31: tunnels[0].auth.rsa-padding: needs \"cert\""},
        {IN, NULL, CA ", cert: gw.pem, key-file: /etc/kedge/gw.key",
         "3:41: tunnels[0].auth.cert: \"gw.pem\"; allowed: an absolute path"},
        {IN, NULL, CA ", cert: /nowhere, key-file: /etc/kedge/gw.key",
         "3:41: tunnels[0].auth: \"/nowhere\": no such file"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-file: /etc/kedge/other.key, psk: x",
         "3:45: tunnels[0].auth: \"/etc/kedge/other.key\" is not the key of the first certificate "
         "in cert (the gateway's own comes first)"},
        {IN, NULL, "cert: /etc/kedge/gw.pem, key-file: /etc/kedge/psk, psk: x",
         "3:45: tunnels[0].auth: \"/etc/kedge/psk\": no private key in PEM or DER found"},
        {IN, NULL, "psk: x, ca: []", "3:22: tunnels[0].auth.ca: 0 entries; allowed: 1 to 16"},
        {IN, NULL, "psk: x, ca: [/etc/kedge/text.pem]",
         "3:23: tunnels[0].auth: \"/etc/kedge/text.pem\": no certificate in PEM or DER found"},
        {IN, NULL, "psk: x, " CA ", crl: [/etc/kedge/ca.pem]",
         "3:49: tunnels[0].auth: \"/etc/kedge/ca.pem\": no CRL in PEM or DER found"},
    };
    (void)state;
#undef IN
    check_rows(rows, KD_ARRAY_LEN(rows));
}

/* Wherever the operator puts the secret by mistake, no message repeats it. */
static void a_psk_is_never_in_a_message(void **state)
{
    static const char *const wrong[] = {
        "auth: swordfish",
        "auth: {swordfish}",
        "auth: {pks: swordfish}",
        "auth: [swordfish]",
        "auth: {psk: [swordfish]}",
        "auth: {psk: {swordfish: 1}}",
        "psk: swordfish",
        "auth: {psk: \"swordfish",
        "auth: {psk: !x swordfish}",
        "auth: {psk: swordfish, psk: swordfish}",
        "auth: {psk: \"swordfish\\0\"}",
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(wrong); i++) {
        char text[256], line[CONFIG_LINE_MAX];
        snprintf(text, sizeof(text), GATEWAY "tunnels:\n" TUNNEL "    %s\n", wrong[i]);
        assert_false(parse(text));
        for (uint32_t j = 0; j < errs.n; j++)
            assert_null(
                strstr(config_error_line(&errs, &errs.e[j], line, sizeof(line)), "swordfish"));
    }
}

static void a_secret_that_cannot_be_known_here_is_a_warning(void **state)
{
    (void)state;
    accepted(GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk-file: "
                     "/etc/kedge/elsewhere}}]\n");
    assert_int_equal(errs.n_warnings, 1);
    assert_true(kd_handle_none(cfg.tunnels[0].ike.psk));
}

static void without_an_arena_secrets_are_checked_and_not_kept(void **state)
{
    const char *text = GATEWAY "tunnels: [{name: a, remote: 192.0.2.2, auth: {psk: x}}]\n";
    struct config_env env = {.crypto = NULL};
    (void)state;
    drop();
    assert_true(config_parse(kd_bytes_str(text), "f", &env, &cfg, &errs));
    assert_true(kd_handle_none(cfg.tunnels[0].ike.psk));
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

static int setup(void **state)
{
    (void)state;
    crypto = kc_ctx_new(KC_PROVIDER_REAL, 64);
    return crypto ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    drop();
    kc_ctx_free(crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_router_gateway_control_and_logging_is_checked),
        cmocka_unit_test(every_key_of_a_tunnel_is_checked),
        cmocka_unit_test(a_tunnel_names_itself_its_peer_and_its_key),
        cmocka_unit_test(every_key_of_a_neighbor_is_checked),
        cmocka_unit_test(every_key_of_a_policy_is_checked),
        cmocka_unit_test(every_key_of_health_is_checked),
        cmocka_unit_test(a_probe_steers_the_neighbor_it_goes_by),
        cmocka_unit_test(recover_holds_for_whatever_has_none_of_its_own),
        cmocka_unit_test(every_key_of_readiness_is_checked),
        cmocka_unit_test(a_file_that_is_not_the_configuration_says_why),
        cmocka_unit_test(the_psk_comes_inline_from_a_file_or_a_credential),
        cmocka_unit_test(a_ppk_has_a_name_and_one_key),
        cmocka_unit_test(a_secret_that_is_missing_empty_or_doubled_is_refused),
        cmocka_unit_test(certificates_are_loaded_with_their_key_and_trust),
        cmocka_unit_test(the_private_key_may_be_a_credential),
        cmocka_unit_test(either_end_may_use_a_key_instead),
        cmocka_unit_test(tunnels_with_the_same_files_share_them),
        cmocka_unit_test(a_name_of_ours_is_spelled_as_the_certificate_spells_it),
        cmocka_unit_test(what_may_be_meant_is_a_warning),
        cmocka_unit_test(certificates_that_do_not_fit_are_refused),
        cmocka_unit_test(a_psk_is_never_in_a_message),
        cmocka_unit_test(a_secret_that_cannot_be_known_here_is_a_warning),
        cmocka_unit_test(without_an_arena_secrets_are_checked_and_not_kept),
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
