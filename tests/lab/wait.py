"""Waiting for a condition with a deadline: only for foreign programs that tell nobody what they do.

kedge has an event stream (kedge.py); use that one for everything it can tell.
"""
import os
import time

from .errors import LabTimeout

PATIENCE = float(os.environ.get("KEDGE_LAB_PATIENCE", "1"))  # how much slower than real iron: the guest of tests/kernel


def deadline_in(timeout):
    """On time.monotonic()'s clock: every wait of the lab gives up by one of these."""
    return time.monotonic() + timeout * PATIENCE


def until(condition, timeout, what, interval=0.05):
    """Calls condition() until it returns something true, and returns that; LabTimeout after timeout seconds."""
    deadline = deadline_in(timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise LabTimeout(f"not within {timeout:g} s: {what() if callable(what) else what}")
        time.sleep(interval)
