"""What the test suites over the lab share in pytest: their conftest.py takes these names over."""
import io

import pytest

from . import kedge
from .errors import LabError
from .topology import Topology, live


def pytest_configure(config):
    try:
        kedge.kedged()
        kedge.kedge()
    except LabError as error:
        pytest.exit(str(error), returncode=3)


@pytest.fixture
def build():
    """build(description) makes a topology that lives until the end of the test."""
    topologies = []

    def make(description, **options):
        topologies.append(Topology(description, **options))
        return topologies[-1].__enter__()

    yield make
    for topology in reversed(topologies):
        topology.down()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the ends of its programs' logs."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for topology in live:
            text = io.StringIO()
            topology.report(text)
            report.sections.append(("programs of " + ", ".join(topology.hosts), text.getvalue()))
