/* kedge import of whole files: seed 001's router, what Azure's customers paste, a swanctl.conf with
 * more than a tunnel in it. What comes over, and that no line vanishes without a word. */
#include "test_import.h"

#include <stdio.h>

/* ---- seed 001 ---- */

#define SEED_001                                                                                   \
    "crypto ikev2 proposal Cust30-azure-proposal\n"                                                \
    " encryption aes-cbc-256 aes-cbc-128 3des\n"                                                   \
    " integrity sha1\n"                                                                            \
    " group 2\n"                                                                                   \
    "!\n"                                                                                          \
    "crypto ikev2 policy Cust30-azure-policy\n"                                                    \
    " match address local 66.198.12.106\n"                                                         \
    " proposal Cust30-azure-proposal\n"                                                            \
    "!\n"                                                                                          \
    "crypto ikev2 keyring Cust30-azure-keyring\n"                                                  \
    " peer azure\n"                                                                                \
    "  address 52.168.162.84\n"                                                                    \
    "  pre-shared-key local IamSecure123\n"                                                        \
    "  pre-shared-key remote IamSecure123\n"                                                       \
    "!\n"                                                                                          \
    "crypto ikev2 profile Cust30-azure-profile\n"                                                  \
    " match identity remote address 52.168.162.84 255.255.255.255\n"                               \
    " identity local address 66.198.12.106\n"                                                      \
    " authentication local pre-share\n"                                                            \
    " authentication remote pre-share\n"                                                           \
    " keyring local Cust30-azure-keyring\n"                                                        \
    "!\n"                                                                                          \
    "crypto ipsec transform-set Cust30-azure-ipsec-proposal-set esp-aes 256 esp-sha-hmac\n"        \
    " mode tunnel\n"                                                                               \
    "!\n"                                                                                          \
    "crypto ipsec profile Cust30-azure-ipsec-profile\n"                                            \
    " set transform-set Cust30-azure-ipsec-proposal-set\n"                                         \
    " set ikev2-profile Cust30-azure-profile\n"                                                    \
    "!\n"                                                                                          \
    "interface Loopback30\n"                                                                       \
    " ip address 66.198.12.106 255.255.255.255\n"                                                  \
    "!\n"                                                                                          \
    "interface Tunnel30\n"                                                                         \
    " ip vrf forwarding 30\n"                                                                      \
    " ip address 10.2.30.125 255.255.255.255\n"                                                    \
    " tunnel source Loopback30\n"                                                                  \
    " tunnel mode ipsec ipv4\n"                                                                    \
    " tunnel destination 52.168.162.84\n"                                                          \
    " tunnel protection ipsec profile Cust30-azure-ipsec-profile\n"                                \
    "!\n"                                                                                          \
    "router bgp 65021\n"                                                                           \
    " !\n"                                                                                         \
    " address-family ipv4 vrf 30\n"                                                                \
    "  network 10.2.30.0 mask 255.255.255.128\n"                                                   \
    "  neighbor 10.10.30.254 remote-as 65515\n"                                                    \
    "  neighbor 10.10.30.254 ebgp-multihop 5\n"                                                    \
    "  neighbor 10.10.30.254 update-source Tunnel30\n"                                             \
    "  neighbor 10.10.30.254 activate\n"                                                           \
    "  neighbor 10.10.30.254 soft-reconfiguration inbound\n"                                       \
    " exit-address-family\n"                                                                       \
    "!\n"                                                                                          \
    "ip route vrf 30 10.10.30.254 255.255.255.255 Tunnel30\n"

static void seed_001s_router_becomes_a_kedge(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_IOS, SEED_001);
    struct core_config cfg;

    has(out, "  asn: 65021\n");
    has(out, "networks: [\"10.2.30.0/25\"]");
    has(out, "listen: [\"66.198.12.106\"]");
    has(out, "local: \"66.198.12.106\"");
    has(out, "remote: \"52.168.162.84\"");
    has(out, "psk: \"IamSecure123\"");
    has(out, "ike: [\"aes256-aes128-3des-sha1-modp1024\"]");
    has(out, "esp: [\"aes256-sha1\"]");
    has(out, "address: \"10.2.30.125\"");
    has(out, "neighbor: {asn: 65515, address: \"10.10.30.254\"");
    has(out, "# not taken over, line 34: ip vrf forwarding 30\n");
    assert_int_equal(im->n_notes, 1);
    parsed(out, &cfg);
    core_config_free(&cfg);
}

