"""A way that narrows between two kedges, with routers that say so (ICMP): over IPv4 with IKE and ESP on UDP port 4500,
over IPv6 with plain ESP. What a router says is a hint; what passes is measured with authenticated requests, at once
instead of at the next time."""
import copy
import re

import pytest

from lab.topology import Topology, read
from lab.wait import until
from peers import ping

LEFT, RIGHT = ("192.0.2.1", "2001:db8:1::1"), ("198.51.100.1", "2001:db8:2::1")
INNER = {"left": ("10.0.1.1", "10.0.1.6"), "right": ("10.0.2.1", "10.0.2.6")}
ROUTERS = {"l0": ("192.0.2.2", "2001:db8:1::2"), "r0": ("198.51.100.2", "2001:db8:2::2")}

FORGE = """
import socket, struct, sys
source, to, mtu = sys.argv[1:]
late = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1500, 1, 0x4000, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(to))
late += struct.pack("!HHHH", 4500, 4500, 1480, 0)
total = sum(struct.unpack(f"!{len(late) // 2}H", late)) + 0x0304 + int(mtu)
total = (total & 0xffff) + (total >> 16)
checksum = ~((total & 0xffff) + (total >> 16)) & 0xffff
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sender:
    sender.sendto(struct.pack("!BBHHH", 3, 4, checksum, 0, int(mtu)) + late, (source, 0))
"""


def description():
    text = read("kedge-pair")
    hosts, links = text["hosts"], text["links"]
    hosts["router"] = {"forward": True}
    del links["wan"]
    for host, dev, own, far, other in (("left", "l0", LEFT, RIGHT, "right"), ("right", "r0", RIGHT, LEFT, "left")):
        links[f"wan-{host}"] = {host: {"dev": "wan0", "addresses": [f"{own[0]}/30", f"{own[1]}/64"]},
                                "router": {"dev": dev, "addresses": [f"{ROUTERS[dev][0]}/30", f"{ROUTERS[dev][1]}/64"]}}
        hosts[host]["routes"] = [f"default via {ROUTERS[dev][0]}", f"::/0 via {ROUTERS[dev][1]}"]
        kedge = hosts[host]["kedge"]
        kedge["gateway"]["listen"] = list(own)
        (tunnel,) = kedge["tunnels"]
        tunnel.update({"local": own[0], "remote": far[0], "encap": "always", "mtu-probe": "1d"})
        six = copy.deepcopy(tunnel)
        six.update({"name": f"{other}6", "local": own[1], "remote": far[1], "encap": "never", "interface": "kedge6",
                    "address": INNER[host][1]})
        six["neighbor"]["address"] = INNER[other][1]
        kedge["tunnels"].append(six)
    return text


@pytest.fixture(scope="module")
def lab():
    with Topology(description()) as topology:
        for name in ("right", "right6"):
            topology["left"].kedge.wait_established(name)
        yield topology


def found(lab, tunnel, mtu, mark):
    """What the event says that passes is what does, and readiness says what to set."""
    kedge = lab["left"].kedge

    def measured():
        for event in kedge.events.drain():
            if event["seq"] > mark and event["event"] == "tunnel.path-mtu" and event["tunnel"] == tunnel:
                passes, wanted, said = re.fullmatch(r"(\d+) of (\d+) octets pass(, as ICMP said)?",
                                                    event["detail"]).groups()
                if int(passes) < int(wanted):
                    return int(passes), said
        return None
    passes, said = until(measured, 60, "a narrow way measured", 0.05)
    path = kedge.tunnel(tunnel)["path_mtu"]
    assert mtu - 3 <= passes <= mtu and path["passes"] == passes, path
    text = until(lambda: (lambda out: out if "mtu-black-hole" in out else None)(
        kedge.cli("readiness", tunnel, check=False).stdout), 30, "the reason")
    assert f"carries datagrams of {passes} octets" in text and f"set mtu: {path['mtu']} and mss:" in text
    return said


def test_over_ipv6_a_long_packet_of_ours_is_enough(lab):
    """A router on the way refuses it and says so; ESP isn't cut up by others than its sender there."""
    kedge = lab["left"].kedge
    lab["router"].run("ip", "-6", "route", "add", f"{RIGHT[1]}/128", "dev", "r0", "mtu", "lock", "1400")
    mark = kedge.events.last_seq
    lab["left"].run("ping", "-c", "1", "-W", "1", "-s", "1380", "-M", "dont", "-I", INNER["left"][1], INNER["right"][1],
                    check=False)
    assert found(lab, "right6", 1400, mark)
    ping(lab["left"], INNER["right"][1], INNER["left"][1])


def test_on_port_4500_a_forged_hint_only_starts_what_finds_the_truth(lab):
    """1300 is a lie; the router's own word about our request comes while that runs."""
    kedge = lab["left"].kedge
    lab["router"].run("ip", "route", "add", f"{RIGHT[0]}/32", "dev", "r0", "mtu", "lock", "1400")
    mark = kedge.events.last_seq
    lab["router"].run("/usr/bin/python3", "-c", FORGE, LEFT[0], RIGHT[0], "1300")
    assert found(lab, "right", 1400, mark)
    assert kedge.tunnel("right")["state"] == "up" and kedge.neighbor("right")["state"] == "Established"
