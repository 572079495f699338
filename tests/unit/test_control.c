/* The control interface against a core made of stubs: the shapes of the JSON, event lines, the
 * ring, the table of routes. */
#include "control/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a core of two tunnels and two neighbors, seen from 10 s after its start ---- */

#define NOW KD_S(10)

static struct core_tunnel_config tunnel_cfg[2];
static struct core_tunnel_view tunnels[2];
static struct bgp_peer_config beside[3];
static uint32_t n_beside;
static struct bgp_peer_view peers[4]; /* the tunnel's, those beside */
static struct bgp_route_view rib[8];
static size_t n_rib;
static enum bgp_rib_view walked;
static uint32_t walked_peer;

const char *const bgp_state_names[] = {"Idle",     "Connect",     "Active",
                                       "OpenSent", "OpenConfirm", "Established"};

uint32_t core_tunnels(const struct core *c)
{
    (void)c;
    return 2;
}

bool core_tunnel_get(const struct core *c, uint32_t tunnel, struct core_tunnel_view *v)
{
    (void)c;
    if (tunnel < 2)
        *v = tunnels[tunnel];
    return tunnel < 2;
}

bool core_tunnel_find(const struct core *c, const char *name, uint32_t *tunnel)
{
    (void)c;
    for (*tunnel = 0; *tunnel < 2; ++*tunnel)
        if (strcmp(tunnel_cfg[*tunnel].ike.name, name) == 0)
            return true;
    return false;
}

static const struct core_stranger_view strangers[] = {
    {.at_us = NOW - KD_S(2), .count = 3, .remote = {{4, {203, 0, 113, 9}}, 500}, .text = "lost"}};

const struct core_stranger_view *core_strangers(const struct core *c, uint32_t *n)
{
    (void)c;
    *n = 1;
    return strangers;
}

static struct bgp_route_map *policies[1];

bool core_peer_next(const struct core *c, uint32_t *peer)
{
    (void)c;
    *peer = *peer == UINT32_MAX ? 0 : *peer == 0 ? CORE_PEER_BESIDE(0) : *peer + 1;
    return *peer < CORE_PEER_BESIDE(n_beside);
}

bool core_bfd_get(const struct core *c, uint32_t peer, struct bfd_session_view *v)
{
    (void)c;
    *v = (struct bfd_session_view){.state = BFD_UP, .tx_us = 300000, .rx_us = 300000,
                                   .detect_us = 900000};
    return peer == 0;
}

static struct core_health_view healths[2];
static uint32_t n_health;

bool core_health_get(const struct core *c, uint32_t health, struct core_health_view *v)
{
    (void)c;
    if (health < n_health)
        *v = healths[health];
    return health < n_health;
}

bool core_steer_get(const struct core *c, uint32_t peer, struct core_steer_view *v)
{
    (void)c;
    (void)peer;
    *v = (struct core_steer_view){
        .steer = {.withdraw = true, .set_local_pref = true, .local_pref = 50, .prepend = 2}};
    return true;
}

uint64_t core_tunnel_recovers_at(const struct core *c, uint32_t tunnel)
{
    (void)c;
    return tunnel ? NOW + KD_S(7) : KD_NEVER;
}

uint64_t core_bfd_recovers_at(const struct core *c, uint32_t peer)
{
    (void)c;
    (void)peer;
    return KD_NEVER;
}

const struct bgp_peer_config *core_peer_config(const struct core *c, uint32_t peer)
{
    (void)c;
    if (peer >= CORE_PEER_BESIDE(0) && peer < CORE_PEER_BESIDE(n_beside))
        return &beside[peer - CORE_PEER_BESIDE(0)];
    return peer == 0 ? &tunnel_cfg[0].neighbor.bgp : NULL;
}

static bool azure_profile;

const struct core_config *core_configuration(const struct core *c)
{
    static struct core_config cfg = {.asn = 65515, .router_id = 0x0a110b4c};
    cfg.azure = azure_profile;
    (void)c;
    cfg.policies = policies;
    cfg.n_policies = 1;
    return &cfg;
}

bool core_peer_find(const struct core *c, const char *name, uint32_t *peer)
{
    for (*peer = UINT32_MAX; core_peer_next(c, peer);)
        if (strcmp(core_peer_config(c, *peer)->name, name) == 0)
            return true;
    return false;
}

const struct bgp *core_bgp(const struct core *c)
{
    (void)c;
    return NULL;
}

enum core_dataplane core_dataplane_of(const struct core *c, const char **why)
{
    (void)c;
    *why = "this kernel has no ESP";
    return CORE_DP_TUN;
}

bool core_fib_get(const struct core *c, uint32_t table, const struct kd_prefix *p, char ifname[16])
{
    (void)c;
    (void)table;
    (void)p;
    strcpy(ifname, "kedge0");
    return true;
}

bool core_fib_way(const struct core *c, uint32_t table, const struct kd_prefix *p, uint32_t peer,
                  const struct kd_addr *nexthop, char ifname[16])
{
    (void)peer;
    (void)nexthop;
    return core_fib_get(c, table, p, ifname);
}

bool bgp_peer_get(const struct bgp *b, uint32_t peer, struct bgp_peer_view *v)
{
    (void)b;
    *v = peers[peer == 0 ? 0 : 1 + peer - CORE_PEER_BESIDE(0)];
    return true;
}

void bgp_rib_walk(const struct bgp *b, enum bgp_rib_view view, uint32_t peer,
                  bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg)
{
    (void)b;
    walked = view;
    walked_peer = peer;
    for (size_t i = 0; i < n_rib; i++)
        if ((view == BGP_VIEW_BEST ? rib[i].best : view == BGP_VIEW_ADVERTISED || !rib[i].local) &&
            (view != BGP_VIEW_LEARNED || peer == CORE_NO_PEER || rib[i].peer == peer) &&
            !fn(arg, &rib[i]))
            return;
}

static bool count(void *arg, struct kd_handle child, struct ctl_counters *c)
{
    (void)arg;
    c->bytes_in = 1000 + child.idx;
    c->dropped_replay = 3;
    return true;
}

static struct kd_addr addr(const char *s)
{
    struct kd_addr a;
    assert_true(kd_addr_parse(s, &a));
    return a;
}

static struct kd_prefix prefix(const char *s)
{
    struct kd_prefix p;
    assert_true(kd_prefix_parse(s, true, &p));
    return p;
}

