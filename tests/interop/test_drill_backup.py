"""kedge's drills on seed 002 whole: ExpressRoute out and back, and the same drained, measured from the test server."""
import json
import os
import subprocess

import pytest

from lab.drills import TOPOLOGY, Backup
from lab.topology import ROOT, Topology, read
from lab.wait import until


LEARNED = 8  # the hub and the spoke, from both CE routers and over both tunnels


def description():
    """Ready when nothing is broken: sessions need not be old, new keys are rehearsed at once."""
    text = read(TOPOLOGY)
    firewall = text["hosts"]["sea-srx42-01"]["kedge"]
    firewall["readiness"] = {"established": "1s", "primary": ["ce-primary", "ce-secondary"]}
    for tunnel in firewall["tunnels"]:
        tunnel["rekey-rehearsal"] = "1s"
    return text


@pytest.fixture(scope="module")
def backup():
    with Topology(description()) as lab:
        built = Backup(lab)
        until(lambda: len(built.kedge.routes("learned")) == LEARNED, 30, f"{LEARNED} routes learned", 0.1)
        yield built


def way(result, when):
    return result["paths"][result[when]]["name"]


@pytest.mark.parametrize("name", ["er-outage", "drained", "tunnel-silent"])
def test_the_labs_drills_pass_in_the_simulator(backup, name):
    done = backup.kedge.cli("drill", "rehearse", os.path.join(ROOT, "conf/lab/drills", f"{name}.yaml"), "--json",
                            "--config", os.path.join(backup.kedge.host.directory, "kedge.yaml"), check=False)
    assert done.returncode == 0, done.stderr
    end = json.loads(done.stdout)
    assert end["verdict"] == "passed" and end["routes"] == LEARNED and end["left_out"] == end["alike"] == 0


def test_the_backup_carries_while_expressroute_is_out(backup):
    end = backup.run("er-outage")
    result = end["result"]
    assert end["verdict"] == "passed", end["reason"]
    assert [way(result, when) for when in ("before", "during", "after")] == ["expressroute", "vpn", "expressroute"]
    assert result["loss"]["sent"] > 100
    firewall = {row["neighbor"]: row for row in result["routes"]}
    assert firewall["ce-primary"]["before"] == 2 and firewall["ce-primary"]["during"] == 0
    assert firewall["azure-primary"]["during"] == 2


def test_circuits_cut_silently_are_found_by_bfd_and_mended(backup):
    end = backup.run("er-cut")
    assert end["verdict"] == "passed", end["reason"]
    assert [way(end["result"], when) for when in ("before", "during", "after")] == ["expressroute", "vpn", "expressroute"]
    assert end["result"]["loss"]["outages"] >= 1


def test_a_drained_drill_loses_nothing_in_either_direction(backup):
    end = backup.run("drained")
    assert end["verdict"] == "passed", end["reason"]
    assert end["result"]["loss"]["lost"] == 0 and end["result"]["loss"]["outages"] == 0
    assert way(end["result"], "during") == "vpn"


def test_a_backup_that_is_not_ready_is_not_drilled_by_accident(backup):
    kedge = backup.kedge
    path = kedge.host.write("careful.yaml", "drill: careful\nrequire: ready\nsteps: [hold: 100ms]\n")

    def run(*options):
        return kedge.cli("drill", "run", path, *options, check=False)

    until(lambda: run().returncode == 0, 30, lambda: f"the backup ready: {run().stderr}", 0.5)
    kedge.cli("down", "azure-secondary")
    until(lambda: run().returncode == 1, 15, "the backup not ready")
    refused = run().stderr
    assert "the backup is not-ready: azure-secondary: tunnel-down: " in refused and "--force" in refused, refused
    assert run("--force").returncode == 0
    assert kedge.json("drill", "show", "careful")["forced"]
    kedge.cli("up", "azure-secondary")
    until(lambda: run().returncode == 0, 30, lambda: f"the backup ready again: {run().stderr}", 0.5)


def test_drained_by_graceful_shutdown_nothing_is_lost_where_everyone_honours_it():
    bench = os.path.join(ROOT, "tests/bench/failover")
    done = subprocess.run([bench, "--runs", "1", "--case", "gshut", "--topology", "expressroute-kedge", "--prefixes", "200"],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "kept" in done.stdout, done.stdout + done.stderr
