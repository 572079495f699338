"""Seed 002 on conf/lab/expressroute-backup.yaml: what kedge shows at both ends is the seed's tables, row for row."""
import ipaddress
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


def test_who_is_where(lab):
    def address(host, device):
        return next(a for a in lab[host].ip_json("addr", "show", device)[0]["addr_info"] if a["family"] == "inet")

    def ip(host, device):
        return address(host, device)["local"]

    def interface(host, device):
        return "{local}/{prefixlen}".format(**address(host, device))

    def network(host, device):
        return str(ipaddress.ip_interface(interface(host, device)).network)

    def prefixes():
        sessions = {name: lab["sea-srx42-01"].kedge.neighbor(name) for name in PEERS.values()}
        here = {row["local_address"] for row in sessions.values()}
        azure = lab["gw-vpn-0"].kedge.spec["router"]["azure"]
        return [f"On-premises LAN {network('server', 'eth0')}",
                f"Azure Hub virtual network {' '.join(azure['vnet'])}",
                f"Azure spoke virtual network {' '.join(azure['spokes'])}",
                f"On-premises test server {ip('server', 'eth0')}",
                f"Spoke virtual network test VM {ip('vm', 'eth0')}",
                f"ExpressRoute primary connection P2P subnet {network('sea-mx03-01', 'xe0.110')}",
                f"ExpressRoute secondary connection P2P subnet {network('sea-mx03-02', 'xe0.110')}",
                f"VPN gateway primary BGP peer IP {sessions['azure-primary']['address']}",
                f"VPN gateway secondary BGP peer IP {sessions['azure-secondary']['address']}",
                f"On-premises firewall VPN BGP peer IP {' '.join(here)}",
                f"Primary CE router i/f towards firewall IP {interface('sea-mx03-01', 'ae0.11')}",
                f"Firewall i/f towards primary CE router IP {interface('sea-srx42-01', 'reth1.11')}",
                f"Secondary CE router i/f towards firewall IP {interface('sea-mx03-02', 'ae0.11')}",
                f"Firewall i/f towards secondary CE router IP {interface('sea-srx42-01', 'reth2.11')}"]

    def asns():
        own = lab["sea-srx42-01"].kedge.json("routes")["local"]["asn"]
        msee, er = (lab[host].frr.neighbor(address)["remoteAs"] for host, address in
                    (("sea-mx03-01", "192.168.11.18"), ("msee-01", "100.64.11.18")))
        (vpn,) = {lab["sea-srx42-01"].kedge.neighbor(name)["asn"] for name in PEERS.values()}
        return [f"On-premises {own}", f"Microsoft Enterprise Edge {msee}", f"Virtual Network GW (ExR) {er}",
                f"Virtual Network GW (VPN) {vpn}"]

    compare(TABLES, "key IP prefixes", prefixes)
    compare(TABLES, "ASNs", asns)


def test_bfd_on_both_connections(lab):
    def sessions():
        (frr,) = (row for row in lab["sea-mx03-01"].frr.show("bfd peers", "bfdd") if row["peer"] == "192.168.11.18")
        bird = next(line.split() for line in lab["sea-mx03-02"].bird.show("bfd sessions").splitlines()
                    if line.startswith("192.168.11.22"))
        return [f"SEA-MX03-01 {frr['peer']} {frr['status']} transmit {frr['transmit-interval']} "
                f"receive {frr['receive-interval']} multiplier {frr['detect-multiplier']}",
                f"SEA-MX03-02 {bird[0]} {bird[2].lower()} transmit {float(bird[-2]) * 1000:.0f} "
                f"detection {float(bird[-1]) * 1000:.0f}"]
    compare(TABLES, "show bfd session", sessions)


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
