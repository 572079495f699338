/* kedge explain: each kind of refusal as a whole, side by side; and that what would be accepted is
 * not called a difference. */
#include "ike/explain.h"
#include "ike/grammar.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

#define LIST_MAX 8192

static struct ike_conn_config conn;
static struct ike_explain_env env;
static struct ike_refusal r;
static uint8_t body[4][LIST_MAX];

static struct ike_proposals list(const char *text, uint8_t protocol)
{
    struct ike_proposals l = {0};
    char copy[512], err[256], *save, *word;

    snprintf(copy, sizeof(copy), "%s", text);
    for (word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save))
        assert_true(ike_proposal_from_string(word, protocol, &l.p[l.n++], err, sizeof(err)));
    return l;
}

static struct kd_bytes wire(int at, const struct ike_proposals *l, uint8_t protocol, bool no_dh)
{
    struct kd_writer w;

    kd_writer_init(&w, body[at], LIST_MAX);
    ike_proposals_write(&w, l, protocol, kd_bytes("\1\1\1\1", protocol == IKE_PROTO_ESP ? 4 : 0),
                        no_dh);
    assert_true(w.ok);
    return kd_written(&w);
}

static struct ike_ts_list ts(const char *text)
{
    struct ike_ts_list l = {0};
    char copy[256], *save, *word;
    struct kd_prefix p;

    snprintf(copy, sizeof(copy), "%s", text);
    for (word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
        assert_true(kd_prefix_parse(word, true, &p));
        l.ts[l.n++] = ike_ts_from_prefix(&p);
    }
    return l;
}

static struct kd_bytes ts_wire(int at, const char *text)
{
    struct ike_ts_list l = ts(text);
    struct kd_writer w;

    kd_writer_init(&w, body[at], LIST_MAX);
    ike_ts_write(&w, &l);
    return kd_written(&w);
}

/* Our list is configured; offered NULL: the peer refused ours. */
static void proposals(uint8_t protocol, uint8_t exchange, const char *offered,
                      const char *configured)
{
    struct ike_proposals c = list(configured, protocol);
    bool no_dh = protocol == IKE_PROTO_ESP && exchange == IKE_X_AUTH;

    *(protocol == IKE_PROTO_IKE ? &conn.ike : &conn.esp) = c;
    r = (struct ike_refusal){.reason = KD_REASON_NO_PROPOSAL, .exchange = exchange};
    if (offered) {
        struct ike_proposals o = list(offered, protocol);
        r.sa_offered = wire(0, &o, protocol, no_dh);
        r.sa_configured = wire(1, &c, protocol, no_dh);
    } else {
        r.by_peer = true;
        r.notify = IKE_N_NO_PROPOSAL_CHOSEN;
        r.sa_offered = wire(0, &c, protocol, no_dh);
    }
}

static int setup(void **st)
{
    (void)st;
    memset(&conn, 0, sizeof(conn));
    assert_true(kd_addr_parse("192.0.2.1", &conn.local));
    assert_true(ike_id_parse("192.0.2.1", &conn.local_id));
    conn.ike = list("aes256-sha256-modp2048", IKE_PROTO_IKE);
    conn.esp = list("aes256-sha256", IKE_PROTO_ESP);
    env = (struct ike_explain_env){.peer = "198.51.100.1", .profile = "", .conn = &conn};
    return 0;
}

/* The whole explanation as lines: "title", "what | left | right", "*" before what differs. */
static void expect(const char *want)
{
    static char got[8192];
    struct ike_explanation x;
    size_t n;

    ike_explain(&r, &env, &x);
    n = (size_t)snprintf(got, sizeof(got), "%s\n  | %s | %s\n", x.title, x.left, x.right);
    for (uint32_t i = 0; i < x.n_rows; i++)
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%c %s | %s | %s\n",
                              x.row[i].differs ? '*' : ' ', x.row[i].what, x.row[i].left,
                              x.row[i].right);
    n += (size_t)snprintf(got + n, sizeof(got) - n, "= %s\n", x.difference);
    if (x.cause[0])
        n += (size_t)snprintf(got + n, sizeof(got) - n, "? %s\n", x.cause);
    for (uint32_t i = 0; i < x.n_changes; i++)
        n += (size_t)snprintf(got + n, sizeof(got) - n, "> %s: %s\n", x.change[i].where,
                              x.change[i].text);
    assert_string_equal(got, want);
}

