"""A tunnel whose selectors are 0.0.0.0/0 and ::/0 takes everything but what carries it."""
import re

import pytest

from kernel_peers import ESP, IKE, kernel_pair, on_the_kernel, on_the_wire
from lab.sniff import Sniffer
from peers import INNER6, INNER_GATE, INNER_PEER, OUTER6_GATE, ping, ping_both_ways, strongswan_pair6

SUITE = "aes256gcm16"
MARK, TABLE = 0x10, 300


def description_of(dataplane, ipv6):
    """What leaves from the gate's outer address has a way of its own: a route into the tunnel isn't it."""
    if ipv6:
        description = strongswan_pair6("initiator", True, ike=[IKE], esp=[SUITE], detect="20s")
        on_the_kernel(description, dataplane, IKE, SUITE)
    else:
        description = kernel_pair(dataplane, SUITE, {"role": "initiator"})
    gateway = description["hosts"]["gate"]["kedge"]["gateway"]
    way = {"device": "wan0"} if dataplane == "tun" else {"mark": MARK}
    gateway["listen"] = [{"address": address, **way} for address in gateway["listen"]]
    return description


def know_each_other(lab):
    """A policy that drops everything drops neighbor discovery, too."""
    def link_address(host, device):
        return re.search(r"link/ether (\S+)", lab[host].ip("link", "show", device))[1]

    lab["gate"].ip("neigh", "replace", "2001:db8:1::2", "lladdr", link_address("internet", "left0"), "dev", "wan0")
    lab["internet"].ip("neigh", "replace", OUTER6_GATE, "lladdr", link_address("gate", "wan0"), "dev", "left0")


def another_programs_policies(lab, ours, everything):
    """They drop whatever the outer address sends or receives, at the best priority there is."""
    for direction, here, there in (("out", "src", "dst"), ("in", "dst", "src")):
        lab["gate"].ip("xfrm", "policy", "add", here, ours, there, everything, "dir", direction, "priority", "0",
                       "action", "block")


def everything_inside(gate, ipv6):
    family = "-6" if ipv6 else "-4"
    gate.ip(family, "route", "replace", "default", "dev", "kedge0", "metric", "5")
    assert "dev kedge0" in gate.ip(family, "route", "get", "2001:db8:9::9" if ipv6 else "9.9.9.9")


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("dataplane", ["tun", "xfrm"])
def test_neither_policies_nor_a_default_route_take_ike_or_esp(up, dataplane, ipv6):
    family, gateway = ("-6", "2001:db8:1::2") if ipv6 else ("-4", "192.0.2.2")

    def prepare(lab):
        gate = lab["gate"]
        if ipv6:
            know_each_other(lab)
        gate.ip(family, "route", "del", "default")
        gate.ip(family, "route", "add", "default", "via", gateway, "metric", "4000")
        gate.ip(family, "route", "add", "default", "via", gateway, "table", str(TABLE))
        gate.ip(family, "rule", "add", "fwmark", str(MARK), "lookup", str(TABLE))
        another_programs_policies(lab, OUTER6_GATE if ipv6 else "192.0.2.1", "::/0" if ipv6 else "0.0.0.0/0")

    lab = up(description_of(dataplane, ipv6), prepare)
    gate, inner = lab["gate"], INNER6 if ipv6 else (INNER_GATE, INNER_PEER)
    everything_inside(gate, ipv6)
    with Sniffer(gate, 6 if ipv6 else 4) as sniffer:
        ping_both_ways(lab, *inner)
        assert ESP in on_the_wire(sniffer.drain())
    mark = gate.kedge.events.last_seq
    gate.kedge.cli("rekey", "peer")
    gate.kedge.events.wait("ike.rekeyed", 10, mark, tunnel="peer")
    ping_both_ways(lab, *inner)

    gate.kedge.kill()
    gate.kedge.start()
    gate.kedge.wait_up("peer", 30)
    everything_inside(gate, ipv6)
    ping_both_ways(lab, *inner)
    ping(gate, inner[1], inner[0], 20)
