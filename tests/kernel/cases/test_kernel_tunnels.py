"""Two tunnels with 0.0.0.0/0 at once against one strongSwan on the kernel's ESP, as with an active-active gateway."""
import pytest

from kernel_peers import DATAPLANES, add_tunnel, kernel_pair
from lab.sniff import Sniffer
from peers import INNER_GATE, INNER_PEER, ping


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_each_of_two_tunnels_with_all_selectors_carries_its_own(up, dataplane):
    description = kernel_pair(dataplane, "aes256gcm16-esn", {"role": "initiator"})
    _outer, second_gate, second_peer = add_tunnel(description, 2)
    lab = up(description)
    gate, peer = lab["gate"], lab["peer"]
    for device, here, there in (("kedge0", INNER_GATE, INNER_PEER), ("kedge1", second_gate, second_peer)):
        with Sniffer(gate) as sniffer:
            ping(gate, there, here)
            ping(peer, here, there)
            assert {p.interface for p in sniffer.drain() if p.protocol == 1} == {device}
    mark = gate.kedge.events.last_seq
    peer.strongswan.terminate("gate2")
    gate.kedge.events.wait("tunnel.state", 10, mark, tunnel="peer2", reason="peer-deleted")
    ping(gate, INNER_PEER, INNER_GATE)
    ping(peer, INNER_GATE, INNER_PEER)
    assert gate.kedge.tunnel("peer")["state"] == "up"
