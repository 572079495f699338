"""Where a tunnel's outside and inside are routed: VRF devices, marks; what of it is whose: cards, the MTU."""
import re

import pytest

from kernel_peers import ESP, add_tunnel, kernel_pair, on_the_wire
from lab.sniff import Sniffer
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, ping, ping_both_ways, with_bgp

INSIDE, OUTSIDE, MARKED = 100, 200, 300
BOTH = pytest.mark.parametrize("dataplane", ["tun", "xfrm"])


def pair(dataplane, tunnel=None, esp="aes256gcm16"):
    return kernel_pair(dataplane, esp, {"role": "initiator", **(tunnel or {})})


def kedge_of(description):
    return description["hosts"]["gate"]["kedge"]


def make_vrf(host, name, table):
    host.ip("link", "add", name, "type", "vrf", "table", str(table))
    host.ip("link", "set", name, "up")


def outside_in_a_vrf(lab):
    """The way to the peer is in the VRF's table alone."""
    gate = lab["gate"]
    make_vrf(gate, "red", OUTSIDE)
    gate.ip("link", "set", "wan0", "master", "red")
    gate.ip("route", "add", "default", "via", "192.0.2.2", "vrf", "red")
    assert "192.0.2" not in gate.ip("route", "show", "table", "main")


@BOTH
def test_inside_and_outside_are_two_vrfs(up, dataplane):
    """BGP learns and installs in the inner one's table, ESP and IKE leave by the outer one's."""
    description = with_bgp(pair(dataplane))
    description["hosts"]["peer"]["loopback"].append("10.2.0.1/32")
    kedge_of(description)["router"].update(vrf="blue", table=INSIDE)
    kedge_of(description)["gateway"]["listen"] = [{"address": "192.0.2.1", "device": "red"}]

    def prepare(lab):
        outside_in_a_vrf(lab)
        make_vrf(lab["gate"], "blue", INSIDE)

    lab = up(description, prepare)
    gate, peer = lab["gate"], lab["peer"]
    assert "master blue" in gate.ip("link", "show", "kedge0")
    gate.kedge.wait_established("peer")
    until(lambda: "10.2.0.0/24" in gate.ip("route", "show", "vrf", "blue"), 10, "the route in the VRF's table", 0.1)
    assert not re.search(r"10\.[12]\.0", gate.ip("route", "show", "table", "main"))
    with Sniffer(gate) as sniffer:
        ping(gate, "10.2.0.1", "blue")
        ping(peer, INNER_GATE, INNER_PEER)
        packets = sniffer.drain()
    assert {p.interface for p in packets if p.protocol == 1} >= {"kedge0"}
    assert ESP in on_the_wire(packets)
    mark = gate.kedge.events.last_seq
    gate.kedge.cli("rekey", "peer")
    gate.kedge.events.wait("ike.rekeyed", 10, mark, tunnel="peer")
    ping(gate, "10.2.0.1", "blue")
    gate.kedge.stop()
    assert "10.2.0.0/24" not in gate.ip("route", "show", "vrf", "blue")


@BOTH
def test_each_tunnel_has_a_vrf_of_its_own(up, dataplane):
    """BGP learns in one; the other has its neighbor's host route; neither knows of the other's, nor does main."""
    description = with_bgp(pair(dataplane))
    description["hosts"]["peer"]["loopback"].append("10.2.0.1/32")
    add_tunnel(description, 2)
    for tunnel, name, table in zip(kedge_of(description)["tunnels"], ("blue", "green"), (INSIDE, INSIDE + 1)):
        tunnel.update(vrf=name, table=table)

    def prepare(lab):
        make_vrf(lab["gate"], "blue", INSIDE)
        make_vrf(lab["gate"], "green", INSIDE + 1)

    lab = up(description, prepare)
    gate = lab["gate"]
    gate.kedge.wait_established("peer")
    tables = {"blue": ["10.0.2.1", "10.2.0.0/24"], "green": ["10.0.2.2"]}
    for name, wanted in tables.items():
        until(lambda name=name, wanted=wanted: all(f"{dst} " in gate.ip("route", "show", "vrf", name) for dst in wanted),
              10, lambda name=name: gate.ip("route", "show", "vrf", name), 0.1)
    assert not re.search(r"10\.[02]\.", gate.ip("route", "show", "vrf", "green").replace("10.0.2.2", "").
                         replace("10.0.1.2", ""))
    assert not re.search(r"10\.[02]\.[12]\.", gate.ip("route", "show", "table", "main"))
    ping(gate, "10.2.0.1", "blue")
    ping(gate, "10.0.2.2", "green")
    assert gate.run("ping", "-n", "-c", "1", "-W", "1", "-I", "green", "10.2.0.1", check=False).returncode
    assert [row["vrf"] for row in gate.kedge.json("status")["tunnels"]] == ["blue", "green"]
    gate.kedge.stop()
    for name in tables:
        assert "proto 75" not in gate.ip("route", "show", "vrf", name)


