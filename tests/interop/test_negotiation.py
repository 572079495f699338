"""What two ends do not agree on: refusals that say why, and the retries that RFC 7296 has for the rest."""
from peers import ping, ping_both_ways, strongswan_pair

WRONG = {"psk": {"secret": "another-key"}}


def refused(kedge, reason):
    """The tunnel's state event with this reason, and the tunnel as status shows it then."""
    kedge.events.wait("tunnel.state", 15, tunnel="peer", reason=reason)
    row = kedge.tunnel("peer")
    assert row["state"] not in ("up", "unproven") and not row["children"]
    return row


def test_wrong_psk_as_initiator_is_auth_failed_with_the_peers_identity(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}, secrets=WRONG))
    row = refused(lab["gate"].kedge, "auth-failed")
    assert row["reason"] == "auth-failed" and "198.51.100.1" in row["detail"]


def test_wrong_psk_as_responder_is_auth_failed_with_the_peers_identity(build):
    lab = build(strongswan_pair(tunnel={"role": "responder"}, secrets=WRONG,
                                connection={"local": {"id": "stranger.example"}}))
    assert lab["peer"].strongswan.initiate("gate") is not None
    event = lab["gate"].kedge.events.wait("ike.refused", reason="auth-failed")
    assert "stranger.example" in str(event)
    assert lab["gate"].kedge.tunnel("peer")["children"] == []


def test_right_psk_but_wrong_identity_is_auth_failed(build):
    lab = build(strongswan_pair(tunnel={"role": "responder"}, connection={"local": {"id": "stranger.example"}}))
    assert lab["peer"].strongswan.initiate("gate") is not None
    event = lab["gate"].kedge.events.wait("ike.refused", reason="auth-failed")
    assert "stranger.example" in str(event)


def test_identity_any_accepts_the_stranger(build):
    lab = build(strongswan_pair(tunnel={"role": "responder", "remote-id": "any"},
                                connection={"local": {"id": "stranger.example"}}))
    assert lab["peer"].strongswan.initiate("gate") is None
    assert lab["gate"].kedge.tunnel("peer")["ike"]["remote_id"] == "stranger.example"


def test_ike_mismatch_as_responder_says_offered_and_configured(build):
    lab = build(strongswan_pair(tunnel={"role": "responder", "ike": ["aes256-sha256-modp2048"]},
                                connection={"proposals": ["aes256-sha1-modp1024"]}))
    assert lab["peer"].strongswan.initiate("gate") is not None
    event = lab["gate"].kedge.events.wait("ike.refused", reason="no-proposal")
    assert event["tunnel"] == "peer"
    refusal = lab["gate"].kedge.tunnel("peer")["refusal"]
    assert refusal["reason"] == "no-proposal"
    assert refusal["offered"] == ["aes256-sha1-modp1024"]
    assert refusal["configured"] == ["aes256-sha256-modp2048"]
    lab["peer"].strongswan.wait_log("NO_PROPOSAL_CHOSEN")


def test_ike_mismatch_as_initiator_is_no_proposal(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator", "ike": ["aes256-sha256-modp2048"]},
                                connection={"proposals": ["aes256-sha1-modp1024"]}))
    row = refused(lab["gate"].kedge, "no-proposal")
    assert row["refusal"]["configured"] == ["aes256-sha256-modp2048"]


def test_esp_mismatch_as_responder_says_offered_and_configured(build):
    lab = build(strongswan_pair(tunnel={"role": "responder", "esp": ["aes256-sha256"]},
                                child={"esp_proposals": ["aes128gcm16"]}))
    assert lab["peer"].strongswan.initiate("gate") is not None
    lab["gate"].kedge.events.wait("ike.refused", reason="no-proposal")
    refusal = lab["gate"].kedge.tunnel("peer")["refusal"]
    assert refusal["offered"] == ["aes128gcm16"] and refusal["configured"] == ["aes256-sha256"]


def test_esp_mismatch_as_initiator_is_no_proposal(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator", "esp": ["aes256-sha256"]},
                                child={"esp_proposals": ["aes128gcm16"]}))
    refused(lab["gate"].kedge, "no-proposal")


