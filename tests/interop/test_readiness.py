"""Readiness in seed 002's network: the firewall judges its two tunnels to Azure; each test breaks one thing where it
breaks in the field, and the daemon finds it by itself, names it and what to do. From the start the secondary tunnel
has a PFS mismatch, the way to it carries 1400 octets and says nothing, and the only drill is old."""
import json
import os
import time

import pytest
import yaml

from lab.topology import Topology, read
from lab.wait import deadline_in

SPOKE = "10.17.11.128/26"
ALWAYS = {"azure-primary": {"drill-old"}, "azure-secondary": {"drill-old", "rekey-failed"}}

OLD_DRILL = {
    "version": 1, "id": "20231114T221320.000Z", "kedge": "", "drill": "er-outage", "node": "",
    "start_wall_us": 1700000000000000, "length_us": 1000000, "verdict": "passed", "reason": "", "forced": False,
    "rehearsed": False, "probe_from": "", "probe_to": "", "probe_udp": False, "probe_every_us": 0,
    "events_left_out": 0, "before": None, "during": None, "after": None,
    "loss": {**dict.fromkeys(("sent", "answered", "lost", "late", "duplicate", "reordered", "lost_out", "lost_back",
                              "outages", "longest_us", "rtt_p50_us", "rtt_p95_us", "rtt_max_us"), 0),
             "counted": False},
    "steps": [], "marks": [], "outages": [], "paths": [], "routes": [], "events": [], "buckets": [], "bucket_us": 0}


def description():
    text = read("expressroute-backup")
    firewall = text["hosts"]["sea-srx42-01"]["kedge"]
    firewall["readiness"] = {"established": "2s", "primary": ["ce-primary", "ce-secondary"]}
    for tunnel in firewall["tunnels"]:
        tunnel.update({"rekey-rehearsal": "2s", "mtu-probe": "10s"})
        tunnel["neighbor"].update({"hold": "60s", "keepalive": "3s"})
    firewall["tunnels"][1]["esp"] = ["aes256-sha1-modp1024"]
    del firewall["tunnels"][1]["profile"]
    firewall["tunnels"][1].update({"ike": ["aes256-sha1-modp1024"], "legacy": True})
    azure = dict(text["hosts"]["gw-vpn-1"]["kedge"]["tunnels"][0], ike=["aes256-sha1-modp1024"],
                 esp=["aes256-sha1"], legacy=True)
    del azure["profile"]
    text["hosts"]["gw-vpn-1"]["kedge"]["tunnels"] = [azure]
    return text


@pytest.fixture(scope="module")
def lab():
    with Topology(description(), start=False) as topology:
        drills = os.path.join(topology["sea-srx42-01"].directory, "state", "drills")
        os.makedirs(drills, 0o700)
        with open(os.path.join(drills, OLD_DRILL["id"] + ".json"), "w", encoding="utf-8") as file:
            json.dump(OLD_DRILL, file)
        router = topology["internet"]
        router.run("iptables", "-I", "OUTPUT", "-p", "icmp", "-j", "DROP")
        router.run("ip", "route", "add", "203.0.113.77/32", "dev", "azure0", "mtu", "lock", "1400")
        topology.start_services()
        yield topology


def wait_for(lab, tunnel, *codes, timeout=30):
    """Until the tunnel's reasons are these, beside those it always has: told by an event, seen by the command."""
    kedge = lab["sea-srx42-01"].kedge
    expected, seen, last = ALWAYS[tunnel] | set(codes), None, -1
    deadline = deadline_in(timeout)
    while seen != expected:
        for event in kedge.events.drain():
            if event["seq"] > last and event["event"] == "readiness.change" and event["tunnel"] == tunnel:
                seen, last = set(event["detail"].partition(": ")[2].split(", ")), event["seq"]
        if seen != expected:
            left = deadline - time.monotonic()
            assert left > 0, f"{tunnel}: {sorted(seen or ())} instead of {sorted(expected)}"
            kedge.events.wait("readiness.change", left, last, tunnel=tunnel)
    return reasons(lab, tunnel)


def reasons(lab, tunnel):
    """By code; the command's exit status says that not all is well."""
    done = lab["sea-srx42-01"].kedge.cli("readiness", tunnel, "--json", check=False)
    assert done.returncode == 1, done
    row, = json.loads(done.stdout)["tunnels"]
    assert row["tunnel"] == tunnel
    return {reason["code"]: reason for reason in row["reasons"]}


def azure_has(lab, name, spokes):
    """The gateway's virtual network has these spokes from now on."""
    kedge = lab[name].kedge
    spec = yaml.safe_load(kedge.config_text())
    spec["router"]["azure"]["spokes"] = spokes
    lab[name].write("kedge.yaml", yaml.safe_dump(spec, sort_keys=False), 0o600)
    kedge.cli("reload")


def ce_router(lab, *lines):
    """Changes the primary CE router's BGP, and has the firewall told."""
    words = ("configure terminal", "router bgp 65020", *lines, "end", "clear bgp 192.168.11.1 soft out")
    lab["sea-mx03-01"].run("vtysh", *(word for line in words for word in ("-c", line)))


