"""A NAT between kedge and strongSwan, in front of either of them: rekeys through it, and a mapping that changes under traffic."""
import re

import pytest

from lab.sniff import IPPROTO_UDP, Sniffer
from lab.topology import Topology
from lab.wait import until
from peers import charon_rekeys, ping_both_ways, strongswan_pair

FIRST, SECOND = "20000-20100", "30000-30100"


def masquerade(lab, device, ports, add="-A"):
    lab["internet"].run("iptables", "-t", "nat", add, "POSTROUTING", "-o", device, "-p", "udp", "-j", "MASQUERADE",
                        "--to-ports", ports)


def remap(lab, device):
    """The NAT forgets its mappings, as when it is restarted, and makes others: MASQUERADE drops them with its link."""
    masquerade(lab, device, FIRST, "-D")
    masquerade(lab, device, SECOND)
    lab["internet"].ip("link", "set", device, "down")
    lab["internet"].ip("link", "set", device, "up")


def mapped(port, ports):
    low, high = map(int, ports.split("-"))
    return low <= int(port) <= high


@pytest.fixture(scope="module", params=["kedge", "strongswan"])
def behind(request):
    """(lab, who is behind the NAT, the NAT's outer device)."""
    if request.param == "kedge":
        description = strongswan_pair(tunnel={"role": "initiator", "detect": "2s"},
                                      connection={"remote_addrs": ["%any"], "encap": False})
        device = "right0"
    else:
        description = strongswan_pair(
            tunnel={"role": "responder", "remote": "192.0.2.2", "remote-id": "198.51.100.1", "detect": "6s"},
            connection={"encap": False, "dpd_delay": "1s", "mobike": False})
        device = "left0"
    with Topology(description, start=False) as lab:
        masquerade(lab, device, FIRST)
        lab.start_services()
        if request.param == "strongswan":
            assert lab["peer"].strongswan.initiate("gate") is None
        lab["gate"].kedge.wait_up("peer")
        yield lab, request.param, device
        lab["peer"].strongswan.kill()


def outer_port(lab, who):
    """The port of the one behind the NAT, as the other sends to it."""
    if who == "kedge":
        return lab["peer"].strongswan.sas()["gate"]["remote-port"]
    with Sniffer(lab["gate"]) as sniffer:
        lab["gate"].run("ping", "-c", "1", "-W", "1", "-I", "10.0.1.1", "10.0.2.1", check=False)
        seen = [p for p in sniffer.packets(0.2) if p.interface == "wan0" and p.outgoing and p.protocol == IPPROTO_UDP]
    return seen[-1].ports[1]


def test_the_nat_is_found_on_the_right_side_and_packets_pass(behind):
    lab, who, _ = behind
    assert lab["gate"].kedge.tunnel("peer")["ike"]["udp_encap"] is True
    log = lab["peer"].strongswan.log()
    assert re.search("remote host is behind NAT" if who == "kedge" else "local host is behind NAT", log)
    assert mapped(outer_port(lab, who), FIRST)
    ping_both_ways(lab)


def test_rekeys_by_both_pass_the_nat(behind):
    lab, _, _ = behind
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    mark = kedge.events.last_seq
    kedge.cli("rekey", "peer")
    kedge.events.wait("child.up", 10, mark)
    mark = kedge.events.wait("ike.rekeyed", 10, mark)["seq"]
    ping_both_ways(lab)
    charon_rekeys(peer, "ike")
    mark = kedge.events.wait("ike.rekeyed", 10, mark)["seq"]
    charon_rekeys(peer, "child")
    kedge.events.wait("child.up", 10, mark)
    ping_both_ways(lab)


def test_a_mapping_that_changes_under_traffic_is_followed_and_no_sa_is_lost(behind):
    """By authenticated packets from the new place alone: the other end learns it, and the tunnel stays the same."""
    lab, who, device = behind
    kedge = lab["gate"].kedge
    mark, sa = kedge.events.last_seq, kedge.tunnel("peer")["ike"]["spi_i"]
    with lab["gate"].spawn("traffic", ["ping", "-n", "-q", "-i", "0.05", "-I", "10.0.1.1", "10.0.2.1"]).process as ping:
        try:
            remap(lab, device)
            until(lambda: mapped(outer_port(lab, who), SECOND), 15, "the new mapping", 0.2)
        finally:
            ping.terminate()
    until(lambda: lab["gate"].run("ping", "-c", "1", "-W", "1", "-I", "10.0.1.1", "10.0.2.1", check=False
                                  ).returncode == 0, 10, "a ping over the new mapping", 0.1)
    ping_both_ways(lab)
    assert kedge.tunnel("peer")["ike"]["spi_i"] == sa
    assert kedge.events.find("ike.closed", mark) is None and kedge.events.find("ike.established", mark) is None


def test_a_replay_from_elsewhere_moves_nothing(behind):
    """Old packets of the one behind the NAT, sent again from another port: they do not verify anew."""
    lab, who, _ = behind
    watcher = lab["peer" if who == "kedge" else "gate"]
    with Sniffer(watcher) as sniffer:
        ping_both_ways(lab)
        seen = [p for p in sniffer.packets(0.3) if p.protocol == IPPROTO_UDP and not p.outgoing and 4500 in p.ports]
    before = outer_port(lab, who)
    out = lab["internet"].namespace.socket(2, 3, 17)     # AF_INET, SOCK_RAW, UDP: from a port of our own
    for packet in seen:
        body = packet.payload[8:]
        out.sendto((41000).to_bytes(2, "big") + (4500).to_bytes(2, "big") + (8 + len(body)).to_bytes(2, "big") + bytes(2)
                   + body, (packet.destination, 0))
    out.close()
    ping_both_ways(lab)
    assert len(seen) >= 6 and outer_port(lab, who) == before
