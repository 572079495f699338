"""Requests of an XFRM tunnel's life that the kernel refuses, or leaves unanswered: nothing leaks, the tunnel lives on.

A life has 17 requests that change something; each was seen refused and lost (five minutes), here are some of each kind.
"""
import errno
import re

import pytest

from kernel_peers import kernel_pair
from lab import faults
from lab.process import ENVIRONMENT

POLICY, NEW_PAIR, SWITCH, DELETION = 5, 8, 9, 12    # the life's first policy out, its second pair's SA, and so on


@pytest.fixture
def life(up, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "KEDGE_FAULTS", faults.ENABLED)
    gate = up(kernel_pair("xfrm", "aes256gcm16", {"role": "initiator"}))["gate"]

    def left():
        return "".join(re.findall(".*if_id 0x6b65.*", gate.ip("xfrm", "state") + gate.ip("xfrm", "policy")))

    made = faults.Life(gate, "peer", left=left)
    made.order("down")
    return made


def test_a_refused_request_is_said_and_overcome(life):
    """At a rekey the pair there was goes on: no failure of the tunnel is detected."""
    for n in (POLICY, NEW_PAIR, SWITCH, DELETION):
        said = life.with_fault(n, errno.ENOMEM)
        assert any(e["event"] == "kernel.error" and e["reason"] == "kernel-refused" for e in said), (n, said)
        assert not any(e["event"] == "tunnel.detect" for e in said), (n, said)


def test_a_lost_answer_is_overcome(life):
    for n in (POLICY, SWITCH):
        said = life.with_fault(n, faults.LOST)
        assert not any(e["event"] == "tunnel.detect" for e in said), (n, said)


def test_what_an_earlier_life_left_is_removed_before_the_first_interface_and_a_refusal_only_delays_it(up, monkeypatch):
    """The start's first request is the dump of interfaces that are to go."""
    monkeypatch.setitem(ENVIRONMENT, "KEDGE_FAULTS", f"1:{errno.ENOMEM}")
    kedge = up(kernel_pair("xfrm", "aes256gcm16", {"role": "initiator"}))["gate"].kedge
    assert ("what an earlier kedged left can't be removed: Cannot allocate memory; it is asked for again"
            in kedge.log()), kedge.log()
    assert kedge.events.find("kernel.error") is None
