"""Seeds 003 and 004 on conf/lab/failover-reference.yaml: prepended paths instead of preferences, and a health probe
that leaves a circuit whose session stays."""
import json

import pytest
import yaml

from lab.topology import Topology
from lab.wait import until
from tables import azure_routes, compare, junos_table, read_rows, tracerts

NAME = "failover-reference"
TABLES = read_rows(NAME)
TABLE, LEARNED = "HQ, route table", "Get-AzVirtualNetworkGatewayLearnedRoute"
ADVERTISED = "Get-AzVirtualNetworkGatewayAdvertisedRoute"


@pytest.fixture(scope="module")
def lab():
    with Topology.load(NAME) as topology:
        hq = topology["hq"].kedge
        for neighbor in ("vpn", "expressroute"):
            hq.wait_established(neighbor)
        hq.events.wait("health.up", 20, health="azure")
        yield topology


def steady(lab):
    compare(TABLES, TABLE, lambda: junos_table(lab["hq"].kedge, "10.0.0.0/8"), 30)
    compare(TABLES, LEARNED, lambda: azure_routes(lab["gw-vpn"].kedge, "learned", "10.0.0.0/8"))


def by_the_vpn(lab, why):
    compare(TABLES, f"{TABLE}, {why}", lambda: junos_table(lab["hq"].kedge, "10.0.0.0/8"))
    compare(TABLES, f"{LEARNED}, HQ withdrawn from ExpressRoute",
            lambda: azure_routes(lab["gw-vpn"].kedge, "learned", "10.0.0.0/8"))
    compare(TABLES, f"{ADVERTISED} -Peer 10.2.0.1, HQ withdrawn from ExpressRoute",
            lambda: azure_routes(lab["gw-vpn"].kedge, "advertised", "localsite2"))
    compare(TABLES, "tracert, by the VPN", lambda: tracerts(lab, TABLES["tracert, by the VPN"]))


def test_the_prepended_paths_of_the_vpn_are_the_second_choice_of_both_sides(lab):
    steady(lab)
    compare(TABLES, "tracert", lambda: tracerts(lab, TABLES["tracert"]))


@pytest.mark.parametrize("peer,neighbor", [("10.1.0.1", "hq"), ("10.2.0.1", "localsite2")])
def test_what_azure_tells_each_site(lab, peer, neighbor):
    compare(TABLES, f"{ADVERTISED} -Peer {peer}",
            lambda: azure_routes(lab["gw-vpn"].kedge, "advertised", neighbor))


@pytest.mark.parametrize("fault", ["expressroute-disabled", "gateway-failed", "route-withdrawn"])
def test_provider_outage_gateway_failure_and_route_withdrawal_move_the_traffic_and_back(lab, fault):
    """Where only one direction is lost, the probe takes the other one along."""
    lab.fault(fault)
    by_the_vpn(lab, "ExpressRoute disabled")
    lab.mend(fault)
    steady(lab)


def test_a_circuit_that_swallows_packets_is_left_by_the_probe_alone(lab):
    hq = lab["hq"].kedge
    mark = hq.events.last_seq
    lab.fault("expressroute-black-hole")
    hq.events.wait("health.down", 15, mark, health="azure")
    by_the_vpn(lab, "ExpressRoute swallows what it is given")
    assert hq.neighbor("expressroute")["state"] == "Established"
    lab.mend("expressroute-black-hole")
    hq.events.wait("health.up", 20, mark, health="azure")
    steady(lab)


# ---- readiness: what shows only where the primary is another AS ----

HQ_NETWORK = "10.1.0.0/24"
ALWAYS = {"rekey-unrehearsed", "drill-none"}
BRANCH = {"prefix-extra", "told-hidden"}  # LocalSite2 is behind the VPN alone, and is not told of HQ


@pytest.fixture
def readiness(lab):
    """Reloads HQ with a change, and waits for exactly these reasons of its tunnel, beside ALWAYS."""
    hq = lab["hq"]

    def judged(*codes, change=lambda spec: None):
        spec = yaml.safe_load(hq.kedge.config_text())
        spec["readiness"] = {"established": "1s"}
        change(spec)
        hq.write("kedge.yaml", yaml.safe_dump(spec, sort_keys=False), 0o600)
        assert not hq.kedge.json("reload")["restart"]

        def found():
            done = hq.kedge.cli("readiness", "vpn", "--json", check=False)
            reasons = {reason["code"]: reason for reason in json.loads(done.stdout)["tunnels"][0]["reasons"]}
            return reasons if set(reasons) == ALWAYS | set(codes) else None
        return until(found, 30, lambda: f"{codes}; {hq.kedge.cli('readiness', check=False).stdout}", 0.2)
    steady(lab)
    yield judged
    hq.write("kedge.yaml", hq.kedge.config_text(), 0o600)
    hq.kedge.cli("reload")
    steady(lab)


def test_readiness_says_what_prepending_costs_and_stops_when_it_is_gone(readiness):
    reasons = readiness(*BRANCH)
    assert "10.2.0.0/24" in reasons["prefix-extra"]["text"]
    hidden = reasons["told-hidden"]
    assert hidden["verdict"] == "degraded"
    assert f"only vpn leads to 10.2.0.0/24, and who is there may not hear of {HQ_NETWORK}" in hidden["text"]
    assert "don't prepend to vpn" in hidden["remedy"]
    own = [{"permit": {"match": {"prefix": [HQ_NETWORK]}}}]
    readiness("prefix-extra", change=lambda spec: spec["policies"].update({"backup-out": own}))


def test_prepending_on_the_wrong_side_is_a_return_path_over_the_backup(readiness):
    def swap(spec):
        policies = spec["policies"]
        policies["own"], policies["backup-out"] = policies["backup-out"], policies["own"]
    reason = readiness("prefix-extra", "told-preferred", change=swap)["told-preferred"]
    assert reason["verdict"] == "degraded" and f"{HQ_NETWORK} with 1 against 4" in reason["text"]


def test_our_own_prefix_told_by_the_primary_is_a_return_path_by_another_way(lab, readiness):
    """The MSEE prefers what it has from elsewhere, and tells it; that it hears HQ's as well makes no difference."""
    def msee(*lines):
        lab["msee"].run("vtysh", *(word for line in ("configure terminal", *lines) for word in ("-c", line)))
    readiness(*BRANCH)
    msee("route-map from-azure permit 10", "set as-path prepend 65515 65020 65020", "exit", "router bgp 12076",
         "no bgp network import-check", "address-family ipv4 unicast", "no neighbor 172.16.0.1 remove-private-AS",
         f"network {HQ_NETWORK} route-map from-azure")
    reason = readiness("return-elsewhere", *BRANCH)["return-elsewhere"]
    assert reason["verdict"] == "degraded" and HQ_NETWORK in reason["text"]
    assert reason["text"].startswith("expressroute tells us 1 of our own prefixes, by 4 AS hops")
    msee("router bgp 12076", "address-family ipv4 unicast", f"no network {HQ_NETWORK}",
         "neighbor 172.16.0.1 remove-private-AS")
    readiness(*BRANCH)
