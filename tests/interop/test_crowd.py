"""Many BFD sessions and a full table in one daemon: neither harms the other. The far ends are tests/bench's programs."""
from lab import crowd
from lab.topology import Topology
from lab.wait import until

SESSIONS, ROUTES = 300, 200000


def failures(kedge):
    return sum(row["bfd"]["failures"] for row in kedge.json("bgp", "neighbors")["neighbors"] if row["bfd"])


def test_no_session_fails_while_a_full_table_comes_and_goes():
    """300 ms x 3. The table goes through to another peer, into the kernel, and out of both when its source leaves."""
    config = {**crowd.config(True, SESSIONS), "logging": {"level": "error"}}
    with Topology(crowd.topology(kedge=config)) as lab:
        kedge = lab["speaker"].kedge
        field = crowd.Field(lab["load"], SESSIONS, 0)
        connected = crowd.installed(lab["speaker"])
        table = crowd.Table(lab["load"], ROUTES)
        until(lambda: crowd.installed(lab["speaker"]) == connected + ROUTES, 60,
              lambda: f"{crowd.installed(lab['speaker'])} of {connected + ROUTES} in the kernel", 0.5)
        table.stop()
        until(lambda: crowd.installed(lab["speaker"]) == connected, 60,
              lambda: f"{crowd.installed(lab['speaker'])} still in the kernel", 0.5)
        assert failures(kedge) == 0
        seen = field.stop()
        assert seen["up"] == SESSIONS and seen["silences"] == 0 and seen["told_down"] == 0, seen
