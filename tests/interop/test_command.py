"""The kedge command against a running daemon: JSON with a version, exit codes a script can use, text for people."""
import json
import subprocess

import pytest

from lab import kedge
from lab.topology import Topology
from peers import strongswan_pair, with_bgp


@pytest.fixture(scope="module")
def gate():
    with Topology(with_bgp(strongswan_pair(tunnel={"role": "initiator"}))) as lab:
        lab["gate"].kedge.wait_up("peer")
        lab["gate"].kedge.wait_established("peer")
        lab["gate"].kedge.wait_route("10.2.0.0/24", installed=True)
        yield lab["gate"].kedge


def without_daemon(*arguments):
    return subprocess.run([kedge.kedge(), "--socket", "/nonexistent/kedge.sock", *arguments], capture_output=True,
                          text=True, timeout=10, check=False)


def test_no_daemon_is_exit_3_and_names_the_socket():
    done = without_daemon("status")
    assert done.returncode == 3 and "/nonexistent/kedge.sock" in done.stderr


@pytest.mark.parametrize("arguments", [["frobnicate"], [], ["status", "--frobnicate"], ["up"]])
def test_wrong_usage_is_exit_2(arguments):
    assert without_daemon(*arguments).returncode == 2


@pytest.mark.parametrize("arguments", [["status"], ["bgp", "neighbors"], ["routes"], ["routes", "learned"],
                                       ["routes", "best"], ["routes", "advertised", "peer"],
                                       ["bgp", "neighbors", "peer"], ["bgp", "neighbors", "--azure"],
                                       ["routes", "learned", "--azure"], ["routes", "advertised", "peer", "--azure"]])
def test_every_view_has_text_and_versioned_json(gate, arguments):
    assert gate.json(*arguments)["version"] == 1
    assert gate.cli(*arguments).stdout.strip()


def test_azures_rows_of_a_live_session(gate):
    learned = gate.json("routes", "learned", "--azure")["value"]
    me, host = learned[0]["localAddress"], learned[0]["sourcePeer"]
    assert me == host  # the gateway's own networks come first
    by = {row["network"]: row for row in learned}
    assert by["10.0.2.1/32"]["origin"] == "Network" and by["10.0.2.1/32"]["nextHop"] == ""
    assert by["10.2.0.0/24"] == {"network": "10.2.0.0/24", "origin": "EBgp", "sourcePeer": "10.0.2.1",
                                 "nextHop": "10.0.2.1", "localAddress": "10.0.1.1", "asPath": "65020", "weight": 32768}
    advertised = gate.json("routes", "advertised", "peer", "--azure")["value"]
    assert {row["weight"] for row in advertised} == {0}
    neighbors = gate.json("bgp", "neighbors", "--azure")["value"]
    assert [row["state"] for row in neighbors] == ["Connected", "Unknown"]
    assert neighbors[1]["neighbor"] == "10.0.1.1" == neighbors[1]["localAddress"]
    shown = gate.cli("routes", "learned", "--azure=Network,AsPath").stdout.splitlines()
    assert [line.split() for line in shown[:2]] == [["Network", "AsPath"], ["-------", "------"]]


def test_status_has_the_contracts_fields(gate):
    status = gate.json("status")
    assert status["daemon"]["dataplane"] == "tun" and status["daemon"]["dataplane_reason"]
    (row,) = status["tunnels"]
    assert row["name"] == "peer" and row["state"] == "up" and row["reason"] == "none" and row["refusal"] is None
    assert row["interface"] == "kedge0" and 1280 <= row["mtu"] < 1500
    for key in ("spi_i", "spi_r", "suite", "local_id", "remote_id", "age_s", "rekey_in_s"):
        assert key in row["ike"]
    for key in ("spi_in", "spi_out", "bytes_in", "packets_out", "dropped_replay", "dropped_auth", "dropped_ts"):
        assert key in row["children"][0]


def test_dataplane_auto_says_in_one_line_why_it_is_the_userspace_one(gate):
    lines = [line for line in gate.log().splitlines() if "daemon.dataplane" in line]
    assert len(lines) == 1 and "tun" in lines[0]
    assert gate.events.wait("daemon.dataplane")


def test_status_of_one_tunnel_and_of_an_unknown_one(gate):
    assert [row["name"] for row in gate.json("status", "peer")["tunnels"]] == ["peer"]
    done = gate.cli("status", "nosuch", check=False)
    assert done.returncode == 1 and "nosuch" in done.stderr and "peer" in done.stderr


def test_events_are_chosen_by_name_or_kind_and_what_is_none_is_named(gate):
    def names(*chosen):
        return {json.loads(line)["event"] for line in gate.cli("events", "--json", *chosen).stdout.splitlines()}
    assert {name.split(".")[0] for name in names()} > {"bgp", "route", "tunnel"}
    assert names("--event", "route,tunnel.state") == {"route.add", "tunnel.state"}
    assert "bgp.state" in names("--event", "bgp") and all(name.startswith("bgp.") for name in names("--event", "bgp"))
    refused = gate.cli("events", "--event", "route,bgp.stat", check=False)
    assert refused.returncode == 1 and '"bgp.stat"' in refused.stderr and "bgp.stop,tunnel" in refused.stderr


def test_events_have_rising_numbers_and_times(gate):
    events = [json.loads(line) for line in gate.cli("events", "--json").stdout.splitlines()]
    assert [e["seq"] for e in events] == sorted({e["seq"] for e in events})
    assert [e["t_us"] for e in events] == sorted(e["t_us"] for e in events)
    names = [e["event"] for e in events]
    for name in ("daemon.start", "ike.established", "child.up", "tunnel.state", "bgp.state", "route.add"):
        assert name in names
    assert names.index("ike.established") <= names.index("bgp.state")


def test_a_socket_for_curl(gate):
    done = gate.host.run("curl", "-s", "--unix-socket", kedge.SOCKET, "http://kedge/v1/status", check=False)
    if done.returncode == 127:
        pytest.skip("curl is not installed")
    assert json.loads(done.stdout)["version"] == 1


def test_up_with_wait_on_a_tunnel_that_is_up_is_done_at_once(gate):
    assert gate.cli("up", "peer", "--wait", "5s").returncode == 0


def test_up_that_cannot_come_up_times_out_with_4(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}, secrets={"psk": {"secret": "another-key"}}))
    done = lab["gate"].kedge.cli("up", "peer", "--wait", "2s", check=False)
    assert done.returncode in (1, 4) and done.stderr
