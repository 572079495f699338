/* kedge import against seed 001's router and strongSwan's own notation, and back: our tunnel, as
 * the peer's configuration, as a kedge in the peer's place, as its peer's configuration, as a
 * kedge, is our tunnel again. */
#include "config/config.h"
#include "peer/import.h"
#include "peer/peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct import *im;
static char *yaml;

static int set_up(void **st KD_UNUSED)
{
    im = malloc(sizeof(*im));
    yaml = NULL;
    return im == NULL;
}

static int tear_down(void **st KD_UNUSED)
{
    free(im);
    free(yaml);
    return 0;
}

/* What kedge import prints of it; NULL: no tunnel. */
static const char *imported(enum import_from from, const char *text)
{
    size_t len;
    FILE *to;

    free(yaml);
    yaml = NULL;
    if (!import_read(from, kd_bytes_str(text), im))
        return NULL;
    to = open_memstream(&yaml, &len);
    assert_non_null(to);
    import_write(im, to);
    assert_int_equal(fclose(to), 0);
    return yaml;
}

static void has(const char *text, const char *line)
{
    if (!text || !strstr(text, line))
        fail_msg("no \"%s\" in:\n%s", line, text ? text : "(nothing)");
}

static void note(unsigned line, const char *text)
{
    for (unsigned i = 0; i < im->n_notes; i++)
        if (im->note[i].line == line && strstr(im->note[i].text, text))
            return;
    for (unsigned i = 0; i < im->n_notes; i++)
        print_message("%u: %s\n", im->note[i].line, im->note[i].text);
    fail_msg("no note of line %u with \"%s\"", line, text);
}

static void parsed(const char *text, struct core_config *cfg)
{
    static struct config_errors errs;
    const struct config_env env = {0};

    if (!config_parse(kd_bytes_str(text), "t.yaml", &env, cfg, &errs))
        fail_msg("%u:%u %s in:\n%s", errs.e[0].line, errs.e[0].col, errs.e[0].text, text);
}

/* ---- IOS ---- */

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

static void selectors_come_from_the_access_list(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_IOS, "crypto ipsec profile p\n"
                                           "interface Tunnel1\n"
                                           " tunnel source 192.0.2.1\n"
                                           " tunnel destination 192.0.2.2\n"
                                           " tunnel protection ipsec policy ipv4 both\n"
                                           " tunnel protection ipsec profile p\n"
                                           "ip access-list extended both\n"
                                           " permit ip 10.1.0.0 0.0.255.255 any\n"
                                           " permit ip 10.2.0.0 0.0.0.255 10.3.0.0 0.0.0.255\n"
                                           " permit ip 10.2.0.0 0.255.0.255 any\n"
                                           " permit tcp any any\n");
    has(out, "- {name: line1, local: [\"10.1.0.0/16\"], remote: [\"0.0.0.0/0\"]}");
    has(out, "- {name: line2, local: [\"10.2.0.0/24\"], remote: [\"10.3.0.0/24\"]}");
    note(10, "permit ip 10.2.0.0 0.255.0.255 any");
    note(11, "permit tcp any any");
}

/* ---- swanctl ---- */

#define SWANCTL                                                                                    \
    "connections {\n"                                                                              \
    "  site-a {\n"                                                                                 \
    "    version = 2 # IKEv2\n"                                                                    \
    "    local_addrs = 192.0.2.1\n"                                                                \
    "    remote_addrs = %any\n"                                                                    \
    "    proposals = aes256-sha256-modp2048,aes128-sha1-modp1024\n"                                \
    "    rekey_time = 4h\n"                                                                        \
    "    local { auth = psk\n id = gw.example }\n"                                                 \
    "    remote {\n      auth = psk\n      id = \"@#0a0b\"\n    }\n"                               \
    "    children { web { local_ts = 10.1.0.0/24, 10.2.0.0/24\n remote_ts = 10.9.0.0/16\n"         \
    "      esp_proposals = aes256gcm16\n rekey_time = 1d\n start_action = none } }\n"              \
    "  }\n"                                                                                        \
    "}\n"

