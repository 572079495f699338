"""IPv6 as the outer transport: with strongSwan in both roles (its userspace data plane: ESP in UDP), and between
kedges (ESP by itself); IPv4 and IPv6 inside; listen addresses of both families."""
import re

import pytest

from lab.sniff import IPPROTO_ESP, IPPROTO_UDP, Sniffer
from peers import INNER6, OUTER6_GATE, OUTER6_PEER, charon_rekeys, kedge_pair, ping, ping_both_ways, strongswan_pair6


def outer6(packets):
    """Protocols and ports of what passed the WAN interface over IPv6."""
    return {("esp",) if p.protocol == IPPROTO_ESP else ("udp", *sorted(p.ports)) for p in packets
            if p.interface == "wan0" and p.protocol in (IPPROTO_ESP, IPPROTO_UDP)}


def kedges6(**both):
    description = kedge_pair(both=both, left={"local": OUTER6_GATE, "remote": OUTER6_PEER},
                             right={"local": OUTER6_PEER, "remote": OUTER6_GATE})
    wan = description["links"]["wan"]
    for host, address in (("left", OUTER6_GATE), ("right", OUTER6_PEER)):
        wan[host]["addresses"].append(f"{address}/32")
        description["hosts"][host]["kedge"]["gateway"]["listen"].append(address)
    return description


@pytest.mark.parametrize("role", ["initiator", "responder"])
@pytest.mark.parametrize("inner6", [False, True], ids=["4in6", "6in6"])
def test_a_tunnel_over_ipv6_with_strongswan(build, role, inner6):
    lab, inner = build(strongswan_pair6(role, inner6), start=False), INNER6 if inner6 else ()
    with Sniffer(lab["gate"], 6) as sniffer:
        lab.start_services()
        if role == "responder":
            assert lab["peer"].strongswan.initiate("gate") is None
        lab["gate"].kedge.wait_up("peer")
        ping_both_ways(lab, *inner)
        for step in (lambda: lab["gate"].kedge.cli("rekey", "peer", "--child"),
                     lambda: charon_rekeys(lab["peer"].strongswan, "child")):
            mark = lab["gate"].kedge.events.last_seq
            step()
            lab["gate"].kedge.events.wait("child.up", 10, mark, tunnel="peer")
            ping_both_ways(lab, *inner)
        seen = outer6(sniffer.packets(0.3))
    assert seen == {("udp", 500, 500), ("udp", 4500, 4500)}
    assert lab["gate"].kedge.tunnel("peer")["ike"]["udp_encap"] is True


@pytest.mark.parametrize("encap,wire", [("auto", {("udp", 500, 500), ("esp",)}),
                                        ("always", {("udp", 500, 500), ("udp", 4500, 4500)})])
@pytest.mark.parametrize("esp", ["aes256gcm16-esn", "aes256-sha256"])
def test_esp_over_ipv6_between_kedges(build, encap, wire, esp):
    lab = build(kedges6(encap=encap, esp=[esp]), start=False)
    with Sniffer(lab["left"], 6) as sniffer:
        lab.start_services()
        lab["left"].kedge.wait_up("right")
        lab["right"].kedge.wait_up("left")
        ping(lab["left"], "10.0.2.1", "10.0.1.1", count=10)
        ping(lab["right"], "10.0.1.1", "10.0.2.1", count=10)
        seen = outer6(sniffer.packets(0.3))
    assert seen == wire


@pytest.mark.parametrize("encap", ["auto", "always"])
def test_the_mtu_allows_for_ipv6s_header(build, encap):
    """A packet of the tunnel's MTU leaves in one outer packet of at most 1500 octets; 20 octets more are the outer
    header's, compared with IPv4."""
    lab = build(kedges6(encap=encap), start=False)
    with Sniffer(lab["left"], 6) as sniffer:
        lab.start_services()
        left = lab["left"]
        left.kedge.wait_up("right")
        lab["right"].kedge.wait_up("left")
        mtu = int(re.search(r"mtu (\d+)", left.ip("link", "show", "kedge0")).group(1))
        list(sniffer.packets(0.2))
        left.run("ping", "-n", "-M", "do", "-c", "2", "-i", "0.1", "-W", "1", "-s", str(mtu - 28), "-I", "10.0.1.1",
                 "10.0.2.1")
        sizes = [len(p.raw) for p in sniffer.packets(0.3)
                 if p.interface == "wan0" and p.outgoing and len(p.raw) > 1000]
    assert sizes and 1500 - 16 < max(sizes) <= 1500


def test_both_families_at_once(build):
    """One kedged, a tunnel over each family; what happens to one is nothing to the other."""
    description = kedges6()
    for host, other, here, there in (("left", "right", "192.0.2.1", "192.0.2.2"),
                                     ("right", "left", "192.0.2.2", "192.0.2.1")):
        tunnels = description["hosts"][host]["kedge"]["tunnels"]
        inner = {"left": "10.0.1.2", "right": "10.0.2.2"}
        tunnels.append({**tunnels[0], "name": f"{other}-v4", "local": here, "remote": there, "interface": "kedge1",
                        "address": inner[host],
                        "neighbor": {**tunnels[0]["neighbor"], "address": inner[other]}})
    lab = build(description)
    left, right = lab["left"].kedge, lab["right"].kedge
    for name in ("right", "right-v4"):
        left.wait_up(name)
    for name in ("left", "left-v4"):
        right.wait_up(name)
    ping(lab["left"], "10.0.2.1", "10.0.1.1")
    ping(lab["left"], "10.0.2.2", "10.0.1.2")
    mark = left.events.last_seq
    right.cli("down", "left")
    left.events.wait("tunnel.state", 10, mark, tunnel="right", reason="peer-deleted")
    ping(lab["left"], "10.0.2.2", "10.0.1.2")
    assert left.tunnel("right-v4")["state"] == "up"
