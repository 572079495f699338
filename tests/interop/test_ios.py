"""kedge and a Cisco IOS-XE peer as seed 001 configures it, scripted (lab/ikepeer.py): both roles, and its habits."""
import pytest

from lab import ikepeer_wire as w
from lab.ikepeer_profiles import IOS
from peers import ping
from scripted import agree, meeting, pair, status, suites

AZURE = {"profile": "azure-default", "ike": None, "esp": None}
SEED = ("aes256-sha1-modp1024", ["aes256-sha1"])


@pytest.fixture(scope="module")
def lab():
    with pair() as topology:
        yield topology


@pytest.fixture(params=["kedge", "ios"])
def up(lab, request):
    """A tunnel that either of them has initiated."""
    role = "initiator" if request.param == "kedge" else "responder"
    with meeting(lab, IOS, {**AZURE, "role": role}) as (kedge, peer):
        if role == "responder":
            peer.initiate()
        kedge.wait_up("peer")
        yield kedge, peer


def pass_both_ways(lab, peer):
    peer.ping()
    ping(lab["gate"], peer.inner, peer.inner_gateway)


def test_the_suites_of_the_seed_and_packets_both_ways(lab, up):
    kedge, peer = up
    assert suites(kedge) == SEED
    (child,) = status(kedge)["children"]
    assert child["local_ts"] == ["0.0.0.0/0"] and child["remote_ts"] == ["0.0.0.0/0"] and child["esn"] is False
    agree(kedge, peer)
    pass_both_ways(lab, peer)


def test_one_proposal_of_three_ciphers_is_answered_with_one_of_each(lab, up):
    """encryption aes-cbc-256 aes-cbc-128 3des: kedge takes the one it likes best, the answer holds one transform a type."""
    kedge, peer = up
    assert peer.sa.suite.words == SEED[0] and len(peer.sa.suite.proposal.transforms) == 4


@pytest.mark.parametrize("offered,chosen", [("3des-aes128-aes256-sha1-modp1024", "aes256-sha1-modp1024"),
                                            ("3des-aes128-sha1-modp1024", "aes128-sha1-modp1024"),
                                            ("3des-sha1-modp1024", "3des-sha1-modp1024")])
def test_azures_order_decides_not_the_offers(lab, offered, chosen):
    with meeting(lab, IOS.but(ike=(offered,)), {**AZURE, "role": "responder"}) as (kedge, peer):
        peer.initiate()
        kedge.wait_up("peer")
        assert suites(kedge)[0] == chosen
        peer.ping()


def test_an_esp_offer_without_esn_transform_is_answered_without(lab):
    with meeting(lab, IOS, {**AZURE, "role": "responder"}) as (kedge, peer):
        peer.initiate()
        assert [t[0] for t in peer.child.suite.proposal.transforms] == [w.T_ENCR, w.T_INTEG]
        kedge.wait_up("peer")


def kedge_rekeys(kedge, peer):
    """`kedge rekey`: the IKE SA and its child, each old one deleted by kedge."""
    mark = peer.mark
    kedge.cli("rekey", "peer")
    for what in ("rekey-child", "delete-child", "rekey-ike", "delete-ike"):
        peer.wait(what, after=mark)
    return peer.wait("rekey-child", after=mark).message


def test_both_rekey_both_sas_and_packets_pass(lab, up):
    kedge, peer = up
    for _ in range(3):
        child, sa = peer.child, peer.sa
        assert not kedge_rekeys(kedge, peer).has(w.KE), "no PFS here"
        pass_both_ways(lab, peer)
        assert peer.child is not child and peer.sa is not sa
        assert peer.rekey_child().errors() == []
        pass_both_ways(lab, peer)
        child = peer.child
        assert peer.rekey_ike().errors() == []
        pass_both_ways(lab, peer)
        assert peer.child is child, "the children move along"
        agree(kedge, peer)
        peer.probe()


