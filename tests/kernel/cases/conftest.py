"""Cases for the stock kernel of tests/kernel/run; on a host whose kernel lacks ESP they fail, they aren't skipped.

They use tests/lab, and the descriptions of tests/interop/peers.py.
"""
import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [TESTS, os.path.join(TESTS, "interop")]

import pytest  # noqa: E402

from kernel_peers import bring_up  # noqa: E402
from lab.fixtures import build, pytest_configure, pytest_runtest_makereport  # noqa: E402, F401


@pytest.fixture
def up(build):
    """up(description) is a topology with its tunnel up; prepare(topology) goes before the programs."""
    def make(description, prepare=lambda lab: None):
        lab = build(description, start=False)
        prepare(lab)
        bring_up(lab)
        return lab
    return make