/* ---- proposals, both lists known ---- */

static void ike_lists_show_the_first_type_that_differs(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, "aes256-sha1-modp1024", "aes256-sha256-modp2048");
    expect("kedge refused the proposals of 198.51.100.1 in IKE_SA_INIT\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha1-modp1024 (1 of 1) | aes256-sha256-modp2048 (1 of 1)\n"
           "  encryption | aes256 | aes256\n"
           "* integrity | sha1 | sha256\n"
           "* PRF | prfsha1 | prfsha256\n"
           "* group | modp1024 | modp2048\n"
           "= integrity: sha1 is offered, sha256 is configured\n"
           "> kedge.yaml: ike: [aes256-sha1-modp1024]\n"
           "> swanctl.conf: connections.*.proposals = aes256-sha256-modp2048\n"
           "> IOS: crypto ikev2 proposal P: encryption aes-cbc-256; integrity sha256; "
           "group 14\n");
}

static void the_nearest_pair_is_chosen_from_both_lists(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, "aes128-sha1-modp1024, aes256-sha256-modp1024",
              "aes256gcm16-prfsha384-ecp384, aes256-sha256-modp2048");
    expect("kedge refused the proposals of 198.51.100.1 in IKE_SA_INIT\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha256-modp1024 (2 of 2) | aes256-sha256-modp2048 (2 of 2)\n"
           "  encryption | aes256 | aes256\n"
           "  integrity | sha256 | sha256\n"
           "  PRF | prfsha256 | prfsha256\n"
           "* group | modp1024 | modp2048\n"
           "= group: modp1024 is offered, modp2048 is configured\n"
           "> kedge.yaml: ike: [aes256gcm16-prfsha384-ecp384, aes256-sha256-modp2048, "
           "aes256-sha256-modp1024]\n"
           "> swanctl.conf: connections.*.proposals = aes256-sha256-modp2048\n"
           "> IOS: crypto ikev2 proposal P: encryption aes-cbc-256; integrity sha256; "
           "group 14\n");
}

static void an_aead_against_cbc_is_the_encryption(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_AUTH, "aes256gcm16", "aes256-sha256-modp2048");
    expect("kedge refused the proposals of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256gcm16 (1 of 1) | aes256-sha256 (1 of 1)\n"
           "* encryption | aes256gcm16 | aes256\n"
           "* integrity | none | sha256\n"
           "  ESN | noesn | noesn\n"
           "= encryption: aes256gcm16 is offered, aes256 is configured\n"
           "> kedge.yaml: esp: [aes256gcm16-modp2048]\n"
           "> swanctl.conf: connections.*.children.*.esp_proposals = aes256-sha256\n"
           "> IOS: crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n");
}

static void pfs_that_the_peer_does_not_offer_is_the_group(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_CREATE_CHILD_SA, "aes256-sha256", "aes256-sha256-modp2048");
    r.rekey = true;
    expect("kedge refused the proposals of 198.51.100.1 in CREATE_CHILD_SA (a rekey)\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha256 (1 of 1) | aes256-sha256-modp2048 (1 of 1)\n"
           "  encryption | aes256 | aes256\n"
           "  integrity | sha256 | sha256\n"
           "* PFS group | none | modp2048\n"
           "  ESN | noesn | noesn\n"
           "= PFS group: none is offered, modp2048 is configured\n"
           "? PFS is negotiated in rekeys only (RFC 7296 1.2): until the first one "
           "nothing shows.\n"
           "> kedge.yaml: esp: [aes256-sha256]\n"
           "> swanctl.conf: connections.*.children.*.esp_proposals = "
           "aes256-sha256-modp2048\n"
           "> IOS: crypto ipsec profile P: set pfs group14\n");
}