static void make_tunnels(void)
{
    struct kd_prefix all = prefix("0.0.0.0/0");
    struct core_tunnel_config *t = &tunnel_cfg[0];
    strcpy(t->ike.name, "onprem");
    strcpy(tunnel_cfg[1].ike.name, "spare");
    strcpy(t->ifname, "kedge0");
    t->ike.local = addr("203.0.113.1");
    t->ike.remote = addr("198.51.100.1");
    assert_true(ike_id_parse("203.0.113.1", &t->ike.local_id));
    strcpy(t->neighbor.bgp.name, "onprem");
    t->neighbor.bgp.remote = addr("192.168.11.88");
    t->neighbor.bgp.asn = 65020;
    struct bgp_policy *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    strcpy(p->name, "all");
    p->n = 1;
    p->entry[0].permit = true;
    if (!policies[0])
        policies[0] = bgp_route_map_new(p);
    t->neighbor.bgp.import = t->neighbor.bgp.export = policies[0];
    free(p);
    struct core_tunnel_view *v = &tunnels[0];
    *v = (struct core_tunnel_view){
        .config = t, .state = CORE_T_UP, .since_us = NOW - 3210000, .mtu = 1422};
    v->rehearsal = (struct core_rehearsal_view){.state = CORE_REHEARSAL_PASSED,
                                                .since_us = NOW - KD_S(3),
                                                .took_us = KD_MS(42),
                                                .group = KC_DH_MODP1024};
    v->pmtu = (struct core_pmtu_view){1500, 1400, 1326, NOW - KD_S(1)};
    struct ike_view *k = &v->ike;
    k->established = k->initiator = k->encap = true;
    k->auth = (struct ike_peer_auth){.how = "ecdsa-sha256", .not_after_s = 4102444800};
    memcpy(k->spi_i, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    strcpy(k->suite, "aes256-sha1-modp1024");
    assert_true(ike_id_parse("198.51.100.1", &k->remote_id));
    k->since_us = NOW - KD_S(4);
    k->rekey_at_us = KD_NEVER;
    k->n_children = 1;
    struct ike_child_view *c = &k->children[0];
    *c = (struct ike_child_view){.child = {7, 1},
                                 .spi_in = 0xc1234567,
                                 .spi_out = 0x0000abcd,
                                 .suite = "aes256-sha1",
                                 .encap = true,
                                 .installed = true,
                                 .since_us = NOW,
                                 .rekey_at_us = NOW + KD_S(25650)};
    strcpy(c->name, "web");
    k->n_missing = 1;
    k->missing[0] = (struct ike_missing_view){.name = "db",
                                              .conf = 1,
                                              .refused = KD_REASON_TS_UNACCEPTABLE,
                                              .retry_at_us = NOW + KD_S(3)};
    c->local_ts.n = c->remote_ts.n = 1;
    c->local_ts.ts[0] = c->remote_ts.ts[0] = ike_ts_from_prefix(&all);
    tunnels[1] =
        (struct core_tunnel_view){.config = &tunnel_cfg[1],
                                  .state = CORE_T_DOWN,
                                  .reason = KD_REASON_NO_PROPOSAL,
                                  .refusal = KD_REASON_NO_PROPOSAL,
                                  .refusal_detail = "peer chose none",
                                  .refusal_offered = "aes256-sha1-modp1024, aes128-sha1-modp1024",
                                  .refusal_configured = "aes256-sha256-modp2048",
                                  .rehearsal = {.state = CORE_REHEARSAL_FAILED,
                                                .since_us = NOW - KD_S(1),
                                                .took_us = KD_MS(500),
                                                .reason = KD_REASON_NO_PROPOSAL}};
}

static void make_bgp(void)
{
    memset(beside, 0, sizeof(beside));
    n_beside = 1;
    strcpy(beside[0].name, "msee");
    beside[0].remote = addr("172.16.0.2");
    beside[0].asn = 12076;
    peers[0] = (struct bgp_peer_view){.state = BGP_ESTABLISHED,
                                      .since_us = NOW - KD_S(1),
                                      .remote_router_id = 0xc0a80b58,
                                      .hold_s = 180,
                                      .keepalive_s = 60,
                                      .local = addr("10.17.11.76"),
                                      .received = 1,
                                      .accepted = 1,
                                      .advertised = 2};
    peers[1] = (struct bgp_peer_view){.state = BGP_ACTIVE,
                                      .reason = KD_REASON_TCP_REFUSED,
                                      .last_error = "text of the peer: \xff\n"};
    rib[0] = (struct bgp_route_view){.prefix = prefix("10.1.11.0/25"),
                                     .table = 254,
                                     .best = true,
                                     .carries = true,
                                     .accepted = true,
                                     .valid = true,
                                     .nexthop = addr("192.168.11.88"),
                                     .local_pref = 100,
                                     .n_as = 1,
                                     .as_path = {65020}};
    rib[1] = rib[0];
    rib[1].prefix = prefix("10.2.0.0/16");
    rib[1].ibgp = true;
    rib[1].peer = CORE_PEER_BESIDE(0);
    rib[1].has_med = true;
    rib[1].origin = 2;
    rib[2] =
        (struct bgp_route_view){.prefix = prefix("10.17.11.0/25"), .local = true, .best = true};
    rib[2].accepted = rib[2].valid = true;
    n_rib = 3;
}

static struct ctl_ring *ring;
static struct ctl_env env;

static int setup(void **state)
{
    (void)state;
    make_tunnels();
    make_bgp();
    ring = ctl_ring_new();
    env = (struct ctl_env){.ring = ring, .version = "0.1.0", .now_us = NOW, .count = count};
    return ring ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    ctl_ring_free(ring);
    return 0;
}

/* ---- requests ---- */

static const char *query(void *arg, const char *key) /* "key=value&key=value" */
{
    static char values[4][64]; /* a handler looks at up to three at once */
    static unsigned turn;
    size_t n = strlen(key);
    for (const char *s = arg; s; s = strchr(s, '&') ? strchr(s, '&') + 1 : NULL)
        if (strncmp(s, key, n) == 0 && s[n] == '=') {
            char *v = values[turn++ % 4];
            snprintf(v, 64, "%.*s", (int)strcspn(s + n + 1, "&"), s + n + 1);
            return v;
        }
    return NULL;
}

static struct ctl_response last;

static bool as_root;

static json_t *ask(const char *method, const char *path, const char *q, const char *body,
                   int status)
{
    struct ctl_request req = {method, path, query, (void *)(uintptr_t)q, kd_bytes_str(body),
                              as_root};
    ctl_response_done(&last);
    last = ctl_handle(&env, &req);
    if (last.status != status)
        print_message("%s %s: %s\n", method, path, last.body);
    assert_int_equal(last.status, status);
    json_t *o = json_loadb(last.body, last.len, 0, NULL);
    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(o, "version")), 1);
    if (status >= 400) {
        assert_true(json_string_length(json_object_get(o, "error")) > 0);
        assert_true(json_string_length(json_object_get(o, "remedy")) > 0);
        assert_false(last.has_command);
    }
    return o;
}

static void refused(const char *method, const char *path, const char *q, const char *body,
                    int status)
{
    json_decref(ask(method, path, q, body, status));
}