static void strongswans_sections_become_a_tunnel(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_SWANCTL, SWANCTL "secrets {\n"
                                                       "  ike-1 { secret = wrong\n }\n"
                                                       "  ike-2 {\n"
                                                       "    id-a = @gw.example\n"
                                                       "    id-b = \"@#0a0b\"\n"
                                                       "    secret = \"a \\b#c\"\n  }\n}\n");
    struct core_config cfg;

    has(out, "- name: site-a\n");
    has(out, "remote: \"any\"");
    has(out, "local-id: \"gw.example\"");
    has(out, "remote-id: \"key-id:0a0b\"");
    has(out, "psk: \"a \\\\b#c\"");
    has(out, "role: responder");
    has(out, "ike: [\"aes256-sha256-modp2048\", \"aes128-sha1-modp1024\"]");
    has(out, "lifetime: {ike: 14400s, esp: 86400s}");
    has(out, "selectors: {local: [\"10.1.0.0/24\", \"10.2.0.0/24\"], remote: [\"10.9.0.0/16\"]}");
    assert_int_equal(im->n_notes, 0);
    parsed(out, &cfg);
    core_config_free(&cfg);
}

static void what_strongswan_says_and_we_do_not_is_named(void **st KD_UNUSED)
{
    (void)imported(IMPORT_SWANCTL, "include conf.d/*.conf\n"
                                   "connections {\n"
                                   "  a {\n"
                                   "    version = 1\n"
                                   "    mobike = yes\n"
                                   "    remote_addrs = 192.0.2.2,192.0.2.3\n"
                                   "    unique = replace\n"
                                   "    local {\n"
                                   "      auth = eap-tls\n"
                                   "    }\n"
                                   "    children { c {\n"
                                   "      mode = transport\n"
                                   "      local_ts = dynamic\n"
                                   "    } }\n"
                                   "  }\n"
                                   "}\n"
                                   "secrets { eap-1 { secret = SECRET } }\n"
                                   "pools { p { addrs = 10.0.0.0/24 } }\n");
    note(1, "include");
    note(4, "version = 1");
    note(5, "mobike = yes");
    note(6, "remote_addrs");
    note(7, "unique = replace");
    note(9, "auth = eap-tls");
    note(12, "mode = transport");
    note(13, "local_ts = dynamic");
    note(18, "addrs");
    for (unsigned i = 0; i < im->n_notes; i++)
        if (im->note[i].line != 17)
            assert_null(strstr(im->note[i].text, "SECRET"));
}

/* ---- both ---- */

static void files_without_a_tunnel_are_none(void **st KD_UNUSED)
{
    for (int from = 0; from < IMPORT_KINDS; from++) {
        assert_null(imported((enum import_from)from, ""));
        assert_null(imported((enum import_from)from, "}}}}\n{{{{{{{{{{\n!\n= = =\n"));
    }
}

static void no_text_becomes_anything_but_a_string(void **st KD_UNUSED)
{
    const char *out =
        imported(IMPORT_SWANCTL, "connections { x:[evil {\n"
                                 "local_addrs = 192.0.2.1\n"
                                 "remote_addrs = 192.0.2.2\n proposals = aes256-sha256-modp2048\n"
                                 "local { id = key: {x\n auth = psk }\n"
                                 "children { c { esp_proposals = aes256-sha256\n } } } }\n"
                                 "secrets { ike { secret = \"pw: {x}, [y] '\\ # \" } }\n");

    has(out, "- name: xevil\n");
    has(out, "local-id: \"key: {x\"");
    has(out, "psk: \"pw: {x}, [y] '\\\\ # \"");
    assert_int_equal(im->n, 1);
}

static void more_than_the_bounds_is_said(void **st KD_UNUSED)
{
    char *text = malloc(400000);
    size_t n = 0;

    assert_non_null(text);
    n += (size_t)sprintf(text + n, "connections {\n");
    for (int i = 0; i < 40; i++)
        n += (size_t)sprintf(text + n, "same { remote_addrs = 192.0.2.%d\n }\n", i);
    n += (size_t)sprintf(text + n, "}\n");
    for (int i = 0; i < 400; i++)
        n += (size_t)sprintf(text + n, "nonsense\n");
    has(imported(IMPORT_SWANCTL, text), "lines more");
    assert_int_equal(im->n, IMPORT_TUNNELS);
    assert_string_equal(im->t[0].name, "same");
    assert_string_equal(im->t[31].name, "same-32");
    assert_int_equal(im->n_notes, IMPORT_NOTES);
    assert_true(im->more_notes > 100);
    free(text);
}

