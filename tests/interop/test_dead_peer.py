"""The coupling: an unreachable tunnel stops its BGP session and clears its routes at once, and nothing leaks."""
import signal

import pytest

from lab.sniff import Sniffer
from lab.topology import Topology, read
from peers import ping_both_ways, strongswan_pair, with_bgp

NEIGHBOR, OURS = "192.168.11.88", "10.17.11.76"
COVERING = "192.168.11.0/24"


def order(events, *names, after):
    """The sequence numbers of the first event of each name after a mark."""
    return [events.wait(name, 15, after, tunnel="peer")["seq"] for name in names]


@pytest.fixture
def established(build):
    lab = build(with_bgp(strongswan_pair(tunnel={"role": "initiator", "detect": "2s", "abandon": "60s"})))
    kedge = lab["gate"].kedge
    kedge.wait_up("peer")
    kedge.wait_established("peer")
    kedge.wait_route("10.2.0.0/24", installed=True)
    return lab


def test_a_killed_charon_is_detected_then_bgp_stops_then_the_fib_is_clear(established):
    gate = established["gate"]
    mark = gate.kedge.events.last_seq
    established["peer"].strongswan.kill()
    seen = order(gate.kedge.events, "tunnel.detect", "bgp.stop", "fib.clear", after=mark)
    assert seen == sorted(seen)
    clear = gate.kedge.events.find("fib.clear", mark, tunnel="peer")
    assert clear["routes"] >= 1 and clear["latency_us"] >= 0
    assert "10.2.0.0/24" not in gate.ip("route")
    assert gate.kedge.tunnel("peer")["state"] == "unreachable"
    neighbor = gate.kedge.neighbor("peer")
    assert neighbor["state"] != "Established" and neighbor["hold_s"] >= 90  # so it was not the hold timer
    assert not any(row["installed"] for row in gate.kedge.routes() if row["neighbor"] == "peer")


def test_the_sas_stay_until_abandon(established):
    gate = established["gate"]
    mark = gate.kedge.events.last_seq
    before = gate.kedge.tunnel("peer")["children"][0]["spi_in"]
    established["peer"].strongswan.kill()
    gate.kedge.events.wait("fib.clear", 15, mark, tunnel="peer")
    row = gate.kedge.tunnel("peer")
    assert row["state"] == "unreachable" and row["children"][0]["spi_in"] == before
    assert gate.kedge.events.find("tunnel.abandon", mark) is None


def test_a_peer_that_returns_before_abandon_is_restored_without_a_handshake(established):
    gate, peer = established["gate"], established["peer"].strongswan
    mark = gate.kedge.events.last_seq
    spis = gate.kedge.tunnel("peer")["ike"]["spi_i"], gate.kedge.tunnel("peer")["children"][0]["spi_in"]
    peer.program.signal(signal.SIGSTOP)
    try:
        gate.kedge.events.wait("fib.clear", 15, mark, tunnel="peer")
    finally:
        peer.program.signal(signal.SIGCONT)
    restored = gate.kedge.events.wait("tunnel.restore", 30, mark, tunnel="peer")
    gate.kedge.wait_established("peer", 30, after=restored["seq"])
    gate.kedge.wait_route("10.2.0.0/24", 20, installed=True)
    assert (gate.kedge.tunnel("peer")["ike"]["spi_i"], gate.kedge.tunnel("peer")["children"][0]["spi_in"]) == spis
    assert gate.kedge.events.find("ike.established", mark) is None
    ping_both_ways(established)


def test_a_restarted_charon_gets_a_new_tunnel_after_abandon(build):
    lab = build(with_bgp(strongswan_pair(tunnel={"role": "initiator", "detect": "1s", "abandon": "4s"})))
    gate, peer = lab["gate"], lab["peer"]
    gate.kedge.wait_established("peer")
    mark = gate.kedge.events.last_seq
    peer.strongswan.kill()
    peer.strongswan.start()
    abandoned = gate.kedge.events.wait("tunnel.abandon", 20, mark, tunnel="peer")
    gate.kedge.wait_up("peer", 30, after=abandoned["seq"])
    gate.kedge.wait_established("peer", 30, after=abandoned["seq"])
    ping_both_ways(lab)


