"""kedge with strongSwan on the kernel's ESP: a NAT, IPv6 outside and inside, a network that loses and reorders."""
from contextlib import contextmanager

import pytest

from kernel_peers import (DATAPLANES, ESP, IKE, IKE_500, NATT, kernel_pair, masquerade, no_loss, on_the_kernel,
                          on_the_wire, refused)
from lab.sniff import Sniffer
from peers import (EVERYTHING6, INNER6, INNER_GATE, INNER_PEER, charon_rekeys, ping, ping_both_ways,
                   strongswan_pair6)


@contextmanager
def netem(lab, *what):
    """Both ways, between the tunnel's ends."""
    for device in ("left0", "right0"):
        lab["internet"].run("tc", "qdisc", "replace", "dev", device, "root", "netem", *what)
    yield
    for device in ("left0", "right0"):
        lab["internet"].run("tc", "qdisc", "del", "dev", device, "root")


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_kedge_behind_a_nat_that_changes_its_ports(up, dataplane):
    lab = up(kernel_pair(dataplane, "aes256-sha256-esn", {"role": "initiator"}, {"remote_addrs": ["%any"]}),
             around=lambda lab: masquerade(lab, "right0", "20000-20100"))
    (sa,) = lab["peer"].strongswan.sas().values()
    assert sa["remote-host"] == "198.51.100.2" and 20000 <= int(sa["remote-port"]) <= 20100
    with Sniffer(lab["gate"]) as sniffer:
        ping_both_ways(lab)
        assert on_the_wire(sniffer.drain()) == {NATT}
    assert "espinudp" in lab["peer"].ip("xfrm", "state") and refused(lab) == {}


@pytest.mark.parametrize("role", ["initiator", "responder"])
@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_a_peer_that_believes_in_a_nat_gets_esp_in_udp(up, dataplane, role):
    lab = up(kernel_pair(dataplane, "aes256gcm16", {"role": role}, {"encap": True}))
    with Sniffer(lab["gate"]) as sniffer:
        ping_both_ways(lab)
        assert on_the_wire(sniffer.drain()) == {NATT}
    assert "espinudp" in lab["peer"].ip("xfrm", "state") and refused(lab) == {}


@pytest.mark.parametrize("role,inner6", [("initiator", False), ("responder", True)], ids=["4in6", "6in6"])
@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_over_ipv6(up, dataplane, role, inner6):
    description = strongswan_pair6(role, inner6, ike=[IKE], esp=["aes256gcm16-esn"], detect="20s")
    on_the_kernel(description, dataplane, IKE, "aes256gcm16-esn")
    lab = up(description)
    with Sniffer(lab["gate"], 6) as sniffer:
        ping_both_ways(lab, *(INNER6 if inner6 else ()))
        assert on_the_wire(sniffer.drain()) - {IKE_500} == {ESP}
    assert refused(lab) == {}


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_ipv6_inside_ipv4(up, dataplane):
    """The tunnel's BGP stays on IPv4; selectors and routes have both families."""
    inner_gate, inner_peer = INNER6
    description = kernel_pair(dataplane, "aes256gcm16", {"selectors": {"local": EVERYTHING6, "remote": EVERYTHING6}},
                              child={"local_ts": EVERYTHING6, "remote_ts": EVERYTHING6})
    hosts = description["hosts"]
    hosts["gate"]["loopback"] = [f"{inner_gate}/128"]
    hosts["peer"]["loopback"].append(f"{inner_peer}/128")
    hosts["peer"]["strongswan"]["routes"].append(f"{inner_gate}/128 dev ipsec0 src {inner_peer}")
    lab = up(description)
    lab["gate"].ip("-6", "route", "add", inner_peer, "dev", "kedge0", "src", inner_gate)
    ping_both_ways(lab, *INNER6)
    ping_both_ways(lab)


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_what_the_network_reorders_is_no_replay(up, dataplane):
    """A quarter of the packets overtakes the others by 10 ms, both ways: the windows let every one pass."""
    lab = up(kernel_pair(dataplane, "aes256-sha256-esn", child={"replay_window": "256"}))
    with netem(lab, "delay", "10ms", "reorder", "25%", "gap", "3"), no_loss(lab, 0.004) as probe:
        ping(lab["gate"], INNER_PEER, INNER_GATE, 300, "-q", "-i", "0.005")
    assert len(probe.samples) > 50 and refused(lab) == {}


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_a_network_that_loses_a_fifth_delays_a_tunnel_but_nothing_more(up, dataplane):
    lab = up(kernel_pair(dataplane, "aes256gcm16-x25519", {"role": "initiator"}))
    kedge = lab["gate"].kedge
    with netem(lab, "loss", "20%"):
        start = kedge.events.last_seq
        kedge.cli("down", "peer")
        kedge.cli("up", "peer")
        kedge.wait_up("peer", 30, start)
        start = kedge.events.last_seq
        for _ in range(2):
            mark = kedge.events.last_seq
            kedge.cli("rekey", "peer")
            for event in ("child.up", "ike.rekeyed"):
                kedge.events.wait(event, 30, mark, tunnel="peer")
        assert kedge.events.find("ike.closed", start) is None
    ping_both_ways(lab)


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_an_initiator_with_mobike_goes_to_4500_and_its_esp_stays_bare(up, dataplane):
    """RFC 4555 3.3: from IKE_AUTH on, NAT or not; RFC 7296 2.23: without a NAT, ESP need not follow."""
    lab = up(kernel_pair(dataplane, "aes256gcm16", {"role": "responder"}, {"mobike": True}))
    with Sniffer(lab["gate"]) as sniffer:
        ping_both_ways(lab)
        charon_rekeys(lab["peer"].strongswan, "child")
        lab["gate"].kedge.events.wait("child.up", 10, lab["gate"].kedge.wait_up("peer")["seq"], tunnel="peer")
        ping_both_ways(lab)
        assert on_the_wire(sniffer.drain()) == {NATT, ESP}
    (sa,) = lab["peer"].strongswan.sas().values()
    assert sa["remote-port"] == "4500" and "espinudp" not in lab["peer"].ip("xfrm", "state")
    assert refused(lab) == {}