/* And what stands before that in the same router: ExpressRoute. */
static const char SEED_001_EXPRESSROUTE[] =
    "interface TenGigabitEthernet0/0/0.300\n"
    " description Customer 30 private peering to Azure\n"
    " encapsulation dot1Q 30 second-dot1q 300\n"
    " ip vrf forwarding 30\n"
    " ip address 192.168.30.17 255.255.255.252\n"
    "!\n"
    "interface TenGigabitEthernet1/0/0.30\n"
    " description Customer 30 to south bound LAN switch\n"
    " encapsulation dot1Q 30\n"
    " ip vrf forwarding 30\n"
    " ip address 192.168.30.0 255.255.255.254\n"
    " ip ospf network point-to-point\n"
    "!\n"
    "router ospf 30 vrf 30\n"
    " router-id 10.2.30.253\n"
    " redistribute bgp 65021 subnets route-map BGP2OSPF\n"
    " network 192.168.30.0 0.0.0.1 area 0.0.0.0\n"
    "default-information originate always\n"
    " default-metric 10\n"
    "!\n"
    "router bgp 65021\n"
    " !\n"
    " address-family ipv4 vrf 30\n"
    "  network 10.2.30.0 mask 255.255.255.128\n"
    "  neighbor 192.168.30.18 remote-as 12076\n"
    "  neighbor 192.168.30.18 activate\n"
    "  neighbor 192.168.30.18 next-hop-self\n"
    "  neighbor 192.168.30.18 soft-reconfiguration inbound\n"
    "  neighbor 192.168.30.18 route-map prefer-ER-over-VPN in\n"
    "  neighbor 192.168.30.18 prefix-list Cust30_to_Private out\n"
    " exit-address-family\n"
    "!\n"
    "route-map prefer-ER-over-VPN permit 10\n"
    " set local-preference 200\n"
    "!\n"
    "ip prefix-list Cust30_to_Private seq 10 permit 10.2.30.0/25\n"
    "!\n";

static void seed_001s_whole_router_becomes_a_kedge_with_expressroute_named(void **st KD_UNUSED)
{
    char text[sizeof(SEED_001_EXPRESSROUTE) + sizeof(SEED_001)];
    struct core_config cfg;
    const char *out;

    snprintf(text, sizeof(text), "%s%s", SEED_001_EXPRESSROUTE, SEED_001);
    out = imported(IMPORT_IOS, text);
    has(out, "networks: [\"10.2.30.0/25\"]\n"); /* both sessions announce it */
    has(out, "neighbor: {asn: 65515, address: \"10.10.30.254\"");
    note(14, "router ospf 30 vrf 30");
    note(25, "neighbor 192.168.30.18: not over a tunnel");
    note(29, "neighbor 192.168.30.18 route-map prefer-ER-over-VPN in");
    note(34, "set local-preference 200");
    parsed(out, &cfg);
    assert_int_equal(cfg.n_tunnels, 1);
    core_config_free(&cfg);
}

