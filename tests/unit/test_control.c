/* The control interface against a core made of stubs: the shapes of the JSON, commands, and the
 * table of routes. */
#include "test_control.h"

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

/* Whoever reads octet by octet gets the same as one who takes much at once. */
static void routes_are_read_in_parts_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 2, 5, 64};
    char *first = NULL;
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(sizes); i++) {
        handle("GET", "/v1/routes", "view=learned", "");
        assert_null(last.body);
        read_rows(&last, sizes[i]);
        if (!first)
            first = strndup(last.body, last.len);
        assert_int_equal(last.len, strlen(first));
        assert_memory_equal(last.body, first, last.len);
    }
    free(first);
}

/* However long the table, and when nothing in it is wanted. */
static void a_part_looks_at_few_routes(void **state)
{
    static char part[8192];
    size_t n, parts = 0;
    (void)state;
    rib_times = 10000;
    for (int wanted = 0; wanted < 2; wanted++) {
        handle("GET", "/v1/routes", wanted ? "" : "prefix=198.51.100.0/24", "");
        toured = 0;
        while ((n = ctl_rows_read(last.rows, &env, part, sizeof(part))) > 0) {
            assert_true(n <= sizeof(part) && toured <= 64);
            toured = 0;
            parts++;
        }
        assert_true(parts > 10000 * n_rib / 64);
    }
    rib_times = 1;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(readiness_needs_a_judge),
        T(status_has_the_contracts_shape),
        T(health_has_the_contracts_shape_and_shows_at_its_neighbors),
        T(status_of_one_tunnel_and_of_an_unknown_one),
        T(neighbors_have_the_contracts_shape),
        T(policies_have_the_contracts_shape),
        T(an_audit_is_the_shells_and_answers_with_place_and_remedy),
        T(routes_have_the_contracts_shape),
        T(routes_are_filtered_by_view_neighbor_and_prefix),
        T(routes_are_read_in_parts_of_any_size),
        T(a_part_looks_at_few_routes),
        T(a_command_is_named_not_run),
        T(a_shutdowns_message_is_taken_whole_or_refused),
        T(explain_has_the_contracts_shape),
        T(a_key_log_needs_the_switch_and_root),
        T(messages_as_mrt_are_a_stream_that_begins_with_nothing),
        T(nothing_refused_is_null_and_strangers_are_a_list),
        T(what_is_not_in_the_table_is_404_405_or_400),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
