/* What kedge peer-config writes, line by line, against the routers of seed 001 and the gateway of
 * seed 002; and what a language can't say, beside the nearest that it can. */
#include "config/config.h"
#include "peer/peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct core_config cfg;
static struct config_errors errs;
static const char *password = "";
static char *text;
static size_t len;

#define HEAD                                                                                       \
    "router: {id: 10.10.30.254, asn: 65515}\n"                                                     \
    "gateway: {listen: [52.168.162.84, '2001:db8::84']}\n"                                         \
    "control: {socket: /run/kedge/kedge.sock}\n"                                                   \
    "policies: {all: [permit: {}]}\n"                                                              \
    "tunnels:\n  - {name: t, local: 52.168.162.84, auth: {psk: x}"
#define BGP                                                                                        \
    ", address: 10.10.30.254, neighbor: {asn: 65021, address: 10.2.30.125, hold: 180s, "           \
    "import: all, export: all}"
#define REMOTE ", remote: 66.198.12.106"

static const char *written(const char *tunnel, enum peer_kind kind, const char *psk)
{
    char yaml[2048];
    const struct config_env env = {0};
    struct peer p = {.config = &cfg, .psk = kd_bytes_str(psk), .password = kd_bytes_str(password)};
    FILE *to;

    free(text);
    text = NULL;
    snprintf(yaml, sizeof(yaml), "%s%s}\n", HEAD, tunnel);
    if (!config_parse(kd_bytes(yaml, strlen(yaml)), "t.yaml", &env, &cfg, &errs))
        fail_msg("%s", errs.e[0].text);
    p.tunnel = &cfg.tunnels[0];
    assert_null(peer_refuses(&p, kind));
    to = open_memstream(&text, &len);
    assert_non_null(to);
    peer_write(&p, kind, to);
    assert_int_equal(fclose(to), 0);
    core_config_free(&cfg);
    return text;
}

/* Every line of want is in the output, in this order; other lines may stand between them. */
static void has(const char *out, const char *want)
{
    char line[256];

    while (*want) {
        size_t n = strcspn(want, "\n");
        snprintf(line, sizeof(line), "%.*s\n", (int)n, want);
        const char *at = strstr(out, line);
        while (at && at != out && at[-1] != '\n')
            at = strstr(at + 1, line);
        if (!at)
            fail_msg("no line \"%.*s\" (any more) in:\n%s", (int)n, want, out);
        out = at + strlen(line);
        want += n + (want[n] == '\n');
    }
}

static void has_not(const char *out, const char *word)
{
    if (strstr(out, word))
        fail_msg("\"%s\" in:\n%s", word, out);
}

struct line {
    const char *seed, *ours; /* ours NULL: the seed's line has no counterpart, and why */
    const char *why;
};

/* Every line of ours is there, in this order. */
static void says_the_same(const char *out, const struct line *lines, size_t n)
{
    char line[256];

    for (size_t i = 0; i < n; i++) {
        if (!lines[i].ours) {
            assert_non_null(lines[i].why);
            continue;
        }
        snprintf(line, sizeof(line), "\n%s\n", lines[i].ours);
        const char *at = strstr(out, line);
        if (!at)
            fail_msg("nothing says \"%s\" (any more): no \"%s\" in:\n%s", lines[i].seed,
                     lines[i].ours, out);
        out = at + 1; /* the next one may be the next line */
    }
}

