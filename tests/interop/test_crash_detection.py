"""Quick crash detection (RFC 6290), two kedgeds: what is killed and started again is found by its token."""
import os
import stat

import pytest

from peers import kedge_pair, ping

DETECT_S = 9  # the first request comes after a third of it


def pair(build, state=None):
    description = kedge_pair(left={"role": "initiator"}, right={"role": "responder"},
                             both={"detect": f"{DETECT_S}s", "abandon": "60s"})
    if state:
        description["hosts"]["right"]["kedge"]["gateway"]["state-directory"] = state
    lab = build(description)
    lab["left"].kedge.wait_up("right")
    lab["right"].kedge.wait_up("left")
    return lab


def crash(lab):
    """Kills the responder and starts it anew; the mark in the other end's events."""
    lab["right"].kedge.kill()
    mark = lab["left"].kedge.events.last_seq
    lab["right"].kedge.start()
    return mark


def test_a_killed_and_restarted_kedged_is_found_by_the_first_request(build):
    lab = pair(build)
    mark = crash(lab)
    left = lab["left"].kedge
    left.events.wait("ike.closed", DETECT_S - 1, mark, tunnel="right", reason="peer-restarted")
    left.wait_up("right", 5, after=mark)
    assert left.events.find("tunnel.state", mark, state="unreachable") is None
    ping(lab["left"], "10.0.2.1", "10.0.1.1")


def test_without_its_state_a_restart_takes_the_detection_budget(build):
    lab = pair(build, state="none")
    mark = crash(lab)
    left = lab["left"].kedge
    left.events.wait("tunnel.state", DETECT_S + 3, mark, tunnel="right", state="unreachable")
    assert left.events.find("ike.closed", mark, reason="peer-restarted") is None


def test_the_secret_is_made_once_and_for_root_alone(build):
    lab = pair(build)
    path = os.path.join(lab["right"].directory, "state", "qcd.key")
    with open(path, "rb") as file:
        secret = file.read()
    assert len(secret) == 32 and stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    crash(lab)
    with open(path, "rb") as file:
        assert file.read() == secret


@pytest.mark.parametrize("content,mode", [(b"x" * 32, 0o644), (b"x" * 31, 0o600), (b"x" * 33, 0o600)])
def test_a_secret_that_cannot_be_ours_is_told_and_not_used(build, tmp_path, content, mode):
    path = tmp_path / "qcd.key"
    path.write_bytes(content)
    path.chmod(mode)
    lab = pair(build, state=str(tmp_path))
    log = lab["right"].kedge.log()
    assert str(path) in log and "remove it" in log
    assert path.read_bytes() == content
