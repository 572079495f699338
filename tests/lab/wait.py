"""Waiting for a condition with a deadline: only for foreign programs that tell nobody what they do.

kedge has an event stream (kedge.py); use that one for everything it can tell.
"""
import time

from .errors import LabTimeout


def until(condition, timeout, what, interval=0.05):
    """Calls condition() until it returns something true, and returns that; LabTimeout after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise LabTimeout(f"not within {timeout:g} s: {what() if callable(what) else what}")
        time.sleep(interval)
