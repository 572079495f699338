"""Tunnels that begin with traffic, on either data plane: the kernel's ACQUIRE, or the TUN device's first packet."""
import re

import pytest

from kernel_peers import kernel_pair
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, ping_both_ways

BOTH = pytest.mark.parametrize("dataplane", ["tun", "xfrm"])


def knock(gate):
    gate.run("ping", "-n", "-c", "1", "-W", "1", "-I", INNER_GATE, INNER_PEER, check=False)


@pytest.fixture
def waiting(build):
    """A gate whose only way into the tunnel is the operator's route; nothing has been sent."""
    def make(dataplane, **tunnel):
        description = kernel_pair(dataplane, "aes256gcm16", {"start": "on-traffic", **tunnel})
        del description["hosts"]["gate"]["kedge"]["tunnels"][0]["neighbor"]
        lab = build(description, start=False)
        lab.start_services("peer")
        lab.start_services()
        gate = lab["gate"]
        gate.ip("route", "add", f"{INNER_PEER}/32", "dev", "kedge0", "src", INNER_GATE)
        # A packet that finds no SA is not told of again for so long.
        gate.run("sysctl", "-qw", "net.core.xfrm_acq_expires=2")
        return lab
    return make


def state_of(lab):
    tunnel = lab["gate"].kedge.tunnel("peer")
    return tunnel["state"], tunnel["reason"]


@BOTH
def test_a_packet_brings_the_tunnel_up_and_again_after_the_peers_end(waiting, dataplane):
    lab = waiting(dataplane)
    gate, peer = lab["gate"], lab["peer"]
    assert state_of(lab) == ("down", "no-traffic")
    assert gate.kedge.events.find("ike.established") is None
    knock(gate)
    gate.kedge.events.wait("child.up", 15, tunnel="peer")
    ping_both_ways(lab)
    mark = gate.kedge.events.last_seq
    peer.strongswan.terminate("gate")
    gate.kedge.events.wait("ike.closed", 10, mark, tunnel="peer")
    assert state_of(lab) == ("down", "peer-deleted")
    until(lambda: knock(gate) or gate.kedge.events.find("child.up", mark), 20, "the tunnel to come again", 0.2)
    ping_both_ways(lab)


def test_the_trap_is_the_kernels_and_ends_with_the_daemon(waiting):
    lab = waiting("xfrm")
    gate = lab["gate"]

    def policies():
        return re.findall(r"dir (\w+)[^\n]*\n(?:\t[^\n]*\n)*?\t*if_id 0x6b650001", gate.ip("xfrm", "policy"))

    def audited():
        until(lambda: gate.kedge.cli("audit", check=False).returncode == 0, 5,
              lambda: gate.kedge.cli("audit", check=False).stdout, 0.2)

    assert policies() == ["out"], gate.ip("xfrm", "policy")
    audited()
    knock(gate)
    gate.kedge.events.wait("child.up", 15, tunnel="peer")
    assert sorted(policies()) == ["fwd", "in", "out"], gate.ip("xfrm", "policy")
    audited()
    mark = gate.kedge.events.last_seq
    lab["peer"].strongswan.terminate("gate")
    gate.kedge.events.wait("ike.closed", 10, mark, tunnel="peer")
    until(lambda: policies() == ["out"], 5, lambda: gate.ip("xfrm", "policy"))
    audited()
    gate.kedge.stop()
    assert "0x6b65" not in gate.ip("xfrm", "policy")
    until(lambda: "0x6b65" not in gate.ip("xfrm", "state"), 10, lambda: gate.ip("xfrm", "state"))


@BOTH
def test_an_operator_needs_no_packet(waiting, dataplane):
    lab = waiting(dataplane)
    lab["gate"].kedge.cli("up", "peer")
    lab["gate"].kedge.events.wait("child.up", 15, tunnel="peer")
    ping_both_ways(lab)


def test_an_sa_that_somebody_took_away_is_made_anew_by_the_next_packet(up):
    """The outbound policy names it: the kernel tells of the packet, IKE has the rest and makes another pair."""
    lab = up(kernel_pair("xfrm", "aes256gcm16", {"role": "initiator"}))
    gate = lab["gate"]
    gate.run("sysctl", "-qw", "net.core.xfrm_acq_expires=2")
    (child,) = gate.kedge.tunnel("peer")["children"]
    mark = gate.kedge.events.last_seq
    gate.ip("xfrm", "state", "delete", "src", "192.0.2.1", "dst", "198.51.100.1", "proto", "esp", "spi",
            f"0x{child['spi_out']}")
    knock(gate)
    gate.kedge.events.wait("child.up", 15, mark, tunnel="peer")
    assert gate.kedge.events.find("ike.closed", mark) is None
    ping_both_ways(lab)