/* ---- there and back ---- */

#define HEAD                                                                                       \
    "router: {id: 10.10.30.254, asn: 65515}\n"                                                     \
    "gateway: {listen: [52.168.162.84]}\n"                                                         \
    "policies: {all: [permit: {}]}\n"                                                              \
    "tunnels:\n  - {name: t, local: 52.168.162.84, remote: 66.198.12.106, "                        \
    "auth: {psk: IamSecure123}, "

static char *peers(const char *text, enum peer_kind kind)
{
    struct core_config cfg;
    struct peer p = {.config = &cfg, .psk = kd_bytes_str("IamSecure123")};
    char *out = NULL;
    size_t len;
    FILE *to = open_memstream(&out, &len);

    assert_non_null(to);
    parsed(text, &cfg);
    p.tunnel = &cfg.tunnels[0];
    assert_null(peer_refuses(&p, kind));
    peer_write(&p, kind, to);
    assert_int_equal(fclose(to), 0);
    core_config_free(&cfg);
    return out;
}

/* The kedge on the other side of text's tunnel. */
static char *other_side(const char *text, enum import_from from, enum peer_kind kind)
{
    char *theirs = peers(text, kind), *out;

    assert_non_null(imported(from, theirs));
    if (im->n_notes)
        fail_msg("line %u: %s in:\n%s", im->note[0].line, im->note[0].text, theirs);
    out = strdup(yaml);
    assert_non_null(out);
    free(theirs);
    return out;
}

static void same_lists(const struct ike_ts_list *a, const struct ike_ts_list *b)
{
    char left[128], right[128];

    assert_int_equal(a->n, b->n);
    for (unsigned i = 0; i < a->n; i++) {
        ike_ts_str(&a->ts[i], left, sizeof(left));
        ike_ts_str(&b->ts[i], right, sizeof(right));
        assert_string_equal(left, right);
    }
}

static void same_proposals(const struct ike_proposals *a, const struct ike_proposals *b)
{
    char left[4096], right[4096];

    assert_string_equal(ike_proposals_text(a, left, sizeof(left)),
                        ike_proposals_text(b, right, sizeof(right)));
}