/* Seed 001's primary CE router, "site-to-site VPN configuration details", names apart. */
static void ios_of_seed_001(void **state)
{
    static const struct line lines[] = {
        {"crypto ikev2 proposal Cust30-azure-proposal", "crypto ikev2 proposal t-1", NULL},
        {"encryption aes-cbc-256 aes-cbc-128 3des", " encryption aes-cbc-256 aes-cbc-128 3des",
         NULL},
        {"integrity sha1", " integrity sha1", NULL},
        {"group 2", " group 2", NULL},
        {"crypto ikev2 policy Cust30-azure-policy", "crypto ikev2 policy t", NULL},
        {"match address local 66.198.12.106", " match address local 66.198.12.106", NULL},
        {"proposal Cust30-azure-proposal", " proposal t-1", NULL},
        {"crypto ikev2 keyring Cust30-azure-keyring", "crypto ikev2 keyring t", NULL},
        {"peer azure", " peer kedge", NULL},
        {"address 52.168.162.84", "  address 52.168.162.84", NULL},
        {"pre-shared-key local IamSecure123", "  pre-shared-key local IamSecure123", NULL},
        {"pre-shared-key remote IamSecure123", "  pre-shared-key remote IamSecure123", NULL},
        {"crypto ikev2 profile Cust30-azure-profile", "crypto ikev2 profile t", NULL},
        {"match identity remote address 52.168.162.84 255.255.255.255",
         " match identity remote address 52.168.162.84 255.255.255.255", NULL},
        {"identity local address 66.198.12.106", " identity local address 66.198.12.106", NULL},
        {"authentication local pre-share", " authentication local pre-share", NULL},
        {"authentication remote pre-share", " authentication remote pre-share", NULL},
        {"keyring local Cust30-azure-keyring", " keyring local t", NULL},
        {"crypto ipsec transform-set Cust30-azure-ipsec-proposal-set esp-aes 256 esp-sha-hmac",
         "crypto ipsec transform-set t-1 esp-aes 256 esp-sha-hmac", NULL},
        {"mode tunnel", " mode tunnel", NULL},
        {"crypto ipsec profile Cust30-azure-ipsec-profile", "crypto ipsec profile t", NULL},
        {"set transform-set Cust30-azure-ipsec-proposal-set", " set transform-set t-1", NULL},
        {"set ikev2-profile Cust30-azure-profile", " set ikev2-profile t", NULL},
        {"interface Loopback30", NULL, "the address is named where it is used"},
        {"interface Tunnel30", "interface Tunnel1", NULL},
        {"ip vrf forwarding 30", NULL, "the peer's VRF is not known here"},
        {"ip address 10.2.30.125 255.255.255.255", " ip address 10.2.30.125 255.255.255.255", NULL},
        {"tunnel source Loopback30", " tunnel source 66.198.12.106", NULL},
        {"tunnel mode ipsec ipv4", " tunnel mode ipsec ipv4", NULL},
        {"tunnel destination 52.168.162.84", " tunnel destination 52.168.162.84", NULL},
        {"tunnel protection ipsec profile Cust30-azure-ipsec-profile",
         " tunnel protection ipsec profile t", NULL},
        {"router bgp 65021", "router bgp 65021", NULL},
        {"network 10.2.30.0 mask 255.255.255.128", NULL, "what it announces is the peer's to say"},
        {"neighbor 10.10.30.254 remote-as 65515", " neighbor 10.10.30.254 remote-as 65515", NULL},
        {"neighbor 10.10.30.254 ebgp-multihop 5", " neighbor 10.10.30.254 ebgp-multihop 255", NULL},
        {"neighbor 10.10.30.254 update-source Tunnel30",
         " neighbor 10.10.30.254 update-source Tunnel1", NULL},
        {"address-family ipv4 vrf 30", " address-family ipv4", NULL},
        {"neighbor 10.10.30.254 activate", "  neighbor 10.10.30.254 activate", NULL},
        {"neighbor 10.10.30.254 soft-reconfiguration inbound",
         "  neighbor 10.10.30.254 soft-reconfiguration inbound", NULL},
        {"exit-address-family", " exit-address-family", NULL},
        {"ip route vrf 30 10.10.30.254 255.255.255.255 Tunnel30",
         "ip route 10.10.30.254 255.255.255.255 Tunnel1", NULL},
    };
    (void)state;
    const char *out = written(REMOTE BGP ", ike: [aes256-aes128-3des-sha1-modp1024], "
                                         "esp: [aes256-sha1], lifetime: {ike: 86400s, esp: 3600s}",
                              PEER_IOS, "IamSecure123");

    says_the_same(out, lines, sizeof(lines) / sizeof(lines[0]));
    has(out, " lifetime 86400\n set security-association lifetime seconds 3600\n");
    has_not(out, "set pfs");
    has_not(out, "prf"); /* it follows from the integrity algorithm */
    has_not(out, "left out");
}

/* Seed 002's Junos: the CE router's BGP group, as the session over a tunnel has it, and the
 * firewall's route table, "10.17.11.76/32 *[Static/5] > via st0.118". */
