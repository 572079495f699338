"""Fragmented IKE messages (RFC 7383) with strongSwan: datagrams of 576 octets, so that every exchange but
IKE_SA_INIT needs more than one."""
import pytest

from lab.sniff import IPPROTO_UDP, Sniffer
from peers import charon_rekeys, ping_both_ways, strongswan_pair

SIZE = 576
IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL = 34, 35, 36, 37
SKF = 53
# Identities of 200 octets and a KE of 512: IKE_AUTH and CREATE_CHILD_SA are larger than a datagram.
OURS, THEIRS = ("x" * 194 + ".gate"), ("y" * 194 + ".peer")
CBC = {"ike": "aes256-sha256-modp4096", "esp": "aes256-sha256-modp4096"}
GCM = {"ike": "aes256gcm16-prfsha384-modp4096", "esp": "aes256gcm16-modp4096"}


class Ike:
    """An IKE message on the wire."""

    def __init__(self, packet):
        at = 12 if 4500 in packet.ports else 8
        message = packet.payload[at:]
        self.size = len(packet.raw)
        self.source = packet.source
        self.exchange, self.response, self.fragment = message[18], bool(message[19] & 0x20), message[16] == SKF


def ike_messages(packets):
    """Those that pass the WAN interface: behind the non-ESP marker on 4500, plain on 500."""
    return [Ike(p) for p in packets
            if p.interface == "wan0" and p.protocol == IPPROTO_UDP and len(p.payload) > 40 and
            (500 in p.ports or (4500 in p.ports and p.payload[8:12] == b"\0\0\0\0"))]


def big_pair(role, suite, size=SIZE, peer_size=SIZE, fragmentation="yes"):
    return strongswan_pair(
        tunnel={"role": role, "ike": [suite["ike"]], "esp": [suite["esp"]], "fragment-size": size,
                "local-id": OURS, "remote-id": THEIRS, "detect": "20s"},
        connection={"proposals": [suite["ike"]], "fragmentation": fragmentation,
                    "local": {"id": THEIRS}, "remote": {"id": OURS}},
        child={"esp_proposals": [suite["esp"]]}, charon={"fragment_size": peer_size})


def come_up(lab, role):
    if role == "responder":
        assert lab["peer"].strongswan.initiate("gate") is None
    lab["gate"].kedge.wait_up("peer")
    ping_both_ways(lab)


def rekey_everything(lab):
    """The child from both ends, then the IKE SA from the peer's."""
    kedge, charon = lab["gate"].kedge, lab["peer"].strongswan
    for events, step in ((("child.up", "ike.rekeyed"), lambda: kedge.cli("rekey", "peer")),
                         (("child.up",), lambda: charon_rekeys(charon, "child")),
                         (("ike.rekeyed",), lambda: charon_rekeys(charon, "ike"))):
        mark = kedge.events.last_seq
        step()
        for event in events:
            kedge.events.wait(event, 10, mark, tunnel="peer")
        ping_both_ways(lab)


@pytest.mark.parametrize("role", ["initiator", "responder"])
@pytest.mark.parametrize("suite", [CBC, GCM], ids=["cbc", "gcm"])
def test_every_exchange_goes_in_fragments_both_ways(build, role, suite):
    lab = build(big_pair(role, suite), start=False)
    with Sniffer(lab["gate"]) as sniffer:
        lab.start_services()
        come_up(lab, role)
        rekey_everything(lab)
        seen = ike_messages(sniffer.packets(0.3))
    first = "192.0.2.1" if role == "initiator" else "198.51.100.1"
    for source in ("192.0.2.1", "198.51.100.1"):
        fragmented = {m.exchange for m in seen if m.fragment and m.source == source}
        assert CREATE_CHILD_SA in fragmented and IKE_SA_INIT not in fragmented
        assert (IKE_AUTH in fragmented) == (source == first), "the request is larger than the answer"
        assert max(m.size for m in seen if m.source == source and m.exchange != IKE_SA_INIT) <= SIZE
    assert any(m.fragment and m.response for m in seen) and any(m.fragment and not m.response for m in seen)


@pytest.mark.parametrize("off", ["ours", "theirs"])
def test_without_both_ends_consent_nothing_is_cut(build, off):
    lab = build(big_pair("initiator", CBC, size="off" if off == "ours" else SIZE,
                         fragmentation="no" if off == "theirs" else "yes"), start=False)
    with Sniffer(lab["gate"]) as sniffer:
        lab.start_services()
        come_up(lab, "initiator")
        seen = ike_messages(sniffer.packets(0.3))
    assert not [m for m in seen if m.fragment]
    assert max(m.size for m in seen) > SIZE


@pytest.mark.parametrize("role", ["initiator", "responder"])
def test_lost_fragments_are_made_up_for(build, role):
    """Every third datagram is lost on its way to the peer, every fourth on its way back."""
    lab = build(big_pair(role, CBC), start=False)
    for device, every in (("right0", "3"), ("left0", "4")):
        lab["internet"].run("iptables", "-A", "FORWARD", "-o", device, "-p", "udp", "--dport", "4500", "-m", "length",
                            "--length", "300:600", "-m", "statistic", "--mode", "nth", "--every", every, "--packet", "0",
                            "-j", "DROP")
    lab.start_services()
    if role == "responder":
        assert lab["peer"].strongswan.initiate("gate", 60) is None
    lab["gate"].kedge.wait_up("peer", 60)
    ping_both_ways(lab)
    dropped = lab["internet"].run("iptables", "-L", "FORWARD", "-v", "-n", "-x").stdout
    assert any(int(line.split()[0]) > 0 for line in dropped.splitlines() if "DROP" in line)