def test_the_peers_delete_of_its_child_brings_a_new_one(lab, up):
    kedge, peer = up
    mark, theirs = kedge.events.last_seq, peer.sa.initiator
    peer.delete_child()
    kedge.events.wait("child.down", after=mark, tunnel="peer")
    if theirs:                  # then kedge is a responder, and waits for it
        assert peer.rekey_child(new=True).errors() == []
    kedge.wait_up("peer", after=mark)
    pass_both_ways(lab, peer)


def test_the_peers_delete_of_the_ike_sa_with_its_reason(lab):
    """IOS puts its delete reason beside it: a private notify that nobody has to know."""
    with meeting(lab, IOS, {**AZURE, "role": "initiator"}) as (kedge, peer):
        kedge.wait_up("peer")
        mark, first = kedge.events.last_seq, peer.sa
        peer.info(w.delete(w.P_IKE), w.notify(40960, b"\0\0\0\1", protocol=1))
        first.state = "deleted"
        down = kedge.events.wait("tunnel.state", after=mark, tunnel="peer", reason="peer-deleted")
        kedge.wait_up("peer", after=down["seq"])
        pass_both_ways(lab, peer)


def test_down_deletes_the_ike_sa(lab, up):
    kedge, peer = up
    mark = peer.mark
    kedge.cli("down", "peer")
    peer.wait("delete-ike", after=mark)


def test_a_window_of_five_is_announced_and_kedge_keeps_to_one(lab, up):
    """kedge wants an IKE rekey, a child rekey and probes; Peer faults a second request outstanding."""
    kedge, peer = up
    held, mark = [], peer.mark
    peer.script("rekey-child", lambda _, sa, message: held.append((sa, message)))
    kedge.cli("rekey", "peer")
    peer.wait("rekey-child", after=mark)
    peer.none("rekey-ike", 0.6, after=mark)
    (sa, message), = held
    with peer.changed:
        peer.send(sa.answer(message, peer.asked_rekey_child(sa, message)), sa.path)
    for what in ("delete-child", "rekey-ike", "delete-ike"):
        peer.wait(what, after=mark)
    pass_both_ways(lab, peer)


def test_a_second_outstanding_request_of_the_peer_is_ignored_and_not_an_error(lab, up):
    """IOS may have five outstanding where the other allows it. kedge announces nothing: one."""
    kedge, peer = up
    sa = peer.sa
    with peer.changed:
        first, second = sa.next_out, sa.next_out + 1
        sa.next_out += 2
    early = peer.request(w.INFORMATIONAL, [], number=second, wait=False)
    peer.none("delete-ike", 0.3)
    assert not early.answer
    assert not peer.request(w.INFORMATIONAL, [], number=first).payloads
    assert not peer.answer_of(early).payloads
    pass_both_ways(lab, peer)
    assert status(kedge)["state"] == "up"


def test_periodic_dpd_of_the_peer_is_answered(lab, up):
    _, peer = up
    for _ in range(20):
        peer.probe()


def test_a_retransmitted_request_gets_the_same_answer(lab, up):
    """Bit for bit; Peer faults an answer that differs."""
    _, peer = up
    pending = peer.request(w.INFORMATIONAL, [], wait=False)
    peer.answer_of(pending)
    for count in range(3):
        peer.send(pending.raw, pending.path)
        peer.until(lambda: pending.duplicates == count + 1, 3, "the answer again")


def test_kedge_probes_an_idle_peer_and_finds_it_dead(lab, up):
    kedge, peer = up
    mark = peer.mark
    peer.wait("probe", after=mark)
    seq = kedge.events.last_seq
    peer.mute = True
    kedge.events.wait("tunnel.detect", 10, seq, tunnel="peer")
    peer.mute = False
    kedge.events.wait("tunnel.restore", 10, seq, tunnel="peer")
    pass_both_ways(lab, peer)
