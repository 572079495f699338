"""kedge and an Azure VPN gateway, scripted after what others have measured (lab/ikepeer_profiles.py), in every role."""
import time

import pytest

from lab import ikepeer_wire as w
from lab.ikepeer_profiles import AZURE
from peers import ping
from scripted import agree, meeting, pair, status, suites

DEFAULT = {"profile": "azure-default", "ike": None, "esp": None}
PFS = {"ike": ["aes256-sha1-modp1024"], "esp": ["aes256-sha1-modp1024"]}


@pytest.fixture(scope="module")
def lab():
    with pair() as topology:
        yield topology


def pass_both_ways(lab, peer):
    peer.ping()
    ping(lab["gate"], peer.inner, peer.inner_gateway)


@pytest.mark.parametrize("role", ["initiator", "responder"])
def test_the_first_of_both_lists_is_chosen_in_either_role(lab, role):
    with meeting(lab, AZURE, {**DEFAULT, "role": role}) as (kedge, peer):
        if role == "responder":
            peer.initiate()
        kedge.wait_up("peer")
        assert suites(kedge) == ("aes256-sha1-modp1024", ["aes256gcm16"])
        assert peer.sa.peer_id == bytes([1, 0, 0, 0, 192, 0, 2, 1]), "ID_IPV4_ADDR"
        pass_both_ways(lab, peer)


def test_kedge_offers_what_azure_offers_in_its_order(lab):
    with meeting(lab, AZURE, {**DEFAULT, "role": "initiator"}) as (_, peer):
        offer = w.read_offer(peer.wait("init").message.one(w.SA), 0, w.P_IKE)
        assert tuple(p.words() for p in offer) == AZURE.ike
        auth = peer.wait("auth").message
        assert tuple(p.words() for p in w.read_offer(auth.one(w.SA), 4, w.P_ESP)) == AZURE.esp
        assert w.read_ts(auth.one(w.TSI)) == w.read_ts(auth.one(w.TSR)) == [(0, 0, 65535, "0.0.0.0", "255.255.255.255")]
        assert auth.one(w.IDI) == bytes([1, 0, 0, 0, 192, 0, 2, 1])


def test_both_roles_and_both_begin_at_once(lab):
    """kedge's first request gets no answer; Azure's own attempt makes the tunnel, and only one IKE SA remains."""
    with meeting(lab, AZURE, {**DEFAULT, "role": "both"}, start=False) as (_, peer):
        peer.script("init", lambda *_: None, times=9)
        lab.start_services("gate")
        kedge = lab["gate"].kedge
        peer.wait("init")
        peer.initiate()
        kedge.wait_up("peer")
        agree(kedge, peer)
        pass_both_ways(lab, peer)
        mark = peer.mark
        peer.none("init", 1.2, after=mark)


def test_a_pure_initiator_refuses_azures_attempt(lab):
    with meeting(lab, AZURE, {**DEFAULT, "role": "initiator"}) as (kedge, peer):
        kedge.wait_up("peer")
        before = peer.sa
        sa = peer.begin()
        pending = peer.request(w.SA_INIT, [], sa, wait=False)
        peer.none("delete-ike", 0.3)
        assert not pending.answer and peer.sa is before
        pass_both_ways(lab, peer)


@pytest.mark.parametrize("role", ["initiator", "responder"])
def test_azures_ike_rekey_offers_the_suite_in_use_alone(lab, role):
    with meeting(lab, AZURE, {**DEFAULT, "role": role}) as (kedge, peer):
        if role == "responder":
            peer.initiate()
        kedge.wait_up("peer")
        for _ in range(3):
            assert peer.rekey_ike(offer=["aes256-sha1-modp1024"]).errors() == []
            pass_both_ways(lab, peer)
        agree(kedge, peer)
        assert kedge.events.find("tunnel.state", kedge.events.find("tunnel.state", state="up")["seq"]) is None


def test_azures_child_rekey_offers_six_proposals_without_ke(lab):
    with meeting(lab, AZURE, {**DEFAULT, "role": "responder"}) as (kedge, peer):
        peer.initiate()
        kedge.wait_up("peer")
        for _ in range(3):
            answer = peer.rekey_child()
            assert answer.errors() == [] and not answer.has(w.KE)
            pass_both_ways(lab, peer)
        agree(kedge, peer)
        assert suites(kedge)[1][-1] == "aes256gcm16"


def test_with_pfs_required_azures_rekey_is_refused_by_name_and_the_tunnel_lives_on(lab):
    """libreswan#765, from the other side: NO_PROPOSAL_CHOSEN, and kedge's own rekey with a group mends it."""
    with meeting(lab, AZURE, {**PFS, "role": "responder"}) as (kedge, peer):
        peer.initiate()
        kedge.wait_up("peer")
        child = peer.child
        for _ in range(2):
            assert peer.rekey_child().errors() == ["NO_PROPOSAL_CHOSEN"]
            pass_both_ways(lab, peer)
        assert peer.child is child and status(kedge)["state"] == "up"
        refusal = status(kedge)["refusal"]
        assert refusal["reason"] == "no-proposal" and refusal["offered"] == list(AZURE.esp)
        assert refusal["configured"] == PFS["esp"]
        mark = peer.mark
        kedge.cli("rekey", "peer")
        assert peer.wait("rekey-child", after=mark).message.has(w.KE)
        peer.wait("delete-child", after=mark)
        peer.wait("delete-ike", after=mark)
        pass_both_ways(lab, peer)
        assert peer.child is not child and peer.child.suite.words == "aes256-sha1-modp1024"


@pytest.mark.parametrize("group,words,error", [(2, "aes256-sha1-modp1024", []), (14, "aes256-sha1-modp2048", []),
                                               (1, "aes256-sha1-modp768", []), (None, "aes256-sha256", []),
                                               (2, "aes256-sha1-modp2048", ["INVALID_KE_PAYLOAD"]),
                                               (19, "aes256gcm16-ecp256", ["NO_PROPOSAL_CHOSEN"]),
                                               (2, "aes256gcm16-modp1024", ["NO_PROPOSAL_CHOSEN"])])
def test_as_responder_kedge_takes_what_azure_takes_with_pfs_and_without(lab, group, words, error):
    """INVALID_KE_PAYLOAD exactly where the group of the chosen proposal is another than the KE's."""
    with meeting(lab, AZURE, {**DEFAULT, "role": "responder"}) as (kedge, peer):
        peer.initiate()
        kedge.wait_up("peer")
        answer = peer.rekey_child(offer=[words], group=group)
        assert answer.errors() == error
        if error == ["INVALID_KE_PAYLOAD"]:
            assert answer.notify("INVALID_KE_PAYLOAD").data == bytes([0, 14])
        peer.ping()


def test_kedge_rekeys_at_95_percent_of_each_lifetime(lab):
    """The child's 6 s and the IKE SA's 9 s, with at most 2.5 % less by jitter, as the peer sees it."""
    tunnel = {**DEFAULT, "role": "initiator", "lifetime": {"ike": "9s", "esp": "6s"}}
    with meeting(lab, AZURE, tunnel) as (kedge, peer):
        start = peer.wait("auth").time
        kedge.wait_up("peer")
        assert 5.5 < peer.wait("rekey-child", 7).time - start < 6.0
        assert 8.2 < peer.wait("rekey-ike", 7).time - start < 9.0
        peer.wait("delete-ike", 5)
        pass_both_ways(lab, peer)
        agree(kedge, peer)
        assert time.monotonic() - start < 12
