"""A plugin of pytest's for cases that several workers share: who waits for whom, and what is told when."""
import os

import pytest

from lab.wait import until

ALONE_IS_OVER = "/run/kedge-cases-alone-are-over"


class Teller:
    """A failure is told at once: a run that is ended from outside tells nothing more."""
    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.config.pluginmanager.getplugin("terminalreporter").write_line(f"\n{report.longreprtext}")


def join(config):
    config.addinivalue_line("markers", "alone: takes away what all workers' cases need; they wait until it is over")
    config.pluginmanager.register(Waits())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Teller(config))


def is_alone(item):
    return item.get_closest_marker("alone") is not None


class Waits:
    """The first file goes to the first worker: that of the cases that must be alone."""
    @staticmethod
    def pytest_collection_modifyitems(items):
        """The files with the most cases follow, so that no worker is left with a long one at the end."""
        cases = {}
        for item in items:
            cases[item.path] = cases.get(item.path, 0) + 1
        items.sort(key=lambda item: (not is_alone(item), -cases[item.path], item.path))

    @staticmethod
    def pytest_runtest_setup(item):
        if not is_alone(item) and any(map(is_alone, item.session.items)):
            until(lambda: os.path.exists(ALONE_IS_OVER), 60, "the end of the cases that must be alone")

    @staticmethod
    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(item, nextitem):
        if is_alone(item) and (nextitem is None or not is_alone(nextitem)):
            with open(ALONE_IS_OVER, "w", encoding="ascii"):
                pass
