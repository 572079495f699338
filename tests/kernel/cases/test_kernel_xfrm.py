"""kedge's ESP in the kernel (`dataplane: xfrm`): what it puts there, what it leaves alone, what it leaves behind."""
import re
from contextlib import contextmanager

import pytest

from kernel_peers import kernel_pair, masquerade
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, ping_both_ways


def pair(esp="aes256gcm16", tunnel=None, dataplane="xfrm"):
    return kernel_pair(dataplane, esp, {"role": "initiator", **(tunnel or {})})


def ours(gate):
    """SAs and policies with an if_id of kedge's range, and XFRM interfaces."""
    count = {what: len(re.findall(r"if_id 0x6b65", gate.ip("xfrm", what))) for what in ("state", "policy")}
    return {**count, "link": len(re.findall(r"^\d+: kedge\d", gate.ip("link"), re.M))}


def test_a_tunnel_is_an_xfrm_interface_and_its_pair(up):
    lab = up(pair("aes256-sha256-esn"))
    gate = lab["gate"]
    link = gate.ip("-d", "link", "show", "kedge0")
    assert re.search(r"xfrm .*if_id 0x6b650001", link), link
    assert "kedge:peer" in link
    assert ours(gate) == {"state": 2, "policy": 3, "link": 1}
    (child,) = gate.kedge.tunnel("peer")["children"]
    assert f"spi 0x{child['spi_out']}" in gate.ip("xfrm", "policy")
    ping_both_ways(lab)
    gate.kedge.stop()
    assert ours(gate) == {"state": 0, "policy": 0, "link": 0}


def test_auto_takes_the_kernel_and_says_why(up):
    lab = up(pair(dataplane="auto"))
    daemon = lab["gate"].kedge.json("status")["daemon"]
    assert daemon["dataplane"] == "xfrm"
    assert re.fullmatch(r"xfrm for \S+: the kernel does all suites of its tunnels", daemon["dataplane_reason"])
    ping_both_ways(lab)


def test_the_interface_stays_while_the_tunnel_is_down(up):
    lab = up(pair())
    gate = lab["gate"]
    mark = gate.kedge.events.last_seq
    gate.kedge.cli("down", "peer")
    gate.kedge.events.wait("tunnel.state", 10, mark, tunnel="peer", state="disabled")
    until(lambda: ours(gate) == {"state": 0, "policy": 0, "link": 1}, 5, lambda: str(ours(gate)))
    assert re.search(r"kedge0.*[<,]UP[,>]", gate.ip("link", "show", "kedge0"))
    gate.kedge.cli("up", "peer")
    gate.kedge.wait_up("peer", after=mark)
    ping_both_ways(lab)


@pytest.mark.parametrize("dataplane", ["tun", "xfrm"])
def test_a_policy_for_everything_swallows_neither_ike_nor_esp_in_udp(up, dataplane):
    """Another program's policies drop whatever the outer address sends or receives, at the best priority there is;
    test_kernel_swallow.py has plain ESP."""
    @contextmanager
    def block(lab):
        both = [(ours, "192.0.2.1", theirs, "0.0.0.0/0", "dir", direction)
                for direction, ours, theirs in (("out", "src", "dst"), ("in", "dst", "src"))]
        for which in both:
            lab["gate"].ip("xfrm", "policy", "add", *which, "priority", "0", "action", "block")
        yield
        for which in both:
            lab["gate"].ip("xfrm", "policy", "delete", *which)

    lab = up(pair(tunnel={"encap": "always"}, dataplane=dataplane), around=block)
    ping_both_ways(lab)
    mark = lab["gate"].kedge.events.last_seq
    lab["gate"].kedge.cli("rekey", "peer")
    lab["gate"].kedge.events.wait("ike.rekeyed", 10, mark, tunnel="peer")
    ping_both_ways(lab)


def try_ping(host, source, destination):
    host.run("ping", "-c", "1", "-W", "1", "-I", source, destination, check=False)


def test_sas_that_somebody_flushes_are_made_anew(up):
    lab = up(pair())
    gate = lab["gate"]
    mark = gate.kedge.events.last_seq
    gate.ip("xfrm", "state", "flush")
    try_ping(gate, INNER_GATE, INNER_PEER)
    gate.kedge.events.wait("child.down", 10, mark, tunnel="peer")
    gate.kedge.wait_up("peer", 30, after=mark)
    ping_both_ways(lab)
    until(lambda: ours(gate) == {"state": 2, "policy": 3, "link": 1}, 10, lambda: str(ours(gate)))


def test_a_pair_follows_its_peer_through_a_nat_that_forgets(up):
    """The kernel's MAPPING tells of the port; IKE decides; UPDSA moves the pair, which keeps its keys and numbers."""
    lab = up(pair(tunnel={"role": "responder", "remote": "192.0.2.2", "remote-id": "198.51.100.1", "detect": "60s"}),
             around=lambda lab: masquerade(lab, "left0", "20000-20100"))
    gate, peer = lab["gate"], lab["peer"]
    ping_both_ways(lab)
    assert re.search(r"sport 20[01]\d\d dport 4500", gate.ip("xfrm", "state")), gate.ip("xfrm", "state")
    spis = {row[key] for row in gate.kedge.tunnel("peer")["children"] for key in ("spi_in", "spi_out")}
    with masquerade(lab, "left0", "30000-30100"):
        until(lambda: (try_ping(peer, INNER_PEER, INNER_GATE),
                       re.search(r"sport 30[01]\d\d dport 4500", gate.ip("xfrm", "state")))[1], 30,
              lambda: gate.ip("xfrm", "state"), 0.1)
        ping_both_ways(lab)
    assert spis == {row[key] for row in gate.kedge.tunnel("peer")["children"] for key in ("spi_in", "spi_out")}