static void junos_of_seed_002s_sessions(void **state)
{
    static const struct line lines[] = {
        {"10.17.11.76/32 *[Static/5] via st0.118",
         "set routing-options static route 10.17.11.76/32 next-hop st0.1", NULL},
        {"AS 65020", "set routing-options autonomous-system 65020", NULL},
        {"group ebgp", "set protocols bgp group t type external", NULL},
        {"BGP peer IP 192.168.11.88", "set protocols bgp group t local-address 192.168.11.88",
         NULL},
        {"bfd-liveness-detection { minimum-interval 300; }",
         "set protocols bgp group t bfd-liveness-detection minimum-interval 300", NULL},
        {"bfd-liveness-detection { multiplier 3; }",
         "set protocols bgp group t bfd-liveness-detection multiplier 3", NULL},
        {"(off-link: multihop)",
         "set protocols bgp group t bfd-liveness-detection session-mode multihop", NULL},
        {"neighbor 10.17.11.76 peer-as 65515",
         "set protocols bgp group t neighbor 10.17.11.76 peer-as 65515", NULL},
        {"group ibgp { local-preference 150; }", NULL, "of ExpressRoute; over the VPN it is 100"},
    };
    (void)state;
    const char *out =
        written(REMOTE ", profile: azure-default, address: 10.17.11.76, neighbor: {asn: 65020, "
                       "address: 192.168.11.88, bfd: {interval: 300ms, multiplier: 3}}",
                PEER_JUNOS, "k");

    says_the_same(out, lines, sizeof(lines) / sizeof(lines[0]));
    has_not(out, "local-preference");
}

static void bfd_is_in_every_language(void **state)
{
    static const char one_hop[] = REMOTE ", address: 10.10.30.254, neighbor: {asn: 65021, address: "
                                         "10.2.30.125, bfd: {multihop: false}}",
                      hops[] = REMOTE ", address: 10.10.30.254, neighbor: {asn: 65021, address: "
                                      "10.2.30.125, bfd: {interval: 50ms, multiplier: 5, "
                                      "any-source-port: true}}";
    (void)state;
    has(written(one_hop, PEER_IOS, "k"), " bfd interval 300 min_rx 300 multiplier 3\n"
                                         " neighbor 10.10.30.254 fall-over bfd single-hop\n");
    has(written(hops, PEER_IOS, "k"), "bfd-template multi-hop t\n"
                                      " interval min-tx 50 min-rx 50 multiplier 5\n"
                                      "bfd map ipv4 10.10.30.254/32 10.2.30.125/32 t\n"
                                      " neighbor 10.10.30.254 fall-over bfd multi-hop\n");
    has_not(text, " bfd interval");
    has(written(one_hop, PEER_JUNOS, "k"), "set protocols bgp group t bfd-liveness-detection "
                                           "session-mode single-hop\n");
    has(written(hops, PEER_JUNOS, "k"), "set protocols bgp group t bfd-liveness-detection "
                                        "session-mode multihop\n");
    has(written(one_hop, PEER_FRR, ""), " neighbor 10.10.30.254 bfd 3 300 300\n"
                                        " ! FRR's BFD is multihop here: bfd: {multihop: true} "
                                        "in kedge.yaml\n");
    has(written(hops, PEER_FRR, ""), " neighbor 10.10.30.254 ebgp-multihop 255\n"
                                     " neighbor 10.10.30.254 bfd 5 50 50\n");
    has_not(text, " ! ");
    has(written(one_hop, PEER_BIRD, ""), "protocol bfd {}\n"
                                         "  # BIRD's BFD is multihop here: bfd: {multihop: true} "
                                         "in kedge.yaml\n"
                                         "  bfd { interval 300 ms; multiplier 3; };\n");
    has(written(hops, PEER_BIRD, ""), "  multihop;\n  bfd { interval 50 ms; multiplier 5; };\n");
    has_not(text, "#  ");
    has_not(written(REMOTE BGP, PEER_BIRD, ""), "bfd");
}

static void a_sessions_password_is_in_every_language(void **state)
{
    static const char asks[] = REMOTE ", address: 10.10.30.254, neighbor: {asn: 65021, address: "
                                      "10.2.30.125, password-file: /etc/kedge/md5}";
    (void)state;
    password = "Sesame1";
    has(written(asks, PEER_IOS, "k"), " neighbor 10.10.30.254 password Sesame1\n");
    has(written(asks, PEER_JUNOS, "k"),
        "set protocols bgp group t authentication-key \"Sesame1\"\n");
    has(written(asks, PEER_FRR, ""), " neighbor 10.10.30.254 password Sesame1\n");
    has(written(asks, PEER_BIRD, ""), "  password \"Sesame1\";\n");
    password = "two words";
    has(written(asks, PEER_FRR, ""), " neighbor 10.10.30.254 password BGP_PASSWORD\n");
    password = "";
    has(written(asks, PEER_IOS, "k"), " neighbor 10.10.30.254 password BGP_PASSWORD\n");
    has_not(written(REMOTE BGP, PEER_IOS, "k"), "password");
}

