"""What is seen on the wire: ports, encapsulation, a NAT on the way, data that cannot be read, packet sizes."""
import socket
import threading

import pytest

from lab.sniff import IPPROTO_ESP, IPPROTO_UDP, Sniffer
from peers import kedge_pair, ping, ping_both_ways, strongswan_pair


def outer(packets):
    """Protocols and UDP ports of what passed the WAN interface."""
    return {("esp",) if p.protocol == IPPROTO_ESP else ("udp", *sorted(p.ports)) for p in packets
            if p.interface == "wan0" and p.protocol in (IPPROTO_ESP, IPPROTO_UDP)}


def test_nat_detection_moves_ike_and_esp_to_4500(build):
    """strongSwan's `encap = yes` fakes a NAT detection hash, so both ends must float."""
    lab = build(strongswan_pair(tunnel={"role": "initiator"}), start=False)
    with Sniffer(lab["gate"]) as sniffer:
        lab.start_services()
        lab["gate"].kedge.wait_up("peer")
        ping_both_ways(lab)
        packets = list(sniffer.packets(0.3))
    assert outer(packets) == {("udp", 500, 500), ("udp", 4500, 4500)}
    floated = [p for p in packets if p.interface == "wan0" and p.protocol == IPPROTO_UDP and 4500 in p.ports]
    markers = {p.payload[8:12] == b"\0\0\0\0" for p in floated}
    assert markers == {True, False}, "IKE with the non-ESP marker, and ESP, on the same port"
    assert lab["gate"].kedge.tunnel("peer")["ike"]["udp_encap"] is True
    lab["peer"].strongswan.wait_log("faking NAT situation")


def test_a_real_nat_that_changes_the_ports_is_crossed(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}, connection={"remote_addrs": ["%any"]}), start=False)
    lab["internet"].run("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "right0", "-p", "udp", "-j",
                        "MASQUERADE", "--to-ports", "20000-20100")
    lab.start_services()
    lab["gate"].kedge.wait_up("peer")
    (sa,) = lab["peer"].strongswan.sas().values()
    assert sa["remote-host"] == "198.51.100.2" and 20000 <= int(sa["remote-port"]) <= 20100
    ping_both_ways(lab)


def test_data_is_not_readable_on_the_wire(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}))
    gate = lab["gate"]
    gate.kedge.wait_up("peer")
    with Sniffer(lab["internet"]) as sniffer:
        gate.run("ping", "-c", "2", "-i", "0.05", "-p", "c0ffee11", "10.0.2.1")
        packets = list(sniffer.packets(0.3))
    assert len(packets) >= 4
    assert not [p for p in packets if b"\xc0\xff\xee\x11" in p.raw or p.protocol == 1]


def test_kedge_to_kedge_without_nat_is_plain_esp(build):
    lab = build(kedge_pair(), start=False)
    with Sniffer(lab["left"]) as sniffer:
        lab.start_services()
        lab["left"].kedge.wait_up("right")
        lab["right"].kedge.wait_up("left")
        ping(lab["left"], "10.0.2.1", "10.0.1.1")
        seen = outer(sniffer.packets(0.3))
    assert seen == {("udp", 500, 500), ("esp",)}
    assert lab["left"].kedge.tunnel("right")["children"][0]["udp_encap"] is False


def test_encap_always_forces_udp_between_kedges(build):
    lab = build(kedge_pair(left={"encap": "always"}), start=False)
    with Sniffer(lab["left"]) as sniffer:
        lab.start_services()
        lab["left"].kedge.wait_up("right")
        ping(lab["left"], "10.0.2.1", "10.0.1.1")
        seen = outer(sniffer.packets(0.3))
    assert ("udp", 4500, 4500) in seen and ("esp",) not in seen


@pytest.mark.parametrize("esp,esn", [("aes256-sha1-esn", True), ("aes256-sha256-esn", True),
                                     ("aes256gcm16-esn", True), ("aes256-sha1-noesn", False)])
def test_esn_is_negotiated_and_carries_traffic(build, esp, esn):
    lab = build(kedge_pair(both={"esp": [esp]}))
    lab["left"].kedge.wait_up("right")
    lab["right"].kedge.wait_up("left")
    for host, tunnel in (("left", "right"), ("right", "left")):
        (child,) = lab[host].kedge.tunnel(tunnel)["children"]
        assert child["esn"] is esn
    ping(lab["left"], "10.0.2.1", "10.0.1.1", count=10)


def routed(lab):
    """The LANs of conf/lab/kedge-pair.yaml reach each other over BGP routes."""
    lab["left"].kedge.wait_route("10.2.0.0/24", installed=True)
    lab["right"].kedge.wait_route("10.1.0.0/24", installed=True)
    ping(lab["client"], "10.2.0.10")


def transfer(lab, size):
    """Sends size bytes over TCP from the client to the server; returns what arrived."""
    listener = lab["server"].namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("10.2.0.10", 7000))
    listener.listen(1)
    got = bytearray()

    def serve():
        connection, _ = listener.accept()
        with connection:
            while part := connection.recv(65536):
                got.extend(part)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with lab["client"].namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as sender:
        sender.settimeout(20)
        sender.connect(("10.2.0.10", 7000))
        sender.sendall(bytes(range(256)) * (size // 256))
    thread.join(20)
    listener.close()
    return bytes(got)


def mss_of(packet):
    """The maximum segment size option of a SYN, or None."""
    options = packet.payload[20:(packet.payload[12] >> 4) * 4]
    while options:
        if options[0] <= 1:
            options = options[1:]
            continue
        if options[0] == 2:
            return int.from_bytes(options[2:4], "big")
        options = options[max(options[1], 2):]
    return None


def test_forwarded_tcp_has_its_mss_clamped_and_a_large_transfer_arrives(build):
    lab = build(kedge_pair())
    routed(lab)
    mtu = lab["left"].kedge.tunnel("right")["mtu"]
    with Sniffer(lab["server"]) as sniffer:
        data = transfer(lab, 2 << 20)
        syn = next(p for p in sniffer.drain() if p.is_syn and not p.outgoing)
    assert data == bytes(range(256)) * (len(data) // 256) and len(data) == 2 << 20
    assert mss_of(syn) <= mtu - 40 < 1460


def test_the_inner_mtu_fits_exactly(build):
    """A packet of the advertised MTU passes whole and unfragmented; the outer one stays within the link's 1500."""
    lab = build(kedge_pair())
    routed(lab)
    mtu = lab["left"].kedge.tunnel("right")["mtu"]
    assert lab["left"].ip_json("link", "show", "kedge0")[0]["mtu"] == mtu
    with Sniffer(lab["left"]) as sniffer:
        lab["client"].run("ping", "-c", "1", "-W", "2", "-M", "do", "-s", str(mtu - 28), "10.2.0.10")
        sizes = [len(p.raw) for p in sniffer.packets(0.3) if p.interface == "wan0" and p.protocol == IPPROTO_ESP]
    assert 1400 < max(sizes) <= 1500
    refused = lab["client"].run("ping", "-c", "1", "-W", "1", "-M", "do", "-s", str(mtu - 27), "10.2.0.10",
                                check=False)
    assert refused.returncode != 0
