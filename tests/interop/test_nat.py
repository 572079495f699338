"""A NAT on the way that forgets: keepalives against it, and its new mapping followed after the first packet of data."""
from lab.sniff import IPPROTO_UDP, Sniffer
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, ping, ping_both_ways, strongswan_pair, tunnel_of


def masquerade(lab, device, ports):
    lab["internet"].run("iptables", "-t", "nat", "-F")
    lab["internet"].run("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", device, "-p", "udp", "-j", "MASQUERADE",
                        "--to-ports", ports)


def forget(lab, packet):
    """The NAT's mappings live for a second from packet() on; returns when there are none."""
    router = lab["internet"]

    def lifetime(seconds):
        for name in ("udp_timeout", "udp_timeout_stream"):
            router.run("sysctl", "-q", "-w", f"net.netfilter.nf_conntrack_{name}={seconds}")

    lifetime(1)
    packet()
    until(lambda: "port=4500" not in router.run("cat", "/proc/net/nf_conntrack").stdout, 20,
          "the NAT to have forgotten", 0.1)
    lifetime(60)


def test_a_new_mapping_is_followed_after_the_first_packet_of_data(build):
    """The peer is behind the NAT and says nothing in IKE: its ESP from another port is enough."""
    description = strongswan_pair(tunnel={"role": "responder", "remote": "any", "remote-id": "198.51.100.1",
                                          "detect": "300s"}, charon={"keep_alive": "0"})
    tunnel_of(description, "gate")["neighbor"]["passive"] = True  # BGP would keep calling through the tunnel
    lab = build(description, start=False)
    masquerade(lab, "left0", "20000-20100")
    lab.start_services()
    kedge = lab["gate"].kedge
    assert lab["peer"].strongswan.initiate("gate") is None
    kedge.wait_up("peer")
    ping_both_ways(lab)
    forget(lab, lambda: ping(lab["peer"], INNER_GATE, INNER_PEER, count=1))
    masquerade(lab, "left0", "30000-30100")
    with Sniffer(lab["gate"]) as sniffer:
        # The answer to the first packet may overtake the news of where it came from.
        lab["peer"].run("ping", "-n", "-c", "1", "-W", "1", "-I", INNER_PEER, INNER_GATE, check=False)
        ping(lab["peer"], INNER_GATE, INNER_PEER)
        seen = [p for p in sniffer.packets(0.3) if p.interface == "wan0" and p.protocol == IPPROTO_UDP]
    assert {p.ports[0] for p in seen if not p.outgoing} <= set(range(30000, 30101))
    assert {p.ports[1] for p in seen if p.outgoing} & set(range(30000, 30101))
    assert not [p for p in seen if p.payload[8:12] == b"\0\0\0\0"], "IKE spoke: the data proved nothing"
    ping(lab["gate"], INNER_PEER, INNER_GATE)


def test_behind_a_nat_silence_is_broken_by_one_octet(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator", "detect": "300s", "nat-keepalive": "1s"},
                                connection={"remote_addrs": ["%any"]}), start=False)
    masquerade(lab, "right0", "20000-20100")
    lab.start_services()
    lab["gate"].kedge.wait_up("peer")
    with Sniffer(lab["gate"]) as sniffer:
        octet = sniffer.wait(lambda p: p.interface == "wan0" and p.protocol == IPPROTO_UDP and p.outgoing and
                             p.ports == (4500, 4500) and p.payload[8:] == b"\xff", 5)
    assert octet
    ping_both_ways(lab)