def wait_said(kedge, words):
    """Among the errors; the same one may be told of several times, ever more rarely."""
    def said():
        return any(e["event"] == "kernel.error" and words in e["detail"] for e in kedge.events.drain())
    until(said, 20, f"an error that says: {words}", 0.2)


@BOTH
def test_a_vrf_that_is_not_there_or_another_is_said_and_waited_for(up, dataplane):
    description = pair(dataplane)
    kedge_of(description)["router"].update(vrf="blue", table=INSIDE)
    lab = up(description, lambda lab: make_vrf(lab["gate"], "blue", INSIDE))
    gate = lab["gate"]
    gate.kedge.stop()
    gate.ip("link", "del", "blue")
    make_vrf(gate, "blue", INSIDE + 1)
    gate.kedge.start()
    wait_said(gate.kedge, "VRF blue has table 101, kedge.yaml says 100")
    gate.ip("link", "del", "blue")
    wait_said(gate.kedge, "blue isn't there: ip link add blue type vrf table 100")
    make_vrf(gate, "blue", INSIDE)
    gate.kedge.wait_up("peer", 30)
    ping(lab["peer"], INNER_GATE, INNER_PEER)


@BOTH
def test_a_mark_chooses_the_way_outside(up, dataplane):
    """Without the mark there is no way to the peer at all."""
    def by_mark(lab):
        gate = lab["gate"]
        gate.ip("route", "del", "default")
        gate.ip("route", "add", "default", "via", "192.0.2.2", "table", str(MARKED))
        gate.ip("rule", "add", "fwmark", "0x10", "lookup", str(MARKED))

    description = pair(dataplane)
    kedge_of(description)["gateway"]["listen"] = [{"address": "192.0.2.1", "mark": 0x10}]
    lab = up(description, by_mark)
    ping_both_ways(lab)
    mark = lab["gate"].kedge.events.last_seq
    lab["gate"].kedge.cli("rekey", "peer")
    lab["gate"].kedge.events.wait("ike.rekeyed", 10, mark, tunnel="peer")
    ping_both_ways(lab)


@pytest.mark.parametrize("esp,encap", [("aes256gcm16", False), ("aes256-sha256", True)], ids=["gcm", "cbc-in-udp"])
def test_the_mtu_is_the_suites_and_a_packet_of_it_fills_the_path(up, esp, encap):
    lab = up(pair("xfrm", {"encap": "always"} if encap else None, esp))
    gate = lab["gate"]
    mtu = gate.kedge.tunnel("peer")["mtu"]
    assert f" mtu {mtu} " in gate.ip("link", "show", "kedge0")
    with Sniffer(gate) as sniffer:
        ping(gate, INNER_PEER, INNER_GATE, 3, "-M", "do", "-s", str(mtu - 28))
        outside = [len(p.raw) for p in sniffer.drain() if p.interface == "wan0" and p.protocol in (17, 50)]
    assert 1500 - 16 < max(outside) <= 1500
    too_large = gate.run("ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", str(mtu - 27), "-I", INNER_GATE, INNER_PEER,
                         check=False)
    assert f"mtu={mtu}" in (too_large.stdout + too_large.stderr).replace(" = ", "=")


def test_auto_leaves_an_address_with_a_plain_device_to_tun(up):
    """The kernel's ESP would not go by it."""
    description = pair("auto")
    kedge_of(description)["gateway"]["listen"] = [{"address": "192.0.2.1", "device": "wan0"}]
    lab = up(description)
    daemon = lab["gate"].kedge.json("status")["daemon"]
    assert daemon["dataplane"] == "tun"
    assert "the kernel's ESP heeds no device but a VRF, and wan0 is none" in daemon["dataplane_reason"]
    ping_both_ways(lab)


def test_a_card_that_can_not_leaves_esp_to_the_kernel(up):
    lab = up(pair("xfrm", {"offload": "crypto", "replay-window": 4096}))
    ping_both_ways(lab)
    assert re.search(r"replay_window 4096, bitmap-length 128", lab["gate"].ip("xfrm", "state"))


def test_packet_offload_is_refused_in_the_kernels_own_words(build):
    """Linux 6.1 does not know it."""
    lab = build(pair("xfrm", {"offload": "packet", "offload-device": "wan0"}), start=False)
    lab.start_services("peer")
    lab.start_services()
    events = lab["gate"].kedge.events
    said = events.wait("kernel.error", 20)
    assert (said["reason"], said["detail"]) == ("kernel-refused", "Unrecognized flags in offload request")
    events.wait("ike.refused", 10, tunnel="peer", reason="kernel-refused")
    assert "if_id 0x6b65" not in lab["gate"].ip("xfrm", "state")
