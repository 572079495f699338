"""Whichever netlink request of a tunnel's life the kernel refuses, or leaves unanswered: it lives on, nothing leaks."""
import errno

import pytest

from lab import faults
from lab.process import ENVIRONMENT
from peers import kedge_pair

PREFIX = "10.2.0.0/24"


@pytest.fixture
def life(build, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "KEDGE_FAULTS", faults.ENABLED)
    left = build(kedge_pair())["left"]

    def ours():
        return left.ip("route", "show", PREFIX, "proto", "75") + left.ip("nexthop", "show", "proto", "75")

    made = faults.Life(left, "right", up_too=lambda: PREFIX in ours(), left=ours)
    made.wait_up()
    made.order("down")
    return made


def test_a_refused_and_a_lost_request_of_a_life(life):
    """One life takes five seconds, for BGP: all of its requests in turn are test_sim_life's."""
    said = life.with_fault(3, errno.ENOMEM)
    assert [e for e in said if e["event"] == "kernel.error" and e["reason"] == "kernel-refused"], said
    said = life.with_fault(3, faults.LOST)
    assert [e for e in said if e["event"] == "kernel.error" and "overrun" in e["detail"]], said
