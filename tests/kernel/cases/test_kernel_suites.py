"""kedge with strongSwan on the kernel's ESP: every kind of suite, with and without ESN, either end initiating.

One charon for all, as in tests/interop/test_suites.py.
"""
import pytest

from kernel_peers import DATAPLANES, ESP, IKE_500, bring_up, kernel_pair, on_the_wire, refused
from lab.sniff import Sniffer
from lab.topology import Topology
from lab.wait import until
from peers import charon_rekeys, ping_both_ways

SUITES = ["aes256-sha1", "aes256-sha1-esn", "aes256-sha256", "aes128-sha512-esn", "aes256gcm16", "aes256gcm16-esn",
          "chacha20poly1305-esn"]


@pytest.fixture(scope="module")
def shared():
    with Topology(kernel_pair("tun", "aes256gcm16"), start=False) as lab:
        lab.start_services("peer")
        yield lab
        lab["peer"].strongswan.kill()


@pytest.fixture
def meet(shared):
    """meet(description) starts its kedged and lets charon have its connection."""
    def start(description):
        connections = description["hosts"]["peer"]["strongswan"]["connections"]
        shared["peer"].strongswan.load("gate", connections["gate"])
        shared.description["hosts"]["gate"] = description["hosts"]["gate"]
        bring_up(shared)
        return shared

    yield start
    shared["gate"].kedge.stop()
    shared["gate"].kedge = None
    until(lambda: not shared["peer"].strongswan.sas_list(), 10, "charon to have no SA", 0.1)


@pytest.mark.parametrize("esp", SUITES)
@pytest.mark.parametrize("role", ["initiator", "responder"])
@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_plain_esp_passes_both_ways_and_after_a_rekey_by_each(meet, shared, dataplane, role, esp):
    gate, peer = shared["gate"], shared["peer"]
    dropped = refused(peer)
    with Sniffer(gate) as sniffer:
        lab = meet(kernel_pair(dataplane, esp, {"role": role}))
        (child,) = gate.kedge.tunnel("peer")["children"]
        state = peer.ip("xfrm", "state")
        assert child["suite"] == esp and f"spi 0x{child['spi_in']}" in state and f"spi 0x{child['spi_out']}" in state
        assert ("esn" in state) == esp.endswith("esn"), state
        ping_both_ways(lab)
        for step in (lambda: charon_rekeys(peer.strongswan, "child"), lambda: gate.kedge.cli("rekey", "peer")):
            mark = gate.kedge.events.last_seq
            step()
            gate.kedge.events.wait("child.up", 10, mark, tunnel="peer")
            ping_both_ways(lab)
        assert on_the_wire(sniffer.drain()) == {IKE_500, ESP}
    assert refused(peer) == dropped
