/* A reload over the control interface: how it is asked for, what it answers, and what a dry one
 * says of each tunnel and neighbor. */
#include "test_control.h"

static void a_reload_is_the_shells_and_answers_in_lines(void **state)
{
    (void)state;
    refused("POST", "/v1/reload", "", "{}", 400);
    refused("GET", "/v1/reload", "", "", 405);
    assert_false(last.reload);
    struct ctl_request req = {.method = "POST", .path = "/v1/reload"};
    ctl_response_done(&last);
    last = ctl_handle(&env, &req);
    assert_true(last.reload == CTL_RELOAD && !last.has_command);
    handle("POST", "/v1/reload", "dry=0", "");
    assert_true(last.reload == CTL_RELOAD);
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

static void a_dry_reload_says_what_a_reload_would(void **state)
{
    (void)state;
    refused("POST", "/v1/reload", "dry=yes", "", 400);
    assert_false(last.reload);
    handle("POST", "/v1/reload", "dry=1", "");
    assert_true(last.reload == CTL_RELOAD_DRY && !last.has_command);
    last = ctl_reloaded(&(struct ctl_reload){.dry = true,
                                             .applied = kd_bytes_str("policies.a\n"),
                                             .warnings = kd_bytes_str("k.yaml:1:1: warning: w\n")});
    json_t *o = json_loadb(last.body, last.len, 0, NULL);
    same(o, "{\"version\":1,\"dry\":true,\"applied\":[\"policies.a\"],\"restart\":[],"
            "\"warnings\":[\"k.yaml:1:1: warning: w\"],\"plan\":[]}");
    json_decref(o);
    ctl_response_done(&last);
    last = ctl_reloaded(
        &(struct ctl_reload){.dry = true, .errors = kd_bytes_str("k.yaml:4:3: error: no\n")});
    assert_int_equal(last.status, 409);
    o = json_loadb(last.body, last.len, 0, NULL);
    same(json_object_get(o, "errors"), "[\"k.yaml:4:3: error: no\"]");
    assert_true(json_is_true(json_object_get(o, "dry")));
    assert_non_null(strstr(json_string_value(json_object_get(o, "error")), "would change nothing"));
    json_decref(o);
}

/* ---- the plan ---- */

static struct core_tunnel_config running_t[2], next_t[2];
static struct core_neighbor_config running_n[1], next_n[1];
static struct core_config running = {.tunnels = running_t, .neighbors = running_n},
                          following = {.tunnels = next_t, .neighbors = next_n};

/* Tunnels a (with a neighbor of the same name, both policies "all") and b, neighbor n; next has a
 * tunnel c in b's place, with a neighbor. */
static void make(void)
{
    running.n_tunnels = following.n_tunnels = 2;
    running.n_neighbors = following.n_neighbors = 1;
    strcpy(running_t[0].ike.name, "a");
    strcpy(running_t[0].neighbor.bgp.name, "a");
    running_t[0].has_neighbor = true;
    running_t[0].neighbor.bgp.import = policies[0];
    strcpy(running_t[1].ike.name, "b");
    strcpy(running_n[0].bgp.name, "n");
    next_t[0] = next_t[1] = running_t[0];
    next_n[0] = running_n[0];
    strcpy(next_t[1].ike.name, "c");
    strcpy(next_t[1].neighbor.bgp.name, "c");
    next_t[1].neighbor.bgp.import = NULL;
}

static void planned(const char *applied, const char *restart, const char *want)
{
    make();
    ctl_response_done(&last);
    last = ctl_reloaded(&(struct ctl_reload){.dry = true,
                                             .now = &running,
                                             .next = &following,
                                             .applied = kd_bytes_str(applied),
                                             .restart = kd_bytes_str(restart)});
    assert_int_equal(last.status, 200);
    json_t *o = json_loadb(last.body, last.len, 0, NULL);
    same(json_object_get(o, "plan"), want);
    json_decref(o);
}

#define ROW(kind, name, state, applied, restart)                                                   \
    "{\"" kind "\":\"" name "\",\"state\":\"" state "\",\"applied\":[" applied                     \
    "],\"restart\":[" restart "]}"
#define COMES_AND_GOES(a, an, n)                                                                   \
    "[" a "," an "," ROW("tunnel", "b", "restart", "", "\"tunnels.b\"") "," n "," ROW(             \
        "tunnel", "c", "restart", "", "\"tunnels.c\"") "," ROW("neighbor", "c", "restart", "",     \
                                                               "\"tunnels.c\"") "]"
#define SWAP "tunnels.c\ntunnels.b\n"

static void a_dry_reload_tells_of_each_tunnel_and_neighbor(void **state)
{
    (void)state;
    planned("", SWAP,
            COMES_AND_GOES(ROW("tunnel", "a", "unchanged", "", ""),
                           ROW("neighbor", "a", "unchanged", "", ""),
                           ROW("neighbor", "n", "unchanged", "", "")));
    planned("tunnels.a.recover\ntunnels.a.neighbor.weight\n", "neighbors.n.hold\n" SWAP,
            COMES_AND_GOES(ROW("tunnel", "a", "updated", "\"tunnels.a.recover\"", ""),
                           ROW("neighbor", "a", "updated", "\"tunnels.a.neighbor.weight\"", ""),
                           ROW("neighbor", "n", "restart", "", "\"neighbors.n.hold\"")));
    planned("neighbors.n.import\n", "neighbors.n.hold\ntunnels.a.profile\n" SWAP,
            COMES_AND_GOES(
                ROW("tunnel", "a", "restart", "", "\"tunnels.a.profile\""),
                ROW("neighbor", "a", "unchanged", "", ""),
                ROW("neighbor", "n", "restart", "\"neighbors.n.import\"", "\"neighbors.n.hold\"")));
}

static void a_changed_policy_is_the_reason_for_whom_it_decides(void **state)
{
    (void)state;
    planned("policies.all\n", SWAP,
            COMES_AND_GOES(ROW("tunnel", "a", "unchanged", "", ""),
                           ROW("neighbor", "a", "updated", "\"policies.all\"", ""),
                           ROW("neighbor", "n", "unchanged", "", "")));
    planned("policies.al\npolicies.all2\n", SWAP "tunnels.ab\nneighbors.no.hold\n",
            COMES_AND_GOES(ROW("tunnel", "a", "unchanged", "", ""),
                           ROW("neighbor", "a", "unchanged", "", ""),
                           ROW("neighbor", "n", "unchanged", "", "")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_reload_is_the_shells_and_answers_in_lines),
        T(a_dry_reload_says_what_a_reload_would),
        T(a_dry_reload_tells_of_each_tunnel_and_neighbor),
        T(a_changed_policy_is_the_reason_for_whom_it_decides),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
