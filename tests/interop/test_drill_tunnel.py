"""A drill's steps of tunnels, and whoever is killed in them: the client or kedged, the tunnel comes back."""
import pytest
import yaml

from lab import kedge as programs
from lab.topology import Topology
from lab.wait import until
from peers import kedge_pair


@pytest.fixture(scope="module")
def lab():
    with Topology(kedge_pair()) as built:
        settle(built)
        yield built


def settle(lab):
    """The tunnel up and its session Established, seen from both ends."""
    for host, name in (("left", "right"), ("right", "left")):
        kedge = lab[host].kedge
        until(lambda kedge=kedge, name=name: kedge.tunnel(name)["state"] == "up", 20, f"{name} up", 0.1)
        until(lambda kedge=kedge, name=name: kedge.neighbor(name)["state"] == "Established", 20, f"{name} Established", 0.1)


@pytest.mark.parametrize("killed", ["kedge", "kedged"])
@pytest.mark.parametrize("how", ["down", "silent"])
def test_a_tunnel_comes_back_whoever_is_killed(lab, how, killed):
    left = lab["left"]
    path = left.write("drill.yaml", yaml.safe_dump({"drill": f"{how}-{killed}", "steps": [
        {"tunnel": {"name": "right", "how": how}}, {"hold": "300s"}]}, sort_keys=False))
    mark, there = left.kedge.events.last_seq, lab["right"].kedge.events.last_seq
    program = left.spawn("drill", [programs.kedge(), "drill", "run", path])
    until(lambda: any("step 2 begin" in e["detail"] for e in left.kedge.events.drain()
                      if e["seq"] > mark and e["event"] == "drill"), 15, "the hold")
    lab["right"].kedge.events.wait("tunnel.state", 15, there, tunnel="left", state="unreachable" if how == "silent" else "down")
    if killed == "kedge":
        program.kill()
    else:
        left.kedge.kill()
        left.kedge.events.close()
        left.kedge.start()
    settle(lab)
    left.kedge.cli("drill", "run", path, "--dry-run")
    runs = left.kedge.json("drill", "show", f"{how}-{killed}")
    assert runs["verdict"] == ("aborted" if killed == "kedge" else "interrupted")
