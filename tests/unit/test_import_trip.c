/* There and back: our tunnel, as the peer's configuration, as a kedge in the peer's place, as its
 * peer's configuration, as a kedge, is our tunnel again. For tunnels by hand, and for drawn ones of
 * all that the language can say. */
#include "test_import.h"

#include <stdio.h>

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
        "ike: [aes128-sha256-ecp256], esp: [aes128-sha256-ecp256], remote-id: "
        "\"key-id:627231\"" BGP,
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

/* ---- drawn ---- */

#define DRAWS 100

static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((state >> 33) % n);
}

#define PICK(list) list[below((unsigned)KD_ARRAY_LEN(list))]

/* What a language can say of a proposal, all of it: several of a type, an AEAD with its PRF. */
static void draw_ike(char *out, size_t cap)
{
    static const char *const encr[] = {"aes128", "aes192", "aes256", "3des", "aes256-aes128"},
                             *const integ[] = {"sha1", "sha256", "sha384", "sha512", "sha256-sha1"},
                             *const aead[] = {"aes128gcm16-prfsha256", "aes256gcm16-prfsha384",
                                              "aes256gcm16-prfsha512"},
                             *const dh[] = {"modp1024", "modp1536", "modp2048",
                                            "modp3072", "modp4096", "ecp256",
                                            "ecp384",   "ecp521",   "ecp384-modp2048"};

    if (below(2))
        snprintf(out, cap, "%s-%s", PICK(aead), PICK(dh));
    else
        snprintf(out, cap, "%s-%s-%s", PICK(encr), PICK(integ), PICK(dh));
}

static void draw_esp(const char *pfs, char *out, size_t cap)
{
    static const char *const encr[] = {"aes128", "aes192", "aes256", "3des"},
                             *const integ[] = {"sha1", "sha256", "sha384", "sha512"},
                             *const aead[] = {"aes128gcm16", "aes192gcm16", "aes256gcm16"};

    if (below(2))
        snprintf(out, cap, "%s%s", PICK(aead), pfs);
    else
        snprintf(out, cap, "%s-%s%s", PICK(encr), PICK(integ), pfs);
}

static void draw_lists(char *out, size_t cap)
{
    static const char *const groups[] = {"", "-modp2048", "-ecp256", "-ecp384"};
    const char *pfs = PICK(groups); /* one for all, as IOS-XE has it */
    char ike[2][80], esp[2][80];

    for (int i = 0; i < 2; i++) {
        draw_ike(ike[i], sizeof(ike[i]));
        draw_esp(pfs, esp[i], sizeof(esp[i]));
    }
    if (below(2))
        snprintf(out, cap, "ike: [%s, %s], esp: [%s, %s]", ike[0], ike[1], esp[0], esp[1]);
    else
        snprintf(out, cap, "ike: [%s], esp: [%s]", ike[0], esp[0]);
}

static const char *draw_id(void)
{
    static const char *const ids[] = {"gw.example", "ce@example.net", "192.0.2.99", "'2001:db8::1'",
                                      "'key-id:627231'"};

    return PICK(ids);
}

static void draw_tunnel(char *out, size_t cap, enum peer_kind kind)
{
    char lists[400], ids[160] = "", life[96] = "", bgp[200] = "", children[200] = "";

    draw_lists(lists, sizeof(lists));
    if (below(2))
        snprintf(ids, sizeof(ids), ", local-id: %s, remote-id: %s", draw_id(), draw_id());
    if (below(2))
        snprintf(life, sizeof(life), ", lifetime: {ike: %us, esp: %us}", 3600 + below(80000),
                 600 + below(80000));
    if (kind == PEER_IOS || below(2))
        snprintf(bgp, sizeof(bgp),
                 ", address: 10.10.30.%u, neighbor: {asn: %u, address: 10.2.30.%u, hold: %us, "
                 "import: all, export: all}",
                 1 + below(250), below(2) ? 65021 : 4200000000u + below(1000), 1 + below(250),
                 3 * (1 + below(100)));
    if (below(2))
        snprintf(children, sizeof(children),
                 ", children: [{name: a, local: [10.%u.0.0/16], remote: [10.9.0.0/%u]}, "
                 "{name: b, local: [10.%u.1.0/24], remote: [0.0.0.0/0]}]",
                 10 + below(200), 16 + below(17), 10 + below(200));
    snprintf(out, cap, "%s%s%s%s%s", lists, ids, life, bgp, children);
}

static void drawn_tunnels(enum import_from from, enum peer_kind kind, uint64_t seed)
{
    char text[1400];

    print_message("# seed %llu\n", (unsigned long long)seed);
    state = seed;
    for (int i = 0; i < DRAWS; i++) {
        draw_tunnel(text, sizeof(text), kind);
        round_trip(text, from, kind);
    }
}

static void a_drawn_tunnel_comes_back_from_ios(void **st KD_UNUSED)
{
    drawn_tunnels(IMPORT_IOS, PEER_IOS, 1);
}

static void a_drawn_tunnel_comes_back_from_strongswan(void **st KD_UNUSED)
{
    drawn_tunnels(IMPORT_SWANCTL, PEER_STRONGSWAN, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(our_tunnel_comes_back_from_either_language),
        T(the_modern_profile_comes_back_from_ios_as_far_as_it_says_it),
        T(a_drawn_tunnel_comes_back_from_ios),
        T(a_drawn_tunnel_comes_back_from_strongswan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