/* The value at obj must be what the JSON text says. */
static void same(json_t *obj, const char *text)
{
    json_t *want = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(want);
    if (!json_equal(obj, want)) {
        char *got = json_dumps(obj, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        fail_msg("got %s\nnot %s", got, text);
    }
    json_decref(want);
}

static void status_has_the_contracts_shape(void **state)
{
    (void)state;
    json_t *o = ask("GET", "/v1/status", "", "", 200);
    same(json_object_get(o, "daemon"),
         "{\"version\":\"0.1.0\",\"uptime_s\":10.0,\"dataplane\":\"tun\","
         "\"dataplane_reason\":\"this kernel has no ESP\",\"keylog\":null}");
    json_t *list = json_object_get(o, "tunnels");
    assert_int_equal(json_array_size(list), 2);
    same(json_array_get(list, 0),
         "{\"name\":\"onprem\",\"state\":\"up\",\"reason\":\"none\",\"detail\":\"\","
         "\"since_s\":3.21,\"local\":\"203.0.113.1\",\"remote\":\"198.51.100.1\","
         "\"interface\":\"kedge0\",\"vrf\":\"\",\"table\":0,\"mtu\":1422,"
         "\"ike\":{\"established\":true,\"initiator\":true,\"spi_i\":\"0123456789abcdef\","
         "\"spi_r\":\"0000000000000000\",\"suite\":\"aes256-sha1-modp1024\","
         "\"local_id\":\"203.0.113.1\",\"remote_id\":\"198.51.100.1\",\"age_s\":4.0,"
         "\"rekey_in_s\":null,\"udp_encap\":true,"
         "\"auth\":\"ecdsa-sha256\",\"cert_until\":\"2100-01-01T00:00:00Z\"},"
         "\"children\":[{\"spi_in\":\"c1234567\",\"spi_out\":\"0000abcd\","
         "\"suite\":\"aes256-sha1\",\"esn\":false,\"udp_encap\":true,\"installed\":true,"
         "\"age_s\":0.0,\"rekey_in_s\":25650.0,\"local_ts\":[\"0.0.0.0/0\"],"
         "\"remote_ts\":[\"0.0.0.0/0\"],\"bytes_in\":1007,\"bytes_out\":0,\"packets_in\":0,"
         "\"packets_out\":0,\"dropped_replay\":3,\"dropped_auth\":0,\"dropped_ts\":0,"
         "\"name\":\"web\",\"step\":null,\"steps\":null}],"
         "\"missing\":[{\"reason\":\"ts-unacceptable\",\"retry_in_s\":3.0,\"name\":\"db\","
         "\"step\":null,\"steps\":null}],"
         "\"refusal\":null,\"rehearsal\":{\"result\":\"passed\",\"age_s\":3.0,"
         "\"took_s\":0.042,\"reason\":\"none\",\"failed_at\":null,\"pfs\":\"none\","
         "\"ike_group\":\"modp1024\"},\"recovers_in_s\":null,\"path_mtu\":{\"passes\":1400,"
         "\"needed\":1500,\"mtu\":1326,\"age_s\":1.0}}");
    same(json_object_get(o, "health"), "[]");
    json_t *spare = json_array_get(list, 1);
    same(json_object_get(spare, "refusal"),
         "{\"reason\":\"no-proposal\",\"detail\":\"peer chose none\","
         "\"offered\":[\"aes256-sha1-modp1024\",\"aes128-sha1-modp1024\"],"
         "\"configured\":[\"aes256-sha256-modp2048\"]}");
    same(json_object_get(spare, "detail"), "\"peer chose none\"");
    same(json_object_get(spare, "rehearsal"),
         "{\"result\":\"failed\",\"age_s\":1.0,\"took_s\":0.5,\"reason\":\"no-proposal\","
         "\"failed_at\":\"child\",\"pfs\":null,\"ike_group\":null}");
    same(json_object_get(spare, "recovers_in_s"), "7.0");
    assert_true(json_is_null(json_object_get(spare, "path_mtu")));
    same(json_object_get(spare, "remote"), "\"any\"");
    same(json_object_get(json_object_get(spare, "ike"), "established"), "false");
    assert_int_equal(json_object_size(json_object_get(spare, "ike")), 12);
    json_decref(o);
}

/* One through the tunnel, down and answered again; one over a link that was never answered. */
static void make_health(struct core_health_config cfg[2])
{
    cfg[0] = (struct core_health_config){.name = "spoke",
                                         .to.addr = {4, {10, 17, 11, 132}},
                                         .peer = UINT32_MAX,
                                         .then = CORE_THEN_WITHDRAW | CORE_THEN_LOCAL_PREF,
                                         .local_pref = 50,
                                         .n_neighbors = 2,
                                         .neighbor = {0, CORE_PEER_BESIDE(0)}};
    cfg[1] = (struct core_health_config){.name = "web",
                                         .probe = CORE_PROBE_TCP,
                                         .to = {{4, {10, 9, 0, 1}}, 443},
                                         .tunnel = UINT32_MAX,
                                         .peer = UINT32_MAX,
                                         .ifname = "eth1",
                                         .then = CORE_THEN_PREPEND,
                                         .prepend = 3,
                                         .n_neighbors = 1,
                                         .neighbor = {CORE_PEER_BESIDE(0)}};
    healths[0] = (struct core_health_view){.config = &cfg[0],
                                           .state = CORE_HEALTH_DOWN,
                                           .since_us = NOW - KD_S(3),
                                           .rtt_us = 1250,
                                           .up_at_us = NOW + KD_S(4),
                                           .failures = 1,
                                           .sent = 9,
                                           .answered = 6,
                                           .why = ""};
    healths[1] = (struct core_health_view){.config = &cfg[1],
                                           .since_us = NOW,
                                           .up_at_us = KD_NEVER,
                                           .lost = 2,
                                           .sent = 3,
                                           .why = "Connection refused"};
    n_health = 2;
}

static void health_has_the_contracts_shape_and_shows_at_its_neighbors(void **state)
{
    struct core_health_config cfg[2];
    struct core_event_record r = {
        .note = CORE_NOTE_HEALTH_UP, .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER, .health = 1};
    (void)state;
    make_health(cfg);
    json_t *o = ask("GET", "/v1/status", "", "", 200);
    same(json_object_get(o, "health"),
         "[{\"name\":\"spoke\",\"state\":\"down\",\"paused\":false,\"since_s\":3.0,"
         "\"probe\":\"icmp\",\"to\":\"10.17.11.132\",\"port\":null,\"via\":\"onprem\","
         "\"then\":[\"withdraw\",\"local-pref 50\"],\"neighbors\":[\"onprem\",\"msee\"],"
         "\"rtt_ms\":1.25,\"recovers_in_s\":4.0,\"lost_in_a_row\":0,\"failures\":1,\"sent\":9,"
         "\"answered\":6,\"detail\":\"\"},"
         "{\"name\":\"web\",\"state\":\"unknown\",\"paused\":false,\"since_s\":0.0,"
         "\"probe\":\"tcp\",\"to\":\"10.9.0.1\",\"port\":443,\"via\":\"dev eth1\","
         "\"then\":[\"prepend 3\"],\"neighbors\":[\"msee\"],\"rtt_ms\":null,"
         "\"recovers_in_s\":null,\"lost_in_a_row\":2,\"failures\":0,\"sent\":3,"
         "\"answered\":0,\"detail\":\"Connection refused\"}]");
    json_decref(o);
    o = ask("GET", "/v1/bgp/neighbors", "neighbor=msee", "", 200);
    same(json_object_get(json_array_get(json_object_get(o, "neighbors"), 0), "steering"),
         "{\"by\":[\"spoke\"],\"withdraw\":true,\"local_pref\":50,\"prepend\":2,"
         "\"shutdown\":false}");
    json_decref(o);
    assert_string_equal(ctl_event_names(NULL, &r).health, "web");
    r.note = CORE_NOTE_START;
    assert_null(ctl_event_names(NULL, &r).health);
    n_health = 0;
}

static void status_of_one_tunnel_and_of_an_unknown_one(void **state)
{
    (void)state;
    json_t *o = ask("GET", "/v1/status", "tunnel=spare", "", 200);
    json_t *list = json_object_get(o, "tunnels");
    assert_int_equal(json_array_size(list), 1);
    same(json_object_get(json_array_get(list, 0), "name"), "\"spare\"");
    json_decref(o);
    o = ask("GET", "/v1/status", "tunnel=nosuch", "", 404);
    same(o, "{\"version\":1,\"error\":\"there is no tunnel \\\"nosuch\\\"\","
            "\"remedy\":\"there are: onprem, spare\"}");
    json_decref(o);
}

static void neighbors_have_the_contracts_shape(void **state)
{
    (void)state;
    json_t *o = ask("GET", "/v1/bgp/neighbors", "", "", 200);
    same(o, "{\"version\":1,\"neighbors\":["
            "{\"name\":\"onprem\",\"address\":\"192.168.11.88\",\"asn\":65020,"
            "\"state\":\"Established\",\"reason\":\"\",\"since_s\":1.0,"
            "\"router_id\":\"192.168.11.88\",\"hold_s\":180,\"keepalive_s\":60,"
            "\"tunnel\":\"onprem\",\"local_address\":\"10.17.11.76\",\"prefixes_received\":1,"
            "\"prefixes_accepted\":1,\"prefixes_advertised\":2,\"messages_in\":0,"
            "\"messages_out\":0,\"last_error\":\"\",\"bfd\":{\"state\":\"Up\","
            "\"diagnostic\":\"none\",\"reason\":\"\",\"since_s\":10.0,\"transmit_ms\":300.0,"
            "\"receive_ms\":300.0,\"detect_ms\":900.0,\"failures\":0,\"packets_in\":0,"
            "\"packets_out\":0,\"refused\":0,\"recovers_in_s\":null},\"steering\":null,"
            "\"ibgp\":false,\"prefixes_max\":null,\"retry_in_s\":null},"
            "{\"name\":\"msee\",\"address\":\"172.16.0.2\",\"asn\":12076,\"state\":\"Active\","
            "\"reason\":\"tcp-refused\",\"since_s\":10.0,\"router_id\":null,\"hold_s\":0,"
            "\"keepalive_s\":0,\"tunnel\":null,\"local_address\":null,\"prefixes_received\":0,"
            "\"prefixes_accepted\":0,\"prefixes_advertised\":0,\"messages_in\":0,"
            "\"messages_out\":0,\"last_error\":\"text of the peer: "
            "?\\n\",\"bfd\":null,\"steering\":null,\"ibgp\":false,"
            "\"prefixes_max\":null,\"retry_in_s\":null}],"
            "\"local\":{\"asn\":65515,\"router_id\":\"10.17.11.76\"}}");
    json_decref(o);
    o = ask("GET", "/v1/bgp/neighbors", "neighbor=msee", "", 200);
    json_t *list = json_object_get(o, "neighbors");
    assert_int_equal(json_array_size(list), 1);
    same(json_object_get(json_array_get(list, 0), "name"), "\"msee\"");
    json_decref(o);
    refused("GET", "/v1/bgp/neighbors", "neighbor=nosuch", "", 404);
}

static void a_reload_is_the_shells_and_answers_in_lines(void **state)
{
    (void)state;
    refused("POST", "/v1/reload", "", "{}", 400);
    refused("GET", "/v1/reload", "", "", 405);
    assert_false(last.reload);
    struct ctl_request req = {.method = "POST", .path = "/v1/reload"};
    ctl_response_done(&last);
    last = ctl_handle(&env, &req);
    assert_true(last.reload && !last.has_command);
    last = ctl_reloaded(&(struct ctl_reload){.applied = kd_bytes_str("policies.a\npolicies.b\n"),
                                             .restart = kd_bytes_str("gateway.port\n")});
    json_t *o = json_loadb(last.body, last.len, 0, NULL);
    same(o, "{\"version\":1,\"applied\":[\"policies.a\",\"policies.b\"],\"restart\":"
            "[\"gateway.port\"],\"warnings\":[]}");
    json_decref(o);
    ctl_response_done(&last);
    last = ctl_reloaded(&(struct ctl_reload){.errors = kd_bytes_str("k.yaml:4:3: error: no\n")});
    assert_int_equal(last.status, 409);
    o = json_loadb(last.body, last.len, 0, NULL);
    same(json_object_get(o, "errors"), "[\"k.yaml:4:3: error: no\"]");
    json_decref(o);
}

static json_t *audited(const struct core_audit *a)
{
    ctl_response_done(&last);
    last = ctl_audited(env.core, a);
    return json_loadb(last.body, last.len, 0, NULL);
}

static void an_audit_is_the_shells_and_answers_with_place_and_remedy(void **state)
{
    struct core_audit a = {.looked = {[CORE_AUDIT_ROUTE] = 3}};
    struct core_finding f = {.kind = CORE_AUDIT_MISSING,
                             .what = CORE_AUDIT_ROUTE,
                             .tunnel = CORE_NO_TUNNEL,
                             .where = "10.2.0.0/16 metric 20",
                             .detail = "it was there, and is gone",
                             .remedy = "ip route add"};
    struct ctl_request req = {.method = "GET", .path = "/v1/audit"};
    json_t *o;
    (void)state;
    refused("POST", "/v1/audit", "", "", 405);
    ctl_response_done(&last);
    last = ctl_handle(&env, &req);
    assert_true(last.audit && !last.has_command);
    o = audited(&a);
    same(o, "{\"version\":1,\"clean\":true,\"differences\":[],\"in_progress\":[],\"left_out\":0,"
            "\"looked\":{\"sa\":0,\"policy\":0,\"interface\":0,\"address\":0,\"route\":3,"
            "\"next-hop\":0,\"rule\":0}}");
    json_decref(o);
    core_audit_add(&a, &f);
    f.kind = CORE_AUDIT_BUSY;
    core_audit_add(&a, &f);
    o = audited(&a);
    same(json_object_get(o, "clean"), "false");
    same(json_object_get(o, "differences"),
         "[{\"what\":\"route\",\"state\":\"missing\",\"tunnel\":null,\"where\":\"10.2.0.0/16 "
         "metric 20\",\"detail\":\"it was there, and is gone\",\"remedy\":\"ip route add\"}]");
    assert_int_equal(json_array_size(json_object_get(o, "in_progress")), 1);
    json_decref(o);
    for (int i = 0; i < CORE_AUDIT_MAX; i++)
        core_audit_add(&a, &f);
    o = audited(&a);
    same(json_object_get(o, "left_out"), "2");
    json_decref(o);
}

static void policies_have_the_contracts_shape(void **state)
{
    (void)state;
    json_t *o = ask("GET", "/v1/bgp/policies", "policy=all", "", 200);
    same(o, "{\"version\":1,\"policies\":[{\"name\":\"all\",\"neighbors\":["
            "{\"neighbor\":\"onprem\",\"direction\":\"import\"},"
            "{\"neighbor\":\"onprem\",\"direction\":\"export\"}],"
            "\"route_map\":[\"route-map all permit 10\"]}]}");
    json_decref(o);
    refused("GET", "/v1/bgp/policies", "policy=al", "", 404);
}

static void routes_have_the_contracts_shape(void **state)
{
    (void)state;
    json_t *o = ask("GET", "/v1/routes", "", "", 200);
    json_t *list = json_object_get(o, "routes");
    assert_int_equal(walked, BGP_VIEW_BEST);
    assert_int_equal(walked_peer, CORE_NO_PEER);
    assert_int_equal(json_array_size(list), 3);
    same(json_array_get(list, 0),
         "{\"prefix\":\"10.1.11.0/25\",\"best\":true,\"local\":false,\"accepted\":true,"
         "\"next_hop\":\"192.168.11.88\",\"neighbor\":\"onprem\",\"local_pref\":100,"
         "\"med\":null,\"origin\":\"igp\",\"as_path\":[65020],\"interface\":\"kedge0\","
         "\"installed\":true,\"table\":254,\"valid\":true,\"ibgp\":false,"
         "\"communities\":[],\"ext_communities\":[],\"large_communities\":[],\"weight\":0,"
         "\"recursive\":false,\"stale\":false}");
    same(json_object_get(json_array_get(list, 1), "med"), "0");
    same(json_object_get(json_array_get(list, 1), "ibgp"), "true");
    same(json_object_get(o, "local"), "{\"asn\":65515,\"router_id\":\"10.17.11.76\"}");
    same(json_object_get(json_array_get(list, 1), "neighbor"), "\"msee\"");
    same(json_object_get(json_array_get(list, 2), "installed"), "false");
    same(json_object_get(json_array_get(list, 2), "neighbor"), "null");
    json_decref(o);
}

/* ---- as Azure shows them: seeds/002, facts/azure.md 5 ---- */

/* One of the seed's two gateway instances: on-premises through a tunnel, the other instance, both
 * instances of the ExpressRoute gateway, whose routes have the second one as next hop. */
static void make_instance(const char *self, const char *other)
{
    struct bgp_route_view *r = rib;
    n_beside = 3;
    tunnels[0].carrying = true;
    memset(beside, 0, sizeof(beside));
    strcpy(beside[0].name, "other");
    beside[0].remote = addr(other);
    beside[1].remote = addr("10.17.11.68");
    beside[2].remote = addr("10.17.11.69");
    for (int i = 0; i < 4; i++)
        peers[i] = (struct bgp_peer_view){.state = BGP_ESTABLISHED, .local = addr(self)};
    for (int i = 0; i < 3; i++)
        beside[i].asn = 65515;
    for (uint32_t i = 0; i < 4; i++)
        *r++ = (struct bgp_route_view){.prefix = prefix("10.1.11.0/25"),
                                       .accepted = true,
                                       .ibgp = i > 0,
                                       .peer = i == 0 ? 0 : CORE_PEER_BESIDE(i - 1),
                                       .nexthop = i == 0   ? addr("192.168.11.88")
                                                  : i == 1 ? addr(other)
                                                           : addr("10.17.11.69"),
                                       .n_as = i < 2 ? 1 : 2,
                                       .as_path = {i < 2 ? 65020 : 12076, 65020}};
    *r++ = (struct bgp_route_view){
        .prefix = prefix("10.17.11.0/25"), .local = true, .best = true, .accepted = true};
    *r++ = rib[0]; /* refused: the VNet's own */
    r[-1].prefix = prefix("10.17.11.0/26");
    r[-1].accepted = false;
    n_rib = (size_t)(r - rib);
}

static void row(json_t *o, size_t i, const char *local, const char *network, const char *next,
                const char *source, const char *origin, const char *path, int weight)
{
    char want[512];
    snprintf(want, sizeof(want),
             "{\"asPath\":\"%s\",\"localAddress\":\"%s\",\"network\":\"%s\",\"nextHop\":\"%s\","
             "\"origin\":\"%s\",\"sourcePeer\":\"%s\",\"weight\":%d}",
             path, local, network, next, origin, source, weight);
    same(json_array_get(json_object_get(o, "value"), i), want);
}

static void azures_learned_routes_are_the_seeds_rows(void **state)
{
#define P "10.1.11.0/25"
    static const char *const self[] = {"10.17.11.76", "10.17.11.77"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *me = self[i], *other = self[!i];
        make_instance(me, other);
        json_t *o = ask("GET", "/v1/routes", "view=learned&azure=1&prefix=" P, "", 200);
        assert_int_equal(json_array_size(json_object_get(o, "value")), 4);
        row(o, 0, me, P, "192.168.11.88", "192.168.11.88", "EBgp", "65020", 32768);
        row(o, 1, me, P, other, other, "IBgp", "65020", 32768);
        row(o, 2, me, P, "10.17.11.69", "10.17.11.68", "IBgp", "12076-65020", 32769);
        row(o, 3, me, P, "10.17.11.69", "10.17.11.69", "IBgp", "12076-65020", 32769);
        json_decref(o);
    }
#undef P
}

static void
azures_networks_come_first_with_the_neighbors_host_route_and_no_refused_one(void **state)
{
    const char *me = "10.17.11.76";
    (void)state;
    make_instance(me, "10.17.11.77");
    json_t *o = ask("GET", "/v1/routes", "view=learned&azure=1", "", 200);
    assert_int_equal(json_array_size(json_object_get(o, "value")), 6);
    row(o, 0, me, "10.17.11.0/25", "", me, "Network", "", 32768);
    row(o, 1, me, "192.168.11.88/32", "", me, "Network", "", 32768);
    json_decref(o);
    azure_profile = true; /* a network like the others then, in the RIB (here: not) */
    o = ask("GET", "/v1/routes", "view=learned&azure=1", "", 200);
    assert_int_equal(json_array_size(json_object_get(o, "value")), 5);
    json_decref(o);
    azure_profile = false;
    tunnels[0].carrying = false; /* the host route goes with the tunnel */
    o = ask("GET", "/v1/routes", "view=learned&azure=1", "", 200);
    assert_int_equal(json_array_size(json_object_get(o, "value")), 5);
    json_decref(o);
    o = ask("GET", "/v1/routes", "view=learned&azure=0", "", 200); /* not Azure's */
    assert_non_null(json_object_get(o, "routes"));
    json_decref(o);
    refused("GET", "/v1/routes", "view=best&azure=1", "", 400);
    refused("GET", "/v1/routes", "view=learned&azure=yes", "", 400);
    refused("GET", "/v1/bgp/neighbors", "azure=2", "", 400);
}

/* Measured (facts/azure.md 5.2): the VNet's prefixes from both instances of the ExpressRoute
 * gateway weigh 32769 without any path; what the other VPN instance tells does not. */
static void azures_express_route_gateway_is_known_by_its_circuit(void **state)
{
    const char *me = "10.17.11.76", *net = "10.17.11.128/26";
    (void)state;
    make_instance(me, "10.17.11.77");
    for (uint32_t i = 0; i < 3; i++)
        rib[n_rib - 2 + i] = (struct bgp_route_view){.prefix = prefix(net),
                                                     .accepted = true,
                                                     .ibgp = true,
                                                     .peer = CORE_PEER_BESIDE(i),
                                                     .nexthop = beside[i].remote};
    n_rib++;
    json_t *o = ask("GET", "/v1/routes", "view=learned&azure=1&prefix=10.17.11.128/26", "", 200);
    assert_int_equal(json_array_size(json_object_get(o, "value")), 3);
    row(o, 0, me, net, "10.17.11.77", "10.17.11.77", "IBgp", "", 32768);
    row(o, 1, me, net, "10.17.11.68", "10.17.11.68", "IBgp", "", 32769);
    row(o, 2, me, net, "10.17.11.69", "10.17.11.69", "IBgp", "", 32769);
    json_decref(o);
}

static void azures_advertised_routes_are_the_seeds_rows(void **state)
{
    static const char *const self[] = {"10.17.11.76", "10.17.11.77"},
                             *const net[] = {"10.17.11.0/25", "10.17.11.128/26"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        make_instance(self[i], self[!i]);
        for (n_rib = 0; n_rib < 2; n_rib++)
            rib[n_rib] = (struct bgp_route_view){.prefix = prefix(net[n_rib]),
                                                 .accepted = true,
                                                 .nexthop = addr(self[i]),
                                                 .n_as = 1,
                                                 .as_path = {65515}};
        json_t *o = ask("GET", "/v1/routes", "view=advertised&neighbor=onprem&azure=1", "", 200);
        assert_int_equal(json_array_size(json_object_get(o, "value")), 2);
        row(o, 0, self[i], net[0], self[i], "", "Igp", "65515", 0);
        row(o, 1, self[i], net[1], self[i], "", "Igp", "65515", 0);
        json_decref(o);
    }
}

static void azures_neighbors_hold_the_gateway_itself_and_a_dead_one_is_connecting(void **state)
{
    (void)state;
    peers[0].since_us = NOW - KD_S(9) - 1234567 / 10;
    peers[0].msgs_in = 12;
    env.now_us = NOW + 9 * KD_S(86400) + KD_S(10 * 3600 + 19 * 60);
    json_t *o = ask("GET", "/v1/bgp/neighbors", "azure=1", "", 200);
    same(json_object_get(o, "value"),
         "[{\"asn\":65020,\"connectedDuration\":\"9.10:19:09.1234560\",\"localAddress\":"
         "\"10.17.11.76\",\"messagesReceived\":12,\"messagesSent\":0,\"neighbor\":"
         "\"192.168.11.88\",\"routesReceived\":1,\"state\":\"Connected\"},"
         "{\"asn\":12076,\"connectedDuration\":\"\",\"localAddress\":\"\",\"messagesReceived\":0,"
         "\"messagesSent\":0,\"neighbor\":\"172.16.0.2\",\"routesReceived\":0,\"state\":"
         "\"Connecting\"},"
         "{\"asn\":65515,\"connectedDuration\":\"\",\"localAddress\":\"10.17.11.76\","
         "\"messagesReceived\":0,\"messagesSent\":0,\"neighbor\":\"10.17.11.76\","
         "\"routesReceived\":0,\"state\":\"Unknown\"}]");
    json_decref(o);
    peers[1] = (struct bgp_peer_view){.state = BGP_IDLE, .reason = KD_REASON_ADMIN};
    o = ask("GET", "/v1/bgp/neighbors", "azure=1", "", 200);
    same(json_object_get(json_array_get(json_object_get(o, "value"), 1), "state"), "\"Stopped\"");
    json_decref(o);
    peers[1].reason = KD_REASON_HEALTH_DOWN; /* by us as well */
    o = ask("GET", "/v1/bgp/neighbors", "azure=1", "", 200);
    same(json_object_get(json_array_get(json_object_get(o, "value"), 1), "state"), "\"Stopped\"");
    json_decref(o);
    peers[1].reason = KD_REASON_TUNNEL_DOWN;
    o = ask("GET", "/v1/bgp/neighbors", "azure=1", "", 200);
    same(json_object_get(json_array_get(json_object_get(o, "value"), 1), "state"),
         "\"Connecting\"");
    json_decref(o);
}

static size_t n_routes(const char *q)
{
    json_t *o = ask("GET", "/v1/routes", q, "", 200);
    size_t n = json_array_size(json_object_get(o, "routes"));
    json_decref(o);
    return n;
}

static void routes_are_filtered_by_view_neighbor_and_prefix(void **state)
{
    (void)state;
    n_routes("view=learned&neighbor=msee");
    assert_int_equal(walked, BGP_VIEW_LEARNED);
    assert_int_equal(walked_peer, CORE_PEER_BESIDE(0));
    n_routes("view=advertised&neighbor=onprem");
    assert_int_equal(walked, BGP_VIEW_ADVERTISED);
    assert_int_equal(n_routes("prefix=10.1.0.0/16"), 1);
    assert_int_equal(n_routes("prefix=10.1.11.0/26"), 0);
    assert_int_equal(n_routes("prefix=10.1.11.5"), 1);
    assert_int_equal(n_routes("prefix=10.1.11.128"), 0);
    refused("GET", "/v1/routes", "view=advertised", "", 400);
    refused("GET", "/v1/routes", "view=bets", "", 400);
    refused("GET", "/v1/routes", "neighbor=nosuch", "", 404);
    refused("GET", "/v1/routes", "prefix=10.1.0.0/33", "", 400);
}

static void a_command_is_named_not_run(void **state)
{
    static const struct {
        const char *path, *body;
        enum core_command command;
    } rows[] = {
        {"/v1/tunnels/onprem/up", "", CORE_CMD_UP},
        {"/v1/tunnels/onprem/down", "{}", CORE_CMD_DOWN},
        {"/v1/tunnels/onprem/down", "{\"silent\":false}", CORE_CMD_DOWN},
        {"/v1/tunnels/onprem/down", "{\"silent\":true}", CORE_CMD_DOWN_SILENT},
        {"/v1/tunnels/onprem/rekey", "", CORE_CMD_REKEY},
        {"/v1/tunnels/onprem/rekey", "{\"what\":\"child\"}", CORE_CMD_REKEY_CHILD},
        {"/v1/tunnels/onprem/rekey", "{\"what\":\"ike\"}", CORE_CMD_REKEY_IKE},
        {"/v1/tunnels/onprem/rekey", "{\"what\":\"rehearse\"}", CORE_CMD_REHEARSE},
        {"/v1/tunnels/onprem/reset", "", CORE_CMD_RESET},
        {"/v1/neighbors/msee/shutdown", "", CORE_CMD_NEIGHBOR_SHUTDOWN},
        {"/v1/neighbors/msee/enable", "", CORE_CMD_NEIGHBOR_ENABLE},
        {"/v1/neighbors/msee/shutdown", "{\"what\":\"graceful\"}", CORE_CMD_NEIGHBOR_LEAVE},
        {"/v1/neighbors/msee/shutdown", "{\"message\":\"lunch\"}", CORE_CMD_NEIGHBOR_SHUTDOWN},
        {"/v1/neighbors/msee/refresh", "", CORE_CMD_NEIGHBOR_REFRESH},
        {"/v1/neighbors/msee/refresh", "{\"what\":\"in\"}", CORE_CMD_NEIGHBOR_REFRESH_IN},
        {"/v1/neighbors/msee/refresh", "{\"what\":\"out\"}", CORE_CMD_NEIGHBOR_REFRESH_OUT},
    };
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        json_decref(ask("POST", rows[i].path, "", rows[i].body, 200));
        assert_true(last.has_command);
        assert_int_equal(last.command, rows[i].command);
        bool tunnel = strncmp(rows[i].path, "/v1/tunnels", 11) == 0;
        assert_int_equal(last.tunnel, tunnel ? 0 : CORE_NO_TUNNEL);
        assert_int_equal(last.peer, tunnel ? CORE_NO_PEER : CORE_PEER_BESIDE(0));
    }
    json_t *o = ask("POST", "/v1/tunnels/onprem/down", "", "", 200);
    same(o,
         "{\"version\":1,\"tunnel\":\"onprem\",\"command\":\"down\",\"state\":\"up\",\"seq\":0}");
    json_decref(o);
    o = ask("POST", "/v1/tunnels/onprem/rekey", "", "", 200);
    same(json_object_get(o, "pairs"), "1"); /* what a client waits for */
    json_decref(o);
}

