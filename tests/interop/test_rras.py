"""kedge and a Windows RRAS peer, scripted (lab/ikepeer.py): its 18 proposals, both address families, rekeys by one proposal."""
import pytest

from lab import ikepeer_wire as w
from lab.ikepeer_profiles import RRAS
from peers import ping
from scripted import agree, meeting, pair, status, suites

SUITE = {"ike": ["aes256-sha1-modp1024"], "esp": ["aes256-sha1"]}


@pytest.fixture(scope="module")
def lab():
    with pair() as topology:
        yield topology


@pytest.fixture(params=["kedge", "rras"])
def up(lab, request):
    role = "initiator" if request.param == "kedge" else "responder"
    with meeting(lab, RRAS, {**SUITE, "role": role}) as (kedge, peer):
        if role == "responder":
            peer.initiate()
        kedge.wait_up("peer")
        yield kedge, peer


def pass_both_ways(lab, peer):
    peer.ping()
    ping(lab["gate"], peer.inner, peer.inner_gateway)


def test_packets_pass_and_the_sas_agree(lab, up):
    kedge, peer = up
    assert suites(kedge) == ("aes256-sha1-modp1024", ["aes256-sha1"])
    agree(kedge, peer)
    pass_both_ways(lab, peer)


def test_windows_rekeys_the_child_with_one_proposal(lab, up):
    kedge, peer = up
    for _ in range(3):
        assert peer.rekey_child(offer=[peer.child.suite.words]).errors() == []
        pass_both_ways(lab, peer)
        agree(kedge, peer)


def test_both_rekey_the_ike_sa(lab, up):
    kedge, peer = up
    assert peer.rekey_ike().errors() == []
    mark = peer.mark
    kedge.cli("rekey", "peer")
    for what in ("delete-child", "delete-ike"):
        peer.wait(what, after=mark)
    pass_both_ways(lab, peer)
    agree(kedge, peer)


def test_windows_deletes_the_ike_sa_and_kedge_is_told(lab, up):
    kedge, peer = up
    mark = kedge.events.last_seq
    peer.delete_ike()
    kedge.events.wait("tunnel.state", after=mark, tunnel="peer", reason="peer-deleted")


@pytest.mark.parametrize("ike", ["aes256gcm16-prfsha384-modp1024", "aes192-sha384-modp1024", "3des-sha256-modp1024"])
def test_one_of_its_eighteen_proposals_is_chosen_by_number(lab, ike):
    with meeting(lab, RRAS, {"role": "responder", "ike": [ike], "esp": ["aes128-sha1"]}) as (kedge, peer):
        sa = peer.initiate()
        assert sa.suite.proposal.number == 1 + RRAS.ike.index(ike)
        kedge.wait_up("peer")
        assert suites(kedge) == (ike, ["aes128-sha1"])
        peer.ping()


def test_both_families_are_narrowed_to_what_is_configured(lab):
    narrow = {"local": ["10.0.1.0/24"], "remote": ["10.0.2.0/24"]}
    with meeting(lab, RRAS, {**SUITE, "role": "responder", "selectors": narrow}) as (kedge, peer):
        peer.initiate()
        assert [t[3:] for t in peer.child.ours + peer.child.theirs] == [("10.0.2.0", "10.0.2.255"),
                                                                       ("10.0.1.0", "10.0.1.255")]
        kedge.wait_up("peer")
        peer.ping()


def test_azures_profile_takes_both_families_whole(lab):
    azure = {"profile": "azure-default", "ike": None, "esp": None, "role": "responder"}
    with meeting(lab, RRAS, azure) as (kedge, peer):
        peer.initiate()
        assert [t[3:] for t in peer.child.theirs] == [("0.0.0.0", "255.255.255.255"), ("::", "ffff:" * 7 + "ffff")]
        kedge.wait_up("peer")
        peer.ping()


@pytest.mark.parametrize("natd,role,encap", [("none", "responder", False), ("none", "initiator", False),
                                             ("fake", "responder", True), ("fake", "initiator", True)])
def test_with_and_without_nat_detection(lab, natd, role, encap):
    """Without NAT-D there is no NAT to know of; behind one, all moves to 4500 and ESP into UDP."""
    with meeting(lab, RRAS.but(natd=natd), {**SUITE, "role": role}) as (kedge, peer):
        if role == "responder":
            peer.initiate()
        kedge.wait_up("peer")
        assert status(kedge)["ike"]["udp_encap"] is encap and (peer.sa.path[0] == 4500) is encap
        pass_both_ways(lab, peer)
        assert peer.rekey_child().errors() == [] and peer.rekey_ike().errors() == []
        pass_both_ways(lab, peer)


def test_mobike_and_a_configuration_request_bind_kedge_to_nothing(lab):
    """Neither CFG_REPLY nor MOBIKE_SUPPORTED in the answer: kedge does not hand out addresses and does not move."""
    with meeting(lab, RRAS, {**SUITE, "role": "responder"}) as (kedge, peer):
        sa = peer.begin()
        peer.init(sa)
        answer = peer.auth(sa)
        assert not answer.has(w.CP) and not answer.notify("MOBIKE_SUPPORTED")
        kedge.wait_up("peer")
