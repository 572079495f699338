"""Cases for the stock kernel of tests/kernel/run; on a host whose kernel lacks ESP they fail, they aren't skipped.

They use tests/lab, and the descriptions of tests/interop/peers.py.
"""
import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [TESTS, os.path.join(TESTS, "interop")]

import pytest  # noqa: E402

import workers  # noqa: E402
from ground import Ground, bring_up, leaves_nothing  # noqa: E402
from lab.fixtures import build as topologies  # noqa: E402, F401
from lab.fixtures import pytest_configure as look_for_programs  # noqa: E402
from lab.fixtures import pytest_runtest_makereport  # noqa: E402, F401


@pytest.fixture
def build(topologies, request):  # noqa: F811
    """build(description) is a topology of this case alone; at its end no kedged has, or leaves, what it doesn't want."""
    failed, made = request.session.testsfailed, []

    def make(description, **options):
        made.append(topologies(description, **options))
        return made[-1]

    yield make
    if request.session.testsfailed == failed:
        for lab in made:
            leaves_nothing(lab)


@pytest.fixture(scope="session")
def whole_ground():
    ground = Ground()
    yield ground
    ground.give_up()


@pytest.fixture
def ground(whole_ground, request):
    """The Ground, cleared after the case; a failed case leaves none to the next."""
    failed = request.session.testsfailed
    yield whole_ground
    try:
        if whole_ground.lab and request.session.testsfailed == failed:
            whole_ground.clear()
            return
    except BaseException:
        whole_ground.give_up()
        raise
    whole_ground.give_up()


@pytest.fixture
def up(ground, build):
    """up(description) is a topology with its tunnels up, on the ground that cases share; around(topology), a context,
    changes it for this case alone. prepare(topology) changes one that is only this case's."""
    def make(description, prepare=None, around=None):
        if prepare:
            lab = build(description, start=False)
            prepare(lab)
        else:
            lab = ground.take(description)
        if around:
            ground.around.enter_context(around(lab))
        bring_up(lab)
        return lab
    return make


def pytest_configure(config):
    look_for_programs(config)
    workers.join(config)
