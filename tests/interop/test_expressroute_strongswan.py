"""Seed 002 with one tunnel on conf/lab/expressroute-strongswan.yaml: strongSwan and FRR are the firewall."""
import pytest

from lab.topology import Topology
from lab.wait import until
from tables import azure_routes, compare, ios_table, read_rows, tracert, tracerts

TABLES = read_rows("expressroute-strongswan")
LEARNED = 'Get-AzVirtualNetworkGatewayLearnedRoute | where {$_.Network -eq "10.1.11.0/25"}'
BY_VPN = "tracert, both peerings disabled"


@pytest.fixture(scope="module")
def lab():
    with Topology.load("expressroute-strongswan") as topology:
        topology["gw-vpn-0"].kedge.wait_established("onprem")
        yield topology


def test_both_ends_have_the_seeds_routes(lab):
    gateway = lab["gw-vpn-0"].kedge
    compare(TABLES, "SEA-SRX42-01, show ip bgp", lambda: ios_table(lab["sea-srx42-01"].frr))
    compare(TABLES, LEARNED, lambda: azure_routes(gateway, "learned", "10.1.11.0/25"))
    compare(TABLES, "Get-AzVirtualNetworkGatewayAdvertisedRoute -Peer 192.168.11.88",
            lambda: azure_routes(gateway, "advertised", "onprem"))


def test_with_both_peerings_disabled_the_tunnel_carries(lab):
    lab.fault("peering-disabled")
    compare(TABLES, BY_VPN, lambda: tracerts(lab, TABLES[BY_VPN]))
    lab.mend("peering-disabled")
    until(lambda: len(tracert(lab["server"], "10.17.11.132")) == 5, 20, "the way over ExpressRoute again")
