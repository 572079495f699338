"""Seed 002 on conf/lab/expressroute-backup.yaml: what kedge shows at both ends is the seed's tables, row for row."""
import json

import pytest

from lab.kedge import kedge
from lab.topology import Topology
from lab.wait import until
from tables import azure_routes, compare, junos_advertising, junos_receive, junos_table, read_rows, tracert

NAME = "expressroute-backup"
PEERS = {"10.17.11.76": "azure-primary", "10.17.11.77": "azure-secondary"}
INSTANCES = ("gw-vpn-0", "gw-vpn-1")
TABLES = read_rows(NAME)
LEARNED = 'Get-AzVirtualNetworkGatewayLearnedRoute | where {$_.Network -eq "10.1.11.0/25"}'


@pytest.fixture(scope="module")
def lab():
    with Topology.load(NAME) as topology:
        for tunnel in PEERS.values():
            topology["sea-srx42-01"].kedge.wait_established(tunnel)
        yield topology


def gateway(lab, *query):
    """The rows of an active-active gateway are those of its instances, one after the other."""
    return [row for name in query[0] for row in azure_routes(lab[name].kedge, *query[1:])]


@pytest.mark.parametrize("peer", PEERS)
def test_received_and_advertised_over_each_tunnel(lab, peer):
    kedge = lab["sea-srx42-01"].kedge
    compare(TABLES, f"SEA-SRX42-01> show route receive-protocol bgp {peer}", lambda: junos_receive(kedge, PEERS[peer]))
    compare(TABLES, f"SEA-SRX42-01> show route advertising-protocol bgp {peer}",
            lambda: junos_advertising(kedge, PEERS[peer]))


def test_the_ce_routers_tell_the_msees_the_lan_and_nothing_else(lab):
    def told():
        out = lab["sea-mx03-01"].frr.show("bgp ipv4 unicast neighbors 192.168.11.18 advertised-routes")
        return [f"{prefix} {'Self' if row['nextHop'] == '0.0.0.0' else row['nextHop']} {row.get('path', '')} I"
                for prefix, row in out.get("advertisedRoutes", {}).items()]

    def told_by_bird():
        return [f"{line.split()[0]} Self I" for line in
                lab["sea-mx03-02"].bird.show("route export msee").splitlines() if "/" in line.split(" ")[0]]

    compare(TABLES, "SEA-MX03-01> show route advertising-protocol bgp 192.168.11.18", told)
    compare(TABLES, "SEA-MX03-02> show route advertising-protocol bgp 192.168.11.22", told_by_bird)


def test_azures_eight_learned_routes_and_their_weights(lab):
    compare(TABLES, LEARNED, lambda: gateway(lab, reversed(INSTANCES), "learned", "10.1.11.0/25"))


def test_azures_routes_advertised_to_the_firewall(lab):
    compare(TABLES, "Get-AzVirtualNetworkGatewayAdvertisedRoute -Peer 192.168.11.88",
            lambda: gateway(lab, INSTANCES, "advertised", "onprem"))


def test_the_firewalls_route_table(lab):
    kedge = lab["sea-srx42-01"].kedge
    compare(TABLES, "SEA-SRX42-01> show route table Cust11.inet.0 10.17.11.0/24",
            lambda: junos_table(kedge, "10.17.11.0/24"))


def test_the_way_before_during_and_after_both_peerings_are_disabled(lab):
    steady, backup = "tracert 10.17.11.132", "tracert 10.17.11.132, both peerings disabled"
    compare(TABLES, steady, lambda: by_primary(tracert(lab["server"], "10.17.11.132")))
    lab.fault("peering-disabled")
    compare(TABLES, backup, lambda: tracert(lab["server"], "10.17.11.132"))
    lab.mend("peering-disabled")
    compare(TABLES, steady, lambda: by_primary(tracert(lab["server"], "10.17.11.132")))
    until(lambda: len(azure_routes(lab["gw-vpn-0"].kedge, "learned", "10.1.11.0/25")) == 4, 20, "all four paths again")


def test_the_reflector_on_the_vm_answers_udp_probes(lab):
    done = lab["server"].run(kedge(), "--json", "probe", "--to", "10.17.11.132", "--udp=7007", "--duration", "500ms")
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["event"] == "summary" and summary["answered"] == summary["sent"] > 0


def by_primary(hops):
    """The kernel spreads flows over both connections; the seed's went by the primary."""
    return [hop.replace("192.168.11.22", "192.168.11.18") if i == 2 else
            hop.replace("192.168.11.2", "192.168.11.0") if i == 1 else hop for i, hop in enumerate(hops)]
