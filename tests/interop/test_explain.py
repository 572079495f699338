"""The rekey rehearsal and kedge explain against strongSwan: a mismatch that IKE_AUTH hides is found some seconds after
commissioning, costs no packet, and the explanation names the line that mends it."""
import pytest

from lab.ping import Pinging
from peers import INNER_GATE, INNER_PEER, ping_both_ways, strongswan_pair

PFS, PLAIN = "aes256-sha256-modp2048", "aes256-sha256"


def rehearsed(build, ours, theirs, **tunnel):
    """The pair once it has rehearsed; with a ping that runs from before the rehearsal to after it."""
    lab = build(strongswan_pair(tunnel={"esp": [ours], "rekey-rehearsal": "2s", **tunnel},
                                child={"esp_proposals": [theirs]}))
    gate = lab["gate"]
    gate.kedge.wait_up("peer")
    ping = Pinging(gate, INNER_PEER, INNER_GATE, 0.02)
    ping.answered(5)
    return lab, gate.kedge, ping


def nothing_lost(ping):
    """From before the rehearsal to after it."""
    ping.answered(5)
    assert ping.lost() == []


def test_a_rehearsal_that_passes_says_which_groups_and_loses_no_packet(build):
    lab, kedge, ping = rehearsed(build, PFS, PFS)
    event = kedge.events.wait("rehearsal.pass", 20)
    assert event["took_us"] > 0 and "PFS group modp2048" in event["detail"]
    row = kedge.tunnel("peer")["rehearsal"]
    assert row["result"] == "passed" and row["pfs"] == "modp2048" and row["ike_group"] == "modp2048"
    nothing_lost(ping)
    assert "rehearsal passed in" in kedge.cli("status", "peer").stdout
    assert kedge.events.find("ike.refused") is None
    assert len(lab["peer"].strongswan.sas()) == 1


@pytest.mark.parametrize("ours,theirs,mend", [(PLAIN, PFS, PFS), (PFS, PLAIN, PLAIN)],
                         ids=["peer-insists-on-pfs", "peer-wants-no-pfs"])
def test_a_pfs_mismatch_is_found_at_commissioning_and_the_tunnel_stays(build, ours, theirs, mend):
    lab, kedge, ping = rehearsed(build, ours, theirs)
    up = kedge.events.find("child.up")
    event = kedge.events.wait("rehearsal.fail", 20, reason="no-proposal")
    assert event["t_us"] - up["t_us"] < 6_000_000  # seconds after commissioning, not at the first lifetime's end
    assert "kedge explain peer" in event["detail"]
    nothing_lost(ping)
    row = kedge.tunnel("peer")
    assert row["state"] == "up" and row["rehearsal"]["result"] == "failed" and row["rehearsal"]["failed_at"] == "child"
    assert kedge.events.find("child.down") is None
    refused = kedge.json("explain", "peer")["refused"]
    assert refused["by_peer"] and refused["rekey"] and refused["exchange"] == "CREATE_CHILD_SA"
    assert refused["difference"].startswith("PFS group: ") and refused["now_up"]
    here = next(change for change in refused["changes"] if change["side"] == "here")
    assert here["text"] == f"esp: [{mend}]" and here["line"] == line_of(lab, "esp:")
    there = next(change for change in refused["changes"] if change["where"] == "swanctl.conf")
    assert there["text"].endswith(f"esp_proposals = {ours}")
    ping_both_ways(lab)


def line_of(lab, key):
    lines = lab["gate"].kedge.config_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(key)) + 1  # the list's first


def test_the_line_kedge_explain_names_mends_it(build):
    _lab, kedge, _ping = rehearsed(build, PLAIN, PFS)
    kedge.events.wait("rehearsal.fail", 20)
    text = next(c["text"] for c in kedge.json("explain", "peer")["refused"]["changes"] if c["side"] == "here")
    lab = build(strongswan_pair(tunnel={"esp": [text[len("esp: ["):-1]], "rekey-rehearsal": "2s"},
                                child={"esp_proposals": [PFS]}))
    lab["gate"].kedge.wait_up("peer")
    lab["gate"].kedge.events.wait("rehearsal.pass", 20)