def test_a_break_of_one_direction_only_is_detected(established):
    """Our packets are lost, the peer's still come in: inbound data alone must not keep the tunnel up."""
    gate = established["gate"]
    mark = gate.kedge.events.last_seq
    established["internet"].run("iptables", "-A", "FORWARD", "-s", "192.0.2.1", "-j", "DROP")
    with established["peer"].spawn("traffic", ["ping", "-n", "-q", "-i", "0.1", "10.0.1.1"]).process as traffic:
        try:
            seen = order(gate.kedge.events, "tunnel.detect", "bgp.stop", "fib.clear", after=mark)
        finally:
            traffic.terminate()
    assert seen == sorted(seen)


def covering_description():
    """ExpressRoute whose prefixes cover the neighbor's address."""
    description = read("expressroute-one-tunnel")
    frr = description["hosts"]["onprem"]["frr"]
    frr["bgpd"] = frr["bgpd"].replace("network 10.1.11.0/25\n", f"network 10.1.11.0/25\n  network {COVERING}\n")
    # a short hold time on-prem, so that FRR gives the old session up and tries again, over ExpressRoute
    frr["bgpd"] = frr["bgpd"].replace("neighbor 10.17.11.76 timers 60 180", "neighbor 10.17.11.76 timers 1 3")
    frr["bgpd"] = f"ip prefix-list own seq 10 permit {COVERING}\n" + frr["bgpd"]
    return description


def test_while_the_tunnel_is_down_no_syn_to_the_neighbor_leaves_elsewhere():
    with Topology(covering_description()) as lab:
        azure, onprem = lab["azure"], lab["onprem"]
        azure.kedge.wait_up("onprem")
        azure.kedge.wait_established("onprem")
        azure.kedge.wait_route(COVERING, 20, neighbor="msee", installed=True)
        mark = azure.kedge.events.last_seq
        with Sniffer(azure) as sniffer:
            onprem.strongswan.kill()
            azure.kedge.events.wait("fib.clear", 15, mark, tunnel="onprem")
            assert f"{COVERING} " in azure.ip("route"), "the covering route is what tempts"
            seen = list(sniffer.packets(6))
        leaks = [p for p in seen if p.outgoing and p.interface != "kedge0" and p.protocol == 6
                 and NEIGHBOR in (p.source, p.destination) and 179 in p.ports]
        tempting = [p for p in seen if p.is_syn and p.interface == "er0" and p.destination == OURS]
        answered = [p for p in leaks if p.payload[13] & 0x12 == 0x12]
        assert not [p for p in leaks if p.is_syn], "a SYN to the neighbor left beside the tunnel"
        assert not answered, "the neighbor was answered beside the tunnel"
        assert tempting, "FRR on-prem should have tried over ExpressRoute: this test proved nothing"
        assert azure.kedge.neighbor("onprem")["state"] != "Established"
        assert azure.kedge.neighbor("msee")["state"] == "Established"


def test_before_the_tunnel_was_ever_up_no_syn_to_the_neighbor_leaves_either():
    description = covering_description()
    description["hosts"]["onprem"]["strongswan"]["secrets"]["psk"]["secret"] = "another-key"
    with Topology(description, start=False) as lab, Sniffer(lab["azure"]) as sniffer:
        lab.start_services()
        lab["azure"].kedge.wait_route(COVERING, 20, neighbor="msee", installed=True)
        seen = list(sniffer.packets(4))
        assert not [p for p in seen if p.is_syn and p.outgoing and p.destination == NEIGHBOR]
        assert [p for p in seen if p.is_syn and p.outgoing and p.destination == "100.64.11.17"] or \
            lab["azure"].kedge.neighbor("msee")["state"] == "Established"
