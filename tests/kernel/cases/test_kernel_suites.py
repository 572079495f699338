"""kedge with strongSwan on the kernel's ESP: every kind of suite, with and without ESN, either end initiating.

A tunnel for each suite, all of them up beside one another.
"""
import pytest

from ground import Ground, bring_up
from kernel_peers import DATAPLANES, ESP, IKE_500, add_tunnel, kernel_pair, on_the_wire, refused
from lab import xfrm
from lab.sniff import Sniffer
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, charon_rekeys, ping

SUITES = ["aes256-sha1", "aes256-sha1-esn", "aes256-sha256", "aes128-sha512-esn", "aes256gcm16", "aes256gcm16-esn",
          "chacha20poly1305-esn"]


@pytest.fixture(scope="module")
def wide():
    ground = Ground()
    yield ground
    ground.give_up()


@pytest.fixture(scope="module", params=[(d, r) for d in DATAPLANES for r in ("initiator", "responder")], ids="-".join)
def beside(wide, request):
    """The data plane, the topology, and each suite's tunnel: its outer address at the peer, the two inner ones."""
    dataplane, role = request.param
    description = kernel_pair(dataplane, SUITES[0], {"role": role})
    tunnels = {SUITES[0]: ("198.51.100.1", INNER_GATE, INNER_PEER)}
    tunnels.update((esp, add_tunnel(description, number, esp)) for number, esp in enumerate(SUITES[1:], 2))
    lab = wide.take(description)
    with Sniffer(lab["gate"]) as sniffer:
        bring_up(lab)
        assert on_the_wire(sniffer.drain()) - {ESP} == {IKE_500}
    yield dataplane, lab, tunnels
    wide.clear()


def wait_pair(lab, dataplane, esp, outer, pair):
    """Until the peer's kernel, and the gate's with this data plane, has this pair; it is as the suite says."""
    wanted = {(outer, "192.0.2.1", pair["spi_in"]), ("192.0.2.1", outer, pair["spi_out"])}
    for host in [lab["peer"]] + [lab["gate"]] * (dataplane == "xfrm"):
        until(lambda host=host: wanted <= set(xfrm.states(host)), 10, lambda: f"{wanted} in {xfrm.states(host)}", 0.1)
        assert {xfrm.states(host)[sa] for sa in wanted} == {esp.endswith("esn")}
    if dataplane == "tun":
        assert not xfrm.states(lab["gate"])


@pytest.mark.parametrize("esp", SUITES)
def test_plain_esp_passes_both_ways_and_after_a_rekey_by_each(beside, esp):
    dataplane, lab, tunnels = beside
    gate, peer = lab["gate"], lab["peer"]
    number = SUITES.index(esp) + 1
    name, child = (f"{end}{number}" if number > 1 else end for end in ("peer", "gate"))
    outer, here, there = tunnels[esp]
    (pair,) = gate.kedge.tunnel(name)["children"]
    assert pair["suite"] == esp
    with Sniffer(gate) as sniffer:
        wait_pair(lab, dataplane, esp, outer, pair)
        ping(gate, there, here)
        for rekey in (lambda: charon_rekeys(peer.strongswan, "child", child), lambda: gate.kedge.cli("rekey", name)):
            mark = gate.kedge.events.last_seq
            rekey()
            wait_pair(lab, dataplane, esp, outer, gate.kedge.events.wait("child.up", 10, mark, tunnel=name))
            ping(peer, here, there)
        assert on_the_wire(sniffer.drain(), outer) == {IKE_500, ESP}
    assert refused(lab) == {}