static void lifetimes_beyond_what_a_router_takes_are_the_nearest(void **state)
{
    static const char life[] = REMOTE ", lifetime: {ike: 7d, esp: 150s}";
    (void)state;
    has(written(life, PEER_IOS, "k"), " ! left out: lifetime 604800s: 120 to 86400 there\n"
                                      " lifetime 86400\n"
                                      " set security-association lifetime seconds 150\n");
    has(written(life, PEER_JUNOS, "k"), "# left out: lifetime 604800s: 180 to 86400 there\n"
                                        "set security ike proposal t-1 lifetime-seconds 86400\n"
                                        "# left out: lifetime 150s: 180 to 86400 there\n"
                                        "set security ipsec proposal t-1 lifetime-seconds 180\n");
    has_not(written(REMOTE ", lifetime: {ike: 86400s, esp: 180s}", PEER_JUNOS, "k"), "left out: l");
}

/* A group or a sequence number that a router has no word for leaves a line that names it: nothing
 * that differs from kedge's side goes unsaid. */
static void what_routers_can_not_say_is_named(void **state)
{
    static const char x25519[] = REMOTE ", ike: [aes256-sha256-modp2048], esp: "
                                        "[aes256gcm16-x25519]",
                      esn[] = REMOTE ", ike: [aes256-sha256-modp2048], esp: [aes256gcm16-esn, "
                                     "aes256-sha256-esn-noesn]";
    (void)state;
    has(written(x25519, PEER_IOS, "k"), "crypto ipsec transform-set t-1 esp-gcm 256\n"
                                        " ! left out: PFS: IOS-XE has no x25519\n");
    has(written(x25519, PEER_JUNOS, "k"), "# left out: PFS: Junos has no x25519\n");
    has(written(esn, PEER_IOS, "k"),
        "! left out: aes256gcm16-esn: IOS-XE has no esn\n"
        "crypto ipsec transform-set t-1 esp-aes 256 esp-sha256-hmac\n");
    has(written(esn, PEER_JUNOS, "k"), "# left out: aes256gcm16-esn: Junos has no esn\n");
    has_not(written(REMOTE ", profile: azure-vwan", PEER_IOS, "k"), "left out");
    has(written(REMOTE ", profile: azure-vwan", PEER_IOS, "k"),
        " encryption aes-cbc-256\n integrity sha1\n group 2\n"
        "crypto ipsec transform-set t-1 esp-gcm 256\n"
        "crypto ipsec transform-set t-2 esp-aes 256 esp-sha-hmac\n");
}

static void ios_has_pfs_an_aead_and_its_prf(void **state)
{
    (void)state;
    const char *out = written(REMOTE ", profile: modern", PEER_IOS, "");
    has(out, " encryption aes-gcm-256\n prf sha384\n group 20\n");
    has(out, "! left out: aes256gcm16-prfsha256-x25519: IOS-XE has no x25519\n");
    has(out, "crypto ipsec transform-set t-1 esp-gcm 256\n set pfs group20\n");
    has(out, "  pre-shared-key local PRE_SHARED_KEY\n");
    has(out, " ip unnumbered Loopback0\n");
    has_not(out, "router bgp");
    has_not(out, " integrity \n");
}

static void ios_lists_narrower_selectors(void **state)
{
    (void)state;
    const char *out = written(REMOTE ", selectors: {local: [10.17.0.0/16, 10.18.1.1/32], "
                                     "remote: [192.168.0.0/25]}",
                              PEER_IOS, "k");
    has(out, "ip access-list extended t\n"
             " permit ip 192.168.0.0 0.0.0.127 10.17.0.0 0.0.255.255\n"
             " permit ip 192.168.0.0 0.0.0.127 10.18.1.1 0.0.0.0\n"
             " tunnel protection ipsec policy ipv4 t\n");
    out = written(REMOTE ", selectors: {local: [0.0.0.0/0], remote: [0.0.0.0/0]}", PEER_IOS, "k");
    has_not(out, "access-list");
}