static void pfs_that_only_the_peer_offers_is_the_group(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_CREATE_CHILD_SA, "aes256-sha256-modp1024", "aes256-sha256");
    r.rekey = true;
    expect("kedge refused the proposals of 198.51.100.1 in CREATE_CHILD_SA (a rekey)\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha256-modp1024 (1 of 1) | aes256-sha256 (1 of 1)\n"
           "  encryption | aes256 | aes256\n"
           "  integrity | sha256 | sha256\n"
           "* PFS group | modp1024 | none\n"
           "  ESN | noesn | noesn\n"
           "= PFS group: modp1024 is offered, none is configured\n"
           "? PFS is negotiated in rekeys only (RFC 7296 1.2): until the first one "
           "nothing shows.\n"
           "> kedge.yaml: esp: [aes256-sha256-modp1024]\n"
           "> swanctl.conf: connections.*.children.*.esp_proposals = aes256-sha256\n"
           "> IOS: crypto ipsec profile P: no set pfs\n");
}

static void esn_that_only_one_side_wants_is_the_difference(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_AUTH, "aes256-sha256", "aes256-sha256-esn");
    expect("kedge refused the proposals of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha256 (1 of 1) | aes256-sha256-esn (1 of 1)\n"
           "  encryption | aes256 | aes256\n"
           "  integrity | sha256 | sha256\n"
           "* ESN | noesn | esn\n"
           "= ESN: noesn is offered, esn is configured\n"
           "> kedge.yaml: esp: [aes256-sha256]\n"
           "> swanctl.conf: connections.*.children.*.esp_proposals = aes256-sha256-esn\n"
           "> IOS: crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n");
}

static void equal_lists_are_no_difference(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, "aes256-sha256-modp2048", "aes256-sha256-modp2048");
    expect("kedge refused the proposals of 198.51.100.1 in IKE_SA_INIT\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha256-modp2048 (1 of 1) | aes256-sha256-modp2048 (1 of 1)\n"
           "  encryption | aes256 | aes256\n"
           "  integrity | sha256 | sha256\n"
           "  PRF | prfsha256 | prfsha256\n"
           "  group | modp2048 | modp2048\n"
           "= no difference: this would be accepted now\n");
}

/* The group plays no part in IKE_AUTH, whatever the list says about it. */
static void a_group_is_no_difference_in_ike_auth(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_AUTH, "aes256-sha256-modp1024", "aes256-sha256-modp2048");
    expect("kedge refused the proposals of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha256 (1 of 1) | aes256-sha256 (1 of 1)\n"
           "  encryption | aes256 | aes256\n"
           "  integrity | sha256 | sha256\n"
           "  ESN | noesn | noesn\n"
           "= no difference: this would be accepted now\n");
}

static void a_profile_is_replaced_by_both_lists(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, "3des-sha1-modp1024", "aes256-sha256-modp2048");
    env.profile = "modern";
    expect("kedge refused the proposals of 198.51.100.1 in IKE_SA_INIT\n"
           "  | offered by the peer | configured here\n"
           "  nearest | 3des-sha1-modp1024 (1 of 1) | aes256-sha256-modp2048 (1 of 1)\n"
           "* encryption | 3des | aes256\n"
           "* integrity | sha1 | sha256\n"
           "* PRF | prfsha1 | prfsha256\n"
           "* group | modp1024 | modp2048\n"
           "= encryption: 3des is offered, aes256 is configured\n"
           "> kedge.yaml: ike: [3des-sha1-modp1024] and esp: [aes256-sha256], instead of "
           "profile: modern\n"
           "> swanctl.conf: connections.*.proposals = aes256-sha256-modp2048\n"
           "> IOS: crypto ikev2 proposal P: encryption aes-cbc-256; integrity sha256; "
           "group 14\n");
}

