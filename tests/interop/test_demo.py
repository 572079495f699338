"""tests/demo's drill as a test, and its interruption: everything it made must be gone."""
import json
import os
import signal
import subprocess
import sys

from lab.netns import of_process
from lab.topology import ROOT

KEYS = {"tunnel_up", "bgp_established", "routes_learned", "outage_ms", "path_before", "path_during", "path_after",
        "verdict"}


def start():
    return subprocess.Popen([sys.executable, "-m", "lab.demo", "--json"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd=ROOT,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # not so of a background job's
                            env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "tests")})


def test_the_drill_passes_and_prints_one_json_object():
    with start() as demo:
        out, progress = demo.communicate(timeout=120)
    result = json.loads(out)
    assert KEYS <= set(result), result
    assert demo.returncode == 0 and result["verdict"] == "pass", (result, progress)
    assert result["tunnel_up"] is True and result["bgp_established"] is True
    assert "10.1.11.0/25" in result["routes_learned"]
    assert [result[key] for key in ("path_before", "path_during", "path_after")] == ["expressroute", "vpn",
                                                                                   "expressroute"]
    assert result["outage_ms"] >= 0
    assert not of_process(demo.pid)


def show(name, commands):
    return subprocess.run([sys.executable, "-m", "lab.show", name], input=commands, capture_output=True, text=True,
                          cwd=ROOT, timeout=60, check=False,
                          env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "tests")})


def test_any_topology_is_shown_and_takes_commands_until_the_end_of_input():
    done = show("kedge-pair", "left kedge down right\nleft kedge status\nbreak nothing\nnonsense\n")
    assert done.returncode == 0, (done.stdout, done.stderr)
    shown, said = done.stdout.split("HOST COMMAND", 1)
    assert "left# kedge routes learned" in shown and "right# kedge status" in shown and "not up" not in shown
    assert "right: down (was up)" in said and "no fault nothing; there are: none" in said and "hosts: left, right" in said
    wrong = show("kedge-pear", "")
    assert wrong.returncode == 2 and "expressroute-backup" in wrong.stderr


def test_ctrl_c_removes_everything():
    with start() as demo:
        for line in demo.stderr:
            if line.startswith("tunnel onprem up"):
                break
        assert of_process(demo.pid)
        demo.send_signal(signal.SIGINT)
        out, _ = demo.communicate(timeout=30)
    assert demo.returncode == 130 and out == ""
    assert not of_process(demo.pid)