static void identities_are_mirrored(void **state)
{
    (void)state;
    const char *ids = ", remote: any, role: responder, remote-id: gw@example, local-id: "
                      "'key-id:c0ffee'";
    const char *out = written(ids, PEER_IOS, "k");
    has(out, " match address local PEER_ADDRESS\n"
             " ! match identity remote: octets, and IOS-XE's key-id is text\n"
             " identity local email gw@example\n");
    has(written(", remote: any, role: responder, remote-id: 'key-id:627231'", PEER_IOS, "k"),
        " identity local key-id br1\n");
    out = written(ids, PEER_STRONGSWAN, "k");
    has(out, "      id = \"gw@example\"\n      id = \"@#c0ffee\"\n    id = \"@#c0ffee\"\n");
    has_not(out, "local_addrs");
    out = written(ids, PEER_JUNOS, "k");
    has(out, "set security ike gateway t local-identity user-at-hostname gw@example\n"
             "# remote-identity key-id:c0ffee: Junos takes no such identity\n");
}

static void keys_that_no_quotes_hold_are_written_in_hex(void **state)
{
    (void)state;
    has(written(REMOTE, PEER_STRONGSWAN, "a b"), "    secret = \"0x612062\"\n");
    has(written(REMOTE, PEER_STRONGSWAN, "a-b"), "    secret = \"a-b\"\n");
    has(written(REMOTE, PEER_IOS, "a?b"), "  pre-shared-key local hex 613f62\n");
    has(written(REMOTE, PEER_JUNOS, "a\"b"), "set security ike policy t pre-shared-key hexadecimal "
                                             "612262\n");
    has(written(REMOTE, PEER_JUNOS, "ab"), "set security ike policy t pre-shared-key ascii-text "
                                           "\"ab\"\n");
}

/* Who renews first is settled, not left to chance. */
static void strongswan_renews_before_a_responder_and_after_others(void **state)
{
    (void)state;
    const char *life = REMOTE ", lifetime: {ike: 10000s, esp: 1000s}";
    char role[128];
    has(written(life, PEER_STRONGSWAN, "k"),
        "    rekey_time = 10000s\n        rekey_time = 1000s\n        start_action = start\n");
    snprintf(role, sizeof(role), "%s, role: responder", life);
    has(written(role, PEER_STRONGSWAN, "k"), "    rekey_time = 9000s\n        rekey_time = 900s\n");
    snprintf(role, sizeof(role), "%s, role: initiator", life);
    has(written(role, PEER_STRONGSWAN, "k"), "        start_action = none\n        dpd_action = "
                                             "clear\n");
}

static void junos_of_seed_002(void **state)
{
    (void)state;
    const char *out = written(REMOTE BGP ", profile: azure-default", PEER_JUNOS, "secret");
    has(out, "set security ike proposal t-1 authentication-method pre-shared-keys\n"
             "set security ike proposal t-1 dh-group group2\n"
             "set security ike proposal t-1 authentication-algorithm sha1\n"
             "set security ike proposal t-1 encryption-algorithm aes-256-cbc\n"
             "set security ike gateway t address 52.168.162.84\n"
             "set security ike gateway t version v2-only\n"
             "set security ike gateway t local-identity inet 66.198.12.106\n"
             "set security ipsec proposal t-2 authentication-algorithm hmac-sha1-96\n"
             "set security ipsec proposal t-2 encryption-algorithm aes-256-cbc\n"
             "set security ipsec proposal t-2 lifetime-seconds 27000\n"
             "set security ipsec vpn t bind-interface st0.1\n"
             "set interfaces st0 unit 1 family inet mtu 1422\n"
             "set routing-options static route 10.10.30.254/32 next-hop st0.1\n"
             "set protocols bgp group t type external\n"
             "set protocols bgp group t neighbor 10.10.30.254 peer-as 65515\n");
    has_not(out, "perfect-forward-secrecy"); /* facts/azure 1.2: none by default */
}

static void junos_takes_an_aead_with_its_own_prf_only(void **state)
{
    (void)state;
    const char *out = written(REMOTE ", ike: [aes256gcm16-prfsha384-ecp384], esp: "
                                     "[aes256gcm16-ecp384]",
                              PEER_JUNOS, "k");
    has(out, "set security ike proposal t-1 encryption-algorithm aes-256-gcm\n"
             "set security ipsec policy t perfect-forward-secrecy keys group20\n");
    has_not(out, "ike proposal t-1 authentication-algorithm");
    out = written(REMOTE ", ike: [aes256gcm16-prfsha256-ecp384], esp: "
                         "[aes256-sha384]",
                  PEER_JUNOS, "k");
    has(out, "# left out: aes256gcm16-prfsha256-ecp384: Junos has no prfsha256\n"
             "# left out: aes256-sha384: Junos has no sha384\n");
    has_not(out, "proposal t-1");
}