@pytest.mark.parametrize("option,event", [("--child", "child.up"), ("--ike", "ike.rekeyed"), (None, "ike.rekeyed"),
                                          ("--rehearse", "rehearsal.pass")])
def test_kedge_rekey_waits_for_the_outcome(build, option, event):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}))
    kedge = lab["gate"].kedge
    kedge.wait_up("peer")
    mark = kedge.events.last_seq
    done = kedge.cli("rekey", "peer", *([option] if option else []), "--wait", "10s")
    assert done.returncode == 0 and " done" in done.stdout
    kedge.events.wait(event, 5, mark)
    ping_both_ways(lab)


def test_a_refused_rekey_is_exit_1_and_asked_once(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator", "esp": [PFS]}, child={"esp_proposals": [PLAIN]}))
    kedge = lab["gate"].kedge
    kedge.wait_up("peer")
    for option in ("--child", "--rehearse"):
        done = kedge.cli("rekey", "peer", option, "--wait", "10s", check=False)
        assert done.returncode == 1 and "no-proposal" in done.stderr and "kedge explain peer" in done.stderr
    assert kedge.cli("rekey", "peer", "--child", "--ike", check=False).returncode == 2
    ping_both_ways(lab)


def test_explain_shows_both_lists_when_kedge_refuses(build):
    lab = build(strongswan_pair(tunnel={"role": "responder", "ike": ["aes256-sha256-modp2048"]},
                                connection={"proposals": ["aes256-sha1-modp1024"]}))
    kedge = lab["gate"].kedge
    assert "nothing was refused" in kedge.cli("explain", "peer").stdout
    lab["peer"].strongswan.initiate("gate")
    kedge.events.wait("ike.refused", reason="no-proposal")
    refused = kedge.json("explain", "peer")["refused"]
    assert refused["difference"] == "integrity: sha1 is offered, sha256 is configured"
    assert [row["what"] for row in refused["rows"] if row["differs"]] == ["integrity", "PRF", "group"]
    text = kedge.cli("explain", "peer").stdout
    assert "offered by the peer" in text and "ike: [aes256-sha1-modp1024]" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_explain_of_an_identity_and_of_silence(build):
    lab = build(strongswan_pair(tunnel={"role": "responder"}, connection={"local": {"id": "stranger.example"}}))
    kedge = lab["gate"].kedge
    lab["peer"].strongswan.initiate("gate")
    kedge.events.wait("ike.refused", reason="auth-failed")
    refused = kedge.json("explain", "peer")["refused"]
    assert refused["difference"] == "identity: the peer shows stranger.example, 198.51.100.1 is configured"
    assert "remote-id: stranger.example" in [change["text"] for change in refused["changes"]]
    silent = build(strongswan_pair(tunnel={"role": "initiator", "remote": "198.51.100.2"}))["gate"].kedge
    silent.events.wait("ike.closed", 20, reason="timeout")
    refused = silent.json("explain", "peer")["refused"]
    assert refused["reason"] == "timeout" and refused["exchange"] == "IKE_SA_INIT" and "UDP 500" in refused["cause"]


def test_strangers_are_listed(build):
    lab = build(strongswan_pair(tunnel={"role": "responder", "remote": "198.51.100.77"}))
    kedge = lab["gate"].kedge
    lab["peer"].strongswan.initiate("gate")
    kedge.events.wait("ike.stranger")
    (stranger,) = kedge.json("explain")["strangers"]
    assert stranger["remote"].startswith("198.51.100.1:") and stranger["count"] >= 1
    assert "198.51.100.1" in kedge.cli("explain").stdout
