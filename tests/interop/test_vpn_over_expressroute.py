"""Seed 001 on conf/lab/vpn-over-expressroute.yaml: a tunnel over Microsoft peering beside private peering."""
import copy

import pytest

from lab.sniff import IPPROTO_ICMP, IPPROTO_UDP, Sniffer
from lab.topology import Topology
from peers import ping
from tables import azure_routes, compare, junos_advertising, junos_table, read_rows, tracerts

NAME = "vpn-over-expressroute"
TABLES = read_rows(NAME)
TABLE = "Location 1, route table"


@pytest.fixture(scope="module")
def lab():
    with Topology.load(NAME) as topology:
        topology["loc1-ce"].kedge.wait_established("azure")
        yield topology


def table(lab):
    return lambda: junos_table(lab["loc1-ce"].kedge, "0.0.0.0/0")


def test_both_peerings_and_the_tunnel_have_their_routes(lab):
    compare(TABLES, TABLE, table(lab))
    for neighbor in ("azure", "private", "microsoft"):
        compare(TABLES, f"Location 1, advertised to {neighbor}",
                lambda neighbor=neighbor: junos_advertising(lab["loc1-ce"].kedge, neighbor))
    compare(TABLES, "Get-AzVirtualNetworkGatewayLearnedRoute", lambda: azure_routes(lab["gw-vpn"].kedge, "learned"))


def test_secure_traffic_goes_through_the_tunnel_and_the_rest_beside_it(lab):
    compare(TABLES, "tracert", lambda: tracerts(lab, TABLES["tracert"]))
    with Sniffer(lab["msee"]) as sniffer:
        ping(lab["secure"], "10.11.30.4")
        ping(lab["plain"], "10.10.30.4")
        seen = list(sniffer.packets(0.3))
    clear = {packet.source for packet in seen if packet.protocol == IPPROTO_ICMP}
    assert clear == {"10.2.30.74", "10.10.30.4"}, clear
    assert {packet.interface for packet in seen if packet.protocol == IPPROTO_UDP or packet.protocol == 50} == \
        {"microsoft", "public"}


def test_the_tunnels_mtu_is_that_of_the_link_not_of_the_loopback_it_starts_from(lab):
    """ESP of 1500 octets at most; the largest that fits crosses, unfragmented."""
    mtu = lab["loc1-ce"].kedge.tunnel("azure")["mtu"]
    assert 1400 <= mtu <= 1446
    ping(lab["loc1-ce"], "10.11.30.4", "10.2.30.1", 1, "-M", "do", "-s", str(mtu - 28))


def test_with_the_same_prefix_on_both_azure_takes_expressroute(lab):
    ce = lab["loc1-ce"]
    spec = ce.kedge.spec
    ce.kedge.spec = copy.deepcopy(spec)
    ce.kedge.spec["policies"]["more-specific"] = spec["policies"]["cust30-to-private"]
    ce.write("kedge.yaml", ce.kedge.config_text(), 0o600)
    ce.kedge.cli("reload")
    compare(TABLES, "Get-AzVirtualNetworkGatewayLearnedRoute, the same prefix on both",
            lambda: azure_routes(lab["gw-vpn"].kedge, "learned"))
    compare(TABLES, "tracert, the same prefix on both",
            lambda: tracerts(lab, TABLES["tracert, the same prefix on both"]))
    ce.kedge.spec = spec
    ce.write("kedge.yaml", ce.kedge.config_text(), 0o600)
    ce.kedge.cli("reload")
    compare(TABLES, "Get-AzVirtualNetworkGatewayLearnedRoute", lambda: azure_routes(lab["gw-vpn"].kedge, "learned"))


def test_without_microsoft_peering_there_is_no_tunnel_and_private_peering_has_it_all(lab):
    kedge = lab["loc1-ce"].kedge
    mark = kedge.events.last_seq
    lab.fault("microsoft-peering-disabled")
    kedge.events.wait("tunnel.detect", 15, mark, tunnel="azure")
    compare(TABLES, f"{TABLE}, Microsoft peering disabled", table(lab))
    lab.mend("microsoft-peering-disabled")
    compare(TABLES, TABLE, table(lab), 30)