def test_a_stale_drill_and_a_pfs_mismatch_are_found_by_themselves(lab):
    primary = wait_for(lab, "azure-primary", timeout=60)
    assert primary["drill-old"]["verdict"] == "degraded" and "er-outage" in primary["drill-old"]["text"]
    assert primary["drill-old"]["remedy"] == "kedge drill run er-outage"
    secondary = wait_for(lab, "azure-secondary")
    assert secondary["rekey-failed"]["verdict"] == "not-ready"
    assert "child rekey: no-proposal" in secondary["rekey-failed"]["text"]
    assert "kedge explain azure-secondary" in secondary["rekey-failed"]["remedy"]


def test_the_text_is_for_people_and_the_metrics_for_prometheus(lab):
    wait_for(lab, "azure-secondary", timeout=60)
    text = lab["sea-srx42-01"].kedge.cli("readiness", check=False).stdout
    assert "azure-primary: degraded for" in text and "azure-secondary: not-ready for" in text
    assert "remedy: kedge drill run er-outage" in text
    metrics = lab["sea-srx42-01"].run("curl", "-s", "--unix-socket", "/run/kedge/kedge.sock",
                                      "http://kedge/metrics").stdout
    assert 'kedge_readiness{tunnel="azure-primary",verdict="degraded"} 1' in metrics
    assert 'kedge_readiness{tunnel="azure-primary",verdict="ready"} 0' in metrics
    assert 'kedge_readiness_reason{tunnel="azure-secondary",reason="rekey-failed",verdict="not-ready"} 1' in metrics


def test_a_tunnel_that_is_none_is_named(lab):
    done = lab["sea-srx42-01"].kedge.cli("readiness", "nosuch", check=False)
    assert done.returncode == 1 and "nosuch" in done.stderr and "azure-primary" in done.stderr


def test_a_spoke_prefix_missing_on_the_backup(lab):
    wait_for(lab, "azure-primary", timeout=60)
    ce_router(lab, "no bgp network import-check", "address-family ipv4 unicast", "network 10.17.12.0/24")
    reason = wait_for(lab, "azure-primary", "prefix-missing")["prefix-missing"]
    assert reason["verdict"] == "not-ready" and "azure-primary tells 1 of the primary's" in reason["text"]
    assert "10.17.12.0/24" in reason["text"]
    ce_router(lab, "address-family ipv4 unicast", "no network 10.17.12.0/24")
    wait_for(lab, "azure-primary")


def test_a_more_specific_prefix_leaking_over_the_backup(lab):
    wait_for(lab, "azure-primary", timeout=60)
    azure_has(lab, "gw-vpn-0", [SPOKE, "10.17.11.144/28"])
    reason = wait_for(lab, "azure-primary", "prefix-more-specific")["prefix-more-specific"]
    assert reason["verdict"] == "degraded" and "10.17.11.144/28" in reason["text"]
    azure_has(lab, "gw-vpn-0", [SPOKE])
    wait_for(lab, "azure-primary")


def test_the_local_preference_forgotten_on_one_ce_router(lab):
    wait_for(lab, "azure-primary", timeout=60)
    policy = "neighbor 192.168.11.1 route-map prefer-expressroute out"
    ce_router(lab, "address-family ipv4 unicast", f"no {policy}")
    reason = wait_for(lab, "azure-primary", "preference-uneven")["preference-uneven"]
    assert "ce-primary weight 0, local preference 100" in reason["text"]
    assert reason["remedy"].startswith("ce-primary sets the local preference that its twin sets")
    ce_router(lab, "address-family ipv4 unicast", policy)
    wait_for(lab, "azure-primary")


def test_esp_that_comes_in_one_direction_only(lab):
    wait_for(lab, "azure-primary", timeout=60)
    lab["internet"].run("iptables", "-I", "FORWARD", "-p", "esp", "-s", "203.0.113.76", "-j", "DROP")
    reason = wait_for(lab, "azure-primary", "one-way", timeout=40)["one-way"]
    assert "ESP packets were sent in the last" in reason["text"] and "protocol 50" in reason["remedy"]
    assert lab["sea-srx42-01"].kedge.tunnel("azure-primary")["state"] == "up"  # IKE still goes both ways


def test_an_mtu_black_hole_without_icmp(lab):
    reason = wait_for(lab, "azure-secondary", "mtu-black-hole", timeout=60)["mtu-black-hole"]
    tunnel = lab["sea-srx42-01"].kedge.tunnel("azure-secondary")
    path = tunnel["path_mtu"]
    assert 1385 <= path["passes"] <= 1400 < path["needed"], path  # its cipher makes datagrams of 16 octets' steps
    assert f"set mtu: {path['mtu']} and mss: {path['mtu'] - 40}" in reason["remedy"]
    assert tunnel["state"] == "up" and tunnel["mtu"] > path["mtu"]
    assert lab["sea-srx42-01"].kedge.events.find("tunnel.detect", tunnel="azure-secondary") is None