static void what_ios_says_and_we_do_not_know_is_named(void **st KD_UNUSED)
{
    (void)imported(IMPORT_IOS, SEED_001 "hostname ce1\n"
                                        "route-map prefer permit 10\n"
                                        " set local-preference 200\n"
                                        "crypto ikev2 proposal other\n"
                                        " encryption camellia\n"
                                        "crypto ikev2 keyring k\n"
                                        " peer x\n"
                                        "  pre-shared-key 6 SECRETSECRET\n"
                                        "interface GigabitEthernet1\n"
                                        " ip address 192.0.2.1 255.255.255.0\n"
                                        " negotiation auto\n"
                                        "interface Tunnel9\n"
                                        " tunnel protection ipsec profile nosuch\n"
                                        "ip route 0.0.0.0 0.0.0.0 192.0.2.254\n"
                                        "crypto ikev2 keyring SECRET pre-shared-key SECRET\n"
                                        "router bgp 70000000000\n");
    note(34, "ip vrf forwarding 30");
    note(53, "hostname ce1");
    note(54, "route-map prefer permit 10");
    note(55, "set local-preference 200");
    note(57, "encryption camellia");
    note(60, "pre-shared-key ...");
    note(66, "ip route 0.0.0.0 0.0.0.0 192.0.2.254");
    note(68, "router bgp 70000000000");
    note(0, "its ipsec profile isn't here");
    assert_int_equal(im->n, 1);
    for (unsigned i = 0; i < im->n_notes; i++)
        assert_null(strstr(im->note[i].text, "SECRETSECRET"));
}

/* ---- files as they are published ---- */

/* What a gateway of Azure's has its customers paste, two instances of it, in a router that has more
 * to do: a second uplink, ExpressRoute, an old IKEv1 tunnel. */
static const char ACTIVE_ACTIVE[] =
    "crypto ikev2 proposal azure-proposal\n"
    " encryption aes-cbc-256 aes-cbc-128\n"
    " integrity sha256 sha1\n"
    " group 14 2\n"
    "crypto ikev2 proposal azure-gcm\n"
    " encryption aes-gcm-256\n"
    " prf sha384\n"
    " group 20\n"
    "crypto ikev2 policy azure-policy\n"
    " match fvrf any\n"
    " match address local 198.51.100.1\n"
    " proposal azure-gcm\n"
    " proposal azure-proposal\n"
    "crypto ikev2 keyring azure-keyring\n"
    " peer 203.0.113.76\n"
    "  description instance 0\n"
    "  address 203.0.113.76\n"
    "  pre-shared-key first\n"
    " !\n"
    " peer 203.0.113.77\n"
    "  address 203.0.113.77\n"
    "  pre-shared-key 0 second\n"
    "crypto ikev2 profile azure-profile\n"
    " match address local interface GigabitEthernet1\n"
    " match identity remote address 203.0.113.76 255.255.255.255\n"
    " match identity remote address 203.0.113.77 255.255.255.255\n"
    " authentication remote pre-share\n"
    " authentication local pre-share\n"
    " keyring local azure-keyring\n"
    " lifetime 28800\n"
    " dpd 10 5 on-demand\n"
    "crypto ikev2 profile branch-profile\n"
    " match identity remote fqdn branch.example\n"
    " identity local key-id hq1\n"
    " authentication remote pre-share key 0 inline-key\n"
    " authentication local pre-share key 0 inline-key\n"
    "crypto ikev2 fragmentation mtu 1400\n"
    "crypto isakmp policy 10\n"
    " encryption aes 256\n"
    "crypto isakmp key OLDSECRET address 192.0.2.99\n"
    "crypto ipsec transform-set azure-set esp-aes 256 esp-sha256-hmac\n"
    " mode tunnel\n"
    "crypto ipsec transform-set old-set ah-sha-hmac esp-des\n"
    "crypto ipsec profile azure-vti\n"
    " set transform-set azure-set old-set\n"
    " set security-association lifetime seconds 27000\n"
    " set security-association lifetime kilobytes 102400000\n"
    " set security-association idle-time 300\n"
    " set pfs group14\n"
    " set ikev2-profile azure-profile\n"
    "crypto ipsec profile branch-vti\n"
    " set transform-set azure-set\n"
    " set ikev2-profile branch-profile\n"
    "crypto map old 10 ipsec-isakmp\n"
    " set peer 192.0.2.99\n"
    "interface Tunnel11\n"
    " description to IN_0\n"
    " ip address 192.168.11.88 255.255.255.255\n"
    " ip tcp adjust-mss 1350\n"
    " tunnel source GigabitEthernet1\n"
    " tunnel mode ipsec ipv4\n"
    " tunnel destination 203.0.113.76\n"
    " tunnel protection ipsec profile azure-vti\n"
    "interface Tunnel12\n"
    " ip unnumbered Tunnel11\n"
    " tunnel source 198.51.100.1\n"
    " tunnel mode ipsec ipv4\n"
    " tunnel destination 203.0.113.77\n"
    " tunnel protection ipsec profile azure-vti\n"
    "interface Tunnel13\n"
    " ip unnumbered Loopback0\n"
    " tunnel source 198.51.100.1\n"
    " tunnel destination 192.0.2.7\n"
    " tunnel protection ipsec profile branch-vti\n"
    "interface GigabitEthernet1\n"
    " ip address 198.51.100.1 255.255.255.0\n"
    " negotiation auto\n"
    " crypto map old\n"
    "router bgp 65020\n"
    " bgp log-neighbor-changes\n"
    " neighbor 10.17.11.76 remote-as 65515\n"
    " neighbor 10.17.11.76 ebgp-multihop 255\n"
    " neighbor 10.17.11.76 update-source Tunnel11\n"
    " neighbor 192.168.11.18 remote-as 12076\n"
    " address-family ipv4\n"
    "  network 10.1.11.0 mask 255.255.255.128\n"
    "  redistribute connected\n"
    "  neighbor 10.17.11.76 activate\n"
    "  neighbor 10.17.11.76 prefix-list LAN out\n"
    "  neighbor 192.168.11.18 activate\n"
    "  neighbor 192.168.11.18 route-map PREFER-ER in\n"
    " exit-address-family\n"
    "ip route 10.17.11.76 255.255.255.255 Tunnel11\n"
    "ip route 10.17.0.0 255.255.0.0 Tunnel11\n"
    "ip prefix-list LAN seq 5 permit 10.1.11.0/25\n"
    "route-map PREFER-ER permit 10\n"
    " set local-preference 150\n";