static void what_kedge_does_not_know_gets_no_line(void **st KD_UNUSED)
{
    struct ike_proposals o = list("aes256-sha256-modp2048", IKE_PROTO_IKE);

    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, "aes256-sha256-modp2048", "aes256-sha256-modp2048");
    for (unsigned i = 0; i < o.p[0].n; i++)
        if (o.p[0].t[i].type == KC_DH)
            o.p[0].t[i].id = 1025;
    r.sa_offered = wire(0, &o, IKE_PROTO_IKE, false);
    expect("kedge refused the proposals of 198.51.100.1 in IKE_SA_INIT\n"
           "  | offered by the peer | configured here\n"
           "  nearest | aes256-sha256-group#1025 (1 of 1) | aes256-sha256-modp2048 (1 of "
           "1)\n"
           "  encryption | aes256 | aes256\n"
           "  integrity | sha256 | sha256\n"
           "  PRF | prfsha256 | prfsha256\n"
           "* group | number 1025 | modp2048\n"
           "= group: number 1025 is offered, modp2048 is configured\n"
           "> swanctl.conf: connections.*.proposals = aes256-sha256-modp2048\n"
           "> IOS: crypto ikev2 proposal P: encryption aes-cbc-256; integrity sha256; "
           "group 14\n");
}

/* ---- proposals, the peer refused ---- */

static void a_peers_refusal_of_ike_proposals_is_not_guessed(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, NULL, "aes256-sha256-modp2048, aes128-sha1-modp1024");
    expect("198.51.100.1 refused kedge's proposals in IKE_SA_INIT: NO_PROPOSAL_CHOSEN\n"
           "  | offered by kedge | wanted by the peer\n"
           "  proposal 1 | aes256-sha256-modp2048 | (not told)\n"
           "  proposal 2 | aes128-sha1-modp1024 | \n"
           "= not known: NO_PROPOSAL_CHOSEN does not say what the peer would take\n"
           "? Most often the group or the integrity algorithm differs, or the peer has no "
           "connection for our address at all and says so like this.\n"
           "> swanctl.conf: connections.*.proposals = aes256-sha256-modp2048\n"
           "> IOS: crypto ikev2 proposal P: encryption aes-cbc-256; integrity sha256; "
           "group 14\n");
}

static void a_refused_rekey_without_group_means_pfs(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_CREATE_CHILD_SA, NULL, "aes256-sha256");
    r.rekey = true;
    env.child_up = true;
    expect("198.51.100.1 refused kedge's proposals in CREATE_CHILD_SA (a rekey): "
           "NO_PROPOSAL_CHOSEN\n"
           "  | offered by kedge | wanted by the peer\n"
           "  proposal 1 | aes256-sha256 | (not told)\n"
           "= PFS group: none is offered; the peer insists on one\n"
           "? All else was agreed on in IKE_AUTH, where the group is not negotiated (RFC "
           "7296 1.2). Which one it wants the peer does not say; most often it is the IKE "
           "SA's.\n"
           "> kedge.yaml: esp: [aes256-sha256-modp2048]\n"
           "> swanctl.conf: connections.*.children.*.esp_proposals = aes256-sha256\n"
           "> IOS: crypto ipsec profile P: no set pfs\n");
}

static void a_refused_rekey_with_group_means_no_pfs(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_CREATE_CHILD_SA, NULL, "aes256-sha256-modp2048");
    r.rekey = true;
    env.child_up = true;
    expect("198.51.100.1 refused kedge's proposals in CREATE_CHILD_SA (a rekey): "
           "NO_PROPOSAL_CHOSEN\n"
           "  | offered by kedge | wanted by the peer\n"
           "  proposal 1 | aes256-sha256-modp2048 | (not told)\n"
           "= PFS group: modp2048 is offered; the peer wants none, or another\n"
           "? All else was agreed on in IKE_AUTH, where the group is not negotiated (RFC "
           "7296 1.2). Most often the peer has PFS off; for another group it should have "
           "said INVALID_KE_PAYLOAD.\n"
           "> kedge.yaml: esp: [aes256-sha256]\n"
           "> swanctl.conf: connections.*.children.*.esp_proposals = "
           "aes256-sha256-modp2048\n"
           "> IOS: crypto ipsec profile P: set pfs group14\n");
}