static void a_shutdowns_message_is_taken_whole_or_refused(void **state)
{
    char body[300];

    (void)state;
    json_decref(ask("POST", "/v1/neighbors/msee/shutdown", "",
                    "{\"message\":\"gr\xc3\xb6\xc3\x9f" "er\"}", 200));
    assert_string_equal(last.words, "gr\xc3\xb6\xc3\x9f" "er");
    snprintf(body, sizeof(body), "{\"message\":\"%0255d\"}", 0);
    json_decref(ask("POST", "/v1/neighbors/msee/shutdown", "", body, 200));
    assert_int_equal(strlen(last.words), 255);
    snprintf(body, sizeof(body), "{\"message\":\"%0256d\"}", 0);
    refused("POST", "/v1/neighbors/msee/shutdown", "", body, 400);
    refused("POST", "/v1/neighbors/msee/shutdown", "", "{\"message\":\"gr\xf6\"}", 400);
    refused("POST", "/v1/neighbors/msee/shutdown", "", "{\"message\":5}", 400);
    refused("POST", "/v1/neighbors/msee/enable", "", "{\"message\":\"lunch\"}", 400);
}

static void explain_has_the_contracts_shape(void **state)
{
    static const char offered[] = "shown.example", wanted[] = "198.51.100.1";
    static const struct core_refused_view k = {
        .at_us = NOW - KD_S(4),
        .count = 2,
        .remote = {{4, {198, 51, 100, 1}}, 500},
        .r = {.reason = KD_REASON_AUTH_FAILED,
              .exchange = 35,
              .detail = {(const uint8_t *)"why", 3},
              .offered = {(const uint8_t *)offered, sizeof(offered) - 1},
              .configured = {(const uint8_t *)wanted, sizeof(wanted) - 1}}};
    (void)state;
    tunnels[0].refused = &k;
    tunnel_cfg[0].line.tunnel = 9;
    json_t *o = ask("GET", "/v1/explain", "tunnel=onprem", "", 200), *r = NULL;
    r = json_object_get(o, "refused");
    assert_int_equal(json_object_size(r), 15);
    same(json_object_get(r, "age_s"), "4.0");
    same(json_object_get(r, "count"), "2");
    same(json_object_get(r, "reason"), "\"auth-failed\"");
    same(json_object_get(r, "exchange"), "\"IKE_AUTH\"");
    same(json_object_get(r, "heads"), "[\"offered by the peer\",\"configured here\"]");
    same(json_object_get(r, "rows"), "[{\"what\":\"identity\",\"left\":\"shown.example\","
                                     "\"right\":\"198.51.100.1\",\"differs\":true}]");
    same(
        json_array_get(json_object_get(r, "changes"), 0), /* remote-id is not written: its tunnel */
        "{\"side\":\"here\",\"where\":\"kedge.yaml\",\"line\":9,\"key\":\"remote-id\","
        "\"text\":\"remote-id: shown.example\"}");
    tunnel_cfg[0].line.remote_id = 12;
    json_decref(o);
    o = ask("GET", "/v1/explain", "tunnel=onprem", "", 200);
    r = json_object_get(json_object_get(o, "refused"), "changes");
    same(json_object_get(json_array_get(r, 0), "line"), "12");
    same(json_object_get(json_array_get(r, 1), "line"), "null");
    json_decref(o);
}

