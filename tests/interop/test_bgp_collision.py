"""RFC 4271 6.8 with FRR: both ends call at once, round after round; one session stands each time, and stands at once.

That they do is made certain: kedged is stopped until FRR's call stands in its kernel, with its own attempt overdue."""
import signal

import pytest

from lab.sniff import Sniffer
from lab.topology import Topology, read
from lab.wait import until

ADDRESSES = {"frr": "192.0.2.1", "frr6": "2001:db8:1::1"}
ROUNDS = 3
CEASE_7 = b"\xff" * 16 + b"\x00\x15\x03\x06\x07"


def description(identifier):
    lab = read("bgp-beside")
    del lab["hosts"]["bird"], lab["links"]["two"]
    kedge = lab["hosts"]["router"]["kedge"]
    kedge["router"]["id"] = identifier
    kedge["neighbors"] = [dict(row, **{"connect-retry": "100ms"}) for row in kedge["neighbors"]
                          if row["name"] in ADDRESSES]
    return lab


def call_at_once(kedge, frr):
    """FRR clears its sessions, and calls while kedged stands still."""
    mark = kedge.events.last_seq
    frr.command("clear bgp *")
    for name in ADDRESSES:
        kedge.events.wait("bgp.stop", after=mark, neighbor=name)
    kedge.program.signal(signal.SIGSTOP)
    try:
        for address in ADDRESSES.values():
            until(lambda at=address: frr.state(at) == "OpenSent", 10, f"FRR has called {address}", 0.05)
    finally:
        kedge.program.signal(signal.SIGCONT)
    return mark


@pytest.mark.parametrize("identifier", ["192.0.2.1", "192.0.2.200"])  # below and above FRR's
def test_one_session_stands_after_every_collision_with_frr(identifier):
    with Topology(description(identifier)) as lab:
        kedge, frr = lab["router"].kedge, lab["frr"].frr
        for name in ADDRESSES:
            kedge.wait_established(name)
        with Sniffer(lab["router"]) as four, Sniffer(lab["router"], 6) as six:
            for _ in range(ROUNDS):
                before = {at: frr.neighbor(at)["connectionsEstablished"] for at in ADDRESSES.values()}
                mark = call_at_once(kedge, frr)
                for name, address in ADDRESSES.items():
                    kedge.wait_established(name, after=mark)
                    frr.wait_established(address)
                    assert kedge.neighbor(name)["state"] == "Established"
                    stops = [event for event in kedge.events.drain() if event["event"] == "bgp.stop"
                             and event["seq"] > mark and event["neighbor"] == name]
                    assert len(stops) == 1, stops  # FRR's
                    assert frr.neighbor(address)["connectionsEstablished"] == before[address] + 1
            for sniffer in (four, six):
                told = [packet for packet in sniffer.drain() if CEASE_7 in packet.payload]
                assert len(told) >= ROUNDS, f"{len(told)} collisions in {ROUNDS} rounds: this test proved nothing"