def test_kedge_retries_with_the_group_that_strongswan_asks_for(build):
    offered = ["aes256-sha256-ecp256", "aes256-sha256-modp2048"]
    lab = build(strongswan_pair(tunnel={"role": "initiator", "ike": offered},
                                connection={"proposals": ["aes256-sha256-modp2048"]}))
    lab["gate"].kedge.wait_up("peer")
    assert lab["gate"].kedge.tunnel("peer")["ike"]["suite"] == "aes256-sha256-modp2048"
    lab["peer"].strongswan.wait_log("INVAL_KE", "INVALID_KE")


def test_kedge_asks_strongswan_for_its_own_group(build):
    offered = ["aes256-sha256-ecp256", "aes256-sha256-modp2048"]
    lab = build(strongswan_pair(tunnel={"role": "responder", "ike": ["aes256-sha256-modp2048"]},
                                connection={"proposals": offered}))
    assert lab["peer"].strongswan.initiate("gate") is None
    lab["gate"].kedge.wait_up("peer")
    lab["peer"].strongswan.wait_log("it requested MODP_2048")


def test_kedge_narrows_what_strongswan_proposes(build):
    lab = build(strongswan_pair(tunnel={"role": "responder",
                                        "selectors": {"local": ["10.0.1.0/24"], "remote": ["10.0.2.0/24"]}}))
    assert lab["peer"].strongswan.initiate("gate") is None
    lab["gate"].kedge.wait_up("peer")
    (child,) = lab["gate"].kedge.tunnel("peer")["children"]
    assert child["local_ts"] == ["10.0.1.0/24"] and child["remote_ts"] == ["10.0.2.0/24"]
    (sa,) = lab["peer"].strongswan.sas().values()
    (theirs,) = sa["child-sas"].values()
    assert theirs["remote-ts"] == ["10.0.1.0/24"] and theirs["local-ts"] == ["10.0.2.0/24"]
    ping_both_ways(lab)


def test_kedge_takes_what_strongswan_narrows_to_and_drops_the_rest(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"},
                                child={"local_ts": ["10.0.2.0/24"], "remote_ts": ["10.0.1.0/24"]}))
    gate = lab["gate"]
    gate.kedge.wait_up("peer")
    (child,) = gate.kedge.tunnel("peer")["children"]
    assert child["local_ts"] == ["10.0.1.0/24"] and child["remote_ts"] == ["10.0.2.0/24"]
    ping(gate, "10.0.2.1", "10.0.1.1")
    before = child["packets_out"]
    gate.ip("route", "add", "172.31.0.0/16", "dev", "kedge0")
    gate.run("ping", "-c", "2", "-i", "0.05", "-W", "1", "172.31.0.1", check=False)
    (child,) = gate.kedge.tunnel("peer")["children"]
    assert child["dropped_ts"] >= 2 and child["packets_out"] < before + 20


def test_selectors_that_do_not_meet_are_ts_unacceptable(build):
    selectors = {"local": ["172.16.1.0/24"], "remote": ["172.16.2.0/24"]}
    lab = build(strongswan_pair(tunnel={"role": "responder", "selectors": selectors},
                                child={"local_ts": ["10.0.2.0/24"], "remote_ts": ["10.0.1.0/24"]}))
    assert lab["peer"].strongswan.initiate("gate") is not None
    lab["gate"].kedge.events.wait("ike.refused", reason="ts-unacceptable")
    lab["peer"].strongswan.wait_log("TS_UNACCEPT")


def test_a_fixed_configuration_comes_up_without_a_restart_of_kedged(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}, secrets=WRONG))
    refused(lab["gate"].kedge, "auth-failed")
    mark = lab["gate"].kedge.events.last_seq
    strongswan = lab["peer"].strongswan
    strongswan.vici.request("load-shared", {"id": "psk", "type": "IKE", "data": "a-preshared-key-of-the-lab",
                                            "owners": []})
    lab["gate"].kedge.wait_up("peer", 30, after=mark)
    ping_both_ways(lab)