/* The switch and root, both; and nothing of a key in the answer. */
static void a_key_log_needs_the_switch_and_root(void **state)
{
#define OUT "{\"out\":\"/run/keys\"}"
    (void)state;
    for (int i = 0; i < 3; i++) {
        env.keylog_allowed = i & 1;
        as_root = i & 2;
        refused("POST", "/v1/keylog", "", OUT, 403);
        assert_false(last.follow || last.keylog[0]);
    }
    env.keylog_allowed = as_root = true;
    json_t *o = ask("POST", "/v1/keylog", "", OUT, 200);
    same(o, "{\"version\":1,\"keylog\":\"/run/keys\"}");
    json_decref(o);
    assert_true(last.follow);
    assert_string_equal(last.keylog, "/run/keys");
    assert_int_equal(last.tunnel, CORE_NO_TUNNEL);
    json_decref(ask("POST", "/v1/keylog", "", "{\"out\":\"/k\",\"tunnel\":\"spare\"}", 200));
    assert_int_equal(last.tunnel, 1);
    refused("POST", "/v1/keylog", "", "{\"out\":\"/k\",\"tunnel\":\"nosuch\"}", 404);
    refused("POST", "/v1/keylog", "", "{\"out\":\"keys\"}", 400);
    refused("POST", "/v1/keylog", "", "{\"tunnel\":\"spare\"}", 400);
    refused("POST", "/v1/keylog", "", "{\"out\":\"/k\",\"mode\":1}", 400);
    refused("POST", "/v1/keylog", "", "", 400);
    refused("GET", "/v1/keylog", "", "", 405);
    as_root = false;
#undef OUT
}