static void az_has_the_custom_policy_where_it_is_one(void **state)
{
    (void)state;
    const char *out = written(REMOTE BGP ", profile: azure-default", PEER_AZURE_CLI, "secret");
    has(out, "  --local-address-prefixes 10.10.30.254/32 --asn 65515 --bgp-peering-address "
             "10.10.30.254\n"
             "  --vnet-gateway1 VNET_GATEWAY --local-gateway2 t-kedge --enable-bgp --shared-key "
             "'secret'\n");
    has_not(out, "ipsec-policy");
    out = written(REMOTE ", ike: [aes256gcm16-prfsha384-ecp384], esp: [aes256gcm16-modp2048s256]",
                  PEER_AZURE_CLI, "secret");
    has(out, "  --connection-name t --ike-encryption GCMAES256 --ike-integrity SHA384 --dh-group "
             "ECP384 \\\n"
             "  --ipsec-encryption GCMAES256 --ipsec-integrity GCMAES256 --pfs-group PFS24 \\\n");
    out = written(REMOTE ", ike: [aes256-sha1-modp1024], esp: [aes256-sha1]", PEER_AZURE_CLI, "s");
    has(out, "  --ipsec-encryption AES256 --ipsec-integrity SHA1 --pfs-group None \\\n");
    out = written(REMOTE ", ike: [aes256-sha1-ecp521], esp: [aes256-sha1]", PEER_AZURE_CLI, "s");
    has_not(out, "ipsec-policy add");
    assert_non_null(strstr(out, "# aes256-sha1-ecp521 can't be a policy: Azure has no ecp521"));
    out = written(REMOTE ", ike: [aes256-sha1-ecp384], esp: [aes256-sha512]", PEER_AZURE_CLI, "s");
    has_not(out, "ipsec-policy add");
    assert_non_null(strstr(out, "# aes256-sha512 can't be a policy: Azure has no sha512"));
}

/* What kedge prefers and Azure can say; that x25519 is an alternative beside it costs nothing. */
static void az_has_a_policy_for_the_modern_profile(void **state)
{
    (void)state;
    const char *out = written(REMOTE BGP ", profile: modern", PEER_AZURE_CLI, "secret");
    has(out, "  --connection-name t --ike-encryption GCMAES256 --ike-integrity SHA384 --dh-group "
             "ECP384 \\\n"
             "  --ipsec-encryption GCMAES256 --ipsec-integrity GCMAES256 --pfs-group ECP384 \\\n");
    has_not(out, "x25519");
}

static void az_of_a_virtual_wan_has_a_site_and_its_connection(void **state)
{
    (void)state;
    const char *out = written(REMOTE BGP ", profile: azure-vwan", PEER_AZURE_CLI, "secret");
    has(out, "  --virtual-wan VIRTUAL_WAN --ip-address 52.168.162.84 \\\n"
             "  --address-prefixes 10.10.30.254/32 --asn 65515 --bgp-peering-address "
             "10.10.30.254\n"
             "  --gateway-name VPN_GATEWAY --remote-vpn-site t-kedge --protocol-type IKEv2 "
             "--enable-bgp true \\\n"
             "  --shared-key 'secret'\n");
    has_not(out, "ipsec-policy");
    has_not(out, "local-gateway");
}

static void the_modern_profile_in_the_routers_words(void **state)
{
    (void)state;
    const char *out = written(REMOTE BGP ", profile: modern", PEER_IOS, "k");
    has(out, " encryption aes-gcm-256\n prf sha384\n group 20\n"
             " encryption aes-cbc-256\n integrity sha256\n group 14\n"
             "crypto ipsec transform-set t-1 esp-gcm 256\n"
             "crypto ipsec transform-set t-2 esp-aes 256 esp-sha256-hmac\n"
             " set pfs group20\n");
    out = written(REMOTE BGP ", profile: modern", PEER_JUNOS, "k");
    has(out, "set security ike proposal t-1 dh-group group20\n"
             "set security ike proposal t-1 encryption-algorithm aes-256-gcm\n"
             "set security ike proposal t-2 dh-group group14\n"
             "set security ike proposal t-2 authentication-algorithm sha-256\n"
             "set security ipsec proposal t-1 encryption-algorithm aes-256-gcm\n"
             "set security ipsec proposal t-2 authentication-algorithm hmac-sha-256-128\n"
             "set security ipsec policy t perfect-forward-secrecy keys group20\n");
}