static void a_refused_child_in_ike_auth_is_not_pfs(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_ESP, IKE_X_AUTH, NULL, "aes256-sha256-modp2048");
    expect("198.51.100.1 refused kedge's proposals in IKE_AUTH: NO_PROPOSAL_CHOSEN\n"
           "  | offered by kedge | wanted by the peer\n"
           "  proposal 1 | aes256-sha256 | (not told)\n"
           "= not known: NO_PROPOSAL_CHOSEN does not say what the peer would take\n"
           "? Most often the integrity algorithm differs, or an AEAD meets CBC; the PFS "
           "group plays no part in IKE_AUTH.\n"
           "> swanctl.conf: connections.*.children.*.esp_proposals = aes256-sha256\n"
           "> IOS: crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n");
}

static void invalid_ke_names_the_group(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, NULL, "aes256-sha256-modp2048");
    r.reason = KD_REASON_INVALID_KE;
    r.notify = IKE_N_INVALID_KE_PAYLOAD;
    r.group = KC_DH_ECP384;
    expect("198.51.100.1 refused kedge's group in IKE_SA_INIT: INVALID_KE_PAYLOAD\n"
           "  | offered by kedge | wanted by the peer\n"
           "  proposal 1 | aes256-sha256-modp2048 | ecp384\n"
           "= group: the peer wants ecp384, modp2048 is offered\n"
           "> kedge.yaml: ike: [aes256-sha256-ecp384]\n"
           "> swanctl.conf: connections.*.proposals = aes256-sha256-modp2048\n"
           "> IOS: crypto ikev2 proposal P: encryption aes-cbc-256; integrity sha256; "
           "group 14\n");
}

static void invalid_ke_may_name_a_group_nobody_knows(void **st KD_UNUSED)
{
    proposals(IKE_PROTO_IKE, IKE_X_SA_INIT, NULL, "aes256-sha256-modp2048");
    r.reason = KD_REASON_INVALID_KE;
    r.notify = IKE_N_INVALID_KE_PAYLOAD;
    r.group = 1025;
    expect("198.51.100.1 refused kedge's group in IKE_SA_INIT: INVALID_KE_PAYLOAD\n"
           "  | offered by kedge | wanted by the peer\n"
           "  proposal 1 | aes256-sha256-modp2048 | (not told)\n"
           "= group: the peer wants number 1025, which kedge does not know\n");
}

/* ---- selectors ---- */

static void selectors(const char *off_local, const char *off_remote, const char *local,
                      const char *remote)
{
    r = (struct ike_refusal){.reason = KD_REASON_TS_UNACCEPTABLE, .exchange = IKE_X_AUTH};
    r.ts_offered[0] = ts_wire(0, off_local);
    r.ts_offered[1] = ts_wire(1, off_remote);
    if (local) {
        r.ts_configured[0] = ts_wire(2, local);
        r.ts_configured[1] = ts_wire(3, remote);
    }
}

static void selectors_show_the_side_that_does_not_meet(void **st KD_UNUSED)
{
    selectors("10.0.1.0/24", "10.0.2.0/24, 10.0.3.0/24", "10.0.1.0/24", "172.16.0.0/12");
    expect("kedge refused the traffic selectors of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  our side | 10.0.1.0/24 | 10.0.1.0/24\n"
           "* peer's side | 10.0.2.0/24, 10.0.3.0/24 | 172.16.0.0/12\n"
           "= peer's side: 10.0.2.0/24, 10.0.3.0/24 is offered, 172.16.0.0/12 is "
           "configured; they have nothing in common\n"
           "> kedge.yaml: selectors: {local: [10.0.1.0/24], remote: [10.0.2.0/24, "
           "10.0.3.0/24]}\n"
           "> swanctl.conf: connections.*.children.*: local_ts = 172.16.0.0/12; remote_ts "
           "= 10.0.1.0/24\n");
}

