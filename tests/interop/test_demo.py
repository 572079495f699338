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