static void a_gateways_two_instances_are_two_tunnels(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_IOS, ACTIVE_ACTIVE);
    struct core_config cfg;

    assert_int_equal(im->n, 3);
    assert_string_equal(im->t[0].remote_id, "203.0.113.76");
    assert_string_equal(im->t[0].psk, "first");
    assert_string_equal(im->t[1].remote_id, "203.0.113.77");
    assert_string_equal(im->t[1].psk, "second");          /* the ring's other peer */
    assert_string_equal(im->t[1].inner, "192.168.11.88"); /* ip unnumbered Tunnel11 */
    assert_string_equal(im->t[2].remote_id, "branch.example");
    assert_string_equal(im->t[2].local_id, "key-id:687131"); /* IOS-XE's is text: "hq1" */
    assert_string_equal(im->t[2].psk, "inline-key");
    has(out, "local: \"198.51.100.1\"");
    has(out, "ike: [\"aes256gcm16-prfsha384-ecp384\", "
             "\"aes256-aes128-sha256-sha1-modp2048-modp1024\"]");
    has(out, "esp: [\"aes256-sha256-modp2048\"]"); /* half a set is none */
    has(out, "lifetime: {ike: 28800s, esp: 27000s, esp-bytes: 102400000KB}");
    has(out, "neighbor: {asn: 65515, address: \"10.17.11.76\"");
    note(10, "match fvrf any");
    note(24, "match address local interface GigabitEthernet1");
    note(37, "crypto ikev2 fragmentation");
    note(40, "crypto ...");
    note(43, "crypto ipsec transform-set old-set");
    note(48, "set security-association idle-time 300");
    note(54, "crypto map old 10");
    note(78, "crypto map old");
    note(84, "neighbor 192.168.11.18: not over a tunnel");
    note(87, "redistribute connected");
    note(89, "neighbor 10.17.11.76 prefix-list LAN out");
    note(91, "neighbor 192.168.11.18 route-map PREFER-ER in");
    note(94, "ip route 10.17.0.0 255.255.0.0 Tunnel11");
    note(96, "route-map PREFER-ER permit 10");
    for (unsigned i = 0; i < im->n_notes; i++)
        assert_null(strstr(im->note[i].text, "OLDSECRET"));
    parsed(out, &cfg);
    core_config_free(&cfg);
}

