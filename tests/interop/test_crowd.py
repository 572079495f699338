"""A full table in one daemon, from one peer through to another and into the kernel (tests/bench/bgp.c is both peers)."""
from lab import crowd
from lab.topology import Topology
from lab.wait import until

ROUTES = 200000


def test_a_full_table_comes_and_leaves_with_its_source():
    """Its answers from the kernel are all read: none of it stays behind when the session ends."""
    config = {**crowd.config(True), "logging": {"level": "error"}}
    with Topology(crowd.topology(kedge=config)) as lab:
        connected = crowd.installed(lab["speaker"])
        table = crowd.Table(lab["load"], ROUTES)
        for stays in (ROUTES, 0):
            until(lambda: crowd.installed(lab["speaker"]) == connected + stays, 60,
                  lambda: f"{crowd.installed(lab['speaker'])} of {connected + stays} in the kernel", 0.5)
            table.stop()
