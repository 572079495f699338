"""Childless initiation (RFC 6023) with strongSwan: the IKE SA first, every child by CREATE_CHILD_SA, with PFS."""
from peers import ping_both_ways, strongswan_pair

PFS = "aes256-sha256-modp2048"


def pair(build, tunnel, childless):
    return build(strongswan_pair(tunnel={"esp": [PFS], **tunnel}, connection={"childless": childless},
                                 child={"esp_proposals": [PFS]}))


def child_suites(lab):
    return [child["suite"] for child in lab["gate"].kedge.tunnel("peer")["children"]]


def test_kedge_initiates_childless_and_the_first_child_has_pfs(build):
    lab = pair(build, {"role": "initiator", "childless": "force"}, "force")
    lab["gate"].kedge.wait_up("peer")
    assert child_suites(lab) == [PFS]
    lab["peer"].strongswan.wait_log("CREATE_CHILD_SA request")
    ping_both_ways(lab)


def test_strongswan_initiates_childless_and_the_first_child_has_pfs(build):
    lab = pair(build, {"role": "responder", "childless": "allow"}, "force")
    assert lab["peer"].strongswan.initiate("gate") is None
    lab["gate"].kedge.wait_up("peer")
    assert child_suites(lab) == [PFS]
    ping_both_ways(lab)


def test_without_force_the_first_child_is_made_in_ike_auth(build):
    lab = pair(build, {"role": "initiator", "childless": "allow"}, "allow")
    lab["gate"].kedge.wait_up("peer")
    assert child_suites(lab) == ["aes256-sha256"]


def test_kedge_does_not_initiate_childless_where_strongswan_does_not_announce_it(build):
    lab = pair(build, {"role": "initiator", "childless": "force"}, "never")
    refused = lab["gate"].kedge.events.wait("ike.refused", reason="unsupported")
    assert "childless: force" in str(refused)
    assert lab["gate"].kedge.tunnel("peer")["children"] == []


def test_strongswan_does_not_initiate_childless_where_kedge_does_not_announce_it(build):
    lab = pair(build, {"role": "responder", "childless": "never"}, "force")
    assert lab["peer"].strongswan.initiate("gate") is not None
    lab["peer"].strongswan.wait_log("childless")
    assert lab["gate"].kedge.tunnel("peer")["children"] == []
