/* What the tests of the control interface share: a core made of stubs, and requests to it. */
#ifndef TEST_TEST_CONTROL_H
#define TEST_TEST_CONTROL_H

#include "control/rows.h"

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
static size_t rib_times = 1, toured; /* of a tour */

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
    *v = (struct bfd_session_view){
        .state = BFD_UP, .tx_us = 300000, .rx_us = 300000, .detect_us = 900000};
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

static inline bool shows(enum bgp_rib_view view, uint32_t peer, const struct bgp_route_view *r)
{
    return (view == BGP_VIEW_BEST ? r->best : view == BGP_VIEW_ADVERTISED || !r->local) &&
           (view != BGP_VIEW_LEARNED || peer == CORE_NO_PEER || r->peer == peer);
}

void bgp_rib_walk(const struct bgp *b, enum bgp_rib_view view, uint32_t peer,
                  bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg)
{
    (void)b;
    walked = view;
    walked_peer = peer;
    for (size_t i = 0; i < n_rib; i++)
        if (shows(view, peer, &rib[i]) && !fn(arg, &rib[i]))
            return;
}

/* A table of rib_times the same. */
struct bgp_rib_tour {
    enum bgp_rib_view view;
    uint32_t peer;
    size_t at;
};

struct bgp_rib_tour *bgp_rib_tour_new(const struct bgp *b, enum bgp_rib_view view, uint32_t peer)
{
    struct bgp_rib_tour *t = malloc(sizeof(*t));
    (void)b;
    *t = (struct bgp_rib_tour){view, peer, 0};
    walked = view;
    walked_peer = peer;
    return t;
}

bool bgp_rib_tour_next(struct bgp_rib_tour *t, const struct bgp *b,
                       bool (*fn)(void *arg, const struct bgp_route_view *r), void *arg)
{
    const struct bgp_route_view *r = &rib[t->at % n_rib];
    (void)b;
    if (t->at == rib_times * n_rib)
        return false;
    t->at++;
    toured++;
    if (shows(t->view, t->peer, r))
        (void)fn(arg, r);
    return true;
}

void bgp_rib_tour_free(struct bgp_rib_tour *t)
{
    free(t);
}

static inline bool count(void *arg, struct kd_handle child, struct ctl_counters *c)
{
    (void)arg;
    c->bytes_in = 1000 + child.idx;
    c->dropped_replay = 3;
    return true;
}

static inline struct kd_addr addr(const char *s)
{
    struct kd_addr a;
    assert_true(kd_addr_parse(s, &a));
    return a;
}

static inline struct kd_prefix prefix(const char *s)
{
    struct kd_prefix p;
    assert_true(kd_prefix_parse(s, true, &p));
    return p;
}

static inline void make_tunnels(void)
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

static inline void make_bgp(void)
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

static inline int setup(void **state)
{
    (void)state;
    make_tunnels();
    make_bgp();
    ring = ctl_ring_new();
    env = (struct ctl_env){.ring = ring, .version = "0.1.0", .now_us = NOW, .count = count};
    return ring ? 0 : -1;
}

static inline int teardown(void **state)
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

/* What the client would get of an answer that is made as it reads: few octets at a time. */
static inline void read_rows(struct ctl_response *r, size_t max)
{
    char part[64];
    size_t n;
    while (r->rows && (n = ctl_rows_read(r->rows, &env, part, max)) > 0) {
        assert_in_range(n, 1, max);
        r->body = realloc(r->body, r->len + n);
        memcpy(r->body + r->len, part, n);
        r->len += n;
    }
}

static inline void handle(const char *method, const char *path, const char *q, const char *body)
{
    struct ctl_request req = {method, path, query, (void *)(uintptr_t)q, kd_bytes_str(body),
                              as_root};
    ctl_response_done(&last);
    last = ctl_handle(&env, &req);
}

static inline json_t *ask(const char *method, const char *path, const char *q, const char *body,
                          int status)
{
    handle(method, path, q, body);
    if (last.status != status)
        print_message("%s %s: %s\n", method, path, last.body);
    assert_int_equal(last.status, status);
    read_rows(&last, 7);
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

static inline void refused(const char *method, const char *path, const char *q, const char *body,
                           int status)
{
    json_decref(ask(method, path, q, body, status));
}

/* The value at obj must be what the JSON text says. */
static inline void same(json_t *obj, const char *text)
{
    json_t *want = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(want);
    if (!json_equal(obj, want)) {
        char *got = json_dumps(obj, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        fail_msg("got %s\nnot %s", got, text);
    }
    json_decref(want);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static inline int end(void **state)
{
    (void)state;
    ctl_response_done(&last);
    return 0;
}

#endif
