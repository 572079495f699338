"""Two tunnels with 0.0.0.0/0 at once against one strongSwan on the kernel's ESP, as with an active-active gateway."""
import copy

import pytest

from kernel_peers import DATAPLANES, IF_ID, kernel_pair
from lab.sniff import Sniffer
from peers import ping

SECOND = {"outer": "198.51.100.5", "gate": "10.0.1.2", "peer": "10.0.2.2"}


def two_tunnels(dataplane):
    """A second tunnel to a second outer address of the peer; each has its XFRM interface there."""
    description = kernel_pair(dataplane, "aes256gcm16-esn", {"role": "initiator"})
    gate, peer = description["hosts"]["gate"], description["hosts"]["peer"]
    second = copy.deepcopy(gate["kedge"]["tunnels"][0])
    second.update(name="peer2", remote=SECOND["outer"], interface="kedge1", address=SECOND["gate"])
    second["neighbor"]["address"] = SECOND["peer"]
    gate["kedge"]["tunnels"].append(second)
    swan = peer["strongswan"]
    other = copy.deepcopy(swan["connections"]["gate"])
    other.update(local_addrs=[SECOND["outer"]], local={"auth": "psk", "id": SECOND["outer"]})
    other["children"] = {"gate2": {**other["children"]["gate"], "if_id_in": str(IF_ID + 1),
                                   "if_id_out": str(IF_ID + 1)}}
    swan["connections"]["gate2"] = other
    swan["kernel"]["ipsec1"] = IF_ID + 1
    swan["routes"].append(f"{SECOND['gate']}/32 dev ipsec1 src {SECOND['peer']}")
    peer["loopback"] += [f"{SECOND['peer']}/32", f"{SECOND['outer']}/32"]
    description["hosts"]["internet"]["routes"] = [f"{SECOND['outer']}/32 via 198.51.100.1"]
    return description


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_each_of_two_tunnels_with_all_selectors_carries_its_own(up, dataplane):
    lab = up(two_tunnels(dataplane))
    gate, peer = lab["gate"], lab["peer"]
    gate.kedge.wait_up("peer2")
    ways = [("kedge0", "10.0.1.1", "10.0.2.1"), ("kedge1", SECOND["gate"], SECOND["peer"])]
    for device, here, there in ways:
        with Sniffer(gate) as sniffer:
            ping(gate, there, here)
            ping(peer, here, there)
            assert {p.interface for p in sniffer.drain() if p.protocol == 1} == {device}
    mark = gate.kedge.events.last_seq
    peer.strongswan.terminate("gate2")
    gate.kedge.events.wait("tunnel.state", 10, mark, tunnel="peer2", reason="peer-deleted")
    ping(gate, "10.0.2.1", "10.0.1.1")
    ping(peer, "10.0.1.1", "10.0.2.1")
    assert gate.kedge.tunnel("peer")["state"] == "up"