static void same_id(const struct ike_id *a, const struct ike_id *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static void same_tunnel(const struct core_tunnel_config *a, const struct core_tunnel_config *b,
                        enum peer_kind kind)
{
    assert_true(kd_addr_eq(&a->ike.local, &b->ike.local));
    assert_true(kd_addr_eq(&a->ike.remote, &b->ike.remote));
    same_id(&a->ike.local_id, &b->ike.local_id);
    same_id(&a->ike.remote_id, &b->ike.remote_id);
    same_proposals(&a->ike.ike, &b->ike.ike);
    same_proposals(&a->ike.esp, &b->ike.esp);
    assert_int_equal(a->ike.ike_life_us, b->ike.ike_life_us);
    assert_int_equal(a->ike.child_life_us, b->ike.child_life_us);
    assert_int_equal(KD_MAX(a->ike.n_children, 1), KD_MAX(b->ike.n_children, 1));
    for (unsigned i = 0; i < KD_MAX(a->ike.n_children, 1); i++) {
        same_lists(&a->ike.child[i].local_ts, &b->ike.child[i].local_ts);
        same_lists(&a->ike.child[i].remote_ts, &b->ike.child[i].remote_ts);
    }
    if (kind != PEER_IOS) /* swanctl has no BGP */
        return;
    assert_int_equal(a->has_neighbor, b->has_neighbor);
    assert_true(kd_addr_eq(&a->inner, &b->inner));
    assert_true(kd_addr_eq(&a->neighbor.bgp.remote, &b->neighbor.bgp.remote));
    assert_int_equal(a->neighbor.bgp.asn, b->neighbor.bgp.asn);
    assert_int_equal(a->neighbor.bgp.hold_s, b->neighbor.bgp.hold_s);
    assert_int_equal(a->ike.child_life_bytes, b->ike.child_life_bytes);
}

/* There and back again; what comes back is the tunnel `same`. */
static void trip(const char *tunnel, const char *same, enum import_from from, enum peer_kind kind)
{
    struct core_config a, b;
    char text[2048], *there, *back;

    print_message("# %s: %s\n", import_names[from], tunnel);
    snprintf(text, sizeof(text), "%s%s}\n", HEAD, tunnel);
    there = other_side(text, from, kind);
    has(there, "local: \"66.198.12.106\"");
    has(there, "remote: \"52.168.162.84\"");
    has(there, "psk: \"IamSecure123\"");
    back = other_side(there, from, kind);
    snprintf(text, sizeof(text), "%s%s}\n", HEAD, same);
    parsed(text, &a);
    parsed(back, &b);
    if (kind == PEER_IOS)
        assert_int_equal(a.asn, b.asn);
    same_tunnel(&a.tunnels[0], &b.tunnels[0], kind);
    core_config_free(&a);
    core_config_free(&b);
    free(there);
    free(back);
}

static void round_trip(const char *tunnel, enum import_from from, enum peer_kind kind)
{
    trip(tunnel, tunnel, from, kind);
}

#define BGP                                                                                        \
    ", address: 10.10.30.254, neighbor: {asn: 65021, address: 10.2.30.125, hold: 180s, "           \
    "import: all, export: all}"

/* x25519 is what IOS-XE has no word for, and its group of PFS is one for all. */
static void the_modern_profile_comes_back_from_ios_as_far_as_it_says_it(void **st KD_UNUSED)
{
    trip("profile: modern" BGP,
         "ike: [aes256gcm16-prfsha384-ecp384, aes256-sha256-modp2048], "
         "esp: [aes256gcm16-ecp384, aes256-sha256-ecp384]" BGP,
         IMPORT_IOS, PEER_IOS);
}

static void our_tunnel_comes_back_from_either_language(void **st KD_UNUSED)
{
    static const char *const tunnels[] = {
        "profile: azure-default" BGP,
        "profile: azure-custom, ike: [aes256-sha256-modp2048], esp: [aes256gcm16]" BGP,
        "ike: [aes256gcm16-prfsha384-ecp384], esp: [aes256gcm16-ecp384], "
        "lifetime: {ike: 86400s, esp: 3600s}" BGP,
        "ike: [aes256-aes128-3des-sha1-modp1024], esp: [aes256-sha1], local-id: gw.example, "
        "remote-id: ce@example.net" BGP,
        "ike: [aes128-sha256-ecp256], esp: [aes128-sha256-ecp256], remote-id: \"key-id:0a0b\"" BGP,
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(tunnels); i++) {
        round_trip(tunnels[i], IMPORT_SWANCTL, PEER_STRONGSWAN);
        round_trip(tunnels[i], IMPORT_IOS, PEER_IOS);
    }
    round_trip("profile: modern" BGP, IMPORT_SWANCTL, PEER_STRONGSWAN);
    round_trip("profile: azure-vwan" BGP, IMPORT_SWANCTL, PEER_STRONGSWAN);
    round_trip("profile: azure-vwan" BGP, IMPORT_IOS, PEER_IOS);
    round_trip("ike: [aes256-sha256-modp2048], esp: [aes256-sha256], "
               "selectors: {local: [10.0.0.0/24, 10.1.0.0/24], remote: [10.9.0.0/16]}",
               IMPORT_SWANCTL, PEER_STRONGSWAN);
    round_trip("ike: [aes256-sha256-modp2048], esp: [aes256-sha256], children: "
               "[{name: web, local: [10.0.0.0/24], remote: [10.9.0.0/16]}, "
               "{name: db, local: [10.1.0.0/24], remote: [10.9.0.0/16]}]",
               IMPORT_SWANCTL, PEER_STRONGSWAN);
    round_trip("ike: [aes256-sha256-modp2048], esp: [aes256-sha256], children: "
               "[{name: web, local: [10.0.0.0/24], remote: [10.9.0.0/16]}, "
               "{name: db, local: [10.1.0.0/24], remote: [10.9.0.0/16]}]" BGP,
               IMPORT_IOS, PEER_IOS);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(seed_001s_router_becomes_a_kedge),
        T(what_ios_says_and_we_do_not_know_is_named),
        T(selectors_come_from_the_access_list),
        T(strongswans_sections_become_a_tunnel),
        T(what_strongswan_says_and_we_do_not_is_named),
        T(files_without_a_tunnel_are_none),
        T(no_text_becomes_anything_but_a_string),
        T(more_than_the_bounds_is_said),
        T(our_tunnel_comes_back_from_either_language),
        T(the_modern_profile_comes_back_from_ios_as_far_as_it_says_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
