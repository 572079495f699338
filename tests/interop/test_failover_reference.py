"""Seeds 003 and 004 on conf/lab/failover-reference.yaml: prepended paths instead of preferences, and a health probe
that leaves a circuit whose session stays."""
import pytest

from lab.topology import Topology
from tables import azure_routes, compare, junos_table, read_rows, tracerts

NAME = "failover-reference"
TABLES = read_rows(NAME)
TABLE, LEARNED = "HQ, route table", "Get-AzVirtualNetworkGatewayLearnedRoute"
ADVERTISED = "Get-AzVirtualNetworkGatewayAdvertisedRoute"


@pytest.fixture(scope="module")
def lab():
    with Topology.load(NAME) as topology:
        hq = topology["hq"].kedge
        for neighbor in ("vpn", "expressroute"):
            hq.wait_established(neighbor)
        hq.events.wait("health.up", 20, health="azure")
        yield topology


def steady(lab):
    compare(TABLES, TABLE, lambda: junos_table(lab["hq"].kedge, "10.0.0.0/8"), 30)
    compare(TABLES, LEARNED, lambda: azure_routes(lab["gw-vpn"].kedge, "learned", "10.0.0.0/8"))


def by_the_vpn(lab, why):
    compare(TABLES, f"{TABLE}, {why}", lambda: junos_table(lab["hq"].kedge, "10.0.0.0/8"))
    compare(TABLES, f"{LEARNED}, HQ withdrawn from ExpressRoute",
            lambda: azure_routes(lab["gw-vpn"].kedge, "learned", "10.0.0.0/8"))
    compare(TABLES, f"{ADVERTISED} -Peer 10.2.0.1, HQ withdrawn from ExpressRoute",
            lambda: azure_routes(lab["gw-vpn"].kedge, "advertised", "localsite2"))
    compare(TABLES, "tracert, by the VPN", lambda: tracerts(lab, TABLES["tracert, by the VPN"]))


def test_the_prepended_paths_of_the_vpn_are_the_second_choice_of_both_sides(lab):
    steady(lab)
    compare(TABLES, "tracert", lambda: tracerts(lab, TABLES["tracert"]))


@pytest.mark.parametrize("peer,neighbor", [("10.1.0.1", "hq"), ("10.2.0.1", "localsite2")])
def test_what_azure_tells_each_site(lab, peer, neighbor):
    compare(TABLES, f"{ADVERTISED} -Peer {peer}",
            lambda: azure_routes(lab["gw-vpn"].kedge, "advertised", neighbor))


def test_a_disabled_circuit_moves_the_traffic_and_back(lab):
    lab.fault("expressroute-disabled")
    by_the_vpn(lab, "ExpressRoute disabled")
    lab.mend("expressroute-disabled")
    steady(lab)


def test_a_circuit_that_swallows_packets_is_left_by_the_probe_alone(lab):
    hq = lab["hq"].kedge
    mark = hq.events.last_seq
    lab.fault("expressroute-black-hole")
    hq.events.wait("health.down", 15, mark, health="azure")
    by_the_vpn(lab, "ExpressRoute swallows what it is given")
    assert hq.neighbor("expressroute")["state"] == "Established"
    lab.mend("expressroute-black-hole")
    hq.events.wait("health.up", 20, mark, health="azure")
    steady(lab)