static void keys_and_names_that_are_not_there_are_named(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_IOS, "crypto ikev2 policy p\n"
                                           " proposal nosuch\n"
                                           "crypto ikev2 keyring k\n"
                                           " peer a\n"
                                           "  address 192.0.2.7\n"
                                           "  pre-shared-key local one\n"
                                           "  pre-shared-key remote SECRETTWO\n"
                                           " peer b\n"
                                           "  address 192.0.2.8\n"
                                           "  pre-shared-key b\n"
                                           "crypto ikev2 profile q\n"
                                           " keyring local k\n"
                                           "crypto ipsec profile i\n"
                                           " set ikev2-profile q\n"
                                           "interface Tunnel1\n"
                                           " tunnel source 198.51.100.1\n"
                                           " tunnel destination 192.0.2.9\n"
                                           " tunnel protection ipsec profile i\n");
    struct core_config cfg;

    note(7, "pre-shared-key ..."); /* kedge has one key for both directions */
    note(0, "nosuch: isn't in the file");
    has(out, "    ike: [\"aes256gcm16-prfsha384-ecp384\", ");
    has(out, "    # none that is known here is in the file: kedge's own\n");
    has(out, "psk: \"PRE_SHARED_KEY\""); /* neither peer of the ring */
    parsed(out, &cfg);
    core_config_free(&cfg);
}

/* strongSwan's, with what its users have beside a site-to-site tunnel. */
static const char MANY_CHILDREN[] =
    "include conf.d/*.conf\n"
    "conn-defaults {\n"
    "  dpd_delay = 30s\n"
    "}\n"
    "connections {\n"
    "  site-b : conn-defaults {\n"
    "    version = 2\n"
    "    local_addrs = 192.0.2.1\n"
    "    remote_addrs = 192.0.2.2\n"
    "    proposals = aes256-sha256-modp2048,chacha99-sha256-modp2048,default\n"
    "    over_time = 10m\n"
    "    reauth_time = 0s\n"
    "    local-1 {\n"
    "      auth = psk\n"
    "    }\n"
    "    remote-1 {\n"
    "      auth = psk\n"
    "    }\n"
    "    children {\n"
    "      web,[]&*!%@' {\n"
    "        local_ts = 10.1.0.0/24\n"
    "        remote_ts = 10.9.0.0/24\n"
    "        esp_proposals = aes256gcm16-ecp256\n"
    "        rekey_time = 1h\n"
    "        start_action = start\n"
    "      }\n"
    "      a-child-with-a-long-name-1 {\n"
    "        local_ts = 10.2.0.0/24\n"
    "        remote_ts = 10.9.0.0/24\n"
    "        esp_proposals = aes128-sha1\n"
    "        rekey_time = 2h\n"
    "        start_action = none\n"
    "        policies_fwd_out = yes\n"
    "      }\n"
    "      a-child-with-a-long-name-2 {\n"
    "        local_ts = 10.3.0.0/24\n"
    "        remote_ts = 10.9.0.0/24\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "}\n"
    "secrets {\n"
    "  ike-b {\n"
    "    id = 192.0.2.2\n"
    "    secret = 0sS2VkZ2U=\n"
    "  }\n"
    "  eap-user {\n"
    "    id = user\n"
    "    secret = EAPSECRET\n"
    "  }\n"
    "  rsa-key {\n"
    "    file = key.pem\n"
    "  }\n"
    "}\n"
    "authorities { lab { cacert = ca.pem } }\n";

