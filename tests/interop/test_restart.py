"""A peer that starts anew (kill -9), and two that call each other at once, with strongSwan: one tunnel remains, the
new one replaces the old at once (judged by events, not by clocks), and traffic passes."""
import pytest

from lab.wait import until
from peers import ping_both_ways, strongswan_pair


def one_tunnel(lab):
    """What must be left: one IKE SA with one child at either end, the same one."""
    row, sas = lab["gate"].kedge.tunnel("peer"), lab["peer"].strongswan.sas_list()
    if row["state"] != "up" or len(row["children"]) != 1 or len(sas) != 1:
        return False
    (sa,) = sas
    children = [child for child in sa["child-sas"].values() if child["state"] == "INSTALLED"]
    return (sa["state"] == "ESTABLISHED" and len(children) == 1 and
            int(sa["initiator-spi"], 16) == int(row["ike"]["spi_i"], 16) and
            int(children[0]["spi-out"], 16) == int(row["children"][0]["spi_in"], 16))


def wait_one_tunnel(lab, timeout=30):
    until(lambda: one_tunnel(lab), timeout,
          lambda: f"one tunnel: {lab['gate'].kedge.tunnel('peer')} against {lab['peer'].strongswan.sas_list()}", 0.2)
    ping_both_ways(lab)


@pytest.mark.parametrize("role", ["both", "responder"])
def test_a_killed_strongswan_that_calls_again_replaces_its_tunnel_at_once(build, role):
    """Its IKE_AUTH says INITIAL_CONTACT: the old SA goes with it, although `detect` would take 30 s."""
    lab = build(strongswan_pair(tunnel={"role": role, "detect": "30s"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    if role == "responder":
        assert peer.initiate("gate") is None
    kedge.wait_up("peer")
    wait_one_tunnel(lab)
    peer.kill()
    mark = kedge.events.last_seq
    peer.start()
    assert peer.initiate("gate") is None
    new = kedge.events.wait("child.up", 10, mark, tunnel="peer")
    old = kedge.events.wait("child.down", 10, mark, tunnel="peer")
    assert old["reason"] == "peer-replaced" and abs(old["seq"] - new["seq"]) <= 3
    assert kedge.events.find("tunnel.detect", mark) is None
    wait_one_tunnel(lab)


def test_a_killed_kedged_that_calls_again_replaces_its_tunnel_at_once(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator", "detect": "30s"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    kedge.wait_up("peer")
    peer.wait_ike()
    kedge.kill()
    kedge.start()
    kedge.wait_up("peer", 30)
    peer.wait_ike(up=False, timeout=5)  # INITIAL_CONTACT: charon drops the old one
    wait_one_tunnel(lab)


def test_a_killed_kedged_is_called_by_strongswan(build):
    """Nobody tells charon: its DPD finds that the SA is gone, and it calls again."""
    lab = build(strongswan_pair(tunnel={"role": "responder", "detect": "30s"},
                                connection={"dpd_delay": "1"}, child={"dpd_action": "restart"},
                                charon={"retransmit_tries": "2", "retransmit_timeout": "0.5"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    assert peer.initiate("gate") is None
    kedge.wait_up("peer")
    kedge.kill()
    kedge.start()
    kedge.wait_up("peer", 30)
    wait_one_tunnel(lab)


@pytest.mark.parametrize("unique", ["no", "replace"])
@pytest.mark.parametrize("start", ["strongswan-first", "kedge-first", "at-once"])
def test_both_calling_at_once_end_with_one_tunnel(build, unique, start):
    """Five times: both ends know the other is to be called. Whatever charon deletes stands. An attempt that kedge gives
    up for charon's stays half-open there: for 5 s, not 30."""
    lab = build(strongswan_pair(tunnel={"role": "both", "detect": "5s", "retry": "1s"},
                                connection={"unique": unique}, charon={"half_open_timeout": "5"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    kedge.wait_up("peer")
    for _ in range(5):
        mark = kedge.events.last_seq
        kedge.cli("down", "peer")
        until(lambda: not peer.sas_list(), 10, "charon without an SA", 0.05)
        if start == "strongswan-first":
            peer.vici.request("initiate", {"child": "gate", "timeout": -1})
            kedge.cli("up", "peer")
        elif start == "kedge-first":
            kedge.cli("up", "peer")
            peer.vici.request("initiate", {"child": "gate", "timeout": -1})
        else:
            calling = peer.host.spawn("initiate", ["swanctl", "--initiate", "--child", "gate", "--timeout", "10"])
            kedge.cli("up", "peer")
            calling.process.wait(15)
        kedge.wait_up("peer", 20, after=mark)
        wait_one_tunnel(lab, 20)


def test_who_calls_before_the_device_is_there_gets_in_by_asking_again(build):
    """No word until it can answer: charon would take a refusal for good. What the operator has taken down does refuse."""
    lab = build(strongswan_pair(tunnel={"role": "responder", "detect": "30s"}, charon={"retransmit_timeout": "0.3"}),
                start=False)
    gate = lab["gate"]
    gate.ip("link", "add", "kedge0", "type", "veth", "peer", "name", "other")  # its name is somebody else's for now
    lab.start_services("peer")
    peer = lab["peer"].strongswan
    peer.vici.request("initiate", {"child": "gate", "timeout": -1})
    (calling,) = peer.sas_list()
    peer.wait_log("retransmit 1 of request")
    lab.start_services("gate")
    kedge = gate.kedge
    kedge.events.wait("kernel.error", tunnel="peer", reason="no-device")
    asked = peer.log().count("retransmit")
    until(lambda: peer.log().count("retransmit") > asked, 10, "charon to ask a kedged that has no device yet", 0.05)
    gate.ip("link", "del", "kedge0")
    kedge.wait_up("peer", 30)
    wait_one_tunnel(lab)
    assert peer.sas_list()[0]["uniqueid"] == calling["uniqueid"], "the call that met nobody at first"
    kedge.cli("down", "peer", "--wait", "10s")
    until(lambda: not peer.sas_list(), 10, "charon without an SA", 0.05)
    assert peer.initiate("gate") and "NO_PROPOSAL_CHOSEN" in peer.log()