static void messages_as_mrt_are_a_stream_that_begins_with_nothing(void **state)
{
    struct ctl_request req = {"GET", "/v1/bgp/mrt/updates", query, NULL, {NULL, 0}, false};
    (void)state;
    ctl_response_done(&last);
    last = ctl_handle(&env, &req);
    assert_int_equal(last.status, 200);
    assert_string_equal(last.type, "application/octet-stream");
    assert_true(last.follow && last.mrt && last.body && last.len == 0);
    refused("POST", "/v1/bgp/mrt/updates", "", "", 405);
    refused("GET", "/v1/bgp/mrt/tables", "", "", 404);
}

static void nothing_refused_is_null_and_strangers_are_a_list(void **state)
{
    (void)state;
    json_t *o = ask("GET", "/v1/explain", "tunnel=spare", "", 200);
    same(o, "{\"version\":1,\"tunnel\":\"spare\",\"refused\":null}");
    json_decref(o);
    o = ask("GET", "/v1/explain", "", "", 200);
    same(o, "{\"version\":1,\"strangers\":[{\"age_s\":2.0,\"count\":3,"
            "\"remote\":\"203.0.113.9:500\",\"detail\":\"lost\"}]}");
    json_decref(o);
    refused("GET", "/v1/explain", "tunnel=nosuch", "", 404);
    refused("POST", "/v1/explain", "", "", 405);
}