static void an_alternative_that_a_router_has_no_word_for_is_not_missed(void **state)
{
    static const char lists[] =
        REMOTE ", ike: [aes256-sha256-x25519-modp2048], esp: [aes256-sha384-sha256-x25519-ecp256]";
    (void)state;
    has(written(lists, PEER_IOS, "k"), " encryption aes-cbc-256\n integrity sha256\n group 14\n"
                                       "crypto ipsec transform-set t-1 esp-aes 256 "
                                       "esp-sha384-hmac\n"
                                       " set pfs group19\n");
    has(written(lists, PEER_JUNOS, "k"), "set security ike proposal t-1 dh-group group14\n"
                                         "set security ipsec proposal t-1 authentication-algorithm "
                                         "hmac-sha-256-128\n"
                                         "set security ipsec policy t "
                                         "perfect-forward-secrecy keys group19\n");
}

static void frr_and_bird_have_the_session(void **state)
{
    (void)state;
    has(written(REMOTE BGP, PEER_FRR, ""), "router bgp 65021\n"
                                           " neighbor 10.10.30.254 remote-as 65515\n"
                                           " neighbor 10.10.30.254 ebgp-multihop 255\n"
                                           " neighbor 10.10.30.254 update-source 10.2.30.125\n"
                                           " neighbor 10.10.30.254 timers 60 180\n"
                                           " address-family ipv4 unicast\n");
    has(written(REMOTE BGP, PEER_BIRD, ""), "protocol bgp t {\n"
                                            "  local 10.2.30.125 as 65021;\n"
                                            "  neighbor 10.10.30.254 as 65515;\n"
                                            "  hold time 180;\n");
    has_not(written(REMOTE ", address: 10.10.30.254, neighbor: {asn: 65515, address: 10.2.30.125}",
                    PEER_FRR, ""),
            "ebgp-multihop"); /* iBGP */
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const char yaml[] = HEAD REMOTE "}\n";
    const struct config_env env = {0};
    struct peer p = {.config = &cfg};

    (void)state;
    assert_true(config_parse(kd_bytes(yaml, strlen(yaml)), "t", &env, &cfg, &errs));
    p.tunnel = &cfg.tunnels[0];
    assert_non_null(peer_refuses(&p, PEER_FRR));
    assert_non_null(peer_refuses(&p, PEER_BIRD));
    assert_null(peer_refuses(&p, PEER_AZURE_CLI));
    p.psk = kd_bytes("it's", 4);
    assert_non_null(peer_refuses(&p, PEER_AZURE_CLI));
    assert_null(peer_refuses(&p, PEER_STRONGSWAN));
    core_config_free(&cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ios_of_seed_001),
        cmocka_unit_test(junos_of_seed_002s_sessions),
        cmocka_unit_test(bfd_is_in_every_language),
        cmocka_unit_test(a_sessions_password_is_in_every_language),
        cmocka_unit_test(lifetimes_beyond_what_a_router_takes_are_the_nearest),
        cmocka_unit_test(what_routers_can_not_say_is_named),
        cmocka_unit_test(ios_has_pfs_an_aead_and_its_prf),
        cmocka_unit_test(ios_lists_narrower_selectors),
        cmocka_unit_test(identities_are_mirrored),
        cmocka_unit_test(keys_that_no_quotes_hold_are_written_in_hex),
        cmocka_unit_test(strongswan_renews_before_a_responder_and_after_others),
        cmocka_unit_test(junos_of_seed_002),
        cmocka_unit_test(junos_takes_an_aead_with_its_own_prf_only),
        cmocka_unit_test(az_has_the_custom_policy_where_it_is_one),
        cmocka_unit_test(az_has_a_policy_for_the_modern_profile),
        cmocka_unit_test(az_of_a_virtual_wan_has_a_site_and_its_connection),
        cmocka_unit_test(the_modern_profile_in_the_routers_words),
        cmocka_unit_test(an_alternative_that_a_router_has_no_word_for_is_not_missed),
        cmocka_unit_test(frr_and_bird_have_the_session),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
