"""A tunnel that begins with its first packet, and whose packets outside go by a device and a mark of their own."""
import pytest

from lab.sniff import Sniffer
from lab.topology import Topology
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, ping_both_ways, strongswan_pair, tunnel_of

MARK, TABLE = 0x10, 300


@pytest.fixture(scope="module")
def lab():
    """Without the mark there is no way to the peer; the operator's route is the only one into the tunnel."""
    description = strongswan_pair({"role": "initiator", "start": "on-traffic"})
    del tunnel_of(description, "gate")["neighbor"]
    gate = description["hosts"]["gate"]
    gate["kedge"]["gateway"]["listen"] = [{"address": "192.0.2.1", "device": "wan0", "mark": MARK}]
    gate["routes"] = [f"default via 192.0.2.2 table {TABLE}"]
    with Topology(description, start=False) as topology:
        topology["gate"].ip("rule", "add", "fwmark", str(MARK), "lookup", str(TABLE))
        topology.start_services("peer")
        with Sniffer(topology["gate"]) as sniffer:
            topology.start_services()
            topology["gate"].ip("route", "add", INNER_PEER, "dev", "kedge0", "src", INNER_GATE)
            topology.before_traffic = [p for p in sniffer.drain() if p.interface == "wan0"]
        yield topology


def knock(gate):
    gate.run("ping", "-n", "-c", "1", "-W", "0.2", INNER_PEER, check=False)


def test_it_waits_and_says_for_what(lab):
    row = lab["gate"].kedge.tunnel("peer")
    assert (row["state"], row["reason"]) == ("down", "no-traffic")
    assert lab.before_traffic == []
    assert lab["gate"].run("ping", "-c", "1", "-W", "1", "198.51.100.1", check=False).returncode != 0


def test_a_packet_brings_it_up_by_the_marks_way(lab):
    gate = lab["gate"]
    knock(gate)
    gate.kedge.events.wait("child.up", 15, tunnel="peer")
    ping_both_ways(lab)


def test_after_the_peers_end_the_next_packet_brings_it_again(lab):
    gate = lab["gate"]
    mark = gate.kedge.events.last_seq
    lab["peer"].strongswan.terminate("gate")
    gate.kedge.events.wait("ike.closed", 10, mark, tunnel="peer")
    assert gate.kedge.tunnel("peer")["state"] == "down"
    until(lambda: knock(gate) or gate.kedge.events.find("child.up", mark), 20, "the tunnel to come again", 0.2)
    ping_both_ways(lab)


def test_an_operator_needs_no_packet(lab):
    gate = lab["gate"]
    mark = gate.kedge.events.last_seq
    gate.kedge.cli("down", "peer")
    gate.kedge.events.wait("tunnel.state", 10, mark, tunnel="peer", state="disabled")
    gate.kedge.cli("up", "peer")
    gate.kedge.events.wait("child.up", 15, mark, tunnel="peer")