static void readiness_needs_a_judge(void **state)
{
    json_t *o = ask("GET", "/v1/readiness", "", "", 200);
    (void)state;
    assert_int_equal(json_object_size(o), 4);
    assert_true(json_is_null(json_object_get(o, "verdict")));
    assert_int_equal(json_array_size(json_object_get(o, "tunnels")), 0);
    json_decref(o);
    refused("GET", "/v1/readiness", "tunnel=nosuch", "", 404);
    refused("POST", "/v1/readiness", "", "", 405);
}

static void what_is_not_in_the_table_is_404_405_or_400(void **state)
{
    (void)state;
    refused("GET", "/", "", "", 404);
    refused("GET", "/v1/statuses", "", "", 404);
    refused("GET", "/v1/status/", "", "", 404);
    refused("POST", "/v1/tunnels//up", "", "", 404);
    refused("POST", "/v1/tunnels/onprem/upp", "", "", 404);
    refused("POST", "/v1/tunnels/a-name-of-more-than-31-characters/up", "", "", 404);
    refused("POST", "/v1/tunnels/nosuch/up", "", "", 404);
    refused("POST", "/v1/neighbors/nosuch/enable", "", "", 404);
    refused("POST", "/v1/status", "", "", 405);
    assert_string_equal(last.allow, "GET");
    refused("GET", "/v1/tunnels/onprem/up", "", "", 405);
    assert_string_equal(last.allow, "POST");
    refused("POST", "/v1/tunnels/onprem/up", "", "{\"silent\":true}", 400);
    refused("POST", "/v1/tunnels/onprem/down", "", "{\"silent\":1}", 400);
    refused("POST", "/v1/tunnels/onprem/down", "", "{\"what\":\"child\"}", 400);
    refused("POST", "/v1/tunnels/onprem/rekey", "", "{\"what\":\"children\"}", 400);
    refused("POST", "/v1/tunnels/onprem/rekey", "", "{\"what\":\"ike\",\"silent\":true}", 400);
    refused("POST", "/v1/tunnels/onprem/rekey", "", "{\"silent\":true}", 400);
    refused("POST", "/v1/tunnels/onprem/down", "", "{\"quiet\":true}", 400);
    refused("POST", "/v1/tunnels/onprem/down", "", "[]", 400);
    refused("POST", "/v1/tunnels/onprem/down", "", "{", 400);
    refused("GET", "/v1/events", "since=-1", "", 400);
    refused("GET", "/v1/events", "since=1x", "", 400);
    refused("GET", "/v1/events", "follow=yes", "", 400);
    refused("POST", "/v1/tunnels/spare/rekey", "", "", 409);
}

/* ---- events ---- */

static struct core_event_record record(enum core_note note)
{
    return (struct core_event_record){
        .note = note, .now_us = 123456, .tunnel = 0, .peer = CORE_NO_PEER};
}

static void expect_event(const struct core_event_record *r, const char *json, const char *log)
{
    struct ctl_names names = ctl_event_names(NULL, r);
    char buf[512];
    char *line = ctl_event_json(r, &names, 17, 1767225600000001);
    assert_non_null(line);
    assert_int_equal(line[strlen(line) - 1], '\n');
    line[strlen(line) - 1] = '\0';
    assert_string_equal(line, json);
    free(line);
    ctl_event_log(r, &names, buf, sizeof(buf));
    assert_string_equal(buf, log);
}

#define HEAD "{\"version\":1,\"seq\":17,\"t_us\":123456,\"wall\":\"2026-01-01T00:00:00.000001Z\","

static void events_are_one_line_of_json_and_one_of_log(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_TUNNEL_STATE);
    r.tstate = CORE_T_UP;
    expect_event(&r,
                 HEAD "\"event\":\"tunnel.state\",\"tunnel\":\"onprem\",\"state\":\"up\","
                      "\"reason\":\"none\"}",
                 "tunnel.state tunnel=onprem state=up reason=none");
    r = record(CORE_NOTE_CHILD_UP);
    r.spi_in = 0xc1234567;
    r.spi_out = 1;
    r.text = kd_bytes_str("aes256-sha1");
    expect_event(&r,
                 HEAD "\"event\":\"child.up\",\"tunnel\":\"onprem\",\"spi_in\":\"c1234567\","
                      "\"spi_out\":\"00000001\",\"suite\":\"aes256-sha1\"}",
                 "child.up tunnel=onprem spi_in=c1234567 spi_out=00000001 suite=aes256-sha1");
    r = record(CORE_NOTE_FIB_CLEAR);
    r.count = 3;
    r.latency_us = 850;
    expect_event(&r,
                 HEAD "\"event\":\"fib.clear\",\"tunnel\":\"onprem\",\"routes\":3,"
                      "\"latency_us\":850}",
                 "fib.clear tunnel=onprem routes=3 latency_us=850");
    r = record(CORE_NOTE_BGP_STATE);
    r.tunnel = CORE_NO_TUNNEL;
    r.peer = CORE_PEER_BESIDE(0);
    r.bstate = BGP_ESTABLISHED;
    expect_event(&r,
                 HEAD "\"event\":\"bgp.state\",\"neighbor\":\"msee\",\"state\":\"Established\","
                      "\"reason\":\"none\"}",
                 "bgp.state neighbor=msee state=Established reason=none");
    r = record(CORE_NOTE_ROUTE_ADD);
    r.peer = 0;
    r.prefix = prefix("10.1.11.0/25");
    r.nexthop = addr("192.168.11.88");
    expect_event(&r,
                 HEAD "\"event\":\"route.add\",\"tunnel\":\"onprem\",\"neighbor\":\"onprem\","
                      "\"prefix\":\"10.1.11.0/25\",\"next_hop\":\"192.168.11.88\"}",
                 "route.add tunnel=onprem neighbor=onprem prefix=10.1.11.0/25 "
                 "next_hop=192.168.11.88");
}

