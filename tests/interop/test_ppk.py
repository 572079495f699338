"""Postquantum pre-shared keys (RFC 8784) with strongSwan, both roles: required, optional, absent, another one."""
import pytest

from peers import ping_both_ways, strongswan_pair

PPK = "thirty-two octets of a good ppk!"
PSK = {"psk": {"secret": "a-preshared-key-of-the-lab"}}


def pair(build, tmp_path, role, kedge="required", strongswan="required", theirs=PPK, their_id="site"):
    """kedge's and strongSwan's side: required, optional or none; theirs: strongSwan's key."""
    path = tmp_path / "ppk"
    path.write_text(PPK + "\n")
    path.chmod(0o600)
    tunnel = {"role": role}
    if kedge != "none":
        tunnel["ppk"] = {"id": "site", "file": str(path), "required": kedge == "required"}
    connection, secrets = {}, dict(PSK)
    if strongswan != "none":
        connection = {"ppk_id": their_id, "ppk_required": "yes" if strongswan == "required" else "no"}
        secrets["quantum"] = {"type": "ppk", "id": [their_id], "secret": theirs}
    return build(strongswan_pair(tunnel=tunnel, connection=connection, secrets=secrets))


def start(lab, role):
    """strongSwan's error, or None, where it initiates."""
    return lab["peer"].strongswan.initiate("gate") if role == "responder" else None


ROLES = pytest.mark.parametrize("role", ["initiator", "responder"])


@ROLES
@pytest.mark.parametrize("kedge,strongswan", [("required", "required"), ("optional", "optional"),
                                              ("required", "optional"), ("optional", "required")])
def test_the_same_ppk_is_used(build, tmp_path, role, kedge, strongswan):
    lab = pair(build, tmp_path, role, kedge, strongswan)
    assert start(lab, role) is None
    lab["gate"].kedge.wait_up("peer")
    lab["peer"].strongswan.wait_log("using PPK")
    ping_both_ways(lab)


@ROLES
@pytest.mark.parametrize("kedge,strongswan", [("optional", "none"), ("none", "optional")])
def test_an_optional_ppk_is_left_out_where_the_other_end_has_none(build, tmp_path, role, kedge, strongswan):
    lab = pair(build, tmp_path, role, kedge, strongswan)
    assert start(lab, role) is None
    lab["gate"].kedge.wait_up("peer")
    ping_both_ways(lab)


def test_an_optional_ppk_of_another_name_is_left_out(build, tmp_path):
    lab = pair(build, tmp_path, "responder", "optional", "optional", their_id="elsewhere")
    assert start(lab, "responder") is None
    lab["gate"].kedge.wait_up("peer")
    ping_both_ways(lab)


def test_strongswan_takes_no_other_name_than_its_own_and_kedge_says_so(build, tmp_path):
    lab = pair(build, tmp_path, "initiator", "optional", "optional", their_id="elsewhere")
    lab["gate"].kedge.events.wait("ike.refused", reason="auth-failed")
    lab["peer"].strongswan.wait_log("received PPK_ID 'site', but require 'elsewhere'")


@ROLES
@pytest.mark.parametrize("how", ["required", "optional"])
def test_another_ppk_of_the_same_name_is_refused(build, tmp_path, role, how):
    lab = pair(build, tmp_path, role, how, how, theirs=PPK.upper())
    start(lab, role)
    lab["gate"].kedge.events.wait("ike.refused", reason="auth-failed")
    assert lab["gate"].kedge.tunnel("peer")["children"] == []


def test_kedge_initiates_nothing_without_the_ppk_it_requires(build, tmp_path):
    lab = pair(build, tmp_path, "initiator", "required", "none")
    lab["gate"].kedge.events.wait("ike.refused", reason="unsupported")
    assert lab["gate"].kedge.tunnel("peer")["children"] == []


def test_kedge_answers_nobody_without_the_ppk_it_requires(build, tmp_path):
    lab = pair(build, tmp_path, "responder", "required", "none")
    assert start(lab, "responder") is not None
    event = lab["gate"].kedge.events.wait("ike.refused", reason="auth-failed")
    assert "required" in str(event)


def test_kedge_without_a_ppk_is_refused_by_a_strongswan_that_requires_one(build, tmp_path):
    lab = pair(build, tmp_path, "initiator", "none", "required")
    lab["gate"].kedge.events.wait("ike.refused", reason="auth-failed")
    lab["peer"].strongswan.wait_log("PPK required")
    assert lab["gate"].kedge.tunnel("peer")["children"] == []


def test_strongswan_that_requires_a_ppk_does_not_go_on_without_our_announcement(build, tmp_path):
    lab = pair(build, tmp_path, "responder", "none", "required")
    assert start(lab, "responder") is not None
    lab["peer"].strongswan.wait_log("PPK required")
    assert lab["gate"].kedge.tunnel("peer")["children"] == []
