"""Interop tests: kedge against real strongSwan, FRR and BIRD, and against itself, in namespaces (tests/lab).

/usr/bin/python3 -m pytest tests/interop, as root; $KEDGE_BUILD names the build directory (default build).
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab.fixtures import build, pytest_configure, pytest_runtest_makereport  # noqa: E402, F401
