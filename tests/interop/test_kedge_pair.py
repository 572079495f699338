"""kedge at both ends: initiators that collide, a silent end, iBGP over a tunnel, the coupling seen from both."""
import pytest

from peers import kedge_pair, ping, tunnel_of


def both_up(lab, timeout=20):
    lab["left"].kedge.wait_up("right", timeout)
    lab["right"].kedge.wait_up("left", timeout)


@pytest.mark.parametrize("left,right", [("initiator", "responder"), ("responder", "initiator"), ("both", "both")])
def test_roles(build, left, right):
    lab = build(kedge_pair(left={"role": left}, right={"role": right}))
    both_up(lab)
    mine, theirs = lab["left"].kedge.tunnel("right"), lab["right"].kedge.tunnel("left")
    assert mine["ike"]["spi_i"] == theirs["ike"]["spi_i"] and mine["ike"]["spi_r"] == theirs["ike"]["spi_r"]
    assert mine["ike"]["initiator"] is not theirs["ike"]["initiator"]
    if left != "both":
        assert mine["ike"]["initiator"] is (left == "initiator")
    ping(lab["left"], "10.0.2.1", "10.0.1.1")


def test_two_responders_stay_down_and_say_nothing_wrong(build):
    lab = build(kedge_pair(both={"role": "responder"}))
    row = lab["left"].kedge.tunnel("right")
    assert row["state"] == "down" and row["reason"] == "none"


def test_bgp_over_the_tunnel_connects_the_lans(build):
    lab = build(kedge_pair())
    both_up(lab)
    lab["left"].kedge.wait_established("right")
    lab["left"].kedge.wait_route("10.2.0.0/24", interface="kedge0", installed=True)
    lab["right"].kedge.wait_route("10.1.0.0/24", interface="kedge0", installed=True)
    ping(lab["client"], "10.2.0.10")


def test_ibgp_over_the_tunnel(build):
    description = kedge_pair()
    description["hosts"]["right"]["kedge"]["router"]["asn"] = 65010
    tunnel_of(description, "left")["neighbor"]["asn"] = 65010
    lab = build(description)
    both_up(lab)
    row = lab["left"].kedge.wait_route("10.2.0.0/24", installed=True)
    assert row["as_path"] == [] and row["local_pref"] == 100
    ping(lab["client"], "10.2.0.10")


def test_a_silent_down_is_found_by_the_other_end_only_by_its_detection(build):
    lab = build(kedge_pair())
    both_up(lab)
    left, right = lab["left"].kedge, lab["right"].kedge
    left.wait_established("right")
    left.wait_route("10.2.0.0/24", installed=True)
    mark = left.events.last_seq
    right.cli("down", "left", "--silent")
    detect = left.events.wait("tunnel.detect", 15, mark, tunnel="right")
    clear = left.events.wait("fib.clear", 15, mark, tunnel="right")
    assert detect["seq"] < left.events.find("bgp.stop", mark, tunnel="right")["seq"] < clear["seq"]
    assert left.events.find("tunnel.state", mark, tunnel="right", reason="peer-deleted") is None


def test_an_announced_down_tells_the_other_end(build):
    lab = build(kedge_pair(left={"role": "responder"}, right={"role": "initiator"}))
    both_up(lab)
    left, right = lab["left"].kedge, lab["right"].kedge
    left.wait_established("right")
    mark = left.events.last_seq
    right.cli("down", "left")
    left.events.wait("tunnel.state", 5, mark, tunnel="right", reason="peer-deleted")
    left.events.wait("fib.clear", 5, mark, tunnel="right")
    assert left.events.find("tunnel.detect", mark) is None


def test_wrong_psk_between_kedges_is_auth_failed_at_both(build):
    lab = build(kedge_pair(left={"role": "initiator"}, right={"role": "responder", "auth": {"psk": "other"}}))
    lab["left"].kedge.events.wait("tunnel.state", tunnel="right", reason="auth-failed")
    event = lab["right"].kedge.events.wait("ike.refused", reason="auth-failed")
    assert "192.0.2.1" in str(event)


def test_kedged_killed_at_one_end_recovers_at_both(build):
    lab = build(kedge_pair(both={"detect": "1s", "abandon": "3s"}))
    both_up(lab)
    lab["right"].kedge.kill()
    mark = lab["left"].kedge.events.last_seq
    lab["right"].kedge.start()
    lab["right"].kedge.wait_up("left", 30)
    lab["left"].kedge.wait_up("right", 30, after=mark)
    lab["left"].kedge.wait_established("right", 30, after=mark)
    ping(lab["left"], "10.0.2.1", "10.0.1.1")