static void selectors_that_meet_are_no_difference(void **st KD_UNUSED)
{
    selectors("10.0.1.0/24", "10.0.2.0/24", "10.0.1.0/24", "10.0.0.0/16");
    expect("kedge refused the traffic selectors of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  our side | 10.0.1.0/24 | 10.0.1.0/24\n"
           "  peer's side | 10.0.2.0/24 | 10.0.0.0/16\n"
           "= no difference: what was offered is within the configured\n");
}

static void selectors_the_peer_refused_are_mirrored(void **st KD_UNUSED)
{
    selectors("10.0.1.0/24", "0.0.0.0/0", NULL, NULL);
    r.by_peer = true;
    r.notify = IKE_N_TS_UNACCEPTABLE;
    expect("198.51.100.1 refused kedge's traffic selectors in IKE_AUTH: TS_UNACCEPTABLE\n"
           "  | offered by kedge | wanted by the peer\n"
           "  our side | 10.0.1.0/24 | (not told)\n"
           "  peer's side | 0.0.0.0/0 | (not told)\n"
           "= not known: the peer does not say which selectors it would take\n"
           "? Most often the peer's selectors are not these mirrored, or one side has "
           "0.0.0.0/0 (route-based) and the other prefixes (policy-based).\n"
           "> kedge.yaml: selectors: the peer's remote and local ones\n"
           "> swanctl.conf: connections.*.children.*: local_ts = 0.0.0.0/0; remote_ts = "
           "10.0.1.0/24\n");
}

/* ---- identities and the rest ---- */

static void identities(const char *shown, const char *expected)
{
    r = (struct ike_refusal){.reason = KD_REASON_AUTH_FAILED,
                             .exchange = IKE_X_AUTH,
                             .offered = kd_bytes_str(shown),
                             .configured = kd_bytes_str(expected)};
}

static void another_identity_is_the_difference(void **st KD_UNUSED)
{
    identities("10.0.0.4", "198.51.100.1");
    expect("kedge refused the authentication of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "* identity | 10.0.0.4 | 198.51.100.1\n"
           "= identity: the peer shows 10.0.0.4, 198.51.100.1 is configured\n"
           "? Most often the peer sends its inner or private address, or a name, where "
           "the address it is reached at is expected.\n"
           "> kedge.yaml: remote-id: 10.0.0.4\n"
           "> swanctl.conf: connections.*.local.id = 198.51.100.1\n"
           "> IOS: crypto ikev2 profile: identity local 198.51.100.1\n");
}

static void the_right_identity_with_another_key_is_the_key(void **st KD_UNUSED)
{
    identities("198.51.100.1", "198.51.100.1");
    r.detail = kd_bytes_str("peer 198.51.100.1 as 198.51.100.1: its pre-shared key is another");
    expect("kedge refused the authentication of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  identity | 198.51.100.1 | 198.51.100.1\n"
           "* proof | (another) | (pre-shared key)\n"
           "= the identity is as expected, but its pre-shared key is another\n"
           "? Most often the pre-shared keys differ; compare them octet by octet (the first "
           "line of psk-file counts, without its line feed).\n"
           "> kedge.yaml: auth: the same secret as the peer's\n"
           "> swanctl.conf: secrets.ike-*: id = 198.51.100.1; secret = the same\n"
           "> IOS: crypto ikev2 keyring: pre-shared-key the same\n");
}

static void any_identity_leaves_the_key(void **st KD_UNUSED)
{
    identities("198.51.100.1", "any");
    expect("kedge refused the authentication of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  identity | 198.51.100.1 | any\n"
           "* proof | (another) | (pre-shared key)\n"
           "= the identity is as expected, its proof is not\n"
           "? Most often the pre-shared keys differ; compare them octet by octet (the "
           "first line of psk-file counts, without its line feed).\n"
           "> kedge.yaml: auth: the same secret as the peer's\n"
           "> swanctl.conf: secrets.ike-*: id = 198.51.100.1; secret = the same\n"
           "> IOS: crypto ikev2 keyring: pre-shared-key the same\n");
}