static void a_refusal_lists_both_sides(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_IKE_REFUSED);
    r.reason = KD_REASON_NO_PROPOSAL;
    r.remote = (struct kd_endpoint){addr("198.51.100.1"), 500};
    r.text = kd_bytes_str("no common suite");
    r.offered = kd_bytes_str("aes256-sha1-modp1024, 3des-sha1-modp1024");
    r.configured = kd_bytes_str("aes256-sha256-modp2048");
    expect_event(&r,
                 HEAD "\"event\":\"ike.refused\",\"tunnel\":\"onprem\","
                      "\"reason\":\"no-proposal\",\"remote\":\"198.51.100.1:500\","
                      "\"detail\":\"no common suite\","
                      "\"offered\":[\"aes256-sha1-modp1024\",\"3des-sha1-modp1024\"],"
                      "\"configured\":[\"aes256-sha256-modp2048\"]}",
                 "ike.refused tunnel=onprem reason=no-proposal remote=198.51.100.1:500 "
                 "detail=\"no common suite\" "
                 "offered=\"aes256-sha1-modp1024, 3des-sha1-modp1024\" "
                 "configured=aes256-sha256-modp2048");
}

static void a_peers_text_cannot_forge_a_line(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_BGP_ERROR);
    r.text = kd_bytes_str("x\nchild.up tunnel=onprem\x1b[2J\xff");
    expect_event(&r,
                 HEAD "\"event\":\"bgp.error\",\"tunnel\":\"onprem\",\"reason\":\"none\","
                      "\"detail\":\"x\\nchild.up tunnel=onprem\\u001B[2J?\"}",
                 "bgp.error tunnel=onprem reason=none "
                 "detail=\"x\\nchild.up tunnel=onprem\\u001B[2J?\"");
}

static void a_log_line_is_cut_at_its_buffer(void **state)
{
    (void)state;
    struct core_event_record r = record(CORE_NOTE_KERNEL_ERROR);
    struct ctl_names names = {"onprem", NULL};
    char buf[24];
    r.text = kd_bytes_str("no such device and more");
    ctl_event_log(&r, &names, buf, sizeof(buf));
    assert_string_equal(buf, "kernel.error tunnel=onp");
}

static void every_event_has_a_name_and_both_forms(void **state)
{
    (void)state;
    for (int i = 0; i < CORE_NOTE_N; i++) {
        struct core_event_record r = record((enum core_note)i);
        struct ctl_names names = ctl_event_names(NULL, &r);
        char buf[256];
        char *line = ctl_event_json(&r, &names, 1, 0);
        assert_non_null(strstr(line, core_note_names[i]));
        free(line);
        ctl_event_log(&r, &names, buf, sizeof(buf));
        assert_int_equal(strncmp(buf, core_note_names[i], strlen(core_note_names[i])), 0);
    }
}

/* ---- the ring ---- */

static void fill(unsigned n)
{
    struct core_event_record r = record(CORE_NOTE_RESTORE);
    struct ctl_names names = {"onprem", NULL};
    for (unsigned i = 0; i < n; i++)
        assert_non_null(ctl_ring_add(ring, &r, &names, 0));
}

/* How many lines since, and the first one's number. */
static unsigned lines_since(uint64_t since, uint64_t *first)
{
    size_t len;
    unsigned n = 0;
    char *s = ctl_ring_since(ring, since, &len);
    assert_non_null(s);
    assert_int_equal(strlen(s), len);
    *first = 0;
    sscanf(s, "{\"version\":1,\"seq\":%" SCNu64, first);
    for (const char *p = s; (p = strchr(p, '\n')) != NULL; p++)
        n++;
    free(s);
    return n;
}

static void the_ring_gives_what_came_after_a_number(void **state)
{
    uint64_t first;
    (void)state;
    assert_int_equal(lines_since(0, &first), 0);
    fill(3);
    assert_int_equal(ctl_ring_last(ring), 3);
    assert_int_equal(lines_since(0, &first), 3);
    assert_int_equal(first, 1);
    assert_int_equal(lines_since(2, &first), 1);
    assert_int_equal(first, 3);
    assert_int_equal(lines_since(3, &first), 0);
    assert_int_equal(lines_since(UINT64_MAX, &first), 0);
}

static void the_ring_keeps_the_last_4096(void **state)
{
    uint64_t first;
    (void)state;
    fill(CTL_RING_MAX + 5);
    assert_int_equal(lines_since(0, &first), CTL_RING_MAX);
    assert_int_equal(first, 6);
    assert_int_equal(lines_since(CTL_RING_MAX + 4, &first), 1);
    assert_int_equal(first, CTL_RING_MAX + 5);
}

static void events_are_asked_for_and_followed(void **state)
{
    (void)state;
    fill(2);
    struct ctl_request req = {
        "GET", "/v1/events", query, (void *)(uintptr_t) "since=1&follow=1", {NULL, 0}};
    struct ctl_response r = ctl_handle(&env, &req);
    assert_int_equal(r.status, 200);
    assert_true(r.follow);
    assert_non_null(strstr(r.body, "\"seq\":2,"));
    assert_null(strstr(r.body, "\"seq\":1,"));
    ctl_response_done(&r);
    req.query_arg = (void *)(uintptr_t) "since=0";
    r = ctl_handle(&env, &req);
    assert_false(r.follow);
    ctl_response_done(&r);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static int end(void **state)
{
    (void)state;
    ctl_response_done(&last);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(readiness_needs_a_judge),
        T(status_has_the_contracts_shape),
        T(health_has_the_contracts_shape_and_shows_at_its_neighbors),
        T(status_of_one_tunnel_and_of_an_unknown_one),
        T(neighbors_have_the_contracts_shape),
        T(policies_have_the_contracts_shape),
        T(a_reload_is_the_shells_and_answers_in_lines),
        T(an_audit_is_the_shells_and_answers_with_place_and_remedy),
        T(routes_have_the_contracts_shape),
        T(routes_are_filtered_by_view_neighbor_and_prefix),
        T(azures_learned_routes_are_the_seeds_rows),
        T(azures_networks_come_first_with_the_neighbors_host_route_and_no_refused_one),
        T(azures_express_route_gateway_is_known_by_its_circuit),
        T(azures_advertised_routes_are_the_seeds_rows),
        T(azures_neighbors_hold_the_gateway_itself_and_a_dead_one_is_connecting),
        T(a_command_is_named_not_run),
        T(a_shutdowns_message_is_taken_whole_or_refused),
        T(explain_has_the_contracts_shape),
        T(a_key_log_needs_the_switch_and_root),
        T(messages_as_mrt_are_a_stream_that_begins_with_nothing),
        T(nothing_refused_is_null_and_strangers_are_a_list),
        T(what_is_not_in_the_table_is_404_405_or_400),
        T(events_are_one_line_of_json_and_one_of_log),
        T(a_refusal_lists_both_sides),
        T(a_peers_text_cannot_forge_a_line),
        T(a_log_line_is_cut_at_its_buffer),
        T(every_event_has_a_name_and_both_forms),
        T(the_ring_gives_what_came_after_a_number),
        T(the_ring_keeps_the_last_4096),
        T(events_are_asked_for_and_followed),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