static void children_keep_their_selectors_and_get_names_of_their_own(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_SWANCTL, MANY_CHILDREN);
    struct core_config cfg;

    assert_int_equal(im->n, 1);
    assert_int_equal(im->t[0].n_children, 3);
    assert_string_equal(im->t[0].psk_hex, "4b65646765"); /* base64: "Kedge" */
    has(out, "ike: [\"aes256-sha256-modp2048\"]");
    has(out, "esp: [\"aes256gcm16-ecp256\"]");
    has(out, "- {name: a-child-with, local: [\"10.2.0.0/24\"]");
    has(out, "- {name: a-child-with-2, local: [\"10.3.0.0/24\"]");
    has(out, "role: both"); /* one of them starts */
    note(1, "include conf.d");
    note(6, "site-b : conn-defaults: what it inherits");
    note(10, "chacha99-sha256-modp2048: no proposal");
    note(10, "default: no proposal");
    note(11, "over_time = 10m");
    note(12, "reauth_time = 0s");
    note(30, "esp_proposals = aes128-sha1");
    note(31, "rekey_time = 2h");
    note(33, "policies_fwd_out = yes");
    for (unsigned i = 0; i < im->n_notes; i++)
        assert_null(strstr(im->note[i].text, "EAPSECRET"));
    parsed(out, &cfg);
    assert_int_equal(cfg.tunnels[0].ike.n_children, 3);
    core_config_free(&cfg);
}

/* ---- nothing is dropped in silence ---- */

/* Does a line that says something only what kedge does by itself, or what stands for others? */
static bool may_vanish(const char *line, const char *const *words)
{
    for (; *words; words++)
        if (strstr(line, *words))
            return true;
    return false;
}

/* Each line of the file is taken out in turn; then the kedge.yaml or its notes are others. */
static void each_line_counts(enum import_from from, const char *file, const char *comment,
                             const char *const *may)
{
    char *whole = strdup(imported(from, file)), *text = strdup(file);
    struct core_config cfg;
    unsigned no = 0;

    assert_non_null(whole);
    assert_non_null(text);
    for (char *at = text; *at; no++) {
        size_t n = strcspn(at, "\n"), blanks = strspn(at, " ");
        char *line = strndup(at, n);
        memset(at + blanks, ' ', n - blanks);
        at[blanks] = comment[0];
        const char *without = imported(from, text);
        if (without && strcmp(without, whole) == 0 && !may_vanish(line, may))
            fail_msg("line %u makes no difference, and no note: %s", no + 1, line);
        if (without && !strpbrk(line, "{}") &&
            !strstr(without, "OUR_ADDRESS")) { /* nor becomes a file that's refused */
            parsed(without, &cfg);
            core_config_free(&cfg);
        }
        memcpy(at, line, n);
        free(line);
        at += n + (at[n] == '\n');
    }
    free(whole);
    free(text);
}

static void no_line_of_a_router_vanishes_unsaid(void **st KD_UNUSED)
{
    static const char *const may[] = {
        "mode tunnel", "mode ipsec", "ebgp-multihop", "activate", "soft-reconfiguration",
        "address-family", "255.255.255.255 Tunnel", "dpd ", "ip unnumbered", "negotiation auto",
        "authentication local pre-share", "authentication remote pre-share", " !", "!",
        /* the only policy, the key that is left for this address */
        "match address local 198.51.100.1", "match address local 66.198.12.106", "  address ",
        " peer azure", "pre-shared-key local IamSecure123", "pre-shared-key remote IamSecure123",
        NULL};

    each_line_counts(IMPORT_IOS, ACTIVE_ACTIVE, "!", may);
    each_line_counts(IMPORT_IOS, SEED_001, "!", may);
}

static void no_line_of_strongswan_vanishes_unsaid(void **st KD_UNUSED)
{
    static const char *const may[] = {
        "version = 2",     "dpd_",      "auth = psk", "start_action = start", "start_action = none",
        "conn-defaults {", "rsa-key {", "}", /* the only secret */
        "id = 192.0.2.2",  NULL};

    each_line_counts(IMPORT_SWANCTL, MANY_CHILDREN, "#", may);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(seed_001s_router_becomes_a_kedge),
        T(seed_001s_whole_router_becomes_a_kedge_with_expressroute_named),
        T(what_ios_says_and_we_do_not_know_is_named),
        T(a_gateways_two_instances_are_two_tunnels),
        T(keys_and_names_that_are_not_there_are_named),
        T(children_keep_their_selectors_and_get_names_of_their_own),
        T(no_line_of_a_router_vanishes_unsaid),
        T(no_line_of_strongswan_vanishes_unsaid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