static void a_certificate_that_is_not_trusted_is_told_with_its_reason(void **st KD_UNUSED)
{
    identities("gw.example", "gw.example");
    r.detail =
        kd_bytes_str("peer 198.51.100.1 as gw.example: its certificate CN=gw is refused: expired");
    conn.auth.remote = IKE_AUTH_CERT;
    expect("kedge refused the authentication of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "  identity | gw.example | gw.example\n"
           "* proof | (another) | (certificate)\n"
           "= the identity is as expected, but its certificate CN=gw is refused: expired\n"
           "? Most often ca lacks the issuer, the peer does not send what is between its "
           "certificate and the root, or a clock is wrong.\n"
           "> kedge.yaml: auth: ca with the root that signed the peer's\n"
           "> swanctl.conf: connections.*.local.certs: one with the subjectAltName "
           "gw.example\n");
}

static void our_certificate_may_be_the_one_refused(void **st KD_UNUSED)
{
    identities("gw.example", "198.51.100.1");
    r.by_peer = true;
    r.notify = IKE_N_AUTHENTICATION_FAILED;
    conn.auth.local = IKE_AUTH_CERT;
    expect("198.51.100.1 refused kedge's authentication in IKE_AUTH: AUTHENTICATION_FAILED\n"
           "  | offered by kedge | wanted by the peer\n"
           "  identity | gw.example | (not told)\n"
           "  proof | (certificate) | (not told)\n"
           "= not known: AUTHENTICATION_FAILED says neither whether the identity nor "
           "whether the proof was refused\n"
           "? Most often the peer does not have our issuer, misses an intermediate, or "
           "does not find \"gw.example\" in our certificate.\n"
           "> kedge.yaml: auth: cert with what is between it and its root\n"
           "> kedge.yaml: local-id: a subjectAltName of our certificate\n"
           "> swanctl.conf: connections.*.remote: id = gw.example; cacerts = our root\n"
           "> IOS: crypto ikev2 profile: match identity remote gw.example\n");
}

static void a_peer_that_refuses_us_says_neither(void **st KD_UNUSED)
{
    identities("192.0.2.1", "198.51.100.1");
    r.by_peer = true;
    r.notify = IKE_N_AUTHENTICATION_FAILED;
    expect("198.51.100.1 refused kedge's authentication in IKE_AUTH: AUTHENTICATION_FAILED\n"
           "  | offered by kedge | wanted by the peer\n"
           "  identity | 192.0.2.1 | (not told)\n"
           "  proof | (pre-shared key) | (not told)\n"
           "= not known: AUTHENTICATION_FAILED says neither whether the identity nor "
           "whether the proof was refused\n"
           "? Most often the pre-shared keys differ (a line feed or blanks in a file "
           "count at some peers), or the peer expects another identity than \"192.0.2.1\".\n"
           "> kedge.yaml: auth: the same secret as the peer's\n"
           "> kedge.yaml: local-id: what the peer expects\n"
           "> swanctl.conf: connections.*.remote.id = 192.0.2.1; secrets.ike-*: secret = "
           "the same\n"
           "> IOS: crypto ikev2 profile: match identity remote 192.0.2.1\n");
}

static void silence_names_what_may_be_in_the_way(void **st KD_UNUSED)
{
    r = (struct ike_refusal){.reason = KD_REASON_TIMEOUT, .exchange = IKE_X_SA_INIT};
    expect("198.51.100.1 did not answer IKE_SA_INIT\n"
           "  | offered by the peer | configured here\n"
           "= not known: nothing came back\n"
           "? Most often UDP 500 is filtered on the way, the address is wrong, nothing "
           "runs there, or the peer has no connection for 192.0.2.1 and says nothing.\n"
           "> kedge.yaml: remote: 198.51.100.1, if that is not the peer's address\n"
           "> swanctl.conf: connections.*.remote_addrs = 192.0.2.1\n"
           "> IOS: crypto ikev2 keyring: peer P: address 192.0.2.1\n");
}

static void silence_after_ike_sa_init_is_port_4500(void **st KD_UNUSED)
{
    r = (struct ike_refusal){.reason = KD_REASON_TIMEOUT, .exchange = IKE_X_AUTH};
    expect("198.51.100.1 did not answer IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "= not known: nothing came back\n"
           "? 198.51.100.1 answers IKE_SA_INIT but not IKE_AUTH: most often UDP 4500 is "
           "filtered on the way, or fragments of a large message are lost.\n");
}

