"""Interop tests: kedge against real strongSwan, FRR and BIRD, and against itself, in namespaces (tests/lab).

/usr/bin/python3 -m pytest tests/interop, as root; $KEDGE_BUILD names the build directory (default build).
"""
import io
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import kedge  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.topology import Topology, live  # noqa: E402


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
