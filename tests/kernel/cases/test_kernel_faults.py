"""Requests of an XFRM tunnel's life that the kernel refuses, or leaves unanswered: nothing leaks, the tunnel lives on."""
import errno
import re

import pytest

from kernel_peers import kernel_pair
from lab import faults
from lab.process import ENVIRONMENT

# How many requests each stage has. up: the pair, its policies in, fwd and out, the neighbor's route. child: the new
# pair, the policy out that switches to it. down: both pairs, the policies, the route. New keys for IKE have none.
LIFE = {"up": 6, "child": 3, "down": 8}


@pytest.fixture
def life(up, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "KEDGE_FAULTS", faults.ENABLED)
    gate = up(kernel_pair("xfrm", "aes256gcm16", {"role": "initiator"}))["gate"]

    def left():
        return "".join(re.findall(".*if_id 0x6b65.*", gate.ip("xfrm", "state") + gate.ip("xfrm", "policy")))

    made = faults.Life(gate, "peer", left=left)
    made.order("down")
    return made


def judged(lives, reasons):
    """Every request was met; each time a reason was said, and at a rekey the pair there was went on: no failure of the
    tunnel was detected."""
    met = dict.fromkeys(LIFE, 0)
    for stage, n, said in lives:
        met[stage] = n
        assert any(e["event"] == "kernel.error" and e["reason"] in reasons for e in said), (stage, n, said)
        assert not any(e["event"] == "tunnel.detect" for e in said), (stage, n, said)
    assert met == LIFE


def test_each_request_of_a_life_may_be_refused(life):
    judged(life.with_every_fault(errno.ENOMEM), ["kernel-refused"])


def test_the_answer_to_each_request_of_a_life_may_be_lost(life):
    """What the control loop asks for is refused as timed out, the rest's answers are those of an overrun."""
    judged(life.with_every_fault(faults.LOST), ["kernel-refused", "no-resources"])


def test_what_an_earlier_life_left_is_removed_before_the_first_interface_and_a_refusal_only_delays_it(up, monkeypatch):
    """The start's first request is the dump of interfaces that are to go."""
    monkeypatch.setitem(ENVIRONMENT, "KEDGE_FAULTS", f"1:{errno.ENOMEM}")
    kedge = up(kernel_pair("xfrm", "aes256gcm16", {"role": "initiator"}))["gate"].kedge
    assert ("what an earlier kedged left can't be removed: Cannot allocate memory; it is asked for again"
            in kedge.log()), kedge.log()
    assert kedge.events.find("kernel.error") is None
