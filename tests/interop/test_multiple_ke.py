"""Multiple key exchanges (RFC 9370), two kedgeds: IKE_INTERMEDIATE before IKE_AUTH, IKE_FOLLOWUP_KE in rekeys."""
from peers import kedge_pair, ping

IKE = "aes256gcm16-prfsha384-x25519-ke1_ecp384-ke2_modp2048"
ESP = "aes256gcm16-x25519-ke1_ecp384-ke2_modp2048"


def pair(build, left=None, right=None):
    lab = build(kedge_pair(left={"role": "initiator", **(left or {})}, right={"role": "responder", **(right or {})},
                           both={"ike": [IKE], "esp": [ESP]}))
    return lab


def both_up(lab):
    lab["left"].kedge.wait_up("right")
    lab["right"].kedge.wait_up("left")


def test_three_key_exchanges_make_the_ike_sa(build):
    lab = pair(build)
    both_up(lab)
    for host, tunnel in (("left", "right"), ("right", "left")):
        assert lab[host].kedge.tunnel(tunnel)["ike"]["suite"] == IKE
    ping(lab["left"], "10.0.2.1", "10.0.1.1")


def test_rekeys_have_three_key_exchanges_and_lose_nothing(build):
    lab = pair(build)
    both_up(lab)
    for host, tunnel in (("left", "right"), ("right", "left")):
        old = lab[host].kedge.tunnel(tunnel)
        ends = [lab[name].kedge.events for name in ("left", "right")]
        marks = [events.last_seq for events in ends]
        lab[host].kedge.cli("rekey", tunnel, "--wait", "10s")
        for events, mark in zip(ends, marks):
            events.wait("ike.rekeyed", after=mark)
        new = lab[host].kedge.tunnel(tunnel)
        assert new["ike"]["suite"] == IKE and new["ike"]["spi_i"] != old["ike"]["spi_i"]
        assert [child["suite"] for child in new["children"] if child["spi_in"] != old["children"][0]["spi_in"]] == [ESP]
        ping(lab["left"], "10.0.2.1", "10.0.1.1")


def test_an_end_without_the_further_ones_is_refused_with_both_lists(build):
    less = "aes256gcm16-prfsha384-x25519"
    lab = build(kedge_pair(left={"role": "initiator", "ike": [IKE]}, right={"role": "responder", "ike": [less]}))
    event = lab["right"].kedge.events.wait("ike.refused", reason="no-proposal")
    assert event["tunnel"] == "left"
    refusal = lab["right"].kedge.tunnel("left")["refusal"]
    assert refusal["offered"] == [IKE] and refusal["configured"] == [less]


def test_ml_kem_is_refused_by_name_where_the_library_has_none(build):
    description = kedge_pair(left={"ike": ["aes256-sha256-x25519-ke1_mlkem768"]})
    spec = description["hosts"]["left"].pop("kedge")
    lab = build(description)
    path = lab["left"].write("bad.yaml", __import__("yaml").safe_dump(spec))
    from lab import kedge
    done = lab["left"].run(kedge.kedged(), "-c", path, "--check", check=False)
    assert done.returncode == 1 and "mlkem768: " in done.stderr and "ML-KEM" in done.stderr