static void the_data_planes_words_are_kept(void **st KD_UNUSED)
{
    r = (struct ike_refusal){.reason = KD_REASON_KERNEL_REFUSED,
                             .exchange = IKE_X_CREATE_CHILD_SA,
                             .rekey = true,
                             .offered = kd_bytes_str("the SPI is in use")};
    expect("the data plane refused what was agreed on with 198.51.100.1 in "
           "CREATE_CHILD_SA (a rekey)\n"
           "  | offered by the peer | configured here\n"
           "= none: both sides agreed, the data plane here refused\n"
           "? It said: the SPI is in use\n");
}

static void other_reasons_say_that_no_line_helps(void **st KD_UNUSED)
{
    r = (struct ike_refusal){.reason = KD_REASON_INVALID_SYNTAX, .exchange = IKE_X_AUTH};
    expect("kedge refused the request of 198.51.100.1 in IKE_AUTH\n"
           "  | offered by the peer | configured here\n"
           "= not a matter of the configuration: invalid-syntax\n");
}

/* Garbage in the lists never gets past the parser, and nothing is written beyond a field. */
static void nothing_is_believed_of_broken_lists(void **st KD_UNUSED)
{
    struct ike_explanation x;
    uint8_t junk[64];

    for (unsigned seed = 0; seed < 200; seed++) {
        for (size_t i = 0; i < sizeof(junk); i++)
            junk[i] = (uint8_t)(seed * 131 + i * 29 + (i ^ seed));
        r = (struct ike_refusal){.reason =
                                     seed & 1 ? KD_REASON_NO_PROPOSAL : KD_REASON_TS_UNACCEPTABLE,
                                 .sa_offered = kd_bytes(junk, seed % 64),
                                 .sa_configured = kd_bytes(junk, 64),
                                 .ts_offered = {kd_bytes(junk, 33), kd_bytes(junk, seed % 64)},
                                 .ts_configured = {kd_bytes(junk, 64), kd_bytes(NULL, 0)}};
        ike_explain(&r, &env, &x);
        assert_true(x.difference[0] && x.n_rows <= IKE_EXPLAIN_ROWS);
    }
}

#define T(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(ike_lists_show_the_first_type_that_differs),
        T(the_nearest_pair_is_chosen_from_both_lists),
        T(an_aead_against_cbc_is_the_encryption),
        T(pfs_that_the_peer_does_not_offer_is_the_group),
        T(pfs_that_only_the_peer_offers_is_the_group),
        T(esn_that_only_one_side_wants_is_the_difference),
        T(equal_lists_are_no_difference),
        T(a_group_is_no_difference_in_ike_auth),
        T(a_profile_is_replaced_by_both_lists),
        T(what_kedge_does_not_know_gets_no_line),
        T(a_peers_refusal_of_ike_proposals_is_not_guessed),
        T(a_refused_rekey_without_group_means_pfs),
        T(a_refused_rekey_with_group_means_no_pfs),
        T(a_refused_child_in_ike_auth_is_not_pfs),
        T(invalid_ke_names_the_group),
        T(invalid_ke_may_name_a_group_nobody_knows),
        T(selectors_show_the_side_that_does_not_meet),
        T(selectors_that_meet_are_no_difference),
        T(selectors_the_peer_refused_are_mirrored),
        T(another_identity_is_the_difference),
        T(the_right_identity_with_another_key_is_the_key),
        T(any_identity_leaves_the_key),
        T(a_certificate_that_is_not_trusted_is_told_with_its_reason),
        T(our_certificate_may_be_the_one_refused),
        T(a_peer_that_refuses_us_says_neither),
        T(silence_names_what_may_be_in_the_way),
        T(silence_after_ike_sa_init_is_port_4500),
        T(the_data_planes_words_are_kept),
        T(other_reasons_say_that_no_line_helps),
        T(nothing_is_believed_of_broken_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
