"""Seeds 000 and 001 on conf/lab/interop-hub-spoke.yaml: who sees whom, by which way, and what Location 1 prefers."""
import ipaddress
import json

import pytest

from lab.topology import Topology
from lab.wait import until
from tables import azure_routes, bird_paths, compare, ios_table, read_rows, tracert, tracerts

NAME = "interop-hub-spoke"
TABLES = read_rows(NAME)
LOCATION_1 = "ASR1000#show ip bgp vpnv4 vrf 30"


@pytest.fixture(scope="module")
def lab():
    with Topology.load(NAME) as topology:
        for tunnel in ("location-1", "branch"):
            topology["gw-vpn"].kedge.wait_established(tunnel)
        yield topology


def test_location_1_prefers_expressroute_by_local_preference(lab):
    compare(TABLES, LOCATION_1, lambda: ios_table(lab["loc1-ce"].frr))


@pytest.mark.parametrize("peer", ["192.168.30.18", "10.10.30.254"])
def test_what_location_1_tells_each_neighbor(lab, peer):
    def told():
        routes = lab["loc1-ce"].frr.show(f"bgp ipv4 unicast neighbors {peer} advertised-routes")["advertisedRoutes"]
        return [f"{prefix} {route['path']}" for prefix, route in sorted(routes.items(), key=by_prefix)]
    compare(TABLES, f"ASR1000#show ip bgp vpnv4 vrf 30 neighbors {peer} advertised-routes", told)


def by_prefix(row):
    return ipaddress.ip_network(row[0])


def test_location_1_redistributes_into_ospf(lab):
    def heard():
        routes = json.loads(lab["loc1-lan"].run("vtysh", "-c", "show ip route ospf json").stdout)
        return [f"{prefix} {route['distance']}/{route['metric']} {hop['ip']}" for prefix, paths in
                sorted(routes.items(), key=by_prefix) for route in paths for hop in route["nexthops"] if "ip" in hop]
    compare(TABLES, "LAN switch, show ip route ospf", heard)


def test_the_tunnel_is_what_location_1_is_configured_for(lab):
    def session():
        row = lab["gw-vpn"].kedge.tunnel("location-1")
        return [" ".join((row["remote"], row["local"], row["ike"]["suite"], *(c["suite"] for c in row["children"])))]

    def route():
        said = lab["loc1-ce"].frr.neighbor("10.10.30.254")
        return [" ".join(lab["loc1-ce"].ip("route", "show", "10.10.30.254").split()[:3]),
                f"Hop count {said.get('externalBgpNbrMaxHopsAway')}"]

    compare(TABLES, "ASR1000#show crypto session", session)
    compare(TABLES, "ASR1000#show ip route vrf 30 10.10.30.254", route)


@pytest.mark.parametrize("which,host", [("hub", "gw-vpn"), ("branch", "gw-vpn-branch")])
def test_what_each_gateway_has_learned(lab, which, host):
    compare(TABLES, f"Get-AzVirtualNetworkGatewayLearnedRoute, {which}",
            lambda: azure_routes(lab[host].kedge, "learned"))


@pytest.mark.parametrize("peer,neighbor", [("10.2.30.125", "location-1"), ("10.11.30.100", "branch")])
def test_what_the_hub_tells_over_each_tunnel(lab, peer, neighbor):
    compare(TABLES, f"Get-AzVirtualNetworkGatewayAdvertisedRoute -Peer {peer}",
            lambda: azure_routes(lab["gw-vpn"].kedge, "advertised", neighbor))


@pytest.mark.parametrize("section,host", [("Location 2, BGP", "loc2-ce"), ("remote virtual network, BGP", "gw-er-remote")])
def test_what_is_seen_over_expressroute_alone(lab, section, host):
    compare(TABLES, section, lambda: bird_paths(lab[host].bird))


def test_the_ways(lab):
    compare(TABLES, "tracert", lambda: tracerts(lab, TABLES["tracert"]))


def test_with_expressroute_1_shut_location_1_goes_by_the_vpn_and_back(lab):
    lab.fault("er1-shut")
    compare(TABLES, f"{LOCATION_1}, the interface to the MSEE shut", lambda: ios_table(lab["loc1-ce"].frr))
    until(lambda: tracert(lab["loc1-vm"], "10.10.30.4")[2:] == ["3 *", "4 10.10.30.4"], 15, "the way through the tunnel")
    lab.mend("er1-shut")
    compare(TABLES, LOCATION_1, lambda: ios_table(lab["loc1-ce"].frr), 30)
