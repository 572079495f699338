/* The control interface's views as Azure shows them: seeds/002, facts/azure.md 5. */
#include "test_control.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(azures_learned_routes_are_the_seeds_rows),
        T(azures_networks_come_first_with_the_neighbors_host_route_and_no_refused_one),
        T(azures_express_route_gateway_is_known_by_its_circuit),
        T(azures_advertised_routes_are_the_seeds_rows),
        T(azures_neighbors_hold_the_gateway_itself_and_a_dead_one_is_connecting),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
